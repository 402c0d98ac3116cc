// Slots for messages and notices: what is in use keeps its number, what lies free at the end goes.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <string>

#include "sim/slab.h"

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

TEST(spares, are_written_over_unless_somebody_else_holds_them) {
    Spares<std::string> spares;
    Shared<std::string> first = spares.take();
    EXPECT_EQ(*first, "");
    first.edit() = "first";
    const Shared<std::string> held = first;
    spares.keep(std::move(first));
    EXPECT_EQ(spares.size(), 0u);
    EXPECT_EQ(*held, "first");

    Shared<std::string> second = spares.take();
    EXPECT_FALSE(second.is_same_object(held));
    const std::string* const block = &*second;
    spares.keep(std::move(second));
    EXPECT_EQ(spares.size(), 1u);
    EXPECT_EQ(Spares<std::string>{spares}.size(), 0u);  // a copy begins without
    EXPECT_EQ(&*spares.take(), block);
    EXPECT_EQ(spares.size(), 0u);
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
