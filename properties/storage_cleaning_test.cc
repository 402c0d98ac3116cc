// What the storage monitor says of cleaners (S2-S5, S10): nothing of the broker's own, and of each
// planted violation what it is.
#include <gtest/gtest.h>

#include "properties/scripted_storage.h"

namespace tribunal {
namespace {

using Ids = std::set<std::string>;
using Compacted = CompactedStorage;

constexpr ProducerId kProducer{1000};

Payload other_bytes(const RecordBatch& batch) {
    std::string bytes{batch.records.view()};
    bytes.back() = static_cast<char>(bytes.back() ^ 1);
    return Payload{bytes};
}

TEST(StorageCleaning, compaction_by_the_rules_passes) {
    Compacted s;
    s.write_keys();
    s.clean(0), s.clean(1);
    s.wait(seconds(11));
    // Only a dirty log is cleaned again.
    s.append(0, {{"b", "2"}}), s.commit();
    s.roll();
    s.clean(0), s.clean(1);
    EXPECT_EQ(s.findings(), Ids{});
    for (const char* id : {"S2", "S3", "S4", "S5"}) {
        EXPECT_EQ(s.check(id).verdict, Verdict::pass) << id;
    }
    EXPECT_EQ(s.check("S4").checked, 2u);
    s.monitor.add_to(s.facts.partitions);
    std::vector<std::int64_t> removed;
    for (const CompactedRecord& r : s.facts.partitions[0].compacted) {
        removed.push_back(r.offset.value);
    }
    EXPECT_EQ(removed, (std::vector<std::int64_t>{0, 1, 3}));
    EXPECT_EQ(s.facts.partitions[0].compacted_at(Offset{0}), Instant{0});
    EXPECT_EQ(s.facts.partitions[0].compacted_at(Offset{3}), s.now);
}

TEST(StorageCleaning, s2_a_cleaning_changes_a_record) {
    Compacted s;
    s.write_keys();
    s.rewrite(1, 0, [](std::vector<RecordBatch>& batches) {
        batches[0].records = other_bytes(batches[0]);
        batches[0].crc = checksum(batches[0]);
    });
    EXPECT_EQ(s.findings(), Ids{"S2"});
}

TEST(StorageCleaning, s2_a_cleaning_moves_a_batch) {
    Compacted s;
    s.write_keys();
    s.rewrite(1, 0, [](std::vector<RecordBatch>& batches) {
        batches[0].base_offset = Offset{1};
        batches.erase(batches.begin() + 1);
    });
    EXPECT_TRUE(s.findings().contains("S2"));
    Compacted other;
    other.write_keys();
    other.rewrite(1, 0, [](std::vector<RecordBatch>& batches) {
        batches[1].leader_epoch = LeaderEpoch{0};
    });
    EXPECT_TRUE(other.findings().contains("S2"));
}

TEST(StorageCleaning, s3_a_cleaning_takes_the_last_value) {
    Compacted s;
    s.write_keys();
    s.clean(1, PlantedBug::cleaner_keeps_first);
    EXPECT_EQ(s.findings(), Ids{"S3"});
    EXPECT_EQ(s.check("S3").violations.front().offset, Offset{2});
    s.facts.partitions[0].budget_exhausted_at = s.now;
    EXPECT_EQ(s.findings(), Ids{"S3?"});
}

TEST(StorageCleaning, s3_for_the_sake_of_one_that_is_not_committed) {
    // KAFKA-13194.
    Compacted s;
    s.broker.rules.cleaner_bounded_by_high_watermark = false;
    s.append(0, {{"a", "1"}}), s.commit();
    s.append(0, {{"a", "2"}});
    s.roll(0);
    s.append(0, {{"b", "1"}}), s.observe();
    s.clean(0);
    EXPECT_EQ(s.findings(), Ids{"S3"});
    EXPECT_NE(s.check("S3").violations.front().explanation[1].find("not committed"),
              std::string::npos);
}

TEST(StorageCleaning, s4_a_tombstone_goes_with_the_first_cleaning) {
    Compacted s;
    s.write_keys();
    s.clean(1, PlantedBug::cleaner_forgets_tombstones);
    EXPECT_EQ(s.findings(), Ids{"S4"});
    EXPECT_EQ(s.check("S4").violations.front().offset, Offset{3});
    Compacted promises_nothing;
    promises_nothing.topic.delete_retention = Duration{0};
    promises_nothing.write_keys();
    promises_nothing.clean(1, PlantedBug::cleaner_forgets_tombstones);
    EXPECT_EQ(promises_nothing.findings(), Ids{});
}

// Takes the tombstone out of the first segment, and nothing else.
void forget_tombstone(Compacted& s) {
    s.rewrite(1, 0, [](std::vector<RecordBatch>& batches) { batches.back() = retain_header(batches.back()); });
}

TEST(StorageCleaning, s4_a_tombstone_goes_too_soon_after_it_was_met) {
    struct Case {
        const char* name;
        Duration after;
        std::int64_t clock_ms;
        bool is_known;  // that the clock was moved
        Ids found;
    };
    const Case cases[] = {
        {"too soon", milliseconds(9'900), 0, false, {"S4"}},
        {"in time", seconds(10), 0, false, {}},
        {"in time by a clock that was moved", seconds(3), 7'000, true, {"S4?"}},
        {"a clock that nobody moved", seconds(3), 7'000, false, {"S4"}},
        {"too soon by a clock that was moved, too", seconds(3), 6'000, true, {"S4"}},
    };
    for (const Case& c : cases) {
        Compacted s;
        s.append(0, {{"c", std::nullopt}}), s.commit();
        s.roll();
        s.append(0, {{"d", "1"}}), s.commit();
        s.clean(0), s.clean(1);
        s.wait(c.after);
        s.nodes[1].clock_ms = c.clock_ms;
        if (c.is_known) s.monitor.on_clock_moved(s.now);
        forget_tombstone(s);
        EXPECT_EQ(s.findings(), c.found) << c.name;
    }
}

TEST(StorageCleaning, s4_before_kip_534_only_the_age_counts) {
    for (const std::int64_t age_ms : {9'999, 10'000}) {
        Compacted s;
        s.broker.rules.cleaner_sets_delete_horizon = false;
        s.append(0, {{"c", std::nullopt}}, {.age_ms = age_ms}), s.commit();
        s.roll();
        forget_tombstone(s);
        EXPECT_EQ(s.findings(), age_ms < 10'000 ? Ids{"S4"} : Ids{}) << age_ms;
    }
}

TEST(StorageCleaning, s5_a_young_record_goes) {
    Compacted s;
    s.topic.min_compaction_lag = seconds(5);
    s.write_keys();
    s.wait(milliseconds(4'999));
    s.clean(1, PlantedBug::cleaner_ignores_lag);
    EXPECT_EQ(s.findings(), Ids{"S5"});
    s.monitor.on_clock_moved(s.now);
    EXPECT_EQ(s.findings(), Ids{"S5?"});
    Compacted patient;
    patient.topic.min_compaction_lag = seconds(5);
    patient.write_keys();
    patient.wait(seconds(5));
    patient.clean(1);
    EXPECT_EQ(patient.findings(), Ids{});
    EXPECT_EQ(patient.check("S5").checked, 1u);
}

TEST(StorageCleaning, s5_the_active_segment_is_rewritten) {
    Compacted s;
    s.write_keys();
    ReplicaLog& log = s.nodes[1].log;
    Segment header = segment_at(log.active_segment().base_offset);
    header.append(retain_header(*log.last()), s.topic);
    log.size_in_bytes += header.size_in_bytes - log.active_segment().size_in_bytes;
    log.segments.back() = Shared<Segment>{header};
    s.observe();
    EXPECT_EQ(s.findings(), Ids{"S5"});
    // And then all of it goes.
    log.size_in_bytes -= header.size_in_bytes;
    log.segments.back() = Shared<Segment>{segment_at(header.base_offset)};
    s.observe();
    EXPECT_EQ(s.check("S5").found, 2u);
    EXPECT_EQ(s.findings(), Ids{"S5"});
}

TEST(StorageCleaning, s10_transactions_by_the_rules_pass) {
    Compacted s;
    s.append(0, {{"a", "1"}}, {kProducer, 0, true}), s.commit();
    s.append_marker(0, kProducer, true), s.commit();
    s.append(0, {{"a", "2"}}, {kProducer, 1, true}), s.commit();
    s.append_marker(0, kProducer, false);
    s.append(0, {{"b", "2"}}, {kProducer, 2, true}), s.commit();
    s.append_marker(0, kProducer, true), s.commit();
    s.append(0, {{"a", "3"}}), s.commit();
    s.roll();
    s.append(0, {{"z", "1"}}), s.commit();
    s.clean(0);
    for (int i = 0; i < 3; ++i) {
        s.wait(seconds(11));
        s.append(0, {{"z", "1"}}), s.commit();
        s.roll();
        s.clean(0);
    }
    EXPECT_EQ(s.findings(), Ids{});
    EXPECT_EQ(s.check("S10").verdict, Verdict::pass);
    // Two records, and the markers of both.
    EXPECT_EQ(s.check("S10").checked, 4u);
}

TEST(StorageCleaning, s10_a_marker_goes_before_its_data) {
    Compacted s;
    s.append(0, {{"a", "1"}}, {kProducer, 0, true}), s.commit();
    s.append_marker(0, kProducer, false), s.commit();
    s.roll();
    s.rewrite(1, 0, [](std::vector<RecordBatch>& batches) { batches.pop_back(); });
    // By the log the transaction is open again.
    EXPECT_EQ(s.findings(), (Ids{"S10", "S12"}));
}

TEST(StorageCleaning, s10_data_that_is_not_decided_goes_or_counts) {
    Compacted s;
    s.append(0, {{"a", "1"}, {"b", "1"}}, {kProducer, 0, true}), s.commit();
    s.roll();
    s.rewrite(1, 0, [](std::vector<RecordBatch>& batches) {
        batches[0] = *retain_records(batches[0], std::nullopt, [](const RecordView& record) {
            return record.offset == Offset{0};
        });
    });
    EXPECT_EQ(s.findings(), Ids{"S10"});
    Compacted other;
    other.append(0, {{"a", "1"}}), other.commit();
    other.append(0, {{"a", "2"}}, {kProducer, 0, true}), other.commit();
    other.roll();
    other.rewrite(1, 0,
                  [](std::vector<RecordBatch>& batches) { batches.erase(batches.begin()); });
    EXPECT_EQ(other.findings(), Ids{"S3"});
}

}  // namespace
}  // namespace tribunal
