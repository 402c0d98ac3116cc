// How a record's key or value becomes bytes and text again: Kafka's serializers and deserializers.
//
//   string        StringSerializer: UTF-8. Deviation: Java puts U+FFFD in the place of what is not
//                 UTF-8; here it is an error, because a poison record should show itself.
//   integer       IntegerSerializer: 4 bytes, big endian; the text is decimal.
//   long_integer  LongSerializer: 8 bytes, big endian; the text is decimal.
//   json          Connect's JsonSerializer: compact JSON, members in their order, the last of equal
//                 names wins. Deviation: an integer beyond 64 bits or nesting beyond 1000 levels is
//                 an error.
//   bytes         ByteArraySerializer: as they are; such text need not be UTF-8.
//
// Kafka serializes null to null without asking anybody, so that a null key or value never comes
// here. An error is news for the application (SerializationException), never an exception.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tribunal {

enum class Serde : std::uint8_t { string, integer, long_integer, json, bytes };

// Accepts "string", "integer", "long", "json", "bytes", and the names of Kafka's own serializer,
// deserializer and serde classes with or without their package.
std::optional<Serde> serde_named(std::string_view name);

// The short name that serde_named accepts.
std::string_view to_string(Serde serde);

struct SerdeResult {
    std::optional<std::string> value;
    std::string error;  // says which serializer refused what; empty with a value
    explicit operator bool() const { return value.has_value(); }
};

SerdeResult serialize(Serde serde, std::string_view text);
SerdeResult deserialize(Serde serde, std::string_view bytes);

// The length of the longest prefix that is whole, well-formed UTF-8 (RFC 3629: no overlong forms,
// no surrogates, nothing above U+10FFFF).
std::size_t utf8_prefix(std::string_view bytes);

}  // namespace tribunal
