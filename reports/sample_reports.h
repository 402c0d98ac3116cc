// Reports for tests: a passing run, one with every verdict, an empty one, and one full of text that
// tries to become markup, script or a terminal command.
#pragma once

#include <string>

#include "reports/report.h"

namespace tribunal::sample {

inline Instant at_ms(std::int64_t ms) { return Instant{ms * 1'000'000}; }

inline Check check(std::string id, std::string name, std::string group, Verdict verdict,
                   std::uint64_t checked, std::string note = "") {
    Check made;
    made.id = std::move(id), made.name = std::move(name), made.group = std::move(group);
    made.verdict = verdict, made.checked = checked, made.note = std::move(note);
    return made;
}

inline Report empty() { return Report{}; }

inline Report passing() {
    Report r;
    r.scenario = "steady-state", r.description = "No fault: everything must hold.";
    r.file = "steady.json", r.edition = "4.1", r.seed = 7;
    r.configuration = {0x7f3e12ab00112233ull, 0x4455667788990011ull};
    r.trace = {0x9c0b51ed00112233ull, 0x4455667788990011ull};
    r.virtual_time = seconds(12), r.events = 48211;
    r.sends = 1204, r.sends_ok = 1204, r.polls = 310, r.reads = 1204, r.leader_elections = 3;
    r.nodes = {{NodeId{1}, "broker 1", "broker"}, {NodeId{2}, "broker 2", "broker"},
               {NodeId{3}, "broker 3", "broker"}, {NodeId{100}, "controller 100", "controller"},
               {NodeId{1001}, "p1", "producer"},  {NodeId{1002}, "c1", "consumer"}};
    r.topics = {{TopicId{0}, "orders"}};
    r.claims = {{"an acknowledged record is not lost (p1, acks=all)",
                 "min.insync.replicas=2, unclean.leader.election.enable=false", true, ""}};
    for (const int n : {1, 2, 3, 9}) {
        r.checks.push_back(check("D" + std::to_string(n), "durable-" + std::to_string(n), "DURABLE",
                                 Verdict::pass, 1204));
    }
    r.checks.push_back(check("O1", "offset-order", "ORDER", Verdict::pass, 2408));
    r.checks.push_back(check("O2", "poll-order", "ORDER", Verdict::pass, 1204));
    r.checks.push_back(
        check("X1", "aborted-read", "EOS", Verdict::vacuous, 0, "no transaction was begun"));
    r.checks.push_back(
        check("X2", "atomic", "EOS", Verdict::vacuous, 0, "no transaction was begun"));
    r.checks.push_back(
        check("X3", "zombie", "EOS", Verdict::vacuous, 0, "no transaction was begun"));
    r.checks.push_back(check("R1", "log-matching", "REPLICATION", Verdict::pass, 88102));
    r.checks.push_back(check("L1", "progress", "LIVE", Verdict::pass, 12, "longest wait 4.1 ms"));
    r.series = {{at_ms(0), 100, 0, 0, 90, microseconds(900), milliseconds(2), milliseconds(4)},
                {at_ms(250), 120, 0, 0, 118, microseconds(850), milliseconds(2), milliseconds(3)}};
    r.rerun = "./tribunal run steady.json --seed 7";
    return r;
}

inline Violation lost_record() {
    Violation v;
    v.property = "D2";
    v.summary =
        "An acknowledged record was lost: p1 sent orders-0 uid 17, got offset 41, and after the "
        "election of epoch 8 offset 41 holds another record.";
    v.at = at_ms(6204), v.partition = {TopicId{0}, 0}, v.has_partition = true;
    v.offset = Offset{41}, v.uid = RecordUid{17};
    v.because = "acks=all with min.insync.replicas=2 promises that one broker may lose its disk";
    v.explanation = {"Broker 2 led epoch 7 and acknowledged offset 41 at 5.911 s.",
                     "Its machine lost power at 6.012 s before the write was synced.",
                     "Broker 3 was elected in epoch 8 with log end 41 and accepted new records."};
    v.witnesses = {{at_ms(5904), "p1 sent orders-0 uid 17"},
                   {at_ms(5911), "broker 2 acknowledged uid 17 at offset 41, epoch 7"},
                   {at_ms(6012), "broker 2 lost power, 3 of 7 unsynced writes kept"},
                   {at_ms(6101), "broker 3 became leader of orders-0, epoch 8, log end 41"},
                   {at_ms(6204), "c1 read uid 23 at offset 41"}};
    v.nodes = {NodeId{2}, NodeId{3}, NodeId{1001}};
    return v;
}

// FAIL, ALLOWED, VACUOUS and INCONCLUSIVE; an expectation met and one that is not.
inline Report failing() {
    Report r = passing();
    r.scenario = "power-loss", r.file = "power-loss.json", r.seed = 12345678901234567890ull;
    r.rerun = "./tribunal run power-loss.json --seed 12345678901234567890";
    r.sends_ok = 1180, r.sends_fail = 9, r.sends_info = 15, r.sends_proven = 3;
    r.leader_elections = 6, r.unclean_elections = 1;
    r.ledger = {
        {at_ms(2000), FaultKind::kill, {NodeId{1}}, {}, "kill leader(orders-0) = broker 1", false},
        {at_ms(3500), FaultKind::restart, {NodeId{1}}, {}, "restart broker 1", false},
        {at_ms(6012),
         FaultKind::power_loss,
         {NodeId{2}},
         {},
         "power_loss leader(orders-0) = broker 2, 3 of 7 unsynced writes kept",
         false},
        {at_ms(8000), FaultKind::isolate, {NodeId{3}}, {}, "isolate broker 3 for 1 s", false},
        {at_ms(9000), FaultKind::isolate, {NodeId{3}}, {}, "isolate broker 3 ends", true}};
    r.claims.push_back(
        {"a transactional write is not interleaved", "", false, "Kafka never promises it"});
    r.checks[1].verdict = Verdict::fail, r.checks[1].found = 3;
    r.checks[1].note = "orders-0@41 acknowledged at 5.911 s, gone after epoch 7->8";
    r.checks[1].violations = {lost_record(), lost_record(), lost_record()};
    r.checks[5].verdict = Verdict::allowed, r.checks[5].found = 611,
    r.checks[5].found_allowed = 611;
    r.checks[5].note = "interleaved transactional writes";
    Violation allowed;
    allowed.property = "O2", allowed.summary = "Writes of two transactions interleave.";
    allowed.at = at_ms(1204), allowed.allowed = true, allowed.because = "Kafka never promised it";
    r.checks[5].violations = {allowed};
    r.checks.back().verdict = Verdict::inconclusive;
    r.checks.back().note = "the run did not converge: orders-1 had no leader at the end";
    r.expectations = {{"D2", "found", "FAIL, 3 found", true}, {"O1", "found", "PASS", false}};
    r.as_expected = false;
    r.without_effect = {"log.cleaner.threads"};
    r.warnings = {"the topic payments is never written"};
    r.settings = {"acks=1 (producer p1)", "log.flush.interval.messages=1 (broker)"};
    r.gaps = {{"orders-0", "no leader", at_ms(6012), at_ms(6101)},
              {"orders-0", "under min ISR", at_ms(6012), at_ms(7400)}};
    TraceSlice slice{"V1", at_ms(5900), at_ms(6210), {}, {}, 5};
    slice.messages = {
        {1, at_ms(5904), at_ms(5906), NodeId{1001}, NodeId{2}, "ProduceRequest", "orders-0 uid 17",
         false},
        {2, at_ms(5907), kNever, NodeId{2}, NodeId{3}, "FetchResponse", "orders-0 from 41", false},
        {3, at_ms(5909), at_ms(5911), NodeId{2}, NodeId{1001}, "ProduceResponse", "offset 41",
         false}};
    slice.marks = {{at_ms(6012), NodeId{2}, "crash", "power loss"},
                   {at_ms(6101), NodeId{3}, "leader", "orders-0 epoch 8"}};
    r.slices = {slice};
    const auto point = [](std::int64_t ms, std::int64_t end, std::int64_t mark, std::int32_t epoch,
                          bool leads) {
        return ReplicaPoint{at_ms(ms),          Offset{0}, Offset{end}, Offset{mark},
                            LeaderEpoch{epoch}, leads,     true,        true};
    };
    r.partitions = {{"orders-0",
                     {{NodeId{2}, {point(0, 0, 0, 7, true), point(5911, 42, 41, 7, true)}},
                      {NodeId{3}, {point(0, 0, 0, 7, false), point(6101, 41, 41, 8, true)}}},
                     {{at_ms(7100), NodeId{2}, Offset{42}, Offset{41}, LeaderEpoch{8}}}}};
    return r;
}

inline const std::string kEvil =
    "</script><script>alert(\"1\")</script><img src=x onerror='alert(2)'> ]]> & \x1b[31m\x01 \xff "
    "{{slot}}";

inline Report evil() {
    Report r = failing();
    r.scenario = r.description = r.file = r.edition = kEvil;
    for (auto& node : r.nodes) node.name += kEvil, node.kind += kEvil;
    for (auto& topic : r.topics) topic.name += kEvil;
    for (auto& entry : r.ledger) entry.text += kEvil;
    for (auto& claim : r.claims)
        claim.promise += kEvil, claim.configuration += kEvil, claim.because += kEvil;
    for (auto& each : r.checks) {
        each.id += kEvil, each.name += kEvil, each.note += kEvil;
        for (auto& violation : each.violations) {
            violation.property += kEvil, violation.summary += kEvil, violation.because += kEvil;
            for (auto& sentence : violation.explanation) sentence += kEvil;
            for (auto& witness : violation.witnesses) witness.text += kEvil;
        }
    }
    for (auto& each : r.expectations)
        each.property += kEvil, each.expected += kEvil, each.actual += kEvil;
    for (auto& text : r.settings) text += kEvil;
    for (auto& text : r.warnings) text += kEvil;
    for (auto& text : r.without_effect) text += kEvil;
    for (auto& gap : r.gaps) gap.partition += kEvil, gap.kind += kEvil;
    for (auto& partition : r.partitions) partition.partition += kEvil;
    for (auto& slice : r.slices) {
        for (auto& message : slice.messages) message.kind += kEvil, message.detail += kEvil;
        for (auto& mark : slice.marks) mark.kind += kEvil, mark.text += kEvil;
    }
    r.rerun += kEvil;
    return r;
}

}  // namespace tribunal::sample
