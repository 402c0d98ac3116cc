#include "scenarios/small_world.h"

#include <fmt/format.h>

#include <algorithm>

#include "broker/base/check.h"
#include "model/explore.h"
#include "model/worlds/partition_world.h"
#include "model/worlds/quorum_world.h"
#include "properties/property.h"

namespace tribunal {
namespace {

QuorumWorld quorum_of(const Scenario& scenario) {
    const QuorumCheck& check = *scenario.check->quorum;
    QuorumWorldOptions options;
    options.voters = check.voters;
    options.observers = check.observers;
    options.config = raft_config(scenario.cluster.config);
    options.planted_bug = scenario.cluster.config.planted_bug;
    options.bounds = check.bounds;
    return QuorumWorld(std::move(options));
}

PartitionWorld partition_of(const Scenario& scenario) {
    const auto& producer = std::get<ProducerSpec>(scenario.clients.at(0));
    PartitionWorldOptions options;
    options.brokers = scenario.cluster.brokers;
    options.broker = scenario.cluster.config;
    options.topic = scenario.topics.at(0).config;
    options.topic_name = scenario.topics.at(0).name;
    options.producer = producer.config;
    options.bounds = scenario.check->bounds;
    return PartitionWorld(std::move(options));
}

// Asks the world that the scenario is of: ask(world).
template <class Ask>
auto with_world(const Scenario& scenario, Ask&& ask) {
    CHECK(scenario.check.has_value());
    return scenario.check->quorum ? ask(quorum_of(scenario)) : ask(partition_of(scenario));
}

// The world knows its properties by their ids; people know them by what they say.
void name_properties(SearchResult& result) {
    for (PropertyResult& r : result.properties) {
        const Property* property = find_property(r.name);
        if (property == nullptr) continue;
        std::string text(property->name);
        if (r.verdict == Verdict::fail) text += fmt::format(" ({})", property->definition);
        r.note = r.note.empty() ? text : text + ": " + r.note;
    }
}

template <class World>
std::optional<Action> find_step(const World& world, const typename World::State& state,
                                const std::string& name) {
    std::vector<Action> actions;
    world.enabled(state, actions);
    const auto found = std::find_if(actions.begin(), actions.end(),
                                    [&](Action a) { return world.step_name(state, a) == name; });
    if (found == actions.end()) return std::nullopt;
    return *found;
}

}  // namespace

Scenario with_bounds(Scenario scenario, const BoundsOverride& bounds) {
    if (!scenario.check) {
        throw ScenarioError(scenario.file +
                            ": has no \"check\": {}, so it is no small world; see "
                            "scenarios/small/");
    }
    const auto set = [&](const std::optional<std::int32_t>& from, std::int32_t& to, int most,
                         const char* what) {
        if (!from) return;
        if (*from < 0 || *from > most) {
            throw ScenarioError(
                fmt::format("{}: {} {}, expected 0 to {}", scenario.file, *from, what, most));
        }
        to = *from;
    };
    if (scenario.check->quorum) {
        QuorumBounds& q = scenario.check->quorum->bounds;
        if (bounds.timers) {
            throw ScenarioError(scenario.file + ": time-outs of a quorum are bounded by epochs");
        }
        set(bounds.writes, q.appends, kMostCheckedWrites, "messages");
        set(bounds.crashes, q.crashes, kMostCheckedFaults, "crashes");
        set(bounds.power_losses, q.power_losses, kMostCheckedFaults, "power losses");
        set(bounds.losses, q.losses, kMostCheckedFaults, "losses");
        set(bounds.epochs, q.epochs, kMostCheckedFaults, "epochs");
        return scenario;
    }
    SmallWorldBounds& b = scenario.check->bounds;
    set(bounds.writes, b.writes, kMostCheckedWrites, "messages");
    set(bounds.crashes, b.crashes, kMostCheckedFaults, "crashes");
    set(bounds.power_losses, b.power_losses, kMostCheckedFaults, "power losses");
    set(bounds.losses, b.losses, kMostCheckedFaults, "losses");
    set(bounds.timers, b.timers, kMostCheckedFaults, "timers");
    set(bounds.epochs, b.epochs, kMostCheckedFaults, "epochs");
    std::get<ProducerSpec>(scenario.clients.at(0)).load.records =
        static_cast<std::uint64_t>(b.writes);
    return scenario;
}

SearchResult check_small_world(const Scenario& scenario, const SearchOptions& options) {
    SearchResult result =
        with_world(scenario, [&](const auto& world) { return search(world, options); });
    name_properties(result);
    return result;
}

Scenario counterexample_of(const Scenario& scenario, const PropertyResult& property) {
    Scenario found = scenario;
    found.name = fmt::format("{}: {} is broken", scenario.name, property.name);
    found.check->schedule.clear();
    with_world(scenario, [&](const auto& world) {
        world.initial_states([&](auto state) {
            for (const Action a : property.actions) {
                found.check->schedule.push_back(world.step_name(state, a));
                state = world.next(state, a);
            }
        });
        return 0;
    });
    found.expect.clear();
    // The same path may break several; the file states what it does.
    for (const PropertyResult& p : play_schedule(found).properties) {
        if (p.verdict == Verdict::fail) found.expect.push_back({p.name, Expected::found, ""});
    }
    return found;
}

namespace {

template <class World>
SearchResult play(const World& world, const Scenario& scenario) {
    using State = typename World::State;
    const std::span<const PropertySpec> specs = world.properties();
    SearchResult result;
    // What happens on some behaviour is no matter of this one: `always` only, and they come first.
    for (const PropertySpec& spec : specs) {
        if (spec.kind != PropertyKind::always) break;
        result.properties.push_back({});
        result.properties.back().name = spec.name;
        result.properties.back().verdict = Verdict::pass;
    }
    std::vector<PathStep> path;
    std::vector<Action> actions;
    std::vector<std::string> skipped;
    const auto look = [&](const State& state) {
        const std::uint64_t holds = world.predicates(state);
        for (std::size_t p = 0; p < result.properties.size(); ++p) {
            PropertyResult& r = result.properties[p];
            if (((holds >> p) & 1) != 0 || !r.path.empty()) continue;
            r.verdict = Verdict::fail;
            r.violating_states = 1;
            r.path = path;
            r.actions = actions;
        }
    };
    world.initial_states([&](State state) {
        path.push_back({"", world.show(state), ""});
        look(state);
        for (const std::string& name : scenario.check->schedule) {
            const auto action = find_step(world, state, name);
            if (!action) {
                skipped.push_back(name);
                continue;
            }
            State next = world.next(state, *action);
            path.push_back(step_of(world, state, *action, next));
            actions.push_back(*action);
            ++result.coverage[path.back().name];
            state = std::move(next);
            look(state);
        }
    });
    result.distinct = path.size();
    result.generated = path.size();
    result.depth = path.size();
    result.stopped_by = "one schedule was played, of all orders that are possible";
    if (!skipped.empty()) {
        result.stopped_by +=
            fmt::format("; {} of its {} steps were not possible here, first \"{}\"", skipped.size(),
                        scenario.check->schedule.size(), skipped.front());
    }
    name_properties(result);
    return result;
}

}  // namespace

SearchResult play_schedule(const Scenario& scenario) {
    return with_world(scenario, [&](const auto& world) { return play(world, scenario); });
}

std::vector<ScheduleExpectation> expected_of(const Scenario& scenario) {
    std::vector<ScheduleExpectation> wanted;
    for (const Expectation& e : scenario.expect) {
        const bool fails = e.expected == Expected::found || e.expected == Expected::fail;
        wanted.push_back({e.property, fails ? Verdict::fail : Verdict::pass});
    }
    return wanted;
}

}  // namespace tribunal
