// Requests out: which batches go to which broker, what their answers mean, and when to give up.
#include <algorithm>

#include "broker/base/check.h"
#include "broker/client/producer.h"

namespace tribunal {
namespace {

ConnectionKey connection_to(const Producer& p, NodeId broker) {
    return {p.id, broker, Lane::general};
}

PartitionQueue& queue_of(Producer& p, std::int32_t partition) {
    return p.queues[static_cast<std::size_t>(partition)];
}

bool is_ready(const ProducerBatch& batch) { return batch.due && !batch.backing_off; }

// Exponential from retry.backoff.ms to retry.backoff.max.ms (KIP-580). Deviation: no jitter.
Duration backoff_of(const Producer& p, std::int32_t attempts) {
    Duration backoff = p.config.retry_backoff;
    for (std::int32_t i = 1; i < attempts && backoff < p.config.retry_backoff_max; ++i) {
        backoff = backoff * 2;
    }
    return std::min(backoff, p.config.retry_backoff_max);
}

// One request to `broker` with the first batch of each of its partitions.
bool send_one(Producer& p, NodeId broker, const KnownTopic& topic, Outbox& out) {
    const auto led = [&](std::size_t i) {
        return i < topic.partitions.size() && topic.partitions[i].leader == broker;
    };
    // With one request in flight order is kept by not touching a partition that has one under way.
    const bool muted_when_sent =
        p.config.max_in_flight == 1 && p.config.rules.mutes_partition_in_flight;
    const auto is_open = [&](const PartitionQueue& queue) {
        return !queue.waiting.empty() && !queue.waiting.front().backing_off &&
               !(muted_when_sent && !queue.sent.empty()) && may_send_first(p, queue);
    };
    bool any_ready = false;
    for (std::size_t i = 0; i < p.queues.size() && !any_ready; ++i) {
        any_ready = led(i) && is_open(p.queues[i]) && is_ready(p.queues[i].waiting.front());
    }
    if (!any_ready) return false;
    ProduceRequest request;
    request.acks = p.config.acks;
    request.timeout = p.config.request_timeout;
    InFlightProduce flight;
    flight.correlation = p.next_correlation++;
    flight.sent = out.moment;
    std::int64_t size = 0;
    for (std::size_t i = 0; i < p.queues.size(); ++i) {
        PartitionQueue& queue = p.queues[i];
        if (!led(i) || !is_open(queue)) continue;
        ProducerBatch& first = queue.waiting.front();
        if (!first.closed) close_batch(p, first);
        size += first.closed->size_in_bytes();
        if (size > p.config.max_request_size && !request.partitions.empty()) break;
        number_batch(p, queue, first);
        ++first.attempts;
        first.in_flight = true;
        request.partitions.push_back({{topic.id, static_cast<std::int32_t>(i)}, *first.closed});
        flight.batches.push_back({static_cast<std::int32_t>(i), first.id,
                                  first.closed->last_sequence(), first.closed->record_count});
        queue.sent.push_back(std::move(first));
        queue.waiting.erase(queue.waiting.begin());
        if (queue.sent.back().attempts > 1) {
            out.notes.emplace_back(SendRetried{queue.sent.back().uids});
        }
    }
    const ConnectionKey connection = connection_to(p, broker);
    out.send(connection, flight.correlation, std::move(request));
    if (p.config.acks == 0) {
        // Done as soon as it is written to the socket: nothing comes back.
        for (const SentBatch& sent : flight.batches) {
            auto& batches = queue_of(p, sent.partition).sent;
            for (std::size_t i = 0; i < batches.size(); ++i) {
                if (batches[i].id != sent.batch) continue;
                complete_batch(p, batches[i], ErrorCode::none, kNoOffset, true, out);
                batches.erase(batches.begin() + static_cast<std::ptrdiff_t>(i));
                break;
            }
            arm_delivery(p, sent.partition, out);
        }
        return true;
    }
    BrokerLink& link = p.links[broker];
    if (link.in_flight.empty()) {
        out.arm(timer(TimerKind::request_timeout, connection.packed()), p.config.request_timeout);
    }
    link.in_flight.push_back(std::move(flight));
    return true;
}

// The batch is out of the lists already.
void fail(Producer& p, std::int32_t partition, ProducerBatch& batch, ErrorCode error,
          bool is_settled, Outbox& out) {
    // After a broken connection or a time-out nobody knows whether it was written.
    const bool unknown = error == ErrorCode::network_exception ||
                         error == ErrorCode::request_timed_out || batch.attempts > 1;
    on_batch_failed(p, queue_of(p, partition), batch, error, is_settled);
    complete_batch(p, batch, error, kNoOffset, unknown, out);
    arm_delivery(p, partition, out);
}

void succeed(Producer& p, std::int32_t partition, ProducerBatch& batch, Offset base_offset,
             Outbox& out) {
    if (p.config.idempotence) {
        const Offset last =
            base_offset == kNoOffset ? kNoOffset : base_offset + (batch.closed->record_count - 1);
        on_batch_acked(p, queue_of(p, partition), batch.id, batch.closed->last_sequence(), last);
    }
    complete_batch(p, batch, ErrorCode::none, base_offset, false, out);
    arm_delivery(p, partition, out);
}

// Puts a batch whose outcome is an error that may pass back to the front, or gives it up.
void retry_or_fail(Producer& p, std::int32_t partition, ProducerBatch batch, ErrorCode error,
                   Offset log_start_offset, Outbox& out) {
    PartitionQueue& queue = queue_of(p, partition);
    batch.in_flight = false;
    // It counts neither as a retry nor as a failure (Sender.completeBatch).
    if (error == ErrorCode::message_too_large && split_batch(p, queue, batch)) {
        arm_delivery(p, partition, out);
        return;
    }
    const bool may_retry = batch.attempts <= p.config.retries;
    const bool retries =
        may_retry && (p.config.idempotence ? can_retry(p, queue, batch, error, log_start_offset)
                                           : is_retriable(error));
    if (!retries) {
        if (p.config.idempotence && error == ErrorCode::duplicate_sequence_number) {
            // The broker has it and has forgotten where.
            succeed(p, partition, batch, kNoOffset, out);
        } else {
            fail(p, partition, batch, error, may_retry, out);
        }
        return;
    }
    if (p.config.idempotence && !p.config.rules.epoch_bump_recovers &&
        batch.closed->producer_id != p.identity.id) {
        // Another producer id by now: under the old one it could be told twice (before KIP-360).
        fail(p, partition, batch, ErrorCode::out_of_order_sequence_number, false, out);
        return;
    }
    batch.backing_off = true;
    batch.due = true;
    out.arm(timer(TimerKind::retry, static_cast<std::uint64_t>(partition)),
            backoff_of(p, batch.attempts));
    if (p.config.idempotence) {
        reenqueue_in_order(queue, std::move(batch));
    } else {
        queue.waiting.insert(queue.waiting.begin(), std::move(batch));
    }
}

// Takes a batch out of those under way; nullopt when it expired meanwhile.
std::optional<ProducerBatch> take_sent(Producer& p, const SentBatch& sent) {
    auto& batches = queue_of(p, sent.partition).sent;
    for (std::size_t i = 0; i < batches.size(); ++i) {
        if (batches[i].id != sent.batch) continue;
        ProducerBatch batch = std::move(batches[i]);
        batches.erase(batches.begin() + static_cast<std::ptrdiff_t>(i));
        return batch;
    }
    return std::nullopt;
}

}  // namespace

void drain(Producer& p, Outbox& out) {
    settle_sequences(p, out);
    const KnownTopic* topic = p.metadata.topic(p.topic);
    if (topic == nullptr) return;
    FlatSet<NodeId> leaders;
    for (std::size_t i = 0; i < p.queues.size() && i < topic->partitions.size(); ++i) {
        if (p.queues[i].waiting.empty() || !is_ready(p.queues[i].waiting.front())) continue;
        if (topic->partitions[i].leader != kNoNode) {
            leaders.insert(topic->partitions[i].leader);
        } else {
            want_metadata(p.metadata, p.config.retry_backoff, out);
        }
    }
    for (const NodeId broker : leaders) {
        while (true) {
            const BrokerLink& link = p.links[broker];
            if (link.backing_off ||
                link.in_flight.size() >= static_cast<std::size_t>(p.config.max_in_flight)) {
                break;
            }
            if (!send_one(p, broker, *topic, out)) break;
        }
    }
}

void complete_batch(Producer& p, ProducerBatch& batch, ErrorCode error, Offset base_offset,
                    bool unknown, Outbox& out) {
    p.buffered_bytes -= batch.buffered;
    CHECK(p.buffered_bytes >= 0);
    for (std::size_t i = 0; i < batch.uids.size(); ++i) {
        const Offset offset =
            base_offset == kNoOffset ? kNoOffset : base_offset + static_cast<std::int64_t>(i);
        out.notes.emplace_back(SendCompleted{batch.uids[i], error, offset, unknown});
    }
    p.unfinished -= batch.uids.size();
    next_record_when_awaiting(p, out);
}

void on_produce_response(Producer& p, NodeId broker, std::int32_t correlation,
                         const ProduceResponse& response, Outbox& out) {
    BrokerLink* link = p.links.find(broker);
    if (link == nullptr || link->in_flight.empty()) return;
    if (link->in_flight.front().correlation != correlation) return;
    const InFlightProduce flight = std::move(link->in_flight.front());
    link->in_flight.erase(link->in_flight.begin());
    const TimerId timeout = timer(TimerKind::request_timeout, connection_to(p, broker).packed());
    if (link->in_flight.empty()) {
        out.disarm(timeout);
    } else {
        out.arm_since(timeout, p.config.request_timeout, link->in_flight.front().sent);
    }
    CHECK(response.partitions.size() == flight.batches.size());
    for (std::size_t i = 0; i < flight.batches.size(); ++i) {
        auto batch = take_sent(p, flight.batches[i]);
        const ProducePartitionResponse& r = response.partitions[i];
        const std::int32_t partition = flight.batches[i].partition;
        if (!batch) {
            // It has expired meanwhile. That it is written after all settles its numbers.
            const SentBatch& late = flight.batches[i];
            if (p.config.idempotence && r.error == ErrorCode::none) {
                on_batch_acked(p, queue_of(p, partition), late.batch, late.last_sequence,
                               r.base_offset + (late.record_count - 1));
            }
            continue;
        }
        if (r.error == ErrorCode::none) {
            succeed(p, partition, *batch, r.base_offset, out);
            continue;
        }
        if (is_invalid_metadata(r.error)) want_metadata(p.metadata, p.config.retry_backoff, out);
        retry_or_fail(p, partition, std::move(*batch), r.error, r.log_start_offset, out);
    }
    drain(p, out);
}

void on_link_broken(Producer& p, NodeId broker, Outbox& out) {
    BrokerLink& link = p.links[broker];
    const std::vector<InFlightProduce> lost = std::move(link.in_flight);
    link.in_flight.clear();
    link.backing_off = true;
    out.disarm(timer(TimerKind::request_timeout, connection_to(p, broker).packed()));
    out.arm(timer(TimerKind::reconnect, static_cast<std::uint64_t>(broker.value)),
            milliseconds(50));  // reconnect.backoff.ms
    want_metadata(p.metadata, p.config.retry_backoff, out);
    // Oldest first, each to the front: what was under way comes back in reverse, and without
    // idempotence stays so (InFlightRequests.clearAll, RecordAccumulator.reenqueue).
    for (const InFlightProduce& flight : lost) {
        for (const SentBatch& sent : flight.batches) {
            auto batch = take_sent(p, sent);
            if (!batch) continue;
            retry_or_fail(p, sent.partition, std::move(*batch), ErrorCode::network_exception,
                          kNoOffset, out);
        }
    }
}

void arm_delivery(Producer& p, std::int32_t partition, Outbox& out) {
    // delivery.timeout.ms runs from the creation of a batch; the timer stands for the oldest one.
    const PartitionQueue& queue = queue_of(p, partition);
    const ProducerBatch* oldest = nullptr;
    for (const auto* list : {&queue.waiting, &queue.sent}) {
        for (const ProducerBatch& batch : *list) {
            if (oldest == nullptr || batch.id < oldest->id) oldest = &batch;
        }
    }
    const TimerId id = timer(TimerKind::delivery, static_cast<std::uint64_t>(partition));
    if (oldest == nullptr) {
        out.disarm(id);
    } else {
        out.arm_since(id, p.config.delivery_timeout, oldest->created);
    }
}

void on_delivery_timeout(Producer& p, std::int32_t partition, Outbox& out) {
    PartitionQueue& queue = queue_of(p, partition);
    std::vector<ProducerBatch>* where = nullptr;
    std::size_t index = 0;
    std::uint32_t oldest = UINT32_MAX;
    for (auto* list : {&queue.waiting, &queue.sent}) {
        for (std::size_t i = 0; i < list->size(); ++i) {
            if ((*list)[i].id >= oldest) continue;
            oldest = (*list)[i].id;
            where = list;
            index = i;
        }
    }
    if (where == nullptr) return;
    ProducerBatch batch = std::move((*where)[index]);
    where->erase(where->begin() + static_cast<std::ptrdiff_t>(index));
    if (p.config.idempotence) on_batch_expired(p, queue, batch);
    // Never sent: certainly not written. Otherwise nobody knows.
    complete_batch(p, batch, ErrorCode::request_timed_out, kNoOffset, batch.attempts > 0, out);
    arm_delivery(p, partition, out);
    drain(p, out);
}

}  // namespace tribunal
