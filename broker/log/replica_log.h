// One replica's log of one partition, as a value (Kafka: UnifiedLog and LocalLog): append, roll,
// read, truncate, move the log start, look up by time; and the leader epoch cache that decides how
// far a follower truncates (KIP-101).
//
// A log is a list of segments, of which only the last, the active one, grows. Copies share segments
// and, inside a segment, chunks of batches: a copy costs a pointer a segment, an append after a
// copy clones one small chunk. What of it has reached the platter is the disk's business; the log
// only remembers up to where it was told so (recovery_point).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "broker/log/leader_epoch_cache.h"
#include "broker/log/producer_state.h"
#include "broker/log/segment.h"

namespace tribunal {

// The settings of a log whose owner has none: it rolls only where it must.
inline constexpr TopicConfig kPlainTopic = [] {
    TopicConfig config;
    config.segment_bytes = INT32_MAX;
    config.segment_age = kForever;
    config.segment_index_bytes = INT64_MAX;
    return config;
}();

struct ReplicaLog {
    // The first offset that may be read. May lie inside a segment (DeleteRecords); what is below
    // goes when its whole segment does.
    Offset log_start_offset{0};
    Offset log_end_offset{0};
    // Everything below is known to be on the platter: recovery after an unclean stop begins here.
    Offset recovery_point{0};
    std::int64_t size_in_bytes = 0;  // of all segments
    // Ascending by base offset, never empty.
    std::vector<Shared<Segment>> segments{Shared<Segment>{}};
    LeaderEpochFileCache epoch_cache;
    ProducerState producers;  // of the batches in it; costs nothing while there are none
    TRIBUNAL_FIELDS(ReplicaLog, log_start_offset, log_end_offset, recovery_point, size_in_bytes,
                    segments, epoch_cache, producers)

    // --- changes --------------------------------------------------------------------------------

    // Appends a batch that has its base offset and leader epoch, to a new segment when it is time
    // for one (UnifiedLog.maybeRoll). The base offset must not be below the log end (a gap is
    // legal: compaction makes them). True when it rolled: then Kafka flushes all segments before
    // the active one in the background.
    bool append(RecordBatch batch, const TopicConfig& config = kPlainTopic);
    // Closes the active segment and begins another at `base_offset` or the log end, if higher.
    void roll(Offset base_offset);
    // Drops every batch with an offset >= `offset` (a batch that straddles it goes whole), sets the
    // log end to `offset` or below, and returns how many batches went. Leader epochs from the new
    // log end on are forgotten; also when there was nothing to truncate, unless
    // `noop_cleans_epoch_cache` is false (before KAFKA-10706).
    std::size_t truncate_to(Offset offset, bool noop_cleans_epoch_cache = true);
    // Forgets everything and starts empty at `offset` (follower below the leader's log start).
    void truncate_fully_and_start_at(Offset offset);
    // Moves the log start up (maybeIncrementLogStartOffset); never beyond the log end. Segments
    // below stay until delete_segments().
    void advance_start(Offset offset);
    // Deletes the `count` oldest segments and moves the log start behind them; when that is all of
    // them, an empty one begins at the log end.
    void delete_segments(std::size_t count);
    // Puts `cleaned` in the place of the `count` segments from number `first` on (compaction). The
    // active segment is never among them; `cleaned` may be empty.
    void replace_segments(std::size_t first, std::size_t count, std::vector<Segment> cleaned);
    // Everything below `offset` has been flushed.
    void mark_flushed(Offset offset);

    // --- reading --------------------------------------------------------------------------------

    const Segment& active_segment() const { return *segments.back(); }
    bool empty() const { return last() == nullptr; }
    // Batches from the one that holds `from` up to, not including, the first that reaches beyond
    // `upper`; stops after `max_bytes`, but gives at least one batch (KIP-74).
    void read(Offset from, Offset upper, std::int64_t max_bytes,
              std::vector<RecordBatch>& out) const;
    // The batch that holds `offset`, or the first after it; null when there is none.
    const RecordBatch* find(Offset offset) const { return at(place_of(offset)); }
    const RecordBatch* last() const {
        const auto& newest = segments.back()->batches;
        return newest.empty() ? at(last_place()) : &newest.back();
    }
    // The first record with a timestamp >= `target` (ListOffsets by time, KIP-79). As in Kafka only
    // the first segment is searched whose largest timestamp is that high: where the log start has
    // passed the only such record of that segment there is no answer.
    std::optional<TimestampOffset> find_by_timestamp(Timestamp target) const;
    // The first record with the largest timestamp of all (ListOffsets MAX_TIMESTAMP, KIP-734).
    std::optional<TimestampOffset> find_max_timestamp() const;

    // A batch's place, going up. Good until the log changes.
    struct Place {
        std::size_t segment = 0;
        std::size_t batch = 0;
        bool operator==(const Place&) const = default;
    };
    // Of the first batch whose last offset is >= `offset`; end_place() when there is none.
    Place place_of(Offset offset) const;
    Place last_place() const;  // of the newest batch; end_place() when there is none
    Place end_place() const { return {segments.size(), 0}; }
    Place next(Place place) const;
    const RecordBatch* at(Place place) const {
        return place.segment < segments.size() ? &segments[place.segment]->batches[place.batch]
                                               : nullptr;
    }
    template <class Visit>
    void for_each_batch(Offset from, Visit&& visit) const {
        for (Place place = place_of(from); const RecordBatch* batch = at(place);
             place = next(place)) {
            visit(*batch);
        }
    }

    // --- leader epochs --------------------------------------------------------------------------

    // The epoch of the newest entry; kNoLeaderEpoch when none.
    LeaderEpoch latest_epoch() const { return epoch_cache.latest_epoch(); }
    // Remembers that `epoch` starts at `offset` (LeaderEpochFileCache::assign).
    void assign_epoch(LeaderEpoch epoch, Offset offset) { epoch_cache.assign(epoch, offset); }
    EpochEnd end_offset_for(LeaderEpoch epoch) const {
        return epoch_cache.end_offset_for(epoch, log_end_offset);
    }
};

}  // namespace tribunal
