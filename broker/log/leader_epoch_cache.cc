#include "broker/log/leader_epoch_cache.h"

#include <algorithm>
#include <iterator>

#include "broker/base/check.h"

namespace tribunal {
namespace {

// The first entry of a later epoch.
auto higher(const std::vector<EpochEntry>& entries, LeaderEpoch epoch) {
    return std::partition_point(entries.begin(), entries.end(),
                                [&](const EpochEntry& e) { return e.epoch <= epoch; });
}

// The first entry of this epoch or a later one.
auto ceiling(const std::vector<EpochEntry>& entries, LeaderEpoch epoch) {
    return std::partition_point(entries.begin(), entries.end(),
                                [&](const EpochEntry& e) { return e.epoch < epoch; });
}

}  // namespace

bool LeaderEpochFileCache::assign(LeaderEpoch epoch, Offset offset) {
    CHECK(epoch >= LeaderEpoch{0} && offset >= Offset{0});
    if (!entries.empty() && entries.back().epoch == epoch &&
        entries.back().start_offset <= offset) {
        return false;
    }
    while (!entries.empty() &&
           (entries.back().epoch >= epoch || entries.back().start_offset >= offset)) {
        entries.pop_back();
    }
    entries.push_back({epoch, offset});
    return true;
}

bool LeaderEpochFileCache::truncate_from_end(Offset end_offset) {
    if (end_offset < Offset{0}) return false;
    const std::size_t before = entries.size();
    while (!entries.empty() && entries.back().start_offset >= end_offset) entries.pop_back();
    return entries.size() != before;
}

bool LeaderEpochFileCache::truncate_from_start(Offset start_offset) {
    const auto above = std::partition_point(
        entries.begin(), entries.end(),
        [&](const EpochEntry& entry) { return entry.start_offset <= start_offset; });
    if (above == entries.begin()) return false;
    const auto kept = entries.erase(entries.begin(), std::prev(above));
    kept->start_offset = start_offset;
    return true;
}

LeaderEpoch LeaderEpochFileCache::latest_epoch() const {
    return entries.empty() ? kNoLeaderEpoch : entries.back().epoch;
}

LeaderEpoch LeaderEpochFileCache::previous_epoch() const {
    return entries.size() < 2 ? kNoLeaderEpoch : entries[entries.size() - 2].epoch;
}

LeaderEpoch LeaderEpochFileCache::previous_epoch(LeaderEpoch epoch) const {
    const auto at = ceiling(entries, epoch);
    return at == entries.begin() ? kNoLeaderEpoch : std::prev(at)->epoch;
}

LeaderEpoch LeaderEpochFileCache::next_epoch(LeaderEpoch epoch) const {
    const auto at = higher(entries, epoch);
    return at == entries.end() ? kNoLeaderEpoch : at->epoch;
}

LeaderEpoch LeaderEpochFileCache::epoch_for_offset(Offset offset) const {
    const auto above =
        std::partition_point(entries.begin(), entries.end(),
                             [&](const EpochEntry& entry) { return entry.start_offset <= offset; });
    return above == entries.begin() ? kNoLeaderEpoch : std::prev(above)->epoch;
}

EpochEnd LeaderEpochFileCache::end_offset_for(LeaderEpoch epoch, Offset log_end_offset) const {
    if (epoch < LeaderEpoch{0}) return {};
    if (epoch == latest_epoch()) return {epoch, log_end_offset};
    const auto above = higher(entries, epoch);
    if (above == entries.end()) return {};
    // Older than anything kept: it ends where the oldest kept epoch begins. What lies before has
    // been deleted, and a follower may start from here.
    if (above == entries.begin()) return {epoch, above->start_offset};
    return {std::prev(above)->epoch, above->start_offset};
}

std::vector<EpochEntry> LeaderEpochFileCache::entries_in_range(Offset start_offset,
                                                               Offset end_offset) const {
    LeaderEpochFileCache part = *this;
    if (start_offset >= Offset{0}) part.truncate_from_start(start_offset);
    part.truncate_from_end(end_offset);
    return std::move(part.entries);
}

}  // namespace tribunal
