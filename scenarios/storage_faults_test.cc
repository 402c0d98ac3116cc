// Faults that meet storage at an awkward moment: a flush under way, a file half written.
#include <gtest/gtest.h>

#include "scenarios/json_place.h"
#include "scenarios/play.h"

namespace tribunal {
namespace {

Json document(const char* topic_config, const char* producer_config, const char* faults) {
    Json json = Json::parse(R"({
      "name": "storage faults", "cluster": { "brokers": 1,
        "config": { "log.retention.check.interval.ms": 1000 } },
      "topics": [ { "name": "orders", "partitions": 1, "replication.factor": 1 } ],
      "clients": [ { "producer": "p1", "topic": "orders",
                     "load": { "records": 0, "rate": "50/s" } } ],
      "run": { "for": "20s", "heal": "30s" } })");
    json["topics"][0]["config"] = Json::parse(topic_config);
    json["clients"][0]["config"] = Json::parse(producer_config);
    json["faults"] = Json::parse(faults);
    return json;
}

Verdict verdict_of(const Played& played, const char* id) {
    for (const Check& check : played.checks) {
        if (check.id == id) return check.verdict;
    }
    return Verdict::inconclusive;
}

// UnifiedLog.append returns after the flush, and a time-out begins with what is waited for then:
// nobody is answered because a flush takes long, neither with acks=1 nor when the producer hangs up
// and comes back (its second request may take the token of the first one's flush).
TEST(StorageFaults, an_answer_waits_for_its_flush_however_long_it_takes) {
    for (const char* producer :
         {R"({"acks": "1", "request.timeout.ms": 500, "max.in.flight.requests.per.connection": 1})",
          R"({"acks": "1", "request.timeout.ms": 500})",
          R"({"acks": "all", "request.timeout.ms": 500})"}) {
        const Json json =
            document(R"({"flush.messages": 1})", producer,
                     R"([{"at": "5s", "slow_disk": "broker 1", "latency": "900ms", "for": "4s"},
                         {"at": "12s", "pause": "broker 1", "for": "3s"}])");
        for (std::uint64_t seed = 1; seed <= 5; ++seed) {
            const Played played = play(parse_scenario(json.dump(), "t.json", ""), seed);
            EXPECT_TRUE(played.outcome.converged) << played.outcome.unconverged;
            EXPECT_EQ(verdict_of(played, "S15"), Verdict::pass) << producer << " seed " << seed;
        }
    }
}

// Whatever a fetch brought is written and flushed as one append, so that a slow disk delays a
// replica that begins anew by a few operations, not by one for each batch.
TEST(StorageFaults, a_follower_on_a_slow_disk_catches_up) {
    Json json =
        document(R"({"flush.messages": 1})", R"({"acks": "1"})",
                 R"([{"at": "7s", "slow_disk": "broker 2", "latency": "900ms", "for": "13s"},
                             {"at": "8s", "wipe": "broker 2", "for": "1s"}])");
    json["cluster"]["brokers"] = 3;
    json["topics"][0]["replication.factor"] = 3;
    const Played played = play(parse_scenario(json.dump(), "t.json", ""), 1);
    EXPECT_TRUE(played.outcome.converged) << played.outcome.unconverged;
}

// A replica that becomes leader while it flushes what it had fetched leaves its fetcher, which goes
// on with the other partitions.
TEST(StorageFaults, a_new_leader_leaves_no_fetcher_waiting_for_its_flush) {
    Json json = document(R"({"flush.messages": 1})", R"({"acks": "1"})",
                         R"([{"at": "3s", "kill": "broker 2", "for": "1s"},
                             {"at": "19s", "slow_disk": "broker 2", "latency": "300ms",
                              "for": "3s"}])");
    json["cluster"] =
        Json::parse(R"({"brokers": 3, "config": {"auto.leader.rebalance.enable": false}})");
    json["topics"] = Json::parse(
        R"([{"name": "others", "assignment": [[1, 2, 3]], "config": {"flush.messages": 1}},
            {"name": "orders", "assignment": [[2, 1, 3]], "config": {"flush.messages": 1}}])");
    json["run"] = Json::parse(R"({"for": "25s", "heal": "60s"})");
    json["clients"][0]["load"]["rate"] = "100/s";
    json["clients"].push_back(json["clients"][0]);
    json["clients"][1]["producer"] = "p2";
    json["clients"][1]["topic"] = "others";
    json["clients"].push_back(Json::parse(R"({"admin": "a1", "steps": [{"at": "20s",
        "elect_leaders": {"election_type": "preferred", "partitions": ["orders-0"]}}]})"));
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        const Played played = play(parse_scenario(json.dump(), "t.json", ""), seed);
        EXPECT_TRUE(played.outcome.converged) << played.outcome.unconverged << " seed " << seed;
    }
}

// The quorum-state file is renamed over the old one when it is flushed: who is killed before that
// has the old one, and not a new one that the next power loss takes back (Q2).
TEST(StorageFaults, a_quorum_state_is_flushed_or_was_never_written) {
    const Json json = document("{}", R"({"acks": "1"})",
                               R"([{"between": ["1s", "19s"], "every": "1s",
                                    "slow_disk": "controller", "latency": "300ms", "for": "1s"},
                                   {"between": ["1s", "19s"], "every": "1s",
                                    "kill": "controller", "for": "300ms"},
                                   {"between": ["1s", "19s"], "every": "2s",
                                    "power_loss": "controller", "for": "500ms"}])");
    for (std::uint64_t seed = 1; seed <= 8; ++seed) {
        const Played played = play(parse_scenario(json.dump(), "t.json", ""), seed);
        EXPECT_EQ(verdict_of(played, "Q2"), Verdict::pass) << "seed " << seed;
    }
}

// With kraft.version 0 an empty disk with the right id goes on voting, so that one is enough to
// lose what was committed. That the quorum has become a dynamic one since (KAFKA-16538) heals
// nothing.
TEST(StorageFaults, a_fixed_voter_that_lost_its_disk_excuses_the_dynamic_quorum) {
    Json json = document("{}", R"({"acks": "1"})",
                         R"json([{"at": "4s", "kill": "controller(102)", "for": "6s"},
                                 {"at": "9s", "kill": "controller(100)", "for": "9s"},
                                 {"at": "9s", "wipe": "controller(101)", "for": "1s"}])json");
    json["cluster"] = Json::parse(R"({"brokers": 3, "controllers": 3,
        "config": {"controller.quorum.voters": "100@a:1,101@b:1,102@c:1"}})");
    json["clients"].push_back(Json::parse(R"({"admin": "ops", "steps": [
        {"at": "5s", "create_topic": {"name": "b", "partitions": 1, "replication.factor": 3}},
        {"at": "30s", "update_features": {"kraft.version": 1}}]})"));
    json["run"]["for"] = "35s";
    const Played played = play(parse_scenario(json.dump(), "t.json", ""), 1);
    EXPECT_EQ(verdict_of(played, "Q13"), Verdict::pass) << "the voters are not in the log";
    EXPECT_EQ(verdict_of(played, "Q5"), Verdict::allowed);
    EXPECT_EQ(verdict_of(played, "Q6"), Verdict::allowed);
}

// Three controllers that the faults of `faults` meet, and topics that are created meanwhile.
Json controllers_document(bool fixed, const char* faults) {
    Json json = document("{}", R"({"acks": "all"})", faults);
    json["cluster"] = Json::parse(R"({"brokers": 3, "controllers": 3, "config": {
        "broker.session.timeout.ms": 3000, "broker.heartbeat.interval.ms": 500,
        "metadata.log.max.record.bytes.between.snapshots": 1500}})");
    if (fixed) {
        json["cluster"]["config"]["controller.quorum.voters"] = "100@a:1,101@b:1,102@c:1";
    }
    Json steps = Json::array();
    for (int i = 0; i < 6; ++i) {
        Json step = Json::parse(R"({"create_topic": {"partitions": 2, "replication.factor": 3}})");
        step["at"] = std::to_string(2 + 3 * i) + "s";
        step["create_topic"]["name"] = "t" + std::to_string(i);
        steps.push_back(step);
    }
    json["clients"].push_back(Json{{"admin", "ops"}, {"steps", steps}});
    return json;
}

std::string failures_of(const Played& played) {
    std::string failures;
    for (const Check& check : played.checks) {
        if (check.verdict == Verdict::fail) failures += " " + check.id + ": " + check.note;
    }
    return failures;
}

// Whatever controllers forget, somebody gets a verdict: a process that cannot go on ends, and what
// the disks had promised is allowed to break, nothing else.
TEST(StorageFaults, wiped_controllers_end_in_a_verdict) {
    constexpr const char* kFaults =
        R"json([{"between": ["1s", "19s"], "every": "4s", "wipe": "controller", "for": "1s"},
                {"between": ["1s", "19s"], "every": "5s", "kill": "controller", "for": "2s"},
                {"between": ["1s", "19s"], "every": "5s", "power_loss": "controller", "for": "1s"},
                {"between": ["1s", "19s"], "every": "5s", "isolate": "controller",
                 "from": "controllers", "for": "3s"}])json";
    std::size_t halted = 0;
    std::size_t lost = 0;
    for (const bool fixed : {true, false}) {
        const Json json = controllers_document(fixed, kFaults);
        for (std::uint64_t seed = 1; seed <= 40; ++seed) {
            const Played played = play(parse_scenario(json.dump(), "t.json", ""), seed);
            EXPECT_EQ(failures_of(played), "") << (fixed ? "fixed" : "dynamic") << " seed " << seed;
            if (verdict_of(played, "Q12") == Verdict::allowed) ++halted;
            if (fixed && verdict_of(played, "Q6") == Verdict::allowed) ++lost;
        }
    }
    EXPECT_GT(halted, 5u);
    EXPECT_GT(lost, 5u);
}

// KafkaRaftClient.hasConsistentLeader: the others still follow it when it comes back, and it does
// not know.
TEST(StorageFaults, a_leader_that_comes_back_with_an_empty_disk_hears_that_it_leads_and_ends) {
    const Json json =
        controllers_document(false, R"([{"at": "8s", "wipe": "controller", "for": "200ms"}])");
    std::size_t halted = 0;
    for (std::uint64_t seed = 1; seed <= 6; ++seed) {
        const Played played = play(parse_scenario(json.dump(), "t.json", ""), seed);
        EXPECT_EQ(failures_of(played), "") << "seed " << seed;
        if (verdict_of(played, "Q12") == Verdict::allowed) ++halted;
    }
    EXPECT_GT(halted, 0u);
}

}  // namespace
}  // namespace tribunal
