#include "scenarios/play.h"

#include "broker/base/check.h"

namespace tribunal {
namespace {

// Two observers of one run.
class Both final : public Observer {
  public:
    Both(Observer& first, Observer& second) : first_(first), second_(second) {}
    void on_step(const World& w, const Host& h, const Input& i, const Outbox& o) override {
        first_.on_step(w, h, i, o);
        second_.on_step(w, h, i, o);
    }
    void on_message_sent(const World& w, std::uint32_t slot, const MessageInFlight& m, NodeId from,
                         NodeId to) override {
        first_.on_message_sent(w, slot, m, from, to);
        second_.on_message_sent(w, slot, m, from, to);
    }
    void on_message_received(const World& w, std::uint32_t slot, const MessageInFlight& m,
                             bool lost) override {
        first_.on_message_received(w, slot, m, lost);
        second_.on_message_received(w, slot, m, lost);
    }
    void on_crash(const World& w, const Host& h, FaultKind how) override {
        first_.on_crash(w, h, how);
        second_.on_crash(w, h, how);
    }
    void on_fault(const World& w, const LedgerEntry& entry) override {
        first_.on_fault(w, entry);
        second_.on_fault(w, entry);
    }

  private:
    Observer& first_;
    Observer& second_;
};

RunPlan plan_of(const Scenario& scenario) {
    RunPlan plan;
    plan.faulty = scenario.run_for;
    plan.heal_bound = scenario.heal_for;
    return plan;
}

}  // namespace

Played play(const Scenario& scenario, Chooser& chooser, Observer* further) {
    World world = build_world(scenario);
    Recorder recorder{world};
    Played played;
    if (further != nullptr) {
        world.marks = true;
        Both both{recorder, *further};
        played.outcome = run(world, chooser, &both, plan_of(scenario));
    } else {
        played.outcome = run(world, chooser, &recorder, plan_of(scenario));
    }
    recorder.finish(world, played.outcome);
    played.end = world.now();
    played.logs = recorder.final_logs(world);
    played.facts = recorder.facts(world, played.outcome);
    played.history = recorder.history();
    std::vector<Check> monitored = recorder.monitor().finish(&played.history);
    monitored.push_back(recorder.monitor().lost_after_read(played.history));
    for (Check& check : recorder.metadata_monitor().finish(played.end, recorder.image())) {
        monitored.push_back(std::move(check));
    }
    for (Check& check : recorder.controllers().finish()) monitored.push_back(std::move(check));
    for (Check& check : recorder.quorum().finish()) monitored.push_back(std::move(check));
    for (Check& check : recorder.storage().finish(played.history, played.facts)) {
        monitored.push_back(std::move(check));
    }
    played.checks = judge(played.history, played.logs, played.facts, std::move(monitored));
    played.ledger = world.ledger;
    played.application_errors = recorder.application_errors();
    played.image = recorder.image();
    played.trace = world.trace_hash();
    played.events = world.events();
    return played;
}

Played play(const Scenario& scenario, std::uint64_t seed, Observer* further) {
    SeededChooser chooser{seed};
    Played played = play(scenario, chooser, further);
    played.seed = seed;
    return played;
}

Digest128 run_world(const Scenario& scenario, std::uint64_t seed, Observer* observer) {
    World world = build_world(scenario);
    world.marks = observer != nullptr;
    SeededChooser chooser{seed};
    run(world, chooser, observer, plan_of(scenario));
    return world.trace_hash();
}

bool is_met(const Expectation& expectation, const Check& check) {
    switch (expectation.expected) {
        case Expected::found:
            return check.found > 0;
        case Expected::absent:
            return check.found == 0 && check.checked > 0;
        case Expected::pass:
            return check.verdict == Verdict::pass;
        case Expected::fail:
            return check.verdict == Verdict::fail;
        case Expected::allowed:
            return check.verdict == Verdict::allowed;
        case Expected::vacuous:
            return check.verdict == Verdict::vacuous;
    }
    CHECK(!"unknown expectation");
    return false;
}

}  // namespace tribunal
