// Dynamic partial-order reduction with source sets (Abdulla, Aronis, Jonsson, Sagonas, POPL 2014,
// algorithm 1): of all behaviours that differ only in the order of independent steps, one.
//
// A depth-first search of paths, not of states: it remembers no state. At first one step of a state
// is taken. Whenever a step is about to be taken that is in a race with an earlier one (they
// conflict, and no chain of conflicts leads from the one to the other), and that could have been
// taken instead of it, a step that begins this other behaviour is added to what the earlier
// state has to try. Sleep sets keep it from repeating what was tried.
//
// Where this model is richer than the paper's processes:
//  - There are no processes. The happens-before of two steps is a chain of conflicting footprints;
//    a clock has one bit for every step of the path.
//  - A step may disable another one for ever (a lock that is never given back, a choice), and then
//    no race with the other one is ever seen. Where such a step is tried, all steps of its state
//    are. That is so for every step unless the model has keeps_enabled().
//  - What a step touches may depend on the state, so that two steps are independent only after a
//    third one. The race of these is seen, yet what began the other behaviour was judged by
//    footprints that hold only in this one; some behaviours would be missed. So keeps_enabled()
//    also promises footprints that depend on the Action alone. Where they do not after all, the
//    search begins again and tries all steps everywhere.
// Trying all steps of every state leaves the sleep sets to do the work: still one behaviour of each
// class to its end, and more of them begun in vain.
//
// A property is checked in every state that is visited. Steps that change a predicate conflict with
// each other, so the behaviours left out show nothing that these do not.
#pragma once

#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "model/digest_index.h"
#include "model/reduction.h"

namespace tribunal {

struct DporCounts {
    std::uint64_t executions = 0;  // to a state without a step
    std::uint64_t blocked = 0;     // to a state whose steps are all asleep: tried in vain
    std::uint64_t races = 0;       // reversed
};

template <HasIndependence M>
class SourceDpor {
  public:
    // tries_all: as if no step had keeps_enabled().
    SourceDpor(const M& model, const SearchOptions& options, bool tries_all)
        : model_(model), options_(options), search_(model, options), tries_all_(tries_all) {}

    SearchResult run() {
        std::vector<State> initial;
        model_.initial_states([&](State s) { initial.push_back(std::move(s)); });
        for (initial_ = 0; initial_ < initial.size() && !stopped_; ++initial_) {
            search_.count_initial();
            enter(std::move(initial[initial_]), {});
            while (!path_.empty() && !stopped_) advance();
        }
        if (cut_) search_.stop("depth limit");
        return search_.finish(cycle_ ? kCycleNote : "");
    }
    const DporCounts& counts() const { return counts_; }
    // The search has stopped because keeps_enabled() promised too much.
    bool met_varying_footprint() const { return varying_; }

  private:
    using State = typename M::State;
    static constexpr const char* kCycleNote =
        "a state comes back on one path; source-DPOR needs a model whose behaviours all end: use "
        "sleep sets or no reduction";

    // A set of places on the path.
    class Places {
      public:
        explicit Places(std::size_t below = 0) : words_((below + 63) / 64) {}
        bool has(std::size_t i) const {
            return i / 64 < words_.size() && ((words_[i / 64] >> (i % 64)) & 1) != 0;
        }
        void add(std::size_t i) { words_[i / 64] |= std::uint64_t{1} << (i % 64); }
        void add_all(const Places& o) {
            for (std::size_t w = 0; w < o.words_.size(); ++w) words_[w] |= o.words_[w];
        }
        bool intersects(const Places& o) const {
            for (std::size_t w = 0; w < std::min(words_.size(), o.words_.size()); ++w) {
                if ((words_[w] & o.words_[w]) != 0) return true;
            }
            return false;
        }

      private:
        std::vector<std::uint64_t> words_;
    };

    // A state on the path, and the step taken from it.
    struct Place {
        State state;
        std::uint32_t node = 0;
        std::vector<FootprintedStep<State>> steps;
        std::vector<bool> to_try;  // by step: the source set so far
        std::vector<bool> asleep;  // by step: covered elsewhere, or tried
        bool tries_all = false;
        std::size_t taken = 0;
        Places before{};  // the places whose steps happen before the taken one

        const FootprintedStep<State>& step() const { return steps[taken]; }
        std::size_t number_of(Action action) const {
            std::size_t i = 0;
            while (i < steps.size() && steps[i].action != action) ++i;
            return i;
        }
    };

    bool keeps_enabled(Action action) const {
        if constexpr (KnowsDisabling<M>) return !tries_all_ && model_.keeps_enabled(action);
        return false;
    }

    void enter(State&& state, const std::vector<Action>& sleep) {
        const auto [node, is_new] = index_.insert(model_.digest(state));
        if (is_new) {
            on_path_.push_back(false);
            search_.observe(state, path_.size() + 1, [&] { return actions_to_here(); });
            if (options_.stop_at_first && search_.violated()) stop("first violation");
        }
        if (on_path_[node]) {
            cycle_ = true;
            stop("cycle");
        }
        if (search_.out_of_bounds(path_.size(), index_.bytes())) stopped_ = true;
        if (stopped_) return;
        Place place{std::move(state), node, {}, {}, {}};
        if (options_.max_depth != 0 && path_.size() + 1 >= options_.max_depth) {
            cut_ = true;
            return;
        }
        place.steps = footprinted_steps(model_, place.state, [](Action) {});
        if (place.steps.empty()) {
            ++counts_.executions;
            return;
        }
        if (KnowsDisabling<M> && !tries_all_) {
            for (const auto& step : place.steps) {
                const auto first = footprints_.try_emplace(step.action, step.footprint).first;
                if (!same_footprint(first->second, step.footprint)) varying_ = true;
            }
            if (varying_) return stop("footprints that vary");
        }
        place.to_try.resize(place.steps.size());
        place.asleep.resize(place.steps.size());
        for (const Action action : sleep) {
            const std::size_t i = place.number_of(action);
            if (i < place.steps.size()) place.asleep[i] = true;
        }
        // Begin with a step that lets the others be, if there is one.
        std::size_t first = place.steps.size();
        for (std::size_t i = place.steps.size(); i-- > 0;) {
            if (place.asleep[i]) continue;
            if (first == place.steps.size() || keeps_enabled(place.steps[i].action) ||
                !keeps_enabled(place.steps[first].action)) {
                first = i;
            }
        }
        if (first == place.steps.size()) {
            ++counts_.blocked;
            return;
        }
        try_step(place, first);
        on_path_[node] = true;
        path_.push_back(std::move(place));
    }

    void try_step(Place& place, std::size_t step) {
        if (place.tries_all) return;
        place.to_try[step] = true;
        if (keeps_enabled(place.steps[step].action)) return;
        try_all(place);
    }
    void try_all(Place& place) {
        place.tries_all = true;
        place.to_try.assign(place.steps.size(), true);
    }

    // One more step from the end of the path, or one place back.
    void advance() {
        Place& place = path_.back();
        std::size_t step = 0;
        while (step < place.steps.size() && !(place.to_try[step] && !place.asleep[step])) ++step;
        if (step == place.steps.size()) {
            on_path_[place.node] = false;
            path_.pop_back();
            return;
        }
        place.taken = step;
        find_races();
        search_.count_step(place.step().action);
        std::vector<Action> sleep;
        for (std::size_t i = 0; i < place.steps.size(); ++i) {
            const auto& other = place.steps[i];
            if (place.asleep[i] && !other.footprint.conflicts_with(place.step().footprint)) {
                sleep.push_back(other.action);
            }
        }
        place.asleep[step] = true;
        enter(State(place.step().next), sleep);
    }

    void find_races() {
        const std::size_t last = path_.size() - 1;
        Place& place = path_[last];
        place.before = Places(last);
        for (std::size_t i = last; i-- > 0;) {
            if (place.before.has(i)) continue;  // through a step between them
            if (!path_[i].step().footprint.conflicts_with(place.step().footprint)) continue;
            if (!path_[i].tries_all) reverse(i, last);
            place.before.add(i);
            place.before.add_all(path_[i].before);
        }
    }

    // The steps at `early` and `late` are in a race. The other behaviour: from the state of
    // `early`, all that does not come after its step, then the step of `late`.
    void reverse(std::size_t early, std::size_t late) {
        Place& place = path_[early];
        const Places past = past_of(late, early);
        Places behaviour(late + 1);
        for (std::size_t i = early + 1; i < late; ++i) {
            if (!path_[i].before.has(early)) behaviour.add(i);
        }
        behaviour.add(late);
        for (std::size_t i = early + 1; i <= late; ++i) {
            if (!behaviour.has(i)) continue;
            if (i == late ? past.intersects(behaviour) : path_[i].before.intersects(behaviour)) {
                continue;  // cannot come first
            }
            const std::size_t begins = place.number_of(path_[i].step().action);
            if (begins < place.steps.size() && place.to_try[begins]) return;
        }
        State state = place.state;
        std::size_t first = late;
        for (std::size_t i = late; i-- > early + 1;) {
            if (past.has(i)) first = i;
        }
        for (std::size_t i = first; i < late; ++i) {
            if (!past.has(i)) continue;
            auto next = state_after(model_, state, path_[i].step().action);
            // Only a wrong footprint can have promised this step.
            if (!next) return try_all(place);
            state = std::move(*next);
        }
        const auto instead = state_after(model_, state, path_[late].step().action);
        if (!instead || *instead == state) return;  // the early step is what makes it possible
        ++counts_.races;
        const std::size_t begins = place.number_of(path_[first].step().action);
        if (begins == place.steps.size()) return try_all(place);
        try_step(place, begins);
    }

    // What happens before the step at `late`, `early` and its own past left out. find_races() has
    // not finished that set yet.
    Places past_of(std::size_t late, std::size_t early) const {
        Places past(late);
        for (std::size_t i = late; i-- > early + 1;) {
            if (past.has(i)) continue;
            if (!path_[i].step().footprint.conflicts_with(path_[late].step().footprint)) continue;
            past.add(i);
            past.add_all(path_[i].before);
        }
        return past;
    }

    std::pair<std::uint32_t, std::vector<Action>> actions_to_here() const {
        std::vector<Action> actions;
        for (const Place& place : path_) actions.push_back(place.step().action);
        return {initial_, actions};
    }
    void stop(const char* by) {
        search_.stop(by);
        stopped_ = true;
    }

    const M& model_;
    const SearchOptions& options_;
    ReducedSearch<M> search_;
    DigestIndex index_;          // only counts, and finds a state that comes back
    std::vector<bool> on_path_;  // by number in index_
    std::vector<Place> path_;
    std::uint32_t initial_ = 0;
    DporCounts counts_;
    std::map<Action, Footprint> footprints_;  // as first seen; of a model with keeps_enabled()
    bool tries_all_ = false;
    bool varying_ = false;
    bool stopped_ = false;
    bool cut_ = false;
    bool cycle_ = false;
};

// Needs a model whose behaviours all end. `distinct` counts the states that were visited, which are
// not all; `counts` may be null.
template <HasIndependence M>
SearchResult search_with_source_dpor(const M& model, const SearchOptions& options,
                                     DporCounts* counts = nullptr) {
    if (options.symmetry) {
        throw std::invalid_argument("source-DPOR and symmetry do not go together");
    }
    const auto run = [&](bool tries_all) {
        SourceDpor<M> search(model, options, tries_all);
        SearchResult result = search.run();
        if (counts != nullptr) *counts = search.counts();
        return std::pair(std::move(result), search.met_varying_footprint());
    };
    auto [result, promised_too_much] = run(false);
    return promised_too_much ? run(true).first : result;
}

}  // namespace tribunal
