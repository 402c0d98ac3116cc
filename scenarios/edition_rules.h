// What changed in which release of Kafka: one row a rule or default, with the improvement proposal
// or the ticket that changed it. A change that a patch release brought stands at its number:
// enable.idempotence at 3.0, though 3.0.0 left it out (KAFKA-13598). Editions are made of these
// rows and of nothing else.
//
// Rules of Rules (broker/protocol/rules.h) that no release ever had the other way round, such as
// the comparison of partition epochs, have no row: only `tribunal.rule.<name>` switches them.
#pragma once

#include <span>
#include <string_view>

namespace tribunal {

struct Settings;

struct RuleChange {
    std::string_view since;     // the first edition that has it
    std::string_view proposal;  // "KIP-101", "KAFKA-7128"
    std::string_view name;      // of the rule, or of the setting whose default changed
    std::string_view before;    // in words
    std::string_view after;
    void (*undo)(Settings&);  // makes settings as they were before
};

// Oldest first.
std::span<const RuleChange> all_rule_changes();

}  // namespace tribunal
