// Plays a scenario: builds its world, runs it, judges it. The result is a function of the scenario
// and the seed.
#pragma once

#include "properties/property.h"
#include "properties/recorder.h"
#include "scenarios/scenario.h"

namespace tribunal {

// The world of a scenario before its first event: cluster, clients, and an admin client that
// creates the topics.
World build_world(const Scenario& scenario);

// The node that creates the topics; not a client of the scenario.
constexpr NodeId setup_id() { return NodeId{1000}; }

struct Played {
    std::uint64_t seed = 0;
    RunOutcome outcome;
    History history;
    std::vector<FinalLog> logs;
    RunFacts facts;
    std::vector<Check> checks;
    std::vector<LedgerEntry> ledger;
    std::vector<std::string> application_errors;
    ClusterImage image;
    Digest128 trace;
    std::uint64_t events = 0;
    Instant end;
};

// Throws CheckFailure when an assumption of Tribunal's own code breaks. A further observer sees the
// same run.
Played play(const Scenario& scenario, std::uint64_t seed, Observer* further = nullptr);
// The same with choices from elsewhere (a recorded list, a person).
Played play(const Scenario& scenario, Chooser& chooser, Observer* further = nullptr);

// Only the world, for a second look with another observer.
Digest128 run_world(const Scenario& scenario, std::uint64_t seed, Observer* observer);

// Whether the check is what the author expected; `actual` says what it is.
bool is_met(const Expectation& expectation, const Check& check);

}  // namespace tribunal
