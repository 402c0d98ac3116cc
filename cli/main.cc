#include <cstdio>
#include "scenarios/play.h"
using namespace tribunal;
int main(int argc, char** argv) {
    try {
        const Scenario s = load_scenario(argv[1]);
        const auto seed = argc > 2 ? strtoull(argv[2], nullptr, 10) : s.seed;
        const Played p = play(s, seed);
        std::printf("converged %d %s at %.3f end %.3f events %lu trace %s\n", p.outcome.converged, p.outcome.unconverged.c_str(), double(p.outcome.converged_at.value)/1e9, double(p.end.value)/1e9, p.events, to_string(p.trace).c_str());
        std::size_t ok = 0, n = 0; for (auto& v : p.history.sends) for (auto& x : v) { ++n; ok += x.outcome == Outcome::ok; }
        std::printf("sends %zu ok %zu reads %zu\n", n, ok, p.history.reads.size());
        for (auto& e : p.application_errors) std::printf("ERR %s\n", e.c_str());
        for (auto& l : p.ledger) std::printf("%.3f %s\n", double(l.at.value)/1e9, l.text.c_str());
        for (auto& c : p.checks) { std::printf("%-12s %-4s %-24s checked %lu found %lu allowed %lu %s\n", c.group.c_str(), c.id.c_str(), std::string(name_of(c.verdict)).c_str(), c.checked, c.found, c.found_allowed, c.note.c_str()); if (c.verdict==Verdict::fail) for (auto& v: c.violations) { std::printf("      %s | %s\n", v.summary.c_str(), v.because.c_str()); break; } }
    } catch (const std::exception& e) { std::printf("EXC %s\n", e.what()); return 3; }
}
