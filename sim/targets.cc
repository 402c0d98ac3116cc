// Whom a fault hits, resolved at its instant from the controller's image.
#include <algorithm>

#include "broker/base/check.h"
#include "sim/world.h"

namespace tribunal {

std::vector<NodeId> World::resolve(const Target& target, Chooser& chooser) const {
    std::vector<NodeId> found;
    const auto add_if = [&](auto&& wanted) {
        for (std::size_t i = 0; i < hosts.size(); ++i) {
            if (wanted(*hosts[i])) found.push_back(ids[i]);
        }
    };
    const auto choose_one = [&] {
        if (found.size() < 2) return;
        const auto which = chooser.choose(ChoiceKind::fault_target, 0, found.size());
        found = {found[static_cast<std::size_t>(which)]};
    };
    const auto is_broker = [](const Host& h) { return broker_of(h.node) != nullptr; };
    const PartitionImage* partition = nullptr;
    if (!target.topic.empty() && target.kind != TargetKind::coordinator &&
        target.kind != TargetKind::rack) {
        if (const TopicImage* topic = image().topic(target.topic)) {
            partition = image().partition({topic->id, target.partition});
        }
    }
    switch (target.kind) {
        case TargetKind::none:
            break;
        case TargetKind::node:
            found.push_back(target.node);
            break;
        case TargetKind::leader:
            if (partition != nullptr && partition->leader != kNoNode)
                found.push_back(partition->leader);
            break;
        case TargetKind::replicas:
            if (partition != nullptr) found = partition->replicas;
            break;
        case TargetKind::followers:
        case TargetKind::follower:
            if (partition == nullptr) break;
            for (const NodeId node : partition->replicas) {
                if (node != partition->leader) found.push_back(node);
            }
            if (target.kind == TargetKind::follower) choose_one();
            break;
        case TargetKind::isr:
            if (partition != nullptr) found.assign(partition->isr.begin(), partition->isr.end());
            break;
        case TargetKind::out_of_sync:
            if (partition == nullptr) break;
            for (const NodeId node : partition->replicas) {
                if (!partition->isr.contains(node)) found.push_back(node);
            }
            break;
        case TargetKind::controller:
            found.push_back(controller().id);
            break;
        case TargetKind::controllers:
            add_if([](const Host& h) { return controller_of(h.node) != nullptr; });
            break;
        case TargetKind::coordinator:
            if (const TopicImage* topic = image().topic(kOffsetsTopic); topic != nullptr) {
                const auto n = static_cast<std::int32_t>(topic->partitions.size());
                const auto& p = topic->partitions[static_cast<std::size_t>(
                    coordinator_partition(target.topic, n))];
                if (p.leader != kNoNode) found.push_back(p.leader);
            }
            break;
        case TargetKind::crashed:
            add_if([](const Host& h) { return h.power != Power::up; });
            break;
        case TargetKind::rack:
            add_if([&](const Host& h) {
                return is_broker(h) && broker_of(h.node)->config.rack == target.topic;
            });
            break;
        case TargetKind::any_broker:
            add_if([&](const Host& h) { return is_broker(h) && h.power == Power::up; });
            choose_one();
            break;
        case TargetKind::brokers:
            add_if(is_broker);
            break;
        case TargetKind::clients:
            add_if([](const Host& h) { return is_client(h.node); });
            break;
    }
    std::sort(found.begin(), found.end());
    return found;
}

}  // namespace tribunal
