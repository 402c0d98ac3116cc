// The random streams: pinned values, so that every compiler and processor agrees, and the shape of
// the distributions. Integers only, as in the code under test.
#include "broker/base/prng.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <set>

namespace tribunal {
namespace {

TEST(Prng, values_are_the_same_everywhere) {
    Prng prng{42};
    EXPECT_EQ(prng.next(), 0x8ca10b1dbe91ee23ull);
    EXPECT_EQ(prng.next(), 0xe72aac3121269f60ull);
    EXPECT_EQ(prng.below(1'000'000), 919463u);
    EXPECT_EQ(prng.state(), 0x37eb8deb54a8e1f8ull);
    EXPECT_EQ(Prng{42}.fork(1, 2).next(), 0x7486e6addfe0fefaull);
    EXPECT_EQ(mix64(1), 0x5692161d100b05e5ull);
}

TEST(Prng, exponential_values_are_the_same_everywhere) {
    struct Row {
        std::uint32_t uniform;
        std::int64_t of_one_second;
    };
    constexpr Row rows[] = {
        {0x0u, 22873856959},       {0x1u, 21775244671},       {0x3e8u, 15272454624},
        {0x10000000u, 2772588720}, {0x40000000u, 1386294360}, {0x7fffffffu, 693147180},
        {0x80000000u, 693147180},  {0xc0000001u, 287682072},  {0xfffffffeu, 0},
        {0xffffffffu, 0},
    };
    for (const Row& row : rows) {
        EXPECT_EQ(exponential(seconds(1), row.uniform).value, row.of_one_second) << row.uniform;
    }
    std::uint64_t hash = 0;
    Prng prng{7};
    for (int i = 0; i < 100'000; ++i) {
        const Duration mean{static_cast<std::int64_t>(prng.below(1'000'000'000'000))};
        const Duration drawn = exponential(mean, static_cast<std::uint32_t>(prng.next() >> 32));
        hash = mix64(hash ^ static_cast<std::uint64_t>(drawn.value));
    }
    EXPECT_EQ(hash, 0x20485f8821dec869ull);
}

// At the midpoints of 2^20 equal strata: the quadrature's own error is below the bounds.
TEST(Prng, exponential_has_its_mean_and_variance) {
    constexpr std::uint32_t kStrata = 1u << 20;
    constexpr std::int64_t kMean = 1'000'000;
    std::int64_t sum = 0;
    std::int64_t sum_of_squares = 0;  // each divided by the number of strata
    Duration previous = seconds(1);
    for (std::uint32_t i = 0; i < kStrata; ++i) {
        const Duration x = exponential(Duration{kMean}, (i << 12) + (1u << 11));
        EXPECT_LE(x, previous);  // the quantile falls with U
        previous = x;
        sum += x.value;
        sum_of_squares += x.value * x.value / kStrata;
    }
    const std::int64_t mean = sum / kStrata;
    EXPECT_NEAR(mean, kMean, kMean / 100'000);
    EXPECT_NEAR((sum_of_squares - mean * mean) / kMean, kMean, kMean / 10'000);
}

TEST(Prng, exponential_of_a_stream_has_its_mean_and_variance) {
    constexpr int kDraws = 1'000'000;
    constexpr std::int64_t kMean = 1'000'000;
    std::int64_t sum = 0;
    std::int64_t sum_of_squares = 0;
    Prng prng{1};
    for (int i = 0; i < kDraws; ++i) {
        const auto uniform = static_cast<std::uint32_t>(prng.next() >> 32);
        const Duration x = exponential(Duration{kMean}, uniform);
        sum += x.value;
        sum_of_squares += x.value * x.value / kDraws;
    }
    const std::int64_t mean = sum / kDraws;
    EXPECT_NEAR(mean, kMean, kMean / 200);  // five standard errors
    EXPECT_NEAR((sum_of_squares - mean * mean) / kMean, kMean, kMean / 50);
}

TEST(Prng, exponential_stays_in_its_range) {
    for (const Duration mean : {Duration{0}, nanoseconds(1), seconds(1), seconds(1'000'000)}) {
        EXPECT_GE(exponential(mean, UINT32_MAX), Duration{0});
        EXPECT_LE(exponential(mean, UINT32_MAX).value, mean.value / 1'000'000'000);
        EXPECT_LT(exponential(mean, 0).value, mean.value * 23 + 1);
    }
    EXPECT_GT(exponential(seconds(1), 0), seconds(22));
}

TEST(Prng, below_is_uniform) {
    std::array<int, 10> seen{};
    Prng prng{3};
    for (int i = 0; i < 100'000; ++i) ++seen.at(prng.below(10));
    for (const int count : seen) EXPECT_NEAR(count, 10'000, 500);
    EXPECT_EQ(prng.below(1), 0u);
}

TEST(Prng, forked_streams_differ_and_leave_the_parent_alone) {
    const Prng parent{5};
    std::set<std::uint64_t> firsts;
    for (std::uint64_t purpose = 0; purpose < 100; ++purpose) {
        for (std::uint64_t index = 0; index < 100; ++index) {
            firsts.insert(parent.fork(purpose, index).next());
        }
    }
    EXPECT_EQ(firsts.size(), 10'000u);
    EXPECT_EQ(parent, Prng{5});
    EXPECT_EQ(parent.fork(1, 2), Prng{5}.fork(1, 2));
    EXPECT_NE(parent.fork(1, 2), parent.fork(2, 1));
    EXPECT_NE(parent.fork(1, 2), Prng{6}.fork(1, 2));
}

}  // namespace
}  // namespace tribunal
