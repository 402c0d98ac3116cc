#include "properties/committed_log.h"

#include <algorithm>

namespace tribunal {

RecordBatch decodable(const CommittedBatch& batch) {
    RecordBatch out;
    out.base_offset = batch.identity.base_offset;
    out.leader_epoch = batch.identity.leader_epoch;
    out.crc = batch.identity.crc;
    out.last_offset_delta = static_cast<std::int32_t>(batch.identity.last_offset.value -
                                                      batch.identity.base_offset.value);
    // An upper bound after compaction; decoding stops where the bytes end.
    out.record_count = out.last_offset_delta + 1;
    out.attributes = batch.attributes;
    out.records = batch.records;
    return out;
}

std::uint64_t CommittedLog::number_of(Offset offset) const {
    const auto it = std::partition_point(batches.begin(), batches.end(), [&](const auto& batch) {
        return batch.identity.last_offset < offset;
    });
    return first + static_cast<std::uint64_t>(it - batches.begin());
}

void CommittedLog::extend(const ReplicaLog& log, Offset high_watermark) {
    const Offset from = std::max(end(), log.log_start_offset);
    for (BatchCursor at = cursor_at(log, from); const RecordBatch* batch = at.batch(); at.next()) {
        if (batch->next_offset() > high_watermark) break;
        batches.push_back({identity_of(*batch), batch->records, batch->attributes});
    }
}

std::vector<CommittedBatch> CommittedLog::roll_back(std::uint64_t i, Offset log_end_offset) {
    const auto from = batches.begin() + static_cast<std::ptrdiff_t>(i - first);
    std::vector<CommittedBatch> gone(from, batches.end());
    batches.erase(from, batches.end());
    // A leader that has nothing begins below what was forgotten.
    if (batches.empty()) start = std::min(start, log_end_offset);
    released = std::min(released, size());
    retained_from = std::min(retained_from, end());
    return gone;
}

void CommittedLog::retain_from(Offset log_start_offset) {
    if (log_start_offset <= retained_from) return;
    retained_from = log_start_offset;
    released = std::max(released, first);
    while (released < size() && at(released).identity.last_offset < retained_from) {
        batches[released - first].records = Payload{};
        ++released;
    }
}

void CommittedLog::forget(std::uint64_t upto) {
    constexpr std::uint64_t kWorthIt = 1024;
    upto = std::min(upto, released);
    if (upto < first + kWorthIt || 2 * (upto - first) < batches.size()) return;
    start = end_before(upto);
    batches.erase(batches.begin(), batches.begin() + static_cast<std::ptrdiff_t>(upto - first));
    first = upto;
}

namespace {

// Below it the log must have nothing: what it deleted itself and what a leader's log start has
// passed (but offsets that the log never reached are not deleted ones).
Offset floor_of(const CommittedLog& committed, const ReplicaLog& log) {
    return std::max(log.log_start_offset, std::min(committed.retained_from, log.log_end_offset));
}

// Passes over what compaction may have taken away on one side: committed batches that the log has
// no more (it goes on behind them), and batches that the committed log never had, because its
// leader had cleaned them away. False when the log ends here.
bool skip_compacted(const CommittedLog& committed, const ReplicaLog& log, BatchCursor& at,
                    std::uint64_t& matched) {
    while (matched < committed.size()) {
        const BatchIdentity& want = committed.at(matched).identity;
        const RecordBatch* batch = at.batch();
        if (batch != nullptr && batch->last_offset() < want.base_offset) {
            at.next();
        } else if (batch == nullptr || want.last_offset < batch->base_offset) {
            if (want.last_offset >= log.log_end_offset) return false;
            ++matched;
        } else {
            return true;
        }
    }
    return true;
}

bool is_gap_for(const BatchIdentity& batch, const ReplicaLog& log, Offset floor) {
    if (batch.last_offset < floor) return false;
    const RecordBatch* at = log.find(batch.last_offset);
    return at == nullptr || at->base_offset > batch.last_offset;
}

}  // namespace

void Match::advance(const CommittedLog& committed, const ReplicaLog& log) {
    const std::uint64_t size = committed.size();
    if (matched < committed.first) matched = committed.first, diverged = false;
    const Offset floor = floor_of(committed, log);
    if (matched < size && committed.at(matched).identity.last_offset < floor) {
        matched = committed.number_of(floor);
        diverged = false;
    }
    if (matched == size || (diverged && diverged_above == floor)) return;
    if (committed.at(matched).identity.base_offset >= log.log_end_offset) return;  // it lags
    // By place in the log and not by offset: a batch more than the committed log has is no match.
    const Offset from = std::max(committed.end_before(matched), floor);
    for (BatchCursor at = cursor_at(log, from); matched < size; at.next(), ++matched) {
        if (committed.compacts && !skip_compacted(committed, log, at, matched)) return;
        if (matched == size) return;
        const RecordBatch* batch = at.batch();
        if (batch == nullptr) return;
        if (!is_same_batch(identity_of(*batch), committed.at(matched).identity,
                           committed.compacts)) {
            // The gap before a batch of another history was not made of this one's batches.
            while (matched > committed.first &&
                   is_gap_for(committed.at(matched - 1).identity, log, floor)) {
                --matched;
            }
            diverged = true;
            diverged_above = floor;
            confirmed = std::min(confirmed, matched);
            return;
        }
        confirmed = matched + 1;
    }
}

void Match::recede(const CommittedLog& committed, const ReplicaLog& log) {
    diverged = false;
    matched = std::clamp(matched, committed.first, committed.size());
    const Offset floor = floor_of(committed, log);
    while (matched > committed.first) {
        const BatchIdentity& last = committed.at(matched - 1).identity;
        if (last.last_offset < floor) break;
        if (last.last_offset < log.log_end_offset) {
            const RecordBatch* batch = cursor_at(log, last.last_offset).batch();
            if (batch != nullptr && is_same_batch(identity_of(*batch), last, committed.compacts))
                break;
            const bool is_gap = batch == nullptr || batch->base_offset > last.last_offset;
            if (committed.compacts && is_gap) break;
        }
        --matched;
    }
    confirmed = std::min(confirmed, matched);
}

Disagreement first_disagreement(const ReplicaLog& a, const ReplicaLog& b, Offset from, Offset bound,
                                bool compacts) {
    BatchCursor in_a = cursor_at(a, from);
    BatchCursor in_b = cursor_at(b, from);
    while (true) {
        const RecordBatch* x = in_a.batch();
        const RecordBatch* y = in_b.batch();
        if (x != nullptr && x->base_offset >= bound) x = nullptr;
        if (y != nullptr && y->base_offset >= bound) y = nullptr;
        if (x == nullptr && y == nullptr) return {};
        if (compacts) {
            if (x == nullptr || y == nullptr) return {};
            if (x->last_offset() < y->base_offset) {
                in_a.next();
                continue;
            }
            if (y->last_offset() < x->base_offset) {
                in_b.next();
                continue;
            }
        }
        if (x == nullptr || y == nullptr) return {x, y};
        if (!is_same_batch(identity_of(*x), identity_of(*y), compacts)) {
            // At the first offset in question one of them may have nothing.
            const Offset at = std::max(from, std::min(x->base_offset, y->base_offset));
            return {x->base_offset <= at ? x : nullptr, y->base_offset <= at ? y : nullptr};
        }
        in_a.next();
        in_b.next();
    }
}

const RecordBatch* first_missing(const ReplicaLog& a, const ReplicaLog& b, Offset from,
                                 Offset bound, bool compacts) {
    BatchCursor in_b = cursor_at(b, from);
    for (BatchCursor in_a = cursor_at(a, from); const RecordBatch* batch = in_a.batch();
         in_a.next()) {
        if (batch->next_offset() > bound) return nullptr;
        while (in_b.batch() != nullptr && in_b.batch()->base_offset < batch->base_offset) {
            in_b.next();
        }
        const RecordBatch* same = in_b.batch();
        if (same != nullptr && is_same_batch(identity_of(*same), identity_of(*batch), compacts)) {
            continue;
        }
        const bool is_gap = same == nullptr ? batch->last_offset() < b.log_end_offset
                                            : batch->last_offset() < same->base_offset;
        if (!compacts || !is_gap) return batch;
    }
    return nullptr;
}

}  // namespace tribunal
