#include "broker/controller/placement.h"

#include <algorithm>
#include <map>

#include "broker/base/check.h"

namespace tribunal {
namespace {

// Brokers that are taken one after another; each round (one partition) begins one further.
struct BrokerRing {
    std::vector<NodeId> brokers;
    std::size_t offset = 0;
    std::size_t taken = 0;
    std::int32_t round = 0;

    NodeId next(std::int32_t now) {
        if (brokers.empty()) return kNoNode;
        if (round != now) {
            round = now;
            taken = 0;
            offset = (offset + 1) % brokers.size();
        }
        if (taken == brokers.size()) return kNoNode;
        return brokers[(offset + taken++) % brokers.size()];
    }
};

struct Rack {
    BrokerRing unfenced;
    BrokerRing fenced;

    NodeId next(std::int32_t now) {
        const NodeId node = unfenced.next(now);
        return node != kNoNode ? node : fenced.next(now);
    }
};

std::vector<NodeId> place_partition(std::vector<Rack>& racks, std::int32_t partition,
                                    std::size_t start, std::int16_t replication_factor) {
    std::vector<NodeId> replicas;
    // The leader comes from the first rack, from `start` on, that has an unfenced broker left.
    std::size_t leaders_rack = start;
    for (;; leaders_rack = (leaders_rack + 1) % racks.size()) {
        const NodeId node = racks[leaders_rack].unfenced.next(partition);
        if (node == kNoNode) continue;
        replicas.push_back(node);
        break;
    }
    // The others follow rack by rack from `start` on; in the first round the leader's is left out.
    bool leaders_rack_had_its_turn = false;
    std::size_t r = start;
    while (replicas.size() < static_cast<std::size_t>(replication_factor)) {
        if (r == leaders_rack && !leaders_rack_had_its_turn) {
            leaders_rack_had_its_turn = true;
        } else if (const NodeId node = racks[r].next(partition); node != kNoNode) {
            replicas.push_back(node);
        }
        r = (r + 1) % racks.size();
    }
    return replicas;
}

}  // namespace

Answer<std::vector<std::vector<NodeId>>> place_replicas(const std::vector<UsableBroker>& brokers,
                                                        std::int32_t partitions,
                                                        std::int16_t replication_factor,
                                                        std::int32_t start) {
    CHECK(start >= 0);
    if (replication_factor < 1 || static_cast<std::size_t>(replication_factor) > brokers.size() ||
        std::all_of(brokers.begin(), brokers.end(), [](const auto& b) { return b.fenced; })) {
        return ErrorCode::invalid_replication_factor;
    }
    std::map<std::string, Rack> by_name;
    for (const UsableBroker& broker : brokers) {
        Rack& rack = by_name[broker.rack];
        (broker.fenced ? rack.fenced : rack.unfenced).brokers.push_back(broker.node);
    }
    std::vector<Rack> racks;
    for (auto& [name, rack] : by_name) {
        for (BrokerRing* ring : {&rack.unfenced, &rack.fenced}) {
            if (ring->brokers.empty()) continue;
            std::sort(ring->brokers.begin(), ring->brokers.end());
            ring->offset = static_cast<std::size_t>(start) % ring->brokers.size();
        }
        racks.push_back(std::move(rack));
    }
    std::vector<std::vector<NodeId>> placed;
    for (std::int32_t i = 0; i < partitions; ++i) {
        const std::size_t first = (static_cast<std::size_t>(start) + static_cast<std::size_t>(i));
        placed.push_back(place_partition(racks, i, first % racks.size(), replication_factor));
    }
    return placed;
}

ErrorCode check_assignment(const ClusterImage& image, const std::vector<NodeId>& replicas) {
    if (replicas.empty()) return ErrorCode::invalid_replica_assignment;
    FlatSet<NodeId> seen;
    for (const NodeId node : replicas) {
        if (!seen.insert(node) || !image.brokers.contains(node)) {
            return ErrorCode::invalid_replica_assignment;
        }
    }
    return ErrorCode::none;
}

}  // namespace tribunal
