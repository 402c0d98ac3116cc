#include "model/specs/finite_replicated_log.h"

#include "model/explore.h"
#include "model/specs/specs.h"
#include "model/specs/value_text.h"

namespace tribunal {

namespace {
constexpr std::string_view kActions[] = {"Append", "TruncateTo", "ReplicateTo"};
// The last is no part of the specification.
constexpr PropertySpec kProperties[] = {{"TypeOk", PropertyKind::always},
                                        {"AllFull", PropertyKind::sometimes}};
}  // namespace

std::span<const std::string_view> FiniteReplicatedLog::action_names() const { return kActions; }
std::span<const PropertySpec> FiniteReplicatedLog::properties() const { return kProperties; }

std::uint64_t FiniteReplicatedLog::predicates(const State& s) const {
    bool type_ok = true;
    bool all_full = true;
    for (unsigned r = 0; r < replicas_; ++r) {
        const Log& log = s.logs[r];
        type_ok = type_ok && log.end_offset <= log_size_;
        all_full = all_full && log.end_offset == log_size_;
        for (unsigned offset = 0; offset < log_size_; ++offset) {
            const bool is_written = log.records[offset] != 0 && log.records[offset] <= records_;
            const bool is_nil = log.records[offset] == 0;
            type_ok = type_ok && (offset < log.end_offset ? is_written : is_nil);
        }
    }
    return (type_ok ? 1u : 0u) | (all_full ? 2u : 0u);
}

std::string FiniteReplicatedLog::describe(const State& s, Action a) const {
    const unsigned replica = a.detail >> 8;
    const unsigned what = a.detail & 0xff;
    const std::string text = std::string(kActions[a.kind]) + numbered("(r", replica) + ", ";
    switch (a.kind) {
        case append:
            return text + numbered("record ", what, 0) + ", " +
                   numbered("offset ", s.logs[replica].end_offset, 0) + ")";
        case truncate_to:
            return text + std::to_string(what) + ")";
        default:
            return text + numbered("r", what) + ")";
    }
}

StateText FiniteReplicatedLog::show(const State& s) const {
    const auto log_text = [&](std::uint64_t r) {
        std::string text = "<<";
        for (unsigned offset = 0; offset < s.logs[r].end_offset; ++offset) {
            text += (offset == 0 ? "" : ", ") + std::to_string(s.logs[r].records[offset]);
        }
        return text + ">>";
    };
    return {{"logs", function_text("r", replicas_, log_text)}};
}

// Resources: each replica's log. Only a log that is filled, or was full, can make or break
// AllFull.
Footprint FiniteReplicatedLog::footprint(const State& s, Action a) const {
    const unsigned replica = a.detail >> 8;
    const unsigned what = a.detail & 0xff;
    const unsigned changed = a.kind == replicate_to ? what : replica;
    const unsigned end = s.logs[changed].end_offset;
    const bool touches_full = a.kind == truncate_to ? end == log_size_ : end + 1 == log_size_;
    const std::uint64_t written = std::uint64_t{1} << changed;
    const std::uint64_t read = std::uint64_t{1} << replica | written;
    return {read, written | (touches_full ? Footprint::kPredicates : 0)};
}

ModelEntry finite_replicated_log_model() {
    return {
        .name = "FiniteReplicatedLog",
        .about = "logs of bounded size, appended to, truncated and replicated",
        .source = "hachikuji/kafka-specification",
        .constants = {{"Replicas", 2, 1, FiniteReplicatedLog::kMaxReplicas, "replicas"},
                      {"LogRecords", 2, 1, FiniteReplicatedLog::kMaxRecords, "values of a record"},
                      {"LogSize", 2, 1, FiniteReplicatedLog::kMaxLogSize, "offsets of a log"}},
        .search =
            [](const Constants& c, const SearchOptions& options) {
                const FiniteReplicatedLog model(static_cast<unsigned>(c["Replicas"]),
                                                static_cast<unsigned>(c["LogRecords"]),
                                                static_cast<unsigned>(c["LogSize"]));
                return search(model, options);
            },
    };
}

template SearchResult search(const FiniteReplicatedLog&, const SearchOptions&);

}  // namespace tribunal
