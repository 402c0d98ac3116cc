// The smaller requests: metadata, offsets, leader epochs, coordinators and group offsets.
#include "broker/base/check.h"
#include "broker/node/broker.h"

namespace tribunal {

void on_metadata_request(Broker& b, const Deliver& d, const MetadataRequest& request, Outbox& out) {
    MetadataResponse response;
    for (const auto& [node, epoch] : b.image.alive) response.brokers.push_back(node);
    const auto add = [&](const TopicImage& topic) {
        response.topics.push_back(
            MetadataTopic{ErrorCode::none, topic.name, topic.id, topic.partitions});
    };
    if (request.topics.empty()) {
        for (const auto& [id, topic] : b.image.topics) add(*topic);
    }
    for (const std::string& name : request.topics) {
        if (const TopicImage* topic = b.image.topic(name)) {
            add(*topic);
        } else {
            response.topics.push_back(
                MetadataTopic{ErrorCode::unknown_topic_or_partition, name, TopicId{-1}, {}});
        }
    }
    out.respond(d.connection, d.correlation, std::move(response));
}

namespace {

// Partition.fetchOffsetForTimestamp for a consumer.
void find_offset(const Partition& p, std::int64_t timestamp, const BrokerConfig& config,
                 ListOffsetsResponse& response) {
    if (timestamp == kEarliestTimestamp) {
        response.offset = p.log.log_start_offset;
        return;
    }
    // KIP-207: a new leader may not know yet what its predecessor had committed; an answer below
    // that would go back in time.
    const ErrorCode too_early = config.rules.list_offsets_waits_for_own_epoch &&
                                        p.high_watermark < p.leader()->epoch_start_offset
                                    ? ErrorCode::offset_not_available
                                    : ErrorCode::none;
    if (timestamp == kLatestTimestamp) {
        response.error = too_early;
        if (too_early == ErrorCode::none) response.offset = p.high_watermark;
        return;
    }
    const auto found = timestamp == kMaxTimestamp ? p.log.find_max_timestamp()
                                                  : p.log.find_by_timestamp(Timestamp{timestamp});
    if (!found) return;
    if (found->offset >= p.high_watermark) {
        response.error = too_early;
        return;
    }
    response.offset = found->offset;
    response.timestamp = found->timestamp;
}

}  // namespace

void on_list_offsets(Broker& b, const Deliver& d, const ListOffsetsRequest& request, Outbox& out) {
    ListOffsetsResponse response;
    response.partition = request.partition;
    const Partition* p = find_partition(b, request.partition);
    if (p == nullptr) {
        response.error = ErrorCode::unknown_topic_or_partition;
    } else {
        response.error = check_leader(*p, request.current_leader_epoch);
    }
    if (response.error == ErrorCode::none) find_offset(*p, request.timestamp, b.config, response);
    out.respond(d.connection, d.correlation, response);
}

void on_epoch_request(Broker& b, const Deliver& d, const OffsetsForLeaderEpochRequest& request,
                      Outbox& out) {
    OffsetsForLeaderEpochResponse response;
    for (const EpochQuery& query : request.partitions) {
        EpochEndOffset answer;
        answer.partition = query.partition;
        const Partition* p = find_partition(b, query.partition);
        const LeaderEpoch meant = b.config.rules.offsets_for_epoch_checks_leader_epoch
                                      ? query.current_leader_epoch
                                      : kNoLeaderEpoch;
        answer.error =
            p == nullptr ? ErrorCode::unknown_topic_or_partition : check_leader(*p, meant);
        if (answer.error == ErrorCode::none) {
            const EpochEnd end = p->log.end_offset_for(query.leader_epoch);
            answer.end_offset = end.end_offset;
            // The answer of 0.11 had no epoch (KIP-279 added it), and where the leader lacked the
            // epoch that was asked for it gave the start of the next one.
            answer.leader_epoch =
                b.config.rules.truncation == TruncationRule::kip101 ? kNoLeaderEpoch : end.epoch;
        }
        response.partitions.push_back(answer);
    }
    out.respond(d.connection, d.correlation, std::move(response));
}

// --- group offsets
// --------------------------------------------------------------------------------

void on_find_coordinator(Broker& b, const Deliver& d, const FindCoordinatorRequest& request,
                         Outbox& out) {
    FindCoordinatorResponse response;
    const TopicImage* topic = b.image.topic(kOffsetsTopic);
    if (topic == nullptr || topic->partitions.empty()) {
        response.error = ErrorCode::coordinator_not_available;
    } else {
        const auto partition = static_cast<std::size_t>(coordinator_partition(
            request.group, static_cast<std::int32_t>(topic->partitions.size())));
        response.coordinator = topic->partitions[partition].leader;
        if (response.coordinator == kNoNode || !b.image.alive.contains(response.coordinator)) {
            response.coordinator = kNoNode;
            response.error = ErrorCode::coordinator_not_available;
        }
    }
    out.respond(d.connection, d.correlation, response);
}

namespace {

// The partition of __consumer_offsets for a group when this broker leads it.
Answer<TopicPartition> coordinated(const Broker& b, const std::string& group) {
    const TopicImage* topic = b.image.topic(kOffsetsTopic);
    if (topic == nullptr || topic->partitions.empty()) return ErrorCode::coordinator_not_available;
    const TopicPartition tp{
        topic->id,
        coordinator_partition(group, static_cast<std::int32_t>(topic->partitions.size()))};
    const Partition* p = find_partition(b, tp);
    if (p == nullptr || p->leader() == nullptr || !b.offsets.contains(tp)) {
        return ErrorCode::not_coordinator;
    }
    return tp;
}

}  // namespace

void on_offset_commit(Broker& b, const Deliver& d, const OffsetCommitRequest& request,
                      Outbox& out) {
    OffsetCommitResponse response;
    response.offsets = request.offsets;
    const auto refuse = [&](ErrorCode error) {
        for (PartitionOffset& o : response.offsets) o.error = error;
        out.respond(d.connection, d.correlation, std::move(response));
    };
    const auto coordinator = coordinated(b, request.group);
    if (!coordinator) return refuse(coordinator.error());
    const TopicPartition tp = *coordinator;

    BatchBuilder builder;
    for (PartitionOffset& o : response.offsets) {
        const TopicImage* topic = b.image.topic(o.partition.topic);
        if (topic == nullptr) {
            o.error = ErrorCode::unknown_topic_or_partition;
            continue;
        }
        builder.append(encode({{request.group, topic->name, o.partition.partition},
                               o.offset,
                               o.leader_epoch,
                               out.timestamp}));
    }
    if (builder.record_count() == 0) {
        out.respond(d.connection, d.correlation, std::move(response));
        return;
    }
    ReplicationContext context = context_of(b, out);
    Partition& p = *edit_partition(b, tp);
    const auto appended = append_as_leader(p, builder.close(), -1, context);
    if (!appended) {
        // Kafka shows the coordinator's storage trouble as COORDINATOR_NOT_AVAILABLE.
        return refuse(appended.error() == ErrorCode::not_enough_replicas
                          ? ErrorCode::coordinator_not_available
                          : appended.error());
    }
    remember_flush(b, p);
    advance_high_watermark(p, context);
    ParkedRequest parked;
    parked.connection = d.connection;
    parked.correlation = d.correlation;
    parked.response = std::move(response);
    parked.writes.push_back(ParkedWrite{.partition = tp,
                                        .required = appended->next_offset,
                                        .flushed = !is_flushing(p, appended->next_offset)});
    parked.group = request.group;
    parked.timeout = b.config.offsets_commit_timeout;
    park(b, std::move(parked), out);
    notify_sessions(b, tp, out);
    complete_parked(b, tp, out);
}

void on_offset_fetch(Broker& b, const Deliver& d, const OffsetFetchRequest& request, Outbox& out) {
    OffsetFetchResponse response;
    const auto coordinator = coordinated(b, request.group);
    if (!coordinator) {
        response.error = coordinator.error();
    } else {
        const Offsets& offsets = *b.offsets.find(*coordinator);
        for (const TopicPartition tp : request.partitions) {
            PartitionOffset o;
            o.partition = tp;
            if (const TopicImage* topic = b.image.topic(tp.topic)) {
                const auto it = offsets.committed.find({request.group, topic->name, tp.partition});
                if (it != offsets.committed.end()) {
                    o.offset = it->second.offset;
                    o.leader_epoch = it->second.leader_epoch;
                }
            } else {
                o.error = ErrorCode::unknown_topic_or_partition;
            }
            response.offsets.push_back(o);
        }
    }
    out.respond(d.connection, d.correlation, std::move(response));
}

}  // namespace tribunal
