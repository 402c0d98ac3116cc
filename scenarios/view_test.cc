// A partition of the world as the monitors are shown it.
#include <gtest/gtest.h>

#include "scenarios/play.h"

namespace tribunal {
namespace {

TEST(view, has_each_replica_once_in_the_order_of_ids) {
    const Scenario scenario = parse_scenario(
        R"({ "name": "view", "cluster": { "brokers": 3 },
             "topics": [ { "name": "t", "partitions": 1, "assignment": [[3, 1, 2]] } ],
             "run": { "for": "5s" } })",
        "view", ".");
    World world = build_world(scenario);
    SeededChooser chooser{1};
    while (world.step(chooser, nullptr, Instant{0} + seconds(3))) {
    }
    const TopicPartition tp{world.image().topic("t")->id, 0};
    const auto nodes = [&](const std::vector<NodeId>& replicas) {
        ClusterImage image = world.image();
        image.topics.find(tp.topic)->edit().partitions[0].replicas = replicas;
        std::vector<std::int32_t> ids;
        for (const ReplicaView& r : view_of(world, image, tp).replicas) ids.push_back(r.node.value);
        return ids;
    };
    const std::vector<std::int32_t> all = {1, 2, 3};
    EXPECT_EQ(nodes({NodeId{3}, NodeId{1}, NodeId{2}}), all);
    // Wrong, and the monitor of the controllers says so: the others must not stumble over it.
    EXPECT_EQ(nodes({NodeId{3}, NodeId{3}, NodeId{1}, NodeId{2}}), all);
    EXPECT_TRUE(nodes({}).empty());
}

}  // namespace
}  // namespace tribunal
