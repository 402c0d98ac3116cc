// Records of the message formats before v2: v0 (to 0.9) and v1 (0.10, KIP-32: timestamps). Each
// message stands alone with its CRC-32; a compressed set of them is the value of one wrapper
// message (KIP-31: whose v1 members have offsets relative to the first, and the wrapper the last).
//
// Nothing in a simulated cluster writes these: brokers and clients of every edition here speak v2.
// They are for reading what old logs hold.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/protocol/batch.h"

namespace tribunal {

// One message as it lies in the set, wrapper or not. Views are good as long as the bytes live.
struct LegacyMessage {
    Offset offset;  // of a wrapper: of its last member
    std::uint32_t crc = 0;
    bool is_intact = false;
    std::int8_t magic = 0;
    std::int8_t attributes = 0;          // bits 0-2 compression, 3 LogAppendTime (v1)
    Timestamp timestamp = kNoTimestamp;  // v1; of a wrapper: the largest in it, or LogAppendTime
    std::optional<std::string_view> key;
    std::optional<std::string_view> value;

    CompressionType compression() const {
        return static_cast<CompressionType>(attributes & attribute::kCompression);
    }
    bool is_log_append_time() const { return (attributes & attribute::kLogAppendTime) != 0; }
};

// The message of exactly these bytes (take_batch() frames it); nullopt when they are none.
std::optional<LegacyMessage> decode_legacy(std::string_view bytes);
// Appends the message with its length and its CRC, which is computed.
void encode_legacy(std::string& out, const LegacyMessage& message);

// A record of a message: itself, or a member of a wrapper.
struct LegacyRecord {
    Offset offset;
    Timestamp timestamp = kNoTimestamp;
    std::optional<std::string> key;
    std::optional<std::string> value;
    TRIBUNAL_FIELDS(LegacyRecord, offset, timestamp, key, value)
};
// nullopt where Kafka throws: a wrapper without a value or without members, members of another
// format or compressed themselves, bytes that do not unpack or whose CRC is wrong.
std::optional<std::vector<LegacyRecord>> legacy_records(const LegacyMessage& message);

// Appends the records, ascending in offset, as one wrapper message; uncompressed ones as messages
// of their own. `magic` 0 or 1, no zstd.
void encode_legacy_set(std::string& out, std::int8_t magic, CompressionType type,
                       const std::vector<LegacyRecord>& records);

}  // namespace tribunal
