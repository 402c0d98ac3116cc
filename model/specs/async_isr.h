// AsyncIsr: a leader that asks the controller to change the in-sync replicas and goes on writing
// meanwhile (what became AlterPartition, KIP-497). Until it hears of the outcome it counts the
// union of the old and all requested sets for the high watermark.
//
// Messages are sets that only grow. The controller's versions are unique, so that the updates are
// one set of replicas a version. The leader is the first replica and is in every set.
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/search.h"

namespace tribunal {

class AsyncIsr {
  public:
    static constexpr unsigned kMaxReplicas = 5;
    static constexpr unsigned kMaxVersions = 7;
    static constexpr unsigned kMaxOffset = 250;

    struct State {
        // requests[v]: a bit for each set of followers that, with the leader, was requested under
        // version v. updates[v]: the replicas of version v; empty: not sent.
        std::array<std::uint16_t, kMaxVersions + 1> requests{};
        std::array<std::uint8_t, kMaxVersions + 1> updates{};
        std::uint8_t controller_isr = 0;
        std::uint8_t controller_version = 0;
        std::uint8_t isr = 0;
        std::uint8_t version = 0;
        std::uint8_t pending_isr = 0;
        std::int8_t pending_version = -1;
        std::array<std::uint8_t, kMaxReplicas> offsets{};
        std::array<std::uint8_t, 5> unused{};
        bool operator==(const State&) const = default;
        auto operator<=>(const State&) const = default;
    };
    enum Kind : std::uint16_t {
        controller_shrink_isr,
        controller_handle_request,
        leader_request_shrink_isr,
        leader_request_expand_isr,
        leader_write,
        leader_handle_update,
        follower_replicate,
    };

    AsyncIsr(unsigned replicas, unsigned max_offset, unsigned max_version);

    template <class Emit>
    void initial_states(Emit&& emit) const {
        State s;
        s.controller_isr = byte(all_);
        s.isr = byte(all_);
        emit(s);
    }

    template <class Emit>
    void successors(const State& s, Emit&& emit) const;

    Digest128 digest(const State& s) const { return digest_of_words(s); }
    std::span<const std::string_view> action_names() const;
    std::span<const PropertySpec> properties() const;
    std::uint64_t predicates(const State& s) const;
    std::string describe(const State& s, Action a) const;
    StateText show(const State& s) const;

    // The least state of all renamings of the followers.
    State canonical(const State& s) const;

    unsigned high_watermark(const State& s) const {
        unsigned lowest = s.offsets[0];
        for (unsigned r = 1; r < replicas_; ++r) {
            if (((s.isr | s.pending_isr) >> r & 1) != 0 && s.offsets[r] < lowest) {
                lowest = s.offsets[r];
            }
        }
        return lowest;
    }

  private:
    static constexpr std::uint8_t byte(unsigned x) { return static_cast<std::uint8_t>(x); }
    static Action action(Kind kind, unsigned detail) {
        return {kind, static_cast<std::uint16_t>(detail)};
    }
    static State with_controller(const State& s, unsigned isr) {
        State t = s;
        t.controller_isr = byte(isr);
        t.controller_version = byte(s.controller_version + 1u);
        t.updates[t.controller_version] = byte(isr);
        return t;
    }
    static State with_request(const State& s, unsigned isr) {
        State t = s;
        std::uint16_t& requests = t.requests[s.version];
        requests = static_cast<std::uint16_t>(requests | 1u << (isr >> 1));
        t.pending_isr = byte(s.pending_isr | isr);
        t.pending_version = static_cast<std::int8_t>(s.version);
        return t;
    }
    using Renaming = std::array<std::uint8_t, kMaxReplicas>;
    static unsigned renamed(unsigned replicas, const Renaming& renaming);

    unsigned replicas_;
    unsigned max_offset_;
    unsigned max_version_;
    unsigned all_;
    std::vector<Renaming> renamings_;  // of the followers, without the identity
};

template <class Emit>
void AsyncIsr::successors(const State& s, Emit&& emit) const {
    const bool version_left = s.controller_version < max_version_;
    for (unsigned r = 1; version_left && r < replicas_; ++r) {
        if ((s.controller_isr >> r & 1) == 0) continue;
        emit(action(controller_shrink_isr, r), with_controller(s, s.controller_isr & ~(1u << r)));
    }
    const unsigned requests = version_left ? s.requests[s.controller_version] : 0;
    for (unsigned followers = 0; requests >> followers != 0; ++followers) {
        if ((requests >> followers & 1) == 0) continue;
        emit(action(controller_handle_request, followers), with_controller(s, followers << 1 | 1));
    }
    const unsigned watermark = high_watermark(s);
    for (unsigned r = 1; r < replicas_; ++r) {
        const unsigned self = 1u << r;
        if ((s.isr & self) != 0) {
            emit(action(leader_request_shrink_isr, r), with_request(s, s.isr & ~self));
        } else if (s.offsets[r] >= watermark) {
            emit(action(leader_request_expand_isr, r), with_request(s, s.isr | self));
        }
    }
    if (s.offsets[0] < max_offset_) {
        State t = s;
        ++t.offsets[0];
        emit(action(leader_write, 0), t);
    }
    for (unsigned version = s.version + 1u; version <= s.controller_version; ++version) {
        State t = s;
        t.isr = s.updates[version];
        t.version = byte(version);
        t.pending_isr = 0;
        t.pending_version = -1;
        emit(action(leader_handle_update, version), t);
    }
    for (unsigned r = 1; r < replicas_; ++r) {
        if (s.offsets[r] >= s.offsets[0]) continue;
        State t = s;
        ++t.offsets[r];
        emit(action(follower_replicate, r), t);
    }
}

extern template SearchResult search(const AsyncIsr&, const SearchOptions&);

}  // namespace tribunal
