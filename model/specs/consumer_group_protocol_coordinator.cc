// The group coordinator's side of the KIP-848 model: what a heartbeat does to the member that sent
// it, and how members leave the group.
//
// A member gives up before it gets: while it has something to revoke it stays at its old epoch, and
// a partition is handed on only when nobody's epoch is on it any more.
#include <algorithm>
#include <limits>
#include <stdexcept>

#include "model/specs/consumer_group_protocol.h"

namespace tribunal::consumer_group {
namespace {

const Member* member_of(const ViewVariables& s, int member_id) {
    if (member_id < 1 || member_id > kMaxMembers) return nullptr;
    const Member& member = s.members[static_cast<std::size_t>(member_id - 1)];
    return member.host == 0 ? nullptr : &member;
}

std::int8_t next_epoch(std::int8_t epoch) {
    if (epoch == std::numeric_limits<std::int8_t>::max()) {
        throw std::length_error("consumer_group_protocol: group epoch beyond 127");
    }
    return static_cast<std::int8_t>(epoch + 1);
}

// The reply is lost when the connection is.
void reply(Variables& s, const Message& request, const Message& response) {
    const Client& client = s.clients[static_cast<std::size_t>(response.client - 1)];
    discard(s, request);
    if (client.connection_id != response.connection_id) return;
    const Message discarded = s.last_discard;
    send(s, response);
    s.last_discard = discarded;
}

Message response_to(const Message& request) {
    Message response;
    response.type = MessageType::heartbeat_response;
    response.client = request.client;
    response.connection_id = request.connection_id;
    response.partitions = kNil;
    return response;
}

SmallSet free_among(const Variables& s, SmallSet partitions) {
    SmallSet free;
    for (int p = 0; p < kMaxPartitions; ++p) {
        if (partitions.contains(p) && s.group_partition_epoch[static_cast<std::size_t>(p)] == 0) {
            free.add(p);
        }
    }
    return free;
}

MemberStatus next_status(SmallSet pending_revoke, SmallSet pending_assign) {
    if (!pending_revoke.empty()) return MemberStatus::revoking;
    return pending_assign.empty() ? MemberStatus::stable : MemberStatus::assigning;
}

// Nothing (any more) to revoke: at the target epoch, with as much of `wanted` as is free.
void advance(Member& member, const Variables& s, std::int8_t target_epoch, SmallSet wanted) {
    const SmallSet free = free_among(s, wanted);
    member.member_epoch = target_epoch;
    member.target_epoch = target_epoch;
    member.assigned_partitions = member.assigned_partitions | free;
    member.pending_revoke_partitions = {};
    member.pending_assign_partitions = wanted - free;
    member.status = next_status({}, member.pending_assign_partitions);
}

void begin_new_target(Member& member, const Variables& s, std::int8_t target_epoch,
                      SmallSet target) {
    const SmallSet held = member.assigned_partitions | member.pending_revoke_partitions;
    const SmallSet to_revoke = held - target;
    member.assigned_partitions = held & target;
    if (to_revoke.empty()) return advance(member, s, target_epoch, target - held);
    member.target_epoch = target_epoch;
    member.pending_revoke_partitions = to_revoke;
    member.pending_assign_partitions = target - held;
    member.status = MemberStatus::revoking;
}

void compute_current_assignment(Member& member, const Variables& s, std::int8_t target_epoch,
                                SmallSet target) {
    if (member.target_epoch != target_epoch) {
        return begin_new_target(member, s, target_epoch, target);
    }
    const SmallSet wanted = member.pending_assign_partitions;
    if (member.status == MemberStatus::revoking) {
        if (member.pending_revoke_partitions.empty() ||
            member.assigned_partitions == member.cached_topic_partitions) {
            advance(member, s, target_epoch, wanted);
        }
    } else if (member.status == MemberStatus::assigning) {
        if (!free_among(s, wanted).empty()) advance(member, s, target_epoch, wanted);
    }
}

GroupStatus group_status(const ViewVariables& s) {
    if (std::all_of(s.members.begin(), s.members.end(),
                    [](const Member& m) { return m.host == 0; })) {
        return GroupStatus::empty;
    }
    if (s.group_epoch > s.target_epoch) return GroupStatus::assigning;
    for (const Member& m : s.members) {
        if (m.host == 0) continue;
        if (m.status != MemberStatus::stable || m.target_epoch != s.target_epoch) {
            return GroupStatus::reconciling;
        }
    }
    return GroupStatus::stable;
}

// `before` loses its partitions and `after` gains its own, if they differ at all.
void move_epochs(Variables& s, SmallSet before, SmallSet after, std::int8_t member_epoch) {
    if (before == after) return;
    for (int p = 0; p < kMaxPartitions; ++p) {
        std::int8_t& epoch = s.group_partition_epoch[static_cast<std::size_t>(p)];
        if (after.contains(p)) {
            epoch = member_epoch;
        } else if (before.contains(p)) {
            epoch = 0;
        }
    }
}

}  // namespace

bool is_unknown(const Variables& s, const Message& m) {
    return m.member_id != 0 && member_of(s, m.member_id) == nullptr;
}

bool should_fence(const Variables& s, const Message& m) {
    const Member* member = member_of(s, m.member_id);
    return member != nullptr && m.member_epoch != kLeaveGroupMemberEpoch &&
           m.member_epoch != member->member_epoch;
}

bool is_leaving(const Variables& s, const Message& m) {
    return member_of(s, m.member_id) != nullptr && m.member_epoch == kLeaveGroupMemberEpoch;
}

RegularHeartbeat regular_heartbeat(const Variables& s, const Message& m) {
    RegularHeartbeat r;
    r.group_epoch = s.group_epoch;
    if (m.member_id == 0) {
        r.member_id = s.aux_member_id + 1;
        if (r.member_id > kMaxMembers) {
            throw std::length_error("consumer_group_protocol: more than 8 member ids");
        }
        r.member.host = m.client;
        r.member.cached_topic_partitions = kNil;
        r.group_epoch = next_epoch(s.group_epoch);
    } else {
        r.member_id = m.member_id;
        r.member = *member_of(s, m.member_id);
        if (m.partitions != kNil) r.member.cached_topic_partitions = m.partitions;
        if (r.member.subscribed != m.subscribed) r.group_epoch = next_epoch(s.group_epoch);
    }
    r.member.subscribed = m.subscribed;
    r.needs_target = r.group_epoch > s.target_epoch;
    if (!r.needs_target) return r;
    for (int id = 1; id <= kMaxMembers; ++id) {
        if (id == r.member_id || member_of(s, id) != nullptr) r.member_ids.push_back(id);
    }
    return r;
}

void Rules::receive_regular(Variables& s, const Message& request, int assignment_number) const {
    const Message m = request;
    RegularHeartbeat r = regular_heartbeat(s, m);
    const auto place = static_cast<std::size_t>(r.member_id - 1);
    const Member before = s.members[place];
    const Member updated = r.member;
    s.group_epoch = r.group_epoch;
    if (r.needs_target) {
        s.target_epoch = r.group_epoch;
        s.target_assignment = numbered_assignment(r.member_ids, assignment_number);
    }
    if (r.member.status != MemberStatus::stable || r.member.target_epoch != r.group_epoch) {
        compute_current_assignment(r.member, s, r.group_epoch, s.target_assignment[place]);
    }
    s.members[place] = r.member;
    s.group_status = group_status(s);
    update_partition_epochs(s, before, r.member);

    const bool sends_assignment =
        m.partitions != kNil || m.member_epoch == kJoinGroupMemberEpoch || r.member != updated;
    Message response = response_to(m);
    response.member_id = static_cast<std::uint8_t>(r.member_id);
    response.member_epoch = r.member.member_epoch;
    if (sends_assignment) response.partitions = r.member.assigned_partitions;
    reply(s, m, response);
    if (m.member_id == 0) s.aux_member_id = static_cast<std::uint8_t>(r.member_id);
}

void Rules::update_partition_epochs(Variables& s, const Member& before, const Member& after) const {
    const SmallSet held = before.assigned_partitions | before.pending_revoke_partitions;
    const SmallSet holds = after.assigned_partitions | after.pending_revoke_partitions;
    if (config_.partition_epochs == PartitionEpochs::before_kafka_16147 && before.host != 0) {
        move_epochs(s, before.assigned_partitions, after.assigned_partitions, after.member_epoch);
        move_epochs(s, before.pending_revoke_partitions, after.pending_revoke_partitions,
                    after.member_epoch);
        return;
    }
    for (int p = 0; p < partitions(); ++p) {
        std::int8_t& epoch = s.group_partition_epoch[static_cast<std::size_t>(p)];
        if (holds.contains(p)) {
            epoch = after.member_epoch;
        } else if (held.contains(p)) {
            epoch = 0;
        }
    }
}

// The target assignment goes on naming the member until a heartbeat of another one replaces it.
void Rules::fence_member(Variables& s, int member_id) const {
    Member& member = s.members[static_cast<std::size_t>(member_id - 1)];
    for (int p = 0; p < partitions(); ++p) {
        if ((member.assigned_partitions | member.pending_revoke_partitions).contains(p)) {
            s.group_partition_epoch[static_cast<std::size_t>(p)] = 0;
        }
    }
    member = {};
    s.group_epoch = next_epoch(s.group_epoch);
    s.group_status = group_status(s);
}

void Rules::receive_leave(Variables& s, const Message& request) const {
    const Message m = request;
    Message response = response_to(m);
    response.member_id = m.member_id;
    response.member_epoch = kLeaveGroupMemberEpoch;
    fence_member(s, m.member_id);
    reply(s, m, response);
}

void Rules::receive_bad(Variables& s, const Message& request) const {
    const Message m = request;
    Message response = response_to(m);
    if (is_unknown(s, m)) {
        response.error = Error::unknown_member_id;
    } else {
        response.error = Error::fenced_member_epoch;
        fence_member(s, m.member_id);
    }
    reply(s, m, response);
}

const Message& message_on(const Variables& s, int connection_id) {
    for (const Message& m : s.messages) {
        if (m.type != MessageType::none && m.connection_id == connection_id) return m;
    }
    throw std::logic_error("consumer_group_protocol: no message on that connection");
}

void send(Variables& s, const Message& m) {
    const auto end = std::find_if(s.messages.begin(), s.messages.end(),
                                  [](const Message& x) { return x.type == MessageType::none; });
    const auto place = std::lower_bound(s.messages.begin(), end, m);
    s.last_discard = {};
    if (place != end && *place == m) return;
    if (end == s.messages.end()) {
        throw std::length_error("consumer_group_protocol: more than 8 messages at a time");
    }
    std::copy_backward(place, end, end + 1);
    *place = m;
}

void discard(Variables& s, const Message& d) {
    const Message discarded = d;
    const auto place = std::find(s.messages.begin(), s.messages.end(), discarded);
    if (place != s.messages.end()) {
        std::copy(place + 1, s.messages.end(), place);
        s.messages.back() = {};
    }
    s.last_discard = discarded;
}

}  // namespace tribunal::consumer_group
