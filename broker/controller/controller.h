// A controller (KIP-500): a voter of the KRaft quorum, and what it makes of the metadata log.
//
// The leader of the quorum is the active controller once a record of its own epoch is committed.
// decide() reads the image and returns records and a response; the records are replayed at once, so
// that the next decision sees them, and the response leaves when they are committed. A controller
// that stops leading goes back to the image of what is committed and tells everybody who waits that
// it is not the controller; the others replay what is committed, and nothing else. Brokers fetch
// from the leader, and only what is committed.
//
//   controller.cc  routing and requests    active.cc     leading: claim, append, commit, resign
//   snapshots.cc   images as records, and when they are written (KIP-630)
//
// Deviation: no NoOpRecords (metadata.max.idle.interval.ms). Kafka's show that an idle quorum still
// commits; here an idle cluster writes nothing.
// Deviation: brokers keep no copy of the metadata log and ask with a message of their own. What
// they miss without it (truncation of what was never committed) Kafka's brokers never look at; to
// be told to truncate what was committed ends them as it ends Kafka's.
#pragma once

#include <optional>
#include <vector>

#include "broker/controller/decisions.h"
#include "broker/raft/raft.h"

namespace tribunal {

// A response that waits for everything that it was decided on to be committed.
struct DeferredResponse {
    Offset offset;  // the end of that
    ConnectionKey connection;
    std::int32_t correlation = 0;
    Shared<Message> response;
    TRIBUNAL_FIELDS(DeferredResponse, offset, connection, correlation, response)
};
struct WaitingFetch {
    ConnectionKey connection;
    std::int32_t correlation = 0;
    Offset fetch_offset;
    LeaderEpoch last_epoch{0};
    TRIBUNAL_FIELDS(WaitingFetch, connection, correlation, fetch_offset, last_epoch)
};

struct Controller {
    NodeId id;
    BrokerConfig config;
    // Persisted inside: log, snapshot and quorum-state.
    Raft raft;
    // Volatile.
    std::optional<LeaderEpoch> active;  // the epoch in which this is the active controller
    ClusterImage image;                 // of the log below
    Offset image_offset{0};             // its end when active, else what is committed
    std::int64_t unsnapped_bytes = 0;   // of records below image_offset since the last snapshot
    Heartbeats heartbeats;              // of the active controller
    bool stopping = false;              // hands the quorum over, then ends
    std::vector<DeferredResponse> deferred;
    std::vector<WaitingFetch> waiting;
    TRIBUNAL_FIELDS(Controller, id, config, raft, active, image, image_offset, unsnapped_bytes,
                    heartbeats, stopping, deferred, waiting)

    ControllerView view() const { return {image, config, heartbeats, raft.log.end_offset}; }
    // What is known to be committed; a snapshot is of nothing else.
    Offset committed() const { return std::max(raft.log.start_offset, raft.high_watermark); }
};

// One of `voters`, in the state that kafka-storage format leaves it in.
Controller make_controller(NodeId id, const std::vector<NodeId>& voters,
                           const BrokerConfig& config);

void step(Controller& c, const Input& input, Outbox& out);

// What is left of a controller when its process ends: a fresh one with the same disk.
Controller restart(const Controller& c);
// Other software on the same disk. A quorum of fixed voters goes on with them (kraft.version 0),
// until it is told otherwise (KAFKA-16538).
void install(Controller& c, const BrokerConfig& config);
// What is left with an empty disk, formatted anew. The ids of its directories begin at
// kDirectoriesANode times its own.
inline constexpr std::int64_t kDirectoriesANode = 1000;
Controller wiped(const Controller& c);

// --- snapshots.cc -------------------------------------------------------------------------------

// The records that make this image out of an empty one: the content of a snapshot.
std::vector<MetadataRecord> records_of(const ClusterImage& image);
// Bytes of a record in the metadata log. Deviation: estimated, not encoded.
std::int64_t size_in_bytes(const MetadataRecord& record);

// --- between the files of this folder -----------------------------------------------------------

// Appends and replays what was decided; this controller is active.
void append(Controller& c, std::vector<MetadataRecord> records, Outbox& out);
// What the quorum made of an input: committed records, a role gained or lost.
void follow_quorum(Controller& c, Offset committed_before, Outbox& out);
void serve_fetch(const Controller& c, const WaitingFetch& fetch, Outbox& out);
void refuse_fetch(const Controller& c, const WaitingFetch& fetch, Outbox& out);
void arm_session(const Controller& c, NodeId broker, Outbox& out);
// The image of what is committed, from the snapshot on; none when the records do not fit together.
std::optional<ClusterImage> committed_image(const Controller& c);
// A record of the log does not fit what was replayed before (QuorumController's fatal fault
// handler): only a quorum that has lost committed records has such a log.
inline constexpr Halt kCannotReplay{"cannot replay a record of the metadata log"};
void arm_snapshot_if_due(const Controller& c, Outbox& out);
void on_snapshot_timer(Controller& c, Outbox& out);

}  // namespace tribunal
