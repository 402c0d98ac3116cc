// The client's side of the KIP-848 model: its state machine, and what it does with responses.
#include "model/specs/consumer_group_protocol.h"

namespace tribunal::consumer_group {
namespace {

bool is_valid_transition(ClientStatus prev, ClientStatus next) {
    using enum ClientStatus;
    if (prev == next) return true;
    switch (next) {
        case stable:
            return prev == joining || prev == acknowledging || prev == reconciling;
        case reconciling:
            return prev == stable || prev == joining || prev == acknowledging;
        case acknowledging:
            return prev == reconciling;
        case fenced:
            return prev == joining || prev == stable || prev == reconciling ||
                   prev == acknowledging || prev == prepare_leaving || prev == leaving;
        case joining:
            return prev == fenced || prev == unsubscribed;
        case prepare_leaving:
            return prev == joining || prev == stable || prev == reconciling ||
                   prev == acknowledging || prev == unsubscribed || prev == fenced;
        case leaving:
            return prev == prepare_leaving;
        case unsubscribed:
            return prev == fenced || prev == leaving;
        case illegal_state:
            return false;
    }
    return false;
}

// The status that goes with sending a heartbeat.
ClientStatus next_client_status(const Client& client) {
    using enum ClientStatus;
    switch (client.status) {
        case unsubscribed:
            return joining;
        case acknowledging:
            return client.target_assignment == client.curr_assignment ? stable : reconciling;
        case leaving:
            return unsubscribed;
        default:
            return client.status;
    }
}

// At most one reconciliation runs; a newer assignment waits for the end of the older one's.
void reconcile(Client& client) {
    if (client.recon_assignment != kNil) return;
    client.status = transition_to(client.status, ClientStatus::reconciling);
    client.recon_epoch_on_start = client.member_epoch;
    client.recon_assignment = client.target_assignment;
}

void forget_assignments(Client& client) {
    client.curr_assignment = {};
    client.target_assignment = {};
    client.last_sent_partitions = kNil;
}

}  // namespace

ClientStatus transition_to(ClientStatus prev, ClientStatus next) {
    return is_valid_transition(prev, next) ? next : ClientStatus::illegal_state;
}

void Rules::send_heartbeat_request(Variables& s, int client, SmallSet subscribed) const {
    const auto place = static_cast<std::size_t>(client - 1);
    const Client before = s.clients[place];
    Client& after = s.clients[place];
    const bool sends_partitions = before.last_sent_partitions != before.curr_assignment ||
                                  before.curr_assignment != before.target_assignment;
    if (before.connection_id == 0) after.connection_id = ++s.aux_conn_id;
    after.status = next_client_status(before);
    after.subscribed = subscribed;
    if (sends_partitions) after.last_sent_partitions = before.curr_assignment;
    after.has_inflight = true;
    if (after.status == ClientStatus::unsubscribed) {
        after.member_id = 0;
        after.member_epoch = kJoinGroupMemberEpoch;
    }
    if (subscribed != before.subscribed) ++s.aux_perturb_ctr;
    send(s, {.type = MessageType::heartbeat_request,
             .client = static_cast<std::uint8_t>(client),
             .connection_id = after.connection_id,
             .member_id = before.member_id,
             .member_epoch = before.member_epoch,
             .partitions = sends_partitions ? before.curr_assignment : kNil,
             .subscribed = subscribed,
             .error = Error::none});
}

void complete_reconciliation(Client& client) {
    if (client.status == ClientStatus::reconciling &&
        client.recon_epoch_on_start == client.member_epoch) {
        client.status = transition_to(client.status, ClientStatus::acknowledging);
        client.curr_assignment = client.recon_assignment;
    }
    client.recon_epoch_on_start = 0;
    client.recon_assignment = kNil;
}

// Fenced: starts anew, unless it is about to leave anyway.
void receive_error_response(Client& client) {
    using enum ClientStatus;
    client.has_inflight = false;
    if (client.status == unsubscribed) return;
    const bool was_leaving = client.status == prepare_leaving || client.status == leaving;
    client.member_id = 0;
    client.member_epoch = kJoinGroupMemberEpoch;
    forget_assignments(client);
    client.status =
        transition_to(transition_to(client.status, fenced), was_leaving ? unsubscribed : joining);
}

void receive_success_response(Client& client, const Message& m) {
    using enum ClientStatus;
    const ClientStatus before = client.status;
    client.has_inflight = false;
    if (before == unsubscribed || before == prepare_leaving || before == leaving) return;
    client.member_id = m.member_id;
    client.member_epoch = m.member_epoch;
    if (m.partitions == kNil) {
        if (client.target_assignment == client.curr_assignment) {
            client.status = transition_to(before, stable);
        } else if (before == reconciling) {
            reconcile(client);
        }
        return;
    }
    if (transition_to(before, reconciling) == illegal_state) return;
    if (m.partitions == client.curr_assignment) {
        if (before == joining || before == reconciling) {
            client.status = transition_to(before, stable);
        }
        return;
    }
    client.target_assignment = m.partitions;
    reconcile(client);
}

void start_leave_group(Client& client) {
    client.status = transition_to(client.status, ClientStatus::prepare_leaving);
    client.leave_assignment = client.curr_assignment;
}

void complete_leave_group(Client& client) {
    client.leave_assignment = kNil;
    if (client.status != ClientStatus::prepare_leaving) return;
    client.status = transition_to(client.status, ClientStatus::leaving);
    client.member_epoch = kLeaveGroupMemberEpoch;
    client.subscribed = {};
    forget_assignments(client);
}

// Nothing is kept, the connection included: responses to the old one are never received.
void Rules::client_crash(Variables& s, int client) const {
    Client anew;
    anew.subscribed = all_topics();
    s.clients[static_cast<std::size_t>(client - 1)] = anew;
    ++s.aux_perturb_ctr;
}

}  // namespace tribunal::consumer_group
