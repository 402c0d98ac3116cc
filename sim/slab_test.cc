// Slots for messages and notices: what is in use keeps its number, what lies free at the end goes.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>

#include "sim/world.h"

namespace tribunal {
namespace {

TEST(slab, gives_up_what_lies_free_at_the_end) {
    Slab<int> slab;
    for (int i = 0; i < 10; ++i) slab.put(i);
    for (std::uint32_t slot = 1; slot < 9; ++slot) slab.take(slot);
    EXPECT_EQ(slab.slots.size(), 10u);  // the last one is in use
    EXPECT_EQ(slab.take(9), 9);
    EXPECT_EQ(slab.slots.size(), 1u);
    EXPECT_EQ(slab.take(0), 0);
    EXPECT_TRUE(slab.slots.empty());
    EXPECT_TRUE(slab.free.empty());
}

RC_GTEST_PROP(slab, keeps_what_is_in_use, (std::vector<std::uint8_t> ops)) {
    Slab<int> slab;
    std::map<std::uint32_t, int> model;
    int n = 0;
    for (const std::uint8_t op : ops) {
        if (op % 2 == 0 || model.empty()) {
            const std::uint32_t slot = slab.put(++n);
            RC_ASSERT(model.emplace(slot, n).second);
        } else {
            const auto it = std::next(model.begin(), op / 2 % std::ssize(model));
            RC_ASSERT(slab.take(it->first) == it->second);
            model.erase(it);
        }
        RC_ASSERT(slab.slots.size() == (model.empty() ? 0 : model.rbegin()->first + 1));
        for (const auto& [slot, value] : model) RC_ASSERT(slab.slots[slot] == value);
    }
}

}  // namespace
}  // namespace tribunal
