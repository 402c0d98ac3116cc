// Which part of a log may be cleaned, and whether it is worth it (LogCleanerManager).
#include <algorithm>

#include "broker/log/cleaner.h"

namespace tribunal {
namespace {

std::int64_t milliseconds_of(Duration d) { return d.value / 1'000'000; }

// The inactive segments from the one that holds `from` on; all of them when none does.
std::size_t first_inactive_from(const ReplicaLog& log, Offset from) {
    const std::size_t active = log.segments.size() - 1;
    std::size_t first = 0;
    while (first < active && log.segments[first + 1]->base_offset <= from) ++first;
    return from > log.segments[active]->base_offset ? active : first;
}

// A dirty segment whose first batch is older than max.compaction.lag.ms. (Batches without a
// timestamp do not count.)
bool is_overdue(const ReplicaLog& log, Offset first_dirty, const CleanerContext& context) {
    const std::int64_t lag =
        std::max<std::int64_t>(milliseconds_of(context.topic.max_compaction_lag), 0);
    if (lag >= context.now.value) return false;
    const std::int64_t clean_until = context.now.value - lag;
    for (std::size_t i = first_inactive_from(log, first_dirty); i + 1 < log.segments.size(); ++i) {
        const Segment& segment = *log.segments[i];
        if (segment.batches.empty()) continue;
        const std::int64_t first = segment.batches.front().max_timestamp.value;
        if (first > 0 && first < clean_until) return true;
    }
    return false;
}

}  // namespace

CleanableOffsets cleanable_offsets(const ReplicaLog& log, const CleanerContext& context) {
    CleanableOffsets offsets;
    offsets.first_dirty = context.checkpoint.value_or(log.log_start_offset);
    // Retention passed it, or the log was cut below it by something else than a truncation.
    if (offsets.first_dirty < log.log_start_offset || offsets.first_dirty > log.log_end_offset) {
        offsets.first_dirty = log.log_start_offset;
        offsets.resets_checkpoint = true;
    }

    Offset bound = log.segments.back()->base_offset;
    if (const auto unstable = log.producers.first_unstable_offset()) {
        bound = std::min(bound, *unstable);
    }
    // KAFKA-13194: without an open transaction nothing kept the cleaner from what is not replicated
    // yet; a committed record went for the sake of one that was truncated later.
    if (context.rules.cleaner_bounded_by_high_watermark) {
        bound = std::min(bound, context.high_watermark);
    }
    const std::int64_t lag = milliseconds_of(context.topic.min_compaction_lag);
    if (lag > 0 && context.planted_bug != PlantedBug::cleaner_ignores_lag) {
        for (std::size_t i = first_inactive_from(log, offsets.first_dirty);
             i + 1 < log.segments.size(); ++i) {
            if (log.segments[i]->max_timestamp.timestamp.value <= context.now.value - lag) continue;
            bound = std::min(bound, log.segments[i]->base_offset);
            break;
        }
    }
    offsets.first_uncleanable = std::max(offsets.first_dirty, bound);
    return offsets;
}

LogToClean log_to_clean(const ReplicaLog& log, const CleanableOffsets& offsets,
                        const CleanerContext& context) {
    LogToClean what;
    what.first_dirty = offsets.first_dirty;
    // Of a segment that holds the bound nothing is cleaned.
    what.first_uncleanable =
        log.segments[first_inactive_from(log, offsets.first_uncleanable)]->base_offset;
    const Offset dirty_from = std::min(what.first_dirty, what.first_uncleanable);
    for (std::size_t i = 0; i + 1 < log.segments.size(); ++i) {
        const Segment& segment = *log.segments[i];
        // A segment that the checkpoint lies in counts as clean and as dirty.
        if (segment.base_offset < what.first_dirty) what.clean_bytes += segment.size_in_bytes;
        if (segment.base_offset < what.first_uncleanable &&
            log.segments[i + 1]->base_offset > dirty_from) {
            what.cleanable_bytes += segment.size_in_bytes;
        }
    }
    what.is_overdue = is_overdue(log, what.first_dirty, context);
    return what;
}

std::int64_t LogToClean::dirty_ratio() const {
    if (total_bytes() == 0) return 0;
    return cleanable_bytes * 1'000'000 / total_bytes();
}

bool is_worth_cleaning(const LogToClean& log, const TopicConfig& topic) {
    if (log.cleanable_bytes == 0) return false;
    return log.is_overdue ||
           log.cleanable_bytes * 1'000'000 > topic.min_cleanable_dirty_ratio * log.total_bytes();
}

}  // namespace tribunal
