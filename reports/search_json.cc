// check.json: a search as one object for programs.
//
// Figures of the machine are numbers of their own at the top level, each on its own line, and null
// when they were not asked for: the rest is the same for the same question.
#include <charconv>
#include <cstdint>
#include <nlohmann/json.hpp>

#include "reports/escape.h"
#include "reports/search_wording.h"

namespace tribunal {
namespace {

using Json = nlohmann::ordered_json;

std::string clean(std::string_view text) { return valid_utf8(text); }

// A number where it is one: most constants count something.
Json constant_json(const std::string& value) {
    std::int64_t number = 0;
    const char* end = value.data() + value.size();
    const auto [stop, error] = std::from_chars(value.data(), end, number);
    if (error == std::errc() && stop == end) return number;
    return clean(value);
}

Json state_json(const StateText& state) {
    Json variables = Json::object();
    for (const auto& [name, value] : state) variables[clean(name)] = clean(value);
    return variables;
}

Json property_json(const SearchReport& report, const PropertyResult& property) {
    Json actions = Json::array();
    Json path = Json::array();
    for (std::size_t i = 0; i < property.path.size(); ++i) {
        const PathStep& step = property.path[i];
        if (i > 0) actions.push_back(clean(step.action));
        path.push_back({{"action", clean(step.action)},
                        {"name", clean(step.name)},
                        {"state", state_json(step.state)}});
    }
    const bool stutters = property.loop_start && *property.loop_start + 1 >= property.path.size();
    return {{"name", clean(property.name)},
            {"kind", name_of(property.kind)},
            {"verdict", name_of(property.verdict)},
            {"asked", !is_undecided_on_purpose(report, property)},
            {"length", property.path.size()},
            {"violating_states", property.violating_states},
            // Index into `path`; the last one: the behaviour stutters there.
            {"loop_start", property.loop_start ? Json(*property.loop_start) : Json()},
            {"stutters", stutters},
            {"note", clean(property.note)},
            {"actions", std::move(actions)},
            {"path", std::move(path)}};
}

void add_machine(Json& json, const SearchReport& report) {
    const SearchResult& result = report.result;
    const auto add = [&](const char* name, Json value) {
        json[name] = report.timings ? std::move(value) : Json();
    };
    constexpr double kNanoseconds = 1e9;
    const auto seconds = [](std::int64_t ns) { return static_cast<double>(ns) / kNanoseconds; };
    add("states_per_second", per_second(result.generated, result.elapsed_ns));
    add("generated_per_cpu_second", per_second(result.generated, result.cpu_ns));
    add("elapsed_seconds", seconds(result.elapsed_ns));
    add("cpu_seconds", seconds(result.cpu_ns));
    add("peak_memory_bytes", result.peak_memory_bytes);
    add("seen_set_bytes", result.seen_set_bytes);
    add("bytes_per_state", result.distinct == 0 ? 0.0
                                                : static_cast<double>(result.seen_set_bytes) /
                                                      static_cast<double>(result.distinct));
}

}  // namespace

std::string to_json(const SearchReport& report) {
    const SearchResult& result = report.result;
    Json constants = Json::object();
    for (const auto& [name, value] : report.constants) {
        constants[clean(name)] = constant_json(value);
    }
    Json properties = Json::array();
    for (const PropertyResult& each : result.properties) {
        properties.push_back(property_json(report, each));
    }
    Json coverage = Json::object();
    for (const auto& [name, taken] : result.coverage) coverage[clean(name)] = taken;
    Json never = Json::array();
    for (const std::string& name : never_taken(result)) never.push_back(clean(name));
    Json expectations = Json::array();
    for (const ExpectationResult& each : report.expectations) {
        expectations.push_back({{"property", clean(each.property)},
                                {"expected", each.expected},
                                {"actual", each.actual},
                                {"met", each.met}});
    }
    Json json;
    json["model"] = clean(report.model);
    json["constants"] = std::move(constants);
    json["command"] = clean(report.command);
    json["outcome"] = name_of(outcome_of(report));
    json["reasons"] = clean(outcome_reasons(report));
    json["distinct"] = result.distinct;
    json["generated"] = result.generated;
    json["depth"] = result.depth;
    json["levels"] = result.levels;
    json["complete"] = result.complete;
    json["stopped_by"] = clean(result.stopped_by);
    json["resume_with"] = clean(result.resume_with);
    json["continue_with"] = clean(report.continue_with);
    json["properties"] = std::move(properties);
    json["expectations"] = std::move(expectations);
    json["coverage"] = std::move(coverage);
    json["never_taken"] = std::move(never);
    json["collision_estimate"] = clean(result.collision_estimate);
    add_machine(json, report);
    return json.dump(2) + "\n";
}

}  // namespace tribunal
