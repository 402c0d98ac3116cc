// Does a consumer with an assignment see every record once and in order? Inside one poll (O5, O6)
// and from poll to poll of one process (O7, O8), as long as nobody assigns, seeks or resets. A
// consumer that a new leader set back (KIP-320) goes on from where the logs part.
//
// Offsets may have holes, so a step is a skip only when a record is known to exist in between: the
// log has it at the end, or some consumer was given it.
#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "properties/checkers.h"
#include "properties/tally.h"
#include "properties/wording.h"

namespace tribunal {
namespace {

// One record as a poll gave it.
struct Given {
    const PollOp* poll = nullptr;
    std::uint32_t r = 0;
};

// Two records that a process was given one after the other.
struct Step {
    Given from;
    Given to;
    Offset low;                       // of `from`
    Offset high;                      // of `to`
    Evidence::SetBack set_back = {};  // in between
};

// Steps inside each poll.
template <class Visit>
void for_each_inner_step(const Evidence& e, const PartitionEvidence& p, Visit&& visit) {
    for (const std::uint32_t i : p.polls) {
        const PollOp& poll = e.history.polls[i];
        Offset low = e.offset_of(poll, 0);
        for (std::uint32_t r = 1; r < poll.records; ++r) {
            const Offset high = e.offset_of(poll, r);
            visit(Step{{&poll, r - 1}, {&poll, r}, low, high});
            low = high;
        }
    }
}

// Steps from the last record of a poll to the first of the next one.
template <class Visit>
void for_each_outer_step(const Evidence& e, const PartitionEvidence& p, Visit&& visit) {
    std::vector<const PollOp*> last(e.history.processes.size());
    for (const std::uint32_t i : p.polls) {
        const PollOp& poll = e.history.polls[i];
        const PollOp* before = std::exchange(last[poll.process], &poll);
        if (before == nullptr || before->assignment != poll.assignment) continue;
        visit(Step{{before, before->records - 1},
                   {&poll, 0},
                   e.offset_of(*before, before->records - 1),
                   e.offset_of(poll, 0),
                   e.set_back_between(p, poll.process, before->invoked, poll.completed)});
    }
}

Instant sent_at(const Evidence& e, const PartitionEvidence& p, RecordUid uid) {
    const SendOp* send = e.genuine(p.partition, uid);
    return send == nullptr ? Instant{0} : send->invoked;
}

ClaimQuery query_of(const Evidence& e, const PartitionEvidence& p, const Step& step) {
    ClaimQuery query;
    query.facts = p.facts;
    const ClientOp* reset =
        e.reset_between(p, step.to.poll->process, step.from.poll->invoked, step.to.poll->completed);
    if (reset != nullptr) query.reset_at = reset->invoked;
    query.missed_at = step.to.poll->completed;
    return query;
}

// Going back is excused by what may have set the consumer back since the last record was sent.
Claim backward_claim(const Evidence& e, const PartitionEvidence& p, const Step& step) {
    ClaimQuery query = query_of(e, p, step);
    query.since = sent_at(e, p, e.uid_of(*step.from.poll, step.from.r));
    if (step.set_back.to != kNoOffset && step.high >= step.set_back.to) {
        query.set_back_at = step.set_back.at;
    }
    return claim_of(Promise::goes_forward, query);
}

// The value that the log, or else a client, has at an offset.
RecordUid value_at(const PartitionEvidence& p, Offset offset) {
    if (const FinalRecord* record = p.in_log(offset)) return record->uid;
    const std::size_t slot = p.slots.slot_of(offset);
    return slot == OffsetSlots::kNone ? kNoUid : p.values[slot];
}

struct Skip {
    Offset offset;  // of a skipped record: the first one whose claim holds, else the first one
    RecordUid uid;
    Claim claim;
};

// The last offset that the consumer had behind it when it was given `to`.
Offset passed_before(const Step& step) {
    if (step.set_back.to == kNoOffset) return step.low;
    return std::min(step.low, step.set_back.to + -1);
}

Skip skip_of(const Evidence& e, const PartitionEvidence& p, const Step& step) {
    ClaimQuery query = query_of(e, p, step);
    std::optional<Skip> first;
    for (Offset at = p.next_existing(passed_before(step), step.high); at != kNoOffset;
         at = p.next_existing(at, step.high)) {
        const RecordUid uid = value_at(p, at);
        query.offset = at;
        query.since = sent_at(e, p, uid);
        const Claim claim = claim_of(Promise::skips_nothing, query);
        if (claim.holds) return {at, uid, claim};
        if (!first) first = Skip{at, uid, claim};
    }
    return *first;
}

Violation begin(const Evidence& e, const PartitionEvidence& p, const Step& step,
                const Claim& claim) {
    Violation v;
    v.at = step.to.poll->completed;
    v.partition = p.partition;
    v.has_partition = true;
    v.because = claim.because();
    v.nodes = {e.node_of_process(step.to.poll->process)};
    v.witnesses = {e.read(*step.from.poll, step.low, e.uid_of(*step.from.poll, step.from.r)),
                   e.read(*step.to.poll, step.high, e.uid_of(*step.to.poll, step.to.r))};
    e.add_fact(v.witnesses, p, claim);
    const std::string reader = client_of_process_text(e.history, step.to.poll->process);
    v.explanation.push_back(
        fmt::format("{} read {} at offset {} of {} at {}.", reader,
                    record_text(e.history, e.uid_of(*step.from.poll, step.from.r)), step.low.value,
                    p.name, seconds_text(step.from.poll->completed)));
    v.explanation.push_back(fmt::format(
        "The next record that it was given, {}, was {} at offset {}.",
        step.from.poll == step.to.poll
            ? std::string("by the same poll")
            : fmt::format("by its next poll at {}", seconds_text(step.to.poll->completed)),
        record_text(e.history, e.uid_of(*step.to.poll, step.to.r)), step.high.value));
    return v;
}

void judge_backward(const Evidence& e, const PartitionEvidence& p, Tally& tally, const Step& step) {
    tally.exercise();
    if (step.high > step.low) return;
    const Claim claim = backward_claim(e, p, step);
    tally.violate(!claim.holds, [&] {
        Violation v = begin(e, p, step, claim);
        v.offset = step.high;
        v.uid = e.uid_of(*step.to.poll, step.to.r);
        v.summary =
            fmt::format("{}: {} was given offset {} after offset {} at {}", p.name,
                        client_of_process_text(e.history, step.to.poll->process), step.high.value,
                        step.low.value, seconds_text(step.to.poll->completed));
        v.explanation.push_back(
            "However, nobody had assigned or sought it in between, so it could only go forward.");
        v.explanation.push_back(conclusion(claim));
        return v;
    });
}

void judge_skip(const Evidence& e, const PartitionEvidence& p, Tally& tally, const Step& step) {
    tally.exercise();
    const Offset low = passed_before(step);
    if (step.high.value <= low.value + 1) return;
    const std::uint32_t skipped = p.existing_between(low, step.high);
    if (skipped == 0) return;
    const Skip skip = skip_of(e, p, step);
    tally.violate(!skip.claim.holds, [&] {
        Violation v = begin(e, p, step, skip.claim);
        v.offset = skip.offset;
        v.uid = skip.uid;
        v.summary =
            fmt::format("{}: {} went from offset {} to {} at {}, past {}", p.name,
                        client_of_process_text(e.history, step.to.poll->process), step.low.value,
                        step.high.value, seconds_text(step.to.poll->completed),
                        count_text(skipped, "existing record"));
        const bool is_logged = p.in_log(skip.offset) != nullptr;
        v.explanation.push_back(
            fmt::format("However, {} stands between them at offset {}: {}.",
                        record_text(e.history, skip.uid), skip.offset.value,
                        is_logged ? "the log has it at the end" : "a consumer was given it there"));
        v.explanation.push_back(conclusion(skip.claim));
        if (is_logged) v.witnesses.push_back(e.logged(p, skip.offset));
        return v;
    });
}

}  // namespace

Check check_int_nonmonotonic_poll(const Evidence& e) {
    Tally tally("O5");
    for (const PartitionEvidence& p : e.partitions) {
        for_each_inner_step(e, p, [&](const Step& step) { judge_backward(e, p, tally, step); });
    }
    return std::move(tally).finish("no poll returned two records of a partition");
}

Check check_int_poll_skip(const Evidence& e) {
    Tally tally("O6");
    for (const PartitionEvidence& p : e.partitions) {
        for_each_inner_step(e, p, [&](const Step& step) { judge_skip(e, p, tally, step); });
    }
    return std::move(tally).finish("no poll returned two records of a partition");
}

Check check_nonmonotonic_poll(const Evidence& e) {
    Tally tally("O7");
    for (const PartitionEvidence& p : e.partitions) {
        for_each_outer_step(e, p, [&](const Step& step) { judge_backward(e, p, tally, step); });
    }
    return std::move(tally).finish("no consumer polled a partition twice");
}

Check check_poll_skip(const Evidence& e) {
    Tally tally("O8");
    for (const PartitionEvidence& p : e.partitions) {
        for_each_outer_step(e, p, [&](const Step& step) { judge_skip(e, p, tally, step); });
    }
    return std::move(tally).finish("no consumer polled a partition twice");
}

}  // namespace tribunal
