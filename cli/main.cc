// `tribunal`: parses the command line and maps what goes wrong to exit statuses and clear lines.
#include <CLI/CLI.hpp>

#include <cstdio>
#include <exception>
#include <iostream>
#include <stdexcept>

#include "broker/base/check.h"
#include "cli/commands.h"
#include "model/machine.h"
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

// Without it "-1" would be the largest number.
std::string whole_number(const std::string& text) {
    const bool digits = text.find_first_not_of("0123456789") == std::string::npos;
    if (!digits) return "'" + text + "' is not a whole number";
    return text.size() > 18 ? text + " is too large" : "";
}
std::string at_least_one(const std::string& text) {
    const std::string wrong = whole_number(text);
    if (!wrong.empty() || text.find_first_not_of('0') != std::string::npos) return wrong;
    return "must be at least 1";
}

CLI::App* add_check(CLI::App& app, CheckOptions& check) {
    CLI::App* sub = app.add_subcommand("check", "Every reachable state of a model or small world");
    sub->add_option("MODEL|FILE", check.what,
                    "A model (tribunal list models), or a scenario file to explore as a small "
                    "world")
        ->required();
    sub->add_option("--set", check.set, "A constant of the model, NAME=VALUE; repeatable")
        ->allow_extra_args(false);
    sub->add_option("--expect", check.expect,
                    "PROPERTY=pass or PROPERTY=fail; repeatable: status 0 when all are met and no "
                    "other property fails")
        ->allow_extra_args(false);

    const char* how = "How to search";
    sub->add_option("--workers", check.workers, "Threads; the counts do not depend on them")
        ->check(CLI::Range(1, 64))
        ->group(how);
    sub->add_option("--policy", check.policy,
                    "breadth-first, depth-first, random-walk or best-first")
        ->capture_default_str()
        ->group(how);
    sub->add_flag("--symmetry", check.symmetry,
                  "One state for all that differ by names of interchangeable parts")
        ->group(how);
    sub->add_option("--reduction", check.reduction, "none, sleep or source-dpor")
        ->capture_default_str()
        ->group(how);
    sub->add_flag("--no-liveness", check.no_liveness, "Leave the 'eventually' properties open")
        ->group(how);
    sub->add_flag("--stop-at-first", check.stop_at_first, "Stop at the first violation")
        ->group(how);
    sub->add_option("--seed", check.seed, "Of random walks")->check(whole_number)->group(how);
    sub->add_option("--walks", check.walks, "How many random walks")
        ->check(at_least_one)
        ->group(how);

    const char* limits = "Limits";
    sub->add_option("--memory", check.memory, "Like 8G or 512M")
        ->capture_default_str()
        ->group(limits);
    sub->add_option("--time", check.time, "Like 30s or 5m")->group(limits);
    sub->add_option("--max-states", check.max_states, "Distinct states")
        ->check(at_least_one)
        ->group(limits);
    sub->add_option("--max-depth", check.max_depth, "Levels, the initial states being the first")
        ->check(at_least_one)
        ->group(limits);
    sub->add_option("--checkpoint", check.checkpoint, "File to write when a limit stops the search")
        ->group(limits);
    sub->add_option("--resume", check.resume, "Checkpoint to go on from")->group(limits);

    const char* output = "What to write";
    sub->add_option("--format", check.format, "text or json")
        ->check(CLI::IsMember({"text", "json"}))
        ->capture_default_str()
        ->group(output);
    sub->add_flag("--no-timings", check.no_timings,
                  "Leave out rates, times and memory: the same bytes on every machine")
        ->group(output);
    sub->add_option("--report", check.report_folder, "Folder of check.html and check.json")
        ->group(output);
    sub->add_option("--dot", check.dot, "The state graph for Graphviz")->group(output);
    sub->add_option("--graphml", check.graphml, "The state graph as GraphML")->group(output);
    sub->add_flag("--graph-around", check.graph_around,
                  "Only the first counterexample and its neighbours")
        ->group(output);
    sub->add_option("-o,--save", check.save, "Of a FILE: the counterexample as a scenario file")
        ->group(output);

    const char* small = "Bounds of a FILE (without: what the file says)";
    sub->add_option("--messages", check.messages, "Records that clients send")
        ->check(whole_number)
        ->group(small);
    sub->add_option("--crashes", check.crashes, "Processes killed")
        ->check(whole_number)
        ->group(small);
    sub->add_option("--power-losses", check.power_losses, "Machines that lose power")
        ->check(whole_number)
        ->group(small);
    sub->add_option("--losses", check.losses, "Connections broken")
        ->check(whole_number)
        ->group(small);
    sub->add_option("--epochs", check.epochs, "Leader elections")
        ->check(whole_number)
        ->group(small);
    sub->add_option("--timers", check.timers, "Timers that fire")
        ->check(whole_number)
        ->group(small);
    return sub;
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

    CheckOptions check;
    auto* check_app = add_check(app, check);

    std::string what;
    std::string list_format = "text";
    auto* list_app =
        app.add_subcommand("list", "What there is: scenarios, properties, faults, ...");
    list_app
        ->add_option("WHAT", what,
                     "scenarios | models | properties | claims | faults | targets | operations | "
                     "editions | settings | schema")
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
    const std::string& format = *run_app ? run.format : *check_app ? check.format : list_format;
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
        if (*check_app) return check_command(check);
        return list_command(what, list_format);
    } catch (const ScenarioError& error) {
        return fail(format, kBadInput, "input", error.what());
    } catch (const CheckFailure& error) {
        return fail(format, kInternal, "internal",
                    std::string{"internal check failed: "} + error.what());
    } catch (const OutOfMemory& error) {
        return fail(format, kInconclusive, "memory", error.what());
    } catch (const std::invalid_argument& error) {
        return fail(format, kBadInput, "usage", error.what());
    } catch (const std::exception& error) {
        return fail(format, kBadInput, "input", error.what());
    }
}
