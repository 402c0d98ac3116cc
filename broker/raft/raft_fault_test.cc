// What must never happen, and does when voters forget what they had on disk: who is told of it ends
// itself, as Kafka's raft thread ends the process.
#include <gtest/gtest.h>

#include "broker/raft/scripted_quorum.h"

namespace tribunal {
namespace {

RaftConfig fixed_voters() {
    RaftConfig config;
    config.reconfiguration = false;
    return config;
}

// By an answer of the same epoch (QuorumState.transitionToFollower), and by one of a newer epoch
// (KafkaRaftClient.hasConsistentLeader).
TEST(raft_fault, nobody_follows_itself) {
    for (const int newer : {0, 1}) {
        ScriptedQuorum q(3, 0, fixed_voters(), PlantedBug::none, 1);
        Raft r = q.machines.at(NodeId{1}).raft;
        Outbox out;
        raft_timer(r, timer(TimerKind::raft_election), out);
        ASSERT_TRUE(std::holds_alternative<RaftProspective>(r.role));
        VoteResponse response;
        response.leader = r.self.id;
        response.leader_epoch = LeaderEpoch{r.epoch().value + newer};
        raft_response(r, {{NodeId{1}, NodeId{2}, Lane::quorum}, true, 0, response}, out);
        EXPECT_EQ(r.fault, RaftFault::leads_unawares) << newer;
        const auto* halt = std::get_if<Halt>(&out.effects.back());
        ASSERT_NE(halt, nullptr) << newer;
        EXPECT_STREQ(halt->why, "is told that it leads a quorum epoch, and does not");
        EXPECT_FALSE(halt->clean);
    }
}

TEST(raft_fault, who_lost_its_disk_hears_that_it_leads_and_ends) {
    ScriptedQuorum q(3, 0, fixed_voters(), PlantedBug::none, 1);
    NodeId leader = kNoNode;
    ASSERT_TRUE(q.settle(5000, [&] {
        for (const auto& [id, machine] : q.machines) {
            if (active_epoch(machine.raft)) leader = id;
        }
        return leader != kNoNode;
    }));
    q.kill(leader);
    Raft& wiped = q.machines.at(leader).raft;
    wiped.log = {};
    wiped.quorum_state = {};
    EXPECT_TRUE(q.settle(500, [&] { return wiped.fault == RaftFault::leads_unawares; }));
}

}  // namespace
}  // namespace tribunal
