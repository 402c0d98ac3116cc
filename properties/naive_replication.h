// The replication monitor's naive twin, for tests: keeps every observed state of one partition in
// full and evaluates the definitions by brute force, remembering no positions, no matches and no
// masks. Slow on purpose; where it and the monitor differ, one of them is wrong.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "properties/cluster_view.h"
#include "properties/replication_monitor.h"

namespace tribunal {

class NaiveReplication {
  public:
    struct Replica {
        NodeId node;
        bool running = false;
        bool is_leader = false;
        LeaderEpoch leader_epoch{-1};
        PartitionEpoch partition_epoch{-1};
        Offset high_watermark{0};
        Offset log_start_offset{0};
        Offset log_end_offset{0};
        std::vector<RecordBatch> batches;  // that reach above the log start
        std::vector<EpochEntry> epochs;
        std::optional<FlatSet<NodeId>> isr;
        std::optional<FlatSet<NodeId>> maximal_isr;
        bool isr_settled = false;
        std::optional<std::vector<ReplicaProgress>> followers;
        std::optional<FlatMap<NodeId, BrokerEpoch>> alive;
        Offset epoch_start_offset{0};
        std::int32_t min_insync_replicas = 0;
        NodeId follows = kNoNode;
        std::int32_t fetchers = -1;
        NodeId fetches_from = kNoNode;
        Standing standing = Standing::unknown;
    };
    struct Acknowledgement {
        Offset offset;
        RecordUid uid;
    };
    struct State {
        Instant now;
        NodeId leader;
        LeaderEpoch leader_epoch;
        PartitionEpoch partition_epoch;
        FlatSet<NodeId> isr;
        FlatSet<NodeId> elr;
        FlatSet<NodeId> last_known_elr;
        bool keeps_elr = false;
        std::int32_t min_insync_replicas = 1;
        Rules rules;
        std::vector<Replica> replicas;
        // What happened since the state before.
        FlatSet<NodeId> lossy;  // power loss or wipe
        std::vector<Acknowledgement> acks;
        bool metadata_lost = false;  // at or before
    };
    struct Count {
        std::uint64_t found = 0;
        std::uint64_t found_allowed = 0;
        bool operator==(const Count&) const = default;
    };

    void on_lossy_crash(NodeId node) { coming_.lossy.insert(node); }
    void on_acknowledged(Offset offset, RecordUid uid) { coming_.acks.push_back({offset, uid}); }
    void on_metadata_lost() { coming_.metadata_lost = true; }
    void observe(Instant now, const PartitionView& view);

    // By property id; a property without findings is absent. Not of R19 and R21, which are no
    // properties of observed states.
    std::map<std::string, Count> evaluate() const;

  private:
    std::vector<State> states_;
    State coming_;
};

}  // namespace tribunal
