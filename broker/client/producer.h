// The producer client: accumulator, partitioner and sender of Kafka's KafkaProducer, driven by a
// workload. Cases by topic: producer.cc (records in, batches), sender.cc (requests out, answers,
// retries, time-outs), splitting.cc (batches that are too large), idempotence.cc (producer id,
// sequence numbers).
#pragma once

#include <deque>
#include <optional>

#include "broker/base/shared.h"
#include "broker/client/cluster_metadata.h"
#include "broker/client/compression_ratio.h"
#include "broker/client/partitioner.h"
#include "broker/client/sequences.h"
#include "broker/client/serializer.h"

namespace tribunal {

// What the application gives its producer.
struct ProducerLoad {
    std::uint64_t records = 0;  // 0: until told to stop
    Duration interval = milliseconds(10);
    Duration start;
    std::int32_t value_size = 100;
    std::uint64_t keys = 0;
    std::optional<std::int32_t> partition;
    bool await = false;                 // one record at a time
    Shared<std::vector<Record>> lines;  // from a file, already serialized; empty: generated
    TRIBUNAL_FIELDS(ProducerLoad, records, interval, start, value_size, keys, partition, await,
                    lines)
};

struct ProducerBatch {
    std::uint32_t id = 0;
    BatchBuilder open;  // while records may be added
    std::optional<RecordBatch> closed;
    std::vector<RecordUid> uids;
    Moment created;
    std::int32_t attempts = 0;
    bool in_flight = false;
    bool backing_off = false;  // retry.backoff.ms runs
    bool due = false;          // linger.ms is over
    bool renumbered = false;   // since it was last sent
    // What it was opened with: how much smaller its records will get.
    std::int64_t estimated_ratio = kRatioOne;
    std::int64_t buffered = 0;  // its share of buffered_bytes
    TRIBUNAL_FIELDS(ProducerBatch, id, open, closed, uids, created, attempts, in_flight,
                    backing_off, due, renumbered, estimated_ratio, buffered)

    bool has_sequence() const { return closed && closed->base_sequence != kNoSequence; }
    // Came back once at least.
    bool is_retry() const { return attempts > (in_flight ? 1 : 0); }
};

// The accumulator of one partition. Retried batches go to the front, with idempotence in the order
// of their sequences; new records to the last.
struct PartitionQueue {
    std::vector<ProducerBatch> waiting;
    std::vector<ProducerBatch> sent;  // under way
    PartitionSequences sequences;     // with idempotence
    TRIBUNAL_FIELDS(PartitionQueue, waiting, sent, sequences)
};

struct SentBatch {
    std::int32_t partition = 0;
    std::uint32_t batch = 0;
    std::int32_t last_sequence = kNoSequence;  // as it was sent
    std::int32_t record_count = 0;
    TRIBUNAL_FIELDS(SentBatch, partition, batch, last_sequence, record_count)
};
struct InFlightProduce {
    std::int32_t correlation = 0;
    Moment sent;
    std::vector<SentBatch> batches;
    TRIBUNAL_FIELDS(InFlightProduce, correlation, sent, batches)
};
struct BrokerLink {
    std::vector<InFlightProduce> in_flight;  // oldest first
    bool backing_off = false;                // reconnect.backoff.ms runs
    TRIBUNAL_FIELDS(BrokerLink, in_flight, backing_off)
};

// InitProducerId: asked of any broker, one after another (KIP-98).
struct ProducerIdRequest {
    bool in_flight = false;
    bool backing_off = false;  // retry.backoff.ms runs
    NodeId asked = kNoNode;
    std::int32_t next_broker = 0;
    TRIBUNAL_FIELDS(ProducerIdRequest, in_flight, backing_off, asked, next_broker)
};

struct Producer {
    NodeId id;
    std::uint32_t client = 0;  // index in the history
    std::string topic;
    ProducerConfig config;
    ProducerLoad load;
    Serde key_serializer = Serde::string;
    Serde value_serializer = Serde::string;
    bool stopped = false;  // the workload is over
    std::uint64_t next_record = 0;
    std::uint64_t unfinished = 0;  // records given and not completed
    std::int64_t buffered_bytes = 0;
    std::vector<Record> blocked;  // send() waits for metadata or memory (max.block.ms)
    ClusterMetadata metadata;
    TopicPartitioner partitioner;
    std::vector<PartitionQueue> queues;  // by partition
    FlatMap<NodeId, BrokerLink> links;
    std::uint32_t next_batch = 1;
    std::int32_t next_correlation = 1;
    ProducerIdentity identity;  // with idempotence
    bool begins_again = false;  // some partition wants to number its batches from 0
    ProducerIdRequest id_request;
    std::int64_t compression_ratio = kRatioOne;  // of the batches so far
    TRIBUNAL_FIELDS(Producer, id, client, topic, config, load, key_serializer, value_serializer,
                    stopped, next_record, unfinished, buffered_bytes, blocked, metadata,
                    partitioner, queues, links, next_batch, next_correlation, identity,
                    begins_again, id_request, compression_ratio)
};

void step(Producer& p, const Input& input, Outbox& out);

// The workload ends: what was given is still delivered.
void stop(Producer& p, Outbox& out);

// --- between producer.cc and sender.cc -----------------------------------------------------------

TopicPartition partition_of(const Producer& p, std::int32_t partition);
// Size of a batch that is still open, on the wire and as far as one can tell.
std::int64_t estimated_size(const Producer& p, const ProducerBatch& batch);
// Compresses an open batch, which takes no more records then.
void close_batch(Producer& p, ProducerBatch& batch);
void drain(Producer& p, Outbox& out);
void complete_batch(Producer& p, ProducerBatch& batch, ErrorCode error, Offset base_offset,
                    bool unknown, Outbox& out);
void on_produce_response(Producer& p, NodeId broker, std::int32_t correlation,
                         const ProduceResponse& response, Outbox& out);
void on_link_broken(Producer& p, NodeId broker, Outbox& out);
void on_delivery_timeout(Producer& p, std::int32_t partition, Outbox& out);
void arm_delivery(Producer& p, std::int32_t partition, Outbox& out);
void next_record_when_awaiting(Producer& p, Outbox& out);

// --- splitting.cc --------------------------------------------------------------------------------

// Puts what was in a batch that the broker found too large back into the queue, in smaller batches.
// False when it has one record only: then that is too large for good.
bool split_batch(Producer& p, PartitionQueue& queue, const ProducerBatch& big);

// --- idempotence.cc ------------------------------------------------------------------------------

// Whether the first waiting batch may be sent now, as far as sequence numbers go.
bool may_send_first(const Producer& p, const PartitionQueue& queue);
// Gives a batch that leaves for the first time its identity and number, and writes what changed of
// them since into the header of one that leaves again.
void number_batch(Producer& p, PartitionQueue& queue, ProducerBatch& batch);
// Puts a batch back among those that wait, by its sequence.
void reenqueue_in_order(PartitionQueue& queue, ProducerBatch batch);
// Whether an error of a numbered batch may pass, once the retries allow it. May ask for a new
// epoch.
bool can_retry(Producer& p, PartitionQueue& queue, const ProducerBatch& batch, ErrorCode error,
               Offset log_start_offset);
void on_batch_acked(Producer& p, PartitionQueue& queue, std::uint32_t batch,
                    std::int32_t last_sequence, Offset last_offset);
// A batch failed. `is_settled`: the broker has refused it for good, so its numbers are free.
void on_batch_failed(Producer& p, PartitionQueue& queue, const ProducerBatch& batch,
                     ErrorCode error, bool is_settled);
// delivery.timeout.ms is over.
void on_batch_expired(Producer& p, PartitionQueue& queue, const ProducerBatch& batch);
// What Kafka's sender does before it looks for something to send: resolves sequences, raises the
// epoch, asks for a producer id.
void settle_sequences(Producer& p, Outbox& out);
void on_init_producer_id(Producer& p, const InitProducerIdResponse& response, Outbox& out);
void on_init_producer_id_failed(Producer& p, Outbox& out);
void on_init_producer_id_backoff(Producer& p, Outbox& out);

}  // namespace tribunal
