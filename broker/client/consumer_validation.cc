// Whether what was read is still in the log: a position that meets a new leader is validated there
// before anything is fetched (KIP-320, since 2.3 with KAFKA-7747).
//
// The race it is for: (1) an unclean election takes a leader whose log is shorter, (2) that leader
// appends until its log is as long as what the consumer has read, (3) the consumer fetches on at
// its offset, and never hears that the records below it are others now. So the consumer asks first
// where the epoch of its last record ends (OffsetsForLeaderEpoch): below its position, the log was
// cut, and it goes back to there. Only the offset that metadata, commits and batches tell an epoch
// of can be asked about; a position that was sought or looked up is taken as it is.
#include <algorithm>

#include <fmt/format.h>

#include "broker/base/check.h"
#include "broker/client/consumer.h"

namespace tribunal {
namespace {

// SubscriptionState.validatePosition.
void enter_epoch(Consumer& c, Assigned& a) {
    const bool can_be_validated = c.config.rules.validates_position &&
                                  a.position.offset_epoch != kNoLeaderEpoch &&
                                  a.position.leader_epoch != kNoLeaderEpoch;
    a.state = can_be_validated ? PositionState::validating : PositionState::valid;
    a.backing_off = false;
}

bool has_position(const Assigned& a) {
    return a.state == PositionState::valid || a.state == PositionState::validating;
}

// Whether the leader of this position is being asked about it: a newer leader is asked at once.
bool is_asked_about(const Consumer& c, const Assigned& a) {
    return std::any_of(c.look_ups.begin(), c.look_ups.end(), [&](const LookUp& l) {
        return l.kind == LookUpKind::validate && l.partition == a.id && l.position == a.position;
    });
}

void note_at_once(Consumer& c, Outbox& out, ClientOpKind kind, TopicPartition tp, Offset offset) {
    ClientOperation operation{kind, false, false, c.next_operation++, ErrorCode::none, tp, offset};
    out.notes.emplace_back(operation);
    operation.completed = true;
    out.notes.emplace_back(operation);
}

// LogTruncationException, which poll() throws for good.
void fail_truncated(Assigned& a, std::string where, Outbox& out) {
    a.state = PositionState::failed;
    out.notes.emplace_back(DeserializationFailed{
        a.id, a.position.offset,
        "auto.offset.reset=none and the log was cut below the position, " + std::move(where)});
}

// SubscriptionState.maybeCompleteValidation.
void complete_validation(Consumer& c, Assigned& a, const EpochEndOffset& end, Outbox& out) {
    const bool resets = c.config.auto_offset_reset != OffsetReset::none;
    a.backing_off = false;
    // An end without its epoch is the answer of a broker before KIP-279: Kafka's consumer sees by
    // its version that it is of no use (hasUsableOffsetForLeaderEpochVersion).
    const bool is_usable = end.end_offset == kNoOffset || end.leader_epoch != kNoLeaderEpoch;
    if (!is_usable) {
        a.state = PositionState::valid;
    } else if (end.end_offset == kNoOffset) {
        // The leader has nothing of that epoch or of any before: its log is all different.
        if (!resets) return fail_truncated(a, "nobody knows to where", out);
        note_at_once(c, out, ClientOpKind::reset, a.id, a.position.offset);
        reset_position(c, a, out);
    } else if (end.end_offset < a.position.offset) {
        if (!resets) return fail_truncated(a, fmt::format("to {}", end.end_offset.value), out);
        note_at_once(c, out, ClientOpKind::truncation, a.id, end.end_offset);
        a.position.offset = end.end_offset;
        a.position.offset_epoch = end.leader_epoch;
        a.state = PositionState::valid;
    } else {
        a.state = PositionState::valid;
    }
}

}  // namespace

void follow_leaders(Consumer& c, Outbox& out) {
    for (Assigned& a : c.assigned) {
        if (!has_position(a)) continue;
        // Without a leader the position stays with the last one.
        const KnownPartition* known = c.metadata.partition(a.id);
        if (known == nullptr || known->leader == kNoNode) continue;
        FetchPosition& position = a.position;
        if (position.leader == known->leader && position.leader_epoch == known->leader_epoch) {
            continue;
        }
        position.leader = known->leader;
        position.leader_epoch = known->leader_epoch;
        leave_session(c, a);  // which knows the partition under its old epoch
        forget_preferred_replica(a, out);
        enter_epoch(c, a);
    }
}

void seek_unvalidated(Consumer& c, Assigned& a, Offset offset, LeaderEpoch offset_epoch) {
    const KnownPartition* known = c.metadata.partition(a.id);
    a.position = {offset, offset_epoch, kNoNode, kNoLeaderEpoch};
    if (known != nullptr) {
        a.position.leader = known->leader;
        a.position.leader_epoch = known->leader_epoch;
    }
    leave_session(c, a);
    enter_epoch(c, a);
}

void send_validations(Consumer& c, Outbox& out) {
    const auto is_due = [&](const Assigned& a) {
        return a.state == PositionState::validating && !a.backing_off && !is_asked_about(c, a);
    };
    for (const Assigned& first : c.assigned) {
        if (!is_due(first)) continue;
        const NodeId leader = first.position.leader;
        if (leader == kNoNode) {
            want_metadata(c.metadata, c.config.retry_backoff, out);
            continue;
        }
        OffsetsForLeaderEpochRequest request;
        const std::int32_t correlation = c.next_correlation++;
        for (const Assigned& a : c.assigned) {
            if (a.position.leader != leader || !is_due(a)) continue;
            request.partitions.push_back({a.id, a.position.leader_epoch, a.position.offset_epoch});
            LookUp look_up;
            look_up.kind = LookUpKind::validate;
            look_up.partition = a.id;
            look_up.correlation = correlation;
            look_up.broker = leader;
            look_up.sent = out.moment;
            look_up.position = a.position;
            c.look_ups.push_back(look_up);
        }
        out.send(look_up_connection(c, leader), correlation, std::move(request));
        time_look_ups(c, leader, out);
    }
}

void on_epoch_end_offsets(Consumer& c, std::int32_t correlation,
                          const OffsetsForLeaderEpochResponse& response, Outbox& out) {
    NodeId broker = kNoNode;
    for (const EpochEndOffset& end : response.partitions) {
        const auto it = std::find_if(c.look_ups.begin(), c.look_ups.end(), [&](const LookUp& l) {
            return l.correlation == correlation && l.partition == end.partition;
        });
        if (it == c.look_ups.end()) continue;
        const LookUp look_up = *it;
        CHECK(look_up.kind == LookUpKind::validate);
        broker = look_up.broker;
        c.look_ups.erase(it);
        Assigned* a = find_assigned(c, end.partition);
        // It was sought elsewhere meanwhile, has another leader, or was validated there.
        if (a == nullptr || a->state != PositionState::validating ||
            a->position != look_up.position) {
            continue;
        }
        if (end.error == ErrorCode::none) {
            complete_validation(c, *a, end, out);
        } else {
            // FENCED_LEADER_EPOCH: the metadata are old. UNKNOWN_LEADER_EPOCH: the leader's are.
            back_off(c, *a, out);
            want_metadata(c.metadata, c.config.retry_backoff, out);
        }
    }
    if (broker != kNoNode) time_look_ups(c, broker, out);
    advance(c, out);
}

}  // namespace tribunal
