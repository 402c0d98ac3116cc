// Which controller a broker talks to (RaftControllerNodeProvider), and the requests of clients that
// go on to it (KIP-590).
//
// The leader of the quorum is learned from the fetches of the metadata log: a controller that does
// not lead says who does. While a fetch finds nobody, the voters are asked in turn, as Kafka's
// observers ask a voter when the leader that they know is silent. Everything else goes to the
// leader as known, and again when it answers NOT_CONTROLLER, or when another one is known.
//
// Deviation: voters are asked one after the other, beginning with the broker's number; Kafka draws.
// Deviation: a new request goes to the new leader at once; Kafka's channel goes on with the old one
// until that refuses.
#include <algorithm>

#include "broker/base/check.h"
#include "broker/node/broker.h"

namespace tribunal {
namespace {

constexpr Duration kRetry = milliseconds(100);     // of a channel that has found no controller
constexpr Duration kRequestTimeout = seconds(30);  // controller.socket.timeout.ms

bool is_refused(const Message& response) {
    return response.visit([](const auto& m) {
        if constexpr (requires { m.error == ErrorCode::none; }) {
            return m.error == ErrorCode::not_controller;
        } else {
            return false;
        }
    });
}

void send_forwarded(Broker& b, std::int32_t correlation, Forwarded& forwarded, Outbox& out) {
    CHECK(b.controller != kNoNode);
    const ConnectionKey connection{b.id, b.controller, Lane::forwarding};
    forwarded.sent_to = b.controller;
    out.send(connection, correlation, *forwarded.request);
    out.arm(timer(TimerKind::request_timeout, connection.packed()), kRequestTimeout);
}

// Nothing is under way to this controller any more.
void maybe_disarm(const Broker& b, ConnectionKey connection, Outbox& out) {
    const bool waits = std::any_of(b.forwarded.begin(), b.forwarded.end(), [&](const auto& e) {
        return e.second.sent_to == connection.server;
    });
    if (!waits) out.disarm(timer(TimerKind::request_timeout, connection.packed()));
}

}  // namespace

NodeId first_voter(const Broker& b) {
    CHECK(!b.voters.empty());
    return b.voters[static_cast<std::size_t>(b.id.value) % b.voters.size()];
}

void forget_controllers(Broker& b) {
    b.metadata_source = first_voter(b);
    // The only voter there is can only be the leader.
    b.controller = b.voters.size() == 1 ? b.voters.front() : kNoNode;
    b.controller_epoch = kNoLeaderEpoch;
}

void ask_next_voter(Broker& b) {
    const auto at = std::find(b.voters.begin(), b.voters.end(), b.metadata_source);
    b.metadata_source =
        at == b.voters.end() || at + 1 == b.voters.end() ? b.voters.front() : *(at + 1);
}

void follow_controller(Broker& b, NodeId leader, LeaderEpoch epoch, Outbox& out) {
    if (epoch < b.controller_epoch) return;  // old news
    // Within an epoch the leader may become known and never another.
    if (leader == kNoNode && epoch == b.controller_epoch) return;
    b.controller_epoch = epoch;
    if (leader == kNoNode && b.voters.size() == 1) return;
    const bool is_new = leader != b.controller;
    b.controller = leader;
    if (leader == kNoNode) return;
    b.metadata_source = leader;
    if (is_new) send_what_waits(b, out);
}

void send_what_waits(Broker& b, Outbox& out) {
    if (b.registration == Registration::none ||
        (b.registration == Registration::registered && !b.heartbeat_in_flight)) {
        on_heartbeat_timer(b, out);
    }
    send_alter_partitions(b, out);
    for (auto& [correlation, forwarded] : b.forwarded) {
        if (forwarded.sent_to == kNoNode) send_forwarded(b, correlation, forwarded, out);
    }
}

void forward(Broker& b, const Deliver& d, Outbox& out) {
    // One correlation id pairs the two requests.
    const std::int32_t correlation = free_correlation(b);
    Forwarded& forwarded = b.forwarded[correlation];
    forwarded = {d.connection, d.correlation, Shared<Message>{d.message}, kNoNode};
    if (b.controller != kNoNode) send_forwarded(b, correlation, forwarded, out);
}

void on_forwarded_response(Broker& b, const Deliver& d, Outbox& out) {
    Forwarded* forwarded = b.forwarded.find(d.correlation);
    if (forwarded == nullptr || forwarded->sent_to != d.connection.server) return;
    if (is_refused(d.message)) {
        forwarded->sent_to = kNoNode;
        out.arm(timer(TimerKind::forward_retry), kRetry);
    } else {
        out.respond(forwarded->client, forwarded->correlation, d.message);
        b.forwarded.erase(d.correlation);
    }
    maybe_disarm(b, d.connection, out);
}

void on_forwarding_failed(Broker& b, NodeId controller, Outbox& out) {
    const ConnectionKey connection{b.id, controller, Lane::forwarding};
    out.disarm(timer(TimerKind::request_timeout, connection.packed()));
    bool waits = false;
    for (auto& [correlation, forwarded] : b.forwarded) {
        if (forwarded.sent_to != controller) continue;
        // It may have been carried out: whoever asked learns that from the second answer
        // (TOPIC_ALREADY_EXISTS), as with Kafka.
        forwarded.sent_to = kNoNode;
        waits = true;
    }
    if (waits) out.arm(timer(TimerKind::forward_retry), kRetry);
}

void retry_forwarding(Broker& b, Outbox& out) {
    for (auto& [correlation, forwarded] : b.forwarded) {
        if (forwarded.sent_to != kNoNode || b.controller == kNoNode) continue;
        send_forwarded(b, correlation, forwarded, out);
    }
}

}  // namespace tribunal
