// The small building blocks against what Kafka's own classes answered: checksums, variable-length
// integers, uuids, Java's string hash, sequence arithmetic. And SCRAM's key derivation, which
// nothing in a simulated cluster does: it is derived here, from the hash function up.
#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <nlohmann/json.hpp>

#include "broker/base/crc32c.h"
#include "broker/base/java_hash.h"
#include "broker/base/uuid.h"
#include "broker/base/varint.h"
#include "broker/protocol/sequence.h"
#include "properties/golden.h"

namespace tribunal {
namespace {

using nlohmann::json;

std::string bytes_of(const std::string& hex) {
    std::string bytes;
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
        bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
    }
    return bytes;
}

void expect_varint(const json& c, const std::string& kind) {
    const std::string bytes = bytes_of(c.at("hex"));
    std::string_view in = bytes;
    std::string out;
    if (kind == "varint") {
        std::int32_t value = 0;
        ASSERT_TRUE(take_varint(in, value));
        EXPECT_EQ(value, c.at("value").get<std::int32_t>());
        put_varint(out, value);
        EXPECT_EQ(varint_size(value), static_cast<std::int64_t>(bytes.size()));
    } else if (kind == "varlong") {
        std::int64_t value = 0;
        ASSERT_TRUE(take_varlong(in, value));
        EXPECT_EQ(value, c.at("value").get<std::int64_t>());
        put_varint(out, value);
        EXPECT_EQ(varint_size(value), static_cast<std::int64_t>(bytes.size()));
    } else if (kind == "unsigned_varint") {
        std::uint32_t value = 0;
        ASSERT_TRUE(take_unsigned_varint(in, value));
        EXPECT_EQ(value, c.at("value").get<std::uint32_t>());
        put_unsigned_varint(out, value);
    } else {
        std::uint64_t value = 0;
        ASSERT_TRUE(take_unsigned_varlong(in, value));
        EXPECT_EQ(std::to_string(value), c.at("value").get<std::string>());
        put_unsigned_varint(out, value);
    }
    EXPECT_TRUE(in.empty());
    EXPECT_EQ(out, bytes);
    // One byte short of it is none.
    std::string_view cut = std::string_view{bytes}.substr(0, bytes.size() - 1);
    std::int64_t ignored = 0;
    EXPECT_FALSE(take_varlong(cut, ignored));
}

void expect_uuid(const json& c) {
    const Uuid id = Uuid::of_bytes(bytes_of(c.at("hex")));
    EXPECT_EQ(id.text(), c.at("text").get<std::string>());
    EXPECT_EQ(id.java_hash(), c.at("java_hash").get<std::int32_t>());
    EXPECT_EQ(id.bytes(), bytes_of(c.at("hex")));
    EXPECT_EQ(Uuid::parse(c.at("text").get<std::string>()), id);
}

void expect_coordinator(const json& c) {
    const std::string id = c.at("id");
    EXPECT_EQ(java_string_hash(id), c.at("java_hash").get<std::int32_t>());
    for (const auto& [count, partition] : c.at("parts").items()) {
        EXPECT_EQ(coordinator_partition(id, std::stoi(count)), partition.get<std::int32_t>());
    }
}

// --- SCRAM (RFC 5802), on SHA-2 (FIPS 180-4) -----------------------------------------------------

// The first `bits` bits of the fractional parts of the square or cube roots of primes: the
// constants of SHA-2, found by integer arithmetic.
using Wide = unsigned __int128;
std::uint64_t root_fraction(unsigned prime, int root, int bits) {
    // The largest r with r^root <= prime * 2^(bits*root), by bits from above; compared in limbs
    // of the remaining power, so that nothing overflows.
    std::uint64_t whole = 0;
    const auto fits = [&](Wide r) {  // r has `bits` fractional bits
        // r^root against prime << (root * bits), schoolbook in 32-bit digits.
        std::array<std::uint64_t, 8> product{1};
        for (int k = 0; k < root; ++k) {
            std::array<std::uint64_t, 8> next{};
            const std::array<std::uint64_t, 3> digits{
                static_cast<std::uint64_t>(r) & 0xffffffff,
                static_cast<std::uint64_t>(r) >> 32 & 0xffffffff,
                static_cast<std::uint64_t>(r >> 64)};
            for (std::size_t i = 0; i < 8; ++i) {
                for (std::size_t j = 0; j < 3 && i + j < 8; ++j) {
                    Wide carry = Wide{product[i]} * digits[j];
                    for (std::size_t at = i + j; at < 8 && carry != 0; ++at) {
                        carry += next[at];
                        next[at] = static_cast<std::uint64_t>(carry) & 0xffffffff;
                        carry >>= 32;
                    }
                }
            }
            product = next;
        }
        std::array<std::uint64_t, 8> bound{};
        bound[static_cast<std::size_t>(root * bits / 32)] = prime;
        for (std::size_t i = 8; i-- > 0;) {
            if (product[i] != bound[i]) return product[i] < bound[i];
        }
        return true;
    };
    while (fits(Wide{whole + 1} << bits)) ++whole;
    Wide r = Wide{whole} << bits;
    for (int bit = bits - 1; bit >= 0; --bit) {
        if (fits(r | (Wide{1} << bit))) r |= Wide{1} << bit;
    }
    return static_cast<std::uint64_t>(r & ((Wide{1} << bits) - 1));
}

template <class Word>
struct Sha2 {
    static constexpr int kBits = static_cast<int>(8 * sizeof(Word));
    static constexpr bool kWide = kBits == 64;
    static constexpr std::size_t kRounds = kWide ? 80 : 64;
    static constexpr std::size_t kBlock = 16 * sizeof(Word);
    std::array<Word, kRounds> constants;
    std::array<Word, 8> start;

    Sha2() {
        std::size_t found = 0;
        for (unsigned n = 2; found < kRounds; ++n) {
            bool is_prime = true;
            for (unsigned d = 2; d * d <= n; ++d) is_prime = is_prime && n % d != 0;
            if (!is_prime) continue;
            if (found < 8) start[found] = static_cast<Word>(root_fraction(n, 2, kBits));
            constants[found++] = static_cast<Word>(root_fraction(n, 3, kBits));
        }
    }
    static Word mix(Word x, int a, int b, int c, bool shifts) {
        return std::rotr(x, a) ^ std::rotr(x, b) ^ (shifts ? x >> c : std::rotr(x, c));
    }
    void compress(std::array<Word, 8>& state, const char* block) const {
        std::array<Word, kRounds> w;
        for (std::size_t i = 0; i < 16; ++i) {
            w[i] = big_endian_at<Word>({block, kBlock}, i * sizeof(Word));
        }
        for (std::size_t i = 16; i < kRounds; ++i) {
            w[i] = w[i - 16] + w[i - 7] +
                   (kWide ? mix(w[i - 15], 1, 8, 7, true) : mix(w[i - 15], 7, 18, 3, true)) +
                   (kWide ? mix(w[i - 2], 19, 61, 6, true) : mix(w[i - 2], 17, 19, 10, true));
        }
        auto [a, b, c, d, e, f, g, h] = state;
        for (std::size_t i = 0; i < kRounds; ++i) {
            const Word t1 = h + (kWide ? mix(e, 14, 18, 41, false) : mix(e, 6, 11, 25, false)) +
                            ((e & f) ^ (~e & g)) + constants[i] + w[i];
            const Word t2 = (kWide ? mix(a, 28, 34, 39, false) : mix(a, 2, 13, 22, false)) +
                            ((a & b) ^ (a & c) ^ (b & c));
            h = g, g = f, f = e, e = d + t1, d = c, c = b, b = a, a = t1 + t2;
        }
        const std::array<Word, 8> add{a, b, c, d, e, f, g, h};
        for (std::size_t i = 0; i < 8; ++i) state[i] += add[i];
    }
    // The rest of a text of which `before` bytes are in the state already.
    std::string finish(std::array<Word, 8> state, std::string_view text, std::size_t before) const {
        std::string padded{text};
        padded += '\x80';
        while ((padded.size() + sizeof(Word) * 2) % kBlock != 0) padded += '\0';
        if (kWide) put_big_endian(padded, std::uint64_t{0});
        put_big_endian(padded, std::uint64_t{8 * (before + text.size())});
        for (std::size_t at = 0; at < padded.size(); at += kBlock) {
            compress(state, padded.data() + at);
        }
        std::string digest;
        for (const Word word : state) put_big_endian(digest, word);
        return digest;
    }
    std::string hash(std::string_view text) const { return finish(start, text, 0); }

    struct Key {
        std::array<Word, 8> inner, outer;
    };
    Key key_of(std::string_view key) const {
        std::string block{key.size() > kBlock ? hash(key) : std::string{key}};
        block.resize(kBlock, '\0');
        Key states{start, start};
        for (char& c : block) c = static_cast<char>(c ^ 0x36);
        compress(states.inner, block.data());
        for (char& c : block) c = static_cast<char>(c ^ 0x36 ^ 0x5c);
        compress(states.outer, block.data());
        return states;
    }
    std::string hmac(const Key& key, std::string_view text) const {
        return finish(key.outer, finish(key.inner, text, kBlock), kBlock);
    }
    std::string hmac(std::string_view key, std::string_view text) const {
        return hmac(key_of(key), text);
    }
};

std::string exclusive_or(std::string a, std::string_view b) {
    for (std::size_t i = 0; i < a.size(); ++i) a[i] = static_cast<char>(a[i] ^ b[i]);
    return a;
}

template <class Word>
void expect_scram(const Sha2<Word>& sha, const json& c) {
    const auto key = sha.key_of(c.at("password").get<std::string>());
    std::string u = sha.hmac(key, bytes_of(c.at("salt")) + std::string("\0\0\0\1", 4));
    std::string salted = u;
    for (int i = 1; i < c.at("iterations").get<int>(); ++i) {
        u = sha.hmac(key, u);
        salted = exclusive_or(std::move(salted), u);
    }
    const std::string auth_message = c.at("auth_message");
    const std::string client_key = sha.hmac(salted, "Client Key");
    const std::string stored_key = sha.hash(client_key);
    const std::string server_key = sha.hmac(salted, "Server Key");
    const auto expect = [&](const char* name, const std::string& got) {
        EXPECT_EQ(got, bytes_of(c.at(name))) << name;
    };
    expect("salted_password", salted);
    expect("client_key", client_key);
    expect("stored_key", stored_key);
    expect("server_key", server_key);
    expect("client_proof", exclusive_or(client_key, sha.hmac(stored_key, auth_message)));
    expect("server_signature", sha.hmac(server_key, auth_message));
}

TEST(golden, primitives) {
    const json golden = load_golden("primitives");
    ASSERT_EQ(golden.at("cases").size(), golden.at("header").at("cases"));
    const Sha2<std::uint32_t> sha256;
    const Sha2<std::uint64_t> sha512;
    for (const json& c : golden.at("cases")) {
        const std::string kind = c.at("kind");
        SCOPED_TRACE(c.dump().substr(0, 200));
        if (kind == "crc32c") {
            EXPECT_EQ(crc32c(bytes_of(c.at("hex"))), c.at("crc32c").get<std::uint32_t>());
        } else if (kind == "uuid") {
            expect_uuid(c);
        } else if (kind == "coordinator_partition") {
            expect_coordinator(c);
        } else if (kind == "sequence") {
            const std::int32_t sequence = c.at("seq");
            const std::int32_t delta = c.at("delta");
            EXPECT_EQ(increment_sequence(sequence, delta), c.at("incremented"));
            EXPECT_EQ(decrement_sequence(sequence, delta), c.at("decremented"));
        } else if (kind == "scram") {
            if (c.at("mechanism") == "SCRAM-SHA-256") {
                expect_scram(sha256, c);
            } else {
                ASSERT_EQ(c.at("mechanism"), "SCRAM-SHA-512");
                expect_scram(sha512, c);
            }
        } else {
            ASSERT_NE(kind.find("var"), std::string::npos);
            expect_varint(c, kind);
        }
    }
}

}  // namespace
}  // namespace tribunal
