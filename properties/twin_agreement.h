// What the replication monitor found, to be compared with its naive twin.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "properties/scripted_cluster.h"

namespace tribunal {

inline std::map<std::string, NaiveReplication::Count> counts_of(const ReplicationMonitor& monitor) {
    std::map<std::string, NaiveReplication::Count> counts;
    for (const Check& check : monitor.finish(nullptr)) {
        if (check.found > 0) counts[check.id] = {check.found, check.found_allowed};
    }
    return counts;
}

inline std::string text_of(const std::map<std::string, NaiveReplication::Count>& counts) {
    std::string out;
    for (const auto& [id, c] : counts) {
        out += id + "=" + std::to_string(c.found) + "/" + std::to_string(c.found_allowed) + " ";
    }
    return out;
}

inline void expect_twin_agrees(const ScriptedCluster& c) {
    EXPECT_EQ(text_of(counts_of(c.monitor)), text_of(c.naive.evaluate()));
}

}  // namespace tribunal
