// kraft.version from 0 to 1 (KAFKA-16538): who has to have told what, what is written, what becomes
// of it when the leader goes, and that voters come and go from there on.
#include <gtest/gtest.h>

#include "broker/raft/scripted_quorum.h"

namespace tribunal {
namespace {

constexpr NodeId kObserver{4};
constexpr std::string_view kNotAllSupportIt =
    "Invalid upgrade of kraft.version to KRAFT_VERSION_1 because not all of the voters support it";

RaftConfig fixed() {
    RaftConfig config;
    config.reconfiguration = false;
    return config;
}

// Three fixed voters and an observer.
struct Fixed : ScriptedQuorum {
    explicit Fixed(const RaftConfig& config = fixed(), PlantedBug bug = PlantedBug::none)
        : ScriptedQuorum(3, 1, config, bug, 1) {
        EXPECT_TRUE(settle(5000, [&] {
            return leads() != nullptr && raft(kObserver).high_watermark > Offset{0};
        }));
    }
    Raft& raft(int id) { return machines.at(NodeId{id}).raft; }
    Raft& raft(NodeId id) { return machines.at(id).raft; }
    Raft* leads() {
        for (auto& [id, machine] : machines) {
            if (machine.is_up && active_epoch(machine.raft)) return &machine.raft;
        }
        return nullptr;
    }
    std::vector<NodeId> followers() {
        std::vector<NodeId> others;
        for (const int id : {1, 2, 3}) {
            if (&raft(id) != leads()) others.push_back(NodeId{id});
        }
        return others;
    }
    // The voter's period is over, and what it sends arrives.
    void tell(NodeId id) {
        fire(id, timer(TimerKind::raft_update_voter));
        settle(200,
               [&] { return raft(id).follower() != nullptr && raft(id).follower()->has_told; });
    }
    // Whether such a message comes next in this pipe, of what the nodes do by themselves.
    template <class Kind>
    bool next(Pipe pipe) {
        const auto is_next = [&] {
            const auto at = pipes.find(pipe);
            return at != pipes.end() && at->second.front().message.template get_if<Kind>();
        };
        return settle(1500, is_next);
    }
    // Whatever is on its way or being written, and no time passes.
    void arrive() {
        for (int i = 0; i < 200; ++i) {
            for (auto& [id, machine] : machines) {
                while (sync(id, quorum_state) || sync(id, metadata_log)) {
                }
            }
            if (pipes.empty()) return;
            deliver(pipes.begin()->first);
        }
    }
    bool all_have(Offset end) {
        return settle(5000, [&] {
            for (const auto& [id, machine] : machines) {
                if (machine.raft.high_watermark < end) return false;
            }
            return true;
        });
    }
};

TEST(raft_version, rises_when_every_voter_has_told_its_directory) {
    Fixed q;
    Raft& leader = *q.leads();
    const NodeId id = leader.self.id;
    const std::vector<NodeId> others = q.followers();
    EXPECT_EQ(raft_upgrade_refusal(leader), kNotAllSupportIt);
    q.tell(others[0]);
    EXPECT_EQ(raft_upgrade_refusal(leader), kNotAllSupportIt);
    const Offset before = leader.log.end_offset;
    q.upgrade(id);
    EXPECT_EQ(leader.log.end_offset, before) << "refused, and nothing is written";
    q.ask(id, AddRaftVoterRequest{Voter{ScriptedQuorum::key_of(kObserver), 0}});
    EXPECT_EQ(leader.log.end_offset, before) << "UNSUPPORTED_VERSION";

    q.tell(others[1]);
    EXPECT_EQ(raft_upgrade_refusal(leader), "");
    q.upgrade(id);
    EXPECT_EQ(leader.log.end_offset, before + 2);
    const RaftRecord* version = leader.log.find(before);
    ASSERT_TRUE(std::holds_alternative<KRaftVersionRecord>(version->payload));
    EXPECT_FALSE(version->ends_batch) << "both or none";
    ASSERT_NE(leader.log.find(before + 1)->voters(), nullptr);
    for (const int v : {1, 2, 3}) {
        EXPECT_EQ(voters_of(leader).voters.find(NodeId{v})->key, ScriptedQuorum::key_of(NodeId{v}));
    }
    // What they have fetched goes on counting, under their new names.
    for (const NodeId other : others) {
        const auto& replicas = leader.leader()->replicas;
        EXPECT_EQ(replicas.find({other, kNoDirectory}), nullptr);
        const RaftProgress* progress = replicas.find(ScriptedQuorum::key_of(other));
        ASSERT_NE(progress, nullptr);
        EXPECT_EQ(progress->end_offset, before);
    }
    EXPECT_EQ(raft_upgrade_refusal(leader), "") << "again: it has it";
    q.upgrade(id);
    EXPECT_EQ(leader.log.end_offset, before + 2);
    ASSERT_TRUE(q.all_have(before + 2));
    for (const auto& [node, machine] : q.machines) EXPECT_EQ(kraft_version_of(machine.raft), 1);

    // From here on it is a quorum like any other of kraft.version 1.
    q.ask(id, AddRaftVoterRequest{Voter{ScriptedQuorum::key_of(kObserver), 0}});
    EXPECT_EQ(voters_of(leader).size(), 4u);
    ASSERT_TRUE(q.all_have(before + 3));
    EXPECT_TRUE(is_voter(q.raft(kObserver)));
    q.ask(id, RemoveRaftVoterRequest{ScriptedQuorum::key_of(others[0])});
    EXPECT_EQ(voters_of(leader).size(), 3u);
    ASSERT_TRUE(q.all_have(before + 4));
    EXPECT_FALSE(is_voter(q.raft(others[0])));
}

// KAFKA-16538: who tells does not fetch meanwhile, and neither end takes that for silence.
TEST(raft_version, is_told_in_place_of_a_fetch) {
    Fixed q;
    const NodeId id = q.leads()->self.id;
    const NodeId other = q.followers().front();
    const ConnectionKey connection{other, id, Lane::quorum};
    const auto timers = [&](NodeId node) -> auto& { return q.machines.at(node).timers; };
    q.fire(other, timer(TimerKind::raft_update_voter));
    EXPECT_EQ(timers(other).at(timer(TimerKind::raft_update_voter)), q.now + seconds(2).value);
    ASSERT_TRUE(q.next<UpdateRaftVoterRequest>({connection, false}));
    q.now += milliseconds(700).value;
    q.deliver({connection, false});
    EXPECT_EQ(timers(id).at(timer(TimerKind::raft_check_quorum)), q.now + seconds(3).value);
    EXPECT_EQ((*q.leads()->leader()->told_voters)->voters.find(other)->key,
              ScriptedQuorum::key_of(other));
    ASSERT_TRUE(q.next<UpdateRaftVoterResponse>({connection, true}));
    q.now += milliseconds(700).value;
    q.deliver({connection, true});
    EXPECT_EQ(timers(other).at(timer(TimerKind::raft_fetch)), q.now + seconds(2).value);
    EXPECT_TRUE(q.raft(other).follower()->has_told);
    // Once is enough for this leader.
    q.fire(other, timer(TimerKind::raft_update_voter));
    EXPECT_FALSE(q.next<UpdateRaftVoterRequest>({connection, false}));
}

TEST(raft_version, is_told_again_to_a_leader_that_refused) {
    Fixed q;
    const Raft& leader = *q.leads();
    const NodeId other = q.followers().front();
    const ConnectionKey connection{other, leader.self.id, Lane::quorum};
    const auto answer = [&](ErrorCode error) {
        q.fire(other, timer(TimerKind::raft_update_voter));
        ASSERT_TRUE(q.next<UpdateRaftVoterResponse>({connection, true}));
        q.pipes.at({connection, true}).front().message =
            UpdateRaftVoterResponse{error, leader.self.id, leader.epoch()};
        q.deliver({connection, true});
    };
    answer(ErrorCode::request_timed_out);
    EXPECT_FALSE(q.raft(other).follower()->has_told);
    EXPECT_TRUE(q.raft(other).peers.find(leader.self.id)->backing_off);
    answer(ErrorCode::unsupported_version);
    EXPECT_TRUE(q.raft(other).follower()->has_told) << "an older leader, which has no use for it";
}

// Before it has committed something, it is not sure to lead; and a stranger is no voter.
TEST(raft_version, is_told_to_a_leader_that_has_committed_by_its_voters_only) {
    Fixed q;
    Raft leader = *q.leads();
    const NodeId other = q.followers().front();
    const auto told = [&](const Voter& voter) {
        Outbox out;
        raft_request(leader,
                     {{ScriptedQuorum::kClient, leader.self.id, Lane::quorum},
                      false,
                      1,
                      UpdateRaftVoterRequest{leader.epoch(), voter}},
                     out);
        for (const Effect& effect : out.effects) {
            const auto* send = std::get_if<Send>(&effect);
            if (send == nullptr || !send->is_response) continue;
            if (const auto* m = send->message.get_if<UpdateRaftVoterResponse>()) return m->error;
        }
        return ErrorCode::unknown_server_error;
    };
    EXPECT_EQ(told({ScriptedQuorum::key_of(kObserver), 0}), ErrorCode::voter_not_found);
    EXPECT_EQ(told({ScriptedQuorum::key_of(other), 0}), ErrorCode::none);
    EXPECT_EQ(told({{other, DirectoryId{77}}, 0}), ErrorCode::none)
        << "another disk: the id counts";
    EXPECT_EQ((*leader.leader()->told_voters)->voters.find(other)->key.directory, DirectoryId{77});
    leader.high_watermark = Offset{0};
    EXPECT_EQ(told({ScriptedQuorum::key_of(other), 0}), ErrorCode::request_timed_out);
    EXPECT_EQ((*leader.leader()->told_voters)->voters.find(other)->key.directory, DirectoryId{77});
}

// What was told is in the memory of one leader.
TEST(raft_version, stays_when_a_new_leader_has_not_been_told) {
    Fixed q;
    for (const NodeId id : q.followers()) q.tell(id);
    EXPECT_EQ(raft_upgrade_refusal(*q.leads()), "");
    const NodeId gone = q.leads()->self.id;
    q.kill(gone);
    ASSERT_EQ(q.leads(), nullptr);
    ASSERT_TRUE(q.settle(5000, [&] { return q.leads() != nullptr; }));
    EXPECT_EQ(raft_upgrade_refusal(*q.leads()), kNotAllSupportIt);
    // Everybody tells it in time, also the one that led before.
    EXPECT_TRUE(q.settle(
        20000, [&] { return q.leads() != nullptr && raft_upgrade_refusal(*q.leads()).empty(); }));
}

// Nobody else has its records, and the next leader is of version 0 as before; then so is this one.
TEST(raft_version, falls_back_when_it_was_not_committed) {
    Fixed q;
    for (const NodeId id : q.followers()) q.tell(id);
    const NodeId gone = q.leads()->self.id;
    const std::vector<NodeId> others = q.followers();
    q.upgrade(gone);
    EXPECT_EQ(kraft_version_of(q.raft(gone)), 1);
    q.kill(gone);
    for (const NodeId id : others) EXPECT_EQ(kraft_version_of(q.raft(id)), 0);
    // Without it: it is started again only when the other two have a leader.
    for (int i = 0; i < 200 && q.leads() == nullptr; ++i) {
        for (const NodeId id : others) {
            for (const TimerKind kind : {TimerKind::raft_fetch, TimerKind::raft_election}) {
                if (q.machines.at(id).timers.contains(timer(kind)) && q.leads() == nullptr) {
                    q.fire(id, timer(kind));
                    q.arrive();
                }
            }
        }
    }
    ASSERT_NE(q.leads(), nullptr);
    ASSERT_TRUE(q.settle(9000, [&] {
        return q.leads() != nullptr && q.leads()->self.id != gone &&
               q.raft(gone).high_watermark == q.leads()->log.end_offset;
    }));
    EXPECT_EQ(kraft_version_of(q.raft(gone)), 0);
    EXPECT_EQ(raft_upgrade_refusal(q.raft(gone)),
              "Invalid upgrade of kraft.version from version KRAFT_VERSION_0 to KRAFT_VERSION_1");
}

// 3.9 and 4.0: nobody tells anything, and a leader does not want to know.
TEST(raft_version, stays_under_older_rules) {
    RaftConfig older = fixed();
    older.version_upgrade = false;
    Fixed q(older);
    Raft& leader = *q.leads();
    const NodeId other = q.followers().front();
    q.ask(leader.self.id,
          UpdateRaftVoterRequest{leader.epoch(), {ScriptedQuorum::key_of(other), 0}});
    EXPECT_FALSE(leader.leader()->told_voters.has_value());
    EXPECT_FALSE(q.machines.at(other).timers.contains(timer(TimerKind::raft_update_voter)));
    const Offset before = leader.log.end_offset;
    q.upgrade(leader.self.id);
    EXPECT_EQ(leader.log.end_offset, before);
    EXPECT_EQ(kraft_version_of(leader), 0);
}

}  // namespace
}  // namespace tribunal
