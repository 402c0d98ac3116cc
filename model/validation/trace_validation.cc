#include "model/validation/trace_validation.h"

#include <algorithm>
#include <stdexcept>

#include "broker/base/check.h"
#include "broker/base/prng.h"
#include "model/validation/trace_explanation.h"

namespace tribunal {
namespace {

// As many leader epochs as the words have room for.
KafkaReplicationLayout layout_for(const PartitionWorldOptions& options) {
    KafkaReplicationConstants constants;
    constants.replicas = static_cast<unsigned>(options.brokers);
    constants.log_size = std::max(1u, static_cast<unsigned>(options.bounds.writes));
    constants.max_records = static_cast<unsigned>(options.bounds.writes);
    for (constants.max_leader_epoch = KafkaReplicationLayout::kMaxLeaderEpoch;
         constants.max_leader_epoch >= 3; --constants.max_leader_epoch) {
        const KafkaReplicationLayout layout = kafka_replication_layout(constants);
        if (layout.representable()) return layout;
    }
    throw std::invalid_argument("trace validation has no room for so many replicas and writes");
}

}  // namespace

std::string_view name_of(TraceExtra extra) {
    static constexpr std::string_view kNames[] = {
        "Restart",           "FetchWithoutRecord",   "KeepHighWatermark",
        "ShrinkAsAsked",     "ExpandAsAsked",        "ExpandAtEpochStart",
        "CountAcknowledged", "TruncateToEpochStart", "TruncateOutOfRange"};
    static_assert(std::size(kNames) == TraceCoverage::kExtras);
    return kNames[static_cast<std::size_t>(extra)];
}

TraceCoverage& operator+=(TraceCoverage& sum, const TraceCoverage& more) {
    for (std::size_t i = 0; i < sum.actions.size(); ++i) sum.actions[i] += more.actions[i];
    for (std::size_t i = 0; i < sum.extras.size(); ++i) sum.extras[i] += more.extras[i];
    return sum;
}

// --- the world with its explanations ------------------------------------------------------------

bool TracedPartitionWorld::State::operator==(const State& o) const {
    return world == o.world && history == o.history && explanations == o.explanations;
}

TracedPartitionWorld::TracedPartitionWorld(const PartitionWorld& world,
                                           const KafkaReplicationRules& rules)
    : world_(&world), rules_(rules), at_(layout_for(world.options())), specification_(at_, rules) {
    std::vector<Explanation> first;
    specification_.initial_states([&](const Specification::State& s) { first.push_back({s, {}}); });
    world.initial_states([&](PartitionWorld::State s) {
        TraceHistory history;
        const TraceEvents events = take_initial(world, s, history);
        initial_ = explain(std::move(s), std::move(history), events, {}, first, nullptr);
    });
    CHECK(!initial_.explanations->empty());
}

auto TracedPartitionWorld::explain(PartitionWorld::State after, TraceHistory history,
                                   const TraceEvents& events, const TraceObservation& before,
                                   std::span<const Explanation> explanations,
                                   std::string* why) const -> State {
    std::vector<Explanation> left;
    if (history.leader_epochs.size() > at_.constants.max_leader_epoch + 1) {
        if (why != nullptr) *why = "more leader epochs than there is room for";
    } else {
        const TraceObservation now = observe(*world_, after, history);
        remember(before, now, history);
        left = explanations_after({at_, rules_, specification_, history, before, now, events},
                                  explanations, why);
    }
    return {std::move(after), Shared<TraceHistory>{std::move(history)},
            Shared<std::vector<Explanation>>{std::move(left)}};
}

auto TracedPartitionWorld::next(const State& s, Action a, std::string* why) const -> State {
    PartitionWorld::State after = world_->next(s.world, a);
    TraceHistory history = *s.history;
    const TraceEvents events = take(*world_, s.world, a, after, history);
    const TraceObservation before = observe(*world_, s.world, *s.history);
    return explain(std::move(after), std::move(history), events, before, *s.explanations, why);
}

Digest128 TracedPartitionWorld::digest(const State& s) const {
    Digest d;
    fold(d, world_->digest(s.world));
    fold(d, digest_of(*s.history));
    for (const Explanation& e : *s.explanations) fold(d, specification_.digest(e.state));
    return d.value();
}

std::span<const PropertySpec> TracedPartitionWorld::properties() const {
    static constexpr PropertySpec kProperties[] = {{"IsBehaviour"}};
    return kProperties;
}

StateText TracedPartitionWorld::show(const State& s) const {
    StateText text = world_->show(s.world);
    text.emplace_back("explanations", std::to_string(s.explanations->size()));
    if (s.explanations->empty()) return text;
    for (auto& [name, value] : specification_.show(s.explanations->front().state)) {
        text.emplace_back("abstract " + name, std::move(value));
    }
    return text;
}

// --- one trace ----------------------------------------------------------------------------------

KafkaReplicationRules rules_of_edition(TruncationRule rule) {
    switch (rule) {
        case TruncationRule::to_high_watermark:
            return kafka_truncate_to_high_watermark_rules();
        case TruncationRule::kip101: {
            KafkaReplicationRules rules = kip101_rules();
            rules.truncation = KafkaTruncation::kip101_clamped;
            return rules;
        }
        case TruncationRule::kip279:
            return kip279_rules();
        case TruncationRule::kip320:
        case TruncationRule::kip595:  // has no specification of its own; it is asked for by name
            break;
    }
    return kip320_rules();
}

std::optional<TraceMismatch> validate_trace(const PartitionWorld& world,
                                            std::span<const Action> actions,
                                            const KafkaReplicationRules& rules,
                                            TraceCoverage* coverage) {
    const TracedPartitionWorld traced(world, rules);
    std::optional<TracedPartitionWorld::State> s;
    traced.initial_states([&](TracedPartitionWorld::State first) { s = std::move(first); });
    for (std::size_t i = 0; i < actions.size(); ++i) {
        TraceMismatch mismatch;
        TracedPartitionWorld::State next = traced.next(*s, actions[i], &mismatch.why);
        if (next.explanations->empty()) {
            mismatch.step = i;
            mismatch.action = world.describe(s->world, actions[i]);
            mismatch.real = world.show(next.world);
            for (const auto& e : *s->explanations) {
                if (mismatch.abstract.size() == 3) break;
                mismatch.abstract.push_back(traced.specification().show(e.state));
            }
            return mismatch;
        }
        s = std::move(next);
    }
    if (coverage != nullptr) *coverage += s->explanations->front().taken;
    return std::nullopt;
}

std::string to_text(const TraceMismatch& mismatch) {
    std::string text = "step " + std::to_string(mismatch.step + 1) + ", " + mismatch.action +
                       ", is no step of the specification: " + mismatch.why + "\n";
    const auto add = [&](const std::string& title, const StateText& state) {
        text += title + "\n";
        for (const auto& [name, value] : state) text += "  " + name + ": " + value + "\n";
    };
    add("after it:", mismatch.real);
    for (const StateText& state : mismatch.abstract) add("the specification, before:", state);
    return text;
}

std::vector<Action> random_trace(const PartitionWorld& world, std::uint64_t seed,
                                 std::size_t most_steps) {
    constexpr std::uint64_t kCalm = 6;  // one step in so many is a fault, when there is a choice
    Prng prng(seed);
    std::optional<PartitionWorld::State> s;
    world.initial_states([&](PartitionWorld::State first) { s = std::move(first); });
    std::vector<Action> trace;
    std::vector<Action> actions;
    while (trace.size() < most_steps) {
        actions.clear();
        world.enabled(*s, actions);
        if (actions.empty()) break;
        std::vector<Action> calm;
        std::vector<Action> faults;
        for (const Action a : actions) {
            const bool is_calm = a.kind < PartitionWorld::session_expires ||
                                 a.kind == PartitionWorld::write ||
                                 a.kind == PartitionWorld::restart;
            (is_calm ? calm : faults).push_back(a);
        }
        const bool is_fault = calm.empty() || (!faults.empty() && prng.below(kCalm) == 0);
        const std::vector<Action>& of = is_fault ? faults : calm;
        trace.push_back(of[prng.below(of.size())]);
        s = world.next(*s, trace.back());
    }
    return trace;
}

}  // namespace tribunal
