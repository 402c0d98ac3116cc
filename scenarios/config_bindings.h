// How a setting's text becomes a field of the typed configuration, and back. Included only by the
// tables of settings.
#pragma once

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "broker/base/check.h"
#include "scenarios/config_table.h"
#include "scenarios/units.h"

namespace tribunal {

inline constexpr std::int64_t kInt16Max = INT16_MAX;
inline constexpr std::int64_t kInt32Max = INT32_MAX;
inline constexpr Range kAny{};
inline constexpr Range kAtLeast0{0, INT64_MAX};
inline constexpr Range kAtLeast1{1, INT64_MAX};

// The words of an enumeration, as Kafka or Tribunal spells them.
template <class E, std::size_t N>
using Words = std::array<std::pair<E, std::string_view>, N>;

inline constexpr Words<TruncationRule, 5> kTruncationWords = {
    {{TruncationRule::to_high_watermark, "to_high_watermark"},
     {TruncationRule::kip101, "kip101"},
     {TruncationRule::kip279, "kip279"},
     {TruncationRule::kip320, "kip320"},
     {TruncationRule::kip595, "kip595"}}};
inline constexpr auto kPlantedBugWords = std::to_array<std::pair<PlantedBug, std::string_view>>(
    {{PlantedBug::none, "none"},
     {PlantedBug::ack_before_isr, "ack_before_isr"},
     {PlantedBug::high_watermark_off_by_one, "high_watermark_off_by_one"},
     {PlantedBug::isr_keeps_dead_replica, "isr_keeps_dead_replica"},
     {PlantedBug::ack_lost_on_leader_change, "ack_lost_on_leader_change"},
     {PlantedBug::follower_ignores_epoch, "follower_ignores_epoch"},
     {PlantedBug::leader_truncates, "leader_truncates"},
     {PlantedBug::stale_leader_serves, "stale_leader_serves"},
     {PlantedBug::elr_outlives_min_isr, "elr_outlives_min_isr"},
     {PlantedBug::elr_keeps_unclean_replica, "elr_keeps_unclean_replica"},
     {PlantedBug::last_known_leader_forgotten, "last_known_leader_forgotten"},
     {PlantedBug::registration_replaces_live_broker, "registration_replaces_live_broker"},
     {PlantedBug::alter_partition_ignores_epoch, "alter_partition_ignores_epoch"},
     {PlantedBug::isr_join_too_early, "isr_join_too_early"},
     {PlantedBug::zombie_controller, "zombie_controller"},
     {PlantedBug::standby_replays_uncommitted, "standby_replays_uncommitted"},
     {PlantedBug::duplicate_sequence_accepted, "duplicate_sequence_accepted"},
     {PlantedBug::sequence_gap_accepted, "sequence_gap_accepted"},
     {PlantedBug::ack_offset_of_duplicate_zero, "ack_offset_of_duplicate_zero"},
     {PlantedBug::cleaner_keeps_first, "cleaner_keeps_first"},
     {PlantedBug::cleaner_forgets_tombstones, "cleaner_forgets_tombstones"},
     {PlantedBug::cleaner_ignores_lag, "cleaner_ignores_lag"},
     {PlantedBug::retention_deletes_early, "retention_deletes_early"},
     {PlantedBug::recovery_keeps_torn_tail, "recovery_keeps_torn_tail"},
     {PlantedBug::flush_is_not_awaited, "flush_is_not_awaited"},
     {PlantedBug::raft_vote_not_synced, "raft_vote_not_synced"},
     {PlantedBug::raft_votes_for_shorter_log, "raft_votes_for_shorter_log"},
     {PlantedBug::raft_commits_on_minority, "raft_commits_on_minority"},
     {PlantedBug::raft_never_diverges, "raft_never_diverges"},
     {PlantedBug::raft_overlapping_voter_changes, "raft_overlapping_voter_changes"},
     {PlantedBug::raft_observer_becomes_candidate, "raft_observer_becomes_candidate"},
     {PlantedBug::raft_upgrades_untold, "raft_upgrades_untold"}});
inline constexpr Words<OffsetReset, 3> kOffsetResetWords = {{{OffsetReset::earliest, "earliest"},
                                                             {OffsetReset::latest, "latest"},
                                                             {OffsetReset::none, "none"}}};
inline constexpr Words<CompressionType, 5> kCompressionWords = {
    {{CompressionType::none, "none"},
     {CompressionType::gzip, "gzip"},
     {CompressionType::snappy, "snappy"},
     {CompressionType::lz4, "lz4"},
     {CompressionType::zstd, "zstd"}}};
constexpr const auto& words_of(CompressionType) { return kCompressionWords; }
constexpr const auto& words_of(TruncationRule) { return kTruncationWords; }
constexpr const auto& words_of(PlantedBug) { return kPlantedBugWords; }
constexpr const auto& words_of(OffsetReset) { return kOffsetResetWords; }

inline void assign(bool& field, const SettingValue& value) { field = value.truth; }
template <class Number>
    requires(std::is_integral_v<Number> && !std::is_same_v<Number, bool>)
void assign(Number& field, const SettingValue& value) {
    CHECK(std::in_range<Number>(value.number));
    field = static_cast<Number>(value.number);
}
// Durations are milliseconds in Kafka. What is longer than a hundred years is a hundred years, so
// that no sum of times overflows; a negative one ("without limit") stays negative.
inline Duration milliseconds_of(std::int64_t number) {
    return milliseconds(std::clamp<std::int64_t>(number, -1, kForever.value / 1'000'000));
}
inline void assign(Duration& field, const SettingValue& value) {
    field = milliseconds_of(value.number);
}
template <class E>
    requires std::is_enum_v<E>
void assign(E& field, const SettingValue& value) {
    std::string valid;
    for (const auto& [word, text] : words_of(E{})) {
        if (text == value.text) {
            field = word;
            return;
        }
        valid += (valid.empty() ? "" : ", ") + std::string(text);
    }
    throw ConfigError("String must be one of: " + valid);
}

inline void assign(std::string& field, const SettingValue& value) { field = value.text; }

inline std::string text_of(const std::string& field) { return field; }
inline std::string text_of(bool field) { return field ? "true" : "false"; }
template <class Number>
    requires(std::is_integral_v<Number> && !std::is_same_v<Number, bool>)
std::string text_of(Number field) {
    return std::to_string(field);
}
inline std::string text_of(Duration field) { return std::to_string(field.value / 1'000'000); }
template <class E>
    requires std::is_enum_v<E>
std::string text_of(E field) {
    for (const auto& [word, text] : words_of(field)) {
        if (word == field) return std::string(text);
    }
    return {};
}

// bound<&Settings::producer, &ProducerConfig::linger>()
template <auto Part, auto Field>
constexpr Binding bound() {
    return {[](Settings& s, const SettingValue& value) { assign(s.*Part.*Field, value); },
            [](const Settings& s) { return text_of(s.*Part.*Field); }};
}
template <auto Field>
constexpr Binding broker() {
    return bound<&Settings::broker, Field>();
}
// A rule of the brokers or of the producer.
template <auto Field>
constexpr Binding rule() {
    return {[](Settings& s, const SettingValue& value) { assign(s.broker.rules.*Field, value); },
            [](const Settings& s) { return text_of(s.broker.rules.*Field); }};
}
template <auto Field>
constexpr Binding topic() {
    return bound<&Settings::topic, Field>();
}
template <auto Field>
constexpr Binding producer() {
    return bound<&Settings::producer, Field>();
}
template <auto Field>
constexpr Binding consumer() {
    return bound<&Settings::consumer, Field>();
}

template <auto Field>
constexpr Binding producer_rule() {
    return {[](Settings& s, const SettingValue& value) { assign(s.producer.rules.*Field, value); },
            [](const Settings& s) { return text_of(s.producer.rules.*Field); }};
}
template <auto Field>
constexpr Binding consumer_rule() {
    return {[](Settings& s, const SettingValue& value) { assign(s.consumer.rules.*Field, value); },
            [](const Settings& s) { return text_of(s.consumer.rules.*Field); }};
}

// Rows by the releases that brought or removed them.
constexpr Setting since(std::string_view release, Setting setting) {
    setting.since = release;
    return setting;
}
constexpr Setting until(std::string_view release, Setting setting) {
    setting.until = release;
    return setting;
}
constexpr Setting acts_until(std::string_view release, Setting setting) {
    setting.acts_until = release;
    return setting;
}

// A share between 0 and 1 in millionths, read digit by digit: no floating point number decides
// anything.
inline std::int64_t millionths_of(std::string_view text) {
    std::int64_t whole = 0;
    std::int64_t part = 0;
    std::int64_t place = 1'000'000;
    bool after_point = false;
    for (const char c : text) {
        if (c == '.' && !after_point) {
            after_point = true;
        } else if (c < '0' || c > '9') {
            throw ConfigError("Value must be a decimal number between 0 and 1");
        } else if (after_point) {
            place /= 10;
            part += (c - '0') * place;
        } else {
            whole = std::min<std::int64_t>(10, whole * 10 + (c - '0'));
        }
    }
    const std::int64_t value = whole * 1'000'000 + part;
    if (text.empty() || value > 1'000'000) throw ConfigError("Value must be no more than 1");
    return value;
}
inline std::string text_of_millionths(std::int64_t value) {
    std::string digits = std::to_string(value % 1'000'000);
    digits.insert(0, 6 - digits.size(), '0');
    while (digits.size() > 1 && digits.back() == '0') digits.pop_back();
    return std::to_string(value / 1'000'000) + "." + digits;
}
inline constexpr Binding kDirtyRatio = {
    [](Settings& s, const SettingValue& value) {
        s.topic.min_cleanable_dirty_ratio = millionths_of(value.text);
    },
    [](const Settings& s) { return text_of_millionths(s.topic.min_cleanable_dirty_ratio); }};

// cleanup.policy: delete, compact or both.
inline constexpr Binding kCleanupPolicy = {
    [](Settings& s, const SettingValue& value) {
        bool deletes = false;
        bool compacts = false;
        std::string_view rest = value.text;
        while (!rest.empty()) {
            const std::size_t comma = std::min(rest.find(','), rest.size());
            std::string_view word = rest.substr(0, comma);
            rest.remove_prefix(std::min(comma + 1, rest.size()));
            while (word.starts_with(' ')) word.remove_prefix(1);
            while (word.ends_with(' ')) word.remove_suffix(1);
            if (word != "delete" && word != "compact") {
                throw ConfigError("String must be one of: compact, delete");
            }
            deletes = deletes || word == "delete";
            compacts = compacts || word == "compact";
        }
        s.topic.cleanup_delete = deletes;
        s.topic.cleanup_compact = compacts;
    },
    [](const Settings& s) {
        return std::string(s.topic.cleanup_compact ? "compact" : "") +
               (s.topic.cleanup_compact && s.topic.cleanup_delete ? "," : "") +
               (s.topic.cleanup_delete ? "delete" : "");
    }};

// compression.type of a topic, where `producer` keeps what the producer chose.
inline constexpr Binding kTopicCompression = {
    [](Settings& s, const SettingValue& value) {
        s.topic.keeps_producer_compression = value.text == "producer";
        s.topic.compression = CompressionType::none;
        for (const auto& [word, text] : kCompressionWords) {
            if (text == value.text) s.topic.compression = word;
        }
    },
    [](const Settings& s) {
        if (s.topic.keeps_producer_compression) return std::string("producer");
        if (s.topic.compression == CompressionType::none) return std::string("uncompressed");
        return text_of(s.topic.compression);
    }};

// message.timestamp.type, under both of its names.
inline constexpr Binding kTimestampType = {
    [](Settings& s, const SettingValue& value) {
        s.topic.log_append_time = value.text == "LogAppendTime";
    },
    [](const Settings& s) {
        return std::string(s.topic.log_append_time ? "LogAppendTime" : "CreateTime");
    }};

// message.timestamp.*.max.ms of KIP-937, and the one before it that bounded both sides.
inline void settle_timestamp_bounds(Settings& s) {
    const auto or_difference = [&](Duration bound) {
        return bound != kForever ? bound : s.timestamp_difference;
    };
    s.topic.timestamp_before_max = or_difference(s.timestamp_before);
    s.topic.timestamp_after_max = or_difference(s.timestamp_after);
}
inline constexpr Binding kTimestampBefore = {
    [](Settings& s, const SettingValue& value) {
        assign(s.timestamp_before, value);
        const Duration after = s.topic.timestamp_after_max;
        settle_timestamp_bounds(s);
        s.topic.timestamp_after_max = after;
    },
    [](const Settings& s) { return text_of(s.topic.timestamp_before_max); }};
inline constexpr Binding kTimestampAfter = {
    [](Settings& s, const SettingValue& value) {
        assign(s.timestamp_after, value);
        const Duration before = s.topic.timestamp_before_max;
        settle_timestamp_bounds(s);
        s.topic.timestamp_before_max = before;
    },
    [](const Settings& s) { return text_of(s.topic.timestamp_after_max); }};
inline constexpr Binding kTimestampDifference = {
    [](Settings& s, const SettingValue& value) {
        assign(s.timestamp_difference, value);
        settle_timestamp_bounds(s);
    },
    [](const Settings& s) {
        const bool is_one = s.topic.timestamp_before_max == s.topic.timestamp_after_max;
        return text_of(is_one ? s.topic.timestamp_before_max : kForever);
    }};

// A serializer or deserializer, by short name or by Kafka's class.
template <auto Field>
void assign_serde(Settings& settings, const SettingValue& value) {
    const auto serde = serde_named(value.text);
    if (!serde) {
        throw ConfigError("Class " + value.text +
                          " could not be found; known are string, integer, long, json, bytes and "
                          "Kafka's classes for them");
    }
    settings.*Field = *serde;
}

// The tables.
std::span<const Setting> server_settings();
std::span<const Setting> server_log_settings();
std::span<const Setting> server_security_settings();
std::span<const Setting> topic_settings();
std::span<const Setting> producer_settings();
std::span<const Setting> consumer_settings();
std::span<const Setting> client_settings();         // of producers and consumers
std::span<const Setting> security_settings();       // ssl.* and sasl.* of everybody
std::span<const Setting> tribunal_settings();       // tribunal.*: of the server scope
std::span<const Setting> producer_rule_settings();  // tribunal.rule.*: of producers
std::span<const Setting> consumer_rule_settings();  // ... and of consumers

}  // namespace tribunal
