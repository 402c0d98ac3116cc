// A small world: a few real nodes (`broker/`), the connections between them and nothing else. Time
// is dropped: what is in flight may arrive whenever, and an armed timer may fire whenever.
//
// The code of the templates is in small_world_steps.h, for the files that make a world of nodes of
// one kind: small_world.cc of the cluster's Node, quorum_world.cc of a quorum's.
//
// It is a value whose copies share every node and message that did not change, and it knows its
// digest piece by piece, so that a step costs what the stepped node costs. What may happen in it,
// and what must hold, is said by a world made from it (partition_world.h is the first).
#pragma once

#include <concepts>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "broker/base/flat.h"
#include "broker/base/shared.h"
#include "broker/node/node.h"

namespace tribunal {

// What a small world asks of its nodes, beside id_of(node), step(node, input, out) and
// restart(node).
template <class N>
struct SmallNode;
template <>
struct SmallNode<Node> {
    using Unsynced = Offset;  // where the log ended before an append
    // How often it was started makes a difference to it.
    static constexpr bool kKnowsItsStarts = true;
    // Makes room for a write that power may take back; nothing when it cannot.
    static void remember(const Node& node, WriteOp& op, std::vector<Unsynced>& unsynced);
    // What was written before goes to the platter with a synced write of this kind.
    static void sync(const WriteOp& op, std::vector<Unsynced>& unsynced);
    // Where a power loss leaves it: its youngest unsynced writes undone.
    static void lose_writes(Node& node, std::span<Unsynced> lost);
};

// A node and the machine it runs on.
template <class N>
struct SmallHostOf {
    N node;
    bool is_up = false;
    std::int32_t starts = 0;
    FlatSet<TimerId> timers;  // armed
    // Oldest first; only kept when power may be lost.
    std::vector<typename SmallNode<N>::Unsynced> unsynced;
    Digest128 digest;  // of all of the above
};
using SmallHost = SmallHostOf<Node>;

// Messages of one direction of a connection, in order.
struct SmallPipe {
    ConnectionKey connection;
    bool responses = false;
    std::vector<Shared<Deliver>> messages;
    std::vector<Digest128> digests;
};

// What the nodes did, for the world made from this one.
struct SmallNotes {
    bool touched = false;               // some replica changed
    bool image_changed = false;         // the controller committed something
    std::vector<Deliver> to_script;     // responses to clients that are no nodes
    std::vector<ConnectionKey> closed;  // connections that clients lost
    std::vector<NodeId> lossy;          // lost unsynced data
    std::vector<NodeId> halted;         // processes that ended themselves
};

template <class N>
class SmallWorldOf {
  public:
    using Host = SmallHostOf<N>;
    struct Options {
        bool keeps_unsynced = false;  // power may be lost
        // Whether a message arrives as soon as it is sent: a world says so of those for which a
        // later arrival could make no difference to anybody.
        bool (*arrives_at_once)(const SmallWorldOf&, const Send&) = nullptr;
        // Timers of other kinds are not even remembered.
        bool (*may_fire)(TimerKind) = nullptr;
    };

    // --- to build -------------------------------------------------------------------------------

    void add(N node);
    void start(NodeId id, const Options& options, SmallNotes& notes);

    // --- to step --------------------------------------------------------------------------------

    // The first message of the pipe arrives.
    void deliver(std::size_t pipe, const Options& options, SmallNotes& notes);
    void fire(NodeId id, TimerId timer, const Options& options, SmallNotes& notes);
    // The node does something of its own accord: act(node, out).
    template <class Act>
    void act(NodeId id, Act&& act, const Options& options, SmallNotes& notes);
    // A client that is no node sends a request.
    void send_from_script(ConnectionKey connection, std::int32_t correlation, Message message,
                          const Options& options, SmallNotes& notes);
    // The connection breaks: what is in flight on it is gone, both ends learn of it.
    void break_connection(ConnectionKey connection, const Options& options, SmallNotes& notes);
    // The process ends; its page cache stays. With `survivors`, the machine loses power and of its
    // unsynced writes only so many, the oldest, stay.
    void kill(NodeId id, std::optional<std::size_t> survivors, const Options& options,
              SmallNotes& notes);

    // --- to look at -----------------------------------------------------------------------------

    std::span<const Shared<Host>> hosts() const { return hosts_; }
    const Host& host(NodeId id) const { return *hosts_[index_of(id)]; }
    const Broker& broker(NodeId id) const
        requires std::same_as<N, Node>
    {
        return *broker_of(host(id).node);
    }
    const Controller& controller(NodeId id) const
        requires std::same_as<N, Node>
    {
        return *controller_of(host(id).node);
    }
    std::span<const SmallPipe> pipes() const { return pipes_; }
    // Those over which a request was sent and that were not closed since, in order.
    const FlatSet<ConnectionKey>& connections() const { return connections_; }
    const SmallPipe* find_pipe(ConnectionKey connection, bool responses) const;

    void fold_into(Digest& d) const;
    bool operator==(const SmallWorldOf& o) const;

  private:
    std::size_t index_of(NodeId id) const;
    bool is_node(NodeId id) const;
    void run(std::vector<std::pair<NodeId, Input>> inputs, const Options& options,
             SmallNotes& notes);
    void carry_out(NodeId self, Outbox& out, const Options& options, SmallNotes& notes,
                   std::vector<std::pair<NodeId, Input>>& inputs);
    void send(NodeId self, Send& send, const Options& options, SmallNotes& notes,
              std::vector<std::pair<NodeId, Input>>& inputs);
    void close(ConnectionKey connection, NodeId except, SmallNotes& notes,
               std::vector<std::pair<NodeId, Input>>& inputs);
    void drop_pipes(ConnectionKey connection);
    SmallPipe& pipe(ConnectionKey connection, bool responses);

    std::vector<NodeId> ids_;          // ascending
    std::vector<Shared<Host>> hosts_;  // by the same index
    std::vector<SmallPipe> pipes_;     // none is empty; by connection, requests first
    FlatSet<ConnectionKey> connections_;
};
using SmallWorld = SmallWorldOf<Node>;
extern template class SmallWorldOf<Node>;

}  // namespace tribunal
