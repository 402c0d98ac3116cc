// Appends to a partition's log and when they reach the platter: flush.messages makes the append
// wait for it; a segment that was rolled and flush.ms are flushed behind everybody's back, and only
// move the recovery point.
#include <algorithm>

#include "broker/replication/partition.h"

namespace tribunal {

void append_to_log(Partition& p, std::span<RecordBatch> batches, ReplicationContext& context) {
    const Offset before = p.log.log_end_offset;
    for (RecordBatch& batch : batches) {
        const bool is_last = &batch == &batches.back();
        const Offset end = p.log.log_end_offset;
        const std::int64_t bytes = batch.size_in_bytes();
        // Deviation: a follower rolls batch by batch; Kafka asks once for all that a fetch brought.
        if (p.log.append(std::move(batch), p.config)) {
            flush_in_background(p, p.log.active_segment().base_offset, context);
        }
        // UnifiedLog.append flushes once, when that many records lie above the recovery point,
        // which waits for no other flush in Kafka.
        const Offset flushed = p.flushes.empty()
                                   ? p.log.recovery_point
                                   : std::max(p.log.recovery_point, p.flushes.back().end);
        const bool sync =
            is_last && p.log.log_end_offset.value - flushed.value >= p.config.flush_messages;
        const bool waits = sync && context.config.planted_bug != PlantedBug::flush_is_not_awaited;
        if (waits) p.flushes.push_back({before, p.log.log_end_offset});
        context.out.effects.emplace_back(
            Write{AppendWrite{p.id, end, bytes}, sync, sync ? flush_token(kAppendFlush, p.id) : 0});
    }
}

void flush_in_background(Partition& p, Offset end, ReplicationContext& context) {
    if (end <= p.log.recovery_point) return;
    p.background_flushes.push_back(end);
    p.unflushed_ticks = 0;
    context.out.effects.emplace_back(
        Write{FlushWrite{p.id}, true, flush_token(kBackgroundFlush, p.id)});
}

void on_background_flush_done(Partition& p) {
    if (p.background_flushes.empty()) return;  // of an earlier life here
    p.log.mark_flushed(p.background_flushes.front());
    p.background_flushes.erase(p.background_flushes.begin());
}

void on_append_flush_done(Partition& p) {
    if (p.flushes.empty()) return;  // likewise
    p.log.mark_flushed(p.flushes.front().end);
    p.flushes.erase(p.flushes.begin());
}

bool is_flushing(const Partition& p, Offset end) {
    return !p.flushes.empty() && p.flushes.front().from < end;
}

}  // namespace tribunal
