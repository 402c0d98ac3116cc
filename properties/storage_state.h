// What the storage monitor remembers of a partition between two observations, and the steps of one
// observation. Internal to the storage_*.cc files.
#pragma once

#include <boost/container/deque.hpp>
#include <boost/container/small_vector.hpp>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "properties/committed_log.h"
#include "properties/storage_monitor.h"

namespace tribunal {

// Of every replica's every batch. In blocks, because a vector that doubles would hold as much again
// in vain.
using BatchIdentities =
    boost::container::deque<BatchIdentity, void,
                            boost::container::deque_options_t<boost::container::block_size<32>>>;

// The active segment as it was last seen. To share it, as closed ones are, would make every append
// copy it.
struct KnownActive {
    Offset base_offset{0};
    BatchIdentities batches;
    std::int64_t size_in_bytes = 0;
    Timestamp max_timestamp = kNoTimestamp;

    void take(const RecordBatch& batch) {
        batches.push_back(identity_of(batch));
        size_in_bytes += batch.size_in_bytes();
        max_timestamp = std::max(max_timestamp, batch.max_timestamp);
    }
};

// A segment as retention looks at it.
struct OldSegment {
    Offset base_offset;
    Offset end;  // where the next one begins
    std::int64_t size_in_bytes = 0;
    Timestamp max_timestamp;
};

// What cannot stay as it is when anything changes that the monitor looks at: nobody changes a log,
// its leader epochs or a checkpoint in the middle only.
struct Glance {
    std::array<std::int64_t, 12> seen{};
    bool operator==(const Glance&) const = default;
};
Glance glance_at(const ReplicaView& r);

// A replica's log as it was last seen. Closed segments are shared with it, which costs a pointer.
struct StorageMonitor::ReplicaShadow {
    NodeId node;
    bool seen = false;
    bool running = false;
    Glance glance;
    std::optional<StorageLoss> went_down;  // since the last observation
    bool lost_page_cache = false;          // ever
    Offset log_start_offset{0};
    Offset log_end_offset{0};
    // Ever: a crash may take back what was not checkpointed, and KIP-107 accepts that.
    Offset highest_log_start{0};
    std::int64_t size_in_bytes = 0;
    std::vector<Shared<Segment>> closed;
    KnownActive active;
    std::vector<EpochEntry> epochs;
    Offset cleaner_checkpoint = kNoOffset;
    Offset highest_high_watermark{0};   // of this life of the process
    Offset durable_end{0};              // the ledger of S15
    Offset found_end{0};                // where the log ended when the process started
    bool has_wrong_checkpoint = false;  // S14 is violated as long as this holds
    // The oldest segment is due for deletion, and was at every observation since.
    Instant due_since = kNever;
    Offset due_segment;

    bool is_log_of(const ReplicaView& r) const;
    // Where a process that finds this log takes it to end (LogLoader): behind the newest batch. The
    // log end may lie above, when the log was cut in a gap that a cleaner had left.
    Offset end_on_disk() const {
        return active.batches.empty() ? active.base_offset : active.batches.back().last_offset + 1;
    }
    // The leader epoch of the newest batch; kNoLeaderEpoch when there is none.
    LeaderEpoch last_epoch() const;
};

struct StorageMonitor::PartitionState {
    std::string name;
    bool deleted = false;
    std::vector<ReplicaShadow> replicas;
    // S1: the batches that were ever committed, from some offset on.
    BatchIdentities committed;
    LeaderEpoch term = kNoLeaderEpoch;
    NodeId leader = kNoNode;
    std::size_t agreed = 0;  // how many of `committed` the leader of this term is known to have
    Offset compared_to{0};   // ... and its own log was compared up to here
    // Of a compacted partition only.
    bool compacts = false;
    std::vector<Offset> records;        // of clients, ever committed, ascending
    std::map<Offset, Instant> removed;  // by a cleaner that was allowed to
    struct Met {
        Instant at;
        Timestamp wall_clock;
    };
    // The first cleaning of any replica that read the tombstone and kept it. Of any: who fetches
    // from a leader that has cleaned is sent the time that the leader has set (KIP-534).
    std::map<Offset, Met> met_tombstones;
    // Findings so far by rule and excuse.
    std::array<std::array<std::uint32_t, kExcuses>, kRules> found{};

    ReplicaShadow* find(NodeId node) {
        for (ReplicaShadow& s : replicas) {
            if (s.node == node) return &s;
        }
        return nullptr;
    }
};

// One call of observe().
struct StorageMonitor::Observation {
    StorageMonitor& monitor;
    PartitionState& p;
    TopicPartition partition;
    Instant now;
    std::span<const ReplicaView> replicas;                           // those to look at
    boost::container::small_vector<ReplicaShadow*, 5> shadows = {};  // of each

    ReplicaShadow& shadow(std::size_t i) { return *shadows[i]; }

    void align_replicas();
    // The leader of the controller's epoch is among them, perhaps.
    void observe_committed(NodeId controllers_leader, LeaderEpoch controllers_epoch);
    void begin_term(const ReplicaView& leader);
    void take_committed(const ReplicaView& leader);
    void remember_records(const RecordBatch& batch);

    // storage_steps.cc
    void observe_replica(std::size_t i);
    void observe_change(std::size_t i);
    void adopt(std::size_t i);
    void follow_cut(std::size_t i);
    void check_bounds(std::size_t i);
    // False when the log was cut since: then it is adopted anew.
    bool take_appended(std::size_t i);
    bool has_kept_active(std::size_t i, const Segment& active);

    // storage_restart.cc
    void check_recovery(std::size_t i);
    void check_checkpoints(std::size_t i);
    void follow_epoch_cache(std::size_t i);
    void check_epoch_cache(std::size_t i);
    void check_epochs_of_batches(std::size_t i);
    // `epoch` is that of the batch before, and becomes this one's. False: a finding.
    bool check_epoch_of(std::size_t i, const RecordBatch& batch, LeaderEpoch& epoch);
    void check_producers(std::size_t i);

    // storage_retention.cc
    void drop_deleted_segments(std::size_t i);
    bool may_be_deleted(std::size_t i, const OldSegment& segment);
    void check_overdue(std::size_t i);

    // storage_cleaning.cc
    void compare_closed_segments(std::size_t i);

    void found(Rule rule, Excuse excuse, Offset offset, NodeId node, std::string summary,
               std::vector<std::string> explanation = {}) {
        monitor.add(p, {rule, excuse, now, partition, offset, node, std::move(summary),
                        std::move(explanation)});
    }
};

inline std::int64_t milliseconds_of(Duration d) { return d.value / 1'000'000; }

}  // namespace tribunal
