// The properties written down from their definitions, with nothing but loops in loops: what the
// real checkers are compared with. Test support; slow on purpose. Both ask the same claims.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "properties/history_builder.h"

namespace tribunal {

struct NaiveCount {
    std::uint64_t found = 0;
    std::uint64_t allowed = 0;
    bool is_undecided = false;
    bool operator==(const NaiveCount&) const = default;
};

// By id; every property that judge() decides itself.
std::map<std::string, NaiveCount> judge_naively(const RunLeftover& run);

}  // namespace tribunal
