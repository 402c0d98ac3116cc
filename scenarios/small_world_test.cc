#include "scenarios/small_world.h"

#include <gtest/gtest.h>

namespace tribunal {
namespace {

std::string folder() { return TRIBUNAL_SOURCE_DIR "/scenarios/small/"; }

std::vector<std::string> broken_in(const SearchResult& result) {
    std::vector<std::string> broken;
    for (const PropertyResult& p : result.properties) {
        if (p.verdict == Verdict::fail) broken.push_back(p.name);
    }
    return broken;
}

std::string error_of(const std::string& text) {
    try {
        parse_scenario(text, "t.json", "");
    } catch (const ScenarioError& error) {
        return error.what();
    }
    return "";
}

TEST(SmallWorld, a_quorum_is_checked_and_printed_as_it_was_read) {
    const Scenario scenario = load_scenario(folder() + "quorum.json");
    ASSERT_TRUE(scenario.check && scenario.check->quorum);
    const Scenario again = parse_scenario(to_json_text(scenario), scenario.file, "");
    EXPECT_EQ(again.check, scenario.check);
    const SearchResult result = check_small_world(scenario, SearchOptions{});
    EXPECT_TRUE(result.complete);
    EXPECT_FALSE(result.any_failed());
    EXPECT_EQ(error_of(R"({"name": "x", "check": {"world": "quorum", "voters": 9}})"),
              "t.json: /check/voters: found 9, expected an integer from 1 to 5");
    EXPECT_EQ(error_of(R"({"name": "x", "check": {"world": "moon"}})"),
              "t.json: /check/world: found \"moon\", expected partition or quorum");
}

TEST(SmallWorld, a_counterexample_survives_being_written_and_read) {
    Scenario scenario = load_scenario(folder() + "one-partition.json");
    scenario = with_bounds(scenario, {.writes = 1, .crashes = 1, .losses = 0});
    scenario.cluster.config.planted_bug = PlantedBug::ack_before_isr;
    SearchOptions options;
    options.stop_at_first = true;
    const SearchResult found = check_small_world(scenario, options);
    const PropertyResult* r1 = found.find("R1");
    ASSERT_NE(r1, nullptr);
    ASSERT_EQ(r1->verdict, Verdict::fail);
    const std::string text = to_json_text(counterexample_of(scenario, *r1));
    const Scenario again = parse_scenario(text, "again.json", "");
    const SearchResult played = play_schedule(again);
    EXPECT_EQ(broken_in(played), std::vector<std::string>{"R1"});
    const PropertyResult* replayed = played.find("R1");
    ASSERT_EQ(replayed->path.size(), r1->path.size());
    for (std::size_t i = 0; i < r1->path.size(); ++i) {
        EXPECT_EQ(replayed->path[i].action, r1->path[i].action);
        EXPECT_EQ(replayed->path[i].state, r1->path[i].state);
    }
    EXPECT_EQ(to_json_text(again), text);
}

TEST(SmallWorld, every_bound_is_printed_as_it_was_read) {
    Scenario scenario = load_scenario(folder() + "one-partition.json");
    scenario.check->bounds = {.writes = 2,
                              .crashes = 1,
                              .power_losses = 2,
                              .losses = 3,
                              .timers = 4,
                              .epochs = 5,
                              .elections = 6};
    const Scenario again = parse_scenario(to_json_text(scenario), scenario.file, "");
    EXPECT_EQ(again.check, scenario.check);
}

TEST(SmallWorld, a_schedule_that_does_not_fit_says_what_was_left_out) {
    Scenario scenario = load_scenario(folder() + "one-partition.json");
    scenario.check->schedule = {"write to 1", "kill 7", "fetch response 1 -> 2"};
    const SearchResult result = play_schedule(scenario);
    EXPECT_TRUE(broken_in(result).empty());
    EXPECT_NE(result.stopped_by.find("1 of its 3 steps were not possible here, first \"kill 7\""),
              std::string::npos)
        << result.stopped_by;
    EXPECT_EQ(result.distinct, 3u);
}

TEST(SmallWorld, bounds_of_the_command_line_win_and_are_checked) {
    const Scenario scenario = load_scenario(folder() + "one-partition.json");
    const Scenario other = with_bounds(scenario, {.writes = 3, .timers = 2});
    EXPECT_EQ(other.check->bounds.writes, 3);
    EXPECT_EQ(other.check->bounds.timers, 2);
    EXPECT_EQ(other.check->bounds.crashes, 1);
    EXPECT_THROW(with_bounds(scenario, {.writes = 9}), ScenarioError);
    EXPECT_THROW(with_bounds(scenario, {.crashes = 101}), ScenarioError);
    Scenario none = scenario;
    none.check.reset();
    EXPECT_THROW(with_bounds(none, {}), ScenarioError);
}

TEST(SmallWorld, refuses_what_it_cannot_be_made_of) {
    const std::string head = R"({"name": "n", "cluster": {"brokers": 3}, )";
    const std::string topic = R"("topics": [{"name": "t", "partitions": 1}], )";
    const std::string producer =
        R"("clients": [{"producer": "p", "topic": "t", "load": {"records": 2}}], )";
    EXPECT_EQ(error_of(head + topic + producer + R"("check": {"crashes": 1}})"), "");
    EXPECT_EQ(error_of(head + topic + producer + R"("check": {"crash": 1}})"),
              "t.json: /check/crash: unknown key; did you mean 'crashes'?");
    EXPECT_EQ(error_of(head + topic + producer + R"("check": {"crashes": 101}})"),
              "t.json: /check/crashes: found 101, expected an integer from 0 to 100");
    EXPECT_EQ(error_of(head + topic + R"("check": {}})"),
              "t.json: /check: a small world has one topic of one partition, and one producer");
    EXPECT_EQ(error_of(head + R"("topics": [{"name": "t", "replication.factor": 2}], )" + producer +
                       R"("check": {}})"),
              "t.json: /check: a small world has 1 to 6 brokers, each with a replica");
    EXPECT_EQ(error_of(head + topic +
                       R"("clients": [{"producer": "p", "topic": "t", "load": {"records": 9}}], )"
                       R"("check": {}})"),
              "t.json: /check: the producer of a small world sends 1 to 8 records");
    EXPECT_EQ(error_of(head + topic + producer +
                       R"("faults": [{"at": "1s", "kill": "broker 1"}], "check": {}})"),
              "t.json: /check: a small world takes every fault within its bounds; leave "
              "\"faults\" away");
}

}  // namespace
}  // namespace tribunal
