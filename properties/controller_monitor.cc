#include "properties/controller_monitor.h"

#include <fmt/format.h>

#include "broker/controller/invariants.h"
#include "properties/tally.h"
#include "properties/wording.h"

namespace tribunal {
namespace {

constexpr const char* kCompareAndSet =
    "A leader changes the ISR that it knows: when the partition has changed meanwhile, it is "
    "refused "
    "and looks again (KIP-497).";
constexpr const char* kOneLife =
    "A broker's requests carry the epoch of its registration; another life registers when the last "
    "one is over, with a newer epoch, and what the last one still asks for is refused (KIP-631, "
    "KIP-966).";
constexpr const char* kLost =
    "Fewer controllers than a majority had the whole metadata log left; from then on nothing is "
    "promised.";

}  // namespace

void ControllerMonitor::violate(Rule& rule, const char* id, Instant at, std::string summary,
                                const char* because, NodeId node) {
    ++rule.found;
    if (rule.violations.size() >= Check::kMaxWitnessed) return;
    Violation v;
    v.property = id;
    v.at = at;
    v.summary = std::move(summary);
    v.allowed = is_lost_;
    v.because = is_lost_ ? kLost : because;
    v.explanation = {fmt::format("At {}: {}.", seconds_text(at), v.summary), v.because};
    v.witnesses = {{at, v.summary}};
    v.nodes = {node};
    rule.violations.push_back(std::move(v));
}

void ControllerMonitor::on_record(Instant now, const ClusterImage& before,
                                  const MetadataRecord& record) {
    const bool is_of_registrations =
        std::holds_alternative<RegisterBrokerRecord>(record) ||
        std::holds_alternative<BrokerRegistrationChangeRecord>(record) ||
        std::holds_alternative<UnregisterBrokerRecord>(record);
    if (!is_of_registrations) return;
    ++broker_epochs_.checked;
    MetadataFindings findings;
    check_registrations(before, record, findings);
    for (const MetadataFinding& finding : findings) {
        violate(broker_epochs_, "Q16", now,
                fmt::format("broker {}: {}", finding.broker.value, finding.what), kOneLife,
                finding.broker);
    }
}

void ControllerMonitor::on_asked(const Controller& c, const Deliver& d) {
    if (d.is_response || !c.active) return;
    Asked asked;
    const auto asks = [&](const auto& request) {
        asked.broker = request.broker;
        asked.broker_epoch = request.broker_epoch;
        // No request of these makes a registration: it is the one that the controller decided by.
        const BrokerRegistration* known = c.image.brokers.find(request.broker);
        asked.is_stale = known == nullptr || known->epoch != request.broker_epoch;
    };
    if (const auto* heartbeat = d.message.get_if<BrokerHeartbeatRequest>()) {
        asks(*heartbeat);
    } else if (const auto* block = d.message.get_if<AllocateProducerIdsRequest>()) {
        asks(*block);
    } else if (const auto* alter = d.message.get_if<AlterPartitionRequest>()) {
        asks(*alter);
        if (c.config.rules.alter_partition_checks_partition_epoch) {
            for (const AlterPartition& p : alter->partitions) {
                asked.partitions[p.partition] = p.partition_epoch;
            }
        }
    } else {
        return;
    }
    asked_[{c.id, d.connection, d.correlation}] = std::move(asked);
}

void ControllerMonitor::on_answer(Instant now, const Controller& c, const Send& send) {
    const auto at = asked_.find({c.id, send.connection, send.correlation});
    if (at == asked_.end()) return;
    const Asked asked = std::move(at->second);
    asked_.erase(at);
    const auto* alter = send.message.get_if<AlterPartitionResponse>();
    const auto* heartbeat = send.message.get_if<BrokerHeartbeatResponse>();
    const auto* block = send.message.get_if<AllocateProducerIdsResponse>();
    const ErrorCode error = alter != nullptr       ? alter->error
                            : heartbeat != nullptr ? heartbeat->error
                            : block != nullptr     ? block->error
                                                   : ErrorCode::unknown_server_error;
    ++broker_epochs_.checked;
    if (asked.is_stale && error == ErrorCode::none) {
        violate(broker_epochs_, "Q16", now,
                fmt::format("controller {} granted what broker {} asked for in broker epoch {}, "
                            "which is not the registered one",
                            c.id.value, asked.broker.value, asked.broker_epoch.value),
                kOneLife, c.id);
    }
    if (alter == nullptr || error != ErrorCode::none) return;
    for (const AlterPartitionResult& result : alter->partitions) {
        const bool is_granted =
            result.error == ErrorCode::none || result.error == ErrorCode::new_leader_elected;
        const auto meant = asked.partitions.find(result.partition);
        if (!is_granted || meant == asked.partitions.end()) continue;
        ++partition_epochs_.checked;
        // Nothing, when the partition is so already; else one change.
        const std::int32_t by = result.image.partition_epoch.value - meant->second.value;
        if (by == 0 || by == 1) continue;
        violate(partition_epochs_, "Q15", now,
                fmt::format("controller {} let broker {} change partition {} of topic {} in "
                            "partition epoch {}, after which it is {}",
                            c.id.value, asked.broker.value, result.partition.partition,
                            result.partition.topic.value, meant->second.value,
                            result.image.partition_epoch.value),
                kCompareAndSet, c.id);
    }
}

void ControllerMonitor::on_step(Instant now, const Controller& c, const Input& input,
                                const Outbox& out) {
    if (const auto* d = std::get_if<Deliver>(&input)) on_asked(c, *d);
    if (asked_.empty()) return;
    for (const Effect& effect : out.effects) {
        const auto* send = std::get_if<Send>(&effect);
        if (send != nullptr && send->is_response) on_answer(now, c, *send);
    }
}

void ControllerMonitor::on_crash(NodeId controller) {
    std::erase_if(asked_, [&](const auto& entry) { return entry.first.controller == controller; });
}

std::vector<Check> ControllerMonitor::finish() const {
    const auto check = [](std::string_view id, const Rule& rule, std::string_view vacuous) {
        Tally tally(id);
        tally.exercise(rule.checked);
        for (const Violation& v : rule.violations) tally.violate(v.allowed, [&] { return v; });
        return std::move(tally).finish(vacuous);
    };
    return {check("Q15", partition_epochs_, "no ISR was changed by AlterPartition"),
            check("Q16", broker_epochs_, "no broker registered")};
}

}  // namespace tribunal
