// The properties that hold of every state of a partition: R2-R6 and R11. A violation is counted
// when it begins, for each replica (or pair) that it concerns, and again only after it had ended.
#include <algorithm>
#include <bit>
#include <limits>

#include <fmt/format.h>
#include "properties/replication_state.h"

namespace tribunal {

using Rule = ReplicationMonitor::Rule;

namespace {

template <class Visit>
void for_each_bit(std::uint32_t mask, Visit&& visit) {
    for (; mask != 0; mask &= mask - 1) visit(static_cast<std::size_t>(std::countr_zero(mask)));
}

// The epoch that a record had which a cleaner has removed.
LeaderEpoch epoch_at(const ReplicaView& r, Offset offset) {
    const LeaderEpoch epoch = r.log->epoch_cache.epoch_for_offset(offset);
    return epoch == kNoLeaderEpoch ? r.leader_epoch : epoch;
}

bool contains_all(const FlatSet<NodeId>& nodes, const FlatSet<NodeId>& of) {
    if (nodes == of) return true;  // nearly always
    return std::includes(nodes.begin(), nodes.end(), of.begin(), of.end());
}

}  // namespace

void ReplicationMonitor::Observation::check_levels() {
    // One pass finds whom to look at: nearly always nobody.
    const Offset end = p.committed.end();
    const std::uint32_t candidates = isr | (p.elr.empty() ? 0 : mask_of(p.elr));
    std::uint32_t out_of_bounds = 0;
    std::uint32_t weak = 0;
    std::uint32_t running = 0;
    std::uint64_t with_records = 0;
    bool all_agree = true;
    for (std::size_t i = 0; i < view.replicas.size(); ++i) {
        const ReplicaView& r = view.replicas[i];
        ReplicaShadow& s = p.replicas[i];
        const Offset log_start = r.log->log_start_offset;
        const Offset log_end = r.log->log_end_offset;
        if (r.running) {
            running |= 1u << i;
            if (log_start > r.high_watermark || r.high_watermark > log_end) {
                out_of_bounds |= 1u << i;
            }
            if (log_end < end) weak |= 1u << i;
        }
        with_records += r.high_watermark > log_start;
        // Replicas that have the committed log up to their high watermarks agree.
        all_agree &= r.high_watermark <= s.agreed_end;
    }
    weak &= candidates;
    monitor.tally(Rule::r11).checked += static_cast<std::uint64_t>(std::popcount(running));
    if ((running & candidates) != 0 && end > Offset{0}) ++monitor.tally(Rule::r2).checked;
    if (with_records > 1) ++monitor.tally(Rule::r3).checked;
    if (out_of_bounds != p.out_of_bounds) check_bounds(out_of_bounds);
    if (weak != p.weak_candidates) check_candidates(weak);
    if (p.any_lossy || p.unclean_candidates != 0) check_unclean_candidates(candidates);
    if (!all_agree || p.any_disagree) check_agreement();
    std::uint32_t incomplete_of_controller = 0;
    for (std::size_t i = 0; i < view.replicas.size(); ++i) {
        const ReplicaView& r = view.replicas[i];
        if (!r.running || !r.is_leader) {
            p.replicas[i].incomplete = 0;
            p.replicas[i].has_wrong_isr = false;
            continue;
        }
        check_isr_of_leader(i);
        check_completeness(i);
        incomplete_of_controller |= is_current_leader(i) ? 1u << i : 0u;
    }
    // Without a leader that knows of this ISR, R6 is violated by nobody.
    if (incomplete_of_controller == 0) p.incomplete = 0;
}

void ReplicationMonitor::Observation::check_bounds(std::uint32_t bad) {
    for_each_bit(bad & ~p.out_of_bounds, [&](std::size_t i) {
        const ReplicaView& r = view.replicas[i];
        found(Rule::r11, nullptr, r.high_watermark, r.node,
              fmt::format("{} has log start {}, high watermark {} and log end {}", shown(r.node),
                          r.log->log_start_offset.value, r.high_watermark.value,
                          r.log->log_end_offset.value));
    });
    p.out_of_bounds = bad;
}

void ReplicationMonitor::Observation::check_candidates(std::uint32_t bad) {
    const Offset end = p.committed.end();
    for_each_bit(bad & ~p.weak_candidates, [&](std::size_t i) {
        const ReplicaView& r = view.replicas[i];
        found_lossy(Rule::r2, i, p.pending ? &*p.pending : nullptr, r.log->log_end_offset,
                    fmt::format("{} may be elected with log end {}, but {} is committed",
                                shown(r.node), r.log->log_end_offset.value, end.value));
    });
    p.weak_candidates = bad;
}

void ReplicationMonitor::Observation::check_agreement() {
    p.any_disagree = false;
    for (std::size_t i = 0; i < view.replicas.size(); ++i) {
        const ReplicaView& a = view.replicas[i];
        const Offset a_bound = std::min(a.high_watermark, a.log->log_end_offset);
        std::uint32_t bad = 0;
        for (std::size_t j = i + 1; j < view.replicas.size(); ++j) {
            const ReplicaView& b = view.replicas[j];
            const Offset bound = std::min({a_bound, b.high_watermark, b.log->log_end_offset});
            Offset from = std::max(
                {a.log->log_start_offset, b.log->log_start_offset, p.committed.retained_from});
            if (bound <= from) continue;
            from = std::max(from, std::min(p.replicas[i].agreed_end, p.replicas[j].agreed_end));
            if (bound <= from) continue;
            const Disagreement at =
                first_disagreement(*a.log, *b.log, from, bound, p.committed.compacts);
            if (!at) continue;
            bad |= 1u << j;
            if ((p.replicas[i].disagrees >> j & 1) != 0) continue;
            const auto text = [](const RecordBatch* batch) {
                return batch != nullptr ? shown(identity_of(*batch)) : std::string{"nothing"};
            };
            const Offset offset =
                at.a != nullptr && (at.b == nullptr || at.a->base_offset < at.b->base_offset)
                    ? at.a->base_offset
                    : at.b->base_offset;
            // A cleaner may have removed one of them; its epoch is still remembered.
            const LeaderEpoch x = at.a != nullptr ? at.a->leader_epoch : epoch_at(a, offset);
            const LeaderEpoch y = at.b != nullptr ? at.b->leader_epoch : epoch_at(b, offset);
            // Either may have been committed long after it was written, so the newer side is the
            // newest that either replica knows.
            const LeaderEpoch newer = std::max({x, y, a.leader_epoch, b.leader_epoch});
            const Excuse* excuse = p.excuse_between(std::min(x, y), newer);
            std::string because = excuse != nullptr ? shown(*excuse) : compaction_excuse(i);
            if (because.empty()) because = compaction_excuse(j);
            record(Rule::r3, std::move(because), offset, a.node,
                   fmt::format("{} has {} where {} has {}, below both high watermarks ({} and {})",
                               shown(a.node), text(at.a), shown(b.node), text(at.b),
                               a.high_watermark.value, b.high_watermark.value));
        }
        p.replicas[i].disagrees = bad;
        p.any_disagree |= bad != 0;
    }
}

void ReplicationMonitor::Observation::check_isr_of_leader(std::size_t i) {
    const ReplicaView& r = view.replicas[i];
    ReplicaShadow& s = p.replicas[i];
    if (!is_current_leader(i) || r.isr == nullptr || r.maximal_isr == nullptr) {
        s.has_wrong_isr = false;
        return;
    }
    ++monitor.tally(Rule::r4).checked;
    const char* wrong = nullptr;
    if (!contains_all(*r.maximal_isr, *r.isr)) {
        wrong = "its committed ISR has a member that its maximal ISR lacks";
    } else if (r.isr_settled && r.maximal_isr->size() != r.isr->size()) {
        wrong = "its maximal ISR exceeds the committed one with no AlterPartition under way";
    } else if (r.partition_epoch == view.partition_epoch &&
               !contains_all(*r.maximal_isr, *view.isr)) {
        wrong = "the controller's ISR of the same partition epoch has a member that it lacks";
    }
    if (wrong != nullptr && !s.has_wrong_isr) {
        found(Rule::r4, nullptr, kNoOffset, r.node,
              fmt::format("{} leads epoch {} and {}", shown(r.node), r.leader_epoch.value, wrong));
    }
    s.has_wrong_isr = wrong != nullptr;
}

void ReplicationMonitor::Observation::check_completeness(std::size_t i) {
    const ReplicaView& r = view.replicas[i];
    const Offset bound = r.high_watermark;
    // R5 and R6 ask the same of two sets that nearly always are one.
    const std::uint32_t self = 1u << i;
    const std::uint32_t own = r.isr == nullptr ? 0 : mask_like_isr(*r.isr) & ~self;
    const bool knows = is_current_leader(i) && r.partition_epoch == view.partition_epoch;
    const std::uint32_t controllers = knows ? isr & ~self : 0;
    if (bound > r.log->log_start_offset) {
        if (own != 0) ++monitor.tally(Rule::r5).checked;
        if (controllers != 0) ++monitor.tally(Rule::r6).checked;
    }
    std::uint32_t bad = 0;
    const Offset agreed = p.replicas[i].agreed_end;
    for_each_bit(own | controllers, [&](std::size_t j) {
        const ReplicaView& member = view.replicas[j];
        const Offset same_until = std::min(agreed, p.replicas[j].agreed_end);
        if (bound <= same_until) return;
        const Offset from = std::max({same_until, r.log->log_start_offset,
                                      member.log->log_start_offset, p.committed.retained_from});
        const RecordBatch* missing =
            first_missing(*r.log, *member.log, from, bound, p.committed.compacts);
        if (missing == nullptr) return;
        bad |= 1u << j;
        const Excuse* excuse =
            p.excuse_between(r.leader_epoch, LeaderEpoch{std::numeric_limits<std::int32_t>::max()});
        const auto describe = [&](Rule rule, const char* whose) {
            found_lossy(rule, j, excuse, missing->base_offset,
                        fmt::format("{} is in {} ISR and has not batch {}, which is below the high "
                                    "watermark {} of {}, leader of epoch {}",
                                    shown(member.node), whose, shown(identity_of(*missing)),
                                    bound.value, shown(r.node), r.leader_epoch.value));
        };
        if ((own & ~p.replicas[i].incomplete) >> j & 1) describe(Rule::r5, "its leader's");
        if ((controllers & ~p.incomplete) >> j & 1) describe(Rule::r6, "the controller's");
    });
    p.replicas[i].incomplete = bad & own;
    if (is_current_leader(i)) p.incomplete = bad & controllers;
}

}  // namespace tribunal
