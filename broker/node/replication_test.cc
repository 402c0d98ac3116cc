// Replication as a whole broker shows it: a fetch that diverges, consumers that read from a
// follower, what a leader answers about offsets and epochs, and the end in good order.
#include <gtest/gtest.h>

#include "broker/node/broker.h"

namespace tribunal {
namespace {

constexpr TopicPartition kTp{TopicId{0}, 0};
constexpr NodeId kConsumer{1000};
constexpr NodeId kController{100};

// Broker 1 of three, registered and serving; the rack of broker N is "rack-N".
struct Fixture {
    Broker b;
    Outbox out;

    Fixture() {
        b.id = NodeId{1};
        b.voters = {kController};
        b.controller = kController;
        b.metadata_source = kController;
        b.registration = Registration::registered;
        b.broker_epoch = BrokerEpoch{1};
        b.serving = true;
        b.fenced = false;
        b.image_offset = Offset{10};
        for (int i = 1; i <= 3; ++i) {
            BrokerRegistration& broker = b.image.brokers[NodeId{i}];
            broker.epoch = BrokerEpoch{i};
            broker.fenced = false;
            broker.rack = "rack-" + std::to_string(i);
            b.image.alive[NodeId{i}] = BrokerEpoch{i};
            b.image.active[NodeId{i}] = BrokerEpoch{i};
        }
        Partition p;
        p.id = kTp;
        p.self = b.id;
        b.partitions[kTp].partition = Shared<Partition>{std::move(p)};
    }
    Partition& p() { return *edit_partition(b, kTp); }
    static PartitionImage image(int leader, int epoch) {
        PartitionImage image;
        image.replicas = {NodeId{1}, NodeId{2}, NodeId{3}};
        image.isr = {NodeId{1}, NodeId{2}, NodeId{3}};
        image.leader = NodeId{leader};
        image.leader_epoch = LeaderEpoch{epoch};
        return image;
    }
    void lead(int epoch) {
        ReplicationContext context = context_of(b, out);
        become_leader(p(), image(1, epoch), context);
    }
    void follow(int leader, int epoch) {
        ReplicationContext context = context_of(b, out);
        become_follower(p(), image(leader, epoch), context);
        tribunal::follow(b, kTp, NodeId{leader}, out);
    }
    void append(int epoch, int records) {
        for (int i = 0; i < records; ++i) {
            BatchBuilder builder;
            Record record;
            record.value = "v";
            builder.append(record);
            RecordBatch batch = builder.close();
            batch.base_offset = p().log.log_end_offset;
            batch.leader_epoch = LeaderEpoch{epoch};
            p().log.append(batch);
        }
    }
    // The last message of a kind that the broker has sent.
    template <class M>
    const M* sent() const {
        const M* found = nullptr;
        for (const Effect& effect : out.effects) {
            const auto* send = std::get_if<Send>(&effect);
            const M* m = send == nullptr ? nullptr : send->message.get_if<M>();
            if (m != nullptr) found = m;
        }
        return found;
    }
    void take(const Input& input) {
        out.effects.clear();
        out.notes.clear();
        step(b, input, out);
    }
    // A fetch of a session of its own; waits for nothing.
    const FetchResponse* fetch(NodeId from, FetchPartition fetch, const std::string& rack = "",
                               Duration max_wait = Duration{0}, std::int32_t max_bytes = 1 << 20) {
        FetchRequest request;
        request.max_wait = max_wait;
        request.max_bytes = max_bytes;
        request.rack = rack;
        if (from < kController) {
            request.replica = from;
            request.replica_epoch = BrokerEpoch{from.value};
        }
        request.partitions = {fetch};
        take(Input{Deliver{{from, b.id, Lane::fetch}, false, 1, request}});
        return sent<FetchResponse>();
    }
    static FetchPartition at(std::int64_t offset, int epoch, int last_epoch = -1) {
        FetchPartition fetch;
        fetch.partition = kTp;
        fetch.fetch_offset = Offset{offset};
        fetch.log_start_offset = Offset{0};
        fetch.current_leader_epoch = LeaderEpoch{epoch};
        fetch.last_fetched_epoch = LeaderEpoch{last_epoch};
        return fetch;
    }
    // What leader 2 answers to this broker's fetch.
    void answer(FetchPartitionResponse r) {
        FetchResponse response;
        r.partition = kTp;
        response.partitions = {std::move(r)};
        const std::int32_t correlation = b.fetchers.find(NodeId{2})->in_flight;
        take(Input{Deliver{{b.id, NodeId{2}, Lane::fetch}, true, correlation, response}});
    }
};

// --- KIP-595 ------------------------------------------------------------------------------------

TEST(divergence, a_follower_fetches_truncates_and_fetches_again) {
    Fixture f;
    f.append(1, 3);
    f.append(2, 3);
    f.follow(2, 5);
    ASSERT_NE(f.sent<FetchRequest>(), nullptr) << "nothing is asked first";
    EXPECT_EQ(f.sent<FetchRequest>()->partitions[0].fetch_offset, Offset{6});
    EXPECT_EQ(f.sent<FetchRequest>()->partitions[0].last_fetched_epoch, LeaderEpoch{2});
    FetchPartitionResponse r;
    r.high_watermark = Offset{9};
    r.diverging_epoch = {LeaderEpoch{1}, Offset{2}};
    f.answer(r);
    EXPECT_EQ(f.p().log.log_end_offset, Offset{2});
    ASSERT_NE(f.sent<FetchRequest>(), nullptr);
    EXPECT_EQ(f.sent<FetchRequest>()->partitions[0].fetch_offset, Offset{2});
    EXPECT_EQ(f.sent<FetchRequest>()->partitions[0].last_fetched_epoch, LeaderEpoch{1});
}

TEST(divergence, an_older_follower_asks_first) {
    Fixture f;
    f.b.config.rules.truncation = TruncationRule::kip320;
    f.append(1, 3);
    f.follow(2, 5);
    EXPECT_EQ(f.sent<FetchRequest>(), nullptr);
    ASSERT_NE(f.sent<OffsetsForLeaderEpochRequest>(), nullptr);
    EXPECT_EQ(f.sent<OffsetsForLeaderEpochRequest>()->partitions[0].leader_epoch, LeaderEpoch{1});
}

TEST(divergence, a_leader_answers_it_at_once) {
    Fixture f;
    f.append(1, 3);
    f.lead(5);
    const FetchResponse* response = f.fetch(NodeId{2}, Fixture::at(5, 5, 1), "", seconds(1));
    ASSERT_NE(response, nullptr);
    ASSERT_EQ(response->partitions.size(), 1u);
    EXPECT_EQ(response->partitions[0].error, ErrorCode::none);
    EXPECT_EQ(response->partitions[0].diverging_epoch, (DivergingEpoch{LeaderEpoch{1}, Offset{3}}));
    EXPECT_TRUE(response->partitions[0].batches.empty());
}

// KAFKA-14704: a follower that takes the high watermark in before it truncates shows consumers
// records that are about to go.
TEST(divergence, the_high_watermark_waits_for_the_truncation) {
    for (const bool rule : {true, false}) {
        Fixture f;
        f.b.config.rules.diverging_fetch_keeps_high_watermark = rule;
        f.append(1, 3);
        f.append(2, 3);
        f.p().high_watermark = Offset{2};
        f.follow(2, 5);
        EXPECT_EQ(f.fetch(kConsumer, Fixture::at(2, 5), "", seconds(1)), nullptr) << "it waits";
        FetchPartitionResponse r;
        r.high_watermark = Offset{9};
        r.diverging_epoch = {LeaderEpoch{1}, Offset{3}};
        f.answer(r);
        EXPECT_EQ(f.p().log.log_end_offset, Offset{3});
        const FetchResponse* response = f.sent<FetchResponse>();
        EXPECT_EQ(response != nullptr, !rule);
        if (response == nullptr) continue;
        ASSERT_EQ(response->partitions[0].batches.size(), 4u);
        EXPECT_EQ(response->partitions[0].batches.back().leader_epoch, LeaderEpoch{2});
    }
}

// --- KIP-392 ------------------------------------------------------------------------------------

TEST(closest_replica, is_told_to_a_consumer_in_another_rack) {
    struct Case {
        const char* name;
        std::string rack;
        std::int64_t offset;
        NodeId preferred;
        void (*change)(Fixture& f);
    };
    const auto nothing = [](Fixture&) {};
    const Case cases[] = {
        {"in the rack of an in-sync follower", "rack-2", 1, NodeId{2}, nothing},
        {"in the leader's rack", "rack-1", 1, kNoNode, nothing},
        {"in no rack", "", 1, kNoNode, nothing},
        {"in a rack without replica", "rack-9", 1, kNoNode, nothing},
        {"beyond what the follower has fetched", "rack-3", 3, kNoNode, nothing},
        {"what the follower has", "rack-3", 2, NodeId{3}, nothing},
        {"a follower that is out of sync", "rack-2", 1, kNoNode,
         [](Fixture& f) { f.p().leader()->isr.erase(NodeId{2}); }},
        {"the most caught up of a rack", "rack-3", 1, NodeId{2},
         [](Fixture& f) { f.b.image.brokers.find(NodeId{2})->rack = "rack-3"; }},
        {"without the selector", "rack-2", 1, kNoNode,
         [](Fixture& f) { f.b.config.replica_selector_rack_aware = false; }},
        {"before KIP-392", "rack-2", 1, kNoNode,
         [](Fixture& f) { f.b.config.rules.fetch_from_follower = false; }},
    };
    for (const Case& c : cases) {
        Fixture f;
        f.b.config.replica_selector_rack_aware = true;
        f.append(5, 3);
        f.lead(5);
        f.fetch(NodeId{2}, Fixture::at(3, 5));
        f.fetch(NodeId{3}, Fixture::at(2, 5));
        c.change(f);
        const FetchResponse* response = f.fetch(kConsumer, Fixture::at(c.offset, 5), c.rack);
        ASSERT_NE(response, nullptr) << c.name;
        if (c.preferred == kNoNode && response->partitions.empty()) continue;
        ASSERT_EQ(response->partitions.size(), 1u) << c.name;
        EXPECT_EQ(response->partitions[0].preferred_read_replica, c.preferred) << c.name;
        EXPECT_EQ(response->partitions[0].batches.empty(),
                  c.preferred != kNoNode || c.offset >= f.p().high_watermark.value)
            << c.name;
    }
}

TEST(closest_replica, a_follower_serves_up_to_its_high_watermark) {
    Fixture f;
    f.append(5, 5);
    f.p().high_watermark = Offset{3};
    f.follow(2, 5);
    const auto error = [&](std::int64_t offset, int epoch) {
        const FetchResponse* r = f.fetch(kConsumer, Fixture::at(offset, epoch));
        return r == nullptr || r->partitions.empty() ? ErrorCode::none : r->partitions[0].error;
    };
    const FetchResponse* response = f.fetch(kConsumer, Fixture::at(0, 5));
    ASSERT_NE(response, nullptr);
    EXPECT_EQ(response->partitions[0].batches.size(), 3u);
    EXPECT_EQ(response->partitions[0].high_watermark, Offset{3});
    EXPECT_EQ(error(4, 5), ErrorCode::none) << "above the high watermark: nothing yet";
    EXPECT_EQ(error(6, 5), ErrorCode::offset_out_of_range);
    EXPECT_EQ(error(0, 4), ErrorCode::fenced_leader_epoch);
    EXPECT_EQ(error(0, 6), ErrorCode::unknown_leader_epoch);
    // Other followers fetch from the leader only.
    EXPECT_EQ(f.fetch(NodeId{3}, Fixture::at(0, 5))->partitions[0].error,
              ErrorCode::not_leader_or_follower);
    f.b.config.rules.fetch_from_follower = false;
    EXPECT_EQ(error(0, 5), ErrorCode::not_leader_or_follower);
}

// KIP-74: the first batch goes out whatever the limits say.
TEST(fetch, gives_the_first_batch_even_to_who_wants_no_bytes) {
    Fixture f;
    f.append(5, 5);
    f.p().high_watermark = Offset{5};
    f.lead(5);
    for (const std::int32_t max_bytes : {0, 1}) {
        const FetchResponse* response =
            f.fetch(kConsumer, Fixture::at(2, 5), "", Duration{0}, max_bytes);
        ASSERT_NE(response, nullptr);
        ASSERT_EQ(response->partitions.size(), 1u) << max_bytes;
        EXPECT_EQ(response->partitions[0].batches.size(), 1u) << max_bytes;
    }
}

TEST(closest_replica, a_consumer_that_waits_at_a_follower_is_told_of_what_is_committed) {
    Fixture f;
    f.append(5, 5);
    f.p().high_watermark = Offset{3};
    f.follow(2, 5);
    EXPECT_EQ(f.fetch(kConsumer, Fixture::at(3, 5), "", seconds(1)), nullptr);
    FetchPartitionResponse r;
    r.high_watermark = Offset{4};
    f.answer(r);
    ASSERT_NE(f.sent<FetchResponse>(), nullptr);
    EXPECT_EQ(f.sent<FetchResponse>()->partitions[0].batches.size(), 1u);
}

// --- what a leader answers ----------------------------------------------------------------------

TEST(list_offsets, kip207_a_new_leader_withholds_the_end_until_its_own_epoch_is_committed) {
    for (const bool rule : {true, false}) {
        Fixture f;
        f.b.config.rules.list_offsets_waits_for_own_epoch = rule;
        f.append(1, 5);
        f.p().high_watermark = Offset{3};
        f.lead(5);
        ListOffsetsRequest request;
        request.partition = kTp;
        const auto ask = [&] {
            f.take(Input{Deliver{{kConsumer, f.b.id, Lane::general}, false, 1, request}});
            return *f.sent<ListOffsetsResponse>();
        };
        EXPECT_EQ(ask().error, rule ? ErrorCode::offset_not_available : ErrorCode::none);
        EXPECT_EQ(ask().offset, rule ? kNoOffset : Offset{3});
        f.p().high_watermark = Offset{5};
        EXPECT_EQ(ask().offset, Offset{5});
        f.p().high_watermark = Offset{3};
        request.timestamp = kEarliestTimestamp;
        EXPECT_EQ(ask().error, ErrorCode::none) << "the beginning is never in doubt";
    }
}

TEST(offsets_for_leader_epoch, kip320_are_told_in_the_epoch_that_the_follower_means) {
    for (const bool rule : {true, false}) {
        Fixture f;
        f.b.config.rules.offsets_for_epoch_checks_leader_epoch = rule;
        f.append(1, 5);
        f.lead(5);
        OffsetsForLeaderEpochRequest request;
        request.replica = NodeId{2};
        request.partitions = {{kTp, LeaderEpoch{7}, LeaderEpoch{1}}};
        f.take(Input{Deliver{{NodeId{2}, f.b.id, Lane::fetch}, false, 1, request}});
        const EpochEndOffset& answer = f.sent<OffsetsForLeaderEpochResponse>()->partitions[0];
        EXPECT_EQ(answer.error, rule ? ErrorCode::unknown_leader_epoch : ErrorCode::none);
        EXPECT_EQ(answer.end_offset, rule ? kNoOffset : Offset{5});
    }
}

// --- metadata that the quorum has lost ----------------------------------------------------------

struct Metadata : Fixture {
    Metadata() { b.image_epoch = LeaderEpoch{4}; }
    void answer(MetadataFetchResponse response, Offset end, int epoch) {
        response.leader = kController;
        response.leader_epoch = LeaderEpoch{5};
        response.base_offset = b.image_offset;
        response.end_offset = end;
        response.last_epoch = LeaderEpoch{epoch};
        take(Input{Deliver{{b.id, kController, Lane::metadata_fetch}, true, 1, response}});
    }
    bool halts() const {
        for (const Effect& effect : out.effects) {
            if (std::holds_alternative<Halt>(effect)) return true;
        }
        return false;
    }
};

// KAFKA-12460: a broker's raft client neither cuts its log below the high watermark nor puts a
// snapshot in place of what is newer.
TEST(lost_metadata, a_broker_that_has_more_than_the_quorum_ends) {
    MetadataFetchResponse diverges;
    diverges.diverges = true;
    MetadataFetchResponse snapshot;
    snapshot.is_snapshot = true;
    struct Case {
        const char* name;
        MetadataFetchResponse response;
        Offset end;
        int epoch;
        bool halts;
    };
    const Case cases[] = {
        {"records", {}, Offset{12}, 5, false},        {"diverges", diverges, Offset{10}, 4, true},
        {"snapshot", snapshot, Offset{12}, 5, false}, {"shorter", snapshot, Offset{9}, 5, true},
        {"older", snapshot, Offset{12}, 3, true},
    };
    for (const Case& c : cases) {
        Metadata f;
        f.answer(c.response, c.end, c.epoch);
        EXPECT_EQ(f.halts(), c.halts) << c.name;
        if (c.halts) continue;
        const auto* next = f.sent<MetadataFetchRequest>();
        ASSERT_NE(next, nullptr) << c.name;
        EXPECT_EQ(next->fetch_offset, c.end) << c.name;
        EXPECT_EQ(next->last_epoch, LeaderEpoch{c.epoch}) << c.name;
    }
}

// MetadataLoader's fault handler logs, on a broker, and the next record is loaded.
TEST(lost_metadata, a_broker_goes_on_without_a_record_that_does_not_fit) {
    Metadata f;
    MetadataFetchResponse response;
    const MetadataRecord records[] = {
        RemoveTopicRecord{TopicId{70}}, TopicConfigRecord{TopicId{70}, {}},
        UnregisterBrokerRecord{NodeId{2}, BrokerEpoch{99}}, TopicRecord{TopicId{3}, "new", {}}};
    for (const MetadataRecord& record : records) response.records.emplace_back(record);
    f.answer(response, Offset{14}, 5);
    EXPECT_FALSE(f.halts());
    EXPECT_NE(f.b.image.topic("new"), nullptr);
    EXPECT_TRUE(f.b.image.brokers.contains(NodeId{2}));
    EXPECT_EQ(f.b.image_offset, Offset{14});
}

// --- controlled shutdown ------------------------------------------------------------------------

struct Shutdown : Fixture {
    const BrokerHeartbeatRequest* heartbeat() const { return sent<BrokerHeartbeatRequest>(); }
    void answer_heartbeat(bool should_shut_down) {
        BrokerHeartbeatResponse response;
        response.is_caught_up = true;
        response.is_fenced = false;
        response.should_shut_down = should_shut_down;
        take(Input{Deliver{{b.id, kController, Lane::heartbeat}, true, 1, response}});
    }
    const Halt* halted() const {
        for (const Effect& effect : out.effects) {
            if (const auto* halt = std::get_if<Halt>(&effect)) return halt;
        }
        return nullptr;
    }
};

TEST(controlled_shutdown, waits_for_the_controller_and_leaves_a_clean_shutdown_file) {
    Shutdown f;
    f.append(1, 4);
    f.p().high_watermark = Offset{4};
    f.take(Input{Stop{}});
    ASSERT_NE(f.heartbeat(), nullptr);
    EXPECT_TRUE(f.heartbeat()->want_shut_down);
    f.answer_heartbeat(false);
    EXPECT_EQ(f.halted(), nullptr);
    f.take(Input{TimerFired{timer(TimerKind::heartbeat)}});
    ASSERT_NE(f.heartbeat(), nullptr);
    f.answer_heartbeat(true);
    ASSERT_NE(f.halted(), nullptr);
    EXPECT_TRUE(f.halted()->clean);
    EXPECT_EQ(f.p().checkpointed_high_watermark, Offset{4});

    // The next life proves by it that nothing is lost; a life that ends otherwise proves nothing.
    Broker next = restart(f.b);
    Outbox out;
    step(next, Input{Start{2, false}}, out);
    EXPECT_EQ(next.previous_broker_epoch, BrokerEpoch{1});
    Broker killed = restart(next);
    step(killed, Input{Start{3, false}}, out);
    EXPECT_EQ(killed.previous_broker_epoch, BrokerEpoch{-1});
}

TEST(controlled_shutdown, announces_itself_as_soon_as_a_heartbeat_under_way_is_answered) {
    Shutdown f;
    f.take(Input{TimerFired{timer(TimerKind::heartbeat)}});
    EXPECT_FALSE(f.heartbeat()->want_shut_down);
    f.take(Input{Stop{}});
    EXPECT_EQ(f.heartbeat(), nullptr);
    f.answer_heartbeat(false);
    ASSERT_NE(f.heartbeat(), nullptr);
    EXPECT_TRUE(f.heartbeat()->want_shut_down);
}

TEST(controlled_shutdown, does_not_wait_when_it_is_switched_off_or_nobody_knows_the_broker) {
    Shutdown off;
    off.b.config.controlled_shutdown_enable = false;
    off.take(Input{Stop{}});
    EXPECT_NE(off.halted(), nullptr);
    Shutdown starting;
    starting.b.registration = Registration::none;
    starting.take(Input{Stop{}});
    EXPECT_NE(starting.halted(), nullptr);
    Shutdown silent;
    silent.take(Input{Stop{}});
    silent.take(Input{TimerFired{timer(TimerKind::controlled_shutdown)}});
    ASSERT_NE(silent.halted(), nullptr) << "a controller that never answers";
    EXPECT_TRUE(silent.halted()->clean);
}

}  // namespace
}  // namespace tribunal
