#include "model/specs/id_sequence.h"

#include "model/explore.h"
#include "model/specs/specs.h"

namespace tribunal {

namespace {
constexpr std::string_view kActions[] = {"NextId"};
// The last is no part of the specification.
constexpr PropertySpec kProperties[] = {{"TypeOk", PropertyKind::always},
                                        {"Exhausted", PropertyKind::sometimes}};
}  // namespace

std::span<const std::string_view> IdSequence::action_names() const { return kActions; }
std::span<const PropertySpec> IdSequence::properties() const { return kProperties; }
std::string IdSequence::describe(const State&, Action a) const {
    return "NextId(" + std::to_string(a.detail) + ")";
}
StateText IdSequence::show(const State& s) const { return {{"nextId", std::to_string(s.next_id)}}; }

ModelEntry id_sequence_model() {
    return {
        .name = "IdSequence",
        .about = "ids handed out in order until none is left",
        .source = "hachikuji/kafka-specification",
        .constants = {{"MaxId", 3, 0, 65'535, "the last id; the first is 0"}},
        .search =
            [](const Constants& c, const SearchOptions& options) {
                return search(IdSequence(static_cast<std::uint64_t>(c["MaxId"])), options);
            },
    };
}

template SearchResult search(const IdSequence&, const SearchOptions&);

}  // namespace tribunal
