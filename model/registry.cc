#include "model/registry.h"

#include <algorithm>
#include <charconv>

#include "properties/nearest.h"

namespace tribunal {
namespace {

std::string names_of(const std::vector<std::string_view>& names) {
    std::string text;
    for (const std::string_view name : names) {
        if (!text.empty()) text += ", ";
        text += name;
    }
    return text;
}

std::string valid_values(const ConstantSpec& spec) {
    if (!spec.choices.empty()) return names_of(spec.choices);
    return std::to_string(spec.least) + " to " + std::to_string(spec.most);
}

std::int64_t parse_value(const ModelEntry& model, const ConstantSpec& spec, std::string_view text) {
    for (std::size_t i = 0; i < spec.choices.size(); ++i) {
        if (spec.choices[i] == text) return static_cast<std::int64_t>(i);
    }
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool is_number = error == std::errc{} && end == text.data() + text.size();
    if (!spec.choices.empty() || !is_number || value < spec.least || value > spec.most) {
        throw BadConstants(std::string(model.name) + ": " + std::string(spec.name) +
                           " cannot be '" + std::string(text) + "'; valid: " + valid_values(spec));
    }
    return value;
}

}  // namespace

std::int64_t Constants::operator[](std::string_view name) const {
    const auto found = values_.find(name);
    if (found == values_.end()) throw std::out_of_range("no constant " + std::string(name));
    return found->second;
}

Constants parse_constants(const ModelEntry& model, std::span<const std::string> settings) {
    Constants constants;
    for (const ConstantSpec& spec : model.constants) constants.set(spec.name, spec.initial);
    for (const std::string& setting : settings) {
        const std::size_t equals = setting.find('=');
        if (equals == std::string::npos) {
            throw BadConstants("--set " + setting + ": expected NAME=VALUE");
        }
        const std::string_view name = std::string_view(setting).substr(0, equals);
        const auto spec = std::find_if(model.constants.begin(), model.constants.end(),
                                       [&](const ConstantSpec& c) { return c.name == name; });
        if (spec == model.constants.end()) {
            std::vector<std::string_view> names;
            for (const ConstantSpec& c : model.constants) names.push_back(c.name);
            const std::string_view near = nearest(name, names);
            throw BadConstants(std::string(model.name) + " has no constant '" + std::string(name) +
                               "'" + (near.empty() ? "" : ", did you mean " + std::string(near)) +
                               "; valid: " + names_of(names));
        }
        const std::string_view value = std::string_view(setting).substr(equals + 1);
        constants.set(name, parse_value(model, *spec, value));
    }
    if (model.validate != nullptr) model.validate(constants);
    return constants;
}

std::string text_of(const ConstantSpec& spec, std::int64_t value) {
    if (spec.choices.empty()) return std::to_string(value);
    return std::string(spec.choices.at(static_cast<std::size_t>(value)));
}

}  // namespace tribunal
