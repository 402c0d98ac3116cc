// Record sets against what Kafka's own MemoryRecordsBuilder wrote: every header field, every
// record; uncompressed sets byte for byte both ways, compressed ones by what they unpack to.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "broker/base/crc32c.h"
#include "broker/protocol/batch_bytes.h"
#include "broker/protocol/compression.h"
#include "broker/protocol/control_record.h"
#include "broker/protocol/legacy_records.h"
#include "broker/protocol/schema/codec.h"
#include "properties/golden.h"

namespace tribunal {
namespace {

using nlohmann::json;

std::string bytes_of(const std::string& hex) {
    std::string bytes;
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
        bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
    }
    return bytes;
}

std::string hex_of(std::string_view bytes) {
    std::string hex;
    for (const char c : bytes) {
        for (const int shift : {4, 0}) {
            hex += "0123456789abcdef"[static_cast<unsigned char>(c) >> shift & 15];
        }
    }
    return hex;
}

template <class Text>
json hex_or_null(const std::optional<Text>& bytes) {
    return bytes ? json(hex_of(*bytes)) : json();
}

// A record as the file has it. Long values are given by length and checksum.
template <class Text>
json json_of(Offset offset, Timestamp timestamp, const Text& key, const Text& value,
             bool summarised) {
    json r{{"off", offset.value}, {"ts", timestamp.value}};
    r["key"] = hex_or_null(key);
    if (summarised) {
        r["value_len"] = value->size();
        r["value_crc32c"] = crc32c(*value);
    } else {
        r["value"] = hex_or_null(value);
    }
    return r;
}

json control_json(const RecordView& record) {
    json control;
    const auto type = control_type_of(record);
    if (!type) return control;
    static const std::map<ControlRecordType, std::pair<const char*, const char*>> names{
        {ControlRecordType::abort, {"ABORT", nullptr}},
        {ControlRecordType::commit, {"COMMIT", nullptr}},
        {ControlRecordType::leader_change, {"LEADER_CHANGE", "LeaderChangeMessage"}},
        {ControlRecordType::snapshot_header, {"SNAPSHOT_HEADER", "SnapshotHeaderRecord"}},
        {ControlRecordType::snapshot_footer, {"SNAPSHOT_FOOTER", "SnapshotFooterRecord"}},
        {ControlRecordType::kraft_version, {"KRAFT_VERSION", "KRaftVersionRecord"}},
        {ControlRecordType::kraft_voters, {"KRAFT_VOTERS", "VotersRecord"}},
    };
    const auto& [name, message] = names.at(*type);
    control["type"] = name;
    control["type_id"] = static_cast<int>(*type);
    control["key_version"] = 0;
    if (const auto marker = marker_of(record)) {
        control["coordinator_epoch"] = marker->coordinator_epoch;
    }
    if (message != nullptr) {
        const schema::Message* known = schema::find_message(message);
        if (known == nullptr) return "no schema";
        // The version of the message is its own first field.
        const auto decoded = schema::decode(*known, 0, *record.value);
        if (!decoded) return decoded.error().what;
        control["message"] = *decoded;
        const auto encoded = schema::encode(*known, 0, *decoded);
        if (!encoded || *encoded != *record.value) return "encodes to other bytes";
    }
    return control;
}

json json_of(const RecordBatch& batch, std::size_t size, const json& want) {
    json b{{"magic", 2},
           {"size", size},
           {"base_offset", batch.base_offset.value},
           {"last_offset", batch.last_offset().value},
           {"compression", name_of(batch.compression())},
           {"timestamp_type", batch.is_log_append_time() ? "LogAppendTime" : "CreateTime"},
           {"max_timestamp", batch.max_timestamp.value},
           {"valid", is_intact(batch)},
           {"crc32c", batch.crc},
           {"attributes", batch.attributes},
           {"partition_leader_epoch", batch.leader_epoch.value},
           {"last_offset_delta", batch.last_offset_delta},
           {"base_timestamp_field", batch.base_timestamp.value},
           {"producer_id", batch.producer_id.value},
           {"producer_epoch", batch.producer_epoch},
           {"base_sequence", batch.base_sequence},
           {"last_sequence", batch.last_sequence()},
           {"count", batch.record_count},
           {"transactional", batch.is_transactional()},
           {"control", batch.is_control()}};
    if (const auto horizon = batch.delete_horizon()) b["delete_horizon_ms"] = horizon->value;
    if (!is_intact(batch)) return b;
    b["records"] = json::array();
    const bool decoded = for_each_record(batch, [&](const RecordView& record) {
        const auto i = b["records"].size();
        const bool summarised =
            i < want["records"].size() && want["records"][i].contains("value_len");
        json r = json_of(record.offset, record.timestamp, record.key, record.value, summarised);
        if (batch.base_sequence >= 0) {
            r["seq"] = increment_sequence(
                batch.base_sequence,
                static_cast<std::int32_t>(record.offset.value - batch.base_offset.value));
        }
        record.for_each_header([&](std::string_view key, std::optional<std::string_view> value) {
            r["headers"].push_back(json::array({std::string(key), hex_or_null(value)}));
        });
        if (batch.is_control()) r["control_record"] = control_json(record);
        b["records"].push_back(std::move(r));
    });
    if (!decoded) b["records"] = "do not decode";
    return b;
}

// The batch built anew from the decoded fields of the file alone.
RecordBatch rebuilt(const json& want, const RecordBatch& read) {
    RecordBatch batch;
    batch.base_offset = Offset{want.at("base_offset")};
    batch.leader_epoch = LeaderEpoch{want.at("partition_leader_epoch")};
    batch.last_offset_delta = want.at("last_offset_delta");
    batch.attributes = want.at("attributes");
    batch.producer_id = ProducerId{want.at("producer_id")};
    batch.producer_epoch = want.at("producer_epoch");
    batch.base_sequence = want.at("base_sequence");
    batch.record_count = want.at("count");
    batch.base_timestamp = Timestamp{want.at("base_timestamp_field")};
    batch.max_timestamp = Timestamp{want.at("max_timestamp")};
    // With LogAppendTime the deltas are still those of the producer, which the file does not show.
    std::vector<std::int64_t> deltas;
    RecordBatch create_time = read;
    create_time.attributes &= static_cast<std::int16_t>(~attribute::kLogAppendTime);
    for_each_record(create_time, [&](const RecordView& r) {
        deltas.push_back(r.timestamp.value - batch.base_timestamp.value);
    });
    std::string bytes;
    for (std::size_t i = 0; i < want.at("records").size(); ++i) {
        const json& r = want["records"][i];
        BatchBuilder builder;
        Record record;
        if (!r["key"].is_null()) record.key = bytes_of(r["key"]);
        if (!r["value"].is_null()) record.value = bytes_of(r["value"]);
        for (const json& h : r.value("headers", json::array())) {
            Header& header = record.headers.emplace_back(Header{h.at(0), {}});
            if (!h.at(1).is_null()) header.value = bytes_of(h.at(1));
        }
        builder.append(record);
        const std::int64_t delta = batch.is_log_append_time() ? deltas.at(i)
                                                              : r.at("ts").get<std::int64_t>() -
                                                                    batch.base_timestamp.value;
        for_each_record(builder.close(), [&](const RecordView& view) {
            encode_record(bytes, delta,
                          static_cast<std::int32_t>(r.at("off").get<std::int64_t>() -
                                                    batch.base_offset.value),
                          view);
        });
    }
    if (batch.record_count == 0) bytes.clear();
    seal(batch, bytes, batch.compression());
    return batch;
}

void expect_v2(const FramedBatch& framed, const json& want) {
    const auto batch = decode_batch(framed.bytes);
    ASSERT_TRUE(batch);
    EXPECT_EQ(json_of(*batch, framed.bytes.size(), want), want);
    std::string same;
    encode_batch(same, *batch);
    EXPECT_EQ(hex_of(same), hex_of(framed.bytes));
    if (!want.at("valid").get<bool>()) return;
    const bool summarised = !want["records"].empty() && want["records"][0].contains("value_len");
    const RecordBatch anew = summarised ? *batch : rebuilt(want, *batch);
    std::string bytes;
    encode_batch(bytes, anew);
    if (batch->compression() == CompressionType::none) {
        EXPECT_EQ(hex_of(bytes), hex_of(framed.bytes));
    }
    json again = json_of(*decode_batch(bytes), framed.bytes.size(), want);
    again["crc32c"] = want["crc32c"];  // another encoder's bytes
    EXPECT_EQ(again, want);
}

json legacy_json(const FramedBatch& framed, std::vector<LegacyRecord>& records) {
    const auto message = decode_legacy(framed.bytes);
    if (!message) return "does not decode";
    const auto members = legacy_records(*message);
    if (!members) return "has no records";
    records = *members;
    json b{{"magic", message->magic},
           {"size", framed.bytes.size()},
           {"base_offset", records.front().offset.value},
           {"last_offset", message->offset.value},
           {"compression", name_of(message->compression())},
           {"timestamp_type", message->magic == 0             ? "NoTimestampType"
                              : message->is_log_append_time() ? "LogAppendTime"
                                                              : "CreateTime"},
           {"max_timestamp", message->timestamp.value},
           {"valid", message->is_intact},
           {"crc32", message->crc},
           {"records", json::array()}};
    for (const LegacyRecord& r : records) {
        b["records"].push_back(json_of(r.offset, r.timestamp, r.key, r.value, false));
    }
    return b;
}

void expect_legacy(const FramedBatch& framed, const json& want) {
    std::vector<LegacyRecord> records;
    EXPECT_EQ(legacy_json(framed, records), want);
    const auto message = decode_legacy(framed.bytes);
    ASSERT_TRUE(message);
    std::string bytes;
    encode_legacy_set(bytes, framed.magic, message->compression(), records);
    if (message->compression() == CompressionType::none) {
        EXPECT_EQ(hex_of(bytes), hex_of(framed.bytes));
    }
    std::string_view in = bytes;
    std::vector<LegacyRecord> again;
    json json_again = legacy_json(take_batch(in), again);
    json_again["crc32"] = want["crc32"];  // another encoder's bytes
    json_again["size"] = want["size"];
    EXPECT_EQ(json_again, want);
    EXPECT_EQ(again, records);
}

TEST(golden, records) {
    const json golden = load_golden("records");
    ASSERT_EQ(golden.at("cases").size(), golden.at("header").at("cases"));
    for (const json& c : golden.at("cases")) {
        const std::string kind = c.at("kind");
        const std::string bytes = bytes_of(c.at("hex"));
        SCOPED_TRACE(kind + " " + c.at("hex").get<std::string>().substr(0, 200));
        std::string_view in = bytes;
        for (const json& want : c.at("batches")) {
            const FramedBatch framed = take_batch(in);
            ASSERT_EQ(framed.fault, BatchFault::none);
            ASSERT_EQ(framed.magic, want.at("magic").get<int>());
            if (framed.magic == 2) {
                expect_v2(framed, want);
            } else {
                expect_legacy(framed, want);
            }
        }
        EXPECT_EQ(in.empty(), kind != "truncated");
        EXPECT_EQ(take_batch(in).fault, BatchFault::cut);
    }
}

}  // namespace
}  // namespace tribunal
