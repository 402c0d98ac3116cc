// The replication monitor against a small scripted cluster: clean under the rules, one planted
// violation a property, and equal to its naive twin on random states, wrong ones included.
//
// Long because one scripted cluster serves all three and every property has its planted violation
// and its excused one side by side.
#include "properties/replication_monitor.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <set>

#include "broker/base/prng.h"
#include "properties/scripted_cluster.h"

namespace tribunal {
namespace {

constexpr TopicPartition kPartition = ScriptedCluster::kPartition;
using Cluster = ScriptedCluster;

using Ids = std::set<std::string>;

std::map<std::string, NaiveReplication::Count> counts_of(const ReplicationMonitor& monitor) {
    std::map<std::string, NaiveReplication::Count> counts;
    for (const Check& check : monitor.finish(nullptr)) {
        if (check.found > 0) counts[check.id] = {check.found, check.found_allowed};
    }
    return counts;
}

std::string text_of(const std::map<std::string, NaiveReplication::Count>& counts) {
    std::string out;
    for (const auto& [id, c] : counts) {
        out += id + "=" + std::to_string(c.found) + "/" + std::to_string(c.found_allowed) + " ";
    }
    return out;
}

void expect_twin_agrees(const Cluster& c) {
    EXPECT_EQ(text_of(counts_of(c.monitor)), text_of(c.naive.evaluate()));
}

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

Cluster unclean_loss() {
    Cluster c = Cluster::healthy(3);
    c.isr = {NodeId{0}, NodeId{1}};
    c.partition_epoch = PartitionEpoch{c.partition_epoch.value + 1};
    c.lead(0);
    c.observe();
    c.append(0, c.epoch, 2, 900);
    c.observe();
    c.copy_next(0, 1);
    c.observe();
    c.high_watermark(0, 5);
    c.observe();
    c.nodes[0].running = false;
    c.nodes[1].running = false;
    c.observe();
    c.elect(2);
    c.isr = {NodeId{2}};
    c.observe();
    c.lead(2);
    c.observe();
    c.append(2, c.epoch);
    c.high_watermark(2, 4);
    c.observe();
    return c;
}

TEST(ReplicationMonitor, r1_is_allowed_after_an_unclean_election) {
    Cluster c = unclean_loss();
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
    Cluster c = unclean_loss();
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

TEST(ReplicationMonitor, r10_a_leader_takes_its_high_watermark_back) {
    Cluster c = Cluster::healthy(3);
    c.high_watermark(0, 2);
    c.observe();
    EXPECT_EQ(c.findings(), Ids{"R10"});
    expect_twin_agrees(c);
}

TEST(ReplicationMonitor, r10_a_new_leader_may_begin_lower_but_not_advance_to_below) {
    Cluster c = Cluster::healthy(4);
    c.high_watermark(1, 1);  // a follower's own may be anything
    c.observe();
    c.elect(1);
    c.lead(1);
    c.observe();
    EXPECT_EQ(c.findings(), Ids{});
    Cluster good = c;
    good.high_watermark(1, 4);
    good.observe();
    EXPECT_EQ(good.findings(), Ids{});
    c.high_watermark(1, 2);
    c.observe();
    c.high_watermark(1, 3);
    c.observe();
    EXPECT_EQ(c.findings(), Ids{"R10"});
    EXPECT_EQ(c.check("R10").found, 1u);
    expect_twin_agrees(c);
    expect_twin_agrees(good);
}

TEST(ReplicationMonitor, r10_is_allowed_in_the_term_of_an_unclean_election) {
    Cluster c = Cluster::healthy(4);
    c.high_watermark(2, 1);
    c.isr = {NodeId{0}};
    c.lead(0);
    c.observe();
    c.elect(2);
    c.isr = {NodeId{2}, NodeId{1}};
    c.lead(2);
    c.observe();
    c.high_watermark(2, 2);
    c.observe();
    EXPECT_EQ(c.findings(), Ids{"R10?"});
    expect_twin_agrees(c);
}

TEST(ReplicationMonitor, r11_a_high_watermark_outside_the_log) {
    Cluster c = Cluster::healthy(2);
    c.high_watermark(2, 3);
    c.observe();
    EXPECT_EQ(c.findings(), Ids{"R11"});
    Cluster d = Cluster::healthy(2);
    d.nodes[2].log.advance_start(Offset{2});
    d.high_watermark(2, 1);
    d.observe();
    EXPECT_EQ(d.findings(), Ids{"R11"});
    expect_twin_agrees(c);
    expect_twin_agrees(d);
}

TEST(ReplicationMonitor, r17_a_follower_truncates_committed_records) {
    Cluster c = Cluster::healthy(4);
    c.isr = {NodeId{0}, NodeId{1}};
    c.lead(0);
    c.observe();
    c.truncate(2, 2);
    c.observe();
    EXPECT_EQ(c.findings(), Ids{"R17"});
    EXPECT_EQ(c.check("R17").violations.front().offset, Offset{2});
    expect_twin_agrees(c);
}

TEST(ReplicationMonitor, r17_lets_a_follower_drop_what_was_never_committed) {
    Cluster c = Cluster::healthy(2);
    c.append(0, c.epoch);
    c.append(0, c.epoch);
    c.observe();
    c.elect(1);
    c.isr = {NodeId{1}, NodeId{2}};
    c.lead(1);
    c.observe();
    for (int i = 0; i < 3; ++i) {
        c.append(1, c.epoch);
        c.observe();
        c.copy_next(1, 2);
        c.observe();
    }
    c.high_watermark(1, 5);  // above where node 0 must truncate to
    c.observe();
    c.follow(0);
    c.truncate(0, 2);
    c.observe();
    EXPECT_EQ(c.findings(), Ids{});
    EXPECT_EQ(c.check("R17").verdict, Verdict::pass);
    expect_twin_agrees(c);
}

TEST(ReplicationMonitor, r17_a_leader_truncates_in_its_own_epoch) {
    Cluster c = Cluster::healthy(2);
    c.append(0, c.epoch);
    c.observe();
    c.truncate(0, 2);
    c.observe();
    EXPECT_EQ(c.findings(), Ids{"R17"});
    expect_twin_agrees(c);
}

TEST(ReplicationMonitor, r17_is_allowed_while_an_unclean_election_is_pending) {
    Cluster c = Cluster::healthy(4);
    c.isr = {NodeId{0}};
    c.lead(0);
    c.nodes[0].running = false;
    c.observe();
    c.elect(1);
    c.isr = {NodeId{1}};
    c.observe();
    c.follow(2);
    c.truncate(2, 2);
    c.observe();
    EXPECT_EQ(c.findings(), Ids{"R17?"});
    expect_twin_agrees(c);
}

TEST(ReplicationMonitor, r17_what_a_restarted_node_lacks_is_no_truncation) {
    Cluster c = Cluster::healthy(4);
    c.isr = {NodeId{0}, NodeId{1}};
    c.lead(0);
    c.observe();
    c.lossy(2);  // down and up again between two observations
    c.truncate(2, 1);
    c.observe();
    EXPECT_EQ(c.findings(), Ids{});
    expect_twin_agrees(c);
}

// The lost log of the old leader comes back: first by a bug, then by a second unclean election.
Cluster resurrection(bool unclean) {
    Cluster c = unclean_loss();
    c.nodes[2].running = false;
    c.observe();
    if (!unclean) c.isr = {NodeId{0}, NodeId{2}};  // a replica that never truncated joins the ISR
    c.observe();
    c.nodes[0].running = true;
    c.elect(0);
    c.isr = {NodeId{0}};
    c.lead(0);
    c.observe();
    c.high_watermark(0, 5);
    c.observe();
    return c;
}

TEST(ReplicationMonitor, d5_a_lost_record_comes_back) {
    Cluster c = resurrection(false);
    // The loss itself was allowed; the second one (of what the unclean leader wrote) is not, and
    // two logs with the high watermark above the divergence disagree.
    EXPECT_EQ(c.findings(), (Ids{"D5", "R1", "R1?", "R2?", "R3?"}));
    EXPECT_EQ(c.check("D5").found, 2u);
    EXPECT_EQ(c.check("D5").violations.front().uid, RecordUid{900});
    expect_twin_agrees(c);
}

TEST(ReplicationMonitor, d5_is_allowed_by_a_second_unclean_election_or_a_retry) {
    Cluster c = resurrection(true);
    EXPECT_EQ(c.check("D5").verdict, Verdict::allowed);
    expect_twin_agrees(c);

    History history;
    history.sends.resize(1);
    history.sends[0].resize(902);
    for (SendOp& send : history.sends[0]) send.attempts = 2;
    for (const Check& check : resurrection(false).monitor.finish(&history)) {
        if (check.id != "D5") continue;
        EXPECT_EQ(check.verdict, Verdict::allowed);
        EXPECT_NE(check.violations.front().because.find("2 times"), std::string::npos);
    }
}

TEST(ReplicationMonitor, d4_a_record_that_was_read_is_gone_afterwards) {
    const auto read_at = [](Instant at, std::int64_t uid) {
        History h;
        h.clients.push_back({"c1", NodeId{9}});
        h.processes.push_back({0, Instant{0}});
        PollOp poll;
        poll.completed = at;
        poll.partition = kPartition;
        poll.base_offset = Offset{3};
        poll.records = 1;
        h.polls.push_back(poll);
        ReadRecord read;
        read.sequence = static_cast<std::uint32_t>(uid);
        h.reads.push_back(read);
        return h;
    };
    Cluster c = unclean_loss();
    Check check = c.monitor.lost_after_read(read_at(Instant{0}, 900));
    EXPECT_EQ(check.verdict, Verdict::allowed);
    EXPECT_EQ(check.found, 1u);
    EXPECT_EQ(check.violations.front().offset, Offset{3});
    // What the new leader has there now.
    check = c.monitor.lost_after_read(read_at(c.now, 3));
    EXPECT_EQ(check.verdict, Verdict::pass);

    Cluster d = Cluster::healthy(5);
    EXPECT_EQ(d.monitor.lost_after_read(read_at(d.now, 3)).verdict, Verdict::vacuous);
    d.nodes[1].running = false;
    d.truncate(1, 3);
    d.observe();
    d.nodes[1].running = true;
    d.elect(1);
    d.lead(1);
    d.observe();
    EXPECT_EQ(d.monitor.lost_after_read(read_at(d.now, 3)).verdict, Verdict::fail);
    // Read after it had come back to its place: D5's matter.
    const Cluster back = resurrection(true);
    EXPECT_EQ(back.monitor.lost_after_read(read_at(back.now + seconds(1), 900)).found, 0u);
    EXPECT_EQ(back.monitor.lost_after_read(read_at(Instant{0}, 900)).found, 1u);
}

TEST(ReplicationMonitor, a_deleted_partition_is_not_looked_at) {
    Cluster c = Cluster::healthy(2);
    c.monitor.on_deleted(kPartition);
    c.nodes[0].log = ReplicaLog{};
    c.high_watermark(0, 7);
    c.monitor.observe(c.now, c.view());
    EXPECT_EQ(c.findings(), Ids{});
    EXPECT_TRUE(c.monitor.facts(kPartition).deleted);
    EXPECT_EQ(c.monitor.facts().size(), 1u);
}

TEST(ReplicationMonitor, retention_loses_nothing) {
    Cluster c = Cluster::healthy(6);
    c.nodes[0].log.advance_start(Offset{4});
    c.observe();
    c.nodes[1].log.advance_start(Offset{4});
    c.observe();
    c.nodes[2].running = false;
    c.observe();
    c.nodes[0].log.advance_start(Offset{6});
    c.observe();
    c.nodes[2].running = true;
    c.observe();
    c.nodes[2].log.truncate_fully_and_start_at(Offset{6});
    c.observe();
    EXPECT_EQ(c.findings(), Ids{});
    EXPECT_EQ(c.monitor.facts(kPartition).log_start_offset, Offset{6});
    c.elect(2);
    c.lead(2);
    c.observe();
    EXPECT_EQ(c.findings(), Ids{});
    expect_twin_agrees(c);
}

TEST(ReplicationMonitor, copies_go_separate_ways) {
    Cluster c = Cluster::healthy(2);
    const Cluster kept = c;
    c.high_watermark(0, 1);
    c.observe();
    EXPECT_EQ(c.findings(), Ids{"R10"});
    EXPECT_EQ(kept.findings(), Ids{});
}

// --- a cluster that keeps Kafka's rules --------------------------------------------------------

struct Faults {
    bool lossy = false;
    bool unclean = false;
};

// Random steps of a rule-abiding partition: produce, fetch, KIP-101 truncation, ISR changes with
// KIP-497's maximal ISR, elections, deposed leaders that have not heard of it, crashes, retention.
struct Simulation {
    Cluster c;
    Prng random;
    Faults faults;

    explicit Simulation(std::uint64_t seed, Faults f) : random(seed), faults(f) {
        c.keeps_elr = false;
        c.elect(0);
        observe();
    }
    // What the rules of R12-R18 look at follows from the rest.
    void observe() {
        for (int i = 0; i < 3; ++i) {
            Cluster::Node& n = node(i);
            n.shows_progress = true;
            n.progress.clear();
            for (int f = 0; f < 3; ++f) {
                if (f == i) continue;
                ReplicaProgress r;
                r.node = NodeId{f};
                if (n.fetched.contains(f)) r.log_end = n.fetched[f];
                n.progress.push_back(r);
            }
            n.epoch_start = n.log.epoch_cache.empty()
                                ? Offset{0}
                                : n.log.epoch_cache.entries.back().start_offset;
            n.follows = n.is_leader ? kNoNode : NodeId{9};
            n.fetches_from = n.follows;
            n.fetchers = n.is_leader ? 0 : 1;
            n.standing = n.is_fenced ? Standing::fenced
                         : n.running ? Standing::active
                                     : Standing::stale;
        }
        c.observe();
    }
    int pick() { return static_cast<int>(random.below(3)); }
    Cluster::Node& node(int i) { return c.nodes[static_cast<std::size_t>(i)]; }
    bool in_isr(int i) const { return c.isr.contains(NodeId{i}); }
    bool is_current(int i) {
        return node(i).running && node(i).is_leader && node(i).epoch == c.epoch &&
               c.leader == NodeId{i};
    }
    void bump() { c.partition_epoch = PartitionEpoch{c.partition_epoch.value + 1}; }

    void advance_high_watermark(int i) {
        Cluster::Node& l = node(i);
        Offset low = l.log.log_end_offset;
        for (const NodeId m : l.maximal) {
            if (m == NodeId{i}) continue;
            if (!l.fetched.contains(m.value)) return;
            low = std::min(low, l.fetched[m.value]);
        }
        l.high_watermark = std::max(l.high_watermark, low);
    }
    void fetch(int f) {
        Cluster::Node& n = node(f);
        if (!n.running || n.is_leader) return;
        for (int i = 0; i < 3; ++i) {
            Cluster::Node& l = node(i);
            if (i == f || !l.running || !l.is_leader || l.epoch != n.epoch) continue;
            if (n.log.log_end_offset < l.log.log_start_offset) {
                n.log.truncate_fully_and_start_at(l.log.log_start_offset);
                n.high_watermark = l.log.log_start_offset;
                n.must_truncate = false;
                return observe();
            }
            if (n.must_truncate) {
                const LeaderEpoch mine = n.log.latest_epoch();
                const EpochEnd end = l.log.end_offset_for(mine);
                if (mine == kNoLeaderEpoch ||
                    (end.epoch == mine && n.log.log_end_offset <= end.end_offset)) {
                    n.must_truncate = false;
                    return;
                }
                const Offset own = n.log.end_offset_for(end.epoch).end_offset;
                c.truncate(f, std::min(end.end_offset, own).value);
                // A leader that wrote nothing left its epoch at the end of its log; the entry goes
                // even when no record does (UnifiedLog.truncateTo).
                n.log.epoch_cache.truncate_from_end(n.log.log_end_offset);
                n.high_watermark = std::max(n.high_watermark, n.log.log_start_offset);
                return observe();
            }
            l.fetched[f] = n.log.log_end_offset;
            advance_high_watermark(i);
            observe();
            c.copy_next(i, f);
            n.log.advance_start(std::min(l.log.log_start_offset, n.log.log_end_offset));
            n.high_watermark =
                std::max(std::min(l.high_watermark, n.log.log_end_offset), n.log.log_start_offset);
            return observe();
        }
    }
    void learn(int i) {
        Cluster::Node& n = node(i);
        if (!n.running || n.is_fenced) return;
        if (n.epoch == c.epoch && n.is_leader && n.partition_epoch != c.partition_epoch) {
            n.partition_epoch = c.partition_epoch;
            n.isr = c.isr;
            n.maximal = c.isr;
            n.settled = true;
            advance_high_watermark(i);
        } else if (n.epoch != c.epoch) {
            if (c.leader == NodeId{i}) {
                c.lead(i);
                advance_high_watermark(i);
            } else {
                c.follow(i);
            }
        }
        observe();
    }
    void elect() {
        std::vector<int> able;
        for (int i = 0; i < 3; ++i) {
            if (in_isr(i) && node(i).running && !node(i).is_fenced) able.push_back(i);
        }
        if (able.empty() && faults.unclean) {
            for (int i = 0; i < 3; ++i) {
                if (node(i).running && !node(i).is_fenced) {
                    c.isr = {NodeId{i}};
                    c.elr = {};
                    c.elect(i);
                    return;
                }
            }
        }
        if (able.empty()) {
            if (c.leader == kNoNode) return;
            c.elect(-1);
            return;
        }
        c.elect(able[random.below(able.size())]);
    }
    void fence(int i) {
        if (node(i).is_fenced) return;
        node(i).is_fenced = true;
        if (c.isr.size() > 1 && in_isr(i)) c.isr.erase(NodeId{i}), bump();
        if (c.leader == NodeId{i}) elect();
        observe();
    }
    void crash(int i) {
        Cluster::Node& n = node(i);
        if (!n.running) return;
        n.running = false;
        if (faults.lossy && random.below(2) == 0) {
            const auto span = n.log.log_end_offset.value - n.log.log_start_offset.value;
            const auto lost = static_cast<std::int64_t>(
                random.below(static_cast<std::uint64_t>(std::min<std::int64_t>(span, 4)) + 1));
            n.log.truncate_to(Offset{n.log.log_end_offset.value - lost});
            c.lossy(i);
            observe();
            // An unclean restart is found out before anything else is decided.
            node(i).is_fenced = false;
            if (c.isr.size() > 1 && in_isr(i)) {
                fence(i);
                return;
            }
        }
        observe();
    }
    void restart(int i) {
        Cluster::Node& n = node(i);
        if (n.running) return;
        fence(i);
        // Its new broker epoch voids what leaders knew of it (KIP-903).
        for (Cluster::Node& other : c.nodes) {
            other.fetched.erase(i);
            // Unless the controller has committed it already and the leader not heard of it.
            if (other.partition_epoch != c.partition_epoch) continue;
            if (other.isr.contains(NodeId{i}) || !other.maximal.contains(NodeId{i})) continue;
            other.maximal = other.isr;
            other.settled = true;
        }
        n.running = true;
        n.is_leader = false;
        n.must_truncate = true;
        n.is_fenced = false;
        n.high_watermark =
            std::clamp(n.high_watermark, n.log.log_start_offset, n.log.log_end_offset);
        observe();
        if (c.leader == kNoNode) elect();
        observe();
    }
    void step() {
        const int i = pick();
        Cluster::Node& n = node(i);
        switch (random.below(24)) {
            case 0:
            case 1:
            case 2:
            case 3:
                if (n.running && n.is_leader) {
                    c.append(i, n.epoch, 1 + static_cast<int>(random.below(3)));
                    advance_high_watermark(i);
                    observe();
                }
                break;
            case 12:
                if (random.below(4) == 0) crash(i);
                break;
            case 13:
            case 14:
            case 15:
                restart(i);
                break;
            case 16:
                if (!n.running) fence(i);
                break;
            case 17:  // the leader shrinks its ISR
                if (is_current(i) && n.partition_epoch == c.partition_epoch && n.settled) {
                    const int f = pick();
                    if (f != i && in_isr(f)) c.isr.erase(NodeId{f}), bump(), observe();
                }
                break;
            case 18:  // ... expands it: first for itself,
                if (is_current(i) && n.partition_epoch == c.partition_epoch && n.settled) {
                    const int f = pick();
                    const Offset start = n.log.epoch_cache.empty()
                                             ? Offset{0}
                                             : n.log.epoch_cache.entries.back().start_offset;
                    if (in_isr(f) || !n.fetched.contains(f) || !node(f).running) break;
                    if (node(f).epoch != n.epoch || node(f).must_truncate) break;
                    if (n.fetched[f] < n.high_watermark || n.fetched[f] < start) break;
                    n.maximal.insert(NodeId{f});
                    n.settled = false;
                    observe();
                }
                break;
            case 19:
            case 20:  // ... then at the controller
                if (is_current(i) && n.partition_epoch == c.partition_epoch && !n.settled) {
                    bool able = true;
                    for (const NodeId m : n.maximal) {
                        able &= node(m.value).running && !node(m.value).is_fenced;
                    }
                    if (able) c.isr = n.maximal;
                    bump();
                    observe();
                }
                break;
            case 21:
                if (random.below(12) == 0) elect(), observe();
                break;
            case 22:
                if (is_current(i)) {
                    n.log.advance_start(std::min(
                        n.high_watermark,
                        n.log.log_start_offset + static_cast<std::int64_t>(random.below(4))));
                    // To a batch's first offset, as a segment's deletion does.
                    const RecordBatch* b = n.log.find(n.log.log_start_offset);
                    if (b != nullptr && b->next_offset() <= n.high_watermark) {
                        n.log.advance_start(b->next_offset());
                    }
                    observe();
                }
                break;
            default:
                if (random.below(3) == 0)
                    learn(i);
                else
                    fetch(i);
        }
    }
};

TEST(ReplicationMonitor, stays_silent_while_the_rules_are_kept) {
    std::map<std::string, std::uint64_t> exercised;
    for (std::uint64_t seed = 0; seed < 40; ++seed) {
        Simulation s(seed, {});
        s.c.with_naive = seed < 2;
        for (int i = 0; i < (s.c.with_naive ? 400 : 4000); ++i) s.step();
        for (const Check& check : s.c.monitor.finish(nullptr)) {
            EXPECT_EQ(check.found, 0u) << "seed " << seed << ": " << check.note;
            exercised[check.id] += check.checked;
        }
        if (s.c.with_naive) expect_twin_agrees(s.c);
        if (HasFailure()) break;
    }
    for (const auto& [id, checked] : exercised) {
        EXPECT_EQ(checked > 0, !Ids({"D5", "R14", "R15", "R19", "R20", "R21"}).contains(id)) << id;
    }
}

TEST(ReplicationMonitor, every_finding_is_allowed_when_only_excused_faults_happen) {
    std::map<std::string, std::uint64_t> found;
    for (std::uint64_t seed = 0; seed < 120; ++seed) {
        Simulation s(seed, {seed % 3 != 0, seed % 3 != 1});
        s.c.with_naive = seed < 6;
        for (int i = 0; i < (s.c.with_naive ? 400 : 2000); ++i) s.step();
        for (const Check& check : s.c.monitor.finish(nullptr)) {
            EXPECT_EQ(check.found, check.found_allowed)
                << "seed " << seed << ": " << check.id << " "
                << (check.violations.empty() ? "" : check.violations.front().summary) << "\n"
                << (check.violations.empty() ? "" : check.violations.front().explanation[1]);
            found[check.id] += check.found;
        }
        if (s.c.with_naive) expect_twin_agrees(s.c);
        if (HasFailure()) break;
    }
    for (const char* id : {"R1", "R2", "R3", "R5", "R6", "R14", "R16", "D5"}) {
        EXPECT_GT(found[id], 0u) << id;
    }
}

// --- the twin, on anything ---------------------------------------------------------------------

void scramble(Cluster& c, std::uint32_t code) {
    Prng r(code);
    const auto below = [&](std::uint64_t n) { return static_cast<int>(r.below(n)); };
    const int i = below(3);
    Cluster::Node& n = c.nodes[static_cast<std::size_t>(i)];
    const auto any_set = [&] {
        FlatSet<NodeId> set;
        for (int k = 0; k < 3; ++k) {
            if (below(3) != 0) set.insert(NodeId{k});
        }
        return set;
    };
    switch (below(26)) {
        case 20:
        case 21:
            n.shows_progress = below(4) != 0;
            n.progress.clear();
            for (int f = 0; f < 3; ++f) {
                if (f == i || below(6) == 0) continue;
                ReplicaProgress known;
                known.node = NodeId{f};
                known.log_end = Offset{n.log.log_end_offset.value - below(3)};
                known.broker_epoch = BrokerEpoch{below(2)};
                n.progress.push_back(known);
            }
            n.shows_alive = below(2) == 0;
            n.alive.clear();
            for (int f = 0; f < 3; ++f) {
                if (below(3) != 0) n.alive[NodeId{f}] = BrokerEpoch{below(2)};
            }
            n.epoch_start = Offset{below(6)};
            n.min_isr = below(4);
            break;
        case 22:
            n.settled = false;
            n.maximal.insert(NodeId{below(3)});
            break;
        case 23:
            n.fetchers = below(4) - 1;
            n.follows = below(3) == 0 ? kNoNode : NodeId{below(3)};
            n.fetches_from = below(3) == 0 ? NodeId{below(3)} : n.follows;
            break;
        case 24:
            n.standing = static_cast<Standing>(below(4));
            break;
        case 25:
            c.keeps_elr = below(3) != 0;
            c.last_known_elr = any_set();
            c.min_insync_replicas = below(4);
            c.rules.high_watermark_requires_min_isr = below(2) == 0;
            c.rules.high_watermark_uses_maximal_isr = below(2) == 0;
            c.rules.isr_expand_requires_epoch_start = below(2) == 0;
            c.rules.isr_excludes_fenced_brokers = below(2) == 0;
            c.rules.alter_partition_checks_broker_epoch = below(2) == 0;
            break;
        case 0:
        case 1:
        case 2: {
            const std::int64_t uid = below(4) == 0 ? below(12) : -1;  // sometimes sent again
            c.append(i, below(6) == 0 ? LeaderEpoch{below(4)} : n.epoch, 1 + below(2), uid);
            break;
        }
        case 3:
        case 4:
        case 5:
        case 6:
            c.copy_next(below(3), i);
            break;
        case 7:
            n.log.truncate_to(
                Offset{std::max<std::int64_t>(0, n.log.log_end_offset.value - below(4))});
            break;
        case 8:
        case 9:
        case 10:
            n.high_watermark = Offset{n.log.log_end_offset.value + (below(8) == 0 ? 1 : 0)};
            break;
        case 11:
            n.high_watermark =
                Offset{below(static_cast<std::uint64_t>(n.log.log_end_offset.value + 1))};
            break;
        case 12:
            if (below(2) == 0) {
                n.running = !n.running;
            } else {
                c.lossy(i);
                n.running = below(3) == 0;
                n.log.truncate_to(Offset{std::max<std::int64_t>(
                    n.log.log_start_offset.value, n.log.log_end_offset.value - below(3))});
            }
            break;
        case 13:
            c.elect(below(8) == 0 ? -1 : i);
            if (below(2) == 0) c.isr.insert(NodeId{i});
            break;
        case 14:
        case 15:
            c.lead(c.leader == kNoNode || below(6) == 0 ? i : c.leader.value);
            break;
        case 16:
            c.follow(i);
            break;
        case 17:
            c.isr = any_set();
            if (below(3) == 0) c.elr = any_set();
            if (below(2) == 0) c.partition_epoch = PartitionEpoch{c.partition_epoch.value + 1};
            break;
        case 18:
            n.isr = any_set();
            n.maximal = any_set();
            n.settled = below(2) == 0;
            if (below(10) == 0) n.epoch = LeaderEpoch{below(4)};
            if (below(10) == 0) c.epoch = LeaderEpoch{below(4)};
            break;
        default:
            if (below(2) == 0) {
                c.acknowledged(below(8), below(12));
            } else if (below(2) == 0) {
                n.log.advance_start(
                    Offset{below(static_cast<std::uint64_t>(n.log.log_end_offset.value + 1))});
            } else if (below(3) == 0) {
                n.log.truncate_fully_and_start_at(Offset{below(8)});
            } else if (below(8) == 0) {
                c.monitor.on_metadata_lost(c.now);
                c.naive.on_metadata_lost();
            }
    }
    c.observe();
}

RC_GTEST_PROP(ReplicationMonitorTwin, agrees_with_the_definitions_on_anything,
              (const std::vector<std::uint32_t>& codes)) {
    Cluster c;
    c.elect(0);
    c.lead(0);
    c.observe();
    for (const std::uint32_t code : codes) scramble(c, code);
    const auto fast = text_of(counts_of(c.monitor));
    const auto slow = text_of(c.naive.evaluate());
    RC_ASSERT(fast == slow);
}

TEST(ReplicationMonitorTwin, agrees_on_long_random_runs_and_finds_everything) {
    std::map<std::string, std::uint64_t> found;
    std::map<std::string, std::uint64_t> allowed;
    for (std::uint64_t seed = 0; seed < 1500; ++seed) {
        Prng r(seed);
        Cluster c = seed % 2 == 0 ? Cluster::healthy(3) : Cluster{};
        c.observe();
        for (int i = 0; i < 60; ++i) scramble(c, static_cast<std::uint32_t>(r.next()));
        const auto slow = c.naive.evaluate();
        ASSERT_EQ(text_of(counts_of(c.monitor)), text_of(slow)) << "seed " << seed;
        for (const auto& [id, count] : slow) {
            found[id] += count.found;
            allowed[id] += count.found_allowed;
        }
    }
    EXPECT_EQ(found.size(), ReplicationMonitor::kRules - 2);  // R19 and R21 are asked otherwise
    for (const auto& [id, count] : found) EXPECT_GT(count, allowed[id]) << id;
}

}  // namespace
}  // namespace tribunal
