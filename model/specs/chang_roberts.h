// ChangRoberts: election of a leader in a ring. Initiators send their identity round; a node that
// meets a smaller one has lost, and who gets its own back has won.
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/search.h"

namespace tribunal {

class ChangRoberts {
  public:
    static constexpr unsigned kMaxNodes = 8;

    // Sets of nodes, or of identities: node i's identity is i, as in the published model.
    struct State {
        std::array<std::uint8_t, kMaxNodes> msgs{};  // waiting to be received by each node
        std::uint8_t started = 0;                    // the nodes at n1; the others are at n0
        std::uint8_t initiator = 0;
        std::uint8_t lost = 0;
        std::uint8_t won = 0;  // in neither: a candidate
        std::array<std::uint8_t, 4> unused{};
        bool operator==(const State&) const = default;
    };
    enum Kind : std::uint16_t { n0, n1 };

    explicit ChangRoberts(unsigned nodes) : count_(nodes), all_((1u << nodes) - 1) {}

    // Any set of initiators.
    template <class Emit>
    void initial_states(Emit&& emit) const {
        for (unsigned initiators = 0; initiators <= all_; ++initiators) {
            State s;
            s.initiator = byte(initiators);
            s.lost = byte(all_ & ~initiators);
            emit(s);
        }
    }

    template <class Emit>
    void successors(const State& s, Emit&& emit) const {
        for (unsigned node = 0; node < count_; ++node) {
            if ((s.started >> node & 1) == 0) {
                const Action a = action(n0, node, node);
                emit(a, after(s, a));
                continue;
            }
            for (unsigned id = 0; id < count_; ++id) {
                if ((s.msgs[node] >> id & 1) == 0) continue;
                const Action a = action(n1, node, id);
                emit(a, after(s, a));
            }
        }
    }

    Digest128 digest(const State& s) const { return digest_of_words(s); }
    std::span<const std::string_view> action_names() const;
    std::span<const PropertySpec> properties() const;
    std::uint64_t predicates(const State& s) const;
    std::string describe(const State& s, Action a) const;
    StateText show(const State& s) const;

    Footprint footprint(const State& s, Action a) const;

    // WF_vars(node(n)) for each n.
    std::vector<FairnessClass> fairness() const;
    std::uint64_t fair_classes(const State& s, Action a) const {
        return after(s, a) != s ? std::uint64_t{1} << node_of(a) : 0;
    }

    static constexpr int kCandidate = 8;  // predicate bit: the trigger of Liveness
    static Action action(Kind kind, unsigned node, unsigned id) {
        return {kind, static_cast<std::uint16_t>(node << 8 | id)};
    }
    static unsigned node_of(Action a) { return a.detail >> 8; }
    static unsigned id_of(Action a) { return a.detail & 0xff; }
    State after(const State& s, Action a) const;

  private:
    static constexpr std::uint8_t byte(unsigned x) { return static_cast<std::uint8_t>(x); }
    unsigned succ(unsigned node) const { return node + 1 == count_ ? 0 : node + 1; }

    unsigned count_;
    unsigned all_;
};

extern template SearchResult search(const ChangRoberts&, const SearchOptions&);

}  // namespace tribunal
