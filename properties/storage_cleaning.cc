// What a cleaner may do to the closed segments of a log, record by record: S2, S3, S4, S5 and S10.
#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>

#include <fmt/format.h>
#include "properties/storage_state.h"

namespace tribunal {

using Rule = StorageMonitor::Rule;

namespace {

// A record as it was before the cleaning.
struct Known {
    Offset offset;
    Timestamp timestamp;
    std::optional<std::string> key;
    bool is_tombstone = false;
    std::uint32_t content = 0;
    RecordUid uid;
    bool operator==(const Known&) const = default;
};

std::vector<Known> records_of(const RecordBatch& batch) {
    std::vector<Known> records;
    records.reserve(static_cast<std::size_t>(batch.record_count));
    for_each_record(batch, [&](const RecordView& record) {
        Known known{record.offset, record.timestamp,        std::nullopt,
                    !record.value, record.content_digest(), record.uid};
        if (record.key) known.key = std::string{*record.key};
        records.push_back(std::move(known));
    });
    return records;
}

bool is_same_header(const RecordBatch& a, const RecordBatch& b) {
    return a.base_offset == b.base_offset && a.last_offset() == b.last_offset() &&
           a.leader_epoch == b.leader_epoch && a.producer_id == b.producer_id &&
           a.producer_epoch == b.producer_epoch && a.base_sequence == b.base_sequence &&
           a.is_control() == b.is_control() && a.is_transactional() == b.is_transactional();
}

// What became of the data of each transaction. Batches come in order of offsets.
class Transactions {
  public:
    enum class Fate : std::uint8_t { none, committed, aborted, undecided };

    void read(const RecordBatch& batch) {
        if (!batch.is_control()) {
            if (batch.is_transactional()) open_[batch.producer_id].push_back(batch.base_offset);
            return;
        }
        const auto marker = end_transaction_marker_of(batch);
        if (!marker) return;
        auto& open = open_[batch.producer_id];
        (marker->commit ? committed_ : aborted_).insert(open.begin(), open.end());
        open.clear();
    }
    Fate fate_of(const RecordBatch& data) const {
        if (!data.is_transactional()) return Fate::none;
        if (aborted_.contains(data.base_offset)) return Fate::aborted;
        return committed_.contains(data.base_offset) ? Fate::committed : Fate::undecided;
    }
    // Whether a consumer that reads committed data is given it.
    bool shows(const RecordBatch& data) const {
        return fate_of(data) == Fate::none || fate_of(data) == Fate::committed;
    }

  private:
    std::map<ProducerId, std::vector<Offset>> open_;
    std::set<Offset> committed_;
    std::set<Offset> aborted_;
};

struct Removed {
    Known record;
    Transactions::Fate fate = Transactions::Fate::none;
};

// A cleaning of one replica: what was there before against what is there now.
class CleaningDiff {
  public:
    explicit CleaningDiff(const Transactions& transactions) : transactions_(transactions) {}

    std::vector<Removed> removed;  // data, in order of offsets
    std::set<Offset> markers;      // of transactions, that went
    std::string wrong;             // S2: what was not there before
    Offset wrong_at;

    void compare(const std::vector<const RecordBatch*>& before,
                 const std::vector<const RecordBatch*>& after) {
        std::size_t at = 0;
        for (const RecordBatch* batch : after) {
            while (at < before.size() && before[at]->base_offset < batch->base_offset) {
                lose(*before[at++]);
            }
            if (at == before.size() || before[at]->base_offset != batch->base_offset) {
                return note(batch->base_offset,
                            fmt::format("batch {} to {} was not there before",
                                        batch->base_offset.value, batch->last_offset().value));
            }
            compare(*before[at++], *batch);
        }
        for (; at < before.size(); ++at) lose(*before[at]);
    }

  private:
    void note(Offset at, std::string what) {
        if (!wrong.empty()) return;
        wrong = std::move(what);
        wrong_at = at;
    }
    void lose(const RecordBatch& batch) {
        if (batch.is_control()) {
            if (end_transaction_marker_of(batch)) markers.insert(batch.base_offset);
            return;
        }
        for (Known& known : records_of(batch)) {
            removed.push_back({std::move(known), transactions_.fate_of(batch)});
        }
    }
    void compare(const RecordBatch& before, const RecordBatch& after);

    const Transactions& transactions_;
};

void CleaningDiff::compare(const RecordBatch& before, const RecordBatch& after) {
    if (before.crc == after.crc && is_same_header(before, after)) return;
    if (!is_same_header(before, after)) {
        note(after.base_offset,
             fmt::format("batch {} to {} of leader epoch {} is now {} to {} of epoch {}, or of "
                         "another producer, sequence or kind",
                         before.base_offset.value, before.last_offset().value,
                         before.leader_epoch.value, after.base_offset.value,
                         after.last_offset().value, after.leader_epoch.value));
    }
    if (after.record_count == 0) return lose(before);
    const std::vector<Known> old = records_of(before);
    const Transactions::Fate fate = transactions_.fate_of(before);
    std::size_t at = 0;
    for (const Known& record : records_of(after)) {
        while (at < old.size() && old[at].offset < record.offset) {
            removed.push_back({old[at++], fate});
        }
        if (at == old.size() || old[at] != record) {
            return note(record.offset, fmt::format("offset {} has another record than before, or "
                                                   "stands in another order",
                                                   record.offset.value));
        }
        ++at;
    }
    for (; at < old.size(); ++at) removed.push_back({old[at], fate});
}

// Batches of closed segments that are not the very same objects on both sides.
void collect_changed(const std::vector<Shared<Segment>>& before, const ReplicaLog& log,
                     std::vector<const RecordBatch*>& old, std::vector<const RecordBatch*>& fresh) {
    const auto is_in = [](const Shared<Segment>& segment, auto begin, auto end) {
        const auto it = std::partition_point(begin, end, [&](const auto& other) {
            return other->base_offset < segment->base_offset;
        });
        return it != end && it->is_same_object(segment);
    };
    const auto closed_end = std::prev(log.segments.end());
    for (const Shared<Segment>& segment : before) {
        if (is_in(segment, log.segments.begin(), closed_end)) continue;
        for (const RecordBatch& batch : segment->batches) old.push_back(&batch);
    }
    for (auto it = log.segments.begin(); it != closed_end; ++it) {
        if (is_in(*it, before.begin(), before.end())) continue;
        for (const RecordBatch& batch : (*it)->batches) fresh.push_back(&batch);
    }
}

// The newest record of each wanted key: that a consumer may be given, and of all.
struct Newest {
    Offset committed = kNoOffset;
    Offset any = kNoOffset;
};
using NewestByKey = std::map<std::string, Newest, std::less<>>;

template <class Batches>
void find_newest(const Batches& batches, Offset high_watermark, const Transactions& transactions,
                 NewestByKey& newest) {
    for (const RecordBatch& batch : batches) {
        if (batch.is_control()) continue;
        const bool shows = transactions.shows(batch);
        for_each_record(batch, [&](const RecordView& record) {
            if (!record.key) return;
            const auto it = newest.find(*record.key);
            if (it == newest.end()) return;
            it->second.any = std::max(it->second.any, record.offset);
            if (shows && record.offset < high_watermark) {
                it->second.committed = std::max(it->second.committed, record.offset);
            }
        });
    }
}

}  // namespace

// One cleaning of one replica, and its judgement.
struct StorageMonitor::Cleaning {
    Observation& o;
    const ReplicaView& r;
    const ReplicaShadow& s;  // before
    Transactions transactions = {};
    NewestByKey newest = {};

    void run();
    void judge(const Removed& removed);
    void judge_last_of_its_key(const Known& record, const Newest& of_key);
    void judge_tombstone(const Known& tombstone);
    void judge_markers(const std::set<Offset>& removed);
    void meet_tombstones();
    void may_be_gone(const Known& record) { o.p.removed.try_emplace(record.offset, o.now); }
};

void StorageMonitor::Observation::compare_closed_segments(std::size_t i) {
    Cleaning{*this, replicas[i], shadow(i)}.run();
}

void StorageMonitor::Cleaning::run() {
    for (const Shared<Segment>& segment : s.closed) {
        for (const RecordBatch& batch : segment->batches) transactions.read(batch);
    }
    for (const RecordBatch& batch : r.log->active_segment().batches) transactions.read(batch);

    std::vector<const RecordBatch*> before;
    std::vector<const RecordBatch*> after;
    collect_changed(s.closed, *r.log, before, after);
    CleaningDiff diff{transactions};
    diff.compare(before, after);
    o.monitor.exercise(Rule::s2, after.size() + diff.removed.size());
    if (!diff.wrong.empty()) {
        o.found(Rule::s2, Excuse::nothing, diff.wrong_at, r.node,
                fmt::format("after a cleaning of broker {} {}", r.node.value, diff.wrong));
    }
    for (const Removed& removed : diff.removed) {
        if (removed.record.key) newest.try_emplace(*removed.record.key);
    }
    if (!newest.empty()) {
        for (const Shared<Segment>& segment : s.closed) {
            find_newest(segment->batches, r.high_watermark, transactions, newest);
        }
        find_newest(r.log->active_segment().batches, r.high_watermark, transactions, newest);
    }
    for (const Removed& removed : diff.removed) judge(removed);
    if (!diff.markers.empty()) judge_markers(diff.markers);
    meet_tombstones();
}

void StorageMonitor::Cleaning::judge(const Removed& removed) {
    const Known& record = removed.record;
    o.monitor.exercise(Rule::s5);
    const std::int64_t age = r.wall_clock.value - record.timestamp.value;
    const std::int64_t lag =
        r.config == nullptr ? 0 : milliseconds_of(r.config->min_compaction_lag);
    if (lag > 0 && age < lag) {
        o.found(Rule::s5, Excuse::moved_clock, record.offset, r.node,
                fmt::format("broker {} cleaned away a record that was {} ms old, with "
                            "min.compaction.lag.ms={}",
                            r.node.value, age, lag));
    }
    if (removed.fate != Transactions::Fate::none) o.monitor.exercise(Rule::s10);
    if (removed.fate == Transactions::Fate::undecided) {
        o.found(Rule::s10, Excuse::nothing, record.offset, r.node,
                fmt::format("broker {} cleaned away a record of a transaction that was neither "
                            "committed nor aborted",
                            r.node.value));
        return;
    }
    // What was aborted nobody may see, and without a key a compacted topic takes nothing.
    if (removed.fate == Transactions::Fate::aborted || !record.key) return may_be_gone(record);
    o.monitor.exercise(Rule::s3);
    const Newest& of_key = newest.find(*record.key)->second;
    if (of_key.committed > record.offset) return may_be_gone(record);
    judge_last_of_its_key(record, of_key);
}

void StorageMonitor::Cleaning::judge_last_of_its_key(const Known& record, const Newest& of_key) {
    if (record.is_tombstone) return judge_tombstone(record);
    std::string why = "No newer record of that key was ever in its log.";
    if (of_key.any > record.offset) {
        why = fmt::format(
            "The newer one at {} is not committed, and may still be truncated or "
            "aborted; the high watermark is {}.",
            of_key.any.value, r.high_watermark.value);
    }
    o.found(
        Rule::s3, Excuse::lost_data, record.offset, r.node,
        fmt::format("broker {} cleaned away the last committed record of its key", r.node.value),
        {std::move(why)});
}

void StorageMonitor::Cleaning::judge_tombstone(const Known& tombstone) {
    o.monitor.exercise(Rule::s4);
    if (r.config == nullptr || r.broker_config == nullptr) return;
    const std::int64_t retention = milliseconds_of(r.config->delete_retention);
    if (retention == 0) return may_be_gone(tombstone);
    std::string early;
    bool by_the_clock = true;  // the brokers' wall clocks say that it is time
    if (!r.broker_config->rules.cleaner_sets_delete_horizon) {
        // Before KIP-534 nothing is promised but its age.
        const std::int64_t age = r.wall_clock.value - tombstone.timestamp.value;
        if (age < retention) early = fmt::format("{} ms after it was written", age);
    } else if (const auto met = o.p.met_tombstones.find(tombstone.offset);
               met == o.p.met_tombstones.end()) {
        early = "with the first cleaning that met it";
        by_the_clock = false;
    } else if (const Duration since = o.now - met->second.at;
               since + milliseconds(1) <= r.config->delete_retention) {  // clocks show milliseconds
        early = fmt::format("{} ms after the first cleaning that met it", milliseconds_of(since));
        by_the_clock = r.wall_clock.value - met->second.wall_clock.value >= retention;
    }
    if (early.empty()) return may_be_gone(tombstone);
    o.found(Rule::s4, by_the_clock ? Excuse::moved_clock : Excuse::nothing, tombstone.offset,
            r.node,
            fmt::format("broker {} forgot a tombstone {}, with delete.retention.ms={}",
                        r.node.value, early, retention));
}

// S10: a marker that went leaves no data of its transaction behind. Which transaction that is the
// markers before the cleaning say, what data is left the log after it.
void StorageMonitor::Cleaning::judge_markers(const std::set<Offset>& removed) {
    std::vector<const RecordBatch*> batches;
    for (const Shared<Segment>& segment : s.closed) {
        for (const RecordBatch& batch : segment->batches) {
            if (batch.is_control()) batches.push_back(&batch);
        }
    }
    r.log->for_each_batch(Offset{0}, [&](const RecordBatch& batch) {
        const bool is_data = batch.is_transactional() && !batch.is_control();
        if (is_data && batch.record_count > 0) batches.push_back(&batch);
    });
    std::sort(batches.begin(), batches.end(), [](const RecordBatch* a, const RecordBatch* b) {
        return a->base_offset < b->base_offset;
    });
    std::map<ProducerId, Offset> data;  // of each open transaction, the newest batch that is left
    for (const RecordBatch* batch : batches) {
        if (!batch->is_control()) {
            data[batch->producer_id] = batch->base_offset;
            continue;
        }
        const auto left = data.find(batch->producer_id);
        if (removed.contains(batch->base_offset)) {
            o.monitor.exercise(Rule::s10);
            if (left != data.end()) {
                o.found(Rule::s10, Excuse::nothing, batch->base_offset, r.node,
                        fmt::format("broker {} cleaned away the marker of a transaction of "
                                    "producer {} whose data at {} is still there",
                                    r.node.value, batch->producer_id.value, left->second.value));
            }
        }
        if (left != data.end()) data.erase(left);
    }
}

// Tombstones that this cleaning read and kept.
void StorageMonitor::Cleaning::meet_tombstones() {
    const ReplicaLog& log = *r.log;
    for (std::size_t c = 0; c + 1 < log.segments.size(); ++c) {
        for (const RecordBatch& batch : log.segments[c]->batches) {
            if (batch.base_offset >= r.cleaner_checkpoint) return;
            if (batch.is_control()) continue;
            for_each_record(batch, [&](const RecordView& record) {
                if (record.value) return;
                o.p.met_tombstones.try_emplace(record.offset,
                                               PartitionState::Met{o.now, r.wall_clock});
            });
        }
    }
}

}  // namespace tribunal
