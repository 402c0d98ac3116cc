// One self-contained page: static HTML that needs no script, then data, chart library and script.
//
// It opens from a file, loads nothing, and stays below 10 MB whatever the run: what does not fit is
// left out of the charts with a banner that says so.
#include <algorithm>
#include <map>
#include <string>

#include "reports/assets.h"
#include "reports/escape.h"
#include "reports/html_parts.h"
#include "reports/report.h"
#include "reports/wording.h"

namespace tribunal {
namespace {

constexpr std::size_t kPageBudget = 9'500'000;
constexpr std::size_t kDataAtLeast = 500'000;

// One pass: what is put into a slot is never searched for slots.
std::string filled(std::string_view frame,
                   const std::map<std::string_view, std::string_view>& slots) {
    std::string page;
    while (true) {
        const std::size_t open = frame.find("{{");
        if (open == std::string_view::npos) break;
        const std::size_t close = frame.find("}}", open);
        if (close == std::string_view::npos) break;
        page += frame.substr(0, open);
        const auto slot = slots.find(frame.substr(open + 2, close - open - 2));
        if (slot != slots.end()) page += slot->second;
        frame.remove_prefix(close + 2);
    }
    page += frame;
    return page;
}

std::string nav_of(const Report& report) {
    std::string nav = "<ul>\n";
    const auto link = [&](std::string_view id, std::string_view name,
                          const std::string& extra = "") {
        nav.append("<li><a href=\"#").append(id).append("\">").append(name).append("</a>");
        nav.append(extra).append("</li>\n");
    };
    link("verdict", "Verdict");
    if (!report.expectations.empty()) link("expectations", "Expectations");
    link("guarantees", "Guarantees");
    const auto violations = numbered_violations(report);
    constexpr std::size_t kTags = 12;
    std::string tags;
    if (!violations.empty()) {
        tags = "<ul class=\"tags\">";
        for (std::size_t i = 0; i < std::min(kTags, violations.size()); ++i) {
            const bool allowed = violations[i].violation->allowed;
            tags.append("<li><a class=\"tag ").append(allowed ? "allowed" : "fail");
            tags.append("\" href=\"#").append(violations[i].tag).append("\">");
            tags.append(violations[i].tag).append("</a></li>");
        }
        if (violations.size() > kTags) {
            tags.append("<li class=\"soft\">of ")
                .append(with_thousands(violations.size()))
                .append("</li>");
        }
        tags += "</ul>";
    }
    link("violations", "Violations", tags);
    if (!report.series.empty() || !report.ledger.empty()) link("overview", "Overview");
    if (!report.partitions.empty()) link("partitions", "Partitions");
    link("faults", "Faults");
    if (!report.claims.empty()) link("claims", "Claims");
    link("settings", "Settings");
    link("environment", "Environment");
    return nav + "</ul>";
}

}  // namespace

std::string to_html(const Report& report) {
    const std::string main = verdict_section(report) + expectations_section(report) +
                             guarantees_section(report) + violations_section(report) +
                             overview_section(report) + partitions_section(report) +
                             faults_section(report) + claims_section(report) +
                             settings_section(report) + environment_section(report);
    const std::size_t fixed = main.size() + page_html().size() + page_css().size() +
                              page_js().size() + chart_library().size();
    const std::size_t left = kPageBudget > fixed ? kPageBudget - fixed : 0;
    const std::string data = chart_data(report, std::max(left, kDataAtLeast));
    std::string title = escape_markup(outcome_of(report));
    if (!report.scenario.empty()) title += " - " + escape_markup(report.scenario);
    title += " - Tribunal";
    const std::string nav = nav_of(report);
    return filled(page_html(), {{"title", title},
                                {"style", page_css()},
                                {"nav", nav},
                                {"main", main},
                                {"data", data},
                                {"library", chart_library()},
                                {"script", page_js()}});
}

}  // namespace tribunal
