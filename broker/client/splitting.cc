// Batches that a broker finds too large are sent again in pieces (KIP-126; Kafka:
// RecordAccumulator.splitAndReenqueue, ProducerBatch.split). It happens when records compress worse
// than thought, and when max.message.bytes of the topic is below batch.size.
//
// As in Kafka the pieces are as large as batch.size allows, so that with max.message.bytes below it
// a piece may be refused again and again until delivery.timeout.ms (KAFKA-8350).
#include <algorithm>

#include "broker/client/producer.h"

namespace tribunal {
namespace {

Record record_of(const RecordView& view) {
    Record record;
    if (view.key) record.key = std::string{*view.key};
    if (view.value) record.value = std::string{*view.value};
    view.for_each_header([&](std::string_view key, std::optional<std::string_view> value) {
        Header& header = record.headers.emplace_back();
        header.key = key;
        if (value) header.value = std::string{*value};
    });
    record.timestamp = view.timestamp;
    record.uid = view.uid;
    return record;
}

std::vector<ProducerBatch> pieces_of(const Producer& p, const ProducerBatch& big) {
    std::vector<ProducerBatch> pieces;
    for_each_record(*big.closed, [&](const RecordView& view) {
        const Record record = record_of(view);
        const std::int64_t size = BatchBuilder::size_of(record);
        if (pieces.empty() || estimated_size(p, pieces.back()) + size > p.config.batch_size) {
            ProducerBatch& piece = pieces.emplace_back();
            piece.created = big.created;
            piece.due = true;
            piece.estimated_ratio = p.compression_ratio;
            // Kafka counts them as never tried. Deviation: but that an earlier try of the whole may
            // have been written, without an answer, is not forgotten.
            piece.attempts = big.attempts > 1 ? 1 : 0;
        }
        pieces.back().open.append(record);
        pieces.back().uids.push_back(record.uid);
        pieces.back().buffered += size;
    });
    return pieces;
}

// The pieces share the numbers of the whole: they are the broker's next ones already.
void number_pieces(Producer& p, PartitionQueue& queue, const ProducerBatch& big,
                   std::vector<ProducerBatch>& pieces) {
    const bool sorted = p.config.rules.renumbers_in_order;
    const bool tracked = queue.sequences.untrack(big.id, sorted);
    std::int32_t sequence = big.closed->base_sequence;
    for (ProducerBatch& piece : pieces) {
        RecordBatch& b = *piece.closed;
        b.producer_id = big.closed->producer_id;
        b.producer_epoch = big.closed->producer_epoch;
        b.base_sequence = sequence;
        b.crc = checksum(b);
        sequence = increment_sequence(sequence, b.record_count);
        piece.renumbered = big.renumbered;
        if (tracked) {
            queue.sequences.track(
                {piece.id, {b.producer_id, b.producer_epoch}, b.base_sequence, b.record_count},
                sorted);
        }
    }
}

}  // namespace

bool split_batch(Producer& p, PartitionQueue& queue, const ProducerBatch& big) {
    if (!big.closed || big.closed->record_count < 2) return false;
    if (p.config.compression != CompressionType::none) {
        // What was hoped for was too much: as careful as possible again.
        std::string scratch;
        const auto unpacked = unpacked_records(*big.closed, scratch);
        const std::int64_t ratio =
            observed_ratio(static_cast<std::int64_t>(big.closed->records.size()),
                           static_cast<std::int64_t>(unpacked ? unpacked->size() : 0));
        p.compression_ratio = std::max(kRatioOne, ratio);
    }
    std::vector<ProducerBatch> pieces = pieces_of(p, big);
    for (std::size_t i = 0; i < pieces.size(); ++i) {
        close_batch(p, pieces[i]);
        pieces[i].id = i == 0 ? big.id : p.next_batch++;
    }
    const bool numbered = big.has_sequence();
    if (numbered) number_pieces(p, queue, big, pieces);
    for (std::size_t i = pieces.size(); i-- > 0;) {
        if (numbered) {
            reenqueue_in_order(queue, std::move(pieces[i]));
        } else {
            queue.waiting.insert(queue.waiting.begin(), std::move(pieces[i]));
        }
    }
    return true;
}

}  // namespace tribunal
