// Breadth-first search: level by level, by one worker or several.
//
// Every worker owns the states whose digest falls to it: their place in the seen set, their parent
// links and their turn in the frontier. Workers expand a stretch of their own frontier, hand each
// other the successors that they do not own, and meet; so nothing is locked, and what is counted,
// and which path is found, is a function of the model and the number of workers alone.
#pragma once

#include <algorithm>
#include <vector>

#include "broker/base/check.h"
#include "broker/base/prng.h"
#include "model/checkpoint.h"
#include "model/findings.h"
#include "model/links.h"
#include "model/model.h"
#include "model/result.h"
#include "model/seen_set.h"

namespace tribunal {

template <Model M>
class BreadthFirst {
  public:
    BreadthFirst(const M& model, const SearchOptions& options) : model_(model), options_(options) {
        const unsigned n = std::max(options.workers, 1u);
        for (unsigned w = 0; w < n; ++w) {
            Worker& worker = workers_.emplace_back(model);
            worker.number = w;
            worker.outbox[0].resize(n);
            worker.outbox[1].resize(n);
            worker.coverage.resize(std::size(model.action_names()));
        }
    }

    SearchResult run() {
        const std::int64_t wall = wall_nanoseconds();
        const std::int64_t cpu = cpu_nanoseconds();
        started_ = wall;
        if (options_.resume.empty()) {
            begin();
        } else {
            resume();
        }
        if (at_start_of_level()) decide_on_level();
        if (!finished_) work_together();
        SearchResult result = summarise();
        if (!result.complete && !options_.checkpoint.empty()) {
            write_checkpoint();
            result.resume_with = options_.checkpoint;
        }
        result.elapsed_ns = wall_nanoseconds() - wall;
        result.cpu_ns = cpu_nanoseconds() - cpu;
        result.peak_memory_bytes = peak_resident_bytes();
        return result;
    }

  private:
    using State = typename M::State;
    // States a worker expands between two meetings. Long enough to make meetings cheap, short
    // enough that what is handed over stays in the cache.
    static constexpr std::size_t kStretch = 1024;
    static constexpr std::uint64_t kSuccessors = 8 * kStretch;  // or when they have so many
    static constexpr std::size_t kBatch = 32;                   // look-ups under way at a time

    struct Candidate {
        State state;
        Digest128 digest;
        std::uint32_t parent;
        std::uint32_t ordinal;
    };
    struct alignas(64) Worker {
        unsigned number = 0;
        SeenSet seen;
        Links links;
        std::vector<State> current;
        std::vector<State> next;
        std::size_t position = 0;  // in current
        std::vector<Candidate> batch;
        std::vector<std::vector<Candidate>> outbox[2];  // by owner; one is filled, one is read
        std::uint64_t generated = 0;
        std::vector<std::uint64_t> coverage;
        Findings findings;
        explicit Worker(const M& model) : findings(model) {}
    };

    unsigned owner_of(const Digest128& digest) const {
        // The seen set takes its slots from the high word, so the owner comes from the low one.
        return static_cast<unsigned>(((digest.low >> 32) * workers_.size()) >> 32);
    }
    std::uint32_t global(const Worker& w, std::size_t local) const {
        return static_cast<std::uint32_t>(local * workers_.size() + w.number);
    }

    Candidate candidate(State&& state, std::uint32_t parent, std::uint32_t ordinal) const {
        if constexpr (HasSymmetry<M>) {
            if (options_.symmetry) [[unlikely]]
                state = model_.canonical(state);
        }
        const Digest128 digest = model_.digest(state);
        return {std::move(state), digest, parent, ordinal};
    }

    void begin() {
        std::uint32_t ordinal = 0;
        model_.initial_states([&](State state) {
            Candidate c = candidate(std::move(state), Links::kNone, ordinal++);
            Worker& w = workers_[owner_of(c.digest)];
            ++w.generated;
            meet(w, c);
        });
        start_level();
    }

    // Looks one candidate up and takes it in when it is new.
    void meet(Worker& w, Candidate& c) {
        if (!w.seen.insert(c.digest)) return;
        const std::uint32_t local = w.links.add(c.parent, c.ordinal);
        w.findings.observe(model_.predicates(c.state), levels_.size() + 1, local);
        w.next.push_back(std::move(c.state));
    }

    void flush(Worker& w) {
        for (Candidate& c : w.batch) meet(w, c);
        w.batch.clear();
    }

    void expand(Worker& w, unsigned parity) {
        for (auto& box : w.outbox[parity]) box.clear();
        w.batch.reserve(kBatch);
        const std::size_t end = std::min(w.current.size(), w.position + kStretch);
        const std::uint64_t enough = w.generated + kSuccessors;
        for (; w.position < end && w.generated < enough; ++w.position) {
            const std::uint32_t parent = global(w, w.links.level_start() + w.position);
            std::uint32_t ordinal = 0;
            std::uint64_t* const coverage = w.coverage.data();
            model_.successors(w.current[w.position], [&](Action action, State next) {
                ++w.generated;
                ++coverage[action.kind];
                Candidate c = candidate(std::move(next), parent, ordinal++);
                const unsigned owner = workers_.size() == 1 ? 0 : owner_of(c.digest);
                if (owner != w.number) {
                    w.outbox[parity][owner].push_back(std::move(c));
                    return;
                }
                w.seen.prefetch(c.digest);
                w.batch.push_back(std::move(c));
                if (w.batch.size() == kBatch) flush(w);
            });
        }
        flush(w);
    }

    void collect(Worker& w, unsigned parity) {
        for (Worker& from : workers_) {
            std::vector<Candidate>& box = from.outbox[parity][w.number];
            for (std::size_t i = 0; i < box.size(); ++i) {
                if (i + kBatch < box.size()) w.seen.prefetch(box[i + kBatch].digest);
                meet(w, box[i]);
            }
        }
    }

    void work_together() {
        Rendezvous rendezvous(static_cast<unsigned>(workers_.size()));
        run_workers(static_cast<unsigned>(workers_.size()), [&](unsigned w) {
            try {
                work(workers_[w], rendezvous);
            } catch (...) {
                rendezvous.leave();
                throw;
            }
        });
    }

    void work(Worker& w, Rendezvous& rendezvous) {
        for (unsigned parity = 0;; parity ^= 1) {
            expand(w, parity);
            if (!rendezvous.arrive([&] { after_round(); })) return;
            collect(w, parity);
            if (stopped_by_.empty() && !level_done_) continue;
            // Only now has everybody taken in what the others handed over.
            if (!rendezvous.arrive([&] { after_level(); })) return;
            if (finished_) return;
        }
    }

    // While all workers wait.
    void after_round() {
        level_done_ = std::all_of(workers_.begin(), workers_.end(),
                                  [](const Worker& w) { return w.position == w.current.size(); });
        watch_limits();
    }
    // A round is so short that between two looks no search outgrows a limit by much; only what asks
    // the system is asked less often.
    void watch_limits() {
        Progress progress;
        for (const Worker& w : workers_) {
            progress.distinct += w.links.size();
            progress.generated += w.generated;
            progress.frontier += w.current.size() - w.position + w.next.size();
            if (w.links.full(workers_.size())) stopped_by_ = "too many states for their numbers";
        }
        const std::int64_t now = wall_nanoseconds();
        if (options_.max_states != 0 && progress.distinct >= options_.max_states) {
            stopped_by_ = "state limit";
        }
        if (options_.time_limit_ms != 0 && now - started_ > options_.time_limit_ms * 1'000'000) {
            stopped_by_ = "time limit";
        }
        if (now - measured_ > 10'000'000) {
            measured_ = now;
            resident_bytes_ = resident_bytes();
            if (resident_bytes_ > options_.memory_limit_bytes) stopped_by_ = "memory limit";
        }
        if (options_.on_progress && now - told_ > 100'000'000) {
            told_ = now;
            progress.depth = levels_.size();
            progress.memory_bytes = resident_bytes_;
            options_.on_progress(progress);
        }
    }
    void after_level() {
        if (!stopped_by_.empty() && !level_done_) {
            finished_ = true;  // in the middle of a level
            return;
        }
        start_level();
        decide_on_level();
    }
    bool at_start_of_level() const {
        return std::all_of(workers_.begin(), workers_.end(),
                           [](const Worker& w) { return w.position == 0 && w.next.empty(); });
    }
    void decide_on_level() {
        const bool any_found = std::any_of(workers_.begin(), workers_.end(), [](const Worker& w) {
            return w.findings.any_violation();
        });
        const bool empty = std::all_of(workers_.begin(), workers_.end(),
                                       [](const Worker& w) { return w.current.empty(); });
        if (empty) {
            complete_ = true;
            stopped_by_.clear();
        } else if (stopped_by_.empty() && options_.stop_at_first && any_found) {
            stopped_by_ = "first violation";
        } else if (stopped_by_.empty() && options_.max_depth != 0 &&
                   levels_.size() >= options_.max_depth) {
            stopped_by_ = "depth limit";
        } else {
            watch_limits();
        }
        finished_ = complete_ || !stopped_by_.empty();
    }
    void start_level() {
        std::uint64_t size = 0;
        for (Worker& w : workers_) {
            w.current.swap(w.next);
            w.next.clear();
            w.position = 0;
            w.links.start_level(w.current.size());
            size += w.current.size();
        }
        if (size > 0) levels_.push_back(size);
    }

    SearchResult summarise() {
        SearchResult result;
        const auto names = std::span<const std::string_view>(model_.action_names());
        for (const std::string_view name : names) result.coverage.emplace(name, 0);
        for (const Worker& w : workers_) {
            result.distinct += w.links.size();
            result.generated += w.generated;
            result.seen_set_bytes += w.seen.bytes() + w.links.bytes();
            for (std::size_t a = 0; a < names.size(); ++a) {
                result.coverage.find(names[a])->second += w.coverage[a];
            }
        }
        result.levels = levels_;
        // States of a level that was not finished.
        std::uint64_t counted = 0;
        for (const std::uint64_t level : levels_) counted += level;
        if (counted < result.distinct) result.levels.push_back(result.distinct - counted);
        result.depth = result.levels.size();
        result.complete = complete_;
        result.stopped_by = stopped_by_;
        result.collision_estimate = collision_estimate(result.distinct);
        // The first of all workers' first findings.
        std::vector<Found> found(std::size(model_.properties()));
        for (const Worker& w : workers_) {
            for (std::size_t p = 0; p < found.size(); ++p) {
                const Found& f = w.findings.found[p];
                found[p].states += f.states;
                if (f.level == 0 || (found[p].level != 0 && found[p].level <= f.level)) continue;
                found[p].level = f.level;
                found[p].first = global(w, f.first);
            }
        }
        judge(model_, options_, found, [&](std::uint32_t id) { return ordinals_to(id); }, result);
        return result;
    }

    // Parent links name the successor of the parent by its place among all of them.
    std::vector<std::uint32_t> ordinals_to(std::uint32_t id) const {
        std::vector<std::uint32_t> ordinals;
        while (id != Links::kNone) {
            const Links& links = workers_[id % workers_.size()].links;
            const auto local = static_cast<std::uint32_t>(id / workers_.size());
            ordinals.push_back(links.ordinal(local));
            id = links.parent(local);
        }
        std::reverse(ordinals.begin(), ordinals.end());
        return ordinals;
    }

    // --- checkpoints ----------------------------------------------------------------------------

    // Of everything in a checkpoint, to tell a damaged one. The seen set comes in no certain order,
    // so its digests are added up.
    std::uint64_t checksum() const {
        Digest sum;
        fold(sum, levels_);
        for (const Worker& w : workers_) {
            sum.word(w.generated);
            sum.word(w.position);
            fold(sum, w.coverage);
            for (const Found& f : w.findings.found) {
                sum.word(f.states), sum.word(f.level), sum.word(f.first);
            }
            for (std::size_t level = 0; level <= levels_.size() + 1; ++level) {
                sum.word(w.links.start_of(level));
            }
            for (std::size_t i = 0; i < w.links.size(); ++i) {
                const auto local = static_cast<std::uint32_t>(i);
                sum.word(std::uint64_t{w.links.ordinal(local)} << 32 | w.links.parent(local));
            }
            std::uint64_t seen = 0;
            w.seen.for_each([&](const Digest128& d) { seen += mix64(d.high) ^ d.low; });
            sum.word(seen);
        }
        return sum.value().high;
    }

    void write_checkpoint() {
        CheckpointWriter out(options_.checkpoint, options_.identity);
        out.number(workers_.size());
        out.number(options_.symmetry ? 1 : 0);
        out.numbers(levels_);
        for (const Worker& w : workers_) {
            out.number(w.generated);
            out.number(w.position);
            out.number(w.current.size());
            out.numbers(w.coverage);
            for (const Found& f : w.findings.found) {
                out.number(f.states), out.number(f.level), out.number(f.first);
            }
            w.links.write(out);
            out.number(w.seen.size());
            w.seen.for_each([&](const Digest128& d) { out.number(d.high), out.number(d.low); });
        }
        out.number(checksum());
        out.close();
    }

    void resume() {
        CheckpointReader in(options_.resume, options_.identity);
        in.expect(workers_.size(), "written with another number of workers");
        in.expect(options_.symmetry ? 1 : 0, "written with another setting of --symmetry");
        levels_ = in.numbers();
        for (Worker& w : workers_) {
            w.generated = in.number();
            w.position = in.number();
            const std::uint64_t current = in.number();
            w.coverage = in.numbers();
            for (Found& f : w.findings.found) {
                f.states = in.number();
                f.level = in.number();
                f.first = static_cast<std::uint32_t>(in.number());
            }
            w.links.read(in);
            const std::uint64_t seen = in.number();
            if (seen != w.links.size()) in.damaged();
            w.seen.reserve(seen);
            for (std::uint64_t i = 0; i < seen; ++i) {
                const std::uint64_t high = in.number();
                const std::uint64_t low = in.number();
                w.seen.insert({high, low});
            }
            if (current > seen || w.position > current) in.damaged();
        }
        in.expect(checksum(), "is damaged");
        rebuild_frontier();
    }

    // The checkpoint holds no states: those of the frontier are made again by walking from the
    // initial states along the links that lead to them, level by level.
    void rebuild_frontier() {
        const std::size_t n = workers_.size();
        std::vector<std::vector<bool>> wanted(n);
        for (std::size_t i = 0; i < n; ++i) wanted[i].resize(workers_[i].links.size());
        for (Worker& w : workers_) {
            for (std::size_t local = w.links.level_start(); local < w.links.size(); ++local) {
                std::uint32_t id = global(w, local);
                while (id != Links::kNone && !wanted[id % n][id / n]) {
                    wanted[id % n][id / n] = true;
                    id = workers_[id % n].links.parent(static_cast<std::uint32_t>(id / n));
                }
            }
        }
        struct Step {
            std::uint32_t parent, ordinal, id;
            auto operator<=>(const Step&) const = default;
        };
        std::vector<std::pair<std::uint32_t, State>> states;  // of one level, by id
        for (std::size_t level = 0; level <= levels_.size(); ++level) {
            std::vector<Step> steps;
            for (const Worker& w : workers_) {
                for (std::size_t local = w.links.start_of(level);
                     local < w.links.start_of(level + 1); ++local) {
                    if (!wanted[w.number][local]) continue;
                    const auto l = static_cast<std::uint32_t>(local);
                    steps.push_back({w.links.parent(l), w.links.ordinal(l), global(w, local)});
                }
            }
            std::sort(steps.begin(), steps.end());
            std::vector<std::pair<std::uint32_t, State>> made;
            std::size_t from = 0;
            for (std::size_t i = 0; i < steps.size();) {
                if (level == 0) {
                    made.emplace_back(steps[i].id,
                                      canonical_of(model_, initial_state(model_, steps[i].ordinal),
                                                   options_.symmetry));
                    ++i;
                    continue;
                }
                while (states[from].first != steps[i].parent) ++from;
                std::uint32_t ordinal = 0;
                const std::uint32_t parent = steps[i].parent;
                model_.successors(states[from].second, [&](Action, State s) {
                    if (i < steps.size() && steps[i].parent == parent &&
                        steps[i].ordinal == ordinal) {
                        made.emplace_back(steps[i++].id,
                                          canonical_of(model_, std::move(s), options_.symmetry));
                    }
                    ++ordinal;
                });
                CHECK(i == steps.size() || steps[i].parent != parent);
            }
            std::sort(made.begin(), made.end(),
                      [](const auto& a, const auto& b) { return a.first < b.first; });
            states = std::move(made);
            // The last level is the one being filled, the one before is being expanded.
            if (level + 1 < levels_.size()) continue;
            for (auto& [id, state] : states) {
                Worker& w = workers_[id % n];
                (level + 1 == levels_.size() ? w.current : w.next).push_back(state);
            }
        }
    }

    const M& model_;
    const SearchOptions& options_;
    std::vector<Worker> workers_;
    std::vector<std::uint64_t> levels_;  // finished or being expanded
    // Written while all workers wait.
    bool level_done_ = false;
    bool finished_ = false;
    bool complete_ = false;
    std::string stopped_by_;
    std::int64_t started_ = 0;
    std::int64_t measured_ = 0;
    std::uint64_t resident_bytes_ = 0;
    std::int64_t told_ = 0;
};

}  // namespace tribunal
