// What the replication monitor says of high watermarks that go back (R10, R11), of truncation (R17)
// and of records that come back or are gone (D5, D4).
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
    Cluster c = Cluster::unclean_loss();
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
    Cluster c = Cluster::unclean_loss();
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

}  // namespace
}  // namespace tribunal
