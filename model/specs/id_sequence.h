// IdSequence: ids handed out in order until none is left. The replication specifications use it
// for leader epochs and for records.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "model/search.h"

namespace tribunal {

class IdSequence {
  public:
    struct State {
        std::uint64_t next_id = 0;
        bool operator==(const State&) const = default;
    };
    enum Kind : std::uint16_t { next_id };

    explicit IdSequence(std::uint64_t max_id) : max_id_(max_id) {}

    template <class Emit>
    void initial_states(Emit&& emit) const {
        emit(State{});
    }
    template <class Emit>
    void successors(const State& s, Emit&& emit) const {
        if (s.next_id > max_id_) return;
        emit(Action{next_id, static_cast<std::uint16_t>(s.next_id)}, State{s.next_id + 1});
    }

    Digest128 digest(const State& s) const { return digest_of_words(s); }
    std::span<const std::string_view> action_names() const;
    std::span<const PropertySpec> properties() const;
    std::uint64_t predicates(const State& s) const {
        return (s.next_id <= max_id_ + 1 ? 1u : 0u) | (s.next_id == max_id_ + 1 ? 2u : 0u);
    }
    std::string describe(const State& s, Action a) const;
    StateText show(const State& s) const;

    // One variable: no two steps are independent.
    Footprint footprint(const State&, Action) const { return {1, 1 | Footprint::kPredicates}; }

  private:
    std::uint64_t max_id_;
};

extern template SearchResult search(const IdSequence&, const SearchOptions&);

}  // namespace tribunal
