// From every state to the one it was first reached from: 5 bytes a state.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "model/checkpoint.h"
#include "model/machine.h"

namespace tribunal {

// Numbers count the states in the order in which they were met; a parent is named by a number that
// its search gives out, and kNone for an initial state. The ordinal is the place of the step among
// all successors of the parent (among the initial states).
class Links {
  public:
    static constexpr std::uint32_t kNone = UINT32_MAX;

    std::uint32_t add(std::uint32_t parent, std::uint32_t ordinal) {
        const auto number = static_cast<std::uint32_t>(parents_.size());
        parents_.push_back(parent);
        ordinals_.push_back(static_cast<std::uint8_t>(std::min(ordinal, kWide)));
        if (ordinal >= kWide) wide_.emplace_back(number, ordinal);
        return number;
    }
    std::uint32_t parent(std::uint32_t number) const { return parents_[number]; }
    std::uint32_t ordinal(std::uint32_t number) const {
        if (ordinals_[number] < kWide) return ordinals_[number];
        return std::lower_bound(wide_.begin(), wide_.end(), std::pair{number, 0u})->second;
    }
    std::size_t size() const { return parents_.size(); }
    // Whether the numbers of so many workers might soon not fit 32 bits.
    bool full(std::size_t workers) const { return size() + (1u << 24) > kNone / workers; }
    std::uint64_t bytes() const {
        return parents_.bytes() + ordinals_.bytes() + wide_.capacity() * sizeof(wide_[0]);
    }

    // The last `states` of them are a level that is expanded from now on.
    void start_level(std::size_t states) { starts_.push_back(size() - states), end_ = size(); }
    std::size_t level_start() const { return starts_.back(); }
    // Where the level begins; of the one that is not yet started, and beyond: where it would.
    std::size_t start_of(std::size_t level) const {
        if (level < starts_.size()) return starts_[level];
        return level == starts_.size() ? end_ : size();
    }

    void write(CheckpointWriter& out) const {
        out.numbers(starts_);
        out.number(end_);
        out.number(size());
        for (std::size_t i = 0; i < size(); ++i) {
            const auto number = static_cast<std::uint32_t>(i);
            out.number((std::uint64_t{ordinal(number)} << 32) | parents_[i]);
        }
    }
    void read(CheckpointReader& in) {
        starts_ = in.numbers();
        end_ = in.number();
        const std::uint64_t states = in.number();
        for (std::uint64_t i = 0; i < states; ++i) {
            const std::uint64_t link = in.number();
            add(static_cast<std::uint32_t>(link), static_cast<std::uint32_t>(link >> 32));
        }
        if (end_ > states || starts_.empty() || !std::is_sorted(starts_.begin(), starts_.end()) ||
            starts_.back() > end_) {
            in.damaged();
        }
    }

  private:
    static constexpr std::uint32_t kWide = UINT8_MAX;
    PageVector<std::uint32_t> parents_;
    PageVector<std::uint8_t> ordinals_;
    std::vector<std::pair<std::uint32_t, std::uint32_t>>
        wide_;  // ordinals from kWide on, by number
    std::vector<std::uint64_t> starts_;
    std::uint64_t end_ = 0;  // of the last started level
};

}  // namespace tribunal
