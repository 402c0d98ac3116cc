// Metadata records: what the controller decides, writes to its log and everybody replays (KIP-500,
// KIP-631). One struct a kind.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "broker/base/flat.h"
#include "broker/protocol/config.h"
#include "broker/protocol/features.h"
#include "broker/protocol/ids.h"

namespace tribunal {

// Whether the leader that an unclean election chose has finished recovering (KIP-704). Kafka's
// brokers recover at once; an ISR grows only after they have said so.
enum class LeaderRecoveryState : std::uint8_t { recovered, recovering };

// A partition as the metadata log has it.
struct PartitionImage {
    std::vector<NodeId> replicas;  // in order of preference
    FlatSet<NodeId> isr;
    NodeId leader = kNoNode;
    LeaderEpoch leader_epoch{0};
    PartitionEpoch partition_epoch{0};
    LeaderRecoveryState leader_recovery_state = LeaderRecoveryState::recovered;
    // Eligible leader replicas: left the ISR when it was smaller than min.insync.replicas, so they
    // have everything that was committed (KIP-966).
    FlatSet<NodeId> elr;
    FlatSet<NodeId> last_known_elr;  // as Kafka uses it: the last leader of a leaderless partition
    // Of a reassignment under way (KIP-455): both are in `replicas` too.
    FlatSet<NodeId> adding_replicas;
    FlatSet<NodeId> removing_replicas;
    TRIBUNAL_FIELDS(PartitionImage, replicas, isr, leader, leader_epoch, partition_epoch,
                    leader_recovery_state, elr, last_known_elr, adding_replicas, removing_replicas)

    bool is_being_reassigned() const {
        return !adding_replicas.empty() || !removing_replicas.empty();
    }
};

struct RegisterBrokerRecord {
    NodeId broker;
    BrokerEpoch broker_epoch;
    std::int64_t incarnation = 0;
    std::string rack = {};        // broker.rack; empty: none
    FeatureLevels features = {};  // supported
    bool fenced = true;
    bool in_controlled_shutdown = false;
    TRIBUNAL_FIELDS(RegisterBrokerRecord, broker, broker_epoch, incarnation, rack, features, fenced,
                    in_controlled_shutdown)
};
// Before metadata.version 3.3-IV2 Kafka wrote FenceBrokerRecord and UnfenceBrokerRecord, which
// meant the same.
struct BrokerRegistrationChangeRecord {
    NodeId broker;
    BrokerEpoch broker_epoch;
    std::optional<bool> fenced = {};
    std::optional<bool> in_controlled_shutdown = {};  // KIP-841
    TRIBUNAL_FIELDS(BrokerRegistrationChangeRecord, broker, broker_epoch, fenced,
                    in_controlled_shutdown)
};
struct UnregisterBrokerRecord {
    NodeId broker;
    BrokerEpoch broker_epoch;
    TRIBUNAL_FIELDS(UnregisterBrokerRecord, broker, broker_epoch)
};
struct TopicRecord {
    TopicId topic;
    std::string name;
    TopicConfig config;  // ConfigRecords of the topic
    TRIBUNAL_FIELDS(TopicRecord, topic, name, config)
};
// The ConfigRecords of one change of a topic's settings, as the settings that are now in effect.
struct TopicConfigRecord {
    TopicId topic;
    TopicConfig config;
    TRIBUNAL_FIELDS(TopicConfigRecord, topic, config)
};
struct PartitionRecord {
    TopicPartition partition;
    PartitionImage image;
    TRIBUNAL_FIELDS(PartitionRecord, partition, image)
};
// What is not there stays as it was. The partition epoch goes up always.
struct PartitionChangeRecord {
    TopicPartition partition;
    std::optional<FlatSet<NodeId>> isr = {};
    std::optional<NodeId> leader =
        {};  // when it is there, even the same one: the leader epoch goes up
    std::optional<LeaderRecoveryState> leader_recovery_state = {};
    std::optional<FlatSet<NodeId>> elr = {};
    std::optional<FlatSet<NodeId>> last_known_elr = {};
    std::optional<std::vector<NodeId>> replicas = {};
    std::optional<FlatSet<NodeId>> adding_replicas = {};
    std::optional<FlatSet<NodeId>> removing_replicas = {};
    TRIBUNAL_FIELDS(PartitionChangeRecord, partition, isr, leader, leader_recovery_state, elr,
                    last_known_elr, replicas, adding_replicas, removing_replicas)
};
struct RemoveTopicRecord {
    TopicId topic;
    TRIBUNAL_FIELDS(RemoveTopicRecord, topic)
};
// Every producer id below `next_producer_id` belongs to a broker's block by now (KIP-730).
struct ProducerIdsRecord {
    NodeId broker;  // that asked
    BrokerEpoch broker_epoch;
    ProducerId next_producer_id;
    TRIBUNAL_FIELDS(ProducerIdsRecord, broker, broker_epoch, next_producer_id)
};

struct FeatureLevelRecord {
    Feature feature = Feature::metadata_version;
    std::int16_t level = 0;
    TRIBUNAL_FIELDS(FeatureLevelRecord, feature, level)
};

// In snapshots only: topic ids below were used, also when their topics are gone. Deviation: Kafka's
// topic ids are random and need no such record.
struct NextTopicIdRecord {
    TopicId next;
    TRIBUNAL_FIELDS(NextTopicIdRecord, next)
};

using MetadataRecord =
    std::variant<RegisterBrokerRecord, BrokerRegistrationChangeRecord, UnregisterBrokerRecord,
                 TopicRecord, TopicConfigRecord, PartitionRecord, PartitionChangeRecord,
                 RemoveTopicRecord, FeatureLevelRecord, ProducerIdsRecord, NextTopicIdRecord>;

}  // namespace tribunal
