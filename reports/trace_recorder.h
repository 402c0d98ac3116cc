// A second look at a run, for people: the messages around each violation, and how every partition's
// replicas moved. Runs beside the same seed again, so the first, judged run stays fast.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "reports/report.h"
#include "sim/world.h"

namespace tribunal {

class TraceRecorder final : public Observer {
  public:
    // A span of time whose messages are kept, for a violation.
    struct Window {
        std::string violation;  // "V1"
        Instant from;
        Instant until;
    };
    explicit TraceRecorder(std::vector<Window> windows);

    void on_step(const World& world, const Host& host, const Input& input,
                 const Outbox& out) override;
    void on_message_sent(const World& world, std::uint32_t slot, const MessageInFlight& message,
                         NodeId from, NodeId to) override;
    void on_message_received(const World& world, std::uint32_t slot, const MessageInFlight& message,
                             bool lost) override;
    void on_crash(const World& world, const Host& host, FaultKind how) override;
    void on_fault(const World& world, const LedgerEntry& entry) override;

    // What was kept, put into the report's places.
    void finish(const World& world);
    std::vector<TraceSlice> slices() const;
    std::vector<PartitionTimeline> timelines() const;
    std::vector<AvailabilityGap> gaps() const { return gaps_; }

  private:
    struct Kept {
        TraceMessage message;
        bool is_open = true;
    };
    struct Replica {
        ReplicaTimeline timeline;
        Offset log_end;
    };
    struct Watched {
        std::string name;
        std::map<NodeId, Replica> replicas;
        std::vector<TruncationMark> truncations;
        Instant leaderless_since = kNever;
        Instant under_min_isr_since = kNever;
    };

    bool wanted(Instant now) const;
    void mark(Instant at, NodeId node, std::string kind, std::string text);
    void look(const World& world, const Host& host, TopicPartition tp);
    void look_at_image(const World& world);

    std::vector<Window> windows_;
    std::vector<Kept> messages_;
    std::vector<std::int64_t> by_slot_;  // index into messages_, -1 not kept
    std::vector<TraceMark> marks_;
    std::map<TopicPartition, Watched> partitions_;
    std::vector<AvailabilityGap> gaps_;
    std::uint64_t next_id_ = 1;
};

}  // namespace tribunal
