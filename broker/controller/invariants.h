// What holds of every cluster image, and of every record that changes one: the controller's
// promises, checked after every decision in tests and by the monitors in properties/.
//
// Each rule has the name it has in reports: R7 (a leader is in sync), R9 (epochs go up), R15
// (eligible leader replicas are well formed), R20 (a partition with neither ISR nor ELR knows its
// last leader), Q15 (a change of a partition raises its epoch by one), Q16 (broker epochs are
// unique, and a broker has one life at a time).
#pragma once

#include <string_view>
#include <vector>

#include "broker/controller/cluster_image.h"

namespace tribunal {

struct MetadataFinding {
    std::string_view rule;  // "R7"
    TopicPartition partition{TopicId{-1}, -1};
    NodeId broker = kNoNode;
    std::string_view what;
    bool operator==(const MetadataFinding&) const = default;
};
using MetadataFindings = std::vector<MetadataFinding>;

// R7, R15. Of a partition, in any image.
void check_partition(const ClusterImage& image, TopicPartition tp, const Rules& rules,
                     MetadataFindings& findings);
// Of every partition. O(partitions).
void check_image(const ClusterImage& image, const Rules& rules, MetadataFindings& findings);

// R9, R20, Q15: from one state of a partition to the next.
void check_change(const PartitionImage& before, const PartitionChangeRecord& change,
                  const PartitionImage& after, MetadataFindings& findings);
// Q16: what a record does to the registrations of `before`.
void check_registrations(const ClusterImage& before, const MetadataRecord& record,
                         MetadataFindings& findings);

// Replays the record and checks the step and what it touched; of a broker's own record, every
// partition, for its standing matters to all of them.
void replay_checked(ClusterImage& image, const MetadataRecord& record, const Rules& rules,
                    MetadataFindings& findings);

}  // namespace tribunal
