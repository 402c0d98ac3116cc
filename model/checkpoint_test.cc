// A search that a limit stopped and a file took further ends as if nothing had happened.
#include "model/checkpoint.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <stdexcept>

#include "model/explore.h"
#include "model/specs/die_hard.h"
#include "model/specs/ewd840.h"
#include "model/specs/kafka_replication.h"

namespace tribunal {
namespace {

namespace fs = std::filesystem;

// Paths through a grid, kept as the words they spell: states that own memory.
class Journeys {
  public:
    struct State {
        std::vector<std::string> legs;
        bool operator==(const State&) const = default;
    };
    explicit Journeys(std::size_t length) : length_(length) {}

    template <class Emit>
    void initial_states(Emit&& emit) const {
        emit(State{});
        emit(State{{"north"}});
    }
    template <class Emit>
    void successors(const State& s, Emit&& emit) const {
        if (s.legs.size() == length_) return;
        static const char* const kLegs[] = {"north", "east", "a long way to the south"};
        for (std::uint16_t i = 0; i < 3; ++i) {
            State t = s;
            t.legs.emplace_back(kLegs[i]);
            emit(Action{static_cast<std::uint16_t>(i == 2 ? 1 : 0), i}, std::move(t));
        }
    }
    Digest128 digest(const State& s) const { return digest_of(s.legs); }
    std::span<const std::string_view> action_names() const {
        static constexpr std::string_view kNames[] = {"Walk", "Ride"};
        return kNames;
    }
    std::span<const PropertySpec> properties() const {
        static constexpr PropertySpec kProperties[] = {{"NoTripleRide", PropertyKind::always},
                                                       {"AllEast", PropertyKind::sometimes}};
        return kProperties;
    }
    std::uint64_t predicates(const State& s) const {
        std::size_t rides = 0;
        std::size_t easts = 0;
        for (const std::string& leg : s.legs) {
            if (leg.size() > 5) ++rides;
            if (leg == "east") ++easts;
        }
        return (rides < 6 ? 1u : 0u) | (easts == length_ ? 2u : 0u);
    }
    std::string describe(const State&, Action a) const { return "leg " + std::to_string(a.detail); }
    StateText show(const State& s) const {
        std::string text;
        for (const std::string& leg : s.legs) text += leg + "; ";
        return {{"legs", text}};
    }

  private:
    std::size_t length_;
};

class Checkpoint : public testing::Test {
  protected:
    Checkpoint() {
        const auto* test = testing::UnitTest::GetInstance()->current_test_info();
        folder_ = fs::path(testing::TempDir()) /
                  ("checkpoint_" + std::to_string(getpid()) + "_" + test->name());
        fs::create_directories(folder_);
    }
    ~Checkpoint() override { fs::remove_all(folder_); }
    std::string file(const char* name = "search") const { return (folder_ / name).string(); }

    fs::path folder_;
};

SearchOptions options_of(unsigned workers, bool symmetry) {
    SearchOptions options;
    options.workers = workers;
    options.symmetry = symmetry;
    options.liveness = false;
    options.identity = "a model, N=3";
    return options;
}

std::string text_of(const PropertyResult& property) {
    std::string text = property.name + " " + std::string(name_of(property.verdict)) + " " +
                       std::to_string(property.violating_states) + " " + property.note + "\n";
    for (const PathStep& step : property.path) {
        text += step.action;
        for (const auto& [name, value] : step.state) text += ", " + name + "=" + value;
        text += "\n";
    }
    return text;
}

void expect_same(const SearchResult& resumed, const SearchResult& whole) {
    EXPECT_EQ(resumed.complete, whole.complete);
    EXPECT_EQ(resumed.stopped_by, whole.stopped_by);
    EXPECT_EQ(resumed.distinct, whole.distinct);
    EXPECT_EQ(resumed.generated, whole.generated);
    EXPECT_EQ(resumed.levels, whole.levels);
    EXPECT_EQ(resumed.depth, whole.depth);
    EXPECT_EQ(resumed.coverage, whole.coverage);
    ASSERT_EQ(resumed.properties.size(), whole.properties.size());
    for (std::size_t p = 0; p < whole.properties.size(); ++p) {
        EXPECT_EQ(text_of(resumed.properties[p]), text_of(whole.properties[p]));
        EXPECT_EQ(resumed.properties[p].actions, whole.properties[p].actions);
    }
}

bool is_within_a_level(const SearchResult& stopped, const SearchResult& whole) {
    const std::size_t last = stopped.levels.size() - 1;
    return stopped.levels[last] != whole.levels[last];
}

// Stops after every `stride` states or so, and goes on from the file in a new search.
template <Model M>
void expect_survives(const M& model, const std::string& file, unsigned workers, bool symmetry,
                     std::uint64_t stride) {
    SCOPED_TRACE(testing::Message() << workers << " workers, every " << stride << " states"
                                    << (symmetry ? ", symmetry" : ""));
    const SearchResult whole = search(model, options_of(workers, symmetry));
    ASSERT_TRUE(whole.complete);
    SearchOptions options = options_of(workers, symmetry);
    options.checkpoint = file;
    int stops = 0;
    int within_a_level = 0;
    for (;;) {
        const std::uint64_t before = stops * stride;
        options.max_states = before + stride;
        const SearchResult stopped = search(model, options);
        if (stopped.complete) {
            expect_same(stopped, whole);
            EXPECT_TRUE(stopped.resume_with.empty());
            break;
        }
        ASSERT_EQ(stopped.stopped_by, "state limit");
        ASSERT_EQ(stopped.resume_with, file);
        ASSERT_GE(stopped.distinct, options.max_states);
        if (is_within_a_level(stopped, whole)) ++within_a_level;
        options.resume = file;
        ++stops;
        while (stops * stride < stopped.distinct) ++stops;
    }
    EXPECT_GT(stops, 2);
    EXPECT_GT(within_a_level, 0) << "stopped between levels only: choose a larger model";
}

KafkaReplication<2> kafka(const KafkaReplicationRules& rules,
                          const KafkaReplicationConstants& constants = {3, 2, 2, 1}) {
    return {kafka_replication_layout(constants), rules};
}

TEST_F(Checkpoint, ASearchOfPlainStatesGoesOn) {
    for (const unsigned workers : {1u, 2u}) {
        expect_survives(kafka(kip279_rules()), file(), workers, false, 9'000);
    }
    expect_survives(kafka(kip101_rules()), file(), 3, false, 17'000);
    expect_survives(Ewd840(6), file(), 1, false, 1'500);  // many initial states
}

TEST_F(Checkpoint, ASearchOfRepresentativesGoesOn) {
    const auto first_try = kafka(kip320_first_try_rules(), {3, 1, 1, 2});
    expect_survives(first_try, file(), 1, true, 3'000);
    expect_survives(kafka(kip320_rules(), {3, 2, 2, 2}), file(), 2, true, 17'000);
}

TEST_F(Checkpoint, ASearchOfStatesThatOwnMemoryGoesOn) {
    for (const unsigned workers : {1u, 2u}) {
        expect_survives(Journeys(9), file(), workers, false, 3'000);
    }
}

// Each limit leaves its own kind of frontier.
TEST_F(Checkpoint, WhateverLimitStoppedItItGoesOn) {
    const auto model = kafka(kip279_rules());
    for (const unsigned workers : {1u, 2u}) {
        const SearchResult whole = search(model, options_of(workers, false));
        const auto stop_with = [&](const std::function<void(SearchOptions&)>& limit,
                                   const char* reason) {
            SCOPED_TRACE(reason);
            SearchOptions options = options_of(workers, false);
            options.checkpoint = file();
            limit(options);
            EXPECT_EQ(search(model, options).stopped_by, reason);
            SearchOptions on = options_of(workers, false);
            on.resume = file();
            expect_same(search(model, on), whole);
        };
        stop_with([](SearchOptions& o) { o.max_depth = 1; }, "depth limit");
        stop_with([](SearchOptions& o) { o.max_depth = 11; }, "depth limit");
        stop_with([&](SearchOptions& o) { o.max_depth = whole.depth; }, "depth limit");
        stop_with([](SearchOptions& o) { o.stop_at_first = true; }, "first violation");
        stop_with([](SearchOptions& o) { o.memory_limit_bytes = 1; }, "memory limit");
        stop_with([](SearchOptions& o) { o.max_states = 1; }, "state limit");
    }
}

TEST_F(Checkpoint, StoppedAgainAtOnceItIsTheSame) {
    SearchOptions options = options_of(2, false);
    options.checkpoint = file("first");
    options.max_states = 20'000;
    const auto model = kafka(kip279_rules());
    const SearchResult first = search(model, options);
    options.resume = file("first");
    options.checkpoint = file("second");
    const SearchResult second = search(model, options);
    EXPECT_EQ(second.distinct, first.distinct);
    EXPECT_EQ(second.generated, first.generated);
    EXPECT_EQ(second.levels, first.levels);
    options = options_of(2, false);
    options.resume = file("second");
    expect_same(search(model, options), search(model, options_of(2, false)));
}

TEST_F(Checkpoint, AStopAtTheFirstViolationIsTheSameAfterAnInterruption) {
    const auto model = kafka(kip279_rules());
    SearchOptions options = options_of(2, false);
    options.stop_at_first = true;
    const SearchResult whole = search(model, options);
    ASSERT_EQ(whole.stopped_by, "first violation");
    // Stopped in the level in which the violation was found, perhaps after it was.
    const std::uint64_t last = whole.levels.back();
    for (const std::uint64_t missing : {last - 1, last / 2, last / 8}) {
        options.max_states = whole.distinct - missing;
        options.checkpoint = file();
        const SearchResult stopped = search(model, options);
        if (stopped.stopped_by == "first violation") continue;
        SearchOptions on = options_of(2, false);
        on.stop_at_first = true;
        on.resume = file();
        expect_same(search(model, on), whole);
    }
}

// --- files that do not fit ----------------------------------------------------------------------

std::string bytes_of(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}
void write_bytes(const std::string& path, std::string_view bytes) {
    std::ofstream(path, std::ios::binary) << bytes;
}

// The search may not begin, and the message names file and reason.
void expect_refused(const SearchOptions& options, std::string_view reason) {
    try {
        search(kafka(kip279_rules()), options);
        ADD_FAILURE() << "was accepted; expected: " << reason;
    } catch (const std::invalid_argument& e) {
        const std::string said = e.what();
        EXPECT_NE(said.find(options.resume), std::string::npos) << said;
        EXPECT_NE(said.find(reason), std::string::npos) << said;
    }
}

class Refused : public Checkpoint {
  protected:
    void SetUp() override {
        SearchOptions options = options_of(2, true);
        options.checkpoint = file();
        options.max_states = 4'000;
        ASSERT_EQ(search(kafka(kip279_rules()), options).stopped_by, "state limit");
        resume_ = options_of(2, true);
        resume_.resume = file();
    }
    SearchOptions resume_;
};

TEST_F(Refused, ThatOfAnotherModel) {
    resume_.identity = "a model, N=4";
    expect_refused(resume_, "belongs to 'a model, N=3', not to 'a model, N=4'");
}

TEST_F(Refused, ThatOfAnotherNumberOfWorkers) {
    resume_.workers = 1;
    expect_refused(resume_, "written with another number of workers");
}

TEST_F(Refused, ThatOfAnotherSymmetry) {
    resume_.symmetry = false;
    expect_refused(resume_, "written with another setting of --symmetry");
}

TEST_F(Refused, WhatIsNoCheckpoint) {
    resume_.resume = file("none");
    expect_refused(resume_, "No such file");
    write_bytes(file("none"), "");
    expect_refused(resume_, "is not a checkpoint");
    write_bytes(file("none"), "{\"some\": \"json\"}\n");
    expect_refused(resume_, "is not a checkpoint");
    write_bytes(file("none"), std::string(1'000'000, 'x'));
    expect_refused(resume_, "is not a checkpoint");
    fs::create_directory(file("folder"));
    resume_.resume = file("folder");
    expect_refused(resume_, "is not a checkpoint");
}

TEST_F(Refused, WhatWasCutShort) {
    const std::string whole = bytes_of(file());
    ASSERT_GT(whole.size(), 50'000u);
    resume_.resume = file("cut");
    const std::size_t title = whole.find('\n') + 1;
    for (const std::size_t length :
         {title, title + 3, title + 8, title + 60, whole.size() / 3, whole.size() / 2,
          whole.size() - 9, whole.size() - 8, whole.size() - 1}) {
        SCOPED_TRACE(length);
        write_bytes(file("cut"), std::string_view(whole).substr(0, length));
        expect_refused(resume_, "damaged");
    }
}

TEST_F(Refused, WhatHasOneBitFlipped) {
    const std::string whole = bytes_of(file());
    resume_.resume = file("flipped");
    const std::size_t title = whole.find('\n') + 1;
    Prng prng{1};
    for (int i = 0; i < 150; ++i) {
        std::string bytes = whole;
        // The numbers at the front one by one, then anywhere; not what the two tests above refuse.
        const std::size_t at = i < 60 ? title + 16 + static_cast<std::size_t>(i) * 8 + prng.below(8)
                                      : title + 16 + prng.below(whole.size() - title - 16);
        const unsigned bit = static_cast<unsigned>(prng.below(8));
        SCOPED_TRACE(testing::Message() << "bit " << bit << " of byte " << at);
        bytes[at] = static_cast<char>(static_cast<unsigned char>(bytes[at]) ^ (1u << bit));
        write_bytes(file("flipped"), bytes);
        expect_refused(resume_, "damaged");
    }
}

TEST_F(Refused, TheFileItselfIsGoodAndStaysAsItIs) {
    const std::string before = bytes_of(file());
    const SearchResult resumed = search(kafka(kip279_rules()), resume_);
    EXPECT_EQ(resumed.distinct, 10'164u);
    EXPECT_EQ(bytes_of(file()), before);
}

// --- writing ------------------------------------------------------------------------------------

TEST_F(Checkpoint, WhatCannotBeWrittenIsAnError) {
    const auto why = [&](const std::string& path) -> std::string {
        SearchOptions options = options_of(1, false);
        options.checkpoint = path;
        options.max_depth = 3;
        try {
            search(DieHard(3, 5, 4), options);
        } catch (const std::runtime_error& e) {
            return e.what();
        }
        return "nothing";
    };
    const std::string nowhere = file("no_folder/search");
    EXPECT_EQ(why(nowhere), "cannot write checkpoint " + nowhere + ": No such file or directory");
    fs::create_directory(file("folder"));
    EXPECT_NE(why(file("folder")).find("cannot write checkpoint " + file("folder")),
              std::string::npos);
    EXPECT_NE(why("/dev/full/search").find("cannot write checkpoint"), std::string::npos);
}

TEST_F(Checkpoint, AFullDiskIsAnError) {
    if (!fs::exists("/dev/full")) GTEST_SKIP() << "there is no /dev/full";
    fs::create_symlink("/dev/full", file("search.new"));
    SearchOptions options = options_of(1, false);
    options.checkpoint = file("search");
    options.max_depth = 3;
    EXPECT_THROW(search(DieHard(3, 5, 4), options), std::runtime_error);
    EXPECT_FALSE(fs::exists(file("search")));
}

TEST_F(Checkpoint, TheOldOneStaysUntilTheNewOneIsWhole) {
    write_bytes(file(), "the old one");
    {
        CheckpointWriter out(file(), "unfinished");
        out.number(1);
    }
    EXPECT_EQ(bytes_of(file()), "the old one");
    {
        CheckpointWriter out(file(), "finished");
        out.numbers({7, ~std::uint64_t{0}});
        out.close();
    }
    CheckpointReader in(file(), "finished");
    EXPECT_EQ(in.numbers(), (std::vector<std::uint64_t>{7, ~std::uint64_t{0}}));
    EXPECT_THROW(in.number(), std::invalid_argument);
}

TEST_F(Checkpoint, AFinishedSearchWritesNone) {
    SearchOptions options = options_of(1, false);
    options.checkpoint = file();
    EXPECT_TRUE(search(DieHard(3, 5, 4), options).complete);
    EXPECT_FALSE(fs::exists(file()));
}

}  // namespace
}  // namespace tribunal
