// Editions of Kafka as bundles of the rules and defaults that its improvement proposals changed.
//
// An edition is the last patch release of its number. It changes what edition_rules.h lists and
// nothing else: it is how a bug of an old Kafka
// becomes a scenario that must fail under the old edition and pass under the new one.
//
// Deviation: before 2.1 a producer had no delivery.timeout.ms; records that wait for a leader are
// given up after 120 s under every edition.
// Deviation: the cluster is a KRaft cluster under every edition. Before 3.0 its controller obeys
// unclean.leader.election.enable and balances leaders as the ZooKeeper controller did.
#pragma once

#include <span>
#include <string_view>

#include "broker/protocol/config.h"

namespace tribunal {

struct Settings;

struct Edition {
    std::string_view name;
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
