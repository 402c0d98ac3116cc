// Parsing and printing of targets.
#include "scenarios/targets.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "properties/nearest.h"
#include "scenarios/scenario.h"

namespace tribunal {
namespace {

enum class Argument : std::uint8_t { nothing, partition, group, rack, broker, controller, client };
struct TargetShape {
    std::string_view word;
    TargetKind kind;
    Argument argument;
    std::string_view example;
};
constexpr std::array<TargetShape, 17> kShapes = {{
    {"leader", TargetKind::leader, Argument::partition, "leader(orders-0)"},
    {"followers", TargetKind::followers, Argument::partition, "followers(orders-0)"},
    {"follower", TargetKind::follower, Argument::partition, "follower(orders-0)"},
    {"replicas", TargetKind::replicas, Argument::partition, "replicas(orders-0)"},
    {"isr", TargetKind::isr, Argument::partition, "isr(orders-0)"},
    {"out_of_sync", TargetKind::out_of_sync, Argument::partition, "out_of_sync(orders-0)"},
    {"controller", TargetKind::controller, Argument::nothing, "controller"},
    {"controllers", TargetKind::controllers, Argument::nothing, "controllers"},
    {"coordinator", TargetKind::coordinator, Argument::group, "coordinator(billing)"},
    {"crashed", TargetKind::crashed, Argument::nothing, "crashed"},
    {"rack", TargetKind::rack, Argument::rack, "rack(a)"},
    {"any broker", TargetKind::any_broker, Argument::nothing, "any broker"},
    {"brokers", TargetKind::brokers, Argument::nothing, "brokers"},
    {"clients", TargetKind::clients, Argument::nothing, "clients"},
    {"broker", TargetKind::node, Argument::broker, "broker(2)"},
    {"controller", TargetKind::node, Argument::controller, "controller(100)"},
    {"client", TargetKind::node, Argument::client, "client(p1)"},
}};

std::optional<std::int32_t> number(std::string_view digits) {
    std::int32_t result = 0;
    const char* end = digits.data() + digits.size();
    const auto [stop, error] = std::from_chars(digits.data(), end, result);
    if (digits.empty() || error != std::errc{} || stop != end || digits.front() == '-') return {};
    return result;
}

std::string hint(std::string_view word, const std::vector<std::string_view>& valid) {
    const std::string_view near = nearest(word, valid);
    if (!near.empty()) return fmt::format("did you mean '{}'?", near);
    if (valid.empty()) return "the scenario has none";
    return fmt::format("valid: {}", fmt::join(valid, ", "));
}

std::vector<std::string_view> views(const std::vector<std::string>& names) {
    return {names.begin(), names.end()};
}

std::vector<std::string_view> topic_names(const Topology& topology) {
    std::vector<std::string_view> names;
    for (const auto& [name, partitions] : topology.topics) {
        if (name != kOffsetsTopic) names.push_back(name);
    }
    return names;
}

std::int32_t partitions_of(std::string_view name, const Topology& topology) {
    for (const auto& [topic, partitions] : topology.topics) {
        if (topic == name) return partitions;
    }
    throw TargetError(
        fmt::format("unknown topic '{}'; {}", name, hint(name, topic_names(topology))));
}

NodeId client_named(std::string_view name, const Topology& topology) {
    const auto it = std::find(topology.clients.begin(), topology.clients.end(), name);
    if (it == topology.clients.end()) {
        throw TargetError(
            fmt::format("unknown client '{}'; {}", name, hint(name, views(topology.clients))));
    }
    return client_id(static_cast<std::size_t>(it - topology.clients.begin()));
}

NodeId broker_numbered(std::string_view digits, const Topology& topology) {
    const auto id = number(digits);
    if (!id || *id < 1 || *id > topology.brokers) {
        throw TargetError(
            fmt::format("unknown broker '{}'; valid: 1 to {}", digits, topology.brokers));
    }
    return broker_id(*id);
}

NodeId controller_numbered(std::string_view digits, const Topology& topology) {
    const std::int32_t first = topology.first_controller.value;
    const std::int32_t last = first + topology.controllers - 1;
    const auto id = number(digits);
    if (!id || *id < first || *id > last) {
        throw TargetError(fmt::format(
            "unknown controller '{}'; valid: {}", digits,
            first == last ? std::to_string(first) : fmt::format("{} to {}", first, last)));
    }
    return NodeId{*id};
}

Target with_argument(const TargetShape& shape, std::string_view argument,
                     const Topology& topology) {
    Target target;
    target.kind = shape.kind;
    switch (shape.argument) {
        case Argument::nothing:
            break;
        case Argument::partition:
            std::tie(target.topic, target.partition) = parse_topic_partition(argument, topology);
            break;
        case Argument::group:
            if (std::find(topology.groups.begin(), topology.groups.end(), argument) ==
                topology.groups.end()) {
                throw TargetError(fmt::format("unknown group '{}'; {}", argument,
                                              hint(argument, views(topology.groups))));
            }
            target.topic = argument;
            break;
        case Argument::rack:
            if (std::find(topology.racks.begin(), topology.racks.end(), argument) ==
                topology.racks.end()) {
                throw TargetError(fmt::format("unknown rack '{}'; {}", argument,
                                              hint(argument, views(topology.racks))));
            }
            target.topic = argument;
            break;
        case Argument::broker:
            target.node = broker_numbered(argument, topology);
            break;
        case Argument::controller:
            target.node = controller_numbered(argument, topology);
            break;
        case Argument::client:
            target.node = client_named(argument, topology);
            break;
    }
    return target;
}

const TargetShape* shape_of(std::string_view word, bool has_argument) {
    for (const TargetShape& shape : kShapes) {
        if (shape.word == word && (shape.argument != Argument::nothing) == has_argument) {
            return &shape;
        }
    }
    return nullptr;
}

[[noreturn]] void unknown_target(std::string_view text, const Topology& topology) {
    const std::string_view word = text.substr(0, text.find('('));
    if (const TargetShape* shape = shape_of(word, text.find('(') == std::string_view::npos)) {
        throw TargetError(fmt::format("found '{}', expected '{}'", text, shape->example));
    }
    std::vector<std::string_view> words;
    for (const TargetShape& shape : kShapes) words.push_back(shape.word);
    for (const std::string& client : topology.clients) words.push_back(client);
    const std::string_view near = nearest(word, words);
    if (!near.empty()) {
        throw TargetError(fmt::format("unknown target '{}'; did you mean '{}{}'?", text, near,
                                      text.substr(word.size())));
    }
    std::vector<std::string_view> examples;
    for (const TargetShape& shape : kShapes) examples.push_back(shape.example);
    throw TargetError(fmt::format("unknown target '{}'; valid: {}, or the name of a client", text,
                                  fmt::join(examples, ", ")));
}

}  // namespace

Target parse_target(std::string_view text, const Topology& topology) {
    if (const TargetShape* shape = shape_of(text, false))
        return with_argument(*shape, {}, topology);
    if (text.starts_with("broker ")) {
        return with_argument(*shape_of("broker", true), text.substr(7), topology);
    }
    const std::size_t open = text.find('(');
    if (open != std::string_view::npos && text.ends_with(')')) {
        const TargetShape* shape = shape_of(text.substr(0, open), true);
        const std::string_view argument = text.substr(open + 1, text.size() - open - 2);
        if (shape != nullptr) return with_argument(*shape, argument, topology);
    } else if (std::find(topology.clients.begin(), topology.clients.end(), text) !=
               topology.clients.end()) {
        return with_argument(*shape_of("client", true), text, topology);
    }
    unknown_target(text, topology);
}

std::string to_text(const Target& target, const Topology& topology) {
    if (target.kind == TargetKind::node) {
        if (is_client_id(target.node)) {
            const auto index = static_cast<std::size_t>(target.node.value - client_id(0).value);
            return fmt::format("client({})", topology.clients.at(index));
        }
        const bool is_broker = target.node <= broker_id(topology.brokers);
        return fmt::format("{}({})", is_broker ? "broker" : "controller", target.node.value);
    }
    for (const TargetShape& shape : kShapes) {
        if (shape.kind != target.kind) continue;
        if (shape.argument == Argument::nothing) return std::string(shape.word);
        if (shape.argument == Argument::group || shape.argument == Argument::rack)
            return fmt::format("{}({})", shape.word, target.topic);
        return fmt::format("{}({}-{})", shape.word, target.topic, target.partition);
    }
    return {};
}

std::pair<std::string, std::int32_t> split_topic_partition(std::string_view text) {
    const std::size_t dash = text.rfind('-');
    const auto partition =
        dash == std::string_view::npos ? std::nullopt : number(text.substr(dash + 1));
    if (!partition) {
        throw TargetError(
            fmt::format("found '{}', expected a topic and its partition, such as "
                        "'orders-0'",
                        text));
    }
    return {std::string(text.substr(0, dash)), *partition};
}

std::pair<std::string, std::int32_t> parse_topic_partition(std::string_view text,
                                                           const Topology& topology) {
    const auto [topic, partition] = split_topic_partition(text);
    const std::int32_t partitions = partitions_of(topic, topology);
    if (partition >= partitions) {
        throw TargetError(fmt::format("topic '{}' has no partition {}; valid: 0 to {}", topic,
                                      partition, partitions - 1));
    }
    return {topic, partition};
}

void check_topic(std::string_view name, const Topology& topology) {
    if (name == kOffsetsTopic) throw TargetError(fmt::format("topic '{}' is internal", name));
    partitions_of(name, topology);
}

bool is_target_word(std::string_view name) {
    return std::any_of(kShapes.begin(), kShapes.end(),
                       [&](const TargetShape& shape) { return shape.word == name; });
}

const std::string& name_of(const ClientSpec& client) {
    return std::visit([](const auto& spec) -> const std::string& { return spec.name; }, client);
}

Topology topology_of(const Scenario& scenario) {
    Topology topology;
    topology.brokers = scenario.cluster.brokers;
    topology.controllers = scenario.cluster.controllers;
    topology.first_controller = scenario.cluster.controller(0);
    const ClusterSpec& cluster = scenario.cluster;
    for (std::int32_t i = 1; i <= cluster.brokers; ++i) {
        const std::string& rack = cluster.rack_of(broker_id(i));
        const bool is_new =
            std::find(topology.racks.begin(), topology.racks.end(), rack) == topology.racks.end();
        if (is_new && !rack.empty()) topology.racks.push_back(rack);
    }
    // False when there is no topic of that name.
    const auto grow = [&](const std::string& topic, std::int32_t count) {
        for (auto& [name, partitions] : topology.topics) {
            if (name != topic) continue;
            partitions = std::max(partitions, count);
            return true;
        }
        return false;
    };
    const auto add = [&](const TopicSpec& topic) {
        if (!grow(topic.name, topic.partitions)) {
            topology.topics.emplace_back(topic.name, topic.partitions);
        }
    };
    std::vector<const CreatePartitionsRequest*> growths;  // of topics that may stand further below
    for (const TopicSpec& topic : scenario.topics) add(topic);
    for (const ClientSpec& client : scenario.clients) {
        topology.clients.push_back(name_of(client));
        if (const auto* consumer = std::get_if<ConsumerSpec>(&client)) {
            if (!consumer->group.empty()) topology.groups.push_back(consumer->group);
        } else if (const auto* admin = std::get_if<AdminSpec>(&client)) {
            for (const AdminStep& step : admin->steps) {
                if (step.op == AdminOp::create_topic) add(step.topic);
                const auto* growth = std::get_if<CreatePartitionsRequest>(&step.change);
                if (growth != nullptr) growths.push_back(growth);
            }
        }
    }
    for (const CreatePartitionsRequest* growth : growths) grow(growth->topic, growth->count);
    if (!topology.groups.empty()) {
        topology.topics.emplace_back(kOffsetsTopic,
                                     scenario.cluster.config.offsets_topic_num_partitions);
    }
    return topology;
}

std::string ClusterSpec::node_name(NodeId id) const {
    if (is_broker(id)) return fmt::format("broker {}", id.value);
    return controllers == 1 ? std::string("controller") : fmt::format("controller {}", id.value);
}

std::string node_name(NodeId id, const Scenario& scenario) {
    if (scenario.cluster.is_broker(id) || scenario.cluster.is_controller(id)) {
        return scenario.cluster.node_name(id);
    }
    const auto index = static_cast<std::size_t>(id.value - client_id(0).value);
    if (is_client_id(id) && index < scenario.clients.size())
        return name_of(scenario.clients[index]);
    return fmt::format("node {}", id.value);
}

}  // namespace tribunal
