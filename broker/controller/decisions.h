// What the active controller decides, request by request: records for the metadata log and an
// answer. Pure functions of a ControllerView; whoever holds the log appends and replays the records
// and sends the answer when they are committed.
//
// Kafka: ClusterControlManager, ReplicationControlManager, FeatureControlManager and
// ConfigurationControlManager of the KRaft controller (KIP-500, KIP-631).
#pragma once

#include <string_view>
#include <vector>

#include "broker/controller/cluster_image.h"
#include "broker/controller/heartbeats.h"
#include "broker/protocol/messages.h"

namespace tribunal {

template <class Response>
struct Decision {
    std::vector<MetadataRecord> records;
    Response response;
};

// All that a decision may read. `image` is of the whole log, uncommitted records included, as
// Kafka's controller decides on what it has appended.
struct ControllerView {
    const ClusterImage& image;
    const BrokerConfig& config;
    const Heartbeats& heartbeats;
    Offset next_offset;  // of the first record that is decided now
    // Why the quorum keeps kraft.version 0, in Kafka's words; empty: it does not (KAFKA-16538).
    std::string_view kraft_upgrade_refusal = {};
};

// broker_lifecycle.cc
Decision<BrokerRegistrationResponse> decide(const ControllerView& c,
                                            const BrokerRegistrationRequest& request);
Decision<BrokerHeartbeatResponse> decide(const ControllerView& c,
                                         const BrokerHeartbeatRequest& request);
Decision<UnregisterBrokerResponse> decide(const ControllerView& c,
                                          const UnregisterBrokerRequest& request);
// A broker's session expired: fence it and move its leaderships.
std::vector<MetadataRecord> decide_fence(const ControllerView& c, NodeId broker);

// alter_partition.cc
Decision<AlterPartitionResponse> decide(const ControllerView& c,
                                        const AlterPartitionRequest& request);

// elections.cc
Decision<ElectLeadersResponse> decide(const ControllerView& c, const ElectLeadersRequest& request);
// The periodic tasks: give partitions back to their preferred leaders (auto.leader.rebalance), and
// leaders to partitions without one whose topic allows unclean elections (KAFKA-12670).
// Deviation: the ZooKeeper controller had no such task; it elected when a broker came or the
// setting changed.
std::vector<MetadataRecord> decide_preferred_leaders(const ControllerView& c);
std::vector<MetadataRecord> decide_unclean_leaders(const ControllerView& c);

// reassignments.cc
Decision<AlterPartitionReassignmentsResponse> decide(
    const ControllerView& c, const AlterPartitionReassignmentsRequest& request);
Decision<ListPartitionReassignmentsResponse> decide(
    const ControllerView& c, const ListPartitionReassignmentsRequest& request);

// topic_changes.cc
Decision<CreateTopicResponse> decide(const ControllerView& c, const CreateTopicRequest& request);
Decision<CreatePartitionsResponse> decide(const ControllerView& c,
                                          const CreatePartitionsRequest& request);
Decision<DeleteTopicResponse> decide(const ControllerView& c, const DeleteTopicRequest& request);
Decision<IncrementalAlterConfigsResponse> decide(const ControllerView& c,
                                                 const IncrementalAlterConfigsRequest& request);

// feature_changes.cc
// What a new cluster's log begins with (BootstrapMetadata): the finalized features. Nothing when
// anything was written before.
std::vector<MetadataRecord> decide_activation(const ControllerView& c);
Decision<UpdateFeaturesResponse> decide(const ControllerView& c,
                                        const UpdateFeaturesRequest& request);

// producer_ids.cc
inline constexpr std::int32_t kProducerIdBlockSize = 1000;  // ProducerIdsBlock
// The next block of producer ids goes to a broker (KIP-730). STALE_BROKER_EPOCH when it is not the
// broker's current life that asks.
Decision<AllocateProducerIdsResponse> decide(const ControllerView& c,
                                             const AllocateProducerIdsRequest& request);

}  // namespace tribunal
