// The storage monitor against a small scripted partition: silent as long as the broker's own log
// and retention are at work, and one planted violation or more for each property, with what excuses
// it. Here what holds of every log: S1, S6-S9.
#include "properties/storage_monitor.h"

#include <gtest/gtest.h>

#include "properties/scripted_storage.h"

namespace tribunal {
namespace {

using Ids = std::set<std::string>;
using Storage = LedStorage;
using Compacted = CompactedStorage;

constexpr TopicPartition kPartition = ScriptedStorage::kPartition;

// --- the rules kept -----------------------------------------------------------------------------

TEST(StorageMonitor, an_idle_partition_exercises_nothing_but_its_checkpoints) {
    ScriptedStorage s;
    s.observe();
    EXPECT_EQ(s.findings(), Ids{});
    for (const Check& check : s.monitor.finish(s.history, s.facts)) {
        EXPECT_EQ(check.verdict, check.id == "S14" ? Verdict::pass : Verdict::vacuous) << check.id;
        EXPECT_EQ(check.note.empty(), check.id == "S14") << check.id;
    }
}

TEST(StorageMonitor, a_log_that_grows_rolls_and_changes_its_leader_passes) {
    Storage s;
    s.topic.segment_bytes = 300;
    s.write(20);
    s.elect(1);
    s.append(1, {{"k"}}), s.commit();
    s.truncate(0, 19), s.observe();
    s.nodes[0].log.append(*s.nodes[1].log.find(Offset{19}), s.topic);
    s.commit();
    EXPECT_GT(s.nodes[0].log.segments.size(), 3u);
    EXPECT_EQ(s.findings(), Ids{});
    EXPECT_EQ(s.check("S1").verdict, Verdict::pass);
    EXPECT_EQ(s.check("S1").checked, 21u + 0u);
    EXPECT_EQ(s.check("S13").verdict, Verdict::pass);
}

TEST(StorageMonitor, looks_at_nothing_that_was_deleted) {
    Storage s;
    s.write(3);
    s.monitor.on_deleted(kPartition);
    s.nodes[0].log.recovery_point = Offset{9};
    s.observe();
    s.monitor.on_records_deleted(s.now, s.view(), Offset{3});
    EXPECT_EQ(s.findings(), Ids{});
}

TEST(StorageMonitor, counts_the_first_of_what_is_found_again_and_again) {
    Storage s;
    s.write(1);
    for (int i = 0; i < 100; ++i) {
        s.monitor.on_served(s.now, NodeId{0}, kPartition, Offset{0}, Offset{1});
    }
    EXPECT_EQ(s.check("S9").found, 32u);
}

// --- S1 -----------------------------------------------------------------------------------------

// Node 1 leads with another record at offset 2.
Storage& rebind(Storage& s) {
    s.write(3);
    s.truncate(1, 2);
    s.elect(1);
    s.append(1, {{"other"}});
    s.nodes[1].high_watermark = Offset{3};
    s.observe();
    return s;
}

TEST(StorageMonitor, s1_an_offset_names_another_record) {
    Storage s;
    EXPECT_EQ(rebind(s).findings(), Ids{"S1"});
    EXPECT_EQ(s.check("S1").violations.front().offset, Offset{2});
    EXPECT_EQ(s.check("S1").found, 1u);
}

TEST(StorageMonitor, s1_is_allowed_after_an_unclean_election) {
    Storage s;
    s.facts.partitions[0].unclean_elections.push_back(s.now);
    EXPECT_EQ(rebind(s).findings(), Ids{"S1?"});
    EXPECT_NE(s.check("S1").violations.front().because.find("unclean election"), std::string::npos);
    s.facts.partitions[0].unclean_elections = {s.now + seconds(1)};  // too late
    EXPECT_EQ(s.findings(), Ids{"S1"});
    s.facts.partitions[0].budget_exhausted_at = s.now;
    EXPECT_EQ(s.findings(), Ids{"S1?"});
    s.facts.partitions[0].budget_exhausted_at = kNever;
    s.facts.partitions[0].metadata_lost_at = s.now;
    EXPECT_EQ(s.findings(), Ids{"S1?"});
}

TEST(StorageMonitor, s1_what_is_not_committed_may_be_rebound) {
    Storage s;
    s.write(2);
    s.append(0, {{}}), s.observe();
    s.elect(1);
    s.append(1, {{}}), s.observe();
    s.nodes[1].high_watermark = Offset{3};
    s.observe();
    EXPECT_EQ(s.findings(), Ids{});
}

TEST(StorageMonitor, s1_a_cleaned_batch_is_the_same_batch) {
    Compacted s;
    s.write_keys();
    s.clean(0);
    s.elect(1);
    s.append(1, {{"e", "1"}}), s.commit();
    s.elect(0);
    s.append(0, {{"e", "2"}}), s.commit();
    EXPECT_EQ(s.findings(), Ids{});
}

// --- S6, S9: reading ----------------------------------------------------------------------------

TEST(StorageMonitor, s6_a_record_is_kept_from_a_reader) {
    Compacted s;
    s.write_keys();
    s.poll(0, {0, 1, 3});
    EXPECT_EQ(s.findings(), Ids{"S6"});
    EXPECT_EQ(s.check("S6").violations.front().offset, Offset{2});
}

TEST(StorageMonitor, s6_from_poll_to_poll) {
    Compacted s;
    s.write_keys();
    s.poll(0, {0});
    s.poll(2, {2, 3, 4});
    EXPECT_EQ(s.findings(), Ids{"S6"});
    EXPECT_EQ(s.check("S6").violations.front().offset, Offset{1});
    s.operation(ClientOpKind::reset, 1);  // what lies between is skipped by intention
    EXPECT_EQ(s.findings(), Ids{});
}

TEST(StorageMonitor, s6_what_a_cleaner_removed_is_not_missed) {
    Compacted s;
    s.write_keys();
    s.wait(seconds(1));
    s.clean(0);
    s.poll(0, {1, 2, 3, 4});
    EXPECT_EQ(s.findings(), Ids{});
    EXPECT_EQ(s.check("S6").verdict, Verdict::pass);
    // Who read before that had it.
    s.history.polls[0].invoked = s.history.polls[0].completed = Instant{0};
    EXPECT_EQ(s.findings(), Ids{"S6"});
}

struct Reset {
    const char* name;
    OffsetReset policy;
    std::int64_t position;
    std::vector<std::pair<ClientOpKind, std::int64_t>> look_ups;
    std::optional<std::int64_t> goes_on_at;
    Ids found;
};

TEST(StorageMonitor, s9_out_of_range_and_what_follows) {
    constexpr auto kEarliest = ClientOpKind::list_offsets_earliest;
    constexpr auto kLatest = ClientOpKind::list_offsets_latest;
    const Reset cases[] = {
        {"earliest", OffsetReset::earliest, 3, {{kEarliest, 5}}, 5, {}},
        {"latest, above the end", OffsetReset::latest, 11, {{kLatest, 10}}, 10, {}},
        {"does not go on", OffsetReset::earliest, 3, {}, std::nullopt, {}},
        {"inside, at its end", OffsetReset::earliest, 10, {{kEarliest, 5}}, 5, {"S9"}},
        {"inside, at its start", OffsetReset::earliest, 5, {{kEarliest, 5}}, 5, {"S9"}},
        {"goes on elsewhere", OffsetReset::earliest, 3, {{kEarliest, 5}}, 6, {"S9"}},
        {"asked for the other end", OffsetReset::earliest, 3, {{kLatest, 10}}, 10, {"S9"}},
        {"has no policy and goes on", OffsetReset::none, 3, {{kEarliest, 5}}, 5, {"S9"}},
        {"has no policy and seeks", OffsetReset::none, 3, {{ClientOpKind::seek, 7}}, 7, {}},
    };
    for (const Reset& c : cases) {
        Storage s;
        s.write(1);
        s.history.clients[0].auto_offset_reset = c.policy;
        s.operation(kEarliest, c.goes_on_at.value_or(0));  // of before
        s.wait(seconds(1));
        s.monitor.on_out_of_range({s.now, kPartition, Offset{c.position}, Offset{5}, Offset{10}});
        for (const auto& [kind, offset] : c.look_ups) s.operation(kind, offset);
        s.wait(seconds(1));
        if (c.goes_on_at) s.poll(*c.goes_on_at, {*c.goes_on_at});
        EXPECT_EQ(s.findings(), c.found) << c.name;
        EXPECT_EQ(s.check("S9").checked, 1u);
    }
}

TEST(StorageMonitor, s9_what_is_below_the_log_start_is_not_given_out) {
    Storage s;
    s.write(1);
    s.monitor.on_served(s.now, NodeId{0}, kPartition, Offset{7}, Offset{7});
    EXPECT_EQ(s.findings(), Ids{});
    s.monitor.on_served(s.now, NodeId{0}, kPartition, Offset{6}, Offset{7});
    EXPECT_EQ(s.findings(), Ids{"S9"});
}

// --- S7: retention ------------------------------------------------------------------------------

// Four closed segments of one batch each, 5 s old, and an active one that is younger.
struct Retained : Storage {
    Retained() {
        broker.retention_check_interval = seconds(3);
        topic.retention = Duration{-1};
        for (int i = 0; i < 4; ++i) {
            append(0, {{}}), commit();
            roll();
        }
        wait(seconds(5));
        append(0, {{}}), commit();
    }
    std::int64_t segment() const { return nodes[0].log.segments[0]->size_in_bytes; }
};

TEST(StorageMonitor, s7_retention_by_the_rules_passes) {
    Retained s;
    s.topic.retention_bytes = 3 * s.segment();
    s.look_for_old_segments(1), s.look_for_old_segments(0);
    EXPECT_EQ(s.nodes[0].log.segments.size(), 3u);
    s.topic.retention = milliseconds(4'999);
    s.look_for_old_segments(1), s.look_for_old_segments(0);
    EXPECT_EQ(s.nodes[0].log.segments.size(), 1u);
    s.wait(seconds(6));
    s.look_for_old_segments(1), s.look_for_old_segments(0);  // the active one, too
    EXPECT_TRUE(s.nodes[0].log.empty());
    s.append(0, {{}}), s.commit();
    EXPECT_EQ(s.findings(), Ids{});
    EXPECT_GE(s.check("S7").checked, 10u);
    EXPECT_EQ(s.check("S8").verdict, Verdict::pass);
}

TEST(StorageMonitor, s7_a_segment_goes_too_early) {
    const auto by_time = [](Retained& s) { s.topic.retention = seconds(5); };
    const auto by_size = [](Retained& s) { s.topic.retention_bytes = 4 * s.segment() + 1; };
    const auto never = [](Retained&) {};
    const auto compacts = [](Retained& s) {
        s.topic.cleanup_delete = false, s.topic.cleanup_compact = true;
        s.topic.retention = Duration{0};
    };
    for (const auto& configure :
         std::vector<std::function<void(Retained&)>>{by_time, by_size, never, compacts}) {
        Retained s;
        configure(s);
        s.nodes[1].log.delete_segments(1);
        s.observe();
        EXPECT_EQ(s.findings(), Ids{"S7"});
    }
}

TEST(StorageMonitor, s7_the_second_of_two_goes_too_early) {
    Retained s;
    s.topic.retention_bytes = 4 * s.segment();
    s.nodes[1].log.delete_segments(2);
    s.observe();
    EXPECT_EQ(s.findings(), Ids{"S7"});
    EXPECT_EQ(s.check("S7").found, 1u);
    EXPECT_EQ(s.check("S7").violations.front().offset, Offset{1});
}

TEST(StorageMonitor, s7_the_active_segment_goes_too_early) {
    Retained s;
    s.topic.retention = seconds(1);
    s.nodes[1].log.delete_segments(5);
    s.observe();
    EXPECT_EQ(s.findings(), Ids{"S7"});
    EXPECT_EQ(s.check("S7").violations.front().offset, Offset{4});
}

TEST(StorageMonitor, s7_nothing_goes_above_the_high_watermark) {
    Retained s;
    s.topic.retention = seconds(1);
    s.nodes[1].high_watermark = Offset{0};
    s.nodes[1].log.delete_segments(1);
    s.nodes[1].log.log_start_offset = Offset{1};
    s.observe();
    EXPECT_EQ(s.findings(), Ids{"S7"});
}

TEST(StorageMonitor, s7_what_lies_below_the_log_start_may_go) {
    Retained s;
    for (int n : {0, 1}) s.nodes[n].log.advance_start(Offset{2});
    s.observe();
    s.look_for_old_segments(0), s.look_for_old_segments(1);
    EXPECT_EQ(s.nodes[0].log.segments.size(), 3u);
    EXPECT_EQ(s.findings(), Ids{});
}

TEST(StorageMonitor, s7_a_segment_stays_too_long) {
    Retained s;
    s.topic.retention = seconds(5);
    s.wait(seconds(1)), s.observe();  // due
    s.wait(seconds(3)), s.observe();
    EXPECT_EQ(s.findings(), Ids{});
    s.wait(milliseconds(1)), s.observe();
    EXPECT_EQ(s.findings(), Ids{"S7"});
    EXPECT_EQ(s.check("S7").found, 2u);  // on both
    s.monitor.on_clock_moved(Instant{0});
    EXPECT_EQ(s.findings(), Ids{"S7?"});
}

TEST(StorageMonitor, s7_who_is_paused_down_or_never_looks_is_not_late) {
    const std::function<void(Retained&)> cases[] = {
        [](Retained& s) {
            s.monitor.on_paused(NodeId{0});
            s.monitor.on_paused(NodeId{1});
        },
        [](Retained& s) { s.nodes[0].running = s.nodes[1].running = false; },
        [](Retained& s) {
            s.topic.cleanup_compact = true;
            s.broker.cleaner_enable = false;
        },
        [](Retained& s) { s.nodes[0].high_watermark = s.nodes[1].high_watermark = Offset{0}; },
        [](Retained& s) {
            const ReplicaLog had = s.nodes[0].log;
            for (int n : {0, 1}) s.crash(n, StorageLoss::wipe), s.start(n);
            for (ScriptedStorage::Node& n : s.nodes) {
                n.log = had;  // from a leader
                n.high_watermark = had.log_end_offset;
            }
        },
    };
    for (const auto& change : cases) {
        Retained s;
        s.topic.retention = seconds(5);
        s.wait(seconds(1)), s.observe();
        change(s);
        s.wait(seconds(20)), s.observe();
        EXPECT_EQ(s.findings(), Ids{});
    }
}

// --- S8: the log start --------------------------------------------------------------------------

TEST(StorageMonitor, s8_the_log_start_goes_back) {
    Storage s;
    s.write(4);
    for (int n : {0, 1}) s.nodes[n].log.advance_start(Offset{3});
    s.observe();
    s.nodes[1].log.log_start_offset = Offset{2};
    s.observe();
    EXPECT_EQ(s.findings(), Ids{"S8"});
    s.facts.partitions[0].unclean_elections.push_back(s.now);
    EXPECT_EQ(s.findings(), Ids{"S8?"});
}

TEST(StorageMonitor, s8_a_crash_or_a_new_beginning_may_take_it_back) {
    Storage s;
    s.write(4);
    s.nodes[1].log.advance_start(Offset{3}), s.observe();
    s.crash(1);
    EXPECT_EQ(s.nodes[1].log.log_start_offset, Offset{0});
    s.start(1);
    s.nodes[1].log.advance_start(Offset{3}), s.observe();
    s.truncate(1, 1), s.observe();  // the leader's log ends there
    EXPECT_EQ(s.findings(), Ids{});
    EXPECT_EQ(s.check("S8").checked, 3u);
}

TEST(StorageMonitor, s8_the_log_start_lies_outside_of_the_log) {
    Storage above;
    above.write(2);
    above.nodes[1].log.log_start_offset = Offset{3};
    above.observe();
    EXPECT_EQ(above.findings(), Ids{"S8"});
    Retained below;
    below.topic.retention = seconds(1);
    below.nodes[1].log.delete_segments(2);
    below.nodes[1].log.log_start_offset = Offset{1};
    below.observe();
    EXPECT_EQ(below.findings(), Ids{"S8"});
}

TEST(StorageMonitor, s8_records_are_said_to_be_deleted_and_are_not) {
    Storage s;
    s.write(4);
    s.nodes[0].log.advance_start(Offset{3}), s.observe();
    s.isr = {NodeId{0}};
    s.monitor.on_records_deleted(s.now, s.view(), Offset{3});
    s.isr = {NodeId{0}, NodeId{1}};
    s.nodes[1].running = false;
    s.monitor.on_records_deleted(s.now, s.view(), Offset{3});
    EXPECT_EQ(s.findings(), Ids{});
    s.nodes[1].running = true;
    s.monitor.on_records_deleted(s.now, s.view(), Offset{3});
    EXPECT_EQ(s.findings(), Ids{"S8"});
}

TEST(StorageMonitor, s8_a_deletion_may_come_undone_by_a_crash) {
    Storage s;
    s.write(4);
    for (int n : {0, 1}) s.nodes[n].log.advance_start(Offset{3});
    s.observe();
    s.crash(1), s.start(1);
    ASSERT_EQ(s.nodes[1].log.log_start_offset, Offset{0});
    s.monitor.on_records_deleted(s.now, s.view(), Offset{3});
    EXPECT_EQ(s.findings(), Ids{});
}

}  // namespace
}  // namespace tribunal
