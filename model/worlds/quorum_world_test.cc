// The explorer on the real quorum code: what it counts agrees with the naive explorer; the rules of
// today break nothing; each old rule and each planted bug is found, by the shortest path.
#include <gtest/gtest.h>

#include "model/explore.h"
#include "model/naive.h"
#include "model/worlds/quorum_world.h"

namespace tribunal {
namespace {

QuorumWorldOptions world(QuorumBounds bounds, std::int32_t observers = 0) {
    QuorumWorldOptions options;
    options.observers = observers;
    options.bounds = bounds;
    return options;
}

struct Expected {
    std::string property;
    std::size_t length;  // states, the initial one included
};

Expected first_broken(const QuorumWorldOptions& options) {
    SearchOptions search_options;
    search_options.stop_at_first = true;
    search_options.max_states = 400'000;
    const SearchResult result = search(QuorumWorld(options), search_options);
    for (const PropertyResult& p : result.properties) {
        if (p.verdict == Verdict::fail && !p.path.empty()) return {p.name, p.path.size()};
    }
    return {"", 0};
}

TEST(QuorumWorld, comes_up_with_node_one_leading_and_everything_committed) {
    const QuorumWorld model(world({.appends = 1, .epochs = 1}));
    model.initial_states([&](const QuorumWorld::State& s) {
        EXPECT_TRUE(s.world.pipes().empty());
        EXPECT_TRUE(active_epoch(s.world.host(NodeId{1}).node.raft).has_value());
        std::vector<Action> actions;
        model.enabled(s, actions);
        ASSERT_EQ(actions.size(), 1u);
        EXPECT_EQ(model.step_name(s, actions[0]), "append at 1");
    });
}

TEST(QuorumWorld, counts_agree_with_the_naive_explorer) {
    const QuorumBounds bounds[] = {{.appends = 2, .epochs = 1},
                                   {.appends = 1, .crashes = 1, .epochs = 1},
                                   {.appends = 1, .losses = 1, .epochs = 1},
                                   {.appends = 1, .power_losses = 1, .epochs = 1},
                                   {.appends = 1, .epochs = 1, .snapshots = 1}};
    for (const QuorumBounds& b : bounds) {
        const QuorumWorld model(world(b));
        const auto naive = explore_naively(model);
        const SearchResult result = search(model, SearchOptions{});
        EXPECT_TRUE(result.complete);
        EXPECT_EQ(result.distinct, naive.distinct);
        EXPECT_EQ(result.generated, naive.generated);
        EXPECT_FALSE(result.any_failed());
    }
}

TEST(QuorumWorld, adding_or_removing_a_voter_breaks_nothing) {
    const SearchResult result = search(
        QuorumWorld(world({.appends = 1, .epochs = 1, .voter_changes = 1}, 1)), SearchOptions{});
    EXPECT_TRUE(result.complete);
    EXPECT_FALSE(result.any_failed());
    EXPECT_EQ(result.find("VotersChanged")->verdict, Verdict::pass);
}

TEST(QuorumWorld, elections_break_nothing_as_far_as_is_looked) {
    for (const bool pre_vote : {true, false}) {
        QuorumWorldOptions options = world({.appends = 1, .epochs = 2});
        options.config.pre_vote = pre_vote;
        SearchOptions search_options;
        search_options.max_states = 20'000;
        const SearchResult result = search(QuorumWorld(options), search_options);
        for (const PropertyResult& p : result.properties) {
            EXPECT_NE(p.verdict, Verdict::fail) << p.name;
        }
    }
}

TEST(QuorumWorld, finds_every_planted_bug_by_the_shortest_path) {
    struct Case {
        PlantedBug bug;
        QuorumBounds bounds;
        std::int32_t observers;
        Expected want;
    };
    const Case cases[] = {
        {PlantedBug::raft_vote_not_synced,
         {.appends = 0, .power_losses = 1, .epochs = 2},
         0,
         {"Q2", 2}},
        {PlantedBug::raft_votes_for_shorter_log, {.appends = 1, .epochs = 2}, 0, {"Q6", 7}},
        {PlantedBug::raft_commits_on_minority, {.appends = 1, .epochs = 1}, 0, {"Q8", 2}},
        {PlantedBug::raft_never_diverges, {.appends = 1, .epochs = 2}, 0, {"Q8", 8}},
        {PlantedBug::raft_overlapping_voter_changes,
         {.appends = 0, .epochs = 1, .voter_changes = 2},
         1,
         {"Q13", 3}},
        {PlantedBug::raft_observer_becomes_candidate, {.appends = 0, .epochs = 2}, 1, {"Q12", 2}},
    };
    for (const Case& c : cases) {
        QuorumWorldOptions options = world(c.bounds, c.observers);
        options.planted_bug = c.bug;
        options.config.pre_vote = false;
        const Expected found = first_broken(options);
        EXPECT_EQ(found.property, c.want.property);
        EXPECT_EQ(found.length, c.want.length) << c.want.property;
    }
}

// KAFKA-16538: fixed voters become dynamic ones, and one of them goes.
QuorumWorldOptions fixed_voters(QuorumBounds bounds) {
    QuorumWorldOptions options = world(bounds);
    options.config.reconfiguration = false;
    return options;
}

TEST(QuorumWorld, breaks_nothing_when_fixed_voters_become_dynamic_ones) {
    const QuorumWorldOptions worlds[] = {
        fixed_voters({.appends = 0, .epochs = 1, .voter_changes = 2}),
        fixed_voters({.appends = 0, .crashes = 1, .epochs = 1, .voter_changes = 1})};
    for (const QuorumWorldOptions& options : worlds) {
        SearchOptions bounded;
        bounded.max_states = 60'000;
        const SearchResult result = search(QuorumWorld(options), bounded);
        EXPECT_GT(result.distinct, 100u);
        for (const PropertyResult& p : result.properties) {
            EXPECT_NE(p.verdict, Verdict::fail) << p.name;
            if (p.name != "VotersChanged") continue;
            EXPECT_EQ(p.verdict, Verdict::pass) << "nobody told, or nobody raised it";
        }
    }
    QuorumWorldOptions hasty = fixed_voters({.appends = 0, .epochs = 1, .voter_changes = 1});
    hasty.planted_bug = PlantedBug::raft_upgrades_untold;
    const Expected found = first_broken(hasty);
    EXPECT_EQ(found.property, "Q13");
    EXPECT_EQ(found.length, 2u);
}

TEST(QuorumWorld, finds_the_rules_of_before_2_8) {
    QuorumWorldOptions unflushed = world({.appends = 1, .power_losses = 2, .epochs = 2});
    unflushed.config.pre_vote = false;
    unflushed.config.flush_before_ack = false;  // KAFKA-10533
    EXPECT_EQ(first_broken(unflushed).property, "Q8");
    QuorumWorldOptions resumes = world({.appends = 2, .power_losses = 1, .epochs = 1});
    resumes.config.flush_before_ack = false;
    resumes.config.restart_unattached = false;  // KAFKA-10527
    EXPECT_EQ(first_broken(resumes).property, "Q4");
}

TEST(QuorumWorld, copies_step_to_the_same_state_and_names_differ) {
    const QuorumWorld model(world({.appends = 2,
                                   .crashes = 1,
                                   .power_losses = 1,
                                   .losses = 1,
                                   .epochs = 3,
                                   .voter_changes = 1},
                                  1));
    model.initial_states([&](QuorumWorld::State state) {
        std::uint64_t draw = 11;
        for (int i = 0; i < 150; ++i) {
            std::vector<Action> actions;
            model.enabled(state, actions);
            if (actions.empty()) break;
            std::set<std::string> names;
            for (const Action a : actions) {
                EXPECT_TRUE(names.insert(model.step_name(state, a)).second)
                    << model.step_name(state, a);
            }
            draw = draw * 6364136223846793005u + 1442695040888963407u;
            const Action a = actions[(draw >> 33) % actions.size()];
            const QuorumWorld::State copy = state;
            const QuorumWorld::State one = model.next(state, a);
            const QuorumWorld::State other = model.next(copy, a);
            EXPECT_TRUE(state == copy);
            EXPECT_TRUE(one == other);
            EXPECT_EQ(model.digest(one), model.digest(other));
            EXPECT_EQ(one.monitor->broken_rules(), 0u);
            state = one;
        }
    });
}

}  // namespace
}  // namespace tribunal
