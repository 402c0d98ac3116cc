// The table of what changed.
//
// A change that came with a bug-fix release stands at the first feature release that had it.
#include "scenarios/edition_rules.h"

#include <array>

#include "scenarios/config_table.h"

namespace tribunal {
namespace {

template <auto Field, auto Old>
void broker_rule(Settings& s) {
    s.broker.rules.*Field = Old;
}
template <auto Field>
void without(Settings& s) {
    s.broker.rules.*Field = false;
}
template <auto Field>
void without_producer_rule(Settings& s) {
    s.producer.rules.*Field = false;
}
template <auto Field>
void without_consumer_rule(Settings& s) {
    s.consumer.rules.*Field = false;
}

using enum TruncationRule;

constexpr std::
    array
        kChanges =
            std::
                to_array<RuleChange>(
                    {
                        {"0.11", "KIP-101", "truncation", "to the high watermark",
                         "to the end of the follower's last epoch on the leader",
                         broker_rule<&Rules::truncation, to_high_watermark>},
                        {"0.11", "KIP-106", "unclean.leader.election.enable", "true", "false",
                         [](Settings& s) { s.topic.unclean_leader_election_enable = true; }},
                        {"1.0", "KAFKA-5494", "dedup_window", "the last batch of a producer",
                         "its last five", broker_rule<&Rules::dedup_window, 1>},
                        {"1.0", "KAFKA-5494", "five_in_flight",
                         "an idempotent producer has one request in flight", "up to five, in order",
                         without_producer_rule<&ProducerRules::five_in_flight>},
                        {"1.0", "KIP-162", "delete.topic.enable", "false", "true",
                         [](Settings& s) { s.broker.delete_topic_enable = false; }},
                        {"2.0", "KIP-279", "truncation", "one question to the leader",
                         "asked again until both logs know the epoch",
                         broker_rule<&Rules::truncation, kip101>},
                        {"2.0", "KIP-266", "request.timeout.ms", "305000 of consumers", "30000",
                         [](Settings& s) { s.consumer.request_timeout = seconds(305); }},
                        {"2.1", "KIP-320", "truncation", "a stale leader answers",
                         "answers are of the epoch that the follower means",
                         broker_rule<&Rules::truncation, kip279>},
                        {"2.1", "KIP-320", "fetch_checks_leader_epoch",
                         "a fetch of any leader epoch is served",
                         "fenced unless it is of the leader's epoch",
                         without<&Rules::fetch_checks_leader_epoch>},
                        {"2.1", "KIP-320", "offsets_for_epoch_checks_leader_epoch",
                         "OffsetsForLeaderEpoch of any leader epoch is answered",
                         "fenced unless it is of the leader's epoch",
                         without<&Rules::offsets_for_epoch_checks_leader_epoch>},
                        {"2.1", "KAFKA-7415", "epoch_entry_on_become_leader",
                         "an epoch is remembered with its first record", "from the election on",
                         without<&Rules::epoch_entry_on_become_leader>},
                        {"2.1", "KAFKA-7128", "isr_expand_requires_epoch_start",
                         "a replica at the high watermark joins the ISR",
                         "it must also have reached the start of the leader's epoch",
                         without<&Rules::isr_expand_requires_epoch_start>},
                        {"2.1", "KIP-110", "zstd_compression",
                         "a batch under zstd is UNSUPPORTED_COMPRESSION_TYPE", "is accepted",
                         without<&Rules::zstd_compression>},
                        {"2.1", "KIP-91", "retries",
                         "0", "without limit, within delivery.timeout.ms",
                         [](Settings& s) { s.producer.retries = 0; }},
                        {"2.2", "KIP-207", "list_offsets_waits_for_own_epoch",
                         "a new leader tells its high watermark as the end at once",
                         "only when the high watermark has reached its epoch",
                         without<&Rules::list_offsets_waits_for_own_epoch>},
                        {"2.3", "KIP-320", "validates_position",
                         "a consumer reads on at its offset under every leader",
                         "it asks each new leader where the logs part, and goes back to there",
                         without_consumer_rule<&ConsumerRules::validates_position>},
                        {"2.3", "KAFKA-8483", "renumbers_in_order",
                         "batches are renumbered in the order of a heap",
                         "in the order of their sequences",
                         without_producer_rule<&ProducerRules::renumbers_in_order>},
                        {"2.4", "KIP-392", "fetch_from_follower", "consumers read from the leader",
                         "from the closest replica, with client.rack and replica.selector.class",
                         without<&Rules::fetch_from_follower>},
                        {"2.4", "KIP-480", "partitioner.class",
                         "records without a key go to one partition after the other",
                         "stay with one until it has a batch",
                         [](Settings& s) {
                             s.producer.partitioner = PartitionerKind::default_round_robin;
                         }},
                        {"2.4", "KAFKA-7190", "producer_state_survives_deletion",
                         "retention forgets producers whose records it deletes",
                         "until producer.id.expiration.ms",
                         without<&Rules::producer_state_survives_deletion>},
                        {"2.5", "KIP-537", "replica.lag.time.max.ms", "10000", "30000",
                         [](Settings& s) { s.broker.replica_lag_time_max = seconds(10); }},
                        {"2.5", "KAFKA-4203", "message.max.bytes", "1000012", "1048588",
                         [](Settings& s) { s.topic.max_message_bytes = 1'000'012; }},
                        {"2.5", "KIP-360", "epoch_bump_recovers",
                         "a lost sequence fails what is buffered",
                         "the producer goes on under a new epoch",
                         without_producer_rule<&ProducerRules::epoch_bump_recovers>},
                        {"2.5", "KIP-360", "unknown_producer_starts_anywhere",
                         "of an unknown producer only sequence 0 is accepted",
                         "any sequence", without<&Rules::unknown_producer_starts_anywhere>},
                        {"2.7", "KIP-595", "truncation",
                         "a follower asks where to truncate before it fetches",
                         "it fetches, and the leader answers where the logs diverge",
                         broker_rule<&Rules::truncation, kip320>},
                        {"2.7", "KAFKA-10706", "epoch_cache_cleaned_by_noop_truncation",
                         "truncating to the log end keeps epochs that begin there",
                         "forgets them", without<&Rules::epoch_cache_cleaned_by_noop_truncation>},
                        {"2.7", "KAFKA-10527", "raft_restart_unattached",
                         "a restarted controller goes on leading its epoch", "starts unattached",
                         without<&Rules::raft_restart_unattached>},
                        {"2.8", "KAFKA-10533", "raft_flush_before_ack",
                         "metadata counts as replicated from the page cache",
                         "from the platter", without<&Rules::raft_flush_before_ack>},
                        {"2.8", "KAFKA-12619", "raft_commit_requires_own_epoch",
                         "records of earlier epochs commit by counting",
                         "with a record of the leader's own epoch",
                         without<&Rules::raft_commit_requires_own_epoch>},
                        {"3.0", "KIP-500", "unclean_election_by_config",
                         "unclean.leader.election.enable is obeyed (ZooKeeper)",
                         "ignored: only an admin's elect_leaders elects so (KRaft)",
                         broker_rule<&Rules::unclean_election_by_config, true>},
                        {"3.0", "KIP-500", "auto.leader.rebalance.enable", "true", "not yet in KRaft",
                         [](Settings& s) {
                             s.broker.auto_leader_rebalance_enable = true;
                             s.broker.rules.balances_every_leader = false;
                         }},
                        {"3.0", "KIP-679", "acks", "1",
                         "all", [](Settings& s) { s.producer.acks = 1; }},
                        {"3.0", "KIP-679", "enable.idempotence", "false",
                         "true", [](Settings& s) { s.producer.idempotence = false; }},
                        {"3.0", "KIP-630", "raft_snapshots", "the metadata log grows without end",
                         "is cut below snapshots", without<&Rules::raft_snapshots>},
                        {"3.1", "KAFKA-13194", "cleaner_bounded_by_high_watermark",
                         "compaction may pass the high watermark", "stays below it",
                         without<&Rules::cleaner_bounded_by_high_watermark>},
                        {"3.1", "KIP-534", "cleaner_sets_delete_horizon",
                         "tombstones go by the age of their segment",
                         "delete.retention.ms after the first cleaning",
                         without<&Rules::cleaner_sets_delete_horizon>},
                        {"3.2", "KAFKA-13682", "auto.leader.rebalance.enable", "not yet in KRaft",
                         "true: every partition whose preferred leader may lead",
                         [](Settings& s) { s.broker.auto_leader_rebalance_enable = false; }},
                        {"3.3", "KIP-841", "isr_excludes_fenced_brokers",
                         "a fenced broker may join an ISR", "INELIGIBLE_REPLICA",
                         without<&Rules::isr_excludes_fenced_brokers>},
                        {"3.3", "KAFKA-14055", "cleaner_keeps_control_batches",
                         "a marker goes when a record has the same key bytes",
                         "markers are no records with keys",
                         without<&Rules::cleaner_keeps_control_batches>},
                        {"3.3", "KIP-794", "partitioner.class",
                         "records without a key stay with a partition until it has a batch",
                         "until it has batch.size bytes, so that slow brokers get no more",
                         [](Settings& s) {
                             s.producer.partitioner = PartitionerKind::default_sticky;
                         }},
                        {"3.4", "KIP-854", "producer.id.expiration.ms", "604800000",
                         "86400000",
                         [](Settings& s) { s.broker.producer_id_expiration = seconds(7 * 24 * 3600); }},
                        {"3.5", "KAFKA-14704", "diverging_fetch_keeps_high_watermark",
                         "the high watermark moves before the truncation", "with the next fetch",
                         without<&Rules::diverging_fetch_keeps_high_watermark>},
                        {"3.5", "KIP-903", "alter_partition_checks_broker_epoch",
                         "an AlterPartition of a broker's earlier life counts",
                         "INELIGIBLE_REPLICA",
                         without<&Rules::alter_partition_checks_broker_epoch>},
                        {"3.7", "KIP-966", "high_watermark_requires_min_isr",
                         "the high watermark moves with any ISR",
                         "with min.insync.replicas at least",
                         without<&Rules::high_watermark_requires_min_isr>},
                        {"3.7", "KIP-580", "retry.backoff.max.ms",
                         "the backoff of clients is constant", "doubles up to 1000",
                         [](Settings& s) {
                             s.producer.retry_backoff_max = s.producer.retry_backoff;
                             s.consumer.retry_backoff_max = s.consumer.retry_backoff;
                         }},
                        {"3.7", "KAFKA-15489", "raft_check_quorum",
                         "a controller that is cut off goes on as leader", "resigns",
                         without<&Rules::raft_check_quorum>},
                        {"3.9", "KIP-853", "raft_reconfiguration", "voters are fixed",
                         "can be added and removed", without<&Rules::raft_reconfiguration>},
                        {"3.9", "KAFKA-12670", "unclean_election_by_config",
                         "unclean.leader.election.enable is ignored", "is obeyed",
                         without<&Rules::unclean_election_by_config>},
                        {"4.0", "KIP-996", "raft_pre_vote", "a candidate disturbs at once",
                         "asks first whether it could win", without<&Rules::raft_pre_vote>},
                        {"4.0", "KIP-1030", "linger.ms", "0", "5",
                         [](Settings& s) { s.producer.linger = {}; }},
                        {"4.0", "KIP-1030", "message.timestamp.after.max.ms", "without limit",
                         "3600000", [](Settings& s) { s.topic.timestamp_after_max = kForever; }},
                        {"4.1", "KIP-966", "eligible_leader_replicas",
                         "the last in-sync replica stays in the ISR, whatever its disk lost",
                         "the ISR may be empty; an unclean restart ends eligibility",
                         without<&Rules::eligible_leader_replicas>},
                        {"4.1", "KAFKA-16538", "raft_version_upgrade",
                         "fixed voters stay fixed", "kraft.version 1 makes them dynamic",
                         without<&Rules::raft_version_upgrade>},
                        {"4.1", "KIP-1166", "raft_fetch_tells_high_watermark",
                         "a newer high watermark of the metadata waits for the next fetch",
                         "a fetch that waits is answered with it",
                         without<&Rules::raft_fetch_tells_high_watermark>},
                    });

}  // namespace

std::span<const RuleChange> all_rule_changes() { return kChanges; }

}  // namespace tribunal
