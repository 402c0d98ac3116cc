// Code about the code: who may include whom, and which constructs would break determinism. Each
// rule is a function over the text of one file, and has a planted offence that it must catch.
//
// A line that has to break a rule says why: `// floating point: the reason`.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace tribunal {
namespace {

namespace fs = std::filesystem;

struct SourceFile {
    std::string path;  // from the top of the tree, with /
    std::string text;
};
using Offences = std::vector<std::string>;

// --- reading ------------------------------------------------------------------------------------

bool ends_with(const std::string& text, std::string_view end) {
    return text.size() >= end.size() &&
           text.compare(text.size() - end.size(), end.size(), end) == 0;
}
bool is_header(const SourceFile& f) { return ends_with(f.path, ".h"); }
bool is_test(const SourceFile& f) { return ends_with(f.path, "_test.cc"); }
bool is_bench(const SourceFile& f) { return ends_with(f.path, "_bench.cc"); }
bool is_under(const SourceFile& f, std::string_view folder) {
    return f.path.rfind(std::string(folder) + '/', 0) == 0;
}
// Where a run is decided: what these folders do must be a function of scenario and seed.
bool is_deterministic(const SourceFile& f) {
    for (const char* folder : {"broker", "sim", "properties", "model", "scenarios"}) {
        if (is_under(f, folder)) return !is_bench(f);
    }
    return false;
}

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
}

// The text with comments and the insides of literals blanked; lines and columns stay.
std::string code_of(const std::string& text) {
    std::string code = text;
    const auto blank = [&](std::size_t from, std::size_t to) {
        for (std::size_t i = from; i < std::min(to, code.size()); ++i) {
            if (code[i] != '\n') code[i] = ' ';
        }
    };
    const auto is_word = [](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) || c == '_';
    };
    for (std::size_t i = 0; i < text.size(); ++i) {
        std::size_t end = i;
        if (text.compare(i, 2, "//") == 0) {
            end = std::min(text.find('\n', i), text.size());
            blank(i, end);
        } else if (text.compare(i, 2, "/*") == 0) {
            end = std::min(text.find("*/", i + 2), text.size());
            blank(i, end + 2);
            end += 1;
        } else if (text.compare(i, 2, "R\"") == 0 && (i == 0 || !is_word(text[i - 1]))) {
            const std::size_t open = text.find('(', i);
            const std::string close = ')' + text.substr(i + 2, open - i - 2) + '"';
            end = std::min(text.find(close, open), text.size());
            blank(open + 1, end);
            end += close.size() - 1;
        } else if (text[i] == '"' || (text[i] == '\'' && (i == 0 || !is_word(text[i - 1])))) {
            end = i + 1;
            while (end < text.size() && text[end] != text[i] && text[end] != '\n') {
                end += text[end] == '\\' ? 2 : 1;
            }
            // The name of an included file is not an inside.
            const std::size_t line = text.rfind('\n', i) + 1;
            if (text.compare(line, 8, "#include") != 0) blank(i + 1, end);
        }
        i = std::max(i, end);
    }
    return code;
}

// Lines of the code that match, as "file:line: what"; a line with the excuse in a comment may.
Offences matches(const SourceFile& file, const char* pattern, const std::string& what,
                 std::string_view excuse = {}) {
    const std::regex wanted(pattern);
    const std::vector<std::string> lines = lines_of(file.text);
    const std::vector<std::string> code = lines_of(code_of(file.text));
    Offences found;
    for (std::size_t i = 0; i < code.size(); ++i) {
        if (!std::regex_search(code[i], wanted)) continue;
        if (!excuse.empty() && lines[i].find(excuse) != std::string::npos) continue;
        found.push_back(file.path + ':' + std::to_string(i + 1) + ": " + what + ": " + lines[i]);
    }
    return found;
}

// --- the rules ----------------------------------------------------------------------------------

// What a folder may include besides itself, and that folder's own may-include.
const std::map<std::string, std::set<std::string>>& uses() {
    static const std::map<std::string, std::set<std::string>> table{
        {"broker/base", {}},
        {"broker/protocol", {"broker/base"}},
        {"broker/log", {"broker/protocol"}},
        {"broker/controller", {"broker/raft"}},
        {"broker/replication", {"broker/log"}},
        {"broker/group", {"broker/log"}},
        {"broker/transaction", {"broker/log"}},
        {"broker/raft", {"broker/log"}},
        {"broker/client", {"broker/protocol"}},
        {"broker/node",
         {"broker/controller", "broker/replication", "broker/group", "broker/transaction",
          "broker/raft", "broker/client"}},
        {"sim", {"broker/node"}},
        {"properties", {"sim"}},
        {"model", {"properties"}},
        {"scenarios", {"model"}},
        {"reports", {"scenarios"}},
        {"cli", {"reports"}},
    };
    return table;
}

std::string folder_of(const std::string& path) {
    // A program of its own belongs to no library: nothing can include it.
    if (ends_with(path, "_main.cc")) return "cli";
    const std::size_t first = path.find('/');
    if (first == std::string::npos) return "";
    if (path.compare(0, first, "broker") != 0) return path.substr(0, first);
    return path.substr(0, path.find('/', first + 1));
}

bool may_include(const std::string& from, const std::string& to) {
    if (from == to) return true;
    const auto found = uses().find(from);
    if (found == uses().end()) return false;
    return std::any_of(found->second.begin(), found->second.end(),
                       [&](const std::string& next) { return may_include(next, to); });
}

Offences wrong_includes(const SourceFile& file) {
    Offences found;
    static const std::regex include(R"re(^\s*#\s*include\s*"([^"]+)")re");
    for (const std::string& line : lines_of(file.text)) {
        std::smatch match;
        if (!std::regex_search(line, match, include)) continue;
        const std::string to = match[1];
        const std::string folder = folder_of(to);
        if (uses().count(folder) == 0) {
            found.push_back(file.path + ": includes " + to +
                            ", not named from the top of the tree");
        } else if (!may_include(folder_of(file.path), folder)) {
            found.push_back(file.path + ": " + folder_of(file.path) + " must not include " + to);
        }
    }
    return found;
}

struct Ban {
    const char* pattern;
    const char* what;
    const char* planted;
};
constexpr Ban kBans[] = {
    {R"(\bunordered_|<unordered_)", "the order of a hash table", "std::unordered_map<int, int> m;"},
    {R"(\bstd::hash\b)", "values of std::hash are unspecified", "return std::hash<int>{}(3);"},
    {R"(#\s*include\s*<random>|\brandom_device\b|_distribution\b|\bmt19937)",
     "not the same in every library", "std::uniform_int_distribution<int> d;"},
    {R"(\bstd::(ranges::)?(shuffle|sample)\b)", "not the same in every library",
     "std::shuffle(a.begin(), a.end(), g);"},
    {R"(\b(s?rand|random|drand48|getrandom|getentropy)\s*\(\s*\)|\bsrand\s*\()", "draws of its own",
     "return rand();"},
    {R"(#\s*include\s*<(chrono|ctime|time\.h|sys/time\.h)>|\b(steady|system|high_resolution)_clock\b|\b(gettimeofday|clock_gettime|localtime|gmtime)\b|\bstd::time\s*\()",
     "the clock of the machine", "auto t = std::chrono::steady_clock::now();"},
    {R"(#\s*include\s*<(thread|future|execution|mutex)>|\bstd::(thread|jthread|async|execution)\b)",
     "threads", "std::thread t{f};"},
    {R"(\b(std::)?(pow|exp|exp2|expm1|log|log10|log1p|sqrt|cbrt|sin|cos|tan|fmod|lround|llround)\s*\(\s*[a-z0-9_.]*(\.[0-9]|double|float)|\bstd::(pow|exp|exp2|expm1|log|log2|log10|log1p|sqrt|cbrt|sin|cos|tan|fmod|lround|llround)\s*\(|#\s*include\s*<(cmath|math\.h)>)",
     "libm differs between processors", "x = std::log(u);"},
    {R"((map|set|FlatMap|FlatSet|priority_queue)<\s*(const\s+)?[A-Za-z_:]+(<[^<>]*>)?\s*(const\s*)?\*)",
     "ordered by address", "std::map<const Host*, int> m;"},
    {R"((map|set|FlatMap)<\s*(std::)?(shared_ptr|unique_ptr)\b)", "ordered by address",
     "std::set<std::shared_ptr<Host>> s;"},
    {R"(\breinterpret_cast<\s*(std::)?u?intptr_t)", "an address as a number",
     "auto n = reinterpret_cast<std::uintptr_t>(p);"},
    {R"(\bstd::(locale|setlocale)\b|\bsetlocale\s*\()", "the locale of the machine",
     "std::locale l{\"\"};"},
};

Offences banned_constructs(const SourceFile& file) {
    Offences found;
    // Tests run sets of hash tables and files of their own; what they prove is not a run.
    if (!is_deterministic(file) || is_test(file)) return found;
    // The one place where a search touches clocks and threads; its header says what may not.
    if (file.path == "model/machine.cc") return found;
    for (const Ban& ban : kBans) {
        for (std::string& offence : matches(file, ban.pattern, ban.what)) found.push_back(offence);
    }
    return found;
}

Offences floating_point(const SourceFile& file) {
    if (!is_deterministic(file) || is_test(file)) return {};
    return matches(file, R"(\b(float|double)\b)", "floating point", "// floating point: ");
}

Offences environment(const SourceFile& file) {
    if (!is_deterministic(file) || file.path.rfind("properties/golden", 0) == 0) return {};
    return matches(file, R"(\b(secure_)?getenv\s*\()", "depends on the environment");
}

// State that outlives a run would make it depend on the run before.
Offences mutable_statics(const SourceFile& file) {
    if (!is_deterministic(file) || is_test(file)) return {};
    return matches(
        file,
        R"(^\s*(static|thread_local)\s+(?!const\b|constexpr\b|inline constexpr\b)[A-Za-z0-9_:<>, ]+\s+[a-z_0-9]+\s*(=|;|\{))",
        "a static with state");
}

Offences header_rules(const SourceFile& file) {
    if (!is_header(file)) return {};
    Offences found;
    if (file.text.find("#pragma once\n") == std::string::npos) {
        found.push_back(file.path + ": has no #pragma once");
    }
    if (is_under(file, "broker") || is_under(file, "sim")) {
        // One to four seconds each for every file that includes the header.
        const char* slow = R"(#\s*include\s*<(iostream|regex|nlohmann/json\.hpp|fmt/.*)>)";
        for (std::string& offence : matches(file, slow, "slow to compile"))
            found.push_back(offence);
    }
    return found;
}

Offences machine_paths(const SourceFile& file) {
    static const std::regex path(
        R"re((^|["'\s(=:])/(home|root|Users|work|mnt|tmp)/[A-Za-z0-9_.-]+)re");
    Offences found;
    for (const std::string& line : lines_of(file.text)) {
        if (std::regex_search(line, path))
            found.push_back(file.path + ": path of a machine: " + line);
    }
    return found;
}

constexpr std::size_t kLongest = 700;
// Over 700 lines needs a reason in the first lines. Tests may be long: each file of them costs the
// compiler seconds for its framework alone.
Offences length(const SourceFile& file) {
    const std::vector<std::string> lines = lines_of(file.text);
    if (lines.size() <= kLongest || is_test(file)) return {};
    for (std::size_t i = 0; i < 15; ++i) {
        if (lines[i].find("Long because") != std::string::npos) return {};
    }
    return {file.path + ": " + std::to_string(lines.size()) +
            " lines; split it, or say \"Long because ...\" in its first lines"};
}

Offences unfinished_notes(const SourceFile& file) {
    if (file.path == "properties/tidy_test.cc") return {};  // shows its own planted notes
    static const std::regex note(R"(\b(TODO|FIXME|XXX)\b(?!\s*\(?#[0-9]+))");
    static const std::regex comment("//.*");
    Offences found;
    for (const std::string& line : lines_of(file.text)) {
        std::smatch match;
        if (!std::regex_search(line, match, comment)) continue;
        const std::string said = match.str();
        if (std::regex_search(said, note))
            found.push_back(file.path + ": no issue number: " + line);
    }
    return found;
}

// --- the tree -----------------------------------------------------------------------------------

fs::path top() { return fs::path(TRIBUNAL_SOURCE_DIR); }

constexpr const char* kFolders[] = {"broker",    "sim",     "properties", "model",
                                    "scenarios", "reports", "cli"};

std::vector<SourceFile> sources(const std::set<std::string>& endings) {
    std::vector<fs::path> paths;
    for (const char* folder : kFolders) {
        if (!fs::exists(top() / folder)) continue;
        for (const auto& entry : fs::recursive_directory_iterator(top() / folder)) {
            if (entry.is_regular_file() && endings.count(entry.path().extension().string()) > 0) {
                paths.push_back(entry.path());
            }
        }
    }
    std::sort(paths.begin(), paths.end());
    std::vector<SourceFile> files;
    for (const fs::path& path : paths) {
        std::ifstream in(path, std::ios::binary);
        std::ostringstream text;
        text << in.rdbuf();
        files.push_back({fs::relative(path, top()).generic_string(), text.str()});
    }
    return files;
}

const std::vector<SourceFile>& cpp_sources() {
    static const std::vector<SourceFile> files = sources({".h", ".cc"});
    return files;
}

template <class Rule>
void expect_kept(const std::vector<SourceFile>& files, Rule rule) {
    ASSERT_GT(files.size(), 50u) << "the tree is not at " << TRIBUNAL_SOURCE_DIR;
    for (const SourceFile& file : files) {
        for (const std::string& offence : rule(file)) ADD_FAILURE() << offence;
    }
}

TEST(tidy, folders_include_only_what_stands_below_them) {
    expect_kept(cpp_sources(), wrong_includes);
}
TEST(tidy, nothing_that_breaks_determinism_is_used) {
    expect_kept(cpp_sources(), banned_constructs);
}
TEST(tidy, no_floating_point_in_decisions) { expect_kept(cpp_sources(), floating_point); }
TEST(tidy, nothing_depends_on_the_environment) { expect_kept(cpp_sources(), environment); }
TEST(tidy, no_static_has_state) { expect_kept(cpp_sources(), mutable_statics); }
TEST(tidy, headers_are_once_and_light) { expect_kept(cpp_sources(), header_rules); }
TEST(tidy, files_are_short) { expect_kept(cpp_sources(), length); }
TEST(tidy, notes_name_an_issue) { expect_kept(cpp_sources(), unfinished_notes); }
TEST(tidy, no_path_of_a_machine_is_written_down) {
    expect_kept(
        sources({".h", ".cc", ".cmake", ".js", ".json", ".sh", ".md", ".html", ".properties"}),
        [](const SourceFile& file) {
            // Shows its own planted paths.
            return file.path == "properties/tidy_test.cc" ? Offences{} : machine_paths(file);
        });
}

TEST(tidy, every_folder_has_a_readme) {
    for (const char* folder : kFolders) {
        if (!fs::exists(top() / folder) || fs::is_empty(top() / folder)) continue;
        EXPECT_TRUE(fs::exists(top() / folder / "README.md")) << folder;
    }
}

// --- each rule catches what it is for -----------------------------------------------------------

SourceFile planted(const std::string& path, const std::string& text) { return {path, text + "\n"}; }

TEST(tidy, a_wrong_include_is_caught) {
    struct Case {
        const char* file;
        const char* includes;
        bool is_allowed;
    };
    constexpr Case cases[] = {
        {"broker/base/a.h", "broker/base/b.h", true},
        {"broker/base/a.h", "broker/protocol/ids.h", false},
        {"broker/log/a.cc", "broker/base/b.h", true},
        {"broker/log/a.cc", "broker/replication/partition.h", false},
        {"broker/replication/a.cc", "broker/controller/controller.h", false},
        {"broker/controller/a.cc", "broker/group/offsets.h", false},
        {"broker/group/a.cc", "broker/client/admin.h", false},
        {"broker/client/a.cc", "broker/log/replica_log.h", false},
        {"broker/client/a.cc", "broker/protocol/messages.h", true},
        {"broker/node/a.cc", "broker/controller/controller.h", true},
        {"broker/node/a.cc", "sim/world.h", false},
        {"sim/a.cc", "broker/replication/partition.h", true},
        {"sim/a.cc", "properties/recorder.h", false},
        {"sim/a.cc", "model/model.h", false},
        {"properties/a.cc", "sim/world.h", true},
        {"properties/a.cc", "scenarios/play.h", false},
        {"scenarios/a.cc", "properties/recorder.h", true},
        {"scenarios/a.cc", "reports/report.h", false},
        {"reports/a.cc", "scenarios/play.h", true},
        {"reports/a.cc", "cli/commands.h", false},
        {"cli/a.cc", "reports/report.h", true},
        {"sim/a.cc", "world.h", false},
        {"properties/some_main.cc", "scenarios/play.h", true},
    };
    for (const Case& c : cases) {
        const auto found =
            wrong_includes(planted(c.file, "#include \"" + std::string(c.includes) + '"'));
        EXPECT_EQ(found.empty(), c.is_allowed) << c.file << " includes " << c.includes;
    }
}

TEST(tidy, every_banned_construct_is_caught) {
    for (const Ban& ban : kBans) {
        const std::string text = std::string("int a;\n") + ban.planted;
        EXPECT_EQ(banned_constructs(planted("sim/a.cc", text)).size(), 1u) << ban.planted;
        EXPECT_EQ(banned_constructs(planted("broker/log/a.h", text)).size(), 1u) << ban.planted;
        // Words in comments and texts are only words.
        EXPECT_EQ(banned_constructs(planted("sim/a.cc", std::string("// ") + ban.planted)),
                  Offences{});
        EXPECT_EQ(banned_constructs(planted("reports/a.cc", text)), Offences{});
    }
    EXPECT_EQ(
        banned_constructs(planted("sim/a.cc", "say(\"std::thread t;\"); /* rand() */ f('\"');")),
        Offences{});
    EXPECT_EQ(banned_constructs(planted("sim/a.cc", "int n = 1'000; char c = '\"'; return rand();"))
                  .size(),
              1u);
    EXPECT_EQ(banned_constructs(planted("sim/a.cc", "f(R\"(x\" rand() )\"); log2(filed_);")).size(),
              0u);
    EXPECT_EQ(banned_constructs(planted("sim/a.cc", "std::map<int, Host*> by_id;")), Offences{});
}

TEST(tidy, every_other_offence_is_caught) {
    EXPECT_EQ(floating_point(planted("sim/a.cc", "double x = 0;")).size(), 1u);
    EXPECT_EQ(floating_point(planted("sim/a.cc", "int x;  // a double room")), Offences{});
    EXPECT_EQ(
        floating_point(planted("sim/a.cc", "double x;  // floating point: a figure of a report")),
        Offences{});
    EXPECT_EQ(floating_point(planted("sim/a_bench.cc", "double x;")), Offences{});

    EXPECT_EQ(environment(planted("scenarios/a.cc", "std::getenv(\"HOME\");")).size(), 1u);
    EXPECT_EQ(environment(planted("properties/golden.cc", "std::getenv(\"GOLDEN_DIR\");")),
              Offences{});

    EXPECT_EQ(mutable_statics(planted("sim/a.cc", "    static int count = 0;")).size(), 1u);
    EXPECT_EQ(mutable_statics(planted("sim/a.cc", "static std::vector<int> seen;")).size(), 1u);
    EXPECT_EQ(mutable_statics(planted("sim/a.cc", "thread_local std::uint64_t last{};")).size(),
              1u);
    EXPECT_EQ(mutable_statics(planted("sim/a.cc", "    static const int count = 0;")), Offences{});
    EXPECT_EQ(mutable_statics(planted("sim/a.h", "    static std::uint64_t fold(int x) {")),
              Offences{});

    EXPECT_EQ(header_rules(planted("sim/a.h", "int a;")).size(), 1u);
    EXPECT_EQ(header_rules(planted("sim/a.h", "#pragma once\n#include <iostream>")).size(), 1u);
    EXPECT_EQ(header_rules(planted("broker/log/a.h", "#pragma once\n#include <fmt/core.h>")).size(),
              1u);
    EXPECT_EQ(header_rules(planted("sim/a.h", "#pragma once\n#include <vector>")), Offences{});

    EXPECT_EQ(machine_paths(planted("sim/a.cc", "open(\"/home/somebody/x\");")).size(), 1u);
    EXPECT_EQ(machine_paths(planted("sim/README.md", "see /root/notes")).size(), 1u);
    EXPECT_EQ(machine_paths(planted("sim/a.cc", "a/home/b; https://x.org/home/x")), Offences{});

    std::string many;
    for (std::size_t i = 0; i <= kLongest; ++i) many += "int a;\n";
    EXPECT_EQ(length({"sim/a.cc", many}).size(), 1u);
    EXPECT_EQ(length({"sim/a_test.cc", many}), Offences{});
    EXPECT_EQ(length({"sim/a.cc", "// Long because it is one table.\n" + many}), Offences{});

    EXPECT_EQ(unfinished_notes(planted("sim/a.cc", "int a;  // TODO later")).size(), 1u);
    EXPECT_EQ(unfinished_notes(planted("sim/a.cc", "int a;  // TODO(#12) later")), Offences{});
    EXPECT_EQ(unfinished_notes(planted("sim/a.cc", "say(\"\\uXXXX\");  // a \\uXXXX escape")),
              Offences{});
}

}  // namespace
}  // namespace tribunal
