// UUIDs as Kafka has them: 128 bits, shown as URL-safe base64 without padding (KIP-516).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "broker/base/digest.h"

namespace tribunal {

struct Uuid {
    std::uint64_t most = 0;  // the first eight bytes, big-endian
    std::uint64_t least = 0;
    constexpr auto operator<=>(const Uuid&) const = default;

    // `bytes` must be 16 long.
    static Uuid of_bytes(std::string_view bytes);
    std::string bytes() const;
    // "AAAAAAAAAAAAAAAAAAAAAA": always 22 characters.
    std::string text() const;
    // nullopt when it is no base64 of 16 bytes. Padding may be there (Uuid.fromString).
    static std::optional<Uuid> parse(std::string_view text);
    // Uuid.hashCode, which decides the order of Java's hash maps.
    std::int32_t java_hash() const;
};
inline void fold(Digest& d, const Uuid& id) {
    d.word(id.most);
    d.word(id.least);
}

}  // namespace tribunal
