// FiniteReplicatedLog: a log of bounded size on each replica, which can be appended to, truncated
// and copied from another record by record. The replication specifications build on it.
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "model/search.h"

namespace tribunal {

class FiniteReplicatedLog {
  public:
    static constexpr unsigned kMaxReplicas = 4;
    static constexpr unsigned kMaxLogSize = 7;
    static constexpr unsigned kMaxRecords = 255;

    struct Log {
        std::uint8_t end_offset = 0;
        std::array<std::uint8_t, kMaxLogSize> records{};  // 0: Nil
        constexpr auto operator<=>(const Log&) const = default;
    };
    struct State {
        std::array<Log, kMaxReplicas> logs{};
        bool operator==(const State&) const = default;
    };
    enum Kind : std::uint16_t { append, truncate_to, replicate_to };

    FiniteReplicatedLog(unsigned replicas, unsigned records, unsigned log_size)
        : replicas_(replicas), records_(records), log_size_(log_size) {}

    template <class Emit>
    void initial_states(Emit&& emit) const {
        emit(State{});
    }

    template <class Emit>
    void successors(const State& s, Emit&& emit) const {
        for (unsigned r = 0; r < replicas_; ++r) {
            const unsigned end = s.logs[r].end_offset;
            if (end < log_size_) {
                for (unsigned record = 1; record <= records_; ++record) {
                    emit(action(append, r, record), appended(s, r, record));
                }
            }
            // Offsets end before LogSize, so that a full log has no step that truncates nothing.
            for (unsigned offset = 0; offset <= end && offset < log_size_; ++offset) {
                emit(action(truncate_to, r, offset), truncated(s, r, offset));
            }
            for (unsigned to = 0; to < replicas_; ++to) {
                const unsigned offset = s.logs[to].end_offset;
                if (to == r || offset >= end) continue;
                emit(action(replicate_to, r, to), appended(s, to, s.logs[r].records[offset]));
            }
        }
    }

    Digest128 digest(const State& s) const { return digest_of_words(s); }
    std::span<const std::string_view> action_names() const;
    std::span<const PropertySpec> properties() const;
    std::uint64_t predicates(const State& s) const;
    std::string describe(const State& s, Action a) const;
    StateText show(const State& s) const;

    State canonical(const State& s) const {
        State sorted = s;
        // Insertion by hand: g++ 12 takes std::sort of so few for an access beyond their array.
        for (unsigned i = 1; i < replicas_; ++i) {
            for (unsigned j = i; j > 0 && sorted.logs[j] < sorted.logs[j - 1]; --j) {
                std::swap(sorted.logs[j], sorted.logs[j - 1]);
            }
        }
        return sorted;
    }
    Footprint footprint(const State& s, Action a) const;

    static Action action(Kind kind, unsigned replica, unsigned what) {
        return {kind, static_cast<std::uint16_t>(replica << 8 | what)};
    }

  private:
    static State appended(const State& s, unsigned replica, unsigned record) {
        State t = s;
        Log& log = t.logs[replica];
        log.records[log.end_offset++] = static_cast<std::uint8_t>(record);
        return t;
    }
    static State truncated(const State& s, unsigned replica, unsigned offset) {
        State t = s;
        Log& log = t.logs[replica];
        for (unsigned i = offset; i < log.end_offset; ++i) log.records[i] = 0;
        log.end_offset = static_cast<std::uint8_t>(offset);
        return t;
    }

    unsigned replicas_;
    unsigned records_;
    unsigned log_size_;
};

extern template SearchResult search(const FiniteReplicatedLog&, const SearchOptions&);

}  // namespace tribunal
