// `tribunal`: parses the command line and maps what goes wrong to exit statuses and clear lines.
#include <CLI/CLI.hpp>

#include <cstdio>
#include <exception>
#include <iostream>

#include "broker/base/check.h"
#include "cli/commands.h"
#include "scenarios/scenario.h"

using namespace tribunal;

namespace {

int fail(const std::string& format, int status, const char* kind, const std::string& message) {
    if (format == "json") {
        std::string escaped;
        for (const char c : message) {
            if (c == '"' || c == '\\') escaped += '\\';
            escaped += c == '\n' ? ' ' : c;
        }
        std::printf("{\"error\":{\"kind\":\"%s\",\"exit\":%d,\"message\":\"%s\"}}\n", kind, status,
                    escaped.c_str());
    } else {
        std::fprintf(stderr, "tribunal: %s\n", message.c_str());
    }
    return status;
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app{
        "Tribunal puts Kafka's delivery guarantees on trial: a deterministic simulation of a\n"
        "cluster and its clients, with failures injected and every promise checked.",
        "tribunal"};
    app.require_subcommand(1);
    app.footer(
        "Also: ./tribunal test [PATTERN] runs the tests, ./tribunal bench the benchmarks.\n"
        "Exit status: 0 as expected, 1 a verdict differs, 2 inconclusive, 3 bad usage or input,\n"
        "4 an internal check failed.");

    RunOptions run;
    std::uint64_t seed = 0;
    std::string seeds;
    auto* run_app = app.add_subcommand("run", "Play scenarios, judge them, write the report");
    run_app->add_option("FILE", run.files, "Scenario files")->required();
    auto* seed_option = run_app->add_option("--seed", seed, "Seed instead of the scenario's own");
    auto* seeds_option =
        run_app->add_option("--seeds", seeds, "Several seeds, A..B")->excludes(seed_option);
    run_app
        ->add_option("--report", run.report_folder, "Folder of report.html, result.json, junit.xml")
        ->capture_default_str();
    run_app->add_flag("--no-report", run.no_report, "Print the verdict only");
    run_app->add_option("--format", run.format, "text or json")
        ->check(CLI::IsMember({"text", "json"}))
        ->capture_default_str();
    run_app->add_flag("--trace", run.trace,
                      "Print every message and mark of the run to standard output");

    std::string what;
    std::string list_format = "text";
    auto* list_app =
        app.add_subcommand("list", "What there is: scenarios, properties, faults, ...");
    list_app
        ->add_option("WHAT", what,
                     "scenarios | models | properties | claims | faults | targets | editions | "
                     "settings | schema")
        ->required();
    list_app->add_option("--format", list_format, "text or json")
        ->check(CLI::IsMember({"text", "json"}));

    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        if (error.get_exit_code() == 0) return app.exit(error);  // --help
        std::fprintf(stderr, "tribunal: %s\nRun with --help for the commands.\n", error.what());
        return kBadInput;
    }
    const std::string& format = *run_app ? run.format : list_format;
    try {
        if (*run_app) {
            if (*seed_option) run.seed = seed;
            if (*seeds_option) {
                run.seeds = parse_seeds(seeds);
                if (!run.seeds) {
                    return fail(format, kBadInput, "usage",
                                "--seeds: '" + seeds + "' is not a range A..B with A <= B");
                }
            }
            return run_command(run);
        }
        return list_command(what, list_format);
    } catch (const ScenarioError& error) {
        return fail(format, kBadInput, "input", error.what());
    } catch (const CheckFailure& error) {
        return fail(format, kInternal, "internal",
                    std::string{"internal check failed: "} + error.what());
    } catch (const std::exception& error) {
        return fail(format, kBadInput, "input", error.what());
    }
}
