// The partial-order reductions on random programs: processes that write, read, wait, take locks and
// choose, against the naive search and against all interleavings.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "broker/base/prng.h"
#include "model/independence_check.h"
#include "model/naive.h"
#include "model/sleep_sets.h"
#include "model/source_dpor.h"
#include "model/specs/two_phase.h"

namespace tribunal {
namespace {

// --- programs
// -------------------------------------------------------------------------------------

enum Op : std::uint8_t {
    set,       // variable := value
    increase,  // variable := variable + 1 mod 4
    read,      // register := variable
    expect,    // the register is the value, or an error is noted
    await,     // go on when the variable is the value
    take,      // a lock: go on when the variable is 0, which becomes 1
    choose,    // variable := value, or := value + 1
    back,      // go to the first instruction
};
constexpr std::array<std::string_view, 8> kOps{"Set",   "Increase", "Read",   "Expect",
                                               "Await", "Take",     "Choose", "Back"};
struct Instruction {
    Op op = set;
    std::uint8_t variable = 0;
    std::uint8_t value = 0;
};
constexpr std::size_t kMost = 8;  // processes, variables, instructions of a process

class Program {
  public:
    struct State {
        std::array<std::uint8_t, kMost> at{};
        std::array<std::uint8_t, kMost> registers{};
        std::array<std::uint8_t, kMost> variables{};
        std::array<std::uint8_t, kMost> errors{};  // by process
        bool operator==(const State&) const = default;
    };
    std::vector<std::vector<Instruction>> processes;

    template <class Emit>
    void initial_states(Emit&& emit) const {
        emit(State{});
    }
    template <class Emit>
    void successors(const State& s, Emit&& emit) const {
        for (std::size_t p = 0; p < processes.size(); ++p) {
            if (s.at[p] >= processes[p].size()) continue;
            const Instruction& i = processes[p][s.at[p]];
            if (i.op == await && s.variables[i.variable] != i.value) continue;
            if (i.op == take && s.variables[i.variable] != 0) continue;
            for (unsigned choice = 0; choice < (i.op == choose ? 2 : 1); ++choice) {
                const Action action{i.op,
                                    static_cast<std::uint16_t>(p * 100 + s.at[p] * 10u + choice)};
                emit(action, after(s, action));
            }
        }
    }
    Digest128 digest(const State& s) const { return digest_of_words(s); }
    std::span<const std::string_view> action_names() const { return kOps; }
    std::vector<PropertySpec> properties() const {
        return {{"NoError", PropertyKind::always},
                {"SomeError", PropertyKind::sometimes},
                {"Variable0Is3", PropertyKind::sometimes},
                {"Variable0IsNot2", PropertyKind::always}};
    }
    std::uint64_t predicates(const State& s) const {
        const bool error = s.errors != decltype(s.errors){};
        return (error ? 2u : 1u) | (s.variables[0] == 3 ? 4u : 0u) |
               (s.variables[0] != 2 ? 8u : 0u);
    }
    std::string describe(const State&, Action a) const {
        return std::string(kOps[a.kind]) + '(' + std::to_string(a.detail) + ')';
    }
    StateText show(const State& s) const {
        std::string at;
        for (const std::uint8_t pc : s.at) at += std::to_string(pc);
        return {{"at", at}};
    }

    // Bits: the processes, then the variables.
    static std::uint64_t process(std::size_t p) { return std::uint64_t{1} << p; }
    static std::uint64_t variable(std::size_t v) { return std::uint64_t{1} << (kMost + v); }
    Footprint footprint(const State& s, Action a) const {
        const std::size_t p = a.detail / 100u;
        const Instruction& i = processes[p][a.detail / 10u % 10u];
        Footprint f{process(p), process(p)};
        if (i.op != expect && i.op != back) f.reads |= variable(i.variable);
        if (i.op == set || i.op == increase || i.op == take || i.op == choose) {
            f.writes |= variable(i.variable);
        }
        if (predicates(s) != predicates(after(s, a)) ||
            (i.op == expect && s.registers[p] != i.value)) {
            f.writes |= Footprint::kPredicates;
        }
        return f;
    }

    State after(State s, Action a) const {
        const std::size_t p = a.detail / 100u;
        const Instruction& i = processes[p][s.at[p]];
        std::uint8_t& variable = s.variables[i.variable];
        ++s.at[p];
        switch (i.op) {
            case set:
                variable = i.value;
                break;
            case increase:
                variable = (variable + 1) % 4;
                break;
            case read:
                s.registers[p] = variable;
                break;
            case expect:
                s.errors[p] |= s.registers[p] != i.value;
                break;
            case await:
                break;
            case take:
                variable = 1;
                break;
            case choose:
                variable = static_cast<std::uint8_t>(i.value + a.detail % 10);
                break;
            case back:
                s.at[p] = 0;
                break;
        }
        return s;
    }
};

// The same, and it knows which steps take others away: what writes a variable that somebody waits
// for, and either of two choices. Its footprints are those that a step may have anywhere.
class FrankProgram : public Program {
  public:
    explicit FrankProgram(const Program& p) : Program(p) {}
    Footprint footprint(const State& s, Action a) const {
        Footprint f = Program::footprint(s, a);
        const Instruction& i = processes[a.detail / 100u][a.detail / 10u % 10u];
        if (i.op == expect || (i.variable == 0 && (f.writes & variable(0)) != 0)) {
            f.writes |= Footprint::kPredicates;
        }
        return f;
    }
    bool keeps_enabled(Action a) const {
        const Instruction& mine = processes[a.detail / 100u][a.detail / 10u % 10u];
        if (mine.op == choose) return false;
        if (mine.op != set && mine.op != increase && mine.op != take) return true;
        for (const auto& process : processes) {
            for (const Instruction& i : process) {
                if ((i.op == await || i.op == take) && i.variable == mine.variable) return false;
            }
        }
        return true;
    }
};

// The same with the steps of each state in an order of its own. With one order of all actions sleep
// sets happen to keep all states even when no state is ever visited again.
class RestlessProgram : public FrankProgram {
  public:
    explicit RestlessProgram(const Program& p) : FrankProgram(p) {}
    template <class Emit>
    void successors(const State& s, Emit&& emit) const {
        std::vector<std::pair<Action, State>> steps;
        Program::successors(s, [&](Action a, const State& t) { steps.emplace_back(a, t); });
        Prng prng{digest(s).low};
        for (std::size_t i = steps.size(); i > 1; --i) {
            std::swap(steps[i - 1], steps[prng.below(i)]);
        }
        for (const auto& [action, state] : steps) emit(action, state);
    }
};

// Few values, waiting and loops: states that are met on many ways.
Program tangled_program(Prng& prng) {
    constexpr Op ops[] = {set, increase, await, take, choose, read, back};
    Program program;
    for (int p = 0; p < 4; ++p) {
        std::vector<Instruction> code(1 + prng.below(3));
        for (Instruction& i : code) {
            i = {ops[prng.below(std::size(ops))], static_cast<std::uint8_t>(prng.below(2)),
                 static_cast<std::uint8_t>(prng.below(2))};
        }
        program.processes.push_back(std::move(code));
    }
    return program;
}

Program random_program(Prng& prng, bool with_loops) {
    Program program;
    const std::uint64_t processes = 2 + prng.below(2);
    const std::uint64_t variables = 1 + prng.below(3);
    const std::uint64_t ops = with_loops ? 8 : prng.below(2) == 0 ? 4 : 7;
    for (std::uint64_t p = 0; p < processes; ++p) {
        std::vector<Instruction> code(1 + prng.below(processes == 2 ? 4 : 3));
        for (Instruction& i : code) {
            i = {static_cast<Op>(prng.below(ops)), static_cast<std::uint8_t>(prng.below(variables)),
                 static_cast<std::uint8_t>(prng.below(3))};
        }
        program.processes.push_back(std::move(code));
    }
    return program;
}

// --- what must agree
// ---------------------------------------------------------------------------------

template <class M>
void expect_verdicts_of_naive(const M& model, const SearchResult& r, bool shortest,
                              const std::string& where) {
    const auto naive = explore_naively(model);
    const auto specs = model.properties();
    ASSERT_EQ(r.properties.size(), specs.size());
    for (std::size_t p = 0; p < specs.size(); ++p) {
        const PropertyResult& property = r.properties[p];
        const bool always = specs[p].kind == PropertyKind::always;
        const std::uint64_t first = always ? naive.first_false[p] : naive.first_true[p];
        ASSERT_EQ(property.verdict == Verdict::fail, (first != 0) == always)
            << where << property.name;
        ASSERT_NE(property.verdict, Verdict::inconclusive) << where;
        if (first == 0) continue;
        ASSERT_EQ(property.path.size(), property.actions.size() + 1) << where;
        if (shortest) {
            ASSERT_EQ(property.path.size(), first) << where;
        }
        const auto behaviour = follow(model, typename M::State{}, property.actions);
        const std::uint64_t holds = model.predicates(behaviour.states.back());
        ASSERT_EQ(((holds >> p) & 1) != 0, !always) << where << "the path shows nothing";
    }
}

// How many classes of maximal behaviours there are when independent steps may change places: the
// order of each two steps in conflict tells them apart. No step occurs twice in these programs.
template <class P>
std::size_t count_traces(const P& program) {
    std::set<std::set<std::pair<Action, Action>>> traces;
    std::vector<std::pair<Action, Footprint>> path;
    const std::function<void(const Program::State&)> go = [&](const Program::State& s) {
        bool last = true;
        program.successors(s, [&](Action a, Program::State t) {
            last = false;
            path.emplace_back(a, program.footprint(s, a));
            go(t);
            path.pop_back();
        });
        if (!last) return;
        std::set<std::pair<Action, Action>> trace;
        for (std::size_t i = 0; i < path.size(); ++i) {
            for (std::size_t j = i; j < path.size(); ++j) {
                if (i == j || path[i].second.conflicts_with(path[j].second)) {
                    trace.insert({path[i].first, path[j].first});
                }
            }
        }
        traces.insert(std::move(trace));
    };
    go(Program::State{});
    return traces.size();
}

// --- random programs
// -----------------------------------------------------------------------------------

TEST(independence, the_programs_of_this_file_are_honest) {
    Prng prng{1};
    for (int round = 0; round < 300; ++round) {
        const FrankProgram model{random_program(prng, round % 2 == 0)};
        for (const std::string& e : independence_errors(model, 0)) FAIL() << round << ": " << e;
    }
}

// Returns how many steps were taken.
template <class M>
std::uint64_t expect_sleep_sets_like_naive(const M& model, SearchPolicy policy,
                                           const std::string& where) {
    const bool breadth_first = policy == SearchPolicy::breadth_first;
    const auto naive = explore_naively(model);
    SearchOptions options;
    options.policy = policy;
    const SearchResult r = search_with_sleep_sets(model, options);
    EXPECT_TRUE(r.complete);
    EXPECT_EQ(r.distinct, naive.distinct) << where;
    EXPECT_LE(r.generated, naive.generated) << where;
    if (breadth_first) {
        EXPECT_EQ(r.levels, naive.levels) << where;
    }
    for (std::size_t p = 0; p < r.properties.size(); ++p) {
        const bool always = r.properties[p].kind == PropertyKind::always;
        EXPECT_EQ(r.properties[p].violating_states,
                  always ? naive.false_states[p] : naive.distinct - naive.false_states[p]);
    }
    expect_verdicts_of_naive(model, r, breadth_first, where);
    return r.generated;
}

TEST(sleep_sets, keep_states_levels_and_verdicts_and_take_fewer_steps) {
    Prng prng{2};
    std::uint64_t all = 0, taken = 0;
    for (int round = 0; round < 3000; ++round) {
        const Program model =
            round < 2000 ? random_program(prng, round % 2 == 0) : tangled_program(prng);
        const RestlessProgram restless(model);
        for (const SearchPolicy policy : {SearchPolicy::breadth_first, SearchPolicy::depth_first}) {
            const std::string where = "round " + std::to_string(round) + ' ';
            all += 2 * explore_naively(model).generated;
            taken += expect_sleep_sets_like_naive(model, policy, where);
            taken += expect_sleep_sets_like_naive(restless, policy, where + "restless ");
            if (HasFailure()) return;
        }
    }
    EXPECT_LT(taken * 10, all * 9);
}

// Whether it knows what takes steps away or not: one behaviour of each class, and no class left
// out.
TEST(source_dpor, takes_each_class_of_behaviours_once) {
    Prng prng{3};
    DporCounts plain, frank;
    std::uint64_t traces = 0;
    for (int round = 0; round < 1500; ++round) {
        const Program model = random_program(prng, false);
        DporCounts counts;
        SearchResult r = search_with_source_dpor(model, {}, &counts);
        const std::size_t expected = count_traces(model);
        ASSERT_EQ(counts.executions, expected) << "round " << round;
        ASSERT_TRUE(r.complete);
        expect_verdicts_of_naive(model, r, false, "round " + std::to_string(round));
        if (HasFatalFailure()) return;
        plain.blocked += counts.blocked;

        const RestlessProgram knowing{model};
        r = search_with_source_dpor(knowing, {}, &counts);
        const std::size_t classes = count_traces(knowing);
        traces += classes;
        ASSERT_EQ(counts.executions, classes) << "round " << round;
        expect_verdicts_of_naive(knowing, r, false, "round " + std::to_string(round));
        if (HasFatalFailure()) return;
        frank.blocked += counts.blocked;
        frank.races += counts.races;
    }
    EXPECT_GT(frank.races, 1000u);
    EXPECT_LT(frank.blocked * 2, plain.blocked);
    EXPECT_LT(frank.blocked * 20, traces) << "tries little in vain";
}

// --- classics
// ---------------------------------------------------------------------------------------------

DporCounts counts_of(const Program& model) {
    DporCounts counts;
    EXPECT_TRUE(search_with_source_dpor(FrankProgram(model), {}, &counts).complete);
    return counts;
}

TEST(source_dpor, independent_writers_need_one_execution) {
    Program model;
    for (std::uint8_t p = 0; p < 6; ++p) model.processes.push_back({{set, p, 10}, {set, p, 11}});
    DporCounts counts = counts_of(model);
    EXPECT_EQ(counts.executions, 1u);
    EXPECT_EQ(counts.blocked, 0u);
    const SearchResult r = search_with_source_dpor(FrankProgram(model), {});
    EXPECT_EQ(r.distinct, 13u);
    EXPECT_EQ(r.generated, 13u);
    EXPECT_EQ(r.coverage.at("Set"), 12u);
    EXPECT_EQ(explore_naively(model).distinct, 729u);
    EXPECT_EQ(search_with_sleep_sets(model, {}).generated, 729u) << "one step to each state";
}

TEST(source_dpor, writers_of_one_variable_need_every_order) {
    std::uint64_t factorial = 1;
    for (std::uint8_t n = 1; n <= 6; ++n) {
        Program model;
        for (std::uint8_t p = 0; p < n; ++p) {
            model.processes.push_back({{set, 1, static_cast<std::uint8_t>(10 + p)}});
        }
        factorial *= n;
        EXPECT_EQ(counts_of(model).executions, factorial);
        EXPECT_EQ(counts_of(model).blocked, 0u);
    }
}

TEST(source_dpor, readers_and_a_writer_need_a_power_of_two) {
    for (std::uint64_t readers = 1; readers <= 6; ++readers) {
        Program model;
        model.processes.push_back({{set, 1, 5}});
        for (std::uint64_t p = 0; p < readers; ++p) model.processes.push_back({{read, 1, 0}});
        EXPECT_EQ(counts_of(model).executions, std::uint64_t{1} << readers);
        EXPECT_EQ(counts_of(model).blocked, 0u);
    }
}

// Two take locks for ever, and a third one, on its way, would need both. No path that begins with
// either of them shows that they are in its way.
TEST(source_dpor, a_lock_that_is_never_given_back_hides_nothing) {
    Program model;
    model.processes = {
        {{take, 1, 0}}, {{take, 2, 0}}, {{set, 3, 1}, {take, 1, 0}, {take, 2, 0}, {set, 0, 3}}};
    const FrankProgram frank(model);
    const SearchResult r = search_with_source_dpor(frank, {});
    EXPECT_EQ(r.find("Variable0Is3")->verdict, Verdict::pass);
    EXPECT_EQ(counts_of(model).executions, count_traces(frank));
}

// Whether these steps conflict depends on what was written before. With keeps_enabled() and such
// footprints, three of the 101 classes would be missed.
class Overconfident : public RestlessProgram {
  public:
    explicit Overconfident(const Program& p) : RestlessProgram(p) {}
    Footprint footprint(const State& s, Action a) const { return Program::footprint(s, a); }
};

TEST(source_dpor, misses_nothing_when_footprints_vary) {
    Program model;
    model.processes = {{{read, 0, 1}, {set, 0, 0}, {read, 0, 0}, {read, 1, 0}, {expect, 0, 1}},
                       {{set, 0, 1}, {increase, 0, 0}, {read, 1, 1}, {read, 1, 0}, {expect, 0, 1}},
                       {{expect, 0, 0}, {read, 1, 0}, {expect, 0, 1}}};
    DporCounts counts;
    const SearchResult r = search_with_source_dpor(Overconfident(model), {}, &counts);
    EXPECT_TRUE(r.complete);
    EXPECT_EQ(counts.executions, 101u);
    EXPECT_EQ(count_traces(model), 101u);
    const auto errors = independence_errors(Overconfident(model), 0);
    ASSERT_FALSE(errors.empty());
    EXPECT_NE(errors[0].find("a footprint that varies"), std::string::npos) << errors[0];
}

TEST(source_dpor, finds_a_lost_update) {
    Program model;
    // Each writes 1 after it has read 0. When one comes after the other, the later one reads 1.
    model.processes = {{{read, 1, 0}, {expect, 1, 0}, {set, 1, 1}},
                       {{read, 1, 0}, {expect, 1, 0}, {set, 1, 1}}};
    const SearchResult r = search_with_source_dpor(FrankProgram(model), {});
    EXPECT_EQ(r.find("NoError")->verdict, Verdict::fail);
    EXPECT_EQ(r.find("SomeError")->verdict, Verdict::pass);
    EXPECT_EQ(r.find("NoError")->path.back().name, "Expect");
}

TEST(source_dpor, stops_at_a_cycle_and_says_what_to_use) {
    Program model;
    model.processes = {{{set, 1, 1}, {back, 0, 0}}, {{read, 1, 0}}};
    const SearchResult r = search_with_source_dpor(model, {});
    EXPECT_FALSE(r.complete);
    EXPECT_EQ(r.stopped_by, "cycle");
    EXPECT_EQ(r.properties[0].verdict, Verdict::inconclusive);
    EXPECT_NE(r.properties[0].note.find("use sleep sets"), std::string::npos);
    EXPECT_TRUE(search_with_sleep_sets(model, {}).complete);
}

TEST(sleep_sets, keep_the_states_of_two_phase_commit) {
    const TwoPhase model(3);
    EXPECT_EQ(independence_errors(model, 0), std::vector<std::string>{});
    const auto naive = explore_naively(model);
    const SearchResult r = search_with_sleep_sets(model, {});
    EXPECT_EQ(r.distinct, naive.distinct);
    EXPECT_EQ(r.levels, naive.levels);
    EXPECT_LT(r.generated, naive.generated);
}

// --- options
// -----------------------------------------------------------------------------------------------

Program three_by_three() {
    Program model;
    for (std::uint8_t p = 0; p < 3; ++p) model.processes.push_back({{set, 0, 1}, {set, 0, 2}});
    return model;
}

TEST(reductions, keep_to_the_limits) {
    const FrankProgram model{three_by_three()};
    SearchOptions options;
    options.max_depth = 2;
    for (const SearchResult& r :
         {search_with_sleep_sets(model, options), search_with_source_dpor(model, options)}) {
        EXPECT_FALSE(r.complete);
        EXPECT_EQ(r.stopped_by, "depth limit");
        EXPECT_EQ(r.depth, 2u);
        EXPECT_EQ(r.find("Variable0IsNot2")->verdict, Verdict::inconclusive);
    }
    options = {};
    options.max_states = 3;
    for (const SearchResult& r :
         {search_with_sleep_sets(model, options), search_with_source_dpor(model, options)}) {
        EXPECT_FALSE(r.complete);
        EXPECT_EQ(r.stopped_by, "state limit");
    }
    options = {};
    options.stop_at_first = true;
    for (const SearchResult& r :
         {search_with_sleep_sets(model, options), search_with_source_dpor(model, options)}) {
        EXPECT_EQ(r.stopped_by, "first violation");
        EXPECT_EQ(r.find("Variable0IsNot2")->verdict, Verdict::fail);
        EXPECT_EQ(r.find("Variable0IsNot2")->path.size(), 3u);
    }
    options = {};
    options.symmetry = true;
    EXPECT_THROW(search_with_sleep_sets(model, options), std::invalid_argument);
    EXPECT_THROW(search_with_source_dpor(model, options), std::invalid_argument);
}

// --- lies
// ---------------------------------------------------------------------------------------------------

// A program with one bit of every footprint missing, or of keeps_enabled().
class Liar : public FrankProgram {
  public:
    Liar(const Program& p, std::uint64_t hidden, bool keeps)
        : FrankProgram(p), hidden_(hidden), keeps_(keeps) {}
    Footprint footprint(const State& s, Action a) const {
        const Footprint f = FrankProgram::footprint(s, a);
        return {f.reads & ~hidden_, f.writes & ~hidden_};
    }
    bool keeps_enabled(Action a) const { return keeps_ || FrankProgram::keeps_enabled(a); }

  private:
    std::uint64_t hidden_;
    bool keeps_;
};

TEST(independence, lies_are_caught) {
    Program model;
    model.processes = {{{set, 1, 1}, {read, 2, 0}},
                       {{read, 1, 0}, {set, 2, 2}, {expect, 0, 0}},
                       {{await, 2, 2}, {take, 3, 0}},
                       {{take, 3, 0}, {choose, 0, 2}}};
    struct Case {
        const char* lie;
        std::uint64_t hidden;
        bool keeps;
        const char* says;  // in some error; null: there is none
    };
    const Case cases[] = {
        {"none", 0, false, nullptr},
        {"a variable that one writes and one reads", Program::variable(1), false, "order matters"},
        {"a variable that one waits for", Program::variable(2), false, "makes possible"},
        {"a lock", Program::variable(3), false, "takes away"},
        {"the place of a process", Program::process(1), false, "makes possible"},
        {"predicates", Footprint::kPredicates, false, "does not write kPredicates"},
        {"that a lock takes steps away", 0, true, "has keeps_enabled and takes away"},
    };
    for (const Case& c : cases) {
        const auto errors = independence_errors(Liar(model, c.hidden, c.keeps), 0);
        EXPECT_EQ(errors.empty(), c.says == nullptr) << c.lie;
        if (c.says == nullptr) continue;
        EXPECT_TRUE(
            std::any_of(errors.begin(), errors.end(),
                        [&](const std::string& e) { return e.find(c.says) != std::string::npos; }))
            << c.lie << ": " << (errors.empty() ? "nothing" : errors.front());
    }
}

}  // namespace
}  // namespace tribunal
