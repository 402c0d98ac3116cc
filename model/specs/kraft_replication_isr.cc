// AlterPartition: how a leader changes the ISR, and how the controller answers.
//
// Four rules make it safe, and each can be taken away (Without): who joins has reached the high
// watermark and the start of the leader's epoch; the maximal ISR counts who may already be a
// member; the partition epoch orders changes; the broker epoch tells a restarted broker from the
// one that had caught up (KIP-903).
#include "model/specs/kraft_replication_steps.h"

namespace tribunal::kraft_replication {

bool Steps::is_caught_up(const BrokerSide& leader, Broker follower, BrokerSet timed_out) const {
    if (has(leader.metadata.isr, follower)) return !has(timed_out, follower);
    const int end_offset = leader.peers[follower].log_end_offset;
    if (end_offset == 0) return false;
    return (c_.without == Without::leo_at_least_hwm || end_offset >= leader.high_watermark) &&
           (c_.without == Without::leo_at_least_leso ||
            end_offset >= leader.leader_epoch_start_offset);
}

void Steps::send_alter_partition_request(Broker b, BrokerSet timed_out) const {
    const BrokerSide& was = s_.brokers[b];
    const BrokerSet isr = was.metadata.isr;
    AlterPartitionRequest request{.source = b,
                                  .isr = 0,
                                  .broker_epochs = {},
                                  .leader_epoch = was.metadata.leader_epoch,
                                  .partition_epoch = was.metadata.partition_epoch};
    for (Broker member = 0; member < c_.broker_count; ++member) {
        if (!has(was.metadata.replicas, member)) continue;
        if (member != b && !is_caught_up(was, member, timed_out)) continue;
        request.isr = joined(request.isr, only(member));
        if (member == b) {
            request.broker_epochs[member] = was.broker_epoch;
        } else if (!has(isr, member)) {
            request.broker_epochs[member] = was.peers[member].broker_epoch;
        }
    }
    if (request.isr == isr) return;
    const std::uint64_t message = pack(request);
    // The same request again only when it would be accepted: no endless retries.
    if (s_.messages.ever_sent(message) && judge(request) != AlterPartitionError::none) return;
    State next = s_;
    BrokerSide& me = next.brokers[b];
    next.messages.send(message);
    me.metadata.maximal_isr = joined(request.isr, isr);
    me.pending_alter_partition_epoch = to_byte(was.metadata.partition_epoch + 1);
    next.pending_request[b] = message;
    if (!within(isr, request.isr)) ++next.counters.leader_shrink_isr;
    sink_(step_of_broker(ActionKind::send_alter_partition_request, b, timed_out), next);
}

void Steps::send_alter_partition_request(Broker b) const {
    const BrokerSide& was = s_.brokers[b];
    if (!was.is_running() || was.role != Role::leader || was.awaits_alter_partition()) return;
    if (s_.counters.leader_shrink_isr >= c_.leader_shrink_isr_limit) {
        send_alter_partition_request(b, 0);
        return;
    }
    const BrokerSet others = less(was.metadata.isr, only(b));
    for (unsigned timed_out = 0; timed_out <= others; ++timed_out) {
        const auto set = static_cast<BrokerSet>(timed_out);
        if (within(set, others)) send_alter_partition_request(b, set);
    }
}

AlterPartitionError Steps::judge(const AlterPartitionRequest& request) const {
    const Registration& leader = s_.registrations[request.source];
    const bool same_partition = c_.without == Without::partition_epoch ||
                                request.partition_epoch == partition_.partition_epoch;
    if (request.source != partition_.leader || !same_partition ||
        request.broker_epochs[request.source] != leader.broker_epoch) {
        return AlterPartitionError::fenced_leader_epoch;
    }
    for (Broker member = 0; member < c_.broker_count; ++member) {
        if (!has(request.isr, member)) continue;
        const Registration& known = s_.registrations[member];
        const Byte epoch = request.broker_epochs[member];
        const bool same_broker =
            c_.without == Without::kip903_broker_epoch || epoch == 0 || epoch == known.broker_epoch;
        if (known.unfenced == 0 || !same_broker) return AlterPartitionError::ineligible_replica;
    }
    return AlterPartitionError::none;
}

// May complete a reassignment, and then replace a leader that is no longer a replica.
void Steps::receive_alter_partition_request(std::size_t message) const {
    const std::uint64_t word = s_.messages.message(message);
    const auto request = unpack<AlterPartitionRequest>(word);
    AlterPartitionResponse response{.request = request, .error = judge(request)};
    if (response.error != AlterPartitionError::none) {
        State next = s_;
        next.messages.discard(word);
        next.messages.send(pack(response));
        sink_(step_of_message(ActionKind::receive_alter_partition_request, message, kNoLeader),
              next);
        return;
    }
    const Partition& now = partition_;
    const BrokerSet final_replicas = less(now.replicas, now.removing);
    const BrokerSet final_isr = less(request.isr, now.removing);
    const bool reassigning = now.adding != 0 || now.removing != 0;
    const bool completes =
        reassigning && within(now.adding, final_isr) && size_of(final_isr) >= c_.min_isr;
    Partition to = now;
    to.isr = request.isr;
    if (completes) {
        to.replicas = final_replicas;
        to.isr = final_isr;
        to.leader_epoch = to_byte(now.leader_epoch + 1);
        to.adding = 0;
        to.removing = 0;
    }
    to.elr = elr_after(to.isr, to.replicas);
    for (Broker leader = 0; leader < c_.broker_count; ++leader) {
        if (!has(to.isr, leader)) continue;
        if (has(to.isr, now.leader) && leader != now.leader) continue;
        to.leader = leader;
        const Partition record = changed(to);
        State next = s_;
        next.metadata_log.append(record);
        response.replicas = record.replicas;
        response.isr = record.isr;
        response.leader = record.leader;
        response.leader_epoch = record.leader_epoch;
        response.partition_epoch = record.partition_epoch;
        next.messages.discard(word);
        next.messages.send(pack(response));
        sink_(step_of_message(ActionKind::receive_alter_partition_request, message, leader), next);
    }
}

void Steps::receive_alter_partition_response(std::size_t message) const {
    const std::uint64_t word = s_.messages.message(message);
    const auto response = unpack<AlterPartitionResponse>(word);
    const Broker b = response.request.source;
    const BrokerSide& was = s_.brokers[b];
    if (!was.is_running() || was.role != Role::leader || !was.awaits_alter_partition()) return;
    if (s_.pending_request[b] != pack(response.request)) return;
    ReplicaMetadata to = was.metadata;
    if (response.error == AlterPartitionError::none) {
        // A completed reassignment raised the leader epoch: the metadata update will tell.
        if (response.partition_epoch <= was.metadata.partition_epoch) return;
        if (response.leader_epoch != was.metadata.leader_epoch) return;
        to = {response.replicas, response.isr,          response.isr,
              response.leader,   response.leader_epoch, response.partition_epoch};
    } else {
        to.maximal_isr = to.isr;
    }
    State next = s_;
    advance_on_partition_change(next, b, to);
    next.brokers[b].metadata = to;
    forget_pending_alter_partition(next, b);
    next.messages.discard(word);
    sink_(step_of_message(ActionKind::receive_alter_partition_response, message), next);
}

}  // namespace tribunal::kraft_replication
