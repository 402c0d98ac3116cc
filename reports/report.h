// Everything a report shows, as one value: the writers (text, JSON, JUnit, HTML) only format it.
//
// A report is a function of scenario and seed: no wall-clock time, no path, no host. Times are
// virtual nanoseconds.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "broker/base/digest.h"
#include "properties/verdict.h"
#include "sim/faults.h"

namespace tribunal {

struct ExpectationResult {
    std::string property;  // id
    std::string expected;  // "found", "absent", "pass", ...
    std::string actual;    // "FAIL, 3 found"
    bool met = true;
};

struct NodeInfo {
    NodeId node;
    std::string name;  // "broker 1", "controller 100", "p1"
    std::string kind;  // broker, controller, producer, consumer, admin
};

struct TopicName {
    TopicId topic;
    std::string name;
};

// Counts per bucket of virtual time, for the overview strip.
struct SeriesPoint {
    Instant at;  // start of the bucket
    std::uint64_t sent_ok = 0;
    std::uint64_t sent_fail = 0;
    std::uint64_t sent_info = 0;
    std::uint64_t read = 0;
    // Latency of acknowledged sends completed in the bucket; -1 when there was none.
    Duration latency_p50{-1};
    Duration latency_p99{-1};
    Duration latency_max{-1};
};

// A span in which a partition had no leader, or fewer in-sync replicas than min.insync.replicas.
struct AvailabilityGap {
    std::string partition;  // "orders-0"
    std::string kind;       // "no leader", "under min ISR"
    Instant from;
    Instant until;
};

// One message, or one local happening when `from` == `to` and `text` says what.
struct TraceMessage {
    std::uint64_t id = 0;  // index of the delivery event in the run
    Instant sent;
    Instant received;  // kNever: lost with its connection or still in flight
    NodeId from;
    NodeId to;
    std::string kind;    // "ProduceRequest"
    std::string detail;  // one line: offsets, epochs, error
    bool is_error = false;
};
struct TraceMark {
    Instant at;
    NodeId node;
    std::string
        kind;  // crash, restart, leader, follower, truncate, isr, high_watermark, timer, fault
    std::string text;
};
// The messages and marks around one violation.
struct TraceSlice {
    std::string violation;  // "V1"
    Instant from;
    Instant until;
    std::vector<TraceMessage> messages;  // by time sent
    std::vector<TraceMark> marks;        // by time
    std::uint64_t left_out = 0;          // messages in the span that did not fit
};

// A replica's state whenever it changed, thinned to what a chart can show.
struct ReplicaPoint {
    Instant at;
    Offset log_start;
    Offset log_end;
    Offset high_watermark;
    LeaderEpoch leader_epoch;
    bool is_leader = false;
    bool in_isr = false;
    bool up = true;
};
struct ReplicaTimeline {
    NodeId node;
    std::vector<ReplicaPoint> points;  // by time
};
struct TruncationMark {
    Instant at;
    NodeId node;
    Offset from;  // log end before
    Offset to;    // log end after
    LeaderEpoch leader_epoch;
};
struct PartitionTimeline {
    std::string partition;  // "orders-0"
    std::vector<ReplicaTimeline> replicas;
    std::vector<TruncationMark> truncations;
};

struct ClaimLine {
    std::string promise;        // "an acknowledged record is not lost (p1, acks=all)"
    std::string configuration;  // "min.insync.replicas=2, unclean.leader.election.enable=false"
    bool holds = true;
    std::string because;
};

struct Report {
    std::string scenario;  // name
    std::string description;
    std::string file;     // base name only
    std::string edition;  // "4.1"
    std::uint64_t seed = 0;
    Digest128 configuration;  // of everything the run depends on
    Digest128 trace;          // the trace hash
    Duration virtual_time;
    std::uint64_t events = 0;
    std::uint64_t sends = 0, sends_ok = 0, sends_fail = 0, sends_info = 0;
    std::uint64_t sends_proven = 0;  // info, but observed by a read: certain
    std::uint64_t polls = 0, reads = 0;
    std::uint64_t leader_elections = 0, unclean_elections = 0;
    std::vector<NodeInfo> nodes;
    std::vector<TopicName> topics;
    std::vector<LedgerEntry> ledger;
    std::vector<ClaimLine> claims;
    std::vector<Check> checks;  // in the order of the property table
    std::vector<ExpectationResult> expectations;
    bool as_expected = true;  // every expectation met; without any: no FAIL
    bool inconclusive = false;
    std::vector<std::string> without_effect;  // settings read but not simulated
    std::vector<std::string> warnings;
    std::vector<SeriesPoint> series;
    std::vector<AvailabilityGap> gaps;
    std::vector<PartitionTimeline> partitions;
    std::vector<TraceSlice> slices;
    std::string rerun;  // "./tribunal run tour.json --seed 7"
    // Settings that differ from Kafka's defaults, "acks=1 (producer p1)".
    std::vector<std::string> settings;
};

// A violation with the tag that rows, cards and trace slices refer to it by.
struct NumberedViolation {
    std::string tag;  // "V1"
    const Check* check = nullptr;
    const Violation* violation = nullptr;
};
// V1 is the first cause: broken promises come before allowed findings, and each lot keeps the order
// of the property table. The pointers live as long as `report` is unchanged.
std::vector<NumberedViolation> numbered_violations(const Report& report);

// The one-screen verdict; `colour` for a terminal.
std::string to_text(const Report& report, bool colour, const std::string& report_path);
// One object, as reports/result.schema.json describes it.
std::string to_json(const Report& report);
// A <testsuite>; several reports make one <testsuites> document.
std::string to_junit(const std::vector<Report>& reports);
// One self-contained page.
std::string to_html(const Report& report);

// Writes report.html, result.json and junit.xml into `folder` (made when missing), each whole or
// not at all (temporary file, then rename). Throws std::runtime_error naming the file.
void write_report(const Report& report, const std::string& folder);

}  // namespace tribunal
