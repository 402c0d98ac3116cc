// The committed log of a compacted partition: a replica that lacks batches has them all the same,
// unless what it has instead belongs to another history.
#include "properties/committed_log.h"

#include <gtest/gtest.h>

namespace tribunal {
namespace {

void append(ReplicaLog& log, std::int64_t offset, int epoch) {
    BatchBuilder builder;
    builder.append({.key = "k", .value = "v", .headers = {}, .timestamp = Timestamp{1}});
    RecordBatch batch = builder.close();
    batch.base_offset = Offset{offset};
    batch.leader_epoch = LeaderEpoch{epoch};
    log.append(std::move(batch));
}

ReplicaLog log_of(const std::vector<std::pair<std::int64_t, int>>& batches) {
    ReplicaLog log;
    for (const auto& [offset, epoch] : batches) append(log, offset, epoch);
    return log;
}

CommittedLog committed_of(const ReplicaLog& log) {
    CommittedLog committed;
    committed.compacts = true;
    committed.extend(log, log.log_end_offset);
    return committed;
}

const ReplicaLog kLeader = log_of({{0, 2}, {1, 2}, {2, 2}, {3, 2}});

TEST(Match, a_gap_is_what_compaction_leaves) {
    const CommittedLog committed = committed_of(kLeader);
    Match match;
    match.advance(committed, log_of({{1, 2}, {3, 2}}));
    EXPECT_EQ(match.matched, 4u);
    EXPECT_EQ(match.confirmed, 4u);
    EXPECT_FALSE(match.diverged);
}

TEST(Match, a_gap_before_a_batch_of_another_history_is_nothing) {
    const CommittedLog committed = committed_of(kLeader);
    const ReplicaLog other = log_of({{0, 2}, {3, 1}});
    Match match;
    match.advance(committed, other);
    EXPECT_EQ(match.matched, 1u);
    EXPECT_TRUE(match.diverged);
    // Nor when it was taken for something as long as less was committed.
    ReplicaLog begun = kLeader;
    begun.truncate_to(Offset{3});
    Match later;
    later.advance(committed_of(begun), other);
    EXPECT_EQ(later.matched, 3u);
    EXPECT_EQ(later.confirmed, 1u);
    later.advance(committed, other);
    EXPECT_EQ(later.matched, 1u);
}

TEST(Match, what_lies_before_a_log_of_another_history_is_not_confirmed) {
    // All of it in a gap: nothing tells that the log is another one.
    Match match;
    match.advance(committed_of(kLeader), log_of({{7, 1}}));
    EXPECT_EQ(match.matched, 4u);
    EXPECT_EQ(match.confirmed, 0u);
}

TEST(Match, a_log_that_was_cut_has_no_more_than_is_left) {
    const CommittedLog committed = committed_of(kLeader);
    ReplicaLog log = kLeader;
    Match match;
    match.advance(committed, log);
    log.truncate_to(Offset{2});
    match.recede(committed, log);
    EXPECT_EQ(match.matched, 2u);
    EXPECT_EQ(match.confirmed, 2u);
}

TEST(CommittedLog, begins_anew_below_what_it_forgot_when_a_leader_has_nothing) {
    ReplicaLog log;
    for (int i = 0; i < 3000; ++i) append(log, i, 1);
    CommittedLog committed = committed_of(log);
    committed.retain_from(Offset{2900});
    committed.forget(2900);
    ASSERT_EQ(committed.start, Offset{2900});
    EXPECT_EQ(committed.roll_back(2950, Offset{2950}).size(), 50u);
    EXPECT_EQ(committed.end(), Offset{2950});
    EXPECT_EQ(committed.roll_back(2900, Offset{0}).size(), 50u);
    EXPECT_EQ(committed.end(), Offset{0});
}

}  // namespace
}  // namespace tribunal
