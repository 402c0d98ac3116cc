// How one replica's log may go on from one observation to the next: it grows at its end, is cut
// there, or loses its beginning. What is allowed of that: S8 for its bounds, S5 for the active
// segment, which nobody rewrites; S13 of each new batch.
#include <algorithm>

#include <fmt/format.h>
#include "properties/storage_state.h"

namespace tribunal {

using Rule = StorageMonitor::Rule;

Glance glance_at(const ReplicaView& r) {
    const ReplicaLog& log = *r.log;
    const std::vector<EpochEntry>& epochs = log.epoch_cache.entries;
    const bool compacts = r.config != nullptr && r.config->cleanup_compact;
    return {{log.log_start_offset.value, log.log_end_offset.value, log.recovery_point.value,
             log.size_in_bytes, static_cast<std::int64_t>(log.segments.size()),
             static_cast<std::int64_t>(epochs.size()),
             epochs.empty() ? 0 : epochs.back().start_offset.value, r.high_watermark.value,
             r.checkpointed_high_watermark.value, r.checkpointed_recovery_point.value,
             r.checkpointed_log_start.value,
             r.cleaner_checkpoint.value * 4 + (r.running ? 2 : 0) + (compacts ? 1 : 0)}};
}

bool StorageMonitor::ReplicaShadow::is_log_of(const ReplicaView& r) const {
    const ReplicaLog& log = *r.log;
    return log.log_end_offset == log_end_offset && log.log_start_offset == log_start_offset &&
           log.size_in_bytes == size_in_bytes && log.segments.size() == closed.size() + 1 &&
           r.cleaner_checkpoint == cleaner_checkpoint;
}

LeaderEpoch StorageMonitor::ReplicaShadow::last_epoch() const {
    if (!active.batches.empty()) return active.batches.back().leader_epoch;
    for (std::size_t i = closed.size(); i-- > 0;) {
        if (!closed[i]->batches.empty()) return closed[i]->batches.back().leader_epoch;
    }
    return kNoLeaderEpoch;
}

void StorageMonitor::Observation::observe_replica(std::size_t i) {
    const ReplicaView& r = replicas[i];
    ReplicaShadow& s = shadow(i);
    const Glance glance = glance_at(r);
    if (!s.seen || s.went_down || glance != s.glance) {
        s.glance = glance;
        observe_change(i);
    }
    // Segments grow old while nothing happens.
    if (r.log->segments.size() > 1) {
        check_overdue(i);
    } else {
        s.due_since = kNever;
    }
}

void StorageMonitor::Observation::observe_change(std::size_t i) {
    const ReplicaView& r = replicas[i];
    ReplicaShadow& s = shadow(i);
    const ReplicaLog& log = *r.log;
    p.compacts = p.compacts || (r.config != nullptr && r.config->cleanup_compact);
    if (!s.seen) {
        s.seen = true;
        adopt(i);
    } else if (s.went_down) {
        check_recovery(i);
        adopt(i);
        s.went_down.reset();
        s.found_end = log.log_end_offset;
        s.highest_high_watermark = Offset{0};
    } else if (!s.is_log_of(r)) {
        check_bounds(i);
        if (!take_appended(i)) {
            follow_cut(i);
            adopt(i);
        }
    }
    if (log.epoch_cache.entries != s.epochs) follow_epoch_cache(i);
    s.highest_log_start = std::max(s.highest_log_start, log.log_start_offset);
    s.highest_high_watermark = std::max(s.highest_high_watermark, r.high_watermark);
    s.running = r.running;
    check_checkpoints(i);
}

// Looks at all of a log and what belongs to it, and remembers it.
void StorageMonitor::Observation::adopt(std::size_t i) {
    const ReplicaView& r = replicas[i];
    ReplicaShadow& s = shadow(i);
    const ReplicaLog& log = *r.log;
    s.log_start_offset = log.log_start_offset;
    s.log_end_offset = log.log_end_offset;
    s.size_in_bytes = log.size_in_bytes;
    s.closed.assign(log.segments.begin(), std::prev(log.segments.end()));
    s.active = {};
    s.active.base_offset = log.active_segment().base_offset;
    for (const RecordBatch& batch : log.active_segment().batches) s.active.take(batch);
    s.cleaner_checkpoint = r.cleaner_checkpoint;
    check_epoch_cache(i);
    check_epochs_of_batches(i);
    check_producers(i);
}

// What was flushed above the cut is gone, and so is what is being flushed.
void StorageMonitor::Observation::follow_cut(std::size_t i) {
    const ReplicaView& r = replicas[i];
    ReplicaShadow& s = shadow(i);
    // A log that began anew above its end has kept nothing; one that was cut in a gap that a
    // cleaner had left, what lies before the gap.
    const RecordBatch* newest = r.log->last();
    const bool has_kept = newest != nullptr && r.log->log_end_offset < s.log_end_offset;
    const Offset cut = has_kept ? newest->next_offset() : Offset{0};
    s.durable_end = std::min(s.durable_end, cut);
    s.found_end = std::min(s.found_end, cut);
    for (PendingFlush& flush : monitor.flushes_) {
        if (flush.node == r.node && flush.partition == partition) {
            flush.end = std::min(flush.end, cut);
        }
    }
}

// S8: the log start of a running process only rises, and it is where reading begins.
void StorageMonitor::Observation::check_bounds(std::size_t i) {
    const ReplicaView& r = replicas[i];
    const ReplicaShadow& s = shadow(i);
    const ReplicaLog& log = *r.log;
    if (log.log_start_offset == s.log_start_offset) return;
    monitor.exercise(Rule::s8);
    // A follower whose leader's log ends below its own start begins anew there.
    const bool began_anew = log.log_start_offset == log.log_end_offset;
    if (log.log_start_offset < s.log_start_offset && s.running && r.running && !began_anew) {
        found(Rule::s8, Excuse::lost_data, log.log_start_offset, r.node,
              fmt::format("broker {} took its log start back from {} to {}", r.node.value,
                          s.log_start_offset.value, log.log_start_offset.value));
    }
    if (log.log_start_offset > log.log_end_offset ||
        log.segments.front()->base_offset > log.log_start_offset) {
        found(Rule::s8, Excuse::nothing, log.log_start_offset, r.node,
              fmt::format("broker {} has log start {}, its first segment begins at {} and its log "
                          "ends at {}",
                          r.node.value, log.log_start_offset.value,
                          log.segments.front()->base_offset.value, log.log_end_offset.value));
    }
}

bool StorageMonitor::Observation::take_appended(std::size_t i) {
    const ReplicaView& r = replicas[i];
    ReplicaShadow& s = shadow(i);
    const ReplicaLog& log = *r.log;
    const Offset front = log.segments.front()->base_offset;
    if (log.log_end_offset < s.log_end_offset || front > s.log_end_offset) return false;

    // The active segment, or what it has become: only behind what is known there may be new.
    std::size_t at = log.segments.size() - 1;
    while (at > 0 && log.segments[at]->base_offset > s.active.base_offset) --at;
    const bool is_deleted = front > s.active.base_offset;
    if (!is_deleted && !has_kept_active(i, *log.segments[at])) return false;
    LeaderEpoch epoch = s.last_epoch();
    drop_deleted_segments(i);
    for (; at < log.segments.size(); ++at) {
        const Segment& segment = *log.segments[at];
        if (segment.base_offset != s.active.base_offset) {
            s.active = {};
            s.active.base_offset = segment.base_offset;
        }
        for (std::size_t n = s.active.batches.size(); n < segment.batches.size(); ++n) {
            const RecordBatch& batch = segment.batches[n];
            s.active.take(batch);
            s.size_in_bytes += batch.size_in_bytes();
            check_epoch_of(i, batch, epoch);
        }
        if (at + 1 < log.segments.size()) s.closed.push_back(log.segments[at]);
    }
    s.log_end_offset = log.log_end_offset;
    s.log_start_offset = log.log_start_offset;
    // Bytes or segments that went from in between: nobody but the cleaner may do that.
    if (s.size_in_bytes != log.size_in_bytes || s.closed.size() + 1 != log.segments.size() ||
        r.cleaner_checkpoint != s.cleaner_checkpoint) {
        compare_closed_segments(i);
        s.closed.assign(log.segments.begin(), std::prev(log.segments.end()));
        s.size_in_bytes = log.size_in_bytes;
        s.cleaner_checkpoint = r.cleaner_checkpoint;
        check_producers(i);
    }
    return true;
}

// S5: what was appended to the active segment is still there, unless the log was cut.
bool StorageMonitor::Observation::has_kept_active(std::size_t i, const Segment& active) {
    const ReplicaView& r = replicas[i];
    const KnownActive& known = shadow(i).active;
    if (active.base_offset != known.base_offset) return false;
    if (known.batches.empty()) return true;
    const std::size_t n = known.batches.size();
    if (active.batches.size() < n) {
        if (r.log->log_end_offset == shadow(i).log_end_offset) {
            found(Rule::s5, Excuse::nothing, known.base_offset, r.node,
                  fmt::format("the active segment of broker {} lost batches and was not truncated",
                              r.node.value));
        }
        return false;
    }
    const BatchIdentity has = identity_of(active.batches[n - 1]);
    if (has == known.batches.back()) return true;
    if (is_same_batch(has, known.batches.back(), true)) {
        found(Rule::s5, Excuse::nothing, has.base_offset, r.node,
              fmt::format("batch {} to {} in the active segment of broker {} was rewritten",
                          has.base_offset.value, has.last_offset.value, r.node.value));
    }
    return false;
}

}  // namespace tribunal
