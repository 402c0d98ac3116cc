// A node that starts again under another edition: which rules it has then, and what stays.
#include <gtest/gtest.h>

#include "scenarios/config_table.h"
#include "scenarios/json_place.h"
#include "scenarios/play.h"

namespace tribunal {
namespace {

Json document(const char* faults, const char* edition = "3.6") {
    Json json = Json::parse(R"({
      "name": "upgrade", "cluster": { "brokers": 3, "racks": ["a", "b", "b"] },
      "topics": [ { "name": "orders", "partitions": 1, "assignment": [[1, 2, 3]] } ],
      "clients": [ { "producer": "p1", "topic": "orders",
                     "load": { "records": 0, "rate": "50/s" } } ],
      "run": { "for": "20s", "heal": "60s" } })");
    json["kafka"] = edition;
    json["faults"] = Json::parse(faults);
    return json;
}

Scenario parsed(const Json& json) { return parse_scenario(json.dump(), "t.json", ""); }

BrokerConfig software(const Scenario& s) { return (**s.faults.front().software).config; }

TEST(Upgrade, brings_rules_and_defaults_and_leaves_what_somebody_set) {
    Json json = document(R"([{"at": "5s", "upgrade": "broker 1", "to": "4.1"}])");
    Scenario s = parsed(json);
    EXPECT_EQ(software(s), default_settings(newest_edition()).broker);
    EXPECT_FALSE(s.cluster.config.rules.raft_pre_vote);
    EXPECT_TRUE(software(s).rules.raft_pre_vote);
    EXPECT_EQ(software(s).supported_features, *supported_features("4.1"));

    // As the default was: set is set.
    json["cluster"]["config"]["tribunal.rule.raft_pre_vote"] = false;
    json["cluster"]["config"]["broker.session.timeout.ms"] = 18000;
    s = parsed(json);
    EXPECT_FALSE(software(s).rules.raft_pre_vote);
    EXPECT_TRUE(software(s).rules.raft_check_quorum);
    EXPECT_EQ(software(s).broker_session_timeout, seconds(18));
    const Scenario again = parsed(Json::parse(to_json_text(s)));
    EXPECT_EQ(again.cluster, s.cluster);
    EXPECT_EQ(software(again), software(s)) << to_json_text(s);
    EXPECT_EQ(s.warnings, again.warnings);
}

TEST(Upgrade, refuses_settings_that_the_other_edition_does_not_know) {
    Json json = document(R"([{"at": "5s", "upgrade": "broker 1", "to": "3.5"}])");
    json["cluster"]["config"] = {{"log.message.timestamp.after.max.ms", 1000}};
    try {
        parsed(json);
        ADD_FAILURE();
    } catch (const ScenarioError& error) {
        EXPECT_STREQ(error.what(),
                     "t.json: /cluster/config/log.message.timestamp.after.max.ms: "
                     "log.message.timestamp.after.max.ms exists since Kafka 3.6, and this scenario "
                     "is for 3.5");
    }
}

// The rules that the nodes have at an instant, by node.
std::string editions_at(const Scenario& s, Duration at) {
    World world = build_world(s);
    SeededChooser chooser{3};
    while (world.step(chooser, nullptr, Instant{} + at)) {
    }
    const auto letter = [](const BrokerConfig& config) {
        if (config.rules == default_settings(newest_edition()).broker.rules) return 'n';
        return config.rules == default_settings(*find_edition("3.6")).broker.rules ? 'o' : '?';
    };
    std::string text;
    for (const auto& host : world.hosts) {
        if (const Broker* b = broker_of(host->node)) text += letter(b->config);
        if (const Controller* c = controller_of(host->node)) text += letter(c->config);
    }
    return text;
}

TEST(Upgrade, is_a_stop_and_a_start_with_other_software) {
    const Scenario s = parsed(document(R"([
        {"at": "5s", "upgrade": "broker 1", "to": "4.1"},
        {"at": "12s", "kill": "broker 2"},
        {"at": "13s", "upgrade": "broker 2", "to": "4.1"}])"));
    EXPECT_EQ(editions_at(s, seconds(4)), "oooo");
    EXPECT_EQ(editions_at(s, seconds(15)), "nnoo");
    const Played played = play(s, 3);
    EXPECT_TRUE(played.outcome.converged) << played.outcome.unconverged;
    std::string ledger;
    for (const LedgerEntry& entry : played.ledger) ledger += entry.text + "\n";
    EXPECT_EQ(ledger,
              "upgrade broker(1) to 4.1 = broker 1\n"
              "broker 1 has shut down\n"
              "end of upgrade broker(1) to 4.1\n"
              "kill broker(2) = broker 2\n"
              "upgrade broker(2) to 4.1 = broker 2\n"
              "end of upgrade broker(2) to 4.1\n");
    for (const Check& check : played.checks) EXPECT_NE(check.verdict, Verdict::fail) << check.id;
    // In good order: the first one is told to end, and nothing that was acknowledged is lost.
    EXPECT_EQ(played.image.brokers.find(NodeId{1})->rack, "a");
    EXPECT_EQ(played.image.brokers.find(NodeId{1})->features, *supported_features("4.1"));
    EXPECT_EQ(played.image.brokers.find(NodeId{3})->features, *supported_features("3.6"));
}

// Also of a process that cannot hear that it shall end, or has no time left to.
TEST(Upgrade, has_happened_when_everything_is_healed) {
    const Scenario s = parsed(document(R"([
        {"at": "5s", "pause": "broker 1"},
        {"at": "6s", "upgrade": "broker 1", "to": "4.1"},
        {"at": "20s", "upgrade": "brokers", "to": "4.1"}])"));
    EXPECT_EQ(editions_at(s, seconds(20)), "oooo");
    const Played played = play(s, 3);
    EXPECT_TRUE(played.outcome.converged) << played.outcome.unconverged;
    for (const std::int32_t broker : {1, 2, 3}) {
        EXPECT_EQ(played.image.brokers.find(NodeId{broker})->features, *supported_features("4.1"));
    }
}

// KIP-584, KIP-778: the level waits for the last of all nodes; and 4.0 serves no cluster that is
// still below 3.3-IV3.
TEST(Upgrade, of_the_software_comes_before_the_one_of_the_metadata_version) {
    Json json = document(R"([
        {"at": "3s", "upgrade": "broker 1", "to": "4.1"},
        {"at": "5s", "upgrade": "broker 2", "to": "4.1"},
        {"at": "7s", "upgrade": "controller", "to": "4.1"},
        {"at": "13s", "upgrade": "broker 3", "to": "4.1"}])");
    json["clients"].push_back(Json::parse(R"({"admin": "a1", "steps": [
        {"at": "11s", "update_features": {"metadata.version": "4.1"}},
        {"at": "18s", "update_features": {"metadata.version": "4.1"}}]})"));
    const Played played = play(parsed(json), 3);
    EXPECT_TRUE(played.outcome.converged) << played.outcome.unconverged;
    std::string outcomes;
    for (const ClientOp& op : played.history.operations) {
        if (op.kind == ClientOpKind::update_features) {
            outcomes += std::string(name_of(op.outcome)) + " ";
        }
    }
    EXPECT_EQ(outcomes, "fail ok ");
    EXPECT_EQ(played.image.features.metadata_version, find_metadata_version("4.1")->level);

    const Played skipped =
        play(parsed(document(R"([{"at": "3s", "upgrade": "broker 3", "to": "4.1"}])", "3.2")), 3);
    EXPECT_FALSE(skipped.outcome.converged);
    EXPECT_EQ(skipped.outcome.unconverged, "broker 3 is fenced");
}

}  // namespace
}  // namespace tribunal
