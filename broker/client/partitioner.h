// Which partition the producer sends a record to.
//
// Kafka's order of precedence: the partition the application names; else the hash of the key
// (unless partitioner.ignore.keys or another partitioner.class); else the configured rule:
//   built_in             sticky by bytes, and adaptive to the brokers' queues (KIP-794, since 3.3)
//   uniform_sticky       sticky until the next batch begins (KIP-480, 2.4 to 3.2); known to favour
//                        slow brokers, whose batches stay open longer (KAFKA-10888)
//   default_round_robin  DefaultPartitioner before 2.4: every record without a key to the next
//                        partition, from a random one on
//   round_robin          RoundRobinPartitioner: every record to the next partition, keys ignored
//
// Plain values without randomness of their own: where a draw may be needed, the caller passes one
// in as a non-negative 31-bit integer and is told whether it was consumed, so that a producer whose
// partition did not change leaves its stream where it was. Nothing here ever waits: a record whose
// partition is not in the metadata has no choice yet, and the producer's max.block.ms decides.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "broker/base/digest.h"
#include "broker/base/fields.h"
#include "broker/client/cluster_metadata.h"

namespace tribunal {

enum class PartitionerRule : std::uint8_t {
    built_in,
    uniform_sticky,
    default_round_robin,
    round_robin
};

struct PartitionerConfig {
    PartitionerRule rule = PartitionerRule::built_in;
    bool ignores_keys = false;        // partitioner.ignore.keys
    bool is_adaptive = true;          // partitioner.adaptive.partitioning.enable
    std::int64_t batch_size = 16384;  // batch.size; 0 there means 1 here
    TRIBUNAL_FIELDS(PartitionerConfig, rule, ignores_keys, is_adaptive, batch_size)
};

// One topic as the producer's metadata has it; good as long as that is. Who has a leader is found
// out when somebody asks, which few records do.
class PartitionTable {
  public:
    PartitionTable() = default;  // of a topic without partitions
    explicit PartitionTable(const KnownTopic& topic)
        : count(static_cast<std::int32_t>(topic.partitions.size())), topic_(&topic) {}
    PartitionTable(std::int32_t partitions, std::vector<std::int32_t> with_leader)
        : count(partitions), with_leader_(std::move(with_leader)) {}

    std::int32_t count = 0;
    // Ascending; empty when no partition has a leader.
    const std::vector<std::int32_t>& with_leader() const;

  private:
    mutable const KnownTopic* topic_ = nullptr;  // null: with_leader_ is known
    mutable std::vector<std::int32_t> with_leader_;
};

// Batches that wait in the accumulator for one partition.
struct QueueSize {
    std::int32_t partition = 0;
    std::int32_t batches = 0;
    TRIBUNAL_FIELDS(QueueSize, partition, batches)
};

// How likely each partition is: entry i is drawn when the draw, modulo the last number, lies below
// cumulative[i] and not below cumulative[i - 1].
struct LoadStats {
    std::vector<std::int32_t> partitions;
    std::vector<std::int64_t> cumulative;
    TRIBUNAL_FIELDS(LoadStats, partitions, cumulative)
};

// The weights for these queues: the longest queue gets 1, each batch fewer adds 1. Nothing (draw
// uniformly) when there is no queue to choose, when fewer than two partitions were measured, or
// when all queues are equal and none was left out. `in_use` are the partitions with a leader that
// did not exceed partitioner.availability.timeout.ms; `measured` counts the ones left out as well.
std::optional<LoadStats> load_stats(const std::vector<QueueSize>& in_use, std::size_t measured);

// A partition drawn by weight; without weights uniformly from those with a leader, or from all when
// none has one. `table.count` must be positive.
std::int32_t drawn_partition(const PartitionTable& table, const std::optional<LoadStats>& load,
                             std::int32_t random);

// What a producer remembers about one topic; a default one is a producer that never sent to it.
struct TopicPartitioner {
    // The partition of records that have none of their own; of default_round_robin the number that
    // it began to count from.
    std::optional<std::int32_t> sticky;
    std::int64_t produced = 0;  // bytes appended to it since it was drawn
    std::optional<LoadStats> load;
    std::uint32_t round_robin = 0;  // records so far
    TRIBUNAL_FIELDS(TopicPartitioner, sticky, produced, load, round_robin)
};

struct RecordTarget {
    std::optional<std::int32_t> partition;  // named by the application; never negative
    std::optional<std::string_view> key;    // serialized; an empty key is a key
};

struct PartitionChoice {
    std::optional<std::int32_t> partition;  // nothing: not in the metadata, ask again after update
    bool is_sticky = false;                 // appending it has to be reported to on_appended
    bool used_random = false;
    TRIBUNAL_FIELDS(PartitionChoice, partition, is_sticky, used_random)
};

PartitionChoice choose_partition(const PartitionerConfig& config, TopicPartitioner& topic,
                                 const PartitionTable& table, const RecordTarget& target,
                                 std::int32_t random);

// built_in: `bytes` were added to the batches of the sticky partition; draws the next one when it
// had its share. True when `random` was consumed. `enable_switch` says that no batch of the
// partition is half full, so that leaving it does not send a fragment; at twice batch.size the
// partition is left in any case. As Kafka's accumulator does, call it also with 0 bytes and
// enable_switch before a sticky append that finds no half-full batch: it completes a switch that
// was held back, and the record must then choose again.
bool on_appended(const PartitionerConfig& config, TopicPartitioner& topic,
                 const PartitionTable& table, std::int64_t bytes, bool enable_switch,
                 std::int32_t random);

// uniform_sticky: a record would begin a new batch of `partition`; leaves that partition, and the
// record must choose again. True when `random` was consumed.
bool on_new_batch(const PartitionerConfig& config, TopicPartitioner& topic,
                  const PartitionTable& table, std::int32_t partition, std::int32_t random);

// built_in: the queues as the sender saw them. Kafka reports them only once the accumulator has had
// a batch for every partition of the topic.
void on_queue_sizes(const PartitionerConfig& config, TopicPartitioner& topic,
                    const std::vector<QueueSize>& in_use, std::size_t measured);

}  // namespace tribunal
