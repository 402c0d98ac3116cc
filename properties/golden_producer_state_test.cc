// Producer state against what Kafka's own ProducerStateManager answered, op by op.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "broker/log/producer_state.h"
#include "properties/golden.h"

namespace tribunal {
namespace {

using nlohmann::json;

std::string hex_of(std::string_view bytes) {
    constexpr char kDigits[] = "0123456789abcdef";
    std::string hex;
    for (const char byte : bytes) {
        hex += kDigits[static_cast<unsigned char>(byte) >> 4];
        hex += kDigits[static_cast<unsigned char>(byte) & 15];
    }
    return hex;
}

RecordBatch batch_of(const json& op) {
    const ProducerId id{op.at("pid").get<std::int64_t>()};
    const std::int16_t epoch = op.at("epoch");
    const Timestamp timestamp{op.at("timestamp").get<std::int64_t>()};
    RecordBatch batch;
    if (op.contains("marker")) {
        batch = marker_batch(id, epoch, {op.at("marker") == "COMMIT", op.at("coordinator_epoch")},
                             timestamp);
    } else {
        BatchBuilder builder;
        Record record;
        record.timestamp = timestamp;
        builder.append(record);
        batch = builder.close(id, epoch, op.at("base_seq"));
        batch.last_offset_delta =
            op.at("last_offset").get<std::int32_t>() - op.at("base_offset").get<std::int32_t>();
        if (op.at("transactional")) batch.attributes |= attribute::kTransactional;
    }
    batch.base_offset = Offset{op.at("base_offset").get<std::int64_t>()};
    return batch;
}

AppendOrigin origin_of(const json& op) {
    if (op.at("origin") == "CLIENT") return AppendOrigin::client;
    return op.at("origin") == "COORDINATOR" ? AppendOrigin::coordinator : AppendOrigin::replication;
}

std::string name_in_java(ErrorCode error) {
    switch (error) {
        case ErrorCode::none:
            return "OK";
        case ErrorCode::invalid_producer_epoch:
            return "InvalidProducerEpoch";
        case ErrorCode::out_of_order_sequence_number:
            return "OutOfOrderSequence";
        case ErrorCode::invalid_txn_state:
            return "InvalidTxnState";
        case ErrorCode::transaction_coordinator_fenced:
            return "TransactionCoordinatorFenced";
        default:
            return std::string{name_of(error)};
    }
}

json batch_json(const BatchMetadata& b) {
    return {b.first_sequence(), b.last_sequence, b.first_offset().value, b.last_offset.value,
            b.timestamp.value};
}

json offset_json(std::optional<Offset> offset) { return offset ? json(offset->value) : json(); }

json state_json(const ProducerEntry* entry) {
    if (entry == nullptr) return {};
    json batches = json::array();
    for (const BatchMetadata& b : entry->batches) batches.push_back(batch_json(b));
    const bool open = entry->txn_first_offset != kNoOffset;
    return {{"epoch", entry->epoch},
            {"coordinator_epoch", entry->coordinator_epoch},
            {"last_timestamp", entry->last_timestamp.value},
            {"txn_first_offset", open ? json(entry->txn_first_offset.value) : json()},
            {"batches", batches}};
}

void play_append(ProducerState& state, const json& op) {
    const Rules rules;
    const RecordBatch batch = batch_of(op);
    const AppendOrigin origin = origin_of(op);
    const BatchMetadata* duplicate =
        origin == AppendOrigin::client ? state.find_duplicate(batch, rules) : nullptr;
    if (duplicate != nullptr) {
        EXPECT_EQ("DUPLICATE", op.at("result"));
        EXPECT_EQ(batch_json(*duplicate), op.value("duplicate_of", json()));
    } else {
        const ProducerState before = state;
        const ErrorCode error = state.check(batch, origin, rules);
        EXPECT_EQ(name_in_java(error), op.at("result"));
        if (error == ErrorCode::none) {
            const auto completed = state.update(batch);
            EXPECT_EQ(completed.has_value(), op.contains("completed_txn"));
            if (completed && op.contains("completed_txn")) {
                const json& want = op.at("completed_txn");
                EXPECT_EQ(completed->first_offset.value, want.at("first_offset"));
                EXPECT_EQ(completed->last_offset.value, want.at("last_offset"));
                EXPECT_EQ(completed->aborted, want.at("aborted"));
                EXPECT_EQ(before.last_stable_offset(*completed).value,
                          op.at("last_stable_offset"));
            }
        }
    }
    EXPECT_EQ(state_json(state.producer(batch.producer_id)), op.at("state"));
}

void play(ProducerState& state, const json& op, std::int64_t expiration_ms) {
    const std::string kind = op.at("op");
    const auto number = [&](const char* key) { return op.at(key).get<std::int64_t>(); };
    if (kind == "append") {
        play_append(state, op);
    } else if (kind == "high_watermark") {
        state.on_high_watermark(Offset{number("offset")});
    } else if (kind == "log_start_offset") {
        state.on_log_start(Offset{number("offset")});
    } else if (kind == "remove_expired") {
        state.remove_expired(Timestamp{number("now")}, number("expiration_ms"));
        json remaining = json::array();
        for (const auto& [id, entry] : state.producers) remaining.push_back(id.value);
        EXPECT_EQ(remaining, op.at("remaining"));
    } else if (kind == "take_snapshot") {
        ASSERT_EQ(state.take_snapshot(), op.at("taken"));
        if (!op.at("taken")) return;
        const ProducerSnapshot& taken = state.snapshots.back();
        EXPECT_EQ(producer_snapshot_file_name(taken.offset), op.at("file"));
        EXPECT_EQ(hex_of(taken.bytes.view()), op.at("hex"));
    } else {
        ASSERT_EQ(kind, "truncate_and_reload");
        state.truncate_and_reload(Offset{number("log_start")}, Offset{number("log_end")},
                                  Timestamp{number("now")}, expiration_ms);
        json producers = json::object();
        for (const auto& [id, entry] : state.producers) {
            producers[std::to_string(id.value)] = state_json(&entry);
        }
        EXPECT_EQ(producers, op.at("producers"));
        state.map_end_offset = Offset{number("then_map_end_offset_set_to")};
    }
}

TEST(golden, producer_state) {
    const json golden = load_golden("producer-state");
    ASSERT_EQ(golden.at("cases").size(), golden.at("header").at("cases"));
    for (const json& c : golden.at("cases")) {
        SCOPED_TRACE(c.at("id").get<std::string>());
        ProducerState state;
        std::size_t number = 0;
        for (const json& op : c.at("ops")) {
            SCOPED_TRACE("op " + std::to_string(number++));
            play(state, op, c.at("producer_id_expiration_ms"));
            EXPECT_EQ(state.map_end_offset.value, op.at("map_end_offset"));
            EXPECT_EQ(offset_json(state.first_unstable_offset()), op.at("first_unstable_offset"));
            EXPECT_EQ(offset_json(state.first_undecided_offset()), op.at("first_undecided_offset"));
            if (HasFailure()) FAIL() << op.dump();
        }
    }
}

}  // namespace
}  // namespace tribunal
