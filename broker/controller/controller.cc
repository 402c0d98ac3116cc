// Routing of a controller: what is for the quorum, what for the active controller; the fetches of
// the brokers; and what survives the end of its process.
#include "broker/controller/controller.h"

#include <algorithm>

#include "broker/base/check.h"

namespace tribunal {
namespace {

constexpr std::int64_t kMaxRecordsAFetch = 500;
constexpr Duration kLongestShutdown = seconds(5);  // RaftManager.shutdown

DirectoryId first_directory_of(NodeId node) {
    return DirectoryId{node.value * kDirectoriesANode + 1};
}
bool names_directories(const VoterSet& voters) {
    return voters.size() > 0 && voters.voters.begin()->second.key.directory != kNoDirectory;
}

bool leads(const Controller& c) { return c.raft.leader() != nullptr || c.active.has_value(); }

void respond_deferred(Controller& c, const Deliver& request, Message response, Outbox& out) {
    // Also what decided nothing: it was read from what may never be committed.
    if (c.committed() >= c.raft.log.end_offset) {
        out.respond(request.connection, request.correlation, std::move(response));
        return;
    }
    c.deferred.push_back({c.raft.log.end_offset, request.connection, request.correlation,
                          Shared<Message>{std::move(response)}});
}

template <class Response>
void answer(Controller& c, const Deliver& request, Decision<Response> decision, Outbox& out) {
    append(c, std::move(decision.records), out);
    respond_deferred(c, request, std::move(decision.response), out);
}

// The record of the feature stands for the NoOpRecord that Kafka's answer waits for behind the
// control records of the quorum (KAFKA-16538).
// Deviation: Kafka's quorum writes them also when another feature of the same request is refused.
void on_update_features(Controller& c, const Deliver& d, const UpdateFeaturesRequest& m,
                        Outbox& out) {
    ControllerView view = c.view();
    view.kraft_upgrade_refusal = raft_upgrade_refusal(c.raft);
    auto decision = decide(view, m);
    for (const MetadataRecord& record : decision.records) {
        const auto* level = std::get_if<FeatureLevelRecord>(&record);
        if (level != nullptr && level->feature == Feature::kraft_version && level->level > 0) {
            raft_upgrade_version(c.raft, out);
        }
    }
    answer(c, d, std::move(decision), out);
}

LogAgreement agreement_with(const Controller& c, const WaitingFetch& fetch) {
    SnapshotId tell;
    return c.raft.log.agreement(fetch.fetch_offset, fetch.last_epoch, tell);
}

void on_metadata_fetch(Controller& c, const Deliver& request, const MetadataFetchRequest& fetch,
                       Outbox& out) {
    const WaitingFetch waiting{request.connection, request.correlation, fetch.fetch_offset,
                               fetch.last_epoch};
    if (!leads(c)) {
        refuse_fetch(c, waiting, out);
        return;
    }
    if (agreement_with(c, waiting) != LogAgreement::valid || fetch.fetch_offset < c.committed()) {
        serve_fetch(c, waiting, out);
        return;
    }
    std::erase_if(c.waiting,
                  [&](const WaitingFetch& w) { return w.connection == request.connection; });
    // By connection: who asked first makes no difference to anybody, so it is not remembered.
    c.waiting.insert(std::lower_bound(c.waiting.begin(), c.waiting.end(), waiting,
                                      [](const WaitingFetch& a, const WaitingFetch& b) {
                                          return a.connection < b.connection;
                                      }),
                     waiting);
    out.arm(timer(TimerKind::metadata_wait, request.connection.packed()), fetch.max_wait);
}

void on_fetch_waited(Controller& c, std::uint64_t connection, Outbox& out) {
    for (std::size_t i = 0; i < c.waiting.size(); ++i) {
        if (c.waiting[i].connection.packed() != connection) continue;
        serve_fetch(c, c.waiting[i], out);
        c.waiting.erase(c.waiting.begin() + static_cast<std::ptrdiff_t>(i));
        return;
    }
}

// A broker's request or one that a broker forwarded; this controller is active.
void on_decision(Controller& c, const Deliver& d, Outbox& out) {
    d.message.visit(Overloaded{
        [&](const BrokerRegistrationRequest& m) {
            auto decision = decide(c.view(), m);
            const bool granted = decision.response.error == ErrorCode::none;
            answer(c, d, std::move(decision), out);
            if (!granted) return;
            on_registered(c.heartbeats, m.broker);
            arm_session(c, m.broker, out);
        },
        [&](const BrokerHeartbeatRequest& m) {
            // The session lives as long as heartbeats of the current registration come.
            auto decision = decide(c.view(), m);
            const bool granted = decision.response.error == ErrorCode::none;
            answer(c, d, std::move(decision), out);
            if (!granted) return;
            on_heartbeat(c.heartbeats, c.image, m, c.raft.log.end_offset);
            arm_session(c, m.broker, out);
        },
        [&](const AlterPartitionRequest& m) { answer(c, d, decide(c.view(), m), out); },
        [&](const AllocateProducerIdsRequest& m) { answer(c, d, decide(c.view(), m), out); },
        [&](const CreateTopicRequest& m) { answer(c, d, decide(c.view(), m), out); },
        [&](const CreatePartitionsRequest& m) { answer(c, d, decide(c.view(), m), out); },
        [&](const DeleteTopicRequest& m) { answer(c, d, decide(c.view(), m), out); },
        [&](const IncrementalAlterConfigsRequest& m) { answer(c, d, decide(c.view(), m), out); },
        [&](const AlterPartitionReassignmentsRequest& m) {
            answer(c, d, decide(c.view(), m), out);
        },
        [&](const ListPartitionReassignmentsRequest& m) { answer(c, d, decide(c.view(), m), out); },
        [&](const ElectLeadersRequest& m) { answer(c, d, decide(c.view(), m), out); },
        [&](const UpdateFeaturesRequest& m) { on_update_features(c, d, m, out); },
        [&](const UnregisterBrokerRequest& m) {
            answer(c, d, decide(c.view(), m), out);
            if (!c.image.brokers.contains(m.broker)) end_session(c.heartbeats, m.broker);
        },
        // Who votes is for the quorum to decide (KIP-853).
        [&](const AddRaftVoterRequest&) { raft_request(c.raft, d, out); },
        [&](const RemoveRaftVoterRequest&) { raft_request(c.raft, d, out); },
        [&](const auto&) { CHECK(!"a message that a controller never gets"); },
    });
}

// What the active controller would have answered, were it this one.
template <class Request>
Message refusal_to(const Request& request) {
    if constexpr (requires(const ControllerView& view) { decide(view, request).response.error; }) {
        auto refusal = decltype(decide(std::declval<const ControllerView&>(), request).response){};
        refusal.error = ErrorCode::not_controller;
        return refusal;
    } else if constexpr (std::is_same_v<Request, AddRaftVoterRequest>) {
        return AddRaftVoterResponse{ErrorCode::not_controller};
    } else if constexpr (std::is_same_v<Request, RemoveRaftVoterRequest>) {
        return RemoveRaftVoterResponse{ErrorCode::not_controller};
    } else {
        CHECK(!"a message that a controller never gets");
        return request;
    }
}

void on_message(Controller& c, const Deliver& d, Outbox& out) {
    const bool of_quorum = is_between_controllers(d.connection.lane);
    if (of_quorum && d.is_response) {
        raft_response(c.raft, d, out);
    } else if (of_quorum) {
        raft_request(c.raft, d, out);
    } else if (const auto* fetch = d.message.get_if<MetadataFetchRequest>()) {
        on_metadata_fetch(c, d, *fetch, out);
    } else if (!c.active) {
        out.respond(d.connection, d.correlation,
                    d.message.visit([](const auto& m) { return refusal_to(m); }));
    } else {
        on_decision(c, d, out);
    }
}

void on_closed(Controller& c, ConnectionKey connection, Outbox& out) {
    if (is_between_controllers(connection.lane)) {
        raft_closed(c.raft, connection, out);
        return;
    }
    std::erase_if(c.waiting, [&](const WaitingFetch& w) { return w.connection == connection; });
    std::erase_if(c.deferred,
                  [&](const DeferredResponse& r) { return r.connection == connection; });
    raft_client_closed(c.raft, connection);
}

void on_timer(Controller& c, TimerId id, Outbox& out) {
    if (is_raft_timer(id)) {
        raft_timer(c.raft, id, out);
        return;
    }
    switch (kind_of(id)) {
        case TimerKind::broker_session: {
            if (!c.active) return;
            const NodeId broker{static_cast<std::int32_t>(key_of(id))};
            end_session(c.heartbeats, broker);
            append(c, decide_fence(c.view(), broker), out);
            return;
        }
        case TimerKind::leader_balance:
            if (!c.active) return;
            append(c, decide_preferred_leaders(c.view()), out);
            out.arm(id, c.config.leader_imbalance_check_interval);
            return;
        case TimerKind::unclean_leader:
            if (!c.active) return;
            append(c, decide_unclean_leaders(c.view()), out);
            out.arm(id, c.config.unclean_leader_election_interval);
            return;
        case TimerKind::metadata_wait:
            on_fetch_waited(c, key_of(id), out);
            return;
        case TimerKind::metadata_snapshot:
            on_snapshot_timer(c, out);
            return;
        case TimerKind::controller_shutdown:
            out.effects.emplace_back(Halt{"has shut down", true});
            return;
        default:
            CHECK(!"a timer that a controller never arms");
    }
}

// The leader hands the quorum over before it ends (KafkaRaftClient.GracefulShutdown).
void on_stop(Controller& c, Outbox& out) {
    if (c.stopping) return;
    c.stopping = true;
    out.arm(timer(TimerKind::controller_shutdown), kLongestShutdown);
    if (c.raft.leader() != nullptr) raft_resign(c.raft, c.raft.epoch(), out);
}

// Everybody who votes knows that it leads no more.
void maybe_stop(const Controller& c, Outbox& out) {
    if (!c.stopping) return;
    const auto* resigned = std::get_if<RaftResigned>(&c.raft.role);
    if (resigned != nullptr && !resigned->unacknowledged.empty()) return;
    out.effects.emplace_back(Halt{"has shut down", true});
}

}  // namespace

void arm_session(const Controller& c, NodeId broker, Outbox& out) {
    out.arm(timer(TimerKind::broker_session, static_cast<std::uint64_t>(broker.value)),
            c.config.broker_session_timeout);
}

void serve_fetch(const Controller& c, const WaitingFetch& fetch, Outbox& out) {
    MetadataFetchResponse response;
    response.leader = c.id;
    response.leader_epoch = c.raft.epoch();
    response.base_offset = fetch.fetch_offset;
    response.high_watermark = c.committed();
    const LogAgreement agreement = agreement_with(c, fetch);
    if (agreement == LogAgreement::diverging) {
        response.diverges = true;
        response.end_offset = fetch.fetch_offset;
        response.last_epoch = fetch.last_epoch;
    } else if (agreement == LogAgreement::snapshot) {
        const MetadataSnapshot& snapshot = **c.raft.log.snapshot;
        response.is_snapshot = true;
        response.last_epoch = snapshot.id.epoch;
        for (const MetadataRecord& record : snapshot.records) response.records.emplace_back(record);
        response.end_offset = snapshot.id.end_offset;
    } else {
        response.end_offset = std::max(
            fetch.fetch_offset, std::min(c.committed(), fetch.fetch_offset + kMaxRecordsAFetch));
        c.raft.log.for_each(
            fetch.fetch_offset, response.end_offset, [&](Offset, const RaftRecord& r) {
                const auto* record = std::get_if<Shared<MetadataRecord>>(&r.payload);
                if (record != nullptr) response.records.push_back(*record);
            });
        response.last_epoch = c.raft.log.epoch_before(response.end_offset);
    }
    out.respond(fetch.connection, fetch.correlation, std::move(response));
}

void refuse_fetch(const Controller& c, const WaitingFetch& fetch, Outbox& out) {
    MetadataFetchResponse response;
    response.error = ErrorCode::not_leader_or_follower;
    response.leader = known_leader(c.raft);
    // One that has resigned still stands as the leader of its epoch.
    if (response.leader == c.id) response.leader = kNoNode;
    response.leader_epoch = c.raft.epoch();
    out.respond(fetch.connection, fetch.correlation, std::move(response));
}

void step(Controller& c, const Input& input, Outbox& out) {
    const Offset committed_before = c.committed();
    std::visit(Overloaded{
                   [&](const Start&) {
                       raft_start(c.raft, out);
                       out.arm(timer(TimerKind::metadata_snapshot), c.config.snapshot_max_interval);
                       out.notes.emplace_back(ImageChanged{c.committed()});
                   },
                   [&](const Deliver& d) { on_message(c, d, out); },
                   [&](const ConnectionClosed& closed) { on_closed(c, closed.connection, out); },
                   [&](const TimerFired& t) { on_timer(c, t.timer, out); },
                   [&](const WriteDone& w) {
                       CHECK(is_raft_token(w.token));
                       raft_write_done(c.raft, w.token, out);
                   },
                   [&](const Stop&) { on_stop(c, out); },
               },
               input);
    follow_quorum(c, committed_before, out);
    maybe_stop(c, out);
}

Controller make_controller(NodeId id, const std::vector<NodeId>& voters,
                           const BrokerConfig& config) {
    Controller c;
    c.id = id;
    c.config = config;
    c.raft.config = Shared<RaftConfig>{raft_config(config)};
    c.raft.planted_bug = config.planted_bug;
    // With kraft.version 0 nobody knows anybody's directory; its own matters when it can tell it.
    const auto key_of = [](NodeId node, bool has_directory) {
        return ReplicaKey{node, has_directory ? first_directory_of(node) : kNoDirectory};
    };
    const Rules& rules = config.rules;
    VoterSet set;
    for (const NodeId voter : voters) {
        set.voters[voter] = {key_of(voter, rules.raft_reconfiguration), 0};
    }
    c.raft.self = key_of(id, rules.raft_reconfiguration || rules.raft_version_upgrade);
    c.raft.bootstrap_voters = Shared<VoterSet>{std::move(set)};
    c.raft.bootstrap_servers = voters;
    return c;
}

Controller restart(const Controller& c) {
    Controller fresh;
    fresh.id = c.id;
    fresh.config = c.config;
    fresh.raft = restart(c.raft);
    return fresh;
}

void install(Controller& c, const BrokerConfig& config) {
    c.config = config;
    // What it was formatted with stays; what has been made of it since is in the log.
    c.config.rules.raft_reconfiguration = names_directories(*c.raft.bootstrap_voters);
    // Deviation: directories have had ids since 3.7 (KIP-858), which nobody asked for before.
    if (config.rules.raft_version_upgrade && c.raft.self.directory == kNoDirectory) {
        c.raft.self.directory = first_directory_of(c.id);
    }
    c.raft.config = Shared<RaftConfig>{raft_config(c.config)};
    c.raft.planted_bug = config.planted_bug;
}

Controller wiped(const Controller& c) {
    Controller fresh = restart(c);
    fresh.raft.log = {};
    fresh.raft.quorum_state = {};
    if (fresh.raft.self.directory == kNoDirectory) return fresh;
    // kafka-storage format gives the new directory another id. The others keep the voter that is
    // gone until somebody removes it (KIP-853); who has no others begins a quorum of its own.
    ++fresh.raft.self.directory.value;
    if (kraft_version_of(c.raft) == 0) return fresh;  // known by its id alone, it votes on
    if (!names_directories(*fresh.raft.bootstrap_voters)) {
        // The quorum has been made a dynamic one (KAFKA-16538): who formats this directory names
        // it by controller.quorum.bootstrap.servers, as the documentation of the upgrade asks.
        fresh.raft.bootstrap_voters = Shared<VoterSet>{voters_of(c.raft)};
        fresh.config.rules.raft_reconfiguration = true;
        fresh.raft.config = Shared<RaftConfig>{raft_config(fresh.config)};
    }
    if (fresh.raft.bootstrap_voters->size() == 1) {
        fresh.raft.bootstrap_voters.edit().voters[c.id].key = fresh.raft.self;
    }
    return fresh;
}

}  // namespace tribunal
