// The family of KafkaReplication, by every strategy, against the naive explorer.
#include "model/agreement.h"
#include "model/specs/kafka_replication.h"

namespace tribunal {
namespace {

template <unsigned Words = 1>
KafkaReplication<Words> family(const KafkaReplicationRules& rules,
                               const KafkaReplicationConstants& constants) {
    return {kafka_replication_layout(constants), rules};
}

TEST(Agreement, KafkaReplicationAsTheTwinDoes) {
    const KafkaReplicationConstants k2222{2, 2, 2, 2};
    const KafkaReplicationConstants k3111{3, 1, 1, 1};
    expect_agreement("KafkaTruncateToHighWatermark",
                     family(kafka_truncate_to_high_watermark_rules(), {2, 2, 2, 1}));
    expect_agreement("Kip101", family<2>(kip101_rules(), k2222));
    expect_agreement("Kip279", family<2>(kip279_rules(), k2222));
    expect_agreement("Kip320FirstTry", family<3>(kip320_first_try_rules(), k2222));
    expect_agreement("Kip320", family<2>(kip320_rules(), k2222));
    expect_agreement("Kip279, three replicas", family<2>(kip279_rules(), k3111));
    expect_agreement(
        "Kip320 without a rule",
        family<2>(kip320_rules_without(Kip320Rule::hw_in_epoch_in_expand), {3, 2, 2, 1}));
}

}  // namespace
}  // namespace tribunal
