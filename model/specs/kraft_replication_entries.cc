// The registry entry of version 3.5, and the constants.
#include "model/specs/kraft_replication_entries.h"

#include "model/explore.h"
#include "model/specs/specs.h"

namespace tribunal {
namespace kraft_replication {

std::vector<ConstantSpec> constants_of(Version version) {
    const bool is_kip_966 = version == Version::kip_966;
    std::vector<ConstantSpec> constants = {
        {"BrokerCount", 3, 1, kMaxBrokers, "brokers; those beyond the replicas serve reassignment"},
        {"InitReplicationFactor", 3, 1, kMaxBrokers, "replicas at first"},
        {"Values", 1, 1, kMaxValues, "how many records can be written, each once"},
        {"MinISR", 2, 1, kMaxBrokers, "min.insync.replicas"},
        {"InitIsrSize", 2, 1, kMaxBrokers, "replicas in the ISR at first, the leader included"},
    };
    if (is_kip_966) {
        constants.push_back(
            {"NoDataLossShutdownLimit", 0, 0, 3, "how often a broker stops and keeps its log"});
        constants.push_back(
            {"DataLossShutdownLimit", 1, 0, 3, "how often a broker stops and loses its log"});
    } else {
        constants.push_back({"CleanShutdownLimit", 0, 0, 3, "how often a broker stops cleanly"});
        constants.push_back(
            {"UncleanShutdownLimit", 1, 0, 3, "how often a broker stops and loses its log"});
    }
    constants.push_back({"FenceBrokerLimit", 1, 0, 3, "how often the controller fences a broker"});
    constants.push_back({"LeaderShrinkIsrLimit", 0, 0, 3, "how often a leader shrinks the ISR"});
    constants.push_back({"ReassignmentLimit", 0, 0, 2, "how often the replicas are reassigned"});
    if (!is_kip_966) {
        constants.push_back({"AvoidLastReplicaStanding",
                             1,
                             0,
                             1,
                             "the last member of the ISR does not lose its log",
                             {"FALSE", "TRUE"}});
    }
    std::vector<std::string_view> rules = {"none",
                                           "kip903_broker_epoch",
                                           "maximal_isr_high_watermark",
                                           "partition_epoch",
                                           "leo_at_least_hwm",
                                           "leo_at_least_leso"};
    if (is_kip_966) rules.push_back("min_isr_high_watermark");
    const auto last = static_cast<std::int64_t>(rules.size()) - 1;
    constants.push_back({"Without", 0, 0, last, "a safety rule taken away", std::move(rules)});
    return constants;
}

Settings settings_of(const Constants& constants, Version version) {
    const auto number = [&](std::string_view name) { return static_cast<int>(constants[name]); };
    const bool is_kip_966 = version == Version::kip_966;
    Settings c;
    c.version = version;
    c.broker_count = to_byte(number("BrokerCount"));
    c.init_replication_factor = number("InitReplicationFactor");
    c.values = to_byte(number("Values"));
    c.min_isr = number("MinISR");
    c.init_isr_size = number("InitIsrSize");
    c.clean_shutdown_limit = number(is_kip_966 ? "NoDataLossShutdownLimit" : "CleanShutdownLimit");
    c.unclean_shutdown_limit =
        number(is_kip_966 ? "DataLossShutdownLimit" : "UncleanShutdownLimit");
    c.fence_broker_limit = number("FenceBrokerLimit");
    c.leader_shrink_isr_limit = number("LeaderShrinkIsrLimit");
    c.reassignment_limit = number("ReassignmentLimit");
    c.avoid_last_replica_standing = !is_kip_966 && number("AvoidLastReplicaStanding") != 0;
    c.without = static_cast<Without>(constants["Without"]);
    return c;
}

void validate_settings(const Settings& c) {
    const auto require = [](bool holds, const char* what) {
        if (!holds) throw BadConstants(what);
    };
    require(c.init_replication_factor <= c.broker_count,
            "InitReplicationFactor must be at most BrokerCount");
    require(c.init_isr_size <= c.init_replication_factor,
            "InitIsrSize must be at most InitReplicationFactor");
    require(c.min_isr <= c.init_isr_size, "MinISR must be at most InitIsrSize");
}

}  // namespace kraft_replication

ModelEntry kraft_replication_model() {
    using namespace kraft_replication;
    return {
        .name = "kafka_replication_v3_5",
        .about = "data replication under the KRaft controller as of Kafka 3.5",
        .source = "Vanlightly/kafka-tlaplus, kafka_data_replication/kraft/v3.5",
        .constants = constants_of(Version::v3_5),
        .search =
            [](const Constants& constants, const SearchOptions& options) {
                return search(KraftReplication(settings_of(constants, Version::v3_5)), options);
            },
        .validate =
            [](const Constants& constants) {
                validate_settings(settings_of(constants, Version::v3_5));
            },
    };
}

}  // namespace tribunal

namespace tribunal {

template SearchResult search(const kraft_replication::KraftReplication&, const SearchOptions&);

}  // namespace tribunal
