// A broker's place in the cluster (KIP-500, KIP-631): registration, heartbeats, and the metadata
// log that makes it leader or follower of its partitions.
#include <algorithm>

#include "broker/base/check.h"
#include "broker/node/broker.h"

namespace tribunal {
namespace {

ConnectionKey to_controller(const Broker& b, Lane lane) { return {b.id, b.controller, lane}; }

constexpr Duration kRetry = milliseconds(100);  // when nobody knew who leads
// After NOT_CONTROLLER. Deviation: Kafka's channel asks again at once when the node that it is told
// is the controller has not changed.
constexpr Duration kRefusedRetry = milliseconds(20);

// What the image says of one partition becomes this broker's role in it.
void apply_partition(Broker& b, TopicPartition tp, Outbox& out) {
    const PartitionImage* image = b.image.partition(tp);
    const bool assigned =
        image != nullptr &&
        std::find(image->replicas.begin(), image->replicas.end(), b.id) != image->replicas.end();
    Hosted* hosted = b.partitions.find(tp);
    if (!assigned) {
        if (hosted == nullptr) return;
        unfollow(b, tp);
        b.offsets.erase(tp);
        b.partitions.erase(tp);
        out.effects.emplace_back(Write{DeleteWrite{tp, true}, false, 0});
        out.touch(tp);
        notify_sessions(b, tp, out);
        complete_parked(b, tp, out);
        return;
    }
    if (hosted == nullptr) {
        Partition fresh;
        fresh.id = tp;
        fresh.self = b.id;
        b.partitions[tp].partition = Shared<Partition>{std::move(fresh)};
        hosted = b.partitions.find(tp);
    }
    const Partition& before = *hosted->partition;
    const TopicConfig& config = b.image.topic(tp.topic)->config;
    const bool was_leader = before.leader() != nullptr;
    const LeaderEpoch old_epoch = before.leader_epoch;
    const NodeId old_leader = before.follower() != nullptr ? before.follower()->leader : kNoNode;
    const bool old_offline = std::holds_alternative<Offline>(before.role);
    if (!old_offline && image->leader_epoch == old_epoch &&
        image->partition_epoch <= before.partition_epoch) {
        // An AlterPartition response has told already; or the topic's settings are others, which
        // hold from now on and change no role (TopicConfigHandler).
        if (before.config == config) return;
        hosted->partition.edit().config = config;
        out.touch(tp);
        return;
    }
    if (b.config.planted_bug == PlantedBug::stale_leader_serves && was_leader &&
        image->leader != b.id) {
        return;
    }
    Partition& p = hosted->partition.edit();
    p.config = config;
    ReplicationContext context = context_of(b, out);
    if (image->leader == b.id) {
        unfollow(b, tp);
        become_leader(p, *image, context);
        if (!was_leader && b.image.topic(tp.topic)->name == kOffsetsTopic) {
            b.offsets[tp] = load_offsets(p.log);
        }
    } else {
        become_follower(p, *image, context);
        b.offsets.erase(tp);
        if (b.controlled_shutdown != ControlledShutdown::no &&
            (image->leader == kNoNode || !image->isr.contains(b.id))) {
            // A broker that is leaving does not catch up to be in sync again (KAFKA-13916).
            unfollow(b, tp);
        } else if (image->leader_epoch > old_epoch || image->leader != old_leader || old_offline) {
            follow(b, tp, image->leader, out);
        }
    }
    notify_sessions(b, tp, out);
    complete_parked(b, tp, out);
}

// A broker takes up its partitions only when it has seen its own registration (BrokerServer waits
// for the initial catch-up): before that the image may still show it as the leader that its last
// life was.
void maybe_start_serving(Broker& b, Outbox& out) {
    if (b.serving || b.registration != Registration::registered ||
        b.image_offset <= Offset{b.broker_epoch.value}) {
        return;
    }
    b.serving = true;
    FlatSet<TopicPartition> known;
    for (const auto& [tp, hosted] : b.partitions) known.insert(tp);
    for (const auto& [id, topic] : b.image.topics) {
        for (std::size_t i = 0; i < topic->partitions.size(); ++i) {
            known.insert({id, static_cast<std::int32_t>(i)});
        }
    }
    for (const TopicPartition tp : known) apply_partition(b, tp, out);
    on_heartbeat_timer(b, out);
}

}  // namespace

void start_registration(Broker& b, Outbox& out) {
    b.registration = Registration::sent;
    b.registration_attempts = std::min(b.registration_attempts + 1, kMostRegistrationAttempts);
    const ConnectionKey connection = to_controller(b, Lane::heartbeat);
    BrokerRegistrationRequest request;
    request.broker = b.id;
    request.incarnation = b.incarnation;
    request.rack = b.config.rack;
    request.features = b.config.supported_features;
    request.previous_broker_epoch = b.previous_broker_epoch;
    out.send(connection, free_correlation(b), std::move(request));
    out.arm(timer(TimerKind::request_timeout, connection.packed()),
            b.config.broker_session_timeout / 2);
}

void on_registration(Broker& b, const BrokerRegistrationResponse& response, Outbox& out) {
    if (response.error == ErrorCode::not_controller) {
        b.registration = Registration::none;
        --b.registration_attempts;
        out.arm(timer(TimerKind::heartbeat), kRefusedRetry);
        return;
    }
    if (response.error != ErrorCode::none) {
        // DUPLICATE_BROKER_REGISTRATION while the session of the last life runs: exponential
        // backoff from 100 ms up to the session timeout (BrokerLifecycleManager).
        b.registration = Registration::none;
        const int doublings = b.registration_attempts - 1;
        out.arm(timer(TimerKind::heartbeat),
                std::min(milliseconds(100) * (1ll << doublings), b.config.broker_session_timeout));
        return;
    }
    b.registration = Registration::registered;
    b.broker_epoch = response.broker_epoch;
    on_heartbeat_timer(b, out);
    maybe_start_serving(b, out);
}

void on_heartbeat_timer(Broker& b, Outbox& out) {
    if (b.controller == kNoNode) return;  // send_what_waits() comes here again
    if (b.registration == Registration::none) {
        start_registration(b, out);
        return;
    }
    if (b.registration != Registration::registered) return;
    if (b.heartbeat_in_flight) {
        // Its answer is still out: look again, or no heartbeat would ever follow it.
        out.arm(timer(TimerKind::heartbeat), b.config.broker_heartbeat_interval);
        return;
    }
    b.heartbeat_in_flight = true;
    const ConnectionKey connection = to_controller(b, Lane::heartbeat);
    const bool leaves = b.controlled_shutdown != ControlledShutdown::no;
    if (b.controlled_shutdown == ControlledShutdown::wanted) {
        b.controlled_shutdown = ControlledShutdown::announced;
    }
    out.send(connection, free_correlation(b),
             BrokerHeartbeatRequest{b.id, b.broker_epoch, b.image_offset, false, leaves});
    out.arm(timer(TimerKind::request_timeout, connection.packed()),
            b.config.broker_session_timeout / 2);
    out.arm(timer(TimerKind::heartbeat), b.config.broker_heartbeat_interval);
}

void on_heartbeat(Broker& b, const BrokerHeartbeatResponse& response, Outbox& out) {
    b.heartbeat_in_flight = false;
    switch (response.error) {
        case ErrorCode::none:
            b.fenced = response.is_fenced;
            if (b.controlled_shutdown != ControlledShutdown::no) {
                on_heartbeat_while_leaving(b, response, out);
                return;
            }
            if (b.fenced && b.image_offset > Offset{b.broker_epoch.value} &&
                !response.is_caught_up) {
                on_heartbeat_timer(b, out);  // caught up since: do not wait for the next round
            }
            return;
        case ErrorCode::stale_broker_epoch:
        case ErrorCode::broker_id_not_registered:
            b.registration = Registration::none;
            b.registration_attempts = 0;
            on_heartbeat_timer(b, out);
            return;
        case ErrorCode::not_controller:
            out.arm(timer(TimerKind::heartbeat), kRefusedRetry);
            return;
        default:
            return;  // the next heartbeat tries again
    }
}

void fetch_metadata(Broker& b, Outbox& out) {
    if (b.metadata_in_flight) return;
    b.metadata_in_flight = true;
    const ConnectionKey connection{b.id, b.metadata_source, Lane::metadata_fetch};
    out.send(connection, free_correlation(b),
             MetadataFetchRequest{b.id, b.image_offset, milliseconds(500), b.image_epoch});
    out.arm(timer(TimerKind::request_timeout, connection.packed()),
            b.config.quorum_request_timeout);
}

namespace {

// The partitions of a topic that is there now or was before.
void add_partitions(const TopicImage& topic, FlatSet<TopicPartition>& partitions) {
    for (std::size_t i = 0; i < topic.partitions.size(); ++i) {
        partitions.insert({topic.id, static_cast<std::int32_t>(i)});
    }
}

// What was replayed is not what the leader has: only a quorum that lost committed records says so.
// The broker's log would have to be cut below its high watermark, or does not go with a snapshot,
// at which Kafka's raft thread ends the process (KafkaRaftClient.handleFetchResponse, KAFKA-12460;
// KafkaMetadataLog.truncateToLatestSnapshot, FollowerState.updateHighWatermark).
bool has_parted(const Broker& b, const MetadataFetchResponse& response) {
    if (response.base_offset != b.image_offset) return false;
    return response.diverges || (response.is_snapshot && (response.end_offset <= b.image_offset ||
                                                          response.last_epoch < b.image_epoch));
}

// Replays what came; returns the partitions that may have changed. A broker logs what does not fit
// and goes on without it (SharedServer.metadataLoaderFaultHandler).
// Deviation: that of a combined node ends the process; here its controller does, by its own log.
FlatSet<TopicPartition> replay_fetched(Broker& b, const MetadataFetchResponse& response) {
    FlatSet<TopicPartition> changed;
    if (response.is_snapshot) {
        // All that it knew, and all that there is now (KIP-630).
        for (const auto& [id, topic] : b.image.topics) add_partitions(*topic, changed);
        b.image = ClusterImage{};
    }
    for (const Shared<MetadataRecord>& record : response.records) {
        if (const auto* removed = std::get_if<RemoveTopicRecord>(&*record)) {
            const TopicImage* topic = b.image.topic(removed->topic);
            if (topic != nullptr) add_partitions(*topic, changed);
        }
        if (replay(b.image, *record) != nullptr) continue;
        if (const auto tp = changed_partition(*record)) changed.insert(*tp);
        if (const auto* altered = std::get_if<TopicConfigRecord>(&*record)) {
            add_partitions(*b.image.topic(altered->topic), changed);
        }
    }
    b.image_offset = response.end_offset;
    b.image_epoch = response.last_epoch;
    return changed;
}

}  // namespace

void on_metadata(Broker& b, NodeId from, const MetadataFetchResponse& response, Outbox& out) {
    b.metadata_in_flight = false;
    follow_controller(b, response.leader, response.leader_epoch, out);
    if (response.error != ErrorCode::none) {
        if (b.metadata_source != from) {
            fetch_metadata(b, out);  // it has said who leads
        } else {
            ask_next_voter(b);
            out.arm(timer(TimerKind::metadata_retry), kRetry);
        }
        return;
    }
    if (has_parted(b, response)) {
        out.effects.emplace_back(Halt{"has metadata that the quorum has lost"});
        return;
    }
    const bool is_next = response.is_snapshot ? response.end_offset > b.image_offset
                                              : response.base_offset == b.image_offset &&
                                                    response.end_offset > b.image_offset;
    if (is_next) {
        const FlatSet<TopicPartition> changed = replay_fetched(b, response);
        if (b.serving) {
            for (const TopicPartition tp : changed) apply_partition(b, tp, out);
            close_idle_fetchers(b, out);
        }
        maybe_start_serving(b, out);
        out.notes.emplace_back(ImageChanged{b.image_offset});
        send_alter_partitions(b, out);
    }
    fetch_metadata(b, out);
}

}  // namespace tribunal
