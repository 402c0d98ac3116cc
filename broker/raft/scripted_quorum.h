// Nodes of a quorum (broker/raft alone), the connections between them and their disks, for tests
// that decide themselves what happens next.
//
// A connection delivers in order and breaks as a whole, as TCP's do: what was in flight is lost and
// both ends learn of it. A file's writes reach the platter in order; a power loss keeps any first
// part of those that are not there yet. Timers fire when the test says so; settling fires them by
// their deadlines.
//
// Deviation: a process that is killed leaves its quorum-state file as it last wrote it, on the
// platter. Kafka's is renamed into place when it is synced, so that it could be the one before,
// too.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "broker/base/prng.h"
#include "broker/raft/raft.h"

namespace tribunal {

struct ScriptedQuorum {
    // A write that is not on the platter. `token` is told when it is, if it is a synced one.
    struct Unsynced {
        WriteOp op;
        bool sync = false;
        std::uint64_t token = 0;
    };
    enum File : std::uint8_t { metadata_log, quorum_state };  // snapshots lie with the log
    struct Machine {
        Raft raft;
        bool is_up = false;
        std::map<TimerId, std::int64_t> timers;  // armed, with their deadlines
        std::deque<Unsynced> files[2];
    };
    using Pipe = std::pair<ConnectionKey, bool>;  // of requests, of responses
    static constexpr NodeId kClient{99};

    std::map<NodeId, Machine> machines;
    std::map<Pipe, std::deque<Deliver>> pipes;  // none is empty
    Prng random;
    std::int64_t now = 0;
    // Votes that somebody was told of, by voter and epoch; and who gave two of them.
    std::map<std::pair<NodeId, LeaderEpoch>, NodeId> votes;
    std::optional<NodeId> voted_twice;

    // Nodes 1 to `voters`, and `observers` behind them that are no voters yet.
    ScriptedQuorum(int voters, int observers, const RaftConfig& config, PlantedBug bug,
                   std::uint64_t seed)
        : random(seed) {
        VoterSet set;
        std::vector<NodeId> servers;
        for (int v = 1; v <= voters; ++v) {
            // Fixed voters are known by their ids alone (kraft.version 0).
            set.voters[NodeId{v}] =
                Voter{config.reconfiguration ? key_of(NodeId{v}) : ReplicaKey{NodeId{v}, {}}, 0};
        }
        for (int n = 1; n <= voters + observers; ++n) servers.push_back(NodeId{n});
        for (int n = 1; n <= voters + observers; ++n) {
            Raft& r = machines[NodeId{n}].raft;
            r.self = key_of(NodeId{n});
            r.config = Shared<RaftConfig>{config};
            r.planted_bug = bug;
            if (n <= voters) r.bootstrap_voters = Shared<VoterSet>{set};
            r.bootstrap_servers = servers;
        }
        for (auto& [id, machine] : machines) start(id);
    }

    static ReplicaKey key_of(NodeId id) { return {id, DirectoryId{id.value}}; }
    std::uint64_t below(std::uint64_t n) { return random.below(n); }

    // --- what may happen ------------------------------------------------------------------------

    void start(NodeId id) {
        machines.at(id).is_up = true;
        step(id, [](Raft& r, Outbox& out) { raft_start(r, out); });
    }
    void deliver(Pipe pipe) {
        auto at = pipes.find(pipe);
        const Deliver d = std::move(at->second.front());
        at->second.pop_front();
        if (at->second.empty()) pipes.erase(at);
        if (d.is_response) {
            step(d.connection.client, [&](Raft& r, Outbox& out) { raft_response(r, d, out); });
        } else {
            serve(d);
        }
    }
    // The client's connection broke after the server had read the request, and it asks again: the
    // server gets it twice, and one answer gets lost. (A connection itself duplicates nothing.)
    void deliver_twice(Pipe pipe) {
        const Deliver d = pipes.at(pipe).front();
        is_unheard_ = true;
        serve(d);
        step(d.connection.server, [&](Raft& r, Outbox& out) { raft_closed(r, d.connection, out); });
        is_unheard_ = false;
        if (pipes.contains(pipe)) deliver(pipe);
    }
    void fire(NodeId id, TimerId timer) {
        machines.at(id).timers.erase(timer);
        step(id, [&](Raft& r, Outbox& out) { raft_timer(r, timer, out); });
    }
    // The oldest sync of a file that is under way is done.
    bool sync(NodeId id, File file) {
        Machine& m = machines.at(id);
        std::deque<Unsynced>& writes = m.files[file];
        if (!m.is_up) return false;
        for (std::size_t i = 0; i < writes.size(); ++i) {
            if (!writes[i].sync) continue;
            const std::uint64_t token = writes[i].token;
            writes.erase(writes.begin(), writes.begin() + static_cast<std::ptrdiff_t>(i) + 1);
            step(id, [&](Raft& r, Outbox& out) { raft_write_done(r, token, out); });
            return true;
        }
        return false;
    }
    void kill(NodeId id) {
        Machine& m = machines.at(id);
        if (m.is_up) m.raft = restart(m.raft);
        m.is_up = false;
        m.timers.clear();
        m.files[quorum_state].clear();
        for (Unsynced& write : m.files[metadata_log]) write.sync = false;  // nobody is told
        close_all(id);
    }
    void lose_power(NodeId id) {
        Machine& m = machines.at(id);
        m.raft = restart(m.raft);
        for (std::deque<Unsynced>& writes : m.files) {
            const std::size_t kept = below(writes.size() + 1);
            while (writes.size() > kept) {
                std::visit(
                    [&](const auto& write) {
                        if constexpr (requires { undo(m.raft, write); }) undo(m.raft, write);
                    },
                    writes.back().op);
                writes.pop_back();
            }
            writes.clear();
        }
        kill(id);
    }
    void close(ConnectionKey connection) {
        pipes.erase({connection, false});
        pipes.erase({connection, true});
        for (const NodeId end : {connection.client, connection.server}) {
            if (!is_running(end)) continue;
            step(end, [&](Raft& r, Outbox& out) { raft_closed(r, connection, out); });
        }
    }
    void append(NodeId id, std::vector<MetadataRecord> records) {
        step(id, [&](Raft& r, Outbox& out) { raft_append(r, r.epoch(), std::move(records), out); });
    }
    void upgrade(NodeId id) {
        step(id, [](Raft& r, Outbox& out) { raft_upgrade_version(r, out); });
    }
    void ask(NodeId id, Message message) {
        serve({{kClient, id, Lane::quorum}, false, 1, std::move(message)});
    }
    template <class Act>
    void step(NodeId id, Act&& act) {
        Outbox out;
        act(machines.at(id).raft, out);
        for (Effect& effect : out.effects) carry_out(id, effect);
        // Whoever asked a machine that is down is told by its kernel.
        while (!refused_.empty()) {
            const ConnectionKey connection = refused_.front();
            refused_.pop_front();
            close(connection);
        }
    }

    // Nothing goes wrong any more: everybody is up, what is sent arrives and what is written is
    // synced, and time passes when there is nothing else to do. So many events.
    template <class Done>
    bool settle(int events, Done&& done) {
        for (auto& [id, machine] : machines) {
            if (!machine.is_up) start(id);
        }
        for (int i = 0; i < events; ++i) {
            if (done()) return true;
            if (!settle_once()) return false;
        }
        return false;
    }

    bool is_running(NodeId id) const {
        const auto at = machines.find(id);
        return at != machines.end() && at->second.is_up;
    }

  private:
    // Whatever is not a timer takes a millisecond.
    bool settle_once() {
        std::optional<std::pair<NodeId, TimerId>> next;
        std::int64_t earliest = 0;
        for (const auto& [id, machine] : machines) {
            for (const auto& [timer, deadline] : machine.timers) {
                if (next && deadline >= earliest) continue;
                next = {id, timer};
                earliest = deadline;
            }
        }
        if (!next || earliest > now) {
            if (arrive_or_sync()) {
                now += milliseconds(1).value;
                return true;
            }
        }
        if (!next) return false;
        now = std::max(now, earliest);
        fire(next->first, next->second);
        return true;
    }
    bool arrive_or_sync() {
        for (auto& [id, machine] : machines) {
            if (sync(id, quorum_state) || sync(id, metadata_log)) return true;
        }
        if (pipes.empty()) return false;
        deliver(std::next(pipes.begin(), static_cast<std::ptrdiff_t>(below(pipes.size())))->first);
        return true;
    }
    void serve(const Deliver& d) {
        if (const auto* vote = d.message.get_if<VoteRequest>())
            asked_[{d.connection, d.correlation}] = *vote;
        step(d.connection.server, [&](Raft& r, Outbox& out) { raft_request(r, d, out); });
    }
    void note_vote(const Send& send) {
        if (const auto* request = send.message.get_if<VoteRequest>()) {
            if (!request->pre_vote) note_vote(request->candidate.id, *request);
        } else if (const auto* response = send.message.get_if<VoteResponse>()) {
            const VoteRequest& asked = asked_.at({send.connection, send.correlation});
            if (response->vote_granted && !asked.pre_vote) note_vote(send.connection.server, asked);
        }
    }
    void note_vote(NodeId voter, const VoteRequest& request) {
        const NodeId candidate = request.candidate.id;
        const auto [at, is_new] = votes.try_emplace({voter, request.epoch}, candidate);
        if (at->second != candidate) voted_twice = voter;
    }
    void carry_out(NodeId self, Effect& effect) {
        Machine& m = machines.at(self);
        if (auto* send = std::get_if<Send>(&effect)) {
            note_vote(*send);
            const NodeId to = send->is_response ? send->connection.client : send->connection.server;
            if (to == kClient || (is_unheard_ && send->is_response)) return;
            if (!is_running(to)) {
                refused_.push_back(send->connection);
                return;
            }
            pipes[{send->connection, send->is_response}].push_back(
                {send->connection, send->is_response, send->correlation, std::move(send->message)});
        } else if (auto* write = std::get_if<Write>(&effect)) {
            const File file =
                std::holds_alternative<QuorumStateWrite>(write->op) ? quorum_state : metadata_log;
            m.files[file].push_back({std::move(write->op), write->sync, write->token});
        } else if (const auto* arm = std::get_if<Arm>(&effect)) {
            const std::int64_t jitter =
                arm->jitter.value > 0 ? static_cast<std::int64_t>(
                                            below(static_cast<std::uint64_t>(arm->jitter.value)))
                                      : 0;
            m.timers[arm->timer] = now + arm->after.value + jitter;
        } else if (const auto* disarm = std::get_if<Disarm>(&effect)) {
            m.timers.erase(disarm->timer);
        } else if (const auto* gone = std::get_if<Close>(&effect)) {
            // The one that gave it up knows; the other hears of it.
            const NodeId other =
                gone->connection.client == self ? gone->connection.server : gone->connection.client;
            pipes.erase({gone->connection, false});
            pipes.erase({gone->connection, true});
            if (is_running(other)) {
                step(other, [&](Raft& r, Outbox& out) { raft_closed(r, gone->connection, out); });
            }
        }
    }
    void close_all(NodeId id) {
        std::set<ConnectionKey> connections;
        for (const auto& [other, machine] : machines) {
            if (other == id) continue;
            connections.insert({id, other, Lane::quorum});
            connections.insert({other, id, Lane::quorum});
        }
        for (const ConnectionKey connection : connections) close(connection);
    }

    std::map<std::pair<ConnectionKey, std::int32_t>, VoteRequest> asked_;
    std::deque<ConnectionKey> refused_;
    bool is_unheard_ = false;
};

}  // namespace tribunal
