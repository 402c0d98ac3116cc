#include "model/specs/dining_philosophers.h"

#include <array>

#include "model/explore.h"
#include "model/specs/specs.h"
#include "model/specs/value_text.h"

namespace tribunal {

namespace {
constexpr std::string_view kActions[] = {"Loop", "Think", "Eat"};

constexpr std::string_view kNobodyStarvesNames[] = {
    "NobodyStarves(1)",  "NobodyStarves(2)",  "NobodyStarves(3)",  "NobodyStarves(4)",
    "NobodyStarves(5)",  "NobodyStarves(6)",  "NobodyStarves(7)",  "NobodyStarves(8)",
    "NobodyStarves(9)",  "NobodyStarves(10)", "NobodyStarves(11)", "NobodyStarves(12)",
    "NobodyStarves(13)", "NobodyStarves(14)", "NobodyStarves(15)", "NobodyStarves(16)",
};
static_assert(std::size(kNobodyStarvesNames) == DiningPhilosophers::kMaxPhilosophers);

// SomebodyEats is no part of the specification. NobodyStarves is []<>(~hungry[p]) for all p, the
// same as hungry[p] ~> ~hungry[p]: a property for each p.
constexpr auto kProperties = [] {
    constexpr int first = DiningPhilosophers::kNobodyStarves;
    std::array<PropertySpec, first + DiningPhilosophers::kMaxPhilosophers> all{};
    all[0] = {"TypeOK", PropertyKind::always};
    all[1] = {"ExclusiveAccess", PropertyKind::always};
    all[2] = {"SomebodyEats", PropertyKind::sometimes};
    for (unsigned p = 0; p < DiningPhilosophers::kMaxPhilosophers; ++p) {
        all[first + p] = {kNobodyStarvesNames[p], PropertyKind::eventually,
                          DiningPhilosophers::kHungry + static_cast<int>(p)};
    }
    return all;
}();
}  // namespace

std::span<const std::string_view> DiningPhilosophers::action_names() const { return kActions; }
std::span<const PropertySpec> DiningPhilosophers::properties() const {
    return std::span(kProperties).first(kNobodyStarves + count_);
}

std::vector<FairnessClass> DiningPhilosophers::fairness() const {
    std::vector<FairnessClass> classes;
    for (unsigned p = 0; p < count_; ++p) {
        classes.push_back({"WF_vars(" + numbered("Philosopher(", p) + "))", FairnessKind::weak});
    }
    return classes;
}

std::string DiningPhilosophers::describe(const State&, Action a) const {
    return std::string(kActions[a.kind]) + "(" + numbered("", a.detail) + ")";
}

StateText DiningPhilosophers::show(const State& s) const {
    const auto fork = [&](std::uint64_t i) {
        const auto f = static_cast<unsigned>(i);
        const unsigned holder = holds_left(s, f) ? f : f == 0 ? count_ - 1 : f - 1;
        return numbered("[holder |-> ", holder) + ", clean |-> " + bool_text(has(s, clean, f)) +
               "]";
    };
    return {{"forks", function_text("", count_, fork)},
            {"pc", function_text("", count_,
                                 [&](std::uint64_t p) {
                                     return std::string(kActions[pc(s, static_cast<unsigned>(p))]);
                                 })},
            {"hungry", function_text("", count_, [&](std::uint64_t p) {
                 return bool_text(has(s, hungry, static_cast<unsigned>(p)));
             })}};
}

// Resources: each philosopher (bits 0..15) and each fork (16..31). The predicates speak of who is
// hungry and who is at Eat.
Footprint DiningPhilosophers::footprint(const State& s, Action a) const {
    const unsigned p = a.detail;
    const std::uint64_t self = std::uint64_t{1} << p;
    const std::uint64_t left = std::uint64_t{1} << (16 + p);
    const std::uint64_t right = std::uint64_t{1} << (16 + next(p));
    if (a.kind == think) return {self, self | Footprint::kPredicates};
    if (a.kind == eat) return {self, self | left | right | Footprint::kPredicates};
    const State t = after(s, loop, p);
    const std::uint64_t forks_changed = (s.word ^ t.word) & (all_ << passed | all_ << clean);
    Footprint f{self | left | right, forks_changed != 0 ? left | right : 0};
    if (!has(t, at_loop, p)) f.writes |= self;
    if (pc(t, p) == eat) f.writes |= Footprint::kPredicates;
    return f;
}

ModelEntry dining_philosophers_model() {
    return {
        .name = "DiningPhilosophers",
        .about = "Chandy and Misra's solution: nobody starves",
        .source = "tlaplus/Examples, specifications/DiningPhilosophers",
        .constants = {{"NP", 5, 2, DiningPhilosophers::kMaxPhilosophers, "philosophers"}},
        .search =
            [](const Constants& c, const SearchOptions& options) {
                return search(DiningPhilosophers(static_cast<unsigned>(c["NP"])), options);
            },
    };
}

template SearchResult search(const DiningPhilosophers&, const SearchOptions&);

}  // namespace tribunal
