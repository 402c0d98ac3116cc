// Pseudo-random streams with our own distributions, the same bits on every compiler and processor.
//
// The standard library's distributions differ between implementations and libm differs between
// processors, so both are banned; everything here is integer arithmetic. SplitMix64 (Steele, Lea,
// Flood 2014) as generator: 8 bytes of state, so a stream for every (subsystem, node) is cheap, and
// one more draw in the network never shifts the workload.
#pragma once

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

// Exponential distribution with the given mean, from 32 uniform bits, by integers only. Largest
// value about 22 means. Relative error of the quantile below 1e-5.
Duration exponential(Duration mean, std::uint32_t uniform);

}  // namespace tribunal
