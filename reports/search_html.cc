// check.html: one self-contained page of a search, in the look of report.html. It is complete
// without scripts; the script only lets a reader walk along a counterexample.
#include <fmt/format.h>

#include <algorithm>

#include "reports/assets.h"
#include "reports/escape.h"
#include "reports/html_parts.h"
#include "reports/search_wording.h"
#include "reports/wording.h"

namespace tribunal {
namespace {

constexpr std::string_view kHead = R"(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
)";

// A path with the tag that table and navigation refer to it by: C1 a counterexample, W1 a witness.
struct TaggedPath {
    std::string tag;
    const PropertyResult* property = nullptr;
};
std::vector<TaggedPath> tagged_paths(const SearchResult& result) {
    std::vector<TaggedPath> all;
    std::size_t counterexamples = 0;
    std::size_t others = 0;
    for (const PropertyResult* property : paths_of(result)) {
        const bool failed = property->verdict == Verdict::fail;
        all.push_back(
            {failed ? fmt::format("C{}", ++counterexamples) : fmt::format("W{}", ++others),
             property});
    }
    return all;
}

std::string section(std::string_view id, std::string_view title, std::string_view inside) {
    return fmt::format(
        "<section id=\"{0}\" aria-labelledby=\"{0}-title\" tabindex=\"-1\">\n"
        "<h2 id=\"{0}-title\">{1}</h2>\n{2}</section>\n",
        id, title, inside);
}

std::string fact(std::string_view name, const std::string& value) {
    return value.empty() ? std::string()
                         : fmt::format("<div><dt>{}</dt><dd>{}</dd></div>\n", name, value);
}

std::string tag_link(const TaggedPath& path) {
    return fmt::format("<a class=\"tag {0}\" href=\"#{1}\">{1}</a>",
                       verdict_class(path.property->verdict), path.tag);
}

std::string_view outcome_class(SearchOutcome outcome) {
    switch (outcome) {
        case SearchOutcome::pass:
        case SearchOutcome::as_expected:
            return "pass";
        case SearchOutcome::fail:
        case SearchOutcome::not_as_expected:
            return "fail";
        case SearchOutcome::inconclusive:
            return "inconclusive";
    }
    return "inconclusive";
}

std::string verdict_section(const SearchReport& report) {
    const SearchResult& result = report.result;
    const SearchOutcome outcome = outcome_of(report);
    std::string counts;
    for (const Verdict verdict : {Verdict::fail, Verdict::inconclusive, Verdict::pass}) {
        const auto n = std::count_if(result.properties.begin(), result.properties.end(),
                                     [&](const PropertyResult& p) { return p.verdict == verdict; });
        if (n != 0) counts += fmt::format("<li><b>{}</b> {}</li>", n, verdict_badge(verdict));
    }
    std::string out = fmt::format(
        "<header id=\"verdict\" class=\"bar {}\" tabindex=\"-1\">\n<p class=\"scenario\">{}</p>\n"
        "<h1>{}</h1>\n<p class=\"reasons\">{}</p>\n<p class=\"lead\">{} reachable {}; {}.</p>\n",
        outcome_class(outcome), escape_markup(report.model), name_of(outcome),
        escape_markup(outcome_reasons(report)), with_thousands(result.distinct),
        result.distinct == 1 ? "state was met" : "states were met",
        escape_markup(coverage_text(report)));
    if (!counts.empty()) out += "<ul class=\"counts\">" + counts + "</ul>\n";
    out += "<dl class=\"facts\">\n" + fact("distinct states", with_thousands(result.distinct)) +
           fact("generated", with_thousands(result.generated)) +
           fact("depth", result.depth == 0 ? std::string() : plural(result.depth, "level")) +
           fact("two states met one slot (estimate)", escape_markup(result.collision_estimate)) +
           "</dl>\n";
    if (!report.command.empty()) {
        out += fmt::format(
            "<p class=\"rerun\"><code id=\"rerun\">{}</code> <button type=\"button\" id=\"copy\" "
            "class=\"js-only\">Copy</button></p>\n",
            escape_markup(report.command));
    }
    if (!result.complete && !report.continue_with.empty()) {
        out += fmt::format(
            "<p class=\"banner\">{} <code>{}</code></p>\n",
            result.resume_with.empty() ? "To search further:" : "Go on where it stopped:",
            escape_markup(report.continue_with));
    }
    return out + "</header>\n";
}

std::string expectations_section(const SearchReport& report) {
    if (report.expectations.empty()) return "";
    std::string rows;
    for (const ExpectationResult& each : report.expectations) {
        rows += fmt::format(
            "<tr class=\"row-{0}\"><td><span class=\"badge {0}\"><span aria-hidden=\"true\">{1}"
            "</span> {2}</span></td><th scope=\"row\">{3}</th><td>{4}</td><td>{5}</td></tr>\n",
            each.met ? "pass" : "fail", each.met ? "&#10003;" : "&#10007;",
            each.met ? "met" : "NOT MET", escape_markup(each.property),
            escape_markup(each.expected), escape_markup(each.actual));
    }
    return section("expectations", "What was expected",
                   "<table><thead><tr><th scope=\"col\"></th><th scope=\"col\">property</th>"
                   "<th scope=\"col\">expected</th><th scope=\"col\">actual</th></tr></thead>"
                   "<tbody>\n" +
                       rows + "</tbody></table>\n");
}

std::string properties_section(const SearchReport& report, const std::vector<TaggedPath>& paths) {
    if (report.result.properties.empty()) return "";
    std::string rows;
    for (const PropertyResult& property : report.result.properties) {
        const auto path = std::find_if(paths.begin(), paths.end(), [&](const TaggedPath& each) {
            return each.property == &property;
        });
        rows += fmt::format(
            "<tr class=\"row-{}\"><td>{}</td><td>{}</td><th scope=\"row\">{}</th>"
            "<td>{}{}</td></tr>\n",
            verdict_class(property.verdict), verdict_badge(property.verdict),
            name_of(property.kind), escape_markup(property.name),
            path == paths.end() ? "" : tag_link(*path) + " ",
            escape_markup(finding_of(report, property)));
    }
    return section("properties", "Properties",
                   "<div class=\"wide\"><table><thead><tr><th scope=\"col\">verdict</th>"
                   "<th scope=\"col\">kind</th><th scope=\"col\">property</th>"
                   "<th scope=\"col\">found</th></tr></thead><tbody>\n" +
                       rows + "</tbody></table></div>\n");
}

std::string change_line(const VariableChange& change, bool first) {
    std::string sides;
    if (!first && change.before != nullptr) {
        sides += "<span class=\"was\">" + escape_markup(*change.before) + "</span>";
    }
    if (change.after != nullptr) {
        sides += "<span class=\"now\">" + escape_markup(*change.after) + "</span>";
    }
    return fmt::format("<div><dt>{}</dt><dd>{}</dd></div>\n", escape_markup(change.name), sides);
}

std::string steps_list(const PropertyResult& property) {
    std::string list = "<ol class=\"steps\">\n";
    const StateText none;
    const StateText* before = &none;
    const bool goes_back = property.loop_start && *property.loop_start + 1 < property.path.size();
    for (std::size_t i = 0; i < property.path.size(); ++i) {
        const PathStep& step = property.path[i];
        const bool is_first = i == 0 && step.action.empty();
        std::string diff;
        for (const VariableChange& change : changes_between(*before, step.state)) {
            diff += change_line(change, i == 0);
        }
        list += fmt::format(
            "<li{}><button type=\"button\" class=\"step\"><span>{}</span><span>{}</span></button>"
            "<dl class=\"diff\">{}</dl></li>\n",
            goes_back && i >= *property.loop_start ? " class=\"looping\"" : "", i + 1,
            is_first ? "initial state" : escape_markup(step.action), diff);
        before = &step.state;
    }
    if (property.loop_start) {
        list += fmt::format("<li class=\"loop{}\">", goes_back ? " looping" : "");
        if (goes_back) {
            list +=
                fmt::format("<button type=\"button\">&#8634; back to state {}</button> for ever",
                            *property.loop_start + 1);
        } else {
            list += "&#8734; " + loop_text(property);
        }
        list += "</li>\n";
    }
    return list + "</ol>\n";
}

std::string sentence_of(const PropertyResult& property) {
    const std::string name = escape_markup(property.name);
    const std::size_t last = property.path.size();
    switch (property.kind) {
        case PropertyKind::always:
            return fmt::format("{} does not hold in state {}, which can be reached like this.",
                               name, last);
        case PropertyKind::sometimes:
            return fmt::format("{} holds in state {}, which can be reached like this.", name, last);
        case PropertyKind::eventually:
            break;
    }
    return fmt::format("What {} promises never comes: the behaviour {}.", name,
                       property.loop_start && *property.loop_start + 1 < last
                           ? fmt::format("goes from state {} back to state {}, again and again",
                                         last, *property.loop_start + 1)
                       : property.loop_start ? fmt::format("may stay in state {} for ever", last)
                                             : fmt::format("ends in state {}", last));
}

std::string card(const SearchReport& report, const TaggedPath& path) {
    const PropertyResult& property = *path.property;
    return fmt::format(
               "<article class=\"card card-{} stepper\" id=\"{}\" tabindex=\"-1\" "
               "aria-labelledby=\"{}-title\"{}>\n<header><span class=\"tag\">{}</span> {} "
               "<span class=\"what\">{} <b>{}</b></span> <span class=\"where\">{}</span></header>\n"
               "<h3 id=\"{}-title\">{}</h3>\n<div class=\"walk\">\n",
               verdict_class(property.verdict), path.tag, path.tag,
               property.loop_start ? fmt::format(" data-loop=\"{}\"", *property.loop_start)
                                   : std::string(),
               path.tag, verdict_badge(property.verdict), name_of(property.kind),
               escape_markup(property.name), escape_markup(finding_of(report, property)), path.tag,
               sentence_of(property)) +
           steps_list(property) +
           "<div class=\"state js-only\">\n<div class=\"tools\">"
           "<button type=\"button\" class=\"first\" aria-label=\"first state\">&#8676;</button>"
           "<button type=\"button\" class=\"back\" aria-label=\"previous state\">&larr;</button>"
           "<button type=\"button\" class=\"on\" aria-label=\"next state\">&rarr;</button>"
           "<button type=\"button\" class=\"end\" aria-label=\"last state\">&#8677;</button>"
           "<span class=\"soft place\"></span><b></b></div>\n"
           "<div class=\"wide\" aria-live=\"polite\"><table><tbody></tbody></table></div></div>\n"
           "</div>\n</article>\n";
}

std::string paths_section(const SearchReport& report, const std::vector<TaggedPath>& paths) {
    if (paths.empty()) return "";
    const bool failed = paths.front().property->verdict == Verdict::fail;
    std::string out =
        "<p class=\"soft js-only\">Left and right arrow walk along the states, <kbd>Home</kbd> and "
        "<kbd>End</kbd> go to the ends, <kbd>n</kbd> and <kbd>p</kbd> to the next and the previous "
        "path.</p>\n";
    for (const TaggedPath& path : paths) out += card(report, path);
    return section("paths", failed ? "Counterexamples" : "Witnesses", out);
}

// Bars of static SVG; neighbours are joined when there are too many to see.
std::string levels_section(const SearchReport& report) {
    const std::vector<std::uint64_t>& levels = report.result.levels;
    if (levels.empty()) return "";
    constexpr std::size_t kBars = 250;
    constexpr std::uint64_t kWidth = 1000;
    constexpr std::uint64_t kHeight = 150;
    constexpr std::uint64_t kScale = 100;  // hundredths of a unit: integers only
    const std::size_t join = (levels.size() + kBars - 1) / kBars;
    std::vector<std::uint64_t> bars;
    for (std::size_t i = 0; i < levels.size(); i += join) {
        std::uint64_t sum = 0;
        for (std::size_t k = i; k < std::min(i + join, levels.size()); ++k) sum += levels[k];
        bars.push_back(sum);
    }
    const std::uint64_t most =
        std::max<std::uint64_t>(*std::max_element(bars.begin(), bars.end()), 1);
    // A search of five levels has bars, not walls.
    const std::uint64_t pitch = std::min<std::uint64_t>(kWidth * kScale / bars.size(), 6000);
    const auto units = [](std::uint64_t hundredths) {
        return fmt::format("{}.{:02}", hundredths / kScale, hundredths % kScale);
    };
    std::string svg = fmt::format(
        "<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"states first met at each level\">\n",
        kWidth, kHeight + 40);
    for (std::size_t i = 0; i < bars.size(); ++i) {
        // In 128 bits: a level may hold more states than 64 bits have room for times the height.
        const auto height = static_cast<std::uint64_t>(static_cast<unsigned __int128>(bars[i]) *
                                                       (kHeight * kScale) / most);
        const std::uint64_t shown = std::max<std::uint64_t>(height, bars[i] == 0 ? 0 : kScale);
        const std::size_t from = i * join + 1;
        const std::size_t until = std::min(from + join - 1, levels.size());
        const std::string name = from == until ? fmt::format("level {}", from)
                                               : fmt::format("levels {} to {}", from, until);
        svg += fmt::format(
            "<rect class=\"level\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"><title>{}: {}"
            "</title></rect>\n",
            units(i * pitch), units((kHeight + 20) * kScale - shown), units(pitch * 85 / 100),
            units(shown), name, plural(bars[i], "state"));
    }
    const auto label = [&](std::size_t i, std::uint64_t y, const std::string& text) {
        const std::uint64_t x = i * pitch + pitch * 42 / 100;
        const char* anchor = x < 6000 ? "start" : x > kWidth * kScale - 6000 ? "end" : "middle";
        svg += fmt::format(
            "<text class=\"soft-text\" x=\"{}\" y=\"{}\" text-anchor=\"{}\">{}</text>\n",
            units(anchor[0] == 's' ? i * pitch : x), y, anchor, text);
    };
    const auto widest =
        static_cast<std::size_t>(std::max_element(bars.begin(), bars.end()) - bars.begin());
    label(widest, 12, with_thousands(bars[widest]));
    const std::size_t apart = (bars.size() + 11) / 12;
    for (std::size_t i = 0; i < bars.size(); i += apart) {
        label(i, kHeight + 36, fmt::format("{}", i * join + 1));
    }
    svg += "</svg>";
    std::string rows;
    for (std::size_t i = 0; i < levels.size(); ++i) {
        rows += fmt::format("<tr><td class=\"n\">{}</td><td class=\"n\">{}</td></tr>\n", i + 1,
                            with_thousands(levels[i]));
    }
    return section(
        "levels", "States by level",
        "<div class=\"chart\">" + svg +
            "</div>\n<p class=\"soft\">How many distinct states were first met after how "
            "many steps; the initial states are level 1.</p>\n"
            "<details class=\"as-table\"><summary>as a table</summary>\n"
            "<table><thead><tr><th scope=\"col\" class=\"n\">level</th>"
            "<th scope=\"col\" class=\"n\">states</th></tr></thead><tbody>\n" +
            rows + "</tbody></table></details>\n");
}

std::string coverage_section(const SearchReport& report) {
    const auto& coverage = report.result.coverage;
    if (coverage.empty()) return "";
    std::uint64_t most = 1;
    for (const auto& [name, taken] : coverage) most = std::max(most, taken);
    std::string rows;
    for (const auto& [name, taken] : coverage) {
        const auto permille =
            static_cast<std::uint64_t>(static_cast<unsigned __int128>(taken) * 1000 / most);
        rows += fmt::format(
            "<tr{}><th scope=\"row\"><code>{}</code></th><td class=\"n\">{}</td>"
            "<td class=\"bar-cell\">{}</td></tr>\n",
            taken == 0 ? " class=\"row-never\"" : "", escape_markup(name), with_thousands(taken),
            taken == 0 ? std::string("<span class=\"badge never\"><span aria-hidden=\"true\">"
                                     "&#9675;</span> never taken</span>")
                       : fmt::format("<span class=\"share\" style=\"width:{}.{}%\"></span>",
                                     permille / 10, permille % 10));
    }
    const std::vector<std::string> never = never_taken(report.result);
    std::string banner;
    if (!never.empty()) {
        banner = fmt::format(
            "<p class=\"banner\">{} never taken: what {} guards was not checked.</p>\n",
            never.size() == 1 ? "One action was" : fmt::format("{} actions were", never.size()),
            never.size() == 1 ? "it" : "they");
    }
    return section("actions", "Steps by action",
                   banner +
                       "<div class=\"wide\"><table><thead><tr><th scope=\"col\">action</th>"
                       "<th scope=\"col\" class=\"n\">steps taken</th><th scope=\"col\"></th></tr>"
                       "</thead><tbody>\n" +
                       rows + "</tbody></table></div>\n");
}

std::string constants_section(const SearchReport& report) {
    if (report.constants.empty()) return "";
    std::string list = "<ul class=\"constants\">\n";
    for (const auto& [name, value] : report.constants) {
        list += fmt::format("<li>{} = {}</li>\n", escape_markup(name), escape_markup(value));
    }
    return section("constants", "Constants", list + "</ul>\n");
}

std::string machine_section(const SearchReport& report) {
    if (!report.timings) return "";
    const SearchResult& result = report.result;
    std::string rows;
    const auto row = [&](std::string_view name, const std::string& value) {
        rows += fmt::format("<tr><td>{}</td><td>{}</td></tr>\n", name, value);
    };
    row("generated a second of CPU", with_thousands(per_second(result.generated, result.cpu_ns)));
    row("generated a second", with_thousands(per_second(result.generated, result.elapsed_ns)));
    row("time", seconds_text(result.elapsed_ns) + " s");
    row("CPU time of all threads", seconds_text(result.cpu_ns) + " s");
    row("peak memory of the process", bytes_text(result.peak_memory_bytes));
    if (result.seen_set_bytes != 0) {
        row("set of met states",
            fmt::format("{}, {} bytes a state", bytes_text(result.seen_set_bytes),
                        bytes_a_state(result)));
    }
    return section("machine", "On this machine",
                   "<table class=\"figures\"><tbody>\n" + rows + "</tbody></table>\n");
}

std::string nav_of(const std::vector<TaggedPath>& paths, const std::string& main) {
    std::string nav = "<ul>\n<li><a href=\"#verdict\">Verdict</a></li>\n";
    const auto link = [&](std::string_view id, std::string_view name, const std::string& extra) {
        if (main.find(fmt::format("<section id=\"{}\"", id)) == std::string::npos) return;
        nav += fmt::format("<li><a href=\"#{}\">{}</a>{}</li>\n", id, name, extra);
    };
    constexpr std::size_t kTags = 12;
    std::string tags;
    for (std::size_t i = 0; i < std::min(kTags, paths.size()); ++i) {
        tags += "<li>" + tag_link(paths[i]) + "</li>";
    }
    link("expectations", "Expectations", "");
    link("properties", "Properties", "");
    link("paths", "Paths", tags.empty() ? "" : "<ul class=\"tags\">" + tags + "</ul>");
    link("levels", "Levels", "");
    link("actions", "Actions", "");
    link("constants", "Constants", "");
    link("machine", "Machine", "");
    return nav + "</ul>";
}

}  // namespace

std::string to_html(const SearchReport& report) {
    const std::vector<TaggedPath> paths = tagged_paths(report.result);
    const std::string main = verdict_section(report) + expectations_section(report) +
                             properties_section(report, paths) + paths_section(report, paths) +
                             levels_section(report) + coverage_section(report) +
                             constants_section(report) + machine_section(report);
    std::string page(kHead);
    page += fmt::format("<title>{} - {} - Tribunal</title>\n<style>\n", name_of(outcome_of(report)),
                        escape_markup(report.model));
    page.append(page_css()).append(check_css());
    page +=
        "</style>\n</head>\n<body>\n<a class=\"skip\" href=\"#properties\">Skip to the "
        "properties</a>\n"
        "<div class=\"frame\">\n<nav class=\"rail\" aria-label=\"Sections\">\n"
        "<p class=\"brand\">Tribunal</p>\n";
    page += nav_of(paths, main) + "\n</nav>\n<main>\n" + main;
    page +=
        "<footer><p>A function of the model and what was asked, but for the figures of the "
        "machine.</p></footer>\n</main>\n</div>\n<script>\n";
    page.append(check_js());
    return page + "</script>\n</body>\n</html>\n";
}

}  // namespace tribunal
