// Brute-force proof, on a small configuration, that a model's footprints and representatives keep
// what they promise in model.h.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "model/model.h"
#include "model/naive.h"

namespace tribunal {

template <Model M>
using Step = std::pair<Action, typename M::State>;

template <Model M>
std::vector<Step<M>> steps_of(const M& model, const typename M::State& s) {
    std::vector<Step<M>> steps;
    model.successors(s, [&](Action a, typename M::State t) { steps.emplace_back(a, t); });
    return steps;
}

template <Model M>
std::optional<typename M::State> taken(const M& model, const typename M::State& s, Action a) {
    for (const auto& [action, state] : steps_of(model, s)) {
        if (action == a) return state;
    }
    return std::nullopt;
}

template <Model M>
std::vector<typename M::State> reachable(const M& model) {
    std::vector<typename M::State> states;
    std::set<Digest128> seen;
    const auto meet = [&](const typename M::State& s) {
        if (seen.insert(model.digest(s)).second) states.push_back(s);
    };
    model.initial_states(meet);
    for (std::size_t i = 0; i < states.size(); ++i) {
        for (const auto& [action, state] : steps_of(model, states[i])) meet(state);
    }
    return states;
}

// In every reachable state: steps have distinct Actions; one that writes no predicate changes none;
// two that do not conflict are there in both orders, with the same footprints, and lead to one
// state; what a step enables conflicts with it. Returns how many pairs were independent.
template <HasIndependence M>
std::uint64_t expect_sound_footprints(const M& model) {
    std::uint64_t independent = 0;
    for (const auto& s : reachable(model)) {
        const auto steps = steps_of(model, s);
        for (const auto& [a, after_a] : steps) {
            const Footprint fa = model.footprint(s, a);
            if ((fa.writes & Footprint::kPredicates) == 0) {
                EXPECT_EQ(model.predicates(s), model.predicates(after_a)) << model.describe(s, a);
            }
            for (const auto& [b, after_b] : steps) {
                if (&b == &a) continue;
                EXPECT_NE(a, b) << model.describe(s, a);
                const Footprint fb = model.footprint(s, b);
                if (fa.conflicts_with(fb)) continue;
                ++independent;
                const auto ab = taken(model, after_a, b);
                const auto ba = taken(model, after_b, a);
                const std::string pair = model.describe(s, a) + " and " + model.describe(s, b);
                EXPECT_TRUE(ab.has_value() && ba.has_value() && *ab == *ba) << pair;
                if (!ab) continue;
                const Footprint later = model.footprint(after_a, b);
                EXPECT_EQ(later.reads, fb.reads) << pair;
                EXPECT_EQ(later.writes, fb.writes) << pair;
            }
            for (const auto& [b, after_b] : steps_of(model, after_a)) {
                if (taken(model, s, b)) continue;
                EXPECT_TRUE(fa.conflicts_with(model.footprint(after_a, b)))
                    << model.describe(s, a) << " enables " << model.describe(after_a, b);
            }
            if (testing::Test::HasFailure()) return independent;
        }
    }
    return independent;
}

// The model with each state replaced by its representative.
template <HasSymmetry M>
struct Quotient : M {
    using M::M;
    using State = typename M::State;
    explicit Quotient(const M& model) : M(model) {}
    template <class Emit>
    void initial_states(Emit&& emit) const {
        M::initial_states([&](const State& s) { emit(M::canonical(s)); });
    }
    template <class Emit>
    void successors(const State& s, Emit&& emit) const {
        M::successors(s, [&](Action a, const State& t) { emit(a, M::canonical(t)); });
    }
};

// Every reachable state has the predicates of its representative and, up to representatives, its
// successors; so the quotient has exactly the representatives. Returns how many there are.
template <HasSymmetry M>
std::uint64_t expect_sound_representatives(const M& model) {
    const auto neighbours = [&](const typename M::State& s) {
        std::vector<Digest128> digests;
        for (const auto& [a, t] : steps_of(model, s)) {
            digests.push_back(model.digest(model.canonical(t)));
        }
        std::sort(digests.begin(), digests.end());
        return digests;
    };
    std::set<Digest128> representatives;
    for (const auto& s : reachable(model)) {
        const auto c = model.canonical(s);
        representatives.insert(model.digest(c));
        EXPECT_TRUE(model.canonical(c) == c);
        EXPECT_EQ(model.predicates(c), model.predicates(s));
        EXPECT_EQ(neighbours(c), neighbours(s));
        if (testing::Test::HasFailure()) break;
    }
    EXPECT_EQ(explore_naively(Quotient<M>(model)).distinct, representatives.size());
    return representatives.size();
}

}  // namespace tribunal
