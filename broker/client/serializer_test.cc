// What each serializer makes of a text, and what it refuses.
#include "broker/client/serializer.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <string>

namespace tribunal {
namespace {

using namespace std::string_view_literals;

TEST(serializer, names_of_kafka_classes_are_understood) {
    struct Case {
        std::string_view name;
        std::optional<Serde> want;
    };
    const Case cases[] = {
        {"string", Serde::string},
        {"long", Serde::long_integer},
        {"StringSerializer", Serde::string},
        {"org.apache.kafka.common.serialization.StringSerializer", Serde::string},
        {"org.apache.kafka.common.serialization.StringDeserializer", Serde::string},
        {"org.apache.kafka.common.serialization.IntegerDeserializer", Serde::integer},
        {"org.apache.kafka.common.serialization.LongSerializer", Serde::long_integer},
        {"org.apache.kafka.common.serialization.ByteArraySerializer", Serde::bytes},
        {"org.apache.kafka.common.serialization.BytesDeserializer", Serde::bytes},
        {"org.apache.kafka.common.serialization.Serdes$LongSerde", Serde::long_integer},
        {"org.apache.kafka.connect.json.JsonSerializer", Serde::json},
        {"org.apache.kafka.common.serialization.JsonSerializer", std::nullopt},
        {"org.apache.kafka.common.serialization.DoubleSerializer", std::nullopt},
        {"org.apache.kafka.common.serialization.StringSerde", std::nullopt},
        {"org.apache.kafka.common.serialization.", std::nullopt},
        {"String", std::nullopt},
        {"", std::nullopt},
    };
    for (const Case& c : cases) EXPECT_EQ(serde_named(c.name), c.want) << c.name;
    for (const Serde serde :
         {Serde::string, Serde::integer, Serde::long_integer, Serde::json, Serde::bytes}) {
        EXPECT_EQ(serde_named(to_string(serde)), serde);
    }
}

TEST(serializer, values_have_kafkas_bytes) {
    struct Case {
        Serde serde;
        std::string_view text;
        std::string_view bytes;
    };
    const Case cases[] = {
        {Serde::string, "h\xc3\xa9", "h\xc3\xa9"},
        {Serde::string, "", ""},
        {Serde::integer, "1", "\0\0\0\1"sv},
        {Serde::integer, "-1", "\xff\xff\xff\xff"},
        {Serde::integer, "-2147483648", "\x80\0\0\0"sv},
        {Serde::integer, "16909060", "\1\2\3\4"},
        {Serde::long_integer, "72623859790382856", "\1\2\3\4\5\6\7\x08"},
        {Serde::long_integer, "-9223372036854775808", "\x80\0\0\0\0\0\0\0"sv},
        {Serde::bytes, "\xff\0x"sv, "\xff\0x"sv},
        {Serde::json, R"({"b":1,"a":[true,null,-9223372036854775808,18446744073709551615]})",
         R"({"b":1,"a":[true,null,-9223372036854775808,18446744073709551615]})"},
    };
    for (const Case& c : cases) {
        const auto bytes = serialize(c.serde, c.text);
        ASSERT_TRUE(bytes) << bytes.error;
        EXPECT_EQ(*bytes.value, c.bytes);
        const auto text = deserialize(c.serde, c.bytes);
        ASSERT_TRUE(text) << text.error;
        EXPECT_EQ(*text.value, c.text);
    }
}

TEST(serializer, a_plus_sign_and_leading_zeros_are_numbers) {
    EXPECT_EQ(serialize(Serde::integer, "+7").value, "\0\0\0\7"sv);
    EXPECT_EQ(serialize(Serde::integer, "007").value, "\0\0\0\7"sv);
}

TEST(serializer, json_is_written_compactly_in_the_order_of_its_members) {
    EXPECT_EQ(
        serialize(Serde::json, " { \"z\" : [ 1 , 2.50 ] ,\n\t\"a\" : \"\\u0041 \\n\" } ").value,
        R"({"z":[1,2.5],"a":"A \n"})");
    EXPECT_EQ(serialize(Serde::json, R"({"a":1,"b":2,"a":3})").value, R"({"a":3,"b":2})");
    EXPECT_EQ(serialize(Serde::json, "1e2").value, "100.0");
    EXPECT_EQ(serialize(Serde::json, "\"h\xc3\xa9\"").value, "\"h\xc3\xa9\"");
}

TEST(serializer, refusals_say_who_refuses_what) {
    struct Case {
        SerdeResult got;
        std::string_view want;
    };
    const Case cases[] = {
        {deserialize(Serde::integer, "1234567"),
         "IntegerDeserializer: size of data received is not 4 (got 7)"},
        {deserialize(Serde::integer, ""),
         "IntegerDeserializer: size of data received is not 4 (got 0)"},
        {deserialize(Serde::long_integer, "1234"),
         "LongDeserializer: size of data received is not 8 (got 4)"},
        {deserialize(Serde::string, "ab\xff"),
         "StringDeserializer: invalid UTF-8 at byte 2 of 3: 'ab\\xff'"},
        {serialize(Serde::string, "\xc0\x80"),
         "StringSerializer: invalid UTF-8 at byte 0 of 2: '\\xc0\\x80'"},
        {serialize(Serde::integer, "2147483648"),
         "IntegerSerializer: '2147483648' is not an integer of 4 bytes"},
        {serialize(Serde::integer, " 1"), "IntegerSerializer: ' 1' is not an integer of 4 bytes"},
        {serialize(Serde::integer, "+-1"), "IntegerSerializer: '+-1' is not an integer of 4 bytes"},
        {serialize(Serde::long_integer, ""), "LongSerializer: '' is not an integer of 8 bytes"},
        {serialize(Serde::long_integer, "9223372036854775808"),
         "LongSerializer: '9223372036854775808' is not an integer of 8 bytes"},
        {serialize(Serde::json, "[18446744073709551616]"),
         "JsonSerializer: integer 18446744073709551616 does not fit into 64 bits"},
        {deserialize(Serde::json, std::string(1001, '[')),
         "JsonDeserializer: nested deeper than 1000 levels"},
    };
    for (const Case& c : cases) {
        EXPECT_FALSE(c.got);
        EXPECT_EQ(c.got.error, c.want);
    }
    for (const auto text : {"", "{", "{'a':1}", "[1,]", "nul", "1 2", "\"\xff\"", "1e999"}) {
        const auto got = deserialize(Serde::json, text);
        EXPECT_FALSE(got) << text;
        EXPECT_TRUE(got.error.starts_with("JsonDeserializer: ")) << got.error;
        EXPECT_EQ(utf8_prefix(got.error), got.error.size());
    }
    EXPECT_TRUE(serialize(Serde::json, std::string(1000, '[') + std::string(1000, ']')));
}

TEST(serializer, utf8_is_checked_at_every_border) {
    struct Case {
        std::string_view bytes;
        std::size_t good;
    };
    const Case cases[] = {
        {"", 0},
        {"a\0b"sv, 3},
        {"\x7f\xc2\x80\xdf\xbf", 5},
        {"\xe0\xa0\x80\xef\xbf\xbf", 6},
        {"\xed\x9f\xbf\xee\x80\x80", 6},
        {"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", 8},
        {"x\x80", 1},
        {"x\xc1\xbf", 1},
        {"x\xe0\x9f\xbf", 1},
        {"x\xed\xa0\x80", 1},
        {"x\xf0\x8f\xbf\xbf", 1},
        {"x\xf4\x90\x80\x80", 1},
        {"x\xf5\x80\x80\x80", 1},
        {"x\xc3", 1},
        {"x\xe2\x82", 1},
        {"x\xf0\x9f\x98", 1},
        {"x\xe2\x82x", 1},
    };
    for (const Case& c : cases) EXPECT_EQ(utf8_prefix(c.bytes), c.good);
}

RC_GTEST_PROP(serializer, integers_round_trip, (std::int32_t small, std::int64_t large)) {
    const auto four = serialize(Serde::integer, std::to_string(small));
    RC_ASSERT(four.value.has_value());
    RC_ASSERT((four.value->size() == 4u));
    RC_ASSERT((deserialize(Serde::integer, *four.value).value == std::to_string(small)));
    const auto eight = serialize(Serde::long_integer, std::to_string(large));
    RC_ASSERT(eight.value.has_value());
    RC_ASSERT((eight.value->size() == 8u));
    RC_ASSERT((deserialize(Serde::long_integer, *eight.value).value == std::to_string(large)));
}

RC_GTEST_PROP(serializer, any_bytes_are_either_refused_or_round_trip, ()) {
    const auto bytes = *rc::gen::resize(60, rc::gen::string<std::string>());
    for (const Serde serde :
         {Serde::string, Serde::integer, Serde::long_integer, Serde::json, Serde::bytes}) {
        const auto text = deserialize(serde, bytes);
        RC_ASSERT((text.value.has_value() == text.error.empty()));
        if (!text) continue;
        const auto back = serialize(serde, *text.value);
        RC_ASSERT(back.value.has_value());
        // JSON loses its white space the first time, and nothing after that.
        const bool is_json = serde == Serde::json;
        RC_ASSERT((*back.value == (is_json ? *text.value : bytes)));
    }
}

}  // namespace
}  // namespace tribunal
