// Registration, heartbeats, fencing, controlled shutdown and unregistration of brokers (KIP-500,
// KIP-631, KIP-841, KIP-966).
#include "broker/base/check.h"
#include "broker/controller/partition_updates.h"

namespace tribunal {
namespace {

BrokerRegistrationChangeRecord registration_change(NodeId broker,
                                                   const BrokerRegistration& registration) {
    BrokerRegistrationChangeRecord record;
    record.broker = broker;
    record.broker_epoch = registration.epoch;
    return record;
}

// The broker is out of every ISR and leads nothing.
void leave_partitions(const ControllerView& c, NodeId broker,
                      std::vector<MetadataRecord>& records) {
    update_partitions(
        c, {.leaves = broker},
        [&](const PartitionImage& p) { return p.isr.contains(broker) || p.leader == broker; },
        records);
}

void fence(const ControllerView& c, NodeId broker, const BrokerRegistration& registration,
           std::vector<MetadataRecord>& records) {
    if (registration.fenced) return;
    leave_partitions(c, broker, records);
    BrokerRegistrationChangeRecord record = registration_change(broker, registration);
    record.fenced = true;
    records.emplace_back(record);
}

void unfence(const ControllerView& c, NodeId broker, const BrokerRegistration& registration,
             std::vector<MetadataRecord>& records) {
    BrokerRegistrationChangeRecord record = registration_change(broker, registration);
    record.fenced = false;
    records.emplace_back(record);
    update_partitions(
        c, {.joins = broker}, [](const PartitionImage& p) { return p.leader == kNoNode; }, records);
}

void enter_controlled_shutdown(const ControllerView& c, NodeId broker,
                               const BrokerRegistration& registration,
                               std::vector<MetadataRecord>& records) {
    const bool is_recorded = c.image.features.metadata_version >= metadata_version::kIbp33Iv3;
    if (is_recorded && !registration.in_controlled_shutdown) {
        BrokerRegistrationChangeRecord record = registration_change(broker, registration);
        record.in_controlled_shutdown = true;
        records.emplace_back(record);
    }
    leave_partitions(c, broker, records);
}

// Another life of the broker registers: what the last one was has ended, and perhaps with it what
// had been acknowledged and not synced.
void end_last_life(const ControllerView& c, NodeId broker, bool was_clean,
                   std::vector<MetadataRecord>& records) {
    if (was_clean || !is_elr_enabled(c)) {
        leave_partitions(c, broker, records);
        return;
    }
    update_partitions(
        c, {.unclean_shutdown = broker},
        [&](const PartitionImage& p) {
            return p.isr.contains(broker) || p.elr.contains(broker) || p.leader == broker;
        },
        records);
}

// Every finalized level must lie in the range that the broker's software supports (KIP-584).
bool supports_finalized_features(const ControllerView& c, const FeatureLevels& supported) {
    for (const Feature feature : all_features()) {
        const std::int16_t level = c.image.features.level(feature);
        if (level > supported.level(feature)) return false;
        if (feature == Feature::metadata_version && level < lowest_metadata_version(supported)) {
            return false;
        }
    }
    return true;
}

bool has_leaderships(const ControllerView& c, NodeId broker) {
    bool found = false;
    for_each_partition(c.image, [&](TopicPartition, const PartitionImage& p, const TopicImage&) {
        found = found || p.leader == broker;
    });
    return found;
}

enum class BrokerState : std::uint8_t { fenced, unfenced, controlled_shutdown, shutdown_now };

// BrokerHeartbeatManager.calculateNextBrokerState.
BrokerState next_state(const ControllerView& c, const BrokerHeartbeatRequest& request,
                       const BrokerRegistration& registration, bool is_caught_up) {
    if (registration.fenced) {
        if (request.want_shut_down) return BrokerState::shutdown_now;
        return !request.want_fence && is_caught_up ? BrokerState::unfenced : BrokerState::fenced;
    }
    if (const ShutdownProgress* shutdown = c.heartbeats.shutdowns.find(request.broker)) {
        if (has_leaderships(c, request.broker) || !shutdown->behind.empty()) {
            return BrokerState::controlled_shutdown;
        }
        return BrokerState::shutdown_now;
    }
    if (request.want_fence) {
        return request.want_shut_down ? BrokerState::shutdown_now : BrokerState::fenced;
    }
    if (!request.want_shut_down) return BrokerState::unfenced;
    return has_leaderships(c, request.broker) ? BrokerState::controlled_shutdown
                                              : BrokerState::shutdown_now;
}

}  // namespace

Decision<BrokerRegistrationResponse> decide(const ControllerView& c,
                                            const BrokerRegistrationRequest& request) {
    const auto refuse = [](ErrorCode error) {
        return Decision<BrokerRegistrationResponse>{{}, {error, BrokerEpoch{-1}}};
    };
    const BrokerRegistration* known = c.image.brokers.find(request.broker);
    const bool is_retry = known != nullptr && known->incarnation == request.incarnation;
    // The earlier life may still be running: a broker that comes back before its session expired
    // has to wait, unless it had announced its end.
    if (known != nullptr && !is_retry && c.heartbeats.sessions.contains(request.broker) &&
        !known->in_controlled_shutdown &&
        c.config.planted_bug != PlantedBug::registration_replaces_live_broker) {
        return refuse(ErrorCode::duplicate_broker_registration);
    }
    if (!supports_finalized_features(c, request.features)) {
        return refuse(ErrorCode::unsupported_version);
    }
    if (is_retry) return {{}, {ErrorCode::none, known->epoch}};

    Decision<BrokerRegistrationResponse> decision;
    const bool was_clean = known != nullptr && known->epoch == request.previous_broker_epoch;
    end_last_life(c, request.broker, was_clean, decision.records);
    // Deviation: Kafka's broker epoch is the offset of the first record of this decision, which is
    // another one when the last life left partitions; only that it grows matters.
    const BrokerEpoch epoch{c.next_offset.value +
                            static_cast<std::int64_t>(decision.records.size())};
    RegisterBrokerRecord record;
    record.broker = request.broker;
    record.broker_epoch = epoch;
    record.incarnation = request.incarnation;
    record.rack = request.rack;
    record.features = request.features;
    decision.records.emplace_back(std::move(record));
    decision.response = {ErrorCode::none, epoch};
    return decision;
}

Decision<BrokerHeartbeatResponse> decide(const ControllerView& c,
                                         const BrokerHeartbeatRequest& request) {
    Decision<BrokerHeartbeatResponse> decision;
    const BrokerRegistration* known = c.image.brokers.find(request.broker);
    if (known == nullptr || known->epoch != request.broker_epoch) {
        decision.response.error =
            known == nullptr ? ErrorCode::broker_id_not_registered : ErrorCode::stale_broker_epoch;
        return decision;
    }
    const bool is_caught_up = request.metadata_offset > Offset{known->epoch.value};
    const BrokerState next = next_state(c, request, *known, is_caught_up);
    const bool is_shutting_down = c.heartbeats.shutdowns.contains(request.broker);
    switch (next) {
        case BrokerState::fenced:
        case BrokerState::shutdown_now:
            fence(c, request.broker, *known, decision.records);
            break;
        case BrokerState::unfenced:
            if (known->fenced) unfence(c, request.broker, *known, decision.records);
            break;
        case BrokerState::controlled_shutdown:
            if (!is_shutting_down) {
                enter_controlled_shutdown(c, request.broker, *known, decision.records);
            }
            break;
    }
    decision.response.is_caught_up = is_caught_up;
    decision.response.is_fenced = next == BrokerState::fenced || next == BrokerState::shutdown_now;
    decision.response.should_shut_down = next == BrokerState::shutdown_now;
    return decision;
}

Decision<UnregisterBrokerResponse> decide(const ControllerView& c,
                                          const UnregisterBrokerRequest& request) {
    const BrokerRegistration* known = c.image.brokers.find(request.broker);
    if (known == nullptr) return {{}, {ErrorCode::broker_id_not_registered}};
    Decision<UnregisterBrokerResponse> decision;
    leave_partitions(c, request.broker, decision.records);
    decision.records.emplace_back(UnregisterBrokerRecord{request.broker, known->epoch});
    return decision;
}

std::vector<MetadataRecord> decide_fence(const ControllerView& c, NodeId broker) {
    std::vector<MetadataRecord> records;
    // Unregistered since: the session of nobody ends.
    const BrokerRegistration* known = c.image.brokers.find(broker);
    if (known != nullptr) fence(c, broker, *known, records);
    return records;
}

}  // namespace tribunal
