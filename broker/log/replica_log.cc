#include "broker/log/replica_log.h"

#include <algorithm>
#include <iterator>

#include "broker/base/check.h"

namespace tribunal {

namespace {

using Place = ReplicaLog::Place;

// Behind the last batch of a segment stands the first of the next one that has any.
Place on_a_batch(const ReplicaLog& log, Place place) {
    while (place.segment < log.segments.size() &&
           place.batch == log.segments[place.segment]->batches.size()) {
        ++place.segment;
        place.batch = 0;
    }
    return place;
}

}  // namespace

bool ReplicaLog::append(RecordBatch batch, const TopicConfig& config) {
    CHECK(batch.base_offset >= log_end_offset);
    CHECK(batch.last_offset_delta >= 0);
    const bool rolls = active_segment().should_roll(batch, config);
    if (rolls) roll(batch.base_offset);
    if (batch.leader_epoch >= LeaderEpoch{0}) assign_epoch(batch.leader_epoch, batch.base_offset);
    if (batch.has_producer_id() || !producers.is_unused()) producers.update(batch);
    log_end_offset = batch.next_offset();
    size_in_bytes += batch.size_in_bytes();
    segments.back().edit().append(std::move(batch), config);
    return rolls;
}

void ReplicaLog::roll(Offset base_offset) {
    const Offset base = std::max(base_offset, log_end_offset);
    if (active_segment().base_offset == base) {
        // KAFKA-6388: an empty segment with no room in its indexes is replaced by its like.
        CHECK(active_segment().batches.empty());
        segments.back() = Shared<Segment>{segment_at(base)};
        return;
    }
    segments.back().edit().close();
    segments.emplace_back(segment_at(base));
    if (producers.is_unused()) return;
    // A snapshot a segment: its recovery begins with it.
    producers.map_end_offset = base;
    producers.take_snapshot();
}

std::size_t ReplicaLog::truncate_to(Offset offset, bool noop_cleans_epoch_cache) {
    CHECK(offset >= Offset{0});
    if (offset >= log_end_offset) {
        // A leader that wrote nothing has left an entry at the log end, which would hide the epochs
        // of the leaders after it (KAFKA-10706).
        if (noop_cleans_epoch_cache) epoch_cache.truncate_from_end(log_end_offset);
        return 0;
    }
    std::size_t dropped = 0;
    if (segments.front()->base_offset > offset) {
        for (const Shared<Segment>& segment : segments) dropped += segment->batches.size();
        truncate_fully_and_start_at(offset);
        return dropped;
    }
    while (active_segment().base_offset > offset) {
        dropped += active_segment().batches.size();
        size_in_bytes -= active_segment().size_in_bytes;
        segments.pop_back();
    }
    // Kafka takes `offset` for the log end also where it lies inside a batch that went, and is then
    // sent that batch again, which it refuses to append.
    const RecordBatch* first = find(offset);
    log_end_offset = first == nullptr ? offset : std::min(offset, first->base_offset);
    Segment& active = segments.back().edit();
    dropped += active.batches.size();
    size_in_bytes -= active.size_in_bytes;
    active.truncate_to(offset);
    size_in_bytes += active.size_in_bytes;
    dropped -= active.batches.size();
    log_start_offset = std::min(log_start_offset, log_end_offset);
    recovery_point = std::min(recovery_point, log_end_offset);
    epoch_cache.truncate_from_end(log_end_offset);
    // Where nobody was known before, cutting makes nobody known.
    if (!producers.is_unused()) rebuild_producers(*this);
    return dropped;
}

void ReplicaLog::truncate_fully_and_start_at(Offset offset) {
    segments.assign(1, Shared<Segment>{segment_at(offset)});
    epoch_cache.clear();
    size_in_bytes = 0;
    log_start_offset = offset;
    log_end_offset = offset;
    recovery_point = std::min(recovery_point, offset);
    if (!producers.is_unused()) producers.truncate_fully_and_start_at(offset);
}

void ReplicaLog::advance_start(Offset offset) {
    if (offset <= log_start_offset) return;
    CHECK(offset <= log_end_offset);
    log_start_offset = offset;
    epoch_cache.truncate_from_start(offset);
    if (!producers.is_unused()) producers.on_log_start(offset);
}

void ReplicaLog::delete_segments(std::size_t count) {
    CHECK(count <= segments.size());
    if (count == 0) return;
    if (count == segments.size()) roll(log_end_offset);
    CHECK(count < segments.size());
    advance_start(segments[count]->base_offset);
    for (std::size_t i = 0; i < count; ++i) size_in_bytes -= segments[i]->size_in_bytes;
    segments.erase(segments.begin(), segments.begin() + static_cast<std::ptrdiff_t>(count));
    if (!producers.is_unused()) producers.drop_snapshots_below(segments.front()->base_offset);
}

void ReplicaLog::replace_segments(std::size_t first, std::size_t count,
                                  std::vector<Segment> cleaned) {
    CHECK(first + count < segments.size());
    const auto at = segments.begin() + static_cast<std::ptrdiff_t>(first);
    for (std::size_t i = first; i < first + count; ++i) {
        size_in_bytes -= segments[i]->size_in_bytes;
    }
    for (const Segment& segment : cleaned) size_in_bytes += segment.size_in_bytes;
    std::vector<Shared<Segment>> shared;
    for (Segment& segment : cleaned) shared.emplace_back(std::move(segment));
    const auto after = segments.erase(at, at + static_cast<std::ptrdiff_t>(count));
    segments.insert(after, std::make_move_iterator(shared.begin()),
                    std::make_move_iterator(shared.end()));
}

void ReplicaLog::mark_flushed(Offset offset) {
    recovery_point = std::max(recovery_point, std::min(offset, log_end_offset));
}

Place ReplicaLog::place_of(Offset offset) const {
    if (offset >= log_end_offset) return end_place();
    const std::size_t active = segments.size() - 1;
    if (segments[active]->base_offset <= offset) {
        return on_a_batch(*this, {active, segments[active]->index_of(offset)});
    }
    const auto above = std::partition_point(
        segments.begin(), segments.end(),
        [&](const Shared<Segment>& segment) { return segment->base_offset <= offset; });
    const auto floor = above == segments.begin() ? above : std::prev(above);
    const auto segment = static_cast<std::size_t>(floor - segments.begin());
    return on_a_batch(*this, {segment, (*floor)->index_of(offset)});
}

Place ReplicaLog::next(Place place) const {
    return on_a_batch(*this, {place.segment, place.batch + 1});
}

Place ReplicaLog::last_place() const {
    for (std::size_t i = segments.size(); i-- > 0;) {
        if (!segments[i]->batches.empty()) return {i, segments[i]->batches.size() - 1};
    }
    return end_place();
}

void ReplicaLog::read(Offset from, Offset upper, std::int64_t max_bytes,
                      std::vector<RecordBatch>& out) const {
    std::int64_t bytes = 0;
    for (Place place = place_of(from); const RecordBatch* batch = at(place); place = next(place)) {
        if (batch->next_offset() > upper) return;
        bytes += batch->size_in_bytes();
        if (bytes > max_bytes && bytes != batch->size_in_bytes()) return;
        out.push_back(*batch);
    }
}

std::optional<TimestampOffset> ReplicaLog::find_by_timestamp(Timestamp target) const {
    for (const Shared<Segment>& segment : segments) {
        if (segment->max_timestamp.timestamp < target) continue;
        return segment->find_by_timestamp(target, log_start_offset);
    }
    return std::nullopt;
}

std::optional<TimestampOffset> ReplicaLog::find_max_timestamp() const {
    const auto newest = std::max_element(
        segments.begin(), segments.end(), [](const Shared<Segment>& a, const Shared<Segment>& b) {
            return a->max_timestamp.timestamp < b->max_timestamp.timestamp;
        });
    const Timestamp largest = (*newest)->max_timestamp.timestamp;
    if (largest < Timestamp{0}) return std::nullopt;
    return (*newest)->find_by_timestamp(largest, (*newest)->base_offset);
}

}  // namespace tribunal
