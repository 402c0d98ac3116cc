// For tests of the replication monitor: one partition of three replicas as values, shown to the
// monitor and to its naive twin. It knows no rule; a test sets what it likes.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "properties/naive_replication.h"

namespace tribunal {

// One partition of three replicas as values; a test sets what it likes and then observes.
struct ScriptedCluster {
    static constexpr TopicPartition kPartition{TopicId{0}, 0};

    struct Node {
        bool running = true;
        bool is_leader = false;
        LeaderEpoch epoch{-1};
        PartitionEpoch partition_epoch{-1};
        Offset high_watermark{0};
        ReplicaLog log;
        FlatSet<NodeId> isr;
        FlatSet<NodeId> maximal;
        bool settled = true;
        // What a leader shows of its followers, when `shows_progress`.
        std::vector<ReplicaProgress> progress;
        bool shows_progress = false;
        FlatMap<NodeId, BrokerEpoch> alive;
        bool shows_alive = false;
        Offset epoch_start{0};
        std::int32_t min_isr = 0;
        NodeId follows = kNoNode;
        std::int32_t fetchers = -1;
        NodeId fetches_from = kNoNode;
        Standing standing = Standing::unknown;
        // Of the rule-abiding simulation only.
        std::map<int, Offset> fetched;
        bool must_truncate = false;
        bool is_fenced = false;
    };
    std::vector<Node> nodes = std::vector<Node>(3);
    NodeId leader = kNoNode;
    LeaderEpoch epoch{0};
    PartitionEpoch partition_epoch{0};
    FlatSet<NodeId> isr{NodeId{0}, NodeId{1}, NodeId{2}};
    FlatSet<NodeId> elr;
    FlatSet<NodeId> last_known_elr;
    bool keeps_elr = true;
    std::int32_t min_insync_replicas = 2;
    Rules rules;
    Instant now{0};
    std::int64_t next_uid = 0;
    ReplicationMonitor monitor;
    NaiveReplication naive;
    bool with_naive = true;
    bool compacts = false;
    TopicConfig compacted;
    TopicConfig plain;
    std::vector<Digest128> last_nodes;  // as observed last
    int progressed = 0;                 // observations that took the short way

    PartitionView view() const {
        PartitionView v;
        v.partition = kPartition;
        v.leader = leader;
        v.leader_epoch = epoch;
        v.partition_epoch = partition_epoch;
        v.isr = &isr;
        if (keeps_elr) v.elr = &elr;
        if (keeps_elr) v.last_known_elr = &last_known_elr;
        v.min_insync_replicas = min_insync_replicas;
        v.rules = rules;
        v.metadata_version = metadata_version();
        for (std::size_t i = 0; i < nodes.size(); ++i) {
            const Node& n = nodes[i];
            ReplicaView r;
            r.node = NodeId{static_cast<std::int32_t>(i)};
            r.running = n.running;
            r.is_leader = n.is_leader;
            r.leader_epoch = n.epoch;
            r.partition_epoch = n.partition_epoch;
            r.high_watermark = n.high_watermark;
            r.log = &n.log;
            r.follows = n.follows;
            r.fetchers = n.fetchers;
            r.fetches_from = n.fetches_from;
            r.standing = n.standing;
            r.config = compacts ? &compacted : &plain;
            if (n.is_leader && n.shows_progress) r.followers = &n.progress;
            if (n.is_leader && n.shows_alive) r.alive = &n.alive;
            r.epoch_start_offset = n.epoch_start;
            r.min_insync_replicas = n.min_isr;
            if (n.is_leader) {
                r.isr = &n.isr;
                r.maximal_isr = &n.maximal;
                r.isr_settled = n.settled;
            }
            v.replicas.push_back(r);
        }
        return v;
    }
    void observe() {
        compacted.cleanup_compact = true;
        now = now + milliseconds(1);
        if (!observe_progress()) monitor.observe(now, view());
        if (with_naive) naive.observe(now, view());
        last_nodes = digests_of(nodes);
    }
    // As a recorder does: when the only change was one replica's, the monitor may be content with
    // that.
    bool observe_progress() {
        const std::vector<Digest128> are = digests_of(nodes);
        if (last_nodes.size() != are.size()) return false;
        std::optional<std::size_t> changed;
        for (std::size_t i = 0; i < are.size(); ++i) {
            if (are[i] == last_nodes[i]) continue;
            if (changed) return false;
            changed = i;
        }
        const PartitionView v = view();
        if (!changed) return false;
        if (!monitor.observe_progress(kPartition, v.replicas[*changed], v.metadata_version)) {
            return false;
        }
        ++progressed;
        return true;
    }
    // Of all that a replica's view shows.
    static std::vector<Digest128> digests_of(const std::vector<Node>& nodes) {
        std::vector<Digest128> digests;
        for (const Node& n : nodes) {
            Digest d;
            fold(d, n.running), fold(d, n.is_leader), fold(d, n.epoch), fold(d, n.partition_epoch);
            fold(d, n.high_watermark), fold(d, n.log), fold(d, n.isr), fold(d, n.maximal);
            fold(d, n.settled), fold(d, n.progress), fold(d, n.shows_progress), fold(d, n.alive);
            fold(d, n.shows_alive), fold(d, n.epoch_start), fold(d, n.min_isr), fold(d, n.follows);
            fold(d, n.fetchers), fold(d, n.fetches_from), fold(d, n.standing);
            digests.push_back(d.value());
        }
        return digests;
    }
    // Of what the controller's part of the view shows.
    std::uint64_t metadata_version() const {
        Digest d;
        fold(d, leader), fold(d, epoch), fold(d, partition_epoch), fold(d, isr), fold(d, elr);
        fold(d, last_known_elr), fold(d, keeps_elr), fold(d, min_insync_replicas);
        fold(d, rules.high_watermark_requires_min_isr), fold(d, compacts);
        fold(d, rules.high_watermark_uses_maximal_isr);
        fold(d, rules.isr_expand_requires_epoch_start);
        fold(d, rules.isr_excludes_fenced_brokers);
        fold(d, rules.alter_partition_checks_broker_epoch);
        for (const Node& n : nodes) fold(d, n.standing == Standing::fenced);
        return d.value().low | 1;
    }
    void lossy(int node, DataLoss loss = DataLoss::power) {
        monitor.on_lossy_crash(now, NodeId{node}, loss);
        naive.on_lossy_crash(NodeId{node});
    }
    void acknowledged(std::int64_t offset, std::int64_t uid) {
        monitor.on_acknowledged(now, kPartition, Offset{offset}, RecordUid{uid});
        naive.on_acknowledged(Offset{offset}, RecordUid{uid});
    }

    static RecordBatch batch(std::int64_t uid, int records) {
        BatchBuilder builder;
        for (int i = 0; i < records; ++i) {
            Record record;
            record.value = "v";
            record.uid = RecordUid{uid + i};
            builder.append(record);
        }
        return builder.close();
    }
    void append(int node, LeaderEpoch e, int records = 1, std::int64_t uid = -1) {
        if (uid < 0) uid = next_uid, next_uid += records;
        RecordBatch b = batch(uid, records);
        b.base_offset = nodes[node].log.log_end_offset;
        b.leader_epoch = e;
        nodes[node].log.append(std::move(b));
    }
    // Appends the batch of `from` that follows this replica's log; false when there is none.
    bool copy_next(int from, int to) {
        std::vector<RecordBatch> out;
        ReplicaLog& log = nodes[to].log;
        nodes[from].log.read(log.log_end_offset, nodes[from].log.log_end_offset, 1, out);
        if (out.empty() || out.front().base_offset < log.log_end_offset) return false;
        log.append(out.front());
        return true;
    }

    void elect(int node) {
        leader = NodeId{node};
        epoch = LeaderEpoch{epoch.value + 1};
        partition_epoch = PartitionEpoch{partition_epoch.value + 1};
    }
    void lead(int node) {
        Node& n = nodes[node];
        n.is_leader = true;
        n.epoch = epoch;
        n.partition_epoch = partition_epoch;
        n.isr = isr;
        n.maximal = isr;
        n.settled = true;
        n.fetched.clear();
        n.log.assign_epoch(epoch, n.log.log_end_offset);
    }
    void follow(int node) {
        Node& n = nodes[node];
        n.is_leader = false;
        n.epoch = epoch;
        n.partition_epoch = partition_epoch;
        n.must_truncate = true;
    }
    void high_watermark(int node, std::int64_t offset) {
        nodes[node].high_watermark = Offset{offset};
    }
    void truncate(int node, std::int64_t offset) {
        nodes[node].log.truncate_to(Offset{offset});
        nodes[node].high_watermark =
            std::min(nodes[node].high_watermark, nodes[node].log.log_end_offset);
    }

    // Node 0 leads epoch 1; `committed` records of one batch each are on all three, and the high
    // watermark is known to all.
    static ScriptedCluster healthy(int committed) {
        ScriptedCluster c;
        c.elect(0);
        c.lead(0);
        c.follow(1);
        c.follow(2);
        c.observe();
        for (int i = 0; i < committed; ++i) c.commit_one();
        return c;
    }
    void commit_one() {
        append(0, epoch);
        observe();
        for (int f : {1, 2}) {
            if (copy_next(0, f)) observe();
        }
        nodes[0].high_watermark = nodes[0].log.log_end_offset;
        observe();
        for (int f : {1, 2}) {
            nodes[f].high_watermark = nodes[f].log.log_end_offset;
            observe();
        }
    }
    // ... of three records; two more of node 0 and 1 are committed when node 2, which was out of
    // sync, is elected in their place and writes its own.
    static ScriptedCluster unclean_loss() {
        ScriptedCluster c = healthy(3);
        c.isr = {NodeId{0}, NodeId{1}};
        c.partition_epoch = PartitionEpoch{c.partition_epoch.value + 1};
        c.lead(0);
        c.observe();
        c.append(0, c.epoch, 2, 900);
        c.observe();
        c.copy_next(0, 1);
        c.observe();
        c.high_watermark(0, 5);
        c.observe();
        c.nodes[0].running = false;
        c.nodes[1].running = false;
        c.observe();
        c.elect(2);
        c.isr = {NodeId{2}};
        c.observe();
        c.lead(2);
        c.observe();
        c.append(2, c.epoch);
        c.high_watermark(2, 4);
        c.observe();
        return c;
    }

    // "R1" for a failure, "R1?" for an allowed finding; with counts when there are more.
    std::set<std::string> findings(const History* history = nullptr) const {
        std::set<std::string> out;
        for (const Check& check : monitor.finish(history)) {
            if (check.found > check.found_allowed) out.insert(check.id);
            if (check.found_allowed > 0) out.insert(check.id + "?");
        }
        return out;
    }
    Check check(const std::string& id) const {
        for (Check& c : monitor.finish(nullptr)) {
            if (c.id == id) return c;
        }
        return {};
    }
};

}  // namespace tribunal
