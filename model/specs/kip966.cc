// The registry entry of KIP-966 (eligible leader replicas): kraft_replication.h with its switch on.
#include "model/explore.h"
#include "model/specs/kraft_replication_entries.h"
#include "model/specs/specs.h"

namespace tribunal {

ModelEntry kip966_model() {
    using namespace kraft_replication;
    return {
        .name = "kafka_replication_kip_966",
        .about = "data replication with eligible leader replicas (KIP-966)",
        .source = "Vanlightly/kafka-tlaplus, kafka_data_replication/kraft/kip-966",
        .constants = constants_of(Version::kip_966),
        .search =
            [](const Constants& constants, const SearchOptions& options) {
                return search(KraftReplication(settings_of(constants, Version::kip_966)), options);
            },
        .validate =
            [](const Constants& constants) {
                validate_settings(settings_of(constants, Version::kip_966));
            },
    };
}

}  // namespace tribunal
