// enable.idempotence: a producer id, and a sequence number for every record, so that brokers tell a
// repeated batch from a new one and refuse one whose predecessor is missing (KIP-98; Kafka:
// TransactionManager without transactions).
//
// What must never happen: a batch that may have been written is numbered anew. Otherwise the broker
// takes it for another. The exceptions are Kafka's own, and each is a rule or has its reason below.
#include <algorithm>

#include "broker/base/check.h"
#include "broker/client/producer.h"

namespace tribunal {
namespace {

bool keeps_sorted(const Producer& p) { return p.config.rules.renumbers_in_order; }

ConnectionKey connection_to_asked(const Producer& p) {
    return {p.id, p.id_request.asked, Lane::producer_id};
}

ProducerIdentity identity_of(const ProducerBatch& batch) {
    return {batch.closed->producer_id, batch.closed->producer_epoch};
}

// The new numbers of what is in flight go into the batches. Those under way are not touched on the
// wire: what the broker says to them still counts.
void write_numbers(PartitionQueue& queue) {
    for (const NumberedBatch& numbered : queue.sequences.in_flight) {
        for (auto* list : {&queue.waiting, &queue.sent}) {
            for (ProducerBatch& batch : *list) {
                if (batch.id != numbered.batch) continue;
                if (identity_of(batch) == numbered.identity &&
                    batch.closed->base_sequence == numbered.base_sequence) {
                    continue;
                }
                batch.closed->producer_id = numbered.identity.id;
                batch.closed->producer_epoch = numbered.identity.epoch;
                batch.closed->base_sequence = numbered.base_sequence;
                batch.renumbered = true;
            }
        }
    }
}

void start_at_beginning(const Producer& p, PartitionQueue& queue) {
    queue.sequences.start_at_beginning(p.identity);
    write_numbers(queue);
    // Also those whose number happens to be the same: the broker's answer to the old one is void.
    for (auto* list : {&queue.waiting, &queue.sent}) {
        for (ProducerBatch& batch : *list) {
            if (batch.has_sequence() && identity_of(batch) == p.identity) batch.renumbered = true;
        }
    }
}

// Not at once: the batch that is being dealt with is neither waiting nor sent.
void request_new_beginning(Producer& p, PartitionQueue& queue) {
    p.begins_again = true;
    queue.sequences.rewrite = true;
}

// Before KIP-360: what is known of all partitions is given up with the producer id.
void reset_producer_id(Producer& p) {
    p.identity = {};
    for (PartitionQueue& queue : p.queues) queue.sequences = {};
}

// All batches in flight have told, yet some number is not accounted for.
void resolve_sequences(Producer& p) {
    for (PartitionQueue& queue : p.queues) {
        PartitionSequences& s = queue.sequences;
        if (!s.unresolved || !s.in_flight.empty()) continue;
        if (s.is_next(s.next_sequence)) {
            s.unresolved.reset();  // a batch was given up, and those after it succeeded
            continue;
        }
        s.unresolved.reset();
        if (!p.config.rules.epoch_bump_recovers) {
            reset_producer_id(p);
            return;
        }
        request_new_beginning(p, queue);
    }
}

// Partitions that asked for it begin again at 0, with what they have in flight.
void begin_again(Producer& p) {
    for (PartitionQueue& queue : p.queues) {
        if (!queue.sequences.rewrite) continue;
        start_at_beginning(p, queue);
        queue.sequences.unresolved.reset();
        queue.sequences.rewrite = false;
    }
    p.begins_again = false;
}

// KIP-360: the client raises its epoch by itself; other partitions go over to the new one when
// nothing of theirs is in flight any more. Before, the numbers began again under the same epoch.
void raise_epoch(Producer& p) {
    if (p.config.rules.epoch_bump_recovers) {
        if (p.identity.epoch == INT16_MAX) {
            p.identity = {};  // the epochs are used up: the rest follows with the new id
            return;
        }
        ++p.identity.epoch;
    }
    begin_again(p);
}

void request_producer_id(Producer& p, Outbox& out) {
    ProducerIdRequest& r = p.id_request;
    if (r.in_flight || r.backing_off) return;
    const auto& brokers = p.metadata.bootstrap;
    CHECK(!brokers.empty());
    // Deviation: Kafka takes the node with the fewest requests in flight.
    r.asked = brokers[static_cast<std::size_t>(r.next_broker)];
    r.next_broker = (r.next_broker + 1) % static_cast<std::int32_t>(brokers.size());
    r.in_flight = true;
    out.send(connection_to_asked(p), p.next_correlation++, InitProducerIdRequest{});
    out.arm(timer(TimerKind::request_timeout, connection_to_asked(p).packed()),
            p.config.request_timeout);
}

bool can_retry_unknown_producer(Producer& p, PartitionQueue& queue, const ProducerBatch& batch,
                                Offset log_start_offset) {
    // The broker did not know the log start either: ask again.
    if (log_start_offset == kNoOffset) return true;
    // The first in flight had the same answer and was dealt with.
    if (batch.renumbered) return true;
    if (p.config.rules.epoch_bump_recovers) {
        request_new_beginning(p, queue);
        return true;
    }
    if (queue.sequences.last_acked_offset < log_start_offset) {
        // Retention took what was acknowledged last, and the producer's state with it: no loss.
        request_new_beginning(p, queue);
        return true;
    }
    return false;
}

bool can_retry_out_of_order(Producer& p, PartitionQueue& queue, const ProducerBatch& batch) {
    const PartitionSequences& s = queue.sequences;
    // Not the next in line: one before it has failed and is on its way again.
    const bool is_next = s.is_next(batch.closed->base_sequence);
    if (!s.unresolved && (batch.renumbered || !is_next)) return true;
    if (!p.config.rules.epoch_bump_recovers) return false;
    const bool follows_unresolved = s.unresolved && *s.unresolved == batch.closed->base_sequence;
    if (!s.unresolved || follows_unresolved) request_new_beginning(p, queue);
    return true;
}

}  // namespace

bool may_send_first(const Producer& p, const PartitionQueue& queue) {
    if (!p.config.idempotence) return true;
    if (!p.identity.is_valid()) return false;
    const ProducerBatch& first = queue.waiting.front();
    const PartitionSequences& s = queue.sequences;
    if (!first.has_sequence()) {
        // A batch of the new epoch must not overtake those of the old one.
        if (!s.in_flight.empty() && s.identity != p.identity) return false;
        return !s.unresolved;
    }
    // A retry waits until it is the next in line: one request in flight until order is restored.
    return s.in_flight.empty() || s.in_flight.front().base_sequence == first.closed->base_sequence;
}

void number_batch(Producer& p, PartitionQueue& queue, ProducerBatch& batch) {
    if (!p.config.idempotence) return;
    RecordBatch& b = *batch.closed;
    if (batch.has_sequence()) {
        // The broker may have it under this number: it keeps it, unless it was numbered anew.
        if (!batch.renumbered) return;
        batch.renumbered = false;
    } else {
        PartitionSequences& s = queue.sequences;
        if (s.identity != p.identity && s.in_flight.empty()) s.start_at_beginning(p.identity);
        b.producer_id = p.identity.id;
        b.producer_epoch = p.identity.epoch;
        b.base_sequence = s.next_sequence;
        s.next_sequence = increment_sequence(s.next_sequence, b.record_count);
        s.track({batch.id, p.identity, b.base_sequence, b.record_count}, keeps_sorted(p));
    }
    b.crc = checksum(b);
}

void reenqueue_in_order(PartitionQueue& queue, ProducerBatch batch) {
    const auto place =
        std::find_if(queue.waiting.begin(), queue.waiting.end(), [&](const ProducerBatch& b) {
            return !b.has_sequence() || b.closed->base_sequence >= batch.closed->base_sequence;
        });
    queue.waiting.insert(place, std::move(batch));
}

bool can_retry(Producer& p, PartitionQueue& queue, const ProducerBatch& batch, ErrorCode error,
               Offset log_start_offset) {
    if (!p.config.rules.epoch_bump_recovers && identity_of(batch).id != p.identity.id) {
        return is_retriable(error);
    }
    if (error == ErrorCode::unknown_producer_id) {
        return can_retry_unknown_producer(p, queue, batch, log_start_offset);
    }
    if (error == ErrorCode::out_of_order_sequence_number) {
        return can_retry_out_of_order(p, queue, batch);
    }
    return is_retriable(error);
}

void on_batch_acked(Producer& p, PartitionQueue& queue, std::uint32_t batch,
                    std::int32_t last_sequence, Offset last_offset) {
    queue.sequences.on_acked(last_sequence, last_offset);
    queue.sequences.untrack(batch, keeps_sorted(p));
}

void on_batch_failed(Producer& p, PartitionQueue& queue, const ProducerBatch& batch,
                     ErrorCode error, bool is_settled) {
    if (!p.config.idempotence || !batch.has_sequence()) return;
    PartitionSequences& s = queue.sequences;
    const bool tracked = s.untrack(batch.id, keeps_sorted(p));
    if (p.config.rules.epoch_bump_recovers) {
        if (error == ErrorCode::unknown_producer_id) {
            s = {};
        } else if (is_settled || error == ErrorCode::out_of_order_sequence_number) {
            request_new_beginning(p, queue);
        }
        return;
    }
    if (error == ErrorCode::out_of_order_sequence_number &&
        identity_of(batch).id == p.identity.id) {
        // Data is lost and nothing can be promised of what comes next: begin as another producer.
        reset_producer_id(p);
    } else if (is_settled && tracked) {
        s.close_gap(batch.closed->base_sequence, batch.closed->record_count);
        write_numbers(queue);
    }
}

void on_batch_expired(Producer& p, PartitionQueue& queue, const ProducerBatch& batch) {
    if (!batch.has_sequence()) return;
    PartitionSequences& s = queue.sequences;
    s.untrack(batch.id, keeps_sorted(p));
    // As in Kafka, of a batch that was sent once only nobody asks what became of it: the broker
    // will refuse what follows, until that expires in its turn.
    if (!batch.is_retry()) return;
    const std::int32_t next = increment_sequence(batch.closed->last_sequence(), 1);
    s.unresolved = std::max(s.unresolved.value_or(0), next);
}

void settle_sequences(Producer& p, Outbox& out) {
    if (!p.config.idempotence) return;
    resolve_sequences(p);
    if (p.begins_again && p.identity.is_valid()) raise_epoch(p);
    if (!p.identity.is_valid()) request_producer_id(p, out);
}

void on_init_producer_id(Producer& p, const InitProducerIdResponse& response, Outbox& out) {
    if (!p.id_request.in_flight) return;
    if (response.error != ErrorCode::none) {
        on_init_producer_id_failed(p, out);
        return;
    }
    p.id_request.in_flight = false;
    out.disarm(timer(TimerKind::request_timeout, connection_to_asked(p).packed()));
    p.identity = {response.producer_id, response.producer_epoch};
    begin_again(p);
    drain(p, out);
}

void on_init_producer_id_failed(Producer& p, Outbox& out) {
    if (!p.id_request.in_flight) return;
    p.id_request.in_flight = false;
    p.id_request.backing_off = true;
    out.disarm(timer(TimerKind::request_timeout, connection_to_asked(p).packed()));
    out.arm(timer(TimerKind::init_producer_id), p.config.retry_backoff);
}

void on_init_producer_id_backoff(Producer& p, Outbox& out) {
    p.id_request.backing_off = false;
    settle_sequences(p, out);
}

}  // namespace tribunal
