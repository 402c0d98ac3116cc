// A batch without the records that compaction took out of it, as Kafka's cleaner writes it
// (MemoryRecords.filterTo): base offset, last offset, leader epoch, producer id, epoch and base
// sequence stay, so that offsets are permanent, a log that is read back knows its producers'
// sequences, and a duplicate is still told by them.
#pragma once

#include <optional>
#include <type_traits>

#include "broker/protocol/batch.h"

namespace tribunal {

// The batch with only those records for which `keep` (called in offset order) says so; nullopt when
// that is none. A horizon that is given is set; else one that the batch has stays (KIP-534: base
// timestamp and attribute bit 6 then say from when on tombstones and the marker of a transaction
// without data may go).
//
// Timestamps of records stay what they are. The maximal one becomes that of the records left with
// CreateTime and stays the batch's with LogAppendTime. So does the compression.
std::optional<RecordBatch> retain_records(const RecordBatch& batch,
                                          std::optional<Timestamp> horizon, void* context,
                                          bool (*keep)(void* context, const RecordView& record));
template <class Keep>
std::optional<RecordBatch> retain_records(const RecordBatch& batch,
                                          std::optional<Timestamp> horizon, Keep&& keep) {
    return retain_records(batch, horizon, &keep, [](void* context, const RecordView& record) {
        return static_cast<bool>((*static_cast<std::remove_reference_t<Keep>*>(context))(record));
    });
}

// Only the header, for the sake of the producer's sequence or of the last offset of a cleaning. It
// has no base timestamp, no compression and no horizon; the maximal timestamp stays.
RecordBatch retain_header(const RecordBatch& batch);

}  // namespace tribunal
