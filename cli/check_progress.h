// How far a search is, on one line of a terminal that is written over; nothing when piped.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "model/result.h"

namespace tribunal {

// How many states are still to come, from the sizes of the levels so far: levels of a finite space
// grow by less and less, then shrink. Nothing while they grow too fast to say.
std::optional<std::uint64_t> states_to_come(const std::vector<std::uint64_t>& levels);

class ProgressLine {
  public:
    ProgressLine();
    ProgressLine(const ProgressLine&) = delete;
    ProgressLine& operator=(const ProgressLine&) = delete;
    ~ProgressLine();  // leaves the line empty
    bool is_shown() const { return shown_; }
    void tell(const Progress& progress);

  private:
    bool shown_;
    std::int64_t started_;
    std::int64_t told_ = 0;
    std::uint64_t depth_ = 0;
    std::uint64_t met_before_ = 0;  // distinct states when the level began
    std::vector<std::uint64_t> levels_;
};

}  // namespace tribunal
