// What changed in which version of Kafka, proposal by proposal.
#include "scenarios/editions.h"

#include <gtest/gtest.h>

#include <string>

#include "scenarios/config_table.h"
#include "scenarios/edition_rules.h"

namespace tribunal {
namespace {

Settings settings_of_edition(std::string_view name) {
    const Edition* edition = find_edition(name);
    EXPECT_NE(edition, nullptr) << name;
    return default_settings(*edition);
}

TEST(Editions, are_all_there_and_in_order) {
    std::string names;
    for (const Edition& edition : all_editions()) names += std::string(edition.name) + " ";
    EXPECT_EQ(names,
              "0.10 0.11 1.0 1.1 2.0 2.1 2.2 2.3 2.4 2.5 2.6 2.7 2.8 3.0 3.1 3.2 3.3 3.4 3.5 3.6 "
              "3.7 3.8 3.9 4.0 4.1 ");
    EXPECT_EQ(newest_edition().name, "4.1");
    EXPECT_EQ(find_edition("4.2"), nullptr);
    EXPECT_EQ(find_edition(""), nullptr);
    EXPECT_TRUE(is_since(*find_edition("3.0"), "2.8"));  // by age, not by letters
    EXPECT_TRUE(is_since(*find_edition("2.8"), "0.11"));
    EXPECT_TRUE(is_since(*find_edition("2.1"), "2.1"));
    EXPECT_FALSE(is_since(*find_edition("2.0"), "2.1"));
}

TEST(Editions, change_where_their_proposal_did) {
    struct Row {
        const char* proposal;
        const char* last;   // the last edition without it
        const char* first;  // the first with it
        bool (*is_old)(const Settings&);
    };
    const Row rows[] = {
        {"KIP-101", "0.10", "0.11",
         [](const Settings& s) {
             return s.broker.rules.truncation == TruncationRule::to_high_watermark;
         }},
        {"KIP-106", "0.10", "0.11",
         [](const Settings& s) { return s.topic.unclean_leader_election_enable; }},
        {"KIP-279", "1.1", "2.0",
         [](const Settings& s) { return s.broker.rules.truncation <= TruncationRule::kip101; }},
        {"KIP-320", "2.0", "2.1",
         [](const Settings& s) { return s.broker.rules.truncation <= TruncationRule::kip279; }},
        {"KIP-91", "2.0", "2.1", [](const Settings& s) { return s.producer.retries == 0; }},
        {"KIP-537", "2.4", "2.5",
         [](const Settings& s) { return s.broker.replica_lag_time_max == seconds(10); }},
        {"KIP-679", "2.8", "3.0", [](const Settings& s) { return s.producer.acks == 1; }},
        {"KIP-580", "3.6", "3.7",
         [](const Settings& s) {
             return s.producer.retry_backoff_max == s.producer.retry_backoff &&
                    s.consumer.retry_backoff_max == s.consumer.retry_backoff;
         }},
        {"KIP-1030", "3.9", "4.0",
         [](const Settings& s) { return s.producer.linger == Duration{}; }},
    };
    for (const Row& row : rows) {
        EXPECT_TRUE(row.is_old(settings_of_edition(row.last))) << row.proposal;
        EXPECT_FALSE(row.is_old(settings_of_edition(row.first))) << row.proposal;
        bool was_old = true;  // and never back
        for (const Edition& edition : all_editions()) {
            const bool is_old = row.is_old(default_settings(edition));
            EXPECT_TRUE(was_old || !is_old) << row.proposal << ' ' << edition.name;
            was_old = is_old;
        }
    }
}

// Every row of the table makes a difference, in the release that it names and in no other.
TEST(Editions, are_made_of_the_rows_of_the_table) {
    const auto editions = all_editions();
    for (std::size_t i = 1; i < editions.size(); ++i) {
        Settings undone = default_settings(editions[i]);
        const auto changes = all_rule_changes();
        for (auto change = changes.rbegin(); change != changes.rend(); ++change) {
            if (change->since != editions[i].name) continue;
            const Settings with = undone;
            change->undo(undone);
            EXPECT_FALSE(undone == with) << change->since << ' ' << change->name;
        }
        const Settings before = default_settings(editions[i - 1]);
        // The feature levels that a release knows are its own table (broker/protocol/features.h).
        undone.broker.supported_features = before.broker.supported_features;
        undone.broker.bootstrap_features = before.broker.bootstrap_features;
        EXPECT_EQ(before.broker, undone.broker) << editions[i].name;
        EXPECT_EQ(before.topic, undone.topic) << editions[i].name;
        EXPECT_EQ(before.producer, undone.producer) << editions[i].name;
        EXPECT_EQ(before.consumer, undone.consumer) << editions[i].name;
    }
}

TEST(Editions, name_releases_and_tickets_that_exist_in_order) {
    std::string_view last = "0.10";
    for (const RuleChange& change : all_rule_changes()) {
        const Edition* edition = find_edition(change.since);
        ASSERT_NE(edition, nullptr) << change.since;
        EXPECT_TRUE(is_since(*edition, last)) << change.name;
        last = change.since;
        EXPECT_TRUE(change.proposal.starts_with("KIP-") || change.proposal.starts_with("KAFKA-"));
        EXPECT_NE(change.before, change.after);
    }
}

// The newest edition is what the structs say: every rule mended.
TEST(Editions, end_where_the_defaults_are) {
    const Settings newest = default_settings(newest_edition());
    EXPECT_EQ(newest.broker.rules, Rules{});
    EXPECT_EQ(newest.producer.rules, ProducerRules{});
    EXPECT_EQ(newest.consumer.rules, ConsumerRules{});
}

TEST(Editions, keep_the_backoff_of_old_clients_constant) {
    const Edition& old = *find_edition("3.6");
    Settings settings = default_settings(old);
    apply_setting(ConfigScope::producer, old, "retry.backoff.ms", "700", settings);
    std::vector<std::string> warnings;
    complete_settings(ConfigScope::producer, old, settings, warnings);
    EXPECT_EQ(settings.producer.retry_backoff_max, milliseconds(700));
    EXPECT_THROW(apply_setting(ConfigScope::producer, old, "retry.backoff.max.ms", "700", settings),
                 ConfigError);
}

}  // namespace
}  // namespace tribunal
