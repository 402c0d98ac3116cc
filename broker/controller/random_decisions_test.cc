// Random sequences of requests, against what must always hold of the image, and replay of the log
// against the image that it made.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "broker/controller/scripted_controller.h"

namespace tribunal {
namespace {

constexpr int kBrokers = 4;

struct Choices {
    std::vector<unsigned> numbers;
    std::size_t next = 0;
    int below(int n) {
        if (next >= numbers.size()) return 0;
        return static_cast<int>(numbers[next++] % static_cast<unsigned>(n));
    }
    int broker() { return 1 + below(kBrokers); }
    std::vector<NodeId> some_brokers() {
        std::vector<NodeId> list;
        const int first = below(kBrokers);
        const int n = 1 + below(3);
        for (int i = 0; i < n; ++i) list.push_back(NodeId{1 + (first + i) % kBrokers});
        return list;
    }
};

// A leader asks for any subset of the replicas with itself, with or without the right epochs.
void alter_isr(ScriptedController& c, Choices& choose) {
    const TopicImage* topic = c.image.topic("t");
    if (topic == nullptr) return;
    const PartitionImage& p = topic->partitions.front();
    if (p.leader == kNoNode) return;
    AlterPartition change;
    change.partition = {topic->id, 0};
    change.leader_epoch = p.leader_epoch;
    change.partition_epoch = p.partition_epoch;
    if (choose.below(8) == 0) --change.partition_epoch.value;
    if (choose.below(8) == 0) --change.leader_epoch.value;
    for (const NodeId node : p.replicas) {
        if (node != p.leader && choose.below(2) == 0) continue;
        BrokerEpoch epoch = c.epoch(node.value);
        if (choose.below(8) == 0) --epoch.value;
        change.new_isr.push_back({node, epoch});
    }
    const PartitionEpoch before = p.partition_epoch;
    const bool current = change.partition_epoch == before && change.leader_epoch == p.leader_epoch;
    const ErrorCode error = c.alter(p.leader.value, change);
    // Q15: nothing but the present state can be compared and set.
    if (!current) RC_ASSERT(error != ErrorCode::none && c.partition().partition_epoch == before);
}

void act(ScriptedController& c, Choices& choose) {
    const int broker = choose.broker();
    switch (choose.below(14)) {
        case 0:
        case 1:
        case 2:
            c.join(broker, c.end().value, choose.below(2) == 0);
            return;
        case 3:
        case 4:
            if (c.image.brokers.contains(NodeId{broker})) c.expire(broker);
            return;
        case 5:
        case 6: {
            // Who has begun to shut down says so until its end.
            const BrokerRegistration* known = c.image.brokers.find(NodeId{broker});
            const bool ends = known != nullptr && known->in_controlled_shutdown;
            const bool want_fence = choose.below(4) == 0;
            const bool want_shut_down = choose.below(3) == 0;
            c.heartbeat(broker, want_fence, ends || want_shut_down);
            return;
        }
        case 7:
            c.create(choose.some_brokers(), 1 + choose.below(3), choose.below(4) == 0);
            return;
        case 8:
        case 9:
            alter_isr(c, choose);
            return;
        case 10: {
            std::optional<std::vector<NodeId>> target;
            if (choose.below(4) != 0) target = choose.some_brokers();
            c.ask(AlterPartitionReassignmentsRequest{{{{"t", 0}, std::move(target)}}});
            return;
        }
        case 11:
            c.ask(ElectLeadersRequest{static_cast<ElectionType>(choose.below(2)), {{"t", 0}}});
            return;
        case 12: {
            TopicConfig config;
            config.min_insync_replicas = 1 + choose.below(3);
            config.unclean_leader_election_enable = choose.below(4) == 0;
            c.ask(IncrementalAlterConfigsRequest{"t", config});
            return;
        }
        default:
            switch (choose.below(6)) {
                case 0:
                    c.ask(UnregisterBrokerRequest{NodeId{broker}});
                    end_session(c.heartbeats, NodeId{broker});
                    return;
                case 1:
                    c.ask(DeleteTopicRequest{"t"});
                    return;
                case 2:
                    c.ask(CreatePartitionsRequest{"t", 1 + choose.below(3), {}});
                    return;
                case 3:
                    c.commit(decide_preferred_leaders(c.view()));
                    return;
                case 4:
                    c.commit(decide_unclean_leaders(c.view()));
                    return;
                default:
                    c.ask(UpdateFeaturesRequest{{{Feature::eligible_leader_replicas_version,
                                                  static_cast<std::int16_t>(choose.below(2)),
                                                  static_cast<UpgradeType>(choose.below(2))}}});
                    return;
            }
    }
}

std::string first_finding(PlantedBug bug, std::vector<unsigned> numbers) {
    BrokerConfig config;
    config.planted_bug = bug;
    ScriptedController c(config);
    Choices choose{std::move(numbers)};
    for (int i = 1; i <= kBrokers; ++i) c.join(i);
    c.create(node_list({1, 2, 3}), 2);
    while (choose.next < choose.numbers.size() && c.findings.empty()) act(c, choose);
    ClusterImage again;
    for (const MetadataRecord& record : c.log) {
        if (const char* why = replay(again, record)) return std::string("a record ") + why;
    }
    if (!(again == c.image) || digest_of(again) != digest_of(c.image)) return "replay differs";
    return c.findings.empty()
               ? ""
               : std::string(c.findings.front().rule) + ": " + std::string(c.findings.front().what);
}

std::vector<unsigned> some_numbers() {
    return *rc::gen::container<std::vector<unsigned>>(200, rc::gen::arbitrary<unsigned>());
}

RC_GTEST_PROP(random_decisions, keep_every_promise_and_are_replayed, ()) {
    RC_ASSERT(first_finding(PlantedBug::none, some_numbers()) == "");
}

// The same walks find each planted bug: a check that cannot fail proves nothing.
TEST(random_decisions, find_planted_bugs) {
    const std::pair<PlantedBug, std::string> bugs[] = {
        {PlantedBug::isr_keeps_dead_replica, "R15"},
        {PlantedBug::elr_outlives_min_isr, "R15"},
        {PlantedBug::last_known_leader_forgotten, "R20"},
        {PlantedBug::registration_replaces_live_broker, "Q16"},
    };
    for (const auto& [bug, rule] : bugs) {
        bool found = false;
        std::uint32_t state = 1;
        for (int walk = 0; walk < 200 && !found; ++walk) {
            std::vector<unsigned> numbers(300);
            for (unsigned& n : numbers) n = (state = state * 1664525u + 1013904223u) >> 8;
            found = first_finding(bug, std::move(numbers)).substr(0, rule.size()) == rule;
        }
        EXPECT_TRUE(found) << rule;
    }
}

}  // namespace
}  // namespace tribunal
