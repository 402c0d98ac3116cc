// The monitor's front: which partition an event concerns, and what the run says that excuses. An
// observation itself is in replication_steps.cc, replication_commit.cc and replication_levels.cc.
#include "properties/replication_monitor.h"

#include <algorithm>

#include <fmt/format.h>
#include "broker/base/check.h"
#include "properties/replication_state.h"

namespace tribunal {

ReplicationMonitor::ReplicationMonitor() = default;
ReplicationMonitor::~ReplicationMonitor() = default;
ReplicationMonitor::ReplicationMonitor(const ReplicationMonitor&) = default;
ReplicationMonitor::ReplicationMonitor(ReplicationMonitor&&) noexcept = default;
ReplicationMonitor& ReplicationMonitor::operator=(const ReplicationMonitor&) = default;
ReplicationMonitor& ReplicationMonitor::operator=(ReplicationMonitor&&) noexcept = default;

const Shared<ReplicationMonitor::PartitionState>* ReplicationMonitor::find(
    TopicPartition tp) const {
    const auto topic = static_cast<std::size_t>(tp.topic.value);
    const auto partition = static_cast<std::size_t>(tp.partition);
    if (topic >= index_.size() || partition >= index_[topic].size()) return nullptr;
    const std::int32_t at = index_[topic][partition];
    return at < 0 ? nullptr : &states_[static_cast<std::size_t>(at)];
}

Shared<ReplicationMonitor::PartitionState>* ReplicationMonitor::find(TopicPartition tp) {
    const ReplicationMonitor& self = *this;
    return const_cast<Shared<PartitionState>*>(self.find(tp));
}

Shared<ReplicationMonitor::PartitionState>& ReplicationMonitor::find_or_create(TopicPartition tp) {
    if (auto* state = find(tp)) return *state;
    CHECK(tp.topic.value >= 0);
    CHECK(tp.partition >= 0);
    const auto topic = static_cast<std::size_t>(tp.topic.value);
    const auto partition = static_cast<std::size_t>(tp.partition);
    if (topic >= index_.size()) index_.resize(topic + 1);
    if (partition >= index_[topic].size()) index_[topic].resize(partition + 1, -1);
    index_[topic][partition] = static_cast<std::int32_t>(states_.size());
    PartitionState state;
    state.facts.partition = tp;
    state.facts.name = fmt::format("t{}-{}", tp.topic.value, tp.partition);
    state.facts.deposed_leader_until = Instant{-1};  // it is watched, and there is none so far
    states_.emplace_back(std::move(state));
    return states_.back();
}

void ReplicationMonitor::on_created(TopicPartition partition, PartitionPromise promise) {
    PartitionFacts& facts = find_or_create(partition).edit().facts;
    if (!promise.name.empty()) facts.name = std::move(promise.name);
    facts.unclean_leader_election_enabled = promise.unclean_leader_election_enabled;
    facts.flush_every_message = promise.flush_every_message;
}

void ReplicationMonitor::on_altering_min_isr(TopicPartition partition) {
    find_or_create(partition).edit().min_isr_alters = true;
}

void ReplicationMonitor::on_altered(TopicPartition partition, const PartitionPromise& promise) {
    const bool has_flushed = find_or_create(partition)->facts.flush_every_message;
    on_created(partition, promise);
    find_or_create(partition).edit().min_isr_alters = false;
    // What was appended before is not flushed for it.
    if (!has_flushed) find_or_create(partition).edit().facts.flush_every_message = false;
}

void ReplicationMonitor::observe(Instant now, const PartitionView& view) {
    CHECK(view.isr != nullptr);
    CHECK(view.replicas.size() <= 32);
    PartitionState& p = find_or_create(view.partition).edit();
    if (p.facts.deleted) return;
    Observation{*this, p, view, now}.run();
}

void ReplicationMonitor::on_acknowledged(Instant, TopicPartition partition, Offset offset,
                                         RecordUid uid) {
    auto* state = find(partition);
    if (state == nullptr || offset < Offset{0}) return;
    if (offset < (*state)->committed.end()) {
        ++tally(Rule::r1).checked;
        return;
    }
    // Its loss is known already.
    const auto gone = (*state)->gone.find(uid);
    if (gone != (*state)->gone.end() && (*state)->lost[gone->second].offset == offset) return;
    state->edit().early_acks.push_back({offset, uid});
}

void ReplicationMonitor::PartitionState::lose_data(ReplicaShadow& s) {
    s.had_until = std::max(s.is_lossy ? s.had_until : Offset{0}, s.log_end_offset);
    s.is_lossy = true;
    s.left_isr = false;
    any_lossy = true;
    is_exhausted = false;  // a new loss may use the budget up anew
}

void ReplicationMonitor::on_lossy_crash(Instant, NodeId node, DataLoss loss) {
    for (Shared<PartitionState>& state : states_) {
        const auto& seen = state->replicas;
        const auto it =
            std::find_if(seen.begin(), seen.end(), [&](const auto& s) { return s.node == node; });
        if (it == seen.end() || state->facts.deleted) continue;
        PartitionState& p = state.edit();
        ReplicaShadow& s = p.replicas[static_cast<std::size_t>(it - seen.begin())];
        s.went_down = true;
        // Truncations are never synced, whatever flush.messages says: what is gone may come back.
        for (LostRecord& lost : p.lost) lost.power_lost_since = true;
        // What was flushed before it was acknowledged survives everything but the disk's loss.
        const bool is_flushed = p.facts.flush_every_message && s.unflushed_until == Offset{0};
        if (is_flushed && loss == DataLoss::power) continue;
        p.lose_data(s);
    }
}

void ReplicationMonitor::on_corrupted_disk(Instant, NodeId node, TopicPartition partition) {
    PartitionState& p = find_or_create(partition).edit();
    p.facts.corrupted_disk = true;
    for (ReplicaShadow& s : p.replicas) {
        if (s.node != node) continue;
        p.lose_data(s);
    }
}

void ReplicationMonitor::on_deleted(TopicPartition partition) {
    if (auto* state = find(partition)) state->edit().facts.deleted = true;
}

void ReplicationMonitor::fold_into(Digest& d) const {
    d.word(broken_rules());
    for (const Shared<PartitionState>& state : states_) {
        const PartitionState& p = *state;
        fold(d, p.newest_term), fold(d, p.previous_term), fold(d, p.newest_leader);
        fold(d, p.judged_term), fold(d, p.term_high_watermark), d.word(p.term_fell_short);
        d.word(p.committed.size());
        for (const CommittedBatch& batch : p.committed.batches) {
            fold(d, batch.identity.base_offset), fold(d, batch.identity.leader_epoch);
            d.word(batch.identity.crc);
        }
        for (const ReplicaShadow& s : p.replicas) {
            // Where it was seen last is where it is; what it went through is not.
            d.word((s.is_lossy ? 1u : 0u) | (s.left_isr ? 2u : 0u) | (s.went_down ? 4u : 0u) |
                   (s.has_wrong_isr ? 8u : 0u) | (s.lost_gap ? 16u : 0u));
            if (s.is_lossy) fold(d, s.had_until);
            if (p.facts.flush_every_message) fold(d, s.unflushed_until);
        }
        d.word(p.asked);
        d.word(p.early_acks.size());
        for (const Acknowledgement& ack : p.early_acks) fold(d, ack.offset), fold(d, ack.uid);
        d.word(p.excuses.size());
        for (const Excuse& e : p.excuses)
            fold(d, e.epoch), d.word(e.unclean), d.word(e.compaction.size());
        d.word(p.pending ? 1 : 0);
        d.word(p.is_exhausted ? 1 : 0), d.word(p.last_candidates);
        d.word(p.losses.size());
    }
}

std::uint32_t ReplicationMonitor::broken_rules() const {
    std::uint32_t broken = 0;
    for (std::size_t i = 0; i < kRules; ++i) {
        if (tallies_[i].found > tallies_[i].found_allowed) broken |= 1u << i;
    }
    return broken;
}

void ReplicationMonitor::on_metadata_lost(Instant now) {
    metadata_lost_at_ = std::min(metadata_lost_at_, now);
}

}  // namespace tribunal
