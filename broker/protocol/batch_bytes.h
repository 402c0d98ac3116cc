// Record sets as bytes, as they lie in a segment and go over the wire: batches back to back, v2
// ones (this file) or messages of the old formats (legacy_records.h).
//
// An offset and a length stand before each; what follows says its format (the "magic") at the same
// place in all of them. A set may end in the middle of a batch: a fetch cuts there (KIP-74), and so
// does a torn write.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "broker/protocol/batch.h"

namespace tribunal {

// Header and records, `batch.size_in_bytes()` long. The CRC is the batch's own, right or wrong.
void encode_batch(std::string& out, const RecordBatch& batch);

enum class BatchFault : std::uint8_t {
    none,
    cut,        // fewer bytes than the batch says, or none at all: the set ends here
    bad_size,   // the length cannot be one of a batch (CorruptRecordException)
    bad_magic,  // a format that does not exist (CorruptRecordException)
};
struct FramedBatch {
    BatchFault fault = BatchFault::none;
    std::int8_t magic = -1;
    std::string_view bytes;  // of this batch alone, from its offset on
};
// Takes the batch at the front off `in`; with a fault nothing is taken.
FramedBatch take_batch(std::string_view& in);

// A v2 batch of exactly these bytes. nullopt when they are no v2 batch or their length field is
// another; a wrong CRC is for is_intact() to say. Deviation: offsets below 0 or beyond 2^63 - 1 are
// refused too.
std::optional<RecordBatch> decode_batch(std::string_view bytes);

}  // namespace tribunal
