// Producer ids for idempotent producers (KIP-98): any broker hands them out of its block and asks
// the controller for the next one in time (KIP-730, RPCProducerIdManager). While it has none the
// client hears COORDINATOR_LOAD_IN_PROGRESS and asks again.
//
// A producer without a transactional id always gets a fresh id with epoch 0: nothing ties it to an
// earlier life, so a restarted application may duplicate what the last one sent.
#include <algorithm>

#include "broker/base/check.h"
#include "broker/node/broker.h"

namespace tribunal {
namespace {

constexpr Duration kRetryBackoff = milliseconds(50);  // RPCProducerIdManager.RetryBackoffMs

ConnectionKey to_controller(const Broker& b) {
    return {b.id, b.controller, Lane::producer_id_block};
}

void request_next_block(Broker& b, Outbox& out) {
    ProducerIds& ids = b.producer_ids;
    if (ids.next || ids.in_flight || ids.backing_off || b.controller == kNoNode) return;
    ids.in_flight = true;
    out.send(to_controller(b), free_correlation(b),
             AllocateProducerIdsRequest{b.id, b.broker_epoch});
    out.arm(timer(TimerKind::request_timeout, to_controller(b).packed()),
            b.config.replica_socket_timeout);
}

// The next id, when there is one.
std::optional<ProducerId> claim(Broker& b, Outbox& out) {
    ProducerIds& ids = b.producer_ids;
    if (ids.used == ids.current.size) {
        if (!ids.next) {
            request_next_block(b, out);
            return std::nullopt;
        }
        ids.current = *ids.next;
        ids.next.reset();
        ids.used = 0;
        if (ids.current.size == 0) return std::nullopt;
    }
    const ProducerId id{ids.current.first.value + ids.used};
    // The next block is fetched when nine tenths of this one are gone (PidPrefetchThreshold).
    if (ids.used == ids.current.size / 10 * 9) request_next_block(b, out);
    ++ids.used;
    return id;
}

}  // namespace

void on_init_producer_id(Broker& b, const Deliver& d, const InitProducerIdRequest& request,
                         Outbox& out) {
    CHECK(request.transactional_id.empty());
    InitProducerIdResponse response;
    if (const auto id = claim(b, out)) {
        response.producer_id = *id;
        response.producer_epoch = 0;
    } else {
        response.error = ErrorCode::coordinator_load_in_progress;
    }
    out.respond(d.connection, d.correlation, response);
}

void on_producer_ids(Broker& b, const AllocateProducerIdsResponse& response, Outbox& out) {
    ProducerIds& ids = b.producer_ids;
    if (!ids.in_flight) return;
    if (response.error != ErrorCode::none) {
        on_producer_ids_failed(b, out);
        return;
    }
    ids.in_flight = false;
    ids.next = ProducerIdBlock{response.producer_id_start, response.producer_id_len};
}

void on_producer_ids_failed(Broker& b, Outbox& out) {
    if (!b.producer_ids.in_flight) return;
    b.producer_ids.in_flight = false;
    b.producer_ids.backing_off = true;
    out.arm(timer(TimerKind::producer_ids_retry), kRetryBackoff);
}

void on_producer_ids_retry(Broker& b, Outbox& out) {
    b.producer_ids.backing_off = false;
    request_next_block(b, out);
}

}  // namespace tribunal
