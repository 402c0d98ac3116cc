#include "broker/controller/partition_change_builder.h"

#include <algorithm>

#include "broker/base/check.h"

namespace tribunal {
namespace {

using Nodes = FlatSet<NodeId>;

template <class List>
bool has(const List& list, NodeId node) {
    return std::find(list.begin(), list.end(), node) != list.end();
}
template <class List, class Others>
bool has_all(const List& list, const Others& others) {
    return std::all_of(others.begin(), others.end(), [&](NodeId n) { return has(list, n); });
}

struct Builder {
    const PartitionImage& partition;
    PartitionTarget target;
    const PartitionRules& rules;
    const AcceptableLeader& acceptable;
    Nodes elr;  // the target one
    PartitionChangeRecord record{};

    // Stage 3 of a reassignment (KIP-455): when all that shall stay are in sync, the others go.
    void complete_reassignment() {
        if (target.adding_replicas.empty() && target.removing_replicas.empty()) return;
        Nodes isr;
        for (const NodeId node : target.isr) {
            if (!target.removing_replicas.contains(node)) isr.insert(node);
        }
        std::vector<NodeId> replicas;
        for (const NodeId node : target.replicas) {
            if (!target.removing_replicas.contains(node)) replicas.push_back(node);
        }
        if (isr.empty() || replicas.empty() || !has_all(isr, replicas)) return;
        target.isr = std::move(isr);
        target.replicas = std::move(replicas);
        target.adding_replicas.clear();
        target.removing_replicas.clear();
    }

    // Who leaves the ISR while it is below min.insync.replicas has every committed record, for the
    // high watermark has not moved since (KIP-966).
    void find_elr() {
        if (!rules.eligible_leader_replicas) return;
        if (target.isr.size() >= static_cast<std::size_t>(rules.min_isr)) {
            if (rules.planted_bug == PlantedBug::elr_outlives_min_isr) return;
            elr.clear();
            return;
        }
        for (const NodeId node : partition.isr) elr.insert(node);
        for (const NodeId node : target.isr) elr.erase(node);
        if (rules.planted_bug != PlantedBug::elr_keeps_unclean_replica) {
            elr.erase(target.unclean_shutdown);
        }
        // Deviation: Kafka leaves replicas that a reassignment has just removed in the ELR.
        Nodes assigned;
        for (const NodeId node : elr) {
            if (has(target.replicas, node)) assigned.insert(node);
        }
        elr = std::move(assigned);
    }

    bool may_lead(NodeId node) const {
        const bool complete =
            target.isr.contains(node) || (target.isr.empty() && elr.contains(node));
        return complete && acceptable(node);
    }

    // The balanced unclean recovery of KIP-966 as far as Kafka has it: the last leader knows most.
    // Deviation: Kafka's first releases with it elect it dead or alive (KAFKA-19522), and whether
    // it is still assigned or not.
    bool may_elect_last_known_leader() const {
        return rules.eligible_leader_replicas && elr.empty() && target.isr.empty() &&
               partition.last_known_elr.size() == 1 &&
               has(target.replicas, *partition.last_known_elr.begin()) &&
               acceptable(*partition.last_known_elr.begin());
    }

    struct Elected {
        NodeId node = kNoNode;
        bool unclean = false;
    };
    Elected elect() const {
        const auto first = [&](auto&& passes) {
            const auto it = std::find_if(target.replicas.begin(), target.replicas.end(), passes);
            return it == target.replicas.end() ? kNoNode : *it;
        };
        const auto complete = [&](NodeId node) { return may_lead(node); };
        if (target.election == Election::preferred && may_lead(target.replicas.front())) {
            return {target.replicas.front()};
        }
        // A leader that may go on does.
        if (partition.leader != kNoNode && may_lead(partition.leader)) return {partition.leader};
        if (const NodeId node = first(complete); node != kNoNode) return {node};
        if (may_elect_last_known_leader()) return {*partition.last_known_elr.begin(), true};
        if (target.election == Election::unclean) {
            if (const NodeId node = first(acceptable); node != kNoNode) return {node, true};
        }
        return {};
    }

    void change_leader() {
        const Elected elected = elect();
        if (elected.node == partition.leader) return;
        record.leader = elected.node;
        if (elr.contains(elected.node)) {
            target.isr = {elected.node};
            elr.erase(elected.node);
        } else if (elected.unclean) {
            // The ISR is what the new leader has. This can lose records.
            record.isr = Nodes{elected.node};
            if (rules.leader_recovery_state) {
                target.leader_recovery_state = LeaderRecoveryState::recovering;
            }
        }
    }

    // A replica that is no longer assigned must hear of it: the epoch fences it.
    void bump_for_reassignment() {
        if (record.leader || has_all(target.replicas, partition.replicas)) return;
        record.leader = partition.leader;
    }

    void change_elr() {
        if (record.isr || !rules.eligible_leader_replicas) elr.clear();  // an unclean election
        if (elr != partition.elr) record.elr = elr;
    }

    void change_isr() {
        if (record.isr || target.isr == partition.isr) return;
        // Without eligible leader replicas the last member stays: nobody else has everything.
        if (target.isr.empty() && !rules.eligible_leader_replicas) return;
        record.isr = target.isr;
    }

    void bump_for_isr_shrink() {
        if (!rules.isr_shrink_bumps_leader_epoch || record.leader || !record.isr) return;
        if (!has_all(*record.isr, partition.isr)) record.leader = partition.leader;
    }

    void change_last_known_leader() {
        if (!rules.eligible_leader_replicas) return;
        if (rules.planted_bug == PlantedBug::last_known_leader_forgotten) return;
        const Nodes& known = partition.last_known_elr;
        if (record.isr && record.isr->empty()) {
            // Deviation: of a partition that had a last member and no leader (KIP-966 was switched
            // on meanwhile) Kafka writes down that nobody led last, and never elects that member
            // again.
            const NodeId last =
                partition.leader != kNoNode ? partition.leader : *partition.isr.begin();
            if (known != Nodes{last}) record.last_known_elr = Nodes{last};
            return;
        }
        const NodeId leader = record.leader.value_or(partition.leader);
        if (leader != kNoNode && !known.empty()) record.last_known_elr = Nodes{};
    }

    void change_assignment() {
        if (target.replicas != partition.replicas) record.replicas = target.replicas;
        if (target.adding_replicas != partition.adding_replicas) {
            record.adding_replicas = target.adding_replicas;
        }
        if (target.removing_replicas != partition.removing_replicas) {
            record.removing_replicas = target.removing_replicas;
        }
    }

    bool changes_nothing() const {
        return !record.isr && !record.leader && !record.leader_recovery_state && !record.elr &&
               !record.last_known_elr && !record.replicas && !record.adding_replicas &&
               !record.removing_replicas;
    }
};

}  // namespace

PartitionTarget::PartitionTarget(const PartitionImage& partition)
    : isr(partition.isr),
      replicas(partition.replicas),
      adding_replicas(partition.adding_replicas),
      removing_replicas(partition.removing_replicas),
      leader_recovery_state(partition.leader_recovery_state) {}

std::int32_t effective_min_isr(const TopicImage& topic) {
    if (topic.partitions.empty()) return topic.config.min_insync_replicas;
    return std::min(topic.config.min_insync_replicas,
                    static_cast<std::int32_t>(topic.partitions.front().replicas.size()));
}

bool is_elr_enabled(const ControllerView& c) {
    return c.config.rules.eligible_leader_replicas &&
           c.image.features.eligible_leader_replicas_version >= 1 &&
           c.image.features.metadata_version >= metadata_version::kIbp40Iv1;
}

bool may_elect_unclean(const ControllerView& c, const TopicImage& topic) {
    return c.config.rules.unclean_election_by_config && topic.config.unclean_leader_election_enable;
}

void clear_elr(const TopicImage& topic, std::vector<MetadataRecord>& records) {
    for (std::size_t i = 0; i < topic.partitions.size(); ++i) {
        const PartitionImage& p = topic.partitions[i];
        if (p.elr.empty() && p.last_known_elr.empty()) continue;
        PartitionChangeRecord record;
        record.partition = {topic.id, static_cast<std::int32_t>(i)};
        record.elr = FlatSet<NodeId>{};
        record.last_known_elr = FlatSet<NodeId>{};
        records.emplace_back(std::move(record));
    }
}

PartitionRules partition_rules(const ControllerView& c, const TopicImage& topic) {
    const std::int16_t version = c.image.features.metadata_version;
    PartitionRules rules;
    rules.eligible_leader_replicas = is_elr_enabled(c);
    rules.leader_recovery_state = version >= metadata_version::kIbp32Iv0;
    rules.isr_shrink_bumps_leader_epoch =
        version >= metadata_version::kIbp30Iv1 && version < metadata_version::kIbp36Iv0;
    rules.min_isr = effective_min_isr(topic);
    rules.planted_bug = c.config.planted_bug;
    return rules;
}

std::optional<PartitionChangeRecord> build_change(TopicPartition tp,
                                                  const PartitionImage& partition,
                                                  PartitionTarget target,
                                                  const PartitionRules& rules,
                                                  const AcceptableLeader& acceptable) {
    CHECK(!target.replicas.empty());
    Builder builder{partition, std::move(target), rules, acceptable, partition.elr};
    builder.record.partition = tp;
    builder.complete_reassignment();
    builder.find_elr();
    builder.change_leader();
    builder.bump_for_reassignment();
    builder.change_elr();
    builder.change_isr();
    builder.bump_for_isr_shrink();
    builder.change_last_known_leader();
    builder.change_assignment();
    if (builder.target.leader_recovery_state != partition.leader_recovery_state) {
        builder.record.leader_recovery_state = builder.target.leader_recovery_state;
    }
    if (builder.changes_nothing()) return std::nullopt;
    return std::move(builder.record);
}

}  // namespace tribunal
