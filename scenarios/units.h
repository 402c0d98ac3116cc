// Durations, rates, sizes and percentages as a person writes them: "250ms", "100/s", "10KiB",
// "50%". Exact in both directions; nothing is rounded in silence.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "broker/base/strong.h"

namespace tribunal {

// A year: far above any run, and far below where sums of two times could overflow.
inline constexpr Duration kLongestDuration = seconds(365 * 24 * 3600);

// "1s", "250ms", "10us", "5ns", "2m", "1h", "1.5s", "-5s". Nothing when it is not a duration, or
// not a whole number of nanoseconds.
std::optional<Duration> parse_duration(std::string_view text);
// In the largest unit that divides it; parse_duration gives the same back.
std::string to_text(Duration duration);

// "100/s", "10/m", "5/h": the interval between two of them, rounded down to nanoseconds.
std::optional<Duration> parse_rate(std::string_view text);
// The rate of this interval, when parse_rate gives exactly this interval back.
std::optional<std::string> rate_text(Duration interval);

// "10KiB", "1MiB", "2GiB", "512B", or digits.
std::optional<std::int64_t> parse_size(std::string_view text);

// "0%" to "100%", "all", "none".
std::optional<std::int32_t> parse_percent(std::string_view text);

// Base64 of RFC 4648 with padding, for bytes that JSON cannot hold.
std::string to_base64(std::string_view bytes);
std::optional<std::string> from_base64(std::string_view text);

}  // namespace tribunal
