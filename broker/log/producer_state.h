// What a replica knows of the idempotent and transactional producers of one partition, as a value
// (KIP-98; Kafka: ProducerStateManager, ProducerAppendInfo, ProducerStateEntry).
//
// Per producer id: its epoch, the last five batches (so that a repeated batch is answered with the
// offset it already has), and the transaction that is open. It is a function of the log: every
// replica computes the same from the same batches. Snapshot files (NNNN.snapshot) spare reading the
// whole log again after a truncation or a restart; of each producer they keep the last batch only,
// so what was loaded from one tells fewer repeated batches than what was read from the log.
//
// Offsets are those of the log; sequences count records and wrap from 2^31 - 1 to 0.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/base/flat.h"
#include "broker/protocol/batch.h"
#include "broker/protocol/control_record.h"
#include "broker/protocol/errors.h"
#include "broker/protocol/rules.h"
#include "broker/protocol/sequence.h"

namespace tribunal {

inline constexpr std::int16_t kNoProducerEpoch = -1;

// Who appends, and so how much is checked.
enum class AppendOrigin : std::uint8_t {
    client,       // epoch and sequence, and repeated batches are told
    coordinator,  // markers and offset commits of transactions: the epoch, no sequences
    replication,  // nothing: the leader has checked
};

struct BatchMetadata {
    std::int32_t last_sequence = kNoSequence;
    std::int32_t offset_delta = 0;  // last offset - first offset
    Offset last_offset = kNoOffset;
    Timestamp timestamp;
    std::int32_t first_sequence() const { return decrement_sequence(last_sequence, offset_delta); }
    Offset first_offset() const { return last_offset + -offset_delta; }
    TRIBUNAL_FIELDS(BatchMetadata, last_sequence, offset_delta, last_offset, timestamp)
};

// The newest batches of a producer, at most five, oldest first.
class BatchWindow {
  public:
    static constexpr std::size_t kMost = 5;  // ProducerStateEntry.NUM_BATCHES_TO_RETAIN

    const BatchMetadata* begin() const { return batches_; }
    const BatchMetadata* end() const { return batches_ + size_; }
    std::size_t size() const { return size_; }
    bool empty() const { return size_ == 0; }
    const BatchMetadata& back() const { return batches_[size_ - 1]; }
    void clear() { *this = {}; }
    void push_back(const BatchMetadata& batch);  // pushes the oldest out when it is full
    // Forgets batches that end below `offset`.
    void drop_below(Offset offset);
    bool operator==(const BatchWindow&) const = default;

  private:
    BatchMetadata batches_[kMost];
    std::size_t size_ = 0;
};

struct ProducerEntry {
    std::int16_t epoch = kNoProducerEpoch;
    std::int32_t coordinator_epoch = -1;  // of the last transaction marker
    Timestamp last_timestamp{-1};         // of the last batch or marker
    Offset txn_first_offset = kNoOffset;  // of the open transaction; -1: none
    BatchWindow batches;                  // of this epoch

    std::int32_t last_sequence() const {
        return batches.empty() ? kNoSequence : batches.back().last_sequence;
    }
    Offset last_offset() const { return batches.empty() ? kNoOffset : batches.back().last_offset; }
    // The batch that `batch` repeats, among the newest `window`; null when there is none.
    const BatchMetadata* find_duplicate(const RecordBatch& batch, std::int32_t window) const;
    TRIBUNAL_FIELDS(ProducerEntry, epoch, coordinator_epoch, last_timestamp, txn_first_offset,
                    batches)
};

// What a control batch says of a transaction; nothing when it is empty or says something else.
std::optional<EndTransactionMarker> end_transaction_marker_of(const RecordBatch& batch);

struct CompletedTxn {
    ProducerId producer;
    Offset first_offset;
    Offset last_offset;  // of its marker
    bool aborted = false;
    TRIBUNAL_FIELDS(CompletedTxn, producer, first_offset, last_offset, aborted)
};
struct OpenTxn {
    ProducerId producer;
    Offset last_offset = kNoOffset;  // of its marker; -1 while it is undecided
    TRIBUNAL_FIELDS(OpenTxn, producer, last_offset)
};

// A .snapshot file: the producers at `offset`, which is in its name. The bytes are version 1 of
// Kafka's ProducerSnapshot with its CRC.
struct ProducerSnapshot {
    Offset offset;
    Payload bytes;
    TRIBUNAL_FIELDS(ProducerSnapshot, offset, bytes)
};

struct ProducerState {
    Offset map_end_offset{0};  // of the log that has been taken in
    Offset last_snapshot_offset{0};
    FlatMap<ProducerId, ProducerEntry> producers;
    FlatMap<Offset, OpenTxn> ongoing;         // by first offset
    FlatMap<Offset, OpenTxn> unreplicated;    // ended, with a marker above the high watermark
    std::vector<ProducerSnapshot> snapshots;  // by offset
    TRIBUNAL_FIELDS(ProducerState, map_end_offset, last_snapshot_offset, producers, ongoing,
                    unreplicated, snapshots)

    // No producer, no snapshot: a partition that idempotence never came to.
    bool is_unused() const {
        return producers.empty() && snapshots.empty() && unreplicated.empty();
    }
    const ProducerEntry* producer(ProducerId id) const { return producers.find(id); }

    // --- appending ------------------------------------------------------------------------------

    // The batch that a client's `batch` repeats, among the producer's newest `rules.dedup_window`;
    // to be asked before check(). Null: none.
    const BatchMetadata* find_duplicate(const RecordBatch& batch, const Rules& rules) const;
    // Whether `batch`, which has a producer id and its base offset, may be appended:
    // INVALID_PRODUCER_EPOCH, OUT_OF_ORDER_SEQUENCE_NUMBER, UNKNOWN_PRODUCER_ID (before KIP-360),
    // INVALID_TXN_STATE or TRANSACTION_COORDINATOR_FENCED when not.
    ErrorCode check(const RecordBatch& batch, AppendOrigin origin, const Rules& rules) const;
    // Takes in a batch that is in the log. Tells of the transaction that its marker ended; the
    // transaction stays unstable until the high watermark has passed the marker.
    std::optional<CompletedTxn> update(const RecordBatch& batch);

    // --- transactions ---------------------------------------------------------------------------

    // The first offset of a transaction that is undecided, or decided and not yet replicated.
    std::optional<Offset> first_unstable_offset() const;
    std::optional<Offset> first_undecided_offset() const;
    // Up to where everything was decided when the transaction ended, for the transaction index.
    // Asked before update() has taken the marker in.
    Offset last_stable_offset(const CompletedTxn& completed) const;
    // What is below the high watermark is replicated.
    void on_high_watermark(Offset high_watermark);

    // --- time and the ends of the log -----------------------------------------------------------

    // Forgets producers whose last batch is `expiration_ms` old (producer.id.expiration.ms) and
    // that have no transaction open. `now` is wall clock time as records have it.
    void remove_expired(Timestamp now, std::int64_t expiration_ms);
    bool has_expired(Timestamp now, std::int64_t expiration_ms) const;
    // The log start moved up: by default what is known of producers stays (KAFKA-7190).
    void on_log_start(Offset log_start_offset);
    // Before KAFKA-7190: forgets producers whose last batch is below the log start.
    void evict_below(Offset log_start_offset);
    void truncate_fully_and_start_at(Offset offset);

    // --- snapshots ------------------------------------------------------------------------------

    // Takes one at the map end unless there is one. True when it did.
    bool take_snapshot();
    // After the log was cut or moved to [log_start, log_end): forgets snapshots outside, and when
    // the map end is not the new log end, everything but what the newest snapshot has. The batches
    // from the map end on are to be read again by update().
    void truncate_and_reload(Offset log_start, Offset log_end, Timestamp now,
                             std::int64_t expiration_ms);
    // Deletes the snapshots below `offset` (their segments are gone).
    void drop_snapshots_below(Offset offset);
    // Deletes the snapshots that belong to no segment, except one above all of them, which a clean
    // shutdown has left (removeStraySnapshots). `segments`: base offsets, ascending.
    void drop_stray_snapshots(const std::vector<Offset>& segments);

  private:
    void load(const FlatMap<ProducerId, ProducerEntry>& entries, Timestamp now,
              std::int64_t expiration_ms);
};

struct ReplicaLog;

// Brings a log's producer state to its end after it was cut: from the newest snapshot that is
// still good, and from the batches behind it (UnifiedLog.rebuildProducerState).
void rebuild_producers(ReplicaLog& log);
// What a broker knows of the producers when it has started again. After a clean shutdown that is a
// snapshot of the log end, with one batch of each producer; else all of the log behind the newest
// snapshot at or below `recovery_point` is read.
void recover_producers(ReplicaLog& log, bool clean, Offset recovery_point);

// The bytes of a .snapshot file; of each producer's batches only the last goes into it.
std::string encode_producer_snapshot(const FlatMap<ProducerId, ProducerEntry>& producers);
// Nothing when the version is unknown, the bytes end early or the CRC is wrong.
std::optional<FlatMap<ProducerId, ProducerEntry>> decode_producer_snapshot(std::string_view bytes);
// "00000000000000000042.snapshot"
std::string producer_snapshot_file_name(Offset offset);

}  // namespace tribunal
