// Variable-length and big-endian integers, as Kafka's records and messages have them
// (org.apache.kafka.common.utils.ByteUtils): base 128, low group first, and signed ones zig-zag.
//
// A take_*() removes what it read from the front of `in`. It returns false, with `in` anywhere
// between, when the bytes run out or the number has more groups than its type can need.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>

namespace tribunal {

constexpr std::uint64_t zigzag(std::int64_t value) {
    return (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
}
constexpr std::int64_t unzigzag(std::uint64_t z) {
    return static_cast<std::int64_t>(z >> 1) ^ -static_cast<std::int64_t>(z & 1);
}

inline void put_unsigned_varint(std::string& out, std::uint64_t value) {
    while (value >= 0x80) {
        out += static_cast<char>(0x80 | (value & 0x7f));
        value >>= 7;
    }
    out += static_cast<char>(value);
}
constexpr std::int64_t unsigned_varint_size(std::uint64_t value) {
    std::int64_t n = 1;
    for (; value >= 0x80; value >>= 7) ++n;
    return n;
}

// Both widths of signed ones are written alike.
inline void put_varint(std::string& out, std::int64_t value) {
    put_unsigned_varint(out, zigzag(value));
}
constexpr std::int64_t varint_size(std::int64_t value) {
    return unsigned_varint_size(zigzag(value));
}

// Groups of 7 bits that an integer of that width may take: 5 or 10. Bits above are dropped.
template <class Unsigned>
bool take_unsigned(std::string_view& in, Unsigned& value) {
    value = 0;
    const int width = static_cast<int>(8 * sizeof(Unsigned));
    std::size_t i = 0;
    for (int shift = 0; shift < width; shift += 7, ++i) {
        if (i == in.size()) return false;
        const auto byte = static_cast<unsigned char>(in[i]);
        value |= static_cast<Unsigned>(static_cast<Unsigned>(byte & 0x7f) << shift);
        if (byte < 0x80) {
            in.remove_prefix(i + 1);
            return true;
        }
    }
    return false;
}
inline bool take_unsigned_varint(std::string_view& in, std::uint32_t& value) {
    return take_unsigned(in, value);
}
inline bool take_unsigned_varlong(std::string_view& in, std::uint64_t& value) {
    return take_unsigned(in, value);
}
inline bool take_varint(std::string_view& in, std::int32_t& value) {
    std::uint32_t z = 0;
    if (!take_unsigned(in, z)) return false;
    value = static_cast<std::int32_t>((z >> 1) ^ -(z & 1));
    return true;
}
inline bool take_varlong(std::string_view& in, std::int64_t& value) {
    std::uint64_t z = 0;
    if (!take_unsigned(in, z)) return false;
    value = unzigzag(z);
    return true;
}

// Writes sizeof(Int) bytes at `to`.
template <class Int>
void store_big_endian(char* to, Int value) {
    auto bits = static_cast<std::make_unsigned_t<Int>>(value);
    if constexpr (std::endian::native == std::endian::little) {
        if constexpr (sizeof(Int) == 2) bits = __builtin_bswap16(bits);
        if constexpr (sizeof(Int) == 4) bits = __builtin_bswap32(bits);
        if constexpr (sizeof(Int) == 8) bits = __builtin_bswap64(bits);
    }
    std::memcpy(to, &bits, sizeof(Int));
}
template <class Int>
void put_big_endian(std::string& out, Int value) {
    char bytes[sizeof(Int)];
    store_big_endian(bytes, value);
    out.append(bytes, sizeof(Int));
}
// `in` must hold sizeof(Int) bytes from `at` on.
template <class Int>
Int big_endian_at(std::string_view in, std::size_t at) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < sizeof(Int); ++i) {
        value = (value << 8) | static_cast<unsigned char>(in[at + i]);
    }
    return static_cast<Int>(value);
}
template <class Int>
bool take_big_endian(std::string_view& in, Int& value) {
    if (in.size() < sizeof(Int)) return false;
    value = big_endian_at<Int>(in, 0);
    in.remove_prefix(sizeof(Int));
    return true;
}

}  // namespace tribunal
