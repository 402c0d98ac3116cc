// What a client does besides sending and polling, for the history.
#pragma once

#include <cstdint>

namespace tribunal {

enum class ClientOpKind : std::uint8_t {
    assign,
    seek,
    commit,
    fetch_committed,
    list_offsets_latest,
    list_offsets_earliest,
    reset,       // auto.offset.reset took effect
    truncation,  // the log was cut below the position, which went back to there (KIP-320)
    create_topic,
    delete_topic,
    list_topics,
    describe_topic,
    create_partitions,
    alter_partition_reassignments,
    list_partition_reassignments,
    elect_leaders,
    alter_configs,
    update_features,
    unregister_broker,
    delete_records,
    add_raft_voter,
    remove_raft_voter
};

}  // namespace tribunal
