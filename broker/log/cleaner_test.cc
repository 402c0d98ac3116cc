// Compaction: what may be cleaned, what stays, and a state test of a log with compaction against
// plain vectors.
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "broker/log/cleaner.h"
#include "broker/log/recovery.h"
#include "broker/log/retention.h"
#include "broker/protocol/control_record.h"

namespace tribunal {
namespace {

constexpr std::int64_t kDay = 24 * 3600 * 1000;

// A key and a value as a test writes them; no value: a tombstone.
struct Entry {
    std::optional<std::string> key;
    std::optional<std::string> value;
    std::int64_t timestamp = 1000;
};

struct BatchShape {
    ProducerId producer = kNoProducerId;
    std::int16_t epoch = -1;
    std::int32_t sequence = -1;
    std::int16_t attributes = 0;
    CompressionType compression = CompressionType::none;
};

RecordBatch batch_of(Offset base, const std::vector<Entry>& entries, const BatchShape& shape = {}) {
    BatchBuilder builder;
    for (const Entry& entry : entries) {
        Record record;
        record.key = entry.key;
        record.value = entry.value;
        record.timestamp = Timestamp{entry.timestamp};
        builder.append(record);
    }
    RecordBatch batch =
        builder.close(shape.producer, shape.epoch, shape.sequence, shape.compression);
    batch.attributes = static_cast<std::int16_t>(batch.attributes | shape.attributes);
    batch.crc = checksum(batch);
    batch.base_offset = base;
    batch.leader_epoch = LeaderEpoch{0};
    return batch;
}

// A log of a compacted topic, its settings and what a broker keeps beside it.
struct Compacted {
    TopicConfig topic;
    Rules rules;
    ReplicaLog log;
    std::optional<Offset> checkpoint;
    std::optional<Offset> high_watermark;  // the log end
    std::int64_t dedupe_buffer_size = 128 << 20;
    Timestamp now{2000};
    PlantedBug planted_bug = PlantedBug::none;
    bool producers_expire = false;

    Compacted() {
        topic.cleanup_compact = true;
        topic.cleanup_delete = false;
    }

    void append(const std::vector<Entry>& entries, const BatchShape& shape = {}) {
        log.append(batch_of(log.log_end_offset, entries, shape), topic);
    }
    void end_transaction(bool commits, ProducerId producer) {
        RecordBatch batch = marker_batch(producer, 0, {commits, 0}, Timestamp{1000});
        batch.base_offset = log.log_end_offset;
        batch.leader_epoch = LeaderEpoch{0};
        log.append(std::move(batch), topic);
    }
    void list_aborted(ProducerId producer, Offset first) {
        const Offset last = log.log_end_offset + -1;
        log.segments.back().edit().transaction_index.append(
            {producer, first, last, log.log_end_offset});
    }
    void roll() { log.roll(log.log_end_offset); }

    CleanerContext context() const {
        return {topic,
                rules,
                dedupe_buffer_size,
                checkpoint,
                high_watermark.value_or(log.log_end_offset),
                now,
                planted_bug};
    }
    LogToClean to_clean() const {
        return log_to_clean(log, cleanable_offsets(log, context()), context());
    }
    // Whatever is dirty, worth it or not.
    CleanerStats clean() {
        log.producers.on_high_watermark(high_watermark.value_or(log.log_end_offset));
        if (producers_expire) log.producers.producers.clear();
        Cleaning cleaning = tribunal::clean(log, to_clean(), context());
        checkpoint = cleaning.end_offset;
        const CleanerStats stats = cleaning.stats;
        replace(log, std::move(cleaning));
        return stats;
    }

    // "0:a=1 3:b=- 4:.": what stands where; a dot: a batch without records ends there.
    std::string shown() const {
        std::string text;
        log.for_each_batch(log.log_start_offset, [&](const RecordBatch& batch) {
            EXPECT_TRUE(is_intact(batch));
            if (batch.record_count == 0) {
                text +=
                    (text.empty() ? "" : " ") + std::to_string(batch.last_offset().value) + ":.";
            }
            EXPECT_TRUE(for_each_record(batch, [&](const RecordView& record) {
                text += (text.empty() ? "" : " ") + std::to_string(record.offset.value) + ":";
                if (batch.is_control()) {
                    text += "marker";
                    return;
                }
                text += std::string{record.key.value_or("?")} + "=" +
                        std::string{record.value.value_or("-")};
            }));
        });
        return text;
    }
};

TEST(cleaner, keeps_the_newest_record_of_a_key_at_its_offset) {
    Compacted c;
    c.append({{"a", "1"}, {"b", "1"}, {"c", "1"}});
    c.append({{"a", "2"}});
    c.roll();
    c.append({{"b", "2"}, {"d", "1"}});
    c.roll();
    c.append({{"a", "3"}});
    const LeaderEpochFileCache epochs = c.log.epoch_cache;
    const CleanerStats stats = c.clean();
    EXPECT_EQ(c.shown(), "2:c=1 3:a=2 4:b=2 5:d=1 6:a=3") << "the active segment is left alone";
    EXPECT_EQ(c.checkpoint, Offset{6});
    EXPECT_EQ(c.log.log_end_offset, Offset{7});
    EXPECT_EQ(c.log.epoch_cache, epochs);
    EXPECT_EQ(stats.records_read, 6);
    EXPECT_EQ(stats.records_retained, 4);
    std::int64_t size = 0;
    for (const auto& segment : c.log.segments) size += segment->size_in_bytes;
    EXPECT_EQ(c.log.size_in_bytes, size);
    // What is left keeps its place in its batch, and the batch its end.
    EXPECT_EQ(c.log.last_place(), (ReplicaLog::Place{1, 0})) << "two segments became one";
    const RecordBatch& first = c.log.segments[0]->batches[0];
    EXPECT_EQ(first.base_offset, Offset{0});
    EXPECT_EQ(first.last_offset(), Offset{2});
    EXPECT_EQ(first.record_count, 1);
    // And the clean part is cleaned again by what gets dirty.
    c.roll();
    c.clean();
    EXPECT_EQ(c.shown(), "2:c=1 4:b=2 5:d=1 6:a=3");
}

TEST(cleaner, cleaning_again_changes_nothing) {
    Compacted c;
    for (int i = 0; i < 20; ++i) c.append({{"k" + std::to_string(i % 3), std::to_string(i)}});
    c.roll();
    c.clean();
    const ReplicaLog once = c.log;
    c.checkpoint.reset();
    EXPECT_TRUE(clean(c.log, c.to_clean(), c.context()).replacements.empty());
    c.clean();
    EXPECT_EQ(c.log, once);
}

TEST(cleaner, stays_below_what_may_still_be_truncated) {
    struct Case {
        const char* name;
        bool bounded;
        std::optional<Offset> high_watermark;
        std::optional<Offset> unstable;
        const char* want;
    };
    // Segments begin at 0, 1 and 2; the active one at 3.
    const Case cases[] = {
        {"all replicated", true, std::nullopt, std::nullopt, "2:a=3 3:a=4"},
        {"the last one is not", true, Offset{2}, std::nullopt, "1:a=2 2:a=3 3:a=4"},
        {"nothing is", true, Offset{0}, std::nullopt, "0:a=1 1:a=2 2:a=3 3:a=4"},
        {"before KAFKA-13194 that did not matter", false, Offset{0}, std::nullopt, "2:a=3 3:a=4"},
        {"but an open transaction did", false, Offset{0}, Offset{1}, "0:a=1 1:a=2 2:a=3 3:a=4"},
        {"as it does now", true, std::nullopt, Offset{2}, "1:a=2 2:a=3 3:a=4"},
    };
    for (const Case& row : cases) {
        Compacted c;
        c.rules.cleaner_bounded_by_high_watermark = row.bounded;
        for (int i = 1; i <= 4; ++i) {
            if (i > 1) c.roll();
            c.append({{"a", std::to_string(i)}});
        }
        c.high_watermark = row.high_watermark;
        if (row.unstable) c.log.producers.ongoing[*row.unstable] = {ProducerId{1}, kNoOffset};
        if (c.to_clean().cleanable_bytes > 0) c.clean();
        EXPECT_EQ(c.shown(), row.want) << row.name;
    }
}

TEST(cleaner, a_segment_that_holds_the_bound_is_not_touched) {
    Compacted c;
    c.append({{"a", "1"}});
    c.roll();
    c.append({{"a", "2"}});
    c.append({{"a", "3"}});
    c.roll();
    c.append({{"z", "1"}});
    c.high_watermark = Offset{2};
    EXPECT_EQ(c.to_clean().first_uncleanable, Offset{1});
    c.clean();
    EXPECT_EQ(c.shown(), "0:a=1 1:a=2 2:a=3 3:z=1");
}

TEST(cleaner, young_records_wait_for_min_compaction_lag) {
    Compacted c;
    c.topic.min_compaction_lag = seconds(10);
    c.now = Timestamp{20'000};
    c.append({{"a", "1", 5'000}});
    c.roll();
    c.append({{"a", "2", 9'000}});
    c.roll();
    c.append({{"a", "3", 10'001}});
    c.roll();
    c.append({{"a", "4", 1}});
    EXPECT_EQ(c.to_clean().first_uncleanable, Offset{2});
    c.clean();
    EXPECT_EQ(c.shown(), "1:a=2 2:a=3 3:a=4");
    c.now = Timestamp{20'001};
    c.clean();
    EXPECT_EQ(c.shown(), "2:a=3 3:a=4");
    c.planted_bug = PlantedBug::cleaner_ignores_lag;
    c.append({{"a", "5", 20'000}});
    c.roll();
    c.clean();
    EXPECT_EQ(c.shown(), "4:a=5");
}

TEST(cleaner, is_worth_it_above_the_dirty_ratio_or_when_overdue) {
    Compacted c;
    c.topic.max_compaction_lag = seconds(100);
    c.now = Timestamp{50'000};
    c.append({{"a", "1", 1'000}});
    c.roll();
    c.append({{"b", "1", 1'000}});
    c.roll();
    c.append({{"c", "1", 1'000}});
    c.roll();
    c.checkpoint = Offset{2};
    const LogToClean third = c.to_clean();
    EXPECT_EQ(third.dirty_ratio(), 333'333);
    EXPECT_EQ(third.clean_bytes, 2 * third.cleanable_bytes);
    c.topic.min_cleanable_dirty_ratio = 333'333;
    EXPECT_TRUE(is_worth_cleaning(third, c.topic)) << "compared exactly, not rounded";
    c.topic.min_cleanable_dirty_ratio = 333'334;
    EXPECT_FALSE(is_worth_cleaning(third, c.topic));
    EXPECT_FALSE(third.is_overdue);
    // KIP-354: the first batch of a dirty segment is older than max.compaction.lag.ms.
    c.now = Timestamp{101'000};
    EXPECT_FALSE(c.to_clean().is_overdue);
    c.now = Timestamp{101'001};
    EXPECT_TRUE(c.to_clean().is_overdue);
    EXPECT_TRUE(is_worth_cleaning(c.to_clean(), c.topic));
    // Nothing dirty is never worth it.
    c.checkpoint = Offset{3};
    EXPECT_EQ(c.to_clean().cleanable_bytes, 0);
    EXPECT_FALSE(is_worth_cleaning(c.to_clean(), c.topic));
}

TEST(cleaner, a_checkpoint_that_does_not_fit_the_log_is_reset) {
    Compacted c;
    for (int i = 0; i < 4; ++i) c.append({{"a", "1"}});
    c.roll();
    c.append({{"a", "2"}});
    c.checkpoint = Offset{9};
    EXPECT_EQ(cleanable_offsets(c.log, c.context()),
              (CleanableOffsets{Offset{0}, Offset{4}, true}));
    c.log.advance_start(Offset{3});
    c.checkpoint = Offset{2};
    EXPECT_EQ(cleanable_offsets(c.log, c.context()),
              (CleanableOffsets{Offset{3}, Offset{4}, true}));
    c.checkpoint = Offset{3};
    EXPECT_EQ(cleanable_offsets(c.log, c.context()),
              (CleanableOffsets{Offset{3}, Offset{4}, false}));
}

TEST(cleaner, a_tombstone_stays_for_delete_retention_after_the_first_cleaning) {
    Compacted c;
    c.now = Timestamp{3 * kDay};
    c.append({{"a", "1", 500}, {"b", "1", 600}});
    c.append({{"a", std::nullopt, 700}});
    c.roll();
    c.append({{"z", "1", 800}});
    c.clean();
    EXPECT_EQ(c.shown(), "1:b=1 2:a=- 3:z=1") << "however old it is";
    const RecordBatch& tombstone = c.log.segments[0]->batches[1];
    EXPECT_EQ(tombstone.delete_horizon(), Timestamp{4 * kDay});
    EXPECT_EQ(tombstone.max_timestamp, Timestamp{700});
    for_each_record(tombstone, [](const RecordView& record) {
        EXPECT_EQ(record.timestamp, Timestamp{700}) << "the horizon hides no timestamp";
    });
    EXPECT_FALSE(c.log.segments[0]->batches[0].delete_horizon());

    const auto clean_at = [&](std::int64_t now) {
        c.now = Timestamp{now};
        c.append({{"y", std::to_string(now), 900}});
        c.roll();
        c.clean();
        return c.shown();
    };
    EXPECT_EQ(clean_at(4 * kDay - 1), "1:b=1 2:a=- 3:z=1 4:y=345599999");
    EXPECT_EQ(clean_at(4 * kDay), "1:b=1 3:z=1 5:y=345600000");
}

TEST(cleaner, before_kip_534_the_age_of_the_segment_decides_on_tombstones) {
    Compacted c;
    c.rules.cleaner_sets_delete_horizon = false;
    c.now = Timestamp{9 * kDay};
    c.append({{"a", std::nullopt, 1'000}});
    c.roll();
    c.append({{"b", "1", kDay + 999}});
    c.roll();
    c.clean();
    EXPECT_EQ(c.shown(), "0:a=- 1:b=1");
    EXPECT_FALSE(c.log.segments[0]->batches[0].delete_horizon());
    // Cleaned with `b`, the tombstone's segment is as young as that.
    c.append({{"c", "1", 2 * kDay + 998}});
    c.roll();
    c.clean();
    EXPECT_EQ(c.shown(), "0:a=- 1:b=1 2:c=1");
    c.append({{"d", "1", 9 * kDay}});
    c.roll();
    c.clean();
    c.append({{"e", "1", 9 * kDay}});
    c.roll();
    c.clean();
    EXPECT_EQ(c.shown(), "0:a=- 1:b=1 2:c=1 3:d=1 4:e=1")
        << "one group, rewritten for ever: what KAFKA-8522 is about";
}

TEST(cleaner, records_without_a_key_are_invalid_and_go) {
    Compacted c;
    c.append({{std::nullopt, "1"}, {"a", "1"}});
    c.roll();
    const CleanerStats stats = c.clean();
    EXPECT_EQ(c.shown(), "1:a=1");
    EXPECT_EQ(stats.invalid_records, 1);
}

TEST(cleaner, the_last_batch_of_a_producer_keeps_its_header) {
    Compacted c;
    c.append({{"a", "1"}, {"b", "1"}}, {ProducerId{7}, 0, 0});
    c.append({{"a", "2"}, {"b", "2"}}, {ProducerId{7}, 0, 2});
    c.append({{"a", "3"}}, {ProducerId{8}, 3, 0});
    c.append({{"b", "3"}});
    c.roll();
    c.append({{"z", "1"}});
    c.log.producers.producers.erase(ProducerId{8});  // it expired
    c.clean();
    EXPECT_EQ(c.shown(), "3:. 4:a=3 5:b=3 6:z=1");
    const RecordBatch& empty = c.log.segments[0]->batches[0];
    EXPECT_EQ(empty.base_offset, Offset{2});
    EXPECT_EQ(empty.producer_id, ProducerId{7});
    EXPECT_EQ(empty.base_sequence, 2);
    EXPECT_EQ(empty.last_sequence(), 3);
    EXPECT_EQ(empty.base_timestamp, kNoTimestamp);
    EXPECT_EQ(empty.max_timestamp, Timestamp{1000});
    EXPECT_EQ(empty.size_in_bytes(), 61);
    // It goes when the producer has written more, or is forgotten.
    c.log.producers.producers.clear();
    c.roll();
    c.clean();
    EXPECT_EQ(c.shown(), "4:a=3 5:b=3 6:z=1");
}

TEST(cleaner, the_last_batch_of_a_cleaning_tells_where_the_log_went_on) {
    Compacted c;
    c.append({{"a", "1"}});
    c.append({{std::nullopt, "1"}});
    c.roll();
    c.append({{"a", "2"}});
    c.clean();
    EXPECT_EQ(c.shown(), "0:a=1 1:. 2:a=2");
    EXPECT_EQ(c.checkpoint, Offset{2});
    EXPECT_EQ(c.log.segments[0]->next_offset(), Offset{2});
}

TEST(cleaner, aborted_data_goes_first_and_its_marker_later) {
    Compacted c;
    c.producers_expire = true;
    const BatchShape transactional{ProducerId{5}, 0, 0, attribute::kTransactional};
    c.append({{"a", "0"}});
    c.append({{"a", "1"}}, transactional);
    c.end_transaction(false, ProducerId{5});
    c.list_aborted(ProducerId{5}, Offset{1});
    c.roll();
    c.append({{"z", "1"}});
    c.clean();
    EXPECT_EQ(c.shown(), "0:a=0 2:marker 3:z=1") << "an aborted record stands for no key";
    EXPECT_EQ(c.log.segments[0]->transaction_index.entries.size(), 1u);
    const auto again = [&](std::int64_t now) {
        c.now = Timestamp{now};
        c.append({{"z", std::to_string(now)}});
        c.roll();
        c.clean();
        return c.shown();
    };
    // Its data gone, it gets its time; the index forgets the transaction.
    EXPECT_EQ(again(5'000), "0:a=0 2:marker 4:z=5000");
    EXPECT_TRUE(c.log.segments[0]->transaction_index.entries.empty());
    EXPECT_EQ(c.log.segments[0]->batches[1].delete_horizon(), Timestamp{5'000 + kDay});
    EXPECT_EQ(again(5'000 + kDay - 1), "0:a=0 2:marker 5:z=86404999");
    EXPECT_EQ(again(5'000 + kDay), "0:a=0 6:z=86405000");
}

TEST(cleaner, a_commit_marker_stays_as_long_as_its_data) {
    Compacted c;
    c.producers_expire = true;
    const BatchShape transactional{ProducerId{5}, 0, 0, attribute::kTransactional};
    c.append({{"a", "1"}}, transactional);
    c.end_transaction(true, ProducerId{5});
    c.roll();
    c.append({{"z", "1"}});
    for (int i = 0; i < 3; ++i) {
        c.checkpoint.reset();
        c.now = Timestamp{c.now.value + 2 * kDay};
        c.clean();
        EXPECT_EQ(c.shown(), "0:a=1 1:marker 2:z=1");
    }
    c.append({{"a", "2"}});
    c.roll();
    c.clean();
    EXPECT_EQ(c.shown(), "1:marker 2:z=1 3:a=2");
    c.append({{"z", "2"}});
    c.roll();
    c.clean();
    c.now = Timestamp{c.now.value + kDay};
    c.append({{"z", "3"}});
    c.roll();
    c.clean();
    EXPECT_EQ(c.shown(), "3:a=2 5:z=3");
}

TEST(cleaner, a_marker_is_not_taken_for_a_record_with_its_key_bytes) {
    for (const bool mended : {true, false}) {
        Compacted c;
        c.rules.cleaner_keeps_control_batches = mended;
        c.producers_expire = true;
        c.append({{"a", "1"}}, {ProducerId{5}, 0, 0, attribute::kTransactional});
        c.end_transaction(true, ProducerId{5});
        // Version 0, type 1: what a commit marker has for a key (KAFKA-14055).
        c.append({{std::string("\0\0\0\1", 4), "u"}});
        c.roll();
        c.append({{"z", "1"}});
        c.clean();
        const std::string user = "2:" + std::string("\0\0\0\1", 4) + "=u 3:z=1";
        EXPECT_EQ(c.shown(), (mended ? "0:a=1 1:marker " : "0:a=1 ") + user);
    }
}

TEST(cleaner, a_full_offset_map_cleans_as_far_as_it_goes) {
    Compacted c;
    c.dedupe_buffer_size = 3 * 24 * 10 / 9 + 24;
    ASSERT_EQ(offset_map_capacity(c.dedupe_buffer_size), 3);
    c.append({{"a", "1"}, {"b", "1"}});
    c.append({{"a", "2"}, {"c", "1"}, {"b", "2"}});
    c.append({{"c", "2"}});
    c.roll();
    c.append({{"z", "1"}});
    c.clean();
    // Full with `c` at 3; the next record, though of a known key, is left for another round.
    EXPECT_EQ(c.checkpoint, Offset{4});
    EXPECT_EQ(c.shown(), "1:b=1 2:a=2 3:c=1 4:b=2 5:c=2 6:z=1");
    c.clean();
    EXPECT_EQ(c.checkpoint, Offset{6});
    EXPECT_EQ(c.shown(), "2:a=2 4:b=2 5:c=2 6:z=1");
}

TEST(cleaner, segments_are_grouped_up_to_segment_bytes_and_index_size) {
    Compacted c;
    for (int i = 0; i < 6; ++i) {
        c.append({{"k" + std::to_string(i), "1"}});
        c.roll();
    }
    const std::int64_t one = c.log.segments[0]->size_in_bytes;
    const auto bases = [&] {
        std::vector<std::int64_t> offsets;
        for (const auto& segment : c.log.segments) offsets.push_back(segment->base_offset.value);
        return offsets;
    };
    Compacted d = c;
    c.topic.segment_bytes = 2 * one;
    c.clean();
    EXPECT_EQ(bases(), (std::vector<std::int64_t>{0, 2, 4, 6}));
    EXPECT_EQ(c.shown(), "0:k0=1 1:k1=1 2:k2=1 3:k3=1 4:k4=1 5:k5=1");
    // Each segment has one time index entry, from when it was closed.
    ASSERT_EQ(d.log.segments[0]->time_index.entries.size(), 1u);
    d.topic.segment_index_bytes = 3 * TimeIndex::kEntryBytes;
    d.clean();
    EXPECT_EQ(d.log.segments.size(), 3u);
    // A copy taken before shares nothing that was cleaned and is not changed.
    EXPECT_EQ(d.shown(), "0:k0=1 1:k1=1 2:k2=1 3:k3=1 4:k4=1 5:k5=1");
}

TEST(cleaner, compressed_batches_stay_compressed) {
    Compacted c;
    const BatchShape zstd{kNoProducerId, -1, -1, 0, CompressionType::zstd};
    c.append({{"a", "1"}, {"b", std::string(500, 'x')}, {"a", "2"}}, zstd);
    c.roll();
    c.clean();
    EXPECT_EQ(c.shown(), "1:b=" + std::string(500, 'x') + " 2:a=2");
    EXPECT_EQ(c.log.segments[0]->batches[0].compression(), CompressionType::zstd);
}

TEST(cleaner, timestamps_are_what_they_were) {
    for (const bool log_append_time : {false, true}) {
        Compacted c;
        const BatchShape shape{kNoProducerId, -1, -1,
                               log_append_time ? attribute::kLogAppendTime : std::int16_t{0}};
        c.append({{"a", "1", 900}, {"b", "1", 100}, {"c", "1", 300}, {"a", "2", 200}}, shape);
        c.roll();
        c.clean();
        std::vector<std::int64_t> seen;
        for_each_record(c.log.segments[0]->batches[0],
                        [&](const RecordView& r) { seen.push_back(r.timestamp.value); });
        const RecordBatch& batch = c.log.segments[0]->batches[0];
        if (log_append_time) {
            EXPECT_EQ(seen, (std::vector<std::int64_t>{900, 900, 900}));
            EXPECT_EQ(batch.max_timestamp, Timestamp{900});
        } else {
            EXPECT_EQ(seen, (std::vector<std::int64_t>{100, 300, 200}));
            EXPECT_EQ(batch.max_timestamp, Timestamp{300});
            EXPECT_EQ(batch.base_timestamp, Timestamp{100});
        }
    }
}

// --- against plain vectors ----------------------------------------------------------------------

// What the log is, without batches, segments, offset maps and passes.
struct PlainRecord {
    std::int64_t offset = 0;
    std::string key;
    std::optional<std::string> value;
    std::optional<std::int64_t> horizon;  // of its batch, once a cleaning has met a tombstone in it
    std::int64_t batch = 0;               // base offset
};
struct Plain {
    std::vector<PlainRecord> records;
    std::int64_t end = 0;
    std::int64_t dirty = 0;

    // Keeps of each key the newest below `upto`, and forgets tombstones whose time has come.
    void clean(std::int64_t upto, std::int64_t now, std::int64_t retention) {
        std::map<std::string, std::int64_t> newest;
        for (const PlainRecord& r : records) {
            if (r.offset >= dirty && r.offset < upto) newest[r.key] = r.offset;
        }
        std::map<std::int64_t, bool> has_tombstone;
        std::erase_if(records, [&](const PlainRecord& r) {
            if (r.offset >= upto) return false;
            const auto it = newest.find(r.key);
            if (it != newest.end() && it->second > r.offset) return true;
            return !r.value && r.horizon && *r.horizon <= now;
        });
        for (const PlainRecord& r : records) {
            if (r.offset < upto && !r.value) has_tombstone[r.batch] = true;
        }
        for (PlainRecord& r : records) {
            if (r.offset < upto && has_tombstone[r.batch] && !r.horizon)
                r.horizon = now + retention;
        }
        dirty = upto;
    }
    std::vector<std::pair<std::int64_t, std::string>> shown(std::int64_t from) const {
        std::vector<std::pair<std::int64_t, std::string>> all;
        for (const PlainRecord& r : records) {
            if (r.offset >= from) all.emplace_back(r.offset, r.key + "=" + r.value.value_or("-"));
        }
        return all;
    }
};

std::vector<std::pair<std::int64_t, std::string>> shown(const ReplicaLog& log) {
    std::vector<std::pair<std::int64_t, std::string>> all;
    log.for_each_batch(log.log_start_offset, [&](const RecordBatch& batch) {
        for_each_record(batch, [&](const RecordView& r) {
            if (r.offset < log.log_start_offset) return;
            all.emplace_back(r.offset.value,
                             std::string{*r.key} + "=" + std::string{r.value.value_or("-")});
        });
    });
    return all;
}

// One random life of a compacted log beside its plain twin. Returns what is different first; empty
// when nothing is.
std::string compare(PlantedBug bug) {
    Compacted c;
    c.planted_bug = bug;
    c.topic.segment_bytes = 400;
    c.topic.index_interval_bytes = 100;
    c.topic.delete_retention = milliseconds(50);
    c.now = Timestamp{1000};
    Plain plain;
    LogCheckpoints checkpoints;
    const auto commands =
        *rc::gen::resize(120, rc::gen::container<std::vector<std::pair<int, int>>>(rc::gen::pair(
                                  rc::gen::inRange(0, 24), rc::gen::inRange(0, 1000))));
    std::int64_t value = 0;
    for (const auto& [command, number] : commands) {
        const std::int64_t end = c.log.log_end_offset.value;
        c.now = Timestamp{c.now.value + number % 7};
        if (command < 14) {
            std::vector<Entry> entries;
            for (int i = 0; i <= number % 4; ++i) {
                const std::string key = "k" + std::to_string((number / 4 + i * i) % 6);
                Entry entry{key, std::to_string(value++), c.now.value};
                if ((number + i) % 5 == 0) entry.value.reset();
                plain.records.push_back({end + i, key, entry.value, std::nullopt, end});
                entries.push_back(entry);
            }
            c.append(entries);
            plain.end = c.log.log_end_offset.value;
        } else if (command < 16) {
            c.roll();
        } else if (command < 21) {
            const Offset upto = c.to_clean().first_uncleanable;
            if (c.to_clean().cleanable_bytes == 0) continue;
            c.clean();
            plain.dirty = std::max(plain.dirty, c.log.log_start_offset.value);
            plain.clean(upto.value, c.now.value, 50);
        } else if (command == 21) {
            // Never below the high watermark, and so never into what was cleaned.
            const std::int64_t floor = std::max(plain.dirty, c.log.log_start_offset.value);
            const Offset to{floor + (end - floor) * (number % 100) / 100};
            c.log.truncate_to(to);
            const std::int64_t cut = c.log.log_end_offset.value;
            std::erase_if(plain.records, [&](const PlainRecord& r) { return r.offset >= cut; });
            c.checkpoint =
                std::min(c.checkpoint.value_or(Offset{0}), c.log.active_segment().base_offset);
            plain.dirty = std::min(plain.dirty, c.log.active_segment().base_offset.value);
        } else if (command == 22) {
            const std::int64_t start = c.log.log_start_offset.value;
            c.log.advance_start(Offset{start + (end - start) * (number % 30) / 100});
            c.log.delete_segments(deletable_segments(c.log, c.topic, c.log.log_end_offset, c.now));
        } else {
            // An unclean stop: all indexes are made anew from the batches.
            checkpoints.log_start_offset = c.log.log_start_offset;
            load_log(c.log, checkpoints, false, c.topic);
        }
        if (shown(c.log) != plain.shown(c.log.log_start_offset.value)) {
            return "after command " + std::to_string(command) + " the log is " + c.shown();
        }
        if (c.log.log_end_offset.value != std::max(plain.end, c.log.log_end_offset.value) &&
            command < 14) {
            return "the log end is wrong";
        }
        for (std::size_t i = 0; i + 1 < c.log.segments.size(); ++i) {
            if (c.log.segments[i]->next_offset() > c.log.segments[i + 1]->base_offset) {
                return "segments overlap";
            }
        }
    }
    return {};
}

RC_GTEST_PROP(cleaner_property, a_compacted_log_is_what_its_plain_twin_says, ()) {
    const std::string difference = compare(PlantedBug::none);
    if (!difference.empty()) RC_FAIL(difference);
}

TEST(cleaner_property, the_twin_finds_planted_bugs) {
    for (const PlantedBug bug :
         {PlantedBug::cleaner_keeps_first, PlantedBug::cleaner_forgets_tombstones}) {
        bool found = false;
        const bool held = rc::detail::checkTestable([&] {
                              const bool differs = !compare(bug).empty();
                              found = found || differs;
                          }).template is<rc::detail::SuccessResult>();
        EXPECT_TRUE(held);
        EXPECT_TRUE(found) << static_cast<int>(bug);
    }
}

}  // namespace
}  // namespace tribunal
