// R12-R16 and R18-R21, and how long a deposed leader acted: what each lets pass and what it finds,
// condition by condition.
#include <gtest/gtest.h>

#include "properties/scripted_cluster.h"

namespace tribunal {
namespace {

using Cluster = ScriptedCluster;
using Ids = std::set<std::string>;

// Node 0 leads and shows what its followers have fetched.
Cluster with_progress(int committed) {
    Cluster c = Cluster::healthy(committed);
    Cluster::Node& leader = c.nodes[0];
    leader.shows_progress = true;
    leader.min_isr = 2;
    for (int f = 1; f <= 2; ++f) {
        ReplicaProgress r;
        r.node = NodeId{f};
        r.log_end = leader.log.log_end_offset;
        r.broker_epoch = BrokerEpoch{f};
        leader.progress.push_back(r);
        leader.alive[NodeId{f}] = BrokerEpoch{f};
    }
    leader.shows_alive = true;
    c.observe();
    return c;
}

// The leader writes one record; both followers have it.
void replicate_one(Cluster& c) {
    c.append(0, c.epoch);
    c.observe();
    for (const int f : {1, 2}) {
        c.copy_next(0, f);
        c.observe();
    }
}

TEST(ReplicationRules, r12_a_high_watermark_moves_to_what_all_have_fetched) {
    Cluster c = with_progress(2);
    replicate_one(c);
    c.nodes[0].progress[0].log_end = Offset{3};
    Cluster behind = c;
    c.nodes[0].progress[1].log_end = Offset{3};
    c.high_watermark(0, 3);
    c.observe();
    EXPECT_EQ(c.findings(), Ids{});
    EXPECT_EQ(c.check("R12").checked, 1u);
    // Node 2 has the record, but nobody has told the leader.
    behind.high_watermark(0, 3);
    behind.observe();
    EXPECT_EQ(behind.findings(), Ids{"R12"});
    EXPECT_EQ(behind.check("R12").found, 1u);
}

TEST(ReplicationRules, r12_counts_those_that_the_leader_has_asked_to_add) {
    for (const bool rule : {true, false}) {
        Cluster c = with_progress(2);
        c.rules.high_watermark_uses_maximal_isr = rule;
        c.isr = {NodeId{0}, NodeId{1}};
        c.nodes[0].isr = c.isr;
        c.nodes[0].settled = false;  // node 2 is still in the maximal one
        c.append(0, c.epoch);
        c.observe();
        c.copy_next(0, 1);
        c.observe();
        c.nodes[0].progress[0].log_end = Offset{3};
        c.high_watermark(0, 3);
        c.observe();
        EXPECT_EQ(c.findings(), rule ? Ids{"R12"} : Ids{});
    }
}

TEST(ReplicationRules, r12_a_high_watermark_stands_below_min_insync_replicas) {
    for (const bool rule : {true, false}) {
        Cluster c = with_progress(2);
        c.rules.high_watermark_requires_min_isr = rule;
        c.isr = {NodeId{0}};
        c.nodes[0].isr = c.isr;
        c.nodes[0].maximal = c.isr;
        c.append(0, c.epoch);
        c.observe();
        c.high_watermark(0, 3);
        c.observe();
        EXPECT_EQ(c.findings(), rule ? Ids{"R12"} : Ids{});
        // More than there are replicas means all of them.
        Cluster all = with_progress(2);
        all.nodes[0].min_isr = 7;
        replicate_one(all);
        for (ReplicaProgress& r : all.nodes[0].progress) r.log_end = Offset{3};
        all.high_watermark(0, 3);
        all.observe();
        EXPECT_EQ(all.findings(), Ids{});
    }
}

TEST(ReplicationRules, r13_each_condition_of_joining_the_isr) {
    const struct {
        const char* name;
        bool is_wrong;
        void (*change)(Cluster::Node& leader, Rules& rules);
    } cases[] = {
        {"all is well", false, [](Cluster::Node&, Rules&) {}},
        {"no fetch in this epoch", true,
         [](Cluster::Node& n, Rules&) { n.progress[1].log_end = kNoOffset; }},
        {"not known at all", true, [](Cluster::Node& n, Rules&) { n.progress.pop_back(); }},
        {"below the high watermark", true,
         [](Cluster::Node& n, Rules&) { n.progress[1].log_end = Offset{1}; }},
        {"below the epoch's start", true,
         [](Cluster::Node& n, Rules&) { n.epoch_start = Offset{5}; }},
        {"... before KAFKA-7128", false,
         [](Cluster::Node& n, Rules& rules) {
             n.epoch_start = Offset{5};
             rules.isr_expand_requires_epoch_start = false;
         }},
        {"fenced", true, [](Cluster::Node& n, Rules&) { n.alive.erase(NodeId{2}); }},
        {"... before KIP-841", false,
         [](Cluster::Node& n, Rules& rules) {
             n.alive.erase(NodeId{2});
             rules.isr_excludes_fenced_brokers = false;
         }},
        {"of an earlier life", true,
         [](Cluster::Node& n, Rules&) { n.alive[NodeId{2}] = BrokerEpoch{9}; }},
        {"... before KIP-903", false,
         [](Cluster::Node& n, Rules& rules) {
             n.alive[NodeId{2}] = BrokerEpoch{9};
             rules.alter_partition_checks_broker_epoch = false;
         }},
    };
    for (const auto& test : cases) {
        Cluster c = with_progress(2);
        c.isr = {NodeId{0}, NodeId{1}};
        c.partition_epoch = PartitionEpoch{c.partition_epoch.value + 1};
        c.lead(0);
        c.observe();
        test.change(c.nodes[0], c.rules);
        c.observe();
        c.nodes[0].maximal.insert(NodeId{2});
        c.nodes[0].settled = false;
        c.observe();
        c.observe();
        EXPECT_EQ(c.findings(), test.is_wrong ? Ids{"R13"} : Ids{}) << test.name;
        EXPECT_EQ(c.check("R13").checked, 1u) << test.name;
    }
}

// Node 1 lost its last two records and is back.
Cluster after_a_loss() {
    Cluster c = Cluster::healthy(3);
    c.lossy(1);
    c.nodes[1].running = false;
    c.truncate(1, 1);
    c.observe();
    c.nodes[1].running = true;
    return c;
}

// A follower that has not cut its log yet lacks, below its high watermark, a record that the
// cleaner has removed. Whether an unclean election lies between both sides, the epoch of that
// record tells.
TEST(ReplicationRules, r3_what_was_compacted_away_has_its_epoch_still) {
    for (const bool is_unclean : {true, false}) {
        Cluster c = Cluster::healthy(2);
        RecordBatch after_the_gap = Cluster::batch(90, 1);
        after_the_gap.base_offset = Offset{3};
        after_the_gap.leader_epoch = c.epoch;
        c.nodes[0].log.append(std::move(after_the_gap));
        c.isr = {NodeId{0}};
        if (!is_unclean) c.isr.insert(NodeId{1});
        c.lead(0);
        c.observe();
        c.high_watermark(0, 4);
        c.observe();
        c.elect(1);
        c.isr = {NodeId{1}};
        c.lead(1);
        c.follow(0);
        c.observe();
        c.append(1, c.epoch, 2);
        c.high_watermark(1, 4);
        c.observe();
        EXPECT_EQ(c.check("R3").found, 1u);
        EXPECT_EQ(c.check("R3").found_allowed, is_unclean ? 1u : 0u);
    }
}

// A follower out of the ISR has fetched all there is and loses it with the power, and only then
// does its last fetch arrive: the leader adds it, and the controller, which has not heard of its
// end, agrees. Nobody is wrong, unless the controller knew.
TEST(ReplicationRules, r5_a_fetch_that_outlives_its_sender_brings_it_back_in) {
    for (const bool is_known : {false, true}) {
        Cluster c = Cluster::healthy(3);
        c.isr = {NodeId{0}, NodeId{2}};
        c.lead(0);
        c.observe();
        c.append(0, c.epoch);
        while (c.copy_next(0, 1)) c.observe();
        c.nodes[1].running = false;
        c.lossy(1);
        c.truncate(1, 3);
        c.nodes[1].standing = is_known ? Standing::fenced : Standing::stale;
        c.observe();
        c.isr.insert(NodeId{1});
        c.lead(0);
        c.observe();
        c.copy_next(0, 2);
        c.high_watermark(0, 4);
        c.observe();
        for (const char* rule : {"R5", "R6"}) {
            EXPECT_EQ(c.check(rule).found, 1u) << rule;
            EXPECT_EQ(c.check(rule).found_allowed, is_known ? 0u : 1u) << rule;
        }
    }
}

TEST(ReplicationRules, r14_who_lost_data_is_no_candidate_before_it_has_caught_up) {
    Cluster c = after_a_loss();
    c.nodes[1].standing = Standing::fenced;
    c.elr = {};
    c.isr = {NodeId{0}, NodeId{2}};
    c.observe();
    c.nodes[1].standing = Standing::active;
    c.observe();
    EXPECT_EQ(c.check("R14").verdict, Verdict::pass);
    Cluster in_isr = c;
    in_isr.isr.insert(NodeId{1});
    in_isr.observe();
    EXPECT_EQ(in_isr.check("R14").verdict, Verdict::fail);
    Cluster in_elr = c;
    in_elr.elr.insert(NodeId{1});
    in_elr.observe();
    EXPECT_EQ(in_elr.check("R14").verdict, Verdict::fail);
    // Caught up it may.
    while (c.copy_next(0, 1)) c.observe();
    c.isr.insert(NodeId{1});
    c.observe();
    EXPECT_EQ(c.check("R14").verdict, Verdict::pass);
}

TEST(ReplicationRules, r14_without_elr_the_last_replica_in_sync_stays_so) {
    for (const bool keeps_elr : {true, false}) {
        Cluster c = after_a_loss();
        c.keeps_elr = keeps_elr;
        c.isr = {NodeId{1}};
        c.leader = kNoNode;
        c.nodes[1].standing = Standing::active;
        c.observe();
        EXPECT_EQ(c.check("R14").found, 1u);
        EXPECT_EQ(c.check("R14").found_allowed, 1u) << "the loss budget is used up as well";
    }
}

TEST(ReplicationRules, r15_eligible_replicas_are_well_formed) {
    const struct {
        const char* name;
        FlatSet<NodeId> isr;
        FlatSet<NodeId> elr;
        bool is_wrong;
    } cases[] = {
        {"nobody eligible beside a full ISR", {NodeId{0}, NodeId{1}}, {}, false},
        {"one eligible below min.insync.replicas", {NodeId{0}}, {NodeId{1}}, false},
        {"one eligible beside a full ISR", {NodeId{0}, NodeId{1}}, {NodeId{2}}, true},
        {"in both", {NodeId{0}}, {NodeId{0}}, true},
        {"a stranger in the ISR", {NodeId{0}, NodeId{7}}, {}, true},
        {"a stranger in the ELR", {NodeId{0}}, {NodeId{7}}, true},
    };
    for (const auto& test : cases) {
        Cluster c = Cluster::healthy(1);
        c.isr = test.isr;
        c.elr = test.elr;
        c.lead(0);
        c.observe();
        c.observe();
        EXPECT_EQ(c.check("R15").found, test.is_wrong ? 1u : 0u) << test.name;
        Cluster without = Cluster::healthy(1);
        without.keeps_elr = false;
        without.isr = test.isr;
        without.elr = test.elr;
        without.observe();
        EXPECT_EQ(without.check("R15").found, 0u) << test.name;
    }
    Cluster fenced = Cluster::healthy(1);
    fenced.nodes[2].standing = Standing::fenced;
    fenced.observe();
    EXPECT_EQ(fenced.findings(), Ids{"R15"});
}

TEST(ReplicationRules, r16_a_committed_record_is_somewhere) {
    Cluster c = Cluster::healthy(3);
    for (int i = 0; i < 3; ++i) {
        c.nodes[static_cast<std::size_t>(i)].running = false;
        c.truncate(i, 2);  // disks that forgot
        c.observe();
        EXPECT_EQ(c.check("R16").found, i == 2 ? 1u : 0u);
    }
    EXPECT_EQ(c.check("R16").violations.front().offset, Offset{2});
    EXPECT_EQ(c.check("R16").verdict, Verdict::fail);

    Cluster lossy = Cluster::healthy(3);
    for (int i = 0; i < 3; ++i) {
        lossy.lossy(i);
        lossy.nodes[static_cast<std::size_t>(i)].running = false;
        lossy.truncate(i, 2);
        lossy.observe();
    }
    EXPECT_EQ(lossy.check("R16").found, 1u);
    EXPECT_EQ(lossy.check("R16").verdict, Verdict::allowed);
}

TEST(ReplicationRules, r18_a_follower_has_one_fetcher_and_a_leader_none) {
    const struct {
        const char* name;
        int node;
        NodeId follows;
        int fetchers;
        NodeId from;
        bool is_wrong;
    } cases[] = {
        {"a follower of the leader", 1, NodeId{0}, 1, NodeId{0}, false},
        {"a follower without fetcher", 1, NodeId{0}, 0, kNoNode, true},
        {"a follower with two", 1, NodeId{0}, 2, NodeId{0}, true},
        {"a follower of another", 1, NodeId{0}, 1, NodeId{2}, true},
        {"a follower of nobody", 1, kNoNode, 0, kNoNode, false},
        {"a follower of nobody that fetches", 1, kNoNode, 1, NodeId{2}, true},
        {"a leader", 0, kNoNode, 0, kNoNode, false},
        {"a leader that fetches", 0, kNoNode, 1, NodeId{1}, true},
        {"a broker that is leaving", 1, NodeId{0}, -1, kNoNode, false},
    };
    for (const auto& test : cases) {
        Cluster c = Cluster::healthy(1);
        Cluster::Node& n = c.nodes[static_cast<std::size_t>(test.node)];
        n.follows = test.follows;
        n.fetchers = test.fetchers;
        n.fetches_from = test.from;
        c.observe();
        c.observe();
        EXPECT_EQ(c.findings(), test.is_wrong ? Ids{"R18"} : Ids{}) << test.name;
        EXPECT_EQ(c.check("R18").found, test.is_wrong ? 1u : 0u) << test.name;
    }
}

TEST(ReplicationRules, r19_replicas_of_a_cluster_at_rest_are_equal) {
    Cluster c = Cluster::healthy(3);
    c.monitor.on_end(c.now, c.view(), true);
    EXPECT_EQ(c.check("R19").verdict, Verdict::pass);
    EXPECT_EQ(c.check("R19").checked, 2u);
    // Another batch in the same place, and other bytes under the same checksum.
    for (const bool same_identity : {false, true}) {
        Cluster d = Cluster::healthy(3);
        RecordBatch batch = *d.nodes[2].log.last();
        d.truncate(2, 2);
        if (same_identity) {
            std::string bytes{batch.records.view()};
            bytes.back() = static_cast<char>(bytes.back() ^ 1);
            batch.records = Payload{bytes};
        } else {
            ++batch.crc;
        }
        d.nodes[2].log.append(batch);
        Cluster moving = d;
        moving.monitor.on_end(moving.now, moving.view(), false);
        EXPECT_EQ(moving.check("R19").verdict, Verdict::vacuous);
        d.monitor.on_end(d.now, d.view(), true);
        EXPECT_EQ(d.check("R19").verdict, Verdict::fail);
        EXPECT_EQ(d.check("R19").violations.front().offset, Offset{2});
    }
}

TEST(ReplicationRules, r20_the_last_leader_is_remembered) {
    Cluster c = Cluster::healthy(1);
    c.isr = {};
    c.last_known_elr = {NodeId{0}};
    c.leader = kNoNode;
    c.observe();
    EXPECT_EQ(c.check("R20").verdict, Verdict::pass);
    c.last_known_elr = {};
    c.observe();
    c.observe();
    EXPECT_EQ(c.check("R20").found, 1u);
    EXPECT_EQ(c.check("R20").verdict, Verdict::fail);
}

// ClearElrRecord: it stands in the log before the setting that is its reason.
TEST(ReplicationRules, r20_another_min_isr_forgets_who_was_eligible) {
    for (const bool is_altered : {false, true}) {
        Cluster c = Cluster::healthy(1);
        c.isr = {};
        c.elr = {NodeId{0}};
        c.leader = kNoNode;
        c.observe();
        if (is_altered) c.monitor.on_altering_min_isr(Cluster::kPartition);
        c.elr = {};
        c.observe();
        c.monitor.on_altered(Cluster::kPartition, {"t-0", false, false});
        c.observe();
        EXPECT_EQ(c.check("R20").found, 1u);
        EXPECT_EQ(c.check("R20").verdict, is_altered ? Verdict::allowed : Verdict::fail);
        // Whatever comes later has no such reason.
        c.elr = {NodeId{0}};
        c.observe();
        c.elr = {};
        c.observe();
        EXPECT_EQ(c.check("R20").found, 2u);
        EXPECT_EQ(c.check("R20").verdict, Verdict::fail);
    }
}

// flush.messages=1 set later flushes nothing of what stands in the logs already.
TEST(ReplicationRules, an_alteration_takes_the_promise_of_flushing_and_gives_none) {
    struct Row {
        bool before, after, want;
    };
    for (const Row row : {Row{true, true, true}, {true, false, false}, {false, true, false}}) {
        ReplicationMonitor monitor;
        monitor.on_created(Cluster::kPartition, {"t-0", false, row.before});
        monitor.on_altered(Cluster::kPartition, {"t-0", true, row.after});
        const PartitionFacts facts = monitor.facts(Cluster::kPartition);
        EXPECT_EQ(facts.flush_every_message, row.want);
        EXPECT_TRUE(facts.unclean_leader_election_enabled);
    }
}

TEST(ReplicationRules, r21_a_follower_gives_consumers_what_is_committed) {
    Cluster c = Cluster::healthy(3);
    std::vector<RecordBatch> batches;
    c.nodes[1].log.read(Offset{1}, Offset{3}, 1 << 20, batches);
    ASSERT_EQ(batches.size(), 2u);
    c.monitor.on_served_by_follower(c.now, Cluster::kPartition, NodeId{1}, batches);
    EXPECT_EQ(c.check("R21").verdict, Verdict::pass);
    c.append(0, c.epoch);
    c.observe();
    c.copy_next(0, 1);
    c.observe();
    c.monitor.on_served_by_follower(c.now, Cluster::kPartition, NodeId{1},
                                    {*c.nodes[1].log.last()});
    EXPECT_EQ(c.check("R21").verdict, Verdict::fail);
    EXPECT_EQ(c.check("R21").violations.front().offset, Offset{3});
    // Another record in the place of a committed one.
    RecordBatch other = batches.front();
    ++other.crc;
    c.monitor.on_served_by_follower(c.now, Cluster::kPartition, NodeId{1}, {other});
    EXPECT_EQ(c.check("R21").found, 2u);
}

TEST(ReplicationRules, a_deposed_leader_acts_until_it_learns_or_dies) {
    Cluster c = Cluster::healthy(1);
    EXPECT_EQ(c.monitor.facts(Cluster::kPartition).deposed_leader_until, Instant{-1});
    c.elect(1);
    c.observe();
    Cluster dies = c;
    Cluster stays = c;
    c.lead(1);
    c.observe();
    c.follow(0);
    c.observe();
    const Instant learned = c.now;
    c.observe();
    EXPECT_EQ(c.monitor.facts(Cluster::kPartition).deposed_leader_until, learned);
    dies.nodes[0].running = false;
    dies.observe();
    EXPECT_EQ(dies.monitor.facts(Cluster::kPartition).deposed_leader_until, dies.now);
    const Instant end = stays.now + seconds(1);
    stays.monitor.on_end(end, stays.view(), false);
    EXPECT_EQ(stays.monitor.facts(Cluster::kPartition).deposed_leader_until, end);
}

}  // namespace
}  // namespace tribunal
