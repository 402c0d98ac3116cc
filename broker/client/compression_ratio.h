// How well a producer's batches compress, as far as it knows: what a batch that is still open will
// take (Kafka: CompressionRatioEstimator, MemoryRecordsBuilder.estimatedBytesWritten).
//
// A ratio is compressed size to uncompressed, in millionths. Deviation: Kafka counts in 32-bit
// floating point; the steps are the same.
#pragma once

#include <algorithm>
#include <cstdint>

namespace tribunal {

inline constexpr std::int64_t kRatioOne = 1'000'000;  // what every kind begins with
inline constexpr std::int64_t kRatioImproves = 5'000;
inline constexpr std::int64_t kRatioDeteriorates = 50'000;

constexpr std::int64_t observed_ratio(std::int64_t compressed, std::int64_t uncompressed) {
    return uncompressed == 0 ? kRatioOne : compressed * kRatioOne / uncompressed;
}

// Down by small steps when batches compress better than thought, up at once when worse.
constexpr std::int64_t updated_ratio(std::int64_t estimated, std::int64_t observed) {
    if (observed > estimated) return std::max(estimated + kRatioDeteriorates, observed);
    if (observed < estimated) return std::max(estimated - kRatioImproves, observed);
    return estimated;
}

// Bytes that so many uncompressed ones will take: with 5 % on top, as estimates go wrong.
constexpr std::int64_t estimated_bytes(std::int64_t uncompressed, std::int64_t ratio) {
    return uncompressed * ratio / kRatioOne * 105 / 100;
}

}  // namespace tribunal
