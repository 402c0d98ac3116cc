// The pieces of the HTML page that to_html puts together; nothing else uses them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "reports/report.h"

namespace tribunal {

// "fail", "pass", ...: the class of a verdict in page.css.
std::string_view verdict_class(Verdict verdict);
// The word with its shape: no verdict is told by colour alone.
std::string verdict_badge(Verdict verdict);

// Static sections in the order of the page, complete without scripts. Empty when there is nothing.
std::string verdict_section(const Report& report);
std::string expectations_section(const Report& report);
std::string guarantees_section(const Report& report);
std::string violations_section(const Report& report);
std::string overview_section(const Report& report);
std::string partitions_section(const Report& report);
std::string faults_section(const Report& report);
std::string claims_section(const Report& report);
std::string settings_section(const Report& report);
std::string environment_section(const Report& report);

// "showing 500 of 1,204 faults; ..." when some were left out, else nothing.
std::string shown_banner(std::size_t shown, std::size_t total, std::string_view what,
                         std::string_view where);

// What the charts draw, as JSON that may stand inside <script>; at most about `budget` bytes, with
// the numbers of what was left out in it.
std::string chart_data(const Report& report, std::size_t budget);

}  // namespace tribunal
