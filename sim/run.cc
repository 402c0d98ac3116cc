#include "sim/run.h"

#include <algorithm>

namespace tribunal {
namespace {

constexpr Duration kLookEvery = milliseconds(100);

std::string name_of(const World& world, TopicPartition tp) {
    const TopicImage* topic = world.image().topic(tp.topic);
    return (topic == nullptr ? "?" : topic->name) + "-" + std::to_string(tp.partition);
}

std::optional<std::string> broker_reason(const World& world, const Host& host, const Broker& b) {
    if (host.power != Power::up || !host.started) return host.name + " is down";
    if (!world.image().alive.contains(b.id)) return host.name + " is fenced";
    if (b.image_offset < world.controller().committed()) {
        return host.name + " has not seen the newest metadata";
    }
    return std::nullopt;
}

// A controller that starts, votes and fetches like the others has all that is committed.
std::optional<std::string> controller_reason(const World& world, const Host& host,
                                             const Controller& c) {
    if (host.power != Power::up || !host.started) return host.name + " is down";
    if (!world.controller().active) return "no controller is active";
    if (c.committed() < world.controller().committed()) {
        return host.name + " has not seen the newest metadata";
    }
    return std::nullopt;
}

std::optional<std::string> partition_reason(const World& world, TopicPartition tp,
                                            const PartitionImage& image) {
    if (image.leader == kNoNode) return name_of(world, tp) + " has no leader";
    if (image.isr.size() < image.replicas.size()) {
        return name_of(world, tp) + " has " + std::to_string(image.isr.size()) + " of " +
               std::to_string(image.replicas.size()) + " replicas in sync";
    }
    const auto* leader_host = broker_of(world.host(image.leader).node);
    const Partition* leader = leader_host == nullptr ? nullptr : find_partition(*leader_host, tp);
    if (leader == nullptr || leader->leader() == nullptr) {
        return name_of(world, tp) + "'s leader does not know that it leads";
    }
    if (leader->high_watermark < leader->log.log_end_offset) {
        return name_of(world, tp) + " has records above the high watermark";
    }
    return std::nullopt;
}

std::optional<std::string> client_reason(const World& world, const Host& host) {
    if (const auto* p = std::get_if<Producer>(&host.node); p != nullptr && p->unfinished > 0) {
        return host.name + " waits for " + std::to_string(p->unfinished) + " records";
    }
    if (const auto* a = std::get_if<Admin>(&host.node); a != nullptr && a->attempts > 0) {
        return host.name + " waits for an answer";
    }
    const auto* c = std::get_if<Consumer>(&host.node);
    if (c == nullptr || !c->running) return std::nullopt;
    for (const Assigned& a : c->assigned) {
        if (a.state == PositionState::failed) continue;
        const PartitionImage* image = world.image().partition(a.id);
        if (image == nullptr || image->leader == kNoNode) continue;
        const auto* b = broker_of(world.host(image->leader).node);
        const Partition* p = b == nullptr ? nullptr : find_partition(*b, a.id);
        if (a.state != PositionState::valid ||
            (p != nullptr && a.position.offset != p->high_watermark)) {
            return host.name + " is not at the end of " + name_of(world, a.id);
        }
    }
    return std::nullopt;
}

}  // namespace

std::optional<std::string> unconverged_reason(const World& world) {
    for (const auto& host : world.hosts) {
        if (const auto* b = broker_of(host->node)) {
            if (auto reason = broker_reason(world, *host, *b)) return reason;
        }
        if (const Controller* c = controller_of(host->node)) {
            if (auto reason = controller_reason(world, *host, *c)) return reason;
        }
    }
    for (const auto& [id, topic] : world.image().topics) {
        for (std::size_t i = 0; i < topic->partitions.size(); ++i) {
            const TopicPartition tp{id, static_cast<std::int32_t>(i)};
            if (auto reason = partition_reason(world, tp, topic->partitions[i])) return reason;
        }
    }
    for (const auto& host : world.hosts) {
        if (auto reason = client_reason(world, *host)) return reason;
    }
    return std::nullopt;
}

RunOutcome run(World& world, Chooser& chooser, Observer* observer, const RunPlan& plan) {
    const Instant end = Instant{0} + plan.faulty;
    while (world.step(chooser, observer, end)) {
    }
    world.heal(chooser, observer);
    RunOutcome outcome;
    outcome.healed_at = world.now();
    const Instant bound = world.now() + plan.heal_bound;
    std::optional<std::string> reason;
    do {
        const Instant until = std::min(bound, world.now() + kLookEvery);
        while (world.step(chooser, observer, until)) {
        }
        reason = unconverged_reason(world);
    } while (reason && world.now() < bound);
    outcome.converged = !reason;
    outcome.converged_at = world.now();
    if (reason) {
        outcome.unconverged = *reason;
        return outcome;
    }
    const Instant settled = world.now() + plan.settle;
    while (world.step(chooser, observer, settled)) {
    }
    return outcome;
}

}  // namespace tribunal
