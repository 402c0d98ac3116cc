// Features of a cluster and their levels (KIP-584): which software supports which, what each
// metadata.version brought (KIP-778), and what a feature depends on (KIP-1022).
//
// A *finalized* level is what the whole cluster uses; it stands in the metadata log. A *supported*
// level is the highest that a node's software knows. Both are counted as in Kafka's records: level
// 0 means that the feature is off, and metadata.version starts at 1 (3.0-IV1).
//
// Deviation: releases before 3.0 kept their metadata in ZooKeeper; here their cluster is a KRaft
// cluster too, at metadata.version 0, which has none of the later levels' rules.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "broker/base/digest.h"

namespace tribunal {

enum class Feature : std::uint8_t {
    metadata_version,                  // metadata.version
    kraft_version,                     // kraft.version (KIP-853)
    transaction_version,               // transaction.version (KIP-890)
    group_version,                     // group.version (KIP-848)
    eligible_leader_replicas_version,  // eligible.leader.replicas.version (KIP-966)
};
// "metadata.version"
std::string_view name_of(Feature feature);
// None when there is no such feature.
std::optional<Feature> find_feature(std::string_view name);
std::span<const Feature> all_features();

// One level a feature. The defaults are those of the newest release.
struct FeatureLevels {
    std::int16_t metadata_version = 27;
    std::int16_t kraft_version = 1;
    std::int16_t transaction_version = 2;
    std::int16_t group_version = 1;
    std::int16_t eligible_leader_replicas_version = 1;
    TRIBUNAL_FIELDS(FeatureLevels, metadata_version, kraft_version, transaction_version,
                    group_version, eligible_leader_replicas_version)

    std::int16_t level(Feature feature) const;
    void set(Feature feature, std::int16_t level);
};

// One row of the table of metadata versions.
struct MetadataVersion {
    std::int16_t level = 0;
    std::string_view name;          // "3.3-IV3"
    bool metadata_changed = false;  // a downgrade from it to the one before would lose metadata
    std::string_view brings;
};
// Oldest first, level 1 to the newest, without gaps.
std::span<const MetadataVersion> all_metadata_versions();
// By "3.3-IV3", or by "3.3" for the newest production version of that release. Null when unknown.
const MetadataVersion* find_metadata_version(std::string_view name);

// What software of a release ("3.9") supports, and what `kafka-storage format` of that release
// finalizes for a new cluster (with a dynamic quorum). None when the release is unknown.
std::optional<FeatureLevels> supported_features(std::string_view release);
std::optional<FeatureLevels> bootstrap_features(std::string_view release);

// The lowest metadata.version that software with this highest one still supports: 4.0 dropped
// everything before 3.3-IV3 (KIP-1124).
std::int16_t lowest_metadata_version(const FeatureLevels& supported);

// Whether `feature` may be at `level` beside the other `levels` (Feature.validateVersion).
bool has_dependencies(Feature feature, std::int16_t level, const FeatureLevels& levels);

// --- what a metadata.version enables -------------------------------------------------------------

namespace metadata_version {
inline constexpr std::int16_t kIbp30Iv1 = 1;
inline constexpr std::int16_t kIbp32Iv0 = 3;   // leader recovery state (KIP-704)
inline constexpr std::int16_t kIbp33Iv0 = 4;   // FeatureLevelRecord: lowest bootstrap (KIP-778)
inline constexpr std::int16_t kIbp33Iv2 = 6;   // BrokerRegistrationChangeRecord
inline constexpr std::int16_t kIbp33Iv3 = 7;   // in controlled shutdown (KIP-841)
inline constexpr std::int16_t kIbp35Iv1 = 10;  // replica epoch in Fetch (KIP-903)
inline constexpr std::int16_t kIbp36Iv0 = 12;  // an ISR shrink keeps the leader epoch (KAFKA-15021)
inline constexpr std::int16_t kIbp39Iv0 = 21;  // kraft.version 1 (KIP-853)
inline constexpr std::int16_t kIbp40Iv0 = 22;  // group.version 1 (KIP-848)
inline constexpr std::int16_t kIbp40Iv1 = 23;  // eligible leader replicas (KIP-966)
inline constexpr std::int16_t kIbp40Iv2 = 24;  // transaction.version 2 (KIP-890)
inline constexpr std::int16_t kIbp41Iv0 = 26;  // eligible.leader.replicas.version 1 by default
inline constexpr std::int16_t kIbp41Iv1 = 27;
inline constexpr std::int16_t kNewest = kIbp41Iv1;
}  // namespace metadata_version

}  // namespace tribunal
