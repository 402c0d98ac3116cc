// Record batches, format v2 (KIP-98): the unit that Kafka produces, appends, replicates and
// fetches. The header is a struct; the records are the very bytes of the wire format, made once by
// the producer and covered by the CRC. A broker assigns base offset and leader epoch, which stand
// outside the CRC, so it never touches the bytes, unless it has to compress them otherwise.
//
// Reading sees through compression: for_each_record() gives the records of a compressed batch like
// those of any other. The whole batch as bytes, header and all, is batch_bytes.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/base/payload.h"
#include "broker/protocol/config.h"
#include "broker/protocol/ids.h"
#include "broker/protocol/sequence.h"

namespace tribunal {

// Bits of RecordBatch::attributes.
namespace attribute {
inline constexpr std::int16_t kCompression = 0x07;
inline constexpr std::int16_t kLogAppendTime = 0x08;
inline constexpr std::int16_t kTransactional = 0x10;
inline constexpr std::int16_t kControl = 0x20;
inline constexpr std::int16_t kDeleteHorizon = 0x40;
}  // namespace attribute

// No timestamp in a record or in an empty batch.
inline constexpr Timestamp kNoTimestamp{-1};

inline constexpr std::size_t kBatchHeaderSize = 61;  // v2

struct RecordBatch {
    Offset base_offset;
    LeaderEpoch leader_epoch{-1};  // partitionLeaderEpoch, set by the leader that appends (KIP-101)
    std::int32_t last_offset_delta = 0;
    std::uint32_t crc = 0;
    std::int16_t attributes = 0;  // bits in namespace attribute
    std::int16_t producer_epoch = -1;
    std::int32_t base_sequence = -1;
    std::int32_t record_count = 0;
    ProducerId producer_id = kNoProducerId;
    Timestamp base_timestamp;  // what timestamps of records are relative to; see delete_horizon()
    Timestamp max_timestamp;
    Payload records;  // compressed as compression() says

    CompressionType compression() const {
        return static_cast<CompressionType>(attributes & attribute::kCompression);
    }
    bool is_log_append_time() const { return (attributes & attribute::kLogAppendTime) != 0; }
    bool is_transactional() const { return (attributes & attribute::kTransactional) != 0; }
    // Its records are not for applications: transaction markers and the like (control_record.h).
    bool is_control() const { return (attributes & attribute::kControl) != 0; }
    bool has_producer_id() const { return producer_id != kNoProducerId; }
    // KAFKA-8522: when the cleaner may drop the tombstones and markers in it; kept in the field of
    // the base timestamp.
    std::optional<Timestamp> delete_horizon() const {
        if ((attributes & attribute::kDeleteHorizon) == 0) return std::nullopt;
        return base_timestamp;
    }
    // -1 without sequences; wraps around (sequence.h).
    std::int32_t last_sequence() const {
        return base_sequence < 0 ? -1 : increment_sequence(base_sequence, last_offset_delta);
    }
    Offset last_offset() const { return base_offset + last_offset_delta; }
    Offset next_offset() const { return base_offset + (last_offset_delta + 1); }
    // Bytes on the wire and on disk: the header, then the records.
    std::int64_t size_in_bytes() const {
        return static_cast<std::int64_t>(kBatchHeaderSize + records.size());
    }
    TRIBUNAL_FIELDS(RecordBatch, base_offset, leader_epoch, last_offset_delta, crc, attributes,
                    producer_epoch, base_sequence, record_count, producer_id, base_timestamp,
                    max_timestamp, records)
};

// For the trace hash and world digest the CRC stands for the bytes it covers.
inline void fold(Digest& d, const RecordBatch& b) {
    d.word(static_cast<std::uint64_t>(b.base_offset.value));
    d.word((static_cast<std::uint64_t>(b.crc) << 32) |
           static_cast<std::uint32_t>(b.leader_epoch.value));
    d.word(static_cast<std::uint64_t>(b.last_offset_delta));
}

struct Header {
    std::string key;
    std::optional<std::string> value;
    TRIBUNAL_FIELDS(Header, key, value)
};

// A record as a client gives it.
struct Record {
    std::optional<std::string> key;
    std::optional<std::string> value;
    std::vector<Header> headers;
    Timestamp timestamp;
    RecordUid uid = kNoUid;  // travels as the first header, "tribunal.uid", 8 bytes
    TRIBUNAL_FIELDS(Record, key, value, headers, timestamp, uid)
};

// A record as it lies in a batch. Views are good during the visit, and as long as the batch's
// payload lives when the batch is not compressed.
struct RecordView {
    Offset offset;
    Timestamp timestamp;  // the batch's when that is LogAppendTime
    std::optional<std::string_view> key;
    std::optional<std::string_view> value;
    std::string_view headers;  // encoded, after the uid header
    std::int32_t header_count = 0;
    RecordUid uid = kNoUid;
    // Calls visit(key, optional value) for each header after the uid header.
    template <class Visit>
    void for_each_header(Visit&& visit) const;
    // Digest of key, value and remaining headers: what the application would compare.
    std::uint32_t content_digest() const;
};
// What its view would say once it is encoded.
std::uint32_t content_digest(const Record& record);

// Appends one record as v2 has it, the uid header first when there is a uid. Deltas are to the
// batch's base timestamp and base offset.
void encode_record(std::string& out, std::int64_t timestamp_delta, std::int32_t offset_delta,
                   const RecordView& record);
// Puts encoded records into the batch, under that compression, and then its CRC. The rest of the
// header must be right already; the bits of the compression in the attributes are set here.
void seal(RecordBatch& batch, std::string_view encoded_records, CompressionType type);
// The encoded records without their compression: a view of the batch's payload, or of `scratch`.
// nullopt when they do not unpack.
std::optional<std::string_view> unpacked_records(const RecordBatch& batch, std::string& scratch);

// Collects records and closes them into a batch. Size estimates are exact without compression.
class BatchBuilder {
  public:
    // Appends a record with the next relative offset.
    void append(const Record& record);
    std::int32_t record_count() const { return count; }
    std::int64_t size_in_bytes() const {
        return static_cast<std::int64_t>(kBatchHeaderSize + bytes.size());
    }
    // Of a batch without compression that has this record alone.
    static std::int64_t size_alone(const Record& record) {
        return static_cast<std::int64_t>(kBatchHeaderSize) + size_of(record);
    }
    // Bytes that this record would add.
    static std::int64_t size_of(const Record& record);
    // The finished batch with base offset 0 and its CRC; the builder is empty afterwards.
    RecordBatch close(ProducerId producer_id = kNoProducerId, std::int16_t producer_epoch = -1,
                      std::int32_t base_sequence = -1,
                      CompressionType type = CompressionType::none);
    TRIBUNAL_FIELDS(BatchBuilder, bytes, count, base_timestamp, max_timestamp)

    std::string bytes;
    std::int32_t count = 0;
    Timestamp base_timestamp;
    Timestamp max_timestamp;
};

// CRC-32C over attributes .. records, as a v2 batch has it.
std::uint32_t checksum(const RecordBatch& batch);
inline bool is_intact(const RecordBatch& batch) { return checksum(batch) == batch.crc; }

// Calls visit(RecordView) for each record; returns false when the bytes do not decode into exactly
// record_count records (then some may have been visited).
bool decode_records(const RecordBatch& batch, void* context,
                    void (*visit)(void* context, const RecordView& record));
template <class Visit>
bool for_each_record(const RecordBatch& batch, Visit&& visit) {
    return decode_records(batch, &visit, [](void* context, const RecordView& record) {
        (*static_cast<std::remove_reference_t<Visit>*>(context))(record);
    });
}

// The first header of encoded ones; false when they do not decode or there is none.
bool take_header(std::string_view& headers, std::string_view& key,
                 std::optional<std::string_view>& value);
template <class Visit>
void RecordView::for_each_header(Visit&& visit) const {
    std::string_view rest = headers;
    std::string_view name;
    std::optional<std::string_view> content;
    while (take_header(rest, name, content)) visit(name, content);
}

}  // namespace tribunal
