// kafka-console-producer's line format, claim by claim.
#include "scenarios/console_lines.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

namespace tribunal {
namespace {

using Named = std::vector<std::pair<std::string, std::string>>;
using Records = std::vector<ConsoleRecord>;

Records records(std::string_view text, const Named& named) {
    return parse_console_lines(text, console_line_options(named), "lines.txt");
}

std::string error_of(std::string_view text, const Named& named) {
    try {
        records(text, named);
    } catch (const ConsoleLinesError& error) {
        return error.what();
    }
    return "no error";
}

TEST(console_lines, lines_become_records) {
    const Named headers{{"parse.headers", "true"}, {"parse.key", "true"}};
    const Named null_headers{{"parse.headers", "true"}, {"null.marker", "NULL"}};
    const auto none = std::nullopt;
    struct Case {
        std::string_view name;
        std::string_view text;
        Named named;
        Records want;
    };
    const Case cases[] = {
        {"empty file", "", {}, {}},
        {"plain values",
         "a\tb\n\nc",
         {},
         {{none, "a\tb", {}, 1}, {none, "", {}, 2}, {none, "c", {}, 3}}},
        {"CR LF and CR",
         "a\r\nb\rc\r\n",
         {},
         {{none, "a", {}, 1}, {none, "b", {}, 2}, {none, "c", {}, 3}}},
        {"tab is the key separator", "k\tv\tw", {{"parse.key", "true"}}, {{"k", "v\tw", {}, 1}}},
        {"long separator",
         "k::v",
         {{"parse.key", " TRUE "}, {"key.separator", "::"}},
         {{"k", "v", {}, 1}}},
        {"empty key and value", "\t", {{"parse.key", "true"}}, {{"", "", {}, 1}}},
        {"separator without parse.key", "k:v", {{"key.separator", ":"}}, {{none, "k:v", {}, 1}}},
        {"null marker",
         "N\tN\nk\tNN",
         {{"parse.key", "true"}, {"null.marker", "N"}},
         {{none, none, {}, 1}, {"k", "NN", {}, 2}}},
        {"without a null marker nothing is null", "\n", {}, {{none, "", {}, 1}}},
        {"headers, key and value",
         "h1:v1,h2:v:2\tk\tv",
         headers,
         {{"k", "v", {{"h1", "v1"}, {"h2", "v:2"}}, 1}}},
        {"headers end with empty pieces", "h:1,,\tk\tv", headers, {{"k", "v", {{"h", "1"}}, 1}}},
        {"only separators are no headers", ",,\tk\tv", headers, {{"k", "v", {}, 1}}},
        {"empty header name and value", ":\tk\tv", headers, {{"k", "v", {{"", ""}}, 1}}},
        {"null header value", "h:NULL\tv", null_headers, {{none, "v", {{"h", none}}, 1}}},
        {"null instead of headers", "NULL\tNULL", null_headers, {{none, none, {}, 1}}},
        {"ignored: no key",
         "v\nk\tw",
         {{"parse.key", "true"}, {"ignore.error", "true"}},
         {{none, "v", {}, 1}, {"k", "w", {}, 2}}},
        {"ignored: headers but no key",
         "h:1\tv",
         {{"parse.headers", "true"}, {"parse.key", "true"}, {"ignore.error", "true"}},
         {{none, "v", {{"h", "1"}}, 1}}},
        {"ignored: header without separator",
         "h,g:1\tv",
         {{"parse.headers", "true"}, {"ignore.error", "true"}},
         {{none, "v", {{"h", none}, {"g", "1"}}, 1}}},
        {"other separators",
         "a=1;b=2|v",
         {{"parse.headers", "true"},
          {"headers.delimiter", "|"},
          {"headers.separator", ";"},
          {"headers.key.separator", "="}},
         {{none, "v", {{"a", "1"}, {"b", "2"}}, 1}}},
    };
    for (const Case& c : cases) EXPECT_EQ(records(c.text, c.named), c.want) << c.name;
}

TEST(console_lines, errors_have_kafkas_words) {
    const Named key{{"parse.key", "true"}};
    const Named headers{{"parse.headers", "true"}, {"null.marker", "N"}};
    EXPECT_EQ(error_of("k\tv\nabc\n", key),
              "lines.txt: No key separator found on line number 2: 'abc'");
    EXPECT_EQ(error_of("abc\r\n", key),
              "lines.txt: No key separator found on line number 1: 'abc'");
    EXPECT_EQ(error_of("abc", headers),
              "lines.txt: No headers delimiter found on line number 1: 'abc'");
    EXPECT_EQ(error_of("h:1,x\tv", headers),
              "lines.txt: No header key separator found in pair 'x' on line number 1");
    EXPECT_EQ(error_of("\tv", headers),
              "lines.txt: No header key separator found in pair '' on line number 1");
    EXPECT_EQ(error_of("N:1\tv", headers),
              "lines.txt: Header keys should not be equal to the null marker 'N' as they can't be "
              "null");
}

TEST(console_lines, bad_options_are_refused) {
    EXPECT_EQ(error_of("", {{"parse.keys", "true"}}),
              "unknown option 'parse.keys'; did you mean 'parse.key'?");
    EXPECT_EQ(error_of("", {{"key.seperator", ":"}}),
              "unknown option 'key.seperator'; did you mean 'key.separator'?");
    EXPECT_EQ(error_of("", {{"header.separator", ":"}}),
              "unknown option 'header.separator'; did you mean 'headers.separator'?");
    EXPECT_EQ(error_of("", {{"parse.key", "yes"}}),
              "parse.key: found 'yes', expected true or false");
    EXPECT_EQ(error_of("", {{"key.separator", ""}}), "key.separator may not be empty");
    EXPECT_EQ(error_of("", {{"headers.separator", "\t"}}),
              "headers.delimiter and headers.separator may not be equal");
    EXPECT_EQ(error_of("", {{"headers.key.separator", "\t"}}),
              "headers.delimiter and headers.key.separator may not be equal");
    EXPECT_EQ(error_of("", {{"headers.key.separator", ","}}),
              "headers.separator and headers.key.separator may not be equal");
    EXPECT_EQ(error_of("", {{"null.marker", "\t"}}),
              "null.marker and key.separator may not be equal");
    EXPECT_EQ(error_of("", {{"null.marker", ","}}),
              "null.marker and headers.separator may not be equal");
    EXPECT_EQ(error_of("", {{"null.marker", "\t"}, {"key.separator", ";"}}),
              "null.marker and headers.delimiter may not be equal");
    EXPECT_EQ(error_of("", {{"null.marker", ":"}}),
              "null.marker and headers.key.separator may not be equal");
}

RC_GTEST_PROP(console_lines, written_records_are_read_back, ()) {
    const auto word = rc::gen::resize(
        6, rc::gen::container<std::string>(rc::gen::elementOf(std::string("ab:,.N"))));
    const auto name =
        rc::gen::resize(4, rc::gen::container<std::string>(rc::gen::elementOf(std::string("ab;"))));
    const auto plain = rc::gen::resize(
        4, rc::gen::container<std::string>(rc::gen::elementOf(std::string("xy:."))));
    const auto header = rc::gen::pair(name, rc::gen::maybe(plain));
    const auto drawn = *rc::gen::resize(
        20,
        rc::gen::container<
            std::vector<std::tuple<rc::Maybe<std::string>, rc::Maybe<std::string>,
                                   std::vector<std::pair<std::string, rc::Maybe<std::string>>>>>>(
            rc::gen::tuple(
                rc::gen::maybe(word), rc::gen::maybe(word),
                rc::gen::resize(
                    3,
                    rc::gen::container<std::vector<std::pair<std::string, rc::Maybe<std::string>>>>(
                        header)))));
    const auto optional = [](const rc::Maybe<std::string>& text) -> std::optional<std::string> {
        if (!text || *text == "NULL") return std::nullopt;
        return *text;
    };
    Records want;
    std::string text;
    for (const auto& [key, value, headers] : drawn) {
        ConsoleRecord record{optional(key), optional(value), {}, 0};
        for (std::size_t i = 0; i < headers.size(); ++i) {
            record.headers.push_back({headers[i].first, optional(headers[i].second)});
            text += (i == 0 ? "" : ",") + headers[i].first + ":" +
                    record.headers.back().value.value_or("NULL");
        }
        if (headers.empty()) text += "NULL";
        text += "\t" + record.key.value_or("NULL") + "\t" + record.value.value_or("NULL");
        record.line = static_cast<std::int32_t>(want.size() + 1);
        text += record.line % 2 == 0 ? "\n" : "\r\n";
        want.push_back(std::move(record));
    }
    const Named named{{"parse.key", "true"}, {"parse.headers", "true"}, {"null.marker", "NULL"}};
    RC_ASSERT((records(text, named) == want));
}

}  // namespace
}  // namespace tribunal
