#include "broker/log/cleaner.h"

#include <algorithm>
#include <map>
#include <string>
#include <string_view>

#include "broker/base/check.h"
#include "broker/log/cleaned_transactions.h"
#include "broker/log/retained_batch.h"

namespace tribunal {
namespace {

// Every key of the dirty section with the last offset that it has there, up to where the map was
// full (Kafka: SkimpyOffsetMap).
struct OffsetMap {
    std::map<std::string, Offset, std::less<>> offsets;
    Offset latest = kNoOffset;  // what lies above is not cleaned

    std::optional<Offset> find(std::string_view key) const {
        const auto it = offsets.find(key);
        return it == offsets.end() ? std::nullopt : std::optional{it->second};
    }
};

// False when a record did not fit: then nothing behind it is in the map either.
bool add_records(const RecordBatch& batch, Offset from, std::int64_t capacity, PlantedBug bug,
                 OffsetMap& map) {
    bool full = false;
    for_each_record(batch, [&](const RecordView& record) {
        if (full || !record.key || record.offset < from) return;
        // The map takes no record once it is full, not even another one of a key that it has.
        if (static_cast<std::int64_t>(map.offsets.size()) >= capacity) {
            full = true;
            return;
        }
        const auto it = map.offsets.find(*record.key);
        if (it == map.offsets.end()) {
            map.offsets.emplace(std::string{*record.key}, record.offset);
        } else if (bug != PlantedBug::cleaner_keeps_first) {
            it->second = record.offset;
        }
        map.latest = record.offset;
    });
    return !full;
}

OffsetMap build_offset_map(const ReplicaLog& log, const LogToClean& what,
                           const CleanerContext& context) {
    const std::int64_t capacity = offset_map_capacity(context.dedupe_buffer_size);
    CHECK(capacity > 1);
    OffsetMap map;
    CleanedTransactions transactions{log, what.first_dirty};
    for (std::size_t i = 0; i + 1 < log.segments.size(); ++i) {
        const Segment& segment = *log.segments[i];
        if (segment.base_offset >= what.first_uncleanable) break;
        const Offset next = log.segments[i + 1]->base_offset;
        if (next <= what.first_dirty) continue;
        for (const RecordBatch& batch : segment.batches) {
            if (batch.last_offset() < what.first_dirty) continue;
            const bool may_discard = transactions.read(batch).may_discard;
            // Neither markers nor what was aborted stand for their keys.
            if (!batch.is_control() && !may_discard &&
                !add_records(batch, what.first_dirty, capacity, context.planted_bug, map)) {
                return map;
            }
            map.latest = std::max(map.latest, batch.last_offset());
        }
        // Over a gap at the segment's end.
        map.latest = std::max(map.latest, next + -1);
    }
    return map;
}

// Lines up segments whose data and indexes fit into one (groupSegmentsBySize).
std::vector<SegmentReplacement> group_segments(const ReplicaLog& log, Offset end_offset,
                                               Offset first_uncleanable,
                                               const TopicConfig& config) {
    std::vector<SegmentReplacement> groups;
    std::int64_t bytes = 0;
    std::int64_t index_bytes = 0;
    std::int64_t time_index_bytes = 0;
    const std::size_t active = log.segments.size() - 1;
    for (std::size_t i = 0; i < active && log.segments[i]->base_offset < end_offset; ++i) {
        const Segment& segment = *log.segments[i];
        const auto index = static_cast<std::int64_t>(segment.offset_index.entries.size()) *
                           OffsetIndex::kEntryBytes;
        const auto time_index =
            static_cast<std::int64_t>(segment.time_index.entries.size()) * TimeIndex::kEntryBytes;
        const bool is_last = i + 1 == active || log.segments[i + 1]->base_offset >= end_offset;
        const Offset last =
            is_last ? first_uncleanable + -1 : log.segments[i + 1]->base_offset + -1;
        const bool fits =
            !groups.empty() && bytes + segment.size_in_bytes <= config.segment_bytes &&
            index_bytes + index <= config.segment_index_bytes &&
            time_index_bytes + time_index <= config.segment_index_bytes &&
            (segment.size_in_bytes == 0 ||
             has_relative_offset(log.segments[groups.back().first]->base_offset, last));
        if (!fits) {
            groups.push_back({i, 0, {}});
            bytes = index_bytes = time_index_bytes = 0;
        }
        ++groups.back().count;
        bytes += segment.size_in_bytes;
        index_bytes += index;
        time_index_bytes += time_index;
    }
    return groups;
}

// One cleaning's second pass.
class Cleaner {
  public:
    Cleaner(const ReplicaLog& log, const LogToClean& what, const CleanerContext& context,
            const OffsetMap& map, CleanerStats& stats)
        : log_(log),
          what_(what),
          context_(context),
          map_(map),
          stats_(stats),
          transactions_(log, Offset{0}) {
        // Before KIP-534 tombstones and markers went with the age of their segment, measured from
        // the last clean one. Deviation: the time at which a file was last written is taken to be
        // the largest timestamp in it.
        for (const Shared<Segment>& segment : log.segments) {
            if (segment->base_offset >= what.first_dirty) break;
            legacy_horizon_ = segment->max_timestamp.timestamp.value -
                              context.topic.delete_retention.value / 1'000'000;
        }
    }

    // Whether anything changed.
    bool clean(SegmentReplacement& group) {
        group.by = segment_at(log_.segments[group.first]->base_offset);
        bool changed = group.count > 1;
        for (std::size_t i = group.first; i < group.first + group.count; ++i) {
            const Segment& segment = *log_.segments[i];
            is_legacy_young_ = segment.max_timestamp.timestamp.value > legacy_horizon_;
            for (const RecordBatch& batch : segment.batches) {
                std::optional<RecordBatch> retained = clean(batch, group.by);
                stats_.bytes_read += batch.size_in_bytes();
                if (!retained) {
                    changed = true;
                    continue;
                }
                stats_.bytes_retained += retained->size_in_bytes();
                changed = changed || retained->crc != batch.crc;
                group.by.append(std::move(*retained), context_.topic);
            }
        }
        group.by.close();
        return changed;
    }

  private:
    // What is left of a batch; nullopt: nothing.
    std::optional<RecordBatch> clean(const RecordBatch& batch, Segment& into) {
        const CleanedTransactions::Judgement judged = transactions_.read(batch);
        if (judged.still_aborted) into.transaction_index.append(*judged.still_aborted);
        const bool drops_records =
            judged.may_discard && (!batch.is_control() || !keeps_marker(batch));
        const bool keeps_header = must_keep_header(batch);
        stats_.records_read += batch.record_count;
        std::int32_t kept = 0;
        bool has_tombstone = false;
        if (drops_records) {
            keep_.assign(static_cast<std::size_t>(batch.record_count), false);
        } else {
            keep_.clear();
            for_each_record(batch, [&](const RecordView& record) {
                keep_.push_back(keeps_record(batch, record));
                if (!keep_.back()) return;
                ++kept;
                has_tombstone |= !record.value;
            });
        }
        stats_.records_retained += kept;
        if (kept == 0) {
            if (!keeps_header) return std::nullopt;
            return batch.record_count == 0 ? batch : retain_header(batch);
        }
        std::optional<Timestamp> horizon;
        // A marker whose transaction has no data left gets its time like a tombstone.
        if (context_.rules.cleaner_sets_delete_horizon && !batch.delete_horizon() &&
            (has_tombstone || (judged.may_discard && batch.is_control()))) {
            horizon =
                Timestamp{context_.now.value + context_.topic.delete_retention.value / 1'000'000};
        }
        if (kept == batch.record_count && !horizon) return batch;
        std::size_t i = 0;
        return retain_records(batch, horizon,
                              [&](const RecordView&) -> bool { return keep_[i++]; });
    }

    // A marker without data stays until readers that met its data have had delete.retention.ms.
    bool keeps_marker(const RecordBatch& marker) const {
        if (!context_.rules.cleaner_sets_delete_horizon) return is_legacy_young_;
        const std::optional<Timestamp> horizon = marker.delete_horizon();
        return !horizon || *horizon > context_.now;
    }

    // The last batch of a producer that is known here tells its sequence, or only its epoch when
    // that is a marker; the last batch of the cleaning tells where the log went on.
    bool must_keep_header(const RecordBatch& batch) const {
        if (batch.next_offset() == what_.first_uncleanable) return true;
        if (!batch.has_producer_id()) return false;
        const ProducerEntry* producer = log_.producers.producer(batch.producer_id);
        if (producer == nullptr) return false;
        if (!producer->batches.empty()) return batch.last_offset() == producer->last_offset();
        return batch.is_control() && batch.producer_epoch == producer->epoch;
    }

    bool keeps_record(const RecordBatch& batch, const RecordView& record) {
        // KAFKA-14055: looked up by its bytes, a marker may meet a later record of the same key.
        if (batch.is_control() && context_.rules.cleaner_keeps_control_batches) return true;
        if (record.offset > map_.latest) return true;
        if (!record.key) {
            ++stats_.invalid_records;
            return false;
        }
        const std::optional<Offset> latest = map_.find(*record.key);
        if (context_.planted_bug == PlantedBug::cleaner_keeps_first && latest) {
            return *latest == record.offset;
        }
        if (latest && *latest > record.offset) return false;
        if (record.value) return true;
        if (context_.planted_bug == PlantedBug::cleaner_forgets_tombstones) return false;
        if (!context_.rules.cleaner_sets_delete_horizon) return is_legacy_young_;
        const std::optional<Timestamp> horizon = batch.delete_horizon();
        return !horizon || context_.now < *horizon;
    }

    const ReplicaLog& log_;
    const LogToClean& what_;
    const CleanerContext& context_;
    const OffsetMap& map_;
    CleanerStats& stats_;
    CleanedTransactions transactions_;
    std::int64_t legacy_horizon_ = 0;  // 0: there is no clean segment
    bool is_legacy_young_ = false;     // of the segment that is read
    std::vector<bool> keep_;           // of the batch that is read
};

}  // namespace

std::int64_t offset_map_capacity(std::int64_t dedupe_buffer_size) {
    return dedupe_buffer_size / 24 * 9 / 10;
}

Cleaning clean(const ReplicaLog& log, const LogToClean& what, const CleanerContext& context) {
    CHECK(what.first_dirty <= what.first_uncleanable);
    CHECK(what.first_uncleanable <= log.segments.back()->base_offset);
    const OffsetMap map = build_offset_map(log, what, context);
    Cleaning cleaning;
    cleaning.end_offset = std::max(what.first_dirty, map.latest + 1);
    Cleaner cleaner{log, what, context, map, cleaning.stats};
    for (SegmentReplacement& group :
         group_segments(log, cleaning.end_offset, what.first_uncleanable, context.topic)) {
        if (cleaner.clean(group)) cleaning.replacements.push_back(std::move(group));
    }
    return cleaning;
}

void replace(ReplicaLog& log, Cleaning&& cleaning) {
    // From the top, so that the numbers of the segments below stay right.
    for (std::size_t i = cleaning.replacements.size(); i-- > 0;) {
        SegmentReplacement& group = cleaning.replacements[i];
        std::vector<Segment> cleaned;
        cleaned.push_back(std::move(group.by));
        log.replace_segments(group.first, group.count, std::move(cleaned));
    }
}

}  // namespace tribunal
