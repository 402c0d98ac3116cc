// One line of text a message, its size, and whether it carries an error. The only place that
// formats.
#include <fmt/format.h>

#include <algorithm>

#include "broker/protocol/messages.h"

namespace tribunal {
namespace {

std::string tp_text(TopicPartition tp) {
    return fmt::format("t{}-{}", tp.topic.value, tp.partition);
}

template <class Nodes>
std::string nodes_text(const Nodes& nodes) {
    std::string text;
    for (const NodeId node : nodes) text += (text.empty() ? "" : ",") + std::to_string(node.value);
    return "[" + text + "]";
}

std::string error_text(ErrorCode error) {
    return error == ErrorCode::none ? std::string{} : fmt::format(" {}", name_of(error));
}

// The first few of a list, then how many more.
template <class List, class Each>
std::string some(const List& list, Each&& each) {
    std::string text;
    std::size_t n = 0;
    for (const auto& item : list) {
        if (n == 3) return text + fmt::format(" +{} more", list.size() - n);
        text += (n++ == 0 ? " " : "; ") + each(item);
    }
    return text;
}

struct Describe {
    std::string operator()(const ProduceRequest& m) const {
        return fmt::format("acks={}", m.acks) + some(m.partitions, [](const auto& p) {
                   return fmt::format("{} {} records", tp_text(p.partition), p.batch.record_count);
               });
    }
    std::string operator()(const ProduceResponse& m) const {
        return some(m.partitions, [](const auto& p) {
            return fmt::format("{} @{}{}", tp_text(p.partition), p.base_offset.value,
                               error_text(p.error));
        });
    }
    std::string operator()(const FetchRequest& m) const {
        return fmt::format("session {}/{}", m.session_id, m.session_epoch) +
               some(m.partitions, [](const auto& p) {
                   return fmt::format("{} from {} epoch {}", tp_text(p.partition),
                                      p.fetch_offset.value, p.current_leader_epoch.value);
               });
    }
    std::string operator()(const FetchResponse& m) const {
        return error_text(m.error) + some(m.partitions, [](const auto& p) {
                   std::string text = fmt::format("{} hw {}{}", tp_text(p.partition),
                                                  p.high_watermark.value, error_text(p.error));
                   if (p.diverging_epoch.end_offset != kNoOffset) {
                       text += fmt::format(" diverges: epoch {} ends at {}",
                                           p.diverging_epoch.epoch.value,
                                           p.diverging_epoch.end_offset.value);
                   }
                   if (p.preferred_read_replica != kNoNode) {
                       text += fmt::format(" read from {}", p.preferred_read_replica.value);
                   }
                   if (!p.batches.empty()) {
                       text += fmt::format(" @{}..{}", p.batches.front().base_offset.value,
                                           p.batches.back().last_offset().value);
                   }
                   return text;
               });
    }
    std::string operator()(const ListOffsetsRequest& m) const {
        const std::string what = m.timestamp == kEarliestTimestamp ? "earliest"
                                 : m.timestamp == kLatestTimestamp ? "latest"
                                 : m.timestamp == kMaxTimestamp
                                     ? "largest timestamp"
                                     : fmt::format("from time {}", m.timestamp);
        return fmt::format("{} {}", tp_text(m.partition), what);
    }
    std::string operator()(const ListOffsetsResponse& m) const {
        return fmt::format("{} @{}{}", tp_text(m.partition), m.offset.value, error_text(m.error));
    }
    std::string operator()(const MetadataRequest& m) const {
        return m.topics.empty() ? "all topics" : m.topics.front();
    }
    std::string operator()(const MetadataResponse& m) const {
        return fmt::format("{} brokers", m.brokers.size()) + some(m.topics, [](const auto& t) {
                   std::string text = t.name + error_text(t.error) + " leaders";
                   for (std::size_t i = 0; i < t.partitions.size() && i < 4; ++i) {
                       text += fmt::format(" {}", t.partitions[i].leader.value);
                   }
                   return text;
               });
    }
    std::string operator()(const FindCoordinatorRequest& m) const { return m.group; }
    std::string operator()(const FindCoordinatorResponse& m) const {
        return fmt::format("{}{}", m.coordinator.value, error_text(m.error));
    }
    std::string operator()(const OffsetCommitRequest& m) const {
        return m.group + offsets(m.offsets);
    }
    std::string operator()(const OffsetCommitResponse& m) const { return offsets(m.offsets); }
    std::string operator()(const OffsetFetchRequest& m) const { return m.group; }
    std::string operator()(const OffsetFetchResponse& m) const {
        return error_text(m.error) + offsets(m.offsets);
    }
    std::string operator()(const CreateTopicRequest& m) const {
        return fmt::format("{} x{} RF {}", m.name, m.partitions, m.replication_factor);
    }
    std::string operator()(const CreateTopicResponse& m) const {
        return fmt::format("t{}{}", m.topic.value, error_text(m.error));
    }
    std::string operator()(const DeleteTopicRequest& m) const { return m.name; }
    std::string operator()(const DeleteTopicResponse& m) const { return error_text(m.error); }
    std::string operator()(const OffsetsForLeaderEpochRequest& m) const {
        return some(m.partitions, [](const auto& p) {
            return fmt::format("{} end of epoch {}?", tp_text(p.partition), p.leader_epoch.value);
        });
    }
    std::string operator()(const OffsetsForLeaderEpochResponse& m) const {
        return some(m.partitions, [](const auto& p) {
            return fmt::format("{} epoch {} ends at {}{}", tp_text(p.partition),
                               p.leader_epoch.value, p.end_offset.value, error_text(p.error));
        });
    }
    std::string operator()(const BrokerRegistrationRequest& m) const {
        std::string text = fmt::format("start {}", m.incarnation);
        if (m.previous_broker_epoch != BrokerEpoch{-1}) {
            text += fmt::format(" after a clean end of epoch {}", m.previous_broker_epoch.value);
        }
        return text;
    }
    std::string operator()(const BrokerRegistrationResponse& m) const {
        return fmt::format("broker epoch {}{}", m.broker_epoch.value, error_text(m.error));
    }
    std::string operator()(const BrokerHeartbeatRequest& m) const {
        return fmt::format("metadata @{}{}{}", m.metadata_offset.value,
                           m.want_fence ? " wants to stay fenced" : "",
                           m.want_shut_down ? " wants to shut down" : "");
    }
    std::string operator()(const BrokerHeartbeatResponse& m) const {
        return (m.is_fenced ? "fenced" : "unfenced") +
               std::string{m.should_shut_down ? ", should shut down" : ""} + error_text(m.error);
    }
    std::string operator()(const AlterPartitionRequest& m) const {
        return some(m.partitions, [](const auto& p) {
            FlatSet<NodeId> isr;
            for (const IsrMember& member : p.new_isr) isr.insert(member.broker);
            return fmt::format("{} ISR {} partition epoch {}", tp_text(p.partition),
                               nodes_text(isr), p.partition_epoch.value);
        });
    }
    std::string operator()(const AlterPartitionResponse& m) const {
        return error_text(m.error) + some(m.partitions, [](const auto& p) {
                   return fmt::format("{} ISR {}{}", tp_text(p.partition), nodes_text(p.image.isr),
                                      error_text(p.error));
               });
    }
    std::string operator()(const MetadataFetchRequest& m) const {
        return fmt::format("from {}", m.fetch_offset.value);
    }
    std::string operator()(const MetadataFetchResponse& m) const {
        if (m.error != ErrorCode::none) {
            return fmt::format("leader {} of epoch {}{}", m.leader.value, m.leader_epoch.value,
                               error_text(m.error));
        }
        if (m.diverges) {
            return fmt::format("diverges before {}, hw {}", m.base_offset.value,
                               m.high_watermark.value);
        }
        return fmt::format("{}{} records, hw {}", m.is_snapshot ? "snapshot, " : "",
                           m.records.size(), m.high_watermark.value);
    }
    std::string operator()(const InitProducerIdRequest& m) const { return m.transactional_id; }
    std::string operator()(const InitProducerIdResponse& m) const {
        return fmt::format("producer {} epoch {}{}", m.producer_id.value, m.producer_epoch,
                           error_text(m.error));
    }
    std::string operator()(const AllocateProducerIdsRequest& m) const {
        return fmt::format("broker {}", m.broker.value);
    }
    std::string operator()(const AllocateProducerIdsResponse& m) const {
        return fmt::format("{} from {}{}", m.producer_id_len, m.producer_id_start.value,
                           error_text(m.error));
    }
    std::string operator()(const CreatePartitionsRequest& m) const {
        return fmt::format("{} x{}", m.topic, m.count);
    }
    std::string operator()(const CreatePartitionsResponse& m) const { return error_text(m.error); }
    std::string operator()(const AlterPartitionReassignmentsRequest& m) const {
        return some(m.partitions, [](const auto& p) {
            return fmt::format("{}-{} to {}", p.partition.topic, p.partition.partition,
                               p.replicas ? nodes_text(*p.replicas) : "what it was");
        });
    }
    std::string operator()(const AlterPartitionReassignmentsResponse& m) const {
        return error_text(m.error) + results(m.partitions);
    }
    std::string operator()(const ListPartitionReassignmentsRequest& m) const {
        return m.partitions.empty() ? "all" : m.partitions.front().topic;
    }
    std::string operator()(const ListPartitionReassignmentsResponse& m) const {
        return error_text(m.error) + some(m.reassignments, [](const auto& p) {
                   return fmt::format("{}-{} {} adding {} removing {}", p.partition.topic,
                                      p.partition.partition, nodes_text(p.replicas),
                                      nodes_text(p.adding_replicas),
                                      nodes_text(p.removing_replicas));
               });
    }
    std::string operator()(const ElectLeadersRequest& m) const {
        return (m.type == ElectionType::preferred ? "preferred" : "unclean") +
               some(m.partitions,
                    [](const auto& p) { return fmt::format("{}-{}", p.topic, p.partition); });
    }
    std::string operator()(const ElectLeadersResponse& m) const {
        return error_text(m.error) + results(m.partitions);
    }
    std::string operator()(const IncrementalAlterConfigsRequest& m) const { return m.topic; }
    std::string operator()(const IncrementalAlterConfigsResponse& m) const {
        return error_text(m.error);
    }
    std::string operator()(const UpdateFeaturesRequest& m) const {
        return some(m.updates, [](const auto& u) {
            return fmt::format("{} to {}", name_of(u.feature), u.level);
        });
    }
    std::string operator()(const UpdateFeaturesResponse& m) const {
        return error_text(m.error) + (m.message.empty() ? "" : ": " + m.message);
    }
    std::string operator()(const UnregisterBrokerRequest& m) const {
        return fmt::format("broker {}", m.broker.value);
    }
    std::string operator()(const UnregisterBrokerResponse& m) const { return error_text(m.error); }
    static std::string results(const std::vector<NamedPartitionResult>& list) {
        return some(list, [](const auto& p) {
            return fmt::format("{}-{}{}", p.partition.topic, p.partition.partition,
                               error_text(p.error));
        });
    }
    std::string operator()(const VoteRequest& m) const {
        return fmt::format("{}{} epoch {}, log ends @{} epoch {}",
                           m.pre_vote ? "pre-vote for " : "", m.candidate.id.value, m.epoch.value,
                           m.last_offset.value, m.last_epoch.value);
    }
    std::string operator()(const VoteResponse& m) const {
        return (m.vote_granted ? "granted, " : "rejected, ") + quorum(m);
    }
    std::string operator()(const BeginQuorumEpochRequest& m) const {
        return fmt::format("{} leads epoch {}", m.leader.value, m.leader_epoch.value);
    }
    std::string operator()(const BeginQuorumEpochResponse& m) const { return quorum(m); }
    std::string operator()(const EndQuorumEpochRequest& m) const {
        std::string text =
            fmt::format("{} leads epoch {} no more", m.leader.value, m.leader_epoch.value);
        for (std::size_t i = 0; i < m.preferred_successors.size(); ++i) {
            text += fmt::format("{}{}", i == 0 ? ", successors " : ",",
                                m.preferred_successors[i].value);
        }
        return text;
    }
    std::string operator()(const EndQuorumEpochResponse& m) const { return quorum(m); }
    std::string operator()(const QuorumFetchRequest& m) const {
        return fmt::format("epoch {}, from {} after epoch {}", m.current_leader_epoch.value,
                           m.fetch_offset.value, m.last_fetched_epoch.value);
    }
    std::string operator()(const QuorumFetchResponse& m) const {
        std::string text = fmt::format("{}, hw {}", quorum(m), m.high_watermark.value);
        if (m.diverging) {
            text += fmt::format(", diverges: epoch {} ends @{}", m.diverging->epoch.value,
                                m.diverging->end_offset.value);
        }
        if (m.snapshot) {
            text += fmt::format(", snapshot {}-{}", m.snapshot->end_offset.value,
                                m.snapshot->epoch.value);
        }
        if (!m.records.empty()) {
            text += fmt::format(", {} records @{}", m.records.size(), m.base_offset.value);
        }
        return text;
    }
    std::string operator()(const FetchSnapshotRequest& m) const {
        return fmt::format("epoch {}, snapshot {}-{} from {}", m.current_leader_epoch.value,
                           m.snapshot.end_offset.value, m.snapshot.epoch.value, m.position);
    }
    std::string operator()(const FetchSnapshotResponse& m) const {
        return fmt::format("{}, snapshot {}-{}: {} of {} records", quorum(m),
                           m.snapshot.end_offset.value, m.snapshot.epoch.value,
                           m.position + static_cast<std::int64_t>(m.records.size()), m.size);
    }
    std::string operator()(const AddRaftVoterRequest& m) const {
        return fmt::format("{}/{}", m.voter.key.id.value, m.voter.key.directory.value);
    }
    std::string operator()(const AddRaftVoterResponse& m) const { return error_text(m.error); }
    std::string operator()(const RemoveRaftVoterRequest& m) const {
        return fmt::format("{}/{}", m.voter.id.value, m.voter.directory.value);
    }
    std::string operator()(const RemoveRaftVoterResponse& m) const { return error_text(m.error); }
    std::string operator()(const UpdateRaftVoterRequest& m) const {
        return fmt::format("epoch {}, {}/{} endpoint {}", m.current_leader_epoch.value,
                           m.voter.key.id.value, m.voter.key.directory.value, m.voter.endpoint);
    }
    std::string operator()(const UpdateRaftVoterResponse& m) const { return quorum(m); }
    // What every response of the quorum carries.
    template <class Response>
    static std::string quorum(const Response& m) {
        return fmt::format("epoch {} leader {}{}", m.leader_epoch.value, m.leader.value,
                           error_text(m.error));
    }
    std::string operator()(const DeleteRecordsRequest& m) const {
        return some(m.partitions, [](const auto& p) {
            return fmt::format("{} below {}", tp_text(p.partition), p.offset.value);
        });
    }
    std::string operator()(const DeleteRecordsResponse& m) const {
        return some(m.partitions, [](const auto& p) {
            return fmt::format("{} low watermark {}{}", tp_text(p.partition), p.low_watermark.value,
                               error_text(p.error));
        });
    }
    static std::string offsets(const std::vector<PartitionOffset>& list) {
        return some(list, [](const auto& o) {
            return fmt::format("{} @{}{}", tp_text(o.partition), o.offset.value,
                               error_text(o.error));
        });
    }
};

template <class List>
bool any_error(const List& list) {
    return std::any_of(list.begin(), list.end(),
                       [](const auto& item) { return item.error != ErrorCode::none; });
}

}  // namespace

std::string_view kind_of(const Message& message) {
    constexpr std::string_view kinds[] = {"ProduceRequest",
                                          "ProduceResponse",
                                          "FetchRequest",
                                          "FetchResponse",
                                          "ListOffsetsRequest",
                                          "ListOffsetsResponse",
                                          "MetadataRequest",
                                          "MetadataResponse",
                                          "FindCoordinatorRequest",
                                          "FindCoordinatorResponse",
                                          "OffsetCommitRequest",
                                          "OffsetCommitResponse",
                                          "OffsetFetchRequest",
                                          "OffsetFetchResponse",
                                          "CreateTopicsRequest",
                                          "CreateTopicsResponse",
                                          "DeleteTopicsRequest",
                                          "DeleteTopicsResponse",
                                          "OffsetsForLeaderEpochRequest",
                                          "OffsetsForLeaderEpochResponse",
                                          "BrokerRegistrationRequest",
                                          "BrokerRegistrationResponse",
                                          "BrokerHeartbeatRequest",
                                          "BrokerHeartbeatResponse",
                                          "AlterPartitionRequest",
                                          "AlterPartitionResponse",
                                          "MetadataFetchRequest",
                                          "MetadataFetchResponse",
                                          "InitProducerIdRequest",
                                          "InitProducerIdResponse",
                                          "AllocateProducerIdsRequest",
                                          "AllocateProducerIdsResponse",
                                          "CreatePartitionsRequest",
                                          "CreatePartitionsResponse",
                                          "AlterPartitionReassignmentsRequest",
                                          "AlterPartitionReassignmentsResponse",
                                          "ListPartitionReassignmentsRequest",
                                          "ListPartitionReassignmentsResponse",
                                          "ElectLeadersRequest",
                                          "ElectLeadersResponse",
                                          "IncrementalAlterConfigsRequest",
                                          "IncrementalAlterConfigsResponse",
                                          "UpdateFeaturesRequest",
                                          "UpdateFeaturesResponse",
                                          "UnregisterBrokerRequest",
                                          "UnregisterBrokerResponse",
                                          "VoteRequest",
                                          "VoteResponse",
                                          "BeginQuorumEpochRequest",
                                          "BeginQuorumEpochResponse",
                                          "EndQuorumEpochRequest",
                                          "EndQuorumEpochResponse",
                                          "QuorumFetchRequest",
                                          "QuorumFetchResponse",
                                          "FetchSnapshotRequest",
                                          "FetchSnapshotResponse",
                                          "AddRaftVoterRequest",
                                          "AddRaftVoterResponse",
                                          "RemoveRaftVoterRequest",
                                          "RemoveRaftVoterResponse",
                                          "UpdateRaftVoterRequest",
                                          "UpdateRaftVoterResponse",
                                          "DeleteRecordsRequest",
                                          "DeleteRecordsResponse"};
    static_assert(std::size(kinds) == Message::kTypes);
    return kinds[message.index()];
}

std::string describe(const Message& message) {
    std::string text = message.visit(Describe{});
    while (!text.empty() && text.front() == ' ') text.erase(0, 1);
    return text;
}

bool has_error(const Message& message) {
    return message.visit([](const auto& m) {
        bool error = false;
        if constexpr (requires { m.error; }) error = m.error != ErrorCode::none;
        if constexpr (requires { m.partitions.front().error; })
            error = error || any_error(m.partitions);
        if constexpr (requires { m.offsets.front().error; }) error = error || any_error(m.offsets);
        return error;
    });
}

std::int64_t size_in_bytes(const Message& message) {
    constexpr std::int64_t kHeader =
        40;  // frame length, API key, version, correlation and client id
    if (const auto* produce = message.get_if<ProduceRequest>()) {
        std::int64_t size = kHeader;
        for (const auto& p : produce->partitions) size += 24 + p.batch.size_in_bytes();
        return size;
    }
    if (const auto* fetch = message.get_if<FetchResponse>()) {
        std::int64_t size = kHeader;
        for (const auto& p : fetch->partitions) {
            size += 48;
            for (const RecordBatch& batch : p.batches) size += batch.size_in_bytes();
        }
        return size;
    }
    if (const auto* fetch = message.get_if<QuorumFetchResponse>()) {
        return kHeader + 48 + 100 * static_cast<std::int64_t>(fetch->records.size());
    }
    if (const auto* fetch = message.get_if<FetchSnapshotResponse>()) {
        return kHeader + 48 + 100 * static_cast<std::int64_t>(fetch->records.size());
    }
    if (const auto* fetch = message.get_if<FetchRequest>()) {
        return kHeader + 32 * static_cast<std::int64_t>(fetch->partitions.size());
    }
    return kHeader + 100;
}

}  // namespace tribunal
