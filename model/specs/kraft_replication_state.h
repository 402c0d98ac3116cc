// Kafka's data replication under the KRaft controller, after Vanlightly/kafka-tlaplus: what a state
// is. One partition, one controller, up to four brokers.
//
// Both versions of the specification (3.5 and KIP-966) share it; 3.5 leaves both ELRs empty. A
// state is plain bytes with nothing unused between them and everything beyond a size zero, so two
// states are equal when their bytes are. Whatever does not fit throws std::length_error; nothing is
// ever left out.
//
// Three variables of the specification follow from others and are not held twice:
//   con_unfenced            the brokers registered as UNFENCED
//   con_partition_metadata  the last record of con_metadata_log
//   broker_metadata_log[b]  a prefix of con_metadata_log, so its length says it all
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace tribunal::kraft_replication {

using Byte = std::uint8_t;
// Every number here is small; one that is not is an overflow, not a wrong answer.
Byte to_byte(int x);

using Broker = Byte;  // 0 is the specification's broker 1
inline constexpr Broker kMaxBrokers = 4;
inline constexpr Byte kMaxValues = 4;
inline constexpr Broker kNoLeader = 7;

using BrokerSet = Byte;
constexpr BrokerSet only(Broker b) { return static_cast<BrokerSet>(1u << b); }
constexpr bool has(BrokerSet set, Broker b) { return ((set >> b) & 1) != 0; }
constexpr BrokerSet joined(BrokerSet a, BrokerSet b) { return a | b; }
constexpr BrokerSet common(BrokerSet a, BrokerSet b) { return a & b; }
constexpr BrokerSet less(BrokerSet a, BrokerSet b) { return static_cast<BrokerSet>(a & ~b); }
constexpr bool within(BrokerSet a, BrokerSet b) { return less(a, b) == 0; }
constexpr int size_of(BrokerSet set) { return std::popcount(set); }

using ValueSet = Byte;  // value 1 is bit 0

// A PartitionChangeRecord; the last one is the controller's own view.
struct Partition {
    BrokerSet replicas = 0;
    BrokerSet isr = 0;
    BrokerSet elr = 0;
    BrokerSet last_known_elr = 0;
    Broker leader = kNoLeader;
    Byte leader_epoch = 0;
    Byte partition_epoch = 0;
    BrokerSet adding = 0;
    BrokerSet removing = 0;
};

struct MetadataLog {
    std::uint64_t size = 0;
    std::array<std::uint64_t, 23> records{};
    void append(const Partition& record);
    Partition at(int offset) const;  // the first is 1
    Partition last() const { return at(static_cast<int>(size)); }
    bool operator==(const MetadataLog&) const = default;
};

// messages and messages_discard in one sorted array: a message that was ever sent is in one of
// them, or in both when it was sent again. The words are those of kraft_replication_messages.h.
struct MessageSet {
    static constexpr std::uint64_t kInFlight = 1;
    static constexpr std::uint64_t kDiscarded = 2;
    std::uint64_t size = 0;
    std::array<std::uint64_t, 63> entries{};

    bool in_flight(std::size_t i) const { return (entries[i] & kInFlight) != 0; }
    bool discarded(std::size_t i) const { return (entries[i] & kDiscarded) != 0; }
    std::uint64_t message(std::size_t i) const { return entries[i] >> 2; }

    bool ever_sent(std::uint64_t message) const;
    void send(std::uint64_t message);
    void discard(std::uint64_t message);  // it must be in flight
    bool operator==(const MessageSet&) const = default;

  private:
    std::size_t place_of(std::uint64_t message) const;
};

enum class BrokerStatus : Byte { offline_clean, offline_dirty, starting, running };
enum class Role : Byte { none, leader, follower };

// One peer's fetcher. Offsets start at 1, so offset 0 says that the partition is not added.
struct Fetcher {
    Byte fetch_offset = 0;
    Byte last_fetched_epoch = 0;
    Byte delayed = 0;
    Byte pending_response = 0;
    bool has_partition() const { return fetch_offset != 0; }
    bool operator==(const Fetcher&) const = default;
};
struct ReplicaMetadata {
    BrokerSet replicas = 0;
    BrokerSet isr = 0;
    BrokerSet maximal_isr = 0;
    Broker leader = kNoLeader;
    Byte leader_epoch = 0;
    Byte partition_epoch = 0;
    bool operator==(const ReplicaMetadata&) const = default;
};
struct LogRecord {
    Byte epoch = 0;
    Byte value = 0;  // from 1; 0: no record
    bool operator==(const LogRecord&) const = default;
};
// What a leader knows of a follower.
struct Peer {
    Byte log_end_offset = 0;  // 0: not known
    Byte broker_epoch = 0;
    bool operator==(const Peer&) const = default;
};

// A broker and its replica of the partition.
struct BrokerSide {
    BrokerStatus status = BrokerStatus::offline_clean;
    Byte broker_epoch = 0;
    Byte incarnation_id = 0;
    Byte registered = 0;
    Byte metadata_log_size = 0;
    Role role = Role::none;
    ReplicaMetadata metadata{};
    Byte log_end_offset = 1;  // exclusive, as the high watermark is; the log's length plus 1
    Byte high_watermark = 1;
    Byte leader_epoch_start_offset = 0;  // 0: none
    Byte pending_alter_partition_epoch = 0;
    Byte floor_leader_offset = kNoOffset;  // lowest offset written in this unbroken leadership
    std::array<LogRecord, kMaxValues> log{};
    std::array<Fetcher, kMaxBrokers> fetchers{};
    std::array<Peer, kMaxBrokers> peers{};

    static constexpr Byte kNoOffset = 255;
    const LogRecord& record(int offset) const { return log[static_cast<std::size_t>(offset - 1)]; }
    bool is_offline() const {
        return status == BrokerStatus::offline_clean || status == BrokerStatus::offline_dirty;
    }
    bool is_running() const { return status == BrokerStatus::running; }
    bool awaits_alter_partition() const {
        return pending_alter_partition_epoch > metadata.partition_epoch;
    }
    Byte last_epoch() const { return log_end_offset == 1 ? 0 : record(log_end_offset - 1).epoch; }
    bool operator==(const BrokerSide&) const = default;
};

struct Registration {
    Byte unfenced = 0;
    Byte broker_epoch = 0;
    Byte incarnation_id = 0;
    bool operator==(const Registration&) const = default;
};

// aux_ctrs: what the limits limit.
struct Counters {
    Byte incarnation = 0;
    Byte clean_shutdown = 0;    // KIP-966: without data loss
    Byte unclean_shutdown = 0;  // KIP-966: with data loss
    Byte fence_broker = 0;
    Byte leader_shrink_isr = 0;
    Byte reassignment = 0;
    bool operator==(const Counters&) const = default;
};

struct State {
    MessageSet messages;
    MetadataLog metadata_log;
    std::array<std::uint64_t, kMaxBrokers> pending_request{};  // the message; 0: none
    std::array<BrokerSide, kMaxBrokers> brokers{};
    std::array<Registration, kMaxBrokers> registrations{};
    Byte broker_epoch = 0;  // aux_broker_epoch: the last one given away
    Counters counters;
    // What was sent, acknowledged and read: for the invariants only.
    ValueSet sent = 0;
    ValueSet positively_acknowledged = 0;
    ValueSet negatively_acknowledged = 0;
    Byte true_high_watermark = 0;
    std::array<LogRecord, kMaxValues> consumed{};  // of the offsets below true_high_watermark
    std::array<Byte, 5> unused{};                  // to whole words

    bool operator==(const State&) const = default;
};
static_assert(std::is_trivially_copyable_v<State>);
static_assert(std::has_unique_object_representations_v<State>);
static_assert(sizeof(State) % sizeof(std::uint64_t) == 0);

}  // namespace tribunal::kraft_replication
