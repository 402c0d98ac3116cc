// Topics: create (with placement), grow, configure and delete.
#include <algorithm>

#include "broker/controller/partition_updates.h"
#include "broker/controller/placement.h"

namespace tribunal {
namespace {

bool is_valid_name(const std::string& name) {
    if (name.empty() || name == "." || name == ".." || name.size() > 249) return false;
    return std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '.' || c == '_' || c == '-';
    });
}

// Names that differ in '.' and '_' only would share their metric names (Topic.hasCollision).
bool collides(const ClusterImage& image, const std::string& name) {
    const auto unified = [](std::string text) {
        std::replace(text.begin(), text.end(), '.', '_');
        return text;
    };
    if (name.find_first_of("._") == std::string::npos) return false;
    const std::string here = unified(name);
    return std::any_of(image.topic_ids.begin(), image.topic_ids.end(),
                       [&](const auto& entry) { return unified(entry.first) == here; });
}

// What Kafka refuses (TopicConfig's validators). Not min.insync.replicas above the replication
// factor: since 3.7 it counts as that (KAFKA-15583); before, such a topic takes no acks=all writes.
// Nor a cleanup.policy of nothing, which keeps everything.
bool is_valid(const TopicConfig& config) {
    return config.min_insync_replicas >= 1 && config.segment_bytes >= 14 &&
           config.max_message_bytes >= 0 && config.flush_messages >= 1 &&
           config.min_cleanable_dirty_ratio >= 0 && config.min_cleanable_dirty_ratio <= 1'000'000 &&
           config.min_compaction_lag <= config.max_compaction_lag;
}

std::vector<UsableBroker> usable_brokers(const ControllerView& c) {
    std::vector<UsableBroker> brokers;
    for (const auto& [node, registration] : c.image.brokers) {
        if (registration.in_controlled_shutdown || c.heartbeats.shutdowns.contains(node)) continue;
        brokers.push_back({node, registration.rack, registration.fenced});
    }
    return brokers;
}

// New partitions: placed by hand, all with the same number of replicas, or else by the controller.
Answer<std::vector<PartitionImage>> make_partitions(
    const ControllerView& c, const std::vector<std::vector<NodeId>>& assignment,
    std::int32_t partitions, std::size_t replication_factor, std::int32_t start) {
    std::vector<std::vector<NodeId>> lists = assignment;
    for (const std::vector<NodeId>& list : lists) {
        if (const ErrorCode error = check_assignment(c.image, list); error != ErrorCode::none) {
            return error;
        }
        if (list.size() != replication_factor) return ErrorCode::invalid_replica_assignment;
    }
    if (lists.empty()) {
        const auto placed = place_replicas(usable_brokers(c), partitions,
                                           static_cast<std::int16_t>(replication_factor), start);
        if (!placed) return placed.error();
        lists = *placed;
    }
    std::vector<PartitionImage> made;
    for (std::vector<NodeId>& list : lists) {
        PartitionImage image;
        for (const NodeId node : list) {
            if (!c.image.active.contains(node)) continue;
            if (image.leader == kNoNode) image.leader = node;
            image.isr.insert(node);
        }
        // All of them are fenced or shutting down.
        if (image.isr.empty()) {
            return assignment.empty() ? ErrorCode::invalid_replication_factor
                                      : ErrorCode::invalid_replica_assignment;
        }
        image.replicas = std::move(list);
        made.push_back(std::move(image));
    }
    return made;
}

}  // namespace

Decision<CreateTopicResponse> decide(const ControllerView& c, const CreateTopicRequest& request) {
    const auto refuse = [](ErrorCode error) {
        return Decision<CreateTopicResponse>{{}, {error, TopicId{-1}}};
    };
    if (!is_valid_name(request.name)) return refuse(ErrorCode::invalid_topic_exception);
    if (c.image.topic(request.name) != nullptr) return refuse(ErrorCode::topic_already_exists);
    if (collides(c.image, request.name)) return refuse(ErrorCode::invalid_topic_exception);
    if (!is_valid(request.config)) return refuse(ErrorCode::invalid_config);
    std::size_t replication_factor = 0;
    if (!request.assignment.empty()) {
        replication_factor = request.assignment.front().size();
    } else {
        if (request.replication_factor < 1) return refuse(ErrorCode::invalid_replication_factor);
        if (request.partitions < 1) return refuse(ErrorCode::invalid_partitions);
        replication_factor = static_cast<std::size_t>(request.replication_factor);
    }
    const TopicId id = c.image.next_topic;
    auto made =
        make_partitions(c, request.assignment, request.partitions, replication_factor, id.value);
    if (!made) return refuse(made.error());
    Decision<CreateTopicResponse> decision;
    decision.response = {ErrorCode::none, id};
    decision.records.emplace_back(TopicRecord{id, request.name, request.config});
    for (std::size_t i = 0; i < made->size(); ++i) {
        decision.records.emplace_back(
            PartitionRecord{{id, static_cast<std::int32_t>(i)}, (*made)[i]});
    }
    return decision;
}

Decision<CreatePartitionsResponse> decide(const ControllerView& c,
                                          const CreatePartitionsRequest& request) {
    const auto refuse = [](ErrorCode error) {
        return Decision<CreatePartitionsResponse>{{}, {error}};
    };
    const TopicImage* topic = c.image.topic(request.topic);
    if (topic == nullptr) return refuse(ErrorCode::unknown_topic_or_partition);
    const auto old = static_cast<std::int32_t>(topic->partitions.size());
    if (request.count <= old) return refuse(ErrorCode::invalid_partitions);
    const std::int32_t more = request.count - old;
    if (!request.assignment.empty() &&
        request.assignment.size() != static_cast<std::size_t>(more)) {
        return refuse(ErrorCode::invalid_replica_assignment);
    }
    const std::size_t replication_factor = topic->partitions.front().replicas.size();
    auto made =
        make_partitions(c, request.assignment, more, replication_factor, topic->id.value + old);
    if (!made) return refuse(made.error());
    Decision<CreatePartitionsResponse> decision;
    for (std::int32_t i = 0; i < more; ++i) {
        decision.records.emplace_back(
            PartitionRecord{{topic->id, old + i}, (*made)[static_cast<std::size_t>(i)]});
    }
    return decision;
}

Decision<DeleteTopicResponse> decide(const ControllerView& c, const DeleteTopicRequest& request) {
    // Deviation: before 2.1 (KIP-322) nobody answered, and the request timed out.
    if (!c.config.delete_topic_enable) return {{}, {ErrorCode::topic_deletion_disabled}};
    const TopicImage* topic = c.image.topic(request.name);
    if (topic == nullptr) return {{}, {ErrorCode::unknown_topic_or_partition}};
    return {{RemoveTopicRecord{topic->id}}, {ErrorCode::none}};
}

Decision<IncrementalAlterConfigsResponse> decide(const ControllerView& c,
                                                 const IncrementalAlterConfigsRequest& request) {
    const TopicImage* topic = c.image.topic(request.topic);
    if (topic == nullptr) return {{}, {ErrorCode::unknown_topic_or_partition}};
    const TopicConfig config = with_fields(topic->config, request.config, request.altered);
    if (!is_valid(config)) return {{}, {ErrorCode::invalid_config}};
    Decision<IncrementalAlterConfigsResponse> decision;
    if (config == topic->config) return decision;
    if (is_elr_enabled(c) && config.min_insync_replicas != topic->config.min_insync_replicas) {
        clear_elr(*topic, decision.records);
    }
    decision.records.emplace_back(TopicConfigRecord{topic->id, config});
    return decision;
}

}  // namespace tribunal
