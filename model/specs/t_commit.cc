#include "model/specs/t_commit.h"

#include <bit>

#include "model/explore.h"
#include "model/specs/specs.h"
#include "model/specs/value_text.h"

namespace tribunal {

namespace {
constexpr std::string_view kActions[] = {"Prepare", "Decide"};
// The last two are no part of the specification: they show that both outcomes are possible.
constexpr PropertySpec kProperties[] = {{"TCTypeOK", PropertyKind::always},
                                        {"TCConsistent", PropertyKind::always},
                                        {"AllCommitted", PropertyKind::sometimes},
                                        {"AllAborted", PropertyKind::sometimes}};
constexpr std::uint64_t bit(unsigned i) { return std::uint64_t{1} << i; }
}  // namespace

std::span<const std::string_view> TCommit::action_names() const { return kActions; }
std::span<const PropertySpec> TCommit::properties() const { return kProperties; }

std::string TCommit::describe(const State&, Action a) const {
    std::string text = std::string(kActions[a.kind]) + "(" + numbered("r", a.detail >> 1);
    if (a.kind == decide) text += (a.detail & 1) == commit ? ", committed" : ", aborted";
    return text + ")";
}

StateText TCommit::show(const State& s) const {
    return {{"rmState", function_text("r", count_, [&](std::uint64_t rm) -> std::string {
                 if ((prepared_in(s) >> rm & 1) != 0) return "prepared";
                 if ((committed_in(s) >> rm & 1) != 0) return "committed";
                 return (aborted_in(s) >> rm & 1) != 0 ? "aborted" : "working";
             })}};
}

TCommit::State TCommit::canonical(const State& s) const {
    const int p = std::popcount(prepared_in(s));
    const int c = std::popcount(committed_in(s));
    const int a = std::popcount(aborted_in(s));
    return {(bit(static_cast<unsigned>(p)) - 1) << prepared |
            (bit(static_cast<unsigned>(c)) - 1) << p << committed |
            (bit(static_cast<unsigned>(a)) - 1) << p << c << aborted};
}

// Resources: each one's own state (bits 0..15); whether each is ready, that is prepared or
// committed (16..31), which is what canCommit asks; whether anybody has committed (32).
Footprint TCommit::footprint(const State&, Action a) const {
    const unsigned rm = a.detail >> 1;
    const std::uint64_t own = bit(rm);
    const std::uint64_t ready = bit(16 + rm);
    const std::uint64_t some_committed = bit(32);
    if (a.kind == prepare) return {own, own | ready};
    if ((a.detail & 1) == commit) {
        return {own | all_ << 16, own | some_committed | Footprint::kPredicates};
    }
    return {own | some_committed, own | ready | Footprint::kPredicates};
}

ModelEntry t_commit_model() {
    return {
        .name = "TCommit",
        .about = "transaction commit: resource managers agree to commit or to abort",
        .source = "tlaplus/Examples, specifications/transaction_commit",
        .constants = {{"RM", 3, 1, TCommit::kMaxResourceManagers, "resource managers"}},
        .search =
            [](const Constants& c, const SearchOptions& options) {
                return search(TCommit(static_cast<unsigned>(c["RM"])), options);
            },
    };
}

template SearchResult search(const TCommit&, const SearchOptions&);

}  // namespace tribunal
