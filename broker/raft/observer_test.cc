// Observers that lose sight of their leader (KIP-853): what they must not forget, and that they
// find it again.
#include <gtest/gtest.h>

#include "broker/raft/scripted_quorum.h"

namespace tribunal {
namespace {

constexpr NodeId kObserver{4};

// Three voters and an observer that has everything.
ScriptedQuorum quorum() {
    ScriptedQuorum q(3, 1, RaftConfig{}, PlantedBug::none, 1);
    EXPECT_TRUE(
        q.settle(5000, [&] { return q.machines.at(kObserver).raft.high_watermark > Offset{1}; }));
    return q;
}

TEST(observer, that_asks_around_does_not_vote_in_an_epoch_that_has_a_leader) {
    ScriptedQuorum q = quorum();
    const Raft& observer = q.machines.at(kObserver).raft;
    const LeaderEpoch epoch = observer.epoch();
    const NodeId leader = known_leader(observer);
    ASSERT_NE(leader, kNoNode);
    q.fire(kObserver, timer(TimerKind::raft_fetch));
    EXPECT_STREQ(name_of(observer.role), "unattached");
    // Somebody whose log says that it is a voter already asks for its vote.
    const NodeId other{leader == NodeId{1} ? 2 : 1};
    q.ask(kObserver, VoteRequest{ScriptedQuorum::key_of(other), DirectoryId{kObserver.value}, epoch,
                                 observer.log.last_epoch(), observer.log.end_offset});
    while (q.sync(kObserver, ScriptedQuorum::quorum_state)) {
    }
    EXPECT_FALSE(q.votes.contains({kObserver, epoch}));
    // In a newer one it may.
    const LeaderEpoch next{epoch.value + 1};
    q.ask(kObserver, VoteRequest{ScriptedQuorum::key_of(other), DirectoryId{kObserver.value}, next,
                                 observer.log.last_epoch(), observer.log.end_offset});
    while (q.sync(kObserver, ScriptedQuorum::quorum_state)) {
    }
    EXPECT_TRUE(q.votes.contains({kObserver, next}));
}

TEST(observer, that_lost_its_log_and_not_its_epoch_finds_the_leader_again) {
    ScriptedQuorum q = quorum();
    Raft& observer = q.machines.at(kObserver).raft;
    const Offset end = observer.log.end_offset;
    q.kill(kObserver);
    observer.log = RaftLog{};
    q.start(kObserver);
    EXPECT_STREQ(name_of(observer.role), "unattached");
    EXPECT_TRUE(q.settle(5000, [&] { return observer.high_watermark >= end; }));
    EXPECT_STREQ(name_of(observer.role), "follower");
}

}  // namespace
}  // namespace tribunal
