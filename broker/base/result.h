// Result<T>: a value, or the protocol's own error code. For outcomes that are part of the protocol
// ("not the leader"); our bugs are CHECKs, a user's bad input is an exception at the edge.
#pragma once

#include <utility>
#include <variant>

#include "broker/base/check.h"

namespace tribunal {

template <class T, class Error>
class Result {
  public:
    Result(T value) : value_(std::move(value)) {}
    Result(Error error) : value_(error) {}
    explicit operator bool() const { return value_.index() == 0; }
    const T& operator*() const {
        CHECK(value_.index() == 0);
        return *std::get_if<0>(&value_);
    }
    const T* operator->() const { return &**this; }
    Error error() const {
        CHECK(value_.index() == 1);
        return *std::get_if<1>(&value_);
    }

  private:
    std::variant<T, Error> value_;
};

}  // namespace tribunal
