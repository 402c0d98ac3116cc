// Base64 (RFC 4648): the standard alphabet with padding, as JSON of Kafka's messages has bytes; and
// the URL-safe one without, as its UUIDs have it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tribunal {

enum class Base64 : std::uint8_t { standard, url };

std::string to_base64(std::string_view bytes, Base64 alphabet);
// Padding may be there or not; nullopt for anything that is not base64 in that alphabet.
std::optional<std::string> from_base64(std::string_view text, Base64 alphabet);

}  // namespace tribunal
