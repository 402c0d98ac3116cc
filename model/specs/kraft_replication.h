// Kafka's data replication under the KRaft controller, and what KIP-966 (eligible leader replicas)
// changes of it: the transition systems of Vanlightly/kafka-tlaplus, without VIEW, so that every
// variable counts. Both are one system with a switch.
//
// Deviation: with two values or more the published WriteRecordToLeader cannot be evaluated when the
// leader alone is the ISR and its log is not empty, because it reads the record just written from
// the log before the write. Here it is read from the log after the write.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include "model/search.h"
#include "model/specs/kraft_replication_state.h"

namespace tribunal::kraft_replication {

enum class Version : Byte { v3_5, kip_966 };

// One safety rule taken away: what each is for shows in the counterexample.
enum class Without : Byte {
    none,
    kip903_broker_epoch,         // the controller compares the epochs of brokers added to the ISR
    maximal_isr_high_watermark,  // the high watermark waits for the maximal ISR, not the ISR
    partition_epoch,             // the controller compares the partition epoch of AlterPartition
    leo_at_least_hwm,            // who joins the ISR has reached the high watermark
    leo_at_least_leso,           // who joins the ISR has reached the start of the leader's epoch
    min_isr_high_watermark,      // KIP-966: only an ISR of MinISR moves the high watermark
};

enum class ActionKind : std::uint16_t {
    broker_start,
    receive_broker_reg_response,
    receive_metadata_update,
    send_alter_partition_request,
    receive_alter_partition_response,
    send_fetch_request,
    receive_fetch_request,
    receive_fetch_response,
    write_record_to_leader,
    unclean_shutdown,
    clean_shutdown,
    receive_broker_reg_request,
    receive_alter_partition_request,
    fence_broker,
    unfence_broker,
    perform_partition_reassignment,
};

struct Settings {
    Version version = Version::v3_5;
    Broker broker_count = 3;
    int init_replication_factor = 3;
    Byte values = 1;
    int min_isr = 2;
    int init_isr_size = 2;
    int clean_shutdown_limit = 0;    // KIP-966: NoDataLossShutdownLimit
    int unclean_shutdown_limit = 1;  // KIP-966: DataLossShutdownLimit
    int fence_broker_limit = 1;
    int leader_shrink_isr_limit = 0;
    int reassignment_limit = 0;
    bool avoid_last_replica_standing = true;  // 3.5 only
    Without without = Without::none;

    bool is_kip_966() const { return version == Version::kip_966; }
    BrokerSet all_brokers() const { return static_cast<BrokerSet>((1u << broker_count) - 1); }
};

// Where successors go.
struct Sink {
    void* target = nullptr;
    void (*take)(void* target, Action action, const State& next) = nullptr;
    void operator()(Action action, const State& next) const { take(target, action, next); }
};

class KraftReplication {
  public:
    using State = kraft_replication::State;

    explicit KraftReplication(const Settings& settings) : settings_(settings) {}

    template <class Emit>
    void initial_states(Emit&& emit) const {
        emit(initial_state());
    }
    template <class Emit>
    void successors(const State& s, Emit&& emit) const {
        using Target = std::remove_reference_t<Emit>;
        expand(s, Sink{&emit, [](void* target, Action action, const State& next) {
                           (*static_cast<Target*>(target))(action, next);
                       }});
    }
    Digest128 digest(const State& s) const;
    std::span<const std::string_view> action_names() const;
    std::span<const PropertySpec> properties() const;
    std::uint64_t predicates(const State& s) const;
    std::string describe(const State& s, Action action) const;
    StateText show(const State& s) const;

  private:
    State initial_state() const;
    void expand(const State& s, const Sink& sink) const;

    Settings settings_;
};

}  // namespace tribunal::kraft_replication

namespace tribunal {

extern template SearchResult search(const kraft_replication::KraftReplication&,
                                    const SearchOptions&);

}  // namespace tribunal
