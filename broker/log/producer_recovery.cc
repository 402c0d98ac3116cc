// Producer state from what is on disk: snapshots and batches (UnifiedLog.rebuildProducerState,
// LogLoader).
#include <algorithm>

#include "broker/log/replica_log.h"

namespace tribunal {
namespace {

// Nobody expires here: there is no wall clock at hand. Deviation: Kafka leaves out of a snapshot
// who has expired by now; here the next periodic check does.
constexpr Timestamp kNobodyExpires{0};
constexpr std::int64_t kUnlimited = INT64_MAX;

void take_in(ProducerState& state, const ReplicaLog& log) {
    log.for_each_batch(std::max(state.map_end_offset, log.log_start_offset),
                       [&](const RecordBatch& batch) { state.update(batch); });
    state.map_end_offset = log.log_end_offset;
}

}  // namespace

void rebuild_producers(ReplicaLog& log) {
    ProducerState& state = log.producers;
    state.truncate_and_reload(log.log_start_offset, log.log_end_offset, kNobodyExpires, kUnlimited);
    take_in(state, log);
    state.take_snapshot();
}

void recover_producers(ReplicaLog& log, bool clean, Offset recovery_point) {
    ProducerState& state = log.producers;
    if (clean && !state.is_unused()) state.take_snapshot();
    ProducerState fresh;
    fresh.snapshots = std::move(state.snapshots);
    if (!clean) {
        std::erase_if(fresh.snapshots,
                      [&](const ProducerSnapshot& s) { return s.offset > recovery_point; });
    }
    std::vector<Offset> segments;
    for (const Shared<Segment>& segment : log.segments) segments.push_back(segment->base_offset);
    fresh.drop_stray_snapshots(segments);
    fresh.map_end_offset = kNoOffset;  // nothing is in memory: load
    fresh.truncate_and_reload(log.log_start_offset, log.log_end_offset, kNobodyExpires, kUnlimited);
    take_in(fresh, log);
    if (!fresh.is_unused()) {
        fresh.take_snapshot();
    } else {
        fresh = {};
    }
    state = std::move(fresh);
}

}  // namespace tribunal
