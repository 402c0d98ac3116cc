// The result of a run is a function of scenario and seed: not of what ran before in the process, of
// where the heap lies, of who watches, or of which copy of a world was stepped first.
#include <gtest/gtest.h>
#include <malloc.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "scenarios/divergence.h"
#include "scenarios/play.h"

namespace tribunal {
namespace {

// Every kind of fault that draws, three ways to produce, and enough traffic to make ties; the same
// file is played by other builds, see scenarios/determinism/compare.sh.
Scenario storm() {
    return load_scenario(std::string(TRIBUNAL_SOURCE_DIR) + "/scenarios/determinism/storm.json");
}

Digest128 trace_of(const Scenario& scenario, std::uint64_t seed) {
    return run_world(scenario, seed, nullptr);
}

// Fails with the first event at which both sides part.
void expect_same(const Scenario& scenario, std::uint64_t seed, const Digest128& left,
                 const Digest128& right, const std::string& what) {
    if (left == right) return;
    const auto parted = first_divergence(start_of(scenario, seed), start_of(scenario, seed));
    ADD_FAILURE() << what << ", seed " << seed << ": " << to_string(left) << " and "
                  << to_string(right)
                  << (parted ? "\nevent " + std::to_string(parted->event) + "\n  " + parted->left +
                                   "\n  " + parted->right
                             : "\nand two further runs agree");
}

// The trace of a run in a process that ran nothing else.
Digest128 trace_alone(const Scenario& scenario, std::uint64_t seed) {
    int ends[2];
    EXPECT_EQ(pipe(ends), 0);
    const pid_t child = fork();
    if (child == 0) {
        const Digest128 trace = trace_of(scenario, seed);
        const bool is_written = write(ends[1], &trace, sizeof trace) == sizeof trace;
        _exit(is_written ? 0 : 1);
    }
    close(ends[1]);
    Digest128 trace;
    EXPECT_EQ(read(ends[0], &trace, sizeof trace), static_cast<ssize_t>(sizeof trace));
    close(ends[0]);
    waitpid(child, nullptr, 0);
    return trace;
}

// Everything a reader of the result could see of the checks.
std::string text_of(const std::vector<Check>& checks) {
    std::string text;
    for (const Check& c : checks) {
        text += c.id + ' ' + std::string(name_of(c.verdict)) + ' ' + std::to_string(c.checked) +
                ' ' + std::to_string(c.found) + ' ' + c.note + '\n';
        for (const Violation& v : c.violations) text += "  " + v.summary + ' ' + v.because + '\n';
    }
    return text;
}

TEST(determinism, the_storm_exercises_faults_and_traffic) {
    const Played played = play(storm(), 1);
    EXPECT_GT(played.events, 4'000u);
    EXPECT_GT(played.ledger.size(), 8u);
    EXPECT_GT(played.history.reads.size(), 100u);
}

TEST(determinism, a_run_twice_in_one_process_is_the_same) {
    const Scenario scenario = storm();
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
        const Played first = play(scenario, seed);
        const Played second = play(scenario, seed);
        expect_same(scenario, seed, first.trace, second.trace, "twice");
        EXPECT_EQ(first.events, second.events);
        EXPECT_EQ(first.ledger, second.ledger);
        EXPECT_EQ(text_of(first.checks), text_of(second.checks));
    }
}

TEST(determinism, seeds_differ) {
    const Scenario scenario = storm();
    EXPECT_NE(trace_of(scenario, 1), trace_of(scenario, 2));
}

TEST(determinism, alone_in_a_batch_and_in_a_reversed_batch_are_the_same) {
    const Scenario scenario = storm();
    constexpr std::uint64_t kSeeds = 20;
    std::vector<Digest128> alone;
    for (std::uint64_t seed = 1; seed <= kSeeds; ++seed)
        alone.push_back(trace_alone(scenario, seed));
    for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
        expect_same(scenario, seed, alone[seed - 1], trace_of(scenario, seed),
                    "alone and in a batch");
    }
    for (std::uint64_t seed = kSeeds; seed >= 1; --seed) {
        expect_same(scenario, seed, alone[seed - 1], trace_of(scenario, seed),
                    "alone and reversed");
    }
}

TEST(determinism, watching_a_world_changes_nothing) {
    class Nothing final : public Observer {
        void on_step(const World&, const Host&, const Input&, const Outbox&) override {}
    };
    const Scenario scenario = storm();
    Nothing nothing;
    const Digest128 unwatched = trace_of(scenario, 7);
    expect_same(scenario, 7, unwatched, run_world(scenario, 7, &nothing), "with an observer");
    expect_same(scenario, 7, unwatched, play(scenario, 7).trace, "judged");
    expect_same(scenario, 7, unwatched, play(scenario, 7, &nothing).trace, "judged and observed");
}

TEST(determinism, copies_of_a_world_step_alike) {
    const Scenario scenario = storm();
    for (const std::size_t middle : {0u, 100u, 2'000u, 6'000u}) {
        World left = build_world(scenario);
        SeededChooser left_chooser{3};
        for (std::size_t i = 0; i < middle; ++i) ASSERT_TRUE(left.step(left_chooser, nullptr));
        World right = left;
        SeededChooser right_chooser = left_chooser;
        ASSERT_EQ(left.digest(), right.digest());
        // In turns, so that a part they wrongly share is seen by the other.
        for (std::size_t i = 0; i < 2'000; ++i) {
            left.step(left_chooser, nullptr);
            right.step(right_chooser, nullptr);
            ASSERT_EQ(left.trace_hash(), right.trace_hash()) << "event " << middle + i + 1;
            if (i % 50 == 0) {
                ASSERT_EQ(left.digest(), right.digest()) << "event " << middle + i + 1;
            }
        }
        EXPECT_EQ(left.digest(), right.digest());
        EXPECT_EQ(left.now(), right.now());
    }
}

TEST(determinism, a_copy_is_not_touched_by_the_steps_of_its_original) {
    const Scenario scenario = storm();
    World original = build_world(scenario);
    SeededChooser chooser{4};
    for (int i = 0; i < 3'000; ++i) original.step(chooser, nullptr);
    const World copy = original;
    const Digest128 before = copy.digest();
    for (int i = 0; i < 3'000; ++i) original.step(chooser, nullptr);
    EXPECT_EQ(copy.digest(), before);
    EXPECT_NE(original.digest(), before);
}

TEST(determinism, what_malloc_leaves_in_memory_changes_nothing) {
    const Scenario scenario = storm();
    const Digest128 plain = trace_of(scenario, 5);
    const std::string verdicts = text_of(play(scenario, 5).checks);
    for (const int fill : {0x01, 0x5a, 0xff}) {
        mallopt(M_PERTURB, fill);
        const Digest128 filled = trace_of(scenario, 5);
        const std::string filled_verdicts = text_of(play(scenario, 5).checks);
        mallopt(M_PERTURB, 0);
        expect_same(scenario, 5, plain, filled, "malloc filled with " + std::to_string(fill));
        EXPECT_EQ(verdicts, filled_verdicts);
    }
}

// --- the search for a divergence ----------------------------------------------------------------

TEST(determinism, a_stepped_run_is_a_run) {
    const Scenario scenario = storm();
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
        const RunStart start = start_of(scenario, seed);
        SteppedRun stepped{start.world(), start.plan};
        const auto chooser = start.chooser();
        while (stepped.next(*chooser)) {
        }
        EXPECT_EQ(stepped.world().trace_hash(), trace_of(scenario, seed));
    }
}

TEST(determinism, equal_runs_have_no_divergence) {
    const Scenario scenario = storm();
    EXPECT_FALSE(first_divergence(start_of(scenario, 2), start_of(scenario, 2)));
}

// Answers like its seed but once: the planted leak.
class LeakyChooser final : public Chooser {
  public:
    LeakyChooser(std::uint64_t seed, std::uint64_t leak_at) : seeded_(seed), leak_at_(leak_at) {}
    std::uint64_t choose(ChoiceKind kind, std::uint32_t stream, std::uint64_t options) override {
        const std::uint64_t answer = seeded_.choose(kind, stream, options);
        ++asked_;
        if (has_leaked_ || asked_ < leak_at_ || options < 2) return answer;
        has_leaked_ = true;
        return (answer + options / 2) % options;
    }
    bool has_leaked() const { return has_leaked_; }

  private:
    SeededChooser seeded_;
    std::uint64_t leak_at_;
    std::uint64_t asked_ = 0;
    bool has_leaked_ = false;
};

TEST(determinism, a_planted_leak_is_found_at_its_event) {
    const Scenario scenario = storm();
    for (const std::uint64_t leak_at : {1u, 50u, 3'000u, 6'000u}) {
        SCOPED_TRACE("choice " + std::to_string(leak_at));
        const RunStart good = start_of(scenario, 6);
        RunStart leaky = good;
        leaky.chooser = [leak_at] { return std::make_unique<LeakyChooser>(6, leak_at); };

        SteppedRun stepped{leaky.world(), leaky.plan};
        LeakyChooser chooser{6, leak_at};
        while (!chooser.has_leaked() && stepped.next(chooser)) {
        }
        ASSERT_TRUE(chooser.has_leaked());

        const auto found = first_divergence(good, leaky);
        ASSERT_TRUE(found);
        EXPECT_EQ(found->event, stepped.world().events()) << found->left << "\n" << found->right;
        EXPECT_NE(found->left, found->right);
        EXPECT_NE(found->left.find("chooses"), std::string::npos) << found->left;
    }
}

TEST(determinism, a_run_that_ends_early_diverges_at_its_end) {
    const Scenario scenario = storm();
    const RunStart whole = start_of(scenario, 6);
    RunStart shorter = whole;
    shorter.plan.settle = milliseconds(100);
    const auto found = first_divergence(whole, shorter);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->right, "the run is over");
}

}  // namespace
}  // namespace tribunal
