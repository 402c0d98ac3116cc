// How the reports spell what they share: numbers, times, ids, names and the overall verdict, so
// that the text, JSON, JUnit and HTML of one run never disagree.
//
// Integers only: a rounded double could differ between machines.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "reports/report.h"

namespace tribunal {

// "1,204,331"
std::string with_thousands(std::uint64_t n);
// A point of the run, to the microsecond where that says more: "612.402 s", "1.204613 s".
std::string instant_text(Instant at);
// "250 ns", "4.1 ms", "12 s": three significant digits.
std::string duration_text(Duration span);
// "D1-D3,D9": runs of three or more of one letter become a range. Keeps the order given.
std::string compressed_ids(const std::vector<std::string>& ids);
// "1 event", "1,200 events"
std::string plural(std::uint64_t n, std::string_view noun);

// "orders-0", or "topic#3-0" when the report does not name the topic.
std::string partition_name(const Report& report, TopicPartition partition);
// "broker 1", or "node 1" when the report does not name it.
std::string node_name(const Report& report, NodeId node);

// "kill", "power loss", "isolate", ...
std::string fault_name(FaultKind kind);
// How often each kind of fault struck, ends of lasting faults left out; in the order of FaultKind.
std::vector<std::pair<FaultKind, std::uint64_t>> fault_counts(const Report& report);
// "kill x4, power loss x1"; "none" for a run without.
std::string faults_text(const Report& report);

// Ids with this verdict, in the order of the property table.
std::vector<std::string> ids_with(const Report& report, Verdict verdict);
// Groups in the order of their first check.
std::vector<std::string> groups_of(const Report& report);
// The tags of a check's violations.
std::vector<std::string> tags_of(const std::vector<NumberedViolation>& all, const Check& check);

// What the whole run comes to: "PASS", "FAIL", "AS EXPECTED", "NOT AS EXPECTED", "INCONCLUSIVE".
// A broken promise outweighs what could not be decided.
std::string_view outcome_of(const Report& report);
// "broken D2,R4; first cause [V1]; allowed O4; vacuous X1-X9", or "every property held".
std::string outcome_reasons(const Report& report);

// Whether the scenario expected this finding, and it came: no news for a CI system.
bool is_expected_finding(const Report& report, const Check& check);

// The same for all findings with one cause, whatever the seed: over the property, the partition,
// whether it is allowed, and the sentences with their numbers left out.
Digest128 fingerprint_of(const Report& report, const Violation& violation);

}  // namespace tribunal
