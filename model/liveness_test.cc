// Liveness against an oracle that shares nothing with it: it tries every set of states as the set
// that a behaviour visits for ever.
#include "model/liveness.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "broker/base/prng.h"
#include "model/naive.h"
#include "model/specs/dining_philosophers.h"

namespace tribunal {
namespace {

// --- a model that is written down ---------------------------------------------------------------

struct Table {
    struct State {
        std::uint64_t node = 0;
        bool operator==(const State&) const = default;
    };
    struct Step {
        std::uint64_t from = 0;
        std::uint64_t to = 0;
        std::uint64_t fair = 0;
    };
    std::vector<std::uint64_t> initial{0};
    std::vector<Step> steps;
    std::vector<std::uint64_t> holds;  // predicates by node
    std::vector<FairnessClass> classes;
    std::vector<PropertySpec> specs{{"progress", PropertyKind::eventually, -1}};

    template <class Emit>
    void initial_states(Emit&& emit) const {
        for (const std::uint64_t node : initial) emit(State{node});
    }
    template <class Emit>
    void successors(const State& s, Emit&& emit) const {
        for (std::size_t i = 0; i < steps.size(); ++i) {
            if (steps[i].from != s.node) continue;
            emit(Action{0, static_cast<std::uint16_t>(i)}, State{steps[i].to});
        }
    }
    Digest128 digest(const State& s) const { return digest_of_words(s); }
    std::vector<std::string_view> action_names() const { return {"Step"}; }
    const std::vector<PropertySpec>& properties() const { return specs; }
    std::uint64_t predicates(const State& s) const { return holds[s.node]; }
    std::string describe(const State&, Action a) const {
        return "Step(" + std::to_string(a.detail) + ")";
    }
    StateText show(const State& s) const { return {{"node", std::to_string(s.node)}}; }
    std::vector<FairnessClass> fairness() const { return classes; }
    std::uint64_t fair_classes(const State&, Action a) const { return steps[a.detail].fair; }

    bool is_true(std::uint64_t node, unsigned bit) const { return ((holds[node] >> bit) & 1) != 0; }
    std::uint64_t enabled(std::uint64_t node) const {
        std::uint64_t classes_here = 0;
        for (const Step& s : steps) {
            if (s.from == node && s.to != node) classes_here |= s.fair;
        }
        return classes_here;
    }
    bool is_strong(std::size_t c) const { return classes[c].kind == FairnessKind::strong; }
};

SearchResult decide(const Table& model, std::uint64_t max_states = 0) {
    SearchResult result;
    for (const PropertySpec& spec : model.specs) {
        result.properties.push_back({std::string(spec.name), spec.kind, {}, {}, {}, {}, 0, {}});
    }
    SearchOptions options;
    options.max_states = max_states;
    decide_eventually(model, options, result);
    return result;
}

FairnessClass weak(const char* name) { return {name, FairnessKind::weak}; }
FairnessClass strong(const char* name) { return {name, FairnessKind::strong}; }

// --- the oracle
// -----------------------------------------------------------------------------------

using Nodes = std::uint64_t;  // a set, as bits
bool in(Nodes set, std::uint64_t node) { return ((set >> node) & 1) != 0; }

Nodes reach(const Table& m, Nodes from, Nodes within) {
    Nodes reached = from & within;
    for (std::size_t round = 0; round < m.holds.size(); ++round) {
        for (const Table::Step& s : m.steps) {
            if (in(reached, s.from) && in(within, s.to)) reached |= Nodes{1} << s.to;
        }
    }
    return reached;
}

bool is_fair_forever(const Table& m, Nodes set) {
    for (std::size_t c = 0; c < m.classes.size(); ++c) {
        bool is_taken = false;
        bool is_possible_somewhere = false;
        bool is_possible_everywhere = true;
        for (const Table::Step& s : m.steps) {
            is_taken |=
                s.from != s.to && in(set, s.from) && in(set, s.to) && ((s.fair >> c) & 1) != 0;
        }
        for (std::uint64_t node = 0; node < m.holds.size(); ++node) {
            if (!in(set, node)) continue;
            const bool possible = ((m.enabled(node) >> c) & 1) != 0;
            is_possible_somewhere |= possible;
            is_possible_everywhere &= possible;
        }
        if (!is_taken && (m.is_strong(c) ? is_possible_somewhere : is_possible_everywhere)) {
            return false;
        }
    }
    return true;
}

bool oracle_finds_violation(const Table& m, int trigger, unsigned predicate) {
    Nodes all = 0, without = 0, starts = 0, initial = 0;
    for (std::uint64_t node = 0; node < m.holds.size(); ++node) {
        all |= Nodes{1} << node;
        if (!m.is_true(node, predicate)) without |= Nodes{1} << node;
        if (trigger >= 0 && m.is_true(node, static_cast<unsigned>(trigger))) {
            starts |= Nodes{1} << node;
        }
    }
    for (const std::uint64_t node : m.initial) initial |= Nodes{1} << node;
    starts = trigger < 0 ? initial : starts & reach(m, initial, all);
    const Nodes reachable = reach(m, starts, without);
    for (Nodes set = 1; set <= all; ++set) {
        if ((set & reachable) != set) continue;
        bool connected = true;
        for (std::uint64_t node = 0; node < m.holds.size() && connected; ++node) {
            if (in(set, node)) connected = reach(m, Nodes{1} << node, set) == set;
        }
        if (connected && is_fair_forever(m, set)) return true;
    }
    return false;
}

// --- is the lasso one?
// ------------------------------------------------------------------------------

std::uint64_t node_of(const PathStep& step) { return std::stoull(step.state[0].second); }

// Empty, or what is wrong with it.
std::string wrong_with(const Table& m, const PropertyResult& r, int trigger, unsigned predicate) {
    if (r.path.empty() || !r.loop_start || *r.loop_start >= r.path.size()) return "no lasso";
    const bool stutters = r.actions.size() + 1 == r.path.size();
    if (!stutters && r.actions.size() != r.path.size()) return "steps and states do not match";
    if (stutters && *r.loop_start != r.path.size() - 1) return "does not close";
    std::vector<std::uint64_t> nodes;
    for (const PathStep& step : r.path) nodes.push_back(node_of(step));
    if (std::count(m.initial.begin(), m.initial.end(), nodes[0]) == 0) return "not initial";
    for (std::size_t i = 0; i < r.actions.size(); ++i) {
        const Table::Step& s = m.steps[r.actions[i].detail];
        const std::uint64_t to = i + 1 < nodes.size() ? nodes[i + 1] : nodes[*r.loop_start];
        if (s.from != nodes[i] || s.to != to) return "not a path";
    }
    // Some trigger, and never the predicate from there on: also not in the loop before it.
    std::size_t clean = nodes.size();
    while (clean > 0 && !m.is_true(nodes[clean - 1], predicate)) --clean;
    if (clean > *r.loop_start) return "the loop has the predicate";
    bool is_triggered = trigger < 0 && clean == 0;
    for (std::size_t i = clean; i < nodes.size() && trigger >= 0; ++i) {
        is_triggered |= m.is_true(nodes[i], static_cast<unsigned>(trigger));
    }
    if (!is_triggered) return "no trigger";
    for (std::size_t c = 0; c < m.classes.size(); ++c) {
        bool is_taken = false, is_possible = false, is_impossible = false;
        for (std::size_t i = *r.loop_start; i < nodes.size(); ++i) {
            ((m.enabled(nodes[i]) >> c) & 1) != 0 ? is_possible = true : is_impossible = true;
            if (i >= r.actions.size()) continue;
            const Table::Step& s = m.steps[r.actions[i].detail];
            is_taken |= s.from != s.to && ((s.fair >> c) & 1) != 0;
        }
        if (!is_taken && (m.is_strong(c) ? is_possible : !is_impossible)) return "not fair";
    }
    return "";
}

// --- random graphs
// -----------------------------------------------------------------------------------

Table random_table(Prng& prng) {
    Table m;
    const std::uint64_t nodes = 1 + prng.below(6);
    const std::uint64_t edges = nodes + prng.below(2 * nodes + 1);
    const std::uint64_t classes = prng.below(8) == 0 ? 0 : 1 + prng.below(3);
    // Bit 0: the predicate, true in some nodes only; bit 5: the trigger.
    for (std::uint64_t n = 0; n < nodes; ++n) {
        m.holds.push_back((prng.below(4) == 0 ? 1u : 0u) | (prng.below(3) == 0 ? 32u : 0u));
    }
    if (nodes > 1 && prng.below(3) == 0) m.initial.push_back(1);
    for (std::uint64_t c = 0; c < classes; ++c) {
        m.classes.push_back(prng.below(2) == 0 ? weak("W") : strong("S"));
    }
    for (std::uint64_t e = 0; e < edges; ++e) {
        const std::uint64_t from = prng.below(nodes);
        m.steps.push_back({from, prng.below(nodes), (prng.next() & 7) | (prng.next() & 7)});
    }
    for (Table::Step& s : m.steps) s.fair &= (std::uint64_t{1} << classes) - 1;
    m.specs[0].trigger = prng.below(2) == 0 ? -1 : 5;
    return m;
}

TEST(liveness, agrees_with_the_oracle_on_random_graphs) {
    Prng prng{20261122};
    std::array<int, 2> verdicts{};
    int loops = 0;
    for (int round = 0; round < 20000; ++round) {
        const Table m = random_table(prng);
        const PropertyResult r = decide(m).properties[0];
        const bool violated = oracle_finds_violation(m, m.specs[0].trigger, 0);
        ASSERT_EQ(r.verdict, violated ? Verdict::fail : Verdict::pass) << "round " << round;
        ++verdicts[violated ? 1 : 0];
        if (!violated) continue;
        ASSERT_EQ(wrong_with(m, r, m.specs[0].trigger, 0), "") << "round " << round;
        if (r.actions.size() == r.path.size()) ++loops;
    }
    EXPECT_GT(verdicts[0], 1000);
    EXPECT_GT(verdicts[1], 1000);
    EXPECT_GT(loops, 1000) << "of the violations, those that do not just stutter";
}

// A cut graph may leave a verdict open; it never gives a wrong one.
TEST(liveness, a_cut_graph_gives_no_wrong_verdict) {
    Prng prng{7};
    std::array<int, 3> verdicts{};
    for (int round = 0; round < 5000; ++round) {
        const Table m = random_table(prng);
        const PropertyResult r = decide(m, 1 + prng.below(4)).properties[0];
        const bool violated = oracle_finds_violation(m, m.specs[0].trigger, 0);
        if (r.verdict == Verdict::inconclusive) {
            ++verdicts[2];
            ASSERT_NE(r.note, "");
            continue;
        }
        ASSERT_EQ(r.verdict, violated ? Verdict::fail : Verdict::pass) << "round " << round;
        ++verdicts[violated ? 1 : 0];
        if (violated) {
            ASSERT_EQ(wrong_with(m, r, m.specs[0].trigger, 0), "");
        }
    }
    for (const int n : verdicts) EXPECT_GT(n, 100);
}

// --- small systems
// ------------------------------------------------------------------------------------

// The lock is free (0) or with the other one (1), again and again; taking it needs it free (to 2).
Table lock_with_rival(FairnessClass mine) {
    Table m;
    m.steps = {{0, 1, 2}, {1, 0, 4}, {0, 2, 1}};
    m.holds = {0, 0, 1};
    m.classes = {std::move(mine), weak("RivalTakes"), weak("RivalGives")};
    return m;
}

TEST(liveness, weak_fairness_lets_a_rival_starve_us) {
    const PropertyResult r = decide(lock_with_rival(weak("Take"))).properties[0];
    EXPECT_EQ(r.verdict, Verdict::fail);
    ASSERT_EQ(r.path.size(), 2u);
    EXPECT_EQ(r.loop_start, 0u);
    EXPECT_EQ(r.path[1].action, "Step(0)");
    EXPECT_EQ(r.actions.size(), 2u) << "with the step that closes the loop";
}
TEST(liveness, strong_fairness_does_not) {
    EXPECT_EQ(decide(lock_with_rival(strong("Take"))).properties[0].verdict, Verdict::pass);
}

TEST(liveness, a_token_goes_round_only_if_it_must) {
    Table m;
    for (std::uint64_t node = 0; node < 5; ++node) m.steps.push_back({node, (node + 1) % 5, 1});
    m.holds = {0, 0, 0, 0, 1};
    PropertyResult r = decide(m).properties[0];
    EXPECT_EQ(r.verdict, Verdict::fail) << "without fairness it stays where it is";
    EXPECT_EQ(r.path.size(), 1u);
    EXPECT_EQ(r.loop_start, 0u);
    m.classes = {weak("Pass")};
    EXPECT_EQ(decide(m).properties[0].verdict, Verdict::pass);
    // And always again: from each state without the predicate.
    m.specs[0].trigger = 1;
    m.holds = {2, 2, 2, 2, 1};
    EXPECT_EQ(decide(m).properties[0].verdict, Verdict::pass);
}

TEST(liveness, a_step_that_changes_nothing_is_no_step) {
    Table m;
    m.steps = {{0, 0, 1}, {0, 1, 2}};
    m.holds = {0, 1};
    m.classes = {weak("Idle"), strong("Unfair")};
    EXPECT_EQ(decide(m).properties[0].verdict, Verdict::pass) << "class 1 has to be taken";
    m.steps = {{0, 0, 2}, {0, 1, 0}};
    const PropertyResult r = decide(m).properties[0];
    EXPECT_EQ(r.verdict, Verdict::fail) << "its only step changes nothing";
    EXPECT_EQ(r.path.size(), 1u);
}

// 0 -> 1 -> 2 -> 3 -> 0 enables a strong class in 2, and so must leave by it; 4 <-> 5 hides behind
// it and enables nothing: found only when the first component has been decomposed again.
TEST(liveness, a_fair_loop_hides_inside_an_unfair_component) {
    Table m;
    m.steps = {{0, 1, 0}, {1, 2, 0}, {2, 3, 0}, {3, 0, 0}, {1, 4, 0},
               {4, 1, 0}, {1, 5, 0}, {5, 1, 0}, {2, 6, 1}, {0, 6, 1}};
    m.holds = {0, 0, 0, 0, 0, 0, 1};
    m.classes = {strong("Leave"), weak("Move")};
    for (Table::Step& s : m.steps) s.fair |= 2;
    const PropertyResult r = decide(m).properties[0];
    EXPECT_EQ(r.verdict, Verdict::fail);
    EXPECT_EQ(wrong_with(m, r, -1, 0), "");
    EXPECT_EQ(r.path.size(), 3u) << "0, then 1 and 4 for ever";
    EXPECT_EQ(r.loop_start, 1u);
}

TEST(liveness, nobody_starves_at_the_table_of_chandy_and_misra) {
    const DiningPhilosophers model(4);
    const StateGraph graph = build_state_graph(model, {});
    std::vector<FairnessClass> fairness = model.fairness();
    unsigned eventually = 0;
    unsigned bit = 0;
    for (const PropertySpec& spec : model.properties()) {
        const unsigned predicate = bit++;
        if (spec.kind != PropertyKind::eventually) continue;
        ++eventually;
        EXPECT_FALSE(find_fair_lasso(graph, spec.trigger, predicate, fairness)) << spec.name;
        EXPECT_TRUE(find_fair_lasso(graph, spec.trigger, predicate, {})) << spec.name;
    }
    EXPECT_GE(eventually, 1u);
    // One philosopher who may stop thinking of the others starves a neighbour.
    constexpr int hungry = DiningPhilosophers::kHungry;
    constexpr unsigned fed = DiningPhilosophers::kNobodyStarves;
    fairness.pop_back();
    EXPECT_TRUE(find_fair_lasso(graph, hungry, fed, fairness));
}

// --- the graph
// ----------------------------------------------------------------------------------------

TEST(state_graph, has_the_states_levels_and_steps_of_the_naive_search) {
    Prng prng{3};
    for (int round = 0; round < 300; ++round) {
        const Table m = random_table(prng);
        const auto naive = explore_naively(m);
        std::vector<Table::State> states;
        const StateGraph graph = build_state_graph(m, {}, &states);
        ASSERT_EQ(graph.size(), naive.distinct);
        ASSERT_EQ(graph.generated, naive.generated);
        ASSERT_EQ(graph.levels.back(), naive.depth());
        ASSERT_FALSE(graph.truncated);
        std::vector<std::uint64_t> levels(naive.depth());
        for (std::uint32_t node = 0; node < graph.size(); ++node) {
            ++levels[graph.levels[node] - 1];
            ASSERT_EQ(graph.shortest_path_to(node).size(), graph.levels[node]);
            ASSERT_EQ(graph.fair_enabled[node], m.enabled(states[node].node));
        }
        ASSERT_EQ(levels, naive.levels);
        const StateGraphText text = text_of(m, graph, states);
        ASSERT_EQ(text.nodes.size(), graph.size());
        ASSERT_EQ(text.edges.size(), graph.edges.size());
    }
}

TEST(state_graph, says_when_it_was_cut) {
    Table m;
    m.steps = {{0, 1, 0}, {1, 2, 0}, {2, 0, 0}, {2, 1, 0}};
    m.holds = {0, 0, 0};
    m.specs[0].kind = PropertyKind::always;
    std::vector<Table::State> states;
    GraphLimits limits;
    limits.max_states = 2;
    StateGraph graph = build_state_graph(m, limits, &states);
    EXPECT_EQ(graph.size(), 2u);
    EXPECT_EQ(graph.edges.size(), 1u);
    EXPECT_TRUE(graph.truncated);
    EXPECT_EQ(graph.truncated_by, "state limit");
    EXPECT_TRUE(text_of(m, graph, states).truncated);
    EXPECT_EQ(text_of(m, graph, states).nodes[1].violates, 1u);
    limits = {};
    limits.max_depth = 2;
    EXPECT_EQ(build_state_graph(m, limits).truncated_by, "depth limit");
    limits.max_depth = 4;
    EXPECT_FALSE(build_state_graph(m, limits).truncated);
}

}  // namespace
}  // namespace tribunal
