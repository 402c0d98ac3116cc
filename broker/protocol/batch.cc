#include "broker/protocol/batch.h"

#include "broker/base/check.h"
#include "broker/base/crc32c.h"
#include "broker/base/varint.h"
#include "broker/protocol/compression.h"

namespace tribunal {
namespace {

constexpr std::string_view kUidHeader = "tribunal.uid";
constexpr std::int64_t kUidHeaderSize = 1 + static_cast<std::int64_t>(kUidHeader.size()) + 1 + 8;

template <class Text>
void put_nullable(std::string& out, const std::optional<Text>& bytes) {
    put_varint(out, bytes ? static_cast<std::int64_t>(bytes->size()) : -1);
    if (bytes) out += *bytes;
}

template <class Text>
std::int64_t nullable_size(const std::optional<Text>& bytes) {
    const auto size = bytes ? static_cast<std::int64_t>(bytes->size()) : 0;
    return varint_size(bytes ? size : -1) + size;
}

bool take_nullable(std::string_view& in, std::optional<std::string_view>& bytes) {
    std::int32_t size = 0;
    if (!take_varint(in, size)) return false;
    if (size < 0) {
        bytes.reset();
        return true;
    }
    if (static_cast<std::size_t>(size) > in.size()) return false;
    bytes = in.substr(0, static_cast<std::size_t>(size));
    in.remove_prefix(static_cast<std::size_t>(size));
    return true;
}

// Everything of a record after its length field.
std::int64_t body_size(const Record& record, std::int64_t timestamp_delta, std::int32_t index) {
    std::int64_t size = 1 + varint_size(timestamp_delta) + varint_size(index) +
                        nullable_size(record.key) + nullable_size(record.value);
    const bool has_uid = record.uid != kNoUid;
    size += varint_size(static_cast<std::int64_t>(record.headers.size()) + (has_uid ? 1 : 0));
    if (has_uid) size += kUidHeaderSize;
    for (const Header& header : record.headers) {
        size += varint_size(static_cast<std::int64_t>(header.key.size())) +
                static_cast<std::int64_t>(header.key.size()) + nullable_size(header.value);
    }
    return size;
}

void put_headers(std::string& out, const std::vector<Header>& headers) {
    for (const Header& header : headers) {
        put_varint(out, static_cast<std::int64_t>(header.key.size()));
        out += header.key;
        put_nullable(out, header.value);
    }
}

void put_uid(std::string& out, RecordUid uid) {
    put_varint(out, static_cast<std::int64_t>(kUidHeader.size()));
    out += kUidHeader;
    put_varint(out, 8);
    put_big_endian(out, uid.value);
}

// Of bytes that nobody checked the sum may overflow: it wraps, as in Java.
template <class Number>
Number plus(Number base, std::int64_t delta) {
    return Number{static_cast<std::int64_t>(static_cast<std::uint64_t>(base.value) +
                                            static_cast<std::uint64_t>(delta))};
}

// The uid when `in` begins with our header; `in` then stands behind it.
RecordUid take_uid(std::string_view& in) {
    constexpr auto size = static_cast<std::size_t>(kUidHeaderSize);
    if (in.size() < size || static_cast<unsigned char>(in[0]) != 2 * kUidHeader.size() ||
        in.substr(1, kUidHeader.size()) != kUidHeader || in[1 + kUidHeader.size()] != 16) {
        return kNoUid;
    }
    const RecordUid uid{big_endian_at<std::int64_t>(in, size - 8)};
    in.remove_prefix(size);
    return uid;
}

}  // namespace

std::int64_t BatchBuilder::size_of(const Record& record) {
    const std::int64_t body = body_size(record, 0, 0);
    return varint_size(body) + body;
}

void BatchBuilder::append(const Record& record) {
    if (count == 0) {
        base_timestamp = record.timestamp;
        max_timestamp = record.timestamp;
    }
    if (max_timestamp < record.timestamp) max_timestamp = record.timestamp;
    const std::int64_t timestamp_delta = record.timestamp.value - base_timestamp.value;
    const std::int64_t size = body_size(record, timestamp_delta, count);
    bytes.reserve(bytes.size() + static_cast<std::size_t>(varint_size(size) + size));
    put_varint(bytes, size);
    bytes += '\0';  // attributes, unused in v2
    put_varint(bytes, timestamp_delta);
    put_varint(bytes, count);
    put_nullable(bytes, record.key);
    put_nullable(bytes, record.value);
    const bool has_uid = record.uid != kNoUid;
    put_varint(bytes, static_cast<std::int64_t>(record.headers.size()) + (has_uid ? 1 : 0));
    if (has_uid) put_uid(bytes, record.uid);
    put_headers(bytes, record.headers);
    ++count;
}

RecordBatch BatchBuilder::close(ProducerId producer_id, std::int16_t producer_epoch,
                                std::int32_t base_sequence, CompressionType type) {
    CHECK(count > 0);
    RecordBatch batch;
    batch.last_offset_delta = count - 1;
    batch.record_count = count;
    batch.base_timestamp = base_timestamp;
    batch.max_timestamp = max_timestamp;
    batch.producer_id = producer_id;
    batch.producer_epoch = producer_epoch;
    batch.base_sequence = base_sequence;
    seal(batch, bytes, type);
    bytes.clear();
    count = 0;
    return batch;
}

std::uint32_t checksum(const RecordBatch& batch) {
    char header[40];
    std::size_t n = 0;
    const auto put = [&](auto value) {
        store_big_endian(header + n, value);
        n += sizeof(value);
    };
    put(batch.attributes);
    put(batch.last_offset_delta);
    put(batch.base_timestamp.value);
    put(batch.max_timestamp.value);
    put(batch.producer_id.value);
    put(batch.producer_epoch);
    put(batch.base_sequence);
    put(batch.record_count);
    CHECK(n == sizeof(header));
    return crc32c(batch.records.view(), crc32c({header, n}));
}

void encode_record(std::string& out, std::int64_t timestamp_delta, std::int32_t offset_delta,
                   const RecordView& record) {
    const bool has_uid = record.uid != kNoUid;
    const std::int64_t headers = std::int64_t{record.header_count} + (has_uid ? 1 : 0);
    put_varint(out, 1 + varint_size(timestamp_delta) + varint_size(offset_delta) +
                        nullable_size(record.key) + nullable_size(record.value) +
                        varint_size(headers) + (has_uid ? kUidHeaderSize : 0) +
                        static_cast<std::int64_t>(record.headers.size()));
    out += '\0';  // attributes, unused in v2
    put_varint(out, timestamp_delta);
    put_varint(out, offset_delta);
    put_nullable(out, record.key);
    put_nullable(out, record.value);
    put_varint(out, headers);
    if (has_uid) put_uid(out, record.uid);
    out += record.headers;
}

void seal(RecordBatch& batch, std::string_view encoded_records, CompressionType type) {
    batch.attributes = static_cast<std::int16_t>((batch.attributes & ~attribute::kCompression) |
                                                 static_cast<std::int16_t>(type));
    batch.records = type == CompressionType::none ? Payload{encoded_records}
                                                  : Payload{compress(type, encoded_records)};
    batch.crc = checksum(batch);
}

std::optional<std::string_view> unpacked_records(const RecordBatch& batch, std::string& scratch) {
    if (batch.compression() == CompressionType::none) return batch.records.view();
    // A batch that compaction emptied keeps its attributes and has nothing to unpack.
    if (batch.records.size() == 0 && batch.record_count == 0) return std::string_view{};
    auto unpacked = decompress(batch.compression(), batch.records.view());
    if (!unpacked) return std::nullopt;
    scratch = std::move(*unpacked);
    return scratch;
}

bool take_header(std::string_view& headers, std::string_view& key,
                 std::optional<std::string_view>& value) {
    std::optional<std::string_view> name;
    if (!take_nullable(headers, name) || !name || !take_nullable(headers, value)) return false;
    key = *name;
    return true;
}

namespace {

bool headers_decode(std::string_view headers, std::int32_t count) {
    std::string_view key;
    std::optional<std::string_view> value;
    for (; count > 0; --count) {
        if (!take_header(headers, key, value)) return false;
    }
    return headers.empty();
}

}  // namespace

bool decode_records(const RecordBatch& batch, void* context,
                    void (*visit)(void* context, const RecordView& record)) {
    std::string scratch;
    const auto unpacked = unpacked_records(batch, scratch);
    if (!unpacked) return false;
    std::string_view in = *unpacked;
    const bool log_append_time = batch.is_log_append_time();
    for (std::int32_t i = 0; i < batch.record_count; ++i) {
        std::int32_t size = 0;
        if (!take_varint(in, size) || size < 1 || static_cast<std::size_t>(size) > in.size()) {
            return false;
        }
        std::string_view body = in.substr(1, static_cast<std::size_t>(size) - 1);  // no attributes
        in.remove_prefix(static_cast<std::size_t>(size));
        std::int64_t timestamp_delta = 0;
        std::int32_t offset_delta = 0;
        std::int32_t headers = 0;
        RecordView record;
        if (!take_varlong(body, timestamp_delta) || !take_varint(body, offset_delta) ||
            !take_nullable(body, record.key) || !take_nullable(body, record.value) ||
            !take_varint(body, headers) || headers < 0) {
            return false;
        }
        record.offset = plus(batch.base_offset, offset_delta);
        record.timestamp =
            log_append_time ? batch.max_timestamp : plus(batch.base_timestamp, timestamp_delta);
        if (headers > 0) record.uid = take_uid(body);
        record.header_count = headers - (record.uid != kNoUid ? 1 : 0);
        record.headers = body;
        if (!headers_decode(body, record.header_count)) return false;
        visit(context, record);
    }
    return in.empty();
}

namespace {

template <class Text>
std::uint32_t digest_of_content(const std::optional<Text>& key, const std::optional<Text>& value,
                                std::string_view headers) {
    std::uint32_t crc = crc32c(key ? "k" : "n");
    if (key) crc = crc32c(*key, crc);
    crc = crc32c(value ? "v" : "n", crc);
    if (value) crc = crc32c(*value, crc);
    return crc32c(headers, crc);
}

}  // namespace

std::uint32_t RecordView::content_digest() const { return digest_of_content(key, value, headers); }

std::uint32_t content_digest(const Record& record) {
    std::string headers;
    put_headers(headers, record.headers);
    return digest_of_content(record.key, record.value, headers);
}

}  // namespace tribunal
