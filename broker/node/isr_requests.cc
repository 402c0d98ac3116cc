// AlterPartition requests (KIP-497): one under way for the whole broker, as Kafka's
// AlterPartitionManager has it; proposals that come meanwhile go with the next.
#include "broker/base/check.h"
#include "broker/node/broker.h"

namespace tribunal {
namespace {

ConnectionKey connection_of(const Broker& b) { return {b.id, b.controller, Lane::alter_partition}; }

}  // namespace

void send_alter_partitions(Broker& b, Outbox& out) {
    // A proposal is made in a step that notes its partition as touched.
    for (const Note& note : out.notes) {
        const auto* touched = std::get_if<PartitionTouched>(&note);
        if (touched == nullptr) continue;
        const Partition* p = find_partition(b, touched->partition);
        if (p == nullptr || p->leader() == nullptr || !p->leader()->pending ||
            p->leader()->pending->in_flight) {
            continue;
        }
        b.isr_proposals.insert(touched->partition);
    }
    if (b.isr_proposals.empty() || b.alter_partition_in_flight || b.controller == kNoNode ||
        b.registration != Registration::registered) {
        return;
    }
    AlterPartitionRequest request;
    request.broker = b.id;
    request.broker_epoch = b.broker_epoch;
    b.alter_partition_sent.clear();
    for (const TopicPartition tp : b.isr_proposals) {
        Partition* p = edit_partition(b, tp);
        if (p == nullptr || p->leader() == nullptr || !p->leader()->pending) continue;
        PendingIsr& pending = *p->leader()->pending;
        pending.in_flight = true;
        AlterPartition alter{tp, p->leader_epoch, p->partition_epoch, {}};
        // Sent again it says the same again: an epoch of today would vouch for a life that has not
        // fetched anything.
        alter.new_isr = pending.members;
        for (IsrMember& member : alter.new_isr) {
            if (member.broker == b.id) member.broker_epoch = b.broker_epoch;
        }
        request.partitions.push_back(std::move(alter));
        b.alter_partition_sent.push_back(tp);
    }
    b.isr_proposals.clear();
    if (request.partitions.empty()) return;
    b.alter_partition_in_flight = true;
    out.send(connection_of(b), free_correlation(b), std::move(request));
    out.arm(timer(TimerKind::request_timeout, connection_of(b).packed()),
            b.config.replica_socket_timeout);
}

void on_alter_partition(Broker& b, const AlterPartitionResponse& response, Outbox& out) {
    if (!b.alter_partition_in_flight) return;
    if (response.error != ErrorCode::none) {
        on_alter_partition_failed(b, out);
        return;
    }
    b.alter_partition_in_flight = false;
    ReplicationContext context = context_of(b, out);
    for (const AlterPartitionResult& result : response.partitions) {
        Partition* p = edit_partition(b, result.partition);
        if (p == nullptr) continue;
        on_alter_partition(*p, result, context);
        if (p->leader() != nullptr && p->leader()->pending && !p->leader()->pending->in_flight) {
            b.isr_proposals.insert(result.partition);
        }
        notify_sessions(b, result.partition, out);
        complete_parked(b, result.partition, out);
    }
    send_alter_partitions(b, out);
}

void on_alter_partition_failed(Broker& b, Outbox& out) {
    b.alter_partition_in_flight = false;
    for (const TopicPartition tp : b.alter_partition_sent) {
        Partition* p = edit_partition(b, tp);
        if (p == nullptr || p->leader() == nullptr || !p->leader()->pending) continue;
        p->leader()->pending->in_flight = false;
        b.isr_proposals.insert(tp);
    }
    out.arm(timer(TimerKind::alter_partition_retry), milliseconds(50));
}

}  // namespace tribunal
