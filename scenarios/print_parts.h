// What the printers of a scenario's parts share. Only they include this.
#pragma once

#include "scenarios/config_table.h"
#include "scenarios/json_place.h"
#include "scenarios/scenario.h"

namespace tribunal {

Json json_of(const SettingText& setting);
Json json_of(const std::vector<NodeId>& nodes);
// The value of a step's key, of any operation but create_topic.
Json change_of(const AdminStep& step, const Edition& edition);

}  // namespace tribunal
