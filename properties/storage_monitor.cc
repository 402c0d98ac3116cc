// The storage monitor's front: which partition an event concerns, the ledger of flushes, what
// brokers answered, and what was committed at which offset (S1).
#include "properties/storage_monitor.h"

#include <algorithm>

#include <fmt/format.h>
#include "broker/base/check.h"
#include "properties/storage_state.h"
#include "properties/wording.h"

namespace tribunal {

StorageMonitor::StorageMonitor() = default;
StorageMonitor::~StorageMonitor() = default;

StorageMonitor::PartitionState* StorageMonitor::seen(TopicPartition tp) const {
    const auto topic = static_cast<std::size_t>(tp.topic.value);
    const auto partition = static_cast<std::size_t>(tp.partition);
    if (topic >= partitions_.size() || partition >= partitions_[topic].size()) return nullptr;
    return partitions_[topic][partition].get();
}

StorageMonitor::ReplicaShadow* StorageMonitor::seen(NodeId node, TopicPartition tp) const {
    PartitionState* p = seen(tp);
    return p == nullptr ? nullptr : p->find(node);
}

StorageMonitor::PartitionState& StorageMonitor::state_of(TopicPartition tp) {
    if (PartitionState* p = seen(tp)) return *p;
    CHECK(tp.topic.value >= 0);
    CHECK(tp.partition >= 0);
    const auto topic = static_cast<std::size_t>(tp.topic.value);
    const auto partition = static_cast<std::size_t>(tp.partition);
    if (topic >= partitions_.size()) partitions_.resize(topic + 1);
    if (partition >= partitions_[topic].size()) partitions_[topic].resize(partition + 1);
    auto& slot = partitions_[topic][partition];
    slot = std::make_unique<PartitionState>();
    slot->name = fmt::format("t{}-{}", tp.topic.value, tp.partition);
    return *slot;
}

void StorageMonitor::add(PartitionState& p, Finding finding) {
    std::uint32_t& count =
        p.found[static_cast<std::size_t>(finding.rule)][static_cast<std::size_t>(finding.excuse)];
    if (count == kMostFindings) return;
    ++count;
    finding.summary = fmt::format("{}: {}", place_text(p.name, finding.offset), finding.summary);
    findings_.push_back(std::move(finding));
}

void StorageMonitor::on_created(TopicPartition partition, std::string name) {
    state_of(partition).name = std::move(name);
}

void StorageMonitor::on_deleted(TopicPartition partition) {
    if (PartitionState* p = seen(partition)) {
        p->deleted = true;
        p->replicas.clear();
    }
}

void StorageMonitor::observe(Instant now, const PartitionView& view, NodeId whose) {
    PartitionState& p = state_of(view.partition);
    if (p.deleted) return;
    Observation o{*this, p, view.partition, now, {view.replicas.data(), view.replicas.size()}};
    o.align_replicas();
    for (std::size_t i = 0; i < view.replicas.size(); ++i) {
        if (whose == kNoNode || whose == view.replicas[i].node) o.observe_replica(i);
    }
    if (whose == kNoNode || whose == view.leader) {
        o.observe_committed(view.leader, view.leader_epoch);
    }
}

void StorageMonitor::observe_progress(Instant now, TopicPartition partition,
                                      const ReplicaView& replica) {
    PartitionState& p = state_of(partition);
    if (p.deleted) return;
    ReplicaShadow* const shadow = p.find(replica.node);
    CHECK(shadow != nullptr);
    Observation{*this, p, partition, now, {&replica, 1}, {shadow}}.observe_replica(0);
}

// --- the disk -----------------------------------------------------------------------------------

void StorageMonitor::on_flush(NodeId node, TopicPartition partition, std::uint64_t token,
                              Offset end) {
    flushes_.push_back({node, partition, token, end});
}

void StorageMonitor::on_flushed(NodeId node, std::uint64_t token) {
    // Equal tokens of one node are told in the order of their writes.
    const auto it = std::find_if(flushes_.begin(), flushes_.end(), [&](const PendingFlush& f) {
        return f.node == node && f.token == token;
    });
    if (it == flushes_.end()) return;
    const PendingFlush flush = *it;
    flushes_.erase(it);
    if (ReplicaShadow* s = seen(node, flush.partition)) {
        s->durable_end = std::max(s->durable_end, flush.end);
    }
}

void StorageMonitor::on_crash(NodeId node, StorageLoss loss) {
    std::erase_if(flushes_, [&](const PendingFlush& f) { return f.node == node; });
    for (const auto& topic : partitions_) {
        for (const auto& p : topic) {
            ReplicaShadow* s = p == nullptr ? nullptr : p->find(node);
            if (s == nullptr) continue;
            // A power loss after a kill takes what the kill had left.
            s->went_down = std::max(s->went_down.value_or(loss), loss);
            if (loss >= StorageLoss::power) s->lost_page_cache = true;
            if (loss == StorageLoss::wipe) s->durable_end = Offset{0};
            if (loss == StorageLoss::flushed) s->durable_end = s->log_end_offset;
        }
    }
}

void StorageMonitor::on_paused(NodeId node) {
    for (const auto& topic : partitions_) {
        for (const auto& p : topic) {
            ReplicaShadow* s = p == nullptr ? nullptr : p->find(node);
            if (s != nullptr) s->due_since = kNever;
        }
    }
}

void StorageMonitor::on_corrupted_disk(NodeId node, TopicPartition partition) {
    if (ReplicaShadow* s = seen(node, partition)) {
        s->went_down = StorageLoss::wipe;
        s->durable_end = Offset{0};
    }
}

void StorageMonitor::on_clock_moved(Instant now) { clock_moves_.push_back(now); }

// --- answers of brokers -------------------------------------------------------------------------

// S15: flush.messages=1 promises that what was answered is on the platter.
void StorageMonitor::on_written(Instant now, NodeId node, TopicPartition partition,
                                Offset base_offset) {
    const ReplicaShadow* s = seen(node, partition);
    if (s == nullptr) return;
    exercise(Rule::s15);
    // Nor is flushed what recovery finds: the process before may have died in its flush, and to
    // whom sends it again it is written.
    if (base_offset < std::max(s->durable_end, s->found_end)) return;
    add(*seen(partition),
        {Rule::s15,
         Excuse::nothing,
         now,
         partition,
         base_offset,
         node,
         fmt::format("broker {} said that it is written before it was flushed, which "
                     "flush.messages=1 promises",
                     node.value),
         {fmt::format("The log is known to be on the platter up to {}.", s->durable_end.value)}});
}

// S8: DeleteRecords is answered when every replica in the ISR has let go.
void StorageMonitor::on_records_deleted(Instant now, const PartitionView& view,
                                        Offset low_watermark) {
    PartitionState* p = seen(view.partition);
    if (p == nullptr || p->deleted || view.isr == nullptr) return;
    for (const ReplicaView& r : view.replicas) {
        // Those that are not alive are not waited for (DelayedDeleteRecords).
        if (!r.running || !view.isr->contains(r.node)) continue;
        exercise(Rule::s8);
        const ReplicaShadow* s = p->find(r.node);
        const Offset let_go =
            std::max(r.log->log_start_offset, s == nullptr ? Offset{0} : s->highest_log_start);
        if (let_go >= low_watermark) continue;
        add(*p, {Rule::s8, Excuse::nothing, now, view.partition, low_watermark, r.node,
                 fmt::format("DeleteRecords was answered with low watermark {}, and broker {}, in "
                             "the ISR, still begins at {}",
                             low_watermark.value, r.node.value, r.log->log_start_offset.value)});
    }
}

// S9: what is below the log start is out of range.
void StorageMonitor::serves_too_much(Instant now, NodeId node, TopicPartition partition,
                                     Offset last, Offset log_start_offset) {
    add(state_of(partition),
        {Rule::s9, Excuse::nothing, now, partition, last, node,
         fmt::format("broker {} gave this batch to a fetch, and its log begins at {}", node.value,
                     log_start_offset.value)});
}

void StorageMonitor::on_out_of_range(const OutOfRange& told) { out_of_range_.push_back(told); }

// --- what an observation does -------------------------------------------------------------------

void StorageMonitor::Observation::align_replicas() {
    const std::size_t n = replicas.size();
    bool same = p.replicas.size() == n;
    for (std::size_t i = 0; same && i < n; ++i) same = p.replicas[i].node == replicas[i].node;
    if (!same) {
        // A reassignment: a new replica starts unknown.
        std::vector<ReplicaShadow> aligned(n);
        for (std::size_t i = 0; i < n; ++i) {
            if (ReplicaShadow* old = p.find(replicas[i].node)) aligned[i] = std::move(*old);
            aligned[i].node = replicas[i].node;
        }
        p.replicas = std::move(aligned);
    }
    for (ReplicaShadow& s : p.replicas) shadows.push_back(&s);
}

// S1: the leader of the controller's epoch says what is committed.
void StorageMonitor::Observation::observe_committed(NodeId controllers_leader,
                                                    LeaderEpoch controllers_epoch) {
    for (const ReplicaView& r : replicas) {
        if (!r.running || !r.is_leader || r.node != controllers_leader ||
            r.leader_epoch != controllers_epoch) {
            continue;
        }
        if (p.term != r.leader_epoch || p.leader != r.node) begin_term(r);
        if (r.high_watermark > p.compared_to) take_committed(r);
        return;
    }
}

// Looks up to where a new leader's log surely is the one that was committed: leader epoch and
// offset of one batch tell all below it.
void StorageMonitor::Observation::begin_term(const ReplicaView& leader) {
    p.term = leader.leader_epoch;
    p.leader = leader.node;
    p.agreed = p.committed.size();
    while (p.agreed > 0) {
        const BatchIdentity& c = p.committed[p.agreed - 1];
        if (c.last_offset < leader.log->log_start_offset) break;
        const RecordBatch* batch = leader.log->find(c.last_offset);
        if (batch != nullptr && is_same_batch(identity_of(*batch), c, p.compacts)) break;
        --p.agreed;
    }
    p.compared_to = p.agreed == 0 ? Offset{0} : p.committed[p.agreed - 1].last_offset + 1;
}

// Compares what the leader has below its high watermark with what stood there before, and takes in
// what is new.
void StorageMonitor::Observation::take_committed(const ReplicaView& leader) {
    const ReplicaLog& log = *leader.log;
    for (auto place = log.place_of(std::max(p.compared_to, log.log_start_offset));
         const RecordBatch* batch = log.at(place); place = log.next(place)) {
        if (batch->next_offset() > leader.high_watermark) break;
        const BatchIdentity identity = identity_of(*batch);
        monitor.exercise(Rule::s1);
        // Gone from here (cleaned, deleted or lost), and bound to nothing else.
        while (p.agreed < p.committed.size() &&
               p.committed[p.agreed].last_offset < identity.base_offset) {
            ++p.agreed;
        }
        if (p.agreed < p.committed.size() &&
            p.committed[p.agreed].base_offset <= identity.last_offset &&
            !is_same_batch(p.committed[p.agreed], identity, p.compacts)) {
            const BatchIdentity& was = p.committed[p.agreed];
            found(Rule::s1, Excuse::lost_data, identity.base_offset, leader.node,
                  fmt::format("offsets {} to {} of leader epoch {} were committed and now name "
                              "other records, of epoch {}",
                              was.base_offset.value, was.last_offset.value, was.leader_epoch.value,
                              identity.leader_epoch.value));
            p.committed.resize(p.agreed);
        }
        if (p.agreed == p.committed.size()) {
            p.committed.push_back(identity);
            if (p.compacts) remember_records(*batch);
        }
        if (p.committed[p.agreed].base_offset == identity.base_offset) ++p.agreed;
        p.compared_to = batch->next_offset();
    }
    p.compared_to = std::max(p.compared_to, std::min(leader.high_watermark, log.log_end_offset));
}

void StorageMonitor::Observation::remember_records(const RecordBatch& batch) {
    for_each_record(batch, [&](const RecordView& record) {
        if (record.uid == kNoUid) return;
        if (p.records.empty() || p.records.back() < record.offset) {
            p.records.push_back(record.offset);
        }
    });
}

}  // namespace tribunal
