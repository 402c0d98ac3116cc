// Verdicts by name, and how a tally becomes one.
#include "properties/verdict.h"

#include <algorithm>

#include "broker/base/check.h"
#include "properties/property.h"
#include "properties/tally.h"

namespace tribunal {

std::string_view name_of(Verdict verdict) {
    switch (verdict) {
        case Verdict::pass:
            return "PASS";
        case Verdict::fail:
            return "FAIL";
        case Verdict::allowed:
            return "ALLOWED";
        case Verdict::vacuous:
            return "VACUOUS";
        case Verdict::inconclusive:
            return "INCONCLUSIVE";
    }
    return "INCONCLUSIVE";
}

Tally::Tally(std::string_view id) {
    const Property* property = find_property(id);
    CHECK(property != nullptr);
    check_.id = property->id;
    check_.name = property->name;
    check_.group = property->group;
}

void Tally::leave_undecided(std::string reason) {
    if (undecided_.empty()) undecided_ = std::move(reason);
}

void Tally::keep(bool is_allowed, Violation violation) {
    constexpr std::size_t kMaxWitnesses = 8;
    violation.property = check_.id;
    violation.allowed = is_allowed;
    // The first witnesses are the ones that prove it: cut before ordering by time.
    if (violation.witnesses.size() > kMaxWitnesses) violation.witnesses.resize(kMaxWitnesses);
    // Few, and equal instants keep their order: insertion.
    const auto begin = violation.witnesses.begin();
    for (auto next = begin; next != violation.witnesses.end(); ++next) {
        const auto place = std::upper_bound(
            begin, next, *next, [](const Witness& a, const Witness& b) { return a.at < b.at; });
        std::rotate(place, next, next + 1);
    }
    std::sort(violation.nodes.begin(), violation.nodes.end());
    violation.nodes.erase(std::unique(violation.nodes.begin(), violation.nodes.end()),
                          violation.nodes.end());
    (is_allowed ? allowed_ : illegal_).push_back(std::move(violation));
}

Check Tally::finish(std::string_view why_vacuous) && {
    for (auto* kept : {&illegal_, &allowed_}) {
        for (Violation& violation : *kept) {
            if (check_.violations.size() == Check::kMaxWitnessed) break;
            check_.violations.push_back(std::move(violation));
        }
    }
    if (check_.found > check_.found_allowed) {
        check_.verdict = Verdict::fail;
    } else if (!undecided_.empty()) {
        check_.verdict = Verdict::inconclusive;
    } else if (check_.found > 0) {
        check_.verdict = Verdict::allowed;
    } else {
        check_.verdict = check_.checked > 0 ? Verdict::pass : Verdict::vacuous;
    }
    switch (check_.verdict) {
        case Verdict::fail:
        case Verdict::allowed:
            check_.note = check_.violations.front().summary;
            break;
        case Verdict::inconclusive:
            check_.note = undecided_;
            break;
        case Verdict::vacuous:
            check_.note = why_vacuous;
            break;
        case Verdict::pass:
            break;
    }
    return std::move(check_);
}

}  // namespace tribunal
