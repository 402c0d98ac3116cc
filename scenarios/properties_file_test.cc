// Java's .properties syntax line by line, and back from an escaper of the test's own.
#include "scenarios/properties_file.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <set>

#include "broker/client/serializer.h"

namespace tribunal {
namespace {

using namespace std::string_literals;
using namespace std::string_view_literals;
using Entries = std::vector<Property>;

Entries entries(std::string_view bytes) { return parse_properties(bytes, "f.properties").entries; }

std::string error_of(std::string_view bytes) {
    try {
        parse_properties(bytes, "f.properties");
    } catch (const PropertiesError& error) {
        return error.what();
    }
    return "no error";
}

TEST(properties_file, syntax) {
    struct Case {
        std::string_view name;
        std::string_view bytes;
        Entries want;
    };
    const Case cases[] = {
        {"empty file", "", {}},
        {"equals sign", "a=b", {{"a", "b", 1}}},
        {"colon", "a:b\n", {{"a", "b", 1}}},
        {"white space separates",
         "a b c\nd\te\nf\fg",
         {{"a", "b c", 1}, {"d", "e", 2}, {"f", "g", 3}}},
        {"space around the separator goes", " \t\fa \t\f= \t\fb", {{"a", "b", 1}}},
        {"space after the value stays", "a=b \t", {{"a", "b \t", 1}}},
        {"only one separator counts", "a = = b\nc::d", {{"a", "= b", 1}, {"c", ":d", 2}}},
        {"key alone", "a\nb=\nc \n", {{"a", "", 1}, {"b", "", 2}, {"c", "", 3}}},
        {"empty key", "=b\nc:", {{"", "b", 1}, {"c", "", 2}}},
        {"empty key with a colon", " : c", {{"", "c", 1}}},
        {"comments", "# a=b\n  ! c=d\ne=f # no comment", {{"e", "f # no comment", 3}}},
        {"a comment has no continuation", "# x \\\na=b", {{"a", "b", 2}}},
        {"blank lines", "\n \t\f\n\na=b", {{"a", "b", 4}}},
        {"continuation", "a=b\\\n   c\\\n\td\ne=f", {{"a", "bcd", 1}, {"e", "f", 4}}},
        {"continuation in the key", "ke\\\n  y=v", {{"key", "v", 1}}},
        {"an escaped backslash ends the line", "a=b\\\\\nc=d", {{"a", "b\\", 1}, {"c", "d", 2}}},
        {"three backslashes continue", "a=b\\\\\\\n c", {{"a", "b\\c", 1}}},
        {"continued by a comment sign", "a=\\\n#b\n", {{"a", "#b", 1}}},
        {"continued by a blank line", "a=b\\\n \nc=d", {{"a", "b", 1}, {"c", "d", 3}}},
        {"backslash alone, then blank", "\\\n\nc=d", {{"c", "d", 3}}},
        {"backslash alone, then a comment", "\\\n # a=b\\\nc=d", {{"c", "d", 3}}},
        {"backslash alone, then a property", "\\\n a=b", {{"a", "b", 2}}},
        {"backslash alone at the end of file", "a=b\n\\\n", {{"a", "b", 1}}},
        {"backslash at the end of file", "a=b\\", {{"a", "b", 1}}},
        {"space after a backslash is kept", "a=\\ b\\ \n", {{"a", " b ", 1}}},
        {"CR LF", "a=b\\\r\n c\r\n\r\nd=e\r\n", {{"a", "bc", 1}, {"d", "e", 4}}},
        {"CR", "a=b\\\r c\rd=e\r", {{"a", "bc", 1}, {"d", "e", 3}}},
        {"letters", "a=\\t\\n\\r\\f\\\\|\\q\\\"\\b", {{"a", "\t\n\r\f\\|q\"b", 1}}},
        {"escaped separators", "a\\=b\\:c\\ d\\\te = f", {{"a=b:c d\te", "f", 1}}},
        {"an escaped comment sign begins a key",
         "\\#a=b\n\\!c=d",
         {{"#a", "b", 1}, {"!c", "d", 2}}},
        {"unicode separator is no separator", "a\\u003db=c", {{"a=b", "c", 1}}},
        {"unicode", "a=\\u0041\\u00e9\\u20AC\\u0000", {{"a", "A\xc3\xa9\xe2\x82\xac\0"s, 1}}},
        {"surrogate pair", "a=\\uD83D\\uDE00", {{"a", "\xf0\x9f\x98\x80", 1}}},
        {"upper case U is a letter", "a=\\U0041", {{"a", "U0041", 1}}},
        {"escape across lines", "a=\\u00\\\n   41", {{"a", "A", 1}}},
        {"UTF-8 as a whole", "a=\xe2\x82\xac", {{"a", "\xe2\x82\xac", 1}}},
        {"byte order mark",
         "\xef\xbb\xbf"
         "a=b",
         {{"a", "b", 1}}},
        {"one byte of Latin-1 makes all Latin-1",
         "a=\xe9\xc3\xa9",
         {{"a", "\xc3\xa9\xc3\x83\xc2\xa9", 1}}},
    };
    for (const Case& c : cases) {
        const Entries got = entries(c.bytes);
        ASSERT_EQ(got.size(), c.want.size()) << c.name;
        for (std::size_t i = 0; i < got.size(); ++i) {
            EXPECT_EQ(got[i].key, c.want[i].key) << c.name;
            EXPECT_EQ(got[i].value, c.want[i].value) << c.name;
            EXPECT_EQ(got[i].line, c.want[i].line) << c.name;
        }
    }
}

TEST(properties_file, bad_escapes_name_file_and_line) {
    EXPECT_EQ(error_of("a=b\nc=\\u12"), "f.properties:2: malformed \\uXXXX escape: \\u12");
    EXPECT_EQ(error_of("c=\\u12g4"), "f.properties:1: malformed \\uXXXX escape: \\u12g4");
    EXPECT_EQ(error_of("c=\\u"), "f.properties:1: malformed \\uXXXX escape: \\u");
    EXPECT_EQ(error_of("\\uxyz9=c"), "f.properties:1: malformed \\uXXXX escape: \\uxyz9");
    EXPECT_EQ(error_of("\\u00=41"), "f.properties:1: malformed \\uXXXX escape: \\u00");
    EXPECT_EQ(error_of("a=b\\\nc\\\nd\\u+123\n"),
              "f.properties:3: malformed \\uXXXX escape: \\u+123");
    for (const auto lone : {"a=\\uD83Dx", "a=\\uD83D", "a=\\uD83D\\n", "a=\\uD83D\\u0041"}) {
        EXPECT_EQ(error_of(lone), "f.properties:1: surrogate without its other half: \\uD83D");
    }
    EXPECT_EQ(error_of("a=\\uDE00\\uD83D"),
              "f.properties:1: surrogate without its other half: \\uDE00");
    EXPECT_EQ(error_of("# \\u12"), "no error");
}

TEST(properties_file, the_last_duplicate_wins_and_the_others_are_reported) {
    const auto file = parse_properties("a=1\nb=2\na=3\n\\u0061=4\n", "f");
    EXPECT_EQ(file.entries, (Entries{{"b", "2", 2}, {"a", "4", 4}}));
    EXPECT_EQ(file.duplicates, (std::vector<DuplicateKey>{{"a", 1, 4}, {"a", 3, 4}}));
}

TEST(properties_file, is_read_from_disk_or_refused_by_name) {
    const auto folder = std::filesystem::temp_directory_path();
    const auto path = folder / ("tribunal_properties_file_test_" + std::to_string(::getpid()));
    std::ofstream(path, std::ios::binary) << std::string(10000, '#') << "\na=b\n";
    EXPECT_EQ(read_properties_file(path.string()).entries, (Entries{{"a", "b", 2}}));
    std::ofstream(path, std::ios::trunc).flush();
    EXPECT_EQ(read_properties_file(path.string()), PropertiesFile{});
    std::filesystem::remove(path);
    for (const auto& missing : {path, folder}) {
        try {
            read_properties_file(missing.string());
            ADD_FAILURE() << missing << " was read";
        } catch (const PropertiesError& error) {
            EXPECT_EQ(error.what(), missing.string() + ": cannot be read");
        }
    }
}

TEST(text_lines, have_no_line_after_the_last_end) {
    using Lines = std::vector<std::string_view>;
    EXPECT_EQ(text_lines(""), Lines{});
    EXPECT_EQ(text_lines("\n"), Lines{""});
    EXPECT_EQ(text_lines("a\n\nb"), (Lines{"a", "", "b"}));
    EXPECT_EQ(text_lines("a\r\n\rb\r"), (Lines{"a", "", "b"}));
}

// One spelling of `text`, chosen by `dice`: plain, escaped with a backslash or as \uXXXX, with
// continuation lines anywhere.
std::string spelled(const std::u32string& text, bool is_key, std::vector<int>& dice) {
    const auto roll = [&](int sides) {
        if (dice.empty()) return 0;
        const int value = dice.back() % sides;
        dice.pop_back();
        return value;
    };
    std::string out;
    const auto unit = [&](char32_t code) {
        char digits[8];
        std::snprintf(digits, sizeof digits, roll(2) == 0 ? "\\u%04x" : "\\u%04X",
                      static_cast<unsigned>(code));
        out += digits;
    };
    bool is_first = true;
    for (const char32_t c : text) {
        if (roll(8) == 1) out += roll(2) == 0 ? "\\\n \t" : "\\\r\n";
        const char plain = c < 128 ? static_cast<char>(c) : 'x';
        const bool is_letter_escape = "tnrf"sv.find(plain) != std::string_view::npos;
        const bool is_special =
            is_first || "\\=: \t\f\n\r#!u"sv.find(plain) != std::string_view::npos;
        if (c >= 0x10000) {
            unit(0xd800 + ((c - 0x10000) >> 10));
            unit(0xdc00 + ((c - 0x10000) & 0x3ff));
        } else if (c >= 128 || plain == '\n' || plain == '\r' || roll(4) == 1) {
            unit(c);
        } else if (plain == 'u' || is_letter_escape) {
            out += plain;
        } else if (is_special || roll(4) == 1) {
            out += '\\';
            out += plain;
        } else {
            out += plain;
        }
        is_first = false;
    }
    if (is_key && roll(3) == 1) out += " \t";
    return out;
}

std::string utf8(const std::u32string& text) {
    std::string out;
    for (const char32_t c : text) {
        const auto byte = [&](char32_t bits) { out += static_cast<char>(bits); };
        if (c < 0x80) {
            byte(c);
        } else if (c < 0x800) {
            byte(0xc0 + c / 64), byte(0x80 + c % 64);
        } else if (c < 0x10000) {
            byte(0xe0 + c / 4096), byte(0x80 + c / 64 % 64), byte(0x80 + c % 64);
        } else {
            byte(0xf0 + c / 262144), byte(0x80 + c / 4096 % 64);
            byte(0x80 + c / 64 % 64), byte(0x80 + c % 64);
        }
    }
    return out;
}

RC_GTEST_PROP(properties_file, any_spelling_parses_back, ()) {
    const auto letter =
        rc::gen::elementOf(std::u32string(U"abtnrfu0\\\\=: \t\f\n\r#!\u00e9\u20ac\U0001f600"));
    const auto word = rc::gen::resize(8, rc::gen::container<std::u32string>(letter));
    const auto pairs = *rc::gen::resize(
        12, rc::gen::container<std::vector<std::pair<std::u32string, std::u32string>>>(
                rc::gen::pair(word, word)));
    auto dice = *rc::gen::resize(60, rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 24)));
    std::string bytes;
    std::set<std::string> seen;
    std::vector<std::pair<std::string, std::string>> want;
    for (const auto& [key, value] : pairs) {
        if (!seen.insert(utf8(key)).second) continue;
        bytes += spelled(key, true, dice);
        bytes += ":=="[bytes.size() % 3];
        bytes += spelled(value, false, dice);
        bytes += bytes.size() % 2 == 0 ? "\n" : "\r\n# comment\n\n";
        want.emplace_back(utf8(key), utf8(value));
    }
    std::vector<std::pair<std::string, std::string>> got;
    for (const Property& property : parse_properties(bytes, "f").entries) {
        got.emplace_back(property.key, property.value);
    }
    RC_LOG() << bytes;
    RC_ASSERT((got == want));
}

RC_GTEST_PROP(properties_file, any_bytes_are_parsed_or_refused_and_the_result_is_utf8, ()) {
    const auto letter =
        rc::gen::oneOf(rc::gen::elementOf("\\\\\\u0dD8=: \n\r#a"s), rc::gen::arbitrary<char>());
    const auto bytes = *rc::gen::resize(60, rc::gen::container<std::string>(letter));
    try {
        std::int32_t line = 0;
        for (const Property& property : parse_properties(bytes, "f").entries) {
            RC_ASSERT((property.line > line));
            line = property.line;
            const std::string both = property.key + property.value;
            RC_ASSERT((utf8_prefix(both) == both.size()));
        }
    } catch (const PropertiesError& error) {
        RC_ASSERT((std::string_view(error.what()).starts_with("f:")));
    }
}

}  // namespace
}  // namespace tribunal
