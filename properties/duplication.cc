// Does a record stand in the log once, where its producer was told? X1, X2 and X3.
//
// A wrong offset in an acknowledgement looks like a duplicate to whoever trusts acknowledgements,
// so X1 looks at the final logs only. X2 looks at what clients saw, and leaves offset 0 out:
// brokers that answer a repeated batch with a zero have been seen (Jepsen on Bufstream).
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "properties/checkers.h"
#include "properties/tally.h"
#include "properties/wording.h"

namespace tribunal {
namespace {

struct Place {
    RecordUid uid;
    std::uint32_t partition = 0;  // into Evidence::partitions
    Offset offset;
    auto operator<=>(const Place&) const = default;
};

// Where a client saw a record: told by an acknowledgement, or read.
constexpr std::uint32_t kAcknowledgement = UINT32_MAX;
struct Sight {
    RecordUid uid;
    Offset offset;
    std::uint32_t poll = kAcknowledgement;  // into History::polls
    auto operator<=>(const Sight&) const = default;
};

SendRef ref_of(RecordUid uid) {
    return {History::client_of(uid), static_cast<std::uint32_t>(History::sequence_of(uid))};
}

// Where the duplicated records stand; a second scan, and only when there are any.
std::vector<Place> places_of(const Evidence& e, const std::vector<RecordUid>& sorted) {
    std::vector<Place> places;
    for (std::uint32_t i = 0; i < e.partitions.size(); ++i) {
        const PartitionEvidence& p = e.partitions[i];
        if (sorted.empty() || !p.is_log_readable()) continue;
        for (const FinalRecord& record : p.log->records) {
            if (std::binary_search(sorted.begin(), sorted.end(), record.uid)) {
                places.push_back({record.uid, i, record.offset});
            }
        }
    }
    std::sort(places.begin(), places.end());
    return places;
}

void leave_unreadable_undecided(const Evidence& e, Tally& tally) {
    for (const PartitionEvidence& p : e.partitions) {
        if (p.is_log_readable() || p.facts->deleted || !p.has_sends) continue;
        tally.leave_undecided(fmt::format(
            "{} has no readable log at the end: nothing can be said of its records", p.name));
    }
}

}  // namespace

Check check_duplicate(const Evidence& e) {
    Tally tally("X1");
    leave_unreadable_undecided(e, tally);
    for (const PartitionEvidence& p : e.partitions) {
        if (p.is_log_readable()) tally.exercise(p.log->records.size());
    }
    const std::vector<Place> places = places_of(e, e.duplicated);
    for (std::size_t begin = 0; begin < places.size();) {
        std::size_t end = begin;
        while (end < places.size() && places[end].uid == places[begin].uid) ++end;
        const Place* first = &places[begin];
        const Place* last = &places[end - 1];
        begin = end;

        const PartitionEvidence& p = e.partitions[first->partition];
        const PartitionEvidence& other = e.partitions[last->partition];
        const SendRef ref = ref_of(first->uid);
        const SendOp& send = e.send(ref);
        ClaimQuery query;
        query.facts = p.facts;
        const Claim claim = first->partition != last->partition
                                ? claim_of(Promise::one_partition, query)
                                : duplicate_claim(e.client(ref.client), send, *p.facts);
        tally.violate(!claim.holds, [&] {
            const std::string record = record_text(e.history, first->uid);
            const Place& second = first[1];
            const PartitionEvidence& q = e.partitions[second.partition];
            Violation v;
            v.at = send.completed == kNever ? e.history.end : send.completed;
            v.partition = q.partition;
            v.has_partition = true;
            v.offset = second.offset;
            v.uid = first->uid;
            v.because = claim.because();
            v.summary = fmt::format("{}: {} stands at {} places, first at {}, sent once at {}",
                                    place_text(q.name, second.offset), record, last - first + 1,
                                    place_text(p.name, first->offset), seconds_text(send.invoked));
            v.explanation.push_back(
                fmt::format("{} gave {} to its producer once, at {}; {} carried it.",
                            client_text(e.history, ref.client), record, seconds_text(send.invoked),
                            send.attempts == 0 ? std::string("an unknown number of requests")
                                               : count_text(send.attempts, "request")));
            v.explanation.push_back(fmt::format(
                "However, the logs at the end have it at {} and again at {}.",
                place_text(p.name, first->offset), place_text(other.name, last->offset)));
            v.explanation.push_back(conclusion(claim));
            v.witnesses = {e.sent(ref), e.answered(ref)};
            for (const Place* place = first; place <= last; ++place) {
                v.witnesses.push_back(e.logged(e.partitions[place->partition], place->offset));
            }
            v.nodes = {e.client(ref.client).node};
            return v;
        });
    }
    return std::move(tally).finish("the logs are empty");
}

Check check_duplicate_nonzero(const Evidence& e) {
    Tally tally("X2");
    for (const PartitionEvidence& p : e.partitions) {
        // Nearly every read is where the acknowledgement said; the rest is looked at again.
        std::vector<Sight> sights;
        for (const Acknowledged& a : p.acknowledged) tally.exercise(a.offset == Offset{0} ? 0 : 1);
        for (const std::uint32_t i : p.polls) {
            const PollOp& poll = e.history.polls[i];
            for (std::uint32_t r = 0; r < poll.records; ++r) {
                const Offset offset = e.offset_of(poll, r);
                const RecordUid uid = e.uid_of(poll, r);
                if (offset == Offset{0} || !e.is_genuine(p, offset, uid)) continue;
                tally.exercise();
                const SendOp& send = e.send(ref_of(uid));
                if (send.outcome == Outcome::ok && send.offset == offset) continue;
                sights.push_back({uid, offset, i});
            }
        }
        if (sights.empty()) continue;
        std::sort(sights.begin(), sights.end());
        sights.erase(std::unique(sights.begin(), sights.end(),
                                 [](const Sight& a, const Sight& b) {
                                     return a.uid == b.uid && a.offset == b.offset;
                                 }),
                     sights.end());
        for (std::size_t begin = 0; begin < sights.size();) {
            std::size_t end = begin;
            while (end < sights.size() && sights[end].uid == sights[begin].uid) ++end;
            std::vector<Sight> of_one(sights.begin() + static_cast<std::ptrdiff_t>(begin),
                                      sights.begin() + static_cast<std::ptrdiff_t>(end));
            begin = end;
            const SendRef ref = ref_of(of_one.front().uid);
            const SendOp& send = e.send(ref);
            const bool was_told = send.outcome == Outcome::ok && send.offset > Offset{0} &&
                                  send.topic_partition() == p.partition;
            if (was_told) of_one.insert(of_one.begin(), {ref.uid(), send.offset});
            if (of_one.size() < 2) continue;

            Claim claim = duplicate_claim(e.client(ref.client), send, *p.facts);
            Claim excuse;
            std::size_t promised = 0;
            for (const Sight& sight : of_one) {
                const Claim seen = sight.poll == kAcknowledgement
                                       ? durable_claim(send, *p.facts)
                                       : read_claim(sight.offset, send.invoked, *p.facts);
                if (seen.holds) {
                    ++promised;
                } else {
                    excuse = seen;
                }
            }
            if (claim.holds && promised < 2) claim = excuse;
            tally.violate(!claim.holds, [&] {
                const std::string record = record_text(e.history, ref.uid());
                Violation v;
                v.partition = p.partition;
                v.has_partition = true;
                v.offset = of_one.back().offset;
                v.uid = ref.uid();
                v.because = claim.because();
                v.summary = fmt::format("{}: {} was seen here and at {}, sent once at {}",
                                        place_text(p.name, of_one.back().offset), record,
                                        of_one.front().offset.value, seconds_text(send.invoked));
                v.explanation.push_back(fmt::format("{} gave {} to its producer once, at {}.",
                                                    client_text(e.history, ref.client), record,
                                                    seconds_text(send.invoked)));
                v.witnesses.push_back(e.sent(ref));
                for (const Sight& sight : of_one) {
                    if (v.witnesses.size() == 7) break;
                    const Witness seen =
                        sight.poll == kAcknowledgement
                            ? e.answered(ref)
                            : e.read(e.history.polls[sight.poll], sight.offset, ref.uid());
                    v.at = std::max(v.at, seen.at);
                    v.explanation.push_back(
                        fmt::format("At {}, {}.", seconds_text(seen.at), seen.text));
                    v.witnesses.push_back(seen);
                }
                v.explanation.push_back(conclusion(claim));
                e.add_fact(v.witnesses, p, claim);
                v.nodes = {e.client(ref.client).node};
                return v;
            });
        }
    }
    return std::move(tally).finish("nothing was acknowledged or read beyond offset 0");
}

Check check_wrong_ack_offset(const Evidence& e) {
    Tally tally("X3");
    leave_unreadable_undecided(e, tally);
    std::vector<std::pair<RecordUid, std::uint32_t>> wrong;  // with the partition's number
    for (std::uint32_t i = 0; i < e.partitions.size(); ++i) {
        const PartitionEvidence& p = e.partitions[i];
        if (!p.is_log_readable()) continue;
        for (const Acknowledged& a : p.acknowledged) {
            if (a.offset < p.facts->log_start_offset || !e.is_in_log(a.ref)) continue;
            tally.exercise();
            const FinalRecord* record = p.in_log(a.offset);
            if (record == nullptr || record->uid != a.ref.uid()) {
                wrong.emplace_back(a.ref.uid(), i);
            }
        }
    }
    std::sort(wrong.begin(), wrong.end());
    std::vector<RecordUid> uids;
    for (const auto& [uid, unused] : wrong) uids.push_back(uid);
    const std::vector<Place> places = places_of(e, uids);
    for (const auto& [uid, number] : wrong) {
        const PartitionEvidence& p = e.partitions[number];
        const SendRef ref = ref_of(uid);
        const SendOp& send = e.send(ref);
        // Once the record itself is promised, so is what was said of it.
        Claim claim = durable_claim(send, *p.facts);
        if (claim.holds) {
            ClaimQuery query;
            query.facts = p.facts;
            claim = claim_of(Promise::told_offset, query);
        }
        const auto place =
            std::lower_bound(places.begin(), places.end(), Place{uid, number, kNoOffset});
        tally.violate(!claim.holds, [&] {
            const std::string record = record_text(e.history, uid);
            Violation v;
            v.at = send.completed;
            v.partition = p.partition;
            v.has_partition = true;
            v.offset = send.offset;
            v.uid = uid;
            v.because = claim.because();
            v.summary =
                fmt::format("{}: {} was told this offset for {} at {}, which stands at {}",
                            place_text(p.name, send.offset), client_text(e.history, ref.client),
                            record, seconds_text(send.completed), place->offset.value);
            v.explanation = {
                fmt::format("{} sent {} to {} at {} with {} and was told at {} that it stands at "
                            "offset {}.",
                            client_text(e.history, ref.client), record, p.name,
                            seconds_text(send.invoked), acks_text(send.acks),
                            seconds_text(send.completed), send.offset.value),
                fmt::format("However, the log at the end has it at offset {}, and {}.",
                            place->offset.value, e.logged(p, send.offset).text),
                conclusion(claim)};
            v.witnesses = {e.sent(ref), e.answered(ref), e.logged(p, send.offset),
                           e.logged(p, place->offset)};
            e.add_fact(v.witnesses, p, claim);
            v.nodes = {e.client(ref.client).node};
            return v;
        });
    }
    return std::move(tally).finish("no acknowledged record is in a log");
}

}  // namespace tribunal
