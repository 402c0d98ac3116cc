// The text of the checkpoint files in a log directory: a version line, the number of entries, and
// one line an entry (Kafka: CheckpointFile).
//
//   recovery-point-offset-checkpoint, replication-offset-checkpoint (the high watermarks),
//   log-start-offset-checkpoint, cleaner-offset-checkpoint:  topic partition offset
//   leader-epoch-checkpoint, beside each log:                epoch start-offset
//
// Kafka writes a temporary file, syncs it and renames it, so a file is there whole or not at all.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "broker/base/result.h"
#include "broker/log/leader_epoch_cache.h"

namespace tribunal {

struct OffsetCheckpointEntry {
    std::string topic;
    std::int32_t partition = 0;
    Offset offset;
    TRIBUNAL_FIELDS(OffsetCheckpointEntry, topic, partition, offset)
};

std::string offset_checkpoint_text(const std::vector<OffsetCheckpointEntry>& entries);
std::string leader_epoch_checkpoint_text(const LeaderEpochFileCache& cache);

// What is wrong with a file, in a sentence that names the line.
struct Malformed {
    std::string why;
    TRIBUNAL_FIELDS(Malformed, why)
};
Result<std::vector<OffsetCheckpointEntry>, Malformed> parse_offset_checkpoint(
    std::string_view text);
// As a cache that is given the entries one by one: one that contradicts an earlier entry takes its
// place.
Result<LeaderEpochFileCache, Malformed> parse_leader_epoch_checkpoint(std::string_view text);

}  // namespace tribunal
