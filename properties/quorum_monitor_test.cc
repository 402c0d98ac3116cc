// What lost disks excuse in the quorum's monitor, and what they do not.
#include "properties/quorum_monitor.h"

#include <gtest/gtest.h>

#include "broker/base/check.h"

namespace tribunal {
namespace {

using Rule = QuorumMonitor::Rule;

// Voters 1 to 3, which nothing but their ids names, or which their directories do; every disk is
// the first one.
struct Quorum {
    std::vector<Raft> nodes;
    QuorumMonitor monitor;
    Instant now{};

    explicit Quorum(bool fixed) {
        VoterSet voters;
        for (int id = 1; id <= 3; ++id) {
            const ReplicaKey key{NodeId{id}, DirectoryId{id}};
            voters.voters[key.id] = {fixed ? ReplicaKey{key.id, kNoDirectory} : key, 0};
            Raft r;
            r.self = key;
            RaftConfig config;
            config.reconfiguration = !fixed;
            r.config = Shared<RaftConfig>{config};
            nodes.push_back(std::move(r));
        }
        for (Raft& r : nodes) r.bootstrap_voters = Shared<VoterSet>{voters};
    }
    Raft& node(int id) { return nodes[static_cast<std::size_t>(id - 1)]; }
    void look(int id) {
        std::vector<QuorumNodeView> views;
        for (const Raft& r : nodes) views.push_back({&r, true});
        now = now + milliseconds(1);
        monitor.observe(now, views, static_cast<std::size_t>(id - 1));
    }
    void append(int id, int epoch, int records) {
        for (int i = 0; i < records; ++i) {
            node(id).log.append({LeaderEpoch{epoch}, LeaderChangeRecord{NodeId{id}}, true});
        }
    }
    void lead(int id, int epoch, Offset epoch_start) {
        Raft& r = node(id);
        r.quorum_state = {LeaderEpoch{epoch}, NodeId{id}, std::nullopt};
        RaftLeader leader;
        leader.epoch_start_offset = epoch_start;
        r.role = leader;
    }
    void follow(int id, int epoch, int leader) {
        node(id).quorum_state = {LeaderEpoch{epoch}, NodeId{leader}, std::nullopt};
        node(id).role = RaftFollower{};
    }
    // Node 1 leads epoch 5 and has committed `records`, which node 2 has, too; node 3 has one less.
    void begin(int records) {
        lead(1, 5, Offset{0});
        append(1, 5, records);
        node(2).log = node(3).log = node(1).log;
        node(3).log.truncate_to(Offset{records - 1});
        for (const int id : {1, 2, 3}) {
            if (id != 1) follow(id, 5, 1);
            node(id).high_watermark = node(id).log.end_offset;
        }
        for (const int id : {1, 2, 3}) look(id);
        CHECK(monitor.committed_end() == Offset{records});
    }
    void lose_disk(int id, bool new_directory) {
        Raft& r = node(id);
        r.log = {};
        r.quorum_state = {};
        r.role = RaftUnattached{};
        r.high_watermark = kNoOffset;
        if (new_directory) r.self.directory.value += 1000;
        monitor.on_disk_lost(now, NodeId{id});
        look(id);
    }
    Verdict verdict(Rule rule) const {
        for (const Check& check : monitor.finish()) {
            if (check.id == QuorumMonitor::id_of(rule)) return check.verdict;
        }
        return Verdict::inconclusive;
    }
};

TEST(QuorumMonitor, q12_a_leader_that_lost_its_disk_does_not_know_that_it_leads) {
    struct Case {
        const char* name;
        int lost;  // whose disk; 0: nobody's
        int told;  // who is told that it leads
        int epoch;
        Verdict want;
    };
    const Case cases[] = {
        {"the leader", 1, 1, 0, Verdict::allowed},
        {"in its epoch", 1, 1, 5, Verdict::allowed},
        {"it led no newer one", 1, 1, 6, Verdict::fail},
        {"it kept its disk", 0, 1, 0, Verdict::fail},
        {"another one's disk", 2, 1, 0, Verdict::fail},
        {"it never led", 2, 2, 0, Verdict::fail},
    };
    for (const Case& c : cases) {
        Quorum q(false);
        q.begin(4);
        if (c.lost != 0) q.lose_disk(c.lost, true);
        Raft& r = q.node(c.told);
        if (c.told == c.lost) r.quorum_state.epoch = LeaderEpoch{c.epoch};
        r.fault = RaftFault::leads_unawares;
        q.look(c.told);
        EXPECT_EQ(q.verdict(Rule::q12), c.want) << c.name;
        EXPECT_FALSE(q.monitor.has_lost_records()) << c.name;
    }
}

// What voter 2 had vouched for went with its disk: with the empty one and voter 3 for a majority,
// voter 3 is elected without it.
TEST(QuorumMonitor, q6_a_fixed_voter_that_forgot_elects_a_leader_without_what_it_had) {
    Quorum q(true);
    q.begin(4);
    q.lose_disk(2, false);
    q.lead(3, 6, Offset{3});
    q.append(3, 6, 1);
    q.look(3);
    EXPECT_EQ(q.verdict(Rule::q6), Verdict::allowed);
    EXPECT_TRUE(q.monitor.has_lost_records());
}

TEST(QuorumMonitor, q6_does_not_excuse_what_was_committed_after_the_loss) {
    Quorum q(true);
    q.begin(4);
    q.lose_disk(2, false);
    // Everybody gets all of it, and more is committed.
    q.node(2).log = q.node(3).log = q.node(1).log;
    q.append(1, 5, 1);
    q.node(2).log = q.node(1).log;
    q.node(1).high_watermark = Offset{5};
    q.follow(2, 5, 1);
    for (const int id : {1, 2, 3}) q.look(id);
    EXPECT_EQ(q.monitor.committed_end(), Offset{5});
    q.lead(3, 6, Offset{4});
    q.append(3, 6, 1);
    q.look(3);
    EXPECT_EQ(q.verdict(Rule::q6), Verdict::fail);
    EXPECT_FALSE(q.monitor.has_lost_records());
}

TEST(QuorumMonitor, q6_one_dynamic_voter_without_its_disk_excuses_nothing) {
    Quorum q(false);
    q.begin(4);
    q.lose_disk(2, true);
    q.lead(3, 6, Offset{3});
    q.append(3, 6, 1);
    q.look(3);
    EXPECT_EQ(q.verdict(Rule::q6), Verdict::fail);
}

// A vote that was forgotten is given again in the same epoch, and in no newer one.
TEST(QuorumMonitor, q1_a_forgotten_vote_makes_two_leaders_of_its_epoch) {
    for (const int epoch : {5, 6}) {
        Quorum q(true);
        q.begin(4);
        q.lose_disk(2, false);
        q.lead(1, epoch, Offset{4});
        q.look(1);
        q.node(3).log = q.node(1).log;
        q.lead(3, epoch, Offset{4});
        q.look(3);
        EXPECT_EQ(q.verdict(Rule::q1), epoch == 5 ? Verdict::allowed : Verdict::fail) << epoch;
        EXPECT_EQ(q.monitor.has_lost_records(), epoch == 5) << epoch;
    }
}

// Nobody else's loss makes a disk go back, vote twice or drop what it leads with.
TEST(QuorumMonitor, q2_q3_q4_are_promises_of_one_disk) {
    Quorum q(true);
    q.begin(4);
    q.lose_disk(2, false);
    q.node(3).quorum_state = {LeaderEpoch{7}, kNoNode, q.node(3).self};
    q.node(3).role = RaftCandidate{};
    q.look(3);
    q.node(3).quorum_state.voted = q.node(1).self;
    q.look(3);
    EXPECT_EQ(q.verdict(Rule::q3), Verdict::fail);
    q.node(3).quorum_state = {LeaderEpoch{6}, kNoNode, std::nullopt};
    q.look(3);
    EXPECT_EQ(q.verdict(Rule::q2), Verdict::fail);
    q.node(1).log.truncate_to(Offset{2});
    q.look(1);
    EXPECT_EQ(q.verdict(Rule::q4), Verdict::fail);
}

}  // namespace
}  // namespace tribunal
