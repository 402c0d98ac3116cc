// Kafka's protocol errors, with Kafka's own numbers (org.apache.kafka.common.protocol.Errors).
#pragma once

#include <cstdint>
#include <string_view>

#include "broker/base/result.h"

namespace tribunal {

enum class ErrorCode : std::int16_t {
    unknown_server_error = -1,
    none = 0,
    offset_out_of_range = 1,
    corrupt_message = 2,
    unknown_topic_or_partition = 3,
    leader_not_available = 5,
    not_leader_or_follower = 6,
    request_timed_out = 7,
    broker_not_available = 8,
    replica_not_available = 9,
    message_too_large = 10,
    network_exception = 13,
    coordinator_load_in_progress = 14,
    coordinator_not_available = 15,
    not_coordinator = 16,
    invalid_topic_exception = 17,
    record_list_too_large = 18,
    not_enough_replicas = 19,
    not_enough_replicas_after_append = 20,
    invalid_required_acks = 21,
    illegal_generation = 22,
    unknown_member_id = 25,
    invalid_timestamp = 32,
    unsupported_version = 35,
    topic_already_exists = 36,
    invalid_partitions = 37,
    invalid_replication_factor = 38,
    invalid_replica_assignment = 39,
    invalid_config = 40,
    not_controller = 41,
    invalid_request = 42,
    policy_violation = 44,
    out_of_order_sequence_number = 45,
    duplicate_sequence_number = 46,
    invalid_producer_epoch = 47,
    invalid_txn_state = 48,
    transaction_coordinator_fenced = 52,
    kafka_storage_error = 56,
    unknown_producer_id = 59,
    reassignment_in_progress = 60,
    fetch_session_id_not_found = 70,
    invalid_fetch_session_epoch = 71,
    topic_deletion_disabled = 73,
    fenced_leader_epoch = 74,
    unknown_leader_epoch = 75,
    unsupported_compression_type = 76,
    stale_broker_epoch = 77,
    offset_not_available = 78,
    preferred_leader_not_available = 80,
    eligible_leaders_not_available = 83,
    election_not_needed = 84,
    no_reassignment_in_progress = 85,
    producer_fenced = 90,
    invalid_record = 87,
    invalid_update_version = 95,
    snapshot_not_found = 98,
    position_out_of_range = 99,
    broker_id_not_registered = 102,
    duplicate_broker_registration = 101,
    ineligible_replica = 107,
    new_leader_elected = 108,
    invalid_voter_key = 125,
    duplicate_voter = 126,
    voter_not_found = 127,
};

// Kafka's spelling: NOT_LEADER_OR_FOLLOWER.
std::string_view name_of(ErrorCode error);

// Whether a client may send the same request again and hope (RetriableException).
bool is_retriable(ErrorCode error);
// Whether the client's picture of the cluster is stale (InvalidMetadataException).
bool is_invalid_metadata(ErrorCode error);

template <class T>
using Answer = Result<T, ErrorCode>;

}  // namespace tribunal
