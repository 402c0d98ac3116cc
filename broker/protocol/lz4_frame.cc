#include "broker/protocol/lz4_frame.h"

#include <lz4.h>

#include <algorithm>
#include <bit>

#include "broker/base/check.h"

namespace tribunal {
namespace {

constexpr std::string_view kMagic{"\x04\x22\x4d\x18", 4};
constexpr std::size_t kBlock = 64 << 10;
constexpr std::uint32_t kStored = 0x80000000u;  // of a block's size: the block is not compressed

// Flag byte: version 01 in bits 7-6, then
constexpr unsigned kVersion = 0x40;
constexpr unsigned kIndependent = 0x20;
constexpr unsigned kBlockChecksum = 0x10;
constexpr unsigned kContentSize = 0x08;
constexpr unsigned kContentChecksum = 0x04;
constexpr unsigned kReserved = 0x03;  // with the dictionary id of later versions of the format

std::uint32_t little_endian_at(std::string_view in, std::size_t at) {
    std::uint32_t value = 0;
    for (std::size_t i = 4; i-- > 0;) {
        value = (value << 8) | static_cast<unsigned char>(in[at + i]);
    }
    return value;
}
void put_little_endian(std::string& out, std::uint32_t value) {
    for (int shift = 0; shift < 32; shift += 8) {
        out += static_cast<char>(value >> shift & 0xff);
    }
}
bool take(std::string_view& in, std::uint32_t& value) {
    if (in.size() < 4) return false;
    value = little_endian_at(in, 0);
    in.remove_prefix(4);
    return true;
}

// Second byte of the checksum of the descriptor; `frame` begins with the magic number.
char header_checksum(std::string_view frame, std::size_t size, Lz4Header header) {
    const std::size_t from = header == Lz4Header::legacy ? 0 : kMagic.size();
    return static_cast<char>(xxhash32(frame.substr(from, size - from)) >> 8 & 0xff);
}

}  // namespace

std::uint32_t xxhash32(std::string_view bytes) {
    constexpr std::uint32_t p1 = 2654435761u, p2 = 2246822519u, p3 = 3266489917u, p4 = 668265263u,
                            p5 = 374761393u;
    std::uint32_t hash = p5;
    std::string_view in = bytes;
    if (in.size() >= 16) {
        std::uint32_t lanes[4] = {p1 + p2, p2, 0, 0u - p1};
        for (; in.size() >= 16; in.remove_prefix(16)) {
            for (std::size_t lane = 0; lane < 4; ++lane) {
                lanes[lane] = std::rotl(lanes[lane] + little_endian_at(in, 4 * lane) * p2, 13) * p1;
            }
        }
        hash = std::rotl(lanes[0], 1) + std::rotl(lanes[1], 7) + std::rotl(lanes[2], 12) +
               std::rotl(lanes[3], 18);
    }
    hash += static_cast<std::uint32_t>(bytes.size());
    for (; in.size() >= 4; in.remove_prefix(4)) {
        hash = std::rotl(hash + little_endian_at(in, 0) * p3, 17) * p4;
    }
    for (const char c : in) {
        hash = std::rotl(hash + static_cast<unsigned char>(c) * p5, 11) * p1;
    }
    hash = (hash ^ hash >> 15) * p2;
    hash = (hash ^ hash >> 13) * p3;
    return hash ^ hash >> 16;
}

std::string lz4_frame(std::string_view bytes, Lz4Header header) {
    std::string out{kMagic};
    out += static_cast<char>(kVersion | kIndependent);
    out += static_cast<char>(4 << 4);  // blocks of 64 KiB
    out += header_checksum(out, out.size(), header);
    while (!bytes.empty()) {
        const std::string_view block = bytes.substr(0, kBlock);
        bytes.remove_prefix(block.size());
        const int most = LZ4_compressBound(static_cast<int>(block.size()));
        std::string packed(static_cast<std::size_t>(most), '\0');
        const int size =
            LZ4_compress_default(block.data(), packed.data(), static_cast<int>(block.size()), most);
        CHECK(size > 0);
        packed.resize(static_cast<std::size_t>(size));
        const bool stored = packed.size() >= block.size();
        put_little_endian(out, static_cast<std::uint32_t>(stored ? block.size() : packed.size()) |
                                   (stored ? kStored : 0));
        out += stored ? block : std::string_view{packed};
    }
    put_little_endian(out, 0);
    return out;
}

std::optional<std::string> lz4_unframe(std::string_view bytes, Lz4Header header,
                                       std::size_t limit) {
    if (bytes.size() < 7 || bytes.substr(0, 4) != kMagic) return std::nullopt;
    const auto flags = static_cast<unsigned char>(bytes[4]);
    const auto sizes = static_cast<unsigned char>(bytes[5]);
    if ((flags & 0xc0) != kVersion || (flags & kReserved) != 0) return std::nullopt;
    if ((flags & kIndependent) == 0) return std::nullopt;
    const unsigned size_id = sizes >> 4;
    if ((sizes & 0x8f) != 0 || size_id < 4) return std::nullopt;
    const std::size_t most = std::size_t{1} << (8 + 2 * size_id);  // 64 KiB, 256 KiB, 1 or 4 MiB
    const std::size_t descriptor_end = (flags & kContentSize) != 0 ? 14 : 6;
    if (bytes.size() <= descriptor_end) return std::nullopt;
    if (header == Lz4Header::correct &&
        bytes[descriptor_end] != header_checksum(bytes, descriptor_end, header)) {
        return std::nullopt;
    }
    std::string_view in = bytes.substr(descriptor_end + 1);
    std::string out;
    while (true) {
        std::uint32_t size = 0;
        if (!take(in, size)) return std::nullopt;
        if (size == 0) break;
        const bool stored = (size & kStored) != 0;
        size &= ~kStored;
        if (size > in.size() || size > most) return std::nullopt;
        const std::string_view block = in.substr(0, size);
        in.remove_prefix(size);
        std::uint32_t checksum = 0;
        if ((flags & kBlockChecksum) != 0 && (!take(in, checksum) || checksum != xxhash32(block))) {
            return std::nullopt;
        }
        if (stored) {
            out += block;
        } else {
            const std::size_t at = out.size();
            // A byte of LZ4 stands for at most 255.
            const std::size_t room = std::min(most, 255 * block.size());
            out.resize(at + room);
            const int unpacked =
                LZ4_decompress_safe(block.data(), out.data() + at, static_cast<int>(block.size()),
                                    static_cast<int>(room));
            if (unpacked < 0) return std::nullopt;
            out.resize(at + static_cast<std::size_t>(unpacked));
        }
        if (out.size() > limit) return std::nullopt;
    }
    if ((flags & kContentChecksum) != 0) {
        std::uint32_t checksum = 0;
        if (!take(in, checksum) || checksum != xxhash32(out)) return std::nullopt;
    }
    return out;
}

}  // namespace tribunal
