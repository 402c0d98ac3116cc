// A client's picture of the cluster, from any broker: which broker leads which partition. Shared by
// producer, consumer and admin.
#pragma once

#include <string>
#include <vector>

#include "broker/base/flat.h"
#include "broker/protocol/effects.h"

namespace tribunal {

struct KnownPartition {
    NodeId leader = kNoNode;
    LeaderEpoch leader_epoch{-1};
    TRIBUNAL_FIELDS(KnownPartition, leader, leader_epoch)
};
struct KnownTopic {
    std::string name;
    TopicId id{-1};
    std::vector<KnownPartition> partitions;
    TRIBUNAL_FIELDS(KnownTopic, name, id, partitions)
};

struct ClusterMetadata {
    std::vector<NodeId> bootstrap;    // bootstrap.servers
    std::vector<std::string> topics;  // to ask for; empty: all
    std::vector<KnownTopic> known;
    FlatSet<NodeId> alive;         // brokers, by the last answer
    std::int32_t next_broker = 0;  // whom to ask next, round robin
    bool in_flight = false;
    bool wanted = false;  // stale: ask again when the retry backoff is over
    NodeId asked = kNoNode;
    Moment last_refresh;  // when the last answer or failure came: the backoff runs from there
    TRIBUNAL_FIELDS(ClusterMetadata, bootstrap, topics, known, alive, next_broker, in_flight,
                    wanted, asked, last_refresh)

    const KnownTopic* topic(const std::string& name) const;
    const KnownTopic* topic(TopicId id) const;
    // Null when unknown.
    const KnownPartition* partition(TopicPartition tp) const;
};

// Asks a broker for metadata unless a request is under way: each time the next one, so that a
// broker behind a partition does not keep its neighbour blind for ever. Deviation: Kafka takes the
// node with the fewest requests in flight, from a random start.
void request_metadata(ClusterMetadata& m, NodeId self, std::int32_t& correlation,
                      Duration request_timeout, Outbox& out);
// Takes an answer in. Partitions whose leader epoch is older than the known one are ignored
// (KIP-320): a broker behind the others must not send a client back.
void on_metadata_response(ClusterMetadata& m, NodeId self, const MetadataResponse& response,
                          Outbox& out);
// The request failed: the next one goes to the next broker, after `backoff`.
void on_metadata_failed(ClusterMetadata& m, NodeId self, Duration backoff, Outbox& out);
// The picture is known to be stale: ask again, at once unless the last refresh was less than
// `backoff` ago (Kafka: Metadata.requestUpdate).
void want_metadata(ClusterMetadata& m, Duration backoff, Outbox& out);

// Somebody knows of an epoch: when it is newer than the known one, who leads in it is not known
// (Metadata.updateLastSeenEpochIfNewer, KIP-320).
void see_leader_epoch(ClusterMetadata& m, TopicPartition tp, LeaderEpoch epoch, Duration backoff,
                      Outbox& out);

}  // namespace tribunal
