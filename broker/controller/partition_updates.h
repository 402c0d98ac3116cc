// Walks over the partitions that a broker's coming or going concerns.
#pragma once

#include <utility>

#include "broker/controller/partition_change_builder.h"

namespace tribunal {

// Visits (TopicPartition, const PartitionImage&, const TopicImage&), topic by topic.
template <class Visit>
void for_each_partition(const ClusterImage& image, Visit&& visit) {
    for (const auto& [id, topic] : image.topics) {
        for (std::size_t i = 0; i < topic->partitions.size(); ++i) {
            visit(TopicPartition{id, static_cast<std::int32_t>(i)}, topic->partitions[i], *topic);
        }
    }
}

// Which broker changes how, while its own record is not in the image yet. At most one is set.
struct BrokerChange {
    NodeId leaves = kNoNode;            // every ISR and leadership: fenced, or shutting down
    NodeId joins = kNoNode;             // may lead from now on
    NodeId unclean_shutdown = kNoNode;  // leaves, and every ELR too
};

// The records that follow from it, for every partition that `concerns(partition)`
// (Kafka: ReplicationControlManager.generateLeaderAndIsrUpdates).
template <class Concerns>
void update_partitions(const ControllerView& c, const BrokerChange& change, Concerns&& concerns,
                       std::vector<MetadataRecord>& records) {
    const NodeId gone = change.leaves != kNoNode ? change.leaves : change.unclean_shutdown;
    const AcceptableLeader acceptable{c.image, gone, change.joins};
    const bool keeps_dead = c.config.planted_bug == PlantedBug::isr_keeps_dead_replica;
    for_each_partition(c.image, [&](TopicPartition tp, const PartitionImage& p,
                                    const TopicImage& topic) {
        if (!concerns(p)) return;
        PartitionTarget target(p);
        if (!keeps_dead) target.isr.erase(gone);
        target.unclean_shutdown = change.unclean_shutdown;
        if (may_elect_unclean(c, topic)) target.election = Election::unclean;
        auto record = build_change(tp, p, std::move(target), partition_rules(c, topic), acceptable);
        if (record) records.emplace_back(std::move(*record));
    });
}

}  // namespace tribunal
