// Which replica a consumer had better read from (KIP-392): the leader chooses when the consumer
// fetches there, by the rack that it says it is in.
#include <tuple>

#include "broker/node/broker.h"

namespace tribunal {
namespace {

const std::string* rack_of(const Broker& b, NodeId node) {
    const BrokerRegistration* broker = b.image.brokers.find(node);
    return broker == nullptr ? nullptr : &broker->rack;
}

}  // namespace

NodeId closest_replica(const Broker& b, const Partition& p, Offset offset,
                       const std::string& rack) {
    const Leader* leader = p.leader();
    if (leader == nullptr || !b.config.rules.fetch_from_follower ||
        !b.config.replica_selector_rack_aware || rack.empty()) {
        return kNoNode;
    }
    const std::string* own = rack_of(b, b.id);
    if (own != nullptr && *own == rack) return kNoNode;
    // Of those in the rack the most caught up: by log end, then by who was caught up last, then by
    // id. A replica out of sync is no candidate, or its readers would stay behind for good.
    const ReplicaProgress* best = nullptr;
    const auto rank = [](const ReplicaProgress& r) {
        return std::tuple{r.log_end, -r.missed_checks, r.node};
    };
    for (const ReplicaProgress& r : leader->followers) {
        const std::string* theirs = rack_of(b, r.node);
        const bool is_candidate = theirs != nullptr && *theirs == rack &&
                                  b.image.alive.contains(r.node) && leader->isr.contains(r.node) &&
                                  r.log_end >= offset && r.log_start <= offset;
        if (is_candidate && (best == nullptr || rank(*best) < rank(r))) best = &r;
    }
    return best == nullptr ? kNoNode : best->node;
}

}  // namespace tribunal
