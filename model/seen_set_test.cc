#include "model/seen_set.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <vector>

#include "broker/base/check.h"
#include "broker/base/prng.h"
#include "model/explore.h"
#include "model/links.h"

namespace tribunal {
namespace {

using Digests = std::vector<Digest128>;

Digests drawn(std::uint64_t seed, std::size_t count) {
    Prng prng{seed};
    Digests digests;
    for (std::size_t i = 0; i < count; ++i) {
        const std::uint64_t high = prng.next();
        digests.push_back({high, prng.next()});
    }
    return digests;
}

// The same answers as std::set to every insertion, then to every question.
void expect_like_a_set(const Digests& inserted, const Digests& others = {}) {
    SeenSet seen;
    std::set<Digest128> reference;
    for (const Digest128& digest : inserted) {
        seen.prefetch(digest);
        ASSERT_EQ(seen.insert(digest), reference.insert(digest).second) << to_string(digest);
    }
    ASSERT_EQ(seen.size(), reference.size());
    for (const Digest128& digest : inserted) ASSERT_TRUE(seen.contains(digest));
    for (const Digest128& digest : others) {
        ASSERT_EQ(seen.contains(digest), reference.contains(digest)) << to_string(digest);
    }
    Digests kept;
    seen.for_each([&](const Digest128& digest) { kept.push_back(digest); });
    std::sort(kept.begin(), kept.end());
    ASSERT_TRUE(std::equal(kept.begin(), kept.end(), reference.begin(), reference.end()));
}

Digests and_again(Digests digests, std::uint64_t seed) {
    Prng prng{seed};
    const std::size_t count = digests.size();
    for (std::size_t i = 0; i < count; ++i) digests.push_back(digests[prng.below(count)]);
    return digests;
}

TEST(SeenSet, AnswersLikeASetWhateverTheSize) {
    // Around each growth of the small tables, and beyond the first of the large ones.
    for (const std::size_t count : {0, 1, 2, 12'287, 12'288, 12'289, 24'577, 100'000, 520'000}) {
        SCOPED_TRACE(count);
        expect_like_a_set(and_again(drawn(count, count), 7), drawn(99, 1'000));
    }
}

TEST(SeenSet, AskedBetweenInsertionsItKnowsWhatItHas) {
    Prng prng{5};
    SeenSet seen;
    std::set<Digest128> reference;
    for (int i = 0; i < 200'000; ++i) {
        // Few enough that many come again.
        const Digest128 digest{mix64(prng.below(60'000)), 3};
        if (prng.below(2) == 0) {
            ASSERT_EQ(seen.contains(digest), reference.contains(digest));
        } else {
            ASSERT_EQ(seen.insert(digest), reference.insert(digest).second);
        }
    }
    EXPECT_EQ(seen.size(), reference.size());
}

// All digests within a `1 / 2^bits` of the table, which begins at the high word `from`.
Digests clustered(std::uint64_t from, unsigned bits, std::size_t count) {
    Digests digests = drawn(count + bits, count);
    for (Digest128& digest : digests) digest.high = from + (digest.high >> bits);
    return digests;
}

TEST(SeenSet, CrowdedDigestsAreKeptApart) {
    const std::uint64_t middle = std::uint64_t{1} << 63;
    expect_like_a_set(clustered(0, 7, 20'000), clustered(0, 6, 500));
    expect_like_a_set(clustered(middle - 77, 7, 20'000), clustered(middle, 6, 500));
    // They run over the last place; the room behind it must be enough.
    expect_like_a_set(clustered(~std::uint64_t{0} - (~std::uint64_t{0} >> 8), 8, 20'000));
    expect_like_a_set(clustered(~std::uint64_t{0} - (~std::uint64_t{0} >> 6), 6, 60'000));
}

TEST(SeenSet, OneHighWordForAll) {
    for (const std::uint64_t high : {std::uint64_t{0}, std::uint64_t{1} << 40}) {
        Digests digests;
        for (std::uint64_t low = 1; low <= 4'000; ++low) digests.push_back({high, low * 3});
        expect_like_a_set(digests, {{high, 4}, {high + 1, 3}});
    }
    Digests last;
    for (std::uint64_t low = 1; low <= 2'000; ++low) last.push_back({~std::uint64_t{0}, low});
    expect_like_a_set(last, {{~std::uint64_t{0}, 0}});
}

TEST(SeenSet, ABrokenDigestIsReportedBeforeTheMemoryIsGone) {
    SeenSet seen;
    const auto fill = [&] {
        for (std::uint64_t low = 0; low < 10'000; ++low) seen.insert({~std::uint64_t{0}, low});
    };
    EXPECT_THROW(fill(), CheckFailure);
    EXPECT_LT(seen.bytes(), std::uint64_t{1} << 28);
}

TEST(SeenSet, OneLowWordForAll) {
    Digests digests = drawn(3, 50'000);
    for (Digest128& digest : digests) digest.low = 0;
    expect_like_a_set(digests);
}

TEST(SeenSet, ZeroIsADigest) {
    SeenSet seen;
    EXPECT_FALSE(seen.contains({0, 0}));
    EXPECT_TRUE(seen.insert({0, 0}));
    EXPECT_FALSE(seen.insert({0, 0}));
    EXPECT_TRUE(seen.contains({0, 0}));
    EXPECT_FALSE(seen.contains({0, 2}));
    EXPECT_EQ(seen.size(), 1u);
    // The price: this one is taken for zero.
    EXPECT_FALSE(seen.insert({0, 1}));
}

TEST(SeenSet, SortedDigestsGoIntoATableOfTheRightSize) {
    Digests digests = drawn(11, 600'000);
    std::sort(digests.begin(), digests.end());
    SeenSet seen;
    seen.reserve(digests.size());
    const std::uint64_t bytes = seen.bytes();
    for (const Digest128& digest : digests) ASSERT_TRUE(seen.insert(digest));
    EXPECT_EQ(seen.bytes(), bytes) << "it grew";
    for (const Digest128& digest : digests) ASSERT_TRUE(seen.contains(digest));
    expect_like_a_set(Digests(digests.begin(), digests.begin() + 10'000));
    std::reverse(digests.begin(), digests.end());
    expect_like_a_set(Digests(digests.begin(), digests.begin() + 100'000));
}

TEST(SeenSet, RoomIsMadeBeforeTheFirstDigestOnly) {
    SeenSet seen;
    seen.insert({1, 1});
    EXPECT_THROW(seen.reserve(1'000'000), CheckFailure);
}

TEST(SeenSet, NeitherTheTableNorTheLinksAreEverSlack) {
    SeenSet seen;
    Links links;
    Prng prng{1};
    std::uint64_t worst = 0;  // bytes a state, in hundredths
    while (seen.size() < 3'000'000) {
        const std::uint64_t high = prng.next();
        seen.insert({high, prng.next()});
        links.add(0, 0);
        if (seen.size() >= 1'000'000 && seen.size() % 256 == 0) {
            worst = std::max(worst, (seen.bytes() + links.bytes()) * 100 / seen.size());
        }
    }
    EXPECT_LE(worst, 2'400u);
}

TEST(SeenSet, TheChanceOfACollisionIsThatOfTheBirthdays) {
    EXPECT_EQ(collision_estimate(0), "0.0e+00");
    EXPECT_EQ(collision_estimate(1), "0.0e+00");
    EXPECT_EQ(collision_estimate(2), "2.9e-39");
    EXPECT_EQ(collision_estimate(1'000'000'000), "1.5e-21");
}

TEST(Links, KeepParentsAndOrdinalsOfAnyWidth) {
    Links links;
    Prng prng{2};
    std::vector<std::pair<std::uint32_t, std::uint32_t>> reference;
    for (std::uint32_t i = 0; i < 300'000; ++i) {
        const auto parent = i == 0 ? Links::kNone : static_cast<std::uint32_t>(prng.below(i));
        std::uint32_t ordinal = static_cast<std::uint32_t>(prng.below(10));
        if (prng.below(50) == 0) ordinal = static_cast<std::uint32_t>(250 + prng.below(10));
        if (prng.below(500) == 0) ordinal = static_cast<std::uint32_t>(prng.below(1u << 31));
        ASSERT_EQ(links.add(parent, ordinal), i);
        reference.emplace_back(parent, ordinal);
    }
    for (std::uint32_t i = 0; i < reference.size(); ++i) {
        ASSERT_EQ(links.parent(i), reference[i].first);
        ASSERT_EQ(links.ordinal(i), reference[i].second);
    }
}

// --- in a search --------------------------------------------------------------------------------

// All points of a cube, from a corner; three steps each.
struct Cube {
    struct State {
        std::uint64_t word = 0;
        bool operator==(const State&) const = default;
    };
    std::uint64_t side = 0;

    template <class Emit>
    void initial_states(Emit&& emit) const {
        emit(State{});
    }
    template <class Emit>
    void successors(const State& s, Emit&& emit) const {
        for (std::uint16_t axis = 0; axis < 3; ++axis) {
            if ((s.word >> (16 * axis) & 0xffff) + 1 == side) continue;
            emit(Action{0, axis}, State{s.word + (std::uint64_t{1} << (16 * axis))});
        }
    }
    Digest128 digest(const State& s) const { return digest_of_words(s); }
    std::span<const std::string_view> action_names() const {
        static constexpr std::string_view kNames[] = {"Move"};
        return kNames;
    }
    std::span<const PropertySpec> properties() const { return {}; }
    std::uint64_t predicates(const State&) const { return 0; }
    std::string describe(const State&, Action) const { return "Move"; }
    StateText show(const State& s) const { return {{"at", std::to_string(s.word)}}; }
};

TEST(SeenSet, AStateTakesTwentyFourBytesWithTheLinkToItsParent) {
    const std::pair<std::uint64_t, unsigned> searches[] = {{101, 1}, {116, 2}};
    for (const auto& [side, workers] : searches) {
        SCOPED_TRACE(testing::Message() << side << " cubed, " << workers << " workers");
        SearchOptions options;
        options.workers = workers;
        const SearchResult result = search(Cube{side}, options);
        ASSERT_EQ(result.distinct, side * side * side);
        EXPECT_EQ(result.generated, 1 + 3 * side * side * (side - 1));
        EXPECT_EQ(result.depth, 3 * (side - 1) + 1);
        EXPECT_LE(result.seen_set_bytes, 24 * result.distinct)
            << result.seen_set_bytes * 100 / result.distinct << " hundredths of a byte";
    }
}

}  // namespace
}  // namespace tribunal
