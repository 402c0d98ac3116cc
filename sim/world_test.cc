// The world: order inside connections, cuts, power loss, copies, recorded choices.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>

#include "broker/base/check.h"
#include "sim/run.h"

namespace tribunal {

// What it sees of a run, for the tests.
class Watch final : public Observer {
  public:
    void on_step(const World& world, const Host& host, const Input& input,
                 const Outbox& out) override {
        steps.push_back(to_string(world.trace_hash()));
        const NodeId self = id_of(host.node);
        if (const auto* d = std::get_if<Deliver>(&input)) {
            received[{d->connection.packed(), d->is_response}].push_back(d->correlation);
            if (d->connection.server == self && !d->is_response) last_heard[self] = world.now();
        }
        for (const Note& note : out.notes) {
            if (const auto* done = std::get_if<SendCompleted>(&note)) {
                if (done->error == ErrorCode::none) ++acknowledged;
            }
            if (const auto* poll = std::get_if<PollReturned>(&note))
                polled += poll->until.value - poll->from.value;
        }
    }
    void on_fault(const World&, const LedgerEntry& entry) override { faults.push_back(entry.text); }

    std::vector<std::string> steps;
    std::map<std::pair<std::uint64_t, bool>, std::vector<std::int32_t>> received;
    std::map<NodeId, Instant> last_heard;
    std::vector<std::string> faults;
    std::int64_t acknowledged = 0;
    std::int64_t polled = 0;
};

// Looks inside a world.
class WorldTest {
  public:
    // Messages that links keep of the connections that this client has opened.
    static std::size_t held_of(const World& world, NodeId client) {
        std::size_t held = 0;
        for (const auto& [stream, slots] : world.held_) {
            if (connection_key(stream).client == client) held += slots.size();
        }
        return held;
    }
    static std::size_t slots_in_use(const World& world) {
        const auto& used = world.in_flight_.used;
        return static_cast<std::size_t>(std::count(used.begin(), used.end(), true));
    }
};

namespace {

// Three brokers, a controller, one topic, one producer, one consumer.
World small_world(std::vector<FaultSpec> faults = {}, std::int64_t flush_messages = INT64_MAX,
                  const ProducerConfig& producer = {}, const TopicConfig& topic_config = {}) {
    World world;
    const std::vector<NodeId> brokers = {NodeId{1}, NodeId{2}, NodeId{3}};
    BrokerConfig config;
    config.broker_session_timeout = seconds(2);
    config.broker_heartbeat_interval = milliseconds(500);
    for (const NodeId id : brokers) {
        Broker b;
        b.id = id;
        b.voters = {NodeId{100}};
        b.config = config;
        world.add(b, "broker " + std::to_string(id.value), Instant{0});
    }
    world.add(make_controller(NodeId{100}, {NodeId{100}}, config), "controller", Instant{0});
    Admin admin;
    admin.id = NodeId{1000};
    admin.client = 2;
    admin.bootstrap = brokers;
    CreateTopicRequest topic{"t", 1, 3, {brokers}, topic_config};
    topic.config.min_insync_replicas = 2;
    topic.config.flush_messages = flush_messages;
    admin.operations.push_back({Duration{0}, ClientOpKind::create_topic, topic});
    world.add(admin, "setup", Instant{0});
    Producer p;
    p.id = NodeId{1001};
    p.topic = "t";
    p.load.interval = milliseconds(5);
    p.config = producer;
    if (producer == ProducerConfig{}) p.config.linger = Duration{0};
    p.metadata.bootstrap = brokers;
    p.metadata.topics = {"t"};
    world.add(p, "p", Instant{0});
    Consumer consumer;
    consumer.id = NodeId{1002};
    consumer.client = 1;
    consumer.topics = {"t"};
    consumer.from_beginning = true;
    consumer.metadata.bootstrap = brokers;
    consumer.metadata.topics = {"t"};
    world.add(consumer, "c", Instant{0});
    world.faults = std::move(faults);
    world.schedule_faults();
    return world;
}

FaultSpec fault(FaultKind kind, NodeId node, Duration at, Duration lasts) {
    FaultSpec spec;
    spec.kind = kind;
    spec.target = {TargetKind::node, node, "", 0};
    spec.at = Instant{0} + at;
    spec.lasts = lasts;
    return spec;
}

void run_until(World& world, Chooser& chooser, Observer* observer, Duration until) {
    while (world.step(chooser, observer, Instant{0} + until)) {
    }
}

TEST(network, messages_of_one_connection_arrive_in_order) {
    World world = small_world({fault(FaultKind::isolate, NodeId{2}, seconds(1), seconds(1)),
                               fault(FaultKind::jam, NodeId{3}, seconds(1), seconds(1))});
    SeededChooser chooser{5};
    Watch watch;
    run_until(world, chooser, &watch, seconds(6));
    std::size_t messages = 0;
    for (const auto& [connection, correlations] : watch.received) {
        messages += correlations.size();
        if (connection.second) continue;  // responses of a connection that was opened anew
        if ((connection.first >> 32) < 1000) continue;  // brokers use numbers again
        EXPECT_TRUE(std::is_sorted(correlations.begin(), correlations.end()));
    }
    EXPECT_GT(messages, 1000u);
    EXPECT_GT(watch.acknowledged, 500);
}

// While requests need 30 ms and five are under way, some arrive before the link is cut, some are
// kept by it, some are sent meanwhile, and some arrive after it was healed.
TEST(network, nothing_overtakes_what_a_link_has_kept) {
    for (const FaultKind kind : {FaultKind::cut, FaultKind::jam}) {
        for (const std::int64_t lasts : {2, 10, 25, 200}) {
            SCOPED_TRACE(std::string(name_of(kind)) + " of " + std::to_string(lasts) + " ms");
            std::vector<FaultSpec> faults = {
                fault(FaultKind::slow_link, NodeId{1001}, milliseconds(500), seconds(10))};
            faults.back().amount = milliseconds(30);
            for (int i = 0; i < 10; ++i) {
                faults.push_back(
                    fault(kind, NodeId{1001}, milliseconds(1000 + 301 * i), milliseconds(lasts)));
            }
            for (FaultSpec& spec : faults) spec.peer = {TargetKind::brokers, kNoNode, "", 0};
            World world = small_world(std::move(faults));
            SeededChooser chooser{5};
            Watch watch;
            run_until(world, chooser, &watch, seconds(6));
            for (const auto& [connection, correlations] : watch.received) {
                if ((connection.first >> 32) != 1001) continue;
                EXPECT_TRUE(std::is_sorted(correlations.begin(), correlations.end()))
                    << (connection.second ? "responses" : "requests");
            }
            EXPECT_GT(watch.acknowledged, 200);
        }
    }
}

// Nobody answers the first messages of a connection: when the client gives it up, what the cut link
// had kept of it is gone, with the slots.
TEST(network, who_gives_up_connecting_leaves_nothing_behind) {
    FaultSpec cut = fault(FaultKind::cut, NodeId{1001}, milliseconds(1), seconds(60));
    cut.peer = {TargetKind::brokers, kNoNode, "", 0};
    ProducerConfig patient;
    patient.linger = Duration{0};
    patient.request_timeout = seconds(60);  // so that the connection's own time-out comes first
    World world = small_world({cut}, INT64_MAX, patient);
    SeededChooser chooser{5};
    run_until(world, chooser, nullptr, seconds(5));
    EXPECT_GT(WorldTest::held_of(world, NodeId{1001}), 0u);
    std::size_t least = WorldTest::held_of(world, NodeId{1001});
    std::size_t most_slots = 0;
    for (Instant at = Instant{0} + seconds(5); at < Instant{0} + seconds(55);) {
        at = at + milliseconds(1);
        run_until(world, chooser, nullptr, at - Instant{0});
        least = std::min(least, WorldTest::held_of(world, NodeId{1001}));
        most_slots = std::max(most_slots, WorldTest::slots_in_use(world));
    }
    EXPECT_EQ(least, 0u);
    EXPECT_LT(most_slots, 40u);
}

TEST(network, a_cut_is_one_way_when_it_says_so) {
    FaultSpec cut = fault(FaultKind::cut, NodeId{1001}, seconds(1), Duration{0});
    cut.peer = {TargetKind::node, NodeId{1}, "", 0};
    cut.direction = Direction::to_target;  // broker 1 -> producer
    World world = small_world({cut});
    SeededChooser chooser{5};
    Watch watch;
    run_until(world, chooser, &watch, seconds(3));
    // The broker hears the producer, the producer hears nothing from it.
    EXPECT_GT(watch.last_heard[NodeId{1}], Instant{0} + seconds(1));
    const std::int64_t acknowledged = watch.acknowledged;
    EXPECT_GT(acknowledged, 100);
    run_until(world, chooser, &watch, seconds(5));
    EXPECT_EQ(watch.acknowledged, acknowledged);
}

TEST(disk, a_kill_keeps_the_page_cache_and_a_power_loss_keeps_a_prefix) {
    for (const FaultKind kind : {FaultKind::kill, FaultKind::power_loss}) {
        for (const int keep : {0, 50, 100}) {
            FaultSpec crash = fault(kind, NodeId{2}, seconds(2), Duration{0});
            crash.keep_percent = keep;
            World world = small_world({crash});
            SeededChooser chooser{3};
            run_until(world, chooser, nullptr, milliseconds(1999));
            const TopicPartition tp{world.image().topic("t")->id, 0};
            const ReplicaLog before =
                find_partition(std::get<Broker>(world.host(NodeId{2}).node), tp)->log;
            ASSERT_GT(before.log_end_offset, Offset{100});
            run_until(world, chooser, nullptr, milliseconds(2000));
            const ReplicaLog& after =
                find_partition(std::get<Broker>(world.host(NodeId{2}).node), tp)->log;
            if (kind == FaultKind::kill || keep == 100) {
                EXPECT_GE(after.log_end_offset, before.log_end_offset);
            } else if (keep == 0) {
                EXPECT_EQ(after.log_end_offset, Offset{0});
            } else {
                EXPECT_GT(after.log_end_offset, Offset{0});
                EXPECT_LT(after.log_end_offset, before.log_end_offset);
            }
            // What is left is a prefix of what was there.
            after.for_each_batch(Offset{0}, [&](const RecordBatch& batch) {
                const RecordBatch* was = before.find(batch.base_offset);
                if (was != nullptr) {
                    EXPECT_EQ(*was, batch);
                }
            });
        }
    }
}

TEST(disk, what_was_synced_survives_everything) {
    FaultSpec crash = fault(FaultKind::power_loss, NodeId{1}, seconds(2), Duration{0});
    crash.keep_percent = 0;
    World world = small_world({crash}, 1);
    SeededChooser chooser{3};
    Watch watch;
    run_until(world, chooser, &watch, seconds(2));
    ASSERT_GT(watch.acknowledged, 50);
    const TopicPartition tp{world.image().topic("t")->id, 0};
    const Partition* p = find_partition(std::get<Broker>(world.host(NodeId{1}).node), tp);
    EXPECT_GE(p->log.log_end_offset.value, watch.acknowledged);
}

TEST(disk, a_full_disk_halts_the_broker_before_it_answers) {
    World world = small_world({fault(FaultKind::full_disk, NodeId{1}, seconds(1), seconds(1))});
    SeededChooser chooser{3};
    Watch watch;
    run_until(world, chooser, &watch, milliseconds(1500));
    EXPECT_EQ(world.host(NodeId{1}).power, Power::process_down);
    ASSERT_EQ(watch.faults.size(), 2u);
    EXPECT_NE(watch.faults[1].find("halts"), std::string::npos) << watch.faults[1];
}

// Brokers that do not wait for the controller's leave.
World impatient_world(std::vector<FaultSpec> faults) {
    World world = small_world(std::move(faults));
    for (auto& host : world.hosts) {
        if (auto* b = std::get_if<Broker>(&host.edit().node)) {
            b->config.controlled_shutdown_enable = false;
        }
    }
    return world;
}

TEST(stop, a_broker_that_ended_in_good_order_has_nothing_left_to_lose) {
    FaultSpec power_loss = fault(FaultKind::power_loss, NodeId{2}, milliseconds(2100), Duration{0});
    power_loss.keep_percent = 0;
    World world =
        impatient_world({fault(FaultKind::stop, NodeId{2}, seconds(2), Duration{0}), power_loss});
    SeededChooser chooser{3};
    Watch watch;
    run_until(world, chooser, &watch, milliseconds(2050));
    const Broker& stopped = std::get<Broker>(world.host(NodeId{2}).node);
    EXPECT_EQ(world.host(NodeId{2}).power, Power::process_down);
    EXPECT_TRUE(stopped.clean_shutdown_file.has_value());
    const TopicPartition tp{world.image().topic("t")->id, 0};
    const Offset end = find_partition(stopped, tp)->log.log_end_offset;
    EXPECT_GT(end, Offset{100});
    ASSERT_EQ(watch.faults.size(), 2u);
    EXPECT_NE(watch.faults[1].find("has shut down"), std::string::npos) << watch.faults[1];
    run_until(world, chooser, &watch, milliseconds(2200));
    EXPECT_EQ(world.host(NodeId{2}).power, Power::off);
    const Broker& off = std::get<Broker>(world.host(NodeId{2}).node);
    EXPECT_EQ(find_partition(off, tp)->log.log_end_offset, end);
}

TEST(stop, with_a_time_the_process_starts_again) {
    World world = impatient_world({fault(FaultKind::stop, NodeId{2}, seconds(2), seconds(1))});
    SeededChooser chooser{3};
    run_until(world, chooser, nullptr, milliseconds(2900));
    EXPECT_EQ(world.host(NodeId{2}).power, Power::process_down);
    run_until(world, chooser, nullptr, seconds(5));
    EXPECT_EQ(world.host(NodeId{2}).power, Power::up);
    const Broker& again = std::get<Broker>(world.host(NodeId{2}).node);
    EXPECT_NE(again.previous_broker_epoch, BrokerEpoch{-1}) << "proof that nothing was lost";
    EXPECT_FALSE(again.clean_shutdown_file.has_value());
}

TEST(stop, reaches_a_paused_process_when_it_goes_on) {
    World world = impatient_world({fault(FaultKind::pause, NodeId{2}, seconds(1), seconds(2)),
                                   fault(FaultKind::stop, NodeId{2}, seconds(2), Duration{0})});
    SeededChooser chooser{3};
    run_until(world, chooser, nullptr, milliseconds(2900));
    EXPECT_EQ(world.host(NodeId{2}).power, Power::up);
    run_until(world, chooser, nullptr, milliseconds(3100));
    EXPECT_EQ(world.host(NodeId{2}).power, Power::process_down);
}

TEST(upgrade, is_a_stop_and_a_start_with_other_software) {
    FaultSpec upgrade = fault(FaultKind::upgrade, NodeId{2}, seconds(2), Duration{0});
    Software software{"next", {}};
    software.config.broker_session_timeout = seconds(3);
    software.config.rack = "of nobody";
    upgrade.software = Shared<Software>{software};
    World world = impatient_world({upgrade});
    SeededChooser chooser{3};
    run_until(world, chooser, nullptr, milliseconds(1900));
    const std::string rack = std::get<Broker>(world.host(NodeId{2}).node).config.rack;
    run_until(world, chooser, nullptr, seconds(6));
    EXPECT_EQ(world.host(NodeId{2}).power, Power::up);
    const Broker& again = std::get<Broker>(world.host(NodeId{2}).node);
    EXPECT_EQ(again.config.broker_session_timeout, seconds(3));
    EXPECT_EQ(again.config.rack, rack) << "the machine stays where it is";
    EXPECT_NE(again.previous_broker_epoch, BrokerEpoch{-1}) << "proof that nothing was lost";
    EXPECT_NE(std::get<Broker>(world.host(NodeId{1}).node).config.broker_session_timeout,
              seconds(3));
}

TEST(targets, a_rack_is_its_brokers) {
    FaultSpec kill = fault(FaultKind::kill, NodeId{1}, seconds(1), Duration{0});
    kill.target = {TargetKind::rack, kNoNode, "a", 0};
    World world = small_world({kill});
    for (const std::size_t index : {0u, 2u}) {
        std::get<Broker>(world.hosts[index].edit().node).config.rack = "a";
    }
    SeededChooser chooser{3};
    Watch watch;
    run_until(world, chooser, &watch, seconds(2));
    ASSERT_EQ(watch.faults.size(), 1u);
    EXPECT_EQ(watch.faults[0], "kill = broker 1, broker 3");
}

TEST(clock, offset_and_drift_move_the_wall_clock_of_one_node_only) {
    FaultSpec offset = fault(FaultKind::clock_offset, NodeId{1}, seconds(1), Duration{0});
    offset.amount = seconds(-5);
    FaultSpec drift = fault(FaultKind::clock_drift, NodeId{2}, seconds(1), Duration{0});
    drift.ppm = 100'000;
    World world = small_world({offset, drift});
    SeededChooser chooser{1};
    run_until(world, chooser, nullptr, seconds(11));
    const auto ms = [&](int node) { return world.wall_clock(world.host(NodeId{node})).value; };
    EXPECT_EQ(ms(3) - ms(1), 5000);
    EXPECT_EQ(ms(2) - ms(3), 1000);  // a tenth of ten seconds
}

TEST(pause, holds_everything_and_goes_on_in_order) {
    World world = small_world({fault(FaultKind::pause, NodeId{1}, seconds(1), milliseconds(700))});
    SeededChooser chooser{2};
    Watch watch;
    run_until(world, chooser, &watch, milliseconds(1650));
    EXPECT_FALSE(world.host(NodeId{1}).held.empty());
    EXPECT_LE(watch.last_heard[NodeId{1}], Instant{0} + seconds(1));
    run_until(world, chooser, &watch, seconds(3));
    EXPECT_TRUE(world.host(NodeId{1}).held.empty());
    EXPECT_GT(watch.last_heard[NodeId{1}], Instant{0} + milliseconds(1700));
}

TEST(world, copies_stepped_with_equal_choices_agree) {
    World world = small_world({fault(FaultKind::power_loss, NodeId{1}, seconds(2), seconds(3))});
    SeededChooser chooser{9};
    run_until(world, chooser, nullptr, milliseconds(1700));
    World copy = world;
    SeededChooser same = chooser;
    EXPECT_EQ(copy.digest(), world.digest());
    const Digest128 before = copy.digest();
    run_until(world, chooser, nullptr, seconds(5));
    EXPECT_EQ(copy.digest(), before) << "stepping the one must not touch the other";
    run_until(copy, same, nullptr, seconds(5));
    EXPECT_EQ(copy.digest(), world.digest());
    EXPECT_EQ(copy.trace_hash(), world.trace_hash());
    EXPECT_NE(copy.digest(), before);
}

TEST(world, a_recorded_list_of_choices_replays_the_run) {
    const auto faults = [] {
        std::vector<FaultSpec> list = {
            fault(FaultKind::power_loss, NodeId{1}, seconds(1), seconds(2))};
        FaultSpec drawn;
        drawn.kind = FaultKind::kill;
        drawn.target.kind = TargetKind::any_broker;
        drawn.at = Instant{0} + seconds(3);
        drawn.until = Instant{0} + seconds(8);
        drawn.every = seconds(1);
        drawn.lasts = milliseconds(300);
        list.push_back(drawn);
        return list;
    };
    World world = small_world(faults());
    SeededChooser seeded{21};
    RecordingChooser recording{seeded};
    run_until(world, recording, nullptr, seconds(9));
    World again = small_world(faults());
    RecordedChooser recorded{recording.choices()};
    run_until(again, recorded, nullptr, seconds(9));
    EXPECT_EQ(again.trace_hash(), world.trace_hash());
    EXPECT_EQ(recorded.diverged(), 0u);
    // One choice changed is another run, and it is noticed by the trace.
    std::vector<Choice> changed = recording.choices();
    for (Choice& c : changed) {
        if (c.kind != ChoiceKind::network_latency) continue;
        c.taken ^= 1ull << 31;
        break;
    }
    World other = small_world(faults());
    RecordedChooser bent{changed};
    run_until(other, bent, nullptr, seconds(9));
    EXPECT_NE(other.trace_hash(), world.trace_hash());
}

TEST(world, somebody_else_may_choose) {
    World world = small_world();
    std::map<ChoiceKind, int> asked;
    AskingChooser chooser{[&](ChoiceKind kind, std::uint32_t, std::uint64_t options) {
        ++asked[kind];
        return options / 2;
    }};
    Watch watch;
    run_until(world, chooser, &watch, seconds(2));
    EXPECT_GT(watch.acknowledged, 100);
    EXPECT_GT(asked[ChoiceKind::network_latency], 100);
    EXPECT_GT(asked[ChoiceKind::client_value], 100);
}

TEST(run, heals_and_converges_after_a_storm) {
    World world = small_world({fault(FaultKind::kill, NodeId{1}, seconds(1), Duration{0}),
                               fault(FaultKind::power_loss, NodeId{2}, seconds(2), Duration{0}),
                               fault(FaultKind::pause, NodeId{3}, seconds(3), Duration{0})});
    SeededChooser chooser{4};
    Watch watch;
    RunPlan plan;
    plan.faulty = seconds(5);
    const RunOutcome outcome = run(world, chooser, &watch, plan);
    EXPECT_TRUE(outcome.converged) << outcome.unconverged;
    EXPECT_FALSE(unconverged_reason(world).has_value());
    EXPECT_GT(watch.acknowledged, 0);
    EXPECT_GT(watch.polled, 0);
}

TEST(run, says_what_was_still_moving) {
    // Nobody can lead while the controller is gone for good: there is no quorum to heal to in time.
    World world = small_world({fault(FaultKind::kill, NodeId{1}, seconds(1), Duration{0})});
    SeededChooser chooser{4};
    RunPlan plan;
    plan.faulty = seconds(2);
    plan.heal_bound = milliseconds(100);
    const RunOutcome outcome = run(world, chooser, nullptr, plan);
    EXPECT_FALSE(outcome.converged);
    EXPECT_FALSE(outcome.unconverged.empty());
}

// compression.type of the producer and of the topic: what lies in the logs, and that everybody
// still reads the same records.
TEST(compression, is_chosen_by_the_producer_and_the_topic_has_the_last_word) {
    struct Case {
        const char* name;
        CompressionType produced;
        std::optional<CompressionType> kept;  // nullopt: compression.type=producer
        CompressionType want;
    };
    const Case cases[] = {
        {"none", CompressionType::none, {}, CompressionType::none},
        {"the producer's", CompressionType::zstd, {}, CompressionType::zstd},
        {"compressed by the broker", CompressionType::none, CompressionType::gzip,
         CompressionType::gzip},
        {"compressed anew by the broker", CompressionType::snappy, CompressionType::lz4,
         CompressionType::lz4},
        {"unpacked by the broker", CompressionType::gzip, CompressionType::none,
         CompressionType::none},
    };
    for (const Case& c : cases) {
        SCOPED_TRACE(c.name);
        ProducerConfig producer;
        producer.compression = c.produced;
        producer.linger = milliseconds(50);
        producer.batch_size = 1000;
        producer.max_in_flight = 1;  // so that a retry changes no order
        TopicConfig topic;
        topic.keeps_producer_compression = !c.kept;
        topic.compression = c.kept.value_or(CompressionType::none);
        World world = small_world({}, INT64_MAX, producer, topic);
        SeededChooser chooser{3};
        Watch watch;
        run_until(world, chooser, &watch, seconds(4));
        const TopicPartition tp{world.image().topic("t")->id, 0};
        std::vector<std::string> logs;
        std::int64_t batches = 0;
        std::int64_t records = 0;
        for (const int node : {1, 2, 3}) {
            const Partition* p =
                find_partition(std::get<Broker>(world.host(NodeId{node}).node), tp);
            ASSERT_NE(p, nullptr);
            p->log.for_each_batch(Offset{0}, [&](const RecordBatch& batch) {
                EXPECT_EQ(batch.compression(), c.want);
                EXPECT_TRUE(is_intact(batch));
                ++batches;
                Offset offset = batch.base_offset;
                EXPECT_TRUE(for_each_record(batch, [&](const RecordView& record) {
                    EXPECT_EQ(record.offset, offset);
                    EXPECT_EQ(record.uid.value, offset.value);  // one producer, one partition
                    offset = offset + 1;
                    ++records;
                }));
                EXPECT_EQ(offset, batch.next_offset());
            });
        }
        EXPECT_GT(watch.acknowledged, 500);
        EXPECT_GT(watch.polled, 500);
        // Seven records fit into a batch of 1,000 bytes; as they get smaller, more.
        if (c.produced == CompressionType::none) {
            EXPECT_LE(records, 7 * batches);
        } else {
            EXPECT_GT(records, 7 * batches);
        }
    }
}

}  // namespace
}  // namespace tribunal
