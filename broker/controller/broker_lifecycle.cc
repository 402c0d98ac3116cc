// Registration, heartbeats, fencing and unfencing of brokers (KIP-500, KIP-631).
#include "broker/base/check.h"
#include "broker/controller/decisions.h"

namespace tribunal {

Decision<BrokerRegistrationResponse> decide(const ControllerView& c,
                                            const BrokerRegistrationRequest& request) {
    const BrokerRegistration* known = c.image.brokers.find(request.broker);
    if (known != nullptr && known->incarnation == request.incarnation) {
        return {{}, {ErrorCode::none, known->epoch}};  // a retry
    }
    if (known != nullptr && c.heartbeats.sessions.contains(request.broker)) {
        // The earlier life may still be running: a broker that comes back before its session
        // expired has to wait (ClusterControlManager.registerBroker).
        return {{}, {ErrorCode::duplicate_broker_registration, BrokerEpoch{-1}}};
    }
    Decision<BrokerRegistrationResponse> decision;
    if (known != nullptr && !known->fenced) leave_partitions(c, request.broker, decision.records);
    const BrokerEpoch epoch{c.next_offset.value +
                            static_cast<std::int64_t>(decision.records.size())};
    decision.records.emplace_back(RegisterBrokerRecord{
        .broker = request.broker, .broker_epoch = epoch, .incarnation = request.incarnation});
    decision.response = {ErrorCode::none, epoch};
    return decision;
}

Decision<BrokerHeartbeatResponse> decide(const ControllerView& c,
                                         const BrokerHeartbeatRequest& request) {
    const BrokerRegistration* known = c.image.brokers.find(request.broker);
    if (known == nullptr) return {{}, {ErrorCode::broker_id_not_registered, false, true}};
    if (known->epoch != request.broker_epoch) {
        return {{}, {ErrorCode::stale_broker_epoch, false, true}};
    }
    Decision<BrokerHeartbeatResponse> decision;
    decision.response.is_caught_up = request.metadata_offset > Offset{known->epoch.value};
    decision.response.is_fenced = known->fenced;
    if (known->fenced && !request.want_fence && decision.response.is_caught_up) {
        decision.response.is_fenced = false;
        decision.records.emplace_back(BrokerRegistrationChangeRecord{
            .broker = request.broker, .broker_epoch = known->epoch, .fenced = false});
        lead_partitions(c, request.broker, decision.records);
    }
    return decision;
}

std::vector<MetadataRecord> decide_fence(const ControllerView& c, NodeId broker) {
    std::vector<MetadataRecord> records;
    const BrokerRegistration* known = c.image.brokers.find(broker);
    CHECK(known != nullptr);
    if (known->fenced) return records;
    leave_partitions(c, broker, records);
    records.emplace_back(BrokerRegistrationChangeRecord{
        .broker = broker, .broker_epoch = known->epoch, .fenced = true});
    return records;
}

}  // namespace tribunal
