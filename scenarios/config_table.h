// The one table of Kafka's configuration names: for servers, topics, producers and consumers, with
// the type and range that Kafka gives them and what each does here.
//
//   modelled       goes into the structs of broker/protocol/config.h
//   no_effect      known to Kafka, changes nothing in this simulation; the report lists it
//   not_supported  would change what is simulated and cannot yet: only harmless values are accepted
//
// A name that the scenario's edition does not have yet is an error that names the release; one that
// a release before it has removed is accepted without effect, for files live longer than settings.
// Names that came before 0.11 are always there, and so are those without which no KRaft cluster is:
// every edition's is one.
// A name that Kafka does not know is an error with the nearest one (Deviation: Kafka warns).
// Deviation: a time that arms a timer must be at least 1 ms where Kafka would spin.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/client/serializer.h"
#include "broker/protocol/config.h"
#include "scenarios/editions.h"

namespace tribunal {

enum class ConfigScope : std::uint8_t { server, topic, producer, consumer };
std::string_view name_of(ConfigScope scope);

// What settings come to, of every scope: each reader takes the part that it asked for.
struct Settings {
    BrokerConfig broker;
    TopicConfig topic;
    ProducerConfig producer;
    ConsumerConfig consumer;
    std::int32_t num_partitions = 1;                         // num.partitions
    std::optional<std::int16_t> default_replication_factor;  // default.replication.factor
    std::optional<Duration> log_retention_hours;
    std::optional<Duration> log_retention_minutes;  // wins over hours
    std::optional<Duration> log_retention_ms;       // wins over minutes
    std::optional<Duration> log_roll_hours;
    std::optional<Duration> log_roll_ms;  // wins over hours
    std::optional<Duration> zookeeper_session_timeout;
    // message.timestamp.{before,after,difference}.max.ms as they were set: the last one stands for
    // the others where they have their default (KIP-937).
    Duration timestamp_before = kForever;
    Duration timestamp_after = kForever;
    Duration timestamp_difference = kForever;
    Serde key_serde = Serde::string;
    Serde value_serde = Serde::string;
    std::string group_id;
    std::set<std::string, std::less<>> named;  // names that somebody set
    bool operator==(const Settings&) const = default;
};

enum class SettingType : std::uint8_t {
    boolean,
    int16,
    int32,
    int64,
    floating,
    string,
    list,
    class_name,
    password,
};

enum class Support : std::uint8_t { modelled, no_effect, not_supported };

struct SettingValue {
    std::string text;         // as written, without white space at its ends
    std::int64_t number = 0;  // of the integer types
    bool truth = false;       // of booleans
};

struct Binding {
    void (*set)(Settings&, const SettingValue&) = nullptr;
    std::string (*get)(const Settings&) = nullptr;  // null: another name says the same
};

struct Range {
    std::int64_t low = INT64_MIN;
    std::int64_t high = INT64_MAX;
};

struct Setting {
    std::string_view name;
    SettingType type = SettingType::string;
    Range range{};
    std::string_view one_of{};  // "all|-1|0|1"; empty: any text
    Binding binding{};
    std::string_view harmless{};    // not supported but for these: "none|"
    std::string_view since{};       // the edition that brought it; empty: always there
    bool ignores_case = false;      // of one_of
    std::string_view until{};       // the first edition without it; empty: still there
    std::string_view instead{};     // what one should set since; empty: a file may still have it
    std::string_view acts_until{};  // the first edition in which it changes nothing any more

    Support support() const {
        if (binding.set != nullptr) return Support::modelled;
        return harmless.data() == nullptr ? Support::no_effect : Support::not_supported;
    }
};

// Whether the edition still has the setting, and it changes something there.
bool acts_in(const Setting& setting, const Edition& edition);
// Why not, in a few words: "removed in 4.0".
std::string why_idle(const Setting& setting, const Edition& edition);

// Says it in Kafka's words where Kafka has some; without a place, which the caller knows.
struct ConfigError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// The rows of a scope, as their tables have them.
std::vector<std::span<const Setting>> settings_of(ConfigScope scope);
std::vector<std::string_view> setting_names(ConfigScope scope);
// Null when Kafka does not know the name.
const Setting* find_setting(ConfigScope scope, std::string_view name);

// Sets one name and returns what it did; throws ConfigError.
Support apply_setting(ConfigScope scope, const Edition& edition, std::string_view name,
                      std::string_view value, Settings& settings);
// What Kafka checks and concludes once all names are set. Warnings are appended.
void complete_settings(ConfigScope scope, const Edition& edition, Settings& settings,
                       std::vector<std::string>& warnings);

struct SettingText {
    const Setting* setting;
    std::string value;
};
// The modelled names whose values differ; setting them on `defaults` gives `settings`.
std::vector<SettingText> changed_settings(ConfigScope scope, const Edition& edition,
                                          const Settings& settings, const Settings& defaults);

}  // namespace tribunal
