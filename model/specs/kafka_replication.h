// The KafkaReplication family: data replication of one partition as Kafka did it before KIP-101,
// with KIP-101, with KIP-279, and the two designs of KIP-320 (hachikuji/kafka-specification).
//
// The five specifications share state, controller, leader election and writes; they differ in what
// a follower must have shown before a leader counts it and in how a new follower truncates. One
// class holds all of them. Everything on the way of successors() works on the packed words in
// place: this is the system that the explorer's speed is measured on.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/search.h"
#include "model/specs/kafka_replication_rules.h"
#include "model/specs/kafka_replication_state.h"

namespace tribunal {

template <unsigned Words>
class KafkaReplication {
  public:
    struct State {
        std::array<std::uint64_t, Words> words{};
        bool operator==(const State&) const = default;
    };
    using Step = KafkaReplicationStep;
    static_assert(Words <= KafkaReplicationLayout::kMaxWords);

    // layout.words must not be above Words.
    KafkaReplication(const KafkaReplicationLayout& layout, const KafkaReplicationRules& rules)
        : at_(layout), rules_(rules), replicas_(layout.constants.replicas) {}

    template <class Emit>
    void initial_states(Emit&& emit) const {
        State s;
        put(s, at_.quorum, at_.isr_mask << at_.leader_bits);
        emit(s);
    }

    template <class Emit>
    void successors(const State& s, Emit&& emit) const;

    Digest128 digest(const State& s) const { return digest_of_words(s); }
    std::span<const std::string_view> action_names() const { return rules_.action_names; }
    std::span<const PropertySpec> properties() const { return kafka_replication_properties(); }
    std::uint64_t predicates(const State& s) const;

    std::string describe(const State& s, Action a) const {
        unsigned to = 0;
        if (const auto step = static_cast<Step>(a.kind); step == Step::become_follower) {
            const Unpacked u = unpack(s);
            const unsigned leader = request_leader(s, a.detail >> 4);
            to = truncation(u, leader, a.detail & 15u);
        } else if (step == Step::follower_truncate) {
            to = common_prefix_end(unpack(s), a.detail & 15u, a.detail >> 4);
        }
        return describe_kafka_replication(variables(s), rules_.action_names[a.kind], a, to);
    }
    StateText show(const State& s) const { return show_kafka_replication(variables(s)); }
    KafkaReplicationVariables variables(const State& s) const;

    // The least of all states that differ by a permutation of the replicas and have the replicas in
    // the order of what can be said of each without naming another one.
    State canonical(const State& s) const;

    Footprint footprint(const State& s, Action a) const;
    std::vector<FairnessClass> fairness() const { return kafka_replication_fairness(rules_); }
    std::uint64_t fair_classes(const State&, Action a) const {
        return kafka_replication_fair_classes(a);
    }

  private:
    using Place = KafkaReplicationLayout::Place;
    static constexpr unsigned kMaxReplicas = KafkaReplicationLayout::kMaxReplicas;

    // Replicas are indices from 0, leaders are index + 1, epochs are epoch + 1: 0 is none.
    struct Unpacked {
        std::array<std::uint64_t, kMaxReplicas> local;
        std::array<std::uint64_t, kMaxReplicas> log;
        std::array<std::uint32_t, kMaxReplicas> end;
        std::array<std::uint32_t, kMaxReplicas> epoch;
        std::uint32_t presuming = 0;  // mask of the replicas that presume leadership
    };

    static std::uint64_t get(const State& s, Place p, std::uint64_t mask) {
        return (s.words[p.word] >> p.shift) & mask;
    }
    static void put(State& s, Place p, std::uint64_t bits) { s.words[p.word] |= bits << p.shift; }
    // Exchanges bits for others: the argument is where they differ.
    static void flip(State& s, Place p, std::uint64_t difference) {
        s.words[p.word] ^= difference << p.shift;
    }
    static std::uint32_t bit(unsigned r) { return std::uint32_t{1} << r; }
    static unsigned first(std::uint32_t mask) {
        return static_cast<unsigned>(std::countr_zero(mask));
    }
    static Action step(Step kind, unsigned detail) {
        return {static_cast<std::uint16_t>(kind), static_cast<std::uint16_t>(detail)};
    }
    static Action pair(Step kind, unsigned leader, unsigned follower) {
        return step(kind, follower << 4 | leader);
    }

    std::uint32_t hw(std::uint64_t local) const {
        return static_cast<std::uint32_t>(local & at_.offset_mask);
    }
    std::uint32_t end(std::uint64_t local) const {
        return static_cast<std::uint32_t>((local >> at_.end_shift) & at_.offset_mask);
    }
    std::uint32_t epoch(std::uint64_t local) const {
        return static_cast<std::uint32_t>((local >> at_.epoch_shift) & at_.epoch_mask);
    }
    std::uint32_t leader(std::uint64_t local) const {
        return static_cast<std::uint32_t>((local >> at_.leader_shift) & at_.leader_mask);
    }
    // Leader and isr, as in a request.
    std::uint64_t leader_and_isr(std::uint64_t local) const { return local >> at_.leader_shift; }
    std::uint32_t isr(std::uint64_t leader_and_isr) const {
        return static_cast<std::uint32_t>((leader_and_isr >> at_.leader_bits) & at_.isr_mask);
    }
    std::uint64_t request(const State& s, unsigned epoch) const {
        return get(s, at_.request[epoch], at_.request_mask);
    }
    // The leader of a request that names one, as an index.
    unsigned request_leader(const State& s, unsigned epoch) const {
        return static_cast<unsigned>(request(s, epoch) & at_.leader_mask) - 1;
    }
    std::uint64_t record(std::uint64_t log, unsigned offset) const {
        return (log >> (offset * at_.record_bits)) & at_.record_mask;
    }
    std::uint64_t record_epoch(std::uint64_t log, unsigned offset) const {
        return record(log, offset) >> at_.id_bits;
    }

    [[gnu::always_inline]] inline Unpacked unpack(const State& s) const {
        Unpacked u;
        for (unsigned r = 0; r < replicas_; ++r) {
            const std::uint64_t local = get(s, at_.local[r], at_.local_mask);
            u.local[r] = local;
            u.log[r] = get(s, at_.log[r], at_.log_prefix[at_.constants.log_size]);
            u.end[r] = end(local);
            u.epoch[r] = epoch(local);
            if (leader(local) == r + 1) u.presuming |= bit(r);
        }
        return u;
    }

    // Those that follow l (l itself included) with what the test asks of their epochs.
    [[gnu::always_inline]] inline std::uint32_t followers(const Unpacked& u, unsigned l,
                                                          FollowerTest test) const {
        std::uint64_t mask = at_.leader_mask << at_.leader_shift;
        if (test == FollowerTest::leader_epoch) mask |= at_.epoch_mask << at_.epoch_shift;
        std::uint32_t result = 0;
        for (unsigned f = 0; f < replicas_; ++f) {
            if (((u.local[f] ^ u.local[l]) & mask) == 0) result |= bit(f);
        }
        return result;
    }
    // Of a follower in followers(u, l, test): its log passes the test up to offset `until`.
    [[gnu::always_inline]] inline bool has_log_until(const Unpacked& u, unsigned l, unsigned f,
                                                     unsigned until, FollowerTest test) const {
        if (until > u.end[f] || until > u.end[l]) return false;
        if (test != FollowerTest::record_epoch || until == 0) return true;
        return record_epoch(u.log[l], until - 1) == record_epoch(u.log[f], until - 1);
    }
    // 1 + the last offset at which both logs have the same record; 0 when there is none.
    unsigned common_prefix_end(const Unpacked& u, unsigned a, unsigned b) const {
        unsigned end = std::min(u.end[a], u.end[b]);
        const std::uint64_t difference = u.log[a] ^ u.log[b];
        while (end > 0 && record(difference, end - 1) != 0) --end;
        return end;
    }
    unsigned kip101_offset(const Unpacked& u, unsigned l, unsigned r) const;
    // Where r truncates when it becomes a follower of l.
    [[gnu::always_inline]] inline unsigned truncation(const Unpacked& u, unsigned l,
                                                      unsigned r) const {
        switch (rules_.truncation) {
            case KafkaTruncation::to_high_watermark:
                return hw(u.local[r]);
            case KafkaTruncation::kip101:
                return kip101_offset(u, l, r);
            case KafkaTruncation::kip101_clamped:
                return std::min(kip101_offset(u, l, r), unsigned{u.end[r]});
            case KafkaTruncation::kip279:
            case KafkaTruncation::kip320:
                return common_prefix_end(u, l, r);
            case KafkaTruncation::on_fetch:
                return u.end[r];
        }
        return 0;
    }
    bool needs_truncation(const Unpacked& u, unsigned l, unsigned f) const {
        if (u.end[f] > u.end[l]) return true;
        if (u.end[f] == 0) return false;
        return record_epoch(u.log[f], u.end[f] - 1) != record_epoch(u.log[l], u.end[f] - 1);
    }
    bool high_watermark_in_epoch(const Unpacked& u, unsigned l) const {
        const unsigned offset = hw(u.local[l]);
        return offset == u.end[l] ||
               (offset < u.end[l] && record_epoch(u.log[l], offset) + 1 == u.epoch[l]);
    }

    // Replaces r's log by its first `to` records and r's state by the given one with hw and
    // endOffset cut accordingly.
    [[gnu::always_inline]] inline void truncate(State& t, const Unpacked& u, unsigned r,
                                                unsigned to, std::uint64_t local) const {
        const std::uint64_t offsets = at_.offset_mask | at_.offset_mask << at_.end_shift;
        const std::uint64_t hw_cut = std::min<std::uint64_t>(to, hw(local));
        local = (local & ~offsets) | hw_cut | std::uint64_t{to} << at_.end_shift;
        flip(t, at_.local[r], local ^ u.local[r]);
        flip(t, at_.log[r], u.log[r] & ~at_.log_prefix[to]);
    }
    // r's state once it has applied a request.
    std::uint64_t applied(std::uint64_t local, std::uint64_t request, unsigned epoch) const {
        return (local & ~(~std::uint64_t{0} << at_.epoch_shift)) |
               std::uint64_t{epoch} << at_.epoch_shift | request << at_.leader_shift;
    }

    template <class Emit>
    void controller_steps(const State& s, std::uint64_t quorum, unsigned next_epoch,
                          Emit& emit) const;
    template <class Emit>
    void request_steps(const State& s, const Unpacked& u, unsigned next_epoch, Emit& emit) const;
    template <class Emit>
    void leader_steps(const State& s, const Unpacked& u, unsigned l, std::uint64_t quorum,
                      Emit& emit) const;
    template <class Emit>
    void isr_steps(const State& s, const Unpacked& u, unsigned l, Emit& emit) const;
    template <class Emit>
    [[gnu::always_inline]] inline void become_follower(const State& s, const Unpacked& u,
                                                       unsigned l, unsigned r, unsigned epoch,
                                                       std::uint64_t request, Emit& emit) const {
        const unsigned to = truncation(u, l, r);
        if (to > u.end[r]) return;
        State t = s;
        truncate(t, u, r, to, applied(u.local[r], request, epoch));
        emit(step(Step::become_follower, (epoch - 1) << 4 | r), t);
    }

    State permuted(const State& s, const Unpacked& u,
                   const std::array<std::uint8_t, kMaxReplicas>& source) const;

    KafkaReplicationLayout at_;
    KafkaReplicationRules rules_;
    unsigned replicas_;
};

template <unsigned Words>
template <class Emit>
void KafkaReplication<Words>::successors(const State& s, Emit&& emit) const {
    const Unpacked u = unpack(s);
    const std::uint64_t quorum = get(s, at_.quorum, at_.quorum_mask);
    const auto next_epoch =
        static_cast<unsigned>((quorum >> at_.next_epoch_shift) & at_.epoch_mask);
    if (next_epoch <= at_.constants.max_leader_epoch) controller_steps(s, quorum, next_epoch, emit);
    request_steps(s, u, next_epoch, emit);
    for (std::uint32_t leaders = u.presuming; leaders != 0; leaders &= leaders - 1) {
        leader_steps(s, u, first(leaders), quorum, emit);
    }
    // Only the true leader's changes of the ISR pass: named by the quorum, and in its epoch.
    const auto true_leader = static_cast<unsigned>(quorum & at_.leader_mask);
    if (true_leader != 0 && (u.presuming & bit(true_leader - 1)) != 0 &&
        u.epoch[true_leader - 1] == next_epoch) {
        isr_steps(s, u, true_leader - 1, emit);
    }
}

template <unsigned Words>
template <class Emit>
void KafkaReplication<Words>::controller_steps(const State& s, std::uint64_t quorum,
                                               unsigned next_epoch, Emit& emit) const {
    const auto leader = static_cast<unsigned>(quorum & at_.leader_mask);
    const std::uint32_t in_sync = isr(quorum);
    // The controller's new word goes to the quorum and, as a request, to whoever reads it.
    const auto announce = [&](Step kind, unsigned r, unsigned new_leader, std::uint32_t new_isr) {
        const std::uint64_t request = std::uint64_t{new_isr} << at_.leader_bits | new_leader;
        State t = s;
        flip(t, at_.quorum,
             ((quorum ^ request) & at_.request_mask) | std::uint64_t{next_epoch ^ (next_epoch + 1)}
                                                           << at_.next_epoch_shift);
        put(t, at_.request[next_epoch], request);
        emit(step(kind, r), t);
    };
    for (std::uint32_t rest = in_sync; rest != 0; rest &= rest - 1) {
        const unsigned r = first(rest);
        if (leader != r + 1) {
            announce(Step::controller_elect_leader, r, r + 1, in_sync);
            announce(Step::controller_shrink_isr, r, leader, in_sync & ~bit(r));
        }
    }
    if (leader != 0) {
        const std::uint32_t others = in_sync & ~bit(leader - 1);
        announce(Step::controller_shrink_isr, leader - 1, 0, others == 0 ? in_sync : others);
    }
}

template <unsigned Words>
template <class Emit>
void KafkaReplication<Words>::request_steps(const State& s, const Unpacked& u, unsigned next_epoch,
                                            Emit& emit) const {
    // Requests that name no leader are applied by nobody: their leader is compared with replicas.
    for (unsigned epoch = 1; epoch <= next_epoch; ++epoch) {
        const std::uint64_t sent = request(s, epoch - 1);
        const auto leader = static_cast<unsigned>(sent & at_.leader_mask);
        if (leader == 0) continue;
        const unsigned l = leader - 1;
        if (u.epoch[l] < epoch) {
            State t = s;
            flip(t, at_.local[l], u.local[l] ^ applied(u.local[l], sent, epoch));
            emit(step(Step::become_leader, epoch - 1), t);
        }
        if (rules_.truncation == KafkaTruncation::kip320 &&
            ((u.presuming & bit(l)) == 0 || u.epoch[l] != epoch)) {
            continue;
        }
        for (unsigned r = 0; r < replicas_; ++r) {
            if (u.epoch[r] < epoch && r != l) become_follower(s, u, l, r, epoch, sent, emit);
        }
    }
}

template <unsigned Words>
template <class Emit>
void KafkaReplication<Words>::leader_steps(const State& s, const Unpacked& u, unsigned l,
                                           std::uint64_t quorum, Emit& emit) const {
    const std::uint64_t next_record = quorum >> at_.next_record_shift;
    const unsigned l_end = u.end[l];
    const unsigned l_hw = hw(u.local[l]);
    const std::uint64_t one_longer = std::uint64_t{1} << at_.end_shift;

    // Whoever presumes leadership writes: what fences a zombie is the ISR.
    if (next_record < at_.constants.max_records && l_end < at_.constants.log_size) {
        const std::uint64_t written = next_record | std::uint64_t{u.epoch[l] - 1} << at_.id_bits;
        State t = s;
        flip(t, at_.quorum, (next_record ^ (next_record + 1)) << at_.next_record_shift);
        flip(t, at_.local[l], u.local[l] ^ (u.local[l] + one_longer));
        put(t, at_.log[l], written << (l_end * at_.record_bits));
        emit(step(Step::leader_write, l), t);
    }

    // A replica that presumes leadership is in its own ISR: every request's leader is in its isr.
    const std::uint32_t in_sync = isr(leader_and_isr(u.local[l]));
    if (l_hw < l_end && (in_sync & ~followers(u, l, rules_.inc_high_watermark)) == 0) {
        bool all = true;
        for (std::uint32_t rest = in_sync; rest != 0; rest &= rest - 1) {
            all = all && has_log_until(u, l, first(rest), l_hw + 1, rules_.inc_high_watermark);
        }
        if (all) {
            State t = s;
            flip(t, at_.local[l], u.local[l] ^ (u.local[l] + 1));
            emit(step(Step::leader_inc_high_watermark, l), t);
        }
    }

    std::uint32_t fetching = followers(u, l, rules_.fetch) & ~bit(l);
    for (; fetching != 0; fetching &= fetching - 1) {
        const unsigned f = first(fetching);
        const unsigned f_end = u.end[f];
        if (f_end < l_end && has_log_until(u, l, f, f_end, rules_.fetch)) {
            const std::uint64_t f_hw = std::min(l_hw, f_end + 1);
            State t = s;
            flip(t, at_.local[f],
                 u.local[f] ^ (((u.local[f] & ~at_.offset_mask) | f_hw) + one_longer));
            const unsigned shift = f_end * at_.record_bits;
            put(t, at_.log[f], u.log[l] & (at_.record_mask << shift));
            emit(pair(Step::follower_replicate, l, f), t);
        }
        if (rules_.truncation == KafkaTruncation::on_fetch && needs_truncation(u, l, f)) {
            State t = s;
            truncate(t, u, f, common_prefix_end(u, l, f), u.local[f]);
            emit(pair(Step::follower_truncate, l, f), t);
        }
    }
}

template <unsigned Words>
template <class Emit>
void KafkaReplication<Words>::isr_steps(const State& s, const Unpacked& u, unsigned l,
                                        Emit& emit) const {
    const std::uint32_t in_sync = isr(leader_and_isr(u.local[l]));
    const std::uint32_t quorum_isr = isr(get(s, at_.quorum, at_.quorum_mask));
    const auto change = [&](Step kind, unsigned f) {
        const std::uint64_t new_isr = in_sync ^ bit(f);
        State t = s;
        flip(t, at_.quorum, (new_isr ^ quorum_isr) << at_.leader_bits);
        flip(t, at_.local[l], (new_isr ^ in_sync) << (at_.leader_shift + at_.leader_bits));
        emit(pair(kind, l, f), t);
    };
    const std::uint32_t kept = followers(u, l, rules_.shrink_isr);
    for (std::uint32_t rest = in_sync & ~bit(l); rest != 0; rest &= rest - 1) {
        const unsigned f = first(rest);
        if ((kept & bit(f)) != 0 && has_log_until(u, l, f, u.end[l], rules_.shrink_isr)) continue;
        change(Step::leader_shrink_isr, f);
    }
    std::uint32_t joining = followers(u, l, rules_.expand_isr) & ~in_sync;
    if (joining == 0) return;
    if (rules_.expand_needs_high_watermark_in_epoch && !high_watermark_in_epoch(u, l)) return;
    for (; joining != 0; joining &= joining - 1) {
        const unsigned f = first(joining);
        if (has_log_until(u, l, f, hw(u.local[l]), rules_.expand_isr)) {
            change(Step::leader_expand_isr, f);
        }
    }
}

template <unsigned Words>
unsigned KafkaReplication<Words>::kip101_offset(const Unpacked& u, unsigned l, unsigned r) const {
    const unsigned r_end = u.end[r];
    const unsigned l_end = u.end[l];
    if (r_end == 0) return 0;
    if (l_end == 0) return hw(u.local[r]);
    const std::uint64_t asked = record_epoch(u.log[r], r_end - 1);
    if (record_epoch(u.log[l], l_end - 1) == asked) return l_end;
    for (unsigned offset = 0; offset < l_end; ++offset) {
        if (record_epoch(u.log[l], offset) > asked) return offset;
    }
    return hw(u.local[r]);
}

template <unsigned Words>
std::uint64_t KafkaReplication<Words>::predicates(const State& s) const {
    const Unpacked u = unpack(s);
    const std::uint64_t quorum = get(s, at_.quorum, at_.quorum_mask);
    // Those whose log is not that of r1 up to r1's high watermark, for any r1 that presumes
    // leadership, must be neither in r1's isr (weak) nor in the quorum's (strong).
    bool weak = true;
    bool strong = true;
    for (std::uint32_t leaders = u.presuming; leaders != 0; leaders &= leaders - 1) {
        const unsigned r1 = first(leaders);
        const unsigned below = hw(u.local[r1]);
        if (below == 0) continue;
        std::uint32_t apart = 0;
        for (unsigned r2 = 0; r2 < replicas_; ++r2) {
            if (u.end[r1] < below || u.end[r2] < below ||
                ((u.log[r1] ^ u.log[r2]) & at_.log_prefix[below]) != 0) {
                apart |= bit(r2);
            }
        }
        if ((apart & isr(leader_and_isr(u.local[r1]))) != 0) weak = false;
        if ((apart & isr(quorum)) != 0) strong = false;
    }
    const auto leader = static_cast<unsigned>(quorum & at_.leader_mask);
    const bool leader_in_isr = leader == 0 || (isr(quorum) & bit(leader - 1)) != 0;
    return (weak ? 1u : 0u) | (strong ? 2u : 0u) | (leader_in_isr ? 4u : 0u);
}

template <unsigned Words>
KafkaReplicationVariables KafkaReplication<Words>::variables(const State& s) const {
    KafkaReplicationVariables v;
    const auto request_of = [&](std::uint64_t bits) {
        return KafkaReplicationVariables::Request{static_cast<int>(bits & at_.leader_mask) - 1,
                                                  isr(bits)};
    };
    const Unpacked u = unpack(s);
    for (unsigned r = 0; r < replicas_; ++r) {
        auto& replica = v.replicas.emplace_back();
        for (unsigned offset = 0; offset < u.end[r]; ++offset) {
            const auto bits = static_cast<unsigned>(record(u.log[r], offset));
            const unsigned epoch = bits >> at_.id_bits;
            replica.log.push_back({bits ^ (epoch << at_.id_bits), epoch});
        }
        const auto [leader, isr] = request_of(leader_and_isr(u.local[r]));
        replica.hw = hw(u.local[r]);
        replica.leader_epoch = static_cast<int>(u.epoch[r]) - 1;
        replica.leader = leader;
        replica.isr = isr;
    }
    const std::uint64_t quorum = get(s, at_.quorum, at_.quorum_mask);
    v.quorum = request_of(quorum);
    v.next_record_id = static_cast<unsigned>(quorum >> at_.next_record_shift);
    const auto next_epoch =
        static_cast<unsigned>((quorum >> at_.next_epoch_shift) & at_.epoch_mask);
    for (unsigned epoch = 0; epoch < next_epoch; ++epoch) {
        v.requests.push_back(request_of(request(s, epoch)));
    }
    return v;
}

extern template SearchResult search(const KafkaReplication<1>&, const SearchOptions&);
extern template SearchResult search(const KafkaReplication<2>&, const SearchOptions&);
extern template SearchResult search(const KafkaReplication<3>&, const SearchOptions&);

}  // namespace tribunal

#include "model/specs/kafka_replication_reductions.h"  // canonical() and footprint()
