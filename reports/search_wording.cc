// Sentences about a search, and what it comes to.
#include "reports/search_wording.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "reports/wording.h"

namespace tribunal {
namespace {

const std::string* value_of(const StateText& state, std::string_view name) {
    for (const auto& [variable, value] : state) {
        if (variable == name) return &value;
    }
    return nullptr;
}

const ExpectationResult* expectation_of(const SearchReport& report, std::string_view property) {
    for (const ExpectationResult& each : report.expectations) {
        if (each.property == property) return &each;
    }
    return nullptr;
}

std::string joined(const std::vector<std::string>& names) {
    std::string text;
    for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
    return text;
}

}  // namespace

void expect(SearchReport& report, const std::string& property, Verdict wanted) {
    const auto& all = report.result.properties;
    const auto found = std::find_if(all.begin(), all.end(),
                                    [&](const PropertyResult& p) { return p.name == property; });
    if (found == all.end()) {
        std::vector<std::string> names;
        for (const PropertyResult& p : all) names.push_back(p.name);
        throw std::invalid_argument(fmt::format("{} has no property '{}'; it has {}", report.model,
                                                property, joined(names)));
    }
    report.expectations.push_back({property, wanted == Verdict::fail ? "fail" : "pass",
                                   std::string(name_of(found->verdict)), found->verdict == wanted});
}

SearchOutcome outcome_of(const SearchReport& report) {
    bool differs = false;
    bool undecided = false;  // something expected, or without expectations anything
    bool left_open = !report.result.complete && !report.one_behaviour;
    for (const PropertyResult& property : report.result.properties) {
        const ExpectationResult* expectation = expectation_of(report, property.name);
        if (property.verdict == Verdict::inconclusive) {
            if (expectation != nullptr) {
                undecided = true;
            } else if (!is_undecided_on_purpose(report, property)) {
                left_open = true;
            }
        } else if (expectation != nullptr) {
            differs = differs || !expectation->met;
        } else if (property.verdict == Verdict::fail) {
            differs = true;  // a failure that nobody foresaw is never as expected
        }
    }
    const bool expects = !report.expectations.empty();
    if (differs) return expects ? SearchOutcome::not_as_expected : SearchOutcome::fail;
    // Who asks to stop at a violation, and foresees it, has the answer.
    const bool found_it =
        report.stop_at_first &&
        std::any_of(report.expectations.begin(), report.expectations.end(),
                    [](const ExpectationResult& each) { return each.expected == "fail"; });
    if (undecided || (left_open && !found_it)) return SearchOutcome::inconclusive;
    return expects ? SearchOutcome::as_expected : SearchOutcome::pass;
}

std::string_view name_of(SearchOutcome outcome) {
    switch (outcome) {
        case SearchOutcome::pass:
            return "PASS";
        case SearchOutcome::fail:
            return "FAIL";
        case SearchOutcome::as_expected:
            return "AS EXPECTED";
        case SearchOutcome::not_as_expected:
            return "NOT AS EXPECTED";
        case SearchOutcome::inconclusive:
            return "INCONCLUSIVE";
    }
    return "INCONCLUSIVE";
}

std::vector<VariableChange> changes_between(const StateText& before, const StateText& after) {
    std::vector<VariableChange> changes;
    for (std::size_t i = 0; i < after.size(); ++i) {
        const auto& [name, value] = after[i];
        // The variables of a model stand in one order: nearly always at the same place.
        const std::string* was = i < before.size() && before[i].first == name
                                     ? &before[i].second
                                     : value_of(before, name);
        if (was == nullptr || *was != value) changes.push_back({name, was, &value});
    }
    for (const auto& [name, value] : before) {
        if (value_of(after, name) == nullptr) changes.push_back({name, &value, nullptr});
    }
    return changes;
}

std::vector<const PropertyResult*> paths_of(const SearchResult& result) {
    std::vector<const PropertyResult*> paths;
    for (const bool failed : {true, false}) {
        for (const PropertyResult& property : result.properties) {
            if (property.path.empty()) continue;
            if ((property.verdict == Verdict::fail) == failed) paths.push_back(&property);
        }
    }
    return paths;
}

std::string outcome_reasons(const SearchReport& report) {
    std::vector<std::string> broken;
    std::vector<std::string> unreached;
    std::vector<std::string> undecided;
    for (const PropertyResult& property : report.result.properties) {
        if (property.verdict == Verdict::fail) {
            (property.kind == PropertyKind::sometimes ? unreached : broken)
                .push_back(property.name);
        } else if (property.verdict == Verdict::inconclusive &&
                   !is_undecided_on_purpose(report, property)) {
            undecided.push_back(property.name);
        }
    }
    std::vector<std::string> reasons;
    for (const ExpectationResult& each : report.expectations) {
        if (!each.met) {
            reasons.push_back(fmt::format("{}: expected {}, actual {}", each.property,
                                          each.expected, each.actual));
        }
    }
    if (!broken.empty()) reasons.push_back("broken " + joined(broken));
    if (!unreached.empty()) reasons.push_back("never reached " + joined(unreached));
    if (!undecided.empty()) reasons.push_back("undecided " + joined(undecided));
    if (!report.result.complete && !report.result.stopped_by.empty() && !report.one_behaviour) {
        reasons.push_back("not everything was searched: " + report.result.stopped_by);
    }
    if (reasons.empty()) {
        return report.result.properties.empty() ? "no property was asked for"
                                                : "every property held";
    }
    std::string text;
    for (const std::string& each : reasons) text += (text.empty() ? "" : "; ") + each;
    return text;
}

std::string finding_of(const SearchReport& report, const PropertyResult& property) {
    if (is_undecided_on_purpose(report, property)) return "not asked for";
    std::string text;
    const auto add = [&](const std::string& more) { text += (text.empty() ? "" : "; ") + more; };
    const bool is_witness = property.kind == PropertyKind::sometimes;
    if (!property.path.empty()) {
        // Breadth first meets each state on a shortest path; a lasso need not be a shortest one.
        const bool shortest =
            !report.result.levels.empty() && property.kind != PropertyKind::eventually;
        add(fmt::format("{} of {}{}", is_witness ? "witness" : "counterexample",
                        plural(property.path.size(), "state"), shortest ? ", the shortest" : ""));
        const std::string loop = loop_text(property);
        if (!loop.empty()) add(loop);
    }
    if (property.violating_states != 0) {
        const bool one = property.violating_states == 1;
        add(fmt::format(
            "{} {} it", plural(property.violating_states, "state"),
            is_witness ? (one ? "satisfies" : "satisfy") : (one ? "violates" : "violate")));
    }
    if (is_witness && property.verdict == Verdict::fail) add("no reachable state satisfies it");
    if (!property.note.empty()) add(property.note);
    return text;
}

std::string coverage_text(const SearchReport& report) {
    if (report.one_behaviour) return report.result.stopped_by;
    if (report.result.complete) return "every reachable state was expanded";
    const std::string& by = report.result.stopped_by;
    return "not every reachable state was expanded" + (by.empty() ? by : " (" + by + ")") +
           ": what holds here may fail beyond";
}

std::string loop_text(const PropertyResult& property) {
    if (!property.loop_start) return "";
    if (*property.loop_start + 1 >= property.path.size()) {
        return fmt::format("stutters for ever at state {}", property.path.size());
    }
    return fmt::format("back to state {} for ever", *property.loop_start + 1);
}

bool is_undecided_on_purpose(const SearchReport& report, const PropertyResult& property) {
    return !report.liveness && property.kind == PropertyKind::eventually &&
           property.verdict == Verdict::inconclusive;
}

std::vector<std::string> never_taken(const SearchResult& result) {
    std::vector<std::string> names;
    for (const auto& [name, taken] : result.coverage) {
        if (taken == 0) names.push_back(name);
    }
    return names;
}

std::string bytes_text(std::uint64_t bytes) {
    constexpr const char* units[] = {"KiB", "MiB", "GiB", "TiB"};
    if (bytes < 1024) return fmt::format("{} B", bytes);
    std::size_t unit = 0;
    std::uint64_t whole = bytes;
    std::uint64_t rest = 0;
    for (; whole >= 1024; whole /= 1024, ++unit) rest = whole % 1024;
    return fmt::format("{}.{} {}", whole, rest * 10 / 1024,
                       units[std::min<std::size_t>(unit, 4) - 1]);
}

std::uint64_t per_second(std::uint64_t count, std::int64_t nanoseconds) {
    if (nanoseconds <= 0) return 0;
    // Microseconds would not do: a tiny model takes less than one.
    const auto ns = static_cast<unsigned __int128>(nanoseconds);
    return static_cast<std::uint64_t>(static_cast<unsigned __int128>(count) * 1'000'000'000u / ns);
}

std::string bytes_a_state(const SearchResult& result) {
    if (result.distinct == 0) return "";
    const std::uint64_t tenths = result.seen_set_bytes * 10 / result.distinct;
    return fmt::format("{}.{}", tenths / 10, tenths % 10);
}

std::string seconds_text(std::int64_t nanoseconds) {
    const std::int64_t us = nanoseconds / 1000;
    if (us < 100'000) return fmt::format("0.{:06}", us);
    return fmt::format("{}.{:03}", us / 1'000'000, us / 1000 % 1000);
}

}  // namespace tribunal
