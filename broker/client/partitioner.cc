// The partitioners. Each leaf takes the draw it may need and uses it at most once.
#include "broker/client/partitioner.h"

#include <algorithm>
#include <utility>

#include "broker/base/check.h"
#include "broker/client/murmur2.h"

namespace tribunal {
namespace {

std::int32_t entry_for(const std::vector<std::int32_t>& partitions, std::int32_t number) {
    CHECK(!partitions.empty());
    return partitions[static_cast<std::size_t>(number) % partitions.size()];
}

// KIP-480: the next sticky partition is another one with a leader, unless there is only one such.
// True when `random` was consumed.
// Deviation: Kafka draws again until the partition differs; one draw among the others gives the
// same distribution and always ends.
bool move_to_other(TopicPartitioner& topic, const PartitionTable& table, std::int32_t random) {
    if (table.with_leader().size() == 1) {
        topic.sticky = table.with_leader().front();
        return false;
    }
    if (table.with_leader().empty()) {
        topic.sticky = random % table.count;
        return true;
    }
    std::vector<std::int32_t> others = table.with_leader();
    if (topic.sticky) std::erase(others, *topic.sticky);
    topic.sticky = entry_for(others, random);
    return true;
}

std::int32_t next_round_robin(TopicPartitioner& topic, const PartitionTable& table,
                              std::uint32_t start = 0) {
    const std::int32_t turn = to_positive(static_cast<std::int32_t>(start + topic.round_robin++));
    return table.with_leader().empty() ? turn % table.count : entry_for(table.with_leader(), turn);
}

PartitionChoice sticky_choice(const PartitionerConfig& config, TopicPartitioner& topic,
                              const PartitionTable& table, std::int32_t random) {
    if (topic.sticky) return {topic.sticky, true, false};
    if (config.rule == PartitionerRule::uniform_sticky) {
        const bool used = move_to_other(topic, table, random);
        return {topic.sticky, true, used};
    }
    topic.sticky = drawn_partition(table, topic.load, random);
    topic.produced = 0;
    return {topic.sticky, true, true};
}

}  // namespace

const std::vector<std::int32_t>& PartitionTable::with_leader() const {
    if (const KnownTopic* topic = std::exchange(topic_, nullptr)) {
        for (std::int32_t i = 0; i < count; ++i) {
            if (topic->partitions[static_cast<std::size_t>(i)].leader != kNoNode) {
                with_leader_.push_back(i);
            }
        }
    }
    return with_leader_;
}

std::optional<LoadStats> load_stats(const std::vector<QueueSize>& in_use, std::size_t measured) {
    CHECK(in_use.size() <= measured);
    if (in_use.empty() || measured < 2) return std::nullopt;
    const auto [shortest, longest] =
        std::minmax_element(in_use.begin(), in_use.end(),
                            [](const auto& a, const auto& b) { return a.batches < b.batches; });
    const bool all_equal = shortest->batches == longest->batches;
    if (all_equal && in_use.size() == measured) return std::nullopt;
    LoadStats stats;
    std::int64_t sum = 0;
    for (const QueueSize& queue : in_use) {
        CHECK(queue.batches >= 0);
        sum += std::int64_t{longest->batches} + 1 - queue.batches;
        stats.partitions.push_back(queue.partition);
        stats.cumulative.push_back(sum);
    }
    return stats;
}

std::int32_t drawn_partition(const PartitionTable& table, const std::optional<LoadStats>& load,
                             std::int32_t random) {
    CHECK(table.count > 0);
    CHECK(random >= 0);
    if (load) {
        CHECK(!load->cumulative.empty() && load->cumulative.size() == load->partitions.size());
        // Weights of an older metadata may name a partition that has lost its leader since; Kafka
        // takes it all the same, until the next report of the queues.
        const std::int64_t drawn = random % load->cumulative.back();
        const auto above =
            std::upper_bound(load->cumulative.begin(), load->cumulative.end(), drawn);
        return load->partitions[static_cast<std::size_t>(above - load->cumulative.begin())];
    }
    return table.with_leader().empty() ? random % table.count
                                       : entry_for(table.with_leader(), random);
}

PartitionChoice choose_partition(const PartitionerConfig& config, TopicPartitioner& topic,
                                 const PartitionTable& table, const RecordTarget& target,
                                 std::int32_t random) {
    if (target.partition) {
        CHECK(*target.partition >= 0);
        if (*target.partition >= table.count) return {};
        return {target.partition, false, false};
    }
    if (table.count <= 0) return {};
    CHECK(random >= 0);
    if (config.rule == PartitionerRule::round_robin) {
        return {next_round_robin(topic, table), false, false};
    }
    // UniformStickyPartitioner itself never looked at keys; the default of its time,
    // DefaultPartitioner, did, and is what uniform_sticky without ignores_keys stands for.
    if (target.key && !config.ignores_keys) {
        return {partition_for_key(*target.key, table.count), false, false};
    }
    if (config.rule == PartitionerRule::default_round_robin) {
        const bool begins = !topic.sticky;
        if (begins) topic.sticky = random;
        const auto start = static_cast<std::uint32_t>(*topic.sticky);
        return {next_round_robin(topic, table, start), false, begins};
    }
    return sticky_choice(config, topic, table, random);
}

bool on_appended(const PartitionerConfig& config, TopicPartitioner& topic,
                 const PartitionTable& table, std::int64_t bytes, bool enable_switch,
                 std::int32_t random) {
    CHECK(bytes >= 0);
    if (config.rule != PartitionerRule::built_in) return false;
    CHECK(topic.sticky.has_value());
    const std::int64_t share = std::max<std::int64_t>(1, config.batch_size);
    topic.produced += bytes;
    const bool had_share = topic.produced >= share && enable_switch;
    if (!had_share && topic.produced < 2 * share) return false;
    topic.sticky = drawn_partition(table, topic.load, random);
    topic.produced = 0;
    return true;
}

bool on_new_batch(const PartitionerConfig& config, TopicPartitioner& topic,
                  const PartitionTable& table, std::int32_t partition, std::int32_t random) {
    CHECK(random >= 0);
    CHECK(table.count > 0);
    if (config.rule != PartitionerRule::uniform_sticky) return false;
    // A keyed record may begin a batch of another partition: the sticky one stays.
    if (topic.sticky && *topic.sticky != partition) return false;
    return move_to_other(topic, table, random);
}

void on_queue_sizes(const PartitionerConfig& config, TopicPartitioner& topic,
                    const std::vector<QueueSize>& in_use, std::size_t measured) {
    if (config.rule != PartitionerRule::built_in || !config.is_adaptive) return;
    topic.load = load_stats(in_use, measured);
}

}  // namespace tribunal
