// Every way to search every model: what a search leaves out must not change what it says.
#include <gtest/gtest.h>

#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "model/specs/specs.h"

namespace tribunal {
namespace {

// Where the constants of `tribunal list models` are too much for a test of all searches.
const std::map<std::string_view, std::vector<std::string>>& smaller() {
    static const std::vector<std::string> kafka{"Replicas=2", "MaxLeaderEpoch=2"};
    static const std::vector<std::string> kraft{"BrokerCount=2", "InitReplicationFactor=2",
                                                "MinISR=1", "InitIsrSize=2"};
    static const std::map<std::string_view, std::vector<std::string>> table{
        {"KafkaTruncateToHighWatermark", kafka},
        {"Kip101", kafka},
        {"Kip279", kafka},
        {"Kip320FirstTry", kafka},
        {"Kip320", kafka},
        {"kafka_replication_v3_5",
         {kraft[0], kraft[1], kraft[2], kraft[3], "UncleanShutdownLimit=0"}},
        {"kafka_replication_kip_966",
         {kraft[0], kraft[1], kraft[2], kraft[3], "DataLossShutdownLimit=0"}},
        {"consumer_group_protocol_kip_848_v2", {"TopicCount=1", "MaxPerturbations=0"}},
        {"EWD840", {"N=4"}},
        {"Chameneos", {"N=3", "M=3"}},
        {"ChangRoberts", {"N=3"}},
    };
    return table;
}

std::vector<Verdict> verdicts_of(const SearchResult& result) {
    std::vector<Verdict> verdicts;
    for (const PropertyResult& p : result.properties) verdicts.push_back(p.verdict);
    return verdicts;
}

class EveryModel : public testing::Test {
  protected:
    // Calls visit(model, constants, what a plain search says) for every model.
    template <class Visit>
    void for_each(Visit&& visit) {
        for (const ModelEntry& model : all_models()) {
            SCOPED_TRACE(model.name);
            const auto less = smaller().find(model.name);
            const std::vector<std::string> settings =
                less == smaller().end() ? std::vector<std::string>{} : less->second;
            const Constants constants = parse_constants(model, settings);
            SearchOptions plain;
            plain.max_states = 200'000;
            const SearchResult result = model.search(constants, plain);
            ASSERT_TRUE(result.complete);
            visit(model, constants, result);
        }
    }
};

TEST_F(EveryModel, says_the_same_up_to_names) {
    int offered = 0;
    for_each([&](const ModelEntry& model, const Constants& constants, const SearchResult& plain) {
        SearchOptions options;
        options.symmetry = true;
        try {
            const SearchResult result = model.search(constants, options);
            ++offered;
            EXPECT_EQ(verdicts_of(result), verdicts_of(plain));
            EXPECT_LE(result.distinct, plain.distinct);
            EXPECT_EQ(result.depth, plain.depth);
            for (std::size_t p = 0; p < plain.properties.size(); ++p) {
                if (plain.properties[p].kind == PropertyKind::eventually) continue;
                EXPECT_EQ(result.properties[p].path.size(), plain.properties[p].path.size())
                    << plain.properties[p].name;
            }
        } catch (const std::invalid_argument& refusal) {
            EXPECT_NE(std::string(refusal.what()).find("no symmetry"), std::string::npos);
        }
    });
    EXPECT_GE(offered, 10);
}

TEST_F(EveryModel, says_the_same_with_sleep_sets) {
    int offered = 0;
    for_each([&](const ModelEntry& model, const Constants& constants, const SearchResult& plain) {
        SearchOptions options;
        options.partial_order = PartialOrder::sleep_sets;
        try {
            const SearchResult result = model.search(constants, options);
            ++offered;
            EXPECT_EQ(verdicts_of(result), verdicts_of(plain));
            EXPECT_EQ(result.distinct, plain.distinct);
            EXPECT_LE(result.generated, plain.generated);
        } catch (const std::invalid_argument& refusal) {
            EXPECT_NE(std::string(refusal.what()).find("independent"), std::string::npos);
        }
    });
    EXPECT_GE(offered, 10);
}

// It needs behaviours that end, and says so of others; within a limit it must not contradict.
TEST_F(EveryModel, is_not_contradicted_by_source_dpor) {
    int offered = 0;
    int decided = 0;
    for_each([&](const ModelEntry& model, const Constants& constants, const SearchResult& plain) {
        SearchOptions options;
        options.partial_order = PartialOrder::source_dpor;
        options.time_limit_ms = 1'000;
        options.liveness = false;
        try {
            const SearchResult result = model.search(constants, options);
            ++offered;
            decided += result.complete ? 1 : 0;
            for (std::size_t p = 0; p < plain.properties.size(); ++p) {
                const Verdict verdict = result.properties[p].verdict;
                if (verdict == Verdict::inconclusive) continue;
                EXPECT_EQ(verdict, plain.properties[p].verdict) << plain.properties[p].name;
            }
        } catch (const std::invalid_argument& refusal) {
            EXPECT_NE(std::string(refusal.what()).find("independent"), std::string::npos);
        }
    });
    EXPECT_GE(offered, 10);
    EXPECT_GE(decided, 2);
}

}  // namespace
}  // namespace tribunal
