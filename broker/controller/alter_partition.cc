// AlterPartition: a leader changes its ISR, as a compare-and-set (KIP-497, KIP-841, KIP-903,
// KIP-704). Where it completes a reassignment, the leader itself may change (KIP-455).
#include <algorithm>

#include "broker/controller/partition_updates.h"

namespace tribunal {
namespace {

bool is_eligible(const ControllerView& c, const IsrMember& member) {
    const BrokerRegistration* broker = c.image.brokers.find(member.broker);
    if (broker == nullptr) return false;
    const Rules& rules = c.config.rules;
    if (rules.isr_excludes_fenced_brokers && !c.image.active.contains(member.broker)) return false;
    // An earlier life of the broker may have had what this one lost.
    return !rules.alter_partition_checks_broker_epoch || member.broker_epoch == BrokerEpoch{-1} ||
           member.broker_epoch == broker->epoch;
}

// Replicas, each once, the leader among them (Replicas.validateIsr).
bool is_valid_isr(const PartitionImage& p, const std::vector<IsrMember>& isr) {
    FlatSet<NodeId> seen;
    for (const IsrMember& member : isr) {
        if (std::find(p.replicas.begin(), p.replicas.end(), member.broker) == p.replicas.end()) {
            return false;
        }
        if (!seen.insert(member.broker)) return false;
    }
    return seen.contains(p.leader);
}

ErrorCode check(const ControllerView& c, NodeId from, const AlterPartition& request) {
    const PartitionImage* p = c.image.partition(request.partition);
    if (p == nullptr) return ErrorCode::unknown_topic_or_partition;
    const bool checks_epoch = c.config.rules.alter_partition_checks_partition_epoch &&
                              c.config.planted_bug != PlantedBug::alter_partition_ignores_epoch;
    // From a later controller's time: this one is no longer active.
    if (request.leader_epoch > p->leader_epoch) return ErrorCode::not_controller;
    if (checks_epoch && request.partition_epoch > p->partition_epoch) {
        return ErrorCode::not_controller;
    }
    if (request.leader_epoch < p->leader_epoch) return ErrorCode::fenced_leader_epoch;
    if (p->leader != from) return ErrorCode::invalid_request;
    if (checks_epoch && request.partition_epoch < p->partition_epoch) {
        return ErrorCode::invalid_update_version;
    }
    if (!is_valid_isr(*p, request.new_isr)) return ErrorCode::invalid_request;
    const bool recovering = request.leader_recovery_state == LeaderRecoveryState::recovering;
    if (recovering && request.new_isr.size() > 1) return ErrorCode::invalid_request;
    if (recovering && p->leader_recovery_state == LeaderRecoveryState::recovered) {
        return ErrorCode::invalid_request;
    }
    const bool eligible =
        std::all_of(request.new_isr.begin(), request.new_isr.end(),
                    [&](const IsrMember& member) { return is_eligible(c, member); });
    return eligible ? ErrorCode::none : ErrorCode::ineligible_replica;
}

AlterPartitionResult alter(const ControllerView& c, NodeId from, const AlterPartition& request,
                           std::vector<MetadataRecord>& records) {
    AlterPartitionResult result;
    result.partition = request.partition;
    result.error = check(c, from, request);
    if (result.error != ErrorCode::none) return result;
    const PartitionImage& p = *c.image.partition(request.partition);
    const TopicImage& topic = *c.image.topic(request.partition.topic);
    PartitionTarget target(p);
    target.isr.clear();
    for (const IsrMember& member : request.new_isr) target.isr.insert(member.broker);
    target.leader_recovery_state = request.leader_recovery_state;
    if (may_elect_unclean(c, topic)) target.election = Election::unclean;
    auto change = build_change(request.partition, p, std::move(target), partition_rules(c, topic),
                               AcceptableLeader{c.image});
    result.image = p;
    if (!change) return result;
    apply(result.image, *change);
    if (change->leader && *change->leader != from) {
        // The reassignment that this completes removes the leader: it has to look again.
        result.error = ErrorCode::new_leader_elected;
    }
    records.emplace_back(std::move(*change));
    return result;
}

}  // namespace

Decision<AlterPartitionResponse> decide(const ControllerView& c,
                                        const AlterPartitionRequest& request) {
    Decision<AlterPartitionResponse> decision;
    const BrokerRegistration* broker = c.image.brokers.find(request.broker);
    if (broker == nullptr || broker->epoch != request.broker_epoch) {
        decision.response.error = ErrorCode::stale_broker_epoch;
        return decision;
    }
    for (const AlterPartition& partition : request.partitions) {
        decision.response.partitions.push_back(
            alter(c, request.broker, partition, decision.records));
    }
    return decision;
}

}  // namespace tribunal
