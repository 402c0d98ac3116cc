// Spelling of numbers, times, ids and names, and the overall verdict.
#include "reports/wording.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <optional>

namespace tribunal {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// "D2" as ("D", 2); nothing for an id of another form.
std::optional<std::pair<std::string, std::uint64_t>> letter_and_number(const std::string& id) {
    const auto digits = std::find_if(id.begin(), id.end(), is_digit);
    if (digits == id.end() || id.end() - digits > 9 || !std::all_of(digits, id.end(), is_digit)) {
        return std::nullopt;
    }
    return std::pair{std::string(id.begin(), digits), std::stoull(std::string(digits, id.end()))};
}

// Numbers out, so that two runs of one bug read the same.
std::string shape_of(std::string_view sentence) {
    std::string shape;
    for (const char c : sentence) {
        if (!is_digit(c)) {
            shape += c;
        } else if (shape.empty() || shape.back() != '#') {
            shape += '#';
        }
    }
    return shape;
}

}  // namespace

std::vector<NumberedViolation> numbered_violations(const Report& report) {
    std::vector<NumberedViolation> all;
    for (const bool allowed : {false, true}) {
        for (const Check& check : report.checks) {
            for (const Violation& violation : check.violations) {
                if (violation.allowed != allowed) continue;
                all.push_back({fmt::format("V{}", all.size() + 1), &check, &violation});
            }
        }
    }
    return all;
}

std::string with_thousands(std::uint64_t n) {
    std::string text = std::to_string(n);
    for (std::size_t end = text.size(); end > 3; end -= 3) text.insert(end - 3, 1, ',');
    return text;
}

std::string instant_text(Instant at) {
    if (at == kNever) return "never";
    const std::uint64_t ns = static_cast<std::uint64_t>(at.value < 0 ? -at.value : at.value);
    const char* sign = at.value < 0 ? "-" : "";
    const std::uint64_t us = ns / 1000 % 1'000'000;
    const std::uint64_t s = ns / 1'000'000'000;
    if (us % 1000 != 0) return fmt::format("{}{}.{:06} s", sign, s, us);
    return fmt::format("{}{}.{:03} s", sign, s, us / 1000);
}

std::string duration_text(Duration span) {
    const std::uint64_t ns = static_cast<std::uint64_t>(span.value < 0 ? -span.value : span.value);
    const char* sign = span.value < 0 ? "-" : "";
    if (ns < 1000) return fmt::format("{}{} ns", sign, ns);
    std::uint64_t unit = 1000;
    std::string_view name = "us";
    if (ns >= 1'000'000) unit = 1'000'000, name = "ms";
    if (ns >= 1'000'000'000) unit = 1'000'000'000, name = "s";
    const std::uint64_t whole = ns / unit;
    const std::uint64_t thousandths = ns % unit / (unit / 1000);
    std::string text = std::to_string(whole);
    if (whole < 100 && thousandths != 0) {
        std::string fraction = fmt::format("{:03}", thousandths);
        fraction.resize(whole < 10 ? 2 : 1);
        while (!fraction.empty() && fraction.back() == '0') fraction.pop_back();
        if (!fraction.empty()) text.append(1, '.').append(fraction);
    }
    return fmt::format("{}{} {}", sign, text, name);
}

std::string compressed_ids(const std::vector<std::string>& ids) {
    std::string text;
    for (std::size_t first = 0; first < ids.size();) {
        std::size_t last = first;
        const auto start = letter_and_number(ids[first]);
        while (start && last + 1 < ids.size()) {
            const auto next = letter_and_number(ids[last + 1]);
            if (!next || next->first != start->first) break;
            if (next->second != start->second + (last + 1 - first)) break;
            ++last;
        }
        if (last - first < 2) last = first;
        if (!text.empty()) text += ',';
        text += ids[first];
        if (last != first) text.append(1, '-').append(ids[last]);
        first = last + 1;
    }
    return text;
}

std::string plural(std::uint64_t n, std::string_view noun) {
    return fmt::format("{} {}{}", with_thousands(n), noun, n == 1 ? "" : "s");
}

std::string partition_name(const Report& report, TopicPartition partition) {
    for (const TopicName& topic : report.topics) {
        if (topic.topic == partition.topic) {
            return fmt::format("{}-{}", topic.name, partition.partition);
        }
    }
    return fmt::format("topic#{}-{}", partition.topic.value, partition.partition);
}

std::string node_name(const Report& report, NodeId node) {
    for (const NodeInfo& info : report.nodes) {
        if (info.node == node) return info.name;
    }
    return fmt::format("node {}", node.value);
}

std::string fault_name(FaultKind kind) {
    std::string name(name_of(kind));
    std::replace(name.begin(), name.end(), '_', ' ');
    return name;
}

std::vector<std::pair<FaultKind, std::uint64_t>> fault_counts(const Report& report) {
    std::vector<std::pair<FaultKind, std::uint64_t>> counts;
    for (const LedgerEntry& entry : report.ledger) {
        if (entry.ended) continue;
        const auto at = std::find_if(counts.begin(), counts.end(),
                                     [&](const auto& count) { return count.first >= entry.kind; });
        if (at != counts.end() && at->first == entry.kind) {
            ++at->second;
        } else {
            counts.insert(at, {entry.kind, 1});
        }
    }
    return counts;
}

std::string faults_text(const Report& report) {
    std::string text;
    for (const auto& [kind, count] : fault_counts(report)) {
        if (!text.empty()) text += ", ";
        text += fmt::format("{} x{}", fault_name(kind), with_thousands(count));
    }
    return text.empty() ? "none" : text;
}

std::vector<std::string> ids_with(const Report& report, Verdict verdict) {
    std::vector<std::string> ids;
    for (const Check& check : report.checks) {
        if (check.verdict == verdict) ids.push_back(check.id);
    }
    return ids;
}

std::vector<std::string> groups_of(const Report& report) {
    std::vector<std::string> groups;
    for (const Check& check : report.checks) {
        if (std::find(groups.begin(), groups.end(), check.group) == groups.end()) {
            groups.push_back(check.group);
        }
    }
    return groups;
}

std::vector<std::string> tags_of(const std::vector<NumberedViolation>& all, const Check& check) {
    std::vector<std::string> tags;
    for (const NumberedViolation& each : all) {
        if (each.check == &check) tags.push_back(each.tag);
    }
    return tags;
}

std::string_view outcome_of(const Report& report) {
    const bool expects = !report.expectations.empty();
    if (!report.as_expected) return expects ? "NOT AS EXPECTED" : "FAIL";
    if (report.inconclusive) return "INCONCLUSIVE";
    return expects ? "AS EXPECTED" : "PASS";
}

std::string outcome_reasons(const Report& report) {
    std::string text;
    const auto say = [&](std::string_view word, const std::string& ids) {
        if (ids.empty()) return;
        text += fmt::format("{}{} {}", text.empty() ? "" : "; ", word, ids);
    };
    std::vector<std::string> unmet;
    for (const ExpectationResult& each : report.expectations) {
        if (!each.met) unmet.push_back(each.property);
    }
    say("expectation not met", compressed_ids(unmet));
    say("broken", compressed_ids(ids_with(report, Verdict::fail)));
    const auto violations = numbered_violations(report);
    if (!violations.empty() && !violations.front().violation->allowed) {
        say("first cause", "[" + violations.front().tag + "]");
    }
    say("inconclusive", compressed_ids(ids_with(report, Verdict::inconclusive)));
    say("allowed", compressed_ids(ids_with(report, Verdict::allowed)));
    say("vacuous", compressed_ids(ids_with(report, Verdict::vacuous)));
    if (report.checks.empty() && text.empty()) return "no property was checked";
    return text.empty() ? "every property held" : text;
}

bool is_expected_finding(const Report& report, const Check& check) {
    if (check.verdict != Verdict::fail) return false;
    const auto about = std::find_if(
        report.expectations.begin(), report.expectations.end(),
        [&](const ExpectationResult& each) { return each.property == check.id && each.met; });
    return about != report.expectations.end();
}

Digest128 fingerprint_of(const Report& report, const Violation& violation) {
    Digest digest;
    fold(digest, violation.property);
    fold(digest, violation.has_partition);
    if (violation.has_partition) fold(digest, partition_name(report, violation.partition));
    fold(digest, violation.allowed);
    fold(digest, shape_of(violation.summary));
    fold(digest, shape_of(violation.because));
    return digest.value();
}

}  // namespace tribunal
