// Committed offsets of consumer groups: decided by the coordinator, written to __consumer_offsets
// as Kafka encodes them (OffsetCommitKey v1, OffsetCommitValue v3), replayed when they are
// committed or when a broker becomes coordinator.
//
// So far for consumers with manual assignment (generation -1): no members, no rebalance.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "broker/base/java_hash.h"
#include "broker/log/replica_log.h"

namespace tribunal {

struct CommittedKey {
    std::string group;
    std::string topic;
    std::int32_t partition = 0;
    auto operator<=>(const CommittedKey&) const = default;
    bool operator==(const CommittedKey&) const = default;
};
inline void fold(Digest& d, const CommittedKey& k) {
    fold(d, k.group);
    fold(d, k.topic);
    fold(d, k.partition);
}

struct CommittedOffset {
    Offset offset = kNoOffset;
    LeaderEpoch leader_epoch = kNoLeaderEpoch;  // of the last record read (KIP-320)
    TRIBUNAL_FIELDS(CommittedOffset, offset, leader_epoch)
};

// The cache of one partition of __consumer_offsets.
struct Offsets {
    std::map<CommittedKey, CommittedOffset> committed;
    TRIBUNAL_FIELDS(Offsets, committed)
};

struct OffsetCommitted {
    CommittedKey key;
    Offset offset;
    LeaderEpoch leader_epoch = kNoLeaderEpoch;
    Timestamp commit_timestamp;
};
Record encode(const OffsetCommitted& record);
// nullopt for a record of another kind or version.
std::optional<OffsetCommitted> decode(const RecordView& record);

void replay(Offsets& offsets, const OffsetCommitted& record);
// Rebuilds the cache from a log.
Offsets load_offsets(const ReplicaLog& log);

}  // namespace tribunal
