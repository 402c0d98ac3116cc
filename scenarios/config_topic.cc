// Settings of a topic.
#include <array>

#include "scenarios/config_bindings.h"

namespace tribunal {
namespace {

using enum SettingType;

constexpr std::array kTopic = std::to_array<Setting>({
    // Deviation: Kafka wants at least 1 MiB since 4.0 (KIP-1030); small segments make short
    // scenarios.
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
    since(
        "2.3",
        {"max.compaction.lag.ms", int64, kAtLeast1, {}, topic<&TopicConfig::max_compaction_lag>()}),
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
    since("3.8", {"compression.gzip.level", int32, {-1, 9}, "-1|1|2|3|4|5|6|7|8|9"}),
    since("3.8", {"compression.lz4.level", int32, {1, 17}}),
    since("3.8", {"compression.zstd.level", int32, {-131072, 22}}),
    {"preallocate", boolean},
    until("4.0", {"message.format.version", string}),
    {"message.timestamp.type", string, kAny, "CreateTime|LogAppendTime", kTimestampType},
    until("4.0",
          {"message.timestamp.difference.max.ms", int64, kAtLeast0, {}, kTimestampDifference}),
    since("3.6", {"message.timestamp.before.max.ms", int64, kAtLeast0, {}, kTimestampBefore}),
    since("3.6", {"message.timestamp.after.max.ms", int64, kAtLeast0, {}, kTimestampAfter}),
    {"leader.replication.throttled.replicas", list},
    {"follower.replication.throttled.replicas", list},
    until("4.0", since("2.0", {"message.downconversion.enable", boolean})),
    since("3.0", {"remote.storage.enable", boolean, kAny, {}, {}, "false"}),
    since("3.0", {"local.retention.ms", int64, {-2, INT64_MAX}}),
    since("3.0", {"local.retention.bytes", int64, {-2, INT64_MAX}}),
    since("3.9", {"remote.log.copy.disable", boolean}),
    since("3.9", {"remote.log.delete.on.disable", boolean}),
});

}  // namespace

std::span<const Setting> topic_settings() { return kTopic; }

}  // namespace tribunal
