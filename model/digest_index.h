// Digests in the order in which they were met, each with its number; and the number of a digest.
//
// For searches that keep something by state. One that only asks whether a state is new is better
// served by the seen set, at half the memory.
#pragma once

#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "broker/base/check.h"
#include "broker/base/digest.h"

namespace tribunal {

class DigestIndex {
  public:
    static constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();

    // The number, and whether it is new.
    std::pair<std::uint32_t, bool> insert(const Digest128& digest) {
        if (2 * (digests_.size() + 1) > slots_.size()) grow();
        std::uint32_t& slot = slots_[slot_of(digest)];
        if (slot != kNone) return {slot, false};
        CHECK(digests_.size() < kNone);
        slot = static_cast<std::uint32_t>(digests_.size());
        digests_.push_back(digest);
        return {slot, true};
    }
    std::uint32_t find(const Digest128& digest) const {
        return slots_.empty() ? kNone : slots_[slot_of(digest)];
    }
    const Digest128& operator[](std::uint32_t number) const { return digests_[number]; }
    std::size_t size() const { return digests_.size(); }
    std::uint64_t bytes() const {
        return digests_.capacity() * sizeof(Digest128) + slots_.capacity() * sizeof(std::uint32_t);
    }

  private:
    std::size_t slot_of(const Digest128& digest) const {
        const std::size_t mask = slots_.size() - 1;
        std::size_t slot = static_cast<std::size_t>(digest.low) & mask;
        while (slots_[slot] != kNone && digests_[slots_[slot]] != digest) slot = (slot + 1) & mask;
        return slot;
    }
    void grow() {
        slots_.assign(slots_.empty() ? 64 : 2 * slots_.size(), kNone);
        for (std::size_t i = 0; i < digests_.size(); ++i) {
            slots_[slot_of(digests_[i])] = static_cast<std::uint32_t>(i);
        }
    }
    std::vector<Digest128> digests_;
    std::vector<std::uint32_t> slots_;  // a power of two, at most half full
};

}  // namespace tribunal
