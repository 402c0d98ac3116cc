// One listing of a struct's fields serves digest, equality, text and JSON.
//
//     struct Vote {
//         NodeId candidate;
//         LeaderEpoch epoch;
//         TRIBUNAL_FIELDS(Vote, candidate, epoch)
//     };
//
// TRIBUNAL_ORDERED_FIELDS gives the struct an order as well. A forgotten field does not compile:
// visit_fields() compares the number of listed fields with the number of members of the aggregate.
// (Members of type std::array are not supported.)
//
// The listing is a template that nothing instantiates before somebody visits the fields: most files
// that see a struct never do, and there are hundreds of structs.
#pragma once

#include <compare>
#include <cstddef>
#include <string_view>
#include <type_traits>
#include <utility>

namespace tribunal {

template <class T>
concept HasFields = requires { T::kFieldCount; };

namespace detail {

constexpr std::size_t count_listed(std::string_view listing) {
    std::size_t count = 1;
    for (const char c : listing) count += c == ',' ? 1 : 0;
    return count;
}

struct Anything {
    template <class T>
    operator T() const;  // only named in unevaluated code
};

template <class T, std::size_t... I>
constexpr bool constructible_from(std::index_sequence<I...>) {
    return requires { T{(static_cast<void>(I), Anything{})...}; };
}

}  // namespace detail

// Calls visit(name, value) for every field in the order of the listing.
template <HasFields T, class Visit>
constexpr void visit_fields(T& object, Visit&& visit) {
    using Plain = std::remove_const_t<T>;
    constexpr std::size_t listed = Plain::kFieldCount;
    static_assert(detail::constructible_from<Plain>(std::make_index_sequence<listed>{}),
                  "TRIBUNAL_FIELDS lists more than the members");
    static_assert(!detail::constructible_from<Plain>(std::make_index_sequence<listed + 1>{}),
                  "TRIBUNAL_FIELDS does not list every member");
    Plain::for_each_field([&](const char* name, auto member) { visit(name, object.*member); });
}

}  // namespace tribunal

#define TRIBUNAL_PARENS ()
#define TRIBUNAL_EXPAND(...) \
    TRIBUNAL_EXPAND3(TRIBUNAL_EXPAND3(TRIBUNAL_EXPAND3(TRIBUNAL_EXPAND3(__VA_ARGS__))))
#define TRIBUNAL_EXPAND3(...) \
    TRIBUNAL_EXPAND2(TRIBUNAL_EXPAND2(TRIBUNAL_EXPAND2(TRIBUNAL_EXPAND2(__VA_ARGS__))))
#define TRIBUNAL_EXPAND2(...) \
    TRIBUNAL_EXPAND1(TRIBUNAL_EXPAND1(TRIBUNAL_EXPAND1(TRIBUNAL_EXPAND1(__VA_ARGS__))))
#define TRIBUNAL_EXPAND1(...) __VA_ARGS__
#define TRIBUNAL_VISIT_FIELD(first, ...) \
    visit(#first, &Self::first) __VA_OPT__(, TRIBUNAL_VISIT_AGAIN TRIBUNAL_PARENS(__VA_ARGS__))
#define TRIBUNAL_VISIT_AGAIN() TRIBUNAL_VISIT_FIELD

#define TRIBUNAL_FIELD_LISTING(Type, ...)                                                      \
    static constexpr std::size_t kFieldCount = ::tribunal::detail::count_listed(#__VA_ARGS__); \
    template <class Visit>                                                                     \
    static constexpr void for_each_field(Visit visit) {                                        \
        using Self = Type;                                                                     \
        TRIBUNAL_EXPAND(TRIBUNAL_VISIT_FIELD(__VA_ARGS__));                                    \
    }
#define TRIBUNAL_FIELDS(Type, ...)            \
    TRIBUNAL_FIELD_LISTING(Type, __VA_ARGS__) \
    bool operator==(const Type&) const = default;
#define TRIBUNAL_ORDERED_FIELDS(Type, ...)    \
    TRIBUNAL_FIELD_LISTING(Type, __VA_ARGS__) \
    constexpr auto operator<=>(const Type&) const = default;
