// A leader and the batches of idempotent producers: what is appended, answered again or refused.
#include <gtest/gtest.h>

#include "broker/replication/partition.h"

namespace tribunal {
namespace {

constexpr ProducerId kId{1000};

PartitionImage led_by(int leader, int epoch) {
    PartitionImage image;
    image.replicas = {NodeId{1}, NodeId{2}};
    image.isr = {NodeId{1}, NodeId{2}};
    image.leader = NodeId{leader};
    image.leader_epoch = LeaderEpoch{epoch};
    return image;
}

struct Fixture {
    BrokerConfig config;
    FlatMap<NodeId, BrokerEpoch> alive;
    Outbox out;
    Partition p;

    Fixture() {
        for (int i = 1; i <= 2; ++i) alive[NodeId{i}] = BrokerEpoch{i};
        p.id = {TopicId{0}, 0};
        p.self = NodeId{1};
        auto c = context();
        become_leader(p, led_by(1, 1), c);
    }
    ReplicationContext context() { return {config, alive, alive, out}; }
    Answer<Appended> produce(std::int32_t sequence, int records = 1, std::int16_t epoch = 0) {
        BatchBuilder builder;
        for (int i = 0; i < records; ++i) {
            Record record;
            record.value = "v";
            builder.append(record);
        }
        out.effects.clear();
        auto c = context();
        return append_as_leader(p, builder.close(kId, epoch, sequence), -1, c);
    }
};

TEST(idempotent_append, a_repeated_batch_is_answered_with_its_first_offsets_and_not_written) {
    Fixture f;
    ASSERT_TRUE(f.produce(0, 3));
    ASSERT_TRUE(f.produce(3, 2));
    const auto again = f.produce(0, 3);
    ASSERT_TRUE(again);
    EXPECT_TRUE(again->is_duplicate);
    EXPECT_EQ(again->base_offset, Offset{0});
    EXPECT_EQ(again->next_offset, Offset{3}) << "acks=all waits for this, not for the log end";
    EXPECT_TRUE(f.out.effects.empty());
    EXPECT_EQ(f.p.log.log_end_offset, Offset{5});
}

TEST(idempotent_append, what_does_not_follow_is_refused_and_changes_nothing) {
    Fixture f;
    ASSERT_TRUE(f.produce(0, 3, 1));
    const Partition before = f.p;
    EXPECT_EQ(f.produce(4).error(), ErrorCode::invalid_producer_epoch);
    EXPECT_EQ(f.produce(4, 1, 1).error(), ErrorCode::out_of_order_sequence_number);
    EXPECT_EQ(f.produce(2, 1, 1).error(), ErrorCode::out_of_order_sequence_number);
    EXPECT_EQ(f.produce(3, 1, 2).error(), ErrorCode::out_of_order_sequence_number);
    EXPECT_TRUE(f.p == before);
    EXPECT_TRUE(f.produce(0, 1, 2)) << "a new epoch begins at 0";
}

TEST(idempotent_append, retention_makes_a_producer_unknown_only_before_kafka_7190) {
    for (const bool survives : {true, false}) {
        Fixture f;
        f.config.rules.producer_state_survives_deletion = survives;
        f.config.rules.unknown_producer_starts_anywhere = false;
        ASSERT_TRUE(f.produce(0, 3));
        auto c = f.context();
        advance_log_start(f.p, Offset{3}, c);
        const auto next = f.produce(3);
        EXPECT_EQ(next ? ErrorCode::none : next.error(),
                  survives ? ErrorCode::none : ErrorCode::unknown_producer_id);
    }
}

TEST(idempotent_append, a_window_of_none_takes_a_repeated_batch_for_one_out_of_order) {
    Fixture f;
    f.config.rules.dedup_window = 0;
    ASSERT_TRUE(f.produce(0));
    EXPECT_EQ(f.produce(0).error(), ErrorCode::out_of_order_sequence_number);
}

TEST(idempotent_append, planted_bugs_do_what_they_say) {
    Fixture twice;
    twice.config.planted_bug = PlantedBug::duplicate_sequence_accepted;
    ASSERT_TRUE(twice.produce(0));
    ASSERT_TRUE(twice.produce(0));
    EXPECT_EQ(twice.p.log.log_end_offset, Offset{2});
    EXPECT_EQ(twice.produce(7).error(), ErrorCode::out_of_order_sequence_number);

    Fixture gap;
    gap.config.planted_bug = PlantedBug::sequence_gap_accepted;
    ASSERT_TRUE(gap.produce(0));
    ASSERT_TRUE(gap.produce(7));
    EXPECT_TRUE(gap.produce(7)->is_duplicate);
}

TEST(idempotent_append, a_follower_that_takes_over_knows_the_producers) {
    Fixture leader;
    ASSERT_TRUE(leader.produce(0, 3));
    Fixture other;
    auto c = other.context();
    become_follower(other.p, led_by(2, 2), c);
    FetchPartitionResponse response;
    leader.p.log.read(Offset{0}, Offset{3}, 1 << 20, response.batches);
    response.high_watermark = Offset{3};
    ASSERT_TRUE(append_as_follower(other.p, response, c));
    become_leader(other.p, led_by(1, 3), c);
    EXPECT_TRUE(other.produce(0, 3)->is_duplicate);
    EXPECT_EQ(other.produce(4).error(), ErrorCode::out_of_order_sequence_number);
    EXPECT_EQ(other.produce(3)->base_offset, Offset{3});
}

}  // namespace
}  // namespace tribunal
