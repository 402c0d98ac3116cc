// The table of claims, row by row: what each configuration promises under which faults, and the
// sentence that says so.
#include "properties/claims.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

namespace tribunal {
namespace {

constexpr Instant at(std::int64_t s) { return Instant{s * 1'000'000'000}; }

struct Faults {
    std::vector<Instant> leader_changes = {};
    Instant deposed_until = Instant{-1};
    std::vector<Instant> unclean = {};
    Instant budget = kNever;
    Offset log_start = Offset{0};
    bool corrupted = false;
    bool deleted = false;
    Instant metadata_lost = kNever;
};

PartitionFacts facts_of(const Faults& f) {
    PartitionFacts facts;
    facts.name = "orders-0";
    facts.leader_changes = f.leader_changes;
    facts.deposed_leader_until = f.deposed_until;
    facts.unclean_elections = f.unclean;
    facts.budget_exhausted_at = f.budget;
    facts.log_start_offset = f.log_start;
    facts.corrupted_disk = f.corrupted;
    facts.deleted = f.deleted;
    facts.metadata_lost_at = f.metadata_lost;
    return facts;
}

struct Case {
    const char* name;
    Faults faults;
    // A record sent at 5 s, acknowledged at offset 41: does it stay, with acks = 0, 1, all? And one
    // that was read?
    bool acks_0, acks_1, acks_all, read;
    const char* because;  // of acks=1, or of the read when acks=1 stays
};

const Case kCases[] = {
    {"no fault",
     {},
     false,
     true,
     true,
     true,
     "acks=1 promises that an acknowledged record stays while its leader stays"},
    {"leader change after the send",
     {.leader_changes = {at(2), at(7), at(9)}},
     false,
     false,
     true,
     true,
     "acks=1 promises nothing once the leader changes: leader change at 7.000 s"},
    {"leader change at the very instant",
     {.leader_changes = {at(5)}},
     false,
     false,
     true,
     true,
     "acks=1 promises nothing once the leader changes: leader change at 5.000 s"},
    {"leader change before, noticed by all",
     {.leader_changes = {at(2)}},
     false,
     true,
     true,
     true,
     "acks=1 promises that an acknowledged record stays while its leader stays"},
    {"leader change before, noticed later",
     {.leader_changes = {at(2), at(4)}, .deposed_until = at(5)},
     false,
     false,
     true,
     true,
     "acks=1 promises nothing when a leader that was already replaced may have acknowledged: "
     "leader change at 4.000 s"},
    {"leader change before, noticed just before the send",
     {.leader_changes = {at(2)}, .deposed_until = at(4)},
     false,
     true,
     true,
     true,
     "acks=1 promises that an acknowledged record stays while its leader stays"},
    {"leader change before, nobody watched",
     {.leader_changes = {at(2)}, .deposed_until = kNever},
     false,
     false,
     true,
     true,
     "acks=1 promises nothing when a leader that was already replaced may have acknowledged: "
     "leader change at 2.000 s"},
    {"unclean election after the send",
     {.leader_changes = {at(8)}, .unclean = {at(8)}},
     false,
     false,
     false,
     false,
     "acks=1 promises nothing once the leader changes: leader change at 8.000 s"},
    {"unclean election at the very instant",
     {.unclean = {at(5)}},
     false,
     false,
     false,
     false,
     "an unclean election may take a leader that lacks acknowledged records: unclean election at "
     "5.000 s"},
    {"unclean election before, noticed by all",
     {.unclean = {at(2)}},
     false,
     true,
     true,
     true,
     "acks=1 promises that an acknowledged record stays while its leader stays"},
    {"unclean election before, noticed later",
     {.deposed_until = at(6), .unclean = {at(2)}},
     false,
     false,
     false,
     false,
     "after an unclean election the old leader may acknowledge alone until it learns: unclean "
     "election at 2.000 s"},
    // Only the first instant is known, so a later exhaustion cannot be ruled out.
    {"budget exhausted before",
     {.budget = at(1)},
     false,
     false,
     false,
     false,
     "replication promises nothing once every in-sync replica has lost unsynced data: the last one "
     "did at 1.000 s"},
    {"budget exhausted after",
     {.budget = at(9)},
     false,
     false,
     false,
     false,
     "replication promises nothing once every in-sync replica has lost unsynced data: the last one "
     "did at 9.000 s"},
    {"removed by retention",
     {.log_start = Offset{42}},
     false,
     false,
     false,
     false,
     "retention and DeleteRecords remove what lies below the log start offset, which is 42"},
    {"at the log start",
     {.log_start = Offset{41}},
     false,
     true,
     true,
     true,
     "acks=1 promises that an acknowledged record stays while its leader stays"},
    {"corrupted disk",
     {.corrupted = true},
     false,
     false,
     false,
     false,
     "a disk that returned wrong bytes is beyond what replication promises"},
    {"deleted", {.deleted = true}, false, false, false, false, "a deleted topic promises nothing"},
    {"metadata lost",
     {.metadata_lost = at(3)},
     false,
     false,
     false,
     false,
     "nothing is promised once a majority of the controllers has lost its disk, at 3.000 s"},
};

TEST(Claims, a_record_stays_as_configuration_and_faults_have_it) {
    for (const Case& c : kCases) {
        const PartitionFacts facts = facts_of(c.faults);
        SendOp send;
        send.invoked = at(5);
        send.completed = at(6);
        send.offset = Offset{41};
        const auto durable = [&](std::int8_t acks) {
            send.acks = acks;
            EXPECT_EQ(is_durable(send, facts), durable_claim(send, facts).holds);
            return durable_claim(send, facts);
        };
        EXPECT_EQ(durable(0).holds, c.acks_0) << c.name;
        EXPECT_EQ(durable(1).holds, c.acks_1) << c.name;
        EXPECT_EQ(durable(-1).holds, c.acks_all) << c.name;
        EXPECT_EQ(read_claim(Offset{41}, at(5), facts).holds, c.read) << c.name;
        EXPECT_EQ(durable(1).because(), c.because) << c.name;
    }
}

TEST(Claims, a_record_of_unknown_offset_may_have_been_the_first_that_retention_took) {
    SendOp send;
    send.acks = -1;
    send.offset = kNoOffset;
    EXPECT_TRUE(durable_claim(send, facts_of({})).holds);
    EXPECT_FALSE(durable_claim(send, facts_of({.log_start = Offset{1}})).holds);
}

TEST(Claims, order_needs_idempotence_or_one_request_in_flight_or_no_retries) {
    const PartitionFacts facts = facts_of({});
    ClientInfo producer;
    producer.max_in_flight = 5;
    producer.retries = 3;
    EXPECT_FALSE(order_claim(producer, facts).holds);
    EXPECT_EQ(order_claim(producer, facts).because(),
              "without idempotence a retried batch may land behind later batches in flight");
    ClientInfo idempotent = producer;
    idempotent.idempotent = true;
    EXPECT_TRUE(order_claim(idempotent, facts).holds);
    ClientInfo patient = producer;
    patient.max_in_flight = 1;
    EXPECT_TRUE(order_claim(patient, facts).holds);
    ClientInfo modest = producer;
    modest.retries = 0;
    EXPECT_TRUE(order_claim(modest, facts).holds);
}

TEST(Claims, duplicates_are_excluded_by_idempotence_or_where_nothing_was_sent_again) {
    ClientInfo producer;
    producer.retries = 3;
    SendOp send;
    send.invoked = at(5);
    send.attempts = 2;
    EXPECT_FALSE(duplicate_claim(producer, send, facts_of({})).holds);
    send.attempts = 0;  // not recorded
    EXPECT_FALSE(duplicate_claim(producer, send, facts_of({})).holds);
    send.attempts = 1;
    EXPECT_TRUE(duplicate_claim(producer, send, facts_of({})).holds);
    send.attempts = 2;
    producer.retries = 0;
    EXPECT_TRUE(duplicate_claim(producer, send, facts_of({})).holds);
    producer.retries = 3;
    producer.idempotent = true;
    EXPECT_TRUE(duplicate_claim(producer, send, facts_of({})).holds);
    EXPECT_TRUE(duplicate_claim(producer, send, facts_of({.leader_changes = {at(7)}})).holds);
    EXPECT_FALSE(duplicate_claim(producer, send, facts_of({.unclean = {at(7)}})).holds);
    EXPECT_FALSE(duplicate_claim(producer, send, facts_of({.budget = at(7)})).holds);
}

// A replaced leader answers from its own log until it learns; who asks later is told the truth.
TEST(Claims, an_end_offset_may_be_stale_while_a_deposed_leader_answers) {
    const auto holds = [](Instant asked, Instant answered, const Faults& faults) {
        const PartitionFacts facts = facts_of(faults);
        ClaimQuery query;
        query.facts = &facts;
        query.since = at(1);
        query.asked = asked;
        query.answered = answered;
        return claim_of(Promise::end_offset, query).holds;
    };
    const Faults faults{.leader_changes = {at(4)}, .deposed_until = at(6)};
    EXPECT_TRUE(holds(at(2), at(3), faults));
    EXPECT_FALSE(holds(at(2), at(4), faults));
    EXPECT_FALSE(holds(at(5), at(5), faults));
    EXPECT_FALSE(holds(at(6), at(8), faults));
    EXPECT_TRUE(holds(at(7), at(8), faults));
}

TEST(Claims, every_promise_ends_with_a_row_that_always_applies) {
    std::set<Promise> ended;
    const auto table = claims_table();
    for (std::size_t i = 0; i < table.size(); ++i) {
        const ClaimRow& row = table[i];
        EXPECT_FALSE(ended.contains(row.promise)) << "rows of a promise stand together, last last";
        EXPECT_FALSE(row.because.empty());
        EXPECT_FALSE(row.source.empty());
        EXPECT_NE(row.because.back(), '.') << row.because;
        EXPECT_FALSE(name_of(row.promise).empty());
        EXPECT_FALSE(name_of(row.configuration).empty());
        EXPECT_FALSE(name_of(row.circumstance).empty());
        const bool is_last = i + 1 == table.size() || table[i + 1].promise != row.promise;
        if (!is_last) continue;
        ended.insert(row.promise);
        EXPECT_EQ(row.configuration, Configuration::any) << name_of(row.promise);
        EXPECT_EQ(row.circumstance, Circumstance::always) << name_of(row.promise);
    }
    EXPECT_TRUE(ended.contains(Promise::leader_elected));
}

TEST(Claims, errors_of_a_write_are_sorted_by_what_they_prove) {
    struct Row {
        ErrorCode error;
        Outcome outcome;
    };
    constexpr Row kRows[] = {
        {ErrorCode::none, Outcome::ok},
        {ErrorCode::duplicate_sequence_number, Outcome::ok},
        {ErrorCode::not_enough_replicas, Outcome::fail},
        {ErrorCode::not_enough_replicas_after_append, Outcome::info},
        {ErrorCode::not_leader_or_follower, Outcome::info},
        {ErrorCode::request_timed_out, Outcome::info},
        {ErrorCode::network_exception, Outcome::info},
        {ErrorCode::unknown_server_error, Outcome::info},
        {ErrorCode::kafka_storage_error, Outcome::info},
        {ErrorCode::message_too_large, Outcome::fail},
        {ErrorCode::invalid_record, Outcome::fail},
        {ErrorCode::record_list_too_large, Outcome::fail},
        {ErrorCode::invalid_timestamp, Outcome::fail},
        {ErrorCode::unsupported_compression_type, Outcome::fail},
        {ErrorCode::policy_violation, Outcome::fail},
        {ErrorCode::unknown_producer_id, Outcome::fail},
        {ErrorCode::invalid_producer_epoch, Outcome::fail},
        {ErrorCode::producer_fenced, Outcome::fail},
        {ErrorCode::invalid_txn_state, Outcome::fail},
        {ErrorCode::unknown_topic_or_partition, Outcome::fail},
        {ErrorCode::out_of_order_sequence_number, Outcome::fail},
        {ErrorCode::invalid_topic_exception, Outcome::fail},
        {ErrorCode::invalid_replication_factor, Outcome::fail},
        {ErrorCode::not_controller, Outcome::fail},
        {ErrorCode::broker_not_available, Outcome::fail},
    };
    for (const Row& row : kRows) {
        EXPECT_EQ(outcome_of(row.error), row.outcome) << name_of(row.error);
    }
}

}  // namespace
}  // namespace tribunal
