// The verdict of a search on a terminal: what was covered, what each property says, and every
// counterexample as numbered steps with the variables that each step changed.
#include <fmt/format.h>

#include <algorithm>

#include "reports/escape.h"
#include "reports/search_wording.h"
#include "reports/wording.h"

namespace tribunal {
namespace {

constexpr std::size_t kLabel = 10;
constexpr std::size_t kColumns = 100;
constexpr std::size_t kLevelsShown = 40;

class SearchScreen {
  public:
    SearchScreen(const SearchReport& report, bool colour)
        : report_(report), result_(report.result), colour_(colour) {}

    std::string text() {
        header();
        figures();
        properties();
        std::vector<const PropertyResult*> told;
        for (const PropertyResult* property : paths_of(result_)) {
            if (property->verdict != Verdict::fail) continue;
            const auto same = std::find_if(told.begin(), told.end(), [&](const auto* other) {
                return other->actions == property->actions && !property->actions.empty() &&
                       other->loop_start == property->loop_start;
            });
            if (same != told.end()) {
                line("");
                line(fmt::format("counterexample to {}: the same as to {}",
                                 one_line(property->name), one_line((*same)->name)));
                continue;
            }
            counterexample(*property);
            told.push_back(property);
        }
        if (!report_.one_behaviour) actions();
        verdict();
        return std::move(out_);
    }

  private:
    void line(std::string text) {
        while (!text.empty() && text.back() == ' ') text.pop_back();
        out_ += text + "\n";
    }
    void labelled(std::string_view label, std::string_view text) {
        line(fmt::format("{:<{}}{}", label, kLabel, one_line(text)));
    }
    // Broken at spaces, under itself.
    void labelled_wrapped(std::string_view label, std::string_view text) {
        std::string row;
        while (!text.empty()) {
            const std::size_t stop = std::min(text.find(' '), text.size());
            if (!row.empty() && row.size() + 1 + stop > kColumns - kLabel) {
                labelled(std::exchange(label, ""), std::exchange(row, {}));
            }
            row += (row.empty() ? "" : " ") + std::string(text.substr(0, stop));
            text.remove_prefix(std::min(stop + 1, text.size()));
        }
        labelled(label, row);
    }
    std::string painted(std::string text, Verdict verdict) const {
        if (!colour_) return text;
        const char* code = verdict == Verdict::pass   ? "32"
                           : verdict == Verdict::fail ? "1;31"
                                                      : "35";
        return fmt::format("\033[{}m{}\033[0m", code, text);
    }

    void header() {
        labelled("model", report_.model);
        std::string constants;
        for (const auto& [name, value] : report_.constants) {
            constants += fmt::format("{}{}={}", constants.empty() ? "" : " ", name, value);
        }
        if (!constants.empty()) labelled_wrapped("with", constants);
    }

    void figures() {
        std::string states =
            fmt::format("{} distinct, {} generated", with_thousands(result_.distinct),
                        with_thousands(result_.generated));
        if (result_.depth != 0) states += ", depth " + plural(result_.depth, "level");
        labelled("states", states);
        labelled("coverage", coverage_text(report_));
        if (!result_.levels.empty()) levels();
        if (!result_.collision_estimate.empty()) {
            labelled("digests", "two states met one slot with probability " +
                                    result_.collision_estimate + " (estimate)");
        }
        if (!report_.timings) return;
        // The machine's own, on lines of their own.
        if (result_.cpu_ns > 0) {
            labelled("rate", with_thousands(per_second(result_.generated, result_.cpu_ns)) +
                                 " generated a second of CPU");
        }
        std::string memory = "peak " + bytes_text(result_.peak_memory_bytes);
        if (result_.seen_set_bytes != 0) {
            memory += fmt::format(", seen set {}, {} bytes a state",
                                  bytes_text(result_.seen_set_bytes), bytes_a_state(result_));
        }
        labelled("memory", memory);
        labelled("time", fmt::format("{} s, {} s of CPU", seconds_text(result_.elapsed_ns),
                                     seconds_text(result_.cpu_ns)));
    }
    void levels() {
        const auto widest = std::max_element(result_.levels.begin(), result_.levels.end());
        if (result_.levels.size() > kLevelsShown) {
            labelled("levels",
                     fmt::format("{}, the widest is level {} with {}", result_.levels.size(),
                                 widest - result_.levels.begin() + 1, plural(*widest, "state")));
            return;
        }
        std::string text;
        for (const std::uint64_t size : result_.levels) {
            text += (text.empty() ? "" : " ") + std::to_string(size);
        }
        labelled_wrapped("levels", text);
    }

    void properties() {
        if (result_.properties.empty()) return;
        std::size_t verdicts = 4;
        std::size_t names = 0;
        for (const PropertyResult& property : result_.properties) {
            verdicts = std::max(verdicts, name_of(property.verdict).size());
            names = std::max(names, property.name.size());
        }
        line("");
        for (const PropertyResult& property : result_.properties) {
            const std::string verdict =
                fmt::format("{:<{}}", name_of(property.verdict), verdicts + 2);
            line(painted(verdict, property.verdict) +
                 fmt::format("{:<12}{:<{}}", name_of(property.kind), one_line(property.name),
                             names + 2) +
                 one_line(finding_of(report_, property)));
        }
    }

    void counterexample(const PropertyResult& property) {
        line("");
        line(painted(fmt::format("counterexample to {}", one_line(property.name)), Verdict::fail) +
             fmt::format(", {}", plural(property.path.size(), "state")));
        const StateText* before = nullptr;
        const bool goes_back =
            property.loop_start && *property.loop_start + 1 < property.path.size();
        for (std::size_t i = 0; i < property.path.size(); ++i) {
            const PathStep& step = property.path[i];
            std::string action = i == 0 && step.action.empty() ? "initial state" : step.action;
            if (goes_back && i == *property.loop_start) action += "   <- the loop";
            line(fmt::format("{:>4}  {}", i + 1, one_line(action)));
            if (before == nullptr) {
                for (const auto& [name, value] : step.state) {
                    line(fmt::format("        {} = {}", one_line(name), one_line(value)));
                }
            } else {
                changes(changes_between(*before, step.state));
            }
            before = &step.state;
        }
        const std::string loop = loop_text(property);
        if (!loop.empty()) line("      " + loop);
    }
    void changes(const std::vector<VariableChange>& all) {
        if (all.empty()) line("        (no variable changes)");
        for (const VariableChange& each : all) {
            const std::string name = one_line(each.name);
            const std::string before = each.before == nullptr ? "(none)" : one_line(*each.before);
            const std::string after = each.after == nullptr ? "(none)" : one_line(*each.after);
            if (name.size() + before.size() + after.size() + 14 <= kColumns) {
                line(fmt::format("        {}: {} -> {}", name, before, after));
            } else {
                // Under each other, so that the eye finds where two long values part.
                line(fmt::format("        {}:", name));
                line("            " + before);
                line("         -> " + after);
            }
        }
    }

    void actions() {
        if (result_.coverage.empty()) return;
        line("");
        line("steps by action");
        std::size_t names = 0;
        for (const auto& [name, taken] : result_.coverage) names = std::max(names, name.size());
        for (const auto& [name, taken] : result_.coverage) {
            line(fmt::format("  {:<{}}  {:>15}", one_line(name), names, with_thousands(taken)));
        }
        std::string never;
        for (const std::string& name : never_taken(result_)) {
            never += (never.empty() ? "" : ", ") + name;
        }
        if (!never.empty()) line("  NEVER TAKEN: " + one_line(never));
    }

    void verdict() {
        line("");
        for (const ExpectationResult& each : report_.expectations) {
            labelled("expected", fmt::format("{:<8} {} {} ({})", each.met ? "met" : "NOT MET",
                                             each.property, each.expected, each.actual));
        }
        const SearchOutcome outcome = outcome_of(report_);
        const bool good = outcome == SearchOutcome::pass || outcome == SearchOutcome::as_expected;
        const Verdict colour = good                                     ? Verdict::pass
                               : outcome == SearchOutcome::inconclusive ? Verdict::inconclusive
                                                                        : Verdict::fail;
        line(fmt::format("{:<{}}", "VERDICT", kLabel) +
             painted(std::string(name_of(outcome)), colour) + "   " +
             one_line(outcome_reasons(report_)));
        if (!report_.command.empty()) labelled("rerun", report_.command);
        if (!result_.complete && !report_.continue_with.empty()) {
            // Only a breadth-first search can be saved.
            if (!result_.resume_with.empty()) {
                labelled("saved", result_.resume_with);
            } else if (!result_.levels.empty()) {
                labelled("saved", "nothing (--checkpoint FILE); the next search starts anew");
            }
            labelled("continue", report_.continue_with);
        }
    }

    const SearchReport& report_;
    const SearchResult& result_;
    bool colour_;
    std::string out_;
};

}  // namespace

std::string to_text(const SearchReport& report, bool colour) {
    return SearchScreen(report, colour).text();
}

}  // namespace tribunal
