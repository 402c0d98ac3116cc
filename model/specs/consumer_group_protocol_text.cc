// States and steps of the KIP-848 model as people read them: TLA+ values under the specification's
// names.
#include "model/specs/consumer_group_protocol.h"

namespace tribunal::consumer_group {
namespace {

std::string text_of(GroupStatus status) {
    switch (status) {
        case GroupStatus::empty:
            return "EMPTY";
        case GroupStatus::stable:
            return "STABLE";
        case GroupStatus::assigning:
            return "ASSIGNING";
        case GroupStatus::reconciling:
            return "RECONCILING";
    }
    return "?";
}

std::string text_of(MemberStatus status) {
    switch (status) {
        case MemberStatus::stable:
            return "STABLE";
        case MemberStatus::revoking:
            return "REVOKING";
        case MemberStatus::assigning:
            return "ASSIGNING";
    }
    return "?";
}

std::string text_of(ClientStatus status) {
    switch (status) {
        case ClientStatus::reconciling:
            return "RECONCILING";
        case ClientStatus::stable:
            return "STABLE";
        case ClientStatus::fenced:
            return "FENCED";
        case ClientStatus::unsubscribed:
            return "UNSUBSCRIBED";
        case ClientStatus::joining:
            return "JOINING";
        case ClientStatus::acknowledging:
            return "ACKNOWLEDGING";
        case ClientStatus::prepare_leaving:
            return "PREPARE_LEAVING";
        case ClientStatus::leaving:
            return "LEAVING";
        case ClientStatus::illegal_state:
            return "ILLEGAL_STATE";
    }
    return "?";
}

std::string text_of(Error error) {
    switch (error) {
        case Error::none:
            return "Nil";
        case Error::fenced_member_epoch:
            return "FENCED_MEMBER_EPOCH";
        case Error::unknown_member_id:
            return "UNKNOWN_MEMBER_ID";
    }
    return "?";
}

std::string text_of(std::int64_t number) { return std::to_string(number); }
std::string client_name(int client) { return "c" + text_of(client); }

// "{a, b}", "[k |-> v, ...]", item by item.
class Listing {
  public:
    Listing(char open, char close) : text_(1, open), close_(close) {}
    Listing& item(const std::string& text) {
        if (text_.size() > 1) text_ += ", ";
        text_ += text;
        return *this;
    }
    Listing& field(const std::string& name, const std::string& value) {
        return item(name + " |-> " + value);
    }
    std::string done() const { return text_ + close_; }

  private:
    std::string text_;
    char close_;
};
Listing a_set() { return {'{', '}'}; }
Listing a_record() { return {'[', ']'}; }

class Text {
  public:
    explicit Text(const Rules& rules) : rules_(rules) {}

    std::string topics(SmallSet set) const {
        Listing out = a_set();
        for (int t = 0; t < rules_.config().topics; ++t) {
            if (set.contains(t)) out.item(text_of(t + 1));
        }
        return out.done();
    }

    std::string partition(int p) const {
        const int topic = rules_.topic_of(p);
        const int within = p - topic * rules_.config().partitions_per_topic;
        return "<<" + text_of(topic + 1) + ", " + text_of(within + 1) + ">>";
    }

    std::string partitions(SmallSet set) const {
        if (set == kNil) return "Nil";
        Listing out = a_set();
        for (int p = 0; p < rules_.partitions(); ++p) {
            if (set.contains(p)) out.item(partition(p));
        }
        return out.done();
    }

    std::string member(const Member& m, int id) const {
        return a_record()
            .field("host", client_name(m.host))
            .field("member_id", text_of(id))
            .field("member_epoch", text_of(m.member_epoch))
            .field("target_epoch", text_of(m.target_epoch))
            .field("subscribed", topics(m.subscribed))
            .field("status", text_of(m.status))
            .field("assigned_partitions", partitions(m.assigned_partitions))
            .field("pending_revoke_partitions", partitions(m.pending_revoke_partitions))
            .field("pending_assign_partitions", partitions(m.pending_assign_partitions))
            .field("cached_topic_partitions", partitions(m.cached_topic_partitions))
            .done();
    }

    std::string client(const Client& c, int number) const {
        return a_record()
            .field("host", client_name(number))
            .field("connection_id", text_of(c.connection_id))
            .field("member_id", text_of(c.member_id))
            .field("member_epoch", text_of(c.member_epoch))
            .field("status", text_of(c.status))
            .field("subscribed", topics(c.subscribed))
            .field("curr_assignment", partitions(c.curr_assignment))
            .field("target_assignment", partitions(c.target_assignment))
            .field("last_sent_partitions", partitions(c.last_sent_partitions))
            .field("has_inflight", c.has_inflight ? "TRUE" : "FALSE")
            .done();
    }

    std::string message(const Message& m) const {
        Listing out = a_record();
        if (m.type == MessageType::heartbeat_request) {
            out.field("type", "HeartbeatRequestMsg")
                .field("member_id", text_of(m.member_id))
                .field("member_epoch", text_of(m.member_epoch))
                .field("subscribed", topics(m.subscribed))
                .field("topic_partitions", partitions(m.partitions))
                .field("connection_id", text_of(m.connection_id))
                .field("source", client_name(m.client));
        } else {
            out.field("type", "HeartbeatResponseMsg")
                .field("error", text_of(m.error))
                .field("member_epoch", text_of(m.member_epoch))
                .field("member_id", text_of(m.member_id))
                .field("assignment", partitions(m.partitions))
                .field("connection_id", text_of(m.connection_id))
                .field("dest", client_name(m.client));
        }
        return out.done();
    }

    std::string assignments(const std::array<SmallSet, kMaxMembers>& target) const {
        Listing out = a_record();
        for (std::size_t i = 0; i < target.size(); ++i) {
            if (target[i] == kNil) continue;
            out.field(text_of(static_cast<std::int64_t>(i) + 1), partitions(target[i]));
        }
        return out.done();
    }

  private:
    const Rules& rules_;
};

}  // namespace

StateText Rules::show(const Variables& s) const {
    const Text text(*this);
    Listing ids = a_set();
    Listing members = a_record();
    for (int id = 1; id <= kMaxMembers; ++id) {
        const Member& m = s.members[static_cast<std::size_t>(id - 1)];
        if (m.host == 0) continue;
        ids.item(text_of(id));
        members.field(text_of(id), text.member(m, id));
    }
    Listing epochs = a_record();
    for (int p = 0; p < partitions(); ++p) {
        epochs.field(text.partition(p),
                     text_of(s.group_partition_epoch[static_cast<std::size_t>(p)]));
    }
    Listing clients = a_record();
    Listing reconciliations = a_record();
    Listing leaves = a_record();
    for (int c = 1; c <= config_.clients; ++c) {
        const Client& client = s.clients[static_cast<std::size_t>(c - 1)];
        const std::string reconciliation =
            client.recon_assignment == kNil
                ? "Nil"
                : a_record()
                      .field("epoch_on_start", text_of(client.recon_epoch_on_start))
                      .field("assignment", text.partitions(client.recon_assignment))
                      .done();
        const std::string leave =
            client.leave_assignment == kNil
                ? "Nil"
                : a_record().field("assignment", text.partitions(client.leave_assignment)).done();
        clients.field(client_name(c), text.client(client, c));
        reconciliations.field(client_name(c), reconciliation);
        leaves.field(client_name(c), leave);
    }
    Listing messages = a_set();
    for (const Message& m : s.messages) {
        if (m.type != MessageType::none) messages.item(text.message(m));
    }
    Listing discarded = a_set();
    if (s.last_discard.type != MessageType::none) discarded.item(text.message(s.last_discard));
    return {
        {"group_members", ids.done()},
        {"group_member_state", members.done()},
        {"group_epoch", text_of(s.group_epoch)},
        {"group_status", text_of(s.group_status)},
        {"group_target_assignment", a_record()
                                        .field("epoch", text_of(s.target_epoch))
                                        .field("assignments", text.assignments(s.target_assignment))
                                        .done()},
        {"group_partition_epoch", epochs.done()},
        {"client_state", clients.done()},
        {"client_recon_proc", reconciliations.done()},
        {"client_leave_proc", leaves.done()},
        {"messages", messages.done()},
        {"messages_last_discard", discarded.done()},
        {"aux_member_id", text_of(s.aux_member_id)},
        {"aux_conn_id", text_of(s.aux_conn_id)},
        {"aux_perturb_ctr", text_of(s.aux_perturb_ctr)},
    };
}

std::string Rules::describe(const Variables& s, Action action) const {
    const Text text(*this);
    const Detail detail = detail_of(action);
    const std::string name(action_names()[action.kind]);
    const auto of_client = [&](int client, const std::string& more) {
        return name + "(" + client_name(client) + more + ")";
    };
    switch (static_cast<Step>(action.kind)) {
        case Step::send_heartbeat_request: {
            const SmallSet subscribed{static_cast<std::uint8_t>(detail.what)};
            const Client& client = s.clients[static_cast<std::size_t>(detail.who - 1)];
            if (subscribed == client.subscribed) return of_client(detail.who, "");
            return of_client(detail.who, ", subscribed " + text.topics(subscribed));
        }
        case Step::complete_reconciliation:
        case Step::start_leave_group:
        case Step::complete_leave_group:
        case Step::client_crash:
            return of_client(detail.who, "");
        case Step::receive_regular_heartbeat_request: {
            const Message& m = message_on(s, detail.who);
            const RegularHeartbeat r = regular_heartbeat(s, m);
            std::string more = ", member " + text_of(r.member_id);
            if (m.member_id == 0) more += " joins";
            if (r.needs_target) {
                more += ", epoch " + text_of(r.group_epoch) + ", assignments " +
                        text.assignments(numbered_assignment(r.member_ids, detail.what));
            }
            return of_client(m.client, more);
        }
        case Step::receive_error_response:
        case Step::receive_success_response:
        case Step::receive_leave_heartbeat_request:
        case Step::receive_bad_heartbeat_request: {
            const Message& m = message_on(s, detail.who);
            if (m.error == Error::none) return of_client(m.client, "");
            return of_client(m.client, ", " + text_of(m.error));
        }
        case Step::live_member_expired:
            return of_client(detail.who, ", member " + text_of(detail.what));
        case Step::dead_member_expired:
            return name + "(member " + text_of(detail.what) + ")";
    }
    return name;
}

}  // namespace tribunal::consumer_group
