// What Kafka's own logs hold, against the bytes that its generated classes wrote: decoded to the
// same JSON and encoded to the same bytes, every message at every version.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "broker/protocol/schema/codec.h"
#include "properties/golden.h"

namespace tribunal {
namespace {

using nlohmann::json;

std::string bytes_of(const std::string& hex) {
    std::string bytes;
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
        bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
    }
    return bytes;
}

TEST(golden, internal_records) {
    const json golden = load_golden("internal-records");
    ASSERT_EQ(golden.at("cases").size(), golden.at("header").at("cases"));
    std::set<std::pair<std::string, int>> seen;
    for (const json& c : golden.at("cases")) {
        const std::string name = c.at("message");
        const std::int16_t version = c.at("version");
        SCOPED_TRACE(name + " v" + std::to_string(version) + " " + c.at("body").dump());
        const schema::Message* message = schema::find_message(name);
        ASSERT_NE(message, nullptr);
        seen.emplace(name, version);
        if (c.contains("api_key")) {
            EXPECT_EQ(message->key, c.at("api_key").get<std::int16_t>());
        }
        const std::string bytes = bytes_of(c.at("hex"));
        const auto decoded = schema::decode(*message, version, bytes);
        ASSERT_TRUE(decoded) << decoded.error().what;
        EXPECT_EQ(*decoded, c.at("body"));
        const auto encoded = schema::encode(*message, version, c.at("body"));
        ASSERT_TRUE(encoded) << encoded.error().what;
        EXPECT_EQ(*encoded, bytes);
        // A byte less or more is no longer the message.
        EXPECT_FALSE(schema::decode(*message, version, bytes + '\0'));
        EXPECT_FALSE(schema::decode(*message, version, bytes.substr(0, bytes.size() - 1)));
    }
    // Every version of every record that these logs can hold has been there.
    for (const schema::Message& message : schema::messages()) {
        const bool is_control_record =
            message.name.ends_with("ChangeMessage") || message.name.starts_with("Snapshot") ||
            message.name.starts_with("KRaft") || message.name == "VotersRecord";
        if (is_control_record) continue;  // golden, records
        for (std::int16_t v = message.versions.low; v <= message.versions.high; ++v) {
            EXPECT_EQ(seen.count({message.name, v}), 1u) << message.name << " v" << v;
        }
    }
}

}  // namespace
}  // namespace tribunal
