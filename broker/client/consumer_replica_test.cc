// Where a consumer reads (KIP-392): at the replica that the leader names, until something says that
// the leader should be asked again.
#include <gtest/gtest.h>

#include "broker/client/consumer.h"

namespace tribunal {
namespace {

constexpr TopicPartition kTp{TopicId{0}, 0};
constexpr NodeId kLeader{1};
constexpr NodeId kFollower{2};

struct Fixture {
    Consumer c;
    Outbox out;

    Fixture() {
        c.id = NodeId{1000};
        c.config.client_rack = "rack-2";
        c.config.auto_offset_reset = OffsetReset::earliest;
        c.metadata.bootstrap = {kLeader};
        c.running = true;
        Assigned a;
        a.id = kTp;
        a.state = PositionState::valid;
        a.position.offset = Offset{7};
        c.assigned = {a};
        know(kLeader, 5);
        out.effects.clear();
        advance(c, out);
    }
    void know(NodeId leader, int epoch, std::vector<NodeId> alive = {kLeader, kFollower}) {
        MetadataResponse response;
        response.brokers = std::move(alive);
        MetadataTopic topic;
        topic.name = "t";
        topic.topic = kTp.topic;
        topic.partitions.resize(1);
        topic.partitions[0].leader = leader;
        topic.partitions[0].leader_epoch = LeaderEpoch{epoch};
        response.topics = {topic};
        c.metadata.in_flight = true;
        on_metadata_response(c.metadata, c.id, response, out);
        c.metadata.wanted = false;
    }
    // The broker that the last fetch went to, and its request.
    std::pair<NodeId, const FetchRequest*> fetched() const {
        std::pair<NodeId, const FetchRequest*> found{kNoNode, nullptr};
        for (const Effect& effect : out.effects) {
            const auto* send = std::get_if<Send>(&effect);
            const auto* m = send == nullptr ? nullptr : send->message.get_if<FetchRequest>();
            if (m != nullptr) found = {send->connection.server, m};
        }
        return found;
    }
    void answer(NodeId from, ErrorCode error, NodeId preferred = kNoNode) {
        FetchResponse response;
        FetchPartitionResponse r;
        r.partition = kTp;
        r.error = error;
        r.preferred_read_replica = preferred;
        response.partitions = {r};
        const std::int32_t correlation = c.links.find(from)->in_flight;
        out.effects.clear();
        out.notes.clear();
        on_fetch_response(c, from, correlation, response, out);
        // What the picture of the cluster is renewed for is not to be waited for here.
        if (c.metadata.wanted) {
            c.metadata.wanted = false;
            advance(c, out);
        }
    }
    static Fixture reading_from_the_follower() {
        Fixture f;
        f.answer(kLeader, ErrorCode::none, kFollower);
        EXPECT_EQ(f.fetched().first, kFollower);
        return f;
    }
};

TEST(preferred_read_replica, is_read_from_as_soon_as_the_leader_names_it) {
    Fixture f;
    EXPECT_EQ(f.fetched().first, kLeader);
    EXPECT_EQ(f.fetched().second->rack, "rack-2");
    f.answer(kLeader, ErrorCode::none, kFollower);
    ASSERT_EQ(f.fetched().first, kFollower);
    EXPECT_EQ(f.fetched().second->partitions[0].fetch_offset, Offset{7});
    f.answer(kFollower, ErrorCode::none);
    EXPECT_EQ(f.c.assigned[0].preferred_read_replica, kFollower);
}

TEST(preferred_read_replica, gives_way_to_the_leader) {
    struct Case {
        const char* name;
        void (*happens)(Fixture& f);
    };
    const Case cases[] = {
        {"the position is out of its range",
         [](Fixture& f) { f.answer(kFollower, ErrorCode::offset_out_of_range); }},
        {"it is no replica any more",
         [](Fixture& f) { f.answer(kFollower, ErrorCode::not_leader_or_follower); }},
        {"it does not know yet",
         [](Fixture& f) { f.answer(kFollower, ErrorCode::offset_not_available); }},
        {"metadata.max.age.ms is over",
         [](Fixture& f) {
             // The fetch under way ends first.
             step(f.c, Input{TimerFired{timer(TimerKind::preferred_read_replica, key_of(kTp))}},
                  f.out);
         }},
        {"the connection breaks",
         [](Fixture& f) {
             on_fetch_link_broken(f.c, kFollower, f.out);
             f.c.metadata.wanted = false;
             advance(f.c, f.out);
         }},
        {"the leader's epoch is another",
         [](Fixture& f) {
             f.know(kLeader, 6);
             advance(f.c, f.out);
         }},
        {"it is offline",
         [](Fixture& f) {
             f.know(kLeader, 5, {kLeader});
             advance(f.c, f.out);
             f.c.metadata.wanted = false;
             advance(f.c, f.out);
         }},
    };
    for (const Case& c : cases) {
        Fixture f = Fixture::reading_from_the_follower();
        f.out.effects.clear();
        c.happens(f);
        EXPECT_EQ(f.c.assigned[0].preferred_read_replica, kNoNode) << c.name;
        EXPECT_EQ(f.c.assigned[0].state, PositionState::valid) << c.name << ": no reset";
        EXPECT_EQ(f.c.assigned[0].position.offset, Offset{7}) << c.name;
        EXPECT_EQ(f.fetched().first, kLeader) << c.name;
    }
}

TEST(preferred_read_replica, stays_while_it_is_behind_the_leader_epoch) {
    Fixture f = Fixture::reading_from_the_follower();
    f.answer(kFollower, ErrorCode::unknown_leader_epoch);
    EXPECT_EQ(f.c.assigned[0].preferred_read_replica, kFollower);
    EXPECT_EQ(f.fetched().first, kNoNode) << "not before retry.backoff.ms";
    step(f.c, Input{TimerFired{timer(TimerKind::retry, key_of(kTp))}}, f.out);
    EXPECT_EQ(f.fetched().first, kFollower);
}

TEST(preferred_read_replica, only_the_leader_can_say_that_a_position_is_out_of_range) {
    Fixture f;
    f.answer(kLeader, ErrorCode::offset_out_of_range);
    EXPECT_EQ(f.c.assigned[0].state, PositionState::resetting);
}

}  // namespace
}  // namespace tribunal
