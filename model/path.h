// From what a search remembers of a path back to a behaviour that people can read.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "broker/base/check.h"
#include "model/model.h"
#include "model/result.h"

namespace tribunal {

template <Model M>
typename M::State canonical_of(const M& model, typename M::State state, bool symmetry) {
    if constexpr (HasSymmetry<M>) {
        if (symmetry) return model.canonical(state);
    }
    return state;
}

template <Model M>
PathStep step_of(const M& model, const typename M::State& before, Action action,
                 const typename M::State& after) {
    const auto names = std::span<const std::string_view>(model.action_names());
    return {model.describe(before, action), model.show(after), std::string(names[action.kind])};
}

// The behaviour from `initial` whose states have these digests, one after the other; with symmetry,
// whose states' representatives have them. Also its actions.
template <Model M>
std::vector<PathStep> replay_digests(const M& model, const typename M::State& initial,
                                     const std::vector<Digest128>& digests, bool symmetry,
                                     std::vector<Action>& actions) {
    using State = typename M::State;
    std::vector<PathStep> path{{"", model.show(initial), ""}};
    State state = initial;
    for (const Digest128& wanted : digests) {
        std::optional<std::pair<Action, State>> step;
        model.successors(state, [&](Action a, State s) {
            if (step) return;
            if (model.digest(canonical_of(model, s, symmetry)) == wanted) {
                step.emplace(a, std::move(s));
            }
        });
        CHECK(step.has_value());
        actions.push_back(step->first);
        path.push_back(step_of(model, state, step->first, step->second));
        state = std::move(step->second);
    }
    return path;
}

// Successor number `ordinal` of `state`.
template <Model M>
typename M::State successor(const M& model, const typename M::State& state, std::uint32_t ordinal) {
    std::optional<typename M::State> next;
    std::uint32_t at = 0;
    model.successors(state, [&](Action, typename M::State s) {
        if (at++ == ordinal) next = std::move(s);
    });
    CHECK(next.has_value());
    return std::move(*next);
}

template <Model M>
typename M::State initial_state(const M& model, std::uint32_t ordinal) {
    std::optional<typename M::State> found;
    std::uint32_t at = 0;
    model.initial_states([&](typename M::State s) {
        if (at++ == ordinal) found = std::move(s);
    });
    CHECK(found.has_value());
    return std::move(*found);
}

// The path whose i-th step is successor number ordinals[i] of the state before (ordinals[0]: of the
// initial states). With symmetry the search's states were representatives; what is shown is a
// behaviour of the model itself.
template <Model M>
void fill_path(const M& model, bool symmetry, const std::vector<std::uint32_t>& ordinals,
               PropertyResult& r) {
    const auto initial = initial_state(model, ordinals.front());
    auto state = canonical_of(model, initial, symmetry);
    std::vector<Digest128> digests;
    for (std::size_t i = 1; i < ordinals.size(); ++i) {
        state = canonical_of(model, successor(model, state, ordinals[i]), symmetry);
        digests.push_back(model.digest(state));
    }
    r.path = replay_digests(model, initial, digests, symmetry, r.actions);
}

}  // namespace tribunal
