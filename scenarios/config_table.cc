// Looking up, checking and applying settings; the rows stand in config_server.cc, config_topic.cc,
// config_clients.cc and config_security.cc.
#include "scenarios/config_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>

#include "properties/nearest.h"
#include "scenarios/config_bindings.h"

namespace tribunal {
namespace {

// Names that begin like this are passed on to plug-ins and listeners by Kafka.
bool has_open_prefix(ConfigScope scope, std::string_view name) {
    if (name.starts_with("config.providers")) return true;
    if (scope != ConfigScope::server) return false;
    for (const std::string_view prefix : {"listener.name.", "rsm.config.", "rlmm.config."}) {
        if (name.starts_with(prefix)) return true;
    }
    return false;
}

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view kSpace = " \t\r\n\f\v";
    const std::size_t first = text.find_first_not_of(kSpace);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

std::string lower(std::string_view text) {
    std::string result(text);
    for (char& c : result) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return result;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    for (;;) {
        const std::size_t at = text.find(separator);
        parts.push_back(text.substr(0, at));
        if (at == std::string_view::npos) return parts;
        text.remove_prefix(at + 1);
    }
}

[[noreturn]] void invalid(const Setting& setting, std::string_view value, std::string_view why) {
    throw ConfigError(
        fmt::format("Invalid value {} for configuration {}: {}", value, setting.name, why));
}

struct IntegerType {
    std::string_view name;
    Range range;
};
std::optional<IntegerType> integer_type(SettingType type) {
    switch (type) {
        case SettingType::int16:
            return IntegerType{"SHORT", {INT16_MIN, INT16_MAX}};
        case SettingType::int32:
            return IntegerType{"INT", {INT32_MIN, INT32_MAX}};
        case SettingType::int64:
            return IntegerType{"LONG", {INT64_MIN, INT64_MAX}};
        case SettingType::boolean:
        case SettingType::floating:
        case SettingType::string:
        case SettingType::list:
        case SettingType::class_name:
        case SettingType::password:
            return std::nullopt;
    }
    return std::nullopt;
}

std::int64_t checked_integer(const Setting& setting, const IntegerType& type,
                             std::string_view text) {
    std::int64_t number = 0;
    std::string_view digits = text;
    if (digits.starts_with('+')) digits.remove_prefix(1);  // as Java reads numbers
    const char* end = digits.data() + digits.size();
    const auto [stop, error] = std::from_chars(digits.data(), end, number);
    const bool is_number = error == std::errc{} && stop == end && !digits.starts_with("+");
    if (!is_number || number < type.range.low || number > type.range.high) {
        invalid(setting, text, fmt::format("Not a number of type {}", type.name));
    }
    if (number < setting.range.low) {
        invalid(setting, text, fmt::format("Value must be at least {}", setting.range.low));
    }
    if (number > setting.range.high) {
        invalid(setting, text, fmt::format("Value must be no more than {}", setting.range.high));
    }
    return number;
}

void check_floating(const Setting& setting, const std::string& text) {
    char* end = nullptr;
    std::strtod(text.c_str(), &end);
    if (text.empty() || *end != '\0') invalid(setting, text, "Not a number of type DOUBLE");
}

void check_words(const Setting& setting, std::string_view text) {
    const auto words = split(setting.one_of, '|');
    for (const std::string_view word : words) {
        if (word == text || (setting.ignores_case && lower(word) == lower(text))) return;
    }
    invalid(setting, text,
            fmt::format("String must be one of{}: {}",
                        setting.ignores_case ? " (case insensitive)" : "", fmt::join(words, ", ")));
}

SettingValue checked_value(const Setting& setting, std::string_view text) {
    SettingValue value{std::string(trimmed(text)), 0, false};
    if (const auto type = integer_type(setting.type)) {
        value.number = checked_integer(setting, *type, value.text);
    } else if (setting.type == SettingType::boolean) {
        const std::string word = lower(value.text);
        if (word != "true" && word != "false") {
            invalid(setting, value.text, "Expected value to be either true or false");
        }
        value.truth = word == "true";
    } else if (setting.type == SettingType::floating) {
        check_floating(setting, value.text);
    }
    if (!setting.one_of.empty()) check_words(setting, value.text);
    return value;
}

void check_supported(const Setting& setting, const SettingValue& value) {
    const auto harmless = split(setting.harmless, '|');
    for (const std::string_view word : harmless) {
        if (lower(word) == lower(value.text)) return;
    }
    throw ConfigError(fmt::format("{} = {} is not supported yet; {}", setting.name, value.text,
                                  harmless.front().empty()
                                      ? "leave it out"
                                      : fmt::format("only {} is", fmt::join(harmless, " or "))));
}

[[noreturn]] void unknown_setting(ConfigScope scope, std::string_view name) {
    std::string text = fmt::format("unknown {} setting", name_of(scope));
    for (const ConfigScope other :
         {ConfigScope::consumer, ConfigScope::producer, ConfigScope::topic, ConfigScope::server}) {
        if (find_setting(other, name) == nullptr) continue;
        text += fmt::format("; it is a {} setting", name_of(other));
        // What topics inherit has a like name in server.properties; other scopes have little alike.
        if (scope != ConfigScope::server || other != ConfigScope::topic) throw ConfigError(text);
        break;
    }
    const auto names = setting_names(scope);
    const std::string_view near = nearest(name, names);
    if (!near.empty()) text += fmt::format("; did you mean '{}'?", near);
    throw ConfigError(text);
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
}

constexpr std::string_view kZstd = "2.1";  // KIP-110

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
    complete_idempotence(edition, settings, warnings);
}

}  // namespace

std::string_view name_of(ConfigScope scope) {
    switch (scope) {
        case ConfigScope::server:
            return "server";
        case ConfigScope::topic:
            return "topic";
        case ConfigScope::producer:
            return "producer";
        case ConfigScope::consumer:
            return "consumer";
    }
    return "unknown";
}

std::vector<std::span<const Setting>> settings_of(ConfigScope scope) {
    switch (scope) {
        case ConfigScope::server:
            return {server_settings(), server_log_settings(), server_security_settings(),
                    security_settings(), tribunal_settings()};
        case ConfigScope::topic:
            return {topic_settings()};
        case ConfigScope::producer:
            return {producer_settings(), client_settings(), security_settings(),
                    producer_rule_settings()};
        case ConfigScope::consumer:
            return {consumer_settings(), client_settings(), security_settings()};
    }
    return {};
}

std::vector<std::string_view> setting_names(ConfigScope scope) {
    std::vector<std::string_view> names;
    for (const auto table : settings_of(scope)) {
        for (const Setting& setting : table) names.push_back(setting.name);
    }
    return names;
}

const Setting* find_setting(ConfigScope scope, std::string_view name) {
    for (const auto table : settings_of(scope)) {
        for (const Setting& setting : table) {
            if (setting.name == name) return &setting;
        }
    }
    return nullptr;
}

Support apply_setting(ConfigScope scope, const Edition& edition, std::string_view name,
                      std::string_view value, Settings& settings) {
    const Setting* setting = find_setting(scope, name);
    if (setting == nullptr) {
        if (has_open_prefix(scope, name)) return Support::no_effect;
        unknown_setting(scope, name);
    }
    if (!is_since(edition, setting->since)) {
        throw ConfigError(fmt::format("{} exists since Kafka {}, and this scenario is for {}",
                                      setting->name, setting->since, edition.name));
    }
    const SettingValue checked = checked_value(*setting, value);
    if (setting->support() == Support::not_supported) check_supported(*setting, checked);
    if (setting->support() == Support::modelled) {
        try {
            setting->binding.set(settings, checked);
        } catch (const ConfigError& error) {
            invalid(*setting, checked.text, error.what());
        }
    }
    settings.named.insert(std::string(name));
    return setting->support();
}

void complete_settings(ConfigScope scope, const Edition& edition, Settings& settings,
                       std::vector<std::string>& warnings) {
    switch (scope) {
        case ConfigScope::server:
            complete_server(settings);
            break;
        case ConfigScope::topic:
            complete_topic(edition, settings);
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

std::vector<SettingText> changed_settings(ConfigScope scope, const Edition& edition,
                                          const Settings& settings, const Settings& defaults) {
    std::vector<SettingText> changed;
    for (const auto table : settings_of(scope)) {
        for (const Setting& setting : table) {
            if (setting.binding.get == nullptr || !is_since(edition, setting.since)) continue;
            std::string value = setting.binding.get(settings);
            if (value != setting.binding.get(defaults)) {
                changed.push_back({&setting, std::move(value)});
            }
        }
    }
    return changed;
}

}  // namespace tribunal
