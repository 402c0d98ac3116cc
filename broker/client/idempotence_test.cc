// An idempotent producer, answered by hand: numbers, retries in order, new epochs.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

#include "broker/client/producer.h"

namespace tribunal {
namespace {

constexpr NodeId kBroker{1};
constexpr ProducerId kId{7};

struct Sent {
    std::int32_t correlation = 0;
    ProduceRequest request;
    // Of its only batch.
    const RecordBatch& batch() const { return request.partitions.front().batch; }
    std::string text() const {
        return std::to_string(batch().producer_epoch) + "/" + std::to_string(batch().base_sequence);
    }
};

// A producer whose every record is a batch of its own.
struct Fixture {
    Producer p;
    Outbox out;
    std::vector<Sent> sent;  // produce requests that nobody answered yet
    std::vector<std::pair<NodeId, std::int32_t>> id_requests;
    std::vector<SendCompleted> completed;

    explicit Fixture(ProducerRules rules = {}, std::int32_t partitions = 1) {
        p.id = NodeId{200};
        p.topic = "t";
        p.config.idempotence = true;
        p.config.rules = rules;
        p.config.linger = Duration{0};
        p.config.batch_size = 1;
        p.load.interval = milliseconds(1);
        p.load.partition = 0;
        p.metadata.bootstrap = {kBroker, NodeId{2}};
        p.metadata.topics = {"t"};
        give(Start{});
        hear_of(partitions);
    }
    // Metadata, asked for or not.
    void hear_of(std::int32_t partitions) {
        MetadataResponse metadata;
        metadata.brokers = {kBroker};
        MetadataTopic topic;
        topic.name = "t";
        topic.topic = TopicId{0};
        topic.partitions.resize(static_cast<std::size_t>(partitions));
        for (PartitionImage& image : topic.partitions) image.leader = kBroker;
        metadata.topics = {topic};
        p.metadata.in_flight = true;
        give(Deliver{{p.id, p.metadata.asked, Lane::metadata}, true, 1, metadata});
    }
    void give(Input input) {
        out.effects.clear();
        out.notes.clear();
        step(p, input, out);
        for (const Effect& effect : out.effects) {
            const auto* send = std::get_if<Send>(&effect);
            if (send == nullptr) continue;
            if (const auto* produce = send->message.get_if<ProduceRequest>()) {
                sent.push_back({send->correlation, *produce});
            }
            if (send->message.holds<InitProducerIdRequest>()) {
                id_requests.emplace_back(send->connection.server, send->correlation);
            }
        }
        for (const Note& note : out.notes) {
            if (const auto* done = std::get_if<SendCompleted>(&note)) completed.push_back(*done);
        }
    }
    void grant(ProducerId id = kId) {
        ASSERT_FALSE(id_requests.empty());
        const auto [broker, correlation] = id_requests.back();
        give(Deliver{{p.id, broker, Lane::producer_id},
                     true,
                     correlation,
                     InitProducerIdResponse{ErrorCode::none, id, 0}});
    }
    void record(std::int32_t partition = 0) {
        p.load.partition = partition;
        give(TimerFired{timer(TimerKind::load), 0});
    }
    void records(int n) {
        for (int i = 0; i < n; ++i) record();
    }
    // Answers the oldest request.
    void answer(ErrorCode error, std::int64_t offset = -1, std::int64_t log_start = 0) {
        ASSERT_FALSE(sent.empty());
        const Sent oldest = sent.front();
        sent.erase(sent.begin());
        ProduceResponse response;
        for (const ProducePartition& partition : oldest.request.partitions) {
            response.partitions.push_back(
                {partition.partition, error, Offset{offset}, Offset{log_start}});
        }
        give(Deliver{{p.id, kBroker, Lane::general}, true, oldest.correlation, response});
    }
    void lose_link() {
        sent.clear();
        give(ConnectionClosed{{p.id, kBroker, Lane::general}});
        give(TimerFired{timer(TimerKind::reconnect, 1)});
        retry();
    }
    void retry(std::uint64_t partition = 0) {
        give(TimerFired{timer(TimerKind::retry, partition)});
    }
    void expire() { give(TimerFired{timer(TimerKind::delivery, 0)}); }
    // "0/0 0/1": epoch and sequence of what is under way.
    std::string under_way() const {
        std::string text;
        for (const Sent& s : sent) text += (text.empty() ? "" : " ") + s.text();
        return text;
    }
    const PartitionSequences& sequences() const { return p.queues.front().sequences; }
};

ProducerRules before_kip360() {
    ProducerRules rules;
    rules.epoch_bump_recovers = false;
    return rules;
}

// A broker that is behind has not heard that the topic grew.
TEST(idempotence, partitions_that_metadata_forgets_keep_their_numbers_and_records) {
    Fixture f({}, 2);
    f.record(1);
    f.grant();
    EXPECT_EQ(f.under_way(), "0/0");
    f.answer(ErrorCode::none, 0);
    f.record(1);
    f.answer(ErrorCode::not_leader_or_follower);
    f.hear_of(1);
    f.record(0);
    f.retry(1);
    EXPECT_EQ(f.under_way(), "0/0") << "the one of partition 0";
    f.answer(ErrorCode::none, 0);
    f.hear_of(2);
    f.retry(1);
    EXPECT_EQ(f.under_way(), "0/1");
    f.answer(ErrorCode::none, 1);
    EXPECT_EQ(f.completed.size(), 3u);
}

TEST(idempotence, nothing_is_sent_before_the_producer_id_is_known) {
    Fixture f;
    f.records(2);
    EXPECT_EQ(f.under_way(), "");
    f.grant();
    EXPECT_EQ(f.under_way(), "0/0 0/1");
    EXPECT_EQ(f.sent.front().batch().producer_id, kId);
    EXPECT_TRUE(is_intact(f.sent.back().batch()));
    EXPECT_EQ(f.id_requests.size(), 1u);
}

TEST(idempotence, another_broker_is_asked_when_one_has_no_id_to_give) {
    Fixture f;
    ASSERT_EQ(f.id_requests.size(), 1u);
    f.give(Deliver{{f.p.id, kBroker, Lane::producer_id},
                   true,
                   f.id_requests.back().second,
                   InitProducerIdResponse{ErrorCode::coordinator_load_in_progress, {}, -1}});
    EXPECT_EQ(f.id_requests.size(), 1u) << "retry.backoff.ms comes first";
    f.give(TimerFired{timer(TimerKind::init_producer_id)});
    ASSERT_EQ(f.id_requests.size(), 2u);
    EXPECT_EQ(f.id_requests.back().first, NodeId{2});
    f.give(ConnectionClosed{{f.p.id, NodeId{2}, Lane::producer_id}});
    f.give(TimerFired{timer(TimerKind::init_producer_id)});
    ASSERT_EQ(f.id_requests.size(), 3u);
    EXPECT_EQ(f.id_requests.back().first, kBroker);
}

TEST(idempotence, what_a_broken_link_leaves_is_sent_again_in_order_and_one_at_a_time) {
    Fixture f;
    f.grant();
    f.records(5);
    EXPECT_EQ(f.under_way(), "0/0 0/1 0/2 0/3 0/4");
    f.lose_link();
    EXPECT_EQ(f.under_way(), "0/0");
    f.record();
    f.answer(ErrorCode::none, 0);
    EXPECT_EQ(f.under_way(), "0/1");
    for (int i = 1; i < 5; ++i) f.answer(ErrorCode::none, i);
    EXPECT_EQ(f.under_way(), "0/5") << "the new one comes last";
    ASSERT_EQ(f.completed.size(), 5u);
    for (std::size_t i = 0; i < 5; ++i) {
        EXPECT_EQ(f.completed[i].offset, Offset{static_cast<std::int64_t>(i)});
    }
}

TEST(idempotence, those_behind_a_refused_batch_are_sent_again_without_a_new_epoch) {
    Fixture f;
    f.grant();
    f.records(3);
    f.answer(ErrorCode::not_enough_replicas);
    f.answer(ErrorCode::out_of_order_sequence_number);
    f.answer(ErrorCode::out_of_order_sequence_number);
    f.retry();
    EXPECT_EQ(f.under_way(), "0/0");
    f.answer(ErrorCode::none, 0);
    EXPECT_EQ(f.under_way(), "0/1");
    f.answer(ErrorCode::none, 1);
    EXPECT_EQ(f.under_way(), "0/2");
    EXPECT_EQ(f.p.identity.epoch, 0);
}

TEST(idempotence, a_gap_right_behind_the_last_acknowledged_batch_is_mended_by_a_new_epoch) {
    Fixture f;
    f.grant();
    f.record();
    f.answer(ErrorCode::none, 0);
    f.records(3);
    EXPECT_EQ(f.under_way(), "0/1 0/2 0/3");
    f.answer(ErrorCode::out_of_order_sequence_number);
    EXPECT_EQ(f.p.identity.epoch, 1);
    // Their answers belong to the old numbers; they go again with the new ones.
    f.answer(ErrorCode::out_of_order_sequence_number);
    f.answer(ErrorCode::out_of_order_sequence_number);
    EXPECT_EQ(f.p.identity.epoch, 1) << "one bump mends all of them";
    f.retry();
    EXPECT_EQ(f.under_way(), "1/0");
    EXPECT_TRUE(is_intact(f.sent.front().batch()));
    f.answer(ErrorCode::none, 1);
    EXPECT_EQ(f.under_way(), "1/1");
    f.answer(ErrorCode::none, 2);
    EXPECT_EQ(f.under_way(), "1/2");
}

TEST(idempotence, before_kip360_a_gap_fails_the_batch_and_another_producer_goes_on) {
    Fixture f(before_kip360());
    f.grant();
    f.record();
    f.answer(ErrorCode::none, 0);
    f.records(2);
    f.answer(ErrorCode::out_of_order_sequence_number);
    ASSERT_EQ(f.completed.size(), 2u);
    EXPECT_EQ(f.completed.back().error, ErrorCode::out_of_order_sequence_number);
    f.answer(ErrorCode::out_of_order_sequence_number);
    EXPECT_EQ(f.completed.back().error, ErrorCode::out_of_order_sequence_number);
    EXPECT_EQ(f.completed.size(), 3u);
    f.record();
    EXPECT_EQ(f.under_way(), "");
    f.grant(ProducerId{8});
    EXPECT_EQ(f.under_way(), "0/0");
    EXPECT_EQ(f.sent.front().batch().producer_id, ProducerId{8});
}

TEST(idempotence, an_unknown_producer_begins_again_under_a_new_epoch) {
    Fixture f;
    f.grant();
    f.record();
    f.answer(ErrorCode::none, 9);
    f.records(2);
    f.answer(ErrorCode::unknown_producer_id);
    f.answer(ErrorCode::unknown_producer_id);
    f.retry();
    EXPECT_EQ(f.under_way(), "1/0");
    f.answer(ErrorCode::none, 10);
    EXPECT_EQ(f.under_way(), "1/1");
}

TEST(idempotence, before_kip360_retention_is_told_from_loss_by_the_log_start) {
    Fixture deleted(before_kip360());
    deleted.grant();
    deleted.record();
    deleted.answer(ErrorCode::none, 9);
    deleted.records(2);
    EXPECT_EQ(deleted.under_way(), "0/1 0/2");
    deleted.answer(ErrorCode::unknown_producer_id, -1, 10);
    deleted.answer(ErrorCode::unknown_producer_id, -1, 10);
    deleted.retry();
    EXPECT_EQ(deleted.under_way(), "0/0");
    deleted.answer(ErrorCode::none, 10);
    EXPECT_EQ(deleted.under_way(), "0/1");

    Fixture lost(before_kip360());
    lost.grant();
    lost.record();
    lost.answer(ErrorCode::none, 9);
    lost.records(2);
    lost.answer(ErrorCode::unknown_producer_id, -1, 5);
    ASSERT_EQ(lost.completed.size(), 2u);
    EXPECT_EQ(lost.completed.back().error, ErrorCode::unknown_producer_id);
    EXPECT_EQ(lost.sequences().next_sequence, 2) << "those behind it move up";
}

// KAFKA-8483: five in flight, the first is acknowledged, the next two come back: what is numbered
// anew is numbered in the order of the list that tracks it.
std::vector<std::int64_t> order_after_renumbering(bool renumbers_in_order) {
    ProducerRules rules = before_kip360();
    rules.renumbers_in_order = renumbers_in_order;
    Fixture f(rules);
    f.grant();
    f.records(5);
    f.answer(ErrorCode::none, 0);
    for (int i = 0; i < 4; ++i) f.answer(ErrorCode::unknown_producer_id, -1, 1);
    std::vector<std::int64_t> order;
    for (int i = 0; i < 4; ++i) {
        f.retry();
        EXPECT_EQ(f.sent.size(), 1u);
        if (f.sent.size() != 1) break;
        EXPECT_EQ(f.sent.front().text(), "0/" + std::to_string(i));
        for_each_record(f.sent.front().batch(),
                        [&](const RecordView& record) { order.push_back(record.uid.value); });
        f.answer(ErrorCode::none, 1 + i);
    }
    return order;
}

TEST(idempotence, batches_are_numbered_anew_in_their_order_and_not_in_that_of_a_heap) {
    EXPECT_EQ(order_after_renumbering(true), (std::vector<std::int64_t>{1, 2, 3, 4}));
    EXPECT_EQ(order_after_renumbering(false), (std::vector<std::int64_t>{1, 3, 2, 4}));
}

TEST(idempotence, a_batch_given_up_with_unknown_outcome_costs_an_epoch) {
    Fixture f;
    f.grant();
    f.record();
    f.answer(ErrorCode::none, 0);
    f.record();
    f.lose_link();
    EXPECT_EQ(f.under_way(), "0/1");
    f.expire();
    ASSERT_EQ(f.completed.size(), 2u);
    EXPECT_TRUE(f.completed.back().unknown);
    f.record();
    EXPECT_EQ(f.under_way(), "0/1 1/0") << "nothing else was in flight, so at once";
}

TEST(idempotence, nothing_new_is_numbered_while_what_was_given_up_is_unresolved) {
    Fixture f;
    f.grant();
    f.records(2);
    f.lose_link();
    f.expire();  // the first; the second is in flight still, waiting for its turn
    f.record();
    EXPECT_EQ(f.under_way(), "0/0 0/1") << "the retry may go, the new one not";
    f.sent.erase(f.sent.begin());
    EXPECT_TRUE(f.sequences().unresolved.has_value());

    // The broker has the first after all: then the second is the proof.
    Fixture g = f;
    g.p.links[kBroker].in_flight.erase(g.p.links[kBroker].in_flight.begin());
    g.answer(ErrorCode::none, 1);
    EXPECT_EQ(g.under_way(), "0/2");
    EXPECT_EQ(g.p.identity.epoch, 0);

    // It has not: the second is refused, and both it and the new one begin again.
    f.p.links[kBroker].in_flight.erase(f.p.links[kBroker].in_flight.begin());
    f.answer(ErrorCode::out_of_order_sequence_number);
    f.retry();
    EXPECT_EQ(f.under_way(), "1/0 1/1");
}

TEST(idempotence, a_late_acknowledgement_of_a_batch_given_up_resolves_it) {
    Fixture f;
    f.grant();
    f.record();
    f.lose_link();
    f.record();
    f.expire();
    EXPECT_EQ(f.under_way(), "0/0 0/1");
    EXPECT_EQ(f.sequences().unresolved, 1);
    f.answer(ErrorCode::none, 0);
    EXPECT_EQ(f.completed.size(), 1u) << "the application has been told already";
    f.record();
    EXPECT_EQ(f.under_way(), "0/1");
    f.answer(ErrorCode::none, 1);
    EXPECT_EQ(f.under_way(), "0/2");
    EXPECT_EQ(f.p.identity.epoch, 0);
}

TEST(idempotence, a_duplicate_that_the_broker_cannot_place_is_done_without_an_offset) {
    Fixture f;
    f.grant();
    f.record();
    f.answer(ErrorCode::duplicate_sequence_number);
    ASSERT_EQ(f.completed.size(), 1u);
    EXPECT_EQ(f.completed.back().error, ErrorCode::none);
    EXPECT_EQ(f.completed.back().offset, kNoOffset);
    f.record();
    EXPECT_EQ(f.under_way(), "0/1");
}

TEST(idempotence, a_batch_that_the_broker_refuses_for_good_frees_its_numbers) {
    Fixture f;
    f.grant();
    f.records(3);
    f.answer(ErrorCode::message_too_large);
    EXPECT_EQ(f.p.identity.epoch, 1);
    f.answer(ErrorCode::out_of_order_sequence_number);
    f.answer(ErrorCode::out_of_order_sequence_number);
    f.retry();
    EXPECT_EQ(f.under_way(), "1/0");

    Fixture old(before_kip360());
    old.grant();
    old.records(3);
    old.answer(ErrorCode::message_too_large);
    old.answer(ErrorCode::out_of_order_sequence_number);
    old.answer(ErrorCode::out_of_order_sequence_number);
    old.retry();
    EXPECT_EQ(old.under_way(), "0/0") << "the second takes the place of the first";
}

TEST(idempotence, another_partition_keeps_the_old_epoch_until_it_has_nothing_in_flight) {
    Fixture f({}, 2);
    f.grant();
    f.record(0);
    f.answer(ErrorCode::none, 0);
    f.record(0);
    f.record(1);
    ASSERT_EQ(f.under_way(), "0/1 0/0");
    f.answer(ErrorCode::out_of_order_sequence_number);  // of partition 0
    EXPECT_EQ(f.p.identity.epoch, 1);
    f.record(1);
    EXPECT_EQ(f.under_way(), "0/0") << "the next of partition 1 waits";
    f.answer(ErrorCode::none, 0);
    EXPECT_EQ(f.under_way(), "1/0") << "and begins the new epoch at 0";
}

TEST(idempotence, sequences_start_over_after_the_largest) {
    Fixture f;
    f.grant();
    f.record();
    f.answer(ErrorCode::none, 0);
    f.p.queues.front().sequences.next_sequence = INT32_MAX;
    f.records(2);
    EXPECT_EQ(f.under_way(), "0/2147483647 0/0");
}

TEST(idempotence, a_retry_keeps_its_numbers_when_the_link_breaks_again_and_again) {
    Fixture f;
    f.grant();
    f.records(3);
    for (int i = 0; i < 4; ++i) f.lose_link();
    EXPECT_EQ(f.under_way(), "0/0");
    EXPECT_EQ(f.sequences().in_flight.size(), 3u);
}

// The heap of KAFKA-8483 is java.util.PriorityQueue: its head is always the smallest.
RC_GTEST_PROP(sequences, tracked_batches_have_the_smallest_at_their_head, (bool sorted)) {
    PartitionSequences s;
    std::vector<std::int32_t> model;
    std::uint32_t next = 0;
    for (const auto step : *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 3))) {
        if (step > 0 || model.empty()) {
            const auto sequence = *rc::gen::inRange(0, 1000);
            if (std::find(model.begin(), model.end(), sequence) != model.end()) continue;
            s.track({next++, {kId, 0}, sequence, 1}, sorted);
            model.push_back(sequence);
        } else {
            const auto i = *rc::gen::inRange<std::size_t>(0, s.in_flight.size());
            const NumberedBatch gone = s.in_flight[i];
            RC_ASSERT(s.untrack(gone.batch, sorted));
            std::erase(model, gone.base_sequence);
        }
        RC_ASSERT(s.in_flight.size() == model.size());
        if (model.empty()) continue;
        RC_ASSERT(s.in_flight.front().base_sequence ==
                  *std::min_element(model.begin(), model.end()));
        const auto by_sequence = [](const NumberedBatch& a, const NumberedBatch& b) {
            return a.base_sequence < b.base_sequence;
        };
        if (sorted) {
            RC_ASSERT(std::is_sorted(s.in_flight.begin(), s.in_flight.end(), by_sequence));
        }
    }
}

}  // namespace
}  // namespace tribunal
