// CHECK: an assumption of our own code, always compiled in.
//
// A failed CHECK is a bug of Tribunal, never news from the simulated cluster: it throws
// CheckFailure, which only the run loop catches (exit status 4 with scenario and seed).
#pragma once

#include <stdexcept>

namespace tribunal {

struct CheckFailure : std::logic_error {
    using std::logic_error::logic_error;
};

[[noreturn]] void check_failed(const char* what, const char* file, int line);

}  // namespace tribunal

#define CHECK(condition) \
    ((condition) ? static_cast<void>(0) : ::tribunal::check_failed(#condition, __FILE__, __LINE__))
