// What trace validation sees of a partition world: the present, and of the past what the present
// cannot be read without. Replicas are indices from 0 here, as in the specifications' states; -1 is
// none. trace_validation.h says how it relates to the specifications.
#pragma once

#include <array>
#include <span>
#include <vector>

#include "model/specs/kafka_replication_rules.h"
#include "model/worlds/partition_world.h"

namespace tribunal {

// A record by when it was written, and the real leader epoch that it was written in.
struct TraceRecord {
    std::int32_t id = 0;
    std::int32_t leader_epoch = 0;
    bool operator==(const TraceRecord&) const = default;
};
using TraceLog = std::vector<TraceRecord>;

struct TraceHistory {
    std::vector<std::int32_t> ids;            // of the records, by write; -1: not appended
    std::int32_t appended = 0;                // nextRecordId
    std::size_t controller_log = 0;           // records read
    std::vector<std::int32_t> epochs;         // abstract leader epoch, by partition epoch
    std::vector<std::int32_t> leader_epochs;  // real leader epoch, by abstract one
    PartitionImage image;                     // the controller's
    struct Replica {
        // While it leads: the log ends that the others have fetched; -1: none.
        std::array<std::int32_t, kMostCheckedBrokers> acknowledged{};
        std::uint32_t lagging = 0;  // those that had not fetched the log end when it last asked
        // Until it has found where to truncate: what it was when it began to.
        TraceLog log;
        std::int32_t high_watermark = 0;
        bool operator==(const Replica&) const = default;
    };
    std::vector<Replica> replicas;
    bool operator==(const TraceHistory&) const = default;
};
Digest128 digest_of(const TraceHistory& history);

enum class TraceRole : std::uint8_t {
    silent,  // down, or up and not told its role yet
    leader,
    leaderless,  // follows nobody
    truncating,  // follows, and has yet to find where to truncate
    fetching,
};

struct TraceReplica {
    TraceRole role = TraceRole::silent;
    int starts = 0;  // of its process
    int leader = -1;
    int leader_epoch = -1;
    int partition_epoch = -1;
    TraceLog log;
    unsigned high_watermark = 0;
    unsigned isr = 0;  // of a leader: the committed one, and what it asks for (or the same)
    unsigned asked_isr = 0;
    // In flight to it: an answer where to truncate; a fetch response, and what it is afterwards.
    bool is_told_where = false;
    const Deliver* fetched = nullptr;
    TraceLog log_then;
    unsigned high_watermark_then = 0;
};
using TraceObservation = std::vector<TraceReplica>;
TraceObservation observe(const PartitionWorld& world, const PartitionWorld::State& s,
                         const TraceHistory& history);

// What a real step certainly did, in order, as the specifications' actions.
using TraceEvents = std::vector<Action>;

// Takes the step into the history.
TraceEvents take(const PartitionWorld& world, const PartitionWorld::State& before, Action action,
                 const PartitionWorld::State& after, TraceHistory& history);
// The same for how the world comes up.
TraceEvents take_initial(const PartitionWorld& world, const PartitionWorld::State& s,
                         TraceHistory& history);
// And for what is seen only when a step's records have their numbers.
void remember(const TraceObservation& before, const TraceObservation& after, TraceHistory& history);

}  // namespace tribunal
