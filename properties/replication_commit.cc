// Who lost data, whether the newest leader has everything that was committed (R1), what is newly
// committed (R10), what is lost and what comes back (D5).

#include <algorithm>

#include <fmt/format.h>
#include "properties/replication_state.h"

namespace tribunal {

using Rule = ReplicationMonitor::Rule;

void ReplicationMonitor::Observation::observe_losses_of_replicas() {
    p.any_lossy = false;
    for (std::size_t i = 0; i < p.replicas.size(); ++i) {
        ReplicaShadow& s = p.replicas[i];
        if (!s.is_lossy) continue;
        s.match.advance(p.committed, *view.replicas[i].log);
        const bool in_isr = (isr >> i & 1) != 0;
        // As long as the controller takes the life that ended for alive, a fetch of that life may
        // still arrive, and bring the replica in with what it had then.
        const bool is_stale = view.replicas[i].standing == Standing::stale;
        if (!in_isr && !is_stale && (p.asked >> i & 1) == 0) s.left_isr = true;
        // The committed end alone proves nothing: a leader may still count on what the replica had
        // fetched before it lost it, and commit that now.
        const bool is_caught_up = s.match.matched == p.committed.size() &&
                                  view.replicas[i].log->log_end_offset >= s.had_until;
        // Back in the ISR it must have what is committed: an AlterPartition that was under way when
        // a disk was wiped brings an empty replica in.
        const bool has_all = s.match.matched == p.committed.size();
        if (is_caught_up || (in_isr && s.left_isr && has_all)) s.is_lossy = s.lost_gap = false;
        p.any_lossy |= s.is_lossy;
    }
    bool is_exhausted = p.last_candidates != 0;
    for (std::size_t i = 0; i < p.replicas.size(); ++i) {
        if ((p.last_candidates >> i & 1) == 0) continue;
        const ReplicaShadow& s = p.replicas[i];
        is_exhausted &= s.is_lossy && s.match.matched < p.committed.size();
    }
    if (is_exhausted && !p.is_exhausted) {
        p.facts.budget_exhausted_at = std::min(p.facts.budget_exhausted_at, now);
        p.pending = Excuse{now, view.leader_epoch, false, view.leader};
        // Records of this very term may be lost, to be replaced by those of later ones.
        p.excuses.push_back({now, LeaderEpoch{view.leader_epoch.value + 1}, false, view.leader});
    }
    p.is_exhausted = is_exhausted;
}

void ReplicationMonitor::Observation::judge_leader() {
    const auto i = static_cast<std::size_t>(leader);
    ReplicaShadow& s = p.replicas[i];
    const ReplicaView& r = view.replicas[i];
    if (s.match.matched != p.committed.size()) s.match.advance(p.committed, *r.log);
    // A leader that the controller has deposed already, and that is the newest only because its
    // successor has not heard of it yet, is held to nothing here.
    if (!is_current_leader(i)) return;
    if (p.committed.size() > 0) ++monitor.tally(Rule::r1).checked;
    const bool new_term = p.judged_term != p.newest_term;
    p.judged_term = p.newest_term;
    judged = true;
    if (s.match.matched < p.committed.size() && s.match.diverged && p.committed.compacts) {
        // Its cleaner may have removed by now what contradicted.
        s.match.recede(p.committed, *r.log);
        s.match.advance(p.committed, *r.log);
    }
    if (s.match.matched < p.committed.size()) {
        const bool excused = p.pending && p.newest_term >= p.pending->epoch;
        const Excuse* excuse = excused ? &*p.pending : excuse_by_compaction(i);
        const BatchIdentity lacking = p.committed.at(s.match.matched).identity;
        found(Rule::r1, excuse, lacking.base_offset, r.node,
              fmt::format("{} leads epoch {} without committed batch {}; {} to {} are lost",
                          shown(r.node), r.leader_epoch.value, shown(lacking),
                          lacking.base_offset.value, p.committed.end().value - 1));
        const bool nothing_promised = now >= monitor.metadata_lost_at_;
        roll_back(s.match.matched, excuse, excuse != nullptr || nothing_promised,
                  excuse != nullptr  ? shown(*excuse)
                  : nothing_promised ? "Controllers had lost their disks, and committed metadata."
                                     : "");
    }
    if (new_term && !p.early_acks.empty()) settle_early_acks(true);
}

void ReplicationMonitor::Observation::roll_back(std::uint64_t keep, const Excuse* excuse,
                                                bool allowed, const std::string& because) {
    const Offset end = p.committed.end();
    const ReplicaView& r = view.replicas[static_cast<std::size_t>(leader)];
    const auto gone = p.committed.roll_back(keep, r.log->log_end_offset);
    const BatchIdentity& lost = gone.front().identity;
    p.losses.push_back({now, view.partition, lost.base_offset, end, lost.leader_epoch, r.node,
                        r.leader_epoch, allowed, because});
    for (const CommittedBatch& batch : gone) {
        for_each_record(decodable(batch), [&](const RecordView& record) {
            if (record.uid == kNoUid) return;
            p.gone[record.uid] = p.lost.size();
            LostRecord entry;
            entry.offset = record.offset;
            entry.uid = record.uid;
            entry.lost_at = now;
            entry.lost_in = r.leader_epoch;
            entry.loss = p.losses.size() - 1;
            if (excuse != nullptr) entry.loss_excuse = *excuse;
            p.lost.push_back(entry);
        });
    }
    for (ReplicaShadow& s : p.replicas) {
        if (s.match.matched >= keep) {
            s.match = Match{keep, false, {}, std::min(s.match.confirmed, keep)};
        }
    }
}

void ReplicationMonitor::Observation::extend_committed_log() {
    const auto i = static_cast<std::size_t>(leader);
    const ReplicaView& r = view.replicas[i];
    ReplicaShadow& s = p.replicas[i];
    const Offset end = p.committed.end();
    if (r.high_watermark < end) {
        // A new leader may begin below what its predecessor exposed (KIP-207), but every replica
        // that it then waits for has all that was committed, so its first step passes the end.
        if (r.high_watermark > p.term_high_watermark && !p.term_fell_short) {
            p.term_fell_short = true;
            found(Rule::r10, p.excuse_between(p.previous_term, p.newest_term), r.high_watermark,
                  r.node,
                  fmt::format("{} advanced its high watermark in epoch {} from {} to {}, below the "
                              "exposed {}",
                              shown(r.node), r.leader_epoch.value, p.term_high_watermark.value,
                              r.high_watermark.value, end.value));
        }
    } else if (r.high_watermark > end && s.match.matched == p.committed.size()) {
        const std::uint64_t from = p.committed.size();
        p.committed.extend(*r.log, r.high_watermark);
        s.match.matched = s.match.confirmed = p.committed.size();
        if (!p.gone.empty()) observe_returns(from);
        if (!p.early_acks.empty()) settle_early_acks(false);
    }
    p.committed.retain_from(r.log->log_start_offset);
    p.facts.log_start_offset = std::max(p.facts.log_start_offset, r.log->log_start_offset);
}

void ReplicationMonitor::Observation::observe_returns(std::uint64_t from) {
    for (std::uint64_t i = from; i < p.committed.size(); ++i) {
        for_each_record(decodable(p.committed.at(i)), [&](const RecordView& record) {
            ++monitor.tally(Rule::d5).checked;
            const auto it = p.gone.find(record.uid);
            if (it == p.gone.end()) return;
            LostRecord& lost = p.lost[it->second];
            lost.returned_at = now;
            lost.returned_offset = record.offset;
            lost.returned_in = p.newest_term;
            lost.promised = now < monitor.metadata_lost_at_;
            const Excuse* excuse = p.excuse_between(lost.lost_in, p.newest_term);
            if (excuse != nullptr) {
                lost.return_excuse = *excuse;
            } else if (lost.power_lost_since) {
                lost.return_excuse = lost.loss_excuse;
            }
            p.gone.erase(it);
        });
    }
}

void ReplicationMonitor::Observation::settle_early_acks(bool new_term) {
    const auto i = static_cast<std::size_t>(leader);
    const ReplicaLog& log = *view.replicas[i].log;
    // An acknowledgement above the committed end may come late from a leader that an unclean
    // election deposed: its answer sat behind a cut link while the record was lost and excused.
    const Excuse* excuse = p.pending && p.newest_term >= p.pending->epoch ? &*p.pending
                           : p.excuses.empty()                            ? nullptr
                                                                          : &p.excuses.back();
    const auto holds = [](const RecordBatch& batch, const Acknowledgement& ack) {
        bool it_does = false;
        for_each_record(batch, [&](const RecordView& record) {
            it_does |= record.offset == ack.offset && record.uid == ack.uid;
        });
        return it_does;
    };
    std::erase_if(p.early_acks, [&](const Acknowledgement& ack) {
        const bool is_committed = ack.offset < p.committed.end();
        if (!is_committed && !new_term) return false;
        if (ack.offset < std::max(p.committed.retained_from, log.log_start_offset)) return true;
        const RecordBatch* batch = log.find(ack.offset);
        if (batch != nullptr && holds(*batch, ack)) return is_committed;
        const auto gone = p.gone.find(ack.uid);
        if (gone != p.gone.end() && p.lost[gone->second].offset == ack.offset) return true;
        if (p.committed.compacts && is_committed) return true;  // perhaps cleaned already
        found(Rule::r1, excuse, ack.offset, view.replicas[i].node,
              fmt::format("{} leads epoch {} without record {} that was acknowledged (acks=all) at "
                          "offset {}",
                          shown(view.replicas[i].node), p.newest_term.value, ack.uid.value,
                          ack.offset.value));
        return true;
    });
}

}  // namespace tribunal
