// Watches the nodes of a KRaft quorum after every event and says which promise of it broke first:
// Q1-Q10, Q12 and Q13. The small world under the explorer and the monitor of a whole cluster ask
// the same functions.
//
// The judge's own idea of the truth is the *committed log*: the records below the highest high
// watermark that a leader has shown. No node's log below its own high watermark may differ from
// it, and every new leader must have all of it.
//
// What it must never do: change what it looks at or keep a pointer into it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "broker/raft/raft.h"
#include "properties/verdict.h"

namespace tribunal {

// One node: as it is in memory, or on disk when it is down.
struct QuorumNodeView {
    const Raft* raft = nullptr;
    bool running = false;
};

class QuorumMonitor {
  public:
    // The properties it decides, in the order of finish().
    enum class Rule : std::uint8_t { q1, q2, q3, q4, q5, q6, q7, q8, q9, q10, q12, q13 };
    static constexpr std::size_t kRules = 12;
    static std::string_view id_of(Rule rule);    // "Q1"
    static std::string_view name_of(Rule rule);  // "election-safety"

    // After every event that changed this node, before it changes again. `nodes` are all of the
    // cluster that have a part in the quorum, observers too, in order of node id.
    void observe(Instant now, std::span<const QuorumNodeView> nodes, std::size_t changed);
    // The node's disk is empty, or another: nothing of what it vouched for is promised any more
    // once a majority has gone this way.
    void on_disk_lost(Instant now, NodeId node);

    // There are two leaders of one epoch, or one without all that was committed, because of lost
    // disks: no promise that rests on one metadata log holds from then on.
    bool has_lost_records() const { return lost_records_; }

    // Bit i: the i-th Rule was broken without an excuse.
    std::uint32_t broken_rules() const { return broken_; }
    std::uint64_t failures() const;
    // What a leader has shown to be committed.
    Offset committed_end() const;

    std::vector<Check> finish() const;

    // What of its memory can decide a verdict to come (see ReplicationMonitor::fold_into).
    void fold_into(Digest& d) const;
    bool operator==(const QuorumMonitor& o) const;

  private:
    struct CommittedRecord {
        RaftRecord record;
        bool is_known = true;  // false: was in a snapshot when it was first seen
        TRIBUNAL_FIELDS(CommittedRecord, record, is_known)
    };
    // What a node was seen with last.
    struct Shadow {
        NodeId node;
        DirectoryId directory;
        LeaderEpoch epoch{0};
        std::optional<ReplicaKey> voted;   // in `epoch`, until a leader of it is known
        LeaderEpoch led = kNoLeaderEpoch;  // the epoch that it leads, with the end of its log
        Offset led_end;
        LeaderEpoch led_last_epoch;
        Offset compared;  // its log below agrees with the committed one
        Offset log_end{0};
        TRIBUNAL_FIELDS(Shadow, node, directory, epoch, voted, led, led_end, led_last_epoch,
                        compared, log_end)
    };
    struct Tally {
        std::uint64_t checked = 0;
        std::uint64_t found = 0;
        std::uint64_t found_allowed = 0;
        std::vector<Violation> kept;
    };
    struct Observation;

    Shadow& shadow_of(ReplicaKey key);
    // Whether lost disks explain that this is broken, at this offset or in this epoch.
    bool is_excused(Rule rule, Offset offset, LeaderEpoch epoch) const;
    void check(Rule rule) { ++checked_[static_cast<std::size_t>(rule)]; }

    std::vector<Shadow> shadows_;
    Shared<std::vector<CommittedRecord>> committed_;
    LeaderEpoch exposing_epoch_ = kNoLeaderEpoch;  // the newest in which a leader showed its mark
    FlatMap<LeaderEpoch, NodeId> leaders_;         // of epochs that somebody may still be behind
    FlatSet<NodeId> lost_disks_;
    FlatMap<NodeId, LeaderEpoch> forgot_leading_;  // of lost_disks_: the last epoch that it led
    Offset forgotten_end_{0};                      // of what they may have vouched for
    LeaderEpoch forgotten_epoch_{0};               // the newest that they may have voted in
    bool lost_records_ = false;
    bool lost_a_fixed_voter_ = false;  // one of lost_disks_, when any disk with its id could vote
    std::size_t voters_ = 0;           // of the newest leader
    bool voters_have_directories_ = true;
    std::uint32_t broken_ = 0;
    std::array<std::uint64_t, kRules> checked_{};
    std::optional<Shared<std::vector<Tally>>> tallies_;  // none before the first finding
};

}  // namespace tribunal
