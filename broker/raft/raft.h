// One node's part in the KRaft quorum (KIP-595, 630, 853, 996): who leads, what is in the metadata
// log and how much of it is committed. Voters elect and are counted; observers (brokers) only
// fetch. Kafka's KafkaRaftClient, QuorumState and LeaderState as a value with free functions.
//
// What the state machine on top of it does:
//   - routes to it what arrives on Lane::quorum between controllers, what a controller gets from
//     brokers (observers) on Lane::metadata_fetch, a broker's answers on that lane, its timers
//     (is_raft_timer) and its write tokens (is_raft_token);
//   - after every call, applies what is new below high_watermark, from the snapshot on when its
//     next offset is below the log's start;
//   - acts as the active controller while active_epoch() says so, and appends by raft_append().
//
// What it must never do: answer or count anything that is not on the platter. While the
// quorum-state file is being written nothing leaves the node (Kafka writes it in between, on the
// only thread that there is); a follower fetches on, and a leader counts itself, when the log is
// synced (KAFKA-10533).
#pragma once

#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "broker/protocol/effects.h"
#include "broker/raft/raft_log.h"

namespace tribunal {

// Settings (controller.quorum.*) and rules that Kafka changed.
struct RaftConfig {
    Duration election_timeout = seconds(1);
    Duration fetch_timeout = seconds(2);
    Duration election_backoff_max = seconds(1);
    Duration request_timeout = seconds(2);
    Duration retry_backoff = milliseconds(20);
    Duration fetch_max_wait = milliseconds(500);  // MAX_FETCH_WAIT_MS
    std::int32_t fetch_max_records = 500;         // in place of MAX_FETCH_SIZE_BYTES
    std::int32_t snapshot_max_records = 500;      // of one FetchSnapshot
    bool commit_requires_own_epoch = true;        // KAFKA-12619
    bool flush_before_ack = true;                 // KAFKA-10533
    bool restart_unattached = true;               // KAFKA-10527
    bool check_quorum = true;                     // KAFKA-15489
    bool pre_vote = true;                         // KIP-996
    bool snapshots = true;                        // KIP-630
    bool reconfiguration = true;                  // KIP-853: formatted with kraft.version 1
    bool version_upgrade = true;                  // KAFKA-16538: from kraft.version 0 to 1
    bool fetch_tells_high_watermark = true;       // KIP-1166: a parked fetch waits for it, too
    TRIBUNAL_FIELDS(RaftConfig, election_timeout, fetch_timeout, election_backoff_max,
                    request_timeout, retry_backoff, fetch_max_wait, fetch_max_records,
                    snapshot_max_records, commit_requires_own_epoch, flush_before_ack,
                    restart_unattached, check_quorum, pre_vote, snapshots, reconfiguration,
                    version_upgrade, fetch_tells_high_watermark)
};
RaftConfig raft_config(const BrokerConfig& config);

// --- roles --------------------------------------------------------------------------------------

// Knows no leader of its epoch.
struct RaftUnattached {
    bool operator==(const RaftUnattached&) const = default;
};
inline void fold(Digest&, RaftUnattached) {}
// Asks whether it could win before it makes the others busy (KIP-996). A leader that it knows it
// goes back to when it could not.
struct RaftProspective {
    FlatSet<NodeId> granted;
    FlatSet<NodeId> rejected;
    TRIBUNAL_FIELDS(RaftProspective, granted, rejected)
};
struct RaftCandidate {
    FlatSet<NodeId> granted;
    FlatSet<NodeId> rejected;
    std::int32_t retries = 1;  // elections in a row; doubles the backoff up to its maximum
    bool backing_off = false;
    TRIBUNAL_FIELDS(RaftCandidate, granted, rejected, retries, backing_off)
};
// A snapshot on its way from the leader.
struct SnapshotDownload {
    SnapshotId id;
    bool has_header = false;
    std::optional<VoterSet> voters;
    std::vector<MetadataRecord> records;
    TRIBUNAL_FIELDS(SnapshotDownload, id, has_header, voters, records)
};
struct RaftFollower {
    bool has_fetched = false;  // the leader has answered: a pre-vote is refused (KIP-996)
    bool update_due = false;   // tell the leader of this voter's endpoint before the next fetch
    bool has_told = false;     // ... which this leader knows: asked for with kraft.version 0 only
    std::optional<Shared<SnapshotDownload>> download;
    TRIBUNAL_FIELDS(RaftFollower, has_fetched, update_due, has_told, download)
};
// What the leader knows of a replica that fetches.
struct RaftProgress {
    Offset end_offset = kNoOffset;  // it has everything below, synced; -1: not heard of
    bool acknowledged = false;      // knows this leader
    bool caught_up = false;         // has been at the leader's log end in this epoch
    TRIBUNAL_FIELDS(RaftProgress, end_offset, acknowledged, caught_up)
};
// A change of voters that waits for its record to be committed, and who asked for it.
struct PendingVoterChange {
    Offset offset;  // of the VotersRecord
    ConnectionKey connection;
    std::int32_t correlation = 0;
    bool is_removal = false;
    TRIBUNAL_FIELDS(PendingVoterChange, offset, connection, correlation, is_removal)
};
struct RaftLeader {
    Offset epoch_start_offset;                   // of its LeaderChangeRecord
    FlatMap<ReplicaKey, RaftProgress> replicas;  // the others: voters, and observers that fetched
    FlatSet<NodeId> fetched_voters;              // since the check-quorum timer was set
    std::optional<PendingVoterChange> pending_change;
    // With kraft.version 0: the voters as they told this leader. Nobody else has it, so that the
    // next leader begins anew (KRaftVersionUpgrade.Voters).
    std::optional<Shared<VoterSet>> told_voters;
    TRIBUNAL_FIELDS(RaftLeader, epoch_start_offset, replicas, fetched_voters, pending_change,
                    told_voters)
};
// Has led this epoch and does not any more; tells the others until a new epoch begins.
struct RaftResigned {
    FlatSet<NodeId> unacknowledged;
    std::vector<NodeId> preferred_successors;
    TRIBUNAL_FIELDS(RaftResigned, unacknowledged, preferred_successors)
};
using RaftRole = std::variant<RaftUnattached, RaftProspective, RaftCandidate, RaftFollower,
                              RaftLeader, RaftResigned>;

// --- the node -----------------------------------------------------------------------------------

// What must never happen: Kafka throws, and the process ends by its fault handler.
enum class RaftFault : std::uint8_t {
    none,
    inconsistent_leader,              // two nodes say that they lead one epoch
    leads_unawares,                   // it is said to lead an epoch, and does not
    truncation_below_high_watermark,  // KAFKA-12460
    high_watermark_goes_back,         // FollowerState.updateHighWatermark
    snapshot_behind_log,              // handleFetchSnapshotResponse: "full log truncation expected"
};

// The one request that is under way to a peer (RequestManager). An answer to another correlation
// is old and ignored.
struct RaftPeer {
    std::int32_t in_flight = -1;  // correlation; -1: none
    bool backing_off = false;
    FlatSet<std::int32_t> stale;  // requests given up whose answers may still come
    TRIBUNAL_FIELDS(RaftPeer, in_flight, backing_off, stale)
};
struct ParkedQuorumFetch {
    ConnectionKey connection;
    std::int32_t correlation = 0;
    Offset fetch_offset;
    Offset high_watermark = kNoOffset;  // as the fetcher knows it
    TRIBUNAL_FIELDS(ParkedQuorumFetch, connection, correlation, fetch_offset, high_watermark)
};
// A message that leaves when the quorum-state file is synced.
struct HeldSend {
    ConnectionKey connection;
    bool is_response = false;
    std::int32_t correlation = 0;
    Shared<Message> message;
    TRIBUNAL_FIELDS(HeldSend, connection, is_response, correlation, message)
};

struct Raft {
    ReplicaKey self;
    std::int32_t endpoint = 0;     // see Voter
    bool can_become_voter = true;  // process.roles has controller; brokers never sync the log
    Shared<RaftConfig> config;
    PlantedBug planted_bug = PlantedBug::none;
    // controller.quorum.voters, or the voters that the directory was formatted with (KIP-853): in
    // force until the log says others. Empty: an observer that learns them from the log.
    Shared<VoterSet> bootstrap_voters;
    // controller.quorum.bootstrap.servers: whom to ask who leads; empty: the voters.
    std::vector<NodeId> bootstrap_servers;

    // Persisted.
    RaftLog log;
    QuorumState quorum_state;

    // Volatile.
    RaftRole role;
    Offset high_watermark = kNoOffset;  // -1: not known yet
    Offset synced_end{0};               // the log below is on the platter
    bool log_sync_in_flight = false;
    std::int32_t state_writes_in_flight = 0;
    std::vector<HeldSend> held;
    FlatMap<NodeId, RaftPeer> peers;
    std::vector<ParkedQuorumFetch> parked;  // by connection
    std::int32_t next_bootstrap = 0;        // whom to ask next who leads
    RaftFault fault = RaftFault::none;
    TRIBUNAL_FIELDS(Raft, self, endpoint, can_become_voter, config, planted_bug, bootstrap_voters,
                    bootstrap_servers, log, quorum_state, role, high_watermark, synced_end,
                    log_sync_in_flight, state_writes_in_flight, held, peers, parked, next_bootstrap,
                    fault)

    LeaderEpoch epoch() const { return quorum_state.epoch; }
    const RaftLeader* leader() const { return std::get_if<RaftLeader>(&role); }
    const RaftFollower* follower() const { return std::get_if<RaftFollower>(&role); }
};

// The voters in force: of the last VotersRecord in the log, committed or not.
const VoterSet& voters_of(const Raft& r);
bool is_voter(const Raft& r);
// 1 when voters can be added and removed, else 0; of the whole log, committed or not.
std::int16_t kraft_version_of(const Raft& r);
// The leader of r.epoch(), as far as this node knows; kNoNode. It may be this node, resigned.
NodeId known_leader(const Raft& r);
// What a leader says the high watermark is: -1 until a record of its own epoch is committed, since
// until then it cannot know what was committed before. Of others, what they know.
Offset exposed_high_watermark(const Raft& r);
// The epoch in which this node may act as the active controller: it leads, and its own LeaderChange
// record is committed, so that it has seen everything that was committed before (handleLeaderChange
// fires when the listener has caught up with the start of the epoch).
std::optional<LeaderEpoch> active_epoch(const Raft& r);
// "leader", "follower", ...; observers are followers or unattached too.
const char* name_of(const RaftRole& role);

// --- inputs -------------------------------------------------------------------------------------

void raft_start(Raft& r, Outbox& out);
// What arrives on those lanes: a request, or the response to one of its own.
void raft_request(Raft& r, const Deliver& d, Outbox& out);
void raft_response(Raft& r, const Deliver& d, Outbox& out);
void raft_closed(Raft& r, ConnectionKey connection, Outbox& out);
// The connection of a broker that forwarded somebody's change of voters: the change goes on, and
// nobody is told.
void raft_client_closed(Raft& r, ConnectionKey connection);
bool is_raft_timer(TimerId timer);
void raft_timer(Raft& r, TimerId timer, Outbox& out);
// Its writes: the quorum-state file 2^63, a snapshot 2^63 + 1, the log 2^63 + 2^62 + its end.
bool is_raft_token(std::uint64_t token);
void raft_write_done(Raft& r, std::uint64_t token, Outbox& out);

// Appends records as one batch, if this node leads `epoch` (else nothing, and none is returned:
// NotLeaderException). Returns the offset behind the last one: they are committed when
// high_watermark reaches it, and lost when the node stops leading `epoch` before that.
std::optional<Offset> raft_append(Raft& r, LeaderEpoch epoch, std::vector<MetadataRecord> records,
                                  Outbox& out);
// Why the leader does not raise kraft.version to 1, in Kafka's words; empty: it would, or has.
std::string_view raft_upgrade_refusal(const Raft& r);
// Raises it, when nothing speaks against that and it is not 1 already.
void raft_upgrade_version(Raft& r, Outbox& out);
// The leader of `epoch` gives up, as on an orderly end or when the state machine failed to apply.
void raft_resign(Raft& r, LeaderEpoch epoch, Outbox& out);
// A snapshot of the state machine: `records` stand for everything below `end`, which must be
// committed. Nothing when there is one as new already, or under an edition without snapshots.
void raft_snapshot(Raft& r, Offset end, std::vector<MetadataRecord> records, Outbox& out);
// Drops the part of the log that the snapshot stands for (metadata.max.retention.*).
void raft_clean(Raft& r, Outbox& out);

// --- restarts -----------------------------------------------------------------------------------

// What is left when the process ends: the same files, nothing else.
Raft restart(const Raft& r);
// The page cache is lost: undoes one unsynced write, newest first, after restart().
void undo(Raft& r, const MetadataWrite& write);
void undo(Raft& r, const MetadataSnapshotWrite& write);
void undo(Raft& r, const QuorumStateWrite& write);

}  // namespace tribunal
