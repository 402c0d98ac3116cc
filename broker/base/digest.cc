#include "broker/base/digest.h"

#include <cstddef>

namespace tribunal {

void Digest::bytes(std::string_view text) {
    word(text.size());
    std::size_t i = 0;
    for (; i + 8 <= text.size(); i += 8) {
        std::uint64_t x = 0;
        for (std::size_t j = 0; j < 8; ++j) {
            x |= static_cast<std::uint64_t>(static_cast<unsigned char>(text[i + j])) << (8 * j);
        }
        word(x);
    }
    if (i < text.size()) {
        std::uint64_t x = 0;
        for (std::size_t j = 0; i + j < text.size(); ++j) {
            x |= static_cast<std::uint64_t>(static_cast<unsigned char>(text[i + j])) << (8 * j);
        }
        word(x);
    }
}

std::string to_string(const Digest128& digest) {
    std::string text;
    for (const std::uint64_t half : {digest.high, digest.low}) {
        for (int shift = 60; shift >= 0; shift -= 4) {
            text += "0123456789abcdef"[(half >> shift) & 0xf];
        }
    }
    return text;
}

}  // namespace tribunal
