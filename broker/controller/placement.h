// Where replicas go: the controller's own placement, rack by rack, and whether one that somebody
// asks for is possible (Kafka: StripedReplicaPlacer, validateManualPartitionAssignment).
#pragma once

#include <string>
#include <vector>

#include "broker/controller/cluster_image.h"
#include "broker/protocol/errors.h"

namespace tribunal {

// A broker that replicas may be put on: registered and not shutting down.
struct UsableBroker {
    NodeId node;
    std::string rack;  // empty: none, which is a rack of its own
    bool fenced = false;
};

// The replicas of `partitions` partitions, one list each: leaders go round the racks, and the
// replicas of a partition lie on as many racks as there are. Unfenced brokers come before fenced
// ones, and first in the list always. Deviation: where it starts is `start` (Kafka draws it, and
// shuffles after as many partitions as brokers), so that equal clusters place equally.
//
// INVALID_REPLICATION_FACTOR when there are fewer brokers than replicas, or all are fenced.
Answer<std::vector<std::vector<NodeId>>> place_replicas(const std::vector<UsableBroker>& brokers,
                                                        std::int32_t partitions,
                                                        std::int16_t replication_factor,
                                                        std::int32_t start);

// INVALID_REPLICA_ASSIGNMENT when the list is empty, names a broker twice, or one that is not
// registered.
ErrorCode check_assignment(const ClusterImage& image, const std::vector<NodeId>& replicas);

}  // namespace tribunal
