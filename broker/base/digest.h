// A stable 128-bit digest: the same value on every compiler, optimisation level and processor.
//
// It folds field by field (never raw memory: padding is random), in a fixed order, with lengths
// before sequences so that neighbouring fields cannot run into each other. Not cryptographic:
// two independent 64-bit multiply-fold lanes; with n digests the chance of any collision is about
// n^2 / 2^129 for inputs that nobody chose to collide.
#pragma once

#include <compare>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "broker/base/fields.h"
#include "broker/base/strong.h"

namespace tribunal {

struct Digest128 {
    std::uint64_t high = 0;
    std::uint64_t low = 0;
    constexpr auto operator<=>(const Digest128&) const = default;
};

// 32 lower-case hexadecimal digits.
std::string to_string(const Digest128& digest);

class Digest {
  public:
    // Every event and message goes through it: a call would cost as much as the work.
    [[gnu::always_inline]] void word(std::uint64_t x) {
        a_ = multiply_fold(a_ ^ x, 0x9e3779b97f4a7c15ull);
        b_ = multiply_fold(b_ + x, 0xd6e8feb86659fd93ull) ^ a_;
    }
    void bytes(std::string_view text);
    Digest128 value() const {
        return {multiply_fold(a_ ^ 0xa0761d6478bd642full, b_ ^ 0xe7037ed1a0b428dbull),
                a_ ^ (b_ << 1)};
    }

  private:
    static std::uint64_t multiply_fold(std::uint64_t x, std::uint64_t k) {
        __extension__ using Wide = unsigned __int128;
        const Wide product = static_cast<Wide>(x ^ (x >> 29)) * k;
        return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64) ^ k;
    }
    std::uint64_t a_ = 0x243f6a8885a308d3ull;
    std::uint64_t b_ = 0x13198a2e03707344ull;
};

template <class T>
    requires(std::is_integral_v<T> || std::is_enum_v<T>)
inline void fold(Digest& d, T x) {
    d.word(static_cast<std::uint64_t>(x));
}
template <class Tag, class Rep>
inline void fold(Digest& d, Strong<Tag, Rep> x) {
    d.word(static_cast<std::uint64_t>(x.value));
}
inline void fold(Digest& d, Instant x) { d.word(static_cast<std::uint64_t>(x.value)); }
inline void fold(Digest& d, Duration x) { d.word(static_cast<std::uint64_t>(x.value)); }
inline void fold(Digest& d, std::monostate) { d.word(0); }
inline void fold(Digest& d, const Digest128& x) { d.word(x.high), d.word(x.low); }
inline void fold(Digest& d, const std::string& x) { d.bytes(x); }
inline void fold(Digest& d, std::string_view x) { d.bytes(x); }

template <HasFields T>
void fold(Digest& d, const T& x);
template <class A, class B>
void fold(Digest& d, const std::pair<A, B>& x);
template <class T>
void fold(Digest& d, const std::optional<T>& x);
template <class... Ts>
void fold(Digest& d, const std::variant<Ts...>& x);

// Any ordered container: its iteration order must be a function of its value. The unordered
// containers of the standard library have a hasher and are refused.
template <class C>
concept OrderedRange = requires(const C& c) {
    c.begin();
    c.end();
    c.size();
} && !requires {
    typename C::hasher;
} && !std::is_convertible_v<const C&, std::string_view> && !HasFields<C>;

template <OrderedRange C>
void fold(Digest& d, const C& xs) {
    d.word(static_cast<std::uint64_t>(xs.size()));
    for (const auto& x : xs) fold(d, x);
}
template <HasFields T>
void fold(Digest& d, const T& x) {
    visit_fields(x, [&](const char*, const auto& value) { fold(d, value); });
}
template <class A, class B>
void fold(Digest& d, const std::pair<A, B>& x) {
    fold(d, x.first);
    fold(d, x.second);
}
template <class T>
void fold(Digest& d, const std::optional<T>& x) {
    d.word(x ? 1 : 0);
    if (x) fold(d, *x);
}
template <class... Ts>
void fold(Digest& d, const std::variant<Ts...>& x) {
    d.word(static_cast<std::uint64_t>(x.index()));
    std::visit([&](const auto& value) { fold(d, value); }, x);
}

template <class T>
Digest128 digest_of(const T& x) {
    Digest d;
    fold(d, x);
    return d.value();
}

}  // namespace tribunal
