#include "broker/log/segment.h"

#include <algorithm>

#include "broker/base/check.h"

namespace tribunal {

template class Shared<Segment>;

Segment segment_at(Offset base_offset) {
    Segment segment;
    segment.base_offset = base_offset;
    segment.max_timestamp = {kNoTimestamp, base_offset};
    segment.offset_index.base_offset = base_offset;
    segment.time_index.base_offset = base_offset;
    return segment;
}

void Segment::append(RecordBatch batch, const TopicConfig& config) {
    CHECK(has_relative_offset(base_offset, batch.last_offset()));
    CHECK(batch.base_offset >= next_offset());
    const std::int64_t position = size_in_bytes;
    if (batch.max_timestamp > max_timestamp.timestamp) {
        max_timestamp = {batch.max_timestamp, batch.last_offset()};
    }
    // Deviation: Kafka counts the bytes since the last entry in memory, and starts at 0 again after
    // a truncation or a restart, which only puts the next entry a little later.
    if (position - offset_index.last_entry().position > config.index_interval_bytes) {
        offset_index.append(batch.last_offset(), position);
        time_index.maybe_append(max_timestamp.timestamp, max_timestamp.offset);
    }
    size_in_bytes += batch.size_in_bytes();
    batches.push_back(std::move(batch));
}

bool Segment::should_roll(const RecordBatch& batch, const TopicConfig& config) const {
    if (size_in_bytes > config.segment_bytes - batch.size_in_bytes()) return true;
    if (!batches.empty()) {
        // By the records' own time: the batch's largest timestamp against that of the first batch.
        // Deviation: a segment whose first batch has no timestamp never rolls by time; Kafka asks
        // when its file was made.
        const Timestamp first = batches.front().max_timestamp;
        if (first >= Timestamp{0} &&
            batch.max_timestamp.value - first.value > config.segment_age.value / 1'000'000) {
            return true;
        }
    }
    return offset_index.is_full(config.segment_index_bytes) ||
           time_index.is_full(config.segment_index_bytes) ||
           !has_relative_offset(base_offset, batch.last_offset());
}

void Segment::truncate_to(Offset offset) {
    const std::size_t kept = index_of(offset);
    const bool cuts = kept < batches.size();
    const std::int64_t size = cuts ? position_of(kept) : size_in_bytes;
    offset_index.truncate_to(offset);
    time_index.truncate_to(offset);
    transaction_index.truncate_to(offset);
    batches.truncate(kept);
    size_in_bytes = size;
    if (max_timestamp.offset < offset) return;
    // readLargestTimestamp: the last entry that is left, and whatever came after it.
    max_timestamp = time_index.last_entry();
    const Offset scanned_from = offset_index.lookup(max_timestamp.offset).offset;
    for (std::size_t i = index_of(scanned_from); i < batches.size(); ++i) {
        if (batches[i].max_timestamp > max_timestamp.timestamp) {
            max_timestamp = {batches[i].max_timestamp, batches[i].last_offset()};
        }
    }
}

void Segment::close() { time_index.maybe_append(max_timestamp.timestamp, max_timestamp.offset); }

void Segment::rebuild_indexes(const TopicConfig& config, bool closes) {
    Segment fresh = segment_at(base_offset);
    for (const RecordBatch& batch : batches) fresh.append(batch, config);
    if (closes) fresh.close();
    fresh.batches = std::move(batches);
    fresh.transaction_index = std::move(transaction_index);
    *this = std::move(fresh);
}

std::size_t Segment::index_of(Offset offset) const {
    return batches.partition_point(
        [&](const RecordBatch& batch) { return batch.last_offset() < offset; });
}

std::int64_t Segment::position_of(std::size_t index) const {
    if (index == batches.size()) return size_in_bytes;
    const OffsetPosition entry = offset_index.lookup(batches[index].last_offset());
    std::int64_t position = entry.position;
    for (std::size_t i = index_of(entry.offset); i < index; ++i) {
        position += batches[i].size_in_bytes();
    }
    return position;
}

std::optional<TimestampOffset> Segment::find_by_timestamp(Timestamp target, Offset from) const {
    const Offset hint = std::max(time_index.lookup(target).offset, from);
    const OffsetPosition start = offset_index.lookup(hint);
    std::optional<TimestampOffset> found;
    for (std::size_t i = index_of(start.offset); i < batches.size() && !found; ++i) {
        if (batches[i].max_timestamp < target) continue;
        for_each_record(batches[i], [&](const RecordView& record) {
            if (!found && record.timestamp >= target && record.offset >= from) {
                found = TimestampOffset{record.timestamp, record.offset};
            }
        });
    }
    return found;
}

}  // namespace tribunal
