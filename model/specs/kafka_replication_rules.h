// In what the specifications of the KafkaReplication family differ, and how their states and steps
// read.
//
// A rule removed or exchanged is one field of KafkaReplicationRules changed: so every bug that one
// specification has and the next one has not is a value here.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/model.h"

namespace tribunal {

// What a leader knows of a follower that it counts as having the log up to some offset. Every test
// includes that the follower follows this leader and that both logs reach the offset.
enum class FollowerTest : std::uint8_t {
    leader,        // nothing else
    record_epoch,  // and the records before the offset are of one epoch
    leader_epoch,  // and the follower is in the leader's epoch
};

// Where a new follower cuts its log.
enum class KafkaTruncation : std::uint8_t {
    to_high_watermark,
    kip101,          // by the epoch of its last record; never when that is beyond its end
    kip101_clamped,  // then: at its end
    kip279,          // after the last record that both logs have
    kip320,          // the same, asked of a leader in the epoch of the request only
    on_fetch,        // not at all: later, when a fetch finds the logs apart
};

// The kinds of Action; the order of every variant's action_names().
enum class KafkaReplicationStep : std::uint16_t {
    controller_elect_leader,  // detail: the new leader
    controller_shrink_isr,    // detail: the replica
    become_leader,            // detail: the epoch
    leader_expand_isr,        // detail: follower << 4 | leader
    leader_shrink_isr,        // detail: follower << 4 | leader
    leader_write,             // detail: the leader
    leader_inc_high_watermark,
    become_follower,     // detail: epoch << 4 | replica
    follower_replicate,  // detail: follower << 4 | leader
    follower_truncate,   // detail: follower << 4 | leader; with on_fetch only
};

struct KafkaReplicationRules {
    KafkaTruncation truncation = KafkaTruncation::to_high_watermark;
    FollowerTest shrink_isr = FollowerTest::leader;
    FollowerTest expand_isr = FollowerTest::leader;
    FollowerTest inc_high_watermark = FollowerTest::leader;
    FollowerTest fetch = FollowerTest::leader;
    // No replica joins the ISR before the high watermark is in the leader's epoch (KAFKA-7128).
    bool expand_needs_high_watermark_in_epoch = false;
    std::span<const std::string_view> action_names;
};

KafkaReplicationRules kafka_truncate_to_high_watermark_rules();
KafkaReplicationRules kip101_rules();
KafkaReplicationRules kip279_rules();
KafkaReplicationRules kip320_first_try_rules();
KafkaReplicationRules kip320_rules();

// One rule of KIP-320 at a time can be taken away; every one of them is needed.
enum class Kip320Rule : std::uint8_t {
    none,
    same_epoch_truncation,  // instead: KIP-279's truncation
    hw_in_epoch_in_expand,
    epoch_in_inc_hw,
    epoch_in_fetch,
    epoch_in_expand,
};
KafkaReplicationRules kip320_rules_without(Kip320Rule rule);

// A state with its fields apart, for people and for whatever need not be fast.
struct KafkaReplicationVariables {
    struct Record {
        unsigned id = 0;
        unsigned epoch = 0;
    };
    struct Replica {
        std::vector<Record> log;
        unsigned hw = 0;
        int leader_epoch = -1;
        int leader = -1;
        unsigned isr = 0;
    };
    struct Request {
        int leader = -1;
        unsigned isr = 0;
    };
    std::vector<Replica> replicas;
    unsigned next_record_id = 0;
    std::vector<Request> requests;  // by epoch; their number is nextLeaderEpoch
    Request quorum;
};
StateText show_kafka_replication(const KafkaReplicationVariables& variables);
// truncate_to: of become_follower and follower_truncate.
std::string describe_kafka_replication(const KafkaReplicationVariables& variables,
                                       std::string_view name, Action action, unsigned truncate_to);

std::span<const PropertySpec> kafka_replication_properties();
// One conjunct an action: strong for the leader's, weak for following requests.
std::vector<FairnessClass> kafka_replication_fairness(const KafkaReplicationRules& rules);
std::uint64_t kafka_replication_fair_classes(Action action);

}  // namespace tribunal
