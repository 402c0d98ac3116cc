// The storage monitor's naive twin, for tests: keeps every observed state of one partition in full,
// record by record, and evaluates the definitions by brute force. Slow on purpose; where it and the
// monitor differ, one of them is wrong.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "properties/cluster_view.h"
#include "properties/storage_monitor.h"

namespace tribunal {

class NaiveStorage {
  public:
    struct Item {  // a record
        std::optional<std::string> key;
        bool is_tombstone = false;
        std::int64_t timestamp = 0;
        std::uint32_t content = 0;
        std::int64_t uid = -1;
        bool operator==(const Item&) const = default;
    };
    struct Replica {
        std::int32_t node = 0;
        bool running = false;
        bool is_leader = false;
        std::int32_t leader_epoch = -1;
        std::int64_t high_watermark = 0;
        std::int64_t start = 0;
        std::int64_t end = 0;
        std::int64_t recovery_point = 0;
        std::int64_t checkpointed_high_watermark = 0;
        std::int64_t checkpointed_recovery_point = 0;
        std::int64_t checkpointed_start = 0;
        std::int64_t cleaner_checkpoint = -1;
        std::int64_t wall_clock = 0;
        TopicConfig topic;
        std::vector<std::int64_t> bases;  // of segments
        std::map<std::int64_t, RecordBatch> batches;
        std::map<std::int64_t, Item> items;
        std::vector<EpochEntry> epochs;

        std::int64_t segment_of(std::int64_t offset) const;  // its base
        std::int64_t size_from(std::int64_t base) const;     // bytes of it and all above
        std::int64_t size_of(std::int64_t base) const;
        std::int64_t newest_in(std::int64_t base) const;  // timestamp
        std::int64_t end_of(std::int64_t base) const;
    };
    struct State {
        Instant now;
        std::int32_t leader = -1;
        std::int32_t leader_epoch = 0;
        std::vector<Replica> replicas;
        std::map<std::int32_t, StorageLoss> went_down;  // since the state before
    };

    void on_crash(NodeId node, StorageLoss loss);
    void observe(Instant now, const PartitionView& view);

    // Ids of the properties that are broken: of S1-S5, S7 (the early side), S8 (without
    // DeleteRecords), S11, S13 and S14, of data that no transaction wrote.
    std::set<std::string> broken() const;

  private:
    struct Step;
    void check_committed(std::set<std::string>& broken) const;

    std::vector<State> states_;
    std::map<std::int32_t, StorageLoss> went_down_;
};

}  // namespace tribunal
