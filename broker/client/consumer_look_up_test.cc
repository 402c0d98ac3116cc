// The look-ups of a consumer's positions: each has request.timeout.ms of its own, and one that
// failed waits retry.backoff.ms.
#include <gtest/gtest.h>

#include <algorithm>

#include "broker/client/consumer.h"

namespace tribunal {
namespace {

constexpr TopicPartition kTp{TopicId{0}, 0};
constexpr NodeId kLeader{1};
constexpr Duration kTimeout = seconds(30);
constexpr TimerId kRequestTimer =
    timer(TimerKind::request_timeout, ConnectionKey{NodeId{1000}, kLeader, Lane::general}.packed());

// One partition that is looked up at time 0; `armed` is what the world would keep.
struct Fixture {
    struct Timer {
        TimerId id;
        std::int64_t due = 0;
    };
    Consumer c;
    Outbox out;
    std::vector<Timer> armed;
    std::vector<std::int32_t> look_ups;  // correlations, as they were sent

    Fixture() {
        c.id = NodeId{1000};
        c.config.request_timeout = kTimeout;
        c.config.auto_offset_reset = OffsetReset::earliest;
        c.metadata.bootstrap = {kLeader};
        c.running = true;
        KnownTopic topic;
        topic.name = "t";
        topic.id = kTp.topic;
        topic.partitions = {{kLeader, LeaderEpoch{5}}};
        c.metadata.known = {topic};
        Assigned a;
        a.id = kTp;
        a.reset_to = kEarliestTimestamp;
        c.assigned = {a};
        advance(c, out);
        settle();
    }
    void at(Duration since_start) { out.moment = Moment{since_start.value}; }
    void settle() {
        for (const Effect& effect : out.effects) {
            const auto forget = [&](TimerId id) {
                std::erase_if(armed, [&](const Timer& t) { return t.id == id; });
            };
            if (const auto* arm = std::get_if<Arm>(&effect)) {
                forget(arm->timer);
                armed.push_back({arm->timer, arm->since.opaque + arm->after.value});
            } else if (const auto* disarm = std::get_if<Disarm>(&effect)) {
                forget(disarm->timer);
            } else if (const auto* send = std::get_if<Send>(&effect)) {
                const bool looks_up = send->message.get_if<ListOffsetsRequest>() != nullptr;
                if (looks_up) look_ups.push_back(send->correlation);
            }
        }
        out.effects.clear();
        out.notes.clear();
    }
    void watch() {
        watch_end_offset(c, out);
        settle();
    }
    void answer(std::int32_t correlation, ErrorCode error = ErrorCode::none) {
        ListOffsetsResponse response;
        response.partition = kTp;
        response.error = error;
        response.offset = Offset{7};
        on_list_offsets_response(c, correlation, response, out);
        settle();
    }
    void answer_metadata() {
        c.metadata.in_flight = false;
        advance(c, out);
        settle();
    }
    // -1: not armed.
    std::int64_t due(TimerId id) const {
        const auto it =
            std::find_if(armed.begin(), armed.end(), [&](const Timer& t) { return t.id == id; });
        return it == armed.end() ? -1 : it->due;
    }
    // Every timer that is due by now, but for the requests'.
    void fire_retries() {
        const std::vector<Timer> now = armed;
        for (const Timer& t : now) {
            if (kind_of(t.id) != TimerKind::retry || t.due > out.moment.opaque) continue;
            std::erase_if(armed, [&](const Timer& a) { return a.id == t.id; });
            step(c, Input{TimerFired{t.id}}, out);
        }
        settle();
    }
};

TEST(reset_look_up, times_out_however_often_the_end_offset_is_watched_over_its_connection) {
    Fixture f;
    ASSERT_EQ(f.look_ups.size(), 1u);
    for (int second = 1; second < 30; ++second) {
        f.at(seconds(second));
        f.watch();
        ASSERT_EQ(f.look_ups.size(), static_cast<std::size_t>(second + 1));
        EXPECT_EQ(f.due(kRequestTimer), kTimeout.value);
        f.answer(f.look_ups.back());
        EXPECT_EQ(f.due(kRequestTimer), kTimeout.value);
    }
}

TEST(reset_look_up, leaves_the_timer_to_the_next_oldest_one_when_it_is_answered) {
    Fixture f;
    f.at(seconds(3));
    f.watch();
    f.at(seconds(4));
    f.answer(f.look_ups[0]);
    EXPECT_EQ(f.due(kRequestTimer), (seconds(3) + kTimeout).value);
    f.answer(f.look_ups[1]);
    EXPECT_EQ(f.due(kRequestTimer), -1);
}

// Metadata that was asked for before says nothing of the failure, so that nobody waits for it.
TEST(reset_look_up, waits_retry_backoff_ms_while_metadata_is_in_flight) {
    struct Case {
        const char* name;
        void (*fails)(Fixture& f);
    };
    const Case cases[] = {
        {"an error",
         [](Fixture& f) { f.answer(f.look_ups[0], ErrorCode::not_leader_or_follower); }},
        {"a broken connection",
         [](Fixture& f) {
             on_look_ups_broken(f.c, kLeader, f.out);
             advance(f.c, f.out);
             f.settle();
         }},
    };
    for (const Case& c : cases) {
        Fixture f;
        f.c.metadata.in_flight = true;
        c.fails(f);
        EXPECT_EQ(f.look_ups.size(), 1u) << c.name << ": again at once";
        f.at(f.c.config.retry_backoff - milliseconds(1));
        f.answer_metadata();
        f.fire_retries();
        EXPECT_EQ(f.look_ups.size(), 1u) << c.name << ": as soon as there is metadata";
        f.at(f.c.config.retry_backoff);
        f.fire_retries();
        EXPECT_EQ(f.look_ups.size(), 2u) << c.name;
    }
}

TEST(reset_look_up, that_a_seek_made_pointless_is_followed_by_the_one_that_is_wanted) {
    Fixture f;
    f.c.assigned[0].reset_to = kLatestTimestamp;  // seekToEnd()
    f.answer(f.look_ups[0]);
    ASSERT_EQ(f.look_ups.size(), 2u);
    f.answer(f.look_ups[1]);
    EXPECT_EQ(f.c.assigned[0].state, PositionState::valid);
}

}  // namespace
}  // namespace tribunal
