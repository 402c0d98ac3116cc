// Looking up, checking and applying settings one by one; the rows stand in config_server.cc,
// config_topic.cc, config_clients.cc and config_security.cc, and what Kafka makes of all of them
// together in config_complete.cc.
#include "scenarios/config_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
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
    // ... and of distributions of Kafka, whose own parts read them.
    constexpr std::array<std::string_view, 7> kPrefixes = {
        "listener.name.", "rsm.config.", "rlmm.config.",   "client.quota.callback.static.",
        "confluent.",     "strimzi.",    "cruise.control."};
    return std::any_of(kPrefixes.begin(), kPrefixes.end(),
                       [&](std::string_view prefix) { return name.starts_with(prefix); });
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

}  // namespace

bool acts_in(const Setting& setting, const Edition& edition) {
    const auto is_before = [&](std::string_view release) {
        return release.empty() || !is_since(edition, release);
    };
    return is_since(edition, setting.since) && is_before(setting.until) &&
           is_before(setting.acts_until);
}

std::string why_idle(const Setting& setting, const Edition& edition) {
    if (!setting.until.empty() && is_since(edition, setting.until)) {
        return fmt::format("removed in {}", setting.until);
    }
    if (!setting.acts_until.empty() && is_since(edition, setting.acts_until)) {
        return fmt::format("without effect since {}", setting.acts_until);
    }
    return {};
}

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
            return {consumer_settings(), client_settings(), security_settings(),
                    consumer_rule_settings()};
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
    const bool acts = acts_in(*setting, edition);
    if (!acts && !setting->instead.empty() && is_since(edition, setting->until)) {
        throw ConfigError(fmt::format("{} was removed in Kafka {}; there is {}", setting->name,
                                      setting->until, setting->instead));
    }
    const SettingValue checked = checked_value(*setting, value);
    if (!acts) {
        settings.named.insert(std::string(name));
        return Support::no_effect;
    }
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

std::vector<SettingText> changed_settings(ConfigScope scope, const Edition& edition,
                                          const Settings& settings, const Settings& defaults) {
    std::vector<SettingText> changed;
    for (const auto table : settings_of(scope)) {
        for (const Setting& setting : table) {
            if (setting.binding.get == nullptr || !acts_in(setting, edition)) continue;
            std::string value = setting.binding.get(settings);
            if (value != setting.binding.get(defaults)) {
                changed.push_back({&setting, std::move(value)});
            }
        }
    }
    return changed;
}

}  // namespace tribunal
