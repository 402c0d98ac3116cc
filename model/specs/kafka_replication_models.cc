// The five specifications of the KafkaReplication family by name, with the rules that can be taken
// away from them one at a time.
//
// No .cfg is published. With the defaults all but Kip320 fail.
#include "model/explore.h"
#include "model/specs/kafka_replication.h"
#include "model/specs/specs.h"

namespace tribunal {

namespace {

using Layout = KafkaReplicationLayout;
using Rules = KafkaReplicationRules;

std::vector<ConstantSpec> constants_and(const std::vector<ConstantSpec>& variants) {
    std::vector<ConstantSpec> constants{
        {"Replicas", 3, 1, Layout::kMaxReplicas, "replicas of the partition"},
        {"LogSize", 2, 1, Layout::kMaxLogSize, "records that a log has room for"},
        {"MaxRecords", 2, 0, Layout::kMaxRecords, "records that are written at all"},
        {"MaxLeaderEpoch", 2, 0, Layout::kMaxLeaderEpoch, "leader epochs are 0 to this"}};
    constants.insert(constants.end(), variants.begin(), variants.end());
    return constants;
}

Layout layout_of(const Constants& c) {
    const auto size = [&](std::string_view name) { return static_cast<unsigned>(c[name]); };
    return kafka_replication_layout({.replicas = size("Replicas"),
                                     .log_size = size("LogSize"),
                                     .max_records = size("MaxRecords"),
                                     .max_leader_epoch = size("MaxLeaderEpoch")});
}

void validate(const Constants& c) {
    const Layout layout = layout_of(c);
    if (layout.representable()) return;
    std::string message = layout.log_bits > 64
                              ? "a log of this size takes " + std::to_string(layout.log_bits) +
                                    " bits; the most are 64"
                              : "a state of this size takes " + std::to_string(layout.words) +
                                    " words of 64 bits; the most are " +
                                    std::to_string(Layout::kMaxWords);
    std::string_view before = "; with the other constants as they are, at most ";
    for (const ConstantSpec& size : constants_and({})) {
        Constants smaller = c;
        for (std::int64_t value = c[size.name]; --value >= size.least;) {
            smaller.set(size.name, value);
            if (!layout_of(smaller).representable()) continue;
            message += std::string(before) + std::string(size.name) + "=" + std::to_string(value);
            before = " or ";
            break;
        }
    }
    throw BadConstants(message);
}

// In states as small as the constants allow: a search costs what it copies and hashes.
SearchResult search_with(const Rules& rules, const Constants& c, const SearchOptions& options) {
    validate(c);
    const Layout layout = layout_of(c);
    if (layout.words <= 1) return search(KafkaReplication<1>(layout, rules), options);
    if (layout.words <= 2) return search(KafkaReplication<2>(layout, rules), options);
    if (layout.words <= 3) return search(KafkaReplication<3>(layout, rules), options);
    if (layout.words <= 4) return search(KafkaReplication<4>(layout, rules), options);
    return search(KafkaReplication<Layout::kMaxWords>(layout, rules), options);
}

template <Rules (*rules)()>
SearchResult search_as_published(const Constants& c, const SearchOptions& options) {
    return search_with(rules(), c, options);
}

SearchResult search_kip101(const Constants& c, const SearchOptions& options) {
    Rules rules = kip101_rules();
    if (c["Truncation"] == 1) rules.truncation = KafkaTruncation::kip101_clamped;
    return search_with(rules, c, options);
}

SearchResult search_kip320(const Constants& c, const SearchOptions& options) {
    return search_with(kip320_rules_without(static_cast<Kip320Rule>(c["Without"])), c, options);
}

}  // namespace

ModelEntry kafka_truncate_to_high_watermark_model() {
    return {
        .name = "KafkaTruncateToHighWatermark",
        .about = "data replication before KIP-101: a follower truncates to its high watermark",
        .source = "hachikuji/kafka-specification, KafkaTruncateToHighWatermark.tla",
        .constants = constants_and({}),
        .search = search_as_published<kafka_truncate_to_high_watermark_rules>,
        .validate = validate,
    };
}

ModelEntry kip101_model() {
    return {
        .name = "Kip101",
        .about = "a follower truncates by the leader epoch of its last record",
        .source = "hachikuji/kafka-specification, Kip101.tla",
        .constants = constants_and({{"Truncation",
                                     0,
                                     0,
                                     1,
                                     "when the leader's answer is beyond the follower's log",
                                     {"disabled_beyond_end", "clamped_to_end"}}}),
        .search = search_kip101,
        .validate = validate,
    };
}

ModelEntry kip279_model() {
    return {
        .name = "Kip279",
        .about = "a follower truncates to where its log and the leader's part",
        .source = "hachikuji/kafka-specification, Kip279.tla",
        .constants = constants_and({}),
        .search = search_as_published<kip279_rules>,
        .validate = validate,
    };
}

ModelEntry kip320_first_try_model() {
    return {
        .name = "Kip320FirstTry",
        .about = "fetches carry the last record's epoch, followers truncate when told to",
        .source = "hachikuji/kafka-specification, Kip320FirstTry.tla",
        .constants = constants_and({}),
        .search = search_as_published<kip320_first_try_rules>,
        .validate = validate,
    };
}

ModelEntry kip320_model() {
    return {
        .name = "Kip320",
        .about = "fetches and truncation are fenced by the leader epoch, as accepted",
        .source = "hachikuji/kafka-specification, Kip320.tla",
        .constants = constants_and({{"Without",
                                     0,
                                     0,
                                     5,
                                     "the rule that is taken away",
                                     {"none", "same_epoch_truncation", "hw_in_epoch_in_expand",
                                      "epoch_in_inc_hw", "epoch_in_fetch", "epoch_in_expand"}}}),
        .search = search_kip320,
        .validate = validate,
    };
}

template SearchResult search(const KafkaReplication<1>&, const SearchOptions&);
template SearchResult search(const KafkaReplication<2>&, const SearchOptions&);
template SearchResult search(const KafkaReplication<3>&, const SearchOptions&);

}  // namespace tribunal
