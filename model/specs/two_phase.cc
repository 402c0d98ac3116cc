#include "model/specs/two_phase.h"

#include <algorithm>

#include "model/explore.h"
#include "model/specs/specs.h"
#include "model/specs/value_text.h"

namespace tribunal {

namespace {
constexpr std::string_view kActions[] = {
    "TMCommit",        "TMAbort",        "TMRcvPrepared", "RMPrepare",
    "RMChooseToAbort", "RMRcvCommitMsg", "RMRcvAbortMsg",
};
// TCConsistent is TCommit's, which this protocol implements. The last two are no part of the
// specification: they show that both outcomes are possible.
constexpr PropertySpec kProperties[] = {{"TPTypeOK", PropertyKind::always},
                                        {"TCConsistent", PropertyKind::always},
                                        {"AllCommitted", PropertyKind::sometimes},
                                        {"AllAborted", PropertyKind::sometimes}};
constexpr TwoPhase::Set kSets[] = {TwoPhase::prepared, TwoPhase::committed, TwoPhase::aborted,
                                   TwoPhase::tm_prepared, TwoPhase::prepared_sent};
constexpr std::uint64_t kTmBits = std::uint64_t{0xf} << 60;
}  // namespace

std::span<const std::string_view> TwoPhase::action_names() const { return kActions; }
std::span<const PropertySpec> TwoPhase::properties() const { return kProperties; }

std::string TwoPhase::describe(const State&, Action a) const {
    const std::string name(kActions[a.kind]);
    if (a.kind == tm_commit || a.kind == tm_abort) return name;
    return name + "(" + numbered("r", a.detail) + ")";
}

StateText TwoPhase::show(const State& s) const {
    const auto rm_state = [&](std::uint64_t rm) -> std::string {
        if ((members(s, prepared) >> rm & 1) != 0) return "prepared";
        if ((members(s, committed) >> rm & 1) != 0) return "committed";
        return (members(s, aborted) >> rm & 1) != 0 ? "aborted" : "working";
    };
    const bool tm_committed = (s.word & kTmCommitted) != 0;
    const bool tm_aborted = (s.word & kTmAborted) != 0;
    std::string messages;
    const auto add = [&](const std::string& message) {
        messages += (messages.empty() ? "" : ", ") + message;
    };
    for (unsigned rm = 0; rm < count_; ++rm) {
        if ((members(s, prepared_sent) >> rm & 1) != 0) add("Prepared(" + numbered("r", rm) + ")");
    }
    if ((s.word & kCommitSent) != 0) add("Commit");
    if ((s.word & kAbortSent) != 0) add("Abort");
    return {{"rmState", function_text("r", count_, rm_state)},
            {"tmState", tm_committed ? "committed"
                        : tm_aborted ? "aborted"
                                     : "init"},
            {"tmPrepared", set_text("r", members(s, tm_prepared))},
            {"msgs", "{" + messages + "}"}};
}

TwoPhase::State TwoPhase::canonical(const State& s) const {
    std::array<std::uint8_t, kMaxResourceManagers> rows{};  // one bit a set
    for (unsigned rm = 0; rm < count_; ++rm) {
        unsigned row = 0;
        for (const Set set : kSets)
            row = row << 1 | static_cast<unsigned>(s.word >> (set + rm) & 1);
        rows[rm] = static_cast<std::uint8_t>(row);
    }
    std::sort(rows.begin(), rows.begin() + count_);
    State sorted{s.word & kTmBits};
    for (unsigned rm = 0; rm < count_; ++rm) {
        for (unsigned i = 0; i < std::size(kSets); ++i) {
            const std::uint64_t is_in = rows[rm] >> (std::size(kSets) - 1 - i) & 1u;
            sorted.word |= is_in << (kSets[i] + rm);
        }
    }
    return sorted;
}

// Resources are bits of the state: what a resource manager is counts as its bit in `prepared`,
// tmState as the bit of having committed. The Abort message cannot be its own bit, which is
// kPredicates here; it takes one of the bits of `committed`, which name nothing else.
Footprint TwoPhase::footprint(const State& s, Action a) const {
    const std::uint64_t rm_bit = std::uint64_t{1} << a.detail;
    const std::uint64_t rm_state = rm_bit << prepared;
    const std::uint64_t tm_state = kTmCommitted;
    const std::uint64_t commit_message = kCommitSent;
    const std::uint64_t abort_message = std::uint64_t{1} << committed;
    switch (a.kind) {
        case tm_commit:
            return {tm_state | all_ << tm_prepared, tm_state | commit_message};
        case tm_abort:
            return {tm_state, tm_state | abort_message};
        case tm_rcv_prepared:
            return {tm_state | rm_bit << prepared_sent, rm_bit << tm_prepared};
        case rm_prepare:
            return {rm_state, rm_state | rm_bit << prepared_sent};
        case rm_choose_to_abort:
            return {rm_state, rm_state | Footprint::kPredicates};
        default: {
            const bool is_commit = a.kind == rm_rcv_commit_msg;
            const std::uint64_t message = is_commit ? commit_message : abort_message;
            // Told again, it does nothing.
            const Set becomes = is_commit ? committed : aborted;
            if ((members(s, becomes) & rm_bit) != 0) return {message | rm_state, 0};
            return {message | rm_state, rm_state | Footprint::kPredicates};
        }
    }
}

ModelEntry two_phase_model() {
    return {
        .name = "TwoPhase",
        .about = "two-phase commit implements transaction commit",
        .source = "tlaplus/Examples, specifications/transaction_commit",
        .constants = {{"RM", 3, 1, TwoPhase::kMaxResourceManagers, "resource managers"}},
        .search =
            [](const Constants& c, const SearchOptions& options) {
                return search(TwoPhase(static_cast<unsigned>(c["RM"])), options);
            },
    };
}

template SearchResult search(const TwoPhase&, const SearchOptions&);

}  // namespace tribunal
