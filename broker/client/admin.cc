#include "broker/client/admin.h"

#include "broker/base/check.h"

namespace tribunal {
namespace {

constexpr Duration kRequestTimeout = seconds(30);      // request.timeout.ms
constexpr Duration kRetryBackoff = milliseconds(100);  // retry.backoff.ms

ConnectionKey connection_of(const Admin& a) {
    return {a.id, a.bootstrap[static_cast<std::size_t>(a.broker) % a.bootstrap.size()],
            Lane::general};
}

void note(const Admin& a, bool completed, ErrorCode error, bool unknown, TopicId topic,
          Outbox& out) {
    const PlannedOperation& op = a.operations[a.next];
    out.notes.emplace_back(ClientOperation{op.kind, completed, unknown, a.next, error,
                                           TopicPartition{topic, 0}, kNoOffset});
}

void arm_next(const Admin& a, Outbox& out) {
    if (a.next < a.operations.size()) {
        out.arm_since(timer(TimerKind::load), a.operations[a.next].at, a.started);
    }
}

void try_now(Admin& a, Outbox& out) {
    if (a.next >= a.operations.size() || a.in_flight != 0) return;
    const PlannedOperation& op = a.operations[a.next];
    if (a.attempts++ == 0) note(a, false, ErrorCode::none, false, TopicId{-1}, out);
    a.in_flight = a.next_correlation++;
    Message request = MetadataRequest{};
    if (op.kind == ClientOpKind::create_topic) request = op.topic;
    if (op.kind == ClientOpKind::delete_topic) request = DeleteTopicRequest{op.topic.name};
    if (op.kind == ClientOpKind::describe_topic) request = MetadataRequest{{op.topic.name}};
    out.send(connection_of(a), a.in_flight, std::move(request));
    out.arm(timer(TimerKind::request_timeout, connection_of(a).packed()), kRequestTimeout);
}

void finish(Admin& a, ErrorCode error, bool unknown, TopicId topic, Outbox& out) {
    note(a, true, error, unknown, topic, out);
    ++a.next;
    a.attempts = 0;
    arm_next(a, out);
}

void on_answer(Admin& a, ErrorCode error, TopicId topic, Outbox& out) {
    a.in_flight = 0;
    out.disarm(timer(TimerKind::request_timeout, connection_of(a).packed()));
    // A cluster that is still forming has too few brokers at first; a create that was answered by a
    // broken connection and tried again finds its own topic.
    const bool forming = error == ErrorCode::invalid_replication_factor ||
                         error == ErrorCode::invalid_replica_assignment;
    if ((is_retriable(error) || forming) && a.attempts < 100) {
        ++a.broker;
        out.arm(timer(TimerKind::retry), kRetryBackoff);
        return;
    }
    if (error == ErrorCode::topic_already_exists && a.attempts > 1) error = ErrorCode::none;
    finish(a, error, false, topic, out);
}

void on_broken(Admin& a, Outbox& out) {
    if (a.in_flight == 0) return;
    a.in_flight = 0;
    out.disarm(timer(TimerKind::request_timeout, connection_of(a).packed()));
    ++a.broker;
    if (a.attempts >= 100) {
        finish(a, ErrorCode::network_exception, true, TopicId{-1}, out);
    } else {
        out.arm(timer(TimerKind::retry), kRetryBackoff);
    }
}

void on_message(Admin& a, const Deliver& d, Outbox& out) {
    if (d.correlation != a.in_flight) return;
    std::visit(
        Overloaded{
            [&](const CreateTopicResponse& m) { on_answer(a, m.error, m.topic, out); },
            [&](const DeleteTopicResponse& m) { on_answer(a, m.error, TopicId{-1}, out); },
            [&](const MetadataResponse& m) {
                const bool described = a.operations[a.next].kind == ClientOpKind::describe_topic;
                const ErrorCode error =
                    described && !m.topics.empty() ? m.topics.front().error : ErrorCode::none;
                on_answer(a, error,
                          described && !m.topics.empty() ? m.topics.front().topic : TopicId{-1},
                          out);
            },
            [&](const auto&) { CHECK(!"a message that an admin client never gets"); },
        },
        d.message);
}

}  // namespace

void step(Admin& a, const Input& input, Outbox& out) {
    std::visit(Overloaded{
                   [&](const Start&) {
                       a.started = out.moment;
                       arm_next(a, out);
                   },
                   [&](const Deliver& d) { on_message(a, d, out); },
                   [&](const ConnectionClosed&) { on_broken(a, out); },
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
