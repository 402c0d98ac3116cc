#include "broker/protocol/batch.h"

#include <cstring>

#include "broker/base/check.h"
#include "broker/base/crc32c.h"

namespace tribunal {
namespace {

constexpr std::string_view kUidHeader = "tribunal.uid";

void put_varint(std::string& out, std::int64_t value) {
    // Zig-zag, then base 128: the encoding of all lengths and deltas inside a v2 record.
    std::uint64_t z =
        (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
    while (z >= 0x80) {
        out += static_cast<char>(0x80 | (z & 0x7f));
        z >>= 7;
    }
    out += static_cast<char>(z);
}

std::int64_t varint_size(std::int64_t value) {
    std::uint64_t z =
        (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
    std::int64_t n = 1;
    for (; z >= 0x80; z >>= 7) ++n;
    return n;
}

bool get_varint(std::string_view& in, std::int64_t& value) {
    std::uint64_t z = 0;
    for (int shift = 0; shift < 64; shift += 7) {
        if (in.empty()) return false;
        const auto byte = static_cast<unsigned char>(in.front());
        in.remove_prefix(1);
        z |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
        if (byte < 0x80) {
            value = static_cast<std::int64_t>(z >> 1) ^ -static_cast<std::int64_t>(z & 1);
            return true;
        }
    }
    return false;
}

template <class Int>
void put_big_endian(std::string& out, Int value) {
    for (int shift = 8 * (static_cast<int>(sizeof(Int)) - 1); shift >= 0; shift -= 8) {
        out += static_cast<char>(static_cast<std::uint64_t>(value) >> shift & 0xff);
    }
}

void put_nullable(std::string& out, const std::optional<std::string>& bytes) {
    put_varint(out, bytes ? static_cast<std::int64_t>(bytes->size()) : -1);
    if (bytes) out += *bytes;
}

std::int64_t nullable_size(const std::optional<std::string>& bytes) {
    const auto size = bytes ? static_cast<std::int64_t>(bytes->size()) : 0;
    return varint_size(bytes ? size : -1) + size;
}

bool get_nullable(std::string_view& in, std::optional<std::string_view>& bytes) {
    std::int64_t size = 0;
    if (!get_varint(in, size)) return false;
    if (size < 0) {
        bytes.reset();
        return true;
    }
    if (static_cast<std::uint64_t>(size) > in.size()) return false;
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
    if (has_uid) size += 1 + static_cast<std::int64_t>(kUidHeader.size()) + 1 + 8;
    for (const Header& header : record.headers) {
        size += varint_size(static_cast<std::int64_t>(header.key.size())) +
                static_cast<std::int64_t>(header.key.size()) + nullable_size(header.value);
    }
    return size;
}

// The uid when `in` begins with our header; `in` then stands behind it.
RecordUid take_uid(std::string_view& in) {
    constexpr std::size_t size = 1 + kUidHeader.size() + 1 + 8;
    if (in.size() < size || static_cast<unsigned char>(in[0]) != 2 * kUidHeader.size() ||
        in.substr(1, kUidHeader.size()) != kUidHeader || in[1 + kUidHeader.size()] != 16) {
        return kNoUid;
    }
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < 8; ++i) {
        value = (value << 8) | static_cast<unsigned char>(in[size - 8 + i]);
    }
    in.remove_prefix(size);
    return RecordUid{static_cast<std::int64_t>(value)};
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
    put_varint(bytes, body_size(record, timestamp_delta, count));
    bytes += '\0';  // attributes, unused in v2
    put_varint(bytes, timestamp_delta);
    put_varint(bytes, count);
    put_nullable(bytes, record.key);
    put_nullable(bytes, record.value);
    const bool has_uid = record.uid != kNoUid;
    put_varint(bytes, static_cast<std::int64_t>(record.headers.size()) + (has_uid ? 1 : 0));
    if (has_uid) {
        put_varint(bytes, static_cast<std::int64_t>(kUidHeader.size()));
        bytes += kUidHeader;
        put_varint(bytes, 8);
        put_big_endian(bytes, record.uid.value);
    }
    for (const Header& header : record.headers) {
        put_varint(bytes, static_cast<std::int64_t>(header.key.size()));
        bytes += header.key;
        put_nullable(bytes, header.value);
    }
    ++count;
}

RecordBatch BatchBuilder::close(ProducerId producer_id, std::int16_t producer_epoch,
                                std::int32_t base_sequence) {
    CHECK(count > 0);
    RecordBatch batch;
    batch.last_offset_delta = count - 1;
    batch.record_count = count;
    batch.base_timestamp = base_timestamp;
    batch.max_timestamp = max_timestamp;
    batch.producer_id = producer_id;
    batch.producer_epoch = producer_epoch;
    batch.base_sequence = base_sequence;
    batch.records = Payload{bytes};
    batch.crc = checksum(batch);
    bytes.clear();
    count = 0;
    return batch;
}

std::uint32_t checksum(const RecordBatch& batch) {
    char header[40];
    std::size_t n = 0;
    const auto put = [&](auto value) {
        for (int shift = 8 * (static_cast<int>(sizeof(value)) - 1); shift >= 0; shift -= 8) {
            header[n++] = static_cast<char>(static_cast<std::uint64_t>(value) >> shift & 0xff);
        }
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

bool decode_records(const RecordBatch& batch, void* context,
                    void (*visit)(void* context, const RecordView& record)) {
    std::string_view in = batch.records.view();
    for (std::int32_t i = 0; i < batch.record_count; ++i) {
        std::int64_t size = 0;
        if (!get_varint(in, size) || size < 0 || static_cast<std::uint64_t>(size) > in.size()) {
            return false;
        }
        std::string_view body = in.substr(0, static_cast<std::size_t>(size));
        in.remove_prefix(static_cast<std::size_t>(size));
        if (body.empty()) return false;
        body.remove_prefix(1);
        std::int64_t timestamp_delta = 0;
        std::int64_t offset_delta = 0;
        std::int64_t headers = 0;
        RecordView record;
        if (!get_varint(body, timestamp_delta) || !get_varint(body, offset_delta) ||
            !get_nullable(body, record.key) || !get_nullable(body, record.value) ||
            !get_varint(body, headers) || headers < 0) {
            return false;
        }
        record.offset = batch.base_offset + offset_delta;
        record.timestamp = Timestamp{batch.base_timestamp.value + timestamp_delta};
        if (headers > 0) record.uid = take_uid(body);
        record.header_count = static_cast<std::int32_t>(headers) - (record.uid != kNoUid ? 1 : 0);
        record.headers = body;
        visit(context, record);
    }
    return in.empty();
}

std::uint32_t RecordView::content_digest() const {
    std::uint32_t crc = crc32c(key ? "k" : "n");
    if (key) crc = crc32c(*key, crc);
    crc = crc32c(value ? "v" : "n", crc);
    if (value) crc = crc32c(*value, crc);
    return crc32c(headers, crc);
}

}  // namespace tribunal
