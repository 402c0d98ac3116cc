// The museum: each file of scenarios/museum/ breaks what it states under the edition that it names,
// on every seed, and breaks nothing under the edition that mended the bug, nor under the newest.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <ostream>
#include <sstream>

#include "scenarios/editions.h"
#include "scenarios/play.h"
#include "scenarios/small_world.h"

namespace tribunal {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::uint64_t kSeeds = 3;

// A file, and the edition that mended its bug; "" when no release had the bug, because the file
// switches a single rule (tribunal.rule.*) off.
struct Exhibit {
    const char* file;
    const char* mended_in;
};
void PrintTo(const Exhibit& exhibit, std::ostream* out) { *out << exhibit.file; }

constexpr Exhibit kExhibits[] = {
    {"kafka-10527-leader-resumes-its-epoch.json", "2.7"},
    {"kafka-10533-unflushed-metadata.json", "2.8"},
    {"kafka-10706-epoch-without-records-is-kept.json", "2.7"},
    {"kafka-12619-commit-of-an-older-epoch.json", "2.8"},
    {"kafka-13194-compaction-past-the-high-watermark.json", "3.1"},
    {"kafka-14704-follower-shows-what-it-cuts-off.json", "3.5"},
    {"kafka-15489-controller-that-is-cut-off.json", "3.7"},
    {"kafka-1555-acks-all-of-one.json", "0.11"},
    {"kafka-3197-retry-behind-a-later-batch.json", ""},
    {"kafka-7128-isr-join-below-the-epoch-start.json", "2.1"},
    {"kafka-7415-forgotten-epoch.json", "2.1"},
    {"kafka-8483-numbered-anew-in-heap-order.json", "2.3"},
    {"kip-101-divergence-after-power-loss.json", "0.11"},
    {"kip-101-high-watermark-truncation.json", "0.11"},
    {"kip-207-end-offset-goes-back.json", "2.2"},
    {"kip-279-fast-fail-over.json", "2.0"},
    {"kip-320-progress-of-another-epoch.json", ""},
    {"kip-320-truncation-point-of-another-epoch.json", "2.1"},
    {"kip-320-unfenced-fetch.json", "2.1"},
    {"kip-497-high-watermark-ignores-pending-isr.json", ""},
    {"kip-497-isr-change-without-partition-epoch.json", ""},
    {"kip-679-retries-without-idempotence.json", "3.0"},
    {"kip-903-isr-join-of-an-earlier-life.json", "3.5"},
    {"kip-966-last-replica-standing.json", "4.1"},
    {"redpanda-3039-no-memory-of-batches.json", ""},
};

std::string folder() { return TRIBUNAL_SOURCE_DIR "/scenarios/museum/"; }

std::string text_of(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
}

void drop_rules(json& config) {
    if (!config.is_object()) return;
    for (auto it = config.begin(); it != config.end();) {
        const bool is_rule = it.key().rfind("tribunal.", 0) == 0;
        it = is_rule ? config.erase(it) : std::next(it);
    }
}

// The same file under another edition. What else it switches stays, so that the edition is the only
// difference; or every rule is as the edition has it.
enum class SingleRules : std::uint8_t { stay, go };
Scenario under(const Exhibit& exhibit, std::string_view edition, SingleRules rules) {
    json file = json::parse(text_of(folder() + exhibit.file));
    file["kafka"] = edition;
    if (rules == SingleRules::stay) return parse_scenario(file.dump(), exhibit.file, folder());
    if (file.contains("cluster") && file["cluster"].contains("config")) {
        drop_rules(file["cluster"]["config"]);
    }
    if (file.contains("clients")) {
        for (json& client : file["clients"]) {
            if (client.contains("config")) drop_rules(client["config"]);
        }
    }
    return parse_scenario(file.dump(), exhibit.file, folder());
}

bool wants_a_finding(Expected expected) {
    return expected == Expected::found || expected == Expected::fail ||
           expected == Expected::allowed;
}

std::string shown(const Check& check) {
    return check.id + " " + std::string(name_of(check.verdict)) + ", " +
           std::to_string(check.found) + " found in " + std::to_string(check.checked) + ": " +
           check.note;
}

// --- schedules of small worlds -------------------------------------------------------------------

std::vector<std::string> broken_in(const SearchResult& result) {
    std::vector<std::string> broken;
    for (const PropertyResult& p : result.properties) {
        if (p.verdict == Verdict::fail) broken.push_back(p.name);
    }
    return broken;
}

void expect_schedule_breaks_what_it_states(const Scenario& scenario) {
    const SearchResult result = play_schedule(scenario);
    EXPECT_EQ(result.stopped_by.find("not possible"), std::string::npos) << result.stopped_by;
    std::vector<std::string> stated;
    for (const ScheduleExpectation& e : expected_of(scenario)) {
        if (e.wanted == Verdict::fail) stated.push_back(e.property);
    }
    EXPECT_FALSE(stated.empty());
    EXPECT_EQ(broken_in(result), stated);
}

// --- whole clusters ------------------------------------------------------------------------------

void expect_run_finds_what_it_states(const Scenario& scenario, std::uint64_t seed) {
    const Played played = play(scenario, seed);
    EXPECT_TRUE(std::any_of(scenario.expect.begin(), scenario.expect.end(),
                            [](const Expectation& e) { return wants_a_finding(e.expected); }));
    for (const Check& check : played.checks) {
        const auto stated =
            std::find_if(scenario.expect.begin(), scenario.expect.end(),
                         [&](const Expectation& e) { return e.property == check.id; });
        if (stated == scenario.expect.end()) {
            EXPECT_NE(check.verdict, Verdict::fail) << "seed " << seed << ", " << shown(check);
        } else {
            EXPECT_TRUE(is_met(*stated, check)) << "seed " << seed << ", " << shown(check);
        }
    }
}

void expect_run_is_mended(const Scenario& scenario, std::uint64_t seed) {
    const Played played = play(scenario, seed);
    EXPECT_TRUE(played.outcome.converged) << "seed " << seed << ", " << played.outcome.unconverged;
    std::uint64_t exercised = 0;
    for (const Check& check : played.checks) {
        EXPECT_NE(check.verdict, Verdict::fail) << "seed " << seed << ", " << shown(check);
        for (const Expectation& e : scenario.expect) {
            if (e.property != check.id || !wants_a_finding(e.expected)) continue;
            EXPECT_EQ(check.found, 0u) << "seed " << seed << ", " << shown(check);
            exercised += check.checked;
        }
    }
    // Or the run shows nothing.
    EXPECT_GT(exercised, 0u) << "seed " << seed;
}

// --- the tests -----------------------------------------------------------------------------------

class Museum : public testing::TestWithParam<Exhibit> {};

TEST_P(Museum, breaks_what_the_file_states) {
    const Scenario scenario = load_scenario(folder() + GetParam().file);
    if (scenario.check) return expect_schedule_breaks_what_it_states(scenario);
    for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
        expect_run_finds_what_it_states(scenario, seed);
    }
}

void expect_is_mended(const Scenario& scenario) {
    if (scenario.check) {
        EXPECT_EQ(broken_in(play_schedule(scenario)), std::vector<std::string>{});
        return;
    }
    for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) expect_run_is_mended(scenario, seed);
}

TEST_P(Museum, breaks_nothing_where_it_is_mended) {
    const std::string_view mended_in = GetParam().mended_in;
    if (!mended_in.empty()) {
        SCOPED_TRACE(mended_in);
        expect_is_mended(under(GetParam(), mended_in, SingleRules::stay));
    }
    SCOPED_TRACE(newest_edition().name);
    expect_is_mended(under(GetParam(), newest_edition().name, SingleRules::go));
}

TEST_P(Museum, names_the_last_edition_or_no_edition_that_has_the_bug) {
    const Scenario scenario = load_scenario(folder() + GetParam().file);
    const std::string_view mended_in = GetParam().mended_in;
    if (mended_in.empty()) {
        // No release had it: the file says which rule it takes away.
        EXPECT_EQ(scenario.edition, newest_edition().name);
        EXPECT_NE(text_of(folder() + GetParam().file).find("\"tribunal.rule."), std::string::npos);
        return;
    }
    ASSERT_NE(find_edition(mended_in), nullptr);
    EXPECT_FALSE(is_since(*find_edition(scenario.edition), mended_in)) << scenario.edition;
    const std::string mended = "ended in " + std::string(mended_in);
    EXPECT_NE(scenario.description.find(mended), std::string::npos) << scenario.description;
}

INSTANTIATE_TEST_SUITE_P(scenarios, Museum, testing::ValuesIn(kExhibits), [](const auto& exhibit) {
    std::string name = fs::path(exhibit.param.file).stem().string();
    std::replace_if(name.begin(), name.end(), [](char c) { return c == '-' || c == '.'; }, '_');
    return name;
});

TEST(MuseumShelf, every_file_has_its_row_here_and_in_the_readme) {
    const std::string readme = text_of(folder() + "README.md");
    std::vector<std::string> files;
    for (const auto& entry : fs::directory_iterator(folder())) {
        if (entry.path().extension() != ".json") continue;
        files.push_back(entry.path().filename().string());
        const std::string text = text_of(entry.path().string());
        EXPECT_LE(std::count(text.begin(), text.end(), '\n'), 40) << files.back();
        EXPECT_NE(readme.find("`" + files.back() + "`"), std::string::npos) << files.back();
    }
    std::sort(files.begin(), files.end());
    std::vector<std::string> rows;
    for (const Exhibit& exhibit : kExhibits) rows.emplace_back(exhibit.file);
    std::sort(rows.begin(), rows.end());
    EXPECT_EQ(files, rows);
}

}  // namespace
}  // namespace tribunal
