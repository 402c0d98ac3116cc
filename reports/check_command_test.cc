// `tribunal check` as people call it: answers, exit statuses, and what it says to bad input.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

namespace tribunal {
namespace {

struct Answer {
    int status = -1;
    std::string out;
    std::string error;
};

Answer check(const std::string& arguments) {
    const std::string errors = testing::TempDir() + "/check_command.err";
    const std::string command =
        std::string(TRIBUNAL_PROGRAM) + " " + arguments + " 2> " + errors + " < /dev/null";
    Answer answer;
    std::FILE* pipe = popen(command.c_str(), "r");
    std::array<char, 4096> chunk;
    for (std::size_t n = 0; (n = std::fread(chunk.data(), 1, chunk.size(), pipe)) > 0;) {
        answer.out.append(chunk.data(), n);
    }
    const int status = pclose(pipe);
    answer.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    std::ostringstream text;
    text << std::ifstream(errors).rdbuf();
    answer.error = text.str();
    std::remove(errors.c_str());
    return answer;
}

std::string small(const std::string& file) {
    return TRIBUNAL_SOURCE_DIR "/scenarios/small/" + file;
}

TEST(CheckCommand, says_what_the_issue_of_every_model_checker_is_about) {
    const Answer answer = check("check DieHard --format json");
    EXPECT_EQ(answer.status, 1);
    const auto json = nlohmann::json::parse(answer.out);
    EXPECT_EQ(json.at("model"), "DieHard");
    EXPECT_EQ(json.at("distinct"), 16);
    EXPECT_EQ(json.at("generated"), 97);
    EXPECT_EQ(json.at("depth"), 8);
    EXPECT_EQ(json.at("levels").size(), 8u);
    EXPECT_EQ(json.at("complete"), true);
    EXPECT_TRUE(json.at("constants").is_object());
    EXPECT_TRUE(json.contains("states_per_second"));
    EXPECT_TRUE(json.contains("peak_memory_bytes"));
    bool found = false;
    for (const auto& property : json.at("properties")) {
        if (property.at("name") != "NotSolved") continue;
        found = true;
        EXPECT_EQ(property.at("verdict"), "FAIL");
        EXPECT_EQ(property.at("length"), 7);
        EXPECT_EQ(property.at("actions").size(), 6u);
    }
    EXPECT_TRUE(found);
    EXPECT_EQ(check("check DieHard --expect NotSolved=fail").status, 0);
    EXPECT_EQ(check("check DieHard --expect NotSolved=pass").status, 1);
}

TEST(CheckCommand, the_same_question_has_the_same_answer_to_the_byte) {
    const std::string question = "check Kip101 --set MaxLeaderEpoch=1 --workers 2 --no-timings";
    const Answer first = check(question);
    EXPECT_FALSE(first.out.empty());
    EXPECT_EQ(first.out, check(question).out);
}

TEST(CheckCommand, decides_liveness) {
    const Answer answer = check("check EWD840 --set N=3 --format json");
    EXPECT_EQ(answer.status, 0) << answer.out << answer.error;
    bool found = false;
    const auto json = nlohmann::json::parse(answer.out);
    for (const auto& property : json.at("properties")) {
        if (property.at("kind") != "eventually") continue;
        found = true;
        EXPECT_EQ(property.at("verdict"), "PASS");
    }
    EXPECT_TRUE(found);
}

TEST(CheckCommand, draws_the_state_graph) {
    const std::string dot = testing::TempDir() + "/die_hard.dot";
    const std::string graphml = testing::TempDir() + "/die_hard.graphml";
    const Answer answer =
        check("check DieHard --dot " + dot + " --graphml " + graphml + " --expect NotSolved=fail");
    EXPECT_EQ(answer.status, 0) << answer.error;
    std::ostringstream text;
    text << std::ifstream(dot).rdbuf();
    std::size_t nodes = 0;
    for (std::size_t at = 0; (at = text.str().find("label=", at)) != std::string::npos; ++at) {
        ++nodes;
    }
    EXPECT_GT(nodes, 16u);  // states and steps
    std::ifstream xml(graphml);
    std::string first;
    std::getline(xml, first);
    EXPECT_EQ(first.rfind("<?xml", 0), 0u);
    std::remove(dot.c_str());
    std::remove(graphml.c_str());
}

TEST(CheckCommand, explores_the_real_code_and_saves_what_breaks) {
    const Answer fine =
        check("check " + small("one-partition.json") + " --messages 1 --losses 0 --format json");
    EXPECT_EQ(fine.status, 0) << fine.error;
    EXPECT_EQ(nlohmann::json::parse(fine.out).at("distinct"), 24'294);

    std::ostringstream text;
    text << std::ifstream(small("one-partition.json")).rdbuf();
    std::string old = text.str();
    const std::string edition = "\"kafka\": \"4.1\"";
    ASSERT_NE(old.find(edition), std::string::npos);
    old.replace(old.find(edition), edition.size(), "\"kafka\": \"0.10\"");
    const std::string idempotence = "\"enable.idempotence\": false, ";
    ASSERT_NE(old.find(idempotence), std::string::npos);
    old.erase(old.find(idempotence), idempotence.size());
    const std::string scenario = testing::TempDir() + "/old.json";
    const std::string found = testing::TempDir() + "/found.json";
    std::ofstream(scenario) << old;
    const Answer broken =
        check("check " + scenario + " --losses 0 --stop-at-first --save " + found);
    EXPECT_EQ(broken.status, 1) << broken.error;
    EXPECT_NE(broken.out.find("counterexample to R2, 9 states"), std::string::npos) << broken.out;
    const Answer again = check("run " + found + " --no-report");
    EXPECT_EQ(again.status, 0) << again.out << again.error;
    EXPECT_NE(again.out.find("AS EXPECTED"), std::string::npos);
    std::remove(scenario.c_str());
    std::remove(found.c_str());
}

TEST(CheckCommand, plays_the_schedules_of_the_library) {
    const std::string folder = TRIBUNAL_SOURCE_DIR "/scenarios/museum/";
    for (const char* file : {"kip-101-high-watermark-truncation.json",
                             "kip-279-fast-fail-over.json", "kip-320-unfenced-fetch.json"}) {
        EXPECT_EQ(check("run " + folder + file + " --no-report").status, 0) << file;
    }
}

TEST(CheckCommand, a_schedule_is_played_once_however_many_seeds_are_asked_for) {
    const std::string schedule =
        TRIBUNAL_SOURCE_DIR "/scenarios/museum/kip-101-high-watermark-truncation.json --no-report";
    const Answer once = check("run " + schedule);
    const Answer asked = check("run " + schedule + " --seeds 1..5");
    EXPECT_EQ(asked.status, 0) << asked.error;
    EXPECT_EQ(asked.out, once.out);
    EXPECT_EQ(asked.error, once.error);
    // Where seeds decide, each is played.
    const std::string seeded = TRIBUNAL_SOURCE_DIR "/scenarios/rules/retries.json --no-report";
    const Answer each = check("run " + seeded + " --seeds 1..2");
    EXPECT_NE(each.out.find("seeds 1..2: 2 as expected"), std::string::npos) << each.out;
}

TEST(CheckCommand, a_limit_leaves_it_open_and_says_how_to_go_on) {
    const std::string file = testing::TempDir() + "/two_phase.checkpoint";
    const Answer part = check("check TwoPhase --set RM=6 --max-states 1000 --checkpoint " + file);
    EXPECT_EQ(part.status, 2);
    EXPECT_NE(part.out.find("state limit"), std::string::npos);
    EXPECT_NE(part.out.find("--resume"), std::string::npos) << part.out;
    const Answer rest = check("check TwoPhase --set RM=6 --resume " + file + " --format json");
    EXPECT_EQ(rest.status, 0) << rest.error;
    EXPECT_EQ(nlohmann::json::parse(rest.out).at("distinct"), 50'816);
    const Answer foreign = check("check TwoPhase --set RM=5 --resume " + file);
    EXPECT_EQ(foreign.status, 3);
    EXPECT_NE(foreign.error.find("belongs to"), std::string::npos) << foreign.error;
    std::remove(file.c_str());
}

TEST(CheckCommand, refuses_bad_input_and_names_what_is_valid) {
    const std::pair<const char*, const char*> table[] = {
        {"check Kip321", "did you mean Kip320"},
        {"check Kip320 --set Replica=3", "did you mean Replicas"},
        {"check Kip320 --set Replicas=99", "valid: "},
        {"check Kip320 --set Replicas", "expected NAME=VALUE"},
        {"check Kip320 --workers 0", "workers"},
        {"check DieHard --symmetry", "no symmetry"},
        {"check DieHard --policy sideways", "breadth-first"},
        {"check DieHard --expect Solved=pass", "did you mean NotSolved"},
        {"check no-such-file.json", "cannot be read"},
    };
    for (const auto& [arguments, wanted] : table) {
        const Answer answer = check(arguments);
        EXPECT_EQ(answer.status, 3) << arguments;
        EXPECT_NE((answer.out + answer.error).find(wanted), std::string::npos)
            << arguments << ": " << answer.error;
    }
    const Answer model = check("check Kip321");
    EXPECT_NE(model.error.find("TwoPhase"), std::string::npos);  // the list
}

}  // namespace
}  // namespace tribunal
