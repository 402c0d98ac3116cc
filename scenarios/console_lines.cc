// Cutting lines into headers, key and value, and the options that say how.
#include "scenarios/console_lines.h"

#include <algorithm>
#include <array>
#include <numeric>

#include "scenarios/properties_file.h"

namespace tribunal {
namespace {

// How many letters have to be inserted, removed or replaced to make one word the other.
std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 0; i < a.size(); ++i) {
        std::size_t diagonal = row[0];
        row[0] = i + 1;
        for (std::size_t k = 0; k < b.size(); ++k) {
            const std::size_t replaced = diagonal + (a[i] == b[k] ? 0 : 1);
            diagonal = row[k + 1];
            row[k + 1] = std::min({replaced, row[k] + 1, row[k + 1] + 1});
        }
    }
    return row.back();
}

constexpr std::array<std::string_view, 8> kNames = {
    "parse.key",         "key.separator",         "parse.headers", "headers.delimiter",
    "headers.separator", "headers.key.separator", "null.marker",   "ignore.error"};

std::string_view nearest_name(std::string_view name) {
    return *std::min_element(kNames.begin(), kNames.end(), [&](auto a, auto b) {
        return edit_distance(name, a) < edit_distance(name, b);
    });
}

bool truth(std::string_view name, std::string_view word) {
    const auto is_space = [](char c) { return c == ' ' || c == '\t'; };
    while (!word.empty() && is_space(word.front())) word.remove_prefix(1);
    while (!word.empty() && is_space(word.back())) word.remove_suffix(1);
    std::string lower;
    for (const char c : word) lower += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    if (lower != "true" && lower != "false") {
        throw ConsoleLinesError(std::string(name) + ": found '" + std::string(word) +
                                "', expected true or false");
    }
    return lower == "true";
}

std::string separator(std::string_view name, const std::string& text) {
    if (text.empty()) throw ConsoleLinesError(std::string(name) + " may not be empty");
    return text;
}

void set_option(ConsoleLineOptions& options, const std::string& name, const std::string& value) {
    if (name == "parse.key") {
        options.parses_key = truth(name, value);
    } else if (name == "key.separator") {
        options.key_separator = separator(name, value);
    } else if (name == "parse.headers") {
        options.parses_headers = truth(name, value);
    } else if (name == "headers.delimiter") {
        options.headers_delimiter = separator(name, value);
    } else if (name == "headers.separator") {
        options.headers_separator = separator(name, value);
    } else if (name == "headers.key.separator") {
        options.headers_key_separator = separator(name, value);
    } else if (name == "null.marker") {
        options.null_marker = value;
    } else if (name == "ignore.error") {
        options.ignores_errors = truth(name, value);
    } else {
        throw ConsoleLinesError("unknown option '" + name + "'; did you mean '" +
                                std::string(nearest_name(name)) + "'?");
    }
}

void check_distinct(const ConsoleLineOptions& options) {
    struct Pair {
        std::string_view first, second;
        bool are_equal;
    };
    const auto& o = options;
    const std::array<Pair, 7> pairs = {{
        {"headers.delimiter", "headers.separator", o.headers_delimiter == o.headers_separator},
        {"headers.delimiter", "headers.key.separator",
         o.headers_delimiter == o.headers_key_separator},
        {"headers.separator", "headers.key.separator",
         o.headers_separator == o.headers_key_separator},
        {"null.marker", "key.separator", o.null_marker == o.key_separator},
        {"null.marker", "headers.separator", o.null_marker == o.headers_separator},
        {"null.marker", "headers.delimiter", o.null_marker == o.headers_delimiter},
        {"null.marker", "headers.key.separator", o.null_marker == o.headers_key_separator},
    }};
    for (const Pair& pair : pairs) {
        if (pair.are_equal) {
            throw ConsoleLinesError(std::string(pair.first) + " and " + std::string(pair.second) +
                                    " may not be equal");
        }
    }
}

struct Line {
    std::string_view text;
    std::int32_t number = 0;
};

class Reader {
  public:
    Reader(const ConsoleLineOptions& options, std::string_view file)
        : options_(options), file_(file) {}

    ConsoleRecord operator()(const Line& line) const {
        std::string_view rest = line.text;
        ConsoleRecord record;
        record.line = line.number;
        if (options_.parses_headers) {
            const auto headers =
                cut_off(rest, options_.headers_delimiter, "headers delimiter", line);
            if (headers && headers != options_.null_marker) {
                record.headers = headers_of(*headers, line);
            }
        }
        if (options_.parses_key) {
            const auto key = cut_off(rest, options_.key_separator, "key separator", line);
            if (key) record.key = unless_null(*key);
        }
        record.value = unless_null(rest);
        return record;
    }

  private:
    // What stands before the separator, which is removed with it; nothing when there is none and
    // errors are ignored.
    std::optional<std::string_view> cut_off(std::string_view& rest, const std::string& separator,
                                            const char* what, const Line& line) const {
        const std::size_t at = rest.find(separator);
        if (at == std::string_view::npos) {
            if (options_.ignores_errors) return std::nullopt;
            fail(std::string("No ") + what + " found on line number " +
                 std::to_string(line.number) + ": '" + std::string(line.text) + "'");
        }
        const std::string_view before = rest.substr(0, at);
        rest.remove_prefix(at + separator.size());
        return before;
    }

    std::vector<ConsoleHeader> headers_of(std::string_view text, const Line& line) const {
        // As Java's split: empty pieces at the end do not count, but a text without any separator
        // is one piece even when it is empty.
        std::vector<std::string_view> pieces;
        for (bool is_last = false; !is_last;) {
            const std::size_t at = text.find(options_.headers_separator);
            is_last = at == std::string_view::npos;
            pieces.push_back(text.substr(0, at));
            if (!is_last) text.remove_prefix(at + options_.headers_separator.size());
        }
        if (pieces.size() > 1) {
            while (!pieces.empty() && pieces.back().empty()) pieces.pop_back();
        }
        std::vector<ConsoleHeader> headers;
        for (const std::string_view piece : pieces) headers.push_back(header_of(piece, line));
        return headers;
    }

    ConsoleHeader header_of(std::string_view piece, const Line& line) const {
        const std::size_t at = piece.find(options_.headers_key_separator);
        if (at == std::string_view::npos) {
            if (options_.ignores_errors) return {std::string(piece), std::nullopt};
            fail("No header key separator found in pair '" + std::string(piece) +
                 "' on line number " + std::to_string(line.number));
        }
        const std::string_view key = piece.substr(0, at);
        if (key == options_.null_marker) {
            fail("Header keys should not be equal to the null marker '" + *options_.null_marker +
                 "' as they can't be null");
        }
        return {std::string(key),
                unless_null(piece.substr(at + options_.headers_key_separator.size()))};
    }

    std::optional<std::string> unless_null(std::string_view text) const {
        if (text == options_.null_marker) return std::nullopt;
        return std::string(text);
    }

    [[noreturn]] void fail(const std::string& what) const {
        throw ConsoleLinesError(std::string(file_) + ": " + what);
    }

    const ConsoleLineOptions& options_;
    std::string_view file_;
};

}  // namespace

ConsoleLineOptions console_line_options(
    const std::vector<std::pair<std::string, std::string>>& named) {
    ConsoleLineOptions options;
    for (const auto& [name, value] : named) set_option(options, name, value);
    check_distinct(options);
    return options;
}

std::vector<ConsoleRecord> parse_console_lines(std::string_view text,
                                               const ConsoleLineOptions& options,
                                               std::string_view file) {
    const Reader record_of(options, file);
    std::vector<ConsoleRecord> records;
    std::int32_t number = 0;
    for (const std::string_view line : text_lines(text)) {
        records.push_back(record_of(Line{line, ++number}));
    }
    return records;
}

}  // namespace tribunal
