#include "broker/node/node.h"

#include "broker/base/check.h"

namespace tribunal {

void step(Node& node, const Input& input, Outbox& out) {
    std::visit([&](auto& role) { step(role, input, out); }, node);
}

Node restart(const Node& node) {
    return std::visit(Overloaded{
                          [](const Broker& b) -> Node { return restart(b); },
                          [](const Controller& c) -> Node { return restart(c); },
                          [](const Producer& p) -> Node {
                              // A new process of the application goes on with the records it had
                              // not given yet.
                              Producer fresh;
                              fresh.id = p.id;
                              fresh.client = p.client;
                              fresh.topic = p.topic;
                              fresh.config = p.config;
                              fresh.load = p.load;
                              fresh.load.start = Duration{0};
                              fresh.key_serializer = p.key_serializer;
                              fresh.value_serializer = p.value_serializer;
                              fresh.stopped = p.stopped;
                              fresh.next_record = p.next_record;
                              fresh.metadata.bootstrap = p.metadata.bootstrap;
                              fresh.metadata.topics = p.metadata.topics;
                              // Answers to requests of the last life must not match requests of
                              // this one.
                              fresh.next_correlation = p.next_correlation;
                              return fresh;
                          },
                          [](const Consumer& c) -> Node {
                              Consumer fresh;
                              fresh.id = c.id;
                              fresh.client = c.client;
                              fresh.group = c.group;
                              fresh.topics = c.topics;
                              fresh.wanted = c.wanted;
                              fresh.config = c.config;
                              fresh.key_deserializer = c.key_deserializer;
                              fresh.value_deserializer = c.value_deserializer;
                              fresh.from_beginning = c.from_beginning;
                              fresh.metadata.bootstrap = c.metadata.bootstrap;
                              fresh.metadata.topics = c.metadata.topics;
                              fresh.next_correlation = c.next_correlation;
                              fresh.next_operation = c.next_operation;
                              return fresh;
                          },
                          [](const Admin& a) -> Node {
                              Admin fresh = a;
                              fresh.in_flight = 0;
                              return fresh;
                          },
                          [](const Combined& c) -> Node {
                              return Combined{restart(c.broker), restart(c.controller)};
                          },
                      },
                      node);
}

void install(Node& node, const BrokerConfig& config) {
    Broker* broker = broker_of(node);
    Controller* controller = controller_of(node);
    CHECK(broker != nullptr || controller != nullptr);
    if (broker != nullptr) {
        const std::string rack = std::move(broker->config.rack);
        broker->config = config;
        broker->config.rack = rack;
    }
    if (controller != nullptr) install(*controller, config);
}

NodeId id_of(const Node& node) {
    return std::visit(Overloaded{[](const Combined& c) { return c.broker.id; },
                                 [](const auto& role) { return role.id; }},
                      node);
}

std::string_view kind_of(const Node& node) {
    constexpr std::string_view kinds[] = {"broker",   "controller", "producer",
                                          "consumer", "admin",      "broker,controller"};
    static_assert(std::size(kinds) == std::variant_size_v<Node>);
    return kinds[node.index()];
}

const Broker* broker_of(const Node& node) {
    if (const auto* b = std::get_if<Broker>(&node)) return b;
    const auto* both = std::get_if<Combined>(&node);
    return both == nullptr ? nullptr : &both->broker;
}
Broker* broker_of(Node& node) {
    return const_cast<Broker*>(broker_of(static_cast<const Node&>(node)));
}

const Controller* controller_of(const Node& node) {
    if (const auto* c = std::get_if<Controller>(&node)) return c;
    const auto* both = std::get_if<Combined>(&node);
    return both == nullptr ? nullptr : &both->controller;
}
Controller* controller_of(Node& node) {
    return const_cast<Controller*>(controller_of(static_cast<const Node&>(node)));
}

bool is_client(const Node& node) {
    return broker_of(node) == nullptr && controller_of(node) == nullptr;
}

}  // namespace tribunal
