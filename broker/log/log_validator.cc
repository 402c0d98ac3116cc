#include "broker/log/log_validator.h"

#include <algorithm>
#include <string>

namespace tribunal {
namespace {

ErrorCode check_header(const RecordBatch& batch, const LogValidation& v) {
    if (v.origin == AppendOrigin::client && batch.base_offset != Offset{0}) {
        return ErrorCode::invalid_record;
    }
    if (batch.size_in_bytes() > v.config.max_message_bytes) return ErrorCode::message_too_large;
    if (!is_intact(batch)) return ErrorCode::corrupt_message;
    if (v.origin != AppendOrigin::client) return ErrorCode::none;
    const bool count_fits = batch.last_offset_delta >= 0 && batch.record_count > 0 &&
                            std::int64_t{batch.last_offset_delta} + 1 == batch.record_count;
    const bool lacks_sequence = batch.has_producer_id() && batch.base_sequence < 0;
    if (!count_fits || batch.is_control() || lacks_sequence) return ErrorCode::invalid_record;
    return ErrorCode::none;
}

// Whether `later` is after `earlier` by more than `most`. Timestamps are whatever a producer sends:
// their difference is taken without a sign.
bool is_beyond(Timestamp earlier, Timestamp later, Duration most) {
    if (later <= earlier || most >= kForever) return false;
    const std::uint64_t difference =
        static_cast<std::uint64_t>(later.value) - static_cast<std::uint64_t>(earlier.value);
    return difference > static_cast<std::uint64_t>(most.value / 1'000'000);
}

// Of one record. A topic with LogAppendTime does not look at what the producer says.
bool is_timestamp_valid(const RecordBatch& batch, Timestamp timestamp, const LogValidation& v) {
    if (!v.config.log_append_time && timestamp != kNoTimestamp) {
        return !is_beyond(timestamp, v.now, v.config.timestamp_before_max) &&
               !is_beyond(v.now, timestamp, v.config.timestamp_after_max);
    }
    return !batch.is_log_append_time();
}

// What is learnt by looking at each record once.
struct Findings {
    ErrorCode error = ErrorCode::none;
    Timestamp max_timestamp = kNoTimestamp;
    bool offsets_are_dense = true;
};

Findings look_at_records(const RecordBatch& batch, const LogValidation& v) {
    Findings found;
    std::int64_t expected = batch.base_offset.value;
    const bool decoded = for_each_record(batch, [&](const RecordView& record) {
        if (v.config.cleanup_compact && !record.key) {
            if (found.error == ErrorCode::none) found.error = ErrorCode::invalid_record;
        } else if (!is_timestamp_valid(batch, record.timestamp, v)) {
            if (found.error == ErrorCode::none) found.error = ErrorCode::invalid_timestamp;
        }
        found.max_timestamp = std::max(found.max_timestamp, record.timestamp);
        found.offsets_are_dense = found.offsets_are_dense && record.offset.value == expected++;
    });
    if (!decoded) found.error = ErrorCode::invalid_record;
    return found;
}

// The same records, numbered from 0, under another compression.
RecordBatch rebuilt(const RecordBatch& batch, CompressionType target) {
    RecordBatch anew = batch;
    std::string bytes;
    std::int32_t count = 0;
    for_each_record(batch, [&](const RecordView& record) {
        if (count == 0) anew.base_timestamp = record.timestamp;
        encode_record(bytes, record.timestamp.value - anew.base_timestamp.value, count++, record);
    });
    anew.record_count = count;
    anew.last_offset_delta = count - 1;
    seal(anew, bytes, target);
    return anew;
}

}  // namespace

Answer<RecordBatch> validate_for_append(const RecordBatch& batch, const LogValidation& v) {
    if (const ErrorCode error = check_header(batch, v); error != ErrorCode::none) return error;
    const CompressionType source = batch.compression();
    const CompressionType target =
        v.config.keeps_producer_compression ? source : v.config.compression;
    if (!v.rules.zstd_compression &&
        (source == CompressionType::zstd || target == CompressionType::zstd)) {
        return ErrorCode::unsupported_compression_type;
    }
    const Findings found = look_at_records(batch, v);
    if (found.error != ErrorCode::none) return found.error;

    // Control records are compressed only if they came so.
    const bool is_plain_control = batch.is_control() && source == CompressionType::none;
    const bool is_compressed = source != CompressionType::none || target != CompressionType::none;
    const bool in_place =
        is_plain_control || (source == target && (found.offsets_are_dense || !is_compressed));
    RecordBatch placed = in_place ? batch : rebuilt(batch, target);
    if (!in_place && placed.size_in_bytes() > v.config.max_message_bytes) {
        return ErrorCode::message_too_large;
    }
    placed.base_offset = v.base_offset;
    placed.leader_epoch = v.leader_epoch;
    const bool log_append_time = v.config.log_append_time;
    const Timestamp max_timestamp = log_append_time ? v.now : found.max_timestamp;
    if (placed.is_log_append_time() != log_append_time || placed.max_timestamp != max_timestamp) {
        placed.attributes =
            static_cast<std::int16_t>((placed.attributes & ~attribute::kLogAppendTime) |
                                      (log_append_time ? attribute::kLogAppendTime : 0));
        placed.max_timestamp = max_timestamp;
        placed.crc = checksum(placed);
    }
    return placed;
}

}  // namespace tribunal
