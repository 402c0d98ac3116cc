// What a search noticed of each property, and how that becomes verdicts and paths.
#pragma once

#include <bit>
#include <cstdint>
#include <vector>

#include "model/model.h"
#include "model/path.h"
#include "model/result.h"

namespace tribunal {

// Of one property: the first state that tells (breaks an `always`, satisfies a `sometimes`).
struct Found {
    std::uint64_t states = 0;
    std::uint64_t level = 0;  // of the first; 0: none
    std::uint32_t first = 0;  // its number in the search
};

class Findings {
  public:
    template <Model M>
    explicit Findings(const M& model) : found(std::size(model.properties())) {
        const auto specs = std::span<const PropertySpec>(model.properties());
        for (std::size_t p = 0; p < specs.size(); ++p) {
            if (specs[p].kind == PropertyKind::always) always_ |= std::uint64_t{1} << p;
            if (specs[p].kind == PropertyKind::sometimes) sometimes_ |= std::uint64_t{1} << p;
        }
    }
    // A new state, met at `level`, for which predicates() are `holds`.
    void observe(std::uint64_t holds, std::uint64_t level, std::uint32_t number) {
        std::uint64_t telling = (~holds & always_) | (holds & sometimes_);
        if (telling == 0) [[likely]]
            return;
        for (; telling != 0; telling &= telling - 1) {
            Found& f = found[static_cast<std::size_t>(std::countr_zero(telling))];
            ++f.states;
            if (f.level != 0) continue;
            f.level = level;
            f.first = number;
        }
    }
    bool any_violation() const {
        for (std::size_t p = 0; p < found.size(); ++p) {
            if (((always_ >> p) & 1) != 0 && found[p].level != 0) return true;
        }
        return false;
    }
    std::vector<Found> found;  // by property

  private:
    std::uint64_t always_ = 0;
    std::uint64_t sometimes_ = 0;
};

// Verdicts of `always` and `sometimes`; an `eventually` is left for whoever decides liveness.
// ordinals_to(number) leads from an initial state to the state of that number.
template <Model M, class OrdinalsTo>
void judge(const M& model, const SearchOptions& options, const std::vector<Found>& found,
           OrdinalsTo&& ordinals_to, SearchResult& result) {
    const auto specs = std::span<const PropertySpec>(model.properties());
    for (std::size_t p = 0; p < specs.size(); ++p) {
        PropertyResult& r = result.properties.emplace_back();
        r.name = specs[p].name;
        r.kind = specs[p].kind;
        if (r.kind == PropertyKind::eventually) {
            r.note = "liveness was not decided";
            continue;
        }
        const bool always = r.kind == PropertyKind::always;
        r.violating_states = found[p].states;
        if (found[p].level != 0) {
            r.verdict = always ? Verdict::fail : Verdict::pass;
            fill_path(model, options.symmetry, ordinals_to(found[p].first), r);
        } else if (result.complete) {
            r.verdict = always ? Verdict::pass : Verdict::fail;
        } else {
            r.note = "not every state was looked at (" + result.stopped_by + ")";
        }
    }
}

}  // namespace tribunal
