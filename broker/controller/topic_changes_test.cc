// Topics and where their replicas go; settings; features.
#include <gtest/gtest.h>

#include "broker/controller/placement.h"
#include "broker/controller/scripted_controller.h"

namespace tribunal {
namespace {

using Lists = std::vector<std::vector<NodeId>>;

struct Topics : ScriptedController {
    explicit Topics(int brokers = 3) {
        for (int i = 1; i <= brokers; ++i) join(i);
    }
    ErrorCode create(const std::string& name, std::int32_t partitions, std::int16_t factor,
                     Lists assignment = {}, TopicConfig topic_config = {}) {
        return ask(CreateTopicRequest{name, partitions, factor, std::move(assignment),
                                      topic_config})
            .error;
    }
    ErrorCode grow(std::int32_t count, Lists assignment = {}) {
        return ask(CreatePartitionsRequest{"t", count, std::move(assignment)}).error;
    }
};

TEST(topics, are_refused_with_kafkas_errors) {
    Topics c(2);
    for (const char* name : {"", ".", "..", "bad/name", "bl ank"}) {
        EXPECT_EQ(c.create(name, 1, 1), ErrorCode::invalid_topic_exception) << name;
    }
    EXPECT_EQ(c.create(std::string(250, 'x'), 1, 1), ErrorCode::invalid_topic_exception);
    EXPECT_EQ(c.create("t", 0, 1), ErrorCode::invalid_partitions);
    EXPECT_EQ(c.create("t", 1, 0), ErrorCode::invalid_replication_factor);
    EXPECT_EQ(c.create("t", 1, 3), ErrorCode::invalid_replication_factor);
    EXPECT_EQ(c.create("t", 1, 1, {node_list({9})}), ErrorCode::invalid_replica_assignment);
    EXPECT_EQ(c.create("t", 1, 1, {node_list({1, 1})}), ErrorCode::invalid_replica_assignment);
    EXPECT_EQ(c.create("t", 1, 1, {node_list({1, 2}), node_list({1})}),
              ErrorCode::invalid_replica_assignment)
        << "as many replicas each";
    TopicConfig config;
    config.min_insync_replicas = 0;
    EXPECT_EQ(c.create("t", 1, 1, {}, config), ErrorCode::invalid_config);
    config.min_insync_replicas = 5;
    EXPECT_EQ(c.create("a.b", 1, 1, {}, config), ErrorCode::none) << "counts as 1";
    EXPECT_EQ(c.create("a.b", 1, 1), ErrorCode::topic_already_exists);
    EXPECT_EQ(c.create("a_b", 1, 1), ErrorCode::invalid_topic_exception) << "collides";
    c.config.delete_topic_enable = false;
    EXPECT_EQ(c.ask(DeleteTopicRequest{"a.b"}).error, ErrorCode::topic_deletion_disabled);
    c.config.delete_topic_enable = true;
    EXPECT_EQ(c.ask(DeleteTopicRequest{"x"}).error, ErrorCode::unknown_topic_or_partition);
    EXPECT_EQ(c.ask(DeleteTopicRequest{"a.b"}).error, ErrorCode::none);
    EXPECT_EQ(c.image.topic("a.b"), nullptr);
}

TEST(topics, begin_with_the_active_replicas_in_sync) {
    Topics c;
    c.expire(1);
    EXPECT_EQ(c.create("t", 1, 3, {node_list({1, 2, 3})}), ErrorCode::none);
    EXPECT_EQ(c.partition().leader, NodeId{2});
    EXPECT_EQ(c.partition().isr, nodes({2, 3}));
    EXPECT_EQ(c.create("u", 1, 1, {node_list({1})}), ErrorCode::invalid_replica_assignment);
    EXPECT_EQ(c.create("v", 1, 3), ErrorCode::none) << "a fenced broker gets replicas too";
    EXPECT_EQ(c.partition("v").isr, nodes({2, 3}));
    c.expire(2);
    c.expire(3);
    EXPECT_EQ(c.create("w", 1, 1), ErrorCode::invalid_replication_factor) << "all are fenced";
    EXPECT_TRUE(c.findings.empty());
}

TEST(topics, grow) {
    Topics c;
    EXPECT_EQ(c.grow(2), ErrorCode::unknown_topic_or_partition);
    c.create("t", 2, 2);
    EXPECT_EQ(c.grow(2), ErrorCode::invalid_partitions);
    EXPECT_EQ(c.grow(1), ErrorCode::invalid_partitions);
    EXPECT_EQ(c.grow(4, {node_list({1, 2})}), ErrorCode::invalid_replica_assignment);
    EXPECT_EQ(c.grow(3, {node_list({1, 2, 3})}), ErrorCode::invalid_replica_assignment);
    EXPECT_EQ(c.grow(3, {node_list({3, 1})}), ErrorCode::none);
    EXPECT_EQ(c.partition("t", 2).leader, NodeId{3});
    EXPECT_EQ(c.grow(5), ErrorCode::none);
    EXPECT_EQ(c.image.topic("t")->partitions.size(), 5u);
    EXPECT_EQ(c.partition("t", 4).replicas.size(), 2u);
    EXPECT_TRUE(c.findings.empty());
}

TEST(topics, another_min_isr_clears_who_is_eligible) {
    Topics c;
    TopicConfig config;
    config.min_insync_replicas = 2;
    c.create("t", 1, 3, {node_list({1, 2, 3})}, config);
    c.alter({1});
    EXPECT_EQ(c.partition().elr, nodes({2, 3}));
    config.retention = seconds(5);
    EXPECT_EQ(c.ask(IncrementalAlterConfigsRequest{"t", config}).error, ErrorCode::none);
    EXPECT_EQ(c.partition().elr, nodes({2, 3})) << "not by another setting";
    config.min_insync_replicas = 1;
    EXPECT_EQ(c.ask(IncrementalAlterConfigsRequest{"t", config}).error, ErrorCode::none);
    EXPECT_EQ(c.partition().elr, nodes({}));
    EXPECT_EQ(c.image.topic("t")->config, config);
    const Offset before = c.end();
    EXPECT_EQ(c.ask(IncrementalAlterConfigsRequest{"t", config}).error, ErrorCode::none);
    EXPECT_EQ(c.end(), before);
    config.min_insync_replicas = 0;
    EXPECT_EQ(c.ask(IncrementalAlterConfigsRequest{"t", config}).error, ErrorCode::invalid_config);
    EXPECT_EQ(c.ask(IncrementalAlterConfigsRequest{"x", {}}).error,
              ErrorCode::unknown_topic_or_partition);
    EXPECT_TRUE(c.findings.empty());
}

TEST(topics, an_alteration_leaves_what_it_does_not_name) {
    Topics c;
    TopicConfig config;
    config.min_insync_replicas = 2;
    c.create("t", 1, 3, {node_list({1, 2, 3})}, config);
    TopicConfig wanted;  // whose min.insync.replicas is another, and not meant
    wanted.retention = seconds(5);
    const TopicFields retention = ~equal_fields(wanted, TopicConfig{});
    EXPECT_EQ(c.ask(IncrementalAlterConfigsRequest{"t", wanted, retention}).error, ErrorCode::none);
    config.retention = seconds(5);
    EXPECT_EQ(c.image.topic("t")->config, config);
    // What is refused is what it would all come to.
    TopicConfig least;
    least.min_compaction_lag = seconds(10);
    const TopicFields min_lag = ~equal_fields(least, TopicConfig{});
    EXPECT_EQ(c.ask(IncrementalAlterConfigsRequest{"t", least, min_lag}).error, ErrorCode::none);
    TopicConfig most;
    most.max_compaction_lag = seconds(5);
    const TopicFields max_lag = ~equal_fields(most, TopicConfig{});
    EXPECT_EQ(c.ask(IncrementalAlterConfigsRequest{"t", most, max_lag}).error,
              ErrorCode::invalid_config);
    EXPECT_TRUE(c.findings.empty());
}

// --- placement ----------------------------------------------------------------------------------

std::vector<UsableBroker> brokers(std::initializer_list<const char*> racks) {
    std::vector<UsableBroker> list;
    for (const char* rack : racks) {
        list.push_back({NodeId{static_cast<std::int32_t>(list.size()) + 1}, rack, false});
    }
    return list;
}

TEST(placement, goes_round_the_brokers) {
    const auto placed = place_replicas(brokers({"", "", ""}), 4, 2, 0);
    ASSERT_TRUE(placed);
    EXPECT_EQ(*placed,
              (Lists{node_list({1, 2}), node_list({2, 3}), node_list({3, 1}), node_list({1, 2})}));
    EXPECT_EQ((*place_replicas(brokers({"", "", ""}), 1, 1, 4))[0], node_list({2}));
}

TEST(placement, spreads_a_partition_over_the_racks) {
    const auto placed = place_replicas(brokers({"a", "a", "b", "b", "c", "c"}), 12, 3, 0);
    ASSERT_TRUE(placed);
    std::map<NodeId, int> leaders;
    for (const auto& replicas : *placed) {
        FlatSet<int> racks;
        for (const NodeId node : replicas) racks.insert((node.value - 1) / 2);
        EXPECT_EQ(racks.size(), 3u);
        ++leaders[replicas.front()];
    }
    EXPECT_EQ(leaders.size(), 6u) << "and the leaderships over the brokers";
}

TEST(placement, uses_every_broker_of_few_racks) {
    const auto placed = place_replicas(brokers({"a", "a", "b"}), 3, 3, 0);
    ASSERT_TRUE(placed);
    for (auto replicas : *placed) {
        std::sort(replicas.begin(), replicas.end());
        EXPECT_EQ(replicas, node_list({1, 2, 3}));
    }
}

TEST(placement, puts_fenced_brokers_last_and_never_first) {
    auto list = brokers({"", "", ""});
    list[0].fenced = true;
    const auto placed = place_replicas(list, 6, 3, 0);
    ASSERT_TRUE(placed);
    for (const auto& replicas : *placed) EXPECT_EQ(replicas.back(), NodeId{1});
    list[1].fenced = list[2].fenced = true;
    EXPECT_EQ(place_replicas(list, 1, 1, 0).error(), ErrorCode::invalid_replication_factor);
    EXPECT_EQ(place_replicas(brokers({""}), 1, 2, 0).error(),
              ErrorCode::invalid_replication_factor);
}

// --- features -----------------------------------------------------------------------------------

struct Upgrading : ScriptedController {
    static BrokerConfig at(const char* release) {
        BrokerConfig config;
        config.bootstrap_features = *bootstrap_features(release);
        return config;
    }
    explicit Upgrading(const char* from) : ScriptedController(at(from)) {
        for (int i = 1; i <= 3; ++i) join(i);
    }
    ErrorCode update(Feature feature, int level, UpgradeType type = UpgradeType::upgrade,
                     bool validate_only = false) {
        return ask(UpdateFeaturesRequest{{{feature, static_cast<std::int16_t>(level), type}},
                                         validate_only})
            .error;
    }
};

TEST(features, rise_when_all_software_knows_them_and_change_the_rules) {
    Upgrading c("3.9");
    c.ScriptedController::create(node_list({1, 2, 3}), 2);
    c.alter({1});
    EXPECT_EQ(c.partition().elr, nodes({})) << "KIP-966 is not finalized";
    constexpr ErrorCode refused = ErrorCode::invalid_update_version;
    const Feature elr = Feature::eligible_leader_replicas_version;
    EXPECT_EQ(c.update(elr, 1), refused) << "it depends on 4.0-IV1";
    EXPECT_EQ(c.update(Feature::metadata_version, 99), refused);
    EXPECT_EQ(c.update(Feature::metadata_version, -1), refused);
    EXPECT_EQ(c.update(Feature::metadata_version, 27, UpgradeType::upgrade, true), ErrorCode::none);
    EXPECT_EQ(c.image.features.metadata_version, 21) << "validated only";
    EXPECT_EQ(c.update(Feature::metadata_version, 27, UpgradeType::safe_downgrade), refused);
    EXPECT_EQ(c.update(Feature::metadata_version, 27), ErrorCode::none);
    EXPECT_EQ(c.update(elr, 1), ErrorCode::none);
    c.alter({1, 2});
    c.alter({1});
    EXPECT_EQ(c.partition().elr, nodes({2}));
    EXPECT_EQ(c.update(elr, 0, UpgradeType::safe_downgrade), ErrorCode::none);
    c.alter({1, 3});
    EXPECT_EQ(c.partition().elr, nodes({}));
    EXPECT_TRUE(c.findings.empty());
}

TEST(features, of_one_old_broker_hold_the_cluster_back) {
    Upgrading c("3.9");
    c.expire(3);
    BrokerRegistrationRequest old;
    old.broker = NodeId{3};
    old.incarnation = 2;
    old.features = *supported_features("3.9");
    EXPECT_EQ(c.register_broker(old).error, ErrorCode::none);
    EXPECT_EQ(c.update(Feature::metadata_version, 25), ErrorCode::invalid_update_version);
    c.ask(UnregisterBrokerRequest{NodeId{3}});
    EXPECT_EQ(c.update(Feature::metadata_version, 25), ErrorCode::none);
}

TEST(features, fall_only_where_no_metadata_is_lost) {
    constexpr ErrorCode refused = ErrorCode::invalid_update_version;
    Upgrading c("4.1");
    const auto down = [&](int level, UpgradeType type = UpgradeType::safe_downgrade) {
        return c.update(Feature::metadata_version, level, type);
    };
    EXPECT_EQ(down(25, UpgradeType::upgrade), refused);
    EXPECT_EQ(down(25), ErrorCode::none);
    EXPECT_EQ(down(23), ErrorCode::none);
    EXPECT_EQ(down(22), refused) << "4.0-IV1 brought ELR records";
    EXPECT_EQ(down(22, UpgradeType::unsafe_downgrade), refused) << "KAFKA-13896";
    EXPECT_EQ(c.update(Feature::kraft_version, 0, UpgradeType::safe_downgrade), refused);
    EXPECT_EQ(c.ask(UpdateFeaturesRequest{{{Feature::group_version, 0, UpgradeType::safe_downgrade},
                                           {Feature::metadata_version, 99}}})
                  .error,
              refused);
    EXPECT_EQ(c.image.features.group_version, 1) << "all or nothing";
}

TEST(features, the_table_of_metadata_versions_has_no_gaps) {
    std::int16_t level = 0;
    for (const MetadataVersion& version : all_metadata_versions()) {
        EXPECT_EQ(version.level, ++level) << version.name;
        EXPECT_EQ(find_metadata_version(version.name), &version);
    }
    EXPECT_EQ(level, metadata_version::kNewest);
    EXPECT_EQ(FeatureLevels{}, *supported_features("4.1"));
    EXPECT_EQ(find_metadata_version("3.3")->name, "3.3-IV3");
    EXPECT_EQ(find_metadata_version("5.0"), nullptr);
    EXPECT_EQ(supported_features("nonsense"), std::nullopt);
    EXPECT_EQ(supported_features("2.8")->metadata_version, 0);
    EXPECT_EQ(bootstrap_features("4.0")->eligible_leader_replicas_version, 0);
    EXPECT_EQ(bootstrap_features("4.1")->eligible_leader_replicas_version, 1);
    for (const Feature feature : all_features()) EXPECT_EQ(find_feature(name_of(feature)), feature);
}

}  // namespace
}  // namespace tribunal
