// What every search owes the naive explorer: the same states, levels, coverage, verdicts and
// shortest paths, whatever the strategy and the number of workers. A test includes this and names
// its models.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "model/explore.h"
#include "model/naive.h"
#include "model/replay.h"

namespace tribunal {

using Flat = std::vector<std::string>;
inline Flat flat(const std::vector<PathStep>& path) {
    Flat text;
    for (const PathStep& step : path) {
        text.push_back("-> " + step.action + " (" + step.name + ")");
        for (const auto& [name, value] : step.state) text.push_back(name + " = " + value);
    }
    return text;
}
inline Flat flat(const SearchResult& result) {
    Flat text;
    for (const PropertyResult& property : result.properties) {
        text.push_back(property.name + ": " + std::string(name_of(property.verdict)));
        const Flat path = flat(property.path);
        text.insert(text.end(), path.begin(), path.end());
    }
    return text;
}

// The initial state and every step of the path are the model's, and its last state tells.
template <Model M>
void expect_behaviour(const M& model, const PropertyResult& property, std::size_t index) {
    SCOPED_TRACE(property.name);
    const bool always = property.kind == PropertyKind::always;
    const bool told = property.verdict == (always ? Verdict::fail : Verdict::pass);
    if (property.kind == PropertyKind::eventually) return;
    EXPECT_EQ(property.path.empty(), !told);
    if (!told) return;
    ASSERT_EQ(property.path.size(), property.actions.size() + 1);
    EXPECT_TRUE(property.path.front().action.empty());
    std::optional<typename M::State> state;
    model.initial_states([&](typename M::State s) {
        if (!state && model.show(s) == property.path.front().state) state = std::move(s);
    });
    ASSERT_TRUE(state) << "does not begin with an initial state";
    for (std::size_t i = 0; i < property.actions.size(); ++i) {
        const Action action = property.actions[i];
        // Models may have several outcomes of one step only if they call them apart.
        auto next = state_after(model, *state, action);
        ASSERT_TRUE(next) << "step " << i + 1 << ", " << property.path[i + 1].action;
        EXPECT_EQ(model.describe(*state, action), property.path[i + 1].action);
        EXPECT_EQ(model.action_names()[action.kind], property.path[i + 1].name);
        EXPECT_EQ(model.show(*next), property.path[i + 1].state);
        state = std::move(next);
    }
    const bool holds = (model.predicates(*state) >> index & 1) != 0;
    EXPECT_EQ(holds, !always) << "the last state says nothing";
}

template <Model M>
void expect_behaviours(const M& model, const SearchResult& result) {
    ASSERT_EQ(result.properties.size(), std::size(model.properties()));
    for (std::size_t p = 0; p < result.properties.size(); ++p) {
        expect_behaviour(model, result.properties[p], p);
    }
}

inline SearchOptions safety_only() {
    SearchOptions options;
    options.liveness = false;
    return options;
}

// Steps by name, counted from the states themselves.
template <Model M>
std::map<std::string, std::uint64_t, std::less<>> steps_by_name(const M& model) {
    std::map<std::string, std::uint64_t, std::less<>> steps;
    for (const std::string_view name : model.action_names()) steps.emplace(name, 0);
    std::map<Digest128, bool> seen;
    std::vector<typename M::State> open;
    const auto meet = [&](typename M::State s) {
        if (seen.emplace(model.digest(s), true).second) open.push_back(std::move(s));
    };
    model.initial_states(meet);
    while (!open.empty()) {
        const auto state = std::move(open.back());
        open.pop_back();
        model.successors(state, [&](Action a, typename M::State s) {
            ++steps[std::string(model.action_names()[a.kind])];
            meet(std::move(s));
        });
    }
    return steps;
}

// Of a search of everything, in any order.
template <Model M>
void expect_same_space(const M& model, const NaiveResult<typename M::State>& naive,
                       const SearchResult& result) {
    EXPECT_TRUE(result.complete);
    EXPECT_EQ(result.stopped_by, "");
    EXPECT_EQ(result.distinct, naive.distinct);
    EXPECT_EQ(result.generated, naive.generated);
    const auto specs = std::span<const PropertySpec>(model.properties());
    ASSERT_EQ(result.properties.size(), specs.size());
    for (std::size_t p = 0; p < specs.size(); ++p) {
        const PropertyResult& property = result.properties[p];
        SCOPED_TRACE(property.name);
        EXPECT_EQ(property.name, specs[p].name);
        EXPECT_EQ(property.kind, specs[p].kind);
        if (specs[p].kind == PropertyKind::always) {
            EXPECT_EQ(property.verdict, naive.first_false[p] == 0 ? Verdict::pass : Verdict::fail);
            EXPECT_EQ(property.violating_states, naive.false_states[p]);
        } else if (specs[p].kind == PropertyKind::sometimes) {
            EXPECT_EQ(property.verdict, naive.first_true[p] == 0 ? Verdict::fail : Verdict::pass);
            EXPECT_EQ(property.violating_states, naive.distinct - naive.false_states[p]);
        }
    }
    expect_behaviours(model, result);
}

template <Model M>
void expect_same_levels(const M& model, const NaiveResult<typename M::State>& naive,
                        const SearchResult& result) {
    EXPECT_EQ(result.levels, naive.levels);
    EXPECT_EQ(result.depth, naive.depth());
    const auto specs = std::span<const PropertySpec>(model.properties());
    for (std::size_t p = 0; p < specs.size(); ++p) {
        SCOPED_TRACE(specs[p].name);
        const bool always = specs[p].kind == PropertyKind::always;
        if (specs[p].kind == PropertyKind::eventually) continue;
        EXPECT_EQ(result.properties[p].path.size(),
                  always ? naive.first_false[p] : naive.first_true[p]);
    }
}

// Walks prove nothing, and what they find is there.
template <Model M>
void expect_honest_walks(const M& model, const NaiveResult<typename M::State>& naive) {
    SearchOptions options = safety_only();
    options.policy = SearchPolicy::random_walk;
    options.walks = 30;
    options.max_depth = 60;
    const SearchResult result = search(model, options);
    EXPECT_FALSE(result.complete);
    EXPECT_FALSE(result.stopped_by.empty());
    EXPECT_LE(result.distinct, naive.distinct);
    EXPECT_LE(result.depth, 60u);
    for (std::size_t p = 0; p < result.properties.size(); ++p) {
        const PropertyResult& property = result.properties[p];
        const bool always = property.kind == PropertyKind::always;
        EXPECT_NE(property.verdict, always ? Verdict::pass : Verdict::fail) << property.name;
        EXPECT_EQ(property.verdict == Verdict::inconclusive, property.path.empty());
        EXPECT_EQ(property.verdict == Verdict::inconclusive, !property.note.empty());
        EXPECT_LE(property.violating_states,
                  always ? naive.false_states[p] : naive.distinct - naive.false_states[p]);
    }
    expect_behaviours(model, result);
    options.seed = 1;
    EXPECT_EQ(flat(search(model, options)), flat(result));
}

// A stopped search says so, and of what it has not looked at it says nothing.
template <Model M>
void expect_honest_limits(const M& model, const NaiveResult<typename M::State>& naive) {
    for (const unsigned workers : {1u, 2u}) {
        for (const std::uint64_t depth : {std::uint64_t{1}, naive.depth() / 2, naive.depth()}) {
            if (depth == 0) continue;
            SCOPED_TRACE(testing::Message() << "depth " << depth << ", " << workers << " workers");
            SearchOptions options = safety_only();
            options.workers = workers;
            options.max_depth = depth;
            const SearchResult result = search(model, options);
            EXPECT_FALSE(result.complete);
            EXPECT_EQ(result.stopped_by, "depth limit");
            const std::vector<std::uint64_t> levels(
                naive.levels.begin(), naive.levels.begin() + static_cast<std::ptrdiff_t>(depth));
            EXPECT_EQ(result.levels, levels);
            for (std::size_t p = 0; p < result.properties.size(); ++p) {
                const PropertyResult& property = result.properties[p];
                SCOPED_TRACE(property.name);
                if (property.kind == PropertyKind::eventually) continue;
                const bool always = property.kind == PropertyKind::always;
                const std::uint64_t first = always ? naive.first_false[p] : naive.first_true[p];
                const bool within = first != 0 && first <= depth;
                EXPECT_EQ(property.verdict, !within  ? Verdict::inconclusive
                                            : always ? Verdict::fail
                                                     : Verdict::pass);
                EXPECT_EQ(property.path.size(), within ? first : 0);
                EXPECT_EQ(property.note.empty(), within);
            }
            expect_behaviours(model, result);
        }
        SearchOptions options = safety_only();
        options.workers = workers;
        options.max_states = naive.distinct / 2;
        if (options.max_states == 0) continue;
        SCOPED_TRACE(testing::Message() << options.max_states << " states at most");
        const SearchResult result = search(model, options);
        EXPECT_FALSE(result.complete);
        EXPECT_EQ(result.stopped_by, "state limit");
        EXPECT_GE(result.distinct, options.max_states);
        EXPECT_LT(result.distinct, naive.distinct);
        // Whole levels, then a part of one.
        ASSERT_LE(result.levels.size(), naive.levels.size());
        for (std::size_t i = 0; i + 1 < result.levels.size(); ++i) {
            EXPECT_EQ(result.levels[i], naive.levels[i]);
        }
        EXPECT_LE(result.levels.back(), naive.levels[result.levels.size() - 1]);
        for (const PropertyResult& property : result.properties) {
            EXPECT_NE(property.verdict,
                      property.kind == PropertyKind::always ? Verdict::pass : Verdict::fail);
        }
        expect_behaviours(model, result);
    }
}

template <Model M>
void expect_first_violation(const M& model, const NaiveResult<typename M::State>& naive) {
    const auto specs = std::span<const PropertySpec>(model.properties());
    std::uint64_t first = 0;
    for (std::size_t p = 0; p < specs.size(); ++p) {
        const std::uint64_t level = naive.first_false[p];
        if (specs[p].kind != PropertyKind::always || level == 0) continue;
        if (first == 0 || level < first) first = level;
    }
    for (const unsigned workers : {1u, 3u}) {
        SearchOptions options = safety_only();
        options.stop_at_first = true;
        options.workers = workers;
        const SearchResult result = search(model, options);
        if (first == 0 || first == naive.depth()) {
            // Nothing to stop at, or nothing left when it was found (but for looking once more).
            EXPECT_EQ(result.distinct, naive.distinct);
        } else {
            EXPECT_FALSE(result.complete);
            EXPECT_EQ(result.stopped_by, "first violation");
            EXPECT_EQ(result.depth, first);
            EXPECT_EQ(result.levels.back(), naive.levels[first - 1]) << "not to the level's end";
        }
        const bool any_broken = std::any_of(
            result.properties.begin(), result.properties.end(), [](const PropertyResult& p) {
                return p.kind == PropertyKind::always && p.verdict == Verdict::fail;
            });
        EXPECT_EQ(any_broken, first != 0);
    }
}

template <HasSymmetry M>
struct Representatives : M {
    using State = typename M::State;
    explicit Representatives(const M& model) : M(model) {}
    template <class Emit>
    void initial_states(Emit&& emit) const {
        M::initial_states([&](const State& s) { emit(M::canonical(s)); });
    }
    template <class Emit>
    void successors(const State& s, Emit&& emit) const {
        M::successors(s, [&](Action a, const State& t) { emit(a, M::canonical(t)); });
    }
};

template <HasSymmetry M>
void expect_same_with_symmetry(const M& model, const NaiveResult<typename M::State>& naive) {
    const auto representatives = explore_naively(Representatives<M>(model));
    EXPECT_LE(representatives.distinct, naive.distinct);
    SearchOptions options = safety_only();
    options.symmetry = true;
    for (const unsigned workers : {1u, 2u}) {
        SCOPED_TRACE(testing::Message() << "symmetry, " << workers << " workers");
        options.workers = workers;
        const SearchResult result = search(model, options);
        EXPECT_TRUE(result.complete);
        EXPECT_EQ(result.distinct, representatives.distinct);
        EXPECT_EQ(result.generated, representatives.generated);
        EXPECT_EQ(result.levels, representatives.levels);
        EXPECT_EQ(result.depth, naive.depth());
        for (std::size_t p = 0; p < result.properties.size(); ++p) {
            SCOPED_TRACE(result.properties[p].name);
            const bool always = result.properties[p].kind == PropertyKind::always;
            if (result.properties[p].kind == PropertyKind::eventually) continue;
            EXPECT_EQ(result.properties[p].path.size(),
                      always ? naive.first_false[p] : naive.first_true[p]);
        }
        expect_behaviours(model, result);
    }
    options.workers = 1;
    options.policy = SearchPolicy::depth_first;
    const SearchResult depth_first = search(model, options);
    EXPECT_EQ(depth_first.distinct, representatives.distinct);
    EXPECT_EQ(depth_first.generated, representatives.generated);
    expect_behaviours(model, depth_first);
}

template <Model M>
void expect_agreement(std::string_view name, const M& model) {
    SCOPED_TRACE(name);
    const auto naive = explore_naively(model);
    const auto steps = steps_by_name(model);
    for (const unsigned workers : {1u, 2u, 3u}) {
        SCOPED_TRACE(testing::Message() << workers << " workers");
        SearchOptions options = safety_only();
        options.workers = workers;
        const SearchResult result = search(model, options);
        expect_same_space(model, naive, result);
        expect_same_levels(model, naive, result);
        EXPECT_EQ(result.coverage, steps);
        EXPECT_GT(result.seen_set_bytes, 0u);
        EXPECT_GT(result.peak_memory_bytes, 0u);
        EXPECT_GE(result.elapsed_ns, 0);
        EXPECT_EQ(flat(search(model, options)), flat(result)) << "another run, another path";
    }
    for (const SearchPolicy policy : {SearchPolicy::depth_first, SearchPolicy::best_first}) {
        SCOPED_TRACE(policy == SearchPolicy::depth_first ? "depth-first" : "best-first");
        SearchOptions options = safety_only();
        options.policy = policy;
        const SearchResult result = search(model, options);
        expect_same_space(model, naive, result);
        EXPECT_EQ(result.coverage, steps);
        EXPECT_EQ(flat(search(model, options)), flat(result)) << "another run, another path";
    }
    expect_honest_walks(model, naive);
    expect_honest_limits(model, naive);
    expect_first_violation(model, naive);
    if constexpr (HasSymmetry<M>) expect_same_with_symmetry(model, naive);
}

}  // namespace tribunal
