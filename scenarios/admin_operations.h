// What an admin can be told to do: the key of a step, and the release that brought it.
#pragma once

#include <span>
#include <string_view>

#include "broker/protocol/client_operation.h"
#include "scenarios/scenario.h"

namespace tribunal {

struct AdminOperation {
    AdminOp op;
    ClientOpKind kind;           // as the history has it
    std::string_view key;        // "elect_leaders"
    std::string_view since;      // the first edition that has it; empty: all have
    std::string_view proposal;   // "KIP-183"
    std::string_view example{};  // of what it takes, as JSON
};

// In the order of AdminOp.
std::span<const AdminOperation> all_admin_operations();
const AdminOperation& operation_of(AdminOp op);

// Options that are younger than their operation.
inline constexpr AdminOperation kUncleanElection{
    AdminOp::elect_leaders, ClientOpKind::elect_leaders, "election_type unclean", "2.4", "KIP-460"};
inline constexpr AdminOperation kFixedReplicationFactor{
    AdminOp::alter_partition_reassignments, ClientOpKind::alter_partition_reassignments,
    "allow_replication_factor_change", "4.1", "KIP-860"};

}  // namespace tribunal
