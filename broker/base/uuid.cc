#include "broker/base/uuid.h"

#include "broker/base/base64.h"
#include "broker/base/check.h"
#include "broker/base/varint.h"

namespace tribunal {

Uuid Uuid::of_bytes(std::string_view bytes) {
    CHECK(bytes.size() == 16);
    return {big_endian_at<std::uint64_t>(bytes, 0), big_endian_at<std::uint64_t>(bytes, 8)};
}

std::string Uuid::bytes() const {
    std::string out;
    put_big_endian(out, most);
    put_big_endian(out, least);
    return out;
}

std::string Uuid::text() const { return to_base64(bytes(), Base64::url); }

std::optional<Uuid> Uuid::parse(std::string_view text) {
    const auto bytes = from_base64(text, Base64::url);
    if (!bytes || bytes->size() != 16) return std::nullopt;
    return of_bytes(*bytes);
}

std::int32_t Uuid::java_hash() const {
    const std::uint64_t both = most ^ least;
    return static_cast<std::int32_t>(static_cast<std::uint32_t>(both >> 32) ^
                                     static_cast<std::uint32_t>(both));
}

}  // namespace tribunal
