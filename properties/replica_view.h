// What the monitors see of one broker's replica, whatever world the broker lives in.
#pragma once

#include "broker/node/broker.h"
#include "properties/cluster_view.h"

namespace tribunal {

// Points into `broker`; an empty log when it has no replica.
inline ReplicaView replica_view(const Broker& broker, bool running, TopicPartition tp) {
    static const ReplicaLog kEmpty;
    ReplicaView replica;
    replica.node = broker.id;
    replica.running = running;
    replica.log = &kEmpty;
    const Partition* hosted = find_partition(broker, tp);
    if (hosted == nullptr) return replica;
    replica.log = &hosted->log;
    replica.leader_epoch = hosted->leader_epoch;
    replica.partition_epoch = hosted->partition_epoch;
    replica.high_watermark = hosted->high_watermark;
    if (const Leader* leader = hosted->leader()) {
        replica.is_leader = true;
        replica.isr_settled = !leader->pending.has_value();
        replica.isr = &leader->isr;
        replica.maximal_isr = &leader->maximal_isr;
    }
    return replica;
}

}  // namespace tribunal
