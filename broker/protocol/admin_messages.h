// Requests of the admin client that only the controller can answer, with Kafka's field names.
// Brokers forward them (KIP-590). No behaviour. Those about voters stand in raft_messages.h.
//
// Topics go by name: an admin tool knows no ids.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "broker/protocol/config.h"
#include "broker/protocol/errors.h"
#include "broker/protocol/features.h"
#include "broker/protocol/ids.h"
#include "broker/protocol/topic_config_fields.h"

namespace tribunal {

struct NamedPartition {
    std::string topic;
    std::int32_t partition = 0;
    TRIBUNAL_FIELDS(NamedPartition, topic, partition)
};
struct NamedPartitionResult {
    NamedPartition partition;
    ErrorCode error = ErrorCode::none;
    TRIBUNAL_FIELDS(NamedPartitionResult, partition, error)
};

struct CreatePartitionsRequest {
    std::string topic;
    std::int32_t count = 1;                       // of all partitions, old and new
    std::vector<std::vector<NodeId>> assignment;  // of the new ones; empty: the controller places
    TRIBUNAL_FIELDS(CreatePartitionsRequest, topic, count, assignment)
};
struct CreatePartitionsResponse {
    ErrorCode error = ErrorCode::none;
    TRIBUNAL_FIELDS(CreatePartitionsResponse, error)
};

// KIP-455.
struct PartitionReassignment {
    NamedPartition partition;
    std::optional<std::vector<NodeId>> replicas;  // the target; none cancels
    TRIBUNAL_FIELDS(PartitionReassignment, partition, replicas)
};
struct AlterPartitionReassignmentsRequest {
    std::vector<PartitionReassignment> partitions;
    bool allow_replication_factor_change = true;  // KIP-860
    TRIBUNAL_FIELDS(AlterPartitionReassignmentsRequest, partitions, allow_replication_factor_change)
};
struct AlterPartitionReassignmentsResponse {
    ErrorCode error = ErrorCode::none;
    std::vector<NamedPartitionResult> partitions;
    TRIBUNAL_FIELDS(AlterPartitionReassignmentsResponse, error, partitions)
};
struct ListPartitionReassignmentsRequest {
    std::vector<NamedPartition> partitions;  // empty: all
    TRIBUNAL_FIELDS(ListPartitionReassignmentsRequest, partitions)
};
struct OngoingPartitionReassignment {
    NamedPartition partition;
    std::vector<NodeId> replicas;
    std::vector<NodeId> adding_replicas;
    std::vector<NodeId> removing_replicas;
    TRIBUNAL_FIELDS(OngoingPartitionReassignment, partition, replicas, adding_replicas,
                    removing_replicas)
};
struct ListPartitionReassignmentsResponse {
    ErrorCode error = ErrorCode::none;
    std::vector<OngoingPartitionReassignment> reassignments;
    TRIBUNAL_FIELDS(ListPartitionReassignmentsResponse, error, reassignments)
};

enum class ElectionType : std::uint8_t {
    preferred,  // KIP-183
    unclean,    // KIP-460
};
struct ElectLeadersRequest {
    ElectionType type = ElectionType::preferred;
    std::vector<NamedPartition> partitions;  // empty: all
    TRIBUNAL_FIELDS(ElectLeadersRequest, type, partitions)
};
struct ElectLeadersResponse {
    ErrorCode error = ErrorCode::none;
    std::vector<NamedPartitionResult> partitions;
    TRIBUNAL_FIELDS(ElectLeadersResponse, error, partitions)
};

// Settings of one topic (KIP-339): those that are `altered` become what `config` says.
struct IncrementalAlterConfigsRequest {
    std::string topic;
    TopicConfig config;
    TopicFields altered = kAllTopicFields;
    TRIBUNAL_FIELDS(IncrementalAlterConfigsRequest, topic, config, altered)
};
struct IncrementalAlterConfigsResponse {
    ErrorCode error = ErrorCode::none;
    TRIBUNAL_FIELDS(IncrementalAlterConfigsResponse, error)
};

// KIP-584.
enum class UpgradeType : std::uint8_t { upgrade, safe_downgrade, unsafe_downgrade };
struct FeatureUpdate {
    Feature feature = Feature::metadata_version;
    std::int16_t level = 0;
    UpgradeType type = UpgradeType::upgrade;
    TRIBUNAL_FIELDS(FeatureUpdate, feature, level, type)
};
struct UpdateFeaturesRequest {
    std::vector<FeatureUpdate> updates;
    bool validate_only = false;
    TRIBUNAL_FIELDS(UpdateFeaturesRequest, updates, validate_only)
};
struct UpdateFeaturesResponse {
    ErrorCode error = ErrorCode::none;
    std::string message;  // what a quorum says that keeps its kraft.version; else empty
    TRIBUNAL_FIELDS(UpdateFeaturesResponse, error, message)
};

// DeleteRecords (KIP-107) of one partition, as a person asks for it. The request itself goes to the
// leader, by topic id, and stands in messages.h.
struct RecordDeletion {
    NamedPartition partition;
    Offset offset;  // the first to keep; -1: the high watermark
    TRIBUNAL_FIELDS(RecordDeletion, partition, offset)
};

struct UnregisterBrokerRequest {
    NodeId broker;
    TRIBUNAL_FIELDS(UnregisterBrokerRequest, broker)
};
struct UnregisterBrokerResponse {
    ErrorCode error = ErrorCode::none;
    TRIBUNAL_FIELDS(UnregisterBrokerResponse, error)
};

}  // namespace tribunal
