#include "broker/client/admin.h"

#include <algorithm>

#include "broker/base/check.h"

namespace tribunal {
namespace {

constexpr Duration kRequestTimeout = seconds(30);      // request.timeout.ms
constexpr Duration kRetryBackoff = milliseconds(100);  // retry.backoff.ms
constexpr std::int32_t kMostAttempts = 100;

ConnectionKey connection_of(const Admin& a) { return {a.id, a.asked, Lane::general}; }
const PlannedOperation& operation_of(const Admin& a) { return a.operations[a.next]; }

void note(const Admin& a, bool completed, ErrorCode error, bool unknown, TopicId topic,
          Outbox& out) {
    out.notes.emplace_back(ClientOperation{operation_of(a).kind, completed, unknown, a.next, error,
                                           TopicPartition{topic, 0}, kNoOffset});
}

void arm_next(const Admin& a, Outbox& out) {
    if (a.next < a.operations.size()) {
        out.arm_since(timer(TimerKind::load), operation_of(a).at, a.started);
    }
}

void send(Admin& a, NodeId to, Message request, Outbox& out) {
    a.in_flight = a.next_correlation++;
    a.asked = to;
    out.send(connection_of(a), a.in_flight, std::move(request));
    out.arm(timer(TimerKind::request_timeout, connection_of(a).packed()), kRequestTimeout);
}

// The operation's own request; of a deletion, `topic` and `to` are known by now.
void send_operation(Admin& a, NodeId to, TopicId topic, Outbox& out) {
    a.is_looking_up = false;
    std::visit(Overloaded{
                   [&](const RecordDeletion& deletion) {
                       const TopicPartition tp{topic, deletion.partition.partition};
                       send(a, to, DeleteRecordsRequest{{{tp, deletion.offset}}}, out);
                   },
                   [&](const auto& request) { send(a, to, request, out); },
               },
               operation_of(a).request);
}

void try_now(Admin& a, Outbox& out) {
    if (a.next >= a.operations.size() || a.in_flight != 0) return;
    const PlannedOperation& op = operation_of(a);
    if (a.attempts++ == 0) note(a, false, ErrorCode::none, false, TopicId{-1}, out);
    const NodeId to = a.bootstrap[static_cast<std::size_t>(a.broker) % a.bootstrap.size()];
    const auto* deletion = std::get_if<RecordDeletion>(&op.request);
    if (deletion == nullptr && (op.brokers == 0 || a.attempts >= kMostAttempts)) {
        send_operation(a, to, TopicId{-1}, out);
        return;
    }
    a.is_looking_up = true;
    MetadataRequest metadata;
    if (deletion != nullptr) metadata.topics = {deletion->partition.topic};
    send(a, to, std::move(metadata), out);
}

void finish(Admin& a, ErrorCode error, bool unknown, TopicId topic, Outbox& out) {
    note(a, true, error, unknown, topic, out);
    ++a.next;
    a.attempts = 0;
    a.refusals = 0;
    arm_next(a, out);
}

void try_later(Admin& a, Outbox& out) {
    ++a.broker;
    out.arm(timer(TimerKind::retry), kRetryBackoff);
}

// What an earlier attempt whose answer was lost has done already.
bool is_done_already(ClientOpKind kind, ErrorCode error) {
    switch (kind) {
        case ClientOpKind::create_topic:
            return error == ErrorCode::topic_already_exists;
        case ClientOpKind::create_partitions:
            return error == ErrorCode::invalid_partitions;
        case ClientOpKind::alter_partition_reassignments:
            return error == ErrorCode::no_reassignment_in_progress;
        case ClientOpKind::elect_leaders:
            return error == ErrorCode::election_not_needed;
        case ClientOpKind::unregister_broker:
            return error == ErrorCode::broker_id_not_registered;
        case ClientOpKind::add_raft_voter:
            return error == ErrorCode::duplicate_voter;
        case ClientOpKind::remove_raft_voter:
            return error == ErrorCode::voter_not_found;
        default:
            return false;
    }
}

// `in_part`: of several partitions some are done.
void on_answer(Admin& a, ErrorCode error, TopicId topic, Outbox& out, bool in_part = false) {
    const ClientOpKind kind = operation_of(a).kind;
    // A cluster that is still forming has too few brokers at first.
    const bool is_forming =
        kind == ClientOpKind::create_topic && (error == ErrorCode::invalid_replication_factor ||
                                               error == ErrorCode::invalid_replica_assignment);
    if ((is_retriable(error) || is_forming) && a.attempts < kMostAttempts) {
        ++a.refusals;
        try_later(a, out);
        return;
    }
    const bool was_lost = a.attempts > 1 + a.refusals;
    if (was_lost && is_done_already(kind, error)) error = ErrorCode::none;
    finish(a, error, in_part && error != ErrorCode::none, topic, out);
}

void on_broken(Admin& a, Outbox& out) {
    if (a.in_flight == 0) return;
    a.in_flight = 0;
    out.disarm(timer(TimerKind::request_timeout, connection_of(a).packed()));
    if (a.is_looking_up) ++a.refusals;
    if (a.attempts >= kMostAttempts) {
        finish(a, ErrorCode::network_exception, !a.is_looking_up, TopicId{-1}, out);
    } else {
        try_later(a, out);
    }
}

void on_looked_up(Admin& a, const MetadataResponse& metadata, Outbox& out) {
    const PlannedOperation& op = operation_of(a);
    const auto* deletion = std::get_if<RecordDeletion>(&op.request);
    if (deletion == nullptr) {
        if (metadata.brokers.size() >= static_cast<std::size_t>(op.brokers)) {
            send_operation(a, a.asked, TopicId{-1}, out);
        } else {
            ++a.refusals;
            try_later(a, out);
        }
        return;
    }
    const auto index = static_cast<std::size_t>(deletion->partition.partition);
    ErrorCode error = ErrorCode::unknown_topic_or_partition;
    NodeId leader = kNoNode;
    if (!metadata.topics.empty()) {
        const MetadataTopic& topic = metadata.topics.front();
        error = topic.error;
        if (index < topic.partitions.size()) leader = topic.partitions[index].leader;
    }
    if (error == ErrorCode::none && leader == kNoNode) error = ErrorCode::leader_not_available;
    if (error != ErrorCode::none) {
        on_answer(a, error, TopicId{-1}, out);
        return;
    }
    send_operation(a, leader, metadata.topics.front().topic, out);
}

template <class List>
ErrorCode first_error(ErrorCode error, const List& list) {
    if (error != ErrorCode::none) return error;
    const auto it = std::find_if(list.begin(), list.end(),
                                 [](const auto& item) { return item.error != ErrorCode::none; });
    return it == list.end() ? ErrorCode::none : it->error;
}

template <class List>
void on_answers(Admin& a, ErrorCode error, const List& list, Outbox& out) {
    const bool in_part = std::any_of(
        list.begin(), list.end(), [](const auto& item) { return item.error == ErrorCode::none; });
    on_answer(a, first_error(error, list), TopicId{-1}, out, in_part);
}

void on_message(Admin& a, const Deliver& d, Outbox& out) {
    if (d.correlation != a.in_flight) return;
    a.in_flight = 0;
    out.disarm(timer(TimerKind::request_timeout, connection_of(a).packed()));
    const auto answered = [&](ErrorCode error, TopicId topic = TopicId{-1}) {
        on_answer(a, error, topic, out);
    };
    d.message.visit(Overloaded{
        [&](const MetadataResponse& m) {
            if (a.is_looking_up) return on_looked_up(a, m, out);
            const bool described = operation_of(a).kind == ClientOpKind::describe_topic;
            if (!described || m.topics.empty()) return answered(ErrorCode::none);
            answered(m.topics.front().error, m.topics.front().topic);
        },
        [&](const CreateTopicResponse& m) { answered(m.error, m.topic); },
        [&](const DeleteTopicResponse& m) { answered(m.error); },
        [&](const CreatePartitionsResponse& m) { answered(m.error); },
        [&](const AlterPartitionReassignmentsResponse& m) {
            on_answers(a, m.error, m.partitions, out);
        },
        [&](const ListPartitionReassignmentsResponse& m) { answered(m.error); },
        [&](const ElectLeadersResponse& m) { on_answers(a, m.error, m.partitions, out); },
        [&](const IncrementalAlterConfigsResponse& m) { answered(m.error); },
        [&](const UpdateFeaturesResponse& m) { answered(m.error); },
        [&](const UnregisterBrokerResponse& m) { answered(m.error); },
        [&](const AddRaftVoterResponse& m) { answered(m.error); },
        [&](const RemoveRaftVoterResponse& m) { answered(m.error); },
        [&](const DeleteRecordsResponse& m) { on_answers(a, ErrorCode::none, m.partitions, out); },
        [&](const auto&) { CHECK(!"a message that an admin client never gets"); },
    });
}

}  // namespace

void step(Admin& a, const Input& input, Outbox& out) {
    std::visit(Overloaded{
                   [&](const Start&) {
                       a.started = out.moment;
                       arm_next(a, out);
                   },
                   [&](const Deliver& d) { on_message(a, d, out); },
                   [&](const ConnectionClosed& closed) {
                       if (closed.connection.server == a.asked) on_broken(a, out);
                   },
                   [&](const TimerFired& t) {
                       if (kind_of(t.timer) == TimerKind::request_timeout) {
                           out.effects.emplace_back(Close{connection_of(a)});
                           on_broken(a, out);
                       } else {
                           try_now(a, out);
                       }
                   },
                   [&](const WriteDone&) { CHECK(!"an admin client has no disk"); },
                   [&](const Stop&) { out.effects.emplace_back(Halt{"stopped"}); },
               },
               input);
}

}  // namespace tribunal
