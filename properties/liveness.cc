// Did the cluster come back? L2, L3, L5 and L9 look at the state after the heal phase.
//
// A finite run cannot refute liveness: only a run whose faults are over and that became quiet can
// be judged. One that was still moving when its bound ran out is INCONCLUSIVE, whatever is open.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "properties/checkers.h"
#include "properties/tally.h"
#include "properties/wording.h"

namespace tribunal {
namespace {

std::string still_moving(const RunFacts& facts, std::string_view open) {
    return fmt::format("the run did not become quiet{}{}: {}",
                       facts.unconverged.empty() ? "" : ": ", facts.unconverged, open);
}

bool is_leaderless(const Evidence& e, TopicPartition partition) {
    return std::find(e.facts.leaderless.begin(), e.facts.leaderless.end(), partition) !=
           e.facts.leaderless.end();
}

// Open ends of a run that is still moving decide nothing; of a quiet one they are findings.
template <class Describe>
void judge_open(const Evidence& e, Tally& tally, const Claim& claim, std::string_view open,
                Describe&& describe) {
    if (!e.facts.converged) {
        tally.leave_undecided(still_moving(e.facts, open));
        return;
    }
    tally.violate(!claim.holds, [&] {
        Violation v = describe();
        v.at = e.history.end;
        v.because = claim.because();
        v.explanation.push_back(conclusion(claim));
        return v;
    });
}

// A state that is open at the end of a run that kept moving is undecided even when nothing is open:
// what will be open later is not known.
void require_quiet(const Evidence& e, Tally& tally) {
    if (!e.facts.converged) tally.leave_undecided(still_moving(e.facts, "nothing is decided"));
}

ClaimQuery query_for(const Evidence& e, const PartitionEvidence* p, const PartitionFacts& none) {
    ClaimQuery query;
    query.facts = p == nullptr ? &none : p->facts;
    query.is_leaderless = p != nullptr && is_leaderless(e, p->partition);
    return query;
}

}  // namespace

Check check_stuck_consumer(const Evidence& e) {
    Tally tally("L2");
    const PartitionFacts none;
    // Partitions that a consumer reads: by client, as processes come and go.
    std::vector<std::pair<std::uint32_t, TopicPartition>> pairs;
    const auto meet = [&](std::uint16_t process, TopicPartition partition) {
        const std::pair pair{e.history.processes[process].client, partition};
        if (pairs.empty() || pairs.back() != pair) pairs.push_back(pair);
    };
    for (const PollOp& poll : e.history.polls) meet(poll.process, poll.partition);
    for (const ClientOp& op : e.history.operations) {
        if (op.kind == ClientOpKind::assign) meet(op.process, op.partition);
    }
    std::sort(pairs.begin(), pairs.end());
    pairs.erase(std::unique(pairs.begin(), pairs.end()), pairs.end());
    tally.exercise(std::max(pairs.size(), e.facts.stuck_consumers.size()));

    for (const StuckConsumer& stuck : e.facts.stuck_consumers) {
        const Claim claim =
            claim_of(Promise::consumer_progress, query_for(e, e.find(stuck.partition), none));
        const std::string name = partition_text(e.facts, stuck.partition);
        const std::string open =
            fmt::format("{} stands at {}, {} ends at {}", stuck.consumer,
                        place_text(name, stuck.position), name, stuck.end_offset.value);
        judge_open(e, tally, claim, open, [&] {
            Violation v;
            v.partition = stuck.partition;
            v.has_partition = true;
            v.offset = stuck.position;
            v.summary = fmt::format("{}: {} stands there at {}, though the partition ends at {}",
                                    place_text(name, stuck.position), stuck.consumer,
                                    seconds_text(e.history.end), stuck.end_offset.value);
            v.explanation = {
                fmt::format("The faults are over and the cluster is quiet at {}.",
                            seconds_text(e.history.end)),
                fmt::format("{} reads {}, which ends at {}; however, it stands at {} and moves no "
                            "more.",
                            stuck.consumer, name, stuck.end_offset.value, stuck.position.value)};
            v.witnesses = {{e.history.end, open}};
            for (const ClientInfo& client : e.history.clients) {
                if (client.name == stuck.consumer) v.nodes.push_back(client.node);
            }
            return v;
        });
    }
    if (!pairs.empty()) require_quiet(e, tally);
    return std::move(tally).finish("no consumer was assigned a partition");
}

Check check_unanswered_send(const Evidence& e) {
    Tally tally("L3");
    const PartitionFacts none;
    std::uint64_t judged = 0;
    for (std::uint32_t c = 0; c < e.history.sends.size(); ++c) {
        for (std::uint32_t n = 0; n < e.history.sends[c].size(); ++n) {
            const SendOp& send = e.history.sends[c][n];
            if (send.outcome != Outcome::pending) {
                ++judged;
                continue;
            }
            // Nobody answers the dead.
            if (send.process < e.history.processes.size() &&
                e.history.processes[send.process].ended != kNever) {
                continue;
            }
            ++judged;
            const SendRef ref{c, n};
            const PartitionEvidence* p = e.find(send.topic_partition());
            const Claim claim = claim_of(Promise::send_answered, query_for(e, p, none));
            if (!e.facts.converged && tally.is_undecided()) continue;
            const std::string open =
                fmt::format("{} has no answer since {}", record_text(e.history, ref.uid()),
                            seconds_text(send.invoked));
            judge_open(e, tally, claim, open, [&] {
                Violation v;
                if (p != nullptr) v.partition = p->partition, v.has_partition = true;
                v.uid = ref.uid();
                v.summary =
                    fmt::format("{}: {} of {}, sent at {}, has no answer at {}",
                                p == nullptr ? std::string("no partition chosen") : p->name,
                                record_text(e.history, ref.uid()), client_text(e.history, c),
                                seconds_text(send.invoked), seconds_text(e.history.end));
                v.explanation = {
                    fmt::format("{} sent {} at {}.", client_text(e.history, c),
                                record_text(e.history, ref.uid()), seconds_text(send.invoked)),
                    fmt::format("The faults are over and the cluster is quiet at {}; however, the "
                                "send is neither acknowledged nor refused nor timed out.",
                                seconds_text(e.history.end))};
                v.witnesses = {e.sent(ref), e.answered(ref)};
                v.nodes = {e.client(c).node};
                return v;
            });
        }
    }
    tally.exercise(judged);
    if (judged > 0) require_quiet(e, tally);
    return std::move(tally).finish("nothing was sent");
}

Check check_stale_image(const Evidence& e) {
    Tally tally("L5");
    const PartitionFacts none;
    const std::uint64_t compared =
        std::max<std::uint64_t>({e.facts.live_brokers, e.facts.stale_images.size(),
                                 e.facts.metadata_records > 0 ? 1u : 0u});
    tally.exercise(compared);
    for (const NodeId node : e.facts.stale_images) {
        const Claim claim = claim_of(Promise::images_equal, query_for(e, nullptr, none));
        const std::string open =
            fmt::format("broker {} is behind the metadata log of {}", node.value,
                        count_text(e.facts.metadata_records, "record"));
        judge_open(e, tally, claim, open, [&] {
            Violation v;
            v.summary = fmt::format("broker {}: its metadata is behind the controller's at {}",
                                    node.value, seconds_text(e.history.end));
            v.explanation = {
                fmt::format("The faults are over and the cluster is quiet at {}.",
                            seconds_text(e.history.end)),
                fmt::format("Broker {} is alive; however, its image lacks the end of the "
                            "controller's metadata log.",
                            node.value)};
            v.witnesses = {{e.history.end, open}};
            v.nodes = {node};
            return v;
        });
    }
    if (compared > 0) require_quiet(e, tally);
    return std::move(tally).finish("no broker's image was compared");
}

Check check_leaderless(const Evidence& e) {
    Tally tally("L9");
    const PartitionFacts none;
    std::uint64_t judged = e.facts.leaderless.size();
    for (const PartitionFacts& p : e.facts.partitions) {
        if (!p.deleted && !is_leaderless(e, p.partition)) ++judged;
    }
    tally.exercise(judged);
    for (const TopicPartition partition : e.facts.leaderless) {
        const Claim claim =
            claim_of(Promise::leader_elected, query_for(e, e.find(partition), none));
        const std::string name = partition_text(e.facts, partition);
        const std::string open = fmt::format("{} has no leader", name);
        judge_open(e, tally, claim, open, [&] {
            Violation v;
            v.partition = partition;
            v.has_partition = true;
            v.summary =
                fmt::format("{}: it has no leader at {}", name, seconds_text(e.history.end));
            v.explanation = {fmt::format("The faults are over and the cluster is quiet at {}.",
                                         seconds_text(e.history.end)),
                             fmt::format("However, nobody leads {}, so nobody can write to it or "
                                         "read from it.",
                                         name)};
            v.witnesses = {{e.history.end, open}};
            return v;
        });
    }
    if (judged > 0) require_quiet(e, tally);
    return std::move(tally).finish("there are no partitions");
}

}  // namespace tribunal
