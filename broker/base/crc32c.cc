#include "broker/base/crc32c.h"

#include <array>
#include <cstddef>
#include <cstring>

namespace tribunal {
namespace {

constexpr auto kTable = [] {
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t i = 0; i < 256; ++i) {
        std::uint32_t c = i;
        for (int k = 0; k < 8; ++k) c = (c & 1) != 0 ? 0x82f63b78u ^ (c >> 1) : c >> 1;
        table[i] = c;
    }
    return table;
}();

std::uint32_t portable(const char* p, std::size_t n, std::uint32_t c) {
    for (std::size_t i = 0; i < n; ++i) {
        c = kTable[(c ^ static_cast<unsigned char>(p[i])) & 0xff] ^ (c >> 8);
    }
    return c;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) std::uint32_t hardware(const char* p, std::size_t n,
                                                         std::uint32_t c) {
    std::uint64_t wide = c;
    for (; n >= 8; n -= 8, p += 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, p, 8);
        wide = __builtin_ia32_crc32di(wide, word);
    }
    c = static_cast<std::uint32_t>(wide);
    for (; n > 0; --n, ++p) c = __builtin_ia32_crc32qi(c, static_cast<unsigned char>(*p));
    return c;
}
#endif

}  // namespace

std::uint32_t crc32c(std::string_view bytes, std::uint32_t crc) {
    const std::uint32_t c = ~crc;
#if defined(__x86_64__)
    // The same value either way: only the speed depends on the processor.
    if (__builtin_cpu_supports("sse4.2")) return ~hardware(bytes.data(), bytes.size(), c);
#endif
    return ~portable(bytes.data(), bytes.size(), c);
}

}  // namespace tribunal
