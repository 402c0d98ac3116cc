// The table of logarithms behind exponential(), computed by the compiler from integers.
#include "broker/base/prng.h"

namespace tribunal::detail {
namespace {

// log2(x / 2^63) for x in [2^63, 2^64), in 0.32 fixed point: one result bit per squaring.
constexpr std::uint32_t log2_fraction(std::uint64_t x) {
    __extension__ using Wide = unsigned __int128;
    std::uint32_t result = 0;
    for (int bit = 31; bit >= 0; --bit) {
        const Wide square = static_cast<Wide>(x) * x;
        if ((square >> 127) != 0) {
            result |= 1u << bit;
            x = static_cast<std::uint64_t>(square >> 64);
        } else {
            x = static_cast<std::uint64_t>(square >> 63);
        }
    }
    return result;
}

}  // namespace

constexpr std::array<std::uint32_t, (1 << kLog2TableBits) + 1> kLog2Table = [] {
    std::array<std::uint32_t, (1 << kLog2TableBits) + 1> table{};
    for (std::uint64_t i = 0; i < (1u << kLog2TableBits); ++i) {
        table[i] = log2_fraction((1ull << 63) | (i << (63 - kLog2TableBits)));
    }
    return table;
}();

}  // namespace tribunal::detail
