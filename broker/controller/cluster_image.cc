#include "broker/controller/cluster_image.h"

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

}  // namespace

void replay(ClusterImage& image, const MetadataRecord& record) {
    std::visit(Overloaded{
                   [&](const RegisterBrokerRecord& r) {
                       image.brokers[r.broker] = {r.broker_epoch, r.incarnation, true};
                       image.alive.erase(r.broker);
                   },
                   [&](const BrokerFencedRecord& r) {
                       BrokerRegistration* broker = image.brokers.find(r.broker);
                       CHECK(broker != nullptr);
                       broker->fenced = true;
                       image.alive.erase(r.broker);
                   },
                   [&](const BrokerUnfencedRecord& r) {
                       BrokerRegistration* broker = image.brokers.find(r.broker);
                       CHECK(broker != nullptr);
                       broker->fenced = false;
                       image.alive[r.broker] = r.broker_epoch;
                   },
                   [&](const TopicRecord& r) {
                       image.topics[r.topic] =
                           Shared<TopicImage>{TopicImage{r.topic, r.name, r.config, {}}};
                       image.topic_ids[r.name] = r.topic;
                       if (image.next_topic <= r.topic)
                           image.next_topic = TopicId{r.topic.value + 1};
                   },
                   [&](const PartitionRecord& r) { partition_of(image, r.partition) = r.image; },
                   [&](const PartitionChangeRecord& r) {
                       PartitionImage& partition = partition_of(image, r.partition);
                       partition.isr = r.isr;
                       partition.leader = r.leader;
                       if (r.leader_changed) ++partition.leader_epoch.value;
                       ++partition.partition_epoch.value;
                   },
                   [&](const RemoveTopicRecord& r) {
                       const TopicImage* topic = image.topic(r.topic);
                       CHECK(topic != nullptr);
                       image.topic_ids.erase(topic->name);
                       image.topics.erase(r.topic);
                   },
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
