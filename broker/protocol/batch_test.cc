// Record batches: what is put in comes out, under every compression.
#include "broker/protocol/batch.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "broker/protocol/compression.h"

namespace tribunal {
namespace {

constexpr CompressionType kTypes[] = {CompressionType::none, CompressionType::gzip,
                                      CompressionType::snappy, CompressionType::lz4,
                                      CompressionType::zstd};

std::vector<Record> records_of(const RecordBatch& batch, bool& decoded) {
    std::vector<Record> records;
    decoded = for_each_record(batch, [&](const RecordView& view) {
        Record record;
        if (view.key) record.key = std::string{*view.key};
        if (view.value) record.value = std::string{*view.value};
        view.for_each_header([&](std::string_view key, std::optional<std::string_view> value) {
            Header& header = record.headers.emplace_back();
            header.key = key;
            if (value) header.value = std::string{*value};
        });
        record.timestamp = view.timestamp;
        record.uid = view.uid;
        records.push_back(std::move(record));
    });
    return records;
}

Record record_of(std::int64_t n) {
    Record record;
    if (n % 3 != 0) record.key = "key " + std::to_string(n % 5);
    if (n % 7 != 0) record.value = "a value that says " + std::to_string(n);
    for (std::int64_t h = 0; h < n % 3; ++h) {
        record.headers.push_back({"header", h == 0 ? std::optional<std::string>{} : "x"});
    }
    record.timestamp = Timestamp{1'700'000'000'000 + (n * n) % 1000};
    record.uid = n % 2 == 0 ? RecordUid{n} : kNoUid;
    return record;
}

TEST(batch, records_come_out_as_they_went_in_under_every_compression) {
    for (const CompressionType type : kTypes) {
        BatchBuilder builder;
        std::vector<Record> given;
        for (std::int64_t n = 0; n < 100; ++n) builder.append(given.emplace_back(record_of(n)));
        const std::int64_t plain_size = builder.size_in_bytes();
        const RecordBatch batch = builder.close(ProducerId{7}, 2, 40, type);
        EXPECT_EQ(batch.compression(), type);
        EXPECT_TRUE(is_intact(batch));
        EXPECT_EQ(batch.last_sequence(), 139);
        bool decoded = false;
        EXPECT_TRUE(records_of(batch, decoded) == given) << name_of(type);
        EXPECT_TRUE(decoded);
        EXPECT_LT(batch.size_in_bytes(),
                  type == CompressionType::none ? plain_size + 1 : plain_size / 2);
    }
}

TEST(batch, a_count_that_is_not_the_number_of_records_does_not_decode) {
    for (const CompressionType type : kTypes) {
        BatchBuilder builder;
        for (std::int64_t n = 0; n < 3; ++n) builder.append(record_of(n));
        RecordBatch batch = builder.close(kNoProducerId, -1, -1, type);
        for (const std::int32_t count : {0, 2, 4}) {
            batch.record_count = count;
            EXPECT_FALSE(for_each_record(batch, [](const RecordView&) {})) << name_of(type);
        }
    }
}

TEST(batch, an_unknown_compression_does_not_decode) {
    BatchBuilder builder;
    builder.append(record_of(1));
    RecordBatch batch = builder.close();
    batch.attributes = 5;
    EXPECT_FALSE(for_each_record(batch, [](const RecordView&) {}));
}

TEST(batch, log_append_time_stands_for_every_timestamp) {
    BatchBuilder builder;
    for (std::int64_t n = 0; n < 3; ++n) builder.append(record_of(n));
    RecordBatch batch = builder.close();
    batch.attributes |= attribute::kLogAppendTime;
    batch.max_timestamp = Timestamp{5};
    for_each_record(batch, [](const RecordView& view) { EXPECT_EQ(view.timestamp, Timestamp{5}); });
}

TEST(batch, a_record_is_copied_to_the_byte) {
    BatchBuilder builder;
    for (std::int64_t n = 0; n < 20; ++n) builder.append(record_of(n));
    const RecordBatch batch = builder.close();
    std::string copy;
    for_each_record(batch, [&](const RecordView& view) {
        encode_record(copy, view.timestamp.value - batch.base_timestamp.value,
                      static_cast<std::int32_t>(view.offset.value - batch.base_offset.value), view);
    });
    EXPECT_TRUE(copy == batch.records.view());
}

TEST(batch, headers_that_do_not_decode_are_noticed) {
    BatchBuilder builder;
    builder.append(record_of(2));
    const RecordBatch batch = builder.close();
    std::string bytes{batch.records.view()};
    // The last header is "header" = "x": one byte more of value than there is.
    ASSERT_EQ(bytes.back(), 'x');
    bytes[bytes.size() - 2] = 4;
    RecordBatch changed = batch;
    changed.records = Payload{bytes};
    EXPECT_FALSE(for_each_record(changed, [](const RecordView&) {}));
}

TEST(sequence, starts_over_after_the_largest) {
    EXPECT_EQ(increment_sequence(INT32_MAX, 1), 0);
    EXPECT_EQ(increment_sequence(INT32_MAX - 1, 3), 1);
    EXPECT_EQ(decrement_sequence(0, 1), INT32_MAX);
    EXPECT_EQ(decrement_sequence(5, 6), INT32_MAX);
}

// Bytes nobody wrote: refused or read, never a crash (run with the sanitizers).
RC_GTEST_PROP(batch, arbitrary_bytes_do_no_harm,
              (std::string bytes, std::int32_t count, std::uint8_t attributes, std::int64_t base)) {
    RecordBatch batch;
    batch.records = Payload{bytes};
    batch.record_count = count;
    batch.attributes = attributes;
    batch.base_offset = Offset{base};
    batch.base_timestamp = Timestamp{base};
    for_each_record(batch, [](const RecordView& view) { view.content_digest(); });
}

RC_GTEST_PROP(batch, flipped_bits_do_no_harm,
              (std::uint8_t records, std::vector<std::uint32_t> flips)) {
    BatchBuilder builder;
    for (std::int64_t n = 0; n <= records; ++n) builder.append(record_of(n));
    RecordBatch batch = builder.close();
    std::string bytes{batch.records.view()};
    for (const std::uint32_t flip : flips) {
        bytes[(flip >> 3) % bytes.size()] ^= static_cast<char>(1 << (flip & 7));
    }
    batch.records = Payload{bytes};
    RC_ASSERT(is_intact(batch) == (checksum(batch) == batch.crc));
    for_each_record(batch, [](const RecordView& view) { view.content_digest(); });
}

// The producer asks before it encodes, the recorder reads what came out.
TEST(batch, a_record_alone_says_what_its_view_and_its_batch_say) {
    Record record;
    record.key = "k";
    record.value = "value";
    record.uid = RecordUid{7};
    record.headers = {{"trace", "x1"}, {"empty", std::nullopt}};
    Record bare;
    for (const Record& r : {record, bare}) {
        BatchBuilder builder;
        builder.append(r);
        const RecordBatch alone = builder.close();
        EXPECT_EQ(BatchBuilder::size_alone(r), alone.size_in_bytes());
        std::uint32_t seen = 0;
        ASSERT_TRUE(
            for_each_record(alone, [&](const RecordView& view) { seen = view.content_digest(); }));
        EXPECT_EQ(content_digest(r), seen);
    }
    Record other = record;
    other.headers[0].value = "x2";
    EXPECT_NE(content_digest(other), content_digest(record));
}

}  // namespace
}  // namespace tribunal
