// A broker: start and stop, what it makes of metadata updates, and records written to a leader.
#include <algorithm>

#include "model/specs/kraft_replication_steps.h"

namespace tribunal::kraft_replication {

void remove_partition_from_fetchers(BrokerSide& broker) {
    for (Fetcher& fetcher : broker.fetchers) {
        fetcher = {.pending_response = fetcher.pending_response};
    }
}
void forget_pending_alter_partition(State& s, Broker b) {
    s.brokers[b].pending_alter_partition_epoch = 0;
    s.pending_request[b] = 0;
}
ReplicaMetadata replica_metadata_of(const Partition& p) {
    return {p.replicas, p.isr, p.isr, p.leader, p.leader_epoch, p.partition_epoch};
}

// Answers the producers of the records that b itself wrote as leader.
void acknowledge(State& s, Broker b, int from_offset, int to_offset, bool positive) {
    const BrokerSide& me = s.brokers[b];
    ValueSet values = 0;
    for (int offset = from_offset; offset <= to_offset; ++offset) {
        if (offset < me.floor_leader_offset) continue;
        values |= static_cast<ValueSet>(1u << (me.record(offset).value - 1));
    }
    const ValueSet answered = s.positively_acknowledged | s.negatively_acknowledged;
    values &= static_cast<ValueSet>(s.sent & ~answered);
    (positive ? s.positively_acknowledged : s.negatively_acknowledged) |= values;
}

// Start and stop

void Steps::broker_start(Broker b) const {
    const BrokerSide& was = s_.brokers[b];
    if (!was.is_offline()) return;
    State next = s_;
    BrokerSide& me = next.brokers[b];
    const Byte incarnation_id = s_.counters.incarnation;
    // KIP-966: the epoch that a clean stop left on disk.
    const Byte kept_epoch = c_.is_kip_966() ? was.broker_epoch : Byte{0};
    me.status = BrokerStatus::starting;
    me.broker_epoch = kept_epoch;
    me.incarnation_id = incarnation_id;
    me.registered = 0;
    me.role = Role::none;
    next.messages.send(pack(RegisterBrokerRequest{b, incarnation_id, kept_epoch}));
    next.counters.incarnation = to_byte(incarnation_id + 1);
    sink_(step_of_broker(ActionKind::broker_start, b), next);
}

void Steps::receive_broker_reg_response(std::size_t message) const {
    const auto response = unpack<RegisterBrokerResponse>(s_.messages.message(message));
    const Broker b = response.dest;
    const BrokerSide& was = s_.brokers[b];
    if (was.status != BrokerStatus::starting || was.registered != 0) return;
    if (was.incarnation_id != response.incarnation_id) return;
    State next = s_;
    BrokerSide& me = next.brokers[b];
    me.status = BrokerStatus::running;
    me.broker_epoch = response.broker_epoch;
    me.registered = 1;
    // The last record of that time is left for ReceiveMetadataUpdate, which sets up the replica.
    me.metadata_log_size = to_byte(std::max(response.metadata_offset - 1, 0));
    me.metadata = ReplicaMetadata{};
    next.messages.discard(s_.messages.message(message));
    sink_(step_of_message(ActionKind::receive_broker_reg_response, message), next);
}

namespace {

BrokerSide stopped(const BrokerSide& was, BrokerStatus status) {
    BrokerSide me = was;
    me.status = status;
    me.broker_epoch = 0;
    me.incarnation_id = 0;
    me.registered = 0;
    me.role = Role::none;
    me.floor_leader_offset = BrokerSide::kNoOffset;
    me.fetchers = {};
    me.peers = {};
    return me;
}
void delete_data(BrokerSide& me) {
    me.log = {};
    me.log_end_offset = 1;
    me.high_watermark = 1;
}

}  // namespace

// Loses the whole log.
void Steps::unclean_shutdown(Broker b) const {
    const BrokerSide& was = s_.brokers[b];
    if (s_.counters.unclean_shutdown >= c_.unclean_shutdown_limit || was.is_offline()) return;
    if (!c_.is_kip_966() && c_.avoid_last_replica_standing && partition_.isr == only(b)) return;
    State next = s_;
    ++next.counters.unclean_shutdown;
    BrokerSide me = stopped(was, BrokerStatus::offline_dirty);
    delete_data(me);
    me.leader_epoch_start_offset = 0;
    shut_down(b, me, step_of_broker(ActionKind::unclean_shutdown, b), next);
}

// KIP-966: no data is lost, yet the stop need not be clean; only a clean one keeps the epoch.
void Steps::clean_shutdown(Broker b) const {
    const BrokerSide& was = s_.brokers[b];
    if (s_.counters.clean_shutdown >= c_.clean_shutdown_limit || was.is_offline()) return;
    State next = s_;
    ++next.counters.clean_shutdown;
    BrokerSide me = stopped(was, BrokerStatus::offline_clean);
    shut_down(b, me, step_of_broker(ActionKind::clean_shutdown, b), next);
    if (!c_.is_kip_966() || was.broker_epoch == 0) return;
    me.broker_epoch = was.broker_epoch;
    constexpr unsigned kKeepsEpoch = 1u << 3;
    shut_down(b, me, step_of_broker(ActionKind::clean_shutdown, b, kKeepsEpoch), next);
}

// Metadata updates

// Limits the state space: a broker takes records only up to one that matters to its replica.
bool Steps::needs_action(Broker b, const Partition& record) const {
    const BrokerSide& me = s_.brokers[b];
    if (me.role == Role::leader) return true;
    return has(me.metadata.replicas, b) ? record.leader_epoch > me.metadata.leader_epoch
                                        : has(record.replicas, b);
}

void Steps::receive_metadata_update(Broker b) const {
    const BrokerSide& was = s_.brokers[b];
    if (was.is_offline() || was.registered == 0) return;
    const int end = static_cast<int>(s_.metadata_log.size);
    for (int offset = was.metadata_log_size + 1; offset <= end; ++offset) {
        const Partition record = s_.metadata_log.at(offset);
        if (!needs_action(b, record)) continue;
        State next = s_;
        next.brokers[b].metadata_log_size = to_byte(offset);
        // An AlterPartition response may have brought it already.
        const bool is_new = record.partition_epoch > was.metadata.partition_epoch;
        if (is_new && !apply(next, b, record)) continue;
        sink_(step_of_broker(ActionKind::receive_metadata_update, b, static_cast<unsigned>(offset)),
              next);
    }
}

void Steps::renounce_leadership(State& next, Broker b, const ReplicaMetadata& to) const {
    BrokerSide& me = next.brokers[b];
    const bool fails = size_of(to.isr) < c_.min_isr || to.leader != b;
    if (me.high_watermark < me.log_end_offset && fails) {
        acknowledge(next, b, me.high_watermark, me.log_end_offset - 1, false);
    }
    me.peers = {};
    forget_pending_alter_partition(next, b);
    me.floor_leader_offset = BrokerSide::kNoOffset;
    me.leader_epoch_start_offset = 0;
}

bool Steps::apply(State& next, Broker b, const Partition& record) const {
    BrokerSide& me = next.brokers[b];
    const ReplicaMetadata was = me.metadata;
    const ReplicaMetadata to = replica_metadata_of(record);
    const bool is_replica = has(to.replicas, b);
    if (has(was.replicas, b) && !is_replica) {
        renounce_leadership(next, b, to);
        me.role = Role::none;
        remove_partition_from_fetchers(me);
        delete_data(me);
    } else if (to.leader == b && was.leader == b && to.leader_epoch == was.leader_epoch) {
        advance_on_partition_change(next, b, to);
        if (to.partition_epoch >= me.pending_alter_partition_epoch) {
            forget_pending_alter_partition(next, b);
        }
    } else if (to.leader == b) {
        advance_on_partition_change(next, b, to);
        // What a new leader knows of followers is stale; a leader elected again may still trust
        // what it knows of those that stayed in the ISR.
        for (Broker peer = 0; peer < c_.broker_count; ++peer) {
            if (me.role != Role::leader || !has(to.isr, peer)) me.peers[peer] = {};
        }
        me.role = Role::leader;
        me.leader_epoch_start_offset = me.log_end_offset;
        forget_pending_alter_partition(next, b);
        remove_partition_from_fetchers(me);
    } else if (is_replica && to.leader != kNoLeader) {
        const bool remains_follower = to.leader_epoch == was.leader_epoch && was.leader != b;
        if (!remains_follower) {
            renounce_leadership(next, b, to);
            me.role = Role::follower;
            // No truncation: the leader's answer to the first fetch tells where the logs diverge.
            if (to.leader_epoch > was.leader_epoch || !me.fetchers[to.leader].has_partition()) {
                remove_partition_from_fetchers(me);
                Fetcher& fetcher = me.fetchers[to.leader];
                fetcher.fetch_offset = me.log_end_offset;
                fetcher.last_fetched_epoch = me.last_epoch();
            }
        }
    } else if (is_replica) {
        renounce_leadership(next, b, to);
        me.role = Role::none;
        remove_partition_from_fetchers(me);
    } else {
        return false;
    }
    me.metadata = is_replica ? to : ReplicaMetadata{};
    return true;
}

// High watermark

// The last offset that all members of the leader's maximal ISR have; 0: none.
int Steps::commit_offset(const BrokerSide& leader, Broker b, int log_end_offset,
                         const ReplicaMetadata& metadata) const {
    if (leader.log_end_offset == 1) return 0;
    const BrokerSet members =
        c_.without == Without::maximal_isr_high_watermark ? metadata.isr : metadata.maximal_isr;
    int end_offset = log_end_offset;
    for (Broker peer = 0; peer < c_.broker_count; ++peer) {
        if (peer == b || !has(members, peer)) continue;
        end_offset = std::min<int>(end_offset, leader.peers[peer].log_end_offset);
    }
    return std::max(end_offset - 1, 0);
}

// KIP-966: below MinISR the maximal ISR need not contain all who can become leader.
bool Steps::may_advance(const ReplicaMetadata& metadata, int old_high_watermark, int offset) const {
    if (offset <= old_high_watermark) return false;
    return !c_.is_kip_966() || c_.without == Without::min_isr_high_watermark ||
           size_of(metadata.isr) >= c_.min_isr;
}

void Steps::advance_high_watermark(State& next, Broker b, int high_watermark, bool positive) const {
    BrokerSide& me = next.brokers[b];
    acknowledge(next, b, me.high_watermark, (positive ? high_watermark : me.log_end_offset) - 1,
                positive);
    me.high_watermark = to_byte(high_watermark);
    // What consumers could read first when the highest of all high watermarks advances.
    for (; next.true_high_watermark < high_watermark; ++next.true_high_watermark) {
        next.consumed[next.true_high_watermark - 1] = me.record(next.true_high_watermark);
    }
}

void Steps::advance_on_partition_change(State& next, Broker b, const ReplicaMetadata& to) const {
    const BrokerSide& me = next.brokers[b];
    const int high_watermark = commit_offset(me, b, me.log_end_offset, to) + 1;
    if (!may_advance(to, me.high_watermark, high_watermark)) return;
    advance_high_watermark(next, b, high_watermark, size_of(to.maximal_isr) >= c_.min_isr);
}

// Writes

void Steps::write_record_to_leader(Broker b) const {
    const BrokerSide& was = s_.brokers[b];
    if (!was.is_running() || was.role != Role::leader) return;
    if (size_of(was.metadata.maximal_isr) < c_.min_isr) return;
    for (Byte value = 1; value <= c_.values; ++value) {
        const auto bit = static_cast<ValueSet>(1u << (value - 1));
        if ((s_.sent & bit) != 0) continue;
        State next = s_;
        BrokerSide& me = next.brokers[b];
        me.log[was.log_end_offset - 1u] = {was.metadata.leader_epoch, value};
        me.log_end_offset = to_byte(was.log_end_offset + 1);
        const int high_watermark = commit_offset(was, b, me.log_end_offset, was.metadata) + 1;
        if (may_advance(was.metadata, was.high_watermark, high_watermark)) {
            advance_high_watermark(next, b, high_watermark, true);
        }
        next.sent |= bit;
        if (was.floor_leader_offset == BrokerSide::kNoOffset) {
            me.floor_leader_offset = was.log_end_offset;
        }
        sink_(step_of_broker(ActionKind::write_record_to_leader, b, value), next);
    }
}

}  // namespace tribunal::kraft_replication
