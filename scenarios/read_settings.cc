// Settings of a scenario, out of objects and of .properties files.
#include <fmt/format.h>

#include <algorithm>

#include "scenarios/properties_file.h"
#include "scenarios/reading.h"

namespace tribunal {
namespace {

class SettingsReader {
  public:
    SettingsReader(Reading& reading, ConfigScope scope, const Settings& defaults)
        : reading_(reading), scope_(scope), settings_(defaults) {
        settings_.named.clear();
    }

    void object(const Place& config, const std::string& owner) {
        for (const auto& [name, place] : config.members()) {
            const Json& value = place.value();
            std::string text;
            if (value.is_string()) {
                text = value.get<std::string>();
            } else if (value.is_boolean() || value.is_number()) {
                text = value.dump();
            } else {
                place.fail_expected("a string, a number, true or false");
            }
            try {
                apply(name, text, owner);
            } catch (const ConfigError& error) {
                place.fail(error.what());
            }
        }
    }

    void file(const Place& config) {
        const std::string name = config.text();
        const std::string bytes = read_named_file(reading_, config, name);
        PropertiesFile file;
        try {
            file = parse_properties(bytes, name);
        } catch (const PropertiesError& error) {
            config.fail(error.what());
        }
        for (const DuplicateKey& twice : file.duplicates) {
            reading_.warn(config, fmt::format("{}:{}: {} is set again in line {}, which wins", name,
                                              twice.lost_line, twice.key, twice.winner_line));
        }
        for (const Property& property : file.entries) {
            try {
                apply(property.key, property.value, name);
            } catch (const ConfigError& error) {
                const bool is_known = find_setting(scope_, property.key) != nullptr;
                config.fail(fmt::format("{}:{}: {}{}", name, property.line,
                                        is_known ? "" : property.key + ": ", error.what()));
            }
        }
    }

    Settings complete(const Place* config) {
        std::vector<std::string> warnings;
        try {
            complete_settings(scope_, *reading_.edition, settings_, warnings);
        } catch (const ConfigError& error) {
            config->fail(error.what());
        }
        for (const std::string& warning : warnings) reading_.warn(*config, warning);
        return settings_;
    }

  private:
    void apply(const std::string& name, const std::string& value, const std::string& source) {
        const Support support = apply_setting(scope_, *reading_.edition, name, value, settings_);
        if (support != Support::no_effect) return;
        const Setting* setting = find_setting(scope_, name);
        const std::string why =
            setting == nullptr ? std::string{} : why_idle(*setting, *reading_.edition);
        const std::string entry =
            fmt::format("{} ({}){}{}", name, source, why.empty() ? "" : ": ", why);
        auto& entries = reading_.scenario.without_effect;
        if (std::find(entries.begin(), entries.end(), entry) == entries.end()) {
            entries.push_back(entry);
        }
    }

    Reading& reading_;
    ConfigScope scope_;
    Settings settings_;
};

}  // namespace

Settings read_settings(Reading& reading, const std::optional<Place>& config, ConfigScope scope,
                       const Settings& defaults, const std::string& owner) {
    if (!config) return defaults;
    SettingsReader reader(reading, scope, defaults);
    const auto read_one = [&](const Place& place) {
        if (place.value().is_object()) {
            reader.object(place, owner);
        } else if (place.value().is_string()) {
            reader.file(place);
        } else {
            place.fail_expected("an object of settings, or the name of a .properties file");
        }
    };
    if (config->value().is_array()) {
        for (const Place& place : config->elements()) read_one(place);
    } else {
        read_one(*config);
    }
    return reader.complete(&*config);
}

}  // namespace tribunal
