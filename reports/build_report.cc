#include "reports/build_report.h"

#include <algorithm>

#include "broker/base/check.h"
#include "properties/claims.h"
#include "reports/trace_recorder.h"
#include "scenarios/editions.h"
#include "scenarios/targets.h"

namespace tribunal {
namespace {

constexpr std::size_t kMaxSlices = 8;
constexpr std::size_t kBuckets = 120;

std::string base_name(const std::string& path) { return path.substr(path.find_last_of('/') + 1); }

void count_operations(const History& history, Report& report) {
    std::vector<std::vector<bool>> seen(history.sends.size());
    for (std::size_t c = 0; c < history.sends.size(); ++c) seen[c].resize(history.sends[c].size());
    for (const ReadRecord& read : history.reads) {
        if (read.sequence == ReadRecord::kUnknownSequence || read.client >= seen.size()) continue;
        if (read.sequence < seen[read.client].size()) seen[read.client][read.sequence] = true;
    }
    for (std::size_t c = 0; c < history.sends.size(); ++c) {
        for (std::size_t n = 0; n < history.sends[c].size(); ++n) {
            ++report.sends;
            switch (history.sends[c][n].outcome) {
                case Outcome::ok:
                    ++report.sends_ok;
                    break;
                case Outcome::fail:
                    ++report.sends_fail;
                    break;
                case Outcome::pending:
                case Outcome::info:
                    ++report.sends_info;
                    if (seen[c][n]) ++report.sends_proven;
            }
        }
    }
    report.polls = history.polls.size();
    report.reads = history.reads.size();
}

void add_nodes(const Scenario& scenario, Report& report) {
    for (std::int32_t i = 1; i <= scenario.cluster.brokers; ++i) {
        const NodeId id = broker_id(i);
        report.nodes.push_back(
            {id, scenario.cluster.node_name(id),
             scenario.cluster.is_controller(id) ? "broker,controller" : "broker"});
    }
    for (std::int32_t i = 0; i < scenario.cluster.controllers && !scenario.cluster.combined; ++i) {
        const NodeId id = scenario.cluster.controller(i);
        report.nodes.push_back({id, scenario.cluster.node_name(id), "controller"});
    }
    report.nodes.push_back({setup_id(), "setup", "admin"});
    for (std::size_t i = 0; i < scenario.clients.size(); ++i) {
        const char* kinds[] = {"producer", "consumer", "admin"};
        report.nodes.push_back(
            {client_id(i), name_of(scenario.clients[i]), kinds[scenario.clients[i].index()]});
    }
}

std::string acks_text(std::int16_t acks) { return acks == -1 ? "all" : std::to_string(acks); }

// One line a producer: what its acknowledgements promise under this configuration and these faults.
void add_claims(const Scenario& scenario, const Played& played, Report& report) {
    for (std::size_t i = 0; i < scenario.clients.size(); ++i) {
        const auto* producer = std::get_if<ProducerSpec>(&scenario.clients[i]);
        if (producer == nullptr) continue;
        for (const PartitionFacts& facts : played.facts.partitions) {
            const auto topic = static_cast<std::size_t>(facts.partition.topic.value);
            if (topic >= played.facts.topic_names.size() ||
                played.facts.topic_names[topic] != producer->topic) {
                continue;
            }
            SendOp send;
            send.acks = static_cast<std::int8_t>(producer->config.acks);
            send.outcome = Outcome::ok;
            const Claim claim = durable_claim(send, facts);
            ClaimLine line;
            line.promise = "a record that " + producer->name + " was acknowledged on " +
                           facts.name + " stays (acks=" + acks_text(producer->config.acks) + ")";
            line.configuration =
                "replication.factor=" + std::to_string(facts.replication_factor) +
                ", min.insync.replicas=" + std::to_string(facts.min_insync_replicas) +
                ", unclean.leader.election.enable=" +
                (facts.unclean_leader_election_enabled ? "true" : "false");
            line.holds = claim.holds;
            line.because = claim.because();
            report.claims.push_back(std::move(line));
        }
    }
}

void add_settings(const Scenario& scenario, Report& report) {
    const auto add = [&](bool differs, std::string text) {
        if (differs) report.settings.push_back(std::move(text));
    };
    for (const TopicSpec& topic : scenario.topics) {
        const std::string of = " (topic " + topic.name + ")";
        add(true, "partitions=" + std::to_string(topic.partitions) +
                      ", replication.factor=" + std::to_string(topic.replication_factor) + of);
        add(topic.config.min_insync_replicas != 1,
            "min.insync.replicas=" + std::to_string(topic.config.min_insync_replicas) + of);
        add(topic.config.unclean_leader_election_enable,
            "unclean.leader.election.enable=true" + of);
        add(topic.config.flush_messages != INT64_MAX,
            "flush.messages=" + std::to_string(topic.config.flush_messages) + of);
    }
    for (const ClientSpec& client : scenario.clients) {
        const auto* p = std::get_if<ProducerSpec>(&client);
        if (p == nullptr) continue;
        add(true, "acks=" + acks_text(p->config.acks) +
                      ", linger.ms=" + std::to_string(p->config.linger.value / 1'000'000) +
                      ", max.in.flight.requests.per.connection=" +
                      std::to_string(p->config.max_in_flight) + " (producer " + p->name + ")");
    }
    const BrokerConfig& broker = scenario.cluster.config;
    add(true, "replica.lag.time.max.ms=" +
                  std::to_string(broker.replica_lag_time_max.value / 1'000'000) + " (brokers)");
}

Duration quantile(const std::vector<Duration>& sorted, std::size_t percent) {
    return sorted[std::min(sorted.size() - 1, sorted.size() * percent / 100)];
}

void add_series(const History& history, Report& report) {
    const std::int64_t total = std::max<std::int64_t>(report.virtual_time.value, 1);
    std::int64_t width = milliseconds(10).value;
    for (const std::int64_t step :
         {20, 50, 100, 200, 500, 1000, 2000, 5000, 10'000, 60'000, 600'000}) {
        if (total / width <= static_cast<std::int64_t>(kBuckets)) break;
        width = milliseconds(step).value;
    }
    const auto buckets = static_cast<std::size_t>(total / width + 1);
    report.series.resize(buckets);
    std::vector<std::vector<Duration>> latencies(buckets);
    const auto bucket_of = [&](Instant at) {
        return std::min(buckets - 1, static_cast<std::size_t>(at.value / width));
    };
    for (std::size_t i = 0; i < buckets; ++i) {
        report.series[i].at = Instant{static_cast<std::int64_t>(i) * width};
    }
    for (const auto& sends : history.sends) {
        for (const SendOp& send : sends) {
            if (send.completed == kNever) continue;
            SeriesPoint& point = report.series[bucket_of(send.completed)];
            if (send.outcome == Outcome::ok) {
                ++point.sent_ok;
                latencies[bucket_of(send.completed)].push_back(send.completed - send.invoked);
            } else if (send.outcome == Outcome::fail) {
                ++point.sent_fail;
            } else {
                ++point.sent_info;
            }
        }
    }
    for (const PollOp& poll : history.polls)
        report.series[bucket_of(poll.completed)].read += poll.records;
    for (std::size_t i = 0; i < buckets; ++i) {
        auto& l = latencies[i];
        if (l.empty()) continue;
        std::sort(l.begin(), l.end());
        report.series[i].latency_p50 = quantile(l, 50);
        report.series[i].latency_p99 = quantile(l, 99);
        report.series[i].latency_max = l.back();
    }
}

std::vector<TraceRecorder::Window> windows_of(const Report& report) {
    std::vector<TraceRecorder::Window> windows;
    for (const NumberedViolation& v : numbered_violations(report)) {
        if (windows.size() == kMaxSlices) break;
        windows.push_back(
            {v.tag, Instant{std::max<std::int64_t>(0, (v.violation->at - milliseconds(250)).value)},
             v.violation->at + milliseconds(50)});
    }
    return windows;
}

void add_trace(const Scenario& scenario, const Played& played, Report& report) {
    TraceRecorder recorder{windows_of(report)};
    World world = build_world(scenario);
    world.marks = true;
    SeededChooser chooser{played.seed};
    RunPlan plan;
    plan.faulty = scenario.run_for;
    plan.heal_bound = scenario.heal_for;
    run(world, chooser, &recorder, plan);
    // The same seed is the same run, or nothing here can be believed.
    CHECK(world.trace_hash() == played.trace);
    recorder.finish(world);
    report.slices = recorder.slices();
    report.partitions = recorder.timelines();
    report.gaps = recorder.gaps();
}

std::string expected_text(Expected expected) {
    constexpr const char* words[] = {"found", "absent", "pass", "fail", "allowed", "vacuous"};
    return words[static_cast<std::size_t>(expected)];
}

void judge_expectations(const Scenario& scenario, Report& report) {
    for (const Expectation& expectation : scenario.expect) {
        for (const Check& check : report.checks) {
            if (check.id != expectation.property) continue;
            ExpectationResult result;
            result.property = check.id;
            result.expected = expected_text(expectation.expected);
            result.actual = std::string{name_of(check.verdict)} + ", " +
                            std::to_string(check.found) + " found in " +
                            std::to_string(check.checked);
            result.met = is_met(expectation, check);
            report.as_expected = report.as_expected && result.met;
            report.expectations.push_back(std::move(result));
        }
    }
    // A broken promise that nobody foresaw is never as expected.
    for (const Check& check : report.checks) {
        if (check.verdict == Verdict::inconclusive) report.inconclusive = true;
        if (check.verdict != Verdict::fail) continue;
        const bool foreseen =
            std::any_of(scenario.expect.begin(), scenario.expect.end(), [&](const Expectation& e) {
                return e.property == check.id &&
                       (e.expected == Expected::found || e.expected == Expected::fail);
            });
        report.as_expected = report.as_expected && foreseen;
    }
}

}  // namespace

Report build_report(const Scenario& scenario, const Played& played, Detail detail) {
    Report report;
    report.scenario = scenario.name;
    report.description = scenario.description;
    report.file = base_name(scenario.file);
    report.edition = scenario.edition;
    report.seed = played.seed;
    report.configuration = digest_of(to_json_text(scenario));
    report.trace = played.trace;
    report.virtual_time = played.end - Instant{0};
    report.events = played.events;
    count_operations(played.history, report);
    report.leader_elections = played.facts.leader_elections;
    for (const PartitionFacts& p : played.facts.partitions) {
        report.unclean_elections += p.unclean_elections.size();
    }
    add_nodes(scenario, report);
    for (std::size_t i = 0; i < played.facts.topic_names.size(); ++i) {
        report.topics.push_back(
            {TopicId{static_cast<std::int32_t>(i)}, played.facts.topic_names[i]});
    }
    report.ledger = played.ledger;
    report.checks = played.checks;
    add_claims(scenario, played, report);
    add_settings(scenario, report);
    report.without_effect = scenario.without_effect;
    report.warnings = scenario.warnings;
    for (const std::string& error : played.application_errors) report.warnings.push_back(error);
    if (!played.outcome.converged) {
        report.warnings.push_back("the cluster did not converge: " + played.outcome.unconverged);
        report.inconclusive = true;
    }
    judge_expectations(scenario, report);
    report.rerun = "./tribunal run " + scenario.file + " --seed " + std::to_string(played.seed);
    if (detail == Detail::full) {
        add_series(played.history, report);
        add_trace(scenario, played, report);
    }
    return report;
}

}  // namespace tribunal
