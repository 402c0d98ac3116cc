// DiningPhilosophers: Chandy and Misra's solution. Forks are handed over when dirty and cleaned on
// the way; a philosopher eats with two clean forks, which makes them dirty.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/search.h"

namespace tribunal {

class DiningPhilosophers {
  public:
    static constexpr unsigned kMaxPhilosophers = 16;

    // Four sets of philosophers, or of forks, of 16 bits each. Fork i is philosopher i's left fork
    // and the right fork of the one before. Where a philosopher is follows from two sets: at Loop,
    // or else at Eat when hungry and at Think when not.
    struct State {
        std::uint64_t word = 0;
        bool operator==(const State&) const = default;
    };
    enum Set : unsigned {
        passed = 0,  // forks held by the philosopher before, whose right fork it is
        clean = 16,
        hungry = 32,
        at_loop = 48,
    };
    enum Kind : std::uint16_t { loop, think, eat };

    explicit DiningPhilosophers(unsigned philosophers)
        : count_(philosophers), all_((std::uint64_t{1} << philosophers) - 1) {}

    // Each fork is with the lower-numbered of its two philosophers, and dirty.
    template <class Emit>
    void initial_states(Emit&& emit) const {
        emit(State{std::uint64_t{2} << passed | all_ << hungry | all_ << at_loop});
    }

    // Each philosopher has exactly one step. At Loop it may change nothing.
    template <class Emit>
    void successors(const State& s, Emit&& emit) const {
        for (std::uint16_t p = 0; p < count_; ++p) {
            const Kind kind = pc(s, p);
            emit(Action{kind, p}, after(s, kind, p));
        }
    }

    Digest128 digest(const State& s) const { return digest_of_words(s); }
    std::span<const std::string_view> action_names() const;
    std::span<const PropertySpec> properties() const;
    std::uint64_t predicates(const State& s) const {
        const std::uint64_t eating = all_ & s.word >> hungry & ~(s.word >> at_loop);
        const std::uint64_t right_of_eating = (eating << 1 | eating >> (count_ - 1)) & all_;
        const std::uint64_t hungry_ones = s.word >> hungry & all_;
        return 1u | ((eating & right_of_eating) == 0 ? 2u : 0u) | (eating != 0 ? 4u : 0u) |
               (all_ & ~hungry_ones) << kNobodyStarves | hungry_ones << kHungry;
    }
    std::string describe(const State& s, Action a) const;
    StateText show(const State& s) const;

    Footprint footprint(const State& s, Action a) const;

    // WF_vars(Philosopher(p)) for each p.
    std::vector<FairnessClass> fairness() const;
    std::uint64_t fair_classes(const State& s, Action a) const {
        const bool changes = after(s, static_cast<Kind>(a.kind), a.detail) != s;
        return changes ? std::uint64_t{1} << a.detail : 0;
    }

    // Predicate bits: from kNobodyStarves on, that philosopher p is not hungry; from kHungry on,
    // that it is, the trigger of the former.
    static constexpr int kNobodyStarves = 3;
    static constexpr int kHungry = 32;

    State after(const State& s, Kind kind, unsigned p) const;
    static Kind pc(const State& s, unsigned p) {
        if (has(s, at_loop, p)) return loop;
        return has(s, hungry, p) ? eat : think;
    }
    static bool has(const State& s, Set set, unsigned i) { return (s.word >> (set + i) & 1) != 0; }
    bool holds_left(const State& s, unsigned p) const { return !has(s, passed, p); }
    bool holds_right(const State& s, unsigned p) const { return has(s, passed, next(p)); }

  private:
    static constexpr std::uint64_t bit(Set set, unsigned i) {
        return std::uint64_t{1} << (set + i);
    }
    unsigned next(unsigned p) const { return p + 1 == count_ ? 0 : p + 1; }

    unsigned count_;
    std::uint64_t all_;
};

inline DiningPhilosophers::State DiningPhilosophers::after(const State& s, Kind kind,
                                                           unsigned p) const {
    const unsigned left = p;
    const unsigned right = next(p);
    State t = s;
    switch (kind) {
        case loop: {
            const bool has_left = holds_left(s, p);
            const bool has_right = holds_right(s, p);
            if (has_left && !has(s, clean, left)) {
                t.word |= bit(passed, left) | bit(clean, left);
            } else if (has_right && !has(s, clean, right)) {
                t.word &= ~bit(passed, right);
                t.word |= bit(clean, right);
            }
            const bool can_eat =
                has_left && has_right && has(s, clean, left) && has(s, clean, right);
            if (can_eat || !has(s, hungry, p)) t.word &= ~bit(at_loop, p);
            break;
        }
        case think:
            t.word |= bit(hungry, p) | bit(at_loop, p);
            break;
        case eat:
            t.word &= ~(bit(hungry, p) | bit(clean, left) | bit(clean, right));
            t.word |= bit(at_loop, p);
            break;
    }
    return t;
}

extern template SearchResult search(const DiningPhilosophers&, const SearchOptions&);

}  // namespace tribunal
