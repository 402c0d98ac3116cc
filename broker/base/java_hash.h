// String.hashCode of Java: several of Kafka's choices rest on it.
#pragma once

#include <cstdint>
#include <string_view>

namespace tribunal {

// Over the UTF-16 code units of `utf8`; bytes that are no UTF-8 count as U+FFFD each.
std::int32_t java_string_hash(std::string_view utf8);

// The partition of __consumer_offsets or __transaction_state whose leader coordinates this group or
// transactional id: the hash without its sign, modulo `partitions`; the most negative hash counts
// as 0 (Utils.abs).
std::int32_t coordinator_partition(std::string_view id, std::int32_t partitions);

}  // namespace tribunal
