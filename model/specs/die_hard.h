// DieHard: measure 4 gallons with a jug of 5, a jug of 3 and a tap. The goal is stated as an
// invariant, so that its counterexample is the solution.
#pragma once

#include <algorithm>
#include <span>
#include <string>
#include <string_view>

#include "model/search.h"

namespace tribunal {

class DieHard {
  public:
    struct State {
        std::uint32_t big = 0;
        std::uint32_t small = 0;
        bool operator==(const State&) const = default;
    };
    enum Kind : std::uint16_t {
        fill_small_jug,
        fill_big_jug,
        empty_small_jug,
        empty_big_jug,
        small_to_big,
        big_to_small,
    };

    DieHard(std::uint32_t small_jug, std::uint32_t big_jug, std::uint32_t goal)
        : small_jug_(small_jug), big_jug_(big_jug), goal_(goal) {}

    template <class Emit>
    void initial_states(Emit&& emit) const {
        emit(State{});
    }

    // Every action is always enabled: filling a full jug is a step too.
    template <class Emit>
    void successors(const State& s, Emit&& emit) const {
        emit(Action{fill_small_jug, 0}, State{s.big, small_jug_});
        emit(Action{fill_big_jug, 0}, State{big_jug_, s.small});
        emit(Action{empty_small_jug, 0}, State{s.big, 0});
        emit(Action{empty_big_jug, 0}, State{0, s.small});
        const std::uint32_t both = s.big + s.small;
        const std::uint32_t big = std::min(both, big_jug_);
        emit(Action{small_to_big, 0}, State{big, both - big});
        const std::uint32_t small = std::min(both, small_jug_);
        emit(Action{big_to_small, 0}, State{both - small, small});
    }

    Digest128 digest(const State& s) const { return digest_of_words(s); }
    std::span<const std::string_view> action_names() const;
    std::span<const PropertySpec> properties() const;
    std::uint64_t predicates(const State& s) const {
        const bool type_ok = s.small <= small_jug_ && s.big <= big_jug_;
        const bool not_solved = s.big != goal_;
        return (type_ok ? 1u : 0u) | (not_solved ? 2u : 0u);
    }
    std::string describe(const State& s, Action a) const;
    StateText show(const State& s) const;

  private:
    std::uint32_t small_jug_;
    std::uint32_t big_jug_;
    std::uint32_t goal_;
};

extern template SearchResult search(const DieHard&, const SearchOptions&);

}  // namespace tribunal
