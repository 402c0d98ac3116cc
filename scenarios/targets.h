// Whom a fault hits, as text: "leader(orders-0)", "broker 2", "any broker", "p1". Every name is
// checked against what the scenario has, so that a typo is an error and never a fault that hits
// nobody.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sim/faults.h"

namespace tribunal {

struct Scenario;

// The names that a target can use.
struct Topology {
    std::int32_t brokers = 3;
    std::int32_t controllers = 1;
    NodeId first_controller = NodeId{100};
    // Partitions by topic: also of topics that an admin creates or grows later, and of
    // __consumer_offsets.
    std::vector<std::pair<std::string, std::int32_t>> topics;
    std::vector<std::string> clients;  // in the order of the file
    std::vector<std::string> groups;
    std::vector<std::string> racks;  // no name twice
};
Topology topology_of(const Scenario& scenario);

// Says what was found and what is valid or near; without a place.
struct TargetError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

Target parse_target(std::string_view text, const Topology& topology);
// parse_target gives the same target back.
std::string to_text(const Target& target, const Topology& topology);

// "orders-0": the partition stands behind the last '-'. The second looks whether it exists.
std::pair<std::string, std::int32_t> split_topic_partition(std::string_view text);
std::pair<std::string, std::int32_t> parse_topic_partition(std::string_view text,
                                                           const Topology& topology);
// Throws unless clients can use a topic of this name.
void check_topic(std::string_view name, const Topology& topology);

// Words that targets are made of, which no client may be named.
bool is_target_word(std::string_view name);
// "broker 2", "controller 101", "p1".
std::string node_name(NodeId id, const Scenario& scenario);

}  // namespace tribunal
