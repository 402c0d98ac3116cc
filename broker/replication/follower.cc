// The follower's side of a partition: where to truncate when a leader is new, and appending what it
// sends. How far to cut is the oldest source of lost and diverged logs in Kafka: KIP-101 (cut to
// the high watermark loses acknowledged records, KAFKA-1211), KIP-279 (one question is not enough
// after fast fail-overs, KAFKA-6361), KIP-320 (requests of another leader epoch are fenced,
// KAFKA-6880), KIP-595 (it fetches at once, and the leader says where they diverge).
#include <algorithm>

#include "broker/base/check.h"
#include "broker/replication/partition.h"

namespace tribunal {

void become_follower(Partition& p, const PartitionImage& image, ReplicationContext& context) {
    CHECK(image.leader != p.self);
    const bool changed = p.follower() == nullptr || p.follower()->leader != image.leader ||
                         image.leader_epoch > p.leader_epoch;
    if (p.follower() == nullptr) p.role = Follower{};
    p.follower()->leader = image.leader;
    p.leader_epoch = image.leader_epoch;
    p.partition_epoch = image.partition_epoch;
    if (changed) {
        context.out.mark(p.id, "becomes follower", p.leader_epoch.value, image.leader.value);
    }
    context.out.touch(p.id);
}

bool truncates_on_fetch(const Partition& p, TruncationRule rule) {
    return rule == TruncationRule::kip595 && p.log.latest_epoch() != kNoLeaderEpoch;
}

LeaderEpoch epoch_to_ask(const Partition& p, TruncationRule rule) {
    if (rule == TruncationRule::to_high_watermark) return kNoLeaderEpoch;
    return p.log.latest_epoch();
}

Offset first_truncation(const Partition& p, TruncationRule) {
    return std::min(p.high_watermark, p.log.log_end_offset);
}

TruncationStep truncation_for(const Partition& p, const EpochEndOffset& answer,
                              TruncationRule rule) {
    const Offset log_end = p.log.log_end_offset;
    if (answer.end_offset == kNoOffset) {
        // The leader knows nothing that old or that new: back to the high watermark.
        return {std::min(p.high_watermark, log_end), true};
    }
    if (rule == TruncationRule::kip101 || answer.leader_epoch == kNoLeaderEpoch) {
        return {std::min(answer.end_offset, log_end), true};
    }
    const EpochEnd own = p.log.end_offset_for(answer.leader_epoch);
    if (own.end_offset == kNoOffset) return {std::min(answer.end_offset, log_end), true};
    if (own.epoch != answer.leader_epoch) {
        // This log does not know the leader's epoch: cut to the end of the largest smaller one and
        // ask about that (KIP-279).
        return {std::min(own.end_offset, log_end), false};
    }
    return {std::min({own.end_offset, answer.end_offset, log_end}), true};
}

namespace {

// What was to be flushed above the new log end is not there any more.
void on_truncated(Partition& p, ReplicationContext& context) {
    for (Offset& end : p.background_flushes) end = std::min(end, p.log.log_end_offset);
    for (FlushUnderWay& flush : p.flushes) {
        flush.from = std::min(flush.from, p.log.log_end_offset);
        flush.end = std::min(flush.end, p.log.log_end_offset);
    }
    // LogManager.truncateTo writes the checkpoint at once.
    p.checkpoints.recovery_point = p.log.recovery_point;
    // The cleaner's is cut as well, to the active segment (maybeTruncateCheckpoint).
    if (p.config.cleanup_compact) {
        p.checkpoints.cleaner = std::min(p.checkpoints.cleaner, p.log.active_segment().base_offset);
    }
    context.out.effects.emplace_back(Write{TruncateWrite{p.id}, false, 0});
    context.out.touch(p.id);
}

void start_at(Partition& p, Offset offset, ReplicationContext& context) {
    p.log.truncate_fully_and_start_at(offset);
    p.high_watermark = offset;
    on_truncated(p, context);
}

// DeleteRecords may leave the leader's log start inside a batch. An empty log that begins there is
// sent the whole batch and has to begin where that does (KAFKA-6975; until 2.0 its follower
// failed). A batch that begins inside a log with records is another log's:
// UnexpectedAppendOffsetException. Deviation: Kafka gives the partition up until the leader
// changes, here it is asked for again.
bool is_empty(const ReplicaLog& log) { return log.log_start_offset == log.log_end_offset; }

}  // namespace

void truncate(Partition& p, Offset to, ReplicationContext& context) {
    const Offset before = p.log.log_end_offset;
    p.log.truncate_to(to, context.config.rules.epoch_cache_cleaned_by_noop_truncation);
    if (to >= before) return;
    p.high_watermark = std::min(p.high_watermark, p.log.log_end_offset);
    on_truncated(p, context);
    context.out.mark(p.id, "truncates", before.value, p.log.log_end_offset.value);
}

bool append_as_follower(Partition& p, const FetchPartitionResponse& response,
                        ReplicationContext& context) {
    CHECK(p.follower() != nullptr);
    std::vector<RecordBatch> fresh;
    fresh.reserve(response.batches.size());
    for (const RecordBatch& batch : response.batches) {
        if (batch.last_offset() < p.log.log_end_offset) continue;  // it has that
        if (!is_intact(batch)) return false;
        fresh.push_back(batch);
    }
    if (!fresh.empty() && fresh.front().base_offset < p.log.log_end_offset) {
        if (!is_empty(p.log)) return false;
        start_at(p, fresh.front().base_offset, context);
    }
    append_to_log(p, fresh, context);
    follow_high_watermark(p, response.high_watermark);
    if (response.log_start_offset > p.log.log_start_offset &&
        response.log_start_offset <= p.log.log_end_offset) {
        advance_log_start(p, response.log_start_offset, context);
    }
    context.out.touch(p.id);
    return true;
}

void follow_high_watermark(Partition& p, Offset of_leader) {
    p.high_watermark = std::max(p.high_watermark, std::min(of_leader, p.log.log_end_offset));
}

void truncate_to_divergence(Partition& p, const DivergingEpoch& diverging,
                            ReplicationContext& context) {
    EpochEndOffset answer;
    answer.leader_epoch = diverging.epoch;
    answer.end_offset = diverging.end_offset;
    truncate(p, truncation_for(p, answer, TruncationRule::kip595).to, context);
}

void on_out_of_range(Partition& p, const FetchPartitionResponse& response,
                     ReplicationContext& context) {
    if (response.log_end_offset != kNoOffset && response.log_end_offset < p.log.log_end_offset) {
        // The leader's log is shorter: it was elected unclean, or lost its tail. Follow it.
        truncate(p, response.log_end_offset, context);
        return;
    }
    if (response.log_start_offset > p.log.log_end_offset) {
        start_at(p, response.log_start_offset, context);
    }
}

}  // namespace tribunal
