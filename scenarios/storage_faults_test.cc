// Faults that meet storage at an awkward moment: a flush under way.
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

}  // namespace
}  // namespace tribunal
