// The sequence numbers of one partition in an idempotent producer (Kafka: TxnPartitionEntry):
// which number the next batch gets and which batches have theirs and are not answered for good.
// No requests, no errors: idempotence.cc decides what they mean.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "broker/base/digest.h"
#include "broker/protocol/ids.h"
#include "broker/protocol/sequence.h"

namespace tribunal {

// Under what name a batch is remembered by the brokers.
struct ProducerIdentity {
    ProducerId id = kNoProducerId;
    std::int16_t epoch = -1;
    bool is_valid() const { return id != kNoProducerId; }
    TRIBUNAL_FIELDS(ProducerIdentity, id, epoch)
};

struct NumberedBatch {
    std::uint32_t batch = 0;  // ProducerBatch::id
    ProducerIdentity identity;
    std::int32_t base_sequence = 0;
    std::int32_t record_count = 0;
    TRIBUNAL_FIELDS(NumberedBatch, batch, identity, base_sequence, record_count)
};

struct PartitionSequences {
    ProducerIdentity identity;  // of the next batch, unless the producer has another by then
    std::int32_t next_sequence = 0;
    std::int32_t last_acked_sequence = kNoSequence;
    Offset last_acked_offset = kNoOffset;
    // Numbered and not completed, whether under way or waiting for a retry. By identity and
    // sequence; before KAFKA-8483 in the order of a binary heap's array, which is sorted only at
    // its head.
    std::vector<NumberedBatch> in_flight;
    // A batch that had been sent was given up, so nobody knows whether the partition has it: no new
    // batch is numbered before the others in flight have told. The number after the newest such.
    std::optional<std::int32_t> unresolved;
    bool rewrite = false;  // numbered anew when the epoch is raised
    TRIBUNAL_FIELDS(PartitionSequences, identity, next_sequence, last_acked_sequence,
                    last_acked_offset, in_flight, unresolved, rewrite)

    // `sorted`: as since KAFKA-8483.
    void track(const NumberedBatch& batch, bool sorted);
    // False when it was not tracked.
    bool untrack(std::uint32_t batch, bool sorted);
    void on_acked(std::int32_t last_sequence, Offset last_offset);
    bool is_next(std::int32_t sequence) const {
        return std::int64_t{sequence} - last_acked_sequence == 1;
    }
    // Numbers what is in flight from 0 on, under `identity`, in the order of the list.
    void start_at_beginning(ProducerIdentity identity);
    // A batch failed for good and its numbers are free: those behind it move up (before KIP-360).
    void close_gap(std::int32_t base_sequence, std::int32_t record_count);
};

}  // namespace tribunal
