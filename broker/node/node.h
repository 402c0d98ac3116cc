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

using Node = std::variant<Broker, Controller, Producer, Consumer, Admin>;

void step(Node& node, const Input& input, Outbox& out);

// The process ends and starts again: what its disk kept, or for a client nothing but its plan.
Node restart(const Node& node);

NodeId id_of(const Node& node);
std::string_view kind_of(const Node& node);  // "broker", "controller", "producer", ...

}  // namespace tribunal
