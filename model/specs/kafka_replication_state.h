// How a state of the KafkaReplication family is packed into 64-bit words.
//
// One partition: every replica's log and its view of leader and ISR, the quorum ("ZooKeeper"), and
// every LeaderAndIsr request ever sent. The places depend on the constants, so small configurations
// are small (3 replicas, 2 slots, 2 records, 3 epochs: 75 bits). No part straddles two words.
// What the specification keeps twice is kept once: the quorum's leader epoch is always
// nextLeaderEpoch - 1, a request's epoch is its index, an unsent request and an unwritten slot
// are zero.
#pragma once

#include <array>
#include <cstdint>

namespace tribunal {

struct KafkaReplicationConstants {
    unsigned replicas = 0;
    unsigned log_size = 0;
    unsigned max_records = 0;
    unsigned max_leader_epoch = 0;  // epochs are 0..max_leader_epoch
};

struct KafkaReplicationLayout {
    static constexpr unsigned kMaxReplicas = 7;
    static constexpr unsigned kMaxLogSize = 16;
    static constexpr unsigned kMaxRecords = 64;
    static constexpr unsigned kMaxLeaderEpoch = 30;
    static constexpr unsigned kMaxWords = 8;

    struct Place {
        std::uint8_t word = 0;
        std::uint8_t shift = 0;
    };

    KafkaReplicationConstants constants;
    unsigned words = 0;  // needed; above kMaxWords the constants cannot be represented
    unsigned bits = 0;
    unsigned log_bits = 0;  // of one log; above 64 the constants cannot be represented

    // One replica's state, from bit 0: hw, endOffset, leaderEpoch + 1, leader + 1 (0: none), isr.
    std::array<Place, kMaxReplicas> local;
    unsigned end_shift = 0;
    unsigned epoch_shift = 0;
    unsigned leader_shift = 0;
    std::uint64_t offset_mask = 0;  // of hw and endOffset, shifted down
    std::uint64_t epoch_mask = 0;
    std::uint64_t leader_mask = 0;
    std::uint64_t isr_mask = 0;
    std::uint64_t local_mask = 0;  // of all of it

    // One log: log_size records from bit 0, each id | epoch << id_bits.
    std::array<Place, kMaxReplicas> log;
    unsigned record_bits = 0;
    unsigned id_bits = 0;
    std::uint64_t record_mask = 0;
    // log_prefix[n]: the bits of the first n records.
    std::array<std::uint64_t, kMaxLogSize + 1> log_prefix;

    // A request, by epoch: leader + 1, isr << leader_bits, as at the end of a replica's state.
    std::array<Place, kMaxLeaderEpoch + 1> request;
    unsigned leader_bits = 0;
    std::uint64_t request_mask = 0;

    // The quorum: as a request, then nextLeaderEpoch (its own epoch + 1), then nextRecordId.
    Place quorum;
    unsigned next_epoch_shift = 0;
    unsigned next_record_shift = 0;
    std::uint64_t next_record_mask = 0;
    std::uint64_t quorum_mask = 0;

    bool representable() const { return words <= kMaxWords && log_bits <= 64; }
};

// The constants must be within the bounds above.
KafkaReplicationLayout kafka_replication_layout(const KafkaReplicationConstants& constants);

}  // namespace tribunal
