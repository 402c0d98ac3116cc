// A scenario as JSON text: what the shrinker saves and what `tribunal` shows. Everything that a
// file of settings or of lines said is written out; what equals the default is left out.
#include <fmt/format.h>

#include <array>

#include "broker/base/check.h"
#include "properties/property.h"
#include "scenarios/admin_operations.h"
#include "scenarios/config_table.h"
#include "scenarios/print_parts.h"
#include "scenarios/scenario.h"
#include "scenarios/targets.h"
#include "scenarios/units.h"

namespace tribunal {
namespace {

// Short things on one line, the rest one member a line.
constexpr std::size_t kColumns = 100;
std::string on_one_line(const Json& value) {
    if (!value.is_structured() || value.empty()) {
        return value.dump(-1, ' ', false, Json::error_handler_t::replace);
    }
    std::string text = value.is_object() ? "{ " : "[";
    bool is_first = true;
    for (const auto& [key, member] : value.items()) {
        if (!is_first) text += ", ";
        is_first = false;
        if (value.is_object()) text += on_one_line(Json(key)) + ": ";
        text += on_one_line(member);
    }
    return text + (value.is_object() ? " }" : "]");
}

std::string pretty(const Json& value, std::size_t indent, std::size_t used) {
    std::string line = on_one_line(value);
    const bool fits = used + line.size() < kColumns && indent > 0;
    if (fits || !value.is_structured() || value.empty()) return line;
    std::string text = value.is_object() ? "{" : "[";
    const std::string margin = "\n" + std::string(indent + 2, ' ');
    bool is_first = true;
    for (const auto& [key, member] : value.items()) {
        text += (is_first ? "" : ",") + margin;
        is_first = false;
        const std::string name = value.is_object() ? on_one_line(Json(key)) + ": " : "";
        text += name + pretty(member, indent + 2, indent + 2 + name.size());
    }
    return text + "\n" + std::string(indent, ' ') + (value.is_object() ? "}" : "]");
}

std::string text_of(Instant at) { return to_text(at - Instant{0}); }

// Adds "config" when something differs from the defaults.
void put_config(Json& object, ConfigScope scope, const Edition& edition, const Settings& settings,
                const Settings& defaults) {
    Json config = Json::object();
    for (const SettingText& setting : changed_settings(scope, edition, settings, defaults)) {
        config[std::string(setting.setting->name)] = json_of(setting);
    }
    if (!config.empty()) object["config"] = std::move(config);
}

struct Printer {
    const Scenario& scenario;
    const Edition& edition;
    Settings defaults;
    Topology topology;

    Json cluster() const {
        Json json = Json::object();
        json["brokers"] = scenario.cluster.brokers;
        json["controllers"] = scenario.cluster.controllers;
        if (scenario.cluster.combined) json["combined"] = true;
        if (!scenario.cluster.racks.empty()) json["racks"] = scenario.cluster.racks;
        Settings settings = defaults;
        settings.broker = scenario.cluster.config;
        settings.topic = scenario.cluster.topic_defaults;
        put_config(json, ConfigScope::server, edition, settings, defaults);
        put_settings_that_stay(json);
        return json;
    }

    // A setting with the value that is the default anyway differs from it after an upgrade.
    void put_settings_that_stay(Json& json) const {
        for (const FaultSpec& fault : scenario.faults) {
            if (!fault.software) continue;
            const Edition& newer = *find_edition((*fault.software)->name);
            const Settings usual = default_settings(newer);
            Settings settings = usual;
            settings.broker = (*fault.software)->config;
            for (const SettingText& setting :
                 changed_settings(ConfigScope::server, newer, settings, usual)) {
                const std::string name(setting.setting->name);
                if (!json["config"].contains(name)) json["config"][name] = tribunal::json_of(setting);
            }
        }
        if (json.contains("config") && json["config"].is_null()) json.erase("config");
    }

    Json topic(const TopicSpec& topic) const {
        Json json = Json::object();
        json["name"] = topic.name;
        json["partitions"] = topic.partitions;
        json["replication.factor"] = topic.replication_factor;
        Settings inherited = defaults;
        inherited.topic = scenario.cluster.topic_defaults;
        Settings settings = inherited;
        settings.topic = topic.config;
        put_config(json, ConfigScope::topic, edition, settings, inherited);
        for (const auto& replicas : topic.assignment) {
            json["assignment"].push_back(tribunal::json_of(replicas));
        }
        return json;
    }

    Json client(const ProducerSpec& producer) const {
        Json json = Json::object();
        json["producer"] = producer.name;
        json["topic"] = producer.topic;
        Settings settings = defaults;
        settings.producer = producer.config;
        put_config(json, ConfigScope::producer, edition, settings, defaults);
        put_serde(json, "key.serializer", producer.key_serializer);
        put_serde(json, "value.serializer", producer.value_serializer);
        Json load = json_of(producer.load);
        if (!load.empty()) json["load"] = std::move(load);
        return json;
    }

    Json client(const ConsumerSpec& consumer) const {
        Json json = Json::object();
        json["consumer"] = consumer.name;
        if (!consumer.group.empty()) json["group"] = consumer.group;
        if (!consumer.topics.empty()) json["topics"] = consumer.topics;
        for (const auto& [topic, partition] : consumer.assignment) {
            json["assignment"].push_back(fmt::format("{}-{}", topic, partition));
        }
        Settings settings = defaults;
        settings.consumer = consumer.config;
        put_config(json, ConfigScope::consumer, edition, settings, defaults);
        put_serde(json, "key.deserializer", consumer.key_deserializer);
        put_serde(json, "value.deserializer", consumer.value_deserializer);
        if (consumer.from_beginning) json["from_beginning"] = true;
        if (consumer.start != Instant{0}) json["start"] = text_of(consumer.start);
        for (const SeekSpec& seek : consumer.seeks) {
            Json entry = Json::object();
            entry["at"] = text_of(seek.at);
            entry["partition"] = fmt::format("{}-{}", seek.topic, seek.partition);
            if (seek.offset) {
                entry["offset"] = seek.offset->value;
            } else {
                entry["offset"] = seek.to_beginning ? "beginning" : "end";
            }
            json["seek"].push_back(std::move(entry));
        }
        return json;
    }

    Json client(const AdminSpec& admin) const {
        Json json = Json::object();
        json["admin"] = admin.name;
        json["steps"] = Json::array();
        for (const AdminStep& step : admin.steps) {
            Json entry = Json::object();
            entry["at"] = text_of(step.at);
            entry[std::string(operation_of(step.op).key)] =
                step.op == AdminOp::create_topic ? topic(step.topic) : change_of(step, edition);
            json["steps"].push_back(std::move(entry));
        }
        return json;
    }

    Json fault(const FaultSpec& fault) const {
        Json json = Json::object();
        if (fault.every.value != 0) {
            json["between"] = {text_of(fault.at), text_of(fault.until)};
            json["every"] = to_text(fault.every);
        } else {
            json["at"] = text_of(fault.at);
        }
        const std::string kind(name_of(fault.kind));
        const std::string target = to_text(fault.target, topology);
        const bool has_peer = fault.peer.kind != TargetKind::none;
        if (has_peer && fault.kind != FaultKind::isolate) {
            json[kind] = {target, to_text(fault.peer, topology)};
        } else {
            json[kind] = target;
            if (has_peer) json["from"] = to_text(fault.peer, topology);
        }
        if (fault.direction == Direction::from_target) json["direction"] = "from";
        if (fault.direction == Direction::to_target) json["direction"] = "to";
        if (fault.amount.value != 0) {
            json[fault.kind == FaultKind::clock_offset ? "by" : "latency"] = to_text(fault.amount);
        }
        if (fault.ppm != 0) json["ppm"] = fault.ppm;
        if (fault.lasts.value != 0) json["for"] = to_text(fault.lasts);
        if (fault.keep_percent >= 0) json["keep"] = fmt::format("{}%", fault.keep_percent);
        if (fault.torn_tail) json["torn"] = true;
        if (fault.software) json["to"] = (*fault.software)->name;
        return json;
    }

    static void put_serde(Json& json, const std::string& key, Serde serde) {
        if (serde != Serde::string) json[key] = std::string(to_string(serde));
    }

    static Json json_of(const std::optional<std::string>& bytes) {
        if (!bytes) return nullptr;
        if (utf8_prefix(*bytes) == bytes->size()) return *bytes;
        Json json = Json::object();
        json["base64"] = to_base64(*bytes);
        return json;
    }

    static Json json_of(const Record& line) {
        if (!line.key && line.headers.empty()) return json_of(line.value);
        Json json = Json::object();
        if (line.key) json["key"] = json_of(line.key);
        json["value"] = json_of(line.value);
        for (const Header& header : line.headers) {
            Json entry = Json::object();
            entry["key"] = json_of(std::optional(header.key));
            entry["value"] = json_of(header.value);
            json["headers"].push_back(std::move(entry));
        }
        return json;
    }

    static Json json_of(const LoadSpec& load) {
        const LoadSpec usual;
        Json json = Json::object();
        if (load.lines.empty()) {
            if (load.records != usual.records) json["records"] = load.records;
            if (load.value_size != usual.value_size) json["value.size"] = load.value_size;
            if (load.keys != usual.keys) json["keys"] = load.keys;
        }
        if (load.interval != usual.interval) {
            if (const auto rate = rate_text(load.interval)) {
                json["rate"] = *rate;
            } else {
                json["interval"] = to_text(load.interval);
            }
        }
        if (load.partition) json["partition"] = *load.partition;
        if (load.start != usual.start) json["start"] = text_of(load.start);
        if (load.await) json["sync"] = true;
        for (const Record& line : load.lines) json["lines"].push_back(json_of(line));
        return json;
    }
};

Json json_of(const LatencyModel& latency) {
    Json json = Json::object();
    json["min"] = to_text(latency.min);
    json["mean"] = to_text(latency.mean);
    return json;
}

Json json_of(const WorldOptions& world) {
    Json json = Json::object();
    json["network"] = json_of(world.network);
    json["network"]["bandwidth"] = world.bandwidth;
    json["disk"]["write"] = json_of(world.disk_write);
    json["disk"]["sync"] = json_of(world.disk_sync);
    json["disk"]["writeback"] = to_text(world.writeback_age);
    json["restart"] = to_text(world.restart_time);
    return json;
}

Json json_of(const std::vector<Expectation>& expectations) {
    constexpr std::array<std::string_view, 6> kWords = {"found", "absent",  "pass",
                                                        "fail",  "allowed", "vacuous"};
    Json json = Json::object();
    for (const Expectation& expectation : expectations) {
        const Property* property = find_property(expectation.property);
        const std::string name(property != nullptr ? property->name : expectation.property);
        json[name] = std::string(kWords[static_cast<std::size_t>(expectation.expected)]);
    }
    return json;
}

}  // namespace

std::string to_json_text(const Scenario& scenario) {
    const Edition* edition = find_edition(scenario.edition);
    CHECK(edition != nullptr);
    const Printer printer{scenario, *edition, default_settings(*edition), topology_of(scenario)};
    Json json = Json::object();
    json["name"] = scenario.name;
    if (!scenario.description.empty()) json["description"] = scenario.description;
    json["kafka"] = scenario.edition;
    json["seed"] = scenario.seed;
    json["cluster"] = printer.cluster();
    for (const TopicSpec& topic : scenario.topics) json["topics"].push_back(printer.topic(topic));
    for (const ClientSpec& client : scenario.clients) {
        json["clients"].push_back(
            std::visit([&](const auto& spec) { return printer.client(spec); }, client));
    }
    for (const FaultSpec& fault : scenario.faults) json["faults"].push_back(printer.fault(fault));
    if (!(scenario.world == WorldOptions{})) json["world"] = json_of(scenario.world);
    json["run"]["for"] = to_text(scenario.run_for);
    json["run"]["heal"] = to_text(scenario.heal_for);
    if (scenario.check) {
        const SmallWorldBounds& bounds = scenario.check->bounds;
        json["check"] = Json::object();
        const auto bound = [&](const char* name, std::int32_t value) {
            if (value != 0) json["check"][name] = value;
        };
        if (const auto& quorum = scenario.check->quorum) {
            json["check"]["world"] = "quorum";
            json["check"]["voters"] = quorum->voters;
            bound("observers", quorum->observers);
            json["check"]["appends"] = quorum->bounds.appends;
            bound("crashes", quorum->bounds.crashes);
            bound("power_losses", quorum->bounds.power_losses);
            bound("losses", quorum->bounds.losses);
            json["check"]["epochs"] = quorum->bounds.epochs;
            bound("voter_changes", quorum->bounds.voter_changes);
            bound("snapshots", quorum->bounds.snapshots);
        } else {
            bound("crashes", bounds.crashes);
            bound("power_losses", bounds.power_losses);
            bound("losses", bounds.losses);
            bound("timers", bounds.timers);
            bound("epochs", bounds.epochs);
            bound("elections", bounds.elections);
        }
        if (!scenario.check->schedule.empty()) {
            json["check"]["schedule"] = scenario.check->schedule;
        }
    }
    if (!scenario.expect.empty()) json["expect"] = json_of(scenario.expect);
    if (!scenario.without_effect.empty()) json["without_effect"] = scenario.without_effect;
    return pretty(json, 0, 0) + "\n";
}

}  // namespace tribunal
