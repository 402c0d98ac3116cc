// The end of a broker in good order (SIGTERM). Heartbeats say that it wants to shut down; the
// controller moves its leaderships away and takes it out of the ISRs, then says that it may; then
// it checkpoints, flushes and leaves the clean shutdown file, by which its next registration proves
// that it has lost nothing (KIP-966).
#include "broker/base/check.h"
#include "broker/node/broker.h"

namespace tribunal {
namespace {

// BrokerServer.shutdown gives the controller this long.
constexpr Duration kLongestControlledShutdown = seconds(5 * 60);

}  // namespace

void on_stop(Broker& b, Outbox& out) {
    if (b.controlled_shutdown != ControlledShutdown::no) return;
    if (!b.config.controlled_shutdown_enable || b.registration != Registration::registered) {
        // Still starting (BrokerState.STARTING): nobody has to be told.
        shut_down(b, out);
        return;
    }
    b.controlled_shutdown = ControlledShutdown::wanted;
    out.arm(timer(TimerKind::controlled_shutdown), kLongestControlledShutdown);
    // At once, or as soon as the heartbeat under way is answered.
    if (!b.heartbeat_in_flight) on_heartbeat_timer(b, out);
}

void on_heartbeat_while_leaving(Broker& b, const BrokerHeartbeatResponse& response, Outbox& out) {
    switch (b.controlled_shutdown) {
        case ControlledShutdown::no:
            CHECK(!"a broker that stays");
            return;
        case ControlledShutdown::wanted:
            on_heartbeat_timer(b, out);  // this one was sent before
            return;
        case ControlledShutdown::announced:
        case ControlledShutdown::pending:
            break;
    }
    if (response.should_shut_down) {
        shut_down(b, out);
        return;
    }
    if (b.controlled_shutdown == ControlledShutdown::pending) return;
    // The first answer is asked after a little sooner than a heartbeat usually comes.
    b.controlled_shutdown = ControlledShutdown::pending;
    out.arm(timer(TimerKind::heartbeat), milliseconds(50));
}

void shut_down(Broker& b, Outbox& out) {
    close_logs(b);
    b.clean_shutdown_file = b.broker_epoch;
    out.effects.emplace_back(Halt{"has shut down", true});
}

}  // namespace tribunal
