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

RaftRecord record(int epoch) { return {LeaderEpoch{epoch}, LeaderChangeRecord{NodeId{2}}, true}; }

// Voter 1 of three: it follows voter 2 in epoch 5, has what is below offset 6 of which 4 is
// committed, and fetches.
struct Follower {
    Raft r;
    Outbox out;

    explicit Follower(Offset log_start = Offset{0}) {
        ScriptedQuorum q(3, 0, fixed_voters(), PlantedBug::none, 1);
        r = q.machines.at(NodeId{1}).raft;
        r.log = {};
        r.log.start_offset = r.log.end_offset = log_start;
        if (log_start > Offset{0}) {
            r.log.load(
                Shared<MetadataSnapshot>{MetadataSnapshot{{log_start, LeaderEpoch{3}}, {}, {}}});
        }
        while (r.log.end_offset < Offset{6}) r.log.append(record(4));
        r.quorum_state = {LeaderEpoch{5}, NodeId{2}, std::nullopt};
        r = restart(r);
        raft_start(r, out);
        while (r.log_sync_in_flight) raft_write_done(r, token(), out);
    }
    std::uint64_t token() const {
        for (const Effect& effect : out.effects) {
            const auto* write = std::get_if<Write>(&effect);
            if (write != nullptr && std::holds_alternative<MetadataWrite>(write->op)) {
                return write->token;
            }
        }
        return 0;
    }
    void answer(Message message) {
        const RaftPeer* leader = r.peers.find(NodeId{2});
        ASSERT_NE(leader, nullptr);
        ASSERT_GE(leader->in_flight, 0);
        out.effects.clear();
        raft_response(
            r, {{NodeId{1}, NodeId{2}, Lane::quorum}, true, leader->in_flight, std::move(message)},
            out);
    }
    void answer_fetch(Offset high_watermark, std::optional<SnapshotId> diverging,
                      std::optional<SnapshotId> snapshot) {
        QuorumFetchResponse response;
        response.leader = NodeId{2};
        response.leader_epoch = LeaderEpoch{5};
        response.high_watermark = high_watermark;
        response.diverging = diverging;
        response.snapshot = snapshot;
        answer(std::move(response));
    }
    void answer_snapshot(SnapshotId id) {
        FetchSnapshotResponse response;
        response.leader = NodeId{2};
        response.leader_epoch = LeaderEpoch{5};
        response.snapshot = id;
        response.size = 1;
        answer(std::move(response));
    }
    bool halts() const {
        for (const Effect& effect : out.effects) {
            if (std::holds_alternative<Halt>(effect)) return true;
        }
        return false;
    }
};

TEST(raft_fault, a_follower_does_not_cut_what_is_committed) {
    struct Case {
        const char* name;
        SnapshotId diverging;
        Offset log_start;
        Offset high_watermark;
        RaftFault want;
    };
    const Case cases[] = {
        {"above the high watermark", {Offset{5}, LeaderEpoch{4}}, {}, Offset{4}, RaftFault::none},
        {"below it",
         {Offset{3}, LeaderEpoch{4}},
         {},
         Offset{4},
         RaftFault::truncation_below_high_watermark},
        {"after a restart nobody knows it", {Offset{3}, LeaderEpoch{4}}, {}, {}, RaftFault::none},
        {"after a restart, below the snapshot",
         {Offset{1}, LeaderEpoch{3}},
         Offset{2},
         {},
         RaftFault::truncation_below_high_watermark},
    };
    for (const Case& c : cases) {
        Follower f(c.log_start);
        if (c.high_watermark > Offset{0}) f.answer_fetch(c.high_watermark, {}, {});
        f.answer_fetch(kNoOffset, c.diverging, {});
        EXPECT_EQ(f.r.fault, c.want) << c.name;
        EXPECT_EQ(f.halts(), c.want != RaftFault::none) << c.name;
        if (f.halts()) continue;
        EXPECT_EQ(f.r.log.end_offset, c.diverging.end_offset) << c.name;
    }
}

TEST(raft_fault, a_high_watermark_does_not_go_back) {
    Follower f;
    f.answer_fetch(Offset{4}, {}, {});
    f.answer_fetch(Offset{4}, {}, {});
    EXPECT_EQ(f.r.fault, RaftFault::none);
    f.answer_fetch(Offset{3}, {}, {});
    EXPECT_EQ(f.r.fault, RaftFault::high_watermark_goes_back);
    EXPECT_TRUE(f.halts());
}

TEST(raft_fault, a_snapshot_takes_the_place_of_a_log_that_it_is_ahead_of) {
    struct Case {
        const char* name;
        SnapshotId id;
        RaftFault want;
    };
    const Case cases[] = {
        {"ahead", {Offset{9}, LeaderEpoch{5}}, RaftFault::none},
        {"ahead in the same epoch", {Offset{9}, LeaderEpoch{4}}, RaftFault::none},
        {"of an older epoch", {Offset{9}, LeaderEpoch{2}}, RaftFault::snapshot_behind_log},
        {"of what is there", {Offset{6}, LeaderEpoch{4}}, RaftFault::snapshot_behind_log},
        {"below what is committed",
         {Offset{3}, LeaderEpoch{5}},
         RaftFault::high_watermark_goes_back},
    };
    for (const Case& c : cases) {
        Follower f;
        f.answer_fetch(Offset{4}, {}, {});
        f.answer_fetch(kNoOffset, {}, c.id);
        f.answer_snapshot(c.id);
        EXPECT_EQ(f.r.fault, c.want) << c.name;
        EXPECT_EQ(f.halts(), c.want != RaftFault::none) << c.name;
        if (f.halts()) continue;
        EXPECT_EQ(f.r.log.start_offset, c.id.end_offset) << c.name;
    }
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

// Two leaders of one epoch, and epochs that are not in order: what was appended last is believed
// (LeaderEpochFileCache.maybeTruncateNonMonotonicEntries).
TEST(raft_fault, a_log_takes_a_record_of_an_older_epoch) {
    RaftLog log;
    for (const int epoch : {1, 2, 4, 4}) log.append(record(epoch));
    log.append(record(3));
    ASSERT_EQ(log.epochs.size(), 3u);
    EXPECT_EQ(log.epochs.back().epoch, LeaderEpoch{3});
    EXPECT_EQ(log.epochs.back().start_offset, Offset{4});
    log.append(record(2));
    EXPECT_EQ(log.last_epoch(), LeaderEpoch{2});
    EXPECT_EQ(log.epoch_before(log.end_offset), LeaderEpoch{2});
    log.append(record(5));
    EXPECT_EQ(log.last_epoch(), LeaderEpoch{5});
    EXPECT_EQ(log.end_of_epoch(LeaderEpoch{4}).epoch, LeaderEpoch{2});
}

}  // namespace
}  // namespace tribunal
