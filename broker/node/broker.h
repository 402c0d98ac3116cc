// A broker: partitions, fetchers, fetch sessions, parked requests and its place in the cluster,
// composed into one value. step() is the only way in; the cases stand by topic:
//
//   broker.cc           routing, start, restart            shutdown.cc       controlled shutdown
//   metadata.cc         registration, heartbeats, image    isr_requests.cc   AlterPartition
//   produce.cc          produce and parked writes          replica_fetcher.cc  following leaders
//   fetch_sessions.cc   fetch by replicas and consumers
//   producer_ids.cc     blocks of producer ids
//   requests.cc         metadata, list offsets, epochs, group offsets
//   active_controller.cc  which controller to ask, and what is forwarded to it
#pragma once

#include <string>
#include <variant>

#include "broker/controller/cluster_image.h"
#include "broker/group/offsets.h"
#include "broker/replication/partition.h"

namespace tribunal {

// --- requests that wait (Kafka: purgatory), as plain data ----------------------------------------

struct ParkedWrite {
    TopicPartition partition;
    Offset required;         // done when the high (of a deletion: low) watermark is there
    std::int32_t index = 0;  // into the response
    bool waits_for_isr = true;
    bool flushed = true;  // or the append still waits for its flush (flush.messages)
    bool done = false;
    TRIBUNAL_FIELDS(ParkedWrite, partition, required, index, waits_for_isr, flushed, done)
};
struct ParkedRequest {
    ConnectionKey connection;
    std::int32_t correlation = 0;
    std::variant<ProduceResponse, OffsetCommitResponse, DeleteRecordsResponse> response;
    // Of acks=all; empty for acks=1 that only waits for a sync. Of DeleteRecords: deletions.
    std::vector<ParkedWrite> writes;
    Duration timeout;   // of what follows the flushes
    std::string group;  // of a commit
    TRIBUNAL_FIELDS(ParkedRequest, connection, correlation, response, writes, timeout, group)
};

// --- fetch sessions (KIP-227) --------------------------------------------------------------------

struct SessionPartition {
    FetchPartition fetch;
    Offset sent_high_watermark = kNoOffset;
    Offset sent_log_start = kNoOffset;
    bool dirty = false;
    TRIBUNAL_FIELDS(SessionPartition, fetch, sent_high_watermark, sent_log_start, dirty)
};
struct ParkedFetch {
    std::int32_t correlation = 0;
    std::int32_t min_bytes = 1;
    std::int64_t max_bytes = 0;
    TRIBUNAL_FIELDS(ParkedFetch, correlation, min_bytes, max_bytes)
};
struct FetchSession {
    std::int32_t id = 0;
    std::int32_t next_epoch = 1;
    NodeId replica = kNoNode;  // -1: a consumer
    BrokerEpoch replica_epoch{-1};
    std::string rack;  // of a consumer
    FlatMap<TopicPartition, SessionPartition> partitions;
    std::vector<TopicPartition> dirty;  // those to look at, in order
    std::optional<ParkedFetch> parked;
    TRIBUNAL_FIELDS(FetchSession, id, next_epoch, replica, replica_epoch, rack, partitions, dirty,
                    parked)
};

// --- following -----------------------------------------------------------------------------------

enum class FetchPhase : std::uint8_t { truncating, fetching, delayed };
struct FetchState {
    FetchPhase phase = FetchPhase::truncating;
    FetchPhase after_delay = FetchPhase::truncating;
    LeaderEpoch leader_epoch;
    LeaderEpoch asked_epoch = kNoLeaderEpoch;
    Offset sent_offset =
        kNoOffset;  // of the fetch under way or last answered; -1: session knows not
    TRIBUNAL_FIELDS(FetchState, phase, after_delay, leader_epoch, asked_epoch, sent_offset)
};
struct ReplicaFetcher {
    std::int32_t session_id = 0;
    std::int32_t session_epoch = 0;
    std::int32_t in_flight = 0;  // correlation; 0: none
    bool backing_off = false;
    FlatMap<TopicPartition, FetchState> partitions;
    std::vector<TopicPartition> changed;    // to tell the session
    std::vector<TopicPartition> forgotten;  // likewise
    std::int32_t truncating = 0;            // how many partitions are in that phase
    TRIBUNAL_FIELDS(ReplicaFetcher, session_id, session_epoch, in_flight, backing_off, partitions,
                    changed, forgotten, truncating)
};

// --- producer ids (KIP-730) ----------------------------------------------------------------------

struct ProducerIdBlock {
    ProducerId first{0};
    std::int32_t size = 0;
    TRIBUNAL_FIELDS(ProducerIdBlock, first, size)
};
struct ProducerIds {
    ProducerIdBlock current;
    std::int32_t used = 0;  // of the current block
    std::optional<ProducerIdBlock> next;
    bool in_flight = false;    // the request for the next one
    bool backing_off = false;  // after it failed
    TRIBUNAL_FIELDS(ProducerIds, current, used, next, in_flight, backing_off)
};

// A client's request on its way to the controller.
struct Forwarded {
    ConnectionKey client;
    std::int32_t correlation = 0;
    Shared<Message> request;
    NodeId sent_to = kNoNode;  // none: it waits until the active controller is known
    TRIBUNAL_FIELDS(Forwarded, client, correlation, request, sent_to)
};

// A partition that this broker leads or follows, and who waits for news of it.
struct Hosted {
    Shared<Partition> partition;
    std::vector<ConnectionKey> sessions;  // fetch sessions that list it
    TRIBUNAL_FIELDS(Hosted, partition, sessions)
};

struct Channel {
    std::vector<Deliver> queue;  // requests behind the one that is parked
    bool operator==(const Channel& o) const { return queue.size() == o.queue.size(); }
};
void fold(Digest& d, const Channel& channel);

// From here on the backoff does not grow any more.
inline constexpr std::int32_t kMostRegistrationAttempts = 7;

enum class Registration : std::uint8_t { none, sent, registered };
// The process was asked to end; a heartbeat has told the controller; it has answered: not yet.
enum class ControlledShutdown : std::uint8_t { no, wanted, announced, pending };

struct Broker {
    NodeId id;
    std::vector<NodeId> voters;  // controller.quorum.voters
    BrokerConfig config;
    // Persisted: the logs and checkpoints inside.
    FlatMap<TopicPartition, Hosted> partitions;
    // .kafka_cleanshutdown: the broker epoch of the life that ended in good order (KIP-966); no
    // file after any other end.
    std::optional<BrokerEpoch> clean_shutdown_file;
    // Volatile from here on.
    NodeId controller = kNoNode;  // the active one, as far as it is known
    LeaderEpoch controller_epoch = kNoLeaderEpoch;
    NodeId metadata_source = kNoNode;  // the voter that is asked for the metadata log
    std::int64_t incarnation = 0;
    BrokerEpoch previous_broker_epoch{-1};  // from that file, for the registration
    Registration registration = Registration::none;
    std::int32_t registration_attempts = 0;  // at most kMostRegistrationAttempts are counted
    BrokerEpoch broker_epoch{-1};
    bool fenced = true;
    bool serving = false;  // registered and caught up: partitions have roles
    ControlledShutdown controlled_shutdown = ControlledShutdown::no;
    bool heartbeat_in_flight = false;
    bool metadata_in_flight = false;
    bool alter_partition_in_flight = false;
    std::vector<TopicPartition> alter_partition_sent;
    FlatSet<TopicPartition> isr_proposals;  // to go with the next request
    ClusterImage image;
    Offset image_offset{0};
    LeaderEpoch image_epoch{0};  // of the record before image_offset
    FlatMap<NodeId, ReplicaFetcher> fetchers;
    FlatMap<ConnectionKey, FetchSession> sessions;
    std::int32_t next_session = 1;
    std::vector<ParkedRequest> parked;
    std::vector<TopicPartition> flushing;  // with appends that wait for a flush
    FlatMap<ConnectionKey, Channel> busy;
    FlatMap<std::int32_t, Forwarded> forwarded;
    FlatMap<TopicPartition, Offsets> offsets;  // of the __consumer_offsets partitions it leads
    ProducerIds producer_ids;
    TRIBUNAL_FIELDS(Broker, id, voters, config, partitions, clean_shutdown_file, controller,
                    controller_epoch, metadata_source, incarnation, previous_broker_epoch,
                    registration, registration_attempts, broker_epoch, fenced, serving,
                    controlled_shutdown, heartbeat_in_flight, metadata_in_flight,
                    alter_partition_in_flight, alter_partition_sent, isr_proposals, image,
                    image_offset, image_epoch, fetchers, sessions, next_session, parked, flushing,
                    busy, forwarded, offsets, producer_ids)
};

void step(Broker& b, const Input& input, Outbox& out);

// What is left of a broker when its process ends: its disk. High watermarks fall back to the
// checkpoint; a batch that is not intact ends the log (recovery).
Broker restart(const Broker& b);

// --- between the files of this folder ------------------------------------------------------------

ReplicationContext context_of(const Broker& b, Outbox& out);
Partition* edit_partition(Broker& b, TopicPartition tp);
const Partition* find_partition(const Broker& b, TopicPartition tp);

// Numbers that need to differ only among what is under way are the smallest that are free: a broker
// that has come back to where it was is the same value, so that its states can be counted.
std::int32_t free_correlation(const Broker& b);

void on_produce(Broker& b, const Deliver& d, const ProduceRequest& request, Outbox& out);
void on_write_done(Broker& b, std::uint64_t token, Outbox& out);
// Something of `tp` changed (high watermark, ISR, role): answer the writes that are done with it.
void complete_parked(Broker& b, TopicPartition tp, Outbox& out);
void park(Broker& b, ParkedRequest request, Outbox& out);
// After an append that may have to wait for its flush.
void remember_flush(Broker& b, const Partition& p);
void on_parked_timeout(Broker& b, std::uint64_t connection, Outbox& out);
void answer_parked(Broker& b, std::size_t index, Outbox& out);

void on_fetch(Broker& b, const Deliver& d, const FetchRequest& request, Outbox& out);
void on_fetch_wait(Broker& b, std::uint64_t connection, Outbox& out);
// `tp` has new data, a new high watermark or a new role: sessions that list it look again.
void notify_sessions(Broker& b, TopicPartition tp, Outbox& out);
void drop_session(Broker& b, ConnectionKey connection);
// Where a consumer in `rack` had better read from `offset` on (replica.selector.class =
// RackAwareReplicaSelector, KIP-392); kNoNode: here.
NodeId closest_replica(const Broker& b, const Partition& p, Offset offset, const std::string& rack);

void follow(Broker& b, TopicPartition tp, NodeId leader, Outbox& out);
void unfollow(Broker& b, TopicPartition tp);
// Fetchers that nothing is left for end, as Kafka's shutdownIdleFetcherThreads has it.
void close_idle_fetchers(Broker& b, Outbox& out);
void pump(Broker& b, NodeId leader, Outbox& out);
void on_fetch_response(Broker& b, NodeId leader, std::int32_t correlation,
                       const FetchResponse& response, Outbox& out);
void on_epoch_response(Broker& b, NodeId leader, std::int32_t correlation,
                       const OffsetsForLeaderEpochResponse& response, Outbox& out);
void on_fetcher_failed(Broker& b, NodeId leader, Outbox& out);
void on_fetch_backoff(Broker& b, NodeId leader, Outbox& out);

// delete_records.cc
void on_delete_records(Broker& b, const Deliver& d, const DeleteRecordsRequest& request,
                       Outbox& out);
// How a deletion up to `required` stands: none when done, nullopt when not yet.
std::optional<ErrorCode> deleted_up_to(const Broker& b, TopicPartition tp, Offset required);
bool waits_for_deletion(const Broker& b, TopicPartition tp);

// storage.cc
void start_storage_timers(Broker& b, Outbox& out);
// checkpoint, recovery_checkpoint, log_start_checkpoint, retention or flush.
void on_storage_timer(Broker& b, TimerKind kind, Outbox& out);
// Deletes the segments that are too old, too much or below the log start, of logs that are
// compacted or of those that are not.
void delete_old_segments_of(Broker& b, bool compacted, Outbox& out);
// compaction.cc
void on_cleaner_timer(Broker& b, Outbox& out);
// Flushes all logs and writes all checkpoints (LogManager.shutdown).
void close_logs(Broker& b);
// A partition as the next life of the process finds it on the disk.
Partition loaded(const Partition& p, bool had_clean_shutdown);

void start_registration(Broker& b, Outbox& out);
void on_registration(Broker& b, const BrokerRegistrationResponse& response, Outbox& out);
void on_heartbeat(Broker& b, const BrokerHeartbeatResponse& response, Outbox& out);
void on_heartbeat_timer(Broker& b, Outbox& out);
// Asked to end: the controller moves the leaderships away first, then shut_down().
void on_stop(Broker& b, Outbox& out);
void on_heartbeat_while_leaving(Broker& b, const BrokerHeartbeatResponse& response, Outbox& out);
// Ends the process with everything checkpointed and flushed.
void shut_down(Broker& b, Outbox& out);
void fetch_metadata(Broker& b, Outbox& out);
void on_metadata(Broker& b, NodeId from, const MetadataFetchResponse& response, Outbox& out);

void send_alter_partitions(Broker& b, Outbox& out);
void on_alter_partition(Broker& b, const AlterPartitionResponse& response, Outbox& out);
void on_alter_partition_failed(Broker& b, Outbox& out);

void on_init_producer_id(Broker& b, const Deliver& d, const InitProducerIdRequest& request,
                         Outbox& out);
void on_producer_ids(Broker& b, const AllocateProducerIdsResponse& response, Outbox& out);
void on_producer_ids_failed(Broker& b, Outbox& out);
void on_producer_ids_retry(Broker& b, Outbox& out);

void on_metadata_request(Broker& b, const Deliver& d, const MetadataRequest& request, Outbox& out);
void on_list_offsets(Broker& b, const Deliver& d, const ListOffsetsRequest& request, Outbox& out);
void on_epoch_request(Broker& b, const Deliver& d, const OffsetsForLeaderEpochRequest& request,
                      Outbox& out);
void on_find_coordinator(Broker& b, const Deliver& d, const FindCoordinatorRequest& request,
                         Outbox& out);
void on_offset_commit(Broker& b, const Deliver& d, const OffsetCommitRequest& request, Outbox& out);
void on_offset_fetch(Broker& b, const Deliver& d, const OffsetFetchRequest& request, Outbox& out);

// A process that starts knows who the voters are, and nothing of who leads them.
void forget_controllers(Broker& b);
// Whom it asks for metadata has not answered, or does not know who leads.
void ask_next_voter(Broker& b);
// A controller says that `leader` (perhaps nobody) leads `epoch`.
void follow_controller(Broker& b, NodeId leader, LeaderEpoch epoch, Outbox& out);
// The active controller is another one than before.
void send_what_waits(Broker& b, Outbox& out);
void forward(Broker& b, const Deliver& d, Outbox& out);
void on_forwarded_response(Broker& b, const Deliver& d, Outbox& out);
void on_forwarding_failed(Broker& b, NodeId controller, Outbox& out);
void retry_forwarding(Broker& b, Outbox& out);

}  // namespace tribunal
