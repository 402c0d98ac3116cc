// One partition of the cluster at one instant, as the replication monitors look at it: pointers
// into the world, built after an event and thrown away.
#pragma once

#include <boost/container/small_vector.hpp>

#include "broker/base/flat.h"
#include "broker/log/replica_log.h"
#include "broker/replication/partition.h"

namespace tribunal {

// What the controller holds of a broker.
enum class Standing : std::uint8_t {
    unknown,  // the view does not say: nothing is judged by it
    fenced,   // or not registered
    stale,    // unfenced, but the process that it registered has ended
    active,   // unfenced, and the process that runs is the one it registered
};

struct ReplicaView {
    NodeId node;
    bool running = false;          // the process is up
    bool is_leader = false;        // it believes so
    LeaderEpoch leader_epoch{-1};  // of its role
    PartitionEpoch partition_epoch{-1};
    Offset high_watermark{0};  // its own; the exposed one when it leads
    const ReplicaLog* log =
        nullptr;  // what it has in memory, or on disk when it is down; never null
    // Only of a leader, else null: its committed ISR, and the maximal one (with replicas that it
    // has asked the controller to add, KIP-497).
    const FlatSet<NodeId>* isr = nullptr;
    const FlatSet<NodeId>* maximal_isr = nullptr;
    // What stands in its checkpoint files, and the node's wall clock, for the storage monitor.
    Offset checkpointed_high_watermark{0};
    Offset checkpointed_recovery_point{0};
    Offset checkpointed_log_start{0};
    Offset cleaner_checkpoint = kNoOffset;  // -1: none
    Timestamp wall_clock;
    // What it goes by, which may be behind the controller's; null when not known.
    const TopicConfig* config = nullptr;
    const BrokerConfig* broker_config = nullptr;
    // A leader that waits for no answer to an AlterPartition: its two sets must be equal (R4).
    // Leave it false when that is not known.
    bool isr_settled = false;
    // Of a leader whose view says so: what its followers have fetched, whom it believes alive, from
    // where its epoch counts, and how many in-sync replicas it wants.
    const std::vector<ReplicaProgress>* followers = nullptr;
    const FlatMap<NodeId, BrokerEpoch>* alive = nullptr;
    Offset epoch_start_offset{0};
    std::int32_t min_insync_replicas = 0;
    // Whom a follower follows, and its fetchers for this partition: how many (-1: not known, or the
    // broker is leaving) and from whom.
    NodeId follows = kNoNode;
    std::int32_t fetchers = -1;
    NodeId fetches_from = kNoNode;
    Standing standing = Standing::unknown;
};

struct PartitionView {
    TopicPartition partition;
    // Of which state of the metadata this is: equal numbers, equal state. 0: not known.
    std::uint64_t metadata_version = 0;
    // The active controller's committed state.
    NodeId leader = kNoNode;
    LeaderEpoch leader_epoch{0};
    PartitionEpoch partition_epoch{0};
    const FlatSet<NodeId>* isr = nullptr;
    std::int32_t min_insync_replicas = 1;
    // Every assigned replica, by node id.
    boost::container::small_vector<ReplicaView, 5> replicas;
    // Eligible leader replicas (KIP-966), whom the controller may elect as cleanly as a member of
    // the ISR; null when the cluster keeps none.
    const FlatSet<NodeId>* elr = nullptr;
    const FlatSet<NodeId>* last_known_elr = nullptr;
    // What this Kafka holds itself to (R12, R13): a rule that it does not know yet it cannot break.
    Rules rules;
};

}  // namespace tribunal
