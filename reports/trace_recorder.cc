#include "reports/trace_recorder.h"

#include <algorithm>

namespace tribunal {
namespace {

constexpr std::size_t kMaxMessagesASlice = 600;
constexpr Duration kThinTo = milliseconds(50);  // between points that change offsets only

std::string partition_name(const World& world, TopicPartition tp) {
    const TopicImage* topic = world.image().topic(tp.topic);
    return topic == nullptr ? std::string{} : topic->name + "-" + std::to_string(tp.partition);
}

}  // namespace

TraceRecorder::TraceRecorder(std::vector<Window> windows) : windows_(std::move(windows)) {}

bool TraceRecorder::wanted(Instant now) const {
    return std::any_of(windows_.begin(), windows_.end(),
                       [&](const Window& w) { return w.from <= now && now <= w.until; });
}

void TraceRecorder::mark(Instant at, NodeId node, std::string kind, std::string text) {
    if (wanted(at)) marks_.push_back({at, node, std::move(kind), std::move(text)});
}

void TraceRecorder::on_message_sent(const World& world, std::uint32_t slot,
                                    const MessageInFlight& message, NodeId from, NodeId to) {
    if (by_slot_.size() <= slot) by_slot_.resize(slot + 1, -1);
    by_slot_[slot] = -1;
    if (!wanted(world.now())) return;
    TraceMessage kept;
    kept.id = next_id_++;
    kept.sent = world.now();
    kept.received = kNever;
    kept.from = from;
    kept.to = to;
    kept.kind = std::string{kind_of(message.deliver.message)};
    kept.detail = tribunal::describe(message.deliver.message);
    kept.is_error = has_error(message.deliver.message);
    by_slot_[slot] = static_cast<std::int64_t>(messages_.size());
    messages_.push_back({std::move(kept), true});
}

void TraceRecorder::on_message_received(const World& world, std::uint32_t slot,
                                        const MessageInFlight&, bool lost) {
    if (slot >= by_slot_.size() || by_slot_[slot] < 0) return;
    Kept& kept = messages_[static_cast<std::size_t>(by_slot_[slot])];
    by_slot_[slot] = -1;
    if (!lost) kept.message.received = world.now();
}

void TraceRecorder::look(const World& world, const Host& host, TopicPartition tp) {
    const Broker* broker = broker_of(host.node);
    const PartitionImage* image = world.image().partition(tp);
    const TopicImage* topic = world.image().topic(tp.topic);
    if (broker == nullptr || image == nullptr || topic->name == kOffsetsTopic) return;
    const Partition* p = find_partition(*broker, tp);
    if (p == nullptr) return;
    Watched& watched = partitions_[tp];
    if (watched.name.empty()) watched.name = partition_name(world, tp);
    Replica& replica = watched.replicas[broker->id];
    ReplicaPoint point;
    point.at = world.now();
    point.log_start = p->log.log_start_offset;
    point.log_end = p->log.log_end_offset;
    point.high_watermark = p->high_watermark;
    point.leader_epoch = p->leader_epoch;
    point.is_leader = p->leader() != nullptr;
    point.in_isr = image->isr.contains(broker->id);
    point.up = host.power == Power::up && host.started;
    auto& points = replica.timeline.points;
    replica.timeline.node = broker->id;
    const bool truncated = !points.empty() && point.log_end < replica.log_end;
    if (truncated) {
        watched.truncations.push_back(
            {point.at, broker->id, replica.log_end, point.log_end, point.leader_epoch});
    }
    replica.log_end = point.log_end;
    if (!points.empty() && !truncated) {
        const ReplicaPoint& last = points.back();
        const bool same_role = last.leader_epoch == point.leader_epoch &&
                               last.is_leader == point.is_leader && last.in_isr == point.in_isr &&
                               last.up == point.up;
        if (same_role && point.at - last.at < kThinTo) return;
    }
    points.push_back(point);
}

void TraceRecorder::look_at_image(const World& world) {
    const Instant now = world.now();
    for (const auto& [id, topic] : world.image().topics) {
        if (topic->name == kOffsetsTopic) continue;
        for (std::size_t i = 0; i < topic->partitions.size(); ++i) {
            const TopicPartition tp{id, static_cast<std::int32_t>(i)};
            const PartitionImage& image = topic->partitions[i];
            Watched& watched = partitions_[tp];
            if (watched.name.empty()) watched.name = partition_name(world, tp);
            const auto track = [&](Instant& since, bool bad, const char* kind) {
                if (bad && since == kNever) since = now;
                if (!bad && since != kNever) {
                    gaps_.push_back({watched.name, kind, since, now});
                    since = kNever;
                }
            };
            track(watched.leaderless_since, image.leader == kNoNode, "no leader");
            track(watched.under_min_isr_since,
                  image.isr.size() < static_cast<std::size_t>(topic->config.min_insync_replicas),
                  "under min ISR");
            for (const NodeId node : image.replicas) look(world, world.host(node), tp);
        }
    }
}

void TraceRecorder::on_step(const World& world, const Host& host, const Input& input,
                            const Outbox& out) {
    const NodeId node = id_of(host.node);
    if (std::holds_alternative<Start>(input))
        mark(world.now(), node, "restart", host.name + " starts");
    if (std::holds_alternative<ConnectionClosed>(input)) {
        const auto& key = std::get<ConnectionClosed>(input).connection;
        const NodeId peer = key.client == node ? key.server : key.client;
        mark(world.now(), node, "closed",
             "connection with " + world.host(peer).name + " is closed");
    }
    for (const Note& note : out.notes) {
        if (const auto* touched = std::get_if<PartitionTouched>(&note)) {
            look(world, host, touched->partition);
        } else if (std::holds_alternative<ImageChanged>(note)) {
            if (controller_of(host.node) != nullptr) look_at_image(world);
        } else if (const auto* role = std::get_if<RoleMark>(&note)) {
            std::string text = partition_name(world, role->partition) + " " + role->what;
            const std::string what = role->what;
            std::string kind = "isr";
            if (what == "becomes leader") {
                kind = "leader";
                text += ", epoch " + std::to_string(role->a) + ", from " + std::to_string(role->b);
            } else if (what == "becomes follower") {
                kind = "follower";
                text += ", epoch " + std::to_string(role->a) + ", of " + std::to_string(role->b);
            } else if (what == "truncates") {
                kind = "truncate";
                text += " from " + std::to_string(role->a) + " to " + std::to_string(role->b);
            } else {
                text += " " + std::to_string(role->a);
            }
            mark(world.now(), node, kind, text);
        }
    }
}

void TraceRecorder::on_crash(const World& world, const Host& host, FaultKind how) {
    mark(world.now(), id_of(host.node), "crash", std::string{name_of(how)});
    const Broker* broker = broker_of(host.node);
    if (broker == nullptr) return;
    for (const auto& [tp, hosted] : broker->partitions) look(world, host, tp);
}

void TraceRecorder::on_fault(const World&, const LedgerEntry& entry) {
    for (const NodeId node : entry.nodes) mark(entry.at, node, "fault", entry.text);
}

void TraceRecorder::finish(const World& world) {
    look_at_image(world);
    for (auto& [tp, watched] : partitions_) {
        if (watched.leaderless_since != kNever) {
            gaps_.push_back({watched.name, "no leader", watched.leaderless_since, world.now()});
        }
        if (watched.under_min_isr_since != kNever) {
            gaps_.push_back(
                {watched.name, "under min ISR", watched.under_min_isr_since, world.now()});
        }
    }
}

std::vector<TraceSlice> TraceRecorder::slices() const {
    std::vector<TraceSlice> slices;
    for (const Window& window : windows_) {
        TraceSlice slice;
        slice.violation = window.violation;
        slice.from = window.from;
        slice.until = window.until;
        for (const Kept& kept : messages_) {
            if (kept.message.sent < window.from || kept.message.sent > window.until) continue;
            slice.messages.push_back(kept.message);
        }
        if (slice.messages.size() > kMaxMessagesASlice) {
            // The messages nearest to the violation tell most: it happened late in the window.
            const auto extra = slice.messages.size() - kMaxMessagesASlice;
            slice.left_out = extra;
            slice.messages.erase(slice.messages.begin(),
                                 slice.messages.begin() + static_cast<std::ptrdiff_t>(extra));
        }
        for (const TraceMark& m : marks_) {
            if (m.at >= window.from && m.at <= window.until) slice.marks.push_back(m);
        }
        slices.push_back(std::move(slice));
    }
    return slices;
}

std::vector<PartitionTimeline> TraceRecorder::timelines() const {
    std::vector<PartitionTimeline> timelines;
    for (const auto& [tp, watched] : partitions_) {
        PartitionTimeline timeline;
        timeline.partition = watched.name;
        timeline.truncations = watched.truncations;
        for (const auto& [node, replica] : watched.replicas) {
            timeline.replicas.push_back(replica.timeline);
        }
        timelines.push_back(std::move(timeline));
    }
    return timelines;
}

}  // namespace tribunal
