// The picture of the cluster that the metadata log describes: brokers, topics, partitions. replay()
// is its only writer, on the controller and on every broker, so equal offsets mean equal images.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "broker/base/shared.h"
#include "broker/protocol/records.h"

namespace tribunal {

struct BrokerRegistration {
    BrokerEpoch epoch;
    std::int64_t incarnation = 0;
    bool fenced = true;
    bool in_controlled_shutdown = false;  // KIP-841
    std::string rack;
    FeatureLevels features;  // supported
    TRIBUNAL_FIELDS(BrokerRegistration, epoch, incarnation, fenced, in_controlled_shutdown, rack,
                    features)
};

struct TopicImage {
    TopicId id;
    std::string name;
    TopicConfig config;
    std::vector<PartitionImage> partitions;
    TRIBUNAL_FIELDS(TopicImage, id, name, config, partitions)
};

struct ClusterImage {
    FlatMap<NodeId, BrokerRegistration> brokers;
    FlatMap<NodeId, BrokerEpoch> alive;   // registered and unfenced
    FlatMap<NodeId, BrokerEpoch> active;  // and not in controlled shutdown: may lead and be in sync
    FlatMap<TopicId, Shared<TopicImage>> topics;
    std::map<std::string, TopicId, std::less<>> topic_ids;
    TopicId next_topic{0};
    FeatureLevels features{0, 0, 0, 0, 0};  // finalized
    ProducerId next_producer_id{0};         // the first that is in no broker's block yet (KIP-730)
    TRIBUNAL_FIELDS(ClusterImage, brokers, alive, active, topics, topic_ids, next_topic, features,
                    next_producer_id)

    // Null when unknown (or deleted).
    const TopicImage* topic(TopicId id) const {
        const auto* found = topics.find(id);
        return found == nullptr ? nullptr : &**found;
    }
    const TopicImage* topic(std::string_view name) const {
        const auto it = topic_ids.find(name);
        return it == topic_ids.end() ? nullptr : topic(it->second);
    }
    const PartitionImage* partition(TopicPartition tp) const {
        const TopicImage* t = topic(tp.topic);
        if (t == nullptr || tp.partition < 0 ||
            static_cast<std::size_t>(tp.partition) >= t->partitions.size()) {
            return nullptr;
        }
        return &t->partitions[static_cast<std::size_t>(tp.partition)];
    }
};

// Applies one change to a partition (Kafka: PartitionRegistration.merge).
void apply(PartitionImage& partition, const PartitionChangeRecord& change);

// Applies one record, in log order. Null, or why it does not fit what was replayed before: a
// controller ends itself by that (QuorumController's fatal fault handler), a broker goes on
// (MetadataLoader's). What is there twice takes the place of the first one, as a broker has it; any
// other record that does not fit changes nothing.
[[nodiscard]] const char* replay(ClusterImage& image, const MetadataRecord& record);

// The partition that a record changes, or none.
std::optional<TopicPartition> changed_partition(const MetadataRecord& record);

}  // namespace tribunal
