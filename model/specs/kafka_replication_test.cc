// The counts are TLC's of the published modules (and of a second search where it says so).
#include "model/specs/kafka_replication.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "model/naive.h"
#include "model/specs/specs.h"

namespace tribunal {
namespace {

using Rules = KafkaReplicationRules;
using Levels = std::vector<std::uint64_t>;
using Two = KafkaReplication<2>;
static_assert(HasSymmetry<Two> && HasIndependence<Two> && HasFairness<Two>);

constexpr KafkaReplicationConstants k2221{2, 2, 2, 1};
constexpr KafkaReplicationConstants k2222{2, 2, 2, 2};
constexpr KafkaReplicationConstants k2223{2, 2, 2, 3};
constexpr KafkaReplicationConstants k2332{2, 3, 3, 2};
constexpr KafkaReplicationConstants k2442{2, 4, 4, 2};
constexpr KafkaReplicationConstants k3221{3, 2, 2, 1};

Two model_of(const KafkaReplicationConstants& constants, const Rules& rules) {
    return {kafka_replication_layout(constants), rules};
}

Rules kip101_clamped() {
    Rules rules = kip101_rules();
    rules.truncation = KafkaTruncation::kip101_clamped;
    return rules;
}

struct Row {
    std::string_view name;
    KafkaReplicationConstants constants;
    Rules rules;
    std::uint64_t distinct, depth;
    std::uint64_t weak = 0, strong = 0;  // first level with a violation; 0: none
    // How many states violate; -1: not known.
    int weak_states = -1, strong_states = -1;
};

void expect_rows(const std::vector<Row>& rows) {
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        const auto& c = row.constants;
        SCOPED_TRACE(testing::Message() << c.replicas << '/' << c.log_size << '/' << c.max_records
                                        << '/' << c.max_leader_epoch);
        const auto found = explore_naively(model_of(c, row.rules));
        EXPECT_EQ(found.distinct, row.distinct);
        EXPECT_EQ(found.depth(), row.depth);
        EXPECT_EQ(found.first_false, (Levels{row.weak, row.strong, 0}));
        if (row.weak_states >= 0) {
            EXPECT_EQ(found.false_states[0], static_cast<std::uint64_t>(row.weak_states));
        }
        if (row.strong_states >= 0) {
            EXPECT_EQ(found.false_states[1], static_cast<std::uint64_t>(row.strong_states));
        }
    }
}

TEST(KafkaReplication, TruncatingToTheHighWatermarkLosesWhatTlcSaysItLoses) {
    const Rules rules = kafka_truncate_to_high_watermark_rules();
    expect_rows({{"HW", k2221, rules, 1'251, 16, 9, 10, 30, 22},
                 {"HW", k2222, rules, 10'131, 20, 9, 10},
                 {"HW", k2223, rules, 62'855, 23, 9, 10},
                 {"HW", k2332, rules, 37'667, 25, 9, 10},
                 {"HW", k2442, rules, 121'385, 30, 9, 10},
                 {"HW", k3221, rules, 67'807, 21, 9, 9}});
}

TEST(KafkaReplication, Kip101HasTlcsCounts) {
    const Rules rules = kip101_rules();
    expect_rows({{"101", k2221, rules, 1'177, 15, 0, 0},
                 {"101", k2222, rules, 9'045, 18, 12, 12, 6, 6},
                 {"101", k2223, rules, 53'413, 21, 12, 12},
                 {"101", k2332, rules, 32'933, 21, 12, 12},
                 {"101", k2442, rules, 104'843, 24, 12, 12},
                 {"101", k3221, rules, 59'788, 22, 0, 12, 0, 96},
                 {"clamped", k2221, kip101_clamped(), 1'177, 15, 0, 0},
                 {"clamped", k2222, kip101_clamped(), 9'047, 18, 12, 12},
                 {"clamped", k3221, kip101_clamped(), 60'106, 22, 0, 12}});
}

TEST(KafkaReplication, Kip279HasTlcsCounts) {
    const Rules rules = kip279_rules();
    expect_rows({{"279", k2221, rules, 1'177, 15},
                 {"279", k2222, rules, 9'027, 18},
                 {"279", k2223, rules, 53'099, 21},
                 {"279", k2332, rules, 32'713, 21},
                 {"279", k2442, rules, 103'633, 24},
                 {"279", k3221, rules, 60'106, 22, 0, 12, 0, 108}});
}

TEST(KafkaReplication, Kip320FirstTryHasTlcsCounts) {
    const Rules rules = kip320_first_try_rules();
    expect_rows({{"first", k2221, rules, 1'165, 15},
                 {"first", k2222, rules, 8'429, 18},
                 {"first", k2223, rules, 46'465, 21},
                 {"first", k2332, rules, 30'737, 22},
                 {"first", k2442, rules, 99'279, 26},
                 {"first", k3221, rules, 59'092, 22}});
}

TEST(KafkaReplication, Kip320HoldsWithTlcsCounts) {
    const Rules rules = kip320_rules();
    expect_rows({{"320", k2221, rules, 957, 15},
                 {"320", k2222, rules, 5'973, 18},
                 {"320", k2223, rules, 28'939, 22},
                 {"320", k2332, rules, 21'493, 22},
                 {"320", k2442, rules, 69'001, 26},
                 {"320", k3221, rules, 39'619, 22}});
}

TEST(KafkaReplication, LevelsAreTlcs) {
    EXPECT_EQ(explore_naively(model_of(k2221, kafka_truncate_to_high_watermark_rules())).levels,
              (Levels{1, 4, 14, 30, 44, 66, 100, 138, 168, 196, 198, 144, 82, 46, 16, 4}));
    EXPECT_EQ(explore_naively(model_of(k2221, kip320_rules())).levels,
              (Levels{1, 4, 12, 18, 38, 60, 86, 118, 132, 152, 144, 102, 62, 24, 4}));
    EXPECT_EQ(explore_naively(model_of(k3221, kip320_rules())).levels,
              (Levels{1,    6,    30,   48,   180,  390,  720,  1218, 1893, 2634, 3426,
                      4248, 4899, 5229, 4872, 4083, 2913, 1725, 762,  252,  78,   12}));
}

// Without one rule of KIP-320 there are other states; most need one more epoch to do harm.
TEST(KafkaReplication, EveryRuleTakenAwayMakesAnotherSystem) {
    const auto without = [&](Kip320Rule rule) {
        return explore_naively(model_of(k3221, kip320_rules_without(rule)));
    };
    EXPECT_EQ(without(Kip320Rule::none).distinct, 39'619u);
    EXPECT_EQ(without(Kip320Rule::same_epoch_truncation).distinct, 43'771u);
    EXPECT_EQ(without(Kip320Rule::epoch_in_inc_hw).distinct, 39'769u);
    EXPECT_EQ(without(Kip320Rule::epoch_in_fetch).distinct, 44'653u);
    EXPECT_EQ(without(Kip320Rule::epoch_in_expand).first_false, (Levels{0, 0, 0}));
    // KAFKA-7128
    EXPECT_EQ(without(Kip320Rule::hw_in_epoch_in_expand).first_false, (Levels{0, 12, 0}));
}

// --- symmetry ---------------------------------------------------------------------------------

struct Canonical : Two {
    template <class Emit>
    void successors(const State& s, Emit&& emit) const {
        Two::successors(s, [&](Action a, const State& t) { emit(a, canonical(t)); });
    }
};

TEST(KafkaReplication, RenamedReplicasHaveOneRepresentative) {
    const auto representatives = [](const KafkaReplicationConstants& c, const Rules& rules) {
        return explore_naively(Canonical{model_of(c, rules)});
    };
    EXPECT_EQ(representatives(k3221, kafka_truncate_to_high_watermark_rules()).distinct, 11'453u);
    EXPECT_EQ(representatives(k3221, kip101_rules()).distinct, 10'111u);
    const auto kip279 = representatives(k3221, kip279_rules());
    EXPECT_EQ(kip279.distinct, 10'164u);
    EXPECT_EQ(kip279.first_false, (Levels{0, 12, 0}));
    EXPECT_EQ(representatives(k3221, kip320_first_try_rules()).distinct, 9'983u);
    EXPECT_EQ(representatives(k3221, kip320_rules()).distinct, 6'713u);
}

template <class M>
std::vector<typename M::State> reachable(const M& model) {
    std::vector<typename M::State> all;
    std::map<Digest128, bool> seen;
    const auto meet = [&](const typename M::State& s) {
        if (seen.emplace(model.digest(s), true).second) all.push_back(s);
    };
    model.initial_states(meet);
    for (std::size_t i = 0; i < all.size(); ++i) {
        const auto s = all[i];
        model.successors(s, [&](Action, const auto& t) { meet(t); });
    }
    return all;
}

TEST(KafkaReplication, RepresentativesKeepWhatIsTrueAndHowManyStepsThereAre) {
    const Two model = model_of({4, 1, 1, 1}, kafka_truncate_to_high_watermark_rules());
    const auto all = reachable(model);
    for (std::size_t i = 0; i < all.size(); i += 29) {
        const auto representative = model.canonical(all[i]);
        EXPECT_EQ(model.canonical(representative), representative);
        EXPECT_EQ(model.predicates(representative), model.predicates(all[i]));
        int steps = 0;
        model.successors(all[i], [&](Action, const auto&) { ++steps; });
        model.successors(representative, [&](Action, const auto&) { --steps; });
        EXPECT_EQ(steps, 0);
    }
}

// --- independence -----------------------------------------------------------------------------

using Steps = std::map<Action, Two::State>;
Steps steps_of(const Two& model, const Two::State& s) {
    Steps steps;
    model.successors(s, [&](Action a, const Two::State& t) {
        EXPECT_TRUE(steps.emplace(a, t).second) << "two steps of one state are called alike";
    });
    return steps;
}

// Of every state: independent steps commute to one state, keep their footprints, and what a step
// enables, or whose footprint it changes, depends on it. Returns how many pairs are independent.
std::uint64_t check_footprints(const Two& model) {
    std::uint64_t independent = 0;
    for (const Two::State& s : reachable(model)) {
        const Steps here = steps_of(model, s);
        for (const auto& [a, after_a] : here) {
            const Footprint touched = model.footprint(s, a);
            if ((touched.writes & Footprint::kPredicates) == 0) {
                EXPECT_EQ(model.predicates(s), model.predicates(after_a)) << model.describe(s, a);
            }
            const Steps then = steps_of(model, after_a);
            for (const auto& [b, after_both] : then) {
                if (here.contains(b)) continue;
                EXPECT_TRUE(touched.conflicts_with(model.footprint(after_a, b)))
                    << model.describe(s, a) << " enables " << model.describe(after_a, b);
            }
            for (const auto& [b, after_b] : here) {
                if (b == a || touched.conflicts_with(model.footprint(s, b))) continue;
                ++independent;
                const Footprint later = model.footprint(after_a, b);
                EXPECT_EQ(later.reads, model.footprint(s, b).reads);
                EXPECT_EQ(later.writes, model.footprint(s, b).writes);
                const Steps other = steps_of(model, after_b);
                const auto ab = then.find(b);
                const auto ba = other.find(a);
                const bool commute =
                    ab != then.end() && ba != other.end() && ab->second == ba->second;
                EXPECT_TRUE(commute) << model.describe(s, a) << " and " << model.describe(s, b);
            }
            if (testing::Test::HasFailure()) return 0;
        }
    }
    return independent;
}

TEST(KafkaReplication, IndependentStepsCommute) {
    const std::pair<std::string_view, Rules> variants[] = {
        {"HW", kafka_truncate_to_high_watermark_rules()},
        {"101", kip101_rules()},
        {"101 clamped", kip101_clamped()},
        {"279", kip279_rules()},
        {"first try", kip320_first_try_rules()},
        {"320", kip320_rules()},
        {"320 fetch", kip320_rules_without(Kip320Rule::epoch_in_fetch)},
        {"320 expand", kip320_rules_without(Kip320Rule::epoch_in_expand)},
    };
    for (const auto& [name, rules] : variants) {
        SCOPED_TRACE(name);
        EXPECT_GT(check_footprints(model_of(k2221, rules)), 300u);
        EXPECT_GT(check_footprints(model_of({3, 1, 1, 1}, rules)), 5'000u);
    }
}

// --- packing ----------------------------------------------------------------------------------

TEST(KafkaReplication, SmallConstantsMakeSmallStates) {
    EXPECT_EQ(kafka_replication_layout(k2221).words, 1u);
    EXPECT_EQ(kafka_replication_layout(k3221).words, 1u);
    EXPECT_EQ(kafka_replication_layout({3, 2, 2, 2}).bits, 75u);
    EXPECT_EQ(kafka_replication_layout({3, 3, 3, 3}).words, 2u);
    EXPECT_EQ(kafka_replication_layout({5, 3, 3, 3}).words, 3u);
    EXPECT_TRUE(kafka_replication_layout({7, 5, 5, 5}).representable());
}

TEST(KafkaReplication, PartsDoNotOverlap) {
    for (unsigned replicas = 1; replicas <= 7; ++replicas) {
        for (unsigned size = 1; size <= 16; ++size) {
            for (unsigned epoch = 0; epoch <= 30; ++epoch) {
                const auto at = kafka_replication_layout({replicas, size, size + 1, epoch});
                if (!at.representable()) continue;
                std::array<std::uint64_t, KafkaReplicationLayout::kMaxWords> used{};
                const auto take = [&](KafkaReplicationLayout::Place p, std::uint64_t mask) {
                    EXPECT_LT(p.word, at.words);
                    EXPECT_EQ(mask << p.shift >> p.shift, mask);
                    EXPECT_EQ(used[p.word] & mask << p.shift, 0u);
                    used[p.word] |= mask << p.shift;
                };
                for (unsigned r = 0; r < replicas; ++r) take(at.local[r], at.local_mask);
                for (unsigned r = 0; r < replicas; ++r) take(at.log[r], at.log_prefix[size]);
                for (unsigned e = 0; e <= epoch; ++e) take(at.request[e], at.request_mask);
                take(at.quorum, at.quorum_mask);
                unsigned bits = 0;
                for (const std::uint64_t word : used) bits += std::popcount(word);
                EXPECT_EQ(bits, at.bits);
            }
        }
    }
}

TEST(KafkaReplication, ItDoesNotMatterWhereThePartsAre) {
    auto scattered = kafka_replication_layout(k2222);
    scattered.quorum = {0, 13};
    scattered.log = {{{1, 0}, {2, 58}}};
    scattered.local = {{{3, 40}, {4, 1}}};
    scattered.request = {{{5, 60}, {6, 0}, {7, 7}}};
    const KafkaReplication<8> wide(scattered, kip101_rules());
    const auto found = explore_naively(wide);
    EXPECT_EQ(found.distinct, 9'045u);
    EXPECT_EQ(found.first_false, (Levels{12, 12, 0}));
}

TEST(KafkaReplication, ConstantsThatDoNotFitSayWhatWould) {
    const ModelEntry entry = kip320_model();
    const auto set = [&](std::vector<std::string> settings) {
        return parse_constants(entry, settings);
    };
    EXPECT_EQ(set({})["Replicas"], 3);
    EXPECT_EQ(set({"Without=epoch_in_fetch"})["Without"],
              static_cast<int>(Kip320Rule::epoch_in_fetch));
    EXPECT_EQ(parse_constants(kip101_model(),
                              std::vector<std::string>{"Truncation=clamped_to_end"})["Truncation"],
              1);
    EXPECT_NO_THROW(set({"Replicas=7", "LogSize=5", "MaxRecords=5", "MaxLeaderEpoch=5"}));
    EXPECT_THROW(set({"Replicas=8"}), BadConstants);
    const auto why = [&](std::vector<std::string> settings) -> std::string {
        try {
            set(settings);
        } catch (const BadConstants& e) {
            return e.what();
        }
        return "";
    };
    EXPECT_EQ(why({"LogSize=16", "MaxRecords=16"}),
              "a log of this size takes 96 bits; the most are 64; with the other constants as they "
              "are, at most LogSize=10 or MaxRecords=4 or MaxLeaderEpoch=0");
    EXPECT_EQ(why({"Replicas=7", "LogSize=8", "MaxRecords=8", "MaxLeaderEpoch=15"}),
              "a state of this size takes 13 words of 64 bits; the most are 8; with the other "
              "constants as they are, at most Replicas=4 or LogSize=3 or MaxLeaderEpoch=3");
}

// --- texts ------------------------------------------------------------------------------------

// Follows the steps that are described so.
Two::State follow(const Two& model, const std::vector<std::string>& steps) {
    Two::State state;
    model.initial_states([&](const Two::State& s) { state = s; });
    for (const std::string& step : steps) {
        Two::State next;
        std::string others;
        bool found = false;
        model.successors(state, [&](Action a, const Two::State& t) {
            const std::string text = model.describe(state, a);
            others += "\n  " + text;
            if (text == step) next = t, found = true;
        });
        EXPECT_TRUE(found) << step << " is none of:" << others;
        if (!found) break;
        state = next;
    }
    return state;
}

TEST(KafkaReplication, StatesAndStepsReadAsInTheSpecification) {
    const Two model = model_of(k2222, kip279_rules());
    const auto state = follow(
        model, {"ControllerElectLeader(r1)", "BecomeLeader(r1, epoch 0)", "ControllerShrinkIsr(r2)",
                "LeaderWrite(r1, id 0, offset 0)", "BecomeLeader(r1, epoch 1)",
                "BecomeFollowerTruncateKip279(r2, leader r1, epoch 1)",
                "FollowerReplicate(r2, leader r1, offset 0)", "LeaderIncHighWatermark(r1, hw 1)",
                "LeaderExpandIsr(leader r1, follower r2)", "LeaderWrite(r1, id 1, offset 1)",
                "LeaderShrinkIsr(leader r1, follower r2)"});
    const StateText expected{
        {"replicaLog[r1]", "<id 0 epoch 0, id 1 epoch 1>"},
        {"replicaLog[r2]", "<id 0 epoch 0>"},
        {"replicaState[r1]", "hw 1, leaderEpoch 1, leader r1, isr {r1}"},
        {"replicaState[r2]", "hw 0, leaderEpoch 1, leader r1, isr {r1}"},
        {"nextRecordId", "2"},
        {"nextLeaderEpoch", "2"},
        {"leaderAndIsrRequests",
         "{[leaderEpoch 0, leader r1, isr {r1, r2}], [leaderEpoch 1, leader r1, isr {r1}]}"},
        {"quorumState", "leaderEpoch 1, leader r1, isr {r1}"}};
    EXPECT_EQ(model.show(state), expected);
    EXPECT_EQ(model.show(follow(model, {}))[7].second, "leaderEpoch -1, leader NONE, isr {r1, r2}");

    follow(model_of(k2222, kafka_truncate_to_high_watermark_rules()),
           {"ControllerElectLeader(r1)", "BecomeLeader(r1, epoch 0)",
            "LeaderWrite(r1, id 0, offset 0)", "ControllerElectLeader(r2)",
            "BecomeFollowerTruncateToHighWatermark(r1, leader r2, epoch 1, truncate to 0)"});
    follow(model_of(k2222, kip320_first_try_rules()),
           {"ControllerElectLeader(r1)", "BecomeLeader(r1, epoch 0)",
            "LeaderWrite(r1, id 0, offset 0)", "ControllerElectLeader(r2)",
            "BecomeFollower(r1, leader r2, epoch 1)", "BecomeLeader(r2, epoch 1)",
            "FollowerTruncate(r1, leader r2, truncate to 0)"});
}

TEST(KafkaReplication, FairnessIsTheSpecifications) {
    const Two model = model_of(k2221, kip320_rules());
    const auto classes = model.fairness();
    std::map<std::string, std::uint64_t> of_action;
    for (const auto& s : reachable(model)) {
        model.successors(s, [&](Action a, const Two::State&) {
            of_action[std::string(model.action_names()[a.kind])] |= model.fair_classes(s, a);
        });
    }
    std::map<std::string, std::uint64_t> expected{{"ControllerElectLeader", 0},
                                                  {"ControllerShrinkIsr", 0},
                                                  {"FencedLeaderShrinkIsr", 0},
                                                  {"FencedFollowerFetch", 0}};
    for (std::size_t i = 0; i < classes.size(); ++i) expected[classes[i].name] |= 1u << i;
    EXPECT_EQ(of_action, expected);
    EXPECT_EQ(std::count_if(classes.begin(), classes.end(),
                            [](const auto& c) { return c.kind == FairnessKind::strong; }),
              3);
}

}  // namespace
}  // namespace tribunal
