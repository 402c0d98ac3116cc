// Reassignments (KIP-455, KIP-860) and elections (KIP-183, KIP-460).
#include <gtest/gtest.h>

#include "broker/controller/scripted_controller.h"

namespace tribunal {
namespace {

struct Moving : ScriptedController {
    explicit Moving(bool unclean = false, std::int32_t min_isr = 1) {
        for (int i = 1; i <= 6; ++i) join(i);
        create(node_list({1, 2, 3}), min_isr, unclean);
    }
    ErrorCode reassign(std::optional<std::vector<NodeId>> target, bool may_change_rf = true) {
        const auto r =
            ask(AlterPartitionReassignmentsRequest{{{{"t", 0}, std::move(target)}}, may_change_rf});
        return r.partitions.front().error;
    }
    std::size_t ongoing() { return ask(ListPartitionReassignmentsRequest{}).reassignments.size(); }
    ErrorCode elect(ElectionType type) {
        return ask(ElectLeadersRequest{type, {{"t", 0}}}).partitions.front().error;
    }
};

TEST(reassignment, goes_through_adding_catching_up_and_removing) {
    Moving c;
    EXPECT_EQ(c.reassign(node_list({4, 5, 6})), ErrorCode::none);
    EXPECT_EQ(c.partition().replicas, node_list({4, 5, 6, 1, 2, 3}));
    EXPECT_EQ(c.partition().adding_replicas, nodes({4, 5, 6}));
    EXPECT_EQ(c.partition().removing_replicas, nodes({1, 2, 3}));
    EXPECT_EQ(c.partition().leader, NodeId{1});
    EXPECT_EQ(c.partition().leader_epoch, LeaderEpoch{0});
    const auto listed = c.ask(ListPartitionReassignmentsRequest{{{"t", 0}, {"x", 0}}});
    ASSERT_EQ(listed.reassignments.size(), 1u);
    EXPECT_EQ(listed.reassignments[0].adding_replicas, node_list({4, 5, 6}));
    EXPECT_EQ(c.alter({1, 2, 3, 4, 5}), ErrorCode::none);
    EXPECT_EQ(c.ongoing(), 1u);
    EXPECT_EQ(c.alter({1, 2, 3, 4, 5, 6}), ErrorCode::new_leader_elected);
    EXPECT_EQ(c.partition().replicas, node_list({4, 5, 6}));
    EXPECT_EQ(c.partition().isr, nodes({4, 5, 6}));
    EXPECT_EQ(c.partition().leader, NodeId{4});
    EXPECT_EQ(c.partition().leader_epoch, LeaderEpoch{1});
    EXPECT_FALSE(c.partition().is_being_reassigned());
    EXPECT_EQ(c.ongoing(), 0u);
    EXPECT_TRUE(c.findings.empty());
}

TEST(reassignment, that_keeps_the_leader_still_fences_who_goes) {
    Moving c;
    EXPECT_EQ(c.reassign(node_list({1, 4})), ErrorCode::none);
    EXPECT_EQ(c.alter({1, 2, 3, 4}), ErrorCode::none);
    EXPECT_EQ(c.partition().replicas, node_list({1, 4}));
    EXPECT_EQ(c.partition().leader, NodeId{1});
    EXPECT_EQ(c.partition().leader_epoch, LeaderEpoch{1});
}

TEST(reassignment, that_only_reorders_or_removes_is_done_at_once) {
    Moving c;
    EXPECT_EQ(c.reassign(node_list({3, 2, 1})), ErrorCode::none);
    EXPECT_EQ(c.partition().replicas, node_list({3, 2, 1}));
    EXPECT_EQ(c.partition().leader, NodeId{1});
    EXPECT_EQ(c.partition().leader_epoch, LeaderEpoch{0});
    EXPECT_EQ(c.reassign(node_list({3, 2})), ErrorCode::none);
    EXPECT_EQ(c.partition().replicas, node_list({3, 2}));
    EXPECT_EQ(c.partition().isr, nodes({2, 3}));
    EXPECT_EQ(c.partition().leader, NodeId{3});
    EXPECT_EQ(c.partition().leader_epoch, LeaderEpoch{1});
    EXPECT_EQ(c.ongoing(), 0u);
}

TEST(reassignment, is_completed_by_whatever_completes_the_isr) {
    Moving c;
    c.alter({1, 3});
    EXPECT_EQ(c.reassign(node_list({1, 3, 2})), ErrorCode::none) << "nobody new";
    EXPECT_EQ(c.reassign(node_list({1, 2})), ErrorCode::none);
    EXPECT_EQ(c.ongoing(), 1u) << "2 is not in sync";
    c.expire(3);
    EXPECT_EQ(c.ongoing(), 1u);
    EXPECT_EQ(c.alter({1, 2}), ErrorCode::none);
    EXPECT_EQ(c.ongoing(), 0u);
    EXPECT_EQ(c.partition().replicas, node_list({1, 2}));
}

TEST(reassignment, may_be_cancelled) {
    Moving c;
    EXPECT_EQ(c.reassign(std::nullopt), ErrorCode::no_reassignment_in_progress);
    c.reassign(node_list({4, 5, 6}));
    c.alter({1, 2, 4});
    EXPECT_EQ(c.reassign(std::nullopt), ErrorCode::none);
    EXPECT_EQ(c.partition().replicas, node_list({1, 2, 3}));
    EXPECT_EQ(c.partition().isr, nodes({1, 2}));
    EXPECT_EQ(c.partition().leader_epoch, LeaderEpoch{1}) << "4 has to hear of it";
    EXPECT_FALSE(c.partition().is_being_reassigned());
    EXPECT_TRUE(c.findings.empty());
}

TEST(reassignment, is_not_cancelled_into_data_loss) {
    for (const bool unclean : {false, true}) {
        Moving c(unclean);
        c.reassign(node_list({4, 5, 6}));
        c.alter({1, 4});
        c.expire(1);
        EXPECT_EQ(c.partition().leader, NodeId{4});
        EXPECT_EQ(c.partition().isr, nodes({4}));
        EXPECT_EQ(c.reassign(std::nullopt),
                  unclean ? ErrorCode::none : ErrorCode::invalid_replica_assignment);
        EXPECT_EQ(c.partition().is_being_reassigned(), !unclean);
        EXPECT_TRUE(c.findings.empty());
    }
}

TEST(reassignment, impossible_ones_are_refused) {
    Moving c;
    EXPECT_EQ(c.reassign(std::vector<NodeId>{}), ErrorCode::invalid_replica_assignment);
    EXPECT_EQ(c.reassign(node_list({1, 9})), ErrorCode::invalid_replica_assignment);
    EXPECT_EQ(c.reassign(node_list({1, 4, 4})), ErrorCode::invalid_replica_assignment);
    EXPECT_EQ(c.reassign(node_list({1, 2}), false), ErrorCode::invalid_replication_factor);
    EXPECT_EQ(c.reassign(node_list({1, 2, 4}), false), ErrorCode::none);
    const auto unknown = c.ask(AlterPartitionReassignmentsRequest{
        {{{"x", 0}, node_list({1})}, {{"t", 5}, node_list({1})}}});
    EXPECT_EQ(unknown.partitions[0].error, ErrorCode::unknown_topic_or_partition);
    EXPECT_EQ(unknown.partitions[1].error, ErrorCode::unknown_topic_or_partition);
}

TEST(reassignment, another_target_replaces_the_one_under_way) {
    Moving c;
    c.reassign(node_list({1, 2, 4}));
    c.reassign(node_list({1, 2, 5}));
    EXPECT_EQ(c.partition().adding_replicas, nodes({5}));
    EXPECT_EQ(c.partition().removing_replicas, nodes({3, 4}));
    EXPECT_EQ(c.alter({1, 2, 3, 5}), ErrorCode::none);
    EXPECT_EQ(c.partition().replicas, node_list({1, 2, 5}));
}

TEST(reassignment, a_removed_replica_is_not_eligible_any_more) {
    Moving c(false, 3);
    c.alter({1});
    EXPECT_EQ(c.partition().elr, nodes({2, 3}));
    c.reassign(node_list({1, 4}));
    EXPECT_EQ(c.alter({1, 4}), ErrorCode::none);
    EXPECT_EQ(c.partition().replicas, node_list({1, 4}));
    EXPECT_EQ(c.partition().elr, nodes({}));
    EXPECT_TRUE(c.findings.empty());
}

TEST(election, gives_the_partition_back_to_its_preferred_leader) {
    Moving c;
    EXPECT_EQ(c.elect(ElectionType::preferred), ErrorCode::election_not_needed);
    c.expire(1);
    EXPECT_EQ(c.partition().leader, NodeId{2});
    EXPECT_EQ(c.elect(ElectionType::preferred), ErrorCode::preferred_leader_not_available);
    c.heartbeat(1);
    EXPECT_EQ(c.elect(ElectionType::preferred), ErrorCode::preferred_leader_not_available)
        << "alive, but not in sync";
    EXPECT_TRUE(decide_preferred_leaders(c.view()).empty());
    c.alter({1, 2, 3});
    EXPECT_EQ(decide_preferred_leaders(c.view()).size(), 1u) << "auto.leader.rebalance";
    EXPECT_EQ(c.elect(ElectionType::preferred), ErrorCode::none);
    EXPECT_EQ(c.partition().leader, NodeId{1});
    EXPECT_TRUE(decide_preferred_leaders(c.view()).empty());
    EXPECT_EQ(c.ask(ElectLeadersRequest{ElectionType::preferred, {{"x", 0}}}).partitions[0].error,
              ErrorCode::unknown_topic_or_partition);
}

TEST(election, of_all_partitions_speaks_of_those_that_needed_one) {
    Moving c;
    c.create(node_list({2, 1}), 1, false, "u");
    c.expire(1);
    c.heartbeat(1);
    c.alter({1, 2, 3});
    const auto r = c.ask(ElectLeadersRequest{});
    ASSERT_EQ(r.partitions.size(), 1u);
    EXPECT_EQ(r.partitions[0].partition.topic, "t");
    EXPECT_EQ(r.partitions[0].error, ErrorCode::none);
}

TEST(election, unclean_by_request_needs_no_permission_and_somebody_alive) {
    Moving c;
    EXPECT_EQ(c.elect(ElectionType::unclean), ErrorCode::election_not_needed);
    c.alter({1});
    c.expire(1);
    EXPECT_EQ(c.partition().leader, kNoNode);
    c.expire(2);
    c.expire(3);
    EXPECT_EQ(c.elect(ElectionType::unclean), ErrorCode::eligible_leaders_not_available);
    c.heartbeat(3);
    EXPECT_EQ(c.partition().leader, kNoNode);
    EXPECT_EQ(c.elect(ElectionType::unclean), ErrorCode::none);
    EXPECT_EQ(c.partition().leader, NodeId{3});
    EXPECT_EQ(c.partition().isr, nodes({3}));
    EXPECT_EQ(c.partition().elr, nodes({}));
    EXPECT_TRUE(c.findings.empty());
}

// leader.imbalance.per.broker.percentage, which the ZooKeeper controller looked at.
TEST(election, of_imbalanced_brokers_only_before_kraft) {
    Moving c;
    for (const char* name : {"u", "v", "w"}) c.create(node_list({1, 2}), 1, false, name);
    c.expire(1);
    c.heartbeat(1);
    c.alter({1, 2, 3});
    // Of four partitions that 1 should lead it leads none, and one could be given back.
    c.config.rules.balances_every_leader = false;
    c.config.leader_imbalance_per_broker_percentage = 100;
    EXPECT_EQ(decide_preferred_leaders(c.view()).size(), 0u);
    c.config.leader_imbalance_per_broker_percentage = 99;
    EXPECT_EQ(decide_preferred_leaders(c.view()).size(), 1u);
    c.config.leader_imbalance_per_broker_percentage = 100;
    c.config.rules.balances_every_leader = true;
    EXPECT_EQ(decide_preferred_leaders(c.view()).size(), 1u);
}

// KAFKA-12670.
TEST(election, unclean_ones_come_only_by_request_where_the_setting_is_not_read) {
    Moving c;
    c.create(node_list({1, 2}), 1, true, "u");
    c.config.rules.unclean_election_by_config = false;
    c.alter({1});
    const auto shrunk = [&](const std::string& topic) { return c.partition(topic).isr; };
    c.expire(2);
    EXPECT_EQ(shrunk("u"), nodes({1}));
    c.heartbeat(2);
    c.expire(1);
    EXPECT_EQ(c.partition("u").leader, kNoNode);
    EXPECT_TRUE(decide_unclean_leaders(c.view()).empty());
    c.config.rules.unclean_election_by_config = true;
    EXPECT_EQ(decide_unclean_leaders(c.view()).size(), 1u);
    c.config.rules.unclean_election_by_config = false;
    EXPECT_EQ(c.ask(ElectLeadersRequest{ElectionType::unclean, {{"u", 0}}}).partitions[0].error,
              ErrorCode::none);
    EXPECT_EQ(c.partition("u").leader, NodeId{2});
}

TEST(election, unclean_ones_come_by_themselves_where_the_topic_allows_them) {
    Moving c;
    c.alter({1});
    c.expire(1);
    EXPECT_TRUE(decide_unclean_leaders(c.view()).empty());
    TopicConfig config = c.image.topic("t")->config;
    config.unclean_leader_election_enable = true;
    EXPECT_EQ(c.ask(IncrementalAlterConfigsRequest{"t", config}).error, ErrorCode::none);
    EXPECT_EQ(c.partition().leader, kNoNode) << "with the next round of the task";
    c.commit(decide_unclean_leaders(c.view()));
    EXPECT_EQ(c.partition().leader, NodeId{2});
}

}  // namespace
}  // namespace tribunal
