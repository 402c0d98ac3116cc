// The initial state, which steps a state has, and its digest.
#include "model/specs/kraft_replication.h"

#include <bit>

#include "model/specs/kraft_replication_steps.h"

namespace tribunal::kraft_replication {

// A partition that works already: broker 1 leads, replicas outside the ISR are fenced and have not
// heard of the change that left them out.
State KraftReplication::initial_state() const {
    const auto first = [](int n) { return static_cast<BrokerSet>((1u << n) - 1); };
    Partition partition;
    partition.replicas = first(settings_.init_replication_factor);
    partition.isr = first(settings_.init_isr_size);
    partition.leader = 0;
    partition.leader_epoch = 1;
    partition.partition_epoch = partition.isr == partition.replicas ? 1 : 2;

    State s;
    s.metadata_log.append(partition);
    for (Broker b = 0; b < settings_.broker_count; ++b) {
        const Byte id = to_byte(b + 1);
        const bool is_replica = has(partition.replicas, b);
        const bool is_stale = is_replica && !has(partition.isr, b);
        s.registrations[b] = {is_stale ? Byte{0} : Byte{1}, id, id};
        BrokerSide& me = s.brokers[b];
        me.status = BrokerStatus::running;
        me.broker_epoch = id;
        me.incarnation_id = id;
        me.registered = 1;
        me.metadata_log_size = is_stale ? 0 : 1;
        if (b != 0) me.fetchers[0].fetch_offset = 1;
        if (is_replica) {
            me.role = b == 0 ? Role::leader : Role::follower;
            me.metadata = replica_metadata_of(partition);
        }
        if (is_stale) {
            me.metadata.isr = me.metadata.maximal_isr = partition.replicas;
            me.metadata.partition_epoch = 1;
        }
    }
    s.brokers[0].leader_epoch_start_offset = 1;
    s.broker_epoch = settings_.broker_count;
    s.counters.incarnation = to_byte(settings_.broker_count + 1);
    s.true_high_watermark = 1;
    return s;
}

void KraftReplication::expand(const State& s, const Sink& sink) const {
    const Steps steps(settings_, s, sink);
    for (Broker b = 0; b < settings_.broker_count; ++b) {
        steps.broker_start(b);
        steps.receive_metadata_update(b);
        steps.send_alter_partition_request(b);
        steps.send_fetch_request(b);
        steps.write_record_to_leader(b);
        steps.unclean_shutdown(b);
        steps.clean_shutdown(b);
        steps.fence_broker(b);
        steps.unfence_broker(b);
    }
    for (std::size_t i = 0; i < s.messages.size; ++i) {
        if (!s.messages.in_flight(i)) continue;
        switch (type_of(s.messages.message(i))) {
            case MessageType::register_broker_request:
                steps.receive_broker_reg_request(i);
                break;
            case MessageType::register_broker_response:
                steps.receive_broker_reg_response(i);
                break;
            case MessageType::alter_partition_request:
                steps.receive_alter_partition_request(i);
                break;
            case MessageType::alter_partition_response:
                steps.receive_alter_partition_response(i);
                break;
            case MessageType::fetch_request:
                steps.receive_fetch_request(i);
                break;
            case MessageType::fetch_response:
                steps.receive_fetch_response(i);
                break;
            case MessageType::none:
                break;
        }
    }
    steps.perform_partition_reassignment();
}

// What is beyond the two sizes is zero in every state and need not be folded.
Digest128 KraftReplication::digest(const State& s) const {
    constexpr std::size_t kWord = sizeof(std::uint64_t);
    constexpr std::size_t kRest = (sizeof(MessageSet) + sizeof(MetadataLog)) / kWord;
    const auto words = std::bit_cast<std::array<std::uint64_t, sizeof(State) / kWord>>(s);
    Digest d;
    d.word(s.messages.size);
    for (std::size_t i = 0; i < s.messages.size; ++i) d.word(s.messages.entries[i]);
    d.word(s.metadata_log.size);
    for (std::size_t i = 0; i < s.metadata_log.size; ++i) d.word(s.metadata_log.records[i]);
    for (std::size_t i = kRest; i < words.size(); ++i) d.word(words[i]);
    return d.value();
}

}  // namespace tribunal::kraft_replication
