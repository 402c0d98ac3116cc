// The static sections of the page: whoever has no script still reads verdict, promises, findings,
// faults and settings.
#include <fmt/format.h>

#include <algorithm>

#include "reports/escape.h"
#include "reports/html_parts.h"
#include "reports/wording.h"

namespace tribunal {
namespace {

constexpr std::size_t kFaultRows = 500;

std::string section(std::string_view id, std::string_view title, std::string_view inside) {
    return fmt::format(
        "<section id=\"{0}\" aria-labelledby=\"{0}-title\" tabindex=\"-1\">\n"
        "<h2 id=\"{0}-title\">{1}</h2>\n{2}</section>\n",
        id, title, inside);
}

// What links point at is made of letters and digits only.
std::string safe_id(std::string_view text) {
    std::string id;
    for (const char c : text) {
        const bool plain =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        id += plain ? c : '-';
    }
    return id;
}

std::string fact(std::string_view name, const std::string& value) {
    return value.empty() ? std::string()
                         : fmt::format("<div><dt>{}</dt><dd>{}</dd></div>\n", name, value);
}
std::string code(std::string_view text) {
    return text.empty() ? std::string() : fmt::format("<code>{}</code>", escape_markup(text));
}

std::string tag_links(const std::vector<std::string>& tags) {
    std::string links;
    for (const auto& tag : tags) {
        links += fmt::format("{}<a class=\"tag\" href=\"#{}\">{}</a>", links.empty() ? "" : " ",
                             tag, tag);
    }
    return links;
}

// A digest in full, in groups that the eye can compare.
std::string hash_text(const Digest128& digest) {
    const std::string text = to_string(digest);
    return fmt::format("<code>{} {} {} {}</code>", text.substr(0, 8), text.substr(8, 8),
                       text.substr(16, 8), text.substr(24));
}

std::string_view outcome_class(const Report& report) {
    if (!report.as_expected) return "fail";
    return report.inconclusive ? "inconclusive" : "pass";
}

std::string verdict_counts(const Report& report) {
    std::string counts;
    for (const Verdict verdict : {Verdict::fail, Verdict::allowed, Verdict::inconclusive,
                                  Verdict::pass, Verdict::vacuous}) {
        const std::size_t n = ids_with(report, verdict).size();
        if (n == 0) continue;
        counts += fmt::format("<li><b>{}</b> {}</li>", n, verdict_badge(verdict));
    }
    return counts.empty() ? counts : "<ul class=\"counts\">" + counts + "</ul>\n";
}

std::string check_row(const Check& check, const std::vector<NumberedViolation>& all) {
    const std::string tags = tag_links(tags_of(all, check));
    std::string note = escape_markup(check.note);
    if (!tags.empty())
        note += (note.empty() ? "" : " ") + ("<span class=\"tags\">" + tags + "</span>");
    std::string found = check.found == 0 ? "0" : "<b>" + with_thousands(check.found) + "</b>";
    if (check.found_allowed != 0 && check.found_allowed != check.found) {
        found += fmt::format(" <span class=\"soft\">({} allowed)</span>",
                             with_thousands(check.found_allowed));
    }
    return fmt::format(
        "<tr class=\"row-{}\"><td>{}</td><th scope=\"row\"><code>{}</code></th><td>{}</td>"
        "<td class=\"n\">{}</td><td class=\"n\">{}</td><td>{}</td></tr>\n",
        verdict_class(check.verdict), verdict_badge(check.verdict), escape_markup(check.id),
        escape_markup(check.name), with_thousands(check.checked), found, note);
}

std::string witness_table(const Violation& violation) {
    if (violation.witnesses.empty()) return "";
    std::string rows;
    for (const Witness& witness : violation.witnesses) {
        rows += fmt::format("<tr><td class=\"n time\">{}</td><td>{}</td></tr>\n",
                            instant_text(witness.at), escape_markup(witness.text));
    }
    return "<h4>Witnesses</h4>\n<table class=\"witnesses\"><thead class=\"visually-hidden\"><tr>"
           "<th scope=\"col\">time</th><th scope=\"col\">what</th></tr></thead><tbody>\n" +
           rows + "</tbody></table>\n";
}

// The messages nearest to the violation, for readers without scripts and for screen readers.
std::string message_table(const Report& report, const TraceSlice& slice, Instant around) {
    if (slice.messages.empty()) return "";
    constexpr std::size_t kRows = 40;
    const auto after = std::partition_point(slice.messages.begin(), slice.messages.end(),
                                            [&](const auto& each) { return each.sent <= around; });
    std::size_t last = static_cast<std::size_t>(after - slice.messages.begin());
    last = std::min(slice.messages.size(), std::max(last + kRows / 4, kRows));
    const std::size_t first = last > kRows ? last - kRows : 0;
    std::string rows;
    for (std::size_t i = first; i < last; ++i) {
        const TraceMessage& each = slice.messages[i];
        rows += fmt::format(
            "<tr><td class=\"n time\">{}</td><td class=\"n time\">{}</td><td>{}</td><td>{}</td>"
            "<td>{}{}</td><td>{}</td></tr>\n",
            instant_text(each.sent), each.received == kNever ? "lost" : instant_text(each.received),
            escape_markup(node_name(report, each.from)), escape_markup(node_name(report, each.to)),
            escape_markup(each.kind), each.is_error ? " <b>error</b>" : "",
            escape_markup(each.detail));
    }
    return fmt::format(
        "<details class=\"as-table\"><summary>{} around it as a table</summary>\n"
        "{}<div class=\"wide\"><table><thead><tr><th scope=\"col\" class=\"n\">sent</th>"
        "<th scope=\"col\" class=\"n\">received</th><th scope=\"col\">from</th>"
        "<th scope=\"col\">to</th><th scope=\"col\">message</th><th scope=\"col\">detail</th></tr>"
        "</thead><tbody>\n{}</tbody></table></div></details>\n",
        plural(last - first, "message"),
        shown_banner(last - first, slice.messages.size(), "messages", "the diagram has the rest"),
        rows);
}

std::string card(const Report& report, const NumberedViolation& numbered) {
    const Violation& violation = *numbered.violation;
    const Verdict verdict = violation.allowed ? Verdict::allowed : Verdict::fail;
    std::string where = "at <b>" + instant_text(violation.at) + "</b>";
    if (violation.has_partition) {
        where += " in <b>" + escape_markup(partition_name(report, violation.partition)) + "</b>";
    }
    if (violation.offset != kNoOffset)
        where += fmt::format(", offset <b>{}</b>", violation.offset.value);
    std::string out = fmt::format(
        "<article class=\"card card-{}\" id=\"{}\" tabindex=\"-1\" aria-labelledby=\"{}-title\">\n"
        "<header><span class=\"tag\">{}</span> {} <span class=\"what\"><code>{}</code> {}</span>"
        "<span class=\"where\">{}</span></header>\n<h3 id=\"{}-title\">{}</h3>\n",
        verdict_class(verdict), numbered.tag, numbered.tag, numbered.tag, verdict_badge(verdict),
        escape_markup(violation.property), escape_markup(numbered.check->name), where, numbered.tag,
        escape_markup(violation.summary));
    if (!violation.because.empty()) {
        out += fmt::format("<p class=\"because\"><b>{} because</b> {}</p>\n",
                           violation.allowed ? "Allowed" : "Illegal",
                           escape_markup(violation.because));
    }
    std::string story;
    for (const auto& sentence : violation.explanation) {
        story += (story.empty() ? "" : " ") + escape_markup(sentence);
    }
    if (!story.empty()) out += "<p class=\"story\">" + story + "</p>\n";
    out += witness_table(violation);
    for (const TraceSlice& slice : report.slices) {
        if (slice.violation != numbered.tag) continue;
        out += fmt::format("<div class=\"spacetime js-only\" data-violation=\"{}\"></div>\n",
                           numbered.tag);
        out += message_table(report, slice, violation.at);
    }
    out += fmt::format("<p class=\"print-id\">fingerprint <code>{}</code></p>\n</article>\n",
                       to_string(fingerprint_of(report, violation)));
    return out;
}

}  // namespace

std::string_view verdict_class(Verdict verdict) {
    switch (verdict) {
        case Verdict::pass:
            return "pass";
        case Verdict::fail:
            return "fail";
        case Verdict::allowed:
            return "allowed";
        case Verdict::vacuous:
            return "vacuous";
        case Verdict::inconclusive:
            return "inconclusive";
    }
    return "vacuous";
}

std::string verdict_badge(Verdict verdict) {
    const char* shape = "";
    switch (verdict) {
        case Verdict::pass:
            shape = "&#10003;";
            break;
        case Verdict::fail:
            shape = "&#10007;";
            break;
        case Verdict::allowed:
            shape = "&#8764;";
            break;
        case Verdict::vacuous:
            shape = "&#9675;";
            break;
        case Verdict::inconclusive:
            shape = "?";
            break;
    }
    return fmt::format("<span class=\"badge {}\"><span aria-hidden=\"true\">{}</span> {}</span>",
                       verdict_class(verdict), shape, name_of(verdict));
}

std::string shown_banner(std::size_t shown, std::size_t total, std::string_view what,
                         std::string_view where) {
    if (shown >= total) return "";
    return fmt::format("<p class=\"banner\">showing {} of {} {}; {}</p>\n", with_thousands(shown),
                       with_thousands(total), what, where);
}

std::string verdict_section(const Report& report) {
    const auto violations = numbered_violations(report);
    std::string lead;
    if (!violations.empty()) {
        const auto& first = violations.front();
        lead = fmt::format("<p class=\"lead\"><a class=\"tag\" href=\"#{}\">{}</a> {}</p>\n",
                           first.tag, first.tag, escape_markup(first.violation->summary));
    } else if (!report.description.empty()) {
        lead = "<p class=\"lead\">" + escape_markup(report.description) + "</p>\n";
    }
    std::string out = fmt::format(
        "<header id=\"verdict\" class=\"bar {}\" tabindex=\"-1\">\n<p class=\"scenario\">{}</p>\n"
        "<h1>{}</h1>\n<p class=\"reasons\">{}</p>\n{}{}",
        outcome_class(report), escape_markup(report.scenario), outcome_of(report),
        escape_markup(outcome_reasons(report)), lead, verdict_counts(report));
    out += "<dl class=\"facts\">\n";
    out += fact("seed", std::to_string(report.seed));
    out += fact("Kafka", escape_markup(report.edition));
    out += fact("virtual time", duration_text(report.virtual_time));
    out += fact("events", with_thousands(report.events));
    out +=
        fact("sends",
             fmt::format("{} ok, {} failed, {} unknown <span class=\"soft\">({} proven)"
                         "</span>",
                         with_thousands(report.sends_ok), with_thousands(report.sends_fail),
                         with_thousands(report.sends_info), with_thousands(report.sends_proven)));
    out += fact("reads", fmt::format("{} in {}", plural(report.reads, "record"),
                                     plural(report.polls, "poll")));
    out += fact("faults", escape_markup(faults_text(report)));
    out += fact("leader elections",
                fmt::format("{}, {} unclean", with_thousands(report.leader_elections),
                            with_thousands(report.unclean_elections)));
    out += "</dl>\n";
    if (!report.rerun.empty()) {
        out += fmt::format(
            "<p class=\"rerun\"><code id=\"rerun\">{}</code> <button type=\"button\" id=\"copy\" "
            "class=\"js-only\">Copy</button></p>\n",
            escape_markup(report.rerun));
    }
    for (const auto& warning : report.warnings) {
        out += "<p class=\"banner\">warning: " + escape_markup(warning) + "</p>\n";
    }
    return out + "</header>\n";
}

std::string expectations_section(const Report& report) {
    if (report.expectations.empty()) return "";
    std::string rows;
    for (const ExpectationResult& each : report.expectations) {
        rows += fmt::format(
            "<tr class=\"row-{}\"><td><span class=\"badge {}\"><span "
            "aria-hidden=\"true\">{}</span> {}"
            "</span></td><th scope=\"row\"><code>{}</code></th><td>{}</td><td>{}</td></tr>\n",
            each.met ? "pass" : "fail", each.met ? "pass" : "fail",
            each.met ? "&#10003;" : "&#10007;", each.met ? "met" : "NOT MET",
            escape_markup(each.property), escape_markup(each.expected), escape_markup(each.actual));
    }
    return section(
        "expectations", "What the scenario expects",
        "<table><thead><tr><th scope=\"col\"></th><th scope=\"col\">property</th>"
        "<th scope=\"col\">expected</th><th scope=\"col\">actual</th></tr></thead><tbody>\n" +
            rows + "</tbody></table>\n");
}

std::string guarantees_section(const Report& report) {
    if (report.checks.empty()) {
        return section("guarantees", "Guarantees",
                       "<p class=\"soft\">No property was checked.</p>\n");
    }
    const auto all = numbered_violations(report);
    std::string body;
    for (const std::string& group : groups_of(report)) {
        body += fmt::format(
            "<tbody>\n<tr class=\"group\"><th scope=\"rowgroup\" colspan=\"6\">{}</th></tr>\n",
            escape_markup(group));
        for (const Check& check : report.checks) {
            if (check.group == group) body += check_row(check, all);
        }
        body += "</tbody>\n";
    }
    return section(
        "guarantees", "Guarantees",
        "<div class=\"wide\"><table class=\"guarantees\"><thead><tr><th scope=\"col\">verdict"
        "</th><th scope=\"col\">id</th><th scope=\"col\">property</th><th scope=\"col\" "
        "class=\"n\">checked</th><th scope=\"col\" class=\"n\">found</th><th scope=\"col\">"
        "note</th></tr></thead>\n" +
            body + "</table></div>\n");
}

std::string violations_section(const Report& report) {
    const auto all = numbered_violations(report);
    if (all.empty()) {
        return section("violations", "Violations", "<p class=\"soft\">None was found.</p>\n");
    }
    std::uint64_t found = 0;
    for (const Check& check : report.checks) found += check.found;
    std::string out =
        shown_banner(all.size(), found, "violations", "the rest is counted in the table");
    for (const auto& each : all) out += card(report, each);
    return section("violations", "Violations", out);
}

std::string overview_section(const Report& report) {
    if (report.series.empty() && report.ledger.empty()) return "";
    return section(
        "overview", "Overview of the run",
        "<noscript><p class=\"soft\">The chart needs scripts; the faults are listed below."
        "</p></noscript>\n<div id=\"overview-chart\" class=\"js-only\"></div>\n");
}

std::string partitions_section(const Report& report) {
    if (report.partitions.empty()) return "";
    std::string out =
        "<noscript><p class=\"soft\">The charts need scripts.</p></noscript>\n"
        "<div id=\"partition-legend\" class=\"js-only\"></div>\n";
    for (std::size_t i = 0; i < report.partitions.size(); ++i) {
        const PartitionTimeline& each = report.partitions[i];
        out += fmt::format(
            "<details class=\"partition js-only\" id=\"partition-{}\" data-index=\"{}\"><summary>"
            "<b>{}</b> <span class=\"soft\">{}, {}</span></summary></details>\n",
            safe_id(each.partition.substr(0, 80)), i, escape_markup(each.partition),
            plural(each.replicas.size(), "replica"), plural(each.truncations.size(), "truncation"));
    }
    return section("partitions", "Partitions", out);
}

std::string faults_section(const Report& report) {
    if (report.ledger.empty()) {
        return section("faults", "Faults", "<p class=\"soft\">No fault happened.</p>\n");
    }
    const std::size_t shown = std::min(kFaultRows, report.ledger.size());
    std::string rows;
    for (std::size_t i = 0; i < shown; ++i) {
        const LedgerEntry& entry = report.ledger[i];
        std::string nodes;
        for (const NodeId node : entry.nodes) {
            nodes += (nodes.empty() ? "" : ", ") + escape_markup(node_name(report, node));
        }
        if (!entry.peers.empty()) {
            std::string peers;
            for (const NodeId node : entry.peers) {
                peers += (peers.empty() ? "" : ", ") + escape_markup(node_name(report, node));
            }
            nodes += " from " + peers;
        }
        rows += fmt::format(
            "<tr id=\"F{}\" tabindex=\"-1\"><td class=\"n time\">{}</td><td>{}{}</td><td>{}</td>"
            "<td>{}</td></tr>\n",
            i + 1, instant_text(entry.at), fault_name(entry.kind), entry.ended ? " ends" : "",
            nodes, escape_markup(entry.text));
    }
    return section(
        "faults", "Faults",
        shown_banner(shown, report.ledger.size(), "faults", "result.json has all") +
            "<div class=\"wide\"><table><thead><tr><th scope=\"col\" class=\"n\">time</th>"
            "<th scope=\"col\">fault</th><th scope=\"col\">hits</th><th scope=\"col\">"
            "what happened</th></tr></thead><tbody>\n" +
            rows + "</tbody></table></div>\n");
}

std::string claims_section(const Report& report) {
    if (report.claims.empty()) return "";
    std::string rows;
    for (const ClaimLine& claim : report.claims) {
        rows += fmt::format(
            "<tr><td><span class=\"badge {}\"><span aria-hidden=\"true\">{}</span> "
            "{}</span></td><td>{}"
            "</td><td>{}</td><td>{}</td></tr>\n",
            claim.holds ? "pass" : "vacuous", claim.holds ? "&#10003;" : "&#9675;",
            claim.holds ? "promised" : "not promised", escape_markup(claim.promise),
            code(claim.configuration), escape_markup(claim.because));
    }
    return section("claims", "What this configuration promises",
                   "<div class=\"wide\"><table><thead><tr><th scope=\"col\"></th><th scope=\"col\">"
                   "promise</th><th scope=\"col\">rests on</th><th scope=\"col\">because</th></tr>"
                   "</thead><tbody>\n" +
                       rows + "</tbody></table></div>\n");
}

std::string settings_section(const Report& report) {
    std::string out;
    const auto list = [&](std::string_view title, const std::vector<std::string>& items) {
        if (items.empty()) return;
        out += fmt::format("<h3>{}</h3>\n<ul class=\"settings\">\n", title);
        for (const auto& item : items) out += "<li>" + code(item) + "</li>\n";
        out += "</ul>\n";
    };
    list("Other than Kafka's defaults", report.settings);
    list("Read, but not simulated", report.without_effect);
    if (out.empty()) out = "<p class=\"soft\">Kafka's defaults throughout.</p>\n";
    return section("settings", "Settings", out);
}

std::string environment_section(const Report& report) {
    std::string out = "<dl class=\"facts roomy\">\n";
    out += fact("scenario", escape_markup(report.scenario));
    out += fact("description", escape_markup(report.description));
    out += fact("file", code(report.file));
    out += fact("Kafka edition", escape_markup(report.edition));
    out += fact("configuration", hash_text(report.configuration));
    out += fact("trace", hash_text(report.trace));
    std::string nodes;
    for (const NodeInfo& node : report.nodes) {
        nodes += fmt::format("<li>{} <span class=\"soft\">{}, node {}</span></li>",
                             escape_markup(node.name), escape_markup(node.kind), node.node.value);
    }
    if (!nodes.empty()) out += fact("nodes", "<ul class=\"plain\">" + nodes + "</ul>");
    return section("environment", "Environment", out + "</dl>\n");
}

}  // namespace tribunal
