// The classics of model checking: what TLC counts on them is published with the specifications.
#include <gtest/gtest.h>

#include "model/naive.h"
#include "model/specs/chameneos.h"
#include "model/specs/chang_roberts.h"
#include "model/specs/die_hard.h"
#include "model/specs/dining_philosophers.h"
#include "model/specs/ewd840.h"
#include "model/specs/naive_liveness_test.h"
#include "model/specs/reductions_test.h"
#include "model/specs/t_commit.h"
#include "model/specs/two_phase.h"

namespace tribunal {
namespace {

struct Counts {
    std::uint64_t generated;
    std::uint64_t distinct;
    std::uint64_t depth;
};

// The counts, that every `always` holds, and that every `sometimes` has a witness.
template <Model M>
NaiveResult<typename M::State> expect_counts(const M& model, const Counts& want) {
    auto result = explore_naively(model);
    EXPECT_EQ(result.generated, want.generated);
    EXPECT_EQ(result.distinct, want.distinct);
    EXPECT_EQ(result.depth(), want.depth);
    const auto properties = model.properties();
    for (std::size_t p = 0; p < properties.size(); ++p) {
        if (properties[p].kind == PropertyKind::always) {
            EXPECT_EQ(result.first_false[p], 0u) << properties[p].name;
        } else {
            EXPECT_NE(result.first_true[p], 0u) << properties[p].name;
        }
    }
    return result;
}

TEST(DieHard, IsSolvedInSixSteps) {
    const auto result = explore_naively(DieHard(3, 5, 4));
    EXPECT_EQ(result.generated, 97u);
    EXPECT_EQ(result.distinct, 16u);
    EXPECT_EQ(result.depth(), 8u);
    EXPECT_EQ(result.first_false[0], 0u);
    EXPECT_EQ(result.first_false[1], 7u);
}

TEST(TCommit, CountsAreTheModelCheckersOwn) { expect_counts(TCommit(3), {94, 34, 7}); }

TEST(TCommit, ReductionsKeepWhatTheyMust) {
    EXPECT_GT(expect_sound_footprints(TCommit(3)), 0u);
    // Prepared, committed and working or aborted ones, as numbers of each.
    EXPECT_EQ(expect_sound_representatives(TCommit(3)), 13u);
}

TEST(TwoPhase, CountsAreTheModelCheckersOwn) {
    const Counts want[] = {
        {1'146, 288, 11}, {8'258, 1'568, 14}, {58'146, 8'832, 17}, {402'306, 50'816, 20}};
    for (unsigned rm = 3; rm <= 6; ++rm) {
        SCOPED_TRACE(testing::Message() << rm << " resource managers");
        expect_counts(TwoPhase(rm), want[rm - 3]);
    }
}

TEST(TwoPhase, ReductionsKeepWhatTheyMust) {
    EXPECT_GT(expect_sound_footprints(TwoPhase(2)), 0u);
    EXPECT_GT(expect_sound_footprints(TwoPhase(3)), 0u);
    EXPECT_LT(expect_sound_representatives(TwoPhase(3)), 288u / 3);
    EXPECT_LT(expect_sound_representatives(TwoPhase(4)), 1'568u / 8);
}

TEST(TwoPhase, ImplementsTransactionCommit) {
    const TwoPhase two_phase(4);
    const TCommit t_commit(4);
    const auto rm_states = [](const TwoPhase::State& s) {
        return TCommit::State{TwoPhase::members(s, TwoPhase::prepared) << TCommit::prepared |
                              TwoPhase::members(s, TwoPhase::committed) << TCommit::committed |
                              TwoPhase::members(s, TwoPhase::aborted) << TCommit::aborted};
    };
    for (const TwoPhase::State& s : reachable(two_phase)) {
        const TCommit::State before = rm_states(s);
        for (const auto& [action, state] : steps_of(two_phase, s)) {
            const TCommit::State after = rm_states(state);
            bool allowed = after == before;
            t_commit.successors(before,
                                [&](Action, TCommit::State t) { allowed = allowed || t == after; });
            ASSERT_TRUE(allowed) << two_phase.describe(s, action);
        }
    }
}

TEST(TwoPhase, TellsStatesAndStepsInTheWordsOfTheSpecification) {
    const TwoPhase model(2);
    TwoPhase::State s;
    const auto step = [&](TwoPhase::Kind kind, std::uint16_t rm) {
        const Action a{kind, rm};
        const std::string text = model.describe(s, a);
        s = taken(model, s, a).value();
        return text;
    };
    EXPECT_EQ(step(TwoPhase::rm_prepare, 1), "RMPrepare(r2)");
    EXPECT_EQ(step(TwoPhase::tm_rcv_prepared, 1), "TMRcvPrepared(r2)");
    EXPECT_EQ(step(TwoPhase::tm_abort, 0), "TMAbort");
    const StateText want = {{"rmState", "[r1 |-> working, r2 |-> prepared]"},
                            {"tmState", "aborted"},
                            {"tmPrepared", "{r2}"},
                            {"msgs", "{Prepared(r2), Abort}"}};
    EXPECT_EQ(model.show(s), want);
}

// A transaction manager that commits once one resource manager is prepared.
struct HastyTransactionManager : TwoPhase {
    using TwoPhase::TwoPhase;
    template <class Emit>
    void successors(const State& s, Emit&& emit) const {
        TwoPhase::successors(s, emit);
        const bool decided = (s.word & (kTmCommitted | kTmAborted)) != 0;
        if (decided || members(s, tm_prepared) == 0) return;
        emit(Action{tm_commit, 0}, State{s.word | kTmCommitted | kCommitSent});
    }
};

TEST(TwoPhase, CommittingEarlyBreaksConsistency) {
    // One prepares and is heard, the commit is sent and received, another one aborts.
    EXPECT_EQ(explore_naively(HastyTransactionManager(2)).first_false[1], 6u);
}

TEST(Ewd840, CountsAreTheModelCheckersOwn) {
    const Counts want[] = {
        {2'001, 302, 9}, {15'986, 1'566, 12}, {114'211, 7'742, 15}, {750'020, 36'990, 18}};
    for (unsigned n = 3; n <= 6; ++n) {
        SCOPED_TRACE(testing::Message() << n << " nodes");
        expect_counts(Ewd840(n), want[n - 3]);
    }
}

// A sender that stays white hides that it woke a node behind the token.
struct WhiteSender : Ewd840 {
    using Ewd840::Ewd840;
    template <class Emit>
    void successors(const State& s, Emit&& emit) const {
        Ewd840::successors(s, [&](Action a, State t) {
            const std::uint64_t colors = std::uint64_t{0xffff} << kColor;
            if (a.kind == send_msg) t.word = (t.word & ~colors) | (s.word & colors);
            emit(a, t);
        });
    }
};

TEST(Ewd840, WhiteSendersLetTerminationBeDetectedFalsely) {
    EXPECT_NE(explore_naively(WhiteSender(3)).first_false[1], 0u);
}

TEST(Ewd840, OnlyTheTokenIsTreatedFairly) {
    const Ewd840 model(3);
    EXPECT_EQ(model.fairness().size(), 1u);
    EXPECT_EQ(model.fair_classes({}, {Ewd840::pass_token, 1}), 1u);
    EXPECT_EQ(model.fair_classes({}, {Ewd840::deactivate, 1}), 0u);
}

TEST(Ewd840, TerminationIsDetectedWhenTheTokenMovesFairly) {
    EXPECT_FALSE(fails_under_weak_fairness(Ewd840(3), 3));
    EXPECT_TRUE(fails_under_weak_fairness(Unfair<Ewd840>(3), 3));
}

TEST(DiningPhilosophers, CountsAreTheModelCheckersOwn) {
    expect_counts(DiningPhilosophers(5), {336, 67, 29});
    expect_counts(DiningPhilosophers(6), {787, 131, 35});
    expect_counts(DiningPhilosophers(8), {4'121, 515, 47});
}

TEST(DiningPhilosophers, FootprintsAreSound) {
    expect_sound_footprints(DiningPhilosophers(2));
    EXPECT_GT(expect_sound_footprints(DiningPhilosophers(5)), 0u);
    EXPECT_GT(expect_sound_footprints(DiningPhilosophers(8)), 0u);
}

TEST(DiningPhilosophers, AStepThatChangesNothingIsNotFair) {
    const DiningPhilosophers model(5);
    bool some_idle = false;
    for (const auto& s : reachable(model)) {
        for (const auto& [action, state] : steps_of(model, s)) {
            const std::uint64_t own = std::uint64_t{1} << action.detail;
            EXPECT_EQ(model.fair_classes(s, action), state == s ? 0 : own);
            some_idle = some_idle || state == s;
        }
    }
    EXPECT_TRUE(some_idle);
}

TEST(Chameneos, CountsAreTheModelCheckersOwn) {
    expect_counts(Chameneos(4, 4), {104'697, 34'534, 13});
}

TEST(DiningPhilosophers, NobodyStarvesIfEachIsTreatedFairly) {
    for (unsigned p = 0; p < 5; ++p) {
        const unsigned property = DiningPhilosophers::kNobodyStarves + p;
        EXPECT_FALSE(fails_under_weak_fairness(DiningPhilosophers(5), property)) << p;
        EXPECT_TRUE(fails_under_weak_fairness(Unfair<DiningPhilosophers>(5), property)) << p;
    }
}

TEST(DiningPhilosophers, TellsWhoHoldsWhichFork) {
    const DiningPhilosophers model(3);
    model.initial_states([&](const DiningPhilosophers::State& s) {
        EXPECT_EQ(model.show(s)[0].second,
                  "[1 |-> [holder |-> 1, clean |-> FALSE], 2 |-> [holder |-> 1, clean |-> FALSE], "
                  "3 |-> [holder |-> 3, clean |-> FALSE]]");
        // Philosopher 1 hands the left one of two dirty forks to philosopher 3.
        const auto t = taken(model, s, {DiningPhilosophers::loop, 0}).value();
        EXPECT_EQ(model.show(t)[0].second.substr(0, 34), "[1 |-> [holder |-> 3, clean |-> TR");
    });
}

TEST(Chameneos, CreaturesAreInterchangeable) {
    EXPECT_LT(expect_sound_representatives(Chameneos(3, 3)),
              explore_naively(Chameneos(3, 3)).distinct / 4);
}

TEST(ChangRoberts, CountsAreTheModelCheckersOwn) { expect_counts(ChangRoberts(3), {227, 137, 10}); }

TEST(ChangRoberts, FootprintsAreSound) {
    EXPECT_GT(expect_sound_footprints(ChangRoberts(3)), 0u);
    EXPECT_GT(expect_sound_footprints(ChangRoberts(4)), 0u);
}

TEST(ChangRoberts, SomebodyWinsIfEachNodeIsTreatedFairly) {
    EXPECT_FALSE(fails_under_weak_fairness(ChangRoberts(3), 2));
    EXPECT_TRUE(fails_under_weak_fairness(Unfair<ChangRoberts>(3), 2));
}

}  // namespace
}  // namespace tribunal
