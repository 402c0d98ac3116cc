// The classics and the small specifications, by every strategy, against the naive explorer.
#include "model/agreement.h"
#include "model/specs/async_isr.h"
#include "model/specs/chameneos.h"
#include "model/specs/chang_roberts.h"
#include "model/specs/die_hard.h"
#include "model/specs/dining_philosophers.h"
#include "model/specs/ewd840.h"
#include "model/specs/finite_replicated_log.h"
#include "model/specs/id_sequence.h"
#include "model/specs/t_commit.h"
#include "model/specs/two_phase.h"

namespace tribunal {
namespace {

TEST(Agreement, ClassicsAsTheTwinDoes) {
    expect_agreement("DieHard", DieHard(3, 5, 4));
    expect_agreement("DieHard without a solution", DieHard(2, 4, 3));
    expect_agreement("TCommit", TCommit(4));
    expect_agreement("TwoPhase", TwoPhase(5));
    expect_agreement("EWD840", Ewd840(4));
    expect_agreement("DiningPhilosophers", DiningPhilosophers(6));
    expect_agreement("Chameneos", Chameneos(3, 3));
    expect_agreement("ChangRoberts", ChangRoberts(4));
}

TEST(Agreement, SmallSpecificationsAsTheTwinDoes) {
    expect_agreement("IdSequence", IdSequence(40));
    expect_agreement("FiniteReplicatedLog", FiniteReplicatedLog(3, 2, 2));
    expect_agreement("AsyncIsr", AsyncIsr(3, 1, 2));
    expect_agreement("AsyncIsr, four replicas", AsyncIsr(4, 1, 1));
}

}  // namespace
}  // namespace tribunal
