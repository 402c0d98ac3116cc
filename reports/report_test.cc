// The writers: what they say, that it is well-formed whatever the text, and that equal reports give
// equal bytes. Golden texts are in reports/golden; TRIBUNAL_UPDATE_GOLDEN=1 rewrites them.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>

#include "reports/assets.h"
#include "reports/escape.h"
#include "reports/report.h"
#include "reports/sample_reports.h"
#include "reports/wording.h"

#ifndef TRIBUNAL_SOURCE_DIR
#define TRIBUNAL_SOURCE_DIR "."
#endif

namespace tribunal {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

const std::string kFolder = std::string(TRIBUNAL_SOURCE_DIR) + "/reports/";

std::string contents(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    EXPECT_TRUE(in.good()) << file;
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
}

void expect_golden(const std::string& name, const std::string& text) {
    const std::string file = kFolder + "golden/" + name;
    if (std::getenv("TRIBUNAL_UPDATE_GOLDEN") != nullptr) {
        fs::create_directories(kFolder + "golden");
        std::ofstream(file, std::ios::binary) << text;
    }
    EXPECT_EQ(contents(file), text) << "TRIBUNAL_UPDATE_GOLDEN=1 rewrites " << file;
}

std::size_t count_of(std::string_view text, std::string_view what) {
    std::size_t count = 0;
    for (std::size_t at = text.find(what); at != std::string_view::npos;
         at = text.find(what, at + 1)) {
        ++count;
    }
    return count;
}

std::vector<std::pair<std::string, Report>> samples() {
    return {{"passing", sample::passing()},
            {"failing", sample::failing()},
            {"empty", sample::empty()},
            {"evil", sample::evil()}};
}

// What is wrong with an XML document, or nothing: tags nest, attributes are quoted, entities known,
// no byte that XML 1.0 forbids.
std::string xml_problem(std::string_view xml) {
    std::vector<std::string> open;
    const auto bad_text = [](std::string_view text) -> bool {
        for (std::size_t i = 0; i < text.size(); ++i) {
            const auto byte = static_cast<unsigned char>(text[i]);
            if (byte < 0x20 && text[i] != '\n' && text[i] != '\t') return true;
            if (text[i] == '<' || text.substr(i).starts_with("]]>")) return true;
            if (text[i] != '&') continue;
            const std::string_view entity = text.substr(i, text.find(';', i) - i + 1);
            constexpr std::string_view known[] = {"&amp;", "&lt;", "&gt;", "&quot;",
                                                  "&#39;", "&#9;", "&#10;"};
            if (std::find(std::begin(known), std::end(known), entity) == std::end(known))
                return true;
        }
        return valid_utf8(text) != text;
    };
    if (!xml.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n")) return "no declaration";
    xml.remove_prefix(xml.find('\n') + 1);
    std::size_t roots = 0;
    while (!xml.empty()) {
        const std::size_t at = xml.find('<');
        const std::string_view text = xml.substr(0, at);
        if (bad_text(text)) return "text: " + std::string(text);
        if (open.empty() && text.find_first_not_of(" \n") != std::string_view::npos)
            return "loose text";
        if (at == std::string_view::npos) break;
        xml.remove_prefix(at + 1);
        const std::size_t name_end = xml.find_first_of(" />\n", xml.starts_with('/') ? 1 : 0);
        if (name_end == std::string_view::npos) return "tag without end";
        const std::string name(xml.substr(0, name_end));
        xml.remove_prefix(name_end);
        if (name.starts_with('/')) {
            if (open.empty() || open.back() != name.substr(1) || !xml.starts_with('>'))
                return "end " + name;
            open.pop_back();
            xml.remove_prefix(1);
            continue;
        }
        roots += open.empty() ? 1 : 0;
        while (xml.starts_with(' ')) {
            const std::size_t equals = xml.find("=\"");
            if (equals == std::string_view::npos) return "attribute of " + name;
            xml.remove_prefix(equals + 2);
            const std::size_t quote = xml.find('"');
            if (quote == std::string_view::npos || bad_text(xml.substr(0, quote)))
                return "value in " + name;
            xml.remove_prefix(quote + 1);
        }
        if (xml.starts_with("/>")) {
            xml.remove_prefix(2);
        } else if (xml.starts_with('>')) {
            open.push_back(name);
            xml.remove_prefix(1);
        } else {
            return "tag " + name;
        }
    }
    if (!open.empty()) return "not closed: " + open.back();
    return roots == 1 ? "" : "not one root";
}

Json chart_data_of(const std::string& html) {
    const std::string open = "id=\"report-data\">";
    const std::size_t from = html.find(open) + open.size();
    return Json::parse(html.substr(from, html.find("</script>", from) - from));
}

TEST(Text, IsTheGoldenText) {
    expect_golden("passing.txt", to_text(sample::passing(), false, "out/report.html"));
    expect_golden("failing.txt", to_text(sample::failing(), false, "out/report.html"));
    expect_golden("empty.txt", to_text(sample::empty(), false, ""));
    expect_golden("colour.txt", to_text(sample::failing(), true, "out/report.html"));
}

TEST(Text, SaysHowManySettingsAreIgnoredAndWhereTheyStand) {
    Report report = sample::failing();
    report.without_effect.clear();
    for (int i = 0; i < 40; ++i) {
        report.without_effect.push_back("log.cleaner.number." + std::to_string(i));
    }
    const std::string text = to_text(report, false, "out/report.html");
    EXPECT_NE(text.find("40 settings are read, but not simulated; the HTML and JSON reports list"),
              std::string::npos)
        << text;
    EXPECT_EQ(to_text(report, false, "out/report.html").find("number.39"), std::string::npos);
    EXPECT_NE(to_html(report).find("number.39"), std::string::npos);
    EXPECT_NE(to_json(report).find("number.39"), std::string::npos);
}

TEST(Text, FitsTheScreenAndHoldsNoCommandForATerminal) {
    for (const auto& [name, report] : samples()) {
        std::istringstream lines(to_text(report, false, "out/report.html"));
        std::string line;
        while (std::getline(lines, line)) {
            for (const char c : line)
                EXPECT_GE(static_cast<unsigned char>(c), 0x20) << name << ": " << line;
            if (line.starts_with("rerun")) continue;               // to be pasted, so never cut
            EXPECT_LE(line.size(), 106u) << name << ": " << line;  // U+FFFD takes three bytes
        }
    }
}

TEST(Text, ColourAddsNothingButColour) {
    std::string coloured = to_text(sample::failing(), true, "x");
    for (std::size_t at = coloured.find('\033'); at != std::string::npos;
         at = coloured.find('\033')) {
        coloured.erase(at, coloured.find('m', at) - at + 1);
    }
    const auto squeezed = [](std::string text) {
        std::erase(text, ' ');
        return text;
    };
    EXPECT_EQ(squeezed(coloured), squeezed(to_text(sample::failing(), false, "x")));
}

TEST(Wording, SpellsNumbersTimesAndIds) {
    EXPECT_EQ(with_thousands(0), "0");
    EXPECT_EQ(with_thousands(999), "999");
    EXPECT_EQ(with_thousands(1204331), "1,204,331");
    EXPECT_EQ(instant_text(Instant{612'402'000'000}), "612.402 s");
    EXPECT_EQ(instant_text(Instant{1'204'613'999}), "1.204613 s");
    EXPECT_EQ(duration_text(nanoseconds(250)), "250 ns");
    EXPECT_EQ(duration_text(microseconds(4100)), "4.1 ms");
    EXPECT_EQ(duration_text(milliseconds(12345)), "12.3 s");
    EXPECT_EQ(duration_text(seconds(1200)), "1200 s");
    EXPECT_EQ(compressed_ids({"D1", "D2", "D3", "D9"}), "D1-D3,D9");
    EXPECT_EQ(compressed_ids({"D1", "D2", "O3", "odd"}), "D1,D2,O3,odd");
    EXPECT_EQ(compressed_ids({}), "");
}

TEST(Wording, NumbersBrokenPromisesBeforeAllowedFindings) {
    Report report = sample::failing();
    std::swap(report.checks[1], report.checks[5]);  // the allowed check comes first in the table
    const auto all = numbered_violations(report);
    ASSERT_EQ(all.size(), 4u);
    EXPECT_EQ(all[0].tag, "V1");
    EXPECT_FALSE(all[0].violation->allowed);
    EXPECT_TRUE(all[3].violation->allowed);
}

TEST(Wording, AFingerprintIgnoresNumbersButNotTheProperty) {
    const Report report = sample::failing();
    Violation one = sample::lost_record();
    Violation other = one;
    other.summary =
        "An acknowledged record was lost: p1 sent orders-0 uid 9, got offset 3, and after the "
        "election of epoch 12 offset 3 holds another record.";
    other.at = Instant{1};
    EXPECT_EQ(fingerprint_of(report, one), fingerprint_of(report, other));
    other.property = "D4";
    EXPECT_NE(fingerprint_of(report, one), fingerprint_of(report, other));
}

TEST(Wording, TheOutcomeFollowsTheExpectations) {
    Report report = sample::passing();
    EXPECT_EQ(outcome_of(report), "PASS");
    report.inconclusive = true;
    EXPECT_EQ(outcome_of(report), "INCONCLUSIVE");
    report.as_expected = false;
    EXPECT_EQ(outcome_of(report), "FAIL");
    report = sample::failing();
    EXPECT_EQ(outcome_of(report), "NOT AS EXPECTED");
    report.as_expected = true;
    EXPECT_EQ(outcome_of(report), "AS EXPECTED");
}

TEST(ResultJson, FitsItsSchema) {
    const Json schema_json = Json::parse(contents(kFolder + "result.schema.json"));
    valijson::Schema schema;
    valijson::SchemaParser parser;
    parser.populateSchema(valijson::adapters::NlohmannJsonAdapter(schema_json), schema);
    for (const auto& [name, report] : samples()) {
        const Json result = Json::parse(to_json(report));
        const valijson::adapters::NlohmannJsonAdapter target(result);
        valijson::Validator validator;
        valijson::ValidationResults results;
        const bool valid = validator.validate(schema, target, &results);
        valijson::ValidationResults::Error error;
        while (results.popError(error)) {
            std::string path;
            for (const auto& step : error.context) path += step;
            ADD_FAILURE() << name << " " << path << ": " << error.description;
        }
        EXPECT_TRUE(valid) << name;
    }
    Json broken = Json::parse(to_json(sample::failing()));
    broken["surprise"] = 1;
    valijson::Validator validator;
    EXPECT_FALSE(
        validator.validate(schema, valijson::adapters::NlohmannJsonAdapter(broken), nullptr));
}

TEST(ResultJson, HoldsTheRunExactly) {
    const Json result = Json::parse(to_json(sample::failing()));
    EXPECT_EQ(result["run"]["seed"].get<std::uint64_t>(), 12345678901234567890ull);
    EXPECT_EQ(result["violations"].size(), 4u);
    EXPECT_EQ(result["violations"][0]["location"]["partition"], "orders-0");
    EXPECT_EQ(result["checks"][1]["violations"], Json({"V1", "V2", "V3"}));
    EXPECT_EQ(result["metrics"]["unavailability"][1]["longestNs"], 1'388'000'000);
    EXPECT_EQ(result["coverage"]["faults"]["isolate"], 1);
}

TEST(JUnit, IsWellFormedWhateverTheText) {
    EXPECT_NE(xml_problem("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<a><b></a>"), "");
    EXPECT_NE(xml_problem("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<a>\x01</a>"), "");
    for (const auto& [name, report] : samples())
        EXPECT_EQ(xml_problem(to_junit({report})), "") << name;
    EXPECT_EQ(xml_problem(to_junit({})), "");
    const std::string two = to_junit({sample::passing(), sample::failing()});
    EXPECT_EQ(xml_problem(two), "");
    EXPECT_EQ(count_of(two, "<testsuite "), 2u);
}

TEST(JUnit, TurnsRedForNewsOnly) {
    Report report = sample::failing();
    std::string xml = to_junit({report});
    // D2 is expected and found; O1 is expected and was not.
    EXPECT_EQ(count_of(xml, "<failure "), 1u);
    EXPECT_NE(xml.find("name=\"expect O1 found\""), std::string::npos);
    EXPECT_EQ(count_of(xml, "<skipped "), 4u);
    EXPECT_EQ(count_of(xml, "ALLOWED, 611 found"), 1u);
    report.expectations.clear();
    xml = to_junit({report});
    EXPECT_EQ(count_of(xml, "<failure type=\"D2\""), 1u);
}

TEST(Html, SaysTheVerdictBeforeAnyScript) {
    for (const auto& [name, report] : samples()) {
        const std::string html = to_html(report);
        const std::size_t script = html.find("<script");
        EXPECT_LT(html.find("<h1>"), script) << name;
        EXPECT_LT(html.find("</main>"), script) << name;
        EXPECT_LT(html.find("Content-Security-Policy"), html.find("<style")) << name;
        EXPECT_NE(html.find("default-src 'none'; style-src 'unsafe-inline'; script-src "
                            "'unsafe-inline'; img-src data:"),
                  std::string::npos);
    }
    const std::string html = to_html(sample::failing());
    const std::string fixed = html.substr(0, html.find("<script"));
    for (const char* said :
         {"NOT AS EXPECTED", "An acknowledged record was lost", "Illegal because",
          "broker 2 lost power", "power_loss leader(orders-0)", "NOT MET",
          "log.flush.interval.messages=1", "FetchResponse"}) {
        EXPECT_NE(fixed.find(said), std::string::npos) << said;
    }
}

TEST(Html, EvilTextStaysText) {
    const std::string plain = to_html(sample::failing());
    const std::string evil = to_html(sample::evil());
    EXPECT_EQ(count_of(evil, "<script"), count_of(plain, "<script"));
    EXPECT_EQ(count_of(evil, "</script"), count_of(plain, "</script"));
    EXPECT_EQ(count_of(evil, "<img"), 0u);
    EXPECT_EQ(count_of(evil, "\x1b"), 0u);
    EXPECT_EQ(valid_utf8(evil), evil);
    EXPECT_EQ(evil.find("href=\"javascript"), std::string::npos);
    const Json data = chart_data_of(evil);
    EXPECT_EQ(data["slices"][0]["messages"][0][7], "orders-0 uid 17" + valid_utf8(sample::kEvil));
}

TEST(Html, LoadsNothing) {
    std::string html = to_html(sample::failing());
    const std::size_t library = html.find(chart_library());
    ASSERT_NE(library, std::string::npos);
    html.erase(library, chart_library().size());
    EXPECT_EQ(html.find("http://"), std::string::npos);
    EXPECT_EQ(html.find("https://"), std::string::npos);
    EXPECT_EQ(html.find(" src="), std::string::npos);
    EXPECT_EQ(chart_library().find("</script"), std::string_view::npos);
    EXPECT_EQ(page_js().find("</script"), std::string_view::npos);
}

TEST(Html, StaysBelowTenMegabytesAndSaysWhatItLeftOut) {
    Report report = sample::failing();
    TraceSlice& slice = report.slices[0];
    slice.messages.clear();
    for (std::uint64_t i = 0; i < 100'000; ++i) {
        const Instant at = slice.from + microseconds(static_cast<std::int64_t>(i) * 3);
        slice.messages.push_back({i, at, at + milliseconds(1), NodeId{1001}, NodeId{2},
                                  i % 2 == 0 ? "FetchRequest" : "ProduceRequest",
                                  std::string(150, 'x') + std::to_string(i), false});
    }
    report.partitions[0].replicas[0].points.resize(1, {});
    for (std::int64_t i = 0; i < 50'000; ++i) {
        ReplicaPoint point = report.partitions[0].replicas[0].points.back();
        point.at = point.at + microseconds(100), point.log_end = Offset{i};
        if (i == 25'000) point.leader_epoch = LeaderEpoch{77};
        report.partitions[0].replicas[0].points.push_back(point);
    }
    const std::string html = to_html(report);
    EXPECT_LE(html.size(), 10'000'000u);
    const Json data = chart_data_of(html);
    const Json& kept = data["slices"][0];
    EXPECT_EQ(kept["total"], 100'005);
    EXPECT_LT(kept["messages"].size(), 100'000u);
    EXPECT_GT(kept["messages"].size(), 40'000u);
    // Fetches give way before the others do.
    const auto fetches = std::count_if(
        kept["messages"].begin(), kept["messages"].end(),
        [&](const Json& m) { return data["kinds"][m[5].get<std::size_t>()] == "FetchRequest"; });
    EXPECT_LT(static_cast<std::size_t>(fetches), kept["messages"].size() / 2);
    const Json& partition = data["partitions"][0];
    EXPECT_LT(partition["shown"], partition["total"]);
    EXPECT_NE(partition["replicas"].dump().find(",77,"), std::string::npos)
        << "a change of epoch is kept";
}

TEST(Reports, EqualReportsGiveEqualBytes) {
    for (const auto& [name, report] : samples()) {
        const Report copy = report;
        EXPECT_EQ(to_text(report, true, "x"), to_text(copy, true, "x")) << name;
        EXPECT_EQ(to_json(report), to_json(copy)) << name;
        EXPECT_EQ(to_junit({report}), to_junit({copy})) << name;
        EXPECT_EQ(to_html(report), to_html(copy)) << name;
    }
}

class WriteReport : public testing::Test {
  protected:
    void SetUp() override {
        std::string pattern = (fs::temp_directory_path() / "tribunal-XXXXXX").string();
        ASSERT_NE(mkdtemp(pattern.data()), nullptr);
        folder_ = pattern;
    }
    void TearDown() override { fs::remove_all(folder_); }
    std::vector<std::string> names(const fs::path& place) const {
        std::vector<std::string> found;
        for (const auto& entry : fs::directory_iterator(place)) {
            found.push_back(entry.path().filename().string());
        }
        std::sort(found.begin(), found.end());
        return found;
    }
    fs::path folder_;
};

TEST_F(WriteReport, MakesTheFolderAndReplacesWhatIsThere) {
    const fs::path place = folder_ / "a" / "b";
    write_report(sample::failing(), place.string() + "/");
    write_report(sample::passing(), place.string());
    EXPECT_EQ(names(place), (std::vector<std::string>{"junit.xml", "report.html", "result.json"}));
    EXPECT_EQ(contents(place / "result.json"), to_json(sample::passing()));
    EXPECT_EQ(contents(place / "report.html"), to_html(sample::passing()));
}

TEST_F(WriteReport, LeavesNothingBehindWhenItFails) {
    std::ofstream(folder_ / "file") << "x";
    const auto message_of = [&](const fs::path& place) -> std::string {
        try {
            write_report(sample::passing(), place.string());
        } catch (const std::runtime_error& problem) {
            return problem.what();
        }
        return "";
    };
    EXPECT_NE(message_of(folder_ / "file" / "below").find("file"), std::string::npos);
    EXPECT_NE(message_of(folder_ / "file").find("is not a folder"), std::string::npos);
    fs::create_directories(folder_ / "out" / "report.html");
    EXPECT_NE(message_of(folder_ / "out").find("report.html: cannot be replaced"),
              std::string::npos);
    EXPECT_EQ(names(folder_), (std::vector<std::string>{"file", "out"}));
    EXPECT_EQ(names(folder_ / "out"), (std::vector<std::string>{"report.html"}));
}

}  // namespace
}  // namespace tribunal
