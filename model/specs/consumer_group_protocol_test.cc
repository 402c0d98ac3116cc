#include "model/specs/consumer_group_protocol.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "model/naive.h"
#include "model/specs/specs.h"

namespace tribunal {
namespace {

using consumer_group::Config;
using consumer_group::PartitionEpochs;
using State = ConsumerGroupProtocol::State;

constexpr std::size_t kNoDoubleClientAssignment = 2;
constexpr std::size_t kValidPartitionEpoch = 3;
constexpr std::size_t kEventuallyConverges = 8;

// States up to the renaming of clients.
struct Quotient : ConsumerGroupProtocol {
    using ConsumerGroupProtocol::ConsumerGroupProtocol;
    template <class Emit>
    void initial_states(Emit&& emit) const {
        ConsumerGroupProtocol::initial_states([&](const State& s) { emit(canonical(s)); });
    }
    template <class Emit>
    void successors(const State& s, Emit&& emit) const {
        ConsumerGroupProtocol::successors(s,
                                          [&](Action a, const State& t) { emit(a, canonical(t)); });
    }
};

using Steps = std::vector<std::pair<Action, State>>;
Steps steps_of(const ConsumerGroupProtocol& model, const State& s) {
    Steps steps;
    model.successors(s, [&](Action a, const State& t) { steps.emplace_back(a, t); });
    return steps;
}

std::optional<State> taken(const ConsumerGroupProtocol& model, const State& s, Action a) {
    for (const auto& [action, after] : steps_of(model, s)) {
        if (action == a) return after;
    }
    return std::nullopt;
}

// The first `most` states in breadth-first order, and then every `stride`-th of them.
std::vector<State> reached(const ConsumerGroupProtocol& model, std::size_t most,
                           std::size_t stride) {
    std::vector<State> states;
    std::set<Digest128> seen;
    const auto meet = [&](const State& s) {
        if (seen.insert(model.digest(s)).second) states.push_back(s);
    };
    model.initial_states(meet);
    for (std::size_t i = 0; i < states.size() && states.size() < most; ++i) {
        const State s = states[i];
        model.successors(s, [&](Action, const State& t) { meet(t); });
    }
    std::vector<State> sample;
    for (std::size_t i = 0; i < states.size(); i += stride) sample.push_back(states[i]);
    return sample;
}

template <class Result>
void expect_all_hold(const Result& result, std::string_view name) {
    for (std::size_t p = 0; p < kEventuallyConverges; ++p) {
        EXPECT_EQ(result.first_false[p], 0u) << name << ", property " << p;
    }
    EXPECT_NE(result.first_true[kEventuallyConverges], 0u) << name;
}

TEST(ConsumerGroupProtocol, HasTheSpecificationsStates) {
    struct Row {
        std::string_view name;
        Config config;
        std::uint64_t distinct;
        std::uint64_t depth;
        std::uint64_t distinct_in_view;
        std::uint64_t depth_in_view;
    };
    const Row rows[] = {
        {"1 topic", {.topics = 1, .max_perturbations = 0}, 4009, 26, 2219, 25},
        {"2 topics", {.topics = 2, .max_perturbations = 0}, 7673, 26, 4139, 25},
    };
    for (const Row& row : rows) {
        const auto whole = explore_naively(ConsumerGroupProtocol(row.config));
        EXPECT_EQ(whole.distinct, row.distinct) << row.name;
        EXPECT_EQ(whole.depth(), row.depth) << row.name;
        expect_all_hold(whole, row.name);
        const auto viewed = explore_naively(ConsumerGroupProtocolView(row.config));
        EXPECT_EQ(viewed.distinct, row.distinct_in_view) << row.name;
        EXPECT_EQ(viewed.depth(), row.depth_in_view) << row.name;
        expect_all_hold(viewed, row.name);
    }
}

TEST(ConsumerGroupProtocol, RenamingClientsHalvesTheStatesAndKeepsTheVerdicts) {
    struct Row {
        Config config;
        std::uint64_t distinct;
    };
    const Row rows[] = {
        {{.topics = 1, .max_perturbations = 0}, 2005},
        {{.topics = 2, .max_perturbations = 0}, 3837},
    };
    for (const Row& row : rows) {
        const auto result = explore_naively(Quotient(row.config));
        EXPECT_EQ(result.distinct, row.distinct);
        EXPECT_EQ(result.depth(), 26u);
        expect_all_hold(result, "up to renaming");
    }
}

TEST(ConsumerGroupProtocol, OnePerturbationBreaksNothing) {
    const auto result = explore_naively(Quotient({.topics = 1, .max_perturbations = 1}));
    EXPECT_EQ(result.distinct, 554810u);  // of 1,109,619 with the clients' names
    EXPECT_EQ(result.depth(), 52u);
    expect_all_hold(result, "1 topic, 1 perturbation");
}

// KAFKA-16147: a partition that was pending revocation and is assigned again ends up free, and is
// given to a second client.
TEST(ConsumerGroupProtocol, TheOldPartitionEpochsForgetAnOwner) {
    const auto old_rule = PartitionEpochs::before_kafka_16147;
    const auto one = explore_naively(
        Quotient({.topics = 1, .max_perturbations = 1, .partition_epochs = old_rule}), 350000);
    EXPECT_EQ(one.first_false[kValidPartitionEpoch], 12u);
    EXPECT_EQ(one.first_false[kNoDoubleClientAssignment], 21u);
    const auto two = explore_naively(
        Quotient({.topics = 2, .max_perturbations = 1, .partition_epochs = old_rule}), 40000);
    EXPECT_EQ(two.first_false[kValidPartitionEpoch], 11u);
    // There is nobody to give the partition back to without a perturbation.
    const auto quiet = explore_naively(
        ConsumerGroupProtocol({.topics = 1, .max_perturbations = 0, .partition_epochs = old_rule}));
    EXPECT_EQ(quiet.distinct, 4009u);
    expect_all_hold(quiet, "old rule, no perturbation");
}

TEST(ConsumerGroupProtocol, RepresentativesHaveTheSamePredicatesAndSuccessors) {
    const ConsumerGroupProtocol model({.clients = 3, .topics = 1, .max_perturbations = 1});
    const auto neighbours = [&](const State& s) {
        std::vector<Digest128> digests;
        for (const auto& [a, t] : steps_of(model, s)) {
            digests.push_back(model.digest(model.canonical(t)));
        }
        std::sort(digests.begin(), digests.end());
        return digests;
    };
    for (const State& s : reached(model, 60000, 23)) {
        const State c = model.canonical(s);
        ASSERT_TRUE(model.canonical(c) == c);
        ASSERT_EQ(model.predicates(c), model.predicates(s));
        ASSERT_EQ(neighbours(c), neighbours(s));
    }
}

TEST(ConsumerGroupProtocol, StepsThatDoNotConflictCommute) {
    const ConsumerGroupProtocol model({.topics = 2, .max_perturbations = 2});
    std::uint64_t independent = 0;
    for (const State& s : reached(model, 200000, 29)) {
        const Steps steps = steps_of(model, s);
        const std::vector<Action> enabled = model.enabled(s);
        for (const auto& [a, after_a] : steps) {
            const Footprint fa = model.footprint(s, a);
            if ((fa.writes & Footprint::kPredicates) == 0) {
                ASSERT_EQ(model.predicates(s), model.predicates(after_a)) << model.describe(s, a);
            }
            for (const auto& [b, after_b] : steps) {
                if (&a == &b) continue;
                ASSERT_NE(a, b) << model.describe(s, a);
                const Footprint fb = model.footprint(s, b);
                if (fa.conflicts_with(fb)) continue;
                ++independent;
                const auto ab = taken(model, after_a, b);
                const auto ba = taken(model, after_b, a);
                const Footprint later = model.footprint(after_a, b);
                ASSERT_TRUE(ab && ba && *ab == *ba) << model.describe(s, a);
                ASSERT_TRUE(later.reads == fb.reads && later.writes == fb.writes)
                    << model.describe(s, b);
            }
            for (const Action b : model.enabled(after_a)) {
                if (std::find(enabled.begin(), enabled.end(), b) != enabled.end()) continue;
                ASSERT_TRUE(fa.conflicts_with(model.footprint(after_a, b)))
                    << model.describe(s, a) << " enables " << model.describe(after_a, b);
            }
        }
    }
    EXPECT_GT(independent, 0u);
}

TEST(ConsumerGroupProtocol, OnlyPerturbationsAreUnfair) {
    const ConsumerGroupProtocol model({.topics = 1, .max_perturbations = 1});
    const std::vector<FairnessClass> conjuncts = model.fairness();
    EXPECT_EQ(conjuncts.size(), 17u);
    const std::set<std::string_view> unfair = {"StartLeaveGroup", "ClientCrash",
                                               "LiveMemberExpired"};
    std::uint64_t seen = 0;
    for (const State& s : reached(model, 200000, 17)) {
        for (const auto& [a, t] : steps_of(model, s)) {
            const std::uint64_t classes = model.fair_classes(s, a);
            const std::string_view name = model.action_names()[a.kind];
            ASSERT_EQ(classes == 0, unfair.contains(name)) << name;
            for (std::size_t i = 0; i < conjuncts.size(); ++i) {
                if ((classes >> i) % 2 == 0) continue;
                const std::string opening =
                    conjuncts[i].name.substr(0, conjuncts[i].name.find(')'));
                ASSERT_TRUE(model.describe(s, a).starts_with(opening)) << conjuncts[i].name;
            }
            seen |= classes;
        }
    }
    EXPECT_EQ(seen, (std::uint64_t{1} << 17) - 1);
}

TEST(ConsumerGroupProtocol, StatesAndStepsReadLikeTheSpecification) {
    const ConsumerGroupProtocol model({.topics = 2, .max_perturbations = 1});
    State s{model.initial()};
    const auto text_of = [&](std::string_view variable) {
        for (const auto& [name, value] : model.show(s)) {
            if (name == variable) return value;
        }
        return std::string("no such variable");
    };
    EXPECT_EQ(text_of("group_status"), "EMPTY");
    EXPECT_EQ(text_of("group_partition_epoch"), "[<<1, 1>> |-> 0, <<2, 1>> |-> 0]");
    const auto take = [&](std::string_view step) {
        std::string steps;
        for (const auto& [a, t] : steps_of(model, s)) {
            steps += model.describe(s, a) + "\n";
            if (model.describe(s, a) != step) continue;
            s = t;
            return;
        }
        ADD_FAILURE() << step << " is none of\n" << steps;
    };
    take("SendHeartbeatRequest(c2, subscribed {1})");
    EXPECT_EQ(text_of("messages"),
              "{[type |-> HeartbeatRequestMsg, member_id |-> 0, member_epoch |-> 0, "
              "subscribed |-> {1}, topic_partitions |-> {}, connection_id |-> 1, source |-> c2]}");
    take("SendHeartbeatRequest(c1)");
    take(
        "ReceiveRegularHeartbeatRequest(c1, member 1 joins, epoch 1, assignments [1 |-> {<<1, 1>>, "
        "<<2, 1>>}])");
    take(
        "ReceiveRegularHeartbeatRequest(c2, member 2 joins, epoch 2, assignments [1 |-> {<<2, "
        "1>>}, 2 |-> {<<1, 1>>}])");
    EXPECT_EQ(text_of("group_members"), "{1, 2}");
    EXPECT_EQ(text_of("group_status"), "RECONCILING");
    EXPECT_EQ(text_of("group_partition_epoch"), "[<<1, 1>> |-> 1, <<2, 1>> |-> 1]");
    EXPECT_EQ(text_of("aux_perturb_ctr"), "1");
}

TEST(ConsumerGroupProtocol, WhatCannotBePackedIsRefused) {
    EXPECT_THROW(ConsumerGroupProtocol({.clients = 5}), std::invalid_argument);
    EXPECT_THROW(ConsumerGroupProtocol({.topics = 3, .partitions_per_topic = 3}),
                 std::invalid_argument);
    EXPECT_THROW(ConsumerGroupProtocol({.clients = 4, .topics = 6, .max_perturbations = 1}),
                 std::invalid_argument);
    EXPECT_NO_THROW(ConsumerGroupProtocol({.clients = 4, .topics = 2, .max_perturbations = 4}));
    consumer_group::Variables s;
    for (std::uint8_t i = 1; i <= consumer_group::kMaxMessages; ++i) {
        consumer_group::Message m;
        m.type = consumer_group::MessageType::heartbeat_response;
        m.connection_id = i;
        send(s, m);
        send(s, m);  // a set: the second is the first
    }
    consumer_group::Message one_more;
    one_more.type = consumer_group::MessageType::heartbeat_response;
    EXPECT_THROW(send(s, one_more), std::length_error);
}

}  // namespace
}  // namespace tribunal
