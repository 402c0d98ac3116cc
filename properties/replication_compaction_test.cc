// What compaction hides from replication: what is excused by it, and what is not.
#include <gtest/gtest.h>

#include "properties/scripted_cluster.h"

namespace tribunal {
namespace {

using Cluster = ScriptedCluster;

Cluster compacted(int committed) {
    Cluster c = Cluster::healthy(committed);
    c.compacts = true;
    c.with_naive = false;  // it knows nothing of compaction
    c.observe();
    return c;
}

void append_at(Cluster& c, int node, LeaderEpoch epoch, std::int64_t offset, std::int64_t uid) {
    RecordBatch batch = Cluster::batch(uid, 1);
    batch.base_offset = Offset{offset};
    batch.leader_epoch = epoch;
    c.nodes[node].log.append(std::move(batch));
}

// Node 1 had cleaned the record at 2 away and was cut behind it; its next process finds its log to
// end before the gap.
TEST(ReplicationCompaction, a_log_that_was_cut_in_a_gap_ends_before_it_after_a_restart) {
    for (const bool compacts : {true, false}) {
        Cluster c = compacted(2);
        c.compacts = compacts;
        c.monitor = {};
        c.append(0, c.epoch);
        while (c.copy_next(0, 2)) c.observe();
        append_at(c, 1, c.epoch, 3, 90);
        c.truncate(1, 3);
        c.observe();
        ASSERT_EQ(c.nodes[1].log.log_end_offset, Offset{3});
        c.high_watermark(0, 3);
        c.observe();
        c.nodes[1].running = false;
        c.truncate(1, 2);
        c.observe();
        c.nodes[1].running = true;
        c.observe();
        EXPECT_EQ(c.check("R2").found, 1u);
        EXPECT_EQ(c.check("R2").found_allowed, compacts ? 1u : 0u);
    }
}

// Epoch 2 began at 2. The record there was cleaned away before node 0 copied it, so node 0 thinks
// that epoch 2 began at 3, and as leader lets node 1 keep its old record of epoch 1 at 2.
TEST(ReplicationCompaction, a_leader_that_knows_an_epoch_from_too_late_on) {
    for (const bool knows_better : {false, true}) {
        Cluster c = compacted(2);
        append_at(c, 1, c.epoch, 2, 90);
        c.observe();
        const LeaderEpoch second{c.epoch.value + 1};
        c.elect(2);
        c.isr = {NodeId{0}, NodeId{2}};
        c.lead(2);
        c.follow(0);
        c.observe();
        c.append(2, second, 1);
        c.append(2, second, 1);
        if (knows_better) c.nodes[0].log.assign_epoch(second, Offset{2});
        append_at(c, 0, second, 3, c.next_uid - 1);
        c.observe();
        c.high_watermark(2, 4);
        c.observe();
        c.elect(0);
        c.lead(0);
        c.follow(1);
        c.follow(2);
        c.observe();
        append_at(c, 1, second, 3, c.next_uid - 1);
        c.high_watermark(0, 4);
        c.observe();
        c.high_watermark(1, 4), c.high_watermark(2, 4);
        c.observe();
        EXPECT_EQ(c.check("R3").found, 1u);
        EXPECT_EQ(c.check("R3").found_allowed, knows_better ? 0u : 1u);
    }
}

// The same leader has nothing left of epoch 1, so its follower is cut further than need be.
TEST(ReplicationCompaction, a_leader_that_has_nothing_left_of_an_epoch) {
    for (const bool has_nothing : {true, false}) {
        Cluster c = compacted(2);
        const LeaderEpoch second{c.epoch.value + 1};
        c.elect(2);
        c.lead(2);
        c.follow(0), c.follow(1);
        c.observe();
        c.append(2, second, 1);
        while (c.copy_next(2, 1)) c.observe();
        c.high_watermark(2, 3);
        c.isr = {NodeId{1}, NodeId{2}};
        c.observe();
        c.append(2, second, 1);
        c.high_watermark(2, 4);
        c.isr = {NodeId{2}};
        c.observe();
        const LeaderEpoch third{second.value + 1};
        if (!has_nothing) c.nodes[0].log.assign_epoch(second, Offset{2});
        append_at(c, 0, third, 4, 95);  // 2 and 3 are cleaned away
        c.isr = {NodeId{0}, NodeId{2}};
        c.observe();
        c.elect(0);
        c.lead(0);
        c.follow(1);
        c.observe();
        c.truncate(1, 2);
        c.observe();
        EXPECT_EQ(c.check("R17").found, 1u);
        EXPECT_EQ(c.check("R17").found_allowed, has_nothing ? 1u : 0u);
    }
}

}  // namespace
}  // namespace tribunal
