// The life of producer state: validation, batches in, markers in, expiry, truncation.
#include "broker/log/producer_state.h"

#include <algorithm>
#include <utility>

#include "broker/base/check.h"

namespace tribunal {
namespace {

bool is_next(std::int32_t last, std::int32_t next) {
    return std::int64_t{next} == std::int64_t{last} + 1 || (next == 0 && last == INT32_MAX);
}

// ProducerAppendInfo.checkSequence.
ErrorCode check_sequence(const ProducerEntry& entry, const RecordBatch& batch, const Rules& rules) {
    const std::int32_t first = batch.base_sequence;
    const bool is_known = entry.epoch != kNoProducerEpoch;
    const bool starts_anywhere = rules.unknown_producer_starts_anywhere;
    if (batch.producer_epoch != entry.epoch) {
        // A new epoch begins at 0. Of an unknown producer the beginning may have been deleted, so
        // since KIP-360 it goes on wherever it is.
        if (first == 0 || (!is_known && starts_anywhere)) return ErrorCode::none;
        return is_known ? ErrorCode::out_of_order_sequence_number : ErrorCode::unknown_producer_id;
    }
    // Only a marker is known of this epoch: what comes next is not (KAFKA-7298).
    if (!starts_anywhere && entry.batches.empty() && first != 0) {
        return ErrorCode::unknown_producer_id;
    }
    return is_next(entry.last_sequence(), first) ? ErrorCode::none
                                                 : ErrorCode::out_of_order_sequence_number;
}

}  // namespace

void BatchWindow::push_back(const BatchMetadata& batch) {
    if (size_ == kMost) {
        std::move(batches_ + 1, batches_ + kMost, batches_);
        --size_;
    }
    batches_[size_++] = batch;
}

void BatchWindow::drop_below(Offset offset) {
    BatchWindow kept;
    for (const BatchMetadata& batch : *this) {
        if (batch.last_offset >= offset) kept.push_back(batch);
    }
    *this = kept;
}

const BatchMetadata* ProducerEntry::find_duplicate(const RecordBatch& batch,
                                                   std::int32_t window) const {
    if (batch.producer_epoch != epoch) return nullptr;
    const std::int32_t last = batch.last_sequence();
    const auto size = static_cast<std::int32_t>(batches.size());
    for (std::int32_t i = std::max(0, size - window); i < size; ++i) {
        const BatchMetadata& known = batches.begin()[i];
        if (known.first_sequence() == batch.base_sequence && known.last_sequence == last) {
            return &known;
        }
    }
    return nullptr;
}

std::optional<EndTransactionMarker> end_transaction_marker_of(const RecordBatch& batch) {
    std::optional<EndTransactionMarker> marker;
    bool is_first = true;
    for_each_record(batch, [&](const RecordView& record) {
        if (std::exchange(is_first, false)) marker = marker_of(record);
    });
    return marker;
}

const BatchMetadata* ProducerState::find_duplicate(const RecordBatch& batch,
                                                   const Rules& rules) const {
    const ProducerEntry* entry = producers.find(batch.producer_id);
    return entry == nullptr ? nullptr : entry->find_duplicate(batch, rules.dedup_window);
}

ErrorCode ProducerState::check(const RecordBatch& batch, AppendOrigin origin,
                               const Rules& rules) const {
    CHECK(batch.producer_id != kNoProducerId);
    static const ProducerEntry kUnknown;
    const ProducerEntry* known = producers.find(batch.producer_id);
    const ProducerEntry& entry = known == nullptr ? kUnknown : *known;
    if (batch.producer_epoch < entry.epoch && origin != AppendOrigin::replication) {
        return ErrorCode::invalid_producer_epoch;
    }
    if (batch.is_control()) {
        const auto marker = end_transaction_marker_of(batch);
        if (marker && marker->coordinator_epoch < entry.coordinator_epoch &&
            origin != AppendOrigin::replication) {
            return ErrorCode::transaction_coordinator_fenced;
        }
        return ErrorCode::none;
    }
    if (origin == AppendOrigin::client) {
        const ErrorCode error = check_sequence(entry, batch, rules);
        if (error != ErrorCode::none) return error;
    }
    const bool in_transaction = entry.txn_first_offset != kNoOffset;
    return in_transaction && !batch.is_transactional() ? ErrorCode::invalid_txn_state
                                                       : ErrorCode::none;
}

std::optional<CompletedTxn> ProducerState::update(const RecordBatch& batch) {
    map_end_offset = batch.next_offset();
    if (batch.producer_id == kNoProducerId) return std::nullopt;
    std::optional<EndTransactionMarker> marker;
    Timestamp timestamp = batch.max_timestamp;
    if (batch.is_control()) {
        marker = end_transaction_marker_of(batch);
        // An empty control batch: the cleaner has removed the whole transaction.
        if (!marker) return std::nullopt;
    }
    ProducerEntry& entry = producers[batch.producer_id];
    if (entry.epoch != batch.producer_epoch) entry.batches.clear();
    entry.epoch = batch.producer_epoch;
    entry.last_timestamp = timestamp;
    if (!marker) {
        entry.batches.push_back({batch.last_sequence(), batch.last_offset_delta,
                                 batch.last_offset(), batch.max_timestamp});
        if (batch.is_transactional() && entry.txn_first_offset == kNoOffset) {
            entry.txn_first_offset = batch.base_offset;
            ongoing[batch.base_offset] = {batch.producer_id, kNoOffset};
        }
        return std::nullopt;
    }
    entry.coordinator_epoch = marker->coordinator_epoch;
    const Offset first = std::exchange(entry.txn_first_offset, kNoOffset);
    // A marker of an empty transaction leaves nothing behind.
    if (first == kNoOffset) return std::nullopt;
    ongoing.erase(first);
    unreplicated[first] = {batch.producer_id, batch.last_offset()};
    return CompletedTxn{batch.producer_id, first, batch.last_offset(), !marker->commit};
}

std::optional<Offset> ProducerState::first_unstable_offset() const {
    std::optional<Offset> first = first_undecided_offset();
    if (!unreplicated.empty() && (!first || unreplicated.begin()->first < *first)) {
        first = unreplicated.begin()->first;
    }
    return first;
}

std::optional<Offset> ProducerState::first_undecided_offset() const {
    if (ongoing.empty()) return std::nullopt;
    return ongoing.begin()->first;
}

Offset ProducerState::last_stable_offset(const CompletedTxn& completed) const {
    for (const auto& [first, txn] : ongoing) {
        if (txn.producer != completed.producer) return first;
    }
    return completed.last_offset + 1;
}

void ProducerState::on_high_watermark(Offset high_watermark) {
    if (unreplicated.empty()) return;
    unreplicated.erase_if([&](const auto& e) { return e.second.last_offset < high_watermark; });
}

namespace {

bool is_expired(const ProducerEntry& entry, Timestamp now, std::int64_t expiration_ms) {
    return entry.txn_first_offset == kNoOffset &&
           now.value - entry.last_timestamp.value >= expiration_ms;
}

}  // namespace

void ProducerState::remove_expired(Timestamp now, std::int64_t expiration_ms) {
    producers.erase_if([&](const auto& e) { return is_expired(e.second, now, expiration_ms); });
}

bool ProducerState::has_expired(Timestamp now, std::int64_t expiration_ms) const {
    return std::any_of(producers.begin(), producers.end(),
                       [&](const auto& e) { return is_expired(e.second, now, expiration_ms); });
}

void ProducerState::on_log_start(Offset log_start_offset) {
    on_high_watermark(log_start_offset);
    map_end_offset = std::max(map_end_offset, log_start_offset);
    last_snapshot_offset = snapshots.empty() ? log_start_offset : snapshots.back().offset;
}

void ProducerState::evict_below(Offset log_start_offset) {
    producers.erase_if([&](auto& e) {
        if (e.second.last_offset() >= log_start_offset) return false;
        if (e.second.txn_first_offset != kNoOffset) ongoing.erase(e.second.txn_first_offset);
        return true;
    });
}

void ProducerState::truncate_fully_and_start_at(Offset offset) {
    producers.clear();
    ongoing.clear();
    unreplicated.clear();
    snapshots.clear();
    last_snapshot_offset = Offset{0};
    map_end_offset = offset;
}

bool ProducerState::take_snapshot() {
    if (map_end_offset <= last_snapshot_offset) return false;
    const auto place = std::lower_bound(
        snapshots.begin(), snapshots.end(), map_end_offset,
        [](const ProducerSnapshot& s, Offset offset) { return s.offset < offset; });
    ProducerSnapshot taken{map_end_offset, Payload{encode_producer_snapshot(producers)}};
    if (place != snapshots.end() && place->offset == map_end_offset) {
        *place = std::move(taken);
    } else {
        snapshots.insert(place, std::move(taken));
    }
    last_snapshot_offset = map_end_offset;
    return true;
}

void ProducerState::load(const FlatMap<ProducerId, ProducerEntry>& entries, Timestamp now,
                         std::int64_t expiration_ms) {
    for (const auto& [id, entry] : entries) {
        if (is_expired(entry, now, expiration_ms)) continue;
        producers[id] = entry;
        if (entry.txn_first_offset != kNoOffset) ongoing[entry.txn_first_offset] = {id, kNoOffset};
    }
}

void ProducerState::truncate_and_reload(Offset log_start, Offset log_end, Timestamp now,
                                        std::int64_t expiration_ms) {
    std::erase_if(snapshots, [&](const ProducerSnapshot& s) {
        return s.offset > log_end || s.offset <= log_start;
    });
    if (map_end_offset == log_end) {
        on_log_start(log_start);
        return;
    }
    producers.clear();
    ongoing.clear();
    // Only what is above the high watermark is ever cut, so what was undecided there is gone.
    unreplicated.clear();
    while (!snapshots.empty()) {
        const auto entries = decode_producer_snapshot(snapshots.back().bytes.view());
        if (entries) {
            load(*entries, now, expiration_ms);
            break;
        }
        snapshots.pop_back();  // corrupt: the one before will do
    }
    last_snapshot_offset = snapshots.empty() ? log_start : snapshots.back().offset;
    map_end_offset = last_snapshot_offset;
}

void ProducerState::drop_snapshots_below(Offset offset) {
    std::erase_if(snapshots, [&](const ProducerSnapshot& s) { return s.offset < offset; });
}

void ProducerState::drop_stray_snapshots(const std::vector<Offset>& segments) {
    const bool keeps_last =
        !snapshots.empty() && !segments.empty() && snapshots.back().offset >= segments.back();
    const Offset last = snapshots.empty() ? kNoOffset : snapshots.back().offset;
    std::erase_if(snapshots, [&](const ProducerSnapshot& s) {
        if (keeps_last && s.offset == last) return false;
        return !std::binary_search(segments.begin(), segments.end(), s.offset);
    });
}

}  // namespace tribunal
