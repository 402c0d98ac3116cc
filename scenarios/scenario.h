// A scenario as a type: what a file says after it was checked against the JSON Schema and every
// name, type, range and target was understood. Loading never half-succeeds: ScenarioError names
// the file, the JSON pointer, what was found and what was expected.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "broker/client/serializer.h"
#include "broker/protocol/batch.h"
#include "broker/protocol/config.h"
#include "sim/faults.h"
#include "sim/options.h"

namespace tribunal {

// One line: "tour.json: /clients/0/config/acsk: unknown producer setting; did you mean 'acks'?"
struct ScenarioError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

struct ClusterSpec {
    std::int32_t brokers = 3;
    std::int32_t controllers = 1;
    BrokerConfig config;
    TopicConfig topic_defaults;  // what server.properties says for topics (min.insync.replicas, ...)
};

struct TopicSpec {
    std::string name;
    std::int32_t partitions = 1;
    std::int16_t replication_factor = 3;
    TopicConfig config;
    // Replica lists by partition, the first is the preferred leader; empty: the controller places.
    std::vector<std::vector<NodeId>> assignment;
};

// How a producer makes its records.
struct LoadSpec {
    std::uint64_t records = 0;            // 0: until the faulty phase ends
    Duration interval = milliseconds(10);  // between records, from "rate": "100/s"
    std::int32_t value_size = 100;        // bytes of a generated value, "value.size"
    std::uint64_t keys = 0;               // generated keys are "k0".."k<keys-1>"; 0: no key
    std::optional<std::int32_t> partition;  // given partition instead of a partitioner
    Instant start{0};
    bool await = false;  // "sync": true, the next record waits for the acknowledgement
    std::vector<Record> lines;  // from a file of lines; empty: generated
};

struct ProducerSpec {
    std::string name;
    std::string topic;
    ProducerConfig config;
    LoadSpec load;
    Serde key_serializer = Serde::string;
    Serde value_serializer = Serde::string;
};

struct SeekSpec {
    Instant at;
    std::string topic;
    std::int32_t partition = 0;
    std::optional<Offset> offset;  // else one of the two ends
    bool to_beginning = false;
    bool to_end = false;
};

struct ConsumerSpec {
    std::string name;
    std::string group;  // empty: no commits
    std::vector<std::string> topics;
    // Manual assignment; empty: every partition of `topics`.
    std::vector<std::pair<std::string, std::int32_t>> assignment;
    ConsumerConfig config;
    bool from_beginning = false;  // seek to the beginning at the start
    std::vector<SeekSpec> seeks;
    Instant start{0};
    Serde key_deserializer = Serde::string;
    Serde value_deserializer = Serde::string;
};

enum class AdminOp : std::uint8_t { create_topic, delete_topic, list_topics, describe_topic };
struct AdminStep {
    Instant at;
    AdminOp op = AdminOp::list_topics;
    TopicSpec topic;  // name only, except for create
};
struct AdminSpec {
    std::string name;
    std::vector<AdminStep> steps;
};

using ClientSpec = std::variant<ProducerSpec, ConsumerSpec, AdminSpec>;

// What the author states: "found" a violation, allowed or not; "absent" exercised and none;
// or a verdict by name.
enum class Expected : std::uint8_t { found, absent, pass, fail, allowed, vacuous };
struct Expectation {
    std::string property;  // id, "D2"
    Expected expected = Expected::absent;
    std::string pointer;
};

struct Scenario {
    std::string name;
    std::string description;
    std::string file;            // as the user named it
    std::string edition = "4.1";  // "kafka"
    std::uint64_t seed = 1;
    ClusterSpec cluster;
    std::vector<TopicSpec> topics;
    std::vector<ClientSpec> clients;
    std::vector<FaultSpec> faults;
    WorldOptions world;  // network, disk, clocks
    Duration run_for = seconds(10);
    Duration heal_for = seconds(60);  // bound of the second phase
    std::vector<Expectation> expect;
    // Settings that Kafka knows and that change nothing in this simulation, for the report.
    std::vector<std::string> without_effect;
};

// Throws ScenarioError. Files that the scenario names are looked up beside it.
Scenario load_scenario(const std::string& path);
// The same from text; `name` stands for the file in messages, `folder` is where it looks up files.
Scenario parse_scenario(std::string_view text, const std::string& name, const std::string& folder);
// The JSON Schema (draft 7) that files are checked against, as text.
std::string_view scenario_schema();
// A scenario back as JSON text that loads to the same scenario.
std::string to_json_text(const Scenario& scenario);

}  // namespace tribunal
