// Chameneos: creatures of three colours meet in pairs at a place for one; both leave with the
// colour that neither had, or with the one they shared. After N meetings they fade.
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>

#include "model/search.h"

namespace tribunal {

class Chameneos {
  public:
    static constexpr unsigned kMaxCreatures = 8;
    static constexpr unsigned kMaxMeetings = 63;
    static constexpr std::uint8_t kNobody = 0xff;

    enum Color : std::uint8_t { blue, red, yellow, faded };

    struct State {
        std::array<std::uint8_t, kMaxCreatures> chameneoses{};  // color, and meetings times four
        std::array<std::uint8_t, 6> unused{};
        std::uint8_t meeting_place = kNobody;
        std::uint8_t num_meetings = 0;
        bool operator==(const State&) const = default;
    };
    enum Kind : std::uint16_t { meet };

    Chameneos(unsigned meetings, unsigned creatures) : meetings_(meetings), count_(creatures) {}

    template <class Emit>
    void initial_states(Emit&& emit) const {
        State s;
        add_creatures(s, 0, emit);
    }

    template <class Emit>
    void successors(const State& s, Emit&& emit) const {
        for (std::uint8_t c = 0; c < count_; ++c) {
            if (color(s, c) == faded || s.meeting_place == c) continue;
            State t = s;
            if (s.meeting_place != kNobody) {
                const std::uint8_t other = s.meeting_place;
                const Color both = complement(color(s, c), color(s, other));
                t.chameneoses[c] = creature(both, meetings(s, c) + 1);
                t.chameneoses[other] = creature(both, meetings(s, other) + 1);
                t.meeting_place = kNobody;
                ++t.num_meetings;
            } else if (s.num_meetings < meetings_) {
                t.meeting_place = c;
            } else {
                t.chameneoses[c] = creature(faded, meetings(s, c));
            }
            emit(Action{meet, c}, t);
        }
    }

    Digest128 digest(const State& s) const { return digest_of_words(s); }
    std::span<const std::string_view> action_names() const;
    std::span<const PropertySpec> properties() const;
    std::uint64_t predicates(const State& s) const {
        unsigned sum = 0;
        bool type_ok = s.meeting_place == kNobody || s.meeting_place < count_;
        bool all_faded = true;
        for (unsigned c = 0; c < count_; ++c) {
            sum += meetings(s, c);
            type_ok = type_ok && meetings(s, c) <= meetings_;
            all_faded = all_faded && color(s, c) == faded;
        }
        const bool sum_met = s.num_meetings != meetings_ || sum == 2 * meetings_;
        return (type_ok ? 1u : 0u) | (sum_met ? 2u : 0u) | (all_faded ? 4u : 0u);
    }
    std::string describe(const State& s, Action a) const;
    StateText show(const State& s) const;

    // The creatures sorted by colour and meetings, who waits at the place before its likes.
    State canonical(const State& s) const;

    static Color color(const State& s, unsigned c) {
        return static_cast<Color>(s.chameneoses[c] & 3);
    }
    static unsigned meetings(const State& s, unsigned c) { return s.chameneoses[c] >> 2; }
    static Color complement(Color a, Color b) {
        return a == b ? a : static_cast<Color>(blue + red + yellow - a - b);
    }

  private:
    static std::uint8_t creature(Color color, unsigned meetings) {
        return static_cast<std::uint8_t>(meetings << 2 | color);
    }
    template <class Emit>
    void add_creatures(State& s, unsigned c, Emit&& emit) const {
        if (c == count_) {
            emit(s);
            return;
        }
        for (const Color color : {blue, red, yellow}) {
            s.chameneoses[c] = creature(color, 0);
            add_creatures(s, c + 1, emit);
        }
    }

    unsigned meetings_;
    unsigned count_;
};

extern template SearchResult search(const Chameneos&, const SearchOptions&);

}  // namespace tribunal
