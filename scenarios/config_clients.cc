// Settings of producers and consumers.
#include <array>

#include "scenarios/config_bindings.h"

namespace tribunal {
namespace {

using enum SettingType;

constexpr Binding kAcks = {
    [](Settings& s, const SettingValue& value) {
        s.producer.acks = static_cast<std::int16_t>(value.text == "0"   ? 0
                                                    : value.text == "1" ? 1
                                                                        : -1);
    },
    [](const Settings& s) {
        return s.producer.acks == -1 ? std::string("all") : std::to_string(s.producer.acks);
    }};

constexpr std::string_view kRoundRobin = "org.apache.kafka.clients.producer.RoundRobinPartitioner";
constexpr Binding kPartitioner = {
    [](Settings& s, const SettingValue& value) {
        if (value.text.empty() || value.text == "null") {
            s.producer.partitioner = PartitionerKind::builtin;
        } else if (value.text == kRoundRobin || value.text == "RoundRobinPartitioner") {
            s.producer.partitioner = PartitionerKind::round_robin;
        } else {
            throw ConfigError("Class " + value.text + " could not be found; known is " +
                              std::string(kRoundRobin) + ", and none for the built-in rule");
        }
    },
    [](const Settings& s) {
        return std::string(s.producer.partitioner == PartitionerKind::round_robin ? kRoundRobin
                                                                                  : "");
    }};

constexpr Binding kIsolation = {
    [](Settings& s, const SettingValue& value) {
        s.consumer.read_committed = value.text == "read_committed";
    },
    [](const Settings& s) {
        return std::string(s.consumer.read_committed ? "read_committed" : "read_uncommitted");
    }};

// A scenario has serializers and groups outside of the configuration, and prints them there.
constexpr Binding kKeySerializer = {assign_serde<&Settings::key_serde>, nullptr};
constexpr Binding kValueSerializer = {assign_serde<&Settings::value_serde>, nullptr};
constexpr Binding kKeyDeserializer = kKeySerializer;
constexpr Binding kValueDeserializer = kValueSerializer;
constexpr Binding kGroupId = {
    [](Settings& s, const SettingValue& value) { s.group_id = value.text; }, nullptr};

constexpr std::array kProducer = std::to_array<Setting>({
    {"buffer.memory", int64, kAtLeast0, {}, producer<&ProducerConfig::buffer_memory>()},
    {"retries", int32, kAtLeast0, {}, producer<&ProducerConfig::retries>()},
    {"acks", string, kAny, "all|-1|0|1", kAcks},
    {"compression.type", string, kAny, {}, producer<&ProducerConfig::compression>()},
    {"compression.gzip.level", int32},
    {"compression.lz4.level", int32},
    {"compression.zstd.level", int32},
    {"batch.size", int32, kAtLeast0, {}, producer<&ProducerConfig::batch_size>()},
    {"partitioner.adaptive.partitioning.enable",
     boolean,
     kAny,
     {},
     producer<&ProducerConfig::adaptive_partitioning>(),
     {},
     "3.3"},
    {"partitioner.availability.timeout.ms", int64, kAtLeast0},
    {"partitioner.ignore.keys",
     boolean,
     kAny,
     {},
     producer<&ProducerConfig::partitioner_ignore_keys>(),
     {},
     "3.3"},
    {"linger.ms", int64, kAtLeast0, {}, producer<&ProducerConfig::linger>()},
    {"delivery.timeout.ms",
     int32,
     kAtLeast0,
     {},
     producer<&ProducerConfig::delivery_timeout>(),
     {},
     "2.1"},
    {"max.request.size", int32, kAtLeast0, {}, producer<&ProducerConfig::max_request_size>()},
    {"max.block.ms", int64, kAtLeast0, {}, producer<&ProducerConfig::max_block>()},
    {"metadata.max.idle.ms", int64, {5000, INT64_MAX}},
    {"max.in.flight.requests.per.connection",
     int32,
     kAtLeast1,
     {},
     producer<&ProducerConfig::max_in_flight>()},
    {"key.serializer", class_name, kAny, {}, kKeySerializer},
    {"value.serializer", class_name, kAny, {}, kValueSerializer},
    {"partitioner.class", class_name, kAny, {}, kPartitioner},
    {"enable.idempotence", boolean, kAny, {}, producer<&ProducerConfig::idempotence>(), {}, "0.11"},
    {"transaction.timeout.ms", int32},
    {"transactional.id", string, kAny, {}, {}, ""},
    {"request.timeout.ms", int32, kAtLeast1, {}, producer<&ProducerConfig::request_timeout>()},
    {"retry.backoff.ms", int64, kAtLeast0, {}, producer<&ProducerConfig::retry_backoff>()},
    {"retry.backoff.max.ms",
     int64,
     kAtLeast0,
     {},
     producer<&ProducerConfig::retry_backoff_max>(),
     {},
     "3.7"},
    {"metadata.max.age.ms", int64, kAtLeast1, {}, producer<&ProducerConfig::metadata_max_age>()},
});

constexpr std::array kConsumer = std::to_array<Setting>({
    {"group.id", string, kAny, {}, kGroupId},
    {"group.instance.id", string},
    {"session.timeout.ms", int32},
    {"heartbeat.interval.ms", int32},
    {"partition.assignment.strategy", list},
    {"enable.auto.commit", boolean, kAny, {}, consumer<&ConsumerConfig::enable_auto_commit>()},
    {"auto.commit.interval.ms",
     int32,
     kAtLeast1,
     {},
     consumer<&ConsumerConfig::auto_commit_interval>()},
    {"client.rack", string, kAny, {}, consumer<&ConsumerConfig::client_rack>(), {}, "2.4"},
    {"max.partition.fetch.bytes",
     int32,
     kAtLeast0,
     {},
     consumer<&ConsumerConfig::max_partition_fetch_bytes>()},
    {"fetch.min.bytes", int32, kAtLeast0, {}, consumer<&ConsumerConfig::fetch_min_bytes>()},
    {"fetch.max.bytes", int32, kAtLeast0, {}, consumer<&ConsumerConfig::fetch_max_bytes>()},
    {"fetch.max.wait.ms", int32, kAtLeast0, {}, consumer<&ConsumerConfig::fetch_max_wait>()},
    {"auto.offset.reset", string, kAny, {}, consumer<&ConsumerConfig::auto_offset_reset>()},
    {"check.crcs", boolean, kAny, {}, consumer<&ConsumerConfig::check_crcs>()},
    {"key.deserializer", class_name, kAny, {}, kKeyDeserializer},
    {"value.deserializer", class_name, kAny, {}, kValueDeserializer},
    {"default.api.timeout.ms", int32, kAtLeast0},
    {"max.poll.records", int32, kAtLeast1, {}, consumer<&ConsumerConfig::max_poll_records>()},
    {"max.poll.interval.ms", int32, kAtLeast1},
    {"exclude.internal.topics", boolean},
    {"internal.leave.group.on.close", boolean},
    {"internal.throw.on.fetch.stable.offset.unsupported", boolean},
    {"isolation.level", string, kAny, "read_committed|read_uncommitted", kIsolation, {}, "0.11"},
    {"allow.auto.create.topics", boolean},
    {"group.protocol", string},
    {"group.remote.assignor", string},
    {"request.timeout.ms", int32, kAtLeast1, {}, consumer<&ConsumerConfig::request_timeout>()},
    {"retry.backoff.ms", int64, kAtLeast0, {}, consumer<&ConsumerConfig::retry_backoff>()},
    {"retry.backoff.max.ms",
     int64,
     kAtLeast0,
     {},
     consumer<&ConsumerConfig::retry_backoff_max>(),
     {},
     "3.7"},
    {"metadata.max.age.ms", int64, kAtLeast1, {}, consumer<&ConsumerConfig::metadata_max_age>()},
    {"share.acknowledgement.mode", string, kAny, "implicit|explicit"},
});

// Of both, without effect.
constexpr std::array kClient = std::to_array<Setting>({
    {"bootstrap.servers", list},
    {"client.dns.lookup", string, kAny,
     "use_all_dns_ips|resolve_canonical_bootstrap_servers_only|default"},
    {"client.id", string},
    {"send.buffer.bytes", int32, {-1, INT64_MAX}},
    {"receive.buffer.bytes", int32, {-1, INT64_MAX}},
    {"reconnect.backoff.ms", int64, kAtLeast0},
    {"reconnect.backoff.max.ms", int64, kAtLeast0},
    {"enable.metrics.push", boolean},
    {"metrics.sample.window.ms", int64, kAtLeast0},
    {"metrics.num.samples", int32, kAtLeast1},
    {"metrics.recording.level", string},
    {"metric.reporters", list},
    {"socket.connection.setup.timeout.ms", int64},
    {"socket.connection.setup.timeout.max.ms", int64},
    {"connections.max.idle.ms", int64},
    {"interceptor.classes", list},
    {"security.protocol", string},
    {"security.providers", string},
    {"metadata.recovery.strategy", string},
    {"metadata.recovery.rebootstrap.trigger.ms", int64, kAtLeast0},
    {"auto.include.jmx.reporter", boolean},
});

}  // namespace

std::span<const Setting> producer_settings() { return kProducer; }
std::span<const Setting> consumer_settings() { return kConsumer; }
std::span<const Setting> client_settings() { return kClient; }

}  // namespace tribunal
