// The replication monitor equals its naive twin on anything, wrong states included.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>

#include "broker/base/prng.h"
#include "properties/replication_monitor.h"
#include "properties/scripted_cluster.h"
#include "properties/twin_agreement.h"

namespace tribunal {
namespace {

using Cluster = ScriptedCluster;

void scramble(Cluster& c, std::uint32_t code) {
    Prng r(code);
    const auto below = [&](std::uint64_t n) { return static_cast<int>(r.below(n)); };
    const int i = below(3);
    Cluster::Node& n = c.nodes[static_cast<std::size_t>(i)];
    const auto any_set = [&] {
        FlatSet<NodeId> set;
        for (int k = 0; k < 3; ++k) {
            if (below(3) != 0) set.insert(NodeId{k});
        }
        return set;
    };
    switch (below(26)) {
        case 20:
        case 21:
            n.shows_progress = below(4) != 0;
            n.progress.clear();
            for (int f = 0; f < 3; ++f) {
                if (f == i || below(6) == 0) continue;
                ReplicaProgress known;
                known.node = NodeId{f};
                known.log_end = Offset{n.log.log_end_offset.value - below(3)};
                known.broker_epoch = BrokerEpoch{below(2)};
                n.progress.push_back(known);
            }
            n.shows_alive = below(2) == 0;
            n.alive.clear();
            for (int f = 0; f < 3; ++f) {
                if (below(3) != 0) n.alive[NodeId{f}] = BrokerEpoch{below(2)};
            }
            n.epoch_start = Offset{below(6)};
            n.min_isr = below(4);
            break;
        case 22:
            n.settled = false;
            n.maximal.insert(NodeId{below(3)});
            break;
        case 23:
            n.fetchers = below(4) - 1;
            n.follows = below(3) == 0 ? kNoNode : NodeId{below(3)};
            n.fetches_from = below(3) == 0 ? NodeId{below(3)} : n.follows;
            break;
        case 24:
            n.standing = static_cast<Standing>(below(4));
            break;
        case 25:
            c.keeps_elr = below(3) != 0;
            c.last_known_elr = any_set();
            c.min_insync_replicas = below(4);
            c.rules.high_watermark_requires_min_isr = below(2) == 0;
            c.rules.high_watermark_uses_maximal_isr = below(2) == 0;
            c.rules.isr_expand_requires_epoch_start = below(2) == 0;
            c.rules.isr_excludes_fenced_brokers = below(2) == 0;
            c.rules.alter_partition_checks_broker_epoch = below(2) == 0;
            break;
        case 0:
        case 1:
        case 2: {
            const std::int64_t uid = below(4) == 0 ? below(12) : -1;  // sometimes sent again
            c.append(i, below(6) == 0 ? LeaderEpoch{below(4)} : n.epoch, 1 + below(2), uid);
            break;
        }
        case 3:
        case 4:
        case 5:
        case 6:
            c.copy_next(below(3), i);
            break;
        case 7:
            n.log.truncate_to(
                Offset{std::max<std::int64_t>(0, n.log.log_end_offset.value - below(4))});
            break;
        case 8:
        case 9:
        case 10:
            n.high_watermark = Offset{n.log.log_end_offset.value + (below(8) == 0 ? 1 : 0)};
            break;
        case 11:
            n.high_watermark =
                Offset{below(static_cast<std::uint64_t>(n.log.log_end_offset.value + 1))};
            break;
        case 12:
            if (below(2) == 0) {
                n.running = !n.running;
            } else {
                c.lossy(i);
                n.running = below(3) == 0;
                n.log.truncate_to(Offset{std::max<std::int64_t>(
                    n.log.log_start_offset.value, n.log.log_end_offset.value - below(3))});
            }
            break;
        case 13:
            c.elect(below(8) == 0 ? -1 : i);
            if (below(2) == 0) c.isr.insert(NodeId{i});
            break;
        case 14:
        case 15:
            c.lead(c.leader == kNoNode || below(6) == 0 ? i : c.leader.value);
            break;
        case 16:
            c.follow(i);
            break;
        case 17:
            c.isr = any_set();
            if (below(3) == 0) c.elr = any_set();
            if (below(2) == 0) c.partition_epoch = PartitionEpoch{c.partition_epoch.value + 1};
            break;
        case 18:
            n.isr = any_set();
            n.maximal = any_set();
            n.settled = below(2) == 0;
            if (below(10) == 0) n.epoch = LeaderEpoch{below(4)};
            if (below(10) == 0) c.epoch = LeaderEpoch{below(4)};
            break;
        default:
            if (below(2) == 0) {
                c.acknowledged(below(8), below(12));
            } else if (below(2) == 0) {
                n.log.advance_start(
                    Offset{below(static_cast<std::uint64_t>(n.log.log_end_offset.value + 1))});
            } else if (below(3) == 0) {
                n.log.truncate_fully_and_start_at(Offset{below(8)});
            } else if (below(8) == 0) {
                c.monitor.on_metadata_lost(c.now);
                c.naive.on_metadata_lost();
            }
    }
    c.observe();
}

RC_GTEST_PROP(ReplicationMonitorTwin, agrees_with_the_definitions_on_anything,
              (const std::vector<std::uint32_t>& codes)) {
    Cluster c;
    c.elect(0);
    c.lead(0);
    c.observe();
    for (const std::uint32_t code : codes) scramble(c, code);
    const auto fast = text_of(counts_of(c.monitor));
    const auto slow = text_of(c.naive.evaluate());
    RC_ASSERT(fast == slow);
}

TEST(ReplicationMonitorTwin, agrees_on_long_random_runs_and_finds_everything) {
    std::map<std::string, std::uint64_t> found;
    std::map<std::string, std::uint64_t> allowed;
    int progressed = 0;
    for (std::uint64_t seed = 0; seed < 1500; ++seed) {
        Prng r(seed);
        Cluster c = seed % 2 == 0 ? Cluster::healthy(3) : Cluster{};
        c.observe();
        for (int i = 0; i < 60; ++i) scramble(c, static_cast<std::uint32_t>(r.next()));
        const auto slow = c.naive.evaluate();
        ASSERT_EQ(text_of(counts_of(c.monitor)), text_of(slow)) << "seed " << seed;
        progressed += c.progressed;
        for (const auto& [id, count] : slow) {
            found[id] += count.found;
            allowed[id] += count.found_allowed;
        }
    }
    EXPECT_GT(progressed, 1000);
    EXPECT_EQ(found.size(), ReplicationMonitor::kRules - 2);  // R19 and R21 are asked otherwise
    for (const auto& [id, count] : found) EXPECT_GT(count, allowed[id]) << id;
}

}  // namespace
}  // namespace tribunal
