#include "broker/log/checkpoint_files.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace tribunal {
namespace {

constexpr int kVersion = 0;

std::string head(std::size_t entries) {
    return std::to_string(kVersion) + "\n" + std::to_string(entries) + "\n";
}

// The file line by line, and the words of a line.
struct Reader {
    std::string_view rest;
    int line = 0;

    std::optional<std::string_view> next_line() {
        if (rest.empty()) return std::nullopt;
        ++line;
        const std::size_t end = rest.find('\n');
        const std::string_view text = rest.substr(0, end);
        rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
        return text;
    }
    Malformed wrong(std::string_view what) const {
        return {"line " + std::to_string(line) + ": " + std::string(what)};
    }
};

template <class Int>
std::optional<Int> number(std::string_view text) {
    Int value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

// Kafka splits at any run of white space.
std::vector<std::string_view> words(std::string_view text) {
    constexpr std::string_view kSpace = " \t\r";
    std::vector<std::string_view> found;
    while (true) {
        const std::size_t begin = text.find_first_not_of(kSpace);
        if (begin == std::string_view::npos) return found;
        text.remove_prefix(begin);
        const std::size_t end = std::min(text.find_first_of(kSpace), text.size());
        found.push_back(text.substr(0, end));
        text.remove_prefix(end);
    }
}

// Calls take(words) for each entry; it says whether the entry is well-formed.
template <class Take>
std::optional<Malformed> read(std::string_view text, Take&& take) {
    Reader reader{text};
    const auto version = reader.next_line();
    if (!version) return Malformed{"the file is empty"};
    if (number<int>(*version) != kVersion) return reader.wrong("not version 0");
    const auto count_line = reader.next_line();
    const auto count = count_line ? number<std::int64_t>(*count_line) : std::nullopt;
    if (!count || *count < 0) return reader.wrong("not a number of entries");
    std::int64_t entries = 0;
    while (const auto line = reader.next_line()) {
        if (!take(words(*line))) return reader.wrong("not an entry");
        ++entries;
    }
    if (entries != *count) {
        return Malformed{"expected " + std::to_string(*count) + " entries, found " +
                         std::to_string(entries)};
    }
    return std::nullopt;
}

}  // namespace

std::string offset_checkpoint_text(const std::vector<OffsetCheckpointEntry>& entries) {
    std::string text = head(entries.size());
    for (const OffsetCheckpointEntry& entry : entries) {
        text += entry.topic + " " + std::to_string(entry.partition) + " " +
                std::to_string(entry.offset.value) + "\n";
    }
    return text;
}

std::string leader_epoch_checkpoint_text(const LeaderEpochFileCache& cache) {
    std::string text = head(cache.entries.size());
    for (const EpochEntry& entry : cache.entries) {
        text += std::to_string(entry.epoch.value) + " " + std::to_string(entry.start_offset.value) +
                "\n";
    }
    return text;
}

Result<std::vector<OffsetCheckpointEntry>, Malformed> parse_offset_checkpoint(
    std::string_view text) {
    std::vector<OffsetCheckpointEntry> entries;
    const auto problem = read(text, [&](const std::vector<std::string_view>& line) {
        if (line.size() != 3) return false;
        const auto partition = number<std::int32_t>(line[1]);
        const auto offset = number<std::int64_t>(line[2]);
        if (!partition || !offset) return false;
        entries.push_back({std::string(line[0]), *partition, Offset{*offset}});
        return true;
    });
    if (problem) return *problem;
    return entries;
}

Result<LeaderEpochFileCache, Malformed> parse_leader_epoch_checkpoint(std::string_view text) {
    LeaderEpochFileCache cache;
    const auto problem = read(text, [&](const std::vector<std::string_view>& line) {
        if (line.size() != 2) return false;
        const auto epoch = number<std::int32_t>(line[0]);
        const auto offset = number<std::int64_t>(line[1]);
        if (!epoch || !offset || *epoch < 0 || *offset < 0) return false;
        cache.assign(LeaderEpoch{*epoch}, Offset{*offset});
        return true;
    });
    if (problem) return *problem;
    return cache;
}

}  // namespace tribunal
