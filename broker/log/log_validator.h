// Whether a leader may append a batch, and as what: offsets assigned, timestamps checked or
// overwritten, compressed as the topic wants it (Kafka: UnifiedLog.analyzeAndValidateRecords, then
// LogValidator). Followers append what they fetched as it is.
#pragma once

#include "broker/log/producer_state.h"
#include "broker/protocol/config.h"

namespace tribunal {

struct LogValidation {
    const TopicConfig& config;
    const Rules& rules;
    AppendOrigin origin = AppendOrigin::client;
    Offset base_offset;  // that the batch gets
    LeaderEpoch leader_epoch;
    Timestamp now;  // the leader's wall clock
};

// The batch as it is to be appended; or why not:
//   MESSAGE_TOO_LARGE             larger than max.message.bytes, as sent or as compressed anew
//   CORRUPT_MESSAGE               its CRC is another
//   INVALID_RECORD                from a client: base offset not 0, a count that does not fit the
//                                 offsets or the records, a control batch, a producer id without
//                                 sequence; a record without key in a compacted topic; records
//                                 that do not decode
//   INVALID_TIMESTAMP             outside message.timestamp.before/after.max.ms, or LogAppendTime
//                                 set by the producer
//   UNSUPPORTED_COMPRESSION_TYPE  zstd where it is not known yet (KIP-110)
//
// A batch that is right already shares its records with what was sent; one that has to be
// compressed otherwise, or whose offsets have holes under compression, is built anew.
//
// Deviation: compressed records that do not unpack are an INVALID_RECORD; Kafka shows some of them
// as UNKNOWN_SERVER_ERROR, depending on the library that gives up.
Answer<RecordBatch> validate_for_append(const RecordBatch& batch, const LogValidation& validation);

}  // namespace tribunal
