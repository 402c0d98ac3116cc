// S7: only the oldest segments go, and only when retention.ms, retention.bytes or the log start
// says so (UnifiedLog.deleteOldSegments); and those that are due go when the broker looks next
// (log.retention.check.interval.ms; at compacted logs the cleaner looks).
#include <fmt/format.h>
#include "properties/storage_state.h"

namespace tribunal {

using Rule = StorageMonitor::Rule;

namespace {

bool is_too_old(const OldSegment& segment, const TopicConfig& config, Timestamp now) {
    return config.cleanup_delete && config.retention >= Duration{0} &&
           now.value - segment.max_timestamp.value > milliseconds_of(config.retention);
}

// The log has retention.bytes without it.
bool is_too_much(const OldSegment& segment, const TopicConfig& config, std::int64_t log_size) {
    return config.cleanup_delete && config.retention_bytes >= 0 &&
           log_size - segment.size_in_bytes >= config.retention_bytes;
}

// How often a broker looks; kForever when it never does.
Duration interval_of_looks(const TopicConfig& topic, const BrokerConfig& broker) {
    if (!topic.cleanup_compact) return broker.retention_check_interval;
    return broker.cleaner_enable ? broker.cleaner_backoff : kForever;
}

}  // namespace

// Takes the segments that went from the front out of what is known.
void StorageMonitor::Observation::drop_deleted_segments(std::size_t i) {
    const ReplicaView& r = replicas[i];
    ReplicaShadow& s = shadow(i);
    const Offset front = r.log->segments.front()->base_offset;
    if ((s.closed.empty() ? s.active.base_offset : s.closed.front()->base_offset) >= front) return;
    std::vector<OldSegment> gone;
    for (std::size_t g = 0; g < s.closed.size() && s.closed[g]->base_offset < front; ++g) {
        const Segment& segment = *s.closed[g];
        gone.push_back(
            {segment.base_offset,
             g + 1 < s.closed.size() ? s.closed[g + 1]->base_offset : s.active.base_offset,
             segment.size_in_bytes, segment.max_timestamp.timestamp});
    }
    s.closed.erase(s.closed.begin(), s.closed.begin() + static_cast<std::ptrdiff_t>(gone.size()));
    if (s.active.base_offset < front) {
        gone.push_back({s.active.base_offset, s.log_end_offset, s.active.size_in_bytes,
                        s.active.max_timestamp});
    }
    // A cleaning in the same step has made other segments of them before they went.
    const bool was_cleaned = r.cleaner_checkpoint != s.cleaner_checkpoint;
    bool judges = r.config != nullptr && s.running && r.running && !was_cleaned;
    for (const OldSegment& segment : gone) {
        judges = judges && may_be_deleted(i, segment);
        s.size_in_bytes -= segment.size_in_bytes;
    }
}

// Whether it was too old, too much, or below the log start.
bool StorageMonitor::Observation::may_be_deleted(std::size_t i, const OldSegment& segment) {
    const ReplicaView& r = replicas[i];
    const ReplicaShadow& s = shadow(i);
    const TopicConfig& config = *r.config;
    monitor.exercise(Rule::s7);
    if (segment.end > r.high_watermark) {
        found(
            Rule::s7, Excuse::nothing, segment.base_offset, r.node,
            fmt::format("broker {} deleted a segment that ends at {}, above its high watermark {}",
                        r.node.value, segment.end.value, r.high_watermark.value));
        return false;
    }
    if (segment.end <= s.log_start_offset || is_too_much(segment, config, s.size_in_bytes) ||
        is_too_old(segment, config, r.wall_clock)) {
        return true;
    }
    if (!config.cleanup_delete) {
        found(Rule::s7, Excuse::nothing, segment.base_offset, r.node,
              fmt::format("broker {} deleted a segment that ends at {}, though cleanup.policy does "
                          "not say delete",
                          r.node.value, segment.end.value));
        return false;
    }
    found(Rule::s7, Excuse::nothing, segment.base_offset, r.node,
          fmt::format("broker {} deleted a segment of {} bytes that ends at {} too early",
                      r.node.value, segment.size_in_bytes, segment.end.value),
          {fmt::format("Its newest record was {} ms old, with retention.ms={}.",
                       r.wall_clock.value - segment.max_timestamp.value,
                       milliseconds_of(config.retention)),
           fmt::format("The log had {} bytes with it, with retention.bytes={}.", s.size_in_bytes,
                       config.retention_bytes)});
    return false;
}

// The oldest segment of a running process is not due for longer than from one look to the next.
void StorageMonitor::Observation::check_overdue(std::size_t i) {
    const ReplicaView& r = replicas[i];
    ReplicaShadow& s = shadow(i);
    const ReplicaLog& log = *r.log;
    if (!r.running || r.config == nullptr || r.broker_config == nullptr) {
        s.due_since = kNever;
        return;
    }
    const Segment& front = *log.segments.front();
    const OldSegment oldest{front.base_offset, log.segments[1]->base_offset, front.size_in_bytes,
                            front.max_timestamp.timestamp};
    const char* why = oldest.end > r.high_watermark        ? nullptr
                      : oldest.end <= log.log_start_offset ? "lies below the log start"
                      : is_too_much(oldest, *r.config, log.size_in_bytes)
                          ? "is more than retention.bytes"
                      : is_too_old(oldest, *r.config, r.wall_clock) ? "is older than retention.ms"
                                                                    : nullptr;
    if (why == nullptr) {
        s.due_since = kNever;
        return;
    }
    if (s.due_since == kNever || s.due_segment != oldest.base_offset) {
        monitor.exercise(Rule::s7);
        s.due_since = now;
        s.due_segment = oldest.base_offset;
        return;
    }
    const Duration interval = interval_of_looks(*r.config, *r.broker_config);
    if (now - s.due_since <= interval) return;
    found(Rule::s7, Excuse::moved_clock, oldest.base_offset, r.node,
          fmt::format("broker {} still has the segment up to {} after more than {} ms, and it {}",
                      r.node.value, oldest.end.value, milliseconds_of(interval), why),
          {"Old segments are looked for at such intervals."});
    s.due_since = now;
}

}  // namespace tribunal
