// The schema codec: what it keeps, what it refuses, and that no bytes harm it. That the schemas are
// Kafka's is for the golden vectors to say.
#include "broker/protocol/schema/codec.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <nlohmann/json.hpp>

#include "broker/base/check.h"

namespace tribunal::schema {
namespace {

using nlohmann::json;

TEST(schema, a_missing_field_is_at_its_default) {
    const Message& message = *find_message("PartitionChangeRecord");
    const auto bytes = encode(message, 2, json{{"partitionId", 3}, {"leader", 1}});
    ASSERT_TRUE(bytes) << bytes.error().what;
    const json want{{"partitionId", 3}, {"topicId", "AAAAAAAAAAAAAAAAAAAAAA"}, {"leader", 1}};
    EXPECT_EQ(*decode(message, 2, *bytes), want);
    // A tagged field at its default is not written.
    EXPECT_EQ(*encode(message, 2, json{{"partitionId", 3}, {"leader", -2}}),
              *encode(message, 2, json{{"partitionId", 3}}));
}

TEST(schema, tagged_fields_of_the_future_are_kept) {
    const Message& message = *find_message("NoOpRecord");
    // Two of them: tag 3 with "ab", tag 9 with nothing.
    const std::string bytes{"\x02\x03\x02\x61\x62\x09\x00", 7};
    const auto decoded = decode(message, 0, bytes);
    ASSERT_TRUE(decoded) << decoded.error().what;
    EXPECT_EQ(decoded->at("unknownTaggedFields").size(), 2u);
    EXPECT_EQ(*encode(message, 0, *decoded), bytes);
}

TEST(schema, misfits_name_the_place) {
    struct Case {
        const char* message;
        std::int16_t version;
        json value;
        const char* why;
    };
    const Case cases[] = {
        {"TopicRecord", 1, json::object(), "TopicRecord has no version 1"},
        {"TopicRecord", 0, {{"name", 3}}, "TopicRecord: name: is no text"},
        {"TopicRecord", 0, {{"name", nullptr}}, "TopicRecord: name: is null and may not be"},
        {"TopicRecord", 0, {{"topicId", "x"}}, "TopicRecord: topicId: is no uuid"},
        {"TopicRecord", 0, {{"nam", "x"}}, "TopicRecord: has no field nam"},
        {"TopicRecord", 0, json::array(), "TopicRecord: is no object"},
        {"PartitionRecord",
         0,
         {{"replicas", {1, "x"}}},
         "PartitionRecord: replicas[1]: is no integer"},
        {"PartitionRecord", 0, {{"leader", 1ll << 31}}, "PartitionRecord: leader: is out of range"},
        {"PartitionRecord",
         1,
         {{"lastKnownElr", {1}}},
         "PartitionRecord: has no field lastKnownElr in this version"},
        {"GroupMetadataValue",
         3,
         {{"members", {{{"subscription", "?"}}}}},
         "GroupMetadataValue: members[0].subscription: is no base64"},
        {"GroupMetadataKey",
         2,
         {{"group", std::string(40000, 'x')}},
         "GroupMetadataKey: group: is longer than 32767 bytes"},
    };
    for (const Case& c : cases) {
        const auto bytes = encode(*find_message(c.message), c.version, c.value);
        ASSERT_FALSE(bytes) << c.why;
        EXPECT_EQ(bytes.error().what, c.why);
    }
    const auto cut = decode(*find_message("TopicRecord"), 0, "\x05nam");
    ASSERT_FALSE(cut);
    EXPECT_EQ(cut.error().what, "TopicRecord: name: the bytes end here");
}

TEST(schema, a_table_that_makes_no_sense_is_refused) {
    for (const char* table : {
             "  name string\n",
             "M versions=0 flexible=0+\n  name\n",
             "M versions=0 flexible=0+\n  name text\n",
             "M versions=0 flexible=0+\n  name struct\n",
             "M versions=0 flexible=0+\n  name string\n    more string\n",
             "M versions=0 flexible=0+\n   name string\n",
             "M versions=0 flexible=0+\n  name string x\n",
             "M colour=0\n",
         }) {
        EXPECT_THROW(parse_table(table), CheckFailure) << table;
    }
    EXPECT_EQ(parse_table("M key=4 versions=1-3 flexible=none\n  a []int32? 2+ tag=1\n").size(),
              1u);
}

TEST(schema, keys_of_metadata_records_are_their_own) {
    for (const Message& message : messages()) {
        if (message.key) {
            EXPECT_EQ(find_metadata_record(*message.key), &message);
        }
        EXPECT_EQ(find_message(message.name), &message);
    }
    EXPECT_EQ(find_metadata_record(6), nullptr);
}

// Decoding what encoding made of decoding gives the same again, whatever the bytes; and no bytes
// do harm (run with the sanitizers).
RC_GTEST_PROP(schema, arbitrary_bytes_are_refused_or_kept,
              (std::uint16_t which, std::string bytes)) {
    const Message& message = messages()[which % messages().size()];
    for (std::int16_t v = message.versions.low; v <= message.versions.high; ++v) {
        const auto decoded = decode(message, v, bytes);
        if (!decoded) continue;
        const auto encoded = encode(message, v, *decoded);
        RC_ASSERT(static_cast<bool>(encoded));
        RC_ASSERT(*decode(message, v, *encoded) == *decoded);
    }
}

}  // namespace
}  // namespace tribunal::schema
