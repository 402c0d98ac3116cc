// The explorer on the real broker code: what it counts agrees with the naive explorer, whatever the
// search; and every bug planted in the broker that a partition can show is found by the shortest
// path that is known.
#include <gtest/gtest.h>

#include <cstdio>

#include "model/explore.h"
#include "model/independence_check.h"
#include "model/naive.h"
#include "model/worlds/partition_world.h"

namespace tribunal {
namespace {

PartitionWorldOptions world(std::int32_t brokers, SmallWorldBounds bounds) {
    PartitionWorldOptions options;
    options.brokers = brokers;
    options.bounds = bounds;
    options.topic.min_insync_replicas = brokers > 1 ? 2 : 1;
    options.producer.acks = -1;
    options.producer.max_in_flight = 1;
    return options;
}

struct Expected {
    std::string property;
    std::size_t length;  // states, the initial one included
};

// The first property that is broken, with the length of its shortest counterexample.
Expected first_broken(const PartitionWorldOptions& options) {
    SearchOptions search_options;
    search_options.stop_at_first = true;
    const PartitionWorld model(options);
    const SearchResult result = search(model, search_options);
    for (const PropertyResult& p : result.properties) {
        if (p.verdict != Verdict::fail) continue;
        EXPECT_EQ(p.actions.size() + 1, p.path.size());
        return {p.name, p.path.size()};
    }
    EXPECT_TRUE(result.complete);
    return {"", 0};
}

TEST(PartitionWorld, comes_up_with_broker_one_leading_and_all_in_sync) {
    const PartitionWorld model(world(3, {.writes = 1}));
    std::size_t initial = 0;
    model.initial_states([&](const PartitionWorld::State& s) {
        ++initial;
        EXPECT_TRUE(s.world.pipes().empty());
        const Partition* p = find_partition(s.world.broker(NodeId{1}), model.partition());
        ASSERT_NE(p, nullptr);
        ASSERT_NE(p->leader(), nullptr);
        EXPECT_EQ(p->leader()->isr.size(), 3u);
        // Only the first write can happen.
        std::vector<Action> actions;
        model.enabled(s, actions);
        ASSERT_EQ(actions.size(), 1u);
        EXPECT_EQ(model.step_name(s, actions[0]), "write to 1");
    });
    EXPECT_EQ(initial, 1u);
}

TEST(PartitionWorld, counts_agree_with_the_naive_explorer) {
    const SmallWorldBounds bounds[] = {{.writes = 2},
                                       {.writes = 1, .crashes = 1},
                                       {.writes = 1, .losses = 1},
                                       {.writes = 1, .power_losses = 1},
                                       {.writes = 1, .timers = 2},
                                       {.writes = 1, .crashes = 1, .elections = 1}};
    for (const SmallWorldBounds& b : bounds) {
        const PartitionWorld model(world(2, b));
        const auto naive = explore_naively(model);
        for (const unsigned workers : {1u, 2u}) {
            SearchOptions options;
            options.workers = workers;
            const SearchResult result = search(model, options);
            EXPECT_TRUE(result.complete);
            EXPECT_EQ(result.distinct, naive.distinct);
            EXPECT_EQ(result.generated, naive.generated);
            EXPECT_EQ(result.levels, naive.levels);
            EXPECT_FALSE(result.any_failed());
        }
    }
}

TEST(PartitionWorld, counts_do_not_change_unnoticed) {
    // Whoever changes the broker and finds other numbers here says why in the commit.
    const SearchResult result =
        search(PartitionWorld(world(3, {.writes = 1, .crashes = 1})), SearchOptions{});
    EXPECT_EQ(result.distinct, 24'294u);
    EXPECT_EQ(result.generated, 72'583u);
    EXPECT_EQ(result.depth, 30u);
    EXPECT_FALSE(result.any_failed());
    EXPECT_EQ(result.find("AllAcknowledged")->verdict, Verdict::pass);
    EXPECT_EQ(result.find("NewLeader")->verdict, Verdict::pass);
}

TEST(PartitionWorld, the_preferred_replica_leads_again_as_often_as_is_allowed) {
    for (const std::int32_t most : {0, 1}) {
        const PartitionWorld model(world(2, {.writes = 1, .crashes = 1, .elections = most}));
        const SearchResult result = search(model, SearchOptions{});
        EXPECT_TRUE(result.complete);
        EXPECT_FALSE(result.any_failed());
        EXPECT_EQ(result.coverage.at("PreferredElection") > 0, most > 0);
    }
}

TEST(PartitionWorld, goes_on_from_a_checkpoint) {
    const PartitionWorld model(world(2, {.writes = 1, .crashes = 1}));
    const SearchResult whole = search(model, SearchOptions{});
    const std::string file = testing::TempDir() + "/partition_world.checkpoint";
    SearchOptions first;
    first.max_states = 100;
    first.checkpoint = file;
    const SearchResult part = search(model, first);
    EXPECT_FALSE(part.complete);
    SearchOptions second;
    second.resume = file;
    const SearchResult rest = search(model, second);
    std::remove(file.c_str());
    EXPECT_TRUE(rest.complete);
    EXPECT_EQ(rest.distinct, whole.distinct);
    EXPECT_EQ(rest.generated, whole.generated);
    EXPECT_EQ(rest.levels, whole.levels);
}

TEST(PartitionWorld, copies_step_to_the_same_state) {
    const PartitionWorld model(world(2, {.writes = 2, .crashes = 1, .losses = 1}));
    model.initial_states([&](PartitionWorld::State state) {
        std::uint64_t draw = 7;
        for (int i = 0; i < 60; ++i) {
            std::vector<Action> actions;
            model.enabled(state, actions);
            if (actions.empty()) break;
            draw = draw * 6364136223846793005u + 1442695040888963407u;
            const Action a = actions[(draw >> 33) % actions.size()];
            const PartitionWorld::State copy = state;
            const PartitionWorld::State one = model.next(state, a);
            const PartitionWorld::State other = model.next(copy, a);
            EXPECT_TRUE(state == copy);
            EXPECT_TRUE(one == other);
            EXPECT_EQ(model.digest(one), model.digest(other));
            state = one;
        }
    });
}

TEST(PartitionWorld, names_of_enabled_steps_differ) {
    const PartitionWorld model(
        world(2, {.writes = 1, .crashes = 1, .power_losses = 1, .losses = 1, .timers = 1}));
    std::vector<PartitionWorld::State> level;
    model.initial_states([&](PartitionWorld::State s) { level.push_back(std::move(s)); });
    std::size_t looked_at = 0;
    for (int depth = 0; depth < 5; ++depth) {
        std::vector<PartitionWorld::State> next;
        for (const PartitionWorld::State& s : level) {
            std::vector<Action> actions;
            model.enabled(s, actions);
            std::set<std::string> names;
            for (const Action a : actions) {
                EXPECT_TRUE(names.insert(model.step_name(s, a)).second) << model.step_name(s, a);
                next.push_back(model.next(s, a));
                ++looked_at;
            }
        }
        level = std::move(next);
    }
    EXPECT_GT(looked_at, 1000u);
}

TEST(PartitionWorld, steps_that_it_calls_independent_are) {
    const PartitionWorld model(world(2, {.writes = 1, .crashes = 1, .losses = 1}));
    for (const std::string& error : independence_errors(model, 400)) ADD_FAILURE() << error;
}

TEST(PartitionWorld, sleep_sets_leave_states_and_verdicts_alone) {
    PartitionWorldOptions options = world(2, {.writes = 1, .crashes = 1});
    for (const PlantedBug bug : {PlantedBug::none, PlantedBug::ack_before_isr}) {
        options.broker.planted_bug = bug;
        const PartitionWorld model(options);
        const SearchResult all = search(model, SearchOptions{});
        SearchOptions reduced;
        reduced.partial_order = PartialOrder::sleep_sets;
        const SearchResult less = search(model, reduced);
        EXPECT_EQ(less.distinct, all.distinct);
        EXPECT_LE(less.generated, all.generated);
        ASSERT_EQ(less.properties.size(), all.properties.size());
        for (std::size_t i = 0; i < all.properties.size(); ++i) {
            EXPECT_EQ(less.properties[i].verdict, all.properties[i].verdict);
        }
    }
}

struct Planted {
    PlantedBug bug;
    SmallWorldBounds bounds;
    Expected expected;
};

TEST(PartitionWorld, finds_planted_bugs_by_the_shortest_path) {
    const Planted table[] = {
        {PlantedBug::high_watermark_off_by_one, {.writes = 1}, {"R2", 2}},
        {PlantedBug::ack_before_isr, {.writes = 1, .crashes = 1}, {"R1", 5}},
        {PlantedBug::ack_lost_on_leader_change, {.writes = 1, .timers = 1}, {"R1", 5}},
        {PlantedBug::isr_keeps_dead_replica, {.writes = 1, .crashes = 1}, {"R15", 3}},
        {PlantedBug::follower_ignores_epoch, {.writes = 2, .crashes = 1}, {"R5", 9}},
        {PlantedBug::leader_truncates, {.writes = 1, .crashes = 1}, {"R1", 9}},
        {PlantedBug::isr_join_too_early, {.writes = 1, .crashes = 1}, {"R13", 10}},
    };
    for (const Planted& planted : table) {
        PartitionWorldOptions options = world(3, planted.bounds);
        EXPECT_EQ(first_broken(options).property, "");
        options.broker.planted_bug = planted.bug;
        const Expected found = first_broken(options);
        EXPECT_EQ(found.property, planted.expected.property) << static_cast<int>(planted.bug);
        EXPECT_EQ(found.length, planted.expected.length) << static_cast<int>(planted.bug);
    }
}

// KIP-101: cutting to the high watermark forgets what the follower had acknowledged by fetching.
TEST(PartitionWorld, truncation_to_the_high_watermark_loses_committed_records) {
    PartitionWorldOptions options = world(3, {.writes = 1, .crashes = 1});
    options.broker.rules.truncation = TruncationRule::to_high_watermark;
    const Expected found = first_broken(options);
    EXPECT_EQ(found.property, "R2");
    EXPECT_EQ(found.length, 9u);
}

// KIP-279: after two fail-overs one question about the last epoch is not enough.
TEST(PartitionWorld, truncation_by_one_question_lets_logs_diverge) {
    PartitionWorldOptions options = world(3, {.writes = 2, .crashes = 2});
    options.broker.rules.truncation = TruncationRule::kip101;
    const Expected found = first_broken(options);
    EXPECT_EQ(found.property, "R5");
    EXPECT_EQ(found.length, 17u);
}

// KIP-320, KAFKA-6880: a fetch from before the fail-over reaches the new leader and counts as
// progress.
TEST(PartitionWorld, an_unfenced_fetch_of_an_old_epoch_advances_the_high_watermark) {
    PartitionWorldOptions options = world(3, {.writes = 2, .crashes = 2});
    options.broker.rules.truncation = TruncationRule::kip279;
    const Expected found = first_broken(options);
    EXPECT_EQ(found.property, "R5");
    EXPECT_EQ(found.length, 18u);
}

}  // namespace
}  // namespace tribunal
