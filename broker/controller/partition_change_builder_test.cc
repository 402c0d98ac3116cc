// Every rule by which a partition changes, one row each.
#include <gtest/gtest.h>

#include "broker/controller/partition_change_builder.h"
#include "broker/controller/scripted_controller.h"

namespace tribunal {
namespace {

constexpr int kNobody = -1;

struct Case {
    const char* name;
    // What is.
    std::vector<NodeId> replicas = node_list({1, 2, 3});
    FlatSet<NodeId> isr = nodes({1, 2, 3});
    int leader = 1;
    FlatSet<NodeId> elr = {};
    FlatSet<NodeId> last_known = {};
    FlatSet<NodeId> alive = nodes({1, 2, 3, 4, 5});
    // What is wanted.
    FlatSet<NodeId> target_isr = nodes({1, 2, 3});
    Election election = Election::online;
    int unclean_shutdown = kNobody;
    bool elr_enabled = true;
    bool bumps = false;
    int min_isr = 2;
    // What comes.
    FlatSet<NodeId> want_isr = nodes({1, 2, 3});
    int want_leader = 1;
    int want_epoch = 0;
    FlatSet<NodeId> want_elr = {};
    FlatSet<NodeId> want_last_known = {};
    bool want_change = true;
};

const Case kCases[] = {
    {.name = "nothing to do", .want_change = false},
    {.name = "a shrink keeps leader and epoch",
     .target_isr = nodes({1, 2}),
     .want_isr = nodes({1, 2})},
    {.name = "before 3.6 a shrink is a new epoch (KAFKA-15021)",
     .target_isr = nodes({1, 2}),
     .bumps = true,
     .want_isr = nodes({1, 2}),
     .want_epoch = 1},
    {.name = "before 3.6 an expansion is none",
     .isr = nodes({1}),
     .bumps = true,
     .want_isr = nodes({1, 2, 3})},
    {.name = "below min ISR the one that leaves becomes eligible (KIP-966)",
     .isr = nodes({1, 2}),
     .target_isr = nodes({1}),
     .want_isr = nodes({1}),
     .want_elr = nodes({2})},
    {.name = "the ELR grows while the ISR stays below",
     .isr = nodes({1, 2}),
     .elr = nodes({3}),
     .target_isr = nodes({2}),
     .min_isr = 3,
     .want_isr = nodes({2}),
     .want_leader = 2,
     .want_epoch = 1,
     .want_elr = nodes({1, 3})},
    {.name = "an ISR of min ISR ends the ELR",
     .isr = nodes({1}),
     .elr = nodes({2, 3}),
     .target_isr = nodes({1, 2}),
     .want_isr = nodes({1, 2})},
    {.name = "the last one leaves, eligible and the last known leader",
     .isr = nodes({1}),
     .elr = nodes({2}),
     .alive = nodes({}),
     .target_isr = nodes({}),
     .want_isr = nodes({}),
     .want_leader = kNobody,
     .want_epoch = 1,
     .want_elr = nodes({1, 2}),
     .want_last_known = nodes({1})},
    {.name = "without KIP-966 the last one stays in the ISR",
     .isr = nodes({1}),
     .alive = nodes({2}),
     .target_isr = nodes({}),
     .elr_enabled = false,
     .want_isr = nodes({1}),
     .want_leader = kNobody,
     .want_epoch = 1},
    {.name = "an eligible replica leads as cleanly as a member",
     .isr = nodes({1}),
     .elr = nodes({3}),
     .alive = nodes({2, 3}),
     .target_isr = nodes({}),
     .election = Election::unclean,
     .want_isr = nodes({3}),
     .want_leader = 3,
     .want_epoch = 1,
     .want_elr = nodes({1})},
    {.name = "members before eligible ones",
     .isr = nodes({3}),
     .leader = kNobody,
     .elr = nodes({1}),
     .target_isr = nodes({3}),
     .want_isr = nodes({3}),
     .want_leader = 3,
     .want_epoch = 1,
     .want_elr = nodes({1})},
    {.name = "an unclean shutdown ends eligibility",
     .isr = nodes({}),
     .leader = kNobody,
     .elr = nodes({1, 2}),
     .last_known = nodes({2}),
     .alive = nodes({3}),
     .target_isr = nodes({}),
     .unclean_shutdown = 1,
     .want_isr = nodes({}),
     .want_leader = kNobody,
     .want_elr = nodes({2}),
     .want_last_known = nodes({2})},
    {.name = "the last known leader comes back",
     .isr = nodes({}),
     .leader = kNobody,
     .last_known = nodes({2}),
     .alive = nodes({1, 2}),
     .target_isr = nodes({}),
     .want_isr = nodes({2}),
     .want_leader = 2,
     .want_epoch = 1},
    {.name = "the last known leader is dead",
     .isr = nodes({}),
     .leader = kNobody,
     .last_known = nodes({2}),
     .alive = nodes({1}),
     .target_isr = nodes({}),
     .want_isr = nodes({}),
     .want_leader = kNobody,
     .want_last_known = nodes({2}),
     .want_change = false},
    {.name = "several last known members say nothing of the last leader",
     .isr = nodes({}),
     .leader = kNobody,
     .last_known = nodes({1, 2}),
     .alive = nodes({1, 2}),
     .target_isr = nodes({}),
     .want_isr = nodes({}),
     .want_leader = kNobody,
     .want_last_known = nodes({1, 2}),
     .want_change = false},
    {.name = "a last member that led nothing is remembered too",
     .isr = nodes({1}),
     .leader = kNobody,
     .alive = nodes({}),
     .target_isr = nodes({}),
     .want_isr = nodes({}),
     .want_leader = kNobody,
     .want_elr = nodes({1}),
     .want_last_known = nodes({1})},
    {.name = "an unclean election takes anybody and forgets the rest",
     .isr = nodes({}),
     .leader = kNobody,
     .elr = nodes({1}),
     .last_known = nodes({1}),
     .alive = nodes({3}),
     .target_isr = nodes({}),
     .election = Election::unclean,
     .want_isr = nodes({3}),
     .want_leader = 3,
     .want_epoch = 1},
    {.name = "a clean election without candidates waits",
     .isr = nodes({1}),
     .leader = kNobody,
     .alive = nodes({2, 3}),
     .target_isr = nodes({1}),
     .elr_enabled = false,
     .want_isr = nodes({1}),
     .want_leader = kNobody,
     .want_change = false},
    {.name = "a leader that may go on is kept",
     .leader = 2,
     .want_leader = 2,
     .want_change = false},
    {.name = "but a preferred election gives it back",
     .leader = 2,
     .election = Election::preferred,
     .want_epoch = 1},
    {.name = "to the first replica only when it is in sync",
     .isr = nodes({2, 3}),
     .leader = 2,
     .target_isr = nodes({2, 3}),
     .election = Election::preferred,
     .want_isr = nodes({2, 3}),
     .want_leader = 2,
     .want_change = false},
    {.name = "switching KIP-966 off ends the ELR with the next change",
     .isr = nodes({1}),
     .elr = nodes({2}),
     .target_isr = nodes({1, 3}),
     .elr_enabled = false,
     .min_isr = 3,
     .want_isr = nodes({1, 3})},
};

TEST(partition_change_builder, changes_by_kafkas_rules) {
    for (const Case& c : kCases) {
        SCOPED_TRACE(c.name);
        PartitionImage p;
        p.replicas = c.replicas;
        p.isr = c.isr;
        p.leader = NodeId{c.leader};
        p.elr = c.elr;
        p.last_known_elr = c.last_known;
        ClusterImage image;
        for (const NodeId node : c.alive) image.active[node] = BrokerEpoch{1};
        PartitionTarget target(p);
        target.isr = c.target_isr;
        target.election = c.election;
        target.unclean_shutdown = NodeId{c.unclean_shutdown};
        const PartitionRules rules{.eligible_leader_replicas = c.elr_enabled,
                                   .isr_shrink_bumps_leader_epoch = c.bumps,
                                   .min_isr = c.min_isr};
        const auto change =
            build_change({TopicId{0}, 0}, p, std::move(target), rules, AcceptableLeader{image});
        EXPECT_EQ(change.has_value(), c.want_change);
        if (change) apply(p, *change);
        EXPECT_EQ(p.isr, c.want_isr);
        EXPECT_EQ(p.leader, NodeId{c.want_leader});
        EXPECT_EQ(p.leader_epoch, LeaderEpoch{c.want_epoch});
        EXPECT_EQ(p.partition_epoch, PartitionEpoch{c.want_change ? 1 : 0});
        EXPECT_EQ(p.elr, c.want_elr);
        EXPECT_EQ(p.last_known_elr, c.want_last_known);
        const bool is_unclean = change && change->isr && c.want_isr.size() == 1 &&
                                !c.isr.contains(NodeId{c.want_leader}) &&
                                !c.elr.contains(NodeId{c.want_leader});
        EXPECT_EQ(p.leader_recovery_state == LeaderRecoveryState::recovering, is_unclean)
            << "KIP-704";
    }
}

TEST(partition_change_builder, who_is_being_added_or_removed_alone_may_lead) {
    ClusterImage image;
    image.active[NodeId{2}] = BrokerEpoch{1};
    EXPECT_FALSE((AcceptableLeader{image}(NodeId{1})));
    EXPECT_TRUE((AcceptableLeader{image, kNoNode, NodeId{1}}(NodeId{1})));
    EXPECT_FALSE((AcceptableLeader{image, NodeId{2}}(NodeId{2})));
}

TEST(partition_change_builder, min_isr_is_at_most_the_replication_factor) {
    TopicImage topic;
    topic.config.min_insync_replicas = 3;
    EXPECT_EQ(effective_min_isr(topic), 3);
    topic.partitions.resize(1);
    topic.partitions[0].replicas = node_list({1, 2});
    EXPECT_EQ(effective_min_isr(topic), 2);
}

}  // namespace
}  // namespace tribunal
