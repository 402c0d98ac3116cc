// Inputs and effects: the whole contract between a node's logic and the world that runs it.
//
// A node takes one Input and returns Effects, as data. It reads no clock, draws no random number,
// writes no file. Inputs and effects are closed sets.
#pragma once

#include <variant>

#include "broker/protocol/client_operation.h"
#include "broker/protocol/messages.h"

namespace tribunal {

// --- timers -------------------------------------------------------------------------------------

enum class TimerKind : std::uint8_t {
    // broker
    isr_check,        // every replica.lag.time.max.ms / 2
    checkpoint,       // replica.high.watermark.checkpoint.interval.ms
    retention,        // log.retention.check.interval.ms
    heartbeat,        // broker.heartbeat.interval.ms, and registration retries
    fetch_wait,       // key: connection; fetch.max.wait of a parked fetch
    produce_wait,     // key: connection; timeout of a parked produce
    commit_wait,      // key: connection; offsets.commit.timeout.ms
    request_timeout,  // key: connection
    fetch_backoff,    // key: leader
    alter_partition_retry,
    metadata_retry,
    forward_retry,        // requests for a controller that was not the active one
    producer_ids_retry,   // a block of producer ids is still wanted
    producer_expiration,  // producer.id.expiration.check.interval.ms
    // controller
    broker_session,       // key: broker
    metadata_wait,        // key: connection
    leader_balance,       // leader.imbalance.check.interval.seconds
    unclean_leader,       // unclean.leader.election.interval.ms
    metadata_snapshot,    // metadata.log.max.snapshot.interval.ms, or enough records came
    controller_shutdown,  // the longest that a controller hands the quorum over before it ends
    // clients
    load,       // the next record or step
    linger,     // a batch is due
    retry,      // key: partition; retry.backoff.ms
    delivery,   // delivery.timeout.ms of the oldest batch
    reconnect,  // key: node
    metadata_age,
    auto_commit,
    block,  // max.block.ms
    init_producer_id,
    // broker, again
    controlled_shutdown,   // the longest that a process which was told to end waits for it
    cleaner,               // log.cleaner.backoff.ms
    recovery_checkpoint,   // log.flush.offset.checkpoint.interval.ms
    log_start_checkpoint,  // log.flush.start.offset.checkpoint.interval.ms
    flush,                 // log.flush.scheduler.interval.ms
    // quorum (KIP-595)
    raft_election,      // controller.quorum.election.timeout.ms of who has no leader, with jitter
    raft_fetch,         // controller.quorum.fetch.timeout.ms of a follower
    raft_backoff,       // a candidate that has lost waits before the next election
    raft_check_quorum,  // 1.5 times the fetch timeout of a leader (KAFKA-15489)
    raft_begin_epoch,   // the leader tells voters that do not fetch
    raft_request,       // key: peer; controller.quorum.request.timeout.ms
    raft_retry,         // key: peer; controller.quorum.retry.backoff.ms
    raft_fetch_wait,    // key: connection; a parked fetch
    raft_voter_change,  // the timeout of AddRaftVoter and RemoveRaftVoter
    raft_update_voter,  // a follower looks whether the voters have its endpoint
    // consumer, again
    preferred_read_replica,  // key: partition; metadata.max.age.ms: ask the leader again (KIP-392)
};

// Whether a controller arms it; of a combined node (KIP-500) all others are the broker's.
constexpr bool is_of_controller(TimerKind kind) {
    return kind == TimerKind::broker_session || kind == TimerKind::metadata_wait ||
           kind == TimerKind::leader_balance || kind == TimerKind::unclean_leader ||
           kind == TimerKind::metadata_snapshot || kind == TimerKind::controller_shutdown ||
           (kind >= TimerKind::raft_election && kind <= TimerKind::raft_update_voter);
}

struct TimerId {
    std::uint64_t value = 0;  // kind << 56 | key
    constexpr auto operator<=>(const TimerId&) const = default;
};
inline void fold(Digest& d, TimerId t) { d.word(t.value); }
constexpr TimerId timer(TimerKind kind, std::uint64_t key = 0) {
    return {(static_cast<std::uint64_t>(kind) << 56) | (key & 0x00ffffffffffffffull)};
}
constexpr TimerKind kind_of(TimerId t) { return static_cast<TimerKind>(t.value >> 56); }
constexpr std::uint64_t key_of(TimerId t) { return t.value & 0x00ffffffffffffffull; }

// When an input came, opaque: logic keeps one and hands it back in Arm::since, and does nothing
// else with it. (An explorer that drops time gives the same Moment always.)
struct Moment {
    std::int64_t opaque = 0;
    bool operator==(const Moment&) const = default;
};
inline void fold(Digest& d, Moment m) { d.word(static_cast<std::uint64_t>(m.opaque)); }

// --- inputs -------------------------------------------------------------------------------------

struct Start {
    std::int64_t incarnation = 0;  // how often this node has started, and then some
    bool clean = false;            // the node had been stopped in good order
};
struct Deliver {
    ConnectionKey connection;
    bool is_response = false;
    std::int32_t correlation = 0;
    Message message;
};
// The connection broke: reset by the peer, refused, or timed out while connecting.
struct ConnectionClosed {
    ConnectionKey connection;
    bool at_server = false;  // of a loopback connection: which of its two ends is told
};
struct TimerFired {
    TimerId timer;
    std::uint32_t random = 0;  // for TimerKind::load: which value, key and partition a client takes
};
// A write with sync = true is on the platter.
struct WriteDone {
    std::uint64_t token = 0;
};
// The process is asked to end in good order (SIGTERM). It answers by Halt when it is done.
struct Stop {};
using Input = std::variant<Start, Deliver, ConnectionClosed, TimerFired, WriteDone, Stop>;

// --- effects ------------------------------------------------------------------------------------

struct Send {
    ConnectionKey connection;
    bool is_response = false;
    std::int32_t correlation = 0;
    Message message;
};
// Gives the connection up: the peer will see it closed.
struct Close {
    ConnectionKey connection;
};
// A change of a file that the logic has made to its log in memory. The world plays it into the page
// cache before anything that follows it in the same step leaves the node; a failed write (full
// disk, I/O error) stops the node right there, as a broker whose only log directory failed halts.
struct AppendWrite {
    TopicPartition partition;
    Offset log_end_before;
    std::int64_t bytes = 0;
};
// Durable at once: LogManager.truncateTo writes and syncs the recovery point checkpoint before it
// goes on, which commits the file's new length as well (a journalling file system is assumed).
struct TruncateWrite {
    TopicPartition partition;
};
struct DeleteWrite {  // a replica that is no longer wanted, or a log start moved up
    TopicPartition partition;
    bool whole = false;
};
// The cleaner swapped new segments in for those below `upto`, a segment's base offset. They were
// flushed before they were renamed, as the old ones' files were not: what lies below is on the
// platter from now on, and a crash finds either all of it or nothing of it.
struct ReplaceWrite {
    TopicPartition partition;
    Offset upto;
    std::int64_t bytes = 0;
};
// Nothing new: with sync = true it takes what was written before to the platter (a segment that was
// rolled, flush.ms).
struct FlushWrite {
    TopicPartition partition;
};
// The metadata log was appended to, or truncated; a sync without either has nothing to undo. How
// to undo the three: broker/raft/raft.h.
struct MetadataWrite {
    Offset log_end_before;  // of a truncation: the end after it
    std::int64_t bytes = 0;
    std::vector<RaftRecord> dropped = {};  // by a truncation, from the log end after it on
    TRIBUNAL_FIELDS(MetadataWrite, log_end_before, bytes, dropped)
};
// A snapshot was written, and the log below it dropped (its own, by cleaning) or all of it (a
// snapshot of the leader's was loaded).
struct MetadataSnapshotWrite {
    Offset log_start_before;
    LeaderEpoch epoch_before;         // of the record before that
    std::vector<RaftRecord> dropped;  // from log_start_before on
    std::optional<Shared<MetadataSnapshot>> snapshot_before;
    std::int64_t bytes = 0;
    TRIBUNAL_FIELDS(MetadataSnapshotWrite, log_start_before, epoch_before, dropped, snapshot_before,
                    bytes)
};
// The quorum-state file was written anew.
struct QuorumStateWrite {
    QuorumState before;
    TRIBUNAL_FIELDS(QuorumStateWrite, before)
};
using WriteOp = std::variant<AppendWrite, TruncateWrite, DeleteWrite, ReplaceWrite, FlushWrite,
                             MetadataWrite, MetadataSnapshotWrite, QuorumStateWrite>;
struct Write {
    WriteOp op;
    bool sync = false;  // also fsync, and tell by WriteDone{token}
    std::uint64_t token = 0;
};
struct Arm {  // replaces an armed timer of the same id
    TimerId timer;
    Duration after;
    Moment since;
    Duration jitter{};  // the world draws from [0, jitter) and adds it: logic has no dice
};
struct Disarm {
    TimerId timer;
};
// The process ends itself. `clean`: everything that it wrote is on the platter by then.
struct Halt {
    const char* why = "";
    bool clean = false;
};
using Effect = std::variant<Send, Close, Write, Arm, Disarm, Halt>;

// --- notes --------------------------------------------------------------------------------------

// What clients did and saw, for the history; and marks of brokers for people. Notes decide nothing:
// whatever a checker relies on inside brokers it reads from their state.
struct SendInvoked {
    RecordUid uid;
    std::uint32_t content = 0;
    std::int16_t acks = -1;
};
struct SendPartitioned {
    RecordUid uid;
    TopicPartition partition;
};
// These records were put into a produce request again: a retry.
struct SendRetried {
    std::vector<RecordUid> uids;
};
struct SendCompleted {
    RecordUid uid;
    ErrorCode error = ErrorCode::none;
    Offset offset = kNoOffset;
    bool unknown = false;  // the client cannot know whether it happened
};
// Records of one partition as a poll returned them. `batches` is good until the step's input goes.
struct PollReturned {
    TopicPartition partition;
    Offset position;  // before
    const std::vector<RecordBatch>* batches = nullptr;
    Offset from;   // records below are skipped
    Offset until;  // and from here on (max.poll.records)
    std::uint16_t assignment = 0;
};
struct ClientOperation {
    ClientOpKind kind = ClientOpKind::assign;
    bool completed = false;
    bool unknown = false;
    std::uint32_t id = 0;  // pairs invocation and completion
    ErrorCode error = ErrorCode::none;
    TopicPartition partition;
    Offset offset = kNoOffset;
};
// A replica of this partition may have changed: role, epoch, log, high watermark or ISR.
struct PartitionTouched {
    TopicPartition partition;
};
// The controller's or a broker's committed picture of the cluster moved.
struct ImageChanged {
    Offset offset;
};
// A node's part in the quorum may have changed: role, epoch, voters, log or high watermark.
struct QuorumTouched {};
struct RoleMark {
    TopicPartition partition;
    const char* what = "";  // "becomes leader", "becomes follower", "truncates", "shrinks ISR", ...
    std::int64_t a = 0;
    std::int64_t b = 0;
};
struct DeserializationFailed {
    TopicPartition partition;
    Offset offset;
    std::string why;
};
using Note = std::variant<SendInvoked, SendPartitioned, SendRetried, SendCompleted, PollReturned,
                          ClientOperation, PartitionTouched, ImageChanged, QuorumTouched, RoleMark,
                          DeserializationFailed>;

// Where a step puts what it wants done and what it did. The vectors are reused between steps.
struct Outbox {
    std::vector<Effect> effects;
    std::vector<Note> notes;
    Moment moment;             // of this input
    Timestamp timestamp;       // the node's wall clock in ms: data for records, never compared
    bool wants_marks = false;  // somebody looks: RoleMarks are worth making

    void send(ConnectionKey to, std::int32_t correlation, Message message) {
        effects.emplace_back(Send{to, false, correlation, std::move(message)});
    }
    void respond(ConnectionKey to, std::int32_t correlation, Message message) {
        effects.emplace_back(Send{to, true, correlation, std::move(message)});
    }
    void arm(TimerId id, Duration after) { effects.emplace_back(Arm{id, after, moment}); }
    void arm_with_jitter(TimerId id, Duration after, Duration jitter) {
        effects.emplace_back(Arm{id, after, moment, jitter});
    }
    void arm_since(TimerId id, Duration after, Moment since) {
        effects.emplace_back(Arm{id, after, since});
    }
    void disarm(TimerId id) { effects.emplace_back(Disarm{id}); }
    void touch(TopicPartition tp) { notes.emplace_back(PartitionTouched{tp}); }
    void mark(TopicPartition tp, const char* what, std::int64_t a = 0, std::int64_t b = 0) {
        if (wants_marks) notes.emplace_back(RoleMark{tp, what, a, b});
    }
};

}  // namespace tribunal
