// The producer client: accumulator, partitioner and sender of Kafka's KafkaProducer, driven by a
// workload. Cases by topic: producer.cc (records in, batches), sender.cc (requests out, answers,
// retries, time-outs).
#pragma once

#include <deque>
#include <optional>

#include "broker/base/shared.h"
#include "broker/client/cluster_metadata.h"
#include "broker/client/partitioner.h"
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
    TRIBUNAL_FIELDS(ProducerBatch, id, open, closed, uids, created, attempts, in_flight,
                    backing_off, due)
};

// The accumulator of one partition. Retried batches go to the front, new records to the last.
struct PartitionQueue {
    std::vector<ProducerBatch> waiting;
    std::vector<ProducerBatch> sent;  // under way
    TRIBUNAL_FIELDS(PartitionQueue, waiting, sent)
};

struct SentBatch {
    std::int32_t partition = 0;
    std::uint32_t batch = 0;
    TRIBUNAL_FIELDS(SentBatch, partition, batch)
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
    TRIBUNAL_FIELDS(Producer, id, client, topic, config, load, key_serializer, value_serializer,
                    stopped, next_record, unfinished, buffered_bytes, blocked, metadata,
                    partitioner, queues, links, next_batch, next_correlation)
};

void step(Producer& p, const Input& input, Outbox& out);

// The workload ends: what was given is still delivered.
void stop(Producer& p, Outbox& out);

// --- between producer.cc and sender.cc -----------------------------------------------------------

TopicPartition partition_of(const Producer& p, std::int32_t partition);
void drain(Producer& p, Outbox& out);
void complete_batch(Producer& p, ProducerBatch& batch, ErrorCode error, Offset base_offset,
                    bool unknown, Outbox& out);
void on_produce_response(Producer& p, NodeId broker, std::int32_t correlation,
                         const ProduceResponse& response, Outbox& out);
void on_link_broken(Producer& p, NodeId broker, Outbox& out);
void on_delivery_timeout(Producer& p, std::int32_t partition, Outbox& out);
void arm_delivery(Producer& p, std::int32_t partition, Outbox& out);
void next_record_when_awaiting(Producer& p, Outbox& out);

}  // namespace tribunal
