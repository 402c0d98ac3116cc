// From voter to active controller and back (QuorumController.handleCommit, handleLeaderChange,
// claim, renounce): a controller acts from the commit of its own epoch's first record until the
// quorum has, or may have, another leader.
#include <algorithm>

#include "broker/base/check.h"
#include "broker/controller/controller.h"

namespace tribunal {
namespace {

// A response of the same kind that says only that it comes from the wrong controller.
Message refusal_of(const Message& response) {
    return response.visit([]<class Response>(const Response&) -> Message {
        Response refusal;
        if constexpr (requires { refusal.error; }) {
            refusal.error = ErrorCode::not_controller;
        } else {
            CHECK(!"a response that a controller never gives");
        }
        return refusal;
    });
}

// False: a record does not fit.
bool load_snapshot(Controller& c) {
    CHECK(c.raft.log.snapshot.has_value());
    const MetadataSnapshot& snapshot = **c.raft.log.snapshot;
    c.image = ClusterImage{};
    for (const MetadataRecord& record : snapshot.records) {
        if (replay(c.image, record) != nullptr) return false;
    }
    c.image_offset = snapshot.id.end_offset;
    c.unsnapped_bytes = 0;
    return true;
}

// Replays up to `end`; a controller that was left behind starts again from the snapshot. False: a
// record does not fit, and the image ends before it.
bool replay_to(Controller& c, Offset end) {
    if (c.image_offset >= end) return true;
    if (c.image_offset < c.raft.log.start_offset && !load_snapshot(c)) return false;
    bool fits = true;
    c.raft.log.for_each(c.image_offset, end, [&](Offset offset, const RaftRecord& r) {
        const MetadataRecord* record = r.metadata();
        if (!fits || record == nullptr) return;
        if (replay(c.image, *record) != nullptr) {
            fits = false;
            c.image_offset = offset;
            return;
        }
        c.unsnapped_bytes += size_in_bytes(*record);
    });
    if (fits) c.image_offset = std::max(c.image_offset, end);
    return fits;
}

// The log may still say what this controller decided, or never will: whoever waits has to ask the
// next one. What was decided and is not committed is forgotten. False: see replay_to().
bool renounce(Controller& c, Outbox& out) {
    for (const DeferredResponse& d : c.deferred) {
        out.respond(d.connection, d.correlation, refusal_of(*d.response));
    }
    c.deferred.clear();
    for (const NodeId broker : c.heartbeats.sessions) {
        out.disarm(timer(TimerKind::broker_session, static_cast<std::uint64_t>(broker.value)));
    }
    out.disarm(timer(TimerKind::leader_balance));
    out.disarm(timer(TimerKind::unclean_leader));
    c.heartbeats = {};
    c.active.reset();
    c.image = ClusterImage{};
    c.image_offset = Offset{0};
    c.unsnapped_bytes = 0;
    return replay_to(c, c.committed());
}

// The periodic tasks of an active controller.
void arm_tasks(const Controller& c, Outbox& out) {
    if (c.config.auto_leader_rebalance_enable) {
        out.arm(timer(TimerKind::leader_balance), c.config.leader_imbalance_check_interval);
    }
    if (c.config.unclean_leader_election_interval < kForever) {
        out.arm(timer(TimerKind::unclean_leader), c.config.unclean_leader_election_interval);
    }
}

// The leader that raised kraft.version may have been cut off between the quorum's records and the
// feature's (KAFKA-16538). Kafka has no second one: it asks the quorum.
std::vector<MetadataRecord> decide_raised_version(const Controller& c) {
    const std::int16_t version = kraft_version_of(c.raft);
    if (c.raft.config->reconfiguration || version <= c.image.features.kraft_version) return {};
    return {FeatureLevelRecord{Feature::kraft_version, version}};
}

// Nobody else appends, so the log's end is what will be committed next. False: see replay_to().
bool claim(Controller& c, LeaderEpoch epoch, Outbox& out) {
    if (!replay_to(c, c.raft.log.end_offset)) return false;
    c.active = epoch;
    c.heartbeats = initial_heartbeats(c.image);
    for (const NodeId broker : c.heartbeats.sessions) arm_session(c, broker, out);
    append(c, decide_activation(c.view()), out);
    append(c, decide_raised_version(c), out);
    arm_tasks(c, out);
    return true;
}

// Whether this is the active controller, and what it has replayed. False: see replay_to().
bool follow_leader(Controller& c, Outbox& out) {
    const std::optional<LeaderEpoch> epoch = active_epoch(c.raft);
    const bool clings = c.config.planted_bug == PlantedBug::zombie_controller;
    if (c.active && epoch != c.active && !clings && !renounce(c, out)) return false;
    if (c.active) return true;
    const bool hasty = c.config.planted_bug == PlantedBug::standby_replays_uncommitted;
    if (!replay_to(c, hasty ? c.raft.log.end_offset : c.committed())) return false;
    return !epoch || claim(c, *epoch, out);
}

// Fetches wait at a leader, also before it knows what is committed.
void release_fetches(Controller& c, Outbox& out) {
    if (c.waiting.empty()) return;
    const bool serves = c.raft.leader() != nullptr || c.active.has_value();
    std::erase_if(c.waiting, [&](const WaitingFetch& w) {
        if (serves && w.fetch_offset >= c.committed()) return false;
        out.disarm(timer(TimerKind::metadata_wait, w.connection.packed()));
        if (serves) {
            serve_fetch(c, w, out);
        } else {
            refuse_fetch(c, w, out);
        }
        return true;
    });
}

void release_responses(Controller& c, Outbox& out) {
    std::size_t released = 0;
    for (; released < c.deferred.size() && c.deferred[released].offset <= c.committed();
         ++released) {
        DeferredResponse& d = c.deferred[released];
        out.respond(d.connection, d.correlation, *d.response);
    }
    c.deferred.erase(c.deferred.begin(),
                     c.deferred.begin() + static_cast<std::ptrdiff_t>(released));
}

}  // namespace

void append(Controller& c, std::vector<MetadataRecord> records, Outbox& out) {
    if (records.empty()) return;
    CHECK(c.active.has_value());
    for (const MetadataRecord& record : records) {
        CHECK(replay(c.image, record) == nullptr);  // decided by this very image
        c.unsnapped_bytes += size_in_bytes(record);
    }
    const std::optional<Offset> end = raft_append(c.raft, *c.active, std::move(records), out);
    if (!end) {
        CHECK(c.config.planted_bug == PlantedBug::zombie_controller);
        return;
    }
    c.image_offset = *end;
}

void follow_quorum(Controller& c, Offset committed_before, Outbox& out) {
    if (!follow_leader(c, out)) {
        out.effects.emplace_back(kCannotReplay);
        if (c.committed() != committed_before) out.notes.emplace_back(ImageChanged{c.committed()});
        return;
    }
    if (c.active) release_responses(c, out);
    release_fetches(c, out);
    if (c.committed() == committed_before) return;
    out.notes.emplace_back(ImageChanged{c.committed()});
    arm_snapshot_if_due(c, out);
}

std::optional<ClusterImage> committed_image(const Controller& c) {
    if (c.image_offset == c.committed()) return c.image;
    Controller other;
    other.raft.log = c.raft.log;
    if (!replay_to(other, c.committed())) return std::nullopt;
    return std::move(other.image);
}

}  // namespace tribunal
