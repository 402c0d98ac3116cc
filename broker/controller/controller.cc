// Routing of the controller, and the life of its log: append, sync, commit, serve.
#include "broker/controller/controller.h"

#include <algorithm>

#include "broker/base/check.h"

namespace tribunal {
namespace {

constexpr std::size_t kMaxRecordsAFetch = 500;

void sync_log(Controller& c, Offset before, Outbox& out) {
    c.sync_in_flight = true;
    out.effects.emplace_back(
        Write{MetadataWrite{before, 0}, true, static_cast<std::uint64_t>(c.log_end().value)});
}

// Appends and replays what was decided. One fsync is under way at a time; what comes meanwhile goes
// with the next.
void append(Controller& c, std::vector<MetadataRecord> records, Outbox& out) {
    if (records.empty()) return;
    const Offset before = c.log_end();
    for (MetadataRecord& record : records) {
        replay(c.image, record);
        c.log.emplace_back(std::move(record));
    }
    if (!c.sync_in_flight) sync_log(c, before, out);
}

template <class Response>
void answer(Controller& c, const Deliver& request, Decision<Response> decision, Outbox& out) {
    append(c, std::move(decision.records), out);
    if (c.high_watermark >= c.log_end()) {
        out.respond(request.connection, request.correlation, std::move(decision.response));
        return;
    }
    c.deferred.push_back({c.log_end(), request.connection, request.correlation,
                          Shared<Message>{std::move(decision.response)}});
}

void serve_fetch(const Controller& c, const WaitingFetch& fetch, Outbox& out) {
    MetadataFetchResponse response;
    response.leader = c.id;
    response.base_offset = fetch.fetch_offset;
    response.high_watermark = c.high_watermark;
    const auto from = static_cast<std::size_t>(fetch.fetch_offset.value);
    const auto to =
        std::min(static_cast<std::size_t>(c.high_watermark.value), from + kMaxRecordsAFetch);
    for (std::size_t i = from; i < to; ++i) response.records.push_back(c.log[i]);
    response.end_offset = Offset{static_cast<std::int64_t>(std::max(from, to))};
    out.respond(fetch.connection, fetch.correlation, std::move(response));
}

void on_metadata_fetch(Controller& c, const Deliver& request, const MetadataFetchRequest& fetch,
                       Outbox& out) {
    const WaitingFetch waiting{request.connection, request.correlation, fetch.fetch_offset};
    if (fetch.fetch_offset < c.high_watermark) {
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

void on_synced(Controller& c, Offset synced, Outbox& out) {
    c.sync_in_flight = false;
    c.high_watermark = std::max(c.high_watermark, synced);
    if (c.log_end() > synced) sync_log(c, synced, out);
    std::size_t released = 0;
    for (; released < c.deferred.size() && c.deferred[released].offset <= c.high_watermark;
         ++released) {
        DeferredResponse& d = c.deferred[released];
        out.respond(d.connection, d.correlation, *d.response);
    }
    c.deferred.erase(c.deferred.begin(),
                     c.deferred.begin() + static_cast<std::ptrdiff_t>(released));
    for (const WaitingFetch& w : c.waiting) {
        out.disarm(timer(TimerKind::metadata_wait, w.connection.packed()));
        serve_fetch(c, w, out);
    }
    c.waiting.clear();
    out.notes.emplace_back(ImageChanged{c.high_watermark});
}

void on_start(Controller& c, Outbox& out) {
    c.image = ClusterImage{};
    for (const auto& record : c.log) replay(c.image, *record);
    // After a kill the end of the log may lie in the page cache only: it is committed when it is on
    // the platter, or a later power loss would take back what brokers have already acted on.
    c.high_watermark = Offset{0};
    if (c.log_end() > Offset{0}) sync_log(c, c.log_end(), out);
    c.heartbeats = initial_heartbeats(c.image);
    for (const NodeId broker : c.heartbeats.sessions) {
        out.arm(timer(TimerKind::broker_session, static_cast<std::uint64_t>(broker.value)),
                c.config.broker_session_timeout);
    }
    out.notes.emplace_back(ImageChanged{c.high_watermark});
}

void on_session_expired(Controller& c, NodeId broker, Outbox& out) {
    tribunal::on_session_expired(c.heartbeats, broker);
    append(c, decide_fence(c.view(), broker), out);
}

void on_timer(Controller& c, TimerId id, Outbox& out) {
    if (kind_of(id) == TimerKind::broker_session) {
        on_session_expired(c, NodeId{static_cast<std::int32_t>(key_of(id))}, out);
        return;
    }
    CHECK(kind_of(id) == TimerKind::metadata_wait);
    for (std::size_t i = 0; i < c.waiting.size(); ++i) {
        if (c.waiting[i].connection.packed() != key_of(id)) continue;
        serve_fetch(c, c.waiting[i], out);
        c.waiting.erase(c.waiting.begin() + static_cast<std::ptrdiff_t>(i));
        return;
    }
}

void arm_session(Controller& c, NodeId broker, Outbox& out) {
    out.arm(timer(TimerKind::broker_session, static_cast<std::uint64_t>(broker.value)),
            c.config.broker_session_timeout);
}

void on_request(Controller& c, const Deliver& d, Outbox& out) {
    std::visit(
        Overloaded{
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
                on_heartbeat(c.heartbeats, c.image, m, c.log_end());
                arm_session(c, m.broker, out);
            },
            [&](const AlterPartitionRequest& m) { answer(c, d, decide(c.view(), m), out); },
            [&](const CreateTopicRequest& m) { answer(c, d, decide(c.view(), m), out); },
            [&](const DeleteTopicRequest& m) { answer(c, d, decide(c.view(), m), out); },
            [&](const AllocateProducerIdsRequest& m) { answer(c, d, decide(c.view(), m), out); },
            [&](const MetadataFetchRequest& m) { on_metadata_fetch(c, d, m, out); },
            [&](const auto&) { CHECK(!"a message that a controller never gets"); },
        },
        d.message);
}

}  // namespace

void step(Controller& c, const Input& input, Outbox& out) {
    std::visit(Overloaded{
                   [&](const Start&) { on_start(c, out); },
                   [&](const Deliver& d) { on_request(c, d, out); },
                   [&](const ConnectionClosed& closed) {
                       std::erase_if(c.waiting, [&](const WaitingFetch& w) {
                           return w.connection == closed.connection;
                       });
                       std::erase_if(c.deferred, [&](const DeferredResponse& r) {
                           return r.connection == closed.connection;
                       });
                   },
                   [&](const TimerFired& t) { on_timer(c, t.timer, out); },
                   [&](const WriteDone& w) {
                       on_synced(c, Offset{static_cast<std::int64_t>(w.token)}, out);
                   },
                   [&](const Stop&) { out.effects.emplace_back(Halt{"stopped", true}); },
               },
               input);
}

Controller restart(const Controller& c) {
    Controller fresh;
    fresh.id = c.id;
    fresh.config = c.config;
    fresh.log = c.log;
    return fresh;
}

}  // namespace tribunal
