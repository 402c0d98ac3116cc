// One replica's log of one partition, as a value: append, read, truncate, delete from the start,
// and the leader epoch cache that decides how far a follower truncates (KIP-101).
//
// Batches lie in chunks that copies share; a copy costs one pointer a chunk, an append after a
// copy clones at most one chunk. What of it has reached the platter is the disk's business.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "broker/base/shared.h"
#include "broker/log/producer_state.h"
#include "broker/protocol/batch.h"

namespace tribunal {

// A leader epoch and the offset at which it began on this replica.
struct EpochEntry {
    LeaderEpoch epoch;
    Offset start_offset;
    TRIBUNAL_FIELDS(EpochEntry, epoch, start_offset)
};

// The answer to OffsetsForLeaderEpoch: the largest epoch <= the requested one that this log has,
// and where it ends. (-1, -1) when unknown.
struct EpochEnd {
    LeaderEpoch epoch = kNoLeaderEpoch;
    Offset end_offset = kNoOffset;
    TRIBUNAL_FIELDS(EpochEnd, epoch, end_offset)
};

struct ReplicaLog {
    static constexpr std::size_t kChunkBatches = 64;
    struct Chunk {
        std::vector<RecordBatch> batches;  // never empty once in a log
        TRIBUNAL_FIELDS(Chunk, batches)
    };

    Offset log_start_offset{0};
    Offset log_end_offset{0};
    std::int64_t size_in_bytes = 0;
    std::vector<Shared<Chunk>> chunks;
    std::vector<EpochEntry> epochs;  // ascending in both fields
    ProducerState producers;         // of the batches in it; costs nothing while there are none

    // Appends a batch that has its base offset and leader epoch. The base offset must not be below
    // the log end (a gap is legal: compaction makes them).
    void append(RecordBatch batch);
    // Drops every batch with an offset >= `offset` (a batch that straddles it goes whole), sets the
    // log end to `offset` or below, and returns what was dropped, in offset order.
    std::vector<RecordBatch> truncate_to(Offset offset);
    // Moves the log start up (retention, DeleteRecords) and drops whole chunks below it.
    void advance_start(Offset offset);
    // Forgets everything and starts empty at `offset` (follower below the leader's log start).
    void truncate_fully_and_start_at(Offset offset);

    bool empty() const { return chunks.empty(); }
    // Batches from the one that holds `from` up to, not including, the first that reaches beyond
    // `upper`; stops after `max_bytes`, but gives at least one batch (KIP-74).
    void read(Offset from, Offset upper, std::int64_t max_bytes,
              std::vector<RecordBatch>& out) const;
    // The batch that holds `offset`, or the first after it; null when there is none.
    const RecordBatch* find(Offset offset) const;
    const RecordBatch* last() const;

    // The epoch of the newest entry; kNoLeaderEpoch when none.
    LeaderEpoch latest_epoch() const;
    // Remembers that `epoch` starts at `offset` unless it is known already.
    void assign_epoch(LeaderEpoch epoch, Offset offset);
    EpochEnd end_offset_for(LeaderEpoch epoch) const;

    template <class Visit>
    void for_each_batch(Offset from, Visit&& visit) const {
        for (std::size_t c = chunk_of(from); c < chunks.size(); ++c) {
            for (const RecordBatch& batch : chunks[c]->batches) {
                if (batch.last_offset() >= from) visit(batch);
            }
        }
    }
    TRIBUNAL_FIELDS(ReplicaLog, log_start_offset, log_end_offset, size_in_bytes, chunks, epochs,
                    producers)

    // Index of the first chunk whose last offset is >= `offset`.
    std::size_t chunk_of(Offset offset) const;
};

}  // namespace tribunal
