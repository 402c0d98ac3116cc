// Adding and removing a voter (KIP-853): one change at a time, decided by a leader that has
// committed in its own epoch, in force from the moment its record is in the log.
//
// Deviation: the leader does not ask a new voter for its versions (ApiVersions) first: all nodes of
// a cluster are of one edition here.
#include "broker/base/check.h"
#include "broker/raft/raft_steps.h"

namespace tribunal {

ErrorCode may_change(const Raft& r) {
    const RaftLeader& leader = std::get<RaftLeader>(r.role);
    if (r.planted_bug == PlantedBug::raft_overlapping_voter_changes) return ErrorCode::none;
    if (leader.pending_change || !active_epoch(r)) return ErrorCode::request_timed_out;
    if (kraft_version_of(r) == 0) return ErrorCode::unsupported_version;
    // The change before, of whatever leader, must be committed: two sets of voters in force at once
    // must have majorities that meet.
    if (r.log.last_voters_offset() >= r.high_watermark) return ErrorCode::request_timed_out;
    return ErrorCode::none;
}

namespace {

void change(Raft& r, const Deliver& d, VoterSet voters, bool is_removal, Duration timeout,
            Outbox& out) {
    std::get<RaftLeader>(r.role).pending_change =
        PendingVoterChange{log_end(r), d.connection, d.correlation, is_removal};
    out.arm(timer(TimerKind::raft_voter_change), timeout);
    append_records(r, {{r.epoch(), Shared<VotersRecord>{VotersRecord{std::move(voters)}}, true}},
                   out);
}

void answer(Raft& r, const PendingVoterChange& change, ErrorCode error, Outbox& out) {
    if (change.connection.client == kNoNode) return;
    if (change.is_removal) {
        respond(r, change.connection, change.correlation, RemoveRaftVoterResponse{error}, out);
    } else {
        respond(r, change.connection, change.correlation, AddRaftVoterResponse{error}, out);
    }
}

}  // namespace

std::optional<VoterSet> voters_to_write(const Raft& r) {
    if (kraft_version_of(r) == 0) return std::nullopt;
    VoterSet voters = voters_of(r);
    Voter* self = voters.voters.find(r.self.id);
    if (self == nullptr || self->key.directory == kNoDirectory) return std::nullopt;
    const bool in_log = r.log.voters_before(log_end(r)) != nullptr;
    if (in_log && self->endpoint == r.endpoint) return std::nullopt;
    self->endpoint = r.endpoint;
    return voters;
}

void on_add_voter(Raft& r, const Deliver& d, const AddRaftVoterRequest& m, Outbox& out) {
    const auto refuse = [&](ErrorCode error) {
        respond(r, d.connection, d.correlation, AddRaftVoterResponse{error}, out);
    };
    if (const ErrorCode error = check_leader(r, r.epoch()); error != ErrorCode::none) {
        return refuse(error);
    }
    if (m.voter.key.directory == kNoDirectory) return refuse(ErrorCode::invalid_request);
    if (const ErrorCode error = may_change(r); error != ErrorCode::none) return refuse(error);
    VoterSet voters = voters_of(r);
    if (voters.contains_id(m.voter.key.id)) return refuse(ErrorCode::duplicate_voter);
    // One that is far behind would keep the high watermark back.
    const RaftProgress* progress = std::get<RaftLeader>(r.role).replicas.find(m.voter.key);
    if (progress == nullptr || !progress->caught_up) return refuse(ErrorCode::request_timed_out);
    voters.voters[m.voter.key.id] = m.voter;
    change(r, d, std::move(voters), false, m.timeout, out);
}

void on_remove_voter(Raft& r, const Deliver& d, const RemoveRaftVoterRequest& m, Outbox& out) {
    const auto refuse = [&](ErrorCode error) {
        respond(r, d.connection, d.correlation, RemoveRaftVoterResponse{error}, out);
    };
    if (const ErrorCode error = check_leader(r, r.epoch()); error != ErrorCode::none) {
        return refuse(error);
    }
    if (m.voter.directory == kNoDirectory) return refuse(ErrorCode::invalid_request);
    if (const ErrorCode error = may_change(r); error != ErrorCode::none) return refuse(error);
    VoterSet voters = voters_of(r);
    const Voter* voter = voters.voters.find(m.voter.id);
    // The last one stays: nobody could ever be elected again.
    if (voter == nullptr || voter->key != m.voter || voters.size() == 1) {
        return refuse(ErrorCode::voter_not_found);
    }
    voters.voters.erase(m.voter.id);
    change(r, d, std::move(voters), true, m.timeout, out);
}

void complete_voter_change(Raft& r, Outbox& out) {
    auto& leader = std::get<RaftLeader>(r.role);
    if (leader.pending_change && r.high_watermark > leader.pending_change->offset) {
        const PendingVoterChange done = *std::exchange(leader.pending_change, std::nullopt);
        out.disarm(timer(TimerKind::raft_voter_change));
        answer(r, done, ErrorCode::none, out);
    }
    // A leader that is no voter any more leads until that is committed.
    if (!is_voter(r) && r.log.last_voters_offset() < r.high_watermark) resign(r, out);
}

void fail_voter_change(Raft& r, ErrorCode error, Outbox& out) {
    auto* leader = std::get_if<RaftLeader>(&r.role);
    if (leader == nullptr || !leader->pending_change) return;
    const PendingVoterChange failed = *std::exchange(leader->pending_change, std::nullopt);
    out.disarm(timer(TimerKind::raft_voter_change));
    answer(r, failed, error, out);
}

void raft_client_closed(Raft& r, ConnectionKey connection) {
    std::erase_if(r.held, [&](const HeldSend& held) { return held.connection == connection; });
    auto* leader = std::get_if<RaftLeader>(&r.role);
    if (leader == nullptr || !leader->pending_change) return;
    ConnectionKey& waits = leader->pending_change->connection;
    if (waits == connection) waits.client = kNoNode;
}

}  // namespace tribunal
