#include <gtest/gtest.h>

#include "model/naive.h"
#include "model/specs/async_isr.h"
#include "model/specs/finite_replicated_log.h"
#include "model/specs/id_sequence.h"
#include "model/specs/reductions_test.h"

namespace tribunal {
namespace {

TEST(IdSequence, HandsOutEveryIdOnce) {
    const auto result = explore_naively(IdSequence(3));
    EXPECT_EQ(result.distinct, 5u);
    EXPECT_EQ(result.generated, 5u);
    EXPECT_EQ(result.depth(), 5u);
    EXPECT_EQ(result.first_false[0], 0u);
    EXPECT_EQ(result.first_true[1], 5u);
    expect_sound_footprints(IdSequence(3));
}

TEST(FiniteReplicatedLog, CountsAreTheModelCheckersOwn) {
    const auto result = explore_naively(FiniteReplicatedLog(2, 2, 2));
    EXPECT_EQ(result.distinct, 49u);  // each log is one of 1 + 2 + 4
    EXPECT_EQ(result.generated, 295u);
    EXPECT_EQ(result.depth(), 5u);
    EXPECT_EQ(result.first_false[0], 0u);
    EXPECT_EQ(result.first_true[1], 5u);
}

TEST(FiniteReplicatedLog, EveryCombinationOfLogsIsReachable) {
    EXPECT_EQ(explore_naively(FiniteReplicatedLog(3, 2, 2)).distinct, 7u * 7 * 7);
    EXPECT_EQ(explore_naively(FiniteReplicatedLog(2, 3, 3)).distinct, 40u * 40);
}

TEST(FiniteReplicatedLog, ReductionsKeepWhatTheyMust) {
    EXPECT_GT(expect_sound_footprints(FiniteReplicatedLog(2, 2, 2)), 0u);
    EXPECT_GT(expect_sound_footprints(FiniteReplicatedLog(3, 1, 2)), 0u);
    // Multisets of 2, and of 3, among 7 logs.
    EXPECT_EQ(expect_sound_representatives(FiniteReplicatedLog(2, 2, 2)), 28u);
    EXPECT_EQ(expect_sound_representatives(FiniteReplicatedLog(3, 2, 2)), 84u);
}

struct AsyncIsrCase {
    unsigned max_offset;
    unsigned max_version;
    std::uint64_t distinct;
    std::uint64_t depth;
};
constexpr AsyncIsrCase kAsyncIsr[] = {{1, 2, 1'460, 14}, {2, 2, 4'088, 17}, {1, 3, 8'020, 18}};

TEST(AsyncIsr, CountsAreTheModelCheckersOwnAndTheHighWatermarkIsValid) {
    for (const AsyncIsrCase& c : kAsyncIsr) {
        SCOPED_TRACE(testing::Message() << c.max_offset << ", " << c.max_version);
        const auto result = explore_naively(AsyncIsr(3, c.max_offset, c.max_version));
        EXPECT_EQ(result.distinct, c.distinct);
        EXPECT_EQ(result.depth(), c.depth);
        EXPECT_EQ(result.first_false[0], 0u);
        EXPECT_EQ(result.first_false[1], 0u);
        EXPECT_NE(result.first_true[2], 0u);
        EXPECT_NE(result.first_true[3], 0u);
    }
}

TEST(AsyncIsr, FollowersAreInterchangeable) {
    // Of two followers, a state and its mirror image are one: nearly half of the states remain.
    const std::uint64_t representatives = expect_sound_representatives(AsyncIsr(3, 1, 2));
    EXPECT_GT(representatives, 1'460u / 2);
    EXPECT_LT(representatives, 1'460u * 6 / 10);
    expect_sound_representatives(AsyncIsr(4, 1, 1));
}

TEST(AsyncIsr, TellsStatesAndStepsInTheWordsOfTheSpecification) {
    const AsyncIsr model(3, 1, 2);
    AsyncIsr::State s;
    model.initial_states([&](const AsyncIsr::State& initial) { s = initial; });
    const auto step = [&](AsyncIsr::Kind kind, std::uint16_t detail) {
        const Action a{kind, detail};
        const std::string text = model.describe(s, a);
        s = taken(model, s, a).value();
        return text;
    };
    EXPECT_EQ(step(AsyncIsr::leader_request_shrink_isr, 2), "LeaderRequestShrinkIsr(r3)");
    EXPECT_EQ(step(AsyncIsr::controller_handle_request, 1), "ControllerHandleRequest({r1, r2}@0)");
    EXPECT_EQ(step(AsyncIsr::leader_write, 0), "LeaderWrite");
    const StateText want = {
        {"controllerState.isr", "{r1, r2}"},
        {"controllerState.version", "1"},
        {"leaderState.isr", "{r1, r2, r3}"},
        {"leaderState.version", "0"},
        {"leaderState.pendingIsr", "{r1, r2}"},
        {"leaderState.pendingVersion", "0"},
        {"leaderState.offsets", "[r1 |-> 1, r2 |-> 0, r3 |-> 0]"},
        {"requests", "{{r1, r2}@0}"},
        {"updates", "{{r1, r2}@1}"},
    };
    EXPECT_EQ(model.show(s), want);
    EXPECT_EQ(step(AsyncIsr::leader_handle_update, 1), "LeaderHandleUpdate({r1, r2}@1)");
}

// A leader that forgets the sets it asked for counts too few replicas for the high watermark.
struct ForgetfulLeader : AsyncIsr {
    using AsyncIsr::AsyncIsr;
    template <class Emit>
    void successors(const State& s, Emit&& emit) const {
        AsyncIsr::successors(s, [&](Action a, State t) {
            t.pending_isr = 0;
            emit(a, t);
        });
    }
};

TEST(AsyncIsr, WithoutPendingIsrTheHighWatermarkIsInvalid) {
    EXPECT_NE(explore_naively(ForgetfulLeader(3, 2, 2)).first_false[1], 0u);
}

}  // namespace
}  // namespace tribunal
