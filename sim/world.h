// The deterministic world: machines, disks, links, clocks and the events between them, as one
// value. Copy it, step both copies with equal choices, and they agree. Time moves only in step().
//
//   world.cc    the event loop: step, deliver, timers      host.cc    carries out effects
//   network.cc  TCP-like connections over faulty links     disk.cc    page cache and platter
//   inject.cc   faults and the ledger                      targets.cc whom a fault hits
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "broker/base/check.h"
#include "broker/node/node.h"
#include "sim/choices.h"
#include "sim/event_queue.h"
#include "sim/faults.h"
#include "sim/options.h"
#include "sim/slab.h"

namespace tribunal {

enum class EventKind : std::uint32_t {
    deliver,     // payload: slot of the message
    timer,       // payload: TimerId
    write_done,  // payload: slot of the sync
    start,       // the process is up; payload: which start it is
    closed,      // a connection ended; payload: slot of the notice
    fault,       // payload: index of the fault specification
    fault_ends,  // payload: index of the active fault
    stop,        // SIGTERM; payload: the start of the process that it is for
};
inline constexpr std::size_t kEventKinds = 8;

// --- disk ---------------------------------------------------------------------------------------

// How to undo a write of the quorum's files.
using MetadataUndo = std::variant<MetadataWrite, MetadataSnapshotWrite, QuorumStateWrite>;

// An append to a file (or, of the quorum's files, any change) that is in the page cache and perhaps
// not on the platter.
struct UnsyncedWrite {
    Instant at;
    Offset log_end_before;
    std::optional<Shared<MetadataUndo>> metadata;  // of the quorum's files
    TRIBUNAL_FIELDS(UnsyncedWrite, at, log_end_before, metadata)
};
struct DiskFile {
    std::vector<UnsyncedWrite> writes;  // oldest first, from `first` on
    std::uint64_t written = 0;          // writes ever made; the last is number `written`
    TRIBUNAL_FIELDS(DiskFile, writes, written)
};
// The metadata log and its snapshots are a file like a partition's, and so is quorum-state.
inline constexpr TopicPartition kMetadataFile{TopicId{-2}, 0};
inline constexpr TopicPartition kQuorumStateFile{TopicId{-2}, 1};

struct Disk {
    FlatMap<TopicPartition, DiskFile> files;
    Instant busy_until;     // one fsync after another
    std::int32_t full = 0;  // how many faults say so
    std::int32_t broken = 0;
    Duration extra_latency;
    TRIBUNAL_FIELDS(Disk, files, busy_until, full, broken, extra_latency)
};

// --- hosts --------------------------------------------------------------------------------------

enum class Power : std::uint8_t { up, process_down, off };

struct HostTimer {
    Instant deadline = kNever;  // kNever: not armed
    Instant queued = kNever;    // when the queue will ask about it
    TRIBUNAL_FIELDS(HostTimer, deadline, queued)
};

struct Host {
    Node node;
    std::string name;  // "broker 1", "p1"
    Power power = Power::off;
    bool started = false;                           // the process has had its Start
    bool stopping = false;                          // it was asked to end
    std::optional<Shared<Software>> next_software;  // what it runs from the next start on
    std::uint32_t starts = 0;
    std::int32_t paused = 0;  // how many faults say so
    std::vector<Event> held;  // what happened while it was paused
    FlatMap<TimerId, HostTimer> timers;
    Disk disk;
    Duration clock_offset;
    std::int64_t clock_ppm = 0;
    Instant drift_since;  // offset holds what drifted before
    TRIBUNAL_FIELDS(Host, node, name, power, started, stopping, next_software, starts, paused, held,
                    timers, disk, clock_offset, clock_ppm, drift_since)
};
void fold(Digest& d, const Event& event);
extern template class Shared<Host>;

// --- network ------------------------------------------------------------------------------------

struct Link {  // one direction between two machines
    std::int32_t cuts = 0;
    std::int32_t jams = 0;
    Duration extra_latency;
    TRIBUNAL_FIELDS(Link, cuts, jams, extra_latency)
};

// One direction of a connection: arrivals keep their order.
struct Stream {
    Instant last_arrival;
    std::uint32_t sent = 0;     // messages
    std::uint32_t arrived = 0;  // the next one to arrive has this place
    TRIBUNAL_FIELDS(Stream, last_arrival, sent, arrived)
};
struct Connection {
    std::uint32_t incarnation = 0;
    bool established = false;
    bool open = false;          // the client believes so
    bool server_knows = false;  // the server has had a message of this incarnation
    Stream to_server;
    Stream to_client;
    TRIBUNAL_FIELDS(Connection, incarnation, established, open, server_knows, to_server, to_client)
};

struct MessageInFlight {
    std::uint32_t incarnation = 0;
    std::uint32_t place = 0;  // in its stream, from 0
    Instant sent;
    Instant departs;  // not before: the writes of the step that sent it come first
    Deliver deliver;
};
void fold(Digest& d, const MessageInFlight& m);
// The key that has this packed().
constexpr ConnectionKey connection_key(std::uint64_t packed) {
    return {NodeId{static_cast<std::int32_t>(packed >> 32 & 0xffffff)},
            NodeId{static_cast<std::int32_t>(packed >> 8 & 0xffffff)},
            static_cast<Lane>(packed & 0xff)};
}
constexpr bool is_between(ConnectionKey key, NodeId a, NodeId b) {
    return (key.client == a && key.server == b) || (key.client == b && key.server == a);
}
// Which stream: a ConnectionKey's bits, and the direction.
constexpr std::uint64_t stream_key(ConnectionKey key, bool to_server) {
    return key.packed() | (to_server ? 1ull << 63 : 0);
}
struct CloseNotice {
    ConnectionKey connection;
    std::uint32_t incarnation = 0;
    NodeId to;
    bool at_server = false;              // that end is told
    bool only_if_unestablished = false;  // the time-out of connecting
    TRIBUNAL_FIELDS(CloseNotice, connection, incarnation, to, at_server, only_if_unestablished)
};
struct PendingSync {
    std::uint32_t starts = 0;  // of the host: a sync of an earlier life is void
    TopicPartition file;
    std::uint64_t written = 0;  // writes up to this number become durable
    std::uint64_t token = 0;
    TRIBUNAL_FIELDS(PendingSync, starts, file, written, token)
};

// --- faults -------------------------------------------------------------------------------------

// A fault that lasts, with whom it hit: what must be undone when it ends.
struct ActiveFault {
    std::uint32_t spec = 0;
    std::vector<NodeId> nodes;
    std::vector<NodeId> peers;
    bool over = false;
    TRIBUNAL_FIELDS(ActiveFault, spec, nodes, peers, over)
};

// --- the world ----------------------------------------------------------------------------------

struct WorldOptions;

class World;

// Sees every step and fault; changes nothing. The monitors and recorders are observers.
class Observer {
  public:
    virtual ~Observer() = default;
    // A node took an input; `out` is what it wanted and noted.
    virtual void on_step(const World& world, const Host& host, const Input& input,
                         const Outbox& out) = 0;
    virtual void on_message_sent(const World&, std::uint32_t /*slot*/, const MessageInFlight&,
                                 NodeId /*from*/, NodeId /*to*/) {}
    virtual void on_message_received(const World&, std::uint32_t /*slot*/, const MessageInFlight&,
                                     bool /*lost*/) {}
    // A process ended, with or without losing unsynced data; its partitions are as the disk has
    // them.
    virtual void on_crash(const World&, const Host&, FaultKind) {}
    virtual void on_fault(const World&, const LedgerEntry&) {}
};

class World {
  public:
    WorldOptions options;
    std::vector<FaultSpec> faults;
    std::vector<Shared<Host>> hosts;  // by index; see index_of
    std::vector<NodeId> ids;          // index -> node id, ascending
    std::vector<LedgerEntry> ledger;

    // Adds a node that starts at `at`. Ids must come in ascending order.
    void add(Node node, std::string name, Instant at);
    // Arms the faults; call once, after every node was added.
    void schedule_faults();

    Instant now() const { return now_; }
    std::uint64_t events() const { return events_; }
    std::uint64_t messages() const { return messages_; }
    bool idle() const { return queue_.empty(); }
    Instant next_time() const { return queue_.empty() ? kNever : queue_.next_time(); }

    // Takes the next event. False when nothing is left or the next one is after `until` (then time
    // stands at `until`).
    bool step(Chooser& chooser, Observer* observer, Instant until = kNever);

    // The second phase: links heal, disks work, clocks are set, the paused go on, the dead start
    // again; no more faults; the workloads stop.
    void heal(Chooser& chooser, Observer* observer);

    std::size_t index_of(NodeId id) const;
    const Host& host(NodeId id) const { return *hosts[index_of(id)]; }
    // The active controller; when there is none, whoever has the most of the metadata log.
    const Controller& controller() const;
    // Its image.
    const ClusterImage& image() const;

    // Everything that can influence the future; not the trace.
    Digest128 digest() const;
    // Of all that happened so far.
    Digest128 trace_hash() const { return trace_.value(); }
    std::string describe(const Event& event) const;
    std::size_t pending_events() const { return queue_.size(); }
    bool marks = false;  // ask nodes for RoleMarks

    // A wall clock in milliseconds since 1970, as the node's records get it.
    Timestamp wall_clock(const Host& host) const;

  private:
    friend class WorldTest;
    // world.cc
    void run_step(std::size_t index, const Input& input, Chooser& chooser, Observer* observer);
    void on_deliver(const Event& event, Chooser& chooser, Observer* observer);
    void on_timer(const Event& event, Chooser& chooser, Observer* observer);
    void on_write_done(const Event& event, Chooser& chooser, Observer* observer);
    void on_start(const Event& event, Chooser& chooser, Observer* observer);
    void on_closed(const Event& event, Chooser& chooser, Observer* observer);
    void on_stop(const Event& event, Chooser& chooser, Observer* observer);
    // host.cc
    void carry_out(std::size_t index, Outbox& out, Chooser& chooser, Observer* observer);
    void arm(Host& host, std::size_t index, const Arm& arm, Chooser& chooser);
    Duration local(const Host& host, Duration d) const;
    void start_process(std::size_t index, Instant at);
    void end_process(std::size_t index, FaultKind how, Chooser& chooser, Observer* observer);
    void pause(std::size_t index);
    void resume(std::size_t index);
    // network.cc
    void send(NodeId from, Instant departs, Send&& send, Chooser& chooser, Observer* observer);
    void transmit(std::uint32_t slot, Stream& stream, Instant departs, int trips, Chooser& chooser);
    bool is_blocked(NodeId from, NodeId to) const;
    void close(ConnectionKey key, NodeId by, Chooser& chooser);
    void notify_closed(ConnectionKey key, const Connection& connection, bool at_server, Instant at);
    // socket.connection.setup.timeout.ms runs for a connection that nobody answers.
    void give_up_connecting(ConnectionKey key, const Connection& connection);
    void close_all(NodeId node, bool tell, Chooser& chooser);
    void release_held(NodeId a, NodeId b, Chooser& chooser);
    bool takes_its_turn(std::uint32_t slot, Stream& stream);
    // The connection is no more, and nobody will get what links have kept of it.
    void forget(ConnectionKey key);
    Duration latency(const LatencyModel& model, ChoiceKind kind, std::uint32_t stream,
                     Chooser& chooser);
    Link& edit_link(NodeId from, NodeId to);
    const Link& link(NodeId from, NodeId to) const;
    // disk.cc
    bool write(Host& host, std::size_t index, Write& write, Instant& at, Chooser& chooser);
    void age(DiskFile& file);
    std::string lose_unsynced(Host& host, std::size_t index, const FaultSpec& spec,
                              Chooser& chooser);
    // inject.cc
    void on_fault(const Event& event, Chooser& chooser, Observer* observer);
    void on_fault_ends(const Event& event, Chooser& chooser, Observer* observer);
    void inject(std::uint32_t spec, Chooser& chooser, Observer* observer);
    void undo(ActiveFault& fault, Chooser& chooser, Observer* observer);
    bool is_ending(const ActiveFault& fault) const;
    void apply_link_fault(const FaultSpec& spec, const std::vector<NodeId>& nodes,
                          const std::vector<NodeId>& peers, int sign, Chooser& chooser);
    std::string crash(std::size_t index, const FaultSpec& spec, Chooser& chooser,
                      Observer* observer);
    void record(LedgerEntry entry, Observer* observer);
    // targets.cc
    std::vector<NodeId> resolve(const Target& target, Chooser& chooser) const;

    Instant now_;
    std::uint64_t events_ = 0;
    std::uint64_t messages_ = 0;
    EventQueue queue_;
    FlatMap<std::uint64_t, Connection> connections_;  // by ConnectionKey::packed
    // Messages that a cut or jammed link keeps, or that have overtaken one before them there; by
    // stream_key, and never empty.
    FlatMap<std::uint64_t, std::vector<std::uint32_t>> held_;
    Shared<std::vector<Link>> links_;  // from * hosts + to; only faults change them
    std::uint32_t next_incarnation_ = 1;
    Slab<Shared<MessageInFlight>> in_flight_;  // copies of the world share what is under way
    Spares<MessageInFlight> delivered_;
    Slab<CloseNotice> notices_;
    Slab<PendingSync> syncs_;
    std::vector<ActiveFault> active_faults_;
    // Set up by add() and never changed by a step, so copies share it.
    struct Directory {
        std::vector<std::int32_t> index_by_id;  // -1: nobody
        std::vector<std::size_t> controllers;   // their hosts, by index
    };
    Shared<Directory> directory_;
    bool healed_ = false;
    Digest trace_;
    Outbox outbox_;  // reused between steps; empty between them
};

inline std::size_t World::index_of(NodeId id) const {
    const std::vector<std::int32_t>& index_by_id = directory_->index_by_id;
    CHECK(id.value >= 0 && static_cast<std::size_t>(id.value) < index_by_id.size());
    const std::int32_t index = index_by_id[static_cast<std::size_t>(id.value)];
    CHECK(index >= 0);
    return static_cast<std::size_t>(index);
}

}  // namespace tribunal
