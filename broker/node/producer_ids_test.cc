// A broker hands out producer ids and fetches the next block in time.
#include <gtest/gtest.h>

#include "broker/node/broker.h"

namespace tribunal {
namespace {

const ConnectionKey kClient{NodeId{200}, NodeId{1}, Lane::producer_id};
const ConnectionKey kController{NodeId{1}, NodeId{100}, Lane::producer_id_block};

struct Fixture {
    Broker b;
    Outbox out;

    Fixture() {
        b.id = NodeId{1};
        b.voters = {NodeId{100}};
        b.controller = NodeId{100};
        b.broker_epoch = BrokerEpoch{5};
    }
    void give(Input input) {
        out.effects.clear();
        step(b, input, out);
    }
    template <class M>
    const M* sent() const {
        for (const Effect& effect : out.effects) {
            const auto* send = std::get_if<Send>(&effect);
            if (send == nullptr) continue;
            if (const auto* m = send->message.get_if<M>()) return m;
        }
        return nullptr;
    }
    InitProducerIdResponse ask() {
        give(Deliver{kClient, false, 1, InitProducerIdRequest{}});
        const auto* answer = sent<InitProducerIdResponse>();
        EXPECT_NE(answer, nullptr);
        return answer == nullptr ? InitProducerIdResponse{} : *answer;
    }
    void grant(std::int64_t first, std::int32_t length = 10) {
        give(Deliver{kController, true, 1,
                     AllocateProducerIdsResponse{ErrorCode::none, ProducerId{first}, length}});
    }
};

TEST(producer_ids, the_first_one_who_asks_must_ask_again) {
    Fixture f;
    EXPECT_EQ(f.ask().error, ErrorCode::coordinator_load_in_progress);
    ASSERT_NE(f.sent<AllocateProducerIdsRequest>(), nullptr);
    EXPECT_EQ(f.sent<AllocateProducerIdsRequest>()->broker_epoch, BrokerEpoch{5});
    EXPECT_EQ(f.ask().error, ErrorCode::coordinator_load_in_progress);
    EXPECT_EQ(f.sent<AllocateProducerIdsRequest>(), nullptr) << "one request at a time";
    f.grant(3000);
    const auto answer = f.ask();
    EXPECT_EQ(answer.error, ErrorCode::none);
    EXPECT_EQ(answer.producer_id, ProducerId{3000});
    EXPECT_EQ(answer.producer_epoch, 0);
}

TEST(producer_ids, the_next_block_comes_before_this_one_is_used_up) {
    Fixture f;
    f.ask();
    f.grant(0);
    for (std::int64_t i = 0; i < 9; ++i) {
        EXPECT_EQ(f.ask().producer_id, ProducerId{i});
        EXPECT_EQ(f.sent<AllocateProducerIdsRequest>(), nullptr);
    }
    EXPECT_EQ(f.ask().producer_id, ProducerId{9});
    EXPECT_NE(f.sent<AllocateProducerIdsRequest>(), nullptr) << "at nine tenths";
    f.grant(70);
    EXPECT_EQ(f.ask().producer_id, ProducerId{70});
}

TEST(producer_ids, a_refused_or_lost_request_is_made_again_a_little_later) {
    Fixture f;
    f.ask();
    f.give(Deliver{kController, true, 1,
                   AllocateProducerIdsResponse{ErrorCode::stale_broker_epoch, kNoProducerId, 0}});
    f.ask();
    EXPECT_EQ(f.sent<AllocateProducerIdsRequest>(), nullptr);
    f.give(TimerFired{timer(TimerKind::producer_ids_retry)});
    EXPECT_NE(f.sent<AllocateProducerIdsRequest>(), nullptr);
    f.give(ConnectionClosed{kController});
    f.give(TimerFired{timer(TimerKind::producer_ids_retry)});
    EXPECT_NE(f.sent<AllocateProducerIdsRequest>(), nullptr);
}

TEST(producer_ids, a_new_life_does_not_hand_out_what_the_last_one_had) {
    Fixture f;
    f.ask();
    f.grant(0);
    EXPECT_EQ(f.ask().producer_id, ProducerId{0});
    Broker again = restart(f.b);
    EXPECT_EQ(again.producer_ids, ProducerIds{});
}

}  // namespace
}  // namespace tribunal
