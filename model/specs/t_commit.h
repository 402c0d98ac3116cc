// TCommit: what it means that resource managers agree whether a transaction commits. The
// specification that TwoPhase implements.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "model/search.h"

namespace tribunal {

class TCommit {
  public:
    static constexpr unsigned kMaxResourceManagers = 16;

    // Three sets of resource managers, one of 16 bits each; who is in none of them is working.
    struct State {
        std::uint64_t word = 0;
        bool operator==(const State&) const = default;
    };
    enum Set : unsigned { prepared = 0, committed = 16, aborted = 32 };
    enum Kind : std::uint16_t { prepare, decide };
    enum Outcome : std::uint16_t { commit, abort };  // the two disjuncts of Decide

    explicit TCommit(unsigned resource_managers)
        : count_(resource_managers), all_((std::uint64_t{1} << resource_managers) - 1) {}

    template <class Emit>
    void initial_states(Emit&& emit) const {
        emit(State{});
    }

    template <class Emit>
    void successors(const State& s, Emit&& emit) const {
        const std::uint64_t any = prepared_in(s) | committed_in(s) | aborted_in(s);
        const bool can_commit = (prepared_in(s) | committed_in(s)) == all_;
        const bool not_committed = committed_in(s) == 0;
        for (unsigned rm = 0; rm < count_; ++rm) {
            const bool is_working = ((any >> rm) & 1) == 0;
            const bool is_prepared = ((s.word >> (prepared + rm)) & 1) != 0;
            const std::uint64_t without = s.word & ~(std::uint64_t{1} << (prepared + rm));
            if (is_working) emit(action(prepare, rm, commit), with(s.word, prepared, rm));
            if (is_prepared && can_commit) {
                emit(action(decide, rm, commit), with(without, committed, rm));
            }
            if ((is_working || is_prepared) && not_committed) {
                emit(action(decide, rm, abort), with(without, aborted, rm));
            }
        }
    }

    Digest128 digest(const State& s) const { return digest_of_words(s); }
    std::span<const std::string_view> action_names() const;
    std::span<const PropertySpec> properties() const;
    std::uint64_t predicates(const State& s) const {
        const std::uint64_t p = prepared_in(s);
        const std::uint64_t c = committed_in(s);
        const std::uint64_t a = aborted_in(s);
        const bool type_ok = ((p & c) | (p & a) | (c & a)) == 0 && ((p | c | a) & ~all_) == 0;
        const bool consistent = a == 0 || c == 0;
        return (type_ok ? 1u : 0u) | (consistent ? 2u : 0u) | (c == all_ ? 4u : 0u) |
               (a == all_ ? 8u : 0u);
    }
    std::string describe(const State& s, Action a) const;
    StateText show(const State& s) const;

    // The resource managers sorted by what they are.
    State canonical(const State& s) const;
    Footprint footprint(const State& s, Action a) const;

    static Action action(Kind kind, unsigned rm, Outcome outcome) {
        return {kind, static_cast<std::uint16_t>(rm << 1 | outcome)};
    }

  private:
    static constexpr std::uint64_t kSet = 0xffff;
    static std::uint64_t prepared_in(const State& s) { return s.word >> prepared & kSet; }
    static std::uint64_t committed_in(const State& s) { return s.word >> committed & kSet; }
    static std::uint64_t aborted_in(const State& s) { return s.word >> aborted & kSet; }
    static State with(std::uint64_t word, Set set, unsigned rm) {
        return {word | std::uint64_t{1} << (set + rm)};
    }

    unsigned count_;
    std::uint64_t all_;
};

extern template SearchResult search(const TCommit&, const SearchOptions&);

}  // namespace tribunal
