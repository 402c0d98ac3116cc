// Whether a model's footprints keep their promises. A footprint that says too little makes a
// reduction miss behaviours without a word, so every model's test asks this of small worlds.
//
// In every state, for every two steps that change it:
//  - steps with equal Action are one step;
//  - independent: each is there after the other, both orders end in one state, and neither changes
//    the other's footprint;
//  - in conflict: they still are when the one comes after the other;
//  - a step that is there only after another one conflicts with it;
//  - a step that changes a predicate writes kPredicates;
//  - a step with keeps_enabled() takes no other one away, and in a model that has keeps_enabled()
//    a step has one footprint everywhere.
// A step that changes nothing counts as not there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "model/digest_index.h"
#include "model/reduction.h"

namespace tribunal {

template <HasIndependence M>
class IndependenceCheck {
  public:
    static constexpr std::size_t kMostErrors = 20;

    explicit IndependenceCheck(const M& model) : model_(model) {}

    // The first error of each sort between each two kinds of action.
    std::vector<std::string> run(std::uint64_t max_states) {
        model_.initial_states([&](State s) { meet(std::move(s)); });
        for (std::uint64_t n = 0; !frontier_.empty() && errors_.size() < kMostErrors; ++n) {
            if (max_states != 0 && n >= max_states) break;
            const State state = std::move(frontier_.front());
            frontier_.pop_front();
            check(state);
        }
        return errors_;
    }

  private:
    using State = typename M::State;
    using Step = FootprintedStep<State>;

    std::vector<Step> steps_of(const State& state) const {
        return footprinted_steps(model_, state, [](Action) {});
    }
    void meet(State&& state) {
        if (index_.insert(model_.digest(state)).second) frontier_.push_back(std::move(state));
    }

    void check(const State& state) {
        std::vector<Step> steps = steps_of(state);
        std::vector<std::vector<Step>> after;
        for (const Step& step : steps) after.push_back(steps_of(step.next));
        for (std::size_t i = 0; i < steps.size(); ++i) {
            const Step& a = steps[i];
            if (model_.predicates(state) != model_.predicates(a.next) &&
                (a.footprint.writes & Footprint::kPredicates) == 0) {
                error(state, a, a, "changes a predicate and does not write kPredicates", "");
            }
            for (std::size_t j = i + 1; j < steps.size(); ++j) {
                if (steps[j].action == a.action) {
                    error(state, a, steps[j], "and", "have one Action and different outcomes");
                } else if (a.footprint.conflicts_with(steps[j].footprint)) {
                    check_conflict(state, a, steps[j], after[i]);
                    check_conflict(state, steps[j], a, after[j]);
                } else {
                    check_independent(state, a, after[i], steps[j], after[j]);
                }
            }
            for (const Step& b : after[i]) {
                if (find_step(steps, b.action) != nullptr) continue;
                if (a.footprint.conflicts_with(b.footprint)) continue;
                error(state, a, b, "makes possible", "and does not conflict with it", &a.next);
            }
            if constexpr (KnowsDisabling<M>) {
                const auto first = footprints_.try_emplace(a.action, a.footprint).first;
                if (!same_footprint(first->second, a.footprint)) {
                    error(state, a, a, "has keeps_enabled and a footprint that varies", "");
                }
                for (const Step& b : steps) {
                    if (b.action == a.action || !model_.keeps_enabled(a.action)) continue;
                    if (find_step(after[i], b.action) != nullptr) continue;
                    error(state, a, b, "has keeps_enabled and takes away", "");
                }
            }
        }
        for (Step& step : steps) meet(std::move(step.next));
    }

    void check_conflict(const State& state, const Step& a, const Step& b,
                        const std::vector<Step>& after_a) {
        const Step* then = find_step(after_a, b.action);
        if (then == nullptr || a.footprint.conflicts_with(then->footprint)) return;
        error(state, a, b, "conflicts with", "which, coming after it, does not conflict with it");
    }

    void check_independent(const State& state, const Step& a, const std::vector<Step>& after_a,
                           const Step& b, const std::vector<Step>& after_b) {
        const Step* b_then = find_step(after_a, b.action);
        const Step* a_then = find_step(after_b, a.action);
        if (b_then == nullptr) error(state, a, b, "takes away", "and does not conflict with it");
        if (a_then == nullptr) error(state, b, a, "takes away", "and does not conflict with it");
        if (a_then == nullptr || b_then == nullptr) return;
        if (!(a_then->next == b_then->next)) {
            error(state, a, b, "and", "do not conflict, and their order matters");
        }
        if (!same_footprint(b.footprint, b_then->footprint)) {
            error(state, a, b, "changes the footprint of", "and does not conflict with it");
        }
        if (!same_footprint(a.footprint, a_then->footprint)) {
            error(state, b, a, "changes the footprint of", "and does not conflict with it");
        }
    }

    // `of_b`: the state that b is a step of, when that is another one.
    void error(const State& state, const Step& a, const Step& b, const char* relation,
               const char* outcome, const State* of_b = nullptr) {
        const std::string sort = std::string(relation) + outcome;
        if (!told_.insert({sort, {a.action.kind, b.action.kind}}).second) return;
        std::string text = std::string(model_.describe(state, a.action)) + ' ' + relation;
        if (&a != &b) {
            text += ' ' + std::string(model_.describe(of_b == nullptr ? state : *of_b, b.action));
        }
        if (*outcome != 0) text += std::string(" ") + outcome;
        text += ", in";
        for (const auto& [name, value] : model_.show(state)) text += ' ' + name + '=' + value;
        errors_.push_back(std::move(text));
    }

    const M& model_;
    DigestIndex index_;
    std::deque<State> frontier_;
    std::map<Action, Footprint> footprints_;  // as first seen
    std::set<std::pair<std::string, std::pair<std::uint16_t, std::uint16_t>>> told_;
    std::vector<std::string> errors_;
};

// Sentences, at most 20; none when the footprints are right in the first max_states states,
// breadth-first (0: in all of them).
template <HasIndependence M>
std::vector<std::string> independence_errors(const M& model, std::uint64_t max_states) {
    return IndependenceCheck<M>(model).run(max_states);
}

}  // namespace tribunal
