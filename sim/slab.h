// Where a world keeps what is under way: slots that events name by number, and blocks to use again.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "broker/base/shared.h"

namespace tribunal {

// Slots that events point to by number. What lies free at the end is given up, so that copies of a
// world do not carry its busiest moment along.
template <class T>
struct Slab {
    std::vector<T> slots;
    std::vector<std::uint8_t> used;   // by slot, 0 or 1
    std::vector<std::uint32_t> free;  // to take again, each once; some of them may be gone

    std::uint32_t put(T value) {
        while (!free.empty()) {
            const std::uint32_t slot = free.back();
            free.pop_back();
            if (slot >= slots.size()) continue;
            slots[slot] = std::move(value);
            used[slot] = true;
            return slot;
        }
        slots.push_back(std::move(value));
        used.push_back(true);
        return static_cast<std::uint32_t>(slots.size() - 1);
    }
    T take(std::uint32_t slot) {
        T value = std::move(slots[slot]);
        used[slot] = false;
        while (!used.empty() && !used.back()) {
            used.pop_back();
            slots.pop_back();
        }
        if (slots.empty()) {
            free.clear();
        } else if (slot < slots.size()) {
            free.push_back(slot);
        }
        return value;
    }
};

// Blocks that held something, to hold the next instead of a new one. No part of any value: a copy
// begins without.
template <class T>
class Spares {
  public:
    Spares() = default;
    Spares(const Spares&) {}
    Spares(Spares&&) noexcept = default;
    Spares& operator=(const Spares&) { return *this; }
    Spares& operator=(Spares&&) noexcept = default;

    // To write over: a new value, or one that was kept, as it was left.
    Shared<T> take() {
        if (blocks_.empty()) return {};
        Shared<T> block = std::move(blocks_.back());
        blocks_.pop_back();
        return block;
    }
    // One that somebody else holds is not kept.
    void keep(Shared<T> block) {
        if (!block.is_shared()) blocks_.push_back(std::move(block));
    }
    std::size_t size() const { return blocks_.size(); }

  private:
    std::vector<Shared<T>> blocks_;
};

}  // namespace tribunal
