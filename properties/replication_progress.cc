// Most events in a cluster at work are of three kinds: a leader appends, a follower appends, a
// follower hears of a high watermark. In a partition that is settled, none of them can break more
// than what is looked at here, and only the one replica that took the step need be looked at.
//
// Why that is enough. The controller's state and the other replicas are those of the last
// observation. Nothing becomes committed: only a leader's high watermark does that, and a leader
// whose high watermark moved is not let through. So R1, R7, R8, R10, R12-R17 and R20 find what they
// found, nothing. A log that only grows keeps what it had, so that R2, R5, R6 and R16 still hold.
// R3 holds between replicas that have the committed log up to their high watermarks, which is asked
// of this one again. R9, R11 and R18 are asked.
#include "properties/replication_state.h"

namespace tribunal {

using Rule = ReplicationMonitor::Rule;

bool ReplicationMonitor::Observation::is_settled() const {
    // The controller's leader leads, and every broken rule has mended.
    if (!judged || p.any_lossy || p.pending || p.has_deposed_leader || p.committed.compacts) {
        return false;
    }
    if (p.outsider != kNoNode || p.any_disagree || p.is_lost_everywhere || p.has_wrong_elr) {
        return false;
    }
    if ((p.weak_candidates | p.incomplete | p.out_of_bounds | p.unclean_candidates |
         p.wrong_fetchers) != 0) {
        return false;
    }
    for (std::size_t i = 0; i < view.replicas.size(); ++i) {
        const ReplicaShadow& s = p.replicas[i];
        if (s.incomplete != 0 || s.has_wrong_isr || s.high_watermark > s.agreed_end) return false;
    }
    const ReplicaView& r = view.replicas[static_cast<std::size_t>(leader)];
    return r.isr != nullptr && r.maximal_isr != nullptr && *r.isr == p.isr &&
           *r.maximal_isr == p.isr && r.partition_epoch == view.partition_epoch;
}

// One call of observe_progress().
struct ReplicationMonitor::Progress {
    PartitionState& p;
    ReplicaShadow& s;
    const ReplicaView& r;
    std::uint64_t appended = 0;  // batches

    bool is_nothing_else();
    bool is_same_role() const;
    bool only_appended();
    void take();
};

bool ReplicationMonitor::Progress::is_nothing_else() {
    if (!s.seen || !s.running || !r.running || s.went_down || r.config == nullptr) return false;
    if (r.config->cleanup_compact || !is_same_role()) return false;
    if (r.fetchers >= 0 && !has_right_fetchers(r)) return false;   // R18
    if (r.log->log_start_offset > r.high_watermark) return false;  // R11
    if (r.high_watermark > r.log->log_end_offset) return false;
    if (!only_appended()) return false;
    // R3. Of a leader nothing that is committed has changed.
    s.match.advance(p.committed, *r.log);
    s.agreed_end = p.committed.end_before(s.match.matched);
    return r.high_watermark <= s.agreed_end;
}

bool ReplicationMonitor::Progress::is_same_role() const {
    if (r.is_leader != s.is_leader || r.leader_epoch != s.leader_epoch) return false;
    if (!r.is_leader) return true;
    return r.high_watermark == s.high_watermark && r.isr != nullptr && r.maximal_isr != nullptr &&
           *r.isr == p.isr && *r.maximal_isr == p.isr && r.partition_epoch == p.partition_epoch;
}

// What was the newest batch is still there, and behind it leader epochs only rise (R9).
bool ReplicationMonitor::Progress::only_appended() {
    const ReplicaLog& log = *r.log;
    if (log.log_start_offset != s.log_start_offset || log.log_end_offset < s.log_end_offset) {
        return false;
    }
    if (s.last.last_offset < log.log_start_offset) return log.log_end_offset == s.log_end_offset;
    BatchCursor at = cursor_at(log, s.last.last_offset);
    if (at.batch() == nullptr || identity_of(*at.batch()) != s.last) return false;
    LeaderEpoch epoch = s.last.leader_epoch;
    for (at.next(); const RecordBatch* batch = at.batch(); at.next(), ++appended) {
        if (batch->leader_epoch < epoch) return false;
        epoch = batch->leader_epoch;
    }
    return true;
}

void ReplicationMonitor::Progress::take() {
    if (const RecordBatch* newest = r.log->last()) s.last = identity_of(*newest);
    s.log_end_offset = r.log->log_end_offset;
    s.hear_high_watermark(r.high_watermark);
}

bool ReplicationMonitor::observe_progress(TopicPartition partition, const ReplicaView& replica,
                                          std::uint64_t metadata_version) {
    Shared<PartitionState>* const state = find(partition);
    if (state == nullptr || metadata_version == 0) return false;
    if ((*state)->settled_version != metadata_version || (*state)->any_lossy) return false;
    if ((*state)->facts.deleted) return false;
    PartitionState& p = state->edit();
    for (ReplicaShadow& s : p.replicas) {
        if (s.node != replica.node) continue;
        Progress progress{p, s, replica};
        if (!progress.is_nothing_else()) return false;
        progress.take();
        tally(Rule::r9).checked += progress.appended;
        ++tally(Rule::r11).checked;
        if (replica.fetchers >= 0) ++tally(Rule::r18).checked;
        return true;
    }
    return false;
}

}  // namespace tribunal
