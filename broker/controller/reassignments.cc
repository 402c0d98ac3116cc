// Reassignment of partitions to other brokers (KIP-455): AlterPartitionReassignments starts or
// cancels one, AlterPartition completes it when all that shall stay are in sync.
//
//   1. the new replicas join `replicas`, and adding_replicas and removing_replicas say who is new
//      and who is to go;
//   2. the new ones catch up, and the leader takes them into the ISR;
//   3. with that ISR, those to go leave `replicas` and the ISR, and the leadership.
#include <algorithm>

#include "broker/controller/partition_updates.h"
#include "broker/controller/placement.h"

namespace tribunal {
namespace {

using Change = Answer<std::optional<PartitionChangeRecord>>;

bool has(const std::vector<NodeId>& list, NodeId node) {
    return std::find(list.begin(), list.end(), node) != list.end();
}

// What the replicas were before the reassignment under way, in their order now.
std::vector<NodeId> original_replicas(const PartitionImage& p) {
    std::vector<NodeId> replicas;
    for (const NodeId node : p.replicas) {
        if (!p.adding_replicas.contains(node)) replicas.push_back(node);
    }
    return replicas;
}

// PartitionReassignmentRevert.
Change cancel(const ControllerView& c, TopicPartition tp, const PartitionImage& p,
              const TopicImage& topic) {
    if (!p.is_being_reassigned()) return ErrorCode::no_reassignment_in_progress;
    PartitionTarget target(p);
    target.replicas = original_replicas(p);
    if (target.replicas.empty()) return ErrorCode::invalid_replica_assignment;
    for (const NodeId node : p.adding_replicas) target.isr.erase(node);
    if (target.isr.empty()) {
        // Only those that were to come are in sync: whoever else would lead has not everything.
        if (!may_elect_unclean(c, topic)) {
            return ErrorCode::invalid_replica_assignment;
        }
        target.isr.insert(target.replicas.front());
    }
    target.adding_replicas.clear();
    target.removing_replicas.clear();
    if (may_elect_unclean(c, topic)) target.election = Election::unclean;
    return build_change(tp, p, std::move(target), partition_rules(c, topic),
                        AcceptableLeader{c.image});
}

Change reassign(const ControllerView& c, TopicPartition tp, const PartitionImage& p,
                const TopicImage& topic, const std::vector<NodeId>& wanted,
                bool may_change_replication_factor) {
    if (const ErrorCode error = check_assignment(c.image, wanted); error != ErrorCode::none) {
        return error;
    }
    if (!may_change_replication_factor && original_replicas(p).size() != wanted.size()) {
        return ErrorCode::invalid_replication_factor;  // KIP-860
    }
    FlatSet<NodeId> adding;
    FlatSet<NodeId> removing;
    for (const NodeId node : wanted) {
        if (!has(p.replicas, node)) adding.insert(node);
    }
    for (const NodeId node : p.replicas) {
        if (!has(wanted, node)) removing.insert(node);
    }
    PartitionTarget target(p);
    target.replicas = wanted;
    for (const NodeId node : removing) target.replicas.push_back(node);
    // As Kafka: what an earlier reassignment that is still under way adds or removes stays so, when
    // this one itself adds or removes nothing.
    if (!adding.empty()) target.adding_replicas = std::move(adding);
    if (!removing.empty()) target.removing_replicas = std::move(removing);
    return build_change(tp, p, std::move(target), partition_rules(c, topic),
                        AcceptableLeader{c.image});
}

ErrorCode alter(const ControllerView& c, const PartitionReassignment& wanted,
                bool may_change_replication_factor, std::vector<MetadataRecord>& records) {
    const TopicImage* topic = c.image.topic(wanted.partition.topic);
    if (topic == nullptr) return ErrorCode::unknown_topic_or_partition;
    const TopicPartition tp{topic->id, wanted.partition.partition};
    const PartitionImage* p = c.image.partition(tp);
    if (p == nullptr) return ErrorCode::unknown_topic_or_partition;
    Change change = wanted.replicas ? reassign(c, tp, *p, *topic, *wanted.replicas,
                                               may_change_replication_factor)
                                    : cancel(c, tp, *p, *topic);
    if (!change) return change.error();
    if (*change) records.emplace_back(std::move(**change));
    return ErrorCode::none;
}

void list(const TopicImage& topic, std::int32_t partition,
          ListPartitionReassignmentsResponse& response) {
    if (partition < 0 || static_cast<std::size_t>(partition) >= topic.partitions.size()) return;
    const PartitionImage& p = topic.partitions[static_cast<std::size_t>(partition)];
    if (!p.is_being_reassigned()) return;
    response.reassignments.push_back({{topic.name, partition},
                                      p.replicas,
                                      {p.adding_replicas.begin(), p.adding_replicas.end()},
                                      {p.removing_replicas.begin(), p.removing_replicas.end()}});
}

}  // namespace

Decision<AlterPartitionReassignmentsResponse> decide(
    const ControllerView& c, const AlterPartitionReassignmentsRequest& request) {
    Decision<AlterPartitionReassignmentsResponse> decision;
    for (const PartitionReassignment& wanted : request.partitions) {
        const ErrorCode error =
            alter(c, wanted, request.allow_replication_factor_change, decision.records);
        decision.response.partitions.push_back({wanted.partition, error});
    }
    return decision;
}

Decision<ListPartitionReassignmentsResponse> decide(
    const ControllerView& c, const ListPartitionReassignmentsRequest& request) {
    Decision<ListPartitionReassignmentsResponse> decision;
    for (const NamedPartition& name : request.partitions) {
        if (const TopicImage* topic = c.image.topic(name.topic)) {
            list(*topic, name.partition, decision.response);
        }
    }
    if (!request.partitions.empty()) return decision;
    for_each_partition(c.image,
                       [&](TopicPartition tp, const PartitionImage&, const TopicImage& topic) {
                           list(topic, tp.partition, decision.response);
                       });
    return decision;
}

}  // namespace tribunal
