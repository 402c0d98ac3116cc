// Decides trigger ~> predicate under weak fairness the slow way, for models with a few hundred
// states: what every other way must agree with.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "model/model.h"
#include "model/specs/reductions_test.h"

namespace tribunal {

// Whether some fair behaviour never reaches the predicate after the trigger. Such a behaviour ends
// up in a set of states without the predicate, each reachable from each other; the largest such
// sets are enough, since weak fairness is easier on larger ones: of each class a step is taken
// within the set, or none is enabled somewhere in it. A state alone stutters.
template <HasFairness M>
bool fails_under_weak_fairness(const M& model, std::size_t property) {
    const int trigger = model.properties()[property].trigger;
    const auto states = reachable(model);
    const std::size_t count = states.size();
    std::map<Digest128, std::size_t> number;
    for (std::size_t i = 0; i < count; ++i) number[model.digest(states[i])] = i;

    struct Edge {
        std::size_t to;
        std::uint64_t classes;
    };
    std::vector<std::vector<Edge>> edges(count);
    std::vector<std::uint64_t> enabled(count);
    std::vector<bool> pending(count);  // the predicate is false
    for (std::size_t i = 0; i < count; ++i) {
        pending[i] = (model.predicates(states[i]) >> property & 1) == 0;
        for (const auto& [action, state] : steps_of(model, states[i])) {
            const std::uint64_t classes = model.fair_classes(states[i], action);
            edges[i].push_back({number.at(model.digest(state)), classes});
            enabled[i] |= classes;
        }
    }
    std::vector<std::vector<bool>> reaches(count, std::vector<bool>(count));  // while pending
    for (std::size_t i = 0; i < count; ++i) {
        if (!pending[i]) continue;
        std::vector<std::size_t> queue{i};
        reaches[i][i] = true;
        for (std::size_t next = 0; next < queue.size(); ++next) {
            for (const Edge& edge : edges[queue[next]]) {
                if (!pending[edge.to] || reaches[i][edge.to]) continue;
                reaches[i][edge.to] = true;
                queue.push_back(edge.to);
            }
        }
    }
    const auto ends_fairly_at = [&](std::size_t i) {
        std::uint64_t taken_inside = 0;
        std::uint64_t always_enabled = ~std::uint64_t{0};
        for (std::size_t j = 0; j < count; ++j) {
            if (!reaches[i][j] || !reaches[j][i]) continue;
            always_enabled &= enabled[j];
            for (const Edge& edge : edges[j]) {
                if (reaches[i][edge.to] && reaches[edge.to][i]) taken_inside |= edge.classes;
            }
        }
        const std::uint64_t all = (std::uint64_t{1} << model.fairness().size()) - 1;
        return (always_enabled & ~taken_inside & all) == 0;
    };
    for (std::size_t i = 0; i < count; ++i) {
        if (!pending[i] || !ends_fairly_at(i)) continue;
        for (std::size_t start = 0; start < count; ++start) {
            const bool triggered = (model.predicates(states[start]) >> trigger & 1) != 0;
            if (triggered && reaches[start][i]) return true;
        }
    }
    return false;
}

// The model without its fairness: every behaviour may stop anywhere.
template <HasFairness M>
struct Unfair : M {
    using M::M;
    std::vector<FairnessClass> fairness() const { return {}; }
};

}  // namespace tribunal
