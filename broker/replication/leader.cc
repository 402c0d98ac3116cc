// The leader's side of a partition: appends, progress of followers, high watermark.
#include <algorithm>

#include "broker/base/check.h"
#include "broker/log/log_validator.h"
#include "broker/replication/partition.h"

namespace tribunal {

template class Shared<Partition>;

namespace {

const ReplicaProgress* find_progress(const Leader& leader, NodeId node) {
    for (const ReplicaProgress& r : leader.followers) {
        if (r.node == node) return &r;
    }
    return nullptr;
}
ReplicaProgress* progress_of(Leader& leader, NodeId node) {
    return const_cast<ReplicaProgress*>(find_progress(leader, node));
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
    return r.log_end != kNoOffset && caught_up && is_isr_eligible(r, context);
}

// What the leader remembers of a follower as its epoch begins (Replica.resetReplicaState).
ReplicaProgress reset_progress(const ReplicaProgress& known, bool new_leader, bool in_isr,
                               Offset log_end) {
    ReplicaProgress r = known;
    if (new_leader) r.log_end = kNoOffset;
    // What it fetched in an earlier epoch brings nobody into the ISR of this one.
    r.broker_epoch = BrokerEpoch{-1};
    r.leader_end_at_fetch = log_end;
    // An ISR member gets the full replica.lag.time.max.ms to show up.
    r.missed_checks = in_isr ? 0 : kLagging;
    return r;
}

// Followers as the image assigns them: a reassignment (KIP-455) changes them without a new leader
// epoch.
void assign_followers(Partition& p, Leader& leader, const PartitionImage& image, bool new_epoch,
                      bool new_leader) {
    std::vector<ReplicaProgress> followers;
    for (const NodeId node : image.replicas) {
        if (node == p.self) continue;
        const ReplicaProgress* known = progress_of(leader, node);
        ReplicaProgress r;
        r.missed_checks = kLagging;
        if (known != nullptr) r = *known;
        r.node = node;
        if (new_epoch) {
            r = reset_progress(r, new_leader, image.isr.contains(node), p.log.log_end_offset);
        }
        followers.push_back(r);
    }
    std::sort(followers.begin(), followers.end());
    leader.followers = std::move(followers);
}

}  // namespace

void become_leader(Partition& p, const PartitionImage& image, ReplicationContext& context) {
    CHECK(image.leader == p.self);
    const bool new_epoch = image.leader_epoch > p.leader_epoch || p.leader() == nullptr;
    const bool new_leader = p.leader() == nullptr;
    if (new_leader) p.role = Leader{};
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
        // KIP-101: the epoch begins at the log end.
        leader.epoch_start_offset = p.log.log_end_offset;
        if (context.config.rules.epoch_entry_on_become_leader) {
            // Even if nothing is ever written in it: a follower may ask about an epoch in between
            // (KAFKA-7415). Before 2.1 the epoch's first record made the entry.
            p.log.assign_epoch(p.leader_epoch, p.log.log_end_offset);
        }
        context.out.mark(p.id, "becomes leader", p.leader_epoch.value, p.log.log_end_offset.value);
    }
    assign_followers(p, leader, image, new_epoch, new_leader);
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

FetchVerdict check_fetch(const Partition& p, const FetchPartition& fetch, NodeId replica,
                         const BrokerConfig& config) {
    const Rules& rules = config.rules;
    const bool is_consumer = replica == kNoNode;
    FetchVerdict verdict;
    verdict.error = check_leader(
        p, rules.fetch_checks_leader_epoch ? fetch.current_leader_epoch : kNoLeaderEpoch);
    if (is_consumer) {
        if (verdict.error == ErrorCode::not_leader_or_follower && rules.fetch_from_follower &&
            p.follower() != nullptr) {
            verdict.error = ErrorCode::none;
        }
        if (config.planted_bug == PlantedBug::stale_leader_serves) verdict.error = ErrorCode::none;
    }
    if (verdict.error != ErrorCode::none) return verdict;
    if (!is_consumer && find_progress(*p.leader(), replica) == nullptr) {
        // Of a reassignment that this leader has not heard of: the follower tries again
        // (Partition.followerReplicaOrThrow).
        verdict.error = fetch.current_leader_epoch == kNoLeaderEpoch
                            ? ErrorCode::not_leader_or_follower
                            : ErrorCode::unknown_leader_epoch;
        return verdict;
    }
    const bool is_below = fetch.fetch_offset < p.log.log_start_offset;
    if (fetch.last_fetched_epoch != kNoLeaderEpoch) {
        const EpochEnd end = p.log.end_offset_for(fetch.last_fetched_epoch);
        if (end.end_offset == kNoOffset || is_below) {
            verdict.error = ErrorCode::offset_out_of_range;
            return verdict;
        }
        if (end.epoch < fetch.last_fetched_epoch || end.end_offset < fetch.fetch_offset) {
            verdict.diverging = {end.epoch, end.end_offset};
            return verdict;
        }
    }
    if (is_below || fetch.fetch_offset > p.log.log_end_offset) {
        verdict.error = ErrorCode::offset_out_of_range;
    }
    return verdict;
}

std::size_t min_isr(const Partition& p, const Rules& rules) {
    const auto configured = static_cast<std::size_t>(p.config.min_insync_replicas);
    const Leader* leader = p.leader();
    if (!rules.high_watermark_requires_min_isr || leader == nullptr) return configured;
    return std::min(configured, leader->followers.size() + 1);
}

Answer<Appended> append_as_leader(Partition& p, const RecordBatch& batch, std::int16_t acks,
                                  ReplicationContext& context) {
    const Leader* leader = p.leader();
    if (leader == nullptr) return ErrorCode::not_leader_or_follower;
    if (acks == -1 && leader->isr.size() < min_isr(p, context.config.rules)) {
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
    if (placed.size_in_bytes() > p.config.segment_bytes) return ErrorCode::record_list_too_large;
    if (placed.has_producer_id()) {
        if (const BatchMetadata* known = known_duplicate(p, placed, context)) {
            return Appended{known->first_offset(), known->last_offset + 1, true};
        }
        const ErrorCode error = check_producer(p, placed, context);
        if (error != ErrorCode::none) return error;
    }
    const Offset before = p.log.log_end_offset;
    append_to_log(p, {&placed, 1}, context);
    context.out.touch(p.id);
    return Appended{before, p.log.log_end_offset};
}

std::optional<ErrorCode> replicated_up_to(const Partition& p, Offset required, const Rules& rules) {
    const Leader* leader = p.leader();
    if (leader == nullptr) return ErrorCode::not_leader_or_follower;
    if (p.high_watermark < required) return std::nullopt;
    // Partition.checkEnoughReplicasReachOffset: it is committed, but if the ISR shrank meanwhile
    // fewer replicas have it than the producer was promised.
    const FlatSet<NodeId>& isr =
        rules.high_watermark_uses_maximal_isr ? leader->maximal_isr : leader->isr;
    if (isr.size() < min_isr(p, rules)) {
        return ErrorCode::not_enough_replicas_after_append;
    }
    return ErrorCode::none;
}

bool on_replica_fetch(Partition& p, NodeId replica, BrokerEpoch replica_epoch,
                      const FetchPartition& fetch, ReplicationContext& context) {
    const Rules& rules = context.config.rules;
    if (!check_fetch(p, fetch, replica, context.config).serves()) return false;
    if (rules.high_watermark_requires_same_epoch && fetch.current_leader_epoch != kNoLeaderEpoch &&
        fetch.current_leader_epoch != p.leader_epoch) {
        return false;
    }
    if (rules.alter_partition_checks_broker_epoch) {
        // Of an earlier life of the broker (KIP-903).
        const BrokerEpoch* alive = context.alive.find(replica);
        if (alive != nullptr && replica_epoch != BrokerEpoch{-1} && replica_epoch < *alive) {
            return false;
        }
    }
    Leader* leader = p.leader();
    ReplicaProgress* r = progress_of(*leader, replica);
    CHECK(r != nullptr);
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

bool is_caught_up_again(const Partition& p, NodeId replica) {
    const Leader* leader = p.leader();
    const ReplicaProgress* r = leader == nullptr ? nullptr : find_progress(*leader, replica);
    return r != nullptr && r->missed_checks > 0 && r->log_end == p.log.log_end_offset;
}

void on_idle_replica_fetch(Partition& p, NodeId replica) {
    CHECK(is_caught_up_again(p, replica));
    progress_of(*p.leader(), replica)->missed_checks = 0;
}

bool advance_high_watermark(Partition& p, ReplicationContext& context) {
    const Leader* leader = p.leader();
    if (leader == nullptr) return false;
    const Rules& rules = context.config.rules;
    // KIP-966: what too few have is not shown, so that it may be lost. (KAFKA-15583)
    if (rules.high_watermark_requires_min_isr && leader->isr.size() < min_isr(p, rules)) {
        return false;
    }
    const FlatSet<NodeId>& isr =
        rules.high_watermark_uses_maximal_isr ? leader->maximal_isr : leader->isr;
    Offset lowest = p.served_end();
    for (const ReplicaProgress& r : leader->followers) {
        if (r.log_end >= lowest) continue;
        if (context.config.planted_bug == PlantedBug::isr_keeps_dead_replica &&
            !context.alive.contains(r.node)) {
            continue;
        }
        if (isr.contains(r.node) || is_about_to_join(p, r, context)) {
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

}  // namespace tribunal
