#include "properties/producer_rebuild.h"

#include <map>
#include <vector>

#include <fmt/format.h>

namespace tribunal {
namespace {

struct Rebuilt {
    std::int16_t epoch = -1;
    std::int32_t coordinator_epoch = -1;
    Offset txn_first_offset = kNoOffset;
    std::vector<BatchMetadata> batches;  // of the epoch, all of them
    Offset last_offset() const { return batches.empty() ? kNoOffset : batches.back().last_offset; }
};

std::map<ProducerId, Rebuilt> rebuild(const ReplicaLog& log) {
    std::map<ProducerId, Rebuilt> producers;
    log.for_each_batch(log.log_start_offset, [&](const RecordBatch& batch) {
        if (batch.producer_id == kNoProducerId) return;
        const bool is_control = batch.is_control();
        const auto marker = is_control ? end_transaction_marker_of(batch) : std::nullopt;
        if (is_control && !marker) return;
        Rebuilt& p = producers[batch.producer_id];
        if (p.epoch != batch.producer_epoch) p.batches.clear();
        p.epoch = batch.producer_epoch;
        if (marker) {
            p.coordinator_epoch = marker->coordinator_epoch;
            p.txn_first_offset = kNoOffset;
            return;
        }
        p.batches.push_back({batch.last_sequence(), batch.last_offset_delta, batch.last_offset(),
                             batch.max_timestamp});
        if (batch.is_transactional() && p.txn_first_offset == kNoOffset) {
            p.txn_first_offset = batch.base_offset;
        }
    });
    return producers;
}

std::string difference(const Rebuilt& want, const ProducerEntry& known, bool compacts) {
    // A newer batch may have been cleaned away, and the still newer one, for whose sake it went,
    // lost with the page cache: then a snapshot knows more than the log.
    if (compacts && known.last_offset() > want.last_offset()) return {};
    if (known.epoch != want.epoch) {
        return fmt::format("has epoch {}, the log says {}", known.epoch, want.epoch);
    }
    // The transaction may have begun, and the coordinator spoken, below the log start.
    if (known.txn_first_offset != want.txn_first_offset &&
        (want.txn_first_offset == kNoOffset || known.txn_first_offset == kNoOffset ||
         known.txn_first_offset > want.txn_first_offset)) {
        return fmt::format("has a transaction from {} on, the log says {}",
                           known.txn_first_offset.value, want.txn_first_offset.value);
    }
    if (known.coordinator_epoch < want.coordinator_epoch) {
        return fmt::format("has coordinator epoch {}, the log says {}", known.coordinator_epoch,
                           want.coordinator_epoch);
    }
    const std::size_t n = known.batches.size();
    if (n == 0 && !want.batches.empty()) return "has no batch, the log has";
    // Batches below the log start may be remembered, so compare from the end.
    for (std::size_t back = 1; back <= n && back <= want.batches.size(); ++back) {
        const BatchMetadata& a = known.batches.begin()[n - back];
        const BatchMetadata& b = want.batches[want.batches.size() - back];
        if (a == b) continue;
        // What compaction leaves of a batch may have another timestamp.
        if (compacts && (back > 1 || a.last_offset == b.last_offset)) break;
        return fmt::format("has sequence {} at {}, the log says {} at {}", a.last_sequence,
                           a.last_offset.value, b.last_sequence, b.last_offset.value);
    }
    return {};
}

}  // namespace

std::string producer_state_difference(const ReplicaLog& log, const ProducerRebuild& how) {
    for (const auto& [id, want] : rebuild(log)) {
        const ProducerEntry* known = log.producers.producer(id);
        if (known == nullptr &&
            (want.batches.empty() || want.batches.back().timestamp < how.expired_before)) {
            continue;
        }
        if (known == nullptr) return fmt::format("producer {} is in the log and unknown", id.value);
        const std::string text = difference(want, *known, how.compacts);
        if (!text.empty()) return fmt::format("producer {} {}", id.value, text);
    }
    for (const auto& [id, known] : log.producers.producers) {
        if (!known.batches.empty() && known.last_offset() >= log.log_end_offset) {
            return fmt::format("producer {} has a batch at {}, beyond the log end {}", id.value,
                               known.last_offset().value, log.log_end_offset.value);
        }
    }
    return {};
}

}  // namespace tribunal
