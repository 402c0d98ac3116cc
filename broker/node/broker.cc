// Routing of a broker: which case an input belongs to; and what survives the end of its process.
#include "broker/node/broker.h"

#include <algorithm>

#include "broker/base/check.h"

namespace tribunal {

void fold(Digest& d, const Channel& channel) {
    d.word(channel.queue.size());
    for (const Deliver& request : channel.queue) {
        fold(d, request.connection);
        fold(d, request.correlation);
        fold(d, request.message);
    }
}

ReplicationContext context_of(const Broker& b, Outbox& out) {
    return {b.config, b.image.alive, b.image.active, out};
}

Partition* edit_partition(Broker& b, TopicPartition tp) {
    Hosted* hosted = b.partitions.find(tp);
    return hosted == nullptr ? nullptr : &hosted->partition.edit();
}

const Partition* find_partition(const Broker& b, TopicPartition tp) {
    const Hosted* hosted = b.partitions.find(tp);
    return hosted == nullptr ? nullptr : &*hosted->partition;
}

std::int32_t free_correlation(const Broker& b) {
    const auto in_use = [&](std::int32_t n) {
        return b.forwarded.contains(n) ||
               std::any_of(b.fetchers.begin(), b.fetchers.end(),
                           [&](const auto& e) { return e.second.in_flight == n; });
    };
    std::int32_t n = 1;
    while (in_use(n)) ++n;
    return n;
}

namespace {

void on_start(Broker& b, const Start& start, Outbox& out) {
    b.incarnation = start.incarnation;
    // Read and deleted: whatever ends this life but a controlled end leaves none.
    b.previous_broker_epoch = b.clean_shutdown_file.value_or(BrokerEpoch{-1});
    b.clean_shutdown_file.reset();
    forget_controllers(b);
    for (auto& [tp, hosted] : b.partitions) out.touch(tp);
    on_heartbeat_timer(b, out);
    fetch_metadata(b, out);
    out.arm(timer(TimerKind::isr_check), b.config.replica_lag_time_max / 2);
    out.arm(timer(TimerKind::producer_expiration), b.config.producer_id_expiration_check_interval);
    start_storage_timers(b, out);
}

void on_request(Broker& b, const Deliver& d, Outbox& out) {
    // One request of a connection at a time, in order (SocketServer mutes the channel).
    if (Channel* channel = b.busy.find(d.connection)) {
        channel->queue.push_back(d);
        return;
    }
    d.message.visit(Overloaded{
        [&](const ProduceRequest& m) { on_produce(b, d, m, out); },
        [&](const FetchRequest& m) { on_fetch(b, d, m, out); },
        [&](const ListOffsetsRequest& m) { on_list_offsets(b, d, m, out); },
        [&](const MetadataRequest& m) { on_metadata_request(b, d, m, out); },
        [&](const FindCoordinatorRequest& m) { on_find_coordinator(b, d, m, out); },
        [&](const OffsetCommitRequest& m) { on_offset_commit(b, d, m, out); },
        [&](const OffsetFetchRequest& m) { on_offset_fetch(b, d, m, out); },
        [&](const DeleteRecordsRequest& m) { on_delete_records(b, d, m, out); },
        [&](const CreateTopicRequest&) { forward(b, d, out); },
        [&](const CreatePartitionsRequest&) { forward(b, d, out); },
        [&](const DeleteTopicRequest&) { forward(b, d, out); },
        [&](const IncrementalAlterConfigsRequest&) { forward(b, d, out); },
        [&](const AlterPartitionReassignmentsRequest&) { forward(b, d, out); },
        [&](const ListPartitionReassignmentsRequest&) { forward(b, d, out); },
        [&](const ElectLeadersRequest&) { forward(b, d, out); },
        [&](const UpdateFeaturesRequest&) { forward(b, d, out); },
        [&](const UnregisterBrokerRequest&) { forward(b, d, out); },
        [&](const AddRaftVoterRequest&) { forward(b, d, out); },
        [&](const RemoveRaftVoterRequest&) { forward(b, d, out); },
        [&](const OffsetsForLeaderEpochRequest& m) { on_epoch_request(b, d, m, out); },
        [&](const InitProducerIdRequest& m) { on_init_producer_id(b, d, m, out); },
        [&](const auto&) { CHECK(!"a request that a broker never gets"); },
    });
}

void on_response(Broker& b, const Deliver& d, Outbox& out) {
    const NodeId peer = d.connection.server;
    if (d.connection.lane == Lane::forwarding) {
        on_forwarded_response(b, d, out);
        return;
    }
    // One request at a time: whatever its answer, it is no longer waited for.
    if (is_to_controllers(d.connection.lane)) {
        out.disarm(timer(TimerKind::request_timeout, d.connection.packed()));
    }
    d.message.visit(Overloaded{
        [&](const FetchResponse& m) { on_fetch_response(b, peer, d.correlation, m, out); },
        [&](const OffsetsForLeaderEpochResponse& m) {
            on_epoch_response(b, peer, d.correlation, m, out);
        },
        [&](const BrokerRegistrationResponse& m) { on_registration(b, m, out); },
        [&](const BrokerHeartbeatResponse& m) { on_heartbeat(b, m, out); },
        [&](const AlterPartitionResponse& m) { on_alter_partition(b, m, out); },
        [&](const AllocateProducerIdsResponse& m) { on_producer_ids(b, m, out); },
        [&](const MetadataFetchResponse& m) { on_metadata(b, peer, m, out); },
        [&](const auto&) { CHECK(!"a response that a broker never asked for"); },
    });
}

// A connection that this broker opened is gone: what it asked for will not be answered.
void on_own_connection_closed(Broker& b, ConnectionKey connection, Outbox& out) {
    switch (connection.lane) {
        case Lane::fetch:
            on_fetcher_failed(b, connection.server, out);
            return;
        case Lane::heartbeat:
            b.heartbeat_in_flight = false;
            out.disarm(timer(TimerKind::request_timeout, connection.packed()));
            if (b.registration == Registration::sent) b.registration = Registration::none;
            out.arm(timer(TimerKind::heartbeat), milliseconds(500));
            return;
        case Lane::metadata_fetch:
            b.metadata_in_flight = false;
            out.disarm(timer(TimerKind::request_timeout, connection.packed()));
            ask_next_voter(b);
            out.arm(timer(TimerKind::metadata_retry), milliseconds(100));
            return;
        case Lane::alter_partition:
            out.disarm(timer(TimerKind::request_timeout, connection.packed()));
            if (b.alter_partition_in_flight) on_alter_partition_failed(b, out);
            return;
        case Lane::producer_id_block:
            out.disarm(timer(TimerKind::request_timeout, connection.packed()));
            on_producer_ids_failed(b, out);
            return;
        case Lane::forwarding:
            on_forwarding_failed(b, connection.server, out);
            return;
        case Lane::general:
        case Lane::metadata:
        case Lane::coordinator:
        case Lane::quorum:
        case Lane::producer_id:
            return;
    }
}

// A client went away: its parked requests have nobody to answer to, its session ends.
void on_client_gone(Broker& b, ConnectionKey connection, Outbox& out) {
    out.disarm(timer(TimerKind::fetch_wait, connection.packed()));
    out.disarm(timer(TimerKind::produce_wait, connection.packed()));
    drop_session(b, connection);
    std::erase_if(b.parked, [&](const ParkedRequest& r) { return r.connection == connection; });
    b.busy.erase(connection);
    b.forwarded.erase_if([&](const auto& e) { return e.second.client == connection; });
}

void check_isrs(Broker& b, Outbox& out) {
    ReplicationContext context = context_of(b, out);
    for (auto& [tp, hosted] : b.partitions) {
        if (hosted.partition->leader() != nullptr) check_isr(hosted.partition.edit(), context);
    }
    send_alter_partitions(b, out);
    out.arm(timer(TimerKind::isr_check), b.config.replica_lag_time_max / 2);
}

// producer.id.expiration.ms. Law 4 has one exception: timestamps against the wall clock, as data.
void expire_producers(Broker& b, Outbox& out) {
    const std::int64_t expiration_ms = b.config.producer_id_expiration.value / 1'000'000;
    for (auto& [tp, hosted] : b.partitions) {
        if (!hosted.partition->log.producers.has_expired(out.timestamp, expiration_ms)) continue;
        hosted.partition.edit().log.producers.remove_expired(out.timestamp, expiration_ms);
    }
    out.arm(timer(TimerKind::producer_expiration), b.config.producer_id_expiration_check_interval);
}

void on_timer(Broker& b, TimerId id, Outbox& out) {
    switch (kind_of(id)) {
        case TimerKind::isr_check:
            check_isrs(b, out);
            return;
        case TimerKind::checkpoint:
        case TimerKind::recovery_checkpoint:
        case TimerKind::log_start_checkpoint:
        case TimerKind::retention:
        case TimerKind::flush:
            on_storage_timer(b, kind_of(id), out);
            return;
        case TimerKind::cleaner:
            on_cleaner_timer(b, out);
            return;
        case TimerKind::heartbeat:
            on_heartbeat_timer(b, out);
            return;
        case TimerKind::fetch_wait:
            on_fetch_wait(b, key_of(id), out);
            return;
        case TimerKind::produce_wait:
            on_parked_timeout(b, key_of(id), out);
            return;
        case TimerKind::fetch_backoff:
            on_fetch_backoff(b, NodeId{static_cast<std::int32_t>(key_of(id))}, out);
            return;
        case TimerKind::alter_partition_retry:
            send_alter_partitions(b, out);
            return;
        case TimerKind::metadata_retry:
            fetch_metadata(b, out);
            return;
        case TimerKind::forward_retry:
            retry_forwarding(b, out);
            return;
        case TimerKind::controlled_shutdown:
            shut_down(b, out);
            return;
        case TimerKind::producer_expiration:
            expire_producers(b, out);
            return;
        case TimerKind::producer_ids_retry:
            on_producer_ids_retry(b, out);
            return;
        case TimerKind::request_timeout: {
            // The peer is silent: give the connection up and go on as if it had broken.
            const auto lane = static_cast<Lane>(key_of(id) & 0xff);
            const NodeId server{static_cast<std::int32_t>((key_of(id) >> 8) & 0xffffff)};
            const ConnectionKey connection{b.id, server, lane};
            out.effects.emplace_back(Close{connection});
            on_own_connection_closed(b, connection, out);
            return;
        }
        default:
            CHECK(!"a timer that a broker never arms");
    }
}

}  // namespace

void step(Broker& b, const Input& input, Outbox& out) {
    std::visit(Overloaded{
                   [&](const Start& s) { on_start(b, s, out); },
                   [&](const Deliver& d) {
                       d.is_response ? on_response(b, d, out) : on_request(b, d, out);
                   },
                   [&](const ConnectionClosed& c) {
                       if (c.connection.client == b.id) {
                           on_own_connection_closed(b, c.connection, out);
                       } else {
                           on_client_gone(b, c.connection, out);
                       }
                   },
                   [&](const TimerFired& t) { on_timer(b, t.timer, out); },
                   [&](const WriteDone& w) { on_write_done(b, w.token, out); },
                   [&](const Stop&) { on_stop(b, out); },
               },
               input);
}

Broker restart(const Broker& b) {
    Broker fresh;
    fresh.id = b.id;
    fresh.voters = b.voters;
    fresh.config = b.config;
    fresh.clean_shutdown_file = b.clean_shutdown_file;
    const bool trusts_its_logs = b.clean_shutdown_file.has_value() ||
                                 b.config.planted_bug == PlantedBug::recovery_keeps_torn_tail;
    for (const auto& [tp, hosted] : b.partitions) {
        fresh.partitions[tp].partition =
            Shared<Partition>{loaded(*hosted.partition, trusts_its_logs)};
    }
    return fresh;
}

}  // namespace tribunal
