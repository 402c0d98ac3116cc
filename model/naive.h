// The explorer's naive twin, for tests: whole states in a std::map, one queue, nothing clever. What
// it counts and how long its shortest paths are is what every other search must agree with.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <vector>

#include "model/model.h"

namespace tribunal {

template <class State>
struct NaiveResult {
    std::uint64_t distinct = 0;
    std::uint64_t generated = 0;
    std::vector<std::uint64_t> levels;
    // By property: first level (initial states: 1) where its predicate is false, and true; 0 never.
    std::vector<std::uint64_t> first_false;
    std::vector<std::uint64_t> first_true;
    std::vector<std::uint64_t> false_states;  // how many states have it false
    std::uint64_t depth() const { return levels.size(); }
};

// Equality of states decides, not digests: a map from digest to the states that have it.
template <Model M>
NaiveResult<typename M::State> explore_naively(const M& model, std::uint64_t max_states = 0) {
    using State = typename M::State;
    NaiveResult<State> result;
    const std::size_t properties = std::size(model.properties());
    result.first_false.resize(properties);
    result.first_true.resize(properties);
    result.false_states.resize(properties);
    std::map<Digest128, std::vector<State>> seen;
    std::vector<State> level;
    std::vector<State> next;
    const auto meet = [&](const State& state, std::uint64_t depth) {
        ++result.generated;
        std::vector<State>& same = seen[model.digest(state)];
        if (std::find(same.begin(), same.end(), state) != same.end()) return;
        same.push_back(state);
        next.push_back(state);
        ++result.distinct;
        const std::uint64_t holds = model.predicates(state);
        for (std::size_t p = 0; p < properties; ++p) {
            const bool is_true = ((holds >> p) & 1) != 0;
            if (!is_true) ++result.false_states[p];
            std::uint64_t& first = is_true ? result.first_true[p] : result.first_false[p];
            if (first == 0) first = depth;
        }
    };
    model.initial_states([&](State s) { meet(s, 1); });
    while (!next.empty()) {
        result.levels.push_back(next.size());
        level.swap(next);
        next.clear();
        for (const State& state : level) {
            if (max_states != 0 && result.distinct >= max_states) return result;
            model.successors(state, [&](Action, State s) { meet(s, result.levels.size() + 1); });
        }
    }
    return result;
}

}  // namespace tribunal
