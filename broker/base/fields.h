// One listing of a struct's fields serves digest, equality, text and JSON.
//
//     struct Vote {
//         NodeId candidate;
//         LeaderEpoch epoch;
//         TRIBUNAL_FIELDS(Vote, candidate, epoch)
//     };
//
// A forgotten field does not compile: visit_fields() compares the number of listed fields with
// the number of members of the aggregate. (Members of type std::array are not supported.)
#pragma once

#include <cstddef>
#include <tuple>
#include <type_traits>
#include <utility>

namespace tribunal {

template <class Member>
struct Field {
    const char* name;
    Member member;
};
template <class Member>
Field(const char*, Member) -> Field<Member>;

template <class T>
concept HasFields = requires { T::fields(); };

namespace detail {

struct Anything {
    template <class T>
    operator T() const;  // only named in unevaluated code
};

template <class T, std::size_t... I>
constexpr bool constructible_from(std::index_sequence<I...>) {
    return requires { T{(static_cast<void>(I), Anything{})...}; };
}

template <class T, std::size_t N = 0>
constexpr std::size_t member_count() {
    if constexpr (!constructible_from<T>(std::make_index_sequence<N + 1>{})) {
        return N;
    } else {
        return member_count<T, N + 1>();
    }
}

}  // namespace detail

// Calls visit(name, value) for every field in the order of the listing.
template <HasFields T, class Visit>
constexpr void visit_fields(T& object, Visit&& visit) {
    using Plain = std::remove_const_t<T>;
    constexpr auto listed = Plain::fields();
    static_assert(std::tuple_size_v<decltype(listed)> == detail::member_count<Plain>(),
                  "TRIBUNAL_FIELDS does not list every member");
    std::apply([&](const auto&... field) { (visit(field.name, object.*(field.member)), ...); },
               listed);
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
#define TRIBUNAL_FIELD_LIST(first, ...) \
    ::tribunal::Field{                  \
        #first, &Self::first} __VA_OPT__(, TRIBUNAL_FIELD_AGAIN TRIBUNAL_PARENS(__VA_ARGS__))
#define TRIBUNAL_FIELD_AGAIN() TRIBUNAL_FIELD_LIST

#define TRIBUNAL_FIELDS(Type, ...)                                                 \
    static constexpr auto fields() {                                               \
        using Self = Type;                                                         \
        return std::make_tuple(TRIBUNAL_EXPAND(TRIBUNAL_FIELD_LIST(__VA_ARGS__))); \
    }                                                                              \
    bool operator==(const Type&) const = default;
