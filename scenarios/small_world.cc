#include "scenarios/small_world.h"

#include <fmt/format.h>

#include <algorithm>

#include "broker/base/check.h"
#include "model/explore.h"
#include "model/worlds/partition_world.h"
#include "properties/property.h"

namespace tribunal {
namespace {

PartitionWorld world_of(const Scenario& scenario) {
    CHECK(scenario.check.has_value());
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

std::optional<Action> find_step(const PartitionWorld& world, const PartitionWorld::State& state,
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
    SmallWorldBounds& b = scenario.check->bounds;
    const auto set = [&](const std::optional<std::int32_t>& from, std::int32_t& to, int most,
                         const char* what) {
        if (!from) return;
        if (*from < 0 || *from > most) {
            throw ScenarioError(
                fmt::format("{}: {} {}, expected 0 to {}", scenario.file, *from, what, most));
        }
        to = *from;
    };
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
    SearchResult result = search(world_of(scenario), options);
    name_properties(result);
    return result;
}

Scenario counterexample_of(const Scenario& scenario, const PropertyResult& property) {
    Scenario found = scenario;
    const PartitionWorld world = world_of(scenario);
    found.name = fmt::format("{}: {} is broken", scenario.name, property.name);
    found.check->schedule.clear();
    world.initial_states([&](PartitionWorld::State state) {
        for (const Action a : property.actions) {
            found.check->schedule.push_back(world.step_name(state, a));
            state = world.next(state, a);
        }
    });
    found.expect.clear();
    // The same path may break several; the file states what it does.
    for (const PropertyResult& p : play_schedule(found).properties) {
        if (p.verdict == Verdict::fail) found.expect.push_back({p.name, Expected::found, ""});
    }
    return found;
}

SearchResult play_schedule(const Scenario& scenario) {
    const PartitionWorld world = world_of(scenario);
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
    const auto look = [&](const PartitionWorld::State& state) {
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
    world.initial_states([&](PartitionWorld::State state) {
        path.push_back({"", world.show(state), ""});
        look(state);
        for (const std::string& name : scenario.check->schedule) {
            const auto action = find_step(world, state, name);
            if (!action) {
                skipped.push_back(name);
                continue;
            }
            PartitionWorld::State next = world.next(state, *action);
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

std::vector<ScheduleExpectation> expected_of(const Scenario& scenario) {
    std::vector<ScheduleExpectation> wanted;
    for (const Expectation& e : scenario.expect) {
        const bool fails = e.expected == Expected::found || e.expected == Expected::fail;
        wanted.push_back({e.property, fails ? Verdict::fail : Verdict::pass});
    }
    return wanted;
}

}  // namespace tribunal
