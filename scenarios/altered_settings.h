// alter_configs of a topic: names and values against the fields of TopicConfig that they set.
#pragma once

#include "scenarios/config_table.h"
#include "scenarios/reading.h"

namespace tribunal {

// {"topic": "orders", "add_config": {...}, "delete_config": ["retention.ms"]}. What is deleted
// becomes what the cluster's settings say.
IncrementalAlterConfigsRequest read_alteration(Reading& reading, const Place& place);

// The same as settings that are added: whatever reads them makes this request again.
std::vector<SettingText> altered_settings(const IncrementalAlterConfigsRequest& request,
                                          const Edition& edition);

}  // namespace tribunal
