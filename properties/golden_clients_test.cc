// The producer's partitioning against what Kafka's own classes answered.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include <map>

#include "broker/client/murmur2.h"
#include "broker/client/partitioner.h"
#include "properties/golden.h"

namespace tribunal {
namespace {

using nlohmann::json;

std::string bytes_of(const std::string& hex) {
    std::string bytes;
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
        bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
    }
    return bytes;
}

PartitionTable table_of(const json& op) {
    const std::int32_t count = op.at("partitions");
    std::vector<std::int32_t> with_leader;
    const std::vector<std::int32_t> leaderless = op.at("without_leader");
    for (std::int32_t partition = 0; partition < count; ++partition) {
        if (std::find(leaderless.begin(), leaderless.end(), partition) == leaderless.end()) {
            with_leader.push_back(partition);
        }
    }
    return {count, with_leader};
}

TEST(golden, murmur2) {
    const json golden = load_golden("murmur2");
    ASSERT_EQ(golden.at("cases").size(), golden.at("header").at("cases"));
    for (const json& c : golden.at("cases")) {
        const std::string hex = c.at("hex");
        const std::string key = bytes_of(hex);
        EXPECT_EQ(murmur2(key), c.at("murmur2").get<std::int32_t>()) << hex;
        EXPECT_EQ(to_positive(murmur2(key)), c.at("positive").get<std::int32_t>()) << hex;
        for (const auto& [count, partition] : c.at("parts").items()) {
            EXPECT_EQ(partition_for_key(key, std::stoi(count)), partition.get<std::int32_t>())
                << hex << " of " << count;
        }
    }
}

// Plays one case's operations; the recorded draws are offered one by one, and a draw that is
// consumed without need, or not consumed, is a difference as well.
class StickyCase {
  public:
    explicit StickyCase(const json& c) : table_(table_of(c.at("initial"))) {
        config_.batch_size = c.at("batch_size");
    }

    void play(const json& op) {
        const std::string kind = op.at("op");
        if (kind == "metadata") {
            table_ = table_of(op);
        } else if (kind == "load_stats") {
            play_load(op);
        } else {
            ASSERT_EQ(kind, "append");
            play_append(op);
        }
    }

  private:
    void play_load(const json& op) {
        if (op.at("queue_sizes").is_null()) return on_queue_sizes(config_, topic_, {}, 0);
        const std::vector<std::int32_t> sizes = op.at("queue_sizes");
        const std::vector<std::int32_t> ids = op.at("partition_ids");
        const std::size_t length = op.at("length");
        std::vector<QueueSize> in_use;
        for (std::size_t i = 0; i < length; ++i) in_use.push_back({ids.at(i), sizes.at(i)});
        on_queue_sizes(config_, topic_, in_use, sizes.size());
        ASSERT_EQ(topic_.load.has_value(), op.at("adaptive").get<bool>());
        if (topic_.load) {
            EXPECT_EQ(topic_.load->cumulative,
                      op.at("cumulative").get<std::vector<std::int64_t>>());
        }
    }

    void play_append(const json& op) {
        std::vector<std::int32_t> randoms = op.at("randoms");
        std::size_t used = 0;
        const auto next = [&] { return used < randoms.size() ? randoms[used] : 0; };
        const PartitionChoice choice = choose_partition(config_, topic_, table_, {}, next());
        EXPECT_EQ(choice.partition, op.at("partition").get<std::int32_t>());
        EXPECT_TRUE(choice.is_sticky);
        if (choice.used_random) ++used;
        if (on_appended(config_, topic_, table_, op.at("bytes"), op.at("enable_switch"), next())) {
            ++used;
        }
        EXPECT_EQ(topic_.sticky, op.at("next_partition").get<std::int32_t>());
        EXPECT_EQ(used, randoms.size());
    }

    PartitionerConfig config_;
    TopicPartitioner topic_;
    PartitionTable table_;
};

void expect_draws(const json& c) {
    std::vector<QueueSize> queues;
    std::vector<std::int32_t> all;
    const std::vector<std::int32_t> sizes = c.at("queue_sizes");
    const std::int32_t length = c.at("length");
    for (std::size_t i = 0; i < sizes.size(); ++i) {
        all.push_back(static_cast<std::int32_t>(i));
        if (all.back() < length) queues.push_back({all.back(), sizes[i]});
    }
    const auto load = load_stats(queues, sizes.size());
    ASSERT_EQ(load.has_value(), c.at("adaptive").get<bool>());
    const std::vector<std::int32_t> want = c.at("partition_for_random");
    const PartitionTable table{static_cast<std::int32_t>(sizes.size()), all};
    for (std::size_t random = 0; random < want.size(); ++random) {
        EXPECT_EQ(drawn_partition(table, load, static_cast<std::int32_t>(random)), want[random]);
    }
}

void expect_turns(const json& c) {
    const PartitionerConfig config{.rule = PartitionerRule::round_robin};
    std::map<std::string, TopicPartitioner> topics;
    std::map<std::string, PartitionTable> tables;
    for (const json& op : c.at("ops")) {
        const std::string topic = op.at("topic");
        if (op.at("op") == "metadata") {
            tables[topic] = table_of(op);
            continue;
        }
        ASSERT_EQ(op.at("op"), "partition");
        const auto choice = choose_partition(config, topics[topic], tables[topic], {}, 0);
        EXPECT_EQ(choice, (PartitionChoice{op.at("partition").get<std::int32_t>(), false, false}));
    }
}

TEST(golden, partitioner) {
    const json golden = load_golden("partitioner");
    ASSERT_EQ(golden.at("cases").size(), golden.at("header").at("cases"));
    std::size_t number = 0;
    for (const json& c : golden.at("cases")) {
        SCOPED_TRACE("case " + std::to_string(number++) + " " + c.value("id", ""));
        const std::string kind = c.at("kind");
        if (kind == "sticky") {
            StickyCase played(c);
            for (const json& op : c.at("ops")) {
                played.play(op);
                if (HasFailure()) FAIL() << op.dump();
            }
        } else if (kind == "load_stats") {
            expect_draws(c);
        } else {
            ASSERT_EQ(kind, "round_robin");
            expect_turns(c);
        }
    }
}

TEST(golden, a_missing_file_is_an_error_that_says_where_it_was_looked_for) {
    try {
        load_golden("no-such-subject");
        FAIL() << "loaded";
    } catch (const std::runtime_error& error) {
        const std::string what = error.what();
        EXPECT_NE(what.find(golden_folder() + "/no-such-subject.json.gz"), std::string::npos)
            << what;
        EXPECT_NE(what.find("GOLDEN_DIR"), std::string::npos) << what;
    }
}

}  // namespace
}  // namespace tribunal
