// An abstract state of the KafkaReplication family as trace validation reads and writes it: in
// place, by the layout of its words.
#pragma once

#include <array>
#include <span>

#include "model/validation/trace_validation.h"

namespace tribunal {

using AbstractState = TracedPartitionWorld::Specification::State;
using AbstractLayout = KafkaReplicationLayout;

inline std::uint64_t bits_at(const AbstractState& s, AbstractLayout::Place p, std::uint64_t mask) {
    return (s.words[p.word] >> p.shift) & mask;
}
inline void set_bits(AbstractState& s, AbstractLayout::Place p, std::uint64_t mask,
                     std::uint64_t bits) {
    s.words[p.word] = (s.words[p.word] & ~(mask << p.shift)) | bits << p.shift;
}

struct AbstractReplica {
    unsigned high_watermark = 0;
    unsigned end = 0;
    int epoch = -1;
    int leader = -1;
    unsigned isr = 0;
};

// The variables of one abstract state, by name.
class Reading {
  public:
    Reading(const AbstractLayout& at, std::span<const std::int32_t> leader_epochs,
            const AbstractState& s)
        : at_(at), leader_epochs_(leader_epochs), s_(s) {
        for (unsigned r = 0; r < at_.constants.replicas; ++r) {
            const std::uint64_t local = bits_at(s, at_.local[r], at_.local_mask);
            AbstractReplica& replica = replicas_[r];
            replica.high_watermark = static_cast<unsigned>(local & at_.offset_mask);
            replica.end = static_cast<unsigned>((local >> at_.end_shift) & at_.offset_mask);
            replica.epoch = static_cast<int>((local >> at_.epoch_shift) & at_.epoch_mask) - 1;
            replica.leader = static_cast<int>((local >> at_.leader_shift) & at_.leader_mask) - 1;
            replica.isr = static_cast<unsigned>((local >> (at_.leader_shift + at_.leader_bits)) &
                                                at_.isr_mask);
        }
    }
    const AbstractReplica& operator[](std::size_t r) const { return replicas_[r]; }

    std::uint64_t record(std::size_t r, unsigned offset) const {
        const std::uint64_t log = bits_at(s_, at_.log[r], at_.log_prefix[at_.constants.log_size]);
        return (log >> (offset * at_.record_bits)) & at_.record_mask;
    }
    int record_epoch(std::size_t r, unsigned offset) const {
        return static_cast<int>(record(r, offset) >> at_.id_bits);
    }
    int leader_of_request(int epoch) const {
        return static_cast<int>(
                   bits_at(s_, at_.request[static_cast<std::size_t>(epoch)], at_.leader_mask)) -
               1;
    }
    unsigned isr_of_request(int epoch) const {
        const std::uint64_t bits =
            bits_at(s_, at_.request[static_cast<std::size_t>(epoch)], at_.request_mask);
        return static_cast<unsigned>((bits >> at_.leader_bits) & at_.isr_mask);
    }
    int quorum_leader() const { return static_cast<int>(quorum() & at_.leader_mask) - 1; }
    unsigned quorum_isr() const {
        return static_cast<unsigned>((quorum() >> at_.leader_bits) & at_.isr_mask);
    }
    int quorum_epoch() const {
        return static_cast<int>((quorum() >> at_.next_epoch_shift) & at_.epoch_mask) - 1;
    }
    // The real leader epoch that an abstract one is in; -1: of none.
    int leader_epoch(int epoch) const {
        return epoch < 0 ? -1 : leader_epochs_[static_cast<std::size_t>(epoch)];
    }
    int leader_epoch_of(std::size_t r) const { return leader_epoch(replicas_[r].epoch); }

    bool presumes(std::size_t r) const { return replicas_[r].leader == static_cast<int>(r); }
    bool is_true_leader(std::size_t l) const {
        return quorum_leader() == static_cast<int>(l) && presumes(l) &&
               replicas_[l].epoch == quorum_epoch();
    }
    // Whether f passes what a leader's test asks besides its log.
    bool follows(std::size_t f, std::size_t l, FollowerTest test) const {
        return replicas_[f].leader == static_cast<int>(l) &&
               (test != FollowerTest::leader_epoch || replicas_[f].epoch == replicas_[l].epoch);
    }
    bool has(std::size_t r, const TraceLog& log) const {
        return replicas_[r].end == log.size() && begins_with(log, r);
    }
    // The replica's log is the beginning of this one.
    bool begins_with(const TraceLog& log, std::size_t r) const {
        if (replicas_[r].end > log.size()) return false;
        const std::uint64_t id_mask = (std::uint64_t{1} << at_.id_bits) - 1;
        for (unsigned o = 0; o < replicas_[r].end; ++o) {
            const std::uint64_t bits = record(r, o);
            if (static_cast<int>(bits & id_mask) != log[o].id ||
                leader_epoch(static_cast<int>(bits >> at_.id_bits)) != log[o].leader_epoch) {
                return false;
            }
        }
        return true;
    }

  private:
    std::uint64_t quorum() const { return bits_at(s_, at_.quorum, at_.quorum_mask); }

    const AbstractLayout& at_;
    std::span<const std::int32_t> leader_epochs_;
    const AbstractState& s_;
    std::array<AbstractReplica, AbstractLayout::kMaxReplicas> replicas_;
};

inline AbstractState with(const AbstractLayout& at, AbstractState s, std::size_t r,
                          const AbstractReplica& to) {
    set_bits(s, at.local[r], at.local_mask,
             std::uint64_t{to.high_watermark} | std::uint64_t{to.end} << at.end_shift |
                 static_cast<std::uint64_t>(to.epoch + 1) << at.epoch_shift |
                 static_cast<std::uint64_t>(to.leader + 1) << at.leader_shift |
                 std::uint64_t{to.isr} << (at.leader_shift + at.leader_bits));
    const std::uint64_t log = bits_at(s, at.log[r], at.log_prefix[at.constants.log_size]);
    set_bits(s, at.log[r], at.log_prefix[at.constants.log_size], log & at.log_prefix[to.end]);
    return s;
}

}  // namespace tribunal
