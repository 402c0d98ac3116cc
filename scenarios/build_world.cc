// From a scenario to a world: nodes, topics to create, faults.
#include <algorithm>

#include "broker/base/check.h"
#include "broker/group/offsets.h"
#include "scenarios/admin_operations.h"
#include "scenarios/play.h"

namespace tribunal {
namespace {

std::vector<NodeId> bootstrap_of(const Scenario& scenario) {
    std::vector<NodeId> brokers;
    for (std::int32_t i = 1; i <= scenario.cluster.brokers; ++i) brokers.push_back(broker_id(i));
    return brokers;
}

Producer producer_of(const Scenario& scenario, const ProducerSpec& spec, std::size_t index) {
    Producer p;
    p.id = client_id(index);
    p.client = static_cast<std::uint32_t>(index);
    p.topic = spec.topic;
    p.config = spec.config;
    p.load.records = spec.load.records;
    p.load.interval = spec.load.interval;
    p.load.start = spec.load.start - Instant{0};
    p.load.value_size = spec.load.value_size;
    p.load.keys = spec.load.keys;
    p.load.partition = spec.load.partition;
    p.load.await = spec.load.await;
    p.load.lines = Shared<std::vector<Record>>{spec.load.lines};
    p.key_serializer = spec.key_serializer;
    p.value_serializer = spec.value_serializer;
    p.metadata.bootstrap = bootstrap_of(scenario);
    p.metadata.topics = {spec.topic};
    return p;
}

Consumer consumer_of(const Scenario& scenario, const ConsumerSpec& spec, std::size_t index) {
    Consumer c;
    c.id = client_id(index);
    c.client = static_cast<std::uint32_t>(index);
    c.group = spec.group;
    if (spec.assignment.empty()) c.topics = spec.topics;
    c.wanted = spec.assignment;
    c.config = spec.config;
    c.key_deserializer = spec.key_deserializer;
    c.value_deserializer = spec.value_deserializer;
    c.from_beginning = spec.from_beginning;
    c.start = spec.start - Instant{0};
    for (const SeekSpec& seek : spec.seeks) {
        PlannedSeek planned{seek.at - Instant{0}, seek.topic, seek.partition, 0};
        planned.offset = seek.to_beginning ? kEarliestTimestamp
                         : seek.to_end     ? kLatestTimestamp
                                           : seek.offset->value;
        c.seeks.push_back(planned);
    }
    std::stable_sort(c.seeks.begin(), c.seeks.end(),
                     [](const PlannedSeek& a, const PlannedSeek& b) { return a.at < b.at; });
    c.metadata.bootstrap = bootstrap_of(scenario);
    c.metadata.topics = spec.topics;
    for (const auto& [topic, partition] : spec.assignment) {
        if (std::find(c.metadata.topics.begin(), c.metadata.topics.end(), topic) ==
            c.metadata.topics.end()) {
            c.metadata.topics.push_back(topic);
        }
    }
    return c;
}

CreateTopicRequest create_request(const TopicSpec& topic) {
    return {topic.name, topic.partitions, topic.replication_factor, topic.assignment, topic.config};
}

AddRaftVoterRequest add_request(const VoterSpec& voter) {
    return {{{voter.controller,
              DirectoryId{voter.controller.value * kDirectoriesANode + voter.directory}},
             0}};
}

// A step as its client sends it: one request after another where the leaders may be several.
std::vector<AdminRequest> requests_of(const AdminStep& step) {
    switch (step.op) {
        case AdminOp::create_topic:
            return {create_request(step.topic)};
        case AdminOp::delete_topic:
            return {DeleteTopicRequest{step.topic.name}};
        case AdminOp::describe_topic:
            return {MetadataRequest{{step.topic.name}}};
        case AdminOp::list_topics:
            return {MetadataRequest{}};
        case AdminOp::list_partition_reassignments:
            return {ListPartitionReassignmentsRequest{}};
        case AdminOp::create_partitions:
            return {std::get<CreatePartitionsRequest>(step.change)};
        case AdminOp::alter_partition_reassignments:
            return {std::get<AlterPartitionReassignmentsRequest>(step.change)};
        case AdminOp::elect_leaders:
            return {std::get<ElectLeadersRequest>(step.change)};
        case AdminOp::alter_configs:
            return {std::get<IncrementalAlterConfigsRequest>(step.change)};
        case AdminOp::update_features:
            return {std::get<UpdateFeaturesRequest>(step.change)};
        case AdminOp::unregister_broker:
            return {std::get<UnregisterBrokerRequest>(step.change)};
        case AdminOp::delete_records: {
            const auto& deletions = std::get<std::vector<RecordDeletion>>(step.change);
            return {deletions.begin(), deletions.end()};
        }
        case AdminOp::add_raft_voter:
            return {add_request(std::get<VoterSpec>(step.change))};
        case AdminOp::remove_raft_voter:
            return {
                RemoveRaftVoterRequest{add_request(std::get<VoterSpec>(step.change)).voter.key}};
    }
    CHECK(!"unknown operation");
    return {};
}

Admin admin_of(const Scenario& scenario, const AdminSpec& spec, std::size_t index) {
    Admin a;
    a.id = client_id(index);
    a.client = static_cast<std::uint32_t>(index);
    a.bootstrap = bootstrap_of(scenario);
    for (const AdminStep& step : spec.steps) {
        for (AdminRequest& request : requests_of(step)) {
            a.operations.push_back(
                {step.at - Instant{0}, operation_of(step.op).kind, std::move(request)});
        }
    }
    std::stable_sort(a.operations.begin(), a.operations.end(),
                     [](const auto& x, const auto& y) { return x.at < y.at; });
    return a;
}

Admin setup_of(const Scenario& scenario) {
    Admin a;
    a.id = setup_id();
    a.client = static_cast<std::uint32_t>(scenario.clients.size());
    a.bootstrap = bootstrap_of(scenario);
    for (const TopicSpec& topic : scenario.topics) {
        a.operations.push_back({Duration{0}, ClientOpKind::create_topic, create_request(topic),
                                scenario.cluster.brokers});
    }
    const bool has_group =
        std::any_of(scenario.clients.begin(), scenario.clients.end(), [](const ClientSpec& c) {
            const auto* consumer = std::get_if<ConsumerSpec>(&c);
            return consumer != nullptr && !consumer->group.empty();
        });
    if (has_group) {
        CreateTopicRequest offsets;
        offsets.name = std::string{kOffsetsTopic};
        offsets.partitions = scenario.cluster.config.offsets_topic_num_partitions;
        offsets.replication_factor = static_cast<std::int16_t>(std::min<std::int32_t>(
            scenario.cluster.config.offsets_topic_replication_factor, scenario.cluster.brokers));
        offsets.config = scenario.cluster.topic_defaults;
        // What the coordinator asks for whatever the defaults are (groupMetadataTopicConfigs).
        offsets.config.cleanup_compact = true;
        offsets.config.cleanup_delete = false;
        offsets.config.keeps_producer_compression = true;
        offsets.config.segment_bytes = scenario.cluster.config.offsets_topic_segment_bytes;
        a.operations.push_back(
            {Duration{0}, ClientOpKind::create_topic, offsets, scenario.cluster.brokers});
    }
    return a;
}

void add_cluster(const ClusterSpec& cluster, World& world) {
    std::vector<NodeId> voters;
    for (std::int32_t i = 0; i < cluster.controllers; ++i) voters.push_back(cluster.controller(i));
    const auto controller = [&](NodeId id) { return make_controller(id, voters, cluster.config); };
    for (std::int32_t i = 1; i <= cluster.brokers; ++i) {
        Broker b;
        b.id = broker_id(i);
        b.voters = voters;
        b.config = cluster.config;
        b.config.rack = cluster.rack_of(b.id);
        const std::string name = cluster.node_name(b.id);
        if (cluster.is_controller(b.id)) {
            world.add(Combined{b, controller(b.id)}, name, Instant{0});
        } else {
            world.add(b, name, Instant{0});
        }
    }
    if (cluster.combined) return;
    for (const NodeId id : voters) world.add(controller(id), cluster.node_name(id), Instant{0});
}

}  // namespace

World build_world(const Scenario& scenario) {
    World world;
    world.options = scenario.world;
    world.faults = scenario.faults;
    add_cluster(scenario.cluster, world);
    world.add(setup_of(scenario), "setup", Instant{0} + milliseconds(20));
    for (std::size_t i = 0; i < scenario.clients.size(); ++i) {
        const Instant start = Instant{0} + milliseconds(50);
        std::visit(
            Overloaded{
                [&](const ProducerSpec& s) {
                    world.add(producer_of(scenario, s, i), s.name, start);
                },
                [&](const ConsumerSpec& s) {
                    world.add(consumer_of(scenario, s, i), s.name, start);
                },
                [&](const AdminSpec& s) { world.add(admin_of(scenario, s, i), s.name, start); },
            },
            scenario.clients[i]);
    }
    world.schedule_faults();
    return world;
}

}  // namespace tribunal
