// Sleep sets with state matching (Godefroid, LNCS 1032, chapter 5): all states, fewer steps.
//
// A state is visited with a sleep set: steps that need not be taken from it, because each of them
// was taken before an independent step that led here, and both orders end in one state. A state met
// again with a sleep set that does not contain the stored one has steps that nobody takes; it is
// visited again for these only, and what is stored shrinks to what is common.
//
// Every path keeps its length when independent steps change places, so breadth-first the levels
// stay what they are without a reduction, and the counterexamples the shortest.
#pragma once

#include <deque>
#include <map>
#include <stdexcept>
#include <utility>
#include <vector>

#include "model/digest_index.h"
#include "model/reduction.h"

namespace tribunal {

// Few sleep sets are different, so a state stores a number.
class SleepSets {
  public:
    static constexpr std::uint32_t kEmpty = 0;
    SleepSets() { number_of({}); }
    std::uint32_t number_of(const std::vector<Action>& sorted) {
        const auto [at, is_new] =
            numbers_.try_emplace(sorted, static_cast<std::uint32_t>(sets_.size()));
        if (is_new) sets_.push_back(sorted);
        return at->second;
    }
    const std::vector<Action>& operator[](std::uint32_t number) const { return sets_[number]; }

  private:
    std::map<std::vector<Action>, std::uint32_t> numbers_;
    std::deque<std::vector<Action>> sets_;
};

template <HasIndependence M>
class SleepSetSearch {
  public:
    SleepSetSearch(const M& model, const SearchOptions& options)
        : model_(model), options_(options), search_(model, options) {}

    SearchResult run() {
        std::uint32_t ordinal = 0;
        model_.initial_states([&](State s) {
            search_.count_initial();
            meet(std::move(s), kNone, {ordinal++, {}}, SleepSets::kEmpty, 1);
        });
        while (!visits_.empty()) {
            if (search_.out_of_bounds(visits_.size(), bytes())) break;
            const bool breadth_first = options_.policy == SearchPolicy::breadth_first;
            Visit visit = std::move(breadth_first ? visits_.front() : visits_.back());
            breadth_first ? visits_.pop_front() : visits_.pop_back();
            // A level is finished before a violation in it stops the search.
            if (options_.stop_at_first && search_.violated() &&
                !(breadth_first && visit.depth < violated_at_)) {
                search_.stop("first violation");
                break;
            }
            if (options_.max_depth != 0 && visit.depth >= options_.max_depth) {
                cut_ = true;
                continue;
            }
            expand(visit);
        }
        if (cut_) search_.stop("depth limit");
        SearchResult result = search_.finish();
        if (options_.policy == SearchPolicy::breadth_first) result.levels = levels_;
        return result;
    }

  private:
    using State = typename M::State;
    static constexpr std::uint32_t kNone = DigestIndex::kNone;
    struct Visit {
        State state;
        std::uint32_t node;
        std::uint32_t sleep;
        std::uint32_t depth;
    };
    // By node. Of an initial state, `ordinal` says which.
    struct Link {
        std::uint32_t ordinal = 0;
        Action action;
    };

    void meet(State&& state, std::uint32_t parent, Link link, std::uint32_t sleep,
              std::uint32_t depth) {
        const auto [node, is_new] = index_.insert(model_.digest(state));
        if (is_new) {
            parents_.push_back(parent);
            links_.push_back(link);
            stored_.push_back(kNone);
            if (levels_.size() < depth) levels_.resize(depth);
            ++levels_[depth - 1];
            const bool was_violated = search_.violated();
            const std::uint32_t to = node;
            search_.observe(state, depth, [&] { return actions_to(to); });
            if (!was_violated && search_.violated()) violated_at_ = depth;
        } else if (stored_[node] != kNone && nothing_missing(stored_[node], sleep)) {
            return;
        }
        visits_.push_back({std::move(state), node, sleep, depth});
    }
    // Whether every step that the state has not taken yet need not be taken now either.
    bool nothing_missing(std::uint32_t stored, std::uint32_t sleep) const {
        const std::vector<Action>& left = sets_[stored];
        const std::vector<Action>& asleep = sets_[sleep];
        return stored == sleep ||
               std::includes(asleep.begin(), asleep.end(), left.begin(), left.end());
    }

    void expand(const Visit& visit) {
        const bool first = stored_[visit.node] == kNone;
        auto steps = footprinted_steps(model_, visit.state, [&](Action a) {
            if (first) search_.count_step(a);
        });
        const std::vector<Action>& asked = sets_[visit.sleep];
        const auto contains = [](const std::vector<Action>& set, Action a) {
            return std::binary_search(set.begin(), set.end(), a);
        };
        std::vector<Action> asleep = asked;
        if (!first) {
            asleep.clear();
            const std::vector<Action>& left = sets_[stored_[visit.node]];
            std::set_intersection(left.begin(), left.end(), asked.begin(), asked.end(),
                                  std::back_inserter(asleep));
        }
        const std::uint32_t before = stored_[visit.node];
        stored_[visit.node] = sets_.number_of(asleep);
        // Asleep, or taken earlier in this visit.
        std::vector<std::pair<Action, Footprint>> covered;
        for (const Action a : asleep) {
            if (const auto* step = find_step(steps, a)) covered.emplace_back(a, step->footprint);
        }
        for (auto& step : steps) {
            if (contains(asked, step.action)) continue;
            if (!first && !contains(sets_[before], step.action)) continue;
            search_.count_step(step.action);
            std::vector<Action> sleep;
            for (const auto& [action, footprint] : covered) {
                if (!footprint.conflicts_with(step.footprint)) sleep.push_back(action);
            }
            std::sort(sleep.begin(), sleep.end());
            meet(std::move(step.next), visit.node, {0, step.action}, sets_.number_of(sleep),
                 visit.depth + 1);
            covered.emplace_back(step.action, step.footprint);
        }
    }

    std::pair<std::uint32_t, std::vector<Action>> actions_to(std::uint32_t node) const {
        std::vector<Action> actions;
        for (; parents_[node] != kNone; node = parents_[node]) {
            actions.push_back(links_[node].action);
        }
        std::reverse(actions.begin(), actions.end());
        return {links_[node].ordinal, actions};
    }
    std::uint64_t bytes() const {
        return index_.bytes() + parents_.capacity() * sizeof(std::uint32_t) +
               links_.capacity() * sizeof(Link) + stored_.capacity() * sizeof(std::uint32_t);
    }

    const M& model_;
    const SearchOptions& options_;
    ReducedSearch<M> search_;
    DigestIndex index_;
    SleepSets sets_;
    std::vector<std::uint32_t> parents_;
    std::vector<Link> links_;
    std::vector<std::uint32_t> stored_;  // sleep set by node; kNone: not expanded yet
    std::deque<Visit> visits_;
    std::vector<std::uint64_t> levels_;
    std::uint32_t violated_at_ = 0;
    bool cut_ = false;
};

// Breadth-first, or depth-first when the options ask for that.
template <HasIndependence M>
SearchResult search_with_sleep_sets(const M& model, const SearchOptions& options) {
    if (options.symmetry) {
        throw std::invalid_argument("sleep sets and symmetry do not go together");
    }
    return SleepSetSearch<M>(model, options).run();
}

}  // namespace tribunal
