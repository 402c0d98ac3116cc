// A scenario from its JSON: the document, the cluster, the world, the run and what is expected.
// Clients, topics, faults, loads and settings have readers of their own, read_*.cc. What they let
// pass goes through the JSON Schema as well, so that the schema and the readers cannot drift apart.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <set>

#include "properties/property.h"
#include "scenarios/reading.h"
#include "scenarios/schema_check.h"
#include "scenarios/units.h"

namespace tribunal {
namespace {

// KIP-36: what a broker registers as its broker.rack.
void read_racks(Reading& reading, const Place& place) {
    ClusterSpec& cluster = reading.scenario.cluster;
    if (!reading.server.broker.rack.empty()) {
        place.fail("stands beside the setting broker.rack; one of them is enough");
    }
    for (const Place& rack : place.elements()) cluster.racks.push_back(rack.text());
    if (cluster.racks.size() != static_cast<std::size_t>(cluster.brokers)) {
        place.fail(fmt::format("found {}, expected one for each of the {}",
                               counted(cluster.racks.size(), "rack"),
                               counted(static_cast<std::size_t>(cluster.brokers), "broker")));
    }
}

void read_cluster(Reading& reading, const std::optional<Place>& place) {
    ClusterSpec& cluster = reading.scenario.cluster;
    std::optional<Place> config;
    if (place) {
        place->check_keys({"brokers", "controllers", "combined", "racks", "config"});
        if (const auto brokers = place->find("brokers")) {
            cluster.brokers = static_cast<std::int32_t>(brokers->integer(1, kMaxBrokers));
        }
        if (const auto controllers = place->find("controllers")) {
            const std::int64_t count = controllers->integer(1, INT32_MAX);
            if (count != 1 && count != 3 && count != 5) {
                // An even quorum survives no more failures than the odd one below it.
                controllers->fail_expected("1, 3 or 5");
            }
            cluster.controllers = static_cast<std::int32_t>(count);
        }
        if (const auto combined = place->find("combined")) {
            cluster.combined = combined->truth();
            if (cluster.combined && cluster.controllers > cluster.brokers) {
                combined->fail(fmt::format("{} controllers need as many brokers, found {}",
                                           cluster.controllers, cluster.brokers));
            }
        }
        config = place->find("config");
    }
    reading.server_config = config;
    reading.server = read_server(reading);
    if (const auto racks = place ? place->find("racks") : std::nullopt) {
        read_racks(reading, *racks);
    }
    cluster.config = reading.server.broker;
    cluster.topic_defaults = reading.server.topic;
}

void read_topics(Reading& reading, const Place& place) {
    auto& topics = reading.scenario.topics;
    for (const Place& element : place.elements()) {
        TopicSpec topic = read_topic(reading, element);
        for (const TopicSpec& other : topics) {
            if (other.name == topic.name) {
                element.member("name").fail(
                    fmt::format("topic '{}' stands here twice", topic.name));
            }
            const auto unified = [](std::string name) {
                std::replace(name.begin(), name.end(), '.', '_');
                return name;
            };
            if (unified(other.name) == unified(topic.name)) {
                element.member("name").fail(
                    fmt::format("Topic '{}' collides with existing topics: "
                                "{}",
                                topic.name, other.name));
            }
        }
        topics.push_back(std::move(topic));
    }
}

LatencyModel read_latency(const Place& place, LatencyModel latency) {
    const auto min = place.find("min");
    const auto mean = place.find("mean");
    if (min) latency.min = min->duration();
    if (mean) latency.mean = mean->duration();
    if (latency.mean < latency.min) {
        (mean ? *mean : *min)
            .fail(fmt::format("the mean {} is below the minimum {}", to_text(latency.mean),
                              to_text(latency.min)));
    }
    return latency;
}

void read_world(const Place& place, WorldOptions& world) {
    place.check_keys({"network", "disk", "restart"});
    if (const auto network = place.find("network")) {
        network->check_keys({"min", "mean", "bandwidth"});
        world.network = read_latency(*network, world.network);
        if (const auto bandwidth = network->find("bandwidth")) world.bandwidth = bandwidth->size();
    }
    if (const auto disk = place.find("disk")) {
        disk->check_keys({"write", "sync", "writeback"});
        if (const auto write = disk->find("write")) {
            write->check_keys({"min", "mean"});
            world.disk_write = read_latency(*write, world.disk_write);
        }
        if (const auto sync = disk->find("sync")) {
            sync->check_keys({"min", "mean"});
            world.disk_sync = read_latency(*sync, world.disk_sync);
        }
        if (const auto age = disk->find("writeback"))
            world.writeback_age = age->positive_duration();
    }
    if (const auto restart = place.find("restart")) world.restart_time = restart->duration();
}

void read_schedule(const Place& place, CheckSpec& check) {
    if (const auto schedule = place.find("schedule")) {
        for (const Place& step : schedule->elements()) check.schedule.push_back(step.text());
    }
}

// Nothing but the voters: what quorum_world.h is made for.
void read_quorum_check(Reading& reading, const Place& place) {
    place.check_keys({"world", "voters", "observers", "appends", "crashes", "power_losses",
                      "losses", "epochs", "voter_changes", "snapshots", "schedule"});
    if (!reading.scenario.faults.empty()) {
        place.fail("a small world takes every fault within its bounds; leave \"faults\" away");
    }
    CheckSpec check;
    QuorumCheck quorum;
    const auto number = [&](const char* name, std::int32_t& value, std::int32_t least,
                            std::int32_t most) {
        if (const auto member = place.find(name)) {
            value = static_cast<std::int32_t>(member->integer(least, most));
        }
    };
    number("voters", quorum.voters, 1, kMostCheckedVoters);
    number("observers", quorum.observers, 0, 1);
    QuorumBounds& bounds = quorum.bounds;
    number("appends", bounds.appends, 0, kMostCheckedWrites);
    number("crashes", bounds.crashes, 0, kMostCheckedFaults);
    number("power_losses", bounds.power_losses, 0, kMostCheckedFaults);
    number("losses", bounds.losses, 0, kMostCheckedFaults);
    number("epochs", bounds.epochs, 1, kMostCheckedFaults);
    number("voter_changes", bounds.voter_changes, 0, kMostCheckedFaults);
    number("snapshots", bounds.snapshots, 0, kMostCheckedFaults);
    check.quorum = quorum;
    read_schedule(place, check);
    reading.scenario.check = std::move(check);
}

// One partition on every broker and one producer: what partition_world.h is made for.
void read_check(Reading& reading, const Place& place) {
    if (const auto world = place.find("world")) {
        const std::string name = world->text();
        if (name == "quorum") return read_quorum_check(reading, place);
        if (name != "partition") world->fail_expected("partition or quorum");
    }
    place.check_keys({"world", "crashes", "power_losses", "losses", "timers", "epochs", "elections",
                      "schedule"});
    const Scenario& scenario = reading.scenario;
    CheckSpec check;
    const auto* producer =
        scenario.clients.size() == 1 ? std::get_if<ProducerSpec>(&scenario.clients[0]) : nullptr;
    if (producer == nullptr || scenario.topics.size() != 1 || scenario.topics[0].partitions != 1) {
        place.fail("a small world has one topic of one partition, and one producer");
    }
    if (scenario.topics[0].replication_factor != scenario.cluster.brokers ||
        scenario.cluster.brokers > kMostCheckedBrokers) {
        place.fail(fmt::format("a small world has 1 to {} brokers, each with a replica",
                               kMostCheckedBrokers));
    }
    if (producer->load.records < 1 || producer->load.records > kMostCheckedWrites) {
        place.fail(
            fmt::format("the producer of a small world sends 1 to {} records", kMostCheckedWrites));
    }
    if (!scenario.faults.empty()) {
        place.fail("a small world takes every fault within its bounds; leave \"faults\" away");
    }
    check.bounds.writes = static_cast<std::int32_t>(producer->load.records);
    const auto bound = [&](const char* name, std::int32_t& value) {
        if (const auto member = place.find(name)) {
            value = static_cast<std::int32_t>(member->integer(0, kMostCheckedFaults));
        }
    };
    bound("crashes", check.bounds.crashes);
    bound("power_losses", check.bounds.power_losses);
    bound("losses", check.bounds.losses);
    bound("timers", check.bounds.timers);
    bound("epochs", check.bounds.epochs);
    bound("elections", check.bounds.elections);
    read_schedule(place, check);
    reading.scenario.check = std::move(check);
}

void read_expectations(Reading& reading, const Place& place) {
    constexpr std::array<std::string_view, 6> kExpected = {"found", "absent",  "pass",
                                                           "fail",  "allowed", "vacuous"};
    std::set<std::string> seen;
    for (const auto& [key, member] : place.members()) {
        const Property* property = find_property(key);
        if (property == nullptr) {
            const std::string_view near = nearest_property(key);
            member.fail("unknown property" +
                        (near.empty() ? std::string("; 'tribunal list properties' names them")
                                      : fmt::format("; did you mean '{}'?", near)));
        }
        if (!seen.insert(std::string(property->id)).second) {
            member.fail(
                fmt::format("property {} ({}) stands here twice", property->id, property->name));
        }
        Expectation expectation;
        expectation.property = property->id;
        expectation.expected = static_cast<Expected>(member.word(kExpected));
        expectation.pointer = member.pointer();
        reading.scenario.expect.push_back(std::move(expectation));
    }
}

const Edition* edition_at(const Place& place) {
    return place.value().is_string() ? find_edition(place.value().get<std::string>()) : nullptr;
}

// Upgrades stand among the faults, which are read last.
const Edition* newest_reached(const Edition& first, const std::optional<Place>& faults) {
    const Edition* newest = &first;
    if (!faults || !faults->value().is_array()) return newest;
    for (const Place& fault : faults->elements()) {
        const auto to = fault.find("to");
        const Edition* edition = to ? edition_at(*to) : nullptr;
        if (edition != nullptr) newest = std::max(newest, edition);
    }
    return newest;
}

void read_document(Reading& reading, const Place& root) {
    root.check_keys({"$schema", "name", "description", "kafka", "seed", "cluster", "topics",
                     "clients", "faults", "world", "run", "check", "expect", "without_effect"});
    if (const auto schema = root.find("$schema")) schema->text();  // for editors
    Scenario& scenario = reading.scenario;
    scenario.name = root.member("name").text();
    if (const auto description = root.find("description")) {
        scenario.description = description->text();
    }
    const auto kafka = root.find("kafka");
    reading.edition = kafka ? &read_edition(*kafka) : &newest_edition();
    reading.newest = newest_reached(*reading.edition, root.find("faults"));
    scenario.edition = reading.edition->name;
    if (const auto seed = root.find("seed")) scenario.seed = seed->natural();
    if (const auto run = root.find("run")) {
        run->check_keys({"for", "heal"});
        if (const auto lasts = run->find("for")) scenario.run_for = lasts->positive_duration();
        if (const auto heal = run->find("heal")) scenario.heal_for = heal->duration();
    }
    // A printed scenario keeps what the files said that it was made of.
    if (const auto entries = root.find("without_effect")) {
        for (const Place& entry : entries->elements()) {
            scenario.without_effect.push_back(entry.text());
        }
    }
    read_cluster(reading, root.find("cluster"));
    if (const auto topics = root.find("topics")) read_topics(reading, *topics);
    reading.topology = topology_of(scenario);
    if (const auto clients = root.find("clients")) read_clients(reading, *clients);
    if (const auto faults = root.find("faults")) read_faults(reading, *faults);
    if (const auto world = root.find("world")) read_world(*world, scenario.world);
    if (const auto check = root.find("check")) read_check(reading, *check);
    if (const auto expect = root.find("expect")) read_expectations(reading, *expect);
}

}  // namespace

Settings read_server(Reading& reading) {
    Settings server = read_settings(reading, reading.server_config, ConfigScope::server,
                                    default_settings(*reading.edition), "cluster");
    const std::int32_t brokers = reading.scenario.cluster.brokers;
    std::int16_t& factor = server.broker.offsets_topic_replication_factor;
    if (factor <= brokers) return server;
    // Kafka cannot create the topic at all when there are fewer brokers than replicas.
    if (server.named.contains("offsets.topic.replication.factor")) {
        reading.server_config->fail(
            fmt::format("offsets.topic.replication.factor {} is larger than the {}", factor,
                        counted(static_cast<std::size_t>(brokers), "broker")));
    }
    factor = static_cast<std::int16_t>(brokers);
    return server;
}

const Edition& read_edition(const Place& place) {
    const Edition* edition = edition_at(place);
    if (edition != nullptr) return *edition;
    std::vector<std::string_view> names;
    for (const Edition& known : all_editions()) names.push_back(known.name);
    place.fail_expected(fmt::format("one of {}", fmt::join(names, ", ")));
}

std::string read_file(const std::string& path, const std::string& name) {
    const auto fail = [&](int error) {
        throw ScenarioError(fmt::format("{}: cannot be read: {}", name, std::strerror(error)));
    };
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"),
                                                               &std::fclose);
    if (file == nullptr) fail(errno);
    std::string bytes;
    std::array<char, 65536> chunk;
    for (;;) {
        errno = 0;
        const std::size_t count = std::fread(chunk.data(), 1, chunk.size(), file.get());
        bytes.append(chunk.data(), count);
        if (std::ferror(file.get()) != 0) fail(errno);
        if (count < chunk.size()) return bytes;
    }
}

std::string read_named_file(const Reading& reading, const Place& place, const std::string& name) {
    const bool is_beside = !name.starts_with('/') && !reading.folder.empty();
    try {
        return read_file(is_beside ? reading.folder + "/" + name : name, name);
    } catch (const ScenarioError& error) {
        place.fail(error.what());
    }
}

Scenario parse_scenario(std::string_view text, const std::string& name, const std::string& folder) {
    const Json document = parse_json(text, name);
    Reading reading;
    reading.file = name;
    reading.folder = folder;
    reading.scenario.file = name;
    read_document(reading, Place(document, name));
    if (const std::string error = schema_error(document); !error.empty()) {
        throw ScenarioError(name + ": " + error);
    }
    return std::move(reading.scenario);
}

Scenario load_scenario(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    const std::string folder = slash == std::string::npos ? "" : path.substr(0, slash + 1);
    return parse_scenario(read_file(path, path), path, folder);
}

}  // namespace tribunal
