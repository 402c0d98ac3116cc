// TCP-like connections: bytes arrive in order or the connection breaks. A cut link keeps what is
// under way (TCP retransmits) until it heals or somebody gives the connection up.
#include <algorithm>

#include "broker/base/check.h"
#include "sim/world.h"

namespace tribunal {
namespace {

constexpr Duration kConnectTimeout = seconds(10);  // socket.connection.setup.timeout.ms

}  // namespace

Duration World::latency(const LatencyModel& model, ChoiceKind kind, std::uint32_t stream,
                        Chooser& chooser) {
    const auto point = static_cast<std::uint32_t>(chooser.choose(kind, stream, 1ull << 32));
    return model.min + exponential(model.mean - model.min, point);
}

Link& World::edit_link(NodeId from, NodeId to) {
    return links_.edit()[index_of(from) * hosts.size() + index_of(to)];
}
const Link& World::link(NodeId from, NodeId to) const {
    return (*links_)[index_of(from) * hosts.size() + index_of(to)];
}

bool World::is_blocked(NodeId from, NodeId to) const {
    const Link& l = link(from, to);
    return l.cuts > 0 || l.jams > 0;
}

void World::transmit(std::uint32_t slot, Stream& stream, Instant departs, int trips,
                     Chooser& chooser) {
    const MessageInFlight& message = *in_flight_.slots[slot];
    const ConnectionKey key = message.deliver.connection;
    const bool to_server = !message.deliver.is_response;
    const NodeId from = to_server ? key.client : key.server;
    const NodeId to = to_server ? key.server : key.client;
    const std::size_t to_index = index_of(to);
    const auto from_index = static_cast<std::uint32_t>(index_of(from));
    const Link& l = (*links_)[from_index * hosts.size() + to_index];
    Instant arrives = departs;
    for (int i = 0; i < trips; ++i) {
        arrives = arrives +
                  latency(options.network, ChoiceKind::network_latency, from_index, chooser) +
                  l.extra_latency;
    }
    if (options.bandwidth > 0) {
        const std::int64_t size = size_in_bytes(message.deliver.message);
        arrives = arrives + nanoseconds(size * 1'000'000'000 / options.bandwidth);
    }
    arrives = std::max(arrives, stream.last_arrival + nanoseconds(1));
    stream.last_arrival = arrives;
    queue_.push(arrives, static_cast<std::uint32_t>(to_index),
                static_cast<std::uint32_t>(EventKind::deliver), slot);
}

void World::send(NodeId from, Instant departs, Send&& send, Chooser& chooser, Observer* observer) {
    const ConnectionKey key = send.connection;
    const bool to_server = !send.is_response;
    CHECK(from == (to_server ? key.client : key.server));
    Connection* connection = connections_.find(key.packed());
    int trips = 1;
    if (connection == nullptr) {
        if (!to_server) return;  // the client is gone: nobody to answer
        connection = &connections_[key.packed()];
        connection->incarnation = next_incarnation_++;
        connection->open = true;
        trips = 3;  // SYN, SYN-ACK, then the request
    }
    Stream& stream = to_server ? connection->to_server : connection->to_client;
    Shared<MessageInFlight> block = delivered_.take();
    MessageInFlight& message = block.edit();
    message.incarnation = connection->incarnation;
    message.place = stream.sent++;
    message.sent = now_;
    message.departs = departs;
    message.deliver.connection = key;
    message.deliver.is_response = send.is_response;
    message.deliver.correlation = send.correlation;
    message.deliver.message = std::move(send.message);
    const std::uint32_t slot = in_flight_.put(std::move(block));
    const NodeId to = to_server ? key.server : key.client;
    if (observer != nullptr) {
        observer->on_message_sent(*this, slot, *in_flight_.slots[slot], from, to);
    }
    if (!held_.empty() && is_blocked(from, to)) {
        if (auto* held = held_.find(stream_key(key, to_server))) {
            held->push_back(slot);
            return;
        }
    }
    transmit(slot, stream, departs, trips, chooser);
}

// What was under way when a link healed may be there before what the link had kept: as TCP has it,
// it waits for everything that was sent before it.
bool World::takes_its_turn(std::uint32_t slot, Stream& stream) {
    const auto place_of = [&](std::uint32_t s) { return in_flight_.slots[s]->place; };
    const Deliver& deliver = in_flight_.slots[slot]->deliver;
    const ConnectionKey connection = deliver.connection;
    const std::uint64_t key = stream_key(connection, !deliver.is_response);
    if (place_of(slot) != stream.arrived) {
        CHECK(place_of(slot) > stream.arrived);
        held_[key].push_back(slot);
        return false;
    }
    ++stream.arrived;
    if (held_.empty()) return true;
    auto* held = held_.find(key);
    if (held == nullptr) return true;
    const auto next = std::find_if(held->begin(), held->end(),
                                   [&](std::uint32_t s) { return place_of(s) == stream.arrived; });
    if (next == held->end()) return true;
    const NodeId to = deliver.is_response ? connection.client : connection.server;
    queue_.push(now_ + nanoseconds(1), static_cast<std::uint32_t>(index_of(to)),
                static_cast<std::uint32_t>(EventKind::deliver), *next);
    held->erase(next);
    if (held->empty()) held_.erase(key);
    return true;
}

void World::forget(ConnectionKey key) {
    connections_.erase(key.packed());
    for (const bool to_server : {true, false}) {
        if (held_.empty()) return;
        const std::uint64_t stream = stream_key(key, to_server);
        auto* held = held_.find(stream);
        if (held == nullptr) continue;
        for (const std::uint32_t slot : *held) in_flight_.take(slot);
        held_.erase(stream);
    }
}

void World::notify_closed(ConnectionKey key, const Connection& connection, bool at_server,
                          Instant at) {
    const NodeId to = at_server ? key.server : key.client;
    const std::uint32_t slot = notices_.put({key, connection.incarnation, to, at_server, false});
    queue_.push(at, static_cast<std::uint32_t>(index_of(to)),
                static_cast<std::uint32_t>(EventKind::closed), slot);
}

void World::give_up_connecting(ConnectionKey key, const Connection& connection) {
    const std::uint32_t slot = notices_.put({key, connection.incarnation, key.client, false, true});
    queue_.push(now_ + kConnectTimeout, static_cast<std::uint32_t>(index_of(key.client)),
                static_cast<std::uint32_t>(EventKind::closed), slot);
}

void World::close(ConnectionKey key, NodeId by, Chooser& chooser) {
    const Connection* found = connections_.find(key.packed());
    if (found == nullptr) return;
    const NodeId peer = by == key.client ? key.server : key.client;
    const Connection connection = *found;
    forget(key);
    if (is_blocked(by, peer)) return;  // the FIN does not get through
    notify_closed(key, connection, by == key.client,
                  now_ + latency(options.network, ChoiceKind::network_latency,
                                 static_cast<std::uint32_t>(index_of(by)), chooser));
}

void World::close_all(NodeId node, bool tell, Chooser& chooser) {
    std::vector<ConnectionKey> keys;
    for (const auto& [packed, connection] : connections_) {
        const ConnectionKey key = connection_key(packed);
        if (key.client == node || key.server == node) keys.push_back(key);
    }
    for (const ConnectionKey key : keys) {
        if (tell) {
            close(key, node, chooser);
        } else {
            forget(key);
        }
    }
}

void World::release_held(NodeId a, NodeId b, Chooser& chooser) {
    if (held_.empty()) return;
    for (auto& [packed, connection] : connections_) {
        const ConnectionKey key = connection_key(packed);
        if (!is_between(key, a, b)) continue;
        for (const bool to_server : {true, false}) {
            const NodeId from = to_server ? key.client : key.server;
            if (is_blocked(from, to_server ? key.server : key.client)) continue;
            const std::uint64_t which = stream_key(key, to_server);
            auto* kept = held_.find(which);
            if (kept == nullptr) continue;
            Stream& stream = to_server ? connection.to_server : connection.to_client;
            std::vector<std::uint32_t> held = std::move(*kept);
            held_.erase(which);
            std::sort(held.begin(), held.end(), [&](std::uint32_t x, std::uint32_t y) {
                return in_flight_.slots[x]->place < in_flight_.slots[y]->place;
            });
            for (const std::uint32_t slot : held) {
                const Instant departs = std::max(now_, in_flight_.slots[slot]->departs);
                transmit(slot, stream, departs, 1, chooser);
            }
        }
    }
}

}  // namespace tribunal
