// Every request and response as a struct with Kafka's field names, and the envelope that carries
// one between two nodes. No behaviour.
//
// Topics go by id, as in Kafka since KIP-516; only clients that know no id yet use names
// (MetadataRequest, CreateTopics, DeleteTopics).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "broker/base/one_of.h"
#include "broker/base/shared.h"
#include "broker/protocol/admin_messages.h"
#include "broker/protocol/batch.h"
#include "broker/protocol/config.h"
#include "broker/protocol/errors.h"
#include "broker/protocol/raft_messages.h"
#include "broker/protocol/records.h"

namespace tribunal {

// --- clients ------------------------------------------------------------------------------------

struct ProducePartition {
    TopicPartition partition;
    RecordBatch batch;
    TRIBUNAL_FIELDS(ProducePartition, partition, batch)
};
struct ProduceRequest {
    std::int16_t acks = -1;
    Duration timeout;
    std::vector<ProducePartition> partitions;
    TRIBUNAL_FIELDS(ProduceRequest, acks, timeout, partitions)
};
struct ProducePartitionResponse {
    TopicPartition partition;
    ErrorCode error = ErrorCode::none;
    Offset base_offset = kNoOffset;
    Offset log_start_offset = kNoOffset;
    TRIBUNAL_FIELDS(ProducePartitionResponse, partition, error, base_offset, log_start_offset)
};
struct ProduceResponse {
    std::vector<ProducePartitionResponse> partitions;
    TRIBUNAL_FIELDS(ProduceResponse, partitions)
};

struct FetchPartition {
    TopicPartition partition;
    Offset fetch_offset;
    Offset log_start_offset = kNoOffset;                // of the follower
    LeaderEpoch current_leader_epoch = kNoLeaderEpoch;  // KIP-320; -1: do not check
    LeaderEpoch last_fetched_epoch = kNoLeaderEpoch;    // KIP-595
    std::int32_t max_bytes = 1 << 20;
    TRIBUNAL_FIELDS(FetchPartition, partition, fetch_offset, log_start_offset, current_leader_epoch,
                    last_fetched_epoch, max_bytes)
};
struct FetchRequest {
    NodeId replica = kNoNode;       // -1: a consumer
    BrokerEpoch replica_epoch{-1};  // KIP-903
    Duration max_wait;
    std::int32_t min_bytes = 1;
    std::int64_t max_bytes = 0;
    std::int32_t session_id = 0;             // KIP-227
    std::int32_t session_epoch = 0;          // 0: a new session with all partitions; -1: none
    std::vector<FetchPartition> partitions;  // those that changed
    std::vector<TopicPartition> forgotten;
    std::string rack{};  // client.rack of a consumer (KIP-392); empty: none
    TRIBUNAL_FIELDS(FetchRequest, replica, replica_epoch, max_wait, min_bytes, max_bytes,
                    session_id, session_epoch, partitions, forgotten, rack)
};
// Where the log of a follower that fetched leaves the leader's: the largest epoch that the leader
// has and that is not above the one the follower sent, and where it ends at the leader (KIP-595).
// An end of -1: they do not diverge as far as the leader can tell.
struct DivergingEpoch {
    LeaderEpoch epoch = kNoLeaderEpoch;
    Offset end_offset = kNoOffset;
    TRIBUNAL_FIELDS(DivergingEpoch, epoch, end_offset)
};
struct FetchPartitionResponse {
    TopicPartition partition;
    ErrorCode error = ErrorCode::none;
    Offset high_watermark = kNoOffset;
    Offset log_start_offset = kNoOffset;
    // With OFFSET_OUT_OF_RANGE to a follower: the leader's log end, which Kafka's follower asks for
    // by ListOffsets (Deviation: one round trip less).
    Offset log_end_offset = kNoOffset;
    DivergingEpoch diverging_epoch;           // KIP-595
    NodeId preferred_read_replica = kNoNode;  // KIP-392; -1: go on reading here
    std::vector<RecordBatch> batches;
    TRIBUNAL_FIELDS(FetchPartitionResponse, partition, error, high_watermark, log_start_offset,
                    log_end_offset, diverging_epoch, preferred_read_replica, batches)
};
struct FetchResponse {
    ErrorCode error = ErrorCode::none;
    std::int32_t session_id = 0;
    std::vector<FetchPartitionResponse> partitions;
    TRIBUNAL_FIELDS(FetchResponse, error, session_id, partitions)
};

inline constexpr std::int64_t kLatestTimestamp = -1;
inline constexpr std::int64_t kEarliestTimestamp = -2;
inline constexpr std::int64_t kMaxTimestamp = -3;  // of the record with the largest (KIP-734)
struct ListOffsetsRequest {
    TopicPartition partition;
    LeaderEpoch current_leader_epoch = kNoLeaderEpoch;
    std::int64_t timestamp = kLatestTimestamp;  // or the first record at or after it (KIP-79)
    TRIBUNAL_FIELDS(ListOffsetsRequest, partition, current_leader_epoch, timestamp)
};
struct ListOffsetsResponse {
    TopicPartition partition;
    ErrorCode error = ErrorCode::none;
    Offset offset = kNoOffset;  // -1: no record is that late
    Timestamp timestamp{-1};    // of the record found by time
    TRIBUNAL_FIELDS(ListOffsetsResponse, partition, error, offset, timestamp)
};

// KIP-107: forget everything below an offset.
struct DeleteRecordsPartition {
    TopicPartition partition;
    Offset offset;  // the first to keep; -1: the high watermark
    TRIBUNAL_FIELDS(DeleteRecordsPartition, partition, offset)
};
struct DeleteRecordsRequest {
    std::vector<DeleteRecordsPartition> partitions;
    Duration timeout = seconds(30);
    TRIBUNAL_FIELDS(DeleteRecordsRequest, partitions, timeout)
};
struct DeleteRecordsPartitionResponse {
    TopicPartition partition;
    ErrorCode error = ErrorCode::none;
    Offset low_watermark = kNoOffset;  // the lowest log start of all replicas that are alive
    TRIBUNAL_FIELDS(DeleteRecordsPartitionResponse, partition, error, low_watermark)
};
struct DeleteRecordsResponse {
    std::vector<DeleteRecordsPartitionResponse> partitions;
    TRIBUNAL_FIELDS(DeleteRecordsResponse, partitions)
};

struct MetadataRequest {
    std::vector<std::string> topics;  // empty: all
    TRIBUNAL_FIELDS(MetadataRequest, topics)
};
struct MetadataTopic {
    ErrorCode error = ErrorCode::none;
    std::string name;
    TopicId topic{-1};
    std::vector<PartitionImage> partitions;
    TRIBUNAL_FIELDS(MetadataTopic, error, name, topic, partitions)
};
struct MetadataResponse {
    std::vector<NodeId> brokers;  // alive
    std::vector<MetadataTopic> topics;
    TRIBUNAL_FIELDS(MetadataResponse, brokers, topics)
};

struct FindCoordinatorRequest {
    std::string group;
    TRIBUNAL_FIELDS(FindCoordinatorRequest, group)
};
struct FindCoordinatorResponse {
    ErrorCode error = ErrorCode::none;
    NodeId coordinator = kNoNode;
    TRIBUNAL_FIELDS(FindCoordinatorResponse, error, coordinator)
};
struct PartitionOffset {
    TopicPartition partition;
    Offset offset = kNoOffset;
    LeaderEpoch leader_epoch = kNoLeaderEpoch;
    ErrorCode error = ErrorCode::none;
    TRIBUNAL_FIELDS(PartitionOffset, partition, offset, leader_epoch, error)
};
struct OffsetCommitRequest {
    std::string group;
    std::vector<PartitionOffset> offsets;
    TRIBUNAL_FIELDS(OffsetCommitRequest, group, offsets)
};
struct OffsetCommitResponse {
    std::vector<PartitionOffset> offsets;
    TRIBUNAL_FIELDS(OffsetCommitResponse, offsets)
};
struct OffsetFetchRequest {
    std::string group;
    std::vector<TopicPartition> partitions;
    TRIBUNAL_FIELDS(OffsetFetchRequest, group, partitions)
};
struct OffsetFetchResponse {
    ErrorCode error = ErrorCode::none;
    std::vector<PartitionOffset> offsets;
    TRIBUNAL_FIELDS(OffsetFetchResponse, error, offsets)
};

struct CreateTopicRequest {
    std::string name;
    std::int32_t partitions = 1;
    std::int16_t replication_factor = 1;
    std::vector<std::vector<NodeId>> assignment;
    TopicConfig config;
    TRIBUNAL_FIELDS(CreateTopicRequest, name, partitions, replication_factor, assignment, config)
};
struct CreateTopicResponse {
    ErrorCode error = ErrorCode::none;
    TopicId topic{-1};
    TRIBUNAL_FIELDS(CreateTopicResponse, error, topic)
};
struct DeleteTopicRequest {
    std::string name;
    TRIBUNAL_FIELDS(DeleteTopicRequest, name)
};
struct DeleteTopicResponse {
    ErrorCode error = ErrorCode::none;
    TRIBUNAL_FIELDS(DeleteTopicResponse, error)
};

// Any broker hands out producer ids for idempotence; with a transactional id only its coordinator
// does (KIP-98).
struct InitProducerIdRequest {
    std::string transactional_id;            // empty: none
    ProducerId producer_id = kNoProducerId;  // the current one, to raise its epoch (KIP-360)
    std::int16_t producer_epoch = -1;
    TRIBUNAL_FIELDS(InitProducerIdRequest, transactional_id, producer_id, producer_epoch)
};
struct InitProducerIdResponse {
    ErrorCode error = ErrorCode::none;
    ProducerId producer_id = kNoProducerId;
    std::int16_t producer_epoch = -1;
    TRIBUNAL_FIELDS(InitProducerIdResponse, error, producer_id, producer_epoch)
};

// --- between brokers ----------------------------------------------------------------------------

struct EpochQuery {
    TopicPartition partition;
    LeaderEpoch current_leader_epoch = kNoLeaderEpoch;  // KIP-320
    LeaderEpoch leader_epoch;
    TRIBUNAL_FIELDS(EpochQuery, partition, current_leader_epoch, leader_epoch)
};
struct OffsetsForLeaderEpochRequest {
    NodeId replica = kNoNode;
    std::vector<EpochQuery> partitions;
    TRIBUNAL_FIELDS(OffsetsForLeaderEpochRequest, replica, partitions)
};
struct EpochEndOffset {
    TopicPartition partition;
    ErrorCode error = ErrorCode::none;
    LeaderEpoch leader_epoch = kNoLeaderEpoch;  // KIP-279; -1 in the older answer
    Offset end_offset = kNoOffset;
    TRIBUNAL_FIELDS(EpochEndOffset, partition, error, leader_epoch, end_offset)
};
struct OffsetsForLeaderEpochResponse {
    std::vector<EpochEndOffset> partitions;
    TRIBUNAL_FIELDS(OffsetsForLeaderEpochResponse, partitions)
};

// --- between broker and controller --------------------------------------------------------------

struct BrokerRegistrationRequest {
    NodeId broker;
    std::int64_t incarnation = 0;  // a UUID in Kafka: another for each start of the process
    std::string rack = {};         // broker.rack; empty: none
    FeatureLevels features = {};   // supported
    // From the clean shutdown file (KIP-966): the broker epoch of the life that was stopped in good
    // order. -1, or another than the registered one: unsynced data may be gone.
    BrokerEpoch previous_broker_epoch{-1};
    TRIBUNAL_FIELDS(BrokerRegistrationRequest, broker, incarnation, rack, features,
                    previous_broker_epoch)
};
struct BrokerRegistrationResponse {
    ErrorCode error = ErrorCode::none;
    BrokerEpoch broker_epoch{-1};
    TRIBUNAL_FIELDS(BrokerRegistrationResponse, error, broker_epoch)
};
struct BrokerHeartbeatRequest {
    NodeId broker;
    BrokerEpoch broker_epoch;
    Offset metadata_offset;  // how far its image is
    bool want_fence = false;
    bool want_shut_down = false;  // controlled shutdown has begun
    TRIBUNAL_FIELDS(BrokerHeartbeatRequest, broker, broker_epoch, metadata_offset, want_fence,
                    want_shut_down)
};
struct BrokerHeartbeatResponse {
    ErrorCode error = ErrorCode::none;
    bool is_caught_up = false;
    bool is_fenced = true;
    bool should_shut_down = false;  // it leads nothing any more: the process may end
    TRIBUNAL_FIELDS(BrokerHeartbeatResponse, error, is_caught_up, is_fenced, should_shut_down)
};
struct IsrMember {
    NodeId broker;
    BrokerEpoch broker_epoch{-1};  // KIP-903
    TRIBUNAL_FIELDS(IsrMember, broker, broker_epoch)
};
struct AlterPartition {
    TopicPartition partition;
    LeaderEpoch leader_epoch;
    PartitionEpoch partition_epoch;
    std::vector<IsrMember> new_isr;
    LeaderRecoveryState leader_recovery_state = LeaderRecoveryState::recovered;  // KIP-704
    TRIBUNAL_FIELDS(AlterPartition, partition, leader_epoch, partition_epoch, new_isr,
                    leader_recovery_state)
};
struct AlterPartitionRequest {
    NodeId broker;
    BrokerEpoch broker_epoch;
    std::vector<AlterPartition> partitions;
    TRIBUNAL_FIELDS(AlterPartitionRequest, broker, broker_epoch, partitions)
};
struct AlterPartitionResult {
    TopicPartition partition;
    ErrorCode error = ErrorCode::none;
    PartitionImage image;
    TRIBUNAL_FIELDS(AlterPartitionResult, partition, error, image)
};
struct AlterPartitionResponse {
    ErrorCode error = ErrorCode::none;
    std::vector<AlterPartitionResult> partitions;
    TRIBUNAL_FIELDS(AlterPartitionResponse, error, partitions)
};
// A broker asks for a block of producer ids (KIP-730).
struct AllocateProducerIdsRequest {
    NodeId broker;
    BrokerEpoch broker_epoch;
    TRIBUNAL_FIELDS(AllocateProducerIdsRequest, broker, broker_epoch)
};
struct AllocateProducerIdsResponse {
    ErrorCode error = ErrorCode::none;
    ProducerId producer_id_start = kNoProducerId;
    std::int32_t producer_id_len = 0;
    TRIBUNAL_FIELDS(AllocateProducerIdsResponse, error, producer_id_start, producer_id_len)
};
// The fetch of the metadata log by a broker, of what is committed. Long poll: answered when there
// is something new, or when the logs part below where it fetches from. Only the leader of the
// quorum serves it; the others say who that is.
struct MetadataFetchRequest {
    NodeId replica;
    Offset fetch_offset;
    Duration max_wait;
    LeaderEpoch last_epoch{0};  // of the record before fetch_offset
    TRIBUNAL_FIELDS(MetadataFetchRequest, replica, fetch_offset, max_wait, last_epoch)
};
struct MetadataFetchResponse {
    ErrorCode error = ErrorCode::none;  // NOT_LEADER_OR_FOLLOWER
    NodeId leader = kNoNode;            // of the newest epoch that the controller knows
    LeaderEpoch leader_epoch{0};
    Offset base_offset;
    bool is_snapshot = false;  // the records stand for all below end_offset (KIP-630)
    std::vector<Shared<MetadataRecord>> records;
    Offset end_offset;          // where the next fetch begins: control records take offsets, too
    LeaderEpoch last_epoch{0};  // of the record before end_offset
    bool diverges = false;      // the leader has other records than the broker before base_offset
    Offset high_watermark;
    TRIBUNAL_FIELDS(MetadataFetchResponse, error, leader, leader_epoch, base_offset, is_snapshot,
                    records, end_offset, last_epoch, diverges, high_watermark)
};

using MessageTypes =
    TypeList<ProduceRequest, ProduceResponse, FetchRequest, FetchResponse, ListOffsetsRequest,
             ListOffsetsResponse, MetadataRequest, MetadataResponse, FindCoordinatorRequest,
             FindCoordinatorResponse, OffsetCommitRequest, OffsetCommitResponse, OffsetFetchRequest,
             OffsetFetchResponse, CreateTopicRequest, CreateTopicResponse, DeleteTopicRequest,
             DeleteTopicResponse, OffsetsForLeaderEpochRequest, OffsetsForLeaderEpochResponse,
             BrokerRegistrationRequest, BrokerRegistrationResponse, BrokerHeartbeatRequest,
             BrokerHeartbeatResponse, AlterPartitionRequest, AlterPartitionResponse,
             MetadataFetchRequest, MetadataFetchResponse, InitProducerIdRequest,
             InitProducerIdResponse, AllocateProducerIdsRequest, AllocateProducerIdsResponse,
             CreatePartitionsRequest, CreatePartitionsResponse, AlterPartitionReassignmentsRequest,
             AlterPartitionReassignmentsResponse, ListPartitionReassignmentsRequest,
             ListPartitionReassignmentsResponse, ElectLeadersRequest, ElectLeadersResponse,
             IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse, UpdateFeaturesRequest,
             UpdateFeaturesResponse, UnregisterBrokerRequest, UnregisterBrokerResponse, VoteRequest,
             VoteResponse, BeginQuorumEpochRequest, BeginQuorumEpochResponse, EndQuorumEpochRequest,
             EndQuorumEpochResponse, QuorumFetchRequest, QuorumFetchResponse, FetchSnapshotRequest,
             FetchSnapshotResponse, AddRaftVoterRequest, AddRaftVoterResponse,
             RemoveRaftVoterRequest, RemoveRaftVoterResponse, UpdateRaftVoterRequest,
             UpdateRaftVoterResponse, DeleteRecordsRequest, DeleteRecordsResponse>;
using Message = OneOf<MessageTypes>;
extern template class OneOf<MessageTypes>;
void fold(Digest& d, const Message& message);

// "FetchRequest"
std::string_view kind_of(const Message& message);
// One line for people: kind and the fields that matter.
std::string describe(const Message& message);
// Whether an error is inside.
bool has_error(const Message& message);
// Bytes on the wire, near enough for bandwidth.
std::int64_t size_in_bytes(const Message& message);

// What a connection is for. A broker answers the requests of one connection one at a time, in
// order, as Kafka's SocketServer mutes a channel until its response is sent; so long polls have a
// connection of their own.
enum class Lane : std::uint8_t {
    general,      // produce; list offsets of consumers; requests of admins
    metadata,     // metadata and coordinator look-ups of clients
    fetch,        // consumer or replica fetcher
    coordinator,  // group coordinator
    heartbeat,    // broker to controller
    alter_partition,
    metadata_fetch,
    forwarding,  // a client's request on its way to the controller (KIP-590)
    // Between controllers: votes, and fetches of the metadata log. Deviation: a parked fetch does
    // not hold up what its sender asks next on the same connection, as a muted channel of Kafka's
    // does.
    quorum,
    producer_id,        // client to broker
    producer_id_block,  // broker to controller
};
constexpr bool is_between_controllers(Lane lane) { return lane == Lane::quorum; }
// The server of such a connection is a controller.
constexpr bool is_to_controllers(Lane lane) {
    return lane == Lane::heartbeat || lane == Lane::alter_partition ||
           lane == Lane::metadata_fetch || lane == Lane::forwarding ||
           lane == Lane::producer_id_block || is_between_controllers(lane);
}

// A TCP connection, named by who opened it to whom and what for.
struct ConnectionKey {
    NodeId client;
    NodeId server;
    Lane lane = Lane::general;
    constexpr auto operator<=>(const ConnectionKey&) const = default;
    // A number that orders like the key.
    constexpr std::uint64_t packed() const {
        return (static_cast<std::uint64_t>(static_cast<std::uint32_t>(client.value) & 0xffffff)
                << 32) |
               (static_cast<std::uint64_t>(static_cast<std::uint32_t>(server.value) & 0xffffff)
                << 8) |
               static_cast<std::uint64_t>(lane);
    }
};
inline void fold(Digest& d, ConnectionKey key) { d.word(key.packed()); }

}  // namespace tribunal
