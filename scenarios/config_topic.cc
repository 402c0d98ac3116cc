// Settings of a topic.
#include <array>

#include "scenarios/config_bindings.h"

namespace tribunal {
namespace {

using enum SettingType;

constexpr std::array kTopic = std::to_array<Setting>({
    // Deviation: Kafka 4.1 wants at least 1 MiB (KIP-1030); small segments make short scenarios.
    {"segment.bytes", int32, {14, INT64_MAX}, {}, topic<&TopicConfig::segment_bytes>()},
    {"segment.ms", int64, kAtLeast1, {}, topic<&TopicConfig::segment_age>()},
    {"segment.jitter.ms", int64, kAtLeast0},
    {"segment.index.bytes", int32, {4, INT64_MAX}, {}, topic<&TopicConfig::segment_index_bytes>()},
    {"flush.messages", int64, kAtLeast1, {}, topic<&TopicConfig::flush_messages>()},
    {"flush.ms", int64, kAtLeast1, {}, topic<&TopicConfig::flush_interval>()},
    {"retention.bytes", int64, kAny, {}, topic<&TopicConfig::retention_bytes>()},
    {"retention.ms", int64, {-1, INT64_MAX}, {}, topic<&TopicConfig::retention>()},
    {"max.message.bytes", int32, kAtLeast0, {}, topic<&TopicConfig::max_message_bytes>()},
    {"index.interval.bytes", int32, kAtLeast0, {}, topic<&TopicConfig::index_interval_bytes>()},
    {"delete.retention.ms", int64, kAtLeast0, {}, topic<&TopicConfig::delete_retention>()},
    {"min.compaction.lag.ms", int64, kAtLeast0, {}, topic<&TopicConfig::min_compaction_lag>()},
    {"max.compaction.lag.ms",
     int64,
     kAtLeast1,
     {},
     topic<&TopicConfig::max_compaction_lag>(),
     {},
     "2.3"},
    {"file.delete.delay.ms", int64, kAtLeast0},
    {"min.cleanable.dirty.ratio", floating, kAny, {}, kDirtyRatio},
    {"cleanup.policy", list, kAny, {}, kCleanupPolicy},
    {"unclean.leader.election.enable",
     boolean,
     kAny,
     {},
     topic<&TopicConfig::unclean_leader_election_enable>()},
    {"min.insync.replicas", int32, kAtLeast1, {}, topic<&TopicConfig::min_insync_replicas>()},
    {"compression.type", string, kAny, "uncompressed|zstd|lz4|snappy|gzip|producer",
     kTopicCompression},
    {"compression.gzip.level", int32},
    {"compression.lz4.level", int32},
    {"compression.zstd.level", int32},
    {"preallocate", boolean},
    {"message.format.version", string},
    {"message.timestamp.type", string, kAny, "CreateTime|LogAppendTime", kTimestampType},
    {"message.timestamp.difference.max.ms", int64, kAtLeast0},
    {"message.timestamp.before.max.ms",
     int64,
     kAtLeast0,
     {},
     topic<&TopicConfig::timestamp_before_max>(),
     {},
     "3.6"},
    {"message.timestamp.after.max.ms",
     int64,
     kAtLeast0,
     {},
     topic<&TopicConfig::timestamp_after_max>(),
     {},
     "3.6"},
    {"leader.replication.throttled.replicas", list},
    {"follower.replication.throttled.replicas", list},
    {"message.downconversion.enable", boolean},
    {"remote.storage.enable", boolean, kAny, {}, {}, "false"},
    {"local.retention.ms", int64, {-2, INT64_MAX}},
    {"local.retention.bytes", int64, {-2, INT64_MAX}},
    {"remote.log.copy.disable", boolean},
    {"remote.log.delete.on.disable", boolean},
});

}  // namespace

std::span<const Setting> topic_settings() { return kTopic; }

}  // namespace tribunal
