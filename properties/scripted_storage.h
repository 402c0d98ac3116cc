// For tests of the storage monitor: one partition of two replicas as values, with the broker's own
// log, cleaner and retention at hand, and with hands to do what none of them would.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "broker/log/cleaner.h"
#include "broker/log/recovery.h"
#include "broker/log/retained_batch.h"
#include "broker/log/retention.h"
#include "properties/storage_monitor.h"

namespace tribunal {

// A key and a value; no value: a tombstone.
struct ScriptedRecord {
    std::optional<std::string> key = std::nullopt;
    std::optional<std::string> value = "v";
};
struct ScriptedBatch {
    ProducerId producer = kNoProducerId;
    std::int32_t sequence = -1;
    bool transactional = false;
    std::int64_t age_ms = 0;
};

struct ScriptedStorage {
    static constexpr TopicPartition kPartition{TopicId{0}, 0};

    struct Node {
        bool running = true;
        bool is_leader = false;
        LeaderEpoch epoch{-1};
        Offset high_watermark{0};
        Offset checkpointed_high_watermark{0};
        LogCheckpoints checkpoints;
        ReplicaLog log;
        std::int64_t clock_ms = 0;  // how far its wall clock is ahead
    };

    std::vector<Node> nodes = std::vector<Node>(2);
    NodeId leader = kNoNode;
    LeaderEpoch epoch{0};
    FlatSet<NodeId> isr{NodeId{0}, NodeId{1}};
    TopicConfig topic;
    BrokerConfig broker;
    Instant now{0};
    std::int64_t next_uid = 0;
    StorageMonitor monitor;
    History history;
    RunFacts facts;
    // Of a twin that is to be told the same.
    std::function<void(Instant, const PartitionView&)> also_observe;
    std::function<void(NodeId, StorageLoss)> also_crash;

    ScriptedStorage() {
        monitor.on_created(kPartition, "t-0");
        facts.partitions.emplace_back().partition = kPartition;
        history.clients.emplace_back().name = "c";
        history.processes.push_back({});
    }

    // --- looking ------------------------------------------------------------------------------

    Timestamp wall_clock(int node) const {
        return Timestamp{1'000'000 + now.value / 1'000'000 + nodes[node].clock_ms};
    }
    PartitionView view() const {
        PartitionView v;
        v.partition = kPartition;
        v.leader = leader;
        v.leader_epoch = epoch;
        v.isr = &isr;
        for (int i = 0; i < static_cast<int>(nodes.size()); ++i) {
            const Node& n = nodes[i];
            ReplicaView r;
            r.node = NodeId{i};
            r.running = n.running;
            r.is_leader = n.is_leader;
            r.leader_epoch = n.epoch;
            r.high_watermark = n.high_watermark;
            r.log = &n.log;
            r.checkpointed_high_watermark = n.checkpointed_high_watermark;
            r.checkpointed_recovery_point = n.checkpoints.recovery_point;
            r.checkpointed_log_start = n.checkpoints.log_start_offset;
            r.cleaner_checkpoint = n.checkpoints.cleaner;
            r.wall_clock = wall_clock(i);
            r.config = &topic;
            r.broker_config = &broker;
            v.replicas.push_back(r);
        }
        return v;
    }
    void observe() {
        monitor.observe(now, view());
        if (also_observe) also_observe(now, view());
    }
    void wait(Duration d) { now = now + d; }

    // --- what brokers do ----------------------------------------------------------------------

    RecordBatch batch_of(int node, const std::vector<ScriptedRecord>& entries,
                         const ScriptedBatch& shape = {}) {
        BatchBuilder builder;
        for (const ScriptedRecord& entry : entries) {
            Record record;
            record.key = entry.key;
            record.value = entry.value;
            record.timestamp = Timestamp{wall_clock(node).value - shape.age_ms};
            record.uid = RecordUid{next_uid++};
            builder.append(record);
        }
        RecordBatch batch =
            builder.close(shape.producer, shape.producer == kNoProducerId ? -1 : 0, shape.sequence);
        if (shape.transactional) {
            batch.attributes |= attribute::kTransactional;
            batch.crc = checksum(batch);
        }
        batch.base_offset = nodes[node].log.log_end_offset;
        batch.leader_epoch = epoch;
        return batch;
    }
    void append(int node, const std::vector<ScriptedRecord>& entries,
                const ScriptedBatch& shape = {}) {
        nodes[node].log.append(batch_of(node, entries, shape), topic);
    }
    void append_marker(int node, ProducerId producer, bool commits) {
        RecordBatch batch = marker_batch(producer, 0, {commits, 0}, wall_clock(node));
        ReplicaLog& log = nodes[node].log;
        batch.base_offset = log.log_end_offset;
        batch.leader_epoch = epoch;
        if (!commits) {
            const ProducerEntry& entry = *log.producers.producer(producer);
            log.segments.back().edit().transaction_index.append(
                {producer, entry.txn_first_offset, batch.base_offset, batch.next_offset()});
        }
        log.append(std::move(batch), topic);
    }
    void elect(int node) {
        for (Node& n : nodes) n.is_leader = false;
        leader = NodeId{node};
        epoch = LeaderEpoch{epoch.value + 1};
        nodes[node].is_leader = true;
        nodes[node].epoch = epoch;
        nodes[node].log.assign_epoch(epoch, nodes[node].log.log_end_offset);
    }
    // The follower takes what it has not; then all of it is committed.
    void commit() {
        for (Node& n : nodes) {
            const ReplicaLog& from = nodes[leader.value].log;
            std::vector<RecordBatch> batches;
            from.read(n.log.log_end_offset, from.log_end_offset, INT64_MAX, batches);
            for (RecordBatch& batch : batches) {
                if (batch.base_offset >= n.log.log_end_offset) n.log.append(batch, topic);
            }
            n.high_watermark = n.log.log_end_offset;
            n.log.producers.on_high_watermark(n.high_watermark);
        }
        observe();
    }
    void roll(int node) { nodes[node].log.roll(nodes[node].log.log_end_offset); }
    void roll() {
        for (int i = 0; i < static_cast<int>(nodes.size()); ++i) roll(i);
        observe();
    }
    CleanerContext cleaner_context(int node, PlantedBug bug) const {
        const Node& n = nodes[node];
        return {.topic = topic,
                .rules = broker.rules,
                .checkpoint = n.checkpoints.cleaner == kNoOffset
                                  ? std::nullopt
                                  : std::optional{n.checkpoints.cleaner},
                .high_watermark = n.high_watermark,
                .now = wall_clock(node),
                .planted_bug = bug};
    }
    // Cleans whatever is dirty, if anything is, worth it or not.
    void clean(int node, PlantedBug bug = PlantedBug::none) {
        Node& n = nodes[node];
        const CleanerContext context = cleaner_context(node, bug);
        const CleanableOffsets offsets = cleanable_offsets(n.log, context);
        const LogToClean what = log_to_clean(n.log, offsets, context);
        if (what.cleanable_bytes == 0) return observe();
        Cleaning cleaning = tribunal::clean(n.log, what, context);
        n.checkpoints.cleaner = cleaning.end_offset;
        replace(n.log, std::move(cleaning));
        observe();
    }
    void look_for_old_segments(int node) {
        Node& n = nodes[node];
        n.log.delete_segments(deletable_segments(n.log, topic, n.high_watermark, wall_clock(node)));
        observe();
    }
    void truncate(int node, std::int64_t offset) {
        Node& n = nodes[node];
        n.log.truncate_to(Offset{offset});
        n.high_watermark = std::min(n.high_watermark, n.log.log_end_offset);
        n.checkpoints.recovery_point = n.log.recovery_point;
        n.checkpoints.cleaner = std::min(n.checkpoints.cleaner, n.log.active_segment().base_offset);
    }
    // The process ends; `on_disk` does to the log what the machine did to the files.
    void crash(int node, StorageLoss loss = StorageLoss::none,
               const std::function<void(ReplicaLog&)>& on_disk = {}, bool recovers = true) {
        Node& n = nodes[node];
        n.running = n.is_leader = false;
        if (loss == StorageLoss::wipe) n.log = {}, n.checkpoints = {};
        if (on_disk) on_disk(n.log);
        load_log(n.log, n.checkpoints, !recovers || loss == StorageLoss::flushed, topic);
        n.high_watermark = std::max(n.log.log_start_offset,
                                    std::min(n.checkpointed_high_watermark, n.log.log_end_offset));
        monitor.on_crash(NodeId{node}, loss);
        if (also_crash) also_crash(NodeId{node}, loss);
        observe();
    }
    void start(int node) {
        nodes[node].running = true;
        observe();
    }

    // --- what no broker would do --------------------------------------------------------------

    // Writes a closed segment anew with what `change` makes of its batches, as a cleaning would,
    // which moves its checkpoint.
    void rewrite(int node, std::size_t segment,
                 const std::function<void(std::vector<RecordBatch>&)>& change) {
        Node& n = nodes[node];
        std::vector<RecordBatch> batches;
        for (const RecordBatch& batch : n.log.segments[segment]->batches) batches.push_back(batch);
        change(batches);
        std::vector<Segment> fresh{segment_at(n.log.segments[segment]->base_offset)};
        for (RecordBatch& batch : batches) fresh[0].append(std::move(batch), topic);
        fresh[0].close();
        n.log.replace_segments(segment, 1, std::move(fresh));
        const Offset end = n.log.active_segment().base_offset;
        n.checkpoints.cleaner = n.checkpoints.cleaner == end ? end + -1 : end;
        observe();
    }

    // --- what consumers saw -------------------------------------------------------------------

    void poll(std::int64_t position, const std::vector<std::int64_t>& offsets) {
        PollOp op;
        op.invoked = op.completed = now;
        op.partition = kPartition;
        op.position = Offset{position};
        op.first_record = history.reads.size();
        op.base_offset = offsets.empty() ? kNoOffset : Offset{offsets.front()};
        for (const std::int64_t offset : offsets) {
            history.reads.push_back({static_cast<std::uint32_t>(offset - offsets.front())});
            ++op.records;
        }
        history.polls.push_back(op);
    }
    void operation(ClientOpKind kind, std::int64_t offset) {
        ClientOp op;
        op.kind = kind;
        op.partition = kPartition;
        op.offset = Offset{offset};
        op.invoked = op.completed = now;
        history.operations.push_back(op);
    }

    // --- verdicts -----------------------------------------------------------------------------

    // "S1" for a failure, "S1?" for an allowed finding.
    std::set<std::string> findings() const {
        std::set<std::string> out;
        for (const Check& check : monitor.finish(history, facts)) {
            if (check.found > check.found_allowed) out.insert(check.id);
            if (check.found_allowed > 0) out.insert(check.id + "?");
        }
        return out;
    }
    Check check(const std::string& id) const {
        for (Check& c : monitor.finish(history, facts)) {
            if (c.id == id) return std::move(c);
        }
        return {};
    }
};

// Node 0 leads.
struct LedStorage : ScriptedStorage {
    LedStorage() {
        elect(0);
        observe();
    }
    // One record without a key a batch.
    void write(int batches) {
        for (int i = 0; i < batches; ++i) append(0, {{}}), commit();
    }
};

// A compacted topic whose first segment has a=1, b=1, a=2 and a tombstone of c: offsets 0 to 3.
struct CompactedStorage : LedStorage {
    CompactedStorage() {
        topic.cleanup_compact = true;
        topic.cleanup_delete = false;
        topic.delete_retention = seconds(10);
    }
    void write_keys() {
        append(0, {{"a", "1"}, {"b", "1"}}), commit();
        append(0, {{"a", "2"}, {"c", std::nullopt}}), commit();
        roll();
        append(0, {{"d", "1"}}), commit();
    }
};

}  // namespace tribunal
