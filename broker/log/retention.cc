#include "broker/log/retention.h"

namespace tribunal {
namespace {

// Goes on from number `from` while `breached(segment, next)` says so.
template <class Breached>
std::size_t go_on(const ReplicaLog& log, Offset high_watermark, std::size_t from,
                  Breached&& breached) {
    std::size_t i = from;
    for (; i < log.segments.size(); ++i) {
        const Segment& segment = *log.segments[i];
        const Segment* next = i + 1 < log.segments.size() ? &*log.segments[i + 1] : nullptr;
        const Offset end = next != nullptr ? next->base_offset : log.log_end_offset;
        if (high_watermark < end || !breached(segment, next)) break;
        if (next == nullptr && segment.batches.empty()) break;
    }
    return i;
}

}  // namespace

std::size_t deletable_segments(const ReplicaLog& log, const TopicConfig& config,
                               Offset high_watermark, Timestamp now) {
    // deleteLogStartOffsetBreachedSegments: nothing in it may be read any more.
    std::size_t gone = go_on(log, high_watermark, 0, [&](const Segment&, const Segment* next) {
        return next != nullptr && next->base_offset <= log.log_start_offset;
    });
    if (!config.cleanup_delete) return gone;
    // deleteRetentionSizeBreachedSegments: as many as leave retention.bytes behind.
    if (config.retention_bytes >= 0) {
        std::int64_t excess = log.size_in_bytes - config.retention_bytes;
        for (std::size_t i = 0; i < gone; ++i) excess -= log.segments[i]->size_in_bytes;
        gone = go_on(log, high_watermark, gone, [&](const Segment& segment, const Segment*) {
            excess -= segment.size_in_bytes;
            return excess >= 0;
        });
    }
    // deleteRetentionMsBreachedSegments. Deviation: Kafka takes the time its file was last written
    // for a segment that has no timestamp; here such a segment is as old as can be.
    if (config.retention >= Duration{0}) {
        const std::int64_t oldest = now.value - config.retention.value / 1'000'000;
        gone = go_on(log, high_watermark, gone, [&](const Segment& segment, const Segment*) {
            return segment.max_timestamp.timestamp.value < oldest;
        });
    }
    return gone;
}

}  // namespace tribunal
