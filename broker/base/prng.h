// Pseudo-random streams with our own distributions, the same bits on every compiler and processor.
//
// The standard library's distributions differ between implementations and libm differs between
// processors, so both are banned; everything here is integer arithmetic. SplitMix64 (Steele, Lea,
// Flood 2014) as generator: 8 bytes of state, so a stream for every (subsystem, node) is cheap, and
// one more draw in the network never shifts the workload.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

#include "broker/base/strong.h"

namespace tribunal {

constexpr std::uint64_t mix64(std::uint64_t z) {
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
}

class Prng {
  public:
    Prng() = default;
    explicit constexpr Prng(std::uint64_t seed) : state_(mix64(seed ^ 0x6a09e667f3bcc909ull)) {}

    // An independent stream; the same (seed, purpose, index) gives the same stream everywhere.
    constexpr Prng fork(std::uint64_t purpose, std::uint64_t index) const {
        return Prng{mix64(state_ + mix64(purpose + 1) * 0x9e3779b97f4a7c15ull) ^ mix64(~index)};
    }
    constexpr std::uint64_t next() { return mix64(state_ += 0x9e3779b97f4a7c15ull); }

    // Uniform in [0, n), n > 0. Multiply-shift: bias below n / 2^64.
    constexpr std::uint64_t below(std::uint64_t n) {
        __extension__ using Wide = unsigned __int128;
        return static_cast<std::uint64_t>((static_cast<Wide>(next()) * n) >> 64);
    }
    constexpr std::uint64_t state() const { return state_; }
    constexpr bool operator==(const Prng&) const = default;

  private:
    std::uint64_t state_ = 0;
};

namespace detail {

constexpr int kLog2TableBits = 10;
// Entry i: log2(1 + i / 2^10) in 0.32 fixed point; the last entry, 1, is stored as 0 (modulo 2^32).
extern const std::array<std::uint32_t, (1 << kLog2TableBits) + 1> kLog2Table;

}  // namespace detail

// Exponential distribution with the given mean, from 32 uniform bits, by integers only. Largest
// value about 22.9 means. For U = (uniform + 1/2) / 2^32 the result is -ln(U) * mean within
// 2e-7 * mean, rounded down; the average over all 2^32 inputs is the mean within 1e-6 of it.
inline Duration exponential(Duration mean, std::uint32_t uniform) {
    __extension__ using Wide = unsigned __int128;
    // Split U into exponent and mantissa, look the mantissa's logarithm up, interpolate, and turn
    // base 2 into base e. Everything in 32.32 fixed point.
    constexpr std::uint64_t kLn2 = 2977044472ull;
    constexpr int bits = detail::kLog2TableBits;
    const std::uint64_t u = (static_cast<std::uint64_t>(uniform) << 32) | (1ull << 31);
    const int zeros = std::countl_zero(u);
    const std::uint64_t mantissa = u << zeros;
    const std::uint64_t index = (mantissa << 1) >> (64 - bits);
    const std::uint64_t rest = (mantissa << (1 + bits)) >> 32;
    const std::uint32_t low = detail::kLog2Table[index];
    const std::uint32_t step = detail::kLog2Table[index + 1] - low;  // modulo 2^32
    const std::uint64_t log2 = low + ((step * rest) >> 32);
    const std::uint64_t minus_log2 = (static_cast<std::uint64_t>(zeros + 1) << 32) - log2;
    const Wide minus_ln = (static_cast<Wide>(minus_log2) * kLn2) >> 32;
    return Duration{static_cast<std::int64_t>((minus_ln * static_cast<Wide>(mean.value)) >> 32)};
}

}  // namespace tribunal
