#include "model/result.h"

#include <algorithm>
#include <stdexcept>

namespace tribunal {

std::string_view name_of(PropertyKind kind) {
    switch (kind) {
        case PropertyKind::always:
            return "always";
        case PropertyKind::sometimes:
            return "sometimes";
        case PropertyKind::eventually:
            return "eventually";
    }
    return "";
}

const PropertyResult* SearchResult::find(std::string_view name) const {
    const auto found = std::find_if(properties.begin(), properties.end(),
                                    [&](const PropertyResult& p) { return p.name == name; });
    return found == properties.end() ? nullptr : &*found;
}

bool SearchResult::any_failed() const {
    return std::any_of(properties.begin(), properties.end(),
                       [](const PropertyResult& p) { return p.verdict == Verdict::fail; });
}

void check_options(const SearchOptions& options, bool has_symmetry, bool has_independence) {
    const auto refuse = [](const char* why) { throw std::invalid_argument(why); };
    const bool breadth_first = options.policy == SearchPolicy::breadth_first;
    const bool reduces = options.partial_order != PartialOrder::none;
    if (options.symmetry && !has_symmetry) {
        refuse("this model has no symmetry: nothing in it is interchangeable");
    }
    if (reduces && !has_independence) {
        refuse("this model does not say which of its steps are independent: no reduction");
    }
    if (options.workers == 0 || options.workers > 64) refuse("workers must be 1 to 64");
    if (options.workers > 1 && (!breadth_first || reduces)) {
        refuse("several workers search breadth-first without reduction only");
    }
    if (reduces && !breadth_first)
        refuse("a reduction brings its own order: give no policy with it");
    if (reduces && options.symmetry) refuse("give either a reduction or symmetry, not both");
    if ((!options.checkpoint.empty() || !options.resume.empty()) && (!breadth_first || reduces)) {
        refuse("checkpoints are of breadth-first searches without reduction");
    }
}

}  // namespace tribunal
