// Produce requests, and writes that wait: for the ISR (acks=all) or for the platter
// (flush.messages).
#include <algorithm>

#include "broker/base/check.h"
#include "broker/node/broker.h"

namespace tribunal {

void on_produce(Broker& b, const Deliver& d, const ProduceRequest& request, Outbox& out) {
    ParkedRequest parked;
    parked.connection = d.connection;
    parked.correlation = d.correlation;
    ProduceResponse response;
    response.partitions.reserve(request.partitions.size());
    ReplicationContext context = context_of(b, out);
    bool failed = false;
    for (const ProducePartition& produced : request.partitions) {
        ProducePartitionResponse& r = response.partitions.emplace_back();
        r.partition = produced.partition;
        Partition* p = edit_partition(b, produced.partition);
        if (p == nullptr) {
            r.error = ErrorCode::unknown_topic_or_partition;
            failed = true;
            continue;
        }
        const auto appended = append_as_leader(*p, produced.batch, request.acks, context);
        if (!appended) {
            r.error = appended.error();
            // A producer that is refused looks whether its records were deleted meanwhile.
            if (p->leader() != nullptr) r.log_start_offset = p->log.log_start_offset;
            failed = true;
            continue;
        }
        r.base_offset = appended->base_offset;
        if (appended->is_duplicate &&
            b.config.planted_bug == PlantedBug::ack_offset_of_duplicate_zero) {
            r.base_offset = Offset{0};
        }
        r.log_start_offset = p->log.log_start_offset;
        remember_flush(b, *p);
        ParkedWrite write{.partition = produced.partition,
                          .required = appended->next_offset,
                          .index = static_cast<std::int32_t>(response.partitions.size()) - 1};
        write.waits_for_isr =
            request.acks == -1 && b.config.planted_bug != PlantedBug::ack_before_isr;
        write.flushed = !is_flushing(*p, write.required);
        if (write.waits_for_isr || !write.flushed) parked.writes.push_back(write);
    }
    // The high watermark of a leader that is alone in its ISR moves with the append itself.
    for (const ProducePartition& produced : request.partitions) {
        Partition* p = edit_partition(b, produced.partition);
        if (p == nullptr || p->leader() == nullptr) continue;
        advance_high_watermark(*p, context);
    }
    if (request.acks == 0) {
        // Nobody listens for a response: an error can only be shown by closing the connection.
        if (failed) out.effects.emplace_back(Close{d.connection});
    } else {
        parked.response = std::move(response);
        if (parked.writes.empty()) {
            out.respond(d.connection, d.correlation,
                        std::get<ProduceResponse>(std::move(parked.response)));
        } else {
            parked.timeout = request.timeout;
            park(b, std::move(parked), out);
        }
    }
    for (const ProducePartition& produced : request.partitions) {
        notify_sessions(b, produced.partition, out);
        complete_parked(b, produced.partition, out);
    }
}

namespace {

// The time-out is of the wait for the ISR (DelayedProduce), which begins when all appends have
// returned from their flushes.
void arm_timeout(const ParkedRequest& request, Outbox& out) {
    const bool appended = std::all_of(request.writes.begin(), request.writes.end(),
                                      [](const ParkedWrite& w) { return w.flushed; });
    if (!appended) return;
    out.arm(timer(TimerKind::produce_wait, request.connection.packed()), request.timeout);
}

}  // namespace

void park(Broker& b, ParkedRequest request, Outbox& out) {
    b.busy[request.connection];
    arm_timeout(request, out);
    b.parked.push_back(std::move(request));
}

void remember_flush(Broker& b, const Partition& p) {
    const bool known = std::find(b.flushing.begin(), b.flushing.end(), p.id) != b.flushing.end();
    if (!p.flushes.empty() && !known) b.flushing.push_back(p.id);
}

void answer_parked(Broker& b, std::size_t index, Outbox& out) {
    ParkedRequest request = std::move(b.parked[index]);
    b.parked.erase(b.parked.begin() + static_cast<std::ptrdiff_t>(index));
    std::visit(
        [&](auto& response) {
            out.disarm(timer(TimerKind::produce_wait, request.connection.packed()));
            out.respond(request.connection, request.correlation, std::move(response));
        },
        request.response);
    // The channel is free again: take what queued up behind.
    Channel* channel = b.busy.find(request.connection);
    CHECK(channel != nullptr);
    std::vector<Deliver> queue = std::move(channel->queue);
    b.busy.erase(request.connection);
    for (std::size_t i = 0; i < queue.size(); ++i) {
        if (Channel* again = b.busy.find(request.connection)) {
            again->queue.insert(again->queue.end(), queue.begin() + static_cast<std::ptrdiff_t>(i),
                                queue.end());
            return;
        }
        step(b, Input{std::move(queue[i])}, out);
    }
}

namespace {

void set_error(ParkedRequest& request, const ParkedWrite& write, ErrorCode error) {
    const auto index = static_cast<std::size_t>(write.index);
    if (auto* produce = std::get_if<ProduceResponse>(&request.response)) {
        produce->partitions[index].error = error;
        if (error != ErrorCode::none) produce->partitions[index].base_offset = kNoOffset;
        return;
    }
    if (auto* deletion = std::get_if<DeleteRecordsResponse>(&request.response)) {
        deletion->partitions[index].error = error;
        deletion->partitions[index].low_watermark =
            error == ErrorCode::none ? write.required : kNoOffset;
        return;
    }
    // A commit is one batch: all its offsets share the outcome (GroupMetadataManager maps it).
    for (PartitionOffset& o : std::get<OffsetCommitResponse>(request.response).offsets) {
        if (o.error != ErrorCode::none) continue;
        switch (error) {
            case ErrorCode::none:
                break;
            case ErrorCode::unknown_topic_or_partition:
            case ErrorCode::not_enough_replicas:
            case ErrorCode::not_enough_replicas_after_append:
            case ErrorCode::request_timed_out:
                o.error = ErrorCode::coordinator_not_available;
                break;
            case ErrorCode::not_leader_or_follower:
                o.error = ErrorCode::not_coordinator;
                break;
            default:
                o.error = error;
        }
    }
}

// The commit is safe: now the cache of committed offsets may show it.
void replay_commit(Broker& b, const ParkedRequest& request) {
    const auto* response = std::get_if<OffsetCommitResponse>(&request.response);
    if (response == nullptr || request.writes.empty()) return;
    Offsets* offsets = b.offsets.find(request.writes.front().partition);
    if (offsets == nullptr) return;
    for (const PartitionOffset& o : response->offsets) {
        if (o.error != ErrorCode::none) continue;
        const TopicImage* topic = b.image.topic(o.partition.topic);
        if (topic == nullptr) continue;
        replay(
            *offsets,
            OffsetCommitted{
                {request.group, topic->name, o.partition.partition}, o.offset, o.leader_epoch, {}});
    }
}

bool is_complete(const ParkedRequest& request) {
    return std::all_of(request.writes.begin(), request.writes.end(),
                       [](const ParkedWrite& w) { return w.done; });
}

// How a write ended; nullopt: not yet.
std::optional<ErrorCode> outcome_of(const Broker& b, const ParkedRequest& request,
                                    const ParkedWrite& write) {
    const Partition* p = find_partition(b, write.partition);
    if (std::holds_alternative<DeleteRecordsResponse>(request.response)) {
        return deleted_up_to(b, write.partition, write.required);
    }
    if (!write.waits_for_isr) {
        return write.flushed || p == nullptr ? std::optional{ErrorCode::none} : std::nullopt;
    }
    if (p == nullptr) return ErrorCode::unknown_topic_or_partition;
    const auto outcome = replicated_up_to(*p, write.required, b.config.rules);
    const bool is_bug = outcome == ErrorCode::not_leader_or_follower &&
                        b.config.planted_bug == PlantedBug::ack_lost_on_leader_change;
    return is_bug ? std::optional{ErrorCode::none} : outcome;
}

}  // namespace

void complete_parked(Broker& b, TopicPartition tp, Outbox& out) {
    for (std::size_t i = 0; i < b.parked.size();) {
        ParkedRequest& request = b.parked[i];
        bool touched = false;
        for (ParkedWrite& write : request.writes) {
            if (write.done || write.partition != tp) continue;
            const std::optional<ErrorCode> outcome = outcome_of(b, request, write);
            if (!outcome) continue;
            write.done = true;
            touched = true;
            set_error(request, write, *outcome);
        }
        if (!touched || !is_complete(request)) {
            ++i;
            continue;
        }
        replay_commit(b, request);
        answer_parked(b, i, out);
        i = 0;  // answering may have run queued requests and moved the list
    }
}

void on_write_done(Broker& b, std::uint64_t token, Outbox& out) {
    const TopicPartition tp = flushed_by(token);
    Partition* p = edit_partition(b, tp);
    if (kind_of_flush(token) == kBackgroundFlush) {
        if (p != nullptr) on_background_flush_done(*p);
        return;
    }
    if (p != nullptr) on_append_flush_done(*p);
    if (p == nullptr || p->flushes.empty()) std::erase(b.flushing, tp);
    for (ParkedRequest& request : b.parked) {
        bool touched = false;
        for (ParkedWrite& write : request.writes) {
            if (write.partition != tp || write.flushed) continue;
            write.flushed = p == nullptr || !is_flushing(*p, write.required);
            touched |= write.flushed;
        }
        if (touched) arm_timeout(request, out);
    }
    if (p != nullptr && p->leader() != nullptr) {
        ReplicationContext context = context_of(b, out);
        advance_high_watermark(*p, context);
        notify_sessions(b, tp, out);
    }
    complete_parked(b, tp, out);
    // Whoever waited for it, also the fetcher that the partition has left meanwhile.
    std::vector<NodeId> leaders;
    for (const auto& [leader, fetcher] : b.fetchers) leaders.push_back(leader);
    for (const NodeId leader : leaders) pump(b, leader, out);
}

void on_parked_timeout(Broker& b, std::uint64_t connection, Outbox& out) {
    for (std::size_t i = 0; i < b.parked.size(); ++i) {
        ParkedRequest& request = b.parked[i];
        if (request.connection.packed() != connection) continue;
        for (ParkedWrite& write : request.writes) {
            if (!write.done) set_error(request, write, ErrorCode::request_timed_out);
        }
        answer_parked(b, i, out);
        return;
    }
}

}  // namespace tribunal
