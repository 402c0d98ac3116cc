// result.json: the run as one object for programs; reports/result.schema.json describes every
// field.
//
// Times are virtual nanoseconds. A change that breaks a reader raises schemaVersion.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "reports/escape.h"
#include "reports/report.h"
#include "reports/wording.h"

namespace tribunal {
namespace {

using Json = nlohmann::ordered_json;

std::string clean(std::string_view text) { return valid_utf8(text); }

Json clean_list(const std::vector<std::string>& texts) {
    Json list = Json::array();
    for (const auto& text : texts) list.push_back(clean(text));
    return list;
}

Json ids_of(const std::vector<NodeId>& nodes) {
    Json list = Json::array();
    for (const NodeId node : nodes) list.push_back(node.value);
    return list;
}

Json run_json(const Report& report) {
    Json nodes = Json::array();
    for (const NodeInfo& node : report.nodes) {
        nodes.push_back(
            {{"id", node.node.value}, {"name", clean(node.name)}, {"kind", clean(node.kind)}});
    }
    return {{"scenario", clean(report.scenario)},
            {"description", clean(report.description)},
            {"file", clean(report.file)},
            {"edition", clean(report.edition)},
            {"seed", report.seed},
            {"configurationHash", to_string(report.configuration)},
            {"traceHash", to_string(report.trace)},
            {"virtualNs", report.virtual_time.value},
            {"rerun", clean(report.rerun)},
            {"nodes", nodes},
            {"settings", clean_list(report.settings)},
            {"withoutEffect", clean_list(report.without_effect)},
            {"warnings", clean_list(report.warnings)}};
}

Json checks_json(const Report& report, const std::vector<NumberedViolation>& violations) {
    Json list = Json::array();
    for (const Check& check : report.checks) {
        list.push_back({{"id", clean(check.id)},
                        {"name", clean(check.name)},
                        {"group", clean(check.group)},
                        {"verdict", name_of(check.verdict)},
                        {"checked", check.checked},
                        {"found", check.found},
                        {"foundAllowed", check.found_allowed},
                        {"note", clean(check.note)},
                        {"violations", tags_of(violations, check)}});
    }
    return list;
}

Json violation_json(const Report& report, const NumberedViolation& numbered) {
    const Violation& violation = *numbered.violation;
    Json witnesses = Json::array();
    for (const Witness& witness : violation.witnesses) {
        witnesses.push_back({{"atNs", witness.at.value}, {"text", clean(witness.text)}});
    }
    Json location = Json::object();
    if (violation.has_partition) {
        location["partition"] = clean(partition_name(report, violation.partition));
    }
    if (violation.offset != kNoOffset) location["offset"] = violation.offset.value;
    if (violation.uid != kNoUid) location["uid"] = violation.uid.value;
    return {{"id", numbered.tag},
            {"property", clean(violation.property)},
            {"fingerprint", to_string(fingerprint_of(report, violation))},
            {"allowed", violation.allowed},
            {"atNs", violation.at.value},
            {"summary", clean(violation.summary)},
            {"because", clean(violation.because)},
            {"explanation", clean_list(violation.explanation)},
            {"location", location},
            {"nodes", ids_of(violation.nodes)},
            {"witnesses", witnesses},
            {"rerun", clean(report.rerun)}};
}

Json metrics_json(const Report& report) {
    Json unavailable = Json::array();
    std::vector<std::string> kinds;
    for (const AvailabilityGap& gap : report.gaps) {
        if (std::find(kinds.begin(), kinds.end(), gap.kind) == kinds.end())
            kinds.push_back(gap.kind);
    }
    for (const std::string& kind : kinds) {
        std::uint64_t count = 0;
        std::int64_t longest = 0;
        for (const AvailabilityGap& gap : report.gaps) {
            if (gap.kind != kind) continue;
            ++count;
            longest = std::max(longest, (gap.until - gap.from).value);
        }
        unavailable.push_back({{"kind", clean(kind)}, {"count", count}, {"longestNs", longest}});
    }
    Duration latency_max{-1};
    for (const SeriesPoint& point : report.series)
        latency_max = std::max(latency_max, point.latency_max);
    return {{"events", report.events},
            {"sends", report.sends},
            {"sendsOk", report.sends_ok},
            {"sendsFail", report.sends_fail},
            {"sendsInfo", report.sends_info},
            {"sendsProven", report.sends_proven},
            {"polls", report.polls},
            {"reads", report.reads},
            {"leaderElections", report.leader_elections},
            {"uncleanElections", report.unclean_elections},
            {"sendLatencyMaxNs", latency_max.value < 0 ? Json() : Json(latency_max.value)},
            {"unavailability", unavailable}};
}

// What the run exercised, so that a PASS can be weighed.
Json coverage_json(const Report& report) {
    Json verdicts = Json::object();
    for (const Verdict verdict : {Verdict::pass, Verdict::fail, Verdict::allowed, Verdict::vacuous,
                                  Verdict::inconclusive}) {
        verdicts[std::string(name_of(verdict))] = ids_with(report, verdict).size();
    }
    Json faults = Json::object();
    for (const auto& [kind, count] : fault_counts(report))
        faults[std::string(name_of(kind))] = count;
    return {{"verdicts", verdicts},
            {"vacuous", clean_list(ids_with(report, Verdict::vacuous))},
            {"faults", faults}};
}

Json claims_json(const Report& report) {
    Json list = Json::array();
    for (const ClaimLine& claim : report.claims) {
        list.push_back({{"promise", clean(claim.promise)},
                        {"configuration", clean(claim.configuration)},
                        {"holds", claim.holds},
                        {"because", clean(claim.because)}});
    }
    return list;
}

Json ledger_json(const Report& report) {
    Json list = Json::array();
    for (const LedgerEntry& entry : report.ledger) {
        list.push_back({{"atNs", entry.at.value},
                        {"kind", name_of(entry.kind)},
                        {"nodes", ids_of(entry.nodes)},
                        {"peers", ids_of(entry.peers)},
                        {"ended", entry.ended},
                        {"text", clean(entry.text)}});
    }
    return list;
}

Json expectations_json(const Report& report) {
    Json list = Json::array();
    for (const ExpectationResult& each : report.expectations) {
        list.push_back({{"property", clean(each.property)},
                        {"expected", clean(each.expected)},
                        {"actual", clean(each.actual)},
                        {"met", each.met}});
    }
    return list;
}

}  // namespace

std::string to_json(const Report& report) {
    const auto numbered = numbered_violations(report);
    Json violations = Json::array();
    for (const auto& each : numbered) violations.push_back(violation_json(report, each));
    Json result;
    result["schemaVersion"] = 1;
    result["outcome"] = outcome_of(report);
    result["asExpected"] = report.as_expected;
    result["inconclusive"] = report.inconclusive;
    result["run"] = run_json(report);
    result["claims"] = claims_json(report);
    result["checks"] = checks_json(report, numbered);
    result["violations"] = std::move(violations);
    result["expectations"] = expectations_json(report);
    result["metrics"] = metrics_json(report);
    result["coverage"] = coverage_json(report);
    result["ledger"] = ledger_json(report);
    return result.dump(2) + "\n";
}

}  // namespace tribunal
