// OneOf<TypeList<...>>: a value of one of many types, as std::variant is, for lists so long that
// the compiler would spend seconds on std::variant in every file that sees it.
//
// Copying, moving, destroying and comparing are compiled once, where the list is instantiated:
//
//     using MessageTypes = TypeList<ProduceRequest, ProduceResponse, ...>;
//     using Message = OneOf<MessageTypes>;
//     extern template class OneOf<MessageTypes>;     // in the header
//     template class OneOf<MessageTypes>;            // in one .cc
//
// Every type is moved without throwing. A moved-from value keeps its type.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <new>
#include <tuple>
#include <type_traits>
#include <utility>

#include "broker/base/check.h"

namespace tribunal {

namespace detail {

template <class T, class... Ts>
constexpr std::size_t index_among() {
    std::size_t index = 0;
    bool found = false;
    ((found = found || std::is_same_v<T, Ts>, index += found ? 0 : 1), ...);
    return index;
}

}  // namespace detail

template <class... Ts>
struct TypeList {};

template <class Types>
class OneOf;

template <class... Ts>
class OneOf<TypeList<Ts...>> {
  public:
    static constexpr std::size_t kTypes = sizeof...(Ts);
    template <class T>
    static constexpr std::size_t kIndexOf = detail::index_among<std::remove_cvref_t<T>, Ts...>();

    OneOf();  // the first type
    template <class T>
        requires(kIndexOf<T> < kTypes)
    OneOf(T&& value) : index_(static_cast<std::uint8_t>(kIndexOf<T>)) {
        ::new (static_cast<void*>(storage_)) std::remove_cvref_t<T>(std::forward<T>(value));
    }
    OneOf(const OneOf& other);
    OneOf(OneOf&& other) noexcept;
    OneOf& operator=(const OneOf& other);
    OneOf& operator=(OneOf&& other) noexcept;
    ~OneOf();

    // The place of the type in the list.
    std::size_t index() const { return index_; }

    template <class T>
    bool holds() const {
        static_assert(kIndexOf<T> < kTypes);
        return index_ == kIndexOf<T>;
    }
    // Null when it holds another type.
    template <class T>
    const T* get_if() const {
        return holds<T>() ? std::launder(reinterpret_cast<const T*>(storage_)) : nullptr;
    }
    template <class T>
    T* get_if() {
        return holds<T>() ? std::launder(reinterpret_cast<T*>(storage_)) : nullptr;
    }
    template <class T>
    const T& get() const {
        CHECK(holds<T>());
        return *get_if<T>();
    }
    template <class T>
    T& get() {
        CHECK(holds<T>());
        return *get_if<T>();
    }

    // Calls f with the value; all types give the same result type.
    template <class F>
    decltype(auto) visit(F&& f) const {
        return visit_as<const std::byte>(*this, f);
    }
    template <class F>
    decltype(auto) visit(F&& f) {
        return visit_as<std::byte>(*this, f);
    }

    bool operator==(const OneOf& other) const;

  private:
    template <class Byte, class Self, class F>
    static decltype(auto) visit_as(Self& self, F& f);

    static constexpr std::size_t kSize = std::max({sizeof(Ts)...});
    static constexpr std::size_t kAlignment = std::max({alignof(Ts)...});
    static_assert(kTypes < 256);

    alignas(kAlignment) std::byte storage_[kSize];
    std::uint8_t index_ = 0;
};

template <class... Ts>
template <class Byte, class Self, class F>
decltype(auto) OneOf<TypeList<Ts...>>::visit_as(Self& self, F& f) {
    using First = std::tuple_element_t<0, std::tuple<Ts...>>;
    using Result = decltype(f(*self.template get_if<First>()));
    using Call = Result (*)(F&, Byte*);
    static constexpr Call kCalls[] = {[](F& call, Byte* storage) -> Result {
        using T = std::conditional_t<std::is_const_v<Byte>, const Ts, Ts>;
        return call(*std::launder(reinterpret_cast<T*>(storage)));
    }...};
    return kCalls[self.index_](f, self.storage_);
}

template <class... Ts>
OneOf<TypeList<Ts...>>::OneOf() : OneOf(std::tuple_element_t<0, std::tuple<Ts...>>{}) {}

template <class... Ts>
OneOf<TypeList<Ts...>>::OneOf(const OneOf& other) : index_(other.index_) {
    other.visit([&](const auto& value) {
        ::new (static_cast<void*>(storage_)) std::remove_cvref_t<decltype(value)>(value);
    });
}

template <class... Ts>
OneOf<TypeList<Ts...>>::OneOf(OneOf&& other) noexcept : index_(other.index_) {
    other.visit([&](auto& value) {
        using T = std::remove_cvref_t<decltype(value)>;
        static_assert(std::is_nothrow_move_constructible_v<T>);
        ::new (static_cast<void*>(storage_)) T(std::move(value));
    });
}

template <class... Ts>
OneOf<TypeList<Ts...>>& OneOf<TypeList<Ts...>>::operator=(const OneOf& other) {
    if (this != &other) *this = OneOf(other);
    return *this;
}

template <class... Ts>
OneOf<TypeList<Ts...>>& OneOf<TypeList<Ts...>>::operator=(OneOf&& other) noexcept {
    if (this != &other) {
        this->~OneOf();
        ::new (static_cast<void*>(this)) OneOf(std::move(other));
    }
    return *this;
}

template <class... Ts>
OneOf<TypeList<Ts...>>::~OneOf() {
    visit([](auto& value) {
        using T = std::remove_cvref_t<decltype(value)>;
        value.~T();
    });
}

template <class... Ts>
bool OneOf<TypeList<Ts...>>::operator==(const OneOf& other) const {
    if (index_ != other.index_) return false;
    return visit([&](const auto& value) {
        return value == *other.template get_if<std::remove_cvref_t<decltype(value)>>();
    });
}

}  // namespace tribunal
