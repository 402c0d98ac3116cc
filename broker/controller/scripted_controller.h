// For tests: decisions one after another, each replayed at once and its image checked, without a
// log, a disk or messages.
#pragma once

#include <string>

#include "broker/controller/decisions.h"
#include "broker/controller/invariants.h"

namespace tribunal {

inline FlatSet<NodeId> nodes(std::initializer_list<int> ids) {
    FlatSet<NodeId> set;
    for (const int id : ids) set.insert(NodeId{id});
    return set;
}
inline std::vector<NodeId> node_list(std::initializer_list<int> ids) {
    std::vector<NodeId> list;
    for (const int id : ids) list.push_back(NodeId{id});
    return list;
}

struct ScriptedController {
    BrokerConfig config;
    ClusterImage image;
    Heartbeats heartbeats;
    std::vector<MetadataRecord> log;
    MetadataFindings findings;

    explicit ScriptedController(BrokerConfig settings = {}) : config(std::move(settings)) {
        commit(decide_activation(view()));
    }
    Offset end() const { return Offset{static_cast<std::int64_t>(log.size())}; }
    ControllerView view() const { return {image, config, heartbeats, end()}; }
    void commit(std::vector<MetadataRecord> records) {
        for (MetadataRecord& record : records) {
            replay_checked(image, record, config.rules, findings);
            log.push_back(std::move(record));
        }
    }
    template <class Request>
    auto ask(const Request& request) {
        auto decision = decide(view(), request);
        commit(std::move(decision.records));
        return decision.response;
    }

    BrokerRegistrationResponse register_broker(const BrokerRegistrationRequest& request) {
        const auto response = ask(request);
        if (response.error == ErrorCode::none) on_registered(heartbeats, request.broker);
        return response;
    }
    BrokerHeartbeatResponse heartbeat(const BrokerHeartbeatRequest& request) {
        const auto response = ask(request);
        if (response.error == ErrorCode::none) on_heartbeat(heartbeats, image, request, end());
        return response;
    }
    BrokerHeartbeatResponse heartbeat(int broker, bool want_fence = false,
                                      bool want_shut_down = false) {
        return heartbeat({NodeId{broker}, epoch(broker), end(), want_fence, want_shut_down});
    }
    // A new life: registered and unfenced. `clean`: the last one left its clean shutdown file.
    BrokerEpoch join(int broker, std::int64_t incarnation = 1, bool clean = true) {
        BrokerRegistrationRequest request;
        request.broker = NodeId{broker};
        request.incarnation = incarnation;
        request.features = config.supported_features;
        if (clean) request.previous_broker_epoch = epoch(broker);
        const auto response = register_broker(request);
        heartbeat(broker);
        return response.broker_epoch;
    }
    void expire(int broker) {
        end_session(heartbeats, NodeId{broker});
        commit(decide_fence(view(), NodeId{broker}));
    }
    BrokerEpoch epoch(int broker) const {
        const BrokerRegistration* known = image.brokers.find(NodeId{broker});
        return known == nullptr ? BrokerEpoch{-1} : known->epoch;
    }

    // Topic "t": one partition on these brokers.
    ErrorCode create(std::vector<NodeId> replicas, std::int32_t min_isr = 1, bool unclean = false,
                     const std::string& name = "t") {
        CreateTopicRequest request;
        request.name = name;
        request.assignment = {std::move(replicas)};
        request.config.min_insync_replicas = min_isr;
        request.config.unclean_leader_election_enable = unclean;
        return ask(request).error;
    }
    const PartitionImage& partition(const std::string& topic = "t", std::int32_t index = 0) const {
        return *image.partition({image.topic(topic)->id, index});
    }
    // The leader of t-0 wants this ISR.
    ErrorCode alter(std::initializer_list<int> isr) {
        const PartitionImage& p = partition();
        AlterPartition change;
        change.partition = {image.topic("t")->id, 0};
        change.leader_epoch = p.leader_epoch;
        change.partition_epoch = p.partition_epoch;
        for (const int id : isr) change.new_isr.push_back({NodeId{id}, epoch(id)});
        return alter(p.leader.value, std::move(change));
    }
    ErrorCode alter(int broker, AlterPartition change) {
        const auto response =
            ask(AlterPartitionRequest{NodeId{broker}, epoch(broker), {std::move(change)}});
        return response.error != ErrorCode::none ? response.error
                                                 : response.partitions.front().error;
    }
};

}  // namespace tribunal
