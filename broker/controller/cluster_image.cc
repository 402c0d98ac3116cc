#include "broker/controller/cluster_image.h"

#include <algorithm>

#include "broker/base/check.h"

namespace tribunal {
namespace {

PartitionImage& partition_of(ClusterImage& image, TopicPartition tp) {
    Shared<TopicImage>* topic = image.topics.find(tp.topic);
    CHECK(topic != nullptr);
    auto& partitions = topic->edit().partitions;
    if (partitions.size() <= static_cast<std::size_t>(tp.partition)) {
        partitions.resize(static_cast<std::size_t>(tp.partition) + 1);
    }
    return partitions[static_cast<std::size_t>(tp.partition)];
}

// `alive` and `active` follow from the registrations.
void index_broker(ClusterImage& image, NodeId node) {
    image.alive.erase(node);
    image.active.erase(node);
    const BrokerRegistration* broker = image.brokers.find(node);
    if (broker == nullptr || broker->fenced) return;
    image.alive[node] = broker->epoch;
    if (!broker->in_controlled_shutdown) image.active[node] = broker->epoch;
}

template <class T>
void assign_if(T& field, const std::optional<T>& change) {
    if (change) field = *change;
}

}  // namespace

void apply(PartitionImage& partition, const PartitionChangeRecord& change) {
    assign_if(partition.isr, change.isr);
    assign_if(partition.leader_recovery_state, change.leader_recovery_state);
    assign_if(partition.elr, change.elr);
    assign_if(partition.last_known_elr, change.last_known_elr);
    assign_if(partition.replicas, change.replicas);
    assign_if(partition.adding_replicas, change.adding_replicas);
    assign_if(partition.removing_replicas, change.removing_replicas);
    if (change.leader) {
        partition.leader = *change.leader;
        ++partition.leader_epoch.value;
    }
    ++partition.partition_epoch.value;
}

void replay(ClusterImage& image, const MetadataRecord& record) {
    std::visit(
        Overloaded{
            [&](const RegisterBrokerRecord& r) {
                image.brokers[r.broker] = {r.broker_epoch,           r.incarnation, r.fenced,
                                           r.in_controlled_shutdown, r.rack,        r.features};
                index_broker(image, r.broker);
            },
            [&](const BrokerRegistrationChangeRecord& r) {
                BrokerRegistration* broker = image.brokers.find(r.broker);
                CHECK(broker != nullptr);
                CHECK(broker->epoch == r.broker_epoch);
                assign_if(broker->fenced, r.fenced);
                assign_if(broker->in_controlled_shutdown, r.in_controlled_shutdown);
                index_broker(image, r.broker);
            },
            [&](const UnregisterBrokerRecord& r) {
                const BrokerRegistration* broker = image.brokers.find(r.broker);
                CHECK(broker != nullptr);
                CHECK(broker->epoch == r.broker_epoch);
                image.brokers.erase(r.broker);
                index_broker(image, r.broker);
            },
            [&](const TopicRecord& r) {
                image.topics[r.topic] =
                    Shared<TopicImage>{TopicImage{r.topic, r.name, r.config, {}}};
                image.topic_ids[r.name] = r.topic;
                if (image.next_topic <= r.topic) image.next_topic = TopicId{r.topic.value + 1};
            },
            [&](const TopicConfigRecord& r) {
                Shared<TopicImage>* topic = image.topics.find(r.topic);
                CHECK(topic != nullptr);
                topic->edit().config = r.config;
            },
            [&](const PartitionRecord& r) { partition_of(image, r.partition) = r.image; },
            [&](const PartitionChangeRecord& r) { apply(partition_of(image, r.partition), r); },
            [&](const RemoveTopicRecord& r) {
                const TopicImage* topic = image.topic(r.topic);
                CHECK(topic != nullptr);
                image.topic_ids.erase(topic->name);
                image.topics.erase(r.topic);
            },
            [&](const NextTopicIdRecord& r) {
                image.next_topic = std::max(image.next_topic, r.next);
            },
            [&](const FeatureLevelRecord& r) { image.features.set(r.feature, r.level); },
            [&](const ProducerIdsRecord& r) {
                CHECK(r.next_producer_id > image.next_producer_id);
                image.next_producer_id = r.next_producer_id;
            },
        },
        record);
}

std::optional<TopicPartition> changed_partition(const MetadataRecord& record) {
    if (const auto* r = std::get_if<PartitionRecord>(&record)) return r->partition;
    if (const auto* r = std::get_if<PartitionChangeRecord>(&record)) return r->partition;
    return std::nullopt;
}

}  // namespace tribunal
