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
#include <functional>
#include <utility>

#include <fmt/format.h>

#include "properties/checkers.h"
#include "properties/tally.h"
#include "properties/wording.h"

namespace tribunal {
namespace {

// The sends of a partition as they complete, seen in order of invocation. Only those under way wait
// in a heap, so nothing is sorted.
class Completing {
  public:
    explicit Completing(const PartitionEvidence& partition) : sends_(partition.acknowledged) {}
    // Visits each send that completed before `now`, once; `now` never goes back. At the same
    // instant nobody knows which came first, so it does not count as before.
    template <class Visit>
    void advance(Instant now, Visit&& visit) {
        for (; next_ < sends_.size() && sends_[next_].invoked < now; ++next_) {
            under_way_.emplace_back(sends_[next_].completed, next_);
            std::push_heap(under_way_.begin(), under_way_.end(), std::greater<>{});
        }
        while (!under_way_.empty() && under_way_.front().first < now) {
            const Acknowledged& send = sends_[under_way_.front().second];
            std::pop_heap(under_way_.begin(), under_way_.end(), std::greater<>{});
            under_way_.pop_back();
            visit(send);
        }
    }

  private:
    const std::vector<Acknowledged>& sends_;
    std::size_t next_ = 0;
    std::vector<std::pair<Instant, std::size_t>> under_way_;
};

// The completed sends with the highest offsets, of two different processes: whoever asks, one of
// them is of another process.
class Highest {
  public:
    void add(const Acknowledged& s) {
        if (first_ != nullptr && first_->process == s.process) {
            if (s.offset > first_->offset) first_ = &s;
        } else if (first_ == nullptr || s.offset > first_->offset) {
            second_ = std::exchange(first_, &s);
        } else if (second_ == nullptr || s.offset > second_->offset) {
            second_ = &s;
        }
    }
    const Acknowledged* of_another_process(std::uint16_t process) const {
        return first_ != nullptr && first_->process == process ? second_ : first_;
    }

  private:
    const Acknowledged* first_ = nullptr;
    const Acknowledged* second_ = nullptr;
};

// The sends of one process that are still under way, as far as they can matter: those with a higher
// offset than every one that completes later. In an orderly run that is one send.
class UnderWay {
  public:
    // The one with the highest offset among those that had not completed at `now`.
    const Acknowledged* highest(Instant now) {
        while (begin_ < front_.size() && front_[begin_]->completed < now) ++begin_;
        return begin_ < front_.size() ? front_[begin_] : nullptr;
    }
    void add(const Acknowledged& s) {
        // By completion, offsets fall: what completes no later and stands no higher is covered.
        std::size_t at = front_.size();
        while (at > begin_ && front_[at - 1]->completed > s.completed) --at;
        if (at < front_.size() && front_[at]->offset >= s.offset) return;
        std::size_t covered = at;
        while (covered > begin_ && front_[covered - 1]->offset <= s.offset) --covered;
        const auto begin = front_.begin();
        if (covered < at) {
            front_[covered] = &s;
            front_.erase(begin + static_cast<std::ptrdiff_t>(covered) + 1,
                         begin + static_cast<std::ptrdiff_t>(at));
        } else {
            front_.insert(begin + static_cast<std::ptrdiff_t>(at), &s);
        }
        if (begin_ > 1024 && begin_ * 2 > front_.size()) {
            front_.erase(front_.begin(), front_.begin() + static_cast<std::ptrdiff_t>(begin_));
            begin_ = 0;
        }
    }

  private:
    std::vector<const Acknowledged*> front_;
    std::size_t begin_ = 0;
};

bool is_inversion(const Acknowledged* earlier, const Acknowledged& later) {
    return earlier != nullptr && earlier->offset >= later.offset;
}

// The claim that an inversion breaks: both records stay and `order` holds; or the first that fails.
Claim pair_claim(const Evidence& e, const PartitionEvidence& p, const Claim& order,
                 const Acknowledged& a, const Acknowledged& b) {
    if (!order.holds) return order;
    const Claim first = durable_claim(e.send(a.ref), *p.facts);
    if (!first.holds) return first;
    const Claim second = durable_claim(e.send(b.ref), *p.facts);
    return second.holds ? order : second;
}

std::string told(const Evidence& e, SendRef ref) {
    const SendOp& send = e.send(ref);
    return fmt::format("{} sent {} at {} and was told offset {} at {}",
                       client_text(e.history, ref.client), record_text(e.history, ref.uid()),
                       seconds_text(send.invoked), send.offset.value, seconds_text(send.completed));
}

// `a` was sent first and stands behind, or at the same offset.
Violation inversion(const Evidence& e, const PartitionEvidence& p, const Acknowledged& a,
                    const Acknowledged& b, const Claim& claim, std::string_view how) {
    const SendRef first = a.ref;
    const SendRef second = b.ref;
    Violation v;
    v.at = std::max(a.completed, b.completed);
    v.partition = p.partition;
    v.has_partition = true;
    v.offset = b.offset;
    v.uid = second.uid();
    v.because = claim.because();
    v.summary =
        fmt::format("{}: {} stands at {}, sent at {} {} {} at {}", p.name,
                    record_text(e.history, second.uid()), b.offset.value, seconds_text(b.invoked),
                    how, record_text(e.history, first.uid()), a.offset.value);
    v.explanation = {
        fmt::format("{}.", told(e, first)), fmt::format("{}.", told(e, second)),
        fmt::format("{} was sent {} {}; however, it stands {}.",
                    record_text(e.history, second.uid()), how, record_text(e.history, first.uid()),
                    a.offset == b.offset
                        ? std::string("at the same offset")
                        : fmt::format("{} before it in the log",
                                      count_text(static_cast<std::uint64_t>(a.offset.value -
                                                                            b.offset.value),
                                                 "offset"))),
        conclusion(claim)};
    v.witnesses = {e.sent(first),      e.answered(first),     e.sent(second),
                   e.answered(second), e.logged(p, a.offset), e.logged(p, b.offset)};
    e.add_fact(v.witnesses, p, claim);
    v.nodes = {e.client(first.client).node, e.client(second.client).node};
    return v;
}

Claim append_claim(const PartitionEvidence& p) {
    ClaimQuery query;
    query.facts = p.facts;
    return claim_of(Promise::append_order, query);
}

// One finding of O2, O3 or O9: a send B and the highest send A that it should stand behind, among
// all and among the promised ones.
void judge_pair(const Evidence& e, const PartitionEvidence& p, Tally& tally, const Claim& order,
                const Acknowledged* highest, const Acknowledged* highest_durable,
                const Acknowledged& b, std::string_view how) {
    if (highest == nullptr) return;
    tally.exercise();
    if (!is_inversion(highest, b)) return;
    const bool is_illegal = order.holds && b.is_durable && is_inversion(highest_durable, b);
    const Acknowledged& a = is_illegal ? *highest_durable : *highest;
    tally.violate(!is_illegal,
                  [&] { return inversion(e, p, a, b, pair_claim(e, p, order, a, b), how); });
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
                    const Offset offset = e.offset_of(poll, r);
                    if (e.is_genuine(p, offset, uid)) visit(offset, uid, i);
                }
            }
        };
        for (const Acknowledged& a : p.acknowledged) meet(a.offset, a.ref.uid());
        for_each_read([&](Offset offset, RecordUid uid, std::uint32_t) { meet(offset, uid); });
        for (const RecordUid value : p.values) tally.exercise(value != kNoUid ? 1 : 0);
        if (!any) continue;

        std::vector<Value> values;
        for (std::uint32_t i = 0; i < p.acknowledged.size(); ++i) {
            const Acknowledged& a = p.acknowledged[i];
            if (is_disputed[p.slots.slot_of(a.offset)] == 0) continue;
            values.push_back({a.offset, a.ref.uid(), false, i});
        }
        for_each_read([&](Offset offset, RecordUid uid, std::uint32_t i) {
            if (is_disputed[p.slots.slot_of(offset)] == 0) return;
            values.push_back({offset, uid, true, i});
        });
        std::sort(values.begin(), values.end());

        ClaimQuery query;
        query.facts = p.facts;
        const Claim one_value = claim_of(Promise::one_value, query);
        const auto claim_of_value = [&](const Value& value) {
            if (!value.is_read) return durable_claim(e.send(p.acknowledged[value.i].ref), *p.facts);
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
            std::size_t next = 0;
            for (std::size_t i = 0; i < told_of.size(); ++i) {
                if (told_of[i].second.holds) std::swap(told_of[next++], told_of[i]);
            }
            tally.violate(is_allowed, [&] {
                const Offset offset = told_of.front().first.offset;
                const Claim claim = is_allowed ? told_of.back().second : one_value;
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
                        const SendRef ref = p.acknowledged[value.i].ref;
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
        const Acknowledged* all = nullptr;
        const Acknowledged* durable = nullptr;
    };
    const auto raise = [](const Acknowledged*& best, const Acknowledged& a) {
        if (best == nullptr || a.offset > best->offset) best = &a;
    };
    for (const PartitionEvidence& p : e.partitions) {
        if (p.acknowledged.empty()) continue;
        const Claim order = append_claim(p);
        std::vector<Best> best(e.history.processes.size());
        Completing completing(p);
        for (const Acknowledged& b : p.acknowledged) {
            completing.advance(b.invoked, [&](const Acknowledged& a) {
                raise(best[a.process].all, a);
                if (a.is_durable) raise(best[a.process].durable, a);
            });
            const Best& before = best[b.process];
            judge_pair(e, p, tally, order, before.all, before.durable, b,
                       "after the acknowledgement of");
        }
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
        Completing completing(p);
        for (const Acknowledged& b : p.acknowledged) {
            completing.advance(b.invoked, [&](const Acknowledged& a) {
                all.add(a);
                if (a.is_durable) durable.add(a);
            });
            judge_pair(e, p, tally, order, all.of_another_process(b.process),
                       durable.of_another_process(b.process), b, "after the acknowledgement of");
        }
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
        if (p.acknowledged.empty()) continue;
        std::vector<Claim> orders;
        for (const ClientInfo& client : e.history.clients) {
            orders.push_back(order_claim(client, *p.facts));
        }
        std::vector<Flight> flights(e.history.processes.size());
        for (const Acknowledged& b : p.acknowledged) {
            Flight& flight = flights[b.process];
            judge_pair(e, p, tally, orders[b.ref.client], flight.all.highest(b.invoked),
                       flight.durable.highest(b.invoked), b, "while under way together, after");
            flight.all.add(b);
            if (b.is_durable) flight.durable.add(b);
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
        Completing sends(p);
        std::size_t next_call = 0;
        for (const auto& [invoked, i] : by_invocation) {
            const ClientOp* call = &operations[i];
            sends.advance(invoked, [&](const Acknowledged& a) {
                if (a.acks == -1) learn({a.offset + 1, a.invoked, nullptr, a.ref});
            });
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
                    v.explanation.push_back(fmt::format("With acks=all, {}.", told(e, known.send)));
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
