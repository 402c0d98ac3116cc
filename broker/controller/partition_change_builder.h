// Every change of a partition's leader, ISR, eligible leader replicas or assignment is built here,
// whatever caused it: fencing, unfencing, controlled or unclean shutdown, AlterPartition,
// elections, reassignments (Kafka: PartitionChangeBuilder; KIP-455, KIP-704, KIP-966).
#pragma once

#include <optional>

#include "broker/controller/decisions.h"

namespace tribunal {

enum class Election : std::uint8_t {
    preferred,  // the first replica when it may lead; else as `online`
    online,     // a member of the ISR, or of the ELR when the ISR is empty
    unclean,    // and if there is none, any replica that is alive
};

// What is wanted of a partition. Begins as what is.
struct PartitionTarget {
    explicit PartitionTarget(const PartitionImage& partition);

    Election election = Election::online;
    FlatSet<NodeId> isr;
    std::vector<NodeId> replicas;
    FlatSet<NodeId> adding_replicas;
    FlatSet<NodeId> removing_replicas;
    LeaderRecoveryState leader_recovery_state;
    NodeId unclean_shutdown = kNoNode;  // has lost unsynced data, so it leaves the ELR
};

// The rules that a partition is changed by: those of the finalized features and its topic.
struct PartitionRules {
    bool eligible_leader_replicas = true;        // KIP-966: the ISR may become empty
    bool leader_recovery_state = true;           // KIP-704, metadata.version 3.2-IV0
    bool isr_shrink_bumps_leader_epoch = false;  // KAFKA-15021, before metadata.version 3.6-IV0
    std::int32_t min_isr = 1;                    // the effective one
    PlantedBug planted_bug = PlantedBug::none;
};
PartitionRules partition_rules(const ControllerView& c, const TopicImage& topic);

// min.insync.replicas, but never more than the topic's replication factor (KAFKA-15583).
std::int32_t effective_min_isr(const TopicImage& topic);
bool is_elr_enabled(const ControllerView& c);
// unclean.leader.election.enable, where the release obeys it.
bool may_elect_unclean(const ControllerView& c, const TopicImage& topic);

// Who may lead: active brokers (KIP-841), with one added or taken out whose record is being decided
// in the same breath.
struct AcceptableLeader {
    const ClusterImage& image;
    NodeId without = kNoNode;
    NodeId also = kNoNode;

    bool operator()(NodeId node) const {
        return node != without && (node == also || image.active.contains(node));
    }
};

// Nobody of this topic is eligible any more, and nobody is known to have led last (Kafka:
// ClearElrRecord): what a member of the ELR promises, it promises under the min.insync.replicas of
// its time.
void clear_elr(const TopicImage& topic, std::vector<MetadataRecord>& records);

// None when nothing changes.
std::optional<PartitionChangeRecord> build_change(TopicPartition tp,
                                                  const PartitionImage& partition,
                                                  PartitionTarget target,
                                                  const PartitionRules& rules,
                                                  const AcceptableLeader& acceptable);

}  // namespace tribunal
