// What the controller monitor finds, and what it must not.
#include "properties/controller_monitor.h"

#include <gtest/gtest.h>

#include "broker/base/check.h"

namespace tribunal {
namespace {

constexpr NodeId kController{100};
constexpr NodeId kBroker{1};
constexpr TopicPartition kPartition{TopicId{0}, 0};
constexpr ConnectionKey kConnection{kBroker, kController, Lane::heartbeat};

RegisterBrokerRecord registered(std::int64_t epoch, std::int64_t incarnation) {
    RegisterBrokerRecord record;
    record.broker = kBroker;
    record.broker_epoch = BrokerEpoch{epoch};
    record.incarnation = incarnation;
    return record;
}

// An active controller that knows the broker in this epoch.
Controller controller(std::int64_t epoch) {
    Controller c = make_controller(kController, {kController}, {});
    c.active = LeaderEpoch{1};
    CHECK(replay(c.image, registered(epoch, 1)) == nullptr);
    return c;
}

Check check_of(const ControllerMonitor& monitor, std::string_view id) {
    for (Check& check : monitor.finish()) {
        if (check.id == id) return std::move(check);
    }
    throw std::out_of_range("no check");
}

void ask(ControllerMonitor& monitor, const Controller& c, Message message) {
    monitor.on_step(Instant{1}, c, Deliver{kConnection, false, 7, std::move(message)}, {});
}
void answer(ControllerMonitor& monitor, const Controller& c, Message message) {
    Outbox out;
    out.respond(kConnection, 7, std::move(message));
    monitor.on_step(Instant{2}, c, TimerFired{}, out);
}

AlterPartitionRequest alteration(std::int64_t broker_epoch, int partition_epoch) {
    AlterPartitionRequest request{kBroker, BrokerEpoch{broker_epoch}, {}};
    request.partitions.push_back({kPartition, LeaderEpoch{0}, PartitionEpoch{partition_epoch}, {}});
    return request;
}
AlterPartitionResponse altered(int partition_epoch, ErrorCode error = ErrorCode::none) {
    AlterPartitionResult result;
    result.partition = kPartition;
    result.error = error;
    result.image.partition_epoch = PartitionEpoch{partition_epoch};
    return {ErrorCode::none, {std::move(result)}};
}

TEST(ControllerMonitor, q15_what_is_granted_is_one_change_of_what_was_meant) {
    struct Case {
        const char* name;
        int meant;
        int after;
        ErrorCode error;
        Verdict want;
    };
    const Case cases[] = {
        {"the next epoch", 4, 5, ErrorCode::none, Verdict::pass},
        {"it is so already", 4, 4, ErrorCode::none, Verdict::pass},
        {"another leader with it", 4, 5, ErrorCode::new_leader_elected, Verdict::pass},
        {"refused", 4, 9, ErrorCode::invalid_update_version, Verdict::vacuous},
        {"somebody changed it before", 4, 6, ErrorCode::none, Verdict::fail},
        {"of the future", 4, 3, ErrorCode::none, Verdict::fail},
    };
    for (const Case& c : cases) {
        ControllerMonitor monitor;
        const Controller active = controller(3);
        ask(monitor, active, alteration(3, c.meant));
        answer(monitor, active, altered(c.after, c.error));
        EXPECT_EQ(check_of(monitor, "Q15").verdict, c.want) << c.name;
        EXPECT_EQ(check_of(monitor, "Q16").verdict, Verdict::pass) << c.name;
    }
    // Before KIP-497 nobody compared; and an answer after the process ended is nobody's.
    ControllerMonitor monitor;
    Controller old = controller(3);
    old.config.rules.alter_partition_checks_partition_epoch = false;
    ask(monitor, old, alteration(3, 4));
    answer(monitor, old, altered(6));
    EXPECT_EQ(check_of(monitor, "Q15").verdict, Verdict::vacuous);
    ask(monitor, controller(3), alteration(3, 4));
    monitor.on_crash(kController);
    answer(monitor, controller(3), altered(6));
    EXPECT_EQ(check_of(monitor, "Q15").verdict, Verdict::vacuous);
}

TEST(ControllerMonitor, q16_what_an_earlier_life_asks_for_is_refused) {
    const Controller active = controller(3);
    const auto verdict = [&](Message request, Message response) {
        ControllerMonitor monitor;
        ask(monitor, active, std::move(request));
        answer(monitor, active, std::move(response));
        return check_of(monitor, "Q16").verdict;
    };
    const BrokerHeartbeatRequest present{kBroker, BrokerEpoch{3}, {}};
    const BrokerHeartbeatRequest earlier{kBroker, BrokerEpoch{2}, {}};
    const BrokerHeartbeatResponse granted{};
    const BrokerHeartbeatResponse refused{.error = ErrorCode::stale_broker_epoch};
    EXPECT_EQ(verdict(present, granted), Verdict::pass);
    EXPECT_EQ(verdict(earlier, refused), Verdict::pass);
    EXPECT_EQ(verdict(earlier, granted), Verdict::fail);
    EXPECT_EQ(verdict(alteration(2, 4), altered(5)), Verdict::fail);
    EXPECT_EQ(
        verdict(AllocateProducerIdsRequest{kBroker, BrokerEpoch{2}}, AllocateProducerIdsResponse{}),
        Verdict::fail);
    EXPECT_EQ(verdict(BrokerHeartbeatRequest{NodeId{9}, BrokerEpoch{3}, {}}, granted),
              Verdict::fail);
}

TEST(ControllerMonitor, q16_one_life_at_a_time_with_a_newer_epoch) {
    const auto check = [](const ClusterImage& before, const MetadataRecord& record,
                          bool metadata_lost = false) {
        ControllerMonitor monitor;
        if (metadata_lost) monitor.on_metadata_lost();
        monitor.on_record(Instant{1}, before, record);
        return check_of(monitor, "Q16").verdict;
    };
    ClusterImage fenced;
    CHECK(replay(fenced, registered(3, 1)) == nullptr);
    EXPECT_EQ(check(fenced, registered(4, 2)), Verdict::pass);
    EXPECT_EQ(check(fenced, registered(3, 2)), Verdict::fail);
    EXPECT_EQ(check(fenced, registered(3, 1)), Verdict::pass);  // the same life again

    ClusterImage live = fenced;
    BrokerRegistrationChangeRecord change;
    change.broker = kBroker;
    change.broker_epoch = BrokerEpoch{3};
    change.fenced = false;
    CHECK(replay(live, change) == nullptr);
    EXPECT_EQ(check(live, registered(4, 2)), Verdict::fail);
    EXPECT_EQ(check(live, registered(4, 2), true), Verdict::allowed);
    change.fenced.reset();
    change.in_controlled_shutdown = true;
    CHECK(replay(live, change) == nullptr);
    EXPECT_EQ(check(live, registered(4, 2)), Verdict::pass);  // it has announced its end
    change.broker_epoch = BrokerEpoch{2};
    EXPECT_EQ(check(live, change), Verdict::fail);
}

}  // namespace
}  // namespace tribunal
