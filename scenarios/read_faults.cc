// The faults of a scenario: {"at": "1s", "power_loss": "leader(orders-0)", "for": "2s"}, or drawn:
// {"between": ["2s", "20s"], "every": "3s", "kill": "any broker", "for": "1s"}.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "scenarios/reading.h"
#include "scenarios/units.h"

namespace tribunal {
namespace {

enum class Ends : std::uint8_t { one, one_from, link };
enum class Amount : std::uint8_t { none, latency, by, ppm };

struct FaultShape {
    FaultKind kind;
    Ends ends;        // one target; one cut off from another; or a link, both ends or one
    bool can_last;    // has an opposite that "for" brings
    bool needs_disk;  // clients have none
    Amount amount;
};
constexpr std::array<FaultShape, 19> kShapes = {{
    {FaultKind::kill, Ends::one, true, false, Amount::none},
    {FaultKind::power_loss, Ends::one, true, true, Amount::none},
    {FaultKind::restart, Ends::one, false, false, Amount::none},
    {FaultKind::stop, Ends::one, true, false, Amount::none},
    {FaultKind::upgrade, Ends::one, false, false, Amount::none},
    {FaultKind::wipe, Ends::one, true, true, Amount::none},
    {FaultKind::pause, Ends::one, true, false, Amount::none},
    {FaultKind::resume, Ends::one, false, false, Amount::none},
    {FaultKind::isolate, Ends::one_from, true, false, Amount::none},
    {FaultKind::cut, Ends::link, true, false, Amount::none},
    {FaultKind::heal_link, Ends::link, false, false, Amount::none},
    {FaultKind::slow_link, Ends::link, true, false, Amount::latency},
    {FaultKind::jam, Ends::link, true, false, Amount::none},
    {FaultKind::reset, Ends::link, false, false, Amount::none},
    {FaultKind::slow_disk, Ends::one, true, true, Amount::latency},
    {FaultKind::full_disk, Ends::one, true, true, Amount::none},
    {FaultKind::disk_error, Ends::one, true, true, Amount::none},
    {FaultKind::clock_offset, Ends::one, true, false, Amount::by},
    {FaultKind::clock_drift, Ends::one, true, false, Amount::ppm},
}};

constexpr std::array<std::string_view, 12> kModifiers = {"at",   "for",       "between", "every",
                                                         "from", "direction", "latency", "by",
                                                         "ppm",  "keep",      "torn",    "to"};

const FaultShape& shape_of(const Place& place) {
    const FaultShape* found = nullptr;
    std::vector<std::string_view> valid;
    for (const FaultShape& shape : kShapes) valid.push_back(name_of(shape.kind));
    const std::vector<std::string_view> kinds = valid;
    valid.insert(valid.end(), kModifiers.begin(), kModifiers.end());
    for (const auto& [key, member] : place.members()) {
        if (std::find(valid.begin(), valid.end(), key) == valid.end()) {
            member.fail("unknown key; " + suggestion(key, valid));
        }
        const auto kind = std::find(kinds.begin(), kinds.end(), key);
        if (kind == kinds.end()) continue;
        if (found != nullptr) {
            member.fail(
                fmt::format("stands beside '{}'; make it another fault", name_of(found->kind)));
        }
        found = &kShapes[static_cast<std::size_t>(kind - kinds.begin())];
    }
    if (found == nullptr)
        place.fail(fmt::format("names no fault; valid: {}", fmt::join(kinds, ", ")));
    return *found;
}

bool is_client(const Target& target) {
    return target.kind == TargetKind::clients ||
           (target.kind == TargetKind::node && is_client_id(target.node));
}

Target read_target(const Reading& reading, const Place& place) {
    try {
        return parse_target(place.text(), reading.topology);
    } catch (const TargetError& error) {
        place.fail(error.what());
    }
}

void read_link(const Reading& reading, const Place& place, FaultSpec& fault) {
    if (!place.value().is_array()) {
        if (!place.value().is_string()) {
            place.fail_expected(R"(a target, or two of them: ["broker 1", "broker 2"])");
        }
        fault.target = read_target(reading, place);
        return;
    }
    const auto ends = place.elements();
    if (ends.size() != 2) {
        place.fail(fmt::format("found {}, expected the two ends of a link",
                               counted(ends.size(), "target")));
    }
    fault.target = read_target(reading, ends[0]);
    fault.peer = read_target(reading, ends[1]);
    if (fault.target == fault.peer) ends[1].fail("a link needs two different ends");
}

// What may stand beside the kind only for some of them.
void check_modifiers(const Place& place, const FaultShape& shape) {
    const auto only = [&](const std::string& key, bool is_valid, std::string_view of) {
        const auto found = place.find(key);
        if (found && !is_valid) {
            found->fail(
                fmt::format("does not go with '{}', only with {}", name_of(shape.kind), of));
        }
    };
    only("from", shape.ends == Ends::one_from, "isolate");
    only("direction", shape.ends != Ends::one, "faults of links");
    only("latency", shape.amount == Amount::latency, "slow_link and slow_disk");
    only("by", shape.amount == Amount::by, "clock_offset");
    only("ppm", shape.amount == Amount::ppm, "clock_drift");
    only("keep", shape.kind == FaultKind::power_loss, "power_loss");
    only("torn", shape.kind == FaultKind::power_loss, "power_loss");
    only("to", shape.kind == FaultKind::upgrade, "upgrade");
    only("for", shape.can_last, "faults that have an end");
}

void read_amount(const Place& place, const FaultShape& shape, FaultSpec& fault) {
    switch (shape.amount) {
        case Amount::none:
            break;
        case Amount::latency:
            fault.amount = place.member("latency").positive_duration();
            break;
        case Amount::by:
            fault.amount = place.member("by").signed_duration();
            if (fault.amount.value == 0)
                place.member("by").fail_expected("a step that is not zero");
            break;
        case Amount::ppm:
            fault.ppm = place.member("ppm").integer(-500'000, 500'000);
            if (fault.ppm == 0) place.member("ppm").fail_expected("a drift that is not zero");
            break;
    }
}

void read_time(const Reading& reading, const Place& place, FaultSpec& fault) {
    const auto at = place.find("at");
    const auto between = place.find("between");
    if (at && between) between->fail("stands beside 'at'; one of them is enough");
    if (!at && !between) place.fail("one of 'at' and 'between' is missing");
    if (at) {
        fault.at = read_start(reading, *at);
        if (const auto every = place.find("every"))
            every->fail("goes with 'between', not with 'at'");
        return;
    }
    if (!between->value().is_array() || between->value().size() != 2) {
        between->fail_expected(R"(two times: ["2s", "20s"])");
    }
    const auto ends = between->elements();
    fault.at = read_start(reading, ends[0]);
    fault.until = read_start(reading, ends[1]);
    if (fault.until <= fault.at) {
        ends[1].fail(fmt::format("found {}, expected a time after {}", found_text(ends[1].value()),
                                 found_text(ends[0].value())));
    }
    fault.every = place.member("every").positive_duration();
}

// What the nodes run afterwards: the rules and defaults of another edition, under which the
// cluster's settings are read once more. Warnings about them stand there already.
Software read_software(const Reading& reading, const Place& place) {
    constexpr std::string_view kFirst = "3.0";
    const Edition& edition = read_edition(place);
    for (const Edition* end : {reading.edition, &edition}) {
        if (is_since(*end, kFirst)) continue;
        place.fail(
            fmt::format("an upgrade is from {} or later to {} or later, found {}; KRaft was early "
                        "access before, and nothing was promised of what it had written",
                        kFirst, kFirst, end->name));
    }
    Reading other = reading;
    other.edition = &edition;
    return {std::string(edition.name), read_server(other).broker};
}

std::string text_of(const FaultShape& shape, const Reading& reading, const FaultSpec& fault) {
    std::string text =
        fmt::format("{} {}", name_of(shape.kind), to_text(fault.target, reading.topology));
    if (fault.peer.kind != TargetKind::none) {
        text += fmt::format(" {} {}", shape.ends == Ends::one_from ? "from" : "and",
                            to_text(fault.peer, reading.topology));
    }
    if (fault.amount.value != 0) text += " by " + to_text(fault.amount);
    if (fault.ppm != 0) text += fmt::format(" by {} ppm", fault.ppm);
    if (fault.software) text += " to " + (*fault.software)->name;
    return text;
}

FaultSpec read_fault(const Reading& reading, const Place& place) {
    if (!place.value().is_object()) place.fail_expected("an object");
    const FaultShape& shape = shape_of(place);
    check_modifiers(place, shape);
    FaultSpec fault;
    fault.kind = shape.kind;
    fault.pointer = place.pointer();
    const Place target = place.member(std::string(name_of(shape.kind)));
    if (shape.ends == Ends::link) {
        read_link(reading, target, fault);
    } else {
        fault.target = read_target(reading, target);
    }
    if (shape.needs_disk && is_client(fault.target)) target.fail("a client has no disk");
    if (const auto from = place.find("from")) {
        fault.peer = read_target(reading, *from);
        if (fault.peer == fault.target) from->fail("a link needs two different ends");
    }
    if (const auto direction = place.find("direction")) {
        constexpr std::array<std::string_view, 3> kDirections = {"both", "from", "to"};
        fault.direction = static_cast<Direction>(direction->word(kDirections));
    }
    read_amount(place, shape, fault);
    if (shape.kind == FaultKind::upgrade) {
        if (is_client(fault.target)) target.fail("a client keeps the software that it began with");
        fault.software = Shared<Software>{read_software(reading, place.member("to"))};
    }
    if (const auto lasts = place.find("for")) fault.lasts = lasts->positive_duration();
    if (const auto keep = place.find("keep")) {
        const auto percent = parse_percent(keep->text());
        if (!percent) keep->fail_expected(R"("0%" to "100%", "all" or "none")");
        fault.keep_percent = *percent;
    }
    if (const auto torn = place.find("torn")) fault.torn_tail = torn->truth();
    read_time(reading, place, fault);
    fault.text = text_of(shape, reading, fault);
    return fault;
}

}  // namespace

void read_faults(Reading& reading, const Place& place) {
    for (const Place& fault : place.elements()) {
        reading.scenario.faults.push_back(read_fault(reading, fault));
    }
}

Instant read_start(const Reading& reading, const Place& place) {
    const Instant at = place.instant();
    const Duration run_for = reading.scenario.run_for;
    if (at > Instant{0} + run_for) {
        place.fail(fmt::format("found {}, expected a time in the faulty phase, which ends at {}",
                               found_text(place.value()), to_text(run_for)));
    }
    return at;
}

}  // namespace tribunal
