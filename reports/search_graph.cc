// The state graph of a search as DOT, for Graphviz, and as GraphML, for Gephi, yEd and NetworkX:
// both through Boost.Graph, one graph for both.
//
// Marked are initial states, states that violate an `always` property, and the path of the first
// counterexample (without one: of the first witness).
#include <fmt/format.h>
#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/graphml.hpp>
#include <boost/graph/graphviz.hpp>

#include <algorithm>
#include <optional>
#include <set>
#include <sstream>

#include "broker/base/check.h"
#include "reports/escape.h"
#include "reports/search_wording.h"
#include "reports/wording.h"

namespace tribunal {
namespace {

struct Node {
    std::string state;
    const StateText* variables = nullptr;
    std::uint64_t level = 0;
    bool initial = false;
    std::string violates;  // names of `always` properties
    bool on_path = false;
};
struct Edge {
    std::string action;
    bool on_path = false;
};
using Graph = boost::adjacency_list<boost::vecS, boost::vecS, boost::bidirectionalS, Node, Edge,
                                    boost::property<boost::graph_name_t, std::string>>;
using Vertex = boost::graph_traits<Graph>::vertex_descriptor;
using EdgeOf = boost::graph_traits<Graph>::edge_descriptor;

// XML and DOT hold no control character but the line end.
std::string clean(std::string_view text) { return one_line(text); }

std::string violated(const SearchReport& report, std::uint64_t bits) {
    std::string names;
    for (std::size_t i = 0; i < report.result.properties.size() && i < 64; ++i) {
        if (((bits >> i) & 1) == 0) continue;
        names += (names.empty() ? "" : ", ") + clean(report.result.properties[i].name);
    }
    return names;
}

const PropertyResult* property_to_show(const SearchResult& result) {
    const auto paths = paths_of(result);
    return paths.empty() ? nullptr : paths.front();
}

Vertex add_state(Graph& graph, const StateText& state, std::uint64_t level, bool initial,
                 std::string violates) {
    return boost::add_vertex(
        Node{std::string(), &state, level, initial, std::move(violates), false}, graph);
}

Graph graph_of(const SearchReport& report) {
    Graph graph;
    const StateGraphText& text = *report.result.graph;
    for (const GraphNode& node : text.nodes) {
        add_state(graph, node.state, node.level, node.initial, violated(report, node.violates));
    }
    for (const GraphEdge& edge : text.edges) {
        CHECK(edge.from < text.nodes.size());
        CHECK(edge.to < text.nodes.size());
        boost::add_edge(edge.from, edge.to, Edge{clean(edge.action), false}, graph);
    }
    return graph;
}

const StateText& state_of(const Graph& graph, Vertex v) { return *graph[v].variables; }

std::optional<Vertex> find_state(const Graph& graph, const StateText& state) {
    for (const Vertex v : boost::make_iterator_range(boost::vertices(graph))) {
        if (state_of(graph, v) == state) return v;
    }
    return std::nullopt;
}

// The edge of this step; an action is named with its arguments or without.
std::optional<EdgeOf> find_step(const Graph& graph, Vertex from, const PathStep& step) {
    std::optional<EdgeOf> unnamed;
    for (const EdgeOf& edge : boost::make_iterator_range(boost::out_edges(from, graph))) {
        if (state_of(graph, boost::target(edge, graph)) != step.state) continue;
        const std::string& action = graph[edge].action;
        if (action == clean(step.action) || action == clean(step.name)) return edge;
        if (!unnamed) unnamed = edge;
    }
    return unnamed;
}

// Marks the path and returns its states. What the graph does not hold (it was cut, or holds one
// state for all that are symmetric to it) is added.
std::vector<Vertex> mark_path(Graph& graph, const PropertyResult& property) {
    std::vector<Vertex> states;
    for (const PathStep& step : property.path) {
        std::optional<EdgeOf> edge;
        if (!states.empty()) edge = find_step(graph, states.back(), step);
        std::optional<Vertex> state;
        if (edge) {
            state = boost::target(*edge, graph);
        } else {
            state = find_state(graph, step.state);
            if (!state) {
                state = add_state(graph, step.state, states.size() + 1, states.empty(), "");
            }
            if (!states.empty()) {
                edge =
                    boost::add_edge(states.back(), *state, Edge{clean(step.action), false}, graph)
                        .first;
            }
        }
        if (edge) graph[*edge].on_path = true;
        graph[*state].on_path = true;
        states.push_back(*state);
    }
    if (property.loop_start && *property.loop_start + 1 < states.size()) {
        for (const EdgeOf& edge :
             boost::make_iterator_range(boost::out_edges(states.back(), graph))) {
            if (boost::target(edge, graph) == states[*property.loop_start]) {
                graph[edge].on_path = true;
                break;
            }
        }
    }
    return states;
}

// The part that `kept` holds; vertices keep their order.
Graph part_of(const Graph& graph, const std::set<Vertex>& kept) {
    Graph part;
    std::map<Vertex, Vertex> places;
    for (const Vertex v : kept) places[v] = boost::add_vertex(graph[v], part);
    for (const EdgeOf& edge : boost::make_iterator_range(boost::edges(graph))) {
        const auto from = places.find(boost::source(edge, graph));
        const auto to = places.find(boost::target(edge, graph));
        if (from == places.end() || to == places.end()) continue;
        boost::add_edge(from->second, to->second, graph[edge], part);
    }
    return part;
}

// A variable with one value everywhere tells states apart from none: it is left out, unless that
// leaves nothing.
void write_states(Graph& graph, std::string_view between) {
    std::map<std::string, std::set<std::string>> values;
    std::map<std::string, std::size_t> states;
    for (const Vertex v : boost::make_iterator_range(boost::vertices(graph))) {
        for (const auto& [name, value] : state_of(graph, v)) {
            ++states[name];
            if (values[name].size() < 2) values[name].insert(value);
        }
    }
    for (const Vertex v : boost::make_iterator_range(boost::vertices(graph))) {
        std::string all;
        std::string telling;
        for (const auto& [name, value] : state_of(graph, v)) {
            const std::string line = clean(name) + " = " + clean(value);
            all += (all.empty() ? "" : std::string(between)) + line;
            if (values[name].size() < 2 && states[name] == boost::num_vertices(graph)) continue;
            telling += (telling.empty() ? "" : std::string(between)) + line;
        }
        graph[v].state = telling.empty() ? all : telling;
    }
}

Graph graph_to_show(const SearchReport& report, GraphPart part, std::string_view between) {
    CHECK(report.result.graph.has_value());
    Graph graph = graph_of(report);
    const std::size_t whole = boost::num_vertices(graph);
    std::string about = clean(report.model);
    if (const PropertyResult* property = property_to_show(report.result)) {
        const std::vector<Vertex> path = mark_path(graph, *property);
        const char* what =
            property->verdict == Verdict::fail ? "counterexample to " : "witness of ";
        about += std::string("; ") + what + clean(property->name);
        if (part == GraphPart::around_counterexample) {
            std::set<Vertex> kept(path.begin(), path.end());
            for (const Vertex v : path) {
                for (const EdgeOf& edge : boost::make_iterator_range(boost::out_edges(v, graph)))
                    kept.insert(boost::target(edge, graph));
                for (const EdgeOf& edge : boost::make_iterator_range(boost::in_edges(v, graph)))
                    kept.insert(boost::source(edge, graph));
            }
            graph = part_of(graph, kept);
            about += fmt::format("; {} of {}", boost::num_vertices(graph), plural(whole, "state"));
        }
    }
    if (report.result.graph->truncated) {
        about += fmt::format("; cut after {}", plural(report.result.graph->nodes.size(), "state"));
    }
    boost::get_property(graph, boost::graph_name) = about;
    write_states(graph, between);
    return graph;
}

// A quoted DOT string; line ends become left-aligned breaks.
std::string dot_text(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        if (c == '\n') {
            out += "\\l";
        } else {
            out += c;
        }
    }
    return out + "\"";
}

}  // namespace

std::string to_dot(const SearchReport& report, GraphPart part) {
    const Graph graph = graph_to_show(report, part, "\n");
    const auto node = [&](std::ostream& out, Vertex v) {
        const Node& state = graph[v];
        std::string label = state.state + "\n";
        if (!state.violates.empty()) label += "violates " + state.violates + "\n";
        out << "[label=" << dot_text(label);
        if (!state.violates.empty()) out << ", style=filled, fillcolor=\"#f7c6c2\"";
        if (state.initial) out << ", peripheries=2";
        if (state.on_path) out << ", color=\"#b3221a\", penwidth=2";
        out << "]";
    };
    const auto edge = [&](std::ostream& out, const EdgeOf& e) {
        out << "[label=" << dot_text(graph[e].action);
        if (graph[e].on_path) out << ", color=\"#b3221a\", penwidth=2";
        out << "]";
    };
    const auto about = [&](std::ostream& out) {
        out << "label=" << dot_text(boost::get_property(graph, boost::graph_name))
            << ";\nlabelloc=t;\nnode [shape=box, fontname=monospace, fontsize=10];\n"
            << "edge [fontsize=10];\n";
    };
    std::ostringstream out;
    boost::write_graphviz(out, graph, node, edge, about);
    return out.str();
}

std::string to_graphml(const SearchReport& report, GraphPart part) {
    // Readers of XML may make one space of a line end.
    Graph graph = graph_to_show(report, part, " /\\ ");
    boost::dynamic_properties keys;
    keys.property("about", boost::ref_property_map<Graph*, std::string>(
                               boost::get_property(graph, boost::graph_name)));
    keys.property("state", boost::get(&Node::state, graph));
    keys.property("level", boost::get(&Node::level, graph));
    keys.property("initial", boost::get(&Node::initial, graph));
    keys.property("violates", boost::get(&Node::violates, graph));
    keys.property("on_path", boost::get(&Node::on_path, graph));
    keys.property("action", boost::get(&Edge::action, graph));
    keys.property("on_path", boost::get(&Edge::on_path, graph));
    std::ostringstream out;
    boost::write_graphml(out, graph, keys, true);
    return out.str();
}

}  // namespace tribunal
