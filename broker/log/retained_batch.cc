#include "broker/log/retained_batch.h"

#include <algorithm>
#include <string>

namespace tribunal {

std::optional<RecordBatch> retain_records(const RecordBatch& batch,
                                          std::optional<Timestamp> horizon, void* context,
                                          bool (*keep)(void* context, const RecordView& record)) {
    if (!horizon) horizon = batch.delete_horizon();
    RecordBatch retained = batch;
    retained.record_count = 0;
    std::string encoded;
    encoded.reserve(batch.records.size());
    const bool decoded = for_each_record(batch, [&](const RecordView& record) {
        if (!keep(context, record)) return;
        if (retained.record_count == 0) {
            retained.base_timestamp = horizon.value_or(record.timestamp);
            retained.max_timestamp = record.timestamp;
        }
        ++retained.record_count;
        retained.max_timestamp = std::max(retained.max_timestamp, record.timestamp);
        encode_record(encoded, record.timestamp.value - retained.base_timestamp.value,
                      static_cast<std::int32_t>(record.offset.value - batch.base_offset.value),
                      record);
    });
    // Bytes that do not decode are no cleaner's business: recovery and CRCs find them.
    if (!decoded) return batch;
    if (retained.record_count == 0) return std::nullopt;
    if (batch.is_log_append_time()) retained.max_timestamp = batch.max_timestamp;
    if (horizon) retained.attributes |= attribute::kDeleteHorizon;
    seal(retained, encoded, batch.compression());
    return retained;
}

RecordBatch retain_header(const RecordBatch& batch) {
    RecordBatch empty = batch;
    empty.attributes = static_cast<std::int16_t>(
        batch.attributes &
        (attribute::kLogAppendTime | attribute::kTransactional | attribute::kControl));
    empty.record_count = 0;
    empty.base_timestamp = kNoTimestamp;
    seal(empty, {}, CompressionType::none);
    return empty;
}

}  // namespace tribunal
