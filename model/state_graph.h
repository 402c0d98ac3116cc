// Every reachable state and every step between them, as numbers: what liveness is decided on, and
// what is drawn.
#pragma once

#include <cstdint>
#include <deque>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "model/digest_index.h"
#include "model/machine.h"
#include "model/model.h"
#include "model/replay.h"
#include "model/result.h"

namespace tribunal {

struct StateGraph {
    static constexpr std::uint32_t kNoNode = std::numeric_limits<std::uint32_t>::max();
    struct Edge {
        std::uint32_t target = 0;
        Action action;
        std::uint64_t fair = 0;  // fairness classes that the step takes; none if it changes nothing
    };
    // Nodes count the states in breadth-first order; the initial ones come first. All vectors are
    // by node.
    std::vector<std::uint64_t> predicates;
    std::vector<std::uint32_t> levels;        // initial: 1
    std::vector<std::uint32_t> parents;       // on a shortest path; kNoNode of an initial state
    std::vector<std::uint64_t> fair_enabled;  // classes with a step that changes the state; of an
                                              // expanded node, exact even when edges were cut
    std::vector<std::uint64_t> first_edges;   // one more than expanded nodes
    std::vector<Edge> edges;
    std::uint32_t initial = 0;   // how many nodes are initial states
    std::uint32_t expanded = 0;  // nodes from this one on were met and not expanded
    std::uint64_t generated = 0;
    bool truncated = false;    // there are more states, and edges to them, than are here
    std::string truncated_by;  // the limit

    std::uint32_t size() const { return static_cast<std::uint32_t>(predicates.size()); }
    std::span<const Edge> edges_of(std::uint32_t node) const {
        if (node >= expanded) return {};
        return std::span(edges).subspan(first_edges[node],
                                        first_edges[node + 1] - first_edges[node]);
    }
    std::uint64_t bytes() const;
    // An initial state first.
    std::vector<std::uint32_t> shortest_path_to(std::uint32_t node) const;
};

struct GraphLimits {
    std::uint64_t max_states = 0;          // 0: no limit
    std::uint64_t max_depth = 0;           // levels; 0: no limit
    std::uint64_t memory_limit_bytes = 0;  // of the process; 0: none
    std::int64_t time_limit_ms = 0;        // 0: none
    bool symmetry = false;  // representatives only; their graph does not decide liveness
};

// `states`: where to keep the states too, by node; may be null.
template <Model M>
StateGraph build_state_graph(const M& model, const GraphLimits& limits,
                             std::vector<typename M::State>* states = nullptr) {
    using State = typename M::State;
    StateGraph graph;
    DigestIndex index;
    std::deque<State> frontier;
    const std::int64_t started = wall_nanoseconds();
    const auto cut = [&](const char* by) {
        graph.truncated = true;
        if (graph.truncated_by.empty()) graph.truncated_by = by;
    };
    // The node, or kNoNode when there is no room for it.
    const auto meet = [&](State state, std::uint32_t parent) {
        ++graph.generated;
        if constexpr (HasSymmetry<M>) {
            if (limits.symmetry) state = model.canonical(state);
        }
        const Digest128 digest = model.digest(state);
        if (limits.max_states != 0 && index.size() >= limits.max_states) {
            const std::uint32_t known = index.find(digest);
            if (known == DigestIndex::kNone) cut("state limit");
            return known;
        }
        const auto [node, is_new] = index.insert(digest);
        if (!is_new) return node;
        graph.predicates.push_back(model.predicates(state));
        graph.parents.push_back(parent);
        graph.levels.push_back(parent == StateGraph::kNoNode ? 1 : graph.levels[parent] + 1);
        if (states != nullptr) states->push_back(state);
        frontier.push_back(std::move(state));
        return node;
    };
    model.initial_states([&](State s) { meet(std::move(s), StateGraph::kNoNode); });
    graph.initial = graph.size();
    graph.first_edges.push_back(0);
    for (; !frontier.empty(); frontier.pop_front()) {
        const std::uint32_t node = graph.expanded;
        const State& state = frontier.front();
        if (limits.max_depth != 0 && graph.levels[node] >= limits.max_depth) {
            cut("depth limit");
            break;
        }
        if (node % 4096 == 4095) {
            if (limits.memory_limit_bytes != 0 && resident_bytes() > limits.memory_limit_bytes) {
                cut("memory limit");
                break;
            }
            if (limits.time_limit_ms != 0 &&
                wall_nanoseconds() - started > limits.time_limit_ms * 1'000'000) {
                cut("time limit");
                break;
            }
        }
        std::uint64_t enabled = 0;
        model.successors(state, [&](Action action, State next) {
            std::uint64_t fair = 0;
            if constexpr (HasFairness<M>) {
                if (!(next == state)) fair = model.fair_classes(state, action);
            }
            enabled |= fair;
            const std::uint32_t target = meet(std::move(next), node);
            if (target != StateGraph::kNoNode) graph.edges.push_back({target, action, fair});
        });
        graph.fair_enabled.push_back(enabled);
        graph.first_edges.push_back(graph.edges.size());
        ++graph.expanded;
    }
    return graph;
}

// For drawing. `states` as build_state_graph() filled it.
template <Model M>
StateGraphText text_of(const M& model, const StateGraph& graph,
                       const std::vector<typename M::State>& states) {
    StateGraphText text;
    text.truncated = graph.truncated;
    std::uint64_t always = 0;
    std::uint64_t bit = 1;
    for (const PropertySpec& property : model.properties()) {
        if (property.kind == PropertyKind::always) always |= bit;
        bit <<= 1;
    }
    for (std::uint32_t node = 0; node < graph.size(); ++node) {
        text.nodes.push_back({graph.levels[node], node < graph.initial,
                              ~graph.predicates[node] & always, model.show(states[node])});
        for (const StateGraph::Edge& edge : graph.edges_of(node)) {
            text.edges.push_back(
                {node, edge.target, std::string(model.describe(states[node], edge.action))});
        }
    }
    return text;
}

}  // namespace tribunal
