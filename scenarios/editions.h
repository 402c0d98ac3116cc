// Editions of Kafka as bundles of the rules and defaults that its improvement proposals changed.
//
// An edition changes what is listed here and nothing else: it is how a bug of an old Kafka becomes
// a scenario that must fail under the old edition and pass under the new one.
//
// Deviation: enable.idempotence is true by default since 3.0 (KIP-679); the producer simulated so
// far is the plain one, under every edition.
// Deviation: before 2.1 a producer had no delivery.timeout.ms; records that wait for a leader are
// given up after 120 s under every edition.
// Deviation: the cluster is a KRaft cluster under every edition.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "broker/protocol/config.h"

namespace tribunal {

struct Settings;

struct Edition {
    std::string_view name;
    TruncationRule truncation;            // KIP-101 in 0.11, KIP-279 in 2.0, KIP-320 in 2.1
    bool unclean_leader_election_enable;  // true until KIP-106 in 0.11
    std::int32_t retries;                 // 0 until KIP-91 in 2.1, then without limit
    Duration replica_lag_time_max;        // 10 s until KIP-537 in 2.5, then 30 s
    std::int16_t acks;                    // 1 until KIP-679 in 3.0, then all
    bool exponential_backoff;             // retry.backoff.max.ms counts since KIP-580 in 3.7
    Duration linger;                      // 0 until KIP-1030 in 4.0, then 5 ms
};

// Oldest first.
std::span<const Edition> all_editions();
const Edition& newest_edition();
// Null when there is none of that name.
const Edition* find_edition(std::string_view name);
// True when `edition` is `since` or newer; an empty `since` is always there.
bool is_since(const Edition& edition, std::string_view since);

// Every setting as it is when nobody sets it.
Settings default_settings(const Edition& edition);

}  // namespace tribunal
