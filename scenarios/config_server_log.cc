// Settings of a server for its logs and what topics inherit from it, for transactions, quorum,
// metrics, quotas and tiered storage.
#include <array>

#include "scenarios/config_bindings.h"

namespace tribunal {
namespace {

using enum SettingType;

constexpr Range kAtLeastMinus1{-1, INT64_MAX};
// Deviation: Kafka wants at least 1 MiB since 4.0 (KIP-1030); small segments make short scenarios.
constexpr Range kAtLeast14{14, INT64_MAX};
constexpr std::int64_t kMaxPartitions = 10'000;

// Kafka's precedence is ms, minutes, hours, whatever their order in the file: they are kept apart
// until all of them are known.
constexpr Binding kRetentionMs = {[](Settings& s, const SettingValue& value) {
                                      s.log_retention_ms = milliseconds_of(value.number);
                                  },
                                  [](const Settings& s) { return text_of(s.topic.retention); }};
constexpr Binding kRetentionMinutes = {[](Settings& s, const SettingValue& value) {
                                           s.log_retention_minutes =
                                               milliseconds_of(value.number * 60'000);
                                       },
                                       nullptr};
constexpr Binding kRetentionHours = {[](Settings& s, const SettingValue& value) {
                                         s.log_retention_hours =
                                             milliseconds_of(value.number * 3'600'000);
                                     },
                                     nullptr};
// Likewise, ms before hours.
constexpr Binding kRollMs = {
    [](Settings& s, const SettingValue& value) { s.log_roll_ms = milliseconds_of(value.number); },
    [](const Settings& s) { return text_of(s.topic.segment_age); }};
constexpr Binding kRollHours = {[](Settings& s, const SettingValue& value) {
                                    s.log_roll_hours = milliseconds_of(value.number * 3'600'000);
                                },
                                nullptr};
// For topics that do not say it; a scenario's topics have taken it over already.
constexpr Binding kNumPartitions = {
    [](Settings& s, const SettingValue& value) { assign(s.num_partitions, value); }, nullptr};

constexpr Binding kQuorumVoters = {[](Settings& s, const SettingValue& value) {
                                       if (!value.text.empty())
                                           s.broker.rules.raft_reconfiguration = false;
                                   },
                                   nullptr};

constexpr std::array kServerLog = std::to_array<Setting>({
    // The log cleaner.
    {"log.cleaner.threads", int32, kAtLeast0},
    {"log.cleaner.io.max.bytes.per.second", floating},
    {"log.cleaner.dedupe.buffer.size",
     int64,
     kAtLeast1,
     {},
     broker<&BrokerConfig::cleaner_dedupe_buffer_size>()},
    {"log.cleaner.io.buffer.size", int32, kAtLeast0},
    {"log.cleaner.io.buffer.load.factor", floating},
    {"log.cleaner.backoff.ms", int64, kAtLeast1, {}, broker<&BrokerConfig::cleaner_backoff>()},
    {"log.cleaner.min.cleanable.ratio", floating, kAny, {}, kDirtyRatio},
    {"log.cleaner.enable", boolean, kAny, {}, broker<&BrokerConfig::cleaner_enable>()},
    {"log.cleaner.delete.retention.ms",
     int64,
     kAtLeast0,
     {},
     topic<&TopicConfig::delete_retention>()},
    {"log.cleaner.min.compaction.lag.ms",
     int64,
     kAtLeast0,
     {},
     topic<&TopicConfig::min_compaction_lag>()},
    since("2.3", {"log.cleaner.max.compaction.lag.ms",
                  int64,
                  kAtLeast1,
                  {},
                  topic<&TopicConfig::max_compaction_lag>()}),
    // Logs, and what topics inherit.
    {"num.partitions", int32, {1, kMaxPartitions}, {}, kNumPartitions},
    {"log.dir", string},
    {"log.dirs", string},
    {"log.segment.bytes", int32, kAtLeast14, {}, topic<&TopicConfig::segment_bytes>()},
    {"log.roll.ms", int64, kAtLeast1, {}, kRollMs},
    {"log.roll.hours", int32, kAtLeast1, {}, kRollHours},
    {"log.roll.jitter.ms", int64},
    {"log.roll.jitter.hours", int32, kAtLeast0},
    {"log.retention.ms", int64, kAtLeastMinus1, {}, kRetentionMs},
    {"log.retention.minutes", int32, kAny, {}, kRetentionMinutes},
    {"log.retention.hours", int32, kAny, {}, kRetentionHours},
    {"log.retention.bytes", int64, kAny, {}, topic<&TopicConfig::retention_bytes>()},
    {"log.retention.check.interval.ms",
     int64,
     kAtLeast1,
     {},
     broker<&BrokerConfig::retention_check_interval>()},
    {"log.cleanup.policy", list, kAny, {}, kCleanupPolicy},
    {"log.index.size.max.bytes",
     int32,
     {4, INT64_MAX},
     {},
     topic<&TopicConfig::segment_index_bytes>()},
    {"log.index.interval.bytes", int32, kAtLeast0, {}, topic<&TopicConfig::index_interval_bytes>()},
    {"log.flush.interval.messages", int64, kAtLeast1, {}, topic<&TopicConfig::flush_messages>()},
    {"log.segment.delete.delay.ms", int64, kAtLeast0},
    {"log.flush.scheduler.interval.ms",
     int64,
     kAtLeast1,
     {},
     broker<&BrokerConfig::flush_scheduler_interval>()},
    {"log.flush.interval.ms", int64, kAtLeast1, {}, topic<&TopicConfig::flush_interval>()},
    {"log.flush.offset.checkpoint.interval.ms",
     int32,
     kAtLeast1,
     {},
     broker<&BrokerConfig::flush_offset_checkpoint_interval>()},
    since("0.11", {"log.flush.start.offset.checkpoint.interval.ms",
                   int32,
                   kAtLeast1,
                   {},
                   broker<&BrokerConfig::flush_start_offset_checkpoint_interval>()}),
    {"log.preallocate", boolean},
    {"num.recovery.threads.per.data.dir", int32, kAtLeast1},
    {"auto.create.topics.enable", boolean},
    {"min.insync.replicas", int32, kAtLeast1, {}, topic<&TopicConfig::min_insync_replicas>()},
    until("4.0", {"log.message.format.version", string}),
    {"log.message.timestamp.type", string, kAny, "CreateTime|LogAppendTime", kTimestampType},
    until("4.0",
          {"log.message.timestamp.difference.max.ms", int64, kAtLeast0, {}, kTimestampDifference}),
    {"log.message.timestamp.before.max.ms", int64, kAtLeast0, {}, kTimestampBefore, {}, "3.6"},
    {"log.message.timestamp.after.max.ms", int64, kAtLeast0, {}, kTimestampAfter, {}, "3.6"},
    {"create.topic.policy.class.name", class_name},
    since("0.11", {"alter.config.policy.class.name", class_name}),
    until("4.0", since("2.0", {"log.message.downconversion.enable", boolean})),
    since("3.7", {"log.dir.failure.timeout.ms", int64, kAtLeast1}),
    {"log.initial.task.delay.ms", int64, kAtLeast0},
    // The transaction log.
    since("0.11", {"transaction.state.log.min.isr", int32, kAtLeast1}),
    since("0.11", {"transaction.state.log.load.buffer.size", int32, kAtLeast1}),
    since("0.11", {"transaction.state.log.replication.factor", int16, kAtLeast1}),
    since("0.11", {"transaction.state.log.num.partitions", int32, kAtLeast1}),
    since("0.11", {"transaction.state.log.segment.bytes", int32, kAtLeast1}),
    since("3.6", {"transaction.partition.verification.enable", boolean}),
    since("3.4", {"producer.id.expiration.ms",
                  int32,
                  kAtLeast1,
                  {},
                  broker<&BrokerConfig::producer_id_expiration>()}),
    since("3.4", {"producer.id.expiration.check.interval.ms",
                  int32,
                  kAtLeast1,
                  {},
                  broker<&BrokerConfig::producer_id_expiration_check_interval>()}),
    // Transactions.
    // Of producer ids, too, until these had one of their own (KIP-854).
    acts_until("3.4", since("0.11", {"transactional.id.expiration.ms",
                                     int32,
                                     kAtLeast1,
                                     {},
                                     broker<&BrokerConfig::producer_id_expiration>()})),
    since("0.11", {"transaction.max.timeout.ms", int32, kAtLeast1}),
    since("0.11",
          {"transaction.abort.timed.out.transaction.cleanup.interval.ms", int32, kAtLeast1}),
    since("0.11", {"transaction.remove.expired.transaction.cleanup.interval.ms", int32, kAtLeast1}),
    // The controller quorum.
    // A quorum of fixed voters (kraft.version 0, at first).
    since("2.7", {"controller.quorum.voters", list, kAny, {}, kQuorumVoters}),
    since("3.9", {"controller.quorum.bootstrap.servers", list}),
    {"controller.quorum.election.timeout.ms",
     int32,
     kAtLeast1,
     {},
     broker<&BrokerConfig::quorum_election_timeout>(),
     {},
     "2.7"},
    {"controller.quorum.fetch.timeout.ms",
     int32,
     kAtLeast1,
     {},
     broker<&BrokerConfig::quorum_fetch_timeout>(),
     {},
     "2.7"},
    {"controller.quorum.election.backoff.max.ms",
     int32,
     kAtLeast1,
     {},
     broker<&BrokerConfig::quorum_election_backoff_max>(),
     {},
     "2.7"},
    since("2.7", {"controller.quorum.append.linger.ms", int32}),
    {"controller.quorum.request.timeout.ms",
     int32,
     kAtLeast1,
     {},
     broker<&BrokerConfig::quorum_request_timeout>(),
     {},
     "2.7"},
    {"controller.quorum.retry.backoff.ms",
     int32,
     kAtLeast1,
     {},
     broker<&BrokerConfig::quorum_retry_backoff>(),
     {},
     "2.7"},
    // Metrics.
    {"metrics.num.samples", int32, kAtLeast1},
    {"metrics.sample.window.ms", int64, kAtLeast1},
    {"metric.reporters", list},
    {"metrics.recording.level", string},
    {"kafka.metrics.reporters", list},
    {"kafka.metrics.polling.interval.secs", int32, kAtLeast1},
    since("3.7", {"telemetry.max.bytes", int32, kAtLeast1}),
    // Quotas.
    {"quota.window.num", int32, kAtLeast1},
    {"replication.quota.window.num", int32, kAtLeast1},
    since("1.1", {"alter.log.dirs.replication.quota.window.num", int32, kAtLeast1}),
    since("2.7", {"controller.quota.window.num", int32, kAtLeast1}),
    {"quota.window.size.seconds", int32, kAtLeast1},
    {"replication.quota.window.size.seconds", int32, kAtLeast1},
    since("1.1", {"alter.log.dirs.replication.quota.window.size.seconds", int32, kAtLeast1}),
    since("2.7", {"controller.quota.window.size.seconds", int32, kAtLeast1}),
    since("2.0", {"client.quota.callback.class", class_name}),
    // Delegation tokens.
    since("2.8", {"delegation.token.secret.key", password}),
    since("1.1", {"delegation.token.max.lifetime.ms", int64, kAtLeast1}),
    since("1.1", {"delegation.token.expiry.time.ms", int64, kAtLeast1}),
    since("1.1", {"delegation.token.expiry.check.interval.ms", int64, kAtLeast1}),
    // Tiered storage.
    since("3.0", {"remote.log.storage.system.enable", boolean, kAny, {}, {}, "false"}),
    since("3.0", {"remote.log.storage.manager.impl.prefix", string}),
    since("3.0", {"remote.log.metadata.manager.impl.prefix", string}),
    since("3.0", {"remote.log.storage.manager.class.name", string}),
    since("3.0", {"remote.log.storage.manager.class.path", string}),
    since("3.0", {"remote.log.metadata.manager.class.name", string}),
    since("3.0", {"remote.log.metadata.manager.class.path", string}),
    since("3.0", {"remote.log.metadata.manager.listener.name", string}),
    since("3.6", {"remote.log.metadata.custom.metadata.max.bytes", int32, kAtLeast0}),
    since("3.0", {"remote.log.index.file.cache.total.size.bytes", int64, kAtLeast1}),
    since("3.0", {"remote.log.manager.thread.pool.size", int32, kAtLeast1}),
    since("3.8", {"remote.log.manager.copier.thread.pool.size", int32}),
    since("3.8", {"remote.log.manager.expiration.thread.pool.size", int32}),
    since("3.0", {"remote.log.manager.task.interval.ms", int64, kAtLeast1}),
    since("3.0", {"remote.log.manager.task.retry.backoff.ms", int64, kAtLeast1}),
    since("3.0", {"remote.log.manager.task.retry.backoff.max.ms", int64, kAtLeast1}),
    since("3.0", {"remote.log.manager.task.retry.jitter", floating}),
    since("3.0", {"remote.log.reader.threads", int32, kAtLeast1}),
    since("3.0", {"remote.log.reader.max.pending.tasks", int32, kAtLeast1}),
    since("3.6", {"log.local.retention.ms", int64}),
    since("3.6", {"log.local.retention.bytes", int64}),
    since("3.8", {"remote.log.manager.copy.max.bytes.per.second", int64, kAtLeast1}),
    since("3.8", {"remote.log.manager.copy.quota.window.num", int32, kAtLeast1}),
    since("3.8", {"remote.log.manager.copy.quota.window.size.seconds", int32, kAtLeast1}),
    since("3.8", {"remote.log.manager.fetch.max.bytes.per.second", int64, kAtLeast1}),
    since("3.8", {"remote.log.manager.fetch.quota.window.num", int32, kAtLeast1}),
    since("3.8", {"remote.log.manager.fetch.quota.window.size.seconds", int32, kAtLeast1}),
    since("3.8", {"remote.fetch.max.wait.ms", int32, kAtLeast1}),
    since("4.0", {"remote.list.offsets.request.timeout.ms", int64, kAtLeast1}),
    since("4.0", {"transaction.two.phase.commit.enable", boolean}),
    since("4.0", {"add.partitions.to.txn.retry.backoff.ms", int32}),
    since("4.0", {"add.partitions.to.txn.retry.backoff.max.ms", int32}),
    since("4.0", {"remote.log.manager.follower.thread.pool.size", int32}),
});

}  // namespace

std::span<const Setting> server_log_settings() { return kServerLog; }

}  // namespace tribunal
