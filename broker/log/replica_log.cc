#include "broker/log/replica_log.h"

#include <algorithm>

#include "broker/base/check.h"

namespace tribunal {

void ReplicaLog::append(RecordBatch batch) {
    CHECK(batch.base_offset >= log_end_offset);
    CHECK(batch.record_count > 0);
    assign_epoch(batch.leader_epoch, batch.base_offset);
    if (batch.has_producer_id() || !producers.is_unused()) producers.update(batch);
    log_end_offset = batch.next_offset();
    size_in_bytes += batch.size_in_bytes();
    if (chunks.empty() || chunks.back()->batches.size() == kChunkBatches) {
        chunks.emplace_back();
        chunks.back().edit().batches.reserve(kChunkBatches);
    }
    chunks.back().edit().batches.push_back(std::move(batch));
}

std::vector<RecordBatch> ReplicaLog::truncate_to(Offset offset) {
    std::vector<RecordBatch> dropped;
    while (!chunks.empty() && chunks.back()->batches.back().last_offset() >= offset) {
        auto& batches = chunks.back().edit().batches;
        while (!batches.empty() && batches.back().last_offset() >= offset) {
            size_in_bytes -= batches.back().size_in_bytes();
            dropped.push_back(std::move(batches.back()));
            batches.pop_back();
        }
        if (!batches.empty()) break;
        chunks.pop_back();
    }
    std::reverse(dropped.begin(), dropped.end());
    log_end_offset = std::min(log_end_offset, offset);
    if (!dropped.empty()) log_end_offset = std::min(log_end_offset, dropped.front().base_offset);
    log_start_offset = std::min(log_start_offset, log_end_offset);
    // The cache keeps epochs that begin below the new end (LeaderEpochFileCache.truncateFromEnd),
    // also when no batch had to go: a leader that wrote nothing has left an entry at the log end,
    // which would hide the epochs of the leaders after it (UnifiedLog.truncateTo).
    while (!epochs.empty() && epochs.back().start_offset >= log_end_offset) epochs.pop_back();
    // Where nobody was known before, cutting makes nobody known.
    if (!producers.is_unused()) rebuild_producers(*this);
    return dropped;
}

void ReplicaLog::advance_start(Offset offset) {
    if (offset <= log_start_offset) return;
    CHECK(offset <= log_end_offset);
    log_start_offset = offset;
    std::size_t gone = 0;
    while (gone < chunks.size() && chunks[gone]->batches.back().last_offset() < offset) {
        for (const RecordBatch& batch : chunks[gone]->batches)
            size_in_bytes -= batch.size_in_bytes();
        ++gone;
    }
    chunks.erase(chunks.begin(), chunks.begin() + static_cast<std::ptrdiff_t>(gone));
    // The newest epoch that starts at or below the new start stays, moved up to it
    // (LeaderEpochFileCache.truncateFromStart).
    std::size_t keep = 0;
    while (keep + 1 < epochs.size() && epochs[keep + 1].start_offset <= offset) ++keep;
    epochs.erase(epochs.begin(), epochs.begin() + static_cast<std::ptrdiff_t>(keep));
    if (!epochs.empty() && epochs.front().start_offset < offset)
        epochs.front().start_offset = offset;
    if (!producers.is_unused()) {
        producers.drop_snapshots_below(offset);
        producers.on_log_start(offset);
    }
}

void ReplicaLog::truncate_fully_and_start_at(Offset offset) {
    chunks.clear();
    epochs.clear();
    size_in_bytes = 0;
    log_start_offset = offset;
    log_end_offset = offset;
    if (!producers.is_unused()) producers.truncate_fully_and_start_at(offset);
}

std::size_t ReplicaLog::chunk_of(Offset offset) const {
    const auto it = std::partition_point(chunks.begin(), chunks.end(), [&](const auto& chunk) {
        return chunk->batches.back().last_offset() < offset;
    });
    return static_cast<std::size_t>(it - chunks.begin());
}

void ReplicaLog::read(Offset from, Offset upper, std::int64_t max_bytes,
                      std::vector<RecordBatch>& out) const {
    std::int64_t bytes = 0;
    for (std::size_t c = chunk_of(from); c < chunks.size(); ++c) {
        for (const RecordBatch& batch : chunks[c]->batches) {
            if (batch.last_offset() < from) continue;
            if (batch.next_offset() > upper) return;
            bytes += batch.size_in_bytes();
            if (bytes > max_bytes && bytes != batch.size_in_bytes()) return;
            out.push_back(batch);
        }
    }
}

const RecordBatch* ReplicaLog::find(Offset offset) const {
    const std::size_t c = chunk_of(offset);
    if (c == chunks.size()) return nullptr;
    for (const RecordBatch& batch : chunks[c]->batches) {
        if (batch.last_offset() >= offset) return &batch;
    }
    return nullptr;
}

const RecordBatch* ReplicaLog::last() const {
    return chunks.empty() ? nullptr : &chunks.back()->batches.back();
}

LeaderEpoch ReplicaLog::latest_epoch() const {
    return epochs.empty() ? kNoLeaderEpoch : epochs.back().epoch;
}

void ReplicaLog::assign_epoch(LeaderEpoch epoch, Offset offset) {
    if (epoch <= latest_epoch()) return;
    // An epoch that began here and wrote nothing is replaced by the one that now begins here.
    while (!epochs.empty() && epochs.back().start_offset >= offset) epochs.pop_back();
    epochs.push_back({epoch, offset});
}

EpochEnd ReplicaLog::end_offset_for(LeaderEpoch epoch) const {
    if (epochs.empty() || epoch < LeaderEpoch{0}) return {};
    if (epoch == epochs.back().epoch) return {epoch, log_end_offset};
    if (epoch > epochs.back().epoch) return {};
    if (epoch < epochs.front().epoch) {
        // Older than anything kept: its end is where the oldest kept epoch begins.
        return {epoch, epochs.front().start_offset};
    }
    const auto above = std::partition_point(epochs.begin(), epochs.end(),
                                            [&](const EpochEntry& e) { return e.epoch <= epoch; });
    return {std::prev(above)->epoch, above->start_offset};
}

}  // namespace tribunal
