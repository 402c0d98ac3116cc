#include "broker/client/sequences.h"

#include <algorithm>
#include <tuple>

namespace tribunal {
namespace {

bool goes_before(const NumberedBatch& a, const NumberedBatch& b) {
    return std::tuple{a.identity.id, a.identity.epoch, a.base_sequence} <
           std::tuple{b.identity.id, b.identity.epoch, b.base_sequence};
}

// java.util.PriorityQueue, whose iterator gives the array as it lies.
using Heap = std::vector<NumberedBatch>;

void sift_up(Heap& heap, std::size_t i) {
    while (i > 0) {
        const std::size_t parent = (i - 1) / 2;
        if (heap[i].base_sequence >= heap[parent].base_sequence) return;
        std::swap(heap[i], heap[parent]);
        i = parent;
    }
}

void sift_down(Heap& heap, std::size_t i) {
    while (2 * i + 1 < heap.size()) {
        std::size_t child = 2 * i + 1;
        if (child + 1 < heap.size() && heap[child + 1].base_sequence < heap[child].base_sequence) {
            ++child;
        }
        if (heap[i].base_sequence <= heap[child].base_sequence) return;
        std::swap(heap[i], heap[child]);
        i = child;
    }
}

void remove_from_heap(Heap& heap, std::size_t i) {
    const bool is_last = i + 1 == heap.size();
    heap[i] = heap.back();
    heap.pop_back();
    if (is_last) return;
    const std::uint32_t moved = heap[i].batch;
    sift_down(heap, i);
    if (heap[i].batch == moved) sift_up(heap, i);
}

}  // namespace

void PartitionSequences::track(const NumberedBatch& batch, bool sorted) {
    if (sorted) {
        in_flight.insert(std::upper_bound(in_flight.begin(), in_flight.end(), batch, goes_before),
                         batch);
        return;
    }
    in_flight.push_back(batch);
    sift_up(in_flight, in_flight.size() - 1);
}

bool PartitionSequences::untrack(std::uint32_t batch, bool sorted) {
    const auto it = std::find_if(in_flight.begin(), in_flight.end(),
                                 [&](const NumberedBatch& b) { return b.batch == batch; });
    if (it == in_flight.end()) return false;
    if (sorted) {
        in_flight.erase(it);
    } else {
        remove_from_heap(in_flight, static_cast<std::size_t>(it - in_flight.begin()));
    }
    return true;
}

void PartitionSequences::on_acked(std::int32_t last_sequence, Offset last_offset) {
    last_acked_sequence = std::max(last_acked_sequence, last_sequence);
    last_acked_offset = std::max(last_acked_offset, last_offset);
}

void PartitionSequences::start_at_beginning(ProducerIdentity with) {
    std::int32_t sequence = 0;
    for (NumberedBatch& batch : in_flight) {
        batch.identity = with;
        batch.base_sequence = sequence;
        sequence += batch.record_count;
    }
    identity = with;
    next_sequence = sequence;
    last_acked_sequence = kNoSequence;
}

void PartitionSequences::close_gap(std::int32_t base_sequence, std::int32_t record_count) {
    // Kafka throws an IllegalStateException when a number would become negative, and goes on.
    if (next_sequence < record_count) return;
    next_sequence -= record_count;
    for (NumberedBatch& batch : in_flight) {
        if (batch.base_sequence < base_sequence || batch.base_sequence < record_count) continue;
        batch.base_sequence -= record_count;
    }
}

}  // namespace tribunal
