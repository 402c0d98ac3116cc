// Reading JSON with nothing let pass: syntax, double keys, types and ranges.
#include "scenarios/json_place.h"

#include <fmt/format.h>

#include <set>

#include "properties/nearest.h"
#include "scenarios/scenario.h"
#include "scenarios/units.h"

namespace tribunal {
namespace {

std::string pointer_step(std::string_view key) {
    std::string step = "/";
    for (const char c : key) {
        if (c == '~') {
            step += "~0";
        } else if (c == '/') {
            step += "~1";
        } else {
            step += c;
        }
    }
    return step;
}

// What an author wrote may hold line breaks and worse; a message stays one line.
[[noreturn]] void fail_in_one_line(std::string message) {
    for (char& c : message) {
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
    }
    throw ScenarioError(message);
}

// The library takes the last of equal keys in silence, so the parser's events are watched.
class DoubleKeys {
  public:
    explicit DoubleKeys(const std::string& file) : file_(file) {}

    bool operator()(int, Json::parse_event_t event, const Json& parsed) {
        using Event = Json::parse_event_t;
        if (event == Event::key) {
            Level& level = levels_.back();
            level.key = parsed.get<std::string>();
            if (!level.keys.insert(level.key).second) {
                fail_in_one_line(file_ + ": " + pointer() + ": the key stands here twice");
            }
        } else if (event == Event::object_start || event == Event::array_start) {
            next_element();
            levels_.push_back({event == Event::array_start, -1, {}, {}});
        } else if (event == Event::object_end || event == Event::array_end) {
            levels_.pop_back();
        } else {
            next_element();
        }
        return true;
    }

  private:
    struct Level {
        bool is_array = false;
        std::int64_t index = -1;
        std::string key;
        std::set<std::string> keys;
    };
    void next_element() {
        if (!levels_.empty() && levels_.back().is_array) ++levels_.back().index;
    }
    std::string pointer() const {
        std::string text;
        for (const Level& level : levels_) {
            text += pointer_step(level.is_array ? std::to_string(level.index) : level.key);
        }
        return text;
    }

    const std::string& file_;
    std::vector<Level> levels_;
};

// "[json.exception.parse_error.101] parse error at line 3, column 5: syntax error while parsing
// value - unexpected '}'; expected ..." becomes "line 3, column 5: unexpected '}'; expected ...".
std::string short_syntax_error(std::string_view what) {
    const std::size_t line = what.find("line ");
    if (line == std::string_view::npos) return std::string(what.substr(what.find("] ") + 2));
    what.remove_prefix(line);
    const std::size_t colon = what.find(": ");
    if (colon == std::string_view::npos) return std::string(what);
    const std::string_view position = what.substr(0, colon);
    std::string_view reason = what.substr(colon + 2);
    if (reason.starts_with("syntax error")) {
        const std::size_t dash = reason.find(" - ");
        if (dash != std::string_view::npos) reason.remove_prefix(dash + 3);
    }
    std::string text = fmt::format("{}: {}", position, reason);
    for (char& c : text) {
        if (c < 0x20 || c > 0x7e) c = '?';  // what was read need not be text
    }
    return text;
}

bool is_blank(std::string_view text) {
    return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

}  // namespace

Json parse_json(std::string_view text, const std::string& file) {
    if (is_blank(text)) throw ScenarioError(file + ": is empty");
    try {
        DoubleKeys watch(file);
        return Json::parse(text, [&](int depth, Json::parse_event_t event, Json& parsed) {
            return watch(depth, event, parsed);
        });
    } catch (const Json::exception& error) {
        fail_in_one_line(file + ": " + short_syntax_error(error.what()));
    }
}

std::string found_text(const Json& value) {
    if (value.is_object()) return value.empty() ? "an empty object" : "an object";
    if (value.is_array()) return value.empty() ? "an empty array" : "an array";
    std::string text = value.dump(-1, ' ', false, Json::error_handler_t::replace);
    constexpr std::size_t kLongest = 80;
    if (text.size() > kLongest) return fmt::format("a string of {} characters", text.size() - 2);
    return text;
}

std::string counted(std::size_t count, std::string_view noun) {
    return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

std::string suggestion(std::string_view word, std::span<const std::string_view> valid) {
    const std::string_view near = nearest(word, valid);
    if (!near.empty()) return fmt::format("did you mean '{}'?", near);
    if (valid.empty()) return "there is none";
    return fmt::format("valid: {}", fmt::join(valid, ", "));
}

void Place::fail(const std::string& what) const {
    fail_in_one_line(*file_ + ": " + prefix() + what);
}

void Place::fail_expected(const std::string& expected) const {
    fail("found " + found_text(*value_) + ", expected " + expected);
}

void Place::check_keys(std::initializer_list<std::string_view> valid) const {
    if (!value_->is_object()) fail_expected("an object");
    for (const auto& [key, place] : members()) {
        bool is_valid = false;
        for (const std::string_view name : valid) is_valid = is_valid || name == key;
        if (!is_valid) place.fail("unknown key; " + suggestion(key, {valid.begin(), valid.size()}));
    }
}

std::optional<Place> Place::find(const std::string& key) const {
    if (!has(key)) return std::nullopt;
    return member(key);
}

Place Place::member(const std::string& key) const {
    if (!value_->is_object()) fail_expected("an object");
    const auto it = value_->find(key);
    if (it == value_->end()) fail("'" + key + "' is missing");
    Place place = *this;
    place.value_ = &*it;
    place.pointer_ += pointer_step(key);
    return place;
}

std::vector<Place> Place::elements() const {
    if (!value_->is_array()) fail_expected("an array");
    std::vector<Place> places;
    for (std::size_t i = 0; i < value_->size(); ++i) {
        Place place = *this;
        place.value_ = &(*value_)[i];
        place.pointer_ += "/" + std::to_string(i);
        places.push_back(place);
    }
    return places;
}

std::vector<std::pair<std::string, Place>> Place::members() const {
    if (!value_->is_object()) fail_expected("an object");
    std::vector<std::pair<std::string, Place>> places;
    for (const auto& [key, value] : value_->items()) {
        Place place = *this;
        place.value_ = &value;
        place.pointer_ += pointer_step(key);
        places.emplace_back(key, place);
    }
    return places;
}

std::string Place::text() const {
    if (!value_->is_string()) fail_expected("a string");
    auto text = value_->get<std::string>();
    if (text.empty()) fail_expected("a string that is not empty");
    return text;
}

bool Place::truth() const {
    if (!value_->is_boolean()) fail_expected("true or false");
    return value_->get<bool>();
}

std::int64_t Place::integer(std::int64_t low, std::int64_t high) const {
    const std::string expected = high == INT64_MAX
                                     ? fmt::format("an integer from {}", low)
                                     : fmt::format("an integer from {} to {}", low, high);
    if (!value_->is_number_integer()) fail_expected(expected);
    if (value_->is_number_unsigned() && value_->get<std::uint64_t>() > INT64_MAX) {
        fail_expected(expected);
    }
    const auto number = value_->get<std::int64_t>();
    if (number < low || number > high) fail_expected(expected);
    return number;
}

std::uint64_t Place::natural() const {
    if (!value_->is_number_unsigned()) {
        fail_expected(fmt::format("an integer from 0 to {}", UINT64_MAX));
    }
    return value_->get<std::uint64_t>();
}

Duration Place::signed_duration() const {
    constexpr std::string_view kExpected = R"(a duration such as "1s", "250ms" or "10us")";
    if (value_->is_number()) fail_expected(fmt::format("{} (a number has no unit)", kExpected));
    if (!value_->is_string()) fail_expected(std::string(kExpected));
    const auto duration = parse_duration(value_->get<std::string>());
    if (!duration) fail_expected(std::string(kExpected));
    if (duration->value > kLongestDuration.value || duration->value < -kLongestDuration.value) {
        fail_expected("at most " + to_text(kLongestDuration));
    }
    return *duration;
}

Duration Place::duration() const {
    const Duration duration = signed_duration();
    if (duration.value < 0) fail_expected("a duration that is not negative");
    return duration;
}

Duration Place::positive_duration() const {
    const Duration duration = signed_duration();
    if (duration.value <= 0) fail_expected("a duration above zero");
    return duration;
}

std::int64_t Place::size() const {
    constexpr std::string_view kExpected = R"(bytes, such as 10240 or "10KiB")";
    if (value_->is_number_unsigned() && value_->get<std::uint64_t>() <= INT64_MAX) {
        return value_->get<std::int64_t>();
    }
    if (!value_->is_string()) fail_expected(std::string(kExpected));
    const auto size = parse_size(value_->get<std::string>());
    if (!size) fail_expected(std::string(kExpected));
    return *size;
}

std::size_t Place::word(std::span<const std::string_view> words) const {
    if (!value_->is_string()) fail_expected(fmt::format("one of {}", fmt::join(words, ", ")));
    const auto text = value_->get<std::string>();
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (words[i] == text) return i;
    }
    fail_expected(fmt::format("one of {}", fmt::join(words, ", ")));
}

}  // namespace tribunal
