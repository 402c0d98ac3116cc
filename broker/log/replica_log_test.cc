// The log against a plain vector, batches of format v2, and the leader epoch cache.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "broker/base/check.h"
#include "broker/log/replica_log.h"

namespace tribunal {
namespace {

RecordBatch batch_of(Offset base, std::int32_t epoch, int records) {
    BatchBuilder builder;
    for (int i = 0; i < records; ++i) {
        Record record;
        record.value = "v" + std::to_string(base.value + i);
        record.uid = RecordUid{base.value + i};
        builder.append(record);
    }
    RecordBatch batch = builder.close();
    batch.base_offset = base;
    batch.leader_epoch = LeaderEpoch{epoch};
    return batch;
}

TEST(batch, decodes_to_what_was_put_in) {
    BatchBuilder builder;
    Record a;
    a.key = "k";
    a.value = std::nullopt;  // a tombstone
    a.timestamp = Timestamp{1000};
    a.uid = RecordUid{77};
    a.headers = {{"h", "x"}, {"null", std::nullopt}};
    builder.append(a);
    Record b;
    b.value = std::string(300, 'z');
    b.timestamp = Timestamp{990};  // before the first: deltas may be negative
    builder.append(b);
    RecordBatch batch = builder.close();
    batch.base_offset = Offset{40};
    EXPECT_TRUE(is_intact(batch));
    std::vector<RecordView> seen;
    EXPECT_TRUE(for_each_record(batch, [&](const RecordView& r) { seen.push_back(r); }));
    ASSERT_EQ(seen.size(), 2u);
    EXPECT_EQ(seen[0].offset, Offset{40});
    EXPECT_EQ(seen[0].key, "k");
    EXPECT_FALSE(seen[0].value.has_value());
    EXPECT_EQ(seen[0].uid, RecordUid{77});
    EXPECT_EQ(seen[0].header_count, 2);
    EXPECT_EQ(seen[1].timestamp, Timestamp{990});
    EXPECT_EQ(seen[1].value, std::string(300, 'z'));
    EXPECT_EQ(seen[1].uid, kNoUid);
    EXPECT_EQ(batch.max_timestamp, Timestamp{1000});
}

TEST(batch, a_cut_or_changed_byte_is_noticed) {
    RecordBatch batch = batch_of(Offset{0}, 0, 3);
    RecordBatch cut = batch;
    cut.records = Payload{batch.records.view().substr(0, batch.records.size() / 2)};
    EXPECT_FALSE(is_intact(cut));
    EXPECT_FALSE(for_each_record(cut, [](const RecordView&) {}));
    std::string bytes{batch.records.view()};
    bytes[bytes.size() / 2] ^= 1;
    RecordBatch changed = batch;
    changed.records = Payload{bytes};
    EXPECT_FALSE(is_intact(changed));
    // Offset and leader epoch are the broker's: outside of the checksum.
    batch.base_offset = Offset{500};
    batch.leader_epoch = LeaderEpoch{9};
    EXPECT_TRUE(is_intact(batch));
}

TEST(batch, size_of_a_record_is_exact_for_the_first) {
    Record record;
    record.key = "key";
    record.value = std::string(200, 'v');
    record.uid = RecordUid{1};
    record.headers = {{"h", "v"}};
    BatchBuilder builder;
    const std::int64_t before = builder.size_in_bytes();
    builder.append(record);
    EXPECT_EQ(builder.size_in_bytes() - before, BatchBuilder::size_of(record));
}

// The epochs that a log of these (epoch, first offset) entries answers with.
TEST(leader_epochs, answer_as_offsets_for_leader_epoch_does) {
    ReplicaLog log;
    log.append(batch_of(Offset{0}, 1, 10));
    log.append(batch_of(Offset{10}, 1, 10));
    log.append(batch_of(Offset{20}, 4, 5));
    const struct {
        const char* name;
        std::int32_t asked;
        EpochEnd want;
    } cases[] = {
        {"the current epoch ends at the log end", 4, {LeaderEpoch{4}, Offset{25}}},
        {"an older one where the next begins", 1, {LeaderEpoch{1}, Offset{20}}},
        {"an unknown one in between: the largest below", 3, {LeaderEpoch{1}, Offset{20}}},
        {"before the first: it ends where the first begins", 0, {LeaderEpoch{0}, Offset{0}}},
        {"newer than anything: unknown", 5, {}},
        {"none", -1, {}},
    };
    for (const auto& c : cases) {
        EXPECT_EQ(log.end_offset_for(LeaderEpoch{c.asked}), c.want) << c.name;
    }
}

TEST(leader_epochs, truncation_forgets_an_epoch_that_wrote_nothing) {
    // A leader of epoch 3 that wrote nothing leaves an entry at the log end; if it stayed, batches
    // of epoch 2 from another leader would get no entry (UnifiedLog.truncateTo always prunes).
    ReplicaLog log;
    log.append(batch_of(Offset{0}, 1, 10));
    log.assign_epoch(LeaderEpoch{3}, Offset{10});
    EXPECT_EQ(log.latest_epoch(), LeaderEpoch{3});
    EXPECT_EQ(log.truncate_to(Offset{10}), 0u);
    EXPECT_EQ(log.latest_epoch(), LeaderEpoch{1});
    EXPECT_EQ(log.log_end_offset, Offset{10});
}

// A log against a vector of batches, through appends, truncations, log start moves and reads.
RC_GTEST_PROP(replica_log, behaves_like_a_vector_of_batches, (std::vector<std::uint16_t> ops)) {
    ReplicaLog log;
    std::vector<RecordBatch> model;
    Offset start{0};
    std::int32_t epoch = 0;
    for (const std::uint16_t op : ops) {
        const Offset end = log.log_end_offset;
        switch (op % 5) {
            case 0:
            case 1:
            case 2: {
                if (op % 7 == 0) ++epoch;
                const RecordBatch batch = batch_of(end, epoch, 1 + op % 4);
                log.append(batch);
                model.push_back(batch);
                break;
            }
            case 3: {
                const Offset to{start.value + (end.value - start.value) * (op % 11) / 10};
                const ReplicaLog copy = log;
                const auto dropped = log.truncate_to(to);
                std::size_t gone = 0;
                while (!model.empty() && model.back().last_offset() >= to) {
                    model.pop_back();
                    ++gone;
                }
                RC_ASSERT(dropped == gone);
                RC_ASSERT(copy.log_end_offset == end);  // the copy kept its own
                start = std::min(start, log.log_start_offset);
                break;
            }
            case 4: {
                const Offset to{start.value + (end.value - start.value) * (op % 5) / 10};
                log.advance_start(to);
                start = std::max(start, to);
                break;
            }
        }
        // Everything from the start on reads back.
        std::vector<RecordBatch> read;
        log.read(log.log_start_offset, log.log_end_offset, INT64_MAX, read);
        std::vector<RecordBatch> want;
        for (const RecordBatch& b : model) {
            if (b.last_offset() >= log.log_start_offset) want.push_back(b);
        }
        RC_ASSERT((read.size() == want.size()));
        for (std::size_t i = 0; i < read.size(); ++i) RC_ASSERT((read[i] == want[i]));
        if (!want.empty())
            RC_ASSERT(log.find(want.front().last_offset())->base_offset ==
                      want.front().base_offset);
    }
}

TEST(replica_log, copies_share_their_chunks) {
    ReplicaLog log;
    for (int i = 0; i < 1000; ++i) log.append(batch_of(log.log_end_offset, 0, 1));
    const ReplicaLog copy = log;
    log.append(batch_of(log.log_end_offset, 0, 1));
    const auto& batches = log.active_segment().batches;
    EXPECT_GE(batches.shared_chunks(copy.active_segment().batches) + 1,
              copy.active_segment().batches.chunk_count());
    EXPECT_EQ(copy.log_end_offset, Offset{1000});
}

TEST(replica_log, an_append_below_the_log_end_is_our_bug) {
    ReplicaLog log;
    log.append(batch_of(Offset{0}, 0, 5));
    EXPECT_THROW(log.append(batch_of(Offset{3}, 0, 1)), CheckFailure);
}

}  // namespace
}  // namespace tribunal
