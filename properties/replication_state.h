// What the replication monitor remembers of a partition between two observations, and the steps of
// one observation. Internal to the files replication_*.cc.
#pragma once

#include <map>
#include <optional>

#include "properties/committed_log.h"
#include "properties/replication_monitor.h"

namespace tribunal {

// A replica as it was last seen. Copies of small things only: an observation must not cost more
// when the log is long.
struct ReplicaShadow {
    NodeId node;
    bool seen = false;
    bool running = false;
    bool is_leader = false;
    bool went_down = false;  // a lossy crash since the last observation: no step of its own process
    bool is_lossy = false;   // lost unsynced data and was not proven caught up since
    bool lost_gap = false;   // ... by a gap of its cleaner's at the end of its log
    bool left_isr =
        false;            // ... and was since known to have, out of the ISR, and not on its way in
    Offset had_until{0};  // ... where its log ended before
    // Where its log ended when its process died in the midst of flushes, until one after it has
    // flushed the whole file: what was not flushed by then can be committed by the next life, and
    // yet go with the power.
    Offset unflushed_until{0};
    bool has_wrong_isr = false;  // R4 is violated as long as this holds
    std::uint32_t maximal = 0;   // of a leader: its maximal ISR, by replica index
    LeaderEpoch leader_epoch = kNoLeaderEpoch;
    Offset high_watermark{0};
    Offset log_start_offset{0};
    Offset log_end_offset{0};
    BatchIdentity last;
    Match match;
    Offset agreed_end{0};  // below it the log is the committed one
    // Replicas, by index, that violate R5 with this one as leader, and R3 with this one.
    std::uint32_t incomplete = 0;
    std::uint32_t disagrees = 0;

    // While it runs.
    void hear_high_watermark(Offset offset) {
        if (offset > unflushed_until) unflushed_until = Offset{0};
        high_watermark = offset;
    }
};

// Why committed records may be lost without anybody being wrong: what terms from `epoch` on have is
// not what terms before it committed.
struct Excuse {
    Instant at;
    LeaderEpoch epoch;
    bool unclean = false;  // else the loss budget was used up, or
    NodeId leader = kNoNode;
    std::string compaction = {};  // ... why compaction is to blame
};

// Of a compacted partition: a leader knew an epoch from another offset on than where it had begun,
// because the batches between are compacted away.
struct HiddenEpoch {
    LeaderEpoch epoch;
    Offset began;
    Offset learned;
    bool operator==(const HiddenEpoch&) const = default;
};

// A record that was in the committed log and was rolled back.
struct LostRecord {
    Offset offset;
    RecordUid uid;
    Instant lost_at;
    Instant returned_at = kNever;
    Offset returned_offset = kNoOffset;
    LeaderEpoch lost_in;  // the term that did not have it
    LeaderEpoch returned_in = kNoLeaderEpoch;
    std::optional<Excuse> loss_excuse;  // why its loss was nobody's fault
    // Why its return is nobody's fault. That of the loss serves too after a later power loss: a
    // replica that had followed the leader without the record gets back what it had truncated.
    bool power_lost_since = false;
    std::optional<Excuse> return_excuse;
    bool promised = true;  // when it returned, the controllers still had their disks
    std::size_t loss = 0;  // index into PartitionState::losses
};

struct Acknowledgement {
    Offset offset;
    RecordUid uid;
};

struct ReplicationMonitor::PartitionState {
    PartitionFacts facts;
    bool seen = false;
    // The controller's state as last seen.
    NodeId leader = kNoNode;
    LeaderEpoch leader_epoch = kNoLeaderEpoch;
    PartitionEpoch partition_epoch{0};
    FlatSet<NodeId> isr;
    std::uint32_t isr_mask = 0;  // by replica index
    FlatSet<NodeId> elr;
    std::uint32_t asked = 0;  // in the maximal ISR of some leader, by replica index
    // The newest epoch that a running replica has led in, and who: it extends the committed log.
    LeaderEpoch newest_term = kNoLeaderEpoch;
    LeaderEpoch previous_term = kNoLeaderEpoch;
    NodeId newest_leader = kNoNode;
    Offset term_high_watermark{0};             // as the term began
    bool term_fell_short = false;              // R10 was reported for this term
    LeaderEpoch judged_term = kNoLeaderEpoch;  // the newest whose leader was held against R1
    CommittedLog committed;
    std::vector<ReplicaShadow> replicas;
    std::map<LeaderEpoch, std::vector<NodeId>> leaders;  // R8
    // Acknowledged at or above the end of the committed log: an old leader's, or wrong.
    std::vector<Acknowledgement> early_acks;

    std::vector<HiddenEpoch> hidden_epochs;
    std::vector<Excuse> excuses;    // ascending
    std::optional<Excuse> pending;  // whose loss no leader has shown yet
    bool is_exhausted = false;
    std::uint32_t last_candidates = 0;  // who was in the ISR or eligible when anybody last was
    bool any_lossy = false;

    // Violated as long as these hold: R7, R3 of any pair, R2, R6, R11, R14, R18, R15, R20, R16.
    NodeId outsider = kNoNode;
    bool any_disagree = false;
    std::uint32_t weak_candidates = 0;
    std::uint32_t incomplete = 0;
    std::uint32_t out_of_bounds = 0;
    std::uint32_t unclean_candidates = 0;
    std::uint32_t wrong_fetchers = 0;
    bool has_wrong_elr = false;
    bool is_unrecoverable = false;
    bool min_isr_alters = false;  // what clears the ELR stands in the log, its reason behind it
    bool is_lost_everywhere = false;
    bool has_deposed_leader = false;  // as last seen
    // The metadata of the last observation when it left nothing wrong, excused, pending or lagging
    // behind the controller (is_settled); else 0. What follows it may be seen by
    // observe_progress().
    std::uint64_t settled_version = 0;

    std::vector<CommittedLoss> losses;
    std::vector<LostRecord> lost;
    std::map<RecordUid, std::size_t> gone;  // into `lost`: those that have not returned

    void lose_data(ReplicaShadow& s);
    // An excuse of a term in (after, upto].
    const Excuse* excuse_between(LeaderEpoch after, LeaderEpoch upto) const;
};

// How the texts show things.
std::string shown(Instant at);
std::string shown(const BatchIdentity& batch);
std::string shown(const Excuse& excuse);
std::string shown(NodeId node);

// R18 of a running replica whose fetchers are known.
bool has_right_fetchers(const ReplicaView& r);

// One call of observe().
struct ReplicationMonitor::Observation {
    ReplicationMonitor& monitor;
    PartitionState& p;
    const PartitionView& view;
    Instant now;
    std::uint32_t isr = 0;  // the controller's, by replica index
    int leader = -1;        // index of the newest term's leader, when it runs and leads
    bool judged = false;    // that leader was held against R1

    void run();

    void align_replicas();
    void observe_controller();
    void observe_replica(std::size_t i);
    void observe_log(std::size_t i);
    void on_truncated(std::size_t i, std::uint64_t matched_before);
    void register_leader(NodeId node, LeaderEpoch epoch);
    void observe_proposals();
    void observe_losses_of_replicas();
    void judge_leader();
    void extend_committed_log();
    void roll_back(std::uint64_t keep, const Excuse* excuse, bool allowed,
                   const std::string& because);
    void settle_early_acks(bool new_term);
    void observe_returns(std::uint64_t from);

    // replication_isr.cc: R12, R13, R14, R15, R20
    void check_high_watermark_step(std::size_t i);
    void check_joins(std::size_t i);
    void check_eligible();
    void check_unclean_candidates(std::uint32_t candidates);
    // replication_copies.cc: R16, R18
    void check_copies(std::uint64_t most_matched);
    void check_fetchers();
    void observe_deposed_leaders();

    // replication_compaction.cc
    void observe_hidden_epochs(std::size_t i);
    void observe_lost_gap(std::size_t i, const BatchIdentity& last);
    // Why compaction is to blame that replica i has something else; empty when it is not.
    std::string compaction_excuse(std::size_t i) const;
    const Excuse* excuse_by_compaction(std::size_t leader);

    void check_levels();
    void check_candidates(std::uint32_t bad);
    void check_agreement();
    void check_isr_of_leader(std::size_t i);
    void check_completeness(std::size_t i);
    void check_bounds(std::uint32_t bad);

    // replication_progress.cc
    bool is_settled() const;

    bool is_current_leader(std::size_t i) const {
        const ReplicaView& r = view.replicas[i];
        return r.running && r.is_leader && r.node == view.leader &&
               r.leader_epoch == view.leader_epoch;
    }
    std::uint32_t mask_of(const FlatSet<NodeId>& nodes) const;
    // Of a set that nearly always is the controller's ISR.
    std::uint32_t mask_like_isr(const FlatSet<NodeId>& nodes) const {
        return nodes == p.isr ? isr : mask_of(nodes);
    }

    // Counts a violation and describes the first few; an excuse makes it an allowed one.
    void found(Rule rule, const Excuse* excuse, Offset offset, NodeId node, std::string summary) {
        record(rule, excuse != nullptr ? shown(*excuse) : std::string{}, offset, node,
               std::move(summary));
    }
    // The same of replica i, which having lost its data excuses as well.
    void found_lossy(Rule rule, std::size_t i, const Excuse* excuse, Offset offset,
                     std::string summary);
    // `because` is empty when nothing excuses it.
    void record(Rule rule, std::string because, Offset offset, NodeId node, std::string summary);
};

}  // namespace tribunal
