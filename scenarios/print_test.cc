// Any scenario loads from its printed text as it was; whatever is done to a scenario's file, it
// loads or fails with one line.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "scenarios/admin_operations.h"
#include "scenarios/config_table.h"
#include "scenarios/json_place.h"
#include "scenarios/scenario.h"
#include "scenarios/targets.h"

namespace tribunal {
namespace {

Scenario parsed(const std::string& text, const std::string& folder = "") {
    return parse_scenario(text, "t.json", folder);
}

// File, pointers, texts and warnings are about a file, not about what it says.
Scenario without_origin(Scenario scenario) {
    scenario.file.clear();
    scenario.warnings.clear();
    for (FaultSpec& fault : scenario.faults) fault.text = fault.pointer = "";
    for (Expectation& expectation : scenario.expect) expectation.pointer.clear();
    return scenario;
}

template <class T>
T between(T low, T high) {  // both included
    return static_cast<T>(*rc::gen::inRange<std::int64_t>(static_cast<std::int64_t>(low),
                                                          static_cast<std::int64_t>(high) + 1));
}
bool coin() { return *rc::gen::arbitrary<bool>(); }
Duration some_duration(Duration most) {
    const std::int64_t unit = *rc::gen::element<std::int64_t>(1, 1'000, 1'000'000, 1'000'000'000);
    return Duration{between<std::int64_t>(1, std::max<std::int64_t>(1, most.value / unit)) * unit};
}
Instant some_instant(const Scenario& s) {
    return Instant{std::min(between<std::int64_t>(0, s.run_for.value), s.run_for.value)};
}

// Some of the modelled settings of a scope, with values of their ranges.
Settings some_settings(ConfigScope scope, const Edition& edition, Settings settings) {
    for (const auto table : settings_of(scope)) {
        for (const Setting& setting : table) {
            if (setting.binding.get == nullptr || !acts_in(setting, edition)) continue;
            if (between(0, 3) != 0 || setting.name == "offsets.topic.replication.factor") continue;
            if (setting.name == "enable.idempotence") continue;  // contradicts most of the others
            std::string value = setting.binding.get(settings);
            if (setting.type == SettingType::boolean) {
                value = coin() ? "true" : "false";
            } else if (setting.type == SettingType::floating) {
                value = "0.25";
            } else if (setting.type == SettingType::list) {
                value = *rc::gen::element<std::string>("delete", "compact", "compact,delete");
            } else if (setting.name == "log.cleaner.dedupe.buffer.size") {
                value = std::to_string(between<std::int64_t>(2 << 20, 4 << 20));
            } else if (setting.type != SettingType::string &&
                       setting.type != SettingType::class_name) {
                value = std::to_string(std::clamp<std::int64_t>(
                    between<std::int64_t>(1024, 1'000'000), setting.range.low, setting.range.high));
            } else if (setting.name == "acks") {
                value = *rc::gen::element<std::string>("0", "1", "all");
            } else if (setting.name == "auto.offset.reset") {
                value = *rc::gen::element<std::string>("earliest", "none");
            }
            apply_setting(scope, edition, setting.name, value, settings);
        }
    }
    std::vector<std::string> warnings;
    try {
        complete_settings(scope, edition, settings, warnings);
    } catch (const ConfigError&) {
        RC_DISCARD("Kafka refuses the combination");
    }
    return settings;
}

TopicSpec some_topic(const Scenario& s, const Edition& edition, const std::string& name) {
    TopicSpec topic;
    topic.name = name;
    topic.partitions = between(1, 4);
    topic.replication_factor =
        between<std::int16_t>(1, static_cast<std::int16_t>(s.cluster.brokers));
    Settings settings = default_settings(edition);
    settings.topic = s.cluster.topic_defaults;
    topic.config = some_settings(ConfigScope::topic, edition, settings).topic;
    if (coin()) {
        for (std::int32_t p = 0; p < topic.partitions; ++p) {
            std::vector<NodeId> replicas;
            for (std::int32_t r = 0; r < topic.replication_factor; ++r) {
                replicas.push_back(broker_id((p + r) % s.cluster.brokers + 1));
            }
            topic.assignment.push_back(replicas);
        }
    }
    return topic;
}

std::string some_bytes() { return *rc::gen::arbitrary<std::string>(); }
std::optional<std::string> maybe_bytes() {
    if (coin()) return std::nullopt;
    return some_bytes();
}

ProducerSpec some_producer(const Scenario& s, const Edition& edition, const std::string& name) {
    ProducerSpec producer;
    producer.name = name;
    const TopicSpec& topic = *rc::gen::elementOf(s.topics);
    producer.topic = topic.name;
    producer.config =
        some_settings(ConfigScope::producer, edition, default_settings(edition)).producer;
    producer.key_serializer = static_cast<Serde>(between(0, 4));
    producer.value_serializer = static_cast<Serde>(between(0, 4));
    LoadSpec& load = producer.load;
    load.interval = some_duration(seconds(100));
    if (coin()) load.partition = between(0, topic.partitions - 1);
    load.start = some_instant(s);
    load.await = coin();
    if (coin()) {
        load.records = static_cast<std::uint64_t>(between<std::int64_t>(0, 1'000'000));
        load.value_size = between(0, 100'000);
        load.keys = static_cast<std::uint64_t>(between<std::int64_t>(0, 100));
        return producer;
    }
    for (int i = between(1, 3); i > 0; --i) {
        Record record;
        record.key = maybe_bytes();
        record.value = maybe_bytes();
        for (int k = between(0, 2); k > 0; --k)
            record.headers.push_back({some_bytes(), maybe_bytes()});
        load.lines.push_back(record);
    }
    load.records = load.lines.size();
    return producer;
}

ConsumerSpec some_consumer(const Scenario& s, const Edition& edition, const std::string& name) {
    ConsumerSpec consumer;
    consumer.name = name;
    if (coin()) consumer.group = "g-" + std::to_string(between(1, 2));
    consumer.config =
        some_settings(ConfigScope::consumer, edition, default_settings(edition)).consumer;
    if (consumer.group.empty()) consumer.config.enable_auto_commit = true;
    const TopicSpec& topic = *rc::gen::elementOf(s.topics);
    const std::int32_t partition = between(0, topic.partitions - 1);
    if (coin()) {
        consumer.topics.push_back(topic.name);
    } else {
        consumer.assignment.emplace_back(topic.name, partition);
    }
    consumer.from_beginning = coin();
    consumer.start = some_instant(s);
    consumer.key_deserializer = static_cast<Serde>(between(0, 4));
    for (int i = between(0, 2); i > 0; --i) {
        SeekSpec seek;
        seek.at = some_instant(s);
        seek.topic = topic.name;
        seek.partition = partition;
        const int where = between(0, 2);
        if (where == 0) seek.offset = Offset{between<std::int64_t>(0, 1000)};
        seek.to_beginning = where == 1;
        seek.to_end = where == 2;
        consumer.seeks.push_back(seek);
    }
    return consumer;
}

std::vector<NodeId> some_replicas(const Scenario& s) {
    std::vector<NodeId> replicas;
    for (std::int32_t i = between(0, s.cluster.brokers - 1); i >= 0; --i) {
        replicas.push_back(broker_id(i + 1));
    }
    return replicas;
}

IncrementalAlterConfigsRequest some_alteration(const Scenario& s, const Edition& edition,
                                               const std::string& topic) {
    Settings now;
    now.topic = s.cluster.topic_defaults;
    const Settings then = some_settings(ConfigScope::topic, edition, now);
    TopicFields altered = ~equal_fields(now.topic, then.topic) & equal_fields({}, {});
    // One setting, cleanup.policy, sets two fields.
    TopicConfig other;
    other.cleanup_compact = !other.cleanup_compact;
    other.cleanup_delete = !other.cleanup_delete;
    const TopicFields cleanup = ~equal_fields({}, other) & equal_fields({}, {});
    if ((altered & cleanup) != 0) altered |= cleanup;
    return {topic, with_fields({}, then.topic, altered), altered};
}

// Any operation that this edition has.
AdminStep some_step(const Scenario& s, const Edition& edition) {
    AdminStep step;
    step.at = some_instant(s);
    const auto all = all_admin_operations();
    const AdminOperation& operation = all[between<std::size_t>(0, all.size() - 1)];
    if (!is_since(edition, operation.since)) return step;
    step.op = operation.op;
    const TopicSpec& topic = *rc::gen::elementOf(s.topics);
    const NamedPartition partition{topic.name, between(0, topic.partitions - 1)};
    switch (step.op) {
        case AdminOp::create_topic:
            step.topic = some_topic(s, edition, "later");
            break;
        case AdminOp::delete_topic:
        case AdminOp::describe_topic:
            step.topic.name = topic.name;
            break;
        case AdminOp::list_topics:
        case AdminOp::list_partition_reassignments:
            break;
        case AdminOp::create_partitions: {
            CreatePartitionsRequest request{topic.name, between(1, 9), {}};
            if (coin()) request.assignment = {some_replicas(s), some_replicas(s)};
            step.change = request;
            break;
        }
        case AdminOp::alter_partition_reassignments: {
            AlterPartitionReassignmentsRequest request;
            request.partitions.push_back({partition, std::nullopt});
            if (coin()) request.partitions.front().replicas = some_replicas(s);
            request.allow_replication_factor_change = !is_since(edition, "4.1") || coin();
            step.change = request;
            break;
        }
        case AdminOp::elect_leaders: {
            ElectLeadersRequest request;
            if (is_since(edition, "2.4") && coin()) request.type = ElectionType::unclean;
            if (coin()) request.partitions = {partition};
            step.change = request;
            break;
        }
        case AdminOp::alter_configs:
            step.change = some_alteration(s, edition, topic.name);
            break;
        case AdminOp::update_features: {
            const auto type = static_cast<UpgradeType>(between(0, 2));
            UpdateFeaturesRequest request;
            request.updates.push_back(
                {Feature::metadata_version, between<std::int16_t>(1, 27), type});
            if (coin()) {
                request.updates.push_back(
                    {Feature::transaction_version, between<std::int16_t>(0, 2), type});
            }
            request.validate_only = coin();
            step.change = request;
            break;
        }
        case AdminOp::unregister_broker:
            step.change = UnregisterBrokerRequest{broker_id(between(1, s.cluster.brokers))};
            break;
        case AdminOp::delete_records:
            step.change = std::vector<RecordDeletion>{
                {partition, Offset{between<std::int64_t>(-1, 1'000'000)}}};
            break;
        case AdminOp::add_raft_voter:
        case AdminOp::remove_raft_voter:
            step.change = VoterSpec{s.cluster.controller(between(0, s.cluster.controllers - 1)),
                                    between<std::int64_t>(1, 3)};
            break;
    }
    return step;
}

Target some_target(const Scenario& s, bool may_be_client) {
    Target target;
    target.kind = static_cast<TargetKind>(
        between(static_cast<int>(TargetKind::node), static_cast<int>(TargetKind::clients)));
    const bool is_about_clients = target.kind == TargetKind::clients;
    const bool has_no_group =
        target.kind == TargetKind::coordinator && topology_of(s).groups.empty();
    const bool has_no_rack = target.kind == TargetKind::rack && topology_of(s).racks.empty();
    if (has_no_group || has_no_rack || (is_about_clients && !may_be_client))
        target.kind = TargetKind::brokers;
    if (target.kind == TargetKind::node) {
        target.node = broker_id(between(1, s.cluster.brokers));
        if (may_be_client && !s.clients.empty() && coin()) {
            target.node = client_id(between<std::size_t>(0, s.clients.size() - 1));
        } else if (coin()) {
            target.node = s.cluster.controller(between(0, s.cluster.controllers - 1));
        }
    } else if (target.kind == TargetKind::coordinator) {
        target.topic = topology_of(s).groups.front();
    } else if (target.kind == TargetKind::rack) {
        target.topic = topology_of(s).racks.front();
    } else if (target.kind >= TargetKind::leader && target.kind <= TargetKind::out_of_sync) {
        const TopicSpec& topic = *rc::gen::elementOf(s.topics);
        target.topic = topic.name;
        target.partition = between(0, topic.partitions - 1);
    }
    return target;
}

// The settings that somebody has set are set under the other edition, too.
Software some_software(const Scenario& s, const Edition& from) {
    const auto index = static_cast<std::size_t>(&from - all_editions().data());
    const Edition& to = all_editions()[between(index, all_editions().size() - 1)];
    const Settings usual = default_settings(from);
    Settings old = usual;
    old.broker = s.cluster.config;
    Settings settings = default_settings(to);
    for (const SettingText& set : changed_settings(ConfigScope::server, from, old, usual)) {
        apply_setting(ConfigScope::server, to, set.setting->name, set.value, settings);
    }
    std::vector<std::string> warnings;
    complete_settings(ConfigScope::server, to, settings, warnings);
    return {std::string(to.name), settings.broker};
}

FaultSpec some_fault(const Scenario& s) {
    FaultSpec fault;
    fault.kind = static_cast<FaultKind>(between(0, static_cast<int>(FaultKind::clock_drift)));
    const Edition& edition = *find_edition(s.edition);
    if (fault.kind == FaultKind::upgrade && !is_since(edition, "3.0")) fault.kind = FaultKind::stop;
    const auto is_one_of = [&](std::initializer_list<FaultKind> kinds) {
        return std::find(kinds.begin(), kinds.end(), fault.kind) != kinds.end();
    };
    using enum FaultKind;
    const bool no_client = is_one_of({upgrade, power_loss, wipe, slow_disk, full_disk, disk_error});
    fault.target = some_target(s, !no_client);
    if (fault.kind == upgrade) fault.software = Shared<Software>{some_software(s, edition)};
    if (is_one_of({isolate, cut, heal_link, slow_link, jam, reset})) {
        if (coin()) fault.peer = some_target(s, true);
        if (fault.peer == fault.target) fault.peer = {};
        fault.direction = static_cast<Direction>(between(0, 2));
    }
    if (is_one_of({slow_link, slow_disk})) fault.amount = some_duration(seconds(10));
    if (fault.kind == clock_offset) fault.amount = some_duration(seconds(10)) * (coin() ? 1 : -1);
    if (fault.kind == clock_drift)
        fault.ppm = between<std::int64_t>(1, 500'000) * (coin() ? 1 : -1);
    if (fault.kind == power_loss) {
        fault.keep_percent = between(-1, 100);
        fault.torn_tail = coin();
    }
    if (!is_one_of({restart, upgrade, resume, heal_link, reset}) && coin()) {
        fault.lasts = some_duration(seconds(10));
    }
    fault.at = some_instant(s);
    if (coin() && fault.at < Instant{} + s.run_for) {
        fault.until = Instant{} + s.run_for;
        fault.every = some_duration(seconds(10));
    }
    return fault;
}

Scenario some_scenario() {
    Scenario s;
    const auto editions = all_editions();
    const Edition& edition = editions[between<std::size_t>(0, editions.size() - 1)];
    s.name = "generated";
    s.edition = edition.name;
    s.seed = *rc::gen::arbitrary<std::uint64_t>();
    s.run_for = some_duration(seconds(1000));
    s.heal_for = some_duration(seconds(1000));
    s.cluster.brokers = between(1, 5);
    s.cluster.controllers = 2 * between(0, 2) + 1;
    s.cluster.combined = s.cluster.controllers <= s.cluster.brokers && coin();
    for (int i = coin() ? s.cluster.brokers : 0; i > 0; --i) {
        s.cluster.racks.push_back(coin() ? "east" : "west");
    }
    const Settings server = some_settings(ConfigScope::server, edition, default_settings(edition));
    s.cluster.config = server.broker;
    s.cluster.config.offsets_topic_replication_factor =
        static_cast<std::int16_t>(std::min(3, s.cluster.brokers));
    s.cluster.topic_defaults = server.topic;
    const int topics = between(1, 3);
    for (int i = 0; i < topics; ++i) {
        s.topics.push_back(some_topic(s, edition, "t-" + std::to_string(i)));
    }
    const int clients = between(0, 4);
    for (int i = 0; i < clients; ++i) {
        const std::string name = "client" + std::to_string(i);
        switch (between(0, 2)) {
            case 0:
                s.clients.emplace_back(some_producer(s, edition, name));
                break;
            case 1:
                s.clients.emplace_back(some_consumer(s, edition, name));
                break;
            default: {
                AdminSpec admin;
                admin.name = name;
                for (int step = between(1, 5); step > 0; --step) {
                    admin.steps.push_back(some_step(s, edition));
                }
                s.clients.emplace_back(admin);
            }
        }
    }
    for (int i = between(0, 6); i > 0; --i) s.faults.push_back(some_fault(s));
    if (coin()) {
        s.world.network.min = some_duration(seconds(1));
        s.world.network.mean = s.world.network.min + some_duration(seconds(1));
        s.world.bandwidth = between<std::int64_t>(0, 1'000'000);
        s.world.writeback_age = some_duration(seconds(100));
        s.world.restart_time = some_duration(seconds(100));
    }
    if (coin()) s.expect.push_back({"D1", static_cast<Expected>(between(0, 5)), ""});
    return s;
}

RC_GTEST_PROP(PrintScenario, gives_what_loads_to_the_same, ()) {
    const Scenario s = some_scenario();
    const std::string text = to_json_text(s);
    RC_LOG(text);
    Scenario again = without_origin(parsed(text));
    RC_ASSERT(again.cluster == s.cluster);
    RC_ASSERT(again.topics == s.topics);
    RC_ASSERT(again.clients == s.clients);
    RC_ASSERT(again.faults == s.faults);
    RC_ASSERT(again == s);
    RC_ASSERT(to_json_text(again) == text);
}

std::string every_key() {
    std::ifstream file(std::string(TRIBUNAL_SOURCE_DIR) + "/scenarios/every_key.json");
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

// Every pointer of a document, to put something else there.
void collect(const Json& value, const Json::json_pointer& here,
             std::vector<Json::json_pointer>& places) {
    places.push_back(here);
    if (value.is_object()) {
        for (const auto& [key, member] : value.items()) collect(member, here / key, places);
    } else if (value.is_array()) {
        for (std::size_t i = 0; i < value.size(); ++i) collect(value[i], here / i, places);
    }
}

RC_GTEST_PROP(DamagedScenario, loads_or_fails_with_one_line_whatever_is_changed, ()) {
    Json document = Json::parse(every_key());
    for (int i = between(1, 3); i > 0; --i) {
        std::vector<Json::json_pointer> places;
        collect(document, Json::json_pointer(), places);
        const auto place = *rc::gen::elementOf(places);
        static const std::vector<Json> things = {nullptr,
                                                 true,
                                                 -1,
                                                 0,
                                                 UINT64_MAX,
                                                 1.5,
                                                 1e300,
                                                 "",
                                                 "x",
                                                 "1s",
                                                 "-1s",
                                                 "9e9h",
                                                 "orders-0",
                                                 "leader(",
                                                 "broker 0",
                                                 "client()",
                                                 "100%",
                                                 Json::array(),
                                                 Json::object(),
                                                 Json::parse(R"([["x"]])"),
                                                 Json::parse(R"({"a": {"b": []}})"),
                                                 std::string(3000, 'y'),
                                                 "controller",
                                                 "/",
                                                 "\n\t\x01"};
        document[place] = *rc::gen::elementOf(things);
    }
    const std::string text = document.dump();
    try {
        const Scenario s = parsed(text);
        RC_ASSERT(without_origin(parsed(to_json_text(s))) == without_origin(s));
    } catch (const ScenarioError& error) {
        const std::string message = error.what();
        RC_ASSERT(message.starts_with("t.json: "));
        RC_ASSERT(message.find('\n') == std::string::npos);
        RC_ASSERT(message.find("match the schema") == std::string::npos);
    }
}

RC_GTEST_PROP(DamagedScenario, loads_or_fails_with_one_line_whatever_is_cut, ()) {
    std::string text = every_key();
    const auto at = between<std::size_t>(0, text.size() - 1);
    if (coin()) {
        text.resize(at);
    } else {
        text[at] = *rc::gen::arbitrary<char>();
    }
    try {
        parsed(text);
    } catch (const ScenarioError& error) {
        RC_ASSERT(std::string(error.what()).find('\n') == std::string::npos);
    }
}

}  // namespace
}  // namespace tribunal
