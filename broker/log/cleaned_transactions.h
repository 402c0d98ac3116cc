// Transactions as the cleaner meets them while it reads a log upwards (Kafka:
// CleanedTransactionMetadata): which batches belong to an aborted one and go, and which markers
// have no data left before them.
#pragma once

#include <map>
#include <set>
#include <vector>

#include "broker/log/replica_log.h"

namespace tribunal {

// What a control batch says; `other` also when it is of a kind that is no transaction's.
enum class Marker : std::uint8_t { commit, abort, other, empty };
Marker marker_in(const RecordBatch& batch);

class CleanedTransactions {
  public:
    // Knows the aborted transactions that end at `from` or above.
    CleanedTransactions(const ReplicaLog& log, Offset from);

    struct Judgement {
        // Nothing of its transaction is left but this marker, or this batch is data of an aborted
        // transaction.
        bool may_discard = false;
        // An abort marker whose data was met: it belongs into the new segment's transaction index.
        std::optional<AbortedTransaction> still_aborted;
    };
    // Each batch once, in order of offsets.
    Judgement read(const RecordBatch& batch);

  private:
    struct Aborting {
        AbortedTransaction transaction;
        bool has_data = false;
    };
    Judgement read_marker(const RecordBatch& batch);

    std::multimap<Offset, AbortedTransaction> aborted_;  // not begun yet, by first offset
    std::map<ProducerId, Aborting> aborting_;
    std::set<ProducerId> committing_;
};

}  // namespace tribunal
