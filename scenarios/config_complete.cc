// What Kafka checks and concludes once all settings of a scope are known, in its own words: values
// that contradict each other, defaults that give way, and what the edition makes of them.
#include <fmt/format.h>

#include <algorithm>

#include "scenarios/config_table.h"

namespace tribunal {
namespace {

constexpr std::string_view kZstd = "2.1";   // KIP-110
constexpr std::string_view kKraft = "3.0";  // the first edition that stands for KRaft's controllers

void complete_controllers(const Edition& edition, Settings& settings,
                          std::vector<std::string>& warnings) {
    BrokerConfig& broker = settings.broker;
    if (settings.zookeeper_session_timeout &&
        !settings.named.contains("broker.session.timeout.ms")) {
        broker.broker_session_timeout = *settings.zookeeper_session_timeout;
    }
    // Voters that are fixed have no directories to be told by; since 4.1 an admin can make them
    // dynamic (KAFKA-16538).
    if (!broker.rules.raft_reconfiguration) broker.bootstrap_features.kraft_version = 0;
    const bool balances = broker.auto_leader_rebalance_enable && broker.rules.balances_every_leader;
    if (balances && is_since(edition, kKraft) && !is_since(edition, "3.2")) {
        broker.auto_leader_rebalance_enable = false;
        if (settings.named.contains("auto.leader.rebalance.enable")) {
            warnings.emplace_back(
                "auto.leader.rebalance.enable has no effect before 3.2 (KAFKA-13682): the "
                "controllers of KRaft did not balance leaders");
        }
    }
}

// What topics are made with, wherever it is said.
void check_unclean_elections(const Settings& settings, std::vector<std::string>& warnings) {
    if (settings.broker.rules.unclean_election_by_config) return;
    if (!settings.topic.unclean_leader_election_enable) return;
    if (!settings.named.contains("unclean.leader.election.enable")) return;
    warnings.emplace_back(
        "unclean.leader.election.enable has no effect before 3.9 (KAFKA-12670): the controllers of "
        "KRaft elect unclean leaders only when an admin asks for it");
}

void complete_server(Settings& settings) {
    const BrokerConfig& broker = settings.broker;
    if (settings.log_roll_ms) {
        settings.topic.segment_age = *settings.log_roll_ms;
    } else if (settings.log_roll_hours) {
        settings.topic.segment_age = *settings.log_roll_hours;
    }
    if (settings.log_retention_ms) {
        settings.topic.retention = *settings.log_retention_ms;
    } else if (settings.log_retention_minutes) {
        settings.topic.retention = *settings.log_retention_minutes;
    } else if (settings.log_retention_hours) {
        settings.topic.retention = *settings.log_retention_hours;
    }
    if (settings.topic.retention.value == 0) {
        throw ConfigError("log.retention.ms must be unlimited (-1) or, greater than or equal to 1");
    }
    if (broker.replica_fetch_wait_max > broker.replica_socket_timeout) {
        throw ConfigError(
            "replica.socket.timeout.ms should always be at least replica.fetch.wait.max.ms to "
            "prevent unnecessary socket timeouts");
    }
    if (broker.replica_fetch_wait_max > broker.replica_lag_time_max) {
        throw ConfigError(
            "replica.fetch.wait.max.ms should always be less than or equal to "
            "replica.lag.time.max.ms to prevent frequent changes in ISR");
    }
    // Deviation: Kafka divides it by log.cleaner.threads; here there is one.
    if (broker.cleaner_dedupe_buffer_size <= 1 << 20) {
        throw ConfigError(
            "log.cleaner.dedupe.buffer.size must be at least 1MB per cleaner thread.");
    }
}

void complete_topic(const Edition& edition, const Settings& settings) {
    const TopicConfig& topic = settings.topic;
    if (topic.compression == CompressionType::zstd && !is_since(edition, kZstd)) {
        throw ConfigError(
            fmt::format("compression.type zstd exists since Kafka {}, and this "
                        "scenario is for {}",
                        kZstd, edition.name));
    }
    if (topic.min_compaction_lag > topic.max_compaction_lag) {
        throw ConfigError(fmt::format(
            "conflict topic config setting min.compaction.lag.ms ({}) > max.compaction.lag.ms ({})",
            topic.min_compaction_lag.value / 1'000'000,
            topic.max_compaction_lag.value / 1'000'000));
    }
}

// KIP-679 and what followed it: a default that contradicts what the user chose gives way, what the
// user asked for is an error.
void complete_idempotence(const Edition& edition, Settings& settings,
                          std::vector<std::string>& warnings) {
    ProducerConfig& producer = settings.producer;
    if (!producer.idempotence) return;
    const bool asked = settings.named.contains("enable.idempotence");
    if (asked && !is_since(edition, "3.0")) {
        // What was left to the defaults of the time gave way (KafkaProducer.configureAcks,
        // configureRetries).
        if (!settings.named.contains("acks")) producer.acks = -1;
        if (!settings.named.contains("retries")) producer.retries = INT32_MAX;
    }
    const auto contradicts = [&](std::string_view name, const std::string& text) {
        if (asked) throw ConfigError(text);
        producer.idempotence = false;
        // Kafka warns of the last one only: the others are what people still write for good reason.
        if (name == "acks" || name == "retries") return;
        warnings.push_back(
            fmt::format("Idempotence will be disabled because {} is set: {}", name, text));
    };
    if (producer.acks != -1) {
        contradicts("acks",
                    "Must set acks to all in order to use the idempotent producer. Otherwise we "
                    "cannot guarantee idempotence.");
    } else if (producer.retries == 0) {
        contradicts("retries", "Must set retries to non-zero when using the idempotent producer.");
    } else if (producer.max_in_flight > 5) {
        contradicts("max.in.flight.requests.per.connection",
                    "Must set max.in.flight.requests.per.connection to at most 5 to use the "
                    "idempotent producer.");
    }
    if (producer.idempotence && !producer.rules.five_in_flight && producer.max_in_flight > 1) {
        if (settings.named.contains("max.in.flight.requests.per.connection")) {
            throw ConfigError(
                "Must set max.in.flight.requests.per.connection to 1 in order to use the "
                "idempotent producer. Otherwise we cannot guarantee idempotence.");
        }
        producer.max_in_flight = 1;
    }
}

// Which of Kafka's partitioners the edition has, and which it means by none.
void complete_partitioner(const Edition& edition, Settings& settings) {
    PartitionerKind& kind = settings.producer.partitioner;
    const auto require = [&](std::string_view first, std::string_view gone) {
        if (!is_since(edition, first)) {
            throw ConfigError(fmt::format(
                "this partitioner.class exists since Kafka {}, and this scenario is for {}", first,
                edition.name));
        }
        if (!gone.empty() && is_since(edition, gone)) {
            throw ConfigError(fmt::format(
                "this partitioner.class was removed in Kafka {}, and this scenario is for {}", gone,
                edition.name));
        }
    };
    if (kind == PartitionerKind::builtin) {
        kind = default_settings(edition).producer.partitioner;
    } else if (!settings.named.contains("partitioner.class")) {
        return;
    } else if (kind == PartitionerKind::round_robin) {
        require("2.4", "");  // KIP-369
    } else if (kind == PartitionerKind::uniform_sticky) {
        require("2.4", "4.0");  // KIP-480
    } else if (kind == PartitionerKind::default_sticky) {
        require("0.10", "4.0");
        if (!is_since(edition, "2.4")) kind = PartitionerKind::default_round_robin;
    }
}

void complete_producer(const Edition& edition, Settings& settings,
                       std::vector<std::string>& warnings) {
    // Kafka keeps all three in 32 bits, and the sum as well.
    constexpr Duration kMost = milliseconds(INT32_MAX);
    ProducerConfig& producer = settings.producer;
    producer.linger = std::min(producer.linger, kMost);
    const Duration least = std::min(producer.linger + producer.request_timeout, kMost);
    if (is_since(edition, "2.1") && producer.delivery_timeout < least) {
        constexpr std::string_view kRule =
            "delivery.timeout.ms should be equal to or larger than linger.ms + request.timeout.ms";
        if (settings.named.contains("delivery.timeout.ms")) throw ConfigError(std::string(kRule));
        producer.delivery_timeout = least;
        warnings.push_back(fmt::format("{}. Setting it to {}.", kRule,
                                       producer.delivery_timeout.value / 1'000'000));
    }
    if (producer.compression == CompressionType::zstd && !is_since(edition, kZstd)) {
        throw ConfigError(
            fmt::format("compression.type zstd exists since Kafka {}, and this "
                        "scenario is for {}",
                        kZstd, edition.name));
    }
    complete_partitioner(edition, settings);
    complete_idempotence(edition, settings, warnings);
}

}  // namespace

void complete_settings(ConfigScope scope, const Edition& edition, Settings& settings,
                       std::vector<std::string>& warnings) {
    switch (scope) {
        case ConfigScope::server:
            complete_controllers(edition, settings, warnings);
            complete_server(settings);
            complete_topic(edition, settings);  // what topics inherit
            check_unclean_elections(settings, warnings);
            break;
        case ConfigScope::topic:
            complete_topic(edition, settings);
            check_unclean_elections(settings, warnings);
            break;
        case ConfigScope::producer:
            complete_producer(edition, settings, warnings);
            break;
        case ConfigScope::consumer:
            break;
    }
    if (!is_since(edition, "3.7")) {  // KIP-580
        settings.producer.retry_backoff_max = settings.producer.retry_backoff;
        settings.consumer.retry_backoff_max = settings.consumer.retry_backoff;
    }
}

}  // namespace tribunal
