// The active controller (KIP-500): decides cluster metadata, writes it to its log, and lets the
// brokers fetch what is committed.
//
// decide() reads the image and returns records and a response; the records are replayed at once (so
// that the next decision sees them) and the response leaves when they are on the platter. A restart
// replays the log. The quorum has one voter: committed means synced.
#pragma once

#include <vector>

#include "broker/controller/cluster_image.h"
#include "broker/protocol/effects.h"

namespace tribunal {

template <class Response>
struct Decision {
    std::vector<MetadataRecord> records;
    Response response;
};

// A response, or nothing but a commit, that waits for the log to be synced up to `offset`.
struct DeferredResponse {
    Offset offset;
    ConnectionKey connection;
    std::int32_t correlation = 0;
    Shared<Message> response;
    TRIBUNAL_FIELDS(DeferredResponse, offset, connection, correlation, response)
};
struct WaitingFetch {
    ConnectionKey connection;
    std::int32_t correlation = 0;
    Offset fetch_offset;
    TRIBUNAL_FIELDS(WaitingFetch, connection, correlation, fetch_offset)
};

struct Controller {
    NodeId id;
    BrokerConfig config;
    // Persisted.
    std::vector<Shared<MetadataRecord>> log;
    // Volatile.
    Offset high_watermark{0};  // synced, hence committed
    bool sync_in_flight = false;
    ClusterImage image;        // of the whole log
    FlatSet<NodeId> sessions;  // brokers heard of within broker.session.timeout.ms
    std::vector<DeferredResponse> deferred;
    std::vector<WaitingFetch> waiting;
    TRIBUNAL_FIELDS(Controller, id, config, log, high_watermark, sync_in_flight, image, sessions,
                    deferred, waiting)

    Offset log_end() const { return Offset{static_cast<std::int64_t>(log.size())}; }
};

void step(Controller& c, const Input& input, Outbox& out);

// What is left of a controller when its process ends: a fresh one with the same log.
Controller restart(const Controller& c);

// --- decisions: pure --------------------------------------------------------------------------

// broker_lifecycle.cc
Decision<BrokerRegistrationResponse> decide(const Controller& c,
                                            const BrokerRegistrationRequest& request);
Decision<BrokerHeartbeatResponse> decide(const Controller& c,
                                         const BrokerHeartbeatRequest& request);
// A broker's session expired: fence it and move its leaderships.
std::vector<MetadataRecord> decide_fence(const Controller& c, NodeId broker);

// partition_changes.cc
Decision<AlterPartitionResponse> decide(const Controller& c, const AlterPartitionRequest& request);
// Records that take `broker` out of every ISR and leadership.
void leave_partitions(const Controller& c, NodeId broker, std::vector<MetadataRecord>& records);
// Records that give leaders to partitions without one, now that `broker` is alive.
void lead_partitions(const Controller& c, NodeId broker, std::vector<MetadataRecord>& records);

// topic_changes.cc
Decision<CreateTopicResponse> decide(const Controller& c, const CreateTopicRequest& request);
Decision<DeleteTopicResponse> decide(const Controller& c, const DeleteTopicRequest& request);

// producer_ids.cc
inline constexpr std::int32_t kProducerIdBlockSize = 1000;  // ProducerIdsBlock
// The next block of producer ids goes to a broker (KIP-730). STALE_BROKER_EPOCH when it is not the
// broker's current life that asks.
Decision<AllocateProducerIdsResponse> decide(const Controller& c,
                                             const AllocateProducerIdsRequest& request);

}  // namespace tribunal
