// The searches of one worker that keep an order of their own: depth-first, best-first, and random
// walks. Same seen set and parent links as the breadth-first search; counterexamples are not the
// shortest.
#pragma once

#include <algorithm>
#include <vector>

#include "broker/base/prng.h"
#include "model/findings.h"
#include "model/links.h"
#include "model/seen_set.h"

namespace tribunal {

template <Model M>
class Sequential {
  public:
    Sequential(const M& model, const SearchOptions& options)
        : model_(model), options_(options), findings_(model) {
        coverage_.resize(std::size(model.action_names()));
    }

    SearchResult run() {
        started_ = wall_nanoseconds();
        const std::int64_t cpu = cpu_nanoseconds();
        if (options_.policy == SearchPolicy::random_walk) {
            walk();
        } else {
            exhaust();
        }
        SearchResult result;
        const auto names = std::span<const std::string_view>(model_.action_names());
        for (std::size_t a = 0; a < names.size(); ++a) {
            result.coverage[std::string(names[a])] += coverage_[a];
        }
        result.distinct = seen_.size();
        result.generated = generated_;
        result.depth = deepest_;
        result.complete = complete_;
        result.stopped_by = stopped_by_;
        result.collision_estimate = collision_estimate(result.distinct);
        result.seen_set_bytes = seen_.bytes() + links_.bytes();
        judge(
            model_, options_, findings_.found, [&](std::uint32_t id) { return ordinals_to(id); },
            result);
        result.elapsed_ns = wall_nanoseconds() - started_;
        result.cpu_ns = cpu_nanoseconds() - cpu;
        result.peak_memory_bytes = peak_resident_bytes();
        return result;
    }

  private:
    using State = typename M::State;
    struct Entry {
        State state;
        std::uint32_t number;
        std::uint32_t depth;
        std::int64_t score;
    };

    // The number of the state; kNone when it had been met before.
    std::uint32_t meet(const State& state, std::uint32_t parent, std::uint32_t ordinal,
                       std::uint64_t depth) {
        ++generated_;
        if (!seen_.insert(model_.digest(state))) return Links::kNone;
        const std::uint32_t number = links_.add(parent, ordinal);
        findings_.observe(model_.predicates(state), depth, number);
        deepest_ = std::max(deepest_, depth);
        return number;
    }
    State canonical(State&& state) const {
        return canonical_of(model_, std::move(state), options_.symmetry);
    }
    std::int64_t score_of(const State& state) const {
        if constexpr (HasScore<M>) return model_.score(state);
        return 0;
    }

    // Depth-first: a stack. Best-first: a heap, the older of two equals first.
    void push(Entry&& entry) {
        frontier_.push_back(std::move(entry));
        if (options_.policy == SearchPolicy::best_first) {
            std::push_heap(frontier_.begin(), frontier_.end(), later);
        }
    }
    Entry pop() {
        if (options_.policy == SearchPolicy::best_first) {
            std::pop_heap(frontier_.begin(), frontier_.end(), later);
        }
        Entry entry = std::move(frontier_.back());
        frontier_.pop_back();
        return entry;
    }
    static bool later(const Entry& a, const Entry& b) {
        return a.score != b.score ? a.score < b.score : a.number > b.number;
    }

    void take(State&& state, std::uint32_t parent, std::uint32_t ordinal, std::uint32_t depth) {
        state = canonical(std::move(state));
        const std::uint32_t number = meet(state, parent, ordinal, depth);
        if (number == Links::kNone) return;
        const std::int64_t score = score_of(state);
        push({std::move(state), number, depth, score});
    }

    void exhaust() {
        std::uint32_t ordinal = 0;
        model_.initial_states([&](State s) { take(std::move(s), Links::kNone, ordinal++, 1); });
        bool cut = false;
        for (std::uint64_t n = 0; !frontier_.empty(); ++n) {
            if (stopped(n)) return;
            const Entry entry = pop();
            if (options_.max_depth != 0 && entry.depth >= options_.max_depth) {
                cut = true;
                continue;
            }
            std::uint32_t i = 0;
            model_.successors(entry.state, [&](Action a, State s) {
                ++coverage_[a.kind];
                take(std::move(s), entry.number, i++, entry.depth + 1);
            });
        }
        complete_ = !cut;
        if (cut) stopped_by_ = "depth limit";
    }

    // Walks do not look at what was seen before; the seen set only counts.
    void walk() {
        Prng prng{options_.seed};
        const std::uint64_t most = options_.max_depth != 0 ? options_.max_depth : 10'000;
        std::uint64_t steps = 0;
        for (std::uint64_t w = 0; w < options_.walks; ++w) {
            std::vector<State> choices;
            model_.initial_states([&](State s) { choices.push_back(std::move(s)); });
            std::uint32_t parent = Links::kNone;
            for (std::uint64_t depth = 1; depth <= most && !choices.empty(); ++depth) {
                if (stopped(steps++)) return;
                const auto pick = static_cast<std::uint32_t>(prng.below(choices.size()));
                const State state = canonical(std::move(choices[pick]));
                // A state met again keeps its first path, so the walk goes on under a new number.
                const std::uint32_t number = meet(state, parent, pick, depth);
                parent = number != Links::kNone ? number : links_.add(parent, pick);
                choices.clear();
                model_.successors(state, [&](Action a, State s) {
                    ++coverage_[a.kind];
                    choices.push_back(std::move(s));
                });
            }
        }
        stopped_by_ = "random walks never cover everything";
    }
    bool stopped(std::uint64_t n) {
        if (options_.stop_at_first && findings_.any_violation()) stopped_by_ = "first violation";
        if (options_.max_states != 0 && seen_.size() >= options_.max_states) {
            stopped_by_ = "state limit";
        }
        if (links_.full(1)) stopped_by_ = "too many states for their numbers";
        if (n % 1024 == 0) {
            const std::int64_t now = wall_nanoseconds();
            if (options_.time_limit_ms != 0 &&
                now - started_ > options_.time_limit_ms * 1'000'000) {
                stopped_by_ = "time limit";
            }
            if (now - measured_ > 10'000'000) {
                measured_ = now;
                resident_bytes_ = resident_bytes();
                if (resident_bytes_ > options_.memory_limit_bytes) stopped_by_ = "memory limit";
            }
            if (options_.on_progress && now - told_ > 100'000'000) {
                told_ = now;
                options_.on_progress(
                    {seen_.size(), generated_, deepest_, frontier_.size(), resident_bytes_});
            }
        }
        return !stopped_by_.empty();
    }

    std::vector<std::uint32_t> ordinals_to(std::uint32_t number) const {
        std::vector<std::uint32_t> ordinals;
        for (; number != Links::kNone; number = links_.parent(number)) {
            ordinals.push_back(links_.ordinal(number));
        }
        std::reverse(ordinals.begin(), ordinals.end());
        return ordinals;
    }

    const M& model_;
    const SearchOptions& options_;
    SeenSet seen_;
    Links links_;
    Findings findings_;
    std::vector<Entry> frontier_;
    std::vector<std::uint64_t> coverage_;
    std::uint64_t generated_ = 0;
    std::uint64_t deepest_ = 0;
    bool complete_ = false;
    std::string stopped_by_;
    std::int64_t started_ = 0;
    std::int64_t measured_ = 0;
    std::uint64_t resident_bytes_ = 0;
    std::int64_t told_ = 0;
};

}  // namespace tribunal
