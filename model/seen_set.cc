#include "model/seen_set.h"

#include <cstdio>

#include "broker/base/check.h"

namespace tribunal {
namespace {

constexpr std::uint64_t kFirstCapacity = std::uint64_t{1} << 14;
constexpr std::uint64_t kLarge = std::uint64_t{1} << 19;  // 8 MiB

// Small tables trade memory for short probes; from kLarge on they are kept between 87 and 94 %.
std::uint64_t full_at(std::uint64_t capacity) {
    return capacity < kLarge ? capacity / 4 * 3 : capacity / 100 * 94;
}
std::uint64_t next_capacity(std::uint64_t capacity) {
    return capacity < kLarge ? capacity * 2 : capacity + capacity / 13;
}

}  // namespace

SeenSet::SeenSet()
    : slots_((kFirstCapacity + kOverhang) * sizeof(Digest128)),
      capacity_(kFirstCapacity),
      grow_at_(full_at(kFirstCapacity)) {}

void SeenSet::reserve(std::uint64_t states) {
    CHECK(size_ == 0);
    while (full_at(capacity_) <= states) capacity_ = next_capacity(capacity_);
    grow_at_ = full_at(capacity_);
    slots_ = Pages((capacity_ + kOverhang) * sizeof(Digest128));
}

void SeenSet::grow() {
    constexpr std::uint64_t kStretch = (std::uint64_t{8} << 20) / sizeof(Digest128);
    Pages old = std::move(slots_);
    const std::uint64_t old_slots = capacity_ + kOverhang;
    capacity_ = next_capacity(capacity_);
    grow_at_ = full_at(capacity_);
    slots_ = Pages((capacity_ + kOverhang) * sizeof(Digest128));
    const auto* from = static_cast<const Digest128*>(old.data());
    for (std::uint64_t i = 0; i < old_slots; ++i) {
        if (i % kStretch == 0 && i > 0) old.discard_front(i * sizeof(Digest128));
        if (from[i] == kEmpty) continue;
        Digest128* slot = table() + home(from[i]);
        while (*slot != kEmpty) ++slot;
        *slot = from[i];
    }
}

void SeenSet::make_room_behind() {
    // Digests that fall anywhere with equal chance never come to this; those of a broken model may,
    // and would ask for ever more memory.
    CHECK(size_ > capacity_ / 4096);
    grow();
}

std::string collision_estimate(std::uint64_t n) {
    double chance = static_cast<double>(n);            // floating point: an estimate for people
    chance *= static_cast<double>(n > 0 ? n - 1 : 0);  // floating point: an estimate for people
    for (int i = 0; i < 129; ++i) chance /= 2;
    char text[32];
    std::snprintf(text, sizeof text, "%.1e", chance);
    return text;
}

}  // namespace tribunal
