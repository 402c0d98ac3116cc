// Every rule of replication that Kafka changed, old and new side by side on one small situation.
#include <gtest/gtest.h>

#include "broker/replication/partition_fixture.h"

namespace tribunal {
namespace {

using Fixture = PartitionFixture;

FlatSet<NodeId> nodes(std::initializer_list<int> ids) {
    FlatSet<NodeId> set;
    for (const int id : ids) set.insert(NodeId{id});
    return set;
}

// --- KIP-595 ------------------------------------------------------------------------------------

TEST(rules, kip595_the_leader_says_where_a_fetch_diverges) {
    Fixture f;
    f.append(1, 10);
    f.append(3, 10);
    f.lead(nodes({1, 2, 3}), 5);
    f.p.high_watermark = Offset{20};
    const struct {
        const char* name;
        std::int64_t offset;
        int last_epoch;
        ErrorCode error;
        DivergingEpoch diverging;
    } cases[] = {
        {"the leader's own log", 20, 3, ErrorCode::none, {}},
        {"an empty epoch of the leader", 20, 5, ErrorCode::none, {}},
        {"a longer tail of a shared epoch", 25, 3, ErrorCode::none, {LeaderEpoch{3}, Offset{20}}},
        {"an epoch that the leader has not", 15, 2, ErrorCode::none, {LeaderEpoch{1}, Offset{10}}},
        {"an epoch of the future", 25, 9, ErrorCode::offset_out_of_range, {}},
        {"no epoch: an older follower", 25, -1, ErrorCode::offset_out_of_range, {}},
        {"no epoch, inside the log", 5, -1, ErrorCode::none, {}},
        {"older than all that is kept, below it", 0, 0, ErrorCode::none, {}},
        {"older than all that is kept", 3, 0, ErrorCode::none, {LeaderEpoch{0}, Offset{0}}},
    };
    for (const auto& c : cases) {
        const FetchVerdict verdict = check_fetch(
            f.p, Fixture::fetch_request(c.offset, 5, c.last_epoch), NodeId{2}, f.config);
        EXPECT_EQ(verdict.error, c.error) << c.name;
        EXPECT_EQ(verdict.diverging, c.diverging) << c.name;
    }
}

TEST(rules, kip595_a_fetch_that_diverges_is_no_progress) {
    for (const bool diverges : {true, false}) {
        Fixture f;
        f.append(1, 10);
        f.lead(nodes({1, 2}), 5);
        FetchPartition request = Fixture::fetch_request(10, 5, diverges ? 4 : 1);
        auto c = f.context();
        on_replica_fetch(f.p, NodeId{2}, BrokerEpoch{2}, request, c);
        // Epoch 4 is unknown to the leader; its log is the follower's only up to epoch 1.
        EXPECT_EQ(f.p.high_watermark, Offset{diverges ? 0 : 10});
    }
}

TEST(rules, kip595_a_follower_begins_by_a_fetch_when_it_has_an_epoch_to_send) {
    Fixture f;
    EXPECT_FALSE(truncates_on_fetch(f.p, TruncationRule::kip595)) << "nothing in the log";
    f.append(2, 3);
    EXPECT_TRUE(truncates_on_fetch(f.p, TruncationRule::kip595));
    EXPECT_FALSE(truncates_on_fetch(f.p, TruncationRule::kip320));
    EXPECT_EQ(epoch_to_ask(f.p, TruncationRule::kip320), LeaderEpoch{2});
}

TEST(rules, kip595_a_follower_cuts_to_what_both_logs_share) {
    const struct {
        const char* name;
        DivergingEpoch diverging;
        std::int64_t to;
    } cases[] = {
        {"the leader's end of the shared epoch", {LeaderEpoch{1}, Offset{5}}, 5},
        {"this log's end of the shared epoch", {LeaderEpoch{1}, Offset{15}}, 10},
        {"an epoch that this log has not", {LeaderEpoch{3}, Offset{30}}, 10},
    };
    for (const auto& c : cases) {
        Fixture f;
        f.follow(2, 6);
        for (int i = 0; i < 10; ++i) f.append(1, 1);
        for (int i = 0; i < 10; ++i) f.append(4, 1);
        auto context = f.context();
        truncate_to_divergence(f.p, c.diverging, context);
        EXPECT_EQ(f.p.log.log_end_offset, Offset{c.to}) << c.name;
    }
}

// --- leader epochs ------------------------------------------------------------------------------

TEST(rules, kip320_a_fetch_of_another_leader_epoch_is_fenced) {
    Fixture f;
    f.append(1, 10);
    f.lead(nodes({1, 2}), 5);
    const auto error = [&](int epoch) {
        return check_fetch(f.p, Fixture::fetch_request(10, epoch), NodeId{2}, f.config).error;
    };
    EXPECT_EQ(error(4), ErrorCode::fenced_leader_epoch);
    EXPECT_EQ(error(6), ErrorCode::unknown_leader_epoch);
    f.config.rules.fetch_checks_leader_epoch = false;
    EXPECT_EQ(error(4), ErrorCode::none);
    EXPECT_EQ(error(6), ErrorCode::none);
}

TEST(rules, kip320_only_a_fetch_of_this_epoch_moves_the_high_watermark) {
    for (const bool rule : {true, false}) {
        Fixture f;
        f.config.rules.fetch_checks_leader_epoch = false;
        f.config.rules.high_watermark_requires_same_epoch = rule;
        f.lead(nodes({1, 2}), 5);
        ASSERT_TRUE(f.produce(3));
        EXPECT_EQ(f.fetch(2, 3, 4), !rule);
        EXPECT_EQ(f.p.high_watermark, Offset{rule ? 0 : 3});
        // A follower that sends no epoch can only be believed.
        f.fetch(2, 3);
        EXPECT_EQ(f.p.high_watermark, Offset{3});
    }
}

TEST(rules, kafka7415_an_epoch_has_its_entry_when_its_leader_is_elected) {
    for (const bool rule : {true, false}) {
        Fixture f;
        f.config.rules.epoch_entry_on_become_leader = rule;
        f.append(1, 10);
        f.lead(nodes({1, 2}), 5);
        const EpochEnd end = f.p.log.end_offset_for(LeaderEpoch{3});
        EXPECT_EQ(end.end_offset, rule ? Offset{10} : kNoOffset);
        ASSERT_TRUE(f.produce());
        EXPECT_EQ(f.p.log.end_offset_for(LeaderEpoch{3}).end_offset, Offset{10});
    }
}

// --- high watermark and ISR ---------------------------------------------------------------------

TEST(rules, kafka7128_a_replica_joins_the_isr_from_the_epochs_start_on) {
    for (const bool rule : {true, false}) {
        Fixture f;
        f.config.rules.isr_expand_requires_epoch_start = rule;
        f.append(1, 10);
        f.p.high_watermark = Offset{4};
        f.lead(nodes({1, 2}), 5);
        f.fetch(3, 7);
        EXPECT_EQ(f.p.leader()->pending.has_value(), !rule);
        f.fetch(3, 10);
        EXPECT_TRUE(f.p.leader()->pending.has_value());
    }
}

TEST(rules, kip497_the_high_watermark_waits_for_whom_the_leader_wants_to_add) {
    for (const bool rule : {true, false}) {
        Fixture f;
        f.config.rules.high_watermark_uses_maximal_isr = rule;
        f.config.replica_lag_time_max = seconds(10);
        f.lead(nodes({1, 2}));
        f.fetch(2, 0);
        f.fetch(3, 0);
        ASSERT_TRUE(f.p.leader()->pending.has_value());
        ASSERT_TRUE(f.produce());
        auto c = f.context();
        check_isr(f.p, c);  // nobody waits any more for a replica that is merely about to join
        check_isr(f.p, c);
        f.fetch(2, 1);
        EXPECT_EQ(f.p.high_watermark, Offset{rule ? 0 : 1});
    }
}

TEST(rules, kip966_the_high_watermark_stands_while_too_few_are_in_sync) {
    for (const bool rule : {true, false}) {
        Fixture f;
        f.config.rules.high_watermark_requires_min_isr = rule;
        f.lead(nodes({1, 2}));
        ASSERT_TRUE(f.produce());
        f.lead(nodes({1}), 1, 1);
        EXPECT_EQ(f.p.high_watermark, Offset{rule ? 0 : 1});
        // acks=all: the write is not answered; before, that it had too few replicas.
        EXPECT_EQ(replicated_up_to(f.p, Offset{1}, f.config.rules),
                  rule ? std::nullopt : std::optional{ErrorCode::not_enough_replicas_after_append});
        // acks=1 is taken, and seen by nobody.
        ASSERT_TRUE(f.produce(1, 1));
        auto c = f.context();
        advance_high_watermark(f.p, c);
        EXPECT_EQ(f.p.high_watermark, Offset{rule ? 0 : 2});
        f.fetch(2, 2);
        AlterPartitionResult joined;
        joined.partition = Fixture::kTp;
        joined.image = f.image(nodes({1, 2}), 1, 1, 2);
        on_alter_partition(f.p, joined, c);
        EXPECT_EQ(f.p.high_watermark, Offset{2});
    }
}

TEST(rules, kafka15583_more_in_sync_replicas_than_replicas_means_all_of_them) {
    for (const bool rule : {true, false}) {
        Fixture f;
        f.config.rules.high_watermark_requires_min_isr = rule;
        f.p.config.min_insync_replicas = 5;
        f.lead(nodes({1, 2, 3}));
        EXPECT_EQ(static_cast<bool>(f.produce()), rule);
    }
}

TEST(rules, kip841_fenced_and_leaving_brokers_do_not_join_the_isr) {
    for (const bool rule : {true, false}) {
        Fixture f;
        f.config.rules.isr_excludes_fenced_brokers = rule;
        f.config.rules.alter_partition_checks_broker_epoch = false;  // came later: KIP-903
        f.alive.erase(NodeId{3});
        f.lead(nodes({1, 2}));
        f.fetch(3, 0);
        EXPECT_EQ(f.p.leader()->pending.has_value(), !rule);
        f.alive[NodeId{3}] = BrokerEpoch{3};
        f.leaving.insert(NodeId{3});
        f.lead(nodes({1, 2}), 1, 1);
        f.fetch(3, 0);
        EXPECT_EQ(f.p.leader()->pending.has_value(), !rule);
    }
}

TEST(rules, kip903_a_fetch_of_an_earlier_life_brings_nobody_in) {
    for (const bool rule : {true, false}) {
        Fixture f;
        f.config.rules.alter_partition_checks_broker_epoch = rule;
        f.alive[NodeId{3}] = BrokerEpoch{99};
        f.lead(nodes({1, 2}));
        f.fetch(3, 0);
        EXPECT_EQ(f.p.leader()->pending.has_value(), !rule);
    }
}

// --- reassignment (KIP-455) ---------------------------------------------------------------------

TEST(reassignment, changes_a_leaders_followers_without_a_new_epoch) {
    Fixture f;
    f.lead(nodes({1, 2, 3}));
    ASSERT_TRUE(f.produce(2));
    f.fetch(2, 2);
    auto c = f.context();
    PartitionImage image = f.image(nodes({1, 2}), 1, 1, 1);
    image.replicas = {NodeId{1}, NodeId{2}, NodeId{4}};
    become_leader(f.p, image, c);
    const std::vector<ReplicaProgress>& followers = f.p.leader()->followers;
    ASSERT_EQ(followers.size(), 2u);
    EXPECT_EQ(followers[0].node, NodeId{2});
    EXPECT_EQ(followers[0].log_end, Offset{2}) << "what it has fetched is still known";
    EXPECT_EQ(followers[1].node, NodeId{4});
    EXPECT_EQ(followers[1].log_end, kNoOffset);
    EXPECT_EQ(f.p.high_watermark, Offset{2}) << "broker 3 holds nothing back any more";
    // The removed replica is not served, nor one that is not known of yet.
    for (const int stranger : {3, 5}) {
        EXPECT_EQ(check_fetch(f.p, Fixture::fetch_request(0, 1), NodeId{stranger}, f.config).error,
                  ErrorCode::unknown_leader_epoch);
    }
}

TEST(isr, a_follower_that_stays_at_the_log_end_does_not_lag) {
    Fixture f;
    f.lead(nodes({1, 2}));
    f.fetch(2, 0);
    auto c = f.context();
    check_isr(f.p, c);
    check_isr(f.p, c);
    ASSERT_TRUE(is_caught_up_again(f.p, NodeId{2}));
    on_idle_replica_fetch(f.p, NodeId{2});
    EXPECT_FALSE(is_caught_up_again(f.p, NodeId{2}));
    // A record that it had no time to fetch does not put it out of sync.
    ASSERT_TRUE(f.produce());
    check_isr(f.p, c);
    EXPECT_FALSE(f.p.leader()->pending.has_value());
}

}  // namespace
}  // namespace tribunal
