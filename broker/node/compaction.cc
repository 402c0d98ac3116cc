// When a broker cleans its compacted logs (Kafka: LogCleaner.CleanerThread): every
// log.cleaner.backoff.ms the filthiest one that is worth it, and on until none is; then compacted
// logs lose the segments that lie below their start or, with compact,delete, are too old.
//
// Leaders and followers clean alike, each by its own clock and its own high watermark: replicas of
// a compacted partition are not equal byte by byte.
#include <algorithm>

#include "broker/base/check.h"
#include "broker/log/cleaner.h"
#include "broker/log/retention.h"
#include "broker/node/broker.h"

namespace tribunal {
namespace {

CleanerContext cleaner_context_of(const Broker& b, const Partition& p, const Outbox& out) {
    const Offset checkpoint = p.checkpoints.cleaner;
    return {.topic = p.config,
            .rules = b.config.rules,
            .dedupe_buffer_size = b.config.cleaner_dedupe_buffer_size,
            .checkpoint = checkpoint == kNoOffset ? std::nullopt : std::optional{checkpoint},
            .high_watermark = p.high_watermark,
            .now = out.timestamp,
            .planted_bug = b.config.planted_bug};
}

struct Filthiest {
    TopicPartition partition;
    LogToClean log;
};

std::optional<Filthiest> filthiest_log(Broker& b, const Outbox& out) {
    std::optional<Filthiest> filthiest;
    for (auto& [tp, hosted] : b.partitions) {
        const Partition& p = *hosted.partition;
        // A replica that the image has not named yet is left alone, as its log is not loaded.
        if (!p.config.cleanup_compact || std::holds_alternative<Offline>(p.role)) continue;
        const CleanerContext context = cleaner_context_of(b, p, out);
        const CleanableOffsets offsets = cleanable_offsets(p.log, context);
        const LogToClean log = log_to_clean(p.log, offsets, context);
        if (offsets.resets_checkpoint) {
            hosted.partition.edit().checkpoints.cleaner = offsets.first_dirty;
        }
        if (!is_worth_cleaning(log, p.config)) continue;
        // Of equals the first: Kafka's order there is a hash map's.
        if (!filthiest || log.dirty_ratio() > filthiest->log.dirty_ratio()) {
            filthiest = Filthiest{tp, log};
        }
    }
    return filthiest;
}

void clean_log(Broker& b, const Filthiest& filthiest, Outbox& out) {
    Partition& p = *edit_partition(b, filthiest.partition);
    Cleaning cleaning = clean(p.log, filthiest.log, cleaner_context_of(b, p, out));
    // Segments were cleaned without making progress only if the offset map holds no key.
    CHECK(cleaning.end_offset > filthiest.log.first_dirty);
    p.checkpoints.cleaner = cleaning.end_offset;
    if (!cleaning.replacements.empty()) {
        const SegmentReplacement& last = cleaning.replacements.back();
        const Offset upto = p.log.segments[last.first + last.count]->base_offset;
        const std::int64_t bytes = cleaning.stats.bytes_retained;
        replace(p.log, std::move(cleaning));
        out.effects.emplace_back(Write{ReplaceWrite{p.id, upto, bytes}, false, 0});
    }
    out.touch(p.id);
    out.mark(p.id, "cleans", filthiest.log.first_dirty.value, p.checkpoints.cleaner.value);
}

}  // namespace

void on_cleaner_timer(Broker& b, Outbox& out) {
    while (const auto filthiest = filthiest_log(b, out)) clean_log(b, *filthiest, out);
    delete_old_segments_of(b, true, out);
    out.arm(timer(TimerKind::cleaner), b.config.cleaner_backoff);
}

}  // namespace tribunal
