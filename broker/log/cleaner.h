// Log compaction (Kafka: LogCleaner, LogCleanerManager, Cleaner): of every key keeps the record
// with the highest offset, forgets tombstones and transaction markers when their time is over, and
// never changes offsets or their order.
//
//   cleaner_choice.cc  which part of a log may be cleaned, and whether it is worth it
//   cleaner.cc         one cleaning: an offset map of the dirty section, then every segment below
//                      its end is written anew
//
// A log has a clean head, below the cleaner checkpoint, where no key stands twice, then a dirty
// section, then what may not be cleaned yet: the active segment, what lies above the last stable
// offset, what is younger than min.compaction.lag.ms. All decisions look at offsets, sizes and
// timestamps of records; the node's wall clock comes as data, for the lags and the delete horizon.
//
// Deviation: a cleaning is one step of the broker. Kafka's thread reads for seconds while appends
// go on (they never touch what is cleaned), gives up when the log is truncated meanwhile, and may
// crash between two groups of segments; then a part is cleaned and the checkpoint is not moved, and
// the same cleaning is done again.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "broker/log/replica_log.h"
#include "broker/protocol/config.h"

namespace tribunal {

// What a cleaning looks at besides the log.
struct CleanerContext {
    const TopicConfig& topic;
    const Rules& rules;
    std::int64_t dedupe_buffer_size = 128 << 20;  // log.cleaner.dedupe.buffer.size
    std::optional<Offset> checkpoint;             // cleaner-offset-checkpoint
    Offset high_watermark;
    Timestamp now;  // the node's wall clock
    PlantedBug planted_bug = PlantedBug::none;
};

// --- cleaner_choice.cc --------------------------------------------------------------------------

struct CleanableOffsets {
    Offset first_dirty;
    Offset first_uncleanable;        // never below first_dirty
    bool resets_checkpoint = false;  // it does not fit the log any more
    TRIBUNAL_FIELDS(CleanableOffsets, first_dirty, first_uncleanable, resets_checkpoint)
};
// The dirty section. It ends at the last stable offset (KAFKA-13194; by the older rule only an open
// transaction bounds it), at the active segment, and at the first segment with a record younger
// than min.compaction.lag.ms, whichever is lowest.
CleanableOffsets cleanable_offsets(const ReplicaLog& log, const CleanerContext& context);

struct LogToClean {
    Offset first_dirty;
    Offset first_uncleanable;  // a segment's base offset: segments are cleaned whole
    std::int64_t clean_bytes = 0;
    std::int64_t cleanable_bytes = 0;
    // max.compaction.lag.ms is over for a dirty segment (KIP-354).
    bool is_overdue = false;
    std::int64_t total_bytes() const { return clean_bytes + cleanable_bytes; }
    // cleanable / total in millionths; 0 of nothing.
    std::int64_t dirty_ratio() const;
    TRIBUNAL_FIELDS(LogToClean, first_dirty, first_uncleanable, clean_bytes, cleanable_bytes,
                    is_overdue)
};
LogToClean log_to_clean(const ReplicaLog& log, const CleanableOffsets& offsets,
                        const CleanerContext& context);
// Its ratio is above min.cleanable.dirty.ratio, or it is overdue. Of several the filthiest, by
// dirty_ratio(), is cleaned first (grabFilthiestCompactedLog).
bool is_worth_cleaning(const LogToClean& log, const TopicConfig& topic);

// --- cleaner.cc ---------------------------------------------------------------------------------

// Consecutive segments that one takes the place of, at the base offset of the first.
struct SegmentReplacement {
    std::size_t first = 0;
    std::size_t count = 1;
    Segment by;
    TRIBUNAL_FIELDS(SegmentReplacement, first, count, by)
};

struct CleanerStats {
    std::int64_t records_read = 0;
    std::int64_t records_retained = 0;
    std::int64_t bytes_read = 0;
    std::int64_t bytes_retained = 0;
    std::int64_t invalid_records = 0;  // without a key: they go
    TRIBUNAL_FIELDS(CleanerStats, records_read, records_retained, bytes_read, bytes_retained,
                    invalid_records)
};

struct Cleaning {
    // The checkpoint from now on. Below first_uncleanable when the offset map was full.
    Offset end_offset;
    std::vector<SegmentReplacement> replacements;  // ascending; groups that stay as they are lack
    CleanerStats stats;
    TRIBUNAL_FIELDS(Cleaning, end_offset, replacements, stats)
};
// What cleaning [first_dirty, first_uncleanable) makes of the log.
Cleaning clean(const ReplicaLog& log, const LogToClean& what, const CleanerContext& context);

// Swaps the new segments in. Kafka renames them from .cleaned to .swap, which a start finishes, and
// then away from it: a crash finds the old group or the new one.
void replace(ReplicaLog& log, Cleaning&& cleaning);

// How many keys fit into the offset map: entries of 16 bytes of hash and 8 of offset, filled to
// nine tenths (log.cleaner.io.buffer.load.factor). Deviation: keys are compared whole, so none is
// ever taken for another whose MD5 is the same.
std::int64_t offset_map_capacity(std::int64_t dedupe_buffer_size);

}  // namespace tribunal
