// From a played scenario to the report that the writers format.
#pragma once

#include "reports/report.h"
#include "scenarios/play.h"

namespace tribunal {

enum class Detail : std::uint8_t {
    verdicts,  // counts, checks, expectations
    full,      // and time series, partitions, the messages around violations: plays the run again
};

Report build_report(const Scenario& scenario, const Played& played, Detail detail);

}  // namespace tribunal
