// How large a small world may get.
#pragma once

#include <cstdint>

namespace tribunal {

inline constexpr std::int32_t kMostCheckedBrokers = 6;
inline constexpr std::int32_t kMostCheckedWrites = 8;
inline constexpr std::int32_t kMostCheckedFaults = 100;
inline constexpr std::int32_t kMostCheckedVoters = 5;

// How much may go wrong on one path, and how far it may go.
struct SmallWorldBounds {
    std::int32_t writes = 2;        // records that the producer sends, one after the other
    std::int32_t crashes = 0;       // kills: the page cache stays
    std::int32_t power_losses = 0;  // machines that lose any suffix of their unsynced writes
    std::int32_t losses = 0;        // connections that break with something in flight
    std::int32_t timers = 0;        // time-outs that mean that something took too long
    std::int32_t epochs = 0;        // the highest leader epoch that is looked beyond; 0: any
    std::int32_t elections = 0;     // leaderships that the controller gives to who is preferred
    bool operator==(const SmallWorldBounds&) const = default;
};

// How much may happen on one path of the quorum's world.
struct QuorumBounds {
    std::int32_t appends = 1;
    std::int32_t crashes = 0;       // kills: the page cache stays
    std::int32_t power_losses = 0;  // machines that lose any suffix of their unsynced writes
    std::int32_t losses = 0;        // connections that break with something in flight
    std::int32_t epochs = 2;        // no election leads beyond; the first leader has epoch 1
    std::int32_t voter_changes = 0;
    std::int32_t snapshots = 0;
    bool operator==(const QuorumBounds&) const = default;
};

}  // namespace tribunal
