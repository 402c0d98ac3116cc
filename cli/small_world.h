// What `check` and `run` share about scenarios that are small worlds.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "cli/commands.h"
#include "scenarios/small_world.h"

namespace tribunal {

// What decides how large the world is and what may happen in it, by the names of the file.
std::vector<std::pair<std::string, std::string>> constants_of(const Scenario& scenario);

// `tribunal run` of a scenario with a schedule: plays it and says what it broke.
int run_schedule(const RunOptions& options, const Scenario& scenario);

}  // namespace tribunal
