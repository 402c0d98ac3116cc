// The steps of an admin as JSON.
#include <fmt/format.h>

#include "scenarios/admin_operations.h"
#include "scenarios/altered_settings.h"
#include "scenarios/print_parts.h"

namespace tribunal {

Json json_of(const SettingText& setting) {
    switch (setting.setting->type) {
        case SettingType::boolean:
            return setting.value == "true";
        case SettingType::int16:
        case SettingType::int32:
        case SettingType::int64:
            return Json::parse(setting.value);
        case SettingType::floating:
        case SettingType::string:
        case SettingType::list:
        case SettingType::class_name:
        case SettingType::password:
            return setting.value;
    }
    return setting.value;
}

Json json_of(const std::vector<NodeId>& nodes) {
    Json json = Json::array();
    for (const NodeId id : nodes) json.push_back(id.value);
    return json;
}

namespace {

std::string text_of(const NamedPartition& partition) {
    return fmt::format("{}-{}", partition.topic, partition.partition);
}

Json json_of(const CreatePartitionsRequest& request) {
    Json json = Json::object();
    json["topic"] = request.topic;
    json["partitions"] = request.count;
    for (const auto& replicas : request.assignment) {
        json["assignment"].push_back(json_of(replicas));
    }
    return json;
}

Json json_of(const AlterPartitionReassignmentsRequest& request) {
    Json json = Json::object();
    for (const PartitionReassignment& wanted : request.partitions) {
        json[text_of(wanted.partition)] = wanted.replicas ? json_of(*wanted.replicas) : Json();
    }
    if (!request.allow_replication_factor_change) {
        json[std::string(kFixedReplicationFactor.key)] = false;
    }
    return json;
}

Json json_of(const ElectLeadersRequest& request) {
    Json json = Json::object();
    json["election_type"] = request.type == ElectionType::preferred ? "preferred" : "unclean";
    for (const NamedPartition& partition : request.partitions) {
        json["partitions"].push_back(text_of(partition));
    }
    return json;
}

Json json_of(const IncrementalAlterConfigsRequest& request, const Edition& edition) {
    Json json = Json::object();
    json["topic"] = request.topic;
    json["add_config"] = Json::object();
    for (const SettingText& setting : altered_settings(request, edition)) {
        json["add_config"][std::string(setting.setting->name)] = json_of(setting);
    }
    return json;
}

Json json_of(const UpdateFeaturesRequest& request) {
    Json json = Json::object();
    UpgradeType type = UpgradeType::upgrade;
    for (const FeatureUpdate& update : request.updates) {
        json[std::string(name_of(update.feature))] = update.level;
        type = update.type;
    }
    if (type == UpgradeType::safe_downgrade) json["upgrade_type"] = "safe_downgrade";
    if (type == UpgradeType::unsafe_downgrade) json["upgrade_type"] = "unsafe_downgrade";
    if (request.validate_only) json["validate_only"] = true;
    return json;
}

Json json_of(const UnregisterBrokerRequest& request) { return request.broker.value; }

Json json_of(const std::vector<RecordDeletion>& deletions) {
    Json json = Json::object();
    for (const RecordDeletion& deletion : deletions) {
        json[text_of(deletion.partition)] = deletion.offset.value;
    }
    return json;
}

Json json_of(const VoterSpec& voter) {
    if (voter.directory == 1) return voter.controller.value;
    Json json = Json::object();
    json["controller_id"] = voter.controller.value;
    json["controller_directory_id"] = voter.directory;
    return json;
}

}  // namespace

Json change_of(const AdminStep& step, const Edition& edition) {
    return std::visit(Overloaded{
                          [&](std::monostate) {
                              return step.topic.name.empty() ? Json(true) : Json(step.topic.name);
                          },
                          [&](const IncrementalAlterConfigsRequest& request) {
                              return json_of(request, edition);
                          },
                          [&](const auto& change) { return json_of(change); },
                      },
                      step.change);
}

}  // namespace tribunal
