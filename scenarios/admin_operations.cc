// The table of an admin's operations. What was there before AdminClient (0.11, KIP-117) had a tool
// that asked the controller by other means; here they all go the one way.
#include "scenarios/admin_operations.h"

#include <array>

#include "broker/base/check.h"

namespace tribunal {
namespace {

constexpr std::array kOperations = std::to_array<AdminOperation>({
    {AdminOp::create_topic, ClientOpKind::create_topic, "create_topic", "", "KIP-4",
     R"({"name": "late", "partitions": 3, "replication.factor": 2})"},
    {AdminOp::delete_topic, ClientOpKind::delete_topic, "delete_topic", "", "KIP-4", R"("orders")"},
    {AdminOp::list_topics, ClientOpKind::list_topics, "list_topics", "", "KIP-4", R"(true)"},
    {AdminOp::describe_topic, ClientOpKind::describe_topic, "describe_topic", "", "KIP-4",
     R"("orders")"},
    {AdminOp::create_partitions, ClientOpKind::create_partitions, "create_partitions", "1.0",
     "KIP-195", R"({"topic": "orders", "partitions": 6})"},
    {AdminOp::alter_partition_reassignments, ClientOpKind::alter_partition_reassignments,
     "alter_partition_reassignments", "2.4", "KIP-455",
     R"({"orders-0": [3, 1], "orders-1": null})"},
    {AdminOp::list_partition_reassignments, ClientOpKind::list_partition_reassignments,
     "list_partition_reassignments", "2.4", "KIP-455", R"(true)"},
    {AdminOp::elect_leaders, ClientOpKind::elect_leaders, "elect_leaders", "2.2", "KIP-183",
     R"({"election_type": "preferred", "partitions": ["orders-0"]})"},
    {AdminOp::alter_configs, ClientOpKind::alter_configs, "alter_configs", "2.3", "KIP-339",
     R"({"topic": "orders", "add_config": {"flush.messages": 1}})"},
    {AdminOp::update_features, ClientOpKind::update_features, "update_features", "2.7", "KIP-584",
     R"({"metadata.version": "3.3-IV3", "upgrade_type": "upgrade"})"},
    {AdminOp::unregister_broker, ClientOpKind::unregister_broker, "unregister_broker", "2.8",
     "KIP-631", R"(3)"},
    {AdminOp::delete_records, ClientOpKind::delete_records, "delete_records", "0.11", "KIP-107",
     R"({"orders-0": 100, "orders-1": -1})"},
    {AdminOp::add_raft_voter, ClientOpKind::add_raft_voter, "add_raft_voter", "3.9", "KIP-853",
     R"(102)"},
    {AdminOp::remove_raft_voter, ClientOpKind::remove_raft_voter, "remove_raft_voter", "3.9",
     "KIP-853", R"({"controller_id": 102, "controller_directory_id": 1})"},
});

}  // namespace

std::span<const AdminOperation> all_admin_operations() { return kOperations; }

const AdminOperation& operation_of(AdminOp op) {
    const AdminOperation& operation = kOperations.at(static_cast<std::size_t>(op));
    CHECK(operation.op == op);
    return operation;
}

}  // namespace tribunal
