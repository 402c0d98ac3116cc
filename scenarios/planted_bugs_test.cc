// Bugs planted in the broker logic must be caught, each by the property that it breaks; and the
// same cluster without the bug must pass on the same seeds.
#include <gtest/gtest.h>

#include <algorithm>
#include <initializer_list>
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
    // KIP-966.
    {"elr_keeps_unclean_replica", "R14 "},
    {"elr_outlives_min_isr", "R15 "},
    {"last_known_leader_forgotten", "R20 "},
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

// Three controllers, while `operators` ask for something and `faults` happen.
struct QuorumCase {
    const char* bug;
    const char* caught_by;
    std::string operators;
    std::string faults;
    const char* run_for;
    const char* more_config = "";
};

std::string quorum(const QuorumCase& c, const std::string& bug) {
    return R"json({ "name": "quorum", "cluster": { "brokers": 3, "controllers": 3, "config": {
        "tribunal.planted.bug": ")json" +
           bug + "\"" + c.more_config + R"json( } },
      "topics": [ { "name": "a", "partitions": 1, "replication.factor": 3 } ],
      "clients": [ )json" +
           c.operators + R"json( ], "faults": [ )json" + c.faults + R"json( ],
      "run": { "for": ")json" +
           c.run_for + R"json(" } })json";
}

std::string creating(std::initializer_list<int> times_ms) {
    std::string steps;
    for (const int at : times_ms) {
        steps += std::string(steps.empty() ? "" : ",") + R"({ "at": ")" + std::to_string(at) +
                 R"(ms", "create_topic": { "name": "t)" + std::to_string(at) +
                 R"(", "partitions": 1, "replication.factor": 3 } })";
    }
    return R"({ "admin": "creating", "steps": [ )" + steps + " ] }";
}

std::string removing(const char* at, int voter) {
    return R"({ "admin": "removing-)" + std::to_string(voter) + R"(", "steps": [ { "at": ")" + at +
           R"(", "remove_raft_voter": )" + std::to_string(voter) + " } ] }";
}

TEST(planted_bugs, of_the_quorum_are_caught_by_the_property_that_they_break) {
    const std::string split =
        R"({ "at": "5s", "isolate": "controller", "from": "controllers", "for": "20s" })";
    const std::string short_split =
        R"({ "at": "5s", "isolate": "controller", "from": "controllers", "for": "5s" })";
    const std::string dark = R"({ "at": "3s", "power_loss": "controllers", "for": "1s" })";
    // One is cut off and comes back with a shorter log.
    const std::string cut_off =
        R"json({ "at": "5s", "isolate": "controller(102)", "from": "controllers",
                 "for": "5s" })json";
    const std::string topics = creating({5500, 7000, 7300, 7600, 12000});
    const QuorumCase cases[] = {
        {"zombie_controller", "D8 ", topics, split, "16s"},
        {"standby_replays_uncommitted", "Q11 ", topics, split, "16s"},
        {"raft_commits_on_minority", "Q8 ", topics, split, "16s"},
        {"raft_commits_on_minority", "Q14 ", topics, split, "16s"},
        {"raft_never_diverges", "Q5 ", topics, short_split, "16s"},
        {"raft_vote_not_synced", "Q2 ", "", dark, "6s"},
        {"raft_votes_for_shorter_log", "Q6 ", topics, cut_off, "16s",
         R"(, "tribunal.rule.raft_pre_vote": false)"},
        {"raft_observer_becomes_candidate", "Q12 ", removing("3s", 102), cut_off, "9s"},
        {"raft_overlapping_voter_changes", "Q13 ",
         removing("5500ms", 100) + "," + removing("5500ms", 101) + "," + removing("5500ms", 102),
         short_split, "7s"},
        // Before anybody's time to tell its directory.
        {"raft_upgrades_untold", "Q13 ",
         R"json({ "admin": "raising", "steps": [ { "at": "2s",
                  "update_features": { "kraft.version": 1 } } ] })json",
         "", "4s", R"(, "controller.quorum.voters": "100@a:1,101@b:1,102@c:1")"},
    };
    for (const QuorumCase& c : cases) {
        const Scenario scenario = parse_scenario(quorum(c, c.bug), c.bug, ".");
        std::string seen;
        bool caught = false;
        for (std::uint64_t seed = 1; seed <= kSeeds && !caught; ++seed) {
            const Found found = play_seed(scenario, seed);
            caught = any_of_ids(found.failed, c.caught_by);
            seen += "seed " + std::to_string(seed) + ": " + found.failed + "; ";
        }
        EXPECT_TRUE(caught) << c.bug << " was not caught by " << c.caught_by << "; " << seen;
        const Scenario sound = parse_scenario(quorum(c, "none"), "no bug", ".");
        for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
            EXPECT_EQ(play_seed(sound, seed).failed, "")
                << "without " << c.bug << ", seed " << seed;
        }
    }
}

std::string restless_brokers(const std::string& bug, const std::string& faults) {
    return R"json({ "name": "restless", "cluster": { "brokers": 3, "config": {
        "broker.session.timeout.ms": 2000, "broker.heartbeat.interval.ms": 300,
        "replica.lag.time.max.ms": 2000, "tribunal.planted.bug": ")json" +
           bug + R"json(" } },
      "topics": [ { "name": "t", "partitions": 6, "replication.factor": 3,
                    "config": { "min.insync.replicas": 1 } } ],
      "clients": [ { "producer": "p", "topic": "t", "config": { "request.timeout.ms": 2000,
                     "delivery.timeout.ms": 20000 }, "load": { "rate": "100/s" } } ],
      "faults": [ )json" +
           faults + R"json( ], "run": { "for": "25s", "heal": "60s" } })json";
}

TEST(planted_bugs, of_the_controller_are_caught_by_the_property_that_they_break) {
    struct ControllerCase {
        const char* bug;
        const char* caught_by;
        std::string faults;
    };
    const ControllerCase cases[] = {
        // The controller fences a dead follower while the leader's request to be without it is
        // under way.
        {"alter_partition_ignores_epoch", "Q15 ",
         R"({ "at": "1s", "slow_link": ["brokers", "controllers"], "latency": "400ms",
              "for": "24s" },
            { "between": ["2s", "24s"], "every": "5s", "kill": "any broker", "for": "3500ms" })"},
        // A broker is back before the session of its last life is over.
        {"registration_replaces_live_broker", "Q16 ",
         R"({ "between": ["1s", "24s"], "every": "4s", "kill": "any broker", "for": "600ms" })"},
    };
    for (const ControllerCase& c : cases) {
        const Scenario scenario = parse_scenario(restless_brokers(c.bug, c.faults), c.bug, ".");
        std::string seen;
        bool caught = false;
        for (std::uint64_t seed = 1; seed <= kSeeds && !caught; ++seed) {
            const Found found = play_seed(scenario, seed);
            caught = any_of_ids(found.failed, c.caught_by);
            seen += "seed " + std::to_string(seed) + ": " + found.failed + "; ";
        }
        EXPECT_TRUE(caught) << c.bug << " was not caught by " << c.caught_by << "; " << seen;
        const Scenario sound = parse_scenario(restless_brokers("none", c.faults), "no bug", ".");
        for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
            EXPECT_EQ(play_seed(sound, seed).failed, "") << "seed " << seed;
        }
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
