// One observation, in the order that matters, and what a step of the controller or of one replica
// may do: R7-R10 and R17. What is committed and lost is in replication_commit.cc, what holds of a
// state and not of a step in replication_levels.cc.

#include <algorithm>
#include <limits>

#include <fmt/format.h>
#include "properties/replication_state.h"

namespace tribunal {

using Rule = ReplicationMonitor::Rule;

const Excuse* ReplicationMonitor::PartitionState::excuse_between(LeaderEpoch after,
                                                                 LeaderEpoch upto) const {
    for (const Excuse& excuse : excuses) {
        if (excuse.epoch > after && excuse.epoch <= upto) return &excuse;
    }
    return nullptr;
}

void ReplicationMonitor::Observation::run() {
    for (std::size_t i = 0; !p.committed.compacts && i < view.replicas.size(); ++i) {
        const ReplicaView& r = view.replicas[i];
        p.committed.compacts = r.config != nullptr && r.config->cleanup_compact;
    }
    align_replicas();
    observe_controller();
    check_eligible();
    for (std::size_t i = 0; i < view.replicas.size(); ++i) observe_replica(i);
    observe_deposed_leaders();
    observe_proposals();
    // With eligible leader replicas both sets may end empty (KIP-966): the last ones count then.
    const std::uint32_t candidates = isr | (view.elr == nullptr ? 0 : mask_of(*view.elr));
    if (candidates != 0) p.last_candidates = candidates;
    if (p.any_lossy) observe_losses_of_replicas();
    for (std::size_t i = 0; i < view.replicas.size(); ++i) {
        const ReplicaView& r = view.replicas[i];
        if (r.running && r.is_leader && r.leader_epoch == p.newest_term &&
            r.node == p.newest_leader) {
            leader = static_cast<int>(i);
        }
    }
    if (leader >= 0) {
        judge_leader();
        extend_committed_log();
    }
    const std::uint64_t size = p.committed.size();
    const Offset end = p.committed.end();
    std::uint64_t everywhere = std::numeric_limits<std::uint64_t>::max();
    std::uint64_t somewhere = 0;
    for (std::size_t i = 0; i < view.replicas.size(); ++i) {
        ReplicaShadow& s = p.replicas[i];
        if (s.match.matched == size) {
            s.agreed_end = end;
        } else {
            s.match.advance(p.committed, *view.replicas[i].log);
            s.agreed_end = p.committed.end_before(s.match.matched);
        }
        everywhere = std::min(everywhere, s.match.matched);
        somewhere = std::max(somewhere, s.match.matched);
    }
    check_levels();
    check_copies(somewhere);
    check_fetchers();
    if (p.pending && judged && p.newest_term >= p.pending->epoch) p.pending.reset();
    if (!view.replicas.empty()) p.committed.forget(everywhere);
    p.settled_version = somewhere == size && is_settled() ? view.metadata_version : 0;
    p.seen = true;
}

void ReplicationMonitor::Observation::align_replicas() {
    const std::size_t n = view.replicas.size();
    bool same = p.replicas.size() == n;
    for (std::size_t i = 0; same && i < n; ++i) same = p.replicas[i].node == view.replicas[i].node;
    if (same) return;
    // A reassignment: a new replica starts unknown, and masks by index mean nothing any more.
    std::vector<ReplicaShadow> replicas(n);
    for (std::size_t i = 0; i < n; ++i) {
        replicas[i].node = view.replicas[i].node;
        for (const ReplicaShadow& old : p.replicas) {
            if (old.node == replicas[i].node) replicas[i] = old;
        }
        replicas[i].incomplete = 0;
        replicas[i].disagrees = 0;
        const ReplicaView& r = view.replicas[i];
        replicas[i].maximal = r.maximal_isr == nullptr ? 0 : mask_of(*r.maximal_isr);
    }
    p.replicas = std::move(replicas);
    p.isr_mask = mask_of(p.isr);
    p.weak_candidates = 0;
    p.incomplete = 0;
    p.out_of_bounds = 0;
    p.unclean_candidates = 0;
    p.wrong_fetchers = 0;
}

std::uint32_t ReplicationMonitor::Observation::mask_of(const FlatSet<NodeId>& nodes) const {
    std::uint32_t mask = 0;
    auto node = nodes.begin();
    for (std::size_t i = 0; i < view.replicas.size(); ++i) {
        while (node != nodes.end() && *node < view.replicas[i].node) ++node;
        if (node != nodes.end() && *node == view.replicas[i].node) mask |= 1u << i;
    }
    return mask;
}

void ReplicationMonitor::Observation::observe_controller() {
    if (view.leader != p.leader || view.leader_epoch != p.leader_epoch) {
        if (p.seen && view.leader_epoch < p.leader_epoch) {
            found(Rule::r9, nullptr, kNoOffset, view.leader,
                  fmt::format("the controller's leader epoch went back from {} to {}",
                              p.leader_epoch.value, view.leader_epoch.value));
        }
        ++monitor.tally(Rule::r9).checked;
        if (p.seen) p.facts.leader_changes.push_back(now);
        if (p.seen && view.leader != kNoNode && !p.isr.contains(view.leader) &&
            !p.elr.contains(view.leader)) {
            p.facts.unclean_elections.push_back(now);
            p.excuses.push_back({now, view.leader_epoch, true, view.leader});
            p.pending = p.excuses.back();
        }
        if (view.leader != kNoNode) register_leader(view.leader, view.leader_epoch);
        p.leader = view.leader;
        p.leader_epoch = view.leader_epoch;
    }
    if (!(*view.isr == p.isr) || !p.seen) {
        p.isr = *view.isr;
        p.isr_mask = mask_of(p.isr);
    }
    isr = p.isr_mask;
    p.partition_epoch = view.partition_epoch;
    if (view.elr == nullptr ? !p.elr.empty() : !(*view.elr == p.elr)) {
        p.elr = view.elr == nullptr ? FlatSet<NodeId>{} : *view.elr;
    }
    p.facts.replication_factor = static_cast<std::int32_t>(view.replicas.size());
    p.facts.min_insync_replicas = view.min_insync_replicas;

    if (view.leader == kNoNode) {
        p.outsider = kNoNode;
        return;
    }
    ++monitor.tally(Rule::r7).checked;
    const bool outside = !view.isr->contains(view.leader);
    if (outside && p.outsider != view.leader) {
        found(Rule::r7, nullptr, kNoOffset, view.leader,
              fmt::format("the controller's leader {} of epoch {} is not in its ISR",
                          shown(view.leader), view.leader_epoch.value));
    }
    p.outsider = outside ? view.leader : kNoNode;
}

void ReplicationMonitor::Observation::register_leader(NodeId node, LeaderEpoch epoch) {
    std::vector<NodeId>& nodes = p.leaders[epoch];
    if (std::find(nodes.begin(), nodes.end(), node) != nodes.end()) return;
    ++monitor.tally(Rule::r8).checked;
    nodes.push_back(node);
    if (nodes.size() == 1) return;
    found(Rule::r8, nullptr, kNoOffset, node,
          fmt::format("{} and {} are both leaders of epoch {}", shown(nodes.front()), shown(node),
                      epoch.value));
}

void ReplicationMonitor::Observation::observe_replica(std::size_t i) {
    const ReplicaView& r = view.replicas[i];
    ReplicaShadow& s = p.replicas[i];
    const bool same_process = s.seen && s.running && r.running && !s.went_down;
    const bool leads = r.running && r.is_leader;
    if (same_process && r.leader_epoch != s.leader_epoch) {
        ++monitor.tally(Rule::r9).checked;
        if (r.leader_epoch < s.leader_epoch) {
            found(Rule::r9, nullptr, kNoOffset, r.node,
                  fmt::format("{} went back from leader epoch {} to {} while it ran", shown(r.node),
                              s.leader_epoch.value, r.leader_epoch.value));
        }
    }
    if (leads && same_process && s.is_leader && s.leader_epoch == r.leader_epoch) {
        if (r.high_watermark != s.high_watermark) ++monitor.tally(Rule::r10).checked;
        if (r.high_watermark > s.high_watermark) check_high_watermark_step(i);
        check_joins(i);
        if (r.high_watermark < s.high_watermark) {
            found(Rule::r10, nullptr, r.high_watermark, r.node,
                  fmt::format("{}, leader of epoch {}, took its high watermark back from {} to {}",
                              shown(r.node), r.leader_epoch.value, s.high_watermark.value,
                              r.high_watermark.value));
        }
    } else if (leads) {
        s.maximal = r.maximal_isr == nullptr ? 0 : mask_of(*r.maximal_isr);
        register_leader(r.node, r.leader_epoch);
        observe_hidden_epochs(i);
        if (r.leader_epoch > p.newest_term) {
            p.previous_term = p.newest_term;
            p.newest_term = r.leader_epoch;
            p.newest_leader = r.node;
            p.term_high_watermark = r.high_watermark;
            p.term_fell_short = false;
        }
    }
    if (s.running && !r.running) s.unflushed_until = s.log_end_offset;
    if (r.running) s.hear_high_watermark(r.high_watermark);
    observe_log(i);
    s.seen = true;
    s.running = r.running;
    s.is_leader = r.is_leader;
    s.went_down = false;
    s.leader_epoch = r.leader_epoch;
    s.high_watermark = r.high_watermark;
}

void ReplicationMonitor::Observation::observe_log(std::size_t i) {
    const ReplicaLog& log = *view.replicas[i].log;
    ReplicaShadow& s = p.replicas[i];
    const RecordBatch* newest = log.last();
    const BatchIdentity last = newest == nullptr ? BatchIdentity{} : identity_of(*newest);
    if (s.seen && log.log_end_offset == s.log_end_offset && last == s.last &&
        log.log_start_offset == s.log_start_offset) {
        return;
    }
    // Truncation shows in the log's end, or in the newest batch of before: when it is still there,
    // so is all below it, because a log changes at its ends only.
    bool is_cut = s.seen && log.log_end_offset < s.log_end_offset;
    BatchCursor fresh{&log, log.end_place()};
    LeaderEpoch epoch_before = kNoLeaderEpoch;
    if (!is_cut) {
        const bool is_new = s.last.base_offset < Offset{0};
        fresh =
            cursor_at(log, is_new ? Offset{0} : std::max(s.last.last_offset, log.log_start_offset));
        if (!is_new && s.last.last_offset >= log.log_start_offset) {
            is_cut = fresh.batch() == nullptr ||
                     !is_same_batch(identity_of(*fresh.batch()), s.last, p.committed.compacts);
            if (is_cut) {
                fresh.place = log.end_place();
            } else {
                fresh.next();
                epoch_before = s.last.leader_epoch;
            }
        }
    }
    for (; const RecordBatch* batch = fresh.batch(); fresh.next()) {
        ++monitor.tally(Rule::r9).checked;
        if (batch->leader_epoch < epoch_before) {
            found(Rule::r9, nullptr, batch->base_offset, view.replicas[i].node,
                  fmt::format("{} appended batch {} after one of epoch {}",
                              shown(view.replicas[i].node), shown(identity_of(*batch)),
                              epoch_before.value));
        }
        epoch_before = batch->leader_epoch;
    }
    if (is_cut) {
        const std::uint64_t matched_before =
            p.committed.compacts ? s.match.confirmed : s.match.matched;
        s.match.recede(p.committed, log);
        s.match.advance(p.committed, log);
        on_truncated(i, matched_before);
    }
    observe_lost_gap(i, last);
    s.log_start_offset = log.log_start_offset;
    s.log_end_offset = log.log_end_offset;
    s.last = last;
}

// Whom the leader has asked to add, so that a controller that has not heard of a crash still may.
// What a deposed leader asks for is refused (FENCED_LEADER_EPOCH).
void ReplicationMonitor::Observation::observe_proposals() {
    p.asked = 0;
    for (const ReplicaView& r : view.replicas) {
        if (!r.running || !r.is_leader || r.maximal_isr == nullptr) continue;
        if (r.leader_epoch < view.leader_epoch) continue;
        if (r.maximal_isr->size() > p.isr.size()) p.asked |= mask_of(*r.maximal_isr);
    }
}

void ReplicationMonitor::Observation::on_truncated(std::size_t i, std::uint64_t matched_before) {
    const ReplicaView& r = view.replicas[i];
    const ReplicaShadow& s = p.replicas[i];
    // What a node finds on its disk when it starts again is no truncation of a running replica.
    if (!s.running || !r.running || s.went_down) return;
    ++monitor.tally(Rule::r17).checked;
    if (s.is_leader && r.is_leader && s.leader_epoch == r.leader_epoch) {
        found(
            Rule::r17, nullptr, r.log->log_end_offset, r.node,
            fmt::format("{} truncated its log from {} to {} while it led epoch {}", shown(r.node),
                        s.log_end_offset.value, r.log->log_end_offset.value, r.leader_epoch.value));
        return;
    }
    const std::uint64_t matched = s.match.matched;
    if (matched >= matched_before) return;
    const BatchIdentity& newest = p.committed.at(matched_before - 1).identity;
    // Out of the ISR and obeying a leader that the controller has replaced, it dropped what the new
    // term committed without it; nobody counts on what it has.
    if (r.leader_epoch < view.leader_epoch && (isr >> i & 1) == 0) return;
    // Counted as had because it was deleted: here, or by a leader.
    if (newest.last_offset < std::max(s.log_start_offset, p.committed.retained_from)) return;
    // The leader had nothing left of that epoch, and could not say how far both agree.
    const bool is_hidden =
        std::any_of(p.hidden_epochs.begin(), p.hidden_epochs.end(),
                    [&](const HiddenEpoch& h) { return h.epoch == newest.leader_epoch; });
    record(Rule::r17,
           p.pending ? shown(*p.pending)
           : is_hidden
               ? fmt::format("Leader epoch {} is compacted away on the leader, which cannot "
                             "tell how much of it both have.",
                             newest.leader_epoch.value)
               : "",
           p.committed.at(matched).identity.base_offset, r.node,
           fmt::format("{} truncated committed records: it had the committed log up to {} and now "
                       "up to {}",
                       shown(r.node), p.committed.end_before(matched_before).value,
                       p.committed.end_before(matched).value));
}

}  // namespace tribunal
