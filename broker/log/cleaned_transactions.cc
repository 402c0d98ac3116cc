#include "broker/log/cleaned_transactions.h"

#include "broker/protocol/control_record.h"

namespace tribunal {

Marker marker_in(const RecordBatch& batch) {
    Marker marker = Marker::empty;
    for_each_record(batch, [&](const RecordView& record) {
        if (marker != Marker::empty) return;
        const std::optional<ControlRecordType> type = control_type_of(record);
        marker = type == ControlRecordType::abort    ? Marker::abort
                 : type == ControlRecordType::commit ? Marker::commit
                                                     : Marker::other;
    });
    return marker;
}

CleanedTransactions::CleanedTransactions(const ReplicaLog& log, Offset from) {
    // A transaction is in the index of the segment that has its marker, which may lie above all
    // that is cleaned.
    for (const Shared<Segment>& segment : log.segments) {
        for (const AbortedTransaction& t : segment->transaction_index.entries) {
            if (t.last_offset >= from) aborted_.emplace(t.first_offset, t);
        }
    }
}

CleanedTransactions::Judgement CleanedTransactions::read(const RecordBatch& batch) {
    while (!aborted_.empty() && aborted_.begin()->first <= batch.last_offset()) {
        const AbortedTransaction& t = aborted_.begin()->second;
        aborting_.try_emplace(t.producer_id, Aborting{t, false});
        aborted_.erase(aborted_.begin());
    }
    if (batch.is_control()) return read_marker(batch);
    if (!batch.is_transactional()) return {};
    if (const auto it = aborting_.find(batch.producer_id); it != aborting_.end()) {
        it->second.has_data = true;
        return {true, std::nullopt};
    }
    committing_.insert(batch.producer_id);
    return {};
}

CleanedTransactions::Judgement CleanedTransactions::read_marker(const RecordBatch& batch) {
    switch (marker_in(batch)) {
        case Marker::abort: {
            const auto it = aborting_.find(batch.producer_id);
            if (it == aborting_.end()) return {true, std::nullopt};
            const Aborting ended = it->second;
            aborting_.erase(it);
            if (!ended.has_data) return {true, std::nullopt};
            return {false, ended.transaction};
        }
        case Marker::commit:
            return {committing_.erase(batch.producer_id) == 0, std::nullopt};
        case Marker::other:
            return {};
        case Marker::empty:
            // It was cleaned before, and had no data then.
            return {true, std::nullopt};
    }
    return {};
}

}  // namespace tribunal
