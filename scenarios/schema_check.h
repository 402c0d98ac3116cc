// The JSON Schema as a check of a whole document. The readers say more clearly what is wrong; this
// is what they are held against.
#pragma once

#include <string>

#include "scenarios/json_place.h"

namespace tribunal {

// One line with the JSON pointer of the deepest fault, or nothing when the document is valid.
std::string schema_error(const Json& document);

}  // namespace tribunal
