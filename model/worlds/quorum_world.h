// The second small world: the voters of a KRaft quorum (broker/raft), real code, and whatever may
// happen to them: every order of deliveries, time-outs, appends, kills, power losses and broken
// connections within the bounds. The properties are those of properties/quorum_monitor.h.
//
// It begins when node 1 has been elected in epoch 1 and everybody knows it. An observer, if there
// is one, is the highest node.
//
// What is left out, so that there is an end to it, and why nothing is missed by it:
//   - Elections begin only while they lead to an epoch within `epochs`. A time-out may come at any
//     time, whether the leader is well or not.
//   - A synced write is on the platter in the step that made it: nothing leaves the node before, so
//     that a crash in between is one whose messages were lost.
//   - A timer whose firing could change nothing (a retry towards a node that is down, a long poll
//     without news, a leader telling those who know) does not fire. A request times out by its
//     connection's breaking only.
//   - A fetch brings one batch: whoever gets several at once could have got them one by one.
//   - A connection breaks only while a message is in flight on it, for both ends at once.
//   - Clients are a script: records are appended to any node that believes it may act as the
//     active controller; voters are added and removed there. Fixed voters become dynamic ones
//     first, once they have told of themselves (KAFKA-16538), which they do at any time and only
//     then.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/model.h"
#include "model/worlds/bounds.h"
#include "model/worlds/small_world.h"
#include "properties/quorum_monitor.h"

namespace tribunal {

// A node of nothing but the quorum.
struct QuorumNode {
    Raft raft;
    TRIBUNAL_FIELDS(QuorumNode, raft)
};
inline NodeId id_of(const QuorumNode& node) { return node.raft.self.id; }
void step(QuorumNode& node, const Input& input, Outbox& out);
QuorumNode restart(const QuorumNode& node);

// A write of the log, or of the quorum-state file, and how to undo it.
struct QuorumUnsynced {
    std::optional<QuorumState> state;
    Offset log_end_before;
    std::vector<RaftRecord> dropped;
    TRIBUNAL_FIELDS(QuorumUnsynced, state, log_end_before, dropped)
};
template <>
struct SmallNode<QuorumNode> {
    using Unsynced = QuorumUnsynced;
    static constexpr bool kKnowsItsStarts = false;
    static void remember(const QuorumNode& node, WriteOp& op, std::vector<Unsynced>& unsynced);
    static void sync(const WriteOp& op, std::vector<Unsynced>& unsynced);
    static void lose_writes(QuorumNode& node, std::span<Unsynced> lost);
};
extern template class Shared<SmallHostOf<QuorumNode>>;
extern template class SmallWorldOf<QuorumNode>;

struct QuorumWorldOptions {
    std::int32_t voters = 3;     // nodes 1 to voters
    std::int32_t observers = 0;  // controllers that are no voters yet; 0 or 1
    RaftConfig config;
    PlantedBug planted_bug = PlantedBug::none;
    QuorumBounds bounds;
};

class QuorumWorld {
  public:
    using World = SmallWorldOf<QuorumNode>;
    struct State {
        World world;
        Shared<QuorumMonitor> monitor;
        QuorumBounds used{.appends = 0, .epochs = 0};
        bool operator==(const State& o) const;
    };
    enum Kind : std::uint16_t {
        request,
        response,
        fetch_timeout,
        election_timeout,
        backoff_over,
        check_quorum,
        begin_epoch,
        retry,
        fetch_wait,
        append,
        add_voter,
        remove_voter,
        snapshot,
        kill,
        power_loss,
        restart_node,
        break_connection,
        tell_voter,
        upgrade_version,
        kKinds,
    };

    // Throws CheckFailure when the quorum does not come up (it is booted by the real code).
    explicit QuorumWorld(QuorumWorldOptions options);

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

    // A step as scenario files name it, unique among the enabled ones: "vote request 2 -> 1".
    std::string step_name(const State& s, Action a) const;

    const QuorumWorldOptions& options() const { return options_; }

  private:
    void boot();
    void enabled_timers(const State& s, std::vector<Action>& actions) const;
    void enabled_script(const State& s, std::vector<Action>& actions) const;
    void enabled_faults(const State& s, std::vector<Action>& actions) const;
    // The monitor looks at the nodes that differ from those before.
    void observe(State& s, const World& before) const;
    std::int32_t nodes() const { return options_.voters + options_.observers; }
    const Raft& raft(const State& s, NodeId id) const { return s.world.host(id).node.raft; }

    QuorumWorldOptions options_;
    World::Options network_;
    std::vector<PropertySpec> properties_;
    State initial_;
};

}  // namespace tribunal
