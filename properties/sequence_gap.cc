// O13: the batches of an idempotent producer stand in each log without a gap in their numbers: per
// producer id and epoch each begins where the one before ended, modulo 2^31, and a new epoch begins
// at 0 (KIP-98).
//
// A gap is a leader that took a batch whose predecessor it did not have: the predecessor is lost or
// will land behind. Only the logs at the end are looked at; where they begin later than at offset 0
// the predecessor of a producer's first batch may have been deleted, so that one is not judged.
#include <map>

#include <fmt/format.h>

#include "broker/protocol/sequence.h"
#include "properties/checkers.h"
#include "properties/tally.h"
#include "properties/wording.h"

namespace tribunal {
namespace {

std::string batch_text(const PartitionEvidence& p, const FinalBatch& b) {
    return fmt::format(
        "{} holds the batch of producer id {} and epoch {} with the sequences {} to {}",
        place_text(p.name, b.base_offset), b.producer.value, b.epoch, b.base_sequence,
        b.last_sequence);
}

Violation gap(const Evidence& e, const PartitionEvidence& p, const FinalBatch* before,
              const FinalBatch& batch, std::int32_t expected, const Claim& claim) {
    Violation v;
    v.at = e.history.end;
    v.partition = p.partition;
    v.has_partition = true;
    v.offset = batch.base_offset;
    if (const FinalRecord* record = p.in_log(batch.base_offset)) v.uid = record->uid;
    v.because = claim.because();
    v.summary = fmt::format("{}: producer id {} goes on with sequence {} where {} is next",
                            place_text(p.name, batch.base_offset), batch.producer.value,
                            batch.base_sequence, expected);
    v.explanation.push_back(
        before == nullptr
            ? fmt::format("The log of {} begins at its first offset and has no earlier batch of "
                          "producer id {}: it should begin with sequence 0.",
                          p.name, batch.producer.value)
            : fmt::format("{}, so that the next one is sequence {} of the same epoch, or 0 of a "
                          "newer one.",
                          batch_text(p, *before), increment_sequence(before->last_sequence, 1)));
    v.explanation.push_back(fmt::format("However, {}.", batch_text(p, batch)));
    v.explanation.push_back(conclusion(claim));
    if (before != nullptr) v.witnesses.push_back({e.history.end, batch_text(p, *before)});
    v.witnesses.push_back({e.history.end, batch_text(p, batch)});
    if (const SendOp* send = e.history.send_of(v.uid)) {
        const SendRef ref{History::client_of(v.uid),
                          static_cast<std::uint32_t>(History::sequence_of(v.uid))};
        v.witnesses.insert(v.witnesses.begin(), e.sent(ref));
        v.nodes = {e.client(ref.client).node};
        v.at = send->completed == kNever ? e.history.end : send->completed;
    }
    return v;
}

}  // namespace

Check check_sequence_gap(const Evidence& e) {
    Tally tally("O13");
    const std::int64_t expiration_ms = e.facts.producer_id_expiration.value / 1'000'000;
    for (const PartitionEvidence& p : e.partitions) {
        if (!p.is_log_readable() || p.log->compacted) continue;
        std::map<ProducerId, const FinalBatch*> newest;
        for (const FinalBatch& batch : p.log->batches) {
            const FinalBatch*& before = newest[batch.producer];
            if (before == nullptr && p.log->log_start_offset > Offset{0}) {
                before = &batch;
                continue;
            }
            tally.exercise();
            const bool goes_on = before != nullptr && before->epoch == batch.epoch;
            const std::int32_t expected =
                goes_on ? increment_sequence(before->last_sequence, 1) : 0;
            if (batch.base_sequence != expected) {
                ClaimQuery query;
                query.facts = p.facts;
                query.is_producer_unknown = before == nullptr;
                query.is_producer_expired =
                    before != nullptr &&
                    batch.timestamp.value - before->timestamp.value >= expiration_ms;
                const Claim claim = claim_of(Promise::sequences_follow, query);
                tally.violate(!claim.holds,
                              [&] { return gap(e, p, before, batch, expected, claim); });
            }
            before = &batch;
        }
    }
    return std::move(tally).finish("no idempotent producer wrote a batch that has a predecessor");
}

}  // namespace tribunal
