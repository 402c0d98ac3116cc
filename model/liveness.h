// The `eventually` properties: whether some fair behaviour has the trigger and from then on never
// the predicate.
//
// Behaviours are those of [][Next]_vars: any of them may stutter, so what a model promises comes
// from its fairness alone. WF(A): a step of A is taken again and again, or A is again and again not
// possible. SF(A): a step of A is taken again and again, or A is possible only so many times.
// Possible means a step that changes the state (TLA+: ENABLED <<A>>_vars).
//
// A violation is then a lasso: a path to a trigger without the predicate, on through states
// without it, and a loop of such states that is fair. Loops lie in strongly connected components.
// A component satisfies a weak class that one of its edges takes or one of its states disables; a
// strong class only if an edge takes it or no state enables it. Where a strong class fails, a fair
// loop must avoid all states that enable it, so these are removed and what is left is decomposed
// again (Emerson and Lei 1987; Lichtenstein and Pnueli 1985).
//
// Symmetry and partial orders are not used here: a loop of representatives need not be a loop, and
// the reductions keep the states but not every step between them.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "model/model.h"
#include "model/replay.h"
#include "model/result.h"
#include "model/state_graph.h"

namespace tribunal {

struct Lasso {
    std::vector<std::uint32_t> nodes;  // an initial state first
    std::size_t loop_start = 0;        // the last node: the behaviour stutters there for ever
    // The step out of each node, as an index of StateGraph::edges; the last one goes back to
    // nodes[loop_start]. A stuttering lasso has one less.
    std::vector<std::uint64_t> edges;
    bool stutters() const { return edges.size() < nodes.size(); }
};

// A fair behaviour of the graph that violates trigger ~> predicate (bits of the nodes' predicates;
// trigger -1: every initial state). In a truncated graph, what is found is a violation all the
// same; nothing found then means nothing.
std::optional<Lasso> find_fair_lasso(const StateGraph& graph, int trigger, unsigned predicate,
                                     std::span<const FairnessClass> fairness);

// Why the verdict of a truncated graph is open.
std::string liveness_note(const StateGraph& graph);

// Verdicts, paths and notes of all `eventually` properties among `properties`, which are the
// model's, in its order. The path ends before the loop closes; actions also has the step that
// closes it (none when it stutters).
template <Model M>
void decide_eventually(const M& model, const StateGraph& graph,
                       std::vector<PropertyResult>& properties) {
    std::vector<FairnessClass> fairness;
    if constexpr (HasFairness<M>) fairness = model.fairness();
    unsigned bit = 0;
    for (const PropertySpec& spec : model.properties()) {
        PropertyResult& property = properties[bit];
        const unsigned predicate = bit++;
        if (spec.kind != PropertyKind::eventually) continue;
        const auto lasso = find_fair_lasso(graph, spec.trigger, predicate, fairness);
        property.path.clear();
        property.actions.clear();
        property.loop_start.reset();
        property.note.clear();
        property.verdict = Verdict::pass;
        if (lasso) {
            property.verdict = Verdict::fail;
            // Initial nodes are numbered as they are first emitted.
            std::optional<typename M::State> initial;
            DigestIndex order;
            model.initial_states([&](typename M::State s) {
                const auto [node, is_new] = order.insert(model.digest(s));
                if (is_new && node == lasso->nodes.front()) initial = std::move(s);
            });
            CHECK(initial.has_value());
            for (const std::uint64_t edge : lasso->edges) {
                property.actions.push_back(graph.edges[edge].action);
            }
            property.path = replay(model, *initial, property.actions);
            if (!lasso->stutters()) property.path.pop_back();
            property.loop_start = lasso->loop_start;
        } else if (graph.truncated) {
            property.verdict = Verdict::inconclusive;
            property.note = liveness_note(graph);
        }
    }
}

// The same, with a graph of its own within the limits of the options. result.properties is there
// already, in the model's order.
template <Model M>
void decide_eventually(const M& model, const SearchOptions& options, SearchResult& result) {
    bool any = false;
    for (const PropertyResult& p : result.properties) any |= p.kind == PropertyKind::eventually;
    if (!any || !options.liveness) return;
    GraphLimits limits;
    limits.max_states = options.max_states;
    limits.max_depth = options.max_depth;
    limits.memory_limit_bytes = options.memory_limit_bytes;
    limits.time_limit_ms = options.time_limit_ms;
    decide_eventually(model, build_state_graph(model, limits), result.properties);
}

}  // namespace tribunal
