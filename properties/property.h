// The table of all properties, and judge(): every checker over what a run left behind.
//
// The table's order is the order of every report. Replication properties and D5 are watched by
// monitors while the run goes on; judge() only puts their finished checks into their places.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "properties/facts.h"
#include "properties/history.h"
#include "properties/verdict.h"

namespace tribunal {

struct Property {
    std::string_view id;          // "D2"
    std::string_view name;        // "acked-lost"
    std::string_view group;       // DURABLE, ORDER, EOS, REPLICATION, QUORUM, STORAGE, LIVE
    std::string_view definition;  // of the violation, in one line
    std::string_view source;      // where the definition comes from
    bool is_monitored = false;    // its check comes from a monitor, not from the history
};
std::span<const Property> all_properties();

// By id or name, upper or lower case; null when there is none.
const Property* find_property(std::string_view id_or_name);
// The valid name (or id) closest to a typo; empty when none is close.
std::string_view nearest_property(std::string_view typo);

struct JudgeOptions {
    std::vector<std::string> only;  // ids or names; empty: all
    std::vector<std::string> skip;
};

// One check a property, in the order of the table; monitored checks of unknown ids come last. A
// checker that throws becomes INCONCLUSIVE with the reason and hides no other. Every Violation of a
// FAIL or ALLOWED check has summary, because, explanation and witnesses.
std::vector<Check> judge(const History& history, const std::vector<FinalLog>& logs,
                         const RunFacts& facts, std::vector<Check> monitored = {},
                         const JudgeOptions& options = {});

}  // namespace tribunal
