// One partition's rules, a table each: produce, high watermark, ISR, truncation.
#include <gtest/gtest.h>

#include "broker/replication/partition_fixture.h"

namespace tribunal {
namespace {

using Fixture = PartitionFixture;
constexpr TopicPartition kTp = PartitionFixture::kTp;
Record a_record() { return PartitionFixture::a_record(); }

TEST(produce, is_refused_before_the_append_with_too_small_an_isr) {
    Fixture f;
    f.lead({NodeId{1}});
    EXPECT_EQ(f.produce().error(), ErrorCode::not_enough_replicas);
    EXPECT_EQ(f.p.log.log_end_offset, Offset{0});
    EXPECT_TRUE(f.produce(1, 1));  // acks=1 does not ask for min.insync.replicas
}

TEST(produce, tells_when_the_isr_shrank_after_the_append) {
    Fixture f;
    f.config.rules.high_watermark_requires_min_isr = false;
    f.lead({NodeId{1}, NodeId{2}});
    ASSERT_TRUE(f.produce());
    EXPECT_EQ(replicated_up_to(f.p, Offset{1}, f.config.rules), std::nullopt);
    auto c = f.context();
    // The controller removed broker 2: the high watermark moves, but fewer than two have the
    // record.
    become_leader(f.p, f.image({NodeId{1}}, 1, 1, 1), c);
    EXPECT_EQ(f.p.high_watermark, Offset{1});
    EXPECT_EQ(replicated_up_to(f.p, Offset{1}, f.config.rules),
              ErrorCode::not_enough_replicas_after_append);
}

TEST(produce, refuses_damaged_and_oversized_batches) {
    Fixture f;
    f.lead({NodeId{1}, NodeId{2}});
    BatchBuilder builder;
    builder.append(a_record());
    RecordBatch batch = builder.close();
    ++batch.crc;
    auto c = f.context();
    EXPECT_EQ(append_as_leader(f.p, batch, 1, c).error(), ErrorCode::corrupt_message);
    f.p.config.max_message_bytes = 10;
    EXPECT_EQ(f.produce(1, 1).error(), ErrorCode::message_too_large);
}

TEST(high_watermark, is_what_the_whole_isr_has) {
    Fixture f;
    f.lead({NodeId{1}, NodeId{2}, NodeId{3}});
    ASSERT_TRUE(f.produce(5));
    EXPECT_FALSE(f.fetch(2, 5));
    EXPECT_EQ(f.p.high_watermark, Offset{0});
    EXPECT_TRUE(f.fetch(3, 4));
    EXPECT_EQ(f.p.high_watermark, Offset{4});
    EXPECT_TRUE(f.fetch(3, 5));
    EXPECT_EQ(f.p.high_watermark, Offset{5});
    EXPECT_FALSE(f.fetch(3, 2));  // going back never lowers it
    EXPECT_EQ(f.p.high_watermark, Offset{5});
}

TEST(isr, a_replica_joins_only_caught_up_and_alive_and_in_its_current_life) {
    Fixture f;
    f.lead({NodeId{1}, NodeId{2}}, 1);
    ASSERT_TRUE(f.produce(5));
    f.fetch(2, 5);
    f.fetch(3, 3);
    EXPECT_FALSE(f.p.leader()->pending.has_value()) << "below the high watermark";
    f.alive.erase(NodeId{3});
    f.fetch(3, 5);
    EXPECT_FALSE(f.p.leader()->pending.has_value()) << "fenced";
    f.alive[NodeId{3}] = BrokerEpoch{99};
    f.fetch(3, 5);
    EXPECT_FALSE(f.p.leader()->pending.has_value()) << "an earlier life of the broker (KIP-903)";
    f.alive[NodeId{3}] = BrokerEpoch{3};
    f.fetch(3, 5);
    ASSERT_TRUE(f.p.leader()->pending.has_value());
    EXPECT_TRUE(f.p.leader()->maximal_isr.contains(NodeId{3}));
    EXPECT_FALSE(f.p.leader()->isr.contains(NodeId{3})) << "committed only by the controller";
    // Until the answer the high watermark waits for it already.
    ASSERT_TRUE(f.produce(1));
    f.fetch(2, 6);
    EXPECT_EQ(f.p.high_watermark, Offset{5});
}

TEST(isr, a_lagging_replica_leaves_after_the_second_check_it_missed) {
    Fixture f;
    f.lead({NodeId{1}, NodeId{2}, NodeId{3}});
    ASSERT_TRUE(f.produce(5));
    f.fetch(2, 5);
    auto c = f.context();
    check_isr(f.p, c);
    EXPECT_FALSE(f.p.leader()->pending.has_value());
    check_isr(f.p, c);
    ASSERT_TRUE(f.p.leader()->pending.has_value());
    EXPECT_EQ(f.p.leader()->pending->isr, (FlatSet<NodeId>{NodeId{1}, NodeId{2}}));
    // It still counts until the controller has said so.
    EXPECT_EQ(f.p.high_watermark, Offset{0});
    AlterPartitionResult result{kTp, ErrorCode::none, f.image({NodeId{1}, NodeId{2}}, 1, 1, 1)};
    EXPECT_TRUE(on_alter_partition(f.p, result, c));
    EXPECT_EQ(f.p.high_watermark, Offset{5});
}

TEST(isr, an_answer_of_an_older_partition_epoch_changes_nothing) {
    Fixture f;
    f.lead({NodeId{1}, NodeId{2}}, 1, 5);
    f.produce();
    f.fetch(3, 1);
    ASSERT_TRUE(f.p.leader()->pending.has_value());
    auto c = f.context();
    AlterPartitionResult stale{kTp, ErrorCode::none, f.image({NodeId{1}}, 1, 1, 4)};
    EXPECT_FALSE(on_alter_partition(f.p, stale, c));
    EXPECT_EQ(f.p.leader()->isr.size(), 2u);
    AlterPartitionResult ineligible{kTp, ErrorCode::ineligible_replica, {}};
    on_alter_partition(f.p, ineligible, c);
    EXPECT_FALSE(f.p.leader()->pending.has_value());
    EXPECT_EQ(f.p.leader()->maximal_isr, f.p.leader()->isr);
}

TEST(fencing, compares_the_leader_epoch_of_the_request) {
    Fixture f;
    f.lead({NodeId{1}}, 5);
    EXPECT_EQ(check_leader(f.p, LeaderEpoch{5}), ErrorCode::none);
    EXPECT_EQ(check_leader(f.p, LeaderEpoch{4}), ErrorCode::fenced_leader_epoch);
    EXPECT_EQ(check_leader(f.p, LeaderEpoch{6}), ErrorCode::unknown_leader_epoch);
    EXPECT_EQ(check_leader(f.p, kNoLeaderEpoch), ErrorCode::none);
    auto c = f.context();
    become_follower(f.p, f.image({NodeId{2}}, 2, 6), c);
    EXPECT_EQ(check_leader(f.p, LeaderEpoch{6}), ErrorCode::not_leader_or_follower);
}

// A follower with epochs 0: [0,10), 2: [10,20) and high watermark 5 meets a leader's answer.
TEST(truncation, goes_as_far_as_each_rule_says) {
    const auto follower = [] {
        Fixture f;
        f.p.role = Follower{NodeId{2}};
        for (const auto& [epoch, base] : {std::pair{0, 0}, {2, 10}}) {
            BatchBuilder builder;
            for (int i = 0; i < 10; ++i) builder.append(a_record());
            RecordBatch batch = builder.close();
            batch.base_offset = Offset{base};
            batch.leader_epoch = LeaderEpoch{epoch};
            f.p.log.append(batch);
        }
        f.p.high_watermark = Offset{5};
        return f;
    };
    Fixture f = follower();
    EXPECT_EQ(epoch_to_ask(f.p, TruncationRule::to_high_watermark), kNoLeaderEpoch);
    EXPECT_EQ(first_truncation(f.p, TruncationRule::to_high_watermark), Offset{5});
    EXPECT_EQ(epoch_to_ask(f.p, TruncationRule::kip101), LeaderEpoch{2});
    const struct {
        const char* name;
        TruncationRule rule;
        EpochEndOffset answer;
        std::int64_t to;
        bool done;
    } cases[] = {
        {"leader has epoch 2 up to 15",
         TruncationRule::kip279,
         {kTp, ErrorCode::none, LeaderEpoch{2}, Offset{15}},
         15,
         true},
        {"leader has more of epoch 2 than we",
         TruncationRule::kip279,
         {kTp, ErrorCode::none, LeaderEpoch{2}, Offset{30}},
         20,
         true},
        {"leader knows epoch 1 instead: cut to the end of 0 and ask again",
         TruncationRule::kip279,
         {kTp, ErrorCode::none, LeaderEpoch{1}, Offset{12}},
         10,
         false},
        {"KIP-101 takes the end offset as it is, and may keep what diverged",
         TruncationRule::kip101,
         {kTp, ErrorCode::none, kNoLeaderEpoch, Offset{12}},
         12,
         true},
        {"leader knows nothing: back to the high watermark",
         TruncationRule::kip320,
         {kTp, ErrorCode::none, kNoLeaderEpoch, kNoOffset},
         5,
         true},
    };
    for (const auto& c : cases) {
        const TruncationStep step = truncation_for(f.p, c.answer, c.rule);
        EXPECT_EQ(step.to, Offset{c.to}) << c.name;
        EXPECT_EQ(step.done, c.done) << c.name;
    }
    auto context = f.context();
    truncate(f.p, Offset{12}, context);
    EXPECT_EQ(f.p.log.log_end_offset, Offset{10}) << "a batch that straddles the cut goes whole";
    truncate(f.p, Offset{3}, context);
    EXPECT_EQ(f.p.high_watermark, Offset{0}) << "a high watermark above the log end comes down";
}

TEST(follower, appends_from_its_log_end_and_refuses_damage) {
    Fixture f;
    f.p.role = Follower{NodeId{2}};
    BatchBuilder builder;
    builder.append(a_record());
    RecordBatch batch = builder.close();
    FetchPartitionResponse response;
    response.partition = kTp;
    response.high_watermark = Offset{1};
    response.batches = {batch};
    auto c = f.context();
    EXPECT_TRUE(append_as_follower(f.p, response, c));
    EXPECT_EQ(f.p.log.log_end_offset, Offset{1});
    EXPECT_EQ(f.p.high_watermark, Offset{1});
    EXPECT_TRUE(append_as_follower(f.p, response, c)) << "what it has already is skipped";
    EXPECT_EQ(f.p.log.log_end_offset, Offset{1});
    response.batches[0].base_offset = Offset{1};
    ++response.batches[0].crc;
    EXPECT_FALSE(append_as_follower(f.p, response, c));
}

}  // namespace
}  // namespace tribunal
