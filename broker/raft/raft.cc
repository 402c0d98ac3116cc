// Routing, the requests under way, the files, and restarts.
#include "broker/raft/raft.h"

#include <algorithm>

#include "broker/base/check.h"
#include "broker/raft/raft_steps.h"

namespace tribunal {
namespace {

constexpr std::uint64_t kStateToken = std::uint64_t{1} << 63;
constexpr std::uint64_t kSnapshotToken = kStateToken + 1;  // nobody waits for it
constexpr std::uint64_t kLogToken = kStateToken | (std::uint64_t{1} << 62);

// Brokers fetch the log again when they lose its end (followersAlwaysFlush is the controllers').
bool syncs(const Raft& r) { return r.config->flush_before_ack && r.can_become_voter; }

TimerId peer_timer(TimerKind kind, NodeId peer) {
    return timer(kind, static_cast<std::uint64_t>(static_cast<std::uint32_t>(peer.value)));
}

ConnectionKey connection_to(const Raft& r, NodeId peer) {
    return {r.self.id, peer, r.can_become_voter ? Lane::quorum : Lane::metadata_fetch};
}

void send(Raft& r, Send message, Outbox& out) {
    if (r.state_writes_in_flight > 0) {
        r.held.push_back({message.connection, message.is_response, message.correlation,
                          Shared<Message>{std::move(message.message)}});
        return;
    }
    out.effects.emplace_back(std::move(message));
}

void back_off(Raft& r, NodeId peer, Outbox& out) {
    r.peers[peer].backing_off = true;
    out.arm(peer_timer(TimerKind::raft_retry, peer), r.config->retry_backoff);
    // An observer asks others who leads when the leader does not answer.
    if (!is_voter(r) && r.follower() != nullptr && known_leader(r) == peer) {
        on_fetch_timeout(r, out);
    }
}

// What every response says first (maybeHandleCommonResponse). True: there is more in it for the
// present role.
template <class Response>
bool learn_from(Raft& r, const Response& m, Outbox& out) {
    if (m.leader_epoch < r.epoch() || m.error == ErrorCode::unknown_leader_epoch) return false;
    if (m.leader_epoch > r.epoch() || m.error == ErrorCode::fenced_leader_epoch ||
        m.error == ErrorCode::not_leader_or_follower) {
        learn_leader(r, m.leader_epoch, m.leader, out);
        return false;
    }
    if (m.leader != kNoNode && (known_leader(r) == kNoNode || lost_sight_of_leader(r))) {
        if (m.leader == r.self.id) {
            raise_fault(r, RaftFault::leads_unawares, out);
            return false;
        }
        // An observer may learn of the leader and get records by the same answer.
        become_follower(r, m.leader_epoch, m.leader, out);
    }
    return m.error != ErrorCode::invalid_voter_key && r.fault == RaftFault::none;
}

// Whether the answer came to what this node is now. False: the peer is left alone for a while.
bool on_response(Raft& r, NodeId from, const Message& message, Outbox& out) {
    return message.visit(Overloaded{
        [&](const VoteResponse& m) {
            if (learn_from(r, m, out)) on_vote_response(r, from, m, out);
            return true;
        },
        [&](const BeginQuorumEpochResponse& m) {
            if (learn_from(r, m, out)) on_begin_epoch_response(r, from, out);
            return true;
        },
        [&](const EndQuorumEpochResponse& m) {
            if (!learn_from(r, m, out)) return true;
            if (auto* role = std::get_if<RaftResigned>(&r.role)) {
                role->unacknowledged.erase(from);
            }
            return true;
        },
        [&](const QuorumFetchResponse& m) {
            // Deviation: who does not lead, or not yet, is not asked again at once, as Kafka's
            // fetchers do as fast as the answers come.
            if (!learn_from(r, m, out)) return m.error == ErrorCode::none;
            if (r.follower() == nullptr) return true;
            if (m.error != ErrorCode::none) return false;
            on_fetch_response(r, m, out);
            return true;
        },
        [&](const FetchSnapshotResponse& m) {
            if (learn_from(r, m, out) && r.follower() != nullptr) {
                on_snapshot_response(r, m, out);
            }
            return true;
        },
        [&](const UpdateRaftVoterResponse& m) {
            return !learn_from(r, m, out) || on_update_voter_response(r, m, out);
        },
        [&](const auto&) {
            CHECK(!"a response that the quorum never gets");
            return false;
        },
    });
}

void on_sync_done(Raft& r, Offset synced, Outbox& out) {
    CHECK(r.log_sync_in_flight);
    r.log_sync_in_flight = false;
    r.synced_end = std::min(synced, log_end(r));
    if (log_end(r) > r.synced_end) write_log(r, MetadataWrite{log_end(r)}, out);
    if (r.leader() != nullptr) advance_high_watermark(r, out);
}

void on_state_written(Raft& r, Outbox& out) {
    CHECK(r.state_writes_in_flight > 0);
    if (--r.state_writes_in_flight > 0) return;
    for (HeldSend& held : std::exchange(r.held, {})) {
        out.effects.emplace_back(Send{held.connection, held.is_response, held.correlation,
                                      std::move(held.message.edit())});
    }
}

}  // namespace

// --- to look at ---------------------------------------------------------------------------------

RaftConfig raft_config(const BrokerConfig& config) {
    RaftConfig raft;
    raft.election_timeout = config.quorum_election_timeout;
    raft.fetch_timeout = config.quorum_fetch_timeout;
    raft.election_backoff_max = config.quorum_election_backoff_max;
    raft.request_timeout = config.quorum_request_timeout;
    raft.retry_backoff = config.quorum_retry_backoff;
    raft.commit_requires_own_epoch = config.rules.raft_commit_requires_own_epoch;
    raft.flush_before_ack = config.rules.raft_flush_before_ack;
    raft.restart_unattached = config.rules.raft_restart_unattached;
    raft.check_quorum = config.rules.raft_check_quorum;
    raft.pre_vote = config.rules.raft_pre_vote;
    raft.snapshots = config.rules.raft_snapshots;
    raft.reconfiguration = config.rules.raft_reconfiguration;
    raft.version_upgrade = config.rules.raft_version_upgrade;
    raft.fetch_tells_high_watermark = config.rules.raft_fetch_tells_high_watermark;
    return raft;
}

const VoterSet& voters_of(const Raft& r) {
    const VoterSet* voters = r.log.voters_before(r.log.end_offset);
    return voters != nullptr ? *voters : *r.bootstrap_voters;
}
bool is_voter(const Raft& r) { return r.can_become_voter && voters_of(r).contains(r.self); }
// The record of the version stands in one batch with the first one of the voters, and a snapshot
// keeps the voters.
std::int16_t kraft_version_of(const Raft& r) {
    const bool is_dynamic =
        r.config->reconfiguration || r.log.voters_before(r.log.end_offset) != nullptr;
    return is_dynamic ? 1 : 0;
}
NodeId known_leader(const Raft& r) { return r.quorum_state.leader; }

Offset exposed_high_watermark(const Raft& r) {
    const RaftLeader* leader = r.leader();
    if (leader == nullptr || r.high_watermark == kNoOffset) return r.high_watermark;
    const bool shows = r.config->commit_requires_own_epoch
                           ? r.high_watermark > leader->epoch_start_offset
                           : r.high_watermark >= leader->epoch_start_offset;
    return shows ? r.high_watermark : kNoOffset;
}

std::optional<LeaderEpoch> active_epoch(const Raft& r) {
    const RaftLeader* leader = r.leader();
    if (leader == nullptr || r.high_watermark <= leader->epoch_start_offset) return std::nullopt;
    return r.epoch();
}

const char* name_of(const RaftRole& role) {
    constexpr const char* kNames[] = {"unattached", "prospective", "candidate",
                                      "follower",   "leader",      "resigned"};
    static_assert(std::size(kNames) == std::variant_size_v<RaftRole>);
    return kNames[role.index()];
}

// --- requests under way -------------------------------------------------------------------------

bool is_ready(const Raft& r, NodeId peer) {
    const RaftPeer* p = r.peers.find(peer);
    return p == nullptr || (p->in_flight < 0 && !p->backing_off);
}

void request(Raft& r, NodeId peer, Message message, Outbox& out) {
    CHECK(peer != r.self.id && is_ready(r, peer));
    RaftPeer& p = r.peers[peer];
    p.in_flight = 0;
    while (p.stale.contains(p.in_flight)) ++p.in_flight;
    out.arm(peer_timer(TimerKind::raft_request, peer), r.config->request_timeout);
    send(r, {connection_to(r, peer), false, p.in_flight, std::move(message)}, out);
}

void respond(Raft& r, ConnectionKey connection, std::int32_t correlation, Message message,
             Outbox& out) {
    send(r, {connection, true, correlation, std::move(message)}, out);
}

void reset_peers(Raft& r, Outbox& out) {
    for (auto& [peer, p] : r.peers) {
        if (p.in_flight >= 0) {
            p.stale.insert(p.in_flight);
            p.in_flight = -1;
            out.disarm(peer_timer(TimerKind::raft_request, peer));
        }
        if (p.backing_off) {
            p.backing_off = false;
            out.disarm(peer_timer(TimerKind::raft_retry, peer));
        }
    }
    r.peers.erase_if([](const auto& entry) { return entry.second == RaftPeer{}; });
}

// --- files --------------------------------------------------------------------------------------

void write_state(Raft& r, QuorumState next, Outbox& out) {
    if (next == r.quorum_state) return;
    const bool syncs = r.planted_bug != PlantedBug::raft_vote_not_synced;
    out.effects.emplace_back(Write{QuorumStateWrite{r.quorum_state}, syncs, kStateToken});
    r.quorum_state = std::move(next);
    if (syncs) ++r.state_writes_in_flight;
}

void write_log(Raft& r, WriteOp op, Outbox& out) {
    // A snapshot is flushed before it is renamed, whoever loads it.
    const bool is_snapshot = std::holds_alternative<MetadataSnapshotWrite>(op);
    Write write{std::move(op), is_snapshot, kSnapshotToken};
    if (!syncs(r)) {
        r.synced_end = log_end(r);
    } else {
        r.synced_end = std::min(r.synced_end, log_end(r));
        // One sync at a time; what comes meanwhile goes with the next.
        write.sync = !r.log_sync_in_flight;
        write.token = kLogToken | static_cast<std::uint64_t>(log_end(r).value);
        r.log_sync_in_flight = true;
    }
    out.effects.emplace_back(std::move(write));
}

void raise_fault(Raft& r, RaftFault fault, Outbox& out) {
    if (r.fault != RaftFault::none) return;
    r.fault = fault;
    constexpr const char* kWhy[] = {"",
                                    "two leaders of one quorum epoch",
                                    "is told that it leads a quorum epoch, and does not",
                                    "truncation of the metadata log below the high watermark",
                                    "the high watermark of the metadata log goes back",
                                    "a snapshot of the leader's is behind its own metadata log"};
    out.effects.emplace_back(Halt{kWhy[static_cast<std::size_t>(fault)]});
}

// --- inputs -------------------------------------------------------------------------------------

void raft_poll(Raft& r, Outbox& out) {
    if (r.fault != RaftFault::none) return;
    const auto is_unsent = [&](NodeId voter) { return voter != r.self.id && is_ready(r, voter); };
    if (std::holds_alternative<RaftProspective>(r.role)) {
        send_votes(r, true, out);
    } else if (std::holds_alternative<RaftCandidate>(r.role)) {
        send_votes(r, false, out);
    } else if (const auto* resigned = std::get_if<RaftResigned>(&r.role)) {
        const RaftResigned copy = *resigned;
        for (const NodeId voter : copy.unacknowledged) {
            if (!is_unsent(voter)) continue;
            request(r, voter,
                    EndQuorumEpochRequest{r.self.id, r.epoch(), copy.preferred_successors}, out);
        }
    } else if (r.follower() != nullptr) {
        send_fetch(r, known_leader(r), out);
    } else if (std::holds_alternative<RaftUnattached>(r.role) && !is_voter(r)) {
        // One at a time, whoever it is.
        for (const auto& [peer, p] : r.peers) {
            if (p.in_flight >= 0) return;
        }
        const NodeId asked = next_bootstrap(r);
        if (asked != kNoNode) send_fetch(r, asked, out);
    }
}

void raft_request(Raft& r, const Deliver& d, Outbox& out) {
    if (r.fault != RaftFault::none) return;
    d.message.visit(Overloaded{
        [&](const VoteRequest& m) { on_vote(r, d, m, out); },
        [&](const BeginQuorumEpochRequest& m) { on_begin_epoch(r, d, m, out); },
        [&](const EndQuorumEpochRequest& m) { on_end_epoch(r, d, m, out); },
        [&](const QuorumFetchRequest& m) { on_quorum_fetch(r, d, m, out); },
        [&](const FetchSnapshotRequest& m) { on_fetch_snapshot(r, d, m, out); },
        [&](const AddRaftVoterRequest& m) { on_add_voter(r, d, m, out); },
        [&](const RemoveRaftVoterRequest& m) { on_remove_voter(r, d, m, out); },
        [&](const UpdateRaftVoterRequest& m) { on_update_voter(r, d, m, out); },
        [&](const auto&) { CHECK(!"a request that the quorum never gets"); },
    });
    raft_poll(r, out);
    out.notes.emplace_back(QuorumTouched{});
}

void raft_response(Raft& r, const Deliver& d, Outbox& out) {
    if (r.fault != RaftFault::none) return;
    const NodeId from = d.connection.server;
    RaftPeer* peer = r.peers.find(from);
    if (peer == nullptr) return;
    if (peer->in_flight != d.correlation) {
        peer->stale.erase(d.correlation);
        if (*peer == RaftPeer{}) r.peers.erase(from);
        return;
    }
    peer->in_flight = -1;
    out.disarm(peer_timer(TimerKind::raft_request, from));
    if (*peer == RaftPeer{}) r.peers.erase(from);
    const LeaderEpoch epoch = r.epoch();
    const std::size_t role = r.role.index();
    const bool useful = on_response(r, from, d.message, out);
    if (!useful && r.epoch() == epoch && r.role.index() == role) back_off(r, from, out);
    raft_poll(r, out);
    out.notes.emplace_back(QuorumTouched{});
}

void raft_closed(Raft& r, ConnectionKey connection, Outbox& out) {
    if (r.fault != RaftFault::none) return;
    std::erase_if(r.held, [&](const HeldSend& held) { return held.connection == connection; });
    if (connection.client == r.self.id) {
        RaftPeer* peer = r.peers.find(connection.server);
        if (peer == nullptr) return;
        peer->stale.clear();
        const bool waited = peer->in_flight >= 0;
        peer->in_flight = -1;
        if (waited) {
            out.disarm(peer_timer(TimerKind::raft_request, connection.server));
            back_off(r, connection.server, out);
        } else if (*peer == RaftPeer{}) {
            r.peers.erase(connection.server);
        }
        raft_poll(r, out);
        out.notes.emplace_back(QuorumTouched{});
        return;
    }
    for (const ParkedQuorumFetch& parked : r.parked) {
        if (parked.connection == connection) {
            out.disarm(timer(TimerKind::raft_fetch_wait, connection.packed()));
        }
    }
    std::erase_if(r.parked,
                  [&](const ParkedQuorumFetch& parked) { return parked.connection == connection; });
}

bool is_raft_timer(TimerId timer) {
    const TimerKind kind = kind_of(timer);
    return kind >= TimerKind::raft_election && kind <= TimerKind::raft_update_voter;
}

void raft_timer(Raft& r, TimerId id, Outbox& out) {
    if (r.fault != RaftFault::none) return;
    const NodeId peer{static_cast<std::int32_t>(static_cast<std::uint32_t>(key_of(id)))};
    switch (kind_of(id)) {
        case TimerKind::raft_election:
            on_election_timeout(r, out);
            break;
        case TimerKind::raft_fetch:
            if (r.follower() != nullptr) on_fetch_timeout(r, out);
            break;
        case TimerKind::raft_backoff:
            on_backoff_over(r, out);
            break;
        case TimerKind::raft_check_quorum:
            on_check_quorum(r, out);
            break;
        case TimerKind::raft_begin_epoch:
            on_begin_epoch_timer(r, out);
            break;
        case TimerKind::raft_request: {
            // Kafka's network client gives the connection up.
            out.effects.emplace_back(Close{connection_to(r, peer)});
            raft_closed(r, connection_to(r, peer), out);
            return;
        }
        case TimerKind::raft_retry:
            if (RaftPeer* p = r.peers.find(peer)) {
                p->backing_off = false;
                if (*p == RaftPeer{}) r.peers.erase(peer);
            }
            break;
        case TimerKind::raft_fetch_wait:
            on_fetch_wait_over(r, key_of(id), out);
            break;
        case TimerKind::raft_voter_change:
            fail_voter_change(r, ErrorCode::request_timed_out, out);
            break;
        case TimerKind::raft_update_voter:
            if (auto* follower = std::get_if<RaftFollower>(&r.role)) {
                follower->update_due = true;
                out.arm(id, update_voter_period(r));
            }
            break;
        default:
            CHECK(!"a timer of another role");
    }
    raft_poll(r, out);
    out.notes.emplace_back(QuorumTouched{});
}

bool is_raft_token(std::uint64_t token) { return token >= kStateToken; }

void raft_write_done(Raft& r, std::uint64_t token, Outbox& out) {
    if (r.fault != RaftFault::none) return;
    if (token == kStateToken) {
        on_state_written(r, out);
    } else if (token >= kLogToken) {
        on_sync_done(r, Offset{static_cast<std::int64_t>(token - kLogToken)}, out);
    }
    raft_poll(r, out);
    out.notes.emplace_back(QuorumTouched{});
}

// --- snapshots of the state machine
// ---------------------------------------------------------------

void raft_snapshot(Raft& r, Offset end, std::vector<MetadataRecord> records, Outbox& out) {
    if (!r.config->snapshots || end == Offset{0}) return;
    if (r.log.snapshot && (*r.log.snapshot)->id.end_offset >= end) return;
    CHECK(end >= r.log.start_offset && end <= r.high_watermark);
    MetadataSnapshot snapshot;
    snapshot.id = {end, r.log.epoch_before(end)};
    if (const VoterSet* voters = r.log.voters_before(end)) snapshot.voters = *voters;
    snapshot.records = std::move(records);
    MetadataSnapshotWrite write;
    write.log_start_before = r.log.start_offset;
    write.epoch_before = r.log.epoch_before(r.log.start_offset);
    write.snapshot_before = r.log.snapshot;
    write.bytes = 100 * static_cast<std::int64_t>(snapshot.records.size());
    r.log.snapshot = Shared<MetadataSnapshot>{std::move(snapshot)};
    out.effects.emplace_back(Write{std::move(write), true, kSnapshotToken});
    out.notes.emplace_back(QuorumTouched{});
}

void raft_clean(Raft& r, Outbox& out) {
    if (!r.log.snapshot || (*r.log.snapshot)->id.end_offset <= r.log.start_offset) return;
    MetadataSnapshotWrite write;
    write.log_start_before = r.log.start_offset;
    write.epoch_before = r.log.epoch_before(r.log.start_offset);
    write.snapshot_before = r.log.snapshot;
    write.dropped = r.log.clean();
    out.effects.emplace_back(Write{std::move(write), true, kSnapshotToken});
    out.notes.emplace_back(QuorumTouched{});
}

// --- restarts -----------------------------------------------------------------------------------

void raft_start(Raft& r, Outbox& out) {
    const QuorumState& state = r.quorum_state;
    // What a kill left in the page cache only must not count before it is on the platter.
    r.synced_end = Offset{0};
    if (log_end(r) > Offset{0}) write_log(r, MetadataWrite{log_end(r)}, out);
    const bool voter = is_voter(r);
    if (state.epoch < r.log.last_epoch()) {
        become_unattached(r, r.log.last_epoch(), out);
    } else if (state.leader == r.self.id) {
        if (r.config->restart_unattached || !voter) {
            // It must neither vote in this epoch nor reuse its offsets (KAFKA-10527).
            RaftResigned resigned;
            for (const auto& [id, unused] : voters_of(r).voters) {
                if (id != r.self.id) resigned.unacknowledged.insert(id);
            }
            r.role = resigned;
            out.arm_with_jitter(timer(TimerKind::raft_election), r.config->election_timeout,
                                r.config->election_timeout);
        } else {
            become_leader(r, out);
        }
    } else if (voter && state.voted && state.voted->id == r.self.id) {
        RaftCandidate candidate;
        candidate.granted.insert(r.self.id);
        r.role = candidate;
        out.arm_with_jitter(timer(TimerKind::raft_election), r.config->election_timeout,
                            r.config->election_timeout);
    } else if (state.leader != kNoNode && voters_of(r).contains_id(state.leader)) {
        r.role = RaftFollower{};
        out.arm(timer(TimerKind::raft_fetch), r.config->fetch_timeout);
        out.arm(timer(TimerKind::raft_update_voter), update_voter_period(r));
    } else {
        r.role = RaftUnattached{};
        if (voter) {
            out.arm_with_jitter(timer(TimerKind::raft_election), r.config->election_timeout,
                                r.config->election_timeout);
        }
    }
    if (voter && voters_of(r).size() == 1 && r.leader() == nullptr) become_candidate(r, out);
    raft_poll(r, out);
    out.notes.emplace_back(QuorumTouched{});
}

Raft restart(const Raft& r) {
    Raft fresh;
    fresh.self = r.self;
    fresh.endpoint = r.endpoint;
    fresh.can_become_voter = r.can_become_voter;
    fresh.config = r.config;
    fresh.planted_bug = r.planted_bug;
    fresh.bootstrap_voters = r.bootstrap_voters;
    fresh.bootstrap_servers = r.bootstrap_servers;
    fresh.log = r.log;
    fresh.quorum_state = r.quorum_state;
    return fresh;
}

void undo(Raft& r, const MetadataWrite& write) {
    r.log.put_back_end(write.log_end_before, write.dropped);
}
void undo(Raft& r, const MetadataSnapshotWrite& write) {
    r.log.put_back_start(write.log_start_before, write.epoch_before, write.dropped,
                         write.snapshot_before);
}
void undo(Raft& r, const QuorumStateWrite& write) { r.quorum_state = write.before; }

}  // namespace tribunal
