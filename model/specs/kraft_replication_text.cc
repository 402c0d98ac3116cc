// Steps and states as people read them, in the specification's names and TLA+'s notation.
#include <algorithm>
#include <string>

#include "model/specs/kraft_replication_steps.h"

namespace tribunal::kraft_replication {
namespace {

constexpr std::array<std::string_view, 16> kActionNames = {
    "BrokerStart",
    "ReceiveBrokerRegResponse",
    "ReceiveMetadataUpdate",
    "SendAlterPartitionRequest",
    "ReceiveAlterPartitionResponse",
    "SendFetchRequest",
    "ReceiveFetchRequest",
    "ReceiveFetchResponse",
    "WriteRecordToLeader",
    "UncleanShutdown",
    "CleanShutdown",
    "ReceiveBrokerRegRequest",
    "ReceiveAlterPartitionRequest",
    "FenceBroker",
    "UnfenceBroker",
    "PerformPartitionReassignment",
};
constexpr std::array<std::string_view, 16> action_names_of_kip_966() {
    auto names = kActionNames;
    names[static_cast<std::size_t>(ActionKind::unclean_shutdown)] = "DataLossShutdown";
    names[static_cast<std::size_t>(ActionKind::clean_shutdown)] = "NoDataLossShutdown";
    return names;
}
constexpr std::array<std::string_view, 16> kActionNamesOfKip966 = action_names_of_kip_966();

using std::to_string;
std::string broker(Broker b) { return to_string(b + 1); }
std::string leader_name(Broker b) { return b == kNoLeader ? "NoLeader" : broker(b); }
std::string truth(bool x) { return x ? "TRUE" : "FALSE"; }
std::string offset_or_nil(Byte x) { return x == 0 ? "Nil" : to_string(x); }
std::string value_name(int value) { return {static_cast<char>('A' + value - 1)}; }

template <class Name>
std::string set_of(Byte set, Name name) {
    std::string text = "{";
    for (Byte i = 0; i < 8; ++i) {
        if (has(set, i)) text += (text.size() > 1 ? ", " : "") + name(i);
    }
    return text + "}";
}
std::string brokers_of(BrokerSet set) { return set_of(set, broker); }
std::string values_of(ValueSet set) {
    return set_of(set, [](Byte i) { return value_name(i + 1); });
}

// [a |-> 1, b |-> 2]
std::string record_of(std::initializer_list<std::pair<std::string_view, std::string>> fields) {
    std::string text = "[";
    for (const auto& [name, value] : fields) {
        if (text.size() > 1) text += ", ";
        text.append(name).append(" |-> ").append(value);
    }
    return text + "]";
}
// <<of(0), of(1)>>
template <class Of>
std::string sequence_of(int size, Of of) {
    std::string text = "<<";
    for (Byte i = 0; i < size; ++i) text += (i == 0 ? "" : ", ") + of(i);
    return text + ">>";
}

std::string partition_text(const Partition& p, bool is_kip_966) {
    std::string text =
        record_of({{"replicas", brokers_of(p.replicas)}, {"isr", brokers_of(p.isr)}});
    text.pop_back();
    if (is_kip_966) {
        text += ", elr |-> " + brokers_of(p.elr);
        text += ", last_known_elr |-> " + brokers_of(p.last_known_elr);
    }
    text += ", ";
    return text + record_of({{"leader", leader_name(p.leader)},
                             {"leader_epoch", to_string(p.leader_epoch)},
                             {"partition_epoch", to_string(p.partition_epoch)},
                             {"adding", brokers_of(p.adding)},
                             {"removing", brokers_of(p.removing)}})
                      .substr(1);
}
std::string log_record_text(const LogRecord& record, int offset) {
    return record_of({{"epoch", to_string(record.epoch)},
                      {"offset", to_string(offset)},
                      {"value", value_name(record.value)}});
}
std::string log_text(const std::array<LogRecord, kMaxValues>& log, int end_offset) {
    return sequence_of(end_offset - 1, [&](Byte i) { return log_record_text(log[i], i + 1); });
}

std::string text_of(const RegisterBrokerRequest& m, bool is_kip_966) {
    std::string text = "RegisterBrokerRequest(" + broker(m.source) +
                       " -> Controller, incarnation " + to_string(m.incarnation_id);
    if (is_kip_966) text += ", broker epoch " + to_string(m.broker_epoch);
    return text + ")";
}
std::string text_of(const RegisterBrokerResponse& m) {
    return "RegisterBrokerResponse(Controller -> " + broker(m.dest) + ", broker epoch " +
           to_string(m.broker_epoch) + ", incarnation " + to_string(m.incarnation_id) +
           ", metadata offset " + to_string(m.metadata_offset) + ")";
}
std::string text_of(const AlterPartitionRequest& m) {
    const auto member = [&](Byte b) {
        return broker(b) + " epoch " + to_string(m.broker_epochs[b]);
    };
    return "AlterPartitionRequest(" + broker(m.source) + " -> Controller, isr " +
           set_of(m.isr, member) + ", leader epoch " + to_string(m.leader_epoch) +
           ", partition epoch " + to_string(m.partition_epoch) + ")";
}
std::string text_of(const AlterPartitionResponse& m) {
    std::string text = "AlterPartitionResponse(Controller -> " + broker(m.request.source) + ", ";
    if (m.error == AlterPartitionError::none) {
        text += "replicas " + brokers_of(m.replicas) + ", isr " + brokers_of(m.isr) + ", leader " +
                broker(m.leader) + ", leader epoch " + to_string(m.leader_epoch) +
                ", partition epoch " + to_string(m.partition_epoch);
    } else {
        text += m.error == AlterPartitionError::fenced_leader_epoch ? "FencedLeaderEpoch"
                                                                    : "IneligibleReplica";
    }
    return text + ", to " + text_of(m.request) + ")";
}
std::string text_of(const FetchRequest& m) {
    return "FetchRequest(" + broker(m.source) + " -> " + broker(m.dest) + ", broker epoch " +
           to_string(m.broker_epoch) + ", leader epoch " + to_string(m.leader_epoch) +
           ", fetch offset " + to_string(m.fetch_offset) + ", last fetched epoch " +
           to_string(m.last_fetched_epoch) + ")";
}
std::string text_of(const FetchResponse& m) {
    constexpr std::array<std::string_view, 4> kErrors = {"Nil", "NotLeaderOrFollower",
                                                         "UnknownLeaderEpoch", "FencedLeaderEpoch"};
    std::string text = "FetchResponse(" + broker(m.source) + " -> " + broker(m.dest);
    if (m.error != FetchError::none) {
        text.append(", ").append(kErrors[static_cast<std::size_t>(m.error)]);
    }
    text += ", leader epoch " + to_string(m.leader_epoch) + ", fetch offset " +
            to_string(m.fetch_offset) + ", hwm " + to_string(m.high_watermark);
    if (m.diverging.end_offset != 0) {
        text += ", diverging epoch " + to_string(m.diverging.epoch) + " end offset " +
                to_string(m.diverging.end_offset);
    }
    if (m.record.value != 0) text += ", record " + log_record_text(m.record, m.fetch_offset);
    return text + ")";
}
std::string message_text(std::uint64_t message, bool is_kip_966) {
    switch (type_of(message)) {
        case MessageType::register_broker_request:
            return text_of(unpack<RegisterBrokerRequest>(message), is_kip_966);
        case MessageType::register_broker_response:
            return text_of(unpack<RegisterBrokerResponse>(message));
        case MessageType::alter_partition_request:
            return text_of(unpack<AlterPartitionRequest>(message));
        case MessageType::alter_partition_response:
            return text_of(unpack<AlterPartitionResponse>(message));
        case MessageType::fetch_request:
            return text_of(unpack<FetchRequest>(message));
        case MessageType::fetch_response:
            return text_of(unpack<FetchResponse>(message));
        case MessageType::none:
            break;
    }
    return "Nil";
}
std::string messages_text(const MessageSet& messages, std::uint64_t flag, bool is_kip_966) {
    std::string text = "{";
    for (std::size_t i = 0; i < messages.size; ++i) {
        if ((messages.entries[i] & flag) == 0) continue;
        text += (text.size() > 1 ? ", " : "") + message_text(messages.message(i), is_kip_966);
    }
    return text + "}";
}

std::string registration_text(const Registration& r) {
    return record_of({{"status", r.unfenced != 0 ? "UNFENCED" : "FENCED"},
                      {"broker_epoch", to_string(r.broker_epoch)},
                      {"incarnation_id", to_string(r.incarnation_id)}});
}
std::string broker_state_text(const BrokerSide& b) {
    constexpr std::array<std::string_view, 4> kStatus = {"OFFLINE_CLEAN", "OFFLINE_DIRTY",
                                                         "STARTING", "RUNNING"};
    return record_of({{"status", std::string(kStatus[static_cast<std::size_t>(b.status)])},
                      {"broker_epoch", to_string(b.broker_epoch)},
                      {"incarnation_id", to_string(b.incarnation_id)},
                      {"registered", truth(b.registered != 0)}});
}
std::string fetcher_text(const Fetcher& f) {
    const std::string partition =
        f.has_partition() ? record_of({{"fetch_offset", to_string(f.fetch_offset)},
                                       {"last_fetched_epoch", to_string(f.last_fetched_epoch)},
                                       {"delayed", truth(f.delayed != 0)}})
                          : "Nil";
    return record_of(
        {{"partition", partition}, {"pending_response", truth(f.pending_response != 0)}});
}
std::string metadata_text(const ReplicaMetadata& m) {
    return record_of({{"replicas", brokers_of(m.replicas)},
                      {"isr", brokers_of(m.isr)},
                      {"maximal_isr", brokers_of(m.maximal_isr)},
                      {"leader", leader_name(m.leader)},
                      {"leader_epoch", to_string(m.leader_epoch)},
                      {"partition_epoch", to_string(m.partition_epoch)}});
}
std::string data_text(const BrokerSide& b) {
    return record_of({{"log", log_text(b.log, b.log_end_offset)},
                      {"hwm", to_string(b.high_watermark)},
                      {"leo", to_string(b.log_end_offset)}});
}
std::string peer_text(const Peer& p) {
    return record_of(
        {{"leo", offset_or_nil(p.log_end_offset)}, {"broker_epoch", to_string(p.broker_epoch)}});
}
std::string counters_text(const Counters& c, bool is_kip_966) {
    return record_of({{"incarn_ctr", to_string(c.incarnation)},
                      {is_kip_966 ? "no_data_loss_shutdown_ctr" : "clean_shutdown_ctr",
                       to_string(c.clean_shutdown)},
                      {is_kip_966 ? "data_loss_shutdown_ctr" : "unclean_shutdown_ctr",
                       to_string(c.unclean_shutdown)},
                      {"fence_broker_ctr", to_string(c.fence_broker)},
                      {"leader_shrink_isr_ctr", to_string(c.leader_shrink_isr)},
                      {"reassignment_ctr", to_string(c.reassignment)}});
}

}  // namespace

std::span<const std::string_view> KraftReplication::action_names() const {
    return settings_.is_kip_966() ? kActionNamesOfKip966 : kActionNames;
}

std::string KraftReplication::describe(const State& s, Action action) const {
    const auto kind = static_cast<ActionKind>(action.kind);
    std::string text(action_names()[action.kind]);
    const auto b = static_cast<Broker>(action.detail & 3);
    const auto choice = static_cast<Byte>(action.detail >> kBrokerDetailBits);
    const std::string elected = (choice & 7) == kNoLeader ? "" : ", elected " + broker(choice & 7);
    const auto message = [&](std::string_view chosen) {
        const std::size_t i = action.detail & ((1u << kMessageDetailBits) - 1);
        const auto leader = static_cast<Broker>(action.detail >> kMessageDetailBits);
        std::string line = "(" + message_text(s.messages.message(i), settings_.is_kip_966());
        if (!chosen.empty() && leader != kNoLeader) line.append(chosen) += broker(leader);
        return line + ")";
    };
    switch (kind) {
        case ActionKind::broker_start:
            return text + "(" + broker(b) + ")";
        case ActionKind::receive_metadata_update:
            return text + "(" + broker(b) + ", up to offset " + to_string(choice) + ")";
        case ActionKind::send_alter_partition_request:
            return text + "(" + broker(b) + ", timed out " + brokers_of(choice) + ")";
        case ActionKind::send_fetch_request:
            return text + "(" + broker(b) + " -> " + broker(choice) + ")";
        case ActionKind::write_record_to_leader:
            return text + "(" + broker(b) + ", " + value_name(choice) + ")";
        case ActionKind::clean_shutdown:
            return text + "(" + broker(b) + (choice > 7 ? ", keeps its epoch" : "") + elected + ")";
        case ActionKind::unclean_shutdown:
        case ActionKind::fence_broker:
        case ActionKind::unfence_broker:
            return text + "(" + broker(b) + elected + ")";
        case ActionKind::receive_broker_reg_request:
        case ActionKind::receive_alter_partition_request:
            return text + message(", leader ");
        case ActionKind::receive_broker_reg_response:
        case ActionKind::receive_alter_partition_response:
        case ActionKind::receive_fetch_request:
        case ActionKind::receive_fetch_response:
            return text + message("");
        case ActionKind::perform_partition_reassignment:
            break;
    }
    const auto adding = static_cast<BrokerSet>(action.detail & 15);
    const auto removing = static_cast<BrokerSet>((action.detail >> 4) & 15);
    return text + "(adding " + brokers_of(adding) + ", removing " + brokers_of(removing) +
           ", leader " + broker(static_cast<Broker>(action.detail >> 8)) + ")";
}

StateText KraftReplication::show(const State& s) const {
    const bool is_kip_966 = settings_.is_kip_966();
    const int count = settings_.broker_count;
    const auto each_broker = [&](auto of) {
        return sequence_of(count, [&](Byte b) { return of(s.brokers[b]); });
    };
    const auto each_pair = [&](auto of) {
        return each_broker([&](const BrokerSide& b) {
            return sequence_of(count, [&](Byte peer) { return of(b, peer); });
        });
    };
    const auto records = [&](int size) {
        return sequence_of(
            size, [&](Byte i) { return partition_text(s.metadata_log.at(i + 1), is_kip_966); });
    };
    BrokerSet unfenced = 0;
    for (Broker b = 0; b < count; ++b) {
        if (s.registrations[b].unfenced != 0) unfenced = joined(unfenced, only(b));
    }
    constexpr std::array<std::string_view, 3> kRoles = {"Nil", "Leader", "Follower"};
    return {
        {"con_unfenced", brokers_of(unfenced)},
        {"con_broker_reg",
         sequence_of(count, [&](Byte b) { return registration_text(s.registrations[b]); })},
        {"con_partition_metadata", partition_text(s.metadata_log.last(), is_kip_966)},
        {"con_metadata_log", records(static_cast<int>(s.metadata_log.size))},
        {"broker_state", each_broker(broker_state_text)},
        {"broker_fetchers",
         each_pair([](const BrokerSide& b, Byte p) { return fetcher_text(b.fetchers[p]); })},
        {"broker_metadata_log",
         each_broker([&](const BrokerSide& b) { return records(b.metadata_log_size); })},
        {"partition_status", each_broker([&](const BrokerSide& b) {
             return std::string(kRoles[static_cast<std::size_t>(b.role)]);
         })},
        {"partition_metadata",
         each_broker([](const BrokerSide& b) { return metadata_text(b.metadata); })},
        {"partition_data", each_broker(data_text)},
        {"partition_leso", each_broker([](const BrokerSide& b) {
             return offset_or_nil(b.leader_epoch_start_offset);
         })},
        {"partition_replica_state",
         each_pair([](const BrokerSide& b, Byte p) { return peer_text(b.peers[p]); })},
        {"partition_pending_ap",
         sequence_of(count,
                     [&](Byte b) {
                         return record_of(
                             {{"epoch", to_string(s.brokers[b].pending_alter_partition_epoch)},
                              {"request", message_text(s.pending_request[b], is_kip_966)}});
                     })},
        {"aux_broker_epoch", to_string(s.broker_epoch)},
        {"aux_ctrs", counters_text(s.counters, is_kip_966)},
        {"aux_flo", each_broker([](const BrokerSide& b) {
             const bool none = b.floor_leader_offset == BrokerSide::kNoOffset;
             return none ? std::string("10000") : to_string(b.floor_leader_offset);
         })},
        {"inv_sent", values_of(s.sent)},
        {"inv_pos_acked", values_of(s.positively_acknowledged)},
        {"inv_neg_acked", values_of(s.negatively_acknowledged)},
        {"inv_true_hwm", to_string(s.true_high_watermark)},
        {"inv_consumed", log_text(s.consumed, s.true_high_watermark)},
        {"messages", messages_text(s.messages, MessageSet::kInFlight, is_kip_966)},
        {"messages_discard", messages_text(s.messages, MessageSet::kDiscarded, is_kip_966)},
    };
}

}  // namespace tribunal::kraft_replication
