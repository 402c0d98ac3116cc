// What the writers of a search report share: its sentences, so that text, JSON and HTML never
// disagree.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "reports/search_report.h"

namespace tribunal {

// A variable that a step changed; a null side: the state has no such variable.
struct VariableChange {
    std::string_view name;
    const std::string* before = nullptr;
    const std::string* after = nullptr;
};
// In the order of `after`, then what is gone.
std::vector<VariableChange> changes_between(const StateText& before, const StateText& after);

// The failed properties with a path, then the witnesses: how the reports show paths.
std::vector<const PropertyResult*> paths_of(const SearchResult& result);

// "broken NotSolved", "no state satisfies Reachable", "undecided: A, B"
std::string outcome_reasons(const SearchReport& report);
// "counterexample of 7 states, the shortest; 3 states violate it"
std::string finding_of(const SearchReport& report, const PropertyResult& property);
// "every reachable state was expanded", "not every reachable state was expanded (time limit): ..."
std::string coverage_text(const SearchReport& report);
// "back to state 3", "stutters here for ever"; empty for a finite path. States count from 1.
std::string loop_text(const PropertyResult& property);
bool is_undecided_on_purpose(const SearchReport& report, const PropertyResult& property);
// Actions no step of the search took.
std::vector<std::string> never_taken(const SearchResult& result);

// "312 B", "12.3 MiB"
std::string bytes_text(std::uint64_t bytes);
// Per second; 0 when nothing was measured.
std::uint64_t per_second(std::uint64_t count, std::int64_t nanoseconds);
// "24.5"; empty without states.
std::string bytes_a_state(const SearchResult& result);
// "1.250", "0.000144": to the millisecond, and to the microsecond where that is all there is.
std::string seconds_text(std::int64_t nanoseconds);

}  // namespace tribunal
