// The one-screen verdict: what ran, what was promised, what each property says, and for the first
// violations a paragraph that a person can act on.
//
// 100 columns. What does not fit is cut with "..." or counted, and is whole in the report.
#include <fmt/format.h>

#include <algorithm>

#include "reports/escape.h"
#include "reports/report.h"
#include "reports/wording.h"

namespace tribunal {
namespace {

constexpr std::size_t kColumns = 100;
constexpr std::size_t kGroupColumn = 13;
constexpr std::size_t kVerdictColumn = 9;
constexpr std::size_t kIdsMax = 17;
constexpr std::size_t kViolationsShown = 3;
constexpr std::size_t kWitnessesShown = 4;

// Columns, not bytes: a UTF-8 continuation byte takes no room.
std::size_t width_of(std::string_view text) {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
        return (static_cast<unsigned>(c) & 0xc0u) != 0x80u;
    }));
}

std::string padded(std::string text, std::size_t width) {
    const std::size_t has = width_of(text);
    if (has < width) text.append(width - has, ' ');
    return text;
}

std::string cut(std::string_view text, std::size_t width) {
    if (width_of(text) <= width) return std::string(text);
    std::size_t columns = 0;
    std::size_t end = 0;
    while (end < text.size()) {
        if ((static_cast<unsigned>(text[end]) & 0xc0u) != 0x80u && ++columns > width - 3) break;
        ++end;
    }
    while (end > 0 && text[end - 1] == ' ') --end;
    return std::string(text.substr(0, end)) + "...";
}

// Lines of at most `width` columns, broken at spaces or after commas of an id list.
std::vector<std::string> wrapped(std::string_view text, std::size_t width, char at = ' ') {
    std::vector<std::string> lines;
    std::string line;
    while (!text.empty()) {
        const std::size_t stop = text.find(at);
        const bool last = stop == std::string_view::npos;
        std::string word(text.substr(0, last ? text.size() : stop + (at == ',' ? 1 : 0)));
        text.remove_prefix(last ? text.size() : stop + 1);
        const std::size_t gap = at == ' ' && !line.empty() ? 1 : 0;
        if (!line.empty() && width_of(line) + gap + width_of(word) > width) {
            lines.push_back(std::exchange(line, {}));
        }
        if (at == ' ' && !line.empty()) line += ' ';
        line += cut(word, width);
    }
    if (!line.empty() || lines.empty()) lines.push_back(line);
    return lines;
}

// The first `most` lines; the last ends in "..." when there were more.
std::vector<std::string> at_most(std::vector<std::string> lines, std::size_t most,
                                 std::size_t width) {
    if (lines.size() <= most) return lines;
    lines[most - 1] = cut(lines[most - 1] + " " + lines[most], width);
    lines.resize(most);
    return lines;
}

// Terminal colours; every coloured word also says the same in letters.
struct Paint {
    bool on = false;
    std::string operator()(std::string text, Verdict verdict) const {
        if (!on) return text;
        const char* code = "0";
        switch (verdict) {
            case Verdict::pass:
                code = "32";
                break;
            case Verdict::fail:
                code = "1;31";
                break;
            case Verdict::allowed:
                code = "33";
                break;
            case Verdict::vacuous:
                code = "90";
                break;
            case Verdict::inconclusive:
                code = "35";
                break;
        }
        return fmt::format("\033[{}m{}\033[0m", code, text);
    }
    std::string strong(std::string text) const { return on ? "\033[1m" + text + "\033[0m" : text; }
};

// A real file of settings has dozens of them.
std::string ignored_text(const std::vector<std::string>& settings) {
    constexpr std::size_t kShown = 3;
    const std::size_t shown = settings.size() > kShown + 1 ? kShown : settings.size();
    std::string names;
    for (std::size_t i = 0; i < shown; ++i) names += (i == 0 ? "" : ", ") + settings[i];
    if (shown == settings.size()) return names + " (read, but not simulated)";
    return fmt::format(
        "{} settings are read, but not simulated; the HTML and JSON reports list them: {}, ...",
        settings.size(), names);
}

class Screen {
  public:
    Screen(const Report& report, bool colour)
        : report_(report), paint_{colour}, violations_(numbered_violations(report)) {}

    std::string text(const std::string& report_path) {
        header();
        table();
        apart();
        expectations();
        paragraphs();
        verdict(report_path);
        return std::move(out_);
    }

  private:
    void line(std::string text) {
        while (!text.empty() && text.back() == ' ') text.pop_back();
        out_ += text + "\n";
    }
    void labelled_lines(std::string_view label, const std::vector<std::string>& lines) {
        for (std::size_t i = 0; i < lines.size(); ++i) {
            const std::string head = padded(std::string(i == 0 ? label : ""), kLabel);
            line((i == 0 ? paint_.strong(head) : head) + lines[i]);
        }
    }
    // Wrapped under itself; `most` lines, the last one cut.
    void labelled(std::string_view label, std::string_view text, std::size_t most = 2) {
        const std::size_t room = kColumns - kLabel;
        labelled_lines(label, at_most(wrapped(one_line(text), room), most, room));
    }
    // Wrapped between the phrases only.
    void labelled(std::string_view label, const std::vector<std::string>& phrases) {
        std::vector<std::string> lines;
        for (const auto& phrase : phrases) {
            if (phrase.empty()) continue;
            const std::string text = cut(one_line(phrase), kColumns - kLabel);
            if (!lines.empty() &&
                width_of(lines.back()) + 3 + width_of(text) <= kColumns - kLabel) {
                lines.back() += "   " + text;
            } else {
                lines.push_back(text);
            }
        }
        labelled_lines(label, lines);
    }

    void header() {
        labelled("run", {report_.scenario, fmt::format("seed {}", report_.seed),
                         "Kafka " + report_.edition,
                         fmt::format("configuration {:.8}", to_string(report_.configuration)),
                         fmt::format("trace {:.8}", to_string(report_.trace))});
        labelled("history",
                 {fmt::format(
                      "{}: {} ok, {} failed, {} unknown ({} proven)", plural(report_.sends, "send"),
                      with_thousands(report_.sends_ok), with_thousands(report_.sends_fail),
                      with_thousands(report_.sends_info), with_thousands(report_.sends_proven)),
                  fmt::format("{}, {} read", plural(report_.polls, "poll"),
                              plural(report_.reads, "record")),
                  fmt::format("{} in {}", plural(report_.events, "event"),
                              duration_text(report_.virtual_time))});
        labelled("faults",
                 {faults_text(report_), fmt::format("leader elections {}, {} unclean",
                                                    with_thousands(report_.leader_elections),
                                                    with_thousands(report_.unclean_elections))});
        claims();
        if (!report_.without_effect.empty()) {
            labelled("ignored", ignored_text(report_.without_effect));
        }
        for (const auto& warning : report_.warnings) labelled("warning", warning);
    }
    void claims() {
        constexpr std::size_t kShown = 6;
        const char* label = "claims";
        for (std::size_t i = 0; i < std::min(kShown, report_.claims.size()); ++i) {
            const ClaimLine& claim = report_.claims[i];
            std::string text = claim.holds ? "holds  " : "not promised  ";
            text += claim.promise;
            if (!claim.holds && !claim.because.empty()) text += ": " + claim.because;
            labelled(std::exchange(label, ""), text, 1);
        }
        if (report_.claims.size() > kShown) {
            labelled("", fmt::format("and {} more in the report", report_.claims.size() - kShown));
        }
    }

    struct Row {
        std::string group;
        Verdict verdict = Verdict::pass;
        std::string ids;
        std::uint64_t checked = 0;
        std::uint64_t found = 0;
        std::string note;
        std::string tags;
    };
    // Passing properties share a row; what was found has a row of its own.
    std::vector<Row> rows() const {
        std::vector<Row> rows;
        for (const std::string& group : groups_of(report_)) {
            std::string label = group;
            Row passed{group, Verdict::pass, "", 0, 0, "", ""};
            std::vector<std::string> ids;
            for (const Check& check : report_.checks) {
                if (check.group != group || check.verdict != Verdict::pass) continue;
                ids.push_back(check.id);
                passed.checked += check.checked;
                if (check.note.empty()) continue;
                passed.note += (passed.note.empty() ? "" : "; ") + check.id + " " + check.note;
            }
            if (!ids.empty()) {
                passed.ids = one_line(compressed_ids(ids));
                rows.push_back(passed);
                label.clear();
            }
            for (const Verdict verdict : {Verdict::allowed, Verdict::fail}) {
                for (const Check& check : report_.checks) {
                    if (check.group != group || check.verdict != verdict) continue;
                    const std::string tags = compressed_ids(tags_of(violations_, check));
                    rows.push_back({std::exchange(label, ""), verdict, one_line(check.id),
                                    check.checked, check.found, check.note,
                                    tags.empty() ? "" : "[" + tags + "]"});
                }
            }
        }
        return rows;
    }
    void table() {
        const auto all = rows();
        if (all.empty()) return;
        std::size_t ids = 4;
        std::size_t checked = 7;
        std::size_t found = 5;
        std::size_t tags = 0;
        for (const Row& row : all) {
            for (const auto& part : wrapped(row.ids, kIdsMax, ','))
                ids = std::max(ids, part.size());
            checked = std::max(checked, with_thousands(row.checked).size());
            found = std::max(found, with_thousands(row.found).size());
            tags = std::max(tags, row.tags.size());
        }
        ids += 2;
        const std::size_t note_column = kGroupColumn + kVerdictColumn + ids + checked + found + 4;
        line("");
        line(paint_.strong(
            padded("", kGroupColumn) + padded("verdict", kVerdictColumn) + padded("id", ids) +
            fmt::format("{:>{}}  {:>{}}  ", "checked", checked, "found", found) + "note"));
        for (const Row& row : all) {
            const auto id_lines = wrapped(row.ids, kIdsMax, ',');
            const std::size_t room = kColumns - note_column - (row.tags.empty() ? 0 : tags + 2);
            std::string text = padded(one_line(row.group), kGroupColumn);
            text += paint_(padded(std::string(name_of(row.verdict)), kVerdictColumn), row.verdict);
            text += padded(id_lines.front(), ids);
            text += fmt::format("{:>{}}  {:>{}}  ", with_thousands(row.checked), checked,
                                with_thousands(row.found), found);
            const std::string note = cut(one_line(row.note), room);
            text += row.tags.empty() ? note : padded(note, room + 2) + row.tags;
            line(text);
            for (std::size_t i = 1; i < id_lines.size(); ++i) {
                line(padded("", kGroupColumn + kVerdictColumn) + id_lines[i]);
            }
        }
    }

    // Properties that say nothing, with the reason: ids of one reason share a line.
    void apart() {
        for (const Verdict verdict : {Verdict::inconclusive, Verdict::vacuous}) {
            std::vector<std::pair<std::string, std::vector<std::string>>> by_reason;
            for (const Check& check : report_.checks) {
                if (check.verdict != verdict) continue;
                auto at = std::find_if(by_reason.begin(), by_reason.end(),
                                       [&](const auto& each) { return each.first == check.note; });
                if (at == by_reason.end()) at = by_reason.insert(at, {check.note, {}});
                at->second.push_back(check.id);
            }
            std::string label(name_of(verdict));
            for (std::size_t i = 0; i < by_reason.size(); ++i) {
                constexpr std::size_t kShown = 5;
                std::string text;
                if (i + 1 == kShown && by_reason.size() > kShown) {
                    std::vector<std::string> rest;
                    for (; i < by_reason.size(); ++i) {
                        const auto& ids = by_reason[i].second;
                        rest.insert(rest.end(), ids.begin(), ids.end());
                    }
                    text = one_line(compressed_ids(rest)) + "  for reasons in the report";
                } else {
                    text = one_line(compressed_ids(by_reason[i].second)) + "  " +
                           one_line(by_reason[i].first);
                }
                line(paint_(padded(std::exchange(label, ""), kGroupColumn), verdict) +
                     cut(text, kColumns - kGroupColumn));
            }
        }
    }

    void expectations() {
        if (report_.expectations.empty()) return;
        line("");
        const char* label = "expected";
        for (const ExpectationResult& each : report_.expectations) {
            const std::string text =
                each.met
                    ? fmt::format("met      {} {} ({})", each.property, each.expected, each.actual)
                    : fmt::format("NOT MET  {}: expected {}, actual {}", each.property,
                                  each.expected, each.actual);
            line(paint_.strong(padded(std::exchange(label, ""), kLabel)) +
                 paint_(cut(one_line(text), kColumns - kLabel),
                        each.met ? Verdict::pass : Verdict::fail));
        }
    }

    void indented(std::string_view text, std::size_t indent, std::size_t most) {
        for (const auto& each :
             at_most(wrapped(one_line(text), kColumns - indent), most, kColumns - indent)) {
            line(std::string(indent, ' ') + each);
        }
    }
    // One paragraph a cause: findings with the same fingerprint differ in numbers only.
    void paragraphs() {
        std::vector<std::pair<Digest128, std::vector<std::size_t>>> causes;
        for (std::size_t i = 0; i < violations_.size(); ++i) {
            const Digest128 print = fingerprint_of(report_, *violations_[i].violation);
            auto at = std::find_if(causes.begin(), causes.end(),
                                   [&](const auto& cause) { return cause.first == print; });
            if (at == causes.end()) at = causes.insert(at, {print, {}});
            at->second.push_back(i);
        }
        std::size_t told = 0;
        for (std::size_t i = 0; i < std::min(kViolationsShown, causes.size()); ++i) {
            paragraph(causes[i].second, i == 0);
            told += causes[i].second.size();
        }
        if (told == violations_.size()) return;
        line("");
        const std::size_t more = violations_.size() - told;
        line(fmt::format("and {} more violation{} in the report", more, more == 1 ? "" : "s"));
    }
    void paragraph(const std::vector<std::size_t>& alike, bool in_full) {
        const NumberedViolation& first = violations_[alike.front()];
        const Violation& each = *first.violation;
        std::string head = fmt::format("[{}] {} {}", first.tag, each.property, first.check->name);
        if (each.has_partition) {
            head += ", " + partition_name(report_, each.partition);
            if (each.offset != kNoOffset) head += fmt::format(" offset {}", each.offset.value);
        }
        head += ", at " + instant_text(each.at) + (each.allowed ? " (allowed)" : "");
        if (alike.size() > 1) {
            std::vector<std::string> tags;
            for (std::size_t i = 1; i < alike.size(); ++i)
                tags.push_back(violations_[alike[i]].tag);
            head += "; alike: " + compressed_ids(tags);
        }
        line("");
        line(
            paint_(cut(one_line(head), kColumns), each.allowed ? Verdict::allowed : Verdict::fail));
        indented(each.summary, 5, 2);
        if (!each.because.empty()) {
            indented((each.allowed ? "Allowed because " : "Illegal because ") + each.because, 5, 2);
        }
        std::string story;
        for (const auto& sentence : each.explanation)
            story += (story.empty() ? "" : " ") + sentence;
        if (!story.empty()) indented(story, 5, 4);
        if (in_full) witnesses(each);
    }
    // In full for the first cause only: the screen is small.
    void witnesses(const Violation& violation) {
        const std::size_t shown = std::min(kWitnessesShown, violation.witnesses.size());
        for (std::size_t i = 0; i < shown; ++i) {
            const Witness& each = violation.witnesses[i];
            line(fmt::format("     {:>13}  {}", instant_text(each.at),
                             cut(one_line(each.text), kColumns - 20)));
        }
        if (violation.witnesses.size() > shown) {
            line(fmt::format("     {:>13}  and {} more in the report", "",
                             violation.witnesses.size() - shown));
        }
    }

    void verdict(const std::string& report_path) {
        const std::string_view outcome = outcome_of(report_);
        Verdict colour = report_.as_expected ? Verdict::pass : Verdict::fail;
        if (outcome == "INCONCLUSIVE") colour = Verdict::inconclusive;
        line("");
        const std::string head =
            paint_.strong(padded("VERDICT", kLabel)) + paint_(std::string(outcome), colour);
        const std::string reasons = one_line(outcome_reasons(report_));
        if (kLabel + outcome.size() + 3 + width_of(reasons) <= kColumns) {
            line(head + "   " + reasons);
        } else {
            line(head);
            indented(reasons, kLabel, 3);
        }
        // Never cut: both are meant to be pasted.
        if (!report_.rerun.empty())
            line(paint_.strong(padded("rerun", kLabel)) + one_line(report_.rerun));
        if (!report_path.empty())
            line(paint_.strong(padded("report", kLabel)) + one_line(report_path));
    }

    static constexpr std::size_t kLabel = 10;
    const Report& report_;
    Paint paint_;
    std::vector<NumberedViolation> violations_;
    std::string out_;
};

}  // namespace

std::string to_text(const Report& report, bool colour, const std::string& report_path) {
    return Screen(report, colour).text(report_path);
}

}  // namespace tribunal
