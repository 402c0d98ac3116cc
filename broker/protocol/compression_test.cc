// Compression: every kind gives back what it was given, whatever the sizes, and refuses the rest.
#include "broker/protocol/compression.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "broker/protocol/batch.h"
#include "broker/protocol/lz4_frame.h"

namespace tribunal {
namespace {

constexpr CompressionType kTypes[] = {CompressionType::none, CompressionType::gzip,
                                      CompressionType::snappy, CompressionType::lz4,
                                      CompressionType::zstd};

// Text that repeats itself now and then, of any length.
std::string text_of(std::size_t size, unsigned seed) {
    std::string text;
    std::uint32_t state = seed * 2654435761u + 1;
    while (text.size() < size) {
        state = state * 1664525u + 1013904223u;
        const std::size_t back = state >> 20;
        if ((state & 0x300) != 0 && back > 0 && back <= text.size()) {
            text += text.substr(text.size() - back, (state >> 10) % 40);
        } else {
            text += static_cast<char>(state >> 24);
        }
    }
    text.resize(size);
    return text;
}

TEST(compression, gives_back_what_it_was_given) {
    for (const CompressionType type : kTypes) {
        for (const std::size_t size : {0, 1, 61, 16384, 32768, 32769, 65536, 65537, 300000}) {
            const std::string text = text_of(size, 7);
            for (const Lz4Header header : {Lz4Header::correct, Lz4Header::legacy}) {
                const std::string packed = compress(type, text, header);
                const auto back = decompress(type, packed, header);
                ASSERT_TRUE(back) << name_of(type) << " of " << size;
                EXPECT_TRUE(*back == text) << name_of(type) << " of " << size;
            }
        }
    }
}

TEST(compression, makes_repetitive_records_smaller) {
    const std::string text(10000, 'x');
    for (const CompressionType type : kTypes) {
        if (type == CompressionType::none) continue;
        EXPECT_LT(compress(type, text).size(), text.size() / 10) << name_of(type);
    }
}

TEST(compression, bytes_cut_short_are_refused) {
    const std::string text = text_of(5000, 3);
    for (const CompressionType type : kTypes) {
        if (type == CompressionType::none) continue;
        const std::string packed = compress(type, text);
        for (std::size_t size = 1; size < packed.size(); size += 1 + size / 7) {
            const auto back = decompress(type, packed.substr(0, size));
            // Snappy's frames have no end mark: a cut between blocks is only a shorter text.
            if (type == CompressionType::snappy && back) {
                EXPECT_LT(back->size(), text.size());
                continue;
            }
            EXPECT_FALSE(back) << name_of(type) << " cut to " << size;
        }
    }
}

TEST(compression, nothing_unpacks_beyond_the_limit) {
    const std::string text(200000, 'x');
    for (const CompressionType type : kTypes) {
        if (type == CompressionType::none) continue;
        const std::string packed = compress(type, text);
        EXPECT_TRUE(decompress(type, packed, Lz4Header::correct, text.size())) << name_of(type);
        EXPECT_FALSE(decompress(type, packed, Lz4Header::correct, text.size() - 1))
            << name_of(type);
    }
}

TEST(compression, gzip_and_zstd_read_frames_back_to_back) {
    for (const CompressionType type : {CompressionType::gzip, CompressionType::zstd}) {
        EXPECT_EQ(decompress(type, compress(type, "one, ") + compress(type, "two")), "one, two");
    }
    // xerial's streams as well.
    EXPECT_EQ(decompress(CompressionType::snappy, compress(CompressionType::snappy, "one, ") +
                                                      compress(CompressionType::snappy, "two")),
              "one, two");
}

TEST(compression, snappy_without_framing_is_read) {
    // The raw format: length 5, a literal of 5 bytes.
    EXPECT_EQ(decompress(CompressionType::snappy, "\x05\x10hello"), "hello");
}

TEST(compression, xxhash_has_its_published_values) {
    EXPECT_EQ(xxhash32(""), 0x02cc5d05u);
    EXPECT_EQ(xxhash32("a"), 0x550d7456u);
    EXPECT_EQ(xxhash32("abc"), 0x32d153ffu);
    EXPECT_EQ(xxhash32("Nobody inspects the spammish repetition"), 0xe2293b2fu);
}

TEST(compression, lz4_header_checksum_of_old_formats_is_wrong_and_not_checked) {
    const std::string good = compress(CompressionType::lz4, "hello");
    const std::string old = compress(CompressionType::lz4, "hello", Lz4Header::legacy);
    EXPECT_EQ(static_cast<unsigned char>(good[6]), 0x82);
    EXPECT_EQ(static_cast<unsigned char>(old[6]), 0x1a);
    EXPECT_FALSE(decompress(CompressionType::lz4, old));
    EXPECT_EQ(decompress(CompressionType::lz4, old, Lz4Header::legacy), "hello");
    EXPECT_EQ(decompress(CompressionType::lz4, good, Lz4Header::legacy), "hello");
}

RC_GTEST_PROP(compression, any_bytes_round_trip, (std::string text)) {
    for (const CompressionType type : kTypes) {
        RC_ASSERT(decompress(type, compress(type, text)) == text);
    }
}

// Refused or not, never a crash (run with the sanitizers) nor more than the limit.
RC_GTEST_PROP(compression, flipped_bits_do_no_harm,
              (std::uint16_t seed, std::vector<std::uint32_t> flips)) {
    constexpr std::size_t limit = 1 << 20;
    const std::string text = text_of(seed % 3000, seed);
    for (const CompressionType type : kTypes) {
        std::string packed = compress(type, text);
        for (const std::uint32_t flip : flips) {
            if (packed.empty()) break;
            packed[(flip >> 3) % packed.size()] ^= static_cast<char>(1 << (flip & 7));
        }
        const auto back = decompress(type, packed, Lz4Header::legacy, limit);
        if (back) RC_ASSERT(back->size() <= std::max(limit, packed.size()));
    }
}

}  // namespace
}  // namespace tribunal
