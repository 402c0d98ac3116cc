#include "model/specs/chameneos.h"

#include <algorithm>

#include "model/explore.h"
#include "model/specs/specs.h"
#include "model/specs/value_text.h"

namespace tribunal {

namespace {
constexpr std::string_view kActions[] = {"Meet"};
constexpr std::string_view kColors[] = {"blue", "red", "yellow", "Faded"};
// The last is no part of the specification: it shows that the game ends.
constexpr PropertySpec kProperties[] = {{"TypeOK", PropertyKind::always},
                                        {"SumMet", PropertyKind::always},
                                        {"AllFaded", PropertyKind::sometimes}};
}  // namespace

std::span<const std::string_view> Chameneos::action_names() const { return kActions; }
std::span<const PropertySpec> Chameneos::properties() const { return kProperties; }

std::string Chameneos::describe(const State& s, Action a) const {
    std::string text = numbered("Meet(", a.detail) + ")";
    if (s.meeting_place != kNobody) return text + " with " + numbered("", s.meeting_place);
    return text + (s.num_meetings < meetings_ ? " waits" : " fades");
}

StateText Chameneos::show(const State& s) const {
    const auto creature_text = [&](std::uint64_t i) {
        const auto c = static_cast<unsigned>(i);
        return "<<" + std::string(kColors[color(s, c)]) + ", " + std::to_string(meetings(s, c)) +
               ">>";
    };
    return {{"chameneoses", function_text("", count_, creature_text)},
            {"meetingPlace", s.meeting_place == kNobody ? std::string("MeetingPlaceEmpty")
                                                        : numbered("", s.meeting_place)},
            {"numMeetings", std::to_string(s.num_meetings)}};
}

Chameneos::State Chameneos::canonical(const State& s) const {
    State sorted = s;
    std::sort(sorted.chameneoses.begin(), sorted.chameneoses.begin() + count_);
    if (s.meeting_place != kNobody) {
        const auto* waiting =
            std::find(sorted.chameneoses.begin(), sorted.chameneoses.begin() + count_,
                      s.chameneoses[s.meeting_place]);
        sorted.meeting_place = static_cast<std::uint8_t>(waiting - sorted.chameneoses.begin());
    }
    return sorted;
}

ModelEntry chameneos_model() {
    return {
        .name = "Chameneos",
        .about = "creatures that meet in pairs and change their colours",
        .source = "tlaplus/Examples, specifications/Chameneos",
        .constants = {{"N", 4, 1, Chameneos::kMaxMeetings, "meetings after which they fade"},
                      {"M", 4, 1, Chameneos::kMaxCreatures, "creatures"}},
        .search =
            [](const Constants& c, const SearchOptions& options) {
                const Chameneos model(static_cast<unsigned>(c["N"]), static_cast<unsigned>(c["M"]));
                return search(model, options);
            },
    };
}

template SearchResult search(const Chameneos&, const SearchOptions&);

}  // namespace tribunal
