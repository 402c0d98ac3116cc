// What a leader accepts and what it makes of it, setting by setting.
#include "broker/log/log_validator.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "broker/protocol/compression.h"
#include "broker/protocol/control_record.h"

namespace tribunal {
namespace {

constexpr Timestamp kNow{1'700'000'000'000};
constexpr CompressionType kTypes[] = {CompressionType::none, CompressionType::gzip,
                                      CompressionType::snappy, CompressionType::lz4,
                                      CompressionType::zstd};

std::vector<Record> some_records(int count) {
    std::vector<Record> records;
    for (int n = 0; n < count; ++n) {
        Record& record = records.emplace_back();
        record.key = "key";
        record.value = std::string(100, static_cast<char>('a' + n % 26));
        record.headers.push_back({"h", std::nullopt});
        record.timestamp = Timestamp{kNow.value - n};
        record.uid = RecordUid{n};
    }
    return records;
}

RecordBatch batch_of(const std::vector<Record>& records,
                     CompressionType type = CompressionType::none) {
    BatchBuilder builder;
    for (const Record& record : records) builder.append(record);
    return builder.close(kNoProducerId, -1, -1, type);
}

struct Fixture {
    TopicConfig config;
    Rules rules;
    Answer<RecordBatch> validate(const RecordBatch& batch,
                                 AppendOrigin origin = AppendOrigin::client) const {
        return validate_for_append(batch, {.config = config,
                                           .rules = rules,
                                           .origin = origin,
                                           .base_offset = Offset{50},
                                           .leader_epoch = LeaderEpoch{4},
                                           .now = kNow});
    }
};

using Change = void (*)(RecordBatch& batch, Fixture& fixture);
void seal_again(RecordBatch& batch) { batch.crc = checksum(batch); }

TEST(log_validator, refuses_what_kafka_refuses) {
    struct Case {
        const char* name;
        ErrorCode want;
        Change change;
    };
    const Case cases[] = {
        {"nothing wrong", ErrorCode::none, [](RecordBatch&, Fixture&) {}},
        {"base offset", ErrorCode::invalid_record,
         [](RecordBatch& b, Fixture&) { b.base_offset = Offset{1}; }},
        {"too large", ErrorCode::message_too_large,
         [](RecordBatch& b, Fixture& f) { f.config.max_message_bytes = b.size_in_bytes() - 1; }},
        {"just not too large", ErrorCode::none,
         [](RecordBatch& b, Fixture& f) { f.config.max_message_bytes = b.size_in_bytes(); }},
        {"CRC", ErrorCode::corrupt_message, [](RecordBatch& b, Fixture&) { b.crc ^= 1; }},
        {"too large comes before the CRC", ErrorCode::message_too_large,
         [](RecordBatch& b, Fixture& f) {
             b.crc ^= 1;
             f.config.max_message_bytes = 10;
         }},
        {"count above the offsets", ErrorCode::invalid_record,
         [](RecordBatch& b, Fixture&) {
             ++b.record_count;
             seal_again(b);
         }},
        {"count and offsets above the records", ErrorCode::invalid_record,
         [](RecordBatch& b, Fixture&) {
             ++b.record_count;
             ++b.last_offset_delta;
             seal_again(b);
         }},
        {"count and offsets below the records", ErrorCode::invalid_record,
         [](RecordBatch& b, Fixture&) {
             --b.record_count;
             --b.last_offset_delta;
             seal_again(b);
         }},
        {"no records", ErrorCode::invalid_record,
         [](RecordBatch& b, Fixture&) {
             b.record_count = 0;
             b.last_offset_delta = -1;
             b.records = Payload{};
             seal_again(b);
         }},
        {"a producer id without sequence", ErrorCode::invalid_record,
         [](RecordBatch& b, Fixture&) {
             b.producer_id = ProducerId{3};
             seal_again(b);
         }},
        {"a control batch", ErrorCode::invalid_record,
         [](RecordBatch& b, Fixture&) { b = marker_batch(ProducerId{1}, 0, {}, kNow); }},
        {"no key in a compacted topic", ErrorCode::invalid_record,
         [](RecordBatch& b, Fixture& f) {
             f.config.cleanup_compact = true;
             auto records = some_records(3);
             records[2].key.reset();
             b = batch_of(records);
         }},
        {"keys in a compacted topic", ErrorCode::none,
         [](RecordBatch&, Fixture& f) { f.config.cleanup_compact = true; }},
        {"too late", ErrorCode::invalid_timestamp,
         [](RecordBatch& b, Fixture&) {
             auto records = some_records(2);
             records[1].timestamp = Timestamp{kNow.value + 3'600'001};
             b = batch_of(records);
         }},
        {"just not too late", ErrorCode::none,
         [](RecordBatch& b, Fixture&) {
             auto records = some_records(2);
             records[1].timestamp = Timestamp{kNow.value + 3'600'000};
             b = batch_of(records);
         }},
        {"too early", ErrorCode::invalid_timestamp,
         [](RecordBatch&, Fixture& f) { f.config.timestamp_before_max = milliseconds(1); }},
        {"just not too early", ErrorCode::none,
         [](RecordBatch&, Fixture& f) { f.config.timestamp_before_max = milliseconds(2); }},
        {"as early as can be", ErrorCode::none,
         [](RecordBatch& b, Fixture&) {
             auto records = some_records(1);
             records[0].timestamp = Timestamp{INT64_MIN};
             b = batch_of(records);
         }},
        {"no timestamp at all", ErrorCode::none,
         [](RecordBatch& b, Fixture& f) {
             f.config.timestamp_before_max = milliseconds(1);
             auto records = some_records(1);
             records[0].timestamp = kNoTimestamp;
             b = batch_of(records);
         }},
        {"LogAppendTime from a producer", ErrorCode::invalid_timestamp,
         [](RecordBatch& b, Fixture& f) {
             f.config.log_append_time = true;
             b.attributes |= attribute::kLogAppendTime;
             seal_again(b);
         }},
        {"zstd before 2.1", ErrorCode::unsupported_compression_type,
         [](RecordBatch& b, Fixture& f) {
             f.rules.zstd_compression = false;
             b = batch_of(some_records(3), CompressionType::zstd);
         }},
        {"gzip before 2.1", ErrorCode::none,
         [](RecordBatch& b, Fixture& f) {
             f.rules.zstd_compression = false;
             b = batch_of(some_records(3), CompressionType::gzip);
         }},
        {"a compression that does not exist", ErrorCode::invalid_record,
         [](RecordBatch& b, Fixture&) {
             b.attributes |= 5;
             seal_again(b);
         }},
        {"compressed bytes that do not unpack", ErrorCode::invalid_record,
         [](RecordBatch& b, Fixture&) {
             b.attributes |= 1;
             seal_again(b);
         }},
        {"too large as the broker compresses it", ErrorCode::message_too_large,
         [](RecordBatch& b, Fixture& f) {
             b = batch_of(some_records(20), CompressionType::gzip);
             f.config.keeps_producer_compression = false;
             f.config.max_message_bytes = b.size_in_bytes();
         }},
    };
    for (const Case& c : cases) {
        Fixture fixture;
        RecordBatch batch = batch_of(some_records(3));
        c.change(batch, fixture);
        const auto placed = fixture.validate(batch);
        EXPECT_EQ(placed ? ErrorCode::none : placed.error(), c.want) << c.name;
    }
}

TEST(log_validator, a_right_batch_keeps_its_bytes) {
    for (const CompressionType type : kTypes) {
        const RecordBatch batch = batch_of(some_records(5), type);
        const auto placed = Fixture{}.validate(batch);
        ASSERT_TRUE(placed);
        EXPECT_EQ(placed->records.view().data(), batch.records.view().data()) << name_of(type);
        EXPECT_EQ(placed->crc, batch.crc);
        EXPECT_EQ(placed->base_offset, Offset{50});
        EXPECT_EQ(placed->leader_epoch, LeaderEpoch{4});
    }
}

std::vector<Record> records_of(const RecordBatch& batch) {
    std::vector<Record> records;
    EXPECT_TRUE(is_intact(batch));
    EXPECT_TRUE(for_each_record(batch, [&](const RecordView& view) {
        EXPECT_EQ(view.offset, batch.base_offset + static_cast<std::int64_t>(records.size()));
        Record& record = records.emplace_back();
        if (view.key) record.key = std::string{*view.key};
        if (view.value) record.value = std::string{*view.value};
        view.for_each_header([&](std::string_view key, std::optional<std::string_view> value) {
            record.headers.push_back({std::string{key}, {}});
            if (value) record.headers.back().value = std::string{*value};
        });
        record.timestamp = view.timestamp;
        record.uid = view.uid;
    }));
    return records;
}

TEST(log_validator, the_topic_decides_how_it_is_compressed) {
    const std::vector<Record> records = some_records(10);
    for (const CompressionType source : kTypes) {
        for (const CompressionType target : kTypes) {
            Fixture fixture;
            fixture.config.keeps_producer_compression = false;
            fixture.config.compression = target;
            const auto placed = fixture.validate(batch_of(records, source));
            ASSERT_TRUE(placed);
            EXPECT_EQ(placed->compression(), target);
            EXPECT_TRUE(records_of(*placed) == records) << name_of(source) << name_of(target);
        }
    }
}

TEST(log_validator, holes_in_compressed_offsets_are_closed) {
    const RecordBatch dense = batch_of(some_records(3));
    RecordBatch batch = dense;
    std::string bytes;
    std::int32_t offset = 0;
    for_each_record(dense, [&](const RecordView& record) {
        encode_record(bytes, record.timestamp.value - dense.base_timestamp.value, offset, record);
        offset += 2;
    });
    seal(batch, bytes, CompressionType::lz4);
    const auto placed = Fixture{}.validate(batch);
    ASSERT_TRUE(placed);
    EXPECT_TRUE(records_of(*placed) == some_records(3));
    EXPECT_EQ(placed->compression(), CompressionType::lz4);
}

TEST(log_validator, the_largest_timestamp_is_made_right) {
    RecordBatch batch = batch_of(some_records(3));
    batch.max_timestamp = Timestamp{7};
    seal_again(batch);
    const auto placed = Fixture{}.validate(batch);
    ASSERT_TRUE(placed);
    EXPECT_EQ(placed->max_timestamp, kNow);
    EXPECT_TRUE(is_intact(*placed));
}

TEST(log_validator, log_append_time_is_the_brokers) {
    for (const CompressionType type : kTypes) {
        Fixture fixture;
        fixture.config.log_append_time = true;
        const auto placed = fixture.validate(batch_of(some_records(3), type));
        ASSERT_TRUE(placed);
        EXPECT_TRUE(placed->is_log_append_time());
        for (const Record& record : records_of(*placed)) EXPECT_EQ(record.timestamp, kNow);
    }
}

TEST(log_validator, the_coordinator_writes_control_batches_and_they_stay_plain) {
    Fixture fixture;
    fixture.config.keeps_producer_compression = false;
    fixture.config.compression = CompressionType::gzip;
    const RecordBatch marker = marker_batch(ProducerId{1}, 0, {.commit = true}, kNow);
    const auto placed = fixture.validate(marker, AppendOrigin::coordinator);
    ASSERT_TRUE(placed);
    EXPECT_TRUE(placed->is_control());
    EXPECT_EQ(placed->compression(), CompressionType::none);
}

// Whatever is accepted is intact, decodes, and has dense offsets from the log end on.
RC_GTEST_PROP(log_validator, what_is_accepted_is_sound,
              (std::uint8_t count, std::uint8_t source, std::uint8_t target,
               std::vector<std::uint32_t> flips)) {
    Fixture fixture;
    fixture.config.keeps_producer_compression = target % 6 == 5;
    fixture.config.compression = kTypes[target % 5];
    RecordBatch batch = batch_of(some_records(1 + count % 30), kTypes[source % 5]);
    std::string bytes{batch.records.view()};
    for (const std::uint32_t flip : flips) {
        bytes[(flip >> 3) % bytes.size()] ^= static_cast<char>(1 << (flip & 7));
    }
    batch.records = Payload{bytes};
    seal_again(batch);  // a producer that is wrong and does not know it
    const auto placed = fixture.validate(batch);
    if (!placed) return;
    RC_ASSERT(is_intact(*placed));
    std::int64_t records = 0;
    RC_ASSERT(for_each_record(*placed, [&](const RecordView&) { ++records; }));
    RC_ASSERT(records == placed->record_count);
    RC_ASSERT(placed->last_offset_delta == placed->record_count - 1);
}

}  // namespace
}  // namespace tribunal
