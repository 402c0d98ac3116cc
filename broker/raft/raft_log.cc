#include "broker/raft/raft_log.h"

#include <algorithm>

#include "broker/base/check.h"

namespace tribunal {
namespace {

// The first offset of the chunk after the one that holds `offset`.
std::int64_t next_chunk(std::int64_t offset) {
    return (offset / RaftLog::kChunkRecords + 1) * RaftLog::kChunkRecords;
}

void move_into(std::vector<RaftRecord>& out, std::vector<RaftRecord>& records, std::size_t from,
               std::size_t to) {
    for (std::size_t i = from; i < to; ++i) out.push_back(std::move(records[i]));
}

}  // namespace

void RaftLog::append(RaftRecord record) {
    // Leaders never go back. One that was elected by voters which forgot their votes may have what
    // another leader of an epoch wrote before an older one: its records win over what was known
    // (LeaderEpochFileCache.maybeTruncateNonMonotonicEntries).
    while (!epochs.empty() && epochs.back().epoch > record.epoch) epochs.pop_back();
    if (epochs.empty() || epochs.back().epoch < record.epoch) {
        epochs.push_back({record.epoch, end_offset});
    }
    CHECK(last_epoch() == record.epoch);
    if (const VotersRecord* voters = record.voters()) {
        voter_sets.emplace_back(end_offset, Shared<VoterSet>{voters->voters});
    }
    if (chunks.empty() || end_offset.value % kChunkRecords == 0) chunks.emplace_back();
    chunks.back().edit().records.push_back(std::move(record));
    end_offset.value += 1;
}

std::vector<RaftRecord> RaftLog::truncate_to(Offset offset) {
    CHECK(offset >= start_offset);
    std::vector<RaftRecord> dropped;
    if (offset >= end_offset) return dropped;
    for (Offset o = offset; o < end_offset; o.value += 1) dropped.push_back(*find(o));
    // Of the chunk that the cut goes through the front stays; those behind it go whole.
    const std::int64_t first = start_offset.value / kChunkRecords;
    const std::int64_t last = offset.value / kChunkRecords;
    const std::int64_t begins = std::max(last * kChunkRecords, start_offset.value);
    const auto keep = static_cast<std::size_t>(offset.value - begins);
    chunks.resize(static_cast<std::size_t>(last - first) + (keep > 0 ? 1 : 0));
    if (keep > 0) chunks.back().edit().records.resize(keep);
    end_offset = offset;
    while (!epochs.empty() && epochs.back().start_offset >= offset &&
           !(epochs.size() == 1 && start_offset > Offset{0})) {
        epochs.pop_back();
    }
    while (!voter_sets.empty() && voter_sets.back().first >= offset) voter_sets.pop_back();
    return dropped;
}

std::vector<RaftRecord> RaftLog::load(Shared<MetadataSnapshot> loaded) {
    std::vector<RaftRecord> dropped;
    for_each(start_offset, end_offset,
             [&](Offset, const RaftRecord& record) { dropped.push_back(record); });
    start_offset = end_offset = loaded->id.end_offset;
    chunks.clear();
    epochs.assign(1, EpochEntry{loaded->id.epoch, start_offset});
    voter_sets.clear();
    snapshot = std::move(loaded);
    return dropped;
}

std::vector<RaftRecord> RaftLog::clean() {
    std::vector<RaftRecord> dropped;
    if (!snapshot || (*snapshot)->id.end_offset <= start_offset) return dropped;
    const Offset to = (*snapshot)->id.end_offset;
    CHECK(to <= end_offset);
    while (start_offset < to) {
        Shared<Chunk>& chunk = chunks.front();
        const std::int64_t ends = std::min(next_chunk(start_offset.value), end_offset.value);
        if (ends <= to.value) {
            std::vector<RaftRecord> records = chunk->records;
            move_into(dropped, records, 0, records.size());
            chunks.erase(chunks.begin());
            start_offset.value = ends;
            continue;
        }
        std::vector<RaftRecord>& records = chunk.edit().records;
        const auto n = static_cast<std::size_t>(to.value - start_offset.value);
        move_into(dropped, records, 0, n);
        records.erase(records.begin(), records.begin() + static_cast<std::ptrdiff_t>(n));
        start_offset = to;
    }
    // The epoch of the snapshot's last record stands for what is gone.
    while (epochs.size() > 1 && epochs[1].start_offset <= start_offset) {
        epochs.erase(epochs.begin());
    }
    if (epochs.front().epoch == (*snapshot)->id.epoch) {
        epochs.front().start_offset = start_offset;
    } else {
        CHECK(epochs.front().start_offset == start_offset);
        epochs.insert(epochs.begin(), EpochEntry{(*snapshot)->id.epoch, start_offset});
    }
    std::erase_if(voter_sets, [&](const auto& entry) { return entry.first < start_offset; });
    return dropped;
}

const RaftRecord* RaftLog::find(Offset offset) const {
    if (offset < start_offset || offset >= end_offset) return nullptr;
    const std::int64_t first = start_offset.value / kChunkRecords;
    const std::int64_t chunk = offset.value / kChunkRecords;
    const std::int64_t begins = std::max(chunk * kChunkRecords, start_offset.value);
    return &chunks[static_cast<std::size_t>(chunk - first)]
                ->records[static_cast<std::size_t>(offset.value - begins)];
}

LeaderEpoch RaftLog::last_epoch() const {
    return epochs.empty() ? LeaderEpoch{0} : epochs.back().epoch;
}

LeaderEpoch RaftLog::epoch_before(Offset offset) const {
    CHECK(offset >= start_offset && offset <= end_offset);
    LeaderEpoch epoch{0};
    for (const EpochEntry& entry : epochs) {
        const bool stands_for_snapshot =
            start_offset > Offset{0} && entry.start_offset == start_offset && &entry == &epochs[0];
        if (entry.start_offset < offset || stands_for_snapshot) epoch = entry.epoch;
    }
    return epoch;
}

SnapshotId RaftLog::end_of_epoch(LeaderEpoch epoch) const {
    if (epochs.empty() || epoch < epochs.front().epoch) return {start_offset, LeaderEpoch{0}};
    for (std::size_t i = epochs.size(); i-- > 0;) {
        if (epochs[i].epoch > epoch) continue;
        return {i + 1 < epochs.size() ? epochs[i + 1].start_offset : end_offset, epochs[i].epoch};
    }
    return {start_offset, LeaderEpoch{0}};
}

LogAgreement RaftLog::agreement(Offset offset, LeaderEpoch epoch, SnapshotId& tell) const {
    if (start_offset == Offset{0} && offset == Offset{0}) return LogAgreement::valid;
    if (snapshot) {
        const SnapshotId& id = (*snapshot)->id;
        if (offset < start_offset || (offset == start_offset && epoch != epochs.front().epoch) ||
            epoch < epochs.front().epoch) {
            tell = id;
            return LogAgreement::snapshot;
        }
    }
    tell = end_of_epoch(epoch);
    const bool agrees = tell.epoch == epoch && tell.end_offset >= offset;
    return agrees ? LogAgreement::valid : LogAgreement::diverging;
}

const VoterSet* RaftLog::voters_before(Offset offset) const {
    for (std::size_t i = voter_sets.size(); i-- > 0;) {
        if (voter_sets[i].first < offset) return &*voter_sets[i].second;
    }
    return snapshot && (*snapshot)->voters && (*snapshot)->id.end_offset <= offset
               ? &*(*snapshot)->voters
               : nullptr;
}

Offset RaftLog::last_voters_offset() const {
    return voter_sets.empty() ? kNoOffset : voter_sets.back().first;
}

void RaftLog::put_back_end(Offset end, const std::vector<RaftRecord>& dropped) {
    truncate_to(end);
    for (const RaftRecord& record : dropped) append(record);
}

void RaftLog::put_back_start(Offset start, LeaderEpoch epoch,
                             const std::vector<RaftRecord>& dropped,
                             std::optional<Shared<MetadataSnapshot>> before) {
    RaftLog old;
    old.start_offset = old.end_offset = start;
    if (start > Offset{0}) old.epochs.push_back({epoch, start});
    old.snapshot = std::move(before);
    for (const RaftRecord& record : dropped) old.append(record);
    for_each(start_offset, end_offset,
             [&](Offset, const RaftRecord& record) { old.append(record); });
    *this = std::move(old);
}

}  // namespace tribunal
