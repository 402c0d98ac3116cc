// What a leader may do with its high watermark and its ISR (R12, R13), and whom the controller may
// count on (R14, R15, R20).
#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "properties/replication_state.h"

namespace tribunal {

using Rule = ReplicationMonitor::Rule;

namespace {

const ReplicaProgress* progress_of(const ReplicaView& leader, NodeId node) {
    for (const ReplicaProgress& r : *leader.followers) {
        if (r.node == node) return &r;
    }
    return nullptr;
}

std::size_t effective_min_isr(std::int32_t configured, std::size_t replicas) {
    return std::min(static_cast<std::size_t>(std::max(configured, 0)), replicas);
}

// What a replica's own Kafka holds itself to: nodes differ while a cluster is upgraded.
const Rules& rules_of(const PartitionView& view, const ReplicaView& replica) {
    return replica.broker_config == nullptr ? view.rules : replica.broker_config->rules;
}

}  // namespace

// R12, of a leader whose high watermark moved in the epoch that it led before.
void ReplicationMonitor::Observation::check_high_watermark_step(std::size_t i) {
    const ReplicaView& r = view.replicas[i];
    if (r.followers == nullptr || r.isr == nullptr || r.maximal_isr == nullptr) return;
    ++monitor.tally(Rule::r12).checked;
    const Rules& rules = rules_of(view, r);
    const FlatSet<NodeId>& counted =
        rules.high_watermark_uses_maximal_isr ? *r.maximal_isr : *r.isr;
    for (const NodeId member : counted) {
        if (member == r.node) continue;
        const ReplicaProgress* progress = progress_of(r, member);
        if (progress != nullptr && progress->log_end >= r.high_watermark) continue;
        found(Rule::r12, nullptr, r.high_watermark, r.node,
              fmt::format("{}, leader of epoch {}, moved its high watermark to {} although {} has "
                          "only fetched up to {}",
                          shown(r.node), r.leader_epoch.value, r.high_watermark.value,
                          shown(member), progress == nullptr ? -1 : progress->log_end.value));
        return;
    }
    const std::size_t wanted = effective_min_isr(r.min_insync_replicas, r.followers->size() + 1);
    if (rules.high_watermark_requires_min_isr && r.isr->size() < wanted) {
        found(Rule::r12, nullptr, r.high_watermark, r.node,
              fmt::format("{}, leader of epoch {}, moved its high watermark to {} with {} replicas "
                          "in sync of {} wanted",
                          shown(r.node), r.leader_epoch.value, r.high_watermark.value,
                          r.isr->size(), wanted));
    }
}

// R13, of a leader that asks to add somebody whom it did not ask for when it was seen last.
void ReplicationMonitor::Observation::check_joins(std::size_t i) {
    const ReplicaView& r = view.replicas[i];
    ReplicaShadow& s = p.replicas[i];
    const std::uint32_t maximal = r.maximal_isr == nullptr ? 0 : mask_like_isr(*r.maximal_isr);
    // What the image brings, the controller has committed; it was asked for then.
    std::uint32_t joined = r.isr_settled ? 0 : maximal & ~s.maximal & ~isr;
    s.maximal = maximal;
    if (r.followers == nullptr) return;
    const Rules& rules = rules_of(view, r);
    for (; joined != 0; joined &= joined - 1) {
        const NodeId node = view.replicas[static_cast<std::size_t>(std::countr_zero(joined))].node;
        ++monitor.tally(Rule::r13).checked;
        const ReplicaProgress* progress = progress_of(r, node);
        const BrokerEpoch* alive = r.alive == nullptr ? nullptr : r.alive->find(node);
        std::string wrong;
        if (progress == nullptr || progress->log_end == kNoOffset) {
            wrong = "has not fetched in this epoch";
        } else if (progress->log_end < s.high_watermark) {
            wrong = fmt::format("has only fetched up to {}, below the high watermark {}",
                                progress->log_end.value, s.high_watermark.value);
        } else if (rules.isr_expand_requires_epoch_start &&
                   progress->log_end < r.epoch_start_offset) {
            wrong = fmt::format("has only fetched up to {}, below the epoch's start {}",
                                progress->log_end.value, r.epoch_start_offset.value);
        } else if (r.alive != nullptr && rules.isr_excludes_fenced_brokers && alive == nullptr) {
            wrong = "is fenced";
        } else if (alive != nullptr && rules.alter_partition_checks_broker_epoch &&
                   progress->broker_epoch != *alive) {
            wrong = fmt::format("has fetched in broker epoch {} and lives in {}",
                                progress->broker_epoch.value, alive->value);
        }
        if (wrong.empty()) continue;
        found(Rule::r13, nullptr, kNoOffset, r.node,
              fmt::format("{}, leader of epoch {}, asks to add {} to the ISR, which {}",
                          shown(r.node), r.leader_epoch.value, shown(node), wrong));
    }
}

// R15 and R20, of the controller's state; where it keeps no ELR there is none to be wrong.
void ReplicationMonitor::Observation::check_eligible() {
    if (view.elr == nullptr) {
        p.has_wrong_elr = false;
        p.is_unrecoverable = false;
        return;
    }
    ++monitor.tally(Rule::r15).checked;
    // A mask has the members that are replicas.
    const auto count = [](std::uint32_t mask) {
        return static_cast<std::size_t>(std::popcount(mask));
    };
    const FlatSet<NodeId>& elr = *view.elr;
    const std::uint32_t eligible = elr.empty() ? 0 : mask_of(elr);
    std::uint32_t fenced = 0;
    for (std::size_t i = 0; i < view.replicas.size(); ++i) {
        if (view.replicas[i].standing == Standing::fenced) fenced |= 1u << i;
    }
    const char* wrong = nullptr;
    if (count(isr) != view.isr->size()) {
        wrong = "a member of the ISR is no replica";
    } else if (count(eligible) != elr.size()) {
        wrong = "an eligible leader replica is no replica";
    } else if ((eligible & isr) != 0) {
        wrong = "an eligible leader replica is in the ISR";
    } else if (!elr.empty() && view.isr->size() >= effective_min_isr(view.min_insync_replicas,
                                                                     view.replicas.size())) {
        wrong = "there are eligible leader replicas beside an ISR of min.insync.replicas";
    } else if ((fenced & isr) != 0) {
        wrong = "a fenced broker is in the ISR";
    }
    if (wrong != nullptr && !p.has_wrong_elr) {
        found(Rule::r15, nullptr, kNoOffset, view.leader,
              fmt::format("in partition epoch {} {}", view.partition_epoch.value, wrong));
    }
    p.has_wrong_elr = wrong != nullptr;

    const bool nobody = view.isr->empty() && elr.empty();
    if (nobody) ++monitor.tally(Rule::r20).checked;
    const bool lost = nobody && (view.last_known_elr == nullptr || view.last_known_elr->empty());
    if (lost && !p.is_unrecoverable) {
        record(
            Rule::r20,
            p.min_isr_alters ? "Another min.insync.replicas makes the controller forget who was "
                               "eligible under the old one (KIP-966), and here nobody else is left."
                             : "",
            kNoOffset, kNoNode,
            fmt::format("in partition epoch {} nobody is in sync or eligible, and nobody is known "
                        "who was last",
                        view.partition_epoch.value));
    }
    p.is_unrecoverable = lost;
}

// R14: whoever lost data, and whose new life the controller has let in, is a candidate only once it
// has caught up.
void ReplicationMonitor::Observation::check_unclean_candidates(std::uint32_t candidates) {
    std::uint32_t bad = 0;
    for (std::size_t i = 0; i < view.replicas.size(); ++i) {
        const ReplicaView& r = view.replicas[i];
        const ReplicaShadow& s = p.replicas[i];
        if (!s.is_lossy || r.standing != Standing::active) continue;
        ++monitor.tally(Rule::r14).checked;
        if ((candidates >> i & 1) == 0 && view.leader != r.node) continue;
        bad |= 1u << i;
        if ((p.unclean_candidates >> i & 1) != 0) continue;
        std::string summary =
            fmt::format("{} lost data in a crash, is back and not caught up, and {}", shown(r.node),
                        view.leader == r.node ? "leads" : "may be elected");
        if (view.elr == nullptr && view.isr->size() == 1) {
            record(Rule::r14,
                   "Without eligible leader replicas (KIP-966) the last replica in sync stays so, "
                   "whatever it has lost.",
                   r.log->log_end_offset, r.node, std::move(summary));
        } else {
            record(Rule::r14, p.pending ? shown(*p.pending) : compaction_excuse(i),
                   r.log->log_end_offset, r.node, std::move(summary));
        }
    }
    p.unclean_candidates = bad;
}

}  // namespace tribunal
