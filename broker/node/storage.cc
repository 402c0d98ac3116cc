// What LogManager does in the background: checkpoints, retention, flush.ms; and what of a
// partition survives the end of the process.
#include <algorithm>

#include "broker/base/check.h"
#include "broker/log/retention.h"
#include "broker/node/broker.h"

namespace tribunal {
namespace {

void checkpoint_high_watermarks(Broker& b) {
    for (auto& [tp, hosted] : b.partitions) {
        const Partition& p = *hosted.partition;
        if (p.checkpointed_high_watermark == p.high_watermark) continue;
        hosted.partition.edit().checkpointed_high_watermark = p.high_watermark;
    }
}

void checkpoint_recovery_points(Broker& b) {
    for (auto& [tp, hosted] : b.partitions) {
        const Partition& p = *hosted.partition;
        if (p.checkpoints.recovery_point == p.log.recovery_point) continue;
        hosted.partition.edit().checkpoints.recovery_point = p.log.recovery_point;
    }
}

void checkpoint_log_starts(Broker& b) {
    for (auto& [tp, hosted] : b.partitions) {
        const Partition& p = *hosted.partition;
        // Only what the first segment's name does not tell (checkpointLogStartOffsetsInDir).
        const Offset start = p.log.log_start_offset > p.log.segments.front()->base_offset
                                 ? p.log.log_start_offset
                                 : Offset{0};
        if (p.checkpoints.log_start_offset == start) continue;
        hosted.partition.edit().checkpoints.log_start_offset = start;
    }
}

std::size_t deletable_segments(const Broker& b, const Partition& p, Timestamp now) {
    const std::size_t count = deletable_segments(p.log, p.config, p.high_watermark, now);
    if (b.config.planted_bug != PlantedBug::retention_deletes_early || count > 0) return count;
    const bool may =
        p.log.segments.size() > 1 && p.log.segments[1]->base_offset <= p.high_watermark;
    return may ? 1 : 0;
}

// flush.ms, looked at every log.flush.scheduler.interval.ms. Time is counted in such intervals, so
// that nothing is compared with a clock.
void flush_dirty_logs(Broker& b, Outbox& out) {
    ReplicationContext context = context_of(b, out);
    for (auto& [tp, hosted] : b.partitions) {
        const Partition& seen = *hosted.partition;
        if (seen.config.flush_interval >= kForever) continue;
        if (seen.log.recovery_point == seen.log.log_end_offset) continue;
        Partition& p = hosted.partition.edit();
        ++p.unflushed_ticks;
        if (b.config.flush_scheduler_interval * p.unflushed_ticks < p.config.flush_interval) {
            continue;
        }
        flush_in_background(p, p.log.log_end_offset, context);
    }
}

}  // namespace

void start_storage_timers(Broker& b, Outbox& out) {
    out.arm(timer(TimerKind::checkpoint), b.config.high_watermark_checkpoint_interval);
    out.arm(timer(TimerKind::retention), b.config.retention_check_interval);
    out.arm(timer(TimerKind::recovery_checkpoint), b.config.flush_offset_checkpoint_interval);
    out.arm(timer(TimerKind::log_start_checkpoint),
            b.config.flush_start_offset_checkpoint_interval);
    if (b.config.cleaner_enable) out.arm(timer(TimerKind::cleaner), b.config.cleaner_backoff);
    if (b.config.flush_scheduler_interval < kForever) {
        out.arm(timer(TimerKind::flush), b.config.flush_scheduler_interval);
    }
}

// Leaders and followers alike, each by its own clock and high watermark. Logs that are compacted
// are the cleaner's (LogManager.cleanupLogs).
void delete_old_segments_of(Broker& b, bool compacted, Outbox& out) {
    ReplicationContext context = context_of(b, out);
    for (auto& [tp, hosted] : b.partitions) {
        const Partition& seen = *hosted.partition;
        if (seen.config.cleanup_compact != compacted) continue;
        const std::size_t count = deletable_segments(b, seen, out.timestamp);
        if (count == 0) continue;
        delete_old_segments(hosted.partition.edit(), count, context);
        notify_sessions(b, tp, out);
        complete_parked(b, tp, out);
    }
}

void on_storage_timer(Broker& b, TimerKind kind, Outbox& out) {
    Duration again;
    switch (kind) {
        case TimerKind::checkpoint:
            checkpoint_high_watermarks(b);
            again = b.config.high_watermark_checkpoint_interval;
            break;
        case TimerKind::recovery_checkpoint:
            checkpoint_recovery_points(b);
            again = b.config.flush_offset_checkpoint_interval;
            break;
        case TimerKind::log_start_checkpoint:
            checkpoint_log_starts(b);
            again = b.config.flush_start_offset_checkpoint_interval;
            break;
        case TimerKind::retention:
            delete_old_segments_of(b, false, out);
            again = b.config.retention_check_interval;
            break;
        case TimerKind::flush:
            flush_dirty_logs(b, out);
            again = b.config.flush_scheduler_interval;
            break;
        default:
            CHECK(!"a timer of the broker's storage");
    }
    out.arm(timer(kind), again);
}

void close_logs(Broker& b) {
    for (auto& [tp, hosted] : b.partitions) {
        ReplicaLog& log = hosted.partition.edit().log;
        log.mark_flushed(log.log_end_offset);
    }
    checkpoint_high_watermarks(b);
    checkpoint_recovery_points(b);
    checkpoint_log_starts(b);
}

Partition loaded(const Partition& p, bool had_clean_shutdown) {
    Partition fresh;
    fresh.id = p.id;
    fresh.self = p.self;
    fresh.config = p.config;
    fresh.checkpoints = p.checkpoints;
    fresh.log = p.log;
    load_log(fresh.log, p.checkpoints, had_clean_shutdown, p.config);
    fresh.checkpointed_high_watermark =
        std::min(p.checkpointed_high_watermark, fresh.log.log_end_offset);
    fresh.high_watermark = std::max(fresh.checkpointed_high_watermark, fresh.log.log_start_offset);
    return fresh;
}

}  // namespace tribunal
