// Assignment, seeks and routing of the consumer.
#include "broker/client/consumer.h"

#include <algorithm>

#include "broker/base/check.h"

namespace tribunal {
namespace {

constexpr Duration kWatchInterval = seconds(1);

// Manual assignment, as soon as the metadata knows every topic.
bool assign(Consumer& c, Outbox& out) {
    if (!c.assigned.empty()) return true;
    std::vector<TopicPartition> partitions;
    for (const std::string& name : c.topics) {
        const KnownTopic* topic = c.metadata.topic(name);
        if (topic == nullptr) return false;
        for (std::size_t i = 0; i < topic->partitions.size(); ++i) {
            partitions.push_back({topic->id, static_cast<std::int32_t>(i)});
        }
    }
    for (const auto& [name, partition] : c.wanted) {
        const KnownTopic* topic = c.metadata.topic(name);
        if (topic == nullptr) return false;
        partitions.push_back({topic->id, partition});
    }
    std::sort(partitions.begin(), partitions.end());
    partitions.erase(std::unique(partitions.begin(), partitions.end()), partitions.end());
    for (const TopicPartition tp : partitions) {
        Assigned a;
        a.id = tp;
        a.assignment = 1;
        ClientOperation assignment{ClientOpKind::assign, false, false,    c.next_operation++,
                                   ErrorCode::none,      tp,    kNoOffset};
        out.notes.emplace_back(assignment);
        assignment.completed = true;
        out.notes.emplace_back(assignment);
        if (c.from_beginning) {
            a.state = PositionState::resetting;
            a.reset_to = kEarliestTimestamp;
        } else if (!c.group.empty()) {
            a.state = PositionState::unknown;
        } else {
            reset_position(c, a, out);
        }
        c.assigned.push_back(a);
    }
    return !c.assigned.empty();
}

void arm_next_seek(Consumer& c, Outbox& out) {
    if (c.next_seek < c.seeks.size()) {
        out.arm_since(timer(TimerKind::load), c.seeks[c.next_seek].at, c.started);
    }
}

void on_seek(Consumer& c, Outbox& out) {
    const PlannedSeek& seek = c.seeks[c.next_seek++];
    arm_next_seek(c, out);
    const KnownTopic* topic = c.metadata.topic(seek.topic);
    Assigned* a = topic == nullptr ? nullptr : find_assigned(c, {topic->id, seek.partition});
    if (a == nullptr) return;
    ++a->assignment;
    ClientOperation operation{ClientOpKind::seek, false,           false,
                              c.next_operation++, ErrorCode::none, a->id,
                              Offset{seek.offset}};
    out.notes.emplace_back(operation);
    operation.completed = true;
    out.notes.emplace_back(operation);
    if (seek.offset >= 0) {
        seek_unvalidated(c, *a, Offset{seek.offset}, kNoLeaderEpoch);
    } else {
        a->state = PositionState::resetting;
        a->reset_to = seek.offset;
        a->lookup_operation = 0;
        a->backing_off = false;
    }
    advance(c, out);
}

void on_timer(Consumer& c, const TimerFired& fired, Outbox& out) {
    switch (kind_of(fired.timer)) {
        case TimerKind::load:
            if (!c.running) {
                c.running = true;
                c.started = out.moment;
                arm_next_seek(c, out);
                request_metadata(c.metadata, c.id, c.next_correlation, c.config.request_timeout,
                                 out);
                out.arm(timer(TimerKind::block), kWatchInterval);
                if (!c.group.empty() && c.config.enable_auto_commit) {
                    out.arm(timer(TimerKind::auto_commit), c.config.auto_commit_interval);
                }
            } else {
                on_seek(c, out);
            }
            return;
        case TimerKind::block:
            watch_end_offset(c, out);
            out.arm(timer(TimerKind::block), kWatchInterval);
            return;
        case TimerKind::auto_commit:
            commit(c, out);
            out.arm(timer(TimerKind::auto_commit), c.config.auto_commit_interval);
            return;
        case TimerKind::retry:
            for (Assigned& a : c.assigned) {
                if (key_of(a.id) == key_of(fired.timer)) a.backing_off = false;
            }
            advance(c, out);
            return;
        case TimerKind::reconnect:
            c.links[NodeId{static_cast<std::int32_t>(key_of(fired.timer))}].backing_off = false;
            advance(c, out);
            return;
        case TimerKind::preferred_read_replica:
            for (Assigned& a : c.assigned) {
                if (timer(TimerKind::preferred_read_replica, key_of(a.id)) != fired.timer) continue;
                forget_preferred_replica(a, out);
            }
            advance(c, out);
            return;
        case TimerKind::metadata_retry:
        case TimerKind::metadata_age:
            request_metadata(c.metadata, c.id, c.next_correlation, c.config.request_timeout, out);
            return;
        case TimerKind::request_timeout: {
            const auto lane = static_cast<Lane>(key_of(fired.timer) & 0xff);
            const NodeId server{static_cast<std::int32_t>((key_of(fired.timer) >> 8) & 0xffffff)};
            out.effects.emplace_back(Close{{c.id, server, lane}});
            step(c, Input{ConnectionClosed{{c.id, server, lane}}}, out);
            return;
        }
        default:
            CHECK(!"a timer that a consumer never arms");
    }
}

void on_message(Consumer& c, const Deliver& d, Outbox& out) {
    const NodeId broker = d.connection.server;
    d.message.visit(Overloaded{
        [&](const FetchResponse& m) { on_fetch_response(c, broker, d.correlation, m, out); },
        [&](const ListOffsetsResponse& m) { on_list_offsets_response(c, d.correlation, m, out); },
        [&](const OffsetsForLeaderEpochResponse& m) {
            on_epoch_end_offsets(c, d.correlation, m, out);
        },
        [&](const MetadataResponse& m) {
            on_metadata_response(c.metadata, c.id, m, out);
            out.arm(timer(TimerKind::metadata_age), c.config.metadata_max_age);
            if (!assign(c, out)) want_metadata(c.metadata, c.config.retry_backoff, out);
            advance(c, out);
        },
        [&](const FindCoordinatorResponse& m) { on_coordinator(c, m, out); },
        [&](const OffsetFetchResponse& m) { on_committed(c, d.correlation, m, out); },
        [&](const OffsetCommitResponse& m) { on_commit_response(c, d.correlation, m, out); },
        [&](const auto&) { CHECK(!"a message that a consumer never gets"); },
    });
}

void on_closed(Consumer& c, ConnectionKey connection, Outbox& out) {
    switch (connection.lane) {
        case Lane::fetch:
            on_fetch_link_broken(c, connection.server, out);
            return;
        case Lane::general:
            on_look_ups_broken(c, connection.server, out);
            return;
        case Lane::coordinator:
            on_coordinator_broken(c, out);
            return;
        case Lane::metadata:
            on_metadata_failed(c.metadata, c.id, c.config.retry_backoff, out);
            return;
        default:
            CHECK(!"a connection that a consumer never opens");
    }
}

}  // namespace

Assigned* find_assigned(Consumer& c, TopicPartition tp) {
    const auto it =
        std::lower_bound(c.assigned.begin(), c.assigned.end(), tp,
                         [](const Assigned& a, TopicPartition key) { return a.id < key; });
    return it != c.assigned.end() && it->id == tp ? &*it : nullptr;
}

void advance(Consumer& c, Outbox& out) {
    follow_leaders(c, out);
    if (!c.group.empty() && !c.from_beginning) fetch_committed(c, out);
    send_look_ups(c, out);
    send_validations(c, out);
    send_fetches(c, out);
}

void step(Consumer& c, const Input& input, Outbox& out) {
    std::visit(Overloaded{
                   [&](const Start&) { out.arm(timer(TimerKind::load), c.start); },
                   [&](const Deliver& d) { on_message(c, d, out); },
                   [&](const ConnectionClosed& closed) { on_closed(c, closed.connection, out); },
                   [&](const TimerFired& t) { on_timer(c, t, out); },
                   [&](const WriteDone&) { CHECK(!"a consumer has no disk"); },
                   [&](const Stop&) { out.effects.emplace_back(Halt{"stopped"}); },
               },
               input);
}

}  // namespace tribunal
