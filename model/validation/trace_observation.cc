#include "model/validation/trace_observation.h"

#include <algorithm>

#include "broker/base/check.h"

namespace tribunal {
namespace {

using Step = KafkaReplicationStep;
using Kind = PartitionWorld::Kind;

int index_of(NodeId node) { return node == kNoNode ? -1 : node.value - 1; }
NodeId node_at(std::size_t r) { return NodeId{static_cast<std::int32_t>(r) + 1}; }

unsigned mask_of(const FlatSet<NodeId>& nodes) {
    unsigned mask = 0;
    for (const NodeId node : nodes) mask |= 1u << index_of(node);
    return mask;
}

const Broker& broker_at(const PartitionWorld::State& s, std::size_t r) {
    return s.world.broker(node_at(r));
}

Action event(Step kind, unsigned detail) {
    return {static_cast<std::uint16_t>(kind), static_cast<std::uint16_t>(detail)};
}

// --- the present --------------------------------------------------------------------------------

void append(const RecordBatch& batch, const TraceHistory& history, TraceLog& log) {
    for_each_record(batch, [&](const RecordView& r) {
        const auto write = static_cast<std::size_t>(r.uid.value - 1);
        log.push_back({history.ids[write], batch.leader_epoch.value});
    });
}

bool is_truncating(const FetchState& state) {
    return state.phase == FetchPhase::truncating ||
           (state.phase == FetchPhase::delayed && state.after_delay == FetchPhase::truncating);
}

// What the fetcher's answer, if it is in flight, will do to this follower.
void observe_in_flight(const PartitionWorld& world, const PartitionWorld::State& s,
                       const TraceHistory& history, NodeId id, const ReplicaFetcher& fetcher,
                       NodeId leader, TraceReplica& r) {
    const SmallPipe* pipe = s.world.find_pipe({id, leader, Lane::fetch}, true);
    if (pipe == nullptr) return;
    for (const Shared<Deliver>& answer : pipe->messages) {
        if (answer->correlation != fetcher.in_flight) continue;
        if (const auto* told = answer->message.get_if<OffsetsForLeaderEpochResponse>()) {
            for (const EpochEndOffset& end : told->partitions) {
                r.is_told_where = r.is_told_where || end.error == ErrorCode::none;
            }
        }
        const auto* response = answer->message.get_if<FetchResponse>();
        if (response == nullptr || r.role != TraceRole::fetching) continue;
        for (const FetchPartitionResponse& fetched : response->partitions) {
            if (fetched.partition != world.partition()) continue;
            if (fetched.error == ErrorCode::offset_out_of_range &&
                fetched.log_end_offset.value < static_cast<std::int64_t>(r.log.size())) {
                r.fetched = &*answer;
                r.log_then.resize(static_cast<std::size_t>(fetched.log_end_offset.value));
                r.high_watermark_then =
                    std::min(r.high_watermark, static_cast<unsigned>(r.log_then.size()));
            }
            if (fetched.error != ErrorCode::none) continue;
            r.fetched = &*answer;
            for (const RecordBatch& batch : fetched.batches) append(batch, history, r.log_then);
            const auto end = static_cast<std::int64_t>(r.log_then.size());
            r.high_watermark_then =
                std::max(r.high_watermark,
                         static_cast<unsigned>(std::min(fetched.high_watermark.value, end)));
        }
    }
}

TraceReplica observe_replica(const PartitionWorld& world, const PartitionWorld::State& s,
                             const TraceHistory& history, std::size_t index) {
    TraceReplica r;
    const Broker& broker = broker_at(s, index);
    const Partition* p = find_partition(broker, world.partition());
    CHECK(p != nullptr);
    p->log.for_each_batch(Offset{0},
                          [&](const RecordBatch& batch) { append(batch, history, r.log); });
    r.high_watermark = static_cast<unsigned>(p->high_watermark.value);
    r.leader_epoch = p->leader_epoch.value;
    r.partition_epoch = p->partition_epoch.value;
    r.log_then = r.log;
    r.high_watermark_then = r.high_watermark;
    r.starts = s.world.host(node_at(index)).starts;
    if (!s.world.host(node_at(index)).is_up) return r;
    if (const Leader* leader = p->leader()) {
        r.role = TraceRole::leader;
        r.leader = static_cast<int>(index);
        r.isr = mask_of(leader->isr);
        r.asked_isr = leader->pending ? mask_of(leader->pending->isr) : r.isr;
    } else if (const Follower* follower = p->follower()) {
        r.role = TraceRole::leaderless;
        r.leader = index_of(follower->leader);
        const ReplicaFetcher* fetcher = broker.fetchers.find(follower->leader);
        if (fetcher == nullptr) return r;
        const FetchState* state = fetcher->partitions.find(world.partition());
        if (state == nullptr) return r;
        r.role = is_truncating(*state) ? TraceRole::truncating : TraceRole::fetching;
        observe_in_flight(world, s, history, broker.id, *fetcher, follower->leader, r);
    }
    return r;
}

// --- the controller -----------------------------------------------------------------------------

// A leader's own change of the ISR, member by member.
void take_alter_partition(const PartitionImage& before, const PartitionImage& after,
                          TraceHistory& history, TraceEvents& events) {
    const unsigned old_isr = mask_of(before.isr);
    const unsigned changed = old_isr ^ mask_of(after.isr);
    const auto leader = static_cast<unsigned>(index_of(after.leader));
    for (unsigned r = 0; r < history.replicas.size(); ++r) {
        if (((changed >> r) & 1u) == 0) continue;
        const bool leaves = ((old_isr >> r) & 1u) != 0;
        events.push_back(
            event(leaves ? Step::leader_shrink_isr : Step::leader_expand_isr, r << 4 | leader));
    }
    history.epochs.push_back(history.epochs.back());
}

// A change that the controller decides on by itself: shrink, then elect, each with an epoch.
void take_decision(const PartitionImage& before, const PartitionImage& after, TraceHistory& history,
                   TraceEvents& events) {
    const auto decide = [&](Step kind, NodeId replica) {
        events.push_back(event(kind, static_cast<unsigned>(index_of(replica))));
        history.leader_epochs.push_back(after.leader_epoch.value);
    };
    NodeId leader = before.leader;
    for (const NodeId r : before.isr) {
        const bool leaves = !after.isr.contains(r);
        // The last member stays in the ISR and no longer leads.
        const bool resigns = r == leader && after.leader == kNoNode;
        if (!leaves && !resigns) continue;
        if (r == leader) leader = kNoNode;
        decide(Step::controller_shrink_isr, r);
    }
    if (leader != after.leader && after.leader != kNoNode) {
        decide(Step::controller_elect_leader, after.leader);
    }
    history.epochs.push_back(static_cast<std::int32_t>(history.leader_epochs.size()) - 1);
}

void take_controller_log(const PartitionWorld& world, const PartitionWorld::State& s,
                         bool is_alter_partition, TraceHistory& history, TraceEvents& events) {
    const RaftLog& log = s.world.controller(world.controller()).raft.log;
    const auto end = static_cast<std::size_t>(log.end_offset.value);
    for (; history.controller_log < end; ++history.controller_log) {
        const Offset offset{static_cast<std::int64_t>(history.controller_log)};
        const MetadataRecord* metadata = log.find(offset)->metadata();
        if (metadata == nullptr) continue;
        const MetadataRecord& record = *metadata;
        if (const auto* created = std::get_if<PartitionRecord>(&record)) {
            if (created->partition != world.partition()) continue;
            history.image = created->image;
            PartitionImage none = created->image;
            none.leader = kNoNode;
            take_decision(none, created->image, history, events);
        }
        const auto* change = std::get_if<PartitionChangeRecord>(&record);
        if (change == nullptr || change->partition != world.partition()) continue;
        PartitionImage after = history.image;
        apply(after, *change);
        if (is_alter_partition && !change->leader) {
            take_alter_partition(history.image, after, history, events);
        } else {
            take_decision(history.image, after, history, events);
        }
        CHECK(static_cast<std::size_t>(after.partition_epoch.value) + 1 == history.epochs.size());
        history.image = std::move(after);
    }
}

// --- brokers ------------------------------------------------------------------------------------

void take_write(const PartitionWorld& world, const PartitionWorld::State& before,
                const PartitionWorld::State& after, TraceHistory& history, TraceEvents& events) {
    for (std::size_t r = 0; r < history.replicas.size(); ++r) {
        const Partition* p = find_partition(broker_at(after, r), world.partition());
        const Partition* old = find_partition(broker_at(before, r), world.partition());
        if (p->log.log_end_offset == old->log.log_end_offset) continue;
        for_each_record(*p->log.last(), [&](const RecordView& record) {
            history.ids[static_cast<std::size_t>(record.uid.value - 1)] = history.appended++;
        });
        events.push_back(event(Step::leader_write, static_cast<unsigned>(r)));
    }
}

// The fetch that arrived says what its follower has.
void take_fetch(const PartitionWorld& world, const PartitionWorld::State& before,
                const PartitionWorld::State& after, TraceHistory& history) {
    for (const SmallPipe& pipe : before.world.pipes()) {
        if (pipe.connection.lane != Lane::fetch || pipe.responses) continue;
        const SmallPipe* left = after.world.find_pipe(pipe.connection, false);
        const Shared<Deliver>& first = pipe.messages.front();
        if (left != nullptr && left->messages.front().is_same_object(first)) continue;
        const auto* request = first->message.get_if<FetchRequest>();
        if (request == nullptr) continue;
        const Partition* p =
            find_partition(after.world.broker(pipe.connection.server), world.partition());
        for (const FetchPartition& fetch : request->partitions) {
            if (p->leader() == nullptr || fetch.fetch_offset > p->log.log_end_offset) continue;
            const LeaderEpoch epoch = fetch.current_leader_epoch;
            if (epoch != kNoLeaderEpoch && epoch != p->leader_epoch) continue;
            const auto leader = static_cast<std::size_t>(index_of(pipe.connection.server));
            const auto follower = static_cast<std::size_t>(index_of(pipe.connection.client));
            history.replicas[leader].acknowledged[follower] =
                static_cast<std::int32_t>(fetch.fetch_offset.value);
        }
    }
}

}  // namespace

TraceObservation observe(const PartitionWorld& world, const PartitionWorld::State& s,
                         const TraceHistory& history) {
    TraceObservation replicas;
    for (std::size_t r = 0; r < history.replicas.size(); ++r) {
        replicas.push_back(observe_replica(world, s, history, r));
    }
    return replicas;
}

TraceEvents take(const PartitionWorld& world, const PartitionWorld::State& before, Action action,
                 const PartitionWorld::State& after, TraceHistory& history) {
    TraceEvents events;
    if (action.kind == Kind::write) take_write(world, before, after, history, events);
    if (action.kind == Kind::fetch_request) take_fetch(world, before, after, history);
    take_controller_log(world, after, action.kind == Kind::alter_partition_request, history,
                        events);
    return events;
}

TraceEvents take_initial(const PartitionWorld& world, const PartitionWorld::State& s,
                         TraceHistory& history) {
    TraceEvents events;
    history.ids.assign(PartitionWorld::kMostWrites, -1);
    history.replicas.resize(static_cast<std::size_t>(world.options().brokers));
    for (auto& r : history.replicas) r.acknowledged.fill(-1);
    take_controller_log(world, s, false, history, events);
    // They are waiting with a fetch of an empty log.
    history.replicas.front().acknowledged.fill(0);
    return events;
}

void remember(const TraceObservation& before, const TraceObservation& after,
              TraceHistory& history) {
    for (std::size_t r = 0; r < after.size(); ++r) {
        TraceHistory::Replica& known = history.replicas[r];
        const TraceReplica& now = after[r];
        const TraceReplica& old = before[r];
        const auto is_undecided = [](TraceRole role) {
            return role == TraceRole::truncating || role == TraceRole::leaderless;
        };
        if (!is_undecided(now.role)) {
            known.log.clear();
            known.high_watermark = 0;
        } else if (!is_undecided(old.role)) {
            known.log = now.log;
            known.high_watermark = static_cast<std::int32_t>(now.high_watermark);
        }
        if (now.role != TraceRole::leader) {
            known.acknowledged.fill(-1);
            known.lagging = 0;
            continue;
        }
        const unsigned leaves = now.isr & ~now.asked_isr;
        if (leaves == 0) {
            known.lagging = 0;
        } else if (old.role != TraceRole::leader || old.asked_isr != now.asked_isr ||
                   old.partition_epoch != now.partition_epoch) {
            known.lagging = 0;
            for (std::size_t f = 0; f < after.size(); ++f) {
                const auto end = static_cast<std::int32_t>(now.log.size());
                if (known.acknowledged[f] != end) known.lagging |= 1u << f;
            }
        }
    }
}

Digest128 digest_of(const TraceHistory& h) {
    Digest d;
    for (const std::int32_t id : h.ids) d.word(static_cast<std::uint64_t>(id));
    d.word(h.controller_log);
    for (const std::int32_t epoch : h.epochs) d.word(static_cast<std::uint64_t>(epoch));
    for (const TraceHistory::Replica& r : h.replicas) {
        for (const std::int32_t end : r.acknowledged) d.word(static_cast<std::uint64_t>(end));
        d.word(r.lagging);
        d.word(r.log.size());
        for (const TraceRecord& record : r.log) {
            d.word(static_cast<std::uint64_t>(record.id));
            d.word(static_cast<std::uint64_t>(record.leader_epoch));
        }
        d.word(static_cast<std::uint64_t>(r.high_watermark));
    }
    return d.value();
}

}  // namespace tribunal
