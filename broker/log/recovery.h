// What a broker does with a log that it finds on its disk when it starts (Kafka: LogLoader), and
// the checkpoints that tell it where to begin.
#pragma once

#include "broker/log/replica_log.h"

namespace tribunal {

// What of a log stands in the checkpoint files of its log directory, and so survives the process.
struct LogCheckpoints {
    Offset recovery_point{0};    // recovery-point-offset-checkpoint
    Offset log_start_offset{0};  // log-start-offset-checkpoint
    Offset cleaner = kNoOffset;  // cleaner-offset-checkpoint: first dirty offset; -1: never cleaned
    TRIBUNAL_FIELDS(LogCheckpoints, recovery_point, log_start_offset, cleaner)
};

// Makes of `log`, whose segments and leader epochs are as the disk has them, the log that the
// broker starts with.
//
// After an unclean stop every batch from the segment of the recovery point on is checked against
// its CRC. The first that is not intact goes, with everything behind it; indexes are made anew and
// leader epochs newer than the cache's are added. Then, in any case: leader epochs are cut to the
// log's ends, and the log start is the higher one of its checkpoint and the first segment, so
// DeleteRecords may come undone (KIP-107 accepts it). The recovery point is where it was
// checkpointed, or the log end after a clean shutdown.
//
// Returns how many batches were cut off.
std::size_t load_log(ReplicaLog& log, const LogCheckpoints& checkpoints, bool had_clean_shutdown,
                     const TopicConfig& config);

}  // namespace tribunal
