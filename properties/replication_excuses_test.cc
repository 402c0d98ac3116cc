// Losses that are nobody's fault and were once taken for one: each of these runs keeps Kafka's
// rules, and the replication monitor must see that it does.
#include <gtest/gtest.h>

#include <set>

#include "properties/replication_monitor.h"
#include "properties/scripted_cluster.h"
#include "properties/twin_agreement.h"

namespace tribunal {
namespace {

constexpr TopicPartition kPartition = ScriptedCluster::kPartition;
using Cluster = ScriptedCluster;
using Ids = std::set<std::string>;

void set_isr(Cluster& c, FlatSet<NodeId> isr) {
    c.isr = std::move(isr);
    c.partition_epoch = PartitionEpoch{c.partition_epoch.value + 1};
}

// (1) Node 0 alone commits a record. (2) It loses power and the record with it. (3) The controller
// learns of the unclean restart and strikes it from the ISR and from the eligible replicas
// (KIP-966): nobody is a candidate any more, and the loss is still one of every candidate.
TEST(ReplicationExcuses, a_loss_of_every_candidate_stays_one_when_the_last_is_struck) {
    Cluster c = Cluster::healthy(3);
    set_isr(c, {NodeId{0}});
    c.min_insync_replicas = 1;
    c.lead(0);
    c.append(0, c.epoch);
    c.high_watermark(0, 4);
    c.observe();
    ASSERT_EQ(c.findings(), Ids{});
    c.lossy(0);
    c.nodes[0].running = false;
    c.nodes[0].is_leader = false;
    c.truncate(0, 3);
    c.leader = kNoNode;
    c.elr = {};
    c.last_known_elr = {NodeId{0}};
    set_isr(c, {});
    c.observe();
    EXPECT_EQ(c.findings(), Ids{"R16?"});
    EXPECT_EQ(c.monitor.facts(kPartition).budget_exhausted_at, c.now);
    expect_twin_agrees(c);
}

// (1) Node 0 leads, and node 2 has an uncommitted record of it. (2) Node 1 is elected; node 0 has
// not heard, and goes on listing node 2 among those it would have in the ISR. (3) Node 2 loses the
// record with its power, and (4) joins the ISR of node 1 with all that is committed. What a deposed
// leader asks for is refused and is no way in, so node 2 was out.
TEST(ReplicationExcuses, a_proposal_of_a_deposed_leader_lets_nobody_into_the_isr) {
    Cluster c = Cluster::healthy(3);
    c.append(0, c.epoch);
    c.copy_next(0, 2);
    c.observe();
    c.elect(1);
    set_isr(c, {NodeId{1}});
    c.lead(1);
    c.observe();
    ASSERT_TRUE(c.nodes[0].is_leader);
    ASSERT_TRUE(c.nodes[0].maximal.contains(NodeId{2}));
    c.lossy(2);
    c.nodes[2].running = false;
    c.nodes[2].standing = Standing::fenced;
    c.truncate(2, 3);
    c.observe();
    c.nodes[2].running = true;
    c.follow(2);
    c.nodes[2].standing = Standing::active;
    c.observe();
    set_isr(c, {NodeId{1}, NodeId{2}});
    c.lead(1);
    c.observe();
    EXPECT_EQ(c.check("R14").found, 0u);
    EXPECT_GT(c.check("R14").checked, 0u);
    EXPECT_EQ(c.findings(), Ids{});
    expect_twin_agrees(c);
}

// With flush.messages=1: (1) node 1 appends a record and is killed before it has flushed it. (2)
// Its next life finds the record in the page cache, and Kafka does not flush what recovery finds.
// (3) The record is committed. (4) Power takes it from node 1. Only a record that is appended, and
// so flushed with the whole file, puts an end to that.
TEST(ReplicationExcuses, a_killed_process_has_not_flushed_its_tail) {
    for (const bool appends_another : {false, true}) {
        Cluster c;
        c.monitor.on_created(kPartition, {"orders-0", false, true});
        c.elect(0);
        c.lead(0);
        c.follow(1);
        c.follow(2);
        c.observe();
        for (int i = 0; i < 3; ++i) c.commit_one();
        c.append(0, c.epoch);
        c.copy_next(0, 1);
        c.copy_next(0, 2);
        c.observe();
        c.nodes[1].running = false;
        c.observe();
        c.nodes[1].running = true;
        c.follow(1);
        c.observe();
        c.high_watermark(0, 4);
        c.high_watermark(1, 4);
        c.observe();
        if (appends_another) c.commit_one();
        ASSERT_EQ(c.findings(), Ids{});
        c.lossy(1);
        c.nodes[1].running = false;
        c.truncate(1, 3);
        c.observe();
        c.nodes[1].running = true;
        c.follow(1);
        c.observe();
        EXPECT_EQ(c.findings(),
                  appends_another ? Ids({"R2", "R5", "R6"}) : Ids({"R2?", "R5?", "R6?"}));
    }
}

}  // namespace
}  // namespace tribunal
