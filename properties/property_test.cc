// The table of properties, its look-ups, and how judge() puts checks of checkers and monitors
// together.
#include "properties/property.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "properties/history_builder.h"
#include "properties/nearest.h"
#include "properties/wording.h"

namespace tribunal {
namespace {

const Check& check_of(const std::vector<Check>& checks, std::string_view id) {
    for (const Check& check : checks) {
        if (check.id == id) return check;
    }
    throw std::out_of_range("no check " + std::string(id));
}

std::vector<Check> judge(const RunLeftover& run, std::vector<Check> monitored = {},
                         const JudgeOptions& options = {}) {
    return tribunal::judge(run.history, run.logs, run.facts, std::move(monitored), options);
}

TEST(Properties, have_unique_ids_and_names_and_are_found_by_both) {
    std::set<std::string_view> words;
    for (const Property& property : all_properties()) {
        EXPECT_TRUE(words.insert(property.id).second) << property.id;
        EXPECT_TRUE(words.insert(property.name).second) << property.name;
        EXPECT_FALSE(property.definition.empty());
        EXPECT_FALSE(property.source.empty());
        EXPECT_EQ(find_property(property.id), &property);
        EXPECT_EQ(find_property(property.name), &property);
    }
    EXPECT_EQ(find_property("d2"), find_property("Acked-Lost"));
    EXPECT_EQ(find_property("D6"), nullptr);
    EXPECT_EQ(find_property(""), nullptr);
}

TEST(Properties, a_typo_gets_the_name_that_was_meant) {
    EXPECT_EQ(nearest_property("lost-wriet"), "lost-write");
    EXPECT_EQ(nearest_property("ackedlost"), "acked-lost");
    EXPECT_EQ(nearest_property("LOST_WRITE"), "lost-write");
    EXPECT_EQ(nearest_property("stuck"), "");
    EXPECT_EQ(nearest_property("something-else-altogether"), "");
}

TEST(Nearest, counts_letters_to_change) {
    struct Row {
        const char* a;
        const char* b;
        std::size_t distance;
    };
    constexpr Row kRows[] = {
        {"", "", 0},
        {"", "abc", 3},
        {"abc", "abc", 0},
        {"abc", "acb", 1},
        {"abc", "abd", 1},
        {"abc", "abcd", 1},
        {"abc", "bc", 1},
        {"ca", "abc", 3},
        {"Acks", "acks", 0},
        {"a.b", "a-b", 0},
        {"a_b", "a.b", 0},
        {"kitten", "sitting", 3},
        {"power_lsos", "power-loss", 1},
    };
    for (const Row& row : kRows) {
        EXPECT_EQ(edit_distance(row.a, row.b), row.distance) << row.a << " " << row.b;
        EXPECT_EQ(edit_distance(row.b, row.a), row.distance) << row.b << " " << row.a;
    }
}

TEST(Nearest, takes_the_first_of_the_closest_and_nothing_that_is_far) {
    const std::vector<std::string_view> valid = {"acks", "retries", "linger.ms", "batch.size"};
    EXPECT_EQ(nearest("ack", valid), "acks");
    EXPECT_EQ(nearest("retires", valid), "retries");
    EXPECT_EQ(nearest("linger_ms", valid), "linger.ms");
    EXPECT_EQ(nearest("xyz", valid), "");
    EXPECT_EQ(nearest("", valid), "");
    EXPECT_EQ(nearest("ab", std::vector<std::string_view>{"cd", "ac", "ad"}), "ac");
}

TEST(Wording, cuts_time_to_milliseconds) {
    EXPECT_EQ(seconds_text(Instant{0}), "0.000 s");
    EXPECT_EQ(seconds_text(Instant{2'000'000'000}), "2.000 s");
    EXPECT_EQ(seconds_text(Instant{12'034'999'999}), "12.034 s");
    EXPECT_EQ(seconds_text(Instant{-1'500'000'000}), "-1.500 s");
    EXPECT_EQ(seconds_text(kNever), "never");
}

TEST(Judge, gives_a_check_a_property_in_the_order_of_the_table) {
    Check r3;
    r3.id = "R3";
    r3.verdict = Verdict::pass;
    r3.checked = 7;
    Check foreign;
    foreign.id = "Z1";
    foreign.verdict = Verdict::fail;
    const auto checks = judge(clean_run(1), {foreign, r3});
    ASSERT_EQ(checks.size(), all_properties().size() + 1);
    for (std::size_t i = 0; i < all_properties().size(); ++i) {
        EXPECT_EQ(checks[i].id, all_properties()[i].id);
        EXPECT_EQ(checks[i].name, all_properties()[i].name);
        EXPECT_EQ(checks[i].group, all_properties()[i].group);
    }
    EXPECT_EQ(check_of(checks, "R3").checked, 7u);
    EXPECT_EQ(check_of(checks, "R3").verdict, Verdict::pass);
    EXPECT_EQ(check_of(checks, "R1").verdict, Verdict::vacuous);
    EXPECT_EQ(checks.back().id, "Z1");
}

TEST(Judge, runs_what_is_wanted) {
    const auto only = judge(clean_run(1), {}, {.only = {"lost-write", "x1"}, .skip = {}});
    ASSERT_EQ(only.size(), 2u);
    EXPECT_EQ(only[0].id, "D1");
    EXPECT_EQ(only[1].id, "X1");
    const auto rest = judge(clean_run(1), {}, {.only = {}, .skip = {"D1"}});
    EXPECT_EQ(rest.size(), all_properties().size() - 1);
}

// A recorder's bug must not pass for a verdict, nor hide what the monitors saw.
TEST(Judge, a_history_that_contradicts_itself_is_inconclusive) {
    RunLeftover run = clean_run(1);
    run.history.polls.front().records = 1'000'000;
    Check r1;
    r1.id = "R1";
    r1.verdict = Verdict::fail;
    const auto checks = judge(run, {r1});
    for (const Check& check : checks) {
        if (find_property(check.id)->is_monitored) continue;
        EXPECT_EQ(check.verdict, Verdict::inconclusive) << check.id;
        EXPECT_NE(check.note.find("CHECK"), std::string::npos) << check.note;
    }
    EXPECT_EQ(check_of(checks, "R1").verdict, Verdict::fail);
}

TEST(Judge, an_empty_run_is_vacuous) {
    for (const Check& check : judge(RunLeftover{})) {
        EXPECT_EQ(check.verdict, Verdict::vacuous) << check.id;
        EXPECT_FALSE(check.note.empty()) << check.id;
    }
}

// D4 is watched while the run goes on as well: the same record, lost once, counts once.
Check online_d4(const std::vector<std::pair<Offset, bool>>& findings, RecordUid uid) {
    Check check;
    check.id = "D4";
    for (const auto& [offset, is_allowed] : findings) {
        Violation v;
        v.summary = "seen online";
        v.partition = {TopicId{0}, 0};
        v.has_partition = true;
        v.offset = offset;
        v.uid = uid;
        v.allowed = is_allowed;
        check.violations.push_back(v);
        ++check.found;
        check.found_allowed += is_allowed ? 1 : 0;
    }
    check.checked = check.found;
    check.verdict = check.found == 0 ? Verdict::vacuous : Verdict::fail;
    return check;
}

TEST(Judge, merges_what_a_monitor_and_a_checker_found) {
    RunLeftover run = clean_run(3, {.consumers = 1});
    run.facts.any_fault = true;
    const FinalRecord lost = run.logs.front().records[4];
    send_of(run, lost.uid).outcome = Outcome::info;
    send_of(run, lost.uid).offset = kNoOffset;
    erase_from_log(run, run.logs.front().partition, lost.uid);
    const std::uint64_t checked = run.history.reads.size();

    struct Row {
        const char* name;
        std::vector<std::pair<Offset, bool>> online;
        std::uint64_t found;
        std::uint64_t allowed;
        Verdict verdict;
    };
    const Row rows[] = {
        {"nothing online", {}, 1, 0, Verdict::fail},
        {"the same", {{lost.offset, false}}, 1, 0, Verdict::fail},
        {"the same, read twice", {{lost.offset, false}, {lost.offset, false}}, 1, 0, Verdict::fail},
        {"the same, excused by who saw it", {{lost.offset, true}}, 1, 1, Verdict::allowed},
        {"another one", {{lost.offset + 1, true}}, 2, 1, Verdict::fail},
    };
    for (const Row& row : rows) {
        const auto checks = judge(run, {online_d4(row.online, lost.uid)});
        const Check& check = check_of(checks, "D4");
        EXPECT_EQ(check.found, row.found) << row.name;
        EXPECT_EQ(check.found_allowed, row.allowed) << row.name;
        EXPECT_EQ(check.verdict, row.verdict) << row.name;
        EXPECT_EQ(check.violations.size(), row.found) << row.name;
        EXPECT_EQ(check.checked, checked) << row.name;
        EXPECT_EQ(check.note, check.violations.front().summary) << row.name;
    }
}

TEST(Judge, a_clean_run_stays_clean_beside_a_monitor_that_saw_nothing) {
    const auto checks = judge(clean_run(1), {online_d4({}, kNoUid)});
    EXPECT_EQ(check_of(checks, "D4").verdict, Verdict::pass);
    EXPECT_TRUE(check_of(checks, "D4").note.empty());
}

TEST(Verdicts, have_names) {
    EXPECT_EQ(name_of(Verdict::pass), "PASS");
    EXPECT_EQ(name_of(Verdict::fail), "FAIL");
    EXPECT_EQ(name_of(Verdict::allowed), "ALLOWED");
    EXPECT_EQ(name_of(Verdict::vacuous), "VACUOUS");
    EXPECT_EQ(name_of(Verdict::inconclusive), "INCONCLUSIVE");
}

}  // namespace
}  // namespace tribunal
