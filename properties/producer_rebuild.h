// S12: what a replica knows of the producers of a partition is what its log says of them.
#pragma once

#include <string>

#include "broker/log/replica_log.h"

namespace tribunal {

struct ProducerRebuild {
    // The log keeps only the last batch of each producer for certain; nothing is said of others.
    bool compacts = false;
    // A producer whose last batch is older than that may be forgotten.
    Timestamp expired_before{INT64_MIN};
};
// Computes the producers from the batches, by the definition and with no care for speed, and
// compares: of every producer that has a batch in the log the epoch, the last sequence and offset
// and the open transaction must be the same, and the remembered batches must be its newest ones.
// They may be fewer than five, because a snapshot keeps one; producers without a batch in the log
// any more may be remembered or not. Says in words what differs; empty: nothing does.
std::string producer_state_difference(const ReplicaLog& log, const ProducerRebuild& how = {});

}  // namespace tribunal
