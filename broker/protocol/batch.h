// Record batches, format v2 (KIP-98): the unit that Kafka produces, appends, replicates and
// fetches. The header is a struct; the records are the very bytes of the wire format, made once by
// the producer and covered by the CRC. A broker assigns base offset and leader epoch, which stand
// outside the CRC, so it never touches the bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/base/payload.h"
#include "broker/protocol/ids.h"

namespace tribunal {

struct RecordBatch {
    Offset base_offset;
    LeaderEpoch leader_epoch{-1};  // partitionLeaderEpoch, set by the leader that appends (KIP-101)
    std::int32_t last_offset_delta = 0;
    std::uint32_t crc = 0;
    std::int16_t attributes =
        0;  // bits 0-2 compression, 3 timestamp type, 4 transactional, 5 control
    std::int16_t producer_epoch = -1;
    std::int32_t base_sequence = -1;
    std::int32_t record_count = 0;
    ProducerId producer_id = kNoProducerId;
    Timestamp base_timestamp;
    Timestamp max_timestamp;
    Payload records;

    Offset last_offset() const { return base_offset + last_offset_delta; }
    Offset next_offset() const { return base_offset + (last_offset_delta + 1); }
    // Bytes on the wire and on disk: 61 of header, then the records.
    std::int64_t size_in_bytes() const { return 61 + static_cast<std::int64_t>(records.size()); }
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

// A record as it lies in a batch. Views are good as long as the batch's payload lives.
struct RecordView {
    Offset offset;
    Timestamp timestamp;
    std::optional<std::string_view> key;
    std::optional<std::string_view> value;
    std::string_view headers;  // encoded, after the uid header
    std::int32_t header_count = 0;
    RecordUid uid = kNoUid;
    // Digest of key, value and remaining headers: what the application would compare.
    std::uint32_t content_digest() const;
};

// Collects records and closes them into a batch. Size estimates are exact for v2.
class BatchBuilder {
  public:
    // Appends a record with the next relative offset.
    void append(const Record& record);
    std::int32_t record_count() const { return count; }
    std::int64_t size_in_bytes() const { return 61 + static_cast<std::int64_t>(bytes.size()); }
    // Bytes that this record would add.
    static std::int64_t size_of(const Record& record);
    // The finished batch with base offset 0 and its CRC; the builder is empty afterwards.
    RecordBatch close(ProducerId producer_id = kNoProducerId, std::int16_t producer_epoch = -1,
                      std::int32_t base_sequence = -1);
    TRIBUNAL_FIELDS(BatchBuilder, bytes, count, base_timestamp, max_timestamp)

    std::string bytes;
    std::int32_t count = 0;
    Timestamp base_timestamp;
    Timestamp max_timestamp;
};

// CRC-32C over attributes .. records, as a v2 batch has it.
std::uint32_t checksum(const RecordBatch& batch);
inline bool is_intact(const RecordBatch& batch) { return checksum(batch) == batch.crc; }

// Calls visit(RecordView) for each record; returns false when the bytes do not decode (then some
// records may have been visited).
bool decode_records(const RecordBatch& batch, void* context,
                    void (*visit)(void* context, const RecordView& record));
template <class Visit>
bool for_each_record(const RecordBatch& batch, Visit&& visit) {
    return decode_records(batch, &visit, [](void* context, const RecordView& record) {
        (*static_cast<std::remove_reference_t<Visit>*>(context))(record);
    });
}

}  // namespace tribunal
