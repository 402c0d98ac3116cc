// What the metadata monitor finds, and what it must not.
#include "properties/metadata_monitor.h"

#include <gtest/gtest.h>

namespace tribunal {
namespace {

constexpr NodeId kFirst{100};
constexpr NodeId kSecond{101};

RaftRecord topic_record(int epoch, int topic) {
    const TopicRecord record{TopicId{topic}, "t" + std::to_string(topic), {}};
    return {LeaderEpoch{epoch}, Shared<MetadataRecord>{MetadataRecord{record}}};
}

// A controller whose log is `records`, all of it committed; it leads `epoch` or follows in it.
Controller controller(NodeId id, std::vector<RaftRecord> records, int epoch, bool leads) {
    Controller c = make_controller(id, {NodeId{100}, NodeId{101}, NodeId{102}}, {});
    for (RaftRecord& record : records) c.raft.log.append(std::move(record));
    c.raft.high_watermark = c.raft.log.end_offset;
    c.raft.quorum_state.epoch = LeaderEpoch{epoch};
    if (leads) {
        c.raft.role = RaftLeader{};
        c.active = LeaderEpoch{epoch};
    }
    c.image = committed_image(c).value();
    c.image_offset = c.committed();
    return c;
}

Check check_of(const MetadataMonitor& monitor, std::string_view id, const ClusterImage& end = {}) {
    for (Check& check : monitor.finish(Instant{0} + seconds(9), end)) {
        if (check.id == id) return std::move(check);
    }
    throw std::out_of_range("no check");
}

TEST(MetadataMonitor, follows_the_one_sequence) {
    MetadataMonitor monitor;
    const Controller leader = controller(kFirst, {topic_record(1, 0), topic_record(1, 1)}, 1, true);
    EXPECT_EQ(monitor.on_committed(Instant{1}, leader).size(), 2u);
    const Controller follower = controller(kSecond, {topic_record(1, 0)}, 1, false);
    EXPECT_TRUE(monitor.on_committed(Instant{2}, follower).empty());
    EXPECT_TRUE(monitor.on_committed(Instant{3}, leader).empty());
    EXPECT_EQ(monitor.end(), Offset{2});
    monitor.on_controller_image(Instant{3}, leader, leader.image, true);
    for (const char* id : {"Q11", "Q14"}) {
        const Check check = check_of(monitor, id);
        EXPECT_EQ(check.verdict, Verdict::pass) << id;
        EXPECT_GT(check.checked, 0u) << id;
    }
}

TEST(MetadataMonitor, q11_two_records_at_one_offset) {
    MetadataMonitor monitor;
    monitor.on_committed(Instant{1}, controller(kFirst, {topic_record(1, 0)}, 1, true));
    monitor.on_committed(Instant{2}, controller(kSecond, {topic_record(2, 0)}, 2, true));
    const Check check = check_of(monitor, "Q11");
    EXPECT_EQ(check.verdict, Verdict::fail);
    EXPECT_NE(check.note.find("metadata offset 0"), std::string::npos) << check.note;
}

TEST(MetadataMonitor, q11_an_image_that_the_records_do_not_make) {
    const Controller leader = controller(kFirst, {topic_record(1, 0), topic_record(1, 1)}, 1, true);
    {
        MetadataMonitor monitor;
        monitor.on_committed(Instant{1}, leader);
        ClusterImage other = leader.image;
        other.next_topic = TopicId{7};
        monitor.on_image(Instant{2}, NodeId{1}, other, monitor.end(), leader.image, true);
        EXPECT_EQ(check_of(monitor, "Q11").verdict, Verdict::fail);
    }
    {  // Of an earlier offset it may be another one.
        MetadataMonitor monitor;
        monitor.on_committed(Instant{1}, leader);
        monitor.on_image(Instant{2}, NodeId{1}, {}, Offset{0}, leader.image, true);
        EXPECT_EQ(check_of(monitor, "Q11").verdict, Verdict::vacuous);
    }
    {  // A standby must not show what is not committed; the active controller decides on it.
        MetadataMonitor monitor;
        monitor.on_committed(Instant{1}, leader);
        Controller hasty = leader;
        hasty.raft.log.append(topic_record(1, 2));
        hasty.image_offset = hasty.raft.log.end_offset;
        monitor.on_controller_image(Instant{2}, hasty, leader.image, true);
        EXPECT_EQ(check_of(monitor, "Q11").verdict, Verdict::vacuous);
        hasty.active.reset();
        monitor.on_controller_image(Instant{3}, hasty, leader.image, true);
        EXPECT_EQ(check_of(monitor, "Q11").verdict, Verdict::fail);
    }
}

TEST(MetadataMonitor, q11_records_that_do_not_fit_together) {
    MetadataMonitor monitor;
    const Controller leader = controller(kFirst, {topic_record(1, 0)}, 1, true);
    monitor.on_committed(Instant{1}, leader);
    monitor.on_misfit(Instant{2}, leader, "of a topic that is not there");
    const Check check = check_of(monitor, "Q11");
    EXPECT_EQ(check.verdict, Verdict::fail);
    EXPECT_NE(check.note.find("of a topic that is not there"), std::string::npos) << check.note;
}

// A log that is as long, and is another one, saves nothing.
TEST(MetadataMonitor, knows_who_has_all_that_was_committed) {
    MetadataMonitor monitor;
    const Controller leader = controller(kFirst, {topic_record(1, 0), topic_record(2, 1)}, 2, true);
    EXPECT_TRUE(monitor.is_whole(controller(kSecond, {}, 0, false))) << "nothing was yet";
    monitor.on_committed(Instant{1}, leader);
    EXPECT_TRUE(monitor.is_whole(leader));
    EXPECT_FALSE(monitor.is_whole(controller(kSecond, {topic_record(1, 0)}, 1, false)));
    const auto other = {topic_record(1, 0), topic_record(1, 2), topic_record(1, 3)};
    EXPECT_FALSE(monitor.is_whole(controller(kSecond, other, 1, false)));
}

TEST(MetadataMonitor, q14_only_the_newest_leader_commits) {
    for (const bool leads : {true, false}) {
        MetadataMonitor monitor;
        monitor.on_committed(Instant{1}, controller(kFirst, {topic_record(3, 0)}, 3, true));
        // The same beginning, and then more: of a leader of an older epoch, or of a follower.
        const Controller zombie =
            controller(kSecond, {topic_record(3, 0), topic_record(3, 1)}, leads ? 2 : 3, leads);
        monitor.on_committed(Instant{2}, zombie);
        EXPECT_EQ(check_of(monitor, "Q14").verdict, Verdict::fail);
    }
}

TEST(MetadataMonitor, d8_a_topic_that_is_gone) {
    const Controller leader = controller(kFirst, {topic_record(1, 0)}, 1, true);
    MetadataMonitor monitor;
    monitor.on_created(Instant{1}, TopicId{0}, "t0");
    EXPECT_EQ(check_of(monitor, "D8", leader.image).verdict, Verdict::pass);
    EXPECT_EQ(check_of(monitor, "D8", {}).verdict, Verdict::fail);
    // With the disks of the controllers gone, nothing was promised.
    MetadataMonitor lost = monitor;
    lost.on_metadata_lost(Instant{5});
    EXPECT_EQ(check_of(lost, "D8", {}).verdict, Verdict::allowed);
    monitor.on_deleted(TopicId{0});
    EXPECT_EQ(check_of(monitor, "D8", {}).verdict, Verdict::vacuous);
}

}  // namespace
}  // namespace tribunal
