// Appends to a partition's log and when they reach the platter: flush.messages makes the append
// wait for it; a segment that was rolled and flush.ms are flushed behind everybody's back, and only
// move the recovery point.
#include <algorithm>

#include "broker/replication/partition.h"

namespace tribunal {

bool append_to_log(Partition& p, RecordBatch batch, std::uint64_t token,
                   ReplicationContext& context) {
    const Offset before = p.log.log_end_offset;
    const std::int64_t bytes = batch.size_in_bytes();
    // Deviation: a follower rolls batch by batch; Kafka asks once for all that a fetch brought.
    if (p.log.append(std::move(batch), p.config)) {
        flush_in_background(p, p.log.active_segment().base_offset, context);
    }
    // UnifiedLog.append: records since the recovery point, which waits for no other flush in Kafka.
    const Offset flushed = std::max(p.log.recovery_point, p.flush_requested);
    const bool sync = p.log.log_end_offset.value - flushed.value >= p.config.flush_messages;
    if (sync) p.flush_requested = p.log.log_end_offset;
    context.out.effects.emplace_back(
        Write{AppendWrite{p.id, before, bytes}, sync, sync ? token : 0});
    return sync;
}

void flush_in_background(Partition& p, Offset end, ReplicationContext& context) {
    if (end <= p.log.recovery_point) return;
    p.background_flushes.push_back(end);
    p.unflushed_ticks = 0;
    context.out.effects.emplace_back(Write{FlushWrite{p.id}, true, background_token(p.id)});
}

void on_background_flush_done(Partition& p) {
    if (p.background_flushes.empty()) return;  // of an earlier life here
    p.log.mark_flushed(p.background_flushes.front());
    p.background_flushes.erase(p.background_flushes.begin());
}

void on_flush_done(Partition& p, Offset end) {
    p.log.mark_flushed(end);
    if (p.log.recovery_point >= p.flush_requested) p.flush_requested = Offset{0};
}

}  // namespace tribunal
