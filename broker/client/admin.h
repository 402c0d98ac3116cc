// The admin client: creates, lists, describes and deletes topics at planned times, one step after
// another, each tried again until it has an answer that stands.
#pragma once

#include "broker/client/cluster_metadata.h"

namespace tribunal {

struct PlannedOperation {
    Duration at;
    ClientOpKind kind = ClientOpKind::list_topics;
    CreateTopicRequest topic;  // name only, except for create_topic
    TRIBUNAL_FIELDS(PlannedOperation, at, kind, topic)
};

struct Admin {
    NodeId id;
    std::uint32_t client = 0;
    std::vector<NodeId> bootstrap;
    std::vector<PlannedOperation> operations;
    std::uint32_t next = 0;
    std::int32_t in_flight = 0;  // correlation; 0: none
    std::int32_t attempts = 0;   // of the operation under way
    std::int32_t broker = 0;     // whom to ask, round robin
    Moment started;
    std::int32_t next_correlation = 1;
    TRIBUNAL_FIELDS(Admin, id, client, bootstrap, operations, next, in_flight, attempts, broker,
                    started, next_correlation)
};

void step(Admin& a, const Input& input, Outbox& out);

}  // namespace tribunal
