// The table of settings against Kafka's rules, and against the structs that it fills: no field of
// theirs without a name, no name that does nothing.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <set>

#include "scenarios/config_table.h"

namespace tribunal {
namespace {

constexpr ConfigScope kScopes[] = {ConfigScope::server, ConfigScope::topic, ConfigScope::producer,
                                   ConfigScope::consumer};

Settings with(ConfigScope scope, const std::vector<std::pair<std::string, std::string>>& named,
              const Edition& edition = newest_edition()) {
    Settings settings = default_settings(edition);
    for (const auto& [name, value] : named) apply_setting(scope, edition, name, value, settings);
    std::vector<std::string> warnings;
    complete_settings(scope, edition, settings, warnings);
    return settings;
}

std::string error_of(ConfigScope scope, const std::string& name, const std::string& value) {
    try {
        with(scope, {{name, value}});
    } catch (const ConfigError& error) {
        return error.what();
    }
    return "no error";
}

TEST(ConfigTable, has_every_name_once_a_scope) {
    for (const ConfigScope scope : kScopes) {
        std::set<std::string_view> seen;
        for (const std::string_view name : setting_names(scope)) {
            EXPECT_TRUE(seen.insert(name).second) << name_of(scope) << ' ' << name;
            ASSERT_NE(find_setting(scope, name), nullptr);
        }
    }
}

TEST(ConfigTable, knows_kafkas_names) {
    EXPECT_GT(setting_names(ConfigScope::server).size(), 350u);
    EXPECT_GT(setting_names(ConfigScope::topic).size(), 30u);
    EXPECT_GT(setting_names(ConfigScope::producer).size(), 100u);
    EXPECT_GT(setting_names(ConfigScope::consumer).size(), 100u);
    for (const char* name : {"process.roles",
                             "node.id",
                             "listeners",
                             "advertised.listeners",
                             "controller.listener.names",
                             "listener.security.protocol.map",
                             "num.network.threads",
                             "num.io.threads",
                             "socket.send.buffer.bytes",
                             "socket.request.max.bytes",
                             "log.dirs",
                             "num.recovery.threads.per.data.dir",
                             "transaction.state.log.replication.factor",
                             "transaction.state.log.min.isr",
                             "zookeeper.connect",
                             "group.initial.rebalance.delay.ms",
                             "auto.create.topics.enable",
                             "broker.id",
                             "inter.broker.protocol.version",
                             "log.cleaner.threads",
                             "super.users"}) {
        const Setting* setting = find_setting(ConfigScope::server, name);
        ASSERT_NE(setting, nullptr) << name;
        EXPECT_EQ(setting->support(), Support::no_effect) << name;
    }
    // Names of listeners and plug-ins are open ended.
    EXPECT_EQ(error_of(ConfigScope::server, "listener.name.internal.ssl.keystore.location", "x"),
              "no error");
    EXPECT_EQ(error_of(ConfigScope::producer, "config.providers.file.class", "x"), "no error");
}

// A value that is not the default, for settings of whatever type.
std::string other_value(const Setting& setting, const Settings& settings) {
    if (setting.name == "acks") return "0";
    if (setting.name == "auto.offset.reset") return "none";
    if (setting.name == "tribunal.truncation") return "kip101";
    if (setting.name == "tribunal.planted.bug") return "leader_truncates";
    if (setting.name == "min.cleanable.dirty.ratio") return "0.25";
    if (setting.name == "log.cleaner.min.cleanable.ratio") return "0.25";
    if (setting.name.ends_with("cleanup.policy")) return "compact";
    if (setting.name == "compression.type") return "lz4";
    if (setting.name == "replica.selector.class") {
        return "org.apache.kafka.common.replica.RackAwareReplicaSelector";
    }
    if (setting.name == "isolation.level") return "read_committed";
    if (setting.name == "tribunal.rule.dedup_window") return "1";
    if (setting.name == "partitioner.class") return "RoundRobinPartitioner";
    if (!setting.one_of.empty()) {
        return std::string(setting.one_of.substr(setting.one_of.rfind('|') + 1));
    }
    const std::string value = setting.binding.get(settings);
    if (setting.type == SettingType::boolean) return value == "true" ? "false" : "true";
    return value == "2000" ? "2001" : "2000";
}

template <class Config>
void expect_every_field_changed(const Config& settings, const Config& defaults) {
    visit_fields(settings, [&](const char* name, const auto& value) {
        visit_fields(defaults, [&](const char* other, const auto& usual) {
            if constexpr (std::is_same_v<decltype(value), decltype(usual)>) {
                // Both words of cleanup.policy change, and which codec only without `producer`.
                // What a release can do is the edition's, no setting's.
                const bool of_edition = std::string_view(name).ends_with("_features");
                if (std::string_view(name) == other && !of_edition) {
                    EXPECT_FALSE(value == usual) << name;
                }
            }
        });
    });
}

TEST(ConfigTable, reaches_every_field_and_every_name_changes_something) {
    const Settings defaults = default_settings(newest_edition());
    Settings all = defaults;
    for (const ConfigScope scope : kScopes) {
        for (const auto table : settings_of(scope)) {
            for (const Setting& setting : table) {
                if (setting.binding.get == nullptr) continue;
                const bool is_old = !acts_in(setting, newest_edition());
                const Edition& edition = is_old ? *find_edition("2.8") : newest_edition();
                const std::string value = other_value(setting, defaults);
                apply_setting(scope, edition, setting.name, value, all);
                Settings one = defaults;
                apply_setting(scope, edition, setting.name, value, one);
                one.named.clear();
                if (setting.name == "log.retention.ms") one.topic.retention = *one.log_retention_ms;
                if (setting.name == "log.roll.ms") one.topic.segment_age = *one.log_roll_ms;
                EXPECT_FALSE(one == defaults) << setting.name;
                EXPECT_NE(setting.binding.get(one), setting.binding.get(defaults)) << setting.name;
            }
        }
    }
    expect_every_field_changed(all.broker, defaults.broker);
    expect_every_field_changed(all.topic, defaults.topic);
    expect_every_field_changed(all.producer, defaults.producer);
    expect_every_field_changed(all.consumer, defaults.consumer);
}

TEST(ConfigTable, has_the_defaults_of_the_structs) {
    const Settings settings = default_settings(newest_edition());
    EXPECT_EQ(settings.broker, BrokerConfig{});
    EXPECT_EQ(settings.topic, TopicConfig{});
    ProducerConfig producer;
    producer.idempotence = true;  // KIP-679; the struct is the plain producer of unit tests
    EXPECT_EQ(settings.producer, producer);
    EXPECT_EQ(settings.consumer, ConsumerConfig{});
}

TEST(ConfigTable, refuses_in_kafkas_words) {
    struct Row {
        ConfigScope scope;
        const char* name;
        const char* value;
        const char* message;
    };
    using enum ConfigScope;
    const Row rows[] = {
        {producer, "acks", "2",
         "Invalid value 2 for configuration acks: String must be one of: all, -1, 0, 1"},
        {producer, "acks", "All",
         "Invalid value All for configuration acks: String must be one of: all, -1, 0, 1"},
        {producer, "retries", "2147483648",
         "Invalid value 2147483648 for configuration retries: Not a number of type INT"},
        {producer, "retries", "",
         "Invalid value  for configuration retries: Not a number of type INT"},
        {producer, "retries", "1.0",
         "Invalid value 1.0 for configuration retries: Not a number of type INT"},
        {producer, "buffer.memory", "9223372036854775808",
         "Invalid value 9223372036854775808 for configuration buffer.memory: Not a number of type "
         "LONG"},
        {producer, "max.in.flight.requests.per.connection", "0",
         "Invalid value 0 for configuration max.in.flight.requests.per.connection: Value must be "
         "at least 1"},
        {producer, "request.timeout.ms", "200000",
         "no error"},  // delivery.timeout.ms is not set, so that Kafka raises it
        {producer, "delivery.timeout.ms", "30004",
         "delivery.timeout.ms should be equal to or larger than linger.ms + request.timeout.ms"},
        {producer, "delivery.timeout.ms", "30005", "no error"},
        {producer, "compression.type", "gzip", "no error"},
        {producer, "compression.type", "zip",
         "Invalid value zip for configuration compression.type: String must be one of: none, gzip, "
         "snappy, lz4, zstd"},
        {producer, "enable.idempotence", "false", "no error"},
        {producer, "enable.idempotence", "TRUE", "no error"},
        {producer, "session.timeout.ms", "1", "unknown producer setting; it is a consumer setting"},
        {topic, "log.retention.bytes", "1", "unknown topic setting; it is a server setting"},
        {server, "retention.bytes", "1",
         "unknown server setting; it is a topic setting; did you mean 'log.retention.bytes'?"},
        {server, "acsk", "1", "unknown server setting"},
        {producer, "batch.sise", "1", "unknown producer setting; did you mean 'batch.size'?"},
        {producer, "batch_size", "1", "unknown producer setting; did you mean 'batch.size'?"},
        {consumer, "check.crcs", "1",
         "Invalid value 1 for configuration check.crcs: Expected value to be either true or false"},
        {consumer, "check.crcs", " False ", "no error"},
        {consumer, "isolation.level", "read_committed", "no error"},
        {consumer, "max.poll.records", "0",
         "Invalid value 0 for configuration max.poll.records: Value must be at least 1"},
        {topic, "segment.bytes", "13",
         "Invalid value 13 for configuration segment.bytes: Value must be at least 14"},
        {topic, "cleanup.policy", "compact, delete", "no error"},
        {topic, "cleanup.policy", "compact,deletes",
         "Invalid value compact,deletes for configuration cleanup.policy: String must be one of: "
         "compact, delete"},
        {topic, "min.cleanable.dirty.ratio", "0.5", "no error"},
        {topic, "min.cleanable.dirty.ratio", "1.1",
         "Invalid value 1.1 for configuration min.cleanable.dirty.ratio: Value must be no more "
         "than "
         "1"},
        {topic, "compression.type", "producer", "no error"},
        {server, "offsets.topic.replication.factor", "40000",
         "Invalid value 40000 for configuration offsets.topic.replication.factor: Not a number of "
         "type SHORT"},
        {server, "log.cleaner.dedupe.buffer.size", "1048576",
         "log.cleaner.dedupe.buffer.size must be at least 1MB per cleaner thread."},
        {server, "log.cleaner.dedupe.buffer.size", "1048577", "no error"},
        {topic, "cleanup.policy", "", "no error"},
        {consumer, "auto.offset.reset", "by_duration:PT1H",
         "Invalid value by_duration:PT1H for configuration auto.offset.reset: by_duration exists "
         "since Kafka 4.0 and is not supported yet"},
        {producer, "security.protocol", "plaintext", "no error"},
        {producer, "security.protocol", "TLS",
         "Invalid value TLS for configuration security.protocol: String must be one of (case "
         "insensitive): PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL"},
        {server, "process.roles", "foo",
         "Invalid value foo for configuration process.roles: String must be one of: broker, "
         "controller, broker,controller, controller,broker"},
        {producer, "compression.gzip.level", "0",
         "Invalid value 0 for configuration compression.gzip.level: String must be one of: -1, 1, "
         "2, 3, 4, 5, 6, 7, 8, 9"},
        {producer, "compression.gzip.level", "10",
         "Invalid value 10 for configuration compression.gzip.level: Value must be no more than "
         "9"},
        {server, "log.retention.ms", "-2",
         "Invalid value -2 for configuration log.retention.ms: Value must be at least -1"},
        {server, "log.cleaner.io.buffer.load.factor", "0.9", "no error"},
        {server, "log.cleaner.io.buffer.load.factor", "most",
         "Invalid value most for configuration log.cleaner.io.buffer.load.factor: Not a number of "
         "type DOUBLE"},
    };
    for (const Row& row : rows) {
        EXPECT_EQ(error_of(row.scope, row.name, row.value), row.message) << row.name;
    }
}

// What contradicts itself, name by name and in Kafka's words.
TEST(ConfigTable, refuses_idempotence_that_cannot_be) {
    using Named = std::vector<std::pair<std::string, std::string>>;
    struct Row {
        const char* edition;
        Named named;
        const char* message;
        bool idempotent;
    };
    const std::pair<std::string, std::string> asked{"enable.idempotence", "true"};
    const Row rows[] = {
        {"4.1",
         {asked, {"acks", "1"}},
         "Must set acks to all in order to use the idempotent producer. Otherwise we cannot "
         "guarantee idempotence.",
         true},
        {"4.1",
         {asked, {"retries", "0"}},
         "Must set retries to non-zero when using the idempotent producer.",
         true},
        {"4.1",
         {asked, {"max.in.flight.requests.per.connection", "6"}},
         "Must set max.in.flight.requests.per.connection to at most 5 to use the idempotent "
         "producer.",
         true},
        {"4.1", {asked, {"max.in.flight.requests.per.connection", "5"}}, "", true},
        {"4.1", {{"enable.idempotence", "false"}, {"acks", "0"}}, "", false},
        {"4.1", {{"acks", "0"}}, "", false},
        {"2.0", {asked, {"acks", "all"}, {"retries", "3"}}, "", true},
        {"2.0",
         {asked, {"acks", "all"}, {"retries", "3"}, {"compression.type", "zstd"}},
         "compression.type zstd exists since Kafka 2.1, and this scenario is for 2.0",
         true},
    };
    for (const Row& row : rows) {
        const Edition& edition = *find_edition(row.edition);
        Settings settings = default_settings(edition);
        std::vector<std::string> warnings;
        std::string message;
        try {
            for (const auto& [name, value] : row.named) {
                apply_setting(ConfigScope::producer, edition, name, value, settings);
            }
            complete_settings(ConfigScope::producer, edition, settings, warnings);
            EXPECT_EQ(settings.producer.idempotence, row.idempotent);
        } catch (const ConfigError& error) {
            message = error.what();
        }
        EXPECT_EQ(message, row.message);
    }
}

TEST(ConfigTable, takes_retention_by_kafkas_precedence) {
    using Named = std::vector<std::pair<std::string, std::string>>;
    const auto retention = [](const Named& named) {
        return with(ConfigScope::server, named).topic.retention;
    };
    const std::pair<std::string, std::string> ms{"log.retention.ms", "5000"};
    const std::pair<std::string, std::string> minutes{"log.retention.minutes", "3"};
    const std::pair<std::string, std::string> hours{"log.retention.hours", "2"};
    EXPECT_EQ(retention({}), seconds(7 * 24 * 3600));
    EXPECT_EQ(retention({hours}), seconds(7200));
    EXPECT_EQ(retention({minutes, hours}), seconds(180));
    EXPECT_EQ(retention({ms, minutes, hours}), seconds(5));
    EXPECT_EQ(retention({{"log.retention.hours", "-1"}}), milliseconds(-1));
    EXPECT_EQ(retention({{"log.retention.ms", "-1"}, hours}), milliseconds(-1));
    EXPECT_GT(retention({{"log.retention.ms", "9223372036854775807"}}), seconds(3'000'000'000));
    EXPECT_GT(retention({{"log.retention.hours", "2147483647"}}), seconds(3'000'000'000));
}

TEST(ConfigTable, raises_a_delivery_timeout_that_nobody_set) {
    Settings settings = default_settings(newest_edition());
    apply_setting(ConfigScope::producer, newest_edition(), "request.timeout.ms", "200000",
                  settings);
    std::vector<std::string> warnings;
    complete_settings(ConfigScope::producer, newest_edition(), settings, warnings);
    EXPECT_EQ(settings.producer.delivery_timeout, milliseconds(200'005));
    EXPECT_EQ(warnings.size(), 1u);
    const Settings most = with(ConfigScope::producer, {{"linger.ms", "9223372036854775807"}});
    EXPECT_EQ(most.producer.delivery_timeout, milliseconds(INT32_MAX));
}

RC_GTEST_PROP(ConfigTable, never_fails_but_with_a_config_error,
              (const std::string& name, const std::string& value)) {
    for (const ConfigScope scope : kScopes) {
        const auto names = setting_names(scope);
        const std::string known(*rc::gen::elementOf(names));
        for (const std::string& candidate : {name, known}) {
            Settings settings = default_settings(newest_edition());
            try {
                apply_setting(scope, newest_edition(), candidate, value, settings);
            } catch (const ConfigError& error) {
                RC_ASSERT(std::string(error.what()) != "");
            }
        }
    }
}

}  // namespace
}  // namespace tribunal
