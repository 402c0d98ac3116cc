// Prints the trace hash of runs, so that other builds of the same sources can be compared.
//
//   tribunal_trace FILE... [--seeds N]      a line `FILE SEED TRACE EVENTS` for each file and
//   seed 1..N tribunal_trace --events FILE SEED       a line `EVENT TRACE STATE` after each event
//   tribunal_trace --show FILE SEED EVENT   that event in words
#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "scenarios/divergence.h"
#include "scenarios/small_world.h"

namespace tribunal {
namespace {

// A small world is searched instead, small enough for a build without optimisation, by as many
// workers as the seed says; or its schedule is played. The hash is of all that was counted and
// said.
void print_search(const std::string& file, const Scenario& scenario, std::uint64_t seed) {
    SearchOptions options;
    options.workers = static_cast<unsigned>(seed);
    const SearchResult result =
        scenario.check->schedule.empty()
            ? check_small_world(with_bounds(scenario, {.writes = 1, .losses = 0}), options)
            : play_schedule(scenario);
    Digest d;
    fold(d, result.levels);
    d.word(result.generated);
    for (const auto& [action, taken] : result.coverage) d.word(taken);
    for (const PropertyResult& property : result.properties) {
        fold(d, property.name);
        fold(d, property.verdict);
        for (const PathStep& step : property.path) fold(d, step.action), fold(d, step.state);
    }
    fmt::print("{} {} {} {}\n", file, seed, to_string(d.value()), result.distinct);
}

void print_trace(const std::string& file, std::uint64_t seed) {
    const Scenario scenario = load_scenario(file);
    if (scenario.check) return print_search(file, scenario, seed);
    const RunStart start = start_of(scenario, seed);
    SteppedRun run{start.world(), start.plan};
    const auto chooser = start.chooser();
    while (run.next(*chooser)) {
    }
    fmt::print("{} {} {} {}\n", file, seed, to_string(run.world().trace_hash()),
               run.world().events());
}

void print_events(const std::string& file, std::uint64_t seed) {
    const RunStart start = start_of(load_scenario(file), seed);
    SteppedRun run{start.world(), start.plan};
    const auto chooser = start.chooser();
    for (std::uint64_t event = 1; run.next(*chooser); ++event) {
        fmt::print("{} {} {}\n", event, to_string(run.world().trace_hash()),
                   to_string(run.world().digest()));
    }
}

int main_of(const std::vector<std::string>& words) {
    if (words.size() == 3 && words[0] == "--events") {
        print_events(words[1], std::stoull(words[2]));
        return 0;
    }
    if (words.size() == 4 && words[0] == "--show") {
        fmt::print("{}\n", words_of_event(start_of(load_scenario(words[1]), std::stoull(words[2])),
                                          std::stoull(words[3])));
        return 0;
    }
    std::vector<std::string> files;
    std::uint64_t seeds = 1;
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (words[i] == "--seeds" && i + 1 < words.size()) {
            seeds = std::stoull(words[++i]);
        } else {
            files.push_back(words[i]);
        }
    }
    for (const std::string& file : files) {
        for (std::uint64_t seed = 1; seed <= seeds; ++seed) print_trace(file, seed);
    }
    return files.empty() ? 3 : 0;
}

}  // namespace
}  // namespace tribunal

int main(int argc, char** argv) {
    try {
        return tribunal::main_of({argv + 1, argv + argc});
    } catch (const std::exception& error) {
        std::fprintf(stderr, "tribunal_trace: %s\n", error.what());
        return 3;
    }
}
