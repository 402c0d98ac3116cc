// What a producer sends: generated records at a rate, or the records of a file of lines, as
// kafka-console-producer reads it, or lines that stand in the scenario itself.
#include <fmt/format.h>

#include "scenarios/console_lines.h"
#include "scenarios/reading.h"
#include "scenarios/units.h"

namespace tribunal {
namespace {

// Of kafka-console-producer's reader, by their own names.
constexpr std::array<std::string_view, 8> kReaderOptions = {
    "parse.key",         "key.separator",         "parse.headers", "headers.delimiter",
    "headers.separator", "headers.key.separator", "null.marker",   "ignore.error"};

std::vector<Record> records_of_file(const Reading& reading, const Place& place,
                                    const ConsoleLineOptions& options) {
    const std::string name = place.text();
    const std::string bytes = read_named_file(reading, place, name);
    std::vector<Record> records;
    try {
        for (ConsoleRecord& line : parse_console_lines(bytes, options, name)) {
            Record record;
            record.key = std::move(line.key);
            record.value = std::move(line.value);
            for (ConsoleHeader& header : line.headers) {
                record.headers.push_back({std::move(header.key), std::move(header.value)});
            }
            records.push_back(std::move(record));
        }
    } catch (const ConsoleLinesError& error) {
        place.fail(error.what());
    }
    if (records.empty()) place.fail(name + ": has no line");
    return records;
}

ConsoleLineOptions read_reader_options(const Place& place) {
    std::vector<std::pair<std::string, std::string>> named;
    for (const std::string_view name : kReaderOptions) {
        const auto option = place.find(std::string(name));
        if (!option) continue;
        const Json& value = option->value();
        if (!value.is_boolean() && !value.is_string()) {
            option->fail_expected("a string, true or false");
        }
        named.emplace_back(name, value.is_boolean() ? value.dump() : value.get<std::string>());
    }
    if (!named.empty() && !place.has("file")) {
        place.member(named.front().first).fail("is for a file of lines, and there is no 'file'");
    }
    try {
        return console_line_options(named);
    } catch (const ConsoleLinesError& error) {
        place.fail(error.what());
    }
}

// A string, null, or {"base64": "..."} for bytes that are no text.
std::optional<std::string> read_bytes(const Place& place) {
    const Json& value = place.value();
    if (value.is_null()) return std::nullopt;
    if (value.is_string()) return value.get<std::string>();
    constexpr std::string_view kExpected = R"(a string, null or {"base64": "..."})";
    if (!value.is_object()) place.fail_expected(std::string(kExpected));
    place.check_keys({"base64"});
    const Place base64 = place.member("base64");
    if (!base64.value().is_string()) base64.fail_expected("a string");
    auto bytes = from_base64(base64.value().get<std::string>());
    if (!bytes) base64.fail_expected("base64 with padding");
    return bytes;
}

Record read_line(const Place& place) {
    Record record;
    if (!place.value().is_object() || place.has("base64")) {
        record.value = read_bytes(place);
        return record;
    }
    place.check_keys({"key", "value", "headers"});
    if (const auto key = place.find("key")) record.key = read_bytes(*key);
    if (const auto value = place.find("value")) record.value = read_bytes(*value);
    if (const auto headers = place.find("headers")) {
        for (const Place& header : headers->elements()) {
            header.check_keys({"key", "value"});
            const auto name = read_bytes(header.member("key"));
            if (!name) header.member("key").fail_expected("a string");
            const auto value = header.find("value");
            record.headers.push_back({*name, value ? read_bytes(*value) : std::nullopt});
        }
    }
    return record;
}

Duration read_interval(const Place& place) {
    const auto rate = place.find("rate");
    const auto interval = place.find("interval");
    if (rate && interval) interval->fail("stands beside 'rate'; one of them is enough");
    if (interval) return interval->positive_duration();
    if (!rate) return LoadSpec{}.interval;
    constexpr std::string_view kExpected = R"(a rate such as "100/s" or "10/m")";
    if (!rate->value().is_string()) rate->fail_expected(std::string(kExpected));
    const auto parsed = parse_rate(rate->value().get<std::string>());
    if (!parsed) rate->fail_expected(std::string(kExpected));
    return *parsed;
}

std::uint64_t count_of(const Place& place) {
    return static_cast<std::uint64_t>(place.integer(0, INT64_MAX));
}

void refuse_generated(const Place& place, std::string_view with) {
    for (const std::string_view key : {"records", "value.size", "keys"}) {
        if (const auto found = place.find(std::string(key))) {
            found->fail(fmt::format("is for generated records, and '{}' gives them", with));
        }
    }
}

}  // namespace

LoadSpec read_load(Reading& reading, const Place& place, const std::string& topic) {
    LoadSpec load;
    if (place.value().is_string()) {
        load.lines = records_of_file(reading, place, {});
        load.records = load.lines.size();
        return load;
    }
    if (!place.value().is_object()) {
        place.fail_expected("an object, or the name of a file of lines");
    }
    place.check_keys({"records", "rate", "interval", "value.size", "keys", "partition", "start",
                      "sync", "lines", "file", "parse.key", "key.separator", "parse.headers",
                      "headers.delimiter", "headers.separator", "headers.key.separator",
                      "null.marker", "ignore.error"});
    load.interval = read_interval(place);
    if (const auto records = place.find("records")) load.records = count_of(*records);
    if (const auto size = place.find("value.size")) {
        if (size->size() > INT32_MAX) size->fail_expected("at most 2147483647 bytes");
        load.value_size = static_cast<std::int32_t>(size->size());
    }
    if (const auto keys = place.find("keys")) load.keys = count_of(*keys);
    if (const auto start = place.find("start")) load.start = read_start(reading, *start);
    if (const auto sync = place.find("sync")) load.await = sync->truth();
    if (const auto partition = place.find("partition")) {
        const auto number = partition->integer(0, INT32_MAX);
        try {
            load.partition =
                parse_topic_partition(fmt::format("{}-{}", topic, number), reading.topology).second;
        } catch (const TargetError& error) {
            partition->fail(error.what());
        }
    }
    const ConsoleLineOptions options = read_reader_options(place);
    if (const auto file = place.find("file")) {
        if (const auto lines = place.find("lines")) lines->fail("stands beside 'file'");
        refuse_generated(place, "file");
        load.lines = records_of_file(reading, *file, options);
    } else if (const auto lines = place.find("lines")) {
        refuse_generated(place, "lines");
        for (const Place& line : lines->elements()) load.lines.push_back(read_line(line));
        if (load.lines.empty()) lines->fail_expected("at least one line");
    }
    if (!load.lines.empty()) load.records = load.lines.size();
    return load;
}

}  // namespace tribunal
