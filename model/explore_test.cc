// The explorer against its naive twin, on every model at constants small enough for the twin; and
// what it says when it is stopped.
#include "model/explore.h"

#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <stdexcept>

#include "model/naive.h"
#include "model/replay.h"
#include "model/specs/async_isr.h"
#include "model/specs/chameneos.h"
#include "model/specs/chang_roberts.h"
#include "model/specs/consumer_group_protocol.h"
#include "model/specs/die_hard.h"
#include "model/specs/dining_philosophers.h"
#include "model/specs/ewd840.h"
#include "model/specs/finite_replicated_log.h"
#include "model/specs/id_sequence.h"
#include "model/specs/kafka_replication.h"
#include "model/specs/kraft_replication.h"
#include "model/specs/t_commit.h"
#include "model/specs/two_phase.h"

namespace tribunal {
namespace {

constexpr PropertySpec kBelowLimit[] = {{"BelowLimit", PropertyKind::always},
                                        {"AtLimit", PropertyKind::sometimes},
                                        {"Never", PropertyKind::sometimes}};

// Words over a small alphabet, up to a length: states that own memory, several initial ones (and
// one of them twice), states without a step, steps that change nothing, and a score.
class Words {
  public:
    struct State {
        std::string text;
        std::vector<std::string> marks;
        bool operator==(const State&) const = default;
    };
    Words(std::size_t letters, std::size_t length, std::string bad = "")
        : letters_(letters), length_(length), bad_(std::move(bad)) {}

    template <class Emit>
    void initial_states(Emit&& emit) const {
        for (const char* text : {"a", "b", "a", ""}) emit(State{text, {}});
    }
    template <class Emit>
    void successors(const State& s, Emit&& emit) const {
        emit(Action{0, 0}, s);
        if (s.text.size() >= length_) return;
        for (std::size_t i = 0; i < letters_; ++i) {
            State t = s;
            t.text += static_cast<char>('a' + i);
            std::sort(t.text.begin(), t.text.end());
            emit(Action{1, static_cast<std::uint16_t>(i)}, std::move(t));
        }
        State t = s;
        t.marks.push_back(std::string(40, '!'));
        t.text += '!';
        emit(Action{2, 0}, std::move(t));
    }
    Digest128 digest(const State& s) const {
        Digest d;
        fold(d, s.text);
        fold(d, s.marks);
        return d.value();
    }
    std::span<const std::string_view> action_names() const {
        static constexpr std::string_view kNames[] = {"Idle", "Append", "Mark"};
        return kNames;
    }
    std::span<const PropertySpec> properties() const { return kBelowLimit; }
    std::uint64_t predicates(const State& s) const {
        return (s.text != bad_ ? 1u : 0u) | (s.text.size() == length_ ? 2u : 0u);
    }
    std::string describe(const State&, Action a) const {
        return std::string(action_names()[a.kind]) + "(" + std::to_string(a.detail) + ")";
    }
    StateText show(const State& s) const {
        return {{"text", s.text}, {"marks", std::to_string(s.marks.size())}};
    }
    std::int64_t score(const State& s) const { return static_cast<std::int64_t>(s.text.size()); }

  private:
    std::size_t letters_;
    std::size_t length_;
    std::string bad_;
};
static_assert(HasScore<Words>);

// From a number to each of the `width` next ones that are multiples of its smallest prime: more
// successors than a byte can number.
class Wide {
  public:
    struct State {
        std::uint64_t number = 0;
        bool operator==(const State&) const = default;
    };
    Wide(std::uint64_t width, std::uint64_t most) : width_(width), most_(most) {}
    template <class Emit>
    void initial_states(Emit&& emit) const {
        for (std::uint64_t i = 0; i < width_; ++i) emit(State{i});
    }
    template <class Emit>
    void successors(const State& s, Emit&& emit) const {
        for (std::uint64_t i = 0; i < width_; ++i) {
            const std::uint64_t next = s.number * 7 + i * i + 1;
            if (next <= most_) emit(Action{0, static_cast<std::uint16_t>(i)}, State{next});
        }
    }
    Digest128 digest(const State& s) const { return digest_of_words(s); }
    std::span<const std::string_view> action_names() const {
        static constexpr std::string_view kNames[] = {"Jump"};
        return kNames;
    }
    std::span<const PropertySpec> properties() const { return kBelowLimit; }
    std::uint64_t predicates(const State& s) const {
        return (s.number + 20 < most_ ? 1u : 0u) | (s.number == most_ ? 2u : 0u);
    }
    std::string describe(const State&, Action a) const {
        return "Jump(" + std::to_string(a.detail) + ")";
    }
    StateText show(const State& s) const { return {{"number", std::to_string(s.number)}}; }

  private:
    std::uint64_t width_;
    std::uint64_t most_;
};

// --- comparisons --------------------------------------------------------------------------------

using Flat = std::vector<std::string>;
Flat flat(const std::vector<PathStep>& path) {
    Flat text;
    for (const PathStep& step : path) {
        text.push_back("-> " + step.action + " (" + step.name + ")");
        for (const auto& [name, value] : step.state) text.push_back(name + " = " + value);
    }
    return text;
}
Flat flat(const SearchResult& result) {
    Flat text;
    for (const PropertyResult& property : result.properties) {
        text.push_back(property.name + ": " + std::string(name_of(property.verdict)));
        const Flat path = flat(property.path);
        text.insert(text.end(), path.begin(), path.end());
    }
    return text;
}

// The initial state and every step of the path are the model's, and its last state tells.
template <Model M>
void expect_behaviour(const M& model, const PropertyResult& property, std::size_t index) {
    SCOPED_TRACE(property.name);
    const bool always = property.kind == PropertyKind::always;
    const bool told = property.verdict == (always ? Verdict::fail : Verdict::pass);
    if (property.kind == PropertyKind::eventually) return;
    EXPECT_EQ(property.path.empty(), !told);
    if (!told) return;
    ASSERT_EQ(property.path.size(), property.actions.size() + 1);
    EXPECT_TRUE(property.path.front().action.empty());
    std::optional<typename M::State> state;
    model.initial_states([&](typename M::State s) {
        if (!state && model.show(s) == property.path.front().state) state = std::move(s);
    });
    ASSERT_TRUE(state) << "does not begin with an initial state";
    for (std::size_t i = 0; i < property.actions.size(); ++i) {
        const Action action = property.actions[i];
        // Models may have several outcomes of one step only if they call them apart.
        auto next = state_after(model, *state, action);
        ASSERT_TRUE(next) << "step " << i + 1 << ", " << property.path[i + 1].action;
        EXPECT_EQ(model.describe(*state, action), property.path[i + 1].action);
        EXPECT_EQ(model.action_names()[action.kind], property.path[i + 1].name);
        EXPECT_EQ(model.show(*next), property.path[i + 1].state);
        state = std::move(next);
    }
    const bool holds = (model.predicates(*state) >> index & 1) != 0;
    EXPECT_EQ(holds, !always) << "the last state says nothing";
}

template <Model M>
void expect_behaviours(const M& model, const SearchResult& result) {
    ASSERT_EQ(result.properties.size(), std::size(model.properties()));
    for (std::size_t p = 0; p < result.properties.size(); ++p) {
        expect_behaviour(model, result.properties[p], p);
    }
}

SearchOptions safety_only() {
    SearchOptions options;
    options.liveness = false;
    return options;
}

// Steps by name, counted from the states themselves.
template <Model M>
std::map<std::string, std::uint64_t, std::less<>> steps_by_name(const M& model) {
    std::map<std::string, std::uint64_t, std::less<>> steps;
    for (const std::string_view name : model.action_names()) steps.emplace(name, 0);
    std::map<Digest128, bool> seen;
    std::vector<typename M::State> open;
    const auto meet = [&](typename M::State s) {
        if (seen.emplace(model.digest(s), true).second) open.push_back(std::move(s));
    };
    model.initial_states(meet);
    while (!open.empty()) {
        const auto state = std::move(open.back());
        open.pop_back();
        model.successors(state, [&](Action a, typename M::State s) {
            ++steps[std::string(model.action_names()[a.kind])];
            meet(std::move(s));
        });
    }
    return steps;
}

// Of a search of everything, in any order.
template <Model M>
void expect_same_space(const M& model, const NaiveResult<typename M::State>& naive,
                       const SearchResult& result) {
    EXPECT_TRUE(result.complete);
    EXPECT_EQ(result.stopped_by, "");
    EXPECT_EQ(result.distinct, naive.distinct);
    EXPECT_EQ(result.generated, naive.generated);
    const auto specs = std::span<const PropertySpec>(model.properties());
    ASSERT_EQ(result.properties.size(), specs.size());
    for (std::size_t p = 0; p < specs.size(); ++p) {
        const PropertyResult& property = result.properties[p];
        SCOPED_TRACE(property.name);
        EXPECT_EQ(property.name, specs[p].name);
        EXPECT_EQ(property.kind, specs[p].kind);
        if (specs[p].kind == PropertyKind::always) {
            EXPECT_EQ(property.verdict, naive.first_false[p] == 0 ? Verdict::pass : Verdict::fail);
            EXPECT_EQ(property.violating_states, naive.false_states[p]);
        } else if (specs[p].kind == PropertyKind::sometimes) {
            EXPECT_EQ(property.verdict, naive.first_true[p] == 0 ? Verdict::fail : Verdict::pass);
            EXPECT_EQ(property.violating_states, naive.distinct - naive.false_states[p]);
        }
    }
    expect_behaviours(model, result);
}

template <Model M>
void expect_same_levels(const M& model, const NaiveResult<typename M::State>& naive,
                        const SearchResult& result) {
    EXPECT_EQ(result.levels, naive.levels);
    EXPECT_EQ(result.depth, naive.depth());
    const auto specs = std::span<const PropertySpec>(model.properties());
    for (std::size_t p = 0; p < specs.size(); ++p) {
        SCOPED_TRACE(specs[p].name);
        const bool always = specs[p].kind == PropertyKind::always;
        if (specs[p].kind == PropertyKind::eventually) continue;
        EXPECT_EQ(result.properties[p].path.size(),
                  always ? naive.first_false[p] : naive.first_true[p]);
    }
}

// Walks prove nothing, and what they find is there.
template <Model M>
void expect_honest_walks(const M& model, const NaiveResult<typename M::State>& naive) {
    SearchOptions options = safety_only();
    options.policy = SearchPolicy::random_walk;
    options.walks = 30;
    options.max_depth = 60;
    const SearchResult result = search(model, options);
    EXPECT_FALSE(result.complete);
    EXPECT_FALSE(result.stopped_by.empty());
    EXPECT_LE(result.distinct, naive.distinct);
    EXPECT_LE(result.depth, 60u);
    for (std::size_t p = 0; p < result.properties.size(); ++p) {
        const PropertyResult& property = result.properties[p];
        const bool always = property.kind == PropertyKind::always;
        EXPECT_NE(property.verdict, always ? Verdict::pass : Verdict::fail) << property.name;
        EXPECT_EQ(property.verdict == Verdict::inconclusive, property.path.empty());
        EXPECT_EQ(property.verdict == Verdict::inconclusive, !property.note.empty());
        EXPECT_LE(property.violating_states,
                  always ? naive.false_states[p] : naive.distinct - naive.false_states[p]);
    }
    expect_behaviours(model, result);
    options.seed = 1;
    EXPECT_EQ(flat(search(model, options)), flat(result));
}

// A stopped search says so, and of what it has not looked at it says nothing.
template <Model M>
void expect_honest_limits(const M& model, const NaiveResult<typename M::State>& naive) {
    for (const unsigned workers : {1u, 2u}) {
        for (const std::uint64_t depth : {std::uint64_t{1}, naive.depth() / 2, naive.depth()}) {
            if (depth == 0) continue;
            SCOPED_TRACE(testing::Message() << "depth " << depth << ", " << workers << " workers");
            SearchOptions options = safety_only();
            options.workers = workers;
            options.max_depth = depth;
            const SearchResult result = search(model, options);
            EXPECT_FALSE(result.complete);
            EXPECT_EQ(result.stopped_by, "depth limit");
            const std::vector<std::uint64_t> levels(
                naive.levels.begin(), naive.levels.begin() + static_cast<std::ptrdiff_t>(depth));
            EXPECT_EQ(result.levels, levels);
            for (std::size_t p = 0; p < result.properties.size(); ++p) {
                const PropertyResult& property = result.properties[p];
                SCOPED_TRACE(property.name);
                if (property.kind == PropertyKind::eventually) continue;
                const bool always = property.kind == PropertyKind::always;
                const std::uint64_t first = always ? naive.first_false[p] : naive.first_true[p];
                const bool within = first != 0 && first <= depth;
                EXPECT_EQ(property.verdict, !within  ? Verdict::inconclusive
                                            : always ? Verdict::fail
                                                     : Verdict::pass);
                EXPECT_EQ(property.path.size(), within ? first : 0);
                EXPECT_EQ(property.note.empty(), within);
            }
            expect_behaviours(model, result);
        }
        SearchOptions options = safety_only();
        options.workers = workers;
        options.max_states = naive.distinct / 2;
        if (options.max_states == 0) continue;
        SCOPED_TRACE(testing::Message() << options.max_states << " states at most");
        const SearchResult result = search(model, options);
        EXPECT_FALSE(result.complete);
        EXPECT_EQ(result.stopped_by, "state limit");
        EXPECT_GE(result.distinct, options.max_states);
        EXPECT_LT(result.distinct, naive.distinct);
        // Whole levels, then a part of one.
        ASSERT_LE(result.levels.size(), naive.levels.size());
        for (std::size_t i = 0; i + 1 < result.levels.size(); ++i) {
            EXPECT_EQ(result.levels[i], naive.levels[i]);
        }
        EXPECT_LE(result.levels.back(), naive.levels[result.levels.size() - 1]);
        for (const PropertyResult& property : result.properties) {
            EXPECT_NE(property.verdict,
                      property.kind == PropertyKind::always ? Verdict::pass : Verdict::fail);
        }
        expect_behaviours(model, result);
    }
}

template <Model M>
void expect_first_violation(const M& model, const NaiveResult<typename M::State>& naive) {
    const auto specs = std::span<const PropertySpec>(model.properties());
    std::uint64_t first = 0;
    for (std::size_t p = 0; p < specs.size(); ++p) {
        const std::uint64_t level = naive.first_false[p];
        if (specs[p].kind != PropertyKind::always || level == 0) continue;
        if (first == 0 || level < first) first = level;
    }
    for (const unsigned workers : {1u, 3u}) {
        SearchOptions options = safety_only();
        options.stop_at_first = true;
        options.workers = workers;
        const SearchResult result = search(model, options);
        if (first == 0 || first == naive.depth()) {
            // Nothing to stop at, or nothing left when it was found (but for looking once more).
            EXPECT_EQ(result.distinct, naive.distinct);
        } else {
            EXPECT_FALSE(result.complete);
            EXPECT_EQ(result.stopped_by, "first violation");
            EXPECT_EQ(result.depth, first);
            EXPECT_EQ(result.levels.back(), naive.levels[first - 1]) << "not to the level's end";
        }
        const bool any_broken = std::any_of(
            result.properties.begin(), result.properties.end(), [](const PropertyResult& p) {
                return p.kind == PropertyKind::always && p.verdict == Verdict::fail;
            });
        EXPECT_EQ(any_broken, first != 0);
    }
}

template <HasSymmetry M>
struct Representatives : M {
    using State = typename M::State;
    explicit Representatives(const M& model) : M(model) {}
    template <class Emit>
    void initial_states(Emit&& emit) const {
        M::initial_states([&](const State& s) { emit(M::canonical(s)); });
    }
    template <class Emit>
    void successors(const State& s, Emit&& emit) const {
        M::successors(s, [&](Action a, const State& t) { emit(a, M::canonical(t)); });
    }
};

template <HasSymmetry M>
void expect_same_with_symmetry(const M& model, const NaiveResult<typename M::State>& naive) {
    const auto representatives = explore_naively(Representatives<M>(model));
    EXPECT_LE(representatives.distinct, naive.distinct);
    SearchOptions options = safety_only();
    options.symmetry = true;
    for (const unsigned workers : {1u, 2u}) {
        SCOPED_TRACE(testing::Message() << "symmetry, " << workers << " workers");
        options.workers = workers;
        const SearchResult result = search(model, options);
        EXPECT_TRUE(result.complete);
        EXPECT_EQ(result.distinct, representatives.distinct);
        EXPECT_EQ(result.generated, representatives.generated);
        EXPECT_EQ(result.levels, representatives.levels);
        EXPECT_EQ(result.depth, naive.depth());
        for (std::size_t p = 0; p < result.properties.size(); ++p) {
            SCOPED_TRACE(result.properties[p].name);
            const bool always = result.properties[p].kind == PropertyKind::always;
            if (result.properties[p].kind == PropertyKind::eventually) continue;
            EXPECT_EQ(result.properties[p].path.size(),
                      always ? naive.first_false[p] : naive.first_true[p]);
        }
        expect_behaviours(model, result);
    }
    options.workers = 1;
    options.policy = SearchPolicy::depth_first;
    const SearchResult depth_first = search(model, options);
    EXPECT_EQ(depth_first.distinct, representatives.distinct);
    EXPECT_EQ(depth_first.generated, representatives.generated);
    expect_behaviours(model, depth_first);
}

template <Model M>
void expect_agreement(std::string_view name, const M& model) {
    SCOPED_TRACE(name);
    const auto naive = explore_naively(model);
    const auto steps = steps_by_name(model);
    for (const unsigned workers : {1u, 2u, 3u}) {
        SCOPED_TRACE(testing::Message() << workers << " workers");
        SearchOptions options = safety_only();
        options.workers = workers;
        const SearchResult result = search(model, options);
        expect_same_space(model, naive, result);
        expect_same_levels(model, naive, result);
        EXPECT_EQ(result.coverage, steps);
        EXPECT_GT(result.seen_set_bytes, 0u);
        EXPECT_GT(result.peak_memory_bytes, 0u);
        EXPECT_GE(result.elapsed_ns, 0);
        EXPECT_EQ(flat(search(model, options)), flat(result)) << "another run, another path";
    }
    for (const SearchPolicy policy : {SearchPolicy::depth_first, SearchPolicy::best_first}) {
        SCOPED_TRACE(policy == SearchPolicy::depth_first ? "depth-first" : "best-first");
        SearchOptions options = safety_only();
        options.policy = policy;
        const SearchResult result = search(model, options);
        expect_same_space(model, naive, result);
        EXPECT_EQ(result.coverage, steps);
        EXPECT_EQ(flat(search(model, options)), flat(result)) << "another run, another path";
    }
    expect_honest_walks(model, naive);
    expect_honest_limits(model, naive);
    expect_first_violation(model, naive);
    if constexpr (HasSymmetry<M>) expect_same_with_symmetry(model, naive);
}

template <unsigned Words = 1>
KafkaReplication<Words> family(const KafkaReplicationRules& rules,
                               const KafkaReplicationConstants& constants) {
    return {kafka_replication_layout(constants), rules};
}

// --- the models ---------------------------------------------------------------------------------

TEST(Explore, ClassicsAsTheTwinDoes) {
    expect_agreement("DieHard", DieHard(3, 5, 4));
    expect_agreement("DieHard without a solution", DieHard(2, 4, 3));
    expect_agreement("TCommit", TCommit(4));
    expect_agreement("TwoPhase", TwoPhase(5));
    expect_agreement("EWD840", Ewd840(4));
    expect_agreement("DiningPhilosophers", DiningPhilosophers(6));
    expect_agreement("Chameneos", Chameneos(3, 3));
    expect_agreement("ChangRoberts", ChangRoberts(4));
}

TEST(Explore, SmallSpecificationsAsTheTwinDoes) {
    expect_agreement("IdSequence", IdSequence(40));
    expect_agreement("FiniteReplicatedLog", FiniteReplicatedLog(3, 2, 2));
    expect_agreement("AsyncIsr", AsyncIsr(3, 1, 2));
    expect_agreement("AsyncIsr, four replicas", AsyncIsr(4, 1, 1));
}

TEST(Explore, KafkaReplicationAsTheTwinDoes) {
    const KafkaReplicationConstants k2222{2, 2, 2, 2};
    const KafkaReplicationConstants k3111{3, 1, 1, 1};
    expect_agreement("KafkaTruncateToHighWatermark",
                     family(kafka_truncate_to_high_watermark_rules(), {2, 2, 2, 1}));
    expect_agreement("Kip101", family<2>(kip101_rules(), k2222));
    expect_agreement("Kip279", family<2>(kip279_rules(), k2222));
    expect_agreement("Kip320FirstTry", family<3>(kip320_first_try_rules(), k2222));
    expect_agreement("Kip320", family<2>(kip320_rules(), k2222));
    expect_agreement("Kip279, three replicas", family<2>(kip279_rules(), k3111));
    expect_agreement(
        "Kip320 without a rule",
        family<2>(kip320_rules_without(Kip320Rule::hw_in_epoch_in_expand), {3, 2, 2, 1}));
}

TEST(Explore, ConsumerGroupsAsTheTwinDoes) {
    expect_agreement("whole states", ConsumerGroupProtocol({.topics = 1, .max_perturbations = 0}));
    expect_agreement("view", ConsumerGroupProtocolView({.topics = 1, .max_perturbations = 0}));
}

TEST(Explore, KraftReplicationAsTheTwinDoes) {
    kraft_replication::Settings settings;
    settings.broker_count = 2;
    settings.init_replication_factor = 2;
    settings.min_isr = 1;
    settings.init_isr_size = 2;
    settings.fence_broker_limit = 1;
    settings.unclean_shutdown_limit = 0;
    expect_agreement("v3.5", kraft_replication::KraftReplication(settings));
}

TEST(Explore, StatesThatOwnMemoryAsTheTwinDoes) {
    expect_agreement("words", Words(3, 6, "aabb!"));
    expect_agreement("violated at the end", Words(2, 4, "aabb"));
    expect_agreement("violated in an initial state", Words(2, 4, "b"));
}

TEST(Explore, MoreSuccessorsThanAByteNumbersAsTheTwinDoes) {
    expect_agreement("jumps", Wide(300, 9'000));
    expect_agreement("one byte exactly", Wide(256, 9'000));
}

struct Nothing : Wide {
    Nothing() : Wide(0, 0) {}
};

TEST(Explore, WithoutAnInitialStateThereIsNothingToSearch) {
    for (const unsigned workers : {1u, 2u}) {
        SearchOptions options;
        options.workers = workers;
        const SearchResult result = search(Nothing(), options);
        EXPECT_TRUE(result.complete);
        EXPECT_EQ(result.distinct, 0u);
        EXPECT_EQ(result.depth, 0u);
        EXPECT_EQ(result.find("BelowLimit")->verdict, Verdict::pass);
        EXPECT_EQ(result.find("AtLimit")->verdict, Verdict::fail);
    }
    SearchOptions options;
    options.policy = SearchPolicy::depth_first;
    EXPECT_TRUE(search(Nothing(), options).complete);
    options.policy = SearchPolicy::random_walk;
    EXPECT_EQ(search(Nothing(), options).generated, 0u);
}

// --- orders of their own ------------------------------------------------------------------------

TEST(Explore, RandomWalksSolveTheRiddle) {
    for (const std::uint64_t seed : {1u, 2u, 3u}) {
        SearchOptions options;
        options.policy = SearchPolicy::random_walk;
        options.seed = seed;
        options.stop_at_first = true;
        const SearchResult result = search(DieHard(3, 5, 4), options);
        EXPECT_EQ(result.stopped_by, "first violation");
        EXPECT_EQ(result.find("NotSolved")->verdict, Verdict::fail);
        EXPECT_EQ(result.find("TypeOK")->verdict, Verdict::inconclusive);
        expect_behaviours(DieHard(3, 5, 4), result);
    }
}

TEST(Explore, AnotherSeedWalksElsewhere) {
    SearchOptions options = safety_only();
    options.policy = SearchPolicy::random_walk;
    options.walks = 20;
    options.max_depth = 30;
    const auto model = family<2>(kip320_rules(), {2, 2, 2, 2});
    std::set<std::uint64_t> distinct;
    for (options.seed = 1; options.seed <= 5; ++options.seed) {
        distinct.insert(search(model, options).distinct);
    }
    EXPECT_GT(distinct.size(), 1u);
}

TEST(Explore, TheBestComesFirst) {
    SearchOptions options = safety_only();
    options.policy = SearchPolicy::best_first;
    options.max_states = 300;
    const Words model(3, 60);
    const SearchResult deep = search(model, options);
    EXPECT_EQ(deep.find("AtLimit")->verdict, Verdict::pass) << "longer words are better";
    expect_behaviours(model, deep);
    options.policy = SearchPolicy::breadth_first;
    EXPECT_EQ(search(model, options).find("AtLimit")->verdict, Verdict::inconclusive);
}

TEST(Explore, EverySearchKeepsItsLimits) {
    const Words model(3, 12);
    for (const SearchPolicy policy : {SearchPolicy::breadth_first, SearchPolicy::depth_first,
                                      SearchPolicy::best_first, SearchPolicy::random_walk}) {
        SCOPED_TRACE(static_cast<int>(policy));
        SearchOptions options = safety_only();
        options.policy = policy;
        options.max_states = 400;
        const SearchResult some = search(model, options);
        EXPECT_EQ(some.stopped_by, "state limit");
        EXPECT_GE(some.distinct, 400u);
        EXPECT_LT(some.distinct, 2'000u);
        EXPECT_FALSE(some.complete);
        options.max_states = 0;
        options.max_depth = 3;
        const SearchResult shallow = search(model, options);
        EXPECT_LE(shallow.depth, 3u);
        EXPECT_FALSE(shallow.complete);
        options.max_depth = 0;
        options.memory_limit_bytes = 1;
        const SearchResult no_memory = search(model, options);
        EXPECT_EQ(no_memory.stopped_by, "memory limit");
        EXPECT_EQ(no_memory.find("Never")->verdict, Verdict::inconclusive);
        EXPECT_NE(no_memory.find("Never")->note.find("memory limit"), std::string::npos);
    }
}

// Endless: every number leads to the next two.
struct Endless : Wide {
    Endless() : Wide(2, UINT64_MAX) {}
};

TEST(Explore, TimeEndsAnEndlessSearch) {
    for (const SearchPolicy policy :
         {SearchPolicy::breadth_first, SearchPolicy::depth_first, SearchPolicy::random_walk}) {
        SearchOptions options = safety_only();
        options.policy = policy;
        options.walks = UINT64_MAX;
        options.time_limit_ms = 60;
        const SearchResult result = search(Endless(), options);
        EXPECT_EQ(result.stopped_by, "time limit");
        EXPECT_GT(result.elapsed_ns, 50'000'000);
        EXPECT_LT(result.elapsed_ns, 2'000'000'000);
    }
}

TEST(Explore, AMemoryLimitIsNotOutgrownByMuch) {
    SearchOptions options = safety_only();
    options.memory_limit_bytes = resident_bytes() + (std::uint64_t{64} << 20);
    options.workers = 2;
    const SearchResult result = search(Endless(), options);
    EXPECT_EQ(result.stopped_by, "memory limit");
    EXPECT_GT(result.distinct, 500'000u);
    EXPECT_LT(resident_bytes(), options.memory_limit_bytes + (std::uint64_t{96} << 20));
}

TEST(Explore, ProgressOnlyGrows) {
    SearchOptions options = safety_only();
    options.time_limit_ms = 700;
    options.workers = 2;
    std::vector<Progress> told;
    options.on_progress = [&](const Progress& p) { told.push_back(p); };
    const SearchResult result = search(Endless(), options);
    ASSERT_GE(told.size(), 2u);
    for (std::size_t i = 1; i < told.size(); ++i) {
        EXPECT_GE(told[i].distinct, told[i - 1].distinct);
        EXPECT_GE(told[i].generated, told[i - 1].generated);
        EXPECT_GE(told[i].depth, told[i - 1].depth);
        EXPECT_GT(told[i].memory_bytes, 0u);
    }
    EXPECT_LE(told.back().distinct, result.distinct);
}

// --- what goes wrong in a model -----------------------------------------------------------------

// Throws in the middle of the search.
struct Failing : Words {
    using Words::Words;
    template <class Emit>
    void successors(const State& s, Emit&& emit) const {
        if (s.text == "aab") throw std::length_error("no room for aab");
        Words::successors(s, emit);
    }
};

TEST(Explore, WhatAModelThrowsEndsTheSearchOfEveryWorker) {
    for (const unsigned workers : {1u, 2u, 3u}) {
        SearchOptions options = safety_only();
        options.workers = workers;
        try {
            search(Failing(3, 9), options);
            ADD_FAILURE() << "nothing was thrown";
        } catch (const std::length_error& e) {
            EXPECT_STREQ(e.what(), "no room for aab");
        }
    }
}

TEST(Explore, OptionsThatDoNotFitAreRefused) {
    const auto why = [](const auto& model, auto&& set) -> std::string {
        SearchOptions options;
        set(options);
        try {
            search(model, options);
        } catch (const std::invalid_argument& e) {
            return e.what();
        }
        return "nothing";
    };
    const DieHard plain(3, 5, 4);
    EXPECT_NE(why(plain, [](SearchOptions& o) { o.symmetry = true; }).find("no symmetry"),
              std::string::npos);
    EXPECT_NE(why(plain, [](SearchOptions& o) { o.workers = 0; }).find("workers"),
              std::string::npos);
    EXPECT_NE(why(plain, [](SearchOptions& o) { o.workers = 65; }).find("workers"),
              std::string::npos);
    EXPECT_NE(why(plain,
                  [](SearchOptions& o) {
                      o.workers = 2;
                      o.policy = SearchPolicy::depth_first;
                  })
                  .find("breadth-first"),
              std::string::npos);
    EXPECT_NE(why(plain,
                  [](SearchOptions& o) {
                      o.checkpoint = "x";
                      o.policy = SearchPolicy::random_walk;
                  })
                  .find("checkpoints"),
              std::string::npos);
    EXPECT_NE(why(plain, [](SearchOptions& o) { o.partial_order = PartialOrder::sleep_sets; })
                  .find("independent"),
              std::string::npos);
}

// --- that the comparison can fail ---------------------------------------------------------------

// Forgets the smaller jug when it tells states apart.
struct Colliding : DieHard {
    using DieHard::DieHard;
    Digest128 digest(const State& s) const { return DieHard::digest(State{s.big, 0}); }
};
// One low word for all: with several workers one has all the work, and the count is the same.
struct OneSided : DieHard {
    using DieHard::DieHard;
    Digest128 digest(const State& s) const { return {DieHard::digest(s).high, 5}; }
};
// Calls a renaming what is none, so that its representatives lose states.
struct FalselySymmetric : DieHard {
    using DieHard::DieHard;
    State canonical(const State& s) const { return s.big == 4 ? State{0, s.small} : s; }
};

template <class Compare>
int failures_of(Compare&& compare) {
    testing::TestPartResultArray failures;
    testing::ScopedFakeTestPartResultReporter catcher(
        testing::ScopedFakeTestPartResultReporter::INTERCEPT_ONLY_CURRENT_THREAD, &failures);
    compare();
    return failures.size();
}

TEST(Explore, ADigestThatCollidesIsNoticed) {
    EXPECT_EQ(failures_of([] { expect_agreement("honest", DieHard(3, 5, 4)); }), 0);
    EXPECT_EQ(failures_of([] { expect_agreement("one-sided", OneSided(3, 5, 4)); }), 0);
    EXPECT_GT(failures_of([] { expect_agreement("colliding", Colliding(3, 5, 4)); }), 0);
    EXPECT_LT(search(Colliding(3, 5, 4), {}).distinct,
              explore_naively(Colliding(3, 5, 4)).distinct);
}

TEST(Explore, ARenamingThatIsNoneIsNoticed) {
    const auto compare = [] {
        expect_same_with_symmetry(FalselySymmetric(3, 5, 4), explore_naively(DieHard(3, 5, 4)));
    };
    int failures = 0;
    try {
        failures = failures_of(compare);
    } catch (const CheckFailure&) {
        failures = 1;  // a path of representatives that is no behaviour
    }
    EXPECT_GT(failures, 0);
}

TEST(Explore, AFalseStepOfAPathIsNoticed) {
    const DieHard model(3, 5, 4);
    SearchResult result = search(model, {});
    PropertyResult& property = result.properties[1];
    ASSERT_EQ(property.path.size(), 7u);
    const PropertyResult honest = property;
    EXPECT_EQ(failures_of([&] { expect_behaviours(model, result); }), 0);
    std::swap(property.path[2], property.path[3]);
    EXPECT_GT(failures_of([&] { expect_behaviours(model, result); }), 0);
    property = honest;
    property.actions[3] = Action{DieHard::empty_big_jug, 0};
    EXPECT_GT(failures_of([&] { expect_behaviours(model, result); }), 0);
    property = honest;
    property.path.pop_back();
    property.actions.pop_back();
    EXPECT_GT(failures_of([&] { expect_behaviours(model, result); }), 0) << "stops too early";
}

}  // namespace
}  // namespace tribunal
