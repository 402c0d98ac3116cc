// A scenario as a small world: what `tribunal check FILE` explores, and how `tribunal run` plays a
// counterexample that was found in it.
#pragma once

#include <optional>

#include "model/result.h"
#include "scenarios/scenario.h"

namespace tribunal {

// Given on the command line instead of what the file says.
struct BoundsOverride {
    std::optional<std::int32_t> writes = {};
    std::optional<std::int32_t> crashes = {};
    std::optional<std::int32_t> power_losses = {};
    std::optional<std::int32_t> losses = {};
    std::optional<std::int32_t> timers = {};
    std::optional<std::int32_t> epochs = {};
};
// The scenario with these bounds. Throws ScenarioError when it has no "check" or a bound is out of
// range.
Scenario with_bounds(Scenario scenario, const BoundsOverride& bounds);

// Every state of the small world within its bounds. `scenario` must have a "check".
SearchResult check_small_world(const Scenario& scenario, const SearchOptions& options);

// The scenario whose schedule is the path of a property that failed, and which expects that.
Scenario counterexample_of(const Scenario& scenario, const PropertyResult& property);

// Plays the schedule. A step that is not possible where it stands is left out and counted in the
// notes: the file may have been written for another release. Properties that were not broken pass.
SearchResult play_schedule(const Scenario& scenario);

// Whether the result of a property is what the scenario's author expected of it.
struct ScheduleExpectation {
    std::string property;
    Verdict wanted = Verdict::pass;
};
std::vector<ScheduleExpectation> expected_of(const Scenario& scenario);

}  // namespace tribunal
