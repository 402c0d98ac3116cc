// `tribunal run`: plays scenario files, prints the verdict of each and writes the report.
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>

#include "broker/base/check.h"
#include "cli/commands.h"
#include "cli/small_world.h"
#include "reports/build_report.h"
#include "reports/trace_recorder.h"

namespace tribunal {
namespace {

// Prints the messages and marks of a run as they happen, one line each.
class Transcript final : public Observer {
  public:
    void on_step(const World& world, const Host& host, const Input& input,
                 const Outbox& out) override {
        if (const auto* d = std::get_if<Deliver>(&input)) {
            const NodeId from = d->is_response ? d->connection.server : d->connection.client;
            line(world, host.name,
                 "<- " + world.host(from).name + " " + std::string{kind_of(d->message)} + " " +
                     describe(d->message));
        } else if (std::holds_alternative<Start>(input)) {
            line(world, host.name, "starts");
        } else if (const auto* c = std::get_if<ConnectionClosed>(&input)) {
            const NodeId peer = c->connection.client == id_of(host.node) ? c->connection.server
                                                                         : c->connection.client;
            line(world, host.name, "connection with " + world.host(peer).name + " closed");
        }
        for (const Note& note : out.notes) {
            if (const auto* mark = std::get_if<RoleMark>(&note)) {
                line(world, host.name,
                     fmt::format("t{}-{} {} {} {}", mark->partition.topic.value,
                                 mark->partition.partition, mark->what, mark->a, mark->b));
            }
        }
    }
    void on_fault(const World& world, const LedgerEntry& entry) override {
        line(world, "fault", entry.text);
    }

  private:
    static void line(const World& world, const std::string& who, const std::string& what) {
        const std::int64_t us = world.now().value / 1000;
        std::fputs(fmt::format("{:>6}.{:06} {:<12} {}\n", us / 1'000'000, us % 1'000'000, who, what)
                       .c_str(),
                   stdout);
    }
};

int status_of(const Report& report) {
    if (!report.as_expected) return kDiffers;
    return report.inconclusive ? kInconclusive : kAsExpected;
}

// Worse first: an internal failure, a differing verdict, inconclusive, as expected.
int worse(int a, int b) {
    constexpr int rank[] = {0, 2, 1, 3, 4};
    return rank[a] >= rank[b] ? a : b;
}

std::string folder_for(const RunOptions& options, const Scenario& scenario) {
    if (options.files.size() == 1) return options.report_folder;
    std::string name = scenario.file.substr(scenario.file.find_last_of('/') + 1);
    if (name.ends_with(".json")) name.resize(name.size() - 5);
    return options.report_folder + "/" + name;
}

Played play_or_explain(const Scenario& scenario, std::uint64_t seed) {
    try {
        return play(scenario, seed);
    } catch (const CheckFailure& error) {
        throw CheckFailure{fmt::format("{}; reproduce: ./tribunal run {} --seed {}", error.what(),
                                       scenario.file, seed)};
    }
}

int run_one(const RunOptions& options, const Scenario& scenario, std::uint64_t seed) {
    if (options.trace) {
        Transcript transcript;
        run_world(scenario, seed, &transcript);
    }
    const Played played = play_or_explain(scenario, seed);
    const Report report =
        build_report(scenario, played, options.no_report ? Detail::verdicts : Detail::full);
    const std::string folder = folder_for(options, scenario);
    if (!options.no_report) write_report(report, folder);
    if (options.format == "json") {
        std::fputs((to_json(report) + "\n").c_str(), stdout);
    } else {
        std::fputs(
            to_text(report, isatty(1) != 0, options.no_report ? std::string{} : folder).c_str(),
            stdout);
    }
    return status_of(report);
}

// Many seeds of one scenario: a table of verdicts, and the first seed that is not as expected.
int run_seeds(const RunOptions& options, const Scenario& scenario, SeedRange range) {
    struct Row {
        std::string name;
        std::map<Verdict, std::uint64_t> verdicts;
        std::uint64_t checked = 0;
        std::uint64_t found = 0;
        std::optional<std::uint64_t> first_fail;  // a seed
    };
    std::map<std::size_t, Row> rows;
    std::vector<std::uint64_t> different;
    std::vector<std::uint64_t> inconclusive;
    std::uint64_t events = 0;
    for (std::uint64_t seed = range.first; seed <= range.last; ++seed) {
        const Played played = play_or_explain(scenario, seed);
        const Report report = build_report(scenario, played, Detail::verdicts);
        if (!report.as_expected) {
            different.push_back(seed);
        } else if (report.inconclusive) {
            inconclusive.push_back(seed);
        }
        events += report.events;
        for (std::size_t i = 0; i < report.checks.size(); ++i) {
            Row& row = rows[i];
            row.name = fmt::format("{:<4} {}", report.checks[i].id, report.checks[i].name);
            ++row.verdicts[report.checks[i].verdict];
            row.checked += report.checks[i].checked;
            row.found += report.checks[i].found;
            if (report.checks[i].verdict == Verdict::fail && !row.first_fail) row.first_fail = seed;
        }
    }
    const std::uint64_t runs = range.last - range.first + 1;
    const int status = !different.empty()      ? kDiffers
                       : !inconclusive.empty() ? kInconclusive
                                               : kAsExpected;
    const std::string first_bad =
        !different.empty()
            ? fmt::format("./tribunal run {} --seed {}", scenario.file, different.front())
        : !inconclusive.empty()
            ? fmt::format("./tribunal run {} --seed {}", scenario.file, inconclusive.front())
            : std::string{};
    if (options.format == "json") {
        const nlohmann::ordered_json json = {
            {"scenario", scenario.name},
            {"seeds", {range.first, range.last}},
            {"runs", runs},
            {"as_expected", runs - different.size() - inconclusive.size()},
            {"different", different.size()},
            {"inconclusive", inconclusive.size()},
            {"first", first_bad}};
        std::fputs((json.dump() + "\n").c_str(), stdout);
        return status;
    }
    std::string text = fmt::format(
        "{}\n  seeds {}..{}: {} as expected, {} different, {} inconclusive; {} events\n",
        scenario.name, range.first, range.last, runs - different.size() - inconclusive.size(),
        different.size(), inconclusive.size(), events);
    for (const auto& [index, row] : rows) {
        if (row.found == 0 && row.verdicts.count(Verdict::inconclusive) == 0) continue;
        std::string verdicts;
        for (const auto& [verdict, n] : row.verdicts)
            verdicts += fmt::format(" {} {}", name_of(verdict), n);
        text += fmt::format("  {:<28} found {:>8} in {:>10} {}", row.name, row.found, row.checked,
                            verdicts);
        text += row.first_fail ? fmt::format(", first seed {}\n", *row.first_fail) : "\n";
    }
    if (!first_bad.empty()) text += "  first: " + first_bad + "\n";
    std::fputs(text.c_str(), stdout);
    return status;
}

int run_scenario(const RunOptions& options, const Scenario& scenario) {
    // A schedule leaves nothing to a seed: it is played once.
    if (scenario.check && !scenario.check->schedule.empty()) return run_schedule(options, scenario);
    if (options.seeds) return run_seeds(options, scenario, *options.seeds);
    return run_one(options, scenario, options.seed.value_or(scenario.seed));
}

}  // namespace

std::optional<SeedRange> parse_seeds(const std::string& text) {
    SeedRange range;
    char rest = 0;
    const auto dots = text.find("..");
    if (dots == std::string::npos || dots == 0 || text.size() == dots + 2) return std::nullopt;
    if (text.find_first_not_of("0123456789.") != std::string::npos) return std::nullopt;
    if (std::sscanf(text.c_str(), "%lu..%lu%c", &range.first, &range.last, &rest) != 2)
        return std::nullopt;
    if (range.first > range.last) return std::nullopt;
    return range;
}

int run_command(const RunOptions& options) {
    // All files are read before any is played: bad input leaves nothing half done.
    std::vector<Scenario> scenarios;
    for (const std::string& file : options.files) scenarios.push_back(load_scenario(file));
    int status = kAsExpected;
    for (const Scenario& scenario : scenarios) {
        for (const std::string& warning : scenario.warnings) {
            std::fprintf(stderr, "tribunal: warning: %s: %s\n", scenario.file.c_str(),
                         warning.c_str());
        }
        status = worse(status, run_scenario(options, scenario));
    }
    return status;
}

}  // namespace tribunal
