// The names of things in a cluster. All are dense small integers inside a run; the human names
// (topics, groups, clients) live in the cluster image and the scenario.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "broker/base/digest.h"
#include "broker/base/strong.h"

namespace tribunal {

// A process on its own machine: brokers, controllers and clients alike. Kafka's node.id for the
// cluster's nodes; clients are numbered after them.
using NodeId = Strong<struct NodeIdTag, std::int32_t>;
inline constexpr NodeId kNoNode{-1};

// Kafka's topic id (a UUID there): never reused, so a topic deleted and created again is another.
using TopicId = Strong<struct TopicIdTag, std::int32_t>;

struct TopicPartition {
    TopicId topic;
    std::int32_t partition = 0;
    constexpr auto operator<=>(const TopicPartition&) const = default;
};
inline void fold(Digest& d, TopicPartition tp) {
    d.word((static_cast<std::uint64_t>(static_cast<std::uint32_t>(tp.topic.value)) << 32) |
           static_cast<std::uint32_t>(tp.partition));
}

using Offset = Strong<struct OffsetTag>;
inline constexpr Offset kNoOffset{-1};
constexpr Offset operator+(Offset o, std::int64_t n) { return Offset{o.value + n}; }

using LeaderEpoch = Strong<struct LeaderEpochTag, std::int32_t>;        // KIP-101
using PartitionEpoch = Strong<struct PartitionEpochTag, std::int32_t>;  // KIP-497
using BrokerEpoch = Strong<struct BrokerEpochTag>;                      // KIP-631
inline constexpr LeaderEpoch kNoLeaderEpoch{-1};

using ProducerId = Strong<struct ProducerIdTag>;  // KIP-98
inline constexpr ProducerId kNoProducerId{-1};

// Where the group coordinators keep committed offsets.
inline constexpr std::string_view kOffsetsTopic = "__consumer_offsets";

// What a workload sent: unique in a run. Producers number their records from
// (producer index << 40); it travels in a record header, as an application's own tracing id would.
using RecordUid = Strong<struct RecordUidTag>;
inline constexpr RecordUid kNoUid{-1};

// Milliseconds as a record's timestamp has them: data that logic carries and never compares with a
// clock.
using Timestamp = Strong<struct TimestampTag>;

}  // namespace tribunal
