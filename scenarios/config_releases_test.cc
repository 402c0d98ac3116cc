// What a name means in which release: before it was there, while it acted, and after it went.
#include <gtest/gtest.h>

#include "scenarios/config_table.h"
#include "scenarios/scenario.h"

namespace tribunal {
namespace {

using enum ConfigScope;
using Named = std::vector<std::pair<std::string, std::string>>;

struct Applied {
    Settings settings;
    std::vector<std::string> warnings;
    std::string error;
};
Applied apply(ConfigScope scope, std::string_view release, const Named& named) {
    const Edition& edition = *find_edition(release);
    Applied applied{default_settings(edition), {}, ""};
    try {
        for (const auto& [name, value] : named) {
            apply_setting(scope, edition, name, value, applied.settings);
        }
        complete_settings(scope, edition, applied.settings, applied.warnings);
    } catch (const ConfigError& error) {
        applied.error = error.what();
    }
    return applied;
}
Settings with(ConfigScope scope, std::string_view release, const Named& named) {
    const Applied applied = apply(scope, release, named);
    EXPECT_EQ(applied.error, "");
    return applied.settings;
}
Support support_in(ConfigScope scope, std::string_view release, std::string_view name,
                   std::string_view value) {
    Settings settings = default_settings(*find_edition(release));
    return apply_setting(scope, *find_edition(release), name, value, settings);
}

TEST(ConfigReleases, refuse_what_came_later_and_name_the_release) {
    struct Row {
        ConfigScope scope;
        const char* release;
        const char* name;
        const char* since;
    };
    const Row rows[] = {
        {server, "1.0", "max.incremental.fetch.session.cache.slots", "1.1"},
        {server, "2.4", "fetch.max.bytes", "2.5"},
        {server, "3.3", "producer.id.expiration.ms", "3.4"},
        {server, "3.8", "unclean.leader.election.interval.ms", "3.9"},
        {server, "3.3", "metadata.log.max.snapshot.interval.ms", "3.4"},
        {server, "2.0", "process.roles", "2.8"},
        {server, "2.8", "group.consumer.max.size", "3.5"},
        {topic, "3.5", "message.timestamp.before.max.ms", "3.6"},
        {consumer, "2.2", "client.rack", "2.3"},
        {consumer, "2.2", "group.instance.id", "2.3"},
        {producer, "3.7", "compression.gzip.level", "3.8"},
        {producer, "2.0", "client.dns.lookup", "2.1"},
    };
    for (const Row& row : rows) {
        EXPECT_EQ(apply(row.scope, row.release, {{row.name, "1"}}).error,
                  std::string(row.name) + " exists since Kafka " + row.since +
                      ", and this scenario is for " + row.release);
    }
    // Nothing runs without these here: every edition's cluster is one of KRaft.
    EXPECT_EQ(apply(server, "0.10", {{"broker.session.timeout.ms", "3000"}}).error, "");
    EXPECT_EQ(apply(server, "0.10", {{"broker.heartbeat.interval.ms", "500"}}).error, "");
}

TEST(ConfigReleases, accept_what_is_gone_and_say_so) {
    struct Row {
        ConfigScope scope;
        const char* name;
        const char* value;
        const char* last;
        const char* gone;
    };
    const Row rows[] = {
        {server, "inter.broker.protocol.version", "3.5", "3.9", "4.0"},
        {server, "zookeeper.connect", "a:2181", "3.9", "4.0"},
        {server, "log.message.format.version", "3.0", "3.9", "4.0"},
        {server, "host.name", "a", "2.8", "3.0"},
        {server, "offsets.commit.required.acks", "-1", "3.9", "4.0"},
        {server, "zookeeper.sync.time.ms", "2000", "3.1", "3.2"},
        {topic, "message.timestamp.difference.max.ms", "1000", "3.9", "4.0"},
        {producer, "block.on.buffer.full", "true", "0.10", "0.11"},
        {producer, "timeout.ms", "1000", "0.10", "0.11"},
        {producer, "metadata.fetch.timeout.ms", "1000", "0.10", "0.11"},
    };
    for (const Row& row : rows) {
        const Setting* setting = find_setting(row.scope, row.name);
        ASSERT_NE(setting, nullptr) << row.name;
        EXPECT_EQ(why_idle(*setting, *find_edition(row.last)), "") << row.name;
        EXPECT_EQ(why_idle(*setting, *find_edition(row.gone)),
                  std::string("removed in ") + row.gone);
        EXPECT_EQ(support_in(row.scope, row.gone, row.name, row.value), Support::no_effect);
    }
    EXPECT_EQ(with(topic, "4.0", {{"message.timestamp.difference.max.ms", "1"}}).topic,
              default_settings(*find_edition("4.0")).topic);
    EXPECT_EQ(apply(server, "4.0", {{"eligible.leader.replicas.enable", "true"}}).error,
              "eligible.leader.replicas.enable was removed in Kafka 4.0; there is "
              "eligible.leader.replicas.version, which an admin's update_features raises");
    EXPECT_EQ(support_in(server, "3.8", "eligible.leader.replicas.enable", "true"),
              Support::no_effect);
}

TEST(ConfigReleases, leave_alone_what_distributions_add) {
    for (const char* name :
         {"confluent.support.metrics.enable", "strimzi.authorization.x", "cruise.control.metrics.x",
          "client.quota.callback.static.produce", "config.providers"}) {
        EXPECT_EQ(support_in(server, "2.8", name, "x"), Support::no_effect) << name;
    }
    EXPECT_NE(apply(server, "2.8", {{"confluence.x", "x"}}).error, "");
}

// KIP-937.
TEST(ConfigReleases, bound_timestamps_by_one_difference_then_by_two_sides) {
    struct Row {
        const char* release;
        Named named;
        Duration before, after;
    };
    const std::pair<std::string, std::string> difference{"message.timestamp.difference.max.ms",
                                                         "1000"};
    const std::pair<std::string, std::string> before{"message.timestamp.before.max.ms", "20"};
    const std::pair<std::string, std::string> after{"message.timestamp.after.max.ms", "30"};
    const Row rows[] = {
        {"3.5", {}, kForever, kForever},
        {"3.5", {difference}, seconds(1), seconds(1)},
        {"3.6", {difference}, seconds(1), seconds(1)},
        {"3.6", {difference, before}, milliseconds(20), seconds(1)},
        {"3.9", {before, difference}, milliseconds(20), seconds(1)},
        {"3.9", {after, difference}, seconds(1), milliseconds(30)},
        {"3.9", {after, before}, milliseconds(20), milliseconds(30)},
        {"4.0", {difference}, kForever, seconds(3600)},
        {"4.0", {before}, milliseconds(20), seconds(3600)},
    };
    for (const Row& row : rows) {
        const TopicConfig config = with(topic, row.release, row.named).topic;
        EXPECT_EQ(config.timestamp_before_max, row.before) << row.release;
        EXPECT_EQ(config.timestamp_after_max, row.after) << row.release;
    }
}

TEST(ConfigReleases, expire_producer_ids_as_transactional_ids_before_they_had_their_own) {
    const Named named{{"transactional.id.expiration.ms", "5000"}};
    EXPECT_EQ(with(server, "3.3", named).broker.producer_id_expiration, seconds(5));
    EXPECT_EQ(with(server, "3.4", named).broker.producer_id_expiration, seconds(24 * 3600));
    EXPECT_EQ(with(server, "3.3", {}).broker.producer_id_expiration, seconds(7 * 24 * 3600));
}

TEST(ConfigReleases, take_a_session_from_zookeeper_where_there_was_one) {
    const Named named{{"zookeeper.session.timeout.ms", "60000"}};
    EXPECT_EQ(with(server, "2.8", named).broker.broker_session_timeout, seconds(60));
    EXPECT_EQ(with(server, "3.0", named).broker.broker_session_timeout, seconds(9));
    const Named both{named[0], {"broker.session.timeout.ms", "3000"}};
    EXPECT_EQ(with(server, "2.8", both).broker.broker_session_timeout, seconds(3));
}

TEST(ConfigReleases, make_a_static_quorum_of_named_voters) {
    const BrokerConfig named =
        with(server, "3.9", {{"controller.quorum.voters", "100@a:9093"}}).broker;
    EXPECT_EQ(named.bootstrap_features.kraft_version, 0);
    EXPECT_FALSE(named.rules.raft_reconfiguration);
    const BrokerConfig found =
        with(server, "3.9", {{"controller.quorum.bootstrap.servers", "a:9093"}}).broker;
    EXPECT_EQ(found.bootstrap_features.kraft_version, 1);
    EXPECT_TRUE(found.rules.raft_reconfiguration);
}

TEST(ConfigReleases, have_the_partitioners_of_their_time) {
    using enum PartitionerKind;
    struct Row {
        const char* release;
        const char* name;  // null: not set
        PartitionerKind kind;
        const char* error;
    };
    const Row rows[] = {
        {"2.3", nullptr, default_round_robin, ""},
        {"2.3", "", default_round_robin, ""},
        {"2.3", "DefaultPartitioner", default_round_robin, ""},
        {"2.4", nullptr, default_sticky, ""},
        {"2.4", "org.apache.kafka.clients.producer.internals.DefaultPartitioner", default_sticky,
         ""},
        {"3.3", nullptr, builtin, ""},
        {"3.3", "DefaultPartitioner", default_sticky, ""},
        {"3.9", "UniformStickyPartitioner", uniform_sticky, ""},
        {"4.0", "RoundRobinPartitioner", round_robin, ""},
        {"4.0", "DefaultPartitioner", builtin,
         "this partitioner.class was removed in Kafka 4.0, and this scenario is for 4.0"},
        {"2.3", "RoundRobinPartitioner", builtin,
         "this partitioner.class exists since Kafka 2.4, and this scenario is for 2.3"},
    };
    for (const Row& row : rows) {
        const Applied applied =
            apply(producer, row.release,
                  row.name == nullptr ? Named{} : Named{{"partitioner.class", row.name}});
        EXPECT_EQ(applied.error, row.error) << row.release;
        if (applied.error.empty()) {
            EXPECT_EQ(applied.settings.producer.partitioner, row.kind) << row.release;
        }
    }
}

TEST(ConfigReleases, warn_of_what_the_controllers_of_kraft_do_not_read) {
    const Named unclean{{"unclean.leader.election.enable", "true"}};
    const Named balance{{"auto.leader.rebalance.enable", "true"}};
    for (const ConfigScope scope : {server, topic}) {
        EXPECT_EQ(apply(scope, "2.8", unclean).warnings.size(), 0u);
        EXPECT_EQ(apply(scope, "3.0", unclean).warnings.size(), 1u);
        EXPECT_EQ(apply(scope, "3.8", unclean).warnings.size(), 1u);
        EXPECT_EQ(apply(scope, "3.9", unclean).warnings.size(), 0u);
    }
    EXPECT_EQ(apply(server, "3.1", balance).warnings.size(), 1u);
    EXPECT_FALSE(apply(server, "3.1", balance).settings.broker.auto_leader_rebalance_enable);
    EXPECT_TRUE(apply(server, "3.2", balance).settings.broker.auto_leader_rebalance_enable);
    EXPECT_TRUE(apply(server, "2.8", balance).settings.broker.auto_leader_rebalance_enable);
}

// A topic that sets nothing has them all the same.
TEST(ConfigReleases, check_what_topics_inherit) {
    EXPECT_EQ(apply(server, "2.0", {{"compression.type", "zstd"}}).error,
              "compression.type zstd exists since Kafka 2.1, and this scenario is for 2.0");
    EXPECT_EQ(apply(server, "3.9",
                    {{"log.cleaner.min.compaction.lag.ms", "1000"},
                     {"log.cleaner.max.compaction.lag.ms", "10"}})
                  .error,
              "conflict topic config setting min.compaction.lag.ms (1000) > "
              "max.compaction.lag.ms (10)");
    try {
        parse_scenario(R"({"name": "t", "kafka": "2.0",
                           "cluster": {"config": {"compression.type": "zstd"}},
                           "topics": [{"name": "orders"}]})",
                       "t.json", "");
        FAIL() << "accepted";
    } catch (const ScenarioError& error) {
        EXPECT_STREQ(error.what(),
                     "t.json: /cluster/config: compression.type zstd exists since Kafka 2.1, and "
                     "this scenario is for 2.0");
    }
}

TEST(ConfigReleases, count_min_insync_replicas_as_they_did) {
    const auto warnings = [](const std::string& release) {
        return parse_scenario(R"({"name": "t", "kafka": ")" + release + R"(",
                                  "topics": [{"name": "orders", "replication.factor": 2,
                                              "config": {"min.insync.replicas": 3}}]})",
                              "t.json", "")
            .warnings;
    };
    EXPECT_EQ(warnings("3.6"),
              (std::vector<std::string>{"/topics/0: min.insync.replicas 3 is larger than "
                                        "replication.factor 2: no acks=all write can succeed"}));
    EXPECT_EQ(warnings("3.7"),
              (std::vector<std::string>{"/topics/0: min.insync.replicas 3 is larger than "
                                        "replication.factor 2: it counts as 2"}));
}

}  // namespace
}  // namespace tribunal
