#include "properties/naive_checkers.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "properties/claims.h"

namespace tribunal {
namespace {

struct Send {
    SendOp op;
    RecordUid uid;
    std::uint32_t client = 0;
    TopicPartition partition;
    bool is_acknowledged = false;  // ok, with a place
};
struct Read {
    const PollOp* poll = nullptr;
    std::size_t poll_number = 0;
    Offset offset;
    RecordUid uid;
    bool is_genuine = false;
    bool is_corrupt = false;
};

class Naive {
  public:
    explicit Naive(const RunLeftover& run) : run_(run), h_(run.history) {
        for (std::uint32_t c = 0; c < h_.sends.size(); ++c) {
            for (std::uint32_t n = 0; n < h_.sends[c].size(); ++n) {
                const SendOp& op = h_.sends[c][n];
                sends_.push_back(
                    {op, History::uid_of(c, n), c, op.topic_partition(),
                     op.outcome == Outcome::ok && op.offset >= Offset{0} && op.partition >= 0});
            }
        }
        for (std::size_t i = 0; i < h_.polls.size(); ++i) {
            const PollOp& poll = h_.polls[i];
            for (std::uint32_t r = 0; r < poll.records; ++r) {
                const ReadRecord& read = h_.reads[poll.first_record + r];
                const RecordUid uid = History::uid_of(read);
                const SendOp* send = h_.send_of(uid);
                const bool is_genuine =
                    send != nullptr && send->topic == poll.partition.topic.value &&
                    (send->partition < 0 || send->partition == poll.partition.partition);
                reads_.push_back({&poll, i,
                                  poll.base_offset + static_cast<std::int32_t>(read.offset_delta),
                                  uid, is_genuine, (read.flags & ReadRecord::kCorrupt) != 0});
            }
        }
    }

    std::map<std::string, NaiveCount> judge() {
        durability();
        reads();
        order_of_sends();
        order_of_polls();
        end_offsets();
        duplicates();
        sequences();
        liveness();
        return std::move(counts_);
    }

  private:
    void find(const char* id, bool holds) {
        ++counts_[id].found;
        if (!holds) ++counts_[id].allowed;
    }
    const PartitionFacts& facts(TopicPartition tp) const {
        const PartitionFacts* known = run_.facts.find(tp);
        return known == nullptr ? none_ : *known;
    }
    const FinalLog* readable_log(TopicPartition tp) const {
        for (const FinalLog& log : run_.logs) {
            if (log.partition == tp) return log.readable ? &log : nullptr;
        }
        return nullptr;
    }
    std::optional<RecordUid> logged(TopicPartition tp, Offset offset) const {
        if (const FinalLog* log = readable_log(tp)) {
            for (const FinalRecord& record : log->records) {
                if (record.offset == offset) return record.uid;
            }
        }
        return {};
    }
    bool is_in_log(TopicPartition tp, RecordUid uid) const {
        const FinalLog* log = readable_log(tp);
        return log != nullptr &&
               std::any_of(log->records.begin(), log->records.end(),
                           [&](const FinalRecord& record) { return record.uid == uid; });
    }
    const Send* send(RecordUid uid) const {
        for (const Send& s : sends_) {
            if (s.uid == uid) return &s;
        }
        return nullptr;
    }
    bool is_durable(const Send& s) const { return durable_claim(s.op, facts(s.partition)).holds; }
    bool is_accepted(const Send& s) const {
        return s.op.partition >= 0 &&
               (s.op.outcome == Outcome::ok ||
                (s.op.outcome == Outcome::info && s.op.acks == 0 && s.op.error == 0));
    }

    ClaimQuery query(const Send& s) const {
        ClaimQuery q;
        q.facts = &facts(s.partition);
        q.since = s.op.invoked;
        q.offset = s.op.offset;
        q.acks = s.op.acks;
        return q;
    }

    // auto.offset.reset of this process in between, or the lowest truncation that it was told of.
    const ClientOp* moved(ClientOpKind kind, TopicPartition tp, std::uint16_t process, Instant from,
                          Instant to) const {
        const ClientOp* lowest = nullptr;
        for (const ClientOp& op : h_.operations) {
            if (op.kind != kind || op.partition != tp || op.process != process) continue;
            if (op.invoked < from || op.invoked > to) continue;
            if (kind == ClientOpKind::reset) return &op;
            if (lowest == nullptr || op.offset < lowest->offset) lowest = &op;
        }
        return lowest;
    }
    const ClientOp* reset(TopicPartition tp, std::uint16_t process, Instant from,
                          Instant to) const {
        return moved(ClientOpKind::reset, tp, process, from, to);
    }
    const ClientOp* set_back(TopicPartition tp, std::uint16_t process, Instant from,
                             Instant to) const {
        return moved(ClientOpKind::truncation, tp, process, from, to);
    }
    // The poll of the same process and partition before this one, or -1.
    std::ptrdiff_t previous_poll(std::size_t number) const {
        const PollOp& poll = h_.polls[number];
        for (std::size_t i = number; i-- > 0;) {
            if (h_.polls[i].process == poll.process && h_.polls[i].partition == poll.partition &&
                h_.polls[i].records > 0) {
                return static_cast<std::ptrdiff_t>(i);
            }
        }
        return -1;
    }
    Offset start_of(std::size_t number) const {
        return std::min(h_.polls[number].position, h_.polls[number].base_offset);
    }
    // The first poll since which this one's process was left alone and did not go back.
    std::size_t first_of_reading(std::size_t number) const {
        const PollOp& poll = h_.polls[number];
        const std::ptrdiff_t before = previous_poll(number);
        if (before < 0) return number;
        const PollOp& previous = h_.polls[static_cast<std::size_t>(before)];
        if (previous.assignment != poll.assignment) return number;
        if (reset(poll.partition, poll.process, previous.invoked, poll.completed) != nullptr) {
            return number;
        }
        const std::size_t first = first_of_reading(static_cast<std::size_t>(before));
        return start_of(number) < start_of(first) ? number : first;
    }
    bool reaches(std::size_t number, Offset offset) const {
        return std::any_of(reads_.begin(), reads_.end(), [&](const Read& r) {
            return r.poll_number == number && r.offset >= offset;
        });
    }
    // The poll that began the next reading of the same process, or null.
    const PollOp* next_reading(std::size_t number) const {
        const PollOp& poll = h_.polls[number];
        for (std::size_t k = number + 1; k < h_.polls.size(); ++k) {
            const PollOp& later = h_.polls[k];
            const bool is_same = later.partition == poll.partition &&
                                 later.process == poll.process && later.records > 0;
            if (is_same && first_of_reading(k) != first_of_reading(number)) return &later;
        }
        return nullptr;
    }
    // It reached the offset, and the reading was not set back to it or below afterwards.
    bool stays_past(std::size_t number, Offset offset) const {
        if (!reaches(number, offset)) return false;
        const PollOp& poll = h_.polls[number];
        const PollOp* next = next_reading(number);
        const ClientOp* back = set_back(poll.partition, poll.process, poll.invoked,
                                        next == nullptr ? kNever : next->completed);
        return back == nullptr || back->offset > offset;
    }
    // Whether some consumer stood at or before the offset and, left alone, read it or beyond; and
    // when auto.offset.reset moved all those on, if they had read so far by `acknowledged`: those
    // whom no leader tells where the logs part.
    struct Chance {
        bool was_in_range = false;
        Instant reset_at = kNever;
    };
    Chance chance_of(TopicPartition tp, Offset offset, Instant acknowledged) const {
        Chance chance;
        for (std::size_t i = 0; i < h_.polls.size(); ++i) {
            const PollOp& poll = h_.polls[i];
            if (poll.partition != tp || poll.records == 0 || !stays_past(i, offset)) continue;
            const std::size_t first = first_of_reading(i);
            if (start_of(first) > offset) continue;
            const std::ptrdiff_t before = i == first ? -1 : previous_poll(i);
            bool is_crossing = true;
            for (std::ptrdiff_t k = before; k >= static_cast<std::ptrdiff_t>(first);
                 k = previous_poll(static_cast<std::size_t>(k))) {
                if (stays_past(static_cast<std::size_t>(k), offset)) is_crossing = false;
            }
            if (!is_crossing) continue;
            const PollOp* last = &poll;
            Instant next = kNever;
            for (std::size_t k = i + 1; k < h_.polls.size() && next == kNever; ++k) {
                const PollOp& later = h_.polls[k];
                if (later.partition != tp || later.process != poll.process || later.records == 0) {
                    continue;
                }
                if (first_of_reading(k) == first) {
                    last = &later;
                } else {
                    next = later.completed;
                }
            }
            const ClientOp* by = reset(tp, poll.process, last->invoked, next);
            if (by == nullptr || poll.completed > acknowledged) return {true, kNever};
            if (by->error == ErrorCode::offset_out_of_range &&
                h_.clients[h_.processes[poll.process].client].validates_position) {
                return {true, kNever};
            }
            chance = {true, std::min(chance.reset_at, by->invoked)};
        }
        return chance;
    }

    void durability() {
        for (const Send& s : sends_) {
            const PartitionFacts& f = facts(s.partition);
            bool is_lost = false;         // D1
            bool is_passed_over = false;  // and a consumer had a chance
            if (s.is_acknowledged) {
                const bool is_read = std::any_of(reads_.begin(), reads_.end(), [&](const Read& r) {
                    return r.uid == s.uid && r.is_genuine;
                });
                bool any_read = false;
                bool further = false;
                for (const Read& r : reads_) {
                    if (r.poll->partition != s.partition) continue;
                    any_read = true;
                    further = further || r.offset >= s.op.offset;
                }
                is_lost = !is_read && further;
                if (is_lost) {
                    const Chance chance = chance_of(s.partition, s.op.offset, s.op.completed);
                    is_passed_over = chance.was_in_range;
                    ClaimQuery q = query(s);
                    q.was_in_range = chance.was_in_range;
                    q.reset_at = chance.reset_at;
                    find("D1", claim_of(Promise::durable, q).holds);
                }
                if (any_read && !further && !is_read) {
                    find("D3", false);
                    if (readable_log(s.partition) == nullptr) counts_["D3"].is_undecided = true;
                }
            }
            const bool can_look = readable_log(s.partition) != nullptr;
            const bool is_gone = is_accepted(s) && can_look && !is_in_log(s.partition, s.uid);
            if (is_gone) find("D2", is_durable(s));
            if (is_accepted(s) && !can_look && is_durable(s)) counts_["D2"].is_undecided = true;
            if (!run_.facts.any_fault) {
                const bool holds = claim_of(Promise::durable_healthy, query(s)).holds;
                if (is_gone || is_passed_over) find("D9", holds);
                if (s.is_acknowledged && !can_look && holds) counts_["D9"].is_undecided = true;
            }
            if (s.is_acknowledged && is_in_log(s.partition, s.uid) &&
                s.op.offset >= f.log_start_offset && logged(s.partition, s.op.offset) != s.uid) {
                find("X3", is_durable(s));
            }
            if (s.op.partition >= 0 && !can_look && !f.deleted) {
                counts_["X1"].is_undecided = counts_["X3"].is_undecided = true;
            }
        }
    }

    void reads() {
        std::set<std::pair<TopicPartition, std::pair<Offset, RecordUid>>> gone;
        std::set<std::pair<TopicPartition, Offset>> places;
        for (const Read& r : reads_) {
            const TopicPartition tp = r.poll->partition;
            ClaimQuery q;
            q.facts = &facts(tp);
            q.check_crcs = h_.clients[h_.processes[r.poll->process].client].check_crcs;
            if (!r.is_genuine) find("D10", claim_of(Promise::read_genuine, q).holds);
            if (r.is_corrupt) find("D11", claim_of(Promise::read_intact, q).holds);
            if (!r.is_genuine) continue;
            places.insert({tp, r.offset});
            if (r.offset < facts(tp).log_start_offset) continue;
            const bool holds = read_claim(r.offset, h_.send_of(r.uid)->invoked, facts(tp)).holds;
            if (readable_log(tp) == nullptr) {
                if (holds) counts_["D4"].is_undecided = true;
            } else if (logged(tp, r.offset) != r.uid &&
                       gone.insert({tp, {r.offset, r.uid}}).second) {
                find("D4", holds);
            }
        }
        for (const Send& s : sends_) {
            if (s.is_acknowledged) places.insert({s.partition, s.op.offset});
        }
        for (const auto& [tp, offset] : places) {
            std::set<RecordUid> values;
            std::set<RecordUid> promised;
            for (const Send& s : sends_) {
                if (!s.is_acknowledged || s.partition != tp || s.op.offset != offset) continue;
                values.insert(s.uid);
                if (is_durable(s)) promised.insert(s.uid);
            }
            for (const Read& r : reads_) {
                if (!r.is_genuine || r.poll->partition != tp || r.offset != offset) continue;
                values.insert(r.uid);
                if (read_claim(offset, h_.send_of(r.uid)->invoked, facts(tp)).holds) {
                    promised.insert(r.uid);
                }
            }
            if (values.size() > 1) find("O1", promised.size() > 1);
        }
    }

    void order_of_sends() {
        for (const Send& b : sends_) {
            bool found[3] = {};
            bool illegal[3] = {};
            for (const Send& a : sends_) {
                if (!a.is_acknowledged || !b.is_acknowledged || a.partition != b.partition) {
                    continue;
                }
                if (a.op.offset < b.op.offset) continue;
                const bool is_before = a.op.completed < b.op.invoked;
                const bool is_same_process = a.op.process == b.op.process;
                const bool holds = is_durable(a) && is_durable(b);
                const auto note = [&](int which, bool is_promised) {
                    found[which] = true;
                    illegal[which] = illegal[which] || is_promised;
                };
                if (is_before && is_same_process) note(0, holds);
                if (is_before && !is_same_process) note(1, holds);
                if (!is_before && is_same_process && a.client == b.client && a.uid < b.uid) {
                    note(2, holds && order_claim(h_.clients[a.client], facts(a.partition)).holds);
                }
            }
            constexpr const char* kIds[] = {"O2", "O9", "O3"};
            for (int i = 0; i < 3; ++i) {
                if (found[i]) find(kIds[i], illegal[i]);
            }
        }
    }

    Instant sent_at(TopicPartition tp, RecordUid uid) const {
        const Send* s = send(uid);
        const bool is_genuine = s != nullptr && s->op.topic == tp.topic.value &&
                                (s->op.partition < 0 || s->op.partition == tp.partition);
        return is_genuine ? s->op.invoked : Instant{0};
    }
    // What the log has there, else what was sent first and acknowledged there, else the first read.
    RecordUid value_at(TopicPartition tp, Offset offset) const {
        if (const auto uid = logged(tp, offset)) return *uid;
        const Send* first = nullptr;
        for (const Send& s : sends_) {
            if (!s.is_acknowledged || s.partition != tp || s.op.offset != offset) continue;
            if (first == nullptr || s.op.invoked < first->op.invoked) first = &s;
        }
        if (first != nullptr) return first->uid;
        for (const Read& r : reads_) {
            if (r.is_genuine && r.poll->partition == tp && r.offset == offset) return r.uid;
        }
        return kNoUid;
    }

    void step(const Read& from, const Read& to, const char* backward, const char* skip) {
        const TopicPartition tp = to.poll->partition;
        ClaimQuery q;
        q.facts = &facts(tp);
        const ClientOp* by = reset(tp, to.poll->process, from.poll->invoked, to.poll->completed);
        if (by != nullptr) q.reset_at = by->invoked;
        const ClientOp* back = nullptr;
        if (from.poll_number != to.poll_number) {
            back = set_back(tp, to.poll->process, from.poll->invoked, to.poll->completed);
        }
        if (to.offset <= from.offset) {
            ClaimQuery backward_query = q;
            backward_query.since = sent_at(tp, from.uid);
            if (back != nullptr && to.offset >= back->offset) {
                backward_query.set_back_at = back->invoked;
            }
            find(backward, claim_of(Promise::goes_forward, backward_query).holds);
        }
        const Offset passed =
            back == nullptr ? from.offset : std::min(from.offset, back->offset + -1);
        std::set<Offset> existing;
        if (const FinalLog* log = readable_log(tp)) {
            for (const FinalRecord& record : log->records) existing.insert(record.offset);
        }
        for (const Read& r : reads_) {
            if (r.poll->partition == tp) existing.insert(r.offset);
        }
        bool any = false;
        bool holds = false;
        for (const Offset offset : existing) {
            if (offset <= passed || offset >= to.offset) continue;
            any = true;
            q.offset = offset;
            q.since = sent_at(tp, value_at(tp, offset));
            holds = holds || claim_of(Promise::skips_nothing, q).holds;
        }
        if (any) find(skip, holds);
    }

    void order_of_polls() {
        for (std::size_t i = 0; i < reads_.size(); ++i) {
            const Read& to = reads_[i];
            const bool is_first = i == 0 || reads_[i - 1].poll_number != to.poll_number;
            if (!is_first) {
                step(reads_[i - 1], to, "O5", "O6");
                continue;
            }
            const std::ptrdiff_t before = previous_poll(to.poll_number);
            if (before < 0) continue;
            if (h_.polls[static_cast<std::size_t>(before)].assignment != to.poll->assignment) {
                continue;
            }
            const Read* last = nullptr;
            for (const Read& r : reads_) {
                if (r.poll_number == static_cast<std::size_t>(before)) last = &r;
            }
            step(*last, to, "O7", "O8");
        }
    }

    void end_offsets() {
        const auto is_answer = [](const ClientOp& op) {
            return op.kind == ClientOpKind::list_offsets_latest && op.outcome == Outcome::ok &&
                   op.offset >= Offset{0};
        };
        for (const ClientOp& call : h_.operations) {
            if (!is_answer(call)) continue;
            bool found = false;
            bool illegal = false;
            const auto note = [&](Instant since) {
                ClaimQuery q;
                q.facts = &facts(call.partition);
                q.since = since;
                q.asked = call.invoked;
                q.answered = call.completed;
                found = true;
                illegal = illegal || claim_of(Promise::end_offset, q).holds;
            };
            for (const Send& s : sends_) {
                if (s.is_acknowledged && s.op.acks == -1 && s.partition == call.partition &&
                    s.op.completed < call.invoked && call.offset <= s.op.offset) {
                    note(s.op.invoked);
                }
            }
            for (const ClientOp& before : h_.operations) {
                if (is_answer(before) && before.partition == call.partition &&
                    before.completed < call.invoked && call.offset < before.offset) {
                    note(before.invoked);
                }
            }
            if (found) find("O10", illegal);
        }
    }

    void duplicates() {
        for (const Send& s : sends_) {
            std::set<TopicPartition> partitions;
            std::size_t places = 0;
            TopicPartition first;
            for (const FinalLog& log : run_.logs) {
                for (const FinalRecord& record : log.records) {
                    if (!log.readable || record.uid != s.uid) continue;
                    if (places++ == 0) first = log.partition;
                    partitions.insert(log.partition);
                }
            }
            std::set<TopicPartition> read_in;
            for (const Read& r : reads_) {
                if (r.is_genuine && r.uid == s.uid) read_in.insert(r.poll->partition);
            }
            for (const TopicPartition tp : read_in) sights(s, tp);
            if (places < 2) continue;
            const bool holds = partitions.size() > 1 ||
                               duplicate_claim(h_.clients[s.client], s.op, facts(first)).holds;
            find("X1", holds);
        }
    }

    // X2 of one record: the places at which clients saw it, but for offset 0.
    void sights(const Send& s, TopicPartition tp) {
        std::set<Offset> places;
        std::set<Offset> promised;
        const auto see = [&](Offset offset, bool holds) {
            if (offset == Offset{0}) return;
            places.insert(offset);
            if (holds) promised.insert(offset);
        };
        if (s.is_acknowledged && s.partition == tp) see(s.op.offset, is_durable(s));
        bool was_read = false;
        for (const Read& r : reads_) {
            if (!r.is_genuine || r.uid != s.uid || r.poll->partition != tp) continue;
            was_read = true;
            if (s.is_acknowledged && s.op.offset == r.offset) continue;
            see(r.offset, read_claim(r.offset, s.op.invoked, facts(tp)).holds);
        }
        if (places.size() < 2 || !was_read) return;
        const bool holds =
            duplicate_claim(h_.clients[s.client], s.op, facts(tp)).holds && promised.size() >= 2;
        find("X2", holds);
    }

    void sequences() {
        for (const FinalLog& log : run_.logs) {
            if (!log.readable || log.compacted) continue;
            for (std::size_t i = 0; i < log.batches.size(); ++i) {
                const FinalBatch& b = log.batches[i];
                const FinalBatch* before = nullptr;
                for (std::size_t j = 0; j < i; ++j) {
                    if (log.batches[j].producer == b.producer) before = &log.batches[j];
                }
                if (before == nullptr && log.log_start_offset > Offset{0}) continue;
                std::int64_t next = 0;
                if (before != nullptr && before->epoch == b.epoch) {
                    next = (std::int64_t{before->last_sequence} + 1) % (std::int64_t{1} << 31);
                }
                if (b.base_sequence == next) continue;
                ClaimQuery q;
                q.facts = &facts(log.partition);
                q.is_producer_unknown = before == nullptr;
                q.is_producer_expired = before != nullptr &&
                                        milliseconds(b.timestamp.value - before->timestamp.value) >=
                                            run_.facts.producer_id_expiration;
                find("O13", claim_of(Promise::sequences_follow, q).holds);
            }
        }
    }

    void open(const char* id, Promise promise, TopicPartition tp, bool has_partition) {
        if (!run_.facts.converged) return;
        ClaimQuery q;
        q.facts = has_partition ? &facts(tp) : &none_;
        const auto& leaderless = run_.facts.leaderless;
        q.is_leaderless = has_partition &&
                          std::find(leaderless.begin(), leaderless.end(), tp) != leaderless.end();
        find(id, claim_of(promise, q).holds);
    }

    void liveness() {
        for (const StuckConsumer& stuck : run_.facts.stuck_consumers) {
            open("L2", Promise::consumer_progress, stuck.partition, true);
        }
        for (const Send& s : sends_) {
            if (s.op.outcome != Outcome::pending) continue;
            if (h_.processes[s.op.process].ended != kNever) continue;
            open("L3", Promise::send_answered, s.partition, s.op.partition >= 0);
        }
        for (std::size_t i = 0; i < run_.facts.stale_images.size(); ++i) {
            open("L5", Promise::images_equal, {}, false);
        }
        for (const TopicPartition tp : run_.facts.leaderless) {
            open("L9", Promise::leader_elected, tp, true);
        }
    }

    const RunLeftover& run_;
    const History& h_;
    PartitionFacts none_;
    std::vector<Send> sends_;
    std::vector<Read> reads_;
    std::map<std::string, NaiveCount> counts_;
};

}  // namespace

std::map<std::string, NaiveCount> judge_naively(const RunLeftover& run) {
    return Naive(run).judge();
}

}  // namespace tribunal
