#include "model/state_graph.h"

#include <algorithm>

namespace tribunal {

std::uint64_t StateGraph::bytes() const {
    const auto of = [](const auto& v) { return v.capacity() * sizeof(v[0]); };
    return of(predicates) + of(levels) + of(parents) + of(fair_enabled) + of(first_edges) +
           of(edges);
}

std::vector<std::uint32_t> StateGraph::shortest_path_to(std::uint32_t node) const {
    std::vector<std::uint32_t> path;
    for (; node != kNoNode; node = parents[node]) path.push_back(node);
    std::reverse(path.begin(), path.end());
    return path;
}

}  // namespace tribunal
