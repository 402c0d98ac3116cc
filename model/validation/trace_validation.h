// Trace validation: whether what the real brokers did is a behaviour of the published
// KafkaReplication specification of their edition (KIP-320, or an older one).
//
// The method is the usual one for implementations and TLA+ specifications: after every step of the
// partition world the validator keeps all abstract states that agree with what was observed so far.
// A real step is explained by any number of abstract actions, none included (a stutter); when no
// explanation is left, the step is a mismatch. Observed are the controller's log (quorumState,
// leaderAndIsrRequests, nextLeaderEpoch), every replica's log, high watermark, epoch and role, a
// leader's ISR, and what is in flight to a follower.
//
// How a real state relates to an abstract one. Everything is equal but for this:
//   Epochs. The specification's controller shrinks and elects in two epochs where the real one
//     writes one record, and has a new epoch where the real one only takes a follower out of the
//     ISR. So every partition epoch that the controller wrote on its own has its abstract leader
//     epoch, several of which may be one real leader epoch; AlterPartition has none, as in the
//     specification. A leader is in the abstract epoch of the last record that it knows. A follower
//     does not see epochs inside a real one: it is in its leader's, also when it has died since.
//   A follower that has yet to learn where to truncate is, abstractly, still what it was before. It
//     becomes a follower when the leader answers it (KIP-101 and later) or when it truncates.
//   In flight. A fetch happens when the leader answers. So a follower's log is the real one, or
//     already the one that it will have when the answer arrives; likewise with truncation. Which of
//     them, only the arrival or loss of the answer tells: both are kept until then.
//   A follower with an empty log asks nobody where to truncate, so under KIP-320 it is only seen
//     to follow when the leader, in the same epoch, has first to do with it.
//   A leader's ISR is the specification's as soon as the controller has committed it: then the real
//     leader has it as its proposal. Of a process that is down only the log is compared.
//
// Where Kafka and the specification differ, the validator has a step of its own: see TraceExtra.
// Each is as narrow as its reason, is taken only where no published action does it, and is counted.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "model/specs/kafka_replication.h"
#include "model/validation/trace_observation.h"
#include "model/worlds/partition_world.h"

namespace tribunal {

// Steps of Kafka that the published specifications lack.
enum class TraceExtra : std::uint8_t {
    // A process that starts again has its log, the checkpointed high watermark, and no role. The
    // specifications have no crashes.
    restart,
    // A fetch that brings no record brings the high watermark. In the specifications only a fetch
    // with a record does, so no in-sync follower ever knows its last record to be committed.
    fetch_without_record,
    // A fetch with a record leaves the follower's high watermark where it is when the leader's is
    // lower. In the specifications it goes down, as it once did (a leader that has just been
    // elected may know less than a deposed one).
    keep_high_watermark,
    // The leader takes a follower out of the ISR that had not fetched its log end when the leader
    // asked (AlterPartition). In the specifications it looks into the follower's log at commit.
    shrink_as_asked,
    // Before KIP-320 a leader cannot tell that a fetch is of an earlier epoch of its own, and asks
    // to let the follower in. By the time of the commit that may follow the leader in between.
    expand_as_asked,
    // KIP-320's leader lets nobody join before its high watermark has reached its epoch. Kafka
    // wants that of the follower's log end instead (KAFKA-7128): the high watermark may wait for
    // another one.
    expand_at_epoch_start,
    // The leader counts what a member of its ISR had fetched before it went on to another epoch or
    // started again. In the specifications it looks at what the follower is now.
    count_acknowledged,
    // Under KIP-101 the leader answers with the start of its own epoch when it has no later record.
    // In the specification there is no such answer: the follower truncates to its high watermark.
    truncate_to_epoch_start,
    // Before KIP-320 a follower may find itself beyond the leader's log end (OFFSET_OUT_OF_RANGE);
    // it truncates to that. In the specifications it then waits for the leader to write more.
    truncate_out_of_range,
    kExtras,
};
std::string_view name_of(TraceExtra extra);

// How often each step was taken by one explanation that was consistent to the end.
struct TraceCoverage {
    static constexpr std::size_t kActions = 10;  // KafkaReplicationStep
    static constexpr auto kExtras = static_cast<std::size_t>(TraceExtra::kExtras);
    std::array<std::uint32_t, kActions> actions{};
    std::array<std::uint32_t, kExtras> extras{};
    bool operator==(const TraceCoverage&) const = default;
};
TraceCoverage& operator+=(TraceCoverage& sum, const TraceCoverage& more);

// A partition world together with all explanations of how it came to be where it is. It is a model
// itself: its one property says that an explanation is left, so searching it validates every
// behaviour within the bounds and shows the shortest one that is none of the specification's.
class TracedPartitionWorld {
  public:
    using Specification = KafkaReplication<KafkaReplicationLayout::kMaxWords>;
    struct Explanation {
        Specification::State state;
        TraceCoverage taken;  // no part of its identity
        bool operator==(const Explanation& o) const { return state == o.state; }
    };
    struct State {
        PartitionWorld::State world;
        Shared<TraceHistory> history;
        Shared<std::vector<Explanation>> explanations;  // ascending
        bool operator==(const State& o) const;
    };

    // Throws std::invalid_argument when the specification's state does not fit its words.
    TracedPartitionWorld(const PartitionWorld& world, const KafkaReplicationRules& rules);

    template <class Emit>
    void initial_states(Emit&& emit) const {
        emit(State{initial_});
    }
    template <class Emit>
    void successors(const State& s, Emit&& emit) const {
        if (s.explanations->empty()) return;
        std::vector<Action> actions;
        world_->enabled(s.world, actions);
        for (const Action a : actions) emit(a, next(s, a));
    }
    // why: where given, set when no explanation is left.
    State next(const State& s, Action a, std::string* why = nullptr) const;

    Digest128 digest(const State& s) const;
    std::span<const std::string_view> action_names() const { return world_->action_names(); }
    std::span<const PropertySpec> properties() const;
    std::uint64_t predicates(const State& s) const { return s.explanations->empty() ? 0 : 1; }
    std::string describe(const State& s, Action a) const { return world_->describe(s.world, a); }
    StateText show(const State& s) const;

    const PartitionWorld& world() const { return *world_; }
    const Specification& specification() const { return specification_; }

  private:
    State explain(PartitionWorld::State after, TraceHistory history, const TraceEvents& events,
                  const TraceObservation& before, std::span<const Explanation> explanations,
                  std::string* why) const;

    const PartitionWorld* world_;
    KafkaReplicationRules rules_;
    KafkaReplicationLayout at_;
    Specification specification_;
    State initial_;
};

struct TraceMismatch {
    std::size_t step = 0;  // index into the actions
    std::string action;
    StateText real;                   // after the step
    std::vector<StateText> abstract;  // at most three that agreed with everything before it
    std::string why;                  // what the explanation that came furthest did not match
};
std::string to_text(const TraceMismatch& mismatch);

// The specification of an edition's rule. That of KIP-101 truncates at the follower's log end where
// the published one is stuck.
KafkaReplicationRules rules_of_edition(TruncationRule rule);

// Every action must be enabled when it is its turn. Adds to `coverage` when all steps validate.
std::optional<TraceMismatch> validate_trace(const PartitionWorld& world,
                                            std::span<const Action> actions,
                                            const KafkaReplicationRules& rules,
                                            TraceCoverage* coverage = nullptr);

// A walk of at most so many steps, faults and time-outs less often than the rest.
std::vector<Action> random_trace(const PartitionWorld& world, std::uint64_t seed,
                                 std::size_t most_steps);

}  // namespace tribunal
