// The explorer against its naive twin, on every model at constants small enough for the twin; and
// what it says when it is stopped.
#include "model/explore.h"

#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <stdexcept>

#include "model/agreement.h"
#include "model/naive.h"
#include "model/replay.h"
#include "model/specs/die_hard.h"
#include "model/specs/kafka_replication.h"

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

// --- the models ---------------------------------------------------------------------------------

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
    const KafkaReplication<2> model{kafka_replication_layout({2, 2, 2, 2}), kip320_rules()};
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
