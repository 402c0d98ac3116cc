// Settings of a topic.
#include <array>

#include "scenarios/config_bindings.h"

namespace tribunal {
namespace {

using enum SettingType;

constexpr std::array<Setting, 36> kTopic = {{
    // Deviation: Kafka 4.1 wants at least 1 MiB (KIP-1030); small segments make short scenarios.
    {"segment.bytes", int32, {14, INT64_MAX}, {}, topic<&TopicConfig::segment_bytes>()},
    {"segment.ms", int64, kAtLeast1},
    {"segment.jitter.ms", int64, kAtLeast0},
    {"segment.index.bytes", int32, {4, INT64_MAX}},
    {"flush.messages", int64, kAtLeast1, {}, topic<&TopicConfig::flush_messages>()},
    {"flush.ms", int64, kAtLeast0},
    {"retention.bytes", int64, kAny, {}, topic<&TopicConfig::retention_bytes>()},
    {"retention.ms", int64, {-1, INT64_MAX}, {}, topic<&TopicConfig::retention>()},
    {"max.message.bytes", int32, kAtLeast0, {}, topic<&TopicConfig::max_message_bytes>()},
    {"index.interval.bytes", int32, kAtLeast0},
    {"delete.retention.ms", int64, kAtLeast0},
    {"min.compaction.lag.ms", int64, kAtLeast0},
    {"max.compaction.lag.ms", int64, kAtLeast1},
    {"file.delete.delay.ms", int64, kAtLeast0},
    {"min.cleanable.dirty.ratio", floating},
    {"cleanup.policy", list, kAny, {}, {}, "delete"},
    {"unclean.leader.election.enable",
     boolean,
     kAny,
     {},
     topic<&TopicConfig::unclean_leader_election_enable>()},
    {"min.insync.replicas", int32, kAtLeast1, {}, topic<&TopicConfig::min_insync_replicas>()},
    {"compression.type",
     string,
     kAny,
     "uncompressed|zstd|lz4|snappy|gzip|producer",
     {},
     "producer|uncompressed"},
    {"compression.gzip.level", int32},
    {"compression.lz4.level", int32},
    {"compression.zstd.level", int32},
    {"preallocate", boolean},
    {"message.format.version", string},
    {"message.timestamp.type", string, kAny, "CreateTime|LogAppendTime", kTimestampType},
    {"message.timestamp.difference.max.ms", int64, kAtLeast0},
    {"message.timestamp.before.max.ms", int64, kAtLeast0},
    {"message.timestamp.after.max.ms", int64, kAtLeast0},
    {"leader.replication.throttled.replicas", list},
    {"follower.replication.throttled.replicas", list},
    {"message.downconversion.enable", boolean},
    {"remote.storage.enable", boolean, kAny, {}, {}, "false"},
    {"local.retention.ms", int64, {-2, INT64_MAX}},
    {"local.retention.bytes", int64, {-2, INT64_MAX}},
    {"remote.log.copy.disable", boolean},
    {"remote.log.delete.on.disable", boolean},
}};

}  // namespace

std::span<const Setting> topic_settings() { return kTopic; }

}  // namespace tribunal
