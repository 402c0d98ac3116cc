// A file of lines as kafka-console-producer reads it (LineMessageReader): one record a line, with
// headers, key and value cut at separators. For scenarios that send the records of a file.
//
// Lines end with LF, CR LF or CR. An empty line is a record with an empty value; the end of the
// last line makes no further record.
#pragma once

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tribunal {

struct ConsoleLineOptions {
    bool parses_key = false;                  // parse.key
    std::string key_separator = "\t";         // key.separator
    bool parses_headers = false;              // parse.headers
    std::string headers_delimiter = "\t";     // headers.delimiter: ends the headers
    std::string headers_separator = ",";      // headers.separator: between two headers
    std::string headers_key_separator = ":";  // headers.key.separator: between name and value
    std::optional<std::string> null_marker;   // null.marker: this key or value stands for null
    bool ignores_errors = false;              // ignore.error
    bool operator==(const ConsoleLineOptions&) const = default;
};

struct ConsoleHeader {
    std::string key;
    std::optional<std::string> value;
    bool operator==(const ConsoleHeader&) const = default;
};

struct ConsoleRecord {
    std::optional<std::string> key;
    std::optional<std::string> value;
    std::vector<ConsoleHeader> headers;
    std::int32_t line = 0;  // from 1
    bool operator==(const ConsoleRecord&) const = default;
};

struct ConsoleLinesError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// Options by Kafka's names (--reader-property). Refused with a ConsoleLinesError: an unknown name
// (with the nearest valid one), and separators that equal each other where Kafka refuses it.
// Deviation: Kafka ignores unknown names, takes any word but "true" for false, and accepts empty
// separators, which make every key empty; all three are errors here.
ConsoleLineOptions console_line_options(
    const std::vector<std::pair<std::string, std::string>>& named);

// A line without a separator it needs throws a ConsoleLinesError with Kafka's words after the name
// of the file, unless ignores_errors: then what cannot be cut off is missing (the whole line is the
// value), and a header without its separator is a name with a null value.
// Deviation: Kafka takes headers.separator as a regular expression; here it is plain text.
std::vector<ConsoleRecord> parse_console_lines(std::string_view text,
                                               const ConsoleLineOptions& options,
                                               std::string_view file);

}  // namespace tribunal
