// One pair of functions for each Serde, and Kafka's class names for them.
#include "broker/client/serializer.h"

#include <array>
#include <charconv>
#include <cstring>
#include <nlohmann/json.hpp>

#include "broker/base/check.h"

namespace tribunal {
namespace {

SerdeResult converted(std::string value) { return {std::move(value), {}}; }
SerdeResult refused(std::string error) { return {std::nullopt, std::move(error)}; }

// For messages: printable ASCII as it is, other bytes as \xNN, cut after `most` bytes.
std::string printable(std::string_view text, std::size_t most) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string out;
    for (const char c : text.substr(0, most)) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte >= 0x20 && byte < 0x7f) {
            out += c;
        } else {
            out += "\\x";
            out += digits[byte >> 4];
            out += digits[byte & 15];
        }
    }
    return text.size() > most ? out + "..." : out;
}
std::string quoted(std::string_view text) { return "'" + printable(text, 60) + "'"; }

SerdeResult checked_utf8(std::string_view bytes, std::string_view who) {
    const std::size_t good = utf8_prefix(bytes);
    if (good == bytes.size()) return converted(std::string(bytes));
    return refused(std::string(who) + ": invalid UTF-8 at byte " + std::to_string(good) + " of " +
                   std::to_string(bytes.size()) + ": " + quoted(bytes));
}

template <class Number>
SerdeResult number_to_bytes(std::string_view text, std::string_view who) {
    // Java's parseInt takes a plus sign and no white space; from_chars takes neither.
    std::string_view rest = text;
    if (rest.size() > 1 && rest[0] == '+' && rest[1] != '-') rest.remove_prefix(1);
    Number number = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
    if (error != std::errc{} || end != rest.data() + rest.size()) {
        return refused(std::string(who) + ": " + quoted(text) + " is not an integer of " +
                       std::to_string(sizeof(Number)) + " bytes");
    }
    std::string bytes;
    const auto bits = static_cast<std::uint64_t>(number);
    for (std::size_t i = sizeof(Number); i-- > 0;) {
        bytes += static_cast<char>(static_cast<unsigned char>(bits >> (8 * i)));
    }
    return converted(std::move(bytes));
}

template <class Number>
SerdeResult number_from_bytes(std::string_view bytes, std::string_view who) {
    if (bytes.size() != sizeof(Number)) {
        return refused(std::string(who) + ": size of data received is not " +
                       std::to_string(sizeof(Number)) + " (got " + std::to_string(bytes.size()) +
                       ")");
    }
    std::uint64_t bits = 0;
    for (const char c : bytes) bits = bits << 8 | static_cast<unsigned char>(c);
    return converted(std::to_string(static_cast<Number>(bits)));
}

// Walks JSON text without building it, to refuse what the value would lose or could not stand: a
// number that only a double would hold, though written as an integer, and nesting that would
// exhaust the stack of the writer.
struct JsonLimits : nlohmann::json_sax<nlohmann::ordered_json> {
    static constexpr int kDeepest = 1000;
    int depth = 0;
    std::string error;

    bool stop(std::string why) {
        error = std::move(why);
        return false;
    }
    bool opened() {
        if (++depth <= kDeepest) return true;
        return stop("nested deeper than " + std::to_string(kDeepest) + " levels");
    }
    bool closed() {
        --depth;
        return true;
    }
    bool null() override { return true; }
    bool boolean(bool) override { return true; }
    bool number_integer(number_integer_t) override { return true; }
    bool number_unsigned(number_unsigned_t) override { return true; }
    bool number_float(number_float_t, const string_t& written) override {
        if (written.find_first_of(".eE") != string_t::npos) return true;
        return stop("integer " + written + " does not fit into 64 bits");
    }
    bool string(string_t&) override { return true; }
    bool binary(binary_t&) override { return true; }
    bool start_object(std::size_t) override { return opened(); }
    bool key(string_t&) override { return true; }
    bool end_object() override { return closed(); }
    bool start_array(std::size_t) override { return opened(); }
    bool end_array() override { return closed(); }
    bool parse_error(std::size_t, const std::string&,
                     const nlohmann::detail::exception& problem) override {
        const std::string_view what = problem.what();
        const std::size_t tag = what.find("] ");
        return stop(printable(tag == std::string_view::npos ? what : what.substr(tag + 2), 300));
    }
};

SerdeResult compact_json(std::string_view text, std::string_view who) {
    JsonLimits limits;
    if (!nlohmann::ordered_json::sax_parse(text, &limits)) {
        return refused(std::string(who) + ": " + limits.error);
    }
    const auto value = nlohmann::ordered_json::parse(text, nullptr, false);
    CHECK(!value.is_discarded());
    return converted(value.dump());
}

struct ClassNames {
    std::string_view package;
    std::string_view stem;  // followed by Serializer or Deserializer
    Serde serde;
};
constexpr std::string_view kCommon = "org.apache.kafka.common.serialization.";
constexpr std::array<ClassNames, 7> kClassNames{{
    {kCommon, "String", Serde::string},
    {kCommon, "Integer", Serde::integer},
    {kCommon, "Long", Serde::long_integer},
    {kCommon, "ByteArray", Serde::bytes},
    {kCommon, "ByteBuffer", Serde::bytes},
    {kCommon, "Bytes", Serde::bytes},
    {"org.apache.kafka.connect.json.", "Json", Serde::json},
}};

bool take_prefix(std::string_view& text, std::string_view prefix) {
    if (!text.starts_with(prefix)) return false;
    text.remove_prefix(prefix.size());
    return true;
}

bool names_class(std::string_view name, const ClassNames& names) {
    take_prefix(name, names.package);
    // Streams names its pairs as classes nested in Serdes: Serdes$StringSerde.
    if (names.package == kCommon &&
        (take_prefix(name, "Serdes$") || take_prefix(name, "Serdes."))) {
        return take_prefix(name, names.stem) && name == "Serde";
    }
    return take_prefix(name, names.stem) && (name == "Serializer" || name == "Deserializer");
}

}  // namespace

std::optional<Serde> serde_named(std::string_view name) {
    for (const Serde serde :
         {Serde::string, Serde::integer, Serde::long_integer, Serde::json, Serde::bytes}) {
        if (name == to_string(serde)) return serde;
    }
    for (const ClassNames& names : kClassNames) {
        if (names_class(name, names)) return names.serde;
    }
    return std::nullopt;
}

std::string_view to_string(Serde serde) {
    switch (serde) {
        case Serde::string:
            return "string";
        case Serde::integer:
            return "integer";
        case Serde::long_integer:
            return "long";
        case Serde::json:
            return "json";
        case Serde::bytes:
            return "bytes";
    }
    check_failed("a Serde outside its enumeration", __FILE__, __LINE__);
}

SerdeResult serialize(Serde serde, std::string_view text) {
    switch (serde) {
        case Serde::string:
            return checked_utf8(text, "StringSerializer");
        case Serde::integer:
            return number_to_bytes<std::int32_t>(text, "IntegerSerializer");
        case Serde::long_integer:
            return number_to_bytes<std::int64_t>(text, "LongSerializer");
        case Serde::json:
            return compact_json(text, "JsonSerializer");
        case Serde::bytes:
            return converted(std::string(text));
    }
    check_failed("a Serde outside its enumeration", __FILE__, __LINE__);
}

SerdeResult deserialize(Serde serde, std::string_view bytes) {
    switch (serde) {
        case Serde::string:
            return checked_utf8(bytes, "StringDeserializer");
        case Serde::integer:
            return number_from_bytes<std::int32_t>(bytes, "IntegerDeserializer");
        case Serde::long_integer:
            return number_from_bytes<std::int64_t>(bytes, "LongDeserializer");
        case Serde::json:
            return compact_json(bytes, "JsonDeserializer");
        case Serde::bytes:
            return converted(std::string(bytes));
    }
    check_failed("a Serde outside its enumeration", __FILE__, __LINE__);
}

std::size_t utf8_prefix(std::string_view bytes) {
    const auto at = [&](std::size_t i) -> unsigned {
        return i < bytes.size() ? static_cast<unsigned char>(bytes[i]) : 0u;
    };
    std::size_t i = 0;
    while (i < bytes.size()) {
        // Plain ASCII, nearly always: eight bytes at a time.
        std::uint64_t word = 0;
        if (i + sizeof(word) <= bytes.size()) {
            std::memcpy(&word, bytes.data() + i, sizeof(word));
            if ((word & 0x8080808080808080ull) == 0) {
                i += sizeof(word);
                continue;
            }
        }
        const unsigned lead = at(i);
        const std::size_t length = lead < 0x80                    ? 1
                                   : lead >= 0xc2 && lead <= 0xdf ? 2
                                   : lead >= 0xe0 && lead <= 0xef ? 3
                                   : lead >= 0xf0 && lead <= 0xf4 ? 4
                                                                  : 0;
        if (length == 0) return i;
        // The second byte rules out overlong forms, surrogates and what is above U+10FFFF.
        const unsigned low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
        const unsigned high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
        if (length > 1 && (at(i + 1) < low || at(i + 1) > high)) return i;
        for (std::size_t k = 2; k < length; ++k) {
            if (at(i + k) < 0x80 || at(i + k) > 0xbf) return i;
        }
        i += length;
    }
    return i;
}

}  // namespace tribunal
