// TwoPhase: two-phase commit. A transaction manager commits when all resource managers have told
// it that they are prepared. Messages are a set that only grows: each can be received again.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "model/search.h"

namespace tribunal {

class TwoPhase {
  public:
    static constexpr unsigned kMaxResourceManagers = 12;

    // Five sets of resource managers, 12 bits each; who is in none of the first three is working.
    // Then four bits of the transaction manager: what it decided and what it told.
    struct State {
        std::uint64_t word = 0;
        bool operator==(const State&) const = default;
    };
    enum Set : unsigned {
        prepared = 0,
        committed = 12,
        aborted = 24,
        tm_prepared = 36,    // tmPrepared
        prepared_sent = 48,  // the Prepared messages in msgs
    };
    static constexpr std::uint64_t kTmCommitted = std::uint64_t{1} << 60;
    static constexpr std::uint64_t kTmAborted = std::uint64_t{1} << 61;
    static constexpr std::uint64_t kCommitSent = std::uint64_t{1} << 62;
    static constexpr std::uint64_t kAbortSent = std::uint64_t{1} << 63;

    enum Kind : std::uint16_t {
        tm_commit,
        tm_abort,
        tm_rcv_prepared,
        rm_prepare,
        rm_choose_to_abort,
        rm_rcv_commit_msg,
        rm_rcv_abort_msg,
    };

    explicit TwoPhase(unsigned resource_managers)
        : count_(resource_managers), all_((std::uint64_t{1} << resource_managers) - 1) {}

    template <class Emit>
    void initial_states(Emit&& emit) const {
        emit(State{});
    }

    template <class Emit>
    void successors(const State& s, Emit&& emit) const {
        const bool tm_init = (s.word & (kTmCommitted | kTmAborted)) == 0;
        if (tm_init) {
            if (members(s, tm_prepared) == all_) {
                emit(Action{tm_commit, 0}, State{s.word | kTmCommitted | kCommitSent});
            }
            emit(Action{tm_abort, 0}, State{s.word | kTmAborted | kAbortSent});
        }
        const std::uint64_t receivable = tm_init ? members(s, prepared_sent) : 0;
        const std::uint64_t decided =
            members(s, prepared) | members(s, committed) | members(s, aborted);
        for (std::uint16_t rm = 0; rm < count_; ++rm) {
            const std::uint64_t own = std::uint64_t{1} << rm;
            const std::uint64_t undecided =
                s.word & ~(own << prepared | own << committed | own << aborted);
            if ((receivable & own) != 0) {
                emit(Action{tm_rcv_prepared, rm}, State{s.word | own << tm_prepared});
            }
            if ((decided & own) == 0) {
                emit(Action{rm_prepare, rm},
                     State{s.word | own << prepared | own << prepared_sent});
                emit(Action{rm_choose_to_abort, rm}, State{s.word | own << aborted});
            }
            if ((s.word & kCommitSent) != 0) {
                emit(Action{rm_rcv_commit_msg, rm}, State{undecided | own << committed});
            }
            if ((s.word & kAbortSent) != 0) {
                emit(Action{rm_rcv_abort_msg, rm}, State{undecided | own << aborted});
            }
        }
    }

    Digest128 digest(const State& s) const { return digest_of_words(s); }
    std::span<const std::string_view> action_names() const;
    std::span<const PropertySpec> properties() const;
    std::uint64_t predicates(const State& s) const {
        const std::uint64_t p = members(s, prepared);
        const std::uint64_t c = members(s, committed);
        const std::uint64_t a = members(s, aborted);
        const bool type_ok = ((p & c) | (p & a) | (c & a)) == 0 &&
                             (s.word & (kTmCommitted | kTmAborted)) != (kTmCommitted | kTmAborted);
        const bool consistent = a == 0 || c == 0;
        return (type_ok ? 1u : 0u) | (consistent ? 2u : 0u) | (c == all_ ? 4u : 0u) |
               (a == all_ ? 8u : 0u);
    }
    std::string describe(const State& s, Action a) const;
    StateText show(const State& s) const;

    // The resource managers sorted by all that is known of each.
    State canonical(const State& s) const;
    Footprint footprint(const State& s, Action a) const;

    static std::uint64_t members(const State& s, Set set) { return s.word >> set & 0xfff; }

  private:
    unsigned count_;
    std::uint64_t all_;
};

extern template SearchResult search(const TwoPhase&, const SearchOptions&);

}  // namespace tribunal
