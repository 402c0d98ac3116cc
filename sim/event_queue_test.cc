// The event queue against a model that is obviously right: a std::map from (at, sequence).
#include "sim/event_queue.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "broker/base/check.h"
#include "broker/base/digest.h"
#include "broker/base/prng.h"

namespace tribunal {
namespace {

// One step of a script: push an event `delay` after the last pop, or pop one of the ties.
struct Step {
    bool is_push = true;
    std::int64_t delay = 0;
    std::uint64_t which = 0;
};
using Script = std::vector<Step>;

// "" if Queue does what the model does, else the first difference.
template <class Queue>
std::string difference_from_model(const Script& script) {
    Queue queue;
    std::map<std::pair<Instant, std::uint64_t>, Event> model;
    std::uint64_t sequence = 0;
    Instant now;
    for (std::size_t i = 0; i < script.size(); ++i) {
        const Step& step = script[i];
        const std::string place = "step " + std::to_string(i) + ": ";
        if (step.is_push || model.empty()) {
            const Instant at =
                kNever - now < Duration{step.delay} ? kNever : now + Duration{step.delay};
            const Event event{at, sequence++, static_cast<std::uint32_t>(i % 7),
                              static_cast<std::uint32_t>(i % 3), mix64(i)};
            if (queue.push(at, event.node, event.kind, event.payload) != event.sequence) {
                return place + "sequence";
            }
            model[{at, event.sequence}] = event;
        } else {
            auto chosen = model.begin();
            const auto ties = static_cast<std::size_t>(
                std::count_if(model.begin(), model.upper_bound({chosen->first.first, UINT64_MAX}),
                              [](const auto&) { return true; }));
            if (queue.next_time() != chosen->first.first) return place + "next_time";
            if (queue.ties() != ties) return place + "ties";
            const std::size_t which = step.which % ties;
            std::advance(chosen, static_cast<std::ptrdiff_t>(which));
            if (queue.pop(which) != chosen->second) return place + "event";
            now = chosen->second.at;
            model.erase(chosen);
        }
        if (queue.size() != model.size()) return place + "size";
        if (queue.empty() != model.empty()) return place + "empty";
        if (model.empty() && queue.ties() != 0) return place + "ties of nothing";
        if (i % 64 == 0 || i + 1 == script.size()) {
            std::vector<Event> expected;
            for (const auto& entry : model) expected.push_back(entry.second);
            if (queue.sorted() != expected) return place + "sorted";
        }
    }
    return "";
}

// Delays from zero to beyond all clocks, with ties, bursts and long silences; growing, then
// draining.
Script random_script(std::uint64_t seed, std::size_t length) {
    Prng prng{seed};
    Script script;
    const std::uint64_t widest = prng.below(63) + 1;
    const std::uint64_t grid = prng.below(3) == 0 ? 1000 : 1;
    std::size_t burst = 0;
    for (std::size_t i = 0; i < length; ++i) {
        if (burst == 0 && prng.below(300) == 0) burst = prng.below(400);
        if (burst > 0) --burst;
        const std::uint64_t pushes = burst > 0 ? 95 : 2 * i < length ? 52 : 40;
        const std::uint64_t bits = prng.below(4) == 0 ? prng.below(widest) : widest / 2;
        const std::uint64_t delay = prng.below(6) == 0 ? 0 : prng.next() >> (63 - bits) >> 1;
        script.push_back({prng.below(100) < pushes, static_cast<std::int64_t>(delay / grid * grid),
                          prng.below(4) == 0 ? prng.next() : 0});
    }
    return script;
}

// Many events of one instant far ahead, with more and more events slipping in before them.
Script ties_ahead(std::size_t ties, std::size_t burst) {
    Script script;
    for (std::size_t i = 0; i < ties; ++i) script.push_back({true, 5'000'000'000, 0});
    for (std::size_t round = 1; round <= 20; ++round) {
        const std::size_t events = burst * round / 10 + 1;
        for (std::size_t i = 0; i < events; ++i) {
            script.push_back({true, static_cast<std::int64_t>(mix64(i + round) % 1'000'000), 0});
        }
        for (std::size_t i = 0; i < events; ++i) script.push_back({false, 0, i % 3});
    }
    for (std::size_t i = 0; i < ties; ++i) script.push_back({false, 0, i % 5});
    return script;
}

Script from_values(const std::vector<std::pair<std::uint8_t, std::uint64_t>>& values) {
    Script script;
    for (const auto& [kind, value] : values) {
        const int shift = kind / 4;  // 0..63
        script.push_back({kind % 4 != 0, static_cast<std::int64_t>(value >> shift >> 1), value});
    }
    return script;
}

RC_GTEST_PROP(EventQueue, agrees_with_a_map_on_short_scripts,
              (const std::vector<std::pair<std::uint8_t, std::uint64_t>>& values)) {
    RC_ASSERT(difference_from_model<EventQueue>(from_values(values)) == "");
}

RC_GTEST_PROP(EventQueue, copy_is_equal_and_independent,
              (const std::vector<std::pair<std::uint8_t, std::uint64_t>>& values)) {
    EventQueue queue;
    for (const Step& step : from_values(values)) {
        if (step.is_push || queue.empty()) {
            const Duration delay{step.delay};
            queue.push(kNever - queue.now() < delay ? kNever : queue.now() + delay, 1, 2,
                       step.which);
        } else {
            queue.pop(step.which % queue.ties());
        }
        const EventQueue copy = queue;
        RC_ASSERT(copy == queue);
        EventQueue changed = queue;
        changed.push(kNever, 9, 9, 9);
        RC_ASSERT(!(changed == copy));
        while (!changed.empty()) changed.pop();
        RC_ASSERT(copy == queue);
        RC_ASSERT(digest_of(copy) == digest_of(queue));
    }
}

TEST(EventQueue, agrees_with_a_map_on_long_random_scripts) {
    for (std::uint64_t seed = 0; seed < 300; ++seed) {
        EXPECT_EQ(difference_from_model<EventQueue>(random_script(seed, 3000)), "") << seed;
    }
}

TEST(EventQueue, agrees_with_a_map_when_events_slip_in_before_many_ties) {
    for (const std::size_t ties : {1, 3, 70, 2000}) {
        for (const std::size_t burst : {1, 20, 100, 300}) {
            EXPECT_EQ(difference_from_model<EventQueue>(ties_ahead(ties, burst)), "")
                << ties << " ties, bursts of " << burst;
        }
    }
}

// Canary: a queue that takes the last of three or more ties instead of the first is noticed.
class LastOfTies : public EventQueue {
  public:
    Event pop(std::size_t which) {
        return EventQueue::pop(which == 0 && ties() > 2 ? ties() - 1 : which);
    }
};
// Canary: a queue that loses the order of arrival of equal times is noticed.
class Newest {
  public:
    std::uint64_t push(Instant at, std::uint32_t node, std::uint32_t kind, std::uint64_t payload) {
        const std::uint64_t sequence = sequence_++;
        const auto place = std::find_if(events_.begin(), events_.end(),
                                        [&](const Event& other) { return other.at >= at; });
        events_.insert(place, Event{at, sequence, node, kind, payload});
        return sequence;
    }
    std::size_t size() const { return events_.size(); }
    bool empty() const { return events_.empty(); }
    Instant next_time() const { return events_.front().at; }
    std::size_t ties() const {
        return static_cast<std::size_t>(
            std::count_if(events_.begin(), events_.end(),
                          [&](const Event& e) { return e.at == events_.front().at; }));
    }
    Event pop(std::size_t which) {
        const auto chosen = events_.begin() + static_cast<std::ptrdiff_t>(which);
        const Event event = *chosen;
        events_.erase(chosen);
        return event;
    }
    std::vector<Event> sorted() const { return events_; }

  private:
    std::vector<Event> events_;
    std::uint64_t sequence_ = 0;
};

TEST(EventQueue, planted_errors_are_caught_by_the_comparison) {
    bool is_last_of_ties_caught = false;
    bool is_newest_caught = false;
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        const Script script = random_script(seed, 500);
        is_last_of_ties_caught |= !difference_from_model<LastOfTies>(script).empty();
        is_newest_caught |= !difference_from_model<Newest>(script).empty();
    }
    EXPECT_TRUE(is_last_of_ties_caught);
    EXPECT_TRUE(is_newest_caught);
}

TEST(EventQueue, digest_depends_on_the_pending_events_and_not_on_how_they_got_there) {
    constexpr std::uint32_t kPending = 500;
    // The same events pushed in one go, and pushed among thousands that have come and gone.
    EventQueue direct;
    EventQueue roundabout;
    for (int i = 0; i < 20'000; ++i) {
        roundabout.push(roundabout.now() + Duration{i % 100}, 0, 0, 0);
        if (i % 2 == 1) roundabout.pop();
    }
    while (!roundabout.empty()) roundabout.pop();
    const Instant base = roundabout.now() + seconds(1);
    for (std::uint32_t i = 0; i < kPending; ++i) {
        const Instant at = base + microseconds(static_cast<std::int64_t>(mix64(i) % 5000));
        direct.push(at, i, 1, i);
        roundabout.push(at, i, 1, i);
        roundabout.push(roundabout.now(), 7, 7, 7);
        EXPECT_EQ(roundabout.pop().node, 7u);
    }
    EXPECT_EQ(direct, roundabout);
    EXPECT_EQ(digest_of(direct), digest_of(roundabout));
    EXPECT_NE(direct.sorted(), roundabout.sorted());  // the sequence numbers differ
    while (!direct.empty()) {
        EXPECT_EQ(direct.pop().node, roundabout.pop().node);
        EXPECT_EQ(digest_of(direct), digest_of(roundabout));
    }
}

TEST(EventQueue, digest_sees_every_field_and_the_order_of_ties) {
    const auto of = [](std::initializer_list<Event> events) {
        EventQueue queue;
        for (const Event& e : events) queue.push(e.at, e.node, e.kind, e.payload);
        return digest_of(queue);
    };
    const Digest128 digest = of({{Instant{5}, 0, 1, 2, 3}, {Instant{5}, 0, 4, 5, 6}});
    EXPECT_EQ(digest, of({{Instant{5}, 9, 1, 2, 3}, {Instant{5}, 9, 4, 5, 6}}));
    EXPECT_NE(digest, of({{Instant{5}, 0, 4, 5, 6}, {Instant{5}, 0, 1, 2, 3}}));
    EXPECT_NE(digest, of({{Instant{4}, 0, 1, 2, 3}, {Instant{5}, 0, 4, 5, 6}}));
    EXPECT_NE(digest, of({{Instant{5}, 0, 7, 2, 3}, {Instant{5}, 0, 4, 5, 6}}));
    EXPECT_NE(digest, of({{Instant{5}, 0, 1, 7, 3}, {Instant{5}, 0, 4, 5, 6}}));
    EXPECT_NE(digest, of({{Instant{5}, 0, 1, 2, 7}, {Instant{5}, 0, 4, 5, 6}}));
    EXPECT_NE(digest, of({{Instant{5}, 0, 1, 2, 3}}));
}

TEST(EventQueue, memory_follows_the_population) {
    EventQueue queue;
    for (std::uint32_t i = 0; i < 100'000; ++i) queue.push(Instant{i}, 0, 0, 0);
    EXPECT_GT(queue.bytes(), 100'000 * sizeof(Event));
    while (queue.size() > 100) queue.pop();
    for (int i = 0; i < 5'000; ++i) queue.push(queue.pop().at + milliseconds(1), 0, 0, 0);
    EXPECT_EQ(queue.size(), 100u);
    EXPECT_LT(queue.bytes(), 100'000u);
}

TEST(EventQueue, misuse_is_a_failed_check) {
    EventQueue queue;
    EXPECT_THROW(queue.pop(), CheckFailure);
    EXPECT_THROW(static_cast<void>(queue.next_time()), CheckFailure);
    queue.push(Instant{10}, 0, 0, 0);
    EXPECT_THROW(queue.pop(1), CheckFailure);
    queue.pop();
    EXPECT_THROW(queue.push(Instant{9}, 0, 0, 0), CheckFailure);
    EXPECT_EQ(queue.push(Instant{10}, 0, 0, 0), 1u);
}

}  // namespace
}  // namespace tribunal
