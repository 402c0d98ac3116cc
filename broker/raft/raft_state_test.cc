// Random walks of a quorum against a model of one committed sequence (Raft's state machine safety):
// elections, time-outs, appends, crashes with and without their unsynced writes, connections that
// break, requests that come twice, snapshots, voters that come and go (KIP-853), and fixed voters
// that become such on the way (KAFKA-16538). After each
// step what was committed is as it was, an epoch has one leader, and marks only rise; after healing
// there is a leader, and what it appends is committed.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

#include "broker/base/check.h"
#include "broker/raft/scripted_quorum.h"

namespace tribunal {
namespace {

// The judge. What it knows comes from leaders that show a high watermark; it looks at values only.
class Model {
  public:
    explicit Model(const ScriptedQuorum& q) : q_(q) {}

    // What is wrong; empty when nothing is.
    std::string look() {
        if (q_.voted_twice) return "node " + name(*q_.voted_twice) + " voted twice in an epoch";
        for (const auto& [id, machine] : q_.machines) {
            if (std::string wrong = look_at_leader(machine); !wrong.empty()) return wrong;
        }
        for (const auto& [id, machine] : q_.machines) {
            if (std::string wrong = look_at_log(machine); !wrong.empty()) return wrong;
        }
        return look_at_majority();
    }
    // The process of `id` ended: what it knew of the high watermark went with it.
    void on_end(NodeId id) { marks_.erase(id); }

    Offset end() const { return Offset{static_cast<std::int64_t>(committed_.size())}; }
    std::vector<MetadataRecord> metadata_below(Offset offset) const {
        std::vector<MetadataRecord> records;
        for (std::size_t i = 0; i < static_cast<std::size_t>(offset.value); ++i) {
            if (const MetadataRecord* record = committed_[i].metadata()) records.push_back(*record);
        }
        return records;
    }

  private:
    static std::string name(NodeId id) { return std::to_string(id.value); }
    static std::string name(Offset offset) { return std::to_string(offset.value); }

    std::string look_at_leader(const ScriptedQuorum::Machine& m) {
        const Raft& r = m.raft;
        if (r.fault != RaftFault::none) return "node " + name(r.self.id) + " met the impossible";
        // A leader that is no voter any more commits that, and resigns by the same step (KIP-853).
        const bool has_led = std::holds_alternative<RaftResigned>(r.role) && !is_voter(r);
        if (!m.is_up || (r.leader() == nullptr && !has_led)) return {};
        const auto [leader, is_new] = leaders_.try_emplace(r.epoch(), r.self.id);
        if (leader->second != r.self.id) {
            return "nodes " + name(leader->second) + " and " + name(r.self.id) + " led epoch " +
                   std::to_string(r.epoch().value);
        }
        const Offset shown = exposed_high_watermark(r);
        if (shown != kNoOffset && r.epoch() >= shown_in_) {
            shown_in_ = r.epoch();
            if (shown < end())
                return "leader " + name(r.self.id) + " shows " + name(shown) + " of " +
                       name(end()) + " that were committed";
        }
        if (shown > end()) voters_ = voters_of(r);
        for (Offset o = end(); o < shown; o.value += 1) {
            const RaftRecord* record = r.log.find(o);
            if (record == nullptr) return "leader " + name(r.self.id) + " commits what it lacks";
            committed_.push_back(*record);
        }
        if (r.epoch() < shown_in_) return {};
        return agrees(r, end()) ? "" : "leader " + name(r.self.id) + " lacks what was committed";
    }

    std::string look_at_log(const ScriptedQuorum::Machine& m) {
        const Raft& r = m.raft;
        if (r.log.snapshot) {
            const MetadataSnapshot& snapshot = **r.log.snapshot;
            if (snapshot.id.end_offset > end() ||
                snapshot.records != metadata_below(snapshot.id.end_offset)) {
                return "node " + name(r.self.id) + " has a snapshot of another sequence";
            }
        }
        for (const auto& [offset, voters] : r.log.voter_sets) {
            for (const auto& [id, voter] : voters->voters) {
                if (voter.key != ScriptedQuorum::key_of(id)) {
                    return "node " + name(r.self.id) + " does not know the directory of " +
                           name(id);
                }
            }
        }
        if (!m.is_up) return {};
        Offset& mark = marks_.try_emplace(r.self.id, kNoOffset).first->second;
        if (r.high_watermark < mark) return "the mark of node " + name(r.self.id) + " went back";
        mark = r.high_watermark;
        // A leader counts from where it was elected, whatever its mark is, and shows it later.
        if (r.leader() == nullptr && r.high_watermark > end()) {
            return "node " + name(r.self.id) + " follows a mark that nobody showed";
        }
        const Offset known = std::min(r.high_watermark, end());
        return agrees(r, known) ? "" : "node " + name(r.self.id) + " has other records committed";
    }

    // Whether all below `until` is in this log, or in the snapshot that it begins with.
    bool agrees(const Raft& r, Offset until) const {
        if (r.log.end_offset < until) return false;
        for (Offset o = r.log.start_offset; o < until; o.value += 1) {
            if (!(*r.log.find(o) == committed_[static_cast<std::size_t>(o.value)])) return false;
        }
        return true;
    }

    // A majority of those who committed the last of it have all of it, on disk or in memory.
    // (Voters are in force from when they are in the leader's log: they also commit what stands
    // before.)
    std::string look_at_majority() const {
        if (voters_.size() == 0) return {};
        std::size_t having = 0;
        for (const auto& [id, voter] : voters_.voters) {
            if (agrees(q_.machines.at(id).raft, end())) ++having;
        }
        return having >= voters_.majority()
                   ? ""
                   : std::to_string(having) + " of " + std::to_string(voters_.size()) +
                         " voters have what was committed below " + name(end());
    }

    const ScriptedQuorum& q_;
    std::vector<RaftRecord> committed_;
    LeaderEpoch shown_in_ = kNoLeaderEpoch;  // the newest epoch whose leader showed a mark
    VoterSet voters_;                        // who committed the last of it
    std::map<LeaderEpoch, NodeId> leaders_;
    std::map<NodeId, Offset> marks_;  // of those that run
};

// What may happen in a walk, and under which rules.
struct Walk {
    int voters = 3;
    int observers = 0;  // and then voters are added and removed
    RaftConfig config = {};
    PlantedBug bug = PlantedBug::none;
    bool loses_power = true;
    std::uint64_t calm = 4;  // one in so many of the things that disturb happens
    int steps = 1500;
};

class Walker {
  public:
    Walker(const Walk& walk, std::uint64_t seed)
        : walk_(walk), q_(walk.voters, walk.observers, walk.config, walk.bug, seed), model_(q_) {}

    // What went wrong, with the last steps before it; empty when nothing did.
    std::string run() {
        std::string wrong;
        try {
            for (int i = 0; i < walk_.steps && wrong.empty(); ++i) {
                act();
                wrong = model_.look();
            }
            if (wrong.empty()) wrong = heal();
        } catch (const CheckFailure& failure) {
            wrong = failure.what();
        }
        if (wrong.empty()) return {};
        for (std::size_t i = story_.size() > 40 ? story_.size() - 40 : 0; i < story_.size(); ++i) {
            wrong += "\n  " + story_[i];
        }
        return wrong;
    }

    Offset committed() const { return model_.end(); }
    LeaderEpoch newest_epoch() const {
        LeaderEpoch newest{0};
        for (const auto& [id, machine] : q_.machines) {
            newest = std::max(newest, machine.raft.epoch());
        }
        return newest;
    }
    bool is_dynamic() const { return kraft_version_of(q_.machines.at(NodeId{1}).raft) > 0; }
    std::size_t voters() const { return voters_of(q_.machines.at(NodeId{1}).raft).size(); }

  private:
    using Pipe = ScriptedQuorum::Pipe;

    void tell(const char* what, NodeId id, std::int64_t more = -1) {
        story_.push_back(what + (" " + std::to_string(id.value)) +
                         (more < 0 ? "" : " " + std::to_string(more)));
    }
    NodeId some_node() {
        return NodeId{static_cast<std::int32_t>(1 + q_.below(q_.machines.size()))};
    }
    std::optional<Pipe> some_pipe() {
        if (q_.pipes.empty()) return std::nullopt;
        return std::next(q_.pipes.begin(), static_cast<std::ptrdiff_t>(q_.below(q_.pipes.size())))
            ->first;
    }
    void sync(NodeId id) {
        const auto file = static_cast<ScriptedQuorum::File>(q_.below(2));
        if (q_.sync(id, file)) tell("sync at", id, file);
    }

    void act() {
        const NodeId id = some_node();
        const auto& machine = q_.machines.at(id);
        const std::uint64_t draw = q_.below(100);
        if (draw < 52) {
            const std::optional<Pipe> pipe = some_pipe();
            if (!pipe) return;
            const bool twice = draw == 0 && !pipe->second;
            tell(pipe->second ? "response to" : "request from", pipe->first.client,
                 pipe->first.server.value);
            twice ? q_.deliver_twice(*pipe) : q_.deliver(*pipe);
        } else if (draw < 75) {
            sync(id);
        } else if (draw < 86) {
            fire(id, draw < 84 || q_.below(walk_.calm) > 0);
        } else if (!machine.is_up) {
            tell("start", id);
            q_.start(id);
        } else if (draw < 93) {
            append(id);
        } else if (draw < 95) {
            if (q_.below(walk_.calm) > 0) return;
            const std::optional<Pipe> pipe = some_pipe();
            if (!pipe) return;
            tell("connection breaks of", pipe->first.client, pipe->first.server.value);
            q_.close(pipe->first);
        } else if (draw < 97) {
            if (q_.below(walk_.calm) > 0) return;
            const bool power = walk_.loses_power && q_.below(2) == 0;
            tell(power ? "power loss of" : "kill", id);
            power ? q_.lose_power(id) : q_.kill(id);
            model_.on_end(id);
        } else if (draw < 98) {
            snapshot(id);
        } else if (walk_.observers > 0) {
            change_voters(id);
        }
    }

    // Those that only keep things going fire more often than those that take patience.
    void fire(NodeId id, bool patient) {
        std::vector<TimerId> due;
        for (const auto& [timer, deadline] : q_.machines.at(id).timers) {
            const TimerKind kind = kind_of(timer);
            // Fixed voters have a leader that changes seldom enough to be told something.
            const bool soon =
                kind == TimerKind::raft_retry || kind == TimerKind::raft_fetch_wait ||
                kind == TimerKind::raft_begin_epoch ||
                (kind == TimerKind::raft_update_voter && !walk_.config.reconfiguration);
            if (soon == patient) due.push_back(timer);
        }
        if (due.empty()) return;
        const TimerId timer = due[q_.below(due.size())];
        tell("timer at", id, static_cast<std::int64_t>(kind_of(timer)));
        q_.fire(id, timer);
    }
    void append(NodeId id) {
        if (!active_epoch(q_.machines.at(id).raft)) return;
        std::vector<MetadataRecord> records;
        for (std::uint64_t n = 1 + q_.below(2); n > 0; --n) {
            const TopicId topic{next_topic_++};
            records.emplace_back(TopicRecord{topic, "t" + std::to_string(topic.value), {}});
        }
        tell("append at", id, next_topic_);
        q_.append(id, std::move(records));
    }
    void snapshot(NodeId id) {
        const Raft& r = q_.machines.at(id).raft;
        const Offset end = std::min(r.high_watermark, model_.end());
        if (end <= r.log.start_offset) return;
        tell("snapshot at", id, end.value);
        q_.step(id, [&](Raft& raft, Outbox& out) {
            raft_snapshot(raft, end, model_.metadata_below(end), out);
            if (q_.below(2) == 0) raft_clean(raft, out);
        });
    }
    void change_voters(NodeId id) {
        const Raft& r = q_.machines.at(id).raft;
        if (r.leader() == nullptr) return;
        if (kraft_version_of(r) == 0) {
            if (!active_epoch(r)) return;  // who is no active controller asks for nothing
            tell("upgrade by", id);
            q_.upgrade(id);
            return;
        }
        const NodeId whom = some_node();
        if (voters_of(r).contains_id(whom)) {
            // Of two voters neither goes: one that has the record of its own removal, and not yet
            // that it is committed, stands no more when it starts again, and its log is too long to
            // vote for the other (Kafka's too; Raft has it stand until the record is committed).
            if (voters_of(r).size() == 2) return;
            tell("leader, voter to go:", id, whom.value);
            q_.ask(id, RemoveRaftVoterRequest{ScriptedQuorum::key_of(whom)});
        } else {
            tell("leader, voter to come:", id, whom.value);
            q_.ask(id, AddRaftVoterRequest{Voter{ScriptedQuorum::key_of(whom), 0}});
        }
    }

    std::string roles() const {
        std::string text;
        for (const auto& [id, machine] : q_.machines) {
            const Raft& r = machine.raft;
            text += std::to_string(id.value) + " is " + name_of(r.role) + " in epoch " +
                    std::to_string(r.epoch().value) + ", has " +
                    std::to_string(r.log.end_offset.value) + " of which " +
                    std::to_string(r.high_watermark.value) + " are committed, " +
                    (is_voter(r) ? "votes; " : "does not vote; ");
        }
        return text;
    }
    // The leader, once everybody has all that it has and knows that it is committed.
    const Raft* leader_of_all() const {
        const Raft* leader = nullptr;
        for (const auto& [id, machine] : q_.machines) {
            if (machine.raft.epoch() != newest_epoch()) return nullptr;
            if (active_epoch(machine.raft)) leader = &machine.raft;
        }
        for (const auto& [id, machine] : q_.machines) {
            if (leader == nullptr || machine.raft.high_watermark != leader->log.end_offset) {
                return nullptr;
            }
        }
        return leader;
    }
    std::string heal() {
        for (int round = 0; round < 2; ++round) {
            std::string wrong;
            const bool healed = q_.settle(6000, [&] {
                wrong = model_.look();
                return !wrong.empty() || leader_of_all() != nullptr;
            });
            if (!wrong.empty()) return wrong;
            if (!healed) return "healed, and nobody leads all of them: " + roles();
            // What is appended now is committed in the next round.
            const Raft& leader = *leader_of_all();
            if (round == 0) append(leader.self.id);
        }
        return {};
    }

    Walk walk_;
    ScriptedQuorum q_;
    Model model_;
    std::vector<std::string> story_;
    std::int32_t next_topic_ = 0;
};

RC_GTEST_PROP(raft_state, a_quorum_keeps_one_committed_sequence, ()) {
    const std::uint64_t seed = *rc::gen::noShrink(rc::gen::arbitrary<std::uint64_t>());
    Walk walk;
    walk.voters = static_cast<int>(1 + 2 * (seed % 3));
    walk.observers = seed / 3 % 2 == 0 ? 1 : 0;
    walk.config.pre_vote = seed / 6 % 2 == 0;
    walk.config.fetch_tells_high_watermark = seed / 12 % 2 == 0;
    walk.calm = seed / 48 % 2 == 0 ? 1 : 4;
    walk.config.reconfiguration = seed / 96 % 2 == 0;
    walk.config.fetch_max_records = seed / 24 % 2 == 0 ? 2 : 500;
    const std::string wrong = Walker{walk, seed}.run();
    RC_LOG() << wrong;
    RC_ASSERT(wrong.empty());
}

// Walks in which hardly anything happens would prove nothing.
TEST(raft_state, walks_go_far) {
    int elected = 0;
    int changed = 0;
    std::int64_t committed = 0;
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        Walker walker{{.observers = 1, .calm = seed % 4 + 1}, seed};
        EXPECT_EQ(walker.run(), "") << "seed " << seed;
        if (walker.newest_epoch() > LeaderEpoch{3}) ++elected;
        if (walker.voters() != 3) ++changed;
        committed += walker.committed().value;
    }
    EXPECT_GT(elected, 20);
    EXPECT_GT(changed, 5);
    EXPECT_GT(committed, 40 * 10);
}

TEST(raft_state, fixed_voters_become_dynamic_ones_and_change) {
    RaftConfig fixed;
    fixed.reconfiguration = false;
    int upgraded = 0;
    int changed = 0;
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        Walker walker{{.observers = 1, .config = fixed, .calm = 12, .steps = 5000}, seed};
        EXPECT_EQ(walker.run(), "") << "seed " << seed;
        if (walker.is_dynamic()) ++upgraded;
        if (walker.voters() != 3) ++changed;
    }
    EXPECT_GT(upgraded, 20);
    EXPECT_LT(upgraded, 40) << "somebody is always told";
    EXPECT_GT(changed, 5);
}

TEST(raft_state, finds_planted_bugs_and_old_rules) {
    RaftConfig counts_older_epochs;
    counts_older_epochs.commit_requires_own_epoch = false;  // KAFKA-12619
    counts_older_epochs.fetch_max_records = 1;
    RaftConfig acknowledges_unflushed;
    acknowledges_unflushed.flush_before_ack = false;  // KAFKA-10533
    RaftConfig resumes_its_epoch;
    resumes_its_epoch.restart_unattached = false;  // KAFKA-10527
    RaftConfig fixed;
    fixed.reconfiguration = false;
    struct Case {
        const char* name;
        Walk walk;
    };
    const Case cases[] = {
        {"vote not synced", {.bug = PlantedBug::raft_vote_not_synced}},
        {"vote for a shorter log", {.bug = PlantedBug::raft_votes_for_shorter_log}},
        {"no truncation", {.bug = PlantedBug::raft_never_diverges}},
        {"one voter too few", {.bug = PlantedBug::raft_commits_on_minority}},
        {"older epochs are counted",
         {.config = counts_older_epochs, .loses_power = false, .calm = 1}},
        {"unflushed records are counted", {.config = acknowledges_unflushed}},
        {"a leader goes on after a restart", {.config = resumes_its_epoch}},
        {"a voter that nobody knows the directory of",
         {.observers = 1, .config = fixed, .bug = PlantedBug::raft_upgrades_untold}},
    };
    for (Case c : cases) {
        std::string found;
        std::uint64_t seed = 0;
        while (found.empty() && seed < 400) found = Walker{c.walk, ++seed}.run();
        EXPECT_NE(found, "") << c.name;
        RecordProperty(c.name, std::to_string(seed) + ": " + found.substr(0, found.find('\n')));
    }
}

}  // namespace
}  // namespace tribunal
