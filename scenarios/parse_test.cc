// What a scenario file may say and what it comes to, and what the schema and the units allow.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "scenarios/config_table.h"
#include "scenarios/editions.h"
#include "scenarios/json_place.h"
#include "scenarios/scenario.h"
#include "scenarios/schema_check.h"
#include "scenarios/targets.h"
#include "scenarios/units.h"

namespace tribunal {
namespace {

std::string read_source(const std::string& name) {
    std::ifstream file(std::string(TRIBUNAL_SOURCE_DIR) + "/scenarios/" + name);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

Scenario parsed(const std::string& text, const std::string& folder = "") {
    return parse_scenario(text, "t.json", folder);
}

// File, pointers, texts and warnings are about a file, not about what it says.
Scenario without_origin(Scenario scenario) {
    scenario.file.clear();
    scenario.warnings.clear();
    for (FaultSpec& fault : scenario.faults) fault.text = fault.pointer = "";
    for (Expectation& expectation : scenario.expect) expectation.pointer.clear();
    return scenario;
}

class TemporaryFolder {
  public:
    explicit TemporaryFolder(const std::string& name)
        : path_(std::filesystem::temp_directory_path() / ("tribunal_parse_test_" + name)) {
        std::filesystem::create_directories(path_);
    }
    ~TemporaryFolder() { std::filesystem::remove_all(path_); }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    void write(const std::string& name, const std::string& bytes) const {
        std::ofstream(path_ / name, std::ios::binary) << bytes;
    }
    std::string path() const { return path_.string(); }

  private:
    std::filesystem::path path_;
};

// Every key of the format that needs no other file; also an example to read.
std::string every_key() { return read_source("every_key.json"); }

TEST(ParseScenario, understands_everything) {
    const Scenario s = parsed(every_key());
    EXPECT_EQ(s.seed, UINT64_MAX);
    EXPECT_EQ(s.edition, "3.9");
    EXPECT_EQ(s.cluster.brokers, 5);
    EXPECT_EQ(s.cluster.racks, (std::vector<std::string>{"east", "east", "west", "west", "north"}));
    EXPECT_EQ(s.cluster.config.rules.truncation, TruncationRule::kip101);
    EXPECT_EQ(s.cluster.config.planted_bug, PlantedBug::leader_truncates);
    EXPECT_EQ(s.cluster.topic_defaults.timestamp_after_max, kForever);  // before KIP-1030
    EXPECT_EQ(s.cluster.topic_defaults.retention, seconds(1800));       // minutes win over hours
    EXPECT_EQ(s.without_effect, (std::vector<std::string>{"num.io.threads (cluster)"}));

    EXPECT_EQ(s.cluster.rack_of(broker_id(5)), "north");

    ASSERT_EQ(s.topics.size(), 2u);
    EXPECT_EQ(s.topics[0].partitions, 6);
    EXPECT_EQ(s.topics[0].replication_factor, 3);
    EXPECT_EQ(s.topics[0].config.min_insync_replicas, 2);
    EXPECT_TRUE(s.topics[0].config.unclean_leader_election_enable);
    EXPECT_EQ(s.topics[1].partitions, 3);
    EXPECT_EQ(s.topics[1].replication_factor, 2);
    EXPECT_EQ(s.topics[1].assignment[2], (std::vector<NodeId>{broker_id(5), broker_id(4)}));

    ASSERT_EQ(s.clients.size(), 5u);
    const auto& p1 = std::get<ProducerSpec>(s.clients[1]);
    EXPECT_EQ(p1.config.acks, 1);
    EXPECT_EQ(p1.config.linger, Duration{});  // before KIP-1030
    EXPECT_EQ(p1.key_serializer, Serde::long_integer);
    EXPECT_EQ(p1.value_serializer, Serde::bytes);
    EXPECT_EQ(p1.load.interval, nanoseconds(333'333'333));
    EXPECT_EQ(p1.load.value_size, 1024);
    EXPECT_EQ(p1.load.start, Instant{1'500'000'000});
    EXPECT_TRUE(p1.load.await);
    const auto& p2 = std::get<ProducerSpec>(s.clients[2]);
    ASSERT_EQ(p2.load.lines.size(), 5u);
    EXPECT_EQ(p2.load.records, 5u);
    EXPECT_EQ(p2.load.lines[1].value, std::nullopt);
    EXPECT_EQ(p2.load.lines[2].value, "\xff");
    EXPECT_EQ(p2.load.lines[3].key, "");
    EXPECT_EQ(p2.load.lines[4].headers[0].value, std::nullopt);
    const auto& c1 = std::get<ConsumerSpec>(s.clients[3]);
    EXPECT_EQ(c1.seeks[0].offset, Offset{17});
    EXPECT_TRUE(c1.seeks[1].to_beginning);
    EXPECT_TRUE(c1.seeks[2].to_end);

    ASSERT_EQ(s.faults.size(), 22u);
    EXPECT_EQ(s.faults[0].target.topic, "pay-ments");
    EXPECT_EQ(s.faults[0].target.partition, 2);
    EXPECT_EQ(s.faults[0].pointer, "/faults/0");
    EXPECT_EQ(s.faults[0].text, "kill leader(pay-ments-2)");
    EXPECT_EQ(s.faults[1].keep_percent, 50);
    EXPECT_TRUE(s.faults[1].torn_tail);
    EXPECT_EQ(s.faults[6].target.node, client_id(1));
    EXPECT_EQ(s.faults[8].every, milliseconds(500));
    EXPECT_EQ(s.faults[8].until, Instant{} + seconds(9));
    EXPECT_EQ(s.faults[8].text, "isolate any broker from controller(100)");
    EXPECT_EQ(s.faults[10].direction, Direction::from_target);
    EXPECT_EQ(s.faults[12].text, "slow_link followers(orders-0) and leader(orders-0) by 20ms");
    EXPECT_EQ(s.faults[18].amount, seconds(-3600));
    EXPECT_EQ(s.faults[21].target.topic, "west");
    EXPECT_EQ(s.faults[21].text, "upgrade rack(west) to 4.1");
    EXPECT_EQ(s.world.bandwidth, 10 << 20);
    EXPECT_EQ(s.world.disk_sync.mean, milliseconds(20));
    EXPECT_EQ(s.heal_for, seconds(120));
    ASSERT_EQ(s.expect.size(), 2u);
    EXPECT_EQ(s.expect[0].property, "D1");
    EXPECT_EQ(s.expect[0].pointer, "/expect/lost-write");
}

TEST(ParseScenario, gives_what_is_not_said_its_default) {
    const Scenario s = parsed(R"({ "name": "x", "cluster": { "brokers": 2 },
        "topics": [ { "name": "o" } ], "clients": [ { "producer": "p", "topic": "o" } ] })");
    EXPECT_EQ(s.edition, "4.1");
    EXPECT_EQ(s.topics[0].replication_factor, 2);
    EXPECT_EQ(s.topics[0].partitions, 1);
    EXPECT_EQ(s.topics[0].config, TopicConfig{});
    EXPECT_EQ(s.cluster.config.offsets_topic_replication_factor, 2);
    EXPECT_EQ(std::get<ProducerSpec>(s.clients[0]).config,
              default_settings(newest_edition()).producer);
    EXPECT_EQ(std::get<ProducerSpec>(s.clients[0]).load, LoadSpec{});
    EXPECT_EQ(s.world, WorldOptions{});
    EXPECT_EQ(s.run_for, seconds(10));
    EXPECT_TRUE(s.warnings.empty());
}

TEST(ParseScenario, warns_of_what_is_legal_and_hardly_meant) {
    const Scenario s = parsed(R"({ "name": "x",
        "topics": [ { "name": "o", "replication.factor": 2, "config": { "min.insync.replicas": 3 } } ],
        "clients": [ { "producer": "p", "topic": "o", "config": { "linger.ms": 100000 } } ] })");
    EXPECT_EQ(s.warnings,
              (std::vector<std::string>{
                  "/topics/0: min.insync.replicas 3 is larger than replication.factor 2: it "
                  "counts as 2",
                  "/clients/0/config: delivery.timeout.ms should be equal to or larger than "
                  "linger.ms + request.timeout.ms. Setting it to 130000."}));
    EXPECT_EQ(std::get<ProducerSpec>(s.clients[0]).config.delivery_timeout, seconds(130));
}

TEST(ParseScenario, reads_the_files_beside_it) {
    const TemporaryFolder folder("files");
    folder.write("server.properties",
                 "node.id=1\nnum.network.threads=3\nlog.retention.hours=168\nnum.partitions=2\n"
                 "default.replication.factor=1\nnum.partitions=4\n");
    folder.write("consumer.properties", "group.id=billing\nbootstrap.servers=b:9092\n");
    folder.write("orders.txt", "k1:one\nk2:two\n");
    folder.write("tour.json", R"({ "name": "x",
        "cluster": { "config": ["server.properties", { "log.retention.ms": 1000 }] },
        "topics": [ { "name": "o" } ],
        "clients": [
          { "producer": "p", "topic": "o",
            "load": { "file": "orders.txt", "parse.key": true, "key.separator": ":" } },
          { "producer": "q", "topic": "o", "load": "orders.txt" },
          { "consumer": "c", "topics": ["o"], "config": "consumer.properties" } ] })");
    const Scenario s = load_scenario(folder.path() + "/tour.json");
    EXPECT_EQ(s.topics[0].partitions, 4);
    EXPECT_EQ(s.topics[0].replication_factor, 1);
    EXPECT_EQ(s.topics[0].config.retention, seconds(1));
    EXPECT_EQ(std::get<ProducerSpec>(s.clients[0]).load.lines[1].key, "k2");
    EXPECT_EQ(std::get<ProducerSpec>(s.clients[1]).load.lines[1].value, "k2:two");
    EXPECT_EQ(std::get<ConsumerSpec>(s.clients[2]).group, "billing");
    EXPECT_EQ(s.without_effect,
              (std::vector<std::string>{"node.id (server.properties)",
                                        "num.network.threads (server.properties)",
                                        "bootstrap.servers (consumer.properties)"}));
    EXPECT_EQ(s.warnings, (std::vector<std::string>{
                              "/cluster/config/0: server.properties:4: num.partitions is set again "
                              "in line 6, which wins"}));
    EXPECT_EQ(without_origin(parsed(to_json_text(s))), without_origin(s));
}

TEST(ParseScenario, loads_what_it_printed_to_the_same) {
    const Scenario s = parsed(every_key());
    const std::string text = to_json_text(s);
    const Scenario again = parsed(text);
    EXPECT_EQ(without_origin(again), without_origin(s)) << text;
    EXPECT_EQ(to_json_text(again), text);
    EXPECT_EQ(schema_error(Json::parse(text)), "");
}

TEST(Schema, is_the_text_of_the_file) { EXPECT_EQ(read_source("schema.json"), scenario_schema()); }

TEST(Schema, knows_the_editions_of_the_table) {
    std::vector<std::string> names;
    for (const Edition& edition : all_editions()) names.emplace_back(edition.name);
    const Json schema = Json::parse(scenario_schema());
    EXPECT_EQ(schema["properties"]["kafka"]["enum"], Json(names));
}

TEST(Schema, refuses_a_wrong_shape_by_itself) {
    for (const char* patch :
         {R"({"name": 1})", R"({"topcis": []})", R"({"kafka": "5.0"})",
          R"({"cluster": {"brokers": 0}})", R"({"topics": [{}]})",
          R"({"clients": [{"topic": "orders"}]})", R"({"faults": [{"kill": "broker 1"}]})",
          R"({"faults": [{"at": 1, "kill": "broker 1"}]})", R"({"run": {"for": 10}})",
          R"({"expect": {"D1": "maybe"}})", R"({"world": {"disk": {"fsync": {}}}})"}) {
        Json document = Json::parse(every_key());
        EXPECT_EQ(schema_error(document), "");
        document.merge_patch(Json::parse(patch));
        EXPECT_NE(schema_error(document), "") << patch;
    }
}

TEST(Units, are_exact_in_both_directions) {
    EXPECT_EQ(parse_duration("1.5s"), milliseconds(1500));
    EXPECT_EQ(parse_duration("0.000001s"), microseconds(1));
    EXPECT_EQ(parse_duration("-2m"), seconds(-120));
    for (const char* bad : {"", "s", "1", "1.s", ".5s", "1S", "1 s", "0.5ns", "1s1", "--1s", "+1s",
                            "99999999999h", "1e3s"}) {
        EXPECT_EQ(parse_duration(bad), std::nullopt) << bad;
    }
    EXPECT_EQ(parse_rate("10/m"), seconds(6));
    for (const char* bad : {"", "/", "10", "10/", "/s", "0/s", "-1/s", "1.5/s", "2/ns"}) {
        EXPECT_EQ(parse_rate(bad), std::nullopt) << bad;
    }
    EXPECT_EQ(parse_size("1.5KiB"), 1536);
    EXPECT_EQ(parse_size("0"), 0);
    for (const char* bad : {"", "KiB", "1KB", "-1", "9999999999GiB", "0.3B"}) {
        EXPECT_EQ(parse_size(bad), std::nullopt) << bad;
    }
    for (const char* bad : {"A", "AA=A", "=AAA", "A===", "AAAAA", "AA==AAAA", "A A="}) {
        EXPECT_EQ(from_base64(bad), std::nullopt) << bad;
    }
}

RC_GTEST_PROP(Units, come_back_from_their_text, (const std::string& bytes)) {
    const Duration duration{
        *rc::gen::inRange<std::int64_t>(-kLongestDuration.value, kLongestDuration.value)};
    RC_ASSERT(parse_duration(to_text(duration)) == duration);
    RC_ASSERT(from_base64(to_base64(bytes)) == bytes);
    const Duration interval{*rc::gen::inRange<std::int64_t>(1, 100'000'000'000)};
    if (const auto rate = rate_text(interval)) RC_ASSERT(parse_rate(*rate) == interval);
}

}  // namespace
}  // namespace tribunal
