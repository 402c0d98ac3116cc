// The consumer client with manual assignment: positions, resets, fetches through incremental
// sessions, commits to the group coordinator. The application polls as fast as records come.
//
//   consumer.cc          assignment, seeks, routing      consumer_fetch.cc       sessions, polls
//   consumer_offsets.cc  positions: reset, list, commit  consumer_validation.cc  and validation
#pragma once

#include <optional>
#include <utility>

#include "broker/base/shared.h"
#include "broker/client/cluster_metadata.h"
#include "broker/client/serializer.h"

namespace tribunal {

struct PlannedSeek {
    Duration at;
    std::string topic;
    std::int32_t partition = 0;
    std::int64_t offset = 0;  // kLatestTimestamp, kEarliestTimestamp: an end
    TRIBUNAL_FIELDS(PlannedSeek, at, topic, partition, offset)
};

// Kafka: SubscriptionState.FetchStates.
enum class PositionState : std::uint8_t {
    unknown,     // of a group: the committed offset is to be fetched (INITIALIZING)
    resetting,   // an offset is to be looked up: `reset_to` (AWAIT_RESET)
    validating,  // the leader is to be asked whether its log was cut below it (AWAIT_VALIDATION)
    valid,       // FETCHING
    failed,      // auto.offset.reset=none, or a record that does not deserialize: poll() throws
};

// Where a consumer stands (Kafka: SubscriptionState.FetchPosition).
struct FetchPosition {
    Offset offset = kNoOffset;
    LeaderEpoch offset_epoch = kNoLeaderEpoch;  // of the last record read; -1: not known
    NodeId leader = kNoNode;                    // whom to fetch from, ...
    LeaderEpoch leader_epoch = kNoLeaderEpoch;  // ... and in which epoch
    TRIBUNAL_FIELDS(FetchPosition, offset, offset_epoch, leader, leader_epoch)
};

struct Assigned {
    TopicPartition id;
    PositionState state = PositionState::resetting;
    std::int64_t reset_to = kLatestTimestamp;
    bool lookup_in_flight = false;
    bool backing_off = false;            // retry.backoff.ms runs
    std::uint32_t lookup_operation = 0;  // the history's name for it
    FetchPosition position;
    std::uint16_t assignment = 0;             // goes up with assign and seek
    Offset session_position = kNoOffset;      // what the fetch session knows; -1: not in a session
    NodeId session_leader = kNoNode;          // ... whose it is, leader or preferred replica
    NodeId preferred_read_replica = kNoNode;  // where the leader said to read (KIP-392)
    TRIBUNAL_FIELDS(Assigned, id, state, reset_to, lookup_in_flight, backing_off, lookup_operation,
                    position, assignment, session_position, session_leader, preferred_read_replica)
};

struct ConsumerLink {
    std::int32_t session_id = 0;
    std::int32_t session_epoch = 0;
    std::int32_t in_flight = 0;  // correlation of the fetch; 0: none
    bool backing_off = false;
    std::vector<TopicPartition> forgotten;
    TRIBUNAL_FIELDS(ConsumerLink, session_id, session_epoch, in_flight, backing_off, forgotten)
};

enum class LookUpKind : std::uint8_t {
    watch,     // ListOffsets, of an end that is watched
    reset,     // ListOffsets, for a position
    validate,  // OffsetsForLeaderEpoch; those of one request have its correlation together
};

// A partition that a broker is asked about: a connection answers in order, and each request has
// request.timeout.ms from when it was sent.
struct LookUp {
    LookUpKind kind = LookUpKind::watch;
    TopicPartition partition;
    std::int32_t correlation = 0;
    NodeId broker = kNoNode;
    Moment sent;
    std::int64_t timestamp = kLatestTimestamp;  // of ListOffsets
    std::uint32_t operation = 0;                // of ListOffsets
    FetchPosition position;                     // that is validated
    TRIBUNAL_FIELDS(LookUp, kind, partition, correlation, broker, sent, timestamp, operation,
                    position)
};

struct Consumer {
    NodeId id;
    std::uint32_t client = 0;
    std::string group;
    std::vector<std::string> topics;                           // all their partitions, or
    std::vector<std::pair<std::string, std::int32_t>> wanted;  // these
    ConsumerConfig config;
    Serde key_deserializer = Serde::string;
    Serde value_deserializer = Serde::string;
    bool from_beginning = false;
    Duration start;
    std::vector<PlannedSeek> seeks;  // by time
    Moment started;
    std::uint32_t next_seek = 0;
    bool running = false;
    ClusterMetadata metadata;
    std::vector<Assigned> assigned;  // by partition id
    FlatMap<NodeId, ConsumerLink> links;
    std::vector<LookUp> look_ups;    // oldest first
    std::uint32_t next_watched = 0;  // end offsets are watched in turn
    NodeId coordinator = kNoNode;
    NodeId coordinator_asked = kNoNode;  // FindCoordinator under way
    std::int32_t offset_request = 0;     // OffsetFetch or OffsetCommit under way: correlation
    std::uint32_t offset_operation = 0;
    std::vector<PartitionOffset> committing;
    std::vector<Offset> committed;  // last commit, by index into assigned
    std::uint32_t next_operation = 1;
    std::int32_t next_correlation = 1;
    TRIBUNAL_FIELDS(Consumer, id, client, group, topics, wanted, config, key_deserializer,
                    value_deserializer, from_beginning, start, seeks, started, next_seek, running,
                    metadata, assigned, links, look_ups, next_watched, coordinator,
                    coordinator_asked, offset_request, offset_operation, committing, committed,
                    next_operation, next_correlation)
};

void step(Consumer& c, const Input& input, Outbox& out);

// --- between the files ---------------------------------------------------------------------------

// Of the timers of one partition; never 0, which is the consumer's own.
constexpr std::uint64_t key_of(TopicPartition tp) {
    return ((static_cast<std::uint64_t>(tp.topic.value) + 1) << 24) |
           static_cast<std::uint64_t>(tp.partition);
}
Assigned* find_assigned(Consumer& c, TopicPartition tp);
// Does whatever the positions need next: look-ups, committed offsets, fetches.
void advance(Consumer& c, Outbox& out);

// Takes on the leaders that the metadata names: a position that has not met its leader in this
// epoch is to be validated, or is good as it is when nothing is known to validate it by.
void follow_leaders(Consumer& c, Outbox& out);
// Stands at `offset`, and has it validated if an epoch is known for it (seekUnvalidated).
void seek_unvalidated(Consumer& c, Assigned& a, Offset offset, LeaderEpoch offset_epoch);
void send_validations(Consumer& c, Outbox& out);
void on_epoch_end_offsets(Consumer& c, std::int32_t correlation,
                          const OffsetsForLeaderEpochResponse& response, Outbox& out);
// Nothing more for this partition before retry.backoff.ms is over, unless it gets another leader
// (SubscriptionState.requestFailed).
void back_off(Consumer& c, Assigned& a, Outbox& out);

void send_fetches(Consumer& c, Outbox& out);
void leave_session(Consumer& c, Assigned& a);
void on_fetch_response(Consumer& c, NodeId broker, std::int32_t correlation,
                       const FetchResponse& response, Outbox& out);
// Back to the leader, who says again where to read.
void forget_preferred_replica(Assigned& a, Outbox& out);
void on_fetch_link_broken(Consumer& c, NodeId broker, Outbox& out);

void reset_position(Consumer& c, Assigned& a, Outbox& out);
// The timer of a connection stands for the oldest request on it.
void time_look_ups(const Consumer& c, NodeId broker, Outbox& out);
ConnectionKey look_up_connection(const Consumer& c, NodeId broker);
void send_look_ups(Consumer& c, Outbox& out);
void watch_end_offset(Consumer& c, Outbox& out);
void on_list_offsets_response(Consumer& c, std::int32_t correlation,
                              const ListOffsetsResponse& response, Outbox& out);
void on_look_ups_broken(Consumer& c, NodeId broker, Outbox& out);
void find_coordinator(Consumer& c, Outbox& out);
void on_coordinator(Consumer& c, const FindCoordinatorResponse& response, Outbox& out);
void fetch_committed(Consumer& c, Outbox& out);
void on_committed(Consumer& c, std::int32_t correlation, const OffsetFetchResponse& response,
                  Outbox& out);
void commit(Consumer& c, Outbox& out);
void on_commit_response(Consumer& c, std::int32_t correlation, const OffsetCommitResponse& response,
                        Outbox& out);
void on_coordinator_broken(Consumer& c, Outbox& out);

}  // namespace tribunal
