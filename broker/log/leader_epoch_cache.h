// Which leader epoch began where on this replica (Kafka: LeaderEpochFileCache, KIP-101): the
// memory of leader-epoch-checkpoint, and what decides how far a follower truncates.
//
// Entries ascend in epoch and in start offset. An epoch that wrote nothing may share its start with
// the log end; the next one to begin there replaces it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/base/result.h"
#include "broker/protocol/ids.h"

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

struct LeaderEpochFileCache {
    std::vector<EpochEntry> entries;

    bool empty() const { return entries.empty(); }
    // Remembers that `epoch` starts at `offset` and drops what contradicts it: entries of this or a
    // later epoch, and entries that start there or later. Nothing happens when the latest entry is
    // of this epoch and starts no later. Returns whether the cache changed. Neither may be
    // negative.
    bool assign(LeaderEpoch epoch, Offset offset);
    // Drops the entries that start at `end_offset` or later (truncation). Whether any went.
    bool truncate_from_end(Offset end_offset);
    // Drops the entries below `start_offset`, but the newest of them stays, moved up to it (the log
    // start moved). Whether anything changed.
    bool truncate_from_start(Offset start_offset);
    void clear() { entries.clear(); }

    // kNoLeaderEpoch when empty, or when there is none such.
    LeaderEpoch latest_epoch() const;
    LeaderEpoch previous_epoch() const;  // the one before the latest
    LeaderEpoch previous_epoch(LeaderEpoch epoch) const;
    LeaderEpoch next_epoch(LeaderEpoch epoch) const;
    // The epoch that the record at `offset` was written in.
    LeaderEpoch epoch_for_offset(Offset offset) const;
    // `log_end_offset` is where the latest epoch ends.
    EpochEnd end_offset_for(LeaderEpoch epoch, Offset log_end_offset) const;
    // What the cache would be for a log that has only [start_offset, end_offset).
    std::vector<EpochEntry> entries_in_range(Offset start_offset, Offset end_offset) const;
    TRIBUNAL_FIELDS(LeaderEpochFileCache, entries)
};

}  // namespace tribunal
