// Java's .properties syntax, as Kafka's command line tools read their configuration files
// (java.util.Properties.load): comments with # and !, the separators = : and white space,
// continuation lines, escapes.
//
// Encoding. Java reads ISO-8859-1, always. Deviation: a file that is valid UTF-8 as a whole is
// taken as UTF-8 (a leading byte order mark is dropped); any other file is ISO-8859-1, byte by
// byte. ASCII files mean the same either way. All results are UTF-8.
//
// Unlike Java, a key that occurs twice is told to the caller: the last one wins there silently.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace tribunal {

struct Property {
    std::string key;    // may be empty: "=value" has the empty key
    std::string value;  // empty when the line has a key only
    std::int32_t line = 0;
    bool operator==(const Property&) const = default;
};

struct DuplicateKey {
    std::string key;
    std::int32_t lost_line = 0;    // what this line said is overwritten
    std::int32_t winner_line = 0;  // by what the last line with this key says
    bool operator==(const DuplicateKey&) const = default;
};

struct PropertiesFile {
    std::vector<Property> entries;  // one for each key, in the order of their lines
    std::vector<DuplicateKey> duplicates;
    bool operator==(const PropertiesFile&) const = default;
};

// Says file and line of a malformed \uXXXX escape, of an escaped surrogate without its other half
// (which UTF-8 cannot hold), or which file cannot be read.
struct PropertiesError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// A line is counted where its first character stands; lines begin at 1. `file` is for messages.
PropertiesFile parse_properties(std::string_view bytes, std::string_view file);

PropertiesFile read_properties_file(const std::string& path);

// The lines of a text as Java's readers see them: LF, CR or CR LF ends a line, and there is no
// further line after the last end.
std::vector<std::string_view> text_lines(std::string_view text);

}  // namespace tribunal
