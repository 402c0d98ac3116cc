// The judge's own idea of a partition's committed log, and how to compare a replica's log with it
// at the cost of what is new.
//
// A batch is told by its identity: offsets, leader epoch and CRC. Two batches of one identity are
// the same batch, so bytes are never compared. The bytes of a committed batch are held (shared,
// never copied) until retention passes it: when it is lost, perhaps no replica has them any more,
// and the uids of its records are wanted.
#pragma once

#include <cstdint>
#include <vector>

#include "broker/log/replica_log.h"

namespace tribunal {

struct BatchIdentity {
    Offset base_offset = kNoOffset;  // -1: no batch
    Offset last_offset = kNoOffset;
    LeaderEpoch leader_epoch = kNoLeaderEpoch;
    std::uint32_t crc = 0;
    bool operator==(const BatchIdentity&) const = default;
};
static_assert(sizeof(BatchIdentity) == 24);

inline BatchIdentity identity_of(const RecordBatch& batch) {
    return {batch.base_offset, batch.last_offset(), batch.leader_epoch, batch.crc};
}

// Whether two batches of one place are the same one. Compaction takes records out of a batch, and
// sets its delete horizon, but offsets and leader epoch stay: of a compacted partition the CRC says
// nothing (what may be missing is the storage monitor's business).
inline bool is_same_batch(const BatchIdentity& a, const BatchIdentity& b, bool compacts) {
    return a == b || (compacts && a.base_offset == b.base_offset &&
                      a.last_offset == b.last_offset && a.leader_epoch == b.leader_epoch);
}

// A place in a log, going up. Good until the log changes.
struct BatchCursor {
    const ReplicaLog* log = nullptr;
    ReplicaLog::Place place;

    const RecordBatch* batch() const { return log->at(place); }
    void next() { place = log->next(place); }
};
// At the first batch whose last offset is >= `from`.
inline BatchCursor cursor_at(const ReplicaLog& log, Offset from) {
    return {&log, log.place_of(from)};
}

struct CommittedBatch {
    BatchIdentity identity;
    Payload records;              // empty below the log start
    std::int16_t attributes = 0;  // how they are compressed
};
// The batch again, as far as its records' decoding needs it.
RecordBatch decodable(const CommittedBatch& batch);

// Batches are numbered from the first that was ever committed; numbers stay when the oldest are
// forgotten.
struct CommittedLog {
    // The partition is compacted: replicas clean on their own, so that any of them may lack batches
    // (but not the newest of its log) and have others without some of their records.
    bool compacts = false;
    std::uint64_t first = 0;  // the oldest that is kept
    Offset start{0};          // where the forgotten ones end
    // The highest log start offset that a leader had. Nothing below it is promised any more, and
    // replicas may differ there for good: truncation cannot look below a leader's log start.
    Offset retained_from{0};
    std::vector<CommittedBatch> batches;
    std::uint64_t released = 0;  // batches below this number gave up their bytes

    std::uint64_t size() const { return first + batches.size(); }
    const CommittedBatch& at(std::uint64_t i) const { return batches[i - first]; }
    // Where the batches before number i end.
    Offset end_before(std::uint64_t i) const {
        return i == first ? start : batches[i - first - 1].identity.last_offset + 1;
    }
    Offset end() const { return end_before(size()); }
    // The number of the first batch whose last offset is >= `offset`.
    std::uint64_t number_of(Offset offset) const;

    // Takes the batches of a complete leader's log that lie between end() and its high watermark.
    void extend(const ReplicaLog& log, Offset high_watermark);
    // Forgets the batches from number i on, which a leader whose log ends there lacks, and returns
    // them.
    std::vector<CommittedBatch> roll_back(std::uint64_t i, Offset log_end_offset);
    // Retention or DeleteRecords moved the leader's log start.
    void retain_from(Offset log_start_offset);
    // Forgets batches below `upto` when they are worth it and nobody is promised them.
    void forget(std::uint64_t upto);
};

// How much of the committed log one replica is known to have.
struct Match {
    // It has every committed batch before this one that it must have.
    std::uint64_t matched = 0;
    bool diverged = false;  // it has another batch in the place of this one,
    Offset diverged_above;  // looking from here on
    // Of a compacted partition: what it really has reaches up to this number. Behind it is a gap,
    // which compaction may have made or another history.
    std::uint64_t confirmed = 0;

    // Goes on comparing where it stopped.
    void advance(const CommittedLog& committed, const ReplicaLog& log);
    // The replica's log was cut, or lost its beginning: takes back what no longer holds.
    void recede(const CommittedLog& committed, const ReplicaLog& log);
};

// What two logs have at the first offset of [from, bound) at which they differ; null where one has
// nothing. Both null when they agree. Compacted ones differ only where their batches contradict.
struct Disagreement {
    const RecordBatch* a = nullptr;
    const RecordBatch* b = nullptr;
    explicit operator bool() const { return a != nullptr || b != nullptr; }
};
Disagreement first_disagreement(const ReplicaLog& a, const ReplicaLog& b, Offset from, Offset bound,
                                bool compacts);

// The first batch of `a` from `from` on and wholly below `bound` that `b` has not; null when none.
// (One that compaction may have taken from `b` is none.)
const RecordBatch* first_missing(const ReplicaLog& a, const ReplicaLog& b, Offset from,
                                 Offset bound, bool compacts);

}  // namespace tribunal
