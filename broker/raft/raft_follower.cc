// Followers and observers: they fetch, truncate where the leader says that the logs part, and load
// a snapshot when what they need is gone.
#include <algorithm>

#include "broker/base/check.h"
#include "broker/raft/raft_steps.h"

namespace tribunal {
namespace {

RaftFollower& follower_of(Raft& r) { return std::get<RaftFollower>(r.role); }

// The longest common prefix as far as both know it (ReplicatedLog.truncateToEndOffset).
void truncate(Raft& r, SnapshotId diverging, Outbox& out) {
    CHECK(!r.log_sync_in_flight);
    const SnapshotId own = r.log.end_of_epoch(diverging.epoch);
    Offset to = own.end_offset;
    if (own.epoch == diverging.epoch) to = std::min(to, diverging.end_offset);
    to = std::min(to, log_end(r));
    // After a restart the high watermark is not known, but a log begins with what is committed.
    const Offset least = std::max(r.high_watermark, r.log.start_offset);
    if (diverging.end_offset < r.high_watermark || to < least) {
        raise_fault(r, RaftFault::truncation_below_high_watermark, out);  // KAFKA-12460
        return;
    }
    std::vector<RaftRecord> dropped = r.log.truncate_to(to);
    if (!dropped.empty()) write_log(r, MetadataWrite{to, 0, std::move(dropped)}, out);
}

// Loading this snapshot would not replace all of the log
// (KafkaMetadataLog.truncateToLatestSnapshot).
bool is_behind(const RaftLog& log, SnapshotId snapshot) {
    const LeaderEpoch last = log.last_epoch();
    return snapshot.epoch < last ||
           (snapshot.epoch == last && snapshot.end_offset <= log.end_offset);
}

std::int64_t position_of(const SnapshotDownload& download) {
    return download.has_header ? static_cast<std::int64_t>(download.records.size()) + 1 : 0;
}

}  // namespace

void send_fetch(Raft& r, NodeId to, Outbox& out) {
    // A voter vouches for what is below its fetch offset: it is on the platter (KAFKA-10533).
    if (r.log_sync_in_flight || to == r.self.id || !is_ready(r, to)) return;
    if (auto* follower = std::get_if<RaftFollower>(&r.role)) {
        if (follower->update_due) {
            follower->update_due = false;
            if (wants_update(r, *follower)) {
                request(r, to, UpdateRaftVoterRequest{r.epoch(), {r.self, r.endpoint}}, out);
                return;
            }
        }
        if (follower->download) {
            const SnapshotDownload& download = **follower->download;
            request(r, to,
                    FetchSnapshotRequest{r.self, r.epoch(), download.id, position_of(download),
                                         r.config->snapshot_max_records},
                    out);
            return;
        }
    }
    QuorumFetchRequest fetch;
    fetch.replica = r.self;
    fetch.current_leader_epoch = r.epoch();
    fetch.fetch_offset = log_end(r);
    fetch.last_fetched_epoch = r.log.last_epoch();
    fetch.max_wait = r.config->fetch_max_wait;
    if (r.config->fetch_tells_high_watermark) fetch.high_watermark = r.high_watermark;
    request(r, to, fetch, out);
}

NodeId next_bootstrap(Raft& r) {
    std::vector<NodeId> servers = r.bootstrap_servers;
    if (servers.empty()) {
        for (const auto& [id, voter] : voters_of(r).voters) servers.push_back(id);
    }
    // In turn, where Kafka draws: logic has no dice.
    for (std::size_t tries = 0; tries < servers.size(); ++tries) {
        const auto at = static_cast<std::size_t>(r.next_bootstrap) % servers.size();
        r.next_bootstrap = static_cast<std::int32_t>((at + 1) % servers.size());
        if (servers[at] != r.self.id && is_ready(r, servers[at])) return servers[at];
    }
    return kNoNode;
}

// --- the leader says ----------------------------------------------------------------------------

void on_begin_epoch(Raft& r, const Deliver& d, const BeginQuorumEpochRequest& m, Outbox& out) {
    ErrorCode error = ErrorCode::none;
    if (m.leader_epoch < r.epoch()) {
        error = ErrorCode::fenced_leader_epoch;
    } else {
        learn_leader(r, m.leader_epoch, m.leader, out);
        if (m.voter_directory != kNoDirectory && m.voter_directory != r.self.directory) {
            error = ErrorCode::invalid_voter_key;
        }
    }
    respond(r, d.connection, d.correlation,
            BeginQuorumEpochResponse{error, known_leader(r), r.epoch()}, out);
}

void on_end_epoch(Raft& r, const Deliver& d, const EndQuorumEpochRequest& m, Outbox& out) {
    ErrorCode error = ErrorCode::none;
    if (m.leader_epoch < r.epoch()) {
        error = ErrorCode::fenced_leader_epoch;
    } else {
        learn_leader(r, m.leader_epoch, m.leader, out);
        if (r.follower() != nullptr && known_leader(r) == m.leader) {
            // The further back among the successors, the longer it waits before it stands.
            const auto& list = m.preferred_successors;
            const auto place = static_cast<std::size_t>(
                std::find(list.begin(), list.end(), r.self.id) - list.begin());
            Duration wait = r.config->election_backoff_max;
            if (place == 0 && !list.empty()) {
                wait = Duration{};
            } else if (place < list.size()) {
                const Duration base =
                    r.config->election_backoff_max / (std::int64_t{1} << (list.size() - 1));
                wait = std::min(wait, base * (std::int64_t{1} << (place - 1)));
            }
            out.arm(timer(TimerKind::raft_fetch), wait);
        }
    }
    respond(r, d.connection, d.correlation,
            EndQuorumEpochResponse{error, known_leader(r), r.epoch()}, out);
}

void on_fetch_response(Raft& r, const QuorumFetchResponse& m, Outbox& out) {
    if (m.diverging) {
        truncate(r, *m.diverging, out);
        if (r.fault != RaftFault::none) return;
    } else if (m.snapshot) {
        SnapshotDownload download;
        download.id = *m.snapshot;
        follower_of(r).download = Shared<SnapshotDownload>{std::move(download)};
    } else {
        if (!m.records.empty() && m.base_offset == log_end(r)) append_records(r, m.records, out);
        if (m.high_watermark != kNoOffset) {
            if (m.high_watermark < r.high_watermark) {
                raise_fault(r, RaftFault::high_watermark_goes_back, out);
                return;
            }
            r.high_watermark = std::max(r.high_watermark, std::min(m.high_watermark, log_end(r)));
        }
    }
    follower_of(r).has_fetched = true;
    out.arm(timer(TimerKind::raft_fetch), r.config->fetch_timeout);
}

void on_snapshot_response(Raft& r, const FetchSnapshotResponse& m, Outbox& out) {
    RaftFollower& follower = follower_of(r);
    if (!follower.download) return;
    out.arm(timer(TimerKind::raft_fetch), r.config->fetch_timeout);
    if (m.error != ErrorCode::none || m.snapshot != (*follower.download)->id) {
        follower.download.reset();  // the leader has another one by now: ask again
        return;
    }
    SnapshotDownload& download = follower.download->edit();
    if (m.position != position_of(download)) return;
    download.has_header = true;
    download.voters = m.voters;
    download.records.insert(download.records.end(), m.records.begin(), m.records.end());
    if (position_of(download) < m.size) return;
    CHECK(!r.log_sync_in_flight);
    if (is_behind(r.log, download.id)) {
        raise_fault(r, RaftFault::snapshot_behind_log, out);
        return;
    }
    if (download.id.end_offset < r.high_watermark) {
        raise_fault(r, RaftFault::high_watermark_goes_back, out);
        return;
    }
    MetadataSnapshot loaded{download.id, std::move(download.voters), std::move(download.records)};
    follower.download.reset();
    MetadataSnapshotWrite write;
    write.log_start_before = r.log.start_offset;
    write.epoch_before = r.log.epoch_before(r.log.start_offset);
    write.snapshot_before = r.log.snapshot;
    write.bytes = 100 * static_cast<std::int64_t>(loaded.records.size());
    const Offset end = loaded.id.end_offset;
    write.dropped = r.log.load(Shared<MetadataSnapshot>{std::move(loaded)});
    write_log(r, std::move(write), out);
    r.high_watermark = end;
}

void on_fetch_timeout(Raft& r, Outbox& out) {
    if (is_voter(r) || r.planted_bug == PlantedBug::raft_observer_becomes_candidate) {
        begin_election(r, out);
        return;
    }
    // An observer asks the others who leads, and does not forget whom it knew: it may be among the
    // voters already, by a record that it does not have yet, and must not vote in an epoch that has
    // a leader. (In Kafka it stays a follower meanwhile.)
    r.role = RaftUnattached{};
    out.disarm(timer(TimerKind::raft_fetch));
    out.disarm(timer(TimerKind::raft_update_voter));
    reset_peers(r, out);
}

}  // namespace tribunal
