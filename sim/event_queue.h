// The pending events of a simulated world: which event happens next, and which ties there are.
//
// Total order: (at, sequence), sequence counting the pushes. Ties in time are a choice for whoever
// drives the world: ties() says how many events share the earliest instant, pop(which) takes one.
//
// Two tiers. The *front* is a short sorted run of the earliest events: pop() reads its head. All
// later events are *filed* unsorted: in a wheel of slots 2^shift_ ns wide, or, beyond the aligned
// block of time that the wheel covers, in coarser slots of a radix trie. When the front runs out,
// the next slot is sorted into it. Slot width and number follow the rate of events and the size
// of the population (tune()), so a slot yields a handful of events; they decide speed, never order.
//
// Must never: call back, allocate per event, or let the layout in memory reach an order or digest.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "broker/base/check.h"
#include "broker/base/digest.h"
#include "broker/base/strong.h"

namespace tribunal {

struct Event {
    Instant at;
    std::uint64_t sequence = 0;
    std::uint32_t node = 0;
    std::uint32_t kind = 0;
    std::uint64_t payload = 0;
    bool operator==(const Event&) const = default;
};
static_assert(sizeof(Event) == 32);

// A value: copies are independent, and cost a few contiguous blocks.
class EventQueue {
  public:
    EventQueue();

    // Returns the sequence number of the new event. An event in the past is our bug.
    std::uint64_t push(Instant at, std::uint32_t node, std::uint32_t kind, std::uint64_t payload) {
        CHECK(at >= now_);
        const std::uint64_t sequence = next_sequence_++;
        if (at <= front_until_) [[unlikely]] {
            insert_front(Event{at, sequence, node, kind, payload});
        } else {
            if (free_ == kNil) [[unlikely]]
                add_cell();
            const std::uint32_t cell = free_;
            free_ = next_[cell];
            Event& event = cells_[cell];  // field by field: no copy through the stack
            event.at = at;
            event.sequence = sequence;
            event.node = node;
            event.kind = kind;
            event.payload = payload;
            ++filed_;
            file(cell);
        }
        return sequence;
    }

    bool empty() const { return head_ == end_; }
    std::size_t size() const { return filed_ + (end_ - head_); }
    Instant now() const { return now_; }  // time of the last pop
    Instant next_time() const {
        CHECK(!empty());
        return front_[head_].at;
    }
    // Number of pending events at next_time(), 0 if there are none. Constant time.
    std::size_t ties() const { return ties_; }

    Event pop() {
        CHECK(!empty());
        const Event event = front_[head_++];
        now_ = event.at;
        if (--ties_ == 0) [[likely]] {
            if (head_ == end_) {
                refill_front();
            } else {
                count_ties();
            }
        }
        return event;
    }

    // Removes the which-th, in order of sequence, of the events at next_time().
    Event pop(std::size_t which) {
        if (which == 0) [[likely]]
            return pop();
        return pop_later(which);
    }

    // The pending events in order of (at, sequence).
    std::vector<Event> sorted() const;
    template <class Visit>
    void for_each(Visit&& visit) const {
        for (const Event& event : sorted()) visit(event);
    }

    // Equality and digest see the list of pending events in their order, but not the sequence
    // numbers that made the order: queues that will behave alike from now on are equal.
    friend bool operator==(const EventQueue& a, const EventQueue& b);
    friend void fold(Digest& d, const EventQueue& queue);

    std::size_t bytes() const;  // memory held

  private:
    static constexpr std::uint32_t kNil = UINT32_MAX;
    static constexpr std::uint32_t kDigitBits = 4;  // of the trie beyond the wheel
    static constexpr std::uint32_t kRadix = 1u << kDigitBits;
    static constexpr std::uint32_t kTimeBits = 63;
    static constexpr std::uint32_t kMaxTrieLevels = kTimeBits / kDigitBits;

    // Puts a cell into the slot of its time. The first bit in which that time differs from base_
    // decides: inside the wheel's block it is a wheel slot, else a digit of the trie.
    void file(std::uint32_t cell) {
        const auto time = static_cast<std::uint64_t>(cells_[cell].at.value);
        const std::uint64_t difference = (time ^ base_) >> shift_;
        std::uint32_t slot = 0;
        if (difference >> wheel_bits_ == 0) [[likely]] {
            slot = static_cast<std::uint32_t>(time >> shift_) & wheel_mask();
            occupied_[slot / 64] |= 1ull << (slot % 64);
        } else {
            const auto bit = static_cast<std::uint32_t>(std::bit_width(difference)) - 1;
            const std::uint32_t level = (bit - wheel_bits_) / kDigitBits;
            const auto digit = static_cast<std::uint32_t>(time >> trie_shift(level)) & (kRadix - 1);
            trie_levels_ |= 1u << level;
            trie_occupied_[level] |= 1u << digit;
            slot = trie_slot(level, digit);
        }
        next_[cell] = slots_[slot];
        slots_[slot] = cell;
    }
    std::uint32_t wheel_mask() const { return (1u << wheel_bits_) - 1; }
    std::uint32_t trie_shift(std::uint32_t level) const {
        return shift_ + wheel_bits_ + level * kDigitBits;
    }
    std::uint32_t trie_slot(std::uint32_t level, std::uint32_t digit) const {
        return (1u << wheel_bits_) + level * kRadix + digit;
    }
    void count_ties() {
        ties_ = 1;
        if (end_ - head_ > 1 && front_[head_ + 1].at == front_[head_].at) [[unlikely]] {
            count_many_ties();
        }
    }

    void count_many_ties();
    void add_cell();
    void insert_front(const Event& event);
    void make_room_in_front();
    void spill_front(std::uint32_t first, Instant until);
    void move_base_back(std::uint64_t base);
    Event pop_later(std::size_t which);
    void refill_front();
    void open_trie_slot();
    void load_slot(std::uint32_t slot);
    void load_long_slot(std::uint32_t first);
    void sort_front();
    void tune();
    void rebuild(std::uint32_t shift, std::uint32_t wheel_bits, std::uint64_t base);
    void set_base(std::uint64_t base);

    // The front: front_[head_, end_), sorted, with room on both sides. It holds every pending
    // event up to and including front_until_; it is empty only if nothing is pending.
    std::vector<Event> front_;
    std::uint32_t head_ = 0;
    std::uint32_t end_ = 0;
    std::uint32_t ties_ = 0;
    Instant front_until_ = kNever;
    Instant now_;
    std::uint64_t next_sequence_ = 0;

    // Filed events: cells_, each with the next cell of its slot (or of the free list) in next_.
    // base_ is not later than any of them; the order inside a slot means nothing.
    std::vector<Event> cells_;
    std::vector<std::uint32_t> next_;
    std::uint32_t free_ = kNil;
    std::size_t filed_ = 0;
    std::uint64_t base_ = 0;

    // Slots: first the wheel's, then kRadix for every level of the trie; each the head of a chain.
    std::vector<std::uint32_t> slots_;
    std::vector<std::uint64_t> occupied_;  // the wheel's non-empty slots
    std::uint32_t cursor_ = 0;             // words of occupied_ before this one are zero
    std::uint32_t shift_ = 0;
    std::uint32_t wheel_bits_ = 0;
    std::uint32_t trie_levels_ = 0;  // levels with a non-empty slot
    std::array<std::uint16_t, kMaxTrieLevels> trie_occupied_{};

    // What tune() goes by: events loaded into the front since it last looked.
    std::size_t loaded_ = 0;
    Instant tuned_at_;
};

}  // namespace tribunal
