// Every row of the table of what changed (edition_rules.h) changes something that can be seen: the
// same faults and the same seed, with the rule and without it. A switch that changes nothing in any
// run would be a bug of ours, and a new row without a scenario fails here.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "scenarios/config_table.h"
#include "scenarios/edition_rules.h"
#include "scenarios/play.h"
#include "scenarios/small_world.h"

namespace tribunal {
namespace {

using Json = nlohmann::json;
namespace fs = std::filesystem;

constexpr std::uint64_t kSeeds = 3;

enum class What : std::uint8_t {
    found,         // violations of a property
    acknowledged,  // records
    read,          // records, by consumers
    messages,      // that arrived, of a kind and saying something
    steps,         // of a schedule that were possible
};
struct Observable {
    What what;
    std::string_view name = {};  // of the property, or of the kind of message
    std::string_view saying = {};
};
constexpr Observable violations_of(std::string_view property) { return {What::found, property}; }
constexpr Observable acknowledged() { return {What::acknowledged}; }
constexpr Observable read() { return {What::read}; }
constexpr Observable messages(std::string_view kind, std::string_view saying = {}) {
    return {What::messages, kind, saying};
}
constexpr Observable steps() { return {What::steps}; }

// How much of it there is with the rule and without.
enum class Change : std::uint8_t { only_before, only_since, more_before, fewer_before };
using enum Change;

struct Row {
    std::string_view proposal;
    std::string_view name;
    std::string_view file;  // in scenarios/
    Observable observable;
    Change change;
};

// In the order of the table of changes.
constexpr Row kRows[] = {
    {"KIP-101", "truncation", "kip-101-high-watermark-truncation", violations_of("R17"),
     only_before},
    {"KIP-106", "unclean.leader.election.enable", "kafka-1555-acks-all-of-one", violations_of("D2"),
     only_before},
    {"KAFKA-5494", "dedup_window", "dedup_window", acknowledged(), fewer_before},
    // What waits for the only request under way shares the next one.
    {"KAFKA-5494", "five_in_flight", "five_in_flight", messages("ProduceRequest"), fewer_before},
    {"KIP-162", "delete.topic.enable", "delete.topic.enable", acknowledged(), more_before},
    {"KIP-279", "truncation", "truncation-kip-279", violations_of("R3"), only_before},
    {"KIP-266", "request.timeout.ms", "request.timeout.ms", messages("FetchRequest"), fewer_before},
    // The follower does not say which leader epoch it means, so that the fetch cannot be refused.
    {"KIP-320", "truncation", "kip-320-unfenced-fetch", violations_of("R5"), only_before},
    {"KIP-320", "fetch_checks_leader_epoch", "fetch_checks_leader_epoch", violations_of("R3"),
     only_before},
    {"KIP-320", "offsets_for_epoch_checks_leader_epoch",
     "kip-320-truncation-point-of-another-epoch", violations_of("R5"), only_before},
    {"KAFKA-7415", "epoch_entry_on_become_leader", "kafka-7415-forgotten-epoch",
     violations_of("R17"), only_before},
    {"KAFKA-7128", "isr_expand_requires_epoch_start", "isr_expand_requires_epoch_start",
     violations_of("D2"), only_before},
    {"KIP-110", "zstd_compression", "zstd_compression", acknowledged(), fewer_before},
    {"KIP-91", "retries", "retries", acknowledged(), fewer_before},
    {"KIP-207", "list_offsets_waits_for_own_epoch", "kip-207-end-offset-goes-back",
     violations_of("O10"), only_before},
    {"KIP-320", "validates_position", "validates_position", violations_of("D1"), only_before},
    {"KAFKA-8483", "renumbers_in_order", "kafka-8483-numbered-anew-in-heap-order",
     violations_of("O3"), only_before},
    {"KIP-392", "fetch_from_follower", "fetch_from_follower",
     messages("FetchResponse", "read from"), only_since},
    {"KIP-480", "partitioner.class", "partitioner.class-sticky", messages("ProduceRequest"),
     more_before},
    {"KAFKA-7190", "producer_state_survives_deletion", "producer_state_survives_deletion",
     messages("ProduceResponse", "UNKNOWN_PRODUCER_ID"), only_before},
    {"KIP-537", "replica.lag.time.max.ms", "replica.lag.time.max.ms", acknowledged(), more_before},
    {"KAFKA-4203", "message.max.bytes", "message.max.bytes", acknowledged(), fewer_before},
    {"KIP-360", "epoch_bump_recovers", "epoch_bump_recovers", acknowledged(), fewer_before},
    {"KIP-360", "unknown_producer_starts_anywhere", "unknown_producer_starts_anywhere",
     messages("ProduceResponse", "UNKNOWN_PRODUCER_ID"), only_before},
    {"KIP-595", "truncation", "truncation-kip-595", messages("OffsetsForLeaderEpochRequest"),
     only_before},
    {"KAFKA-10706", "epoch_cache_cleaned_by_noop_truncation",
     "kafka-10706-epoch-without-records-is-kept", violations_of("D2"), only_before},
    {"KAFKA-10527", "raft_restart_unattached", "kafka-10527-leader-resumes-its-epoch",
     violations_of("Q5"), only_before},
    {"KAFKA-10533", "raft_flush_before_ack", "kafka-10533-unflushed-metadata", violations_of("Q7"),
     only_before},
    {"KAFKA-12619", "raft_commit_requires_own_epoch", "kafka-12619-commit-of-an-older-epoch",
     violations_of("Q6"), only_before},
    {"KIP-500", "unclean_election_by_config", "unclean_election_by_config-kraft", acknowledged(),
     more_before},
    {"KIP-500", "auto.leader.rebalance.enable", "auto.leader.rebalance.enable-kraft",
     acknowledged(), more_before},
    {"KIP-679", "acks", "acks", violations_of("D2"), only_before},
    {"KIP-679", "enable.idempotence", "kip-679-retries-without-idempotence", violations_of("X1"),
     only_before},
    {"KIP-630", "raft_snapshots", "raft_snapshots", messages("MetadataFetchResponse", "snapshot"),
     only_since},
    {"KAFKA-13194", "cleaner_bounded_by_high_watermark",
     "kafka-13194-compaction-past-the-high-watermark", violations_of("D2"), only_before},
    {"KIP-534", "cleaner_sets_delete_horizon", "cleaner_sets_delete_horizon", read(), more_before},
    {"KAFKA-13682", "auto.leader.rebalance.enable", "auto.leader.rebalance.enable", acknowledged(),
     fewer_before},
    {"KIP-841", "isr_excludes_fenced_brokers", "isr_excludes_fenced_brokers", acknowledged(),
     fewer_before},
    {"KIP-794", "partitioner.class", "partitioner.class-uniform", messages("ProduceRequest"),
     more_before},
    {"KIP-854", "producer.id.expiration.ms", "producer.id.expiration.ms",
     messages("ProduceResponse", "UNKNOWN_PRODUCER_ID"), only_since},
    {"KAFKA-14704", "diverging_fetch_keeps_high_watermark",
     "kafka-14704-follower-shows-what-it-cuts-off", violations_of("R21"), only_before},
    {"KIP-903", "alter_partition_checks_broker_epoch", "alter_partition_checks_broker_epoch",
     violations_of("D2"), only_before},
    {"KIP-966", "high_watermark_requires_min_isr", "high_watermark_requires_min_isr",
     violations_of("D4"), only_before},
    {"KIP-580", "retry.backoff.max.ms", "retry.backoff.max.ms", messages("ProduceRequest"),
     more_before},
    {"KAFKA-15489", "raft_check_quorum", "kafka-15489-controller-that-is-cut-off",
     violations_of("D2"), only_before},
    {"KIP-853", "raft_reconfiguration", "raft_reconfiguration", steps(), fewer_before},
    {"KAFKA-12670", "unclean_election_by_config", "unclean_election_by_config", acknowledged(),
     fewer_before},
    {"KIP-996", "raft_pre_vote", "raft_pre_vote", messages("BeginQuorumEpochRequest"), more_before},
    {"KIP-1030", "linger.ms", "linger.ms", messages("ProduceRequest"), more_before},
    {"KIP-1030", "message.timestamp.after.max.ms", "message.timestamp.after.max.ms", acknowledged(),
     more_before},
    {"KIP-966", "eligible_leader_replicas", "kip-966-last-replica-standing", violations_of("D2"),
     only_before},
    {"KAFKA-16538", "raft_version_upgrade", "raft_version_upgrade",
     messages("UpdateFeaturesResponse", "INVALID_UPDATE_VERSION"), only_before},
    // Each commit is told at once to all who wait, where it came along with the next records.
    {"KIP-1166", "raft_fetch_tells_high_watermark", "raft_fetch_tells_high_watermark",
     messages("QuorumFetchResponse"), fewer_before},
};

// Rules that no scenario can show yet, and the test of their own that does.
struct Unseen {
    std::string_view name;
    std::string_view test;
};
constexpr Unseen kUnseen[] = {
    // There are no transactions, and so no markers in any topic.
    {"cleaner_keeps_control_batches", "broker/log/cleaner_test.cc"},
};

bool is_unseen(const RuleChange& change) {
    return std::any_of(std::begin(kUnseen), std::end(kUnseen),
                       [&](const Unseen& unseen) { return unseen.name == change.name; });
}

const Row* row_of(const RuleChange& change) {
    const Row* const found = std::find_if(std::begin(kRows), std::end(kRows), [&](const Row& row) {
        return row.proposal == change.proposal && row.name == change.name;
    });
    return found == std::end(kRows) ? nullptr : found;
}

// What is known as a bug has its file in museum/; here it is the same under a single rule.
std::string path_of(const Row& row) {
    for (const char* const folder : {"rules", "museum", "small"}) {
        const std::string path = std::string(TRIBUNAL_SOURCE_DIR) + "/scenarios/" + folder + "/" +
                                 std::string(row.file) + ".json";
        if (fs::exists(path)) return path;
    }
    return "";
}
bool is_of_its_rule(const std::string& path) {
    return path.find("/scenarios/rules/") != std::string::npos;
}

Json document_of(const std::string& path) {
    std::ifstream file(path);
    return Json::parse(file);
}

Scenario scenario_of(const Json& document, const std::string& path) {
    return parse_scenario(document.dump(), path, "");
}

// The document with the settings that differ between these defaults, where they belong.
void put_settings(Json& document, const Edition& edition, const Settings& settings) {
    const Settings defaults = default_settings(edition);
    const auto put = [&](ConfigScope scope, Json& owner) {
        for (const SettingText& text : changed_settings(scope, edition, settings, defaults)) {
            owner["config"][std::string(text.setting->name)] = text.value;
        }
    };
    if (!document.contains("cluster")) document["cluster"] = Json::object();
    put(ConfigScope::server, document["cluster"]);
    if (document.contains("topics")) {
        for (Json& topic : document["topics"]) put(ConfigScope::topic, topic);
    }
    if (!document.contains("clients")) return;
    for (Json& client : document["clients"]) {
        if (client.contains("producer")) put(ConfigScope::producer, client);
        if (client.contains("consumer")) put(ConfigScope::consumer, client);
    }
}

class Counter final : public Observer {
  public:
    explicit Counter(const Observable& wanted) : wanted_(wanted) {}
    void on_step(const World&, const Host&, const Input&, const Outbox&) override {}
    void on_message_received(const World&, std::uint32_t, const MessageInFlight& message,
                             bool lost) override {
        const Message& m = message.deliver.message;
        if (lost || wanted_.what != What::messages || kind_of(m) != wanted_.name) return;
        if (describe(m).find(wanted_.saying) != std::string::npos) ++count_;
    }
    std::int64_t count() const { return count_; }

  private:
    Observable wanted_;
    std::int64_t count_ = 0;
};

std::int64_t count_acknowledged(const History& history) {
    std::int64_t count = 0;
    for (const auto& sends : history.sends) {
        count += std::count_if(sends.begin(), sends.end(),
                               [](const SendOp& send) { return send.outcome == Outcome::ok; });
    }
    return count;
}

std::int64_t measure_schedule(const Scenario& scenario, const Observable& observable) {
    const SearchResult result = play_schedule(scenario);
    if (observable.what == What::steps) return static_cast<std::int64_t>(result.depth) - 1;
    const PropertyResult* property = result.find(observable.name);
    EXPECT_NE(property, nullptr) << observable.name;
    return property != nullptr && property->verdict == Verdict::fail ? 1 : 0;
}

std::int64_t measure(const Scenario& scenario, std::uint64_t seed, const Observable& observable) {
    if (scenario.check) return measure_schedule(scenario, observable);
    Counter counter{observable};
    const Played played = play(scenario, seed, &counter);
    if (observable.what == What::messages) return counter.count();
    if (observable.what == What::acknowledged) return count_acknowledged(played.history);
    if (observable.what == What::read) {
        return static_cast<std::int64_t>(played.history.reads.size());
    }
    const auto check = std::find_if(played.checks.begin(), played.checks.end(),
                                    [&](const Check& c) { return c.id == observable.name; });
    EXPECT_NE(check, played.checks.end()) << observable.name;
    return check == played.checks.end() ? 0 : static_cast<std::int64_t>(check->found);
}

bool differs(Change change, std::int64_t before, std::int64_t since) {
    switch (change) {
        case only_before:
            return before > 0 && since == 0;
        case only_since:
            return before == 0 && since > 0;
        case more_before:
            return before > since;
        case fewer_before:
            return before < since;
    }
    return false;
}

void expect_as_stated(const Scenario& scenario, std::uint64_t seed) {
    if (scenario.check) {
        const SearchResult result = play_schedule(scenario);
        EXPECT_EQ(result.stopped_by.find("not possible"), std::string::npos) << result.stopped_by;
        for (const ScheduleExpectation& e : expected_of(scenario)) {
            ASSERT_NE(result.find(e.property), nullptr) << e.property;
            EXPECT_EQ(result.find(e.property)->verdict, e.wanted) << e.property;
        }
        return;
    }
    const Played played = play(scenario, seed);
    for (const Check& check : played.checks) {
        const auto e = std::find_if(scenario.expect.begin(), scenario.expect.end(),
                                    [&](const Expectation& x) { return x.property == check.id; });
        const bool is_named = e != scenario.expect.end();
        EXPECT_TRUE(is_named ? is_met(*e, check) : check.verdict != Verdict::fail)
            << check.id << ", seed " << seed << ": " << check.note;
    }
}

TEST(Rules, each_has_a_scenario_that_shows_what_it_changed) {
    std::set<const Row*> used;
    for (const RuleChange& change : all_rule_changes()) {
        const Row* row = row_of(change);
        EXPECT_TRUE(row != nullptr || is_unseen(change))
            << change.proposal << ' ' << change.name
            << " has no row here: what does it change in which run?";
        used.insert(row);
    }
    std::set<std::string> files;
    for (const Row& row : kRows) {
        EXPECT_TRUE(used.contains(&row)) << row.proposal << ' ' << row.name << " is no rule";
        const std::string path = path_of(row);
        EXPECT_NE(path, "") << "scenarios/rules/" << row.file << ".json is missing";
        files.insert(path);
    }
    for (const auto& entry : fs::directory_iterator(TRIBUNAL_SOURCE_DIR "/scenarios/rules/")) {
        EXPECT_TRUE(files.contains(entry.path().string())) << entry.path() << " shows no rule";
    }
}

TEST(Rules, those_that_no_scenario_shows_are_switched_by_a_test_of_their_own) {
    for (const Unseen& unseen : kUnseen) {
        std::ifstream file(std::string(TRIBUNAL_SOURCE_DIR) + "/" + std::string(unseen.test));
        const std::string text{std::istreambuf_iterator<char>(file), {}};
        EXPECT_NE(text.find("rules." + std::string(unseen.name)), std::string::npos)
            << unseen.test << " does not switch " << unseen.name;
    }
}

TEST(Rules, each_file_finds_what_it_states_under_the_edition_that_brought_its_rule) {
    std::set<std::string> seen;
    for (const RuleChange& change : all_rule_changes()) {
        const Row* row = row_of(change);
        const std::string path = row == nullptr ? "" : path_of(*row);
        if (path.empty() || !is_of_its_rule(path) || !seen.insert(path).second) continue;
        SCOPED_TRACE(path);
        const Scenario scenario = load_scenario(path);
        EXPECT_EQ(scenario.edition, change.since);
        EXPECT_FALSE(scenario.expect.empty());
        for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) expect_as_stated(scenario, seed);
    }
}

TEST(Rules, each_makes_a_difference_that_is_seen) {
    for (const RuleChange& change : all_rule_changes()) {
        const Row* row = row_of(change);
        const std::string path = row == nullptr ? "" : path_of(*row);
        if (path.empty()) continue;
        SCOPED_TRACE(std::string(change.proposal) + ' ' + std::string(change.name));
        const Edition& edition = *find_edition(change.since);
        Json document = document_of(path);
        document.erase("expect");
        document["kafka"] = change.since;
        const Scenario since = scenario_of(document, path);
        Settings undone = default_settings(edition);
        change.undo(undone);
        put_settings(document, edition, undone);
        const Scenario before = scenario_of(document, path);
        EXPECT_FALSE(before == since) << "the row undoes nothing that a scenario can set";
        for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
            const std::int64_t with = measure(since, seed, row->observable);
            const std::int64_t without = measure(before, seed, row->observable);
            EXPECT_TRUE(differs(row->change, without, with))
                << "seed " << seed << ": " << without << " before, " << with << " since";
        }
    }
}

}  // namespace
}  // namespace tribunal
