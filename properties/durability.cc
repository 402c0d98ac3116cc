// Is anything gone? D1, D2, D3, D4, D9 lose records; D10 and D11 give consumers what nobody sent.
//
// D1 looks at clients only and D2 at the final logs: the black box cannot tell a lost record from a
// late one, so it judges only what a consumer has passed; the white box is exact. Neither may ever
// take "not seen yet" for "lost" (that is D3, which never fails).
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "properties/checkers.h"
#include "properties/tally.h"
#include "properties/wording.h"

namespace tribunal {
namespace {

// Offsets that some consumer stood at or before and read on past: ranges [first, last], merged.
// What it read until auto.offset.reset moved it stands apart: after an unclean election other
// records come to stand behind its back, and the reset need not take it to them. That is so of
// consumers before 2.3. Since then each new leader says where its log parts from what was read
// (KIP-320): from there on nothing counts as passed, for the consumer goes back and reads it again.
// Only a leader that has nothing in common with what was read leaves it to the reset.
class Passed {
  public:
    Passed(const Evidence& evidence, const PartitionEvidence& partition);
    struct Chance {
        bool was_in_range = false;
        // When every consumer that was in range was reset, and before that it had read so far while
        // the record was not there yet; kNever otherwise.
        Instant reset_at = kNever;
    };
    Chance of(Offset offset, Instant acknowledged) const;

  private:
    using Range = std::pair<Offset, Offset>;
    struct Reading {
        const PollOp* last_poll = nullptr;
        Range range;
        std::vector<std::pair<Offset, Instant>> reached;  // both ascending; where there are resets
        Instant reset_at = kNever;
    };
    static void cut(Reading& reading, Offset to);
    void finish(Reading& reading, const ClientOp* reset);
    void merge();

    const History& history_;

    std::vector<Range> ranges_;
    std::vector<Reading> reset_;  // those that a reset ended
};

// A consumer's reading goes on from poll to poll until it is assigned, sought or reset. One that
// goes back by itself has stood at its new place too.
Passed::Passed(const Evidence& evidence, const PartitionEvidence& partition)
    : history_(evidence.history) {
    std::vector<Reading> readings(evidence.history.processes.size());
    const auto reset_between = [&](const PollOp& poll, Instant to) {
        return evidence.reset_between(partition, poll.process, poll.invoked, to);
    };
    const auto cut_between = [&](Reading& reading, const PollOp& poll, Instant to) {
        const Offset set_back =
            evidence.set_back_between(partition, poll.process, poll.invoked, to).to;
        if (set_back != kNoOffset) cut(reading, set_back);
    };
    for (const std::uint32_t i : partition.polls) {
        const PollOp& poll = evidence.history.polls[i];
        Reading& reading = readings[poll.process];
        const PollOp* before = std::exchange(reading.last_poll, &poll);
        const Offset start = std::min(poll.position, poll.base_offset);
        const ClientOp* reset =
            before == nullptr ? nullptr : reset_between(*before, poll.completed);
        if (before != nullptr) cut_between(reading, *before, poll.completed);
        const bool goes_on = before != nullptr && before->assignment == poll.assignment &&
                             start >= reading.range.first && reset == nullptr;
        if (!goes_on) {
            if (before != nullptr) finish(reading, reset);
            reading.range = {start, start};
        }
        for (std::uint32_t r = 0; r < poll.records; ++r) {
            reading.range.second = std::max(reading.range.second, evidence.offset_of(poll, r));
        }
        if (!partition.resets.empty()) {
            reading.reached.emplace_back(reading.range.second, poll.completed);
        }
    }
    for (Reading& reading : readings) {
        if (reading.last_poll == nullptr) continue;
        cut_between(reading, *reading.last_poll, kNever);
        finish(reading, reset_between(*reading.last_poll, kNever));
    }
    merge();
}

// What is to be read again is not passed.
void Passed::cut(Reading& reading, Offset to) {
    const Offset last = to + -1;
    if (reading.range.second <= last) return;
    reading.range.second = last;
    auto& reached = reading.reached;
    while (reached.size() > 1 && reached[reached.size() - 2].first >= last) reached.pop_back();
    if (!reached.empty()) reached.back().first = last;
}

void Passed::finish(Reading& reading, const ClientOp* reset) {
    // A consumer that knows where the logs part is out of range only below the log start.
    const bool excuses =
        reset != nullptr &&
        !(reset->error == ErrorCode::offset_out_of_range &&
          history_.clients[history_.processes[reset->process].client].validates_position);
    if (reading.range.second < reading.range.first) {
        // All of it was cut.
    } else if (excuses) {
        reading.reset_at = reset->invoked;
        reset_.push_back(reading);
    } else {
        ranges_.push_back(reading.range);
    }
    reading.reached.clear();
}

void Passed::merge() {
    std::sort(ranges_.begin(), ranges_.end());
    std::vector<Range> merged;
    for (const Range& range : ranges_) {
        if (merged.empty() || merged.back().second < range.first) {
            merged.push_back(range);
        } else {
            merged.back().second = std::max(merged.back().second, range.second);
        }
    }
    ranges_ = std::move(merged);
}

Passed::Chance Passed::of(Offset offset, Instant acknowledged) const {
    const auto it = std::upper_bound(ranges_.begin(), ranges_.end(), offset,
                                     [](Offset o, const Range& range) { return o < range.first; });
    if (it != ranges_.begin() && offset <= std::prev(it)->second) return {true, kNever};
    Chance chance;
    for (const Reading& reading : reset_) {
        if (offset < reading.range.first || offset > reading.range.second) continue;
        const auto reached = std::lower_bound(
            reading.reached.begin(), reading.reached.end(), offset,
            [](const std::pair<Offset, Instant>& r, Offset o) { return r.first < o; });
        if (reached->second > acknowledged) return {true, kNever};
        chance = {true, std::min(chance.reset_at, reading.reset_at)};
    }
    return chance;
}

Violation begin(const PartitionEvidence& partition, Offset offset, RecordUid uid, Instant at) {
    Violation v;
    v.at = at;
    v.partition = partition.partition;
    v.has_partition = true;
    v.offset = offset;
    v.uid = uid;
    return v;
}

// What D1, D2, D3 and D9 say of one record.
Violation about_send(const Evidence& e, const PartitionEvidence& p, SendRef ref,
                     const Claim& claim) {
    const SendOp& send = e.send(ref);
    Violation v = begin(p, send.offset, ref.uid(), send.completed);
    v.because = claim.because();
    v.witnesses = {e.sent(ref), e.answered(ref), e.logged(p, send.offset)};
    e.add_fact(v.witnesses, p, claim);
    v.nodes.push_back(e.client(ref.client).node);
    v.explanation.push_back(fmt::format(
        "{} sent {} to {} at {} with {} and was told at {} that it {}.",
        client_text(e.history, ref.client), record_text(e.history, ref.uid()), p.name,
        seconds_text(send.invoked), acks_text(send.acks), seconds_text(send.completed),
        send.offset < Offset{0} ? std::string("was sent")
                                : fmt::format("stands at offset {}", send.offset.value)));
    return v;
}

// The poll that read furthest, as a witness that somebody passed the offset.
const PollOp* poll_past(const Evidence& e, const PartitionEvidence& p, Offset offset) {
    for (const std::uint32_t i : p.polls) {
        const PollOp& poll = e.history.polls[i];
        for (std::uint32_t r = 0; r < poll.records; ++r) {
            if (e.offset_of(poll, r) >= offset) return &poll;
        }
    }
    return nullptr;
}

Claim delivery_claim(const Evidence& e, const PartitionEvidence& p, SendRef ref,
                     const Passed::Chance& chance) {
    const SendOp& send = e.send(ref);
    ClaimQuery query;
    query.facts = p.facts;
    query.since = send.invoked;
    query.offset = send.offset;
    query.acks = send.acks;
    query.was_in_range = chance.was_in_range;
    query.reset_at = chance.reset_at;
    return claim_of(Promise::durable, query);
}

Violation lost_write(const Evidence& e, const PartitionEvidence& p, SendRef ref,
                     const Claim& claim) {
    const SendOp& send = e.send(ref);
    Violation v = about_send(e, p, ref, claim);
    v.summary = fmt::format("{}: {}, acknowledged at {}, was never read, though reads went to {}",
                            place_text(p.name, send.offset), record_text(e.history, ref.uid()),
                            seconds_text(send.completed), p.max_read.value);
    if (const PollOp* past = poll_past(e, p, send.offset)) {
        std::uint32_t r = 0;
        while (e.offset_of(*past, r) < send.offset) ++r;
        v.witnesses.push_back(e.read(*past, e.offset_of(*past, r), e.uid_of(*past, r)));
        v.nodes.push_back(e.node_of_process(past->process));
        v.explanation.push_back(
            fmt::format("{} read {} at offset {} at {}, so reading got as far as offset {}.",
                        client_of_process_text(e.history, past->process),
                        record_text(e.history, e.uid_of(*past, r)), e.offset_of(*past, r).value,
                        seconds_text(past->completed), send.offset.value));
    }
    v.explanation.push_back(fmt::format("However, no poll of any consumer ever returned {}.",
                                        record_text(e.history, ref.uid())));
    v.explanation.push_back(conclusion(claim));
    return v;
}

Violation acked_lost(const Evidence& e, const PartitionEvidence& p, SendRef ref,
                     const Claim& claim) {
    const SendOp& send = e.send(ref);
    Violation v = about_send(e, p, ref, claim);
    v.summary = fmt::format("{}: {}, acknowledged to {} at {}, is not in the log at the end",
                            place_text(p.name, send.offset), record_text(e.history, ref.uid()),
                            client_text(e.history, ref.client), seconds_text(send.completed));
    v.explanation.push_back(fmt::format("At the end of the run {}; {} stands nowhere in it.",
                                        e.logged(p, send.offset).text,
                                        record_text(e.history, ref.uid())));
    v.explanation.push_back(conclusion(claim));
    return v;
}

Violation unseen(const Evidence& e, const PartitionEvidence& p, SendRef ref) {
    const SendOp& send = e.send(ref);
    Violation v = about_send(e, p, ref, durable_claim(send, *p.facts));
    v.because = "a record that nobody has read yet is not lost: D2 judges whether it is";
    v.summary = fmt::format("{}: {} was acknowledged at {}; reads ended at {}",
                            place_text(p.name, send.offset), record_text(e.history, ref.uid()),
                            seconds_text(send.completed), p.max_read.value);
    v.explanation.push_back(fmt::format("The furthest read of {} was at offset {}, before it.",
                                        p.name, p.max_read.value));
    v.explanation.push_back(e.is_in_log(ref)
                                ? "The log has it at the end, so a consumer could still read it."
                                : "The log at the end does not show it: see D2.");
    return v;
}

// What its application believes to be written. A recorder may call every acks=0 send unknown, but
// the producer said yes.
bool was_accepted(const SendOp& send) {
    return send.outcome == Outcome::ok ||
           (send.outcome == Outcome::info && send.acks == 0 && send.error == 0);
}

// All accepted sends that know their partition, those without an offset included.
template <class Visit>
void for_each_accepted(const Evidence& e, Visit&& visit) {
    for (std::uint32_t c = 0; c < e.history.sends.size(); ++c) {
        const PartitionEvidence* p = nullptr;
        for (std::uint32_t n = 0; n < e.history.sends[c].size(); ++n) {
            const SendOp& send = e.history.sends[c][n];
            if (!was_accepted(send)) continue;
            if (p == nullptr || p->partition != send.topic_partition()) {
                p = e.find(send.topic_partition());
            }
            if (p != nullptr) visit(*p, SendRef{c, n}, send);
        }
    }
}

std::string no_log(const PartitionEvidence& p) {
    if (p.log == nullptr) return fmt::format("the log of {} was not kept", p.name);
    return fmt::format("{} has no leader at the end: nothing can be said of its records", p.name);
}

}  // namespace

std::string conclusion(const Claim& claim) {
    if (claim.holds) return fmt::format("But {}: a contradiction.", claim.because());
    return fmt::format("Nothing else was promised: {}.", claim.because());
}

Check check_lost_write(const Evidence& e) {
    Tally tally("D1");
    for (const PartitionEvidence& p : e.partitions) {
        if (p.polls.empty() || p.acknowledged.empty()) continue;
        const Passed passed(e, p);
        for (const Acknowledged& a : p.acknowledged) {
            if (a.offset > p.max_read) continue;
            tally.exercise();
            if (e.is_read(a.ref)) continue;
            const Claim claim = delivery_claim(e, p, a.ref, passed.of(a.offset, a.completed));
            tally.violate(!claim.holds, [&] { return lost_write(e, p, a.ref, claim); });
        }
    }
    return std::move(tally).finish("no consumer read past an acknowledged record");
}

Check check_acked_lost(const Evidence& e) {
    Tally tally("D2");
    for_each_accepted(e, [&](const PartitionEvidence& p, SendRef ref, const SendOp& send) {
        if (!p.is_log_readable()) {
            if (!tally.is_undecided() && is_durable(send, *p.facts)) {
                tally.leave_undecided(no_log(p));
            }
            return;
        }
        tally.exercise();
        if (e.is_in_log(ref)) return;
        const Claim claim = durable_claim(send, *p.facts);
        tally.violate(!claim.holds, [&] { return acked_lost(e, p, ref, claim); });
    });
    return std::move(tally).finish("no send was acknowledged");
}

Check check_unseen(const Evidence& e) {
    Tally tally("D3");
    for (const PartitionEvidence& p : e.partitions) {
        if (p.max_read == kNoOffset) continue;  // nobody wanted to read it
        tally.exercise(p.acknowledged.size());
        for (const Acknowledged& a : p.acknowledged) {
            if (a.offset <= p.max_read || e.is_read(a.ref)) continue;
            // Late and lost look the same from outside: the log decides, and D2 speaks for it.
            if (!p.is_log_readable() && !tally.is_undecided()) {
                tally.leave_undecided(
                    fmt::format("{} was never read and {} has no log to look it up in",
                                record_text(e.history, a.ref.uid()), p.name));
            }
            tally.violate(true, [&] { return unseen(e, p, a.ref); });
        }
    }
    return std::move(tally).finish("no partition had both acknowledged sends and reads");
}

Check check_lost_after_read(const Evidence& e) {
    struct Mismatch {
        Offset offset;
        RecordUid uid;
        std::uint32_t poll;
        bool operator<(const Mismatch& o) const {
            if (offset != o.offset) return offset < o.offset;
            return uid != o.uid ? uid < o.uid : poll < o.poll;
        }
    };
    Tally tally("D4");
    for (const PartitionEvidence& p : e.partitions) {
        std::vector<Mismatch> mismatches;
        for (const std::uint32_t i : p.polls) {
            const PollOp& poll = e.history.polls[i];
            for (std::uint32_t r = 0; r < poll.records; ++r) {
                const Offset offset = e.offset_of(poll, r);
                if (offset < p.facts->log_start_offset) continue;
                const RecordUid uid = e.uid_of(poll, r);
                if (p.is_log_readable()) {
                    const FinalRecord* record = p.in_log(offset);
                    if (record != nullptr && record->uid == uid) {
                        tally.exercise();
                        continue;
                    }
                }
                const SendOp* send = e.genuine(p.partition, uid);
                if (send == nullptr) continue;
                if (!p.is_log_readable()) {
                    if (!tally.is_undecided() &&
                        read_claim(offset, send->invoked, *p.facts).holds) {
                        tally.leave_undecided(no_log(p));
                    }
                    continue;
                }
                tally.exercise();
                mismatches.push_back({offset, uid, i});
            }
        }
        // One finding a record, however often it was read.
        std::sort(mismatches.begin(), mismatches.end());
        const Mismatch* before = nullptr;
        for (const Mismatch& m : mismatches) {
            const bool is_same =
                before != nullptr && before->offset == m.offset && before->uid == m.uid;
            before = &m;
            if (is_same) continue;
            const SendRef ref{History::client_of(m.uid),
                              static_cast<std::uint32_t>(History::sequence_of(m.uid))};
            const Claim claim = read_claim(m.offset, e.send(ref).invoked, *p.facts);
            tally.violate(!claim.holds, [&] {
                const PollOp& poll = e.history.polls[m.poll];
                const std::string reader = client_of_process_text(e.history, poll.process);
                const std::string record = record_text(e.history, m.uid);
                Violation v = begin(p, m.offset, m.uid, poll.completed);
                v.because = claim.because();
                v.summary = fmt::format("{}: {}, read by {} at {}, is gone at the end",
                                        place_text(p.name, m.offset), record, reader,
                                        seconds_text(poll.completed));
                v.explanation = {
                    fmt::format("{} read {} at offset {} of {} at {}, so it was committed.", reader,
                                record, m.offset.value, p.name, seconds_text(poll.completed)),
                    fmt::format("At the end of the run {}.", e.logged(p, m.offset).text),
                    conclusion(claim)};
                v.witnesses = {e.sent(ref), e.answered(ref), e.read(poll, m.offset, m.uid),
                               e.logged(p, m.offset)};
                e.add_fact(v.witnesses, p, claim);
                v.nodes = {e.node_of_process(poll.process), e.client(ref.client).node};
                return v;
            });
        }
    }
    return std::move(tally).finish("nothing was read");
}

Check check_healthy_loss(const Evidence& e) {
    Tally tally("D9");
    if (e.facts.any_fault) return std::move(tally).finish("faults were injected: not healthy");
    const auto claim_for = [&](const PartitionEvidence& p, const SendOp& send) {
        ClaimQuery query;
        query.facts = p.facts;
        query.since = send.invoked;
        query.offset = send.offset;
        query.acks = send.acks;
        return claim_of(Promise::durable_healthy, query);
    };
    for (const PartitionEvidence& p : e.partitions) {
        if (!p.is_log_readable() && !p.acknowledged.empty() &&
            claim_for(p, e.send(p.acknowledged.back().ref)).holds) {
            tally.leave_undecided(no_log(p));
        }
    }
    const auto lose = [&](const PartitionEvidence& p, SendRef ref, auto&& describe) {
        const Claim claim = claim_for(p, e.send(ref));
        tally.violate(!claim.holds, [&] {
            Violation v = describe(e, p, ref, claim);
            v.summary += ", in a run without any fault";
            return v;
        });
    };
    for_each_accepted(e, [&](const PartitionEvidence& p, SendRef ref, const SendOp&) {
        tally.exercise();
        if (p.is_log_readable() && !e.is_in_log(ref)) lose(p, ref, acked_lost);
    });
    // And what the log has, or nobody can look up, but consumers passed over.
    for (const PartitionEvidence& p : e.partitions) {
        if (p.polls.empty() || p.acknowledged.empty()) continue;
        const Passed passed(e, p);
        for (const Acknowledged& a : p.acknowledged) {
            if (a.offset > p.max_read || e.is_read(a.ref)) continue;
            if (!passed.of(a.offset, a.completed).was_in_range) continue;
            if (p.is_log_readable() && !e.is_in_log(a.ref)) continue;
            lose(p, a.ref, lost_write);
        }
    }
    return std::move(tally).finish("no send was acknowledged");
}

Check check_phantom_read(const Evidence& e) {
    Tally tally("D10");
    for (const PartitionEvidence& p : e.partitions) {
        for (const std::uint32_t i : p.polls) {
            const PollOp& poll = e.history.polls[i];
            tally.exercise(poll.records);
            for (std::uint32_t r = 0; r < poll.records; ++r) {
                const RecordUid uid = e.uid_of(poll, r);
                if (e.is_genuine(p, e.offset_of(poll, r), uid)) continue;
                ClaimQuery query;
                query.facts = p.facts;
                const Claim claim = claim_of(Promise::read_genuine, query);
                tally.violate(!claim.holds, [&] {
                    const Offset offset = e.offset_of(poll, r);
                    const SendOp* elsewhere = e.history.send_of(uid);
                    const std::string reader = client_of_process_text(e.history, poll.process);
                    Violation v = begin(p, offset, uid, poll.completed);
                    v.because = claim.because();
                    v.summary = fmt::format(
                        "{}: {} read {} at {}, which nobody sent there", place_text(p.name, offset),
                        reader, record_text(e.history, uid), seconds_text(poll.completed));
                    v.explanation = {
                        fmt::format("A poll of {} returned {} at offset {} of {} at {}.", reader,
                                    record_text(e.history, uid), offset.value, p.name,
                                    seconds_text(poll.completed)),
                        elsewhere == nullptr
                            ? std::string("However, no producer ever sent such a record.")
                            : fmt::format("However, it was sent to {}.",
                                          partition_text(e.facts, elsewhere->topic_partition())),
                        conclusion(claim)};
                    v.witnesses = {e.read(poll, offset, uid), e.logged(p, offset)};
                    v.nodes = {e.node_of_process(poll.process)};
                    return v;
                });
            }
        }
    }
    return std::move(tally).finish("nothing was read");
}

Check check_corrupted_read(const Evidence& e) {
    Tally tally("D11");
    for (const PartitionEvidence& p : e.partitions) {
        for (const std::uint32_t i : p.polls) {
            const PollOp& poll = e.history.polls[i];
            tally.exercise(poll.records);
            for (std::uint32_t r = 0; r < poll.records; ++r) {
                const ReadRecord& record = e.history.reads[poll.first_record + r];
                if ((record.flags & ReadRecord::kCorrupt) == 0) continue;
                ClaimQuery query;
                query.facts = p.facts;
                query.check_crcs = e.client(e.history.processes[poll.process].client).check_crcs;
                const Claim claim = claim_of(Promise::read_intact, query);
                tally.violate(!claim.holds, [&] {
                    const Offset offset = e.offset_of(poll, r);
                    const RecordUid uid = e.uid_of(poll, r);
                    const std::string reader = client_of_process_text(e.history, poll.process);
                    Violation v = begin(p, offset, uid, poll.completed);
                    v.because = claim.because();
                    v.summary =
                        fmt::format("{}: {} read {} at {} with other bytes than were sent",
                                    place_text(p.name, offset), reader, record_text(e.history, uid),
                                    seconds_text(poll.completed));
                    v.explanation = {
                        fmt::format("A poll of {} returned {} at offset {} of {} at {}.", reader,
                                    record_text(e.history, uid), offset.value, p.name,
                                    seconds_text(poll.completed)),
                        "Its key, value or headers differ from those that were sent.",
                        conclusion(claim)};
                    if (e.history.send_of(uid) != nullptr) {
                        v.witnesses.push_back(
                            e.sent({History::client_of(uid),
                                    static_cast<std::uint32_t>(History::sequence_of(uid))}));
                    }
                    v.witnesses.push_back(e.read(poll, offset, uid));
                    v.nodes = {e.node_of_process(poll.process)};
                    return v;
                });
            }
        }
    }
    return std::move(tally).finish("nothing was read");
}

}  // namespace tribunal
