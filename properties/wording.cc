#include "properties/wording.h"

#include <fmt/format.h>

namespace tribunal {

std::string seconds_text(Instant at) {
    if (at == kNever) return "never";
    const bool negative = at.value < 0;
    const auto milliseconds = (negative ? -at.value : at.value) / 1'000'000;
    return fmt::format("{}{}.{:03} s", negative ? "-" : "", milliseconds / 1000,
                       milliseconds % 1000);
}

std::string partition_text(const RunFacts& facts, TopicPartition partition) {
    const PartitionFacts* known = facts.find(partition);
    if (known != nullptr && !known->name.empty()) return known->name;
    const auto topic = partition.topic.value;
    if (topic >= 0 && static_cast<std::size_t>(topic) < facts.topic_names.size()) {
        return fmt::format("{}-{}", facts.topic_names[static_cast<std::size_t>(topic)],
                           partition.partition);
    }
    return fmt::format("topic {}-{}", topic, partition.partition);
}

std::string place_text(const std::string& partition, Offset offset) {
    return offset == kNoOffset ? partition : fmt::format("{}@{}", partition, offset.value);
}

std::string client_text(const History& history, std::uint32_t client) {
    if (client < history.clients.size() && !history.clients[client].name.empty()) {
        return history.clients[client].name;
    }
    return fmt::format("client {}", client);
}

std::string client_of_process_text(const History& history, std::uint16_t process) {
    if (process >= history.processes.size()) return fmt::format("process {}", process);
    return client_text(history, history.processes[process].client);
}

std::string record_text(const History& history, RecordUid uid) {
    if (uid.value < 0) return "an unknown record";
    return fmt::format("{}#{}", client_text(history, History::client_of(uid)),
                       History::sequence_of(uid));
}

std::string acks_text(std::int8_t acks) {
    return acks == -1 ? "acks=all" : fmt::format("acks={}", static_cast<int>(acks));
}

std::string count_text(std::uint64_t n, const char* noun) {
    return fmt::format("{} {}{}", n, noun, n == 1 ? "" : "s");
}

}  // namespace tribunal
