// Metadata records: what the controller decides, writes to its log and everybody replays (KIP-500,
// KIP-631). One struct a kind.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "broker/base/flat.h"
#include "broker/protocol/config.h"
#include "broker/protocol/ids.h"

namespace tribunal {

// A partition as the metadata log has it.
struct PartitionImage {
    std::vector<NodeId> replicas;  // in order of preference
    FlatSet<NodeId> isr;
    NodeId leader = kNoNode;
    LeaderEpoch leader_epoch{0};
    PartitionEpoch partition_epoch{0};
    TRIBUNAL_FIELDS(PartitionImage, replicas, isr, leader, leader_epoch, partition_epoch)
};

struct RegisterBrokerRecord {
    NodeId broker;
    BrokerEpoch broker_epoch;
    std::int64_t incarnation = 0;
    TRIBUNAL_FIELDS(RegisterBrokerRecord, broker, broker_epoch, incarnation)
};
struct BrokerFencedRecord {  // BrokerRegistrationChangeRecord with fenced = +1
    NodeId broker;
    BrokerEpoch broker_epoch;
    TRIBUNAL_FIELDS(BrokerFencedRecord, broker, broker_epoch)
};
struct BrokerUnfencedRecord {  // ... with fenced = -1
    NodeId broker;
    BrokerEpoch broker_epoch;
    TRIBUNAL_FIELDS(BrokerUnfencedRecord, broker, broker_epoch)
};
struct TopicRecord {
    TopicId topic;
    std::string name;
    TopicConfig config;  // ConfigRecords of the topic
    TRIBUNAL_FIELDS(TopicRecord, topic, name, config)
};
struct PartitionRecord {
    TopicPartition partition;
    PartitionImage image;
    TRIBUNAL_FIELDS(PartitionRecord, partition, image)
};
struct PartitionChangeRecord {
    TopicPartition partition;
    FlatSet<NodeId> isr;
    NodeId leader = kNoNode;
    bool leader_changed = false;  // bumps the leader epoch; the partition epoch goes up always
    TRIBUNAL_FIELDS(PartitionChangeRecord, partition, isr, leader, leader_changed)
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

using MetadataRecord =
    std::variant<RegisterBrokerRecord, BrokerFencedRecord, BrokerUnfencedRecord, TopicRecord,
                 PartitionRecord, PartitionChangeRecord, RemoveTopicRecord, ProducerIdsRecord>;

}  // namespace tribunal
