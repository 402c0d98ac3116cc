// What the virtual clients did and saw: the checkers' only view of them.
//
// Operations are invoke / ok / fail / info as Jepsen has them (CHECKS of the error table in
// outcome_of): ok happened, fail certainly did not, info may have. An operation that never
// completed is info. Compact on purpose: 48 bytes a sent record, 12 a read one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "broker/protocol/client_operation.h"
#include "broker/protocol/config.h"
#include "broker/protocol/errors.h"
#include "broker/protocol/ids.h"

namespace tribunal {

enum class Outcome : std::uint8_t { pending, ok, fail, info };
std::string_view name_of(Outcome outcome);

// Whether a write that came back with this error may have happened nevertheless.
//
// NOT_ENOUGH_REPLICAS is refused before the append: fail. NOT_ENOUGH_REPLICAS_AFTER_APPEND was
// written: info. NOT_LEADER_OR_FOLLOWER is info as well: it also answers a produce request that was
// appended and then waited for acks=all on a leader that lost its place (KAFKA-13574).
Outcome outcome_of(ErrorCode error);

// One life of a client: a crash and restart make a new process of the same client.
struct Process {
    std::uint32_t client = 0;  // index into History::clients
    Instant started;
    Instant ended = kNever;
};

struct ClientInfo {
    std::string name;
    NodeId node;
    // What the promises depend on, for producers.
    std::int8_t acks = 1;  // -1 is all
    bool idempotent = false;
    std::int32_t max_in_flight = 5;
    std::int32_t retries = 0;
    // Of consumers.
    bool check_crcs = true;
    OffsetReset auto_offset_reset = OffsetReset::latest;
    bool validates_position = true;  // with each new leader (KIP-320)
};

// One record given to a producer. The n-th send of client c has uid (c << 40) + n.
struct SendOp {
    Instant invoked;
    Instant completed = kNever;
    Offset offset = kNoOffset;  // as acknowledged; -1 unknown (acks=0)
    std::int32_t topic = -1;
    std::int32_t partition = -1;  // -1 until the partitioner has chosen
    std::uint32_t content = 0;    // RecordView::content_digest() of what was sent
    std::uint16_t process = 0;
    std::int16_t error = 0;  // ErrorCode of a fail or info
    Outcome outcome = Outcome::pending;
    std::int8_t acks = 1;
    std::uint16_t attempts = 0;  // produce requests that carried it

    TopicPartition topic_partition() const { return {TopicId{topic}, partition}; }
};
static_assert(sizeof(SendOp) <= 48);

// One record as a poll returned it.
struct ReadRecord {
    std::uint32_t offset_delta = 0;  // from PollOp::base_offset
    std::uint32_t sequence = 0;      // n of the uid; kUnknownSequence for a record nobody sent
    std::uint16_t client = 0;        // c of the uid
    std::uint16_t flags = 0;
    static constexpr std::uint32_t kUnknownSequence = 0xffffffff;
    static constexpr std::uint16_t kCorrupt = 1;  // content differs from what was sent
};
static_assert(sizeof(ReadRecord) == 12);

// The records of one partition that one poll returned.
struct PollOp {
    Instant invoked;
    Instant completed;
    TopicPartition partition;
    Offset position;                 // where the consumer stood before
    Offset base_offset;              // of the first record
    std::uint64_t first_record = 0;  // index into History::reads
    std::uint32_t records = 0;
    std::uint16_t process = 0;
    std::uint16_t assignment = 0;  // counts assign and seek: positions compare within one only
};

std::string_view name_of(ClientOpKind kind);

struct ClientOp {
    ClientOpKind kind = ClientOpKind::assign;
    Outcome outcome = Outcome::pending;
    ErrorCode error = ErrorCode::none;
    std::uint16_t process = 0;
    TopicPartition partition;
    Offset offset = kNoOffset;  // committed, sought, answered
    Instant invoked;
    Instant completed = kNever;
};

struct History {
    std::vector<ClientInfo> clients;
    std::vector<Process> processes;
    std::vector<std::vector<SendOp>> sends;  // [client][n]
    std::vector<PollOp> polls;               // in order of completion
    std::vector<ReadRecord> reads;
    std::vector<ClientOp> operations;  // in order of invocation
    Instant end;

    static constexpr int kClientShift = 40;
    static RecordUid uid_of(std::uint32_t client, std::uint64_t n) {
        return RecordUid{(static_cast<std::int64_t>(client) << kClientShift) |
                         static_cast<std::int64_t>(n)};
    }
    static std::uint32_t client_of(RecordUid uid) {
        return static_cast<std::uint32_t>(uid.value >> kClientShift);
    }
    static std::uint64_t sequence_of(RecordUid uid) {
        return static_cast<std::uint64_t>(uid.value) & ((1ull << kClientShift) - 1);
    }
    // Null for a uid that no send of this history has.
    const SendOp* send_of(RecordUid uid) const {
        if (uid.value < 0) return nullptr;
        const auto client = client_of(uid);
        const auto n = sequence_of(uid);
        if (client >= sends.size() || n >= sends[client].size()) return nullptr;
        return &sends[client][n];
    }
    static RecordUid uid_of(const ReadRecord& r) {
        return r.sequence == ReadRecord::kUnknownSequence ? kNoUid : uid_of(r.client, r.sequence);
    }
};

// A partition's log at the end of the run as its leader has it, for the white-box checkers.
struct FinalRecord {
    Offset offset;
    RecordUid uid;
    LeaderEpoch leader_epoch;
};
// A batch of an idempotent producer.
struct FinalBatch {
    Offset base_offset;
    ProducerId producer;
    std::int16_t epoch = 0;
    std::int32_t base_sequence = 0;
    std::int32_t last_sequence = 0;
    Timestamp timestamp;  // of its newest record
};
struct FinalLog {
    TopicPartition partition;
    bool readable = true;    // false: no leader at the end; then nothing can be said of its records
    bool compacted = false;  // batches in between may have been cleaned away
    Offset log_start_offset;
    Offset high_watermark;
    std::vector<FinalRecord> records;  // by offset
    std::vector<FinalBatch> batches;   // of idempotent producers only, by offset
};

}  // namespace tribunal
