// What both partial-order reductions need: the steps of a state with their footprints, and which
// state was the first to tell about each property.
//
// Steps that change nothing are left out: a reduction orders changes.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "broker/base/check.h"
#include "model/machine.h"
#include "model/model.h"
#include "model/replay.h"
#include "model/result.h"

namespace tribunal {

// keeps_enabled(a): wherever a is a step that changes the state, all other such steps of that state
// are still there after it. True of sending, of writing a variable that no guard reads; false of
// taking a lock, of a choice between two steps of one process, of a crash.
// A model that has it promises besides that footprint(s, a) is the same in every s: what a step may
// touch anywhere, whether it does so in s or not.
template <class M>
concept KnowsDisabling = HasIndependence<M> && requires(const M& m, Action a) {
    { m.keeps_enabled(a) } -> std::same_as<bool>;
};

inline bool same_footprint(const Footprint& x, const Footprint& y) {
    return x.reads == y.reads && x.writes == y.writes;
}

template <class State>
struct FootprintedStep {
    Action action;
    Footprint footprint;
    State next;
};

// on_unchanged(Action): for the steps that change nothing.
template <HasIndependence M, class OnUnchanged>
std::vector<FootprintedStep<typename M::State>> footprinted_steps(const M& model,
                                                                  const typename M::State& state,
                                                                  OnUnchanged&& on_unchanged) {
    std::vector<FootprintedStep<typename M::State>> steps;
    model.successors(state, [&](Action action, typename M::State next) {
        if (next == state) {
            on_unchanged(action);
        } else {
            steps.push_back({action, model.footprint(state, action), std::move(next)});
        }
    });
    return steps;
}

template <class State>
const FootprintedStep<State>* find_step(const std::vector<FootprintedStep<State>>& steps,
                                        Action action) {
    for (const auto& step : steps) {
        if (step.action == action) return &step;
    }
    return nullptr;
}

// The answer of a reduced search while it runs.
template <HasIndependence M>
class ReducedSearch {
  public:
    ReducedSearch(const M& model, const SearchOptions& options)
        : model_(model),
          options_(options),
          wall_(wall_nanoseconds()),
          cpu_(cpu_nanoseconds()),
          coverage_(std::size(model.action_names())) {
        std::uint64_t bit = 1;
        for (const PropertySpec& spec : model.properties()) {
            if (spec.kind == PropertyKind::always) always_ |= bit;
            if (spec.kind == PropertyKind::sometimes) sometimes_ |= bit;
            bit <<= 1;
            witnesses_.emplace_back();
        }
    }

    void count_initial() { ++generated_; }
    void count_step(Action action) {
        ++generated_;
        ++coverage_[action.kind];
    }
    // A new state at `level`. actions_to(): the number of the initial state and the steps to it.
    template <class ActionsTo>
    void observe(const typename M::State& state, std::uint64_t level, ActionsTo&& actions_to) {
        ++distinct_;
        deepest_ = std::max(deepest_, level);
        const std::uint64_t holds = model_.predicates(state);
        std::uint64_t telling = (~holds & always_) | (holds & sometimes_);
        for (; telling != 0; telling &= telling - 1) {
            const auto p = static_cast<std::size_t>(std::countr_zero(telling));
            Witnesses& w = witnesses_[p];
            if (((always_ >> p) & 1) != 0) violated_ = true;
            if (w.states++ == 0) std::tie(w.initial, w.actions) = actions_to();
        }
    }
    // Limits other than the depth; the caller asks between two steps. True: stop.
    bool out_of_bounds(std::uint64_t frontier, std::uint64_t bytes) {
        if (options_.max_states != 0 && distinct_ >= options_.max_states) stop("state limit");
        if (asked_++ % 1024 == 1023) {
            const std::int64_t now = wall_nanoseconds();
            if (options_.time_limit_ms != 0 && now - wall_ > options_.time_limit_ms * 1'000'000) {
                stop("time limit");
            }
            if (now - told_ > 100'000'000) {
                told_ = now;
                const Progress progress{distinct_, generated_, deepest_, frontier,
                                        resident_bytes()};
                if (progress.memory_bytes > options_.memory_limit_bytes) stop("memory limit");
                if (options_.on_progress) options_.on_progress(progress);
            }
        }
        bytes_ = std::max(bytes_, bytes);
        return !stopped_by_.empty();
    }
    // The first reason stays.
    void stop(std::string_view by) {
        if (stopped_by_.empty()) stopped_by_ = by;
    }
    bool violated() const { return violated_; }

    // `why_open`: the note of properties that an unfinished search cannot decide; empty: the limit.
    SearchResult finish(const std::string& why_open = {}) {
        SearchResult result;
        const auto& names = model_.action_names();
        for (std::size_t a = 0; a < coverage_.size(); ++a) {
            result.coverage[std::string(names[a])] += coverage_[a];
        }
        result.distinct = distinct_;
        result.generated = generated_;
        result.depth = deepest_;
        result.complete = stopped_by_.empty();
        result.stopped_by = stopped_by_;
        result.seen_set_bytes = bytes_;
        std::size_t p = 0;
        for (const PropertySpec& spec : model_.properties()) {
            result.properties.push_back(judge(spec, witnesses_[p++], result.complete, why_open));
        }
        result.peak_memory_bytes = peak_resident_bytes();
        result.elapsed_ns = wall_nanoseconds() - wall_;
        result.cpu_ns = cpu_nanoseconds() - cpu_;
        return result;
    }

  private:
    struct Witnesses {
        std::uint64_t states = 0;
        std::uint32_t initial = 0;  // of the first: place among the emitted initial states
        std::vector<Action> actions;
    };

    PropertyResult judge(const PropertySpec& spec, const Witnesses& w, bool complete,
                         const std::string& why_open) const {
        PropertyResult r;
        r.name = spec.name;
        r.kind = spec.kind;
        if (spec.kind == PropertyKind::eventually) {
            r.note = "liveness was not decided";
            return r;
        }
        const bool always = spec.kind == PropertyKind::always;
        r.violating_states = w.states;
        if (w.states != 0) {
            r.verdict = always ? Verdict::fail : Verdict::pass;
            std::uint32_t at = 0;
            model_.initial_states([&](typename M::State s) {
                if (at++ == w.initial) r.path = replay(model_, s, w.actions);
            });
            r.actions = w.actions;
        } else if (complete) {
            r.verdict = always ? Verdict::pass : Verdict::fail;
        } else {
            r.note = !why_open.empty() ? why_open
                                       : "not every state was looked at (" + stopped_by_ + ")";
        }
        return r;
    }

    const M& model_;
    const SearchOptions& options_;
    std::int64_t wall_;
    std::int64_t cpu_;
    std::int64_t told_ = 0;
    std::uint64_t asked_ = 0;
    std::uint64_t always_ = 0;
    std::uint64_t sometimes_ = 0;
    std::uint64_t distinct_ = 0;
    std::uint64_t generated_ = 0;
    std::uint64_t deepest_ = 0;
    std::uint64_t bytes_ = 0;
    bool violated_ = false;
    std::string stopped_by_;
    std::vector<std::uint64_t> coverage_;
    std::vector<Witnesses> witnesses_;
};

}  // namespace tribunal
