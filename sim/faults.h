// The closed list of faults, and whom they hit. A fault that cannot happen to a real cluster is
// not here (Kafka speaks TCP: no byte is dropped, doubled or reordered inside a connection).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/base/digest.h"
#include "broker/base/shared.h"
#include "broker/base/strong.h"
#include "broker/protocol/config.h"
#include "broker/protocol/ids.h"

namespace tribunal {

enum class FaultKind : std::uint8_t {
    kill,        // the process dies; the page cache survives
    power_loss,  // the machine dies; any prefix of the unsynced writes of each file survives
    restart,     // starts a dead node again (a running one: kill first)
    stop,        // asks the process to end in good order (SIGTERM): nothing is lost
    upgrade,     // the same, then the node starts with other software
    wipe,        // the machine dies and comes back, on restart, with an empty disk
    pause,       // the process stops running (GC, VM migration); sockets stay open
    resume,
    isolate,       // cut `target` from `peer` (all nodes when none is named)
    cut,           // cut the links between `target` and `peer`
    heal_link,     // undo isolate and cut between `target` and `peer`
    slow_link,     // adds `amount` to every latency between `target` and `peer`
    jam,           // holds everything between them, then lets it go in one burst
    reset,         // breaks the open connections between them (RST)
    slow_disk,     // adds `amount` to every disk operation
    full_disk,     // writes fail: ENOSPC
    disk_error,    // writes fail: EIO
    clock_offset,  // moves the node's wall clock by `amount`
    clock_drift,   // the node's clock runs `ppm` parts per million fast
};
std::string_view name_of(FaultKind kind);

// How a fault names whom it hits; resolved at the instant of the fault.
enum class TargetKind : std::uint8_t {
    none,
    node,         // broker(2), controller(100), client(p1): one node by id
    leader,       // leader(orders-0)
    followers,    // followers(orders-0): all replicas but the leader
    follower,     // follower(orders-0): one of them, a choice
    replicas,     // replicas(orders-0): all
    isr,          // isr(orders-0): the members of the in-sync set
    out_of_sync,  // out_of_sync(orders-0): the replicas outside of it
    controller,   // controller: the active one, or the last one that was
    controllers,  // controllers: all voters
    coordinator,  // coordinator(billing): of a consumer group
    crashed,      // crashed: every node that is down
    rack,         // rack(a): the brokers of a rack
    any_broker,   // any broker: one that is up, a choice
    brokers,      // brokers: all
    clients,      // clients: all
};
std::string_view name_of(TargetKind kind);

struct Target {
    TargetKind kind = TargetKind::none;
    NodeId node = kNoNode;
    std::string topic;  // or the group, or the rack
    std::int32_t partition = 0;
    TRIBUNAL_FIELDS(Target, kind, node, topic, partition)
};

enum class Direction : std::uint8_t { both, from_target, to_target };

// What an upgrade puts in place of what a node has run so far.
struct Software {
    std::string name;  // "4.1", for people
    BrokerConfig config;
    TRIBUNAL_FIELDS(Software, name, config)
};

struct FaultSpec {
    FaultKind kind = FaultKind::kill;
    Target target;
    Target peer;  // of link faults; kind none: every other node
    Direction direction = Direction::both;
    Duration amount;  // latency or clock step
    std::int64_t ppm = 0;
    Duration lasts;  // after this the opposite happens; 0: stays
    // Either once at `at`, or drawn: from `at` to `until`, a gap of exponential mean `every` apart.
    Instant at;
    Instant until;
    Duration every;
    bool torn_tail = false;  // power loss: the first write that is not kept whole is cut in half
    // Power loss: how much of the unsynced writes survives; -1 leaves it to choice, else 0..100 %.
    std::int32_t keep_percent = -1;
    std::optional<Shared<Software>> software;  // of an upgrade
    std::string text;     // as the author wrote it, for the ledger
    std::string pointer;  // JSON pointer, for messages
    TRIBUNAL_FIELDS(FaultSpec, kind, target, peer, direction, amount, ppm, lasts, at, until, every,
                    torn_tail, keep_percent, software, text, pointer)
};

// A fault that really happened.
struct LedgerEntry {
    Instant at;
    FaultKind kind = FaultKind::kill;
    std::vector<NodeId> nodes;
    std::vector<NodeId> peers;
    std::string text;    // "power_loss leader(orders-0) = broker 2, 3 of 7 unsynced writes kept"
    bool ended = false;  // the end of a fault that lasted
    TRIBUNAL_FIELDS(LedgerEntry, at, kind, nodes, peers, text, ended)
};

}  // namespace tribunal
