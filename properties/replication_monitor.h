// Watches every replica of every partition after every event and says which promise of Kafka's data
// replication broke first: R1-R21, and D5 (a lost record that comes back).
//
// The judge's own idea of the truth is the *committed log*: the batches below the high watermark of
// the leader of the newest epoch that anybody has led in. Each replica is compared with it, batch
// identity by batch identity (offsets, leader epoch, CRC), and a step costs only what is new in it.
// What a step of one replica cannot have broken is not looked at again (observe_progress).
// When a later leader turns out to lack committed batches, the loss is recorded once and the
// committed log is rolled back to what that leader has, so that one loss is one finding.
//
// What it must never do: change what it looks at, keep a pointer into it, or hide a finding. A
// violation that an unclean election, a used-up loss budget or a lossy crash explains is counted
// too, as allowed, with the reason.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "broker/base/shared.h"
#include "properties/cluster_view.h"
#include "properties/facts.h"
#include "properties/history.h"
#include "properties/verdict.h"

namespace tribunal {

// What a partition's configuration promises; the view does not carry it.
struct PartitionPromise {
    std::string name;  // "orders-0"
    bool unclean_leader_election_enabled = false;
    bool flush_every_message = false;  // log.flush.interval.messages = 1
};

// How a node lost data. A killed process keeps the page cache and is neither.
enum class DataLoss : std::uint8_t {
    power,  // what was not synced is gone
    wipe,   // the disk is empty, or another
};

// A stretch of the committed log that a later leader did not have.
struct CommittedLoss {
    Instant at;
    TopicPartition partition;
    Offset from;             // the first offset that the new leader lacks
    Offset end;              // where the committed log ended before
    LeaderEpoch lost_epoch;  // of the first lost batch
    NodeId leader;           // who lacks it
    LeaderEpoch leader_epoch;
    bool allowed = false;
    std::string because;
};

class ReplicationMonitor {
  public:
    // The properties it decides, in the order of finish().
    enum class Rule : std::uint8_t {
        r1,
        r2,
        r3,
        r4,
        r5,
        r6,
        r7,
        r8,
        r9,
        r10,
        r11,
        r12,
        r13,
        r14,
        r15,
        r16,
        r17,
        r18,
        r19,
        r20,
        r21,
        d5
    };
    static constexpr std::size_t kRules = 22;

    ReplicationMonitor();
    ~ReplicationMonitor();
    ReplicationMonitor(const ReplicationMonitor&);
    ReplicationMonitor(ReplicationMonitor&&) noexcept;
    ReplicationMonitor& operator=(const ReplicationMonitor&);
    ReplicationMonitor& operator=(ReplicationMonitor&&) noexcept;

    // Optional, before the first observe() of the partition: its name and what excuses.
    void on_created(TopicPartition partition, PartitionPromise promise);

    // min.insync.replicas is about to be another: the controller forgets who was eligible to lead
    // under the old one (KIP-966, ClearElrRecord), whoever else there is.
    void on_altering_min_isr(TopicPartition partition);
    // The topic's settings are others from now on.
    void on_altered(TopicPartition partition, const PartitionPromise& promise);

    // After every event that touched this partition, in order of time. Every change of a replica's
    // log must be followed by an observation before the next change of the same log.
    void observe(Instant now, const PartitionView& view);

    // The short way for most events: since the last observation one running replica took a step,
    // and nobody else. True when the step is observed: the replica appended at its end, or heard of
    // a high watermark, in a partition of which the last observe() saw this very `metadata_version`
    // and nothing wrong or unsettled, so that whatever else observe() looks at is as it was. False
    // when observe() must look at everything.
    bool observe_progress(TopicPartition partition, const ReplicaView& replica,
                          std::uint64_t metadata_version);

    // A producer got ok for an acks=all send of this record at this offset.
    void on_acknowledged(Instant now, TopicPartition partition, Offset offset, RecordUid uid);

    // A follower gave a consumer these batches (KIP-392). After the observation of its step.
    void on_served_by_follower(Instant now, TopicPartition partition, NodeId node,
                               const std::vector<RecordBatch>& batches);

    // The run is over and this is how the partition was left: once, for each partition. A cluster
    // that came to rest has equal replicas (R19); of one that did not, nothing is asked.
    void on_end(Instant now, const PartitionView& view, bool at_rest);

    // What excuses. Call before the observation that shows the consequences.
    //
    // The node went down and lost unsynced data, or all of it.
    void on_lossy_crash(Instant now, NodeId node, DataLoss loss = DataLoss::power);
    // Its disk returned wrong bytes of this partition, so that recovery may have cut the log.
    void on_corrupted_disk(Instant now, NodeId node, TopicPartition partition);
    // The topic is gone; nothing of it is promised or looked at any more.
    void on_deleted(TopicPartition partition);
    // A majority of controllers lost its disk: from now on nothing is promised (D8 reports it).
    void on_metadata_lost(Instant now);

    // What of its memory can decide a verdict to come. Two runs whose clusters are equal and whose
    // monitors fold to the same differ in nothing that the monitors will ever say but for counts,
    // instants and texts.
    void fold_into(Digest& d) const;
    // Bit i: the i-th Rule was broken without an excuse.
    std::uint32_t broken_rules() const;

    // Violations so far that nothing excuses (D5 is only judged by finish()).
    std::uint64_t failures() const;

    // The verdicts. `history` excuses resurrected records that their producer sent more than once;
    // null excuses none.
    std::vector<Check> finish(const History* history) const;

    // The online part of D4: records that a consumer was given and that the committed log lost
    // afterwards (or had lost already, when a deposed leader served them). To be merged into D4's
    // check by (partition, offset, uid). `checked` counts the reads of offsets that a loss touched.
    Check lost_after_read(const History& history) const;
    // Every loss of committed batches, in order of time.
    std::vector<CommittedLoss> losses() const;

    // The ledger for the claim engine. Empty defaults for a partition that was never seen.
    PartitionFacts facts(TopicPartition partition) const;
    // Of all partitions, by partition.
    std::vector<PartitionFacts> facts() const;

  private:
    struct PartitionState;
    struct Observation;
    struct Progress;
    struct Tally {
        std::uint64_t checked = 0;
        std::uint64_t found = 0;
        std::uint64_t found_allowed = 0;
        // The first few of each, at most Check::kMaxWitnessed.
        std::vector<Violation> failed;
        std::vector<Violation> allowed;
    };

    Tally& tally(Rule rule) { return tallies_[static_cast<std::size_t>(rule)]; }
    Shared<PartitionState>* find(TopicPartition partition);
    const Shared<PartitionState>* find(TopicPartition partition) const;
    Shared<PartitionState>& find_or_create(TopicPartition partition);

    std::array<Tally, kRules> tallies_;
    std::vector<std::vector<std::int32_t>> index_;  // [topic][partition] -> states_, -1 none
    std::vector<Shared<PartitionState>> states_;    // in order of first mention
    Instant metadata_lost_at_ = kNever;
};

}  // namespace tribunal
