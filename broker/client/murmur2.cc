// MurmurHash2 (Austin Appleby, 2008) with the seed that Kafka's producers use. Unsigned arithmetic
// throughout: it wraps as Java's does, and shifts bring in zeros as Java's >>> does.
#include "broker/client/murmur2.h"

#include <cstddef>

#include "broker/base/check.h"

namespace tribunal {
namespace {

constexpr std::uint32_t kSeed = 0x9747b28c;
constexpr std::uint32_t kMultiplier = 0x5bd1e995;

std::uint32_t byte_at(std::string_view bytes, std::size_t i) {
    return static_cast<unsigned char>(bytes[i]);
}

}  // namespace

std::int32_t murmur2(std::string_view bytes) {
    std::uint32_t hash = kSeed ^ static_cast<std::uint32_t>(bytes.size());
    std::size_t at = 0;
    for (; bytes.size() - at >= 4; at += 4) {
        std::uint32_t word = byte_at(bytes, at) | byte_at(bytes, at + 1) << 8 |
                             byte_at(bytes, at + 2) << 16 | byte_at(bytes, at + 3) << 24;
        word *= kMultiplier;
        word ^= word >> 24;
        word *= kMultiplier;
        hash = (hash * kMultiplier) ^ word;
    }
    if (at < bytes.size()) {
        std::uint32_t rest = 0;
        for (std::size_t i = bytes.size(); i > at; --i) rest = rest << 8 | byte_at(bytes, i - 1);
        hash = (hash ^ rest) * kMultiplier;
    }
    hash ^= hash >> 13;
    hash *= kMultiplier;
    hash ^= hash >> 15;
    return static_cast<std::int32_t>(hash);
}

std::int32_t partition_for_key(std::string_view key, std::int32_t partitions) {
    CHECK(partitions > 0);
    return to_positive(murmur2(key)) % partitions;
}

}  // namespace tribunal
