// The invariants of the replication specification.
#include <algorithm>

#include "model/specs/kraft_replication_steps.h"

namespace tribunal::kraft_replication {
namespace {

ValueSet values_of(const BrokerSide& replica) {
    ValueSet values = 0;
    for (int offset = 1; offset < replica.log_end_offset; ++offset) {
        values |= static_cast<ValueSet>(1u << (replica.record(offset).value - 1));
    }
    return values;
}

struct Invariants {
    const Settings& c;
    const State& s;
    const Partition partition;

    bool is_non_stale_leader(const BrokerSide& replica) const {
        return replica.role == Role::leader &&
               replica.metadata.leader_epoch == partition.leader_epoch;
    }
    template <class Holds>
    bool all_brokers(Holds holds) const {
        return std::all_of(s.brokers.begin(), s.brokers.begin() + c.broker_count, holds);
    }

    // The leader that the controller chose has all that was committed and all acknowledged values.
    bool leader_completeness() const {
        if (s.true_high_watermark <= 1 || partition.leader == kNoLeader) return true;
        const BrokerSide& leader = s.brokers[partition.leader];
        if (!leader.is_running()) return true;
        return leader.log_end_offset >= s.true_high_watermark &&
               (s.positively_acknowledged & ~values_of(leader)) == 0;
    }
    // Whoever may be chosen (KIP-966: from the ELR too) has all that was committed.
    bool leader_candidate_completeness() const {
        const BrokerSet candidates = joined(partition.isr, partition.elr);
        for (Broker b = 0; b < c.broker_count; ++b) {
            const BrokerSide& replica = s.brokers[b];
            if (!has(candidates, b) || !replica.is_running()) continue;
            if (replica.log_end_offset < s.true_high_watermark) return false;
        }
        return true;
    }
    // The leader waits for at least those whom the controller may elect.
    bool replication_quorum_superset() const {
        return all_brokers([&](const BrokerSide& replica) {
            if (!is_non_stale_leader(replica)) return true;
            const ReplicaMetadata& known = replica.metadata;
            if (!replica.awaits_alter_partition() && known.maximal_isr != known.isr) return false;
            const bool applies = !c.is_kip_966() || size_of(known.isr) >= c.min_isr;
            return !applies || within(joined(partition.isr, partition.elr), known.maximal_isr);
        });
    }
    // Two replicas have the same values below both their high watermarks.
    bool log_matching() const {
        for (int offset = 1; offset <= c.values; ++offset) {
            Byte value = 0;
            for (Broker b = 0; b < c.broker_count; ++b) {
                const BrokerSide& replica = s.brokers[b];
                if (std::min(replica.log_end_offset, replica.high_watermark) <= offset) continue;
                const Byte here = replica.record(offset).value;
                if (value != 0 && here != value) return false;
                value = here;
            }
        }
        return true;
    }
    // A broker's metadata log is a prefix of the controller's: what a length can break of it.
    bool metadata_log_matching() const {
        return all_brokers([&](const BrokerSide& broker) {
            return broker.metadata_log_size <= s.metadata_log.size;
        });
    }
    // What a consumer has read stays at its offset on every leader of the current epoch.
    bool consistent_read() const {
        return all_brokers([&](const BrokerSide& replica) {
            if (!is_non_stale_leader(replica)) return true;
            return replica.log_end_offset >= s.true_high_watermark &&
                   std::equal(s.consumed.begin(), s.consumed.begin() + s.true_high_watermark - 1,
                              replica.log.begin());
        });
    }
    bool no_committed_record_lost_globally() const {
        ValueSet somewhere = 0;
        for (Broker b = 0; b < c.broker_count; ++b) somewhere |= values_of(s.brokers[b]);
        return (s.positively_acknowledged & ~somewhere) == 0;
    }
    // KIP-966: with nobody left to elect, MinISR of those who were eligible last are known.
    bool min_isr_recovery_quorum() const {
        if (partition.isr != 0 || partition.elr != 0) return true;
        return size_of(partition.last_known_elr) == c.min_isr;
    }
};

// The published names end in Property; MinIsrRecoveryQuorum is KIP-966's alone.
constexpr std::array<PropertySpec, 8> kProperties = {{
    {"LeaderCompleteness"},
    {"LeaderCandidateCompleteness"},
    {"ReplicationQuorumSuperset"},
    {"LogMatching"},
    {"MetadataLogMatching"},
    {"ConsistentRead"},
    {"NoCommittedRecordLostGlobally"},
    {"MinIsrRecoveryQuorum"},
}};

}  // namespace

std::span<const PropertySpec> KraftReplication::properties() const {
    const std::size_t count = settings_.is_kip_966() ? kProperties.size() : kProperties.size() - 1;
    return std::span(kProperties).first(count);
}

std::uint64_t KraftReplication::predicates(const State& s) const {
    const Invariants holds{settings_, s, s.metadata_log.last()};
    std::uint64_t bits = 0;
    unsigned bit = 0;
    const auto next = [&](bool value) { bits |= std::uint64_t{value} << bit++; };
    next(holds.leader_completeness());
    next(holds.leader_candidate_completeness());
    next(holds.replication_quorum_superset());
    next(holds.log_matching());
    next(holds.metadata_log_matching());
    next(holds.consistent_read());
    next(holds.no_committed_record_lost_globally());
    next(!settings_.is_kip_966() || holds.min_isr_recovery_quorum());
    return bits;
}

}  // namespace tribunal::kraft_replication
