// Counts what one checker exercised and found, keeps the first findings with their words, and gives
// the verdict:
//
//     FAIL          something found whose claim holds
//     INCONCLUSIVE  else, when something could not be decided
//     ALLOWED       else, when something was found
//     PASS          else, when it was exercised
//     VACUOUS       else
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "properties/verdict.h"

namespace tribunal {

class Tally {
  public:
    explicit Tally(std::string_view id);  // of the table of properties

    void exercise(std::uint64_t times = 1) { check_.checked += times; }
    // `describe` makes the Violation and is called only while there is room for another: words are
    // slow. Findings that count come before allowed ones.
    template <class Describe>
    void violate(bool is_allowed, Describe&& describe) {
        ++check_.found;
        if (is_allowed) ++check_.found_allowed;
        auto& kept = is_allowed ? allowed_ : illegal_;
        if (kept.size() < Check::kMaxWitnessed) keep(is_allowed, describe());
    }
    // Something that the claim covers could not be judged; the first reason is printed.
    void leave_undecided(std::string reason);
    bool is_undecided() const { return !undecided_.empty(); }

    Check finish(std::string_view why_vacuous) &&;

  private:
    void keep(bool is_allowed, Violation violation);

    Check check_;
    std::vector<Violation> illegal_;
    std::vector<Violation> allowed_;
    std::string undecided_;
};

}  // namespace tribunal
