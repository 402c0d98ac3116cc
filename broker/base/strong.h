// Strong integer types: ids, epochs and offsets that cannot be mixed up, and simulated time.
//
// Units: `Instant` and `Duration` are nanoseconds of virtual time. Nothing here reads a clock.
#pragma once

#include <compare>
#include <cstdint>

namespace tribunal {

template <class Tag, class Rep = std::int64_t>
struct Strong {
    using Value = Rep;
    Rep value = 0;
    constexpr auto operator<=>(const Strong&) const = default;
};

// A span of virtual time in nanoseconds. May be negative (clock offsets).
struct Duration {
    std::int64_t value = 0;
    constexpr auto operator<=>(const Duration&) const = default;
    constexpr Duration operator+(Duration o) const { return {value + o.value}; }
    constexpr Duration operator-(Duration o) const { return {value - o.value}; }
    constexpr Duration operator*(std::int64_t k) const { return {value * k}; }
    constexpr Duration operator/(std::int64_t k) const { return {value / k}; }
};

constexpr Duration nanoseconds(std::int64_t n) { return {n}; }
constexpr Duration microseconds(std::int64_t n) { return {n * 1'000}; }
constexpr Duration milliseconds(std::int64_t n) { return {n * 1'000'000}; }
constexpr Duration seconds(std::int64_t n) { return {n * 1'000'000'000}; }
// A hundred years: what "without limit" is, so that no sum of times overflows.
inline constexpr Duration kForever = seconds(100ll * 365 * 24 * 3600);

// A point of virtual time, nanoseconds since the world began.
struct Instant {
    std::int64_t value = 0;
    constexpr auto operator<=>(const Instant&) const = default;
    constexpr Instant operator+(Duration d) const { return {value + d.value}; }
    constexpr Instant operator-(Duration d) const { return {value - d.value}; }
    constexpr Duration operator-(Instant o) const { return {value - o.value}; }
};

constexpr Instant kNever{INT64_MAX};

template <class... Fs>
struct Overloaded : Fs... {
    using Fs::operator()...;
};
template <class... Fs>
Overloaded(Fs...) -> Overloaded<Fs...>;

}  // namespace tribunal
