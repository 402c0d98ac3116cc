// One partition on one broker: the page to read first.
//
// A Partition is a value: the replica's log, its high watermark and the role it plays, which owns
// the data that only that role has (a follower cannot have an ISR). Cases stand by topic:
// leader.cc (produce, fetch by replicas, high watermark), isr.cc (shrink, expand, AlterPartition),
// follower.cc (append and truncation), flush.cc (appends and when they are flushed), log_start.cc.
// Nothing here sends: the broker routes.
#pragma once

#include <optional>
#include <span>
#include <variant>

#include "broker/base/flat.h"
#include "broker/log/recovery.h"
#include "broker/protocol/effects.h"

namespace tribunal {

// What a leader knows of a follower (Kafka: Replica / ReplicaState).
struct ReplicaProgress {
    NodeId node;
    Offset log_end = kNoOffset;  // -1: not fetched in this leader epoch
    Offset log_start = kNoOffset;
    // Leader's log end when the follower last fetched: having reached it means caught up then.
    Offset leader_end_at_fetch = kNoOffset;
    // Periodic checks (isr_check, every replica.lag.time.max.ms / 2) since it was last caught up;
    // 2 or more is what Kafka's lastCaughtUpTimeMs calls lagging at such a check.
    std::int32_t missed_checks = 0;
    BrokerEpoch broker_epoch{-1};  // of the broker's life that fetched last (KIP-903)
    TRIBUNAL_FIELDS(ReplicaProgress, node, log_end, log_start, leader_end_at_fetch, missed_checks,
                    broker_epoch)
    bool operator<(const ReplicaProgress& o) const { return node < o.node; }
};
inline constexpr std::int32_t kLagging = 2;

// An AlterPartition that the controller has not answered (KIP-497).
struct PendingIsr {
    bool expands = false;
    FlatSet<NodeId> isr;  // proposed
    // The same, with the broker epochs of the fetches that the proposal rests on (KIP-903); -1 of a
    // follower that has not fetched in this leader epoch, and of the leader itself.
    std::vector<IsrMember> members;
    bool in_flight = false;
    TRIBUNAL_FIELDS(PendingIsr, expands, isr, members, in_flight)
};

struct Leader {
    std::vector<ReplicaProgress> followers;  // by node id
    FlatSet<NodeId> isr;                     // committed by the controller
    FlatSet<NodeId> maximal_isr;             // with replicas that it has asked to add
    std::optional<PendingIsr> pending;
    Offset epoch_start_offset{0};
    TRIBUNAL_FIELDS(Leader, followers, isr, maximal_isr, pending, epoch_start_offset)
};
struct Follower {
    NodeId leader = kNoNode;
    TRIBUNAL_FIELDS(Follower, leader)
};
// Known from disk only, until the cluster image says which role it plays.
struct Offline {
    bool unused = false;
    TRIBUNAL_FIELDS(Offline, unused)
};

// A flush that an append waits for (flush.messages). UnifiedLog.append returns only after it, and
// whoever waits for the data is told after that: from `from` on nothing is shown to anybody, and a
// replica that has become a follower meanwhile does not fetch yet (Partition.makeFollower waits for
// the append). Deviation: a fetch that arrives meanwhile gets nothing of it; Kafka would serve it.
struct FlushUnderWay {
    Offset from;
    Offset end;
    TRIBUNAL_FIELDS(FlushUnderWay, from, end)
};

struct Partition {
    TopicPartition id;
    NodeId self;
    LeaderEpoch leader_epoch{-1};
    PartitionEpoch partition_epoch{-1};
    TopicConfig config;
    ReplicaLog log;
    Offset high_watermark{0};
    Offset checkpointed_high_watermark{0};  // in replication-offset-checkpoint, survives a crash
    LogCheckpoints checkpoints;             // likewise
    std::vector<FlushUnderWay> flushes;     // oldest first
    // Ends of the flushes under way that nobody waits for (a roll, flush.ms), oldest first.
    std::vector<Offset> background_flushes;
    std::int32_t unflushed_ticks = 0;  // of log.flush.scheduler.interval.ms since the last flush
    std::variant<Offline, Follower, Leader> role;
    TRIBUNAL_FIELDS(Partition, id, self, leader_epoch, partition_epoch, config, log, high_watermark,
                    checkpointed_high_watermark, checkpoints, flushes, background_flushes,
                    unflushed_ticks, role)

    Leader* leader() { return std::get_if<Leader>(&role); }
    const Leader* leader() const { return std::get_if<Leader>(&role); }
    // Up to where a leader serves its replicas.
    Offset served_end() const {
        return flushes.empty() ? log.log_end_offset : flushes.front().from;
    }
    Follower* follower() { return std::get_if<Follower>(&role); }
    const Follower* follower() const { return std::get_if<Follower>(&role); }
};

extern template class Shared<Partition>;

// What the cases of a partition may look at besides the partition itself.
struct ReplicationContext {
    const BrokerConfig& config;
    // Brokers that the image shows registered and unfenced, with their epochs.
    const FlatMap<NodeId, BrokerEpoch>& alive;
    // Those of them that are not about to shut down either (KIP-841).
    const FlatMap<NodeId, BrokerEpoch>& active;
    Outbox& out;
};

// --- leader.cc ----------------------------------------------------------------------------------

// The image makes this replica leader, or confirms it with a newer partition epoch.
void become_leader(Partition& p, const PartitionImage& image, ReplicationContext& context);

// FENCED_LEADER_EPOCH, UNKNOWN_LEADER_EPOCH or NOT_LEADER_OR_FOLLOWER when a request that carries
// `current_leader_epoch` (-1: unchecked) must not be served; none otherwise (KIP-320).
ErrorCode check_leader(const Partition& p, LeaderEpoch current_leader_epoch);

// What a fetch meets before any record is read: an error, a divergence that its follower has to
// truncate (KIP-595), or neither.
struct FetchVerdict {
    ErrorCode error = ErrorCode::none;
    DivergingEpoch diverging;
    bool diverges() const { return diverging.end_offset != kNoOffset; }
    bool serves() const { return error == ErrorCode::none && !diverges(); }
};
// `replica` is kNoNode for a consumer, whom a follower serves too (KIP-392).
FetchVerdict check_fetch(const Partition& p, const FetchPartition& fetch, NodeId replica,
                         const BrokerConfig& config);

// Fewer in-sync replicas than this are too few for acks=all. A topic that asks for more than it has
// replicas means all of them since KAFKA-15583 (3.7); before, it took no acks=all write at all.
std::size_t min_isr(const Partition& p, const Rules& rules);

struct Appended {
    Offset base_offset;
    Offset next_offset;
    bool is_duplicate = false;  // nothing was written: these are the offsets of the first time
};
// Appends a client's batch. One with a producer id is checked against what the log knows of that
// producer (producer_state.h): a repeated one is answered as it was the first time (KIP-98).
// It may have to be flushed before anybody is told (is_flushing).
Answer<Appended> append_as_leader(Partition& p, const RecordBatch& batch, std::int16_t acks,
                                  ReplicationContext& context);

// Whether an acks=all write that ends before `required` is done, and how (none, or
// NOT_ENOUGH_REPLICAS_AFTER_APPEND); nullopt: not yet.
std::optional<ErrorCode> replicated_up_to(const Partition& p, Offset required, const Rules& rules);

// A replica fetched from `fetch_offset`: records its progress, unless check_fetch() refuses it.
// True when the high watermark moved.
bool on_replica_fetch(Partition& p, NodeId replica, BrokerEpoch replica_epoch,
                      const FetchPartition& fetch, ReplicationContext& context);
// Whether a fetch that leaves this partition of its session out says something all the same: that
// the replica is still at the log end.
bool is_caught_up_again(const Partition& p, NodeId replica);
void on_idle_replica_fetch(Partition& p, NodeId replica);
// Moves the high watermark to what the maximal ISR has; true when it moved.
bool advance_high_watermark(Partition& p, ReplicationContext& context);

// --- isr.cc -------------------------------------------------------------------------------------

// Whether the image lets the replica be in sync: its broker is neither fenced nor leaving (KIP-841)
// and has fetched in the life that is registered (KIP-903).
bool is_isr_eligible(const ReplicaProgress& r, const ReplicationContext& context);
// Proposes to add `replica` when it has caught up and may join (KIP-497, KIP-903).
void maybe_expand_isr(Partition& p, NodeId replica, ReplicationContext& context);
// The periodic check: counts missed checks and proposes to remove those that lag.
void check_isr(Partition& p, ReplicationContext& context);
// The controller's answer to the pending proposal. True when the high watermark moved.
bool on_alter_partition(Partition& p, const AlterPartitionResult& result,
                        ReplicationContext& context);

// --- follower.cc --------------------------------------------------------------------------------

// The image makes this replica follower of `image.leader` (or of nobody).
void become_follower(Partition& p, const PartitionImage& image, ReplicationContext& context);

// Whether following begins with a fetch, which finds a divergence by itself (KIP-595); else it
// begins by truncating. A log without leader epochs has nothing to send in a fetch.
bool truncates_on_fetch(const Partition& p, TruncationRule rule);
struct TruncationStep {
    Offset to;
    bool done = true;  // false: ask the leader again (KIP-279)
};
// The epoch to ask the leader about; kNoLeaderEpoch: do not ask, cut by first_truncation().
LeaderEpoch epoch_to_ask(const Partition& p, TruncationRule rule);
Offset first_truncation(const Partition& p, TruncationRule rule);
// Where the leader's answer tells this follower to cut, an EpochEndOffset or a DivergingEpoch.
TruncationStep truncation_for(const Partition& p, const EpochEndOffset& answer,
                              TruncationRule rule);
// Cuts the log and forgets a high watermark above it.
void truncate(Partition& p, Offset to, ReplicationContext& context);
// Appends what the leader sent from this log's end on. False when a batch was not intact.
bool append_as_follower(Partition& p, const FetchPartitionResponse& response,
                        ReplicationContext& context);
// The leader's high watermark, as far as this log reaches.
void follow_high_watermark(Partition& p, Offset of_leader);
// The leader's answer to a fetch is where the logs diverge (KIP-595). One truncation may not be
// enough: the next fetch finds what is left.
void truncate_to_divergence(Partition& p, const DivergingEpoch& diverging,
                            ReplicationContext& context);
// The fetch offset is outside the leader's log.
void on_out_of_range(Partition& p, const FetchPartitionResponse& response,
                     ReplicationContext& context);

// --- flush.cc -----------------------------------------------------------------------------------

// The tokens of a partition's flushes, in the background and of appends; each is done in order.
constexpr std::uint64_t kBackgroundFlush = std::uint64_t{1} << 62;
constexpr std::uint64_t kAppendFlush = std::uint64_t{2} << 62;
constexpr std::uint64_t flush_token(std::uint64_t kind, TopicPartition tp) {
    return kind | (static_cast<std::uint64_t>(static_cast<std::uint32_t>(tp.topic.value)) << 31) |
           static_cast<std::uint32_t>(tp.partition);
}
constexpr std::uint64_t kind_of_flush(std::uint64_t token) { return token >> 62 << 62; }
constexpr TopicPartition flushed_by(std::uint64_t token) {
    return {TopicId{static_cast<std::int32_t>(token >> 31 & 0x7fffffff)},
            static_cast<std::int32_t>(token & 0x7fffffff)};
}

// Appends batches, as they are, and their effects: a roll flushes what came before in the
// background, flush.messages makes the append of all of them wait.
void append_to_log(Partition& p, std::span<RecordBatch> batches, ReplicationContext& context);
// Flushes in the background what lies below `end`.
void flush_in_background(Partition& p, Offset end, ReplicationContext& context);
void on_background_flush_done(Partition& p);
// The oldest flush of an append is done.
void on_append_flush_done(Partition& p);
// Whether an append of something below `end` still waits for its flush.
bool is_flushing(const Partition& p, Offset end);

// --- log_start.cc -------------------------------------------------------------------------------

// DeleteRecords of everything below `offset` (-1: the high watermark); answers the offset meant.
// NOT_LEADER_OR_FOLLOWER, POLICY_VIOLATION of a topic that is only compacted, OFFSET_OUT_OF_RANGE.
Answer<Offset> delete_records(Partition& p, Offset offset, ReplicationContext& context);
// The lowest log start of the leader and the replicas that are alive; -1 while one of those has not
// fetched yet.
Offset low_watermark(const Partition& p, const FlatMap<NodeId, BrokerEpoch>& alive);

// Moves the log start up by DeleteRecords (leader) or after the leader (follower); segments below
// it stay until the next look at retention.
void advance_log_start(Partition& p, Offset to, ReplicationContext& context);
// Deletes the oldest segments, which retention has found too many (deletable_segments).
void delete_old_segments(Partition& p, std::size_t count, ReplicationContext& context);

}  // namespace tribunal
