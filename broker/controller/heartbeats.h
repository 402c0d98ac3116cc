// What the active controller knows of the brokers by their heartbeats and never writes down: who
// has a session, and how far a controlled shutdown has come (BrokerHeartbeatManager). A controller
// that becomes active starts without it.
#pragma once

#include "broker/controller/cluster_image.h"

namespace tribunal {

struct BrokerHeartbeatRequest;

// A broker in controlled shutdown may stop when every active broker has read the metadata log up to
// `offset`: where its leaderships had been given away.
struct ShutdownProgress {
    Offset offset;
    FlatSet<NodeId> behind;  // active brokers that have not said so yet
    TRIBUNAL_FIELDS(ShutdownProgress, offset, behind)
};

struct Heartbeats {
    FlatSet<NodeId> sessions;  // brokers heard of within broker.session.timeout.ms
    FlatMap<NodeId, ShutdownProgress> shutdowns;
    TRIBUNAL_FIELDS(Heartbeats, sessions, shutdowns)
};

// A request of `broker` was granted, and what it decided is in `image`; the log ends at `end`.
void on_registered(Heartbeats& heartbeats, NodeId broker);
void on_heartbeat(Heartbeats& heartbeats, const ClusterImage& image,
                  const BrokerHeartbeatRequest& request, Offset end);
// Its session ended, or its registration.
void end_session(Heartbeats& heartbeats, NodeId broker);
// A controller became active: it knows nothing, and gives every unfenced broker a full session.
Heartbeats initial_heartbeats(const ClusterImage& image);

}  // namespace tribunal
