#include "model/validation/trace_explanation.h"

#include <algorithm>
#include <deque>
#include <set>

#include "broker/base/check.h"
#include "model/validation/trace_reading.h"

namespace tribunal {
namespace {

using Step = KafkaReplicationStep;
using Explanation = TracedPartitionWorld::Explanation;

bool is_fenced(const KafkaReplicationRules& rules) {
    return rules.fetch == FollowerTest::leader_epoch;
}

// --- whether an abstract state agrees with a real one -------------------------------------------

bool joined(const Reading& s, const TraceReplica& real, std::size_t r) {
    return s[r].leader == real.leader && s.leader_epoch_of(r) == real.leader_epoch;
}

// Whether a follower is in another abstract epoch than its leader and in the same real one: such an
// epoch passes by unseen, also by a follower that has died since it saw the real one.
bool missed_epoch(const TraceStep& step, const Reading& s, std::size_t r) {
    if (!is_fenced(step.rules) || s[r].leader < 0) return false;
    const auto l = static_cast<std::size_t>(s[r].leader);
    return s.presumes(l) && s.leader_epoch_of(l) == s.leader_epoch_of(r) &&
           s[l].epoch != s[r].epoch;
}

std::string disagreement(const TraceStep& step, const Reading& s, std::size_t r) {
    const TraceReplica& real = step.after[r];
    const std::string who = "r" + std::to_string(r + 1);
    switch (real.role) {
        case TraceRole::silent:
            if (missed_epoch(step, s, r)) return who + " follows its leader through an epoch";
            return s.has(r, real.log) ? "" : "the log of " + who;
        case TraceRole::leader: {
            const auto version = static_cast<std::size_t>(real.partition_epoch);
            if (!s.presumes(r)) return who + " leads";
            if (s[r].epoch != step.history.epochs[version]) return "the epoch of leader " + who;
            if (!s.has(r, real.log)) return "the log of leader " + who;
            if (s[r].high_watermark != real.high_watermark) {
                return "the high watermark of leader " + who;
            }
            if (s[r].isr != real.isr && s[r].isr != real.asked_isr) {
                return "the ISR of leader " + who;
            }
            return "";
        }
        case TraceRole::leaderless:
        case TraceRole::truncating: {
            const TraceHistory::Replica& was = step.history.replicas[r];
            if (joined(s, real, r) && real.is_told_where && s.begins_with(real.log, r)) return "";
            if (!s.has(r, was.log)) return "the log of " + who + ", which has yet to truncate";
            if (s[r].high_watermark != static_cast<unsigned>(was.high_watermark)) {
                return "the high watermark of " + who + ", which has yet to truncate";
            }
            return "";
        }
        case TraceRole::fetching: {
            if (!joined(s, real, r)) {
                const bool unasked = is_fenced(step.rules) && real.log_then.empty();
                if (unasked && s[r].end == 0) return "";
                return who + " follows r" + std::to_string(real.leader + 1) + " in leader epoch " +
                       std::to_string(real.leader_epoch);
            }
            if (missed_epoch(step, s, r)) return who + " follows its leader through an epoch";
            const bool now = s.has(r, real.log) && s[r].high_watermark == real.high_watermark;
            const bool then =
                s.has(r, real.log_then) && s[r].high_watermark == real.high_watermark_then;
            if (now || then) return "";
            if (s.has(r, real.log) || s.has(r, real.log_then)) {
                return "the high watermark of follower " + who;
            }
            return "the log of follower " + who;
        }
    }
    return "";
}

// --- from one to the next -----------------------------------------------------------------------

struct Node {
    Explanation at;
    std::size_t events = 0;  // taken
};

class Explaining {
  public:
    explicit Explaining(const TraceStep& step) : step_(step) {}

    std::vector<Explanation> run(std::span<const Explanation> before, std::string* why);

  private:
    Reading read(const AbstractState& s) const {
        return {step_.at, step_.history.leader_epochs, s};
    }
    bool is_next(const Node& node, Action a) const {
        return node.events < step_.events.size() && step_.events[node.events] == a;
    }
    bool has_restarted(std::size_t r) const {
        return !step_.before.empty() && step_.before[r].starts != step_.after[r].starts;
    }
    // The leader has answered its fetch in this step.
    bool is_answered(std::size_t f) const {
        return !step_.before.empty() && step_.after[f].fetched != nullptr &&
               step_.after[f].fetched != step_.before[f].fetched;
    }
    bool leads_in_its_epoch(const Reading& s, std::size_t l) const {
        const TraceReplica& real = step_.after[l];
        return real.role == TraceRole::leader && s.presumes(l) &&
               s[l].epoch == step_.history.epochs[static_cast<std::size_t>(real.partition_epoch)];
    }
    std::string shortfall(const Node& node, const Reading& s, std::size_t& score) const;
    bool may_take(const Node& node, const Reading& s, Action a) const;
    bool may_follow(const Reading& s, std::size_t r, int epoch) const;
    void restart(Explanation& e) const;
    void take_published(const Node& node, const Reading& s);
    void take_extra(const Node& node, const Reading& s, bool is_event_enabled);
    void change_isr(const Node& node, const Reading& s, Action a);
    void count_acknowledged(const Node& node, const Reading& s, std::size_t l);
    void fetch_without_record(const Node& node, const Reading& s, std::size_t f);
    void truncate_out_of_range(const Node& node, const Reading& s, std::size_t f);
    void keep_high_watermark(const Node& fetched, const Reading& s, std::size_t f);
    void truncate_to_epoch_start(const Node& node, const Reading& s, std::size_t r);
    void push_extra(const Node& node, TraceExtra extra, const AbstractState& s,
                    std::size_t events) {
        Node next{{s, node.at.taken}, events};
        ++next.at.taken.extras[static_cast<std::size_t>(extra)];
        open_.push_back(next);
    }

    const TraceStep& step_;
    std::deque<Node> open_;  // those with fewer extra steps first
};

// A replica follows a request when its fetcher has found where to truncate, or is being told.
bool Explaining::may_follow(const Reading& s, std::size_t r, int epoch) const {
    const TraceReplica& real = step_.after[r];
    if (real.role == TraceRole::silent) {
        return missed_epoch(step_, s, r) && s.leader_of_request(epoch) == s[r].leader;
    }
    const bool knows = real.role == TraceRole::fetching ||
                       (real.role == TraceRole::truncating && real.is_told_where);
    if (!knows || s.leader_of_request(epoch) != real.leader ||
        s.leader_epoch(epoch) != real.leader_epoch) {
        return false;
    }
    if (is_fenced(step_.rules)) return true;  // the request's epoch is the leader's
    return !joined(s, real, r) &&
           epoch == step_.history.epochs[static_cast<std::size_t>(real.partition_epoch)];
}

bool Explaining::may_take(const Node& node, const Reading& s, Action a) const {
    const std::size_t low = a.detail & 15u;
    const std::size_t high = a.detail >> 4;
    switch (static_cast<Step>(a.kind)) {
        case Step::controller_elect_leader:
        case Step::controller_shrink_isr:
        case Step::leader_expand_isr:
        case Step::leader_shrink_isr:
        case Step::leader_write:
            return is_next(node, a);
        case Step::become_leader: {
            const auto l = static_cast<std::size_t>(s.leader_of_request(a.detail));
            const TraceReplica& real = step_.after[l];
            return real.role == TraceRole::leader &&
                   step_.history.epochs[static_cast<std::size_t>(real.partition_epoch)] == a.detail;
        }
        case Step::leader_inc_high_watermark:
            return leads_in_its_epoch(s, low) &&
                   s[low].high_watermark < step_.after[low].high_watermark;
        case Step::become_follower:
            return may_follow(s, low, static_cast<int>(high));
        case Step::follower_replicate:
            return is_answered(high) && step_.after[high].leader == static_cast<int>(low) &&
                   s[high].end < step_.after[high].log_then.size();
        case Step::follower_truncate:
            return false;
    }
    return false;
}

// --- what the specifications lack ---------------------------------------------------------------

void Explaining::restart(Explanation& e) const {
    for (std::size_t r = 0; r < step_.after.size(); ++r) {
        if (!has_restarted(r)) continue;
        AbstractReplica replica = read(e.state)[r];
        // What of it the checkpoint kept is what the dead process showed.
        replica.high_watermark = step_.before[r].high_watermark;
        replica.epoch = -1;
        replica.leader = -1;
        replica.isr = 0;
        e.state = with(step_.at, e.state, r, replica);
        ++e.taken.extras[static_cast<std::size_t>(TraceExtra::restart)];
    }
}

// A change of the ISR that the controller has committed and the specification would not make now.
void Explaining::change_isr(const Node& node, const Reading& s, Action a) {
    const std::size_t l = a.detail & 15u;
    const std::size_t f = a.detail >> 4;
    if (!s.is_true_leader(l)) return;
    const bool shrinks = static_cast<Step>(a.kind) == Step::leader_shrink_isr;
    TraceExtra extra = TraceExtra::shrink_as_asked;
    if (shrinks) {
        if (((step_.history.replicas[l].lagging >> f) & 1u) == 0) return;
    } else if (!is_fenced(step_.rules)) {
        extra = TraceExtra::expand_as_asked;
        // Not one that has started again since (KIP-903).
        if (s[f].leader < 0 || s[f].leader == static_cast<int>(l) ||
            step_.history.replicas[l].acknowledged[f] <
                static_cast<std::int32_t>(s[l].high_watermark)) {
            return;
        }
    } else {
        extra = TraceExtra::expand_at_epoch_start;
        unsigned start = 0;
        while (start < s[l].end &&
               s.leader_epoch(s.record_epoch(l, start)) != s.leader_epoch_of(l)) {
            ++start;
        }
        if (!s.follows(f, l, step_.rules.expand_isr) || s[f].end < start ||
            s[f].end < s[l].high_watermark) {
            return;
        }
    }
    AbstractReplica leader = s[l];
    leader.isr ^= 1u << f;
    AbstractState to = with(step_.at, node.at.state, l, leader);
    set_bits(to, step_.at.quorum, step_.at.isr_mask << step_.at.leader_bits,
             std::uint64_t{leader.isr} << step_.at.leader_bits);
    push_extra(node, extra, to, node.events + 1);
}

void Explaining::count_acknowledged(const Node& node, const Reading& s, std::size_t l) {
    const unsigned to = s[l].high_watermark + 1;
    if (!leads_in_its_epoch(s, l) || to > step_.after[l].high_watermark || to > s[l].end) return;
    bool any = false;
    for (std::size_t f = 0; f < step_.after.size(); ++f) {
        if (f == l || ((s[l].isr >> f) & 1u) == 0) continue;
        const bool follows = s.follows(f, l, step_.rules.inc_high_watermark);
        if (follows && s[f].end >= to) continue;
        // In one epoch, what was fetched is still there: KIP-320 knows of no other case.
        if (follows && is_fenced(step_.rules)) return;
        if (step_.history.replicas[l].acknowledged[f] < static_cast<std::int32_t>(to)) return;
        any = true;
    }
    if (!any) return;
    AbstractReplica leader = s[l];
    leader.high_watermark = to;
    push_extra(node, TraceExtra::count_acknowledged, with(step_.at, node.at.state, l, leader),
               node.events);
}

void Explaining::fetch_without_record(const Node& node, const Reading& s, std::size_t f) {
    const TraceReplica& real = step_.after[f];
    if (!is_answered(f) || real.log_then.size() != real.log.size()) return;
    const auto l = static_cast<std::size_t>(real.leader);
    if (!s.presumes(l) || !s.follows(f, l, step_.rules.fetch) || s[f].end > s[l].end) return;
    AbstractReplica follower = s[f];
    follower.high_watermark = std::min(s[l].high_watermark, s[f].end);
    if (follower.high_watermark <= s[f].high_watermark) return;
    push_extra(node, TraceExtra::fetch_without_record, with(step_.at, node.at.state, f, follower),
               node.events);
}

void Explaining::truncate_out_of_range(const Node& node, const Reading& s, std::size_t f) {
    const TraceReplica& real = step_.after[f];
    if (!is_answered(f) || real.log_then.size() >= s[f].end || is_fenced(step_.rules)) return;
    const auto l = static_cast<std::size_t>(real.leader);
    if (!s.presumes(l) || !s.follows(f, l, step_.rules.fetch) || s[f].end <= s[l].end) return;
    AbstractReplica follower = s[f];
    follower.end = s[l].end;
    follower.high_watermark = std::min(follower.high_watermark, follower.end);
    push_extra(node, TraceExtra::truncate_out_of_range, with(step_.at, node.at.state, f, follower),
               node.events);
}

// s: before the fetch.
void Explaining::keep_high_watermark(const Node& fetched, const Reading& s, std::size_t f) {
    AbstractReplica follower = read(fetched.at.state)[f];
    if (follower.high_watermark >= s[f].high_watermark) return;
    follower.high_watermark = s[f].high_watermark;
    push_extra(fetched, TraceExtra::keep_high_watermark,
               with(step_.at, fetched.at.state, f, follower), fetched.events);
}

// Nothing on the leader is later than the follower's last record, which the leader does not have.
void Explaining::truncate_to_epoch_start(const Node& node, const Reading& s, std::size_t r) {
    const TraceReplica& real = step_.after[r];
    if (step_.rules.truncation != KafkaTruncation::kip101_clamped || real.leader < 0 ||
        real.partition_epoch < 0 || s[r].end == 0) {
        return;
    }
    const int epoch = step_.history.epochs[static_cast<std::size_t>(real.partition_epoch)];
    const auto l = static_cast<std::size_t>(real.leader);
    if (l == r || s[r].epoch >= epoch || !may_follow(s, r, epoch)) return;
    const int asked = s.record_epoch(r, s[r].end - 1);
    if (s[l].epoch <= asked) return;
    if (s[l].end > 0 && s.record_epoch(l, s[l].end - 1) >= asked) return;
    AbstractReplica follower = s[r];
    follower.end = std::min(s[r].end, s[l].end);
    follower.high_watermark = std::min(follower.high_watermark, follower.end);
    follower.epoch = epoch;
    follower.leader = real.leader;
    follower.isr = s.isr_of_request(epoch);
    push_extra(node, TraceExtra::truncate_to_epoch_start,
               with(step_.at, node.at.state, r, follower), node.events);
}

// --- the search ---------------------------------------------------------------------------------

void Explaining::take_published(const Node& node, const Reading& s) {
    bool is_event_enabled = false;
    step_.specification.successors(node.at.state, [&](Action a, const AbstractState& to) {
        if (!may_take(node, s, a)) return;
        const bool is_event = is_next(node, a);
        is_event_enabled = is_event_enabled || is_event;
        Node next{{to, node.at.taken}, node.events + (is_event ? 1 : 0)};
        ++next.at.taken.actions[a.kind];
        open_.push_front(next);
        if (static_cast<Step>(a.kind) == Step::follower_replicate) {
            keep_high_watermark(next, s, a.detail >> 4);
        }
    });
    take_extra(node, s, is_event_enabled);
}

void Explaining::take_extra(const Node& node, const Reading& s, bool is_event_enabled) {
    if (node.events < step_.events.size() && !is_event_enabled) {
        const Action a = step_.events[node.events];
        const auto kind = static_cast<Step>(a.kind);
        if (kind == Step::leader_expand_isr || kind == Step::leader_shrink_isr) {
            change_isr(node, s, a);
        }
    }
    for (std::size_t r = 0; r < step_.after.size(); ++r) {
        count_acknowledged(node, s, r);
        fetch_without_record(node, s, r);
        truncate_out_of_range(node, s, r);
        truncate_to_epoch_start(node, s, r);
    }
}

// What is missing for this one to agree; the higher the score, the less.
std::string Explaining::shortfall(const Node& node, const Reading& s, std::size_t& score) const {
    score = node.events << 8;
    if (node.events < step_.events.size()) {
        const Action a = step_.events[node.events];
        return std::string(step_.rules.action_names[a.kind]) + " is not enabled";
    }
    std::string first;
    for (std::size_t r = 0; r < step_.after.size(); ++r) {
        std::string text = disagreement(step_, s, r);
        if (text.empty()) {
            ++score;
        } else if (first.empty()) {
            first = std::move(text);
        }
    }
    return first;
}

std::vector<Explanation> Explaining::run(std::span<const Explanation> before, std::string* why) {
    for (Explanation e : before) {
        restart(e);
        open_.push_back({e, 0});
    }
    std::set<std::pair<std::size_t, decltype(AbstractState::words)>> seen;
    std::vector<Explanation> agreeing;
    std::size_t best = 0;
    std::string best_text;
    while (!open_.empty()) {
        const Node node = open_.front();
        open_.pop_front();
        if (!seen.emplace(node.events, node.at.state.words).second) continue;
        CHECK(seen.size() < 1'000'000);
        const Reading s = read(node.at.state);
        std::size_t score = 0;
        std::string text = shortfall(node, s, score);
        if (text.empty()) {
            agreeing.push_back(node.at);
        } else if (score >= best) {
            best = score;
            best_text = std::move(text);
        }
        take_published(node, s);
    }
    if (agreeing.empty() && why != nullptr) *why = best_text;
    std::sort(agreeing.begin(), agreeing.end(), [](const Explanation& a, const Explanation& b) {
        return a.state.words < b.state.words;
    });
    return agreeing;
}

}  // namespace

std::vector<Explanation> explanations_after(const TraceStep& step,
                                            std::span<const Explanation> before, std::string* why) {
    return Explaining(step).run(before, why);
}

}  // namespace tribunal
