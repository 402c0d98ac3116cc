// How the native systems write the values of a specification: numbered names, sets, functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tribunal {

// "r1" for the first: the specifications count from one.
inline std::string numbered(std::string_view prefix, std::uint64_t index, std::uint64_t first = 1) {
    return std::string(prefix) + std::to_string(index + first);
}

// "{r1, r3}": the members whose bit is set.
inline std::string set_text(std::string_view prefix, std::uint64_t members,
                            std::uint64_t first = 1) {
    std::string text;
    for (std::uint64_t i = 0; i < 64; ++i) {
        if (((members >> i) & 1) == 0) continue;
        text += (text.empty() ? "" : ", ") + numbered(prefix, i, first);
    }
    return "{" + text + "}";
}

// "[r1 |-> working, r2 |-> prepared]": value(i) is the text of the i-th one's value.
template <class Value>
std::string function_text(std::string_view prefix, std::uint64_t count, Value value,
                          std::uint64_t first = 1) {
    std::string text;
    for (std::uint64_t i = 0; i < count; ++i) {
        text += (i == 0 ? "" : ", ") + numbered(prefix, i, first) + " |-> " + value(i);
    }
    return "[" + text + "]";
}

inline std::string bool_text(bool value) { return value ? "TRUE" : "FALSE"; }

}  // namespace tribunal
