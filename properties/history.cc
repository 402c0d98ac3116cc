// What an error means for a write: it happened, it did not, or nobody knows.
//
// Unknown is the cautious answer and so the default: an operation taken for failed although it
// happened would hide a bug or accuse the wrong one.
#include "properties/history.h"

namespace tribunal {

std::string_view name_of(Outcome outcome) {
    switch (outcome) {
        case Outcome::pending:
            return "pending";
        case Outcome::ok:
            return "ok";
        case Outcome::fail:
            return "fail";
        case Outcome::info:
            return "info";
    }
    return "pending";
}

std::string_view name_of(ClientOpKind kind) {
    switch (kind) {
        case ClientOpKind::assign:
            return "assign";
        case ClientOpKind::seek:
            return "seek";
        case ClientOpKind::commit:
            return "commit";
        case ClientOpKind::fetch_committed:
            return "fetch_committed";
        case ClientOpKind::list_offsets_latest:
            return "list_offsets_latest";
        case ClientOpKind::list_offsets_earliest:
            return "list_offsets_earliest";
        case ClientOpKind::reset:
            return "reset";
        case ClientOpKind::truncation:
            return "truncation";
        case ClientOpKind::create_topic:
            return "create_topic";
        case ClientOpKind::delete_topic:
            return "delete_topic";
        case ClientOpKind::list_topics:
            return "list_topics";
        case ClientOpKind::describe_topic:
            return "describe_topic";
        case ClientOpKind::create_partitions:
            return "create_partitions";
        case ClientOpKind::alter_partition_reassignments:
            return "alter_partition_reassignments";
        case ClientOpKind::list_partition_reassignments:
            return "list_partition_reassignments";
        case ClientOpKind::elect_leaders:
            return "elect_leaders";
        case ClientOpKind::alter_configs:
            return "alter_configs";
        case ClientOpKind::update_features:
            return "update_features";
        case ClientOpKind::unregister_broker:
            return "unregister_broker";
        case ClientOpKind::delete_records:
            return "delete_records";
        case ClientOpKind::add_raft_voter:
            return "add_raft_voter";
        case ClientOpKind::remove_raft_voter:
            return "remove_raft_voter";
    }
    return "assign";
}

Outcome outcome_of(ErrorCode error) {
    switch (error) {
        case ErrorCode::none:
        // The broker has the batch already: acknowledged, without an offset.
        case ErrorCode::duplicate_sequence_number:
            return Outcome::ok;

        // Refused before anything was written, by the attempt that was answered so (what an earlier
        // one did the client does not vouch for, SendCompleted::unknown): the request is wrong,
        case ErrorCode::message_too_large:
        case ErrorCode::record_list_too_large:
        case ErrorCode::invalid_timestamp:
        case ErrorCode::unsupported_compression_type:
        case ErrorCode::policy_violation:
        case ErrorCode::corrupt_message:
        case ErrorCode::invalid_record:
        case ErrorCode::invalid_request:
        case ErrorCode::invalid_topic_exception:
        case ErrorCode::invalid_required_acks:
        case ErrorCode::invalid_partitions:
        case ErrorCode::invalid_replication_factor:
        case ErrorCode::invalid_replica_assignment:
        case ErrorCode::topic_already_exists:
        case ErrorCode::unknown_topic_or_partition:
        case ErrorCode::invalid_config:
        case ErrorCode::offset_out_of_range:
        case ErrorCode::unsupported_version:
        // or asks for what is so already, or cannot be,
        case ErrorCode::election_not_needed:
        case ErrorCode::preferred_leader_not_available:
        case ErrorCode::eligible_leaders_not_available:
        case ErrorCode::no_reassignment_in_progress:
        case ErrorCode::duplicate_voter:
        case ErrorCode::voter_not_found:
        // or comes from somebody who is fenced or behind,
        case ErrorCode::out_of_order_sequence_number:
        case ErrorCode::unknown_producer_id:
        case ErrorCode::invalid_producer_epoch:
        case ErrorCode::producer_fenced:
        case ErrorCode::invalid_txn_state:
        case ErrorCode::illegal_generation:
        case ErrorCode::unknown_member_id:
        case ErrorCode::stale_broker_epoch:
        case ErrorCode::invalid_update_version:
        case ErrorCode::ineligible_replica:
        case ErrorCode::broker_id_not_registered:
        case ErrorCode::duplicate_broker_registration:
        // or went to somebody who cannot take it.
        case ErrorCode::broker_not_available:
        case ErrorCode::not_controller:
        case ErrorCode::coordinator_load_in_progress:
        case ErrorCode::not_enough_replicas:
            return Outcome::fail;

        // Among the rest: REQUEST_TIMED_OUT and NETWORK_EXCEPTION (the answer is missing, not the
        // write), NOT_ENOUGH_REPLICAS_AFTER_APPEND (written, says its name), and
        // NOT_LEADER_OR_FOLLOWER (KAFKA-13574: it also ends the wait for acks=all of a request that
        // was appended). NOT_COORDINATOR and COORDINATOR_NOT_AVAILABLE translate these for groups.
        default:
            return Outcome::info;
    }
}

}  // namespace tribunal
