// Where the records are and who copies them: no committed record is lost everywhere (R16), a
// follower has one fetcher and a leader none (R18), replicas are equal in the end (R19), and a
// follower shows consumers nothing but what is committed (R21).
#include <fmt/format.h>

#include <algorithm>

#include "properties/replication_state.h"

namespace tribunal {

using Rule = ReplicationMonitor::Rule;

namespace {

// Whether the replica has the committed batch, or has deleted it: from the start, or (compaction)
// from where its log goes on.
bool has(const ReplicaView& r, const BatchIdentity& wanted, const CommittedLog& committed) {
    const Offset floor =
        std::max(r.log->log_start_offset, std::min(committed.retained_from, r.log->log_end_offset));
    if (wanted.last_offset < floor) return true;
    const RecordBatch* batch = r.log->find(wanted.base_offset);
    if (batch != nullptr && is_same_batch(identity_of(*batch), wanted, committed.compacts)) {
        return true;
    }
    const bool is_gap = batch == nullptr || batch->base_offset > wanted.last_offset;
    return committed.compacts && is_gap && wanted.last_offset < r.log->log_end_offset;
}

}  // namespace

void ReplicationMonitor::Observation::check_copies(std::uint64_t most_matched) {
    const std::uint64_t size = p.committed.size();
    if (size > 0) ++monitor.tally(Rule::r16).checked;
    const BatchIdentity* lost = nullptr;
    for (std::uint64_t n = std::max(most_matched, p.committed.first); n < size; ++n) {
        const BatchIdentity& batch = p.committed.at(n).identity;
        if (batch.last_offset < p.committed.retained_from) continue;
        const bool somewhere =
            std::any_of(view.replicas.begin(), view.replicas.end(),
                        [&](const ReplicaView& r) { return has(r, batch, p.committed); });
        if (somewhere) continue;
        lost = &batch;
        break;
    }
    if (lost != nullptr && !p.is_lost_everywhere) {
        const Excuse* excuse = p.pending                              ? &*p.pending
                               : p.is_exhausted && !p.excuses.empty() ? &p.excuses.back()
                                                                      : nullptr;
        found(Rule::r16, excuse, lost->base_offset, kNoNode,
              fmt::format("no replica has committed batch {} any more", shown(*lost)));
    }
    p.is_lost_everywhere = lost != nullptr;
}

bool has_right_fetchers(const ReplicaView& r) {
    const bool follows = !r.is_leader && r.follows != kNoNode && r.follows != r.node;
    return follows ? r.fetchers == 1 && r.fetches_from == r.follows : r.fetchers == 0;
}

void ReplicationMonitor::Observation::check_fetchers() {
    std::uint32_t bad = 0;
    for (std::size_t i = 0; i < view.replicas.size(); ++i) {
        const ReplicaView& r = view.replicas[i];
        if (!r.running || r.fetchers < 0) continue;
        ++monitor.tally(Rule::r18).checked;
        if (has_right_fetchers(r)) continue;
        bad |= 1u << i;
        if ((p.wrong_fetchers >> i & 1) != 0) continue;
        found(Rule::r18, nullptr, kNoOffset, r.node,
              fmt::format("{} {} and has {} fetchers, the last from {}", shown(r.node),
                          r.is_leader ? std::string{"leads"} : "follows " + shown(r.follows),
                          r.fetchers, shown(r.fetches_from)));
    }
    p.wrong_fetchers = bad;
}

// How long somebody acted as leader after the controller had chosen another: the claims want it.
void ReplicationMonitor::Observation::observe_deposed_leaders() {
    const bool any =
        std::any_of(view.replicas.begin(), view.replicas.end(), [&](const ReplicaView& r) {
            return r.running && r.is_leader && r.leader_epoch < view.leader_epoch;
        });
    // Until this instant, also when it has learned only now.
    if (any || p.has_deposed_leader) p.facts.deposed_leader_until = now;
    p.has_deposed_leader = any;
}

void ReplicationMonitor::on_served_by_follower(Instant now, TopicPartition partition, NodeId node,
                                               const std::vector<RecordBatch>& batches) {
    auto* state = find(partition);
    if (state == nullptr || batches.empty() || (*state)->facts.deleted) return;
    PartitionState& p = state->edit();
    PartitionView view;
    view.partition = partition;
    view.leader = p.leader;
    view.leader_epoch = p.leader_epoch;
    view.isr = &p.isr;
    Observation observation{*this, p, view, now};
    ++tally(Rule::r21).checked;
    for (const RecordBatch& batch : batches) {
        const Offset last = batch.last_offset();
        if (last < p.committed.retained_from || last < p.committed.start) continue;
        const std::uint64_t n = p.committed.number_of(batch.base_offset);
        if (n < p.committed.size() &&
            is_same_batch(p.committed.at(n).identity, identity_of(batch), p.committed.compacts)) {
            continue;
        }
        // Terms that an excuse separates from the one that wrote it may have other records there.
        const Excuse* excuse =
            p.pending ? &*p.pending : p.excuse_between(batch.leader_epoch, p.newest_term);
        observation.found(
            Rule::r21, excuse, batch.base_offset, node,
            fmt::format("{}, a follower, gave a consumer batch {}, which is not "
                        "committed; the committed log ends at {}",
                        shown(node), shown(identity_of(batch)), p.committed.end().value));
        return;
    }
}

void ReplicationMonitor::on_end(Instant now, const PartitionView& view, bool at_rest) {
    auto* state = find(view.partition);
    if (state == nullptr || (*state)->facts.deleted) return;
    PartitionState& p = state->edit();
    Observation observation{*this, p, view, now};
    observation.observe_deposed_leaders();
    if (!at_rest) return;
    const auto leader =
        std::find_if(view.replicas.begin(), view.replicas.end(),
                     [&](const ReplicaView& r) { return r.running && r.node == view.leader; });
    if (leader == view.replicas.end() || !leader->is_leader) return;
    for (const ReplicaView& r : view.replicas) {
        if (&r == &*leader || !r.running || !view.isr->contains(r.node)) continue;
        if (r.log->log_end_offset != leader->log->log_end_offset) continue;
        ++tally(Rule::r19).checked;
        const Offset from = std::max(
            {r.log->log_start_offset, leader->log->log_start_offset, p.committed.retained_from});
        std::string wrong;
        Offset at = from;
        if (const Disagreement d = first_disagreement(
                *leader->log, *r.log, from, leader->log->log_end_offset, p.committed.compacts)) {
            const RecordBatch& there = d.a != nullptr ? *d.a : *d.b;
            at = there.base_offset;
            wrong = "differ at batch " + shown(identity_of(there));
        } else {
            BatchCursor a = cursor_at(*leader->log, from);
            BatchCursor b = cursor_at(*r.log, from);
            for (; a.batch() != nullptr && b.batch() != nullptr; a.next(), b.next()) {
                if (*a.batch() == *b.batch()) continue;
                at = a.batch()->base_offset;
                wrong = "have different bytes in batch " + shown(identity_of(*a.batch()));
                break;
            }
        }
        if (wrong.empty()) continue;
        observation.found(Rule::r19, p.excuses.empty() ? nullptr : &p.excuses.back(), at, r.node,
                          fmt::format("at rest the logs of {} and its leader {} {}", shown(r.node),
                                      shown(leader->node), wrong));
    }
}

}  // namespace tribunal
