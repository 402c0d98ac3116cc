// What an admin can be told to do: how it is read, what is refused, and what comes of it.
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "scenarios/admin_operations.h"
#include "scenarios/config_table.h"
#include "scenarios/json_place.h"
#include "scenarios/play.h"

namespace tribunal {
namespace {

// Three brokers, three controllers and these steps of an admin.
Json with_steps(const std::string& steps, const std::string& edition = "4.1") {
    Json document = Json::parse(R"({
      "name": "steps", "kafka": "4.1",
      "cluster": { "brokers": 3, "controllers": 3,
                   "config": { "log.retention.ms": 60000, "replica.fetch.wait.max.ms": 100 } },
      "topics": [ { "name": "orders", "partitions": 2, "replication.factor": 2,
                    "assignment": [[1, 2], [2, 3]] } ],
      "clients": [ { "producer": "p1", "topic": "orders", "load": { "records": 0, "rate": "50/s", "keys": 9 } },
                   { "consumer": "c1", "group": "g", "topics": ["orders"] },
                   { "admin": "a1" } ],
      "run": { "for": "10s", "heal": "60s" } })");
    document["kafka"] = edition;
    document["clients"][2]["steps"] = Json::parse(steps);
    return document;
}

Scenario scenario_of(const std::string& steps, const std::string& edition = "4.1") {
    return parse_scenario(with_steps(steps, edition).dump(), "t.json", "");
}

const AdminStep& step_of(const Scenario& scenario, std::size_t index = 0) {
    return std::get<AdminSpec>(scenario.clients[2]).steps.at(index);
}

std::string error_of(const std::string& steps, const std::string& edition = "4.1") {
    try {
        scenario_of(steps, edition);
    } catch (const ScenarioError& error) {
        return error.what();
    }
    return "no error";
}

std::string example_step(const AdminOperation& operation) {
    return R"([{"at": "1s", ")" + std::string(operation.key) + R"(": )" +
           std::string(operation.example) + "}]";
}

TEST(AdminSteps, are_refused_before_the_release_that_brought_them) {
    for (const AdminOperation& operation : all_admin_operations()) {
        const std::string steps = example_step(operation);
        const std::string first(operation.since.empty() ? "0.10" : operation.since);
        EXPECT_EQ(error_of(steps, first), "no error") << operation.key;
        const Edition* edition = find_edition(first);
        ASSERT_NE(edition, nullptr);
        if (edition == all_editions().data()) continue;
        const std::string before((edition - 1)->name);
        EXPECT_EQ(error_of(steps, before),
                  "t.json: /clients/2/steps/0/" + std::string(operation.key) + ": " +
                      std::string(operation.key) + " exists since Kafka " + first + " (" +
                      std::string(operation.proposal) + "), and this scenario is for " + before);
    }
    EXPECT_EQ(error_of(R"([{"at": "1s", "elect_leaders": {"election_type": "unclean"}}])", "2.3"),
              "t.json: /clients/2/steps/0/elect_leaders/election_type: election_type unclean "
              "exists since Kafka 2.4 (KIP-460), and this scenario is for 2.3");
    EXPECT_EQ(error_of(R"([{"at": "1s", "alter_partition_reassignments":
                            {"orders-0": [1], "allow_replication_factor_change": false}}])",
                       "4.0"),
              "t.json: /clients/2/steps/0/alter_partition_reassignments/"
              "allow_replication_factor_change: allow_replication_factor_change exists since Kafka "
              "4.1 (KIP-860), and this scenario is for 4.0");
}

TEST(AdminSteps, say_what_is_wrong_with_them) {
    struct Row {
        const char* step;
        const char* message;  // behind "t.json: /clients/2/steps/0"
    };
    const Row rows[] = {
        {R"("elect_leader": {})", "/elect_leader: unknown key; did you mean 'elect_leaders'?"},
        {R"("list_topics": true, "unregister_broker": 1)",
         "/unregister_broker: a step does one thing; make it another step"},
        {R"("create_partitions": {"topic": "oders", "partitions": 3})",
         "/create_partitions/topic: unknown topic 'oders'; did you mean 'orders'?"},
        {R"("create_partitions": {"topic": "orders"})",
         "/create_partitions: 'partitions' is missing"},
        {R"("create_partitions": {"topic": "orders", "partitions": 3, "assignment": [[1, 4]]})",
         "/create_partitions/assignment/0/1: found 4, expected a broker from 1 to 3"},
        {R"("alter_partition_reassignments": {})",
         "/alter_partition_reassignments: found an empty object, expected partitions and their "
         "replicas, such as {\"orders-0\": [1, 2, 3]}"},
        {R"("alter_partition_reassignments": {"orders-2": [1]})",
         "/alter_partition_reassignments/orders-2: topic 'orders' has no partition 2; valid: 0 to "
         "1"},
        {R"("alter_partition_reassignments": {"orders": [1]})",
         "/alter_partition_reassignments/orders: found 'orders', expected a topic and its "
         "partition, such as 'orders-0'"},
        {R"("alter_partition_reassignments": {"orders-0": [1, 1]})",
         "/alter_partition_reassignments/orders-0/1: broker 1 stands here twice"},
        {R"("alter_partition_reassignments": {"orders-0": "cancel"})",
         "/alter_partition_reassignments/orders-0: found \"cancel\", expected a list of brokers, "
         "or null to cancel a reassignment"},
        {R"("elect_leaders": {"partitions": ["orders-0"]})",
         "/elect_leaders: 'election_type' is missing"},
        {R"("elect_leaders": {"election_type": "dirty"})",
         "/elect_leaders/election_type: found \"dirty\", expected one of preferred, unclean"},
        {R"("elect_leaders": {"election_type": "preferred", "partitions": ["oders-0"]})",
         "/elect_leaders/partitions/0: unknown topic 'oders'; did you mean 'orders'?"},
        {R"("elect_leaders": {"election_type": "preferred", "partitions": []})",
         "/elect_leaders/partitions: found an empty array, expected at least one partition; "
         "without 'partitions' all are meant"},
        {R"("alter_configs": {"topic": "orders"})",
         "/alter_configs: one of 'add_config' and 'delete_config' is missing"},
        {R"("alter_configs": {"topic": "orders", "add_config": {"retention.mss": 1}})",
         "/alter_configs/add_config/retention.mss: unknown topic setting; did you mean "
         "'retention.ms'?"},
        {R"("alter_configs": {"topic": "orders", "add_config": {"broker.rack": "a"}})",
         "/alter_configs/add_config/broker.rack: unknown topic setting; it is a server setting"},
        {R"("alter_configs": {"topic": "orders", "delete_config": ["retention.mss"]})",
         "/alter_configs/delete_config/0: unknown topic setting; did you mean 'retention.ms'?"},
        {R"("alter_configs": {"topic": "orders", "add_config": {"retention.ms": 1},
                              "delete_config": ["retention.ms"]})",
         "/alter_configs/delete_config/0: 'retention.ms' stands in 'add_config', too"},
        {R"("update_features": {"metadata.versoin": "4.1"})",
         "/update_features/metadata.versoin: unknown feature; did you mean 'metadata.version'?"},
        {R"("update_features": {"metadata.version": "5.0"})",
         "/update_features/metadata.version: found \"5.0\", expected a metadata.version such as "
         "\"3.3-IV3\" or \"4.1\", or its level from 1 to 27"},
        {R"("update_features": {"kraft.version": 2})",
         "/update_features/kraft.version: found 2, expected an integer from 0 to 1"},
        {R"("update_features": {"validate_only": true})",
         "/update_features: found an object, expected features and their levels, such as "
         "{\"metadata.version\": \"4.1\"}"},
        {R"("unregister_broker": "broker 1")",
         "/unregister_broker: found \"broker 1\", expected a broker from 1 to 3"},
        {R"("delete_records": {"orders-0": -2})",
         "/delete_records/orders-0: found -2, expected the first offset to keep, or -1 for the "
         "high watermark"},
        {R"("delete_records": {"orders-7": 1})",
         "/delete_records/orders-7: topic 'orders' has no partition 7; valid: 0 to 1"},
        {R"("add_raft_voter": 103)",
         "/add_raft_voter: found 103, expected a controller from 100 to 102"},
        {R"("remove_raft_voter": {"controller": 100})",
         "/remove_raft_voter/controller: unknown key; did you mean 'controller_id'?"},
        {R"("remove_raft_voter": {"controller_id": 100, "controller_directory_id": 0})",
         "/remove_raft_voter/controller_directory_id: found 0, expected an integer from 1 to 999"},
    };
    for (const Row& row : rows) {
        EXPECT_EQ(error_of("[{\"at\": \"1s\", " + std::string(row.step) + "}]"),
                  "t.json: /clients/2/steps/0" + std::string(row.message));
    }
}

TEST(AdminSteps, may_name_partitions_that_come_later) {
    EXPECT_EQ(error_of(R"([{"at": "2s", "delete_records": {"late-1": 1, "orders-4": 1}},
                           {"at": "1s", "create_partitions": {"topic": "orders", "partitions": 5}},
                           {"at": "1s", "create_topic": {"name": "late", "partitions": 2}}])"),
              "no error");
    EXPECT_EQ(error_of(R"([{"at": "2s", "alter_partition_reassignments":
                                        {"__consumer_offsets-3": [1, 2]}}])"),
              "no error");
}

// What is altered is what is named, also where that is the default; a setting may have two fields.
TEST(AdminSteps, alter_the_settings_that_they_name_and_no_others) {
    const auto request_of = [](const std::string& change) {
        const Scenario s =
            scenario_of(R"([{"at": "1s", "alter_configs": {"topic": "orders", )" + change + "}}]");
        return std::get<IncrementalAlterConfigsRequest>(step_of(s).change);
    };
    TopicConfig before;
    before.min_insync_replicas = 2;
    before.retention = seconds(7);
    before.cleanup_delete = false;
    before.cleanup_compact = true;
    const auto after = [&](const std::string& change) {
        const IncrementalAlterConfigsRequest request = request_of(change);
        return with_fields(before, request.config, request.altered);
    };
    TopicConfig wanted = before;
    wanted.min_insync_replicas = 1;
    EXPECT_EQ(after(R"("add_config": {"min.insync.replicas": 1})"), wanted);
    wanted = before;
    wanted.retention = seconds(60);  // as the cluster's settings say
    EXPECT_EQ(after(R"("delete_config": ["retention.ms"])"), wanted);
    wanted.cleanup_delete = true;
    EXPECT_EQ(after(R"("add_config": {"cleanup.policy": "compact,delete"},
                       "delete_config": ["retention.ms"])"),
              wanted);
    EXPECT_EQ(after(R"("add_config": {"segment.jitter.ms": 5})"), before) << "no effect here";
    EXPECT_EQ(request_of(R"("add_config": {"segment.jitter.ms": 5})").altered, 0u);
}

// --- what comes of them
// ---------------------------------------------------------------------------

struct Ended {
    Played played;
    const PartitionImage& partition(std::size_t index) const {
        return played.image.topic("orders")->partitions.at(index);
    }
    // Of the operations of one kind, in order: "ok fail ".
    std::string outcomes(ClientOpKind kind) const {
        std::string text;
        for (const ClientOp& op : played.history.operations) {
            if (op.kind == kind) text += std::string(name_of(op.outcome)) + " ";
        }
        return text;
    }
};

Ended ended(const Json& document) {
    Ended result{play(parse_scenario(document.dump(), "t.json", ""), 7)};
    for (const Check& check : result.played.checks) {
        EXPECT_NE(check.verdict, Verdict::fail) << check.id << " in " << document.dump();
    }
    return result;
}
Ended after(const std::string& steps) {
    Ended result = ended(with_steps(steps));
    EXPECT_TRUE(result.played.outcome.converged) << steps;
    return result;
}

std::vector<NodeId> nodes(std::initializer_list<std::int32_t> ids) {
    std::vector<NodeId> list;
    for (const std::int32_t id : ids) list.emplace_back(NodeId{id});
    return list;
}

TEST(AdminSteps, reassign_and_elect) {
    const Ended moved = after(R"([{"at": "3s", "alter_partition_reassignments":
                                               {"orders-0": [3, 1], "orders-1": [1, 2, 3]}},
                                  {"at": "6s", "elect_leaders": {"election_type": "preferred"}}])");
    EXPECT_EQ(moved.partition(0).replicas, nodes({3, 1}));
    EXPECT_EQ(moved.partition(1).replicas, nodes({1, 2, 3}));
    EXPECT_EQ(moved.partition(0).leader, NodeId{3});
    EXPECT_EQ(moved.partition(1).leader, NodeId{1});
    EXPECT_EQ(moved.partition(1).isr.size(), 3u);
    EXPECT_EQ(moved.outcomes(ClientOpKind::alter_partition_reassignments), "ok ");
    EXPECT_EQ(moved.outcomes(ClientOpKind::elect_leaders), "ok ");
}

TEST(AdminSteps, grow_alter_and_delete) {
    const Ended result = after(R"([
        {"at": "2s", "create_partitions": {"topic": "orders", "partitions": 4,
                                           "assignment": [[1, 2], [2, 1]]}},
        {"at": "3s", "create_partitions": {"topic": "orders", "partitions": 4}},
        {"at": "3s", "alter_configs": {"topic": "orders",
                                       "add_config": {"min.insync.replicas": 2}}},
        {"at": "4s", "delete_records": {"orders-0": 5, "orders-1": -1}},
        {"at": "5s", "list_partition_reassignments": true},
        {"at": "5s", "update_features": {"eligible.leader.replicas.version": 0}},
        {"at": "6s", "update_features": {"eligible.leader.replicas.version": 0,
                                         "upgrade_type": "safe_downgrade"}}])");
    const TopicImage& topic = *result.played.image.topic("orders");
    ASSERT_EQ(topic.partitions.size(), 4u);
    EXPECT_EQ(result.partition(3).replicas, nodes({2, 1}));
    EXPECT_EQ(topic.config.min_insync_replicas, 2);
    EXPECT_EQ(topic.config.retention, seconds(60));
    const PartitionFacts* first = result.played.facts.find({topic.id, 0});
    ASSERT_NE(first, nullptr);
    EXPECT_EQ(first->log_start_offset, Offset{5});
    EXPECT_GT(result.played.facts.find({topic.id, 1})->log_start_offset, Offset{0});
    EXPECT_EQ(result.played.image.features.eligible_leader_replicas_version, 0);
    EXPECT_EQ(result.outcomes(ClientOpKind::create_partitions), "ok fail ");
    EXPECT_EQ(result.outcomes(ClientOpKind::alter_configs), "ok ");
    EXPECT_EQ(result.outcomes(ClientOpKind::delete_records), "ok ok ");
    EXPECT_EQ(result.outcomes(ClientOpKind::list_partition_reassignments), "ok ");
    EXPECT_EQ(result.outcomes(ClientOpKind::update_features), "fail ok ");
}

// Without a change of leader or ISR that would tell them anyway.
TEST(AdminSteps, alter_what_the_brokers_go_by) {
    World world = build_world(scenario_of(R"([
        {"at": "3s", "alter_configs": {"topic": "orders",
                                       "add_config": {"retention.ms": 5000}}}])"));
    SeededChooser chooser{7};
    const auto retention = [&](std::int32_t broker) {
        const TopicPartition tp{world.image().topic("orders")->id, 0};
        return find_partition(*broker_of(world.host(NodeId{broker}).node), tp)->config.retention;
    };
    while (world.step(chooser, nullptr, Instant{} + milliseconds(2900))) {
    }
    EXPECT_EQ(retention(1), seconds(60));
    while (world.step(chooser, nullptr, Instant{} + seconds(4))) {
    }
    EXPECT_EQ(retention(1), seconds(5));
    EXPECT_EQ(retention(2), seconds(5));
}

TEST(AdminSteps, change_the_voters) {
    const Ended result = after(R"([{"at": "3s", "remove_raft_voter": 102},
                                   {"at": "4s", "remove_raft_voter": 102},
                                   {"at": "6s", "add_raft_voter": 102},
                                   {"at": "8s", "add_raft_voter": 102}])");
    EXPECT_EQ(result.outcomes(ClientOpKind::remove_raft_voter), "ok fail ");
    EXPECT_EQ(result.outcomes(ClientOpKind::add_raft_voter), "ok fail ");

    // One of them leads, and commits its own removal.
    const Ended each = after(R"([{"at": "2s", "remove_raft_voter": 100},
                                 {"at": "4s", "add_raft_voter": 100},
                                 {"at": "5s", "remove_raft_voter": 101},
                                 {"at": "7s", "add_raft_voter": 101},
                                 {"at": "8s", "remove_raft_voter": 102}])");
    EXPECT_EQ(each.outcomes(ClientOpKind::remove_raft_voter), "ok ok ok ");
    EXPECT_EQ(each.outcomes(ClientOpKind::add_raft_voter), "ok ok ");
}

TEST(AdminSteps, unregister_a_broker_that_has_ended) {
    Json document = with_steps(R"([{"at": "6s", "unregister_broker": 3}])");
    document["faults"] = Json::parse(R"([{"at": "2s", "stop": "broker 3"}])");
    document["run"]["heal"] = "0s";
    const Ended result = ended(document);
    EXPECT_EQ(result.outcomes(ClientOpKind::unregister_broker), "ok ");
    EXPECT_FALSE(result.played.image.brokers.contains(NodeId{3}));
    EXPECT_EQ(result.partition(1).leader, NodeId{2});
}

}  // namespace
}  // namespace tribunal
