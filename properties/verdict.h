// The five verdicts and what a checker says: how often a property was exercised, what it found, and
// whether this configuration promised otherwise.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "broker/protocol/ids.h"

namespace tribunal {

enum class Verdict : std::uint8_t {
    pass,          // exercised, nothing found
    fail,          // found, and the claim held
    allowed,       // found, but this configuration under these faults never promised otherwise
    vacuous,       // never exercised
    inconclusive,  // could not be decided (the run did not converge, a partition had no leader)
};
// PASS, FAIL, ALLOWED, VACUOUS, INCONCLUSIVE
std::string_view name_of(Verdict verdict);

// A client operation or internal state that shows a violation.
struct Witness {
    Instant at;
    std::string text;  // "p1 sent orders-0 uid 17, acknowledged at offset 41"
};

struct Violation {
    std::string property;  // id: "D2"
    std::string summary;   // one sentence
    Instant at;            // when it happened or was seen
    TopicPartition partition;
    bool has_partition = false;
    Offset offset = kNoOffset;
    RecordUid uid = kNoUid;
    bool allowed = false;  // the claim did not hold for this one
    std::string because;   // the rule and configuration that make it illegal, or allow it
    std::vector<std::string> explanation;  // a paragraph, a sentence each
    std::vector<Witness> witnesses;        // at most 8, in time order
    std::vector<NodeId> nodes;             // involved nodes, for the diagrams
};

// The outcome of one property for a run.
struct Check {
    std::string id;     // "D2"
    std::string name;   // "acked-lost"
    std::string group;  // DURABLE, ORDER, EOS, REPLICATION, QUORUM, STORAGE, LIVE
    Verdict verdict = Verdict::vacuous;
    std::uint64_t checked = 0;  // how often it was exercised
    std::uint64_t found = 0;    // violations, allowed ones included
    std::uint64_t found_allowed = 0;
    std::string note;                   // the first finding, or why vacuous or inconclusive
    std::vector<Violation> violations;  // at most kMaxWitnessed; `found` counts all
    static constexpr std::size_t kMaxWitnessed = 10;
};

}  // namespace tribunal
