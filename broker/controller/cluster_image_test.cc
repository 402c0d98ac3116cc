// Records that do not fit what was replayed before: only a metadata log that has lost committed
// records has them.
#include "broker/controller/cluster_image.h"

#include <gtest/gtest.h>

#include "broker/controller/controller.h"

namespace tribunal {
namespace {

constexpr TopicPartition kTp{TopicId{0}, 0};
constexpr NodeId kBroker{1};

RegisterBrokerRecord registered() {
    RegisterBrokerRecord record;
    record.broker = kBroker;
    record.broker_epoch = BrokerEpoch{3};
    return record;
}
PartitionChangeRecord change_of(TopicPartition tp) {
    PartitionChangeRecord record;
    record.partition = tp;
    record.leader = kBroker;
    return record;
}
BrokerRegistrationChangeRecord unfence(NodeId broker, BrokerEpoch epoch) {
    BrokerRegistrationChangeRecord record;
    record.broker = broker;
    record.broker_epoch = epoch;
    record.fenced = false;
    return record;
}

ClusterImage image() {
    ClusterImage image;
    const MetadataRecord records[] = {registered(), TopicRecord{TopicId{0}, "t", {}},
                                      PartitionRecord{kTp, {}},
                                      ProducerIdsRecord{kBroker, BrokerEpoch{3}, ProducerId{1000}}};
    for (const MetadataRecord& record : records) EXPECT_EQ(replay(image, record), nullptr);
    return image;
}

TEST(cluster_image, says_what_does_not_fit_and_stays_as_it_is) {
    const MetadataRecord records[] = {
        unfence(NodeId{2}, BrokerEpoch{3}),
        unfence(kBroker, BrokerEpoch{4}),
        UnregisterBrokerRecord{NodeId{2}, BrokerEpoch{3}},
        UnregisterBrokerRecord{kBroker, BrokerEpoch{2}},
        TopicConfigRecord{TopicId{1}, {}},
        PartitionRecord{{TopicId{1}, 0}, {}},
        change_of({TopicId{1}, 0}),
        change_of({TopicId{0}, 1}),
        RemoveTopicRecord{TopicId{1}},
    };
    const ClusterImage before = image();
    for (const MetadataRecord& record : records) {
        ClusterImage after = before;
        EXPECT_NE(replay(after, record), nullptr) << record.index();
        EXPECT_EQ(after, before) << record.index();
    }
}

// As a broker has it (TopicsDelta, ProducerIdsDelta); a controller does not take it.
TEST(cluster_image, what_is_there_twice_takes_the_place_of_the_first) {
    ClusterImage twice = image();
    EXPECT_NE(replay(twice, TopicRecord{TopicId{4}, "t", {}}), nullptr);
    EXPECT_EQ(twice.topic("t")->id, TopicId{4});
    EXPECT_NE(replay(twice, ProducerIdsRecord{kBroker, BrokerEpoch{3}, ProducerId{1000}}), nullptr);
    EXPECT_NE(replay(twice, ProducerIdsRecord{kBroker, BrokerEpoch{3}, ProducerId{500}}), nullptr);
    EXPECT_EQ(twice.next_producer_id, ProducerId{500});
}

// QuorumMetaLogListener.handleCommit and handleLoadSnapshot: the fatal fault handler.
TEST(cluster_image, a_controller_that_cannot_replay_ends) {
    const auto halts = [](Controller c) {
        Outbox out;
        step(c, Input{TimerFired{timer(TimerKind::metadata_snapshot), 0}}, out);
        for (const Effect& effect : out.effects) {
            const auto* halt = std::get_if<Halt>(&effect);
            if (halt != nullptr) return std::string(halt->why);
        }
        return std::string{};
    };
    const std::vector<NodeId> voters{NodeId{100}, NodeId{101}, NodeId{102}};
    Controller c = make_controller(NodeId{100}, voters, {});
    const auto append = [&](MetadataRecord record) {
        c.raft.log.append({LeaderEpoch{1}, Shared<MetadataRecord>{std::move(record)}, true});
        c.raft.high_watermark = c.raft.log.end_offset;
    };
    append(TopicRecord{TopicId{0}, "t", {}});
    append(PartitionRecord{kTp, {}});
    EXPECT_EQ(halts(c), "");
    append(RemoveTopicRecord{TopicId{7}});
    EXPECT_EQ(halts(c), kCannotReplay.why);
    // A snapshot with a partition and without its topic.
    Controller loaded = make_controller(NodeId{100}, voters, {});
    loaded.raft.log.load(Shared<MetadataSnapshot>{
        MetadataSnapshot{{Offset{5}, LeaderEpoch{1}}, {}, {PartitionRecord{kTp, {}}}}});
    loaded.raft.high_watermark = Offset{5};
    EXPECT_EQ(halts(loaded), kCannotReplay.why);
}

}  // namespace
}  // namespace tribunal
