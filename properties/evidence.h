// What a run left behind, sorted by partition once for all checkers.
//
// Offsets give the version order for free (Jepsen's Kafka workload): every value that anybody saw
// at an offset goes into one array per partition, and the checkers are scans over it. Built in
// linear time; nothing is looked up in a map per record.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "properties/claims.h"
#include "properties/facts.h"
#include "properties/history.h"
#include "properties/verdict.h"

namespace tribunal {

// The offsets of a partition as positions in an array: dense where the offsets are (they nearly
// always are), else by search among those that occur. Nothing is ever as large as an offset.
class OffsetSlots {
  public:
    static constexpr std::size_t kNone = static_cast<std::size_t>(-1);
    // Call meet() with every offset, then settle(); when that says no, meet_again() with every
    // offset and settle_again().
    void meet(Offset offset) {
        low_ = offset.value < low_ ? offset.value : low_;
        high_ = offset.value > high_ ? offset.value : high_;
        ++count_;
    }
    bool settle();
    void meet_again(Offset offset) { sorted_.push_back(offset.value); }
    void settle_again();

    std::size_t size() const { return size_; }
    // Of an offset that occurs; for others kNone or a slot that nobody fills.
    std::size_t slot_of(Offset offset) const;
    // The first slot whose offset is at or after this one; size() when there is none.
    std::size_t slot_at_or_after(Offset offset) const;
    Offset offset_of(std::size_t slot) const;

  private:
    std::int64_t low_ = INT64_MAX;
    std::int64_t high_ = INT64_MIN;
    std::size_t count_ = 0;
    std::size_t size_ = 0;
    bool is_dense_ = true;
    std::vector<std::int64_t> sorted_;  // of sparse offsets
};

struct SendRef {
    std::uint32_t client = 0;
    std::uint32_t n = 0;
    RecordUid uid() const { return History::uid_of(client, n); }
    auto operator<=>(const SendRef&) const = default;
};

// A send that was answered ok with an offset: what the scans need of it, side by side.
struct Acknowledged {
    Offset offset;
    Instant invoked;
    Instant completed;
    SendRef ref;
    std::uint16_t process = 0;
    std::int8_t acks = 1;
    bool is_durable = false;  // the claim holds
};
static_assert(sizeof(Acknowledged) <= 40);

struct PartitionEvidence {
    TopicPartition partition;
    std::string name;
    const PartitionFacts* facts = nullptr;   // never null
    const FinalLog* log = nullptr;           // null when none was kept
    std::vector<Acknowledged> acknowledged;  // in order of invocation; ties by client and call
    std::vector<std::uint32_t> polls;        // with records, into History::polls
    std::vector<std::uint32_t> resets;       // into History::operations
    std::vector<std::uint32_t> truncations;  // likewise
    OffsetSlots slots;                       // of log, acknowledgements and polls
    std::vector<RecordUid> values;           // by slot, the first one acknowledged or read there
    // By slot: how many lower ones hold a record in the log or gave one to a poll; one more entry
    // for the end.
    std::vector<std::uint32_t> existing_before;
    Offset max_read = kNoOffset;
    bool has_sends = false;

    bool is_log_readable() const { return log != nullptr && log->readable; }
    const FinalRecord* in_log(Offset offset) const;
    // Records that are known to exist strictly between two offsets.
    std::uint32_t existing_between(Offset low, Offset high) const;
    // The lowest one of them above `low`, or kNoOffset.
    Offset next_existing(Offset low, Offset high) const;
};

class Evidence {
  public:
    Evidence(const History& history, const std::vector<FinalLog>& logs, const RunFacts& facts);
    Evidence(const Evidence&) = delete;
    Evidence& operator=(const Evidence&) = delete;

    const History& history;
    const RunFacts& facts;
    std::vector<PartitionEvidence> partitions;  // in order of TopicPartition
    std::vector<RecordUid> duplicated;          // at two places of the readable logs; sorted

    // Null for a partition that nothing ever mentioned.
    const PartitionEvidence* find(TopicPartition partition) const;
    const SendOp& send(SendRef ref) const { return history.sends[ref.client][ref.n]; }
    const ClientInfo& client(std::uint32_t client) const { return history.clients[client]; }
    bool is_read(SendRef ref) const { return (marks_[ref.client][ref.n] & kRead) != 0; }
    // In the readable final log of the partition that it was sent to.
    bool is_in_log(SendRef ref) const { return (marks_[ref.client][ref.n] & kInLog) != 0; }
    // The send that a read (or logged) record of this partition comes from; null when nobody sent
    // it there, which is D10's business and nobody else's.
    const SendOp* genuine(TopicPartition partition, RecordUid uid) const;
    // Nearly every read is of the record that was acknowledged there, and then no send is looked
    // at.
    bool is_genuine(const PartitionEvidence& p, Offset offset, RecordUid uid) const {
        if (uid == kNoUid) return false;
        const std::size_t slot = p.slots.slot_of(offset);
        return (slot != OffsetSlots::kNone && p.values[slot] == uid) ||
               genuine(p.partition, uid) != nullptr;
    }
    // auto.offset.reset of this process within [from, to]; null when there was none.
    const ClientOp* reset_between(const PartitionEvidence& partition, std::uint16_t process,
                                  Instant from, Instant to) const;
    // The lowest offset that this process was set back to within [from, to] because the log was cut
    // (KIP-320), and when; kNoOffset when it was not.
    struct SetBack {
        Offset to = kNoOffset;
        Instant at = kNever;
    };
    SetBack set_back_between(const PartitionEvidence& partition, std::uint16_t process,
                             Instant from, Instant to) const;
    // A poll that went back behind its first record has a delta below zero, written unsigned.
    Offset offset_of(const PollOp& poll, std::uint32_t i) const {
        return poll.base_offset +
               static_cast<std::int32_t>(history.reads[poll.first_record + i].offset_delta);
    }
    RecordUid uid_of(const PollOp& poll, std::uint32_t i) const {
        return History::uid_of(history.reads[poll.first_record + i]);
    }

    // Words for violations.
    Witness sent(SendRef ref) const;
    Witness answered(SendRef ref) const;
    Witness read(const PollOp& poll, Offset offset, RecordUid uid) const;
    Witness logged(const PartitionEvidence& partition, Offset offset) const;
    // "a leader change of orders-0"; appended when the claim names a fact with an instant.
    void add_fact(std::vector<Witness>& witnesses, const PartitionEvidence& partition,
                  const Claim& claim) const;
    NodeId node_of_process(std::uint16_t process) const;

  private:
    static constexpr std::uint8_t kRead = 1;
    static constexpr std::uint8_t kInLog = 2;
    static constexpr std::uint8_t kInSomeLog = 4;

    void check_shape() const;
    void number_partitions(const std::vector<FinalLog>& logs);
    PartitionEvidence* edit(TopicPartition partition);
    void gather_send(SendRef ref, PartitionEvidence*& partition);
    void gather_sends();
    void gather_polls();
    void gather_logs();
    void gather_values(PartitionEvidence& partition);

    std::vector<std::vector<std::int32_t>> number_of_;  // [topic][partition], -1 for none
    std::vector<PartitionFacts> assumed_facts_;         // of partitions that the facts do not name
    std::vector<std::vector<std::uint8_t>> marks_;      // [client][n]
};

}  // namespace tribunal
