// In the order in which Java works: natural lines are joined to logical lines, a logical line is
// cut at its first separator that no backslash protects, and only then are escapes resolved; so an
// escaped separator (or \u003d) is part of the key.
#include "scenarios/properties_file.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <map>
#include <optional>

#include "broker/client/serializer.h"

namespace tribunal {
namespace {

constexpr std::string_view kWhiteSpace = " \t\f";

void append_utf8(std::string& out, std::uint32_t code_point) {
    const auto tail = [&](int shift) {
        out += static_cast<char>(0x80 | ((code_point >> shift) & 0x3f));
    };
    if (code_point < 0x80) {
        out += static_cast<char>(code_point);
    } else if (code_point < 0x800) {
        out += static_cast<char>(0xc0 | (code_point >> 6));
        tail(0);
    } else if (code_point < 0x10000) {
        out += static_cast<char>(0xe0 | (code_point >> 12));
        tail(6), tail(0);
    } else {
        out += static_cast<char>(0xf0 | (code_point >> 18));
        tail(12), tail(6), tail(0);
    }
}

std::string utf8_of(std::string_view bytes) {
    constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
    if (utf8_prefix(bytes) == bytes.size()) {
        if (bytes.starts_with(byte_order_mark)) bytes.remove_prefix(byte_order_mark.size());
        return std::string(bytes);
    }
    std::string out;
    for (const char c : bytes) append_utf8(out, static_cast<unsigned char>(c));
    return out;
}

std::string_view without_leading_space(std::string_view line) {
    return line.substr(std::min(line.find_first_not_of(kWhiteSpace), line.size()));
}

// An odd number of backslashes at the end: the last one is not escaped itself.
bool is_continued(std::string_view line) {
    const std::size_t last = line.find_last_not_of('\\');
    const std::size_t slashes =
        last == std::string_view::npos ? line.size() : line.size() - last - 1;
    return slashes % 2 == 1;
}

struct LogicalLine {
    struct Piece {
        std::size_t begin = 0;  // where the natural line begins in `text`
        std::int32_t line = 0;
    };
    std::string text;
    std::vector<Piece> pieces;

    std::int32_t line_at(std::size_t position) const {
        std::int32_t line = pieces.front().line;
        for (const Piece& piece : pieces) {
            if (piece.begin <= position) line = piece.line;
        }
        return line;
    }
};

std::vector<LogicalLine> logical_lines(std::string_view text) {
    std::vector<LogicalLine> logical;
    bool continues = false;
    std::int32_t number = 0;
    for (const std::string_view natural : text_lines(text)) {
        ++number;
        std::string_view line = without_leading_space(natural);
        if (!continues) logical.emplace_back();
        if (logical.back().text.empty()) {
            // Nothing but perhaps a lone backslash so far: this may still be a comment.
            continues = false;
            if (line.empty() || line[0] == '#' || line[0] == '!') continue;
        }
        continues = is_continued(line);
        if (continues) line.remove_suffix(1);
        logical.back().pieces.push_back({logical.back().text.size(), number});
        logical.back().text += line;
    }
    // Deviation: a lone backslash at the end of a file is an empty key to Java, and nothing here.
    std::erase_if(logical, [](const LogicalLine& line) { return line.text.empty(); });
    return logical;
}

// Resolves the escapes of one part of a logical line.
class Unescape {
  public:
    Unescape(const LogicalLine& line, std::string_view file) : line_(line), file_(file) {}

    std::string operator()(std::size_t begin, std::size_t end) const {
        const std::string_view text = line_.text;
        std::string out;
        for (std::size_t at = begin; at < end;) {
            if (text[at] != '\\') {
                out += text[at++];
            } else if (at + 1 == end) {
                ++at;  // nothing to protect: only at the end of a file
            } else if (text[at + 1] == 'u') {
                append_utf8(out, code_point(at, end));
            } else {
                out += plain(text[at + 1]);
                at += 2;
            }
        }
        return out;
    }

  private:
    static char plain(char escaped) {
        switch (escaped) {
            case 't':
                return '\t';
            case 'n':
                return '\n';
            case 'r':
                return '\r';
            case 'f':
                return '\f';
            default:
                return escaped;
        }
    }

    // At \uXXXX, and past it (past two of them for a surrogate pair) afterwards.
    std::uint32_t code_point(std::size_t& at, std::size_t end) const {
        const std::size_t begin = at;
        const std::uint32_t first = unit(at, end);
        if (first < 0xd800 || first > 0xdfff) return first;
        const bool has_next = first < 0xdc00 && at < end &&
                              std::string_view(line_.text).substr(at, end - at).starts_with("\\u");
        const std::uint32_t second = has_next ? unit(at, end) : 0;
        if (second < 0xdc00 || second > 0xdfff) {
            fail(begin, "surrogate without its other half: " + line_.text.substr(begin, 6));
        }
        return 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
    }

    std::uint32_t unit(std::size_t& at, std::size_t end) const {
        const std::string digits =
            line_.text.substr(at + 2, std::min<std::size_t>(4, end - at - 2));
        std::uint32_t value = 0;
        for (const char c : digits) value = value << 4 | hex_digit(c).value_or(0);
        if (digits.size() < 4 ||
            !std::all_of(digits.begin(), digits.end(), [](char c) { return hex_digit(c); })) {
            fail(at, "malformed \\uXXXX escape: \\u" + digits);
        }
        at += 6;
        return value;
    }

    static std::optional<std::uint32_t> hex_digit(char c) {
        if (c >= '0' && c <= '9') return static_cast<std::uint32_t>(c - '0');
        if (c >= 'a' && c <= 'f') return static_cast<std::uint32_t>(c - 'a' + 10);
        if (c >= 'A' && c <= 'F') return static_cast<std::uint32_t>(c - 'A' + 10);
        return std::nullopt;
    }

    [[noreturn]] void fail(std::size_t at, const std::string& what) const {
        throw PropertiesError(std::string(file_) + ":" + std::to_string(line_.line_at(at)) + ": " +
                              what);
    }

    const LogicalLine& line_;
    std::string_view file_;
};

Property property_of(const LogicalLine& line, std::string_view file) {
    const std::string_view text = line.text;
    std::size_t key_end = 0;
    while (key_end < text.size() &&
           std::string_view("=: \t\f").find(text[key_end]) == std::string_view::npos) {
        key_end += text[key_end] == '\\' ? 2 : 1;
    }
    key_end = std::min(key_end, text.size());
    // White space, at most one = or :, and white space again.
    std::size_t value_begin = std::min(text.find_first_not_of(kWhiteSpace, key_end), text.size());
    if (value_begin < text.size() && (text[value_begin] == '=' || text[value_begin] == ':')) {
        value_begin = std::min(text.find_first_not_of(kWhiteSpace, value_begin + 1), text.size());
    }
    const Unescape unescaped(line, file);
    return {unescaped(0, key_end), unescaped(value_begin, text.size()), line.line_at(0)};
}

}  // namespace

PropertiesFile parse_properties(std::string_view bytes, std::string_view file) {
    std::vector<Property> all;
    std::map<std::string, std::int32_t> winner_line;
    for (const LogicalLine& line : logical_lines(utf8_of(bytes))) {
        all.push_back(property_of(line, file));
        winner_line[all.back().key] = all.back().line;
    }
    PropertiesFile result;
    for (Property& property : all) {
        const std::int32_t winner = winner_line.at(property.key);
        if (winner == property.line) {
            result.entries.push_back(std::move(property));
        } else {
            result.duplicates.push_back({std::move(property.key), property.line, winner});
        }
    }
    return result;
}

PropertiesFile read_properties_file(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    std::string bytes;
    std::array<char, 4096> block;
    while (in.read(block.data(), block.size()), in.gcount() > 0) {
        bytes.append(block.data(), static_cast<std::size_t>(in.gcount()));
    }
    // Opening a folder succeeds on Linux; reading it is what fails.
    if (!in.is_open() || in.bad()) throw PropertiesError(path + ": cannot be read");
    return parse_properties(bytes, path);
}

std::vector<std::string_view> text_lines(std::string_view text) {
    std::vector<std::string_view> lines;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find_first_of("\r\n"), text.size());
        lines.push_back(text.substr(0, end));
        const bool is_crlf = text.substr(end).starts_with("\r\n");
        text.remove_prefix(std::min(end + (is_crlf ? 2 : 1), text.size()));
    }
    return lines;
}

}  // namespace tribunal
