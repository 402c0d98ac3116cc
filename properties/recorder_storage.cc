// What the recorder tells the storage monitor besides the partitions' state: which writes were
// flushed, and what brokers answered.
#include <algorithm>

#include "properties/recorder.h"

namespace tribunal {

void Recorder::before_storage(const World& world, const Host& host, const Input& input,
                              const Outbox& out) {
    if (const auto* done = std::get_if<WriteDone>(&input)) {
        storage_.on_flushed(id_of(host.node), done->token);
        return;
    }
    // A consumer that was told that its position is outside of the log.
    const auto* answer = std::get_if<Deliver>(&input);
    if (answer == nullptr || !answer->is_response) return;
    for (const Note& note : out.notes) {
        const auto* reset = std::get_if<ClientOperation>(&note);
        if (reset == nullptr || reset->kind != ClientOpKind::reset || reset->completed ||
            reset->error != ErrorCode::offset_out_of_range) {
            continue;
        }
        const auto bounds = told_bounds_.find({answer->connection.packed(), reset->partition});
        if (bounds == told_bounds_.end()) continue;
        StorageMonitor::OutOfRange told;
        told.at = world.now();
        told.partition = reset->partition;
        told.position = reset->offset;
        told.log_start_offset = bounds->second.first;
        told.log_end_offset = bounds->second.second;
        const auto client = client_by_host_[world.index_of(id_of(host.node))];
        told.process = process_[static_cast<std::size_t>(client)];
        storage_.on_out_of_range(told);
    }
}

// A sync takes to the platter what was written before it, itself included: up to where the next
// append of the same step begins, or to the log end.
void Recorder::follow_flushes(const Broker& broker, const Outbox& out) {
    struct Sync {
        TopicPartition partition;
        std::uint64_t token = 0;
        Offset end = kNoOffset;
    };
    std::vector<Sync> syncs;
    for (const Effect& effect : out.effects) {
        const auto* write = std::get_if<Write>(&effect);
        if (write == nullptr) continue;
        const auto* append = std::get_if<AppendWrite>(&write->op);
        const auto* flush = std::get_if<FlushWrite>(&write->op);
        if (append != nullptr) {
            for (Sync& sync : syncs) {
                if (sync.partition == append->partition && sync.end == kNoOffset)
                    sync.end = append->log_end_before;
            }
        }
        if (!write->sync || (append == nullptr && flush == nullptr)) continue;
        syncs.push_back({append != nullptr ? append->partition : flush->partition, write->token});
    }
    for (const Sync& sync : syncs) {
        const Partition* p = find_partition(broker, sync.partition);
        if (p == nullptr) continue;
        storage_.on_flush(broker.id, sync.partition, sync.token,
                          sync.end == kNoOffset ? p->log.log_end_offset : sync.end);
    }
}

void Recorder::follow_answer(const World& world, const Broker& broker, const Send& answer) {
    if (const auto* fetched = answer.message.get_if<FetchResponse>()) {
        for (const FetchPartitionResponse& r : fetched->partitions) {
            if (r.error == ErrorCode::offset_out_of_range) {
                const Partition* p = find_partition(broker, r.partition);
                if (p == nullptr) continue;
                told_bounds_[{answer.connection.packed(), r.partition}] = {p->log.log_start_offset,
                                                                           p->log.log_end_offset};
            } else if (!r.batches.empty()) {
                storage_.on_served(world.now(), broker.id, r.partition,
                                   r.batches.front().last_offset(), r.log_start_offset);
            }
        }
    } else if (const auto* produced = answer.message.get_if<ProduceResponse>()) {
        for (const ProducePartitionResponse& r : produced->partitions) {
            if (r.error != ErrorCode::none || r.base_offset < Offset{0}) continue;
            const Partition* p = find_partition(broker, r.partition);
            if (p == nullptr || p->config.flush_messages != 1) continue;
            // One that was deposed while it flushed may have cut its log before the flush was done.
            // Kafka's append returns after the flush, and nobody cuts a log meanwhile.
            if (p->leader() == nullptr) continue;
            storage_.on_written(world.now(), broker.id, r.partition, r.base_offset);
        }
    } else if (const auto* deleted = answer.message.get_if<DeleteRecordsResponse>()) {
        for (const DeleteRecordsPartitionResponse& r : deleted->partitions) {
            if (r.error != ErrorCode::none || image_.partition(r.partition) == nullptr) continue;
            storage_.on_records_deleted(world.now(), view_of(world, image_, r.partition),
                                        r.low_watermark);
        }
    }
}

}  // namespace tribunal
