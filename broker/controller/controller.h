// The active controller (KIP-500): decides cluster metadata, writes it to its log, and lets the
// brokers fetch what is committed.
//
// decide() reads the image and returns records and a response; the records are replayed at once (so
// that the next decision sees them) and the response leaves when they are on the platter. A restart
// replays the log. The quorum has one voter: committed means synced.
#pragma once

#include <vector>

#include "broker/controller/decisions.h"
#include "broker/protocol/effects.h"

namespace tribunal {

// A response, or nothing but a commit, that waits for the log to be synced up to `offset`.
struct DeferredResponse {
    Offset offset;
    ConnectionKey connection;
    std::int32_t correlation = 0;
    Shared<Message> response;
    TRIBUNAL_FIELDS(DeferredResponse, offset, connection, correlation, response)
};
struct WaitingFetch {
    ConnectionKey connection;
    std::int32_t correlation = 0;
    Offset fetch_offset;
    TRIBUNAL_FIELDS(WaitingFetch, connection, correlation, fetch_offset)
};

struct Controller {
    NodeId id;
    BrokerConfig config;
    // Persisted.
    std::vector<Shared<MetadataRecord>> log;
    // Volatile.
    Offset high_watermark{0};  // synced, hence committed
    bool sync_in_flight = false;
    ClusterImage image;  // of the whole log
    Heartbeats heartbeats;
    std::vector<DeferredResponse> deferred;
    std::vector<WaitingFetch> waiting;
    TRIBUNAL_FIELDS(Controller, id, config, log, high_watermark, sync_in_flight, image, heartbeats,
                    deferred, waiting)

    Offset log_end() const { return Offset{static_cast<std::int64_t>(log.size())}; }
    ControllerView view() const { return {image, config, heartbeats, log_end()}; }
};

void step(Controller& c, const Input& input, Outbox& out);

// What is left of a controller when its process ends: a fresh one with the same log.
Controller restart(const Controller& c);

}  // namespace tribunal
