#include "model/specs/chang_roberts.h"

#include "model/explore.h"
#include "model/specs/specs.h"
#include "model/specs/value_text.h"

namespace tribunal {

namespace {
constexpr std::string_view kActions[] = {"n0", "n1"};
// The last is no part of the specification's properties: it shows that somebody can win.
constexpr PropertySpec kProperties[] = {
    {"TypeOK", PropertyKind::always},
    {"Correctness", PropertyKind::always},
    {"Liveness", PropertyKind::eventually, ChangRoberts::kCandidate},
    {"Elected", PropertyKind::sometimes},
};
}  // namespace

std::span<const std::string_view> ChangRoberts::action_names() const { return kActions; }
std::span<const PropertySpec> ChangRoberts::properties() const { return kProperties; }

ChangRoberts::State ChangRoberts::after(const State& s, Action a) const {
    const unsigned node = node_of(a);
    const unsigned id = id_of(a);
    const unsigned self = 1u << node;
    State t = s;
    const auto forward = [&] { t.msgs[succ(node)] = byte(t.msgs[succ(node)] | 1u << id); };
    if (a.kind == n0) {
        t.started = byte(s.started | self);
        if ((s.initiator & self) != 0) forward();
        return t;
    }
    t.msgs[node] = byte(s.msgs[node] & ~(1u << id));
    if ((s.lost & self) != 0) {
        forward();
    } else if (id < node) {
        t.lost = byte(s.lost | self);
        t.won = byte(s.won & ~self);
        forward();
    } else if (id == node) {
        t.won = byte(s.won | self);
    }
    return t;
}

// The specification asks Liveness of the initial states only. A winner stays one, so it holds of
// those exactly when it holds of every state with a candidate.
std::uint64_t ChangRoberts::predicates(const State& s) const {
    bool type_ok = (s.lost & s.won) == 0;
    for (const std::uint8_t ids : s.msgs) type_ok = type_ok && (ids & ~all_) == 0;
    bool correct = true;
    for (unsigned n = 0; n < count_; ++n) {
        const unsigned self = 1u << n;
        if ((s.won & self) == 0) continue;
        const bool is_first_initiator = (s.initiator & (2 * self - 1)) == self;
        const bool others_lost = (s.lost | self) == all_;
        correct = correct && is_first_initiator && others_lost;
    }
    const bool candidate = (s.lost | s.won) != all_;
    return (type_ok ? 1u : 0u) | (correct ? 2u : 0u) | (s.won != 0 ? 4u | 8u : 0u) |
           (candidate ? 1u << kCandidate : 0u);
}

std::vector<FairnessClass> ChangRoberts::fairness() const {
    std::vector<FairnessClass> classes;
    for (unsigned n = 0; n < count_; ++n) {
        classes.push_back({"WF_vars(" + numbered("node(", n) + "))", FairnessKind::weak});
    }
    return classes;
}

std::string ChangRoberts::describe(const State&, Action a) const {
    const std::string node = std::string(kActions[a.kind]) + numbered("(", node_of(a));
    return a.kind == n0 ? node + ")" : node + numbered(", id ", id_of(a)) + ")";
}

StateText ChangRoberts::show(const State& s) const {
    const auto state = [&](std::uint64_t n) -> std::string {
        if ((s.lost >> n & 1) != 0) return "lost";
        return (s.won >> n & 1) != 0 ? "won" : "cand";
    };
    return {{"msgs",
             function_text("", count_, [&](std::uint64_t n) { return set_text("", s.msgs[n]); })},
            {"pc", function_text("", count_,
                                 [&](std::uint64_t n) -> std::string {
                                     return (s.started >> n & 1) != 0 ? "n1" : "n0";
                                 })},
            {"initiator", function_text("", count_,
                                        [&](std::uint64_t n) {
                                            return bool_text((s.initiator >> n & 1) != 0);
                                        })},
            {"state", function_text("", count_, state)}};
}

// Resources: each node's own variables (bits 0..7) and the whereabouts of each identity (8..15):
// sets of messages commute in different identities. The predicates speak of who lost and won.
Footprint ChangRoberts::footprint(const State& s, Action a) const {
    const std::uint64_t self = std::uint64_t{1} << node_of(a);
    const std::uint64_t id = std::uint64_t{1} << (8 + id_of(a));
    const State t = after(s, a);
    const bool changes_state = t.lost != s.lost || t.won != s.won;
    std::uint64_t writes = changes_state ? self | Footprint::kPredicates : 0;
    if (a.kind == n0) writes |= self;
    if (t.msgs != s.msgs) writes |= id;
    return {self | id, writes};
}

ModelEntry chang_roberts_model() {
    return {
        .name = "ChangRoberts",
        .about = "election of a leader in a ring by the smallest identity",
        .source = "tlaplus/Examples, specifications/chang_roberts",
        .constants = {{"N", 3, 1, ChangRoberts::kMaxNodes, "nodes; node i's identity is i"}},
        .search =
            [](const Constants& c, const SearchOptions& options) {
                return search(ChangRoberts(static_cast<unsigned>(c["N"])), options);
            },
    };
}

template SearchResult search(const ChangRoberts&, const SearchOptions&);

}  // namespace tribunal
