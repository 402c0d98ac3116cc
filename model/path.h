// From the ordinals that a search remembers of a path back to a behaviour that people can read.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "broker/base/check.h"
#include "model/model.h"
#include "model/replay.h"
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
    const auto behaviour = follow(model, initial, digests, symmetry);
    r.actions = behaviour.actions;
    r.path = path_of(model, behaviour);
}

}  // namespace tribunal
