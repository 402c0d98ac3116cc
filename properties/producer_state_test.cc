// Producer state: the rules that changed, and a log against what its batches say (S12) through
// appends, truncation, snapshots, retention and restarts.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <rapidcheck/state.h>

#include "properties/producer_rebuild.h"

namespace tribunal {
namespace {

constexpr ProducerId kId{1000};

RecordBatch batch_of(ProducerId id, std::int16_t epoch, std::int32_t sequence, int records = 1,
                     bool transactional = false) {
    BatchBuilder builder;
    for (int i = 0; i < records; ++i) {
        Record record;
        record.value = "v";
        builder.append(record);
    }
    RecordBatch batch = builder.close(id, epoch, sequence);
    if (transactional) batch.attributes |= attribute::kTransactional;
    return batch;
}

void append(ReplicaLog& log, RecordBatch batch) {
    batch.base_offset = log.log_end_offset;
    batch.leader_epoch = LeaderEpoch{0};
    log.append(std::move(batch));
}

TEST(producer_state, the_window_is_as_wide_as_the_rule_says) {
    ReplicaLog log;
    for (int i = 0; i < 7; ++i) append(log, batch_of(kId, 0, i));
    Rules rules;
    const auto known = [&](std::int32_t sequence) {
        return log.producers.find_duplicate(batch_of(kId, 0, sequence), rules) != nullptr;
    };
    EXPECT_TRUE(known(2));
    EXPECT_FALSE(known(1));
    EXPECT_EQ(log.producers.find_duplicate(batch_of(kId, 0, 3), rules)->first_offset(), Offset{3});
    rules.dedup_window = 1;  // 0.11
    EXPECT_TRUE(known(6));
    EXPECT_FALSE(known(5));
    rules.dedup_window = 0;  // Redpanda before its issue 3039
    EXPECT_FALSE(known(6));
    EXPECT_EQ(log.producers.check(batch_of(kId, 0, 6), AppendOrigin::client, rules),
              ErrorCode::out_of_order_sequence_number);
}

struct Case {
    const char* name;
    std::int16_t epoch;
    std::int32_t sequence;
    ErrorCode now;
    ErrorCode before_kip360;
};

TEST(producer_state, what_is_unknown_may_start_anywhere_since_kip360) {
    using enum ErrorCode;
    const Case of_nobody[] = {
        {"a new producer", 0, 0, none, none},
        {"one whose beginning is gone", 0, 5, none, unknown_producer_id},
    };
    const Case of_a_marker[] = {
        {"the next transaction from 0", 3, 0, none, none},
        {"a later batch", 3, 5, out_of_order_sequence_number, unknown_producer_id},
        {"an older epoch", 2, 0, invalid_producer_epoch, invalid_producer_epoch},
        {"a newer epoch from 0", 4, 0, none, none},
        {"a newer epoch from elsewhere", 4, 1, out_of_order_sequence_number,
         out_of_order_sequence_number},
    };
    Rules old;
    old.unknown_producer_starts_anywhere = false;
    ReplicaLog empty;
    ReplicaLog marked;
    append(marked, marker_batch(kId, 3, {true, 1}, Timestamp{}));
    const auto expect = [&](const ReplicaLog& log, const Case& c) {
        const RecordBatch batch = batch_of(kId, c.epoch, c.sequence);
        EXPECT_EQ(log.producers.check(batch, AppendOrigin::client, Rules{}), c.now) << c.name;
        EXPECT_EQ(log.producers.check(batch, AppendOrigin::client, old), c.before_kip360) << c.name;
    };
    for (const Case& c : of_nobody) expect(empty, c);
    for (const Case& c : of_a_marker) expect(marked, c);
}

TEST(producer_state, retention_leaves_producers_alone_unless_the_old_rule_evicts_them) {
    ReplicaLog log;
    append(log, batch_of(kId, 0, 0, 3));
    append(log, batch_of(ProducerId{1001}, 0, 0));
    log.advance_start(Offset{3});
    EXPECT_NE(log.producers.producer(kId), nullptr);
    log.producers.evict_below(Offset{3});  // before KAFKA-7190
    EXPECT_EQ(log.producers.producer(kId), nullptr);
    EXPECT_NE(log.producers.producer(ProducerId{1001}), nullptr);
}

TEST(producer_state, a_transaction_is_unstable_until_its_marker_is_replicated) {
    ReplicaLog log;
    append(log, batch_of(kId, 0, 0, 2, true));
    append(log, batch_of(ProducerId{1001}, 0, 0));
    EXPECT_EQ(log.producers.first_unstable_offset(), Offset{0});
    append(log, marker_batch(kId, 0, {false, 1}, Timestamp{}));
    EXPECT_EQ(log.producers.first_undecided_offset(), std::nullopt);
    EXPECT_EQ(log.producers.first_unstable_offset(), Offset{0});
    log.producers.on_high_watermark(Offset{3});
    EXPECT_EQ(log.producers.first_unstable_offset(), Offset{0});
    log.producers.on_high_watermark(Offset{4});
    EXPECT_EQ(log.producers.first_unstable_offset(), std::nullopt);
}

TEST(producer_state, a_log_without_producers_keeps_nothing) {
    ReplicaLog log;
    for (int i = 0; i < 5; ++i) append(log, batch_of(kNoProducerId, -1, -1));
    log.truncate_to(Offset{3});
    log.advance_start(Offset{1});
    recover_producers(log, true, Offset{0});
    EXPECT_EQ(log.producers, ProducerState{});
}

TEST(producer_state, a_broken_snapshot_gives_way_to_the_one_before) {
    ReplicaLog log;
    append(log, batch_of(kId, 0, 0));
    log.producers.take_snapshot();
    append(log, batch_of(kId, 0, 1));
    log.producers.take_snapshot();
    std::string bytes{log.producers.snapshots.back().bytes.view()};
    bytes[12] = static_cast<char>(bytes[12] ^ 1);
    log.producers.snapshots.back().bytes = Payload{bytes};
    EXPECT_FALSE(decode_producer_snapshot(bytes).has_value());
    recover_producers(log, false, log.log_end_offset);
    EXPECT_EQ(producer_state_difference(log), "");
    EXPECT_EQ(log.producers.producer(kId)->batches.size(), 2u);
}

TEST(producer_state, after_a_clean_shutdown_one_batch_of_each_producer_is_known) {
    ReplicaLog log;
    for (int i = 0; i < 3; ++i) append(log, batch_of(kId, 0, i));
    ReplicaLog killed = log;
    recover_producers(log, true, Offset{0});
    EXPECT_EQ(log.producers.producer(kId)->batches.size(), 1u);
    recover_producers(killed, false, Offset{0});
    EXPECT_EQ(killed.producers.producer(kId)->batches.size(), 3u);
}

TEST(producer_state, idle_producers_expire_unless_a_transaction_is_open) {
    ProducerState state;
    state.update(batch_of(kId, 0, 0));
    state.update(batch_of(ProducerId{1001}, 0, 0, 1, true));
    state.remove_expired(Timestamp{99}, 100);
    EXPECT_EQ(state.producers.size(), 2u);
    state.remove_expired(Timestamp{100}, 100);
    EXPECT_EQ(state.producer(kId), nullptr);
    EXPECT_NE(state.producer(ProducerId{1001}), nullptr);
}

TEST(s12, a_state_that_forgot_or_invented_something_is_told) {
    ReplicaLog good;
    append(good, batch_of(kId, 1, 0, 2));
    append(good, batch_of(kId, 1, 2));
    ASSERT_EQ(producer_state_difference(good), "");
    const auto told = [&](auto&& change) {
        ReplicaLog log = good;
        change(log.producers);
        return producer_state_difference(log);
    };
    EXPECT_NE(told([](ProducerState& s) { s.producers.clear(); }), "");
    EXPECT_NE(told([](ProducerState& s) { ++s.producers[kId].epoch; }), "");
    EXPECT_NE(told([](ProducerState& s) { s.producers[kId].batches.clear(); }), "");
    EXPECT_NE(told([](ProducerState& s) { s.producers[kId].txn_first_offset = Offset{0}; }), "");
    EXPECT_NE(told([](ProducerState& s) { s.update(batch_of(kId, 1, 3)); }), "");
    EXPECT_NE(told([](ProducerState& s) {
                  RecordBatch phantom = batch_of(ProducerId{1001}, 0, 0);
                  phantom.base_offset = Offset{9};
                  s.update(phantom);
              }),
              "");
}

// --- a log through its life ----------------------------------------------------------------------

struct Step {
    int kind = 0;
    int producer = 0;
    int amount = 0;
    bool flag = false;
};

rc::Gen<std::vector<Step>> steps() {
    return rc::gen::container<std::vector<Step>>(rc::gen::map(
        rc::gen::tuple(rc::gen::inRange(0, 14), rc::gen::inRange(0, 3), rc::gen::inRange(0, 6),
                       rc::gen::arbitrary<bool>()),
        [](const auto& t) {
            return Step{std::get<0>(t), std::get<1>(t), std::get<2>(t), std::get<3>(t)};
        }));
}

// A client's batch, by the next sequence or a wrong one; what is refused changes nothing.
void append_as_client(ReplicaLog& log, const Step& step) {
    const ProducerId id{1000 + step.producer};
    const ProducerEntry* known = log.producers.producer(id);
    std::int16_t epoch = known == nullptr ? std::int16_t{0} : known->epoch;
    std::int32_t sequence = known == nullptr ? 0 : known->last_sequence() + 1;
    if (step.kind == 6) ++epoch, sequence = 0;
    if (step.kind == 7) sequence += step.amount - 3;
    if (sequence < 0) sequence = 0;
    const bool transactional =
        known != nullptr && known->txn_first_offset != kNoOffset ? true : step.kind == 5;
    RecordBatch batch = batch_of(id, epoch, sequence, 1 + step.amount, transactional);
    batch.base_offset = log.log_end_offset;
    const ProducerState before = log.producers;
    if (log.producers.find_duplicate(batch, Rules{}) != nullptr) return;
    const ErrorCode error = log.producers.check(batch, AppendOrigin::client, Rules{});
    RC_ASSERT(log.producers == before);
    if (error == ErrorCode::none) append(log, std::move(batch));
}

RC_GTEST_PROP(s12, holds_through_appends_truncation_snapshots_retention_and_restarts, ()) {
    ReplicaLog log;
    const auto offset_between = [&](const Step& step) {
        const std::int64_t length = log.log_end_offset.value - log.log_start_offset.value;
        return log.log_start_offset + length * step.amount / 5;
    };
    for (const Step& step : *steps()) {
        switch (step.kind) {
            case 8:
                append(log, batch_of(kNoProducerId, -1, -1, 1 + step.amount));
                break;
            case 9: {
                const ProducerEntry* known =
                    log.producers.producer(ProducerId{1000 + step.producer});
                if (known == nullptr) break;
                append(log, marker_batch(ProducerId{1000 + step.producer}, known->epoch,
                                         {step.flag, known->coordinator_epoch + 1}, Timestamp{}));
                break;
            }
            case 10:
                log.truncate_to(offset_between(step));
                break;
            case 11:
                if (!log.active_segment().batches.empty()) log.roll(log.log_end_offset);
                break;
            case 12:
                if (step.flag) {
                    log.advance_start(offset_between(step));
                } else if (log.segments.size() > 1) {
                    log.delete_segments(1);
                }
                break;
            case 13:
                // A crash that takes the end of the log, or a stop in good order.
                if (!step.flag) log.truncate_to(offset_between(step));
                recover_producers(log, step.flag,
                                  step.producer == 0 ? log.log_start_offset : offset_between(step));
                break;
            default:
                append_as_client(log, step);
        }
        RC_ASSERT(producer_state_difference(log) == "");
        RC_ASSERT(log.producers.is_unused() || log.producers.map_end_offset == log.log_end_offset);
        for (const ProducerSnapshot& s : log.producers.snapshots) {
            RC_ASSERT(s.offset <= log.log_end_offset);
        }
    }
}

}  // namespace
}  // namespace tribunal
