// How findings name things: instants in seconds, partitions, records and clients, in the same words
// wherever they appear.
#pragma once

#include <string>

#include "properties/facts.h"
#include "properties/history.h"

namespace tribunal {

// "12.034 s"; integer arithmetic, cut to milliseconds. "never" for kNever.
std::string seconds_text(Instant at);
// "orders-0"
std::string partition_text(const RunFacts& facts, TopicPartition partition);
// "orders-0@41"; "orders-0" when the offset is not known.
std::string place_text(const std::string& partition, Offset offset);
// "p1#17", the 17th record (from 0) of client p1; "an unknown record"
std::string record_text(const History& history, RecordUid uid);
// "p1"
std::string client_text(const History& history, std::uint32_t client);
std::string client_of_process_text(const History& history, std::uint16_t process);
// "acks=all"
std::string acks_text(std::int8_t acks);
// "1 record", "3 records"
std::string count_text(std::uint64_t n, const char* noun);

}  // namespace tribunal
