#include "model/specs/async_isr.h"

#include <algorithm>

#include "model/explore.h"
#include "model/specs/specs.h"
#include "model/specs/value_text.h"

namespace tribunal {

namespace {
constexpr std::string_view kActions[] = {
    "ControllerShrinkIsr",
    "ControllerHandleRequest",
    "LeaderRequestShrinkIsr",
    "LeaderRequestExpandIsr",
    "LeaderWrite",
    "LeaderHandleUpdate",
    "FollowerReplicate",
};
// TypeOk allows the pending version to be Nil, as the initial state has it; the published one
// forgets that. The last two are no part of the specification.
constexpr PropertySpec kProperties[] = {{"TypeOk", PropertyKind::always},
                                        {"ValidHighWatermark", PropertyKind::always},
                                        {"HighWatermarkAdvances", PropertyKind::sometimes},
                                        {"IsrGrowsBack", PropertyKind::sometimes}};

std::string version_text(std::string_view isr, unsigned version) {
    return std::string(isr) + "@" + std::to_string(version);
}
}  // namespace

AsyncIsr::AsyncIsr(unsigned replicas, unsigned max_offset, unsigned max_version)
    : replicas_(replicas),
      max_offset_(max_offset),
      max_version_(max_version),
      all_((1u << replicas) - 1) {
    Renaming renaming{};
    for (unsigned r = 0; r < kMaxReplicas; ++r) renaming[r] = byte(r);
    while (std::next_permutation(renaming.begin() + 1, renaming.begin() + replicas)) {
        renamings_.push_back(renaming);
    }
}

std::span<const std::string_view> AsyncIsr::action_names() const { return kActions; }
std::span<const PropertySpec> AsyncIsr::properties() const { return kProperties; }

std::uint64_t AsyncIsr::predicates(const State& s) const {
    const unsigned watermark = high_watermark(s);
    bool valid = true;
    bool type_ok = ((s.controller_isr | s.isr | s.pending_isr) & ~all_) == 0;
    for (unsigned r = 0; r < replicas_; ++r) {
        if ((s.controller_isr >> r & 1) != 0) valid = valid && s.offsets[r] >= watermark;
        type_ok = type_ok && s.offsets[r] <= max_offset_;
    }
    type_ok = type_ok && s.version <= s.controller_version;
    bool grows_back = false;
    for (unsigned version = 2; version <= s.controller_version; ++version) {
        grows_back = grows_back || (s.updates[version] & ~s.updates[version - 1]) != 0;
    }
    return (type_ok ? 1u : 0u) | (valid ? 2u : 0u) | (watermark > 0 ? 4u : 0u) |
           (grows_back ? 8u : 0u);
}

std::string AsyncIsr::describe(const State& s, Action a) const {
    const std::string name(kActions[a.kind]);
    switch (a.kind) {
        case leader_write:
            return name;
        case controller_handle_request:
            return name + "(" +
                   version_text(set_text("r", (std::uint64_t{a.detail} << 1) | 1),
                                s.controller_version) +
                   ")";
        case leader_handle_update:
            return name + "(" + version_text(set_text("r", s.updates[a.detail]), a.detail) + ")";
        default:
            return name + "(" + numbered("r", a.detail) + ")";
    }
}

StateText AsyncIsr::show(const State& s) const {
    std::string requests;
    std::string updates;
    const auto add = [](std::string& list, std::uint64_t isr, unsigned version) {
        list += (list.empty() ? "" : ", ") + version_text(set_text("r", isr), version);
    };
    for (unsigned version = 0; version <= kMaxVersions; ++version) {
        for (unsigned followers = 0; s.requests[version] >> followers != 0; ++followers) {
            if ((s.requests[version] >> followers & 1) != 0) {
                add(requests, followers << 1 | 1, version);
            }
        }
        if (s.updates[version] != 0) add(updates, s.updates[version], version);
    }
    return {{"controllerState.isr", set_text("r", s.controller_isr)},
            {"controllerState.version", std::to_string(s.controller_version)},
            {"leaderState.isr", set_text("r", s.isr)},
            {"leaderState.version", std::to_string(s.version)},
            {"leaderState.pendingIsr", set_text("r", s.pending_isr)},
            {"leaderState.pendingVersion", std::to_string(s.pending_version)},
            {"leaderState.offsets",
             function_text("r", replicas_,
                           [&](std::uint64_t r) { return std::to_string(s.offsets[r]); })},
            {"requests", "{" + requests + "}"},
            {"updates", "{" + updates + "}"}};
}

unsigned AsyncIsr::renamed(unsigned replicas, const Renaming& renaming) {
    unsigned result = 0;
    for (unsigned r = 0; r < kMaxReplicas; ++r) result |= (replicas >> r & 1) << renaming[r];
    return result;
}

AsyncIsr::State AsyncIsr::canonical(const State& s) const {
    State least = s;
    for (const Renaming& renaming : renamings_) {
        State t = s;
        t.controller_isr = byte(renamed(s.controller_isr, renaming));
        t.isr = byte(renamed(s.isr, renaming));
        t.pending_isr = byte(renamed(s.pending_isr, renaming));
        for (unsigned r = 0; r < replicas_; ++r) t.offsets[renaming[r]] = s.offsets[r];
        for (unsigned version = 0; version <= max_version_; ++version) {
            t.updates[version] = byte(renamed(s.updates[version], renaming));
            unsigned requests = 0;
            for (unsigned followers = 0; s.requests[version] >> followers != 0; ++followers) {
                const unsigned is_in = s.requests[version] >> followers & 1;
                requests |= is_in << (renamed(followers << 1, renaming) >> 1);
            }
            t.requests[version] = static_cast<std::uint16_t>(requests);
        }
        least = std::min(least, t);
    }
    return least;
}

ModelEntry async_isr_model() {
    return {
        .name = "AsyncIsr",
        .about = "a leader changes the ISR through the controller without waiting for it",
        .source = "hachikuji/kafka-specification",
        .constants = {{"Replicas", 3, 1, AsyncIsr::kMaxReplicas, "replicas, the first the leader"},
                      {"MaxOffset", 1, 1, AsyncIsr::kMaxOffset,
                       "records that the leader writes; no guard in the published model"},
                      {"MaxVersion", 2, 0, AsyncIsr::kMaxVersions,
                       "changes by the controller; added here, the published model is infinite "
                       "without it"}},
        .search =
            [](const Constants& c, const SearchOptions& options) {
                const AsyncIsr model(static_cast<unsigned>(c["Replicas"]),
                                     static_cast<unsigned>(c["MaxOffset"]),
                                     static_cast<unsigned>(c["MaxVersion"]));
                return search(model, options);
            },
    };
}

template SearchResult search(const AsyncIsr&, const SearchOptions&);

}  // namespace tribunal
