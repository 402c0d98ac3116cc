// The steps of a small world, whatever its nodes are. Included by those who instantiate it.
#pragma once

#include <algorithm>

#include "broker/base/check.h"
#include "model/worlds/small_world.h"

namespace tribunal {
namespace small_world {

using Inputs = std::vector<std::pair<NodeId, Input>>;

template <class N>
void remember_digest(SmallHostOf<N>& host) {
    Digest d;
    fold(d, host.node);
    const std::int32_t starts = SmallNode<N>::kKnowsItsStarts ? host.starts : 0;
    d.word((host.is_up ? 1u : 0u) | (static_cast<std::uint64_t>(starts) << 1));
    fold(d, host.timers);
    fold(d, host.unsynced);
    host.digest = d.value();
}

inline Digest128 digest_of_message(const Deliver& m) {
    Digest d;
    d.word(static_cast<std::uint64_t>(m.correlation));
    fold(d, m.message);
    return d.value();
}

inline bool before(const SmallPipe& p, ConnectionKey connection, bool responses) {
    if (p.connection != connection) return p.connection < connection;
    return !p.responses && responses;
}

}  // namespace small_world

// --- to build -----------------------------------------------------------------------------------

template <class N>
void SmallWorldOf<N>::add(N node) {
    const NodeId id = id_of(node);
    const auto at = std::lower_bound(ids_.begin(), ids_.end(), id);
    CHECK(at == ids_.end() || *at != id);
    Host host{std::move(node), false, 0, {}, {}, {}};
    small_world::remember_digest(host);
    hosts_.insert(hosts_.begin() + (at - ids_.begin()), Shared<Host>{std::move(host)});
    ids_.insert(at, id);
}

template <class N>
void SmallWorldOf<N>::start(NodeId id, const Options& options, SmallNotes& notes) {
    Host& host = hosts_[index_of(id)].edit();
    CHECK(!host.is_up);
    host.is_up = true;
    ++host.starts;
    run({{id, Start{host.starts, false}}}, options, notes);
}

// --- to step ------------------------------------------------------------------------------------

template <class N>
void SmallWorldOf<N>::deliver(std::size_t index, const Options& options, SmallNotes& notes) {
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

template <class N>
void SmallWorldOf<N>::fire(NodeId id, TimerId timer, const Options& options, SmallNotes& notes) {
    CHECK(hosts_[index_of(id)].edit().timers.erase(timer));
    run({{id, TimerFired{timer, 0}}}, options, notes);
}

template <class N>
template <class Act>
void SmallWorldOf<N>::act(NodeId id, Act&& act, const Options& options, SmallNotes& notes) {
    Outbox out;
    Shared<Host>& shared = hosts_[index_of(id)];
    act(shared.edit().node, out);
    small_world::Inputs inputs;
    carry_out(id, out, options, notes, inputs);
    small_world::remember_digest(hosts_[index_of(id)].edit());
    run(std::move(inputs), options, notes);
}

template <class N>
void SmallWorldOf<N>::send_from_script(ConnectionKey connection, std::int32_t correlation,
                                       Message message, const Options& options, SmallNotes& notes) {
    Send request{connection, false, correlation, std::move(message)};
    small_world::Inputs inputs;
    send(connection.client, request, options, notes, inputs);
    run(std::move(inputs), options, notes);
}

template <class N>
void SmallWorldOf<N>::break_connection(ConnectionKey connection, const Options& options,
                                       SmallNotes& notes) {
    small_world::Inputs inputs;
    close(connection, kNoNode, notes, inputs);
    run(std::move(inputs), options, notes);
}

template <class N>
void SmallWorldOf<N>::kill(NodeId id, std::optional<std::size_t> survivors, const Options& options,
                           SmallNotes& notes) {
    Host& host = hosts_[index_of(id)].edit();
    CHECK(host.is_up || survivors);
    if (survivors) {
        CHECK(*survivors <= host.unsynced.size());
        SmallNode<N>::lose_writes(host.node, std::span(host.unsynced).subspan(*survivors));
        host.unsynced.clear();  // what survived is on the platter
        notes.lossy.push_back(id);
    }
    host.is_up = false;
    host.timers.clear();
    host.node = restart(host.node);
    small_world::remember_digest(host);
    notes.touched = true;
    small_world::Inputs inputs;
    const FlatSet<ConnectionKey> open = connections_;
    for (const ConnectionKey connection : open) {
        if (connection.client == id || connection.server == id) {
            close(connection, id, notes, inputs);
        }
    }
    run(std::move(inputs), options, notes);
}

template <class N>
void SmallWorldOf<N>::run(small_world::Inputs inputs, const Options& options, SmallNotes& notes) {
    // What happens at once happens in the order in which it was caused.
    Outbox out;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        const NodeId id = inputs[i].first;
        Shared<Host>& shared = hosts_[index_of(id)];
        if (!shared->is_up) continue;
        out.effects.clear();
        out.notes.clear();
        const Input input = std::move(inputs[i].second);
        tribunal::step(shared.edit().node, input, out);
        carry_out(id, out, options, notes, inputs);
        // A node that will step again in this run is digested once, at the end of it.
        const bool again = std::any_of(inputs.begin() + static_cast<std::ptrdiff_t>(i) + 1,
                                       inputs.end(), [&](const auto& e) { return e.first == id; });
        if (!again) small_world::remember_digest(hosts_[index_of(id)].edit());
    }
}

template <class N>
void SmallWorldOf<N>::carry_out(NodeId self, Outbox& out, const Options& options, SmallNotes& notes,
                                small_world::Inputs& inputs) {
    for (const Note& note : out.notes) {
        notes.touched = notes.touched || std::holds_alternative<PartitionTouched>(note);
        notes.image_changed = notes.image_changed || std::holds_alternative<ImageChanged>(note);
    }
    Host& host = hosts_[index_of(self)].edit();
    for (Effect& effect : out.effects) {
        if (auto* s = std::get_if<Send>(&effect)) {
            send(self, *s, options, notes, inputs);
        } else if (auto* w = std::get_if<Write>(&effect)) {
            if (w->sync) {
                SmallNode<N>::sync(w->op, host.unsynced);
                inputs.emplace_back(self, WriteDone{w->token});
            } else if (options.keeps_unsynced) {
                SmallNode<N>::remember(host.node, w->op, host.unsynced);
            }
        } else if (const auto* a = std::get_if<Arm>(&effect)) {
            if (options.may_fire(kind_of(a->timer))) host.timers.insert(a->timer);
        } else if (const auto* disarm = std::get_if<Disarm>(&effect)) {
            host.timers.erase(disarm->timer);
        } else if (const auto* c = std::get_if<Close>(&effect)) {
            close(c->connection, self, notes, inputs);
        } else {
            // Its disk does not fail: it has found something that must not be.
            CHECK(std::holds_alternative<Halt>(effect));
            host.is_up = false;
            host.timers.clear();
            notes.halted.push_back(self);
            const FlatSet<ConnectionKey> open = connections_;
            for (const ConnectionKey connection : open) {
                if (connection.client == self || connection.server == self) {
                    close(connection, self, notes, inputs);
                }
            }
            return;
        }
    }
}

template <class N>
void SmallWorldOf<N>::send(NodeId self, Send& send, const Options& options, SmallNotes& notes,
                           small_world::Inputs& inputs) {
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
    p.digests.push_back(small_world::digest_of_message(message));
    p.messages.emplace_back(std::move(message));
}

template <class N>
void SmallWorldOf<N>::close(ConnectionKey connection, NodeId except, SmallNotes& notes,
                            small_world::Inputs& inputs) {
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

template <class N>
void SmallWorldOf<N>::drop_pipes(ConnectionKey connection) {
    std::erase_if(pipes_, [&](const SmallPipe& p) { return p.connection == connection; });
}

// --- to look at ---------------------------------------------------------------------------------

template <class N>
std::size_t SmallWorldOf<N>::index_of(NodeId id) const {
    const auto at = std::lower_bound(ids_.begin(), ids_.end(), id);
    CHECK(at != ids_.end() && *at == id);
    return static_cast<std::size_t>(at - ids_.begin());
}

template <class N>
bool SmallWorldOf<N>::is_node(NodeId id) const {
    return std::binary_search(ids_.begin(), ids_.end(), id);
}

template <class N>
SmallPipe& SmallWorldOf<N>::pipe(ConnectionKey connection, bool responses) {
    const auto at = std::find_if(pipes_.begin(), pipes_.end(), [&](const SmallPipe& p) {
        return !small_world::before(p, connection, responses);
    });
    if (at != pipes_.end() && at->connection == connection && at->responses == responses) {
        return *at;
    }
    return *pipes_.insert(at, SmallPipe{connection, responses, {}, {}});
}

template <class N>
const SmallPipe* SmallWorldOf<N>::find_pipe(ConnectionKey connection, bool responses) const {
    for (const SmallPipe& p : pipes_) {
        if (p.connection == connection && p.responses == responses) return &p;
    }
    return nullptr;
}

template <class N>
void SmallWorldOf<N>::fold_into(Digest& d) const {
    for (const Shared<Host>& host : hosts_) fold(d, host->digest);
    d.word(pipes_.size());
    for (const SmallPipe& p : pipes_) {
        fold(d, p.connection);
        d.word((p.responses ? 1u : 0u) | (p.messages.size() << 1));
        for (const Digest128& digest : p.digests) fold(d, digest);
    }
    fold(d, connections_);
}

template <class N>
bool SmallWorldOf<N>::operator==(const SmallWorldOf& o) const {
    const auto same_host = [](const Shared<Host>& a, const Shared<Host>& b) {
        return a.is_same_object(b) ||
               (a->is_up == b->is_up &&
                (!SmallNode<N>::kKnowsItsStarts || a->starts == b->starts) &&
                a->timers == b->timers && a->unsynced == b->unsynced && a->node == b->node);
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

}  // namespace tribunal
