// Some of a topic's settings (KIP-339 alters what it names and nothing else): a bit for each field
// of TopicConfig, in the order of its listing.
#pragma once

#include <cstdint>

#include "broker/protocol/config.h"

namespace tribunal {

using TopicFields = std::uint64_t;
inline constexpr TopicFields kAllTopicFields = ~TopicFields{0};

// The fields that have the same value in both.
inline TopicFields equal_fields(const TopicConfig& a, const TopicConfig& b) {
    TopicFields equal = 0;
    TopicFields bit = 1;
    TopicConfig::for_each_field([&](const char*, auto member) {
        if (a.*member == b.*member) equal |= bit;
        bit <<= 1;
    });
    return equal;
}

// `config` with these fields as `other` has them.
inline TopicConfig with_fields(TopicConfig config, const TopicConfig& other, TopicFields fields) {
    TopicFields bit = 1;
    TopicConfig::for_each_field([&](const char*, auto member) {
        if ((fields & bit) != 0) config.*member = other.*member;
        bit <<= 1;
    });
    return config;
}

}  // namespace tribunal
