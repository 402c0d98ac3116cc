// What a process finds when it starts again, and what it keeps beside its log: S11 (a prefix of
// what was written), S12 (producers), S13 (leader epochs), S14 (checkpoints) and S15 (what was
// flushed).
#include <algorithm>

#include <fmt/format.h>
#include "properties/producer_rebuild.h"
#include "properties/storage_state.h"

namespace tribunal {

using Rule = StorageMonitor::Rule;

namespace {

// Where a log is no prefix of another one, and how; no words when it is.
struct Mismatch {
    Offset at;
    std::string what;
};

class PrefixCheck {
  public:
    explicit PrefixCheck(const ReplicaLog& log) : log_(log), place_(log.place_of(Offset{0})) {}

    // Everything of the longer log, in order.
    void read(const Shared<Segment>& had) {
        // A segment that is still the same object needs no look.
        const std::size_t at = place_.segment;
        if (!is_over_ && at < log_.segments.size() && place_.batch == 0 &&
            log_.segments[at].is_same_object(had)) {
            place_ = log_.place_of(had->next_offset());
            return;
        }
        for (const RecordBatch& batch : had->batches) read(identity_of(batch));
    }
    void read(const BatchIdentity& had) {
        // Segments below the first may have been deleted just before.
        if (is_over_ || had.base_offset < log_.segments.front()->base_offset) return;
        const RecordBatch* batch = log_.at(place_);
        is_over_ = batch == nullptr || identity_of(*batch) != had;
        if (!is_over_) {
            place_ = log_.next(place_);
        } else if (batch != nullptr) {
            mismatch_ = {batch->base_offset,
                         fmt::format("has batch {} to {} where it had {} to {}",
                                     batch->base_offset.value, batch->last_offset().value,
                                     had.base_offset.value, had.last_offset.value)};
        }
    }
    Mismatch finish() {
        const RecordBatch* more = log_.at(place_);
        if (mismatch_.what.empty() && more != nullptr) {
            mismatch_ = {more->base_offset, fmt::format("has a batch at {} that it never wrote",
                                                        more->base_offset.value)};
        }
        return mismatch_;
    }

  private:
    const ReplicaLog& log_;
    ReplicaLog::Place place_;
    bool is_over_ = false;  // the log ended, or differs
    Mismatch mismatch_;
};

// What was not known to be flushed must have been read and checked.
Mismatch torn_batch(const ReplicaLog& log, Offset from) {
    for (auto place = log.place_of(from); const RecordBatch* batch = log.at(place);
         place = log.next(place)) {
        if (is_intact(*batch)) continue;
        return {batch->base_offset,
                fmt::format("has a batch at {} whose CRC is wrong", batch->base_offset.value)};
    }
    return {};
}

// Of the active segment, which is the one that a crash may have left half done.
Mismatch wrong_index(const ReplicaLog& log, const TopicConfig& config) {
    const Segment& active = log.active_segment();
    Segment anew = active;
    anew.rebuild_indexes(config, false);
    const bool right = anew.size_in_bytes == active.size_in_bytes &&
                       anew.max_timestamp == active.max_timestamp &&
                       anew.offset_index == active.offset_index;
    if (right) return {};
    return {active.base_offset, "has an active segment whose indexes are not those of its batches"};
}

}  // namespace

void StorageMonitor::Observation::check_recovery(std::size_t i) {
    const ReplicaView& r = replicas[i];
    const ReplicaShadow& s = shadow(i);
    const ReplicaLog& log = *r.log;
    if (*s.went_down == StorageLoss::wipe) return;
    monitor.exercise(Rule::s11);
    const Offset end = s.end_on_disk();
    const Offset durable = std::min(s.durable_end, end);
    if (durable > s.log_start_offset) {
        monitor.exercise(Rule::s15);
        if (log.log_end_offset < durable) {
            found(Rule::s15, Excuse::bad_disk, log.log_end_offset, r.node,
                  fmt::format("broker {} came back with a log that ends at {}, and had flushed up "
                              "to {}",
                              r.node.value, log.log_end_offset.value, durable.value));
        }
    }
    if (*s.went_down <= StorageLoss::none && log.log_end_offset != end) {
        // Truncation leaves the checkpoint of the log start as it is (S14), and whose log ends
        // below that begins anew there (LogLoader).
        const bool begins_anew =
            r.checkpointed_log_start > end && log.log_end_offset == r.checkpointed_log_start;
        found(Rule::s11, begins_anew ? Excuse::lost_data : Excuse::bad_disk, log.log_end_offset,
              r.node,
              fmt::format("broker {} ended with a log up to {}, and found it to end at {}: {}",
                          r.node.value, end.value, log.log_end_offset.value,
                          begins_anew ? "it dropped what lay below its checkpointed log start"
                                      : "the page cache outlives a process"));
        return;
    }
    PrefixCheck prefix{log};
    for (const Shared<Segment>& segment : s.closed) prefix.read(segment);
    for (const BatchIdentity& had : s.active.batches) prefix.read(had);
    Mismatch mismatch = prefix.finish();
    // Whose page cache survived has its batches whole, and what it derived from them.
    const bool looks_closer = *s.went_down == StorageLoss::power;
    if (mismatch.what.empty() && looks_closer) mismatch = torn_batch(log, s.durable_end);
    if (mismatch.what.empty() && looks_closer && r.config != nullptr) {
        mismatch = wrong_index(log, *r.config);
    }
    if (mismatch.what.empty()) return;
    found(Rule::s11, Excuse::bad_disk, mismatch.at, r.node,
          fmt::format("broker {}, when it had ended, {}", r.node.value, mismatch.what));
}

// S12: what a replica knows of its producers is what its log says of them.
void StorageMonitor::Observation::check_producers(std::size_t i) {
    const ReplicaView& r = replicas[i];
    const ReplicaLog& log = *r.log;
    if (log.producers.is_unused()) return;
    monitor.exercise(Rule::s12);
    ProducerRebuild how;
    how.compacts = p.compacts;
    if (r.broker_config != nullptr) {
        how.expired_before = Timestamp{r.wall_clock.value -
                                       milliseconds_of(r.broker_config->producer_id_expiration)};
    }
    const std::string wrong = producer_state_difference(log, how);
    if (wrong.empty()) return;
    found(Rule::s12, Excuse::bad_disk, log.log_end_offset, r.node,
          fmt::format("on broker {} {}", r.node.value, wrong));
}

// S13. Mostly an epoch was added; if anything else happened, all batches must have theirs still.
void StorageMonitor::Observation::follow_epoch_cache(std::size_t i) {
    const std::vector<EpochEntry>& known = shadow(i).epochs;
    const std::vector<EpochEntry>& entries = replicas[i].log->epoch_cache.entries;
    const bool was_added =
        entries.size() > known.size() && std::equal(known.begin(), known.end(), entries.begin());
    check_epoch_cache(i);
    if (!was_added) check_epochs_of_batches(i);
}

// S13: entries ascend, and none stands before a batch of an older epoch.
void StorageMonitor::Observation::check_epoch_cache(std::size_t i) {
    const ReplicaView& r = replicas[i];
    const ReplicaLog& log = *r.log;
    const std::vector<EpochEntry>& entries = log.epoch_cache.entries;
    shadow(i).epochs = entries;
    for (std::size_t e = 0; e < entries.size(); ++e) {
        monitor.exercise(Rule::s13);
        const EpochEntry& entry = entries[e];
        const RecordBatch* at = log.find(entry.start_offset);
        std::string wrong;
        if (e > 0 && (entries[e - 1].epoch >= entry.epoch ||
                      entries[e - 1].start_offset >= entry.start_offset)) {
            wrong = fmt::format("does not rise above epoch {} at {}", entries[e - 1].epoch.value,
                                entries[e - 1].start_offset.value);
        } else if (entry.start_offset > log.log_end_offset) {
            wrong = fmt::format("begins above the log end {}", log.log_end_offset.value);
        } else if (at != nullptr && at->leader_epoch >= LeaderEpoch{0} &&
                   at->leader_epoch < entry.epoch) {
            wrong = fmt::format("stands before a batch of epoch {} at {}", at->leader_epoch.value,
                                at->base_offset.value);
        }
        if (wrong.empty()) continue;
        found(Rule::s13, Excuse::nothing, entry.start_offset, r.node,
              fmt::format("broker {}: the cached start {} of leader epoch {} {}", r.node.value,
                          entry.start_offset.value, entry.epoch.value, wrong));
        return;
    }
}

// S13: the cache says of every batch the epoch that it has. take_batch() asks for each new one; a
// log that was cut or found again is looked through. Not below where it once began: the cache was
// cut there, and a crash may have taken the log start back.
void StorageMonitor::Observation::check_epochs_of_batches(std::size_t i) {
    const ReplicaView& r = replicas[i];
    const ReplicaLog& log = *r.log;
    const Offset from = std::max(log.log_start_offset, shadow(i).highest_log_start);
    LeaderEpoch epoch = kNoLeaderEpoch;
    for (auto place = log.place_of(from); const RecordBatch* batch = log.at(place);
         place = log.next(place)) {
        if (!check_epoch_of(i, *batch, epoch)) return;
    }
}

bool StorageMonitor::Observation::check_epoch_of(std::size_t i, const RecordBatch& batch,
                                                 LeaderEpoch& epoch) {
    if (batch.leader_epoch == epoch) return true;
    epoch = batch.leader_epoch;
    const ReplicaView& r = replicas[i];
    // The oldest entry moves up with the log start, which may lie inside a batch.
    const Offset from =
        std::max({batch.base_offset, r.log->log_start_offset, shadow(i).highest_log_start});
    if (epoch < LeaderEpoch{0} || batch.last_offset() < from) return true;
    monitor.exercise(Rule::s13);
    const LeaderEpoch cached = r.log->epoch_cache.epoch_for_offset(from);
    if (cached == epoch) return true;
    found(Rule::s13, Excuse::lost_metadata, from, r.node,
          fmt::format("broker {} has a batch of leader epoch {} here, and its epoch cache says {}",
                      r.node.value, epoch.value, cached.value));
    return false;
}

// S14: a checkpoint never promises what the log does not have.
void StorageMonitor::Observation::check_checkpoints(std::size_t i) {
    const ReplicaView& r = replicas[i];
    ReplicaShadow& s = shadow(i);
    const ReplicaLog& log = *r.log;
    if (!r.running) return;
    monitor.exercise(Rule::s14);
    const char* what = nullptr;
    Offset says;
    if (log.recovery_point > log.log_end_offset) {
        what = "recovery point", says = log.recovery_point;
    } else if (r.checkpointed_recovery_point > log.log_end_offset) {
        what = "checkpointed recovery point", says = r.checkpointed_recovery_point;
    } else if (r.checkpointed_high_watermark > s.highest_high_watermark) {
        what = "checkpointed high watermark", says = r.checkpointed_high_watermark;
    } else if (r.checkpointed_log_start > log.log_start_offset) {
        what = "checkpointed log start", says = r.checkpointed_log_start;
    } else if (r.cleaner_checkpoint > log.log_end_offset && !s.lost_page_cache) {
        // After a power loss the next look of the cleaner puts it right.
        what = "cleaner checkpoint", says = r.cleaner_checkpoint;
    }
    const bool is_known = s.has_wrong_checkpoint;
    s.has_wrong_checkpoint = what != nullptr;
    if (what == nullptr || is_known) return;
    found(Rule::s14, Excuse::lost_data, says, r.node,
          fmt::format("broker {} has {} {}, but its log is [{}, {}) and its high watermark was "
                      "never above {}",
                      r.node.value, what, says.value, log.log_start_offset.value,
                      log.log_end_offset.value, s.highest_high_watermark.value));
}

}  // namespace tribunal
