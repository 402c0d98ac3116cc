// Producers, consumers and admins. Admins are read first: what they create, the others may use.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "scenarios/reading.h"

namespace tribunal {
namespace {

constexpr std::array<std::string_view, 3> kKinds = {"producer", "consumer", "admin"};

// The key that says what the client is.
std::string_view kind_of(const Place& place) {
    std::string_view kind;
    for (const std::string_view candidate : kKinds) {
        if (!place.has(std::string(candidate))) continue;
        if (!kind.empty()) place.fail(fmt::format("is both a {} and a {}", kind, candidate));
        kind = candidate;
    }
    if (!kind.empty()) return kind;
    for (const auto& [key, member] : place.members()) {
        const std::string near = suggestion(key, kKinds);
        if (near.starts_with("did")) member.fail("unknown key; " + near);
    }
    place.fail("expected one of the keys 'producer', 'consumer', 'admin' with the client's name");
}

std::string read_name(const Reading& reading, const Place& place) {
    std::string name = place.text();
    const auto is_legal = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '.' || c == '_' || c == '-';
    };
    if (!std::all_of(name.begin(), name.end(), is_legal)) {
        place.fail_expected("a name of ASCII letters, digits, '.', '_' and '-'");
    }
    if (is_target_word(name)) {
        place.fail(fmt::format("a client cannot be named '{}', which is a target of faults", name));
    }
    const auto& names = reading.topology.clients;
    if (std::find(names.begin(), names.end(), name) != names.end()) {
        place.fail(fmt::format("client '{}' stands here twice", name));
    }
    return name;
}

Serde read_serde(const Place& place, const std::string& key, Serde otherwise) {
    const auto found = place.find(key);
    if (!found) return otherwise;
    const auto serde = serde_named(found->text());
    if (!serde)
        found->fail_expected("string, integer, long, json, bytes, or Kafka's class for one");
    return *serde;
}

ProducerSpec read_producer(Reading& reading, const Place& place) {
    place.check_keys({"producer", "topic", "config", "load", "key.serializer", "value.serializer"});
    ProducerSpec producer;
    producer.name = place.member("producer").text();
    producer.topic = place.member("topic").text();
    check_topic_at(reading, place.member("topic"), producer.topic);
    const Settings settings = read_settings(reading, place.find("config"), ConfigScope::producer,
                                            default_settings(*reading.edition), producer.name);
    producer.config = settings.producer;
    producer.key_serializer = read_serde(place, "key.serializer", settings.key_serde);
    producer.value_serializer = read_serde(place, "value.serializer", settings.value_serde);
    if (const auto load = place.find("load")) {
        producer.load = read_load(reading, *load, producer.topic);
    }
    return producer;
}

bool reads(const ConsumerSpec& consumer, const std::pair<std::string, std::int32_t>& partition) {
    const auto& [assignment, topics] = std::tie(consumer.assignment, consumer.topics);
    return std::find(assignment.begin(), assignment.end(), partition) != assignment.end() ||
           std::find(topics.begin(), topics.end(), partition.first) != topics.end();
}

SeekSpec read_seek(const Reading& reading, const Place& place, const ConsumerSpec& consumer) {
    place.check_keys({"at", "partition", "offset"});
    SeekSpec seek;
    seek.at = read_start(reading, place.member("at"));
    const Place partition = place.member("partition");
    const std::string text = partition.text();
    std::tie(seek.topic, seek.partition) = partition_at(reading, partition, text);
    if (!reads(consumer, {seek.topic, seek.partition})) {
        partition.fail(fmt::format("{} is not consumed by {}", text, consumer.name));
    }
    const Place offset = place.member("offset");
    if (offset.value() == "beginning") {
        seek.to_beginning = true;
    } else if (offset.value() == "end") {
        seek.to_end = true;
    } else if (offset.value().is_number_unsigned()) {
        seek.offset = Offset{offset.integer(0, INT64_MAX)};
    } else {
        offset.fail_expected(R"(an offset from 0, "beginning" or "end")");
    }
    return seek;
}

void read_subscription(const Reading& reading, const Place& place, ConsumerSpec& consumer) {
    const auto topics = place.find("topics");
    const auto assignment = place.find("assignment");
    if (!topics && !assignment) place.fail("one of 'topics' and 'assignment' is missing");
    if (topics && assignment) assignment->fail("stands beside 'topics'; one of them is enough");
    const Place& list = topics ? *topics : *assignment;
    for (const Place& element : list.elements()) {
        const std::string name = element.text();
        bool is_double = false;
        if (topics) {
            check_topic_at(reading, element, name);
            is_double = std::find(consumer.topics.begin(), consumer.topics.end(), name) !=
                        consumer.topics.end();
            consumer.topics.push_back(name);
        } else {
            auto partition = partition_at(reading, element, name);
            check_topic_at(reading, element, partition.first);
            is_double = reads(consumer, partition);
            consumer.assignment.push_back(std::move(partition));
        }
        if (is_double) element.fail(fmt::format("'{}' stands here twice", name));
    }
    if (list.value().empty()) list.fail_expected("at least one element");
}

ConsumerSpec read_consumer(Reading& reading, const Place& place) {
    place.check_keys({"consumer", "group", "topics", "assignment", "config", "from_beginning",
                      "seek", "start", "key.deserializer", "value.deserializer"});
    ConsumerSpec consumer;
    consumer.name = place.member("consumer").text();
    const auto config = place.find("config");
    const Settings settings = read_settings(reading, config, ConfigScope::consumer,
                                            default_settings(*reading.edition), consumer.name);
    consumer.config = settings.consumer;
    consumer.group = settings.group_id;
    if (const auto group = place.find("group")) {
        consumer.group = group->text();
        if (!settings.group_id.empty() && settings.group_id != consumer.group) {
            group->fail(
                fmt::format("found '{}', but group.id is '{}'", consumer.group, settings.group_id));
        }
    }
    if (consumer.group.empty() && consumer.config.enable_auto_commit &&
        settings.named.contains("enable.auto.commit")) {
        config->fail(
            "enable.auto.commit cannot be set to true when default group id (null) is used.");
    }
    consumer.key_deserializer = read_serde(place, "key.deserializer", settings.key_serde);
    consumer.value_deserializer = read_serde(place, "value.deserializer", settings.value_serde);
    read_subscription(reading, place, consumer);
    if (const auto from = place.find("from_beginning")) consumer.from_beginning = from->truth();
    if (const auto start = place.find("start")) consumer.start = read_start(reading, *start);
    if (const auto seeks = place.find("seek")) {
        for (const Place& seek : seeks->elements()) {
            consumer.seeks.push_back(read_seek(reading, seek, consumer));
        }
    }
    return consumer;
}

}  // namespace

void check_topic_at(const Reading& reading, const Place& place, const std::string& topic) {
    try {
        check_topic(topic, reading.topology);
    } catch (const TargetError& error) {
        place.fail(error.what());
    }
}

std::pair<std::string, std::int32_t> partition_at(const Reading& reading, const Place& place,
                                                  const std::string& text) {
    try {
        return parse_topic_partition(text, reading.topology);
    } catch (const TargetError& error) {
        place.fail(error.what());
    }
}

void read_clients(Reading& reading, const Place& place) {
    const std::vector<Place> places = place.elements();
    auto& clients = reading.scenario.clients;
    for (const Place& client : places) {
        const std::string_view kind = kind_of(client);
        reading.topology.clients.push_back(read_name(reading, client.member(std::string(kind))));
        if (kind == "admin") {
            clients.emplace_back(read_admin(reading, client));
        } else {
            clients.emplace_back(ProducerSpec{});
        }
    }
    const std::vector<std::string> names = std::move(reading.topology.clients);
    reading.topology = topology_of(reading.scenario);
    reading.topology.clients = names;
    for (std::size_t i = 0; i < places.size(); ++i) {
        const std::string_view kind = kind_of(places[i]);
        if (kind == "producer") {
            clients[i] = read_producer(reading, places[i]);
        } else if (kind == "consumer") {
            clients[i] = read_consumer(reading, places[i]);
        }
    }
    reading.topology = topology_of(reading.scenario);
    for (const Place& client : places) {
        if (kind_of(client) == "admin") check_admin(reading, client);
    }
}

}  // namespace tribunal
