// DeleteRecords (KIP-107): the leader moves its log start at once and answers when all replicas
// that are alive have followed, or the request times out (Kafka: DelayedDeleteRecords).
#include <algorithm>

#include "broker/node/broker.h"

namespace tribunal {
namespace {

Answer<Offset> delete_from(Broker& b, const DeleteRecordsPartition& wanted,
                           ReplicationContext& context) {
    Partition* p = edit_partition(b, wanted.partition);
    if (p == nullptr) return ErrorCode::unknown_topic_or_partition;
    const TopicImage* topic = b.image.topic(wanted.partition.topic);
    if (topic != nullptr && topic->name == kOffsetsTopic) return ErrorCode::invalid_topic_exception;
    return delete_records(*p, wanted.offset, context);
}

}  // namespace

void on_delete_records(Broker& b, const Deliver& d, const DeleteRecordsRequest& request,
                       Outbox& out) {
    ReplicationContext context = context_of(b, out);
    DeleteRecordsResponse response;
    ParkedRequest parked;
    parked.connection = d.connection;
    parked.correlation = d.correlation;
    for (const DeleteRecordsPartition& wanted : request.partitions) {
        DeleteRecordsPartitionResponse& r = response.partitions.emplace_back();
        r.partition = wanted.partition;
        const auto deleted = delete_from(b, wanted, context);
        if (!deleted) {
            r.error = deleted.error();
            continue;
        }
        r.low_watermark = low_watermark(*find_partition(b, wanted.partition), b.image.alive);
        if (r.low_watermark >= *deleted) continue;
        parked.writes.push_back(
            ParkedWrite{.partition = wanted.partition,
                        .required = *deleted,
                        .index = static_cast<std::int32_t>(response.partitions.size()) - 1});
    }
    if (parked.writes.empty()) {
        out.respond(d.connection, d.correlation, std::move(response));
    } else {
        parked.response = std::move(response);
        parked.timeout = request.timeout;
        park(b, std::move(parked), out);
    }
    // Followers learn of the new log start with their next answer.
    for (const DeleteRecordsPartition& wanted : request.partitions) {
        notify_sessions(b, wanted.partition, out);
    }
}

std::optional<ErrorCode> deleted_up_to(const Broker& b, TopicPartition tp, Offset required) {
    const Partition* p = find_partition(b, tp);
    if (p == nullptr) return ErrorCode::unknown_topic_or_partition;
    if (p->leader() == nullptr) return ErrorCode::not_leader_or_follower;
    if (low_watermark(*p, b.image.alive) < required) return std::nullopt;
    return ErrorCode::none;
}

bool waits_for_deletion(const Broker& b, TopicPartition tp) {
    return std::any_of(b.parked.begin(), b.parked.end(), [&](const ParkedRequest& r) {
        return std::holds_alternative<DeleteRecordsResponse>(r.response) &&
               std::any_of(r.writes.begin(), r.writes.end(),
                           [&](const ParkedWrite& w) { return !w.done && w.partition == tp; });
    });
}

}  // namespace tribunal
