// Kafka's partitioning rules as claims; the golden vectors of Kafka's own classes are tested in
// properties/golden_clients_test.cc.
#include "broker/client/partitioner.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>
#include <string>

#include "broker/client/murmur2.h"

namespace tribunal {
namespace {

const PartitionTable kThree{3, {0, 1, 2}};
const PartitionerConfig kBuiltIn{.batch_size = 100};
const PartitionerConfig kUniformSticky{.rule = PartitionerRule::uniform_sticky};
const PartitionerConfig kRoundRobin{.rule = PartitionerRule::round_robin};

TEST(murmur2, is_the_hash_that_the_java_client_documents) {
    // Known answers of the Java client.
    EXPECT_EQ(murmur2("21"), -973932308);
    EXPECT_EQ(murmur2("foobar"), -790332482);
    EXPECT_EQ(murmur2("a-little-bit-long-string"), -985981536);
    EXPECT_EQ(murmur2("a-little-bit-longer-string"), -1486304829);
    EXPECT_EQ(murmur2("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8"), -58897971);
    EXPECT_EQ(murmur2("abc"), 479470107);
}

TEST(murmur2, to_positive_clears_the_sign_and_is_no_absolute_value) {
    EXPECT_EQ(to_positive(-1), 2147483647);
    EXPECT_EQ(to_positive(INT32_MIN), 0);
    EXPECT_EQ(to_positive(7), 7);
}

TEST(partitioner, precedence_is_named_partition_then_key_then_rule) {
    TopicPartitioner topic;
    const auto named = choose_partition(kBuiltIn, topic, kThree, {2, "21"}, 0);
    EXPECT_EQ(named, (PartitionChoice{2, false, false}));
    const auto keyed = choose_partition(kBuiltIn, topic, kThree, {std::nullopt, "21"}, 0);
    EXPECT_EQ(keyed, (PartitionChoice{(-973932308 & 0x7fffffff) % 3, false, false}));
    EXPECT_EQ(topic, TopicPartitioner{}) << "neither may move the sticky partition";
    const auto sticky = choose_partition(kBuiltIn, topic, kThree, {}, 4);
    EXPECT_EQ(sticky, (PartitionChoice{1, true, true}));
}

TEST(partitioner, ignored_keys_follow_the_sticky_partition) {
    auto config = kBuiltIn;
    config.ignores_keys = true;
    TopicPartitioner topic;
    EXPECT_EQ(choose_partition(config, topic, kThree, {std::nullopt, "21"}, 2),
              (PartitionChoice{2, true, true}));
    EXPECT_EQ(choose_partition(config, topic, kThree, {std::nullopt, "foobar"}, 0),
              (PartitionChoice{2, true, false}));
}

TEST(partitioner, an_empty_key_is_a_key) {
    TopicPartitioner topic;
    const auto choice = choose_partition(kBuiltIn, topic, kThree, {std::nullopt, ""}, 1);
    EXPECT_EQ(choice, (PartitionChoice{275646681 % 3, false, false}));
}

TEST(partitioner, keys_stay_with_a_partition_that_lost_its_leader) {
    TopicPartitioner topic;
    const PartitionTable one_left{3, {1}};
    for (const char* key : {"21", "foobar", "abc", ""}) {
        EXPECT_EQ(choose_partition(kBuiltIn, topic, one_left, {std::nullopt, key}, 0).partition,
                  partition_for_key(key, 3));
    }
}

TEST(partitioner, what_the_metadata_does_not_have_gets_no_choice) {
    for (const auto& config : {kBuiltIn, kUniformSticky, kRoundRobin}) {
        TopicPartitioner topic;
        EXPECT_EQ(choose_partition(config, topic, kThree, {3, {}}, 0), PartitionChoice{});
        EXPECT_EQ(choose_partition(config, topic, {}, {std::nullopt, "k"}, 0), PartitionChoice{});
        EXPECT_EQ(choose_partition(config, topic, {}, {}, 0), PartitionChoice{});
        EXPECT_EQ(topic, TopicPartitioner{});
    }
}

TEST(partitioner, built_in_leaves_a_partition_once_it_had_batch_size_bytes) {
    TopicPartitioner topic;
    ASSERT_EQ(choose_partition(kBuiltIn, topic, kThree, {}, 0).partition, 0);
    EXPECT_FALSE(on_appended(kBuiltIn, topic, kThree, 99, true, 1));
    EXPECT_TRUE(on_appended(kBuiltIn, topic, kThree, 1, true, 1));
    EXPECT_EQ(choose_partition(kBuiltIn, topic, kThree, {}, 2), (PartitionChoice{1, true, false}));
    EXPECT_EQ(topic.produced, 0);
}

TEST(partitioner, built_in_stays_with_a_half_full_batch_up_to_twice_batch_size) {
    TopicPartitioner topic;
    ASSERT_EQ(choose_partition(kBuiltIn, topic, kThree, {}, 0).partition, 0);
    EXPECT_FALSE(on_appended(kBuiltIn, topic, kThree, 199, false, 1));
    auto held_back = topic;
    EXPECT_TRUE(on_appended(kBuiltIn, held_back, kThree, 0, true, 2)) << "the batch is full now";
    EXPECT_EQ(held_back.sticky, 2);
    EXPECT_TRUE(on_appended(kBuiltIn, topic, kThree, 1, false, 1));
    EXPECT_EQ(topic.sticky, 1);
}

TEST(partitioner, batch_size_zero_switches_after_every_byte) {
    auto config = kBuiltIn;
    config.batch_size = 0;
    TopicPartitioner topic;
    ASSERT_EQ(choose_partition(config, topic, kThree, {}, 0).partition, 0);
    EXPECT_FALSE(on_appended(config, topic, kThree, 0, true, 1));
    EXPECT_TRUE(on_appended(config, topic, kThree, 1, true, 1));
}

TEST(partitioner, partitions_without_leader_are_avoided_unless_all_are) {
    for (const auto& config : {kBuiltIn, kUniformSticky, kRoundRobin}) {
        for (std::int32_t random = 0; random < 12; ++random) {
            TopicPartitioner topic;
            topic.round_robin = static_cast<std::uint32_t>(random);
            const auto some = choose_partition(config, topic, {5, {1, 4}}, {}, random);
            EXPECT_EQ(some.partition, random % 2 == 0 ? 1 : 4);
            TopicPartitioner other;
            other.round_robin = static_cast<std::uint32_t>(random);
            const auto none = choose_partition(config, other, {5, {}}, {}, random);
            EXPECT_EQ(none.partition, random % 5);
        }
    }
}

TEST(partitioner, the_default_before_sticky_goes_round_from_a_random_partition_on) {
    const PartitionerConfig config{.rule = PartitionerRule::default_round_robin};
    TopicPartitioner topic;
    EXPECT_EQ(choose_partition(config, topic, kThree, {}, 4), (PartitionChoice{1, false, true}));
    // Records with a key take no turn.
    EXPECT_EQ(choose_partition(config, topic, kThree, {std::nullopt, "foobar"}, 0).partition,
              partition_for_key("foobar", 3));
    for (const std::int32_t next : {2, 0, 1}) {
        EXPECT_EQ(choose_partition(config, topic, kThree, {}, 7),
                  (PartitionChoice{next, false, false}));
    }
}

TEST(partitioner, a_shorter_queue_is_drawn_more_often) {
    const auto load = load_stats({{0, 0}, {1, 3}, {2, 1}}, 3);
    ASSERT_TRUE(load.has_value());
    EXPECT_EQ(load->cumulative, (std::vector<std::int64_t>{4, 5, 8}));
    std::map<std::int32_t, int> drawn;
    for (std::int32_t random = 0; random < 80; ++random) {
        ++drawn[drawn_partition(kThree, load, random)];
    }
    EXPECT_EQ(drawn, (std::map<std::int32_t, int>{{0, 40}, {1, 10}, {2, 30}}));
}

TEST(partitioner, load_is_ignored_when_it_says_nothing) {
    EXPECT_FALSE(load_stats({}, 3)) << "no partition to choose";
    EXPECT_FALSE(load_stats({{0, 9}}, 1)) << "a topic of one partition";
    EXPECT_FALSE(load_stats({{0, 5}, {1, 5}}, 2)) << "all equal";
    EXPECT_TRUE(load_stats({{0, 5}, {1, 5}}, 3)) << "equal, but one was left out";
    EXPECT_TRUE(load_stats({{2, 5}}, 3)) << "only one partition answers in time";
}

TEST(partitioner, queue_reports_count_only_for_the_adaptive_built_in_rule) {
    const std::vector<QueueSize> queues{{0, 5}, {1, 0}, {2, 5}};
    TopicPartitioner topic;
    on_queue_sizes(kBuiltIn, topic, queues, 3);
    EXPECT_TRUE(topic.load.has_value());
    on_queue_sizes(kBuiltIn, topic, {{0, 1}, {1, 1}, {2, 1}}, 3);
    EXPECT_FALSE(topic.load.has_value());
    auto not_adaptive = kBuiltIn;
    not_adaptive.is_adaptive = false;
    for (const auto& config : {not_adaptive, kUniformSticky, kRoundRobin}) {
        TopicPartitioner other;
        on_queue_sizes(config, other, queues, 3);
        EXPECT_EQ(other, TopicPartitioner{});
    }
}

TEST(partitioner, uniform_sticky_moves_to_another_partition_at_a_new_batch) {
    TopicPartitioner topic;
    ASSERT_EQ(choose_partition(kUniformSticky, topic, kThree, {}, 1),
              (PartitionChoice{1, true, true}));
    EXPECT_FALSE(on_appended(kUniformSticky, topic, kThree, 1 << 20, true, 0)) << "bytes are no "
                                                                                  "matter to it";
    EXPECT_FALSE(on_new_batch(kUniformSticky, topic, kThree, 2, 0)) << "a keyed record's batch";
    EXPECT_EQ(topic.sticky, 1);
    for (std::int32_t random = 0; random < 10; ++random) {
        auto moved = topic;
        EXPECT_TRUE(on_new_batch(kUniformSticky, moved, kThree, 1, random));
        EXPECT_EQ(moved.sticky, random % 2 == 0 ? 0 : 2);
    }
    EXPECT_FALSE(on_new_batch(kUniformSticky, topic, {3, {1}}, 1, 5)) << "nowhere else to go";
    EXPECT_EQ(topic.sticky, 1);
}

TEST(partitioner, round_robin_ignores_keys_and_survives_the_wrap_of_its_counter) {
    TopicPartitioner topic;
    topic.round_robin = 0x7ffffffe;
    std::vector<std::int32_t> got;
    for (int i = 0; i < 4; ++i) {
        got.push_back(
            *choose_partition(kRoundRobin, topic, kThree, {std::nullopt, "k"}, 0).partition);
    }
    // 2^31 - 2 and 2^31 - 1, then the negative numbers begin, which count from 0 without the sign.
    EXPECT_EQ(got, (std::vector<std::int32_t>{0, 1, 0, 1}));
}

RC_GTEST_PROP(partitioner, weights_follow_the_queue_lengths, ()) {
    const auto lengths = *rc::gen::resize(
        20,
        rc::gen::nonEmpty(rc::gen::container<std::vector<std::int32_t>>(rc::gen::inRange(0, 9))));
    std::vector<QueueSize> queues;
    for (std::size_t i = 0; i < lengths.size(); ++i) {
        queues.push_back({static_cast<std::int32_t>(2 * i), lengths[i]});
    }
    const auto load = load_stats(queues, queues.size() + 1);
    RC_ASSERT(load.has_value());
    const std::int32_t longest = *std::max_element(lengths.begin(), lengths.end());
    std::map<std::int32_t, std::int32_t> drawn;
    for (std::int32_t random = 0; random < load->cumulative.back(); ++random) {
        ++drawn[drawn_partition(kThree, load, random)];
    }
    for (const QueueSize& queue : queues) {
        RC_ASSERT((drawn[queue.partition] == longest + 1 - queue.batches));
    }
}

RC_GTEST_PROP(partitioner, sticky_share_is_between_one_and_two_batches, ()) {
    const auto appends = *rc::gen::resize(
        60, rc::gen::container<std::vector<std::pair<std::int32_t, bool>>>(
                rc::gen::pair(rc::gen::inRange(0, 130), rc::gen::arbitrary<bool>())));
    TopicPartitioner topic;
    choose_partition(kBuiltIn, topic, kThree, {}, 0);
    std::int64_t share = 0;
    for (const auto& [bytes, enable_switch] : appends) {
        share += bytes;
        const bool switched = on_appended(kBuiltIn, topic, kThree, bytes, enable_switch, bytes);
        RC_ASSERT((switched == (share >= (enable_switch ? 100 : 200))));
        if (switched) share = 0;
        RC_ASSERT((topic.produced == share));
    }
}

}  // namespace
}  // namespace tribunal
