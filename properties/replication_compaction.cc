// What compaction hides from replication, and Kafka lives with: a replica that copies a compacted
// log learns where a leader epoch begins from the first batch that is left of it, and a log that
// was cut where its cleaner had removed batches is found to end before the gap when the process
// starts again.
#include <algorithm>

#include <fmt/format.h>
#include "properties/replication_state.h"

namespace tribunal {

namespace {

// Where the epoch after `epoch` begins, by the cache; where `epoch` itself does when it is there.
Offset learned_start(const ReplicaLog& log, LeaderEpoch epoch) {
    for (const EpochEntry& entry : log.epoch_cache.entries) {
        if (entry.epoch >= epoch) return entry.start_offset;
    }
    return log.log_end_offset;
}

}  // namespace

// Of a replica that begins to lead: what it would tell its followers wrong.
void ReplicationMonitor::Observation::observe_hidden_epochs(std::size_t i) {
    if (!p.committed.compacts) return;
    const ReplicaLog& log = *view.replicas[i].log;
    LeaderEpoch epoch = kNoLeaderEpoch;
    for (const CommittedBatch& batch : p.committed.batches) {
        if (batch.identity.leader_epoch == epoch) continue;
        const bool is_first = epoch == kNoLeaderEpoch;
        epoch = batch.identity.leader_epoch;
        const Offset began = std::max(batch.identity.base_offset, log.log_start_offset);
        const Offset learned = learned_start(log, epoch);
        if (is_first || learned <= began) continue;
        const HiddenEpoch hidden{epoch, began, learned};
        const bool known = std::find(p.hidden_epochs.begin(), p.hidden_epochs.end(), hidden) !=
                           p.hidden_epochs.end();
        if (!known) p.hidden_epochs.push_back(hidden);
    }
}

// A process that ends with a log whose newest batches its own cleaner had removed: it is found to
// end with what is left, and what was committed of the gap, is gone like unsynced data.
void ReplicationMonitor::Observation::observe_lost_gap(std::size_t i, const BatchIdentity& last) {
    ReplicaShadow& s = p.replicas[i];
    const ReplicaView& r = view.replicas[i];
    if (!p.committed.compacts || !s.running || r.running || last != s.last) return;
    if (r.log->log_end_offset >= s.log_end_offset) return;
    p.lose_data(s);
    s.lost_gap = true;
}

std::string ReplicationMonitor::Observation::compaction_excuse(std::size_t i) const {
    if (!p.committed.compacts) return {};
    const ReplicaView& r = view.replicas[i];
    if (p.replicas[i].lost_gap) {
        return fmt::format(
            "The log of {} was cut where its cleaner had removed batches, and ended before the gap "
            "when the process ended (LogLoader).",
            shown(r.node));
    }
    for (const HiddenEpoch& hidden : p.hidden_epochs) {
        for (auto place = r.log->place_of(hidden.began);
             const RecordBatch* batch = r.log->at(place); place = r.log->next(place)) {
            if (batch->base_offset >= hidden.learned) break;
            if (batch->leader_epoch >= hidden.epoch) continue;
            return fmt::format(
                "{} kept what it should have cut: a leader had copied a compacted log, and knew "
                "leader epoch {} from {} on instead of {}.",
                shown(r.node), hidden.epoch.value, hidden.learned.value, hidden.began.value);
        }
    }
    return {};
}

// The same of a leader, whose term then does without what it lacks.
const Excuse* ReplicationMonitor::Observation::excuse_by_compaction(std::size_t leader_index) {
    std::string why = compaction_excuse(leader_index);
    if (why.empty()) return nullptr;
    const auto after =
        std::upper_bound(p.excuses.begin(), p.excuses.end(), p.newest_term,
                         [](LeaderEpoch term, const Excuse& e) { return term < e.epoch; });
    return &*p.excuses.insert(after, {now, p.newest_term, false, p.newest_leader, std::move(why)});
}

}  // namespace tribunal
