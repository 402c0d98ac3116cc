// Registration, fencing, controlled and unclean shutdown, unregistration.
#include <gtest/gtest.h>

#include "broker/controller/scripted_controller.h"

namespace tribunal {
namespace {

using Controlled = ScriptedController;

TEST(registration, a_retry_is_the_same_registration) {
    Controlled c;
    const BrokerEpoch epoch = c.join(1);
    BrokerRegistrationRequest again;
    again.broker = NodeId{1};
    again.incarnation = 1;
    const auto r = c.register_broker(again);
    EXPECT_EQ(r.error, ErrorCode::none);
    EXPECT_EQ(r.broker_epoch, epoch);
}

TEST(registration, another_life_waits_for_the_end_of_the_session) {
    Controlled c;
    const BrokerEpoch first = c.join(1);
    EXPECT_EQ(c.join(1, 2), BrokerEpoch{-1}) << "DUPLICATE_BROKER_REGISTRATION";
    EXPECT_EQ(c.epoch(1), first);
    c.expire(1);
    EXPECT_GT(c.join(1, 2), first) << "the offset of its record";
    EXPECT_TRUE(c.findings.empty());
}

TEST(registration, not_after_a_controlled_shutdown_was_announced) {
    Controlled c;
    for (int i = 1; i <= 2; ++i) c.join(i);
    c.create(node_list({1, 2}));
    EXPECT_FALSE(c.heartbeat(1, false, true).should_shut_down);
    EXPECT_NE(c.join(1, 2), BrokerEpoch{-1});
    EXPECT_TRUE(c.findings.empty());
}

TEST(registration, planted_a_live_broker_is_replaced) {
    BrokerConfig config;
    config.planted_bug = PlantedBug::registration_replaces_live_broker;
    Controlled c(config);
    c.join(1);
    c.join(1, 2);
    ASSERT_FALSE(c.findings.empty());
    EXPECT_EQ(c.findings.front().rule, "Q16");
}

TEST(registration, needs_software_that_knows_the_finalized_levels) {
    Controlled c;
    BrokerRegistrationRequest old;
    old.broker = NodeId{1};
    old.features = *supported_features("3.9");
    EXPECT_EQ(c.register_broker(old).error, ErrorCode::unsupported_version);
    BrokerConfig config;
    config.bootstrap_features = *bootstrap_features("3.9");
    Controlled upgraded(config);
    EXPECT_EQ(upgraded.register_broker(old).error, ErrorCode::none);
    old.broker = NodeId{2};
    old.features = *supported_features("4.1");
    EXPECT_EQ(upgraded.register_broker(old).error, ErrorCode::none) << "newer software";
    config.bootstrap_features = *bootstrap_features("3.2");
    Controlled ancient(config);
    EXPECT_EQ(ancient.register_broker(old).error, ErrorCode::unsupported_version)
        << "4.0 dropped what is older than 3.3-IV3";
}

TEST(heartbeat, of_nobody_and_of_an_earlier_life_is_refused) {
    Controlled c;
    EXPECT_EQ(c.heartbeat(1).error, ErrorCode::broker_id_not_registered);
    const BrokerEpoch epoch = c.join(1);
    const auto r = c.heartbeat({NodeId{1}, BrokerEpoch{epoch.value - 1}, c.end()});
    EXPECT_EQ(r.error, ErrorCode::stale_broker_epoch);
}

TEST(heartbeat, unfences_who_has_seen_its_own_registration_and_wants_to_work) {
    Controlled c;
    BrokerRegistrationRequest request;
    request.broker = NodeId{1};
    const BrokerEpoch epoch = c.register_broker(request).broker_epoch;
    auto r = c.heartbeat({NodeId{1}, epoch, Offset{epoch.value}});
    EXPECT_FALSE(r.is_caught_up);
    EXPECT_TRUE(r.is_fenced);
    r = c.heartbeat(1, true);
    EXPECT_TRUE(r.is_caught_up);
    EXPECT_TRUE(r.is_fenced) << "it wants to be";
    EXPECT_FALSE(c.heartbeat(1).is_fenced);
    EXPECT_TRUE(c.heartbeat(1, true).is_fenced) << "and again";
}

TEST(heartbeat, unfencing_gives_leaders_to_partitions_without_one) {
    Controlled c;
    for (int i = 1; i <= 2; ++i) c.join(i);
    c.create(node_list({1, 2}), 2);
    c.expire(1);
    c.expire(2);
    EXPECT_EQ(c.partition().leader, kNoNode);
    EXPECT_EQ(c.partition().isr, nodes({}));
    EXPECT_EQ(c.partition().elr, nodes({1, 2}));
    c.heartbeat(1);
    EXPECT_EQ(c.partition().leader, NodeId{1}) << "from the ELR";
    EXPECT_EQ(c.partition().isr, nodes({1}));
    EXPECT_EQ(c.partition().elr, nodes({2}));
    EXPECT_TRUE(c.findings.empty());
}

TEST(controlled_shutdown, moves_leaders_and_waits_until_everybody_knows) {
    Controlled c;
    for (int i = 1; i <= 3; ++i) c.join(i);
    c.create(node_list({1, 2, 3}));
    const Offset before = c.end();
    EXPECT_FALSE(c.heartbeat(1, false, true).should_shut_down);
    EXPECT_EQ(c.partition().leader, NodeId{2});
    EXPECT_EQ(c.partition().isr, nodes({2, 3}));
    EXPECT_TRUE(c.image.brokers.find(NodeId{1})->in_controlled_shutdown);
    EXPECT_TRUE(c.image.alive.contains(NodeId{1}));
    EXPECT_FALSE(c.image.active.contains(NodeId{1}));
    // KIP-841: it cannot come back into the ISR meanwhile.
    EXPECT_EQ(c.alter({1, 2, 3}), ErrorCode::ineligible_replica);
    EXPECT_FALSE(c.heartbeat(1, false, true).should_shut_down) << "2 and 3 have not seen it";
    c.heartbeat(2);
    c.heartbeat({NodeId{3}, c.epoch(3), before});
    EXPECT_FALSE(c.heartbeat(1, false, true).should_shut_down) << "3 has not";
    c.heartbeat(3);
    const auto r = c.heartbeat(1, false, true);
    EXPECT_TRUE(r.should_shut_down);
    EXPECT_TRUE(r.is_fenced);
    EXPECT_FALSE(c.image.alive.contains(NodeId{1}));
    EXPECT_TRUE(c.heartbeats.shutdowns.empty());
    EXPECT_TRUE(c.heartbeat(1, false, true).should_shut_down) << "asked again";
    EXPECT_TRUE(c.findings.empty());
}

TEST(controlled_shutdown, does_not_wait_for_brokers_that_died_meanwhile) {
    Controlled c;
    for (int i = 1; i <= 3; ++i) c.join(i);
    c.create(node_list({1, 2, 3}));
    c.heartbeat(1, false, true);
    c.heartbeat(2);
    c.expire(3);
    EXPECT_TRUE(c.heartbeat(1, false, true).should_shut_down);
}

TEST(controlled_shutdown, two_at_once_do_not_wait_for_each_other) {
    Controlled c;
    for (int i = 1; i <= 3; ++i) c.join(i);
    c.create(node_list({1, 2, 3}));
    c.heartbeat(1, false, true);
    c.heartbeat(2, false, true);
    c.heartbeat(3);
    EXPECT_EQ(c.partition().leader, NodeId{3});
    EXPECT_TRUE(c.heartbeat(1, false, true).should_shut_down);
    EXPECT_TRUE(c.heartbeat(2, false, true).should_shut_down);
}

TEST(controlled_shutdown, of_who_leads_nothing_is_at_once) {
    Controlled c;
    for (int i = 1; i <= 2; ++i) c.join(i);
    c.create(node_list({1, 2}));
    EXPECT_TRUE(c.heartbeat(2, false, true).should_shut_down);
    EXPECT_EQ(c.partition().isr, nodes({1}));
    EXPECT_FALSE(c.image.alive.contains(NodeId{2}));
}

TEST(controlled_shutdown, of_the_only_replica_leaves_the_partition_offline) {
    Controlled c;
    for (int i = 1; i <= 2; ++i) c.join(i);
    c.create(node_list({1}));
    c.heartbeat(1, false, true);
    EXPECT_EQ(c.partition().leader, kNoNode);
    c.heartbeat(2);
    EXPECT_TRUE(c.heartbeat(1, false, true).should_shut_down);
}

TEST(controlled_shutdown, is_not_written_down_before_3_3_IV3) {
    BrokerConfig config;
    config.supported_features = *supported_features("3.9");
    config.bootstrap_features = {metadata_version::kIbp33Iv2, 0, 0, 0, 0};
    Controlled c(config);
    for (int i = 1; i <= 2; ++i) c.join(i);
    c.create(node_list({1, 2}));
    c.heartbeat(1, false, true);
    EXPECT_FALSE(c.image.brokers.find(NodeId{1})->in_controlled_shutdown);
    EXPECT_EQ(c.partition().leader, NodeId{2});
    EXPECT_EQ(c.partition().leader_epoch, LeaderEpoch{1});
}

TEST(unclean_shutdown, ends_eligibility_and_leaves_the_last_known_leader) {
    Controlled c;
    for (int i = 1; i <= 3; ++i) c.join(i);
    c.create(node_list({1, 2, 3}), 2);
    c.expire(3);
    c.expire(2);
    c.expire(1);
    EXPECT_EQ(c.partition().elr, nodes({1, 2}));
    EXPECT_EQ(c.partition().last_known_elr, nodes({1}));
    c.join(2, 2, false);
    EXPECT_EQ(c.partition().leader, kNoNode) << "it may have lost what was committed";
    EXPECT_EQ(c.partition().elr, nodes({1}));
    c.join(3, 2, false);
    EXPECT_EQ(c.partition().leader, kNoNode) << "it never was eligible";
    c.join(1, 2, false);
    EXPECT_EQ(c.partition().leader, NodeId{1}) << "nobody is left that knows more";
    EXPECT_EQ(c.partition().leader_recovery_state, LeaderRecoveryState::recovering);
    EXPECT_EQ(c.partition().last_known_elr, nodes({}));
    EXPECT_TRUE(c.findings.empty());
}

TEST(unclean_shutdown, after_a_clean_one_it_is_still_eligible) {
    Controlled c;
    for (int i = 1; i <= 2; ++i) c.join(i);
    c.create(node_list({1, 2}), 2);
    c.expire(1);
    c.expire(2);
    c.join(2, 2, true);
    EXPECT_EQ(c.partition().leader, NodeId{2});
    EXPECT_EQ(c.partition().leader_recovery_state, LeaderRecoveryState::recovered);
}

TEST(unclean_shutdown, an_epoch_of_yet_another_life_proves_nothing) {
    Controlled c;
    for (int i = 1; i <= 2; ++i) c.join(i);
    c.create(node_list({1, 2}), 2);
    c.expire(2);
    c.expire(1);
    BrokerRegistrationRequest request;
    request.broker = NodeId{2};
    request.incarnation = 2;
    request.previous_broker_epoch = BrokerEpoch{c.epoch(2).value - 1};
    c.register_broker(request);
    EXPECT_EQ(c.partition().elr, nodes({1}));
}

TEST(unclean_shutdown, says_nothing_where_no_replica_is_eligible_by_rule) {
    for (const bool by_rule : {true, false}) {
        BrokerConfig config;
        config.rules.eligible_leader_replicas = !by_rule;
        if (!by_rule) config.bootstrap_features = *bootstrap_features("4.0");
        Controlled c(config);
        for (int i = 1; i <= 2; ++i) c.join(i);
        c.create(node_list({1, 2}), 2);
        c.expire(1);
        c.expire(2);
        EXPECT_EQ(c.partition().isr, nodes({2}));
        c.join(2, 2, false);
        EXPECT_EQ(c.partition().leader, NodeId{2});
        EXPECT_EQ(c.partition().elr, nodes({}));
    }
}

TEST(unregister, takes_the_broker_out_of_the_cluster) {
    Controlled c;
    for (int i = 1; i <= 2; ++i) c.join(i);
    c.create(node_list({1, 2}));
    EXPECT_EQ(c.ask(UnregisterBrokerRequest{NodeId{9}}).error, ErrorCode::broker_id_not_registered);
    EXPECT_EQ(c.ask(UnregisterBrokerRequest{NodeId{1}}).error, ErrorCode::none);
    EXPECT_FALSE(c.image.brokers.contains(NodeId{1}));
    EXPECT_FALSE(c.image.active.contains(NodeId{1}));
    EXPECT_EQ(c.partition().leader, NodeId{2});
    EXPECT_EQ(c.heartbeat(1).error, ErrorCode::broker_id_not_registered) << "so it registers again";
    c.expire(1);
    EXPECT_TRUE(c.findings.empty());
}

TEST(invariants, planted_bugs_of_eligibility_are_found) {
    const auto rules_of = [](PlantedBug bug) {
        BrokerConfig config;
        config.planted_bug = bug;
        Controlled c(config);
        for (int i = 1; i <= 3; ++i) c.join(i);
        c.create(node_list({1, 2, 3}), 2);
        c.expire(3);
        c.expire(2);
        c.heartbeat(2);
        c.alter({1, 2});
        c.expire(1);
        c.expire(2);
        c.join(1, 2, false);
        c.join(2, 2, false);
        std::string found;
        for (const MetadataFinding& f : c.findings) found += std::string(f.rule) + " ";
        return found;
    };
    EXPECT_EQ(rules_of(PlantedBug::none), "");
    EXPECT_NE(rules_of(PlantedBug::elr_outlives_min_isr).find("R15"), std::string::npos);
    EXPECT_NE(rules_of(PlantedBug::isr_keeps_dead_replica).find("R15"), std::string::npos);
    EXPECT_NE(rules_of(PlantedBug::last_known_leader_forgotten).find("R20"), std::string::npos);
}

}  // namespace
}  // namespace tribunal
