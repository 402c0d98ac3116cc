// Small worlds of the cluster's own nodes.
#include "model/worlds/small_world.h"

#include "model/worlds/small_world_steps.h"

namespace tribunal {

template class Shared<SmallHost>;
template class SmallWorldOf<Node>;

void SmallNode<Node>::remember(const Node& node, WriteOp& op, std::vector<Unsynced>& unsynced) {
    if (broker_of(node) == nullptr) return;
    // Truncations are durable at once (TruncateWrite).
    if (const auto* append = std::get_if<AppendWrite>(&op)) {
        unsynced.push_back(append->log_end_before);
    }
}

void SmallNode<Node>::sync(const WriteOp&, std::vector<Unsynced>& unsynced) { unsynced.clear(); }

void SmallNode<Node>::lose_writes(Node& node, std::span<Unsynced> lost) {
    Broker& broker = *broker_of(node);
    CHECK(broker.partitions.size() <= 1);  // a file of writes a partition would be wanted
    if (broker.partitions.empty()) return;
    ReplicaLog& log = broker.partitions.begin()->second.partition.edit().log;
    for (std::size_t i = lost.size(); i-- > 0;) {
        log.truncate_to(std::max(lost[i], log.segments.front()->base_offset));
    }
}

}  // namespace tribunal
