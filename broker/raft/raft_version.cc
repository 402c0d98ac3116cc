// What voters tell the leader of themselves (KIP-853), and kraft.version from 0 to 1 while the
// quorum runs (KAFKA-16538).
//
// Fixed voters (controller.quorum.voters) are known by their ids alone, and kraft.version 0 has no
// record to write more into. So each voter tells every new leader of its directory and versions;
// the leader keeps that in memory, and when it knows all of them, it may write the version and the
// voters into the log: from there on they are as if the quorum had been formatted with them.
//
// Deviation: Kafka's batch waits in the accumulator for a moment, in which the leader knows the
// voters no more and is not yet of version 1; here it is in the log by the same step.
#include "broker/base/check.h"
#include "broker/raft/raft_steps.h"

namespace tribunal {
namespace {

// Told is what the leader learns: a voter's directory comes with the versions that it supports.
bool all_have_told(const VoterSet& voters) {
    for (const auto& [id, voter] : voters.voters) {
        if (voter.key.directory == kNoDirectory) return false;
    }
    return true;
}

// UpdateVoterHandler, with kraft.version 0.
ErrorCode remember_told(Raft& r, const Voter& told) {
    auto& leader = std::get<RaftLeader>(r.role);
    if (!active_epoch(r)) return ErrorCode::request_timed_out;
    if (!leader.told_voters) return ErrorCode::unsupported_version;
    Voter* voter = leader.told_voters->edit().voters.find(told.key.id);
    if (voter == nullptr) return ErrorCode::voter_not_found;
    *voter = told;  // whatever directory was told before: the id is all that counts yet
    return ErrorCode::none;
}

ErrorCode write_told(Raft& r, const Voter& told, Outbox& out) {
    if (const ErrorCode error = may_change(r); error != ErrorCode::none) return error;
    VoterSet voters = voters_of(r);
    Voter* voter = voters.voters.find(told.key.id);
    if (voter == nullptr || voter->key != told.key) return ErrorCode::voter_not_found;
    *voter = told;
    append_records(r, {{r.epoch(), Shared<VotersRecord>{VotersRecord{std::move(voters)}}, true}},
                   out);
    return ErrorCode::none;
}

}  // namespace

std::optional<Shared<VoterSet>> told_voters_at_start(const Raft& r) {
    if (kraft_version_of(r) > 0 || !r.config->version_upgrade) return std::nullopt;
    VoterSet voters = voters_of(r);
    if (Voter* self = voters.voters.find(r.self.id)) *self = {r.self, r.endpoint};
    return Shared<VoterSet>{std::move(voters)};
}

bool wants_update(const Raft& r, const RaftFollower& follower) {
    const Voter* self = voters_of(r).voters.find(r.self.id);
    if (kraft_version_of(r) == 0) {
        return r.config->version_upgrade && !follower.has_told && self != nullptr;
    }
    return self != nullptr && self->key == r.self && self->endpoint != r.endpoint;
}

void on_update_voter(Raft& r, const Deliver& d, const UpdateRaftVoterRequest& m, Outbox& out) {
    ErrorCode error = check_leader(r, m.current_leader_epoch);
    if (error == ErrorCode::none) {
        error = kraft_version_of(r) == 0 ? remember_told(r, m.voter) : write_told(r, m.voter, out);
        // Since KAFKA-16538 it counts as a fetch: who tells does not fetch meanwhile.
        if (error == ErrorCode::none && r.leader() != nullptr && r.config->version_upgrade) {
            count_fetch(r, m.voter.key, out);
        }
    }
    respond(r, d.connection, d.correlation,
            UpdateRaftVoterResponse{error, known_leader(r), r.epoch()}, out);
}

bool on_update_voter_response(Raft& r, const UpdateRaftVoterResponse& m, Outbox& out) {
    auto* follower = std::get_if<RaftFollower>(&r.role);
    // Before KAFKA-16538 nobody looked at what the leader says to it.
    if (follower == nullptr || !r.config->version_upgrade) return true;
    // Whoever leads with older software does not want to know. The others hear it again in the next
    // period.
    if (m.error != ErrorCode::none && m.error != ErrorCode::unsupported_version) return false;
    follower->has_told = true;
    // It took the place of a fetch, so that it also shows that there is a leader.
    follower->has_fetched = true;
    out.arm(timer(TimerKind::raft_fetch), r.config->fetch_timeout);
    return true;
}

// FollowerState.updateVoterPeriodMs: three fetch timeouts (KAFKA-16534), one since KAFKA-16538.
// Deviation: once the voters are dynamic, it stays three; only a changed endpoint is told there.
Duration update_voter_period(const Raft& r) {
    const bool is_short = r.config->version_upgrade && kraft_version_of(r) == 0;
    return r.config->fetch_timeout * (is_short ? 1 : 3);
}

// LeaderState.maybeAppendUpgradedKRaftVersion. All of these are INVALID_UPDATE_VERSION.
// Deviation: 3.9 and 4.0 do not ask the quorum. They say yes, and at most what they report changes
// (KAFKA-18979).
std::string_view raft_upgrade_refusal(const Raft& r) {
    const RaftLeader* leader = r.leader();
    if (leader != nullptr && kraft_version_of(r) > 0) return {};
    if (leader == nullptr || !leader->told_voters) {
        return "Invalid upgrade of kraft.version from version KRAFT_VERSION_0 to KRAFT_VERSION_1";
    }
    // Whose directory is not known has not told its versions either, and so supports none but 0.
    if (!all_have_told(**leader->told_voters) &&
        r.planted_bug != PlantedBug::raft_upgrades_untold) {
        return "Invalid upgrade of kraft.version to KRAFT_VERSION_1 because not all of the voters "
               "support it";
    }
    return {};
}

void raft_upgrade_version(Raft& r, Outbox& out) {
    if (r.fault != RaftFault::none || kraft_version_of(r) > 0) return;
    if (!raft_upgrade_refusal(r).empty()) return;
    auto& leader = std::get<RaftLeader>(r.role);
    VoterSet voters = **leader.told_voters;
    leader.told_voters.reset();
    // The same replicas, which now have directories (LeaderState.updateVoterAndObserverStates):
    // what they have fetched goes on counting.
    for (const auto& [id, voter] : voters.voters) {
        const ReplicaKey before{id, kNoDirectory};
        const RaftProgress* progress = leader.replicas.find(before);
        if (progress == nullptr || voter.key == before) continue;
        const RaftProgress kept = *progress;
        leader.replicas.erase(before);
        leader.replicas[voter.key] = kept;
    }
    append_records(r,
                   {{r.epoch(), KRaftVersionRecord{1}, false},
                    {r.epoch(), Shared<VotersRecord>{VotersRecord{std::move(voters)}}, true}},
                   out);
    raft_poll(r, out);
    out.notes.emplace_back(QuorumTouched{});
}

}  // namespace tribunal
