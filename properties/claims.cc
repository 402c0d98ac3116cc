#include "properties/claims.h"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "broker/base/check.h"
#include "properties/wording.h"

namespace tribunal {
namespace {

// Rows read like sentences without the qualifiers.
using enum Promise;
using enum Configuration;
using enum Circumstance;

// Sources: "Kafka" is Kafka's own documentation of design and configuration; KIP-966 is also
// Vanlightly's specification of it; "Jepsen" its Kafka workload.
//
// Why a leader change before a send excuses acks=1 too: a leader that is cut off from the
// controller goes on acknowledging until it learns, and then truncates. The same replica answers
// acks=all with an ISR of itself alone when an unclean election replaced it.
//
// Why an exhausted budget excuses every loss of the partition, whenever it was acknowledged: the
// facts keep the first instant only, and nothing says that a partition which recovered was not
// exhausted again. Records acknowledged before that instant are lost by it; later ones may be.
constexpr std::string_view kDeleted = "a deleted topic promises nothing";
constexpr std::string_view kMetadataLost =
    "nothing is promised once a majority of the controllers has lost its disk";
constexpr std::string_view kBelowLogStart =
    "retention and DeleteRecords remove what lies below the log start offset";
constexpr std::string_view kCompacted =
    "compaction removes a record once a later one of its key is committed, and expired tombstones";
constexpr std::string_view kCorrupted =
    "a disk that returned wrong bytes is beyond what replication promises";
constexpr std::string_view kExhausted =
    "replication promises nothing once every in-sync replica has lost unsynced data";

constexpr ClaimRow kRows[] = {
    {durable, acks_0, always, false,
     "acks=0 never learns whether the record was appended and promises nothing", "Kafka: acks"},
    {durable, any, never_in_range, false,
     "no consumer stood at or before the record and read on past it", "Kafka: auto.offset.reset"},
    {durable, any, offset_reset, false,
     "auto.offset.reset took the consumer past the record, which was not there yet when it read so "
     "far, and did so",
     "Kafka: auto.offset.reset; KIP-320"},
    {durable, any, deleted, false, kDeleted, "own"},
    {durable, any, metadata_lost, false, kMetadataLost, "own"},
    {durable, any, below_log_start, false, kBelowLogStart, "Kafka: retention.ms"},
    {durable, any, compacted, false, kCompacted, "Kafka: log compaction"},
    {durable, any, corrupted_disk, false, kCorrupted, "own"},
    {durable, acks_1, leader_change, false, "acks=1 promises nothing once the leader changes",
     "Kafka: acks"},
    {durable, acks_1, deposed_leader, false,
     "acks=1 promises nothing when a leader that was already replaced may have acknowledged",
     "Kafka: acks; KIP-966"},
    {durable, any, unclean_election, false,
     "an unclean election may take a leader that lacks acknowledged records",
     "Kafka: unclean.leader.election.enable"},
    {durable, any, deposed_by_unclean, false,
     "after an unclean election the old leader may acknowledge alone until it learns",
     "Kafka: unclean.leader.election.enable"},
    {durable, any, budget_exhausted, false, kExhausted, "KIP-966"},
    {durable, acks_1, always, true,
     "acks=1 promises that an acknowledged record stays while its leader stays", "Kafka: acks"},
    {durable, any, always, true,
     "acks=all promises that an acknowledged record stays while one in-sync replica keeps its data",
     "Kafka: acks"},

    {durable_healthy, acks_0, always, false,
     "acks=0 never learns whether the record was appended and promises nothing", "Kafka: acks"},
    {durable_healthy, any, deleted, false, kDeleted, "own"},
    {durable_healthy, any, below_log_start, false, kBelowLogStart, "Kafka: retention.ms"},
    {durable_healthy, any, compacted, false, kCompacted, "Kafka: log compaction"},
    {durable_healthy, any, always, true,
     "without a fault every acknowledged record stays, with acks=1 as with acks=all",
     "Jepsen: Bufstream 0.1.0"},

    {read_stays, any, deleted, false, kDeleted, "own"},
    {read_stays, any, metadata_lost, false, kMetadataLost, "own"},
    {read_stays, any, below_log_start, false, kBelowLogStart, "Kafka: retention.ms"},
    {read_stays, any, compacted, false, kCompacted, "Kafka: log compaction"},
    {read_stays, any, corrupted_disk, false, kCorrupted, "own"},
    {read_stays, any, unclean_election, false,
     "an unclean election may take a leader that lacks committed records",
     "Kafka: unclean.leader.election.enable"},
    {read_stays, any, deposed_by_unclean, false,
     "after an unclean election the old leader may serve its own records until it learns",
     "Kafka: unclean.leader.election.enable"},
    {read_stays, any, budget_exhausted, false, kExhausted, "KIP-966"},
    {read_stays, any, always, true,
     "consumers are given committed records only, whatever acks they were sent with",
     "Kafka: replication"},

    {read_genuine, any, always, true, "a log holds what its producers sent and nothing else",
     "own"},

    {read_intact, crcs_unchecked, corrupted_disk, false,
     "check.crcs=false hands a corrupted disk's bytes to the application", "Kafka: check.crcs"},
    {read_intact, any, always, true, "key, value and headers arrive as they were sent", "own"},

    {goes_forward, any, deleted, false, kDeleted, "own"},
    {goes_forward, any, metadata_lost, false, kMetadataLost, "own"},
    {goes_forward, any, offset_reset, false, "auto.offset.reset moved the consumer",
     "Kafka: auto.offset.reset"},
    {goes_forward, any, set_back, false,
     "a consumer goes back to where the log of a new leader parts from what it read", "KIP-320"},
    {goes_forward, any, corrupted_disk, false, kCorrupted, "own"},
    {goes_forward, any, unclean_election, false,
     "after an unclean election a consumer is set back to where the logs part", "KIP-320"},
    {goes_forward, any, deposed_by_unclean, false,
     "after an unclean election the old leader may serve its own records until it learns",
     "KIP-320"},
    {goes_forward, any, budget_exhausted, false, kExhausted, "KIP-966"},
    {goes_forward, any, always, true,
     "an assigned consumer that nobody seeks reads each offset once, in order",
     "Jepsen: nonmonotonic-poll"},

    {skips_nothing, any, deleted, false, kDeleted, "own"},
    {skips_nothing, any, metadata_lost, false, kMetadataLost, "own"},
    {skips_nothing, any, below_log_start, false, kBelowLogStart, "Kafka: retention.ms"},
    {skips_nothing, any, compacted, false, kCompacted, "Kafka: log compaction"},
    {skips_nothing, any, offset_reset, false, "auto.offset.reset moved the consumer",
     "Kafka: auto.offset.reset"},
    {skips_nothing, any, corrupted_disk, false, kCorrupted, "own"},
    {skips_nothing, any, unclean_election, false,
     "an unclean election may take a leader that lacks committed records", "KIP-320"},
    {skips_nothing, any, deposed_by_unclean, false,
     "after an unclean election the old leader may serve its own records until it learns",
     "KIP-320"},
    {skips_nothing, any, budget_exhausted, false, kExhausted, "KIP-966"},
    {skips_nothing, any, always, true,
     "an assigned consumer that nobody seeks is given every record that it passes",
     "Jepsen: poll-skip"},

    {send_order, idempotent, always, true,
     "an idempotent producer's records keep the order of the calls, retries included", "KIP-98"},
    {send_order, one_in_flight, always, true,
     "with max.in.flight.requests.per.connection=1 a retry goes before what was sent later",
     "Kafka: max.in.flight.requests.per.connection"},
    {send_order, no_retries, always, true, "with retries=0 nothing is sent a second time",
     "Kafka: retries"},
    {send_order, any, always, false,
     "without idempotence a retried batch may land behind later batches in flight",
     "Kafka: max.in.flight.requests.per.connection"},

    {append_order, any, always, true,
     "a leader appends at its log end, behind everything that it has acknowledged", "KIP-966; own"},

    {end_offset, any, deleted, false, kDeleted, "own"},
    {end_offset, any, metadata_lost, false, kMetadataLost, "own"},
    {end_offset, any, corrupted_disk, false, kCorrupted, "own"},
    {end_offset, any, stale_leader, false,
     "a leader that was already replaced answers from its own log until it learns", "KIP-207"},
    {end_offset, any, unclean_election, false,
     "an unclean election may take a leader that lacks committed records",
     "Kafka: unclean.leader.election.enable"},
    {end_offset, any, deposed_by_unclean, false,
     "after an unclean election the old leader may answer from its own log until it learns",
     "Kafka: unclean.leader.election.enable"},
    {end_offset, any, budget_exhausted, false, kExhausted, "KIP-966"},
    {end_offset, any, always, true,
     "the latest offset covers every record acknowledged with acks=all and never goes back",
     "KIP-207; KIP-966"},

    {one_value, any, always, true, "an offset names one record for good", "Kafka: log"},

    {told_offset, any, always, true, "an acknowledgement names the offset that the record has",
     "Kafka: produce response"},

    {sent_once, idempotent, metadata_lost, false, kMetadataLost, "own"},
    {sent_once, idempotent, corrupted_disk, false, kCorrupted, "own"},
    {sent_once, idempotent, unclean_election, false,
     "an unclean election may take a leader that does not know the producer's sequence numbers",
     "KIP-98; KIP-360"},
    {sent_once, idempotent, deposed_by_unclean, false,
     "an unclean election may take a leader that does not know the producer's sequence numbers",
     "KIP-98; KIP-360"},
    {sent_once, idempotent, budget_exhausted, false, kExhausted, "KIP-98; KIP-966"},
    {sent_once, idempotent, always, true,
     "an idempotent producer's retries are recognised by their sequence numbers", "KIP-98"},
    {sent_once, no_retries, always, true, "with retries=0 nothing is sent a second time",
     "Kafka: retries"},
    {sent_once, sent_in_one_request, always, true,
     "one request carried the record, and a broker appends a request once", "own"},
    {sent_once, any, always, false,
     "without idempotence a retry of a request that was appended appends it again",
     "Kafka: enable.idempotence"},

    {sequences_follow, any, metadata_lost, false, kMetadataLost, "own"},
    {sequences_follow, any, corrupted_disk, false, kCorrupted, "own"},
    {sequences_follow, any, producer_unknown, false,
     "a producer of which the log knows nothing may begin with any sequence number",
     "KIP-360; KAFKA-14359"},
    {sequences_follow, any, producer_expired, false,
     "a producer that wrote nothing for producer.id.expiration.ms is forgotten", "KIP-854"},
    {sequences_follow, any, always, true,
     "a leader refuses a batch whose predecessor is missing (OUT_OF_ORDER_SEQUENCE_NUMBER)",
     "KIP-98"},

    {one_partition, any, always, true,
     "a retry goes to the partition that was chosen at the first attempt", "Kafka: partitioner"},

    {consumer_progress, any, deleted, false, kDeleted, "own"},
    {consumer_progress, any, metadata_lost, false, kMetadataLost, "own"},
    {consumer_progress, any, corrupted_disk, false,
     "a consumer stops in front of a corrupted batch", "Kafka: check.crcs"},
    {consumer_progress, any, leaderless, false, "a partition without a leader serves nobody",
     "own"},
    {consumer_progress, any, always, true,
     "in a healed cluster a consumer reaches the end of its partitions", "Jepsen: Bufstream 0.1.0"},

    {send_answered, any, metadata_lost, false, kMetadataLost, "own"},
    {send_answered, any, leaderless, false,
     "a partition without a leader answers nobody until delivery.timeout.ms is over",
     "Kafka: delivery.timeout.ms"},
    {send_answered, any, always, true,
     "in a healed cluster every send is answered: acknowledged, refused or timed out",
     "KIP-966: EventuallyWriteIsAcceptedOrRejected"},

    {images_equal, any, always, true,
     "in a healed cluster every live broker catches up with the metadata log", "KIP-500; KIP-966"},

    {leader_elected, any, deleted, false, kDeleted, "own"},
    {leader_elected, any, metadata_lost, false, kMetadataLost, "own"},
    {leader_elected, any, corrupted_disk, false,
     "a replica whose disk failed is offline and cannot lead", "KIP-112"},
    {leader_elected, any, always, true, "in a healed cluster every partition has a leader",
     "KIP-996: EventuallyLeaderElected"},
};

// Rows of one promise stand together; the first one of each.
struct Ranges {
    std::uint8_t first[32] = {};
    std::uint8_t last[32] = {};
};
constexpr Ranges ranges() {
    Ranges r;
    for (std::uint8_t i = 0; i < std::size(kRows); ++i) {
        const auto promise = static_cast<std::size_t>(kRows[i].promise);
        if (r.last[promise] == 0) r.first[promise] = i;
        r.last[promise] = static_cast<std::uint8_t>(i + 1);
    }
    return r;
}
constexpr Ranges kRanges = ranges();

bool applies(Configuration configuration, const ClaimQuery& q) {
    switch (configuration) {
        case any:
            return true;
        case acks_0:
            return q.acks == 0;
        case acks_1:
            return q.acks == 1;
        case acks_all:
            return q.acks == -1;
        case idempotent:
            return q.idempotent;
        case one_in_flight:
            return q.max_in_flight <= 1;
        case no_retries:
            return q.retries == 0;
        case sent_in_one_request:
            return q.attempts == 1;
        case crcs_unchecked:
            return !q.check_crcs;
    }
    return false;
}

bool any_at_or_after(const std::vector<Instant>& ascending, Instant since) {
    return !ascending.empty() && ascending.back() >= since;
}
bool any_before(const std::vector<Instant>& ascending, Instant before) {
    return !ascending.empty() && ascending.front() < before;
}

bool applies(Circumstance circumstance, const ClaimQuery& q) {
    const PartitionFacts& facts = *q.facts;
    switch (circumstance) {
        case always:
            return true;
        case deleted:
            return facts.deleted;
        case below_log_start:
            // A record whose offset nobody knows may have been the first one to go.
            return q.offset == kNoOffset ? facts.log_start_offset > Offset{0}
                                         : q.offset < facts.log_start_offset;
        case compacted:
            // A record whose offset nobody knows may have been one of them.
            return q.offset == kNoOffset ? !facts.compacted.empty()
                                         : facts.is_compacted(q.offset) &&
                                               facts.compacted_at(q.offset) <= q.missed_at;
        case metadata_lost:
            return facts.metadata_lost_at != kNever;
        case corrupted_disk:
            return facts.corrupted_disk;
        case leader_change:
            return any_at_or_after(facts.leader_changes, q.since);
        case deposed_leader:
            return facts.deposed_leader_until >= q.since &&
                   any_before(facts.leader_changes, q.since);
        case unclean_election:
            return any_at_or_after(facts.unclean_elections, q.since);
        case deposed_by_unclean:
            return facts.deposed_leader_until >= q.since &&
                   any_before(facts.unclean_elections, q.since);
        case budget_exhausted:
            return facts.budget_exhausted_at != kNever;
        case stale_leader:
            return q.asked != kNever && facts.deposed_leader_until >= q.asked &&
                   !facts.leader_changes.empty() && facts.leader_changes.front() <= q.answered;
        case offset_reset:
            return q.reset_at != kNever;
        case set_back:
            return q.set_back_at != kNever;
        case never_in_range:
            return !q.was_in_range;
        case leaderless:
            return q.is_leaderless;
        case producer_unknown:
            return q.is_producer_unknown;
        case producer_expired:
            return q.is_producer_expired;
    }
    return false;
}

Instant first_at_or_after(const std::vector<Instant>& ascending, Instant since) {
    return *std::lower_bound(ascending.begin(), ascending.end(), since);
}
Instant last_before(const std::vector<Instant>& ascending, Instant before) {
    return *std::prev(std::lower_bound(ascending.begin(), ascending.end(), before));
}

// The instant of the fact that made the circumstance apply.
Instant instant_of(Circumstance circumstance, const ClaimQuery& q) {
    const PartitionFacts& facts = *q.facts;
    switch (circumstance) {
        case leader_change:
            return first_at_or_after(facts.leader_changes, q.since);
        case deposed_leader:
            return last_before(facts.leader_changes, q.since);
        case unclean_election:
            return first_at_or_after(facts.unclean_elections, q.since);
        case deposed_by_unclean:
            return last_before(facts.unclean_elections, q.since);
        case budget_exhausted:
            return facts.budget_exhausted_at;
        case metadata_lost:
            return facts.metadata_lost_at;
        case stale_leader:
            return *std::prev(std::upper_bound(facts.leader_changes.begin(),
                                               facts.leader_changes.end(), q.answered));
        case offset_reset:
            return q.reset_at;
        case set_back:
            return q.set_back_at;
        case compacted:
            return facts.compacted_at(q.offset);
        case always:
        case deleted:
        case below_log_start:
        case corrupted_disk:
        case never_in_range:
        case leaderless:
        case producer_unknown:
        case producer_expired:
            return kNever;
    }
    return kNever;
}

const ClaimRow& deciding_row(Promise promise, const ClaimQuery& q) {
    const auto p = static_cast<std::size_t>(promise);
    for (std::size_t i = kRanges.first[p]; i < kRanges.last[p]; ++i) {
        if (applies(kRows[i].configuration, q) && applies(kRows[i].circumstance, q)) {
            return kRows[i];
        }
    }
    check_failed("the last row of a promise always applies", __FILE__, __LINE__);
}

ClaimQuery query_of(const SendOp& send, const PartitionFacts& facts) {
    ClaimQuery q;
    q.facts = &facts;
    q.since = send.invoked;
    q.offset = send.offset;
    q.acks = send.acks;
    return q;
}

}  // namespace

std::span<const ClaimRow> claims_table() { return kRows; }

Claim claim_of(Promise promise, const ClaimQuery& query) {
    CHECK(query.facts != nullptr);
    const ClaimRow& row = deciding_row(promise, query);
    return {row.holds, &row, instant_of(row.circumstance, query), query.facts->log_start_offset};
}

std::string Claim::because() const {
    CHECK(row != nullptr);
    switch (row->circumstance) {
        case leader_change:
        case deposed_leader:
        case stale_leader:
            return fmt::format("{}: leader change at {}", row->because, seconds_text(at));
        case unclean_election:
        case deposed_by_unclean:
            return fmt::format("{}: unclean election at {}", row->because, seconds_text(at));
        case budget_exhausted:
            return fmt::format("{}: the last one did at {}", row->because, seconds_text(at));
        case metadata_lost:
            return fmt::format("{}, at {}", row->because, seconds_text(at));
        case offset_reset:
        case set_back:
            return fmt::format("{} at {}", row->because, seconds_text(at));
        case compacted:
            if (at == kNever) break;
            return fmt::format("{}: this one at {}", row->because, seconds_text(at));
        case below_log_start:
            return fmt::format("{}, which is {}", row->because, log_start_offset.value);
        case always:
        case deleted:
        case corrupted_disk:
        case never_in_range:
        case leaderless:
        case producer_unknown:
        case producer_expired:
            break;
    }
    return std::string(row->because);
}

Claim durable_claim(const SendOp& send, const PartitionFacts& facts) {
    return claim_of(durable, query_of(send, facts));
}

bool is_durable(const SendOp& send, const PartitionFacts& facts) {
    return deciding_row(durable, query_of(send, facts)).holds;
}

Claim read_claim(Offset offset, Instant sent, const PartitionFacts& facts) {
    ClaimQuery q;
    q.facts = &facts;
    q.since = sent;
    q.offset = offset;
    return claim_of(read_stays, q);
}

Claim order_claim(const ClientInfo& producer, const PartitionFacts& facts) {
    ClaimQuery q;
    q.facts = &facts;
    q.acks = producer.acks;
    q.idempotent = producer.idempotent;
    q.max_in_flight = producer.max_in_flight;
    q.retries = producer.retries;
    return claim_of(send_order, q);
}

Claim duplicate_claim(const ClientInfo& producer, const SendOp& send, const PartitionFacts& facts) {
    ClaimQuery q = query_of(send, facts);
    q.idempotent = producer.idempotent;
    q.retries = producer.retries;
    q.attempts = send.attempts;
    return claim_of(sent_once, q);
}

std::string_view name_of(Promise promise) {
    switch (promise) {
        case durable:
            return "acknowledged records stay";
        case durable_healthy:
            return "acknowledged records stay in a healthy run";
        case read_stays:
            return "records that were read stay";
        case read_genuine:
            return "reads are genuine";
        case read_intact:
            return "reads are intact";
        case goes_forward:
            return "consumers go forward";
        case skips_nothing:
            return "consumers skip nothing";
        case send_order:
            return "a producer's order is kept";
        case append_order:
            return "appends follow acknowledgements";
        case end_offset:
            return "end offsets are current";
        case one_value:
            return "an offset names one record";
        case told_offset:
            return "acknowledgements name the offset";
        case sent_once:
            return "records are not duplicated";
        case sequences_follow:
            return "sequence numbers have no gap";
        case one_partition:
            return "a record goes to one partition";
        case consumer_progress:
            return "consumers make progress";
        case send_answered:
            return "sends are answered";
        case images_equal:
            return "metadata converges";
        case leader_elected:
            return "leaders are elected";
    }
    return "";
}

std::string_view name_of(Configuration configuration) {
    switch (configuration) {
        case any:
            return "any";
        case acks_0:
            return "acks=0";
        case acks_1:
            return "acks=1";
        case acks_all:
            return "acks=all";
        case idempotent:
            return "enable.idempotence=true";
        case one_in_flight:
            return "max.in.flight.requests.per.connection=1";
        case no_retries:
            return "retries=0";
        case sent_in_one_request:
            return "sent in one request";
        case crcs_unchecked:
            return "check.crcs=false";
    }
    return "";
}

std::string_view name_of(Circumstance circumstance) {
    switch (circumstance) {
        case always:
            return "-";
        case deleted:
            return "topic deleted";
        case below_log_start:
            return "below the log start offset";
        case compacted:
            return "compacted";
        case metadata_lost:
            return "a majority of controllers lost its disk";
        case corrupted_disk:
            return "disk corrupted";
        case leader_change:
            return "leader change after the send";
        case deposed_leader:
            return "leader change before, old leader still answering";
        case unclean_election:
            return "unclean election after the send";
        case deposed_by_unclean:
            return "unclean election before, old leader still answering";
        case budget_exhausted:
            return "every in-sync replica lost unsynced data";
        case stale_leader:
            return "a replaced leader may have answered";
        case offset_reset:
            return "auto.offset.reset took effect";
        case set_back:
            return "set back to where the logs part";
        case never_in_range:
            return "never in range of a consumer";
        case leaderless:
            return "no leader at the end";
        case producer_unknown:
            return "producer unknown to the log";
        case producer_expired:
            return "producer idle for producer.id.expiration.ms";
    }
    return "";
}

}  // namespace tribunal
