// Values: digest, field listings, copy-on-write, checksums.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "broker/base/base64.h"
#include "broker/base/check.h"
#include "broker/base/crc32c.h"
#include "broker/base/flat.h"
#include "broker/base/java_hash.h"
#include "broker/base/payload.h"
#include "broker/base/shared.h"
#include "broker/base/uuid.h"
#include "broker/base/varint.h"

namespace tribunal {
namespace {

struct Inner {
    std::int32_t a = 0;
    std::string b;
    TRIBUNAL_FIELDS(Inner, a, b)
};
struct Outer {
    std::vector<Inner> list;
    std::optional<std::int64_t> maybe;
    FlatMap<std::int32_t, Inner> map;
    TRIBUNAL_FIELDS(Outer, list, maybe, map)
};

TEST(digest, is_pinned_so_that_compilers_agree) {
    Outer outer{{{1, "x"}, {2, "yz"}}, 7, {}};
    outer.map[3] = {4, "w"};
    EXPECT_EQ(to_string(digest_of(outer)), "8cbf8082e762447ff85d155b40417a44");
}

TEST(digest, lengths_keep_neighbours_apart) {
    EXPECT_NE(digest_of(std::vector<std::string>{"ab", "c"}),
              digest_of(std::vector<std::string>{"a", "bc"}));
    EXPECT_NE(digest_of(std::optional<int>{}), digest_of(std::optional<int>{0}));
    EXPECT_NE(digest_of(std::string{}), digest_of(std::string(1, '\0')));
}

RC_GTEST_PROP(digest, agrees_with_equality,
              (std::vector<std::string> a, std::vector<std::string> b)) {
    RC_ASSERT((a == b) == (digest_of(a) == digest_of(b)));
}

TEST(fields, lists_every_member_in_order) {
    std::string names;
    Outer outer;
    visit_fields(outer, [&](const char* name, auto&) { names += std::string{name} + " "; });
    EXPECT_EQ(names, "list maybe map ");
}

TEST(shared, clones_only_when_somebody_else_holds_it) {
    Shared<Inner> a{Inner{1, "x"}};
    const Inner* before = &*a;
    a.edit().a = 2;
    EXPECT_EQ(&*a, before);
    Shared<Inner> b = a;
    EXPECT_TRUE(a.is_same_object(b));
    b.edit().a = 3;
    EXPECT_EQ(a->a, 2);
    EXPECT_EQ(b->a, 3);
}

TEST(crc32c, matches_the_check_values_of_rfc_3720) {
    EXPECT_EQ(crc32c("123456789"), 0xe3069283u);
    EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aau);
    EXPECT_EQ(crc32c("6789", crc32c("12345")), crc32c("123456789"));
}

TEST(payload, shares_one_block_and_compares_by_bytes) {
    const Payload a{"hello"};
    const Payload b = a;
    EXPECT_EQ(a.view().data(), b.view().data());
    EXPECT_TRUE(a == Payload{"hello"});
    EXPECT_FALSE(a == Payload{"help"});
    EXPECT_EQ(Payload{}.size(), 0u);
}

TEST(check, names_the_place_without_the_path_of_the_checkout) {
    try {
        CHECK(1 + 1 == 3);
        FAIL();
    } catch (const CheckFailure& failure) {
        const std::string what = failure.what();
        EXPECT_EQ(what.rfind("broker/base/base_test.cc:", 0), 0u) << what;
        EXPECT_NE(what.find("CHECK(1 + 1 == 3)"), std::string::npos);
    }
}

TEST(base64, has_the_values_of_rfc_4648) {
    EXPECT_EQ(to_base64("", Base64::standard), "");
    EXPECT_EQ(to_base64("f", Base64::standard), "Zg==");
    EXPECT_EQ(to_base64("fo", Base64::standard), "Zm8=");
    EXPECT_EQ(to_base64("foobar", Base64::standard), "Zm9vYmFy");
    EXPECT_EQ(to_base64("\xfb\xff", Base64::url), "-_8");
    EXPECT_EQ(from_base64("-_8", Base64::standard), std::nullopt);
    EXPECT_EQ(from_base64("Z", Base64::standard), std::nullopt);
    EXPECT_EQ(from_base64("Zg", Base64::standard), "f");
}
RC_GTEST_PROP(base64, round_trips, (std::string bytes)) {
    for (const Base64 alphabet : {Base64::standard, Base64::url}) {
        RC_ASSERT(from_base64(to_base64(bytes, alphabet), alphabet) == bytes);
    }
}

RC_GTEST_PROP(varint, round_trips, (std::int64_t value, std::string rest)) {
    for (const std::int64_t v : {value, value >> 32, value >> 57}) {
        std::string bytes;
        put_varint(bytes, v);
        RC_ASSERT(static_cast<std::int64_t>(bytes.size()) == varint_size(v));
        bytes += rest;
        std::string_view in = bytes;
        std::int64_t back = 0;
        RC_ASSERT(take_varlong(in, back) && back == v && in == rest);
        in = bytes;
        std::int32_t narrow = 0;
        if (v == static_cast<std::int32_t>(v)) RC_ASSERT(take_varint(in, narrow) && narrow == v);
    }
}
TEST(varint, too_many_groups_are_refused) {
    const std::string many(20, '\xff');
    std::string_view in = many;
    std::int32_t narrow = 0;
    EXPECT_FALSE(take_varint(in, narrow));
    std::int64_t wide = 0;
    EXPECT_FALSE(take_varlong(in, wide));
}

TEST(java_hash, counts_utf16_and_takes_bytes_that_are_no_text) {
    EXPECT_EQ(java_string_hash("a"), 97);
    EXPECT_EQ(java_string_hash("\xf0\x9f\x98\x80"), 0xd83d * 31 + 0xde00);  // a pair
    EXPECT_EQ(java_string_hash("\xff"), 0xfffd);
    EXPECT_EQ(java_string_hash("\xe2\x82"), 0xfffd * 31 + 0xfffd);
    EXPECT_EQ(java_string_hash("\xed\xa0\x80"), (0xfffd * 31 + 0xfffd) * 31 + 0xfffd);
    EXPECT_EQ(java_string_hash("polygenelubricants"), INT32_MIN);
    EXPECT_EQ(coordinator_partition("polygenelubricants", 50), 0);
}
RC_GTEST_PROP(uuid, text_and_bytes_round_trip, (std::uint64_t most, std::uint64_t least)) {
    const Uuid id{most, least};
    RC_ASSERT(Uuid::of_bytes(id.bytes()) == id);
    RC_ASSERT(Uuid::parse(id.text()) == id);
    RC_ASSERT(id.text().size() == 22u);
}

// Small ones are scanned, larger ones halved first.
TEST(flat_set, contains_what_was_inserted_whatever_its_size) {
    FlatSet<int> evens;
    for (int size = 0; size <= 40; ++size) {
        for (int x = -1; x <= 2 * size + 1; ++x) {
            EXPECT_EQ(evens.contains(x), x >= 0 && x % 2 == 0 && x < 2 * size) << size << ", " << x;
        }
        EXPECT_TRUE(evens.insert(2 * size));
        EXPECT_FALSE(evens.insert(2 * size));
    }
    for (int x = 0; x <= 80; x += 2) EXPECT_TRUE(evens.erase(x));
    EXPECT_TRUE(evens.empty());
}

RC_GTEST_PROP(flat_map, behaves_like_std_map, (std::vector<std::pair<std::uint8_t, bool>> ops)) {
    FlatMap<int, int> flat;
    std::map<int, int> model;
    int n = 0;
    for (const auto& [key, erase] : ops) {
        if (erase) {
            RC_ASSERT(flat.erase(key) == (model.erase(key) == 1));
        } else {
            flat[key] = ++n;
            model[key] = n;
        }
    }
    RC_ASSERT(flat.size() == model.size());
    RC_ASSERT(
        (std::equal(flat.begin(), flat.end(), model.begin(), [](const auto& a, const auto& b) {
            return a.first == b.first && a.second == b.second;
        })));
}

}  // namespace
}  // namespace tribunal
