// The leader's side of a partition: appends, progress of followers, high watermark.
#include <algorithm>

#include "broker/base/check.h"
#include "broker/log/log_validator.h"
#include "broker/replication/partition.h"

namespace tribunal {

template class Shared<Partition>;

namespace {

ReplicaProgress* progress_of(Leader& leader, NodeId node) {
    for (ReplicaProgress& r : leader.followers) {
        if (r.node == node) return &r;
    }
    return nullptr;
}

// Planted bugs first: a leader that forgets, and one that does not look.
const BatchMetadata* known_duplicate(const Partition& p, const RecordBatch& batch,
                                     const ReplicationContext& context) {
    if (context.config.planted_bug == PlantedBug::duplicate_sequence_accepted) return nullptr;
    return p.log.producers.find_duplicate(batch, context.config.rules);
}

ErrorCode check_producer(const Partition& p, const RecordBatch& batch,
                         const ReplicationContext& context) {
    const Rules& rules = context.config.rules;
    if (context.config.planted_bug == PlantedBug::duplicate_sequence_accepted &&
        p.log.producers.find_duplicate(batch, rules) != nullptr) {
        return ErrorCode::none;
    }
    const ErrorCode error = p.log.producers.check(batch, AppendOrigin::client, rules);
    if (context.config.planted_bug == PlantedBug::sequence_gap_accepted &&
        error == ErrorCode::out_of_order_sequence_number) {
        return ErrorCode::none;
    }
    return error;
}

// A replica outside the ISR that is alive and has been caught up is about to join: the high
// watermark waits for it, or it could never get in (Partition.maybeIncrementLeaderHW).
bool is_about_to_join(const Partition& p, const ReplicaProgress& r,
                      const ReplicationContext& context) {
    const bool caught_up = r.log_end == p.log.log_end_offset || r.missed_checks < kLagging;
    return r.log_end != kNoOffset && caught_up && context.alive.contains(r.node);
}

}  // namespace

void become_leader(Partition& p, const PartitionImage& image, ReplicationContext& context) {
    CHECK(image.leader == p.self);
    const bool new_epoch = image.leader_epoch > p.leader_epoch || p.leader() == nullptr;
    const bool new_leader = p.leader() == nullptr;
    if (new_leader) {
        p.role = Leader{};
        p.unsynced_from = kNoOffset;
    }
    Leader& leader = *p.leader();
    p.leader_epoch = image.leader_epoch;
    p.partition_epoch = image.partition_epoch;
    leader.isr = image.isr;
    leader.maximal_isr = image.isr;
    leader.pending.reset();
    if (new_epoch) {
        if (context.config.planted_bug == PlantedBug::leader_truncates) {
            truncate(p, p.high_watermark, context);
        }
        // KIP-101: the epoch begins at the log end, even if nothing is ever written in it.
        leader.epoch_start_offset = p.log.log_end_offset;
        p.log.assign_epoch(p.leader_epoch, p.log.log_end_offset);
        std::vector<ReplicaProgress> followers;
        for (const NodeId node : image.replicas) {
            if (node == p.self) continue;
            ReplicaProgress r;
            if (const ReplicaProgress* known = progress_of(leader, node)) r = *known;
            r.node = node;
            if (new_leader) r.log_end = kNoOffset;
            // What it fetched in an earlier epoch brings nobody into the ISR of this one.
            r.broker_epoch = BrokerEpoch{-1};
            r.leader_end_at_fetch = p.log.log_end_offset;
            // An ISR member gets the full replica.lag.time.max.ms to show up.
            r.missed_checks = image.isr.contains(node) ? 0 : kLagging;
            followers.push_back(r);
        }
        std::sort(followers.begin(), followers.end());
        leader.followers = std::move(followers);
        context.out.mark(p.id, "becomes leader", p.leader_epoch.value, p.log.log_end_offset.value);
    }
    context.out.touch(p.id);
    advance_high_watermark(p, context);
}

ErrorCode check_leader(const Partition& p, LeaderEpoch current_leader_epoch) {
    if (current_leader_epoch != kNoLeaderEpoch) {
        if (current_leader_epoch < p.leader_epoch) return ErrorCode::fenced_leader_epoch;
        if (current_leader_epoch > p.leader_epoch) return ErrorCode::unknown_leader_epoch;
    }
    return p.leader() == nullptr ? ErrorCode::not_leader_or_follower : ErrorCode::none;
}

Answer<Appended> append_as_leader(Partition& p, const RecordBatch& batch, std::int16_t acks,
                                  std::uint64_t token, ReplicationContext& context) {
    const Leader* leader = p.leader();
    if (leader == nullptr) return ErrorCode::not_leader_or_follower;
    if (acks == -1 && leader->isr.size() < static_cast<std::size_t>(p.config.min_insync_replicas)) {
        return ErrorCode::not_enough_replicas;
    }
    const Answer<RecordBatch> valid =
        validate_for_append(batch, {.config = p.config,
                                    .rules = context.config.rules,
                                    .base_offset = p.log.log_end_offset,
                                    .leader_epoch = p.leader_epoch,
                                    .now = context.out.timestamp});
    if (!valid) return valid.error();
    RecordBatch placed = *valid;
    if (placed.has_producer_id()) {
        if (const BatchMetadata* known = known_duplicate(p, placed, context)) {
            return Appended{known->first_offset(), known->last_offset + 1, 0, true};
        }
        const ErrorCode error = check_producer(p, placed, context);
        if (error != ErrorCode::none) return error;
    }
    const Offset before = p.log.log_end_offset;
    const std::int64_t bytes = placed.size_in_bytes();
    p.log.append(std::move(placed));
    ++p.unflushed_batches;
    const bool sync = p.unflushed_batches >= p.config.flush_messages;
    if (sync) p.unflushed_batches = 0;
    if (sync && p.unsynced_from == kNoOffset) p.unsynced_from = before;
    context.out.effects.emplace_back(
        Write{AppendWrite{p.id, before, bytes}, sync, sync ? token : 0});
    context.out.touch(p.id);
    return Appended{before, p.log.log_end_offset, sync ? token : 0};
}

std::optional<ErrorCode> replicated_up_to(const Partition& p, Offset required) {
    const Leader* leader = p.leader();
    if (leader == nullptr) return ErrorCode::not_leader_or_follower;
    if (p.high_watermark < required) return std::nullopt;
    // Partition.checkEnoughReplicasReachOffset: it is committed, but if the ISR shrank meanwhile
    // fewer replicas have it than the producer was promised.
    if (leader->isr.size() < static_cast<std::size_t>(p.config.min_insync_replicas)) {
        return ErrorCode::not_enough_replicas_after_append;
    }
    return ErrorCode::none;
}

bool on_replica_fetch(Partition& p, NodeId replica, BrokerEpoch replica_epoch,
                      const FetchPartition& fetch, ReplicationContext& context) {
    Leader* leader = p.leader();
    CHECK(leader != nullptr);
    ReplicaProgress* r = progress_of(*leader, replica);
    if (r == nullptr) return false;
    if (fetch.fetch_offset < p.log.log_start_offset || fetch.fetch_offset > p.log.log_end_offset) {
        return false;
    }
    const Offset before = r->log_end;
    r->log_end = fetch.fetch_offset;
    r->log_start = fetch.log_start_offset;
    r->broker_epoch = replica_epoch;
    if (r->log_end >= p.log.log_end_offset ||
        (r->leader_end_at_fetch != kNoOffset && r->log_end >= r->leader_end_at_fetch)) {
        r->missed_checks = 0;
    }
    r->leader_end_at_fetch = p.log.log_end_offset;
    maybe_expand_isr(p, replica, context);
    if (before == r->log_end) return false;
    return advance_high_watermark(p, context);
}

bool advance_high_watermark(Partition& p, ReplicationContext& context) {
    const Leader* leader = p.leader();
    if (leader == nullptr) return false;
    Offset lowest = p.served_end();
    for (const ReplicaProgress& r : leader->followers) {
        if (r.log_end >= lowest) continue;
        if (context.config.planted_bug == PlantedBug::isr_keeps_dead_replica &&
            !context.alive.contains(r.node)) {
            continue;
        }
        if (leader->maximal_isr.contains(r.node) || is_about_to_join(p, r, context)) {
            lowest = r.log_end == kNoOffset ? Offset{0} : r.log_end;
        }
    }
    if (context.config.planted_bug == PlantedBug::high_watermark_off_by_one &&
        lowest < p.log.log_end_offset) {
        lowest = lowest + 1;
    }
    if (lowest <= p.high_watermark) return false;
    p.high_watermark = lowest;
    context.out.touch(p.id);
    return true;
}

void advance_log_start(Partition& p, Offset to, ReplicationContext& context) {
    if (to <= p.log.log_start_offset) return;
    p.log.advance_start(to);
    if (!context.config.rules.producer_state_survives_deletion) p.log.producers.evict_below(to);
    if (p.high_watermark < to) p.high_watermark = to;
    context.out.effects.emplace_back(Write{DeleteWrite{p.id, false}, false, 0});
    context.out.touch(p.id);
}

}  // namespace tribunal
