// Record sets as bytes: both ways, and what damaged ones do.
#include "broker/protocol/batch_bytes.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "broker/base/varint.h"
#include "broker/protocol/compression.h"
#include "broker/protocol/control_record.h"
#include "broker/protocol/legacy_records.h"

namespace tribunal {
namespace {

RecordBatch some_batch(std::int64_t base, int records, CompressionType type) {
    BatchBuilder builder;
    for (int n = 0; n < records; ++n) {
        Record record;
        record.key = "key " + std::to_string(n % 3);
        record.value = std::string(static_cast<std::size_t>(n * 7 % 50), 'v');
        record.timestamp = Timestamp{1000 + n};
        record.uid = RecordUid{base + n};
        builder.append(record);
    }
    RecordBatch batch = builder.close(ProducerId{4}, 1, 10, type);
    batch.base_offset = Offset{base};
    batch.leader_epoch = LeaderEpoch{3};
    return batch;
}

std::string bytes_of(const std::vector<RecordBatch>& batches) {
    std::string bytes;
    for (const RecordBatch& batch : batches) encode_batch(bytes, batch);
    return bytes;
}

// Every whole batch at the front; then what stopped it.
std::vector<RecordBatch> read_all(std::string_view in, BatchFault& end) {
    std::vector<RecordBatch> batches;
    while (true) {
        const FramedBatch framed = take_batch(in);
        end = framed.fault;
        if (end != BatchFault::none) return batches;
        const auto batch = decode_batch(framed.bytes);
        if (!batch) return batches;
        batches.push_back(*batch);
    }
}

std::vector<RecordBatch> three_batches() {
    return {some_batch(0, 3, CompressionType::none), some_batch(3, 10, CompressionType::lz4),
            some_batch(20, 1, CompressionType::none)};
}

TEST(batch_bytes, batches_back_to_back_are_read_as_written) {
    const std::vector<RecordBatch> batches = three_batches();
    const std::string bytes = bytes_of(batches);
    std::int64_t size = 0;
    for (const RecordBatch& batch : batches) size += batch.size_in_bytes();
    EXPECT_EQ(static_cast<std::int64_t>(bytes.size()), size);
    BatchFault end = BatchFault::none;
    EXPECT_TRUE(read_all(bytes, end) == batches);
    EXPECT_EQ(end, BatchFault::cut);
}

TEST(batch_bytes, a_set_cut_anywhere_gives_the_whole_batches_before) {
    const std::vector<RecordBatch> batches = three_batches();
    const std::string bytes = bytes_of(batches);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        std::size_t whole = 0;
        std::int64_t end = 0;
        while (whole < batches.size() &&
               end + batches[whole].size_in_bytes() <= static_cast<std::int64_t>(size)) {
            end += batches[whole++].size_in_bytes();
        }
        BatchFault fault = BatchFault::none;
        EXPECT_EQ(read_all(std::string_view{bytes}.substr(0, size), fault).size(), whole);
        EXPECT_EQ(fault, BatchFault::cut);
    }
}

TEST(batch_bytes, impossible_lengths_and_formats_are_corrupt) {
    struct Case {
        const char* name;
        std::size_t at;
        char byte;
        BatchFault want;
    };
    const Case cases[] = {
        {"negative length", 8, '\xff', BatchFault::bad_size},
        {"length below that of any message", 11, 13, BatchFault::bad_size},
        {"format 3", 16, 3, BatchFault::bad_magic},
        {"format -1", 16, '\xff', BatchFault::bad_magic},
        {"length beyond the bytes", 8, 1, BatchFault::cut},
    };
    for (const Case& c : cases) {
        std::string bytes = bytes_of({some_batch(0, 2, CompressionType::none)});
        bytes[c.at] = c.byte;
        if (c.at == 11) bytes[10] = 0;
        std::string_view in = bytes;
        EXPECT_EQ(take_batch(in).fault, c.want) << c.name;
        EXPECT_EQ(in.size(), bytes.size()) << c.name;
    }
    EXPECT_FALSE(decode_batch(std::string(60, '\0')));
}

// KIP-98: the CRC covers all from the attributes on; offset, length and leader epoch are outside,
// because a broker changes them.
TEST(batch_bytes, the_crc_notices_each_bit_behind_it) {
    const std::string bytes = bytes_of({some_batch(7, 2, CompressionType::none)});
    for (std::size_t bit = 8 * 17; bit < 8 * bytes.size(); ++bit) {
        std::string flipped = bytes;
        flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
        const auto batch = decode_batch(flipped);
        if (batch) {
            EXPECT_FALSE(is_intact(*batch)) << bit;
        }
    }
}

TEST(batch_bytes, an_emptied_batch_keeps_its_header) {
    RecordBatch batch = some_batch(5, 4, CompressionType::zstd);
    batch.record_count = 0;
    batch.records = Payload{};
    batch.crc = checksum(batch);
    const std::string bytes = bytes_of({batch});
    EXPECT_EQ(bytes.size(), kBatchHeaderSize);
    const auto again = decode_batch(bytes);
    ASSERT_TRUE(again);
    EXPECT_TRUE(*again == batch);
    EXPECT_EQ(again->last_offset(), Offset{8});
    EXPECT_EQ(again->last_sequence(), 13);
    EXPECT_TRUE(for_each_record(*again, [](const RecordView&) { ADD_FAILURE(); }));
}

TEST(control_record, markers_say_what_became_of_the_transaction) {
    for (const bool commit : {false, true}) {
        const RecordBatch batch = marker_batch(
            ProducerId{9}, 2, {.commit = commit, .coordinator_epoch = 5}, Timestamp{8});
        EXPECT_TRUE(batch.is_control());
        EXPECT_TRUE(batch.is_transactional());
        EXPECT_TRUE(is_intact(batch));
        EXPECT_EQ(batch.base_sequence, kNoSequence);
        int records = 0;
        EXPECT_TRUE(for_each_record(batch, [&](const RecordView& record) {
            ++records;
            EXPECT_EQ(control_type_of(record),
                      commit ? ControlRecordType::commit : ControlRecordType::abort);
            const auto marker = marker_of(record);
            ASSERT_TRUE(marker);
            EXPECT_EQ(marker->commit, commit);
            EXPECT_EQ(marker->coordinator_epoch, 5);
        }));
        EXPECT_EQ(records, 1);
    }
}

TEST(control_record, keys_of_the_future_are_unknown_and_others_are_none) {
    RecordView record;
    EXPECT_EQ(control_type_of(record), std::nullopt);
    record.key = std::string_view{"\0\0\0\7", 4};
    EXPECT_EQ(control_type_of(record), ControlRecordType::unknown);
    EXPECT_EQ(marker_of(record), std::nullopt);
    record.key = std::string_view{"\xff\xff\0\1", 4};
    EXPECT_EQ(control_type_of(record), std::nullopt);
    record.key = std::string_view{"\0\0\1", 3};
    EXPECT_EQ(control_type_of(record), std::nullopt);
}

constexpr CompressionType kLegacyTypes[] = {CompressionType::none, CompressionType::gzip,
                                            CompressionType::snappy, CompressionType::lz4};

std::vector<LegacyRecord> legacy_of(std::int8_t magic) {
    std::vector<LegacyRecord> records;
    for (std::int64_t n = 0; n < 5; ++n) {
        LegacyRecord& record = records.emplace_back();
        record.offset = Offset{100 + 2 * n};  // with gaps
        record.timestamp = magic == 0 ? kNoTimestamp : Timestamp{50 - n};
        if (n % 2 == 0) record.key = "k";
        if (n != 3) record.value = "value " + std::to_string(n);
    }
    return records;
}

TEST(legacy_records, sets_come_out_as_they_went_in) {
    for (const std::int8_t magic : {0, 1}) {
        for (const CompressionType type : kLegacyTypes) {
            const std::vector<LegacyRecord> given = legacy_of(magic);
            std::string bytes;
            encode_legacy_set(bytes, magic, type, given);
            std::string_view in = bytes;
            std::vector<LegacyRecord> got;
            while (!in.empty()) {
                const FramedBatch framed = take_batch(in);
                ASSERT_EQ(framed.fault, BatchFault::none);
                const auto message = decode_legacy(framed.bytes);
                ASSERT_TRUE(message);
                const auto records = legacy_records(*message);
                ASSERT_TRUE(records);
                got.insert(got.end(), records->begin(), records->end());
            }
            EXPECT_TRUE(got == given) << name_of(type) << " v" << int{magic};
        }
    }
}

TEST(legacy_records, what_a_wrapper_may_not_hold_is_refused) {
    const auto records_in = [](const LegacyMessage& message) {
        std::string bytes;
        encode_legacy(bytes, message);
        return legacy_records(*decode_legacy(bytes));
    };
    std::string inner;
    encode_legacy_set(inner, 1, CompressionType::none, legacy_of(1));
    LegacyMessage wrapper;
    wrapper.magic = 1;
    wrapper.attributes = 1;
    wrapper.offset = Offset{200};
    std::string packed = compress(CompressionType::gzip, inner);
    wrapper.value = packed;
    const auto members = records_in(wrapper);
    ASSERT_TRUE(members);
    EXPECT_EQ(members->back().offset, Offset{200});

    wrapper.attributes = 1 | 8;  // LogAppendTime of the wrapper stands for all
    wrapper.timestamp = Timestamp{77};
    EXPECT_EQ(records_in(wrapper)->front().timestamp, Timestamp{77});
    wrapper.attributes = 4;  // zstd came with v2
    EXPECT_FALSE(records_in(wrapper));
    wrapper.attributes = 1;
    wrapper.value.reset();
    EXPECT_FALSE(records_in(wrapper));
    packed = compress(CompressionType::gzip, "");
    wrapper.value = packed;
    EXPECT_FALSE(records_in(wrapper));
    std::string other;
    encode_legacy_set(other, 0, CompressionType::none, legacy_of(0));
    packed = compress(CompressionType::gzip, other);
    wrapper.value = packed;
    EXPECT_FALSE(records_in(wrapper));
    std::string nested;
    encode_legacy_set(nested, 1, CompressionType::gzip, legacy_of(1));
    packed = compress(CompressionType::gzip, nested);
    wrapper.value = packed;
    EXPECT_FALSE(records_in(wrapper));
}

// Whatever the bytes are: read or refused, and never out of bounds (run with the sanitizers).
void read_anything(std::string_view in) {
    while (true) {
        const FramedBatch framed = take_batch(in);
        if (framed.fault != BatchFault::none) return;
        if (framed.magic == 2) {
            const auto batch = decode_batch(framed.bytes);
            if (!batch) continue;
            is_intact(*batch);
            for_each_record(*batch, [](const RecordView& record) {
                record.content_digest();
                record.for_each_header([](std::string_view, std::optional<std::string_view>) {});
                control_type_of(record);
                marker_of(record);
            });
        } else if (auto message = decode_legacy(framed.bytes)) {
            message->is_intact = true;
            legacy_records(*message);
        }
    }
}

RC_GTEST_PROP(batch_bytes, arbitrary_bytes_do_no_harm, (std::string bytes, std::uint8_t magic)) {
    read_anything(bytes);
    // With a frame around them they get further in.
    std::string framed;
    put_big_endian(framed, std::int64_t{1});
    put_big_endian(framed, static_cast<std::int32_t>(bytes.size() + 5));
    framed += "abcd";
    framed += static_cast<char>(magic % 3);
    read_anything(framed + bytes);
}

RC_GTEST_PROP(batch_bytes, flipped_bits_are_refused_or_change_the_crc,
              (std::uint8_t records, std::vector<std::uint32_t> flips)) {
    for (const CompressionType type :
         {CompressionType::none, CompressionType::gzip, CompressionType::snappy,
          CompressionType::lz4, CompressionType::zstd}) {
        const RecordBatch batch = some_batch(11, 1 + records % 20, type);
        std::string bytes = bytes_of({batch});
        for (const std::uint32_t flip : flips) {
            bytes[(flip >> 3) % bytes.size()] ^= static_cast<char>(1 << (flip & 7));
        }
        read_anything(bytes);
        std::string_view in = bytes;
        const FramedBatch framed = take_batch(in);
        if (framed.fault != BatchFault::none) continue;
        const auto read = decode_batch(framed.bytes);
        if (!read || !is_intact(*read)) continue;
        // Only what stands before the CRC may differ.
        RC_ASSERT(read->records == batch.records);
        RC_ASSERT(read->attributes == batch.attributes);
    }
    for (const std::int8_t magic : {0, 1}) {
        std::string bytes;
        encode_legacy_set(bytes, magic, kLegacyTypes[records % 4], legacy_of(magic));
        for (const std::uint32_t flip : flips) {
            bytes[(flip >> 3) % bytes.size()] ^= static_cast<char>(1 << (flip & 7));
        }
        read_anything(bytes);
    }
}

}  // namespace
}  // namespace tribunal
