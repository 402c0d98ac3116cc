// Positions: auto.offset.reset, ListOffsets, and the group coordinator's committed offsets.
#include <algorithm>

#include "broker/base/check.h"
#include "broker/client/consumer.h"

namespace tribunal {
namespace {

ConnectionKey coordinator_connection(const Consumer& c) {
    return {c.id, c.coordinator, Lane::coordinator};
}

void note(Consumer&, Outbox& out, ClientOpKind kind, bool completed, std::uint32_t operation,
          TopicPartition tp, Offset offset, ErrorCode error = ErrorCode::none,
          bool unknown = false) {
    out.notes.emplace_back(ClientOperation{kind, completed, unknown, operation, error, tp, offset});
}

ClientOpKind kind_of_look_up(std::int64_t timestamp) {
    return timestamp == kEarliestTimestamp ? ClientOpKind::list_offsets_earliest
                                           : ClientOpKind::list_offsets_latest;
}

const LookUp* oldest_look_up_at(const Consumer& c, NodeId broker) {
    const auto it = std::find_if(c.look_ups.begin(), c.look_ups.end(),
                                 [&](const LookUp& l) { return l.broker == broker; });
    return it == c.look_ups.end() ? nullptr : &*it;
}

void send_look_up(Consumer& c, LookUpKind kind, TopicPartition tp, std::int64_t timestamp,
                  std::uint32_t operation, const KnownPartition& known, Outbox& out) {
    LookUp look_up;
    look_up.kind = kind;
    look_up.partition = tp;
    look_up.correlation = c.next_correlation++;
    look_up.broker = known.leader;
    look_up.sent = out.moment;
    look_up.timestamp = timestamp;
    look_up.operation = operation;
    c.look_ups.push_back(look_up);
    out.send(look_up_connection(c, known.leader), look_up.correlation,
             ListOffsetsRequest{tp, known.leader_epoch, timestamp});
    time_look_ups(c, known.leader, out);
}

}  // namespace

ConnectionKey look_up_connection(const Consumer& c, NodeId broker) {
    return {c.id, broker, Lane::general};
}

// Whatever was sent since: one that was lost would never time out while the end offsets are watched
// over the same connection.
void time_look_ups(const Consumer& c, NodeId broker, Outbox& out) {
    const TimerId timeout =
        timer(TimerKind::request_timeout, look_up_connection(c, broker).packed());
    const LookUp* oldest = oldest_look_up_at(c, broker);
    if (oldest == nullptr) {
        out.disarm(timeout);
    } else {
        out.arm_since(timeout, c.config.request_timeout, oldest->sent);
    }
}

void back_off(Consumer& c, Assigned& a, Outbox& out) {
    a.backing_off = true;
    out.arm(timer(TimerKind::retry, key_of(a.id)), c.config.retry_backoff);
}

void reset_position(Consumer& c, Assigned& a, Outbox& out) {
    switch (c.config.auto_offset_reset) {
        case OffsetReset::none:
            a.state =
                PositionState::failed;  // NoOffsetForPartition, OffsetOutOfRange: poll() throws
            out.notes.emplace_back(
                DeserializationFailed{a.id, a.position.offset,
                                      "auto.offset.reset=none and the position is not in the log"});
            return;
        case OffsetReset::earliest:
            a.reset_to = kEarliestTimestamp;
            break;
        case OffsetReset::latest:
            a.reset_to = kLatestTimestamp;
            break;
    }
    a.state = PositionState::resetting;
    a.backing_off = false;
    ++a.assignment;
}

void send_look_ups(Consumer& c, Outbox& out) {
    for (Assigned& a : c.assigned) {
        if (a.state != PositionState::resetting || a.lookup_in_flight || a.backing_off) {
            continue;
        }
        const KnownPartition* known = c.metadata.partition(a.id);
        if (known == nullptr || known->leader == kNoNode || c.metadata.wanted) {
            want_metadata(c.metadata, c.config.retry_backoff, out);
            continue;
        }
        a.lookup_in_flight = true;
        if (a.lookup_operation == 0) {
            a.lookup_operation = c.next_operation++;
            note(c, out, kind_of_look_up(a.reset_to), false, a.lookup_operation, a.id, kNoOffset);
        }
        send_look_up(c, LookUpKind::reset, a.id, a.reset_to, a.lookup_operation, *known, out);
    }
}

void watch_end_offset(Consumer& c, Outbox& out) {
    // As monitors of consumer lag do: once a second the end of one partition, in turn.
    if (c.assigned.empty()) return;
    const Assigned& a = c.assigned[c.next_watched++ % c.assigned.size()];
    const KnownPartition* known = c.metadata.partition(a.id);
    const bool busy = std::any_of(c.look_ups.begin(), c.look_ups.end(),
                                  [](const LookUp& l) { return l.kind == LookUpKind::watch; });
    if (known == nullptr || known->leader == kNoNode || busy) return;
    const std::uint32_t operation = c.next_operation++;
    note(c, out, ClientOpKind::list_offsets_latest, false, operation, a.id, kNoOffset);
    send_look_up(c, LookUpKind::watch, a.id, kLatestTimestamp, operation, *known, out);
}

void on_list_offsets_response(Consumer& c, std::int32_t correlation,
                              const ListOffsetsResponse& response, Outbox& out) {
    const auto it = std::find_if(c.look_ups.begin(), c.look_ups.end(),
                                 [&](const LookUp& l) { return l.correlation == correlation; });
    if (it == c.look_ups.end()) return;
    const LookUp look_up = *it;
    c.look_ups.erase(it);
    time_look_ups(c, look_up.broker, out);
    if (response.error != ErrorCode::none) want_metadata(c.metadata, c.config.retry_backoff, out);
    Assigned* a = find_assigned(c, look_up.partition);
    if (look_up.kind != LookUpKind::reset || a == nullptr) {
        note(c, out, kind_of_look_up(look_up.timestamp), true, look_up.operation, look_up.partition,
             response.offset, response.error);
        return;
    }
    a->lookup_in_flight = false;
    // Unless it was sought elsewhere meanwhile.
    if (a->state == PositionState::resetting && a->reset_to == look_up.timestamp) {
        if (response.error == ErrorCode::none) {
            note(c, out, kind_of_look_up(look_up.timestamp), true, look_up.operation,
                 look_up.partition, response.offset);
            a->lookup_operation = 0;
            seek_unvalidated(c, *a, response.offset, kNoLeaderEpoch);
        } else {
            back_off(c, *a, out);
        }
    }
    advance(c, out);
}

void on_look_ups_broken(Consumer& c, NodeId broker, Outbox& out) {
    out.disarm(timer(TimerKind::request_timeout, look_up_connection(c, broker).packed()));
    for (const LookUp& l : c.look_ups) {
        if (l.broker != broker) continue;
        Assigned* a = find_assigned(c, l.partition);
        if (l.kind == LookUpKind::reset && a != nullptr) {
            a->lookup_in_flight = false;
            if (a->state == PositionState::resetting) back_off(c, *a, out);
        } else if (l.kind == LookUpKind::validate) {
            const bool waits = a != nullptr && a->state == PositionState::validating;
            if (waits && a->position == l.position) back_off(c, *a, out);
        } else {
            note(c, out, kind_of_look_up(l.timestamp), true, l.operation, l.partition, kNoOffset,
                 ErrorCode::network_exception, true);
        }
    }
    std::erase_if(c.look_ups, [&](const LookUp& l) { return l.broker == broker; });
    want_metadata(c.metadata, c.config.retry_backoff, out);
}

// --- the group
// ------------------------------------------------------------------------------------

void find_coordinator(Consumer& c, Outbox& out) {
    if (c.coordinator_asked != kNoNode || c.group.empty()) return;
    c.coordinator_asked = c.metadata.bootstrap[static_cast<std::size_t>(c.metadata.next_broker) %
                                               c.metadata.bootstrap.size()];
    const ConnectionKey connection{c.id, c.coordinator_asked, Lane::coordinator};
    out.send(connection, c.next_correlation++, FindCoordinatorRequest{c.group});
    out.arm(timer(TimerKind::request_timeout, connection.packed()), c.config.request_timeout);
}

void on_coordinator(Consumer& c, const FindCoordinatorResponse& response, Outbox& out) {
    if (c.coordinator_asked == kNoNode) return;
    const ConnectionKey connection{c.id, c.coordinator_asked, Lane::coordinator};
    out.disarm(timer(TimerKind::request_timeout, connection.packed()));
    c.coordinator_asked = kNoNode;
    c.coordinator = response.coordinator;
    if (response.error != ErrorCode::none) {
        out.arm(timer(TimerKind::retry), c.config.retry_backoff);
        return;
    }
    advance(c, out);
}

void fetch_committed(Consumer& c, Outbox& out) {
    if (c.offset_request != 0) return;
    OffsetFetchRequest request;
    request.group = c.group;
    for (const Assigned& a : c.assigned) {
        if (a.state == PositionState::unknown) request.partitions.push_back(a.id);
    }
    if (request.partitions.empty()) return;
    if (c.coordinator == kNoNode) return find_coordinator(c, out);
    c.offset_request = c.next_correlation++;
    c.offset_operation = c.next_operation++;
    note(c, out, ClientOpKind::fetch_committed, false, c.offset_operation,
         request.partitions.front(), kNoOffset);
    out.send(coordinator_connection(c), c.offset_request, std::move(request));
    out.arm(timer(TimerKind::request_timeout, coordinator_connection(c).packed()),
            c.config.request_timeout);
}

void on_committed(Consumer& c, std::int32_t correlation, const OffsetFetchResponse& response,
                  Outbox& out) {
    if (c.offset_request != correlation) return;
    c.offset_request = 0;
    out.disarm(timer(TimerKind::request_timeout, coordinator_connection(c).packed()));
    const TopicPartition shown =
        response.offsets.empty() ? TopicPartition{} : response.offsets.front().partition;
    const Offset offset = response.offsets.empty() ? kNoOffset : response.offsets.front().offset;
    note(c, out, ClientOpKind::fetch_committed, true, c.offset_operation, shown, offset,
         response.error);
    if (response.error != ErrorCode::none) {
        c.coordinator = kNoNode;
        out.arm(timer(TimerKind::retry), c.config.retry_backoff);
        return;
    }
    for (const PartitionOffset& o : response.offsets) {
        Assigned* a = find_assigned(c, o.partition);
        if (a == nullptr || a->state != PositionState::unknown) continue;
        if (o.error == ErrorCode::none && o.offset != kNoOffset) {
            see_leader_epoch(c.metadata, a->id, o.leader_epoch, c.config.retry_backoff, out);
            seek_unvalidated(c, *a, o.offset, o.leader_epoch);
        } else {
            reset_position(c, *a, out);
        }
    }
    advance(c, out);
}

void commit(Consumer& c, Outbox& out) {
    if (c.offset_request != 0 || c.group.empty()) return;
    OffsetCommitRequest request;
    request.group = c.group;
    c.committed.resize(c.assigned.size(), kNoOffset);
    for (std::size_t i = 0; i < c.assigned.size(); ++i) {
        const Assigned& a = c.assigned[i];
        if (a.state != PositionState::valid || a.position.offset == c.committed[i]) {
            continue;
        }
        request.offsets.push_back(
            {a.id, a.position.offset, a.position.offset_epoch, ErrorCode::none});
    }
    if (request.offsets.empty()) return;
    if (c.coordinator == kNoNode) return find_coordinator(c, out);
    c.offset_request = c.next_correlation++;
    c.offset_operation = c.next_operation;
    c.next_operation += static_cast<std::uint32_t>(request.offsets.size());
    c.committing = request.offsets;
    for (std::size_t i = 0; i < c.committing.size(); ++i) {
        note(c, out, ClientOpKind::commit, false,
             c.offset_operation + static_cast<std::uint32_t>(i), c.committing[i].partition,
             c.committing[i].offset);
    }
    out.send(coordinator_connection(c), c.offset_request, std::move(request));
    out.arm(timer(TimerKind::request_timeout, coordinator_connection(c).packed()),
            c.config.request_timeout);
}

namespace {

void finish_commit(Consumer& c, const std::vector<PartitionOffset>& outcome, bool unknown,
                   Outbox& out) {
    for (std::size_t i = 0; i < c.committing.size() && i < outcome.size(); ++i) {
        note(c, out, ClientOpKind::commit, true, c.offset_operation + static_cast<std::uint32_t>(i),
             c.committing[i].partition, c.committing[i].offset, outcome[i].error, unknown);
        if (outcome[i].error != ErrorCode::none) continue;
        for (std::size_t k = 0; k < c.assigned.size(); ++k) {
            if (c.assigned[k].id == c.committing[i].partition) {
                c.committed[k] = c.committing[i].offset;
            }
        }
    }
    c.committing.clear();
}

}  // namespace

void on_commit_response(Consumer& c, std::int32_t correlation, const OffsetCommitResponse& response,
                        Outbox& out) {
    if (c.offset_request != correlation) return;
    c.offset_request = 0;
    out.disarm(timer(TimerKind::request_timeout, coordinator_connection(c).packed()));
    finish_commit(c, response.offsets, false, out);
    const bool failed = std::any_of(response.offsets.begin(), response.offsets.end(),
                                    [](const auto& o) { return o.error != ErrorCode::none; });
    if (failed) c.coordinator = kNoNode;  // look it up again before the next commit
    advance(c, out);
}

void on_coordinator_broken(Consumer& c, Outbox& out) {
    if (c.coordinator != kNoNode) {
        out.disarm(timer(TimerKind::request_timeout, coordinator_connection(c).packed()));
    }
    if (!c.committing.empty()) {
        std::vector<PartitionOffset> outcome = c.committing;
        for (PartitionOffset& o : outcome) o.error = ErrorCode::network_exception;
        finish_commit(c, outcome, true, out);
    } else if (c.offset_request != 0) {
        note(c, out, ClientOpKind::fetch_committed, true, c.offset_operation, TopicPartition{},
             kNoOffset, ErrorCode::network_exception, true);
    }
    c.offset_request = 0;
    c.coordinator = kNoNode;
    if (c.coordinator_asked != kNoNode) {
        const ConnectionKey connection{c.id, c.coordinator_asked, Lane::coordinator};
        out.disarm(timer(TimerKind::request_timeout, connection.packed()));
        c.coordinator_asked = kNoNode;
        ++c.metadata.next_broker;
    }
    out.arm(timer(TimerKind::retry), c.config.retry_backoff);
}

}  // namespace tribunal
