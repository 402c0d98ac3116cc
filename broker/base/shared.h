// Shared<T>: a value that is copied by copying one pointer, and copied for real when edited while
// somebody else still holds it (copy-on-write). A world of nodes copies in time O(nodes).
//
// The count is atomic, so worlds that share parts may live on different threads; one Shared object
// itself belongs to one thread, like any value.
#pragma once

#include <memory>
#include <utility>

#include "broker/base/digest.h"

namespace tribunal {

template <class T>
class Shared {
  public:
    Shared() : value_(std::make_shared<T>()) {}
    explicit Shared(T value) : value_(std::make_shared<T>(std::move(value))) {}

    const T& operator*() const { return *value_; }
    const T* operator->() const { return value_.get(); }

    // The value to write to; clones it first when it is shared. The reference is good until this
    // object is next copied.
    T& edit() {
        if (is_shared()) clone();
        return *value_;
    }
    bool is_shared() const { return value_.use_count() != 1; }
    bool is_same_object(const Shared& other) const { return value_ == other.value_; }

    friend bool operator==(const Shared& a, const Shared& b) {
        return a.value_ == b.value_ || *a.value_ == *b.value_;
    }

  private:
    void clone();  // not inline: copying a whole broker is compiled once (extern template)
    std::shared_ptr<T> value_;
};

template <class T>
void Shared<T>::clone() {
    value_ = std::make_shared<T>(*value_);
}

template <class T>
void fold(Digest& d, const Shared<T>& x) {
    fold(d, *x);
}

}  // namespace tribunal
