// The storage monitor against its naive twin on random lives of a partition: mostly what brokers
// do, now and then what none would.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "broker/base/prng.h"
#include "properties/naive_storage.h"
#include "properties/scripted_storage.h"

namespace tribunal {
namespace {

struct Twins : ScriptedStorage {
    NaiveStorage naive;
    Prng random;

    explicit Twins(std::uint64_t seed) : random(seed) {
        also_observe = [this](Instant at, const PartitionView& v) { naive.observe(at, v); };
        also_crash = [this](NodeId node, StorageLoss loss) { naive.on_crash(node, loss); };
        topic.cleanup_compact = below(2) == 0;
        topic.cleanup_delete = !topic.cleanup_compact || below(2) == 0;
        topic.retention = below(2) == 0 ? Duration{-1} : seconds(4);
        topic.retention_bytes = below(2) == 0 ? -1 : 300;
        topic.min_compaction_lag = below(2) == 0 ? Duration{} : seconds(2);
        topic.delete_retention = below(4) == 0 ? Duration{} : seconds(5);
        topic.segment_bytes = below(2) == 0 ? 150 : 1 << 20;
        broker.retention_check_interval = kForever;  // when brokers look is not the twin's business
        broker.cleaner_backoff = kForever;
        elect(0);
        observe();
    }

    int below(std::int64_t n) {
        return static_cast<int>(random.below(static_cast<std::uint64_t>(n)));
    }
    Offset up_to(Offset offset) { return Offset{below(offset.value + 1)}; }

    // The follower drops what the leader does not have.
    void reconcile() {
        if (leader == kNoNode) return;
        Node& follower = nodes[1 - leader.value];
        const ReplicaLog& log = nodes[leader.value].log;
        Offset agreed = follower.log.log_end_offset;
        for (auto place = follower.log.last_place();
             const RecordBatch* batch = follower.log.at(place); place = follower.log.last_place()) {
            const RecordBatch* same = log.find(batch->base_offset);
            if (same != nullptr && same->base_offset == batch->base_offset &&
                same->leader_epoch == batch->leader_epoch) {
                break;
            }
            agreed = batch->base_offset;
            truncate(1 - leader.value, agreed.value);
        }
        if (follower.log.log_end_offset > log.log_end_offset) {
            truncate(1 - leader.value, log.log_end_offset.value);
        }
        observe();
    }

    void live();
    void misbehave(int i, Node& n);
    void rewrite_something(int i, Node& n);
};

void Twins::live() {
    const int i = below(2);
    Node& n = nodes[i];
    switch (below(22)) {
        case 0:
        case 1:
        case 2:
        case 3:
            if (nodes[leader.value].running && nodes[leader.value].is_leader) {
                std::vector<ScriptedRecord> records(1 + below(2));
                for (ScriptedRecord& record : records) {
                    if (below(8) != 0)
                        record.key = std::string(1, static_cast<char>('a' + below(3)));
                    if (below(4) == 0) record.value.reset();
                }
                append(leader.value, records);
            }
            break;
        case 4:
        case 5:
        case 6:
        case 7:
            if (nodes[0].running && nodes[1].running) {
                commit();
                return;
            }
            break;
        case 8:
            if (n.log.active_segment().batches.empty()) return;
            roll(i);
            break;
        case 9:
        case 10:
        case 11:
            if (!topic.cleanup_compact || !n.running) return;
            clean(i, below(5) != 0   ? PlantedBug::none
                     : below(3) == 0 ? PlantedBug::cleaner_keeps_first
                     : below(2) == 0 ? PlantedBug::cleaner_forgets_tombstones
                                     : PlantedBug::cleaner_ignores_lag);
            return;
        case 12:
        case 13:
            look_for_old_segments(i);
            return;
        case 14: {
            const auto loss = static_cast<StorageLoss>(below(4));
            const Offset left =
                std::max(up_to(n.log.log_end_offset), n.log.segments.front()->base_offset);
            const bool loses = loss == StorageLoss::power || below(8) == 0;
            crash(i, loss, [&](ReplicaLog& log) {
                if (loses) log.truncate_to(left);
                if (loses && below(8) == 0 && !log.empty()) {  // a batch of nowhere
                    RecordBatch again = *log.last();
                    again.base_offset = log.log_end_offset;
                    log.append(std::move(again));
                }
            });
            start(i);
            if (leader == NodeId{i}) elect(1 - i);
            reconcile();
            return;
        }
        case 15:
            elect(i);
            observe();
            reconcile();
            return;
        case 16:
            n.log.advance_start(up_to(n.high_watermark));
            break;
        case 17:
            n.checkpointed_high_watermark = n.high_watermark;
            n.log.mark_flushed(up_to(n.log.log_end_offset));
            n.checkpoints.recovery_point = n.log.recovery_point;
            n.checkpoints.log_start_offset = n.log.log_start_offset;
            break;
        case 18:
        case 19:
            wait(milliseconds(500 * below(9)));
            break;
        default:
            if (below(6) == 0) misbehave(i, n);
    }
    observe();
}

void Twins::misbehave(int i, Node& n) {
    std::vector<EpochEntry>& epochs = n.log.epoch_cache.entries;
    switch (below(10)) {
        case 0:
            n.log.log_start_offset = up_to(n.log.log_end_offset + 1);
            return;
        case 1:
            n.log.recovery_point = up_to(n.log.log_end_offset + 1);
            return;
        case 2:
            n.checkpointed_high_watermark = up_to(n.log.log_end_offset + 1);
            return;
        case 3:
            n.checkpoints.log_start_offset = up_to(n.log.log_end_offset);
            return;
        case 4:
            if (!epochs.empty()) epochs.erase(epochs.begin() + below(std::ssize(epochs)));
            return;
        case 5:
            epochs.push_back({LeaderEpoch{below(6)}, up_to(n.log.log_end_offset + 1)});
            return;
        case 6:
            n.log.delete_segments(static_cast<std::size_t>(below(std::ssize(n.log.segments))));
            return;
        default:
            rewrite_something(i, n);
    }
}

void Twins::rewrite_something(int i, Node& n) {
    if (n.log.segments.size() < 2) return;
    const auto segment = static_cast<std::size_t>(below(std::ssize(n.log.segments) - 1));
    const auto count = static_cast<int>(n.log.segments[segment]->batches.size());
    if (count == 0) return;
    const int chosen = below(count);
    // Of other topics the monitor does not look again at what was committed (S1).
    switch (topic.cleanup_compact ? below(3) : 0) {
        case 0:
            rewrite(i, segment, [&](auto& batches) { batches.erase(batches.begin() + chosen); });
            return;
        case 1:
            rewrite(i, segment, [&](auto& batches) {
                batches[chosen].base_sequence = below(4);
                batches[chosen].crc = checksum(batches[chosen]);
            });
            return;
        default:
            rewrite(i, segment, [&](auto& batches) {
                RecordBatch& batch = batches[chosen];
                std::string bytes{batch.records.view()};
                if (bytes.empty()) return;
                // The last byte but the number of headers, which is of the value or the uid.
                bytes[bytes.size() - 1] = static_cast<char>(bytes.back() ^ 1);
                batch.records = Payload{bytes};
                batch.crc = checksum(batch);
            });
    }
}

std::string text_of(const std::set<std::string>& ids) {
    std::string text;
    for (const std::string& id : ids) text += id + " ";
    return text;
}

// What one finds on a random life the other does, until something is found.
std::set<std::string> live_and_compare(std::uint64_t seed, int events) {
    Twins twins{seed};
    for (int i = 0; i < events && twins.monitor.findings() == 0; ++i) twins.live();
    std::set<std::string> found = twins.findings();
    found.erase("S15");  // nobody flushes here, except who stops in good order
    EXPECT_EQ(text_of(found), text_of(twins.naive.broken()))
        << "seed " << seed << " " << twins.check("S13").note;
    return found;
}

RC_GTEST_PROP(StorageTwin, agrees_with_the_definitions_on_anything, (std::uint64_t seed)) {
    live_and_compare(seed, 60);
}

TEST(StorageTwin, agrees_on_long_random_lives_and_finds_everything) {
    std::set<std::string> found;
    for (std::uint64_t seed = 0; seed < 1500; ++seed) {
        found.merge(live_and_compare(seed, 80));
        if (HasFailure()) return;
    }
    EXPECT_EQ(text_of(found), "S1 S11 S13 S14 S2 S3 S4 S5 S7 S8 ");
}

}  // namespace
}  // namespace tribunal
