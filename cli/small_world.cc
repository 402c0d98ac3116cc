#include "cli/small_world.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <span>

#include "reports/search_report.h"

namespace tribunal {

std::vector<std::pair<std::string, std::string>> constants_of(const Scenario& scenario) {
    if (const auto& quorum = scenario.check.value().quorum) {
        const QuorumBounds& q = quorum->bounds;
        return {{"kafka", scenario.edition},
                {"voters", std::to_string(quorum->voters)},
                {"observers", std::to_string(quorum->observers)},
                {"messages", std::to_string(q.appends)},
                {"crashes", std::to_string(q.crashes)},
                {"power_losses", std::to_string(q.power_losses)},
                {"losses", std::to_string(q.losses)},
                {"epochs", std::to_string(q.epochs)},
                {"voter_changes", std::to_string(q.voter_changes)},
                {"snapshots", std::to_string(q.snapshots)}};
    }
    const SmallWorldBounds& b = scenario.check.value().bounds;
    return {{"kafka", scenario.edition},
            {"brokers", std::to_string(scenario.cluster.brokers)},
            {"messages", std::to_string(b.writes)},
            {"crashes", std::to_string(b.crashes)},
            {"power_losses", std::to_string(b.power_losses)},
            {"losses", std::to_string(b.losses)},
            {"timers", std::to_string(b.timers)},
            {"epochs", std::to_string(b.epochs)},
            {"elections", std::to_string(b.elections)}};
}

int run_schedule(const RunOptions& options, const Scenario& scenario) {
    SearchReport report;
    report.model = scenario.name;
    report.constants = constants_of(scenario);
    report.command = "./tribunal run " + scenario.file;
    report.result = play_schedule(scenario);
    report.timings = false;
    report.one_behaviour = true;
    for (const ScheduleExpectation& e : expected_of(scenario)) {
        const auto& properties = report.result.properties;
        const bool known = std::any_of(properties.begin(), properties.end(),
                                       [&](const auto& p) { return p.name == e.property; });
        if (!known) {
            throw ScenarioError(scenario.file + ": /expect: a small world does not decide " +
                                e.property);
        }
        expect(report, e.property, e.wanted);
    }
    if (!options.no_report) write_search_report(report, options.report_folder);
    if (options.format == "json") {
        std::fputs(to_json(report).c_str(), stdout);
    } else {
        std::fputs(to_text(report, isatty(1) != 0).c_str(), stdout);
    }
    switch (outcome_of(report)) {
        case SearchOutcome::pass:
        case SearchOutcome::as_expected:
            return kAsExpected;
        case SearchOutcome::inconclusive:
            // One behaviour decides nothing of others, and nobody asked it to.
            return report.expectations.empty() ? kAsExpected : kInconclusive;
        case SearchOutcome::fail:
        case SearchOutcome::not_as_expected:
            return kDiffers;
    }
    return kInconclusive;
}

}  // namespace tribunal
