// Exact arithmetic on what stands before a unit.
#include "scenarios/units.h"

#include <array>
#include <charconv>

namespace tribunal {
namespace {

struct Unit {
    std::string_view name;
    std::int64_t factor;
};
constexpr std::array<Unit, 6> kTimeUnits = {{{"h", 3'600'000'000'000},
                                             {"m", 60'000'000'000},
                                             {"s", 1'000'000'000},
                                             {"ms", 1'000'000},
                                             {"us", 1'000},
                                             {"ns", 1}}};
constexpr std::array<Unit, 4> kSizeUnits = {
    {{"B", 1}, {"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}}};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::optional<std::int64_t> natural(std::string_view digits) {
    if (digits.empty() || !is_digit(digits.front())) return std::nullopt;
    std::int64_t number = 0;
    const char* end = digits.data() + digits.size();
    const auto [stop, error] = std::from_chars(digits.data(), end, number);
    if (error != std::errc{} || stop != end) return std::nullopt;
    return number;
}

std::optional<std::int64_t> product(std::int64_t a, std::int64_t b) {
    std::int64_t result = 0;
    if (__builtin_mul_overflow(a, b, &result)) return std::nullopt;
    return result;
}

// "1.25" times the factor, when that is a whole number.
std::optional<std::int64_t> decimal_times(std::string_view text, std::int64_t factor) {
    const std::size_t point = text.find('.');
    const auto whole = natural(text.substr(0, point));
    if (!whole) return std::nullopt;
    const auto total = product(*whole, factor);
    if (!total || point == std::string_view::npos) return total;
    const std::string_view fraction = text.substr(point + 1);
    if (fraction.size() > 9) return std::nullopt;
    const auto digits = natural(fraction);
    if (!digits) return std::nullopt;
    std::int64_t scale = 1;
    for (std::size_t i = 0; i < fraction.size(); ++i) scale *= 10;
    const auto part = product(*digits, factor);
    std::int64_t sum = 0;
    if (!part || *part % scale != 0 || __builtin_add_overflow(*total, *part / scale, &sum)) {
        return std::nullopt;
    }
    return sum;
}

std::optional<std::int64_t> time_unit(std::string_view name) {
    for (const Unit& unit : kTimeUnits) {
        if (unit.name == name) return unit.factor;
    }
    return std::nullopt;
}

std::size_t number_length(std::string_view text) {
    std::size_t length = 0;
    while (length < text.size() && (is_digit(text[length]) || text[length] == '.')) ++length;
    return length;
}

constexpr std::string_view kBase64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

}  // namespace

std::optional<Duration> parse_duration(std::string_view text) {
    const bool is_negative = text.starts_with('-');
    if (is_negative) text.remove_prefix(1);
    const std::size_t length = number_length(text);
    const auto factor = time_unit(text.substr(length));
    if (!factor) return std::nullopt;
    const auto value = decimal_times(text.substr(0, length), *factor);
    if (!value) return std::nullopt;
    return Duration{is_negative ? -*value : *value};
}

std::string to_text(Duration duration) {
    if (duration.value == 0) return "0s";
    for (const Unit& unit : kTimeUnits) {
        if (duration.value % unit.factor == 0) {
            return std::to_string(duration.value / unit.factor) + std::string(unit.name);
        }
    }
    return {};  // not reached: nanoseconds divide everything
}

std::optional<Duration> parse_rate(std::string_view text) {
    const std::size_t slash = text.find('/');
    if (slash == std::string_view::npos) return std::nullopt;
    const auto count = natural(text.substr(0, slash));
    const auto factor = time_unit(text.substr(slash + 1));
    if (!count || !factor || *count == 0 || *count > *factor) return std::nullopt;
    return Duration{*factor / *count};
}

std::optional<std::string> rate_text(Duration interval) {
    if (interval.value <= 0) return std::nullopt;
    for (const std::string_view unit : {"s", "m", "h"}) {
        const std::int64_t count = *time_unit(unit) / interval.value;
        const std::string text = std::to_string(count) + "/" + std::string(unit);
        if (count > 0 && parse_rate(text) == interval) return text;
    }
    return std::nullopt;
}

std::optional<std::int64_t> parse_size(std::string_view text) {
    const std::size_t length = number_length(text);
    const std::string_view name = text.substr(length);
    if (name.empty()) return natural(text);
    for (const Unit& unit : kSizeUnits) {
        if (unit.name == name) return decimal_times(text.substr(0, length), unit.factor);
    }
    return std::nullopt;
}

std::optional<std::int32_t> parse_percent(std::string_view text) {
    if (text == "all") return 100;
    if (text == "none") return 0;
    if (!text.ends_with('%')) return std::nullopt;
    text.remove_suffix(1);
    const auto number = natural(text);
    if (!number || *number > 100) return std::nullopt;
    return static_cast<std::int32_t>(*number);
}

std::string to_base64(std::string_view bytes) {
    std::string text;
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        std::uint32_t group = 0;
        const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
        for (std::size_t k = 0; k < 3; ++k) {
            group = group << 8 | (k < count ? static_cast<unsigned char>(bytes[i + k]) : 0u);
        }
        for (std::size_t k = 0; k < 4; ++k) {
            text += k <= count ? kBase64[group >> (18 - 6 * k) & 63] : '=';
        }
    }
    return text;
}

std::optional<std::string> from_base64(std::string_view text) {
    if (text.size() % 4 != 0) return std::nullopt;
    std::string bytes;
    for (std::size_t i = 0; i < text.size(); i += 4) {
        std::uint32_t group = 0;
        std::size_t count = 0;
        for (std::size_t k = 0; k < 4; ++k) {
            const std::size_t digit = kBase64.find(text[i + k]);
            const bool is_padding = text[i + k] == '=' && k >= 2 && i + 4 == text.size();
            if (digit == std::string_view::npos ? !is_padding : count != k) return std::nullopt;
            group = group << 6 | static_cast<std::uint32_t>(is_padding ? 0 : digit);
            if (!is_padding) ++count;
        }
        for (std::size_t k = 0; k + 1 < count; ++k) {
            bytes += static_cast<char>(group >> (16 - 8 * k) & 255);
        }
    }
    return bytes;
}

}  // namespace tribunal
