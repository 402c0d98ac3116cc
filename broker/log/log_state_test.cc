// The log against the model, operation by operation: append, roll, truncate, DeleteRecords,
// retention, crash with a torn tail, clean restart; after each, every question has the same answer.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "broker/base/prng.h"
#include "broker/log/log_model.h"
#include "broker/log/retention.h"

namespace tribunal {
namespace {

RecordBatch batch_of(Offset base, std::int32_t epoch, int records, std::int64_t time,
                     std::size_t value_bytes) {
    BatchBuilder builder;
    for (int i = 0; i < records; ++i) {
        Record record;
        record.value = std::string(value_bytes, 'v');
        record.timestamp = Timestamp{time + i * 7 % 5};
        builder.append(record);
    }
    RecordBatch batch = builder.close();
    batch.base_offset = base;
    batch.leader_epoch = LeaderEpoch{epoch};
    return batch;
}

// The log and the model after the same operations. next() draws an operation from `random`.
class Pair {
  public:
    Pair(std::uint64_t seed, ModelBug bug) : random_(seed) {
        TopicConfig config = kPlainTopic;
        config.segment_bytes = 300 + below(4) * 300;
        config.segment_age = milliseconds(20 + below(3) * 200);
        config.index_interval_bytes = below(3) * 120;
        config.segment_index_bytes = below(3) == 0 ? 36 : 1 << 20;
        config.retention_bytes = below(2) == 0 ? -1 : 400 + below(1000);
        config.retention = milliseconds(100 + below(400));
        model_.config = config;
        model_.bug = bug;
    }

    void next() {
        const Offset span = log_.log_end_offset + -log_.log_start_offset.value;
        const Offset somewhere = log_.log_start_offset + below(span.value + 1);
        copy_ = log_;
        before_ = digest_of(copy_);
        time_ += below(30);
        switch (below(12)) {
            default:
                epoch_ += below(8) == 0 ? 1 : 0;
                append();
                break;
            case 5:
                log_.truncate_to(somewhere);
                model_.truncate_to(somewhere);
                break;
            case 6:
                log_.advance_start(somewhere);
                model_.advance_start(somewhere);
                break;
            case 7:
            case 8:
                log_.delete_segments(deletable_segments(log_, model_.config, somewhere, now()));
                model_.apply_retention(somewhere, now());
                break;
            case 9:
                crash();
                break;
            case 10:
                log_.mark_flushed(somewhere);
                checkpoints_.recovery_point = log_.recovery_point;
                checkpoints_.log_start_offset = log_.log_start_offset;
                break;
            case 11:  // a new leader epoch in which nothing is written yet
                log_.assign_epoch(LeaderEpoch{++epoch_}, log_.log_end_offset);
                model_.assign(LeaderEpoch{epoch_}, log_.log_end_offset);
                break;
        }
        checkpoints_.recovery_point = std::min(checkpoints_.recovery_point, log_.recovery_point);
        checkpoints_.log_start_offset =
            std::min(checkpoints_.log_start_offset, log_.log_end_offset);
    }

    // What they disagree about; empty when they agree.
    std::string difference() {
        if (digest_of(copy_) != before_) return "a copy changed with the log";
        if (log_.log_start_offset != model_.start) return "log start";
        if (log_.log_end_offset != model_.end) return "log end";
        if (log_.size_in_bytes != model_.bytes()) return "size";
        if (log_.recovery_point > log_.log_end_offset) return "recovery point above the end";
        std::map<std::int32_t, std::int64_t> epochs;
        for (const EpochEntry& e : log_.epoch_cache.entries) {
            epochs[e.epoch.value] = e.start_offset.value;
        }
        if (epochs != model_.epochs) return "leader epochs";
        if (const std::string text = segments(); !text.empty()) return text;
        if (const std::string text = reads(); !text.empty()) return text;
        for (std::int64_t t = time_ - 40; t < time_ + 40; t += 3) {
            if (log_.find_by_timestamp(Timestamp{t}) != model_.find_by_timestamp(Timestamp{t})) {
                return "offset by time";
            }
        }
        return {};
    }

  private:
    std::int64_t below(std::int64_t n) {
        return static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(n)));
    }
    Timestamp now() const { return Timestamp{time_ + 60}; }

    void append() {
        const RecordBatch batch = batch_of(log_.log_end_offset + (below(9) == 0 ? below(3) : 0),
                                           epoch_, 1 + static_cast<int>(below(4)),
                                           time_ - below(20), static_cast<std::size_t>(below(40)));
        log_.append(batch, model_.config);
        model_.append(batch);
    }

    // Perhaps half of one more batch reached the disk.
    void crash() {
        if (below(2) == 0) {
            RecordBatch torn = batch_of(log_.log_end_offset, epoch_, 3, time_, 30);
            torn.records = Payload{torn.records.view().substr(0, torn.records.size() / 2)};
            log_.append(torn, model_.config);
            model_.append(torn);
            // The next record would take its offset: appended behind it, it goes with it.
            if (below(2) == 0) append();
        }
        load_log(log_, checkpoints_, false, model_.config);
        model_.recover(checkpoints_.recovery_point, checkpoints_.log_start_offset);
    }

    std::string segments() {
        if (log_.segments.size() != model_.bases.size()) return "number of segments";
        for (std::size_t i = 0; i < model_.bases.size(); ++i) {
            const Segment& segment = *log_.segments[i];
            const std::vector<RecordBatch> want = model_.of(model_.bases[i]);
            if (segment.base_offset != model_.bases[i]) return "base offset";
            if (segment.batches.size() != want.size()) return "batches of a segment";
            if (segment.max_timestamp.timestamp != model_.newest_in(model_.bases[i])) {
                return "largest timestamp";
            }
            std::int64_t position = 0;
            for (std::size_t k = 0; k < want.size(); ++k) {
                if (!(segment.batches[k] == want[k])) return "a batch";
                if (segment.position_of(k) != position) return "a position";
                position += want[k].size_in_bytes();
            }
            Segment rebuilt = segment;
            rebuilt.rebuild_indexes(model_.config, i + 1 < model_.bases.size());
            // A cut leaves entries by time that the batches left would not make.
            rebuilt.time_index = segment.time_index;
            if (!(rebuilt == segment)) return "indexes made anew";
            const auto& times = model_.times[model_.bases[i]];
            if (segment.time_index.entries.size() != times.size()) return "time index";
            if (!times.empty() && segment.time_index.last_entry() != times.back()) {
                return "last entry of the time index";
            }
        }
        return {};
    }

    std::string reads() {
        std::vector<RecordBatch> read;
        log_.read(log_.log_start_offset, log_.log_end_offset, INT64_MAX, read);
        std::vector<RecordBatch> want;
        for (const LogModel::Item& item : model_.items) {
            if (item.batch.last_offset() >= model_.start) want.push_back(item.batch);
        }
        if (read != want) return "all that can be read";
        const Offset from = log_.log_start_offset +
                            below(log_.log_end_offset.value - log_.log_start_offset.value + 2);
        const RecordBatch* found = log_.find(from);
        const auto first = std::find_if(
            model_.items.begin(), model_.items.end(),
            [&](const LogModel::Item& item) { return item.batch.last_offset() >= from; });
        if ((found == nullptr) != (first == model_.items.end())) return "a look-up";
        if (found != nullptr && !(*found == first->batch)) return "a look-up's batch";
        return {};
    }

    Prng random_;
    ReplicaLog log_;
    LogModel model_;
    LogCheckpoints checkpoints_;
    ReplicaLog copy_;
    Digest128 before_;
    std::int64_t time_ = 1'000'000;
    std::int32_t epoch_ = 0;
};

std::string first_difference(std::uint64_t seed, ModelBug bug, int operations) {
    Pair pair(seed, bug);
    for (int i = 0; i < operations; ++i) {
        pair.next();
        const std::string difference = pair.difference();
        if (!difference.empty()) return std::to_string(i) + ": " + difference;
    }
    return {};
}

RC_GTEST_PROP(log_state, is_the_model_s, (std::uint64_t seed)) {
    RC_ASSERT(first_difference(seed, ModelBug::none, 60) == "");
}

TEST(log_state, a_bug_in_either_is_noticed) {
    for (auto bug = ModelBug::rolls_one_byte_late; bug <= ModelBug::finds_below_the_log_start;
         bug = static_cast<ModelBug>(static_cast<int>(bug) + 1)) {
        std::string found;
        for (std::uint64_t seed = 1; seed <= 400 && found.empty(); ++seed) {
            found = first_difference(seed, bug, 80);
        }
        EXPECT_NE(found, "") << "bug " << static_cast<int>(bug);
    }
}

}  // namespace
}  // namespace tribunal
