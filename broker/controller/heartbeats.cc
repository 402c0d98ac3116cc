#include "broker/controller/heartbeats.h"

#include "broker/protocol/messages.h"

namespace tribunal {
namespace {

void forget(Heartbeats& heartbeats, NodeId broker) {
    heartbeats.shutdowns.erase(broker);
    for (auto& [other, shutdown] : heartbeats.shutdowns) shutdown.behind.erase(broker);
}

}  // namespace

void on_registered(Heartbeats& heartbeats, NodeId broker) {
    forget(heartbeats, broker);
    heartbeats.sessions.insert(broker);
}

void on_heartbeat(Heartbeats& heartbeats, const ClusterImage& image,
                  const BrokerHeartbeatRequest& request, Offset end) {
    const NodeId broker = request.broker;
    heartbeats.sessions.insert(broker);
    if (!image.alive.contains(broker)) {
        // A fenced broker has left its controlled shutdown: on its next heartbeat it may stop.
        forget(heartbeats, broker);
        return;
    }
    // Still unfenced, it was told to wait until its leaders are moved and everybody knows.
    if (request.want_shut_down && !heartbeats.shutdowns.contains(broker)) {
        ShutdownProgress shutdown{end, {}};
        for (const auto& [other, epoch] : image.alive) {
            if (other != broker && !heartbeats.shutdowns.contains(other)) {
                shutdown.behind.insert(other);
            }
        }
        forget(heartbeats, broker);
        heartbeats.shutdowns[broker] = std::move(shutdown);
    }
    if (heartbeats.shutdowns.contains(broker)) return;
    for (auto& [other, shutdown] : heartbeats.shutdowns) {
        if (request.metadata_offset >= shutdown.offset) {
            shutdown.behind.erase(broker);
        } else {
            shutdown.behind.insert(broker);
        }
    }
}

void end_session(Heartbeats& heartbeats, NodeId broker) {
    heartbeats.sessions.erase(broker);
    forget(heartbeats, broker);
}

Heartbeats initial_heartbeats(const ClusterImage& image) {
    Heartbeats heartbeats;
    for (const auto& [broker, epoch] : image.alive) heartbeats.sessions.insert(broker);
    return heartbeats;
}

}  // namespace tribunal
