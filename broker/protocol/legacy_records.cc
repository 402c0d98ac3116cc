#include "broker/protocol/legacy_records.h"

#include <zlib.h>

#include <algorithm>

#include "broker/base/check.h"
#include "broker/base/varint.h"
#include "broker/protocol/batch_bytes.h"
#include "broker/protocol/compression.h"

namespace tribunal {
namespace {

constexpr std::size_t kLogOverhead = 12;
constexpr std::size_t kMagicAt = 16;

std::uint32_t crc32_of(std::string_view bytes) {
    return static_cast<std::uint32_t>(
        crc32(0, reinterpret_cast<const Bytef*>(bytes.data()), static_cast<uInt>(bytes.size())));
}

// The LZ4 frames of v0 have the wrong header checksum, those of v1 the right one.
Lz4Header lz4_header_of(std::int8_t magic) {
    return magic == 0 ? Lz4Header::legacy : Lz4Header::correct;
}

template <class Text>
void put_nullable(std::string& out, const std::optional<Text>& bytes) {
    put_big_endian(out, bytes ? static_cast<std::int32_t>(bytes->size()) : std::int32_t{-1});
    if (bytes) out += *bytes;
}

bool take_nullable(std::string_view& in, std::optional<std::string_view>& bytes) {
    std::int32_t size = 0;
    if (!take_big_endian(in, size)) return false;
    if (size < 0) {
        bytes.reset();
        return true;
    }
    if (static_cast<std::size_t>(size) > in.size()) return false;
    bytes = in.substr(0, static_cast<std::size_t>(size));
    in.remove_prefix(static_cast<std::size_t>(size));
    return true;
}

template <class Text>
std::optional<std::string_view> view_of(const std::optional<Text>& text) {
    return text ? std::optional<std::string_view>{*text} : std::nullopt;
}
std::optional<std::string> copy_of(const std::optional<std::string_view>& text) {
    return text ? std::optional<std::string>{*text} : std::nullopt;
}

LegacyMessage message_of(const LegacyRecord& record, std::int8_t magic) {
    LegacyMessage message;
    message.offset = record.offset;
    message.magic = magic;
    if (magic > 0) message.timestamp = record.timestamp;
    message.key = view_of(record.key);
    message.value = view_of(record.value);
    return message;
}

}  // namespace

std::optional<LegacyMessage> decode_legacy(std::string_view bytes) {
    if (bytes.size() <= kMagicAt) return std::nullopt;
    LegacyMessage message;
    std::int32_t length = 0;
    std::string_view in = bytes;
    if (!take_big_endian(in, message.offset.value) || !take_big_endian(in, length) ||
        !take_big_endian(in, message.crc) || !take_big_endian(in, message.magic) ||
        !take_big_endian(in, message.attributes)) {
        return std::nullopt;
    }
    if (length != static_cast<std::int64_t>(bytes.size() - kLogOverhead)) return std::nullopt;
    if (message.magic < 0 || message.magic > 1) return std::nullopt;
    if (message.magic == 1 && !take_big_endian(in, message.timestamp.value)) return std::nullopt;
    if (!take_nullable(in, message.key) || !take_nullable(in, message.value) || !in.empty()) {
        return std::nullopt;
    }
    message.is_intact = crc32_of(bytes.substr(kMagicAt)) == message.crc;
    return message;
}

void encode_legacy(std::string& out, const LegacyMessage& message) {
    CHECK(message.magic == 0 || message.magic == 1);
    std::string body;  // what the CRC covers
    put_big_endian(body, message.magic);
    put_big_endian(body, message.attributes);
    if (message.magic == 1) put_big_endian(body, message.timestamp.value);
    put_nullable(body, message.key);
    put_nullable(body, message.value);
    put_big_endian(out, message.offset.value);
    put_big_endian(out, static_cast<std::int32_t>(body.size() + 4));
    put_big_endian(out, crc32_of(body));
    out += body;
}

std::optional<std::vector<LegacyRecord>> legacy_records(const LegacyMessage& message) {
    if (!message.is_intact) return std::nullopt;
    std::vector<LegacyRecord> records;
    if (message.compression() == CompressionType::none) {
        records.push_back(
            {message.offset, message.timestamp, copy_of(message.key), copy_of(message.value)});
        return records;
    }
    // zstd came with v2 only (KIP-110).
    if (message.compression() > CompressionType::lz4 || !message.value) return std::nullopt;
    const auto set =
        decompress(message.compression(), *message.value, lz4_header_of(message.magic));
    if (!set) return std::nullopt;
    std::string_view in = *set;
    while (!in.empty()) {
        const FramedBatch framed = take_batch(in);
        if (framed.fault != BatchFault::none || framed.magic != message.magic) return std::nullopt;
        const auto member = decode_legacy(framed.bytes);
        if (!member || !member->is_intact || member->compression() != CompressionType::none) {
            return std::nullopt;
        }
        records.push_back({member->offset,
                           message.is_log_append_time() ? message.timestamp : member->timestamp,
                           copy_of(member->key), copy_of(member->value)});
    }
    if (records.empty()) return std::nullopt;
    if (message.magic == 1) {
        // Relative to the first; the wrapper says where the last one is.
        const auto base = static_cast<std::uint64_t>(message.offset.value) -
                          static_cast<std::uint64_t>(records.back().offset.value);
        for (LegacyRecord& record : records) {
            record.offset.value =
                static_cast<std::int64_t>(base + static_cast<std::uint64_t>(record.offset.value));
        }
    }
    return records;
}

void encode_legacy_set(std::string& out, std::int8_t magic, CompressionType type,
                       const std::vector<LegacyRecord>& records) {
    CHECK(!records.empty() && type <= CompressionType::lz4);
    if (type == CompressionType::none) {
        for (const LegacyRecord& record : records) encode_legacy(out, message_of(record, magic));
        return;
    }
    std::string set;
    LegacyMessage wrapper;
    wrapper.offset = records.back().offset;
    wrapper.magic = magic;
    wrapper.attributes = static_cast<std::int8_t>(type);
    for (const LegacyRecord& record : records) {
        LegacyMessage member = message_of(record, magic);
        if (magic == 1) member.offset.value -= records.front().offset.value;
        wrapper.timestamp = std::max(wrapper.timestamp, member.timestamp);
        encode_legacy(set, member);
    }
    const std::string packed = compress(type, set, lz4_header_of(magic));
    wrapper.value = packed;
    encode_legacy(out, wrapper);
}

}  // namespace tribunal
