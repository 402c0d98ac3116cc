// JUnit XML, one <testsuite> a run and one <testcase> a property, for CI systems.
//
// A finding that the scenario expects passes here, as it passes in the exit code: a CI system shall
// turn red for news only. An expectation that was not met is a failure of its own.
#include <fmt/format.h>

#include "reports/escape.h"
#include "reports/report.h"
#include "reports/wording.h"

namespace tribunal {
namespace {

// Text of an element: line ends stay line ends.
std::string paragraph(const std::vector<std::string>& lines) {
    std::string out;
    for (const auto& line : lines) out += escape_markup(line) + "\n";
    return out;
}

struct Suite {
    std::string cases;
    std::size_t tests = 0;
    std::size_t failures = 0;
    std::size_t skipped = 0;

    // An empty `inside` is a plain pass.
    void add(std::string_view name, std::string_view group, const std::string& inside) {
        ++tests;
        cases += fmt::format("    <testcase name=\"{}\" classname=\"{}\" time=\"0\"",
                             escape_markup(name), escape_markup(group));
        cases += inside.empty() ? "/>\n" : ">\n" + inside + "    </testcase>\n";
    }
    void fail(std::string_view name, std::string_view group, std::string_view type,
              std::string_view message, const std::vector<std::string>& lines) {
        ++failures;
        add(name, group,
            fmt::format("      <failure type=\"{}\" message=\"{}\">{}</failure>\n",
                        escape_markup(type), escape_markup(message), paragraph(lines)));
    }
    void skip(std::string_view name, std::string_view group, std::string_view message) {
        ++skipped;
        add(name, group, fmt::format("      <skipped message=\"{}\"/>\n", escape_markup(message)));
    }
    void pass_with(std::string_view name, std::string_view group,
                   const std::vector<std::string>& lines) {
        add(name, group, fmt::format("      <system-out>{}</system-out>\n", paragraph(lines)));
    }
};

std::vector<std::string> lines_of(const Report& report, const Check& check,
                                  const std::vector<NumberedViolation>& violations) {
    std::vector<std::string> lines;
    for (const NumberedViolation& each : violations) {
        if (each.check != &check) continue;
        const Violation& violation = *each.violation;
        std::string where = violation.has_partition
                                ? " " + partition_name(report, violation.partition)
                                : std::string();
        lines.push_back(fmt::format("[{}] at {}{}: {}", each.tag, instant_text(violation.at), where,
                                    violation.summary));
        if (!violation.because.empty()) {
            lines.push_back((violation.allowed ? "allowed because " : "illegal because ") +
                            violation.because);
        }
        for (const Witness& witness : violation.witnesses) {
            lines.push_back("  " + instant_text(witness.at) + "  " + witness.text);
        }
        for (const auto& sentence : violation.explanation) lines.push_back(sentence);
    }
    if (lines.empty()) lines.push_back(check.note);
    if (!report.rerun.empty()) lines.push_back("rerun: " + report.rerun);
    return lines;
}

std::string message_of(const Check& check) {
    for (const Violation& violation : check.violations) {
        if (!violation.allowed) return violation.summary;
    }
    return check.note;
}

void add_check(Suite& suite, const Report& report, const Check& check,
               const std::vector<NumberedViolation>& violations) {
    const std::string name = check.id + " " + check.name;
    switch (check.verdict) {
        case Verdict::pass:
            suite.add(name, check.group, "");
            return;
        case Verdict::fail: {
            auto lines = lines_of(report, check, violations);
            if (is_expected_finding(report, check)) {
                lines.insert(lines.begin(), "FAIL, as the scenario expects");
                suite.pass_with(name, check.group, lines);
            } else {
                suite.fail(name, check.group, check.id, message_of(check), lines);
            }
            return;
        }
        case Verdict::allowed: {
            auto lines = lines_of(report, check, violations);
            lines.insert(lines.begin(),
                         fmt::format("ALLOWED, {} found", with_thousands(check.found)));
            suite.pass_with(name, check.group, lines);
            return;
        }
        case Verdict::vacuous:
            suite.skip(name, check.group, "VACUOUS: " + check.note);
            return;
        case Verdict::inconclusive:
            suite.skip(name, check.group, "INCONCLUSIVE: " + check.note);
            return;
    }
}

std::string property(std::string_view name, std::string_view value) {
    return fmt::format("      <property name=\"{}\" value=\"{}\"/>\n", name, escape_markup(value));
}

Suite suite_of(const Report& report) {
    const auto violations = numbered_violations(report);
    Suite suite;
    for (const Check& check : report.checks) add_check(suite, report, check, violations);
    for (const ExpectationResult& each : report.expectations) {
        const std::string name = fmt::format("expect {} {}", each.property, each.expected);
        const std::string actual = "actual: " + each.actual;
        if (each.met) {
            suite.pass_with(name, "EXPECTATIONS", {actual});
        } else {
            suite.fail(name, "EXPECTATIONS", "expectation", "not met, " + actual,
                       {"expected: " + each.expected, actual, "rerun: " + report.rerun});
        }
    }
    return suite;
}

}  // namespace

std::string to_junit(const std::vector<Report>& reports) {
    std::string suites;
    std::size_t tests = 0;
    std::size_t failures = 0;
    std::size_t skipped = 0;
    for (const Report& report : reports) {
        const Suite suite = suite_of(report);
        tests += suite.tests;
        failures += suite.failures;
        skipped += suite.skipped;
        suites += fmt::format(
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"0\" skipped=\"{}\" "
            "time=\"0\">\n    <properties>\n",
            escape_markup(report.scenario), suite.tests, suite.failures, suite.skipped);
        suites += property("seed", std::to_string(report.seed));
        suites += property("edition", report.edition);
        suites += property("configuration", to_string(report.configuration));
        suites += property("trace", to_string(report.trace));
        suites += property("outcome", outcome_of(report));
        suites += property("rerun", report.rerun);
        suites += "    </properties>\n" + suite.cases + "  </testsuite>\n";
    }
    return fmt::format(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        "<testsuites name=\"tribunal\" tests=\"{}\" failures=\"{}\" errors=\"0\" skipped=\"{}\" "
        "time=\"0\">\n{}</testsuites>\n",
        tests, failures, skipped, suites);
}

}  // namespace tribunal
