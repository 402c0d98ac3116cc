// One segment of a replica's log (Kafka: LogSegment): batches from a base offset on, in one file of
// at most segment.bytes, with its indexes.
//
// Everything here is a function of the base offset and the batches, and the indexes also of
// index.interval.bytes; only a time index may keep an entry that a cut segment would not have made.
#pragma once

#include <cstdint>
#include <optional>

#include "broker/base/shared.h"
#include "broker/log/indexes.h"
#include "broker/protocol/batch.h"
#include "broker/protocol/config.h"

namespace tribunal {

struct Segment {
    Offset base_offset{0};
    SharedVector<RecordBatch> batches;
    std::int64_t size_in_bytes = 0;
    // The largest timestamp and the last offset of the batch that first had it; (-1, base offset)
    // while no batch has a timestamp.
    TimestampOffset max_timestamp;
    OffsetIndex offset_index;
    TimeIndex time_index;
    TransactionIndex transaction_index;
    TRIBUNAL_FIELDS(Segment, base_offset, batches, size_in_bytes, max_timestamp, offset_index,
                    time_index, transaction_index)

    // Adds a batch, and index entries when index.interval.bytes lie behind the last one. Its
    // offsets must be above those here and no more than 2^31 - 1 above the base offset.
    void append(RecordBatch batch, const TopicConfig& config);
    // Whether `batch` belongs into a new segment: this one would outgrow segment.bytes, it is older
    // than segment.ms by the batch's timestamp, an index is full, or the offset is too far away.
    bool should_roll(const RecordBatch& batch, const TopicConfig& config) const;
    // Drops every batch with an offset >= `offset`, also one that straddles it.
    void truncate_to(Offset offset);
    // No more appends: the time index gets its last entry (onBecomeInactiveSegment).
    void close();
    // Makes the indexes and everything derived anew from the batches (LogSegment.recover).
    // `closes`: this is not the active segment. Deviation: Kafka closes the active one's time index
    // too.
    void rebuild_indexes(const TopicConfig& config, bool closes);

    // Behind the last batch; the base offset when empty.
    Offset next_offset() const {
        return batches.empty() ? base_offset : batches.back().next_offset();
    }
    // Index of the first batch whose last offset is >= `offset`; batches.size() when none.
    std::size_t index_of(Offset offset) const;
    // The byte in the file where batch number `index` begins: through the offset index and a scan
    // of at most index.interval.bytes and a batch, as LogSegment.translateOffset.
    std::int64_t position_of(std::size_t index) const;
    // The first record at or above `from` with a timestamp >= `target`, through the indexes
    // (LogSegment.findOffsetByTimestamp).
    std::optional<TimestampOffset> find_by_timestamp(Timestamp target, Offset from) const;
};
extern template class Shared<Segment>;

Segment segment_at(Offset base_offset);

}  // namespace tribunal
