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

// KIP-1106 brought a third word in 4.0.
constexpr Binding kOffsetReset = {
    [](Settings& s, const SettingValue& value) {
        if (value.text.starts_with("by_duration:")) {
            throw ConfigError("by_duration exists since Kafka 4.0 and is not supported yet");
        }
        assign(s.consumer.auto_offset_reset, value);
    },
    [](const Settings& s) { return text_of(s.consumer.auto_offset_reset); }};

struct PartitionerClass {
    PartitionerKind kind;
    std::string_view name;
};
// What the releases called default, by its own name; which one that is, complete_settings knows.
// The last one has no name under editions whose default is another.
constexpr PartitionerClass kPartitioners[] = {
    {PartitionerKind::round_robin, "org.apache.kafka.clients.producer.RoundRobinPartitioner"},
    {PartitionerKind::default_sticky,
     "org.apache.kafka.clients.producer.internals.DefaultPartitioner"},
    {PartitionerKind::uniform_sticky, "org.apache.kafka.clients.producer.UniformStickyPartitioner"},
    {PartitionerKind::default_round_robin,
     "org.apache.kafka.clients.producer.internals.DefaultPartitioner before 2.4"},
};
constexpr Binding kPartitioner = {
    [](Settings& s, const SettingValue& value) {
        if (value.text.empty() || value.text == "null") {
            s.producer.partitioner = PartitionerKind::builtin;
            return;
        }
        std::string known;
        for (const PartitionerClass& row : kPartitioners) {
            if (value.text == row.name || value.text == row.name.substr(row.name.rfind('.') + 1)) {
                s.producer.partitioner = row.kind;
                return;
            }
            if (row.kind == PartitionerKind::default_round_robin) continue;
            known += (known.empty() ? "" : ", ") + std::string(row.name);
        }
        throw ConfigError("Class " + value.text + " could not be found; known are " + known +
                          ", and none for the built-in rule");
    },
    [](const Settings& s) {
        for (const PartitionerClass& row : kPartitioners) {
            if (row.kind == s.producer.partitioner) return std::string(row.name);
        }
        return std::string();
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
    since("3.8", {"compression.gzip.level", int32, {-1, 9}, "-1|1|2|3|4|5|6|7|8|9"}),
    since("3.8", {"compression.lz4.level", int32, {1, 17}}),
    since("3.8", {"compression.zstd.level", int32, {-131072, 22}}),
    {"batch.size", int32, kAtLeast0, {}, producer<&ProducerConfig::batch_size>()},
    since("3.3", {"partitioner.adaptive.partitioning.enable",
                  boolean,
                  kAny,
                  {},
                  producer<&ProducerConfig::adaptive_partitioning>()}),
    since("3.3", {"partitioner.availability.timeout.ms", int64, kAtLeast0}),
    since("3.3", {"partitioner.ignore.keys",
                  boolean,
                  kAny,
                  {},
                  producer<&ProducerConfig::partitioner_ignore_keys>()}),
    {"linger.ms", int64, kAtLeast0, {}, producer<&ProducerConfig::linger>()},
    since("2.1", {"delivery.timeout.ms",
                  int32,
                  kAtLeast0,
                  {},
                  producer<&ProducerConfig::delivery_timeout>()}),
    {"max.request.size", int32, kAtLeast0, {}, producer<&ProducerConfig::max_request_size>()},
    {"max.block.ms", int64, kAtLeast0, {}, producer<&ProducerConfig::max_block>()},
    since("2.5", {"metadata.max.idle.ms", int64, {5000, INT64_MAX}}),
    {"max.in.flight.requests.per.connection",
     int32,
     kAtLeast1,
     {},
     producer<&ProducerConfig::max_in_flight>()},
    {"key.serializer", class_name, kAny, {}, kKeySerializer},
    {"value.serializer", class_name, kAny, {}, kValueSerializer},
    {"partitioner.class", class_name, kAny, {}, kPartitioner},
    since("0.11",
          {"enable.idempotence", boolean, kAny, {}, producer<&ProducerConfig::idempotence>()}),
    since("0.11", {"transaction.timeout.ms", int32}),
    until("3.0", since("2.6", {"internal.auto.downgrade.txn.commit", boolean})),
    until("0.11", {"block.on.buffer.full", boolean}),
    until("0.11", {"timeout.ms", int32, kAtLeast0}),
    until("0.11", {"metadata.fetch.timeout.ms", int64, kAtLeast0}),
    since("0.11", {"transactional.id", string, kAny, {}, {}, ""}),
    {"request.timeout.ms", int32, kAtLeast1, {}, producer<&ProducerConfig::request_timeout>()},
    {"retry.backoff.ms", int64, kAtLeast0, {}, producer<&ProducerConfig::retry_backoff>()},
    since("3.7", {"retry.backoff.max.ms",
                  int64,
                  kAtLeast0,
                  {},
                  producer<&ProducerConfig::retry_backoff_max>()}),
    {"metadata.max.age.ms", int64, kAtLeast1, {}, producer<&ProducerConfig::metadata_max_age>()},
});

constexpr std::array kConsumer = std::to_array<Setting>({
    {"group.id", string, kAny, {}, kGroupId},
    since("2.3", {"group.instance.id", string}),
    {"session.timeout.ms", int32},
    {"heartbeat.interval.ms", int32},
    {"partition.assignment.strategy", list},
    {"enable.auto.commit", boolean, kAny, {}, consumer<&ConsumerConfig::enable_auto_commit>()},
    {"auto.commit.interval.ms",
     int32,
     kAtLeast1,
     {},
     consumer<&ConsumerConfig::auto_commit_interval>()},
    since("2.3", {"client.rack", string, kAny, {}, consumer<&ConsumerConfig::client_rack>()}),
    {"max.partition.fetch.bytes",
     int32,
     kAtLeast0,
     {},
     consumer<&ConsumerConfig::max_partition_fetch_bytes>()},
    {"fetch.min.bytes", int32, kAtLeast0, {}, consumer<&ConsumerConfig::fetch_min_bytes>()},
    {"fetch.max.bytes", int32, kAtLeast0, {}, consumer<&ConsumerConfig::fetch_max_bytes>()},
    {"fetch.max.wait.ms", int32, kAtLeast0, {}, consumer<&ConsumerConfig::fetch_max_wait>()},
    {"auto.offset.reset", string, kAny, {}, kOffsetReset},
    {"check.crcs", boolean, kAny, {}, consumer<&ConsumerConfig::check_crcs>()},
    {"key.deserializer", class_name, kAny, {}, kKeyDeserializer},
    {"value.deserializer", class_name, kAny, {}, kValueDeserializer},
    since("2.0", {"default.api.timeout.ms", int32, kAtLeast0}),
    {"max.poll.records", int32, kAtLeast1, {}, consumer<&ConsumerConfig::max_poll_records>()},
    {"max.poll.interval.ms", int32, kAtLeast1},
    {"exclude.internal.topics", boolean},
    {"internal.leave.group.on.close", boolean},
    since("2.6", {"internal.throw.on.fetch.stable.offset.unsupported", boolean}),
    since("0.11", {"isolation.level", string, kAny, "read_committed|read_uncommitted", kIsolation}),
    since("2.3", {"allow.auto.create.topics", boolean}),
    since("3.7", {"group.protocol", string}),
    since("3.7", {"group.remote.assignor", string}),
    {"request.timeout.ms", int32, kAtLeast1, {}, consumer<&ConsumerConfig::request_timeout>()},
    {"retry.backoff.ms", int64, kAtLeast0, {}, consumer<&ConsumerConfig::retry_backoff>()},
    since("3.7", {"retry.backoff.max.ms",
                  int64,
                  kAtLeast0,
                  {},
                  consumer<&ConsumerConfig::retry_backoff_max>()}),
    {"metadata.max.age.ms", int64, kAtLeast1, {}, consumer<&ConsumerConfig::metadata_max_age>()},
    since("4.1", {"share.acknowledgement.mode", string, kAny, "implicit|explicit"}),
});

// Of both, without effect.
constexpr std::array kClient = std::to_array<Setting>({
    {"bootstrap.servers", list},
    since("2.1", {"client.dns.lookup", string, kAny,
                  "use_all_dns_ips|resolve_canonical_bootstrap_servers_only|default"}),
    {"client.id", string},
    {"send.buffer.bytes", int32, {-1, INT64_MAX}},
    {"receive.buffer.bytes", int32, {-1, INT64_MAX}},
    {"reconnect.backoff.ms", int64, kAtLeast0},
    since("0.11", {"reconnect.backoff.max.ms", int64, kAtLeast0}),
    since("3.7", {"enable.metrics.push", boolean}),
    {"metrics.sample.window.ms", int64, kAtLeast0},
    {"metrics.num.samples", int32, kAtLeast1},
    {"metrics.recording.level", string},
    {"metric.reporters", list},
    since("2.7", {"socket.connection.setup.timeout.ms", int64}),
    since("2.7", {"socket.connection.setup.timeout.max.ms", int64}),
    {"connections.max.idle.ms", int64},
    {"interceptor.classes", list},
    {.name = "security.protocol",
     .type = string,
     .one_of = "PLAINTEXT|SSL|SASL_PLAINTEXT|SASL_SSL",
     .ignores_case = true},
    since("2.4", {"security.providers", string}),
    since("3.8", {"metadata.recovery.strategy", string}),
    since("4.0", {"metadata.recovery.rebootstrap.trigger.ms", int64, kAtLeast0}),
    until("4.0", since("3.4", {"auto.include.jmx.reporter", boolean})),
});

}  // namespace

std::span<const Setting> producer_settings() { return kProducer; }
std::span<const Setting> consumer_settings() { return kConsumer; }
std::span<const Setting> client_settings() { return kClient; }

}  // namespace tribunal
