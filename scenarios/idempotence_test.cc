// The idempotent producer in a whole cluster: what it promises under faults, and that the
// properties see it when a broker breaks the promise.
#include <gtest/gtest.h>

#include <string>

#include "scenarios/play.h"

namespace tribunal {
namespace {

constexpr std::uint64_t kSeeds = 10;

// Kills, isolations, pauses and lost answers, with five requests in flight.
std::string stormy(const std::string& cluster_config = "") {
    return R"json({ "name": "storm", "cluster": { "brokers": 3, "config": {
        "broker.session.timeout.ms": 1500, "broker.heartbeat.interval.ms": 300,
        "replica.lag.time.max.ms": 2000 )json" +
           cluster_config + R"json( } },
      "topics": [ { "name": "t", "partitions": 2, "replication.factor": 3,
                    "config": { "min.insync.replicas": 2 } } ],
      "clients": [
        { "producer": "p", "topic": "t", "config": { "enable.idempotence": true, "linger.ms": 0,
            "request.timeout.ms": 2000, "delivery.timeout.ms": 20000 },
          "load": { "rate": "150/s" } },
        { "consumer": "c", "topics": ["t"], "config": { "auto.offset.reset": "earliest" } } ],
      "faults": [
        { "between": ["1s", "24s"], "every": "6s", "kill": "leader(t-0)", "for": "2500ms" },
        { "between": ["1s", "24s"], "every": "5s", "pause": "leader(t-1)", "for": "300ms" },
        { "between": ["1s", "24s"], "every": "6s", "cut": ["leader(t-0)", "p"],
          "direction": "from", "for": "2500ms" },
        { "between": ["1s", "24s"], "every": "8s", "isolate": "leader(t-1)", "for": "2500ms" } ],
      "run": { "for": "25s", "heal": "60s" } })json";
}

// The only replica loses what it had not synced, also of what it had acknowledged: the producer's
// next batch does not follow what is left.
std::string forgetful(const std::string& cluster_config = "") {
    return R"json({ "name": "power", "cluster": { "brokers": 1, "config": {
        "broker.heartbeat.interval.ms": 300 )json" +
           cluster_config + R"json( } },
      "topics": [ { "name": "t", "partitions": 1, "replication.factor": 1 } ],
      "clients": [
        { "producer": "p", "topic": "t", "config": { "enable.idempotence": true, "linger.ms": 0 },
          "load": { "rate": "50/s" } } ],
      "faults": [ { "at": "5s", "power_loss": "broker 1", "keep": "50%", "for": "1s" } ],
      "run": { "for": "15s", "heal": "60s" } })json";
}

std::string with_bug(const std::string& bug) {
    return R"json(, "tribunal.planted.bug": ")json" + bug + "\"";
}

bool fails(const Played& played, std::string_view id) {
    for (const Check& check : played.checks) {
        if (check.id == id) return check.verdict == Verdict::fail;
    }
    return false;
}

TEST(idempotence, every_record_stands_once_and_in_order_in_a_storm) {
    const Scenario scenario = parse_scenario(stormy(), "storm", ".");
    bool order_exercised = false;
    for (std::uint64_t seed = 1; seed <= 2 * kSeeds; ++seed) {
        const Played played = play(scenario, seed);
        for (const Check& check : played.checks) {
            EXPECT_NE(check.verdict, Verdict::fail)
                << "seed " << seed << " " << check.id << ": " << check.note;
            if (check.id == "O13") order_exercised = order_exercised || check.checked > 0;
        }
        EXPECT_TRUE(played.outcome.converged) << "seed " << seed;
    }
    EXPECT_TRUE(order_exercised);
}

TEST(idempotence, what_does_not_follow_the_log_is_sent_under_a_new_epoch) {
    const Played played = play(parse_scenario(forgetful(), "power", "."), 1);
    for (const Check& check : played.checks) {
        if (check.id != "O13") continue;
        EXPECT_EQ(check.verdict, Verdict::pass) << check.note;
    }
    ASSERT_FALSE(played.logs.front().batches.empty());
    EXPECT_EQ(played.logs.front().batches.back().epoch, 1);
}

TEST(idempotence, planted_bugs_are_caught_by_the_property_that_they_break) {
    struct Case {
        const char* bug;
        const char* property;
        std::string (*scenario)(const std::string& cluster_config);
    };
    const Case cases[] = {
        {"duplicate_sequence_accepted", "X1", stormy},
        {"ack_offset_of_duplicate_zero", "X3", stormy},
        {"sequence_gap_accepted", "O13", forgetful},
    };
    for (const Case& c : cases) {
        const Scenario scenario = parse_scenario(c.scenario(with_bug(c.bug)), c.bug, ".");
        bool caught = false;
        for (std::uint64_t seed = 1; seed <= kSeeds && !caught; ++seed) {
            caught = fails(play(scenario, seed), c.property);
        }
        EXPECT_TRUE(caught) << c.bug << " was not caught by " << c.property;
    }
}

}  // namespace
}  // namespace tribunal
