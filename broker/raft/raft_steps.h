// What the parts of the quorum's logic call of each other. For the files of this folder only.
#pragma once

#include "broker/raft/raft.h"

namespace tribunal {

// --- raft.cc: messages and files ----------------------------------------------------------------

// Sends whatever the present role wants sent and its peers are ready for (KafkaRaftClient.poll).
// Called after every input.
void raft_poll(Raft& r, Outbox& out);
// One request at a time to a peer; nothing when there is one under way, or it backs off.
bool is_ready(const Raft& r, NodeId peer);
void request(Raft& r, NodeId peer, Message message, Outbox& out);
void respond(Raft& r, ConnectionKey connection, std::int32_t correlation, Message message,
             Outbox& out);
// Requests under way are given up: their answers belong to another role or epoch.
void reset_peers(Raft& r, Outbox& out);
// The quorum-state file; nothing when it says that already.
void write_state(Raft& r, QuorumState next, Outbox& out);
// The log was changed, as `op` says how to undo it; it is synced when that counts.
void write_log(Raft& r, WriteOp op, Outbox& out);
void raise_fault(Raft& r, RaftFault fault, Outbox& out);

inline Offset log_end(const Raft& r) { return r.log.end_offset; }

// --- raft_election.cc: roles and votes ----------------------------------------------------------

void become_unattached(Raft& r, LeaderEpoch epoch, Outbox& out);
void become_follower(Raft& r, LeaderEpoch epoch, NodeId leader, Outbox& out);
// The fetch or election timeout of a voter is over: an election, with a pre-vote before it.
void begin_election(Raft& r, Outbox& out);
void become_candidate(Raft& r, Outbox& out);
// It knows who leads its epoch and asks the others all the same: an observer whose leader is
// silent, or a node that started again and does not have that one among its voters
// (QuorumState.initialize).
bool lost_sight_of_leader(const Raft& r);
// What a request or response says of its sender's epoch and leader.
void learn_leader(Raft& r, LeaderEpoch epoch, NodeId leader, Outbox& out);
void on_vote(Raft& r, const Deliver& d, const VoteRequest& m, Outbox& out);
void on_vote_response(Raft& r, NodeId from, const VoteResponse& m, Outbox& out);
void on_election_timeout(Raft& r, Outbox& out);
void on_backoff_over(Raft& r, Outbox& out);
void send_votes(Raft& r, bool pre_vote, Outbox& out);

// --- raft_leader.cc: the leader's part ----------------------------------------------------------

void become_leader(Raft& r, Outbox& out);
void resign(Raft& r, Outbox& out);
// Ends what only a leader does: parked fetches and a pending change of voters are refused.
void stop_leading(Raft& r, Outbox& out);
// Appends, replaces the voters when the record is a VotersRecord, syncs.
void append_records(Raft& r, std::vector<RaftRecord> records, Outbox& out);
void advance_high_watermark(Raft& r, Outbox& out);
void on_quorum_fetch(Raft& r, const Deliver& d, const QuorumFetchRequest& m, Outbox& out);
void on_fetch_wait_over(Raft& r, std::uint64_t connection, Outbox& out);
void on_fetch_snapshot(Raft& r, const Deliver& d, const FetchSnapshotRequest& m, Outbox& out);
void on_begin_epoch_timer(Raft& r, Outbox& out);
void on_check_quorum(Raft& r, Outbox& out);
void on_begin_epoch_response(Raft& r, NodeId from, Outbox& out);
// NONE, or why this node does not serve a request that is meant for the leader of `epoch`.
ErrorCode check_leader(const Raft& r, LeaderEpoch epoch);
// Voters in step with the leader keep its check-quorum timer off.
void count_fetch(Raft& r, ReplicaKey replica, Outbox& out);
// The entry of this replica, by the voters' key when it is one.
RaftProgress& progress_of(Raft& r, RaftLeader& leader, ReplicaKey replica);

// --- raft_follower.cc: followers and observers --------------------------------------------------

void send_fetch(Raft& r, NodeId to, Outbox& out);
// Whom an observer without a leader asks.
NodeId next_bootstrap(Raft& r);
void on_begin_epoch(Raft& r, const Deliver& d, const BeginQuorumEpochRequest& m, Outbox& out);
void on_end_epoch(Raft& r, const Deliver& d, const EndQuorumEpochRequest& m, Outbox& out);
void on_fetch_response(Raft& r, const QuorumFetchResponse& m, Outbox& out);
void on_snapshot_response(Raft& r, const FetchSnapshotResponse& m, Outbox& out);
void on_fetch_timeout(Raft& r, Outbox& out);

// --- raft_voters.cc: KIP-853 --------------------------------------------------------------------

// NONE when a change may begin now. What has to wait for something is REQUEST_TIMED_OUT in Kafka,
// at once.
ErrorCode may_change(const Raft& r);
void on_add_voter(Raft& r, const Deliver& d, const AddRaftVoterRequest& m, Outbox& out);
void on_remove_voter(Raft& r, const Deliver& d, const RemoveRaftVoterRequest& m, Outbox& out);
// The high watermark moved: perhaps a change is committed.
void complete_voter_change(Raft& r, Outbox& out);
void fail_voter_change(Raft& r, ErrorCode error, Outbox& out);
// The voters with this node's own endpoint, when the log should say so; for the start of an epoch.
std::optional<VoterSet> voters_to_write(const Raft& r);

// --- raft_version.cc: what voters tell, and kraft.version from 0 to 1 ---------------------------

void on_update_voter(Raft& r, const Deliver& d, const UpdateRaftVoterRequest& m, Outbox& out);
// False: the leader refuses, and is left alone for a while.
bool on_update_voter_response(Raft& r, const UpdateRaftVoterResponse& m, Outbox& out);
// How long a follower fetches before it looks whether there is something to tell.
Duration update_voter_period(const Raft& r);
// Whether this follower has something to tell the leader of itself.
bool wants_update(const Raft& r, const RaftFollower& follower);
// What a new leader knows of its voters with kraft.version 0: nothing but itself.
std::optional<Shared<VoterSet>> told_voters_at_start(const Raft& r);

}  // namespace tribunal
