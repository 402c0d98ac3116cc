// Leader elections that somebody asks for: the admin client (KIP-183, KIP-460) and the controller's
// own periodic tasks.
#include "broker/controller/partition_updates.h"

namespace tribunal {
namespace {

constexpr std::size_t kMostElectionsAtOnce = 1000;  // MAX_ELECTIONS_PER_IMBALANCE

std::optional<PartitionChangeRecord> elect(const ControllerView& c, TopicPartition tp,
                                           const PartitionImage& p, const TopicImage& topic,
                                           Election election) {
    PartitionTarget target(p);
    target.election = election;
    return build_change(tp, p, std::move(target), partition_rules(c, topic),
                        AcceptableLeader{c.image});
}

ErrorCode elect(const ControllerView& c, ElectionType type, TopicPartition tp,
                std::vector<MetadataRecord>& records) {
    const PartitionImage* p = c.image.partition(tp);
    if (p == nullptr) return ErrorCode::unknown_topic_or_partition;
    const bool preferred = type == ElectionType::preferred;
    if (preferred ? p->leader == p->replicas.front() : p->leader != kNoNode) {
        return ErrorCode::election_not_needed;
    }
    auto record = elect(c, tp, *p, *c.image.topic(tp.topic),
                        preferred ? Election::preferred : Election::unclean);
    if (!record) {
        return preferred ? ErrorCode::preferred_leader_not_available
                         : ErrorCode::eligible_leaders_not_available;
    }
    records.emplace_back(std::move(*record));
    return ErrorCode::none;
}

// Brokers whose share of partitions that they should lead and do not is above
// leader.imbalance.per.broker.percentage (KafkaController.checkAndTriggerAutoLeaderRebalance).
FlatSet<NodeId> imbalanced_brokers(const ControllerView& c) {
    struct Count {
        std::int64_t preferred = 0;
        std::int64_t led_by_others = 0;
    };
    FlatMap<NodeId, Count> counts;
    for_each_partition(c.image, [&](TopicPartition, const PartitionImage& p, const TopicImage&) {
        Count& count = counts[p.replicas.front()];
        ++count.preferred;
        if (p.leader != p.replicas.front()) ++count.led_by_others;
    });
    FlatSet<NodeId> imbalanced;
    for (const auto& [broker, count] : counts) {
        const std::int64_t most = count.preferred * c.config.leader_imbalance_per_broker_percentage;
        if (count.led_by_others * 100 > most) imbalanced.insert(broker);
    }
    return imbalanced;
}

}  // namespace

Decision<ElectLeadersResponse> decide(const ControllerView& c, const ElectLeadersRequest& request) {
    Decision<ElectLeadersResponse> decision;
    for (const NamedPartition& name : request.partitions) {
        const TopicImage* topic = c.image.topic(name.topic);
        const ErrorCode error =
            topic == nullptr
                ? ErrorCode::unknown_topic_or_partition
                : elect(c, request.type, {topic->id, name.partition}, decision.records);
        decision.response.partitions.push_back({name, error});
    }
    if (!request.partitions.empty()) return decision;
    for_each_partition(
        c.image, [&](TopicPartition tp, const PartitionImage&, const TopicImage& topic) {
            const ErrorCode error = elect(c, request.type, tp, decision.records);
            // Asked for all, those that are as they should be are not worth a word.
            if (error == ErrorCode::election_not_needed) return;
            decision.response.partitions.push_back({{topic.name, tp.partition}, error});
        });
    return decision;
}

std::vector<MetadataRecord> decide_preferred_leaders(const ControllerView& c) {
    std::vector<MetadataRecord> records;
    const FlatSet<NodeId> imbalanced = imbalanced_brokers(c);
    for_each_partition(
        c.image, [&](TopicPartition tp, const PartitionImage& p, const TopicImage& topic) {
            if (p.leader == p.replicas.front() || records.size() >= kMostElectionsAtOnce) return;
            if (!c.config.rules.balances_every_leader && !imbalanced.contains(p.replicas.front())) {
                return;
            }
            auto record = elect(c, tp, p, topic, Election::preferred);
            if (record) records.emplace_back(std::move(*record));
        });
    return records;
}

std::vector<MetadataRecord> decide_unclean_leaders(const ControllerView& c) {
    std::vector<MetadataRecord> records;
    for_each_partition(c.image,
                       [&](TopicPartition tp, const PartitionImage& p, const TopicImage& topic) {
                           if (p.leader != kNoNode || !may_elect_unclean(c, topic) ||
                               records.size() >= kMostElectionsAtOnce) {
                               return;
                           }
                           auto record = elect(c, tp, p, topic, Election::unclean);
                           if (record) records.emplace_back(std::move(*record));
                       });
    return records;
}

}  // namespace tribunal
