// What the registry entries of both versions of the replication specification share.
#pragma once

#include <vector>

#include "model/registry.h"
#include "model/specs/kraft_replication.h"

namespace tribunal::kraft_replication {

// The names of the published configuration; its values unless --set says otherwise.
std::vector<ConstantSpec> constants_of(Version version);
Settings settings_of(const Constants& constants, Version version);
void validate_settings(const Settings& settings);  // throws BadConstants

}  // namespace tribunal::kraft_replication
