// What really happened in a run, beside what the clients saw: the ledger of faults per partition,
// configuration, and the state at the end. A verdict is (promise x configuration x these facts).
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "broker/protocol/ids.h"

namespace tribunal {

// A record that the cleaner of some replica removed, as it may: a later record of its key was
// committed, or it was a tombstone whose time was over. The first time that any replica did.
struct CompactedRecord {
    Offset offset;
    Instant at;
};

struct PartitionFacts {
    TopicPartition partition;
    std::string name;  // "orders-0"
    std::int32_t replication_factor = 1;
    std::int32_t min_insync_replicas = 1;
    bool unclean_leader_election_enabled = false;
    bool flush_every_message = false;  // log.flush.interval.messages = 1
    // Instants at which another leader (or none, or a new epoch) was chosen; ascending. The first
    // leader of a new partition is no change.
    std::vector<Instant> leader_changes;
    // The last instant at which a replica that the controller had already replaced still acted as
    // leader: it acknowledges acks=1 writes and answers list-offsets until it learns. kNever: not
    // watched, so it may be any; Instant{-1}: there was none.
    Instant deposed_leader_until = kNever;
    // Leaders chosen from outside the ISR; ascending.
    std::vector<Instant> unclean_elections;
    // From this instant on, every member of the controller's ISR had lost unsynced data (power loss
    // or wipe) and had not been proven caught up since: the loss budget of acks=all is used up
    // ("last replica standing", or power loss of all replicas). kNever: never.
    Instant budget_exhausted_at = kNever;
    // Lowest offset still readable: retention and DeleteRecords remove what is below legally.
    Offset log_start_offset{0};
    // Ascending by offset. Whoever read a replica after that may not have seen the record.
    std::vector<CompactedRecord> compacted;
    // A disk returned wrong bytes for this partition.
    bool corrupted_disk = false;
    // Deleted during the run: nothing of it is promised any more.
    bool deleted = false;
    // A majority of the controllers lost its disk, so that the metadata may have gone back; the
    // same instant for every partition.
    Instant metadata_lost_at = kNever;

    bool is_compacted(Offset offset) const { return compacted_at(offset) != kNever; }
    Instant compacted_at(Offset offset) const {  // kNever: it was not
        const auto it = std::partition_point(
            compacted.begin(), compacted.end(),
            [&](const CompactedRecord& record) { return record.offset < offset; });
        return it != compacted.end() && it->offset == offset ? it->at : kNever;
    }
};

struct StuckConsumer {
    std::string consumer;
    TopicPartition partition;
    Offset position;
    Offset end_offset;
};

struct RunFacts {
    bool any_fault = false;          // false: a healthy run (D9)
    std::uint32_t live_brokers = 0;  // whose images were compared at the end (L5); 0 not known
    bool converged = true;           // the heal phase reached quiescence within its bound
    std::string unconverged;         // what was still moving, in a phrase; empty when converged
    std::vector<PartitionFacts> partitions;
    // The state at the end of the heal phase.
    std::vector<TopicPartition> leaderless;
    std::vector<NodeId> stale_images;  // live brokers whose image is behind the controller's
    std::vector<StuckConsumer> stuck_consumers;
    std::uint64_t leader_elections = 0;
    std::uint64_t metadata_records = 0;
    Duration producer_id_expiration = seconds(24 * 3600);  // producer.id.expiration.ms
    // Names for messages; index is TopicId.
    std::vector<std::string> topic_names;

    const PartitionFacts* find(TopicPartition tp) const {
        for (const PartitionFacts& p : partitions) {
            if (p.partition == tp) return &p;
        }
        return nullptr;
    }
};

}  // namespace tribunal
