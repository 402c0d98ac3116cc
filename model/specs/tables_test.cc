// What TLC (and a second search) counted on the published specifications, against the explorer, by
// the names and constants of `tribunal check`. What takes longer than these is in large_tables.sh.
#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "model/specs/specs.h"

namespace tribunal {
namespace {

using Levels = std::vector<std::uint64_t>;
// By property: the level of the first state that breaks it, initial states being level 1: as many
// states as its shortest counterexample has. Every other `always` holds.
using Broken = std::vector<std::pair<std::string_view, std::uint64_t>>;

struct Row {
    ModelEntry (*model)();
    std::vector<std::string> constants;
    std::uint64_t distinct = 0;  // these: 0 is not known
    std::uint64_t depth = 0;
    Broken broken = {};
    std::uint64_t generated = 0;
    unsigned workers = 1;
    bool symmetry = false;
};

Broken weak_strong(std::uint64_t weak, std::uint64_t strong) {
    Broken broken;
    if (weak != 0) broken.emplace_back("WeakIsr", weak);
    if (strong != 0) broken.emplace_back("StrongIsr", strong);
    return broken;
}

std::vector<std::string> family(int replicas, int log_size, int max_records, int max_leader_epoch) {
    return {"Replicas=" + std::to_string(replicas), "LogSize=" + std::to_string(log_size),
            "MaxRecords=" + std::to_string(max_records),
            "MaxLeaderEpoch=" + std::to_string(max_leader_epoch)};
}
std::vector<std::string> and_set(std::vector<std::string> constants, std::string_view one_more) {
    constants.emplace_back(one_more);
    return constants;
}

SearchResult searched(const ModelEntry& model, const std::vector<std::string>& constants,
                      SearchOptions options = {}) {
    options.liveness = false;
    return model.search(parse_constants(model, constants), options);
}

SearchResult expect_row(const Row& row) {
    const ModelEntry model = row.model();
    std::string name(model.name);
    for (const std::string& constant : row.constants) name += " " + constant;
    SCOPED_TRACE(name);
    SearchOptions options;
    options.workers = row.workers;
    options.symmetry = row.symmetry;
    SearchResult result = searched(model, row.constants, options);
    EXPECT_TRUE(result.complete) << result.stopped_by;
    if (row.distinct != 0) {
        EXPECT_EQ(result.distinct, row.distinct);
    }
    if (row.depth != 0) {
        EXPECT_EQ(result.depth, row.depth);
    }
    if (row.generated != 0) {
        EXPECT_EQ(result.generated, row.generated);
    }
    std::uint64_t in_levels = 0;
    for (const std::uint64_t level : result.levels) in_levels += level;
    EXPECT_EQ(in_levels, result.distinct);
    const std::map<std::string_view, std::uint64_t> broken(row.broken.begin(), row.broken.end());
    std::size_t met = 0;
    for (const PropertyResult& property : result.properties) {
        SCOPED_TRACE(property.name);
        if (property.kind == PropertyKind::eventually) continue;
        const auto level = broken.find(property.name);
        const bool breaks = level != broken.end();
        EXPECT_EQ(property.verdict, breaks ? Verdict::fail : Verdict::pass);
        if (property.kind == PropertyKind::sometimes) continue;
        EXPECT_EQ(property.path.size(), breaks ? level->second : 0);
        EXPECT_EQ(property.violating_states == 0, !breaks);
        if (breaks) ++met;
    }
    EXPECT_EQ(met, row.broken.size()) << "a property that the row names is not the model's";
    return result;
}

void expect_rows(const std::vector<Row>& rows) {
    for (const Row& row : rows) expect_row(row);
}

std::uint64_t violating(const SearchResult& result, std::string_view property) {
    const PropertyResult* found = result.find(property);
    return found == nullptr ? UINT64_MAX : found->violating_states;
}

constexpr auto hw_model = kafka_truncate_to_high_watermark_model;
constexpr auto first_try_model = kip320_first_try_model;

// --- the KafkaReplication family ----------------------------------------------------------------

TEST(Tables, TwoReplicas) {
    const std::vector<std::string> k2221 = family(2, 2, 2, 1);
    const std::vector<std::string> k2222 = family(2, 2, 2, 2);
    const std::vector<std::string> k2223 = family(2, 2, 2, 3);
    const std::vector<std::string> k2332 = family(2, 3, 3, 2);
    const std::vector<std::string> k2333 = family(2, 3, 3, 3);
    const std::vector<std::string> k2442 = family(2, 4, 4, 2);
    const Broken hw = weak_strong(9, 10);
    const Broken kip101 = weak_strong(12, 12);
    expect_rows({
        // Generated are TLC's too, but for Kip279 and Kip320, where TLC takes two disjuncts that
        // hold at once for two steps.
        {hw_model, k2221, 1'251, 16, hw, 2'691},
        {hw_model, k2222, 10'131, 20, hw},
        {hw_model, k2223, 62'855, 23, hw},
        {hw_model, k2332, 37'667, 25, hw},
        {hw_model, k2333, 276'363, 29, hw},
        {hw_model, k2442, 121'385, 30, hw},
        {kip101_model, k2221, 1'177, 15, {}, 2'483},
        {kip101_model, k2222, 9'045, 18, kip101},
        {kip101_model, k2223, 53'413, 21, kip101},
        {kip101_model, k2332, 32'933, 21, kip101},
        {kip101_model, k2333, 229'695, 24, kip101},
        {kip101_model, k2442, 104'843, 24, kip101},
        {kip279_model, k2221, 1'177, 15, {}, 2'521},
        {kip279_model, k2222, 9'027, 18},
        {kip279_model, k2223, 53'099, 21},
        {kip279_model, k2332, 32'713, 21},
        {kip279_model, k2333, 225'761, 24},
        {kip279_model, k2442, 103'633, 24},
        {first_try_model, k2221, 1'165, 15, {}, 2'399},
        {first_try_model, k2222, 8'429, 18},
        {first_try_model, k2223, 46'465, 21},
        {first_try_model, k2332, 30'737, 22},
        {first_try_model, k2333, 196'973, 25},
        {first_try_model, k2442, 99'279, 26},
        {kip320_model, k2221, 957, 15, {}, 1'801},
        {kip320_model, k2222, 5'973, 18},
        {kip320_model, k2223, 28'939, 22},
        {kip320_model, k2332, 21'493, 22},
        {kip320_model, k2333, 120'879, 26},
        {kip320_model, k2442, 69'001, 26},
    });
}

TEST(Tables, ThreeReplicas) {
    const std::vector<std::string> k3221 = family(3, 2, 2, 1);
    const std::vector<std::string> k3222 = family(3, 2, 2, 2);
    expect_rows({
        {hw_model, k3221, 67'807, 21, weak_strong(9, 9)},
        {kip101_model, k3221, 59'788, 22, weak_strong(0, 12)},
        {kip279_model, k3221, 60'106, 22, weak_strong(0, 12)},
        {first_try_model, k3221, 59'092, 22},
        {kip320_model, k3221, 39'619, 22},
        {.model = kip279_model,
         .constants = k3222,
         .distinct = 1'616'461,
         .depth = 26,
         .broken = weak_strong(11, 11)},
        {.model = kip320_model, .constants = k3222, .distinct = 737'794, .depth = 26, .workers = 2},
    });
}

// The runs by which TLC's speed was measured; of some only the successors were noted.
TEST(Tables, OneRecordAndThreeEpochs) {
    const std::vector<std::string> k3112 = family(3, 1, 1, 2);
    expect_rows({
        {.model = hw_model, .constants = k3112, .broken = weak_strong(9, 9), .generated = 782'134},
        {.model = first_try_model,
         .constants = k3112,
         .broken = weak_strong(12, 13),
         .generated = 578'332},
    });
}

TEST(Tables, SymmetricReplicas) {
    const std::vector<std::string> k3221 = family(3, 2, 2, 1);
    struct Symmetric {
        ModelEntry (*model)();
        std::uint64_t distinct;
        Broken broken;
    };
    const Symmetric rows[] = {
        {hw_model, 11'453, weak_strong(9, 9)},
        {kip101_model, 10'111, weak_strong(0, 12)},
        {kip279_model, 10'164, weak_strong(0, 12)},
        {first_try_model, 9'983, {}},
        {kip320_model, 6'713, {}},
    };
    for (const Symmetric& row : rows) {
        const std::uint64_t depth = row.model == hw_model ? 21 : 22;
        expect_row({row.model, k3221, row.distinct, depth, row.broken, 0, 1, true});
    }
}

TEST(Tables, LevelsOfTheFamily) {
    const auto levels = [](const ModelEntry& model, const std::vector<std::string>& constants) {
        return searched(model, constants).levels;
    };
    EXPECT_EQ(levels(hw_model(), family(2, 2, 2, 1)),
              (Levels{1, 4, 14, 30, 44, 66, 100, 138, 168, 196, 198, 144, 82, 46, 16, 4}));
    EXPECT_EQ(levels(kip320_model(), family(2, 2, 2, 1)),
              (Levels{1, 4, 12, 18, 38, 60, 86, 118, 132, 152, 144, 102, 62, 24, 4}));
    EXPECT_EQ(levels(kip320_model(), family(3, 2, 2, 1)),
              (Levels{1,    6,    30,   48,   180,  390,  720,  1218, 1893, 2634, 3426,
                      4248, 4899, 5229, 4872, 4083, 2913, 1725, 762,  252,  78,   12}));
}

TEST(Tables, StatesThatViolate) {
    const auto weak = [](const SearchResult& r) { return violating(r, "WeakIsr"); };
    const auto strong = [](const SearchResult& r) { return violating(r, "StrongIsr"); };
    const SearchResult hw = searched(hw_model(), family(2, 2, 2, 1));
    EXPECT_EQ(weak(hw), 30u);
    EXPECT_EQ(strong(hw), 22u);
    const SearchResult kip101 = searched(kip101_model(), family(2, 2, 2, 2));
    EXPECT_EQ(weak(kip101), 6u);
    EXPECT_EQ(strong(kip101), 6u);
    const SearchResult kip101_of_three = searched(kip101_model(), family(3, 2, 2, 1));
    EXPECT_EQ(weak(kip101_of_three), 0u);
    EXPECT_EQ(strong(kip101_of_three), 96u);
    const SearchResult kip279 = searched(kip279_model(), family(3, 2, 2, 1));
    EXPECT_EQ(weak(kip279), 0u);
    EXPECT_EQ(strong(kip279), 108u);
}

// Every rule of KIP-320 is needed; one of them only with a third record.
TEST(Tables, Kip320WithoutOneRule) {
    const std::vector<std::string> k3221 = family(3, 2, 2, 1);
    const std::vector<std::string> k3222 = family(3, 2, 2, 2);
    const auto without = [](const std::vector<std::string>& constants, std::string_view rule) {
        return and_set(constants, "Without=" + std::string(rule));
    };
    expect_rows({
        {kip320_model, without(k3221, "same_epoch_truncation"), 43'771},
        {kip320_model, without(k3221, "epoch_in_inc_hw"), 39'769},
        {kip320_model, without(k3221, "epoch_in_fetch"), 44'653},
        {.model = kip320_model,
         .constants = without(k3222, "same_epoch_truncation"),
         .distinct = 873'256,
         .broken = weak_strong(14, 14)},
        {.model = kip320_model,
         .constants = without(k3222, "epoch_in_inc_hw"),
         .distinct = 742'366,
         .broken = weak_strong(13, 13)},
        {.model = kip320_model,
         .constants = without(k3222, "epoch_in_fetch"),
         .distinct = 863'029,
         .broken = weak_strong(13, 0)},
        // KAFKA-6880: what is acknowledged is lost only with a third record.
        {.model = kip320_model,
         .constants = without(family(3, 3, 3, 2), "epoch_in_fetch"),
         .distinct = 4'935'514,
         .broken = weak_strong(13, 17)},
        {kip101_model, and_set(family(2, 2, 2, 1), "Truncation=clamped_to_end"), 1'177},
        {kip101_model, and_set(family(2, 2, 2, 2), "Truncation=clamped_to_end"), 9'047, 18,
         weak_strong(12, 12)},
        {kip101_model, and_set(k3221, "Truncation=clamped_to_end"), 60'106, 22, weak_strong(0, 12)},
        {.model = kip101_model,
         .constants = and_set(k3222, "Truncation=clamped_to_end"),
         .distinct = 1'627'279,
         .broken = weak_strong(11, 11)},
    });
}

// Of these the tables have only the first violations.
TEST(Tables, Kip320WithoutARuleOfTheExpansion) {
    const std::vector<std::string> k3221 = family(3, 2, 2, 1);
    const std::vector<std::string> k3222 = family(3, 2, 2, 2);
    const auto row = [](const std::vector<std::string>& constants, std::string_view rule,
                        Broken broken) {
        return Row{.model = kip320_model,
                   .constants = and_set(constants, "Without=" + std::string(rule)),
                   .broken = std::move(broken)};
    };
    expect_rows({
        row(k3221, "hw_in_epoch_in_expand", weak_strong(0, 12)),  // KAFKA-7128
        row(k3222, "hw_in_epoch_in_expand", weak_strong(14, 12)),
        row(k3221, "epoch_in_expand", {}),
        row(k3222, "epoch_in_expand", weak_strong(15, 15)),
    });
}

TEST(Tables, AsyncIsrAndTheHelperModules) {
    const auto async_isr = [](int max_offset, int max_version) -> std::vector<std::string> {
        return {"Replicas=3", "MaxOffset=" + std::to_string(max_offset),
                "MaxVersion=" + std::to_string(max_version)};
    };
    expect_rows({
        {async_isr_model, async_isr(1, 2), 1'460, 14},
        {async_isr_model, async_isr(2, 2), 4'088, 17},
        {async_isr_model, async_isr(1, 3), 8'020, 18},
        {id_sequence_model, {"MaxId=3"}, 5, 5},
        {finite_replicated_log_model, {"Replicas=2", "LogRecords=2", "LogSize=2"}, 49, 5, {}, 295},
    });
}

// --- data replication under KRaft ---------------------------------------------------------------

// Two brokers, replication factor 2, MinISR 1, one value.
std::vector<std::string> two_brokers(int init_isr_size, int fenced, int unclean) {
    return {"BrokerCount=2",
            "InitReplicationFactor=2",
            "MinISR=1",
            "InitIsrSize=" + std::to_string(init_isr_size),
            "FenceBrokerLimit=" + std::to_string(fenced),
            "UncleanShutdownLimit=" + std::to_string(unclean)};
}

TEST(Tables, KraftReplication) {
    expect_rows({
        {.model = kraft_replication_model,
         .constants = two_brokers(2, 1, 0),
         .distinct = 14'613,
         .depth = 36},
        {.model = kraft_replication_model,
         .constants = two_brokers(1, 0, 1),
         .distinct = 36'913,
         .depth = 46},
    });
}

TEST(Tables, KraftReplicationWithoutOneRule) {
    struct Mutant {
        std::vector<std::string> constants;
        std::string_view violated;
        std::uint64_t actions;
    };
    const std::vector<std::string> published;  // three brokers, MinISR 2
    const Mutant mutants[] = {
        {and_set(two_brokers(2, 1, 1), "AvoidLastReplicaStanding=FALSE"),
         "NoCommittedRecordLostGlobally", 4},
        {and_set(published, "AvoidLastReplicaStanding=FALSE"), "LeaderCompleteness", 7},
        {and_set(two_brokers(1, 0, 1), "Without=kip903_broker_epoch"),
         "LeaderCandidateCompleteness", 12},
        {and_set(two_brokers(1, 0, 1), "Without=maximal_isr_high_watermark"),
         "LeaderCandidateCompleteness", 9},
        {and_set(two_brokers(1, 1, 0), "Without=partition_epoch"), "ReplicationQuorumSuperset", 8},
        {and_set(two_brokers(1, 0, 1), "Without=leo_at_least_hwm"), "LeaderCandidateCompleteness",
         6},
    };
    SearchOptions options;
    options.stop_at_first = true;
    for (const Mutant& mutant : mutants) {
        SCOPED_TRACE(mutant.constants.back());
        const SearchResult result = searched(kraft_replication_model(), mutant.constants, options);
        EXPECT_EQ(result.stopped_by, "first violation");
        EXPECT_EQ(result.depth, mutant.actions + 1);
        EXPECT_EQ(result.find(mutant.violated)->verdict, Verdict::fail);
        EXPECT_EQ(result.find(mutant.violated)->actions.size(), mutant.actions);
    }
}

// --- the consumer group protocol of KIP-848 -----------------------------------------------------

std::vector<std::string> groups(int topics, int perturbations, std::string_view one_more = "") {
    std::vector<std::string> constants{"TopicCount=" + std::to_string(topics),
                                       "MaxPerturbations=" + std::to_string(perturbations)};
    if (!one_more.empty()) constants.emplace_back(one_more);
    return constants;
}

TEST(Tables, ConsumerGroupProtocol) {
    expect_rows({
        {consumer_group_protocol_model, groups(1, 0), 4'009, 26},
        {consumer_group_protocol_model, groups(2, 0), 7'673, 26},
        {consumer_group_protocol_model, groups(1, 0, "View=shipped"), 2'219, 25},
        {consumer_group_protocol_model, groups(2, 0, "View=shipped"), 4'139, 25},
    });
    const auto actions_until_broken = [](int topics) {
        SearchOptions options;
        options.stop_at_first = true;
        const SearchResult result =
            searched(consumer_group_protocol_model(),
                     groups(topics, 1, "PartitionEpochs=before_kafka_16147"), options);
        return result.find("ValidPartitionEpoch")->actions.size();
    };
    EXPECT_EQ(actions_until_broken(1), 11u);
    EXPECT_EQ(actions_until_broken(2), 10u);
}

// --- the classics -------------------------------------------------------------------------------

TEST(Tables, Classics) {
    expect_rows({
        {die_hard_model, {}, 16, 8, {{"NotSolved", 7}}, 97},
        {t_commit_model, {"RM=3"}, 34, 7, {}, 94},
        {two_phase_model, {"RM=3"}, 288, 11, {}, 1'146},
        {two_phase_model, {"RM=4"}, 1'568, 14, {}, 8'258},
        {two_phase_model, {"RM=5"}, 8'832, 17, {}, 58'146},
        {two_phase_model, {"RM=6"}, 50'816, 20, {}, 402'306},
        {ewd840_model, {"N=3"}, 302, 9, {}, 2'001},
        {ewd840_model, {"N=4"}, 1'566, 12, {}, 15'986},
        {ewd840_model, {"N=5"}, 7'742, 15, {}, 114'211},
        {ewd840_model, {"N=6"}, 36'990, 18, {}, 750'020},
        {dining_philosophers_model, {"NP=5"}, 67, 29, {}, 336},
        {dining_philosophers_model, {"NP=6"}, 131, 35, {}, 787},
        {dining_philosophers_model, {"NP=8"}, 515, 47, {}, 4'121},
        {chameneos_model, {"N=4", "M=4"}, 34'534, 13, {}, 104'697},
        {chang_roberts_model, {"N=3"}, 137, 10, {}, 227},
    });
}

// --- that a row can fail ------------------------------------------------------------------------

TEST(Tables, AnotherSystemDoesNotFitTheRow) {
    testing::TestPartResultArray failures;
    {
        testing::ScopedFakeTestPartResultReporter catcher(
            testing::ScopedFakeTestPartResultReporter::INTERCEPT_ONLY_CURRENT_THREAD, &failures);
        // Kip101's row, and its clamped twin.
        expect_row({kip101_model, and_set(family(2, 2, 2, 2), "Truncation=clamped_to_end"), 9'045,
                    18, weak_strong(12, 12)});
        // A counterexample of the wrong length, and one that is not there.
        expect_row({die_hard_model, {}, 16, 8, {{"NotSolved", 6}}});
        expect_row({t_commit_model, {"RM=3"}, 34, 7, {{"TCConsistent", 3}}});
    }
    EXPECT_GE(failures.size(), 4);
}

}  // namespace
}  // namespace tribunal
