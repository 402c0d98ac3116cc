// Do acknowledged offsets tell one story? O1 (one value an offset), O2 and O3 (a producer's own
// order), O9 (order across producers), O10 (end offsets).
//
// O2 and O9 are the same rule, "what was sent after an acknowledgement stands behind it", within
// one process and between two: each inversion is told once. A record counts at its acknowledged
// offset.
//
// Every search for "is there an earlier send with a higher offset" runs twice in one scan: over all
// sends, and over those whose durability this configuration promises. An inversion is illegal only
// between two promised records, because a record that may vanish frees its offset.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "properties/checkers.h"
#include "properties/tally.h"
#include "properties/wording.h"

namespace tribunal {
namespace {

// An acknowledged send as the scans see it; `i` is its place in PartitionEvidence::acknowledged.
struct Sent {
    const SendOp* op = nullptr;
    std::uint32_t i = 0;
};

Sent sent_at(const Evidence& e, const PartitionEvidence& p, std::uint32_t i) {
    return {&e.send(p.acknowledged[i]), i};
}

// Places in `acknowledged` in order of an instant; ties in order of client and call. Clients number
// their calls in order of time, so this is a merge of few sorted runs.
template <class InstantOf>
std::vector<std::pair<Instant, std::uint32_t>> in_order_of(const Evidence& e,
                                                           const PartitionEvidence& p,
                                                           InstantOf&& instant_of) {
    std::vector<std::pair<Instant, std::uint32_t>> order;
    order.reserve(p.acknowledged.size());
    for (std::uint32_t i = 0; i < p.acknowledged.size(); ++i) {
        order.emplace_back(instant_of(e.send(p.acknowledged[i])), i);
    }
    if (!std::is_sorted(order.begin(), order.end())) std::sort(order.begin(), order.end());
    return order;
}

// The completed sends with the highest offsets, of two different processes: whoever asks, one of
// them is of another process.
class Highest {
  public:
    void add(const Sent& s) {
        if (first_.op != nullptr && first_.op->process == s.op->process) {
            if (s.op->offset > first_.op->offset) first_ = s;
        } else if (first_.op == nullptr || s.op->offset > first_.op->offset) {
            second_ = std::exchange(first_, s);
        } else if (second_.op == nullptr || s.op->offset > second_.op->offset) {
            second_ = s;
        }
    }
    Sent of_another_process(std::uint16_t process) const {
        return first_.op != nullptr && first_.op->process == process ? second_ : first_;
    }

  private:
    Sent first_;
    Sent second_;
};

// The sends of one process that are still under way, as far as they can matter: those with a higher
// offset than every one that completes later. In an orderly run that is one send.
class UnderWay {
  public:
    // The one with the highest offset among those that had not completed at `now`.
    Sent highest(Instant now) {
        while (begin_ < front_.size() && front_[begin_].op->completed < now) ++begin_;
        return begin_ < front_.size() ? front_[begin_] : Sent{};
    }
    void add(const Sent& s) {
        // By completion, offsets fall: what completes no later and stands no higher is covered.
        std::size_t at = front_.size();
        while (at > begin_ && front_[at - 1].op->completed > s.op->completed) --at;
        if (at < front_.size() && front_[at].op->offset >= s.op->offset) return;
        std::size_t covered = at;
        while (covered > begin_ && front_[covered - 1].op->offset <= s.op->offset) --covered;
        const auto begin = front_.begin();
        if (covered < at) {
            front_[covered] = s;
            front_.erase(begin + static_cast<std::ptrdiff_t>(covered) + 1,
                         begin + static_cast<std::ptrdiff_t>(at));
        } else {
            front_.insert(begin + static_cast<std::ptrdiff_t>(at), s);
        }
        if (begin_ > 1024 && begin_ * 2 > front_.size()) {
            front_.erase(front_.begin(), front_.begin() + static_cast<std::ptrdiff_t>(begin_));
            begin_ = 0;
        }
    }

  private:
    std::vector<Sent> front_;
    std::size_t begin_ = 0;
};

bool is_inversion(const Sent& earlier, const Sent& later) {
    return earlier.op != nullptr && earlier.op->offset >= later.op->offset;
}

// The claim that an inversion breaks: both records stay and `order` holds; or the first that fails.
Claim pair_claim(const Claim& order, const Sent& a, const Sent& b, const PartitionFacts& facts) {
    if (!order.holds) return order;
    const Claim first = durable_claim(*a.op, facts);
    if (!first.holds) return first;
    const Claim second = durable_claim(*b.op, facts);
    return second.holds ? order : second;
}

std::string told(const Evidence& e, SendRef ref) {
    const SendOp& send = e.send(ref);
    return fmt::format("{} sent {} at {} and was told offset {} at {}",
                       client_text(e.history, ref.client), record_text(e.history, ref.uid()),
                       seconds_text(send.invoked), send.offset.value, seconds_text(send.completed));
}

// `a` was sent first and stands behind, or at the same offset.
Violation inversion(const Evidence& e, const PartitionEvidence& p, const Sent& a, const Sent& b,
                    const Claim& claim, std::string_view how) {
    const SendRef first = p.acknowledged[a.i];
    const SendRef second = p.acknowledged[b.i];
    Violation v;
    v.at = std::max(a.op->completed, b.op->completed);
    v.partition = p.partition;
    v.has_partition = true;
    v.offset = b.op->offset;
    v.uid = second.uid();
    v.because = claim.because();
    v.summary = fmt::format("{}: {} stands at {}, sent at {} {} {} at {}", p.name,
                            record_text(e.history, second.uid()), b.op->offset.value,
                            seconds_text(b.op->invoked), how, record_text(e.history, first.uid()),
                            a.op->offset.value);
    v.explanation = {
        fmt::format("{}.", told(e, first)), fmt::format("{}.", told(e, second)),
        fmt::format("{} was sent {} {}; however, it stands {}.",
                    record_text(e.history, second.uid()), how, record_text(e.history, first.uid()),
                    a.op->offset == b.op->offset
                        ? std::string("at the same offset")
                        : fmt::format("{} before it in the log",
                                      count_text(static_cast<std::uint64_t>(a.op->offset.value -
                                                                            b.op->offset.value),
                                                 "offset"))),
        conclusion(claim)};
    v.witnesses = {e.sent(first),      e.answered(first),         e.sent(second),
                   e.answered(second), e.logged(p, a.op->offset), e.logged(p, b.op->offset)};
    e.add_fact(v.witnesses, p, claim);
    v.nodes = {e.client(first.client).node, e.client(second.client).node};
    return v;
}

Claim append_claim(const PartitionEvidence& p) {
    ClaimQuery query;
    query.facts = p.facts;
    return claim_of(Promise::append_order, query);
}

// Visits every acknowledged send in order of invocation, after every send that had completed
// before: completed(send, is_durable), then invoked(send, is_durable).
template <class Completed, class Invoked>
void sweep(const Evidence& e, const PartitionEvidence& p, Completed&& completed,
           Invoked&& invoked) {
    const auto by_invocation = in_order_of(e, p, [](const SendOp& s) { return s.invoked; });
    const auto by_completion = in_order_of(e, p, [](const SendOp& s) { return s.completed; });
    std::size_t done = 0;
    for (const auto& [now, i] : by_invocation) {
        // At the same instant nobody knows which came first.
        for (; done < by_completion.size() && by_completion[done].first < now; ++done) {
            const std::uint32_t d = by_completion[done].second;
            completed(sent_at(e, p, d), p.durable[d] != 0);
        }
        invoked(sent_at(e, p, i), p.durable[i] != 0);
    }
}

// One finding of O2, O3 or O9: a send B and the highest send A that it should stand behind, among
// all and among the promised ones.
void judge_pair(const Evidence& e, const PartitionEvidence& p, Tally& tally, const Claim& order,
                const Sent& highest, const Sent& highest_durable, const Sent& b, bool is_b_durable,
                std::string_view how) {
    if (highest.op == nullptr) return;
    tally.exercise();
    if (!is_inversion(highest, b)) return;
    const bool is_illegal = order.holds && is_b_durable && is_inversion(highest_durable, b);
    const Sent& a = is_illegal ? highest_durable : highest;
    tally.violate(!is_illegal,
                  [&] { return inversion(e, p, a, b, pair_claim(order, a, b, *p.facts), how); });
}

}  // namespace

Check check_inconsistent_offsets(const Evidence& e) {
    struct Value {
        Offset offset;
        RecordUid uid;
        bool is_read = false;
        std::uint32_t i = 0;  // poll or acknowledged send
        auto operator<=>(const Value&) const = default;
    };
    Tally tally("O1");
    for (const PartitionEvidence& p : e.partitions) {
        // First the offsets that are not unanimous: normally none, and then nothing is collected.
        std::vector<std::uint8_t> is_disputed(p.slots.size());
        bool any = false;
        const auto meet = [&](Offset offset, RecordUid uid) {
            const std::size_t slot = p.slots.slot_of(offset);
            if (p.values[slot] != uid) any = true, is_disputed[slot] = 1;
        };
        const auto for_each_read = [&](auto&& visit) {
            for (const std::uint32_t i : p.polls) {
                const PollOp& poll = e.history.polls[i];
                for (std::uint32_t r = 0; r < poll.records; ++r) {
                    const RecordUid uid = e.uid_of(poll, r);
                    if (e.genuine(p.partition, uid) != nullptr) {
                        visit(e.offset_of(poll, r), uid, i);
                    }
                }
            }
        };
        for (const SendRef ref : p.acknowledged) meet(e.send(ref).offset, ref.uid());
        for_each_read([&](Offset offset, RecordUid uid, std::uint32_t) { meet(offset, uid); });
        for (const RecordUid value : p.values) tally.exercise(value != kNoUid ? 1 : 0);
        if (!any) continue;

        std::vector<Value> values;
        for (std::uint32_t i = 0; i < p.acknowledged.size(); ++i) {
            const SendRef ref = p.acknowledged[i];
            const Offset offset = e.send(ref).offset;
            if (is_disputed[p.slots.slot_of(offset)] == 0) continue;
            values.push_back({offset, ref.uid(), false, i});
        }
        for_each_read([&](Offset offset, RecordUid uid, std::uint32_t i) {
            if (is_disputed[p.slots.slot_of(offset)] == 0) return;
            values.push_back({offset, uid, true, i});
        });
        std::sort(values.begin(), values.end());

        const auto claim_of_value = [&](const Value& value) {
            if (!value.is_read) return durable_claim(e.send(p.acknowledged[value.i]), *p.facts);
            return read_claim(value.offset, e.history.send_of(value.uid)->invoked, *p.facts);
        };
        for (std::size_t begin = 0; begin < values.size();) {
            std::size_t end = begin;
            while (end < values.size() && values[end].offset == values[begin].offset) ++end;
            // Of each record the observation that says most: one that the claim covers.
            std::vector<std::pair<Value, Claim>> told_of;
            std::size_t promised = 0;
            for (std::size_t i = begin; i < end; ++i) {
                const Claim claim = claim_of_value(values[i]);
                if (told_of.empty() || told_of.back().first.uid != values[i].uid) {
                    told_of.emplace_back(values[i], claim);
                    promised += claim.holds ? 1 : 0;
                } else if (claim.holds && !told_of.back().second.holds) {
                    told_of.back() = {values[i], claim};
                    ++promised;
                }
            }
            begin = end;
            const bool is_allowed = promised < 2;
            // The promised ones first: two of them are the contradiction.
            std::stable_partition(told_of.begin(), told_of.end(),
                                  [](const auto& t) { return t.second.holds; });
            tally.violate(is_allowed, [&] {
                const Offset offset = told_of.front().first.offset;
                const Claim& claim = is_allowed ? told_of.back().second : told_of.front().second;
                Violation v;
                v.partition = p.partition;
                v.has_partition = true;
                v.offset = offset;
                v.uid = told_of.front().first.uid;
                v.because = claim.because();
                std::string records;
                for (const auto& [value, unused] : told_of) {
                    records += records.empty() ? "" : " and ";
                    records += record_text(e.history, value.uid);
                }
                v.explanation.push_back(fmt::format(
                    "An offset is a record's name for good: {} can have one value only.",
                    place_text(p.name, offset)));
                for (const auto& [value, unused] : told_of) {
                    if (v.witnesses.size() == 6) break;
                    if (value.is_read) {
                        const PollOp& poll = e.history.polls[value.i];
                        v.witnesses.push_back(e.read(poll, offset, value.uid));
                        v.nodes.push_back(e.node_of_process(poll.process));
                    } else {
                        const SendRef ref = p.acknowledged[value.i];
                        v.witnesses.push_back(e.answered(ref));
                        v.nodes.push_back(e.client(ref.client).node);
                    }
                    const Witness& w = v.witnesses.back();
                    v.at = std::max(v.at, w.at);
                    v.explanation.push_back(fmt::format("At {}, {}.", seconds_text(w.at), w.text));
                }
                v.summary = fmt::format("{}: held {}, the last one seen at {}",
                                        place_text(p.name, offset), records, seconds_text(v.at));
                v.explanation.push_back(conclusion(claim));
                v.witnesses.push_back(e.logged(p, offset));
                e.add_fact(v.witnesses, p, claim);
                return v;
            });
        }
    }
    return std::move(tally).finish("no offset was acknowledged or read");
}

Check check_nonmonotonic_send(const Evidence& e) {
    Tally tally("O2");
    struct Best {
        Sent all;
        Sent durable;
    };
    const auto raise = [](Sent& best, const Sent& s) {
        if (best.op == nullptr || s.op->offset > best.op->offset) best = s;
    };
    for (const PartitionEvidence& p : e.partitions) {
        if (p.acknowledged.empty()) continue;
        const Claim order = append_claim(p);
        std::vector<Best> best(e.history.processes.size());
        sweep(
            e, p,
            [&](const Sent& a, bool is_durable) {
                raise(best[a.op->process].all, a);
                if (is_durable) raise(best[a.op->process].durable, a);
            },
            [&](const Sent& b, bool is_durable) {
                const Best& before = best[b.op->process];
                judge_pair(e, p, tally, order, before.all, before.durable, b, is_durable,
                           "after the acknowledgement of");
            });
    }
    return std::move(tally).finish("no producer sent again after an acknowledgement");
}

Check check_append_order(const Evidence& e) {
    Tally tally("O9");
    for (const PartitionEvidence& p : e.partitions) {
        if (p.acknowledged.empty()) continue;
        const Claim order = append_claim(p);
        Highest all;
        Highest durable;
        sweep(
            e, p,
            [&](const Sent& a, bool is_durable) {
                all.add(a);
                if (is_durable) durable.add(a);
            },
            [&](const Sent& b, bool is_durable) {
                judge_pair(e, p, tally, order, all.of_another_process(b.op->process),
                           durable.of_another_process(b.op->process), b, is_durable,
                           "after the acknowledgement of");
            });
    }
    return std::move(tally).finish("no send followed an acknowledgement to another producer");
}

Check check_int_nonmonotonic_send(const Evidence& e) {
    Tally tally("O3");
    struct Flight {
        UnderWay all;
        UnderWay durable;
    };
    for (const PartitionEvidence& p : e.partitions) {
        // Calls of one client stand together, in order; a process follows another.
        Flight flight;
        Claim order;
        for (std::uint32_t i = 0; i < p.acknowledged.size(); ++i) {
            const SendRef ref = p.acknowledged[i];
            const Sent b = sent_at(e, p, i);
            const bool is_new_client = i == 0 || p.acknowledged[i - 1].client != ref.client;
            if (is_new_client) order = order_claim(e.client(ref.client), *p.facts);
            if (is_new_client || e.send(p.acknowledged[i - 1]).process != b.op->process) {
                flight = Flight{};
            }
            judge_pair(e, p, tally, order, flight.all.highest(b.op->invoked),
                       flight.durable.highest(b.op->invoked), b, p.durable[i] != 0,
                       "while under way together, after");
            flight.all.add(b);
            if (p.durable[i] != 0) flight.durable.add(b);
        }
    }
    return std::move(tally).finish("no two sends of a producer were under way together");
}

Check check_stale_end_offset(const Evidence& e) {
    Tally tally("O10");
    const auto& operations = e.history.operations;
    std::vector<std::vector<std::uint32_t>> calls(e.partitions.size());
    for (std::uint32_t i = 0; i < operations.size(); ++i) {
        const ClientOp& op = operations[i];
        if (op.kind != ClientOpKind::list_offsets_latest || op.outcome != Outcome::ok) continue;
        if (op.offset < Offset{0}) continue;
        if (const PartitionEvidence* p = e.find(op.partition)) {
            calls[static_cast<std::size_t>(p - e.partitions.data())].push_back(i);
        }
    }
    for (std::size_t number = 0; number < calls.size(); ++number) {
        if (calls[number].empty()) continue;
        const PartitionEvidence& p = e.partitions[number];
        // Does what happened excuse an end offset below something known since `since`?
        const auto claim_for = [&](Instant since, const ClientOp* call) {
            ClaimQuery query;
            query.facts = p.facts;
            query.since = since;
            if (call != nullptr) query.asked = call->invoked, query.answered = call->completed;
            return claim_of(Promise::end_offset, query);
        };

        // A known end: an answer that must not be undercut, from a send or an earlier call.
        struct Known {
            Offset end = kNoOffset;
            Instant since;
            const ClientOp* call = nullptr;
            SendRef send;
        };
        Known highest;
        Known highest_promised;
        const auto learn = [&](const Known& known) {
            if (known.end > highest.end) highest = known;
            if (known.end > highest_promised.end && claim_for(known.since, nullptr).holds) {
                highest_promised = known;
            }
        };

        std::vector<std::pair<Instant, std::uint32_t>> by_invocation;
        std::vector<std::pair<Instant, std::uint32_t>> by_completion;
        for (const std::uint32_t i : calls[number]) {
            by_invocation.emplace_back(operations[i].invoked, i);
            by_completion.emplace_back(operations[i].completed, i);
        }
        std::sort(by_invocation.begin(), by_invocation.end());
        std::sort(by_completion.begin(), by_completion.end());
        const auto sends = in_order_of(e, p, [](const SendOp& s) { return s.completed; });
        std::size_t next_send = 0;
        std::size_t next_call = 0;
        for (const auto& [invoked, i] : by_invocation) {
            const ClientOp* call = &operations[i];
            for (; next_send < sends.size() && sends[next_send].first < invoked; ++next_send) {
                const SendRef ref = p.acknowledged[sends[next_send].second];
                const SendOp& send = e.send(ref);
                if (send.acks == -1) learn({send.offset + 1, send.invoked, nullptr, ref});
            }
            for (; next_call < by_completion.size() && by_completion[next_call].first < invoked;
                 ++next_call) {
                const ClientOp* before = &operations[by_completion[next_call].second];
                learn({before->offset, before->invoked, before, {}});
            }
            if (highest.end == kNoOffset) continue;
            tally.exercise();
            if (call->offset >= highest.end) continue;
            const bool is_illegal = call->offset < highest_promised.end &&
                                    claim_for(highest_promised.since, call).holds;
            const Known known = is_illegal ? highest_promised : highest;
            tally.violate(!is_illegal, [&] {
                const Claim claim = claim_for(known.since, call);
                const std::string client = client_of_process_text(e.history, call->process);
                Violation v;
                v.at = call->completed;
                v.partition = p.partition;
                v.has_partition = true;
                v.offset = call->offset;
                v.because = claim.because();
                v.summary = fmt::format(
                    "{}: {} was told end offset {} at {}, though it had been {}", p.name, client,
                    call->offset.value, seconds_text(call->completed), known.end.value);
                if (known.call == nullptr) {
                    v.uid = known.send.uid();
                    v.explanation.push_back(fmt::format("{} with acks=all.", told(e, known.send)));
                    v.witnesses = {e.sent(known.send), e.answered(known.send)};
                    v.nodes.push_back(e.client(known.send.client).node);
                } else {
                    const std::string other =
                        client_of_process_text(e.history, known.call->process);
                    v.explanation.push_back(
                        fmt::format("{} asked for the end of {} at {} and was told {} at {}.",
                                    other, p.name, seconds_text(known.call->invoked),
                                    known.end.value, seconds_text(known.call->completed)));
                    v.witnesses = {
                        {known.call->completed, fmt::format("{} was told that {} ends at {}", other,
                                                            p.name, known.end.value)}};
                    v.nodes.push_back(e.node_of_process(known.call->process));
                }
                v.explanation.push_back(
                    fmt::format("{} asked after that, at {}; however, it was told {}.", client,
                                seconds_text(call->invoked), call->offset.value));
                v.explanation.push_back(conclusion(claim));
                v.witnesses.push_back(
                    {call->invoked, fmt::format("{} asked for the end of {}", client, p.name)});
                v.witnesses.push_back(
                    {call->completed, fmt::format("{} was told that {} ends at {}", client, p.name,
                                                  call->offset.value)});
                e.add_fact(v.witnesses, p, claim);
                v.nodes.push_back(e.node_of_process(call->process));
                return v;
            });
        }
    }
    return std::move(tally).finish("nobody asked for an end offset after an acknowledgement");
}

}  // namespace tribunal
