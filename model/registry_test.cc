#include "model/registry.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "model/specs/specs.h"

namespace tribunal {
namespace {

ModelEntry sample() {
    return {
        .name = "Sample",
        .about = "of everything that a constant can be",
        .source = "nobody",
        .constants = {{"Replicas", 3, 1, 7, "replicas"},
                      {"MaxLeaderEpoch", 2, -1, 30, "leader epochs"},
                      {"Truncation", 1, 0, 2, "where", {"to_high_watermark", "kip101", "kip279"}}},
        .search = nullptr,
        .validate =
            [](const Constants& c) {
                if (c["Replicas"] * c["MaxLeaderEpoch"] > 100) throw BadConstants("too large");
            },
    };
}

Constants parsed(const std::vector<std::string>& settings) {
    return parse_constants(sample(), settings);
}
std::string refusal(const std::vector<std::string>& settings) {
    try {
        parsed(settings);
    } catch (const BadConstants& e) {
        return e.what();
    }
    return "accepted";
}

TEST(Registry, WhatIsNotSetIsAsTheModelSays) {
    const Constants constants = parsed({});
    EXPECT_EQ(constants.all().size(), 3u);
    EXPECT_EQ(constants["Replicas"], 3);
    EXPECT_EQ(constants["MaxLeaderEpoch"], 2);
    EXPECT_EQ(constants["Truncation"], 1);
}

TEST(Registry, SettingsReplaceWhatTheModelSays) {
    const Constants constants = parsed({"Replicas=7", "MaxLeaderEpoch=-1", "Truncation=kip279"});
    EXPECT_EQ(constants["Replicas"], 7);
    EXPECT_EQ(constants["MaxLeaderEpoch"], -1);
    EXPECT_EQ(constants["Truncation"], 2);
    EXPECT_EQ(parsed({"Replicas=1", "Replicas=2"})["Replicas"], 2) << "the last one counts";
}

TEST(Registry, ANameThatIsNoneIsAnsweredWithTheNearest) {
    EXPECT_EQ(refusal({"Replica=3"}),
              "Sample has no constant 'Replica', did you mean Replicas; valid: Replicas, "
              "MaxLeaderEpoch, Truncation");
    EXPECT_EQ(refusal({"replicas=3"}).substr(0, 58),
              "Sample has no constant 'replicas', did you mean Replicas; ");
    EXPECT_EQ(refusal({"LogSize=3"}),
              "Sample has no constant 'LogSize'; valid: Replicas, MaxLeaderEpoch, Truncation");
    EXPECT_EQ(refusal({"=3"}).substr(0, 25), "Sample has no constant ''");
}

TEST(Registry, AValueThatIsNoneIsAnsweredWithTheRange) {
    const char* const range = "'; valid: 1 to 7";
    for (const std::string value : {"0", "8", "-1", "three", "", "3x", " 3", "3 ", "+3", "3.0",
                                    "99999999999999999999", "0x3"}) {
        EXPECT_EQ(refusal({"Replicas=" + value}), "Sample: Replicas cannot be '" + value + range);
    }
    EXPECT_EQ(refusal({"Replicas=3=4"}), std::string("Sample: Replicas cannot be '3=4") + range);
    EXPECT_EQ(refusal({"MaxLeaderEpoch=-2"}),
              "Sample: MaxLeaderEpoch cannot be '-2'; valid: -1 to 30");
}

TEST(Registry, AChoiceIsGivenByItsName) {
    EXPECT_EQ(refusal({"Truncation=kip320"}),
              "Sample: Truncation cannot be 'kip320'; valid: to_high_watermark, kip101, kip279");
    EXPECT_NE(refusal({"Truncation=1"}), "accepted") << "by its name, not by its number";
    EXPECT_NE(refusal({"Truncation=Kip101"}), "accepted");
}

TEST(Registry, ASettingWithoutAValueIsNone) {
    EXPECT_EQ(refusal({"Replicas"}), "--set Replicas: expected NAME=VALUE");
    EXPECT_EQ(refusal({""}), "--set : expected NAME=VALUE");
}

TEST(Registry, TheModelHasTheLastWord) {
    EXPECT_EQ(refusal({"Replicas=7", "MaxLeaderEpoch=30"}), "too large");
    EXPECT_EQ(refusal({"Replicas=3", "MaxLeaderEpoch=30"}), "accepted");
}

TEST(Registry, AskingForAConstantThatIsNoneIsAnError) {
    EXPECT_THROW(parsed({})["LogSize"], std::out_of_range);
}

TEST(Registry, ValuesReadAsTheyAreSet) {
    const ModelEntry model = sample();
    EXPECT_EQ(text_of(model.constants[1], -1), "-1");
    EXPECT_EQ(text_of(model.constants[2], 2), "kip279");
    EXPECT_THROW(text_of(model.constants[2], 3), std::out_of_range);
}

// --- the models that there are ------------------------------------------------------------------

TEST(Registry, EveryModelIsWellDescribed) {
    std::set<std::string_view> names;
    for (const ModelEntry& model : all_models()) {
        SCOPED_TRACE(model.name);
        EXPECT_TRUE(names.insert(model.name).second) << "two models of one name";
        EXPECT_EQ(find_model(model.name), &model);
        EXPECT_FALSE(model.about.empty());
        EXPECT_NE(model.source.find('/'), std::string_view::npos) << "who published it, and where";
        ASSERT_NE(model.search, nullptr);
        std::set<std::string_view> constants;
        for (const ConstantSpec& spec : model.constants) {
            SCOPED_TRACE(spec.name);
            EXPECT_TRUE(constants.insert(spec.name).second);
            EXPECT_FALSE(spec.meaning.empty());
            EXPECT_LE(spec.least, spec.initial);
            EXPECT_LE(spec.initial, spec.most);
            if (spec.choices.empty()) continue;
            EXPECT_EQ(spec.least, 0);
            EXPECT_EQ(spec.most, static_cast<std::int64_t>(spec.choices.size()) - 1);
        }
    }
    EXPECT_GE(names.size(), 16u);
    EXPECT_EQ(find_model("NoSuchModel"), nullptr);
    EXPECT_EQ(find_model(""), nullptr);
}

std::vector<std::string> at_their(std::int64_t ConstantSpec::* bound, const ModelEntry& model) {
    std::vector<std::string> settings;
    for (const ConstantSpec& spec : model.constants) {
        settings.push_back(std::string(spec.name) + "=" + text_of(spec, spec.*bound));
    }
    return settings;
}

// What is in range can be searched, or is refused in words before the search begins.
TEST(Registry, EveryModelBeginsOrRefusesAtEachEndOfEveryRange) {
    for (const ModelEntry& model : all_models()) {
        SCOPED_TRACE(model.name);
        std::vector<std::vector<std::string>> all{{}, at_their(&ConstantSpec::least, model)};
        for (const ConstantSpec& spec : model.constants) {
            for (const std::int64_t value : {spec.least, spec.most}) {
                // Ten nodes have ten million initial states.
                if (model.name == "EWD840" && value == spec.most) continue;
                all.push_back({std::string(spec.name) + "=" + text_of(spec, value)});
            }
        }
        for (const std::vector<std::string>& settings : all) {
            SCOPED_TRACE(settings.empty() ? "as they are" : settings.back());
            SearchOptions options;
            options.max_states = 50;
            options.liveness = false;
            try {
                const Constants constants = parse_constants(model, settings);
                const SearchResult result = model.search(constants, options);
                EXPECT_GT(result.distinct, 0u);
                EXPECT_FALSE(result.properties.empty());
                EXPECT_FALSE(result.coverage.empty());
            } catch (const BadConstants& e) {
                EXPECT_NE(settings, std::vector<std::string>{}) << e.what();
                EXPECT_GT(std::string_view(e.what()).size(), 10u);
            }
        }
    }
}

}  // namespace
}  // namespace tribunal
