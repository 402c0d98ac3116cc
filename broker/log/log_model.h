// The log as it would be written without a thought of speed: one list of batches, each with the
// segment it lies in, and everything else looked for from the beginning every time. The tests
// compare the log with it; its bugs, switched on one at a time, show that they would notice.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <vector>

#include "broker/log/recovery.h"
#include "broker/log/replica_log.h"

namespace tribunal {

enum class ModelBug : std::uint8_t {
    none,
    rolls_one_byte_late,
    rolls_by_the_last_timestamp,  // segment.ms from the last batch instead of the first
    ignores_full_index,
    keeps_straddling_batch,
    keeps_epoch_at_the_cut,
    retention_passes_high_watermark,
    retention_keeps_active_segment,
    size_retention_by_one_segment_more,
    recovery_keeps_the_torn_batch,
    finds_below_the_log_start,
};

struct LogModel {
    struct Item {
        RecordBatch batch;
        Offset segment;
    };
    ModelBug bug = ModelBug::none;
    TopicConfig config;
    std::vector<Item> items;
    std::vector<Offset> bases{Offset{0}};
    Offset start{0};
    Offset end{0};
    std::map<std::int32_t, std::int64_t> epochs;  // epoch -> where it starts
    // Entries of the segments' time indexes.
    std::map<Offset, std::vector<TimestampOffset>> times;

    std::vector<RecordBatch> of(Offset segment) const {
        std::vector<RecordBatch> found;
        for (const Item& item : items) {
            if (item.segment == segment) found.push_back(item.batch);
        }
        return found;
    }
    static std::int64_t bytes_of(const std::vector<RecordBatch>& batches) {
        std::int64_t bytes = 0;
        for (const RecordBatch& batch : batches) bytes += batch.size_in_bytes();
        return bytes;
    }
    std::int64_t bytes() const {
        std::int64_t sum = 0;
        for (const Item& item : items) sum += item.batch.size_in_bytes();
        return sum;
    }
    Timestamp newest_in(Offset segment) const {
        Timestamp newest = kNoTimestamp;
        for (const RecordBatch& batch : of(segment)) newest = std::max(newest, batch.max_timestamp);
        return newest;
    }

    // --- append -------------------------------------------------------------------------------

    // Where the offset index has entries after appending these.
    std::vector<std::int64_t> index_positions(const std::vector<RecordBatch>& batches) const {
        std::vector<std::int64_t> entries;
        std::int64_t position = 0;
        for (const RecordBatch& batch : batches) {
            const std::int64_t last = entries.empty() ? 0 : entries.back();
            if (position - last > config.index_interval_bytes) entries.push_back(position);
            position += batch.size_in_bytes();
        }
        return entries;
    }
    // The time index gets the largest timestamp so far and the batch that first had it.
    void enter_time(Offset segment, const std::vector<RecordBatch>& batches) {
        TimestampOffset newest{kNoTimestamp, segment};
        for (const RecordBatch& batch : batches) {
            if (batch.max_timestamp > newest.timestamp) {
                newest = {batch.max_timestamp, batch.last_offset()};
            }
        }
        auto& entries = times[segment];
        if (newest.timestamp > (entries.empty() ? kNoTimestamp : entries.back().timestamp)) {
            entries.push_back(newest);
        }
    }
    void remake_times(Offset segment) {
        times[segment].clear();
        std::vector<RecordBatch> seen;
        for (const RecordBatch& batch : of(segment)) {
            const std::size_t before = index_positions(seen).size();
            seen.push_back(batch);
            if (index_positions(seen).size() > before) enter_time(segment, seen);
        }
        if (segment != bases.back()) enter_time(segment, seen);
    }
    bool rolls(const RecordBatch& batch) {
        const std::vector<RecordBatch> active = of(bases.back());
        const std::int64_t limit =
            config.segment_bytes + (bug == ModelBug::rolls_one_byte_late ? 1 : 0);
        if (bytes_of(active) + batch.size_in_bytes() > limit) return true;
        if (!active.empty()) {
            const RecordBatch& basis =
                bug == ModelBug::rolls_by_the_last_timestamp ? active.back() : active.front();
            if (milliseconds(batch.max_timestamp.value - basis.max_timestamp.value) >
                config.segment_age) {
                return true;
            }
        }
        if (bug == ModelBug::ignores_full_index) return false;
        return static_cast<std::int64_t>(index_positions(active).size()) >=
                   config.segment_index_bytes / 8 ||
               static_cast<std::int64_t>(times[bases.back()].size()) >=
                   config.segment_index_bytes / 12 - 1;
    }
    void assign(LeaderEpoch epoch, Offset offset) {
        if (!epochs.empty() && epochs.rbegin()->first == epoch.value &&
            epochs.rbegin()->second <= offset.value) {
            return;
        }
        std::erase_if(epochs, [&](const auto& e) {
            return e.first >= epoch.value || e.second >= offset.value;
        });
        epochs[epoch.value] = offset.value;
    }
    void open(Offset base) {
        enter_time(bases.back(), of(bases.back()));
        bases.push_back(base);
    }
    void append(const RecordBatch& batch) {
        if (rolls(batch) && bases.back() != batch.base_offset) open(batch.base_offset);
        assign(batch.leader_epoch, batch.base_offset);
        const std::size_t entries = index_positions(of(bases.back())).size();
        items.push_back({batch, bases.back()});
        if (index_positions(of(bases.back())).size() > entries) {
            enter_time(bases.back(), of(bases.back()));
        }
        end = batch.next_offset();
    }

    // --- cutting and deleting -----------------------------------------------------------------

    void cut_epochs() {
        std::erase_if(epochs, [&](const auto& e) {
            return e.second >= end.value + (bug == ModelBug::keeps_epoch_at_the_cut ? 1 : 0);
        });
    }
    void clear(Offset offset) {
        items.clear();
        times.clear();
        epochs.clear();
        bases = {offset};
        start = end = offset;
    }
    void drop_last_segment() {
        times.erase(bases.back());
        bases.pop_back();
    }
    void truncate_to(Offset offset) {
        if (offset < end) {
            if (offset < bases.front()) {
                clear(offset);
                return;
            }
            end = offset;
            while (!items.empty() && (bug == ModelBug::keeps_straddling_batch
                                          ? items.back().batch.base_offset >= offset
                                          : items.back().batch.last_offset() >= offset)) {
                end = std::min(end, items.back().batch.base_offset);
                items.pop_back();
            }
            while (bases.back() > offset) drop_last_segment();
            std::erase_if(times[bases.back()],
                          [&](const TimestampOffset& e) { return e.offset >= offset; });
            start = std::min(start, end);
        }
        cut_epochs();
    }
    void advance_start(Offset offset) {
        if (offset <= start) return;
        start = offset;
        start_epochs_at(offset);
    }
    void start_epochs_at(Offset offset) {
        std::optional<std::int32_t> newest_below;
        for (const auto& [epoch, from] : epochs) {
            if (from <= offset.value) newest_below = epoch;
        }
        std::erase_if(epochs,
                      [&](const auto& e) { return newest_below && e.first < *newest_below; });
        if (newest_below) epochs[*newest_below] = offset.value;
    }
    void delete_oldest() {
        const Offset gone = bases.front();
        if (bases.size() == 1) open(end);
        bases.erase(bases.begin());
        std::erase_if(items, [&](const Item& item) { return item.segment == gone; });
        advance_start(bases.front());
    }
    // One pass of deleteOldSegments.
    template <class Breached>
    void retain(Offset high_watermark, Breached&& breached) {
        while (true) {
            const bool is_active = bases.size() == 1;
            const Offset segment = bases.front();
            const Offset upto = is_active ? end : bases[1];
            if (high_watermark < upto && bug != ModelBug::retention_passes_high_watermark) return;
            if (is_active && bug == ModelBug::retention_keeps_active_segment) return;
            if (!breached(segment, is_active) || (is_active && of(segment).empty())) return;
            delete_oldest();
            if (is_active) return;
        }
    }
    void apply_retention(Offset high_watermark, Timestamp now) {
        retain(high_watermark,
               [&](Offset, bool is_active) { return !is_active && bases[1] <= start; });
        if (config.retention_bytes >= 0) {
            retain(high_watermark, [&](Offset segment, bool) {
                const std::int64_t left = bytes() - bytes_of(of(segment));
                if (bug == ModelBug::size_retention_by_one_segment_more) {
                    return bytes() > config.retention_bytes;
                }
                return left >= config.retention_bytes;
            });
        }
        retain(high_watermark, [&](Offset segment, bool) {
            return milliseconds(now.value - newest_in(segment).value) > config.retention;
        });
    }

    // --- unclean stop -------------------------------------------------------------------------

    void recover(Offset recovery_point, Offset checkpointed_start) {
        for (std::size_t i = 0; i < items.size(); ++i) {
            if (is_intact(items[i].batch)) continue;
            if (bug == ModelBug::recovery_keeps_the_torn_batch) break;
            const Offset segment = items[i].segment;
            items.erase(items.begin() + static_cast<std::ptrdiff_t>(i), items.end());
            while (bases.back() > segment) drop_last_segment();
            break;
        }
        Offset first = bases.front();
        for (const Offset base : bases) first = base <= recovery_point ? base : first;
        for (const Item& item : items) {
            const bool is_newer =
                epochs.empty() || item.batch.leader_epoch.value > epochs.rbegin()->first;
            if (item.segment >= first && is_newer) {
                assign(item.batch.leader_epoch, item.batch.base_offset);
            }
        }
        for (const Offset base : bases) {
            if (base >= first) remake_times(base);
        }
        end = items.empty() || items.back().segment < bases.back()
                  ? bases.back()
                  : items.back().batch.next_offset();
        start = std::max(checkpointed_start, bases.front());
        if (end < checkpointed_start) {
            clear(checkpointed_start);
        }
        cut_epochs();
        start_epochs_at(checkpointed_start);
    }

    // --- reading ------------------------------------------------------------------------------

    std::optional<TimestampOffset> find_by_timestamp(Timestamp target) const {
        for (const Offset base : bases) {
            if (newest_in(base) < target) continue;
            std::optional<TimestampOffset> found;
            for (const RecordBatch& batch : of(base)) {
                for_each_record(batch, [&](const RecordView& record) {
                    const bool is_gone =
                        record.offset < start && bug != ModelBug::finds_below_the_log_start;
                    if (!found && !is_gone && record.timestamp >= target) {
                        found = TimestampOffset{record.timestamp, record.offset};
                    }
                });
            }
            return found;
        }
        return std::nullopt;
    }
};

}  // namespace tribunal
