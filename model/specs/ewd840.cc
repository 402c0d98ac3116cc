#include "model/specs/ewd840.h"

#include "model/explore.h"
#include "model/specs/specs.h"
#include "model/specs/value_text.h"

namespace tribunal {

namespace {
constexpr std::string_view kActions[] = {"InitiateProbe", "PassToken", "SendMsg", "Deactivate"};
// The last is no part of the specification's properties: it shows that there is something to
// detect.
constexpr PropertySpec kProperties[] = {
    {"TypeOK", PropertyKind::always},
    {"TerminationDetection", PropertyKind::always},
    {"Inv", PropertyKind::always},
    {"Liveness", PropertyKind::eventually, Ewd840::kTerminated},
    {"terminationDetected", PropertyKind::sometimes},
};
}  // namespace

std::span<const std::string_view> Ewd840::action_names() const { return kActions; }
std::span<const PropertySpec> Ewd840::properties() const { return kProperties; }
std::vector<FairnessClass> Ewd840::fairness() const {
    return {{"WF_vars(System)", FairnessKind::weak}};
}

std::string Ewd840::describe(const State&, Action a) const {
    const std::string name(kActions[a.kind]);
    switch (a.kind) {
        case initiate_probe:
            return name;
        case send_msg:
            return name + "(" + std::to_string(a.detail >> 8) + ") to " +
                   std::to_string(a.detail & 0xff);
        default:
            return name + "(" + std::to_string(a.detail & 0xff) + ")";
    }
}

StateText Ewd840::show(const State& s) const {
    const auto color = [](bool is_black) { return is_black ? "black" : "white"; };
    return {
        {"active",
         function_text(
             "", count_, [&](std::uint64_t i) { return bool_text((active(s) >> i & 1) != 0); }, 0)},
        {"color",
         function_text(
             "", count_, [&](std::uint64_t i) { return color((black(s) >> i & 1) != 0); }, 0)},
        {"tpos", std::to_string(token_position(s))},
        {"tcolor", color((s.word & kTokenBlack) != 0)},
    };
}

ModelEntry ewd840_model() {
    return {
        .name = "EWD840",
        .about = "Dijkstra's termination detection in a ring",
        .source = "tlaplus/Examples, specifications/ewd840",
        .constants = {{"N", 4, 1, Ewd840::kMaxNodes, "nodes; N * 4^N initial states"}},
        .search =
            [](const Constants& c, const SearchOptions& options) {
                return search(Ewd840(static_cast<unsigned>(c["N"])), options);
            },
    };
}

template SearchResult search(const Ewd840&, const SearchOptions&);

}  // namespace tribunal
