// EWD840: Dijkstra's detection of termination in a ring. A token goes round against the order of
// the nodes and comes back white only if nobody could have been woken behind it.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/search.h"

namespace tribunal {

class Ewd840 {
  public:
    // There are N * 4^N initial states.
    static constexpr unsigned kMaxNodes = 10;

    // Bits 0..15: the active nodes; 16..31: the black ones; 32: whether the token is black; from
    // 33: where it is.
    struct State {
        std::uint64_t word = 0;
        bool operator==(const State&) const = default;
    };
    static constexpr unsigned kColor = 16;
    static constexpr std::uint64_t kTokenBlack = std::uint64_t{1} << 32;
    static constexpr unsigned kTokenPosition = 33;

    enum Kind : std::uint16_t { initiate_probe, pass_token, send_msg, deactivate };
    enum Disjunct : unsigned { because_passive, because_node_black, because_token_black };

    explicit Ewd840(unsigned nodes) : count_(nodes), all_((std::uint64_t{1} << nodes) - 1) {}

    // The token is black; everything else takes any value.
    template <class Emit>
    void initial_states(Emit&& emit) const {
        for (std::uint64_t active = 0; active <= all_; ++active) {
            for (std::uint64_t color = 0; color <= all_; ++color) {
                for (std::uint64_t position = 0; position < count_; ++position) {
                    emit(
                        State{active | color << kColor | kTokenBlack | position << kTokenPosition});
                }
            }
        }
    }

    template <class Emit>
    void successors(const State& s, Emit&& emit) const {
        const unsigned position = token_position(s);
        const bool token_black = (s.word & kTokenBlack) != 0;
        const bool holder_black = (black(s) >> position & 1) != 0;
        const bool holder_active = (active(s) >> position & 1) != 0;
        const std::uint64_t without_token = s.word & ((std::uint64_t{1} << 32) - 1);
        const std::uint64_t whitened = without_token & ~(std::uint64_t{1} << (kColor + position));
        // The guards are disjunctions. TLC takes each disjunct that holds for a step of its own,
        // and counts it; so do we, with the disjunct in the Action.
        const auto move_token = [&](Kind kind, Disjunct why, unsigned to, bool turns_black) {
            emit(Action{kind, static_cast<std::uint16_t>(why << 8 | position)},
                 State{whitened | (turns_black ? kTokenBlack : 0) |
                       std::uint64_t{to} << kTokenPosition});
        };
        if (position == 0) {
            const unsigned to = count_ - 1;
            if (token_black) move_token(initiate_probe, because_token_black, to, false);
            if (holder_black) move_token(initiate_probe, because_node_black, to, false);
        } else {
            const unsigned to = position - 1;
            const bool stained = token_black || holder_black;
            if (!holder_active) move_token(pass_token, because_passive, to, stained);
            if (holder_black) move_token(pass_token, because_node_black, to, stained);
            if (token_black) move_token(pass_token, because_token_black, to, stained);
        }
        for (unsigned i = 0; i < count_; ++i) {
            if ((active(s) >> i & 1) == 0) continue;
            // Waking a node of higher number, where the token may have been, blackens the sender.
            const std::uint64_t blackened = s.word | std::uint64_t{1} << (kColor + i);
            for (unsigned j = 0; j < count_; ++j) {
                if (j == i) continue;
                emit(Action{send_msg, static_cast<std::uint16_t>(i << 8 | j)},
                     State{(j > i ? blackened : s.word) | std::uint64_t{1} << j});
            }
            emit(Action{deactivate, static_cast<std::uint16_t>(i)},
                 State{s.word & ~(std::uint64_t{1} << i)});
        }
    }

    Digest128 digest(const State& s) const { return digest_of_words(s); }
    std::span<const std::string_view> action_names() const;
    std::span<const PropertySpec> properties() const;
    std::uint64_t predicates(const State& s) const {
        const unsigned position = token_position(s);
        const bool terminated = active(s) == 0;
        const bool detected = position == 0 && (s.word & kTokenBlack) == 0 && (black(s) & 1) == 0 &&
                              (active(s) & 1) == 0;
        // Dijkstra's invariant: nodes beyond the token sleep, or some node up to it is black, or
        // the token is.
        const std::uint64_t up_to_token = (std::uint64_t{2} << position) - 1;
        const bool inv = (active(s) & ~up_to_token) == 0 || (black(s) & up_to_token) != 0 ||
                         (s.word & kTokenBlack) != 0;
        return (position < count_ ? 1u : 0u) | (!detected || terminated ? 2u : 0u) |
               (inv ? 4u : 0u) | (detected ? 8u | 16u : 0u) | (terminated ? 1u << kTerminated : 0u);
    }
    std::string describe(const State& s, Action a) const;
    StateText show(const State& s) const;

    // WF_vars(System): the steps of the token.
    std::vector<FairnessClass> fairness() const;
    std::uint64_t fair_classes(const State&, Action a) const {
        return a.kind == initiate_probe || a.kind == pass_token ? 1 : 0;
    }

    static constexpr int kTerminated = 8;  // predicate bit: the trigger of Liveness
    static std::uint64_t active(const State& s) { return s.word & 0xffff; }
    static std::uint64_t black(const State& s) { return s.word >> kColor & 0xffff; }
    static unsigned token_position(const State& s) {
        return static_cast<unsigned>(s.word >> kTokenPosition);
    }

  private:
    unsigned count_;
    std::uint64_t all_;
};

extern template SearchResult search(const Ewd840&, const SearchOptions&);

}  // namespace tribunal
