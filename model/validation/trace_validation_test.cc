#include "model/validation/trace_validation.h"

#include <gtest/gtest.h>

#include "model/naive.h"

namespace tribunal {
namespace {

using Kind = PartitionWorld::Kind;

constexpr TruncationRule kEditions[] = {TruncationRule::to_high_watermark, TruncationRule::kip101,
                                        TruncationRule::kip279, TruncationRule::kip320};
constexpr std::size_t kMostSteps = 150;

PartitionWorldOptions options_of(std::int32_t brokers, TruncationRule edition) {
    PartitionWorldOptions options;
    options.brokers = brokers;
    options.broker.rules.truncation = edition;
    // The specifications know of no eligible leader replicas (KIP-966).
    options.broker.rules.eligible_leader_replicas = false;
    options.broker.rules.high_watermark_requires_min_isr = false;
    options.producer.acks = 1;
    options.bounds.writes = 4;
    return options;
}

struct Faults {
    const char* name;
    std::int32_t crashes = 0;
    std::int32_t losses = 0;
    std::int32_t timers = 0;
};
constexpr Faults kFaults[] = {
    {"none", 0, 0, 0},      {"losses", 0, 3, 0}, {"crashes", 2, 0, 0},
    {"time-outs", 0, 0, 5}, {"all", 2, 2, 6},
};
PartitionWorldOptions with_faults(PartitionWorldOptions options, const Faults& faults) {
    options.bounds.crashes = faults.crashes;
    options.bounds.losses = faults.losses;
    options.bounds.timers = faults.timers;
    return options;
}

struct Walks {
    int mismatches = 0;
    std::string first;  // mismatch
    TraceCoverage coverage;
};
Walks validate_walks(const PartitionWorldOptions& options, const KafkaReplicationRules& rules,
                     std::uint64_t seeds) {
    const PartitionWorld world(options);
    Walks walks;
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
        const std::vector<Action> trace = random_trace(world, seed, kMostSteps);
        const auto mismatch = validate_trace(world, trace, rules, &walks.coverage);
        if (!mismatch) continue;
        if (++walks.mismatches == 1) {
            walks.first = "seed " + std::to_string(seed) + ", " + to_text(*mismatch);
        }
    }
    return walks;
}

TEST(TraceValidation, EveryEditionDoesWhatItsSpecificationAllows) {
    for (const TruncationRule edition : kEditions) {
        const KafkaReplicationRules rules = rules_of_edition(edition);
        TraceCoverage all;
        for (const std::int32_t brokers : {2, 3}) {
            for (const Faults& faults : kFaults) {
                const std::uint64_t seeds = faults.crashes > 0 && faults.timers > 0 ? 300 : 60;
                const Walks walks =
                    validate_walks(with_faults(options_of(brokers, edition), faults), rules, seeds);
                EXPECT_EQ(walks.mismatches, 0) << rules.action_names[7] << ", " << brokers
                                               << " brokers, faults " << faults.name << "\n"
                                               << walks.first;
                all += walks.coverage;
            }
        }
        for (std::size_t i = 0; i < rules.action_names.size(); ++i) {
            EXPECT_GT(all.actions[i], 0u) << rules.action_names[i];
        }
    }
}

TEST(TraceValidation, WithoutFaultsOnlyTheHighWatermarkNeedsMoreThanIsPublished) {
    const Walks walks = validate_walks(options_of(3, TruncationRule::kip320), kip320_rules(), 50);
    EXPECT_EQ(walks.mismatches, 0) << walks.first;
    for (std::size_t i = 0; i < TraceCoverage::kExtras; ++i) {
        if (static_cast<TraceExtra>(i) == TraceExtra::fetch_without_record) continue;
        EXPECT_EQ(walks.coverage.extras[i], 0u) << name_of(static_cast<TraceExtra>(i));
    }
}

TEST(TraceValidation, EveryStepThatTheSpecificationsLackIsNeeded) {
    TraceCoverage all;
    for (const TruncationRule edition : {TruncationRule::kip101, TruncationRule::kip320}) {
        const Walks walks = validate_walks(with_faults(options_of(3, edition), kFaults[4]),
                                           rules_of_edition(edition), 300);
        all += walks.coverage;
    }
    for (const TraceExtra extra :
         {TraceExtra::restart, TraceExtra::fetch_without_record, TraceExtra::keep_high_watermark,
          TraceExtra::shrink_as_asked, TraceExtra::expand_at_epoch_start,
          TraceExtra::count_acknowledged, TraceExtra::truncate_to_epoch_start}) {
        EXPECT_GT(all.extras[static_cast<std::size_t>(extra)], 0u) << name_of(extra);
    }
}

TEST(TraceValidation, PlantedBugsAreNoBehaviours) {
    struct Case {
        PlantedBug bug;
        const char* name;
    };
    constexpr Case cases[] = {
        {PlantedBug::high_watermark_off_by_one, "high_watermark_off_by_one"},
        {PlantedBug::isr_keeps_dead_replica, "isr_keeps_dead_replica"},
        {PlantedBug::follower_ignores_epoch, "follower_ignores_epoch"},
        {PlantedBug::leader_truncates, "leader_truncates"},
    };
    for (const Case& c : cases) {
        for (const std::int32_t brokers : {2, 3}) {
            PartitionWorldOptions options =
                with_faults(options_of(brokers, TruncationRule::kip320), kFaults[4]);
            options.broker.planted_bug = c.bug;
            EXPECT_GT(validate_walks(options, kip320_rules(), 30).mismatches, 0) << c.name;
        }
    }
}

// What the specification does not speak of, or allows of a replica that is slow to hear. A replica
// that is asked into the ISR by its first fetch has, to the specification, already what the answer
// to that fetch carries; R2 sees the difference (partition_world_test.cc).
TEST(TraceValidation, BugsTowardsClientsAreNotItsBusiness) {
    for (const PlantedBug bug : {PlantedBug::ack_before_isr, PlantedBug::ack_lost_on_leader_change,
                                 PlantedBug::stale_leader_serves, PlantedBug::isr_join_too_early}) {
        PartitionWorldOptions options =
            with_faults(options_of(2, TruncationRule::kip320), kFaults[4]);
        options.broker.planted_bug = bug;
        EXPECT_EQ(validate_walks(options, kip320_rules(), 50).mismatches, 0);
    }
}

TEST(TraceValidation, OldEditionsAreNoBehavioursOfNewSpecifications) {
    struct Case {
        TruncationRule edition;
        TruncationRule specification;
        std::uint64_t seeds;
    };
    constexpr Case cases[] = {
        {TruncationRule::to_high_watermark, TruncationRule::kip320, 20},
        {TruncationRule::to_high_watermark, TruncationRule::kip101, 20},
        {TruncationRule::kip101, TruncationRule::to_high_watermark, 20},
        {TruncationRule::kip101, TruncationRule::kip320, 60},
        {TruncationRule::kip279, TruncationRule::kip320, 60},
    };
    for (const Case& c : cases) {
        const Walks walks = validate_walks(with_faults(options_of(3, c.edition), kFaults[4]),
                                           rules_of_edition(c.specification), c.seeds);
        EXPECT_GT(walks.mismatches, 0) << rules_of_edition(c.edition).action_names[7];
    }
}

// A fenced system is one of those that are not.
TEST(TraceValidation, Kip320sBehavioursAreKip279s) {
    const Walks walks = validate_walks(
        with_faults(options_of(3, TruncationRule::kip320), kFaults[4]), kip279_rules(), 200);
    EXPECT_EQ(walks.mismatches, 0) << walks.first;
}

TEST(TraceValidation, AMismatchSaysWhereAndWhy) {
    PartitionWorldOptions options = options_of(2, TruncationRule::kip320);
    options.broker.planted_bug = PlantedBug::high_watermark_off_by_one;
    const PartitionWorld world(options);
    const std::vector<Action> trace{{Kind::write, 1}};
    const auto mismatch = validate_trace(world, trace, kip320_rules());
    ASSERT_TRUE(mismatch.has_value());
    EXPECT_EQ(mismatch->step, 0u);
    EXPECT_EQ(mismatch->action, "write to 1");
    EXPECT_EQ(mismatch->why, "the high watermark of follower r2");
    ASSERT_FALSE(mismatch->abstract.empty());
    EXPECT_LE(mismatch->abstract.size(), 3u);
    const std::string text = to_text(*mismatch);
    EXPECT_EQ(text.rfind("step 1, write to 1, is no step of the specification: the high watermark "
                         "of follower r2\nafter it:\n  controller: leader 1",
                         0),
              0u)
        << text;
    EXPECT_NE(text.find("the specification, before:\n  replicaLog[r1]: <>"), std::string::npos);
    options.broker.planted_bug = PlantedBug::none;
    const PartitionWorld sound(options);
    EXPECT_FALSE(validate_trace(sound, trace, kip320_rules()).has_value());
}

// Every behaviour of small worlds, not only some; breadth first, so a mismatch is a shortest one.
TEST(TraceValidation, EveryBehaviourOfSmallWorldsIsOneOfTheSpecification) {
    for (const TruncationRule edition : kEditions) {
        for (const Faults& faults : {Faults{"crash and loss", 1, 1, 0}, Faults{"late", 0, 0, 1}}) {
            PartitionWorldOptions options = with_faults(options_of(2, edition), faults);
            options.bounds.writes = 1;
            const PartitionWorld world(options);
            const TracedPartitionWorld traced(world, rules_of_edition(edition));
            const auto result = explore_naively(traced);
            EXPECT_EQ(result.false_states[0], 0u) << faults.name;
            EXPECT_GT(result.distinct, 400u) << faults.name;
        }
    }
}

}  // namespace
}  // namespace tribunal
