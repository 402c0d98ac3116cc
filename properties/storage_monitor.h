// Watches the log of every replica after every event and says which promise of Kafka's storage
// broke first: S1-S15. What only clients can tell of it (S6, S9) is judged at the end.
//
// The judge's own idea of a log is the log as it was seen last: segments that were closed are
// shared with it, of the active one the batches' identities are kept. A step costs what is new in
// it; only a cleaning, a truncation and a restart are compared record by record, with all that they
// touched.
//
//   storage_steps.cc      how a log may grow, be cut and begin: S5 (the active segment), S8
//   storage_cleaning.cc   what a cleaner may do to closed segments: S2-S5, S10
//   storage_retention.cc  what may be deleted and what must be: S7
//   storage_restart.cc    what a process finds when it starts, and its checkpoints: S11-S15
//   storage_reading.cc    what consumers are given: S6, S9
//   storage_report.cc     findings as verdicts
//
// What it must never do: change what it looks at, or hide a finding. What an unclean election, a
// used-up loss budget, a corrupted disk or a wall clock that was moved explains is counted as
// allowed, with the reason.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "properties/cluster_view.h"
#include "properties/facts.h"
#include "properties/history.h"
#include "properties/verdict.h"

namespace tribunal {

// How a process ended.
enum class StorageLoss : std::uint8_t {
    flushed,  // stopped in good order: all of it is on the platter
    none,     // killed: the page cache is still there
    power,    // what was not synced is gone, perhaps in part
    wipe,     // the disk is empty, or another
};

class StorageMonitor {
  public:
    // The properties it decides, in the order of finish().
    enum class Rule : std::uint8_t {
        s1,   // offset-never-reused
        s2,   // compaction-keeps-order
        s3,   // last-value-kept
        s4,   // tombstone-visible
        s5,   // compaction-lag
        s6,   // full-head-read
        s7,   // retention-bound
        s8,   // log-start-monotone
        s9,   // out-of-range-reset
        s10,  // markers-in-compaction
        s11,  // recovery-is-prefix
        s12,  // producer-state-rebuilt
        s13,  // epoch-cache-matches-log
        s14,  // checkpoint-sanity
        s15,  // fsync-ledger
    };
    static constexpr std::size_t kRules = 15;

    StorageMonitor();
    ~StorageMonitor();
    StorageMonitor(const StorageMonitor&) = delete;
    StorageMonitor& operator=(const StorageMonitor&) = delete;

    // "orders-0"; optional, before the first observe().
    void on_created(TopicPartition partition, std::string name);
    // Nothing of it is looked at any more.
    void on_deleted(TopicPartition partition);
    // After every event that touched this partition, in order of time: on `whose` replica alone, or
    // on any (kNoNode). What needs the view's configurations is not judged without them.
    void observe(Instant now, const PartitionView& view, NodeId whose = kNoNode);
    // The same of one replica that was observed before, when nothing became committed by its step
    // (ReplicationMonitor::observe_progress).
    void observe_progress(Instant now, TopicPartition partition, const ReplicaView& replica);

    // --- the disk -------------------------------------------------------------------------------

    // A write that is to be flushed was handed to the disk: what the replica's log holds below
    // `end` is durable when on_flushed() tells so, in the order of these calls.
    void on_flush(NodeId node, TopicPartition partition, std::uint64_t token, Offset end);
    void on_flushed(NodeId node, std::uint64_t token);
    // The process ended; call before the observation that shows what its disk has.
    void on_crash(NodeId node, StorageLoss loss);
    // Its disk returned wrong bytes of this partition.
    void on_corrupted_disk(NodeId node, TopicPartition partition);
    // It is paused or goes on: nothing of the process ran up to the next observation of it.
    void on_paused(NodeId node);
    // Somebody moved a wall clock, or lets one run fast or slow.
    void on_clock_moved(Instant now);

    // --- answers of brokers ---------------------------------------------------------------------

    // A replica that still leads answered a producer: the batch at `base_offset` is written. Only
    // of partitions that flush every message before they say so (flush.messages = 1).
    void on_written(Instant now, NodeId node, TopicPartition partition, Offset base_offset);
    // The leader answered DeleteRecords: every replica in the ISR has forgotten what is below.
    void on_records_deleted(Instant now, const PartitionView& view, Offset low_watermark);
    // A fetch was answered with batches of which the first ends at `last`, from a log that begins
    // at `log_start_offset`.
    void on_served(Instant now, NodeId node, TopicPartition partition, Offset last,
                   Offset log_start_offset) {
        if (last < log_start_offset) serves_too_much(now, node, partition, last, log_start_offset);
    }
    // A consumer at `position` was told OFFSET_OUT_OF_RANGE by a log of these bounds.
    struct OutOfRange {
        Instant at;
        TopicPartition partition;
        Offset position;
        Offset log_start_offset;
        Offset log_end_offset;
        std::uint16_t process = 0;
    };
    void on_out_of_range(const OutOfRange& told);

    // Violations so far; some may turn out to be allowed.
    std::uint64_t findings() const { return findings_.size(); }

    // Of every compacted partition: what the cleaners removed, as they may.
    void add_to(std::vector<PartitionFacts>& facts) const;
    // The verdicts, by what really happened (add_to() may have come before or not). Of what is
    // found again and again in one partition only the first are counted.
    std::vector<Check> finish(const History& history, const RunFacts& facts) const;

  private:
    struct ReplicaShadow;
    struct PartitionState;
    struct Observation;
    struct Cleaning;

    // Something found; whether it is allowed is decided at the end, when all facts are known.
    enum class Excuse : std::uint8_t {
        nothing,        // never allowed
        lost_data,      // an unclean election, a used-up budget, a corrupted disk, lost metadata
        bad_disk,       // a corrupted disk
        moved_clock,    // a wall clock was moved
        lost_metadata,  // leader epochs may have begun anew
    };
    static constexpr std::size_t kExcuses = 5;
    // What excuses one finding excuses all later ones of its kind, so the first tell enough.
    static constexpr std::uint32_t kMostFindings = 32;
    struct Finding {
        Rule rule = Rule::s1;
        Excuse excuse = Excuse::nothing;
        Instant at;
        TopicPartition partition;
        Offset offset = kNoOffset;
        NodeId node = kNoNode;
        std::string summary;  // without the place
        std::vector<std::string> explanation = {};
    };
    struct PendingFlush {
        NodeId node;
        TopicPartition partition;
        std::uint64_t token = 0;
        Offset end;
    };

    PartitionState& state_of(TopicPartition partition);
    PartitionState* seen(TopicPartition partition) const;  // null: never mentioned
    ReplicaShadow* seen(NodeId node, TopicPartition partition) const;
    void add(PartitionState& p, Finding finding);
    void serves_too_much(Instant now, NodeId node, TopicPartition partition, Offset last,
                         Offset log_start_offset);
    void judge_full_head(const History& history, std::vector<Finding>& found,
                         std::uint64_t& checked) const;
    void judge_resets(const History& history, std::vector<Finding>& found,
                      std::uint64_t& checked) const;
    std::string excuse_of(const Finding& finding, const RunFacts& facts) const;
    void exercise(Rule rule, std::uint64_t times = 1) {
        checked_[static_cast<std::size_t>(rule)] += times;
    }

    std::array<std::uint64_t, kRules> checked_{};
    std::vector<Finding> findings_;
    std::vector<std::vector<std::unique_ptr<PartitionState>>> partitions_;  // [topic][partition]
    std::vector<PendingFlush> flushes_;                                     // in order
    std::vector<OutOfRange> out_of_range_;
    std::vector<Instant> clock_moves_;
};

}  // namespace tribunal
