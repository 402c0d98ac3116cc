// Fetch by followers and consumers: incremental sessions (KIP-227), long polls, and what a reader
// may see (followers up to the log end, consumers up to the high watermark, also from a follower:
// KIP-392).
//
// A session remembers which of its partitions have news; an idle fetch of a thousand partitions
// costs nothing.
#include <algorithm>

#include "broker/base/check.h"
#include "broker/node/broker.h"

namespace tribunal {
namespace {

void mark_dirty(FetchSession& session, TopicPartition tp) {
    SessionPartition* sp = session.partitions.find(tp);
    if (sp == nullptr || sp->dirty) return;
    sp->dirty = true;
    session.dirty.push_back(tp);
}

void subscribe(Broker& b, ConnectionKey connection, TopicPartition tp) {
    Hosted* hosted = b.partitions.find(tp);
    if (hosted == nullptr) return;
    auto& sessions = hosted->sessions;
    // In order, whoever came first.
    const auto at = std::lower_bound(sessions.begin(), sessions.end(), connection);
    if (at == sessions.end() || *at != connection) sessions.insert(at, connection);
}

void unsubscribe(Broker& b, ConnectionKey connection, TopicPartition tp) {
    if (Hosted* hosted = b.partitions.find(tp)) std::erase(hosted->sessions, connection);
}

// How far the reader may see: a consumer what is committed, a follower everything.
Offset readable_end(const Partition& p, const FetchSession& session) {
    return session.replica == kNoNode ? p.high_watermark : p.served_end();
}

struct Gathered {
    FetchResponse response;
    std::int64_t bytes = 0;
    bool must_answer = false;               // an error, or something else that cannot wait
    std::vector<TopicPartition> left_over;  // had data, but the response was full
};

// Reads one partition into the response. Leaves it out when there is nothing new.
void gather(Broker& b, FetchSession& session, TopicPartition tp, std::int64_t max_bytes,
            Gathered& gathered) {
    SessionPartition& sp = *session.partitions.find(tp);
    const FetchPartition& fetch = sp.fetch;
    FetchPartitionResponse r;
    r.partition = tp;
    const Partition* p = find_partition(b, tp);
    if (p == nullptr) {
        r.error = ErrorCode::unknown_topic_or_partition;
        gathered.must_answer = true;
        gathered.response.partitions.push_back(std::move(r));
        return;
    }
    const FetchVerdict verdict = check_fetch(*p, fetch, session.replica, b.config);
    r.error = verdict.error;
    r.diverging_epoch = verdict.diverging;
    if (r.error == ErrorCode::none || r.error == ErrorCode::offset_out_of_range) {
        r.high_watermark = p->high_watermark;
        r.log_start_offset = p->log.log_start_offset;
        if (session.replica == kNoNode) {
            r.preferred_read_replica = closest_replica(b, *p, fetch.fetch_offset, session.rack);
            // Nothing is read here then: that replica may have what this one has not.
            if (r.preferred_read_replica != kNoNode) r.error = ErrorCode::none;
        }
    }
    if (r.error == ErrorCode::offset_out_of_range) r.log_end_offset = p->log.log_end_offset;
    if (!verdict.serves() || r.preferred_read_replica != kNoNode) {
        gathered.must_answer = true;
        gathered.response.partitions.push_back(std::move(r));
        return;
    }
    // A consumer above the high watermark of the follower that it reads from waits for it.
    // Deviation: Kafka answers it at once, with nothing, over and over.
    const Offset upper = readable_end(*p, session);
    // The first batch of an answer always goes, whatever fetch.max.bytes says: a reader that takes
    // none would never get anywhere (KIP-74).
    if (fetch.fetch_offset < upper && gathered.bytes > 0 && gathered.bytes >= max_bytes) {
        gathered.left_over.push_back(tp);
        return;
    }
    if (fetch.fetch_offset < upper) {
        const std::int64_t room =
            std::min<std::int64_t>(fetch.max_bytes, max_bytes - gathered.bytes);
        p->log.read(fetch.fetch_offset, upper, room, r.batches);
        for (const RecordBatch& batch : r.batches) gathered.bytes += batch.size_in_bytes();
    }
    const bool news = !r.batches.empty() || sp.sent_high_watermark != r.high_watermark ||
                      sp.sent_log_start != r.log_start_offset;
    if (news) gathered.response.partitions.push_back(std::move(r));
}

Gathered gather(Broker& b, FetchSession& session, std::int64_t max_bytes) {
    Gathered gathered;
    gathered.response.session_id = session.id;
    for (const TopicPartition tp : session.dirty) {
        if (session.partitions.contains(tp)) gather(b, session, tp, max_bytes, gathered);
    }
    return gathered;
}

void answer(FetchSession& session, ConnectionKey connection, std::int32_t correlation,
            Gathered gathered, Outbox& out) {
    for (const TopicPartition tp : session.dirty) {
        if (SessionPartition* sp = session.partitions.find(tp)) sp->dirty = false;
    }
    session.dirty.clear();
    for (const TopicPartition tp : gathered.left_over) mark_dirty(session, tp);
    for (const FetchPartitionResponse& r : gathered.response.partitions) {
        SessionPartition& sp = *session.partitions.find(r.partition);
        sp.sent_high_watermark = r.high_watermark;
        sp.sent_log_start = r.log_start_offset;
        // Whatever happens to this partition next, its requester will speak of it again or wait for
        // the rest of its data.
        mark_dirty(session, r.partition);
    }
    out.respond(connection, correlation, std::move(gathered.response));
}

// Answers the parked fetch when enough has come.
bool try_complete(Broker& b, ConnectionKey connection, FetchSession& session, bool expired,
                  Outbox& out) {
    if (!session.parked) return false;
    Gathered gathered = gather(b, session, session.parked->max_bytes);
    if (!expired && !gathered.must_answer && gathered.bytes < session.parked->min_bytes)
        return false;
    const std::int32_t correlation = session.parked->correlation;
    session.parked.reset();
    if (!expired) out.disarm(timer(TimerKind::fetch_wait, connection.packed()));
    answer(session, connection, correlation, std::move(gathered), out);
    return true;
}

// A fetch in the middle of a session names only what changed.
ErrorCode update_session(Broker& b, ConnectionKey connection, const FetchRequest& request) {
    if (request.session_epoch == 0) {
        drop_session(b, connection);
        FetchSession& session = b.sessions[connection];
        // Without slots every fetch is a full one and leaves no session behind (KIP-227).
        session.id = b.config.fetch_session_cache_slots > 0 ? b.next_session++ : 0;
        session.replica = request.replica;
    } else {
        FetchSession* session = b.sessions.find(connection);
        if (session == nullptr || session->id != request.session_id) {
            return ErrorCode::fetch_session_id_not_found;
        }
        if (session->next_epoch != request.session_epoch) {
            return ErrorCode::invalid_fetch_session_epoch;
        }
        ++session->next_epoch;
    }
    FetchSession& session = *b.sessions.find(connection);
    session.replica_epoch = request.replica_epoch;
    session.rack = request.rack;
    for (const TopicPartition tp : request.forgotten) {
        session.partitions.erase(tp);
        std::erase(session.dirty, tp);
        unsubscribe(b, connection, tp);
    }
    for (const FetchPartition& fetch : request.partitions) {
        SessionPartition& sp = session.partitions[fetch.partition];
        sp.fetch = fetch;
        subscribe(b, connection, fetch.partition);
        mark_dirty(session, fetch.partition);
    }
    return ErrorCode::none;
}

}  // namespace

void drop_session(Broker& b, ConnectionKey connection) {
    FetchSession* session = b.sessions.find(connection);
    if (session == nullptr) return;
    for (const auto& [tp, sp] : session->partitions) unsubscribe(b, connection, tp);
    b.sessions.erase(connection);
}

void on_fetch(Broker& b, const Deliver& d, const FetchRequest& request, Outbox& out) {
    const ErrorCode error = update_session(b, d.connection, request);
    if (error != ErrorCode::none) {
        FetchResponse response;
        response.error = error;
        out.respond(d.connection, d.correlation, std::move(response));
        return;
    }
    // A follower's fetch offset is its acknowledgement: progress first, it may commit records. The
    // partitions that moved are told to their waiters after this fetch was answered or parked.
    std::vector<TopicPartition> advanced;
    if (request.replica != kNoNode) {
        ReplicationContext context = context_of(b, out);
        for (const FetchPartition& fetch : request.partitions) {
            Partition* p = edit_partition(b, fetch.partition);
            if (p == nullptr) continue;
            if (on_replica_fetch(*p, request.replica, request.replica_epoch, fetch, context) ||
                waits_for_deletion(b, fetch.partition)) {
                advanced.push_back(fetch.partition);
            }
        }
        // Kafka looks at every partition of the session, also those that an incremental fetch does
        // not name: one may join the ISR that could not before.
        for (const auto& [tp, sp] : b.sessions.find(d.connection)->partitions) {
            const Partition* seen = find_partition(b, tp);
            const Leader* leader = seen == nullptr ? nullptr : seen->leader();
            if (leader == nullptr) continue;
            if (is_caught_up_again(*seen, request.replica)) {
                on_idle_replica_fetch(*edit_partition(b, tp), request.replica);
            }
            if (leader->pending || leader->maximal_isr.contains(request.replica)) continue;
            maybe_expand_isr(*edit_partition(b, tp), request.replica, context);
        }
        send_alter_partitions(b, out);
    }
    FetchSession& session = *b.sessions.find(d.connection);
    // fetch.max.bytes of the broker bounds consumers, never replicas (KIP-541).
    const std::int64_t max_bytes = request.replica == kNoNode
                                       ? std::min(request.max_bytes, b.config.fetch_max_bytes)
                                       : request.max_bytes;
    Gathered gathered = gather(b, session, max_bytes);
    if (gathered.must_answer || gathered.bytes >= request.min_bytes ||
        request.max_wait <= Duration{0}) {
        answer(session, d.connection, d.correlation, std::move(gathered), out);
    } else {
        session.parked = ParkedFetch{d.correlation, request.min_bytes, max_bytes};
        out.arm(timer(TimerKind::fetch_wait, d.connection.packed()), request.max_wait);
    }
    for (const TopicPartition tp : advanced) {
        notify_sessions(b, tp, out);
        complete_parked(b, tp, out);
    }
}

void on_fetch_wait(Broker& b, std::uint64_t connection, Outbox& out) {
    for (auto& [key, session] : b.sessions) {
        if (key.packed() != connection) continue;
        try_complete(b, key, session, true, out);
        return;
    }
}

void notify_sessions(Broker& b, TopicPartition tp, Outbox& out) {
    const Hosted* hosted = b.partitions.find(tp);
    if (hosted == nullptr) {
        // The replica is gone: whoever waits for it learns so.
        for (auto& [key, session] : b.sessions) {
            if (!session.partitions.contains(tp)) continue;
            mark_dirty(session, tp);
            try_complete(b, key, session, false, out);
        }
        return;
    }
    const Partition& p = *hosted->partition;
    for (const ConnectionKey key : hosted->sessions) {
        FetchSession* session = b.sessions.find(key);
        if (session == nullptr) continue;
        mark_dirty(*session, tp);
        // A moved high watermark alone does not end a follower's long poll (KAFKA-9731).
        const SessionPartition& sp = *session->partitions.find(tp);
        const Offset upper = readable_end(p, *session);
        if (p.leader() != nullptr && sp.fetch.fetch_offset == upper) continue;
        if (p.follower() != nullptr && sp.fetch.fetch_offset >= upper &&
            check_fetch(p, sp.fetch, session->replica, b.config).serves()) {
            continue;
        }
        try_complete(b, key, *session, false, out);
    }
}

}  // namespace tribunal
