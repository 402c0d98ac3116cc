// Consumer groups and KRaft replication, by every strategy, against the naive explorer.
#include "model/agreement.h"
#include "model/specs/consumer_group_protocol.h"
#include "model/specs/kraft_replication.h"

namespace tribunal {
namespace {

TEST(Agreement, ConsumerGroupsAsTheTwinDoes) {
    expect_agreement("whole states", ConsumerGroupProtocol({.topics = 1, .max_perturbations = 0}));
    expect_agreement("view", ConsumerGroupProtocolView({.topics = 1, .max_perturbations = 0}));
}

TEST(Agreement, KraftReplicationAsTheTwinDoes) {
    kraft_replication::Settings settings;
    settings.broker_count = 2;
    settings.init_replication_factor = 2;
    settings.min_isr = 1;
    settings.init_isr_size = 2;
    settings.fence_broker_limit = 1;
    settings.unclean_shutdown_limit = 0;
    expect_agreement("v3.5", kraft_replication::KraftReplication(settings));
}

}  // namespace
}  // namespace tribunal
