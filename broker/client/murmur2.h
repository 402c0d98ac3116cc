// Which partition a record's key belongs to: Kafka's murmur2 hash of the serialized key.
//
// All Kafka clients that agree on this hash put equal keys into equal partitions; it must never
// change, and must never be asked about partitions that a topic does not have.
#pragma once

#include <cstdint>
#include <string_view>

namespace tribunal {

// Kafka's 32-bit murmur2 of the bytes, as the signed integer that Java shows.
std::int32_t murmur2(std::string_view bytes);

// The sign bit cleared. Not the absolute value: -1 becomes 2147483647.
constexpr std::int32_t to_positive(std::int32_t number) { return number & 0x7fffffff; }

// The partition of a key in a topic of `partitions` (> 0) partitions, with or without a leader: an
// unavailable partition must not move its keys elsewhere.
std::int32_t partition_for_key(std::string_view key, std::int32_t partitions);

}  // namespace tribunal
