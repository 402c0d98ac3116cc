// The admin client: operations at planned times, one after another, each tried again until it has
// an answer that stands. What only the controller can decide goes to any broker, which forwards it
// (KIP-590); DeleteRecords goes to the partition's leader.
#pragma once

#include <variant>

#include "broker/client/cluster_metadata.h"

namespace tribunal {

using AdminRequest =
    std::variant<MetadataRequest, CreateTopicRequest, DeleteTopicRequest, CreatePartitionsRequest,
                 AlterPartitionReassignmentsRequest, ListPartitionReassignmentsRequest,
                 ElectLeadersRequest, IncrementalAlterConfigsRequest, UpdateFeaturesRequest,
                 UnregisterBrokerRequest, RecordDeletion, AddRaftVoterRequest,
                 RemoveRaftVoterRequest>;

struct PlannedOperation {
    Duration at;
    ClientOpKind kind = ClientOpKind::list_topics;
    AdminRequest request;
    // Not before so many brokers are alive (as people wait for a cluster to form), or ten seconds
    // have passed.
    std::int32_t brokers = 0;
    TRIBUNAL_FIELDS(PlannedOperation, at, kind, request, brokers)
};

struct Admin {
    NodeId id;
    std::uint32_t client = 0;
    std::vector<NodeId> bootstrap;
    std::vector<PlannedOperation> operations;
    std::uint32_t next = 0;
    std::int32_t in_flight = 0;  // correlation; 0: none
    NodeId asked = kNoNode;      // whom
    bool is_looking_up = false;  // asked for metadata, before the operation itself
    std::int32_t attempts = 0;   // of the operation under way
    std::int32_t refusals = 0;   // of them, answered: what came before cannot have happened
    std::int32_t broker = 0;     // whom to ask, round robin
    Moment started;
    std::int32_t next_correlation = 1;
    TRIBUNAL_FIELDS(Admin, id, client, bootstrap, operations, next, in_flight, asked, is_looking_up,
                    attempts, refusals, broker, started, next_correlation)
};

void step(Admin& a, const Input& input, Outbox& out);

}  // namespace tribunal
