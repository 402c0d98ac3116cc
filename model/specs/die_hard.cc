#include "model/specs/die_hard.h"

#include "model/explore.h"
#include "model/specs/specs.h"

namespace tribunal {

namespace {
constexpr std::string_view kActions[] = {"FillSmallJug", "FillBigJug", "EmptySmallJug",
                                         "EmptyBigJug",  "SmallToBig", "BigToSmall"};
constexpr PropertySpec kProperties[] = {{"TypeOK", PropertyKind::always},
                                        {"NotSolved", PropertyKind::always}};
}  // namespace

std::span<const std::string_view> DieHard::action_names() const { return kActions; }
std::span<const PropertySpec> DieHard::properties() const { return kProperties; }
std::string DieHard::describe(const State&, Action a) const {
    return std::string(kActions[a.kind]);
}
StateText DieHard::show(const State& s) const {
    return {{"big", std::to_string(s.big)}, {"small", std::to_string(s.small)}};
}

ModelEntry die_hard_model() {
    return {
        .name = "DieHard",
        .about = "two jugs and a tap: the invariant NotSolved breaks when the riddle is solved",
        .source = "tlaplus/Examples, specifications/DieHard",
        .constants = {{"SmallJug", 3, 1, 1000, "gallons; 3 in the specification"},
                      {"BigJug", 5, 1, 1000, "gallons; 5 in the specification"},
                      {"Goal", 4, 0, 1000, "gallons to have in the big jug; 4 there"}},
        .search =
            [](const Constants& c, const SearchOptions& options) {
                const DieHard model(static_cast<std::uint32_t>(c["SmallJug"]),
                                    static_cast<std::uint32_t>(c["BigJug"]),
                                    static_cast<std::uint32_t>(c["Goal"]));
                return search(model, options);
            },
    };
}

template SearchResult search(const DieHard&, const SearchOptions&);

}  // namespace tribunal
