#include "model/liveness.h"

#include <algorithm>

#include "broker/base/check.h"

#include <boost/graph/compressed_sparse_row_graph.hpp>
#include <boost/graph/strong_components.hpp>

namespace tribunal {
namespace {

constexpr std::uint32_t kNone = StateGraph::kNoNode;
using Edge = StateGraph::Edge;

struct Classes {
    std::uint64_t weak = 0;
    std::uint64_t strong = 0;
    std::uint64_t any() const { return weak | strong; }
};

// The states that a violating behaviour can be in once the trigger has come: without the
// predicate, and reached from a trigger through such states only.
struct Region {
    static constexpr std::uint32_t kEntry = kNone - 1;  // reached by any shortest path
    std::vector<std::uint32_t> from;   // by node: the one before, kEntry, or kNone: not in here
    std::vector<std::uint32_t> order;  // its nodes, nearest to an initial state first
    std::vector<std::uint32_t> depth;  // by place in order: nodes on the path to it
};

// Breadth-first over paths, not over states: where the shortest path to a state has no trigger, the
// shortest one that has one counts.
Region region_of(const StateGraph& graph, int trigger, unsigned predicate, const Classes& classes) {
    Region region;
    region.from.assign(graph.size(), kNone);
    // What an unexpanded state enables is not known, so nothing there is known to be fair; without
    // fairness everything is.
    const std::uint32_t known = classes.any() == 0 ? graph.size() : graph.expanded;
    const auto may_enter = [&](std::uint32_t node) {
        return node < known && region.from[node] == kNone &&
               ((graph.predicates[node] >> predicate) & 1) == 0;
    };
    const auto is_entry = [&](std::uint32_t node) {
        return trigger < 0 ? node < graph.initial : ((graph.predicates[node] >> trigger) & 1) != 0;
    };
    std::uint32_t entry = 0;
    std::size_t begin = 0;
    for (std::uint32_t depth = 1; entry < graph.size() || begin < region.order.size(); ++depth) {
        const std::size_t end = region.order.size();
        const auto enter = [&](std::uint32_t node, std::uint32_t from) {
            region.from[node] = from;
            region.order.push_back(node);
            region.depth.push_back(depth);
        };
        for (; entry < graph.size() && graph.levels[entry] == depth; ++entry) {
            if (is_entry(entry) && may_enter(entry)) enter(entry, Region::kEntry);
        }
        for (; begin < end; ++begin) {
            for (const Edge& edge : graph.edges_of(region.order[begin])) {
                if (may_enter(edge.target)) enter(edge.target, region.order[begin]);
            }
        }
    }
    return region;
}

using BoostGraph =
    boost::compressed_sparse_row_graph<boost::directedS, boost::no_property, boost::no_property,
                                       boost::no_property, std::uint32_t, std::uint64_t>;

// The components of the subgraph of `nodes`: by place in nodes, and how many. place is by node,
// kNone where the node is not in the subgraph.
std::uint32_t components_of(const StateGraph& graph, const std::vector<std::uint32_t>& nodes,
                            const std::vector<std::uint32_t>& place,
                            std::vector<std::uint32_t>& component) {
    std::vector<std::pair<std::uint32_t, std::uint32_t>> edges;
    for (std::uint32_t i = 0; i < nodes.size(); ++i) {
        for (const Edge& edge : graph.edges_of(nodes[i])) {
            const std::uint32_t j = place[edge.target];
            if (j != kNone && j != i) edges.emplace_back(i, j);
        }
    }
    const BoostGraph subgraph(boost::edges_are_sorted, edges.begin(), edges.end(),
                              static_cast<std::uint32_t>(nodes.size()), edges.size());
    std::vector<std::pair<std::uint32_t, std::uint32_t>>().swap(edges);
    component.resize(nodes.size());
    return boost::strong_components(
        subgraph, boost::make_iterator_property_map(component.begin(),
                                                    boost::get(boost::vertex_index, subgraph)));
}

struct Component {
    std::uint64_t taken = 0;             // by an edge inside
    std::uint64_t enabled_anywhere = 0;  // in one of its states
    std::uint64_t enabled_everywhere = ~std::uint64_t{0};
    bool breaks_weak(const Classes& c) const { return (c.weak & enabled_everywhere & ~taken) != 0; }
    std::uint64_t broken_strong(const Classes& c) const {
        return c.strong & enabled_anywhere & ~taken;
    }
};

std::vector<Component> measure(const StateGraph& graph, const std::vector<std::uint32_t>& nodes,
                               const std::vector<std::uint32_t>& place,
                               const std::vector<std::uint32_t>& component, std::uint32_t count) {
    std::vector<Component> components(count);
    for (std::uint32_t i = 0; i < nodes.size(); ++i) {
        Component& c = components[component[i]];
        const std::uint64_t enabled =
            nodes[i] < graph.expanded ? graph.fair_enabled[nodes[i]] : std::uint64_t{0};
        c.enabled_anywhere |= enabled;
        c.enabled_everywhere &= enabled;
        for (const Edge& edge : graph.edges_of(nodes[i])) {
            const std::uint32_t j = place[edge.target];
            if (j != kNone && component[j] == component[i]) c.taken |= edge.fair;
        }
    }
    return components;
}

// By node, the number of the fair component that it belongs to, or kNone. Every state has a step to
// itself (it may stutter), so a component of one state counts.
std::vector<std::uint32_t> fair_components(const StateGraph& graph,
                                           std::vector<std::uint32_t> nodes,
                                           const Classes& classes) {
    std::vector<std::uint32_t> fair(graph.size(), kNone);
    std::vector<std::uint32_t> place(graph.size(), kNone);
    std::vector<std::uint32_t> component;
    std::uint32_t numbers = 0;
    while (!nodes.empty()) {
        for (std::uint32_t i = 0; i < nodes.size(); ++i) place[nodes[i]] = i;
        const std::uint32_t count = components_of(graph, nodes, place, component);
        const std::vector<Component> components = measure(graph, nodes, place, component, count);
        std::vector<std::uint32_t> left;
        for (std::uint32_t i = 0; i < nodes.size(); ++i) {
            const std::uint32_t node = nodes[i];
            place[node] = kNone;
            const Component& c = components[component[i]];
            if (c.breaks_weak(classes)) continue;
            const std::uint64_t broken = c.broken_strong(classes);
            if (broken == 0) {
                fair[node] = numbers + component[i];
            } else if ((graph.fair_enabled[node] & broken) == 0) {
                left.push_back(node);
            }
        }
        numbers += count;
        nodes.swap(left);
    }
    return fair;
}

// Walks inside one component, by shortest ways, until what is walked is a fair loop.
class LoopWalk {
  public:
    LoopWalk(const StateGraph& graph, const std::vector<std::uint32_t>& fair, std::uint32_t start,
             const Classes& classes)
        : graph_(graph), fair_(fair), start_(start), classes_(classes), at_(start) {
        visit(start);
    }

    // The edges of the loop; none: it stutters at the start.
    std::vector<std::uint64_t> walk() {
        while (true) {
            if (unmet() != 0) {
                go_to([&](const Edge& edge) {
                    const std::uint64_t disabled = ~graph_.fair_enabled[edge.target];
                    return ((edge.fair | (disabled & classes_.weak)) & unmet()) != 0;
                });
            } else if (at_ != start_) {
                go_to([&](const Edge& edge) { return edge.target == start_; });
            } else {
                return loop_;
            }
        }
    }

  private:
    void visit(std::uint32_t node) {
        const std::uint64_t enabled =
            node < graph_.expanded ? graph_.fair_enabled[node] : std::uint64_t{0};
        anywhere_ |= enabled;
        everywhere_ &= enabled;
    }
    // Classes that the walk so far, closed to a loop, would be unfair to.
    std::uint64_t unmet() const {
        return ((classes_.weak & everywhere_) | (classes_.strong & anywhere_)) & ~taken_;
    }
    // The shortest way whose last edge is as wanted.
    template <class IsWanted>
    void go_to(IsWanted&& is_wanted) {
        std::vector<std::pair<std::uint32_t, std::uint64_t>> queue{{at_, 0}};  // node, edge to it
        std::vector<std::size_t> before{0};
        came_to_.resize(graph_.size(), 0);
        const std::uint32_t round = ++round_;
        came_to_[at_] = round;
        for (std::size_t i = 0; i < queue.size(); ++i) {
            const std::uint32_t node = queue[i].first;
            std::uint64_t number = graph_.first_edges[node];
            for (const Edge& edge : graph_.edges_of(node)) {
                const std::uint64_t edge_number = number++;
                if (fair_[edge.target] != fair_[start_]) continue;
                if (is_wanted(edge)) {
                    std::vector<std::uint64_t> way{edge_number};
                    for (std::size_t j = i; j != 0; j = before[j]) way.push_back(queue[j].second);
                    take(way);
                    return;
                }
                if (came_to_[edge.target] == round) continue;
                came_to_[edge.target] = round;
                queue.emplace_back(edge.target, edge_number);
                before.push_back(i);
            }
        }
        CHECK(false && "a fair component has what its loop needs");
    }
    void take(const std::vector<std::uint64_t>& backwards) {
        for (auto edge = backwards.rbegin(); edge != backwards.rend(); ++edge) {
            loop_.push_back(*edge);
            taken_ |= graph_.edges[*edge].fair;
            at_ = graph_.edges[*edge].target;
            visit(at_);
        }
    }

    const StateGraph& graph_;
    const std::vector<std::uint32_t>& fair_;
    std::uint32_t start_;
    Classes classes_;
    std::uint32_t at_;
    std::vector<std::uint64_t> loop_;
    std::uint64_t taken_ = 0;
    std::uint64_t anywhere_ = 0;
    std::uint64_t everywhere_ = ~std::uint64_t{0};
    std::vector<std::uint32_t> came_to_;  // by node, the last round that did
    std::uint32_t round_ = 0;
};

std::uint64_t edge_between(const StateGraph& graph, std::uint32_t from, std::uint32_t to) {
    std::uint64_t number = graph.first_edges[from];
    for (const Edge& edge : graph.edges_of(from)) {
        if (edge.target == to) return number;
        ++number;
    }
    CHECK(false && "neighbours on a path have an edge");
    return number;
}

Lasso lasso_to(const StateGraph& graph, const Region& region, std::uint32_t node,
               const std::vector<std::uint64_t>& loop) {
    std::vector<std::uint32_t> inside;
    std::uint32_t at = node;
    for (; region.from[at] != Region::kEntry; at = region.from[at]) inside.push_back(at);
    Lasso lasso;
    lasso.nodes = graph.shortest_path_to(at);
    lasso.nodes.insert(lasso.nodes.end(), inside.rbegin(), inside.rend());
    for (std::size_t i = 1; i < lasso.nodes.size(); ++i) {
        lasso.edges.push_back(edge_between(graph, lasso.nodes[i - 1], lasso.nodes[i]));
    }
    lasso.loop_start = lasso.nodes.size() - 1;
    for (const std::uint64_t edge : loop) {
        lasso.edges.push_back(edge);
        lasso.nodes.push_back(graph.edges[edge].target);
    }
    if (!loop.empty()) lasso.nodes.pop_back();  // the start again
    return lasso;
}

}  // namespace

std::optional<Lasso> find_fair_lasso(const StateGraph& graph, int trigger, unsigned predicate,
                                     std::span<const FairnessClass> fairness) {
    Classes classes;
    std::uint64_t bit = 1;
    for (const FairnessClass& c : fairness) {
        (c.kind == FairnessKind::weak ? classes.weak : classes.strong) |= bit;
        bit <<= 1;
    }
    const Region region = region_of(graph, trigger, predicate, classes);
    // Where nothing is demanded a behaviour may stop: the most readable of lassos.
    const auto may_stop = [&](std::uint32_t node) {
        return classes.any() == 0 || (graph.fair_enabled[node] & classes.any()) == 0;
    };
    std::size_t stop = 0;
    while (stop < region.order.size() && !may_stop(region.order[stop])) ++stop;
    const bool stops = stop < region.order.size();
    if (stops && stop == 0) return lasso_to(graph, region, region.order[stop], {});

    const std::vector<std::uint32_t> fair = fair_components(graph, region.order, classes);
    const auto first = std::find_if(region.order.begin(), region.order.end(),
                                    [&](std::uint32_t node) { return fair[node] != kNone; }) -
                       region.order.begin();
    const auto start = static_cast<std::size_t>(first);
    if (start == region.order.size()) return std::nullopt;
    const auto loop = LoopWalk(graph, fair, region.order[start], classes).walk();
    if (stops && region.depth[stop] <= region.depth[start] + loop.size()) {
        return lasso_to(graph, region, region.order[stop], {});
    }
    return lasso_to(graph, region, region.order[start], loop);
}

std::string liveness_note(const StateGraph& graph) {
    return "no violation in the " + std::to_string(graph.size()) +
           " states that were looked at; there are more (" + graph.truncated_by + ")";
}

}  // namespace tribunal
