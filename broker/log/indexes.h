// The three index files beside a segment's log file, as values with Kafka's exact contents:
//
//   .index      OffsetIndex       sparse: offset -> position in the file
//   .timeindex  TimeIndex         sparse: largest timestamp so far -> offset of its batch
//   .txnindex   TransactionIndex  every aborted transaction that ends in the segment (KIP-98)
//
// Offsets are stored relative to the segment's base offset in 32 bits, which is why a segment can
// hold no offset further than 2^31 - 1 from its base. The bytes of the files are big-endian.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "broker/log/shared_vector.h"
#include "broker/protocol/batch.h"

namespace tribunal {

// A byte position in a segment's log file, and the last offset of the batch that begins there.
struct OffsetPosition {
    Offset offset;
    std::int64_t position = 0;
    TRIBUNAL_FIELDS(OffsetPosition, offset, position)
};
// A timestamp and the last offset of the batch that first reached it.
struct TimestampOffset {
    Timestamp timestamp = kNoTimestamp;
    Offset offset;
    TRIBUNAL_FIELDS(TimestampOffset, timestamp, offset)
};

// Whether `offset` can be written relative to `base`.
constexpr bool has_relative_offset(Offset base, Offset offset) {
    return offset >= base && offset.value - base.value <= INT32_MAX;
}

struct OffsetIndex {
    static constexpr std::int64_t kEntryBytes = 8;
    struct Entry {
        std::int32_t relative_offset = 0;
        std::int32_t position = 0;
        TRIBUNAL_FIELDS(Entry, relative_offset, position)
    };

    Offset base_offset;
    SharedVector<Entry, 256> entries;  // ascending in both fields

    // Adds an entry; its offset must be above the last one's.
    void append(Offset offset, std::int64_t position);
    // The last entry with an offset <= `target`; (base offset, 0) when there is none.
    OffsetPosition lookup(Offset target) const;
    // The first entry at or behind the byte where a fetch of `fetch_size` bytes from `start` ends.
    std::optional<OffsetPosition> fetch_upper_bound(OffsetPosition start,
                                                    std::int64_t fetch_size) const;
    // Drops the entries of offsets >= `offset`.
    void truncate_to(Offset offset);
    // Of the last entry; the base offset when there is none.
    Offset last_offset() const { return last_entry().offset; }
    OffsetPosition last_entry() const;
    bool is_full(std::int64_t segment_index_bytes) const {
        return static_cast<std::int64_t>(entries.size()) >= segment_index_bytes / kEntryBytes;
    }
    std::string file_bytes() const;
    TRIBUNAL_FIELDS(OffsetIndex, base_offset, entries)
};

struct TimeIndex {
    static constexpr std::int64_t kEntryBytes = 12;
    struct Entry {
        std::int64_t timestamp = 0;
        std::int32_t relative_offset = 0;
        TRIBUNAL_FIELDS(Entry, timestamp, relative_offset)
    };

    Offset base_offset;
    SharedVector<Entry, 256> entries;  // ascending in both fields

    // Adds an entry unless its timestamp is not above the last one's: an index that is closed
    // twice gets the same entry again. Neither field may go back. Returns whether it was added.
    bool maybe_append(Timestamp timestamp, Offset offset);
    // The last entry with a timestamp <= `target`; (-1, base offset) when there is none.
    TimestampOffset lookup(Timestamp target) const;
    // Drops the entries of offsets >= `offset`.
    void truncate_to(Offset offset);
    TimestampOffset last_entry() const;
    // One slot is kept for the entry that the roll adds.
    bool is_full(std::int64_t segment_index_bytes) const {
        return static_cast<std::int64_t>(entries.size()) >= segment_index_bytes / kEntryBytes - 1;
    }
    std::string file_bytes() const;
    TRIBUNAL_FIELDS(TimeIndex, base_offset, entries)
};

// A transaction that was aborted: what a read_committed consumer must skip.
struct AbortedTransaction {
    ProducerId producer_id;
    Offset first_offset;
    Offset last_offset;  // of the abort marker
    Offset last_stable_offset;
    TRIBUNAL_FIELDS(AbortedTransaction, producer_id, first_offset, last_offset, last_stable_offset)
};

struct TransactionIndex {
    std::vector<AbortedTransaction> entries;  // ascending by last offset

    // The last offset must be above the last one's.
    void append(const AbortedTransaction& aborted);
    struct Found {
        std::vector<AbortedTransaction> aborted;
        // Later segments cannot add any: the last stable offset of one reached the upper bound.
        bool is_complete = false;
        TRIBUNAL_FIELDS(Found, aborted, is_complete)
    };
    // The transactions that overlap [fetch_offset, upper_bound).
    Found collect(Offset fetch_offset, Offset upper_bound) const;
    // Drops the transactions that end at `offset` or later.
    void truncate_to(Offset offset);
    std::string file_bytes() const;
    TRIBUNAL_FIELDS(TransactionIndex, entries)
};

}  // namespace tribunal
