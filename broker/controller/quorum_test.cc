// Three controllers: who is active, what the others show, and what happens to decisions that are
// never committed; snapshots for whom the log has left behind.
#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <set>

#include "broker/controller/controller.h"

namespace tribunal {
namespace {

constexpr NodeId kFirst{100};
constexpr NodeId kSecond{101};
constexpr NodeId kThird{102};
constexpr NodeId kBroker{1};

// Messages between controllers arrive at once and in order, disks are quick, timers fire when the
// test says so.
struct Quorum {
    std::map<NodeId, Controller> nodes;
    std::map<NodeId, std::set<std::uint64_t>> timers;
    std::set<NodeId> cut_off;
    std::deque<std::pair<NodeId, Input>> inputs;
    std::vector<Send> answers;  // to brokers

    explicit Quorum(BrokerConfig config = {}) {
        for (const NodeId id : {kFirst, kSecond, kThird}) {
            nodes[id] = make_controller(id, {kFirst, kSecond, kThird}, config);
        }
        for (const auto& [id, node] : nodes) inputs.emplace_back(id, Start{1, false});
        run();
        elect(kFirst);
    }
    void run() {
        while (!inputs.empty()) {
            const auto [id, input] = inputs.front();
            inputs.pop_front();
            Outbox out;
            step(nodes.at(id), input, out);
            for (Effect& effect : out.effects) carry_out(id, effect);
        }
    }
    void carry_out(NodeId self, Effect& effect) {
        if (auto* send = std::get_if<Send>(&effect)) {
            const NodeId to = send->is_response ? send->connection.client : send->connection.server;
            if (!nodes.contains(to)) {
                answers.push_back(*send);
            } else if (!cut_off.contains(to) && !cut_off.contains(self)) {
                inputs.emplace_back(to, Deliver{send->connection, send->is_response,
                                                send->correlation, send->message});
            }
        } else if (const auto* write = std::get_if<Write>(&effect)) {
            if (write->sync) inputs.emplace_back(self, WriteDone{write->token});
        } else if (const auto* arm = std::get_if<Arm>(&effect)) {
            timers[self].insert(arm->timer.value);
        } else if (const auto* disarm = std::get_if<Disarm>(&effect)) {
            timers[self].erase(disarm->timer.value);
        }
    }
    bool fire(NodeId id, TimerKind kind) {
        for (const std::uint64_t value : timers[id]) {
            if (kind_of(TimerId{value}) != kind) continue;
            timers[id].erase(value);
            inputs.emplace_back(id, TimerFired{TimerId{value}, 0});
            run();
            return true;
        }
        return false;
    }
    void fire_all(NodeId id, TimerKind kind) {
        const std::size_t armed = timers[id].size();
        for (std::size_t i = 0; i < armed && fire(id, kind); ++i) {
        }
    }
    // Everybody's patience with the present leader is over; then its own with having none.
    void elect(NodeId id) {
        for (const auto& [other, node] : nodes) {
            if (other != id && !cut_off.contains(other)) fire(other, TimerKind::raft_fetch);
        }
        for (int i = 0; i < 4 && !nodes.at(id).active; ++i) {
            if (!fire(id, TimerKind::raft_fetch)) fire(id, TimerKind::raft_election);
            settle();
        }
        EXPECT_TRUE(nodes.at(id).active.has_value()) << id.value;
    }
    // Fetches that were parked learn what is committed.
    void settle() {
        for (int i = 0; i < 3; ++i) {
            for (const auto& [id, node] : nodes) {
                fire_all(id, TimerKind::raft_retry);
                fire_all(id, TimerKind::raft_fetch_wait);
            }
        }
    }
    template <class Response>
    std::optional<Response> ask(NodeId controller, Message request, Lane lane = Lane::forwarding) {
        answers.clear();
        inputs.emplace_back(controller,
                            Deliver{{kBroker, controller, lane}, false, 7, std::move(request)});
        run();
        return answer<Response>();
    }
    template <class Response>
    std::optional<Response> answer() const {
        for (const Send& send : answers) {
            if (const auto* r = send.message.get_if<Response>()) return *r;
        }
        return std::nullopt;
    }
    // A broker that is alive, and a topic on it.
    void populate() {
        const auto registered = ask<BrokerRegistrationResponse>(
            kFirst, BrokerRegistrationRequest{.broker = kBroker, .incarnation = 1},
            Lane::heartbeat);
        ASSERT_TRUE(registered.has_value());
        const auto heard = ask<BrokerHeartbeatResponse>(
            kFirst,
            BrokerHeartbeatRequest{.broker = kBroker,
                                   .broker_epoch = registered->broker_epoch,
                                   .metadata_offset = nodes.at(kFirst).committed()},
            Lane::heartbeat);
        ASSERT_TRUE(heard.has_value());
        EXPECT_FALSE(heard->is_fenced);
        const auto created = ask<CreateTopicResponse>(kFirst, topic("t"));
        ASSERT_TRUE(created.has_value());
        EXPECT_EQ(created->error, ErrorCode::none);
        settle();
    }
    static CreateTopicRequest topic(const char* name) { return {name, 2, 1, {}, {}}; }
};

TEST(controllers, the_leader_is_active_and_the_others_replay_what_is_committed) {
    Quorum q;
    q.populate();
    const Controller& active = q.nodes.at(kFirst);
    EXPECT_EQ(active.active, active.raft.epoch());
    for (const NodeId id : {kSecond, kThird}) {
        const Controller& standby = q.nodes.at(id);
        EXPECT_FALSE(standby.active.has_value());
        EXPECT_EQ(standby.committed(), active.committed());
        EXPECT_EQ(standby.image_offset, standby.committed());
        EXPECT_EQ(standby.image, active.image);
    }
}

TEST(controllers, who_is_not_active_says_so_and_knows_who_leads) {
    Quorum q;
    q.populate();
    EXPECT_EQ(q.ask<CreateTopicResponse>(kSecond, Quorum::topic("u"))->error,
              ErrorCode::not_controller);
    EXPECT_EQ(q.ask<AlterPartitionResponse>(kSecond, AlterPartitionRequest{}, Lane::alter_partition)
                  ->error,
              ErrorCode::not_controller);
    const auto fetched = q.ask<MetadataFetchResponse>(
        kSecond, MetadataFetchRequest{kBroker, Offset{0}, seconds(1)}, Lane::metadata_fetch);
    EXPECT_EQ(fetched->error, ErrorCode::not_leader_or_follower);
    EXPECT_EQ(fetched->leader, kFirst);
    EXPECT_EQ(fetched->leader_epoch, q.nodes.at(kFirst).raft.epoch());
}

// A broker that has what this quorum never committed is told at once, however long it would wait.
TEST(controllers, a_fetch_that_parts_from_the_log_is_not_kept_waiting) {
    Quorum q;
    q.populate();
    const RaftLog& log = q.nodes.at(kFirst).raft.log;
    const auto fetch = [&](std::int64_t offset, int epoch) {
        return q.ask<MetadataFetchResponse>(
            kFirst, MetadataFetchRequest{kBroker, Offset{offset}, seconds(1), LeaderEpoch{epoch}},
            Lane::metadata_fetch);
    };
    const std::int64_t end = log.end_offset.value;
    const int epoch = log.last_epoch().value;
    EXPECT_FALSE(fetch(end, epoch).has_value()) << "waits";
    const auto begin = fetch(0, 0);
    ASSERT_TRUE(begin.has_value());
    EXPECT_FALSE(begin->diverges);
    EXPECT_EQ(begin->last_epoch, LeaderEpoch{epoch});
    for (const auto& [offset, of] : {std::pair{end, epoch + 1}, {end + 5, epoch}, {end, 0}}) {
        const auto parted = fetch(offset, of);
        ASSERT_TRUE(parted.has_value()) << offset << " after " << of;
        EXPECT_TRUE(parted->diverges) << offset << " after " << of;
        EXPECT_TRUE(parted->records.empty());
    }
}

// A broker forwards what an admin asks (KIP-853); whoever waits for it may be gone by then.
TEST(controllers, a_voter_leaves_and_returns_when_an_admin_asks) {
    Quorum q;
    q.populate();
    const ReplicaKey third = q.nodes.at(kThird).raft.self;
    EXPECT_EQ(q.ask<RemoveRaftVoterResponse>(kSecond, RemoveRaftVoterRequest{third})->error,
              ErrorCode::not_controller);
    EXPECT_EQ(q.ask<AddRaftVoterResponse>(kSecond, AddRaftVoterRequest{{third, 0}})->error,
              ErrorCode::not_controller);
    EXPECT_EQ(q.ask<AddRaftVoterResponse>(kFirst, AddRaftVoterRequest{{third, 0}})->error,
              ErrorCode::duplicate_voter);
    auto removed = q.ask<RemoveRaftVoterResponse>(kFirst, RemoveRaftVoterRequest{third});
    q.settle();
    if (!removed) removed = q.answer<RemoveRaftVoterResponse>();
    ASSERT_TRUE(removed.has_value());
    EXPECT_EQ(removed->error, ErrorCode::none);
    EXPECT_EQ(voters_of(q.nodes.at(kFirst).raft).size(), 2u);

    q.settle();
    q.cut_off = {kSecond, kThird};
    EXPECT_FALSE(q.ask<AddRaftVoterResponse>(kFirst, AddRaftVoterRequest{{third, 0}}).has_value());
    q.inputs.emplace_back(kFirst, ConnectionClosed{{kBroker, kFirst, Lane::forwarding}, true});
    q.cut_off.clear();
    const Raft& leader = q.nodes.at(kFirst).raft;
    EXPECT_LE(leader.high_watermark, leader.log.last_voters_offset()) << "not committed yet";
    for (const NodeId id : {kSecond, kThird}) q.fire_all(id, TimerKind::raft_request);
    for (int i = 0; i < 3; ++i) q.settle();
    EXPECT_GT(leader.high_watermark, leader.log.last_voters_offset());
    EXPECT_EQ(voters_of(leader).size(), 3u);
    EXPECT_FALSE(q.answer<AddRaftVoterResponse>().has_value());
}

// --- kraft.version from 0 to 1 (KAFKA-16538) ----------------------------------------------------

BrokerConfig fixed_voters() {
    BrokerConfig config;
    config.rules.raft_reconfiguration = false;
    config.bootstrap_features.kraft_version = 0;
    return config;
}
UpdateFeaturesRequest raise(std::int16_t level = 1, bool validate_only = false,
                            UpgradeType type = UpgradeType::upgrade) {
    return {{{Feature::kraft_version, level, type}}, validate_only};
}
// The other two have told the first what it must know, when their fetches were answered.
void tell(Quorum& q) {
    for (const NodeId id : {kSecond, kThird}) q.fire(id, TimerKind::raft_update_voter);
    q.ask<CreateTopicResponse>(kFirst, Quorum::topic("told"));
    q.settle();
}

TEST(controllers, make_fixed_voters_dynamic_when_an_admin_asks) {
    Quorum q(fixed_voters());
    q.populate();
    const Controller& first = q.nodes.at(kFirst);
    const auto refused = q.ask<UpdateFeaturesResponse>(kFirst, raise());
    EXPECT_EQ(refused->error, ErrorCode::invalid_update_version);
    EXPECT_EQ(refused->message,
              "Invalid upgrade of kraft.version to KRAFT_VERSION_1 because not all of the voters "
              "support it");
    tell(q);
    const Offset before = first.raft.log.end_offset;
    EXPECT_EQ(q.ask<UpdateFeaturesResponse>(kFirst, raise(1, true))->error, ErrorCode::none);
    EXPECT_EQ(first.raft.log.end_offset, before) << "validated only";
    auto raised = q.ask<UpdateFeaturesResponse>(kFirst, raise());
    q.settle();
    if (!raised) raised = q.answer<UpdateFeaturesResponse>();
    ASSERT_TRUE(raised.has_value());
    EXPECT_EQ(raised->error, ErrorCode::none);
    EXPECT_EQ(first.raft.log.end_offset, Offset{before.value + 3});
    for (const auto& [id, node] : q.nodes) {
        EXPECT_EQ(kraft_version_of(node.raft), 1);
        EXPECT_EQ(node.image.features.kraft_version, 1);
    }
    const auto down =
        q.ask<UpdateFeaturesResponse>(kFirst, raise(0, false, UpgradeType::unsafe_downgrade));
    EXPECT_EQ(down->error, ErrorCode::invalid_update_version);
    EXPECT_NE(down->message.find("Can't downgrade the version of this feature."),
              std::string::npos);

    const ReplicaKey third = q.nodes.at(kThird).raft.self;
    auto removed = q.ask<RemoveRaftVoterResponse>(kFirst, RemoveRaftVoterRequest{third});
    q.settle();
    if (!removed) removed = q.answer<RemoveRaftVoterResponse>();
    ASSERT_TRUE(removed.has_value());
    EXPECT_EQ(removed->error, ErrorCode::none);
    EXPECT_EQ(voters_of(first.raft).size(), 2u);
    // Its process starts again with the same settings, and it goes by its log.
    EXPECT_FALSE(is_voter(restart(q.nodes.at(kThird)).raft));
    EXPECT_TRUE(is_voter(restart(q.nodes.at(kSecond)).raft));
    // A new disk is another replica, as with any dynamic quorum.
    EXPECT_FALSE(is_voter(wiped(q.nodes.at(kSecond)).raft));
}

TEST(controllers, finish_what_the_leader_before_began_to_raise) {
    Quorum q(fixed_voters());
    q.populate();
    tell(q);
    Outbox out;
    // The records of the quorum reached the others, and that of the feature did not.
    Controller& first = q.nodes.at(kFirst);
    raft_upgrade_version(first.raft, out);
    for (Effect& effect : out.effects) q.carry_out(kFirst, effect);
    q.run();
    q.settle();
    EXPECT_EQ(kraft_version_of(q.nodes.at(kSecond).raft), 1);
    EXPECT_EQ(q.nodes.at(kSecond).image.features.kraft_version, 0);
    q.cut_off = {kFirst};
    q.elect(kSecond);
    EXPECT_EQ(q.nodes.at(kSecond).image.features.kraft_version, 1);
}

TEST(controllers, of_a_newer_release_have_a_directory_to_tell) {
    BrokerConfig old = fixed_voters();
    old.rules.raft_version_upgrade = false;
    Controller c = make_controller(kFirst, {kFirst, kSecond, kThird}, old);
    EXPECT_EQ(c.raft.self.directory, kNoDirectory);
    EXPECT_EQ(wiped(c).raft.self.directory, kNoDirectory);
    install(c, BrokerConfig{});
    EXPECT_NE(c.raft.self.directory, kNoDirectory);
    EXPECT_EQ(kraft_version_of(c.raft), 0) << "its voters are fixed as before";
    EXPECT_TRUE(is_voter(c.raft));
    EXPECT_NE(wiped(c).raft.self, c.raft.self);
    EXPECT_TRUE(is_voter(wiped(c).raft)) << "known by its id alone";
}

TEST(controllers, what_is_not_committed_is_neither_answered_nor_kept_when_leadership_is_lost) {
    Quorum q;
    q.populate();
    const ClusterImage before = q.nodes.at(kFirst).image;
    q.cut_off = {kFirst};
    EXPECT_FALSE(q.ask<CreateTopicResponse>(kFirst, Quorum::topic("u")).has_value());
    EXPECT_NE(q.nodes.at(kFirst).image.topic("u"), nullptr) << "the next decision sees it";
    // A fetch that waits for something new.
    EXPECT_FALSE(q.ask<MetadataFetchResponse>(
                      kFirst,
                      MetadataFetchRequest{kBroker, q.nodes.at(kFirst).committed(), seconds(1),
                                           q.nodes.at(kFirst).raft.log.last_epoch()},
                      Lane::metadata_fetch)
                     .has_value());
    EXPECT_TRUE(q.fire(kFirst, TimerKind::raft_check_quorum));
    EXPECT_EQ(q.answer<CreateTopicResponse>()->error, ErrorCode::not_controller);
    EXPECT_EQ(q.answer<MetadataFetchResponse>()->error, ErrorCode::not_leader_or_follower);
    EXPECT_FALSE(q.nodes.at(kFirst).active.has_value());
    EXPECT_EQ(q.nodes.at(kFirst).image, before);
    EXPECT_TRUE(q.nodes.at(kFirst).heartbeats.sessions.empty());

    // The next one never hears of it, and the log of the old one follows.
    q.elect(kSecond);
    EXPECT_EQ(q.nodes.at(kSecond).image, before);
    EXPECT_TRUE(q.nodes.at(kSecond).heartbeats.sessions.contains(kBroker)) << "a session anew";
    EXPECT_EQ(q.ask<CreateTopicResponse>(kSecond, Quorum::topic("v"))->error, ErrorCode::none);
    q.cut_off.clear();
    q.fire(kFirst, TimerKind::raft_request);
    for (int i = 0; i < 3; ++i) {
        q.fire(kFirst, TimerKind::raft_election);
        q.fire(kFirst, TimerKind::raft_begin_epoch);
        q.fire(kSecond, TimerKind::raft_begin_epoch);
        q.settle();
    }
    EXPECT_EQ(q.nodes.at(kFirst).image, q.nodes.at(kSecond).image);
    EXPECT_EQ(q.nodes.at(kFirst).image.topic("u"), nullptr);
}

TEST(controllers, a_leader_that_is_told_to_end_hands_the_quorum_over_first) {
    Quorum q;
    q.populate();
    Outbox out;
    step(q.nodes.at(kFirst), Input{Stop{}}, out);
    bool says_so = false;
    for (const Effect& effect : out.effects) {
        EXPECT_FALSE(std::holds_alternative<Halt>(effect));
        const auto* send = std::get_if<Send>(&effect);
        says_so = says_so || (send != nullptr && send->message.holds<EndQuorumEpochRequest>());
    }
    EXPECT_TRUE(says_so);
    EXPECT_FALSE(q.nodes.at(kFirst).active.has_value());
    out.effects.clear();
    step(q.nodes.at(kFirst), Input{TimerFired{timer(TimerKind::controller_shutdown), 0}}, out);
    EXPECT_TRUE(std::any_of(out.effects.begin(), out.effects.end(),
                            [](const Effect& e) { return std::holds_alternative<Halt>(e); }));
}

TEST(controllers, a_snapshot_makes_the_same_image) {
    Quorum q;
    q.populate();
    const ClusterImage& image = q.nodes.at(kFirst).image;
    ClusterImage made;
    for (const MetadataRecord& record : records_of(image)) ASSERT_EQ(replay(made, record), nullptr);
    EXPECT_EQ(made, image);
    // Also when the newest topic is gone: its id is not used again.
    EXPECT_EQ(q.ask<DeleteTopicResponse>(kFirst, DeleteTopicRequest{"t"})->error, ErrorCode::none);
    made = {};
    for (const MetadataRecord& record : records_of(image)) ASSERT_EQ(replay(made, record), nullptr);
    EXPECT_EQ(made, image);
    EXPECT_EQ(made.next_topic, TopicId{1});
}

TEST(controllers, who_was_left_behind_loads_the_snapshot) {
    BrokerConfig config;
    config.snapshot_max_new_record_bytes = 1;
    Quorum q(config);
    q.cut_off = {kThird};
    q.populate();
    for (const NodeId id : {kFirst, kSecond}) {
        EXPECT_TRUE(q.fire(id, TimerKind::metadata_snapshot));
        const RaftLog& log = q.nodes.at(id).raft.log;
        ASSERT_TRUE(log.snapshot.has_value());
        EXPECT_EQ(log.start_offset, (*log.snapshot)->id.end_offset);
        EXPECT_GT(log.start_offset, Offset{3});
    }
    // A broker that starts gets it in place of the records.
    const auto fetched = q.ask<MetadataFetchResponse>(
        kFirst, MetadataFetchRequest{kBroker, Offset{0}, seconds(1)}, Lane::metadata_fetch);
    ASSERT_TRUE(fetched.has_value());
    EXPECT_TRUE(fetched->is_snapshot);
    ClusterImage made;
    for (const auto& record : fetched->records) ASSERT_EQ(replay(made, *record), nullptr);
    EXPECT_EQ(made, q.nodes.at(kFirst).image);
    EXPECT_EQ(fetched->end_offset, q.nodes.at(kFirst).raft.log.start_offset);

    q.cut_off.clear();
    q.fire(kThird, TimerKind::raft_request);
    for (int i = 0; i < 3; ++i) q.settle();
    EXPECT_EQ(q.nodes.at(kThird).image, q.nodes.at(kFirst).image);
    EXPECT_EQ(q.nodes.at(kThird).raft.log.start_offset, q.nodes.at(kFirst).raft.log.start_offset);
    // And a restart begins with it.
    Controller again = restart(q.nodes.at(kSecond));
    Outbox out;
    step(again, Input{Start{2, false}}, out);
    EXPECT_EQ(again.image, committed_image(q.nodes.at(kSecond)));
}

}  // namespace
}  // namespace tribunal
