// The actions of the replication specification. Each function takes the steps of one action of one
// broker: it tests what enables the action, changes copies of the state and hands them on.
//
// kraft_replication_controller.cc  registration, fencing, election, reassignment
// kraft_replication_broker.cc      start, stop, metadata updates, writes
// kraft_replication_isr.cc         AlterPartition, both sides
// kraft_replication_fetch.cc       fetching, both sides
#pragma once

#include <array>
#include <optional>

#include "model/specs/kraft_replication.h"
#include "model/specs/kraft_replication_messages.h"

namespace tribunal::kraft_replication {

// What an Action's detail holds: a broker (or the number of a message in MessageSet) and a choice.
constexpr unsigned kBrokerDetailBits = 2;
constexpr unsigned kMessageDetailBits = 6;
constexpr Action step_of_broker(ActionKind kind, Broker b, unsigned choice = 0) {
    return {static_cast<std::uint16_t>(kind),
            static_cast<std::uint16_t>(choice << kBrokerDetailBits | b)};
}
constexpr Action step_of_message(ActionKind kind, std::size_t message, unsigned choice = 0) {
    return {static_cast<std::uint16_t>(kind),
            static_cast<std::uint16_t>(choice << kMessageDetailBits | message)};
}

// What the controller may make of the partition: several where several can lead.
struct Outcomes {
    std::array<std::optional<Partition>, kMaxBrokers> at{};  // nothing: the partition stays
    int count = 0;
    void add(const std::optional<Partition>& outcome) {
        at[static_cast<std::size_t>(count++)] = outcome;
    }
    const std::optional<Partition>* begin() const { return at.data(); }
    const std::optional<Partition>* end() const { return at.data() + count; }
};

class Steps {
  public:
    Steps(const Settings& settings, const State& s, const Sink& sink)
        : c_(settings), s_(s), sink_(sink), partition_(s.metadata_log.last()) {}

    void broker_start(Broker b) const;
    void receive_broker_reg_response(std::size_t message) const;
    void receive_metadata_update(Broker b) const;
    void send_alter_partition_request(Broker b) const;
    void receive_alter_partition_response(std::size_t message) const;
    void send_fetch_request(Broker b) const;
    void receive_fetch_request(std::size_t message) const;
    void receive_fetch_response(std::size_t message) const;
    void write_record_to_leader(Broker b) const;
    void unclean_shutdown(Broker b) const;
    void clean_shutdown(Broker b) const;
    void receive_broker_reg_request(std::size_t message) const;
    void receive_alter_partition_request(std::size_t message) const;
    void fence_broker(Broker b) const;
    void unfence_broker(Broker b) const;
    void perform_partition_reassignment() const;

  private:
    // Controller
    BrokerSet unfenced() const;
    Partition changed(const Partition& to) const;
    BrokerSet elr_after(BrokerSet proposed_isr, BrokerSet replicas) const;
    Outcomes elections(BrokerSet isr, BrokerSet elr, BrokerSet unfenced) const;
    Outcomes after_fencing(Broker b) const;
    Outcomes after_unfencing(Broker b) const;
    Outcomes after_unclean_registration(Broker b) const;
    AlterPartitionError judge(const AlterPartitionRequest& request) const;

    // ISR
    bool is_caught_up(const BrokerSide& leader, Broker follower, BrokerSet timed_out) const;
    void send_alter_partition_request(Broker b, BrokerSet timed_out) const;

    // High watermark and acknowledgements; `next` still has the log and the floor of before.
    int commit_offset(const BrokerSide& leader, Broker b, int log_end_offset,
                      const ReplicaMetadata& members) const;
    bool may_advance(const ReplicaMetadata& metadata, int old_high_watermark, int offset) const;
    void advance_high_watermark(State& next, Broker b, int high_watermark, bool positive) const;
    void advance_on_partition_change(State& next, Broker b, const ReplicaMetadata& to) const;

    // Sub-actions of ReceiveMetadataUpdate
    bool needs_action(Broker b, const Partition& record) const;
    bool apply(State& next, Broker b, const Partition& record) const;
    void renounce_leadership(State& next, Broker b, const ReplicaMetadata& to) const;

    void shut_down(Broker b, const BrokerSide& stopped, Action action, State next) const;

    const Settings& c_;
    const State& s_;
    const Sink& sink_;
    const Partition partition_;
};

// Shared by several files.
void remove_partition_from_fetchers(BrokerSide& broker);
void forget_pending_alter_partition(State& s, Broker b);
void acknowledge(State& s, Broker b, int from_offset, int to_offset, bool positive);
ReplicaMetadata replica_metadata_of(const Partition& partition);

}  // namespace tribunal::kraft_replication
