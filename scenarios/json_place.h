// A place in a JSON document: a value with its JSON pointer, so that whatever is wrong with it is
// said in one line: "tour.json: /topics/0/partitions: found "three", expected an integer from 1".
#pragma once

#include <cstdint>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "broker/base/strong.h"

namespace tribunal {

// Members keep the order of the file, so that the first error of the file is the one reported.
using Json = nlohmann::ordered_json;

// The document; throws ScenarioError with line and column on a syntax error (comments are one) and
// with the pointer on an object that has a key twice. `file` stands in front of the message.
Json parse_json(std::string_view text, const std::string& file);

class Place {
  public:
    Place(const Json& value, const std::string& file) : value_(&value), file_(&file) {}

    const Json& value() const { return *value_; }
    const std::string& pointer() const { return pointer_; }
    // "/topics/0: ", nothing for the whole document.
    std::string prefix() const { return pointer_.empty() ? "" : pointer_ + ": "; }

    [[noreturn]] void fail(const std::string& what) const;
    // found ..., expected ...
    [[noreturn]] void fail_expected(const std::string& expected) const;

    // An object with these keys only; anything else fails and names the nearest key.
    void check_keys(std::initializer_list<std::string_view> valid) const;
    bool has(const std::string& key) const { return value_->is_object() && value_->contains(key); }
    Place member(const std::string& key) const;  // fails when it is missing
    std::optional<Place> find(const std::string& key) const;
    std::vector<Place> elements() const;                         // of an array
    std::vector<std::pair<std::string, Place>> members() const;  // of an object

    std::string text() const;  // a string that is not empty
    bool truth() const;
    std::int64_t integer(std::int64_t low, std::int64_t high) const;
    std::uint64_t natural() const;
    Duration duration() const;           // "250ms", not negative
    Duration positive_duration() const;  // and not zero
    Duration signed_duration() const;
    Instant instant() const { return Instant{0} + duration(); }
    std::int64_t size() const;  // bytes: 10240 or "10KiB"
    // One of the words, by its index.
    std::size_t word(std::span<const std::string_view> words) const;

  private:
    const Json* value_;
    const std::string* file_;
    std::string pointer_;
};

// "did you mean 'x'?", or the whole list when nothing is near.
std::string suggestion(std::string_view word, std::span<const std::string_view> valid);
// "1 broker", "2 brokers".
std::string counted(std::size_t count, std::string_view noun);
// What a message says was found: a short value as it is, else what kind of thing it is.
std::string found_text(const Json& value);

}  // namespace tribunal
