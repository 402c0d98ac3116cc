// Topics, of the cluster and as an admin creates them: names by Kafka's rules, partitions, and
// replicas that the cluster can really hold.
//
// Deviation: default.replication.factor is 1 in Kafka when nobody sets it; here it is 3, or as many
// brokers as there are, because a scenario is about replication.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "scenarios/reading.h"

namespace tribunal {
namespace {

void check_topic_name(const Place& place, const std::string& name) {
    const auto is_legal = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '.' || c == '_' || c == '-';
    };
    std::string why;
    if (name == "." || name == "..") {
        why = fmt::format("'{}' is not allowed", name);
    } else if (name.size() > 249) {
        why = fmt::format("the length of '{}' is longer than the max allowed length 249", name);
    } else if (!std::all_of(name.begin(), name.end(), is_legal)) {
        why = fmt::format(
            "'{}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'",
            name);
    }
    if (!why.empty()) place.fail("Topic name is invalid: " + why);
    if (name == kOffsetsTopic || name == "__transaction_state") {
        place.fail(fmt::format("'{}' is a name that Kafka reserves for an internal topic", name));
    }
}

void read_assignment(const Reading& reading, const Place& topic_place, const Place& place,
                     TopicSpec& topic) {
    for (const Place& element : place.elements()) {
        topic.assignment.push_back(read_replicas(reading, element));
        if (topic.assignment.back().size() != topic.assignment.front().size()) {
            element.fail(fmt::format("found {}, expected {} as in partition 0",
                                     counted(topic.assignment.back().size(), "replica"),
                                     topic.assignment.front().size()));
        }
    }
    if (topic.assignment.empty()) place.fail_expected("a list of replicas for each partition");
    const std::size_t partitions = topic.assignment.size();
    const std::size_t factor = topic.assignment.front().size();
    if (topic_place.has("partitions") && partitions != static_cast<std::size_t>(topic.partitions)) {
        place.fail(fmt::format("found {}, expected {} as 'partitions' says",
                               counted(partitions, "partition"), topic.partitions));
    }
    if (topic_place.has("replication.factor") &&
        factor != static_cast<std::size_t>(topic.replication_factor)) {
        place.fail(fmt::format("found {}, expected {} as 'replication.factor' says",
                               counted(factor, "replica"), topic.replication_factor));
    }
    topic.partitions = static_cast<std::int32_t>(partitions);
    topic.replication_factor = static_cast<std::int16_t>(factor);
}

}  // namespace

NodeId read_broker(const Reading& reading, const Place& place) {
    const std::int32_t brokers = reading.scenario.cluster.brokers;
    if (!place.value().is_number_integer() || place.value() < 1 || place.value() > brokers) {
        place.fail_expected(fmt::format("a broker from 1 to {}", brokers));
    }
    return broker_id(place.value().get<std::int32_t>());
}

std::vector<NodeId> read_replicas(const Reading& reading, const Place& place) {
    std::vector<NodeId> replicas;
    for (const Place& element : place.elements()) {
        const NodeId id = read_broker(reading, element);
        if (std::find(replicas.begin(), replicas.end(), id) != replicas.end()) {
            element.fail(fmt::format("broker {} stands here twice", id.value));
        }
        replicas.push_back(id);
    }
    if (replicas.empty()) place.fail_expected("at least one broker");
    return replicas;
}

TopicSpec read_topic(Reading& reading, const Place& place) {
    place.check_keys({"name", "partitions", "replication.factor", "config", "assignment"});
    const std::int32_t brokers = reading.scenario.cluster.brokers;
    TopicSpec topic;
    topic.name = place.member("name").text();
    check_topic_name(place.member("name"), topic.name);
    topic.partitions = reading.server.num_partitions;
    if (const auto partitions = place.find("partitions")) {
        topic.partitions = static_cast<std::int32_t>(partitions->integer(1, kMaxPartitions));
    }
    topic.replication_factor = reading.server.default_replication_factor.value_or(
        static_cast<std::int16_t>(std::min(3, brokers)));
    if (const auto factor = place.find("replication.factor")) {
        topic.replication_factor = static_cast<std::int16_t>(factor->integer(1, INT16_MAX));
    }
    if (topic.replication_factor > brokers) {
        const auto factor = place.find("replication.factor");
        (factor ? *factor : place)
            .fail(fmt::format("{} {} is larger than the {}",
                              factor ? "replication.factor" : "default.replication.factor",
                              topic.replication_factor,
                              counted(static_cast<std::size_t>(brokers), "broker")));
    }
    if (const auto assignment = place.find("assignment")) {
        read_assignment(reading, place, *assignment, topic);
    }
    topic.config =
        read_settings(reading, place.find("config"), ConfigScope::topic, reading.server, topic.name)
            .topic;
    if (topic.config.min_insync_replicas > topic.replication_factor) {
        // Since 3.7 it counts as what there are (KAFKA-15583).
        const bool is_bounded = reading.server.broker.rules.high_watermark_requires_min_isr;
        reading.warn(
            place, fmt::format("min.insync.replicas {} is larger than replication.factor "
                               "{}: {}",
                               topic.config.min_insync_replicas, topic.replication_factor,
                               is_bounded ? fmt::format("it counts as {}", topic.replication_factor)
                                          : "no acks=all write can succeed"));
    }
    return topic;
}

}  // namespace tribunal
