// A model by its name: what can be set on it and how to search it. model/specs/specs.h lists the
// native transition systems.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "model/result.h"

namespace tribunal {

// A constant of a model. One that is a set in the specification is given by its size. One with
// `choices` is given by a name and held as the index of it.
struct ConstantSpec {
    std::string_view name;
    std::int64_t initial = 0;  // without --set
    std::int64_t least = 0;
    std::int64_t most = 0;
    std::string_view meaning;
    std::vector<std::string_view> choices = {};
};

// By name; every constant of the model is present.
class Constants {
  public:
    std::int64_t operator[](std::string_view name) const;  // throws std::out_of_range
    void set(std::string_view name, std::int64_t value) { values_[std::string(name)] = value; }
    const std::map<std::string, std::int64_t, std::less<>>& all() const { return values_; }

  private:
    std::map<std::string, std::int64_t, std::less<>> values_;
};

struct ModelEntry {
    std::string_view name;    // the specification's module
    std::string_view about;   // one line
    std::string_view source;  // who published it, where
    std::vector<ConstantSpec> constants;
    SearchResult (*search)(const Constants&, const SearchOptions&) = nullptr;
    // Combinations that the model cannot represent (too large to pack): throws BadConstants.
    void (*validate)(const Constants&) = nullptr;
};

// An unknown name or a value out of range; the message names the valid ones.
struct BadConstants : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// "Replicas=3" pairs over the defaults. Throws BadConstants.
Constants parse_constants(const ModelEntry& model, std::span<const std::string> settings);
// As a person would set it: the number, or the name of the choice.
std::string text_of(const ConstantSpec& spec, std::int64_t value);

}  // namespace tribunal
