// The log start of a partition: DeleteRecords and retention move it up on the leader, followers go
// after it (KIP-107).
#include <algorithm>

#include "broker/base/check.h"
#include "broker/replication/partition.h"

namespace tribunal {

Answer<Offset> delete_records(Partition& p, Offset offset, ReplicationContext& context) {
    if (p.leader() == nullptr) return ErrorCode::not_leader_or_follower;
    if (p.config.cleanup_compact && !p.config.cleanup_delete) return ErrorCode::policy_violation;
    const Offset to = offset == kNoOffset ? p.high_watermark : offset;
    if (to < Offset{0} || to > p.high_watermark) return ErrorCode::offset_out_of_range;
    advance_log_start(p, to, context);
    return to;
}

Offset low_watermark(const Partition& p, const FlatMap<NodeId, BrokerEpoch>& alive) {
    const Leader* leader = p.leader();
    CHECK(leader != nullptr);
    Offset lowest = p.log.log_start_offset;
    for (const ReplicaProgress& r : leader->followers) {
        if (alive.contains(r.node)) lowest = std::min(lowest, r.log_start);
    }
    return lowest;
}

namespace {

// Before KAFKA-7190 a producer was forgotten with its last record.
void forget_deleted_producers(Partition& p, const Rules& rules) {
    if (rules.producer_state_survives_deletion) return;
    p.log.producers.evict_below(p.log.log_start_offset);
}

}  // namespace

void advance_log_start(Partition& p, Offset to, ReplicationContext& context) {
    if (to <= p.log.log_start_offset) return;
    p.log.advance_start(to);
    forget_deleted_producers(p, context.config.rules);
    if (p.high_watermark < to) p.high_watermark = to;
    context.out.touch(p.id);
}

void delete_old_segments(Partition& p, std::size_t count, ReplicationContext& context) {
    const bool rolls = count == p.log.segments.size();
    p.log.delete_segments(count);
    forget_deleted_producers(p, context.config.rules);
    CHECK(p.log.log_start_offset <= p.high_watermark);
    if (rolls) flush_in_background(p, p.log.log_end_offset, context);
    context.out.effects.emplace_back(Write{DeleteWrite{p.id, false}, false, 0});
    context.out.touch(p.id);
}

}  // namespace tribunal
