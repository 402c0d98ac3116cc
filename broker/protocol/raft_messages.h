// What the nodes of the KRaft quorum say to each other and keep on disk: voters, the records of the
// metadata log with their control records, snapshots, the quorum-state file, and the requests of
// KIP-595, KIP-630, KIP-853 and KIP-996. No behaviour.
//
// The metadata log has one record an offset. Control records take offsets like any other.
#pragma once

#include <optional>
#include <variant>
#include <vector>

#include "broker/base/shared.h"
#include "broker/protocol/errors.h"
#include "broker/protocol/records.h"

namespace tribunal {

// The id of a formatted metadata directory (a UUID in Kafka): a disk that was replaced has another
// (KIP-853). Zero: unknown, as the voters of controller.quorum.voters have it (kraft.version 0).
using DirectoryId = Strong<struct DirectoryIdTag>;
inline constexpr DirectoryId kNoDirectory{0};

// A node and the directory that its part of the quorum lives in.
struct ReplicaKey {
    NodeId id = kNoNode;
    DirectoryId directory;
    TRIBUNAL_ORDERED_FIELDS(ReplicaKey, id, directory)
};

// A member of the quorum. `endpoint` stands for its listeners and the versions that it supports:
// another number when they changed, which UpdateRaftVoter tells.
struct Voter {
    ReplicaKey key;
    std::int32_t endpoint = 0;
    TRIBUNAL_ORDERED_FIELDS(Voter, key, endpoint)
};

// By node id; no id twice.
struct VoterSet {
    FlatMap<NodeId, Voter> voters;
    TRIBUNAL_FIELDS(VoterSet, voters)

    std::size_t size() const { return voters.size(); }
    std::size_t majority() const { return voters.size() / 2 + 1; }
    // Whether this very replica is a voter. A voter without a directory is known by its id alone.
    bool contains(ReplicaKey key) const {
        const Voter* voter = voters.find(key.id);
        return voter != nullptr && (voter->key.directory == kNoDirectory || voter->key == key);
    }
    bool contains_id(NodeId id) const { return voters.contains(id); }
};

// --- records of the metadata log ----------------------------------------------------------------

// The first record of every leader epoch (LeaderChangeMessage). A record of the epoch has to be
// committed before what stands below is (Raft, figure 8), so there always is one.
struct LeaderChangeRecord {
    NodeId leader;
    TRIBUNAL_FIELDS(LeaderChangeRecord, leader)
};
// kraft.version from here on. Written when a quorum of fixed voters becomes a dynamic one, in one
// batch with the first VotersRecord (KAFKA-16538). Deviation: a quorum that was formatted as a
// dynamic one has no such record; its version is what it was formatted with.
struct KRaftVersionRecord {
    std::int16_t version = 0;
    TRIBUNAL_FIELDS(KRaftVersionRecord, version)
};
// The voters from here on (KIP-853): in force as soon as it is in the log, committed or not.
struct VotersRecord {
    VoterSet voters;
    TRIBUNAL_FIELDS(VotersRecord, voters)
};

using RaftPayload = std::variant<Shared<MetadataRecord>, LeaderChangeRecord, Shared<VotersRecord>,
                                 KRaftVersionRecord>;
struct RaftRecord {
    LeaderEpoch epoch;
    RaftPayload payload;
    bool ends_batch = true;  // a batch is appended, fetched and cut off whole
    TRIBUNAL_FIELDS(RaftRecord, epoch, payload, ends_batch)

    // Null when it is a control record.
    const MetadataRecord* metadata() const {
        const auto* record = std::get_if<Shared<MetadataRecord>>(&payload);
        return record == nullptr ? nullptr : &**record;
    }
    const VotersRecord* voters() const {
        const auto* record = std::get_if<Shared<VotersRecord>>(&payload);
        return record == nullptr ? nullptr : &**record;
    }
};

// Names a snapshot: it stands for every record below `end_offset`, the last of which is of `epoch`.
struct SnapshotId {
    Offset end_offset;
    LeaderEpoch epoch;
    TRIBUNAL_ORDERED_FIELDS(SnapshotId, end_offset, epoch)
};
struct MetadataSnapshot {
    SnapshotId id;
    std::optional<VoterSet> voters;  // of the last VotersRecord below; none: there was none
    std::vector<MetadataRecord> records;
    TRIBUNAL_FIELDS(MetadataSnapshot, id, voters, records)
};

// The quorum-state file: what a voter must not forget. Written whole and synced (a temporary file
// renamed), so that a crash leaves the one before or this one.
struct QuorumState {
    LeaderEpoch epoch{0};
    NodeId leader = kNoNode;          // of this epoch, when it is known
    std::optional<ReplicaKey> voted;  // for whom in this epoch
    TRIBUNAL_FIELDS(QuorumState, epoch, leader, voted)
};

// --- requests -----------------------------------------------------------------------------------

// Every response carries the newest epoch that its sender knows and, when it knows it, the leader
// of that epoch.
struct VoteRequest {
    ReplicaKey candidate;
    DirectoryId voter_directory;  // of the receiver, as the sender has it; zero: unknown
    LeaderEpoch epoch;
    LeaderEpoch last_epoch;  // of the last record of the candidate's log
    Offset last_offset;      // its log end
    bool pre_vote = false;   // KIP-996: could I have your vote? Changes nothing.
    TRIBUNAL_FIELDS(VoteRequest, candidate, voter_directory, epoch, last_epoch, last_offset,
                    pre_vote)
};
struct VoteResponse {
    ErrorCode error = ErrorCode::none;
    NodeId leader = kNoNode;
    LeaderEpoch leader_epoch;
    bool vote_granted = false;
    TRIBUNAL_FIELDS(VoteResponse, error, leader, leader_epoch, vote_granted)
};

// "I lead this epoch": sent to voters that do not fetch.
struct BeginQuorumEpochRequest {
    NodeId leader;
    LeaderEpoch leader_epoch;
    DirectoryId voter_directory;
    TRIBUNAL_FIELDS(BeginQuorumEpochRequest, leader, leader_epoch, voter_directory)
};
struct BeginQuorumEpochResponse {
    ErrorCode error = ErrorCode::none;
    NodeId leader = kNoNode;
    LeaderEpoch leader_epoch;
    TRIBUNAL_FIELDS(BeginQuorumEpochResponse, error, leader, leader_epoch)
};

// "I lead this epoch no more": the first of the successors becomes a candidate at once, the others
// wait longer the further back they stand.
struct EndQuorumEpochRequest {
    NodeId leader;
    LeaderEpoch leader_epoch;
    std::vector<NodeId> preferred_successors;  // voters, longest log first
    TRIBUNAL_FIELDS(EndQuorumEpochRequest, leader, leader_epoch, preferred_successors)
};
struct EndQuorumEpochResponse {
    ErrorCode error = ErrorCode::none;
    NodeId leader = kNoNode;
    LeaderEpoch leader_epoch;
    TRIBUNAL_FIELDS(EndQuorumEpochResponse, error, leader, leader_epoch)
};

// Kafka's Fetch of __cluster_metadata-0 by a voter or an observer.
struct QuorumFetchRequest {
    ReplicaKey replica;
    LeaderEpoch current_leader_epoch;
    Offset fetch_offset;
    LeaderEpoch last_fetched_epoch;  // of the record before
    Duration max_wait;
    Offset high_watermark = kNoOffset;  // of the fetcher: it is told at once of a newer one
    TRIBUNAL_FIELDS(QuorumFetchRequest, replica, current_leader_epoch, fetch_offset,
                    last_fetched_epoch, max_wait, high_watermark)
};
struct QuorumFetchResponse {
    ErrorCode error = ErrorCode::none;
    NodeId leader = kNoNode;
    LeaderEpoch leader_epoch;
    Offset high_watermark = kNoOffset;  // -1: the leader does not know it yet
    // At most one of these two, and then no records: where the logs part, as far as the leader can
    // tell (the fetcher truncates to it); or the snapshot to load instead.
    std::optional<SnapshotId> diverging;
    std::optional<SnapshotId> snapshot;
    Offset base_offset;  // of the first record
    std::vector<RaftRecord> records;
    TRIBUNAL_FIELDS(QuorumFetchResponse, error, leader, leader_epoch, high_watermark, diverging,
                    snapshot, base_offset, records)
};

// A snapshot comes in pieces. Deviation: positions and sizes count records, not bytes.
struct FetchSnapshotRequest {
    ReplicaKey replica;
    LeaderEpoch current_leader_epoch;
    SnapshotId snapshot;
    std::int64_t position = 0;
    std::int32_t max_records = 0;
    TRIBUNAL_FIELDS(FetchSnapshotRequest, replica, current_leader_epoch, snapshot, position,
                    max_records)
};
struct FetchSnapshotResponse {
    ErrorCode error = ErrorCode::none;
    NodeId leader = kNoNode;
    LeaderEpoch leader_epoch;
    SnapshotId snapshot;
    std::int64_t size = 0;  // of the whole
    std::int64_t position = 0;
    std::optional<VoterSet> voters;
    std::vector<MetadataRecord> records;
    TRIBUNAL_FIELDS(FetchSnapshotResponse, error, leader, leader_epoch, snapshot, size, position,
                    voters, records)
};

// KIP-853: one voter more or less. Sent to the leader, by an admin or a controller; answered when
// the change is committed.
struct AddRaftVoterRequest {
    Voter voter;
    Duration timeout = seconds(30);
    TRIBUNAL_FIELDS(AddRaftVoterRequest, voter, timeout)
};
struct AddRaftVoterResponse {
    ErrorCode error = ErrorCode::none;
    TRIBUNAL_FIELDS(AddRaftVoterResponse, error)
};
struct RemoveRaftVoterRequest {
    ReplicaKey voter;
    Duration timeout = seconds(30);
    TRIBUNAL_FIELDS(RemoveRaftVoterRequest, voter, timeout)
};
struct RemoveRaftVoterResponse {
    ErrorCode error = ErrorCode::none;
    TRIBUNAL_FIELDS(RemoveRaftVoterResponse, error)
};
// A voter tells the leader of its own new endpoint; while the voters are fixed, every new leader of
// its directory, too (KAFKA-16538).
struct UpdateRaftVoterRequest {
    LeaderEpoch current_leader_epoch;
    Voter voter;
    TRIBUNAL_FIELDS(UpdateRaftVoterRequest, current_leader_epoch, voter)
};
struct UpdateRaftVoterResponse {
    ErrorCode error = ErrorCode::none;
    NodeId leader = kNoNode;
    LeaderEpoch leader_epoch;
    TRIBUNAL_FIELDS(UpdateRaftVoterResponse, error, leader, leader_epoch)
};

}  // namespace tribunal
