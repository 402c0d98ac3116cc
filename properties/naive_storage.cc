#include "properties/naive_storage.h"

#include <algorithm>

namespace tribunal {

namespace {

using Broken = std::set<std::string>;
using Replica = NaiveStorage::Replica;

bool is_same_header(const RecordBatch& a, const RecordBatch& b) {
    return a.last_offset_delta == b.last_offset_delta && a.leader_epoch == b.leader_epoch &&
           a.producer_id == b.producer_id && a.base_sequence == b.base_sequence;
}

std::int32_t epoch_at(const Replica& r, std::int64_t offset) {
    std::int32_t epoch = -1;
    for (const EpochEntry& entry : r.epochs) {
        if (entry.start_offset.value <= offset) epoch = entry.epoch.value;
    }
    return epoch;
}

// S13 and S14, of one replica at one time. `began` is where its log ever began.
void check_state(const Replica& r, std::int64_t began, std::int64_t highest, bool lost_page_cache,
                 Broken& broken) {
    for (std::size_t e = 0; e < r.epochs.size(); ++e) {
        const EpochEntry& entry = r.epochs[e];
        if (e > 0 && !(r.epochs[e - 1].epoch < entry.epoch &&
                       r.epochs[e - 1].start_offset < entry.start_offset)) {
            broken.insert("S13");
        }
        if (entry.start_offset.value > r.end) broken.insert("S13");
        for (const auto& [base, batch] : r.batches) {
            if (batch.last_offset() >= entry.start_offset && batch.leader_epoch < entry.epoch) {
                broken.insert("S13");
            }
        }
    }
    for (const auto& [base, batch] : r.batches) {
        const std::int64_t from = std::max({base, r.start, began});
        if (batch.last_offset().value < from) continue;
        if (epoch_at(r, from) != batch.leader_epoch.value) broken.insert("S13");
    }
    if (!r.running) return;
    const bool is_cleaner_wrong = r.cleaner_checkpoint > r.end && !lost_page_cache;
    if (r.recovery_point > r.end || r.checkpointed_recovery_point > r.end ||
        r.checkpointed_high_watermark > highest || r.checkpointed_start > r.start ||
        is_cleaner_wrong) {
        broken.insert("S14");
    }
}

}  // namespace

std::int64_t Replica::segment_of(std::int64_t offset) const {
    std::int64_t found = bases.front();
    for (const std::int64_t base : bases) {
        if (base <= offset) found = base;
    }
    return found;
}
std::int64_t Replica::end_of(std::int64_t base) const {
    for (const std::int64_t next : bases) {
        if (next > base) return next;
    }
    return end;
}
std::int64_t Replica::size_of(std::int64_t base) const {
    std::int64_t size = 0;
    for (const auto& [at, batch] : batches) {
        if (segment_of(at) == base) size += batch.size_in_bytes();
    }
    return size;
}
std::int64_t Replica::size_from(std::int64_t base) const {
    std::int64_t size = 0;
    for (const auto& [at, batch] : batches) {
        if (segment_of(at) >= base) size += batch.size_in_bytes();
    }
    return size;
}
std::int64_t Replica::newest_in(std::int64_t base) const {
    std::int64_t newest = -1;
    for (const auto& [at, batch] : batches) {
        if (segment_of(at) == base) newest = std::max(newest, batch.max_timestamp.value);
    }
    return newest;
}

void NaiveStorage::on_crash(NodeId node, StorageLoss loss) {
    auto& how = went_down_.try_emplace(node.value, loss).first->second;
    how = std::max(how, loss);
}

void NaiveStorage::observe(Instant now, const PartitionView& view) {
    State state;
    state.now = now;
    state.leader = view.leader.value;
    state.leader_epoch = view.leader_epoch.value;
    state.went_down = std::move(went_down_);
    went_down_.clear();
    for (const ReplicaView& v : view.replicas) {
        Replica& r = state.replicas.emplace_back();
        r.node = v.node.value;
        r.running = v.running;
        r.is_leader = v.is_leader;
        r.leader_epoch = v.leader_epoch.value;
        r.high_watermark = v.high_watermark.value;
        r.start = v.log->log_start_offset.value;
        r.end = v.log->log_end_offset.value;
        r.recovery_point = v.log->recovery_point.value;
        r.checkpointed_high_watermark = v.checkpointed_high_watermark.value;
        r.checkpointed_recovery_point = v.checkpointed_recovery_point.value;
        r.checkpointed_start = v.checkpointed_log_start.value;
        r.cleaner_checkpoint = v.cleaner_checkpoint.value;
        r.wall_clock = v.wall_clock.value;
        r.topic = *v.config;
        r.epochs = v.log->epoch_cache.entries;
        for (const Shared<Segment>& segment : v.log->segments) {
            r.bases.push_back(segment->base_offset.value);
            for (const RecordBatch& batch : segment->batches) {
                r.batches.emplace(batch.base_offset.value, batch);
                for_each_record(batch, [&](const RecordView& record) {
                    Item item;
                    if (record.key) item.key = std::string{*record.key};
                    item.is_tombstone = !record.value;
                    item.timestamp = record.timestamp.value;
                    item.content = record.content_digest();
                    item.uid = record.uid.value;
                    r.items.emplace(record.offset.value, item);
                });
            }
        }
    }
    states_.push_back(std::move(state));
}

// One replica from one state to the next.
struct NaiveStorage::Step {
    const std::vector<State>& states;
    std::size_t at;  // of the later state
    std::size_t i;   // of the replica
    Broken& broken;
    const Replica& a = states[at - 1].replicas[i];
    const Replica& b = states[at].replicas[i];

    void run() {
        const auto down = states[at].went_down.find(b.node);
        if (down != states[at].went_down.end()) return check_restart(down->second);
        if (b.start < a.start && a.running && b.running && b.start != b.end) broken.insert("S8");
        if (b.start != a.start && (b.start > b.end || b.bases.front() > b.start)) {
            broken.insert("S8");
        }
        if (b.end < a.end || b.bases.front() > a.end) return;  // cut, or begun anew
        check_deleted();
        check_kept();
    }

    void check_restart(StorageLoss loss) {
        if (loss == StorageLoss::wipe) return;
        const bool is_active_empty =
            a.batches.empty() || a.batches.rbegin()->first < a.bases.back();
        const std::int64_t end =
            is_active_empty ? a.bases.back() : a.batches.rbegin()->second.next_offset().value;
        if (loss <= StorageLoss::none && end != b.end) broken.insert("S11");
        auto had = a.batches.lower_bound(b.bases.front());
        for (const auto& [base, batch] : b.batches) {
            if (had == a.batches.end() || had->second != batch || !is_intact(batch)) {
                broken.insert("S11");
                return;
            }
            ++had;
        }
    }

    void check_deleted() {
        if (!a.running || !b.running || a.cleaner_checkpoint != b.cleaner_checkpoint) return;
        for (const std::int64_t base : a.bases) {
            if (base >= b.bases.front()) return;
            const std::int64_t end = a.end_of(base);
            const std::int64_t left = a.size_from(base) - a.size_of(base);
            const TopicConfig& topic = b.topic;
            const bool is_due =
                end <= a.start ||
                (topic.cleanup_delete && topic.retention_bytes >= 0 &&
                 left >= topic.retention_bytes) ||
                (topic.cleanup_delete && topic.retention >= Duration{0} &&
                 b.wall_clock - a.newest_in(base) > topic.retention.value / 1'000'000);
            if (end > b.high_watermark || !is_due) {
                broken.insert("S7");
                return;
            }
        }
    }

    void check_kept() {
        for (const auto& [base, batch] : b.batches) {
            if (base >= a.end) continue;
            const auto was = a.batches.find(base);
            if (was == a.batches.end() || !is_same_header(was->second, batch)) {
                broken.insert("S2");
            }
        }
        for (const auto& [offset, item] : b.items) {
            if (offset >= a.end) continue;
            const auto was = a.items.find(offset);
            if (was == a.items.end() || was->second != item) broken.insert("S2");
        }
        // What was in the active segment stays as it is, wherever it is now.
        bool is_active_kept = true;
        for (const auto& [base, batch] : a.batches) {
            if (base < a.bases.back() || base < b.bases.front()) continue;
            const auto now = b.batches.find(base);
            is_active_kept =
                is_active_kept && now != b.batches.end() && now->second.crc == batch.crc;
        }
        if (!is_active_kept) {
            broken.insert("S5");
            return;
        }
        for (const auto& [offset, item] : a.items) {
            if (offset < b.bases.front() || b.items.contains(offset)) continue;
            check_removed(offset, item);
        }
    }

    void check_removed(std::int64_t offset, const Item& item) {
        const std::int64_t lag = b.topic.min_compaction_lag.value / 1'000'000;
        if (lag > 0 && b.wall_clock - item.timestamp < lag) broken.insert("S5");
        if (!item.key) return;
        for (const Replica* r : {&a, &b}) {
            for (const auto& [newer, other] : r->items) {
                if (newer > offset && newer < b.high_watermark && other.key == item.key) return;
            }
        }
        if (!item.is_tombstone) {
            broken.insert("S3");
            return;
        }
        if (b.topic.delete_retention == Duration{0}) return;
        // The first state after a cleaning of somebody who read it and kept it.
        for (std::size_t n = 1; n < at; ++n) {
            for (std::size_t k = 0; k < states[n].replicas.size(); ++k) {
                const Replica& before = states[n - 1].replicas[k];
                const Replica& r = states[n].replicas[k];
                if (states[n].went_down.contains(r.node) || r.end < before.end ||
                    r.cleaner_checkpoint == before.cleaner_checkpoint || offset >= r.bases.back() ||
                    !r.items.contains(offset)) {
                    continue;
                }
                const auto batch = std::prev(r.batches.upper_bound(offset));
                if (batch->first >= r.cleaner_checkpoint) continue;
                const Duration since = states[at].now - states[n].now;
                if (since + milliseconds(1) <= b.topic.delete_retention) broken.insert("S4");
                return;
            }
        }
        broken.insert("S4");
    }
};

// S1: of all states, what their leaders had below the high watermark.
void NaiveStorage::check_committed(Broken& broken) const {
    struct Bound {
        std::int64_t base = 0;
        Offset last;
        LeaderEpoch epoch;
        std::uint32_t crc = 0;
        bool operator==(const Bound&) const = default;
    };
    std::map<std::int64_t, Bound> bound;  // by offset
    bool compacts = false;
    for (const State& state : states_) {
        for (const Replica& r : state.replicas) compacts = compacts || r.topic.cleanup_compact;
        for (const Replica& r : state.replicas) {
            if (!r.running || !r.is_leader || r.node != state.leader ||
                r.leader_epoch != state.leader_epoch) {
                continue;
            }
            for (const auto& [base, batch] : r.batches) {
                if (batch.next_offset().value > r.high_watermark) break;
                if (batch.last_offset().value < r.start) continue;
                const Bound now{base, batch.last_offset(), batch.leader_epoch,
                                compacts ? 0 : batch.crc};
                for (std::int64_t o = base; o <= batch.last_offset().value; ++o) {
                    const auto [it, is_new] = bound.try_emplace(o, now);
                    if (!is_new && it->second != now) broken.insert("S1");
                    it->second = now;
                }
            }
        }
    }
}

std::set<std::string> NaiveStorage::broken() const {
    Broken broken;
    check_committed(broken);
    std::map<std::int32_t, std::int64_t> began;
    std::map<std::int32_t, std::int64_t> highest;
    std::set<std::int32_t> lost_page_cache;
    for (std::size_t n = 0; n < states_.size(); ++n) {
        for (const auto& [node, loss] : states_[n].went_down) {
            highest[node] = 0;
            if (loss >= StorageLoss::power) lost_page_cache.insert(node);
        }
        for (std::size_t i = 0; i < states_[n].replicas.size(); ++i) {
            if (n > 0) Step{states_, n, i, broken}.run();
            const Replica& r = states_[n].replicas[i];
            highest[r.node] = std::max(highest[r.node], r.high_watermark);
            check_state(r, began[r.node], highest[r.node], lost_page_cache.contains(r.node),
                        broken);
            began[r.node] = std::max(began[r.node], r.start);
        }
    }
    return broken;
}

}  // namespace tribunal
