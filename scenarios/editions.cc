// The list of editions, and how one is made of what changed since.
#include "scenarios/editions.h"

#include <array>

#include "broker/base/check.h"
#include "scenarios/config_table.h"
#include "scenarios/edition_rules.h"

namespace tribunal {
namespace {

constexpr std::array kEditions = std::to_array<Edition>(
    {{"0.10"}, {"0.11"}, {"1.0"}, {"1.1"}, {"2.0"}, {"2.1"}, {"2.2"}, {"2.3"}, {"2.4"},
     {"2.5"},  {"2.6"},  {"2.7"}, {"2.8"}, {"3.0"}, {"3.1"}, {"3.2"}, {"3.3"}, {"3.4"},
     {"3.5"},  {"3.6"},  {"3.7"}, {"3.8"}, {"3.9"}, {"4.0"}, {"4.1"}});

}  // namespace

std::span<const Edition> all_editions() { return kEditions; }

const Edition& newest_edition() { return kEditions.back(); }

const Edition* find_edition(std::string_view name) {
    for (const Edition& edition : kEditions) {
        if (edition.name == name) return &edition;
    }
    return nullptr;
}

bool is_since(const Edition& edition, std::string_view since) {
    if (since.empty()) return true;
    const Edition* first = find_edition(since);
    CHECK(first != nullptr);
    const Edition* here = find_edition(edition.name);
    CHECK(here != nullptr);
    return here >= first;
}

Settings default_settings(const Edition& edition) {
    Settings settings;
    settings.producer.idempotence = true;
    // Back in time, so that of two changes of one rule the older one is undone last.
    const auto changes = all_rule_changes();
    for (auto change = changes.rbegin(); change != changes.rend(); ++change) {
        if (!is_since(edition, change->since)) change->undo(settings);
    }
    settings.broker.supported_features = *supported_features(edition.name);
    settings.broker.bootstrap_features = *bootstrap_features(edition.name);
    return settings;
}

}  // namespace tribunal
