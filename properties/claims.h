// Which promise holds under which configuration and which faults: the table of claims, as data.
//
// Every checker asks it before a finding counts: a loss that this configuration never excluded
// under the faults that really happened is ALLOWED, not FAIL. A claim that is wrong on the strict
// side is a false alarm, so wherever the facts are too coarse to decide, the table allows.
//
// The first row of a promise whose configuration and circumstance both apply decides; the last row
// of each promise always applies.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "properties/facts.h"
#include "properties/history.h"

namespace tribunal {

enum class Promise : std::uint8_t {
    durable,            // an acknowledged record stays in the log
    durable_healthy,    // the same in a run without any fault
    read_stays,         // a record that a consumer was given stays where it was
    read_genuine,       // a consumer is given only what was sent to that partition
    read_intact,        // with the bytes that were sent
    goes_forward,       // a consumer that is left alone never goes back
    skips_nothing,      // and passes over no record
    send_order,         // records of one producer that are under way together keep their order
    append_order,       // a record sent after another was acknowledged stands behind it
    end_offset,         // the latest offset covers what was acknowledged and never goes back
    one_value,          // an offset names one record for good
    told_offset,        // an acknowledgement names the record's offset
    sent_once,          // a record stands in the log once
    sequences_follow,   // a producer's batches stand in the log without a gap in their numbers
    one_partition,      // and in one partition
    consumer_progress,  // after healing, consumers reach the end,
    send_answered,      // every send is answered,
    images_equal,       // every broker has the controller's image,
    leader_elected,     // and every partition has a leader
};
std::string_view name_of(Promise promise);

// When a row applies, as far as configuration goes.
enum class Configuration : std::uint8_t {
    any,
    acks_0,
    acks_1,
    acks_all,
    idempotent,
    one_in_flight,        // max.in.flight.requests.per.connection = 1
    no_retries,           // retries = 0
    sent_in_one_request,  // whatever retries allows, one request only carried the record
    crcs_unchecked,       // a consumer with check.crcs = false
};
std::string_view name_of(Configuration configuration);

// When a row applies, as far as the faults that happened go. "Exposed" is the time from the
// record's send (or the call) on.
enum class Circumstance : std::uint8_t {
    always,
    deleted,             // the topic was deleted
    below_log_start,     // retention or DeleteRecords took it
    compacted,           // the cleaner took it, as it may
    metadata_lost,       // a majority of the controllers lost its disk
    corrupted_disk,      // a disk of the partition returned wrong bytes
    leader_change,       // another leader was chosen while exposed
    deposed_leader,      // or before, and the old one may still have been answering
    unclean_election,    // a leader from outside the ISR was chosen while exposed
    deposed_by_unclean,  // or before, and the old one may still have been answering
    budget_exhausted,    // every ISR member had lost unsynced data
    stale_leader,        // a replaced leader may have answered the call
    offset_reset,        // auto.offset.reset took effect
    set_back,            // the leader told the consumer where the logs part
    never_in_range,      // no consumer stood at or before the offset and read on
    leaderless,          // the partition has no leader at the end
    producer_unknown,    // nothing in the log told of the producer
    producer_expired,    // it wrote nothing for producer.id.expiration.ms
};
std::string_view name_of(Circumstance circumstance);

struct ClaimRow {
    Promise promise;
    Configuration configuration;
    Circumstance circumstance;
    bool holds;
    std::string_view because;  // the rule, as a clause that a sentence can end with
    std::string_view source;   // of the rule, in Kafka's documents or the literature
};
// In the order of evaluation; for `tribunal list properties` and the reports.
std::span<const ClaimRow> claims_table();

// What the rows ask about. Fields that a promise does not ask about may stay as they are.
struct ClaimQuery {
    const PartitionFacts* facts = nullptr;  // never null
    Instant since;                          // the record's or the earlier call's invocation
    Offset offset = kNoOffset;              // kNoOffset: not known
    std::int8_t acks = -1;
    bool idempotent = false;
    std::int32_t max_in_flight = 5;
    std::int32_t retries = 0;
    std::int32_t attempts = 0;  // requests that carried the record; 0 not known
    bool check_crcs = true;
    Instant asked = kNever;  // of a call that a replaced leader may have answered; kNever: none
    Instant answered = kNever;
    Instant reset_at = kNever;     // when auto.offset.reset took effect; kNever: it did not
    Instant set_back_at = kNever;  // to where the logs part, and no further; kNever: it was not
    bool was_in_range = true;
    bool is_leaderless = false;
    Instant missed_at = kNever;  // when a poll passed over it; kNever: it is missing at the end
    bool is_producer_unknown = false;
    bool is_producer_expired = false;
};

struct Claim {
    bool holds = true;
    const ClaimRow* row = nullptr;
    Instant at = kNever;  // of the fact that decided; kNever: there is none
    Offset log_start_offset = kNoOffset;
    // "acks=1 promises nothing once the leader changes: leader change at 2.000 s"
    std::string because() const;
};
Claim claim_of(Promise promise, const ClaimQuery& query);

// The usual questions.
Claim durable_claim(const SendOp& send, const PartitionFacts& facts);
bool is_durable(const SendOp& send, const PartitionFacts& facts);  // durable_claim().holds
// `sent`: the invocation of the send that the record comes from; Instant{0} when nobody sent it.
Claim read_claim(Offset offset, Instant sent, const PartitionFacts& facts);
Claim order_claim(const ClientInfo& producer, const PartitionFacts& facts);
Claim duplicate_claim(const ClientInfo& producer, const SendOp& send, const PartitionFacts& facts);

}  // namespace tribunal
