#include "broker/controller/invariants.h"

#include <algorithm>

#include "broker/base/check.h"

namespace tribunal {
namespace {

template <class Nodes>
bool all_assigned(const PartitionImage& p, const Nodes& nodes) {
    return std::all_of(nodes.begin(), nodes.end(), [&](NodeId n) {
        return std::find(p.replicas.begin(), p.replicas.end(), n) != p.replicas.end();
    });
}

bool has_duplicates(const PartitionImage& p) {
    FlatSet<NodeId> seen;
    return !std::all_of(p.replicas.begin(), p.replicas.end(),
                        [&](NodeId n) { return seen.insert(n); });
}

void check_eligible(const ClusterImage& image, TopicPartition tp, const PartitionImage& p,
                    MetadataFindings& findings) {
    const auto wrong = [&](std::string_view what) {
        findings.push_back({"R15", tp, kNoNode, what});
    };
    if (!all_assigned(p, p.isr)) wrong("a member of the ISR is not assigned");
    if (!all_assigned(p, p.elr)) wrong("a member of the ELR is not assigned");
    if (std::any_of(p.elr.begin(), p.elr.end(), [&](NodeId n) { return p.isr.contains(n); })) {
        wrong("ISR and ELR overlap");
    }
    // Not the effective one, which another partition of the topic lowers by being reassigned to
    // fewer replicas. Where KIP-966 is off, what it left is not looked at by anybody.
    const auto min_isr = image.topic(tp.topic)->config.min_insync_replicas;
    const bool enough = p.isr.size() >= static_cast<std::size_t>(min_isr);
    if (enough && !p.elr.empty() && image.features.eligible_leader_replicas_version > 0) {
        wrong("an ELR beside an ISR of min.insync.replicas");
    }
}

}  // namespace

void check_partition(const ClusterImage& image, TopicPartition tp, const Rules& rules,
                     MetadataFindings& findings) {
    const PartitionImage* p = image.partition(tp);
    if (p == nullptr || p->replicas.empty()) return;
    if (p->leader != kNoNode && !p->isr.contains(p->leader)) {
        findings.push_back({"R7", tp, p->leader, "the leader is not in the ISR"});
    }
    if (p->leader != kNoNode && !image.alive.contains(p->leader)) {
        findings.push_back({"R7", tp, p->leader, "the leader is fenced"});
    }
    check_eligible(image, tp, *p, findings);
    if (has_duplicates(*p)) findings.push_back({"R15", tp, kNoNode, "a replica stands twice"});
    if (!all_assigned(*p, p->adding_replicas) || !all_assigned(*p, p->removing_replicas)) {
        findings.push_back({"R15", tp, kNoNode, "a reassigned replica is not assigned"});
    }
    // Without eligible leader replicas the last member stays, dead and leading nothing.
    const bool is_last = p->isr.size() == 1 && p->leader == kNoNode;
    if (is_last || !rules.isr_excludes_fenced_brokers) return;
    for (const NodeId node : p->isr) {
        if (image.alive.contains(node)) continue;
        findings.push_back({"R15", tp, node, "a fenced broker is in the ISR"});
    }
}

void check_image(const ClusterImage& image, const Rules& rules, MetadataFindings& findings) {
    for (const auto& [id, topic] : image.topics) {
        for (std::size_t i = 0; i < topic->partitions.size(); ++i) {
            check_partition(image, {id, static_cast<std::int32_t>(i)}, rules, findings);
        }
    }
}

void check_change(const PartitionImage& before, const PartitionChangeRecord& change,
                  const PartitionImage& after, MetadataFindings& findings) {
    const TopicPartition tp = change.partition;
    const std::int32_t by = after.leader_epoch.value - before.leader_epoch.value;
    if (by < 0 || by > 1) {
        findings.push_back({"R9", tp, after.leader, "a leader epoch that is not the next"});
    }
    if (after.leader != before.leader && by != 1) {
        findings.push_back({"R9", tp, after.leader, "another leader in the same epoch"});
    }
    if (after.partition_epoch.value != before.partition_epoch.value + 1) {
        findings.push_back({"Q15", tp, kNoNode, "a partition epoch that is not the next"});
    }
    const auto nobody = [](const PartitionImage& p) {
        return p.isr.empty() && p.elr.empty() && p.last_known_elr.empty();
    };
    // When min.insync.replicas changes, ELR and last leader are cleared at once (Kafka:
    // ClearElrRecord): such a partition waits for an unclean election.
    const bool is_cleared = change.elr && change.last_known_elr && !change.isr && !change.leader;
    if (nobody(after) && !nobody(before) && !is_cleared) {
        findings.push_back({"R20", tp, kNoNode, "nobody is known who could lead again"});
    }
}

void check_registrations(const ClusterImage& before, const MetadataRecord& record,
                         MetadataFindings& findings) {
    const auto wrong = [&](NodeId broker, std::string_view what) {
        findings.push_back({"Q16", {TopicId{-1}, -1}, broker, what});
    };
    const auto check_epoch = [&](NodeId broker, BrokerEpoch epoch) {
        const BrokerRegistration* known = before.brokers.find(broker);
        if (known == nullptr || known->epoch != epoch) wrong(broker, "a record of another life");
    };
    if (const auto* change = std::get_if<BrokerRegistrationChangeRecord>(&record)) {
        check_epoch(change->broker, change->broker_epoch);
    }
    if (const auto* gone = std::get_if<UnregisterBrokerRecord>(&record)) {
        check_epoch(gone->broker, gone->broker_epoch);
    }
    const auto* registered = std::get_if<RegisterBrokerRecord>(&record);
    if (registered == nullptr) return;
    const BrokerRegistration* known = before.brokers.find(registered->broker);
    if (known != nullptr && known->incarnation == registered->incarnation) return;
    for (const auto& [node, registration] : before.brokers) {
        if (registration.epoch >= registered->broker_epoch) {
            wrong(registered->broker, "a broker epoch that is not the newest");
        }
    }
    if (known != nullptr && !known->fenced && !known->in_controlled_shutdown) {
        wrong(registered->broker, "another life registers before the last one is fenced");
    }
}

void replay_checked(ClusterImage& image, const MetadataRecord& record, const Rules& rules,
                    MetadataFindings& findings) {
    check_registrations(image, record, findings);
    const auto* change = std::get_if<PartitionChangeRecord>(&record);
    if (change == nullptr) {
        CHECK(replay(image, record) == nullptr);
        if (const auto tp = changed_partition(record)) {
            check_partition(image, *tp, rules, findings);
        } else {
            check_image(image, rules, findings);
        }
        return;
    }
    const PartitionImage before = *image.partition(change->partition);
    CHECK(replay(image, record) == nullptr);
    check_change(before, *change, *image.partition(change->partition), findings);
    check_partition(image, change->partition, rules, findings);
}

}  // namespace tribunal
