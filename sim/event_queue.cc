// The rarer half of the event queue: filling the front from the slots, and choosing the slots.
//
// Everything here runs once in several events, or on the uncommon path of a push. Sorting is by
// minimum and maximum of packed keys: for a handful of events, mispredicted branches are the cost.
#include "sim/event_queue.h"

#include <algorithm>

namespace tribunal {
namespace {

constexpr std::uint32_t kLoad = 8;            // a slot up to this size is sorted by a network
constexpr std::uint32_t kWantedLoad = 5;      // events that tune() wants in a slot
constexpr std::uint32_t kFrontGap = 4;        // room for events earlier than the whole front
constexpr std::uint32_t kMinFront = 16;       // smallest front buffer
constexpr std::uint32_t kMaxFrontMoves = 64;  // moves of one insertion before the front is cut
constexpr std::uint32_t kFirstShift = 16;     // 65 us, until something is known
constexpr std::uint32_t kMaxShift = 40;       // 18 minutes
constexpr std::uint32_t kMinWheelBits = 6;    // one word of occupied_
constexpr std::uint32_t kMaxWheelBits = 16;
constexpr std::size_t kTuneInterval = 512;    // events, at least as many as are filed
constexpr std::size_t kBeyondCache = 16'384;  // cells; half a megabyte

static_assert(kFrontGap + kLoad <= kMinFront);

bool is_earlier(const Event& a, const Event& b) {
    return a.at != b.at ? a.at < b.at : a.sequence < b.sequence;
}

inline void order(std::uint64_t& a, std::uint64_t& b) {
    const std::uint64_t low = a < b ? a : b;
    const std::uint64_t high = a < b ? b : a;
    a = low;
    b = high;
}

// Sorting networks (optimal in comparators: 5 for four keys, 19 for eight).
inline void sort4(std::array<std::uint64_t, kLoad>& k) {
    order(k[0], k[1]), order(k[2], k[3]);
    order(k[0], k[2]), order(k[1], k[3]);
    order(k[1], k[2]);
}
inline void sort8(std::array<std::uint64_t, kLoad>& k) {
    order(k[0], k[1]), order(k[2], k[3]), order(k[4], k[5]), order(k[6], k[7]);
    order(k[0], k[2]), order(k[1], k[3]), order(k[4], k[6]), order(k[5], k[7]);
    order(k[1], k[2]), order(k[5], k[6]), order(k[0], k[4]), order(k[3], k[7]);
    order(k[1], k[5]), order(k[2], k[6]);
    order(k[1], k[4]), order(k[3], k[6]);
    order(k[2], k[4]), order(k[3], k[5]);
    order(k[3], k[4]);
}

}  // namespace

EventQueue::EventQueue() : front_(kMinFront) { rebuild(kFirstShift, kMinWheelBits, 0); }

void EventQueue::add_cell() {
    CHECK(cells_.size() < kNil);
    free_ = static_cast<std::uint32_t>(cells_.size());
    cells_.emplace_back();
    next_.push_back(kNil);
}

// The new event is the last of its instant: its sequence is the highest so far.
void EventQueue::insert_front(const Event& event) {
    if (empty()) {
        // Nothing is filed either. The front covers this event only, whatever comes next.
        head_ = kFrontGap;
        end_ = head_ + 1;
        front_[head_] = event;
        ties_ = 1;
        front_until_ = event.at;
        set_base(static_cast<std::uint64_t>(event.at.value));
        return;
    }
    if (event.at < front_[head_].at) {
        ties_ = 1;
    } else if (event.at == front_[head_].at) {
        ++ties_;
    }
    std::uint32_t place = end_;
    if (end_ - head_ <= 2 * kLoad) {
        while (place > head_ && front_[place - 1].at > event.at) --place;
    } else {
        const auto first = front_.begin();
        const auto later = [](Instant at, const Event& other) { return at < other.at; };
        place = static_cast<std::uint32_t>(
            std::upper_bound(first + head_, first + end_, event.at, later) - first);
    }
    // Move the shorter side. A front grows long if it was filled from a slot far ahead and then
    // events arrive before that slot; when both sides are long, the later one goes back to the
    // slots. (The quotient keeps a slot of thousands of ties from going to and fro.)
    const std::uint32_t before = place - head_;
    const std::uint32_t after = end_ - place;
    if (std::min(before, after) > kMaxFrontMoves + (end_ - head_) / 64) {
        spill_front(place, event.at);
    }
    if (head_ == 0 || end_ == front_.size()) make_room_in_front();
    const auto first = front_.begin() + head_;
    if (before < end_ - head_ - before) {
        std::move(first, first + before, first - 1);
        --head_;
    } else {
        std::move_backward(first + before, front_.begin() + end_, front_.begin() + end_ + 1);
        ++end_;
    }
    front_[head_ + before] = event;
}

// Centres the front in a buffer of at least twice its size.
void EventQueue::make_room_in_front() {
    const std::uint32_t length = end_ - head_;
    const std::size_t room = std::max<std::size_t>(kMinFront, 2 * std::bit_ceil(length));
    std::vector<Event> buffer(room);
    const auto at = static_cast<std::uint32_t>((room - length) / 2);
    std::copy(front_.begin() + head_, front_.begin() + end_, buffer.begin() + at);
    front_ = std::move(buffer);
    head_ = at;
    end_ = at + length;
}

// Files front_[first, end_), all later than `until`, again.
void EventQueue::spill_front(std::uint32_t first, Instant until) {
    const auto base = static_cast<std::uint64_t>(until.value);
    if (base < base_) move_base_back(base);
    front_until_ = until;
    for (std::uint32_t i = first; i < end_; ++i) {
        if (free_ == kNil) add_cell();
        const std::uint32_t cell = free_;
        free_ = next_[cell];
        cells_[cell] = front_[i];
        ++filed_;
        file(cell);
    }
    end_ = first;
}

// Filed events lie in slots relative to base_. When base_ goes back beyond the block of the wheel,
// or of levels of the trie, what they hold belongs into one slot of the level above.
void EventQueue::move_base_back(std::uint64_t base) {
    CHECK(base < base_);
    const std::uint64_t difference = ((base ^ base_) >> shift_) >> wheel_bits_;
    set_base(base);
    if (difference == 0) return;
    const auto level = (static_cast<std::uint32_t>(std::bit_width(difference)) - 1) / kDigitBits;
    std::vector<std::uint32_t> cells;
    const std::uint32_t end = trie_slot(level, 0);
    for (std::uint32_t slot = 0; slot < end; ++slot) {
        std::uint32_t cell = std::exchange(slots_[slot], kNil);
        for (; cell != kNil; cell = next_[cell]) cells.push_back(cell);
    }
    std::fill(occupied_.begin(), occupied_.end(), 0);
    std::fill(trie_occupied_.begin(), trie_occupied_.begin() + level, std::uint16_t{0});
    trie_levels_ &= ~((1u << level) - 1);
    for (const std::uint32_t cell : cells) file(cell);
}

Event EventQueue::pop_later(std::size_t which) {
    CHECK(which < ties_);
    const auto first = front_.begin() + head_;
    const auto chosen = first + static_cast<std::ptrdiff_t>(which);
    const Event event = *chosen;
    std::move_backward(first, chosen, chosen + 1);
    now_ = event.at;
    ++head_;
    --ties_;
    return event;
}

// The front may be filled from a slot far in the future: it then covers all the time until that
// slot's end, so that what is pushed before the slot is inserted into the front.
void EventQueue::refill_front() {
    head_ = end_ = kFrontGap;
    if (filed_ == 0) {
        front_until_ = kNever;
        return;
    }
    if (loaded_ >= std::max(kTuneInterval, filed_)) [[unlikely]]
        tune();
    for (;;) {
        while (cursor_ < occupied_.size() && occupied_[cursor_] == 0) ++cursor_;
        if (cursor_ < occupied_.size()) [[likely]]
            break;
        open_trie_slot();
    }
    std::uint64_t& word = occupied_[cursor_];
    const auto slot = cursor_ * 64 + static_cast<std::uint32_t>(std::countr_zero(word));
    word &= word - 1;
    if (cells_.size() > kBeyondCache && word != 0) {
        const auto next = cursor_ * 64 + static_cast<std::uint32_t>(std::countr_zero(word));
        for (std::uint32_t cell = slots_[next]; cell != kNil; cell = next_[cell]) {
            __builtin_prefetch(&cells_[cell]);
        }
    }
    const std::uint32_t block = shift_ + wheel_bits_;
    base_ = ((base_ >> block) << block) + (static_cast<std::uint64_t>(slot) << shift_);
    front_until_ = Instant{static_cast<std::int64_t>(base_ + ((1ull << shift_) - 1))};
    load_slot(slot);
    count_ties();
}

// The front begins with several events of one instant: by doubling steps, then bisection, since
// thousands of them may have to be counted again after every event that slipped in before them.
void EventQueue::count_many_ties() {
    std::uint32_t step = 1;
    while (step < end_ - head_ && front_[head_ + step].at == front_[head_].at) step *= 2;
    const auto first = front_.begin() + head_;
    const auto end = first + std::min(step, end_ - head_);
    const auto later = [](Instant at, const Event& other) { return at < other.at; };
    ties_ = static_cast<std::uint32_t>(std::upper_bound(first, end, first->at, later) - first);
}

// The wheel is empty: spreads the first slot of the trie over the wheel and the levels below.
void EventQueue::open_trie_slot() {
    CHECK(trie_levels_ != 0);
    const auto level = static_cast<std::uint32_t>(std::countr_zero(trie_levels_));
    std::uint16_t& digits = trie_occupied_[level];
    const auto digit = static_cast<std::uint32_t>(std::countr_zero(digits));
    digits = static_cast<std::uint16_t>(digits & (digits - 1));
    if (digits == 0) trie_levels_ &= trie_levels_ - 1;
    std::uint32_t cell = std::exchange(slots_[trie_slot(level, digit)], kNil);
    const std::uint32_t width = trie_shift(level);
    set_base((static_cast<std::uint64_t>(cells_[cell].at.value) >> width) << width);
    while (cell != kNil) {
        const std::uint32_t next = next_[cell];
        file(cell);
        cell = next;
    }
}

// Moves a slot into the front. A key is the time inside the slot above the place in the chain.
void EventQueue::load_slot(std::uint32_t slot) {
    constexpr std::uint64_t kLast = UINT64_MAX;
    std::array<std::uint64_t, kLoad> keys{kLast, kLast, kLast, kLast, kLast, kLast, kLast, kLast};
    std::array<std::uint32_t, kLoad> chain;
    const std::uint32_t first = std::exchange(slots_[slot], kNil);
    std::uint32_t last = first;
    std::uint32_t length = 0;
    for (std::uint32_t cell = first; cell != kNil; cell = next_[cell]) {
        if (length == kLoad) [[unlikely]]
            return load_long_slot(first);
        const std::uint64_t offset = static_cast<std::uint64_t>(cells_[cell].at.value) - base_;
        keys[length] = offset * kLoad + length;
        chain[length] = cell;
        last = cell;
        ++length;
    }
    next_[last] = std::exchange(free_, first);
    if (length <= 4) {
        sort4(keys);
    } else {
        sort8(keys);
    }
    end_ = head_ + length;
    filed_ -= length;
    loaded_ += length;
    Event* out = &front_[head_];
    std::uint64_t previous = kLast;
    bool has_ties = false;
    for (std::uint32_t i = 0; i < length; ++i) {
        out[i] = cells_[chain[keys[i] % kLoad]];
        has_ties |= keys[i] / kLoad == previous;
        previous = keys[i] / kLoad;
    }
    if (has_ties) [[unlikely]]
        sort_front();  // by sequence: the chain's order means nothing
}

void EventQueue::load_long_slot(std::uint32_t first) {
    std::uint32_t last = first;
    for (std::uint32_t cell = first; cell != kNil; cell = next_[cell]) {
        if (end_ == front_.size()) front_.resize(2 * front_.size());
        front_[end_++] = cells_[cell];
        last = cell;
    }
    next_[last] = std::exchange(free_, first);
    filed_ -= end_ - head_;
    loaded_ += end_ - head_;
    sort_front();
}

void EventQueue::sort_front() {
    std::sort(front_.begin() + head_, front_.begin() + end_, is_earlier);
}

// Chooses the slot width for kWantedLoad events a slot at the rate seen lately, within a factor of
// two, and two to four slots for every filed event: most pushes then hit the wheel. Called with an
// empty front, so that is the moment to return what one long slot has made it grow to.
void EventQueue::tune() {
    const auto log2 = [](std::uint64_t x) {
        return static_cast<std::uint32_t>(std::bit_width(x | 1)) - 1;
    };
    const auto passed = static_cast<std::uint64_t>((now_ - tuned_at_).value);
    const std::uint32_t shift = std::min(log2(passed / loaded_ * kWantedLoad), kMaxShift);
    const std::uint32_t bits = std::clamp(log2(filed_) + 2, kMinWheelBits, kMaxWheelBits);
    const bool is_width_wrong = shift_ < shift || shift_ > shift + 1;
    const bool is_wheel_wrong = wheel_bits_ < bits || wheel_bits_ > bits + 1;
    const bool is_memory_idle = cells_.size() > 4 * filed_ + kTuneInterval;
    if (is_width_wrong || is_wheel_wrong || is_memory_idle) rebuild(shift, bits, base_);
    if (front_.size() > kTuneInterval) front_ = std::vector<Event>();
    front_.resize(kMinFront);
    loaded_ = 0;
    tuned_at_ = now_;
}

// Files everything anew under another geometry, in memory that fits what is pending.
void EventQueue::rebuild(std::uint32_t shift, std::uint32_t wheel_bits, std::uint64_t base) {
    std::vector<Event> events;
    events.reserve(filed_);
    for (std::uint32_t cell : slots_) {
        for (; cell != kNil; cell = next_[cell]) events.push_back(cells_[cell]);
    }
    CHECK(events.size() == filed_);
    cells_ = std::move(events);
    next_ = std::vector<std::uint32_t>(filed_, kNil);
    free_ = kNil;
    shift_ = shift;
    wheel_bits_ = wheel_bits;
    const std::uint32_t levels = (kTimeBits - 1 - shift - wheel_bits) / kDigitBits + 1;
    CHECK(levels <= kMaxTrieLevels);
    slots_ = std::vector<std::uint32_t>(trie_slot(levels, 0), kNil);
    occupied_ = std::vector<std::uint64_t>((1u << wheel_bits) / 64, 0);
    trie_levels_ = 0;
    trie_occupied_ = {};
    set_base(base);
    for (std::uint32_t cell = 0; cell < filed_; ++cell) file(cell);
}

void EventQueue::set_base(std::uint64_t base) {
    base_ = base;
    cursor_ = (static_cast<std::uint32_t>(base >> shift_) & wheel_mask()) / 64;
}

// The slots are in order of time, so only the events inside a slot need sorting.
std::vector<Event> EventQueue::sorted() const {
    std::vector<Event> events(front_.begin() + head_, front_.begin() + end_);
    events.reserve(size());
    for (std::uint32_t cell : slots_) {
        const auto first = static_cast<std::ptrdiff_t>(events.size());
        for (; cell != kNil; cell = next_[cell]) events.push_back(cells_[cell]);
        std::sort(events.begin() + first, events.end(), is_earlier);
    }
    return events;
}

bool operator==(const EventQueue& a, const EventQueue& b) {
    if (a.size() != b.size()) return false;
    const auto in_a = a.sorted();
    const auto in_b = b.sorted();
    return std::equal(in_a.begin(), in_a.end(), in_b.begin(), [](const Event& x, const Event& y) {
        return x.at == y.at && x.node == y.node && x.kind == y.kind && x.payload == y.payload;
    });
}

void fold(Digest& d, const EventQueue& queue) {
    d.word(queue.size());
    queue.for_each([&](const Event& event) {
        fold(d, event.at);
        d.word(static_cast<std::uint64_t>(event.node) << 32 | event.kind);
        fold(d, event.payload);
    });
}

std::size_t EventQueue::bytes() const {
    return sizeof(*this) + front_.capacity() * sizeof(Event) + cells_.capacity() * sizeof(Event) +
           (next_.capacity() + slots_.capacity()) * sizeof(std::uint32_t) +
           occupied_.capacity() * sizeof(std::uint64_t);
}

}  // namespace tribunal
