// Records in: the workload's next record, its partition, and the batch that it joins.
#include "broker/client/producer.h"

#include <algorithm>

#include "broker/base/check.h"
#include "broker/base/prng.h"

namespace tribunal {
namespace {

constexpr int kUidShift = 40;  // as in History::uid_of

std::int32_t draw31(std::uint32_t random, std::uint64_t salt) {
    return static_cast<std::int32_t>(mix64(random + (salt << 32)) & 0x7fffffff);
}

// The text of a generated value: who and which, padded to the wanted size.
std::string generated_text(const Producer& p, std::uint64_t n) {
    std::string text = "c" + std::to_string(p.client) + "-" + std::to_string(n);
    const auto size = static_cast<std::size_t>(p.load.value_size);
    if (text.size() < size) text.append(size - text.size(), '.');
    return text;
}

std::string generated_value(const Producer& p, std::uint64_t n) {
    switch (p.value_serializer) {
        case Serde::integer:
        case Serde::long_integer:
            return *serialize(p.value_serializer, std::to_string(n)).value;
        case Serde::json:
            return "{\"n\":" + std::to_string(n) + ",\"pad\":\"" + generated_text(p, n) + "\"}";
        case Serde::string:
        case Serde::bytes:
            return generated_text(p, n);
    }
    CHECK(!"unknown serializer");
    return {};
}

std::string generated_key(const Producer& p, std::uint64_t key) {
    switch (p.key_serializer) {
        case Serde::integer:
        case Serde::long_integer:
            return *serialize(p.key_serializer, std::to_string(key)).value;
        case Serde::json:
            return std::to_string(key);
        case Serde::string:
        case Serde::bytes:
            return "k" + std::to_string(key);
    }
    CHECK(!"unknown serializer");
    return {};
}

Record make_record(Producer& p, std::uint64_t n, std::uint32_t random, Outbox& out) {
    Record record;
    if (!p.load.lines->empty()) {
        record = (*p.load.lines)[static_cast<std::size_t>(n)];
    } else {
        if (p.load.keys > 0) record.key = generated_key(p, mix64(random) % p.load.keys);
        record.value = generated_value(p, n);
    }
    record.timestamp = out.timestamp;
    record.uid = RecordUid{(static_cast<std::int64_t>(p.client) << kUidShift) |
                           static_cast<std::int64_t>(n)};
    return record;
}

PartitionerRule rule_of(PartitionerKind kind) {
    switch (kind) {
        case PartitionerKind::builtin:
            return PartitionerRule::built_in;
        case PartitionerKind::round_robin:
            return PartitionerRule::round_robin;
        case PartitionerKind::default_round_robin:
            return PartitionerRule::default_round_robin;
        case PartitionerKind::default_sticky:
        case PartitionerKind::uniform_sticky:
            return PartitionerRule::uniform_sticky;
    }
    CHECK(!"unknown partitioner");
    return PartitionerRule::built_in;
}

PartitionerConfig partitioner_config(const Producer& p) {
    PartitionerConfig config;
    config.rule = rule_of(p.config.partitioner);
    config.ignores_keys = p.config.partitioner == PartitionerKind::builtin
                              ? p.config.partitioner_ignore_keys
                              : p.config.partitioner == PartitionerKind::uniform_sticky;
    config.is_adaptive = p.config.adaptive_partitioning;
    config.batch_size = std::max(p.config.batch_size, 1);
    return config;
}

// Whether a record of this size has no open batch of the partition to join. One that it does not
// fit into takes no more records.
bool begins_batch(Producer& p, std::int32_t partition, std::int64_t size) {
    auto& waiting = p.queues[static_cast<std::size_t>(partition)].waiting;
    if (waiting.empty() || waiting.back().closed) return true;
    ProducerBatch& last = waiting.back();
    // Kafka is careful and takes the new record for one that does not get smaller.
    if (estimated_size(p, last) + size <= p.config.batch_size) return false;
    close_batch(p, last);
    last.due = true;
    return true;
}

// Puts a record into the last open batch of its partition, or opens one.
void append(Producer& p, std::int32_t partition, const Record& record, Outbox& out) {
    auto& waiting = p.queues[static_cast<std::size_t>(partition)].waiting;
    const std::int64_t size = BatchBuilder::size_of(record);
    if (begins_batch(p, partition, size)) {
        ProducerBatch& fresh = waiting.emplace_back();
        fresh.id = p.next_batch++;
        fresh.created = out.moment;
        fresh.due = p.config.linger <= Duration{0};
        fresh.estimated_ratio = p.compression_ratio;
        if (!fresh.due) {
            out.arm(timer(TimerKind::linger, static_cast<std::uint64_t>(partition)),
                    p.config.linger);
        }
        arm_delivery(p, partition, out);
    }
    ProducerBatch& batch = waiting.back();
    batch.open.append(record);
    batch.uids.push_back(record.uid);
    if (estimated_size(p, batch) >= p.config.batch_size) batch.due = true;
    batch.buffered += size;
    p.buffered_bytes += size;
}

// Chooses the partition and appends. False: the metadata or the memory for it is missing.
bool place(Producer& p, const Record& record, std::uint32_t random, Outbox& out) {
    const KnownTopic* topic = p.metadata.topic(p.topic);
    if (topic == nullptr || topic->partitions.empty()) return false;
    if (p.buffered_bytes + BatchBuilder::size_of(record) > p.config.buffer_memory) return false;
    // Never fewer: a broker that is behind tells of a topic as it was before it grew, and what
    // waits for the new partitions, and the sequence numbers there, are not forgotten for that.
    p.queues.resize(std::max(p.queues.size(), topic->partitions.size()));
    const PartitionerConfig config = partitioner_config(p);
    const PartitionTable table{*topic};
    RecordTarget target;
    target.partition = p.load.partition;
    if (record.key) target.key = *record.key;
    PartitionChoice choice =
        choose_partition(config, p.partitioner, table, target, draw31(random, 1));
    if (!choice.partition || *choice.partition >= table.count) return false;
    // KIP-480: who would begin a batch is asked again where to (Partitioner.onNewBatch).
    if (begins_batch(p, *choice.partition, BatchBuilder::size_of(record)) &&
        on_new_batch(config, p.partitioner, table, *choice.partition, draw31(random, 3))) {
        choice = choose_partition(config, p.partitioner, table, target, draw31(random, 1));
    }
    const std::int32_t partition = *choice.partition;
    out.notes.emplace_back(SendPartitioned{record.uid, partition_of(p, partition)});
    append(p, partition, record, out);
    if (choice.is_sticky) {
        // KIP-794 switches after batch.size bytes, at the end of a batch.
        const auto& waiting = p.queues[static_cast<std::size_t>(partition)].waiting;
        const bool enable_switch = waiting.back().closed.has_value() ||
                                   estimated_size(p, waiting.back()) >= p.config.batch_size;
        on_appended(config, p.partitioner, table, BatchBuilder::size_of(record), enable_switch,
                    draw31(random, 2));
    }
    return true;
}

void give_record(Producer& p, std::uint32_t random, Outbox& out) {
    Record record = make_record(p, p.next_record++, random, out);
    ++p.unfinished;
    out.notes.emplace_back(SendInvoked{record.uid, content_digest(record), p.config.acks});
    if (BatchBuilder::size_alone(record) > p.config.max_request_size) {
        --p.unfinished;
        out.notes.emplace_back(
            SendCompleted{record.uid, ErrorCode::message_too_large, kNoOffset, false});
        return;
    }
    if (!p.blocked.empty() || !place(p, record, random, out)) {
        if (p.blocked.empty()) out.arm(timer(TimerKind::block), p.config.max_block);
        p.blocked.push_back(std::move(record));
        request_metadata(p.metadata, p.id, p.next_correlation, p.config.request_timeout, out);
    }
}

bool has_more(const Producer& p) {
    if (p.stopped) return false;
    if (!p.load.lines->empty() && p.next_record >= p.load.lines->size()) return false;
    return p.load.records == 0 || p.next_record < p.load.records;
}

void on_load(Producer& p, std::uint32_t random, Outbox& out) {
    if (!has_more(p)) return;
    give_record(p, random, out);
    if (has_more(p) && !p.load.await) out.arm(timer(TimerKind::load), p.load.interval);
    drain(p, out);
}

// Metadata or memory came: blocked sends go on, in order.
void unblock(Producer& p, Outbox& out) {
    if (p.blocked.empty()) return;
    std::size_t placed = 0;
    while (placed < p.blocked.size() &&
           place(p, p.blocked[placed],
                 static_cast<std::uint32_t>(
                     mix64(static_cast<std::uint64_t>(p.blocked[placed].uid.value))),
                 out)) {
        ++placed;
    }
    p.blocked.erase(p.blocked.begin(), p.blocked.begin() + static_cast<std::ptrdiff_t>(placed));
    if (p.blocked.empty()) out.disarm(timer(TimerKind::block));
}

// max.block.ms: send() throws, the records were never given to anybody.
void on_blocked_too_long(Producer& p, Outbox& out) {
    for (const Record& record : p.blocked) {
        --p.unfinished;
        out.notes.emplace_back(
            SendCompleted{record.uid, ErrorCode::request_timed_out, kNoOffset, false});
    }
    p.blocked.clear();
    next_record_when_awaiting(p, out);
}

void on_linger(Producer& p, std::int32_t partition, Outbox& out) {
    auto& waiting = p.queues[static_cast<std::size_t>(partition)].waiting;
    for (ProducerBatch& batch : waiting) batch.due = true;
    drain(p, out);
}

void on_timer(Producer& p, const TimerFired& fired, Outbox& out) {
    const auto partition = static_cast<std::int32_t>(key_of(fired.timer));
    switch (kind_of(fired.timer)) {
        case TimerKind::load:
            on_load(p, fired.random, out);
            return;
        case TimerKind::linger:
            on_linger(p, partition, out);
            return;
        case TimerKind::block:
            on_blocked_too_long(p, out);
            return;
        case TimerKind::delivery:
            on_delivery_timeout(p, partition, out);
            return;
        case TimerKind::retry:
            for (ProducerBatch& b : p.queues[static_cast<std::size_t>(partition)].waiting) {
                b.backing_off = false;
            }
            drain(p, out);
            return;
        case TimerKind::reconnect:
            p.links[NodeId{partition}].backing_off = false;
            drain(p, out);
            return;
        case TimerKind::init_producer_id:
            on_init_producer_id_backoff(p, out);
            return;
        case TimerKind::metadata_retry:
        case TimerKind::metadata_age:
            request_metadata(p.metadata, p.id, p.next_correlation, p.config.request_timeout, out);
            return;
        case TimerKind::request_timeout: {
            const auto lane = static_cast<Lane>(key_of(fired.timer) & 0xff);
            const NodeId server{static_cast<std::int32_t>((key_of(fired.timer) >> 8) & 0xffffff)};
            out.effects.emplace_back(Close{{p.id, server, lane}});
            if (lane == Lane::metadata) {
                on_metadata_failed(p.metadata, p.id, p.config.retry_backoff, out);
            } else if (lane == Lane::producer_id) {
                on_init_producer_id_failed(p, out);
            } else {
                on_link_broken(p, server, out);
            }
            return;
        }
        default:
            CHECK(!"a timer that a producer never arms");
    }
}

}  // namespace

TopicPartition partition_of(const Producer& p, std::int32_t partition) {
    const KnownTopic* topic = p.metadata.topic(p.topic);
    return {topic == nullptr ? TopicId{-1} : topic->id, partition};
}

std::int64_t estimated_size(const Producer& p, const ProducerBatch& batch) {
    const std::int64_t uncompressed = batch.open.size_in_bytes();
    if (p.config.compression == CompressionType::none) return uncompressed;
    const std::int64_t header = uncompressed - static_cast<std::int64_t>(batch.open.bytes.size());
    return header + estimated_bytes(uncompressed - header, batch.estimated_ratio);
}

void close_batch(Producer& p, ProducerBatch& batch) {
    const auto uncompressed = static_cast<std::int64_t>(batch.open.bytes.size());
    batch.closed = batch.open.close(kNoProducerId, -1, kNoSequence, p.config.compression);
    if (p.config.compression == CompressionType::none) return;
    // Deviation: Kafka learns from a batch when it is sent; one that is full it compresses now too.
    p.compression_ratio = updated_ratio(
        p.compression_ratio,
        observed_ratio(static_cast<std::int64_t>(batch.closed->records.size()), uncompressed));
}

void next_record_when_awaiting(Producer& p, Outbox& out) {
    if (p.load.await && p.unfinished == 0 && has_more(p)) {
        out.arm(timer(TimerKind::load), p.load.interval);
    }
}

void stop(Producer& p, Outbox& out) {
    p.stopped = true;
    out.disarm(timer(TimerKind::load));
}

void step(Producer& p, const Input& input, Outbox& out) {
    std::visit(Overloaded{
                   [&](const Start&) {
                       request_metadata(p.metadata, p.id, p.next_correlation,
                                        p.config.request_timeout, out);
                       out.arm(timer(TimerKind::load), p.load.start);
                       out.arm(timer(TimerKind::metadata_age), p.config.metadata_max_age);
                       settle_sequences(p, out);
                   },
                   [&](const Deliver& d) {
                       if (const auto* m = d.message.get_if<ProduceResponse>()) {
                           on_produce_response(p, d.connection.server, d.correlation, *m, out);
                       } else if (const auto* metadata = d.message.get_if<MetadataResponse>()) {
                           on_metadata_response(p.metadata, p.id, *metadata, out);
                           const KnownTopic* topic = p.metadata.topic(p.topic);
                           if (topic == nullptr) {
                               want_metadata(p.metadata, p.config.retry_backoff, out);
                           } else {
                               // A partition without a leader: keep asking while records wait for
                               // it.
                               for (std::size_t i = 0; i < topic->partitions.size(); ++i) {
                                   const bool needed =
                                       i < p.queues.size() && !p.queues[i].waiting.empty();
                                   if (needed && topic->partitions[i].leader == kNoNode) {
                                       want_metadata(p.metadata, p.config.retry_backoff, out);
                                   }
                               }
                           }
                           out.arm(timer(TimerKind::metadata_age), p.config.metadata_max_age);
                           unblock(p, out);
                           drain(p, out);
                       } else if (const auto* init = d.message.get_if<InitProducerIdResponse>()) {
                           on_init_producer_id(p, *init, out);
                       } else {
                           CHECK(!"a message that a producer never gets");
                       }
                       if (p.buffered_bytes < p.config.buffer_memory) unblock(p, out);
                   },
                   [&](const ConnectionClosed& c) {
                       if (c.connection.lane == Lane::metadata) {
                           on_metadata_failed(p.metadata, p.id, p.config.retry_backoff, out);
                       } else if (c.connection.lane == Lane::producer_id) {
                           on_init_producer_id_failed(p, out);
                       } else {
                           on_link_broken(p, c.connection.server, out);
                       }
                   },
                   [&](const TimerFired& t) { on_timer(p, t, out); },
                   [&](const WriteDone&) { CHECK(!"a producer has no disk"); },
                   [&](const Stop&) { out.effects.emplace_back(Halt{"stopped"}); },
               },
               input);
}

}  // namespace tribunal
