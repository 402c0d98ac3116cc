// `tribunal check`: every reachable state of a model, or of the small world of a scenario file.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <stdexcept>

#include "broker/base/check.h"
#include "cli/check_progress.h"
#include "cli/commands.h"
#include "cli/small_world.h"
#include "model/specs/specs.h"
#include "properties/nearest.h"
#include "reports/search_report.h"
#include "scenarios/units.h"

namespace tribunal {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void refuse(const std::string& why) { throw std::invalid_argument("check: " + why); }

// --- what was asked
// -------------------------------------------------------------------------------

template <class Value>
Value by_name(const std::string& option, const std::string& name,
              std::initializer_list<std::pair<std::string_view, Value>> all) {
    std::string valid;
    for (const auto& [each, value] : all) {
        if (each == name) return value;
        valid += (valid.empty() ? "" : ", ") + std::string(each);
    }
    refuse(fmt::format("{}: '{}' is none of {}", option, name, valid));
}

// "8G", "512M", "64KiB", bytes.
std::uint64_t parse_memory(const std::string& text) {
    std::string size = text;
    if (!size.empty() && std::string_view("KMG").find(size.back()) != std::string_view::npos) {
        size += "iB";
    }
    const auto bytes = parse_size(size);
    if (!bytes || *bytes <= 0) {
        refuse(fmt::format("--memory: '{}' is not a size like 8G, 512M or 64KiB", text));
    }
    return static_cast<std::uint64_t>(*bytes);
}

std::int64_t parse_time(const std::string& text) {
    const auto span = parse_duration(text);
    constexpr std::int64_t kMillisecond = 1'000'000;
    if (!span || span->value < kMillisecond) {
        refuse(fmt::format("--time: '{}' is not a time like 30s, 5m or 1h", text));
    }
    return span->value / kMillisecond;
}

struct Wish {
    std::string property;
    Verdict verdict = Verdict::pass;
};
std::vector<Wish> parse_expectations(const std::vector<std::string>& texts) {
    std::vector<Wish> wishes;
    for (const std::string& text : texts) {
        const std::size_t equals = text.rfind('=');
        const std::string wanted = equals == std::string::npos ? "" : text.substr(equals + 1);
        if (wanted != "pass" && wanted != "fail") {
            refuse(fmt::format("--expect: '{}' is not PROPERTY=pass or PROPERTY=fail", text));
        }
        const std::string property = text.substr(0, equals);
        for (const Wish& wish : wishes) {
            if (wish.property == property) refuse("--expect: '" + property + "' is given twice");
        }
        wishes.push_back({property, wanted == "fail" ? Verdict::fail : Verdict::pass});
    }
    return wishes;
}

bool wants_graph(const CheckOptions& options) {
    return !options.dot.empty() || !options.graphml.empty();
}

SearchOptions search_options(const CheckOptions& options) {
    constexpr std::uint64_t kWhole = 50'000;  // larger drawings show nothing
    constexpr std::uint64_t kAround = 200'000;
    SearchOptions search;
    search.policy = by_name<SearchPolicy>("--policy", options.policy,
                                          {{"breadth-first", SearchPolicy::breadth_first},
                                           {"depth-first", SearchPolicy::depth_first},
                                           {"random-walk", SearchPolicy::random_walk},
                                           {"best-first", SearchPolicy::best_first}});
    search.partial_order = by_name<PartialOrder>("--reduction", options.reduction,
                                                 {{"none", PartialOrder::none},
                                                  {"sleep", PartialOrder::sleep_sets},
                                                  {"source-dpor", PartialOrder::source_dpor}});
    search.symmetry = options.symmetry;
    search.workers = options.workers;
    search.memory_limit_bytes = parse_memory(options.memory);
    if (!options.time.empty()) search.time_limit_ms = parse_time(options.time);
    search.max_states = options.max_states.value_or(0);
    search.max_depth = options.max_depth.value_or(0);
    search.stop_at_first = options.stop_at_first;
    search.liveness = !options.no_liveness;
    search.seed = options.seed.value_or(search.seed);
    search.walks = options.walks.value_or(search.walks);
    search.checkpoint = options.checkpoint;
    search.resume = options.resume;
    if (wants_graph(options)) search.graph_states = options.graph_around ? kAround : kWhole;
    return search;
}

// A long search must not end in a file that cannot be written.
void check_places(const CheckOptions& options) {
    for (const std::string* file :
         {&options.checkpoint, &options.dot, &options.graphml, &options.save}) {
        if (file->empty()) continue;
        std::error_code error;
        const fs::path folder = fs::path(*file).parent_path();
        const std::string place = folder.empty() ? "." : folder.string();
        if (!fs::is_directory(place, error)) refuse(*file + ": there is no folder " + place);
        if (::access(place.c_str(), W_OK) != 0) refuse(*file + ": cannot be written");
        if (fs::is_directory(*file, error)) refuse(*file + ": is a folder");
    }
    if (options.graph_around && !wants_graph(options)) {
        refuse("--graph-around needs --dot FILE or --graphml FILE");
    }
}

struct SmallWorldBound {
    std::string option;
    const std::optional<std::uint64_t>* value = nullptr;
};
std::vector<SmallWorldBound> small_world_bounds(const CheckOptions& options) {
    return {{"--messages", &options.messages},
            {"--crashes", &options.crashes},
            {"--power-losses", &options.power_losses},
            {"--losses", &options.losses},
            {"--epochs", &options.epochs},
            {"--timers", &options.timers}};
}

// --- how to ask again
// -----------------------------------------------------------------------------

std::string shell_word(const std::string& text) {
    constexpr std::string_view kPlain =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./,:@%";
    if (!text.empty() && text.find_first_not_of(kPlain) == std::string::npos) return text;
    std::string quoted = "'";
    for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return quoted + "'";
}

// What decides the answer, limits left out; where reports go does not. The counts do not depend on
// the number of workers, but which of several shortest paths is found may.
std::string question(const CheckOptions& options) {
    std::string command = "./tribunal check " + shell_word(options.what);
    const auto add = [&](const std::string& option, const std::string& value) {
        command += " " + option + " " + shell_word(value);
    };
    for (const std::string& setting : options.set) add("--set", setting);
    for (const SmallWorldBound& bound : small_world_bounds(options)) {
        if (*bound.value) add(bound.option, std::to_string(**bound.value));
    }
    if (options.policy != CheckOptions{}.policy) add("--policy", options.policy);
    if (options.workers != 1) add("--workers", std::to_string(options.workers));
    if (options.symmetry) command += " --symmetry";
    if (options.reduction != CheckOptions{}.reduction) add("--reduction", options.reduction);
    if (options.no_liveness) command += " --no-liveness";
    if (options.walks) add("--walks", std::to_string(*options.walks));
    for (const std::string& wish : options.expect) add("--expect", wish);
    return command;
}

std::string command_of(const CheckOptions& options) {
    std::string command = question(options);
    const auto add = [&](const std::string& option, const std::string& value) {
        command += " " + option + " " + shell_word(value);
    };
    if (options.stop_at_first) command += " --stop-at-first";
    if (options.memory != CheckOptions{}.memory) add("--memory", options.memory);
    if (!options.time.empty()) add("--time", options.time);
    if (options.max_states) add("--max-states", std::to_string(*options.max_states));
    if (options.max_depth) add("--max-depth", std::to_string(*options.max_depth));
    if (options.seed) add("--seed", std::to_string(*options.seed));
    if (!options.checkpoint.empty()) add("--checkpoint", options.checkpoint);
    if (!options.resume.empty()) add("--resume", options.resume);
    return command;
}

// Without the limit that stopped the search, and from where it was saved.
std::string continuation(const CheckOptions& options, const SearchOptions& asked,
                         const SearchResult& result) {
    if (result.complete || result.stopped_by == "first violation") return "";
    std::string command = question(options);
    if (asked.policy == SearchPolicy::random_walk) {
        return command + fmt::format(" --seed {}", asked.seed + 1);
    }
    const std::uint64_t mebibytes = asked.memory_limit_bytes >> 20;
    if (result.stopped_by.find("memory") != std::string::npos) {
        command += fmt::format(" --memory {}M", std::max<std::uint64_t>(2 * mebibytes, 1));
    } else if (options.memory != CheckOptions{}.memory) {
        command += " --memory " + options.memory;
    }
    const bool can_save =
        asked.policy == SearchPolicy::breadth_first && asked.partial_order == PartialOrder::none;
    if (!result.resume_with.empty()) {
        command += " --resume " + shell_word(result.resume_with) + " --checkpoint " +
                   shell_word(result.resume_with);
    } else if (can_save) {
        command +=
            " --checkpoint " + shell_word(fs::path(options.what).stem().string() + ".checkpoint");
    }
    return command;
}

// --- models
// ---------------------------------------------------------------------------------------

const ModelEntry& model_named(const std::string& name) {
    if (const ModelEntry* model = find_model(name)) return *model;
    std::vector<std::string_view> names;
    std::string valid;
    for (const ModelEntry& model : all_models()) {
        names.push_back(model.name);
        valid += (valid.empty() ? "" : ", ") + std::string(model.name);
    }
    const std::string_view near = nearest(name, names);
    refuse(fmt::format("there is no model and no file '{}'{}; the models are {}", name,
                       near.empty() ? "" : fmt::format(", did you mean {}?", near), valid));
}

// Their names come with a result only: one state is enough to ask for them, before hours of search.
void check_wishes(const ModelEntry& model, const Constants& constants,
                  const std::vector<Wish>& wishes) {
    if (wishes.empty()) return;
    SearchOptions one;
    one.max_states = 1;
    one.liveness = false;
    const SearchResult result = model.search(constants, one);
    std::vector<std::string_view> names;
    std::string valid;
    for (const PropertyResult& property : result.properties) {
        names.push_back(property.name);
        valid += (valid.empty() ? "" : ", ") + property.name;
    }
    for (const Wish& wish : wishes) {
        if (std::find(names.begin(), names.end(), wish.property) != names.end()) continue;
        const std::string_view near = nearest(wish.property, names);
        refuse(fmt::format("--expect: {} has no property '{}'{}; it has {}", model.name,
                           wish.property,
                           near.empty() ? "" : fmt::format(", did you mean {}?", near), valid));
    }
}

SearchReport check_model(const CheckOptions& options, SearchOptions search,
                         const std::vector<Wish>& wishes) {
    const ModelEntry& model = model_named(options.what);
    for (const SmallWorldBound& bound : small_world_bounds(options)) {
        if (*bound.value) {
            refuse(
                fmt::format("{} bounds the small world of a scenario file; {} is a model: its "
                            "constants are set with --set (tribunal list models)",
                            bound.option, model.name));
        }
    }
    if (!options.save.empty()) {
        refuse("--save writes a scenario file; " + std::string(model.name) + " is a model");
    }
    const Constants constants = parse_constants(model, options.set);
    if (model.validate != nullptr) model.validate(constants);
    check_wishes(model, constants, wishes);
    SearchReport report;
    report.model = model.name;
    for (const ConstantSpec& spec : model.constants) {
        report.constants.emplace_back(spec.name, text_of(spec, constants[spec.name]));
    }
    search.identity = model.name;
    for (const auto& [name, value] : report.constants) search.identity += " " + name + "=" + value;
    report.result = model.search(constants, search);
    return report;
}

// --- small worlds
// ---------------------------------------------------------------------------------

std::optional<std::int32_t> bound_of(const std::optional<std::uint64_t>& value) {
    if (!value) return std::nullopt;
    return static_cast<std::int32_t>(std::min<std::uint64_t>(*value, INT32_MAX));
}

SearchReport check_small_world_file(const CheckOptions& options, SearchOptions search) {
    if (!options.set.empty()) {
        refuse("--set is for the constants of a model; " + options.what + " is a file");
    }
    const Scenario scenario = with_bounds(
        load_scenario(options.what),
        {bound_of(options.messages), bound_of(options.crashes), bound_of(options.power_losses),
         bound_of(options.losses), bound_of(options.timers), bound_of(options.epochs)});
    SearchReport report;
    report.model = scenario.name;
    report.constants = constants_of(scenario);
    for (const auto& [name, value] : report.constants) {
        search.identity += (search.identity.empty() ? "" : " ") + name + "=" + value;
    }
    search.identity = scenario.name + ": " + search.identity;
    report.result = check_small_world(scenario, search);
    if (!options.save.empty()) {
        const auto& properties = report.result.properties;
        const auto failed =
            std::find_if(properties.begin(), properties.end(), [](const PropertyResult& p) {
                return p.verdict == Verdict::fail && !p.actions.empty();
            });
        if (failed == properties.end()) {
            std::fprintf(stderr, "tribunal: nothing to save: no counterexample was found\n");
        } else {
            write_file(options.save, to_json_text(counterexample_of(scenario, *failed)));
        }
    }
    return report;
}

bool names_a_file(const std::string& what) {
    if (find_model(what) != nullptr) return false;
    std::error_code error;
    return what.ends_with(".json") || fs::is_regular_file(what, error);
}

// --- the answer
// -----------------------------------------------------------------------------------

int status_of(SearchOutcome outcome) {
    switch (outcome) {
        case SearchOutcome::pass:
        case SearchOutcome::as_expected:
            return kAsExpected;
        case SearchOutcome::fail:
        case SearchOutcome::not_as_expected:
            return kDiffers;
        case SearchOutcome::inconclusive:
            return kInconclusive;
    }
    return kInconclusive;
}

void write_outputs(const CheckOptions& options, const SearchReport& report) {
    if (!options.report_folder.empty()) write_search_report(report, options.report_folder);
    if (!wants_graph(options)) return;
    if (!report.result.graph) refuse("this search keeps no state graph; leave --dot and --graphml");
    const GraphPart part =
        options.graph_around ? GraphPart::around_counterexample : GraphPart::whole;
    if (!options.dot.empty()) write_file(options.dot, to_dot(report, part));
    if (!options.graphml.empty()) write_file(options.graphml, to_graphml(report, part));
}

}  // namespace

int check_command(const CheckOptions& options) {
    SearchOptions search = search_options(options);
    const std::vector<Wish> wishes = parse_expectations(options.expect);
    check_places(options);
    SearchReport report;
    try {
        ProgressLine line;
        if (line.is_shown()) search.on_progress = [&](const Progress& p) { line.tell(p); };
        report = names_a_file(options.what) ? check_small_world_file(options, search)
                                            : check_model(options, search, wishes);
    } catch (const CheckFailure& error) {
        throw CheckFailure{fmt::format("{}; reproduce: {}", error.what(), command_of(options))};
    }
    report.command = command_of(options);
    report.continue_with = continuation(options, search, report.result);
    report.liveness = search.liveness;
    report.stop_at_first = search.stop_at_first;
    report.timings = !options.no_timings;
    for (const Wish& wish : wishes) expect(report, wish.property, wish.verdict);
    write_outputs(options, report);
    if (options.format == "json") {
        std::fputs(to_json(report).c_str(), stdout);
    } else {
        std::string text = to_text(report, isatty(1) != 0);
        if (!options.report_folder.empty()) {
            text += fmt::format("{:<10}{}\n", "report",
                                (fs::path(options.report_folder) / "check.html").string());
        }
        if (names_a_file(options.what) && options.save.empty() && report.result.any_failed()) {
            text += "save      --save FILE makes the counterexample a scenario that run replays\n";
        }
        std::fputs(text.c_str(), stdout);
    }
    return status_of(outcome_of(report));
}

}  // namespace tribunal
