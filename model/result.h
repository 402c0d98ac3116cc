// What a search is asked and what it answers. No templates: commands and reports include this.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/model.h"
#include "properties/verdict.h"

namespace tribunal {

enum class SearchPolicy : std::uint8_t {
    breadth_first,  // shortest counterexamples, level sizes; the only one with several workers
    depth_first,
    random_walk,  // seeded walks from an initial state; finds, never proves
    best_first,   // by the model's score
};
enum class PartialOrder : std::uint8_t {
    none,
    sleep_sets,   // the same states, fewer steps
    source_dpor,  // one order of each class of equivalent behaviours (Abdulla et al., POPL 2014)
};

struct Progress {
    std::uint64_t distinct = 0;
    std::uint64_t generated = 0;
    std::uint64_t depth = 0;     // level being expanded
    std::uint64_t frontier = 0;  // states not yet expanded
    std::uint64_t memory_bytes = 0;
};

struct SearchOptions {
    SearchPolicy policy = SearchPolicy::breadth_first;
    bool symmetry = false;
    PartialOrder partial_order = PartialOrder::none;
    unsigned workers = 1;  // breadth_first only; the counts do not depend on it
    std::uint64_t memory_limit_bytes = std::uint64_t{8} << 30;
    std::int64_t time_limit_ms = 0;  // 0: none
    std::uint64_t max_states = 0;    // 0: no limit
    std::uint64_t max_depth = 0;     // levels; 0: no limit
    bool stop_at_first = false;      // at the end of the level with the first violation
    bool liveness = true;            // decide the `eventually` properties too
    std::uint64_t seed = 1;          // of random_walk
    std::uint64_t walks = 1000;      // of random_walk, each at most max_depth (or 10,000) steps
    std::string identity;            // model and constants, as its checkpoints name them
    std::string checkpoint;          // file to write when a limit stops the search; empty: none
    std::string resume;              // file to go on from
    // Keep the state graph: 0 no; otherwise stop recording beyond that many states.
    std::uint64_t graph_states = 0;
    std::function<void(const Progress&)> on_progress;  // now and then, from one thread
};

// Throws std::invalid_argument, in words for the command line, when the options contradict each
// other or ask for what the model does not offer.
void check_options(const SearchOptions& options, bool has_symmetry, bool has_independence);

struct PathStep {
    std::string action;  // empty for the initial state
    StateText state;     // after the step
    std::string name;    // of the action, without arguments
};

struct PropertyResult {
    std::string name;
    PropertyKind kind = PropertyKind::always;
    // pass, fail or inconclusive. `sometimes` passes with a witness and fails when the whole space
    // was searched in vain.
    Verdict verdict = Verdict::inconclusive;
    // The counterexample (always, eventually) or the witness (sometimes), the initial state first.
    std::vector<PathStep> path;
    std::vector<Action> actions;  // the steps of the path, without the initial state
    // Of a lasso: the behaviour goes on from the last state to path[loop_start] for ever; equal to
    // path.size() - 1: it stutters there. Absent: a finite counterexample.
    std::optional<std::uint64_t> loop_start;
    std::uint64_t violating_states =
        0;             // how many states break an `always`, or satisfy a `sometimes`
    std::string note;  // why inconclusive
};

struct GraphEdge {
    std::uint64_t from = 0;
    std::uint64_t to = 0;
    std::string action;
};
struct GraphNode {
    std::uint64_t level = 0;
    bool initial = false;
    std::uint64_t violates = 0;  // bits of the `always` properties
    StateText state;
};
struct StateGraphText {
    std::vector<GraphNode> nodes;
    std::vector<GraphEdge> edges;
    bool truncated = false;
};

struct SearchResult {
    std::uint64_t distinct = 0;
    std::uint64_t generated = 0;        // initial states and every emitted successor
    std::vector<std::uint64_t> levels;  // breadth_first: distinct states first met at each level
    std::uint64_t depth = 0;            // levels, the initial states being level 1
    bool complete = false;              // every reachable state was expanded
    std::string stopped_by;  // when not: "memory limit", "time limit", "state limit", ...
    std::vector<PropertyResult> properties;                      // in the model's order
    std::map<std::string, std::uint64_t, std::less<>> coverage;  // steps taken, by action name; all
    std::uint64_t seen_set_bytes = 0;                            // table and parent links
    std::uint64_t peak_memory_bytes = 0;                         // of the process
    std::int64_t elapsed_ns = 0;                                 // wall
    std::int64_t cpu_ns = 0;                                     // of all threads
    std::string collision_estimate;  // "2.1e-19", of any two states having met one slot
    std::string resume_with;         // checkpoint written
    std::optional<StateGraphText> graph;

    const PropertyResult* find(std::string_view name) const;
    bool any_failed() const;
};

}  // namespace tribunal
