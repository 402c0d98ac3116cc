// The event loop: takes the next event, gives it to the node it is for, and lets the host carry out
// what the node wants.
#include "sim/world.h"

#include <algorithm>

#include "broker/base/check.h"

namespace tribunal {
namespace {

constexpr std::int64_t kEpochMs = 1'700'000'000'000;  // where every wall clock begins

}  // namespace

void World::add(Node node, std::string name, Instant at) {
    const NodeId id = id_of(node);
    CHECK(ids.empty() || ids.back() < id);
    CHECK(id.value >= 0);
    ids.push_back(id);
    Directory& directory = directory_.edit();
    if (directory.index_by_id.size() <= static_cast<std::size_t>(id.value)) {
        directory.index_by_id.resize(static_cast<std::size_t>(id.value) + 1, -1);
    }
    directory.index_by_id[static_cast<std::size_t>(id.value)] =
        static_cast<std::int32_t>(hosts.size());
    if (controller_of(node) != nullptr) directory.controllers.push_back(hosts.size());
    Host host;
    host.node = std::move(node);
    host.name = std::move(name);
    hosts.emplace_back(std::move(host));
    links_.edit().assign(hosts.size() * hosts.size(), Link{});
    start_process(hosts.size() - 1, at);
}

const Controller& World::controller() const {
    const std::vector<std::size_t>& controllers = directory_->controllers;
    CHECK(!controllers.empty());
    const Controller* best = controller_of(hosts[controllers.front()]->node);
    // Of two that think they are active the newer one is. One that is down knows what its disk has.
    const auto rank = [](const Controller& c) {
        return std::make_tuple(c.active.value_or(LeaderEpoch{-1}), c.raft.log.last_epoch(),
                               c.raft.log.end_offset);
    };
    for (std::size_t i = 1; i < controllers.size(); ++i) {
        const Controller* c = controller_of(hosts[controllers[i]]->node);
        if (rank(*best) < rank(*c)) best = c;
    }
    return *best;
}

const ClusterImage& World::image() const { return controller().image; }

Timestamp World::wall_clock(const Host& host) const {
    const std::int64_t since = (now_ - host.drift_since).value;
    const std::int64_t drifted = since / 1'000'000 * host.clock_ppm;
    return Timestamp{kEpochMs + (now_.value + host.clock_offset.value + drifted) / 1'000'000};
}

bool World::step(Chooser& chooser, Observer* observer, Instant until) {
    if (queue_.empty() || queue_.next_time() > until) {
        if (until != kNever && now_ < until) now_ = until;
        return false;
    }
    const std::size_t ties = queue_.ties();
    const Event event =
        ties == 1 ? queue_.pop()
                  : queue_.pop(static_cast<std::size_t>(chooser.choose(ChoiceKind::tie, 0, ties)));
    CHECK(event.at >= now_);
    now_ = event.at;
    ++events_;
    fold(trace_, event.at);
    trace_.word((static_cast<std::uint64_t>(event.node) << 32) | event.kind);
    const auto kind = static_cast<EventKind>(event.kind);
    if (kind != EventKind::fault && kind != EventKind::fault_ends && kind != EventKind::start) {
        // A paused process does not run, but its kernel keeps what comes.
        if (hosts[event.node]->paused > 0) {
            hosts[event.node].edit().held.push_back(event);
            return true;
        }
    }
    switch (kind) {
        case EventKind::deliver:
            on_deliver(event, chooser, observer);
            break;
        case EventKind::timer:
            on_timer(event, chooser, observer);
            break;
        case EventKind::write_done:
            on_write_done(event, chooser, observer);
            break;
        case EventKind::start:
            on_start(event, chooser, observer);
            break;
        case EventKind::closed:
            on_closed(event, chooser, observer);
            break;
        case EventKind::fault:
            on_fault(event, chooser, observer);
            break;
        case EventKind::fault_ends:
            on_fault_ends(event, chooser, observer);
            break;
        case EventKind::stop:
            on_stop(event, chooser, observer);
            break;
    }
    return true;
}

void World::run_step(std::size_t index, const Input& input, Chooser& chooser, Observer* observer) {
    Host& host = hosts[index].edit();
    outbox_.moment = Moment{now_.value};
    outbox_.timestamp = wall_clock(host);
    outbox_.wants_marks = marks;
    tribunal::step(host.node, input, outbox_);
    if (observer != nullptr) observer->on_step(*this, host, input, outbox_);
    carry_out(index, outbox_, chooser, observer);
    outbox_.effects.clear();
    outbox_.notes.clear();
}

void World::on_deliver(const Event& event, Chooser& chooser, Observer* observer) {
    const auto slot = static_cast<std::uint32_t>(event.payload);
    const MessageInFlight& message = *in_flight_.slots[slot];
    const ConnectionKey key = message.deliver.connection;
    const bool to_server = !message.deliver.is_response;
    const NodeId from = to_server ? key.client : key.server;
    const NodeId to = to_server ? key.server : key.client;
    Connection* connection = connections_.find(key.packed());
    const auto lose = [&] {
        if (observer != nullptr) observer->on_message_received(*this, slot, message, true);
        in_flight_.take(slot);
    };
    if (connection == nullptr || connection->incarnation != message.incarnation) return lose();
    Stream& stream = to_server ? connection->to_server : connection->to_client;
    if (is_blocked(from, to)) {
        auto& held = held_[stream_key(key, to_server)];
        held.push_back(slot);
        const bool is_first = held.size() == 1;
        if (!connection->established && is_first) give_up_connecting(key, *connection);
        return;
    }
    if (message.place == stream.arrived && held_.empty()) [[likely]] {
        ++stream.arrived;
    } else if (!takes_its_turn(slot, stream)) {
        return;
    }
    const Host& receiver = *hosts[event.node];
    if (receiver.power != Power::up || !receiver.started) {
        // Nobody listens. A machine that is up refuses; one that is off is silent.
        if (to_server && receiver.power != Power::off) {
            notify_closed(key, *connection, false,
                          now_ + latency(options.network, ChoiceKind::network_latency,
                                         static_cast<std::uint32_t>(event.node), chooser));
        } else if (to_server && !connection->established) {
            give_up_connecting(key, *connection);
        }
        return lose();
    }
    connection->established = true;
    fold(trace_, message);
    ++messages_;
    if (to_server && !connection->server_knows) {
        // The first of a new connection: the server learns now, if the notice got lost, that the
        // client's last one is gone.
        connection->server_knows = true;
        run_step(event.node, Input{ConnectionClosed{key, true}}, chooser, observer);
    }
    if (observer != nullptr)
        observer->on_message_received(*this, slot, *in_flight_.slots[slot], false);
    Shared<MessageInFlight> taken = in_flight_.take(slot);
    run_step(event.node, Input{std::move(taken.edit().deliver)}, chooser, observer);
    delivered_.keep(std::move(taken));
}

void World::on_timer(const Event& event, Chooser& chooser, Observer* observer) {
    const TimerId id{event.payload};
    // Most timers are moved on before they fire: look before cloning a shared host.
    const HostTimer* seen = hosts[event.node]->timers.find(id);
    if (seen == nullptr || seen->queued != event.at)
        return;  // of an earlier life, or moved forward
    Host& host = hosts[event.node].edit();
    HostTimer& timer = *host.timers.find(id);
    timer.queued = kNever;
    if (timer.deadline == kNever) return;
    if (timer.deadline > now_) {
        timer.queued = timer.deadline;
        queue_.push(timer.deadline, event.node, static_cast<std::uint32_t>(EventKind::timer),
                    id.value);
        return;
    }
    timer.deadline = kNever;
    TimerFired fired{id, 0};
    if (kind_of(id) == TimerKind::load) {
        fired.random = static_cast<std::uint32_t>(
            chooser.choose(ChoiceKind::client_value, event.node, 1ull << 32));
    }
    trace_.word(id.value);
    run_step(event.node, Input{fired}, chooser, observer);
}

void World::on_write_done(const Event& event, Chooser& chooser, Observer* observer) {
    const PendingSync sync = syncs_.take(static_cast<std::uint32_t>(event.payload));
    if (hosts[event.node]->starts != sync.starts || hosts[event.node]->power != Power::up) return;
    Host& host = hosts[event.node].edit();
    if (DiskFile* file = host.disk.files.find(sync.file)) {
        const std::uint64_t first = file->written - file->writes.size();
        if (sync.written > first) {
            const auto durable = std::min<std::uint64_t>(sync.written - first, file->writes.size());
            file->writes.erase(file->writes.begin(),
                               file->writes.begin() + static_cast<std::ptrdiff_t>(durable));
        }
    }
    trace_.word(sync.token);
    run_step(event.node, Input{WriteDone{sync.token}}, chooser, observer);
}

void World::on_start(const Event& event, Chooser& chooser, Observer* observer) {
    Host& host = hosts[event.node].edit();
    if (host.power != Power::up || host.starts != event.payload || host.started) return;
    host.started = true;
    const auto incarnation = static_cast<std::int64_t>(host.starts);
    run_step(event.node, Input{Start{incarnation, false}}, chooser, observer);
}

void World::on_stop(const Event& event, Chooser& chooser, Observer* observer) {
    const Host& host = *hosts[event.node];
    // Who was asked to end, and has not heard it before everything heals, goes on.
    if (healed_ || host.power != Power::up || host.starts != event.payload) return;
    if (!host.started) {
        // It has nothing to put in order yet.
        FaultSpec spec;
        spec.kind = FaultKind::kill;
        crash(event.node, spec, chooser, observer);
        return;
    }
    hosts[event.node].edit().stopping = true;
    run_step(event.node, Input{Stop{}}, chooser, observer);
}

void World::on_closed(const Event& event, Chooser& chooser, Observer* observer) {
    const CloseNotice notice = notices_.take(static_cast<std::uint32_t>(event.payload));
    const Connection* connection = connections_.find(notice.connection.packed());
    if (connection != nullptr && connection->incarnation != notice.incarnation) {
        // The client has opened another meanwhile and needs no news of the old one; the server
        // still does, unless the new connection has told it.
        if (!notice.at_server || connection->server_knows) return;
    } else if (connection != nullptr) {
        if (notice.only_if_unestablished && connection->established) return;
        forget(notice.connection);
    } else if (notice.only_if_unestablished) {
        return;
    }
    const Host& host = *hosts[event.node];
    if (host.power != Power::up || !host.started) return;
    trace_.word(notice.connection.packed());
    run_step(event.node, Input{ConnectionClosed{notice.connection, notice.at_server}}, chooser,
             observer);
}

}  // namespace tribunal
