// The digests of all states met so far: 16 bytes each in one open-addressed table that is kept 87
// to 94 % full once it is large.
//
// A digest's home slot is its high word scaled to the capacity, so the table is sorted by home but
// for the shifts of linear probing. Growing is therefore one sweep from front to back, whose writes
// stay near each other, and costs little enough to grow by a thirteenth at a time; the pages swept
// over are given back at once, so that growing needs no second table.
#pragma once

#include <cstdint>

#include "broker/base/digest.h"
#include "model/machine.h"

namespace tribunal {

class SeenSet {
  public:
    SeenSet();

    // Has the processor fetch where `digest` belongs, for a look some dozen look-ups later.
    void prefetch(const Digest128& digest) const {
        const char* at = static_cast<const char*>(slots_.data()) + home(digest) * sizeof(Digest128);
        __builtin_prefetch(at);
        __builtin_prefetch(at + 64);
    }
    // True when the digest was not there yet.
    bool insert(Digest128 digest) {
        if (digest == kEmpty) digest.low = 1;
        if (size_ >= grow_at_) grow();
        Digest128* slot = table() + home(digest);
        for (; *slot != kEmpty; ++slot) {
            if (*slot == digest) return false;
        }
        *slot = digest;
        ++size_;
        if (slot >= table() + capacity_ + kOverhang / 2) [[unlikely]]
            make_room_behind();
        return true;
    }
    bool contains(Digest128 digest) const {
        if (digest == kEmpty) digest.low = 1;
        for (const Digest128* slot = table() + home(digest); *slot != kEmpty; ++slot) {
            if (*slot == digest) return true;
        }
        return false;
    }
    // Room for so many; only when still empty. (Digests that come in the order of a table would
    // crowd at the front of one that is too small for them.)
    void reserve(std::uint64_t states);
    std::uint64_t size() const { return size_; }
    std::uint64_t bytes() const { return slots_.bytes(); }

    // Every digest, in the order of the table (which is no order of the states).
    template <class Visit>
    void for_each(Visit&& visit) const {
        const Digest128* end = table() + capacity_ + kOverhang;
        for (const Digest128* slot = table(); slot != end; ++slot) {
            if (*slot != kEmpty) visit(*slot);
        }
    }

  private:
    static constexpr Digest128 kEmpty{0, 0};
    static constexpr std::uint64_t kOverhang = 4096;  // slots behind the last home

    Digest128* table() { return static_cast<Digest128*>(slots_.data()); }
    const Digest128* table() const { return static_cast<const Digest128*>(slots_.data()); }
    std::uint64_t home(const Digest128& digest) const {
        __extension__ using Wide = unsigned __int128;
        return static_cast<std::uint64_t>((static_cast<Wide>(digest.high) * capacity_) >> 64);
    }
    void grow();
    // Probing runs on past the last home and has come near the end of the pages.
    void make_room_behind();

    Pages slots_;
    std::uint64_t capacity_ = 0;
    std::uint64_t size_ = 0;
    std::uint64_t grow_at_ = 0;
};

// "3.4e-27": the chance that any two of n states have one digest, n (n - 1) / 2^129.
std::string collision_estimate(std::uint64_t n);

}  // namespace tribunal
