// `tribunal list`: what there is to run, to check, to inject and to set.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "cli/commands.h"
#include "model/specs/specs.h"
#include "properties/claims.h"
#include "properties/nearest.h"
#include "properties/property.h"
#include "scenarios/admin_operations.h"
#include "scenarios/config_table.h"
#include "scenarios/edition_rules.h"
#include "scenarios/editions.h"
#include "scenarios/scenario.h"

namespace tribunal {
namespace {

struct Line {
    std::string name;
    std::string about;
};

std::vector<Line> list_scenarios() {
    std::vector<Line> lines;
    std::vector<std::string> paths;
    for (const auto& entry : std::filesystem::recursive_directory_iterator("scenarios")) {
        const std::string path = entry.path().string();
        if (path.ends_with(".json") && !path.ends_with("schema.json")) paths.push_back(path);
    }
    std::sort(paths.begin(), paths.end());
    for (const std::string& path : paths) {
        try {
            lines.push_back({path, load_scenario(path).name});
        } catch (const ScenarioError& error) {
            lines.push_back({path, std::string{"cannot be loaded: "} + error.what()});
        }
    }
    return lines;
}

std::vector<Line> list_properties() {
    std::vector<Line> lines;
    for (const Property& p : all_properties()) {
        lines.push_back({fmt::format("{} {}", p.id, p.name), std::string{p.definition}});
    }
    return lines;
}

std::vector<Line> list_claims() {
    std::vector<Line> lines;
    for (const ClaimRow& row : claims_table()) {
        lines.push_back(
            {fmt::format("{}, {}, {}", name_of(row.promise), name_of(row.configuration),
                         name_of(row.circumstance)),
             fmt::format("{}: {} [{}]", row.holds ? "holds" : "allowed", row.because, row.source)});
    }
    return lines;
}

std::vector<Line> list_faults() {
    return {
        {"kill", "the process dies; the page cache survives"},
        {"power_loss",
         "the machine dies; any prefix of each file's unsynced writes survives; \"keep\", "
         "\"torn\""},
        {"restart", "starts a dead node again, a running one after a kill"},
        {"stop",
         "asks the process to end in good order (SIGTERM); with \"for\" it starts again, once it "
         "has ended"},
        {"upgrade",
         "the same, then the node starts with the rules and defaults of the edition \"to\""},
        {"wipe", "the machine dies and comes back with an empty disk"},
        {"pause, resume", "the process stops running, its sockets stay open"},
        {"isolate", "cuts a node from everybody, or \"from\" somebody"},
        {"cut", "cuts the links between two; \"direction\" both, from, to"},
        {"heal_link", "undoes isolate, cut, jam and slow_link"},
        {"slow_link", "adds \"latency\" to a link"},
        {"jam", "holds everything on a link, then lets it go in one burst"},
        {"reset", "breaks the open connections between two"},
        {"slow_disk", "adds \"latency\" to every disk operation"},
        {"full_disk", "writes fail with ENOSPC: the broker halts"},
        {"disk_error", "writes fail with EIO: the broker halts"},
        {"clock_offset", "moves a wall clock \"by\" a span"},
        {"clock_drift", "a clock runs \"ppm\" fast"}};
}

std::vector<Line> list_targets() {
    return {
        {"leader(T-P)", "the leader of a partition"},
        {"followers(T-P), follower(T-P)", "all other replicas; one of them"},
        {"replicas(T-P), isr(T-P), out_of_sync(T-P)", "by their place in the replica set"},
        {"controller, controllers", "the active controller; all of them"},
        {"coordinator(GROUP)", "of a consumer group"},
        {"rack(NAME)", "the brokers of a rack, by \"racks\" or broker.rack"},
        {"broker(N), controller(N), client(NAME)", "one node"},
        {"any broker, brokers, clients, crashed", "one that is up; all; all; those that are down"}};
}

// What an admin's steps are called, and what they take.
std::vector<Line> list_operations() {
    std::vector<Line> lines;
    for (const AdminOperation& operation : all_admin_operations()) {
        lines.push_back(
            {std::string{operation.key},
             fmt::format("{} [{}{}]", operation.example, operation.proposal,
                         operation.since.empty() ? "" : fmt::format(", {}", operation.since))});
    }
    return lines;
}

// Oldest first, each with what it changed; the first is what everything was before.
std::vector<Line> list_editions() {
    std::vector<Line> lines;
    for (const Edition& edition : all_editions()) {
        bool first = true;
        for (const RuleChange& change : all_rule_changes()) {
            if (change.since != edition.name) continue;
            lines.push_back({first ? std::string{edition.name} : std::string{},
                             fmt::format("{:<11} {}: {}; before: {}", change.proposal, change.name,
                                         change.after, change.before)});
            first = false;
        }
        if (first) lines.push_back({std::string{edition.name}, "as the one before"});
    }
    lines.front().about = "every rule as the lines below say it was before";
    return lines;
}

std::vector<Line> list_settings() {
    std::vector<Line> lines;
    constexpr const char* support[] = {"modelled", "no effect here", "not supported yet"};
    for (const ConfigScope scope :
         {ConfigScope::server, ConfigScope::topic, ConfigScope::producer, ConfigScope::consumer}) {
        for (const auto& part : settings_of(scope)) {
            for (const Setting& setting : part) {
                lines.push_back(
                    {std::string{setting.name},
                     fmt::format(
                         "{}: {}{}{}", name_of(scope),
                         support[static_cast<std::size_t>(setting.support())],
                         setting.since.empty() ? "" : fmt::format(", since {}", setting.since),
                         setting.until.empty() ? ""
                                               : fmt::format(", removed in {}", setting.until))});
            }
        }
    }
    return lines;
}

// A model has more to say than a line: its constants, and who published it.
void print_models(const std::string& format) {
    nlohmann::ordered_json json = nlohmann::ordered_json::array();
    std::string text;
    for (const ModelEntry& model : all_models()) {
        nlohmann::ordered_json constants = nlohmann::ordered_json::array();
        text += fmt::format("{}{}\n  {}\n  source: {}\n", text.empty() ? "" : "\n", model.name,
                            model.about, model.source);
        std::vector<Line> rows;
        std::size_t width = 0;
        for (const ConstantSpec& c : model.constants) {
            const std::string initial = text_of(c, c.initial);
            nlohmann::ordered_json constant = {{"name", c.name}, {"meaning", c.meaning}};
            std::string valid;
            if (c.choices.empty()) {
                valid = fmt::format("{}..{}", c.least, c.most);
                constant["default"] = c.initial;
                constant["least"] = c.least;
                constant["most"] = c.most;
            } else {
                for (const std::string_view choice : c.choices)
                    valid += (valid.empty() ? "" : "|") + std::string(choice);
                constant["default"] = initial;
                constant["choices"] = c.choices;
            }
            constants.push_back(std::move(constant));
            rows.push_back(
                {fmt::format("{}={} ({})", c.name, initial, valid), std::string(c.meaning)});
            width = std::max(width, std::min<std::size_t>(rows.back().name.size(), 44));
        }
        for (const Line& row : rows)
            text += fmt::format("    {:<{}}  {}\n", row.name, width, row.about);
        json.push_back({{"name", model.name},
                        {"about", model.about},
                        {"source", model.source},
                        {"constants", std::move(constants)}});
    }
    std::fputs(format == "json" ? (json.dump(2) + "\n").c_str() : text.c_str(), stdout);
}

}  // namespace

int list_command(const std::string& what, const std::string& format) {
    std::vector<Line> lines;
    const std::vector<std::string> kinds = {"scenarios", "models",  "properties", "claims",
                                            "faults",    "targets", "operations", "editions",
                                            "settings",  "schema"};
    if (what == "scenarios") {
        lines = list_scenarios();
    } else if (what == "properties") {
        lines = list_properties();
    } else if (what == "claims") {
        lines = list_claims();
    } else if (what == "faults") {
        lines = list_faults();
    } else if (what == "targets") {
        lines = list_targets();
    } else if (what == "operations") {
        lines = list_operations();
    } else if (what == "editions") {
        lines = list_editions();
    } else if (what == "settings") {
        lines = list_settings();
    } else if (what == "models") {
        print_models(format);
        return kAsExpected;
    } else if (what == "schema") {
        std::fputs(std::string{scenario_schema()}.c_str(), stdout);
        return kAsExpected;
    } else {
        std::string valid;
        for (const std::string& kind : kinds) valid += (valid.empty() ? "" : ", ") + kind;
        throw std::runtime_error{"list: '" + what + "' is none of " + valid};
    }
    if (format == "json") {
        nlohmann::ordered_json json = nlohmann::ordered_json::array();
        for (const Line& line : lines) json.push_back({{"name", line.name}, {"about", line.about}});
        std::fputs((json.dump(2) + "\n").c_str(), stdout);
        return kAsExpected;
    }
    std::size_t width = 0;
    for (const Line& line : lines)
        width = std::max(width, std::min<std::size_t>(line.name.size(), 44));
    for (const Line& line : lines) {
        std::fputs(fmt::format("{:<{}}  {}\n", line.name, width, line.about).c_str(), stdout);
    }
    return kAsExpected;
}

}  // namespace tribunal
