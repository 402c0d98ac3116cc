// The valid word closest to a mistyped one, for "did you mean": names of properties, faults,
// configuration keys, subcommands.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace tribunal {

// Letters to insert, delete, replace or swap with their neighbour to turn one word into the other;
// upper and lower case are the same, and so are '-', '_' and '.'.
std::size_t edit_distance(std::string_view a, std::string_view b);

// The first of the closest words; empty when the closest is too far to be meant (more than a third
// of the longer word, two letters at least).
std::string_view nearest(std::string_view word, std::span<const std::string_view> valid);

}  // namespace tribunal
