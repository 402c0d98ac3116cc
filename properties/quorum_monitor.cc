#include "properties/quorum_monitor.h"

#include <algorithm>

#include <fmt/format.h>

#include "broker/base/check.h"
#include "properties/wording.h"

namespace tribunal {
namespace {

struct RuleText {
    std::string_view id;
    std::string_view name;
    std::string_view promise;
};
constexpr RuleText kTexts[] = {
    {"Q1", "election-safety", "An epoch of the quorum has one leader (Raft: election safety)."},
    {"Q2", "epoch-monotone",
     "The epoch that a node has on disk never goes back: it is written before it is told."},
    {"Q3", "vote-once", "A voter gives one vote an epoch, across restarts."},
    {"Q4", "leader-append-only",
     "A leader neither drops nor replaces records of its own log in its epoch (KAFKA-10527)."},
    {"Q5", "quorum-log-matching",
     "Records of one offset and epoch are one record, what stands before them too, and what is "
     "committed is the same everywhere."},
    {"Q6", "quorum-leader-completeness",
     "A leader has every record that was committed before it was elected (KAFKA-12619)."},
    {"Q7", "metadata-durability",
     "A committed metadata record is in the log of some voter (KAFKA-10533)."},
    {"Q8", "majority-reached-high-watermark",
     "What is committed is in the logs of a majority of the voters (KAFKA-10533)."},
    {"Q9", "quorum-high-watermark-monotone",
     "The high watermark that leaders show never goes back."},
    {"Q10", "snapshot-sanity",
     "A snapshot stands for committed records, and for all below the log's start (KIP-630)."},
    {"Q12", "quorum-role-legality",
     "A node's role agrees with what it has on disk; only voters stand for election (KAFKA-17067); "
     "nothing happens that Kafka throws an exception at."},
    {"Q13", "reconfiguration-safety",
     "Voters change one at a time, and one change is committed before the next (KIP-853); each set "
     "of them says whose directory votes (KAFKA-16538)."},
};
static_assert(std::size(kTexts) == QuorumMonitor::kRules);

constexpr const char* kDisksLost =
    "voters lost their disks: a majority of them, or one that its id alone names";
constexpr const char* kForgotLeading =
    "it led that epoch with the disk that it lost since: others still say so, and it does not know";

// Newer records are compared with each other node's; older ones were when they were new.
constexpr std::int64_t kComparedRecords = 16;

bool has_record(const RaftLog& log, Offset offset, const RaftRecord& record) {
    if (offset < log.start_offset) return true;  // the snapshot stands for it
    const RaftRecord* own = log.find(offset);
    return own != nullptr && *own == record;
}

std::size_t keys_that_differ(const VoterSet& a, const VoterSet& b) {
    std::size_t n = 0;
    for (const auto& [id, voter] : a.voters) {
        const Voter* other = b.voters.find(id);
        if (other == nullptr || other->key != voter.key) ++n;
    }
    for (const auto& [id, voter] : b.voters) {
        const Voter* other = a.voters.find(id);
        if (other == nullptr || other->key != voter.key) ++n;
    }
    return n;
}

}  // namespace

std::string_view QuorumMonitor::id_of(Rule rule) {
    return kTexts[static_cast<std::size_t>(rule)].id;
}
std::string_view QuorumMonitor::name_of(Rule rule) {
    return kTexts[static_cast<std::size_t>(rule)].name;
}

// --- one look -----------------------------------------------------------------------------------

struct QuorumMonitor::Observation {
    QuorumMonitor& m;
    Instant now;
    std::span<const QuorumNodeView> nodes;
    const Raft& r;
    bool running;
    Shadow& s;

    template <class Summary>
    void broken(Rule rule, Offset offset, Summary&& summary) {
        broken_in(r.epoch(), rule, offset, nullptr, summary);
    }
    // `excuse`: why this one finding is nobody's fault; null as a rule.
    template <class Summary>
    void broken_in(LeaderEpoch epoch, Rule rule, Offset offset, const char* excuse,
                   Summary&& summary) {
        const auto i = static_cast<std::size_t>(rule);
        if (excuse == nullptr && m.is_excused(rule, offset, epoch)) excuse = kDisksLost;
        const bool allowed = excuse != nullptr;
        // From here on there are two histories.
        if (allowed && (rule == Rule::q1 || rule == Rule::q5 || rule == Rule::q6)) {
            m.lost_records_ = true;
        }
        if (!allowed) m.broken_ |= 1u << i;
        if (!m.tallies_) m.tallies_.emplace(std::vector<Tally>(kRules));
        Tally& tally = m.tallies_->edit()[i];
        ++tally.found;
        if (allowed) ++tally.found_allowed;
        if (tally.kept.size() >= Check::kMaxWitnessed) return;
        Violation v;
        v.property = kTexts[i].id;
        v.at = now;
        v.offset = offset;
        v.allowed = allowed;
        v.because = allowed ? excuse : std::string(kTexts[i].promise);
        v.summary = summary();
        v.explanation = {fmt::format("At {}: {}.", seconds_text(now), v.summary), v.because};
        v.nodes = {r.self.id};
        tally.kept.push_back(std::move(v));
    }

    std::string node() const { return fmt::format("node {}", r.self.id.value); }

    void run() {
        s.log_end = r.log.end_offset;
        check_epoch();
        check_vote();
        check_leaders();
        check_own_log();
        extend_committed();
        check_committed_prefix();
        check_leader_has_committed();
        check_others();
        check_majority();
        check_snapshot();
        check_role();
        check_voters();
    }

    void check_epoch() {
        m.check(Rule::q2);
        if (r.epoch() < s.epoch) {
            broken(Rule::q2, kNoOffset, [&] {
                return fmt::format("{} was in epoch {} and has {} on disk", node(), s.epoch.value,
                                   r.epoch().value);
            });
        }
    }

    void check_vote() {
        const std::optional<ReplicaKey>& voted = r.quorum_state.voted;
        if (voted) {
            m.check(Rule::q3);
            if (r.epoch() == s.epoch && s.voted && *s.voted != *voted) {
                broken(Rule::q3, kNoOffset, [&] {
                    return fmt::format("{} voted for {} and for {} in epoch {}", node(),
                                       s.voted->id.value, voted->id.value, r.epoch().value);
                });
            }
        }
        // While the file is being written nobody was told of what it will say.
        if (r.state_writes_in_flight > 0) return;
        if (r.epoch() > s.epoch) s.voted.reset();
        if (voted && r.epoch() >= s.epoch) s.voted = voted;
        // With a leader in the epoch nobody votes in it any more.
        if (r.quorum_state.leader != kNoNode) s.voted.reset();
        s.epoch = std::max(s.epoch, r.epoch());
    }

    void check_leaders() {
        const NodeId leader = r.quorum_state.leader;
        if (leader != kNoNode) {
            m.check(Rule::q1);
            NodeId* known = m.leaders_.find(r.epoch());
            if (known == nullptr) {
                m.leaders_[r.epoch()] = leader;
            } else if (*known != leader) {
                broken(Rule::q1, kNoOffset, [&] {
                    return fmt::format("{} has {} for the leader of epoch {}, which was {}", node(),
                                       leader.value, r.epoch().value, known->value);
                });
            }
        }
        LeaderEpoch behind = r.epoch();
        for (const QuorumNodeView& other : nodes) {
            behind = std::min(behind, other.raft->epoch());
        }
        m.leaders_.erase_if([&](const auto& entry) { return entry.first < behind; });
    }

    void check_own_log() {
        const bool leads = running && r.leader() != nullptr;
        if (leads && s.led == r.epoch()) {
            m.check(Rule::q4);
            const Offset last{s.led_end.value - 1};
            const RaftRecord* record = r.log.find(last);
            const bool kept = last < r.log.start_offset ||
                              (record != nullptr && record->epoch == s.led_last_epoch);
            if (!kept) {
                broken(Rule::q4, last, [&] {
                    return fmt::format(
                        "{} led epoch {} with a log that ended at {}, and goes on "
                        "with one that ends at {}",
                        node(), s.led.value, s.led_end.value, r.log.end_offset.value);
                });
            }
        }
        if (leads) {
            s.led = r.epoch();
            s.led_end = r.log.end_offset;
            s.led_last_epoch = r.log.last_epoch();
        } else if (r.config->restart_unattached || r.quorum_state.leader != r.self.id) {
            s.led = kNoLeaderEpoch;  // it will not lead this epoch again
            s.led_end = Offset{0};
            s.led_last_epoch = LeaderEpoch{0};
        }
    }

    void extend_committed() {
        const Offset shown = running ? exposed_high_watermark(r) : kNoOffset;
        if (running && r.leader() != nullptr && shown != kNoOffset) {
            m.check(Rule::q9);
            if (r.epoch() >= m.exposing_epoch_) {
                m.exposing_epoch_ = r.epoch();
                m.voters_ = voters_of(r).size();
                m.voters_have_directories_ = true;
                for (const auto& [id, voter] : voters_of(r).voters) {
                    if (voter.key.directory == kNoDirectory) m.voters_have_directories_ = false;
                }
                if (shown < m.committed_end()) {
                    broken(Rule::q9, shown, [&] {
                        return fmt::format("leader {} of epoch {} shows high watermark {} after {}",
                                           r.self.id.value, r.epoch().value, shown.value,
                                           m.committed_end().value);
                    });
                }
            }
        }
        if (shown <= m.committed_end()) return;
        auto& committed = m.committed_.edit();
        for (Offset o = m.committed_end(); o < shown && o < r.log.end_offset; o.value += 1) {
            const RaftRecord* record = r.log.find(o);
            committed.push_back(record == nullptr ? CommittedRecord{{}, false}
                                                  : CommittedRecord{*record, true});
        }
    }

    void check_committed_prefix() {
        s.compared = std::max(std::min(s.compared, r.log.end_offset), r.log.start_offset);
        const Offset high_watermark = running ? r.high_watermark : kNoOffset;
        for (; s.compared < std::min({high_watermark, r.log.end_offset, m.committed_end()});
             s.compared.value += 1) {
            m.check(Rule::q5);
            if (agrees(s.compared)) continue;
            const RaftRecord* own = r.log.find(s.compared);
            broken_in(own == nullptr ? r.epoch() : own->epoch, Rule::q5, s.compared, nullptr, [&] {
                return fmt::format(
                    "{} has another record than the committed one at offset {}, "
                    "below its high watermark {}",
                    node(), s.compared.value, high_watermark.value);
            });
            return;
        }
    }

    // Whether this log has what is committed at this offset.
    bool agrees(Offset offset) const {
        const CommittedRecord& c = (*m.committed_)[static_cast<std::size_t>(offset.value)];
        return !c.is_known || has_record(r.log, offset, c.record);
    }

    void check_leader_has_committed() {
        if (!running || r.leader() == nullptr || r.epoch() < m.exposing_epoch_) return;
        m.check(Rule::q6);
        // All of it when the epoch begins; what is committed in it is in the leader's log.
        const Offset end = m.committed_end();
        const std::int64_t from =
            r.epoch() == m.exposing_epoch_ ? end.value - 1 : r.log.start_offset.value;
        for (Offset o{std::max<std::int64_t>(from, 0)}; o < end; o.value += 1) {
            if (agrees(o)) continue;
            broken(Rule::q6, o, [&] {
                return fmt::format("leader {} of epoch {} lacks the committed record at offset {}",
                                   r.self.id.value, r.epoch().value, o.value);
            });
            return;
        }
    }

    // Raft's log matching, for the newest records of each pair.
    void check_others() {
        for (const QuorumNodeView& view : nodes) {
            const RaftLog& other = view.raft->log;
            if (view.raft == &r) continue;
            m.check(Rule::q5);
            const Offset end = std::min(r.log.end_offset, other.end_offset);
            const Offset start{std::max({r.log.start_offset.value, other.start_offset.value,
                                         end.value - kComparedRecords})};
            bool must_match = false;
            for (Offset o{end.value - 1}; o >= start; o.value -= 1) {
                const RaftRecord* a = r.log.find(o);
                const RaftRecord* b = other.find(o);
                must_match = must_match || a->epoch == b->epoch;
                if (!must_match || *a == *b) continue;
                broken_in(a->epoch, Rule::q5, o, nullptr, [&] {
                    return fmt::format(
                        "{} and node {} have different records at offset {}, where "
                        "their logs are of one epoch",
                        node(), view.raft->self.id.value, o.value);
                });
                break;
            }
        }
    }

    // The last committed record is on a majority of those who were voters when it was committed.
    void check_majority() {
        const Offset end = m.committed_end();
        if (end == Offset{0} || !m.committed_->back().is_known) return;
        const RaftRecord& last = m.committed_->back().record;
        const Offset offset{end.value - 1};
        std::size_t having = 0;
        const VoterSet* voters = nullptr;
        for (const QuorumNodeView& view : nodes) {
            if (!view.raft->can_become_voter) continue;
            if (view.raft->log.end_offset < end || !has_record(view.raft->log, offset, last)) {
                continue;
            }
            ++having;
            voters = view.raft->log.voters_before(end);
            if (voters == nullptr) voters = &*view.raft->bootstrap_voters;
        }
        m.check(Rule::q7);
        if (having == 0) {
            broken(Rule::q7, offset, [&] {
                return fmt::format("no voter has the committed record at offset {}", offset.value);
            });
            return;
        }
        std::size_t voting = 0;
        std::size_t seen = 0;
        for (const QuorumNodeView& view : nodes) {
            if (!voters->contains(view.raft->self)) continue;
            ++seen;
            if (view.raft->log.end_offset >= end && has_record(view.raft->log, offset, last)) {
                ++voting;
            }
        }
        if (seen < voters->size()) return;  // some of them are not shown to us
        m.check(Rule::q8);
        if (voting < voters->majority()) {
            broken(Rule::q8, offset, [&] {
                return fmt::format("{} of {} voters have the committed record at offset {}", voting,
                                   voters->size(), offset.value);
            });
        }
    }

    void check_snapshot() {
        if (!r.log.snapshot && r.log.start_offset == Offset{0}) return;
        m.check(Rule::q10);
        const char* wrong = nullptr;
        Offset end = r.log.start_offset;
        if (!r.log.snapshot) {
            wrong = "has a log without a beginning and no snapshot";
        } else {
            const SnapshotId id = (*r.log.snapshot)->id;
            end = id.end_offset;
            const Offset last{end.value - 1};
            if (end < r.log.start_offset) {
                wrong = "has a snapshot that ends before its log begins";
            } else if (running && end > r.log.end_offset) {
                wrong = "has a log that ends before its snapshot does";
            } else if (end > m.committed_end()) {
                wrong = "has a snapshot of what is not committed";
            } else if (const CommittedRecord& c =
                           (*m.committed_)[static_cast<std::size_t>(last.value)];
                       c.is_known && c.record.epoch != id.epoch) {
                wrong = "has a snapshot of another epoch than the last record that it stands for";
            }
        }
        if (wrong == nullptr) return;
        broken(Rule::q10, end, [&] { return fmt::format("{} {}", node(), wrong); });
    }

    void check_role() {
        m.check(Rule::q12);
        const QuorumState& state = r.quorum_state;
        const char* wrong = nullptr;
        const auto holds = [&](bool claim, const char* otherwise) {
            if (!claim && wrong == nullptr) wrong = otherwise;
        };
        holds(r.fault != RaftFault::inconsistent_leader, "was told of two leaders of its epoch");
        holds(r.fault != RaftFault::leads_unawares,
              "was told that it leads an epoch, and does not");
        holds(r.fault != RaftFault::truncation_below_high_watermark,
              "was told to truncate below its high watermark");
        holds(r.fault != RaftFault::high_watermark_goes_back,
              "was told of a high watermark below its own");
        holds(r.fault != RaftFault::snapshot_behind_log,
              "was sent a snapshot that is behind its log");
        if (running && r.fault == RaftFault::none) {
            const bool votes = std::holds_alternative<RaftProspective>(r.role) ||
                               std::holds_alternative<RaftCandidate>(r.role);
            holds(!votes || is_voter(r), "stands for election and is no voter");
            if (std::holds_alternative<RaftUnattached>(r.role)) {
                // An observer whose leader is silent asks the others; and after a restart anybody
                // may know a leader that its log does not have among the voters.
                holds(state.leader == kNoNode || !is_voter(r) ||
                          !voters_of(r).contains_id(state.leader),
                      "is unattached and knows a leader");
            } else if (r.follower() != nullptr) {
                holds(state.leader != kNoNode && state.leader != r.self.id,
                      "follows nobody, or itself");
            } else if (std::holds_alternative<RaftCandidate>(r.role)) {
                // It may have got its directory's id by new software since (KAFKA-16538).
                const bool for_itself =
                    state.voted &&
                    (*state.voted == r.self || *state.voted == ReplicaKey{r.self.id, kNoDirectory});
                holds(for_itself && state.leader == kNoNode,
                      "is a candidate and has not voted for itself");
            } else if (!votes) {
                holds(state.leader == r.self.id, "leads, or has led, and does not have it on disk");
            }
            holds(r.parked.empty() || r.leader() != nullptr,
                  "keeps fetches waiting and does not lead");
        }
        if (wrong == nullptr) return;
        // Whoever is in an epoch behind it has not led one before it.
        const LeaderEpoch* led = m.forgot_leading_.find(r.self.id);
        const bool forgot =
            r.fault == RaftFault::leads_unawares && led != nullptr && r.epoch() <= *led;
        broken_in(r.epoch(), Rule::q12, kNoOffset, forgot ? kForgotLeading : nullptr, [&] {
            return fmt::format("{}, {} in epoch {}, {}", node(), tribunal::name_of(r.role),
                               r.epoch().value, wrong);
        });
    }

    void check_voters() {
        const RaftLog& log = r.log;
        if (log.voter_sets.empty()) return;
        m.check(Rule::q13);
        const VoterSet* before =
            log.snapshot && (*log.snapshot)->voters && log.start_offset > Offset{0}
                ? &*(*log.snapshot)->voters
                : nullptr;
        std::size_t uncommitted = 0;
        for (const auto& [offset, voters] : log.voter_sets) {
            for (const auto& [id, voter] : voters->voters) {
                if (voter.key.directory != kNoDirectory) continue;
                // Whoever has this id, with whatever disk, would vote (KAFKA-16538).
                broken(Rule::q13, offset, [&] {
                    return fmt::format("{}: the voters at offset {} name no directory of {}",
                                       node(), offset.value, id.value);
                });
                return;
            }
            const std::size_t differ = before == nullptr ? 0 : keys_that_differ(*before, *voters);
            if (differ > 1) {
                broken(Rule::q13, offset, [&] {
                    return fmt::format("{}: voters change by {} at offset {}", node(), differ,
                                       offset.value);
                });
                return;
            }
            if (differ > 0 && offset >= m.committed_end()) ++uncommitted;
            before = &*voters;
        }
        if (uncommitted > 1) {
            broken(Rule::q13, log.voter_sets.back().first, [&] {
                return fmt::format("{} has {} changes of voters that are not committed", node(),
                                   uncommitted);
            });
        }
    }
};

// --- the monitor --------------------------------------------------------------------------------

QuorumMonitor::Shadow& QuorumMonitor::shadow_of(ReplicaKey key) {
    const auto at = std::lower_bound(shadows_.begin(), shadows_.end(), key.id,
                                     [](const Shadow& s, NodeId id) { return s.node < id; });
    if (at != shadows_.end() && at->node == key.id) {
        // Another disk has promised nothing.
        // With newer software a directory has an id, and is the same one (KAFKA-16538).
        if (at->directory == kNoDirectory) at->directory = key.directory;
        if (at->directory == key.directory) return *at;
        *at = Shadow{};
        at->node = key.id;
        at->directory = key.directory;
        return *at;
    }
    Shadow fresh;
    fresh.node = key.id;
    fresh.directory = key.directory;
    return *shadows_.insert(at, fresh);
}

void QuorumMonitor::observe(Instant now, std::span<const QuorumNodeView> nodes,
                            std::size_t changed) {
    const QuorumNodeView& view = nodes[changed];
    CHECK(view.raft != nullptr);
    Observation{*this, now, nodes, *view.raft, view.running, shadow_of(view.raft->self)}.run();
}

void QuorumMonitor::on_disk_lost(Instant, NodeId node) {
    lost_disks_.insert(node);
    // What has come of it does not go away when the voters become dynamic (KAFKA-16538).
    if (!voters_have_directories_) lost_a_fixed_voter_ = true;
    for (const Shadow& s : shadows_) {
        if (s.node != node) continue;
        forgotten_end_ = std::max({forgotten_end_, committed_end(), s.log_end});
        forgotten_epoch_ = std::max(forgotten_epoch_, s.epoch);
    }
    std::erase_if(shadows_, [&](const Shadow& s) { return s.node == node; });
    for (const auto& [epoch, leader] : leaders_) {
        if (leader == node) forgot_leading_[node] = epoch;
    }
}

bool QuorumMonitor::is_excused(Rule rule, Offset offset, LeaderEpoch epoch) const {
    if (lost_disks_.empty()) return false;
    // Without directory ids an empty disk still votes (KIP-853 says why that is unsafe).
    const bool explains =
        !voters_have_directories_ || lost_a_fixed_voter_ || 2 * lost_disks_.size() >= voters_;
    if (!explains) return false;
    switch (rule) {
        case Rule::q1:
            return epoch <= forgotten_epoch_;  // a vote that was given twice
        case Rule::q5:
            return lost_records_ || offset < forgotten_end_ || epoch <= forgotten_epoch_;
        case Rule::q6:
        case Rule::q7:
        case Rule::q8:
        case Rule::q9:
            return lost_records_ || offset < forgotten_end_;
        case Rule::q10:
        case Rule::q12:
        case Rule::q13:
            return lost_records_;
        case Rule::q2:
        case Rule::q3:
        case Rule::q4:
            return false;  // promises of one disk, which went with it
    }
    return false;
}

Offset QuorumMonitor::committed_end() const {
    return Offset{static_cast<std::int64_t>(committed_->size())};
}

std::uint64_t QuorumMonitor::failures() const {
    std::uint64_t n = 0;
    if (tallies_) {
        for (const Tally& tally : **tallies_) n += tally.found - tally.found_allowed;
    }
    return n;
}

std::vector<Check> QuorumMonitor::finish() const {
    std::vector<Check> checks;
    for (std::size_t i = 0; i < kRules; ++i) {
        Check check;
        check.id = kTexts[i].id;
        check.name = kTexts[i].name;
        check.group = "QUORUM";
        check.checked = checked_[i];
        if (tallies_) {
            const Tally& tally = (**tallies_)[i];
            check.found = tally.found;
            check.found_allowed = tally.found_allowed;
            check.violations = tally.kept;
            if (!tally.kept.empty()) check.note = tally.kept.front().summary;
        }
        if (check.found > check.found_allowed) {
            check.verdict = Verdict::fail;
        } else if (check.found > 0) {
            check.verdict = Verdict::allowed;
        } else if (check.checked > 0) {
            check.verdict = Verdict::pass;
        } else {
            check.note = "nothing to look at";
        }
        checks.push_back(std::move(check));
    }
    return checks;
}

void QuorumMonitor::fold_into(Digest& d) const {
    d.word(broken_);
    for (const Shadow& s : shadows_) {
        // The rest is where the node stands now.
        fold(d, s.epoch), fold(d, s.voted), fold(d, s.led), fold(d, s.led_end);
    }
    fold(d, *committed_);
    fold(d, exposing_epoch_);
    d.word(leaders_.size());
    for (const auto& [epoch, leader] : leaders_) fold(d, epoch), fold(d, leader);
    fold(d, lost_disks_), fold(d, forgot_leading_);
    fold(d, forgotten_end_), fold(d, forgotten_epoch_);
    d.word(lost_records_ ? 1 : 0);
    d.word(lost_a_fixed_voter_ ? 1 : 0);
}

bool QuorumMonitor::operator==(const QuorumMonitor& o) const {
    return broken_ == o.broken_ && committed_ == o.committed_ &&
           exposing_epoch_ == o.exposing_epoch_ && leaders_ == o.leaders_ &&
           lost_disks_ == o.lost_disks_ && forgot_leading_ == o.forgot_leading_ &&
           forgotten_end_ == o.forgotten_end_ && forgotten_epoch_ == o.forgotten_epoch_ &&
           lost_records_ == o.lost_records_ && lost_a_fixed_voter_ == o.lost_a_fixed_voter_ &&
           std::equal(shadows_.begin(), shadows_.end(), o.shadows_.begin(), o.shadows_.end(),
                      [](const Shadow& a, const Shadow& b) {
                          return a.node == b.node && a.epoch == b.epoch && a.voted == b.voted &&
                                 a.led == b.led && a.led_end == b.led_end;
                      });
}

}  // namespace tribunal
