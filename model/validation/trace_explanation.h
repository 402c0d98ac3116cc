// One step of trace validation: from abstract states that agreed with the world before a real step,
// those that agree with it afterwards. See trace_validation.h for what agreeing is.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "model/validation/trace_validation.h"

namespace tribunal {

struct TraceStep {
    const KafkaReplicationLayout& at;
    const KafkaReplicationRules& rules;
    const TracedPartitionWorld::Specification& specification;
    const TraceHistory& history;     // after it
    const TraceObservation& before;  // empty: the world comes up
    const TraceObservation& after;
    const TraceEvents& events;
};

std::vector<TracedPartitionWorld::Explanation> explanations_after(
    const TraceStep& step, std::span<const TracedPartitionWorld::Explanation> before,
    std::string* why);

}  // namespace tribunal
