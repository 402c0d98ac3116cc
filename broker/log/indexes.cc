#include "broker/log/indexes.h"

#include "broker/base/check.h"
#include "broker/base/varint.h"

namespace tribunal {
namespace {

std::int32_t relative(Offset base, Offset offset) {
    CHECK(has_relative_offset(base, offset));
    return static_cast<std::int32_t>(offset.value - base.value);
}

// How many entries stay when all offsets from `offset` on go.
template <class Entries>
std::size_t entries_below(const Entries& entries, Offset base, Offset offset) {
    return entries.partition_point(
        [&](const auto& entry) { return base + entry.relative_offset < offset; });
}

}  // namespace

void OffsetIndex::append(Offset offset, std::int64_t position) {
    CHECK(entries.empty() || offset > last_offset());
    CHECK(position >= 0 && position <= INT32_MAX);
    entries.push_back({relative(base_offset, offset), static_cast<std::int32_t>(position)});
}

OffsetPosition OffsetIndex::lookup(Offset target) const {
    const std::size_t above = entries.partition_point(
        [&](const Entry& entry) { return base_offset + entry.relative_offset <= target; });
    if (above == 0) return {base_offset, 0};
    const Entry& entry = entries[above - 1];
    return {base_offset + entry.relative_offset, entry.position};
}

std::optional<OffsetPosition> OffsetIndex::fetch_upper_bound(OffsetPosition start,
                                                             std::int64_t fetch_size) const {
    const std::int64_t end = start.position + fetch_size;
    const std::size_t at =
        entries.partition_point([&](const Entry& entry) { return entry.position < end; });
    if (at == entries.size()) return std::nullopt;
    return OffsetPosition{base_offset + entries[at].relative_offset, entries[at].position};
}

void OffsetIndex::truncate_to(Offset offset) {
    entries.truncate(entries_below(entries, base_offset, offset));
}

OffsetPosition OffsetIndex::last_entry() const {
    if (entries.empty()) return {base_offset, 0};
    return {base_offset + entries.back().relative_offset, entries.back().position};
}

std::string OffsetIndex::file_bytes() const {
    std::string out;
    for (const Entry& entry : entries) {
        put_big_endian(out, entry.relative_offset);
        put_big_endian(out, entry.position);
    }
    return out;
}

bool TimeIndex::maybe_append(Timestamp timestamp, Offset offset) {
    const TimestampOffset last = last_entry();
    CHECK(entries.empty() || offset >= last.offset);
    CHECK(entries.empty() || timestamp >= last.timestamp);
    if (timestamp <= last.timestamp) return false;
    entries.push_back({timestamp.value, relative(base_offset, offset)});
    return true;
}

TimestampOffset TimeIndex::lookup(Timestamp target) const {
    const std::size_t above = entries.partition_point(
        [&](const Entry& entry) { return entry.timestamp <= target.value; });
    if (above == 0) return {kNoTimestamp, base_offset};
    const Entry& entry = entries[above - 1];
    return {Timestamp{entry.timestamp}, base_offset + entry.relative_offset};
}

void TimeIndex::truncate_to(Offset offset) {
    entries.truncate(entries_below(entries, base_offset, offset));
}

TimestampOffset TimeIndex::last_entry() const {
    if (entries.empty()) return {kNoTimestamp, base_offset};
    return {Timestamp{entries.back().timestamp}, base_offset + entries.back().relative_offset};
}

std::string TimeIndex::file_bytes() const {
    std::string out;
    for (const Entry& entry : entries) {
        put_big_endian(out, entry.timestamp);
        put_big_endian(out, entry.relative_offset);
    }
    return out;
}

void TransactionIndex::append(const AbortedTransaction& aborted) {
    CHECK(entries.empty() || aborted.last_offset > entries.back().last_offset);
    entries.push_back(aborted);
}

TransactionIndex::Found TransactionIndex::collect(Offset fetch_offset, Offset upper_bound) const {
    Found found;
    for (const AbortedTransaction& aborted : entries) {
        if (aborted.last_offset >= fetch_offset && aborted.first_offset < upper_bound) {
            found.aborted.push_back(aborted);
        }
        if (aborted.last_stable_offset >= upper_bound) {
            found.is_complete = true;
            break;
        }
    }
    return found;
}

void TransactionIndex::truncate_to(Offset offset) {
    while (!entries.empty() && entries.back().last_offset >= offset) entries.pop_back();
}

std::string TransactionIndex::file_bytes() const {
    constexpr std::int16_t kVersion = 0;
    std::string out;
    for (const AbortedTransaction& aborted : entries) {
        put_big_endian(out, kVersion);
        put_big_endian(out, aborted.producer_id.value);
        put_big_endian(out, aborted.first_offset.value);
        put_big_endian(out, aborted.last_offset.value);
        put_big_endian(out, aborted.last_stable_offset.value);
    }
    return out;
}

}  // namespace tribunal
