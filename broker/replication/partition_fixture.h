// For tests: one partition of three replicas on broker 1, and what it is told.
#pragma once

#include "broker/replication/partition.h"

namespace tribunal {

struct PartitionFixture {
    static constexpr TopicPartition kTp{TopicId{0}, 0};

    BrokerConfig config;
    FlatMap<NodeId, BrokerEpoch> alive;
    FlatSet<NodeId> leaving;
    FlatMap<NodeId, BrokerEpoch> active;
    Outbox out;
    Partition p;

    PartitionFixture() {
        for (int i = 1; i <= 3; ++i) alive[NodeId{i}] = BrokerEpoch{i};
        p.id = kTp;
        p.self = NodeId{1};
        p.config.min_insync_replicas = 2;
    }
    ReplicationContext context() {
        active = alive;
        for (const NodeId node : leaving) active.erase(node);
        return {config, alive, active, out};
    }
    PartitionImage image(FlatSet<NodeId> isr, int leader, int epoch, int partition_epoch = 0) {
        PartitionImage image;
        image.replicas = {NodeId{1}, NodeId{2}, NodeId{3}};
        image.isr = std::move(isr);
        image.leader = NodeId{leader};
        image.leader_epoch = LeaderEpoch{epoch};
        image.partition_epoch = PartitionEpoch{partition_epoch};
        return image;
    }
    void lead(FlatSet<NodeId> isr, int epoch = 1, int partition_epoch = 0) {
        auto c = context();
        become_leader(p, image(std::move(isr), 1, epoch, partition_epoch), c);
    }
    void follow(int leader, int epoch) {
        auto c = context();
        become_follower(p, image({NodeId{leader}}, leader, epoch), c);
    }
    static Record a_record() {
        Record record;
        record.value = "v";
        return record;
    }
    // A batch of `epoch` straight into the log.
    void append(int epoch, int records) {
        BatchBuilder builder;
        for (int i = 0; i < records; ++i) builder.append(a_record());
        RecordBatch batch = builder.close();
        batch.base_offset = p.log.log_end_offset;
        batch.leader_epoch = LeaderEpoch{epoch};
        p.log.append(batch);
    }
    Answer<Appended> produce(int records = 1, std::int16_t acks = -1) {
        BatchBuilder builder;
        for (int i = 0; i < records; ++i) builder.append(a_record());
        auto c = context();
        return append_as_leader(p, builder.close(), acks, c);
    }
    static FetchPartition fetch_request(std::int64_t offset, int epoch = -1, int last_epoch = -1) {
        FetchPartition request;
        request.partition = kTp;
        request.fetch_offset = Offset{offset};
        request.current_leader_epoch = LeaderEpoch{epoch};
        request.last_fetched_epoch = LeaderEpoch{last_epoch};
        return request;
    }
    bool fetch(int replica, std::int64_t offset, int epoch = -1) {
        auto c = context();
        return on_replica_fetch(p, NodeId{replica}, BrokerEpoch{replica},
                                fetch_request(offset, epoch), c);
    }
};

}  // namespace tribunal
