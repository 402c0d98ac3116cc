// A counterexample from its steps alone: searches keep digests and parent links, not states, so the
// states of a path are made again by taking its steps.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "broker/base/check.h"
#include "model/model.h"
#include "model/result.h"

namespace tribunal {

// states.size() == actions.size() + 1
template <class State>
struct Behaviour {
    std::vector<State> states;
    std::vector<Action> actions;
};

// The step with that Action; absent when it is not enabled.
template <Model M>
std::optional<typename M::State> state_after(const M& model, const typename M::State& state,
                                             Action action) {
    std::optional<typename M::State> found;
    model.successors(state, [&](Action taken, typename M::State next) {
        if (taken == action && !found) found = std::move(next);
    });
    return found;
}

template <Model M>
Behaviour<typename M::State> follow(const M& model, const typename M::State& initial,
                                    const std::vector<Action>& actions) {
    Behaviour<typename M::State> behaviour{{initial}, actions};
    for (const Action action : actions) {
        auto next = state_after(model, behaviour.states.back(), action);
        CHECK(next.has_value());
        behaviour.states.push_back(std::move(*next));
    }
    return behaviour;
}

// The digest by which a search knows a state.
template <Model M>
Digest128 known_as(const M& model, const typename M::State& state, bool symmetry) {
    if constexpr (HasSymmetry<M>) {
        if (symmetry) return model.digest(model.canonical(state));
    }
    return model.digest(state);
}

// Follows digests instead: each step leads to the first successor that the search knew by the next
// digest. With symmetry the search saw representatives, and a path through them changes names
// half-way; this one keeps the names it began with. wanted does not include the initial state.
template <Model M>
Behaviour<typename M::State> follow(const M& model, const typename M::State& initial,
                                    std::span<const Digest128> wanted, bool symmetry) {
    Behaviour<typename M::State> behaviour{{initial}, {}};
    for (const Digest128& digest : wanted) {
        std::optional<typename M::State> next;
        model.successors(behaviour.states.back(), [&](Action taken, typename M::State state) {
            if (next || known_as(model, state, symmetry) != digest) return;
            behaviour.actions.push_back(taken);
            next = std::move(state);
        });
        CHECK(next.has_value());
        behaviour.states.push_back(std::move(*next));
    }
    return behaviour;
}

template <Model M>
std::vector<PathStep> path_of(const M& model, const Behaviour<typename M::State>& behaviour) {
    std::vector<PathStep> path;
    path.push_back({"", model.show(behaviour.states.front()), ""});
    const auto& names = model.action_names();
    for (std::size_t i = 0; i < behaviour.actions.size(); ++i) {
        const Action action = behaviour.actions[i];
        path.push_back({std::string(model.describe(behaviour.states[i], action)),
                        model.show(behaviour.states[i + 1]), std::string(names[action.kind])});
    }
    return path;
}

template <Model M>
std::vector<PathStep> replay(const M& model, const typename M::State& initial,
                             const std::vector<Action>& actions) {
    return path_of(model, follow(model, initial, actions));
}

template <Model M>
std::vector<PathStep> replay(const M& model, const typename M::State& initial,
                             std::span<const Digest128> wanted, bool symmetry) {
    return path_of(model, follow(model, initial, wanted, symmetry));
}

}  // namespace tribunal
