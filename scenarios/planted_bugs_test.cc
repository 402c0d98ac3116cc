// Bugs planted in the broker logic must be caught, each by the property that it breaks; and the
// same cluster without the bug must pass on the same seeds.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "broker/base/check.h"
#include "scenarios/play.h"

namespace tribunal {
namespace {

constexpr std::uint64_t kSeeds = 12;

// Kills, power losses and isolations, one after another, in a cluster that fences quickly.
std::string stormy(const std::string& bug, const std::string& more_config = "") {
    return R"json({ "name": "storm", "cluster": { "brokers": 3, "config": {
        "broker.session.timeout.ms": 1500, "broker.heartbeat.interval.ms": 300,
        "replica.lag.time.max.ms": 2000 )json" +
           more_config +
           (bug.empty() ? std::string{} : R"json(, "tribunal.planted.bug": ")json" + bug + "\"") +
           R"json( } },
      "topics": [ { "name": "t", "partitions": 2, "replication.factor": 3,
                    "config": { "min.insync.replicas": 2 } } ],
      "clients": [
        { "producer": "p", "topic": "t", "config": { "acks": "all", "linger.ms": 0,
            "max.in.flight.requests.per.connection": 1, "request.timeout.ms": 2000,
            "delivery.timeout.ms": 20000 }, "load": { "rate": "150/s" } },
        { "consumer": "c", "topics": ["t"], "config": { "auto.offset.reset": "earliest" } } ],
      "faults": [
        { "between": ["1s", "24s"], "every": "6s", "kill": "leader(t-0)", "for": "2500ms" },
        { "between": ["2s", "24s"], "every": "9s", "power_loss": "any broker", "for": "2500ms" },
        { "between": ["1s", "24s"], "every": "7s", "isolate": "any broker", "from": "brokers", "for": "1s" },
        { "between": ["1s", "24s"], "every": "8s", "isolate": "leader(t-1)", "for": "2500ms" } ],
      "run": { "for": "25s", "heal": "60s" } })json";
}

// Logs that are cleaned, deleted and flushed all the time, on machines that lose power.
std::string filling(const std::string& bug) {
    return R"json({ "name": "full disks", "cluster": { "brokers": 3, "config": {
        "broker.session.timeout.ms": 1500, "broker.heartbeat.interval.ms": 300,
        "log.cleaner.backoff.ms": 500, "log.retention.check.interval.ms": 1000 )json" +
           (bug.empty() ? std::string{} : R"json(, "tribunal.planted.bug": ")json" + bug + "\"") +
           R"json( } },
      "topics": [
        { "name": "compacted", "partitions": 1, "replication.factor": 3,
          "config": { "cleanup.policy": "compact", "segment.bytes": 2048,
                      "min.cleanable.dirty.ratio": 0.1, "min.compaction.lag.ms": 1000,
                      "delete.retention.ms": 3000, "min.insync.replicas": 2 } },
        { "name": "retained", "partitions": 1, "replication.factor": 3,
          "config": { "retention.ms": 4000, "segment.bytes": 2048, "min.insync.replicas": 2 } },
        { "name": "flushed", "partitions": 1, "replication.factor": 3,
          "config": { "flush.messages": 1, "min.insync.replicas": 2 } } ],
      "clients": [
        { "producer": "p1", "topic": "compacted", "config": { "linger.ms": 0, "batch.size": 512 },
          "load": { "rate": "50/s", "keys": 5 } },
        { "producer": "p2", "topic": "compacted", "config": { "linger.ms": 0 },
          "load": { "rate": "5/s", "lines": [
            { "key": "a", "value": "1" }, { "key": "a", "value": null },
            { "key": "b", "value": "1" }, { "key": "b", "value": null } ] } },
        { "producer": "p3", "topic": "retained", "config": { "linger.ms": 0, "batch.size": 512 },
          "load": { "rate": "50/s" } },
        { "producer": "p4", "topic": "flushed", "config": { "linger.ms": 0 },
          "load": { "rate": "50/s" } } ],
      "faults": [ { "between": ["2s", "11s"], "every": "3s", "power_loss": "any broker",
                    "torn": true, "for": "1500ms" } ],
      "run": { "for": "12s", "heal": "60s" } })json";
}

struct Found {
    std::string failed;     // ids of FAIL, space separated
    bool converged = true;  // else "unconverged" is among them
};

Found play_seed(const Scenario& scenario, std::uint64_t seed) {
    Found found;
    const Played played = play(scenario, seed);
    found.converged = played.outcome.converged;
    for (const Check& check : played.checks) {
        if (check.verdict == Verdict::fail) found.failed += check.id + " ";
    }
    if (!found.converged) found.failed += "unconverged ";
    return found;
}

struct Case {
    const char* bug;
    const char* caught_by;  // one of these, space separated
    const char* more_config = "";
};

const Case kCases[] = {
    {"ack_before_isr", "D2 R1 "},
    {"high_watermark_off_by_one", "R5 "},
    {"isr_keeps_dead_replica", "R6 R2 "},
    {"ack_lost_on_leader_change", "D2 D1 "},
    {"follower_ignores_epoch", "R3 O1 "},
    {"leader_truncates", "R17 D2 "},
    // Fencing by epoch keeps a stubborn old leader harmless; but the cluster never comes to rest.
    {"stale_leader_serves", "unconverged "},
    // A batch a fetch: catching up takes longer than it takes the leader to hear of the restart.
    {"isr_join_too_early", "R6 R2 R1 ", ", \"replica.fetch.max.bytes\": 200"},
};

bool any_of_ids(const std::string& failed, const std::string& wanted) {
    std::string id;
    for (const char c : wanted) {
        if (c != ' ') {
            id += c;
            continue;
        }
        if ((" " + failed).find(" " + id + " ") != std::string::npos) return true;
        id.clear();
    }
    return false;
}

TEST(planted_bugs, are_caught_by_the_property_that_they_break) {
    for (const Case& c : kCases) {
        const Scenario scenario = parse_scenario(stormy(c.bug, c.more_config), c.bug, ".");
        std::string seen;
        bool caught = false;
        for (std::uint64_t seed = 1; seed <= kSeeds && !caught; ++seed) {
            const Found found = play_seed(scenario, seed);
            caught = any_of_ids(found.failed, c.caught_by);
            seen += "seed " + std::to_string(seed) + ": " + found.failed + "; ";
        }
        EXPECT_TRUE(caught) << c.bug << " was not caught by any of " << c.caught_by << "; " << seen;
    }
}

TEST(planted_bugs, of_the_storage_are_caught_by_the_property_that_they_break) {
    const Case cases[] = {
        {"cleaner_keeps_first", "S3 "},       {"cleaner_forgets_tombstones", "S4 "},
        {"cleaner_ignores_lag", "S5 "},       {"retention_deletes_early", "S7 "},
        {"recovery_keeps_torn_tail", "S11 "}, {"flush_is_not_awaited", "S15 "},
    };
    for (const Case& c : cases) {
        const Scenario scenario = parse_scenario(filling(c.bug), c.bug, ".");
        for (const std::uint64_t seed : {1, 2}) {
            const Found found = play_seed(scenario, seed);
            EXPECT_TRUE(any_of_ids(found.failed, c.caught_by))
                << c.bug << ", seed " << seed << ": " << found.failed;
        }
    }
    const Scenario scenario = parse_scenario(filling(""), "no bug", ".");
    for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
        EXPECT_EQ(play_seed(scenario, seed).failed, "") << "seed " << seed;
    }
}

// Three controllers; the active one is cut off from the others while topics are created.
std::string split_quorum(const std::string& bug) {
    return R"json({ "name": "split", "cluster": { "brokers": 3, "controllers": 3, "config": {
        "tribunal.planted.bug": ")json" +
           bug + R"json(" } },
      "topics": [ { "name": "a", "partitions": 1, "replication.factor": 3 } ],
      "clients": [ { "admin": "a1", "steps": [
        { "at": "5500ms", "create_topic": { "name": "t1", "partitions": 1, "replication.factor": 3 } },
        { "at": "7s", "create_topic": { "name": "t2", "partitions": 1, "replication.factor": 3 } },
        { "at": "7300ms", "create_topic": { "name": "t3", "partitions": 1, "replication.factor": 3 } },
        { "at": "7600ms", "create_topic": { "name": "t4", "partitions": 1, "replication.factor": 3 } },
        { "at": "12s", "create_topic": { "name": "t5", "partitions": 1, "replication.factor": 3 } } ] } ],
      "faults": [ { "at": "5s", "isolate": "controller", "from": "controllers", "for": "20s" } ],
      "run": { "for": "16s" } })json";
}

TEST(planted_bugs, of_the_quorum_are_caught_in_the_whole_cluster) {
    const Case cases[] = {
        {"zombie_controller", "D8 "},
        {"standby_replays_uncommitted", "Q11 "},
        {"raft_commits_on_minority", "Q11 "},
    };
    for (const Case& c : cases) {
        const Scenario scenario = parse_scenario(split_quorum(c.bug), c.bug, ".");
        const Found found = play_seed(scenario, 1);
        EXPECT_TRUE(any_of_ids(found.failed, c.caught_by)) << c.bug << ": " << found.failed;
    }
    const Scenario sound = parse_scenario(split_quorum("none"), "no bug", ".");
    for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
        EXPECT_EQ(play_seed(sound, seed).failed, "") << "seed " << seed;
    }
}

TEST(planted_bugs, truncating_to_the_high_watermark_loses_acknowledged_records) {
    // KIP-101: a follower that cuts to its own, lagging high watermark and leads next has lost
    // records that the ISR acknowledged. The rule is the only difference.
    const auto failures = [](const char* rule) {
        const std::string config = std::string{R"(, "tribunal.truncation": ")"} + rule + R"(")";
        const Scenario scenario = parse_scenario(stormy("", config), rule, ".");
        std::string failed;
        for (std::uint64_t seed = 1; seed <= 40; ++seed) failed += play_seed(scenario, seed).failed;
        return failed;
    };
    EXPECT_TRUE(any_of_ids(failures("to_high_watermark"), "D2 R1 R17 "));
    EXPECT_EQ(failures("kip320"), "");
}

TEST(planted_bugs, a_broken_assumption_of_our_own_leaves_the_run_as_a_check_failure) {
    const Scenario scenario = parse_scenario(stormy(""), "no bug", ".");
    AskingChooser wrong{[](ChoiceKind, std::uint32_t, std::uint64_t options) { return options; }};
    EXPECT_THROW(play(scenario, wrong), CheckFailure);
}

TEST(planted_bugs, without_them_the_storm_breaks_nothing) {
    const Scenario scenario = parse_scenario(stormy(""), "no bug", ".");
    for (std::uint64_t seed = 1; seed <= 2 * kSeeds; ++seed) {
        const Found found = play_seed(scenario, seed);
        EXPECT_EQ(found.failed, "") << "seed " << seed;
        EXPECT_TRUE(found.converged) << "seed " << seed;
    }
}

}  // namespace
}  // namespace tribunal
