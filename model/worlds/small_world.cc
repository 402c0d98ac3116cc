#include "model/worlds/small_world.h"

#include <algorithm>

#include "broker/base/check.h"

namespace tribunal {

template class Shared<SmallHost>;

namespace {

using Inputs = std::vector<std::pair<NodeId, Input>>;

void remember_digest(SmallHost& host) {
    Digest d;
    fold(d, host.node);
    d.word((host.is_up ? 1u : 0u) | (static_cast<std::uint64_t>(host.starts) << 1));
    fold(d, host.timers);
    fold(d, host.unsynced);
    host.digest = d.value();
}

Digest128 digest_of_message(const Deliver& m) {
    Digest d;
    d.word(static_cast<std::uint64_t>(m.correlation));
    fold(d, m.message);
    return d.value();
}

bool before(const SmallPipe& p, ConnectionKey connection, bool responses) {
    if (p.connection != connection) return p.connection < connection;
    return !p.responses && responses;
}

}  // namespace

// --- to build -----------------------------------------------------------------------------------

void SmallWorld::add(Node node) {
    const NodeId id = id_of(node);
    const auto at = std::lower_bound(ids_.begin(), ids_.end(), id);
    CHECK(at == ids_.end() || *at != id);
    SmallHost host{std::move(node), false, 0, {}, {}, {}};
    remember_digest(host);
    hosts_.insert(hosts_.begin() + (at - ids_.begin()), Shared<SmallHost>{std::move(host)});
    ids_.insert(at, id);
}

void SmallWorld::start(NodeId id, const Options& options, SmallNotes& notes) {
    SmallHost& host = hosts_[index_of(id)].edit();
    CHECK(!host.is_up);
    host.is_up = true;
    ++host.starts;
    run({{id, Start{host.starts, false}}}, options, notes);
}

// --- to step ------------------------------------------------------------------------------------

void SmallWorld::deliver(std::size_t index, const Options& options, SmallNotes& notes) {
    SmallPipe& p = pipes_[index];
    const NodeId to = p.responses ? p.connection.client : p.connection.server;
    const Shared<Deliver> message = p.messages.front();
    if (p.messages.size() == 1) {
        pipes_.erase(pipes_.begin() + static_cast<std::ptrdiff_t>(index));
    } else {
        p.messages.erase(p.messages.begin());
        p.digests.erase(p.digests.begin());
    }
    if (!is_node(to)) {
        notes.to_script.push_back(*message);
        return;
    }
    run({{to, *message}}, options, notes);
}

void SmallWorld::fire(NodeId id, TimerId timer, const Options& options, SmallNotes& notes) {
    CHECK(hosts_[index_of(id)].edit().timers.erase(timer));
    run({{id, TimerFired{timer, 0}}}, options, notes);
}

void SmallWorld::send_from_script(ConnectionKey connection, std::int32_t correlation,
                                  Message message, const Options& options, SmallNotes& notes) {
    Send request{connection, false, correlation, std::move(message)};
    Inputs inputs;
    send(connection.client, request, options, notes, inputs);
    run(std::move(inputs), options, notes);
}

void SmallWorld::break_connection(ConnectionKey connection, const Options& options,
                                  SmallNotes& notes) {
    Inputs inputs;
    close(connection, kNoNode, notes, inputs);
    run(std::move(inputs), options, notes);
}

void SmallWorld::kill(NodeId id, std::optional<std::size_t> survivors, const Options& options,
                      SmallNotes& notes) {
    SmallHost& host = hosts_[index_of(id)].edit();
    CHECK(host.is_up || survivors);
    if (survivors) {
        CHECK(*survivors <= host.unsynced.size());
        lose_writes(*broker_of(host.node), std::span(host.unsynced).subspan(*survivors));
        host.unsynced.clear();  // what survived is on the platter
        notes.lossy.push_back(id);
    }
    host.is_up = false;
    host.timers.clear();
    host.node = restart(host.node);
    remember_digest(host);
    notes.touched = true;
    Inputs inputs;
    const FlatSet<ConnectionKey> open = connections_;
    for (const ConnectionKey connection : open) {
        if (connection.client == id || connection.server == id) {
            close(connection, id, notes, inputs);
        }
    }
    run(std::move(inputs), options, notes);
}

void SmallWorld::run(Inputs inputs, const Options& options, SmallNotes& notes) {
    // What happens at once happens in the order in which it was caused.
    Outbox out;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        const NodeId id = inputs[i].first;
        Shared<SmallHost>& shared = hosts_[index_of(id)];
        if (!shared->is_up) continue;
        out.effects.clear();
        out.notes.clear();
        const Input input = std::move(inputs[i].second);
        tribunal::step(shared.edit().node, input, out);
        carry_out(id, out, options, notes, inputs);
        // A node that will step again in this run is digested once, at the end of it.
        const bool again = std::any_of(inputs.begin() + static_cast<std::ptrdiff_t>(i) + 1,
                                       inputs.end(), [&](const auto& e) { return e.first == id; });
        if (!again) remember_digest(hosts_[index_of(id)].edit());
    }
}

void SmallWorld::carry_out(NodeId self, Outbox& out, const Options& options, SmallNotes& notes,
                           Inputs& inputs) {
    for (const Note& note : out.notes) {
        notes.touched = notes.touched || std::holds_alternative<PartitionTouched>(note);
        notes.image_changed = notes.image_changed || std::holds_alternative<ImageChanged>(note);
    }
    SmallHost& host = hosts_[index_of(self)].edit();
    for (Effect& effect : out.effects) {
        if (auto* s = std::get_if<Send>(&effect)) {
            send(self, *s, options, notes, inputs);
        } else if (auto* w = std::get_if<Write>(&effect)) {
            const bool is_broker = broker_of(host.node) != nullptr;
            if (w->sync) {
                // Whatever was written before goes to the platter with it.
                host.unsynced.clear();
                inputs.emplace_back(self, WriteDone{w->token});
            } else if (options.keeps_unsynced && is_broker) {
                if (auto* append = std::get_if<AppendWrite>(&w->op)) {
                    host.unsynced.push_back({append->log_end_before, {}});
                } else if (auto* cut = std::get_if<TruncateWrite>(&w->op)) {
                    host.unsynced.push_back({cut->log_end_before, std::move(cut->dropped)});
                }
            }
        } else if (const auto* a = std::get_if<Arm>(&effect)) {
            if (options.may_fire(kind_of(a->timer))) host.timers.insert(a->timer);
        } else if (const auto* disarm = std::get_if<Disarm>(&effect)) {
            host.timers.erase(disarm->timer);
        } else if (const auto* c = std::get_if<Close>(&effect)) {
            close(c->connection, self, notes, inputs);
        } else {
            CHECK(!"a node of a small world never halts: its disk does not fail");
        }
    }
}

void SmallWorld::send(NodeId self, Send& send, const Options& options, SmallNotes& notes,
                      Inputs& inputs) {
    const NodeId to = send.is_response ? send.connection.client : send.connection.server;
    if (is_node(to) && !host(to).is_up) {
        // Connection refused.
        if (!send.is_response) inputs.emplace_back(self, ConnectionClosed{send.connection});
        return;
    }
    if (!send.is_response) {
        connections_.insert(send.connection);
    } else if (!connections_.contains(send.connection)) {
        return;  // the connection broke while the request was waiting
    }
    const bool at_once = options.arrives_at_once(*this, send);
    Deliver message{send.connection, send.is_response, send.correlation, std::move(send.message)};
    if (at_once) {
        if (is_node(to)) {
            inputs.emplace_back(to, std::move(message));
        } else {
            notes.to_script.push_back(std::move(message));
        }
        return;
    }
    SmallPipe& p = pipe(send.connection, send.is_response);
    p.digests.push_back(digest_of_message(message));
    p.messages.emplace_back(std::move(message));
}

void SmallWorld::close(ConnectionKey connection, NodeId except, SmallNotes& notes, Inputs& inputs) {
    if (!connections_.erase(connection)) return;
    drop_pipes(connection);
    for (const NodeId end : {connection.client, connection.server}) {
        if (end == except) continue;
        if (!is_node(end)) {
            notes.closed.push_back(connection);
        } else if (host(end).is_up) {
            inputs.emplace_back(end, ConnectionClosed{connection});
        }
    }
}

void SmallWorld::drop_pipes(ConnectionKey connection) {
    std::erase_if(pipes_, [&](const SmallPipe& p) { return p.connection == connection; });
}

// --- to look at ---------------------------------------------------------------------------------

std::size_t SmallWorld::index_of(NodeId id) const {
    const auto at = std::lower_bound(ids_.begin(), ids_.end(), id);
    CHECK(at != ids_.end() && *at == id);
    return static_cast<std::size_t>(at - ids_.begin());
}

bool SmallWorld::is_node(NodeId id) const {
    return std::binary_search(ids_.begin(), ids_.end(), id);
}

SmallPipe& SmallWorld::pipe(ConnectionKey connection, bool responses) {
    const auto at = std::find_if(pipes_.begin(), pipes_.end(), [&](const SmallPipe& p) {
        return !before(p, connection, responses);
    });
    if (at != pipes_.end() && at->connection == connection && at->responses == responses) {
        return *at;
    }
    return *pipes_.insert(at, SmallPipe{connection, responses, {}, {}});
}

const SmallPipe* SmallWorld::find_pipe(ConnectionKey connection, bool responses) const {
    for (const SmallPipe& p : pipes_) {
        if (p.connection == connection && p.responses == responses) return &p;
    }
    return nullptr;
}

void SmallWorld::fold_into(Digest& d) const {
    for (const Shared<SmallHost>& host : hosts_) fold(d, host->digest);
    d.word(pipes_.size());
    for (const SmallPipe& p : pipes_) {
        fold(d, p.connection);
        d.word((p.responses ? 1u : 0u) | (p.messages.size() << 1));
        for (const Digest128& digest : p.digests) fold(d, digest);
    }
    fold(d, connections_);
}

bool SmallWorld::operator==(const SmallWorld& o) const {
    const auto same_host = [](const Shared<SmallHost>& a, const Shared<SmallHost>& b) {
        return a.is_same_object(b) ||
               (a->is_up == b->is_up && a->starts == b->starts && a->timers == b->timers &&
                a->unsynced == b->unsynced && a->node == b->node);
    };
    const auto same_message = [](const Shared<Deliver>& a, const Shared<Deliver>& b) {
        return a.is_same_object(b) ||
               (a->correlation == b->correlation && a->message == b->message);
    };
    const auto same_pipe = [&](const SmallPipe& a, const SmallPipe& b) {
        return a.connection == b.connection && a.responses == b.responses &&
               std::equal(a.messages.begin(), a.messages.end(), b.messages.begin(),
                          b.messages.end(), same_message);
    };
    return ids_ == o.ids_ && connections_ == o.connections_ &&
           std::equal(hosts_.begin(), hosts_.end(), o.hosts_.begin(), o.hosts_.end(), same_host) &&
           std::equal(pipes_.begin(), pipes_.end(), o.pipes_.begin(), o.pipes_.end(), same_pipe);
}

void lose_writes(Broker& broker, std::span<SmallUnsynced> lost) {
    CHECK(broker.partitions.size() <= 1);  // a file of writes a partition would be wanted
    if (broker.partitions.empty()) return;
    ReplicaLog& log = broker.partitions.begin()->second.partition.edit().log;
    for (std::size_t i = lost.size(); i-- > 0;) {
        if (lost[i].dropped.empty()) {
            log.truncate_to(lost[i].log_end_before);
            continue;
        }
        for (RecordBatch& batch : lost[i].dropped) {
            if (batch.base_offset >= log.log_end_offset) log.append(std::move(batch));
        }
    }
}

}  // namespace tribunal
