// The replication monitor against a small scripted cluster: silent under the rules, and one planted
// violation a property with its excused one beside it. R1 to R9, of leaders and ISRs;
// replication_logs_test.cc has those of high watermarks and truncation.
#include "properties/replication_monitor.h"

#include <gtest/gtest.h>

#include <set>

#include "properties/scripted_cluster.h"
#include "properties/twin_agreement.h"

namespace tribunal {
namespace {

constexpr TopicPartition kPartition = ScriptedCluster::kPartition;
using Cluster = ScriptedCluster;
using Ids = std::set<std::string>;

TEST(ReplicationMonitor, a_healthy_partition_passes_what_it_exercised) {
    Cluster c = Cluster::healthy(5);
    EXPECT_EQ(c.findings(), Ids{});
    for (const char* id : {"R1", "R2", "R3", "R4", "R5", "R6", "R7", "R8", "R9", "R10", "R11"}) {
        EXPECT_EQ(c.check(id).verdict, Verdict::pass) << id;
        EXPECT_GT(c.check(id).checked, 0u) << id;
    }
    EXPECT_EQ(c.check("R17").verdict, Verdict::vacuous);
    EXPECT_EQ(c.check("D5").verdict, Verdict::vacuous);
    EXPECT_FALSE(c.check("D5").note.empty());
    expect_twin_agrees(c);
}

TEST(ReplicationMonitor, an_idle_partition_exercises_little) {
    Cluster c;
    c.observe();
    for (const char* id : {"R1", "R2", "R3", "R4", "R5", "R6", "R7", "R8", "R10", "R17", "D5"}) {
        EXPECT_EQ(c.check(id).verdict, Verdict::vacuous) << id;
    }
}

// --- one planted violation for each property -------------------------------------------------

TEST(ReplicationMonitor, r1_an_incomplete_leader_is_one_loss) {
    Cluster c = Cluster::healthy(5);
    c.nodes[1].running = false;
    c.truncate(1, 3);  // while it was down: a disk that forgot
    c.observe();
    c.nodes[1].running = true;
    c.elect(1);
    c.isr = {NodeId{1}};
    c.nodes[0].running = false;
    c.lead(1);
    c.observe();
    c.append(1, c.epoch);
    c.observe();
    c.observe();
    // R5 and R6 of the old leader trip first: its ISR had lost the record.
    EXPECT_EQ(c.findings(), (Ids{"R1", "R5", "R6"}));
    EXPECT_EQ(c.check("R1").found, 1u);
    EXPECT_EQ(c.check("R1").violations.front().offset, Offset{3});
    ASSERT_EQ(c.monitor.losses().size(), 1u);
    EXPECT_EQ(c.monitor.losses().front().from, Offset{3});
    EXPECT_EQ(c.monitor.losses().front().end, Offset{5});
    EXPECT_FALSE(c.monitor.losses().front().allowed);
    EXPECT_GT(c.monitor.failures(), 0u);
    expect_twin_agrees(c);
}

TEST(ReplicationMonitor, r1_is_allowed_after_an_unclean_election) {
    Cluster c = Cluster::unclean_loss();
    EXPECT_EQ(c.findings(), (Ids{"R1?", "R2?", "R3?"}));
    EXPECT_EQ(c.check("R1").found, 1u);
    EXPECT_EQ(c.check("R1").verdict, Verdict::allowed);
    EXPECT_NE(c.check("R1").violations.front().because.find("outside the ISR"), std::string::npos);
    const PartitionFacts facts = c.monitor.facts(kPartition);
    EXPECT_EQ(facts.unclean_elections.size(), 1u);
    EXPECT_EQ(facts.leader_changes.size(), 1u);
    EXPECT_EQ(facts.budget_exhausted_at, kNever);
    EXPECT_EQ(c.monitor.failures(), 0u);
    expect_twin_agrees(c);
}

TEST(ReplicationMonitor, an_unclean_election_excuses_no_later_loss) {
    Cluster c = Cluster::unclean_loss();
    // The new leader itself forgets what it has committed since.
    c.nodes[2].running = false;
    c.truncate(2, 3);
    c.observe();
    c.nodes[2].running = true;
    c.elect(2);
    c.lead(2);
    c.observe();
    EXPECT_EQ(c.check("R1").found, 2u);
    EXPECT_EQ(c.check("R1").found_allowed, 1u);
    EXPECT_EQ(c.check("R1").verdict, Verdict::fail);
    expect_twin_agrees(c);
}

TEST(ReplicationMonitor, r1_is_allowed_when_the_last_replica_standing_loses_its_data) {
    Cluster c = Cluster::healthy(3);
    c.isr = {NodeId{0}};
    c.partition_epoch = PartitionEpoch{c.partition_epoch.value + 1};
    c.lead(0);
    c.observe();
    c.append(0, c.epoch, 2);
    c.high_watermark(0, 5);
    c.observe();
    c.lossy(0);
    c.nodes[0].running = false;
    c.truncate(0, 3);
    c.observe();
    EXPECT_EQ(c.monitor.facts(kPartition).budget_exhausted_at, c.now);
    c.nodes[0].running = true;
    c.elect(0);
    c.lead(0);
    c.observe();
    EXPECT_TRUE(c.findings().contains("R1?"));
    EXPECT_FALSE(c.findings().contains("R1"));
    EXPECT_NE(c.check("R1").violations.front().because.find("loss budget"), std::string::npos);
    expect_twin_agrees(c);
}

TEST(ReplicationMonitor, a_lossy_member_that_is_elected_beside_a_complete_one_is_a_failure) {
    Cluster c = Cluster::healthy(5);
    c.lossy(1);
    c.nodes[1].running = false;
    c.truncate(1, 3);
    c.observe();
    EXPECT_EQ(c.findings(), (Ids{"R5?", "R6?"}));
    c.nodes[1].running = true;
    c.observe();
    EXPECT_EQ(c.findings(), (Ids{"R2?", "R5?", "R6?"}));
    c.nodes[0].running = false;
    c.elect(1);
    c.lead(1);
    c.observe();
    EXPECT_EQ(c.findings(), (Ids{"R1", "R2?", "R5?", "R6?"}));
    EXPECT_EQ(c.monitor.facts(kPartition).budget_exhausted_at, kNever);
    expect_twin_agrees(c);
}

TEST(ReplicationMonitor, flushing_every_message_leaves_no_excuse_for_a_power_loss) {
    for (const DataLoss loss : {DataLoss::power, DataLoss::wipe}) {
        Cluster c = Cluster::healthy(3);
        c.monitor.on_created(kPartition, {"orders-0", false, true});
        c.isr = {NodeId{0}};
        c.lead(0);
        c.observe();
        c.lossy(0, loss);
        c.nodes[0].running = false;
        c.truncate(0, 1);
        c.observe();
        c.nodes[0].running = true;
        c.elect(0);
        c.lead(0);
        c.observe();
        EXPECT_EQ(c.check("R1").verdict,
                  loss == DataLoss::power ? Verdict::fail : Verdict::allowed);
        EXPECT_EQ(c.monitor.facts(kPartition).name, "orders-0");
    }
}

TEST(ReplicationMonitor, r1_an_acknowledged_record_that_the_next_leader_never_had) {
    Cluster c = Cluster::healthy(2);
    c.append(0, c.epoch, 1, 700);
    c.observe();
    c.acknowledged(2, 700);  // before any follower had it
    c.acknowledged(1, 1);    // committed: fine
    c.elect(1);
    c.lead(1);
    c.observe();
    EXPECT_EQ(c.findings(), Ids{"R1"});
    EXPECT_NE(c.check("R1").violations.front().summary.find("700"), std::string::npos);
    expect_twin_agrees(c);
}

TEST(ReplicationMonitor, r2_a_member_of_the_isr_that_is_behind_the_committed_end) {
    Cluster c = Cluster::healthy(2);
    c.append(0, c.epoch);
    c.observe();
    c.copy_next(0, 1);
    c.observe();
    c.high_watermark(0, 3);
    c.observe();
    // The same fact breaks R5 and R6: the high watermark passed a member of the ISR.
    EXPECT_EQ(c.findings(), (Ids{"R2", "R5", "R6"}));
    EXPECT_EQ(c.check("R2").found, 1u);
    // Out of every ISR it is nobody's member.
    c.copy_next(0, 2);
    c.observe();
    EXPECT_EQ(c.check("R2").found, 1u);
    expect_twin_agrees(c);
}

TEST(ReplicationMonitor, r2_an_eligible_leader_replica_counts_as_a_candidate) {
    Cluster c = Cluster::healthy(2);
    c.min_insync_replicas = 3;
    c.isr = {NodeId{0}, NodeId{1}};
    c.elr = {NodeId{2}};
    c.lead(0);
    c.observe();
    c.append(0, c.epoch);
    c.observe();
    c.copy_next(0, 1);
    c.observe();
    c.high_watermark(0, 3);
    c.observe();
    EXPECT_EQ(c.findings(), Ids{"R2"});
    expect_twin_agrees(c);
}

TEST(ReplicationMonitor, an_election_from_the_elr_is_clean) {
    Cluster c = Cluster::healthy(2);
    c.isr = {NodeId{0}};
    c.elr = {NodeId{1}};
    c.lead(0);
    c.observe();
    c.nodes[0].running = false;
    c.elect(1);
    c.isr = {NodeId{1}};
    c.elr = {};
    c.lead(1);
    c.observe();
    EXPECT_EQ(c.findings(), Ids{});
    EXPECT_TRUE(c.monitor.facts(kPartition).unclean_elections.empty());
    expect_twin_agrees(c);
}

TEST(ReplicationMonitor, r3_replicas_that_disagree_below_their_high_watermarks) {
    Cluster c = Cluster::healthy(2);
    c.isr = {NodeId{0}};
    c.lead(0);
    c.observe();
    c.append(0, c.epoch);
    c.observe();
    c.append(1, c.epoch);  // another record in the same place
    c.observe();
    c.high_watermark(0, 3);
    c.observe();
    c.high_watermark(1, 3);
    c.observe();
    EXPECT_EQ(c.findings(), Ids{"R3"});
    EXPECT_EQ(c.check("R3").found, 1u);
    EXPECT_EQ(c.check("R3").violations.front().offset, Offset{2});
    c.observe();
    EXPECT_EQ(c.check("R3").found, 1u);  // still the same
    expect_twin_agrees(c);
}

TEST(ReplicationMonitor, r3_is_allowed_across_an_unclean_election) {
    Cluster c = Cluster::healthy(2);
    c.append(0, c.epoch);
    c.observe();
    c.isr = {NodeId{0}};
    c.lead(0);
    c.high_watermark(0, 3);
    c.observe();
    c.elect(1);  // not in the ISR
    c.isr = {NodeId{1}};
    c.lead(1);
    c.observe();
    c.append(1, c.epoch);
    c.high_watermark(1, 3);
    c.observe();
    EXPECT_EQ(c.findings(), (Ids{"R1?", "R3?"}));
    expect_twin_agrees(c);
}

TEST(ReplicationMonitor, r4_a_maximal_isr_without_a_member_of_the_controllers) {
    Cluster c = Cluster::healthy(2);
    c.nodes[0].isr = {NodeId{0}, NodeId{1}};
    c.nodes[0].maximal = {NodeId{0}, NodeId{1}};
    c.observe();
    EXPECT_EQ(c.findings(), Ids{"R4"});
    c.observe();
    EXPECT_EQ(c.check("R4").found, 1u);
    // A leader that has not heard of the newest ISR is excused from it.
    Cluster d = Cluster::healthy(2);
    d.isr = {NodeId{0}, NodeId{1}};
    d.lead(0);
    d.isr = {NodeId{0}, NodeId{1}, NodeId{2}};
    d.partition_epoch = PartitionEpoch{d.partition_epoch.value + 1};
    d.observe();
    EXPECT_EQ(d.findings(), Ids{});
    expect_twin_agrees(c);
    expect_twin_agrees(d);
}

TEST(ReplicationMonitor, r4_a_maximal_isr_that_differs_with_nothing_under_way) {
    Cluster c = Cluster::healthy(2);
    c.isr = {NodeId{0}, NodeId{1}};
    c.lead(0);
    c.observe();
    c.nodes[0].maximal = {NodeId{0}, NodeId{1}, NodeId{2}};
    c.nodes[0].settled = false;
    c.observe();
    EXPECT_EQ(c.findings(), Ids{});
    c.nodes[0].settled = true;
    c.observe();
    EXPECT_EQ(c.findings(), Ids{"R4"});
    expect_twin_agrees(c);
}

TEST(ReplicationMonitor, r5_a_member_of_the_leaders_isr_without_a_committed_record) {
    Cluster c = Cluster::healthy(2);
    // The controller has dropped node 2; the leader has not heard of it and goes on without it.
    c.isr = {NodeId{0}, NodeId{1}};
    c.partition_epoch = PartitionEpoch{c.partition_epoch.value + 1};
    c.append(0, c.epoch);
    c.observe();
    c.copy_next(0, 1);
    c.observe();
    c.high_watermark(0, 3);
    c.observe();
    EXPECT_EQ(c.findings(), Ids{"R5"});
    EXPECT_EQ(c.check("R5").violations.front().offset, Offset{2});
    expect_twin_agrees(c);
}

TEST(ReplicationMonitor, r5_is_allowed_for_a_deposed_leader_after_an_unclean_election) {
    Cluster c = Cluster::healthy(2);
    c.isr = {NodeId{0}};
    c.observe();
    c.elect(2);
    c.isr = {NodeId{2}};
    c.lead(2);
    c.observe();
    c.append(0, LeaderEpoch{1});
    c.observe();
    c.high_watermark(0, 3);
    c.observe();
    EXPECT_EQ(c.findings(), Ids{"R5?"});
    expect_twin_agrees(c);
}

TEST(ReplicationMonitor, r6_a_member_of_the_controllers_isr_without_a_committed_record) {
    Cluster c = Cluster::healthy(2);
    // The leader's committed ISR lacks node 2 and its maximal one has it: only R6 sees it, with R2.
    c.nodes[0].isr = {NodeId{0}, NodeId{1}};
    c.nodes[0].settled = false;
    c.append(0, c.epoch);
    c.observe();
    c.copy_next(0, 1);
    c.observe();
    c.high_watermark(0, 3);
    c.observe();
    EXPECT_EQ(c.findings(), (Ids{"R2", "R6"}));
    expect_twin_agrees(c);
}

TEST(ReplicationMonitor, r7_a_leader_outside_the_isr) {
    Cluster c = Cluster::healthy(2);
    c.isr = {NodeId{1}, NodeId{2}};
    c.partition_epoch = PartitionEpoch{c.partition_epoch.value + 1};
    c.observe();
    c.observe();
    EXPECT_EQ(c.findings(), Ids{"R7"});
    EXPECT_EQ(c.check("R7").found, 1u);
    expect_twin_agrees(c);
}

TEST(ReplicationMonitor, r8_two_leaders_of_an_epoch) {
    Cluster c = Cluster::healthy(2);
    c.nodes[0].running = false;
    c.observe();
    c.nodes[1].is_leader = true;  // of epoch 1, as node 0 was
    c.nodes[1].isr = c.isr;
    c.nodes[1].maximal = c.isr;
    c.observe();
    EXPECT_EQ(c.findings(), Ids{"R8"});
    expect_twin_agrees(c);
}

TEST(ReplicationMonitor, r9_epochs_that_go_back) {
    Cluster at_controller = Cluster::healthy(1);
    at_controller.elect(0);
    at_controller.lead(0);
    at_controller.observe();
    at_controller.epoch = LeaderEpoch{1};
    at_controller.observe();
    EXPECT_EQ(at_controller.findings(), Ids{"R9"});

    Cluster at_replica = Cluster::healthy(1);
    at_replica.nodes[1].epoch = LeaderEpoch{0};
    at_replica.observe();
    EXPECT_EQ(at_replica.findings(), Ids{"R9"});

    Cluster in_log = Cluster::healthy(1);
    in_log.append(0, LeaderEpoch{0});
    in_log.observe();
    EXPECT_EQ(in_log.findings(), Ids{"R9"});

    // A restart may find an older epoch on its disk.
    Cluster restarted = Cluster::healthy(1);
    restarted.nodes[1].running = false;
    restarted.observe();
    restarted.nodes[1].running = true;
    restarted.nodes[1].epoch = LeaderEpoch{0};
    restarted.observe();
    EXPECT_EQ(restarted.findings(), Ids{});
    for (const Cluster* c : {&at_controller, &at_replica, &in_log, &restarted}) {
        expect_twin_agrees(*c);
    }
}

TEST(ReplicationMonitor, nothing_is_promised_once_the_controllers_lost_their_disks) {
    Cluster c = Cluster::healthy(1);
    c.monitor.on_metadata_lost(c.now);
    c.naive.on_metadata_lost();
    c.epoch = LeaderEpoch{0};
    c.observe();
    EXPECT_EQ(c.findings(), Ids{"R9?"});
    expect_twin_agrees(c);
}

}  // namespace
}  // namespace tribunal
