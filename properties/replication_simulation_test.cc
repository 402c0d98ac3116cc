// A cluster that keeps Kafka's rules, at random: the replication monitor is silent, and excuses all
// that it finds when only excused faults happen.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "broker/base/prng.h"
#include "properties/replication_monitor.h"
#include "properties/scripted_cluster.h"
#include "properties/twin_agreement.h"

namespace tribunal {
namespace {

using Cluster = ScriptedCluster;
using Ids = std::set<std::string>;

struct Faults {
    bool lossy = false;
    bool unclean = false;
};

// Random steps of a rule-abiding partition: produce, fetch, KIP-101 truncation, ISR changes with
// KIP-497's maximal ISR, elections, deposed leaders that have not heard of it, crashes, retention.
struct Simulation {
    Cluster c;
    Prng random;
    Faults faults;

    explicit Simulation(std::uint64_t seed, Faults f) : random(seed), faults(f) {
        c.keeps_elr = false;
        c.elect(0);
        observe();
    }
    // What the rules of R12-R18 look at follows from the rest.
    void observe() {
        for (int i = 0; i < 3; ++i) {
            Cluster::Node& n = node(i);
            n.shows_progress = true;
            n.progress.clear();
            for (int f = 0; f < 3; ++f) {
                if (f == i) continue;
                ReplicaProgress r;
                r.node = NodeId{f};
                if (n.fetched.contains(f)) r.log_end = n.fetched[f];
                n.progress.push_back(r);
            }
            n.epoch_start = n.log.epoch_cache.empty()
                                ? Offset{0}
                                : n.log.epoch_cache.entries.back().start_offset;
            n.follows = n.is_leader ? kNoNode : NodeId{9};
            n.fetches_from = n.follows;
            n.fetchers = n.is_leader ? 0 : 1;
            n.standing = n.is_fenced ? Standing::fenced
                         : n.running ? Standing::active
                                     : Standing::stale;
        }
        c.observe();
    }
    int pick() { return static_cast<int>(random.below(3)); }
    Cluster::Node& node(int i) { return c.nodes[static_cast<std::size_t>(i)]; }
    bool in_isr(int i) const { return c.isr.contains(NodeId{i}); }
    bool is_current(int i) {
        return node(i).running && node(i).is_leader && node(i).epoch == c.epoch &&
               c.leader == NodeId{i};
    }
    void bump() { c.partition_epoch = PartitionEpoch{c.partition_epoch.value + 1}; }

    void advance_high_watermark(int i) {
        Cluster::Node& l = node(i);
        Offset low = l.log.log_end_offset;
        for (const NodeId m : l.maximal) {
            if (m == NodeId{i}) continue;
            if (!l.fetched.contains(m.value)) return;
            low = std::min(low, l.fetched[m.value]);
        }
        l.high_watermark = std::max(l.high_watermark, low);
    }
    void fetch(int f) {
        Cluster::Node& n = node(f);
        if (!n.running || n.is_leader) return;
        for (int i = 0; i < 3; ++i) {
            Cluster::Node& l = node(i);
            if (i == f || !l.running || !l.is_leader || l.epoch != n.epoch) continue;
            if (n.log.log_end_offset < l.log.log_start_offset) {
                n.log.truncate_fully_and_start_at(l.log.log_start_offset);
                n.high_watermark = l.log.log_start_offset;
                n.must_truncate = false;
                return observe();
            }
            if (n.must_truncate) {
                const LeaderEpoch mine = n.log.latest_epoch();
                const EpochEnd end = l.log.end_offset_for(mine);
                if (mine == kNoLeaderEpoch ||
                    (end.epoch == mine && n.log.log_end_offset <= end.end_offset)) {
                    n.must_truncate = false;
                    return;
                }
                const Offset own = n.log.end_offset_for(end.epoch).end_offset;
                c.truncate(f, std::min(end.end_offset, own).value);
                // A leader that wrote nothing left its epoch at the end of its log; the entry goes
                // even when no record does (UnifiedLog.truncateTo).
                n.log.epoch_cache.truncate_from_end(n.log.log_end_offset);
                n.high_watermark = std::max(n.high_watermark, n.log.log_start_offset);
                return observe();
            }
            l.fetched[f] = n.log.log_end_offset;
            advance_high_watermark(i);
            observe();
            c.copy_next(i, f);
            n.log.advance_start(std::min(l.log.log_start_offset, n.log.log_end_offset));
            n.high_watermark =
                std::max(std::min(l.high_watermark, n.log.log_end_offset), n.log.log_start_offset);
            return observe();
        }
    }
    void learn(int i) {
        Cluster::Node& n = node(i);
        if (!n.running || n.is_fenced) return;
        if (n.epoch == c.epoch && n.is_leader && n.partition_epoch != c.partition_epoch) {
            n.partition_epoch = c.partition_epoch;
            n.isr = c.isr;
            n.maximal = c.isr;
            n.settled = true;
            advance_high_watermark(i);
        } else if (n.epoch != c.epoch) {
            if (c.leader == NodeId{i}) {
                c.lead(i);
                advance_high_watermark(i);
            } else {
                c.follow(i);
            }
        }
        observe();
    }
    void elect() {
        std::vector<int> able;
        for (int i = 0; i < 3; ++i) {
            if (in_isr(i) && node(i).running && !node(i).is_fenced) able.push_back(i);
        }
        if (able.empty() && faults.unclean) {
            for (int i = 0; i < 3; ++i) {
                if (node(i).running && !node(i).is_fenced) {
                    c.isr = {NodeId{i}};
                    c.elr = {};
                    c.elect(i);
                    return;
                }
            }
        }
        if (able.empty()) {
            if (c.leader == kNoNode) return;
            c.elect(-1);
            return;
        }
        c.elect(able[random.below(able.size())]);
    }
    void fence(int i) {
        if (node(i).is_fenced) return;
        node(i).is_fenced = true;
        if (c.isr.size() > 1 && in_isr(i)) c.isr.erase(NodeId{i}), bump();
        if (c.leader == NodeId{i}) elect();
        observe();
    }
    void crash(int i) {
        Cluster::Node& n = node(i);
        if (!n.running) return;
        n.running = false;
        if (faults.lossy && random.below(2) == 0) {
            const auto span = n.log.log_end_offset.value - n.log.log_start_offset.value;
            const auto lost = static_cast<std::int64_t>(
                random.below(static_cast<std::uint64_t>(std::min<std::int64_t>(span, 4)) + 1));
            n.log.truncate_to(Offset{n.log.log_end_offset.value - lost});
            c.lossy(i);
            observe();
            // An unclean restart is found out before anything else is decided.
            node(i).is_fenced = false;
            if (c.isr.size() > 1 && in_isr(i)) {
                fence(i);
                return;
            }
        }
        observe();
    }
    void restart(int i) {
        Cluster::Node& n = node(i);
        if (n.running) return;
        fence(i);
        // Its new broker epoch voids what leaders knew of it (KIP-903).
        for (Cluster::Node& other : c.nodes) {
            other.fetched.erase(i);
            // Unless the controller has committed it already and the leader not heard of it.
            if (other.partition_epoch != c.partition_epoch) continue;
            if (other.isr.contains(NodeId{i}) || !other.maximal.contains(NodeId{i})) continue;
            other.maximal = other.isr;
            other.settled = true;
        }
        n.running = true;
        n.is_leader = false;
        n.must_truncate = true;
        n.is_fenced = false;
        n.high_watermark =
            std::clamp(n.high_watermark, n.log.log_start_offset, n.log.log_end_offset);
        observe();
        if (c.leader == kNoNode) elect();
        observe();
    }
    void step() {
        const int i = pick();
        Cluster::Node& n = node(i);
        switch (random.below(24)) {
            case 0:
            case 1:
            case 2:
            case 3:
                if (n.running && n.is_leader) {
                    c.append(i, n.epoch, 1 + static_cast<int>(random.below(3)));
                    advance_high_watermark(i);
                    observe();
                }
                break;
            case 12:
                if (random.below(4) == 0) crash(i);
                break;
            case 13:
            case 14:
            case 15:
                restart(i);
                break;
            case 16:
                if (!n.running) fence(i);
                break;
            case 17:  // the leader shrinks its ISR
                if (is_current(i) && n.partition_epoch == c.partition_epoch && n.settled) {
                    const int f = pick();
                    if (f != i && in_isr(f)) c.isr.erase(NodeId{f}), bump(), observe();
                }
                break;
            case 18:  // ... expands it: first for itself,
                if (is_current(i) && n.partition_epoch == c.partition_epoch && n.settled) {
                    const int f = pick();
                    const Offset start = n.log.epoch_cache.empty()
                                             ? Offset{0}
                                             : n.log.epoch_cache.entries.back().start_offset;
                    if (in_isr(f) || !n.fetched.contains(f) || !node(f).running) break;
                    if (node(f).epoch != n.epoch || node(f).must_truncate) break;
                    if (n.fetched[f] < n.high_watermark || n.fetched[f] < start) break;
                    n.maximal.insert(NodeId{f});
                    n.settled = false;
                    observe();
                }
                break;
            case 19:
            case 20:  // ... then at the controller
                if (is_current(i) && n.partition_epoch == c.partition_epoch && !n.settled) {
                    bool able = true;
                    for (const NodeId m : n.maximal) {
                        able &= node(m.value).running && !node(m.value).is_fenced;
                    }
                    if (able) c.isr = n.maximal;
                    bump();
                    observe();
                }
                break;
            case 21:
                if (random.below(12) == 0) elect(), observe();
                break;
            case 22:
                if (is_current(i)) {
                    n.log.advance_start(std::min(
                        n.high_watermark,
                        n.log.log_start_offset + static_cast<std::int64_t>(random.below(4))));
                    // To a batch's first offset, as a segment's deletion does.
                    const RecordBatch* b = n.log.find(n.log.log_start_offset);
                    if (b != nullptr && b->next_offset() <= n.high_watermark) {
                        n.log.advance_start(b->next_offset());
                    }
                    observe();
                }
                break;
            default:
                if (random.below(3) == 0)
                    learn(i);
                else
                    fetch(i);
        }
    }
};

TEST(ReplicationMonitor, stays_silent_while_the_rules_are_kept) {
    std::map<std::string, std::uint64_t> exercised;
    for (std::uint64_t seed = 0; seed < 40; ++seed) {
        Simulation s(seed, {});
        s.c.with_naive = seed < 2;
        for (int i = 0; i < (s.c.with_naive ? 400 : 4000); ++i) s.step();
        for (const Check& check : s.c.monitor.finish(nullptr)) {
            EXPECT_EQ(check.found, 0u) << "seed " << seed << ": " << check.note;
            exercised[check.id] += check.checked;
        }
        if (s.c.with_naive) expect_twin_agrees(s.c);
        if (HasFailure()) break;
    }
    for (const auto& [id, checked] : exercised) {
        EXPECT_EQ(checked > 0, !Ids({"D5", "R14", "R15", "R19", "R20", "R21"}).contains(id)) << id;
    }
}

TEST(ReplicationMonitor, every_finding_is_allowed_when_only_excused_faults_happen) {
    std::map<std::string, std::uint64_t> found;
    for (std::uint64_t seed = 0; seed < 120; ++seed) {
        Simulation s(seed, {seed % 3 != 0, seed % 3 != 1});
        s.c.with_naive = seed < 6;
        for (int i = 0; i < (s.c.with_naive ? 400 : 2000); ++i) s.step();
        for (const Check& check : s.c.monitor.finish(nullptr)) {
            EXPECT_EQ(check.found, check.found_allowed)
                << "seed " << seed << ": " << check.id << " "
                << (check.violations.empty() ? "" : check.violations.front().summary) << "\n"
                << (check.violations.empty() ? "" : check.violations.front().explanation[1]);
            found[check.id] += check.found;
        }
        if (s.c.with_naive) expect_twin_agrees(s.c);
        if (HasFailure()) break;
    }
    for (const char* id : {"R1", "R2", "R3", "R5", "R6", "R14", "R16", "D5"}) {
        EXPECT_GT(found[id], 0u) << id;
    }
}

}  // namespace
}  // namespace tribunal
