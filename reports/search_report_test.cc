// What a search looks like to people and programs: text, JSON, page and graphs of one small sample,
// the two jugs of Die Hard, whose numbers can be checked by hand.
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/graphml.hpp>
#include <boost/graph/graphviz.hpp>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "broker/base/check.h"
#include "reports/search_report.h"
#include "reports/search_wording.h"

namespace tribunal {
namespace {

using Json = nlohmann::json;

StateText jugs(int big, int small) {
    return {{"big", std::to_string(big)}, {"small", std::to_string(small)}, {"goal", "4"}};
}

PathStep step(const std::string& action, int big, int small) {
    return {action, jugs(big, small), action};
}

PropertyResult property(const std::string& name, PropertyKind kind, Verdict verdict) {
    PropertyResult result;
    result.name = name;
    result.kind = kind;
    result.verdict = verdict;
    return result;
}

constexpr const char* kSteps[] = {"FillBig",    "BigToSmall", "EmptySmall",
                                  "BigToSmall", "FillBig",    "BigToSmall"};
constexpr int kJugs[][2] = {{0, 0}, {5, 0}, {2, 3}, {2, 0}, {0, 2}, {5, 2}, {4, 3}};

// The shortest way to four gallons, a lasso, a behaviour that stutters, a witness, and one each of
// the rest.
SearchResult sample_result() {
    SearchResult result;
    result.distinct = 16;
    result.generated = 97;
    result.levels = {1, 2, 3, 2, 2, 2, 2, 2};
    result.depth = 8;
    result.complete = true;
    result.coverage = {{"BigToSmall", 16}, {"EmptySmall", 16}, {"FillBig", 16}, {"Pray", 0}};
    result.seen_set_bytes = 392;
    result.peak_memory_bytes = 3 << 20;
    result.elapsed_ns = 2'000'000;
    result.cpu_ns = 4'000'000;
    result.collision_estimate = "3.5e-37";

    PropertyResult holds = property("TypeOK", PropertyKind::always, Verdict::pass);
    PropertyResult broken = property("NotSolved", PropertyKind::always, Verdict::fail);
    broken.path.push_back(step("", 0, 0));
    for (std::size_t i = 0; i < std::size(kSteps); ++i) {
        broken.path.push_back(step(kSteps[i], kJugs[i + 1][0], kJugs[i + 1][1]));
        broken.actions.push_back(Action{static_cast<std::uint16_t>(i), 0});
    }
    broken.violating_states = 2;
    PropertyResult witness = property("BothFull", PropertyKind::sometimes, Verdict::pass);
    witness.path = {step("", 0, 0), step("FillBig", 5, 0), step("FillSmall", 5, 3)};
    witness.violating_states = 1;
    PropertyResult never = property("Overflow", PropertyKind::sometimes, Verdict::fail);
    PropertyResult lasso = property("Settles", PropertyKind::eventually, Verdict::fail);
    lasso.path = {step("", 0, 0), step("FillBig", 5, 0), step("FillSmall", 5, 3)};
    lasso.loop_start = 1;
    PropertyResult stutters = property("Moves", PropertyKind::eventually, Verdict::fail);
    stutters.path = {step("", 0, 0), step("FillBig", 5, 0)};
    stutters.loop_start = 1;
    PropertyResult undecided = property("Ends", PropertyKind::eventually, Verdict::inconclusive);
    undecided.note = "not decided";
    result.properties = {holds, broken, witness, never, lasso, stutters, undecided};

    StateGraphText graph;
    for (const auto& [big, small] : kJugs) {
        const bool solved = big == 4;
        graph.nodes.push_back({graph.nodes.size() + 1, graph.nodes.empty(),
                               solved ? std::uint64_t{2} : 0, jugs(big, small)});
    }
    for (std::size_t i = 0; i < std::size(kSteps); ++i)
        graph.edges.push_back({i, i + 1, kSteps[i]});
    // A neighbour of the path, and a state far from it.
    graph.nodes.push_back({2, false, 0, jugs(0, 3)});
    graph.nodes.push_back({3, false, 0, jugs(3, 0)});
    graph.edges.push_back({0, 7, "FillSmall"});
    graph.edges.push_back({7, 8, "SmallToBig"});
    graph.edges.push_back({7, 0, "EmptySmall"});
    result.graph = graph;
    return result;
}

SearchReport sample() {
    SearchReport report;
    report.model = "DieHard";
    report.constants = {{"Big", "5"}, {"Small", "3"}, {"rule", "fair"}};
    report.command = "./tribunal check DieHard";
    report.result = sample_result();
    return report;
}

// Everything decided and held.
SearchReport held() {
    SearchReport report = sample();
    auto& properties = report.result.properties;
    properties.erase(std::remove_if(properties.begin(), properties.end(),
                                    [](const auto& p) { return p.verdict != Verdict::pass; }),
                     properties.end());
    return report;
}

bool has_line(const std::string& text, const std::string& line) {
    return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

// --- what it comes to
// -----------------------------------------------------------------------------

TEST(search_outcome, a_failure_outweighs_what_is_undecided) {
    EXPECT_EQ(outcome_of(sample()), SearchOutcome::fail);
    EXPECT_EQ(outcome_of(held()), SearchOutcome::pass);
}

TEST(search_outcome, a_limit_leaves_it_open) {
    SearchReport report = held();
    report.result.complete = false;
    report.result.stopped_by = "max states";
    EXPECT_EQ(outcome_of(report), SearchOutcome::inconclusive);
    EXPECT_NE(outcome_reasons(report).find("not everything was searched: max states"),
              std::string::npos);
}

TEST(search_outcome, liveness_that_was_not_asked_for_is_not_missed) {
    SearchReport report = held();
    report.result.properties.push_back(sample_result().properties.back());
    EXPECT_EQ(outcome_of(report), SearchOutcome::inconclusive);
    report.liveness = false;
    EXPECT_EQ(outcome_of(report), SearchOutcome::pass);
}

TEST(search_outcome, expectations_decide_and_nothing_else_may_fail) {
    SearchReport report = held();
    report.result.properties.push_back(sample_result().properties[1]);
    expect(report, "NotSolved", Verdict::fail);
    EXPECT_EQ(outcome_of(report), SearchOutcome::as_expected);
    report.result.properties.push_back(sample_result().properties[4]);
    EXPECT_EQ(outcome_of(report), SearchOutcome::not_as_expected);
    expect(report, "Settles", Verdict::fail);
    EXPECT_EQ(outcome_of(report), SearchOutcome::as_expected);
    expect(report, "TypeOK", Verdict::fail);
    EXPECT_EQ(outcome_of(report), SearchOutcome::not_as_expected);
    EXPECT_THROW(expect(report, "Typo", Verdict::pass), std::invalid_argument);
}

TEST(search_outcome, stopping_at_a_violation_that_was_expected_is_an_answer) {
    SearchReport report = held();
    report.result.properties.push_back(sample_result().properties[1]);
    report.result.properties[0].verdict = Verdict::inconclusive;
    report.result.complete = false;
    report.result.stopped_by = "first violation";
    expect(report, "NotSolved", Verdict::fail);
    EXPECT_EQ(outcome_of(report), SearchOutcome::inconclusive);
    report.stop_at_first = true;
    EXPECT_EQ(outcome_of(report), SearchOutcome::as_expected);
    expect(report, "TypeOK", Verdict::pass);
    EXPECT_EQ(outcome_of(report), SearchOutcome::inconclusive);
}

TEST(search_outcome, changes_are_those_of_the_variables) {
    const auto changes = changes_between({{"a", "1"}, {"b", "2"}, {"gone", "3"}},
                                         {{"new", "0"}, {"a", "1"}, {"b", "5"}});
    ASSERT_EQ(changes.size(), 3u);
    EXPECT_EQ(changes[0].name, "new");
    EXPECT_EQ(changes[0].before, nullptr);
    EXPECT_EQ(changes[1].name, "b");
    EXPECT_EQ(*changes[1].before + *changes[1].after, "25");
    EXPECT_EQ(changes[2].name, "gone");
    EXPECT_EQ(changes[2].after, nullptr);
}

// --- text
// -----------------------------------------------------------------------------------------

TEST(search_text, steps_show_only_what_changed) {
    const std::string text = to_text(sample());
    EXPECT_NE(text.find("   1  initial state\n        big = 0\n        small = 0\n"
                        "        goal = 4\n   2  FillBig\n        big: 0 -> 5\n"
                        "   3  BigToSmall\n        big: 5 -> 2\n        small: 0 -> 3\n"),
              std::string::npos)
        << text;
    EXPECT_NE(text.find("counterexample of 7 states, the shortest; 2 states violate it"),
              std::string::npos);
    EXPECT_TRUE(has_line(text, "states    16 distinct, 97 generated, depth 8 levels"));
    EXPECT_TRUE(has_line(text, "levels    1 2 3 2 2 2 2 2"));
    EXPECT_TRUE(has_line(text, "with      Big=5 Small=3 rule=fair"));
    EXPECT_TRUE(has_line(text, "  NEVER TAKEN: Pray"));
    EXPECT_TRUE(has_line(text, "rerun     ./tribunal check DieHard"));
}

TEST(search_text, a_lasso_says_where_it_goes_on) {
    const std::string text = to_text(sample());
    EXPECT_TRUE(has_line(text, "      back to state 2 for ever")) << text;
    EXPECT_TRUE(has_line(text, "   2  FillBig   <- the loop"));
    EXPECT_TRUE(has_line(text, "      stutters for ever at state 2"));
    // A lasso need not be the shortest one.
    EXPECT_NE(text.find("counterexample of 3 states; back to state 2 for ever\n"),
              std::string::npos);
}

TEST(search_text, long_values_stand_under_each_other) {
    SearchReport report = sample();
    const std::string before(60, 'a');
    const std::string after(60, 'b');
    report.result.properties[1].path[0].state[2].second = before;
    report.result.properties[1].path[1].state[2].second = after;
    EXPECT_NE(to_text(report).find("        goal:\n            " + before + "\n         -> " +
                                   after + "\n"),
              std::string::npos);
}

TEST(search_text, figures_of_the_machine_have_lines_of_their_own) {
    SearchReport fast = sample();
    SearchReport slow = sample();
    slow.result.cpu_ns *= 7;
    slow.result.elapsed_ns *= 9;
    slow.result.peak_memory_bytes *= 3;
    slow.result.seen_set_bytes *= 5;
    const auto without_machine = [](const std::string& text) {
        std::istringstream in(text);
        std::string rest;
        for (std::string line; std::getline(in, line);) {
            const std::string label = line.substr(0, line.find(' '));
            if (label != "rate" && label != "memory" && label != "time") rest += line + "\n";
        }
        return rest;
    };
    EXPECT_NE(to_text(fast), to_text(slow));
    EXPECT_EQ(without_machine(to_text(fast)), without_machine(to_text(slow)));
    EXPECT_NE(to_text(fast).find("rate      24,250 generated a second of CPU"), std::string::npos);
    EXPECT_NE(to_text(fast).find("memory    peak 3.0 MiB, seen set 392 B, 24.5 bytes a state"),
              std::string::npos);
    fast.timings = slow.timings = false;
    EXPECT_EQ(to_text(fast), to_text(slow));
    EXPECT_EQ(to_text(fast), without_machine(to_text(sample())));
}

TEST(search_text, a_limit_says_how_to_go_on) {
    SearchReport report = held();
    report.result.complete = false;
    report.result.stopped_by = "time limit";
    report.result.resume_with = "die.checkpoint";
    report.continue_with = "./tribunal check DieHard --resume die.checkpoint";
    const std::string text = to_text(report);
    EXPECT_TRUE(has_line(text, "saved     die.checkpoint"));
    EXPECT_TRUE(has_line(text, "continue  ./tribunal check DieHard --resume die.checkpoint"));
    EXPECT_NE(text.find("VERDICT   INCONCLUSIVE"), std::string::npos);
    EXPECT_NE(text.find("(time limit)"), std::string::npos);
}

TEST(search_text, no_byte_of_a_model_commands_the_terminal) {
    SearchReport report = sample();
    report.model = "a\033[2Jb";
    report.result.properties[1].path[1].action = "x\ny";
    report.result.properties[1].path[1].state[0].second = "\033]0;title\007";
    const std::string text = to_text(report);
    EXPECT_EQ(text.find('\033'), std::string::npos);
    EXPECT_EQ(text.find('\007'), std::string::npos);
    EXPECT_NE(to_text(report, true).find("\033[1;31m"), std::string::npos);
}

// --- JSON
// -----------------------------------------------------------------------------------------

TEST(search_json, says_what_was_found) {
    const Json json = Json::parse(to_json(sample()));
    EXPECT_EQ(json.at("model"), "DieHard");
    EXPECT_EQ(json.at("constants"), (Json{{"Big", 5}, {"Small", 3}, {"rule", "fair"}}));
    EXPECT_EQ(json.at("distinct"), 16);
    EXPECT_EQ(json.at("generated"), 97);
    EXPECT_EQ(json.at("depth"), 8);
    EXPECT_EQ(json.at("levels"), Json({1, 2, 3, 2, 2, 2, 2, 2}));
    EXPECT_EQ(json.at("complete"), true);
    EXPECT_EQ(json.at("outcome"), "FAIL");
    EXPECT_EQ(json.at("states_per_second"), 48'500);
    EXPECT_EQ(json.at("generated_per_cpu_second"), 24'250);
    EXPECT_EQ(json.at("cpu_seconds"), 0.004);
    EXPECT_EQ(json.at("peak_memory_bytes"), 3 << 20);
    EXPECT_EQ(json.at("bytes_per_state"), 24.5);
    EXPECT_EQ(json.at("collision_estimate"), "3.5e-37");
    EXPECT_EQ(json.at("coverage").at("FillBig"), 16);
    EXPECT_EQ(json.at("never_taken"), Json({"Pray"}));

    const Json& broken = json.at("properties").at(1);
    EXPECT_EQ(broken.at("name"), "NotSolved");
    EXPECT_EQ(broken.at("kind"), "always");
    EXPECT_EQ(broken.at("verdict"), "FAIL");
    EXPECT_EQ(broken.at("length"), 7);
    EXPECT_EQ(broken.at("actions"), Json(std::vector<std::string>(kSteps, kSteps + 6)));
    EXPECT_EQ(broken.at("path").at(6).at("state").at("big"), "4");
    EXPECT_EQ(broken.at("violating_states"), 2);
    EXPECT_TRUE(broken.at("loop_start").is_null());

    EXPECT_EQ(json.at("properties").at(0).at("length"), 0);
    EXPECT_EQ(json.at("properties").at(4).at("loop_start"), 1);
    EXPECT_EQ(json.at("properties").at(4).at("stutters"), false);
    EXPECT_EQ(json.at("properties").at(5).at("stutters"), true);
    EXPECT_EQ(json.at("properties").at(6).at("note"), "not decided");
}

TEST(search_json, without_figures_of_the_machine_they_are_null) {
    SearchReport report = sample();
    report.timings = false;
    const Json json = Json::parse(to_json(report));
    for (const char* key :
         {"states_per_second", "generated_per_cpu_second", "elapsed_seconds", "cpu_seconds",
          "peak_memory_bytes", "seen_set_bytes", "bytes_per_state"}) {
        EXPECT_TRUE(json.at(key).is_null()) << key;
    }
}

TEST(search_json, an_empty_result_is_an_object_too) {
    const Json json = Json::parse(to_json(SearchReport{}));
    EXPECT_EQ(json.at("distinct"), 0);
    EXPECT_EQ(json.at("states_per_second"), 0);
    EXPECT_TRUE(json.at("properties").is_array());
}

// --- page
// -----------------------------------------------------------------------------------------

TEST(search_html, needs_nothing_but_itself) {
    const std::string page = to_html(sample());
    EXPECT_EQ(page.find("http://"), std::string::npos);
    EXPECT_EQ(page.find("https://"), std::string::npos);
    EXPECT_EQ(page.find("src="), std::string::npos);
    EXPECT_EQ(page.find("url(\""), std::string::npos);
    EXPECT_EQ(page.find("@import"), std::string::npos);
    EXPECT_NE(page.find("default-src 'none'"), std::string::npos);
    EXPECT_EQ(to_html(sample()), page);
}

TEST(search_html, is_complete_without_scripts) {
    const std::string page = to_html(sample());
    for (const char* part :
         {"<h1>FAIL</h1>", "id=\"C1\"", "id=\"C3\"", "id=\"W1\"", "back to state 2",
          "stutters for ever at state 2", "never taken", "level 3: 3 states",
          "<span class=\"was\">0</span><span class=\"now\">5</span>"}) {
        EXPECT_NE(page.find(part), std::string::npos) << part;
    }
}

TEST(search_html, no_text_of_a_model_becomes_markup) {
    SearchReport report = sample();
    report.model = "<script>alert(1)</script>";
    report.result.properties[1].name = "<b>";
    report.result.properties[1].path[1].action = "\"><img>";
    report.result.properties[1].path[1].state[0] = {"<i>", "<u>"};
    report.result.coverage["<s>"] = 1;
    const std::string page = to_html(report);
    for (const char* bad : {"<script>alert", "<b>\"", "<img", "<i>", "<u>", "<s>"}) {
        EXPECT_EQ(page.find(bad), std::string::npos) << bad;
    }
}

// --- graphs
// ---------------------------------------------------------------------------------------

struct ReadNode {
    std::string state;
    std::string violates;
    std::string style;
    std::string label;
    std::string peripheries;
    bool initial = false;
    bool on_path = false;
    std::int64_t level = 0;
};
struct ReadEdge {
    std::string action;
    std::string color;
    bool on_path = false;
};
using ReadGraph =
    boost::adjacency_list<boost::vecS, boost::vecS, boost::directedS, ReadNode, ReadEdge,
                          boost::property<boost::graph_name_t, std::string>>;

ReadGraph read_back_graphml(const std::string& text) {
    ReadGraph graph;
    boost::dynamic_properties keys;
    keys.property("about", boost::ref_property_map<ReadGraph*, std::string>(
                               boost::get_property(graph, boost::graph_name)));
    keys.property("state", boost::get(&ReadNode::state, graph));
    keys.property("violates", boost::get(&ReadNode::violates, graph));
    keys.property("initial", boost::get(&ReadNode::initial, graph));
    keys.property("on_path", boost::get(&ReadNode::on_path, graph));
    keys.property("level", boost::get(&ReadNode::level, graph));
    keys.property("action", boost::get(&ReadEdge::action, graph));
    keys.property("on_path", boost::get(&ReadEdge::on_path, graph));
    std::istringstream in(text);
    boost::read_graphml(in, graph, keys);
    return graph;
}

ReadGraph read_back_dot(const std::string& text) {
    ReadGraph graph;
    boost::dynamic_properties keys(boost::ignore_other_properties);
    keys.property("label", boost::get(&ReadNode::label, graph));
    keys.property("style", boost::get(&ReadNode::style, graph));
    keys.property("peripheries", boost::get(&ReadNode::peripheries, graph));
    keys.property("label", boost::get(&ReadEdge::action, graph));
    keys.property("color", boost::get(&ReadEdge::color, graph));
    std::istringstream in(text);
    EXPECT_TRUE(boost::read_graphviz(in, graph, keys));
    return graph;
}

TEST(search_graph, graphml_is_read_back) {
    const SearchReport report = sample();
    const ReadGraph graph = read_back_graphml(to_graphml(report, GraphPart::whole));
    ASSERT_EQ(boost::num_vertices(graph), 9u);
    EXPECT_EQ(boost::num_edges(graph), 9u);
    EXPECT_TRUE(graph[0].initial);
    EXPECT_FALSE(graph[1].initial);
    // `goal` is the same everywhere and left out.
    EXPECT_EQ(graph[6].state, "big = 4 /\\ small = 3");
    EXPECT_EQ(graph[6].violates, "NotSolved");
    EXPECT_EQ(graph[6].level, 7);
    std::vector<std::string> path;
    for (const auto& edge : boost::make_iterator_range(boost::edges(graph))) {
        if (graph[edge].on_path) path.push_back(graph[edge].action);
    }
    EXPECT_EQ(path, std::vector<std::string>(kSteps, kSteps + 6));
    EXPECT_NE(boost::get_property(graph, boost::graph_name).find("counterexample to NotSolved"),
              std::string::npos);
}

TEST(search_graph, dot_is_read_back) {
    const ReadGraph graph = read_back_dot(to_dot(sample(), GraphPart::whole));
    ASSERT_EQ(boost::num_vertices(graph), 9u);
    EXPECT_EQ(boost::num_edges(graph), 9u);
    EXPECT_EQ(graph[0].peripheries, "2");
    EXPECT_EQ(graph[1].peripheries, "");
    EXPECT_EQ(graph[6].style, "filled");
    EXPECT_NE(graph[6].label.find("big = 4"), std::string::npos);
    EXPECT_NE(graph[6].label.find("violates NotSolved"), std::string::npos);
}

TEST(search_graph, around_the_counterexample_are_its_neighbours) {
    const SearchReport report = sample();
    const ReadGraph graph = read_back_graphml(to_graphml(report, GraphPart::around_counterexample));
    EXPECT_EQ(boost::num_vertices(graph), 8u);  // but not the far one
    EXPECT_EQ(boost::num_edges(graph), 8u);
    EXPECT_NE(boost::get_property(graph, boost::graph_name).find("8 of 9 states"),
              std::string::npos);
}

TEST(search_graph, a_path_that_the_graph_lacks_is_added) {
    SearchReport report = sample();
    report.result.graph->nodes.resize(1);
    report.result.graph->edges.clear();
    report.result.graph->truncated = true;
    const ReadGraph graph = read_back_graphml(to_graphml(report, GraphPart::whole));
    EXPECT_EQ(boost::num_vertices(graph), 7u);
    EXPECT_EQ(boost::num_edges(graph), 6u);
    EXPECT_NE(boost::get_property(graph, boost::graph_name).find("cut after 1 state"),
              std::string::npos);
}

TEST(search_graph, any_text_is_well_formed) {
    SearchReport report = sample();
    report.model = "a\"b<c>&\\";
    const std::string evil = "<data>&amp;\"quoted\" \\ back\001slash\n]]>";
    report.result.graph->nodes[1].state[0].second = evil;
    report.result.graph->edges[0].action = evil;
    const std::string shown = "<data>&amp;\"quoted\" \\ back slash ]]>";
    const ReadGraph xml = read_back_graphml(to_graphml(report, GraphPart::whole));
    EXPECT_EQ(xml[1].state, "big = " + shown + " /\\ small = 0");
    const ReadGraph dot = read_back_dot(to_dot(report, GraphPart::whole));
    EXPECT_NE(dot[1].label.find("<data>&amp;"), std::string::npos);
}

TEST(search_graph, without_a_graph_it_is_our_bug) {
    SearchReport report = sample();
    report.result.graph.reset();
    EXPECT_THROW(to_dot(report, GraphPart::whole), CheckFailure);
}

// --- files
// ----------------------------------------------------------------------------------------

TEST(search_files, are_written_whole_into_a_new_folder) {
    const auto folder = std::filesystem::temp_directory_path() / "tribunal_search_report_test";
    std::filesystem::remove_all(folder);
    const SearchReport report = sample();
    write_search_report(report, (folder / "deep").string());
    std::ifstream in(folder / "deep" / "check.json");
    std::ostringstream text;
    text << in.rdbuf();
    EXPECT_EQ(text.str(), to_json(report));
    std::size_t files = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder / "deep")) {
        EXPECT_TRUE(entry.path().extension() == ".json" || entry.path().extension() == ".html");
        ++files;
    }
    EXPECT_EQ(files, 2u);
    EXPECT_THROW(write_file((folder / "missing" / "file").string(), ""), std::runtime_error);
    std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace tribunal
