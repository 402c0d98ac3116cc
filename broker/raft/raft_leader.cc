// The leader: its records, what is committed, who fetches, and when it gives up.
#include <algorithm>

#include "broker/base/check.h"
#include "broker/raft/raft_steps.h"

namespace tribunal {
namespace {

Duration check_quorum_timeout(const Raft& r) { return r.config->fetch_timeout * 3 / 2; }

QuorumFetchResponse fetch_response(const Raft& r, ErrorCode error) {
    QuorumFetchResponse response;
    response.error = error;
    response.leader = known_leader(r);
    response.leader_epoch = r.epoch();
    if (error == ErrorCode::none) response.high_watermark = exposed_high_watermark(r);
    return response;
}

void read(const Raft& r, Offset from, QuorumFetchResponse& response) {
    response.base_offset = from;
    const auto most = static_cast<std::size_t>(r.config->fetch_max_records);
    for (Offset o = from; o < log_end(r); o.value += 1) {
        if (response.records.size() >= most && response.records.back().ends_batch) return;
        response.records.push_back(*r.log.find(o));
    }
}

// Answers a fetch, or nothing when there is nothing to say yet (tryCompleteFetchRequest).
bool serve_fetch(Raft& r, ConnectionKey connection, std::int32_t correlation,
                 const QuorumFetchRequest& m, bool may_wait, Outbox& out) {
    QuorumFetchResponse response = fetch_response(r, ErrorCode::none);
    SnapshotId tell;
    const bool wants_snapshot =
        r.config->snapshots && m.fetch_offset == Offset{0} && r.log.snapshot.has_value();
    LogAgreement agreement = r.log.agreement(m.fetch_offset, m.last_fetched_epoch, tell);
    if (wants_snapshot) {
        agreement = LogAgreement::snapshot;
        tell = (*r.log.snapshot)->id;
    }
    if (r.planted_bug == PlantedBug::raft_never_diverges && agreement == LogAgreement::diverging &&
        m.fetch_offset <= log_end(r)) {
        agreement = LogAgreement::valid;
    }
    if (agreement == LogAgreement::valid) {
        RaftProgress& progress = progress_of(r, std::get<RaftLeader>(r.role), m.replica);
        progress.end_offset = m.fetch_offset;
        progress.acknowledged = true;
        if (m.fetch_offset >= log_end(r)) progress.caught_up = true;
        count_fetch(r, m.replica, out);
        advance_high_watermark(r, out);
        if (r.leader() == nullptr) {  // its own removal is committed
            respond(r, connection, correlation,
                    fetch_response(r, ErrorCode::not_leader_or_follower), out);
            return true;
        }
        response.high_watermark = exposed_high_watermark(r);
        read(r, m.fetch_offset, response);
        const bool news =
            r.config->fetch_tells_high_watermark && m.high_watermark < response.high_watermark;
        if (may_wait && response.records.empty() && !news) return false;
    } else if (agreement == LogAgreement::diverging) {
        response.diverging = tell;
    } else {
        response.snapshot = tell;
    }
    respond(r, connection, correlation, std::move(response), out);
    return true;
}

// Those who got records, or a newer high watermark, by what has just happened.
void complete_fetches(Raft& r, Outbox& out) {
    if (r.leader() == nullptr) return;
    const Offset high_watermark = exposed_high_watermark(r);
    const auto is_due = [&](const ParkedQuorumFetch& p) {
        return p.fetch_offset < log_end(r) ||
               (r.config->fetch_tells_high_watermark && p.high_watermark < high_watermark);
    };
    std::vector<ParkedQuorumFetch> due;
    for (const ParkedQuorumFetch& p : r.parked) {
        if (is_due(p)) due.push_back(p);
    }
    std::erase_if(r.parked, is_due);
    for (const ParkedQuorumFetch& p : due) {
        out.disarm(timer(TimerKind::raft_fetch_wait, p.connection.packed()));
        QuorumFetchResponse response = fetch_response(r, ErrorCode::none);
        read(r, p.fetch_offset, response);
        respond(r, p.connection, p.correlation, std::move(response), out);
    }
}

std::vector<NodeId> successors_of(const Raft& r, const RaftLeader& leader) {
    std::vector<std::pair<Offset, NodeId>> by_offset;
    for (const auto& [id, voter] : voters_of(r).voters) {
        if (id == r.self.id) continue;
        const RaftProgress* progress = leader.replicas.find(voter.key);
        by_offset.emplace_back(progress == nullptr ? kNoOffset : progress->end_offset, id);
    }
    std::sort(by_offset.begin(), by_offset.end(), [](const auto& a, const auto& b) {
        return a.first != b.first ? a.first > b.first : a.second < b.second;
    });
    std::vector<NodeId> successors;
    for (const auto& [offset, id] : by_offset) successors.push_back(id);
    return successors;
}

}  // namespace

ErrorCode check_leader(const Raft& r, LeaderEpoch epoch) {
    if (epoch < r.epoch()) return ErrorCode::fenced_leader_epoch;
    if (epoch > r.epoch()) return ErrorCode::unknown_leader_epoch;
    return r.leader() == nullptr ? ErrorCode::not_leader_or_follower : ErrorCode::none;
}

// Voters in step with the leader keep its check-quorum timer off; snapshots count (KAFKA-15489).
void count_fetch(Raft& r, ReplicaKey replica, Outbox& out) {
    auto& leader = std::get<RaftLeader>(r.role);
    const VoterSet& voters = voters_of(r);
    if (!voters.contains(replica)) return;
    leader.fetched_voters.insert(replica.id);
    const std::size_t others = voters.majority() - (voters.contains(r.self) ? 1 : 0);
    if (leader.fetched_voters.size() < others) return;
    leader.fetched_voters.clear();
    out.arm(timer(TimerKind::raft_check_quorum), check_quorum_timeout(r));
}

RaftProgress& progress_of(Raft& r, RaftLeader& leader, ReplicaKey replica) {
    const VoterSet& voters = voters_of(r);
    return leader
        .replicas[voters.contains(replica) ? voters.voters.find(replica.id)->key : replica];
}

// --- the beginning and the end of an epoch -------------------------------------------------------

void become_leader(Raft& r, Outbox& out) {
    write_state(r, {r.epoch(), r.self.id, std::nullopt}, out);
    RaftLeader leader;
    leader.epoch_start_offset = log_end(r);
    leader.told_voters = told_voters_at_start(r);
    r.role = std::move(leader);
    reset_peers(r, out);
    for (const TimerKind kind :
         {TimerKind::raft_election, TimerKind::raft_backoff, TimerKind::raft_fetch}) {
        out.disarm(timer(kind));
    }
    // What the first leader was formatted with goes into the log, for everybody; and a leader
    // whose endpoint is not what the voters say writes it.
    std::vector<RaftRecord> records{{r.epoch(), LeaderChangeRecord{r.self.id}, true}};
    if (std::optional<VoterSet> voters = voters_to_write(r)) {
        records.back().ends_batch = false;
        records.push_back(
            {r.epoch(), Shared<VotersRecord>{VotersRecord{std::move(*voters)}}, true});
    }
    append_records(r, std::move(records), out);
    if (voters_of(r).size() > 1 && r.config->check_quorum) {
        out.arm(timer(TimerKind::raft_check_quorum), check_quorum_timeout(r));
    }
    on_begin_epoch_timer(r, out);
}

void stop_leading(Raft& r, Outbox& out) {
    if (r.leader() == nullptr) return;
    fail_voter_change(r, ErrorCode::not_leader_or_follower, out);
    const std::vector<ParkedQuorumFetch> parked = std::exchange(r.parked, {});
    for (const ParkedQuorumFetch& p : parked) {
        out.disarm(timer(TimerKind::raft_fetch_wait, p.connection.packed()));
        respond(r, p.connection, p.correlation,
                fetch_response(r, ErrorCode::not_leader_or_follower), out);
    }
    out.disarm(timer(TimerKind::raft_check_quorum));
    out.disarm(timer(TimerKind::raft_begin_epoch));
}

void resign(Raft& r, Outbox& out) {
    const RaftLeader* leader = r.leader();
    CHECK(leader != nullptr);
    RaftResigned resigned;
    resigned.preferred_successors = successors_of(r, *leader);
    for (const NodeId id : resigned.preferred_successors) resigned.unacknowledged.insert(id);
    stop_leading(r, out);
    r.role = std::move(resigned);
    reset_peers(r, out);
    out.arm_with_jitter(timer(TimerKind::raft_election), r.config->election_timeout,
                        r.config->election_timeout);
}

void raft_resign(Raft& r, LeaderEpoch epoch, Outbox& out) {
    if (r.leader() == nullptr || epoch != r.epoch()) return;
    resign(r, out);
    raft_poll(r, out);
    out.notes.emplace_back(QuorumTouched{});
}

void on_check_quorum(Raft& r, Outbox& out) {
    if (r.leader() != nullptr && r.config->check_quorum && voters_of(r).size() > 1) {
        resign(r, out);
    }
}

// Voters that neither fetched nor answered since the last time are told again who leads.
void on_begin_epoch_timer(Raft& r, Outbox& out) {
    if (r.leader() == nullptr) return;
    const VoterSet voters = voters_of(r);
    for (const auto& [id, voter] : voters.voters) {
        if (id == r.self.id) continue;
        RaftProgress& progress = std::get<RaftLeader>(r.role).replicas[voter.key];
        if (!std::exchange(progress.acknowledged, false) && is_ready(r, id)) {
            request(r, id, BeginQuorumEpochRequest{r.self.id, r.epoch(), voter.key.directory}, out);
        }
    }
    if (voters.size() > 1 || !voters.contains(r.self)) {
        out.arm(timer(TimerKind::raft_begin_epoch), r.config->fetch_timeout / 2);
    }
}

void on_begin_epoch_response(Raft& r, NodeId from, Outbox&) {
    auto* leader = std::get_if<RaftLeader>(&r.role);
    const Voter* voter = voters_of(r).voters.find(from);
    if (leader != nullptr && voter != nullptr) leader->replicas[voter->key].acknowledged = true;
}

// --- records ------------------------------------------------------------------------------------

void append_records(Raft& r, std::vector<RaftRecord> records, Outbox& out) {
    const Offset before = log_end(r);
    for (RaftRecord& record : records) r.log.append(std::move(record));
    write_log(r, MetadataWrite{before, 100 * static_cast<std::int64_t>(records.size())}, out);
    if (r.leader() == nullptr) return;
    advance_high_watermark(r, out);
    complete_fetches(r, out);
}

std::optional<Offset> raft_append(Raft& r, LeaderEpoch epoch, std::vector<MetadataRecord> records,
                                  Outbox& out) {
    if (r.leader() == nullptr || epoch != r.epoch() || r.fault != RaftFault::none) {
        return std::nullopt;
    }
    std::vector<RaftRecord> batch;
    batch.reserve(records.size());
    for (MetadataRecord& record : records) {
        batch.push_back({epoch, Shared<MetadataRecord>{std::move(record)}, false});
    }
    if (!batch.empty()) {
        batch.back().ends_batch = true;
        append_records(r, std::move(batch), out);
        out.notes.emplace_back(QuorumTouched{});
    }
    return log_end(r);
}

// The offset that a majority of the voters has on the platter, the leader counting when it is one
// of them (KAFKA-16530).
void advance_high_watermark(Raft& r, Outbox& out) {
    const RaftLeader& leader = std::get<RaftLeader>(r.role);
    const VoterSet& voters = voters_of(r);
    std::vector<Offset> ends;
    for (const auto& [id, voter] : voters.voters) {
        if (voters.contains(r.self) && id == r.self.id) {
            ends.push_back(r.synced_end);
            continue;
        }
        const RaftProgress* progress = leader.replicas.find(voter.key);
        ends.push_back(progress == nullptr ? kNoOffset : progress->end_offset);
    }
    std::sort(ends.begin(), ends.end(), std::greater<>{});
    std::size_t counts = voters.majority();
    if (r.planted_bug == PlantedBug::raft_commits_on_minority && counts > 1) --counts;
    const Offset reached = ends[counts - 1];
    // A record of its own epoch must be on the majority: only then no other log can win against
    // it (Raft, figure 8). KAFKA-12619 was to be content with what stands before that record.
    const bool counts_already = r.config->commit_requires_own_epoch
                                    ? reached > leader.epoch_start_offset
                                    : reached >= leader.epoch_start_offset;
    if (!counts_already || reached <= r.high_watermark) return;
    r.high_watermark = reached;
    complete_voter_change(r, out);
    complete_fetches(r, out);
}

// --- requests -----------------------------------------------------------------------------------

void on_quorum_fetch(Raft& r, const Deliver& d, const QuorumFetchRequest& m, Outbox& out) {
    std::erase_if(r.parked,
                  [&](const ParkedQuorumFetch& p) { return p.connection == d.connection; });
    ErrorCode error = check_leader(r, m.current_leader_epoch);
    if (m.fetch_offset < Offset{0} || m.last_fetched_epoch > m.current_leader_epoch) {
        error = ErrorCode::invalid_request;
    }
    if (error != ErrorCode::none) {
        respond(r, d.connection, d.correlation, fetch_response(r, error), out);
        return;
    }
    const bool served =
        serve_fetch(r, d.connection, d.correlation, m, m.max_wait > Duration{}, out);
    if (served) return;
    const ParkedQuorumFetch parked{d.connection, d.correlation, m.fetch_offset, m.high_watermark};
    r.parked.insert(std::lower_bound(r.parked.begin(), r.parked.end(), parked,
                                     [](const ParkedQuorumFetch& a, const ParkedQuorumFetch& b) {
                                         return a.connection < b.connection;
                                     }),
                    parked);
    out.arm(timer(TimerKind::raft_fetch_wait, d.connection.packed()), m.max_wait);
}

void on_fetch_wait_over(Raft& r, std::uint64_t connection, Outbox& out) {
    for (std::size_t i = 0; i < r.parked.size(); ++i) {
        const ParkedQuorumFetch parked = r.parked[i];
        if (parked.connection.packed() != connection) continue;
        r.parked.erase(r.parked.begin() + static_cast<std::ptrdiff_t>(i));
        QuorumFetchResponse response = fetch_response(r, ErrorCode::none);
        response.base_offset = parked.fetch_offset;
        respond(r, parked.connection, parked.correlation, std::move(response), out);
        return;
    }
}

void on_fetch_snapshot(Raft& r, const Deliver& d, const FetchSnapshotRequest& m, Outbox& out) {
    FetchSnapshotResponse response;
    response.error = check_leader(r, m.current_leader_epoch);
    response.leader = known_leader(r);
    response.leader_epoch = r.epoch();
    response.snapshot = m.snapshot;
    response.position = m.position;
    if (response.error == ErrorCode::none) {
        const MetadataSnapshot* snapshot = r.log.snapshot ? &**r.log.snapshot : nullptr;
        if (snapshot == nullptr || snapshot->id != m.snapshot) {
            response.error = ErrorCode::snapshot_not_found;
        } else {
            // The header counts as a record, so that no snapshot is empty.
            response.size = static_cast<std::int64_t>(snapshot->records.size()) + 1;
            if (m.position < 0 || m.position >= response.size) {
                response.error = ErrorCode::position_out_of_range;
            } else {
                response.voters = snapshot->voters;
                const std::int64_t end =
                    std::min(m.position + std::max(m.max_records, 1), response.size);
                for (std::int64_t i = std::max<std::int64_t>(m.position, 1); i < end; ++i) {
                    response.records.push_back(snapshot->records[static_cast<std::size_t>(i - 1)]);
                }
                count_fetch(r, m.replica, out);
            }
        }
    }
    respond(r, d.connection, d.correlation, std::move(response), out);
}

}  // namespace tribunal
