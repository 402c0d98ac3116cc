// Who leads a partition and who is in sync: elections on fencing and unfencing, AlterPartition
// (KIP-497), clean and unclean rules.
//
// Not here yet: eligible leader replicas (KIP-966), reassignment (KIP-455), preferred leader
// elections.
#include <algorithm>

#include "broker/controller/decisions.h"

namespace tribunal {
namespace {

template <class Visit>
void for_each_partition(const ControllerView& c, Visit&& visit) {
    for (const auto& [id, topic] : c.image.topics) {
        for (std::size_t i = 0; i < topic->partitions.size(); ++i) {
            visit(TopicPartition{id, static_cast<std::int32_t>(i)}, topic->partitions[i],
                  topic->config);
        }
    }
}

// The first assigned replica that is alive (with `also` counted in and `without` out) and passes.
template <class Passes>
NodeId first_alive(const ControllerView& c, const PartitionImage& p, NodeId without, NodeId also,
                   Passes&& passes) {
    for (const NodeId node : p.replicas) {
        if (node == without || !(node == also || c.image.alive.contains(node))) continue;
        if (passes(node)) return node;
    }
    return kNoNode;
}

}  // namespace

void leave_partitions(const ControllerView& c, NodeId broker,
                      std::vector<MetadataRecord>& records) {
    for_each_partition(
        c, [&](TopicPartition tp, const PartitionImage& p, const TopicConfig& config) {
            const bool in_isr = p.isr.contains(broker);
            if (!in_isr && p.leader != broker) return;
            FlatSet<NodeId> isr = p.isr;
            const bool keep_dead = c.config.planted_bug == PlantedBug::isr_keeps_dead_replica;
            // The last member stays: nobody else is known to have everything.
            if (in_isr && p.isr.size() > 1 && !keep_dead) isr.erase(broker);
            PartitionChangeRecord change;
            change.partition = tp;
            if (p.leader == broker) {
                change.leader =
                    first_alive(c, p, broker, kNoNode, [&](NodeId n) { return isr.contains(n); });
                if (change.leader == kNoNode && config.unclean_leader_election_enable) {
                    change.leader = first_alive(c, p, broker, kNoNode, [](NodeId) { return true; });
                    if (change.leader != kNoNode) isr = {*change.leader};
                }
            }
            if (isr != p.isr) change.isr = isr;
            if (change.isr || change.leader) records.emplace_back(std::move(change));
        });
}

void lead_partitions(const ControllerView& c, NodeId broker, std::vector<MetadataRecord>& records) {
    for_each_partition(
        c, [&](TopicPartition tp, const PartitionImage& p, const TopicConfig& config) {
            if (p.leader != kNoNode) return;
            if (std::find(p.replicas.begin(), p.replicas.end(), broker) == p.replicas.end()) return;
            PartitionChangeRecord change;
            change.partition = tp;
            NodeId leader =
                first_alive(c, p, kNoNode, broker, [&](NodeId n) { return p.isr.contains(n); });
            if (leader == kNoNode && config.unclean_leader_election_enable) {
                leader = first_alive(c, p, kNoNode, broker, [](NodeId) { return true; });
                if (leader != kNoNode) change.isr = FlatSet<NodeId>{leader};
            }
            change.leader = leader;
            if (leader != kNoNode) records.emplace_back(std::move(change));
        });
}

namespace {

ErrorCode check_alter(const ControllerView& c, NodeId from, const AlterPartition& request) {
    const PartitionImage* p = c.image.partition(request.partition);
    if (p == nullptr) return ErrorCode::unknown_topic_or_partition;
    if (request.leader_epoch > p->leader_epoch) return ErrorCode::not_controller;
    if (request.leader_epoch < p->leader_epoch) return ErrorCode::fenced_leader_epoch;
    if (p->leader != from) return ErrorCode::invalid_request;
    if (request.partition_epoch > p->partition_epoch) return ErrorCode::not_controller;
    if (request.partition_epoch < p->partition_epoch) return ErrorCode::invalid_update_version;
    bool has_leader = false;
    for (const IsrMember& member : request.new_isr) {
        has_leader = has_leader || member.broker == from;
        if (std::find(p->replicas.begin(), p->replicas.end(), member.broker) == p->replicas.end()) {
            return ErrorCode::invalid_request;
        }
    }
    if (!has_leader) return ErrorCode::invalid_request;
    for (const IsrMember& member : request.new_isr) {
        const BrokerEpoch* alive = c.image.alive.find(member.broker);
        // KIP-841 and KIP-903: fenced brokers and earlier lives may not be in the ISR.
        if (alive == nullptr) return ErrorCode::ineligible_replica;
        if (member.broker_epoch != BrokerEpoch{-1} && member.broker_epoch != *alive) {
            return ErrorCode::ineligible_replica;
        }
    }
    return ErrorCode::none;
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
    for (const AlterPartition& alter : request.partitions) {
        AlterPartitionResult result;
        result.partition = alter.partition;
        result.error = check_alter(c, request.broker, alter);
        if (result.error == ErrorCode::none) {
            FlatSet<NodeId> isr;
            for (const IsrMember& member : alter.new_isr) isr.insert(member.broker);
            result.image = *c.image.partition(alter.partition);
            if (isr != result.image.isr) {
                PartitionChangeRecord change{.partition = alter.partition, .isr = isr};
                apply(result.image, change);
                decision.records.emplace_back(std::move(change));
            }
        }
        decision.response.partitions.push_back(std::move(result));
    }
    return decision;
}

}  // namespace tribunal
