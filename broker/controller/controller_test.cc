// The controller's decisions, and that replay of its log is its state.
#include <gtest/gtest.h>

#include "broker/controller/controller.h"

namespace tribunal {
namespace {

// Whatever is written is on the platter at once.
void sync(Controller& c, Outbox& out) {
    for (std::size_t i = 0; i < out.effects.size(); ++i) {
        const auto* write = std::get_if<Write>(&out.effects[i]);
        if (write == nullptr || !write->sync) continue;
        const std::uint64_t token = write->token;
        step(c, Input{WriteDone{token}}, out);
    }
}

// The only voter of its quorum, driven by messages.
struct Fixture {
    Controller c = make_controller(NodeId{100}, {NodeId{100}}, BrokerConfig{});
    Outbox out;

    Fixture() {
        step(c, Input{Start{}}, out);
        sync();
    }
    template <class Response>
    Response ask(NodeId from, Message request, Lane lane = Lane::heartbeat) {
        out.effects.clear();
        step(c, Input{Deliver{{from, c.id, lane}, false, 1, std::move(request)}}, out);
        sync();
        for (const Effect& effect : out.effects) {
            const auto* sent = std::get_if<Send>(&effect);
            if (sent == nullptr) continue;
            if (const auto* r = sent->message.get_if<Response>()) return *r;
        }
        ADD_FAILURE() << "no answer";
        return {};
    }
    void sync() { tribunal::sync(c, out); }
    BrokerEpoch join(int broker, std::int64_t incarnation = 1) {
        const auto r = ask<BrokerRegistrationResponse>(
            NodeId{broker}, BrokerRegistrationRequest{NodeId{broker}, incarnation});
        EXPECT_EQ(r.error, ErrorCode::none);
        const auto h = ask<BrokerHeartbeatResponse>(
            NodeId{broker},
            BrokerHeartbeatRequest{NodeId{broker}, r.broker_epoch, c.committed(), false});
        EXPECT_FALSE(h.is_fenced);
        return r.broker_epoch;
    }
    void expire(int broker) {
        out.effects.clear();
        step(
            c,
            Input{TimerFired{timer(TimerKind::broker_session, static_cast<std::uint64_t>(broker))}},
            out);
        sync();
    }
    void create(const char* name, bool unclean = false) {
        CreateTopicRequest request{name, 1, 3, {{NodeId{1}, NodeId{2}, NodeId{3}}}, {}};
        request.config.unclean_leader_election_enable = unclean;
        EXPECT_EQ(ask<CreateTopicResponse>(NodeId{1}, request, Lane::forwarding).error,
                  ErrorCode::none);
    }
    const PartitionImage& partition() { return *c.image.partition({TopicId{0}, 0}); }
    ErrorCode alter(int leader, BrokerEpoch epoch, std::vector<IsrMember> isr, int leader_epoch,
                    int partition_epoch) {
        const auto r =
            ask<AlterPartitionResponse>(NodeId{leader},
                                        AlterPartitionRequest{NodeId{leader},
                                                              epoch,
                                                              {{{TopicId{0}, 0},
                                                                LeaderEpoch{leader_epoch},
                                                                PartitionEpoch{partition_epoch},
                                                                std::move(isr)}}},
                                        Lane::alter_partition);
        return r.error != ErrorCode::none ? r.error : r.partitions.front().error;
    }
};

TEST(controller, a_broker_that_returns_before_its_session_ended_must_wait) {
    Fixture f;
    f.join(1);
    const auto early =
        f.ask<BrokerRegistrationResponse>(NodeId{1}, BrokerRegistrationRequest{NodeId{1}, 2});
    EXPECT_EQ(early.error, ErrorCode::duplicate_broker_registration);
    f.expire(1);
    const auto late =
        f.ask<BrokerRegistrationResponse>(NodeId{1}, BrokerRegistrationRequest{NodeId{1}, 2});
    EXPECT_EQ(late.error, ErrorCode::none);
    const auto retry =
        f.ask<BrokerRegistrationResponse>(NodeId{1}, BrokerRegistrationRequest{NodeId{1}, 2});
    EXPECT_EQ(retry.broker_epoch, late.broker_epoch) << "the same registration again";
}

TEST(controller, nothing_is_answered_or_served_before_it_is_synced) {
    Fixture f;
    f.out.effects.clear();
    step(f.c,
         Input{Deliver{{NodeId{1}, f.c.id, Lane::heartbeat},
                       false,
                       1,
                       BrokerRegistrationRequest{NodeId{1}, 1}}},
         f.out);
    for (const Effect& effect : f.out.effects) EXPECT_FALSE(std::holds_alternative<Send>(effect));
    step(f.c,
         Input{Deliver{{NodeId{2}, f.c.id, Lane::metadata_fetch},
                       false,
                       1,
                       MetadataFetchRequest{NodeId{2}, f.c.committed(), seconds(1),
                                            f.c.raft.log.last_epoch()}}},
         f.out);
    EXPECT_EQ(f.c.waiting.size(), 1u);
    f.sync();
    EXPECT_TRUE(f.c.waiting.empty());
    EXPECT_TRUE(f.c.deferred.empty());
}

TEST(controller, restart_is_replay) {
    Fixture f;
    for (int i = 1; i <= 3; ++i) f.join(i);
    f.create("t");
    f.create("u");
    f.expire(2);
    EXPECT_EQ(
        f.ask<DeleteTopicResponse>(NodeId{1}, DeleteTopicRequest{"u"}, Lane::forwarding).error,
        ErrorCode::none);
    Controller again = restart(f.c);
    Outbox out;
    step(again, Input{Start{}}, out);
    sync(again, out);
    EXPECT_EQ(digest_of(again.image), digest_of(f.c.image));
    EXPECT_EQ(again.image, f.c.image);
}

TEST(controller, a_block_of_producer_ids_is_given_once_and_to_a_current_broker_only) {
    Fixture f;
    const BrokerEpoch epoch = f.join(1);
    const auto ask = [&](int broker, BrokerEpoch of) {
        return f.ask<AllocateProducerIdsResponse>(NodeId{broker},
                                                  AllocateProducerIdsRequest{NodeId{broker}, of},
                                                  Lane::producer_id_block);
    };
    EXPECT_EQ(ask(1, epoch).producer_id_start, ProducerId{0});
    const auto second = ask(1, epoch);
    EXPECT_EQ(second.producer_id_start, ProducerId{1000});
    EXPECT_EQ(second.producer_id_len, 1000);
    EXPECT_EQ(ask(1, BrokerEpoch{epoch.value + 1}).error, ErrorCode::stale_broker_epoch);
    EXPECT_EQ(ask(2, epoch).error, ErrorCode::stale_broker_epoch);
    // The log alone says where to go on.
    Controller again = restart(f.c);
    Outbox out;
    step(again, Input{Start{}}, out);
    sync(again, out);
    EXPECT_EQ(again.image.next_producer_id, ProducerId{2000});
    EXPECT_EQ(again.image, f.c.image);
}

}  // namespace
}  // namespace tribunal
