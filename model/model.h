// What the explorer needs to know of a transition system: its states, its steps, what must hold.
//
// A model is a plain class with no mutable part; every question is asked with a state at hand.
// The same class serves every search (breadth-first, depth-first, random, best-first), with and
// without reductions, and the naive twin that tests them.
#pragma once

#include <array>
#include <bit>
#include <compare>
#include <concepts>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "broker/base/digest.h"

namespace tribunal {

// A step of a model: which action (an index into action_names()) and with what arguments, packed
// as the model likes. Two steps of one state with equal Action are the same step; an action that
// does not touch what another one touches keeps its Action when the other one is taken first.
struct Action {
    std::uint16_t kind = 0;
    std::uint16_t detail = 0;
    constexpr auto operator<=>(const Action&) const = default;
};

enum class PropertyKind : std::uint8_t {
    always,      // the predicate holds in every reachable state
    sometimes,   // the predicate holds in at least one reachable state
    eventually,  // on every fair behaviour: from a state with the trigger, a state with the
                 // predicate is reached (TLA+: trigger ~> predicate)
};
std::string_view name_of(PropertyKind kind);

struct PropertySpec {
    std::string_view name;
    PropertyKind kind = PropertyKind::always;
    // Of `eventually`: index of the predicate bit that triggers; -1: every initial state does.
    int trigger = -1;
};

// A state as people read it: name and value of each variable, in the specification's order.
using StateText = std::vector<std::pair<std::string, std::string>>;

enum class FairnessKind : std::uint8_t { weak, strong };
// One fairness conjunct of the specification: WF_vars(A) or SF_vars(A), for the steps of class A.
struct FairnessClass {
    std::string name;
    FairnessKind kind = FairnessKind::weak;
};

// What a step reads and writes, as bits of resources (a node, a connection, a variable). Two steps
// are independent when neither writes what the other reads or writes: then both orders lead to
// the same state and neither enables nor disables the other. A step that may change the truth of
// any predicate must write kPredicates.
struct Footprint {
    std::uint64_t reads = 0;
    std::uint64_t writes = 0;
    static constexpr std::uint64_t kPredicates = std::uint64_t{1} << 63;
    static constexpr std::uint64_t kEverything = ~std::uint64_t{0};
    constexpr bool conflicts_with(const Footprint& o) const {
        return ((writes & (o.reads | o.writes)) | (o.writes & reads)) != 0;
    }
};

namespace detail {
template <class State>
struct IgnoreInitial {
    void operator()(State) const;
};
template <class State>
struct IgnoreStep {
    void operator()(Action, State) const;
};
}  // namespace detail

// Required of every model:
//   State                      a value: copies are independent, == is identity of states
//   initial_states(emit)       calls emit(State) for every initial state, always in the same order
//   successors(s, emit)        calls emit(Action, State) for every enabled step of s, always in the
//                              same order; a step that changes nothing may be emitted or left out
//   digest(s)                  Digest128: equal states have equal digests, others nearly never
//   action_names()             the specification's own names
//   properties()               at most 63
//   predicates(s)              bit i: the predicate of properties()[i] holds in s. Higher bits
//                              may serve as triggers.
//   describe(s, a)             the step a of state s, "BecomeLeader(r1, epoch 0)"
//   show(s)                    the variables
template <class M>
concept Model = requires(const M& m, const typename M::State& s, Action a) {
    requires std::copyable<typename M::State>;
    { s == s } -> std::convertible_to<bool>;
    m.initial_states(detail::IgnoreInitial<typename M::State>{});
    m.successors(s, detail::IgnoreStep<typename M::State>{});
    { m.digest(s) } -> std::same_as<Digest128>;
    { m.action_names() } -> std::convertible_to<std::span<const std::string_view>>;
    { m.properties() } -> std::convertible_to<std::span<const PropertySpec>>;
    { m.predicates(s) } -> std::same_as<std::uint64_t>;
    { m.describe(s, a) } -> std::convertible_to<std::string>;
    { m.show(s) } -> std::same_as<StateText>;
};

// canonical(s): one representative of all states that differ from s by a renaming of
// interchangeable parts. digest() and predicates() of a representative stand for all of them.
template <class M>
concept HasSymmetry = Model<M> && requires(const M& m, const typename M::State& s) {
    { m.canonical(s) } -> std::same_as<typename M::State>;
};
// footprint(s, a): see Footprint.
template <class M>
concept HasIndependence = Model<M> && requires(const M& m, const typename M::State& s, Action a) {
    { m.footprint(s, a) } -> std::same_as<Footprint>;
};
// fairness(): the conjuncts, at most 64. fair_classes(s, a): bit i: the step a of s is one of
// conjunct i's. Without fairness every behaviour may stop for ever anywhere.
template <class M>
concept HasFairness = Model<M> && requires(const M& m, const typename M::State& s, Action a) {
    { m.fairness() } -> std::same_as<std::vector<FairnessClass>>;
    { m.fair_classes(s, a) } -> std::same_as<std::uint64_t>;
};
// score(s): what a best-first search expands first; higher is sooner.
template <class M>
concept HasScore = Model<M> && requires(const M& m, const typename M::State& s) {
    { m.score(s) } -> std::same_as<std::int64_t>;
};

// The digest of a state that is an array of words: no padding, so memory is the value.
template <class State>
    requires std::has_unique_object_representations_v<State>
Digest128 digest_of_words(const State& s) {
    static_assert(sizeof(State) % sizeof(std::uint64_t) == 0);
    const auto words =
        std::bit_cast<std::array<std::uint64_t, sizeof(State) / sizeof(std::uint64_t)>>(s);
    Digest d;
    for (const std::uint64_t word : words) d.word(word);
    return d.value();
}

}  // namespace tribunal
