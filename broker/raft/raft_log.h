// The metadata log as a value: records of one offset each, a start that snapshots move up, and the
// newest snapshot (KIP-595, KIP-630). What of it is on the platter is the disk's business.
//
// Records lie in chunks that copies share: a copy costs one pointer a chunk. Chunks begin at
// multiples of kChunkRecords, so equal logs are equal values however they came about.
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "broker/log/replica_log.h"
#include "broker/protocol/raft_messages.h"

namespace tribunal {

// Whether a fetcher's log agrees with this one up to where it fetches from, and if not, what to
// tell it (ValidOffsetAndEpoch).
enum class LogAgreement : std::uint8_t {
    valid,
    diverging,  // truncate to the end of this epoch here
    snapshot,   // what it needs was cleaned: load the snapshot
};

struct RaftLog {
    static constexpr std::int64_t kChunkRecords = 64;
    struct Chunk {
        std::vector<RaftRecord> records;  // never empty
        TRIBUNAL_FIELDS(Chunk, records)
    };

    Offset start_offset{0};  // zero, or where the snapshot ends
    Offset end_offset{0};
    std::vector<Shared<Chunk>> chunks;
    std::optional<Shared<MetadataSnapshot>> snapshot;  // the newest
    // What follows from the records, kept beside them.
    std::vector<EpochEntry> epochs;                               // ascending in both fields
    std::vector<std::pair<Offset, Shared<VoterSet>>> voter_sets;  // by offset of their records
    TRIBUNAL_FIELDS(RaftLog, start_offset, end_offset, chunks, snapshot, epochs, voter_sets)

    void append(RaftRecord record);
    // Drops every record at or above `offset`, which must not be below the start, and returns them.
    std::vector<RaftRecord> truncate_to(Offset offset);
    // A snapshot at or above the log's own records takes their place: the log starts and ends where
    // it ends. Returns the records.
    std::vector<RaftRecord> load(Shared<MetadataSnapshot> loaded);
    // Drops the records that the snapshot stands for; returns them. Nothing without a snapshot.
    std::vector<RaftRecord> clean();

    // Undo: the log ends at `end` again, and then has `dropped`.
    void put_back_end(Offset end, const std::vector<RaftRecord>& dropped);
    // Undo: the log starts at `start` again, after a record of `epoch`, with `dropped` before what
    // it has now, and this snapshot.
    void put_back_start(Offset start, LeaderEpoch epoch, const std::vector<RaftRecord>& dropped,
                        std::optional<Shared<MetadataSnapshot>> before);

    // Null below the start and from the end on.
    const RaftRecord* find(Offset offset) const;
    // Of the record before the end (or the snapshot's); zero when there is none.
    LeaderEpoch last_epoch() const;
    // Of the record before `offset`, which must be in [start, end].
    LeaderEpoch epoch_before(Offset offset) const;
    // The largest epoch <= `epoch` that this log knows, and where it ends here.
    SnapshotId end_of_epoch(LeaderEpoch epoch) const;
    // What a leader tells a replica that fetches from `offset` after a record of `epoch`.
    // Deviation: Kafka sends a snapshot also when the epoch is older than its oldest snapshot but
    // still in the log, to spare itself a truncation.
    LogAgreement agreement(Offset offset, LeaderEpoch epoch, SnapshotId& tell) const;

    // The voters by the last VotersRecord below `offset`; null when there is none.
    const VoterSet* voters_before(Offset offset) const;
    Offset last_voters_offset() const;  // -1: none, or in the snapshot

    // Calls visit(offset, record) for those in [from, until).
    template <class Visit>
    void for_each(Offset from, Offset until, Visit&& visit) const {
        for (Offset o = from < start_offset ? start_offset : from; o < until && o < end_offset;
             o.value += 1) {
            visit(o, *find(o));
        }
    }
};

}  // namespace tribunal
