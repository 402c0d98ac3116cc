// Roles and votes: who may become what, who gets a vote, and what is written before it is said
// (KIP-595, KIP-996).
#include <algorithm>

#include "broker/base/check.h"
#include "broker/raft/raft_steps.h"

namespace tribunal {
namespace {

constexpr Duration kBackoffBase = milliseconds(100);  // RETRY_BACKOFF_BASE_MS
constexpr std::int32_t kMostRetries = 10;             // the backoff is at its maximum by then

void arm_election(const Raft& r, Outbox& out) {
    out.arm_with_jitter(timer(TimerKind::raft_election), r.config->election_timeout,
                        r.config->election_timeout);
}

bool is_same(ReplicaKey voted, ReplicaKey candidate) {
    return voted.id == candidate.id &&
           (voted.directory == kNoDirectory || voted.directory == candidate.directory);
}

// Raft's rule: the candidate's log is not behind (OffsetAndEpoch.compareTo).
bool is_up_to_date(const Raft& r, const VoteRequest& m) {
    if (r.planted_bug == PlantedBug::raft_votes_for_shorter_log) return true;
    if (m.last_epoch != r.log.last_epoch()) return m.last_epoch > r.log.last_epoch();
    return m.last_offset >= log_end(r);
}

bool may_grant(const Raft& r, const VoteRequest& m) {
    const bool up_to_date = is_up_to_date(r, m);
    if (std::holds_alternative<RaftUnattached>(r.role) ||
        std::holds_alternative<RaftProspective>(r.role)) {
        if (m.pre_vote) return up_to_date;
        if (r.quorum_state.voted) return is_same(*r.quorum_state.voted, m.candidate);
        return known_leader(r) == kNoNode && up_to_date;
    }
    // In its own epoch it has voted for itself, or there is a leader.
    if (!m.pre_vote || r.leader() != nullptr) return false;
    const RaftFollower* follower = r.follower();
    return up_to_date && (follower == nullptr || !follower->has_fetched);
}

// Waits twice as long after every election, up to the maximum; how long, is drawn.
void start_backing_off(Raft& r, RaftCandidate& candidate, Outbox& out) {
    candidate.backing_off = true;
    const Duration most =
        std::min(kBackoffBase * (std::int64_t{2} << std::min(candidate.retries - 1, kMostRetries)),
                 r.config->election_backoff_max);
    out.arm_with_jitter(timer(TimerKind::raft_backoff), Duration{}, most);
}

bool has_majority(const Raft& r, const FlatSet<NodeId>& voters) {
    return voters.size() >= voters_of(r).majority();
}
// No majority can be had any more.
bool has_lost(const Raft& r, const FlatSet<NodeId>& rejected) {
    return voters_of(r).size() - rejected.size() < voters_of(r).majority();
}

void disarm_role_timers(Outbox& out) {
    for (const TimerKind kind :
         {TimerKind::raft_fetch, TimerKind::raft_backoff, TimerKind::raft_check_quorum,
          TimerKind::raft_begin_epoch, TimerKind::raft_update_voter}) {
        out.disarm(timer(kind));
    }
}

// A prospective candidate that cannot win goes back to the leader that it knows, if any.
void give_up_election(Raft& r, Outbox& out) {
    if (known_leader(r) != kNoNode) {
        become_follower(r, r.epoch(), known_leader(r), out);
        return;
    }
    r.role = RaftUnattached{};
    reset_peers(r, out);
    arm_election(r, out);
}

void become_prospective(Raft& r, Outbox& out) {
    RaftProspective prospective;
    prospective.granted.insert(r.self.id);
    r.role = std::move(prospective);
    disarm_role_timers(out);
    reset_peers(r, out);
    arm_election(r, out);
    if (has_majority(r, std::get<RaftProspective>(r.role).granted)) become_candidate(r, out);
}

}  // namespace

// --- roles --------------------------------------------------------------------------------------

void become_unattached(Raft& r, LeaderEpoch epoch, Outbox& out) {
    CHECK(epoch > r.epoch());
    // Who waits for an election to end goes on waiting: time is not given anew with each epoch.
    const auto* candidate = std::get_if<RaftCandidate>(&r.role);
    const auto* prospective = std::get_if<RaftProspective>(&r.role);
    const bool keeps_timer = std::holds_alternative<RaftUnattached>(r.role) ||
                             std::holds_alternative<RaftResigned>(r.role) ||
                             (candidate != nullptr && !candidate->backing_off) ||
                             (prospective != nullptr && !has_lost(r, prospective->rejected));
    write_state(r, {epoch, kNoNode, std::nullopt}, out);
    stop_leading(r, out);
    r.role = RaftUnattached{};
    disarm_role_timers(out);
    reset_peers(r, out);
    if (!is_voter(r)) {
        out.disarm(timer(TimerKind::raft_election));
    } else if (!keeps_timer) {
        arm_election(r, out);
    }
}

void become_follower(Raft& r, LeaderEpoch epoch, NodeId leader, Outbox& out) {
    CHECK(leader != r.self.id && epoch >= r.epoch());
    write_state(r, {epoch, leader, std::nullopt}, out);
    stop_leading(r, out);
    r.role = RaftFollower{};
    disarm_role_timers(out);
    out.disarm(timer(TimerKind::raft_election));
    reset_peers(r, out);
    out.arm(timer(TimerKind::raft_fetch), r.config->fetch_timeout);
    if (r.can_become_voter && (kraft_version_of(r) > 0 || r.config->version_upgrade)) {
        out.arm(timer(TimerKind::raft_update_voter), update_voter_period(r));
    }
}

void begin_election(Raft& r, Outbox& out) {
    if (r.config->pre_vote) {
        become_prospective(r, out);
    } else {
        become_candidate(r, out);
    }
}

void become_candidate(Raft& r, Outbox& out) {
    // Only a voter may (KAFKA-17067): callers see to it.
    CHECK(is_voter(r) || r.planted_bug == PlantedBug::raft_observer_becomes_candidate);
    const auto* before = std::get_if<RaftCandidate>(&r.role);
    RaftCandidate candidate;
    candidate.granted.insert(r.self.id);
    if (before != nullptr) candidate.retries = std::min(before->retries + 1, kMostRetries);
    write_state(r, {LeaderEpoch{r.epoch().value + 1}, kNoNode, r.self}, out);
    r.role = std::move(candidate);
    disarm_role_timers(out);
    reset_peers(r, out);
    arm_election(r, out);
    if (has_majority(r, std::get<RaftCandidate>(r.role).granted)) become_leader(r, out);
}

bool lost_sight_of_leader(const Raft& r) {
    return std::holds_alternative<RaftUnattached>(r.role) && known_leader(r) != kNoNode;
}

void learn_leader(Raft& r, LeaderEpoch epoch, NodeId leader, Outbox& out) {
    if (epoch < r.epoch()) return;
    const bool known = epoch == r.epoch() && known_leader(r) != kNoNode;
    if (leader == r.self.id && !(known && leader == known_leader(r))) {
        raise_fault(r, RaftFault::leads_unawares, out);
        return;
    }
    if (leader != kNoNode && known && leader != known_leader(r)) {
        raise_fault(r, RaftFault::inconsistent_leader, out);
        return;
    }
    if (epoch > r.epoch()) {
        if (leader != kNoNode) {
            become_follower(r, epoch, leader, out);
        } else {
            become_unattached(r, epoch, out);
        }
    } else if (leader != kNoNode && (!known || lost_sight_of_leader(r))) {
        become_follower(r, epoch, leader, out);
    }
}

// --- votes --------------------------------------------------------------------------------------

void on_vote(Raft& r, const Deliver& d, const VoteRequest& m, Outbox& out) {
    const auto answer = [&](ErrorCode error, bool granted) {
        respond(r, d.connection, d.correlation,
                VoteResponse{error, known_leader(r), r.epoch(), granted}, out);
    };
    if (m.pre_vote && !r.config->pre_vote) return answer(ErrorCode::unsupported_version, false);
    const bool has_log_of_its_epoch = m.pre_vote ? m.last_epoch > m.epoch : m.last_epoch >= m.epoch;
    if (m.last_offset < Offset{0} || has_log_of_its_epoch) {
        return answer(ErrorCode::invalid_request, false);
    }
    if (m.epoch < r.epoch()) return answer(ErrorCode::fenced_leader_epoch, false);
    if (m.epoch > r.epoch()) become_unattached(r, m.epoch, out);
    if (m.voter_directory != kNoDirectory && m.voter_directory != r.self.directory) {
        return answer(ErrorCode::invalid_voter_key, false);
    }
    const bool granted = may_grant(r, m);
    if (granted && !m.pre_vote && !r.quorum_state.voted) {
        write_state(r, {r.epoch(), kNoNode, m.candidate}, out);
        if (std::holds_alternative<RaftProspective>(r.role)) {
            // Its own election starts over behind the one that it supports.
            RaftProspective again;
            again.granted.insert(r.self.id);
            r.role = std::move(again);
            reset_peers(r, out);
        }
        // The candidate is at least as likely to win: it gets its time.
        if (is_voter(r)) arm_election(r, out);
    }
    answer(ErrorCode::none, granted);
}

void send_votes(Raft& r, bool pre_vote, Outbox& out) {
    const auto ask = [&](const FlatSet<NodeId>& granted, const FlatSet<NodeId>& rejected) {
        if (has_lost(r, rejected)) return;
        for (const auto& [id, voter] : voters_of(r).voters) {
            if (id == r.self.id || granted.contains(id) || rejected.contains(id)) continue;
            if (!is_ready(r, id)) continue;
            request(r, id,
                    VoteRequest{r.self, voter.key.directory, r.epoch(), r.log.last_epoch(),
                                log_end(r), pre_vote},
                    out);
        }
    };
    if (const auto* prospective = std::get_if<RaftProspective>(&r.role)) {
        ask(prospective->granted, prospective->rejected);
    } else if (const auto* candidate = std::get_if<RaftCandidate>(&r.role)) {
        if (!candidate->backing_off) ask(candidate->granted, candidate->rejected);
    }
}

void on_vote_response(Raft& r, NodeId from, const VoteResponse& m, Outbox& out) {
    if (auto* prospective = std::get_if<RaftProspective>(&r.role)) {
        // A voter of before KIP-996: without pre-votes then.
        if (m.error == ErrorCode::unsupported_version) return become_candidate(r, out);
        (m.vote_granted ? prospective->granted : prospective->rejected).insert(from);
        if (has_majority(r, prospective->granted)) {
            become_candidate(r, out);
        } else if (has_lost(r, prospective->rejected)) {
            give_up_election(r, out);
        }
    } else if (auto* candidate = std::get_if<RaftCandidate>(&r.role)) {
        (m.vote_granted ? candidate->granted : candidate->rejected).insert(from);
        if (has_majority(r, candidate->granted)) {
            become_leader(r, out);
        } else if (has_lost(r, candidate->rejected) && !candidate->backing_off) {
            start_backing_off(r, *candidate, out);
        }
    }
}

// --- timers -------------------------------------------------------------------------------------

void on_election_timeout(Raft& r, Outbox& out) {
    const bool may_stand =
        is_voter(r) || r.planted_bug == PlantedBug::raft_observer_becomes_candidate;
    if (std::holds_alternative<RaftUnattached>(r.role)) {
        if (may_stand) begin_election(r, out);
    } else if (std::holds_alternative<RaftProspective>(r.role)) {
        give_up_election(r, out);
    } else if (auto* candidate = std::get_if<RaftCandidate>(&r.role)) {
        if (!candidate->backing_off) start_backing_off(r, *candidate, out);
    } else if (std::holds_alternative<RaftResigned>(r.role)) {
        if (may_stand && !r.config->pre_vote) {
            become_candidate(r, out);
        } else {
            // It cannot vote in the epoch that it led; and nobody must take it for the leader.
            become_unattached(r, LeaderEpoch{r.epoch().value + 1}, out);
            if (is_voter(r)) arm_election(r, out);
        }
    }
}

void on_backoff_over(Raft& r, Outbox& out) {
    if (!std::holds_alternative<RaftCandidate>(r.role)) return;
    if (r.config->pre_vote) {
        become_prospective(r, out);
    } else {
        become_candidate(r, out);
    }
}

}  // namespace tribunal
