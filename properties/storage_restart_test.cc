// What the storage monitor says of restarts, checkpoints and flushes (S11-S15): nothing of the
// broker's own, and of each planted violation what it is.
#include <gtest/gtest.h>

#include "properties/scripted_storage.h"

namespace tribunal {
namespace {

using Ids = std::set<std::string>;
using Storage = LedStorage;
using Compacted = CompactedStorage;

constexpr TopicPartition kPartition = ScriptedStorage::kPartition;
constexpr ProducerId kProducer{1000};

Payload other_bytes(const RecordBatch& batch) {
    std::string bytes{batch.records.view()};
    bytes.back() = static_cast<char>(bytes.back() ^ 1);
    return Payload{bytes};
}

TEST(StorageRestart, restarts_by_the_rules_pass) {
    Storage s;
    s.topic.segment_bytes = 300;
    for (int i = 0; i < 8; ++i) s.append(0, {{"k"}}, {kProducer, i}), s.commit();
    s.crash(1), s.start(1);
    s.crash(1, StorageLoss::power, [](ReplicaLog& log) { log.truncate_to(Offset{5}); });
    s.start(1), s.commit();
    s.crash(1, StorageLoss::power, [](ReplicaLog& log) {
        RecordBatch torn = *log.find(Offset{7});
        log.truncate_to(Offset{7});
        torn.records = Payload{torn.records.view().substr(0, 4)};
        log.append(std::move(torn));
    });
    EXPECT_EQ(s.nodes[1].log.log_end_offset, Offset{7});
    s.start(1), s.commit();
    s.crash(1, StorageLoss::flushed), s.start(1);
    s.crash(1, StorageLoss::wipe), s.start(1), s.commit();
    EXPECT_EQ(s.findings(), Ids{});
    EXPECT_EQ(s.check("S11").checked, 4u);
    EXPECT_EQ(s.check("S12").verdict, Verdict::pass);
}

TEST(StorageRestart, s11_what_is_found_is_no_prefix) {
    struct Case {
        const char* name;
        StorageLoss loss;
        std::function<void(ReplicaLog&)> on_disk;
        bool recovers = true;
        Ids found = {"S11"};
        Ids found_on_a_bad_disk = {"S11?"};
    };
    const auto replaced = [](ReplicaLog& log, std::int64_t at, auto&& change) {
        std::vector<RecordBatch> batches;
        log.for_each_batch(Offset{0}, [&](const RecordBatch& batch) { batches.push_back(batch); });
        log.truncate_to(Offset{at});
        for (RecordBatch& batch : batches) {
            if (batch.base_offset < Offset{at}) continue;
            if (batch.base_offset == Offset{at} && !change(batch)) continue;
            log.append(std::move(batch));
        }
    };
    const Case cases[] = {
        {"a kill loses the tail", StorageLoss::none,
         [](ReplicaLog& log) { log.truncate_to(Offset{3}); }},
        {"a stop loses the tail",
         StorageLoss::flushed,
         [](ReplicaLog& log) { log.truncate_to(Offset{3}); },
         true,
         {"S11", "S15"},
         {"S11?", "S15?"}},
        {"a hole", StorageLoss::power,
         [&](ReplicaLog& log) { replaced(log, 2, [](RecordBatch&) { return false; }); }},
        {"another batch", StorageLoss::power,
         [&](ReplicaLog& log) {
             replaced(log, 2, [](RecordBatch& batch) {
                 batch.records = other_bytes(batch);
                 batch.crc = checksum(batch);
                 return true;
             });
         }},
        {"one more", StorageLoss::power,
         [](ReplicaLog& log) {
             RecordBatch more = *log.last();
             more.base_offset = log.log_end_offset;
             log.append(std::move(more));
         }},
        {"a torn batch stays", StorageLoss::power,
         [&](ReplicaLog& log) {
             replaced(log, 3, [](RecordBatch& batch) {
                 batch.records = other_bytes(batch);
                 return true;
             });
         },
         false},
        {"an index that is not the log's", StorageLoss::power,
         [](ReplicaLog& log) { log.segments.back().edit().offset_index.entries.truncate(1); },
         false},
    };
    for (const Case& c : cases) {
        Storage s;
        s.topic.index_interval_bytes = 0;
        s.write(4);
        s.crash(1, c.loss, c.on_disk, c.recovers);
        EXPECT_EQ(s.findings(), c.found) << c.name;
        s.facts.partitions[0].corrupted_disk = true;
        EXPECT_EQ(s.findings(), c.found_on_a_bad_disk) << c.name;
    }
}

// A follower was cut below where its log began, because its leader had lost what it lacks; the
// checkpoint of that start stays, and the next process begins anew there.
TEST(StorageRestart, s11_a_checkpointed_log_start_above_the_log) {
    for (const bool lost_data : {true, false}) {
        Storage s;
        s.write(6);
        if (lost_data) s.facts.partitions[0].unclean_elections.push_back(s.now);
        s.truncate(1, 2);
        s.nodes[1].checkpoints.log_start_offset = Offset{5};
        s.observe();
        s.crash(1), s.start(1);
        EXPECT_EQ(s.nodes[1].log.log_end_offset, Offset{5});
        EXPECT_EQ(s.findings(), lost_data ? (Ids{"S11?", "S14?"}) : (Ids{"S11", "S14"}));
    }
}

TEST(StorageRestart, s11_a_log_that_was_cut_in_a_gap_ends_behind_its_newest_batch) {
    for (const StorageLoss loss : {StorageLoss::none, StorageLoss::power}) {
        Compacted s;
        for (const char* key : {"a", "b", "b"}) s.append(0, {{key}}), s.commit();
        s.roll();
        s.append(0, {{"c"}}), s.commit();
        s.rewrite(1, 0, [](std::vector<RecordBatch>& batches) {
            batches.erase(batches.begin() + 1, batches.end());
        });
        ASSERT_EQ(s.findings(), Ids{"S3"});  // for the sake of the gap
        s.monitor.on_flush(NodeId{1}, kPartition, 7, Offset{4});
        s.monitor.on_flushed(NodeId{1}, 7);
        s.truncate(1, 2), s.observe();
        ASSERT_EQ(s.nodes[1].log.log_end_offset, Offset{2});
        s.crash(1, loss);
        EXPECT_EQ(s.nodes[1].log.log_end_offset, Offset{1});
        EXPECT_EQ(s.findings(), Ids{"S3"});
        if (loss != StorageLoss::power) continue;
        // What was flushed behind the gap is not there any more, whatever is written next.
        s.start(1), s.commit();
        s.truncate(1, 2), s.observe();
        s.commit();
        s.crash(1, loss, [](ReplicaLog& log) { log.truncate_to(Offset{1}); });
        EXPECT_EQ(s.findings(), Ids{"S3"});
    }
}

TEST(StorageRestart, s12_another_sequence_than_the_log_has) {
    const std::function<void(ProducerEntry&)> changes[] = {
        [](ProducerEntry& e) { e.epoch = 7; },
        [](ProducerEntry& e) { e.batches.clear(); },
        [](ProducerEntry& e) { e.txn_first_offset = Offset{1}; },
    };
    for (const auto& change : changes) {
        Storage s;
        for (int i = 0; i < 4; ++i) s.append(0, {{"k"}}, {kProducer, i}), s.commit();
        s.crash(1), s.start(1);
        EXPECT_EQ(s.findings(), Ids{});
        // A truncation reads it anew.
        s.nodes[1].log.truncate_to(Offset{3});
        s.nodes[1].high_watermark = Offset{3};
        change(s.nodes[1].log.producers.producers[kProducer]);
        s.observe();
        EXPECT_EQ(s.findings(), Ids{"S12"});
    }
}

TEST(StorageRestart, s12_who_has_expired_may_be_forgotten) {
    for (const bool has_expired : {false, true}) {
        Storage s;
        s.broker.producer_id_expiration = seconds(10);
        for (int i = 0; i < 4; ++i) s.append(0, {{"k"}}, {kProducer, i}), s.commit();
        s.append(0, {{"k"}}, {ProducerId{1}, 0}), s.commit();
        s.wait(has_expired ? seconds(11) : seconds(9));
        s.crash(1);
        s.nodes[1].log.producers.producers.erase(kProducer);
        s.monitor.on_crash(NodeId{1}, StorageLoss::none);
        s.observe();
        EXPECT_EQ(s.findings(), has_expired ? Ids{} : Ids{"S12"});
    }
}

TEST(StorageRestart, s12_a_snapshot_may_know_more_than_a_compacted_log) {
    Compacted s;
    s.topic.segment_bytes = 300;  // too little to merge any two, and their snapshots
    for (const char* key : {"x", "a", "a"}) {
        s.append(0, {{key}}, {kProducer, static_cast<std::int32_t>(s.next_uid)}), s.commit();
    }
    s.roll();
    s.append(0, {{"a"}}, {kProducer, 3}), s.commit();
    s.roll();
    s.append(0, {{"b"}}), s.commit();
    s.clean(1);
    ReplicaLog& log = s.nodes[1].log;
    ASSERT_EQ(log.find(Offset{1})->base_offset, Offset{3});
    // The batch at 2 went for the sake of the one at 3, which is lost.
    s.nodes[1].checkpoints.recovery_point = Offset{3};
    s.crash(1, StorageLoss::power, [](ReplicaLog& found) { found.truncate_to(Offset{3}); });
    ASSERT_EQ(log.last()->base_offset, Offset{0});
    ASSERT_EQ(log.producers.producer(kProducer)->last_sequence(), 2);
    EXPECT_EQ(s.findings(), Ids{});
    EXPECT_GT(s.check("S12").checked, 0u);
    // But not less.
    log.producers.producers[kProducer].batches.clear();
    s.monitor.on_crash(NodeId{1}, StorageLoss::power);
    s.observe();
    EXPECT_EQ(s.findings(), Ids{"S12"});
}

TEST(StorageRestart, s13_an_epoch_is_not_in_the_cache) {
    Storage s;
    s.write(2);
    s.elect(1);
    s.append(1, {{"k"}});
    s.nodes[1].log.epoch_cache.entries.pop_back();
    s.observe();
    EXPECT_EQ(s.findings(), Ids{"S13"});
    // With the metadata that was lost the epochs of a partition begin anew.
    s.facts.partitions[0].metadata_lost_at = s.now + seconds(1);
    EXPECT_EQ(s.findings(), Ids{"S13"});
    s.facts.partitions[0].metadata_lost_at = s.now;
    EXPECT_EQ(s.findings(), Ids{"S13?"});
}

TEST(StorageRestart, s13_the_cache_says_what_the_log_does_not) {
    using Cache = std::vector<EpochEntry>;
    const std::function<void(Cache&)> changes[] = {
        [](Cache& c) { c[1].start_offset = Offset{1}; },
        [](Cache& c) { c[1].start_offset = Offset{3}; },
        [](Cache& c) { std::swap(c[0], c[1]); },
        [](Cache& c) { c.push_back({LeaderEpoch{3}, Offset{9}}); },
        [](Cache& c) { c.pop_back(); },
        [](Cache& c) { c.clear(); },
    };
    for (const auto& change : changes) {
        Storage s;
        s.write(2);
        s.elect(1);
        for (int i = 0; i < 3; ++i) s.append(1, {{"k"}}), s.commit();
        ASSERT_EQ(s.findings(), Ids{});
        s.crash(0, StorageLoss::none);
        ASSERT_EQ(s.findings(), Ids{});
        change(s.nodes[0].log.epoch_cache.entries);
        s.monitor.on_crash(NodeId{0}, StorageLoss::none);
        s.observe();
        EXPECT_EQ(s.findings(), Ids{"S13"}) << &change - changes;
    }
}

TEST(StorageRestart, s13_an_entry_that_moved_up_with_the_log_start_is_right) {
    Storage s;
    s.append(0, {{"a"}, {"b"}, {"c"}}), s.commit();
    for (int n : {0, 1}) s.nodes[n].log.advance_start(Offset{2});
    s.observe();
    s.nodes[1].checkpoints.log_start_offset = Offset{2};
    s.crash(1), s.start(1);
    EXPECT_EQ(s.findings(), Ids{});
}

TEST(StorageRestart, s14_a_checkpoint_promises_too_much) {
    using Node = ScriptedStorage::Node;
    const std::function<void(Node&)> changes[] = {
        [](Node& n) { n.log.recovery_point = Offset{5}; },
        [](Node& n) { n.checkpoints.recovery_point = Offset{5}; },
        [](Node& n) { n.checkpointed_high_watermark = Offset{5}; },
        [](Node& n) { n.checkpoints.log_start_offset = Offset{1}; },
        [](Node& n) { n.checkpoints.cleaner = Offset{5}; },
    };
    for (const auto& change : changes) {
        Storage s;
        s.write(4);
        change(s.nodes[1]);
        s.observe(), s.observe();
        EXPECT_EQ(s.findings(), Ids{"S14"});
        EXPECT_EQ(s.check("S14").found, 1u);
    }
}

TEST(StorageRestart, s14_a_high_watermark_may_have_been_higher) {
    Storage s;
    s.write(4);
    s.nodes[1].checkpointed_high_watermark = Offset{4};
    s.truncate(1, 3), s.observe();
    EXPECT_EQ(s.findings(), Ids{});
    s.crash(1);
    s.nodes[1].checkpointed_high_watermark = Offset{4};  // and was not cut to the log
    s.start(1);
    EXPECT_EQ(s.findings(), Ids{"S14"});
}

TEST(StorageRestart, s14_the_cleaner_may_have_looked_at_what_a_power_loss_took) {
    for (const StorageLoss loss : {StorageLoss::none, StorageLoss::power}) {
        Storage s;
        s.write(4);
        s.nodes[1].checkpoints.cleaner = Offset{4};
        s.crash(1, loss, [](ReplicaLog& log) { log.truncate_to(Offset{2}); });
        s.start(1);
        EXPECT_EQ(s.findings(), loss == StorageLoss::power ? Ids{} : (Ids{"S11", "S14"}));
    }
}

TEST(StorageRestart, s15_what_was_flushed_is_gone) {
    struct Case {
        const char* name;
        std::int64_t left;
        Ids found;
    };
    for (const Case& c : {Case{"all of it is there", 3, {}}, Case{"less than that", 2, {"S15"}}}) {
        Storage s;
        s.write(5);
        s.monitor.on_flush(NodeId{1}, kPartition, 7, Offset{3});
        s.monitor.on_flush(NodeId{1}, kPartition, 8, Offset{5});
        s.monitor.on_flushed(NodeId{1}, 7);
        s.crash(1, StorageLoss::power, [&](ReplicaLog& log) { log.truncate_to(Offset{c.left}); });
        s.monitor.on_flushed(NodeId{1}, 8);  // of the life before
        EXPECT_EQ(s.findings(), c.found) << c.name;
        EXPECT_EQ(s.check("S15").checked, 1u);
        s.crash(1, StorageLoss::wipe);
        EXPECT_EQ(s.findings(), c.found) << c.name;
    }
}

TEST(StorageRestart, s15_what_was_cut_is_no_longer_promised) {
    Storage s;
    s.write(5);
    s.monitor.on_flush(NodeId{1}, kPartition, 7, Offset{4});
    s.monitor.on_flushed(NodeId{1}, 7);
    s.monitor.on_flush(NodeId{1}, kPartition, 8, Offset{5});
    s.truncate(1, 2), s.observe();
    s.commit();
    s.monitor.on_flushed(NodeId{1}, 8);
    s.crash(1, StorageLoss::power, [](ReplicaLog& log) { log.truncate_to(Offset{2}); });
    EXPECT_EQ(s.findings(), Ids{});
    EXPECT_EQ(s.check("S15").checked, 1u);
    s.crash(1, StorageLoss::power, [](ReplicaLog& log) { log.truncate_to(Offset{1}); });
    EXPECT_EQ(s.findings(), Ids{"S15"});
}

TEST(StorageRestart, s15_who_stops_in_good_order_has_flushed) {
    Storage s;
    s.write(5);
    s.crash(1, StorageLoss::flushed);
    s.crash(1, StorageLoss::power, [](ReplicaLog& log) { log.truncate_to(Offset{4}); });
    EXPECT_EQ(s.findings(), Ids{"S15"});
}

TEST(StorageRestart, s15_what_is_not_flushed_is_answered) {
    Storage s;
    s.write(2);
    s.monitor.on_flush(NodeId{0}, kPartition, 7, Offset{1});
    s.monitor.on_flushed(NodeId{0}, 7);
    s.monitor.on_written(s.now, NodeId{0}, kPartition, Offset{0});
    EXPECT_EQ(s.findings(), Ids{});
    s.monitor.on_written(s.now, NodeId{0}, kPartition, Offset{1});
    EXPECT_EQ(s.findings(), Ids{"S15"});
    // What the next life of the process finds it did not write.
    s.crash(0), s.start(0);
    s.monitor.on_written(s.now, NodeId{0}, kPartition, Offset{1});
    EXPECT_EQ(s.check("S15").found, 1u);
    s.monitor.on_written(s.now, NodeId{0}, kPartition, Offset{2});
    EXPECT_EQ(s.check("S15").found, 2u);
}

TEST(StorageRestart, a_disk_that_returned_wrong_bytes_is_known_to_be_bad) {
    Storage s;
    s.write(5);
    s.monitor.on_flush(NodeId{1}, kPartition, 7, Offset{5});
    s.monitor.on_flushed(NodeId{1}, 7);
    s.monitor.on_corrupted_disk(NodeId{1}, kPartition);
    s.crash(1, StorageLoss::none, [](ReplicaLog& log) { log.truncate_to(Offset{2}); });
    EXPECT_EQ(s.findings(), Ids{});
}

}  // namespace
}  // namespace tribunal
