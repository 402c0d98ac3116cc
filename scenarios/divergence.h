// Where two runs that ought to be the same begin to differ: the one number that makes a broken
// determinism cheap to find.
//
// A trace tells of a difference only once it shows in an event; the state knows earlier, for
// instance when a drawn latency differs whose message arrives much later. So the search goes by
// traces first, which is cheap, and then back to the first event after which the states differ.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "scenarios/scenario.h"
#include "sim/run.h"

namespace tribunal {

// The run of sim/run.h one event at a time.
class SteppedRun {
  public:
    SteppedRun(World world, const RunPlan& plan) : world_(std::move(world)), plan_(plan) {
        until_ = Instant{0} + plan.faulty;
    }
    // Takes the next event, healing the world when that is due. False when the run is over.
    bool next(Chooser& chooser, Observer* observer = nullptr);
    const World& world() const { return world_; }

  private:
    enum class Phase : std::uint8_t { faulty, converging, settling, over };
    void next_phase(Chooser& chooser, Observer* observer);

    World world_;
    RunPlan plan_;
    Phase phase_ = Phase::faulty;
    Instant until_;
    Instant bound_;
};

// How to begin a run, as often as needed.
struct RunStart {
    std::function<World()> world;
    std::function<std::unique_ptr<Chooser>()> chooser;
    RunPlan plan;
};
RunStart start_of(const Scenario& scenario, std::uint64_t seed);

struct Divergence {
    std::uint64_t event = 0;  // the first is 1
    // What each side did in this event: its choices, the input it took, what it sent.
    std::string left, right;
};

// Nothing when both runs have the same trace and end in the same state.
std::optional<Divergence> first_divergence(const RunStart& left, const RunStart& right);

// What a run does in one event, in words; for two sides that cannot run in one process.
std::string words_of_event(const RunStart& start, std::uint64_t event);

}  // namespace tribunal
