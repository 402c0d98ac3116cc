// What `tribunal check` shows of a search, as one value: the writers (text, JSON, HTML, graphs)
// only format it.
//
// Everything but the figures of the machine (rates, times, memory) is a function of the model and
// what was asked: those figures stand on lines of their own, and are left out without `timings`.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "model/result.h"
#include "reports/report.h"

namespace tribunal {

struct SearchReport {
    std::string model;  // or the scenario of a small world
    std::vector<std::pair<std::string, std::string>> constants;
    std::string command;  // asks the same again
    SearchResult result;
    bool timings = true;
    std::string continue_with;  // a command that goes on where a limit stopped; empty: none does
    std::vector<ExpectationResult> expectations;  // see expect()
    bool liveness = true;                         // the `eventually` properties were asked for
    bool one_behaviour = false;                   // a schedule was played, nothing was searched
    bool stop_at_first = false;                   // the search was asked to end at a violation
};

// Adds what the caller expects of a property, `pass` or `fail`, and whether the result meets it.
// Throws std::invalid_argument for a property that the model does not have.
void expect(SearchReport& report, const std::string& property, Verdict wanted);

enum class SearchOutcome : std::uint8_t {
    pass,             // every property that was asked for
    fail,             // a property fails, and nothing was expected
    as_expected,      // with expectations: all met, and no other property fails
    not_as_expected,  // with expectations
    inconclusive,     // nothing fails, but a limit left something undecided
};
SearchOutcome outcome_of(const SearchReport& report);
std::string_view name_of(SearchOutcome outcome);  // "PASS", "NOT AS EXPECTED", ...

// `colour` for a terminal.
std::string to_text(const SearchReport& report, bool colour = false);
// One object. `length` of a property counts the states of its path, the initial one included.
std::string to_json(const SearchReport& report);
// One self-contained page.
std::string to_html(const SearchReport& report);

enum class GraphPart : std::uint8_t {
    whole,
    around_counterexample,  // the first failed property's states with their direct neighbours
};
// The state graph, which the search must have kept (SearchOptions::graph_states).
std::string to_dot(const SearchReport& report, GraphPart part);
std::string to_graphml(const SearchReport& report, GraphPart part);

// Writes check.html and check.json into `folder`, made when missing.
void write_search_report(const SearchReport& report, const std::string& folder);
// The file whole or not at all (temporary file, then rename). Throws std::runtime_error naming it.
void write_file(const std::string& file, const std::string& text);

}  // namespace tribunal
