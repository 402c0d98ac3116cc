// The bytes of a .snapshot file: version (int16), CRC-32C of what follows (uint32), then an array
// of producers, all big-endian (Kafka: ProducerSnapshot.json, version 1).
#include <cstdio>

#include "broker/base/crc32c.h"
#include "broker/log/producer_state.h"

namespace tribunal {
namespace {

constexpr std::int16_t kVersion = 1;
constexpr std::size_t kEntriesAt = 6;
constexpr std::size_t kEntrySize = 8 + 2 + 4 + 8 + 4 + 8 + 4 + 8;

template <class Integer>
void put(std::string& out, Integer value) {
    for (int shift = 8 * (static_cast<int>(sizeof(value)) - 1); shift >= 0; shift -= 8) {
        out += static_cast<char>(static_cast<std::uint64_t>(value) >> shift & 0xff);
    }
}

template <class Integer>
Integer get(std::string_view bytes, std::size_t& at) {
    std::uint64_t bits = 0;
    for (std::size_t i = 0; i < sizeof(Integer); ++i) {
        bits = (bits << 8) | static_cast<unsigned char>(bytes[at++]);
    }
    return static_cast<Integer>(bits);
}

}  // namespace

std::string encode_producer_snapshot(const FlatMap<ProducerId, ProducerEntry>& producers) {
    std::string entries;
    entries.reserve(4 + producers.size() * kEntrySize);
    put(entries, static_cast<std::int32_t>(producers.size()));
    for (const auto& [id, entry] : producers) {
        put(entries, id.value);
        put(entries, entry.epoch);
        put(entries, entry.last_sequence());
        put(entries, entry.last_offset().value);
        put(entries, entry.batches.empty() ? 0 : entry.batches.back().offset_delta);
        put(entries, entry.last_timestamp.value);
        put(entries, entry.coordinator_epoch);
        put(entries, entry.txn_first_offset.value);
    }
    std::string bytes;
    bytes.reserve(kEntriesAt + entries.size());
    put(bytes, kVersion);
    put(bytes, crc32c(entries));
    return bytes + entries;
}

std::optional<FlatMap<ProducerId, ProducerEntry>> decode_producer_snapshot(std::string_view bytes) {
    if (bytes.size() < kEntriesAt + 4) return std::nullopt;
    std::size_t at = 0;
    if (get<std::int16_t>(bytes, at) != kVersion) return std::nullopt;
    if (get<std::uint32_t>(bytes, at) != crc32c(bytes.substr(kEntriesAt))) return std::nullopt;
    const auto count = get<std::int32_t>(bytes, at);
    if (count < 0 || bytes.size() - at != static_cast<std::size_t>(count) * kEntrySize) {
        return std::nullopt;
    }
    FlatMap<ProducerId, ProducerEntry> producers;
    for (std::int32_t i = 0; i < count; ++i) {
        const ProducerId id{get<std::int64_t>(bytes, at)};
        ProducerEntry& entry = producers[id];
        entry.epoch = get<std::int16_t>(bytes, at);
        BatchMetadata last;
        last.last_sequence = get<std::int32_t>(bytes, at);
        last.last_offset = Offset{get<std::int64_t>(bytes, at)};
        last.offset_delta = get<std::int32_t>(bytes, at);
        last.timestamp = Timestamp{get<std::int64_t>(bytes, at)};
        entry.last_timestamp = last.timestamp;
        entry.coordinator_epoch = get<std::int32_t>(bytes, at);
        const Offset txn{get<std::int64_t>(bytes, at)};
        entry.txn_first_offset = txn < Offset{0} ? kNoOffset : txn;
        if (last.last_offset >= Offset{0}) entry.batches.push_back(last);
    }
    return producers;
}

std::string producer_snapshot_file_name(Offset offset) {
    char name[40];
    std::snprintf(name, sizeof name, "%020lld.snapshot", static_cast<long long>(offset.value));
    return name;
}

}  // namespace tribunal
