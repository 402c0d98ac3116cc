// The first small world: one partition on two or three real brokers, a real controller that never
// fails, and one scripted producer. Every order of deliveries, time-outs, kills, power losses and
// broken connections within the bounds; the properties are those of properties/.
//
// What is left out, so that there is an end to it, and why nothing is missed by it:
//   - Requests to the controller for metadata, registrations and heartbeats arrive at once, and so
//     do heartbeat responses: they say nothing that could be old when it arrives. So does metadata
//     that its broker could not tell from metadata that comes later: a follower looks at nothing
//     but who leads. A broker restarts when the controller has given its last life up, and is
//     registered, caught up and unfenced in the same step: until then it does nothing.
//   - A write reaches the broker when it is sent, and its response the producer when it is sent:
//     the producer may wait with sending, and it learns nothing that changes what it does.
//   - A timer whose firing could change nothing (a long poll without news, a retry towards a broker
//     that is down) does not fire. Those that say that something took too long are counted in
//     `timers`: isr_check, a session of a live broker, produce time-outs, checkpoints. The
//     controller's look at who leads (leader.imbalance.check.interval.seconds) is in `elections`.
//   - A connection breaks only while a message is in flight on it, for both ends at once; that of
//     metadata does not, a lost response being one that comes later.
//   - Fetch sessions are switched off (max.incremental.fetch.session.cache.slots=0).
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>

#include "model/model.h"
#include "model/worlds/bounds.h"
#include "model/worlds/small_world.h"
#include "properties/replication_monitor.h"

namespace tribunal {

struct PartitionWorldOptions {
    std::int32_t brokers = 3;  // 1 to 6; all of them replicas
    BrokerConfig broker;
    TopicConfig topic;
    std::string topic_name = "orders";
    ProducerConfig producer;  // acks, max.in.flight.requests.per.connection
    SmallWorldBounds bounds;
};

class PartitionWorld {
  public:
    static constexpr std::size_t kMostWrites = kMostCheckedWrites;

    enum class Sent : std::uint8_t { no, waits, acknowledged, failed, unknown };
    struct State {
        SmallWorld world;
        Shared<ReplicationMonitor> monitor;
        std::array<Sent, kMostWrites> writes{};
        std::array<std::int8_t, kMostWrites> sent_to{};  // broker
        SmallWorldBounds used;
        bool operator==(const State& o) const;
    };
    enum Kind : std::uint16_t {
        fetch_request,
        fetch_response,
        alter_partition_request,
        alter_partition_response,
        metadata_response,
        fetch_wait,
        fetch_backoff,
        alter_partition_retry,
        metadata_retry,
        heartbeat,
        session_expires,
        isr_check,
        checkpoint,
        produce_time_out,
        preferred_election,
        write,
        kill,
        power_loss,
        restart,
        break_connection,
        kKinds,
    };

    // Throws CheckFailure when the cluster does not come up (it is booted by the real code).
    explicit PartitionWorld(PartitionWorldOptions options);

    template <class Emit>
    void initial_states(Emit&& emit) const {
        emit(State{initial_});
    }
    template <class Emit>
    void successors(const State& s, Emit&& emit) const {
        std::vector<Action> actions;
        enabled(s, actions);
        for (const Action a : actions) emit(a, next(s, a));
    }
    // The enabled steps, always in the same order; and one of them taken.
    void enabled(const State& s, std::vector<Action>& actions) const;
    State next(const State& s, Action a) const;

    Digest128 digest(const State& s) const;
    std::span<const std::string_view> action_names() const;
    std::span<const PropertySpec> properties() const { return properties_; }
    std::uint64_t predicates(const State& s) const;
    Footprint footprint(const State& s, Action a) const;
    std::string describe(const State& s, Action a) const;
    StateText show(const State& s) const;

    // A step as scenario files name it, unique among the enabled ones: "fetch response 1 -> 2".
    std::string step_name(const State& s, Action a) const;

    const PartitionWorldOptions& options() const { return options_; }
    TopicPartition partition() const { return {TopicId{0}, 0}; }
    NodeId controller() const { return NodeId{100}; }

  private:
    void boot();
    void enabled_timers(const State& s, std::vector<Action>& actions) const;
    void enabled_faults(const State& s, std::vector<Action>& actions) const;
    void join(State& s, NodeId id, SmallNotes& notes) const;
    void settle(State& s, const SmallNotes& notes) const;
    const ClusterImage& image(const State& s) const;

    PartitionWorldOptions options_;
    SmallWorld::Options network_;
    std::vector<RecordBatch> batches_;  // one a write
    std::vector<PropertySpec> properties_;
    std::vector<std::string> property_names_;
    State initial_;
};

}  // namespace tribunal
