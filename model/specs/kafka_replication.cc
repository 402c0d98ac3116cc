// The KafkaReplication family: the rules of each specification, the layout, and the texts.
#include "model/specs/kafka_replication.h"

#include <bit>

namespace tribunal {

namespace {

constexpr std::string_view kTruncateToHighWatermarkActions[] = {
    "ControllerElectLeader",  "ControllerShrinkIsr",
    "BecomeLeader",           "LeaderExpandIsr",
    "LeaderShrinkIsr",        "LeaderWrite",
    "LeaderIncHighWatermark", "BecomeFollowerTruncateToHighWatermark",
    "FollowerReplicate"};
constexpr std::string_view kKip101Actions[] = {
    "ControllerElectLeader",  "ControllerShrinkIsr",
    "BecomeLeader",           "LeaderExpandIsr",
    "LeaderShrinkIsr",        "LeaderWrite",
    "LeaderIncHighWatermark", "BecomeFollowerTruncateKip101",
    "FollowerReplicate"};
constexpr std::string_view kKip279Actions[] = {
    "ControllerElectLeader",  "ControllerShrinkIsr",
    "BecomeLeader",           "LeaderExpandIsr",
    "LeaderShrinkIsr",        "LeaderWrite",
    "LeaderIncHighWatermark", "BecomeFollowerTruncateKip279",
    "FollowerReplicate"};
constexpr std::string_view kKip320FirstTryActions[] = {"ControllerElectLeader",
                                                       "ControllerShrinkIsr",
                                                       "BecomeLeader",
                                                       "LeaderExpandIsrBetterFencing",
                                                       "LeaderShrinkIsrBetterFencing",
                                                       "LeaderWrite",
                                                       "ImprovedLeaderIncHighWatermark",
                                                       "BecomeFollower",
                                                       "FollowerFetch",
                                                       "FollowerTruncate"};
constexpr std::string_view kKip320Actions[] = {"ControllerElectLeader",
                                               "ControllerShrinkIsr",
                                               "BecomeLeader",
                                               "FencedLeaderExpandIsr",
                                               "FencedLeaderShrinkIsr",
                                               "LeaderWrite",
                                               "FencedLeaderIncHighWatermark",
                                               "FencedBecomeFollowerAndTruncate",
                                               "FencedFollowerFetch"};

// TypeOk is left out: its Nil, a number, is compared with records, which TLC refuses to do.
// LeaderInIsr holds whenever there is a leader; as published it is false in the initial state.
constexpr PropertySpec kProperties[] = {{"WeakIsr"}, {"StrongIsr"}, {"LeaderInIsr"}};

// Strong fairness of the leader's progress, weak fairness of applying requests.
constexpr KafkaReplicationStep kStrong[] = {KafkaReplicationStep::leader_inc_high_watermark,
                                            KafkaReplicationStep::leader_expand_isr,
                                            KafkaReplicationStep::leader_write};
constexpr KafkaReplicationStep kWeak[] = {KafkaReplicationStep::become_follower,
                                          KafkaReplicationStep::become_leader};

unsigned width(unsigned most) { return static_cast<unsigned>(std::bit_width(most)); }
std::uint64_t ones(unsigned bits) {
    return bits >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << bits) - 1;
}

}  // namespace

KafkaReplicationRules kafka_truncate_to_high_watermark_rules() {
    KafkaReplicationRules rules;
    rules.action_names = kTruncateToHighWatermarkActions;
    return rules;
}

KafkaReplicationRules kip101_rules() {
    KafkaReplicationRules rules;
    rules.truncation = KafkaTruncation::kip101;
    rules.action_names = kKip101Actions;
    return rules;
}

KafkaReplicationRules kip279_rules() {
    KafkaReplicationRules rules;
    rules.truncation = KafkaTruncation::kip279;
    rules.action_names = kKip279Actions;
    return rules;
}

// Deviation: the published fairness names LeaderExpandIsr, the old action, where
// LeaderExpandIsrBetterFencing must be meant.
KafkaReplicationRules kip320_first_try_rules() {
    return {KafkaTruncation::on_fetch,  FollowerTest::record_epoch, FollowerTest::record_epoch,
            FollowerTest::record_epoch, FollowerTest::record_epoch, true,
            kKip320FirstTryActions};
}

KafkaReplicationRules kip320_rules() {
    return {KafkaTruncation::kip320,
            FollowerTest::leader_epoch,
            FollowerTest::leader_epoch,
            FollowerTest::leader_epoch,
            FollowerTest::leader_epoch,
            true,
            kKip320Actions};
}

KafkaReplicationRules kip320_rules_without(Kip320Rule rule) {
    KafkaReplicationRules rules = kip320_rules();
    switch (rule) {
        case Kip320Rule::none:
            break;
        case Kip320Rule::same_epoch_truncation:
            rules.truncation = KafkaTruncation::kip279;
            break;
        case Kip320Rule::hw_in_epoch_in_expand:
            rules.expand_needs_high_watermark_in_epoch = false;
            break;
        case Kip320Rule::epoch_in_inc_hw:
            rules.inc_high_watermark = FollowerTest::leader;
            break;
        case Kip320Rule::epoch_in_fetch:
            rules.fetch = FollowerTest::leader;
            break;
        case Kip320Rule::epoch_in_expand:
            rules.expand_isr = FollowerTest::leader;
            break;
    }
    return rules;
}

std::span<const PropertySpec> kafka_replication_properties() { return kProperties; }

std::vector<FairnessClass> kafka_replication_fairness(const KafkaReplicationRules& rules) {
    std::vector<FairnessClass> classes;
    const auto name = [&](KafkaReplicationStep step) {
        return std::string(rules.action_names[static_cast<std::size_t>(step)]);
    };
    for (const auto step : kStrong) classes.push_back({name(step), FairnessKind::strong});
    for (const auto step : kWeak) classes.push_back({name(step), FairnessKind::weak});
    return classes;
}

std::uint64_t kafka_replication_fair_classes(Action action) {
    const auto taken = static_cast<KafkaReplicationStep>(action.kind);
    std::uint64_t bit = 1;
    for (const auto step : kStrong) {
        if (step == taken) return bit;
        bit <<= 1;
    }
    for (const auto step : kWeak) {
        if (step == taken) return bit;
        bit <<= 1;
    }
    return 0;
}

KafkaReplicationLayout kafka_replication_layout(const KafkaReplicationConstants& constants) {
    const auto [replicas, log_size, max_records, max_leader_epoch] = constants;
    KafkaReplicationLayout at;
    at.constants = constants;
    const unsigned offset_bits = width(log_size);
    const unsigned epoch_bits = width(max_leader_epoch + 1);
    at.leader_bits = width(replicas);
    at.end_shift = offset_bits;
    at.epoch_shift = 2 * offset_bits;
    at.leader_shift = at.epoch_shift + epoch_bits;
    at.offset_mask = ones(offset_bits);
    at.epoch_mask = ones(epoch_bits);
    at.leader_mask = ones(at.leader_bits);
    at.isr_mask = ones(replicas);
    const unsigned request_bits = at.leader_bits + replicas;
    const unsigned local_bits = at.leader_shift + request_bits;
    at.local_mask = ones(local_bits);
    at.request_mask = ones(request_bits);

    at.id_bits = max_records == 0 ? 0 : width(max_records - 1);
    at.record_bits = at.id_bits + width(max_leader_epoch);
    at.record_mask = ones(at.record_bits);
    at.log_bits = log_size * at.record_bits;
    for (unsigned n = 0; n <= log_size; ++n) at.log_prefix[n] = ones(n * at.record_bits);

    at.next_epoch_shift = request_bits;
    at.next_record_shift = request_bits + epoch_bits;
    at.next_record_mask = ones(width(max_records));
    const unsigned quorum_bits = at.next_record_shift + width(max_records);
    at.quorum_mask = ones(quorum_bits);

    // Each into the first word with room for it. No part is wider than 64 bits where representable,
    // and there are never more words than parts.
    std::vector<unsigned> used;
    const auto place = [&](unsigned bits) {
        std::size_t word = 0;
        while (word < used.size() && used[word] + bits > 64) ++word;
        if (word == used.size()) used.push_back(0);
        const KafkaReplicationLayout::Place result{static_cast<std::uint8_t>(word),
                                                   static_cast<std::uint8_t>(used[word] % 64)};
        used[word] += bits;
        at.bits += bits;
        return result;
    };
    for (unsigned r = 0; r < replicas; ++r) at.log[r] = place(at.log_bits);
    for (unsigned r = 0; r < replicas; ++r) at.local[r] = place(local_bits);
    at.quorum = place(quorum_bits);
    for (unsigned e = 0; e <= max_leader_epoch; ++e) at.request[e] = place(request_bits);
    at.words = static_cast<unsigned>(used.size());
    return at;
}

namespace {

std::string replica_name(int replica) {
    return replica < 0 ? "NONE" : "r" + std::to_string(replica + 1);
}

std::string isr_text(unsigned isr) {
    std::string text = "{";
    for (int r = 0; isr >> r != 0; ++r) {
        if ((isr >> r & 1u) == 0) continue;
        if (text.size() > 1) text += ", ";
        text += replica_name(r);
    }
    return text + "}";
}

std::string text_of_request(int epoch, int leader, unsigned isr) {
    return "leaderEpoch " + std::to_string(epoch) + ", leader " + replica_name(leader) + ", isr " +
           isr_text(isr);
}

std::string text_of_log(const std::vector<KafkaReplicationVariables::Record>& log) {
    std::string text = "<";
    for (const auto& [id, epoch] : log) {
        if (text.size() > 1) text += ", ";
        text += "id " + std::to_string(id) + " epoch " + std::to_string(epoch);
    }
    return text + ">";
}

}  // namespace

StateText show_kafka_replication(const KafkaReplicationVariables& v) {
    StateText text;
    for (std::size_t r = 0; r < v.replicas.size(); ++r) {
        text.emplace_back("replicaLog[" + replica_name(static_cast<int>(r)) + "]",
                          text_of_log(v.replicas[r].log));
    }
    for (std::size_t r = 0; r < v.replicas.size(); ++r) {
        const auto& replica = v.replicas[r];
        text.emplace_back("replicaState[" + replica_name(static_cast<int>(r)) + "]",
                          "hw " + std::to_string(replica.hw) + ", " +
                              text_of_request(replica.leader_epoch, replica.leader, replica.isr));
    }
    text.emplace_back("nextRecordId", std::to_string(v.next_record_id));
    text.emplace_back("nextLeaderEpoch", std::to_string(v.requests.size()));
    std::string requests = "{";
    for (std::size_t epoch = 0; epoch < v.requests.size(); ++epoch) {
        if (epoch != 0) requests += ", ";
        const auto& [leader, isr] = v.requests[epoch];
        requests += "[" + text_of_request(static_cast<int>(epoch), leader, isr) + "]";
    }
    text.emplace_back("leaderAndIsrRequests", requests + "}");
    text.emplace_back("quorumState", text_of_request(static_cast<int>(v.requests.size()) - 1,
                                                     v.quorum.leader, v.quorum.isr));
    return text;
}

std::string describe_kafka_replication(const KafkaReplicationVariables& v, std::string_view name,
                                       Action action, unsigned truncate_to) {
    using Step = KafkaReplicationStep;
    const int low = action.detail & 15;
    const int high = action.detail >> 4;
    std::string text = std::string(name) + "(";
    switch (static_cast<Step>(action.kind)) {
        case Step::controller_elect_leader:
        case Step::controller_shrink_isr:
            text += replica_name(action.detail);
            break;
        case Step::become_leader:
            text += replica_name(v.requests[action.detail].leader) + ", epoch " +
                    std::to_string(action.detail);
            break;
        case Step::leader_expand_isr:
        case Step::leader_shrink_isr:
            text += "leader " + replica_name(low) + ", follower " + replica_name(high);
            break;
        case Step::leader_write:
            text += replica_name(low) + ", id " + std::to_string(v.next_record_id) + ", offset " +
                    std::to_string(v.replicas[static_cast<std::size_t>(low)].log.size());
            break;
        case Step::leader_inc_high_watermark:
            text += replica_name(low) + ", hw " +
                    std::to_string(v.replicas[static_cast<std::size_t>(low)].hw + 1);
            break;
        case Step::become_follower: {
            const auto& replica = v.replicas[static_cast<std::size_t>(low)];
            text += replica_name(low) + ", leader " +
                    replica_name(v.requests[static_cast<std::size_t>(high)].leader) + ", epoch " +
                    std::to_string(high);
            if (truncate_to < replica.log.size()) {
                text += ", truncate to " + std::to_string(truncate_to);
            }
            break;
        }
        case Step::follower_replicate:
            text += replica_name(high) + ", leader " + replica_name(low) + ", offset " +
                    std::to_string(v.replicas[static_cast<std::size_t>(high)].log.size());
            break;
        case Step::follower_truncate:
            text += replica_name(high) + ", leader " + replica_name(low) + ", truncate to " +
                    std::to_string(truncate_to);
            break;
    }
    return text + ")";
}

}  // namespace tribunal
