#include "broker/controller/cluster_image.h"

#include <algorithm>

#include "broker/base/check.h"

namespace tribunal {
namespace {

constexpr const char* kNoTopic = "of a topic that is not there";
constexpr const char* kNoBroker = "of a broker that is not registered";
constexpr const char* kOtherLife = "of another registration of its broker";

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

namespace {

const char* misfit(const BrokerRegistration* broker, BrokerEpoch epoch) {
    if (broker == nullptr) return kNoBroker;
    return broker->epoch == epoch ? nullptr : kOtherLife;
}

const char* on_record(ClusterImage& image, const RegisterBrokerRecord& r) {
    image.brokers[r.broker] = {r.broker_epoch,           r.incarnation, r.fenced,
                               r.in_controlled_shutdown, r.rack,        r.features};
    index_broker(image, r.broker);
    return nullptr;
}

const char* on_record(ClusterImage& image, const BrokerRegistrationChangeRecord& r) {
    BrokerRegistration* broker = image.brokers.find(r.broker);
    if (const char* why = misfit(broker, r.broker_epoch)) return why;
    assign_if(broker->fenced, r.fenced);
    assign_if(broker->in_controlled_shutdown, r.in_controlled_shutdown);
    index_broker(image, r.broker);
    return nullptr;
}

const char* on_record(ClusterImage& image, const UnregisterBrokerRecord& r) {
    if (const char* why = misfit(image.brokers.find(r.broker), r.broker_epoch)) return why;
    image.brokers.erase(r.broker);
    index_broker(image, r.broker);
    return nullptr;
}

const char* on_record(ClusterImage& image, const TopicRecord& r) {
    const bool is_there = image.topic_ids.contains(r.name);
    image.topics[r.topic] = Shared<TopicImage>{TopicImage{r.topic, r.name, r.config, {}}};
    image.topic_ids[r.name] = r.topic;
    if (image.next_topic <= r.topic) image.next_topic = TopicId{r.topic.value + 1};
    return is_there ? "of a topic that is there already" : nullptr;
}

const char* on_record(ClusterImage& image, const TopicConfigRecord& r) {
    Shared<TopicImage>* topic = image.topics.find(r.topic);
    if (topic == nullptr) return kNoTopic;
    topic->edit().config = r.config;
    return nullptr;
}

const char* on_record(ClusterImage& image, const PartitionRecord& r) {
    Shared<TopicImage>* topic = image.topics.find(r.partition.topic);
    if (topic == nullptr) return kNoTopic;
    auto& partitions = topic->edit().partitions;
    const auto index = static_cast<std::size_t>(r.partition.partition);
    if (partitions.size() <= index) partitions.resize(index + 1);
    partitions[index] = r.image;
    return nullptr;
}

const char* on_record(ClusterImage& image, const PartitionChangeRecord& r) {
    Shared<TopicImage>* topic = image.topics.find(r.partition.topic);
    if (topic == nullptr) return kNoTopic;
    const auto index = static_cast<std::size_t>(r.partition.partition);
    if ((*topic)->partitions.size() <= index) return "of a partition that is not there";
    apply(topic->edit().partitions[index], r);
    return nullptr;
}

const char* on_record(ClusterImage& image, const RemoveTopicRecord& r) {
    const TopicImage* topic = image.topic(r.topic);
    if (topic == nullptr) return kNoTopic;
    image.topic_ids.erase(topic->name);
    image.topics.erase(r.topic);
    return nullptr;
}

const char* on_record(ClusterImage& image, const NextTopicIdRecord& r) {
    image.next_topic = std::max(image.next_topic, r.next);
    return nullptr;
}

const char* on_record(ClusterImage& image, const FeatureLevelRecord& r) {
    image.features.set(r.feature, r.level);
    return nullptr;
}

const char* on_record(ClusterImage& image, const ProducerIdsRecord& r) {
    const bool goes_on = r.next_producer_id > image.next_producer_id;
    image.next_producer_id = r.next_producer_id;
    return goes_on ? nullptr : "of producer ids that were given out before";
}

}  // namespace

const char* replay(ClusterImage& image, const MetadataRecord& record) {
    return std::visit([&](const auto& r) { return on_record(image, r); }, record);
}

std::optional<TopicPartition> changed_partition(const MetadataRecord& record) {
    if (const auto* r = std::get_if<PartitionRecord>(&record)) return r->partition;
    if (const auto* r = std::get_if<PartitionChangeRecord>(&record)) return r->partition;
    return std::nullopt;
}

}  // namespace tribunal
