// Sequence numbers of an idempotent producer (KIP-98): they run from 0 to 2^31 - 1 and start over.
#pragma once

#include <cstdint>

namespace tribunal {

inline constexpr std::int32_t kNoSequence = -1;

// `sequence` >= 0, `delta` >= 0 (DefaultRecordBatch.incrementSequence, decrementSequence).
constexpr std::int32_t increment_sequence(std::int32_t sequence, std::int32_t delta) {
    return static_cast<std::int32_t>((static_cast<std::int64_t>(sequence) + delta) & INT32_MAX);
}
constexpr std::int32_t decrement_sequence(std::int32_t sequence, std::int32_t delta) {
    return static_cast<std::int32_t>((static_cast<std::int64_t>(sequence) - delta) & INT32_MAX);
}

}  // namespace tribunal
