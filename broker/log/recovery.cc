#include "broker/log/recovery.h"

#include <algorithm>
#include <iterator>

namespace tribunal {
namespace {

// LogLoader.recoverLog without its bookkeeping: cuts the log at the first bad batch.
std::size_t recover(ReplicaLog& log, Offset recovery_point, const TopicConfig& config) {
    std::size_t cut = 0;
    std::size_t first = log.segments.size() - 1;
    while (first > 0 && log.segments[first]->base_offset > recovery_point) --first;
    for (std::size_t i = first; i < log.segments.size(); ++i) {
        const Segment& segment = *log.segments[i];
        std::size_t good = 0;
        for (; good < segment.batches.size(); ++good) {
            const RecordBatch& batch = segment.batches[good];
            if (!is_intact(batch) ||
                !has_relative_offset(segment.base_offset, batch.last_offset())) {
                break;
            }
            if (batch.leader_epoch > log.latest_epoch()) {
                log.assign_epoch(batch.leader_epoch, batch.base_offset);
            }
        }
        Segment recovered = segment;
        recovered.batches.truncate(good);
        cut += segment.batches.size() - good;
        recovered.rebuild_indexes(config, cut == 0 && i + 1 < log.segments.size());
        if (recovered != segment) log.segments[i] = Shared<Segment>{std::move(recovered)};
        if (cut == 0) continue;
        for (std::size_t j = i + 1; j < log.segments.size(); ++j) {
            cut += log.segments[j]->batches.size();
        }
        log.segments.erase(log.segments.begin() + static_cast<std::ptrdiff_t>(i) + 1,
                           log.segments.end());
    }
    return cut;
}

}  // namespace

std::size_t load_log(ReplicaLog& log, const LogCheckpoints& checkpoints, bool had_clean_shutdown,
                     const TopicConfig& config) {
    const std::size_t cut =
        had_clean_shutdown ? 0 : recover(log, checkpoints.recovery_point, config);
    log.log_end_offset = log.active_segment().next_offset();
    if (log.log_end_offset < checkpoints.log_start_offset) {
        log.truncate_fully_and_start_at(checkpoints.log_start_offset);
    }
    log.size_in_bytes = 0;
    for (const Shared<Segment>& segment : log.segments) {
        log.size_in_bytes += segment->size_in_bytes;
    }
    log.recovery_point = had_clean_shutdown
                             ? log.log_end_offset
                             : std::min(checkpoints.recovery_point, log.log_end_offset);
    log.log_start_offset =
        std::max(checkpoints.log_start_offset, log.segments.front()->base_offset);
    log.epoch_cache.truncate_from_end(log.log_end_offset);
    // By the checkpoint and not by the log start: the first epoch's entry may lie below it.
    log.epoch_cache.truncate_from_start(checkpoints.log_start_offset);
    recover_producers(log, had_clean_shutdown, log.recovery_point);
    return cut;
}

}  // namespace tribunal
