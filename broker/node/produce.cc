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
    const std::uint64_t token = free_token(b);
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
        const auto appended = append_as_leader(*p, produced.batch, request.acks, token, context);
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
        if (appended->sync_token != 0) {
            ++parked.pending_syncs;
            b.flushes.push_back({token, produced.partition, appended->next_offset});
        }
        if (request.acks == -1) {
            parked.writes.push_back(
                ParkedWrite{.partition = produced.partition,
                            .required = appended->next_offset,
                            .index = static_cast<std::int32_t>(response.partitions.size()) - 1});
        }
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
        parked.sync_token = parked.pending_syncs > 0 ? token : 0;
        if (b.config.planted_bug == PlantedBug::ack_before_isr) parked.writes.clear();
        if (parked.writes.empty() && parked.pending_syncs == 0) {
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

void arm_timeout(const ParkedRequest& request, Outbox& out) {
    out.arm(timer(TimerKind::produce_wait, request.connection.packed()), request.timeout);
}

}  // namespace

// The time-out is of the wait for the ISR (DelayedProduce), which begins when the append has
// returned from its flush.
void park(Broker& b, ParkedRequest request, Outbox& out) {
    b.busy[request.connection];
    if (request.pending_syncs == 0) arm_timeout(request, out);
    b.parked.push_back(std::move(request));
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
    return request.pending_syncs == 0 && std::all_of(request.writes.begin(), request.writes.end(),
                                                     [](const ParkedWrite& w) { return w.done; });
}

}  // namespace

void complete_parked(Broker& b, TopicPartition tp, Outbox& out) {
    const Partition* p = find_partition(b, tp);
    for (std::size_t i = 0; i < b.parked.size();) {
        ParkedRequest& request = b.parked[i];
        bool touched = false;
        for (ParkedWrite& write : request.writes) {
            if (write.done || write.partition != tp) continue;
            auto outcome = std::holds_alternative<DeleteRecordsResponse>(request.response)
                               ? deleted_up_to(b, tp, write.required)
                           : p == nullptr ? std::optional{ErrorCode::unknown_topic_or_partition}
                                          : replicated_up_to(*p, write.required, b.config.rules);
            if (outcome == ErrorCode::not_leader_or_follower &&
                b.config.planted_bug == PlantedBug::ack_lost_on_leader_change) {
                outcome = ErrorCode::none;
            }
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
    if (is_background_flush(token)) {
        if (Partition* p = edit_partition(b, flushed_by(token))) on_background_flush_done(*p);
        return;
    }
    for (auto& [leader, fetcher] : b.fetchers) {
        // Tokens of fetchers are their leader's id, negative.
        if (token != ~static_cast<std::uint64_t>(leader.value)) continue;
        if (fetcher.pending_syncs == 0 || --fetcher.pending_syncs > 0) return;
        for (const auto& [tp, state] : fetcher.partitions) {
            const Partition* p = find_partition(b, tp);
            if (p == nullptr || p->flush_requested == Offset{0}) continue;
            on_flush_done(*edit_partition(b, tp), p->flush_requested);
        }
        pump(b, leader, out);
        return;
    }
    // Who waits for this token is settled first: answering others below runs what they have queued,
    // and a new append may take the same token when the one who waited has hung up.
    const auto waiting = std::find_if(
        b.parked.begin(), b.parked.end(),
        [&](const ParkedRequest& r) { return r.sync_token == token && r.pending_syncs > 0; });
    if (waiting != b.parked.end() && --waiting->pending_syncs == 0) arm_timeout(*waiting, out);
    for (std::size_t i = 0; i < b.flushes.size(); ++i) {
        if (b.flushes[i].token != token) continue;
        const PendingFlush flush = b.flushes[i];
        b.flushes.erase(b.flushes.begin() + static_cast<std::ptrdiff_t>(i));
        Partition* p = edit_partition(b, flush.partition);
        if (p == nullptr) break;
        on_flush_done(*p, flush.next);
        if (p->leader() == nullptr) break;
        const bool more =
            std::any_of(b.flushes.begin(), b.flushes.end(),
                        [&](const PendingFlush& f) { return f.partition == flush.partition; });
        p->unsynced_from = more ? flush.next : kNoOffset;
        ReplicationContext context = context_of(b, out);
        advance_high_watermark(*p, context);
        notify_sessions(b, flush.partition, out);
        complete_parked(b, flush.partition, out);
        break;
    }
    for (std::size_t i = 0; i < b.parked.size(); ++i) {
        ParkedRequest& request = b.parked[i];
        if (request.sync_token != token || !is_complete(request)) continue;
        replay_commit(b, request);
        answer_parked(b, i, out);
        return;
    }
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
