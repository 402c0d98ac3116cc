// The table of editions.
#include "scenarios/editions.h"

#include <array>

#include "broker/base/check.h"
#include "scenarios/config_table.h"

namespace tribunal {
namespace {

using enum TruncationRule;
constexpr std::int32_t kMax = INT32_MAX;
constexpr Duration kLag10 = seconds(10);
constexpr Duration kLag30 = seconds(30);

//   name    truncation         unclean retries  lag    acks backoff linger
constexpr std::array<Edition, 25> kEditions = {{
    {"0.10", to_high_watermark, true, 0, kLag10, 1, false, {}},
    {"0.11", kip101, false, 0, kLag10, 1, false, {}},
    {"1.0", kip101, false, 0, kLag10, 1, false, {}},
    {"1.1", kip101, false, 0, kLag10, 1, false, {}},
    {"2.0", kip279, false, 0, kLag10, 1, false, {}},
    {"2.1", kip320, false, kMax, kLag10, 1, false, {}},
    {"2.2", kip320, false, kMax, kLag10, 1, false, {}},
    {"2.3", kip320, false, kMax, kLag10, 1, false, {}},
    {"2.4", kip320, false, kMax, kLag10, 1, false, {}},
    {"2.5", kip320, false, kMax, kLag30, 1, false, {}},
    {"2.6", kip320, false, kMax, kLag30, 1, false, {}},
    {"2.7", kip320, false, kMax, kLag30, 1, false, {}},
    {"2.8", kip320, false, kMax, kLag30, 1, false, {}},
    {"3.0", kip320, false, kMax, kLag30, -1, false, {}},
    {"3.1", kip320, false, kMax, kLag30, -1, false, {}},
    {"3.2", kip320, false, kMax, kLag30, -1, false, {}},
    {"3.3", kip320, false, kMax, kLag30, -1, false, {}},
    {"3.4", kip320, false, kMax, kLag30, -1, false, {}},
    {"3.5", kip320, false, kMax, kLag30, -1, false, {}},
    {"3.6", kip320, false, kMax, kLag30, -1, false, {}},
    {"3.7", kip320, false, kMax, kLag30, -1, true, {}},
    {"3.8", kip320, false, kMax, kLag30, -1, true, {}},
    {"3.9", kip320, false, kMax, kLag30, -1, true, {}},
    {"4.0", kip320, false, kMax, kLag30, -1, true, milliseconds(5)},
    {"4.1", kip320, false, kMax, kLag30, -1, true, milliseconds(5)},
}};

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
    settings.broker.rules.truncation = edition.truncation;
    settings.broker.replica_lag_time_max = edition.replica_lag_time_max;
    settings.topic.unclean_leader_election_enable = edition.unclean_leader_election_enable;
    settings.producer.retries = edition.retries;
    settings.producer.acks = edition.acks;
    settings.producer.linger = edition.linger;
    if (!edition.exponential_backoff) {
        settings.producer.retry_backoff_max = settings.producer.retry_backoff;
        settings.consumer.retry_backoff_max = settings.consumer.retry_backoff;
    }
    return settings;
}

}  // namespace tribunal
