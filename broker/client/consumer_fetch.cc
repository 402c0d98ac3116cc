// Fetching: one request a leader under way, incremental sessions (KIP-227), and what a poll
// returns.
#include <algorithm>

#include "broker/base/check.h"
#include "broker/client/consumer.h"

namespace tribunal {
namespace {

ConnectionKey connection_to(const Consumer& c, NodeId broker) {
    return {c.id, broker, Lane::fetch};
}

// Where to fetch from: the preferred replica while it is online, else the leader.
NodeId read_from(const Assigned& a) {
    if (a.position.leader == kNoNode) return kNoNode;
    return a.preferred_read_replica != kNoNode ? a.preferred_read_replica : a.position.leader;
}

// A preference ends with the leader's epoch that it was told in (follow_leaders), and with its
// replica.
void check_preferred_replica(Consumer& c, Assigned& a, Outbox& out) {
    if (a.preferred_read_replica == kNoNode) return;
    if (c.metadata.alive.contains(a.preferred_read_replica)) return;
    forget_preferred_replica(a, out);
    want_metadata(c.metadata, c.config.retry_backoff, out);
}

void prefer(Consumer& c, Assigned& a, NodeId replica, Outbox& out) {
    a.preferred_read_replica = replica;
    out.arm(timer(TimerKind::preferred_read_replica, key_of(a.id)), c.config.metadata_max_age);
}

bool deserializes(const Consumer& c, const RecordView& record, std::string& why) {
    if (record.key && c.key_deserializer != Serde::bytes) {
        const SerdeResult key = deserialize(c.key_deserializer, *record.key);
        if (!key) {
            why = "key: " + key.error;
            return false;
        }
    }
    if (record.value && c.value_deserializer != Serde::bytes) {
        const SerdeResult value = deserialize(c.value_deserializer, *record.value);
        if (!value) {
            why = "value: " + value.error;
            return false;
        }
    }
    return true;
}

// The epoch of the last record below `until`: of the batch that holds it.
LeaderEpoch epoch_below(const std::vector<RecordBatch>& batches, Offset until) {
    LeaderEpoch epoch = kNoLeaderEpoch;
    for (const RecordBatch& batch : batches) {
        if (batch.base_offset >= until) break;
        epoch = batch.leader_epoch;
    }
    return epoch;
}

// Gives the application what came for one partition, max.poll.records at a time.
void poll(Consumer& c, Assigned& a, const std::vector<RecordBatch>& batches, Outbox& out) {
    const Offset end = batches.back().next_offset();
    Offset from = a.position.offset;
    while (from < end) {
        // The last offset of this poll: the max.poll.records-th record from `from` on.
        Offset until = end;
        std::int32_t records = 0;
        std::optional<Offset> poison;
        std::string why;
        for (const RecordBatch& batch : batches) {
            if (batch.next_offset() <= from) continue;
            if (c.config.check_crcs && !is_intact(batch)) {
                poison = batch.base_offset;
                why = "CRC of the batch is wrong";
                break;
            }
            const bool whole = c.key_deserializer == Serde::bytes &&
                               c.value_deserializer == Serde::bytes && batch.base_offset >= from &&
                               records + batch.record_count <= c.config.max_poll_records;
            if (whole) {
                records += batch.record_count;
                continue;
            }
            const bool decoded = for_each_record(batch, [&](const RecordView& record) {
                if (record.offset < from || poison || records > c.config.max_poll_records) return;
                if (records == c.config.max_poll_records) {
                    until = record.offset;
                    ++records;
                    return;
                }
                if (!deserializes(c, record, why)) {
                    poison = record.offset;
                    return;
                }
                ++records;
            });
            if (!decoded && !poison) {
                poison = batch.base_offset;
                why = "the batch does not decode";
            }
            if (poison || records > c.config.max_poll_records) break;
        }
        if (poison) until = *poison;
        if (until > from) {
            out.notes.emplace_back(
                PollReturned{a.id, a.position.offset, &batches, from, until, a.assignment});
            a.position.offset = until;
            a.position.offset_epoch = epoch_below(batches, until);
            from = until;
        }
        if (poison) {
            // poll() throws for good: RecordDeserializationException, CorruptRecordException.
            a.state = PositionState::failed;
            out.notes.emplace_back(DeserializationFailed{a.id, *poison, why});
            leave_session(c, a);
            return;
        }
    }
}

void on_partition(Consumer& c, Assigned& a, const FetchPartitionResponse& r, Outbox& out) {
    switch (r.error) {
        case ErrorCode::none:
            if (r.preferred_read_replica != kNoNode) prefer(c, a, r.preferred_read_replica, out);
            if (!r.batches.empty() && r.batches.back().next_offset() > a.position.offset) {
                poll(c, a, r.batches, out);
            }
            return;
        case ErrorCode::unknown_leader_epoch:
            // A replica that is behind the metadata this client has: newer metadata would not help.
            leave_session(c, a);
            back_off(c, a, out);
            return;
        case ErrorCode::offset_out_of_range: {
            leave_session(c, a);
            if (a.preferred_read_replica != kNoNode) {
                // A follower may be behind: only the leader knows which offsets there are.
                forget_preferred_replica(a, out);
                return;
            }
            ClientOperation reset{ClientOpKind::reset, false,   false,
                                  c.next_operation++,  r.error, a.id,
                                  a.position.offset};
            out.notes.emplace_back(reset);
            reset.completed = true;
            out.notes.emplace_back(reset);
            reset_position(c, a, out);
            return;
        }
        default:
            // The leader moved (FENCED_LEADER_EPOCH: in an epoch that this client has not heard
            // of), or does not know its place yet. Deviation: Kafka's consumer asks again with each
            // poll, as fast as it is refused, until the metadata show another leader; here it waits
            // retry.backoff.ms for that.
            leave_session(c, a);
            want_metadata(c.metadata, c.config.retry_backoff, out);
            if (a.preferred_read_replica != kNoNode) {
                forget_preferred_replica(a, out);  // and so on at the leader
            } else {
                back_off(c, a, out);
            }
    }
}

}  // namespace

void leave_session(Consumer& c, Assigned& a) {
    if (a.session_leader == kNoNode) return;
    if (ConsumerLink* link = c.links.find(a.session_leader)) link->forgotten.push_back(a.id);
    a.session_leader = kNoNode;
    a.session_position = kNoOffset;
}

void forget_preferred_replica(Assigned& a, Outbox& out) {
    if (a.preferred_read_replica == kNoNode) return;
    a.preferred_read_replica = kNoNode;
    out.disarm(timer(TimerKind::preferred_read_replica, key_of(a.id)));
}

void send_fetches(Consumer& c, Outbox& out) {
    // A partition that is to be read elsewhere leaves the old session.
    for (Assigned& a : c.assigned) {
        check_preferred_replica(c, a, out);
        const NodeId broker = read_from(a);
        if (a.session_leader != kNoNode &&
            (a.session_leader != broker || a.state != PositionState::valid)) {
            leave_session(c, a);
        }
        if (broker == kNoNode && a.state == PositionState::valid) {
            want_metadata(c.metadata, c.config.retry_backoff, out);
        }
        if (broker != kNoNode && a.state == PositionState::valid) c.links[broker];
    }
    for (auto& [broker, link] : c.links) {
        // While the picture is being renewed nothing goes to a leader that may be gone.
        if (link.in_flight != 0 || link.backing_off) continue;
        FetchRequest request;
        request.max_wait = c.config.fetch_max_wait;
        request.min_bytes = c.config.fetch_min_bytes;
        request.max_bytes = c.config.fetch_max_bytes;
        request.session_id = link.session_id;
        request.session_epoch = link.session_epoch;
        request.rack = c.config.client_rack;
        bool any = false;
        for (Assigned& a : c.assigned) {
            if (a.state != PositionState::valid || read_from(a) != broker) continue;
            if (a.backing_off) continue;
            const bool is_new = a.session_leader != broker || link.session_epoch == 0;
            // After an error a partition waits for fresh metadata.
            if (a.session_leader == kNoNode && c.metadata.wanted) continue;
            any = true;
            if (!is_new && a.session_position == a.position.offset) continue;
            a.session_leader = broker;
            a.session_position = a.position.offset;
            FetchPartition fetch;
            fetch.partition = a.id;
            fetch.fetch_offset = a.position.offset;
            // Never last_fetched_epoch (KIP-595): Kafka's consumer leaves it to followers, its own
            // positions are validated beforehand.
            fetch.current_leader_epoch = a.position.leader_epoch;
            fetch.max_bytes = static_cast<std::int32_t>(c.config.max_partition_fetch_bytes);
            request.partitions.push_back(fetch);
        }
        if (!any) continue;
        if (link.session_epoch != 0) request.forgotten = std::move(link.forgotten);
        link.forgotten.clear();
        link.in_flight = c.next_correlation++;
        out.send(connection_to(c, broker), link.in_flight, std::move(request));
        out.arm(timer(TimerKind::request_timeout, connection_to(c, broker).packed()),
                c.config.request_timeout);
    }
}

void on_fetch_response(Consumer& c, NodeId broker, std::int32_t correlation,
                       const FetchResponse& response, Outbox& out) {
    ConsumerLink* link = c.links.find(broker);
    if (link == nullptr || link->in_flight != correlation) return;
    link->in_flight = 0;
    out.disarm(timer(TimerKind::request_timeout, connection_to(c, broker).packed()));
    if (response.error != ErrorCode::none) {
        link->session_epoch = 0;
        for (Assigned& a : c.assigned) {
            if (a.session_leader == broker) a.session_leader = kNoNode;
        }
        advance(c, out);
        return;
    }
    link->session_id = response.session_id;
    ++link->session_epoch;
    for (const FetchPartitionResponse& r : response.partitions) {
        Assigned* a = find_assigned(c, r.partition);
        // An answer for a position that is no longer the one asked for (seek) is dropped.
        if (a == nullptr || a->session_leader != broker || a->state != PositionState::valid ||
            a->session_position != a->position.offset) {
            continue;
        }
        on_partition(c, *a, r, out);
    }
    advance(c, out);
}

void on_fetch_link_broken(Consumer& c, NodeId broker, Outbox& out) {
    ConsumerLink& link = c.links[broker];
    link = ConsumerLink{};
    link.backing_off = true;
    out.disarm(timer(TimerKind::request_timeout, connection_to(c, broker).packed()));
    for (Assigned& a : c.assigned) {
        if (a.session_leader != broker) continue;
        a.session_leader = kNoNode;
        a.session_position = kNoOffset;
        forget_preferred_replica(a, out);
    }
    out.arm(timer(TimerKind::reconnect, static_cast<std::uint64_t>(broker.value)),
            milliseconds(50));
    want_metadata(c.metadata, c.config.retry_backoff, out);
}

}  // namespace tribunal
