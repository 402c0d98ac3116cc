// One search over any model: see SearchOptions for what can be asked, SearchResult for the answer.
#pragma once

#include "model/breadth_first.h"
#include "model/liveness.h"
#include "model/result.h"
#include "model/search.h"
#include "model/sequential.h"
#include "model/sleep_sets.h"
#include "model/source_dpor.h"
#include "model/state_graph.h"

namespace tribunal {

template <Model M>
SearchResult search_states(const M& model, const SearchOptions& options) {
    if constexpr (HasIndependence<M>) {
        if (options.partial_order == PartialOrder::sleep_sets) {
            return search_with_sleep_sets(model, options);
        }
        if (options.partial_order == PartialOrder::source_dpor) {
            return search_with_source_dpor(model, options);
        }
    }
    if (options.policy == SearchPolicy::breadth_first) return BreadthFirst<M>(model, options).run();
    return Sequential<M>(model, options).run();
}

// Throws std::invalid_argument when the options do not fit the model or each other, with a sentence
// that names both.
template <Model M>
SearchResult search(const M& model, const SearchOptions& options) {
    check_options(options, HasSymmetry<M>, HasIndependence<M>);
    SearchResult result = search_states(model, options);
    // Liveness looks at loops, so at all edges: it has a graph of its own, when there is a use.
    const bool ended_early = options.stop_at_first && !result.complete;
    if (options.policy != SearchPolicy::random_walk && !ended_early) {
        decide_eventually(model, options, result);
    }
    if (options.graph_states != 0) {
        GraphLimits limits;
        limits.max_states = options.graph_states;
        limits.max_depth = options.max_depth;
        limits.symmetry = options.symmetry;
        std::vector<typename M::State> states;
        const StateGraph graph = build_state_graph(model, limits, &states);
        result.graph = text_of(model, graph, states);
    }
    return result;
}

}  // namespace tribunal
