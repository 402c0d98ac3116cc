// Which old segments go: retention.ms, retention.bytes and the log start offset
// (UnifiedLog.deleteOldSegments). Only whole segments go, the oldest first, and none that reaches
// the high watermark.
#pragma once

#include "broker/log/replica_log.h"

namespace tribunal {

// How many of the oldest segments have outlived `config`, for ReplicaLog::delete_segments. `now` is
// the wall clock in milliseconds: the one place where record timestamps meet it. All segments may
// go, also the active one when its records are too old.
std::size_t deletable_segments(const ReplicaLog& log, const TopicConfig& config,
                               Offset high_watermark, Timestamp now);

}  // namespace tribunal
