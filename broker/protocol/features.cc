#include "broker/protocol/features.h"

#include <algorithm>
#include <array>

#include "broker/base/check.h"

namespace tribunal {
namespace {

using namespace metadata_version;

constexpr std::array<Feature, 5> kFeatures = {Feature::metadata_version, Feature::kraft_version,
                                              Feature::transaction_version, Feature::group_version,
                                              Feature::eligible_leader_replicas_version};
constexpr std::array<std::string_view, 5> kNames = {"metadata.version", "kraft.version",
                                                    "transaction.version", "group.version",
                                                    "eligible.leader.replicas.version"};

constexpr std::array<MetadataVersion, kNewest> kVersions = {{
    {1, "3.0-IV1", true, "the first one of KRaft"},
    {2, "3.1-IV0", false, "topic ids in Fetch (KIP-516)"},
    {3, "3.2-IV0", true, "leader recovery state (KIP-704)"},
    {4, "3.3-IV0", false, "metadata.version in the log (KIP-778)"},
    {5, "3.3-IV1", true, "no-op records (KIP-835)"},
    {6, "3.3-IV2", true, "BrokerRegistrationChangeRecord"},
    {7, "3.3-IV3", true, "brokers in controlled shutdown (KIP-841)"},
    {8, "3.4-IV0", true, "migration from ZooKeeper (KIP-866)"},
    {9, "3.5-IV0", false, "tiered storage (KIP-405)"},
    {10, "3.5-IV1", false, "replica epoch in Fetch (KIP-903)"},
    {11, "3.5-IV2", true, "SCRAM in KRaft"},
    {12, "3.6-IV0", false, "an ISR shrink keeps the leader epoch (KAFKA-15021)"},
    {13, "3.6-IV1", true, "metadata transactions (KIP-868)"},
    {14, "3.6-IV2", true, "delegation tokens in KRaft"},
    {15, "3.7-IV0", true, "controller registration (KIP-919)"},
    {16, "3.7-IV1", false, "reserved"},
    {17, "3.7-IV2", true, "several log directories (KIP-858)"},
    {18, "3.7-IV3", false, "reserved"},
    {19, "3.7-IV4", false, "leader hints in Fetch (KIP-951)"},
    {20, "3.8-IV0", false, "nothing"},
    {21, "3.9-IV0", false, "ListOffsets of tiered storage (KIP-1005)"},
    {22, "4.0-IV0", false, "group.version 1 (KIP-848)"},
    {23, "4.0-IV1", true, "eligible leader replicas (KIP-966)"},
    {24, "4.0-IV2", false, "transaction.version 2 (KIP-890)"},
    {25, "4.0-IV3", false, "asynchronous remote ListOffsets (KIP-1075)"},
    {26, "4.1-IV0", false, "eligible.leader.replicas.version 1 in new clusters (KIP-966)"},
    {27, "4.1-IV1", false, "high watermark in the follower's Fetch (KIP-1166)"},
}};

// "3.3" of "3.3-IV3".
std::string_view release_of(std::string_view version) {
    return version.substr(0, version.find('-'));
}

// Releases as numbers that order: "0.11" is 11, "3.9" is 309. 0 when it is none.
int number_of(std::string_view release) {
    int major = 0;
    int minor = 0;
    std::size_t i = 0;
    const auto digits = [&](int& n) {
        const std::size_t begin = i;
        for (; i < release.size() && release[i] >= '0' && release[i] <= '9' && i < begin + 3; ++i) {
            n = n * 10 + (release[i] - '0');
        }
        return i > begin;
    };
    if (!digits(major) || i >= release.size() || release[i++] != '.' || !digits(minor)) return 0;
    return i == release.size() ? major * 100 + minor : 0;
}

}  // namespace

std::string_view name_of(Feature feature) { return kNames[static_cast<std::size_t>(feature)]; }

std::optional<Feature> find_feature(std::string_view name) {
    for (const Feature feature : kFeatures) {
        if (name_of(feature) == name) return feature;
    }
    return std::nullopt;
}

std::span<const Feature> all_features() { return kFeatures; }

std::int16_t FeatureLevels::level(Feature feature) const {
    switch (feature) {
        case Feature::metadata_version:
            return metadata_version;
        case Feature::kraft_version:
            return kraft_version;
        case Feature::transaction_version:
            return transaction_version;
        case Feature::group_version:
            return group_version;
        case Feature::eligible_leader_replicas_version:
            return eligible_leader_replicas_version;
    }
    return 0;
}

void FeatureLevels::set(Feature feature, std::int16_t level) {
    switch (feature) {
        case Feature::metadata_version:
            metadata_version = level;
            return;
        case Feature::kraft_version:
            kraft_version = level;
            return;
        case Feature::transaction_version:
            transaction_version = level;
            return;
        case Feature::group_version:
            group_version = level;
            return;
        case Feature::eligible_leader_replicas_version:
            eligible_leader_replicas_version = level;
            return;
    }
}

std::span<const MetadataVersion> all_metadata_versions() { return kVersions; }

const MetadataVersion* find_metadata_version(std::string_view name) {
    const MetadataVersion* found = nullptr;
    for (const MetadataVersion& version : kVersions) {
        if (version.name == name || release_of(version.name) == name) found = &version;
    }
    return found;
}

std::optional<FeatureLevels> supported_features(std::string_view release) {
    const int number = number_of(release);
    if (number == 0) return std::nullopt;
    FeatureLevels levels{0, 0, 0, 0, 0};
    if (number >= 300) {
        const MetadataVersion* version = find_metadata_version(release);
        if (version == nullptr) return std::nullopt;
        levels.metadata_version = version->level;
    }
    if (number >= 309) levels.kraft_version = 1;
    if (number >= 400) {
        levels.transaction_version = 2;
        levels.group_version = 1;
        levels.eligible_leader_replicas_version = 1;
    }
    return levels;
}

std::optional<FeatureLevels> bootstrap_features(std::string_view release) {
    auto levels = supported_features(release);
    if (levels && levels->metadata_version < kIbp41Iv0)
        levels->eligible_leader_replicas_version = 0;
    return levels;
}

std::int16_t lowest_metadata_version(const FeatureLevels& supported) {
    if (supported.metadata_version >= kIbp40Iv0) return kIbp33Iv3;
    return std::min(supported.metadata_version, kIbp30Iv1);
}

bool has_dependencies(Feature feature, std::int16_t level, const FeatureLevels& levels) {
    if (level == 0 || feature == Feature::metadata_version) return true;
    // The record of a level needs a metadata.version that knows it.
    std::int16_t needed = kIbp33Iv0;
    if (feature == Feature::kraft_version) needed = kIbp39Iv0;
    if (feature == Feature::eligible_leader_replicas_version) needed = kIbp40Iv1;
    return levels.metadata_version >= needed;
}

}  // namespace tribunal
