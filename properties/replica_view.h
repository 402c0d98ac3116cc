// What the monitors see of one broker's replica, whatever world the broker lives in.
#pragma once

#include "broker/node/broker.h"
#include "properties/cluster_view.h"

namespace tribunal {

// Fills in a new view with the broker's replica, pointing into `broker`; with an empty log when it
// has none. (In place: a view is too large to be moved about.)
inline void show_replica(ReplicaView& replica, const Broker& broker, TopicPartition tp,
                         bool running) {
    static const ReplicaLog kEmpty;
    replica.node = broker.id;
    replica.running = running;
    replica.log = &kEmpty;
    const Partition* hosted = find_partition(broker, tp);
    if (hosted == nullptr) return;
    replica.log = &hosted->log;
    replica.leader_epoch = hosted->leader_epoch;
    replica.partition_epoch = hosted->partition_epoch;
    replica.high_watermark = hosted->high_watermark;
    replica.fetchers = 0;
    for (const auto& [leader, fetcher] : broker.fetchers) {
        if (!fetcher.partitions.contains(tp)) continue;
        ++replica.fetchers;
        replica.fetches_from = leader;
    }
    if (broker.controlled_shutdown != ControlledShutdown::no) replica.fetchers = -1;
    if (const Follower* follower = hosted->follower()) replica.follows = follower->leader;
    replica.checkpointed_high_watermark = hosted->checkpointed_high_watermark;
    replica.checkpointed_recovery_point = hosted->checkpoints.recovery_point;
    replica.checkpointed_log_start = hosted->checkpoints.log_start_offset;
    replica.cleaner_checkpoint = hosted->checkpoints.cleaner;
    replica.config = &hosted->config;
    replica.broker_config = &broker.config;
    if (const Leader* leader = hosted->leader()) {
        replica.is_leader = true;
        replica.isr_settled = !leader->pending.has_value();
        replica.isr = &leader->isr;
        replica.maximal_isr = &leader->maximal_isr;
        replica.followers = &leader->followers;
        replica.alive = &broker.image.alive;
        replica.epoch_start_offset = leader->epoch_start_offset;
        replica.min_insync_replicas = hosted->config.min_insync_replicas;
    }
}

inline ReplicaView& add_replica(PartitionView& view, const Broker& broker, bool running) {
    ReplicaView& replica = view.replicas.emplace_back();
    show_replica(replica, broker, view.partition, running);
    return replica;
}

// What the controller, by its image, holds of the broker.
inline Standing standing_of(const Broker& broker, bool running, const ClusterImage& image) {
    const BrokerEpoch* alive = image.alive.find(broker.id);
    if (alive == nullptr) return Standing::fenced;
    return running && *alive == broker.broker_epoch ? Standing::active : Standing::stale;
}

// The controller's state of the partition; the replicas are still to come.
inline PartitionView controllers_view(const ClusterImage& image, const Rules& rules,
                                      TopicPartition tp) {
    PartitionView view;
    view.partition = tp;
    const PartitionImage* p = image.partition(tp);
    if (p == nullptr) return view;
    view.leader = p->leader;
    view.leader_epoch = p->leader_epoch;
    view.partition_epoch = p->partition_epoch;
    view.isr = &p->isr;
    view.min_insync_replicas = image.topic(tp.topic)->config.min_insync_replicas;
    view.rules = rules;
    if (rules.eligible_leader_replicas && image.features.eligible_leader_replicas_version >= 1) {
        view.elr = &p->elr;
        view.last_known_elr = &p->last_known_elr;
    }
    return view;
}

}  // namespace tribunal
