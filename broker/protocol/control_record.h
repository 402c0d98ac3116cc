// Control batches: one record that is for brokers and clients themselves, not for applications. Its
// key says what it is; markers end transactions (KIP-98), the others belong to KRaft (KIP-595,
// KIP-630, KIP-853), with values that schema/ knows.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "broker/protocol/batch.h"

namespace tribunal {

enum class ControlRecordType : std::int16_t {
    unknown = -1,
    abort = 0,
    commit = 1,
    leader_change = 2,
    snapshot_header = 3,
    snapshot_footer = 4,
    kraft_version = 5,
    kraft_voters = 6,
};

// What a control record's key says. nullopt when it is not a key of one; a type of the future is
// `unknown`.
std::optional<ControlRecordType> control_type_of(const RecordView& record);

// The coordinator's word on a transaction, for every partition that took part in it.
struct EndTransactionMarker {
    bool commit = false;
    std::int32_t coordinator_epoch = 0;
    TRIBUNAL_FIELDS(EndTransactionMarker, commit, coordinator_epoch)
};
// nullopt when the record is no marker, or of a version below 0.
std::optional<EndTransactionMarker> marker_of(const RecordView& record);

// A batch with this one record and base offset 0. `value` is encoded already.
RecordBatch control_batch(ControlRecordType type, std::string_view value, Timestamp timestamp);
RecordBatch marker_batch(ProducerId producer_id, std::int16_t producer_epoch,
                         const EndTransactionMarker& marker, Timestamp timestamp);

}  // namespace tribunal
