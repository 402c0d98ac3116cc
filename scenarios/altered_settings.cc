#include "scenarios/altered_settings.h"

#include <fmt/format.h>

#include <type_traits>

namespace tribunal {
namespace {

// A configuration that agrees with `config` in no field.
TopicConfig unlike(TopicConfig config) {
    visit_fields(config, [](const char*, auto& field) {
        using Value = std::remove_reference_t<decltype(field)>;
        if constexpr (std::is_same_v<Value, bool>) {
            field = !field;
        } else if constexpr (std::is_same_v<Value, CompressionType>) {
            field = field == CompressionType::none ? CompressionType::gzip : CompressionType::none;
        } else if constexpr (std::is_same_v<Value, Duration>) {
            field = field == Duration{} ? nanoseconds(1) : Duration{};
        } else {
            field = field == 0 ? 1 : 0;
        }
    });
    return config;
}

// The fields that a setting sets: those that it makes equal in what was different before.
TopicFields fields_of(const Setting& setting, const std::string& value, const Edition& edition,
                      const TopicConfig& config) {
    Settings one;
    Settings other;
    one.topic = config;
    other.topic = unlike(config);
    for (Settings* settings : {&one, &other}) {
        apply_setting(ConfigScope::topic, edition, setting.name, value, *settings);
    }
    return equal_fields(one.topic, other.topic);
}

void add_setting(const std::string& name, const Settings& settings, const Edition& edition,
                 IncrementalAlterConfigsRequest& request) {
    const Setting* setting = find_setting(ConfigScope::topic, name);
    // What changes nothing here is none of the controller's business.
    if (setting == nullptr || setting->binding.get == nullptr) return;
    if (!acts_in(*setting, edition)) return;
    const std::string value = setting->binding.get(settings);
    const TopicFields fields = fields_of(*setting, value, edition, request.config);
    request.config = with_fields(request.config, settings.topic, fields);
    request.altered |= fields;
}

}  // namespace

IncrementalAlterConfigsRequest read_alteration(Reading& reading, const Place& place) {
    place.check_keys({"topic", "add_config", "delete_config"});
    IncrementalAlterConfigsRequest request;
    request.topic = place.member("topic").text();
    request.altered = 0;
    const auto added = place.find("add_config");
    const auto deleted = place.find("delete_config");
    if (!added && !deleted) place.fail("one of 'add_config' and 'delete_config' is missing");
    const Settings settings =
        read_settings(reading, added, ConfigScope::topic, reading.server, request.topic);
    if (added) {
        for (const std::string& name : settings.named) {
            add_setting(name, settings, *reading.edition, request);
        }
    }
    if (!deleted) return request;
    for (const Place& element : deleted->elements()) {
        const std::string name = element.text();
        if (find_setting(ConfigScope::topic, name) == nullptr) {
            const auto names = setting_names(ConfigScope::topic);
            element.fail("unknown topic setting; " + suggestion(name, names));
        }
        if (added && settings.named.contains(name)) {
            element.fail(fmt::format("'{}' stands in 'add_config', too", name));
        }
        try {
            add_setting(name, reading.server, *reading.edition, request);
        } catch (const ConfigError& error) {
            element.fail(error.what());
        }
    }
    if (deleted->value().empty()) deleted->fail_expected("at least one setting");
    return request;
}

std::vector<SettingText> altered_settings(const IncrementalAlterConfigsRequest& request,
                                          const Edition& edition) {
    std::vector<SettingText> altered;
    Settings settings;
    settings.topic = request.config;
    for (const auto table : settings_of(ConfigScope::topic)) {
        for (const Setting& setting : table) {
            if (setting.binding.get == nullptr || !acts_in(setting, edition)) continue;
            std::string value = setting.binding.get(settings);
            const TopicFields fields = fields_of(setting, value, edition, request.config);
            if ((fields & request.altered) == fields) {
                altered.push_back({&setting, std::move(value)});
            }
        }
    }
    return altered;
}

}  // namespace tribunal
