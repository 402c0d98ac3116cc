// A run has two phases (as TigerBeetle's simulator): faults strike for a while, then everything
// heals and the cluster must converge within a bound. "Stuck" is a finding with a reason.
#pragma once

#include <optional>
#include <string>

#include "sim/world.h"

namespace tribunal {

struct RunPlan {
    Duration faulty = seconds(10);
    Duration heal_bound = seconds(60);
    // After convergence the world runs on for this long, so that readers see the end.
    Duration settle = milliseconds(1500);
};

struct RunOutcome {
    bool converged = false;
    std::string unconverged;  // what was still moving when the bound was reached
    Instant healed_at;
    Instant converged_at;
};

// What keeps the cluster from being quiescent; nothing when it is: every partition has a leader and
// all its replicas in sync, every broker has the controller's image, every producer has its
// answers, every consumer is at the end.
std::optional<std::string> unconverged_reason(const World& world);

RunOutcome run(World& world, Chooser& chooser, Observer* observer, const RunPlan& plan);

}  // namespace tribunal
