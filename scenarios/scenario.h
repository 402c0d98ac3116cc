// A scenario as a type: what a file says after it was checked against the JSON Schema and every
// name, type, range and target was understood. Loading never half-succeeds: ScenarioError names
// the file, the JSON pointer, what was found and what was expected.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "broker/client/serializer.h"
#include "broker/protocol/admin_messages.h"
#include "broker/protocol/batch.h"
#include "broker/protocol/config.h"
#include "model/worlds/bounds.h"
#include "sim/faults.h"
#include "sim/options.h"

namespace tribunal {

// One line: "tour.json: /clients/0/config/acsk: unknown producer setting; did you mean 'acks'?"
struct ScenarioError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// Nodes are numbered by rule, so that targets, reports and ledgers agree on them: brokers 1..N,
// controllers 100, 101, ... (or from N + 1, when there are more than 99 brokers), clients 1001,
// 1002, ... in the order of the file. Of a combined cluster the first brokers are controllers, too.
inline constexpr std::int32_t kMaxBrokers = 900;
inline constexpr std::int32_t kFirstController = 100;
constexpr NodeId broker_id(std::int32_t number) { return NodeId{number}; }  // from 1
constexpr NodeId client_id(std::size_t index) {  // index in Scenario::clients, from 0
    return NodeId{1001 + static_cast<std::int32_t>(index)};
}
constexpr bool is_client_id(NodeId id) { return id.value > 1000; }

struct ClusterSpec {
    std::int32_t brokers = 3;
    std::int32_t controllers = 1;  // 1, 3 or 5 voters
    bool combined = false;         // process.roles=broker,controller: they are the first brokers
    std::vector<std::string> racks;  // broker.rack of each broker; empty: as `config` says
    BrokerConfig config;
    TopicConfig
        topic_defaults;  // what server.properties says for topics (min.insync.replicas, ...)
    bool operator==(const ClusterSpec&) const = default;

    NodeId controller(std::int32_t index) const {  // from 0
        if (combined) return broker_id(index + 1);
        return NodeId{std::max(kFirstController, brokers + 1) + index};
    }
    const std::string& rack_of(NodeId broker) const {
        return racks.empty() ? config.rack : racks.at(static_cast<std::size_t>(broker.value) - 1);
    }
    bool is_broker(NodeId id) const { return id >= broker_id(1) && id <= broker_id(brokers); }
    bool is_controller(NodeId id) const {
        return id >= controller(0) && id <= controller(controllers - 1);
    }
    // "broker 2"; "controller" when there is one, "controller 101" among several.
    std::string node_name(NodeId id) const;
};

struct TopicSpec {
    std::string name;
    std::int32_t partitions = 1;
    std::int16_t replication_factor = 3;
    TopicConfig config;
    // Replica lists by partition, the first is the preferred leader; empty: the controller places.
    std::vector<std::vector<NodeId>> assignment;
    bool operator==(const TopicSpec&) const = default;
};

// How a producer makes its records.
struct LoadSpec {
    std::uint64_t records = 0;              // 0: until the faulty phase ends
    Duration interval = milliseconds(10);   // between records, from "rate": "100/s"
    std::int32_t value_size = 100;          // bytes of a generated value, "value.size"
    std::uint64_t keys = 0;                 // generated keys are "k0".."k<keys-1>"; 0: no key
    std::optional<std::int32_t> partition;  // given partition instead of a partitioner
    Instant start{0};
    bool await = false;         // "sync": true, the next record waits for the acknowledgement
    std::vector<Record> lines;  // from a file of lines; empty: generated
    bool operator==(const LoadSpec&) const = default;
};

struct ProducerSpec {
    std::string name;
    std::string topic;
    ProducerConfig config;
    LoadSpec load;
    Serde key_serializer = Serde::string;
    Serde value_serializer = Serde::string;
    bool operator==(const ProducerSpec&) const = default;
};

struct SeekSpec {
    Instant at;
    std::string topic;
    std::int32_t partition = 0;
    std::optional<Offset> offset;  // else one of the two ends
    bool to_beginning = false;
    bool to_end = false;
    bool operator==(const SeekSpec&) const = default;
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
    bool operator==(const ConsumerSpec&) const = default;
};

// A voter of the quorum (KIP-853). A controller's directories are counted from 1: each wiped disk
// gets another.
struct VoterSpec {
    NodeId controller;
    std::int64_t directory = 1;
    bool operator==(const VoterSpec&) const = default;
};

// In the order of the table in admin_operations.cc, which has their names.
enum class AdminOp : std::uint8_t {
    create_topic,
    delete_topic,
    list_topics,
    describe_topic,
    create_partitions,
    alter_partition_reassignments,
    list_partition_reassignments,
    elect_leaders,
    alter_configs,
    update_features,
    unregister_broker,
    delete_records,
    add_raft_voter,
    remove_raft_voter,
};
// What is asked for beyond a topic's name: the request itself. Partitions may be several, each with
// a leader of its own, of delete_records only.
using AdminChange = std::variant<std::monostate, CreatePartitionsRequest,
                                 AlterPartitionReassignmentsRequest, ElectLeadersRequest,
                                 IncrementalAlterConfigsRequest, UpdateFeaturesRequest,
                                 UnregisterBrokerRequest, std::vector<RecordDeletion>, VoterSpec>;
struct AdminStep {
    Instant at;
    AdminOp op = AdminOp::list_topics;
    TopicSpec topic;     // of create_topic; name only of delete_topic and describe_topic
    AdminChange change;  // of the others, where they say anything
    bool operator==(const AdminStep&) const = default;
};
struct AdminSpec {
    std::string name;
    std::vector<AdminStep> steps;
    bool operator==(const AdminSpec&) const = default;
};

using ClientSpec = std::variant<ProducerSpec, ConsumerSpec, AdminSpec>;
const std::string& name_of(const ClientSpec& client);

// What the author states: "found" a violation, allowed or not; "absent" exercised and none;
// or a verdict by name.
enum class Expected : std::uint8_t { found, absent, pass, fail, allowed, vacuous };
struct Expectation {
    std::string property;  // id, "D2"
    Expected expected = Expected::absent;
    std::string pointer;
    bool operator==(const Expectation&) const = default;
};

// A check of the quorum of controllers alone: nodes 1 to `voters`, and observers after them.
struct QuorumCheck {
    std::int32_t voters = 3;
    std::int32_t observers = 0;
    QuorumBounds bounds;
    bool operator==(const QuorumCheck&) const = default;
};

// "check": the scenario as a small world, in which `tribunal check` looks at every order of events.
struct CheckSpec {
    SmallWorldBounds bounds;            // `writes` is what the producer's load says
    std::optional<QuorumCheck> quorum;  // "world": "quorum"; then `bounds` says nothing
    // Steps by name, one after the other: a counterexample. `tribunal run` plays them.
    std::vector<std::string> schedule;
    bool operator==(const CheckSpec&) const = default;
};

struct Scenario {
    std::string name;
    std::string description;
    std::string file;             // as the user named it
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
    std::optional<CheckSpec> check;
    // Settings that Kafka knows and that change nothing in this simulation, for the report.
    std::vector<std::string> without_effect;
    // What is legal and probably not meant: a line each, with its JSON pointer.
    std::vector<std::string> warnings;
    bool operator==(const Scenario&) const = default;
};

// Throws ScenarioError. Files that the scenario names are looked up beside it.
Scenario load_scenario(const std::string& path);
// The same from text; `name` stands for the file in messages, `folder` is where it looks up files.
Scenario parse_scenario(std::string_view text, const std::string& name, const std::string& folder);
// The JSON Schema (draft 7) that files are checked against, as text.
std::string_view scenario_schema();
// A scenario back as JSON text that loads to the same scenario: files of settings and of lines are
// written into it, so that it stands alone.
std::string to_json_text(const Scenario& scenario);

}  // namespace tribunal
