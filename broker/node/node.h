// A node of the world: one process on one machine, whatever it runs. Still a value.
#pragma once

#include <string_view>
#include <variant>

#include "broker/client/admin.h"
#include "broker/client/consumer.h"
#include "broker/client/producer.h"
#include "broker/controller/controller.h"
#include "broker/node/broker.h"

namespace tribunal {

// process.roles=broker,controller: both roles in one process, on one disk. They talk to each other
// over the loopback as to anybody else (combined.cc).
struct Combined {
    Broker broker;
    Controller controller;
    TRIBUNAL_FIELDS(Combined, broker, controller)
};

using Node = std::variant<Broker, Controller, Producer, Consumer, Admin, Combined>;

void step(Node& node, const Input& input, Outbox& out);
void step(Combined& node, const Input& input, Outbox& out);

// The process ends and starts again: what its disk kept, or for a client nothing but its plan.
Node restart(const Node& node);

// Other software with its defaults, between two lives of a process: all of `config` but what is the
// machine's (broker.rack). A client has none that anybody upgrades.
void install(Node& node, const BrokerConfig& config);

NodeId id_of(const Node& node);
std::string_view kind_of(const Node& node);  // "broker", "controller", "producer", ...

// The role that a node plays, alone or with another; null when it does not.
const Broker* broker_of(const Node& node);
Broker* broker_of(Node& node);
const Controller* controller_of(const Node& node);
Controller* controller_of(Node& node);
// Neither broker nor controller: it is outside of the cluster and has no disk.
bool is_client(const Node& node);

}  // namespace tribunal
