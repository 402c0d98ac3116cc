// The shared vector against std::vector, with blocks so small that every boundary is met.
#include "broker/log/shared_vector.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

namespace tribunal {
namespace {

using Small = SharedVector<int, 4, 3>;

TEST(shared_vector, finds_every_partition_point) {
    Small numbers;
    for (int size = 0; size <= 60; ++size) {
        for (int bound = -1; bound <= 2 * size + 1; ++bound) {
            const auto expected = static_cast<std::size_t>(std::clamp((bound + 1) / 2, 0, size));
            EXPECT_EQ(numbers.partition_point([&](int x) { return x < bound; }), expected)
                << size << " even numbers, the first that is not below " << bound;
        }
        numbers.push_back(2 * size);
    }
}

RC_GTEST_PROP(shared_vector, copies_grow_and_are_cut_apart, (std::vector<std::uint8_t> ops)) {
    Small shared;
    std::vector<int> model;
    Small before;
    std::vector<int> model_before;
    int n = 0;
    for (const std::uint8_t op : ops) {
        if (op % 8 == 0) {
            before = shared;
            model_before = model;
        } else if (op % 8 == 1) {
            const std::size_t kept = op % (model.size() + 1);
            shared.truncate(kept);
            model.resize(kept);
        } else {
            shared.push_back(++n);
            model.push_back(n);
        }
        RC_ASSERT(std::equal(shared.begin(), shared.end(), model.begin(), model.end()));
        RC_ASSERT(
            std::equal(before.begin(), before.end(), model_before.begin(), model_before.end()));
        RC_ASSERT((shared == before) == (model == model_before));
    }
}

}  // namespace
}  // namespace tribunal
