// Rules of Kafka's protocol that an improvement proposal or a bug fix changed. Each is a value, so
// that a bug of an old Kafka is a run under its old rule; the defaults are those of the newest
// Kafka.
//
// A rule that is `true` is the mended one. Which release brought which stands in one table,
// scenarios/edition_rules.cc; a scenario switches a single one by `tribunal.rule.<name>`.
#pragma once

#include <cstdint>

#include "broker/base/digest.h"

namespace tribunal {

// How a follower finds where to truncate when it starts to follow.
enum class TruncationRule : std::uint8_t {
    to_high_watermark,  // before 0.11: cut to its own high watermark, may lose or diverge
    kip101,             // 0.11: ask the leader for the end of the follower's last epoch
    kip279,             // 2.0: ask again with smaller epochs until both logs know the epoch
    kip320,             // 2.1: and the leader fences requests of another leader epoch
    kip595,             // 2.7: fetch at once; the leader answers where the logs diverge
};

struct Rules {
    // --- truncation and leader epochs ---
    TruncationRule truncation = TruncationRule::kip595;
    // A fetch of another leader epoch is fenced (KIP-320, KAFKA-6880).
    bool fetch_checks_leader_epoch = true;
    // A leader answers OffsetsForLeaderEpoch only in the epoch that the follower means (KIP-320).
    bool offsets_for_epoch_checks_leader_epoch = true;
    // An epoch has its entry in the cache when its leader is elected, not with its first record
    // (KAFKA-7415).
    bool epoch_entry_on_become_leader = true;
    // Truncating to an offset at or above the log end still forgets epochs that begin there
    // (KAFKA-10706).
    bool epoch_cache_cleaned_by_noop_truncation = true;
    // A fetch response that tells of a divergence does not move the high watermark (KAFKA-14704).
    bool diverging_fetch_keeps_high_watermark = true;

    // --- high watermark and ISR ---
    // The high watermark waits for replicas that the leader has asked to add (KIP-497).
    bool high_watermark_uses_maximal_isr = true;
    // It counts a follower's fetch only when it was made in the leader's own epoch (KIP-320).
    bool high_watermark_requires_same_epoch = true;
    // It does not move while fewer than min.insync.replicas are in sync (KIP-966).
    bool high_watermark_requires_min_isr = true;
    // A replica joins the ISR only from the offset on at which the leader's epoch began
    // (KAFKA-7128).
    bool isr_expand_requires_epoch_start = true;
    // Fenced and leaving brokers may not join an ISR (KIP-841).
    bool isr_excludes_fenced_brokers = true;

    // --- controller ---
    // AlterPartition must carry the partition epoch that it means to change (KIP-497).
    bool alter_partition_checks_partition_epoch = true;
    // ... and the broker epochs of the members it adds (KIP-903, KAFKA-14139).
    bool alter_partition_checks_broker_epoch = true;
    // Replicas that leave the ISR below min.insync.replicas stay eligible to lead; an unclean
    // restart ends that (KIP-966). Without it the last in-sync replica never leaves the ISR.
    bool eligible_leader_replicas = true;
    // unclean.leader.election.enable is obeyed; the controllers of KRaft ignored it until 3.9
    // (KAFKA-12670).
    bool unclean_election_by_config = true;
    // The periodic balancing of leaders moves every partition whose preferred replica may lead
    // (KRaft); before, only those of brokers that lead too few of theirs by
    // leader.imbalance.per.broker.percentage (ZooKeeper).
    bool balances_every_leader = true;

    // --- clients' view ---
    // Latest offsets are withheld until the high watermark has reached the leader's epoch
    // (KIP-207, KAFKA-2334).
    bool list_offsets_waits_for_own_epoch = true;
    // Consumers may read from the closest replica (KIP-392).
    bool fetch_from_follower = true;

    // --- storage ---
    // Batches may be compressed with zstd (KIP-110).
    bool zstd_compression = true;
    // Compaction stays below the high watermark (KAFKA-13194).
    bool cleaner_bounded_by_high_watermark = true;
    // Tombstones and transaction markers go delete.retention.ms after the first cleaning that met
    // them, as their batch's header says (KIP-534, KAFKA-8522); before, by their segment's age.
    bool cleaner_sets_delete_horizon = true;
    // A control record is never taken for a record with the same key bytes (KAFKA-14055).
    bool cleaner_keeps_control_batches = true;
    // Retention and DeleteRecords leave what is known of a producer alone (KAFKA-7190).
    bool producer_state_survives_deletion = true;
    // A producer of which nothing is known may go on with any sequence (KIP-360, since 2.5);
    // before, anything but 0 was UNKNOWN_PRODUCER_ID.
    bool unknown_producer_starts_anywhere = true;
    // Batches of a producer that are known for a repeated one to be told by. Kafka keeps 5; with 0
    // a repeated batch is out of order (Redpanda issue 3039).
    std::int32_t dedup_window = 5;

    // --- KRaft ---
    // The high watermark shows itself when a record of the leader's own epoch is on a majority
    // (KAFKA-12619).
    bool raft_commit_requires_own_epoch = true;
    // Records count, and are fetched past, only when they are on the platter (KAFKA-10533).
    bool raft_flush_before_ack = true;
    // A restarted leader does not go on leading the epoch it led (KAFKA-10527).
    bool raft_restart_unattached = true;
    // A leader that no majority fetches from resigns (KAFKA-15489).
    bool raft_check_quorum = true;
    // Candidates ask first whether they could win (KIP-996).
    bool raft_pre_vote = true;
    // The metadata log is cut below snapshots (KIP-630).
    bool raft_snapshots = true;
    // Voters can be added and removed (KIP-853).
    bool raft_reconfiguration = true;
    // A quorum of fixed voters can become a dynamic one: kraft.version rises from 0 to 1 when every
    // voter has told the leader its directory (KAFKA-16538).
    bool raft_version_upgrade = true;
    // A fetch says which high watermark its replica knows, and does not wait while the leader knows
    // a newer one (KIP-1166, KAFKA-14145).
    bool raft_fetch_tells_high_watermark = true;

    TRIBUNAL_FIELDS(Rules, truncation, fetch_checks_leader_epoch,
                    offsets_for_epoch_checks_leader_epoch, epoch_entry_on_become_leader,
                    epoch_cache_cleaned_by_noop_truncation, diverging_fetch_keeps_high_watermark,
                    high_watermark_uses_maximal_isr, high_watermark_requires_same_epoch,
                    high_watermark_requires_min_isr, isr_expand_requires_epoch_start,
                    isr_excludes_fenced_brokers, alter_partition_checks_partition_epoch,
                    alter_partition_checks_broker_epoch, eligible_leader_replicas,
                    unclean_election_by_config, balances_every_leader,
                    list_offsets_waits_for_own_epoch, fetch_from_follower, zstd_compression,
                    cleaner_bounded_by_high_watermark, cleaner_sets_delete_horizon,
                    cleaner_keeps_control_batches, producer_state_survives_deletion,
                    unknown_producer_starts_anywhere, dedup_window, raft_commit_requires_own_epoch,
                    raft_flush_before_ack, raft_restart_unattached, raft_check_quorum,
                    raft_pre_vote, raft_snapshots, raft_reconfiguration, raft_version_upgrade,
                    raft_fetch_tells_high_watermark)
};

// Rules of the producer.
struct ProducerRules {
    // With one request in flight, a partition has nothing else under way while a batch of it is,
    // whichever broker leads it meanwhile (KAFKA-3197, mended before 0.10).
    bool mutes_partition_in_flight = true;
    // A sequence that the broker does not know is mended by a new epoch instead of failing what is
    // buffered (KIP-360).
    bool epoch_bump_recovers = true;
    // Batches are numbered anew in the order of their old numbers (KAFKA-8483).
    bool renumbers_in_order = true;
    // Up to five requests in flight keep their order with idempotence (KAFKA-5494); before, one.
    bool five_in_flight = true;
    TRIBUNAL_FIELDS(ProducerRules, mutes_partition_in_flight, epoch_bump_recovers,
                    renumbers_in_order, five_in_flight)
};

// Rules of the consumer.
struct ConsumerRules {
    // A position is validated with each new leader before anything is fetched there: where the
    // leader's log parts from what was read, the consumer goes back (KIP-320, KAFKA-7747).
    bool validates_position = true;
    TRIBUNAL_FIELDS(ConsumerRules, validates_position)
};

}  // namespace tribunal
