// AlterPartition as a compare-and-set, and who may be in an ISR.
#include <gtest/gtest.h>

#include "broker/controller/scripted_controller.h"

namespace tribunal {
namespace {

struct Led : ScriptedController {
    explicit Led(BrokerConfig settings = {}, std::int32_t min_isr = 1)
        : ScriptedController(std::move(settings)) {
        for (int i = 1; i <= 4; ++i) join(i);
        create(node_list({1, 2, 3}), min_isr);
    }
    AlterPartition change(std::vector<IsrMember> isr) const {
        AlterPartition c;
        c.partition = {image.topic("t")->id, 0};
        c.leader_epoch = partition().leader_epoch;
        c.partition_epoch = partition().partition_epoch;
        c.new_isr = std::move(isr);
        return c;
    }
    IsrMember member(int node) const { return {NodeId{node}, epoch(node)}; }
};

TEST(alter_partition, is_refused_with_kafkas_errors) {
    Led c;
    const auto good = [&] { return c.change({c.member(1), c.member(2)}); };
    EXPECT_EQ(c.ask(AlterPartitionRequest{NodeId{1}, BrokerEpoch{999}, {good()}}).error,
              ErrorCode::stale_broker_epoch);
    EXPECT_EQ(c.alter(2, good()), ErrorCode::invalid_request) << "not the leader";
    auto request = good();
    request.partition.partition = 7;
    EXPECT_EQ(c.alter(1, request), ErrorCode::unknown_topic_or_partition);
    request = good();
    ++request.leader_epoch.value;
    EXPECT_EQ(c.alter(1, request), ErrorCode::not_controller) << "of a later controller's time";
    request = good();
    ++request.partition_epoch.value;
    EXPECT_EQ(c.alter(1, request), ErrorCode::not_controller) << "likewise";
    request = good();
    --request.leader_epoch.value;
    EXPECT_EQ(c.alter(1, request), ErrorCode::fenced_leader_epoch);
    EXPECT_EQ(c.alter(1, c.change({c.member(2)})), ErrorCode::invalid_request) << "no leader";
    EXPECT_EQ(c.alter(1, c.change({c.member(1), c.member(4)})), ErrorCode::invalid_request)
        << "not assigned";
    EXPECT_EQ(c.alter(1, c.change({c.member(1), c.member(2), c.member(2)})),
              ErrorCode::invalid_request)
        << "twice";
    EXPECT_EQ(c.alter(1, good()), ErrorCode::none);
    request = good();
    --request.partition_epoch.value;
    EXPECT_EQ(c.alter(1, request), ErrorCode::invalid_update_version) << "the epoch moved on";
    EXPECT_EQ(c.partition().isr, nodes({1, 2}));
    EXPECT_TRUE(c.findings.empty());
}

TEST(alter_partition, that_changes_nothing_costs_no_epoch) {
    Led c;
    const Offset before = c.end();
    EXPECT_EQ(c.alter({1, 2, 3}), ErrorCode::none);
    EXPECT_EQ(c.end(), before);
}

TEST(alter_partition, an_earlier_life_is_not_eligible) {
    for (const bool checks : {true, false}) {
        BrokerConfig config;
        config.rules.alter_partition_checks_broker_epoch = checks;
        Led c(config);
        c.alter({1, 2});
        const auto request =
            c.change({c.member(1), c.member(2), {NodeId{3}, BrokerEpoch{c.epoch(3).value - 1}}});
        EXPECT_EQ(c.alter(1, request), checks ? ErrorCode::ineligible_replica : ErrorCode::none)
            << "KIP-903";
        const auto unsaid = c.change({c.member(1), c.member(2), {NodeId{3}, BrokerEpoch{-1}}});
        EXPECT_EQ(c.alter(1, unsaid), ErrorCode::none) << "-1: the leader does not know";
    }
}

TEST(alter_partition, a_fenced_broker_is_not_eligible) {
    for (const bool excludes : {true, false}) {
        BrokerConfig config;
        config.rules.isr_excludes_fenced_brokers = excludes;
        Led c(config);
        c.expire(3);
        EXPECT_EQ(c.alter({1, 2, 3}), excludes ? ErrorCode::ineligible_replica : ErrorCode::none)
            << "KIP-841";
    }
}

TEST(alter_partition, without_kip_497_the_last_writer_wins) {
    BrokerConfig config;
    config.rules.alter_partition_checks_partition_epoch = false;
    Led c(config);
    auto late = c.change({c.member(1), c.member(2), c.member(3)});
    EXPECT_EQ(c.alter({1}), ErrorCode::none);
    EXPECT_EQ(c.alter(1, late), ErrorCode::none);
    EXPECT_EQ(c.partition().isr, nodes({1, 2, 3}));
}

TEST(alter_partition, below_min_isr_who_leaves_stays_eligible) {
    Led c({}, 2);
    EXPECT_EQ(c.alter({1}), ErrorCode::none);
    EXPECT_EQ(c.partition().elr, nodes({2, 3}));
    EXPECT_EQ(c.alter({1, 2}), ErrorCode::none);
    EXPECT_EQ(c.partition().elr, nodes({}));
    EXPECT_TRUE(c.findings.empty());
}

TEST(alter_partition, a_recovering_leader_stands_alone_until_it_has_recovered) {
    Led c;
    c.image.topics.find(TopicId{0})->edit().config.unclean_leader_election_enable = true;
    c.alter({1});
    c.expire(1);
    EXPECT_EQ(c.partition().leader, NodeId{2});
    EXPECT_EQ(c.partition().leader_recovery_state, LeaderRecoveryState::recovering);
    auto request = c.change({c.member(2), c.member(3)});
    request.leader_recovery_state = LeaderRecoveryState::recovering;
    EXPECT_EQ(c.alter(2, request), ErrorCode::invalid_request);
    request = c.change({c.member(2), c.member(3)});
    EXPECT_EQ(c.alter(2, request), ErrorCode::none);
    EXPECT_EQ(c.partition().leader_recovery_state, LeaderRecoveryState::recovered);
    request = c.change({c.member(2)});
    request.leader_recovery_state = LeaderRecoveryState::recovering;
    EXPECT_EQ(c.alter(2, request), ErrorCode::invalid_request) << "there is no way back";
}

TEST(alter_partition, before_3_6_a_shrink_fences_the_old_isr) {
    BrokerConfig config;
    config.bootstrap_features = *bootstrap_features("3.5");
    config.supported_features = *supported_features("3.5");
    Led c(config);
    EXPECT_EQ(c.alter({1, 2}), ErrorCode::none);
    EXPECT_EQ(c.partition().leader_epoch, LeaderEpoch{1});
    EXPECT_EQ(c.alter({1, 2, 3}), ErrorCode::none);
    EXPECT_EQ(c.partition().leader_epoch, LeaderEpoch{1});
}

}  // namespace
}  // namespace tribunal
