// DeleteRecords, the low watermark, retention on a partition, and when appends are flushed.
#include <gtest/gtest.h>

#include "broker/replication/partition_fixture.h"

namespace tribunal {
namespace {

using Fixture = PartitionFixture;

// Ten records, eight of them committed.
Fixture led_to_eight() {
    Fixture f;
    f.lead({NodeId{1}, NodeId{2}, NodeId{3}});
    for (int i = 0; i < 10; ++i) EXPECT_TRUE(f.produce());
    f.fetch(2, 8);
    f.fetch(3, 8);
    EXPECT_EQ(f.p.high_watermark, Offset{8});
    return f;
}

TEST(delete_records, is_allowed_up_to_the_high_watermark) {
    struct Case {
        const char* name;
        std::int64_t offset;
        ErrorCode want;
        std::int64_t start;
    };
    constexpr Case cases[] = {
        {"below the high watermark", 5, ErrorCode::none, 5},
        {"the high watermark by number", 8, ErrorCode::none, 8},
        {"the high watermark by -1", -1, ErrorCode::none, 8},
        {"beyond it", 9, ErrorCode::offset_out_of_range, 0},
        {"negative", -2, ErrorCode::offset_out_of_range, 0},
        {"nothing", 0, ErrorCode::none, 0},
    };
    for (const Case& c : cases) {
        Fixture f = led_to_eight();
        auto context = f.context();
        const auto answer = delete_records(f.p, Offset{c.offset}, context);
        EXPECT_EQ(answer ? ErrorCode::none : answer.error(), c.want) << c.name;
        EXPECT_EQ(f.p.log.log_start_offset, Offset{c.start}) << c.name;
        EXPECT_EQ(f.p.log.segments.front()->base_offset, Offset{0}) << c.name;
    }
}

TEST(delete_records, is_refused_where_the_log_is_only_compacted_or_led_elsewhere) {
    Fixture f = led_to_eight();
    auto context = f.context();
    f.p.config.cleanup_compact = true;
    EXPECT_TRUE(delete_records(f.p, Offset{1}, context)) << "compact,delete";
    f.p.config.cleanup_delete = false;
    EXPECT_EQ(delete_records(f.p, Offset{2}, context).error(), ErrorCode::policy_violation);
    f.follow(2, 2);
    EXPECT_EQ(delete_records(f.p, Offset{2}, context).error(), ErrorCode::not_leader_or_follower);
}

// KAFKA-6975: whoever begins to follow later is sent the batch that the log start lies in, whole.
TEST(delete_records, inside_a_batch_lose_nothing_on_a_new_follower) {
    BatchBuilder builder;
    for (int i = 0; i < 10; ++i) builder.append(Fixture::a_record());
    const RecordBatch batch = builder.close();
    struct Case {
        const char* name;
        std::int64_t log_start;
        std::int64_t log_end;
        std::int64_t want_end;
    };
    constexpr Case cases[] = {
        {"an empty log that begins inside", 4, 4, 10},
        {"an empty log behind it", 10, 10, 10},
        {"what it has is left alone", 4, 10, 10},
        {"records that are none of this log", 4, 7, 7},
    };
    for (const Case& c : cases) {
        Fixture f;
        f.follow(2, 1);
        f.p.log.truncate_fully_and_start_at(Offset{c.log_start});
        if (c.log_end > c.log_start) f.append(1, static_cast<int>(c.log_end - c.log_start));
        FetchPartitionResponse response;
        response.partition = Fixture::kTp;
        response.high_watermark = Offset{10};
        response.log_start_offset = Offset{4};
        response.batches = {batch};
        auto context = f.context();
        const bool is_other = c.log_end != c.log_start && c.log_end < 10;
        EXPECT_EQ(append_as_follower(f.p, response, context), !is_other) << c.name;
        EXPECT_EQ(f.p.log.log_end_offset, Offset{c.want_end}) << c.name;
        if (is_other) continue;
        EXPECT_EQ(f.p.log.log_start_offset, std::max(Offset{4}, Offset{c.log_start})) << c.name;
        const bool begins_anew = c.want_end > c.log_end;
        EXPECT_EQ(f.p.log.last() != nullptr && f.p.log.last()->base_offset == Offset{0},
                  begins_anew)
            << c.name;
        EXPECT_EQ(f.p.high_watermark, Offset{10}) << c.name;
    }
}

TEST(low_watermark, is_the_lowest_log_start_of_those_that_live) {
    Fixture f = led_to_eight();
    auto context = f.context();
    ASSERT_TRUE(delete_records(f.p, Offset{6}, context));
    const auto fetch = [&](int replica, std::int64_t log_start) {
        FetchPartition request = Fixture::fetch_request(8);
        request.log_start_offset = Offset{log_start};
        on_replica_fetch(f.p, NodeId{replica}, BrokerEpoch{replica}, request, context);
    };
    fetch(2, 6);
    fetch(3, 2);
    EXPECT_EQ(low_watermark(f.p, f.alive), Offset{2});
    f.alive.erase(NodeId{3});
    EXPECT_EQ(low_watermark(f.p, f.alive), Offset{6}) << "a dead broker is not waited for";
}

std::size_t flushes(const Outbox& out) {
    std::size_t n = 0;
    for (const Effect& effect : out.effects) {
        const auto* write = std::get_if<Write>(&effect);
        n += write != nullptr && write->sync ? 1 : 0;
    }
    return n;
}

TEST(flush, a_rolled_segment_is_flushed_behind_everybodys_back) {
    Fixture f;
    f.lead({NodeId{1}, NodeId{2}, NodeId{3}});
    f.p.config.segment_bytes = 200;
    while (f.p.log.segments.size() == 1) ASSERT_TRUE(f.produce());
    EXPECT_EQ(flushes(f.out), 1u);
    EXPECT_TRUE(f.p.flushes.empty()) << "nobody waits";
    EXPECT_EQ(f.p.log.recovery_point, Offset{0});
    on_background_flush_done(f.p);
    EXPECT_EQ(f.p.log.recovery_point, f.p.log.active_segment().base_offset);
}

TEST(flush, a_truncation_takes_back_what_was_to_be_flushed) {
    Fixture f;
    f.lead({NodeId{1}, NodeId{2}, NodeId{3}});
    f.p.config.segment_bytes = 200;
    while (f.p.log.segments.size() == 1) ASSERT_TRUE(f.produce());
    f.follow(2, 2);
    auto context = f.context();
    truncate(f.p, Offset{1}, context);
    f.append(2, 3);
    on_background_flush_done(f.p);
    EXPECT_EQ(f.p.log.recovery_point, Offset{1}) << "the new records are not on the platter";
}

TEST(flush, flush_messages_counts_records_that_are_not_flushed) {
    Fixture f;
    f.lead({NodeId{1}, NodeId{2}, NodeId{3}});
    f.p.config.flush_messages = 5;
    const auto must_wait = [&](int records) {
        return is_flushing(f.p, f.produce(records)->next_offset);
    };
    EXPECT_FALSE(must_wait(4));
    EXPECT_TRUE(must_wait(1));
    EXPECT_EQ(f.p.served_end(), Offset{4});
    f.produce(4);
    EXPECT_EQ(f.p.flushes.size(), 1u) << "a flush is under way";
    on_append_flush_done(f.p);
    EXPECT_EQ(f.p.log.recovery_point, Offset{5});
    EXPECT_EQ(f.p.served_end(), Offset{9});
    EXPECT_TRUE(must_wait(1));
}

// Partition.makeLeader waits for the follower's append and its flush; so does who asks the leader.
TEST(flush, a_leader_shows_nothing_that_it_has_not_flushed_as_a_follower) {
    Fixture f;
    f.p.config.flush_messages = 1;
    f.p.config.min_insync_replicas = 1;
    f.follow(2, 1);
    const auto receive = [&](int records) {
        BatchBuilder builder;
        for (int i = 0; i < records; ++i) builder.append(Fixture::a_record());
        FetchPartitionResponse response;
        response.batches.push_back(builder.close());
        response.batches.back().base_offset = f.p.log.log_end_offset;
        response.batches.back().leader_epoch = LeaderEpoch{1};
        auto context = f.context();
        ASSERT_TRUE(append_as_follower(f.p, response, context));
    };
    receive(3);
    on_append_flush_done(f.p);
    receive(2);
    f.lead({NodeId{1}}, 2);
    EXPECT_EQ(f.p.served_end(), Offset{3});
    EXPECT_EQ(f.p.high_watermark, Offset{3});
    on_append_flush_done(f.p);
    EXPECT_EQ(f.p.served_end(), Offset{5});
}

}  // namespace
}  // namespace tribunal
