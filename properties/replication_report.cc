// How the replication monitor's findings become verdicts and sentences, and its two views on lost
// records that need the clients' history: D5 and the online part of D4.
#include <algorithm>
#include <tuple>
#include <utility>

#include <fmt/format.h>
#include "properties/replication_state.h"

namespace tribunal {

namespace {

struct RuleText {
    const char* id;
    const char* name;
    const char* group;
    const char* rule;     // what makes it illegal
    const char* vacuous;  // why it was never exercised
};
constexpr std::array<RuleText, ReplicationMonitor::kRules> kTexts{{
    {"R1", "leader-completeness", "REPLICATION",
     "A leader chosen from the in-sync replicas has every committed record and every record that "
     "was acknowledged with acks=all.",
     "nothing was committed under a running leader"},
    {"R2", "candidate-completeness", "REPLICATION",
     "Every replica that the controller may elect cleanly reaches the committed end.",
     "nothing was committed"},
    {"R3", "log-matching", "REPLICATION",
     "Replicas agree on every offset below their high watermarks (KIP-101, KIP-279, KIP-320).",
     "no two replicas had a high watermark above their log start"},
    {"R4", "maximal-isr", "REPLICATION",
     "A leader counts on every replica that the controller may elect: its maximal ISR contains the "
     "controller's ISR of the same partition epoch (KIP-497).",
     "no leader showed its ISR"},
    {"R5", "weak-isr", "REPLICATION",
     "Every record below a leader's high watermark is on every member of the ISR that it knows.",
     "no leader with followers in its ISR had a high watermark above its log start"},
    {"R6", "strong-isr", "REPLICATION",
     "Every record below the leader's high watermark is on every member of the controller's ISR.",
     "no leader with followers in the controller's ISR had a high watermark above its log start"},
    {"R7", "leader-in-isr", "REPLICATION", "The controller's leader is a member of its ISR.",
     "the controller never had a leader"},
    {"R8", "one-leader-per-epoch", "REPLICATION",
     "A leader epoch has one leader, for the whole run.", "no replica led"},
    {"R9", "leader-epoch-monotone", "REPLICATION",
     "Leader epochs never go back: at the controller, at a running replica, along a log.",
     "no leader epoch changed and no batch was appended"},
    {"R10", "exposed-high-watermark-monotone", "REPLICATION",
     "A high watermark that clients have seen never goes back; a new leader's may begin lower, but "
     "its first advance passes what was exposed (KIP-207).",
     "no leader's high watermark moved"},
    {"R11", "high-watermark-bounds", "REPLICATION",
     "log start <= high watermark <= log end on every running replica.", "no replica ran"},
    {"R12", "high-watermark-advance", "REPLICATION",
     "A leader moves its high watermark only to what every replica that it counts on has fetched, "
     "and not while fewer than min.insync.replicas are in sync (KIP-497, KIP-966).",
     "no leader that shows its followers moved its high watermark"},
    {"R13", "isr-join", "REPLICATION",
     "A replica joins the ISR having fetched in this leader epoch up to the high watermark and the "
     "epoch's start, alive and in its present life (KAFKA-7128, KIP-841, KIP-903).",
     "no leader asked to add a replica to the ISR"},
    {"R14", "unclean-exclusion", "REPLICATION",
     "A replica that lost data in a crash is neither leader nor candidate before it has caught up "
     "(KIP-966).",
     "no replica came back after losing data"},
    {"R15", "eligible-replicas-well-formed", "REPLICATION",
     "ISR and eligible leader replicas are disjoint and replicas, there are eligible ones only "
     "below min.insync.replicas, and no fenced broker is in the ISR (KIP-966, KIP-841).",
     "the cluster keeps no eligible leader replicas"},
    {"R16", "no-global-loss", "REPLICATION",
     "Every committed record is in the log of at least one replica.", "nothing was committed"},
    {"R17", "truncation-safety", "REPLICATION",
     "A running follower truncates no committed record and a leader truncates nothing (KIP-101, "
     "KIP-279).",
     "no running replica truncated its log"},
    {"R18", "one-fetcher", "REPLICATION",
     "A leader fetches its partition from nobody, a follower from its leader and nobody else.",
     "no replica showed its fetchers"},
    {"R19", "equal-replicas", "REPLICATION",
     "Replicas of a cluster at rest are equal: offsets, epochs and bytes.",
     "no replica was caught up with its leader at the end"},
    {"R20", "recovery-candidates", "REPLICATION",
     "When nobody is in sync or eligible, the last leader is remembered (KIP-966).",
     "somebody was in sync or eligible at all times"},
    {"R21", "follower-reads", "REPLICATION",
     "What a follower gives to consumers is committed (KIP-392).",
     "no consumer read from a "
     "follower"},
    {"D5", "resurrected-record", "DURABLE",
     "A record that was lost from the committed log does not come back unless it is sent again.",
     "no record was committed after a loss"},
}};

constexpr const char* kMetadataLost =
    "Controllers had lost their disks before, and with them committed metadata; from then on "
    "nothing is promised.";

const RuleText& text_of(ReplicationMonitor::Rule rule) {
    return kTexts[static_cast<std::size_t>(rule)];
}

template <class Tally>
void keep(Tally& tally, Violation violation) {
    ++tally.found;
    if (violation.allowed) ++tally.found_allowed;
    auto& list = violation.allowed ? tally.allowed : tally.failed;
    if (list.size() < Check::kMaxWitnessed) list.push_back(std::move(violation));
}

template <class Tally>
Check check_of(const RuleText& text, Tally tally) {
    Check check;
    check.id = text.id;
    check.name = text.name;
    check.group = text.group;
    check.checked = tally.checked;
    check.found = tally.found;
    check.found_allowed = tally.found_allowed;
    check.verdict = tally.found > tally.found_allowed ? Verdict::fail
                    : tally.found > 0                 ? Verdict::allowed
                    : tally.checked > 0               ? Verdict::pass
                                                      : Verdict::vacuous;
    // What nothing excuses comes first; each part is in order of time.
    check.violations = std::move(tally.failed);
    for (Violation& v : tally.allowed) {
        if (check.violations.size() == Check::kMaxWitnessed) break;
        check.violations.push_back(std::move(v));
    }
    if (!check.violations.empty()) {
        check.note = check.violations.front().summary;
    } else if (check.verdict == Verdict::vacuous) {
        check.note = text.vacuous;
    }
    return check;
}

std::string client_of(const History& history, std::uint16_t process) {
    if (process >= history.processes.size()) return "a client";
    const std::uint32_t client = history.processes[process].client;
    return client < history.clients.size() ? history.clients[client].name : "a client";
}

}  // namespace

// Seconds to the microsecond, in integers.
std::string shown(Instant at) {
    if (at == kNever) return "never";
    const std::int64_t micros = at.value / 1000;
    return fmt::format("{}.{:06}s", micros / 1'000'000, micros % 1'000'000);
}

std::string shown(NodeId node) {
    return node == kNoNode ? std::string{"nobody"} : fmt::format("node {}", node.value);
}

std::string shown(const BatchIdentity& batch) {
    return fmt::format("[{}..{}] of epoch {}, crc {:08x}", batch.base_offset.value,
                       batch.last_offset.value, batch.leader_epoch.value, batch.crc);
}

std::string shown(const Excuse& excuse) {
    if (!excuse.compaction.empty()) return excuse.compaction;
    if (excuse.unclean) {
        return fmt::format(
            "The controller elected {} from outside the ISR at {} (leader epoch {}): an unclean "
            "election gives up what only the others have.",
            shown(excuse.leader), shown(excuse.at), excuse.epoch.value);
    }
    return fmt::format(
        "At {} every member of the controller's ISR had lost unsynced data and was not yet caught "
        "up: the loss budget of acks=all was used up.",
        shown(excuse.at));
}

void ReplicationMonitor::Observation::found_lossy(Rule rule, std::size_t i, const Excuse* excuse,
                                                  Offset offset, std::string summary) {
    const NodeId node = view.replicas[i].node;
    std::string because = compaction_excuse(i);
    if (!because.empty()) {
        // That is it.
    } else if (p.replicas[i].is_lossy) {
        because = fmt::format(
            "{} had lost unsynced data in a crash and was not yet caught up; until the controller "
            "takes it out of the ISR this is so, and harmless unless it is elected.",
            shown(node));
    } else if (excuse != nullptr) {
        because = shown(*excuse);
    }
    record(rule, std::move(because), offset, node, std::move(summary));
}

void ReplicationMonitor::Observation::record(Rule rule, std::string because, Offset offset,
                                             NodeId node, std::string summary) {
    const RuleText& text = text_of(rule);
    Violation v;
    v.property = text.id;
    v.allowed = !because.empty() || now >= monitor.metadata_lost_at_;
    v.because = !because.empty() ? std::move(because) : v.allowed ? kMetadataLost : text.rule;
    v.summary = fmt::format("{}: {}", p.facts.name, summary);
    v.at = now;
    v.partition = view.partition;
    v.has_partition = true;
    v.offset = offset;
    if (node != kNoNode) v.nodes.push_back(node);
    const Tally& tally = monitor.tally(rule);
    // Everything below is wanted for a described violation only.
    if ((v.allowed ? tally.allowed : tally.failed).size() < Check::kMaxWitnessed) {
        v.explanation.push_back(fmt::format("At {}, {}.", shown(now), summary));
        v.explanation.push_back(fmt::format(
            "The controller had {} as leader of epoch {}, partition epoch {}; the committed log "
            "ended at {}.",
            shown(view.leader), view.leader_epoch.value, view.partition_epoch.value,
            p.committed.end().value));
        v.explanation.push_back(v.because);
        for (const ReplicaView& r : view.replicas) {
            if (v.witnesses.size() == 8) break;
            const bool member = view.isr->contains(r.node);
            v.witnesses.push_back(
                {now, fmt::format("{} {} epoch {}: log {}..{}, high watermark {}{}", shown(r.node),
                                  !r.running    ? "is down, had"
                                  : r.is_leader ? "leads"
                                                : "follows",
                                  r.leader_epoch.value, r.log->log_start_offset.value,
                                  r.log->log_end_offset.value, r.high_watermark.value,
                                  member ? ", in the ISR" : "")});
            if (r.node != node) v.nodes.push_back(r.node);
        }
    }
    keep(monitor.tally(rule), std::move(v));
}

std::uint64_t ReplicationMonitor::failures() const {
    std::uint64_t sum = 0;
    for (const Tally& tally : tallies_) sum += tally.found - tally.found_allowed;
    return sum;
}

std::vector<Check> ReplicationMonitor::finish(const History* history) const {
    std::vector<Check> checks;
    for (std::size_t r = 0; r < kRules; ++r) {
        if (static_cast<Rule>(r) != Rule::d5) checks.push_back(check_of(kTexts[r], tallies_[r]));
    }
    const RuleText& text = text_of(Rule::d5);
    Tally tally = tallies_[static_cast<std::size_t>(Rule::d5)];
    // In order of time, then of partition and loss.
    std::map<std::tuple<Instant, std::size_t, std::size_t>, const PartitionState*> returns;
    for (std::size_t i = 0; i < states_.size(); ++i) {
        for (std::size_t n = 0; n < states_[i]->lost.size(); ++n) {
            const Instant at = states_[i]->lost[n].returned_at;
            if (at != kNever) returns[{at, i, n}] = &*states_[i];
        }
    }
    for (const auto& [key, state] : returns) {
        const LostRecord& lost = state->lost[std::get<2>(key)];
        const SendOp* send = history == nullptr ? nullptr : history->send_of(lost.uid);
        Violation v;
        v.property = text.id;
        v.at = lost.returned_at;
        v.partition = state->facts.partition;
        v.has_partition = true;
        v.offset = lost.returned_offset;
        v.uid = lost.uid;
        v.summary = fmt::format(
            "{}: record {} was lost from offset {} at {} (leader epoch {}) and came back at "
            "offset {} in epoch {}",
            state->facts.name, lost.uid.value, lost.offset.value, shown(lost.lost_at),
            lost.lost_in.value, lost.returned_offset.value, lost.returned_in.value);
        v.because = text.rule;
        if (send != nullptr && send->attempts > 1) {
            v.allowed = true;
            v.because = fmt::format(
                "Its producer sent it {} times, so this may be the later one; a duplicate is "
                "X1's matter.",
                send->attempts);
        } else if (lost.return_excuse) {
            v.allowed = true;
            v.because = shown(*lost.return_excuse);
        } else if (!lost.promised) {
            v.allowed = true;
            v.because = kMetadataLost;
        }
        v.explanation = {v.summary + ".", v.because};
        v.nodes = {state->losses[lost.loss].leader};
        keep(tally, std::move(v));
    }
    checks.push_back(check_of(text, std::move(tally)));
    return checks;
}

Check ReplicationMonitor::lost_after_read(const History& history) const {
    constexpr RuleText kText{
        "D4", "lost-after-read", "DURABLE",
        "Only committed records are given to consumers, and a committed record does not vanish, "
        "whatever acks it was sent with.",
        "no committed record was lost"};
    Tally tally;
    // Partition by partition, so that only partitions with a loss cost anything but a look-up.
    std::map<TopicPartition, std::map<std::pair<Offset, RecordUid>, std::vector<std::size_t>>> lost;
    for (const Shared<PartitionState>& state : states_) {
        for (std::size_t i = 0; i < state->lost.size(); ++i) {
            const LostRecord& record = state->lost[i];
            lost[state->facts.partition][{record.offset, record.uid}].push_back(i);
        }
    }
    if (lost.empty()) return check_of(kText, tally);
    for (const PollOp& poll : history.polls) {
        const auto of_partition = lost.find(poll.partition);
        if (of_partition == lost.end()) continue;
        const PartitionState& p = **find(poll.partition);
        for (std::uint32_t n = 0; n < poll.records; ++n) {
            const ReadRecord& read = history.reads[poll.first_record + n];
            const Offset offset = poll.base_offset + read.offset_delta;
            const RecordUid uid = History::uid_of(read);
            const bool touched =
                std::any_of(p.losses.begin(), p.losses.end(), [&](const CommittedLoss& loss) {
                    return loss.from <= offset && offset < loss.end;
                });
            if (touched) ++tally.checked;
            const auto entries = of_partition->second.find({offset, uid});
            if (entries == of_partition->second.end()) continue;
            for (const std::size_t i : entries->second) {
                const LostRecord& record = p.lost[i];
                // Read again after it had come back to its place: that is no loss (but D5).
                if (record.returned_at <= poll.completed && record.returned_offset == offset) {
                    continue;
                }
                const CommittedLoss& loss = p.losses[record.loss];
                Violation v;
                v.property = kText.id;
                v.at = std::max(record.lost_at, poll.completed);
                v.partition = poll.partition;
                v.has_partition = true;
                v.offset = offset;
                v.uid = uid;
                v.allowed = loss.allowed;
                v.because = loss.allowed ? loss.because : kText.rule;
                v.summary = fmt::format(
                    "{}: record {} at offset {} was read by {} at {} and is gone in leader epoch "
                    "{}",
                    p.facts.name, uid.value, offset.value, client_of(history, poll.process),
                    shown(poll.completed), loss.leader_epoch.value);
                v.explanation = {
                    v.summary + ".",
                    fmt::format("At {} {} led epoch {} without the committed offsets "
                                "{} to {}.",
                                shown(loss.at), shown(loss.leader), loss.leader_epoch.value,
                                loss.from.value, loss.end.value - 1),
                    v.because};
                v.nodes = {loss.leader};
                keep(tally, std::move(v));
                break;
            }
        }
    }
    return check_of(kText, std::move(tally));
}

std::vector<CommittedLoss> ReplicationMonitor::losses() const {
    std::multimap<std::pair<Instant, TopicPartition>, const CommittedLoss*> in_order;
    for (const Shared<PartitionState>& state : states_) {
        for (const CommittedLoss& loss : state->losses) {
            in_order.insert({{loss.at, loss.partition}, &loss});
        }
    }
    std::vector<CommittedLoss> all;
    for (const auto& [key, loss] : in_order) all.push_back(*loss);
    return all;
}

PartitionFacts ReplicationMonitor::facts(TopicPartition partition) const {
    if (const auto* state = find(partition)) return (*state)->facts;
    PartitionFacts none;
    none.partition = partition;
    return none;
}

std::vector<PartitionFacts> ReplicationMonitor::facts() const {
    std::vector<PartitionFacts> all;
    for (const auto& partitions : index_) {
        for (const std::int32_t at : partitions) {
            if (at >= 0) all.push_back(states_[static_cast<std::size_t>(at)]->facts);
        }
    }
    return all;
}

}  // namespace tribunal
