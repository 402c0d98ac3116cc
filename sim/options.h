// What a world is like when nothing is broken: latencies of links and disks. All times are virtual.
#pragma once

#include <cstdint>

#include "broker/base/digest.h"
#include "broker/base/strong.h"

namespace tribunal {

// A latency: never below `min`, the rest exponentially distributed with mean `mean - min`.
struct LatencyModel {
    Duration min;
    Duration mean;
    TRIBUNAL_FIELDS(LatencyModel, min, mean)
};

struct WorldOptions {
    LatencyModel network{microseconds(100), microseconds(300)};  // one way, between any two nodes
    std::int64_t bandwidth = 1'250'000'000;                      // bytes/s a link; 0: unlimited
    LatencyModel disk_write{microseconds(5), microseconds(20)};  // into the page cache
    LatencyModel disk_sync{microseconds(200), milliseconds(2)};  // fsync to the platter
    Duration writeback_age = seconds(30);       // dirty pages older than this are on the platter
    Duration restart_time = milliseconds(500);  // from the start of a process to its first step
    TRIBUNAL_FIELDS(WorldOptions, network, bandwidth, disk_write, disk_sync, writeback_age,
                    restart_time)
};

}  // namespace tribunal
