// Feature levels: what a new cluster starts with, and UpdateFeatures (KIP-584, KIP-778, KIP-1022).
#include "broker/controller/partition_change_builder.h"

namespace tribunal {
namespace {

bool is_in_range(Feature feature, std::int16_t level, const FeatureLevels& supported) {
    const std::int16_t lowest =
        feature == Feature::metadata_version ? lowest_metadata_version(supported) : std::int16_t{0};
    return level >= lowest && level <= supported.level(feature);
}

// This controller and every registered broker, fenced or not, must know the level.
bool is_supported_everywhere(const ControllerView& c, Feature feature, std::int16_t level) {
    if (!is_in_range(feature, level, c.config.supported_features)) return false;
    for (const auto& [node, registration] : c.image.brokers) {
        if (!is_in_range(feature, level, registration.features)) return false;
    }
    return true;
}

// Going down is possible past versions that brought nothing new to the metadata log, and no
// further: Kafka knows no other downgrade, safe or not (KAFKA-13896).
bool loses_metadata(std::int16_t from, std::int16_t to) {
    for (const MetadataVersion& version : all_metadata_versions()) {
        if (version.level > to && version.level <= from && version.metadata_changed) return true;
    }
    return false;
}

// Who votes is in the quorum's own records, so the quorum decides (KAFKA-16538), and
// metadata.version does not matter. Of 1 there is no way back.
std::string check_kraft_version(const ControllerView& c, const FeatureUpdate& update) {
    if (update.level < c.image.features.kraft_version) {
        return "Invalid update version 0 for feature kraft.version. Can't downgrade the version of "
               "this feature.";
    }
    const bool rises = update.level > c.image.features.kraft_version;
    return rises ? std::string{c.kraft_upgrade_refusal} : std::string{};
}

ErrorCode check(const ControllerView& c, const FeatureUpdate& update, const FeatureLevels& proposed,
                std::string& message) {
    constexpr ErrorCode kRefused = ErrorCode::invalid_update_version;
    const std::int16_t now = c.image.features.level(update.feature);
    if (update.level < 0) return kRefused;
    if (!is_supported_everywhere(c, update.feature, update.level)) return kRefused;
    const bool is_upgrade = update.type == UpgradeType::upgrade;
    if (update.level < now && is_upgrade) return kRefused;
    if (update.level > now && !is_upgrade) return kRefused;
    if (update.feature == Feature::metadata_version) {
        // The first one that could be written down at all.
        if (update.level < metadata_version::kIbp33Iv0) return kRefused;
        return loses_metadata(now, update.level) ? kRefused : ErrorCode::none;
    }
    if (update.feature == Feature::kraft_version) {
        message = check_kraft_version(c, update);
        return message.empty() ? ErrorCode::none : kRefused;
    }
    return has_dependencies(update.feature, update.level, proposed) ? ErrorCode::none : kRefused;
}

}  // namespace

std::vector<MetadataRecord> decide_activation(const ControllerView& c) {
    std::vector<MetadataRecord> records;
    if (c.image != ClusterImage{}) return records;
    for (const Feature feature : all_features()) {
        const std::int16_t level = c.config.bootstrap_features.level(feature);
        if (level > 0) records.emplace_back(FeatureLevelRecord{feature, level});
    }
    return records;
}

Decision<UpdateFeaturesResponse> decide(const ControllerView& c,
                                        const UpdateFeaturesRequest& request) {
    FeatureLevels proposed = c.image.features;
    for (const FeatureUpdate& update : request.updates) proposed.set(update.feature, update.level);
    Decision<UpdateFeaturesResponse> decision;
    for (const FeatureUpdate& update : request.updates) {
        decision.response.error = check(c, update, proposed, decision.response.message);
        // All or nothing (UpdateFeatures v2).
        if (decision.response.error != ErrorCode::none) return {{}, decision.response};
        // Deviation: Kafka goes on with what an earlier time with KIP-966 left behind, though
        // nobody has kept it true since.
        if (update.feature == Feature::eligible_leader_replicas_version && update.level > 0 &&
            c.image.features.eligible_leader_replicas_version == 0) {
            for (const auto& [id, topic] : c.image.topics) clear_elr(*topic, decision.records);
        }
        decision.records.emplace_back(FeatureLevelRecord{update.feature, update.level});
    }
    if (request.validate_only) decision.records.clear();
    return decision;
}

}  // namespace tribunal
