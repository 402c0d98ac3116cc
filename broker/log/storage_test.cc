// Retention, recovery and checkpoint files, a table each.
#include <gtest/gtest.h>

#include "broker/log/checkpoint_files.h"
#include "broker/log/recovery.h"
#include "broker/log/retention.h"

namespace tribunal {
namespace {

RecordBatch batch_at(Offset base, std::int64_t time) {
    BatchBuilder builder;
    Record record;
    record.value = std::string(30, 'v');
    record.timestamp = Timestamp{time};
    builder.append(record);
    RecordBatch batch = builder.close();
    batch.base_offset = base;
    batch.leader_epoch = LeaderEpoch{1};
    return batch;
}

// Segments of two records of 100 bytes or so: bases 0, 2, 4; timestamps 1000 to 6000.
ReplicaLog three_segments(TopicConfig& config) {
    ReplicaLog log;
    config.segment_bytes = 2 * batch_at(Offset{0}, 1000).size_in_bytes();
    for (int i = 0; i < 6; ++i) log.append(batch_at(Offset{i}, 1000 * (i + 1)), config);
    EXPECT_EQ(log.segments.size(), 3u);
    return log;
}

TEST(retention, deletes_whole_segments_below_the_high_watermark) {
    struct Case {
        const char* name;
        std::int64_t segments_of_bytes;  // retention.bytes in segments; -1: no limit
        std::int64_t retention_ms;
        std::int64_t now;
        std::int64_t high_watermark;
        std::size_t want;
    };
    constexpr Case cases[] = {
        {"nothing is old or much", 3, 10'000, 7'000, 6, 0},
        {"two segments may stay", 2, -1, 7'000, 6, 1},
        {"none may stay: the active one goes too", 0, -1, 7'000, 6, 3},
        {"but not what is not committed", 0, -1, 7'000, 5, 2},
        {"nor a segment that is committed in part", 0, -1, 7'000, 3, 1},
        {"older than its newest record allows", -1, 1'500, 4'000, 6, 1},
        {"exactly as old as allowed", -1, 2'000, 4'000, 6, 0},
        {"all are too old", -1, 1'000, 90'000, 6, 3},
        {"a retention of -1 keeps for ever", -1, -1, 900'000'000, 6, 0},
    };
    for (const Case& c : cases) {
        TopicConfig config;
        ReplicaLog log = three_segments(config);
        config.retention_bytes =
            c.segments_of_bytes < 0 ? -1 : c.segments_of_bytes * config.segment_bytes;
        config.retention = c.retention_ms < 0 ? Duration{-1} : milliseconds(c.retention_ms);
        const std::size_t count =
            deletable_segments(log, config, Offset{c.high_watermark}, Timestamp{c.now});
        EXPECT_EQ(count, c.want) << c.name;
        log.delete_segments(count);
        EXPECT_EQ(log.log_start_offset, Offset{static_cast<std::int64_t>(2 * c.want)}) << c.name;
        EXPECT_EQ(log.log_end_offset, Offset{6}) << c.name;
        EXPECT_EQ(deletable_segments(log, config, Offset{c.high_watermark}, Timestamp{c.now}), 0u)
            << c.name;
    }
}

TEST(retention, a_segment_below_the_log_start_goes_even_from_a_compacted_log) {
    TopicConfig config;
    ReplicaLog log = three_segments(config);
    config.cleanup_delete = false;
    config.retention = milliseconds(0);
    EXPECT_EQ(deletable_segments(log, config, Offset{6}, Timestamp{99'000}), 0u);
    log.advance_start(Offset{3});
    EXPECT_EQ(deletable_segments(log, config, Offset{6}, Timestamp{99'000}), 1u);
}

TEST(recovery, cuts_at_the_first_bad_batch_behind_the_recovery_point) {
    struct Case {
        const char* name;
        std::size_t bad;  // record number
        std::int64_t recovery_point;
        bool clean;
        std::int64_t want_end;
    };
    constexpr Case cases[] = {
        {"the last one is torn", 5, 0, false, 5},
        {"one in the middle takes the later segments along", 2, 0, false, 2},
        {"in the segment of the recovery point", 3, 3, false, 3},
        {"before that segment nobody looks", 1, 3, false, 6},
        {"after a clean shutdown nobody looks at all", 5, 0, true, 6},
    };
    for (const Case& c : cases) {
        TopicConfig config;
        ReplicaLog log;
        config.segment_bytes = 2 * batch_at(Offset{0}, 1000).size_in_bytes();
        for (std::size_t i = 0; i < 6; ++i) {
            RecordBatch batch = batch_at(Offset{static_cast<std::int64_t>(i)}, 1000);
            if (i == c.bad) ++batch.crc;
            log.append(batch, config);
        }
        LogCheckpoints checkpoints;
        checkpoints.recovery_point = Offset{c.recovery_point};
        load_log(log, checkpoints, c.clean, config);
        EXPECT_EQ(log.log_end_offset, Offset{c.want_end}) << c.name;
        EXPECT_EQ(log.recovery_point,
                  c.clean ? Offset{6} : Offset{std::min(c.recovery_point, c.want_end)})
            << c.name;
    }
}

TEST(recovery, the_log_start_comes_from_the_checkpoint_or_the_first_segment) {
    TopicConfig config;
    ReplicaLog log = three_segments(config);
    log.advance_start(Offset{3});
    LogCheckpoints checkpoints;
    load_log(log, checkpoints, false, config);
    EXPECT_EQ(log.log_start_offset, Offset{0}) << "DeleteRecords came undone (KIP-107)";
    checkpoints.log_start_offset = Offset{3};
    load_log(log, checkpoints, false, config);
    EXPECT_EQ(log.log_start_offset, Offset{3});
    log.delete_segments(2);
    load_log(log, checkpoints, false, config);
    EXPECT_EQ(log.log_start_offset, Offset{4});
    checkpoints.log_start_offset = Offset{9};
    load_log(log, checkpoints, false, config);
    EXPECT_EQ(log.log_end_offset, Offset{9}) << "a log that ends below its start begins anew";
    EXPECT_TRUE(log.empty());
}

TEST(checkpoint_files, are_read_as_they_are_written) {
    const std::vector<OffsetCheckpointEntry> entries{{"orders", 0, Offset{17}},
                                                     {"__consumer_offsets", 49, Offset{0}}};
    const std::string text = offset_checkpoint_text(entries);
    EXPECT_EQ(text, "0\n2\norders 0 17\n__consumer_offsets 49 0\n");
    const auto back = parse_offset_checkpoint(text);
    ASSERT_TRUE(back);
    EXPECT_EQ(*back, entries);
}

TEST(checkpoint_files, say_what_is_wrong_with_them) {
    const struct {
        const char* text;
        const char* why;
    } cases[] = {
        {"", "the file is empty"},
        {"1\n0\n", "line 1: not version 0"},
        {"0\n", "line 1: not a number of entries"},
        {"0\n-1\n", "line 2: not a number of entries"},
        {"0\n1\n3 x\n", "line 3: not an entry"},
        {"0\n1\n3\n", "line 3: not an entry"},
        {"0\n2\n3 4\n", "expected 2 entries, found 1"},
    };
    for (const auto& c : cases) {
        const auto parsed = parse_leader_epoch_checkpoint(c.text);
        ASSERT_FALSE(parsed) << c.text;
        EXPECT_EQ(parsed.error().why, c.why) << c.text;
    }
}

}  // namespace
}  // namespace tribunal
