// Snapshots of the metadata (KIP-630): when a controller writes one, and the image as records. A
// snapshot is of what is committed, so every node may write its own.
//
// Deviation: the log below a snapshot goes with it (metadata.max.retention.bytes would keep 100 MiB
// of it), so that whoever is behind has to load the snapshot.
#include "broker/base/check.h"
#include "broker/controller/controller.h"

namespace tribunal {

std::vector<MetadataRecord> records_of(const ClusterImage& image) {
    std::vector<MetadataRecord> records;
    for (const Feature feature : all_features()) {
        if (const std::int16_t level = image.features.level(feature); level != 0) {
            records.emplace_back(FeatureLevelRecord{feature, level});
        }
    }
    for (const auto& [node, broker] : image.brokers) {
        records.emplace_back(RegisterBrokerRecord{node, broker.epoch, broker.incarnation,
                                                  broker.rack, broker.features, broker.fenced,
                                                  broker.in_controlled_shutdown});
    }
    for (const auto& [id, topic] : image.topics) {
        records.emplace_back(TopicRecord{id, topic->name, topic->config});
        for (std::size_t i = 0; i < topic->partitions.size(); ++i) {
            records.emplace_back(
                PartitionRecord{{id, static_cast<std::int32_t>(i)}, topic->partitions[i]});
        }
    }
    if (image.next_producer_id != ProducerId{0}) {
        // Only how far the blocks go is metadata; whose the last one was is not.
        records.emplace_back(ProducerIdsRecord{kNoNode, BrokerEpoch{-1}, image.next_producer_id});
    }
    // A topic id is never used again, also when its topic is gone.
    if (image.topic(TopicId{image.next_topic.value - 1}) == nullptr &&
        image.next_topic > TopicId{0}) {
        records.emplace_back(NextTopicIdRecord{image.next_topic});
    }
    return records;
}

std::int64_t size_in_bytes(const MetadataRecord& record) {
    // The frame of a record in a batch, and its usual fields.
    constexpr std::int64_t kRecord = 30;
    const auto nodes = [](const auto& list) { return 4 * static_cast<std::int64_t>(list.size()); };
    return kRecord + std::visit(Overloaded{
                                    [](const RegisterBrokerRecord& r) {
                                        return 120 + static_cast<std::int64_t>(r.rack.size());
                                    },
                                    [](const TopicRecord& r) {
                                        return 16 + static_cast<std::int64_t>(r.name.size());
                                    },
                                    [&](const PartitionRecord& r) {
                                        return 40 + 2 * nodes(r.image.replicas) +
                                               nodes(r.image.isr);
                                    },
                                    [&](const PartitionChangeRecord& r) {
                                        return 24 + (r.isr ? nodes(*r.isr) : 0) +
                                               (r.replicas ? nodes(*r.replicas) : 0);
                                    },
                                    [](const auto&) { return std::int64_t{16}; },
                                },
                                record);
}

void arm_snapshot_if_due(const Controller& c, Outbox& out) {
    if (!c.config.rules.raft_snapshots) return;
    if (c.unsnapped_bytes < c.config.snapshot_max_new_record_bytes) return;
    // In a step of its own: the log of this one is still looked at.
    out.arm(timer(TimerKind::metadata_snapshot), Duration{0});
}

void on_snapshot_timer(Controller& c, Outbox& out) {
    const Offset end = c.committed();
    const bool has_news =
        end > Offset{0} && (!c.raft.log.snapshot || (*c.raft.log.snapshot)->id.end_offset < end);
    if (has_news) {
        const std::optional<ClusterImage> image = committed_image(c);
        if (!image) {
            out.effects.emplace_back(kCannotReplay);
            return;
        }
        raft_snapshot(c.raft, end, records_of(*image), out);
        raft_clean(c.raft, out);
        c.unsnapped_bytes = 0;
        c.raft.log.for_each(end, c.image_offset, [&](Offset, const RaftRecord& r) {
            if (const MetadataRecord* record = r.metadata()) {
                c.unsnapped_bytes += size_in_bytes(*record);
            }
        });
    }
    out.arm(timer(TimerKind::metadata_snapshot), c.config.snapshot_max_interval);
}

}  // namespace tribunal
