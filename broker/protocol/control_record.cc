#include "broker/protocol/control_record.h"

#include <string>

#include "broker/base/varint.h"

namespace tribunal {
namespace {

RecordBatch batch_of(ControlRecordType type, std::string_view value, Timestamp timestamp,
                     ProducerId producer_id, std::int16_t producer_epoch, std::int16_t attributes) {
    std::string key;
    put_big_endian(key, std::int16_t{0});
    put_big_endian(key, static_cast<std::int16_t>(type));
    RecordView record;
    record.key = key;
    record.value = value;
    std::string bytes;
    encode_record(bytes, 0, 0, record);
    RecordBatch batch;
    batch.attributes = attributes;
    batch.record_count = 1;
    batch.producer_id = producer_id;
    batch.producer_epoch = producer_epoch;
    batch.base_timestamp = timestamp;
    batch.max_timestamp = timestamp;
    seal(batch, bytes, CompressionType::none);
    return batch;
}

}  // namespace

std::optional<ControlRecordType> control_type_of(const RecordView& record) {
    if (!record.key) return std::nullopt;
    std::string_view in = *record.key;
    std::int16_t version = 0;
    std::int16_t type = 0;
    if (!take_big_endian(in, version) || !take_big_endian(in, type) || version < 0) {
        return std::nullopt;
    }
    if (type < 0 || type > static_cast<std::int16_t>(ControlRecordType::kraft_voters)) {
        return ControlRecordType::unknown;
    }
    return static_cast<ControlRecordType>(type);
}

std::optional<EndTransactionMarker> marker_of(const RecordView& record) {
    const auto type = control_type_of(record);
    if (type != ControlRecordType::commit && type != ControlRecordType::abort) return std::nullopt;
    if (!record.value) return std::nullopt;
    std::string_view in = *record.value;
    std::int16_t version = 0;
    EndTransactionMarker marker;
    marker.commit = type == ControlRecordType::commit;
    // What a later version appends is not for us.
    if (!take_big_endian(in, version) || version < 0 ||
        !take_big_endian(in, marker.coordinator_epoch)) {
        return std::nullopt;
    }
    return marker;
}

RecordBatch control_batch(ControlRecordType type, std::string_view value, Timestamp timestamp) {
    return batch_of(type, value, timestamp, kNoProducerId, -1, attribute::kControl);
}

RecordBatch marker_batch(ProducerId producer_id, std::int16_t producer_epoch,
                         const EndTransactionMarker& marker, Timestamp timestamp) {
    std::string value;
    put_big_endian(value, std::int16_t{0});
    put_big_endian(value, marker.coordinator_epoch);
    return batch_of(marker.commit ? ControlRecordType::commit : ControlRecordType::abort, value,
                    timestamp, producer_id, producer_epoch,
                    attribute::kControl | attribute::kTransactional);
}

}  // namespace tribunal
