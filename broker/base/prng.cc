#include "broker/base/prng.h"

#include <array>
#include <bit>

namespace tribunal {
namespace {

__extension__ using Wide = unsigned __int128;

constexpr int kTableBits = 10;
constexpr std::uint64_t kLn2 = 2977044472ull;  // ln 2 in 32.32 fixed point

// log2(x / 2^63) for x in [2^63, 2^64), in 32.32 fixed point: one result bit per squaring.
constexpr std::uint64_t log2_fraction(std::uint64_t x) {
    std::uint64_t result = 0;
    for (int bit = 31; bit >= 0; --bit) {
        const Wide square = static_cast<Wide>(x) * x;
        if ((square >> 127) != 0) {
            result |= 1ull << bit;
            x = static_cast<std::uint64_t>(square >> 64);
        } else {
            x = static_cast<std::uint64_t>(square >> 63);
        }
    }
    return result;
}

constexpr auto kLog2 = [] {
    std::array<std::uint64_t, (1 << kTableBits) + 1> table{};
    for (std::uint64_t i = 0; i < (1u << kTableBits); ++i) {
        table[i] = log2_fraction((1ull << 63) | (i << (63 - kTableBits)));
    }
    table[1 << kTableBits] = 1ull << 32;
    return table;
}();

}  // namespace

Duration exponential(Duration mean, std::uint32_t uniform) {
    // -ln(U) for U = (uniform + 1/2) / 2^32: split into exponent and mantissa, look the mantissa's
    // logarithm up, interpolate, and turn base 2 into base e.
    const std::uint64_t u = (static_cast<std::uint64_t>(uniform) << 32) | (1ull << 31);
    const int zeros = std::countl_zero(u);
    const std::uint64_t mantissa = u << zeros;
    const std::uint64_t index = (mantissa << 1) >> (64 - kTableBits);
    const std::uint64_t rest = (mantissa << (1 + kTableBits)) >> 32;
    const std::uint64_t log2 =
        kLog2[index] + (((kLog2[index + 1] - kLog2[index]) * rest) >> 32);
    const std::uint64_t minus_log2 = (static_cast<std::uint64_t>(zeros + 1) << 32) - log2;
    const Wide minus_ln = (static_cast<Wide>(minus_log2) * kLn2) >> 32;
    const Wide result = (minus_ln * static_cast<Wide>(mean.value)) >> 32;
    return Duration{static_cast<std::int64_t>(result)};
}

}  // namespace tribunal
