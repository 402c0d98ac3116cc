// An admin's steps: {"at": "5s", "alter_partition_reassignments": {"orders-0": [2, 3, 4]}}. What
// they are called and take is as Kafka's Admin client and its tools have it.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "scenarios/admin_operations.h"
#include "scenarios/altered_settings.h"
#include "scenarios/reading.h"

namespace tribunal {
namespace {

// A node's ids of directories are consecutive numbers (kDirectoriesANode).
constexpr std::int64_t kMaxDirectory = 999;

void check_since(const Reading& reading, const Place& place, const AdminOperation& operation) {
    if (is_since(*reading.newest, operation.since)) return;
    place.fail(fmt::format("{} exists since Kafka {} ({}), and this scenario is for {}",
                           operation.key, operation.since, operation.proposal,
                           reading.newest->name));
}

NamedPartition named_partition(const Place& place, const std::string& text) {
    try {
        const auto [topic, partition] = split_topic_partition(text);
        return {topic, partition};
    } catch (const TargetError& error) {
        place.fail(error.what());
    }
}

CreatePartitionsRequest read_create_partitions(const Reading& reading, const Place& place) {
    place.check_keys({"topic", "partitions", "assignment"});
    CreatePartitionsRequest request;
    request.topic = place.member("topic").text();
    request.count =
        static_cast<std::int32_t>(place.member("partitions").integer(1, kMaxPartitions));
    const auto assignment = place.find("assignment");
    if (!assignment) return request;
    for (const Place& element : assignment->elements()) {
        request.assignment.push_back(read_replicas(reading, element));
    }
    if (request.assignment.empty()) {
        assignment->fail_expected("a list of replicas for each new partition");
    }
    return request;
}

constexpr std::string_view kReplicationFactorOption = kFixedReplicationFactor.key;

AlterPartitionReassignmentsRequest read_reassignments(const Reading& reading, const Place& place) {
    AlterPartitionReassignmentsRequest request;
    for (const auto& [key, member] : place.members()) {
        if (key == kReplicationFactorOption) {
            check_since(reading, member, kFixedReplicationFactor);
            request.allow_replication_factor_change = member.truth();
            continue;
        }
        PartitionReassignment& wanted = request.partitions.emplace_back();
        wanted.partition = named_partition(member, key);
        if (member.value().is_null()) continue;
        if (!member.value().is_array()) {
            member.fail_expected("a list of brokers, or null to cancel a reassignment");
        }
        wanted.replicas = read_replicas(reading, member);
    }
    if (request.partitions.empty()) {
        place.fail_expected(R"(partitions and their replicas, such as {"orders-0": [1, 2, 3]})");
    }
    return request;
}

ElectLeadersRequest read_election(const Reading& reading, const Place& place) {
    place.check_keys({"election_type", "partitions"});
    constexpr std::array<std::string_view, 2> kTypes = {"preferred", "unclean"};
    ElectLeadersRequest request;
    const Place type = place.member("election_type");
    request.type = static_cast<ElectionType>(type.word(kTypes));
    if (request.type == ElectionType::unclean) check_since(reading, type, kUncleanElection);
    const auto partitions = place.find("partitions");
    if (!partitions) return request;
    for (const Place& element : partitions->elements()) {
        request.partitions.push_back(named_partition(element, element.text()));
    }
    if (request.partitions.empty()) {
        partitions->fail_expected("at least one partition; without 'partitions' all are meant");
    }
    return request;
}

std::int16_t read_level(const Place& place, Feature feature) {
    const std::int16_t most = FeatureLevels{}.level(feature);
    if (feature == Feature::metadata_version) {
        const MetadataVersion* version =
            place.value().is_string() ? find_metadata_version(place.value().get<std::string>())
                                      : nullptr;
        if (version != nullptr) return version->level;
        if (!place.value().is_number_integer() || place.value() < 1 || place.value() > most) {
            place.fail_expected(fmt::format(
                R"(a metadata.version such as "3.3-IV3" or "4.1", or its level from 1 to {})",
                most));
        }
    }
    return static_cast<std::int16_t>(place.integer(0, most));
}

UpdateFeaturesRequest read_features(const Place& place) {
    constexpr std::array<std::string_view, 3> kTypes = {"upgrade", "safe_downgrade",
                                                        "unsafe_downgrade"};
    std::vector<std::string_view> valid;
    for (const Feature feature : all_features()) valid.push_back(name_of(feature));
    valid.insert(valid.end(), {"upgrade_type", "validate_only"});
    UpdateFeaturesRequest request;
    UpgradeType type = UpgradeType::upgrade;
    for (const auto& [key, member] : place.members()) {
        if (key == "upgrade_type") {
            type = static_cast<UpgradeType>(member.word(kTypes));
        } else if (key == "validate_only") {
            request.validate_only = member.truth();
        } else if (const auto feature = find_feature(key)) {
            request.updates.push_back({*feature, read_level(member, *feature), type});
        } else {
            member.fail("unknown feature; " + suggestion(key, valid));
        }
    }
    for (FeatureUpdate& update : request.updates) update.type = type;
    if (request.updates.empty()) {
        place.fail_expected(R"(features and their levels, such as {"metadata.version": "4.1"})");
    }
    return request;
}

std::vector<RecordDeletion> read_deletions(const Place& place) {
    std::vector<RecordDeletion> deletions;
    for (const auto& [key, member] : place.members()) {
        if (!member.value().is_number_integer() || member.value() < -1) {
            member.fail_expected("the first offset to keep, or -1 for the high watermark");
        }
        deletions.push_back({named_partition(member, key), Offset{member.integer(-1, INT64_MAX)}});
    }
    if (deletions.empty()) {
        place.fail_expected(R"(partitions and offsets, such as {"orders-0": 100})");
    }
    return deletions;
}

NodeId read_controller(const Reading& reading, const Place& place) {
    const ClusterSpec& cluster = reading.scenario.cluster;
    const std::int32_t first = cluster.controller(0).value;
    const std::int32_t last = cluster.controller(cluster.controllers - 1).value;
    if (!place.value().is_number_integer() || place.value() < first || place.value() > last) {
        place.fail_expected(first == last ? fmt::format("the controller {}", first)
                                          : fmt::format("a controller from {} to {}", first, last));
    }
    return NodeId{place.value().get<std::int32_t>()};
}

VoterSpec read_voter(const Reading& reading, const Place& place) {
    VoterSpec voter;
    if (!place.value().is_object()) {
        voter.controller = read_controller(reading, place);
        return voter;
    }
    place.check_keys({"controller_id", "controller_directory_id"});
    voter.controller = read_controller(reading, place.member("controller_id"));
    if (const auto directory = place.find("controller_directory_id")) {
        voter.directory = directory->integer(1, kMaxDirectory);
    }
    return voter;
}

void expect_true(const Place& place) {
    if (place.value() != true) place.fail_expected("true");
}

void read_change(Reading& reading, const Place& place, AdminStep& step) {
    switch (step.op) {
        case AdminOp::create_topic:
            step.topic = read_topic(reading, place);
            return;
        case AdminOp::delete_topic:
        case AdminOp::describe_topic:
            step.topic.name = place.text();
            return;
        case AdminOp::list_topics:
        case AdminOp::list_partition_reassignments:
            expect_true(place);
            return;
        case AdminOp::create_partitions:
            step.change = read_create_partitions(reading, place);
            return;
        case AdminOp::alter_partition_reassignments:
            step.change = read_reassignments(reading, place);
            return;
        case AdminOp::elect_leaders:
            step.change = read_election(reading, place);
            return;
        case AdminOp::alter_configs:
            step.change = read_alteration(reading, place);
            return;
        case AdminOp::update_features:
            step.change = read_features(place);
            return;
        case AdminOp::unregister_broker:
            step.change = UnregisterBrokerRequest{read_broker(reading, place)};
            return;
        case AdminOp::delete_records:
            step.change = read_deletions(place);
            return;
        case AdminOp::add_raft_voter:
        case AdminOp::remove_raft_voter:
            step.change = read_voter(reading, place);
            return;
    }
}

AdminStep read_step(Reading& reading, const Place& place) {
    std::vector<std::string_view> keys;
    for (const AdminOperation& operation : all_admin_operations()) keys.push_back(operation.key);
    std::vector<std::string_view> valid = keys;
    valid.insert(valid.begin(), "at");
    for (const auto& [key, member] : place.members()) {
        if (std::find(valid.begin(), valid.end(), key) == valid.end()) {
            member.fail("unknown key; " + suggestion(key, valid));
        }
    }
    AdminStep step;
    step.at = read_start(reading, place.member("at"));
    bool found = false;
    for (const AdminOperation& operation : all_admin_operations()) {
        const auto member = place.find(std::string(operation.key));
        if (!member) continue;
        if (found) member->fail("a step does one thing; make it another step");
        found = true;
        check_since(reading, *member, operation);
        step.op = operation.op;
        read_change(reading, *member, step);
    }
    if (!found) place.fail(fmt::format("one of {} is missing", fmt::join(keys, ", ")));
    return step;
}

// The names that a step uses, in a document that is well formed.
void check_names(const Reading& reading, const Place& step) {
    for (const char* key : {"delete_topic", "describe_topic"}) {
        if (const auto topic = step.find(key)) check_topic_at(reading, *topic, topic->text());
    }
    for (const char* key : {"create_partitions", "alter_configs"}) {
        const auto change = step.find(key);
        if (!change) continue;
        const Place topic = change->member("topic");
        check_topic_at(reading, topic, topic.text());
    }
    for (const char* key : {"alter_partition_reassignments", "delete_records"}) {
        const auto change = step.find(key);
        if (!change) continue;
        for (const auto& [name, member] : change->members()) {
            if (name != kReplicationFactorOption) partition_at(reading, member, name);
        }
    }
    const auto election = step.find("elect_leaders");
    const auto partitions = election ? election->find("partitions") : std::nullopt;
    if (!partitions) return;
    for (const Place& element : partitions->elements()) {
        partition_at(reading, element, element.text());
    }
}

}  // namespace

AdminSpec read_admin(Reading& reading, const Place& place) {
    place.check_keys({"admin", "steps"});
    AdminSpec admin;
    admin.name = place.member("admin").text();
    for (const Place& step : place.member("steps").elements()) {
        admin.steps.push_back(read_step(reading, step));
    }
    return admin;
}

void check_admin(const Reading& reading, const Place& place) {
    for (const Place& step : place.member("steps").elements()) check_names(reading, step);
}

}  // namespace tribunal
