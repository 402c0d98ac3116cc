// The KIP-848 model as people name and set it.
#include "model/explore.h"
#include "model/specs/consumer_group_protocol.h"
#include "model/specs/specs.h"

namespace tribunal {
namespace {

consumer_group::Config config_of(const Constants& constants) {
    const auto number = [&](std::string_view name) { return static_cast<int>(constants[name]); };
    return {.clients = number("Clients"),
            .topics = number("TopicCount"),
            .partitions_per_topic = number("PartitionsPerTopic"),
            .max_perturbations = number("MaxPerturbations"),
            .partition_epochs =
                static_cast<consumer_group::PartitionEpochs>(number("PartitionEpochs"))};
}

SearchResult search_it(const Constants& constants, const SearchOptions& options) {
    const consumer_group::Config config = config_of(constants);
    if (constants["View"] != 0) return search(ConsumerGroupProtocolView(config), options);
    return search(ConsumerGroupProtocol(config), options);
}

void validate(const Constants& constants) {
    try {
        const consumer_group::Rules rules(config_of(constants));
    } catch (const std::invalid_argument& refusal) {
        throw BadConstants(std::string("consumer_group_protocol_kip_848_v2: ") + refusal.what());
    }
}

}  // namespace

ModelEntry consumer_group_protocol_model() {
    return {
        .name = "consumer_group_protocol_kip_848_v2",
        .about = "KIP-848: a coordinator moves partitions between heartbeating group members",
        .source = "Vanlightly/kafka-tlaplus, groupprotocol",
        .constants =
            {
                {"Clients", 2, 1, consumer_group::kMaxClients, "how many clients"},
                {"TopicCount", 2, 1, consumer_group::kMaxPartitions, "how many topics"},
                {"PartitionsPerTopic", 1, 1, consumer_group::kMaxPartitions,
                 "partitions of each topic"},
                {"MaxPerturbations", 1, 0, 4,
                 "subscription changes, leaves, crashes and expiries of live members"},
                {"PartitionEpochs",
                 0,
                 0,
                 1,
                 "how the epochs of partitions follow an assignment",
                 {"fixed", "before_kafka_16147"}},
                {"View",
                 0,
                 0,
                 1,
                 "which variables tell states apart: all, or those of the specification's view",
                 {"none", "shipped"}},
            },
        .search = search_it,
        .validate = validate,
    };
}

template SearchResult search(const ConsumerGroupProtocol&, const SearchOptions&);
template SearchResult search(const ConsumerGroupProtocolView&, const SearchOptions&);

}  // namespace tribunal
