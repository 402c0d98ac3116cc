// The in-sync set: who may join, who has to leave, and the round trip through the controller
// (AlterPartition, KIP-497). Until the controller answers, the leader counts on the larger of the
// two sets: a replica that it wants to add already holds the high watermark back, one that it wants
// to remove still does.
#include <algorithm>

#include "broker/base/check.h"
#include "broker/replication/partition.h"

namespace tribunal {
namespace {

void propose(Partition& p, Leader& leader, FlatSet<NodeId> isr, bool expands,
             ReplicationContext& context) {
    PendingIsr pending{expands, std::move(isr), {}, false};
    for (const NodeId node : pending.isr) {
        const auto progress = std::find_if(leader.followers.begin(), leader.followers.end(),
                                           [&](const auto& r) { return r.node == node; });
        pending.members.push_back(
            {node, progress == leader.followers.end() ? BrokerEpoch{-1} : progress->broker_epoch});
    }
    leader.pending = std::move(pending);
    if (expands) leader.maximal_isr = leader.pending->isr;
    context.out.touch(p.id);
    context.out.mark(p.id, expands ? "asks to expand the ISR" : "asks to shrink the ISR",
                     static_cast<std::int64_t>(leader.pending->isr.size()));
}

}  // namespace

bool is_isr_eligible(const ReplicaProgress& r, const ReplicationContext& context) {
    const Rules& rules = context.config.rules;
    const BrokerEpoch* alive = context.alive.find(r.node);
    if (rules.isr_excludes_fenced_brokers && !context.active.contains(r.node)) return false;
    if (!rules.alter_partition_checks_broker_epoch) return true;
    // A fetch of an earlier life of the broker must not bring the new life in.
    return alive != nullptr && r.broker_epoch == *alive;
}

void maybe_expand_isr(Partition& p, NodeId replica, ReplicationContext& context) {
    Leader* leader = p.leader();
    CHECK(leader != nullptr);
    if (leader->pending || leader->maximal_isr.contains(replica)) return;
    for (const ReplicaProgress& r : leader->followers) {
        if (r.node != replica || r.log_end == kNoOffset) continue;
        if (!is_isr_eligible(r, context)) return;
        // Below the epoch's start it may lack what an earlier leader has committed, however low the
        // high watermark is that this leader knows (KAFKA-7128).
        const bool requires_epoch_start = context.config.rules.isr_expand_requires_epoch_start;
        const bool caught_up = r.log_end >= p.high_watermark &&
                               (!requires_epoch_start || r.log_end >= leader->epoch_start_offset);
        if (!caught_up && context.config.planted_bug != PlantedBug::isr_join_too_early) return;
        FlatSet<NodeId> isr = leader->isr;
        isr.insert(replica);
        propose(p, *leader, std::move(isr), true, context);
        return;
    }
}

void check_isr(Partition& p, ReplicationContext& context) {
    Leader* leader = p.leader();
    if (leader == nullptr) return;
    FlatSet<NodeId> isr = leader->isr;
    for (ReplicaProgress& r : leader->followers) {
        // A follower at the leader's log end does not lag, however long it has been silent
        // (ReplicaState.isCaughtUp): fencing it is the controller's business.
        if (r.missed_checks < kLagging) ++r.missed_checks;
        if (r.log_end == p.log.log_end_offset || r.missed_checks < kLagging) continue;
        isr.erase(r.node);
    }
    if (leader->pending || isr.size() == leader->isr.size()) return;
    if (context.config.planted_bug == PlantedBug::isr_keeps_dead_replica) return;
    propose(p, *leader, std::move(isr), false, context);
}

bool on_alter_partition(Partition& p, const AlterPartitionResult& result,
                        ReplicationContext& context) {
    Leader* leader = p.leader();
    if (leader == nullptr || !leader->pending) return false;
    switch (result.error) {
        case ErrorCode::none:
            if (result.image.leader_epoch != p.leader_epoch ||
                result.image.partition_epoch < p.partition_epoch) {
                return false;  // the image has moved on; it will tell
            }
            p.partition_epoch = result.image.partition_epoch;
            leader->isr = result.image.isr;
            leader->maximal_isr = leader->isr;
            leader->pending.reset();
            context.out.touch(p.id);
            context.out.mark(p.id, "ISR is now of size",
                             static_cast<std::int64_t>(leader->isr.size()));
            return advance_high_watermark(p, context);
        case ErrorCode::ineligible_replica:
            // A proposed member is fenced: back to what is committed, a later fetch asks again.
            leader->maximal_isr = leader->isr;
            leader->pending.reset();
            context.out.touch(p.id);
            return advance_high_watermark(p, context);
        case ErrorCode::fenced_leader_epoch:
        case ErrorCode::invalid_update_version:
        case ErrorCode::unknown_topic_or_partition:
        case ErrorCode::invalid_request:
        case ErrorCode::new_leader_elected:
            // Something newer was decided; the image will bring it and clear the proposal.
            return false;
        default:
            leader->pending->in_flight = false;  // sent again with the next request
            return false;
    }
}

}  // namespace tribunal
