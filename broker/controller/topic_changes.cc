// Topics: create (with placement) and delete.
#include <algorithm>

#include "broker/controller/decisions.h"

namespace tribunal {
namespace {

// Replicas one after another around the ring of live brokers, each partition and topic starting one
// further, so leaders spread evenly. Deviation: Kafka's StripedReplicaPlacer starts at random.
std::vector<NodeId> place(const std::vector<NodeId>& brokers, std::int32_t start,
                          std::int16_t replication_factor) {
    std::vector<NodeId> replicas;
    for (std::int32_t i = 0; i < replication_factor; ++i) {
        replicas.push_back(brokers[static_cast<std::size_t>(start + i) % brokers.size()]);
    }
    return replicas;
}

bool is_valid_name(const std::string& name) {
    if (name.empty() || name == "." || name == ".." || name.size() > 249) return false;
    return std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '.' || c == '_' || c == '-';
    });
}

}  // namespace

Decision<CreateTopicResponse> decide(const ControllerView& c, const CreateTopicRequest& request) {
    const auto refuse = [](ErrorCode error) {
        return Decision<CreateTopicResponse>{{}, {error, TopicId{-1}}};
    };
    if (!is_valid_name(request.name)) return refuse(ErrorCode::invalid_topic_exception);
    if (c.image.topic(request.name) != nullptr) return refuse(ErrorCode::topic_already_exists);
    const std::int32_t partitions = request.assignment.empty()
                                        ? request.partitions
                                        : static_cast<std::int32_t>(request.assignment.size());
    if (partitions < 1) return refuse(ErrorCode::invalid_partitions);
    std::vector<NodeId> alive;
    for (const auto& [node, epoch] : c.image.alive) alive.push_back(node);
    if (request.assignment.empty() &&
        (request.replication_factor < 1 ||
         static_cast<std::size_t>(request.replication_factor) > alive.size())) {
        return refuse(ErrorCode::invalid_replication_factor);
    }
    const TopicId id = c.image.next_topic;
    Decision<CreateTopicResponse> decision;
    decision.response = {ErrorCode::none, id};
    decision.records.emplace_back(TopicRecord{id, request.name, request.config});
    for (std::int32_t i = 0; i < partitions; ++i) {
        PartitionImage image;
        image.replicas = request.assignment.empty()
                             ? place(alive, id.value + i, request.replication_factor)
                             : request.assignment[static_cast<std::size_t>(i)];
        for (const NodeId node : image.replicas) {
            if (c.image.alive.contains(node)) image.isr.insert(node);
        }
        // Kafka refuses a manual assignment with no live broker.
        if (image.isr.empty()) return refuse(ErrorCode::invalid_replica_assignment);
        for (const NodeId node : image.replicas) {
            if (!image.isr.contains(node)) continue;
            image.leader = node;
            break;
        }
        decision.records.emplace_back(PartitionRecord{{id, i}, std::move(image)});
    }
    return decision;
}

Decision<DeleteTopicResponse> decide(const ControllerView& c, const DeleteTopicRequest& request) {
    const TopicImage* topic = c.image.topic(request.name);
    if (topic == nullptr) return {{}, {ErrorCode::unknown_topic_or_partition}};
    return {{RemoveTopicRecord{topic->id}}, {ErrorCode::none}};
}

}  // namespace tribunal
