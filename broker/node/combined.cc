// A combined node (process.roles=broker,controller): which of its two roles an input is for. Each
// role is the same code as on a node of its own and knows nothing of the other: the broker asks the
// controller over the loopback, and both write to one disk.
#include "broker/node/node.h"

namespace tribunal {
void step(Combined& node, const Input& input, Outbox& out) {
    const NodeId self = node.broker.id;
    std::visit(Overloaded{
                   [&](const Start&) {
                       step(node.controller, input, out);
                       step(node.broker, input, out);
                   },
                   [&](const Deliver& d) {
                       const bool to_controller = d.is_response
                                                      ? is_between_controllers(d.connection.lane)
                                                      : is_to_controllers(d.connection.lane);
                       if (to_controller) {
                           step(node.controller, input, out);
                       } else {
                           step(node.broker, input, out);
                       }
                   },
                   [&](const ConnectionClosed& closed) {
                       const ConnectionKey& key = closed.connection;
                       const bool at_server =
                           key.client == key.server ? closed.at_server : key.server == self;
                       if (is_between_controllers(key.lane) ||
                           (at_server && is_to_controllers(key.lane))) {
                           step(node.controller, input, out);
                       } else {
                           step(node.broker, input, out);
                       }
                   },
                   [&](const TimerFired& t) {
                       if (is_of_controller(kind_of(t.timer))) {
                           step(node.controller, input, out);
                       } else {
                           step(node.broker, input, out);
                       }
                   },
                   [&](const WriteDone& w) {
                       if (is_raft_token(w.token)) {
                           step(node.controller, input, out);
                       } else {
                           step(node.broker, input, out);
                       }
                   },
                   // The broker ends first; with it the process (KafkaRaftServer.shutdown).
                   [&](const Stop&) { step(node.broker, input, out); },
               },
               input);
}

}  // namespace tribunal
