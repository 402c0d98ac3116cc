// What the readers of a scenario's parts share: where the document came from, and what was
// understood so far. Only the parser includes this.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "scenarios/config_table.h"
#include "scenarios/json_place.h"
#include "scenarios/scenario.h"
#include "scenarios/targets.h"

namespace tribunal {

struct Reading {
    std::string file;    // as messages name it
    std::string folder;  // where it looks up files
    const Edition* edition = nullptr;
    // The newest one that the cluster comes to run.
    const Edition* newest = nullptr;
    std::optional<Place> server_config;
    Settings server;  // the cluster's settings, which topics inherit from
    Scenario scenario;
    Topology topology;

    void warn(const Place& place, const std::string& what) {
        scenario.warnings.push_back(place.prefix() + what);
    }
};

// The bytes of a file; throws ScenarioError "NAME: cannot be read: REASON".
std::string read_file(const std::string& path, const std::string& name);
// The same for a file that the document names at `place`, beside the document.
std::string read_named_file(const Reading& reading, const Place& place, const std::string& name);

// "config": an object of names, the name of a .properties file, or an array of both, where later
// ones win. `owner` names an object's settings in lists: "num.io.threads (cluster)".
Settings read_settings(Reading& reading, const std::optional<Place>& config, ConfigScope scope,
                       const Settings& defaults, const std::string& owner);

// The cluster's settings, from server_config and the defaults of the edition.
Settings read_server(Reading& reading);
const Edition& read_edition(const Place& place);

inline constexpr std::int64_t kMaxPartitions = 10'000;
TopicSpec read_topic(Reading& reading, const Place& place);
NodeId read_broker(const Reading& reading, const Place& place);
// A list of different ones.
std::vector<NodeId> read_replicas(const Reading& reading, const Place& place);
LoadSpec read_load(Reading& reading, const Place& place, const std::string& topic);
void read_clients(Reading& reading, const Place& place);
// An admin's steps decide what topics there are. Names that they use are checked when all of them
// are read.
AdminSpec read_admin(Reading& reading, const Place& place);
void check_admin(const Reading& reading, const Place& place);
void read_faults(Reading& reading, const Place& place);

// Names at a place, checked against the topology. A client cannot use an internal topic.
void check_topic_at(const Reading& reading, const Place& place, const std::string& topic);
std::pair<std::string, std::int32_t> partition_at(const Reading& reading, const Place& place,
                                                  const std::string& text);

// A time at which something starts; it must lie in the faulty phase.
Instant read_start(const Reading& reading, const Place& place);

}  // namespace tribunal
