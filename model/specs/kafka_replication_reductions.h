// What lets a search of the KafkaReplication family leave states and orders out: which states are
// one by a renaming of the replicas, and what each step reads and writes.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "model/specs/kafka_replication.h"

namespace tribunal {

template <unsigned Words>
auto KafkaReplication<Words>::permuted(const State& s, const Unpacked& u,
                                       const std::array<std::uint8_t, kMaxReplicas>& source) const
    -> State {
    std::array<std::uint8_t, kMaxReplicas> target;
    for (unsigned r = 0; r < replicas_; ++r) target[source[r]] = static_cast<std::uint8_t>(r);
    const auto rename = [&](std::uint64_t bits) {
        std::uint64_t leader = bits & at_.leader_mask;
        if (leader != 0) leader = target[leader - 1] + 1u;
        std::uint32_t renamed = 0;
        for (std::uint32_t rest = isr(bits); rest != 0; rest &= rest - 1) {
            renamed |= bit(target[first(rest)]);
        }
        return std::uint64_t{renamed} << at_.leader_bits | leader;
    };
    State t;
    const std::uint64_t kept = ~(~std::uint64_t{0} << at_.leader_shift);
    for (unsigned r = 0; r < replicas_; ++r) {
        const std::uint64_t local = u.local[source[r]];
        put(t, at_.local[r], (local & kept) | rename(leader_and_isr(local)) << at_.leader_shift);
        put(t, at_.log[r], u.log[source[r]]);
    }
    const std::uint64_t quorum = get(s, at_.quorum, at_.quorum_mask);
    put(t, at_.quorum, (quorum & ~at_.request_mask) | rename(quorum));
    const auto next_epoch =
        static_cast<unsigned>((quorum >> at_.next_epoch_shift) & at_.epoch_mask);
    for (unsigned epoch = 0; epoch < next_epoch; ++epoch) {
        put(t, at_.request[epoch], rename(request(s, epoch)));
    }
    return t;
}

template <unsigned Words>
auto KafkaReplication<Words>::canonical(const State& s) const -> State {
    const Unpacked u = unpack(s);
    const std::uint64_t quorum = get(s, at_.quorum, at_.quorum_mask);
    const auto next_epoch =
        static_cast<unsigned>((quorum >> at_.next_epoch_shift) & at_.epoch_mask);
    // What is said of each replica without naming another one; equal where that is equal. A clash
    // of the mixed numbers would only leave more orders to compare.
    std::array<std::uint64_t, kMaxReplicas> key;
    std::array<std::uint8_t, kMaxReplicas> order;
    const std::uint64_t unnamed = ~(~std::uint64_t{0} << at_.leader_shift);
    for (unsigned r = 0; r < replicas_; ++r) {
        const auto relation = [&](std::uint64_t bits) -> std::uint64_t {
            const auto named = static_cast<unsigned>(bits & at_.leader_mask);
            const unsigned in = (isr(bits) >> r) & 1u;
            return (named == r + 1 ? 2u : named == 0 ? 0u : 1u) | in << 2;
        };
        std::uint64_t k = u.log[r] * 0x9e3779b97f4a7c15u;
        k = (k ^ (k >> 29) ^ (u.local[r] & unnamed)) * 0xd6e8feb86659fd93u;
        std::uint64_t said = relation(leader_and_isr(u.local[r])) << 3 | relation(quorum);
        for (unsigned epoch = 0; epoch < next_epoch; ++epoch) {
            said = said * 7 + relation(request(s, epoch));
        }
        key[r] = (k ^ (k >> 31) ^ said) * 0x9e3779b97f4a7c15u;
        order[r] = static_cast<std::uint8_t>(r);
    }
    for (unsigned i = 1; i < replicas_; ++i) {
        for (unsigned j = i; j > 0 && key[order[j]] < key[order[j - 1]]; --j) {
            std::swap(order[j], order[j - 1]);
        }
    }
    State least = permuted(s, u, order);
    // The next order: within the first run of equal keys that has one; runs before it start anew.
    const auto advance = [&] {
        for (unsigned from = 0; from < replicas_;) {
            unsigned to = from + 1;
            while (to < replicas_ && key[order[to]] == key[order[from]]) ++to;
            if (std::next_permutation(order.begin() + from, order.begin() + to)) return true;
            from = to;
        }
        return false;
    };
    while (advance()) {
        const State other = permuted(s, u, order);
        if (other.words < least.words) least = other;
    }
    return least;
}

template <unsigned Words>
Footprint KafkaReplication<Words>::footprint(const State& s, Action a) const {
    // Resources: of each replica its hw, its leader with leaderEpoch, its isr, its log; the quorum,
    // nextRecordId, and each request by itself, which is never written twice.
    const auto resource = [](unsigned group) {
        return [=](unsigned r) { return std::uint64_t{1} << (group * kMaxReplicas + r); };
    };
    const auto hw_of = resource(0);
    const auto role = resource(1);
    const auto isr_of = resource(2);
    const auto log = resource(3);
    const std::uint64_t quorum = resource(4)(0);
    const std::uint64_t next_record = resource(4)(1);
    const auto request_at = [&](unsigned epoch) { return resource(4)(2 + epoch); };
    static_assert(4 * kMaxReplicas + 2 + KafkaReplicationLayout::kMaxLeaderEpoch < 63);
    constexpr std::uint64_t kPredicates = Footprint::kPredicates;
    // What decides the footprint must itself be read by the step: only then is the footprint the
    // same after every independent step.
    const Unpacked u = unpack(s);
    const unsigned low = a.detail & 15u;
    const unsigned high = a.detail >> 4;
    switch (static_cast<Step>(a.kind)) {
        case Step::controller_elect_leader:
        case Step::controller_shrink_isr: {
            const std::uint64_t q = get(s, at_.quorum, at_.quorum_mask);
            const auto next_epoch =
                static_cast<unsigned>((q >> at_.next_epoch_shift) & at_.epoch_mask);
            const std::uint64_t writes = quorum | request_at(next_epoch);
            // StrongIsr is about the quorum's isr, which an election keeps.
            const bool elects = static_cast<Step>(a.kind) == Step::controller_elect_leader;
            return {quorum, elects ? writes : writes | kPredicates};
        }
        case Step::become_leader: {
            // A replica with nothing below its high watermark breaks nothing by leading.
            const unsigned l = request_leader(s, a.detail);
            const std::uint64_t visible = hw(u.local[l]) == 0 ? 0 : kPredicates;
            return {request_at(a.detail) | role(l) | hw_of(l), role(l) | isr_of(l) | visible};
        }
        case Step::leader_expand_isr:
        case Step::leader_shrink_isr: {
            const unsigned l = low;
            const unsigned f = high;
            return {quorum | role(l) | hw_of(l) | isr_of(l) | log(l) | role(f) | log(f),
                    quorum | isr_of(l) | kPredicates};
        }
        case Step::leader_write:
            // The new record is beyond the leader's high watermark, and equal to no other one's.
            return {role(low) | log(low) | next_record, log(low) | next_record};
        case Step::leader_inc_high_watermark: {
            const unsigned l = low;
            std::uint64_t reads = hw_of(l) | role(l) | isr_of(l) | log(l);
            std::uint32_t in_sync = isr(leader_and_isr(u.local[l]));
            for (; in_sync != 0; in_sync &= in_sync - 1) {
                reads |= role(first(in_sync)) | log(first(in_sync));
            }
            return {reads, hw_of(l) | kPredicates};
        }
        case Step::become_follower: {
            const unsigned r = low;
            const unsigned l = request_leader(s, high);
            Footprint f{request_at(high) | role(r) | hw_of(r), role(r) | isr_of(r)};
            if ((u.presuming & bit(r)) != 0 && hw(u.local[r]) != 0) f.writes |= kPredicates;
            if (rules_.truncation == KafkaTruncation::on_fetch) return f;
            f.reads |= log(r);
            if (rules_.truncation != KafkaTruncation::to_high_watermark) f.reads |= log(l);
            if (rules_.truncation == KafkaTruncation::kip320) f.reads |= role(l);
            const unsigned to = truncation(u, l, r);
            if (to < hw(u.local[r])) f.writes |= hw_of(r);
            if (to < u.end[r]) f.writes |= log(r) | kPredicates;
            return f;
        }
        case Step::follower_replicate:
        case Step::follower_truncate: {
            // Also a record gained may show: where one was missing below a high watermark.
            const unsigned l = low;
            const unsigned f = high;
            const bool truncates = static_cast<Step>(a.kind) == Step::follower_truncate;
            return {role(l) | (truncates ? hw_of(f) : hw_of(l)) | log(l) | role(f) | log(f),
                    hw_of(f) | log(f) | kPredicates};
        }
    }
    return {Footprint::kEverything, Footprint::kEverything};
}

}  // namespace tribunal
